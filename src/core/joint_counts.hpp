/* SPDX-License-Identifier: PostgreSQL */
/*
 * What several sources show, from which the sizes of their regions are estimated.
 *
 * A region is a non-empty set of sources, written as a bit mask R: the elements that are in exactly these. A pattern S is the
 * mask of the sources in which a cell is 1. The model is that of likelihood.hpp; Ertl 2017 (arXiv 1702.01284) has the joint
 * estimate for two HyperLogLog sketches.
 */
#pragma once

#include "coupon.hpp"

namespace hllset
{

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

/* Of a fit. Nearly all that sets have takes less; otherwise the sizes that it has come to so far are the answer (docs/design.md). */
inline constexpr double kMostJointWork = 34;

} // namespace hllset
