/* SPDX-License-Identifier: PostgreSQL */
/* Several values at once: exact counts of small sets, joint ones of large sets, containment and overlap. */
#include "core/census.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "algebra_model.hpp"
#include "random_sets.hpp"
#include "sane.hpp"

namespace hllset::test
{

/* A value, and the elements that are really in it. */
struct Exact
{
	Bytes bytes;
	std::set<uint64_t> elements;
};

static Exact
exact_set(const Hashes &hashes, int precision, bool compact)
{
	return {set_of(hashes, precision, compact), {hashes.begin(), hashes.end()}};
}

/* The sizes of the regions of a Venn diagram, by mask. */
static std::vector<size_t>
regions_of(const std::vector<Exact> &values)
{
	std::map<uint64_t, size_t> masks;
	std::vector<size_t> sizes(size_t{1} << values.size());

	for (size_t i = 0; i < values.size(); i++)
		for (uint64_t element : values[i].elements)
			masks[element] |= size_t{1} << i;
	for (auto [element, mask] : masks)
		sizes[mask]++;
	return sizes;
}

static std::vector<Bytes>
bytes_of(const std::vector<Exact> &values)
{
	std::vector<Bytes> bytes;

	for (const Exact &value : values)
		bytes.push_back(value.bytes);
	return bytes;
}

TEST(Census, OfSmallSetsIsExact)
{
	Random random(170);

	for (int trial = 0; trial < 1000; trial++)
	{
		int p = 7 + trial % 4;
		size_t count = 1 + trial % 3;
		std::vector<Exact> values;

		for (Hashes &hashes : overlapping_hashes(random, 3, list_limit(p) / 4))
			values.push_back(exact_set(hashes, p, trial % 5 == 0));
		values.resize(count, values[0]);

		std::vector<HllsetEstimate> made = venn(bytes_of(values));
		std::vector<size_t> sizes = regions_of(values);

		for (size_t x = 1; x < sizes.size(); x++)
		{
			ASSERT_EQ(sizes[x], made[x].cardinality);
			expect_sane(made[x]);
		}
		if (count > 1)
		{
			bool inside = count == 2 ? sizes[1] == 0 : sizes[1] + sizes[5] == 0;
			bool shared = count == 2 ? sizes[3] > 0 : sizes[3] + sizes[7] > 0;

			ASSERT_EQ(inside, contained(values[0].bytes, values[1].bytes));
			ASSERT_EQ(shared, overlap(values[0].bytes, values[1].bytes));
		}
	}
}

TEST(Census, OfSmallSetsAnswersExactly)
{
	Random random(171);
	Hashes many = random_hashes(random, 200);
	Bytes all = set_of(many, 10);
	Bytes part = set_of(Hashes(many.begin(), many.begin() + 100), 10);
	Bytes rest = set_of(Hashes(many.begin() + 100, many.end()), 10);
	Bytes but_one = set_of(Hashes(many.begin() + 1, many.end()), 10);

	EXPECT_TRUE(contained(part, all));
	EXPECT_FALSE(contained(all, part));
	EXPECT_FALSE(contained(all, but_one));
	EXPECT_TRUE(contained(all, all));
	EXPECT_TRUE(contained(empty(10), part));
	EXPECT_FALSE(contained(part, empty(10)));
	EXPECT_TRUE(overlap(part, all));
	EXPECT_FALSE(overlap(part, rest));
	EXPECT_FALSE(overlap(empty(10), all));
	EXPECT_FALSE(overlap(empty(10), empty(10)));
	EXPECT_TRUE(contained(empty(10), empty(4, true)));
}

/* Sets large and small, of two precisions and forms, that share elements to any degree. */
static std::vector<Exact>
random_values(Random &random, size_t count, int precision)
{
	std::vector<Exact> values;
	size_t elements = size_t{1} << (6 + random() % 10);

	for (const Hashes &hashes : overlapping_hashes(random, count, elements))
	{
		Hashes some(hashes.begin(),
					hashes.begin() + static_cast<ptrdiff_t>(random() % 6 == 0 ? hashes.size() / 50
																			  : hashes.size()));

		values.push_back(exact_set(some, precision + (random() % 5 == 0), random() % 3 == 0));
	}
	return values;
}

/* What every answer about two values and what is made of them must keep to. */
static void
expect_consistent_pair(const Exact &a, const Exact &b)
{
	HllsetEstimate one = estimate(a.bytes);
	HllsetEstimate other = estimate(b.bytes);
	HllsetEstimate both = estimate(intersect(a.bytes, b.bytes));
	HllsetEstimate only = estimate(subtract(a.bytes, b.bytes));
	HllsetEstimate either = estimate(unite(a.bytes, b.bytes));
	std::vector<HllsetEstimate> regions = venn({a.bytes, b.bytes});
	double scale = std::max(either.cardinality, 1.0);
	double error = std::sqrt(std::pow(one.standard_error, 2) + std::pow(both.standard_error, 2) +
							 std::pow(only.standard_error, 2));

	for (const HllsetEstimate &made : {both, only, regions[1], regions[2], regions[3]})
		expect_sane(made);
	/* an operand of a finer precision enters the expression folded, with another estimate */
	if (info(a.bytes).precision == info(b.bytes).precision)
	{
		EXPECT_LE(both.cardinality, std::min(one.cardinality, other.cardinality));
		EXPECT_LE(only.cardinality, one.cardinality);
	}
	EXPECT_LE(std::fabs(both.cardinality + only.cardinality - one.cardinality), 4 * error + 1e-9)
		<< both.cardinality << " + " << only.cardinality << " of " << one.cardinality;
	/* the same fit, but for the order of the sources */
	if (info(a.bytes).precision == info(b.bytes).precision)
	{
		EXPECT_NEAR(both.cardinality, regions[3].cardinality, 1e-3 * scale);
		EXPECT_NEAR(only.cardinality, regions[1].cardinality, 1e-3 * scale);
	}
	/* never a false no */
	EXPECT_TRUE(contained(a.bytes, unite(a.bytes, b.bytes)));
	EXPECT_TRUE(contained(intersect(a.bytes, b.bytes), a.bytes));
	EXPECT_TRUE(contained(intersect(a.bytes, b.bytes), b.bytes));
	EXPECT_TRUE(contained(subtract(a.bytes, b.bytes), a.bytes));
	EXPECT_TRUE(contained(differ(a.bytes, b.bytes), unite(a.bytes, b.bytes)));
	EXPECT_TRUE(contained(a.bytes, a.bytes));
	if (std::includes(b.elements.begin(), b.elements.end(), a.elements.begin(), a.elements.end()))
	{
		EXPECT_TRUE(contained(a.bytes, b.bytes));
	}
}

TEST(Census, PairsAgreeWithThemselves)
{
	Random random(172);

	for (int trial = 0; trial < 400; trial++)
	{
		std::vector<Exact> values = random_values(random, 2, 6 + trial % 6);

		expect_consistent_pair(values[0], values[1]);
		ASSERT_FALSE(HasFailure()) << "trial " << trial;
	}
}

/* Of three sets: no answer is negative, nor above a set around it; the regions add up; expressions of three lie where they must. */
TEST(Census, TriplesAgreeWithThemselves)
{
	Random random(173);

	for (int trial = 0; trial < 300; trial++)
	{
		std::vector<Exact> v = random_values(random, 3, 6 + trial % 6);
		Bytes a = v[0].bytes;
		Bytes b = v[1].bytes;
		Bytes c = v[2].bytes;
		std::vector<HllsetEstimate> regions = venn({a, b, c});
		double estimates[] = {estimate(a).cardinality, estimate(b).cardinality,
							  estimate(c).cardinality};
		double total = 0;

		for (size_t x = 1; x < 8; x++)
		{
			expect_sane(regions[x]);
			total += regions[x].cardinality;
			for (int i = 0; i < 3; i++)
				if ((x >> i & 1) != 0)
				{
					EXPECT_LE(regions[x].cardinality, estimates[i]);
					EXPECT_LE(regions[x].standard_error, estimates[i]);
				}
		}

		HllsetEstimate all = estimate(unite(unite(a, b), c));

		EXPECT_NEAR(all.cardinality, total, 4 * all.standard_error + 1);
		EXPECT_TRUE(contained(intersect(intersect(a, b), c), intersect(b, a)));
		EXPECT_TRUE(contained(intersect(a, b), unite(b, c)));
		EXPECT_TRUE(contained(subtract(intersect(a, b), c), a));
		EXPECT_TRUE(contained(subtract(a, unite(b, c)), subtract(a, b)));
		ASSERT_FALSE(HasFailure()) << "trial " << trial;
	}
}

/* A set that lies in another, of any precision and form, is always seen to do so. */
TEST(Census, ContainmentIsNeverMissed)
{
	Random random(174);

	for (int trial = 0; trial < 600; trial++)
	{
		size_t elements = random() % (size_t{4} << (random() % 12));
		Hashes hashes = random_hashes(random, elements, kSpreads[random() % std::size(kSpreads)]);
		Hashes part(hashes.begin(),
					hashes.begin() + static_cast<ptrdiff_t>(random() % (elements + 1)));
		Bytes a = set_of(part, 4 + static_cast<int>(random() % 7), random() % 3 == 0);
		Bytes b = set_of(hashes, 4 + static_cast<int>(random() % 7), random() % 3 == 0);

		ASSERT_TRUE(contained(a, b)) << trial;
		ASSERT_TRUE(contained(empty(9), b));
	}
}

/* A false yes has the chance (1 - g)^d, g about 1.44 m / n, if d elements are missing. */
TEST(Census, WhatIsMissingIsSeen)
{
	Random random(175);
	int missed = 0;

	for (int trial = 0; trial < 60; trial++)
	{
		Hashes all = random_hashes(random, 50000);
		Hashes most(all.begin() + 250, all.end());

		/* 250 of 50,000 missing at p = 12: (1 - .118)^250 */
		missed += contained(set_of(all, 12, trial % 2 == 0), set_of(most, 12, trial % 2 == 0));
	}
	EXPECT_EQ(0, missed);
}

TEST(Census, OverlapIsSeenAndSeldomImagined)
{
	Random random(176);
	int seen = 0;
	int imagined = 0;

	for (int trial = 0; trial < 200; trial++)
	{
		bool compact = trial % 2 == 0;
		Hashes common = random_hashes(random, 3000);
		Hashes left = random_hashes(random, 15000);
		Hashes right = random_hashes(random, 15000);
		Bytes a = set_of(left, 11, compact);
		Bytes b = set_of(right, 11, compact);

		imagined += overlap(a, b);
		left.insert(left.end(), common.begin(), common.end());
		right.insert(right.end(), common.begin(), common.end());
		seen += overlap(set_of(left, 11, compact), set_of(right, 11, compact));
	}
	/* of 200 at 0.3 %, more than 6 have the chance 1e-5 */
	EXPECT_LE(imagined, 6);
	EXPECT_EQ(200, seen);
}

/* An expression of expressions, and the regions of one value alone. */
TEST(Census, OneValueIsItsEstimate)
{
	Random random(178);

	for (int trial = 0; trial < 60; trial++)
	{
		std::vector<Exact> v = random_values(random, 3, 8);
		Bytes value = combine(kOps[trial % 4], combine(kOps[trial / 4 % 4], v[0].bytes, v[1].bytes),
							  v[2].bytes);

		EXPECT_NEAR(estimate(value).cardinality, venn({value})[1].cardinality,
					1e-4 * estimate(value).cardinality + 1);
	}
}

/* Disjoint small sets share a coupon now and then, which the errors tell of: of 40 pairs of 16,384 elements 1.33 each. */
TEST(Census, ErrorsOfSmallSetsTellOfSharedCoupons)
{
	Random random(180);
	constexpr int kTrials = 40;
	constexpr double kElements = 16384;
	const double shared = kElements * kElements / 3 * std::ldexp(1, -26);
	double found = 0;

	for (int trial = 0; trial < kTrials; trial++)
	{
		std::vector<HllsetEstimate> regions = venn(
			{set_of(random_hashes(random, 16384), 16), set_of(random_hashes(random, 16384), 16)});

		found += regions[3].cardinality;
		EXPECT_NEAR(std::sqrt(shared + shared * shared), regions[3].standard_error, 0.01);
		EXPECT_GT(regions[1].standard_error, regions[3].standard_error);
		EXPECT_EQ(0, regions[3].least);
	}
	EXPECT_NEAR(kTrials * shared, found, 4.9 * std::sqrt(kTrials * shared));
}

struct SmallOverlap
{
	std::vector<size_t> sizes;
	size_t common;
	bool compact;
};

/* An overlap of some dozen elements is a count of few tokens, skewed: with the variance at the estimate alone, 87 to 93 % would hold. */
class IntervalsOfSmallOverlaps : public testing::TestWithParam<SmallOverlap>
{
};

TEST_P(IntervalsOfSmallOverlaps, HoldTheTruth)
{
	constexpr int kTrials = 300;
	auto [sizes, common_size, compact] = GetParam();
	Random random(181);
	double truth = static_cast<double>(common_size);
	int below = 0;
	int above = 0;

	for (int trial = 0; trial < kTrials; trial++)
	{
		Hashes common = random_hashes(random, common_size);
		Bytes value;

		for (size_t size : sizes)
		{
			Hashes hashes = random_hashes(random, size - common_size);

			hashes.insert(hashes.end(), common.begin(), common.end());

			Bytes set = set_of(hashes, 12, compact);

			value = value.empty() ? set : intersect(value, set);
		}

		HllsetEstimate made = estimate(value);
		double lower;
		double upper;

		hllset_core_bounds(&made, 0.95, &lower, &upper);
		below += upper < truth;
		above += lower > truth;
	}
	/* 2.5 % on either side; more than 8 % of 300 have the chance 2e-7 */
	EXPECT_LE(below, 0.08 * kTrials);
	EXPECT_LE(above, 0.08 * kTrials);
}

INSTANTIATE_TEST_SUITE_P(Census, IntervalsOfSmallOverlaps,
						 testing::Values(SmallOverlap{{777, 1833}, 20, false},
										 SmallOverlap{{1609, 2802}, 13, false},
										 SmallOverlap{{5000, 5000}, 30, false},
										 SmallOverlap{{4500, 5200, 6100, 7000}, 39, false},
										 SmallOverlap{{5000, 5000}, 150, true}));

} // namespace hllset::test
