/* SPDX-License-Identifier: PostgreSQL */
/*
 * Joint maximum likelihood estimate of the sizes of all regions of up to 6 sources, from how often each pattern of source bits
 * occurs among the cells of each level.
 *
 * A region is a non-empty set of sources, written as a bit mask R: the elements that are in exactly these. A pattern S is the
 * mask of the sources in which a cell is 1. The model is that of estimate.hpp; Ertl 2017 (arXiv 1702.01284) has the joint
 * estimate for two HyperLogLog sketches.
 */
#pragma once

#include "coupon.hpp"

namespace hllset
{

inline constexpr int kMaxPatterns = 1 << kMaxSources;

/* A choice of regions: bit R is region R. Bit 0 means nothing. */
using Regions = uint64_t;

/* What the sources show. At every level the patterns other than 0 add up to no more than the level's cells. */
struct JointCounts
{
	int sources; /* 1 to kMaxSources */
	uint32_t cells[kLevels];
	const uint32_t *
		patterns; /* [level][pattern], kLevels << sources of them; those of pattern 0 are not read */

	uint32_t
	of(int level, uint32_t pattern) const
	{
		return patterns[(static_cast<size_t>(level) << sources) + pattern];
	}
};

struct JointFit
{
	double size[kMaxPatterns]; /* by region; finite and >= 0; their sum need not be the total */
	double total;              /* of the union of all sources, estimated as one set */
	int iterations;
	double work; /* in evaluations of the model of six sources */
};

/* Of a fit. Nearly all that sets have takes less; otherwise the sizes that it has come to so far are the answer (docs/design.md). */
inline constexpr double kMostJointWork = 34;

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
