/* SPDX-License-Identifier: PostgreSQL */
/* The 128-bit content id of a row's sketches, by which a change is told from a rewrite. */
#include "common/common.h"

#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "port/pg_bswap.h"

PG_FUNCTION_INFO_V1(hllset_sync_row_digest);

void
sync_digester_init(SyncDigester *digester, MemoryContext context)
{
	fmgr_info_cxt(sync_hllset_function(SYNC_KIND), &digester->kind, context);
	fmgr_info_cxt(sync_hllset_function(SYNC_DIGEST), &digester->digest, context);
}

static bool
is_plain_set(SyncDigester *digester, Datum value)
{
	text *kind = DatumGetTextPP(FunctionCall1(&digester->kind, value));

	return VARSIZE_ANY_EXHDR(kind) == 3 && memcmp(VARDATA_ANY(kind), "set", 3) == 0;
}

/* One sketch: its own content id. Several, or NULLs: a hash of the ids, each after a byte that says whether there is one. */
bool
sync_digest(SyncDigester *digester, const SyncValue *sketches, int count, pg_uuid_t *digest)
{
	StringInfoData ids;
	uint64 halves[2];

	initStringInfo(&ids);
	for (int i = 0; i < count; i++)
	{
		appendStringInfoChar(&ids, sketches[i].isnull ? 0 : 1);
		if (!sketches[i].isnull)
		{
			Datum value = PointerGetDatum(PG_DETOAST_DATUM(sketches[i].value));

			if (!is_plain_set(digester, value))
				return false;
			appendBinaryStringInfo(
				&ids, (char *) DatumGetUUIDP(FunctionCall1(&digester->digest, value))->data,
				UUID_LEN);
		}
	}
	if (ids.len == 1 + UUID_LEN)
	{
		memcpy(digest->data, ids.data + 1, UUID_LEN);
		return true;
	}
	for (int i = 0; i < 2; i++)
		halves[i] = pg_hton64(hash_bytes_extended((unsigned char *) ids.data, ids.len, i + 1));
	memcpy(digest->data, halves, UUID_LEN);
	return true;
}

/* NULL if a value is no plain set. */
Datum
hllset_sync_row_digest(PG_FUNCTION_ARGS)
{
	SyncDigester *digester = fcinfo->flinfo->fn_extra;
	SyncValue values[FUNC_MAX_ARGS];
	pg_uuid_t *digest = palloc(sizeof(pg_uuid_t));

	if (digester == NULL)
	{
		for (int i = 0; i < PG_NARGS(); i++)
			if (!sync_is_hllset(get_fn_expr_argtype(fcinfo->flinfo, i)))
				ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
								errmsg("row_digest takes values of type hllset")));
		digester = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(SyncDigester));
		sync_digester_init(digester, fcinfo->flinfo->fn_mcxt);
		fcinfo->flinfo->fn_extra = digester;
	}
	for (int i = 0; i < PG_NARGS(); i++)
		values[i] = SYNC_GIVEN(InvalidOid, i);
	if (!sync_digest(digester, values, PG_NARGS(), digest))
		PG_RETURN_NULL();
	PG_RETURN_UUID_P(digest);
}
