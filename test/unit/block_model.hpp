/* SPDX-License-Identifier: PostgreSQL */
/* The codes of blocks as docs/format.md says it, Blocks: texts of 0 and 1 made from the table of lengths. */
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace hllset::test
{

struct BlockRow
{
	struct
	{
		int length;
		int count;
	} weight[9];
	int rare;
	int escape;
};

inline constexpr BlockRow kBlockRows[] = {
#include "core/codec_tables.inc"
};

inline constexpr int kFirstBlockRow = 4;

inline int
weight_of(int byte)
{
	int ones = 0;

	for (; byte > 0; byte >>= 1)
		ones += byte & 1;
	return ones;
}

/* A byte's code as a text of 0 and 1; 256: the escape, empty if there is none. */
using BlockTexts = std::array<std::string, 257>;

inline BlockTexts
block_texts(const BlockRow &row)
{
	std::vector<std::pair<int, int>> order; /* length and byte */
	BlockTexts texts;
	std::string code;
	int seen[9] = {};

	for (int byte = 0; byte < 256; byte++)
	{
		int w = weight_of(byte);

		if (w < row.rare)
			order.emplace_back(row.weight[w].length + (seen[w]++ < row.weight[w].count ? 0 : 1),
							   byte);
	}
	if (row.escape > 0)
		order.emplace_back(row.escape, 256);
	std::sort(order.begin(), order.end());
	for (auto [length, byte] : order)
	{
		/* the next number: the last zero becomes a one, what follows it zeros */
		if (!code.empty())
		{
			size_t zero = code.rfind('0');

			code = code.substr(0, zero) + '1' + std::string(code.size() - zero - 1, '0');
		}
		code.resize(static_cast<size_t>(length), '0');
		texts[byte] = code;
	}
	for (int byte = 0; byte < 256; byte++)
		if (texts[byte].empty())
		{
			texts[byte] = texts[256];
			for (int bit = 0; bit < 8; bit++)
				texts[byte] += (byte >> bit & 1) != 0 ? '1' : '0';
		}
	return texts;
}

} // namespace hllset::test
