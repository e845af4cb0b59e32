/* SPDX-License-Identifier: PostgreSQL */
/*
 * How many rows the planner expects of % and %>. Whoever searches expects few rows, however large the table is; sets are too large for the lists of values that
 * ANALYZE keeps, and these would say nothing of overlaps.
 */
#include "hllset_pg.h"

#include "nodes/pathnodes.h"
#include "utils/selfuncs.h"

PG_FUNCTION_INFO_V1(hllset_search_sel);
PG_FUNCTION_INFO_V1(hllset_search_joinsel);

#define FOUND_ROWS 200.0

/* Of a table with fewer rows a tenth is found. */
#define LEAST_ROWS 2000.0

/* Where nobody knows which rows of one side have a match. */
#define SHARE_WITH_MATCH 0.5

/* The share of the rows of the table whose column is on the left. */
static double
share_found(PlannerInfo *root, List *args, int relation)
{
	VariableStatData left;
	double rows;

	examine_variable(root, linitial(args), relation, &left);
	rows = left.rel != NULL ? left.rel->tuples : 0;
	ReleaseVariableStats(left);
	return FOUND_ROWS / Max(rows, LEAST_ROWS);
}

Datum
hllset_search_sel(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(share_found((PlannerInfo *) PG_GETARG_POINTER(0),
								 (List *) PG_GETARG_POINTER(2), PG_GETARG_INT32(3)));
}

Datum
hllset_search_joinsel(PG_FUNCTION_ARGS)
{
	SpecialJoinInfo *join = (SpecialJoinInfo *) PG_GETARG_POINTER(4);

	if (join->jointype == JOIN_SEMI || join->jointype == JOIN_ANTI)
		PG_RETURN_FLOAT8(SHARE_WITH_MATCH);
	PG_RETURN_FLOAT8(
		share_found((PlannerInfo *) PG_GETARG_POINTER(0), (List *) PG_GETARG_POINTER(2), 0));
}
