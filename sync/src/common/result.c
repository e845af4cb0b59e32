/* SPDX-License-Identifier: PostgreSQL */
/* Functions that return rows: all at once, in a tuplestore. */
#include "common/common.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/tuplestore.h"

SyncResult *
sync_result(FunctionCallInfo fcinfo)
{
	SyncResult *result = (SyncResult *) fcinfo->resultinfo;
	MemoryContext caller;

	if (result == NULL || !IsA(result, ReturnSetInfo) ||
		(result->allowedModes & SFRM_Materialize) == 0)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("set-valued function called in context that cannot accept a set")));
	caller = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);
	if (get_call_result_type(fcinfo, NULL, &result->setDesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	result->setResult =
		tuplestore_begin_heap(result->allowedModes & SFRM_Materialize_Random, false, work_mem);
	MemoryContextSwitchTo(caller);
	result->returnMode = SFRM_Materialize;
	return result;
}

static HeapTuple
form_row(TupleDesc columns, const SyncValue *values)
{
	Datum *datums = palloc(columns->natts * sizeof(Datum));
	bool *nulls = palloc(columns->natts * sizeof(bool));

	for (int i = 0; i < columns->natts; i++)
	{
		if (values[i].type != TupleDescAttr(columns, i)->atttypid)
			elog(ERROR, "value %d of a result is of type %u", i + 1, values[i].type);
		datums[i] = values[i].value;
		nulls[i] = values[i].isnull;
	}
	return heap_form_tuple(columns, datums, nulls);
}

Datum
sync_row_of_values(FunctionCallInfo fcinfo, const SyncValue *values)
{
	TupleDesc columns;

	if (get_call_result_type(fcinfo, NULL, &columns) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(form_row(BlessTupleDesc(columns), values));
}

void
sync_add_values(SyncResult *result, const SyncValue *values)
{
	tuplestore_puttuple(result->setResult, form_row(result->setDesc, values));
}

void
sync_require_arguments(FunctionCallInfo fcinfo, uint32 nullable)
{
	for (int i = 0; i < PG_NARGS(); i++)
		if (PG_ARGISNULL(i) && (nullable & SYNC_ARGUMENT(i)) == 0)
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("argument %d of %s must not be null", i + 1,
								   get_func_name(fcinfo->flinfo->fn_oid))));
}

SyncValue
sync_names(FunctionCallInfo fcinfo, int n)
{
	SyncValue names = SYNC_GIVEN(TEXTARRAYOID, n);

	if (!names.isnull)
	{
		ArrayType *array = DatumGetArrayTypeP(names.value);

		if (ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) > sync_max_sets)
			ereport(ERROR,
					(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
					 errmsg("more than %d sets are named in one call", sync_max_sets),
					 errhint("Raise hllset_sync.max_sets at the node that is called, too.")));
	}
	return names;
}

void
sync_return_rows(SyncResult *result)
{
	for (int i = 0; i < result->setDesc->natts; i++)
		sync_expect(i + 1, TupleDescAttr(result->setDesc, i)->atttypid);
	for (uint64 i = 0; i < SPI_tuptable->numvals; i++)
		tuplestore_puttuple(result->setResult, SPI_tuptable->vals[i]);
}
