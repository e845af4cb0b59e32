/* SPDX-License-Identifier: PostgreSQL */
/*
 * The sequencer: turns noted keys into numbered changes. One at a time for a set; what it numbers is flushed before others see it. The
 * notes and the rows that they mean are read with one snapshot, so no change can fall between them.
 */
#include "process.h"
#include "set.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#define BATCH 10000

/* What sequencers of this transaction have done, to be told when it commits. */
typedef struct Sequenced
{
	int set_id;
	TimestampTz started;
	int64 head;
} Sequenced;

static List *sequenced = NIL;

typedef struct Batch
{
	int64 taken;
	int64 truncations;
	int64 changed;
} Batch;

static void
at_end(XactEvent event, void *unused)
{
	ListCell *cell;

	if (event == XACT_EVENT_COMMIT)
		foreach (cell, sequenced)
		{
			Sequenced *done = lfirst(cell);

			sync_sequenced(done->set_id, done->started, done->head);
		}
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		sequenced = NIL;
}

/* What was rolled back may have been a sequencer; to tell less is always right. */
static void
at_subtransaction_end(SubXactEvent event, SubTransactionId mine, SubTransactionId parent,
					  void *unused)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		sequenced = NIL;
}

void
sync_install_advance(void)
{
	RegisterXactCallback(at_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
}

void
sync_tell_sequenced(int set_id, TimestampTz started, int64 head)
{
	MemoryContext caller = MemoryContextSwitchTo(TopTransactionContext);
	Sequenced *done = palloc(sizeof(Sequenced));

	done->set_id = set_id;
	done->started = started;
	done->head = head;
	sequenced = lappend(sequenced, done);
	MemoryContextSwitchTo(caller);
}

bool
sync_pending(const SyncSet *set)
{
	Relation dirty;
	TupleTableSlot *slot;
	TableScanDesc scan;
	bool found;

	if (strcmp(set->state, "new") == 0)
		return true;
	dirty = sync_open_dirty(sync_set_table(set, "dirty"), AccessShareLock);
	slot = table_slot_create(dirty, NULL);
	PushActiveSnapshot(GetTransactionSnapshot());
	scan = table_beginscan(dirty, GetActiveSnapshot(), 0, NULL);
	found = table_scan_getnextslot(scan, ForwardScanDirection, slot);
	table_endscan(scan);
	PopActiveSnapshot();
	ExecDropSingleTupleTableSlot(slot);
	table_close(dirty, AccessShareLock);
	return found;
}

/* One sequencer at a time; what the one before wrote is seen after the lock. */
static void
lock_set(SyncSet *set)
{
	SyncUser user = sync_enter_catalog();
	bool isnull;

	if (sync_run("SELECT head, truncated_at, state FROM hllset_sync.sets WHERE set_id = %d FOR NO "
				 "KEY UPDATE",
				 set->id) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNC_SET), errmsg("set \"%s\" was unregistered", set->name)));
	set->head = DatumGetInt64(sync_field(0, 1, &isnull));
	set->truncated_at = DatumGetInt64(sync_field(0, 2, &isnull));
	set->state = TextDatumGetCString(sync_field(0, 3, &isnull));
	sync_leave(user);
}

void
sync_seed(SyncSet *set)
{
	SyncUser user = sync_enter(set->owner);

	sync_run("INSERT INTO hllset_sync.dirty_%d SELECT %s FROM %s b"
			 " UNION ALL SELECT %s FROM hllset_sync.rows_%d r"
			 " WHERE (digest IS NOT NULL OR refused) AND NOT EXISTS (SELECT FROM %s b WHERE %s)",
			 set->id, sync_named("b", set->keys, set->nkeys), sync_base(set),
			 sync_numbered("r.k", 1, set->nkeys, ""), set->id, sync_base(set),
			 sync_match_base(set, "r"));
	sync_leave(user);
}

static void
note_all_if_new(SyncSet *set)
{
	if (strcmp(set->state, "new") != 0)
		return;
	sync_seed(set);
	sync_set_state(set, "ok", NULL);
}

void
sync_note_new(SyncSet *set)
{
	lock_set(set);
	note_all_if_new(set);
}

/*
 * A row that is gone has no digest. One whose value is no plain set (refused) keeps the digest of the last that was, which is what its peers
 * have. A key of which neither changed gets no number.
 */
static Batch
take_batch(SyncSet *set)
{
	const char *keys = sync_numbered("k", 1, set->nkeys, "");
	Oid types[1] = {INT8OID};
	Datum values[1] = {Int64GetDatum(set->head)};
	SyncUser user = sync_enter(set->owner);
	Batch batch;
	bool isnull;

	sync_follow_keys();
	sync_execute(
		psprintf(
			"WITH taken AS (DELETE FROM hllset_sync.dirty_%d"
			"  WHERE ctid = ANY (ARRAY(SELECT ctid FROM hllset_sync.dirty_%d LIMIT %d)) RETURNING "
			"%s),"
			" looked AS (SELECT %s, b.digest, coalesce(b.refused, false) AS refused,"
			"  r.digest AS old_digest, coalesce(r.refused, false) AS old_refused"
			"  FROM (SELECT DISTINCT %s FROM taken WHERE k1 IS NOT NULL) r0"
			"  LEFT JOIN LATERAL (SELECT d AS digest, d IS NULL AS refused FROM"
			"   (SELECT %s AS d FROM %s b WHERE %s OFFSET 0) b) b ON true"
			"  LEFT JOIN hllset_sync.rows_%d r ON %s),"
			" put AS (INSERT INTO hllset_sync.rows_%d AS r (%s, seq, digest, refused)"
			"  SELECT %s, $1 + row_number() OVER (ORDER BY %s),"
			"   CASE WHEN refused THEN old_digest ELSE digest END, refused FROM looked"
			"  WHERE refused <> old_refused OR NOT refused AND digest IS DISTINCT FROM old_digest"
			"  ON CONFLICT (%s) DO UPDATE"
			"  SET seq = excluded.seq, digest = excluded.digest, refused = excluded.refused"
			"  RETURNING 1)"
			" SELECT (SELECT count(*) FROM taken), (SELECT count(*) FROM taken WHERE k1 IS NULL),"
			"  (SELECT count(*) FROM put)",
			set->id, set->id, BATCH, keys, sync_numbered("r0.k", 1, set->nkeys, ""), keys,
			sync_digest_call(set, "b"), sync_base(set), sync_match_base(set, "r0"), set->id,
			sync_match(set, "r", "r0"), set->id, keys, keys, keys, keys),
		1, types, values, NULL, false);
	batch.taken = DatumGetInt64(sync_field(0, 1, &isnull));
	batch.truncations = DatumGetInt64(sync_field(0, 2, &isnull));
	batch.changed = DatumGetInt64(sync_field(0, 3, &isnull));
	sync_leave(user);
	set->head += batch.changed;
	return batch;
}

/* Everything is forgotten, and what is in the table is noted anew: peers drop all that they have from before this number. */
static void
start_over(SyncSet *set)
{
	SyncUser user = sync_enter(set->owner);

	sync_run("DELETE FROM hllset_sync.rows_%d", set->id);
	sync_leave(user);
	sync_seed(set);
	set->head++;
	set->truncated_at = set->head;
}

static void
write_history(SyncSet *set, int64 old_head)
{
	Oid types[4] = {INT4OID, INT8OID, INT8OID, INT8OID};
	Datum values[4] = {Int32GetDatum(set->id), Int64GetDatum(old_head), Int64GetDatum(set->head),
					   Int64GetDatum(set->truncated_at)};
	SyncUser user = sync_enter_catalog();

	sync_execute("WITH h AS (INSERT INTO hllset_sync.history (set_id, seq_from, seq_to, nonce)"
				 "  VALUES ($1, $2 + 1, $3, gen_random_uuid()))"
				 " UPDATE hllset_sync.sets SET head = $3, truncated_at = $4 WHERE set_id = $1",
				 4, types, values, NULL, false);
	sync_leave(user);
	ForceSyncCommit();
}

/* In state error while a row holds a value that can't be published; ok again when none does. */
static void
judge(SyncSet *set)
{
	SyncUser user = sync_enter(set->owner);
	char *key = NULL;
	bool isnull;

	if (sync_run("SELECT concat_ws(', ', %s) FROM hllset_sync.rows_%d WHERE refused ORDER BY seq "
				 "LIMIT 1",
				 sync_numbered("k", 1, set->nkeys, "::text"), set->id) > 0)
		key = TextDatumGetCString(sync_field(0, 1, &isnull));
	sync_leave(user);
	if (key == NULL)
		sync_set_state(set, "ok", NULL);
	else
		sync_set_state(set, "error",
					   psprintf("row (%s) holds an expression or a sample, not a set; peers keep "
								"what they have of it",
								key));
}

bool
sync_advance(SyncSet *set)
{
	int64 old_head;
	Batch batch;

	lock_set(set);
	old_head = set->head;
	note_all_if_new(set);
	batch = take_batch(set);
	if (batch.truncations > 0)
	{
		start_over(set);
		batch = take_batch(set);
	}
	if (set->head > old_head)
		write_history(set, old_head);
	judge(set);
	sync_fault("after_advance");
	return batch.taken == BATCH;
}
