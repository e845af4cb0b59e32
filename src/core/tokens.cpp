/* SPDX-License-Identifier: PostgreSQL */
/* Sorting of token lists, and removal from the token table. */
#include "tokens.hpp"

namespace hllset
{

namespace
{

/* Below, comparisons cost less than to count and to pass over 256 places four times. */
constexpr size_t kLeastRadix = 128;

} // namespace

/* By radix from the lowest byte (Knuth 5.2.5, Algorithm R): an even number of passes ends where it began. */
void
sort_tokens(Coupon *tokens, size_t count, Coupon *spare)
{
	uint32_t	place[4][256] = {};

	if (count < kLeastRadix)
		return std::sort(tokens, tokens + count);
	for (size_t i = 0; i < count; i++)
		for (int byte = 0; byte < 4; byte++)
			place[byte][tokens[i] >> 8 * byte & 255]++;
	for (int byte = 0; byte < 4; byte++)
	{
		uint32_t	sum = 0;

		for (uint32_t &next : place[byte])
		{
			uint32_t	first = sum;

			sum += next;
			next = first;
		}
		for (size_t i = 0; i < count; i++)
			spare[place[byte][tokens[i] >> 8 * byte & 255]++] = tokens[i];
		std::swap(tokens, spare);
	}
}

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
