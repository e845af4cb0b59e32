/* SPDX-License-Identifier: PostgreSQL */
/* What a union into a state whose planes are full does not read, and what it refuses all the same. */
#include <gtest/gtest.h>

#include "random_sets.hpp"

namespace hllset::test
{

/* A state whose lowest planes are full: so many elements of level 0, 1 and 2 for each bucket. */
static Aggregate
with_full_planes(int precision, bool compact)
{
	Aggregate aggregate(precision, compact);

	for (int level = 0; level < 3; level++)
		for (uint64_t bucket = 0; bucket < buckets(precision); bucket++)
			aggregate.add(make_hash(level, bucket));
	return aggregate;
}

/*
 * Values of every size, precision and form into states that fill up from below, some of them copied or merged on the way: what a merge
 * leaves out would have changed nothing.
 */
TEST(Accum, WhatFullPlanesMakeNeedlessIsNotMissed)
{
	Random random(81);

	for (int trial = 0; trial < 300; trial++)
	{
		int p = kMinPrecision + trial % 4;
		Aggregate aggregate(p, trial % 3 == 0);

		aggregate.add(random_hashes(random, random() % (size_t{300} << (trial % 5))));

		Bytes whole = aggregate.encode();

		for (int step = 0; step < 12; step++)
		{
			Built built = random_set(random, 9);
			Aggregate other(4, true);

			if (step == 5)
				built.bytes = with_full_planes(built.precision, built.compact).encode();
			if (step % 4 == 3)
			{
				other.unite(built.bytes);
				aggregate.merge(other);
			}
			else
				aggregate.unite(built.bytes);
			whole = unite(whole, built.bytes);
			ASSERT_EQ(whole, aggregate.encode()) << trial << " " << step;
			aggregate.unite(whole);
			ASSERT_EQ(whole, aggregate.encode()) << trial << " " << step;
		}
	}
}

/* Of a set of tokens alone, what is read ends where the lowest levels begin; it is refused if it ends before. */
TEST(Accum, OnlyWhatIsReadIsChecked)
{
	Random random(82);
	Bytes set = set_of(random_hashes(random, 200), 10);
	size_t needed = 0;

	for (size_t size = set.size(); size > 0; size--)
	{
		Bytes start(set.begin(), set.begin() + static_cast<ptrdiff_t>(size));
		Aggregate aggregate = with_full_planes(6, false);

		if (aggregate.try_unite(start) != HLLSET_OK)
		{
			needed = needed == 0 ? size + 1 : needed;
			continue;
		}
		ASSERT_EQ(0u, needed);
		ASSERT_EQ(unite(with_full_planes(6, false).encode(), set), aggregate.encode());
	}
	/* an eighth of the elements, and the counts */
	EXPECT_GT(needed, set.size() / 12);
	EXPECT_LT(needed, set.size() / 4);
}

TEST(Accum, RefusesWhatIsWrongAboveFullPlanes)
{
	for (bool compact : {false, true})
		for (int level = 0; level < kLevels; level++)
		{
			Aggregate aggregate = with_full_planes(6, compact);
			Bytes token = bytes_of({8, false, 0, {}, {{level, 1u << 26}}});
			Bytes bucket = bytes_of({8, true, 32, {{0, 1}, {0, 2}, {level, 256}}, {}});

			EXPECT_EQ(level < 3 ? HLLSET_OK : HLLSET_BAD_POSITION, aggregate.try_unite(token))
				<< level;
			EXPECT_EQ(level < 3 ? HLLSET_OK : HLLSET_BAD_POSITION, aggregate.try_unite(bucket))
				<< level;
			EXPECT_EQ(HLLSET_BAD_POSITION, check(token));
			EXPECT_EQ(HLLSET_BAD_POSITION, check(bucket));
		}
}

} // namespace hllset::test
