/* SPDX-License-Identifier: PostgreSQL */
/* The interval by each law, from given estimates; how often it holds the truth: accuracy_test. */
#include "core/bounds.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/estimate.hpp"
#include "support.hpp"

namespace hllset::test
{

/* Of 95 %. */
static constexpr double kZ = 1.959963984540054;

static HllsetEstimate
normal(double cardinality, double error)
{
	HllsetEstimate made = {};

	made.cardinality = cardinality;
	made.standard_error = error;
	made.variance = error * error;
	made.most = std::numeric_limits<double>::max();
	made.law = HLLSET_NORMAL;
	return made;
}

static void
expect_order(const HllsetEstimate &made)
{
	for (double confidence : {1e-12, 0.5, 0.95, 0.999999, 1 - 1e-15})
	{
		double lower;
		double upper;

		hllset_core_bounds(&made, confidence, &lower, &upper);
		ASSERT_LE(0, lower);
		ASSERT_LE(lower, made.cardinality);
		ASSERT_LE(made.cardinality, upper);
		ASSERT_NE(made.law == HLLSET_SATURATED, std::isfinite(upper));
	}
}

/* P(X > c) of a Poisson variable. */
static double
chance_above(double mean, double c)
{
	double sum = 0;

	for (double i = c + 1; i < c + 300; i++)
		sum += std::exp(i * std::log(mean) - mean - std::lgamma(i + 1));
	return sum;
}

/* The z of a confidence shows in the bounds of an estimate with error 1. */
TEST(Bounds, NormalQuantiles)
{
	const std::pair<double, double> known[] = {
		{0.5, 0.674489750196082},   {0.6826894921370859, 1},    {0.8, 1.281551565544600},
		{0.9, 1.644853626951473},   {0.95, 1.959963984540054},  {0.99, 2.575829303548901},
		{0.999, 3.290526731491896}, {0.999999, 4.891638475699},
	};

	for (auto [confidence, z] : known)
	{
		HllsetEstimate made = normal(10, 1);
		double lower;
		double upper;

		hllset_core_bounds(&made, confidence, &lower, &upper);
		EXPECT_NEAR(10 + z, upper, 1e-9) << confidence;
		EXPECT_NEAR(10 - z, lower, 1e-9) << confidence;
	}
}

TEST(Bounds, NeverBelowWhatIsCertain)
{
	HllsetEstimate made = normal(1000, 10);
	double lower;
	double upper;

	made.least = 995;
	hllset_core_bounds(&made, 0.95, &lower, &upper);
	EXPECT_EQ(995, lower);
	EXPECT_NEAR(1000 + 10 * kZ, upper, 1e-6);
}

/* An expression's interval is symmetric, but stays between what is certain and the bound of the smallest set around it. */
TEST(Bounds, OfANormalEstimate)
{
	HllsetEstimate around = normal(1000, 100);
	double lower;
	double upper;

	around.most = 1150;
	hllset_core_bounds(&around, 0.6826894921370859, &lower, &upper);
	EXPECT_NEAR(900, lower, 1e-6);
	EXPECT_NEAR(1100, upper, 1e-6);
	hllset_core_bounds(&around, 0.95, &lower, &upper);
	EXPECT_NEAR(1000 - 100 * kZ, lower, 1e-6);
	EXPECT_EQ(1150, upper);
	around.most_error = 0.01;
	hllset_core_bounds(&around, 0.95, &lower, &upper);
	EXPECT_NEAR(1150 + 11.5 * kZ, upper, 1e-6);
	around.most_slope = 2;
	hllset_core_bounds(&around, 0.95, &lower, &upper);
	EXPECT_NEAR(1150 + kZ * kZ + std::sqrt(std::pow(11.5 * kZ, 2) + std::pow(kZ, 4)), upper, 1e-6);
	around = normal(1, 100);
	around.most = 1150;
	hllset_core_bounds(&around, 0.95, &lower, &upper);
	EXPECT_EQ(0, lower);
	EXPECT_NEAR(1 + 100 * kZ, upper, 1e-6);
}

/* The error that is stated is no part of it: that one is cut to what can be there. */
TEST(Bounds, OfAnErrorLargerThanWhatCanBeThere)
{
	HllsetEstimate few = normal(10, 500);
	double lower;
	double upper;

	few.standard_error = 10;
	few.slope_below = 40;
	few.most = 10;
	hllset_core_bounds(&few, 0.95, &lower, &upper);
	EXPECT_EQ(0, lower);
	EXPECT_EQ(10, upper);
}

/* An end is as far away as the standard error there says, which may be larger or smaller below as above. */
TEST(Bounds, OfAVarianceThatGrows)
{
	HllsetEstimate overlap = normal(40, 20);
	double lower;
	double upper;

	overlap.slope_above = 5;
	for (double below : {5.0, 0.0, -0.1})
	{
		overlap.slope_below = below;
		hllset_core_bounds(&overlap, 0.95, &lower, &upper);
		EXPECT_NEAR(kZ * std::sqrt(400 + 5 * (upper - 40)), upper - 40, 1e-6);
		EXPECT_NEAR(kZ * std::sqrt(400 - below * (40 - lower)), 40 - lower, 1e-6);
	}
	overlap.slope_below = -1;
	hllset_core_bounds(&overlap, 0.95, &lower, &upper);
	EXPECT_EQ(0, lower);
}

/* Anscombe's square root: t tokens of weight w between w (sqrt(t) - h)^2 and w (sqrt(t + 1) + h)^2, h = z/2 sqrt(1 - 1/w). */
TEST(Bounds, OfASample)
{
	for (double tokens : {0.0, 1.0, 10.0, 1000.0})
		for (int level0 : {1, 5, 31})
		{
			double weight = std::ldexp(1, level0);
			HllsetEstimate made = estimate_sample(tokens, level0);
			double half = kZ / 2 * std::sqrt(1 - 1 / weight);
			double low = std::max(std::sqrt(tokens) - half, 0.0);
			double lower;
			double upper;

			EXPECT_EQ(tokens * weight, made.cardinality);
			EXPECT_NEAR(std::sqrt(std::max(tokens, 1.0) * weight * (weight - 1)),
						made.standard_error, 1e-9 * made.standard_error);
			expect_order(made);
			hllset_core_bounds(&made, 0.95, &lower, &upper);
			EXPECT_NEAR(low * low * weight, lower, 1e-9 * upper);
			EXPECT_NEAR(std::pow(std::sqrt(tokens + 1) + half, 2) * weight, upper, 1e-9 * upper);
		}
}

TEST(Bounds, OfTheEmptySet)
{
	HllsetEstimate none = estimate(empty(12));
	double lower;
	double upper;

	hllset_core_bounds(&none, 0.99, &lower, &upper);
	EXPECT_EQ(0, lower);
	EXPECT_EQ(0, upper);
}

/* Elements that share a coupon are Poisson: so many are lost, and an intersection has so many too many. */
TEST(Bounds, OfASmallSet)
{
	for (double confidence : {0.5, 0.95, 0.999999})
		for (double losing : {0.0, 2e6, 2e9})
			for (double gaining : {0.0, 4e6, 4e9})
			{
				HllsetEstimate made = estimate_small(1000, losing, gaining);
				double tail = (1 - confidence) / 2;
				double lower;
				double upper;

				expect_order(made);
				hllset_core_bounds(&made, confidence, &lower, &upper);
				EXPECT_LE(chance_above(made.lost, upper - 1000), tail);
				EXPECT_TRUE(upper == 1000 || chance_above(made.lost, upper - 1001) > tail);
				if (gaining == 0)
				{
					EXPECT_EQ(1000, lower);
					continue;
				}
				EXPECT_LE(chance_above(made.gained, 1000 - lower), tail);
				EXPECT_TRUE(lower == 1000 || chance_above(made.gained, 999 - lower) > tail);
			}
}

/* What a small set has too many does not widen what lies within it. */
TEST(Bounds, OfAnOverlapWithASmallSet)
{
	Random random(98);
	Hashes few = random_hashes(random, 100);
	Hashes many = random_hashes(random, 200000);

	many.insert(many.end(), few.begin(), few.begin() + 50);
	for (int p : {12, 16, 18})
	{
		HllsetEstimate made = estimate(intersect(set_of(few, p), set_of(many, p)));
		double lower;
		double upper;

		ASSERT_EQ(HLLSET_NORMAL, made.law);
		expect_order(made);
		hllset_core_bounds(&made, 0.95, &lower, &upper);
		EXPECT_LE(upper, 100.1) << p;
	}
}

/* A set of `lower` elements fills all cells with the chance of that tail. */
TEST(Bounds, OfASaturatedSet)
{
	for (int p = kMinPrecision; p <= kMaxPrecision; p++)
	{
		Counts counts = {};

		counts.precision = p;
		counts.level0 = kLevels;
		for (uint32_t &ones : counts.ones)
			ones = buckets(p);

		HllsetEstimate made = hllset::estimate(counts);

		EXPECT_EQ(HLLSET_SATURATED, made.law);
		expect_order(made);
		for (double confidence : {0.5, 0.95, 0.999})
		{
			double lower;
			double upper;
			double chance = 0;

			hllset_core_bounds(&made, confidence, &lower, &upper);
			for (int k = 0; k < kLevels; k++)
				chance += buckets(p) * std::log(-std::expm1(-lower / buckets(p) *
															std::ldexp(1, -std::min(k + 1, 31))));
			EXPECT_NEAR((1 - confidence) / 2, std::exp(chance), 1e-6);
			EXPECT_EQ(std::numeric_limits<double>::infinity(), upper);
		}
	}
}

/* Every bit of p = 4. */
static Bytes
saturated_set(bool compact)
{
	Aggregate aggregate(4, compact);

	for (int level = 0; level < kLevels; level++)
		for (uint64_t bucket = 0; bucket < 16; bucket++)
			aggregate.add(make_hash(level, bucket));
	return aggregate.encode();
}

/* What is in exactly these of the sets. */
static Bytes
region_of(const std::vector<Bytes> &sets, size_t region)
{
	Bytes inside;
	Bytes outside = empty(4);

	for (size_t i = 0; i < sets.size(); i++)
		if ((region >> i & 1) == 0)
			outside = unite(outside, sets[i]);
		else
			inside = inside.empty() ? sets[i] : intersect(inside, sets[i]);
	return subtract(inside, outside);
}

/* A saturated set tells of no element whether it is in it. So nothing of the chosen regions is certain, unless all that some others share is. */
static bool
may_be_empty(int chosen, size_t saturated)
{
	for (size_t others = 1; others < 8; others++)
	{
		bool all = (others & saturated) == 0;

		for (size_t region = others; region < 8; region++)
			if ((region & ~saturated) == others)
				all = all && (chosen >> region & 1) != 0;
		if (all)
			return false;
	}
	return true;
}

/*
 * Of each union of regions of three sets: no number is too large for what lies in saturated ones alone, and hll_info says so. None is too
 * small for what they may or may not hold.
 */
TEST(Bounds, OfExpressionsOfSaturatedSets)
{
	Random random(97);
	Bytes full = saturated_set(false);
	Bytes a = set_of(random_hashes(random, 1000), 4);
	Bytes b = set_of(random_hashes(random, 3000), 4);
	const std::pair<std::vector<Bytes>, size_t> cases[] = {
		{{a, b, set_of(random_hashes(random, 500), 4, true)}, 0},
		{{full, a, b}, 1},
		{{full, saturated_set(true), b}, 3},
	};

	for (const auto &[sets, saturated] : cases)
		for (int chosen = 1; chosen < 1 << 7; chosen++)
		{
			Bytes value = empty(4);
			bool expected = false;
			double lower;
			double upper;

			for (size_t region = 1; region < 8; region++)
				if ((chosen >> (region - 1) & 1) != 0)
				{
					value = unite(value, region_of(sets, region));
					expected = expected || (region & ~saturated) == 0;
				}

			HllsetEstimate made = estimate(value);

			expect_order(made);
			hllset_core_bounds(&made, 0.95, &lower, &upper);
			EXPECT_EQ(expected, std::isinf(upper)) << saturated << ' ' << chosen;
			EXPECT_EQ(expected, info(value).saturated) << saturated << ' ' << chosen;
			if (info(value).kind == HLLSET_EXPRESSION && may_be_empty(chosen << 1, saturated))
			{
				EXPECT_EQ(0, lower) << saturated << ' ' << chosen;
			}
		}
}

} // namespace hllset::test
