/* SPDX-License-Identifier: PostgreSQL */
/* The codes of blocks: whole, canonical, as the model makes them, and near the entropy of their density. */
#include <gtest/gtest.h>

#include <cmath>

#include "model.hpp"

namespace hllset::test
{

TEST(BlockCode, RowsAreTheClasses)
{
	EXPECT_EQ(kFirstBlockClass, static_cast<uint32_t>(kFirstBlockRow));
	EXPECT_EQ(kEndBlockClass - kFirstBlockClass, std::size(kBlockRows));
}

/* Kraft's sum is exactly one: every look at the table finds a code. */
TEST(BlockCode, EveryCodeIsWhole)
{
	for (const BlockRow &row : kBlockRows)
	{
		BlockTexts texts = block_texts(row);
		uint32_t sum = row.escape > 0 ? 1u << (kBlockBits - row.escape) : 0;

		for (int byte = 0; byte < 256; byte++)
			if (weight_of(byte) < row.rare)
			{
				ASSERT_LE(texts[byte].size(), size_t{kBlockBits});
				sum += 1u << (static_cast<size_t>(kBlockBits) - texts[byte].size());
			}
		EXPECT_EQ(1u << kBlockBits, sum);
		EXPECT_EQ(row.rare == 9, row.escape == 0);
		EXPECT_LE(row.escape, kBlockBits);
	}
}

static std::string
text_of(uint32_t bits, uint32_t length)
{
	std::string text;

	for (uint32_t i = 0; i < length; i++)
		text += (bits >> i & 1) != 0 ? '1' : '0';
	return text;
}

TEST(BlockCode, AgreesWithTheModel)
{
	for (uint32_t c = kFirstBlockClass; c < kEndBlockClass; c++)
	{
		const BlockRow &row = kBlockRows[c - kFirstBlockClass];
		const BlockCode &code = block_code(c);
		BlockTexts texts = block_texts(row);

		for (int byte = 0; byte < 256; byte++)
			EXPECT_EQ(texts[byte], text_of(code.encode[byte] & 0xffffff, code.encode[byte] >> 24));
		for (uint32_t look = 0; look < 1u << kBlockBits; look++)
		{
			BlockEntry entry = code.decode[look];
			int byte = entry.has_escape() ? 256 : static_cast<int>(entry.byte());

			ASSERT_EQ(texts[byte], text_of(look, static_cast<uint32_t>(entry.length())));
			ASSERT_EQ(entry.has_escape() ? 0 : ones_of(entry.byte()), entry.ones());
		}
	}
}

/* Bits a cell at the density q. */
static double
expected_bits(const BlockTexts &texts, double q)
{
	double bits = 0;

	for (int byte = 0; byte < 256; byte++)
		bits += std::pow(q, weight_of(byte)) * std::pow(1 - q, 8 - weight_of(byte)) *
				static_cast<double>(texts[byte].size());
	return bits / 8;
}

TEST(BlockCode, NearTheEntropyOverTheWholeClass)
{
	for (uint32_t c = kFirstBlockClass; c < kEndBlockClass; c++)
		for (double part : {0.0, 0.25, 0.5, 0.75, 1.0})
		{
			double q = (c + part) / 32;
			double entropy = -q * std::log2(q) - (1 - q) * std::log2(1 - q);

			EXPECT_LT(expected_bits(block_texts(kBlockRows[c - kFirstBlockClass]), q),
					  entropy * 1.025)
				<< c;
		}
}

/* encoded_bound: what the bytes can cost at most that have together as many ones as the class allows. The worst has two kinds. */
TEST(BlockCode, LongestPlanesFitTheBound)
{
	for (uint32_t c = kFirstBlockClass; c < kEndBlockClass; c++)
	{
		BlockTexts texts = block_texts(kBlockRows[c - kFirstBlockClass]);
		double most = (c + 1) / 4.0; /* ones a byte */
		double longest[9] = {};
		double worst = 0;

		for (int byte = 0; byte < 256; byte++)
			longest[weight_of(byte)] =
				std::max(longest[weight_of(byte)], static_cast<double>(texts[byte].size()));
		for (int low = 0; low <= most; low++)
			for (int high = low + 1; high <= 8; high++)
			{
				double share = std::min((most - low) / (high - low), 1.0);

				worst = std::max(worst, longest[low] * (1 - share) + longest[high] * share);
			}
		EXPECT_LE(worst, 9.0) << c;
	}
}

} // namespace hllset::test
