/* SPDX-License-Identifier: PostgreSQL */
/* Keys and sketches as bytes that cross the wire: framed values (frame.h), each as its type sends it. */
#include "common/common.h"

#include "common/frame.h"

#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"

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
		values[i] = (SyncValue){columns[i].type, true, 0};
	return values;
}

void
sync_read_values(uint64 row, int first, const SyncColumn *columns, int count, bool nullable,
				 SyncValue *values)
{
	for (int i = 0; i < count; i++)
		values[i] = nullable && sync_is_null(row, first + i)
						? (SyncValue){columns[i].type, true, 0}
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
