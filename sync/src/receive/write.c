/* SPDX-License-Identifier: PostgreSQL */
/* Rows of a batch, checked and written into the copies. */
#include "receive/receive.h"

#include "access/detoast.h"

typedef struct Writer
{
	SPIPlanPtr put;
	SPIPlanPtr drop;
	SPIPlanPtr orphan;
	SyncDigester digester;
} Writer;

/* Keys, origin and number of a row, with room for sketches and digest, which a row that is gone has not. */
static SyncValue *
row_values(const SyncIncoming *rows, int64 seq)
{
	SyncSet *set = rows->set;
	SyncValue *values = sync_column_values(set->keys, set->nkeys, set->nsketches + 3);

	values[set->nkeys] = SYNC_INT2(rows->origin);
	values[set->nkeys + 1] = SYNC_INT8(seq);
	return values;
}

/* In the feed only newer states are written. */
static void
prepare_writer(Writer *writer, const SyncIncoming *rows)
{
	SyncSet *set = rows->set;
	int n = set->nkeys;
	bool feed = rows->mode == SYNC_CHANGES;
	const char *keys = sync_keys(set, ", ", "k#");
	const char *here =
		psprintf("%s AND origin_id = $%d", sync_keys(set, " AND ", "k# = $#"), n + 1);
	SyncValue *values = row_values(rows, 0);

	writer->drop = sync_prepare(psprintf("DELETE FROM hllset_sync.copy_%d WHERE %s AND %s$%d",
										 set->id, here, feed ? "seq < " : "0 < ", n + 2),
								values);
	writer->orphan = sync_prepare(
		psprintf("UPDATE hllset_sync.copy_%d SET seq = $%d WHERE %s", set->id, n + 2, here),
		values);
	memcpy(values + n + 2, sync_column_values(set->sketches, set->nsketches, 0),
		   set->nsketches * sizeof(SyncValue));
	values[n + 2 + set->nsketches] = SYNC_UUID(NULL);
	writer->put = sync_prepare(
		psprintf("INSERT INTO hllset_sync.copy_%d AS c (%s, origin_id, seq, %s, digest) VALUES (%s)"
				 " ON CONFLICT (%s, origin_id) DO UPDATE"
				 " SET %s, seq = excluded.seq, digest = excluded.digest%s",
				 set->id, keys, sync_sketches(set, ", ", "s#"),
				 sync_each(NULL, n + set->nsketches + 3, ", ", "$#"), keys,
				 sync_sketches(set, ", ", "s# = excluded.s#"),
				 feed ? " WHERE c.seq < excluded.seq" : ""),
		values);
	sync_digester_init(&writer->digester, CurrentMemoryContext);
}

static void
check_row(const SyncIncoming *rows, int row)
{
	int64 seq = DatumGetInt64(rows->seqs[row]);
	Size size = toast_raw_datum_size(rows->keys[row]) +
				(rows->gone[row] ? 0 : toast_raw_datum_size(rows->sketches[row]));

	if (size > (Size) sync_max_row_bytes)
		ereport(
			ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("a peer sent a row of %zu bytes, more than hllset_sync.max_row_bytes", size)));
	if (seq < 0 || (seq == 0 && (rows->mode == SYNC_CHANGES || !rows->gone[row])))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("number " INT64_FORMAT " is out of range", seq)));
}

static void
write_row(Writer *writer, const SyncIncoming *rows, int row)
{
	SyncSet *set = rows->set;
	int64 seq = DatumGetInt64(rows->seqs[row]);
	SyncValue *values = row_values(rows, seq);
	SyncValue *sketches = values + set->nkeys + 2;
	pg_uuid_t digest;

	check_row(rows, row);
	sync_unpack(DatumGetByteaPP(rows->keys[row]), set->keys, set->nkeys, false, values);
	if (rows->gone[row])
	{
		sync_execute_plan(seq == 0 ? writer->orphan : writer->drop, values, 0);
		return;
	}
	sync_unpack(DatumGetByteaPP(rows->sketches[row]), set->sketches, set->nsketches, true,
				sketches);
	if (!sync_digest(&writer->digester, sketches, set->nsketches, &digest))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("a peer sent an expression or a sample in place of a set")));
	sketches[set->nsketches] = SYNC_UUID(&digest);
	sync_execute_plan(writer->put, values, 0);
}

void
sync_write_copies(const SyncIncoming *rows)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext scratch;
	Writer writer;
	SyncUser user;

	if (rows->count == 0)
		return;
	user = sync_enter(rows->set->owner);
	scratch = AllocSetContextCreate(caller, "hllset_sync row", ALLOCSET_DEFAULT_SIZES);
	prepare_writer(&writer, rows);
	for (int i = 0; i < rows->count; i++)
	{
		if (i == rows->count / 2)
			sync_fault("mid_batch");
		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(scratch);
		write_row(&writer, rows, i);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(scratch);
	}
	sync_leave(user);
}
