/* SPDX-License-Identifier: PostgreSQL */
/* The codes that follow from the lengths of codec_tables.inc, worked out by the compiler. */
#include "block_code.hpp"

namespace hllset
{

namespace
{

/* Of the bytes with so many ones the first `count` in ascending order have codes of `length`, the others of one bit more. */
struct WeightLength
{
	uint8_t length;
	uint8_t count;
};

struct BlockLengths
{
	WeightLength weight[9];
	int rare;   /* bytes with so many ones or more are escaped */
	int escape; /* length of the escape, 0 if there is none */
};

constexpr BlockLengths kBlockLengths[] = {
#include "codec_tables.inc"
};

constexpr uint32_t
reversed(uint32_t code, int length)
{
	uint32_t result = 0;

	for (int i = 0; i < length; i++)
		result |= (code >> i & 1) << (length - 1 - i);
	return result;
}

/* Canonical codes, handed out in the order of their lengths. A code's first bit is its highest, and the stream's lowest. */
constexpr BlockCode
make_block_code(const BlockLengths &lengths)
{
	BlockCode result = {};
	uint8_t length_of[256] = {};
	uint32_t seen[9] = {};
	uint32_t code = 0;
	auto assign = [&](int length, BlockEntry entry) {
		uint32_t bits = reversed(code++, length);

		for (uint32_t i = bits; i < 1u << kBlockBits; i += 1u << length)
			result.decode[i] = entry;
		return bits;
	};

	for (uint32_t byte = 0; byte < 256; byte++)
	{
		int ones = std::popcount(byte);
		const WeightLength &of = lengths.weight[ones];

		if (ones < lengths.rare)
			length_of[byte] = static_cast<uint8_t>(of.length + (seen[ones]++ < of.count ? 0 : 1));
	}
	for (int length = 1; length <= kBlockBits; length++, code <<= 1)
	{
		for (uint32_t byte = 0; byte < 256; byte++)
			if (length_of[byte] == length)
				result.encode[byte] = assign(length, BlockEntry::of_byte(byte, length)) |
									  static_cast<uint32_t>(length) << 24;
		if (lengths.escape == length)
		{
			uint32_t escape = assign(length, BlockEntry::of_escape(length));

			for (uint32_t byte = 0; byte < 256; byte++)
				if (length_of[byte] == 0)
					result.encode[byte] =
						escape | byte << length | static_cast<uint32_t>(length + 8) << 24;
		}
	}
	return result;
}

} // namespace

constexpr BlockCode kBlockCodes[] = {
	make_block_code(kBlockLengths[0]), make_block_code(kBlockLengths[1]),
	make_block_code(kBlockLengths[2]), make_block_code(kBlockLengths[3]),
	make_block_code(kBlockLengths[4]), make_block_code(kBlockLengths[5]),
	make_block_code(kBlockLengths[6]), make_block_code(kBlockLengths[7]),
	make_block_code(kBlockLengths[8]), make_block_code(kBlockLengths[9])};

} // namespace hllset
