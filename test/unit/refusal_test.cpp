/* SPDX-License-Identifier: PostgreSQL */
/* docs/format.md, What a reader refuses: each rule, every truncation, every flipped bit; what is accepted is a real set. */
#include <gtest/gtest.h>

#include "model.hpp"

namespace hllset::test
{

/* A value from its header and fields of the stream: {value, width}. */
static Bytes
raw(int precision, int level0, bool compact, const std::vector<std::pair<uint64_t, int>> &fields)
{
	Bytes bytes = {1, static_cast<uint8_t>(compact ? 0x11 : 0x01), static_cast<uint8_t>(precision),
				   1, static_cast<uint8_t>(level0)};
	BitString bits;

	for (auto [value, width] : fields)
		bits.put(value, width);
	bits.append_to(bytes);
	return bytes;
}

static Bytes
with_byte(Bytes bytes, size_t index, int value)
{
	bytes[index] = static_cast<uint8_t>(value);
	return bytes;
}

/* Sets of all kinds: empty, small, dense of several levels, full, compact. */
static std::vector<Bytes>
samples()
{
	Random random(30);
	std::vector<Bytes> sets;

	for (int p : {4, 5, 6, 8, 12})
		for (bool compact : {false, true})
		{
			sets.push_back(empty(p, compact));
			for (size_t count : {1, 4, 40, 500, 4000})
				for (Spread spread : {Spread::uniform, Spread::many_zeros, Spread::one_bucket})
					if (p < 12 || count < 500 || spread == Spread::uniform)
						sets.push_back(set_of(random_hashes(random, count, spread), p, compact));
		}
	return sets;
}

/* An accepted value is written back as it was read, and some set of elements has it. */
static void
expect_real(const Bytes &set)
{
	ASSERT_EQ(set, reencode(set));

	ModelState state = decode(set);

	ASSERT_EQ(set, bytes_of(state));
	ASSERT_EQ(set, set_of(witness(state), state.precision, state.compact));
}

TEST(Refusal, TooShortForAHeader)
{
	Bytes set = empty(12);

	for (ptrdiff_t size = 0; size < 5; size++)
		EXPECT_EQ(HLLSET_TRUNCATED, check(Bytes(set.begin(), set.begin() + size)));
}

TEST(Refusal, Version)
{
	for (int version : {0, 2, 127, 255})
	{
		EXPECT_EQ(HLLSET_BAD_VERSION, check(with_byte(empty(12), 0, version)));
		EXPECT_EQ(HLLSET_BAD_VERSION, check({static_cast<uint8_t>(version)}));
	}
}

TEST(Refusal, KindAndReservedBits)
{
	for (int kind = 0; kind < 256; kind++)
		/* expressions and samples: expression_test.cpp */
		if ((kind & 0xe0) != 0 || (kind & 15) < 1 || (kind & 15) > 3)
		{
			EXPECT_EQ(HLLSET_BAD_KIND, check(with_byte(empty(12), 1, kind)));
		}
}

TEST(Refusal, Precision)
{
	for (int precision : {0, 3, 19, 128, 255})
		EXPECT_EQ(HLLSET_BAD_PRECISION, check(with_byte(empty(12), 2, precision)));
}

TEST(Refusal, HashId)
{
	for (int hash_id : {0, 2, 255})
		EXPECT_EQ(HLLSET_BAD_HASH, check(with_byte(empty(12), 3, hash_id)));
}

TEST(Refusal, LevelOutOfRange)
{
	for (int level0 : {33, 64, 255})
	{
		EXPECT_EQ(HLLSET_BAD_LEVEL, check(with_byte(empty(12), 4, level0)));
		EXPECT_EQ(HLLSET_BAD_LEVEL, check(with_byte(empty(12, true), 4, level0)));
	}
	for (int level0 = 1; level0 < 32; level0++)
		EXPECT_EQ(HLLSET_BAD_LEVEL, check(with_byte(empty(12, true), 4, level0)));
}

/* p = 4: five coupons in two buckets of plane 0 need L0 = 1; fewer ones or tokens than could hide S + 1 don't. */
TEST(Refusal, LevelThatNoSetHas)
{
	/* nothing at all */
	EXPECT_EQ(HLLSET_BAD_LEVEL, check(raw(4, 1, false, {{0, 6}, {0, 6}, {0, 3}})));
	EXPECT_EQ(HLLSET_BAD_LEVEL, check(raw(4, 32, true, {{0, 6}, {0, 6}})));
	EXPECT_EQ(HLLSET_BAD_LEVEL, check(raw(4, 32, false, {{0, 6}, {0, 6}})));
	/* L0 = 2 with ones in plane 0 only */
	EXPECT_EQ(HLLSET_BAD_LEVEL, check(raw(4, 2, false, {{0, 6}, {1, 6}, {1, 5}, {0, 3}, {0, 6}})));
}

/* p = 12, L0 = 2: c_1 * 2^8 + t must be more than S = 1024. */
TEST(Refusal, LevelBoundaryAboveOne)
{
	for (uint32_t ones : {1, 2, 3, 4, 5})
		for (uint32_t tokens : {0, 1, 255, 256, 257, 511, 512, 513, 1024})
		{
			ModelState state{12, false, 2, {}, {}};

			for (uint32_t i = 0; i < ones; i++)
				state.matrix.insert({1, i * 7});
			for (uint32_t i = 0; i < tokens; i++)
				state.tokens.insert({2, i * 11});

			bool real = ones * 256 + tokens > 1024;

			ASSERT_EQ(real ? HLLSET_OK : HLLSET_BAD_LEVEL, check(bytes_of(state)))
				<< ones << " " << tokens;
			EXPECT_EQ(real, bytes_of(state) == set_of(witness(state), 12)) << ones << " " << tokens;
		}
}

/* L0 = 1: c_0 * 2^(26 - p) + t * 2^(26 - pt) must be more than S; at p = 12 a token hides 64 coupons, at 18 one. */
TEST(Refusal, LevelBoundaryAtOne)
{
	for (uint32_t tokens = 14; tokens < 20; tokens++)
	{
		ModelState state{12, false, 1, {}, {}};

		for (uint32_t i = 0; i < tokens; i++)
			state.tokens.insert({1 + static_cast<int>(i % 3), i});
		ASSERT_EQ(tokens > 16 ? HLLSET_OK : HLLSET_BAD_LEVEL, check(bytes_of(state)));
		EXPECT_EQ(tokens > 16, bytes_of(state) == set_of(witness(state), 12));
	}
	for (uint32_t ones : {255, 256, 257})
		for (uint32_t tokens : {0, 1, 256, 257})
		{
			ModelState state{18, false, 1, {}, {}};

			for (uint32_t i = 0; i < ones; i++)
				state.matrix.insert({0, i});
			for (uint32_t i = 0; i < tokens; i++)
				state.tokens.insert({1, i});

			bool real = ones * 256 + tokens > 65536;

			ASSERT_EQ(real ? HLLSET_OK : HLLSET_BAD_LEVEL, check(bytes_of(state)))
				<< ones << " " << tokens;
			EXPECT_EQ(real, bytes_of(state) == set_of(witness(state), 18)) << ones << " " << tokens;
		}
}

TEST(Refusal, LevelBoundaryOfCompactSets)
{
	for (uint32_t ones : {255, 256, 257, 258})
	{
		ModelState state{18, true, 32, {}, {}};

		for (uint32_t i = 0; i < ones; i++)
			state.matrix.insert({static_cast<int>(i % 32), i});
		ASSERT_EQ(ones > 256 ? HLLSET_OK : HLLSET_BAD_LEVEL, check(bytes_of(state)));
		EXPECT_EQ(ones > 256, bytes_of(state) == set_of(witness(state), 18, true));
	}
}

TEST(Refusal, FullAndEnd)
{
	/* full > end; end > L0; both out of range */
	EXPECT_EQ(HLLSET_BAD_COUNT, check(raw(4, 3, false, {{2, 6}, {1, 6}, {0, 3}})));
	EXPECT_EQ(HLLSET_BAD_COUNT, check(raw(4, 3, false, {{0, 6}, {4, 6}, {0, 40}})));
	EXPECT_EQ(HLLSET_BAD_COUNT, check(raw(4, 3, false, {{63, 6}, {63, 6}, {0, 40}})));
	/* plane `full` is full; plane end - 1 is empty */
	EXPECT_EQ(HLLSET_BAD_COUNT, check(raw(4, 1, false, {{0, 6}, {1, 6}, {16, 5}, {0, 3}})));
	EXPECT_EQ(HLLSET_BAD_COUNT,
			  check(raw(4, 2, false, {{0, 6}, {2, 6}, {0, 5}, {1, 5}, {0, 3}, {0, 6}})));
	/* the same sets as they should be */
	EXPECT_EQ(HLLSET_OK, check(raw(4, 1, false, {{1, 6}, {1, 6}, {0, 3}})));
	EXPECT_EQ(HLLSET_BAD_COUNT, check(raw(4, 2, false, {{1, 6}, {2, 6}, {16, 5}, {0, 3}})));
	EXPECT_EQ(HLLSET_OK, check(raw(4, 2, false, {{2, 6}, {2, 6}, {0, 3}})));
}

TEST(Refusal, PlaneCountBeyondThePlane)
{
	for (uint64_t ones : {17, 18, 31})
		EXPECT_EQ(HLLSET_BAD_COUNT,
				  check(raw(4, 1, false, {{0, 6}, {1, 6}, {ones, 5}, {0, 3}, {0, 32}})));
}

TEST(Refusal, TokenCounts)
{
	/* t > S: the field has room for up to 2S - 1 */
	for (uint64_t tokens : {5, 6, 7})
		EXPECT_EQ(HLLSET_BAD_COUNT, check(raw(4, 0, false, {{tokens, 3}, {0, 200}})));
	/* t_k > R: two tokens, three of them at level 0 */
	EXPECT_EQ(HLLSET_BAD_COUNT, check(raw(4, 0, false, {{2, 3}, {3, 2}, {0, 60}})));
}

TEST(Refusal, PositionBeyondItsCells)
{
	/* a token at address 2^26, and a one in bucket 16 */
	EXPECT_EQ(HLLSET_BAD_POSITION,
			  check(raw(4, 0, false, {{1, 3}, {1, 1}, {0, 2}, {1, 1}, {0, 25}, {0, 7}})));
	EXPECT_EQ(HLLSET_BAD_POSITION,
			  check(raw(4, 1, false, {{0, 6}, {1, 6}, {1, 5}, {0, 3}, {0, 2}, {1, 1}, {0, 3}})));
	EXPECT_EQ(HLLSET_OK,
			  check(raw(4, 1, false, {{0, 6}, {1, 6}, {1, 5}, {0, 3}, {0, 1}, {1, 1}, {7, 3}})));
}

/* A stream from the back begins elsewhere when bytes are missing or added: then any rule may be the one that is broken. */
static bool
has_two_streams(const Bytes &set)
{
	return set.size() > 4 && set[2] >= kBlockPrecision && set[4] > 0;
}

TEST(Refusal, EveryTruncation)
{
	for (const Bytes &set : samples())
		for (size_t size = 0; size < set.size(); size++)
		{
			HllsetStatus status =
				check(Bytes(set.begin(), set.begin() + static_cast<ptrdiff_t>(size)));

			ASSERT_NE(HLLSET_OK, status);
			if (!has_two_streams(set) || size < 6)
			{
				ASSERT_EQ(HLLSET_TRUNCATED, status);
			}
		}
}

TEST(Refusal, TrailingBytes)
{
	for (const Bytes &set : samples())
		for (int extra : {0, 1, 255})
			for (size_t count : {1, 7, 8, 9, 20})
			{
				Bytes longer = set;

				longer.insert(longer.end(), count, static_cast<uint8_t>(extra));
				ASSERT_NE(HLLSET_OK, check(longer));
				if (!has_two_streams(set))
				{
					ASSERT_EQ(HLLSET_TRAILING, check(longer));
				}
			}
}

TEST(Refusal, PaddingThatIsNotZero)
{
	/* the streams of empty sets have p - 1 bits */
	for (int p = 4; p <= 18; p++)
		for (int bit = (p - 1) % 8; bit < 8 && (p - 1) % 8 != 0; bit++)
		{
			Bytes set = empty(p);

			set.back() = static_cast<uint8_t>(set.back() | 1 << bit);
			EXPECT_EQ(HLLSET_BAD_PADDING, check(set)) << p << " " << bit;
		}
}

TEST(Refusal, EveryFlippedBit)
{
	size_t accepted = 0;

	for (const Bytes &set : samples())
	{
		if (set.size() > 400)
			continue;
		for (size_t bit = 0; bit < set.size() * 8; bit++)
		{
			Bytes flipped = set;

			flipped[bit / 8] = static_cast<uint8_t>(flipped[bit / 8] ^ 1 << (bit % 8));
			if (check(flipped) == HLLSET_OK)
			{
				accepted++;
				expect_real(flipped);
			}
		}
	}
	/* most flips in the low bits of a gap give another set */
	EXPECT_GT(accepted, 1000u);
}

/* All streams of up to two bytes at the smallest precision, for every L0 and form. */
TEST(Refusal, EveryShortStream)
{
	size_t accepted = 0;

	for (int level0 = 0; level0 <= 32; level0++)
		for (int kind : {0x01, 0x11})
			for (uint32_t size = 0; size <= 2; size++)
				for (uint32_t stream = 0; stream < 1u << (8 * size); stream++)
				{
					Bytes set = {1, static_cast<uint8_t>(kind), 4, 1, static_cast<uint8_t>(level0)};

					for (uint32_t i = 0; i < size; i++)
						set.push_back(static_cast<uint8_t>(stream >> (8 * i)));
					if (check(set) == HLLSET_OK)
					{
						accepted++;
						expect_real(set);
					}
				}
	/* the two empty sets, and matrices of full planes alone: 31 of each graded L0 >= 1, compact 32 */
	EXPECT_GT(accepted, 32u);
}

} // namespace hllset::test
