/* SPDX-License-Identifier: PostgreSQL */
/* The state of a set while it is worked on, with its tokens as a sorted list: merge, add, normalise, encode. */
#pragma once

#include "format.hpp"
#include "tokens.hpp"

namespace hllset
{

/*
 * Lives in a workspace of the caller's. Between calls it is normalised: L0 is the one that docs/format.md demands of the elements
 * merged so far. Precision and form are fixed at the start and may not be finer than those of what is merged.
 */
class Graded
{
public:
	/* What a state has room for. */
	struct Room
	{
		size_t matrix_words;
		size_t held;     /* tokens, while others are merged */
		size_t incoming; /* tokens of one that is merged */
		size_t written;  /* bytes of the result */

		size_t
		bytes() const
		{
			return matrix_words * 8 + (2 * held + incoming) * sizeof(Coupon) + written;
		}
	};

	/* Of a state of `precision` that merges sets of up to `finest`; and of one that stays small, with no more than so many tokens merged. */
	static Room room(int precision, int finest);
	static Room small_room(size_t tokens);

	static size_t
	work_size(int precision, int finest)
	{
		return room(precision, finest).bytes();
	}

	Graded(void *work, int precision, bool compact, const Room &room);

	Graded(void *work, int precision, bool compact, int finest)
		: Graded(work, precision, compact, room(precision, finest))
	{
	}

	/*
	 * The view's precision is at least the state's: a finer one is folded while it is read, its planes by Matrix::merge_word(), its tokens
	 * by Place::bits(). A compact view needs a compact state.
	 */
	HllsetStatus merge(const View &view);

	/* Two at once, into an empty state. */
	HllsetStatus merge(const View &a, const View &b);

	bool contains(Coupon full) const;
	void add(Coupon full);

	/* Adds that take effect at the next settle(), many at a time. */
	void append(Coupon full);
	void settle();

	/* Of a view that has been merged, they are the same if it has all cells of the state. */
	Counts counts() const;

	/* The counts are the state's. */
	HllsetBytes encode(const Counts &counts);

	HllsetBytes
	encode()
	{
		return encode(counts());
	}

private:
	void absorb(Coupon token);
	void flush(bool sorted);
	void raise(int level0);
	void cut_tokens(int bits);
	void normalise();

	int
	first_level0() const
	{
		return compact_ ? kLevels : 1;
	}

	int precision_;
	bool compact_;
	int level0_ = 0;
	Matrix matrix_;  /* planes below level0_ are valid */
	Coupon *tokens_; /* sorted, distinct */
	size_t count_ = 0;
	Coupon *incoming_; /* tokens that a merge has read, not yet among tokens_ */
	size_t incoming_count_ = 0;
	size_t incoming_limit_;
	Coupon *spare_;
	uint8_t *out_;
};

} // namespace hllset
