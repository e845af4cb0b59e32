/* SPDX-License-Identifier: PostgreSQL */
/* A Boolean function of up to 12 sources, by its values: bit x tells whether elements in exactly the sources of x belong. */
#pragma once

#include <cstdint>

namespace hllset
{

class TruthTable
{
public:
	static constexpr int kMaxSources = 12;

	/* All false. */
	explicit TruthTable(int sources) : sources_(sources) {}

	int
	sources() const
	{
		return sources_;
	}

	uint32_t
	size() const
	{
		return 1u << sources_;
	}

	bool
	get(uint32_t x) const
	{
		return (words_[x / 64] >> (x % 64) & 1) != 0;
	}

	void
	put(uint32_t x, bool value)
	{
		words_[x / 64] = (words_[x / 64] & ~(uint64_t{1} << (x % 64))) | uint64_t{value}
																			 << (x % 64);
	}

	/* The whole table if there are at most 6 sources. */
	uint64_t
	word() const
	{
		return words_[0];
	}

	/* The value changes somewhere with the membership in source i. */
	bool depends_on(int i) const;

	/* Sources i and j enter only through their union. */
	bool sees_union_of(int i, int j) const;

	/* Takes out source j, reading the values where it is absent, and with `same` >= 0 those where it is as source `same`. */
	void drop(int j, int same = -1);

	/* Source order[i] becomes source i. */
	void reorder(const int *order);

private:
	uint64_t words_[(1 << kMaxSources) / 64] = {};
	int sources_;
};

} // namespace hllset
