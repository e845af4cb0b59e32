/* SPDX-License-Identifier: PostgreSQL */
/*
 * Unions over a window that moves: the last seven days for each day. What leaves a union can't be taken out of it, but what leaves
 * a window is always its oldest value. So a window is a queue of two stacks: the older values as the unions of all suffixes, the
 * largest on top, and the recent ones with their union. A value enters two unions, however long the window is.
 */
#include "hllset_pg.h"

#include "miscadmin.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(hllset_rolling_trans);
PG_FUNCTION_INFO_V1(hllset_rolling_inverse);
PG_FUNCTION_INFO_V1(hllset_rolling_final);

/* Stored values on top of each other. */
typedef struct Stack
{
	Hllset **values;
	int count;
	int room;
} Stack;

typedef struct Rolling
{
	MemoryContext context;
	Stack older;           /* each is the union of the values below it and one before those */
	Stack recent;          /* as they came */
	HllsetUnion *united;   /* of the recent ones; NULL if there are none */
	MemoryContext uniting; /* where UNITED lies, and nothing else */
	size_t kept;           /* bytes of both stacks */
	bool
		gave_up; /* nothing is kept, and UNITED is of all; the server starts anew when a value leaves */
} Rolling;

static Rolling *
new_rolling(MemoryContext context)
{
	Rolling *rolling = MemoryContextAllocZero(context, sizeof(Rolling));

	rolling->context = context;
	rolling->uniting =
		AllocSetContextCreate(context, "hllset rolling union", ALLOCSET_START_SMALL_SIZES);
	return rolling;
}

static void
push(Rolling *rolling, Stack *stack, HllsetBytes bytes)
{
	Hllset *value = MemoryContextAlloc(rolling->context, VARHDRSZ + bytes.size);

	SET_VARSIZE(value, VARHDRSZ + bytes.size);
	memcpy(value->body, bytes.data, bytes.size);
	if (stack->count == stack->room)
	{
		stack->room = Max(8, 2 * stack->room);
		stack->values = stack->values == NULL
							? MemoryContextAlloc(rolling->context, stack->room * sizeof(Hllset *))
							: repalloc(stack->values, stack->room * sizeof(Hllset *));
	}
	stack->values[stack->count++] = value;
	rolling->kept += GetMemoryChunkSpace(value);
}

static Hllset *
top(const Stack *stack)
{
	return stack->values[stack->count - 1];
}

static void
pop(Rolling *rolling, Stack *stack)
{
	Hllset *value = stack->values[--stack->count];

	rolling->kept -= GetMemoryChunkSpace(value);
	pfree(value);
}

static void
give_up(Rolling *rolling)
{
	if (rolling->older.count > 0)
		rolling->united =
			hllset_union_add(rolling->uniting, rolling->united, hllset_bytes(top(&rolling->older)));
	while (rolling->older.count > 0)
		pop(rolling, &rolling->older);
	while (rolling->recent.count > 0)
		pop(rolling, &rolling->recent);
	rolling->gave_up = true;
}

/* Unions of values that are no sets depend on the order; too many values are kept nowhere. */
static bool
keeps(const Rolling *rolling)
{
	return rolling->kept <= work_mem * (size_t) 1024 &&
		   (rolling->united == NULL || rolling->united->others == NULL);
}

/* NULL is no value, but the state of a window must not be NULL. */
Datum
hllset_rolling_trans(PG_FUNCTION_ARGS)
{
	Rolling *rolling = hllset_state_argument(fcinfo, 0);
	Hllset *value;

	if (rolling == NULL)
		rolling = new_rolling(hllset_aggregate_context(fcinfo));
	if (PG_ARGISNULL(1))
		PG_RETURN_POINTER(rolling);
	value = PG_GETARG_HLLSET(1);
	rolling->united = hllset_union_add(rolling->uniting, rolling->united, hllset_bytes(value));
	if (!rolling->gave_up)
		push(rolling, &rolling->recent, hllset_bytes(value));
	if (!keeps(rolling))
		give_up(rolling);
	PG_FREE_IF_COPY(value, 1);
	PG_RETURN_POINTER(rolling);
}

/* The recent values become the older ones. */
static void
turn_over(Rolling *rolling)
{
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "hllset rolling suffix",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(work);
	HllsetUnion *suffix = NULL;

	while (rolling->recent.count > 0)
	{
		suffix = hllset_union_add(work, suffix, hllset_bytes(top(&rolling->recent)));
		pop(rolling, &rolling->recent);
		push(rolling, &rolling->older,
			 hllset_bytes((Hllset *) DatumGetPointer(hllset_union_encode(suffix))));
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(work);
	MemoryContextReset(rolling->uniting);
	rolling->united = NULL;
}

/* Without the oldest value, which is the second argument. NULL tells the server to start anew. */
Datum
hllset_rolling_inverse(PG_FUNCTION_ARGS)
{
	Rolling *rolling = hllset_state_argument(fcinfo, 0);

	if (rolling == NULL)
		elog(ERROR, "there is no window");
	if (PG_ARGISNULL(1))
		PG_RETURN_POINTER(rolling);
	if (!rolling->gave_up && rolling->older.count == 0)
		turn_over(rolling);
	if (rolling->gave_up || !keeps(rolling))
		PG_RETURN_NULL();
	pop(rolling, &rolling->older);
	PG_RETURN_POINTER(rolling);
}

/* The union of the older and of the recent ones. */
Datum
hllset_rolling_final(PG_FUNCTION_ARGS)
{
	Rolling *rolling = hllset_state_argument(fcinfo, 0);
	HllsetState *all;

	if (rolling == NULL || (rolling->united == NULL && rolling->older.count == 0))
		PG_RETURN_NULL();
	if (rolling->older.count == 0)
		return hllset_union_encode(rolling->united);
	if (rolling->united == NULL)
		return hllset_new(hllset_bytes(top(&rolling->older)));
	all = hllset_state_copy(CurrentMemoryContext, rolling->united->sets);
	hllset_state_union(all, hllset_bytes(top(&rolling->older)));
	return hllset_state_encode(all);
}
