/* SPDX-License-Identifier: PostgreSQL */
/* Chances by doubling, and Newton's method on the likelihood equation. */
#include "likelihood.hpp"

#include "elementary.hpp"

namespace hllset
{

namespace
{

constexpr int kMaxIterations = 60;
constexpr double kLongestStep = 3; /* of ln n */

/* By the level that says most, or from the highest one that has ones if all are full or empty: off by hardly more than its standard error. */
double
first_guess(const SetOnes &set)
{
	const Levels &levels = set.levels;
	double most = 0;
	int best = -1;

	for (int i = 0; i < levels.count; i++)
		if (set.ones[i] > 0)
		{
			double weight = set.ones[i] * (levels.cells[i] - set.ones[i]) / levels.cells[i];

			if (weight > most || most == 0)
			{
				most = weight;
				best = i;
			}
		}
	if (best < 0)
		return 0;

	double part = set.ones[best] / levels.cells[best];

	return (part < 1 ? -elementary::log1p(-part) : 1) / levels.r[best];
}

/*
 * What to add to ln n to come to the root of F(n) = sum over c_k > 0 of c_k r_k / (1 - exp(-n r_k)) = 1, by Newton on ln F against ln n: F
 * is convex and falls. Because the m_k r_k add up to 1, F - 1 = sum of c_k r_k exp(-n r_k) / (1 - exp(-n r_k)) - sum of (m_k - c_k) r_k, which
 * keeps its digits when hardly a cell is left.
 */
double
newton_step(const SetOnes &set, double n)
{
	const Levels &levels = set.levels;
	double f = 0;
	double excess = 0;
	double slope = 0;
	double hit[kLevels];
	double miss[kLevels];

	levels.chances(n, hit, miss);
	for (int i = 0; i < levels.count; i++)
		if (set.ones[i] > 0)
		{
			double inverse = 1 / hit[i];
			double w = set.ones[i] * levels.r[i] * inverse;
			double missed = w * miss[i];

			f += w;
			excess += missed;
			slope += missed * (n * levels.r[i]) * inverse;
		}
	excess -= set.zero_rate;
	/* all far too full for a slope */
	if (!(slope > 0))
		return -kLongestStep;
	return std::clamp(f / slope *
						  (f > 0.5 && f < 2 ? elementary::log1p(excess) : elementary::log(f)),
					  -kLongestStep, kLongestStep);
}

} // namespace

double
level_probability(int level)
{
	return elementary::power_of_two(-std::min(level + 1, kLevels - 1));
}

void
Levels::add(int new_level, double new_cells)
{
	/* of padding, nothing hits */
	double chance = new_level < kLevels ? level_probability(new_level) / new_cells : 0;

	above_[count] = Link::none;
	if (count > 0)
		above_[count - 1] = r[count - 1] == chance       ? Link::same
							: r[count - 1] == 2 * chance ? Link::half
														 : Link::none;
	level[count] = new_level;
	cells[count] = new_cells;
	r[count] = chance;
	count++;
}

void
Levels::pad()
{
	while (count % kRowUnit != 0)
		add(kLevels, 0);
}

void
Levels::chances(double n, double *hit, double *miss) const
{
	for (int i = count - 1; i >= 0; i--)
	{
		if (above_[i] == Link::none)
		{
			elementary::Chances chances = elementary::chances(n * r[i]);

			hit[i] = chances.hit;
			miss[i] = chances.miss;
		}
		else if (above_[i] == Link::same)
		{
			hit[i] = hit[i + 1];
			miss[i] = miss[i + 1];
		}
		else
		{
			/* 1 - (1 - x)² = x (2 - x); whichever of the two is small is computed without subtraction */
			hit[i] = hit[i + 1] * (2 - hit[i + 1]);
			miss[i] = hit[i] < 0.5 ? 1 - hit[i] : miss[i + 1] * miss[i + 1];
		}
	}
}

double
most_likely_number(const SetOnes &set, double tolerance)
{
	const Levels &levels = set.levels;

	/* the last two levels, of m cells each, are the last to fill */
	if (set.zero_rate == 0)
	{
		int last = levels.count - 1;

		while (levels.level[last] != kLevels - 1)
			last--;
		return elementary::log(4 * levels.cells[last]) / levels.r[last];
	}

	double n = first_guess(set);

	for (int i = 0; n > 0 && i < kMaxIterations; i++)
	{
		double step = newton_step(set, n);

		n *= elementary::exp(step);
		if (std::fabs(step) < tolerance)
			break;
	}
	return n;
}

} // namespace hllset
