/* SPDX-License-Identifier: PostgreSQL */
/*
 * Expressions: sources under a truth table, brought to the one form that docs/format.md calls canonical. How many elements that
 * are is decided in joint.hpp.
 */
#pragma once

#include "graded.hpp"
#include "truth_table.hpp"

namespace hllset
{

/* Sets of one precision under a truth table, reduced or not. */
struct Expression
{
	int precision;
	bool compact; /* the OR of the flags of all that it was made from */
	TruthTable table{0};
	HllsetBytes sources[TruthTable::kMaxSources];

	int
	count() const
	{
		return table.sources();
	}
};

/*
 * The parts of an expression; a set or a sample is its own only source. The sources' own bytes are checked when they are used.
 */
HllsetStatus parse_expression(HllsetBytes value, Expression &expression);

/* Every byte of an expression, sources included, and that its form is the canonical one. */
HllsetStatus check_expression(HllsetBytes value);

/* Memory for the sources that reduce() makes, beyond a Graded of this precision that merges up to `finest`. */
size_t reduce_work(int sources, int precision, int finest);

/*
 * To the fixed point of docs/format.md: folds the sources to the expression's precision, drops what does not matter, unites what
 * enters only through its union, identifies equal sources, sorts. What it makes lies in work.
 */
HllsetStatus reduce(Expression &expression, int finest, void *work);

/* Writes a reduced expression of 2 to 6 sources; returns the size, at most written_size. */
size_t written_size(const Expression &expression);
size_t write_expression(const Expression &expression, uint8_t *out);

} // namespace hllset
