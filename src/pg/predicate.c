/* SPDX-License-Identifier: PostgreSQL */
/* Questions to two values that have a yes or a no: containment and overlap. Exact for small sets. */
#include "hllset_pg.h"

PG_FUNCTION_INFO_V1(hllset_contains);
PG_FUNCTION_INFO_V1(hllset_contained_by);
PG_FUNCTION_INFO_V1(hllset_overlaps);

typedef HllsetStatus (*Question)(const HllsetBytes values[2], void *work, bool *result);

static Datum
ask(Question question, Datum first, Datum second)
{
	HllsetBytes values[2] = {hllset_bytes(DatumGetHllset(first)),
							 hllset_bytes(DatumGetHllset(second))};
	bool result;
	HllsetStatus status;

	CHECK_FOR_INTERRUPTS();
	status = question(values, palloc(hllset_core_census_work(values, 2)), &result);
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
