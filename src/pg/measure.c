/* SPDX-License-Identifier: PostgreSQL */
/* How two or three values overlap: all numbers of a call come from one joint estimate. */
#include "hllset_pg.h"

#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"

PG_FUNCTION_INFO_V1(hllset_venn);
PG_FUNCTION_INFO_V1(hllset_jaccard);
PG_FUNCTION_INFO_V1(hllset_containment);
PG_FUNCTION_INFO_V1(hllset_cosine);
PG_FUNCTION_INFO_V1(hllset_dice);

#define MAX_REGIONS ((1 << HLLSET_MAX_VALUES) - 1)

static void
check(HllsetStatus status)
{
	if (status != HLLSET_OK)
		hllset_report(status);
}

/* Of the arguments. Returns the workspace. */
static void *
plan_census(FunctionCallInfo fcinfo, HllsetPlan *plan)
{
	int count = PG_NARGS();
	HllsetBytes values[HLLSET_MAX_VALUES];

	CHECK_FOR_INTERRUPTS();
	for (int i = 0; i < count; i++)
		values[i] = hllset_bytes(PG_GETARG_HLLSET(i));
	check(hllset_core_plan_census(plan, values, count));
	return hllset_workspace(plan);
}

/* The sizes of all regions, then their standard errors, both in the order of the result's columns. */
Datum
hllset_venn(PG_FUNCTION_ARGS)
{
	static const int of_two[] = {1, 3, 2};
	static const int of_three[] = {1, 2, 4, 3, 5, 6, 7};
	bool three = PG_NARGS() == 3;
	const int *order = three ? of_three : of_two;
	int count = three ? lengthof(of_three) : lengthof(of_two);
	/* [X]: what is in exactly the arguments of the mask X */
	HllsetEstimate regions[MAX_REGIONS + 1];
	HllsetPlan plan;
	void *work;
	TupleDesc row;
	Datum values[2 * MAX_REGIONS];
	bool nulls[2 * MAX_REGIONS] = {false};

	if (get_call_result_type(fcinfo, NULL, &row) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	work = plan_census(fcinfo, &plan);
	check(hllset_core_venn(&plan, work, regions));
	for (int i = 0; i < count; i++)
	{
		values[i] = Float8GetDatum(regions[order[i]].cardinality);
		values[count + i] = Float8GetDatum(regions[order[i]].standard_error);
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row), values, nulls)));
}

typedef struct Overlap
{
	double a;
	double b;
	double both;
	double either;
} Overlap;

static Overlap
overlap(FunctionCallInfo fcinfo)
{
	double regions[4]; /* by the mask of the arguments */
	HllsetPlan plan;
	void *work = plan_census(fcinfo, &plan);
	Overlap sizes;

	check(hllset_core_venn_sizes(&plan, work, regions));
	sizes.both = regions[3];
	sizes.a = regions[1] + sizes.both;
	sizes.b = regions[2] + sizes.both;
	sizes.either = sizes.a + regions[2];
	return sizes;
}

/* A part of a whole, which rounding must not make larger than it. The empty set is all of itself. */
static Datum
share(double part, double whole)
{
	PG_RETURN_FLOAT8(whole > 0 ? Min(part / whole, 1.0) : 1.0);
}

Datum
hllset_jaccard(PG_FUNCTION_ARGS)
{
	Overlap sizes = overlap(fcinfo);

	return share(sizes.both, sizes.either);
}

Datum
hllset_containment(PG_FUNCTION_ARGS)
{
	Overlap sizes = overlap(fcinfo);

	return share(sizes.both, sizes.a);
}

Datum
hllset_cosine(PG_FUNCTION_ARGS)
{
	Overlap sizes = overlap(fcinfo);

	/* one empty set shares nothing with another that is not */
	if (sizes.both == 0)
		return share(0, sizes.either);
	return share(sizes.both, sqrt(sizes.a * sizes.b));
}

Datum
hllset_dice(PG_FUNCTION_ARGS)
{
	Overlap sizes = overlap(fcinfo);

	return share(2 * sizes.both, sizes.a + sizes.b);
}
