/* SPDX-License-Identifier: PostgreSQL */
/* The working state: merging, adding and membership against the model, in a workspace of exactly the promised size. */
#include <gtest/gtest.h>

#include "model.hpp"

namespace hllset::test
{

struct Work
{
	Work(int precision, bool compact, int finest)
		: buffer(Graded::work_size(precision, finest)),
		  state(buffer.data(), precision, compact, finest)
	{
	}

	HllsetStatus
	merge(const Bytes &set)
	{
		View view;
		HllsetStatus status = parse(door(set), view);

		return status == HLLSET_OK ? state.merge(view) : status;
	}

	Buffer buffer;
	Graded state;
};

TEST(Graded, StartsEmpty)
{
	for (int p = kMinPrecision; p <= kMaxPrecision; p++)
		for (bool compact : {false, true})
		{
			Work work(p, compact, p);

			EXPECT_EQ(empty(p, compact), copy(work.state.encode()));
			EXPECT_FALSE(work.state.contains(0));
		}
}

/* Parts of several precisions and forms, merged one after another, are the set of all their elements. */
TEST(Graded, MergeIsTheSetOfAllElements)
{
	Random random(13);

	for (int i = 0; i < 300; i++)
	{
		int p = kMinPrecision + static_cast<int>(random() % 8);
		bool compact = random() % 3 == 0;
		Work work(p, compact, 13);
		Hashes all;

		for (int part = 0; part < 5; part++)
		{
			size_t count = random() % (uint64_t{4} << (random() % 9));
			Hashes hashes = random_hashes(random, count, kSpreads[random() % std::size(kSpreads)]);
			int fine = p + static_cast<int>(random() % static_cast<uint64_t>(14 - p));

			require(work.merge(model_of(hashes, fine, compact && random() % 2 == 0)));
			all.insert(all.end(), hashes.begin(), hashes.end());
			ASSERT_EQ(model_of(all, p, compact), copy(work.state.encode()))
				<< p << " " << compact << " " << i;
		}
	}
}

TEST(Graded, AddOneByOne)
{
	Random random(14);

	for (Spread spread : kSpreads)
		for (int p : {4, 5, 7})
			for (bool compact : {false, true})
			{
				Work work(p, compact, p);
				Hashes all;

				for (uint64_t hash : random_hashes(random, 120, spread))
				{
					all.push_back(hash);
					work.state.add(coupon_of(hash));
					ASSERT_TRUE(work.state.contains(coupon_of(hash)));
					ASSERT_EQ(model_of(all, p, compact), copy(work.state.encode()));
				}
			}
}

TEST(Graded, ContainsIsTheStateOfTheElement)
{
	Random random(15);

	for (size_t count : {3, 30, 3000})
	{
		Hashes hashes = random_hashes(random, count);
		Work work(6, false, 6);
		ModelState state = state_of(hashes, 6, false);

		require(work.merge(bytes_of(state)));
		for (uint64_t hash : random_hashes(random, 3000, Spread::many_zeros))
		{
			auto [level, address] = coupon_model(hash);
			bool there = level < state.level0
							 ? state.matrix.contains({level, address % 64})
							 : state.tokens.contains(
								   {level, state.level0 == 0 ? address : address % (1u << 14)});

			EXPECT_EQ(there, work.state.contains(coupon_of(hash)));
		}
	}
}

/* The state that fills every part of a workspace: a list of S tokens merged with another of the finest. */
TEST(Graded, WorkspaceHoldsTheLargestLists)
{
	Random random(16);

	for (int p : {4, 9, 18})
	{
		Hashes first = random_hashes(random, list_limit(p));
		Hashes second = random_hashes(random, list_limit(p));
		Bytes a = set_of(first, p);
		Bytes b = set_of(second, p);
		Work work(p, false, p);

		ASSERT_EQ(0, info(a).level0);
		require(work.merge(a));
		require(work.merge(b));
		first.insert(first.end(), second.begin(), second.end());
		EXPECT_EQ(set_of(first, p), copy(work.state.encode()));
	}
}

TEST(Graded, FoldFromTheFinestToTheCoarsest)
{
	Random random(17);
	Hashes hashes = random_hashes(random, 40000);
	Work work(4, false, 18);

	require(work.merge(set_of(hashes, 18)));
	EXPECT_EQ(model_of(hashes, 4), copy(work.state.encode()));
}

TEST(Graded, RefusesBrokenPositions)
{
	Random random(18);
	Bytes set = set_of(random_hashes(random, 5000), 8);

	for (size_t size = 60; size < set.size(); size++)
	{
		Work work(8, false, 8);

		EXPECT_NE(HLLSET_OK,
				  work.merge(Bytes(set.begin(), set.begin() + static_cast<ptrdiff_t>(size))));
	}
}

} // namespace hllset::test
