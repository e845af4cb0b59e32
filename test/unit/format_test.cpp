/* SPDX-License-Identifier: PostgreSQL */
/* The bytes: written as docs/format.md says, read back, bounded; what a reader refuses: refusal_test.cpp. */
#include <gtest/gtest.h>

#include "random_sets.hpp"

namespace hllset::test
{

TEST(Format, EmptySets)
{
	EXPECT_EQ((Bytes{1, 0x01, 4, 1, 0, 0}), empty(4));
	EXPECT_EQ((Bytes{1, 0x11, 4, 1, 0, 0}), empty(4, true));
	EXPECT_EQ((Bytes{1, 0x01, 12, 1, 0, 0, 0}), empty(12));
	EXPECT_EQ((Bytes{1, 0x01, 18, 1, 0, 0, 0, 0}), empty(18));
	for (int p = kMinPrecision; p <= kMaxPrecision; p++)
		for (bool compact : {false, true})
		{
			EXPECT_EQ(model_of({}, p, compact), empty(p, compact));
			EXPECT_LE(empty(p, compact).size(), size_t{HLLSET_EMPTY_SIZE});
		}
}

/*
 * One element, by hand: p = 4, hash 0x40...03, so level 1 and address 3. After the header: t = 1 in 3 bits; t_0 = 0 and
 * t_1 = 1 in 1 bit each; gap 3 among 2^26 cells with b = 25: a one bit, then 3 in 25 bits. 31 bits, one of padding.
 */
TEST(Format, OneElementByHand)
{
	uint32_t stream = 1 | 0 << 3 | 1 << 4 | 1 << 5 | 3 << 6;

	EXPECT_EQ(
		(Bytes{1, 0x01, 4, 1, 0, static_cast<uint8_t>(stream), static_cast<uint8_t>(stream >> 8),
			   static_cast<uint8_t>(stream >> 16), static_cast<uint8_t>(stream >> 24)}),
		set_of({0x4000000000000003}, 4));
}

/*
 * A dense set by hand: p = 4, five elements of level 0 with the addresses 0, 16, 32, 48, 1: more than S = 4 coupons, no
 * pair with level >= 1, so L0 = 1 and plane 0 has the buckets 0 and 1. full = 0, end = 1 (6 bits each), c_0 = 2 (5 bits),
 * t = 0 (3 bits); gaps 0, 0 among 16 cells with b = 2 (133*2*4 = 1064 >= 960): 100 100. 26 bits.
 */
TEST(Format, DenseSetByHand)
{
	uint64_t level = uint64_t{1} << 63;
	uint32_t stream = 0 | 1 << 6 | 2 << 12 | 0 << 17 | 1 << 20 | 1 << 23;

	EXPECT_EQ(
		(Bytes{1, 0x01, 4, 1, 1, static_cast<uint8_t>(stream), static_cast<uint8_t>(stream >> 8),
			   static_cast<uint8_t>(stream >> 16), static_cast<uint8_t>(stream >> 24)}),
		set_of({level, level | 16, level | 32, level | 48, level | 1}, 4));
}

TEST(Format, AgreesWithTheModel)
{
	Random random(20);

	for (int i = 0; i < 600; i++)
	{
		int p = kMinPrecision + static_cast<int>(random() % 9);
		bool compact = random() % 3 == 0;
		size_t count = random() % (uint64_t{2} << (random() % 13));
		Hashes hashes = random_hashes(random, count, kSpreads[random() % std::size(kSpreads)]);
		Bytes set = set_of(hashes, p, compact);

		ASSERT_EQ(model_of(hashes, p, compact), set) << p << " " << compact << " " << count;
		ASSERT_EQ(HLLSET_OK, check(set));
		ASSERT_EQ(set, reencode(set));
		ASSERT_EQ(set, bytes_of(decode(set)));
	}
}

/* Down to any level: what is above is there, the highest level first, and nothing else. */
TEST(Format, LevelsAreReadFromTheHighestDown)
{
	Random random(25);

	for (int i = 0; i < 200; i++)
	{
		Bytes set = random_set(random, 9).bytes;
		ModelState state = decode(set);
		View view;

		require(parse(door(set), view));
		for (int least = 0; least <= kLevels; least++)
		{
			std::set<Pair> matrix;
			std::set<Pair> tokens;
			int last = kLevels;

			HllsetStatus status = walk_levels(
				view, least,
				[&](int level, size_t index, uint64_t word) {
					ASSERT_LE(level, last);
					last = level;
					for (uint32_t bit = 0; bit < 64; bit++)
						if (word >> bit & 1)
							matrix.insert({level, static_cast<uint32_t>(index) * 64 + bit});
				},
				[&](int level, auto &&read) {
					ASSERT_LT(level, last);
					last = level;
					read([&](uint32_t address) { tokens.insert({level, address}); });
				});

			ASSERT_EQ(HLLSET_OK, status);
			std::erase_if(state.matrix, [&](const Pair &pair) { return pair.first < least; });
			std::erase_if(state.tokens, [&](const Pair &pair) { return pair.first < least; });
			ASSERT_EQ(state.matrix, matrix);
			ASSERT_EQ(state.tokens, tokens);
		}
	}
}

/*
 * The order of levels by hand: p = 4, L0 = 0, tokens at level 0 address 5 and at level 2 address 9. After the header: t = 2 in 3 bits;
 * t_0 = 1, t_1 = 0, t_2 = 1 in 2, 1 and 1 bits; then level 2 comes first: a one bit and 9 in 25 bits; then a one bit and 5.
 */
TEST(Format, HighestLevelFirstByHand)
{
	uint64_t stream = 2 | 1 << 3 | 0 << 5 | 1 << 6 | 1 << 7 | uint64_t{9} << 8 | uint64_t{1} << 33 |
					  uint64_t{5} << 34;
	Bytes wanted = {1, 0x01, 4, 1, 0};

	for (int i = 0; i < 8; i++)
		wanted.push_back(static_cast<uint8_t>(stream >> 8 * i));
	EXPECT_EQ(wanted, set_of({make_hash(0, 5), make_hash(2, 9)}, 4));
}

TEST(Format, AgreesWithTheModelAtTheFinestPrecisions)
{
	Random random(21);

	for (int p = 13; p <= kMaxPrecision; p++)
		for (size_t count : {size_t{list_limit(p)}, size_t{list_limit(p)} + 1, size_t{150000}})
			for (bool compact : {false, true})
			{
				Hashes hashes = random_hashes(
					random, count, count % 2 == 0 ? Spread::uniform : Spread::many_zeros);
				Bytes set = set_of(hashes, p, compact);

				ASSERT_EQ(model_of(hashes, p, compact), set);
				ASSERT_EQ(set, reencode(set));
			}
}

/* Small up to exactly S coupons, dense from the next one on; graded raises L0 the same way. */
TEST(Format, StaysSmallUpToTheLimit)
{
	for (int p = kMinPrecision; p <= 10; p++)
		for (bool compact : {false, true})
		{
			Random random(22);
			Aggregate aggregate(p, compact);
			uint32_t distinct = 0;

			for (uint64_t hash : random_hashes(random, list_limit(p)))
			{
				aggregate.add(hash);
				EXPECT_EQ(0, info(aggregate.encode()).level0);
				EXPECT_EQ(++distinct, info(aggregate.encode()).tokens);
				if (distinct > 300)
					break;
			}
			aggregate.add(random_hashes(random, list_limit(p)));
			EXPECT_GE(info(aggregate.encode()).level0, compact ? 32 : 1);
		}
}

/* Every level from 1 to 32 is an L0 that some set has, and its value is read back. */
TEST(Format, EveryLevelZero)
{
	for (int p : {4, 5, 6, 8})
		for (int level0 = 1; level0 <= kLevels; level0++)
		{
			Hashes hashes;

			/* more than S tokens at the level below L0 */
			for (uint32_t i = 0; i <= list_limit(p); i++)
				hashes.push_back(make_hash(level0 - 1, i));

			Bytes set = set_of(hashes, p);

			ASSERT_EQ(level0, info(set).level0);
			EXPECT_EQ(model_of(hashes, p), set);
			EXPECT_EQ(set, reencode(set));
			EXPECT_EQ(set, set_of(witness(decode(set)), p));
		}
}

/* A full matrix, and one with a single hole or a single one in each of its places. */
TEST(Format, FullAndNearlyFullMatrices)
{
	for (bool compact : {false, true})
	{
		ModelState full{4, compact, 32, {}, {}};

		for (int k = 0; k < 32; k++)
			for (uint32_t bucket = 0; bucket < 16; bucket++)
				full.matrix.insert({k, bucket});
		EXPECT_EQ((Bytes{1, static_cast<uint8_t>(compact ? 0x11 : 1), 4, 1, 32, 0x20, 0x08}),
				  bytes_of(full));
		EXPECT_EQ(bytes_of(full), set_of(witness(full), 4, compact));
		EXPECT_TRUE(info(bytes_of(full)).saturated);
		for (const Pair &one : std::set<Pair>(full.matrix))
		{
			ModelState holed = full;

			holed.matrix.erase(one);
			EXPECT_EQ(bytes_of(holed), set_of(witness(holed), 4, compact));
			EXPECT_FALSE(info(bytes_of(holed)).saturated);
		}
	}
}

/*
 * The bound of a value holds for the longest codes: planes whose ones lie in gaps of whole 2^b at the density where the
 * parameter changes, and tokens that are alone in their level at the last address.
 */
TEST(Format, EncodedBoundHoldsAtTheWorstDensities)
{
	Random random(23);

	for (int p : {4, 5, 6, 8, 10, 12})
		for (int percent : {11, 21, 24, 30, 36, 38, 39, 41, 50, 61, 63, 70})
		{
			ModelState state{p, true, 32, {}, {}};
			uint32_t m = 1u << p;
			uint32_t ones = std::max(1u, m * static_cast<uint32_t>(percent) / 100);

			for (int k = 0; k < 32; k++)
			{
				std::set<uint32_t> places;

				while (places.size() < ones)
					places.insert(k % 2 == 0 ? m - 1 - static_cast<uint32_t>(places.size())
											 : random() % m);
				for (uint32_t bucket : places)
					state.matrix.insert({k, bucket});
			}

			Bytes set = bytes_of(state);

			EXPECT_LE(set.size(), encoded_bound(p, 32, 0)) << p << " " << percent;
			EXPECT_EQ(set, reencode(set));
		}
}

TEST(Format, EncodedBoundHoldsForScatteredTokens)
{
	for (int p = kMinPrecision; p <= 9; p++)
	{
		Hashes hashes;

		for (uint32_t i = 0; i < list_limit(p); i++)
			hashes.push_back(make_hash(static_cast<int>(i % 32), 0x3ffffff - i / 32 * 32));

		Bytes set = set_of(hashes, p);

		EXPECT_EQ(list_limit(p), info(set).tokens);
		EXPECT_LE(set.size(), encoded_bound(p, 0, list_limit(p)));
		EXPECT_EQ(model_of(hashes, p), set);
	}
}

/* docs: 100 elements at most 300 bytes, 1,000 at most 2,500; graded at p = 12 a mean of 3,650 at any n, compact 2,500. */
TEST(Format, Sizes)
{
	Random random(24);

	for (size_t count : {100, 1000, 1024, 1025, 3000, 10000, 30000, 100000, 300000})
	{
		size_t graded = 0;
		size_t compact = 0;

		for (int i = 0; i < 20; i++)
		{
			Bytes set = set_of(random_hashes(random, count), 12);

			graded += set.size();
			compact += convert(set, 12, HLLSET_COMPACT).size();
			if (count <= 1000)
			{
				EXPECT_LE(set.size(), count == 100 ? 300u : 2500u);
			}
		}
		EXPECT_LE(graded, 20u * 3650);
		if (count > 1024)
		{
			EXPECT_LE(compact, 20u * 2500);
		}
	}
}

} // namespace hllset::test
