/* SPDX-License-Identifier: PostgreSQL */
/* Questions that have a yes or a no: containment and overlap of two values, which are exact for small sets, and an element in one. */
#include "hllset_pg.h"

PG_FUNCTION_INFO_V1(hllset_contains);
PG_FUNCTION_INFO_V1(hllset_contained_by);
PG_FUNCTION_INFO_V1(hllset_overlaps);
PG_FUNCTION_INFO_V1(hllset_may_contain);

typedef HllsetStatus (*Question)(HllsetPlan *plan, void *work, bool *result);

static Datum
ask(Question question, Datum first, Datum second)
{
	HllsetBytes values[2] = {hllset_bytes(DatumGetHllset(first)),
							 hllset_bytes(DatumGetHllset(second))};
	HllsetPlan plan;
	bool result;
	HllsetStatus status;

	CHECK_FOR_INTERRUPTS();
	status = hllset_core_plan_census(&plan, values, lengthof(values));
	if (status == HLLSET_OK)
		status = question(&plan, hllset_workspace(&plan), &result);
	if (status != HLLSET_OK)
		hllset_report(status);
	PG_RETURN_BOOL(result);
}

Datum
hllset_contains(PG_FUNCTION_ARGS)
{
	return ask(hllset_core_contained, PG_GETARG_DATUM(1), PG_GETARG_DATUM(0));
}

Datum
hllset_contained_by(PG_FUNCTION_ARGS)
{
	return ask(hllset_core_contained, PG_GETARG_DATUM(0), PG_GETARG_DATUM(1));
}

Datum
hllset_overlaps(PG_FUNCTION_ARGS)
{
	return ask(hllset_core_overlap, PG_GETARG_DATUM(0), PG_GETARG_DATUM(1));
}

Datum
hllset_may_contain(PG_FUNCTION_ARGS)
{
	HllsetBytes set = hllset_bytes(PG_GETARG_HLLSET(0));
	bool result;
	HllsetStatus status = hllset_core_may_contain(set, hllset_hash_argument(fcinfo, 1), &result);

	if (status != HLLSET_OK)
		hllset_report(status);
	PG_RETURN_BOOL(result);
}
