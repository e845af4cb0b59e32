/* SPDX-License-Identifier: PostgreSQL */
/* Registering a table as a set, and the way back. What may be wrong with the table is in candidate.c. */
#include "set.h"

#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

PG_FUNCTION_INFO_V1(hllset_sync_register);
PG_FUNCTION_INFO_V1(hllset_sync_unregister);

#define TRIGGER "hllset_sync_capture"

/* ---- tables and triggers ---- */

/* "k1 date NOT NULL, k2 text COLLATE "C" NOT NULL": as in the table, so its indexes and these agree */
static char *
define_keys(const SyncSet *set, const char *constraint)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < set->nkeys; i++)
	{
		Oid collation = set->keys[i].collation;

		appendStringInfo(&text, "%sk%d %s", i ? ", " : "", i + 1,
						 format_type_be_qualified(set->keys[i].type));
		if (OidIsValid(collation))
			appendStringInfo(&text, " COLLATE %s", generate_collation_name(collation));
		appendStringInfoString(&text, constraint);
	}
	return text.data;
}

static char *
define_sketches(const SyncSet *set)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < set->nsketches; i++)
		appendStringInfo(&text, "s%d %s, ", i + 1,
						 sync_type_name(set->sketches[i].type, set->sketches[i].typmod));
	return text.data;
}

/* They inherit from an empty table of the extension, so that DROP EXTENSION ... CASCADE takes them along, even after a restore. */
static void
create_tables(const SyncSet *set)
{
	const char *keys = sync_numbered("k", 1, set->nkeys, "");
	const char *owner = quote_identifier(GetUserNameFromId(set->owner, false));
	const char *kinds[] = {"dirty", "rows", "copy"};

	sync_run(
		"CREATE TABLE hllset_sync.dirty_%d (%s) INHERITS (hllset_sync.part)"
		" USING heap WITH (autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_scale_factor = 0)",
		set->id, define_keys(set, ""));
	sync_run("CREATE TABLE hllset_sync.rows_%d (%s, seq bigint NOT NULL, digest uuid,"
			 " refused boolean NOT NULL, PRIMARY KEY (%s), UNIQUE (seq))"
			 " INHERITS (hllset_sync.part) WITH (fillfactor = 70)",
			 set->id, define_keys(set, " NOT NULL"), keys);
	sync_run("CREATE INDEX ON hllset_sync.rows_%d (seq) WHERE refused", set->id);
	sync_run(
		"CREATE TABLE hllset_sync.copy_%d (%s, origin_id smallint NOT NULL, %sseq bigint NOT NULL,"
		" digest uuid NOT NULL, PRIMARY KEY (%s, origin_id)) INHERITS (hllset_sync.part)",
		set->id, define_keys(set, " NOT NULL"), define_sketches(set), keys);
	sync_run("CREATE INDEX ON hllset_sync.copy_%d (origin_id) WHERE seq = 0", set->id);
	for (size_t i = 0; i < lengthof(kinds); i++)
		sync_run("ALTER TABLE hllset_sync.%s_%d OWNER TO %s", kinds[i], set->id, owner);
}

static void
create_triggers(const SyncSet *set)
{
	const char *table = sync_table_name(set->relid);
	StringInfoData arguments;

	initStringInfo(&arguments);
	appendStringInfo(&arguments, "'%d', '%d'", set->id, set->nkeys);
	for (int i = 0; i < set->nkeys; i++)
		appendStringInfo(&arguments, ", %s", quote_literal_cstr(set->keys[i].name));
	for (int i = 0; i < set->nsketches; i++)
		appendStringInfo(&arguments, ", %s", quote_literal_cstr(set->sketches[i].name));
	sync_run("CREATE TRIGGER " TRIGGER " AFTER INSERT OR UPDATE OR DELETE ON %s"
			 " FOR EACH ROW EXECUTE FUNCTION hllset_sync.capture(%s)",
			 table, arguments.data);
	sync_run("CREATE TRIGGER " TRIGGER "_truncate AFTER TRUNCATE ON %s"
			 " FOR EACH STATEMENT EXECUTE FUNCTION hllset_sync.capture(%s)",
			 table, arguments.data);
	sync_run("ALTER TABLE %s ENABLE ALWAYS TRIGGER " TRIGGER ", ENABLE ALWAYS TRIGGER " TRIGGER
			 "_truncate",
			 table);
}

/* ---- the catalog ---- */

static Datum
column_names(const SyncColumn *columns, int count)
{
	Datum *names = palloc(count * sizeof(Datum));

	for (int i = 0; i < count; i++)
		names[i] = DirectFunctionCall1(namein, CStringGetDatum(columns[i].name));
	return PointerGetDatum(
		construct_array(names, count, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR));
}

static void
insert_set(SyncSet *set)
{
	Oid types[5] = {TEXTOID, OIDOID, NAMEARRAYOID, NAMEARRAYOID, TEXTOID};
	Datum values[5] = {CStringGetTextDatum(set->name), ObjectIdGetDatum(set->relid),
					   column_names(set->keys, set->nkeys),
					   column_names(set->sketches, set->nsketches),
					   CStringGetTextDatum(set->description)};
	bool isnull;

	sync_execute(
		"INSERT INTO hllset_sync.sets (set_id, set_name, relid, key_cols, sketch_cols, signature,"
		" description, state) SELECT nextval('hllset_sync.set_ids'), $1, $2, $3, $4,"
		" convert_to($5, 'UTF8'), $5, 'new' RETURNING set_id",
		5, types, values, NULL, false);
	set->id = DatumGetInt32(sync_field(0, 1, &isnull));
}

/* ---- register ---- */

static void
create_set(SyncSet *set, const char *global_view, const char *by_node_view)
{
	SyncUser user = sync_enter_catalog();

	insert_set(set);
	create_tables(set);
	create_triggers(set);
	sync_leave(user);
	user = sync_enter(set->owner);
	sync_create_views(set, global_view, by_node_view);
	sync_leave(user);
	if (OidIsValid(sync_worker_role_oid()))
		sync_grant_protocol(sync_worker_role_oid());
}

/* NULL: the table's name with SUFFIX */
static char *
view_name(FunctionCallInfo fcinfo, int argument, Oid relid, const char *suffix)
{
	if (PG_ARGISNULL(argument))
		return psprintf("%s%s", get_rel_name(relid), suffix);
	return TextDatumGetCString(PG_GETARG_DATUM(argument));
}

/* The trigger holds writers back only until the commit; the keys of the rows that are there already are noted after it. */
Datum
hllset_sync_register(PG_FUNCTION_ARGS)
{
	bool atomic =
		!IsA(fcinfo->context, CallContext) || castNode(CallContext, fcinfo->context)->atomic;
	SyncSet *set;
	Oid relid;

	sync_require_arguments(fcinfo, ~SYNC_ARGUMENT(0));
	relid = PG_GETARG_OID(0);
	SPI_connect_ext(atomic ? 0 : SPI_OPT_NONATOMIC);
	set = sync_candidate(relid, PG_ARGISNULL(1) ? NULL : TextDatumGetCString(PG_GETARG_DATUM(1)),
						 PG_ARGISNULL(2) ? (Datum) 0 : PG_GETARG_DATUM(2),
						 PG_ARGISNULL(3) ? (Datum) 0 : PG_GETARG_DATUM(3));
	create_set(set, view_name(fcinfo, 4, relid, "_global"),
			   view_name(fcinfo, 5, relid, "_by_node"));
	if (!atomic)
	{
		SPI_commit();
		sync_fault("mid_seed");
		sync_lock_names(relid);
	}
	sync_note_new(set);
	SPI_finish();
	PG_RETURN_VOID();
}

/* ---- unregister ---- */

static void
drop_triggers(const SyncSet *set)
{
	const char *table;

	if (get_rel_name(set->relid) == NULL)
		return;
	table = sync_table_name(set->relid);
	sync_run("DROP TRIGGER IF EXISTS " TRIGGER " ON %s", table);
	sync_run("DROP TRIGGER IF EXISTS " TRIGGER "_truncate ON %s", table);
}

/* The views go first, without CASCADE: views that users made of them stop it. */
static void
drop_tables(const SyncSet *set)
{
	const char *kinds[] = {"copy", "rows", "dirty"};
	Oid copies = sync_set_table(set, "copy");
	uint64 count;
	char **views;

	count =
		OidIsValid(copies)
			? sync_run("SELECT DISTINCT format('%%I.%%I', n.nspname, c.relname) FROM pg_depend d"
					   " JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class c ON c.oid = r.ev_class"
					   " JOIN pg_namespace n ON n.oid = c.relnamespace"
					   " WHERE d.classid = 'pg_rewrite'::regclass"
					   " AND d.refclassid = 'pg_class'::regclass AND d.refobjid = %u",
					   copies)
			: 0;
	views = palloc(count * sizeof(char *));
	for (uint64 i = 0; i < count; i++)
		views[i] = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
	for (uint64 i = 0; i < count; i++)
		sync_run("DROP VIEW %s", views[i]);
	for (size_t i = 0; i < lengthof(kinds); i++)
		sync_run("DROP TABLE IF EXISTS hllset_sync.%s_%d", kinds[i], set->id);
}

Datum
hllset_sync_unregister(PG_FUNCTION_ARGS)
{
	SyncSet *set;
	SyncUser user;

	SPI_connect();
	set = sync_any_set(TextDatumGetCString(PG_GETARG_DATUM(0)), SYNC_OWN);
	if (OidIsValid(getExtensionOfObject(RelationRelationId, sync_set_table(set, "copy"))))
		ereport(ERROR, (errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
						errmsg("set \"%s\" belongs to the extension", set->name)));
	user = sync_enter_catalog();
	drop_triggers(set);
	drop_tables(set);
	sync_run("DELETE FROM hllset_sync.sets WHERE set_id = %d", set->id);
	sync_leave(user);
	SPI_finish();
	PG_RETURN_VOID();
}
