/* SPDX-License-Identifier: PostgreSQL */
/*
 * The end of copies: dropped, or first united with this node's own rows. In parts, each a transaction of its own; until all are gone nothing is
 * delivered, and another call goes on where one was interrupted.
 */
#include "receive/receive.h"

PG_FUNCTION_INFO_V1(hllset_sync_remove_origin);

typedef struct Removal
{
	const char *set_name; /* NULL: all sets */
	bool absorbs;
	SyncPass pass; /* in one set after the other */
} Removal;

/* Locked as it is: a delivery that has not made its cursor yet must see that the node is dropped. */
static int16
find_origin(const char *node)
{
	uint64 count = sync_catalog("SELECT origin_id FROM hllset_sync.origins"
								" WHERE node_name = $1 OR node_id::text = $1 FOR UPDATE",
								SYNC_TEXT(node));

	if (count != 1)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						count == 0 ? errmsg("there are no copies of node \"%s\"", node)
								   : errmsg("several nodes are named \"%s\"", node),
						count == 0 ? 0 : errhint("Use the node's id; see hllset_sync.origins.")));
	return sync_int2(0, 1);
}

/* From now on nothing is delivered. */
static void
refuse_deliveries(const Removal *removal)
{
	if (removal->set_name == NULL)
		sync_catalog("UPDATE hllset_sync.origins SET dropping = true,"
					 " dropping_since = coalesce(dropping_since, now()) WHERE origin_id = $1",
					 SYNC_INT2(removal->pass.origin));
	else if (sync_catalog("UPDATE hllset_sync.cursors c SET dropping = true,"
						  " dropping_since = coalesce(dropping_since, now())"
						  " FROM hllset_sync.sets s WHERE s.set_id = c.set_id AND s.set_name = $2"
						  " AND c.origin_id = $1",
						  SYNC_INT2(removal->pass.origin), SYNC_TEXT(removal->set_name)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there are no copies of this node in set \"%s\"", removal->set_name)));
}

/* ", put AS (INSERT INTO t ...) ...": the rows of WITH touched united with those of the table, where that changes something */
static char *
absorb_statement(const SyncSet *set)
{
	const char *unite = sync_function_name(sync_hllset_function(SYNC_UNION));
	const char *digest = sync_function_name(sync_hllset_function(SYNC_DIGEST));
	const char *keys = sync_keys(set, ", ", "@");
	StringInfoData assignments;
	StringInfoData differs;

	initStringInfo(&assignments);
	initStringInfo(&differs);
	for (int i = 0; i < set->nsketches; i++)
	{
		const char *column = quote_identifier(set->sketches[i].name);
		char *united = psprintf("coalesce(%s(b.%s, excluded.%s), b.%s, excluded.%s)", unite, column,
								column, column, column);

		appendStringInfo(&assignments, "%s%s = %s", i ? ", " : "", column, united);
		appendStringInfo(&differs, "%s%s(%s) IS DISTINCT FROM %s(b.%s)", i ? " OR " : "", digest,
						 united, digest, column);
	}
	return psprintf(", put AS (INSERT INTO %s AS b (%s, %s) SELECT %s, %s FROM touched"
					" ON CONFLICT (%s) DO UPDATE SET %s WHERE %s RETURNING 1)"
					" SELECT (SELECT count(*) FROM touched), (SELECT count(*) FROM put)",
					sync_table_name(set->relid), keys, sync_sketches(set, ", ", "@"),
					sync_keys(set, ", ", "k#"), sync_sketches(set, ", ", "s#"), keys,
					assignments.data, differs.data);
}

/* One part of the first set that is left; false if there is none. Its cursor is locked first, so that no batch comes between, and goes last. */
static bool
remove_part(Removal *removal)
{
	SyncSet *set;

	if (sync_catalog(
			"SELECT s.set_name FROM hllset_sync.cursors c JOIN hllset_sync.sets s USING (set_id)"
			" WHERE c.origin_id = $1 AND ($2 IS NULL OR s.set_name = $2)"
			" ORDER BY set_id LIMIT 1 FOR UPDATE OF c",
			SYNC_INT2(removal->pass.origin), SYNC_TEXT(removal->set_name)) == 0)
		return false;
	set = sync_find_set(sync_text(0, 1));
	if (removal->absorbs && !sync_set_usable(set))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("set \"%s\" is broken: %s", set->name, set->reason)));
	removal->pass.set = set;
	removal->pass.then = removal->absorbs ? absorb_statement(set) : NULL;
	if (!sync_pass_part(&removal->pass))
		sync_catalog("DELETE FROM hllset_sync.cursors WHERE set_id = $1 AND origin_id = $2",
					 SYNC_INT4(set->id), SYNC_INT2(removal->pass.origin));
	return true;
}

/* drop_origin(node, INOUT) and absorb_origin(node, set_name, INOUT). In a transaction block all parts are one. */
Datum
hllset_sync_remove_origin(PG_FUNCTION_ARGS)
{
	bool atomic = !sync_may_commit(fcinfo);
	Removal removal = {.absorbs = PG_NARGS() == 3, .pass.seq = PG_INT64_MAX};

	sync_require_arguments(fcinfo, ~SYNC_ARGUMENT(0));
	if (removal.absorbs && !PG_ARGISNULL(1))
		removal.set_name = TextDatumGetCString(PG_GETARG_DATUM(1));
	SPI_connect_ext(atomic ? 0 : SPI_OPT_NONATOMIC);
	removal.pass.origin = find_origin(TextDatumGetCString(PG_GETARG_DATUM(0)));
	refuse_deliveries(&removal);
	sync_pass_anew();
	do
	{
		if (!atomic)
			SPI_commit();
		sync_fault("mid_drop");
	} while (remove_part(&removal));
	if (removal.set_name == NULL)
		sync_catalog("DELETE FROM hllset_sync.origins WHERE origin_id = $1",
					 SYNC_INT2(removal.pass.origin));
	SPI_finish();
	return sync_one_row(fcinfo, SYNC_INT8(removal.pass.count));
}
