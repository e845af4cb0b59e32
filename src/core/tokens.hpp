/* SPDX-License-Identifier: PostgreSQL */
/* The levels from L0 up: sorted lists of coupons, and the hash table that accumulates them. */
#pragma once

#include <span>

#include "coupon.hpp"

namespace hllset
{

/* Writes the tokens of one level, which it is given by their addresses, with so many bits of them. */
class TokenWriter
{
public:
	TokenWriter(Coupon *next, int level, int bits)
		: next_(next), level_(coupon_at(level, 0)), mask_((1u << bits) - 1)
	{
	}

	void
	operator()(uint32_t address)
	{
		*next_++ = level_ | (address & mask_);
	}

private:
	Coupon *next_;
	Coupon level_;
	uint32_t mask_;
};

/* In place; spare is room for as many. */
void sort_tokens(Coupon *tokens, size_t count, Coupon *spare);

/* Adds to ones[k] how many sorted tokens are of level k. */
void count_levels(const Coupon *tokens, size_t count, uint32_t *ones);

/* The union of two sorted lists of distinct tokens, to a place with room for both; returns its length. */
size_t unite_sorted(std::span<const Coupon> a, std::span<const Coupon> b, Coupon *out);

/* Adds to common[k] how many tokens of level k both of two sorted lists of distinct tokens have. */
void count_common(std::span<const Coupon> a, std::span<const Coupon> b, uint32_t *common);

/* Sorts and drops duplicates; returns the new length. spare is room for as many. */
size_t sort_unique(Coupon *tokens, size_t count, Coupon *spare);

/*
 * Open addressing with linear probing over memory of the caller's. A slot is 0 or a coupon with the highest bit set. Any number
 * of slots does, so that a table fills its allocation to the last word. The multiplier, an odd number, decides the order: one that
 * others can't guess keeps crafted tokens from meeting in one place.
 *
 * A table of a few slots is a list: tokens lie as they came, from the first slot on. With many small sets in turn, each search waits for memory, and
 * a list takes no more lines of it than its tokens need.
 */
class TokenTable
{
public:
	TokenTable(uint32_t *slots, uint32_t slot_count, uint32_t multiplier)
		: slots_(slots), slot_count_(slot_count), multiplier_(multiplier)
	{
	}

	/* The most tokens that a table should hold: probes stay short up to seven eighths. */
	static constexpr uint32_t
	capacity(uint32_t slot_count)
	{
		return slot_count - slot_count / 8;
	}

	/* True if it was not there. The table must have a free slot. */
	bool
	insert(Coupon token) const
	{
		uint32_t wanted = token | kOccupied;
		uint32_t i = 0;

		if (is_list())
			for (; slots_[i] != wanted && slots_[i] != 0; i++)
				;
		else
			for (i = home(token); slots_[i] != wanted && slots_[i] != 0; i = next(i))
				;
		if (slots_[i] == wanted)
			return false;
		slots_[i] = wanted;
		return true;
	}

	/* Where an insert will look first. */
	void
	prefetch(Coupon token) const
	{
		__builtin_prefetch(slots_ + start(token), 1);
	}

	/* All tokens, in no order. */
	template <typename Sink>
	void
	for_each(Sink &&sink) const
	{
		for (uint32_t i = 0; i < slot_count_; i += kBatch)
		{
			Coupon batch[kBatch];
			uint32_t count = pick(i, i + kBatch, batch, [](uint32_t slot) { return slot != 0; });

			for (uint32_t k = 0; k < count; k++)
				sink(batch[k]);
		}
	}

	/* Takes out all tokens below a level, each through the sink; returns how many. There must be a free slot. */
	template <typename Sink>
	uint32_t
	remove_below(int level, Sink &&sink)
	{
		constexpr uint32_t kFirst = kOccupied >> kAddressBits;
		uint32_t removed = 0;

		if (slot_count_ == 0)
			return 0;

		uint32_t barrier = free_slot();

		for (uint32_t i = 0; i < slot_count_; i += kBatch)
		{
			Coupon batch[kBatch];
			uint32_t count = pick(i, i + kBatch, batch, [level](uint32_t &slot) {
				/* of a free slot this wraps around */
				bool hit = (slot >> kAddressBits) - kFirst < static_cast<uint32_t>(level);

				slot = hit ? 0 : slot;
				return hit;
			});

			for (uint32_t k = 0; k < count; k++)
				sink(batch[k]);
			removed += count;
		}
		close_gaps(barrier);
		return removed;
	}

	/* All `count` tokens, in no order. There must be room for one more. */
	void copy(Coupon *out, uint32_t count) const;

private:
	static constexpr uint32_t kOccupied = 1u << 31;
	static constexpr uint32_t kBatch = 64;
	static constexpr uint32_t kListSlots = 24;

	bool
	is_list() const
	{
		return slot_count_ <= kListSlots;
	}

	/* The tokens of the slots that `hit` says, and one more; without branches: which slots those are is as random as the hash. */
	template <typename Hit>
	uint32_t
	pick(uint32_t first, uint32_t end, Coupon *out, Hit &&hit) const
	{
		uint32_t count = 0;

		end = std::min(end, slot_count_);
		for (uint32_t i = first; i < end; i++)
		{
			out[count] = slots_[i] & ~kOccupied;
			count += hit(slots_[i]);
		}
		return count;
	}

	/* Multiplicative hashing (Knuth 6.4), scaled to the number of slots by another multiplication instead of a mask. */
	uint32_t
	home(Coupon token) const
	{
		uint32_t mixed = token * multiplier_;

		return static_cast<uint32_t>(uint64_t{mixed} * slot_count_ >> 32);
	}

	/* Where the search for a token begins. */
	uint32_t
	start(Coupon token) const
	{
		return is_list() ? 0 : home(token);
	}

	uint32_t
	next(uint32_t slot) const
	{
		return slot + 1 == slot_count_ ? 0 : slot + 1;
	}

	uint32_t free_slot() const;
	void close_gaps(uint32_t barrier);
	void close_gaps(uint32_t first, uint32_t end);

	uint32_t *slots_;
	uint32_t slot_count_;
	uint32_t multiplier_;
};

} // namespace hllset
