/* SPDX-License-Identifier: PostgreSQL */
/* Registered sets: read from the catalog, compared with their tables, and their state kept. */
#include "set.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#define LOCK_TRIES 10
#define LOCK_PAUSE 50000 /* µs */

/* ---- reading ---- */

static char *
text_or_null(uint64 row, int column)
{
	bool isnull;
	Datum value = sync_field(row, column, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

static SyncColumn *
names_to_columns(Datum names, int *count)
{
	Datum *elements;
	SyncColumn *columns;

	deconstruct_array(DatumGetArrayTypeP(names), NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR,
					  &elements, NULL, count);
	columns = palloc0(*count * sizeof(SyncColumn));
	for (int i = 0; i < *count; i++)
		columns[i].name = pstrdup(NameStr(*DatumGetName(elements[i])));
	return columns;
}

static SyncSet *
read_set(uint64 row)
{
	SyncSet *set = palloc0(sizeof(SyncSet));
	bool isnull;
	Datum origin;

	set->id = DatumGetInt32(sync_field(row, 1, &isnull));
	set->name = text_or_null(row, 2);
	set->relid = DatumGetObjectId(sync_field(row, 3, &isnull));
	set->keys = names_to_columns(sync_field(row, 4, &isnull), &set->nkeys);
	set->sketches = names_to_columns(sync_field(row, 5, &isnull), &set->nsketches);
	set->description = text_or_null(row, 6);
	set->head = DatumGetInt64(sync_field(row, 7, &isnull));
	set->floor = DatumGetInt64(sync_field(row, 8, &isnull));
	set->truncated_at = DatumGetInt64(sync_field(row, 9, &isnull));
	set->state = text_or_null(row, 10);
	set->reason = text_or_null(row, 11);
	set->may_pull = DatumGetBool(sync_field(row, 12, &isnull));
	set->may_push = DatumGetBool(sync_field(row, 13, &isnull));
	origin = sync_field(row, 14, &isnull);
	set->bound = !isnull;
	if (set->bound)
		set->origin = *DatumGetUUIDP(origin);
	return set;
}

List *
sync_sets(Datum names, Oid role)
{
	Oid types[2] = {TEXTARRAYOID, OIDOID};
	Datum values[2] = {names, ObjectIdGetDatum(role)};
	char nulls[2] = {names == 0 ? 'n' : ' ', ' '};
	SyncUser user = sync_enter_catalog();
	uint64 count;
	List *sets = NIL;

	count = sync_execute(
		"SELECT s.set_id, s.set_name, s.relid::oid, s.key_cols, s.sketch_cols, s.description,"
		" s.head, s.floor, s.truncated_at, s.state, s.state_reason,"
		" coalesce(a.pull, false), coalesce(a.push, false), a.origin"
		" FROM hllset_sync.sets s"
		" LEFT JOIN hllset_sync.acl a ON a.set_id = s.set_id AND a.role::oid = $2"
		" WHERE $1 IS NULL OR s.set_name = ANY ($1) ORDER BY s.set_id",
		2, types, values, nulls, false);
	for (uint64 i = 0; i < count; i++)
		sets = lappend(sets, read_set(i));
	SPI_freetuptable(SPI_tuptable);
	sync_leave(user);
	return sets;
}

Oid
sync_set_table(const SyncSet *set, const char *kind)
{
	return get_relname_relid(psprintf("%s_%d", kind, set->id), sync_schema());
}

/* ---- comparing with the table ---- */

static const char *
table_problem(SyncSet *set)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(set->relid));
	Form_pg_class class;
	const char *problem = NULL;

	if (!HeapTupleIsValid(tuple))
		return psprintf("its table was dropped: SELECT hllset_sync.unregister(%s)",
						quote_literal_cstr(set->name));
	class = (Form_pg_class) GETSTRUCT(tuple);
	set->owner = class->relowner;
	if (class->relkind != RELKIND_RELATION && class->relkind != RELKIND_PARTITIONED_TABLE)
		problem = "its table is no table any more";
	else if (class->relpersistence != RELPERSISTENCE_PERMANENT)
		problem = "its table is unlogged now";
	else if (class->relforcerowsecurity)
		problem = "row security is forced on its table";
	ReleaseSysCache(tuple);
	return problem;
}

static const char *
column_problem(SyncSet *set)
{
	char *description;

	for (int i = 0; i < set->nkeys + set->nsketches; i++)
	{
		SyncColumn *column = i < set->nkeys ? &set->keys[i] : &set->sketches[i - set->nkeys];

		if (!sync_column_read(set->relid, column->name, column))
			return psprintf("column \"%s\" of its table is gone or renamed", column->name);
		if (i < set->nkeys && !column->not_null)
			return psprintf("key column \"%s\" of its table may be null now", column->name);
	}
	for (int i = 0; i < set->nsketches; i++)
		if (!sync_is_hllset(set->sketches[i].type))
			return psprintf("column \"%s\" of its table is of type %s now", set->sketches[i].name,
							format_type_be(set->sketches[i].type));
	description = sync_describe(set->keys, set->nkeys, set->sketches, set->nsketches);
	if (strcmp(description, set->description) != 0)
		return psprintf("its columns were \"%s\" and are \"%s\" now", set->description,
						description);
	if (!sync_has_unique_key(set->relid, set->keys, set->nkeys))
		return "its table has no unique index of the key columns any more";
	if (!sync_is_captured(set->relid))
		return psprintf("the triggers hllset_sync_capture of its table were dropped: SELECT "
						"hllset_sync.unregister(%s)",
						quote_literal_cstr(set->name));
	return NULL;
}

/*
 * Whether nothing in a table of a set runs code that its owner brought along: the next owner would run it. What
 * register() puts there has no trigger, rule, policy, default, check, domain, statistics or child; an index can't be added.
 */
static bool
is_as_made(Oid table)
{
	SyncUser user = sync_enter_catalog();
	uint64 found;

	sync_run("LOCK TABLE %s IN ACCESS EXCLUSIVE MODE", sync_table_name(table));
	found = sync_run("SELECT FROM pg_class c WHERE c.oid = %u"
					 " AND NOT relrowsecurity AND relchecks = 0"
					 " AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid)"
					 " AND NOT EXISTS (SELECT FROM pg_rewrite WHERE ev_class = c.oid)"
					 " AND NOT EXISTS (SELECT FROM pg_statistic_ext WHERE stxrelid = c.oid)"
					 " AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid)"
					 " AND NOT EXISTS (SELECT FROM pg_attribute a JOIN pg_type t"
					 "  ON t.oid = a.atttypid WHERE a.attrelid = c.oid"
					 "  AND (a.atthasdef OR t.typtype = 'd'))",
					 table);
	sync_leave(user);
	return found > 0;
}

/* The tables and views of a set belong to whom the table belongs. */
static const char *
internal_problem(SyncSet *set)
{
	const char *kinds[] = {"dirty", "rows", "copy"};

	for (size_t i = 0; i < lengthof(kinds); i++)
	{
		Oid table = sync_set_table(set, kinds[i]);
		SyncUser user;

		if (!OidIsValid(table))
			return psprintf(
				"table hllset_sync.%s_%d was dropped: SELECT hllset_sync.unregister(%s)", kinds[i],
				set->id, quote_literal_cstr(set->name));
		if (get_rel_relkind(table) != RELKIND_RELATION)
			return psprintf("hllset_sync.%s_%d is no table any more", kinds[i], set->id);
		if (sync_table_owner(table) != set->owner)
		{
			if (!is_as_made(table))
				return psprintf("its table has another owner now, and the old one has altered "
								"hllset_sync.%s_%d: SELECT hllset_sync.unregister(%s)",
								kinds[i], set->id, quote_literal_cstr(set->name));
			user = sync_enter_catalog();
			if (strcmp(kinds[i], "copy") == 0)
				sync_give_views(set, table, sync_table_owner(table));
			sync_run("ALTER TABLE hllset_sync.%s_%d OWNER TO %s", kinds[i], set->id,
					 quote_identifier(GetUserNameFromId(set->owner, false)));
			sync_leave(user);
		}
	}
	return NULL;
}

/* A long ALTER TABLE must not hold up the other sets: it is waited for only as long as a TRUNCATE may take. */
static bool
lock_table(Oid relid)
{
	for (int i = 0; i < LOCK_TRIES; i++)
	{
		if (ConditionalLockRelationOid(relid, AccessShareLock))
			return true;
		CHECK_FOR_INTERRUPTS();
		pg_usleep(LOCK_PAUSE);
	}
	return false;
}

/*
 * Whoever owns the schema, as the owner of a database may, could otherwise rename it, and put another table in the place of this one, between
 * the moments in which a statement is written and read. (Older minor versions rename without this lock, so there it is in vain.)
 */
static bool
lock_schema(Oid schema, bool wait)
{
	LOCKTAG tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, NamespaceRelationId, schema, 0);
	if (LockAcquire(&tag, AccessShareLock, false, !wait) == LOCKACQUIRE_NOT_AVAIL)
		return false;
	AcceptInvalidationMessages();
	return true;
}

void
sync_lock_names(Oid relid)
{
	Oid schema;

	LockRelationOid(relid, AccessShareLock);
	schema = get_rel_namespace(relid);
	if (!OidIsValid(schema))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("relation with OID %u does not exist", relid)));
	(void) lock_schema(schema, true);
}

bool
sync_set_usable(SyncSet *set)
{
	const char *problem;

	if (!lock_table(set->relid))
	{
		set->reason = "its table is locked";
		return false;
	}
	if (!lock_schema(get_rel_namespace(set->relid), false))
	{
		set->reason = "the schema of its table is locked";
		return false;
	}
	problem = table_problem(set);
	if (problem == NULL)
		problem = column_problem(set);
	if (problem == NULL)
		problem = internal_problem(set);
	if (problem != NULL)
		sync_set_state(set, "broken", problem);
	else if (strcmp(set->state, "broken") == 0)
		sync_set_state(set, "new", NULL);
	return problem == NULL;
}

void
sync_set_state(SyncSet *set, const char *state, const char *reason)
{
	Oid types[3] = {TEXTOID, TEXTOID, INT4OID};
	Datum values[3] = {CStringGetTextDatum(state), (Datum) 0, Int32GetDatum(set->id)};
	char nulls[3] = {' ', reason ? ' ' : 'n', ' '};
	bool same_reason = reason == NULL ? set->reason == NULL
									  : set->reason != NULL && strcmp(reason, set->reason) == 0;
	SyncUser user;

	if (same_reason && strcmp(state, set->state) == 0)
		return;
	if (reason != NULL)
		values[1] = CStringGetTextDatum(reason);
	user = sync_enter_catalog();
	sync_execute("UPDATE hllset_sync.sets SET state = $1, state_reason = $2 WHERE set_id = $3", 3,
				 types, values, nulls, false);
	sync_leave(user);
	set->state = pstrdup(state);
	set->reason = reason ? pstrdup(reason) : NULL;
}

/* ---- one set ---- */

/* If the table was dropped, its owner still owns the tables of the set. */
static bool
owns(const SyncSet *set)
{
	Oid table = get_rel_name(set->relid) != NULL ? set->relid : sync_set_table(set, "copy");

	return superuser() || (OidIsValid(table) && SYNC_OWNS_TABLE(table, GetUserId()));
}

bool
sync_set_allows(const SyncSet *set, SyncRight right)
{
	if (sync_is_local())
		return true;
	switch (right)
	{
		case SYNC_PULL:
			return set->may_pull;
		case SYNC_PUSH:
			return set->may_push;
		case SYNC_EITHER:
			return set->may_pull || set->may_push;
		case SYNC_OWN:
			return owns(set);
	}
	return false;
}

SyncSet *
sync_any_set(const char *name, SyncRight right)
{
	Datum element = CStringGetTextDatum(name);
	ArrayType *names = construct_array(&element, 1, TEXTOID, -1, false, TYPALIGN_INT);
	List *sets = sync_sets(PointerGetDatum(names), GetUserId());

	if (sets == NIL || !sync_set_allows(linitial(sets), right))
		ereport(ERROR, (errcode(ERRCODE_SYNC_SET),
						errmsg("set \"%s\" is not registered, or not granted", name)));
	return linitial(sets);
}

SyncSet *
sync_set(const char *name, SyncRight right)
{
	SyncSet *set = sync_any_set(name, right);

	if (!sync_set_usable(set))
		ereport(ERROR, (errcode(ERRCODE_SYNC_SET),
						errmsg("set \"%s\" cannot be used: %s", name, set->reason)));
	return set;
}
