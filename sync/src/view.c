/* SPDX-License-Identifier: PostgreSQL */
/* The views of a set: the union over all nodes, and the rows of each. */
#include "set.h"

#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#define NODE_COLUMN "node"

/* Conditions on keys reach the indexes of both tables: nothing stands between but UNION ALL and GROUP BY. */
static char *
define_global(const SyncSet *set)
{
	const char *unite = sync_function_name(sync_hllset_function(SYNC_UNION_AGG));
	StringInfoData unions;

	initStringInfo(&unions);
	for (int i = 0; i < set->nsketches; i++)
		appendStringInfo(&unions, ", %s(%s) AS %s", unite, quote_identifier(set->sketches[i].name),
						 quote_identifier(set->sketches[i].name));
	return psprintf("SELECT %s%s FROM (SELECT %s, %s FROM %s"
					" UNION ALL SELECT %s, %s FROM hllset_sync.copy_%d) u GROUP BY %s",
					sync_bare(set->keys, set->nkeys), unions.data, sync_bare(set->keys, set->nkeys),
					sync_bare(set->sketches, set->nsketches), sync_base(set),
					sync_numbered("k", 1, set->nkeys, ""),
					sync_numbered("s", 1, set->nsketches, ""), set->id,
					sync_bare(set->keys, set->nkeys));
}

static char *
define_by_node(const SyncSet *set)
{
	return psprintf("SELECT n.node_name AS " NODE_COLUMN ", %s, %s FROM hllset_sync.node n, %s b"
					" UNION ALL SELECT o.node_name, %s, %s FROM hllset_sync.copy_%d c"
					" JOIN hllset_sync.origins o ON o.origin_id = c.origin_id",
					sync_named("b", set->keys, set->nkeys),
					sync_named("b", set->sketches, set->nsketches), sync_base(set),
					sync_numbered("c.k", 1, set->nkeys, ""),
					sync_numbered("c.s", 1, set->nsketches, ""), set->id);
}

static bool
has_node_column(const SyncSet *set)
{
	for (int i = 0; i < set->nkeys + set->nsketches; i++)
		if (strcmp((i < set->nkeys ? &set->keys[i] : &set->sketches[i - set->nkeys])->name,
				   NODE_COLUMN) == 0)
			return true;
	return false;
}

static char *
check_name(const SyncSet *set, const char *name, const char *argument)
{
	Oid schema = get_rel_namespace(set->relid);

	if (strlen(name) >= NAMEDATALEN || OidIsValid(get_relname_relid(name, schema)))
		ereport(
			ERROR,
			(errcode(strlen(name) >= NAMEDATALEN ? ERRCODE_NAME_TOO_LONG : ERRCODE_DUPLICATE_TABLE),
			 strlen(name) >= NAMEDATALEN ? errmsg("name \"%s\" of the view is too long", name)
										 : errmsg("relation \"%s\" already exists", name),
			 errhint("Give the view another name, or none: %s => ''.", argument)));
	return quote_qualified_identifier(get_namespace_name(schema), name);
}

/* Beside the table; an empty name: no view. */
void
sync_create_views(const SyncSet *set, const char *global_view, const char *by_node_view)
{
	if (global_view[0] != '\0')
		sync_run("CREATE VIEW %s AS %s", check_name(set, global_view, "global_view"),
				 define_global(set));
	if (by_node_view[0] == '\0')
		return;
	if (has_node_column(set))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_COLUMN),
				 errmsg("a column named \"" NODE_COLUMN "\" cannot stand in the view by node"),
				 errhint("Rename the column, or do without the view: by_node_view => ''.")));
	sync_run("CREATE VIEW %s AS %s", check_name(set, by_node_view, "by_node_view"),
			 define_by_node(set));
	sync_fault("views_made");
}

/* ---- another owner ---- */

/* Whether VIEW is still DEFINITION and nothing else: the next owner's rights would be those of whatever it is. */
static bool
is_as_made(const SyncSet *set, Oid view, const char *definition)
{
	uint64 same;

	sync_run("CREATE VIEW hllset_sync.view_%d AS %s", set->id, definition);
	same = sync_run("SELECT WHERE pg_get_viewdef(%u) = pg_get_viewdef('hllset_sync.view_%d')"
					" AND (SELECT count(*) FROM pg_rewrite WHERE ev_class = %u) = 1"
					" AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = %u)",
					view, set->id, view, view);
	sync_run("DROP VIEW hllset_sync.view_%d", set->id);
	return same > 0;
}

/* As the catalog's owner. Views that their owner has altered stay his. */
void
sync_give_views(const SyncSet *set, Oid copies, Oid owner)
{
	uint64 count =
		sync_run("SELECT DISTINCT c.oid, c.oid::regclass::text FROM pg_depend d"
				 " JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class c ON c.oid = r.ev_class"
				 " WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass"
				 " AND d.refobjid = %u AND c.relkind = 'v' AND c.relowner = %u",
				 copies, owner);
	Oid *views = palloc(count * sizeof(Oid));
	char **names = palloc(count * sizeof(char *));
	bool isnull;

	for (uint64 i = 0; i < count; i++)
	{
		views[i] = DatumGetObjectId(sync_field(i, 1, &isnull));
		names[i] = TextDatumGetCString(sync_field(i, 2, &isnull));
	}
	for (uint64 i = 0; i < count; i++)
	{
		LockRelationOid(views[i], AccessExclusiveLock);
		if (is_as_made(set, views[i], define_global(set)) ||
			(!has_node_column(set) && is_as_made(set, views[i], define_by_node(set))))
			sync_run("ALTER VIEW %s OWNER TO %s", names[i],
					 quote_identifier(GetUserNameFromId(set->owner, false)));
	}
}
