/* SPDX-License-Identifier: PostgreSQL */
/* One statement, alike at this node and at a peer: here by SPI, there in the binary form of the same parameters and columns. */
#include "link/link.h"

#include "nodes/parsenodes.h"

/* ---- here ---- */

static void
hand_over_table(const SyncStatement *statement, SPITupleTable *table, SyncRow handle, void *state)
{
	Datum values[SYNC_MOST_COLUMNS];
	bool nulls[SYNC_MOST_COLUMNS];

	Assert(table->tupdesc->natts == statement->ncolumns);
	for (uint64 row = 0; row < table->numvals; row++)
	{
		heap_deform_tuple(table->vals[row], table->tupdesc, values, nulls);
		handle(state, values, nulls);
	}
}

/* Its plan is kept by the session, and generic: one made for its values would hold copies of a whole batch. */
static void
run_here(SyncStatement *statement, const SyncValue *values)
{
	if (statement->plan == NULL)
	{
		SPIPlanPtr plan = sync_prepare_with(statement->sql, values, CURSOR_OPT_GENERIC_PLAN);

		SPI_keepplan(plan);
		statement->plan = plan;
	}
	sync_execute_plan(statement->plan, values, 0);
}

static void
call_here(SyncStatement *statement, const SyncValue *values, SyncRow handle, void *state)
{
	MemoryContext caller = CurrentMemoryContext;
	SyncUser user;

	sync_begin(NULL);
	sync_local_call = true;
	PG_TRY();
	{
		/* The role of a round needs no rights on the functions; they act as the owners of the tables. */
		user = sync_enter_catalog();
		run_here(statement, values);
		sync_leave(user);
	}
	PG_FINALLY();
	{
		sync_local_call = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	hand_over_table(statement, SPI_tuptable, handle, state);
	sync_commit();
}

/* ---- there ---- */

typedef struct Receiver
{
	const SyncStatement *statement;
	MemoryContext context; /* of one row */
	SyncRow handle;
	void *state;
	FmgrInfo functions[SYNC_MOST_COLUMNS];
	int rows;
} Receiver;

static void
receive_row(void *arg, char *const *cells, const int *sizes)
{
	Receiver *receiver = arg;
	Datum values[SYNC_MOST_COLUMNS] = {0};
	bool nulls[SYNC_MOST_COLUMNS];
	MemoryContext caller = MemoryContextSwitchTo(receiver->context);

	if (++receiver->rows > receiver->statement->max_rows)
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("a peer's answer has more than %d rows", receiver->statement->max_rows)));
	for (int i = 0; i < receiver->statement->ncolumns; i++)
	{
		StringInfoData buffer = {.data = cells[i], .len = sizes[i], .maxlen = sizes[i] + 1};

		nulls[i] = sizes[i] < 0;
		if (nulls[i])
			continue;
		values[i] = ReceiveFunctionCall(&receiver->functions[i], &buffer, InvalidOid, -1);
		if (buffer.cursor != buffer.len)
			ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
							errmsg("incorrect binary data format in column %d of a peer's answer",
								   i + 1)));
	}
	MemoryContextSwitchTo(caller);
	receiver->handle(receiver->state, values, nulls);
	MemoryContextReset(receiver->context);
}

static void
send_values(SyncArguments *arguments, const SyncValue *values)
{
	for (; values->type != InvalidOid; values++)
	{
		int i = arguments->count++;
		Oid function;
		bool varlena;
		bytea *sent;

		if (i == SYNC_MOST_ARGUMENTS)
			elog(ERROR, "too many parameters");
		arguments->types[i] = values->type;
		if (values->isnull)
			continue;
		getTypeBinaryOutputInfo(values->type, &function, &varlena);
		sent = OidSendFunctionCall(function, values->value);
		arguments->cells[i] = VARDATA(sent);
		arguments->sizes[i] = VARSIZE(sent) - VARHDRSZ;
	}
}

static void
call_there(SyncWire *wire, const SyncStatement *statement, const SyncValue *values, SyncRow handle,
		   void *state)
{
	Receiver receiver = {.statement = statement, .handle = handle, .state = state};
	SyncArguments arguments = {0};
	Oid function, element;
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context =
		AllocSetContextCreate(caller, "hllset_sync call", ALLOCSET_DEFAULT_SIZES);

	MemoryContextSwitchTo(context);
	receiver.context = AllocSetContextCreate(context, "hllset_sync row", ALLOCSET_DEFAULT_SIZES);
	/* Functions of types are looked up, hence the transaction. */
	sync_begin(NULL);
	send_values(&arguments, values);
	for (int i = 0; i < statement->ncolumns; i++)
	{
		getTypeBinaryInputInfo(statement->columns[i], &function, &element);
		fmgr_info_cxt(function, &receiver.functions[i], context);
	}
	sync_commit();
	MemoryContextSwitchTo(caller);
	sync_wire_execute(wire, statement, &arguments, receive_row, &receiver);
	MemoryContextDelete(context);
}

void
sync_call(SyncEnd *end, SyncStatement *statement, const SyncValue *values, SyncRow handle,
		  void *state)
{
	if (end->wire == NULL)
		call_here(statement, values, handle, state);
	else
		call_there(end->wire, statement, values, handle, state);
}

int
sync_try_call(SyncEnd *end, SyncStatement *statement, const SyncValue *values, SyncRow handle,
			  void *state)
{
	MemoryContext caller = CurrentMemoryContext;
	volatile int sqlstate = 0;

	PG_TRY();
	{
		sync_call(end, statement, values, handle, state);
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
