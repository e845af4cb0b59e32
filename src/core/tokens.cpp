/* SPDX-License-Identifier: PostgreSQL */
/* Sorting of token lists, and removal from the token table. */
#include "tokens.hpp"

#include <cstring>

namespace hllset
{

namespace
{

/* Below, it costs less to insert each where it belongs, and to look at each one's level. */
constexpr size_t kLeastSpread = 16;

/* Below, counting and passing over 256 places four times costs more than spreading. */
constexpr size_t kLeastRadix = 128;

void
sort_by_insertion(const Coupon *from, size_t count, Coupon *to)
{
	for (size_t i = 0; i < count; i++)
	{
		Coupon token = from[i];
		size_t place = i;

		for (; place > 0 && to[place - 1] > token; place--)
			to[place] = to[place - 1];
		to[place] = token;
	}
}

/* Where a coupon stands among all of them, in 2^-32: half are of level 0, a quarter of level 1, and so on. */
constexpr uint32_t
rank_of(Coupon token)
{
	int level = level_of(token);
	uint64_t above = uint64_t{0xffffffff} >> level;

	return static_cast<uint32_t>(~above |
								 (uint64_t{address_of(token)} << (31 - kAddressBits) >> level));
}

/*
 * By distribution (Knuth 5.2.1, Algorithm M): each token to the place that it would have if the others were spread evenly, as hashes are;
 * insertion then moves it by little. Tokens that are not spread take longer, but they are few.
 */
void
sort_by_spreading(Coupon *tokens, size_t count, Coupon *spare)
{
	uint8_t cell[kLeastRadix];
	uint8_t next[kLeastRadix] = {};
	uint8_t sum = 0;

	for (size_t i = 0; i < count; i++)
	{
		cell[i] = static_cast<uint8_t>(uint64_t{rank_of(tokens[i])} * count >> 32);
		next[cell[i]]++;
	}
	for (size_t i = 0; i < count; i++)
	{
		uint8_t first = sum;

		sum = static_cast<uint8_t>(sum + next[i]);
		next[i] = first;
	}
	for (size_t i = 0; i < count; i++)
		spare[next[cell[i]]++] = tokens[i];
	sort_by_insertion(spare, count, tokens);
}

} // namespace

/* Many by radix from the lowest byte (Knuth 5.2.5, Algorithm R): an even number of passes ends where it began. */
void
sort_tokens(Coupon *tokens, size_t count, Coupon *spare)
{
	if (count < kLeastSpread)
		return sort_by_insertion(tokens, count, tokens);
	if (count < kLeastRadix)
		return sort_by_spreading(tokens, count, spare);

	uint32_t place[4][256] = {};

	for (size_t i = 0; i < count; i++)
		for (int byte = 0; byte < 4; byte++)
			place[byte][tokens[i] >> 8 * byte & 255]++;
	for (int byte = 0; byte < 4; byte++)
	{
		uint32_t sum = 0;

		for (uint32_t &next : place[byte])
		{
			uint32_t first = sum;

			sum += next;
			next = first;
		}
		for (size_t i = 0; i < count; i++)
			spare[place[byte][tokens[i] >> 8 * byte & 255]++] = tokens[i];
		std::swap(tokens, spare);
	}
}

void
count_levels(const Coupon *tokens, size_t count, uint32_t *ones)
{
	const Coupon *end = tokens + count;

	if (count < kLeastSpread)
	{
		for (; tokens < end; tokens++)
			ones[level_of(*tokens)]++;
		return;
	}
	while (tokens < end)
	{
		int level = level_of(*tokens);
		const Coupon *next =
			std::upper_bound(tokens, end, coupon_at(level, address_of(~Coupon{0})));

		ones[level] += static_cast<uint32_t>(next - tokens);
		tokens = next;
	}
}

/*
 * Without branches: which list has the next token is as random as the hash. Each step waits for the one before, so the lists are merged from both ends
 * at once: what the second half gives lies at the end of `out` first.
 */
size_t
unite_sorted(std::span<const Coupon> a, std::span<const Coupon> b, Coupon *out)
{
	const Coupon *first_a = a.data();
	const Coupon *first_b = b.data();
	const Coupon *end_a = first_a + a.size();
	const Coupon *end_b = first_b + b.size();
	Coupon *next = out;
	Coupon *end = out + a.size() + b.size();
	Coupon *last = end;

	while (end_a - first_a >= 2 && end_b - first_b >= 2)
	{
		Coupon x = *first_a;
		Coupon y = *first_b;
		Coupon u = end_a[-1];
		Coupon v = end_b[-1];

		*next++ = std::min(x, y);
		first_a += x <= y;
		first_b += y <= x;
		*--last = std::max(u, v);
		end_a -= u >= v;
		end_b -= v >= u;
	}
	while (first_a < end_a && first_b < end_b)
	{
		Coupon x = *first_a;
		Coupon y = *first_b;

		*next++ = std::min(x, y);
		first_a += x <= y;
		first_b += y <= x;
	}
	next = std::copy(first_a, end_a, next);
	next = std::copy(first_b, end_b, next);
	if (next != last)
		memmove(next, last, static_cast<size_t>(end - last) * sizeof(Coupon));
	return static_cast<size_t>(next - out + (end - last));
}

/* Without branches and from both ends, as unite_sorted(). */
void
count_common(std::span<const Coupon> a, std::span<const Coupon> b, uint32_t *common)
{
	const Coupon *first_a = a.data();
	const Coupon *first_b = b.data();
	const Coupon *end_a = first_a + a.size();
	const Coupon *end_b = first_b + b.size();

	while (end_a - first_a >= 2 && end_b - first_b >= 2)
	{
		Coupon x = *first_a;
		Coupon y = *first_b;
		Coupon u = end_a[-1];
		Coupon v = end_b[-1];

		common[level_of(x)] += x == y;
		first_a += x <= y;
		first_b += y <= x;
		common[level_of(u)] += u == v;
		end_a -= u >= v;
		end_b -= v >= u;
	}
	while (first_a < end_a && first_b < end_b)
	{
		Coupon x = *first_a;
		Coupon y = *first_b;

		common[level_of(x)] += x == y;
		first_a += x <= y;
		first_b += y <= x;
	}
}

size_t
sort_unique(Coupon *tokens, size_t count, Coupon *spare)
{
	sort_tokens(tokens, count, spare);
	return static_cast<size_t>(std::unique(tokens, tokens + count) - tokens);
}

void
TokenTable::copy(Coupon *out, uint32_t count) const
{
	pick(0, is_list() ? count : slot_count_, out, [](uint32_t slot) { return slot != 0; });
}

uint32_t
TokenTable::free_slot() const
{
	uint32_t slot = 0;

	while (slots_[slot] != 0)
		slot++;
	return slot;
}

/*
 * Moves tokens back to where a search finds them after others were taken out: from a slot that was free before, so that no search passes
 * over it, each in turn to the first free slot from its home on, which is none behind it (after Knuth 6.4, Algorithm R).
 */
void
TokenTable::close_gaps(uint32_t barrier)
{
	close_gaps(barrier + 1, slot_count_);
	close_gaps(0, barrier);
}

/* Tokens that are at home stay there; so which of a batch may move is known beforehand. */
void
TokenTable::close_gaps(uint32_t first, uint32_t end)
{
	for (; first < end; first += kBatch)
	{
		uint32_t places[kBatch];
		uint32_t count = 0;

		for (uint32_t i = first; i < std::min(first + kBatch, end); i++)
		{
			places[count] = i;
			count += (slots_[i] != 0) & (start(slots_[i] & ~kOccupied) != i);
		}
		for (uint32_t k = 0; k < count; k++)
		{
			Coupon token = slots_[places[k]] & ~kOccupied;

			slots_[places[k]] = 0;
			insert(token);
		}
	}
}

} // namespace hllset
