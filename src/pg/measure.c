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

/* regions[X]: what is in exactly the arguments of the mask X. */
static void
measure(FunctionCallInfo fcinfo, HllsetEstimate *regions)
{
	int count = PG_NARGS();
	HllsetBytes values[HLLSET_MAX_VALUES];
	HllsetPlan plan;
	HllsetStatus status;

	CHECK_FOR_INTERRUPTS();
	for (int i = 0; i < count; i++)
		values[i] = hllset_bytes(PG_GETARG_HLLSET(i));
	status = hllset_core_plan_census(&plan, values, count);
	if (status == HLLSET_OK)
		status = hllset_core_venn(&plan, hllset_workspace(&plan), regions);
	if (status != HLLSET_OK)
		hllset_report(status);
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
	HllsetEstimate regions[MAX_REGIONS + 1];
	TupleDesc row;
	Datum values[2 * MAX_REGIONS];
	bool nulls[2 * MAX_REGIONS] = {false};

	if (get_call_result_type(fcinfo, NULL, &row) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	measure(fcinfo, regions);
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
	HllsetEstimate regions[4];
	Overlap sizes;

	measure(fcinfo, regions);
	sizes.both = regions[3].cardinality;
	sizes.a = regions[1].cardinality + sizes.both;
	sizes.b = regions[2].cardinality + sizes.both;
	sizes.either = sizes.a + regions[2].cardinality;
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
