/* SPDX-License-Identifier: PostgreSQL */
/*
 * Pieces of statements. In the tables of a set the columns are named k1, k2, ... and s1, s2, ..., so names of users meet no others; those of
 * the table itself are quoted here, and nowhere else.
 */
#include "set.h"

#include "catalog/pg_class.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

char *
sync_table_name(Oid relid)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
									  get_rel_name(relid));
}

/* ONLY, as another table could be made to inherit from this one. */
char *
sync_base(const SyncSet *set)
{
	return psprintf("%s%s", get_rel_relkind(set->relid) == RELKIND_RELATION ? "ONLY " : "",
					sync_table_name(set->relid));
}

char *
sync_bare(const SyncColumn *columns, int count)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < count; i++)
		appendStringInfo(&text, "%s%s", i ? ", " : "", quote_identifier(columns[i].name));
	return text.data;
}

char *
sync_numbered(const char *prefix, int from, int count, const char *suffix)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < count; i++)
		appendStringInfo(&text, "%s%s%d%s", i ? ", " : "", prefix, from + i, suffix);
	return text.data;
}

char *
sync_named(const char *alias, const SyncColumn *columns, int count)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < count; i++)
		appendStringInfo(&text, "%s%s.%s", i ? ", " : "", alias, quote_identifier(columns[i].name));
	return text.data;
}

char *
sync_match_base(const SyncSet *set, const char *alias)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < set->nkeys; i++)
		appendStringInfo(&text, "%sb.%s = %s.k%d", i ? " AND " : "",
						 quote_identifier(set->keys[i].name), alias, i + 1);
	return text.data;
}

char *
sync_match(const SyncSet *set, const char *left, const char *right)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 1; i <= set->nkeys; i++)
		appendStringInfo(&text, "%s%s.k%d = %s.k%d", i > 1 ? " AND " : "", left, i, right, i);
	return text.data;
}

char *
sync_digest_call(const SyncSet *set, const char *alias)
{
	return psprintf("hllset_sync.row_digest(%s)", sync_named(alias, set->sketches, set->nsketches));
}
