/* SPDX-License-Identifier: PostgreSQL */
/* The hash functions of hash id 1, and of the content id. */
#pragma once

#include <cstddef>
#include <cstdint>

namespace hllset
{

uint64_t hash64(const void *data, size_t size, uint64_t seed);

/* XXH3-128 in its canonical form (big-endian, high half first). */
void hash128(const void *data, size_t size, uint8_t out[16]);

} // namespace hllset
