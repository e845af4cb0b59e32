/* SPDX-License-Identifier: PostgreSQL */
/* Functions that return rows: all at once, in a tuplestore. */
#include "hllset_sync.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

SyncResult
sync_result(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *info = (ReturnSetInfo *) fcinfo->resultinfo;
	SyncResult result;
	MemoryContext caller;

	if (info == NULL || !IsA(info, ReturnSetInfo) || (info->allowedModes & SFRM_Materialize) == 0)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("set-valued function called in context that cannot accept a set")));

	caller = MemoryContextSwitchTo(info->econtext->ecxt_per_query_memory);
	if (get_call_result_type(fcinfo, NULL, &result.row) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	result.store =
		tuplestore_begin_heap(info->allowedModes & SFRM_Materialize_Random, false, work_mem);
	MemoryContextSwitchTo(caller);

	info->returnMode = SFRM_Materialize;
	info->setResult = result.store;
	info->setDesc = result.row;
	return result;
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

void
sync_result_add(SyncResult *result, const Datum *values, const bool *nulls)
{
	tuplestore_putvalues(result->store, result->row, unconstify(Datum *, values),
						 unconstify(bool *, nulls));
}
