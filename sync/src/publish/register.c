/* SPDX-License-Identifier: PostgreSQL */
/* Registering a table as a set, and the way back. What may be wrong with the table is in candidate.c. */
#include "publish/publish.h"

#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "storage/lmgr.h"

PG_FUNCTION_INFO_V1(hllset_sync_register);
PG_FUNCTION_INFO_V1(hllset_sync_unregister);

/* ---- the catalog ---- */

static SyncValue
column_names(const SyncColumn *columns, int count)
{
	Datum *names = palloc(count * sizeof(Datum));

	for (int i = 0; i < count; i++)
		names[i] = DirectFunctionCall1(namein, CStringGetDatum(columns[i].name));
	return SYNC_ARRAY(NAMEOID, names, NULL, count);
}

/*
 * A set of a name that was used before goes on with its numbers. What its readers have is from before the floor, so they compare it with what there is.
 * The running time is the one that was last noted: sync_running() may write it, and this transaction may stay open.
 */
static void
insert_set(SyncSet *set)
{
	pg_uuid_t life = sync_life();
	SyncValue *values = SYNC_VALUES(
		SYNC_TEXT(set->name), SYNC_OID(set->relid), SYNC_OID(set->owner),
		column_names(set->keys, set->nkeys), column_names(set->sketches, set->nsketches),
		SYNC_TEXT(set->description), SYNC_UUID(&life), SYNC_BOOL(set->has_views));

	if (sync_execute_values(
			"WITH s AS (UPDATE hllset_sync.sets SET relid = $2, owner = $3, key_cols = $4,"
			"  sketch_cols = $5, has_views = $8, signature = convert_to($6, 'UTF8'),"
			"  description = $6, head = head + 1, floor = head + 1, nonce = gen_random_uuid(),"
			"  state = 'ok', state_since = now(), state_reason = NULL, layout = 0, filenodes = 0,"
			"  scan = 'rows', scan_after = NULL, scan_since = now()"
			"  WHERE set_name = $1 AND relid IS NULL RETURNING set_id, head, nonce),"
			" h AS (INSERT INTO hllset_sync.history (set_id, seq_from, seq_to, nonce, life, ran)"
			"  SELECT s.set_id, s.head, s.head, s.nonce, $7, n.running"
			"   FROM s, hllset_sync.node n)"
			" SELECT set_id FROM s",
			false, values) == 0)
		sync_execute_values("INSERT INTO hllset_sync.sets (set_id, set_name, relid, owner,"
							" key_cols, sketch_cols, has_views, signature, description, scanned_at)"
							" SELECT nextval('hllset_sync.set_ids'), $1, $2, $3, $4, $5, $8,"
							" convert_to($6, 'UTF8'), $6, running FROM hllset_sync.node"
							" RETURNING set_id, hllset_sync.grant_general(set_id, owner)",
							false, values);
	set->id = sync_int4(0, 1);
	ForceSyncCommit();
}

/* ---- register ---- */

/*
 * Each table leaves a lock on what it inherits from, for which all others who register would wait, to the end of this transaction; the weaker one that
 * is kept holds off only who drops or alters it.
 */
static void
make_parts(const SyncSet *set)
{
	Oid part = get_relname_relid("part", sync_schema());
	StringInfoData sketches;

	initStringInfo(&sketches);
	for (int i = 0; i < set->nsketches; i++)
		appendStringInfo(&sketches, "%ss%d %s", i ? ", " : "", i + 1,
						 sync_type_name(set->sketches[i].type, set->sketches[i].typmod));
	LockRelationOid(part, AccessShareLock);
	sync_execute("SELECT hllset_sync.make_parts($1, $2)", SYNC_INT4(set->id),
				 SYNC_TEXT(sketches.data));
	for (int i = 0; i < 3; i++)
		UnlockRelationOid(part, ShareUpdateExclusiveLock);
}

/* NULL: the table's name with SUFFIX */
static char *
view_name(FunctionCallInfo fcinfo, int argument, Oid relid, const char *suffix)
{
	return PG_ARGISNULL(argument) ? psprintf("%s%s", get_rel_name(relid), suffix)
								  : TextDatumGetCString(PG_GETARG_DATUM(argument));
}

/* The trigger holds writers back only until the commit; the rows that are there already are found by a scan. */
Datum
hllset_sync_register(PG_FUNCTION_ARGS)
{
	char *global_view, *by_node_view;
	SyncSet *set;
	SyncUser user;
	Oid relid;

	sync_require_arguments(fcinfo, ~SYNC_ARGUMENT(0));
	relid = PG_GETARG_OID(0);
	SPI_connect();
	sync_lock_names(relid);
	global_view = view_name(fcinfo, 4, relid, "_global");
	by_node_view = view_name(fcinfo, 5, relid, "_by_node");
	set = sync_candidate(relid, PG_ARGISNULL(1) ? NULL : TextDatumGetCString(PG_GETARG_DATUM(1)),
						 SYNC_GIVEN(NAMEARRAYOID, 2), SYNC_GIVEN(NAMEARRAYOID, 3),
						 global_view[0] != '\0' || by_node_view[0] != '\0');
	user = sync_enter_catalog();
	insert_set(set);
	make_parts(set);
	sync_leave(user);
	user = sync_enter(set->owner);
	sync_create_views(set, global_view, by_node_view);
	sync_leave(user);
	SPI_finish();
	PG_RETURN_VOID();
}

/* ---- unregister ---- */

Datum
hllset_sync_unregister(PG_FUNCTION_ARGS)
{
	SyncSet *set;

	SPI_connect();
	set = sync_any_set(TextDatumGetCString(PG_GETARG_DATUM(0)), SYNC_OWN);
	if (OidIsValid(getExtensionOfObject(RelationRelationId, sync_set_table(set, "copy"))))
		ereport(ERROR, (errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
						errmsg("set \"%s\" belongs to the extension", set->name)));
	sync_catalog("SELECT hllset_sync.drop_parts($1)", SYNC_INT4(set->id));
	SPI_finish();
	PG_RETURN_VOID();
}
