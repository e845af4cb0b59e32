/* SPDX-License-Identifier: PostgreSQL */
/* The views of a set: the union over all nodes, and the rows of each. They and its tables belong to whom its table belongs. */
#include "publish/publish.h"

#include "lib/stringinfo.h"
#include "storage/lmgr.h"

#define NODE_COLUMN "node"

/* The view's owner reads the rows, so policies that the table gets later do not apply: who is subject to them sees nothing. Looked at once, not for each row. */
static char *
visible(const SyncSet *set)
{
	return psprintf("NOT pg_catalog.row_security_active(%s::pg_catalog.regclass)",
					quote_literal_cstr(sync_table_name(set->relid)));
}

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
					" UNION ALL SELECT %s, %s FROM hllset_sync.copy_%d) u WHERE %s GROUP BY %s",
					sync_keys(set, ", ", "@"), unions.data, sync_keys(set, ", ", "@"),
					sync_sketches(set, ", ", "@"), sync_base(set), sync_keys(set, ", ", "k#"),
					sync_sketches(set, ", ", "s#"), set->id, visible(set),
					sync_keys(set, ", ", "@"));
}

static char *
define_by_node(const SyncSet *set)
{
	const char *seen = visible(set);

	return psprintf("SELECT n.node_name AS " NODE_COLUMN ", %s, %s FROM hllset_sync.node n, %s b"
					" WHERE %s UNION ALL SELECT o.node_name, %s, %s FROM hllset_sync.copy_%d c"
					" JOIN hllset_sync.origins o ON o.origin_id = c.origin_id WHERE %s",
					sync_keys(set, ", ", "b.@"), sync_sketches(set, ", ", "b.@"), sync_base(set),
					seen, sync_keys(set, ", ", "c.k#"), sync_sketches(set, ", ", "c.s#"), set->id,
					seen);
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

/* The views of OWNER on the set's table COPIES. Those that he has altered stay his. */
static void
give_views(const SyncSet *set, Oid copies, Oid owner)
{
	SyncUser user = sync_enter_catalog();
	uint64 count =
		sync_run("SELECT DISTINCT c.oid, c.oid::regclass::text FROM pg_depend d"
				 " JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class c ON c.oid = r.ev_class"
				 " WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass"
				 " AND d.refobjid = %u AND c.relkind = 'v' AND c.relowner = %u",
				 copies, owner);
	SPITupleTable *views = SPI_tuptable;

	for (uint64 i = 0; i < count; i++)
	{
		Oid view = atooid(SPI_getvalue(views->vals[i], views->tupdesc, 1));

		LockRelationOid(view, AccessExclusiveLock);
		if (is_as_made(set, view, define_global(set)) ||
			(!has_node_column(set) && is_as_made(set, view, define_by_node(set))))
			sync_run("ALTER VIEW %s OWNER TO %s", SPI_getvalue(views->vals[i], views->tupdesc, 2),
					 quote_identifier(GetUserNameFromId(set->owner, false)));
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
