/* SPDX-License-Identifier: PostgreSQL */
/* Accumulators: sizes, the contract of HLLSET_NEEDS_ROOM, every change of shape, and that reading leaves them as they are. */
#include <gtest/gtest.h>

#include "random_sets.hpp"

namespace hllset::test
{

static Bytes
block(const Aggregate &aggregate)
{
	const uint8_t *bytes = reinterpret_cast<const uint8_t *>(aggregate.state());

	return Bytes(bytes, bytes + aggregate.size());
}

TEST(Accum, StartsSmallAndEmpty)
{
	for (int p = kMinPrecision; p <= kMaxPrecision; p++)
		for (bool compact : {false, true})
		{
			Aggregate aggregate(p, compact);

			EXPECT_LE(hllset_core_accum_start(p), 300u);
			EXPECT_EQ(hllset_core_accum_start(p), aggregate.size());
			EXPECT_EQ(p, hllset_core_accum_precision(aggregate.state()));
			EXPECT_EQ(empty(p, compact), aggregate.encode());
			EXPECT_EQ(0, aggregate.estimate().cardinality);
		}
}

TEST(Accum, StaysInItsFirstBlockForAFewElements)
{
	Random random(70);
	Aggregate aggregate(12);

	aggregate.add(random_hashes(random, 20));
	EXPECT_EQ(0, aggregate.moves());
	EXPECT_LE(aggregate.size(), 128u - HLLSET_ACCUM_HEAD);
	aggregate.add(random_hashes(random, 30));
	EXPECT_LE(aggregate.size(), 256u);
	aggregate.add(random_hashes(random, 50));
	EXPECT_LE(aggregate.size(), 512u);
}

/* 4 * 2^p when dense: the planes in use and the table. Compact: 32 planes of 2^p bits. */
TEST(Accum, DenseSizeIsBounded)
{
	for (int p = kMinPrecision; p <= 14; p++)
		for (bool compact : {false, true})
		{
			Random random(71);
			Aggregate aggregate(p, compact);

			for (size_t count : {100, 1000, 10000, 300000})
			{
				aggregate.add(random_hashes(random, count));
				EXPECT_LE(aggregate.size(), 300 + (size_t{6} << p)) << p << " " << compact;
			}
			EXPECT_LE(aggregate.moves(), 20);
		}
}

TEST(Accum, UnionOfManyValuesTakesTheRoomOfOne)
{
	Random random(72);
	Aggregate aggregate(10);
	size_t largest = 0;

	for (int i = 0; i < 400; i++)
	{
		aggregate.unite(set_of(random_hashes(random, 2000), 10));
		largest = std::max(largest, aggregate.size());
	}
	EXPECT_LE(largest, 300 + (size_t{6} << 10));
}

/* After each element and whatever moves it took, the state is that of all elements so far. */
TEST(Accum, NoElementIsLostOnAnyMove)
{
	Random random(73);

	for (Spread spread : kSpreads)
		for (int p = kMinPrecision; p <= 7; p++)
			for (bool compact : {false, true})
			{
				Aggregate aggregate(p, compact);
				Hashes all;

				for (uint64_t hash : random_hashes(random, 200, spread))
				{
					all.push_back(hash);
					aggregate.add(hash);
					ASSERT_EQ(model_of(all, p, compact), aggregate.encode());
				}
			}
}

/* Copied at every size, wherever the copy lies: each goes its own way from there. */
TEST(Accum, ACopyIsAStateOfItsOwn)
{
	Random random(76);

	for (int p : {4, 8, 12})
		for (bool compact : {false, true})
		{
			Aggregate aggregate(p, compact);
			Hashes all;

			for (uint64_t hash : random_hashes(random, 600, Spread::many_zeros))
			{
				Buffer twin(hllset_core_accum_size(aggregate.state()));
				HllsetAccum *state = static_cast<HllsetAccum *>(twin.data());

				memcpy(twin.data(), aggregate.state(), hllset_core_accum_size(aggregate.state()));
				if (hllset_core_accum_add(state, ~hash) == HLLSET_OK)
				{
					Hashes others = all;
					Buffer work(hllset_core_accum_encode_work(state));

					others.push_back(~hash);
					ASSERT_EQ(model_of(others, p, compact),
							  copy(hllset_core_accum_encode(state, work.data())));
				}
				ASSERT_EQ(model_of(all, p, compact), aggregate.encode());
				ASSERT_EQ(compact, hllset_core_accum_is_compact(aggregate.state()));
				all.push_back(hash);
				aggregate.add(hash);
			}
		}
}

/* The call that is answered with HLLSET_NEEDS_ROOM may be repeated as it is; `from` is only read. */
TEST(Accum, MoveLeavesTheOldBlockAlone)
{
	Random random(74);
	Aggregate aggregate(6);
	int moves = 0;

	for (uint64_t hash : random_hashes(random, 3000, Spread::many_zeros))
	{
		while (hllset_core_accum_add(aggregate.state(), hash) == HLLSET_NEEDS_ROOM)
		{
			Bytes before = block(aggregate);
			Buffer larger(hllset_core_accum_want(aggregate.state()));

			hllset_core_accum_move(static_cast<HllsetAccum *>(larger.data()), aggregate.state());
			ASSERT_EQ(before, block(aggregate));
			ASSERT_EQ(hllset_core_accum_want(aggregate.state()),
					  hllset_core_accum_size(static_cast<HllsetAccum *>(larger.data())));
			moves++;
			aggregate.add(hash);
		}
	}
	EXPECT_GE(moves, 3);
}

TEST(Accum, ReadingLeavesTheStateAsItIs)
{
	Random random(75);

	for (size_t count : {0, 3, 300, 30000})
		for (bool compact : {false, true})
		{
			Aggregate aggregate(8, compact);
			Aggregate other(4, true);

			aggregate.add(random_hashes(random, count));

			Bytes before = block(aggregate);
			Bytes encoded = aggregate.encode();

			aggregate.estimate();
			other.merge(aggregate);
			EXPECT_EQ(before, block(aggregate));
			EXPECT_EQ(encoded, aggregate.encode());
			EXPECT_EQ(encoded, other.encode());
		}
}

TEST(Accum, EstimateIsThatOfItsBytes)
{
	Random random(76);

	for (int i = 0; i < 200; i++)
	{
		Aggregate aggregate(4 + i % 10, i % 3 == 0);

		aggregate.add(random_hashes(random, random() % (uint64_t{1} << (i % 15)),
									kSpreads[i % std::size(kSpreads)]));

		HllsetEstimate own = aggregate.estimate();
		HllsetEstimate stored = estimate(aggregate.encode());

		EXPECT_EQ(stored.cardinality, own.cardinality);
		EXPECT_EQ(stored.standard_error, own.standard_error);
		EXPECT_EQ(stored.least, own.least);
	}
}

/* The sizes at which a state of precision p changes its shape, and what it may then meet. */
static Hashes
elements_of_kind(Random &random, int precision, int kind)
{
	size_t limit = list_limit(precision);

	switch (kind)
	{
		case 0:
			return {};
		case 1:
			return random_hashes(random, 1 + limit / 2);
		case 2:
			return random_hashes(random, limit);
		case 3:
			return random_hashes(random, 2 * limit);
		case 4:
			return random_hashes(random, 60 * limit);
		case 5:
			return random_hashes(random, 3 * limit, Spread::last_level);
		default:
			/* level 0 alone: dense without a token */
			Hashes hashes = random_hashes(random, 3 * limit);

			for (uint64_t &hash : hashes)
				hash |= uint64_t{1} << 63;
			return hashes;
	}
}

/* Each kind of state meets each, at equal, lower and higher precision and in both forms, as bytes and as accumulator. */
TEST(Accum, EveryStateMeetsEveryOther)
{
	Random random(77);

	for (int kinds = 0; kinds < 49; kinds++)
		for (int p = kMinPrecision; p <= 8; p += 2)
			for (int q = kMinPrecision; q <= 8; q += 2)
				for (int forms = 0; forms < 4; forms++)
				{
					Hashes a = elements_of_kind(random, p, kinds % 7);
					Hashes b = elements_of_kind(random, q, kinds / 7);
					Aggregate by_bytes(p, forms % 2 == 1);
					Aggregate by_merge(p, forms % 2 == 1);
					Aggregate other(q, forms / 2 == 1);

					by_bytes.add(a);
					by_merge.add(a);
					other.add(b);
					by_bytes.unite(other.encode());
					by_merge.merge(other);

					Form form =
						meeting({p, forms % 2 == 1}, a.empty(), {q, forms / 2 == 1}, b.empty());

					a.insert(a.end(), b.begin(), b.end());

					Bytes wanted = model_of(a, form.precision, form.compact);

					ASSERT_EQ(wanted, by_bytes.encode())
						<< kinds << " " << p << " " << q << " " << forms;
					ASSERT_EQ(wanted, by_merge.encode())
						<< kinds << " " << p << " " << q << " " << forms;
					/* and goes on taking elements */
					by_bytes.add(b);
					by_merge.add(~uint64_t{0});
					a.push_back(~uint64_t{0});
					ASSERT_EQ(wanted, by_bytes.encode());
					ASSERT_EQ(model_of(a, form.precision, form.compact), by_merge.encode());
				}
}

/* The states of the finest precision, whose tokens are not cut, and whose fold takes every step at once. */
TEST(Accum, FromTheFinestToTheCoarsest)
{
	Random random(78);

	for (size_t count : {100, 70000, 600000})
	{
		Hashes hashes = random_hashes(random, count);
		Aggregate fine(18);
		Aggregate small(4);

		fine.add(hashes);
		small.add(hashes[0]);
		small.merge(fine);
		EXPECT_EQ(set_of(hashes, 4), small.encode());
		small = Aggregate(4);
		small.add(hashes[0]);
		fine.merge(small);
		EXPECT_EQ(set_of(hashes, 4), fine.encode());
		EXPECT_EQ(4, hllset_core_accum_precision(fine.state()));
	}
}

/* From every kind of state to every precision below. */
TEST(Accum, MeetsACoarserOne)
{
	Random random(83);

	for (int kind = 0; kind < 7; kind++)
		for (int p = kMinPrecision; p <= 9; p++)
			for (int q = kMinPrecision; q <= p; q++)
				for (bool compact : {false, true})
				{
					Hashes hashes = elements_of_kind(random, p, kind);
					Aggregate aggregate(p, compact);
					Aggregate coarse(q, compact);

					hashes.push_back(random());
					aggregate.add(hashes);
					coarse.add(hashes.back());
					aggregate.merge(coarse);
					ASSERT_EQ(model_of(hashes, q, compact), aggregate.encode()) << kind;
					ASSERT_EQ(q, hllset_core_accum_precision(aggregate.state()));
					hashes.push_back(random());
					aggregate.add(hashes.back());
					ASSERT_EQ(model_of(hashes, q, compact), aggregate.encode()) << kind;
				}
}

/* The table's order follows from where a block lies; the bytes don't. */
TEST(Accum, BytesDoNotDependOnThePlace)
{
	Random random(80);
	Hashes hashes = random_hashes(random, 300);
	Bytes wanted = model_of(hashes, 8);
	std::vector<Aggregate> places;

	for (int i = 0; i < 50; i++)
	{
		places.emplace_back(8);
		places.back().add(hashes);
		ASSERT_EQ(wanted, places.back().encode());
		places.back().merge(places.back());
		ASSERT_EQ(wanted, places.back().encode());
	}
}

TEST(Accum, SaturatedStates)
{
	for (bool compact : {false, true})
	{
		Aggregate aggregate(4, compact);

		for (int level = 0; level < 32; level++)
			for (uint64_t bucket = 0; bucket < 16; bucket++)
				aggregate.add(make_hash(level, bucket));
		EXPECT_TRUE(info(aggregate.encode()).saturated);
		aggregate.add(12345);
		aggregate.merge(aggregate);
		EXPECT_EQ(7u, aggregate.encode().size());
	}
}

TEST(Accum, RefusesBytesThatAreNoValue)
{
	Random random(79);
	Bytes set = set_of(random_hashes(random, 4000), 9);
	Bytes longer = set;

	longer.push_back(0);
	for (size_t size = 0; size < set.size(); size++)
	{
		Aggregate aggregate(9);

		ASSERT_NE(HLLSET_OK, aggregate.try_unite(
								 Bytes(set.begin(), set.begin() + static_cast<ptrdiff_t>(size))));
	}
	EXPECT_NE(HLLSET_OK, Aggregate(9).try_unite(longer));
	EXPECT_EQ(HLLSET_BAD_VERSION, Aggregate(9).try_unite({9}));
}

} // namespace hllset::test
