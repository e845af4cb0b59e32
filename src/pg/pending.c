/* SPDX-License-Identifier: PostgreSQL */
/*
 * Elements on their way into the states of many groups. Under a hash table the next row is of any group, and its state is far from the
 * processor: an element waits, while its state comes near, until so many do that their misses of the cache overlap.
 */
#include "hllset_pg.h"

#include "nodes/execnodes.h"

#define MOST 64
#define LINE 64 /* bytes of a line of the cache */

struct HllsetPending
{
	MemoryContext
		context; /* of the states; NULL after its reset, which happens to a hash table that was written out */
	MemoryContextCallback reset;
	int count;
	HllsetState *states[MOST];
	uint64 hashes[MOST];
};

static void
forget(void *argument)
{
	HllsetPending *pending = argument;

	pending->context = NULL;
	pending->count = 0;
}

static bool
has_hash_table(const AggState *aggregate, MemoryContext context)
{
	return (aggregate->aggstrategy == AGG_HASHED || aggregate->aggstrategy == AGG_MIXED) &&
		   aggregate->hashcontext->ecxt_per_tuple_memory == context;
}

/* Of the groups of a hash table; elements of other new states do not wait. */
void
hllset_pending_join(FunctionCallInfo fcinfo, HllsetState *state, MemoryContext context)
{
	HllsetSite *site;
	HllsetPending *pending;

	if (!IsA(fcinfo->context, AggState) || !has_hash_table((AggState *) fcinfo->context, context))
		return;
	site = hllset_site(fcinfo->flinfo);
	if (site->pending == NULL)
		site->pending = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(HllsetPending));
	pending = site->pending;
	if (pending->context == NULL)
	{
		pending->context = context;
		pending->reset.func = forget;
		pending->reset.arg = pending;
		MemoryContextRegisterResetCallback(context, &pending->reset);
	}
	state->pending = pending;
}

void
hllset_pending_add(HllsetState *state, uint64 hash)
{
	HllsetPending *pending = state->pending;

	if (pending->count == MOST)
		hllset_pending_settle(pending);
	__builtin_prefetch(state, 1);
	__builtin_prefetch((const char *) state + LINE, 1);
	pending->states[pending->count] = state;
	pending->hashes[pending->count++] = hash;
}

/* What has grown lies elsewhere, and comes near in two more steps. */
void
hllset_pending_settle(HllsetPending *pending)
{
	int grown[MOST];
	int count = 0;

	for (int i = 0; i < pending->count; i++)
		if (hllset_state_has_grown(pending->states[i]))
		{
			__builtin_prefetch(pending->states[i]->accum, 1);
			grown[count++] = i;
		}
	for (int k = 0; k < count; k++)
		hllset_core_accum_prefetch(pending->states[grown[k]]->accum, pending->hashes[grown[k]]);
	for (int i = 0; i < pending->count; i++)
		hllset_state_add(pending->states[i], pending->hashes[i]);
	pending->count = 0;
}
