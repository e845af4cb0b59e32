/* SPDX-License-Identifier: PostgreSQL */
/* What an operation makes of more than six sources: a sample, or a refusal where there are no tokens. */
#include <gtest/gtest.h>

#include <algorithm>

#include "algebra_model.hpp"
#include "random_sets.hpp"

namespace hllset::test
{

/* Seven sets or more that have a common core. */
static std::vector<Bytes>
with_core(Random &random, size_t count, int precision, size_t core, size_t own)
{
	Hashes common = random_hashes(random, core);
	std::vector<Bytes> sets;

	for (size_t i = 0; i < count; i++)
	{
		Hashes hashes = random_hashes(random, own);

		hashes.insert(hashes.end(), common.begin(), common.end());
		sets.push_back(set_of(hashes, precision));
	}
	return sets;
}

TEST(Samples, ComeAfterSixSources)
{
	Random random(140);
	std::vector<Bytes> sets = with_core(random, 12, 12, 20000, 60000);
	Bytes all = sets[0];

	for (size_t i = 1; i < sets.size(); i++)
	{
		all = intersect(all, sets[i]);
		ASSERT_EQ(i < 6 ? HLLSET_EXPRESSION : HLLSET_SAMPLE, info(all).kind);
		ASSERT_EQ(HLLSET_OK, check(all));

		HllsetEstimate made = estimate(all);

		EXPECT_NEAR(20000, made.cardinality, 4 * made.standard_error) << i;
		EXPECT_EQ(i < 6 ? HLLSET_NORMAL : HLLSET_SAMPLED, made.law);
	}
	/* two expressions of six, at once */
	Bytes left = sets[0];
	Bytes right = sets[6];

	for (size_t i = 1; i < 6; i++)
	{
		left = intersect(left, sets[i]);
		right = intersect(right, sets[6 + i]);
	}
	EXPECT_EQ(all, intersect(left, right));
	EXPECT_EQ(all, intersect(right, left));
}

/* The sample of an intersection is the intersection of samples at one L0; in every order. */
TEST(Samples, IntersectInAnyOrder)
{
	Random random(141);

	for (int trial = 0; trial < 40; trial++)
	{
		std::vector<Bytes> sets = with_core(random, 8, 5 + trial % 4, 100, random() % 500);
		Bytes first = sample(sets[0]);

		for (size_t i = 1; i < sets.size(); i++)
			first = intersect(first, sample(sets[i]));
		std::shuffle(sets.begin(), sets.end(), random);

		Bytes second = sample(sets[0]);

		for (size_t i = 1; i < sets.size(); i++)
			second = intersect(second, i % 2 == 0 ? sets[i] : sample(sets[i]));
		ASSERT_EQ(first, second);
		ASSERT_EQ(first, unite(first, first));
	}
}

TEST(Samples, CompactSetsHaveNone)
{
	Random random(142);
	std::vector<Bytes> sets = with_core(random, 7, 8, 500, 500);
	Bytes compact = convert(sets[6], 8, HLLSET_COMPACT);
	Bytes six = sets[0];

	for (size_t i = 1; i < 6; i++)
		six = intersect(six, sets[i]);
	EXPECT_EQ(HLLSET_SAMPLE, info(intersect(six, sets[6])).kind);
	for (HllsetOp op : kOps)
	{
		EXPECT_EQ(HLLSET_TOO_MANY_SOURCES, try_combine(op, six, compact).status);
		EXPECT_EQ(HLLSET_TOO_MANY_SOURCES, try_combine(op, compact, six).status);
		EXPECT_EQ(HLLSET_TOO_MANY_SOURCES, try_combine(op, sample(sets[0]), compact).status);
		/* a small compact set has tokens */
		EXPECT_EQ(HLLSET_SAMPLE, info(combine(op, six, set_of({1, 2}, 8, true))).kind);
	}
	EXPECT_EQ(HLLSET_TOO_MANY_SOURCES, try_sample(compact).status);
	EXPECT_EQ(HLLSET_TOO_MANY_SOURCES, try_sample(intersect(sets[0], compact)).status);
	EXPECT_TRUE(try_sample(set_of({1, 2}, 8, true)).itself);
	/* seven sources that reduce to fewer are none too many */
	EXPECT_EQ(HLLSET_EXPRESSION, info(intersect(six, sets[0])).kind);
}

/* Of more than S tokens in the last level nothing can be kept: refused as a compact set is. */
TEST(Samples, NoneBeyondTheLastLevel)
{
	Bytes all;

	for (uint32_t i = 0; i < 8; i++)
	{
		Hashes hashes;

		for (uint32_t k = 0; k < 5; k++)
			hashes.push_back(make_hash(30, i << 8 | k));
		for (uint32_t k = 0; k < 4; k++)
			hashes.push_back(make_hash(31, i << 8 | k));

		Bytes set = set_of(hashes, 4);
		Outcome made = i == 0 ? Outcome{HLLSET_OK, set, true}
							  : try_combine(HLLSET_SYMMETRIC_DIFFERENCE, all, set);

		ASSERT_EQ(31, info(set).level0);
		ASSERT_EQ(i < 6 ? HLLSET_OK : HLLSET_TOO_MANY_SOURCES, made.status) << i;
		if (made.status != HLLSET_OK)
			return;
		ASSERT_EQ(HLLSET_OK, check(made.bytes));
		all = made.bytes;
	}
}

TEST(Samples, FoldAsTheModelDoes)
{
	Random random(143);

	for (int trial = 0; trial < 20; trial++)
	{
		ModelValue value;
		bool first = true;

		for (const Hashes &hashes : overlapping_hashes(random, 9, 400))
		{
			ModelValue set = set_model(hashes, 7, false);

			value = first ? set : combine_model(kOps[random() % std::size(kOps)], value, set);
			first = false;
		}

		Bytes bytes = value.bytes();

		for (int p = 7; p >= 4; p--)
			ASSERT_EQ(fold_model(value, p).bytes(), convert(bytes, p));
		ASSERT_EQ(convert(bytes, 4), convert(convert(bytes, 5), 4));
		if (!value.is_sample())
		{
			ASSERT_EQ(sample_model(value).bytes(), sample(bytes));
		}
	}
}

} // namespace hllset::test
