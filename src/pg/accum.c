/* SPDX-License-Identifier: PostgreSQL */
/* The state of the aggregates: one block in the context given, which grows when the core asks for room. */
#include "hllset_pg.h"

#include "utils/memutils.h"

HllsetAccum *
hllset_accum_new(MemoryContext context, int precision)
{
	HllsetAccum *accum = MemoryContextAlloc(context, hllset_core_accum_start(precision));

	hllset_core_accum_init(accum, precision, false);
	return accum;
}

/* An empty accumulator of the precision of a value. */
HllsetAccum *
hllset_accum_start(MemoryContext context, HllsetBytes like)
{
	int precision;
	HllsetStatus status = hllset_core_precision(like, &precision);

	if (status != HLLSET_OK)
		hllset_report(status);
	return hllset_accum_new(context, precision);
}

static HllsetAccum *
enlarge(MemoryContext context, HllsetAccum *accum)
{
	HllsetAccum *larger = MemoryContextAlloc(context, hllset_core_accum_want(accum));

	hllset_core_accum_move(larger, accum);
	pfree(accum);
	return larger;
}

HllsetAccum *
hllset_accum_add(MemoryContext context, HllsetAccum *accum, uint64 hash)
{
	while (hllset_core_accum_add(accum, hash) == HLLSET_NEEDS_ROOM)
		accum = enlarge(context, accum);
	return accum;
}

bool
hllset_accum_try_union(MemoryContext context, HllsetAccum **accum, HllsetBytes value)
{
	HllsetStatus status;

	while ((status = hllset_core_accum_union(*accum, value)) == HLLSET_NEEDS_ROOM)
		*accum = enlarge(context, *accum);
	if (status == HLLSET_NOT_A_SET)
		return false;
	if (status != HLLSET_OK)
		hllset_report(status);
	return true;
}

HllsetAccum *
hllset_accum_union(MemoryContext context, HllsetAccum *accum, HllsetBytes set)
{
	if (!hllset_accum_try_union(context, &accum, set))
		hllset_report(HLLSET_NOT_A_SET);
	return accum;
}

HllsetAccum *
hllset_accum_merge(MemoryContext context, HllsetAccum *accum, const HllsetAccum *other)
{
	while (hllset_core_accum_merge(accum, other) == HLLSET_NEEDS_ROOM)
		accum = enlarge(context, accum);
	return accum;
}

/* The state as an hllset or bytea datum; the state is left as it is. */
Datum
hllset_accum_encode(const HllsetAccum *accum)
{
	void *work = palloc(hllset_core_accum_encode_work(accum));
	Datum set = hllset_new(hllset_core_accum_encode(accum, work));

	pfree(work);
	return set;
}
