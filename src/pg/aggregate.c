/* SPDX-License-Identifier: PostgreSQL */
/*
 * The aggregates of elements: transition, combine, serial and final functions over one state, HllsetState, which is NULL until an
 * element is seen. Detoasting and hashing happen in the caller's context, which lives for a row; only the state lies in the aggregate's.
 */
#include "hllset_pg.h"

#include <math.h>

PG_FUNCTION_INFO_V1(hllset_add_trans_int2);
PG_FUNCTION_INFO_V1(hllset_add_trans_int4);
PG_FUNCTION_INFO_V1(hllset_add_trans_int8);
PG_FUNCTION_INFO_V1(hllset_add_trans_numeric);
PG_FUNCTION_INFO_V1(hllset_add_trans_float4);
PG_FUNCTION_INFO_V1(hllset_add_trans_float8);
PG_FUNCTION_INFO_V1(hllset_add_trans_text);
PG_FUNCTION_INFO_V1(hllset_add_trans_bytea);
PG_FUNCTION_INFO_V1(hllset_add_trans_uuid);
PG_FUNCTION_INFO_V1(hllset_add_trans_bool);
PG_FUNCTION_INFO_V1(hllset_add_trans_date);
PG_FUNCTION_INFO_V1(hllset_add_trans_timestamp);
PG_FUNCTION_INFO_V1(hllset_add_trans_timestamptz);
PG_FUNCTION_INFO_V1(hllset_add_trans_inet);
PG_FUNCTION_INFO_V1(hllset_add_trans_jsonb);
PG_FUNCTION_INFO_V1(hllset_add_trans_oid);
PG_FUNCTION_INFO_V1(hllset_add_trans_char);
PG_FUNCTION_INFO_V1(hllset_add_trans_hllhash);
PG_FUNCTION_INFO_V1(hllset_add_trans_any);
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

/* Of the third argument, if there is one. */
static int
get_precision(FunctionCallInfo fcinfo)
{
	int precision;

	if (PG_NARGS() <= 2)
		return HLLSET_DEFAULT_PRECISION;
	if (PG_ARGISNULL(2))
		hllset_refuse_null_precision();
	precision = PG_GETARG_INT32(2);
	hllset_check_precision(precision);
	return precision;
}

static HllsetState *
new_state(FunctionCallInfo fcinfo, int precision)
{
	MemoryContext context = hllset_aggregate_context(fcinfo);
	HllsetState *state = hllset_state_new(context, precision);

	hllset_pending_join(fcinfo, state, context);
	return state;
}

static void
fold(HllsetState *state, int precision)
{
	uint8 body[HLLSET_EMPTY_SIZE];
	HllsetBytes empty = {body, hllset_core_empty(precision, false, body)};

	hllset_state_union(state, empty);
}

/* The state with one more hash. The precision may differ from row to row: the smallest one holds, whatever the order. */
static pg_noinline Datum
add_hash_at_precision(FunctionCallInfo fcinfo, uint64 hash)
{
	HllsetState *state = hllset_state_argument(fcinfo, 0);
	int precision = get_precision(fcinfo);

	if (state == NULL)
		state = new_state(fcinfo, precision);
	else if (hllset_pending_may_be_finer(state, precision) &&
			 precision < hllset_core_accum_precision(state->accum))
		fold(state, precision);
	hllset_state_add_later(state, hash);
	PG_RETURN_POINTER(state);
}

/* Inline, since this is done for every row. */
static inline Datum
add_hash(FunctionCallInfo fcinfo, uint64 hash)
{
	HllsetState *state = hllset_state_argument(fcinfo, 0);

	if (state == NULL || PG_NARGS() > 2)
		return add_hash_at_precision(fcinfo, hash);
	hllset_state_add_later(state, hash);
	PG_RETURN_POINTER(state);
}

/* NULL is no element. */
static Datum
skip_null(FunctionCallInfo fcinfo)
{
	return hllset_return_state(fcinfo, hllset_state_argument(fcinfo, 0));
}

Datum
hllset_add_trans_int2(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return skip_null(fcinfo);
	return add_hash(fcinfo, hllset_hash_integer(PG_GETARG_INT16(1)));
}

Datum
hllset_add_trans_int4(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return skip_null(fcinfo);
	return add_hash(fcinfo, hllset_hash_integer(PG_GETARG_INT32(1)));
}

Datum
hllset_add_trans_int8(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return skip_null(fcinfo);
	return add_hash(fcinfo, hllset_hash_integer(PG_GETARG_INT64(1)));
}

Datum
hllset_add_trans_numeric(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return skip_null(fcinfo);
	return add_hash(fcinfo, hllset_hash_numeric(PG_GETARG_DATUM(1)));
}

Datum
hllset_add_trans_float4(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return skip_null(fcinfo);
	return add_hash(fcinfo, hllset_hash_float(PG_GETARG_FLOAT4(1)));
}

Datum
hllset_add_trans_float8(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return skip_null(fcinfo);
	return add_hash(fcinfo, hllset_hash_float(PG_GETARG_FLOAT8(1)));
}

Datum
hllset_add_trans_text(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return skip_null(fcinfo);
	return add_hash(fcinfo, hllset_hash_text(PG_GETARG_DATUM(1), PG_GET_COLLATION()));
}

Datum
hllset_add_trans_bytea(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return skip_null(fcinfo);
	return add_hash(fcinfo, hllset_hash_bytea(PG_GETARG_DATUM(1)));
}

Datum
hllset_add_trans_uuid(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return skip_null(fcinfo);
	return add_hash(fcinfo, hllset_hash_uuid(PG_GETARG_DATUM(1)));
}

Datum
hllset_add_trans_bool(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return skip_null(fcinfo);
	return add_hash(fcinfo, hllset_hash_boolean(PG_GETARG_BOOL(1)));
}

Datum
hllset_add_trans_date(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return skip_null(fcinfo);
	return add_hash(fcinfo, hllset_hash_date(PG_GETARG_INT32(1)));
}

Datum
hllset_add_trans_timestamp(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return skip_null(fcinfo);
	return add_hash(fcinfo, hllset_hash_timestamp(PG_GETARG_INT64(1)));
}

Datum
hllset_add_trans_timestamptz(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return skip_null(fcinfo);
	return add_hash(fcinfo, hllset_hash_timestamptz(PG_GETARG_INT64(1)));
}

Datum
hllset_add_trans_inet(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return skip_null(fcinfo);
	return add_hash(fcinfo, hllset_hash_inet(PG_GETARG_DATUM(1)));
}

Datum
hllset_add_trans_jsonb(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return skip_null(fcinfo);
	return add_hash(fcinfo, hllset_hash_jsonb(PG_GETARG_DATUM(1)));
}

Datum
hllset_add_trans_oid(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return skip_null(fcinfo);
	return add_hash(fcinfo, hllset_hash_oid(PG_GETARG_OID(1)));
}

Datum
hllset_add_trans_char(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return skip_null(fcinfo);
	return add_hash(fcinfo, hllset_hash_char(PG_GETARG_CHAR(1)));
}

Datum
hllset_add_trans_hllhash(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return skip_null(fcinfo);
	return add_hash(fcinfo, DatumGetUInt64(PG_GETARG_DATUM(1)));
}

Datum
hllset_add_trans_any(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return skip_null(fcinfo);
	return add_hash(fcinfo, hllset_hash_argument(fcinfo, 1));
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
	hllset_state_merge(state, other);
	PG_RETURN_POINTER(state);
}

Datum
hllset_accum_serialize(PG_FUNCTION_ARGS)
{
	return hllset_state_encode((HllsetState *) PG_GETARG_POINTER(0));
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
	HllsetState *state = hllset_state_argument(fcinfo, 0);

	if (state == NULL)
		PG_RETURN_NULL();
	return hllset_state_encode(state);
}

Datum
hllset_accum_count(PG_FUNCTION_ARGS)
{
	HllsetState *state = hllset_state_argument(fcinfo, 0);

	if (state == NULL)
		PG_RETURN_INT64(0);
	PG_RETURN_INT64((int64) rint(hllset_state_estimate(state).cardinality));
}
