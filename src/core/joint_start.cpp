/* SPDX-License-Identifier: PostgreSQL */
/* The estimate of estimate.cpp once more, from the pattern counts of a joint model and to as many digits as are needed. */
#include "joint_start.hpp"

#include <cmath>

namespace hllset
{

namespace
{

constexpr int kMaxIterations = 60;
constexpr double kTolerance = 1e-9;
constexpr double kLongestStep = 3; /* of ln n */

/* For a start, an error well under the standard error will do: a step squares it. */
constexpr double kCoarseTolerance = 0.03;

/* A region starts with this part of its smallest source, or more. */
constexpr double kLeastPart = 2e-3;

class UnionEstimator
{
public:
	UnionEstimator(const JointCounts &counts, const JointModel &model)
		: counts_(counts), model_(model), levels_(model.levels())
	{
	}

	/* The most likely size of the union of these sources. */
	double estimate(int sources, double tolerance);

private:
	void count(int sources);
	double guess() const;
	double step(double n) const;

	const JointCounts &counts_;
	const JointModel &model_;
	const JointLevels &levels_;
	double zero_rate_; /* sum of r over the cells that are 0 */
	double ones_[kLevels];
};

void
UnionEstimator::count(int sources)
{
	zero_rate_ = 0;
	std::fill(ones_, ones_ + levels_.count, 0.0);
	for (int pattern = 0; pattern < model_.patterns(); pattern++)
		if ((pattern & sources) == 0)
			zero_rate_ += model_.rate(pattern);
		else if (model_.rate(pattern) > 0)
			for (int i = 0; i < levels_.count; i++)
				ones_[i] += model_.counts(pattern)[i];
}

/* By the level that says most, or from the highest one that has ones if all are full or empty. 0 without ones. */
double
UnionEstimator::guess() const
{
	double most = 0;
	double part = 0;
	int best = -1;

	for (int i = 0; i < levels_.count; i++)
		if (ones_[i] > 0)
		{
			double cells = counts_.cells[levels_.level[i]];
			double weight = ones_[i] * (cells - ones_[i]) / cells;

			if (weight > most || most == 0)
			{
				most = weight;
				part = ones_[i] / cells;
				best = i;
			}
		}
	if (best < 0)
		return 0;
	return (part < 1 ? -std::log1p(-part) : 1) / levels_.r[best];
}

/* What to add to ln n; estimate.cpp. F - 1 is also computed without the 1, exact where nearly all cells are full. */
double
UnionEstimator::step(double n) const
{
	double f = 0;
	double excess = -zero_rate_;
	double slope = 0;
	double hit[kLevels];
	double miss[kLevels];

	levels_.chances(n, hit, miss);
	for (int i = 0; i < levels_.count; i++)
		if (ones_[i] > 0)
		{
			double inverse = 1 / hit[i];
			double w = ones_[i] * levels_.r[i] * inverse;

			f += w;
			excess += w * miss[i];
			slope += w * miss[i] * (n * levels_.r[i]) * inverse;
		}
	/* all far too full for a slope */
	if (!(slope > 0))
		return -kLongestStep;
	return std::clamp(f / slope * (f > 0.5 && f < 2 ? std::log1p(excess) : std::log(f)),
					  -kLongestStep, kLongestStep);
}

double
UnionEstimator::estimate(int sources, double tolerance)
{
	count(sources);
	/* saturated: where half an empty cell is expected in the last two levels */
	if (zero_rate_ == 0)
		return std::log(4.0 * counts_.cells[kLevels - 1]) / levels_.r[kLevels - 1];

	double n = guess();

	for (int i = 0; n > 0 && i < kMaxIterations; i++)
	{
		double change = step(n);

		n *= std::exp(change);
		if (std::fabs(change) < tolerance)
			break;
	}
	return n;
}

} // namespace

void
joint_start(const JointCounts &counts, const JointModel &model, double *size, double &total)
{
	UnionEstimator unions(counts, model);
	int all = model.patterns() - 1;
	double most[kMaxPatterns];

	total = unions.estimate(all, kTolerance);
	most[0] = total;
	size[0] = 0;
	/* the elements that are in no source outside the set, then those that are in each source of it */
	for (int set = 1; set <= all; set++)
	{
		size[set] = total - (set < all ? unions.estimate(all & ~set, kCoarseTolerance) : 0);
		if ((set & (set - 1)) == 0)
			most[set] = unions.estimate(set, kCoarseTolerance);
		else
			most[set] = std::min(most[set & -set], most[set & (set - 1)]);
	}
	for (int source = 1; source <= all; source *= 2)
		for (int set = 1; set <= all; set++)
			if ((set & source) != 0)
				size[set] -= size[set & ~source];
	for (int region = 1; region <= all; region++)
		size[region] = std::clamp(size[region], kLeastPart * most[region], most[region]);
}

} // namespace hllset
