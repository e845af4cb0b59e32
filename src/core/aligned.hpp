/* SPDX-License-Identifier: PostgreSQL */
/* Several sets side by side at one precision and one L0, so that their cells can be compared. */
#pragma once

#include "reader.hpp"

namespace hllset
{

/* Three expressions of six sources. */
inline constexpr int kMaxAligned = HLLSET_MAX_ALIGNED;

class Aligned
{
public:
	/* Bytes of workspace for so many sets of precisions up to `finest`. Without planes only tokens are kept. */
	static size_t work_size(int sources, int precision, int finest, bool with_planes);

	Aligned() = default;

	/* level0 is at least that of each set. */
	Aligned(void *work, int sources, int precision, int level0, int finest, bool with_planes);

	/* Adds the next set, or a sample if there are no planes. Without planes nothing below level0 is read. */
	HllsetStatus add(const View &view);

	/* Adds two sets that are all, in one pass if they are of this precision and with planes: then what both have is counted here. */
	HllsetStatus add(const View &a, const View &b);

	int
	count() const
	{
		return count_;
	}

	int
	level0() const
	{
		return level0_;
	}

	/* Calls sink(token, pattern) in ascending order; bit i of the pattern tells that set i has the token. */
	template <typename Sink>
	void
	for_each_token(Sink &&sink) const
	{
		if (count_ == 2)
			return for_each_of_two(sink);

		const Coupon *next[kMaxAligned];

		for (int i = 0; i < count_; i++)
			next[i] = tokens(i);
		for (;;)
		{
			Coupon least = kNoToken;
			uint32_t pattern = 0;

			for (int i = 0; i < count_; i++)
				least = std::min(least, *next[i]);
			if (least == kNoToken)
				return;
			for (int i = 0; i < count_; i++)
			{
				uint32_t has = *next[i] == least;

				pattern |= has << i;
				next[i] += has;
			}
			sink(least, pattern);
		}
	}

	/* The same for those tokens that all sets of the mask have, which is not 0: no more are looked at than one of these has. */
	template <typename Sink>
	void
	for_each_common_token(uint32_t sets, Sink &&sink) const
	{
		int first = std::countr_zero(sets);
		const Coupon *next[kMaxAligned];

		for (int i = 0; i < count_; i++)
			next[i] = tokens(i);
		for (const Coupon *token = tokens(first); *token != kNoToken; token++)
		{
			uint32_t pattern = 0;

			/* the first set that lacks it ends the search; later ones catch up with a later token */
			for (int i = 0; i < count_ && (~pattern & sets & ((1u << i) - 1)) == 0; i++)
			{
				while (*next[i] < *token)
					next[i]++;
				pattern |= static_cast<uint32_t>(*next[i] == *token) << i;
			}
			if ((~pattern & sets) == 0)
				sink(*token, pattern);
		}
	}

	/* What add() has counted of a pair; else it is counted here.
	 * patterns[S], S = 1 .. 2^count - 1: how many cells of a level below L0 are ones in exactly the sets of S. scratch: one plane for
	 * each S. */
	void count_patterns(int level, uint32_t *patterns, uint64_t *scratch) const;

	/* The same of the tokens: adds to patterns[(k << shift) + S]. */
	void count_token_patterns(uint32_t *patterns, int shift) const;

private:
	void finish(const View &view, int i);

	/* Greater than any: the end of each list, so that merging needs no lengths, and no branch that the tokens decide. */
	static constexpr Coupon kNoToken = ~Coupon{0};

	template <typename Sink>
	void
	for_each_of_two(Sink &&sink) const
	{
		const Coupon *a = tokens(0);
		const Coupon *b = tokens(1);

		while ((*a & *b) != kNoToken)
		{
			Coupon least = std::min(*a, *b);
			uint32_t in_a = *a == least;
			uint32_t in_b = *b == least;

			sink(least, in_a | in_b << 1);
			a += in_a;
			b += in_b;
		}
	}

	/* A set's tokens and their end, in whole words. */
	static constexpr size_t
	stride(int finest)
	{
		return list_limit(finest) + 2;
	}

	Coupon *
	tokens(int i) const
	{
		return tokens_ + static_cast<size_t>(i) * stride_;
	}

	Matrix
	matrix(int i) const
	{
		return Matrix(planes_ + static_cast<size_t>(i) * kLevels * plane_words(precision_),
					  precision_);
	}

	Place
	place(int i) const
	{
		return {matrix(i), level0_, tokens(i)};
	}

	int precision_ = kMinPrecision;
	int level0_ = 0;
	bool with_planes_ = false;
	int count_ = 0;
	bool is_pair_ = false;                /* of the planes only in_both_ is known */
	uint32_t ones_[kMaxSources][kLevels]; /* of the planes */
	uint32_t in_both_[kLevels];
	uint32_t lengths_[kMaxAligned]; /* of the lists of tokens */
	size_t stride_ = 0;             /* room for the tokens of one set */
	uint64_t *planes_ = nullptr;
	Coupon *spare_ = nullptr; /* room for the tokens of a set that are sorted */
	Coupon *tokens_ = nullptr;
};

} // namespace hllset
