/* SPDX-License-Identifier: PostgreSQL */
/* Questions and changes, value by value. */
#include "truth_table.hpp"

namespace hllset
{

bool
TruthTable::depends_on(int i) const
{
	for (uint32_t x = 0; x < size(); x++)
		if (get(x) != get(x ^ 1u << i))
			return true;
	return false;
}

bool
TruthTable::sees_union_of(int i, int j) const
{
	uint32_t bi = 1u << i;
	uint32_t bj = 1u << j;

	for (uint32_t x = 0; x < size(); x++)
		if ((x & (bi | bj)) == 0 && (get(x | bi) != get(x | bj) || get(x | bi) != get(x | bi | bj)))
			return false;
	return true;
}

void
TruthTable::drop(int j, int same)
{
	TruthTable rest(sources_ - 1);

	for (uint32_t x = 0; x < rest.size(); x++)
	{
		uint32_t low = x & ((1u << j) - 1);
		uint32_t old = (x ^ low) << 1 | low;

		if (same >= 0)
			old |= (old >> same & 1) << j;
		rest.put(x, get(old));
	}
	*this = rest;
}

void
TruthTable::reorder(const int *order)
{
	TruthTable sorted(sources_);

	for (uint32_t x = 0; x < size(); x++)
	{
		uint32_t old = 0;

		for (int i = 0; i < sources_; i++)
			old |= (x >> i & 1) << order[i];
		sorted.put(x, get(old));
	}
	*this = sorted;
}

} // namespace hllset
