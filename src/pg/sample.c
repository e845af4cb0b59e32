/* SPDX-License-Identifier: PostgreSQL */
/* Which elements of a table are in a value: the key of an element, the keys of a value's sample, and the sample's rate. */
#include "hllset_pg.h"

#include "funcapi.h"

PG_FUNCTION_INFO_V1(hllset_coupon);
PG_FUNCTION_INFO_V1(hllset_sample);
PG_FUNCTION_INFO_V1(hllset_sample_rate);

Datum
hllset_coupon(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32((int32) hllset_core_member_key(hllset_hash_argument(fcinfo, 0)));
}

typedef struct SampleCursor
{
	const uint32 *keys;
	size_t count;
} SampleCursor;

static SampleCursor *
start_sample(FunctionCallInfo fcinfo)
{
	SampleCursor *cursor = palloc(sizeof(SampleCursor));
	HllsetBytes value = hllset_bytes(PG_GETARG_HLLSET(0));
	int least_level = PG_GETARG_INT32(1);
	HllsetPlan plan;
	HllsetStatus status;

	CHECK_FOR_INTERRUPTS();
	status = hllset_core_plan_member_keys(&plan, value, least_level);
	if (status == HLLSET_OK)
		status =
			hllset_core_member_keys(&plan, hllset_workspace(&plan), &cursor->keys, &cursor->count);
	if (status != HLLSET_OK)
		hllset_refuse_sample(status, value, least_level);
	return cursor;
}

/* One row for each key, ascending. */
Datum
hllset_sample(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	SampleCursor *cursor;
	Datum key;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext caller;

		call = SRF_FIRSTCALL_INIT();
		caller = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		call->user_fctx = start_sample(fcinfo);
		MemoryContextSwitchTo(caller);
	}

	call = SRF_PERCALL_SETUP();
	cursor = call->user_fctx;
	if (call->call_cntr == cursor->count)
		SRF_RETURN_DONE(call);
	key = Int32GetDatum((int32) cursor->keys[call->call_cntr]);
	SRF_RETURN_NEXT(call, key);
}

Datum
hllset_sample_rate(PG_FUNCTION_ARGS)
{
	HllsetBytes value = hllset_bytes(PG_GETARG_HLLSET(0));
	int least_level = PG_GETARG_INT32(1);
	int level;
	HllsetStatus status = hllset_core_sample_level(value, least_level, &level);

	if (status != HLLSET_OK)
		hllset_refuse_sample(status, value, least_level);
	PG_RETURN_FLOAT8(1.0 / (double) (UINT64CONST(1) << level));
}
