/* SPDX-License-Identifier: PostgreSQL */
/* Whether a table can be registered, and under what name, key and sketch columns; for each obstacle a message that says what to do. */
#include "publish/publish.h"

#include "access/relation.h"
#include "catalog/pg_class.h"
#include "commands/extension.h"
#include "utils/acl.h"
#include "utils/rel.h"

static void
refuse(const char *table, const char *why, const char *hint)
{
	ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
					errmsg("cannot register table \"%s\": %s", table, why),
					hint ? errhint("%s", hint) : 0));
}

static void
check_kind(Relation relation, bool has_views)
{
	const char *name = RelationGetRelationName(relation);
	Form_pg_class class = relation->rd_rel;

	if (class->relkind != RELKIND_RELATION && class->relkind != RELKIND_PARTITIONED_TABLE)
		refuse(name, "it is no table", "Only plain and partitioned tables can be registered.");
	if (!sync_owns_table(RelationGetRelid(relation)))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, name);
	if (class->relpersistence == RELPERSISTENCE_TEMP)
		refuse(name, "it is temporary", NULL);
	if (class->relpersistence == RELPERSISTENCE_UNLOGGED)
		refuse(name, "it is unlogged, so a crash would empty it",
			   "ALTER TABLE ... SET LOGGED first.");
	if (class->relispartition)
		refuse(name, "it is a partition", "Register the partitioned table.");
	if (sync_takes_part_in_inheritance(RelationGetRelid(relation)))
		refuse(name, "it takes part in inheritance", "Use a partitioned table.");
	if (class->relforcerowsecurity)
		refuse(name, "row security is forced on its owner",
			   "ALTER TABLE ... NO FORCE ROW LEVEL SECURITY first.");
	/* They read with the rights of their owner, to whom the policies of his table do not apply. */
	if (class->relrowsecurity && has_views)
		refuse(name, "it has row security, which the views would pass by",
			   "Do without them: global_view => '', by_node_view => ''; who may read "
			   "hllset_sync.copy_... is for you to grant.");
}

/* ---- columns ---- */

static SyncColumn *
read_columns(Relation relation, Datum names, int *count)
{
	Datum *elements;
	SyncColumn *columns;

	*count = sync_elements(names, NAMEOID, "names of columns", &elements);
	columns = palloc0(*count * sizeof(SyncColumn));
	for (int i = 0; i < *count; i++)
	{
		const char *name = NameStr(*DatumGetName(elements[i]));

		if (!sync_column_read(RelationGetRelid(relation), name, &columns[i]))
			ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
							errmsg("column \"%s\" of table \"%s\" does not exist", name,
								   RelationGetRelationName(relation))));
		for (int j = 0; j < i; j++)
			if (strcmp(columns[i].name, columns[j].name) == 0)
				ereport(ERROR, (errcode(ERRCODE_DUPLICATE_COLUMN),
								errmsg("column \"%s\" is named twice", columns[i].name)));
	}
	return columns;
}

/* Of the columns that are not named: the primary key, and all that hold sets. */
static void
choose_columns(Relation relation, SyncSet *set, SyncValue keys, SyncValue sketches)
{
	sync_catalog("SELECT * FROM hllset_sync.choose_columns($1, $2, $3, $4)", SYNC_OID(set->relid),
				 keys, sketches, SYNC_OID(get_func_rettype(sync_hllset_function(SYNC_EMPTY))));
	if (sync_is_null(0, 1))
		refuse(RelationGetRelationName(relation), "it has no primary key",
			   "Name the columns of a unique index: key_columns => '{...}'.");
	set->keys = read_columns(relation, sync_value(0, 1, NAMEARRAYOID), &set->nkeys);
	set->sketches = read_columns(relation, sync_value(0, 2, NAMEARRAYOID), &set->nsketches);
}

static void
check_key(Relation relation, const SyncColumn *key)
{
	const char *table = RelationGetRelationName(relation);

	if (!sync_key_type_allowed(key->type))
		refuse(table,
			   psprintf("key column \"%s\" is of type %s", key->name, format_type_be(key->type)),
			   "Keys may be boolean, smallint, integer, bigint, oid, uuid, date, timestamp, "
			   "timestamptz, text, "
			   "varchar or bytea: types whose equal values are equal bytes.");
	if (!key->not_null)
		refuse(table, psprintf("key column \"%s\" may be null", key->name),
			   "ALTER TABLE ... SET NOT NULL first.");
	if (OidIsValid(key->collation) && !get_collation_isdeterministic(key->collation))
		refuse(table, psprintf("key column \"%s\" has a nondeterministic collation", key->name),
			   "Give it another collation: there, equal texts may be different bytes.");
}

/* Only the extension's own table of named sets holds sets of any precision. */
static void
check_sketch(Relation relation, const SyncColumn *sketch)
{
	const char *table = RelationGetRelationName(relation);

	if (!sync_is_hllset(sketch->type))
		refuse(table,
			   psprintf("column \"%s\" is of type %s, not hllset", sketch->name,
						format_type_be(sketch->type)),
			   NULL);
	if (sketch->typmod < 0 && !creating_extension)
		refuse(table, psprintf("column \"%s\" holds sets of any precision", sketch->name),
			   psprintf("Give it one precision, as at the peers: ALTER TABLE ... ALTER COLUMN %s "
						"TYPE hllset(12).",
						quote_identifier(sketch->name)));
}

static void
check_columns(Relation relation, const SyncSet *set)
{
	const char *table = RelationGetRelationName(relation);

	if (set->nkeys == 0)
		refuse(table, "no key column is named", NULL);
	if (set->nsketches == 0)
		refuse(table, "it has no column of type hllset", NULL);
	if (2 * set->nkeys + set->nsketches > FUNC_MAX_ARGS)
		refuse(table, "it has too many key and hllset columns",
			   "Choose some: sketch_columns => '{...}'.");
	for (int i = 0; i < set->nkeys; i++)
		check_key(relation, &set->keys[i]);
	for (int i = 0; i < set->nsketches; i++)
		check_sketch(relation, &set->sketches[i]);
	if (sync_unique_key(set) == NULL)
		refuse(table,
			   psprintf("no unique index has just the columns (%s)", sync_keys(set, ", ", "@")),
			   "The index must not be deferrable or partial, nor hold expressions.");
}

SyncSet *
sync_candidate(Oid relid, const char *name, SyncValue keys, SyncValue sketches, bool has_views)
{
	Relation relation = relation_open(relid, AccessShareLock);
	SyncSet *set = palloc0(sizeof(SyncSet));

	set->relid = relid;
	set->owner = relation->rd_rel->relowner;
	set->name = pstrdup(name ? name : RelationGetRelationName(relation));
	set->state = "ok";
	set->has_views = has_views;
	check_kind(relation, has_views);
	if (set->name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME), errmsg("the name of a set must not be empty")));
	sync_catalog("SELECT hllset_sync.check_name($1, $2::regclass, $3, $4)", SYNC_TEXT(set->name),
				 SYNC_OID(relid), SYNC_OID(set->owner), SYNC_OID(GetUserId()));
	choose_columns(relation, set, keys, sketches);
	check_columns(relation, set);
	set->description = sync_describe(set);
	relation_close(relation, NoLock);
	return set;
}
