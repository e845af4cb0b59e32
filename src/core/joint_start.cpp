/* SPDX-License-Identifier: PostgreSQL */
/* Each union is estimated to as many digits as are needed. */
#include "joint_start.hpp"

namespace hllset
{

namespace
{

/* Of the search for the total, whose error is about the square of it. */
constexpr double kTolerance = 1e-6;

/* For a start, an error well under the standard error will do: a step squares it. */
constexpr double kCoarseTolerance = 0.03;

/* A region starts with this part of its smallest source, or more. */
constexpr double kLeastStart = 2e-3;

/* The most likely size of the union of these sources. */
double
union_size(const JointModel &model, int sources, double tolerance)
{
	const Levels &levels = model.levels();
	double ones[kLevels] = {};
	double zero_rate = 0;

	for (int pattern = 0; pattern < model.patterns(); pattern++)
		if ((pattern & sources) == 0)
			zero_rate += model.rate(pattern);
		else if (model.rate(pattern) > 0)
			for (int i = 0; i < levels.count; i++)
				ones[i] += model.counts(pattern)[i];
	return most_likely_number({levels, ones, zero_rate}, tolerance);
}

} // namespace

void
joint_start(const JointModel &model, double *size, double &total)
{
	int all = model.patterns() - 1;
	double most[kMaxPatterns];

	total = union_size(model, all, kTolerance);
	most[0] = total;
	size[0] = 0;
	/* the elements that are in no source outside the set, then those that are in each source of it */
	for (int set = 1; set <= all; set++)
	{
		size[set] = total - (set < all ? union_size(model, all & ~set, kCoarseTolerance) : 0);
		if ((set & (set - 1)) == 0)
			most[set] = union_size(model, set, kCoarseTolerance);
		else
			most[set] = std::min(most[set & -set], most[set & (set - 1)]);
	}
	for (int source = 1; source <= all; source *= 2)
		for (int set = 1; set <= all; set++)
			if ((set & source) != 0)
				size[set] -= size[set & ~source];
	for (int region = 1; region <= all; region++)
		size[region] = std::clamp(size[region], kLeastStart * most[region], most[region]);
}

} // namespace hllset
