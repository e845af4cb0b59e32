/* SPDX-License-Identifier: PostgreSQL */
/*
 * The estimate on random sets, fixed seeds: rmse, bias and coverage within what chance allows at 1e-6 a test point of what
 * the estimate says of itself. One stream of elements serves all precisions and forms: folding is exact (canonical_test).
 */
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>

#include "core/estimate.hpp"
#include "drawn_counts.hpp"
#include "support.hpp"

namespace hllset::test
{

/* The normal quantile of 1 - 5e-7: two-sided 1e-6. */
constexpr double kZ = 4.8916;

/* Quantile of a chi-square of `freedom` at the normal quantile z (Wilson and Hilferty 1931). */
static double
chi_square(double freedom, double z)
{
	double spread = 2 / (9 * freedom);

	return freedom * std::pow(1 - spread + z * std::sqrt(spread), 3);
}

struct Sums
{
	int sets = 0;
	double errors = 0; /* in standard errors, as the set itself tells */
	double squares = 0;
	int inside_half = 0;
	int inside_most = 0;

	void
	take(const HllsetEstimate &made, double n)
	{
		double error = (made.cardinality / n - 1) / relative_error(made);
		double lower;
		double upper;

		sets++;
		errors += error;
		squares += error * error;
		hllset_core_bounds(&made, 0.5, &lower, &upper);
		inside_half += lower <= n && n <= upper;
		hllset_core_bounds(&made, 0.95, &lower, &upper);
		inside_most += lower <= n && n <= upper;
	}

	void
	expect_fair(const std::string &where) const
	{
		double half = std::sqrt(0.25 / sets);
		double most = std::sqrt(0.95 * 0.05 / sets);

		EXPECT_GE(squares, chi_square(sets, -kZ)) << where;
		EXPECT_LE(squares, chi_square(sets, kZ)) << where;
		EXPECT_LE(std::fabs(errors), kZ * std::sqrt(sets)) << where;
		EXPECT_NEAR(0.5, static_cast<double>(inside_half) / sets, kZ * half) << where;
		EXPECT_NEAR(0.95, static_cast<double>(inside_most) / sets, kZ * most) << where;
	}
};

/* Exact but for elements that share a coupon: the number of those is a Poisson of n^2 / 2 * 2^-26 / 3 a set. */
TEST(Accuracy, SmallSetsLoseOnlyCollisions)
{
	Random random(100);
	double lost = 0;
	double expected = 0;

	for (int i = 0; i < 200; i++)
	{
		lost += 3000 - estimate(set_of(random_hashes(random, 3000), 14)).cardinality;
		expected += 3000.0 * 2999 / 2 * std::ldexp(1, -26) / 3;
	}
	/* expected 4.5; a Poisson of that reaches 18 with a chance of 1e-6 */
	EXPECT_NEAR(4.47, expected, 0.01);
	EXPECT_LE(lost, 18);
}

TEST(Accuracy, RmseAndBiasAndCoverage)
{
	constexpr int kSets = 200;
	Random random(101);
	std::map<std::string, Sums> points;

	for (int i = 0; i < kSets; i++)
	{
		Aggregate aggregate(14);
		int done = 0;

		for (int n : {3000, 100000, 1000000})
		{
			for (; done < n; done++)
				aggregate.add(random());

			Bytes set = aggregate.encode();

			for (int p : {10, 12, 14})
			{
				if (n <= static_cast<int>(list_limit(p)))
					continue;
				for (HllsetForm form : {HLLSET_GRADED, HLLSET_COMPACT})
				{
					std::string where = "p " + std::to_string(p) +
										(form == HLLSET_COMPACT ? " compact" : " graded") + " n " +
										std::to_string(n);

					points[where].take(estimate(convert(set, p, form)), n);
				}
			}
		}
	}
	EXPECT_EQ(16u, points.size());
	for (const auto &[where, sums] : points)
		sums.expect_fair(where);
}

/* More sets of fewer buckets, for sharper bounds, and through all the sizes between small and large. */
TEST(Accuracy, ManySetsOfFewBuckets)
{
	std::map<std::string, Sums> points;
	Random random(102);

	for (int i = 0; i < 2000; i++)
	{
		Aggregate aggregate(8);
		int done = 0;

		for (int n : {300, 1000, 10000})
		{
			for (; done < n; done++)
				aggregate.add(random());
			points["graded n " + std::to_string(n)].take(estimate(aggregate.encode()), n);
			points["compact n " + std::to_string(n)].take(
				estimate(convert(aggregate.encode(), 8, HLLSET_COMPACT)), n);
		}
	}
	for (const auto &[where, sums] : points)
		sums.expect_fair(where);
}

/*
 * The most that small sets may have, at the highest precision: 10.7 of 65,536 are lost, and two that share nothing seem to share 21. The
 * sums over all sets are Poisson; the intervals tell of both.
 */
TEST(Accuracy, SmallSetsOfTheHighestPrecisionTellWhatTheyLack)
{
	constexpr int kSets = 20;
	constexpr size_t kElements = 65536;
	Random random(104);
	double pair = std::ldexp(1, -26) / 3;
	double lost = 0;
	double gained = 0;
	int inside = 0;
	Bytes before = set_of(random_hashes(random, kElements), 18);

	for (int i = 0; i < kSets; i++)
	{
		Bytes set = set_of(random_hashes(random, kElements), 18);
		HllsetEstimate made = estimate(set);
		HllsetEstimate both = estimate(intersect(set, before));
		double lower;
		double upper;

		ASSERT_EQ(0, info(set).level0);
		lost += kElements - made.cardinality;
		gained += both.cardinality;
		hllset_core_bounds(&made, 0.95, &lower, &upper);
		inside += lower <= kElements && kElements <= upper;
		EXPECT_GE(made.standard_error, 10.7);
		hllset_core_bounds(&both, 0.95, &lower, &upper);
		inside += lower == 0;
		EXPECT_GE(both.standard_error, std::min(both.cardinality, 21.0));
		before = set;
	}

	double expected = kSets * pair * kElements * kElements;

	EXPECT_NEAR(expected / 2, lost, kZ * std::sqrt(expected / 2));
	EXPECT_NEAR(expected, gained, kZ * std::sqrt(expected));
	/* 2.5 % of 40 are one; more than 9 have a chance of 1e-7 */
	EXPECT_GE(inside, 2 * kSets - 9);
}

/* Mean and variance of each of many figures. */
struct Sample
{
	static constexpr size_t kFigures = kLevels + 4;

	int sets = 0;
	double sums[kFigures] = {};
	double squares[kFigures] = {};

	void
	take(const Counts &counts)
	{
		HllsetEstimate made = hllset::estimate(counts);
		double figures[kFigures] = {static_cast<double>(counts.level0),
									static_cast<double>(counts.tokens), made.cardinality,
									made.standard_error};

		std::copy_n(counts.ones, kLevels, figures + 4);
		for (size_t i = 0; i < kFigures; i++)
		{
			sums[i] += figures[i];
			squares[i] += figures[i] * figures[i];
		}
		sets++;
	}

	/* Of the mean. */
	double
	variance(size_t i) const
	{
		return std::max(squares[i] / sets - std::pow(sums[i] / sets, 2), 0.0) / sets;
	}
};

/* Drawn counts are those of hashed elements: the same means of L0, tokens, count, error and ones on each level. */
TEST(Accuracy, DrawnCountsAreThoseOfHashedElements)
{
	constexpr int kSets = 1000;
	Random random(105);
	CountsDrawer drawer(106);

	for (int p : {4, 6, 8})
		for (bool compact : {false, true})
			for (uint32_t n : {buckets(p) / 4, buckets(p) / 2, 3 * buckets(p), 60 * buckets(p)})
			{
				Sample drawn;
				Sample hashed;

				for (int i = 0; i < kSets; i++)
				{
					Bytes set = set_of(random_hashes(random, n), p, compact);
					View view;

					ASSERT_EQ(HLLSET_OK, parse(door(set), view));
					hashed.take(view.counts);
					drawn.take(drawer.draw(n, p, compact));
				}
				for (size_t i = 0; i < Sample::kFigures; i++)
					EXPECT_LE(std::fabs(drawn.sums[i] - hashed.sums[i]) / kSets,
							  kZ * std::sqrt(drawn.variance(i) + hashed.variance(i)) + 1e-9)
						<< "p " << p << " n " << n << " figure " << i;
			}
}

/* How the 95 % intervals of the sets of an octave of n miss it. */
struct Octave
{
	int sets = 0;
	int too_low = 0;
	int too_high = 0;
	double bias = 0; /* relative, sums */
	double squares = 0;

	Octave(CountsDrawer &drawer, double low, int p, bool compact, int count)
	{
		while (sets < count)
		{
			uint64_t n = drawer.number(low, 2 * low);
			Counts counts = drawer.draw(n, p, compact);
			double truth = static_cast<double>(n);
			double lower;
			double upper;

			if (counts.level0 == 0)
				continue;

			HllsetEstimate made = hllset::estimate(counts);

			hllset_core_bounds(&made, 0.95, &lower, &upper);
			sets++;
			too_low += upper < truth;
			too_high += truth < lower;
			bias += made.cardinality / truth - 1;
			squares += std::pow(made.cardinality / truth - 1, 2);
		}
	}

	/* As many as that share of the sets, give or take chance. */
	double
	most(double share) const
	{
		return share * sets + kZ * std::sqrt(share * (1 - share) * sets);
	}

	double
	fewest(double share) const
	{
		return share * sets - kZ * std::sqrt(share * (1 - share) * sets);
	}
};

/*
 * Of an octave of n, from just beyond the small sets on, 93 to 97 % of the intervals hold the truth, and 1 to 4 % miss it on either side.
 * Of fewer than 32 elements (p < 7) fewer miss it: what has been seen is certain, and collisions are too rare for an end to lie between.
 */
TEST(Accuracy, IntervalsHoldTheTruthInEveryOctave)
{
	CountsDrawer drawer(107);

	for (int p : {4, 5, 6, 8})
		for (bool compact : {false, true})
			for (int octave : {0, 1, 2, 3, 4, 6, 8, 20, 28})
			{
				double low = std::ldexp(list_limit(p) + (octave == 0), octave);
				Octave seen(drawer, low, p, compact, p == 4 ? 8000 : 3000);
				int missed = seen.too_low + seen.too_high;

				SCOPED_TRACE("p " + std::to_string(p) + (compact ? " compact" : " graded") +
							 " from " + std::to_string(low));
				EXPECT_LE(seen.too_low, seen.most(0.04));
				EXPECT_LE(seen.too_high, seen.most(0.04));
				EXPECT_LE(missed, seen.most(0.07));
				EXPECT_GE(seen.too_low, seen.fewest(0.01));
				if (low >= 32)
				{
					EXPECT_GE(seen.too_high, seen.fewest(0.01));
					EXPECT_GE(missed, seen.fewest(0.03));
				}
				/* .05/m of bias are 0.3 % of n at p = 4 and a thirteenth of the standard error */
				EXPECT_LE(std::fabs(seen.bias),
						  kZ * std::sqrt(seen.squares) + 0.05 / buckets(p) * seen.sets);
			}
}

/* As cells run out: at p = 4 most sets of 2^38 elements are saturated. */
TEST(Accuracy, IntervalsHoldTheTruthUpToSaturation)
{
	CountsDrawer drawer(108);

	for (int p : {4, 6})
		for (int bits = 29; bits <= 35; bits++)
			for (bool compact : {false, true})
			{
				Octave seen(drawer, std::ldexp(1, p + bits), p, compact, 4000);

				SCOPED_TRACE("p " + std::to_string(p) + " bits " + std::to_string(p + bits));
				EXPECT_LE(seen.too_low + seen.too_high, seen.most(0.09));
				EXPECT_LE(seen.too_low, seen.most(0.05));
				EXPECT_LE(seen.too_high, seen.most(0.05));
			}
}

/* The figures that are promised: 0.6491 / sqrt(m) for n >> m, whichever the form. */
TEST(Accuracy, ErrorOfLargeSetsIsTheOnePromised)
{
	Random random(103);

	for (int p : {8, 10, 12})
	{
		Bytes set = set_of(random_hashes(random, 2000000), p);
		double promised = 0.6491 / std::sqrt(buckets(p));

		EXPECT_NEAR(promised, relative_error(set), 0.01 * promised);
		EXPECT_NEAR(promised, relative_error(convert(set, p, HLLSET_COMPACT)), 0.01 * promised);
	}
}

} // namespace hllset::test
