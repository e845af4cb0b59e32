/* SPDX-License-Identifier: PostgreSQL */
/*
 * The type hllset and its functions, told by what they are: in C, of the library hllset, members of the extension. Only a superuser makes such
 * objects. A name, a schema or membership alone tells nothing, since the owner of a trusted extension may add to it what he likes.
 */
#include "common/common.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "storage/lmgr.h"
#include "utils/catcache.h"
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
	HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", type);
	(void) schema_name(((Form_pg_type) GETSTRUCT(tuple))->typnamespace);
	ReleaseSysCache(tuple);
	return format_type_extended(type, typmod,
								FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
}

/* ---- format ---- */

const char *
sync_format_text(void)
{
	bytea *empty = DatumGetByteaPP(
		OidFunctionCall1(sync_hllset_function(SYNC_EMPTY), Int32GetDatum(ANY_PRECISION)));
	const uint8 *bytes = (const uint8 *) VARDATA_ANY(empty);

	if (VARSIZE_ANY_EXHDR(empty) < HEADER_BYTES)
		elog(ERROR, "an empty hllset has %d bytes", (int) VARSIZE_ANY_EXHDR(empty));
	return psprintf("format %d, hash %d", bytes[BYTE_VERSION], bytes[BYTE_HASH]);
}
