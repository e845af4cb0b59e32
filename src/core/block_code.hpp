/* SPDX-License-Identifier: PostgreSQL */
/*
 * Prefix codes of the bytes of a plane of known density, one for each class of densities: docs/format.md, Blocks.
 * Bytes of one density's binomial have nearly the entropy of their cells, and one look at a table tells eight of them.
 */
#pragma once

#include <bit>
#include <cstdint>

namespace hllset
{

inline constexpr int kBlockBits = 11; /* of the longest code */
inline constexpr uint32_t kFirstBlockClass = 4;
inline constexpr uint32_t kEndBlockClass = 14;

/*
 * What the next bits of a stream stand for. Each field has bits to spare, so that the entries of a word's eight blocks can be added up; the byte is
 * uppermost, where a sum of bytes overflows without harm.
 */
class BlockEntry
{
public:
	constexpr BlockEntry() = default;
	constexpr explicit BlockEntry(uint32_t bits) : bits_(bits) {}

	/* Of a byte, and of the escape, behind which the byte itself follows. */
	static constexpr BlockEntry
	of_byte(uint32_t byte, int length)
	{
		uint32_t ones = static_cast<uint32_t>(std::popcount(byte));

		return BlockEntry(byte << 24 | ones << 8 | static_cast<uint32_t>(length));
	}

	static constexpr BlockEntry
	of_escape(int length)
	{
		return BlockEntry(1u << 16 | static_cast<uint32_t>(length));
	}

	/* Of the code, or of all codes of a sum. */
	constexpr int
	length() const
	{
		return static_cast<int>(bits_ & 255);
	}

	constexpr uint32_t
	ones() const
	{
		return bits_ >> 8 & 255;
	}

	constexpr bool
	has_escape() const
	{
		return (bits_ >> 16 & 255) != 0;
	}

	constexpr uint32_t
	byte() const
	{
		return bits_ >> 24;
	}

	constexpr BlockEntry
	operator+(BlockEntry other) const
	{
		return BlockEntry(bits_ + other.bits_);
	}

private:
	uint32_t bits_ = 0;
};

struct BlockCode
{
	/* by the next 11 bits */
	BlockEntry decode[1 << kBlockBits];
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
