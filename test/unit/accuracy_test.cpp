/* SPDX-License-Identifier: PostgreSQL */
/*
 * The estimate on random sets, fixed seeds: rmse, bias and coverage within what chance allows at 1e-6 a test point of what
 * the estimate says of itself. One stream of elements serves all precisions and forms: folding is exact (canonical_test).
 */
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>

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
