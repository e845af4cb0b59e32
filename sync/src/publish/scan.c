/* SPDX-License-Identifier: PostgreSQL */
/*
 * Scans: a set's table is compared with its index, chunk by chunk, each in a transaction of its own, and keys that differ are noted. A scan begins
 * when the set is new, when its table's partitions, files or triggers have changed, as rows may have come and gone unseen, and now and then. The
 * layout is stored before the first chunk: what changes later begins another scan, and what is written to the table is noted by the trigger.
 */
#include "publish/publish.h"

#include "lib/stringinfo.h"
#include "storage/lmgr.h"

/* ---- when ---- */

/*
 * TRUNCATED: since the set was last looked at; all that is in the table was noted since then, so files that are others alone mean nothing. Mended
 * triggers are another layout again.
 */
void
sync_follow_layout(SyncSet *set, bool truncated)
{
	bool moved;
	char *disabled;

	if (sync_catalog_run(
			"WITH l AS (SELECT n.*, n.layout <> s.layout AS moved FROM hllset_sync.layouts(%d) n"
			"  JOIN hllset_sync.sets s USING (set_id)"
			"  WHERE n.layout <> s.layout OR n.filenodes <> s.filenodes),"
			" u AS (UPDATE hllset_sync.sets s SET layout = l.layout, filenodes = l.filenodes"
			"  FROM l WHERE s.set_id = l.set_id AND NOT l.weak)"
			" SELECT moved, disabled, weak FROM l",
			set->id) == 0)
		return;
	moved = sync_bool(0, 1);
	disabled = sync_text(0, 2);
	if (sync_bool(0, 3))
	{
		/* As ENABLE TRIGGER leaves them: what replication writes would be lost. */
		if (!ConditionalLockRelationOid(set->relid, ShareRowExclusiveLock))
			ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
							errmsg("the table of the set is locked")));
		sync_catalog_run("SELECT hllset_sync.mend_triggers(%d)", set->id);
	}
	if (disabled != NULL)
		sync_set_state(
			set, "disabled",
			psprintf("trigger %s is disabled, so changes go unseen; ENABLE ALWAYS it", disabled));
	else if (strcmp(set->state, "disabled") == 0)
		sync_set_state(set, "ok", NULL);
	if (moved || !truncated)
		sync_start_scan(set);
}

/* ---- a chunk ---- */

/*
 * The next rows b of a table, where the scan is, in the order of the index that identifies them: COLUMN, a pattern, of the key's columns in this ORDER
 * (NULL: their own). WHAT is taken of them; n is where they stand in the page.
 */
static char *
page(const SyncSet *set, const int *order, const char *column, const char *table, const char *what)
{
	SyncColumn *keys = palloc(set->nkeys * sizeof(SyncColumn));
	StringInfoData after;
	char *columns;

	initStringInfo(&after);
	for (int i = 0; i < set->nkeys; i++)
	{
		int place = order == NULL ? i : order[i];

		keys[i] = set->keys[place];
		appendStringInfo(&after, "%s$%d", i ? ", " : "", place + 1);
	}
	columns = sync_each(keys, set->nkeys, ", ", column);
	return psprintf("SELECT %s, row_number() OVER (ORDER BY %s) FROM"
					" (SELECT * FROM %s b%s ORDER BY %s LIMIT %d) b",
					what, columns, table,
					set->scan_after ? psprintf(" WHERE (%s) > (%s)", columns, after.data) : "",
					columns, sync_chunk_rows);
}

/* Notes the keys of a page that differ; gives its last key, the number of its rows and that of the keys. */
static char *
scan_statement(const SyncSet *set)
{
	const char *keys = sync_keys(set, ", ", "k#");
	const char *index = psprintf("hllset_sync.rows_%d", set->id);
	char *what, *differs;

	if (strcmp(set->scan, "rows") == 0)
	{
		int *order = sync_unique_key(set);

		what = psprintf("%s, %s, NULL, NULL", sync_keys(set, ", ", "b.@"), sync_digest_call(set));
		what = page(set, order, "b.@", sync_base(set), what);
		differs = psprintf("LEFT JOIN %s r ON %s AND r.seq > " INT64_FORMAT
						   " WHERE CASE WHEN p.digest IS NULL THEN NOT coalesce(r.refused, false)"
						   " ELSE coalesce(r.refused, false) OR r.digest IS DISTINCT FROM p.digest"
						   " END",
						   index, sync_keys(set, " AND ", "r.k# = p.k#"), set->truncated_at);
	}
	else
	{
		what = psprintf("%s, b.digest, b.refused, b.seq", sync_keys(set, ", ", "b.k#"));
		what = page(set, NULL, "b.k#", index, what);
		differs =
			psprintf("WHERE p.seq > " INT64_FORMAT " AND (p.digest IS NOT NULL OR p.refused)"
					 " AND NOT EXISTS (SELECT FROM %s b WHERE %s)",
					 set->truncated_at, sync_base(set), sync_keys(set, " AND ", "b.@ = p.k#"));
	}
	return psprintf("WITH page (%s, digest, refused, seq, n) AS (%s),"
					" noted AS (INSERT INTO hllset_sync.dirty_%d SELECT %s FROM page p %s"
					"  RETURNING 1)"
					" SELECT %s, n, (SELECT count(*) FROM noted) FROM page ORDER BY n DESC LIMIT 1",
					keys, what, set->id, sync_keys(set, ", ", "p.k#"), differs, keys);
}

static void
store_progress(SyncSet *set, bytea *last)
{
	if (last == NULL)
		set->scan = strcmp(set->scan, "rows") == 0 ? "index" : NULL;
	sync_catalog("UPDATE hllset_sync.sets SET scan = $2, scan_after = $3,"
				 " scanned_at = CASE WHEN $2 IS NULL THEN $4 ELSE scanned_at END"
				 " WHERE set_id = $1",
				 SYNC_INT4(set->id), SYNC_TEXT(set->scan), SYNC_BYTEA(last),
				 SYNC_INT8(sync_running()));
	set->scan_after = last;
}

void
sync_scan_chunk(SyncSet *set)
{
	SyncValue *values = sync_column_values(set->keys, set->nkeys, 0);
	SyncUser user = sync_enter(set->owner);
	bytea *last = NULL;
	int64 noted = 0;

	if (set->scan_after != NULL)
		sync_unpack(set->scan_after, set->keys, set->nkeys, false, values);
	sync_follow_order();
	if (sync_execute_values(scan_statement(set), false, set->scan_after ? values : &SYNC_NONE) > 0)
	{
		noted = sync_int8(0, set->nkeys + 2);
		sync_read_values(0, 1, set->keys, set->nkeys, false, values);
		/* A page that is not full is the last. */
		if (sync_int8(0, set->nkeys + 1) == sync_chunk_rows)
			last = sync_pack(set->keys, set->nkeys, values);
	}
	sync_leave(user);
	sync_fault("mid_scan");
	store_progress(set, last);
	if (noted > 0)
		sync_note_pending(set->id, SYNC_PENDING_KEYS);
}
