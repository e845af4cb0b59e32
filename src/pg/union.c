/* SPDX-License-Identifier: PostgreSQL */
/*
 * The aggregate hll_union_agg. Sets go into an accumulator, so that their union is the same in every plan; expressions and samples
 * are united with each other, one running value; the result is the union of both.
 */
#include "hllset_pg.h"

#include "libpq/pqformat.h"
#include "miscadmin.h"

PG_FUNCTION_INFO_V1(hllset_union_trans);
PG_FUNCTION_INFO_V1(hllset_union_combine);
PG_FUNCTION_INFO_V1(hllset_union_serialize);
PG_FUNCTION_INFO_V1(hllset_union_deserialize);
PG_FUNCTION_INFO_V1(hllset_union_final);

/* The first byte of a serial form with a running value. Otherwise it is that of a set, which is its format version. */
#define WITH_OTHERS 0

static HllsetUnion *
new_state(MemoryContext context, HllsetState *sets)
{
	HllsetUnion *state = MemoryContextAllocZero(context, sizeof(HllsetUnion));

	state->sets = sets;
	return state;
}

/* What is no set joins the others. */
static void
unite_other(MemoryContext context, HllsetUnion *state, HllsetBytes value)
{
	if (state->others != NULL)
		value = hllset_combine(HLLSET_UNION, hllset_bytes(state->others), value);
	hllset_kept_replace(context, &state->others, value);
}

HllsetUnion *
hllset_union_add(MemoryContext context, HllsetUnion *state, HllsetBytes value)
{
	/* The server asks for none while it passes a window's rows again, nor does the caller in its loops. */
	CHECK_FOR_INTERRUPTS();
	if (state == NULL)
		state = new_state(context, hllset_state_like(context, value));
	if (!hllset_state_try_union(state->sets, value))
		unite_other(context, state, value);
	return state;
}

Datum
hllset_union_encode(const HllsetUnion *state)
{
	Datum sets = hllset_state_encode(state->sets);

	if (state->others == NULL)
		return sets;
	return hllset_new(hllset_combine(HLLSET_UNION, hllset_bytes((Hllset *) DatumGetPointer(sets)),
									 hllset_bytes(state->others)));
}

Datum
hllset_union_trans(PG_FUNCTION_ARGS)
{
	MemoryContext context = hllset_aggregate_context(fcinfo);
	HllsetUnion *state = hllset_state_argument(fcinfo, 0);
	Hllset *value;

	if (PG_ARGISNULL(1))
		return hllset_return_state(fcinfo, state);
	value = PG_GETARG_HLLSET(1);
	state = hllset_union_add(context, state, hllset_bytes(value));
	PG_FREE_IF_COPY(value, 1);
	PG_RETURN_POINTER(state);
}

Datum
hllset_union_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = hllset_aggregate_context(fcinfo);
	HllsetUnion *state = hllset_state_argument(fcinfo, 0);
	HllsetUnion *other = hllset_state_argument(fcinfo, 1);

	if (other == NULL)
		return hllset_return_state(fcinfo, state);
	if (state == NULL)
		state = new_state(
			context, hllset_state_of_form(context, hllset_core_accum_precision(other->sets->accum),
										  hllset_core_accum_is_compact(other->sets->accum)));
	hllset_state_merge(state->sets, other->sets);
	if (other->others != NULL)
		unite_other(context, state, hllset_bytes(other->others));
	PG_RETURN_POINTER(state);
}

Datum
hllset_union_serialize(PG_FUNCTION_ARGS)
{
	HllsetUnion *state = (HllsetUnion *) PG_GETARG_POINTER(0);
	Datum sets = hllset_state_encode(state->sets);
	StringInfoData message;

	if (state->others == NULL)
		return sets;
	pq_begintypsend(&message);
	pq_sendbyte(&message, WITH_OTHERS);
	hllset_kept_send(&message, hllset_bytes((Hllset *) DatumGetPointer(sets)));
	hllset_kept_send(&message, hllset_bytes(state->others));
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}

/* May be called outside an aggregate: the result lies in the caller's context. */
Datum
hllset_union_deserialize(PG_FUNCTION_ARGS)
{
	MemoryContext context = CurrentMemoryContext;
	HllsetBytes sets = hllset_bytes(PG_GETARG_HLLSET(0));
	HllsetUnion *state = new_state(context, NULL);

	if (sets.size > 0 && sets.data[0] == WITH_OTHERS)
	{
		StringInfoData message = {(char *) sets.data, (int) sets.size, 0, 1};

		sets = hllset_kept_receive(&message);
		hllset_kept_replace(context, &state->others, hllset_kept_receive(&message));
		pq_getmsgend(&message);
	}
	state->sets = hllset_state_like(context, sets);
	hllset_state_union(state->sets, sets);
	PG_RETURN_POINTER(state);
}

Datum
hllset_union_final(PG_FUNCTION_ARGS)
{
	HllsetUnion *state = hllset_state_argument(fcinfo, 0);

	if (state == NULL)
		PG_RETURN_NULL();
	return hllset_union_encode(state);
}
