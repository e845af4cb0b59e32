/* SPDX-License-Identifier: PostgreSQL */
/*
 * Keys: what two sets of different precision both still know of an element, so that they can be compared and indexed. docs/format.md.
 *
 * A key is a coupon with fewer bits of its address. The signature of a set is its largest keys, a sample of its elements that depends on
 * nothing but these. The containment keys are all tokens that it has at one precision.
 */
#pragma once

#include "format.hpp"

namespace hllset
{

/* level << bits | low bits of the address. */
using Key = uint32_t;

constexpr Key
key_of(int level, uint32_t address, int bits)
{
	return static_cast<Key>(level) << bits | (address & ((1u << bits) - 1));
}

constexpr int
level_of_key(Key key, int bits)
{
	return static_cast<int>(key >> bits);
}

/* Sets of this precision and finer have tokens with all the bits of a key. */
inline constexpr int kSignaturePrecision = HLLSET_SIGNATURE_PRECISION;
inline constexpr int kSignatureBits = kSignaturePrecision + 8;
inline constexpr int kContainPrecision = HLLSET_CONTAIN_PRECISION;
inline constexpr int kContainBits = kContainPrecision + 8;

inline constexpr size_t kSignatureKeys = HLLSET_SIGNATURE_KEYS;
inline constexpr size_t kMostContainKeys = list_limit(kContainPrecision);

/* A large set of elements whose hashes nobody chose has more keys than this at either precision, but for one in 10^15 sets or so. */
inline constexpr size_t kLeastKeys = 64;

struct Keys
{
	const Key *first; /* ascending, distinct */
	size_t count;
	int level0; /* of containment keys: the L0 of the set folded to their precision */
};

/* Bytes of workspace for the keys of a set: its tokens. */
size_t keys_work(const View &set);

/*
 * The `wanted` largest keys of a set, or all that a small one has. A large set takes up to 2^precision / 16, else HLLSET_BAD_ARGUMENT. What has
 * no signature: HLLSET_COARSE, HLLSET_NOT_GRADED (compact and not small), HLLSET_FEW_TOKENS.
 */
HllsetStatus find_signature(const View &set, size_t wanted, void *work, Keys &result);

/* The keys of the set folded to kContainPrecision, and its L0 there. Refused as above. */
HllsetStatus find_contain_keys(const View &set, void *work, Keys &result);

} // namespace hllset
