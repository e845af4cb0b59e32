/* SPDX-License-Identifier: PostgreSQL */
/*
 * The state of the aggregates: a head that stays where it is, and behind it the core's accumulator, until that has grown into a
 * block of its own. All lies in the memory context of the head.
 */
#include "hllset_pg.h"

#include "utils/memutils.h"

/* What encoding some dozen elements takes: with many small groups an allocation for each would be felt. */
#define FEW_BYTES 1024

HllsetState *
hllset_state_new(MemoryContext context, int precision)
{
	return hllset_state_of_form(context, precision, false);
}

HllsetState *
hllset_state_of_form(MemoryContext context, int precision, bool compact)
{
	HllsetState *state =
		MemoryContextAlloc(context, sizeof(HllsetState) + hllset_core_accum_start(precision));

	StaticAssertStmt(sizeof(HllsetState) <= HLLSET_ACCUM_HEAD, "the head is too large");
	state->accum = (HllsetAccum *) (state + 1);
	state->pending = NULL;
	hllset_core_accum_init(state->accum, precision, compact);
	return state;
}

/* An empty one of the precision and form of a value: if that is the empty set, nothing else will say what they are. */
HllsetState *
hllset_state_like(MemoryContext context, HllsetBytes value)
{
	int precision;
	bool compact;
	HllsetStatus status = hllset_core_form(value, &precision, &compact);

	if (status != HLLSET_OK)
		hllset_report(status);
	return hllset_state_of_form(context, precision, compact);
}

/* One whose elements don't wait. */
HllsetState *
hllset_state_copy(MemoryContext context, const HllsetState *original)
{
	size_t size = hllset_core_accum_size(original->accum);
	HllsetState *state = MemoryContextAlloc(context, sizeof(HllsetState) + size);

	Assert(original->pending == NULL);
	state->accum = (HllsetAccum *) (state + 1);
	state->pending = NULL;
	memcpy(state->accum, original->accum, size);
	return state;
}

void
hllset_state_enlarge(HllsetState *state)
{
	HllsetAccum *larger =
		MemoryContextAlloc(GetMemoryChunkContext(state), hllset_core_accum_want(state->accum));

	hllset_core_accum_move(larger, state->accum);
	if (hllset_state_has_grown(state))
		pfree(state->accum);
	state->accum = larger;
}

bool
hllset_state_try_union(HllsetState *state, HllsetBytes value)
{
	HllsetStatus status;

	/* Before the first step: the state of an expanded object must be whole. */
	CHECK_FOR_INTERRUPTS();
	while ((status = hllset_core_accum_union(state->accum, value)) == HLLSET_NEEDS_ROOM)
		hllset_state_enlarge(state);
	if (status == HLLSET_NOT_A_SET)
		return false;
	if (status != HLLSET_OK)
		hllset_report(status);
	return true;
}

void
hllset_state_union(HllsetState *state, HllsetBytes set)
{
	if (!hllset_state_try_union(state, set))
		hllset_report(HLLSET_NOT_A_SET);
}

void
hllset_state_merge(HllsetState *state, const HllsetState *other)
{
	CHECK_FOR_INTERRUPTS();
	while (hllset_core_accum_merge(state->accum, other->accum) == HLLSET_NEEDS_ROOM)
		hllset_state_enlarge(state);
}

HllsetEstimate
hllset_state_estimate(const HllsetState *state)
{
	HllsetEstimate estimate;

	hllset_core_accum_estimate(state->accum, &estimate);
	return estimate;
}

/* As an hllset or bytea datum. */
Datum
hllset_state_encode(const HllsetState *state)
{
	uint64 room[FEW_BYTES / sizeof(uint64)];
	void *work = room;
	size_t size;
	Datum set;

	CHECK_FOR_INTERRUPTS();
	size = hllset_core_accum_encode_work(state->accum);
	if (size > sizeof(room))
		work = palloc(size);
	set = hllset_new(hllset_core_accum_encode(state->accum, work));
	if (work != room)
		pfree(work);
	return set;
}
