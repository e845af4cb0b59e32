/* SPDX-License-Identifier: PostgreSQL */
/*
 * The Poisson model behind a joint estimate: the probability of each pattern at each level for given sizes of the regions, and the
 * likelihood with its first and second derivatives.
 *
 * A region of n elements hits a cell of level k with probability E = 1 - exp(-n r_k). P_S, the probability of pattern S, is
 * built by adding one region after the other. For R within S let D_R[S] = sum of P_T over all T != S with T | R = S, and
 * e_R[S] = D_R[S] / P_S >= 0; for R not within S let e_R[S] = -1. Then d log P_S / d n_R = r e_R[S], and
 *
 *     score       g_R  =  sum over k and S of r c_S e_R[S]
 *     information J_RQ =  sum over k and S that holds R and Q of r² c_S (e_R e_Q + e_R + e_Q - e_(R|Q))
 *
 * with S = 0 included; the expected information is the same with m P_S instead of c_S. Nothing here subtracts nearly equal
 * numbers where a level is nearly full, so that sizes far above the number of cells come out right.
 */
#pragma once

#include "joint_counts.hpp"
#include "likelihood.hpp"

namespace hllset
{

/* A workspace, cut into the rows of a model and square matrices of one number per pair of patterns. */
struct JointWork
{
	static constexpr int kMatrices = 3;

	static size_t size(int sources);

	JointWork(int sources, void *work);

	double *rows;
	double *matrices[kMatrices];
};

class JointModel
{
public:
	/* With every level, or with those alone that are not empty: the others matter for the expected information only. */
	JointModel(const JointCounts &counts, bool every_level, double *rows);

	/* Everything below is for the sizes that were last given to this. */
	void evaluate(const double *size);

	double log_likelihood() const;
	void score(double *g);

	/* (1 << sources)² numbers, of which those with row <= column are set. */
	void observed_information(double *matrix);
	void expected_information(double *matrix);

	const Levels &
	levels() const
	{
		return levels_;
	}

	int
	patterns() const
	{
		return patterns_;
	}

	/* How many cells of each of levels() show the pattern. */
	const double *
	counts(int pattern) const
	{
		return counts_ + pattern * levels_.count;
	}

	/* sum over all levels of r times the number of cells that show the pattern. */
	double
	rate(int pattern) const
	{
		return rate_[pattern];
	}

private:
	void read(const JointCounts &counts);
	void add_region(int region, double n);
	double pattern_log_likelihood(int pattern) const;
	void relate();
	void ensure_related();
	void add_information(int pattern, const double *weight, double *matrix) const;

	double *
	probability(int pattern) const
	{
		return probabilities_ + pattern * levels_.count;
	}

	int
	subsets(int pattern) const
	{
		return first_subset_[pattern + 1] - first_subset_[pattern];
	}

	/* e (while evaluating: D) of the subset number `rank` of the pattern. */
	double *
	excess(int pattern, int rank) const
	{
		return excess_ + (first_subset_[pattern] + rank) * levels_.count;
	}

	bool is_related_ = false; /* the excesses are those of the sizes; the likelihood does without */
	int patterns_;
	Levels levels_;
	double rate_[kMaxPatterns];
	double rate_without_[kMaxPatterns]; /* of all patterns that don't hold this one */
	int first_subset_[kMaxPatterns + 1];
	double size_[kMaxPatterns];
	double *counts_;
	double *probabilities_;
	double *excess_;
};

} // namespace hllset
