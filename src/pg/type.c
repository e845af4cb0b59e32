/* SPDX-License-Identifier: PostgreSQL */
/* The type hllset: text and binary forms, type modifiers, casts. */
#include "hllset_pg.h"

#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/builtins.h"

/* A type modifier is the precision and, in the next bit, whether the set is compact. */
#define TYPMOD_PRECISION 0x1F
#define TYPMOD_COMPACT 0x20

PG_FUNCTION_INFO_V1(hllset_in);
PG_FUNCTION_INFO_V1(hllset_out);
PG_FUNCTION_INFO_V1(hllset_recv);
PG_FUNCTION_INFO_V1(hllset_send);
PG_FUNCTION_INFO_V1(hllset_typmod_in);
PG_FUNCTION_INFO_V1(hllset_typmod_out);
PG_FUNCTION_INFO_V1(hllset_coerce);
PG_FUNCTION_INFO_V1(hllset_from_bytea);
PG_FUNCTION_INFO_V1(hllset_fold);

/* An expanded set that has the precision and form already. */
static bool
fits_expanded(Datum original, int precision, HllsetForm form)
{
	const HllsetState *state = hllset_expanded_state(original);

	return state != NULL && hllset_core_accum_precision(state->accum) == precision &&
		   (form == HLLSET_AS_IT_IS ||
			hllset_core_accum_is_compact(state->accum) == (form == HLLSET_COMPACT));
}

/* The value in another precision and form; the original datum if it fits already. */
static Datum
convert(fmNodePtr escontext, Datum original, int precision, HllsetForm form)
{
	HllsetPlan plan;
	HllsetBytes bytes;
	HllsetBytes result;
	HllsetStatus status;

	if (fits_expanded(original, precision, form))
		return original;
	bytes = hllset_bytes(DatumGetHllset(original));
	CHECK_FOR_INTERRUPTS();
	status = hllset_make(&plan, hllset_core_plan_convert(&plan, bytes, precision, form), &result);
	if (status != HLLSET_OK)
		return hllset_refuse_convert(escontext, status, bytes, precision, form);
	return hllset_same(bytes, result) ? original : hllset_new(result);
}

/* Refuses what hllset_typmod_in never returns; -1 means that there is none. */
static void
check_typmod(int32 typmod)
{
	if ((typmod & ~(TYPMOD_PRECISION | TYPMOD_COMPACT)) != 0)
		hllset_refuse_modifier(psprintf("%d", typmod));
	hllset_check_precision(typmod & TYPMOD_PRECISION);
}

static Datum
apply_typmod(fmNodePtr escontext, Datum original, int32 typmod)
{
	if (typmod == -1)
		return original;
	check_typmod(typmod);
	return convert(escontext, original, typmod & TYPMOD_PRECISION,
				   typmod & TYPMOD_COMPACT ? HLLSET_COMPACT : HLLSET_GRADED);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

Hllset *
hllset_from_hex(const char *text)
{
	size_t digits;
	Hllset *set;

	if (text[0] != '\\' || text[1] != 'x')
		return NULL;
	text += 2;
	digits = strlen(text);
	if (digits % 2 != 0)
		return NULL;
	set = palloc(VARHDRSZ + digits / 2);
	SET_VARSIZE(set, VARHDRSZ + digits / 2);
	for (size_t i = 0; i < digits; i += 2)
	{
		int high;
		int low;

		if (i % (1 << 20) == 0)
			CHECK_FOR_INTERRUPTS();
		high = hex_digit(text[i]);
		low = hex_digit(text[i + 1]);

		if (high < 0 || low < 0)
			return NULL;
		set->body[i / 2] = (uint8) (high << 4 | low);
	}
	return set;
}

Datum
hllset_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	fmNodePtr escontext = HLLSET_ESCONTEXT(fcinfo);
	Hllset *set = hllset_from_hex(text);
	HllsetStatus status;

	if (set == NULL)
		return hllset_refuse_hex(escontext, "hllset", text);
	status = hllset_core_check(hllset_bytes(set), NULL);
	if (status != HLLSET_OK)
		return hllset_refuse_text(escontext, "hllset", text, status);
	return apply_typmod(escontext, PointerGetDatum(set), PG_GETARG_INT32(2));
}

char *
hllset_to_hex(HllsetBytes bytes)
{
	char *text = palloc(2 * bytes.size + 3);

	text[0] = '\\';
	text[1] = 'x';
	hex_encode((const char *) bytes.data, bytes.size, text + 2);
	text[2 * bytes.size + 2] = '\0';
	return text;
}

Datum
hllset_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(hllset_to_hex(hllset_bytes(PG_GETARG_HLLSET(0))));
}

static Datum
check_binary(HllsetBytes bytes)
{
	HllsetStatus status;

	CHECK_FOR_INTERRUPTS();
	status = hllset_core_check(bytes, NULL);
	if (status != HLLSET_OK)
		hllset_refuse_binary("hllset", status);
	return hllset_new(bytes);
}

Datum
hllset_recv(PG_FUNCTION_ARGS)
{
	StringInfo message = (StringInfo) PG_GETARG_POINTER(0);
	int size = message->len - message->cursor;
	HllsetBytes bytes = {(const uint8 *) pq_getmsgbytes(message, size), size};

	return apply_typmod(NULL, check_binary(bytes), PG_GETARG_INT32(2));
}

Datum
hllset_send(PG_FUNCTION_ARGS)
{
	HllsetBytes bytes = hllset_bytes(PG_GETARG_HLLSET(0));
	StringInfoData message;

	pq_begintypsend(&message);
	pq_sendbytes(&message, (const char *) bytes.data, (int) bytes.size);
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}

static int
parse_precision(const char *word)
{
	char *end;
	long value = strtol(word, &end, 10);

	if (*word == '\0' || *end != '\0' || value != (int) value)
		hllset_refuse_modifier(word);
	hllset_check_precision((int) value);
	return (int) value;
}

Datum
hllset_typmod_in(PG_FUNCTION_ARGS)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(0);
	Datum *words;
	int count;
	int32 typmod;

	deconstruct_array(array, CSTRINGOID, -2, false, TYPALIGN_CHAR, &words, NULL, &count);
	if (count < 1)
		hllset_refuse_modifier("");
	typmod = parse_precision(DatumGetCString(words[0]));
	if (count > 2)
		hllset_refuse_modifier(DatumGetCString(words[2]));
	if (count == 2)
	{
		if (strcmp(DatumGetCString(words[1]), "compact") != 0)
			hllset_refuse_modifier(DatumGetCString(words[1]));
		typmod |= TYPMOD_COMPACT;
	}
	PG_RETURN_INT32(typmod);
}

Datum
hllset_typmod_out(PG_FUNCTION_ARGS)
{
	int32 typmod = PG_GETARG_INT32(0);

	if (typmod == -1)
		PG_RETURN_CSTRING(pstrdup(""));
	check_typmod(typmod);
	PG_RETURN_CSTRING(
		psprintf("(%d%s)", typmod & TYPMOD_PRECISION, typmod & TYPMOD_COMPACT ? ",compact" : ""));
}

/* The length coercion: to the precision and form of a type modifier. */
Datum
hllset_coerce(PG_FUNCTION_ARGS)
{
	return apply_typmod(NULL, PG_GETARG_DATUM(0), PG_GETARG_INT32(1));
}

Datum
hllset_from_bytea(PG_FUNCTION_ARGS)
{
	return check_binary(hllset_bytes(PG_GETARG_HLLSET(0)));
}

Datum
hllset_fold(PG_FUNCTION_ARGS)
{
	int precision = PG_GETARG_INT32(1);

	hllset_check_precision(precision);
	return convert(NULL, PG_GETARG_DATUM(0), precision, HLLSET_AS_IT_IS);
}
