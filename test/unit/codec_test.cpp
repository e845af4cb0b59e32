/* SPDX-License-Identifier: PostgreSQL */
/* Golomb-Rice coding of planes and token levels: the parameter, round trips, the longest codes, and what is refused. */
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

static Bytes
written_plane(const std::vector<uint64_t> &plane, int precision)
{
	Bytes room(encoded_bound(precision, 1, 0));
	BitWriter out(room.data());

	write_plane(out, plane.data(), precision, count_ones(plane.data(), plane.size()));
	return Bytes(room.data(), out.finish());
}

static HllsetStatus
read_back(const Bytes &bytes, int precision, uint32_t ones, std::vector<uint64_t> &plane)
{
	BitReader in(bytes.data(), bytes.size());
	size_t next = 0;
	HllsetStatus status = read_plane(in, precision, ones, [&](size_t index, uint64_t word) {
		EXPECT_EQ(next++, index);
		plane.push_back(word);
	});

	if (status == HLLSET_OK)
	{
		EXPECT_TRUE(in.at_end() && in.padding_is_zero());
	}
	return status;
}

/* A plane as the model writes it: gaps of the ones, or of the zeros when these are fewer. */
static Bytes
plane_model(const std::vector<uint64_t> &plane, int precision)
{
	uint32_t m = 1u << precision;
	std::vector<uint64_t> positions[2];
	BitString bits;
	Bytes bytes;

	for (uint32_t bucket = 0; bucket < m; bucket++)
		positions[plane[bucket / 64] >> (bucket % 64) & 1].push_back(bucket);
	bits.put_gaps(positions[positions[1].size() <= m / 2 ? 1 : 0], m);
	bits.append_to(bytes);
	return bytes;
}

static void
round_trip(const std::vector<uint64_t> &plane, int precision)
{
	Bytes bytes = written_plane(plane, precision);
	std::vector<uint64_t> read;

	ASSERT_EQ(plane_model(plane, precision), bytes);
	ASSERT_EQ(HLLSET_OK, read_back(bytes, precision, count_ones(plane.data(), plane.size()), read));
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

TEST(Codec, RefusesATruncatedPlane)
{
	std::vector<uint64_t> plane(plane_words(9), 0x1111111111111111);
	Bytes bytes = written_plane(plane, 9);

	for (size_t size = 0; size < bytes.size(); size++)
	{
		std::vector<uint64_t> read;

		EXPECT_EQ(HLLSET_TRUNCATED,
				  read_back(Bytes(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size)), 9,
							128, read));
	}
}

} // namespace hllset::test
