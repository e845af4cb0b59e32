/* SPDX-License-Identifier: PostgreSQL */
/* One statement, alike at this node and at a peer: here by SPI, there in the binary form of the same parameters and columns. */
#include "link.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

/* The functions are builtin, so looking them up needs no catalog. */
typedef struct WireType
{
	Oid type;
	Oid send, receive; /* no receive: only a parameter */
} WireType;

static const WireType wire_types[] = {
	{BOOLOID, F_BOOLSEND, F_BOOLRECV},        {INT4OID, F_INT4SEND, F_INT4RECV},
	{INT8OID, F_INT8SEND, F_INT8RECV},        {UUIDOID, F_UUID_SEND, F_UUID_RECV},
	{TEXTOID, F_TEXTSEND, F_TEXTRECV},        {BYTEAOID, F_BYTEASEND, F_BYTEARECV},
	{TEXTARRAYOID, F_ARRAY_SEND, InvalidOid}, {INT4ARRAYOID, F_ARRAY_SEND, InvalidOid},
	{INT8ARRAYOID, F_ARRAY_SEND, InvalidOid}, {BYTEAARRAYOID, F_ARRAY_SEND, InvalidOid},
};

static const WireType *
wire_type(Oid type)
{
	for (size_t i = 0; i < lengthof(wire_types); i++)
		if (wire_types[i].type == type)
			return &wire_types[i];
	elog(ERROR, "type %u does not cross the wire", type);
}

/* ---- here ---- */

typedef struct KeptPlan
{
	const SyncStatement *statement;
	SPIPlanPtr plan;
} KeptPlan;

static void
hand_over_table(const SyncStatement *statement, SPITupleTable *table, SyncRow handle, void *state)
{
	Datum *values = palloc(Max(table->tupdesc->natts, 1) * sizeof(Datum));
	bool *nulls = palloc(Max(table->tupdesc->natts, 1) * sizeof(bool));

	Assert(table->tupdesc->natts == statement->ncolumns);
	for (uint64 row = 0; row < table->numvals; row++)
	{
		heap_deform_tuple(table->vals[row], table->tupdesc, values, nulls);
		handle(state, values, nulls);
	}
}

/* Kept by the session, and generic: a plan made for its values would hold copies of a whole batch. */
static SPIPlanPtr
plan_of(const SyncStatement *statement)
{
	static HTAB *plans = NULL;
	SPIPlanPtr *plan;
	bool found;

	if (plans == NULL)
	{
		HASHCTL control = {.keysize = sizeof(void *), .entrysize = sizeof(KeptPlan)};

		plans = hash_create("hllset_sync plans", 16, &control, HASH_ELEM | HASH_BLOBS);
	}
	plan = &((KeptPlan *) hash_search(plans, &statement, HASH_ENTER, &found))->plan;
	if (!found)
		*plan = NULL;
	if (*plan == NULL)
	{
		SPIPlanPtr prepared =
			SPI_prepare_cursor(statement->sql, statement->nargs, unconstify(Oid *, statement->args),
							   CURSOR_OPT_GENERIC_PLAN);

		if (prepared == NULL)
			elog(ERROR, "%s in: %s", SPI_result_code_string(SPI_result), statement->sql);
		SPI_keepplan(prepared);
		*plan = prepared;
	}
	return *plan;
}

static void
run_plan(const SyncStatement *statement, const Datum *values, const char *nulls)
{
	int code = SPI_execute_plan(plan_of(statement), unconstify(Datum *, values), nulls, false, 0);

	if (code < 0)
		elog(ERROR, "%s in: %s", SPI_result_code_string(code), statement->sql);
}

static void
call_here(const SyncStatement *statement, const Datum *values, const char *nulls, SyncRow handle,
		  void *state)
{
	MemoryContext caller = CurrentMemoryContext;
	SyncUser user;

	sync_begin(NULL);
	sync_local_call = true;
	PG_TRY();
	{
		/* The role of a round needs no rights on the functions; they act as the owners of the tables. */
		user = sync_enter_catalog();
		run_plan(statement, values, nulls);
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
	FmgrInfo functions[8];
	int rows;
} Receiver;

static void
receive_row(void *arg, char *const *cells, const int *sizes)
{
	Receiver *receiver = arg;
	Datum values[lengthof(receiver->functions)];
	bool nulls[lengthof(receiver->functions)];
	MemoryContext caller = MemoryContextSwitchTo(receiver->context);

	if (++receiver->rows > receiver->statement->max_rows)
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("a peer's answer has more than %d rows", receiver->statement->max_rows)));
	for (int i = 0; i < receiver->statement->ncolumns; i++)
	{
		StringInfoData buffer = {.data = cells[i], .len = sizes[i], .maxlen = sizes[i] + 1};

		values[i] = (Datum) 0;
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

/* Arrays look their elements' type up, hence the transaction. */
static void
send_values(const SyncStatement *statement, const Datum *values, const char *nulls,
			const char **cells, int *sizes)
{
	sync_begin(NULL);
	for (int i = 0; i < statement->nargs; i++)
	{
		bytea *sent;

		cells[i] = NULL;
		sizes[i] = 0;
		if (nulls != NULL && nulls[i] == 'n')
			continue;
		sent = OidSendFunctionCall(wire_type(statement->args[i])->send, values[i]);
		cells[i] = VARDATA(sent);
		sizes[i] = VARSIZE(sent) - VARHDRSZ;
	}
	sync_commit();
}

static void
call_there(SyncWire *wire, const SyncStatement *statement, const Datum *values, const char *nulls,
		   SyncRow handle, void *state)
{
	Receiver receiver = {.statement = statement, .handle = handle, .state = state};
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context =
		AllocSetContextCreate(caller, "hllset_sync call", ALLOCSET_DEFAULT_SIZES);
	const char **cells;
	int *sizes;

	MemoryContextSwitchTo(context);
	cells = palloc(statement->nargs * sizeof(char *));
	sizes = palloc(statement->nargs * sizeof(int));
	send_values(statement, values, nulls, cells, sizes);
	receiver.context = AllocSetContextCreate(context, "hllset_sync row", ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < statement->ncolumns; i++)
		fmgr_info_cxt(wire_type(statement->columns[i])->receive, &receiver.functions[i], context);
	MemoryContextSwitchTo(caller);
	sync_wire_execute(wire, statement, cells, sizes, receive_row, &receiver);
	MemoryContextDelete(context);
}

void
sync_call(SyncEnd *end, const SyncStatement *statement, const Datum *values, const char *nulls,
		  SyncRow handle, void *state)
{
	if (end->wire == NULL)
		call_here(statement, values, nulls, handle, state);
	else
		call_there(end->wire, statement, values, nulls, handle, state);
}

bool
sync_try_call(SyncEnd *end, const SyncStatement *statement, const Datum *values, const char *nulls,
			  SyncRow handle, void *state, int sqlstate)
{
	MemoryContext caller = CurrentMemoryContext;
	volatile bool done = true;

	PG_TRY();
	{
		sync_call(end, statement, values, nulls, handle, state);
	}
	PG_CATCH();
	{
		if (geterrcode() != sqlstate ||
			(end->wire != NULL && sync_wire_state(end->wire) != SYNC_WIRE_READY))
			PG_RE_THROW();
		MemoryContextSwitchTo(caller);
		FlushErrorState();
		if (end->wire == NULL)
			sync_abort();
		done = false;
	}
	PG_END_TRY();
	return done;
}
