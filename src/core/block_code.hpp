/* SPDX-License-Identifier: PostgreSQL */
/*
 * Prefix codes of the bytes of a plane of known density, one for each class of densities: docs/format.md, Blocks.
 * Bytes of one density's binomial have nearly the entropy of their cells, and one look at a table tells eight of them.
 */
#pragma once

#include <cstdint>

namespace hllset
{

inline constexpr int kBlockBits = 11; /* of the longest code */
inline constexpr uint32_t kFirstBlockClass = 4;
inline constexpr uint32_t kEndBlockClass = 14;

/* Where decode[] has it, the byte itself follows. */
inline constexpr uint16_t kBlockEscape = 1 << 15;

struct BlockCode
{
	/* by the next 11 bits: byte, length of its code from bit 8 on, kBlockEscape */
	uint16_t decode[1 << kBlockBits];
	/* by byte: code, length from bit 24 on. An escaped one's code ends with the byte. */
	uint32_t encode[256];
};

/* The class is of [kFirstBlockClass, kEndBlockClass). */
extern const BlockCode kBlockCodes[kEndBlockClass - kFirstBlockClass];

inline const BlockCode &
block_code(uint32_t density_class)
{
	return kBlockCodes[density_class - kFirstBlockClass];
}

} // namespace hllset
