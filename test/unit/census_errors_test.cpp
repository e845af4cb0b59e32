/* SPDX-License-Identifier: PostgreSQL */
/* The standard errors that a census tells. */
#include "core/census.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "algebra_model.hpp"
#include "random_sets.hpp"

namespace hllset::test
{

/* An overlap with a set of a few elements is no less certain than these are many, however large the other set is. */
TEST(Census, ErrorOfARegionIsNoLargerThanWhatCanBeThere)
{
	Random random(180);
	Bytes large = set_of(random_hashes(random, 300000), 6);

	for (size_t count : {1, 4, 16})
	{
		Hashes few = random_hashes(random, count);
		Bytes small = set_of(few, 6);
		std::vector<HllsetEstimate> regions = venn({large, small});

		for (size_t x : {2, 3})
			EXPECT_LE(regions[x].standard_error, static_cast<double>(count));
		EXPECT_LE(estimate(intersect(large, small)).standard_error, static_cast<double>(count));
		EXPECT_LE(estimate(subtract(small, large)).standard_error, static_cast<double>(count));
	}
}

/*
 * Six sources are too many for 16 buckets to tell their 63 regions apart. The errors are large, but not as if each of the empty ones could
 * be as large as its own error.
 */
TEST(Census, ErrorsOfManyRegionsInFewBuckets)
{
	Random random(181);
	constexpr int kTrials = 60;
	double told = 0;
	double seen = 0;

	for (int trial = 0; trial < kTrials; trial++)
	{
		Hashes common = random_hashes(random, 100);
		Bytes all;

		for (int i = 0; i < kMaxSources; i++)
		{
			Hashes hashes = random_hashes(random, 900);

			hashes.insert(hashes.end(), common.begin(), common.end());
			all = i == 0 ? set_of(hashes, 4) : intersect(all, set_of(hashes, 4));
		}

		HllsetEstimate made = estimate(all);

		told += made.standard_error * made.standard_error / kTrials;
		seen += std::pow(made.cardinality - 100, 2) / kTrials;
	}
	EXPECT_GT(std::sqrt(told), std::sqrt(seen));
	EXPECT_LT(std::sqrt(told), 300);
}

/* The truth lies within the errors that the answer tells: bias and spread over many pairs. */
TEST(Census, ErrorsAreThoseToldOfThem)
{
	Random random(179);
	double sum = 0;
	double squares = 0;
	constexpr int kTrials = 150;

	for (int trial = 0; trial < kTrials; trial++)
	{
		Hashes left = random_hashes(random, 20000);
		Hashes right = random_hashes(random, 20000);
		Hashes common = random_hashes(random, 10000);

		left.insert(left.end(), common.begin(), common.end());
		right.insert(right.end(), common.begin(), common.end());

		HllsetEstimate made = estimate(
			intersect(set_of(left, 10, trial % 2 == 0), set_of(right, 10, trial % 2 == 0)));
		double error = (made.cardinality - 10000) / made.standard_error;

		sum += error;
		squares += error * error;
	}
	/* z and chi-square at 1e-6 */
	EXPECT_LT(std::fabs(sum), 4.9 * std::sqrt(kTrials));
	EXPECT_GT(squares, 81);
	EXPECT_LT(squares, 248);
}

} // namespace hllset::test
