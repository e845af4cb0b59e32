/* SPDX-License-Identifier: PostgreSQL */
/* Hash -> coupon; level, bucket and cut of a coupon; the sizes that follow from a precision. docs/format.md. */
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "hllset_core.h"

static_assert(std::endian::native == std::endian::little, "the bytes are little-endian");

namespace hllset
{

inline constexpr int kMinPrecision = HLLSET_MIN_PRECISION;
inline constexpr int kMaxPrecision = HLLSET_MAX_PRECISION;
inline constexpr int kLevels = HLLSET_LEVELS;
inline constexpr int kAddressBits = 26;

/* The most sources of an expression. */
inline constexpr int kMaxSources = HLLSET_MAX_SOURCES;

/* Which of them show a one in a cell, as a mask. */
inline constexpr int kMaxPatterns = 1 << kMaxSources;

/* level << 26 | address, so that coupons sort by level first. The highest bit of the word is free. */
using Coupon = uint32_t;

constexpr Coupon
coupon_of(uint64_t hash)
{
	/* no more zeros than before the bit that is set here */
	uint32_t level = static_cast<uint32_t>(std::countl_zero(hash | uint64_t{1} << (64 - kLevels)));

	return level << kAddressBits | static_cast<uint32_t>(hash & ((1u << kAddressBits) - 1));
}

constexpr Coupon
coupon_at(int level, uint32_t address)
{
	return static_cast<Coupon>(level) << kAddressBits | address;
}

constexpr int
level_of(Coupon coupon)
{
	return static_cast<int>(coupon >> kAddressBits);
}

constexpr uint32_t
address_of(Coupon coupon)
{
	return coupon & ((1u << kAddressBits) - 1);
}

/* The coupon with only the low bits of its address. */
constexpr Coupon
cut(Coupon coupon, int bits)
{
	return coupon & (((kLevels - 1u) << kAddressBits) | ((1u << bits) - 1));
}

/* m, the number of buckets. */
constexpr uint32_t
buckets(int precision)
{
	return 1u << precision;
}

/*
 * S, the most tokens that a state keeps: a set with more coupons is no longer small (Accum::normalise(), Graded::normalise()). Strictly proportional to
 * m, or folding would not be canonical.
 */
constexpr uint32_t
list_limit(int precision)
{
	return buckets(precision) / 4;
}

/* Address bits of the tokens of a state. */
constexpr int
token_bits(int precision, int level0)
{
	return level0 == 0 ? kAddressBits : std::min(precision + 8, kAddressBits);
}

} // namespace hllset
