/* SPDX-License-Identifier: PostgreSQL */
/* Rows of one set on their way from one node to the other, in memory of their own. */
#include "link.h"

#include "utils/memutils.h"

SyncBatch *
sync_batch_create(void)
{
	SyncBatch *batch = palloc0(sizeof(SyncBatch));

	batch->context =
		AllocSetContextCreate(CurrentMemoryContext, "hllset_sync batch", ALLOCSET_DEFAULT_SIZES);
	return batch;
}

void
sync_batch_reset(SyncBatch *batch)
{
	MemoryContext context = batch->context;

	MemoryContextReset(context);
	memset(batch, 0, sizeof(SyncBatch));
	batch->context = context;
}

static void *
enlarged(SyncBatch *batch, void *array, Size size)
{
	return array == NULL ? MemoryContextAlloc(batch->context, batch->room * size)
						 : repalloc(array, batch->room * size);
}

static void
make_room(SyncBatch *batch)
{
	if (batch->count < batch->room)
		return;
	batch->room = Max(64, batch->room * 2);
	batch->seqs = enlarged(batch, batch->seqs, sizeof(Datum));
	batch->keys = enlarged(batch, batch->keys, sizeof(Datum));
	batch->sketches = enlarged(batch, batch->sketches, sizeof(Datum));
	batch->gone = enlarged(batch, batch->gone, sizeof(bool));
}

void
sync_batch_add(SyncBatch *batch, int64 seq, Datum key, const Datum *sketches)
{
	MemoryContext caller = MemoryContextSwitchTo(batch->context);
	int row;

	make_room(batch);
	row = batch->count++;
	batch->seqs[row] = Int64GetDatum(seq);
	batch->keys[row] = PointerGetDatum(PG_DETOAST_DATUM_COPY(key));
	batch->gone[row] = sketches == NULL;
	batch->sketches[row] =
		sketches == NULL ? (Datum) 0 : PointerGetDatum(PG_DETOAST_DATUM_COPY(*sketches));
	batch->bytes += VARSIZE(DatumGetPointer(batch->keys[row]));
	if (sketches != NULL)
		batch->bytes += VARSIZE(DatumGetPointer(batch->sketches[row]));
	MemoryContextSwitchTo(caller);
}
