/* SPDX-License-Identifier: PostgreSQL */
/* Upkeep of the change index: comparing all of it with the table, pruning it, counting it. */
#include "publish/publish.h"

#include "catalog/pg_authid.h"
#include "utils/acl.h"

PG_FUNCTION_INFO_V1(hllset_sync_rescan);
PG_FUNCTION_INFO_V1(hllset_sync_prune);

/* ---- rescan ---- */

static bool
start_scan(void *name)
{
	sync_start_scan(sync_set(name, SYNC_OWN));
	return true;
}

static bool
scan_on(void *name)
{
	return sync_advance(sync_set(name, SYNC_OWN));
}

/* What it finds has its numbers when it ends. */
Datum
hllset_sync_rescan(PG_FUNCTION_ARGS)
{
	char *name;

	sync_require_own_transactions(fcinfo);
	sync_require_arguments(fcinfo, 0);
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	name = TextDatumGetCString(PG_GETARG_DATUM(0));
	(void) sync_turn(false, start_scan, name);
	while (sync_turn(false, scan_on, name))
		;
	SPI_finish();
	PG_RETURN_VOID();
}

/* ---- prune ---- */

typedef struct Pruning
{
	int done; /* the set that was looked at last, in order of their ids */
	int64 tombstones;
} Pruning;

/* The floor of the caller's next set and a chunk of its tombstones; false: all is done. */
static bool
prune_on(void *arg)
{
	Pruning *pruning = arg;
	int64 count = 0;
	SyncSet *set;

	if (sync_catalog("SELECT s.set_name FROM hllset_sync.sets s JOIN pg_class c ON c.oid = s.relid"
					 " WHERE s.set_id > $1 AND ($2 IS NULL OR pg_has_role($2, c.relowner, 'USAGE'))"
					 " ORDER BY s.set_id LIMIT 1",
					 SYNC_INT4(pruning->done), sync_caller_role()) == 0)
		return false;
	set = sync_any_set(sync_text(0, 1), SYNC_OWN);
	if (sync_set_usable(set))
	{
		sync_catalog("SELECT hllset_sync.raise_floor($1, $2, $3)", SYNC_INT4(set->id),
					 SYNC_INT8(sync_running()), SYNC_INT8(sync_tombstone_keep));
		count = sync_delete_entries(set, "digest IS NULL AND NOT refused", sync_int8(0, 1));
	}
	pruning->tombstones += count;
	if (count < sync_chunk_rows)
		pruning->done = set->id;
	return true;
}

static int64
prune(bool as_node)
{
	Pruning pruning = {0};

	while (sync_turn(as_node, prune_on, &pruning))
		;
	return pruning.tombstones;
}

void
sync_prune_here(void *unused)
{
	(void) prune(true);
}

Datum
hllset_sync_prune(PG_FUNCTION_ARGS)
{
	int64 count;

	sync_require_own_transactions(fcinfo);
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	count = prune(false);
	SPI_finish();
	return sync_one_row(fcinfo, SYNC_INT8(count));
}

/* ---- counts, for the views ---- */

/* (noted keys, live rows, tombstones); nothing if the tables are gone. */
SYNC_LOOK(hllset_sync_count_index)
{
	SyncSet set = {.id = PG_GETARG_INT32(0)};
	Oid rows = sync_set_table(&set, "rows");
	SyncUser user;

	if (!OidIsValid(sync_set_table(&set, "dirty")) || !OidIsValid(rows))
		return;
	if (!sync_owns_table(rows) && !has_privs_of_role(GetUserId(), ROLE_PG_MONITOR))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(rows));
	user = sync_enter(sync_table_owner(rows));
	sync_run("SELECT (SELECT count(*) FROM hllset_sync.dirty_%d), count(digest),"
			 " count(*) - count(digest) FROM hllset_sync.rows_%d",
			 set.id, set.id);
	sync_leave(user);
	sync_return_rows(result);
}
