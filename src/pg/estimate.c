/* SPDX-License-Identifier: PostgreSQL */
/* The count of a value, its error and its interval. */
#include "hllset_pg.h"

#include "access/htup_details.h"
#include "funcapi.h"

PG_FUNCTION_INFO_V1(hllset_cardinality);
PG_FUNCTION_INFO_V1(hllset_cardinality_bounds);
PG_FUNCTION_INFO_V1(hllset_relative_error);

HllsetEstimate
hllset_estimate(HllsetBytes bytes)
{
	HllsetPlan plan;
	HllsetEstimate result;
	HllsetStatus status;

	CHECK_FOR_INTERRUPTS();
	status = hllset_core_plan_count(&plan, bytes);
	if (status == HLLSET_OK)
		status = hllset_core_estimate(&plan, hllset_workspace(&plan), &result);
	if (status != HLLSET_OK)
		hllset_report(status);
	return result;
}

Datum
hllset_cardinality(PG_FUNCTION_ARGS)
{
	const HllsetState *state = hllset_expanded_state(PG_GETARG_DATUM(0));
	HllsetPlan plan;
	double cardinality;
	HllsetStatus status;

	if (state != NULL)
		PG_RETURN_FLOAT8(hllset_state_estimate(state).cardinality);
	CHECK_FOR_INTERRUPTS();
	status = hllset_core_plan_count(&plan, hllset_bytes(PG_GETARG_HLLSET(0)));
	if (status == HLLSET_OK)
		status = hllset_core_cardinality(&plan, hllset_workspace(&plan), &cardinality);
	if (status != HLLSET_OK)
		hllset_report(status);
	PG_RETURN_FLOAT8(cardinality);
}

Datum
hllset_relative_error(PG_FUNCTION_ARGS)
{
	HllsetEstimate result = hllset_estimate(hllset_bytes(PG_GETARG_HLLSET(0)));

	PG_RETURN_FLOAT8(hllset_core_relative_error(&result));
}

Datum
hllset_cardinality_bounds(PG_FUNCTION_ARGS)
{
	HllsetEstimate result = hllset_estimate(hllset_bytes(PG_GETARG_HLLSET(0)));
	double confidence = PG_GETARG_FLOAT8(1);
	double lower;
	double upper;
	TupleDesc row;
	Datum values[3];
	bool nulls[3] = {false, false, false};

	/* Written so that NaN is refused too. */
	if (!(confidence > 0 && confidence < 1))
		hllset_refuse_confidence(confidence);
	hllset_core_bounds(&result, confidence, &lower, &upper);

	if (get_call_result_type(fcinfo, NULL, &row) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = Float8GetDatum(result.cardinality);
	values[1] = Float8GetDatum(lower);
	values[2] = Float8GetDatum(upper);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row), values, nulls)));
}
