/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the numbers of ones say of one set: the model of its levels, and the most likely number of elements. An estimate of a set, and the
 * start of one over several sets, are the same search.
 *
 * Model (Flajolet and Martin 1985; Ertl 2017, arXiv 1702.01284): level k has m_k cells and an element hits a given one of them with
 * probability r_k = p_k / m_k, p_k = 2^-(k+1), the last level 2^-31; so a cell is 1 with probability 1 - exp(-n r_k).
 */
#pragma once

#include "coupon.hpp"

namespace hllset
{

/* p_k, the chance that an element is of the level. */
double level_probability(int level);

/* The levels that a model looks at, ascending, with what is known of each: arrays, which the compiler works on two or four at a time. */
class Levels
{
public:
	/* So many are a row of a model: loops over rows need no remainder. */
	static constexpr int kRowUnit = 4;

	void add(int level, double cells);

	/* Adds levels that nothing hits until there are whole units. */
	void pad();

	/* hit[i] = 1 - exp(-n r_i) and miss[i] = exp(-n r_i), both to full relative precision. */
	void chances(double n, double *hit, double *miss) const;

	int count = 0;
	int level[kLevels];
	double cells[kLevels]; /* m_k */
	double r[kLevels];

private:
	enum class Link : uint8_t
	{
		none,
		same,
		half
	};

	Link above_[kLevels]; /* r of the next level in terms of this one's */
};

/* The ones of a set, or of a union of sets, on each of the levels; on all others it has none. */
struct SetOnes
{
	const Levels &levels;
	const double *ones;
	double zero_rate; /* the sum of r over all cells that are 0, on all levels */
};

/*
 * The number of elements that makes these ones most likely, with an error of about the square of `tolerance`, relative; 0 if there are no ones. If no
 * cell is 0, no number is too large: then it is the one at which half an empty cell is expected.
 */
double most_likely_number(const SetOnes &set, double tolerance);

} // namespace hllset
