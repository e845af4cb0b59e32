/* SPDX-License-Identifier: PostgreSQL */
/* Operations that need no truth table: with the empty set, and the union of two sets. */
#pragma once

#include "expression.hpp"
#include "plan.hpp"

namespace hllset
{

/* What the operation does with 64 pairs of bits; NULL for an unknown one, as a caller in C can pass any number. */
TruthTable::Apply bit_operation(HllsetOp op);

/* Which operands are the empty set. */
struct Empties
{
	bool a = false;
	bool b = false;
};

HllsetStatus look_for_empties(HllsetBytes a, HllsetBytes b, Empties &empties);

/* A result that is known already, and an empty one. */
void plan_known(HllsetBytes value, HllsetPlan &plan);
void plan_empty(int precision, bool compact, HllsetPlan &plan);

/* The empty set has no say in precision and form, and nothing to add: the other operand stays as it is, or nothing of it does. */
HllsetStatus plan_with_empty(HllsetOp op, HllsetBytes a, HllsetBytes b, Empties empties,
							 HllsetPlan &plan);

/* What plan_union() does. */
bool is_union_of_sets(HllsetOp op, HllsetBytes a, HllsetBytes b);

/* One that has all of the other is the result itself. */
HllsetStatus plan_union(HllsetBytes a, HllsetBytes b, HllsetPlan &plan);

} // namespace hllset
