/* SPDX-License-Identifier: PostgreSQL */
/*
 * The connection to a peer. Nothing here blocks: each wait has a deadline and serves interrupts. What the peer sends is not trusted.
 */
#include "link/link.h"

#include "libpq-fe.h"

#include "storage/fd.h"
#include "storage/latch.h"

#define IDLE_TIMEOUT 300000 /* ms after which the peer may end a session we lost sight of */
#define MOST_ARGUMENTS 16

/* A statement on its way, and what is answered. */
typedef struct Call
{
	const SyncStatement *statement;
	/* parameters as they cross */
	int count;
	Oid types[MOST_ARGUMENTS];
	const char *cells[MOST_ARGUMENTS]; /* NULL: NULL */
	int sizes[MOST_ARGUMENTS];
	FmgrInfo functions[SYNC_MOST_COLUMNS]; /* that read the columns */
	List *rows;
	ErrorData *error; /* of the peer, kept until the rest of its answer is read */
} Call;

static void
close_with_context(void *arg)
{
	SyncWire *wire = arg;

	if (wire->conn == NULL)
		return;
	PQfinish(wire->conn);
	ReleaseExternalFD();
}

/* ---- errors ---- */

/* WHY: NULL, if libpq says it. */
_Noreturn static void
lose(SyncWire *wire, const char *doing, const char *why)
{
	wire->state = SYNC_WIRE_LOST;
	ereport(ERROR, (errcode(ERRCODE_CONNECTION_FAILURE),
					errmsg("could not %s peer \"%s\": %s", doing, wire->server,
						   why != NULL ? why : sync_clean_text(PQerrorMessage(wire->conn)))));
}

_Noreturn static void
timed_out(SyncWire *wire, const char *doing, int timeout)
{
	lose(wire, doing, psprintf("no answer for %d ms", timeout));
}

_Noreturn static void
refuse_answer(SyncWire *wire, const SyncStatement *statement)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROTOCOL_VIOLATION),
			 errmsg("peer \"%s\" gave an answer of another form than expected", wire->server),
			 errdetail("The statement was: %s", statement->sql)));
}

/* Whatever is coming is no row that we would take, or something that we did not ask for. */
static void
stop_flood(SyncWire *wire)
{
	PGnotify *notify;

	while ((notify = PQnotifies(wire->conn)) != NULL)
		PQfreemem(notify);
	if (!sync_limit_flooded(&wire->limit))
		return;
	wire->state = SYNC_WIRE_LOST;
	ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					errmsg("peer \"%s\" sends more than was asked for", wire->server),
					errhint("A row may have hllset_sync.max_row_bytes.")));
}

/* ---- waiting ---- */

static void
connect_in_time(SyncWire *wire)
{
	SyncTime deadline = sync_after(sync_connect_timeout);
	PostgresPollingStatusType polled = PGRES_POLLING_WRITING;

	if (PQstatus(wire->conn) == CONNECTION_BAD)
		lose(wire, "connect to", NULL);
	wire->limit.socket = PQsocket(wire->conn);
	while (polled != PGRES_POLLING_OK)
	{
		int event = polled == PGRES_POLLING_READING ? WL_SOCKET_READABLE : WL_SOCKET_WRITEABLE;

		if (sync_wait(event, wire->limit.socket, deadline) == 0 && sync_left(deadline) == 0)
			timed_out(wire, "connect to", sync_connect_timeout);
		polled = PQconnectPoll(wire->conn);
		wire->limit.socket = PQsocket(wire->conn); /* of the next host, if there are more */
		stop_flood(wire);
		if (polled == PGRES_POLLING_FAILED)
			lose(wire, "connect to", NULL);
	}
}

/* Waits until the socket is ready and takes what came; every byte puts the deadline off. */
static void
move_bytes(SyncWire *wire, int events, SyncTime *deadline)
{
	int come = sync_wait(events, wire->limit.socket, *deadline);

	if (come & WL_SOCKET_READABLE)
	{
		sync_limit_measure();
		if (!sync_limit_call(PQconsumeInput, wire->conn))
			lose(wire, "read from", NULL);
		*deadline = sync_after(sync_io_timeout);
	}
	else if (come & WL_SOCKET_WRITEABLE)
		*deadline = sync_after(sync_io_timeout);
	else if (sync_left(*deadline) == 0)
		timed_out(wire, "hear from", sync_io_timeout);
}

static void
flush(SyncWire *wire)
{
	SyncTime deadline = sync_after(sync_io_timeout);
	int left;

	while ((left = PQflush(wire->conn)) > 0)
	{
		stop_flood(wire);
		move_bytes(wire, WL_SOCKET_READABLE | WL_SOCKET_WRITEABLE, &deadline);
	}
	if (left < 0)
		lose(wire, "write to", NULL);
}

static PGresult *
next_result(SyncWire *wire)
{
	SyncTime deadline = sync_after(sync_io_timeout);
	int longest = sync_statement_timeout + sync_io_timeout;
	SyncTime last = sync_statement_timeout > 0 ? sync_after(longest) : PG_INT64_MAX;

	CHECK_FOR_INTERRUPTS();
	if (sync_limit_call(PQisBusy, wire->conn))
		sync_limit_whole(&wire->limit);
	while (sync_limit_call(PQisBusy, wire->conn))
	{
		stop_flood(wire);
		/* A byte now and then is no answer either. */
		if (sync_left(last) == 0)
			timed_out(wire, "hear from", longest);
		move_bytes(wire, WL_SOCKET_READABLE, &deadline);
	}
	return PQgetResult(wire->conn);
}

/* ---- statements ---- */

static ErrorData *
read_error(SyncWire *wire, const PGresult *result)
{
	ErrorData *error = palloc0(sizeof(ErrorData));
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);

	error->elevel = ERROR;
	error->sqlerrcode = ERRCODE_CONNECTION_FAILURE;
	if (state != NULL && strlen(state) == 5 &&
		strspn(state, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5)
		error->sqlerrcode = MAKE_SQLSTATE(state[0], state[1], state[2], state[3], state[4]);
	error->message =
		psprintf("peer \"%s\": %s", wire->server,
				 sync_clean_text(message != NULL ? message : PQresultErrorMessage(result)));
	error->detail = detail != NULL ? sync_clean_text(detail) : NULL;
	error->hint = unconstify(char *, sync_peer_hint(error->sqlerrcode));
	return error;
}

static Datum
read_value(const PGresult *result, int column, FmgrInfo *function)
{
	int size = PQgetlength(result, 0, column);
	StringInfoData buffer = {
		.data = PQgetvalue(result, 0, column), .len = size, .maxlen = size + 1};
	Datum value = ReceiveFunctionCall(function, &buffer, InvalidOid, -1);

	if (buffer.cursor != buffer.len)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("incorrect binary data format in column %d of a peer's answer",
							   column + 1)));
	return value;
}

static void
take_row(SyncWire *wire, Call *call, const PGresult *result)
{
	const SyncStatement *statement = call->statement;
	NullableDatum *row = palloc0(statement->ncolumns * sizeof(NullableDatum));
	int64 total = 0;

	if (statement->ncolumns == 0 || PQnfields(result) != statement->ncolumns)
		refuse_answer(wire, statement);
	for (int i = 0; i < statement->ncolumns; i++)
	{
		if (PQftype(result, i) != statement->columns[i] || PQfformat(result, i) != 1)
			refuse_answer(wire, statement);
		total += PQgetlength(result, 0, i);
	}
	wire->received += total;
	sync_limit_row(&wire->limit, total, statement->ncolumns, wire->server);
	if (statement->max_rows == 0)
		sync_check_sets(list_length(call->rows));
	else if (list_length(call->rows) == statement->max_rows)
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
						errmsg("a peer's answer has more than %d rows", statement->max_rows)));
	for (int i = 0; i < statement->ncolumns; i++)
	{
		row[i].isnull = PQgetisnull(result, 0, i);
		if (!row[i].isnull)
			row[i].value = read_value(result, i, &call->functions[i]);
	}
	call->rows = lappend(call->rows, row);
}

/* One result, which is freed whatever happens. */
static void
take_result(SyncWire *wire, Call *call, PGresult *volatile result)
{
	PG_TRY();
	{
		switch (PQresultStatus(result))
		{
			case PGRES_SINGLE_TUPLE:
				/* The rest of an answer that failed is read, but not used. */
				if (call->error == NULL)
					take_row(wire, call, result);
				break;
			case PGRES_TUPLES_OK: /* ends the rows, has none in single-row mode */
			case PGRES_COMMAND_OK:
				break;
			case PGRES_FATAL_ERROR:
				if (call->error == NULL)
					call->error = read_error(wire, result);
				break;
			default:
				refuse_answer(wire, call->statement);
		}
	}
	PG_CATCH();
	{
		PQclear(result);
		PG_RE_THROW();
	}
	PG_END_TRY();
	PQclear(result);
}

/* After a command was queued: sends it and takes all that is answered. An error here leaves the wire spoiled. */
static void
complete(SyncWire *wire, Call *call)
{
	PGresult *result;

	wire->state = SYNC_WIRE_SPOILED;
	sync_limit_begin_answer(&wire->limit);
	flush(wire);
	while ((result = next_result(wire)) != NULL)
		take_result(wire, call, result);
	wire->state = SYNC_WIRE_READY;
	if (PQstatus(wire->conn) == CONNECTION_BAD && call->error == NULL)
		lose(wire, "read from", NULL);
	if (PQstatus(wire->conn) == CONNECTION_BAD)
		wire->state = SYNC_WIRE_LOST;
	if (call->error != NULL)
		ThrowErrorData(call->error);
}

/* The same of what is answered by no row. */
static void
complete_without_rows(SyncWire *wire, const char *sql)
{
	SyncStatement statement = {.sql = sql};

	complete(wire, &(Call){.statement = &statement});
}

static void
prepare(SyncWire *wire, const Call *call)
{
	const SyncStatement *statement = call->statement;
	uint32 bit = (uint32) 1 << (statement->name[0] - 'a');

	if ((wire->prepared & bit) != 0)
		return;
	if (!PQsendPrepare(wire->conn, statement->name, statement->sql, call->count, call->types))
		lose(wire, "write to", NULL);
	complete_without_rows(wire, statement->sql);
	wire->sent += strlen(statement->sql);
	wire->prepared |= bit;
}

static void
send_values(Call *call, const SyncValue *values)
{
	for (; values->type != InvalidOid; values++)
	{
		int i = call->count++;
		Oid function;
		bool varlena;
		bytea *sent;

		if (i == MOST_ARGUMENTS)
			elog(ERROR, "too many parameters");
		call->types[i] = values->type;
		if (values->isnull)
			continue;
		getTypeBinaryOutputInfo(values->type, &function, &varlena);
		sent = OidSendFunctionCall(function, values->value);
		call->cells[i] = VARDATA(sent);
		call->sizes[i] = VARSIZE(sent) - VARHDRSZ;
	}
}

List *
sync_wire_execute(SyncWire *wire, const SyncStatement *statement, const SyncValue *values)
{
	static const int binary[MOST_ARGUMENTS] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
	Call call = {.statement = statement};
	Oid function, element;
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context =
		AllocSetContextCreate(caller, "hllset_sync call", ALLOCSET_DEFAULT_SIZES);

	Assert(wire->state == SYNC_WIRE_READY);
	/* Functions of types are looked up, hence the transaction. */
	MemoryContextSwitchTo(context);
	sync_begin(NULL);
	send_values(&call, values);
	for (int i = 0; i < statement->ncolumns; i++)
	{
		getTypeBinaryInputInfo(statement->columns[i], &function, &element);
		fmgr_info_cxt(function, &call.functions[i], context);
	}
	sync_commit();
	MemoryContextSwitchTo(caller);
	prepare(wire, &call);
	for (int i = 0; i < call.count; i++)
		wire->sent += call.sizes[i];
	if (!PQsendQueryPrepared(wire->conn, statement->name, call.count, call.cells, call.sizes,
							 binary, 1) ||
		!PQsetSingleRowMode(wire->conn))
		lose(wire, "write to", NULL);
	complete(wire, &call);
	MemoryContextDelete(context);
	return call.rows;
}

/* ---- connecting ---- */

static void
ignore_notice(void *arg, const PGresult *result)
{
}

static void
start(SyncWire *wire, const SyncTarget *target)
{
	if (!AcquireExternalFD())
		ereport(ERROR,
				(errcode(ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION),
				 errmsg("could not connect to peer \"%s\": too many open files", wire->server)));
	/* Not expanded: a dbname must not bring options of its own. */
	wire->conn = PQconnectStartParams(target->keywords, target->values, 0);
	if (wire->conn == NULL)
	{
		ReleaseExternalFD();
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	}
	PQsetNoticeReceiver(wire->conn, ignore_notice, NULL);
}

/* The peer must have asked for the password of the mapping, else the server itself lent the role its identity. */
static void
check_password_used(SyncWire *wire, const SyncTarget *target)
{
	if (target->password_required && !PQconnectionUsedPassword(wire->conn))
		ereport(ERROR, (errcode(ERRCODE_S_R_E_PROHIBITED_SQL_STATEMENT_ATTEMPTED),
						errmsg("a password is required"),
						errdetail("Peer \"%s\" did not ask for one.", wire->server),
						errhint("The peer must use a password authentication method; a superuser "
								"may set password_required to false in the user mapping.")));
}

static void
pin_session(SyncWire *wire)
{
	char *script =
		psprintf("SET search_path = pg_catalog; SET datestyle = ISO; SET intervalstyle = postgres; "
				 "SET extra_float_digits = 3; "
				 "SET timezone = GMT; SET statement_timeout = %d; SET lock_timeout = %d; SET "
				 "idle_in_transaction_session_timeout = %d; "
				 "SET idle_session_timeout = %d; SET default_transaction_read_only = off; SET "
				 "default_transaction_isolation = 'read committed'",
				 sync_statement_timeout, sync_lock_timeout, sync_io_timeout, IDLE_TIMEOUT);

	if (!PQsendQuery(wire->conn, script))
		lose(wire, "write to", NULL);
	complete_without_rows(wire, "SET");
	wire->sent += strlen(script);
}

SyncWire *
sync_wire_open(const SyncTarget *target)
{
	SyncWire *wire = palloc0(sizeof(SyncWire));

	wire->server = pstrdup(target->server);
	wire->state = SYNC_WIRE_LOST;
	wire->closer.func = close_with_context;
	wire->closer.arg = wire;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &wire->closer);

	start(wire, target);
	connect_in_time(wire);
	check_password_used(wire, target);
	if (PQsetnonblocking(wire->conn, 1) != 0)
		lose(wire, "connect to", NULL);
	pin_session(wire);
	return wire;
}
