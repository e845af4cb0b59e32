/* SPDX-License-Identifier: PostgreSQL */
/* The type hllhash, the 64-bit hash of an element, and hll_hash, which makes it, with or without a key. Its order is that of unsigned numbers. */
#include "hllset_pg.h"

#include "common/hashfn.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

#define DIGITS 16

PG_FUNCTION_INFO_V1(hllset_hllhash_in);
PG_FUNCTION_INFO_V1(hllset_hllhash_out);
PG_FUNCTION_INFO_V1(hllset_hllhash_recv);
PG_FUNCTION_INFO_V1(hllset_hllhash_send);
PG_FUNCTION_INFO_V1(hllset_hllhash_eq);
PG_FUNCTION_INFO_V1(hllset_hllhash_ne);
PG_FUNCTION_INFO_V1(hllset_hllhash_lt);
PG_FUNCTION_INFO_V1(hllset_hllhash_le);
PG_FUNCTION_INFO_V1(hllset_hllhash_gt);
PG_FUNCTION_INFO_V1(hllset_hllhash_ge);
PG_FUNCTION_INFO_V1(hllset_hllhash_cmp);
PG_FUNCTION_INFO_V1(hllset_hllhash_hashcode);
PG_FUNCTION_INFO_V1(hllset_hllhash_hashcode_extended);
PG_FUNCTION_INFO_V1(hllset_hash_any);
PG_FUNCTION_INFO_V1(hllset_hash_any_keyed);

Datum
hllset_hllhash_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);

	if (strlen(text) != DIGITS || strspn(text, "0123456789abcdefABCDEF") != DIGITS)
		return hllset_refuse_hash_text(HLLSET_ESCONTEXT(fcinfo), text);
	return UInt64GetDatum(strtoull(text, NULL, 16));
}

Datum
hllset_hllhash_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(psprintf("%016llx", (unsigned long long) DatumGetUInt64(PG_GETARG_DATUM(0))));
}

Datum
hllset_hllhash_recv(PG_FUNCTION_ARGS)
{
	return UInt64GetDatum(pq_getmsgint64((StringInfo) PG_GETARG_POINTER(0)));
}

Datum
hllset_hllhash_send(PG_FUNCTION_ARGS)
{
	StringInfoData message;

	pq_begintypsend(&message);
	pq_sendint64(&message, DatumGetUInt64(PG_GETARG_DATUM(0)));
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}

static int
compare(FunctionCallInfo fcinfo)
{
	uint64 a = DatumGetUInt64(PG_GETARG_DATUM(0));
	uint64 b = DatumGetUInt64(PG_GETARG_DATUM(1));

	return (a > b) - (a < b);
}

Datum
hllset_hllhash_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) == 0);
}

Datum
hllset_hllhash_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) != 0);
}

Datum
hllset_hllhash_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) < 0);
}

Datum
hllset_hllhash_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) <= 0);
}

Datum
hllset_hllhash_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) > 0);
}

Datum
hllset_hllhash_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) >= 0);
}

Datum
hllset_hllhash_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare(fcinfo));
}

Datum
hllset_hllhash_hashcode(PG_FUNCTION_ARGS)
{
	uint64 hash = DatumGetUInt64(PG_GETARG_DATUM(0));

	return hash_any((unsigned char *) &hash, sizeof(hash));
}

Datum
hllset_hllhash_hashcode_extended(PG_FUNCTION_ARGS)
{
	uint64 hash = DatumGetUInt64(PG_GETARG_DATUM(0));

	return hash_any_extended((unsigned char *) &hash, sizeof(hash), PG_GETARG_INT64(1));
}

Datum
hllset_hash_any(PG_FUNCTION_ARGS)
{
	return UInt64GetDatum(hllset_hash_argument(fcinfo, 0));
}

/* A key that was not found must not make an empty set, whatever there is to hash. */
Datum
hllset_hash_any_keyed(PG_FUNCTION_ARGS)
{
	bytea *key;

	if (PG_ARGISNULL(1))
		hllset_refuse_null_key();
	key = PG_GETARG_BYTEA_PP(1);
	if (VARSIZE_ANY_EXHDR(key) != HLLSET_HASH_KEY_SIZE)
		hllset_refuse_key(VARSIZE_ANY_EXHDR(key));
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	return UInt64GetDatum(hllset_hash_keyed(fcinfo, 0, (const uint8 *) VARDATA_ANY(key)));
}
