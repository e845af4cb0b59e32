/* SPDX-License-Identifier: PostgreSQL */
/* Upkeep of the change index: comparing it with the table, pruning it, counting it. */
#include "set.h"

#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(hllset_sync_rescan);
PG_FUNCTION_INFO_V1(hllset_sync_prune);
PG_FUNCTION_INFO_V1(hllset_sync_count_index);
PG_FUNCTION_INFO_V1(hllset_sync_count_copies);

/* ---- rescan ---- */

/* Keys whose row differs from what the index says, though nothing was noted of it. */
static int64
note_differences(SyncSet *set)
{
	SyncUser user = sync_enter(set->owner);
	const char *keys = sync_numbered("k", 1, set->nkeys, "");
	int64 count = sync_run(
		"INSERT INTO hllset_sync.dirty_%d SELECT %s FROM"
		" (SELECT %s, r.digest, coalesce(r.refused, false) AS refused, true AS present, %s AS now"
		"  FROM %s b LEFT JOIN hllset_sync.rows_%d r ON %s"
		"  UNION ALL SELECT %s, r.digest, r.refused, false, NULL FROM hllset_sync.rows_%d r"
		"  WHERE (r.digest IS NOT NULL OR r.refused) AND NOT EXISTS (SELECT FROM %s b WHERE %s))"
		" d (%s, digest, refused, present, now)"
		" WHERE CASE WHEN present AND now IS NULL THEN NOT refused"
		"  ELSE refused OR digest IS DISTINCT FROM now END"
		" AND NOT EXISTS (SELECT FROM hllset_sync.dirty_%d n WHERE %s)",
		set->id, keys, sync_named("b", set->keys, set->nkeys), sync_digest_call(set, "b"),
		sync_base(set), set->id, sync_match_base(set, "r"), sync_numbered("r.k", 1, set->nkeys, ""),
		set->id, sync_base(set), sync_match_base(set, "r"), keys, set->id,
		sync_match(set, "n", "d"));

	sync_leave(user);
	return count;
}

static int64
rescan(SyncSet *set)
{
	int64 count;
	SyncUser user;

	sync_note_new(set);
	sync_fault("mid_note");
	count = note_differences(set);
	user = sync_enter_catalog();
	sync_run("UPDATE hllset_sync.sets SET last_rescan = now() WHERE set_id = %d", set->id);
	sync_leave(user);
	return count;
}

/* The rows that it finds get their numbers from the next sequencer. */
Datum
hllset_sync_rescan(PG_FUNCTION_ARGS)
{
	int64 count;

	SPI_connect();
	count = rescan(sync_set(TextDatumGetCString(PG_GETARG_DATUM(0)), SYNC_OWN));
	SPI_finish();
	PG_RETURN_INT64(count);
}

/* ---- prune ---- */

/*
 * The newest number that was followed by others before tombstone_keep: a peer that had all that there was until then
 * stands on the history still. 0 if there is nothing to prune.
 */
static int64
newest_to_prune(const SyncSet *set)
{
	Oid types[2] = {INT4OID, INT4OID};
	Datum values[2] = {Int32GetDatum(set->id), Int32GetDatum(sync_tombstone_keep)};
	bool isnull;
	Datum seq;

	sync_execute("SELECT max(h.seq_to) FROM hllset_sync.history h,"
				 " (SELECT max(seq_from) AS next FROM hllset_sync.history WHERE set_id = $1"
				 "  AND at > '-infinity' AND at < now() - $2 * interval '1 s') o"
				 " WHERE h.set_id = $1 AND h.at > '-infinity' AND h.seq_to < o.next",
				 2, types, values, NULL, false);
	seq = sync_field(0, 1, &isnull);
	return isnull ? 0 : DatumGetInt64(seq);
}

/*
 * Old tombstones go, and the history of their time becomes one batch with a nonce of its own: a token from before, whose
 * holder may have missed a tombstone, is not on the history any more; a first sync, which reads old rows, gets tokens
 * that are.
 */
static int64
prune_set(SyncSet *set)
{
	SyncUser user = sync_enter_catalog();
	int64 seq = newest_to_prune(set);
	int64 count;

	if (seq > 0)
	{
		sync_run("DELETE FROM hllset_sync.history WHERE set_id = %d AND seq_to <= " INT64_FORMAT,
				 set->id, seq);
		sync_run("INSERT INTO hllset_sync.history (set_id, seq_from, seq_to, nonce, at)"
				 " VALUES (%d, 1, " INT64_FORMAT ", gen_random_uuid(), '-infinity')",
				 set->id, seq);
	}
	sync_leave(user);
	if (seq == 0)
		return 0;
	user = sync_enter(set->owner);
	count = sync_run("DELETE FROM hllset_sync.rows_%d WHERE digest IS NULL AND NOT refused AND seq "
					 "<= " INT64_FORMAT,
					 set->id, seq);
	sync_leave(user);
	/* A token up to here that is not on the history is old, not of a history that was undone. */
	user = sync_enter_catalog();
	sync_run("UPDATE hllset_sync.sets SET floor = " INT64_FORMAT " WHERE set_id = %d", seq,
			 set->id);
	sync_leave(user);
	return count;
}

Datum
hllset_sync_prune(PG_FUNCTION_ARGS)
{
	int64 count = 0;
	ListCell *cell;

	SPI_connect();
	foreach (cell, sync_sets((Datum) 0, GetUserId()))
	{
		SyncSet *set = lfirst(cell);

		if (sync_set_allows(set, SYNC_OWN) && sync_set_usable(set))
			count += prune_set(set);
	}
	SPI_finish();
	PG_RETURN_INT64(count);
}

/* ---- counts, for the views ---- */

static Oid
enter_owner(Oid table, SyncUser *user)
{
	if (!OidIsValid(table))
		return InvalidOid;
	if (!SYNC_OWNS_TABLE(table, GetUserId()) && !has_privs_of_role(GetUserId(), ROLE_PG_MONITOR))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(table));
	*user = sync_enter(sync_table_owner(table));
	return table;
}

static Oid
numbered_table(const char *kind, int32 set_id)
{
	SyncSet set = {.id = set_id};

	return sync_set_table(&set, kind);
}

/* Noted keys, live rows, tombstones; nothing if the tables are gone. */
Datum
hllset_sync_count_index(PG_FUNCTION_ARGS)
{
	SyncResult result = sync_result(fcinfo);
	int32 id = PG_GETARG_INT32(0);
	SyncUser user;
	Datum row[3];
	bool nulls[3];

	SPI_connect();
	if (OidIsValid(numbered_table("dirty", id)) &&
		OidIsValid(enter_owner(numbered_table("rows", id), &user)))
	{
		sync_run("SELECT (SELECT count(*) FROM hllset_sync.dirty_%d), count(digest), count(*) - "
				 "count(digest)"
				 " FROM hllset_sync.rows_%d",
				 id, id);
		for (int i = 0; i < 3; i++)
			row[i] = sync_field(0, i + 1, &nulls[i]);
		sync_leave(user);
		sync_result_add(&result, row, nulls);
	}
	SPI_finish();
	return (Datum) 0;
}

Datum
hllset_sync_count_copies(PG_FUNCTION_ARGS)
{
	int32 id = PG_GETARG_INT32(0);
	int64 count = 0;
	SyncUser user;
	bool isnull;

	SPI_connect();
	if (OidIsValid(enter_owner(numbered_table("copy", id), &user)))
	{
		sync_run("SELECT count(*) FROM hllset_sync.copy_%d WHERE origin_id = %d", id,
				 PG_GETARG_INT16(1));
		count = DatumGetInt64(sync_field(0, 1, &isnull));
		sync_leave(user);
	}
	SPI_finish();
	PG_RETURN_INT64(count);
}
