/* SPDX-License-Identifier: PostgreSQL */
/* Planes: setting, counting, folding onto a coarser plane, for every pair of precisions. */
#include <gtest/gtest.h>

#include "model.hpp"

namespace hllset::test
{

struct Planes
{
	explicit Planes(int precision)
		: words(kLevels * plane_words(precision)), matrix(words.data(), precision)
	{
	}

	std::vector<uint64_t> words;
	Matrix matrix;
};

TEST(Matrix, CountOnes)
{
	Random random(6);

	for (size_t count = 0; count < 70; count++)
	{
		std::vector<uint64_t> words(count);
		uint32_t ones = 0;

		for (uint64_t &word : words)
		{
			word = random() & (random() % 3 == 0 ? ~uint64_t{0} : random());
			for (int bit = 0; bit < 64; bit++)
				ones += word >> bit & 1;
		}
		EXPECT_EQ(ones, count_ones(words.data(), words.size()));
	}
}

TEST(Matrix, CountOnesOfAFullPlane)
{
	std::vector<uint64_t> words(plane_words(kMaxPrecision), ~uint64_t{0});

	EXPECT_EQ(buckets(kMaxPrecision), count_ones(words.data(), words.size()));
}

/* One zero anywhere is enough. */
TEST(Matrix, IsFull)
{
	for (int p = kMinPrecision; p <= kMaxPrecision; p++)
	{
		Planes planes(p);
		uint64_t *words = planes.matrix.plane(1);

		std::fill(words, words + plane_words(p), word_mask(p));
		EXPECT_TRUE(planes.matrix.is_full(1));
		for (uint32_t bucket = 0; bucket < buckets(p); bucket += 1 + bucket / 5)
		{
			words[bucket / 64] ^= uint64_t{1} << (bucket % 64);
			EXPECT_FALSE(planes.matrix.is_full(1));
			words[bucket / 64] ^= uint64_t{1} << (bucket % 64);
		}
	}
}

TEST(Matrix, PlanesAreSeparate)
{
	for (int p = kMinPrecision; p <= 8; p++)
	{
		Planes planes(p);

		for (int k = 0; k < kLevels; k++)
			for (uint32_t bucket = 0; bucket < buckets(p); bucket++)
			{
				EXPECT_FALSE(planes.matrix.test(k, bucket));
				planes.matrix.set(k, bucket);
				EXPECT_TRUE(planes.matrix.test(k, bucket));
				EXPECT_EQ(bucket + 1, planes.matrix.count(k));
				EXPECT_EQ(bucket + 1 == buckets(p), planes.matrix.is_full(k));
			}
	}
}

TEST(Matrix, OnlyTheLowBitsOfAnAddressCount)
{
	Planes planes(5);

	planes.matrix.set(3, 0x3ffffe7);
	EXPECT_TRUE(planes.matrix.test(3, 7));
	EXPECT_TRUE(planes.matrix.test(3, 0x27));
	EXPECT_EQ(1u, planes.matrix.count(3));
}

TEST(Matrix, ClearsOnlyItsRange)
{
	Planes planes(7);

	for (int k = 0; k < kLevels; k++)
		planes.matrix.set(k, 100);
	planes.matrix.clear(4, 9);
	for (int k = 0; k < kLevels; k++)
		EXPECT_EQ(k < 4 || k >= 9 ? 1u : 0u, planes.matrix.count(k));
}

/* Folding a plane is setting each of its buckets, modulo the smaller number of them. */
TEST(Matrix, MergeFoldsByTheLowBits)
{
	Random random(7);

	for (int fine = kMinPrecision; fine <= 13; fine++)
		for (int coarse = kMinPrecision; coarse <= fine; coarse++)
			for (int density : {1, 2, 8, 40})
			{
				Planes from(fine);
				Planes to(coarse);
				Planes word_by_word(coarse);
				std::set<uint32_t> wanted;

				to.matrix.set(2, 3);
				word_by_word.matrix.set(2, 3);
				wanted.insert(3);
				for (uint32_t bucket = 0; bucket < buckets(fine); bucket++)
					if (random() % static_cast<uint64_t>(density) == 0)
					{
						from.matrix.set(2, bucket);
						wanted.insert(bucket % buckets(coarse));
					}
				to.matrix.merge(2, from.matrix);
				for (size_t i = 0; i < plane_words(fine); i++)
					word_by_word.matrix.merge_word(2, i, from.matrix.plane(2)[i], fine);
				EXPECT_EQ(wanted.size(), to.matrix.count(2));
				for (uint32_t bucket : wanted)
					EXPECT_TRUE(to.matrix.test(2, bucket));
				EXPECT_EQ(to.words, word_by_word.words);
			}
}

} // namespace hllset::test
