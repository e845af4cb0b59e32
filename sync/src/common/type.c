/* SPDX-License-Identifier: PostgreSQL */
/*
 * Which columns a set may have, and how they are described to peers. The type hllset and its functions are told by what they are: in C, of the library hllset,
 * members of the extension. Only a superuser makes such objects. A name, a schema or membership alone tells nothing, since the owner of a trusted
 * extension may add to it what he likes.
 */
#include "common/common.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/dependency.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_index.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "lib/stringinfo.h"
#include "storage/lmgr.h"
#include "utils/catcache.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#define EXTENSION "hllset"
#define LIBRARY "hllset"

/* The first bytes of any value, see docs/format.md. */
#define BYTE_VERSION 0
#define BYTE_HASH 3
#define HEADER_BYTES 4
#define ANY_PRECISION 4 /* all values have the same version and hash */

/* ---- what an object is ---- */

static bool
is_member(Oid class, Oid object)
{
	Oid extension = get_extension_oid(EXTENSION, true);

	return OidIsValid(extension) && getExtensionOfObject(class, object) == extension;
}

/* Whether a function is SYMBOL of the library: "$libdir/hllset", or wherever that lies. */
static bool
is_in_library(Oid function, const char *symbol)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	bool found = false;

	if (!HeapTupleIsValid(tuple))
		return false;
	if (((Form_pg_proc) GETSTRUCT(tuple))->prolang == ClanguageId)
	{
		bool isnull;
		Datum source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull);
		Datum binary = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_probin, &isnull);
		const char *path = isnull ? "" : TextDatumGetCString(binary);
		const char *slash = last_dir_separator(path);

		found = strcmp(TextDatumGetCString(source), symbol) == 0 &&
				strcmp(slash ? slash + 1 : path, LIBRARY) == 0;
	}
	ReleaseSysCache(tuple);
	return found;
}

bool
sync_is_hllset(Oid type)
{
	Oid input, element;

	if (get_typtype(type) != TYPTYPE_BASE)
		return false;
	getTypeInputInfo(type, &input, &element);
	return is_in_library(input, "hllset_in") && is_member(TypeRelationId, type);
}

/* ---- functions ---- */

static const struct
{
	const char *name; /* only makes the search short */
	const char *symbol;
	const char *final; /* of an aggregate, whose transition is the symbol */
} functions[] = {
	[SYNC_EMPTY] = {"hllset_empty", "hllset_empty"},
	[SYNC_KIND] = {"hll_kind", "hllset_kind"},
	[SYNC_DIGEST] = {"hll_digest", "hllset_digest"},
	[SYNC_UNION] = {"hll_union", "hllset_union"},
	[SYNC_UNION_AGG] = {"hll_union_agg", "hllset_union_trans", "hllset_union_final"},
};

static bool
is_aggregate_of(Oid function, const char *transition, const char *final)
{
	HeapTuple tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(function));
	FormData_pg_aggregate form;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = *(Form_pg_aggregate) GETSTRUCT(tuple);
	ReleaseSysCache(tuple);
	return is_in_library(form.aggtransfn, transition) && is_in_library(form.aggfinalfn, final);
}

Oid
sync_hllset_function(SyncFunction function)
{
	const char *name = functions[function].name;
	const char *symbol = functions[function].symbol;
	const char *final = functions[function].final;
	CatCList *list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	Oid found = InvalidOid;

	for (int i = 0; i < list->n_members && !OidIsValid(found); i++)
	{
		Oid candidate = ((Form_pg_proc) GETSTRUCT(&list->members[i]->tuple))->oid;

		if (is_member(ProcedureRelationId, candidate) &&
			(final ? is_aggregate_of(candidate, symbol, final) : is_in_library(candidate, symbol)))
			found = candidate;
	}
	ReleaseCatCacheList(list);
	if (!OidIsValid(found))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
						errmsg("extension \"" EXTENSION "\" has no function \"%s\"", name)));
	return found;
}

/* ---- names ---- */

/* From here to the end of the transaction the schema can't be renamed, so its name is not that of another one. */
static const char *
schema_name(Oid schema)
{
	LockDatabaseObject(NamespaceRelationId, schema, 0, AccessShareLock);
	return get_namespace_name(schema);
}

char *
sync_function_name(Oid function)
{
	return quote_qualified_identifier(schema_name(get_func_namespace(function)),
									  get_func_name(function));
}

char *
sync_type_name(Oid type, int32 typmod)
{
	ObjectAddress address = {TypeRelationId, type, 0};

	(void) schema_name(get_object_namespace(&address));
	return format_type_extended(type, typmod,
								FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
}

/* ---- columns ---- */

bool
sync_column_read(Oid relid, const char *name, SyncColumn *column)
{
	HeapTuple tuple = SearchSysCacheAttName(relid, name);
	Form_pg_attribute attribute;
	Oid function, element;
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
	getTypeBinaryInputInfo(column->type, &function, &element);
	fmgr_info(function, &column->receive);
	return true;
}

/* Types whose equality is equality of the bytes that they are sent as. */
bool
sync_key_type_allowed(Oid type)
{
	static const Oid allowed[] = {BOOLOID,        INT2OID, INT4OID,    INT8OID,
								  OIDOID,         UUIDOID, DATEOID,    TIMESTAMPOID,
								  TIMESTAMPTZOID, TEXTOID, VARCHAROID, BYTEAOID};

	for (size_t i = 0; i < lengthof(allowed); i++)
		if (type == allowed[i])
			return true;
	return false;
}

/* What is the same for all values of the type. */
static const char *
format_text(void)
{
	bytea *empty = DatumGetByteaPP(
		OidFunctionCall1(sync_hllset_function(SYNC_EMPTY), Int32GetDatum(ANY_PRECISION)));
	const uint8 *bytes = (const uint8 *) VARDATA_ANY(empty);

	if (VARSIZE_ANY_EXHDR(empty) < HEADER_BYTES)
		elog(ERROR, "an empty hllset has %d bytes", (int) VARSIZE_ANY_EXHDR(empty));
	return psprintf("format %d, hash %d", bytes[BYTE_VERSION], bytes[BYTE_HASH]);
}

/* Compared with what it was, so it must not go by what the session has for quoting, nor by what else it has by the name of a type. */
char *
sync_describe(const SyncSet *set)
{
	StringInfoData text;
	int guc_level = NewGUCNestLevel();

	sync_option("quote_all_identifiers", "off", false);
	sync_option("search_path", "pg_catalog, pg_temp", false);
	initStringInfo(&text);
	for (int i = 0; i < set->nkeys; i++)
		appendStringInfo(&text, "%s%s %s", i ? ", " : "", quote_identifier(set->keys[i].name),
						 format_type_be(set->keys[i].type));
	appendStringInfoString(&text, " -> ");
	for (int i = 0; i < set->nsketches; i++)
	{
		const SyncColumn *sketch = &set->sketches[i];
		const char *type = format_type_with_typemod(sketch->type, sketch->typmod);

		/* with its modifier, "(12)" or "(12,compact)", if there is one */
		appendStringInfo(&text, "%s%s hllset%s", i ? ", " : "", quote_identifier(sketch->name),
						 sketch->typmod < 0 ? "" : strrchr(type, '('));
	}
	appendStringInfo(&text, "; %s", format_text());
	AtEOXact_GUC(false, guc_level);
	return text.data;
}

/* The place among the keys of each column of the index, or NULL if it does not identify rows by just these. */
static int *
key_order(Relation index, const SyncSet *set)
{
	Form_pg_index form = index->rd_index;
	int nkeys = set->nkeys;
	int *order = palloc(nkeys * sizeof(int));

	if (!form->indisunique || !form->indisvalid || !form->indimmediate ||
		form->indnkeyatts != nkeys ||
		!heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL) ||
		!heap_attisnull(index->rd_indextuple, Anum_pg_index_indexprs, NULL))
		return NULL;
	for (int i = 0; i < nkeys; i++)
	{
		AttrNumber number = get_attnum(set->relid, set->keys[i].name);
		int place = 0;

		while (place < nkeys && form->indkey.values[place] != number)
			place++;
		if (place == nkeys)
			return NULL;
		order[place] = i;
	}
	return order;
}

int *
sync_unique_key(const SyncSet *set)
{
	Relation relation = relation_open(set->relid, AccessShareLock);
	int *order = NULL;
	ListCell *cell;

	foreach (cell, RelationGetIndexList(relation))
	{
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);

		if (order == NULL)
			order = key_order(index, set);
		index_close(index, AccessShareLock);
	}
	relation_close(relation, NoLock);
	return order;
}
