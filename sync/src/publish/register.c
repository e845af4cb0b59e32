/* SPDX-License-Identifier: PostgreSQL */
/* Registering a table as a set, and the way back. What may be wrong with the table is in candidate.c. */
#include "publish/publish.h"

#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "storage/lmgr.h"

PG_FUNCTION_INFO_V1(hllset_sync_register);
PG_FUNCTION_INFO_V1(hllset_sync_unregister);

static SyncValue
column_names(const SyncColumn *columns, int count)
{
	Datum *names = palloc(count * sizeof(Datum));

	for (int i = 0; i < count; i++)
		names[i] = DirectFunctionCall1(namein, CStringGetDatum(columns[i].name));
	return SYNC_ARRAY(NAMEOID, names, NULL, count);
}

/*
 * Each table leaves a lock on what it inherits from, for which all others who register would wait, to the end of this transaction; the weaker one that
 * is kept holds off only who drops or alters it.
 */
static void
make_parts(SyncSet *set)
{
	Oid part = get_relname_relid("part", sync_schema());
	pg_uuid_t life = sync_life();

	sync_execute("SELECT hllset_sync.put_set($1, $2, $3, $4, $5, $6, $7, $8)", SYNC_TEXT(set->name),
				 SYNC_OID(set->relid), SYNC_OID(set->owner), column_names(set->keys, set->nkeys),
				 column_names(set->sketches, set->nsketches), SYNC_TEXT(set->description),
				 SYNC_UUID(&life), SYNC_BOOL(set->has_views));
	set->id = sync_int4(0, 1);
	(void) sync_type_name(set->sketches[0].type, -1); /* locks its schema */
	LockRelationOid(part, AccessShareLock);
	sync_execute("SELECT hllset_sync.make_parts($1)", SYNC_INT4(set->id));
	for (int i = 0; i < 3; i++)
		UnlockRelationOid(part, ShareUpdateExclusiveLock);
	ForceSyncCommit();
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
