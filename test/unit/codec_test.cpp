/* SPDX-License-Identifier: PostgreSQL */
/* Coding of counts, planes and token levels: the Rice parameter, round trips, the longest codes, and what is refused. */
#include <gtest/gtest.h>

#include <cmath>

#include "model.hpp"

namespace hllset::test
{

/* 133 x 2^b >= 32 (2M - x), b the smallest: docs/format.md, Gaps. */
TEST(Codec, RiceParameterIsTheOneOfTheFormat)
{
	Random random(10);

	for (int i = 0; i < 20000; i++)
	{
		uint32_t cells = 1u << (4 + random() % 23);
		uint32_t count = static_cast<uint32_t>(
			1 + random() % (random() % 2 == 0 ? cells : std::min(cells, 40u)));
		int b = rice_parameter(count, cells);
		auto enough = [&](int parameter) {
			return std::ldexp(133.0 * count, parameter) >= 32.0 * (2.0 * cells - count);
		};

		EXPECT_TRUE(enough(b)) << count << " of " << cells;
		EXPECT_TRUE(b == 0 || !enough(b - 1)) << count << " of " << cells;
		EXPECT_LE(b, 26);
	}
}

/* Expected bits of a gap whose cells are ones with probability q: b low bits, a stop bit, and the mean quotient. */
static double
expected_bits(double q, int b)
{
	double skip = std::pow(1 - q, std::ldexp(1.0, b));

	return b + 1 + skip / (1 - skip);
}

/* The rule takes the logarithm to second order only: where b changes from 0 to 1 that costs up to 0.8 %. */
TEST(Codec, RiceParameterIsNearlyOptimal)
{
	for (uint32_t count = 1; count <= 2048; count++)
	{
		double q = count / 4096.0;
		int b = rice_parameter(count, 4096);

		EXPECT_LE(expected_bits(q, b), expected_bits(q, b + 1) * 1.01);
		if (b > 0)
		{
			EXPECT_LE(expected_bits(q, b), expected_bits(q, b - 1) * 1.01);
		}
	}
}

static uint32_t
ones_in(const std::vector<uint64_t> &plane)
{
	return count_ones(plane.data(), plane.size());
}

static Bytes
written_plane(const std::vector<uint64_t> &plane, int precision)
{
	Bytes room(encoded_bound(precision, 1, 0));
	StreamWriter out(room.data(), room.data() + room.size());

	write_plane(out, plane.data(), precision, ones_in(plane));
	return Bytes(room.data(), out.finish());
}

static HllsetStatus
read_back(const Bytes &bytes, int precision, uint32_t ones, std::vector<uint64_t> &plane)
{
	StreamReader in(bytes.data(), bytes.size());
	size_t next = 0;
	HllsetStatus status = read_plane(in, precision, ones, [&](size_t index, uint64_t word) {
		EXPECT_EQ(next++, index);
		plane.push_back(word);
	});

	return status == HLLSET_OK ? in.finish() : status;
}

/* A plane as the model writes it. */
static Bytes
plane_model(const std::vector<uint64_t> &plane, int precision)
{
	std::vector<uint64_t> ones;
	BitString front;
	BitString back;
	Bytes bytes;
	Bytes backward;

	for (uint32_t bucket = 0; bucket < 1u << precision; bucket++)
		if (plane[bucket / 64] >> (bucket % 64) & 1)
			ones.push_back(bucket);
	front.put_plane(ones, precision, back);
	front.append_to(bytes);
	back.append_to(backward);
	bytes.insert(bytes.end(), backward.rbegin(), backward.rend());
	return bytes;
}

static void
round_trip(const std::vector<uint64_t> &plane, int precision)
{
	Bytes bytes = written_plane(plane, precision);
	std::vector<uint64_t> read;

	ASSERT_EQ(plane_model(plane, precision), bytes);
	ASSERT_EQ(HLLSET_OK, read_back(bytes, precision, ones_in(plane), read));
	ASSERT_EQ(plane, read);
	ASSERT_LE(bytes.size(), size_t{buckets(precision)} * 9 / 64 + 4);
}

TEST(Codec, EveryPlaneOfPrecisionFour)
{
	for (uint64_t plane = 1; plane < 0xffff; plane++)
		round_trip({plane}, 4);
}

TEST(Codec, PlanesOfEveryDensity)
{
	Random random(11);

	for (int p = 5; p <= 12; p++)
		for (int percent = 0; percent <= 100; percent += 2)
		{
			std::vector<uint64_t> plane(plane_words(p));

			for (uint32_t bucket = 0; bucket < buckets(p); bucket++)
				if (static_cast<int>(random() % 100) < percent)
					plane[bucket / 64] |= uint64_t{1} << (bucket % 64);
			plane[0] |= 1;
			plane.back() &= ~(uint64_t{1} << ((buckets(p) - 1) % 64));
			round_trip(plane, p);
		}
}

/*
 * The longest code of x ones among m cells has them all at the end, or in gaps of whole 2^b: it is at most
 * x (1 + b) + (m - x) / 2^b. Each x, and both arrangements, must fit the bound of a plane.
 */
TEST(Codec, LongestPlanes)
{
	for (int p : {4, 5, 6, 7, 10})
		for (uint32_t ones = 1; ones < buckets(p); ones++)
		{
			std::vector<uint64_t> late(plane_words(p));
			std::vector<uint64_t> stepped(plane_words(p));
			uint32_t few = std::min(ones, buckets(p) - ones);
			uint32_t step = (1u << rice_parameter(few, buckets(p))) + 1;
			auto flip = [&](std::vector<uint64_t> &plane, uint32_t bucket) {
				plane[bucket / 64] ^= uint64_t{1} << (bucket % 64);
			};

			for (uint32_t i = 0; i < few; i++)
				flip(late, buckets(p) - 1 - i);
			uint32_t placed = 0;

			for (uint32_t bucket = step - 1; placed < few && bucket < buckets(p);
				 bucket += step, placed++)
				flip(stepped, bucket);
			for (uint32_t bucket = buckets(p) - 1; placed < few; bucket--)
				if ((stepped[bucket / 64] >> (bucket % 64) & 1) == 0)
				{
					flip(stepped, bucket);
					placed++;
				}
			if (few != ones)
				for (uint32_t bucket = 0; bucket < buckets(p); bucket++)
				{
					flip(late, bucket);
					flip(stepped, bucket);
				}
			round_trip(late, p);
			round_trip(stepped, p);
		}
}

TEST(Codec, TokenLevels)
{
	Random random(12);

	for (int bits : {12, 20, 26})
		for (uint32_t wanted : {1, 2, 3, 10, 1000})
		{
			std::set<uint32_t> addresses;
			std::vector<Coupon> tokens;
			std::vector<Coupon> read;
			Bytes room(wanted * 4 + 8);
			BitWriter out(room.data());

			while (addresses.size() < wanted)
				addresses.insert(static_cast<uint32_t>(random() & ((1u << bits) - 1)));
			for (uint32_t address : addresses)
				tokens.push_back(9u << kAddressBits | address);
			write_tokens(out, tokens.data(), wanted, bits);

			BitReader in(room.data(), static_cast<size_t>(out.finish() - room.data()));

			EXPECT_EQ(HLLSET_OK, read_gaps(in, wanted, 1u << bits, [&](uint32_t address) {
						  read.push_back(9u << kAddressBits | address);
					  }));
			EXPECT_EQ(tokens, read);
		}
}

TEST(Codec, OneTokenAtTheLastAddress)
{
	Coupon token = (1u << kAddressBits) - 1;
	uint8_t room[8];
	BitWriter out(room);

	write_tokens(out, &token, 1, kAddressBits);

	BitReader in(room, static_cast<size_t>(out.finish() - room));

	EXPECT_EQ(HLLSET_OK, read_gaps(in, 1, 1u << kAddressBits,
								   [&](uint32_t address) { EXPECT_EQ(token, address); }));
}

TEST(Codec, RefusesAPositionBeyondThePlane)
{
	for (uint32_t position : {15u, 16u, 17u, 400u})
	{
		BitString bits;
		Bytes bytes;
		std::vector<uint64_t> plane;

		bits.put_gaps({position}, 16);
		bits.append_to(bytes);
		EXPECT_EQ(position < 16 ? HLLSET_OK : HLLSET_BAD_POSITION, read_back(bytes, 4, 1, plane));
	}
}

/* In gaps, in blocks, plainly. */
TEST(Codec, RefusesATruncatedPlane)
{
	for (uint64_t word : {0x0001000100010001u, 0x1111111111111111u, 0x5555555555555555u})
	{
		std::vector<uint64_t> plane(plane_words(9), word);
		Bytes bytes = written_plane(plane, 9);

		for (size_t size = 0; size < bytes.size(); size++)
		{
			std::vector<uint64_t> read;
			HllsetStatus status =
				read_back(Bytes(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size)), 9,
						  ones_in(plane), read);

			EXPECT_NE(HLLSET_OK, status) << word << " " << size;
		}
	}
}

/* Blocks that have more or fewer ones than the count that chose their code; each word keeps its place. */
TEST(Codec, RefusesAnotherNumberOfOnes)
{
	for (uint64_t word : {0x1111111111111111u, 0x5555555555555555u})
	{
		std::vector<uint64_t> plane(plane_words(9), word);
		Bytes bytes = written_plane(plane, 9);

		for (uint32_t ones : {ones_in(plane) - 1, ones_in(plane) + 1})
		{
			std::vector<uint64_t> read;

			EXPECT_EQ(HLLSET_BAD_COUNT, read_back(bytes, 9, ones, read)) << word;
		}
	}
}

/* An escape is for the bytes without a code. */
TEST(Codec, RefusesANeedlessEscape)
{
	for (const BlockRow &row : kBlockRows)
	{
		if (row.escape == 0)
			continue;
		for (int byte : {0, 1, 255})
			for (bool at_back : {false, true})
			{
				uint32_t density_class =
					static_cast<uint32_t>(kFirstBlockRow + (&row - kBlockRows));
				BlockTexts texts = block_texts(row);
				BitString bits[2];
				Bytes bytes;
				Bytes backward;
				std::vector<uint64_t> plane;

				for (int i = 0; i < 64; i++)
					bits[i % 2].put_text(texts[0x11]);
				bits[at_back].put_text(texts[256]);
				bits[at_back].put(static_cast<uint64_t>(byte), 8);
				bits[!at_back].put_text(texts[0x11]);
				for (int i = 0; i < 62; i++)
					bits[i % 2].put_text(texts[0x11]);
				bits[0].append_to(bytes);
				bits[1].append_to(backward);
				bytes.insert(bytes.end(), backward.rbegin(), backward.rend());

				HllsetStatus status = read_back(bytes, 10, density_class * 32, plane);

				if (byte == 255)
					EXPECT_EQ(HLLSET_BAD_COUNT, status);
				else
					EXPECT_EQ(HLLSET_BAD_POSITION, status);
			}
	}
}

/* Counts as the model writes them, read back; any number below any other. */
TEST(Codec, Counts)
{
	Random random(13);

	for (int p = kMinPrecision; p <= kMaxPrecision; p++)
		for (int i = 0; i < 2000; i++)
		{
			uint32_t m = 1u << p;
			uint32_t above = static_cast<uint32_t>(random() % (m + 1));
			uint32_t ones = static_cast<uint32_t>(random() % (m + 1));
			uint32_t found;
			uint8_t room[16];
			BitWriter out(room);
			BitString bits;
			Bytes model;

			if (i % 2 == 0)
				ones = std::min(m, above * 2 - static_cast<uint32_t>(uint64_t{above} * above / m) +
									   ones / 64);
			write_count(out, p, above, ones);
			bits.put_count(ones, above, p);
			bits.append_to(model);
			ASSERT_EQ(model, Bytes(room, out.finish()));
			ASSERT_LE(model.size(), 5u);

			BitReader in(model.data(), model.size());

			ASSERT_EQ(HLLSET_OK, read_count(in, p, above, found));
			EXPECT_EQ(ones, found);
			EXPECT_EQ(0u, in.rest());
			for (size_t size = 0; size < model.size(); size++)
			{
				BitReader cut(model.data(), size);

				EXPECT_EQ(HLLSET_TRUNCATED, read_count(cut, p, above, found));
			}
		}
}

TEST(Codec, RefusesCountsThatAreNone)
{
	struct
	{
		uint32_t above;
		std::vector<std::pair<uint64_t, int>> fields;
	} cases[] = {
		{0, {{0, 3}, {1, 1}, {1, 1}}},  /* -4 */
		{64, {{0, 1}, {1, 1}, {0, 1}}}, /* m + 1 */
		{0, {{0, 15}, {65, 7}}},        /* beyond m */
		{0, {{0, 15}, {14, 7}}},        /* near enough for a code of its own */
		{32, {{0, 15}, {48, 7}}},
	};

	for (const auto &each : cases)
	{
		BitString bits;
		Bytes bytes;
		uint32_t ones;

		for (auto [value, width] : each.fields)
			bits.put(value, width);
		bits.append_to(bytes);

		BitReader in(bytes.data(), bytes.size());

		EXPECT_EQ(HLLSET_BAD_COUNT, read_count(in, 6, each.above, ones)) << each.above;
	}
}

} // namespace hllset::test
