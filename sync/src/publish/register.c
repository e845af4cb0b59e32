/* SPDX-License-Identifier: PostgreSQL */
/* Registering a table as a set, with views, another owner of it, and the way back. What may be wrong with the table is in candidate.c. */
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

/* ---- views ---- */

/* The aggregate that unites sets, whose schema keeps its name. */
static SyncValue
unite(void)
{
	return SYNC_TEXT(sync_function_name(sync_hllset_function(SYNC_UNION_AGG)));
}

static char *
check_name(const SyncSet *set, const char *name, const char *argument)
{
	Oid schema = get_rel_namespace(set->relid);
	bool too_long = strlen(name) >= NAMEDATALEN;

	if (too_long || OidIsValid(get_relname_relid(name, schema)))
		ereport(ERROR, (errcode(too_long ? ERRCODE_NAME_TOO_LONG : ERRCODE_DUPLICATE_TABLE),
						too_long ? errmsg("name \"%s\" of the view is too long", name)
								 : errmsg("relation \"%s\" already exists", name),
						errhint("Give the view another name, or none: %s => ''.", argument)));
	return quote_qualified_identifier(get_namespace_name(schema), name);
}

/* Beside the table, as its owner. An empty name: no view. */
static void
create_views(const SyncSet *set, const char *global_view, const char *by_node_view)
{
	char *global, *by_node;

	sync_catalog("SELECT * FROM hllset_sync.define_views($1, $2)", SYNC_INT4(set->id), unite());
	global = sync_text(0, 1);
	by_node = sync_text(0, 2);
	if (global_view[0] != '\0')
		sync_run("CREATE VIEW %s AS %s", check_name(set, global_view, "global_view"), global);
	if (by_node_view[0] == '\0')
		return;
	if (by_node == NULL)
		ereport(ERROR, (errcode(ERRCODE_DUPLICATE_COLUMN),
						errmsg("a column named \"node\" cannot stand in the view by node"),
						errhint("Rename the column, or do without the view: by_node_view => ''.")));
	sync_run("CREATE VIEW %s AS %s", check_name(set, by_node_view, "by_node_view"), by_node);
	sync_fault("views_made");
}

/* NULL: the table's name with SUFFIX */
static char *
view_name(FunctionCallInfo fcinfo, int argument, Oid relid, const char *suffix)
{
	return PG_ARGISNULL(argument) ? psprintf("%s%s", get_rel_name(relid), suffix)
								  : TextDatumGetCString(PG_GETARG_DATUM(argument));
}

/* ---- register ---- */

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
	create_views(set, global_view, by_node_view);
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

/* ---- another owner ---- */

/* The views of OWNER on the set's table COPIES. Those that he has altered stay his. */
static void
give_views(const SyncSet *set, Oid copies, Oid owner)
{
	SyncUser user = sync_enter_catalog();
	uint64 count =
		sync_run("SELECT DISTINCT c.oid FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid"
				 " JOIN pg_class c ON c.oid = r.ev_class"
				 " WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass"
				 " AND d.refobjid = %u AND c.relkind = 'v' AND c.relowner = %u",
				 copies, owner);
	SPITupleTable *views = SPI_tuptable;

	for (uint64 i = 0; i < count; i++)
	{
		Oid view = atooid(SPI_getvalue(views->vals[i], views->tupdesc, 1));

		LockRelationOid(view, AccessExclusiveLock);
		sync_execute("SELECT hllset_sync.give_view($1, $2, $3, $4)", SYNC_INT4(set->id), unite(),
					 SYNC_OID(view), SYNC_OID(set->owner));
	}
	sync_leave(user);
}

bool
sync_take_over(SyncSet *set)
{
	Oid copies = sync_set_table(set, "copy");
	Oid owner = sync_table_owner(copies);
	char *altered;

	sync_catalog("SELECT hllset_sync.give_parts($1, $2::regrole)", SYNC_INT4(set->id),
				 SYNC_OID(set->owner));
	altered = sync_text(0, 1);
	if (altered != NULL)
		sync_set_state(set, "broken",
					   psprintf("its table has another owner now, and the old one has altered %s: "
								"SELECT hllset_sync.unregister(%s)",
								altered, quote_literal_cstr(set->name)));
	else
		give_views(set, copies, owner);
	return altered == NULL;
}
