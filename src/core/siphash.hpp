/* SPDX-License-Identifier: PostgreSQL */
/* SipHash-2-4, a hash under a key: who has not the key can't tell it from random numbers. */
#pragma once

#include <cstddef>
#include <cstdint>

namespace hllset
{

inline constexpr size_t kHashKeySize = 16;

uint64_t siphash(const void *data, size_t size, const uint8_t *key);

/* Of a byte and the data behind it, which need not lie together. */
uint64_t siphash_behind(uint8_t first, const void *data, size_t size, const uint8_t *key);

} // namespace hllset
