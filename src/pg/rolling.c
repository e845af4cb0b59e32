/* SPDX-License-Identifier: PostgreSQL */
/*
 * Unions over a window that moves: the last seven days for each day. What leaves a union can't be taken out of it, but what leaves
 * a window is always its oldest value. So a state keeps the values of its window as a queue: the recent ones with their union, the
 * older ones with the unions of some of their suffixes. A result is made of few parts then, however long the window is.
 *
 * That pays where values are taken out one by one and fit into work_mem. Elsewhere nothing is kept, the inverse function returns
 * NULL, and the server starts anew for each row, as it does for an aggregate without an inverse function.
 */
#include "hllset_pg.h"

#include "miscadmin.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(hllset_rolling_trans);
PG_FUNCTION_INFO_V1(hllset_rolling_inverse);
PG_FUNCTION_INFO_V1(hllset_rolling_final);

/* A suffix is at least so many values longer than the next one: encoding it takes longer than uniting a value or two. */
#define BLOCK 4

/* In fn_extra of the transition function, since the server resets the memory of a state when it starts anew. */
typedef struct RollingSite
{
	bool keep; /* whether the next state shall keep its values */
} RollingSite;

typedef struct Suffix
{
	Hllset *united;
	size_t length; /* in values, of which the last is the newest of the older ones */
} Suffix;

typedef struct Rolling
{
	RollingSite *site;
	MemoryContext
		keeping;     /* of all that is kept; NULL if nothing is, and UNITED is of all values */
	Hllset **values; /* in the order in which they came */
	size_t room;
	size_t oldest;    /* the older values are from here ... */
	size_t recent;    /* ... to here, the recent ones from here ... */
	size_t end;       /* ... to here */
	Suffix *suffixes; /* from the shortest to the longest */
	size_t suffix_room;
	size_t suffix_count;
	size_t results;        /* that were made since the older values became so */
	size_t bytes;          /* what is kept, or what would be if it were */
	HllsetUnion *united;   /* of the recent values; NULL if there are none */
	MemoryContext uniting; /* where UNITED lies, and nothing else */
} Rolling;

static Rolling *
new_rolling(FunctionCallInfo fcinfo)
{
	MemoryContext context = hllset_aggregate_context(fcinfo);
	Rolling *rolling = MemoryContextAllocZero(context, sizeof(Rolling));
	RollingSite *site = fcinfo->flinfo->fn_extra;

	if (site == NULL)
	{
		site = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(RollingSite));
		site->keep = true;
		fcinfo->flinfo->fn_extra = site;
	}
	rolling->site = site;
	if (site->keep)
		rolling->keeping =
			GenerationContextCreate(context, "hllset rolling values", HLLSET_GENERATION_SIZES);
	/* Until a value is taken out. The server may start anew without that, and then keeping was in vain. */
	site->keep = false;
	rolling->uniting =
		AllocSetContextCreate(context, "hllset rolling union", ALLOCSET_START_SMALL_SIZES);
	return rolling;
}

static size_t
budget(void)
{
	return work_mem * (size_t) 1024;
}

/* The memory that a kept value takes, its place in an array included. The time to unite it is about proportional to this too. */
static size_t
weight(HllsetBytes bytes)
{
	return MAXALIGN(VARHDRSZ + bytes.size) + 48;
}

static Hllset *
keep(Rolling *rolling, HllsetBytes bytes)
{
	MemoryContext caller = MemoryContextSwitchTo(rolling->keeping);
	Hllset *value = (Hllset *) DatumGetPointer(hllset_new(bytes));

	MemoryContextSwitchTo(caller);
	rolling->bytes += weight(bytes);
	return value;
}

static void
drop(Rolling *rolling, Hllset *value)
{
	rolling->bytes -= weight(hllset_bytes(value));
	pfree(value);
}

static void *
enlarge(MemoryContext context, void *array, size_t *room, size_t size)
{
	*room = Max(8, 2 * *room);
	return array == NULL ? MemoryContextAlloc(context, *room * size)
						 : repalloc_huge(array, *room * size);
}

static void
push_value(Rolling *rolling, HllsetBytes bytes)
{
	if (rolling->end == rolling->room && 2 * rolling->oldest <= rolling->room)
		rolling->values = enlarge(GetMemoryChunkContext(rolling), rolling->values, &rolling->room,
								  sizeof(Hllset *));
	else if (rolling->end == rolling->room)
	{
		rolling->end -= rolling->oldest;
		rolling->recent -= rolling->oldest;
		memmove(rolling->values, rolling->values + rolling->oldest,
				rolling->end * sizeof(Hllset *));
		rolling->oldest = 0;
	}
	rolling->values[rolling->end++] = keep(rolling, bytes);
}

static void
push_suffix(Rolling *rolling, HllsetBytes bytes, size_t length)
{
	if (rolling->suffix_count == rolling->suffix_room)
		rolling->suffixes = enlarge(GetMemoryChunkContext(rolling), rolling->suffixes,
									&rolling->suffix_room, sizeof(Suffix));
	rolling->suffixes[rolling->suffix_count].united = keep(rolling, bytes);
	rolling->suffixes[rolling->suffix_count++].length = length;
}

static size_t
older_count(const Rolling *rolling)
{
	return rolling->recent - rolling->oldest;
}

/* A union with all older values: with those before the longest suffix one by one. */
static HllsetUnion *
unite_older(MemoryContext context, HllsetUnion *united, const Rolling *rolling)
{
	size_t end = rolling->recent;

	if (rolling->suffix_count > 0)
	{
		const Suffix *longest = &rolling->suffixes[rolling->suffix_count - 1];

		united = hllset_union_add(context, united, hllset_bytes(longest->united));
		end -= longest->length;
	}
	for (size_t i = rolling->oldest; i < end; i++)
		united = hllset_union_add(context, united, hllset_bytes(rolling->values[i]));
	return united;
}

/* Unions of values that are no sets depend on the order. */
static bool
has_only_sets(const Rolling *rolling)
{
	return rolling->united == NULL || rolling->united->others == NULL;
}

static void
give_up(Rolling *rolling)
{
	rolling->united = unite_older(rolling->uniting, rolling->united, rolling);
	MemoryContextDelete(rolling->keeping);
	rolling->keeping = NULL;
	rolling->suffix_count = 0;
	rolling->oldest = rolling->recent = rolling->end = 0;
}

/* NULL is no value, but the state of a window must not be NULL. */
Datum
hllset_rolling_trans(PG_FUNCTION_ARGS)
{
	Rolling *rolling = hllset_state_argument(fcinfo, 0);
	Hllset *value;
	HllsetBytes bytes;

	if (rolling == NULL)
		rolling = new_rolling(fcinfo);
	if (PG_ARGISNULL(1))
		PG_RETURN_POINTER(rolling);
	value = PG_GETARG_HLLSET(1);
	bytes = hllset_bytes(value);
	rolling->united = hllset_union_add(rolling->uniting, rolling->united, bytes);
	if (rolling->keeping != NULL &&
		(rolling->bytes + weight(bytes) > budget() || !has_only_sets(rolling)))
		give_up(rolling);
	if (rolling->keeping != NULL)
		push_value(rolling, bytes);
	else
		rolling->bytes += weight(bytes);
	PG_FREE_IF_COPY(value, 1);
	PG_RETURN_POINTER(rolling);
}

/* The recent values become the older ones. */
static void
turn_over(Rolling *rolling)
{
	rolling->recent = rolling->end;
	rolling->results = 0;
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
	if (rolling->keeping == NULL)
	{
		/* The next state keeps its values if they fit easily: at the limit it would soon give up again. */
		rolling->site->keep = rolling->bytes <= budget() / 2 && has_only_sets(rolling);
		PG_RETURN_NULL();
	}
	rolling->site->keep = true;
	if (older_count(rolling) == 0)
		turn_over(rolling);
	if (older_count(rolling) == 0)
		elog(ERROR, "the window is empty");
	drop(rolling, rolling->values[rolling->oldest++]);
	while (rolling->suffix_count > 0 &&
		   rolling->suffixes[rolling->suffix_count - 1].length > older_count(rolling))
		drop(rolling, rolling->suffixes[--rolling->suffix_count].united);
	PG_RETURN_POINTER(rolling);
}

/*
 * Unites the older values, from the newest on. The union is kept where it weighs at most half of the values that it replaces, which are
 * those since the last one, and enough values are left to be taken out before it. With little memory left it must replace more.
 */
static void
make_suffixes(Rolling *rolling)
{
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "hllset rolling suffixes",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(work);
	size_t spare = budget() > rolling->bytes ? budget() - rolling->bytes : 0;
	size_t scale = Max(2, rolling->bytes / (1 + spare / 2));
	size_t least = 0;    /* weight of the last union */
	size_t replaced = 0; /* weight of the values since the last suffix, and their number */
	size_t count = 0;
	HllsetUnion *united = NULL;

	for (size_t i = rolling->recent; i-- > rolling->oldest + BLOCK;)
	{
		Hllset *suffix;
		HllsetBytes bytes = hllset_bytes(rolling->values[i]);

		united = hllset_union_add(work, united, bytes);
		replaced += weight(bytes);
		if (++count < BLOCK || replaced < scale * least)
			continue;
		suffix = (Hllset *) DatumGetPointer(hllset_union_encode(united));
		bytes = hllset_bytes(suffix);
		least = weight(bytes);
		if (replaced >= scale * least && rolling->bytes + least <= budget())
		{
			push_suffix(rolling, bytes, rolling->recent - i);
			replaced = count = 0;
		}
		pfree(suffix);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(work);
}

/*
 * The union of the older and of the recent values. Suffixes are made for the second result that would read them: often there is but one,
 * as a partition ends, or a frame moves by many rows.
 */
Datum
hllset_rolling_final(PG_FUNCTION_ARGS)
{
	Rolling *rolling = hllset_state_argument(fcinfo, 0);
	HllsetUnion copy = {NULL, NULL};
	HllsetUnion *united = NULL;

	if (rolling == NULL || (rolling->united == NULL && older_count(rolling) == 0))
		PG_RETURN_NULL();
	if (older_count(rolling) == 0)
		return hllset_union_encode(rolling->united);
	if (++rolling->results == 2 && older_count(rolling) >= 2 * BLOCK)
		make_suffixes(rolling);
	if (rolling->united != NULL)
	{
		copy.sets = hllset_state_copy(CurrentMemoryContext, rolling->united->sets);
		united = &copy;
	}
	return hllset_union_encode(unite_older(CurrentMemoryContext, united, rolling));
}
