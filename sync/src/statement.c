/* SPDX-License-Identifier: PostgreSQL */
/* SPI with errors instead of codes. */
#include "hllset_sync.h"

#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

static uint64
checked(int code, const char *sql)
{
	if (code < 0)
		elog(ERROR, "%s in: %s", SPI_result_code_string(code), sql);
	return SPI_processed;
}

uint64
sync_execute(const char *sql, int nargs, const Oid *types, const Datum *values, const char *nulls,
			 bool read_only)
{
	return checked(SPI_execute_with_args(sql, nargs, unconstify(Oid *, types),
										 unconstify(Datum *, values), nulls, read_only, 0),
				   sql);
}

uint64
sync_run(const char *format, ...)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (;;)
	{
		va_list arguments;
		int needed;

		va_start(arguments, format);
		needed = appendStringInfoVA(&sql, format, arguments);
		va_end(arguments);
		if (needed == 0)
			break;
		enlargeStringInfo(&sql, needed);
	}
	return checked(SPI_execute(sql.data, false, 0), sql.data);
}

Datum
sync_field(uint64 row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, isnull);
}

/* Internal tables belong to users, who may have altered them: a value of another type must not be taken for this one. */
void
sync_expect(int column, Oid type)
{
	if (SPI_gettypeid(SPI_tuptable->tupdesc, column) != type)
		ereport(
			ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("an internal table of hllset_sync was altered: column %s is of type %s, not %s",
					SPI_fname(SPI_tuptable->tupdesc, column),
					format_type_be(SPI_gettypeid(SPI_tuptable->tupdesc, column)),
					format_type_be(type))));
}

Portal
sync_open(const char *sql, int nargs, const Oid *types, const Datum *values)
{
	SPIPlanPtr plan = SPI_prepare(sql, nargs, unconstify(Oid *, types));

	if (plan == NULL)
		elog(ERROR, "%s in: %s", SPI_result_code_string(SPI_result), sql);
	return SPI_cursor_open(NULL, plan, unconstify(Datum *, values), NULL, false);
}

uint64
sync_fetch(Portal portal, long count)
{
	SPI_cursor_fetch(portal, true, count);
	return SPI_processed;
}
