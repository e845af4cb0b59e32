/* SPDX-License-Identifier: PostgreSQL */
/*
 * Joint maximum likelihood estimate of the sizes of all regions of up to 6 sources, from how often each pattern of source bits
 * occurs among the cells of each level (joint_counts.hpp).
 */
#pragma once

#include "joint_counts.hpp"

namespace hllset
{

struct JointFit
{
	double size[kMaxPatterns]; /* by region; finite and >= 0; their sum need not be the total */
	double total;              /* of the union of all sources, estimated as one set */
	int iterations;
	double work; /* in evaluations of the model of six sources */
};

/* Bytes of workspace that the functions below need. */
size_t joint_work(int sources);

/* The most likely sizes. Total: any counts give an answer, after at most 40 iterations and so much work (and one step). */
void joint_fit(const JointCounts &counts, void *work, JointFit &fit);

/* The estimated number of elements in the chosen regions, at most the total. */
double joint_size(int sources, const JointFit &fit, Regions chosen);

/* Of these sizes; up to a constant that depends on the counts alone. */
double joint_log_likelihood(const JointCounts &counts, const double *size, void *work);

/* Twice the logarithm by which the likelihood falls if the chosen regions have no elements. Large if the counts rule that out. */
double joint_likelihood_ratio(const JointCounts &counts, Regions without, void *work);

/* The covariance of the sizes for a random total, (1 << sources)² numbers; those of region 0 are 0. */
void joint_covariance(const JointCounts &counts, const JointFit &fit, void *work,
					  double *covariance);

/* The variance of the estimated number of elements in the chosen regions, for a fixed true number; at least 1/4. */
double joint_variance(int sources, const JointFit &fit, const double *covariance, Regions chosen);

/* By how much that variance changes with each element that the chosen regions have more, from below the estimate and from there up. */
struct JointSlopes
{
	double below;
	double above; /* >= 0 */
};

/* Expects the fit's covariance, and leaves that of another. */
JointSlopes joint_variance_slopes(const JointCounts &counts, const JointFit &fit, Regions chosen,
								  void *work, double *covariance);

} // namespace hllset
