/* SPDX-License-Identifier: PostgreSQL */
/*
 * Keys and sketches as bytes that cross the wire: framed values (frame.h), each as its type sends it. And the 128-bit content id of a row's sketches, by
 * which a change is told from a rewrite.
 */
#include "common/common.h"

#include "common/frame.h"

#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "port/pg_bswap.h"

PG_FUNCTION_INFO_V1(hllset_sync_row_digest);

/* Their send functions convert to the client's encoding, which must not matter here. */
static bool
is_text(const SyncColumn *column)
{
	return column->type == TEXTOID || column->type == VARCHAROID;
}

SyncValue *
sync_column_values(const SyncColumn *columns, int count, int more)
{
	SyncValue *values = palloc0((count + more + 1) * sizeof(SyncValue));

	for (int i = 0; i < count; i++)
		values[i] = SYNC_NULL(columns[i].type);
	return values;
}

void
sync_read_values(uint64 row, int first, const SyncColumn *columns, int count, bool nullable,
				 SyncValue *values)
{
	for (int i = 0; i < count; i++)
		values[i] = nullable && sync_is_null(row, first + i)
						? SYNC_NULL(columns[i].type)
						: SYNC_VALUE(columns[i].type, sync_value(row, first + i, columns[i].type));
}

bytea *
sync_pack(SyncColumn *columns, int count, const SyncValue *values)
{
	StringInfoData buffer;

	pq_begintypsend(&buffer);
	for (int i = 0; i < count; i++)
	{
		Datum value = values[i].value;
		bytea *bytes;

		if (values[i].isnull)
		{
			pq_sendint32(&buffer, -1);
			continue;
		}
		bytes = is_text(&columns[i]) ? DatumGetByteaPP(value)
									 : SendFunctionCall(&columns[i].send, value);
		pq_sendint32(&buffer, VARSIZE_ANY_EXHDR(bytes));
		appendBinaryStringInfo(&buffer, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
	}
	return pq_endtypsend(&buffer);
}

static void
refuse(const SyncColumn *column, const char *why)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
					errmsg("a peer sent an invalid value for column \"%s\"", column->name),
					errdetail_internal("%s", why)));
}

static Datum
read_value(SyncColumn *column, char *data, int length)
{
	StringInfoData buffer = {.data = data, .len = length, .maxlen = length};
	bytea *sent;
	Datum value;

	if (is_text(column))
	{
		pg_verify_mbstr(GetDatabaseEncoding(), data, length, false);
		return PointerGetDatum(cstring_to_text_with_len(data, length));
	}
	value = ReceiveFunctionCall(&column->receive, &buffer, column->type, column->typmod);
	if (buffer.cursor != length)
		refuse(column, "Bytes are left over.");
	/* Also keeps out sketches of another precision, which the column would fold. */
	sent = SendFunctionCall(&column->send, value);
	if ((int) VARSIZE_ANY_EXHDR(sent) != length || memcmp(VARDATA(sent), data, length) != 0)
		refuse(column, "It is not in its canonical form, or of another precision.");
	return value;
}

void
sync_unpack(const bytea *packed, SyncColumn *columns, int count, bool nullable, SyncValue *values)
{
	SyncFrame frame = {VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed)};
	const char *problem;

	for (int i = 0; i < count; i++)
	{
		const char *data;
		int32 length;

		problem = sync_frame_read(&frame, nullable, &data, &length);
		if (problem != NULL)
			refuse(&columns[i], problem);
		values[i] = (SyncValue){columns[i].type, length < 0, 0};
		if (length >= 0)
			values[i].value = read_value(&columns[i], (char *) data, length);
	}
	problem = sync_frame_end(&frame);
	if (problem != NULL)
		refuse(&columns[count - 1], problem);
}

/* ---- content ids ---- */

void
sync_digester_init(SyncDigester *digester, MemoryContext context)
{
	fmgr_info_cxt(sync_hllset_function(SYNC_KIND), &digester->kind, context);
	fmgr_info_cxt(sync_hllset_function(SYNC_DIGEST), &digester->digest, context);
}

pg_uuid_t
sync_hash(const void *bytes, int size)
{
	uint64 halves[2];
	pg_uuid_t hash;

	for (int i = 0; i < 2; i++)
		halves[i] = pg_hton64(hash_bytes_extended(bytes, size, i + 1));
	memcpy(hash.data, halves, UUID_LEN);
	return hash;
}

/* One sketch: its own content id. Several, or NULLs: a hash of the ids, each after a byte that says whether there is one. */
bool
sync_digest(SyncDigester *digester, const SyncValue *sketches, int count, pg_uuid_t *digest)
{
	StringInfoData ids;

	initStringInfo(&ids);
	for (int i = 0; i < count; i++)
	{
		Datum value;

		appendStringInfoChar(&ids, sketches[i].isnull ? 0 : 1);
		if (sketches[i].isnull)
			continue;
		value = PointerGetDatum(PG_DETOAST_DATUM(sketches[i].value));
		if (strcmp(TextDatumGetCString(FunctionCall1(&digester->kind, value)), "set") != 0)
			return false;
		appendBinaryStringInfo(
			&ids, (char *) DatumGetUUIDP(FunctionCall1(&digester->digest, value))->data, UUID_LEN);
	}
	if (ids.len == 1 + UUID_LEN)
		memcpy(digest->data, ids.data + 1, UUID_LEN);
	else
		*digest = sync_hash(ids.data, ids.len);
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
