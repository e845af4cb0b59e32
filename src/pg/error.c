/* SPDX-License-Identifier: PostgreSQL */
/* The messages of the extension, but for those of error_search.c and error_members.c, and the only switch over the core's statuses. */
#include "hllset_pg.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "mb/pg_wchar.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* Input longer than this is cut in messages. */
#define SHOWN_BYTES 64

const char *
hllset_status_detail(HllsetStatus status)
{
	switch (status)
	{
		case HLLSET_TRUNCATED:
			return "The value ends early.";
		case HLLSET_TRAILING:
			return "The value goes on after its end.";
		case HLLSET_BAD_VERSION:
			return "The format version is unknown.";
		case HLLSET_BAD_KIND:
			return "The kind is unknown or a reserved bit is set.";
		case HLLSET_BAD_PRECISION:
			return "The precision is out of range.";
		case HLLSET_BAD_HASH:
			return "The hash id is unknown.";
		case HLLSET_BAD_LEVEL:
			return "L0 is out of range or does not fit the counts.";
		case HLLSET_BAD_COUNT:
			return "A count is out of range or not canonical.";
		case HLLSET_BAD_POSITION:
			return "A position is out of range.";
		case HLLSET_BAD_PADDING:
			return "The padding is not zero.";
		case HLLSET_BAD_EXPRESSION:
			return "The expression is not in its canonical form.";
		case HLLSET_BAD_THRESHOLD:
			return "The threshold is out of range.";
		case HLLSET_BAD_KEY:
			return "A key is out of range or out of order.";
		case HLLSET_OK:
		case HLLSET_NEEDS_ROOM:
		case HLLSET_BAD_ARGUMENT:
		case HLLSET_RAISES_PRECISION:
		case HLLSET_NOT_GRADED:
		case HLLSET_NOT_A_SET:
		case HLLSET_TOO_MANY_SOURCES:
		case HLLSET_TOO_COARSE:
		case HLLSET_NO_TOKENS:
		case HLLSET_COARSE:
		case HLLSET_FEW_TOKENS:
			break;
	}
	elog(ERROR, "unexpected hllset status %d", (int) status);
}

static char *
type_name(Oid type)
{
	HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	char *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", type);
	name = pstrdup(NameStr(((Form_pg_type) GETSTRUCT(tuple))->typname));
	ReleaseSysCache(tuple);
	return name;
}

/*
 * By its extension: the schema may be any. The owner of the extension, who may be no superuser, may have added others of that name, but base types
 * only superusers make.
 */
bool
hllset_is_own_type(Oid type, const char *name)
{
	char *found = type_name(type);
	bool same = strcmp(found, name) == 0;

	pfree(found);
	return same && get_typtype(type) == TYPTYPE_BASE &&
		   getExtensionOfObject(TypeRelationId, type) == get_extension_oid("hllset", true);
}

static const char *
shown(const char *text)
{
	int length = (int) strnlen(text, SHOWN_BYTES + 1);

	if (length <= SHOWN_BYTES)
		return text;
	return psprintf("%.*s...", pg_mbcliplen(text, length, SHOWN_BYTES), text);
}

static Datum
refuse_input(fmNodePtr escontext, const char *type, const char *text, const char *detail)
{
	HLLSET_SOFT_ERROR(escontext,
					  (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					   errmsg("invalid input syntax for type %s: \"%s\"", type, shown(text)),
					   errdetail("%s", detail)));
}

Datum
hllset_refuse_hex(fmNodePtr escontext, const char *type, const char *text)
{
	return refuse_input(escontext, type, text,
						"A value is \"\\x\" and an even number of hexadecimal digits.");
}

Datum
hllset_refuse_text(fmNodePtr escontext, const char *type, const char *text, HllsetStatus status)
{
	return refuse_input(escontext, type, text, hllset_status_detail(status));
}

Datum
hllset_refuse_hash_text(fmNodePtr escontext, const char *text)
{
	return refuse_input(escontext, "hllhash", text, "A value is 16 hexadecimal digits.");
}

/* The value can't be brought to precision "to" in the wanted form. */
Datum
hllset_refuse_convert(fmNodePtr escontext, HllsetStatus status, HllsetBytes value, int to,
					  HllsetForm form)
{
	HllsetInfo info;
	HllsetStatus checked = hllset_core_check(value, &info);

	if (checked != HLLSET_OK)
		hllset_report(checked);
	if (status == HLLSET_RAISES_PRECISION)
		HLLSET_SOFT_ERROR(
			escontext,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("cannot raise hllset precision from %d to %d", info.precision, to),
			 errhint(
				 "Build the set from its elements with that precision, as by hll_add_agg(x, %d).",
				 to)));
	if (status == HLLSET_NOT_A_SET)
		HLLSET_SOFT_ERROR(
			escontext,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("type hllset(%d%s) takes sets only, not an hllset %s", to,
					form == HLLSET_COMPACT ? ", compact" : "",
					info.kind == HLLSET_SAMPLE ? "sample" : "expression"),
			 errdetail("The operators &, - and # of large sets make expressions. Stored, one "
					   "would make every union above it one, and in the end a sample."),
			 errhint("Keep sets in tables and expressions in queries. To remove elements, build "
					 "the set anew. A column of type hllset without a modifier takes all.")));
	if (status == HLLSET_NOT_GRADED)
		HLLSET_SOFT_ERROR(escontext,
						  (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						   errmsg("cannot turn a compact hllset into type hllset(%d)", to),
						   errhint("Use type hllset(%d, compact) or hllset.", to)));
	hllset_report(status);
}

void
hllset_refuse_binary(const char *type, HllsetStatus status)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
					errmsg("invalid binary format for type %s", type),
					errdetail("%s", hllset_status_detail(status))));
}

void
hllset_report(HllsetStatus status)
{
	if (status == HLLSET_TOO_MANY_SOURCES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("cannot combine more than %d hllsets of which one is compact",
						HLLSET_MAX_SOURCES),
				 errdetail("The result would be a sample, and a large compact set keeps none."),
				 errhint("Build the sets without the modifier \"compact\".")));
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("hllset value is corrupted"),
					errdetail("%s", hllset_status_detail(status)),
					errhint("Build the set anew from its elements, or restore it from a backup.")));
}

void
hllset_refuse_bits(void)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("an hllset expression or sample has no bits of its own"),
					errhint("Show the bits of the sets that it was made from.")));
}

#define OUT_OF_RANGE(precision)                                                     \
	errcode(ERRCODE_INVALID_PARAMETER_VALUE),                                       \
		errmsg("hllset precision %d is out of range", precision),                   \
		errdetail("The precision must be between %d and %d.", HLLSET_MIN_PRECISION, \
				  HLLSET_MAX_PRECISION)

static bool
is_precision(int precision)
{
	return precision >= HLLSET_MIN_PRECISION && precision <= HLLSET_MAX_PRECISION;
}

void
hllset_check_precision(int precision)
{
	if (!is_precision(precision))
		ereport(ERROR, (OUT_OF_RANGE(precision)));
}

/* Where a precision is wrong, a second column is likely to be meant. */
static int
hint_at_row(void)
{
	return errhint(
		"The second argument is the precision. To count several columns, count a row: (a, b).");
}

void
hllset_check_aggregate_precision(int precision)
{
	if (!is_precision(precision))
		ereport(ERROR, (OUT_OF_RANGE(precision), hint_at_row()));
}

void
hllset_refuse_null_precision(void)
{
	ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg("hllset precision must not be null"), hint_at_row()));
}

void
hllset_refuse_column_precision(void)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		 errmsg("hllset precision must not depend on a column"),
		 errdetail("It is one value for all rows of an aggregate."),
		 errhint(
			 "To count several columns, count a row: (a, b). For another precision in each group, "
			 "give it to a sub-select: SELECT p, (SELECT hll_add_agg(x, p) FROM ...) FROM ...")));
}

void
hllset_refuse_other_precision(int first, int other)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("hllset precision must be the same in all rows of a group"),
					errdetail("It was %d, and %d in another row.", first, other), hint_at_row()));
}

void
hllset_refuse_modifier(const char *word)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("invalid type modifier for type hllset: \"%s\"", shown(word)),
					errhint("Write hllset(precision) or hllset(precision, compact).")));
}

void
hllset_refuse_confidence(double confidence)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("confidence %g is not between 0 and 1", confidence),
					errhint("For 95 percent write 0.95.")));
}

static bool
is_one_of(const char *name, const char *const *names)
{
	while (*names != NULL && strcmp(*names, name) != 0)
		names++;
	return *names != NULL;
}

/* The hint for a type that is no element: the nearest thing that is one. */
static const char *
hint_for_type(Oid type)
{
	static const char *const sketches[] = {"hll",
										   "hll_hashval",
										   "hyperloglog",
										   "hyperloglog_estimator",
										   "hll_sketch",
										   "cpc_sketch",
										   "theta_sketch",
										   "aod_sketch",
										   "kll_float_sketch",
										   "tdigest",
										   "uddsketch",
										   "roaringbitmap",
										   "roaringbitmap64",
										   NULL};
	const char *name = type_name(getBaseType(type));
	CoercionPathType path;
	Oid function;

	if (hllset_is_own_type(getBaseType(type), "hllset"))
		return "To unite sets, use hll_union or hll_union_agg.";
	if (hllset_is_own_type(getBaseType(type), "hllhash"))
		return "A hash stands for an element by itself, not within another value.";
	if (is_one_of(name, sketches))
		return "What another extension keeps of a set can't be converted: build the hllset from "
			   "the elements.";
	if (strcmp(name, "citext") == 0)
		return "Write lower(x::text): it is equal where citext is.";
	if (strcmp(name, "json") == 0)
		return "Cast the element to jsonb.";
	path = find_coercion_pathway(BYTEAOID, type, COERCION_EXPLICIT, &function);
	if (path == COERCION_PATH_FUNC || path == COERCION_PATH_RELABELTYPE)
		return "Cast the element to bytea: x::bytea. It is then equal where its bytes are.";
	return "Cast the element to text: x::text. It is then equal where its text is.";
}

void
hllset_refuse_type(Oid type)
{
	if (!OidIsValid(type) || type == UNKNOWNOID)
		ereport(ERROR, (errcode(ERRCODE_INDETERMINATE_DATATYPE),
						errmsg("could not determine the type of an element of an hllset"),
						errhint("Write its type, as in 'x'::text or $1::bigint.")));
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("type %s is not supported as an element of an hllset", format_type_be(type)),
			 errhint("%s", hint_for_type(type))));
}

void
hllset_refuse_range(Oid type)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("type %s is not supported as an element of an hllset", format_type_be(type)),
			 errdetail("Its bounds are compared by another operator class than the default one of "
					   "their type."),
			 errhint("Count the bounds as a row: (lower(x), upper(x)), each as a value that is "
					 "equal where the range's bound is.")));
}

void
hllset_refuse_array(void)
{
	ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
					errmsg("hllset_of takes elements, not an array of them"),
					errhint("Write hllset_of(VARIADIC array) for the elements of an array. To add "
							"an array as one element, use hll_add.")));
}

void
hllset_refuse_large_element(void)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("element of an hllset is too large"),
		 errdetail(
			 "The bytes that are hashed of an array, a row or a jsonb must be fewer than 1 GB."),
		 errhint("Add its parts instead, or a hash of your own.")));
}

void
hllset_refuse_collation(Oid collation)
{
	if (!OidIsValid(collation))
		ereport(ERROR,
				(errcode(ERRCODE_INDETERMINATE_COLLATION),
				 errmsg("could not determine which collation to use for elements of an hllset"),
				 errhint("Use the COLLATE clause to set the collation explicitly.")));
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("nondeterministic collation \"%s\" is not supported for elements of an hllset",
					get_collation_name(collation)),
			 errhint("Use a deterministic collation, such as COLLATE \"C\".")));
}
