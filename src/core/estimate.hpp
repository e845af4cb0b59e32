/* SPDX-License-Identifier: PostgreSQL */
/* Estimate of the number of elements behind counts, by the model of likelihood.hpp, and its standard error. */
#pragma once

#include "format.hpp"

namespace hllset
{

/* Every cell of every level is 1, so that no estimate but a lower bound exists. */
bool is_saturated(const Counts &counts);

/* Total: any counts with ones <= cells give a finite result. */
HllsetEstimate estimate(const Counts &counts);

/*
 * Of so many tokens with L0 = 0: exact but for elements that share a coupon. Pairs of others would change the count too if they shared one:
 * `losing` of them would lower it, `gaining` would raise it.
 */
HllsetEstimate estimate_small(double tokens, double losing = 0, double gaining = 0);

/* Of so many tokens of level >= level0. */
HllsetEstimate estimate_sample(double tokens, int level0);

double relative_error(const HllsetEstimate &estimate);

/* The same of elements that are missing: what a small set has too many does not count. */
double missing_error(const HllsetEstimate &estimate);

} // namespace hllset
