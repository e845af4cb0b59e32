/* SPDX-License-Identifier: PostgreSQL */
/* The estimate as the root of the likelihood equation, its error, its interval; how it fares on random sets: accuracy_test. */
#include "core/estimate.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "model.hpp"

namespace hllset::test
{

using Real = long double;

static constexpr double kNoLimit = std::numeric_limits<double>::max();

static Real
level_chance(int level)
{
	return std::ldexp(Real{1}, -std::min(level + 1, 31));
}

/* r_k */
static Real
cell_chance(const Counts &counts, int level)
{
	return level_chance(level) / counts.cells(level);
}

/*
 * F(n) - 1 with F of docs/design.md. As the sum of m_k r_k is 1, the ones of F are taken off level by level: what is left
 * is the sum of c_k r_k / (e^(n r_k) - 1) less that of (m_k - c_k) r_k, which keeps its digits near saturation.
 */
static Real
excess(const Counts &counts, Real n)
{
	Real sum = 0;

	for (int k = 0; k < kLevels; k++)
	{
		Real r = cell_chance(counts, k);

		sum -= static_cast<Real>(counts.cells(k) - counts.ones[k]) * r;
		if (counts.ones[k] > 0)
			sum += counts.ones[k] * r / std::expm1(n * r);
	}
	return sum;
}

/* The root by bisection of the logarithm of n. */
static Real
root(const Counts &counts)
{
	Real low = -20;
	Real high = 60;

	for (int i = 0; i < 200; i++)
	{
		Real middle = (low + high) / 2;

		(excess(counts, std::exp(middle)) > 0 ? low : high) = middle;
	}
	return std::exp(low);
}

/* sqrt(1/I - n) / n, I the Fisher information of the Poisson model; at least what collisions within levels lose. */
static Real
numeric_error(const Counts &counts, Real n)
{
	Real information = 0;
	Real collisions = 0;

	for (int k = 0; k < kLevels; k++)
	{
		Real r = cell_chance(counts, k);

		information += counts.cells(k) * r * r / std::expm1(n * r);
		collisions += level_chance(k) * r / 2;
	}
	return std::sqrt(std::max((1 / information - n) / (n * n), collisions));
}

/* So many elements are certainly there. */
static uint32_t
total(const Counts &counts)
{
	uint32_t ones = 0;

	for (uint32_t count : counts.ones)
		ones += count;
	return ones;
}

static void
expect_sane(const HllsetEstimate &made)
{
	ASSERT_TRUE(std::isfinite(made.cardinality) && made.cardinality >= 0);
	ASSERT_TRUE(std::isfinite(made.standard_error) && made.standard_error >= 0);
	ASSERT_TRUE(made.least >= 0 && made.least <= made.cardinality && made.most >= made.cardinality);
	for (double confidence : {1e-12, 0.5, 0.95, 0.999999, 1 - 1e-15})
	{
		double lower;
		double upper;

		bounds(made, confidence, lower, upper);
		ASSERT_TRUE(std::isfinite(lower) && std::isfinite(upper));
		ASSERT_LE(0, lower);
		ASSERT_LE(lower, made.cardinality);
		ASSERT_LE(made.cardinality, upper);
	}
}

static void
expect_root(const Counts &counts)
{
	HllsetEstimate made = hllset::estimate(counts);

	expect_sane(made);
	if (is_saturated(counts))
		return;

	Real n = root(counts);
	Real wanted =
		std::max(n / (1 + Real{0.3} / buckets(counts.precision)), static_cast<Real>(total(counts)));

	ASSERT_NEAR(1, made.cardinality / static_cast<double>(wanted), 1e-9)
		<< "p " << counts.precision << " L0 " << counts.level0 << " n " << static_cast<double>(n);
	ASSERT_NEAR(
		1, made.standard_error / made.cardinality / static_cast<double>(numeric_error(counts, n)),
		1e-6)
		<< "p " << counts.precision << " L0 " << counts.level0 << " n " << static_cast<double>(n);
}

TEST(Estimate, SmallSetsAreExact)
{
	Random random(90);

	for (size_t count : {0, 1, 2, 100, 1024})
	{
		HllsetEstimate made = estimate(set_of(random_hashes(random, count), 12));

		EXPECT_EQ(count, made.cardinality);
		EXPECT_EQ(count, made.least);
		EXPECT_GE(made.standard_error, 0);
		EXPECT_LE(made.standard_error, 1e-4 * made.cardinality);
		expect_sane(made);
	}
}

/* n (n - 1) / 2 pairs of elements, each with the chance 2^-26 / 3 of one coupon. */
TEST(Estimate, ErrorOfASmallSetIsThatOfLostElements)
{
	Random random(91);
	double n = 4096;
	HllsetEstimate made = estimate(set_of(random_hashes(random, 4096), 14));

	double lost = n * (n - 1) / 2 / 3 * std::ldexp(1, -26);

	EXPECT_NEAR(std::sqrt(lost + lost * lost) / n, relative_error(made), 1e-9);
	EXPECT_EQ(0, relative_error(empty(12)));
	EXPECT_EQ(0, relative_error(set_of({1}, 12)));
}

/* Counts as sets of n elements have them, over all n that 64 bits can tell. */
TEST(Estimate, AgreesWithBisectionOnDrawnCounts)
{
	Random random(92);

	for (int i = 0; i < 3000; i++)
	{
		Counts counts = {};

		counts.precision = kMinPrecision + static_cast<int>(random() % 15);
		counts.compact = random() % 2 == 0;

		double n =
			buckets(counts.precision) * std::exp2(static_cast<double>(random() % 3300) / 100 - 2);

		/* L0 where about S / 2 tokens are left */
		counts.level0 =
			counts.compact
				? 32
				: std::clamp(static_cast<int>(std::log2(n / list_limit(counts.precision))) + 1, 1,
							 32);
		for (int k = 0; k < kLevels; k++)
		{
			double chance =
				static_cast<double>(-std::expm1(-static_cast<Real>(n) * cell_chance(counts, k)));

			counts.ones[k] = std::binomial_distribution<uint32_t>(counts.cells(k), chance)(random);
			counts.tokens += k >= counts.level0 ? counts.ones[k] : 0;
		}
		if (total(counts) > 0)
			expect_root(counts);
	}
}

/* Counts that no likely set has: any number up to all cells, mostly none or all, in any level. */
TEST(Estimate, AgreesWithBisectionOnAnyCounts)
{
	Random random(93);

	for (int i = 0; i < 6000; i++)
	{
		Counts counts = {};

		counts.precision = kMinPrecision + static_cast<int>(random() % 15);
		counts.level0 = i % 2 == 0 ? 32 : 1 + static_cast<int>(random() % 32);
		counts.compact = counts.level0 == 32 && random() % 2 == 0;
		for (int k = 0; k < counts.level0; k++)
		{
			uint32_t cells = counts.cells(k);
			uint32_t any = static_cast<uint32_t>(random() % (uint64_t{cells} + 1));
			uint32_t few = static_cast<uint32_t>(random() % 3);

			counts.ones[k] = i % 5 == 0   ? any
							 : i % 5 == 1 ? random() % 2 * cells
							 : i % 5 == 2 ? few
							 : i % 5 == 3 ? cells - few
										  : random() % 8 / 7 * any;
		}
		for (int k = counts.level0; k < kLevels; k++)
		{
			counts.ones[k] = static_cast<uint32_t>(
				random() % (list_limit(counts.precision) - counts.tokens + 1));
			counts.tokens += counts.ones[k];
		}
		if (total(counts) > 0)
			expect_root(counts);
	}
}

/* One cell of the last level empty, then two, ...; only one level full; only one cell of one level. */
TEST(Estimate, AgreesWithBisectionAtTheEdges)
{
	for (int p = kMinPrecision; p <= kMaxPrecision; p++)
	{
		for (uint32_t empty_cells = 1; empty_cells <= 4; empty_cells++)
			for (int level : {0, 15, 30, 31})
			{
				Counts counts = {};

				counts.precision = p;
				counts.level0 = 32;
				for (uint32_t &ones : counts.ones)
					ones = buckets(p);
				counts.ones[level] -= empty_cells;
				expect_root(counts);
			}
		for (int level = 0; level < kLevels; level++)
			for (uint32_t ones : {1u, 2u, buckets(p) / 2, buckets(p) - 1, buckets(p)})
			{
				Counts counts = {};

				counts.precision = p;
				counts.level0 = 32;
				counts.compact = true;
				counts.ones[level] = ones;
				expect_root(counts);
			}
	}
}

/* As docs/design.md says: where half an empty cell is expected in the last two levels. */
TEST(Estimate, SaturatedSetsHaveAFiniteEstimate)
{
	for (int p = kMinPrecision; p <= kMaxPrecision; p++)
	{
		Counts counts = {};

		counts.precision = p;
		counts.level0 = 32;
		for (uint32_t &ones : counts.ones)
			ones = buckets(p);
		ASSERT_TRUE(is_saturated(counts));

		HllsetEstimate full = hllset::estimate(counts);
		double empty_cells =
			2.0 * buckets(p) *
			std::exp(-full.cardinality * static_cast<double>(cell_chance(counts, 31)));

		expect_sane(full);
		EXPECT_NEAR(0.5, empty_cells, 0.1);
		counts.ones[31]--;
		ASSERT_FALSE(is_saturated(counts));
		EXPECT_LT(hllset::estimate(counts).cardinality, full.cardinality);
	}
}

/* Only a half-merged accumulator has such counts; they must still give numbers. */
TEST(Estimate, NoOnesAtAll)
{
	for (int level0 = 0; level0 <= 32; level0++)
	{
		Counts counts = {};

		counts.precision = 10;
		counts.level0 = level0;
		EXPECT_EQ(0, hllset::estimate(counts).cardinality);
		expect_sane(hllset::estimate(counts));
	}
}

/* An element more never makes the estimate smaller by more than rounding, whatever the state. */
TEST(Estimate, GrowsWithTheCounts)
{
	Random random(94);
	Counts counts = {};
	double before = 0;

	counts.precision = 6;
	counts.level0 = 32;
	counts.compact = true;
	for (int i = 0; i < 1500; i++)
	{
		uint32_t &ones = counts.ones[random() % 32];

		if (ones == 64)
			continue;
		ones++;

		double now = hllset::estimate(counts).cardinality;

		EXPECT_GT(now, before * (1 + 1e-12));
		before = now;
	}
}

/* The z of a confidence shows in the bounds of an estimate of 1 with error 1: e^z. */
TEST(Bounds, NormalQuantiles)
{
	const std::pair<double, double> known[] = {
		{0.5, 0.674489750196082},   {0.6826894921370859, 1},    {0.8, 1.281551565544600},
		{0.9, 1.644853626951473},   {0.95, 1.959963984540054},  {0.99, 2.575829303548901},
		{0.999, 3.290526731491896}, {0.999999, 4.891638475699},
	};

	for (auto [confidence, z] : known)
	{
		HllsetEstimate one = {1, 1, 0, kNoLimit, 0, 0, 0, HLLSET_LOGNORMAL};
		double lower;
		double upper;

		hllset_core_bounds(&one, confidence, &lower, &upper);
		EXPECT_NEAR(z, std::log(upper), 1e-9) << confidence;
		EXPECT_NEAR(-z, std::log(lower), 1e-9) << confidence;
	}
}

TEST(Bounds, NeverBelowWhatIsCertain)
{
	HllsetEstimate small = {1000, 10, 1000, kNoLimit, 0, 0, 0, HLLSET_LOGNORMAL};
	double lower;
	double upper;

	hllset_core_bounds(&small, 0.95, &lower, &upper);
	EXPECT_EQ(1000, lower);
	EXPECT_NEAR(1000 * std::exp(0.01 * 1.959963984540054), upper, 1e-6);
}

/* An expression's interval is symmetric, but stays between what is certain and the bound of the smallest set around it. */
TEST(Bounds, OfANormalEstimate)
{
	HllsetEstimate around = {1000, 100, 0, 1150, 0, 0, 0, HLLSET_NORMAL};
	double lower;
	double upper;

	hllset_core_bounds(&around, 0.6826894921370859, &lower, &upper);
	EXPECT_NEAR(900, lower, 1e-6);
	EXPECT_NEAR(1100, upper, 1e-6);
	hllset_core_bounds(&around, 0.95, &lower, &upper);
	EXPECT_NEAR(1000 - 195.9963984540054, lower, 1e-6);
	EXPECT_EQ(1150, upper);
	around.most_error = 0.01;
	hllset_core_bounds(&around, 0.95, &lower, &upper);
	EXPECT_NEAR(1150 * std::exp(0.01 * 1.959963984540054), upper, 1e-6);
	around = {1, 100, 0, 1150, 0, 0, 0, HLLSET_NORMAL};
	hllset_core_bounds(&around, 0.95, &lower, &upper);
	EXPECT_EQ(0, lower);
	EXPECT_NEAR(1 + 195.9963984540054, upper, 1e-6);
}

/* An end is as far away as the standard error there says. */
TEST(Bounds, OfAVarianceThatGrows)
{
	constexpr double kZ = 1.959963984540054;
	HllsetEstimate overlap = {40, 20, 0, 1150, 0, 0, 5, HLLSET_NORMAL};
	double lower;
	double upper;

	hllset_core_bounds(&overlap, 0.95, &lower, &upper);
	EXPECT_NEAR(kZ * std::sqrt(400 + 5 * (upper - 40)), upper - 40, 1e-6);
	EXPECT_NEAR(kZ * std::sqrt(400 - 5 * (40 - lower)), 40 - lower, 1e-6);
}

/* Anscombe's square root: t tokens of weight w between w (sqrt(t) - h)^2 and w (sqrt(t + 1) + h)^2, h = z/2 sqrt(1 - 1/w). */
TEST(Bounds, OfASample)
{
	for (double tokens : {0.0, 1.0, 10.0, 1000.0})
		for (int level0 : {1, 5, 31})
		{
			double weight = std::ldexp(1, level0);
			HllsetEstimate made = estimate_sample(tokens, level0);
			double half = 1.959963984540054 / 2 * std::sqrt(1 - 1 / weight);
			double low = std::max(std::sqrt(tokens) - half, 0.0);
			double lower;
			double upper;

			EXPECT_EQ(tokens * weight, made.cardinality);
			EXPECT_NEAR(std::sqrt(tokens * weight * (weight - 1)), made.standard_error,
						1e-9 * made.cardinality);
			expect_sane(made);
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

} // namespace hllset::test
