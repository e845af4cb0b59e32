/* SPDX-License-Identifier: PostgreSQL */
/* Whether a table can be registered, and under what name, key and sketch columns; for each obstacle a message that says what to do. */
#include "set.h"

#include "access/genam.h"
#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

static void
refuse(const char *table, const char *why, const char *hint)
{
	ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
					errmsg("cannot register table \"%s\": %s", table, why),
					hint ? errhint("%s", hint) : 0));
}

static void
check_kind(Relation relation)
{
	const char *name = RelationGetRelationName(relation);
	Form_pg_class class = relation->rd_rel;

	if (class->relkind != RELKIND_RELATION && class->relkind != RELKIND_PARTITIONED_TABLE)
		refuse(name, "it is no table", "Only plain and partitioned tables can be registered.");
	if (!SYNC_OWNS_TABLE(RelationGetRelid(relation), GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, name);
	if (class->relpersistence == RELPERSISTENCE_TEMP)
		refuse(name, "it is temporary", NULL);
	if (class->relpersistence == RELPERSISTENCE_UNLOGGED)
		refuse(name, "it is unlogged, so a crash would empty it",
			   "ALTER TABLE ... SET LOGGED first.");
	if (class->relispartition)
		refuse(name, "it is a partition", "Register the partitioned table.");
	if (class->relkind == RELKIND_RELATION &&
		(has_superclass(RelationGetRelid(relation)) ||
		 find_inheritance_children(RelationGetRelid(relation), NoLock) != NIL))
		refuse(name, "it takes part in inheritance", "Use a partitioned table.");
	if (class->relforcerowsecurity)
		refuse(name, "row security is forced on its owner",
			   "ALTER TABLE ... NO FORCE ROW LEVEL SECURITY first.");
}

/* ---- columns ---- */

static SyncColumn
read_column(Relation relation, const char *name)
{
	SyncColumn column;

	if (!sync_column_read(RelationGetRelid(relation), name, &column))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("column \"%s\" of table \"%s\" does not exist", name,
							   RelationGetRelationName(relation))));
	return column;
}

static SyncColumn *
read_columns(Relation relation, Datum names, int *count)
{
	Datum *elements;
	bool *nulls;
	SyncColumn *columns;

	deconstruct_array(DatumGetArrayTypeP(names), NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR,
					  &elements, &nulls, count);
	columns = palloc0(*count * sizeof(SyncColumn));
	for (int i = 0; i < *count; i++)
	{
		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("names of columns must not be null")));
		columns[i] = read_column(relation, NameStr(*DatumGetName(elements[i])));
		for (int j = 0; j < i; j++)
			if (strcmp(columns[i].name, columns[j].name) == 0)
				ereport(ERROR, (errcode(ERRCODE_DUPLICATE_COLUMN),
								errmsg("column \"%s\" is named twice", columns[i].name)));
	}
	return columns;
}

static SyncColumn *
primary_key(Relation relation, int *count)
{
	Oid oid;
	Relation index;
	SyncColumn *columns;

	(void) RelationGetIndexList(relation);
	oid = relation->rd_pkindex;
	if (!OidIsValid(oid))
		refuse(RelationGetRelationName(relation), "it has no primary key",
			   "Name the columns of a unique index: key_columns => '{...}'.");
	index = index_open(oid, AccessShareLock);
	*count = index->rd_index->indnkeyatts;
	columns = palloc0(*count * sizeof(SyncColumn));
	for (int i = 0; i < *count; i++)
		columns[i] = read_column(relation, get_attname(RelationGetRelid(relation),
													   index->rd_index->indkey.values[i], false));
	index_close(index, AccessShareLock);
	return columns;
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

static SyncColumn *
all_sketches(Relation relation, int *count)
{
	TupleDesc descriptor = RelationGetDescr(relation);
	SyncColumn *columns = palloc0(descriptor->natts * sizeof(SyncColumn));

	*count = 0;
	for (int i = 0; i < descriptor->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);

		if (!attribute->attisdropped && sync_is_hllset(attribute->atttypid))
			columns[(*count)++] = read_column(relation, NameStr(attribute->attname));
	}
	return columns;
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
	if (!sync_has_unique_key(set->relid, set->keys, set->nkeys))
		refuse(
			table,
			psprintf("no unique index has just the columns (%s)", sync_bare(set->keys, set->nkeys)),
			"The index must not be deferrable or partial, nor hold expressions.");
}

/* ---- name ---- */

static void
check_not_registered(const SyncSet *set)
{
	Oid types[2] = {TEXTOID, OIDOID};
	Datum values[2] = {CStringGetTextDatum(set->name), ObjectIdGetDatum(set->relid)};
	SyncUser user = sync_enter_catalog();
	bool isnull;

	if (sync_execute("SELECT set_name, relid::oid = $2 FROM hllset_sync.sets"
					 " WHERE set_name = $1 OR relid::oid = $2 ORDER BY 2 DESC",
					 2, types, values, NULL, false) > 0)
	{
		if (DatumGetBool(sync_field(0, 2, &isnull)))
			ereport(ERROR, (errcode(ERRCODE_DUPLICATE_OBJECT),
							errmsg("table \"%s\" is registered already, as set \"%s\"",
								   get_rel_name(set->relid),
								   TextDatumGetCString(sync_field(0, 1, &isnull)))));
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("there is a set named \"%s\" already", set->name),
				 errhint("Name this one otherwise, at all its nodes alike: set_name => '...'.")));
	}
	sync_leave(user);
}

/* NULL and 0: the table's name, its primary key, all its hllset columns. The set is not in the catalog yet. */
SyncSet *
sync_candidate(Oid relid, const char *name, Datum key_names, Datum sketch_names)
{
	Relation relation;
	SyncSet *set = palloc0(sizeof(SyncSet));

	sync_lock_names(relid);
	relation = relation_open(relid, AccessShareLock);
	check_kind(relation);
	set->relid = relid;
	set->owner = relation->rd_rel->relowner;
	set->name = name ? pstrdup(name) : pstrdup(RelationGetRelationName(relation));
	set->state = "new";
	if (set->name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME), errmsg("the name of a set must not be empty")));
	check_not_registered(set);
	set->keys = key_names ? read_columns(relation, key_names, &set->nkeys)
						  : primary_key(relation, &set->nkeys);
	set->sketches = sketch_names ? read_columns(relation, sketch_names, &set->nsketches)
								 : all_sketches(relation, &set->nsketches);
	check_columns(relation, set);
	set->description = sync_describe(set->keys, set->nkeys, set->sketches, set->nsketches);
	relation_close(relation, NoLock);
	return set;
}
