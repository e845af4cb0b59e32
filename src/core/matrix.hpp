/* SPDX-License-Identifier: PostgreSQL */
/*
 * The bit matrix below L0, one plane of m bits per level.
 *
 * Planes rather than a word per bucket: folding, union, counting and coding are word operations on a plane, the planes that
 * an insert usually touches fit the first-level cache, and the levels that a set has not reached take no room.
 */
#pragma once

#include <cstdint>
#include <cstring>

#include "coupon.hpp"

namespace hllset
{

/* 64-bit words of one plane. Precisions 4 and 5 use the low bits of one word. */
constexpr size_t
plane_words(int precision)
{
	return std::max<size_t>(buckets(precision) / 64, 1);
}

/* The bits that are in use in the last (for precision >= 6: any) word of a plane. */
constexpr uint64_t
word_mask(int precision)
{
	return precision >= 6 ? ~uint64_t{0} : (uint64_t{1} << buckets(precision)) - 1;
}

/*
 * Number of ones: sums of neighbouring 1, 2, 4 bits, then all bytes by one multiplication (Warren, Hacker's Delight, 5-1).
 * Portable x86-64 has no popcount instruction; this form is vectorised by the compiler.
 */
constexpr uint32_t
ones_of(uint64_t word)
{
	word -= word >> 1 & 0x5555555555555555;
	word = (word & 0x3333333333333333) + (word >> 2 & 0x3333333333333333);
	word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return static_cast<uint32_t>(word * 0x0101010101010101 >> 56);
}

uint32_t count_ones(const uint64_t *words, size_t count);

class Matrix
{
public:
	Matrix() = default;
	Matrix(uint64_t *words, int precision) : words_(words), precision_(precision) {}

	int
	precision() const
	{
		return precision_;
	}

	uint64_t *
	plane(int level) const
	{
		return words_ + static_cast<size_t>(level) * plane_words(precision_);
	}

	void
	clear(int first_level, int end_level) const
	{
		memset(plane(first_level), 0,
			   static_cast<size_t>(end_level - first_level) * plane_words(precision_) * 8);
	}

	/* Only the low bits of the address count. */
	void
	set(int level, uint32_t address) const
	{
		uint32_t bucket = address & (buckets(precision_) - 1);

		plane(level)[bucket / 64] |= uint64_t{1} << (bucket % 64);
	}

	/* Sets the bits of those sorted coupons that are of a level; returns how many these are. */
	size_t
	pour(int level, const uint32_t *begin, const uint32_t *end) const
	{
		uint64_t *words = plane(level);
		const uint32_t *next = begin;

		for (; next < end && level_of(*next) == level; next++)
		{
			uint32_t bucket = *next & (buckets(precision_) - 1);

			words[bucket / 64] |= uint64_t{1} << (bucket % 64);
		}
		return static_cast<size_t>(next - begin);
	}

	/* Brings near what a set of it will touch. */
	void
	prefetch(int level, uint32_t address) const
	{
		__builtin_prefetch(plane(level) + (address & (buckets(precision_) - 1)) / 64, 1);
	}

	bool
	test(int level, uint32_t address) const
	{
		uint32_t bucket = address & (buckets(precision_) - 1);

		return (plane(level)[bucket / 64] >> (bucket % 64) & 1) != 0;
	}

	uint32_t
	count(int level) const
	{
		return count_ones(plane(level), plane_words(precision_));
	}

	/* The first word is full, and each other one like that before it, which the library compares many at a time. */
	bool
	is_full(int level) const
	{
		const uint64_t *words = plane(level);

		return words[0] == word_mask(precision_) &&
			   memcmp(words, words + 1, (plane_words(precision_) - 1) * sizeof(uint64_t)) == 0;
	}

	/* ORs word number index of a plane of precision `finer`, folded, onto a level. */
	void
	merge_word(int level, size_t index, uint64_t word, int finer) const
	{
		for (int p = std::min(finer, 6) - 1; p >= precision_; p--)
			word |= word >> buckets(p);
		plane(level)[index & (plane_words(precision_) - 1)] |= word & word_mask(precision_);
	}

	/* ORs another matrix's level, of the same or a finer precision. */
	void merge(int level, const Matrix &other) const;

private:
	uint64_t *words_ = nullptr;
	int precision_ = kMinPrecision;
};

} // namespace hllset
