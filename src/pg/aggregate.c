/* SPDX-License-Identifier: PostgreSQL */
/*
 * The aggregates of elements: transition, combine, serial and final functions over one state, HllsetState, which is NULL until a row
 * is seen. Detoasting and hashing happen in the caller's context, which lives for a row; only the state lies in the aggregate's.
 */
#include "hllset_pg.h"

PG_FUNCTION_INFO_V1(hllset_add_trans);
PG_FUNCTION_INFO_V1(hllset_add_trans_at_precision);
PG_FUNCTION_INFO_V1(hllset_add_trans_hllhash);
PG_FUNCTION_INFO_V1(hllset_add_trans_hllhash_at_precision);
PG_FUNCTION_INFO_V1(hllset_accum_combine);
PG_FUNCTION_INFO_V1(hllset_accum_serialize);
PG_FUNCTION_INFO_V1(hllset_accum_deserialize);
PG_FUNCTION_INFO_V1(hllset_accum_final);
PG_FUNCTION_INFO_V1(hllset_accum_count);

MemoryContext
hllset_aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return context;
}

Datum
hllset_return_state(FunctionCallInfo fcinfo, void *state)
{
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

static HllsetState *
new_state(FunctionCallInfo fcinfo, int precision)
{
	MemoryContext context = hllset_aggregate_context(fcinfo);
	HllsetState *state = hllset_state_new(context, precision);

	hllset_pending_join(fcinfo, state, context);
	return state;
}

/* The state to which this row's element is added, made by the first row of the group. */
static inline HllsetState *
state_of_row(FunctionCallInfo fcinfo)
{
	HllsetState *state = hllset_state_argument(fcinfo, 0);

	return likely(state != NULL) ? state : new_state(fcinfo, HLLSET_DEFAULT_PRECISION);
}

/* The argument is as it was before, and so fits every state. */
static inline bool
has_same_precision(FunctionCallInfo fcinfo)
{
	const HllsetSite *site = fcinfo->flinfo->fn_extra;

	return site != NULL && site->precision_is_fixed && !PG_ARGISNULL(2) &&
		   PG_GETARG_INT32(2) == site->precision;
}

static pg_noinline HllsetState *
check_precision(FunctionCallInfo fcinfo, HllsetState *state)
{
	int precision = hllset_precision_argument(fcinfo, state);

	return state != NULL ? state : new_state(fcinfo, precision);
}

static inline HllsetState *
state_of_row_at_precision(FunctionCallInfo fcinfo)
{
	HllsetState *state = hllset_state_argument(fcinfo, 0);

	return likely(state != NULL && has_same_precision(fcinfo)) ? state
															   : check_precision(fcinfo, state);
}

/* NULL is no element, but a group of NULLs alone is the empty set; of a type that is no element it is refused as a value would be. */
static inline Datum
add_element(FunctionCallInfo fcinfo, HllsetState *state)
{
	if (!PG_ARGISNULL(1))
		hllset_state_add_later(state, hllset_hash_argument(fcinfo, 1));
	else
		hllset_hash_prepare(fcinfo, 1);
	PG_RETURN_POINTER(state);
}

/* This needs nothing of what the server knows of a call, so that others can call it too. */
static inline Datum
add_hllhash(FunctionCallInfo fcinfo, HllsetState *state)
{
	if (!PG_ARGISNULL(1))
		hllset_state_add_later(state, DatumGetUInt64(PG_GETARG_DATUM(1)));
	PG_RETURN_POINTER(state);
}

Datum
hllset_add_trans(PG_FUNCTION_ARGS)
{
	return add_element(fcinfo, state_of_row(fcinfo));
}

Datum
hllset_add_trans_at_precision(PG_FUNCTION_ARGS)
{
	return add_element(fcinfo, state_of_row_at_precision(fcinfo));
}

Datum
hllset_add_trans_hllhash(PG_FUNCTION_ARGS)
{
	return add_hllhash(fcinfo, state_of_row(fcinfo));
}

Datum
hllset_add_trans_hllhash_at_precision(PG_FUNCTION_ARGS)
{
	return add_hllhash(fcinfo, state_of_row_at_precision(fcinfo));
}

/* That which is to be read, or NULL: none of its elements waits any longer. */
static HllsetState *
settled_state(FunctionCallInfo fcinfo)
{
	HllsetState *state = hllset_state_argument(fcinfo, 0);

	if (state != NULL)
		hllset_state_settle(state);
	return state;
}

Datum
hllset_accum_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = hllset_aggregate_context(fcinfo);
	HllsetState *state = hllset_state_argument(fcinfo, 0);
	HllsetState *other = hllset_state_argument(fcinfo, 1);

	if (other == NULL)
		return hllset_return_state(fcinfo, state);
	if (state == NULL)
		state = hllset_state_new(context, hllset_core_accum_precision(other->accum));
	hllset_precision_check_combined(fcinfo, state, other);
	hllset_state_settle(state);
	hllset_state_settle(other);
	hllset_state_merge(state, other);
	PG_RETURN_POINTER(state);
}

Datum
hllset_accum_serialize(PG_FUNCTION_ARGS)
{
	return hllset_state_encode(settled_state(fcinfo));
}

/* May be called outside an aggregate: the result lies in the caller's context. */
Datum
hllset_accum_deserialize(PG_FUNCTION_ARGS)
{
	HllsetBytes bytes = hllset_bytes(PG_GETARG_HLLSET(0));
	HllsetState *state = hllset_state_like(CurrentMemoryContext, bytes);

	hllset_state_union(state, bytes);
	PG_RETURN_POINTER(state);
}

Datum
hllset_accum_final(PG_FUNCTION_ARGS)
{
	HllsetState *state = settled_state(fcinfo);

	if (state == NULL)
		PG_RETURN_NULL();
	return hllset_state_encode(state);
}

Datum
hllset_accum_count(PG_FUNCTION_ARGS)
{
	HllsetState *state = settled_state(fcinfo);

	if (state == NULL)
		PG_RETURN_INT64(0);
	PG_RETURN_INT64(hllset_core_whole(hllset_state_estimate(state).cardinality));
}
