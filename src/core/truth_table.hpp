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

	/* Of two tables of up to 6 sources each, by an operation on 64 pairs of values at once. The sources of the right one come last. */
	using Apply = uint64_t (*)(uint64_t left, uint64_t right);
	static TruthTable joined(const TruthTable &left, const TruthTable &right, Apply apply);

	/* The value changes somewhere with the membership in source i. */
	bool depends_on(int i) const;

	/* All that belongs is in source i. */
	bool is_within(int i) const;

	/* Sources i and j enter only through their union. */
	bool sees_union_of(int i, int j) const;

	/* Takes out source j, reading the values where it is absent, and with `same` >= 0 those where it is as source `same`. */
	void drop(int j, int same = -1);

	/* Source order[i] becomes source i. */
	void reorder(const int *order);

private:
	uint32_t
	words() const
	{
		return (size() + 63) / 64;
	}

	uint64_t toggled(uint32_t w, int i) const;
	static uint64_t with(uint32_t w, int i);
	uint64_t used() const;
	void swap(int i, int j);

	uint64_t words_[(1 << kMaxSources) / 64] = {};
	int sources_;
};

} // namespace hllset
