/* SPDX-License-Identifier: PostgreSQL */
/* Sorting of token lists, and removal from the token table. */
#include "tokens.hpp"

namespace hllset
{

size_t
sort_unique(std::span<Coupon> tokens)
{
	std::sort(tokens.begin(), tokens.end());
	return static_cast<size_t>(std::unique(tokens.begin(), tokens.end()) - tokens.begin());
}

uint32_t
TokenTable::copy(Coupon *out) const
{
	uint32_t	count = 0;

	for_each([&](Coupon token) { out[count++] = token; });
	return count;
}

/* Backward-shift deletion: closes the gap with later tokens whose probe passed over it (Knuth 6.4, Algorithm R). */
void
TokenTable::remove(uint32_t slot)
{
	for (uint32_t i = next(slot); slots_[i] != 0; i = next(i))
	{
		uint32_t	start = home(slots_[i] & ~kOccupied);
		bool		reachable = slot <= i ? (start <= slot || start > i) : (start <= slot && start > i);

		if (reachable)
		{
			slots_[slot] = slots_[i];
			slot = i;
		}
	}
	slots_[slot] = 0;
}

} // namespace hllset
