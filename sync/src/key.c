/* SPDX-License-Identifier: PostgreSQL */
/* Keys and sketches as bytes that cross the wire: for each column a length in network order, -1 for NULL, and the bytes. */
#include "hllset_sync.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"

/* Their send functions convert to the client's encoding, which must not matter here. */
static bool
is_text(const SyncColumn *column)
{
	return column->type == TEXTOID || column->type == VARCHAROID;
}

static void
append_length(StringInfo buffer, int32 length)
{
	uint32 word = pg_hton32((uint32) length);

	appendBinaryStringInfo(buffer, (char *) &word, sizeof(word));
}

static void
append_value(StringInfo buffer, SyncColumn *column, Datum value)
{
	bytea *bytes =
		is_text(column) ? DatumGetByteaPP(value) : SendFunctionCall(&column->send, value);

	append_length(buffer, VARSIZE_ANY_EXHDR(bytes));
	appendBinaryStringInfo(buffer, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
}

bytea *
sync_pack(SyncColumn *columns, int count, const Datum *values, const bool *nulls)
{
	StringInfoData buffer;

	initStringInfo(&buffer);
	appendStringInfoSpaces(&buffer, VARHDRSZ);
	for (int i = 0; i < count; i++)
	{
		if (nulls != NULL && nulls[i])
			append_length(&buffer, -1);
		else
			append_value(&buffer, &columns[i], values[i]);
	}
	SET_VARSIZE(buffer.data, buffer.len);
	return (bytea *) buffer.data;
}

static void
refuse(const SyncColumn *column, const char *why)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
					errmsg("a peer sent an invalid value for column \"%s\"", column->name),
					errdetail_internal("%s", why)));
}

/* Also keeps out sketches of another precision, which the column would fold. */
static bool
is_canonical(SyncColumn *column, Datum value, const char *data, int length)
{
	bytea *bytes = SendFunctionCall(&column->send, value);

	return (int) (VARSIZE(bytes) - VARHDRSZ) == length && memcmp(VARDATA(bytes), data, length) == 0;
}

static Datum
read_value(SyncColumn *column, char *data, int length)
{
	StringInfoData buffer;
	Datum value;

	if (is_text(column))
	{
		pg_verify_mbstr(GetDatabaseEncoding(), data, length, false);
		return PointerGetDatum(cstring_to_text_with_len(data, length));
	}
	buffer.data = data;
	buffer.len = length;
	buffer.maxlen = length;
	buffer.cursor = 0;
	value = ReceiveFunctionCall(&column->receive, &buffer, column->receive_param, column->typmod);
	if (buffer.cursor != length)
		refuse(column, "Bytes are left over.");
	if (!is_canonical(column, value, data, length))
		refuse(column, "It is not in its canonical form, or of another precision.");
	return value;
}

void
sync_unpack(const bytea *packed, SyncColumn *columns, int count, Datum *values, bool *nulls)
{
	char *data = VARDATA_ANY(packed);
	int left = VARSIZE_ANY_EXHDR(packed);

	for (int i = 0; i < count; i++)
	{
		uint32 word;
		int32 length;

		if (left < (int) sizeof(word))
			refuse(&columns[i], "The bytes end before its length.");
		memcpy(&word, data, sizeof(word));
		length = (int32) pg_ntoh32(word);
		data += sizeof(word);
		left -= sizeof(word);
		if (length > left || length < (nulls != NULL ? -1 : 0))
			refuse(&columns[i], length > left ? "The bytes end before the value does."
											  : "Its length is negative.");
		if (nulls != NULL)
			nulls[i] = length < 0;
		values[i] = (Datum) 0;
		if (length >= 0)
		{
			values[i] = read_value(&columns[i], data, length);
			data += length;
			left -= length;
		}
	}
	if (left != 0)
		refuse(&columns[count - 1], "Bytes follow the last value.");
}
