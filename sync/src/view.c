/* SPDX-License-Identifier: PostgreSQL */
/* The views of a set: the union over all nodes, and the rows of each. */
#include "hllset_sync.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#define NODE_COLUMN "node"

/* Conditions on keys reach the indexes of both tables: nothing stands between but UNION ALL and GROUP BY. */
static void
create_global(const SyncSet *set, const char *view)
{
	StringInfoData unions;

	initStringInfo(&unions);
	for (int i = 0; i < set->nsketches; i++)
		appendStringInfo(&unions, ", %s(%s) AS %s", sync_hllset_function(set, "hll_union_agg"),
						 quote_identifier(set->sketches[i].name),
						 quote_identifier(set->sketches[i].name));
	sync_run("CREATE VIEW %s AS SELECT %s%s FROM (SELECT %s, %s FROM %s"
			 " UNION ALL SELECT %s, %s FROM hllset_sync.copy_%d) u GROUP BY %s",
			 view, sync_bare(set->keys, set->nkeys), unions.data, sync_bare(set->keys, set->nkeys),
			 sync_bare(set->sketches, set->nsketches), sync_base(set),
			 sync_numbered("k", 1, set->nkeys, ""), sync_numbered("s", 1, set->nsketches, ""),
			 set->id, sync_bare(set->keys, set->nkeys));
}

static void
create_by_node(const SyncSet *set, const char *view)
{
	for (int i = 0; i < set->nkeys + set->nsketches; i++)
		if (strcmp((i < set->nkeys ? &set->keys[i] : &set->sketches[i - set->nkeys])->name,
				   NODE_COLUMN) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_COLUMN),
					 errmsg("a column named \"" NODE_COLUMN "\" cannot stand in the view by node"),
					 errhint("Rename the column, or do without the view: by_node_view => ''.")));
	sync_run("CREATE VIEW %s AS SELECT n.node_name AS " NODE_COLUMN
			 ", %s, %s FROM hllset_sync.node n, %s b"
			 " UNION ALL SELECT o.node_name, %s, %s FROM hllset_sync.copy_%d c"
			 " JOIN hllset_sync.origins o ON o.origin_id = c.origin_id",
			 view, sync_named("b", set->keys, set->nkeys),
			 sync_named("b", set->sketches, set->nsketches), sync_base(set),
			 sync_numbered("c.k", 1, set->nkeys, ""), sync_numbered("c.s", 1, set->nsketches, ""),
			 set->id);
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
		create_global(set, check_name(set, global_view, "global_view"));
	if (by_node_view[0] != '\0')
		create_by_node(set, check_name(set, by_node_view, "by_node_view"));
}
