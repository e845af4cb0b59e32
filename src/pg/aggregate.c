/* SPDX-License-Identifier: PostgreSQL */
/*
 * The aggregates of elements: transition, combine, serial and final functions over one state, HllsetAccum, which is NULL until an
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

void *
hllset_state_argument(FunctionCallInfo fcinfo, int argno)
{
	return PG_ARGISNULL(argno) ? NULL : PG_GETARG_POINTER(argno);
}

Datum
hllset_return_state(FunctionCallInfo fcinfo, void *state)
{
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

/* The state with one more hash. The precision may differ from row to row: the smallest one holds, whatever the order. */
static Datum
add_hash(FunctionCallInfo fcinfo, uint64 hash)
{
	MemoryContext context = hllset_aggregate_context(fcinfo);
	HllsetAccum *accum = hllset_state_argument(fcinfo, 0);
	int precision = HLLSET_DEFAULT_PRECISION;

	if (PG_NARGS() > 2)
	{
		if (PG_ARGISNULL(2))
			hllset_refuse_null_precision();
		precision = PG_GETARG_INT32(2);
		hllset_check_precision(precision);
	}
	if (accum == NULL)
		accum = hllset_accum_new(context, precision);
	else if (precision < hllset_core_accum_precision(accum))
	{
		uint8 body[HLLSET_EMPTY_SIZE];
		HllsetBytes empty = {body, hllset_core_empty(precision, false, body)};

		accum = hllset_accum_union(context, accum, empty);
	}
	PG_RETURN_POINTER(hllset_accum_add(context, accum, hash));
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
	HllsetAccum *accum = hllset_state_argument(fcinfo, 0);
	HllsetAccum *other = hllset_state_argument(fcinfo, 1);

	if (other == NULL)
		return hllset_return_state(fcinfo, accum);
	if (accum == NULL)
		accum = hllset_accum_new(context, hllset_core_accum_precision(other));
	PG_RETURN_POINTER(hllset_accum_merge(context, accum, other));
}

Datum
hllset_accum_serialize(PG_FUNCTION_ARGS)
{
	return hllset_accum_encode((HllsetAccum *) PG_GETARG_POINTER(0));
}

/* May be called outside an aggregate: the result lies in the caller's context. */
Datum
hllset_accum_deserialize(PG_FUNCTION_ARGS)
{
	HllsetBytes bytes = hllset_bytes(PG_GETARG_HLLSET(0));
	HllsetAccum *accum = hllset_accum_start(CurrentMemoryContext, bytes);

	PG_RETURN_POINTER(hllset_accum_union(CurrentMemoryContext, accum, bytes));
}

Datum
hllset_accum_final(PG_FUNCTION_ARGS)
{
	HllsetAccum *accum = hllset_state_argument(fcinfo, 0);

	if (accum == NULL)
		PG_RETURN_NULL();
	return hllset_accum_encode(accum);
}

Datum
hllset_accum_count(PG_FUNCTION_ARGS)
{
	HllsetAccum *accum = hllset_state_argument(fcinfo, 0);
	HllsetEstimate estimate;

	if (accum == NULL)
		PG_RETURN_INT64(0);
	hllset_core_accum_estimate(accum, &estimate);
	PG_RETURN_INT64((int64) rint(estimate.cardinality));
}
