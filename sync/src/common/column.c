/* SPDX-License-Identifier: PostgreSQL */
/* Which columns a set may have, and how they are described to peers. */
#include "common/common.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_index.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

bool
sync_column_read(Oid relid, const char *name, SyncColumn *column)
{
	HeapTuple tuple = SearchSysCacheAttName(relid, name);
	Form_pg_attribute attribute;
	Oid function;
	bool varlena;

	if (!HeapTupleIsValid(tuple))
		return false;
	attribute = (Form_pg_attribute) GETSTRUCT(tuple);
	column->name = pstrdup(name);
	column->type = attribute->atttypid;
	column->typmod = attribute->atttypmod;
	column->collation = attribute->attcollation;
	column->not_null = attribute->attnotnull;
	ReleaseSysCache(tuple);
	if (!sync_key_type_allowed(column->type) && !sync_is_hllset(column->type))
		return true;

	getTypeBinaryOutputInfo(column->type, &function, &varlena);
	fmgr_info(function, &column->send);
	getTypeBinaryInputInfo(column->type, &function, &column->receive_param);
	fmgr_info(function, &column->receive);
	return true;
}

/* Types whose equality is equality of the bytes that they are sent as. */
bool
sync_key_type_allowed(Oid type)
{
	switch (type)
	{
		case BOOLOID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case OIDOID:
		case UUIDOID:
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case TEXTOID:
		case VARCHAROID:
		case BYTEAOID:
			return true;
		default:
			return false;
	}
}

/* "(12)" or "(12,compact)"; nothing without a modifier */
static char *
modifier_text(const SyncColumn *column)
{
	HeapTuple tuple;
	Oid function;

	if (column->typmod < 0)
		return "";
	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(column->type));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", column->type);
	function = ((Form_pg_type) GETSTRUCT(tuple))->typmodout;
	ReleaseSysCache(tuple);
	return DatumGetCString(OidFunctionCall1(function, Int32GetDatum(column->typmod)));
}

/* Compared with what it was, so it must not go by what the session has for quoting, nor by what else it has by the name of a type. */
char *
sync_describe(const SyncColumn *keys, int nkeys, const SyncColumn *sketches, int nsketches)
{
	StringInfoData text;
	int guc_level = NewGUCNestLevel();

	sync_option("quote_all_identifiers", "off", false);
	sync_option("search_path", "pg_catalog, pg_temp", false);
	initStringInfo(&text);
	for (int i = 0; i < nkeys; i++)
		appendStringInfo(&text, "%s%s %s", i ? ", " : "", quote_identifier(keys[i].name),
						 format_type_be(keys[i].type));
	appendStringInfoString(&text, " -> ");
	for (int i = 0; i < nsketches; i++)
		appendStringInfo(&text, "%s%s hllset%s", i ? ", " : "", quote_identifier(sketches[i].name),
						 modifier_text(&sketches[i]));
	appendStringInfo(&text, "; %s", sync_format_text());
	AtEOXact_GUC(false, guc_level);
	return text.data;
}

/* One trigger for rows and one for TRUNCATE, under whatever name. */
bool
sync_is_captured(Oid relid)
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

/* The place in KEYS of each column of the index, or NULL if it does not identify rows by just these. */
static int *
key_order(Relation index, Oid relid, const SyncColumn *keys, int nkeys)
{
	Form_pg_index form = index->rd_index;
	int *order = palloc(nkeys * sizeof(int));

	if (!form->indisunique || !form->indisvalid || !form->indimmediate ||
		form->indnkeyatts != nkeys ||
		!heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL) ||
		!heap_attisnull(index->rd_indextuple, Anum_pg_index_indexprs, NULL))
		return NULL;
	for (int i = 0; i < nkeys; i++)
	{
		bool found = false;

		for (int j = 0; j < nkeys; j++)
			if (form->indkey.values[j] == get_attnum(relid, keys[i].name))
			{
				order[j] = i;
				found = true;
			}
		if (!found)
			return NULL;
	}
	return order;
}

int *
sync_unique_key(Oid relid, const SyncColumn *keys, int nkeys)
{
	Relation relation = relation_open(relid, AccessShareLock);
	int *order = NULL;
	ListCell *cell;

	foreach (cell, RelationGetIndexList(relation))
	{
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);

		if (order == NULL)
			order = key_order(index, relid, keys, nkeys);
		index_close(index, AccessShareLock);
	}
	relation_close(relation, NoLock);
	return order;
}
