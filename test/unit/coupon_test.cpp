/* SPDX-License-Identifier: PostgreSQL */
/* Hash -> coupon, cutting, and the sizes that follow from a precision, as docs/format.md says them. */
#include <gtest/gtest.h>

#include "model.hpp"

namespace hllset::test
{

TEST(Coupon, LevelIsTheNumberOfLeadingZerosUpTo31)
{
	EXPECT_EQ(0, level_of(coupon_of(~uint64_t{0})));
	EXPECT_EQ(0, level_of(coupon_of(uint64_t{1} << 63)));
	EXPECT_EQ(1, level_of(coupon_of(uint64_t{1} << 62)));
	EXPECT_EQ(30, level_of(coupon_of(uint64_t{1} << 33)));
	EXPECT_EQ(31, level_of(coupon_of(uint64_t{1} << 32)));
	EXPECT_EQ(31, level_of(coupon_of(uint64_t{1} << 31)));
	EXPECT_EQ(31, level_of(coupon_of(1)));
	EXPECT_EQ(31, level_of(coupon_of(0)));
}

TEST(Coupon, AddressIsTheLow26Bits)
{
	EXPECT_EQ(0x3ffffffu, address_of(coupon_of(~uint64_t{0})));
	EXPECT_EQ(0x3456789u, address_of(coupon_of(0xfffffffff3456789)));
	EXPECT_EQ(0u, address_of(coupon_of(0xfffffffffc000000)));
	EXPECT_EQ(0u, address_of(coupon_of(0)));
}

TEST(Coupon, LayoutIsLevelAboveAddress)
{
	EXPECT_EQ(31u << 26 | 5, coupon_of(5));
	EXPECT_EQ(2u << 26 | 0x2345678, coupon_of(0x3000000002345678));
}

TEST(Coupon, AgreesWithTheModel)
{
	Random random(1);

	for (Spread spread : kSpreads)
		for (uint64_t hash : random_hashes(random, 2000, spread))
		{
			Coupon coupon = coupon_of(hash);

			EXPECT_EQ(coupon_model(hash), Pair(level_of(coupon), address_of(coupon))) << hash;
			EXPECT_LT(coupon, 1u << 31);
		}
}

TEST(Coupon, CutKeepsTheLevelAndTheLowBits)
{
	Coupon coupon = coupon_of(0x00ffffffffffffff);

	for (int bits = 0; bits <= 26; bits++)
	{
		EXPECT_EQ(8, level_of(cut(coupon, bits)));
		EXPECT_EQ((1u << bits) - 1, address_of(cut(coupon, bits)));
		EXPECT_EQ(cut(coupon, bits), cut(cut(coupon, bits), bits));
	}
	EXPECT_EQ(coupon, cut(coupon, 26));
}

TEST(Coupon, SizesFollowFromThePrecision)
{
	for (int p = kMinPrecision; p <= kMaxPrecision; p++)
	{
		EXPECT_EQ(1u << p, buckets(p));
		EXPECT_EQ((1u << p) / 4, list_limit(p));
		EXPECT_EQ(26, token_bits(p, 0));
		for (int level0 = 1; level0 <= kLevels; level0++)
			EXPECT_EQ(p < 18 ? p + 8 : 26, token_bits(p, level0));
	}
}

} // namespace hllset::test
