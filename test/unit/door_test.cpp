/* SPDX-License-Identifier: PostgreSQL */
/* Any bytes are legal input of the door, and its work sizes are bounded. */
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "random_sets.hpp"

namespace hllset::test
{

/* Every function with a value that may be bad: none reads or writes beyond its memory, and what is OK is so for a reason. */
static void
expect_total(const Bytes &value, const Bytes &good, uint64_t hash)
{
	std::vector<HllsetEstimate> regions;
	HllsetEstimate estimated;
	bool answer;
	HllsetStatus status = check(value);
	bool fine = status == HLLSET_OK;

	for (HllsetOp op :
		 {HLLSET_UNION, HLLSET_INTERSECTION, HLLSET_DIFFERENCE, HLLSET_SYMMETRIC_DIFFERENCE})
		for (const Outcome &made : {try_combine(op, value, good), try_combine(op, good, value)})
		{
			ASSERT_TRUE(!fine || made.status == HLLSET_OK ||
						made.status == HLLSET_TOO_MANY_SOURCES);
			ASSERT_TRUE(!fine || made.status != HLLSET_OK || check(made.bytes) == HLLSET_OK);
		}
	for (int precision : {4, 5})
	{
		Outcome made = try_convert(value, precision, HLLSET_AS_IT_IS);

		ASSERT_TRUE(made.status != HLLSET_OK || made.itself || !fine ||
					check(made.bytes) == HLLSET_OK);
	}
	HllsetStatus told = try_estimate(value, estimated);

	ASSERT_TRUE(!fine || told == HLLSET_OK);
	if (told == HLLSET_OK)
	{
		ASSERT_TRUE(std::isfinite(estimated.cardinality) && estimated.cardinality >= 0);
	}
	try_venn({value}, regions);
	try_venn({value, good}, regions);
	try_venn({good, value, value}, regions);
	try_contained(value, good, answer);
	try_overlap(good, value, answer);
	try_sample(value);
	try_add(value, hash);
	try_may_contain(value, hash);
	Aggregate(8).try_unite(value);
}

/* Each function with operands of noise behind a good header: some status, no access beyond them. */
TEST(Door, AnyBytesAreLegalInput)
{
	Random random(83);
	Bytes good = dense_set();
	std::vector<uint32_t> words(buckets(kMaxPrecision));

	for (int i = 0; i < 20000; i++)
	{
		Bytes set = {1, static_cast<uint8_t>(random() % 4 == 0 ? 0x11 : 1),
					 static_cast<uint8_t>(4 + random() % 7), 1,
					 static_cast<uint8_t>(random() % 4 == 0 ? 32 : random() % 4)};
		size_t size = random() % 60;
		HllsetEstimate estimated;

		for (size_t k = 0; k < size; k++)
			set.push_back(static_cast<uint8_t>(random() & random()));

		HllsetStatus status = check(set);

		ASSERT_EQ(status, try_unite(set, good).status);
		ASSERT_EQ(status, try_unite(good, set).status);

		Outcome converted = try_convert(set, 4, HLLSET_COMPACT);

		ASSERT_TRUE(converted.status == status || converted.itself);

		Outcome added = try_add(set, random());

		ASSERT_TRUE(added.status == status || added.itself);
		ASSERT_EQ(status, Aggregate(8).try_unite(set));
		ASSERT_EQ(status, try_estimate(set, estimated));
		ASSERT_EQ(status, try_may_contain(set, random()));
		ASSERT_EQ(status, hllset_core_bits(door(set), words.data()));
		if (i % 20 == 0)
			expect_total(set, good, random());
	}
}

/* Expressions and samples with bytes changed, sources put in each other's place, lengths that lie. */
TEST(Door, SpoiltExpressionsAndSamplesAreLegalInput)
{
	Random random(87);
	std::vector<Bytes> values;
	Bytes other = set_of(random_hashes(random, 100), 5);
	Bytes all = set_of(random_hashes(random, 100), 4);

	values.push_back(intersect(dense_set(), set_of(random_hashes(random, 200), 5)));
	values.push_back(intersect(other, set_of(random_hashes(random, 100), 5, true)));
	for (int i = 1; i < 8; i++)
	{
		all = differ(all, set_of(random_hashes(random, 100), 4));
		values.push_back(all);
	}
	values.push_back(sample(dense_set()));
	for (int i = 0; i < 1500; i++)
	{
		Bytes value = values[random() % values.size()];

		for (uint64_t changes = 1 + random() % 3; changes > 0; changes--)
		{
			/* the first bytes decide the most */
			size_t at =
				random() % (random() % 2 == 0 ? std::min<size_t>(value.size(), 16) : value.size());

			value[at] =
				static_cast<uint8_t>(random() % 2 == 0 ? value[at] ^ 1 << random() % 8 : random());
		}
		if (random() % 8 == 0)
			value.resize(random() % value.size());
		value.shrink_to_fit();
		expect_total(value, values[random() % values.size()], random());
	}
}

TEST(Door, WhatIsNoValueHasNoPlan)
{
	Bytes noise(1000, 0xff);
	Bytes good = dense_set();
	HllsetBytes both[2] = {door(good), door(noise)};
	HllsetPlan plan;

	for (HllsetOp op :
		 {HLLSET_UNION, HLLSET_INTERSECTION, HLLSET_DIFFERENCE, HLLSET_SYMMETRIC_DIFFERENCE})
	{
		EXPECT_EQ(HLLSET_BAD_VERSION, hllset_core_plan_combine(&plan, op, both[0], both[1]));
		EXPECT_EQ(HLLSET_BAD_VERSION, hllset_core_plan_combine(&plan, op, both[1], both[0]));
	}
	EXPECT_EQ(HLLSET_BAD_VERSION, hllset_core_plan_convert(&plan, both[1], 4, HLLSET_AS_IT_IS));
	EXPECT_EQ(HLLSET_BAD_VERSION, hllset_core_plan_add(&plan, both[1], 0));
	EXPECT_EQ(HLLSET_BAD_VERSION, hllset_core_plan_sample(&plan, both[1]));
	EXPECT_EQ(HLLSET_BAD_VERSION, hllset_core_plan_count(&plan, both[1]));
	EXPECT_EQ(HLLSET_BAD_VERSION, hllset_core_plan_census(&plan, both, 2));
	EXPECT_EQ(HLLSET_BAD_VERSION, hllset_core_plan_keys(&plan, both[1]));
	EXPECT_EQ(HLLSET_BAD_VERSION, hllset_core_plan_member_keys(&plan, both[1], 0));
}

/* What a tiny value can make a caller allocate is bounded by its precision alone. */
TEST(Door, WorkSizesFollowFromThePrecision)
{
	HllsetPlan plan;

	for (int p = kMinPrecision; p <= kMaxPrecision; p++)
	{
		Bytes tiny = add(empty(p), 1);

		require(hllset_core_plan_combine(&plan, HLLSET_UNION, door(tiny), door(add(empty(p), 2))));
		EXPECT_LE(plan.work_size, 1000u);
		require(hllset_core_plan_add(&plan, door(tiny), 2));
		EXPECT_LE(plan.work_size, 1000 + (size_t{15} << p));
	}
}

} // namespace hllset::test
