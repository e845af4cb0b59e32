/* SPDX-License-Identifier: PostgreSQL */
/*
 * The sequencer: turns what the trigger noted of a set into numbered changes. One at a time for a set; what it numbers is flushed before others see
 * it. The table is locked against TRUNCATE, so of the notes in pending and the keys, which are read after them, none is of a truncation in between.
 */
#include "publish/publish.h"

#include "access/xact.h"

#define LOCK_TRIES 10
#define LOCK_PAUSE 50000 /* us */
#define NONCE_AGE \
	Min(3600, sync_tombstone_keep / 10) /* s of running time for which one nonce goes on */

/* What pending says of a set, and the rows that say so. */
typedef struct Notes
{
	SyncValue keys, others; /* tid[] */
	bool truncated, all, leftovers;
} Notes;

/* What another sequencer wrote is seen after the lock. One that takes longer is not waited for. */
static void
lock_set(SyncSet *set)
{
	int tries = 0;

	while (
		sync_catalog_run("SELECT head, truncated_at, state, scan, scan_after FROM hllset_sync.sets"
						 " WHERE set_id = %d FOR NO KEY UPDATE SKIP LOCKED",
						 set->id) == 0)
	{
		if (++tries == LOCK_TRIES)
			ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
							errmsg("another session is at set \"%s\"", set->name)));
		pg_usleep(LOCK_PAUSE);
		CHECK_FOR_INTERRUPTS();
	}
	set->head = sync_int8(0, 1);
	set->truncated_at = sync_int8(0, 2);
	set->state = sync_text(0, 3);
	set->scan = sync_text(0, 4);
	set->scan_after = sync_bytea(0, 5);
}

/* ---- pending ---- */

static SyncValue
tids(int column)
{
	bool isnull;
	Datum value = sync_field(0, column, &isnull);

	return SYNC_NULLABLE(!isnull, SYNC_VALUE(TIDARRAYOID, value));
}

static Notes
read_notes(const SyncSet *set)
{
	sync_catalog_run("SELECT array_agg(ctid) FILTER (WHERE kind = 'k'),"
					 " array_agg(ctid) FILTER (WHERE kind <> 'k'),"
					 " coalesce(bool_or(kind = 't'), false), coalesce(bool_or(kind = 'r'), false),"
					 " coalesce(bool_or(kind = 'c'), false)"
					 " FROM hllset_sync.pending WHERE set_id = %d",
					 set->id);
	return (Notes){tids(1), tids(2), sync_bool(0, 3), sync_bool(0, 4), sync_bool(0, 5)};
}

/* Nobody else deletes rows of this set, so they are still where they were. */
static void
delete_notes(const SyncSet *set, SyncValue rows)
{
	if (!rows.isnull)
		sync_catalog("DELETE FROM hllset_sync.pending WHERE set_id = $1 AND ctid = ANY ($2)",
					 SYNC_INT4(set->id), rows);
}

/* ---- keys ---- */

/*
 * A row that is gone has no digest. One whose value is no plain set (refused) keeps the digest of the last that was, which is what its peers
 * have. A key of which neither changed gets no number. What the index has from before a TRUNCATE is not there. Returns how many notes of keys were taken.
 */
static int64
take_batch(SyncSet *set)
{
	const char *keys = sync_keys(set, ", ", "k#");
	SyncUser user = sync_enter(set->owner);
	int64 taken;

	sync_follow_keys();
	sync_execute(
		psprintf(
			"WITH taken AS (DELETE FROM hllset_sync.dirty_%d"
			"  WHERE ctid = ANY (ARRAY(SELECT ctid FROM hllset_sync.dirty_%d LIMIT %d)) RETURNING "
			"%s),"
			" looked AS (SELECT %s, b.digest, coalesce(b.refused, false) AS refused,"
			"  r.digest AS old_digest, coalesce(r.refused, false) AS old_refused"
			"  FROM (SELECT DISTINCT %s FROM taken) r0"
			"  LEFT JOIN LATERAL (SELECT d AS digest, d IS NULL AS refused FROM"
			"   (SELECT %s AS d FROM %s b WHERE %s OFFSET 0) b) b ON true"
			"  LEFT JOIN hllset_sync.rows_%d r ON %s AND r.seq > $2),"
			" put AS (INSERT INTO hllset_sync.rows_%d AS r (%s, seq, digest, refused)"
			"  SELECT %s, $1 + row_number() OVER (ORDER BY %s),"
			"   CASE WHEN refused THEN old_digest ELSE digest END, refused FROM looked"
			"  WHERE refused <> old_refused OR NOT refused AND digest IS DISTINCT FROM old_digest"
			"  ON CONFLICT (%s) DO UPDATE"
			"  SET seq = excluded.seq, digest = excluded.digest, refused = excluded.refused"
			"  RETURNING 1)"
			" SELECT (SELECT count(*) FROM taken), (SELECT count(*) FROM put)",
			set->id, set->id, sync_chunk_rows, keys, sync_keys(set, ", ", "r0.k#"), keys,
			sync_digest_call(set), sync_base(set), sync_keys(set, " AND ", "b.@ = r0.k#"), set->id,
			sync_keys(set, " AND ", "r.k# = r0.k#"), set->id, keys, keys, keys, keys),
		SYNC_INT8(set->head), SYNC_INT8(set->truncated_at));
	taken = sync_int8(0, 1);
	set->head += sync_int8(0, 2);
	sync_leave(user);
	return taken;
}

int64
sync_delete_entries(const SyncSet *set, const char *which, int64 upto)
{
	SyncUser user = sync_enter(set->owner);
	int64 count;

	sync_follow_keys();
	count = sync_run("DELETE FROM hllset_sync.rows_%d WHERE %s AND ctid = ANY (ARRAY("
					 "SELECT ctid FROM hllset_sync.rows_%d WHERE %s AND seq <= " INT64_FORMAT
					 " ORDER BY seq LIMIT %d))",
					 set->id, which, set->id, which, upto, sync_chunk_rows);
	sync_leave(user);
	return count;
}

/* ---- what comes of it ---- */

static void
write_history(SyncSet *set, int64 old_head)
{
	pg_uuid_t life = sync_life();

	sync_catalog("SELECT hllset_sync.note_head($1, $2, $3, $4, $5, $6, $7)", SYNC_INT4(set->id),
				 SYNC_INT8(old_head), SYNC_INT8(set->head), SYNC_INT8(set->truncated_at),
				 SYNC_UUID(&life), SYNC_INT8(sync_running()), SYNC_INT8(NONCE_AGE));
	ForceSyncCommit();
}

/* In state error while a row holds a value that can't be published; ok again when none does. */
static void
judge(SyncSet *set)
{
	char *key = NULL;
	SyncUser user;

	if (strcmp(set->state, "disabled") == 0)
		return;
	user = sync_enter(set->owner);
	if (sync_run("SELECT concat_ws(', ', %s) FROM hllset_sync.rows_%d WHERE refused AND seq "
				 "> " INT64_FORMAT " ORDER BY seq LIMIT 1",
				 sync_keys(set, ", ", "k#::text"), set->id, set->truncated_at) > 0)
		key = sync_text(0, 1);
	sync_leave(user);
	sync_set_state(set, key == NULL ? "ok" : "error",
				   key == NULL ? NULL
							   : psprintf("row (%s) holds an expression or a sample, not a set; "
										  "peers keep what they have of it",
										  key));
}

/* Either the keys of a chunk of rows are numbered, or, if there are none, a chunk of upkeep is done. */
bool
sync_advance(SyncSet *set)
{
	int64 old_head, taken;
	Notes notes;
	bool left;

	lock_set(set);
	old_head = set->head;
	notes = read_notes(set);
	/* Peers drop all that they have from before the number that a TRUNCATE gets. */
	if (notes.truncated)
		set->truncated_at = ++set->head;
	sync_follow_layout(set, notes.truncated);
	if (notes.all)
		sync_start_scan(set);
	taken = take_batch(set);
	if (set->head > old_head)
		write_history(set, old_head);
	left = taken == sync_chunk_rows || notes.truncated || notes.leftovers;
	if (taken < sync_chunk_rows)
		delete_notes(set, notes.keys);
	if (notes.truncated || notes.all)
	{
		delete_notes(set, notes.others);
		if (notes.truncated || notes.leftovers)
			sync_note_pending(set->id, SYNC_PENDING_LEFTOVERS);
	}
	else if (taken == 0 && notes.leftovers)
	{
		/* What the index has from before a TRUNCATE. */
		left = sync_delete_entries(set, "true", set->truncated_at - 1) == sync_chunk_rows;
		sync_fault("mid_cleanup");
		if (!left)
			delete_notes(set, notes.others);
	}
	else if (taken == 0 && set->scan != NULL)
		sync_scan_chunk(set);
	judge(set);
	sync_fault("after_advance");
	return left || set->scan != NULL;
}
