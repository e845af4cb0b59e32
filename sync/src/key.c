/* SPDX-License-Identifier: PostgreSQL */
/* Keys and sketches as bytes that cross the wire: framed values (frame.h), each as its type sends it. */
#include "set.h"

#include "frame.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
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
	char bytes[SYNC_FRAME_LENGTH];

	sync_frame_write_length(length, bytes);
	appendBinaryStringInfo(buffer, bytes, SYNC_FRAME_LENGTH);
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
	SyncFrame frame = {VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed)};
	const char *problem;

	for (int i = 0; i < count; i++)
	{
		const char *data;
		int32 length;

		problem = sync_frame_read(&frame, nulls != NULL, &data, &length);
		if (problem != NULL)
			refuse(&columns[i], problem);
		if (nulls != NULL)
			nulls[i] = length < 0;
		values[i] = length < 0 ? (Datum) 0 : read_value(&columns[i], (char *) data, length);
	}
	problem = sync_frame_end(&frame);
	if (problem != NULL)
		refuse(&columns[count - 1], problem);
}
