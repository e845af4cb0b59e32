/* SPDX-License-Identifier: PostgreSQL */
/* The estimate as the root of the likelihood equation, and its error; intervals: bounds_test; how it fares on random sets: accuracy_test. */
#include "core/estimate.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "drawn_counts.hpp"
#include "model.hpp"

namespace hllset::test
{

using Real = long double;

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

/* n² I, I the Fisher information of the Poisson model. */
static Real
information(const Counts &counts, Real n)
{
	Real sum = 0;

	for (int k = 0; k < kLevels; k++)
	{
		Real x = n * cell_chance(counts, k);

		sum += counts.cells(k) * x * x / std::expm1(x);
	}
	return sum;
}

/* Of the estimate, relative to n²: 1/I - n; at least what collisions within levels lose. */
static Real
numeric_variance(const Counts &counts, Real n)
{
	Real collisions = 0;

	for (int k = 0; k < kLevels; k++)
		collisions += level_chance(k) * cell_chance(counts, k) / 2;
	return std::max(1 / information(counts, n) - 1 / n, collisions);
}

/* Of the estimate to first order, relative: 1/2 (sum of m_k r_k³ / (e^(n r_k) - 1)) / I² / n. */
static Real
numeric_bias(const Counts &counts, Real n)
{
	Real sum = 0;

	for (int k = 0; k < kLevels; k++)
	{
		Real x = n * cell_chance(counts, k);

		sum += counts.cells(k) * x * x * x / std::expm1(x);
	}
	return sum / 2 / std::pow(information(counts, n), 2);
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

		hllset_core_bounds(&made, confidence, &lower, &upper);
		ASSERT_TRUE(std::isfinite(lower));
		ASSERT_NE(made.law == HLLSET_SATURATED, std::isfinite(upper));
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
	/* the limit of the bias at n >> m is .30793/m to first order and .297/m by simulation */
	Real bias = Real{0.3} * std::min(numeric_bias(counts, n) / Real{0.30793},
									 Real{1} / buckets(counts.precision));
	Real wanted = std::max(n / (1 + bias), static_cast<Real>(total(counts)));

	ASSERT_NEAR(1, made.cardinality / static_cast<double>(wanted), 1e-9)
		<< "p " << counts.precision << " L0 " << counts.level0 << " n " << static_cast<double>(n);
	ASSERT_NEAR(1,
				std::pow(made.standard_error / made.cardinality, 2) /
					static_cast<double>(numeric_variance(counts, n)),
				2e-6)
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
	EXPECT_NEAR(lost, made.lost, 1e-9);
	EXPECT_EQ(0, made.gained);
	EXPECT_EQ(0, relative_error(empty(12)));
	EXPECT_EQ(0, relative_error(set_of({1}, 12)));
}

/* An intersection of two sets of m/4 elements has (m/4)² 2^-26 / 3 too many; a set does not know that it is none. */
TEST(Estimate, ErrorOfASmallSetIsThatOfAnIntersection)
{
	Random random(95);

	for (int p = kMinPrecision; p <= kMaxPrecision; p++)
	{
		double gained = p > 14 ? std::pow(list_limit(p), 2) / 3 * std::ldexp(1, -26) : 0;
		HllsetEstimate many = estimate(set_of(random_hashes(random, list_limit(p)), p));
		HllsetEstimate one = estimate(set_of({1}, p));

		EXPECT_NEAR(gained, many.gained, 1e-9) << p;
		EXPECT_NEAR(std::hypot(std::sqrt(many.lost + many.lost * many.lost),
							   std::sqrt(gained + gained * gained)),
					many.standard_error, 1e-9)
			<< p;
		EXPECT_EQ(many.least, many.cardinality) << p;
		EXPECT_NEAR(std::min(1.0, std::sqrt(gained + gained * gained)), one.standard_error, 1e-9)
			<< p;
		EXPECT_EQ(0, relative_error(empty(p))) << p;
		expect_sane(many);
	}
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

/* d/dn of 1/I - n by differences, less 1/4 of cumulant over variance, the cumulant from the moments of the score's derivatives. */
TEST(Estimate, SlopeIsThatOfTheVarianceLessWhatSkewnessTakes)
{
	CountsDrawer drawer(96);

	for (int i = 0; i < 1000; i++)
	{
		int p = kMinPrecision + i % 9;
		double m = buckets(p);
		Counts counts = drawer.draw(drawer.number(m / 2, m * 1e7), p, i % 2 == 0);
		HllsetEstimate made = hllset::estimate(counts);

		if (counts.level0 == 0 || is_saturated(counts) || made.cardinality == made.least)
			continue;

		Real n = root(counts);
		Real step = n * Real{1e-5};
		auto variance = [&](Real at) {
			return at * at / information(counts, at) - at;
		};
		Real slope = (variance(n + step) - variance(n - step)) / (2 * step);
		Real cumulant = 0;

		for (int k = 0; k < kLevels; k++)
		{
			Real r = cell_chance(counts, k);
			Real ones = -std::expm1(-n * r);
			Real zeros = 1 - ones;
			Real unit = counts.cells(k) * r * r * r;
			/* of c/E, with c binomial; then its covariance with the second derivative, and the mean of the third */
			Real third_of_score = unit * zeros * (zeros - ones) / (ones * ones);
			Real with_second = -unit * zeros * zeros / (ones * ones);
			Real third = unit * zeros * (1 + zeros) / (ones * ones);

			cumulant += third_of_score + 6 * with_second + 3 * third;
		}
		cumulant *= std::pow(n * n / information(counts, n), 3);
		cumulant -= n + 3 * n * slope;

		Real wanted = std::max(slope - cumulant / (4 * variance(n)), Real{0}) / n;

		ASSERT_NEAR(static_cast<double>(wanted), made.slope_above / made.cardinality,
					1e-6 * static_cast<double>(std::fabs(wanted)) + 1e-9)
			<< "p " << p << " n " << static_cast<double>(n);
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

} // namespace hllset::test
