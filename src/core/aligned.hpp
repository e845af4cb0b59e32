/* SPDX-License-Identifier: PostgreSQL */
/* Several sets side by side at one precision and one L0, so that their cells can be compared. */
#pragma once

#include "format.hpp"
#include "tokens.hpp"

namespace hllset
{

/* Three expressions of six sources. */
inline constexpr int kMaxAligned = 18;

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

	/* patterns[S], S = 1 .. 2^count - 1: how many cells of a level below L0 are ones in exactly the sets of S. scratch: one plane for
	 * each S. */
	void count_patterns(int level, uint32_t *patterns, uint64_t *scratch) const;

private:
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

	int precision_ = kMinPrecision;
	int level0_ = 0;
	bool with_planes_ = false;
	int count_ = 0;
	size_t stride_ = 0; /* room for the tokens of one set */
	uint64_t *planes_ = nullptr;
	Coupon *spare_ = nullptr; /* room for the tokens of a set that are sorted */
	Coupon *tokens_ = nullptr;
};

} // namespace hllset
