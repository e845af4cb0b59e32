/* SPDX-License-Identifier: PostgreSQL */
/*
 * The aggregate hll_intersect_agg. Its state is a function of the distinct values that came, so the result is the same in every plan:
 * up to six are kept as they are, and their intersection has all the information of an expression. With a seventh all become
 * running intersections of exact small sets and of samples, one for each precision and form, as these can be formed in any order: among
 * sets of one form it does not matter which of them made the intersection empty. Empty sets are kept apart: they take no place among six.
 */
#include "hllset_pg.h"

#include "libpq/pqformat.h"

PG_FUNCTION_INFO_V1(hllset_intersect_trans);
PG_FUNCTION_INFO_V1(hllset_intersect_combine);
PG_FUNCTION_INFO_V1(hllset_intersect_serialize);
PG_FUNCTION_INFO_V1(hllset_intersect_deserialize);
PG_FUNCTION_INFO_V1(hllset_intersect_final);

#define FORMS 3 /* small sets, compact small sets, samples */
#define CLASSES (FORMS * (HLLSET_MAX_PRECISION - HLLSET_MIN_PRECISION + 1))

/* First the distinct values, ascending by bytes; then, if running, the intersections by class. */
typedef struct IntersectState
{
	bool running;
	int count;               /* of distinct values */
	Hllset *values[CLASSES]; /* NULL where there is none */
	Hllset *empty;           /* the finest of the empty sets that came, or NULL */
} IntersectState;

/* The first byte of a serial form: flags. Then come the empty set, if there is one, and the values. */
#define IS_RUNNING 1
#define HAS_EMPTY 2

/* The number of the value's class: by precision, small sets before samples. */
static int
class_of(HllsetBytes value)
{
	HllsetInfo info = hllset_inspect(value);
	int form = info.level0 > 0 ? 2 : info.compact;

	return FORMS * (info.precision - HLLSET_MIN_PRECISION) + form;
}

/* Adds a value to the running intersection of its class. */
static void
narrow(MemoryContext context, IntersectState *state, HllsetBytes value)
{
	HllsetPlan plan;
	HllsetBytes sample;
	HllsetStatus status;
	Hllset **kept;

	CHECK_FOR_INTERRUPTS();
	status = hllset_make(&plan, hllset_core_plan_sample(&plan, value), &sample);
	if (status != HLLSET_OK)
		hllset_report(status);
	kept = &state->values[class_of(sample)];
	if (*kept != NULL)
		sample = hllset_combine(HLLSET_INTERSECTION, hllset_bytes(*kept), sample);
	hllset_kept_replace(context, kept, sample);
}

static void
start_running(MemoryContext context, IntersectState *state)
{
	Hllset *values[HLLSET_MAX_SOURCES];
	int count = state->count;

	memcpy(values, state->values, sizeof(values));
	memset(state->values, 0, sizeof(state->values));
	state->count = 0;
	state->running = true;
	for (int i = 0; i < count; i++)
	{
		narrow(context, state, hllset_bytes(values[i]));
		pfree(values[i]);
	}
}

/* The place of a value among the distinct ones, and whether it is there. */
static int
find(const IntersectState *state, HllsetBytes value, bool *found)
{
	int at = 0;
	int order = 1;

	while (at < state->count &&
		   (order = hllset_compare(value, hllset_bytes(state->values[at]))) > 0)
		at++;
	*found = order == 0;
	return at;
}

static void
keep(MemoryContext context, IntersectState *state, int at, HllsetBytes value)
{
	hllset_inspect(value);
	memmove(&state->values[at + 1], &state->values[at], (state->count - at) * sizeof(Hllset *));
	state->values[at] = NULL;
	state->count++;
	hllset_kept_replace(context, &state->values[at], value);
}

static bool
is_empty(HllsetBytes value)
{
	HllsetInfo info;

	if (value.size > HLLSET_EMPTY_SIZE)
		return false;
	info = hllset_inspect(value);
	return info.kind == HLLSET_SET && info.level0 == 0 && info.tokens == 0;
}

static void
intersect_empty(MemoryContext context, IntersectState *state, HllsetBytes value)
{
	if (state->empty != NULL)
		value = hllset_combine(HLLSET_UNION, hllset_bytes(state->empty), value);
	hllset_kept_replace(context, &state->empty, value);
}

static void
intersect(MemoryContext context, IntersectState *state, HllsetBytes value)
{
	if (is_empty(value))
	{
		intersect_empty(context, state, value);
		return;
	}
	if (!state->running)
	{
		bool found;
		int at = find(state, value, &found);

		if (found)
			return;
		if (state->count < HLLSET_MAX_SOURCES)
		{
			keep(context, state, at, value);
			return;
		}
		start_running(context, state);
	}
	narrow(context, state, value);
}

/* A value of another state. A running intersection stays in its class, even if it is empty. */
static void
join_value(MemoryContext context, IntersectState *state, bool running, HllsetBytes value)
{
	if (running)
		narrow(context, state, value);
	else
		intersect(context, state, value);
}

Datum
hllset_intersect_trans(PG_FUNCTION_ARGS)
{
	MemoryContext context = hllset_aggregate_context(fcinfo);
	IntersectState *state = hllset_state_argument(fcinfo, 0);
	Hllset *value;

	if (PG_ARGISNULL(1))
		return hllset_return_state(fcinfo, state);
	value = PG_GETARG_HLLSET(1);
	if (state == NULL)
		state = MemoryContextAllocZero(context, sizeof(IntersectState));
	intersect(context, state, hllset_bytes(value));
	PG_FREE_IF_COPY(value, 1);
	PG_RETURN_POINTER(state);
}

Datum
hllset_intersect_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = hllset_aggregate_context(fcinfo);
	IntersectState *state = hllset_state_argument(fcinfo, 0);
	IntersectState *other = hllset_state_argument(fcinfo, 1);

	if (other == NULL)
		return hllset_return_state(fcinfo, state);
	if (state == NULL)
		state = MemoryContextAllocZero(context, sizeof(IntersectState));
	if (other->empty != NULL)
		intersect_empty(context, state, hllset_bytes(other->empty));
	if (other->running && !state->running)
		start_running(context, state);
	for (int i = 0; i < CLASSES; i++)
		if (other->values[i] != NULL)
			join_value(context, state, other->running, hllset_bytes(other->values[i]));
	PG_RETURN_POINTER(state);
}

Datum
hllset_intersect_serialize(PG_FUNCTION_ARGS)
{
	IntersectState *state = (IntersectState *) PG_GETARG_POINTER(0);
	StringInfoData message;

	pq_begintypsend(&message);
	pq_sendbyte(&message,
				(state->running ? IS_RUNNING : 0) | (state->empty != NULL ? HAS_EMPTY : 0));
	if (state->empty != NULL)
		hllset_kept_send(&message, hllset_bytes(state->empty));
	for (int i = 0; i < CLASSES; i++)
		if (state->values[i] != NULL)
			hllset_kept_send(&message, hllset_bytes(state->values[i]));
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}

/* May be called outside an aggregate: the result lies in the caller's context. */
Datum
hllset_intersect_deserialize(PG_FUNCTION_ARGS)
{
	HllsetBytes bytes = hllset_bytes(PG_GETARG_HLLSET(0));
	StringInfoData message = {(char *) bytes.data, (int) bytes.size, 0, 0};
	IntersectState *state = palloc0(sizeof(IntersectState));
	int flags = pq_getmsgbyte(&message);
	bool more = (flags & HAS_EMPTY) == 0; /* there is one value at least */

	state->running = (flags & IS_RUNNING) != 0;
	if ((flags & HAS_EMPTY) != 0)
		intersect_empty(CurrentMemoryContext, state, hllset_kept_receive(&message));
	for (; more || message.cursor < message.len; more = false)
		join_value(CurrentMemoryContext, state, state->running, hllset_kept_receive(&message));
	PG_RETURN_POINTER(state);
}

Datum
hllset_intersect_final(PG_FUNCTION_ARGS)
{
	IntersectState *state = hllset_state_argument(fcinfo, 0);
	HllsetBytes result = {NULL, 0};

	if (state == NULL)
		PG_RETURN_NULL();
	for (int i = 0; i < CLASSES; i++)
	{
		HllsetBytes value;

		if (state->values[i] == NULL)
			continue;
		value = hllset_bytes(state->values[i]);
		result = result.data == NULL ? value : hllset_combine(HLLSET_INTERSECTION, result, value);
	}
	if (state->empty != NULL)
	{
		HllsetBytes empty = hllset_bytes(state->empty);

		result = result.data == NULL ? empty : hllset_combine(HLLSET_INTERSECTION, result, empty);
	}
	return hllset_new(result);
}
