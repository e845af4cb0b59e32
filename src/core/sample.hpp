/* SPDX-License-Identifier: PostgreSQL */
/*
 * Which elements are behind a value: a sample of them that all values share, as keys that a table of elements can be joined by. A key is a
 * coupon with the low 20 bits of its address. Contracts: hllset_core.h; the keys: docs/format.md.
 */
#pragma once

#include "expression.hpp"

namespace hllset
{

inline constexpr int kKeyBits = 20;

/* The least precision whose tokens have as many bits. */
inline constexpr int kKeyPrecision = HLLSET_KEY_PRECISION;

/* level << 20 | low bits of the address, so that keys sort by level first. */
using MemberKey = uint32_t;

constexpr MemberKey
key_of(Coupon coupon)
{
	constexpr uint32_t mask = (1u << kKeyBits) - 1;

	return static_cast<MemberKey>(level_of(coupon)) << kKeyBits | (coupon & mask);
}

/* A value's sample from one level on. */
class Sample
{
public:
	/* Reads the value's parts, and how far up its sources have tokens. */
	HllsetStatus open(HllsetBytes value, int least_level);

	int
	level() const
	{
		return level_;
	}

	size_t work_size() const;

	/* They lie in the workspace. */
	HllsetStatus keys(void *work, const MemberKey *&keys, size_t &count) const;

private:
	size_t lists_size() const;

	Expression expression_;
	int level_ = 0;
	int finest_ = kMinPrecision; /* the largest precision that the sources claim */
};

} // namespace hllset
