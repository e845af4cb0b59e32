/* SPDX-License-Identifier: PostgreSQL */
/*
 * Counts of the set of n random elements, drawn without elements: how many fall on each level, and which cells of a level they hit, as
 * uniform hashes would. A set of 2^38 elements takes no longer than a small one.
 */
#pragma once

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "core/format.hpp"
#include "core/tokens.hpp"

namespace hllset::test
{

class CountsDrawer
{
public:
	explicit CountsDrawer(uint64_t seed) : random_(seed) {}

	Counts
	draw(uint64_t n, int precision, bool compact)
	{
		Counts counts = {};

		counts.precision = precision;
		counts.compact = compact;
		split(n);
		if (draw_small(counts))
			return counts;
		for (int k = 0; k < kLevels; k++)
			counts.ones[k] = 0;
		counts.level0 = kLevels;
		counts.tokens = 0;
		if (!compact)
			draw_tokens(counts);

		/* the level whose tokens were too many has been drawn with them */
		int end = compact ? kLevels : counts.level0 - poured_;

		for (int k = 0; k < end; k++)
			counts.ones[k] = hit_cells(elements_[k], precision);
		return counts;
	}

	/* From low to high, by the logarithm. */
	uint64_t
	number(double low, double high)
	{
		return static_cast<uint64_t>(
			std::llround(low * std::pow(high / low, std::generate_canonical<double, 53>(random_))));
	}

private:
	/* Beyond so many elements a cell, none is empty: the chance is e^-40. */
	static constexpr uint64_t kFull = 40;

	/* Beyond so many elements half of them are normally distributed. */
	static constexpr uint64_t kMany = 4096;

	/* How many of n elements are on each level: half of those that are on no lower one. */
	void
	split(uint64_t n)
	{
		for (int k = 0; k < kLevels - 1; k++)
		{
			elements_[k] = half_of(n);
			n -= elements_[k];
		}
		elements_[kLevels - 1] = n;
	}

	uint64_t
	half_of(uint64_t n)
	{
		uint64_t half = 0;

		if (n > kMany)
		{
			double count = static_cast<double>(n);
			double drawn =
				std::normal_distribution<double>(count / 2, std::sqrt(count) / 2)(random_);

			return std::min(static_cast<uint64_t>(std::llround(std::max(drawn, 0.0))), n);
		}
		for (; n >= 64; n -= 64)
			half += static_cast<uint64_t>(std::popcount(random_()));
		return half + static_cast<uint64_t>(std::popcount(random_() & ((uint64_t{1} << n) - 1)));
	}

	/* Of so many elements the distinct addresses. */
	void
	draw_addresses(uint64_t elements, int bits)
	{
		addresses_.clear();
		for (; elements > 0; elements--)
			addresses_.push_back(static_cast<uint32_t>(random_() >> (64 - bits)));
		std::sort(addresses_.begin(), addresses_.end());
		addresses_.erase(std::unique(addresses_.begin(), addresses_.end()), addresses_.end());
	}

	/* The state if all coupons go into the list. */
	bool
	draw_small(Counts &counts)
	{
		uint64_t all = 0;

		for (uint64_t elements : elements_)
			all += elements;
		if (all > 2 * list_limit(counts.precision))
			return false;
		for (int k = 0; k < kLevels; k++)
		{
			draw_addresses(elements_[k], kAddressBits);
			counts.ones[k] = static_cast<uint32_t>(addresses_.size());
			counts.tokens += counts.ones[k];
		}
		return counts.tokens <= list_limit(counts.precision);
	}

	/* L0 and the tokens, from the highest level down until one has too many. */
	void
	draw_tokens(Counts &counts)
	{
		uint32_t limit = list_limit(counts.precision);
		int bits = token_bits(counts.precision, 1);

		poured_ = 0;
		for (int k = kLevels - 1; k > 0; k--)
		{
			/* of 256 m addresses or more, that many elements hit more than m/4 */
			if (elements_[k] > 2 * limit + 64)
				return;
			draw_addresses(elements_[k], bits);
			if (counts.tokens + addresses_.size() > limit)
			{
				for (uint32_t &address : addresses_)
					address &= buckets(counts.precision) - 1;
				std::sort(addresses_.begin(), addresses_.end());
				poured_ = 1;
				counts.ones[k] = static_cast<uint32_t>(
					std::unique(addresses_.begin(), addresses_.end()) - addresses_.begin());
				return;
			}
			counts.level0 = k;
			counts.ones[k] = static_cast<uint32_t>(addresses_.size());
			counts.tokens += counts.ones[k];
		}
	}

	uint32_t
	hit_cells(uint64_t elements, int precision)
	{
		uint64_t cells = buckets(precision);
		uint32_t hit = 0;

		if (elements > kFull * cells)
			return static_cast<uint32_t>(cells);
		cells_.assign((cells + 63) / 64, 0);
		for (; elements > 0; elements--)
		{
			uint64_t cell = random_() >> (64 - precision);

			cells_[cell / 64] |= uint64_t{1} << cell % 64;
		}
		for (uint64_t word : cells_)
			hit += static_cast<uint32_t>(std::popcount(word));
		return hit;
	}

	std::mt19937_64 random_;
	uint64_t elements_[kLevels];
	int poured_ = 0;
	std::vector<uint32_t> addresses_;
	std::vector<uint64_t> cells_;
};

} // namespace hllset::test
