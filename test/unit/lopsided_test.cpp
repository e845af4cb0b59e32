/* SPDX-License-Identifier: PostgreSQL */
/* Pairs of which one set is small beside the other, or fills its lower levels: how often the intervals of expressions hold the truth. */
#include <gtest/gtest.h>

#include <cmath>
#include <ostream>

#include "core/coupon.hpp"
#include "support.hpp"

namespace hllset::test
{

struct Lopsided
{
	int precision;
	bool compact;
	size_t large;
	size_t small;
	double share; /* of the small one that is in the large one */
};

static void
PrintTo(const Lopsided &pair, std::ostream *out)
{
	*out << "p " << pair.precision << (pair.compact ? ", compact, " : ", ") << pair.large << " and "
		 << pair.small << ", shared " << pair.share;
}

/* What so many elements that are nowhere else leave. A level that gets dozens for each bucket is full: one element for each does for it. */
static void
add_others(Aggregate &aggregate, size_t count, int precision, Random &random)
{
	for (int level = 0; level < kLevels && count > 0; level++)
	{
		size_t hits = count;

		if (level < kLevels - 1)
			hits = std::binomial_distribution<size_t>(count, 0.5)(random);
		count -= hits;
		if (hits > size_t{40} << precision)
			for (uint32_t bucket = 0; bucket < buckets(precision); bucket++)
				aggregate.add(make_hash(level, bucket));
		else
			for (; hits > 0; hits--)
				aggregate.add(make_hash(level, random()));
	}
}

/* Of nominal 95 % intervals: 2.5 % on either side are meant. */
constexpr double kMostAbove = 0.08;
constexpr double kMostBelow = 0.08;

/* Of an expression: the intervals that miss the truth, and those whose lower end is above 0. */
struct Misses
{
	const char *expression;
	double truth;
	int above = 0;
	int below = 0;
	int not_zero = 0;

	void
	take(const HllsetEstimate &made)
	{
		double lower;
		double upper;

		hllset_core_bounds(&made, 0.95, &lower, &upper);
		/* what an exact count rounds off */
		above += truth > upper * (1 + 1e-9);
		below += truth < lower * (1 - 1e-9);
		not_zero += lower > 0;
	}
};

/* The count of `trials` that a binomial of this chance exceeds once in a million times. */
static int
most_of(int trials, double chance)
{
	double term = std::pow(1 - chance, trials);
	double above = 1 - term;
	int count = 0;

	while (above > 1e-6)
	{
		term *= (trials - count) / (count + 1.0) * chance / (1 - chance);
		above -= term;
		count++;
	}
	return count;
}

class LopsidedPairs : public testing::TestWithParam<Lopsided>
{
};

TEST_P(LopsidedPairs, IntervalsHoldTheTruth)
{
	constexpr int kTrials = 150;
	const Lopsided &pair = GetParam();
	Random random(190);
	size_t shared = std::lround(pair.share * static_cast<double>(pair.small));
	double both = static_cast<double>(shared);
	double only_a = static_cast<double>(pair.large - shared);
	double only_b = static_cast<double>(pair.small - shared);
	Misses met{"a & b", both};
	Misses left{"a - b", only_a};
	Misses right{"b - a", only_b};
	Misses unlike{"a # b", only_a + only_b};

	for (int trial = 0; trial < kTrials; trial++)
	{
		Hashes small = random_hashes(random, pair.small);
		Aggregate large(pair.precision, pair.compact);

		large.add(Hashes(small.begin(), small.begin() + static_cast<ptrdiff_t>(shared)));
		add_others(large, pair.large - shared, pair.precision, random);

		Bytes a = large.encode();
		Bytes b = set_of(small, pair.precision, pair.compact);

		met.take(estimate(intersect(a, b)));
		left.take(estimate(subtract(a, b)));
		right.take(estimate(subtract(b, a)));
		unlike.take(estimate(combine(HLLSET_SYMMETRIC_DIFFERENCE, a, b)));
	}
	for (const Misses &misses : {met, left, right, unlike})
	{
		SCOPED_TRACE(misses.expression);
		EXPECT_LE(misses.above, most_of(kTrials, kMostAbove));
		EXPECT_LE(misses.below, most_of(kTrials, kMostBelow));
		if (misses.truth == 0)
		{
			EXPECT_LE(misses.not_zero, most_of(kTrials, 0.05));
		}
	}
}

/* What fills the lower levels leaves nothing to see of the small set there. */
INSTANTIATE_TEST_SUITE_P(
	FullBelow, LopsidedPairs,
	testing::Values(Lopsided{12, false, 3000000, 16, 1}, Lopsided{12, false, 1000000, 16, 0},
					Lopsided{12, true, 1000000, 10, 0}, Lopsided{12, false, 1000000, 10, 0.5},
					Lopsided{12, false, 2000000, 16, 0}, Lopsided{10, false, 1000000, 64, 0},
					Lopsided{10, false, 1000000, 64, 1}, Lopsided{10, true, 1000000, 64, 0.5},
					Lopsided{8, false, 250000, 16, 0}, Lopsided{8, false, 250000, 16, 0.5},
					Lopsided{8, false, 250000, 16, 1}, Lopsided{6, false, 20000, 300, 0},
					Lopsided{6, false, 20000, 300, 0.5}, Lopsided{6, false, 20000, 300, 1},
					Lopsided{4, false, 100000, 1000, 0}, Lopsided{4, false, 100000, 1000, 0.5},
					Lopsided{4, true, 100000, 1000, 1}));

INSTANTIATE_TEST_SUITE_P(
	Overlapping, LopsidedPairs,
	testing::Values(Lopsided{8, false, 100000, 30000, 0.1}, Lopsided{8, false, 20000, 300, 0},
					Lopsided{8, false, 20000, 300, 0.5}, Lopsided{8, false, 20000, 300, 1},
					Lopsided{12, false, 200000, 2000, 0.5}, Lopsided{12, true, 200000, 1000, 0},
					Lopsided{12, false, 200000, 1000, 1}));

} // namespace hllset::test
