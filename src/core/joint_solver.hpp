/* SPDX-License-Identifier: PostgreSQL */
/* The search for the most likely sizes of the regions: Newton's method under the bounds that no size is negative. */
#pragma once

#include "joint_model.hpp"

namespace hllset
{

class JointSolver
{
public:
	/* No region but the chosen ones has elements. */
	JointSolver(const JointCounts &counts, Regions chosen, const JointWork &work);

	/* Returns the number of iterations. */
	int solve();

	double log_likelihood();

	const double *
	size() const
	{
		return size_;
	}

	/* So far, in evaluations of the model of six sources. */
	double
	work() const
	{
		return work_;
	}

	double
	total() const
	{
		return total_;
	}

private:
	/* Which matrix a step is found with: the observed information and so much of the expected one instead. */
	struct Metric
	{
		double expected_part;
		bool diagonal;
		int shortenings; /* at most */
	};

	/*
	 * Tried in turn. The observed information gives the best steps, but need not be positive definite; the least that mends it
	 * converges fastest.
	 */
	static constexpr Metric kMetrics[] = {
		{0, false, 2}, {0.01, false, 1}, {0.1, false, 1}, {1, false, 14}, {1, true, 14}};

	void evaluate(const double *size);
	void compute_score(double *score);
	double compute_likelihood();
	void free_or_freeze();
	double curvature(int a, int b) const;
	bool set_scale();
	bool find_direction();
	bool settle(const int *open, int count);
	double propose(double length);
	double slope(const double *score) const;
	bool is_better(double gain);
	bool search();
	bool advance();

	JointModel model_;
	double *observed_;
	double *expected_;
	double *system_;
	double evaluation_work_;
	double information_work_;
	double likelihood_work_;
	double work_ = 0;
	double least_gain_;
	double total_;
	Metric metric_;
	double log_likelihood_;
	bool likelihood_known_ = false;
	int chosen_count_ = 0;
	int free_count_;
	int chosen_[kMaxPatterns];
	int free_[kMaxPatterns]; /* the regions that may change, the others stay at 0 */
	double size_[kMaxPatterns];
	double score_[kMaxPatterns];
	double next_[kMaxPatterns];
	double next_score_[kMaxPatterns];

	/* by number in free_ */
	double scale_[kMaxPatterns];
	double direction_[kMaxPatterns];
	bool at_bound_[kMaxPatterns];
};

} // namespace hllset
