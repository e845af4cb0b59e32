/* SPDX-License-Identifier: PostgreSQL */
/* The operators on values of every kind: sets, expressions and samples. Contracts: hllset_core.h; laws: docs/format.md. */
#pragma once

#include "expression.hpp"

namespace hllset
{

/* Work sizes are 0 for operands that are no values: those are refused before the workspace is used. */
size_t combine_work(HllsetOp op, HllsetBytes a, HllsetBytes b);
HllsetStatus combine(HllsetOp op, HllsetBytes a, HllsetBytes b, void *work, HllsetBytes &result);

/* A value at its own or a smaller precision. */
size_t fold_work(HllsetBytes value);
HllsetStatus fold(HllsetBytes value, int precision, void *work, HllsetBytes &result);

/* A small set as it is; anything else as a sample. */
size_t sample_work(HllsetBytes value);
HllsetStatus sample(HllsetBytes value, void *work, HllsetBytes &result);

} // namespace hllset
