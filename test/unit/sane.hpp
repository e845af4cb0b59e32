/* SPDX-License-Identifier: PostgreSQL */
/* What is true of every estimate that the door gives. */
#pragma once

#include <gtest/gtest.h>

#include <cmath>

#include "core/hllset_core.h"

namespace hllset::test
{

/* Every answer is a finite number, not negative, with an order of its bounds. */
inline void
expect_sane(const HllsetEstimate &made)
{
	double lower;
	double upper;

	ASSERT_TRUE(std::isfinite(made.cardinality) && made.cardinality >= 0);
	ASSERT_TRUE(std::isfinite(made.standard_error) && made.standard_error >= 0);
	ASSERT_LE(made.least, made.cardinality);
	ASSERT_GE(made.most, made.cardinality);
	hllset_core_bounds(&made, 0.95, &lower, &upper);
	ASSERT_TRUE(lower >= 0 && lower <= made.cardinality && made.cardinality <= upper);
	ASSERT_NE(made.law == HLLSET_SATURATED, std::isfinite(upper));
}

} // namespace hllset::test
