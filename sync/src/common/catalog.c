/* SPDX-License-Identifier: PostgreSQL */
/* Registered sets: read from the catalog, compared with their tables, and their state kept. */
#include "common/common.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_trigger.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#define LOCK_TRIES 10
#define LOCK_PAUSE 50000  /* µs */
#define LOCK_TIME "500ms" /* as much together */

/* ---- reading ---- */

static SyncColumn *
names_to_columns(Datum names, int *count)
{
	Datum *elements;
	SyncColumn *columns;

	*count = sync_elements(names, NAMEOID, "names of columns", &elements);
	columns = palloc0(*count * sizeof(SyncColumn));
	for (int i = 0; i < *count; i++)
		columns[i].name = pstrdup(NameStr(*DatumGetName(elements[i])));
	return columns;
}

static SyncSet *
read_set(uint64 row)
{
	SyncSet *set = palloc0(sizeof(SyncSet));

	set->id = sync_int4(row, 1);
	set->name = sync_text(row, 2);
	set->relid = sync_oid(row, 3);
	set->keys = names_to_columns(sync_value(row, 4, NAMEARRAYOID), &set->nkeys);
	set->sketches = names_to_columns(sync_value(row, 5, NAMEARRAYOID), &set->nsketches);
	set->description = sync_text(row, 6);
	set->head = sync_int8(row, 7);
	set->floor = sync_int8(row, 8);
	set->truncated_at = sync_int8(row, 9);
	set->state = sync_text(row, 10);
	set->reason = sync_text(row, 11);
	set->may_pull = sync_bool(row, 12);
	set->may_push = sync_bool(row, 13);
	set->speaks = sync_uuid(row, 14, &set->node);
	set->scan = sync_text(row, 15);
	set->scan_after = sync_bytea(row, 16);
	set->has_views = sync_bool(row, 17);
	set->paused = sync_is_local() || set->may_pull || set->may_push ? NULL : sync_text(row, 18);
	return set;
}

/* What a group may read its members may, too; a node is spoken for only by the very role that was named for it. */
List *
sync_sets(const char *name)
{
	List *sets = NIL;
	uint64 count = sync_catalog(
		"SELECT s.set_id, s.set_name, s.relid::oid, s.key_cols, s.sketch_cols, s.description,"
		" s.head, s.floor, s.truncated_at, s.state, s.state_reason,"
		" EXISTS (SELECT FROM hllset_sync.acl g WHERE g.set_id = s.set_id AND g.pull"
		"  AND pg_has_role($2, g.role::oid, 'USAGE')), coalesce(a.push, false), a.node, s.scan,"
		" s.scan_after, s.has_views, (SELECT min(g.paused) FROM hllset_sync.acl g"
		"  WHERE g.set_id = s.set_id AND NOT g.pull AND NOT g.push"
		"  AND pg_has_role($2, g.role::oid, 'USAGE')) FROM hllset_sync.sets s"
		" LEFT JOIN hllset_sync.acl a ON a.set_id = s.set_id AND a.role::oid = $2"
		" WHERE s.relid IS NOT NULL AND ($1 IS NULL OR s.set_name = $1)"
		" ORDER BY s.set_name COLLATE \"C\"",
		SYNC_TEXT(name), SYNC_OID(GetUserId()));

	for (uint64 i = 0; i < count; i++)
		sets = lappend(sets, read_set(i));
	SPI_freetuptable(SPI_tuptable);
	return sets;
}

Oid
sync_set_table(const SyncSet *set, const char *kind)
{
	return get_relname_relid(psprintf("%s_%d", kind, set->id), sync_schema());
}

/* ---- comparing with the table ---- */

bool
sync_takes_part_in_inheritance(Oid relid)
{
	return get_rel_relkind(relid) == RELKIND_RELATION &&
		   (has_superclass(relid) || find_inheritance_children(relid, NoLock) != NIL);
}

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
	else if (class->relrowsecurity && set->has_views)
		problem = "its table has row security now, which its views would pass by: unregister it, "
				  "and register it without views";
	else if (class->relispartition)
		problem = "its table is a partition now";
	else if (sync_takes_part_in_inheritance(set->relid))
		problem = "its table takes part in inheritance now";
	ReleaseSysCache(tuple);
	return problem;
}

/* One trigger for rows and one for TRUNCATE, under whatever name. */
static bool
is_captured(Oid relid)
{
	Relation relation = relation_open(relid, AccessShareLock);
	TriggerDesc *triggers = relation->trigdesc;
	bool rows = false;
	bool truncate = false;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger *trigger = &triggers->triggers[i];

		if (get_func_namespace(trigger->tgfoid) != sync_schema())
			continue;
		rows |= TRIGGER_FOR_ROW(trigger->tgtype);
		truncate |= TRIGGER_FOR_TRUNCATE(trigger->tgtype);
	}
	relation_close(relation, NoLock);
	return rows && truncate;
}

static const char *
column_problem(SyncSet *set)
{
	char *description;

	for (int i = 0; i < set->nkeys + set->nsketches; i++)
	{
		bool is_key = i < set->nkeys;
		SyncColumn *column = is_key ? &set->keys[i] : &set->sketches[i - set->nkeys];

		if (!sync_column_read(set->relid, column->name, column))
			return psprintf("column \"%s\" of its table is gone or renamed", column->name);
		if (!is_key && !sync_is_hllset(column->type))
			return psprintf("column \"%s\" of its table is of type %s now", column->name,
							format_type_be(column->type));
		if (is_key && !column->not_null)
			return psprintf("key column \"%s\" of its table may be null now", column->name);
		if (is_key && OidIsValid(column->collation) &&
			!get_collation_isdeterministic(column->collation))
			return psprintf("key column \"%s\" of its table has a nondeterministic collation now",
							column->name);
	}
	description = sync_describe(set);
	if (strcmp(description, set->description) != 0)
		return psprintf("its columns were \"%s\" and are \"%s\" now", set->description,
						description);
	if (sync_unique_key(set) == NULL)
		return "its table has no unique index of the key columns any more";
	if (!is_captured(set->relid))
		return psprintf("the triggers hllset_sync_capture of its table were dropped: SELECT "
						"hllset_sync.unregister(%s)",
						quote_literal_cstr(set->name));
	return NULL;
}

/* Also notes whether they are those of another owner than the table's. */
static const char *
internal_problem(SyncSet *set)
{
	const char *kinds[] = {"dirty", "rows", "copy"};

	set->foreign = false;
	for (size_t i = 0; i < lengthof(kinds); i++)
	{
		Oid table = sync_set_table(set, kinds[i]);

		if (!OidIsValid(table))
			return psprintf(
				"table hllset_sync.%s_%d was dropped: SELECT hllset_sync.unregister(%s)", kinds[i],
				set->id, quote_literal_cstr(set->name));
		if (get_rel_relkind(table) != RELKIND_RELATION)
			return psprintf("hllset_sync.%s_%d is no table any more", kinds[i], set->id);
		set->foreign |= sync_table_owner(table) != set->owner;
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

static void
wait_for_schema(void *schema)
{
	sync_option("lock_timeout", LOCK_TIME, false);
	LockDatabaseObject(NamespaceRelationId, *(Oid *) schema, 0, AccessShareLock);
}

/*
 * Whoever owns the schema, as the owner of a database may, could otherwise rename it, and put another table in the place of this one, between
 * the moments in which a statement is written and read. (Older minor versions rename without this lock, so there it is in vain.)
 * DROP SCHEMA locks it for whoever says that, and only then looks at his rights. So whoever says it again and again must not win against one who only
 * tries: this one stands in the queue, but no longer than for a table.
 */
static bool
try_to_lock_schema(Oid schema)
{
	LOCKTAG tag;
	ErrorData *error;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, NamespaceRelationId, schema, 0);
	if (LockAcquire(&tag, AccessShareLock, false, true) != LOCKACQUIRE_NOT_AVAIL)
	{
		AcceptInvalidationMessages();
		return true;
	}
	error = sync_try(wait_for_schema, &schema, false);
	if (error != NULL && error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE)
		ReThrowError(error);
	return error == NULL;
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
	LockDatabaseObject(NamespaceRelationId, schema, 0, AccessShareLock);
}

bool
sync_set_usable(SyncSet *set)
{
	bool broken = strcmp(set->state, "broken") == 0;
	const char *problem;

	if (!lock_table(set->relid))
		set->reason = "its table is locked";
	else if (!try_to_lock_schema(get_rel_namespace(set->relid)))
		set->reason = "the schema of its table is locked";
	else if ((problem = table_problem(set)) != NULL || (problem = column_problem(set)) != NULL ||
			 (problem = internal_problem(set)) != NULL)
		sync_set_state(set, "broken", problem);
	else if (!set->foreign)
	{
		if (broken)
		{
			sync_set_state(set, "ok", NULL);
			sync_start_scan(set);
		}
		return true;
	}
	else if (!broken)
		set->reason = "its table has another owner now, who is yet to get what belongs to it";
	return false;
}

void
sync_start_scan(SyncSet *set)
{
	sync_catalog("UPDATE hllset_sync.sets SET scan = 'rows', scan_after = NULL, scan_since = CASE "
				 "WHEN scan IS NULL THEN now() ELSE scan_since END WHERE set_id = $1",
				 SYNC_INT4(set->id));
	set->scan = "rows";
	set->scan_after = NULL;
}

void
sync_set_state(SyncSet *set, const char *state, const char *reason)
{
	if (strcmp(state, set->state) == 0 &&
		strcmp(reason ? reason : "", set->reason ? set->reason : "") == 0)
		return;
	sync_catalog("UPDATE hllset_sync.sets SET state = $1, state_reason = $2, state_since = CASE "
				 "WHEN state = $1 THEN state_since ELSE now() END WHERE set_id = $3",
				 SYNC_TEXT(state), SYNC_TEXT(reason), SYNC_INT4(set->id));
	if (reason != NULL)
		ereport(LOG,
				(errmsg("hllset_sync: set \"%s\" is in state %s: %s", set->name, state, reason)));
	set->state = pstrdup(state);
	set->reason = reason ? pstrdup(reason) : NULL;
}

/* ---- one set ---- */

/* If the table was dropped, its owner still owns the tables of the set. */
static bool
owns(const SyncSet *set)
{
	Oid table = get_rel_name(set->relid) != NULL ? set->relid : sync_set_table(set, "copy");

	return superuser() || (OidIsValid(table) && sync_owns_table(table));
}

bool
sync_set_allows(const SyncSet *set, SyncRight right)
{
	return sync_is_local() || ((right & SYNC_PULL) != 0 && set->may_pull) ||
		   ((right & SYNC_PUSH) != 0 && set->may_push) || ((right & SYNC_OWN) != 0 && owns(set));
}

static void
refuse_paused(const SyncSet *set)
{
	if (set->paused != NULL)
		ereport(ERROR, (errcode(ERRCODE_SYNC_SET),
						errmsg("set \"%s\" is paused for role \"%s\": %s", set->name,
							   GetUserNameFromId(GetUserId(), false), set->paused)));
}

void
sync_check_speaker(const SyncSet *set, const pg_uuid_t *node)
{
	char *id;

	if (sync_is_local() || (set->may_push && set->speaks && sync_same_node(&set->node, node)))
		return;
	refuse_paused(set);
	id = DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(node)));
	ereport(ERROR,
			(errcode(ERRCODE_SYNC_ORIGIN),
			 errmsg("role \"%s\" does not speak for node %s in set \"%s\"",
					GetUserNameFromId(GetUserId(), false), id, set->name),
			 errhint("If it is the role that this node logs in as, the set's owner says so by "
					 "grant_peer(..., node => '%s').",
					 id)));
}

SyncSet *
sync_find_set(const char *name)
{
	List *sets = sync_sets(name);

	return sets == NIL ? NULL : linitial(sets);
}

SyncSet *
sync_any_set(const char *name, SyncRight right)
{
	SyncSet *set = sync_find_set(name);

	if (set != NULL && sync_set_allows(set, right))
		return set;
	if (set != NULL)
		refuse_paused(set);
	ereport(ERROR, (errcode(ERRCODE_SYNC_SET),
					errmsg("set \"%s\" is not registered, or not granted", name)));
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
