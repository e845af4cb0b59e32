/* SPDX-License-Identifier: PostgreSQL */
/* Every message of the extension, and the only switch over the core's statuses. */
#include "hllset_pg.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* Input longer than this is cut in messages. */
#define SHOWN_BYTES 64

static const char *
status_detail(HllsetStatus status)
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
		case HLLSET_OK:
		case HLLSET_NEEDS_ROOM:
		case HLLSET_RAISES_PRECISION:
		case HLLSET_NOT_GRADED:
		case HLLSET_NOT_A_SET:
		case HLLSET_TOO_MANY_SOURCES:
			break;
	}
	elog(ERROR, "unexpected hllset status %d", (int) status);
}

/* Whether values of a type are read by this input function of ours: no name is looked up, as the schema is not known. */
static bool
reads_with(Oid type, PGFunction input)
{
	Oid function;
	Oid parameter;
	FmgrInfo flinfo;

	getTypeInputInfo(type, &function, &parameter);
	fmgr_info(function, &flinfo);
	return flinfo.fn_addr == input;
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
hllset_refuse_hex(fmNodePtr escontext, const char *text)
{
	return refuse_input(escontext, "hllset", text,
						"A value is \"\\x\" and an even number of hexadecimal digits.");
}

Datum
hllset_refuse_text(fmNodePtr escontext, const char *text, HllsetStatus status)
{
	return refuse_input(escontext, "hllset", text, status_detail(status));
}

Datum
hllset_refuse_hash_text(fmNodePtr escontext, const char *text)
{
	return refuse_input(escontext, "hllhash", text, "A value is 16 hexadecimal digits.");
}

/* The value can't be brought to precision "to" in the wanted form. */
Datum
hllset_refuse_convert(fmNodePtr escontext, HllsetStatus status, HllsetBytes value, int to)
{
	HllsetInfo info = hllset_inspect(value);

	if (status == HLLSET_RAISES_PRECISION)
		HLLSET_SOFT_ERROR(
			escontext, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("cannot raise hllset precision from %d to %d", info.precision, to),
						errhint("Build the set with precision %d.", to)));
	if (status == HLLSET_NOT_A_SET)
		HLLSET_SOFT_ERROR(
			escontext,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("cannot turn an hllset %s into type hllset(%d, compact)",
					info.kind == HLLSET_SAMPLE ? "sample" : "expression", to),
			 errhint(
				 "Use type hllset, or turn the sets that it was made from into compact ones.")));
	if (status == HLLSET_NOT_GRADED && info.kind != HLLSET_SET)
		HLLSET_SOFT_ERROR(
			escontext,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("cannot turn an hllset expression with a compact set into type hllset(%d)", to),
			 errhint("Use type hllset.")));
	if (status == HLLSET_NOT_GRADED)
		HLLSET_SOFT_ERROR(escontext,
						  (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						   errmsg("cannot turn a compact hllset into type hllset(%d)", to),
						   errhint("Use type hllset(%d, compact) or hllset.", to)));
	hllset_report(status);
}

void
hllset_refuse_binary(HllsetStatus status)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
					errmsg("invalid binary format for type hllset"),
					errdetail("%s", status_detail(status))));
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
					errdetail("%s", status_detail(status))));
}

void
hllset_refuse_bits(void)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("an hllset expression or sample has no bits of its own"),
					errhint("Show the bits of the sets that it was made from.")));
}

void
hllset_check_precision(int precision)
{
	if (precision < HLLSET_MIN_PRECISION || precision > HLLSET_MAX_PRECISION)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("hllset precision %d is out of range", precision),
						errdetail("The precision must be between %d and %d.", HLLSET_MIN_PRECISION,
								  HLLSET_MAX_PRECISION)));
}

void
hllset_refuse_modifier(const char *word)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("invalid type modifier for type hllset: \"%s\"", shown(word)),
					errhint("Write hllset(precision) or hllset(precision, compact).")));
}

void
hllset_refuse_null_precision(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("hllset precision must not be null"),
			 errhint("Leave the argument out for precision %d.", HLLSET_DEFAULT_PRECISION)));
}

void
hllset_refuse_confidence(void)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("confidence must be greater than 0 and less than 1")));
}

void
hllset_refuse_type(Oid type)
{
	const char *hint = "Cast the element to text.";

	if (!OidIsValid(type))
		ereport(ERROR, (errcode(ERRCODE_INDETERMINATE_DATATYPE),
						errmsg("could not determine the type of an element of an hllset")));
	if (reads_with(type, hllset_in))
		hint = "To unite sets, use hll_union or hll_union_agg.";
	else if (reads_with(type, hllset_hllhash_in))
		hint = "To add a hash, use hll_add or hll_add_agg.";

	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("type %s is not supported as an element of an hllset", format_type_be(type)),
			 errhint("%s", hint)));
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
