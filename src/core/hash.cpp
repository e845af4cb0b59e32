/* SPDX-License-Identifier: PostgreSQL */
/* xxHash, inlined so that none of its symbols can meet another extension's. */
#include "hash.hpp"

#include "hllset_core.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#if XXH_VERSION_NUMBER < 800
#error "XXH3 is final from xxHash 0.8.0 on: install a newer one, or set CPATH to where it is"
#endif

namespace hllset
{

uint64_t
hash64(const void *data, size_t size, uint64_t seed)
{
	return XXH3_64bits_withSeed(data, size, seed);
}

void
hash128(const void *data, size_t size, uint8_t out[16])
{
	XXH128_canonical_t canonical;

	XXH128_canonicalFromHash(&canonical, XXH3_128bits(data, size));
	for (int i = 0; i < 16; i++)
		out[i] = canonical.digest[i];
}

} // namespace hllset

/* Here and not with the other bodies of the door, so that the hash is inlined into what is called for every row. */
uint64_t
hllset_core_hash(const void *data, size_t size, HllsetFamily family)
{
	return hllset::hash64(data, size, family);
}

uint64_t
hllset_core_hash_word(uint64_t word, HllsetFamily family)
{
	return hllset::hash64(&word, sizeof(word), family);
}
