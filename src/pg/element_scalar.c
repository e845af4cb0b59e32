/* SPDX-License-Identifier: PostgreSQL */
/*
 * Scalars to canonical bytes: numbers, text, enums, times, network addresses, bits. docs/format.md
 * says which bytes.
 *
 * Values are read where they lie, with short headers and without alignment; only compressed or
 * out-of-line ones are copied.
 */
#include "element.h"

#include <math.h>
#include <sys/socket.h>

#include "access/htup_details.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/float.h"
#include "utils/inet.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"
#include "utils/varbit.h"

/* The detoasted value, which is canonical's copy if it isn't the value itself. */
static struct varlena *
detoast(Datum value, HllsetCanonical *canonical)
{
	struct varlena *detoasted = PG_DETOAST_DATUM_PACKED(value);

	if ((Pointer) detoasted != DatumGetPointer(value))
		canonical->copy = detoasted;
	return detoasted;
}

/* ---- fixed width ---- */

static void
read_int2(Datum value, HllsetCanonical *canonical)
{
	int64 wide = DatumGetInt16(value);

	hllset_canonical_put(canonical, &wide, sizeof(wide));
}

static void
read_int4(Datum value, HllsetCanonical *canonical)
{
	int64 wide = DatumGetInt32(value);

	hllset_canonical_put(canonical, &wide, sizeof(wide));
}

static void
read_bool(Datum value, HllsetCanonical *canonical)
{
	uint8 byte = DatumGetBool(value);

	hllset_canonical_put(canonical, &byte, sizeof(byte));
}

/* A 4-byte value as it is. */
static void
read_4(Datum value, HllsetCanonical *canonical)
{
	int32 plain = DatumGetInt32(value);

	hllset_canonical_put(canonical, &plain, sizeof(plain));
}

/* An 8-byte value as it is. */
static void
read_8(Datum value, HllsetCanonical *canonical)
{
	int64 plain = DatumGetInt64(value);

	hllset_canonical_put(canonical, &plain, sizeof(plain));
}

/* A value passed by reference, its bytes as they are. */
static void
refer(Datum value, size_t size, HllsetCanonical *canonical)
{
	canonical->data = DatumGetPointer(value);
	canonical->size = size;
}

static void
read_uuid(Datum value, HllsetCanonical *canonical)
{
	refer(value, UUID_LEN, canonical);
}

static void
read_macaddr(Datum value, HllsetCanonical *canonical)
{
	refer(value, 6, canonical);
}

static void
read_macaddr8(Datum value, HllsetCanonical *canonical)
{
	refer(value, 8, canonical);
}

/* The local time, then the zone; without the padding at the end of the struct. */
static void
read_timetz(Datum value, HllsetCanonical *canonical)
{
	refer(value, offsetof(TimeTzADT, zone) + sizeof(int32), canonical);
}

static double
canonical_float(double value)
{
	if (isnan(value))
		return get_float8_nan();
	return value == 0 ? 0 : value;
}

static void
read_float4(Datum value, HllsetCanonical *canonical)
{
	double wide = canonical_float(DatumGetFloat4(value));

	hllset_canonical_put(canonical, &wide, sizeof(wide));
}

static void
read_float8(Datum value, HllsetCanonical *canonical)
{
	double plain = canonical_float(DatumGetFloat8(value));

	hllset_canonical_put(canonical, &plain, sizeof(plain));
}

/*
 * The span that = compares: a month is 30 days, a day 24 hours. Infinite intervals, which server 17
 * stores as the largest and smallest fields, need no case of their own.
 */
static void
read_interval(Datum value, HllsetCanonical *canonical)
{
	const Interval *interval = DatumGetIntervalP(value);
	int64 days = (int64) interval->month * DAYS_PER_MONTH + interval->day;
	int128 span = (int128) days * USECS_PER_DAY + interval->time;

	hllset_canonical_put(canonical, &span, sizeof(span));
}

/* ---- text ---- */

static bool
is_ascii(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (IS_HIGHBIT_SET(text[i]))
			return false;
	return true;
}

/*
 * Text of the database's encoding in UTF-8: the text itself, or a palloc'd copy. All server
 * encodings contain ASCII as it is.
 */
const char *
hllset_scalar_to_utf8(const char *text, size_t *size)
{
	char *converted;

	if (hllset_scalar_is_utf8() || is_ascii(text, *size))
		return text;
	converted = (char *) pg_do_encoding_conversion((unsigned char *) unconstify(char *, text),
												   (int) *size, GetDatabaseEncoding(), PG_UTF8);
	*size = strlen(converted);
	return converted;
}

static void
put_text(HllsetCanonical *canonical, const char *text, size_t size)
{
	const char *utf8 = hllset_scalar_to_utf8(text, &size);

	if (utf8 != text)
	{
		if (canonical->copy != NULL)
			pfree(canonical->copy);
		canonical->copy = unconstify(char *, utf8);
	}
	canonical->data = utf8;
	canonical->size = size;
}

static void
read_text(Datum value, HllsetCanonical *canonical)
{
	struct varlena *text = detoast(value, canonical);

	put_text(canonical, VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));
}

static void
read_bpchar(Datum value, HllsetCanonical *canonical)
{
	struct varlena *text = detoast(value, canonical);

	put_text(canonical, VARDATA_ANY(text),
			 bpchartruelen(VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text)));
}

static void
read_name(Datum value, HllsetCanonical *canonical)
{
	const char *name = NameStr(*DatumGetName(value));

	put_text(canonical, name, strlen(name));
}

static void
read_char(Datum value, HllsetCanonical *canonical)
{
	char byte = DatumGetChar(value);

	hllset_canonical_put(canonical, &byte, byte == '\0' ? 0 : 1);
}

/* The label is not kept: it may be renamed, and the server's own cache is nearly as quick. */
static void
read_enum(Datum value, HllsetCanonical *canonical)
{
	HeapTuple tuple = SearchSysCache1(ENUMOID, value);
	const char *label;
	size_t size;
	uint8 *room;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for enum value %u", DatumGetObjectId(value));
	label = NameStr(((Form_pg_enum) GETSTRUCT(tuple))->enumlabel);
	size = strlen(label);
	room = hllset_canonical_room(canonical, size);
	memcpy(room, label, size);
	ReleaseSysCache(tuple);
	put_text(canonical, (char *) room, size);
}

/* ---- bytes, bits, addresses ---- */

/*
 * The bytes of a bytea as they are. A bit string is stored as its canonical bytes too: its
 * length in bits, then the bits, padded with 0.
 */
static void
read_varlena(Datum value, HllsetCanonical *canonical)
{
	struct varlena *bytes = detoast(value, canonical);

	canonical->data = VARDATA_ANY(bytes);
	canonical->size = VARSIZE_ANY_EXHDR(bytes);
}

static void
read_inet(Datum value, HllsetCanonical *canonical)
{
	inet *address = (inet *) detoast(value, canonical);
	size_t size = ip_addrsize(address);
	uint8 room[2 + 16];

	room[0] = ip_family(address) == PGSQL_AF_INET ? 4 : 6;
	room[1] = ip_bits(address);
	memcpy(room + 2, ip_addr(address), size);
	hllset_canonical_put(canonical, room, 2 + size);
}

/* ---- hashes ---- */

/* Of any scalar. */
static uint64
hash_read(HllsetElement *element, Datum value)
{
	HllsetCanonical canonical;

	hllset_scalar_read(element->scalar, value, &canonical);
	return hllset_canonical_hash(&canonical);
}

static uint64
hash_int2(HllsetElement *element, Datum value)
{
	(void) element;
	return hllset_core_hash_word((uint64) (int64) DatumGetInt16(value), HLLSET_FAMILY_INTEGER);
}

static uint64
hash_int4(HllsetElement *element, Datum value)
{
	(void) element;
	return hllset_core_hash_word((uint64) (int64) DatumGetInt32(value), HLLSET_FAMILY_INTEGER);
}

static uint64
hash_int8(HllsetElement *element, Datum value)
{
	(void) element;
	return hllset_core_hash_word((uint64) DatumGetInt64(value), HLLSET_FAMILY_INTEGER);
}

static uint64
hash_double(double value)
{
	double canonical = canonical_float(value);
	uint64 word;

	memcpy(&word, &canonical, sizeof(word));
	return hllset_core_hash_word(word, HLLSET_FAMILY_FLOAT);
}

/* Of 8 bytes as they are. */
static uint64
hash_8(HllsetElement *element, Datum value)
{
	return hllset_core_hash_word((uint64) DatumGetInt64(value), element->scalar->family);
}

static uint64
hash_float4(HllsetElement *element, Datum value)
{
	(void) element;
	return hash_double(DatumGetFloat4(value));
}

static uint64
hash_float8(HllsetElement *element, Datum value)
{
	(void) element;
	return hash_double(DatumGetFloat8(value));
}

/* Of 4 bytes as they are. */
static uint64
hash_4(HllsetElement *element, Datum value)
{
	int32 plain = DatumGetInt32(value);

	return hllset_core_hash(&plain, sizeof(plain), element->scalar->family);
}

static uint64
hash_uuid(HllsetElement *element, Datum value)
{
	(void) element;
	return hllset_core_hash(DatumGetPointer(value), UUID_LEN, HLLSET_FAMILY_UUID);
}

/* Where bytes lie plain they are hashed in place: neither compressed nor stored elsewhere. */
static uint64
hash_varlena(HllsetElement *element, Datum value)
{
	const struct varlena *bytes = (const struct varlena *) DatumGetPointer(value);

	if (VARATT_IS_EXTERNAL(bytes) || VARATT_IS_COMPRESSED(bytes))
		return hash_read(element, value);
	return hllset_core_hash(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), element->scalar->family);
}

static uint64
hash_text(HllsetElement *element, Datum value)
{
	return hllset_scalar_is_utf8() ? hash_varlena(element, value) : hash_read(element, value);
}

/* ---- which type is read how ---- */

const HllsetScalar hllset_scalar_enum = {InvalidOid, HLLSET_FAMILY_ENUM, read_enum, hash_read};

static const HllsetScalar scalars[] = {
	{INT2OID, HLLSET_FAMILY_INTEGER, read_int2, hash_int2},
	{INT4OID, HLLSET_FAMILY_INTEGER, read_int4, hash_int4},
	{INT8OID, HLLSET_FAMILY_INTEGER, read_8, hash_int8},
	{NUMERICOID, HLLSET_FAMILY_NUMERIC, hllset_numeric_read, hash_read},
	{FLOAT4OID, HLLSET_FAMILY_FLOAT, read_float4, hash_float4},
	{FLOAT8OID, HLLSET_FAMILY_FLOAT, read_float8, hash_float8},
	{TEXTOID, HLLSET_FAMILY_TEXT, read_text, hash_text},
	{VARCHAROID, HLLSET_FAMILY_TEXT, read_text, hash_text},
	{NAMEOID, HLLSET_FAMILY_TEXT, read_name, hash_read},
	{BPCHAROID, HLLSET_FAMILY_TEXT, read_bpchar, hash_read},
	{CHAROID, HLLSET_FAMILY_TEXT, read_char, hash_read},
	{BYTEAOID, HLLSET_FAMILY_BYTES, read_varlena, hash_varlena},
	{BOOLOID, HLLSET_FAMILY_BOOLEAN, read_bool, hash_read},
	{UUIDOID, HLLSET_FAMILY_UUID, read_uuid, hash_uuid},
	{DATEOID, HLLSET_FAMILY_DATE, read_4, hash_4},
	{TIMEOID, HLLSET_FAMILY_TIME, read_8, hash_8},
	{TIMETZOID, HLLSET_FAMILY_TIMETZ, read_timetz, hash_read},
	{TIMESTAMPOID, HLLSET_FAMILY_TIMESTAMP, read_8, hash_8},
	{TIMESTAMPTZOID, HLLSET_FAMILY_TIMESTAMPTZ, read_8, hash_8},
	{INTERVALOID, HLLSET_FAMILY_INTERVAL, read_interval, hash_read},
	{INETOID, HLLSET_FAMILY_INET, read_inet, hash_read},
	{CIDROID, HLLSET_FAMILY_INET, read_inet, hash_read},
	{MACADDROID, HLLSET_FAMILY_MACADDR, read_macaddr, hash_read},
	{MACADDR8OID, HLLSET_FAMILY_MACADDR8, read_macaddr8, hash_read},
	{BITOID, HLLSET_FAMILY_BITS, read_varlena, hash_varlena},
	{VARBITOID, HLLSET_FAMILY_BITS, read_varlena, hash_varlena},
	{MONEYOID, HLLSET_FAMILY_MONEY, read_8, hash_8},
	{OIDOID, HLLSET_FAMILY_OID, read_4, hash_4},
	{REGCLASSOID, HLLSET_FAMILY_OID, read_4, hash_4},
	{REGCOLLATIONOID, HLLSET_FAMILY_OID, read_4, hash_4},
	{REGCONFIGOID, HLLSET_FAMILY_OID, read_4, hash_4},
	{REGDICTIONARYOID, HLLSET_FAMILY_OID, read_4, hash_4},
	{REGNAMESPACEOID, HLLSET_FAMILY_OID, read_4, hash_4},
	{REGOPEROID, HLLSET_FAMILY_OID, read_4, hash_4},
	{REGOPERATOROID, HLLSET_FAMILY_OID, read_4, hash_4},
	{REGPROCOID, HLLSET_FAMILY_OID, read_4, hash_4},
	{REGPROCEDUREOID, HLLSET_FAMILY_OID, read_4, hash_4},
	{REGROLEOID, HLLSET_FAMILY_OID, read_4, hash_4},
	{REGTYPEOID, HLLSET_FAMILY_OID, read_4, hash_4},
};

/* NULL if the type is no scalar that can be hashed. Enums are not found here. */
const HllsetScalar *
hllset_scalar_find(Oid type)
{
	for (size_t i = 0; i < lengthof(scalars); i++)
		if (scalars[i].type == type)
			return &scalars[i];
	return NULL;
}
