/* SPDX-License-Identifier: PostgreSQL */
/* SPI with values that know their types, and errors instead of codes. */
#include "common/common.h"

#include "catalog/pg_class.h"
#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
#include "utils/array.h"
#include "utils/hsearch.h"

/* ---- values ---- */

SyncValue
sync_text_value(const char *string)
{
	return sync_pointer_value(TEXTOID, string ? cstring_to_text(string) : NULL);
}

SyncValue
sync_pointer_value(Oid type, const void *pointer)
{
	return (SyncValue){type, pointer == NULL, PointerGetDatum(pointer)};
}

/* What arrays are made of, so that no catalog is needed: outside of transactions there is none. */
typedef struct Element
{
	Oid type, array;
	int16 length;
	bool by_value;
	char align;
} Element;

static const Element *
element_of(Oid type)
{
	static const Element elements[] = {
		{INT4OID, INT4ARRAYOID, sizeof(int32), true, TYPALIGN_INT},
		{INT8OID, INT8ARRAYOID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE},
		{TEXTOID, TEXTARRAYOID, -1, false, TYPALIGN_INT},
		{BYTEAOID, BYTEAARRAYOID, -1, false, TYPALIGN_INT},
		{NAMEOID, NAMEARRAYOID, NAMEDATALEN, false, TYPALIGN_CHAR},
		{UUIDOID, UUIDARRAYOID, UUID_LEN, false, TYPALIGN_CHAR},
	};

	for (size_t i = 0; i < lengthof(elements); i++)
		if (elements[i].type == type)
			return &elements[i];
	elog(ERROR, "no arrays of type %u are known", type);
}

SyncValue
sync_array(Oid type, const Datum *datums, const bool *nulls, int count)
{
	const Element *element = element_of(type);
	int lower = 1;

	return SYNC_VALUE(element->array,
					  PointerGetDatum(construct_md_array(
						  unconstify(Datum *, datums), unconstify(bool *, nulls), 1, &count, &lower,
						  type, element->length, element->by_value, element->align)));
}

SyncValue
sync_list_array(Oid element, const List *list)
{
	Datum *datums = palloc((list_length(list) + 1) * sizeof(Datum));

	for (int i = 0; i < list_length(list); i++)
		datums[i] = element == INT4OID ? Int32GetDatum(list_nth_int(list, i))
									   : CStringGetTextDatum(list_nth(list, i));
	return sync_array(element, datums, NULL, list_length(list));
}

int
sync_nullable_elements(Datum array, Oid type, Datum **datums, bool **nulls)
{
	const Element *element = element_of(type);
	int count;

	deconstruct_array(DatumGetArrayTypeP(array), type, element->length, element->by_value,
					  element->align, datums, nulls, &count);
	return count;
}

int
sync_elements(Datum array, Oid element, const char *what, Datum **datums)
{
	if (array_contains_nulls(DatumGetArrayTypeP(array)))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", what)));
	return sync_nullable_elements(array, element, datums, NULL);
}

/* ---- statements ---- */

/* Values as SPI takes them. */
static ParamListInfo
parameters(const SyncValue *values)
{
	ParamListInfo list;
	int count = 0;

	while (values[count].type != InvalidOid)
		count++;
	list = makeParamList(count);
	for (int i = 0; i < count; i++)
		list->params[i] =
			(ParamExternData){values[i].value, values[i].isnull, PARAM_FLAG_CONST, values[i].type};
	return list;
}

static uint64
checked(int code, const char *sql)
{
	if (code < 0)
		elog(ERROR, "%s in: %s", SPI_result_code_string(code), sql);
	return SPI_processed;
}

uint64
sync_execute_values(const char *sql, bool read_only, const SyncValue *values)
{
	SPIExecuteOptions options = {.params = parameters(values), .read_only = read_only};

	return checked(SPI_execute_extended(sql, &options), sql);
}

SPIPlanPtr
sync_prepare_with(const char *sql, const SyncValue *values, int options)
{
	ParamListInfo list = parameters(values);
	Oid *types = palloc((list->numParams + 1) * sizeof(Oid));
	SPIPlanPtr plan;

	for (int i = 0; i < list->numParams; i++)
		types[i] = list->params[i].ptype;
	plan = SPI_prepare_cursor(sql, list->numParams, types, options);
	if (plan == NULL)
		elog(ERROR, "%s in: %s", SPI_result_code_string(SPI_result), sql);
	return plan;
}

uint64
sync_execute_plan(SPIPlanPtr plan, const SyncValue *values, long limit)
{
	SPIExecuteOptions options = {.params = parameters(values), .tcount = limit};

	return checked(SPI_execute_plan_extended(plan, &options), "a prepared statement");
}

uint64
sync_catalog_once(const char *sql)
{
	SyncUser user = sync_enter_catalog();
	uint64 count = sync_execute_values(sql, false, &SYNC_NONE);

	sync_leave(user);
	return count;
}

/* By the address of the text. Generic, as planning would cost an idle round more than all else. */
static SPIPlanPtr
kept_plan(const char *sql, const SyncValue *values)
{
	typedef struct Kept
	{
		const char *sql;
		SPIPlanPtr plan;
	} Kept;
	static HTAB *plans = NULL;
	HASHCTL control = {.keysize = sizeof(char *), .entrysize = sizeof(Kept)};
	bool found;
	Kept *kept;

	if (plans == NULL)
		plans = hash_create("hllset_sync plans", 64, &control, HASH_ELEM | HASH_BLOBS);
	kept = hash_search(plans, &sql, HASH_ENTER, &found);
	if (!found)
		kept->plan = NULL;
	if (kept->plan == NULL)
	{
		SPIPlanPtr plan = sync_prepare_with(sql, values, CURSOR_OPT_GENERIC_PLAN);

		SPI_keepplan(plan);
		kept->plan = plan;
	}
	return kept->plan;
}

uint64
sync_catalog_values(const char *sql, const SyncValue *values)
{
	SyncUser user = sync_enter_catalog();
	uint64 count = sync_execute_plan(kept_plan(sql, values), values, 0);

	sync_leave(user);
	return count;
}

Portal
sync_open(const char *sql, const SyncValue *values)
{
	SPIParseOpenOptions options = {.params = parameters(values)};

	return SPI_cursor_parse_open(NULL, sql, &options);
}

uint64
sync_fetch(Portal portal, long count)
{
	SPI_cursor_fetch(portal, true, count);
	return SPI_processed;
}

/* ---- fields ---- */

Datum
sync_field(uint64 row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, isnull);
}

/* Internal tables belong to users, who may have altered them: a value of another type must not be taken for this one. */
void
sync_expect(int column, Oid type)
{
	if (SPI_gettypeid(SPI_tuptable->tupdesc, column) != type)
		ereport(
			ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("an internal table of hllset_sync was altered: column %s is of type %s, not %s",
					SPI_fname(SPI_tuptable->tupdesc, column),
					format_type_be(SPI_gettypeid(SPI_tuptable->tupdesc, column)),
					format_type_be(type))));
}

bool
sync_is_null(uint64 row, int column)
{
	bool isnull;

	(void) sync_field(row, column, &isnull);
	return isnull;
}

Datum
sync_value(uint64 row, int column, Oid type)
{
	bool isnull;
	Datum value = sync_field(row, column, &isnull);

	sync_expect(column, type);
	if (isnull)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("an internal table of hllset_sync was altered: column %s is null",
							   SPI_fname(SPI_tuptable->tupdesc, column))));
	return value;
}

char *
sync_text(uint64 row, int column)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
}

bytea *
sync_bytea(uint64 row, int column)
{
	return sync_is_null(row, column) ? NULL : DatumGetByteaPCopy(sync_value(row, column, BYTEAOID));
}

bool
sync_uuid(uint64 row, int column, pg_uuid_t *uuid)
{
	bool isnull = sync_is_null(row, column);

	memset(uuid, 0, sizeof(*uuid));
	if (!isnull)
		*uuid = *DatumGetUUIDP(sync_value(row, column, UUIDOID));
	return !isnull;
}

/* ---- pieces of statements ---- */

/*
 * In the tables of a set the columns are named k1, k2, ... and s1, s2, ..., so names of users meet no others; those of the table itself are quoted here,
 * and nowhere else.
 */
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
sync_each(const SyncColumn *columns, int count, const char *separator, const char *pattern)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < count; i++)
	{
		appendStringInfoString(&text, i ? separator : "");
		for (const char *c = pattern; *c != '\0'; c++)
		{
			if (*c == '#')
				appendStringInfo(&text, "%d", i + 1);
			else if (*c == '@')
				appendStringInfoString(&text, quote_identifier(columns[i].name));
			else
				appendStringInfoChar(&text, *c);
		}
	}
	return text.data;
}

char *
sync_digest_call(const SyncSet *set)
{
	return psprintf("hllset_sync.row_digest(%s)", sync_sketches(set, ", ", "b.@"));
}
