/* SPDX-License-Identifier: PostgreSQL */
/* One statement, alike at this node and at a peer: here by SPI, there in the binary form of the same parameters and columns. */
#include "link/link.h"

#include "nodes/parsenodes.h"
#include "utils/datum.h"

/* All rows of the last statement, as they outlive its transaction. */
static List *
copy_rows(int ncolumns)
{
	TupleDesc columns = SPI_tuptable->tupdesc;
	List *rows = NIL;

	Assert(columns->natts == ncolumns);
	for (uint64 i = 0; i < SPI_tuptable->numvals; i++)
	{
		NullableDatum *row = palloc(ncolumns * sizeof(NullableDatum));

		for (int j = 0; j < ncolumns; j++)
		{
			Form_pg_attribute column = TupleDescAttr(columns, j);

			row[j].value = sync_field(i, j + 1, &row[j].isnull);
			if (!row[j].isnull && column->attlen == -1)
				row[j].value = PointerGetDatum(PG_DETOAST_DATUM_COPY(row[j].value));
			else if (!row[j].isnull)
				row[j].value = datumCopy(row[j].value, column->attbyval, column->attlen);
		}
		rows = lappend(rows, row);
	}
	return rows;
}

static List *
call_here(SyncStatement *statement, const SyncValue *values)
{
	MemoryContext caller = CurrentMemoryContext;
	List *rows;

	sync_begin(NULL);
	sync_local_call = true;
	PG_TRY();
	{
		/* The role of a round needs no rights on the functions; they act as the owners of the tables. */
		SyncUser user = sync_enter_catalog();

		/* The plan is kept by the session, and generic: one made for its values would hold copies of a whole batch. */
		if (statement->plan == NULL)
		{
			SPIPlanPtr plan = sync_prepare_with(statement->sql, values, CURSOR_OPT_GENERIC_PLAN);

			SPI_keepplan(plan);
			statement->plan = plan;
		}
		sync_execute_plan(statement->plan, values, 0);
		sync_leave(user);
	}
	PG_FINALLY();
	{
		sync_local_call = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	rows = copy_rows(statement->ncolumns);
	sync_commit();
	return rows;
}

List *
sync_call(SyncEnd *end, SyncStatement *statement, const SyncValue *values)
{
	end->asked = statement;
	return end->wire == NULL ? call_here(statement, values)
							 : sync_wire_execute(end->wire, statement, values);
}

int
sync_try_call(SyncEnd *end, SyncStatement *statement, const SyncValue *values, List **rows)
{
	MemoryContext caller = CurrentMemoryContext;
	volatile int sqlstate = 0;

	*rows = NIL;
	PG_TRY();
	{
		*rows = sync_call(end, statement, values);
	}
	PG_CATCH();
	{
		sqlstate = geterrcode();
		/* Not what is wrong with an end, but where it is. */
		if ((sqlstate != ERRCODE_SYNC_HISTORY && sqlstate != ERRCODE_SYNC_FLOOR &&
			 sqlstate != ERRCODE_SYNC_ATTEMPTS) ||
			(end->wire != NULL && end->wire->state != SYNC_WIRE_READY))
			PG_RE_THROW();
		MemoryContextSwitchTo(caller);
		FlushErrorState();
		if (end->wire == NULL)
			sync_abort();
	}
	PG_END_TRY();
	return sqlstate;
}

/* ---- what answers are read with ---- */

void
sync_refuse_answer(SyncEnd *end, const char *why)
{
	if (end->wire != NULL)
		end->wire->state = SYNC_WIRE_SPOILED;
	ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
					errmsg("answer of %s() makes no sense: %s", end->asked->function, why)));
}

void
sync_refuse_nulls(SyncEnd *end, const NullableDatum *row, int count)
{
	for (int i = 0; i < count; i++)
		if (row[i].isnull)
			sync_refuse_answer(end, "a value is missing");
}

SyncToken
sync_read_token(SyncEnd *end, NullableDatum seq, NullableDatum nonce)
{
	SyncToken token = {.seq = DatumGetInt64(seq.value), .has_nonce = !nonce.isnull};

	if (token.seq < 0 || token.has_nonce != (token.seq > 0))
		sync_refuse_answer(end, "a place in the history without its nonce");
	if (token.has_nonce)
		token.nonce = *DatumGetUUIDP(nonce.value);
	return token;
}

SyncValue
sync_column_array(Oid type, const List *rows, int from, int column)
{
	int count = list_length(rows) - from;
	Datum *datums = palloc((count + 1) * sizeof(Datum));
	bool *nulls = palloc(count + 1);

	for (int i = 0; i < count; i++)
	{
		const NullableDatum *row = list_nth(rows, from + i);

		datums[i] = row[column].value;
		nulls[i] = row[column].isnull;
	}
	return SYNC_ARRAY(type, datums, nulls, count);
}

void
sync_check_sets(int count)
{
	if (count > sync_max_sets)
		ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
						errmsg("there are more than %d sets at one end of the link", sync_max_sets),
						errhint("Raise hllset_sync.max_sets.")));
}

/* Whatever is told of sets begins with their names. */
static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char **) lfirst((const ListCell *) a), *(char **) lfirst((const ListCell *) b));
}

void *
sync_find_name(const List *list, const char *name)
{
	ListCell wanted = {.ptr_value = &name};
	ListCell *found = NULL;

	if (list != NIL)
		found =
			bsearch(&wanted, list->elements, list_length(list), sizeof(ListCell), compare_names);
	return found == NULL ? NULL : lfirst(found);
}
