/* SPDX-License-Identifier: PostgreSQL */
/* The sizes of all regions of up to six values, one row each, from one joint estimate. */
#include "hllset_pg.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "port/pg_bitutils.h"
#include "utils/array.h"

PG_FUNCTION_INFO_V1(hllset_regions);

#define MASKS (1 << HLLSET_MAX_VALUES)

typedef struct RegionsCursor
{
	HllsetEstimate regions[MASKS]; /* by the mask of the values that they are in */
	int order[MASKS];              /* masks, those of few values first */
	int count;
} RegionsCursor;

/* As hll_venn has its columns. */
static void
set_order(RegionsCursor *cursor, int values)
{
	for (int size = 1; size <= values; size++)
		for (int mask = 1; mask < 1 << values; mask++)
			if (pg_popcount32((uint32) mask) == size)
				cursor->order[cursor->count++] = mask;
}

static RegionsCursor *
start_regions(ArrayType *array)
{
	RegionsCursor *cursor = palloc0(sizeof(RegionsCursor));
	HllsetBytes values[HLLSET_MAX_VALUES];
	Datum *members;
	bool *nulls;
	int count;
	HllsetPlan plan;
	HllsetStatus status;

	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_INT, &members, &nulls,
					  &count);
	if (count > HLLSET_MAX_VALUES)
		hllset_refuse_regions(count);
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			hllset_refuse_null_region(i + 1);
		values[i] = hllset_bytes(DatumGetHllset(members[i]));
	}
	if (count == 0)
		return cursor;
	CHECK_FOR_INTERRUPTS();
	status = hllset_core_plan_census(&plan, values, count);
	if (status == HLLSET_OK)
		status = hllset_core_venn(&plan, hllset_workspace(&plan), cursor->regions);
	if (status == HLLSET_BAD_ARGUMENT)
		hllset_refuse_sources();
	if (status != HLLSET_OK)
		hllset_report(status);
	set_order(cursor, count);
	return cursor;
}

/* The numbers of the values in a mask, the first of which is 1. */
static ArrayType *
numbers_in(int mask)
{
	Datum numbers[HLLSET_MAX_VALUES];
	int count = 0;

	for (int i = 0; i < HLLSET_MAX_VALUES; i++)
		if ((mask >> i & 1) != 0)
			numbers[count++] = Int32GetDatum(i + 1);
	return construct_array(numbers, count, INT4OID, sizeof(int32), true, TYPALIGN_INT);
}

Datum
hllset_regions(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	RegionsCursor *cursor;
	int mask;
	Datum values[3];
	bool nulls[3] = {false, false, false};

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext caller;
		TupleDesc row;

		call = SRF_FIRSTCALL_INIT();
		caller = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		if (get_call_result_type(fcinfo, NULL, &row) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "return type must be a row type");
		call->tuple_desc = BlessTupleDesc(row);
		call->user_fctx = start_regions(PG_GETARG_ARRAYTYPE_P(0));
		MemoryContextSwitchTo(caller);
	}

	call = SRF_PERCALL_SETUP();
	cursor = call->user_fctx;
	if (call->call_cntr == (uint64) cursor->count)
		SRF_RETURN_DONE(call);

	mask = cursor->order[call->call_cntr];
	values[0] = PointerGetDatum(numbers_in(mask));
	values[1] = Float8GetDatum(cursor->regions[mask].cardinality);
	values[2] = Float8GetDatum(cursor->regions[mask].standard_error);
	SRF_RETURN_NEXT(call, HeapTupleGetDatum(heap_form_tuple(call->tuple_desc, values, nulls)));
}
