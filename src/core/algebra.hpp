/* SPDX-License-Identifier: PostgreSQL */
/* The operators on values of every kind: sets, expressions and samples. Contracts: hllset_core.h; laws: docs/format.md. */
#pragma once

#include "expression.hpp"
#include "plan.hpp"

namespace hllset
{

HllsetStatus plan_combine(HllsetOp op, HllsetBytes a, HllsetBytes b, HllsetPlan &plan);

/* An expression or a sample with one more element. */
HllsetStatus plan_with_element(HllsetBytes value, Coupon full, HllsetPlan &plan);

/* A value at its own or a smaller precision. */
HllsetStatus plan_fold(HllsetBytes value, int precision, HllsetPlan &plan);

/* A small set as it is; anything else as a sample. */
HllsetStatus plan_sample(HllsetBytes value, HllsetPlan &plan);

} // namespace hllset
