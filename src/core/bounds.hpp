/* SPDX-License-Identifier: PostgreSQL */
/* Intervals of estimates: the numbers of elements with which the estimate is not too unlikely. */
#pragma once

#include "hllset_core.h"

namespace hllset
{

/*
 * Of nominal coverage `confidence` in (0, 1), within what is certain and around the estimate. The upper end is finite, or Infinity where
 * what is counted lies in saturated sets alone.
 */
void bounds(const HllsetEstimate &estimate, double confidence, double &lower, double &upper);

} // namespace hllset
