/* SPDX-License-Identifier: PostgreSQL */
/*
 * The connection to a peer. Nothing here blocks: each wait has a deadline and serves interrupts. What the peer sends is not trusted.
 */
#include "link/link.h"

#include "libpq-fe.h"

#include "storage/fd.h"
#include "storage/latch.h"

#define IDLE_TIMEOUT \
	300000 /* ms after which the peer may end a session that we have lost sight of */

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
SYNC_NORETURN static void
lose(SyncWire *wire, const char *doing, const char *why)
{
	wire->state = SYNC_WIRE_LOST;
	ereport(ERROR, (errcode(ERRCODE_CONNECTION_FAILURE),
					errmsg("could not %s peer \"%s\": %s", doing, wire->server,
						   why != NULL ? why : sync_clean_text(PQerrorMessage(wire->conn)))));
}

SYNC_NORETURN static void
timed_out(SyncWire *wire, const char *doing, int timeout)
{
	lose(wire, doing, psprintf("no answer for %d ms", timeout));
}

SYNC_NORETURN static void
refuse_answer(SyncWire *wire, const SyncStatement *statement)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROTOCOL_VIOLATION),
			 errmsg("peer \"%s\" gave an answer of another form than expected", wire->server),
			 errdetail("The statement was: %s", statement == NULL ? "SET" : statement->sql)));
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
connect_within(SyncWire *wire, int timeout)
{
	SyncTime deadline = sync_after(timeout);
	PostgresPollingStatusType polled = PGRES_POLLING_WRITING;

	if (PQstatus(wire->conn) == CONNECTION_BAD)
		lose(wire, "connect to", NULL);
	wire->limit.socket = PQsocket(wire->conn);
	while (polled != PGRES_POLLING_OK)
	{
		int event = polled == PGRES_POLLING_READING ? WL_SOCKET_READABLE : WL_SOCKET_WRITEABLE;

		if (sync_wait(event, wire->limit.socket, deadline, NULL) == 0 && sync_left(deadline) == 0)
			timed_out(wire, "connect to", timeout);
		polled = PQconnectPoll(wire->conn);
		wire->limit.socket = PQsocket(wire->conn); /* of the next host, if there are more */
		stop_flood(wire);
		if (polled == PGRES_POLLING_FAILED)
			lose(wire, "connect to", NULL);
	}
}

/* PQisBusy or PQconsumeInput, with no more memory than what we take may need. */
static bool
call_tightly(int (*call)(PGconn *), SyncWire *wire)
{
	int result;

	sync_limit_memory(true);
	result = call(wire->conn);
	sync_limit_memory(false);
	return result != 0;
}

/* Waits until the socket is ready and takes what came; every byte puts the deadline off. */
static void
move_bytes(SyncWire *wire, int events, SyncTime *deadline)
{
	int come = sync_wait(events, wire->limit.socket, *deadline, NULL);

	if (come & WL_SOCKET_READABLE)
	{
		sync_limit_measure();
		if (!call_tightly(PQconsumeInput, wire))
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
	if (call_tightly(PQisBusy, wire))
		sync_limit_whole(&wire->limit);
	while (call_tightly(PQisBusy, wire))
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

/* What the peer said of an error, kept until the rest of its answer is read. */
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

static void
take_row(SyncWire *wire, const SyncStatement *statement, const PGresult *result, SyncWireRow handle,
		 void *state)
{
	char *cells[SYNC_MOST_COLUMNS];
	int sizes[SYNC_MOST_COLUMNS];
	int64 total = 0;

	if (PQnfields(result) != statement->ncolumns)
		refuse_answer(wire, statement);
	for (int i = 0; i < statement->ncolumns; i++)
	{
		if (PQftype(result, i) != statement->columns[i] || PQfformat(result, i) != 1)
			refuse_answer(wire, statement);
		cells[i] = PQgetvalue(result, 0, i);
		sizes[i] = PQgetisnull(result, 0, i) ? -1 : PQgetlength(result, 0, i);
		total += Max(sizes[i], 0);
	}
	wire->received += total;
	if (!sync_limit_row(&wire->limit, total, statement->ncolumns))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a row of " INT64_FORMAT " bytes of peer \"%s\" is too large, or the rows "
						"before it are too many",
						total, wire->server),
				 errhint("The limits are set by hllset_sync.max_row_bytes and max_batch_bytes.")));
	handle(state, cells, sizes);
}

/* One result, which is freed whatever happens. */
static void
take_result(SyncWire *wire, const SyncStatement *statement, PGresult *volatile result,
			ErrorData **error, SyncWireRow handle, void *state)
{
	PG_TRY();
	{
		switch (PQresultStatus(result))
		{
			case PGRES_SINGLE_TUPLE:
				/* The rest of an answer that failed is read, but not used. */
				if (statement == NULL || handle == NULL)
					refuse_answer(wire, statement);
				if (*error == NULL)
					take_row(wire, statement, result, handle, state);
				break;
			case PGRES_TUPLES_OK: /* ends the rows, has none in single-row mode */
			case PGRES_COMMAND_OK:
				break;
			case PGRES_FATAL_ERROR:
				if (*error == NULL)
					*error = read_error(wire, result);
				break;
			default:
				refuse_answer(wire, statement);
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
complete(SyncWire *wire, const SyncStatement *statement, SyncWireRow handle, void *state)
{
	ErrorData *error = NULL;
	PGresult *result;

	wire->state = SYNC_WIRE_SPOILED;
	sync_limit_begin_answer(&wire->limit);
	flush(wire);
	while ((result = next_result(wire)) != NULL)
		take_result(wire, statement, result, &error, handle, state);
	wire->state = SYNC_WIRE_READY;
	if (PQstatus(wire->conn) == CONNECTION_BAD && error == NULL)
		lose(wire, "read from", NULL);
	if (PQstatus(wire->conn) == CONNECTION_BAD)
		wire->state = SYNC_WIRE_LOST;
	if (error != NULL)
		ThrowErrorData(error);
}

static void
prepare(SyncWire *wire, const SyncStatement *statement, const SyncArguments *arguments)
{
	uint32 bit = (uint32) 1 << (statement->name[0] - 'a');

	if ((wire->prepared & bit) != 0)
		return;
	if (!PQsendPrepare(wire->conn, statement->name, statement->sql, arguments->count,
					   arguments->types))
		lose(wire, "write to", NULL);
	complete(wire, statement, NULL, NULL);
	wire->sent += strlen(statement->sql);
	wire->prepared |= bit;
}

void
sync_wire_execute(SyncWire *wire, const SyncStatement *statement, const SyncArguments *arguments,
				  SyncWireRow handle, void *state)
{
	static const int binary[SYNC_MOST_ARGUMENTS] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

	Assert(wire->state == SYNC_WIRE_READY);
	prepare(wire, statement, arguments);
	for (int i = 0; i < arguments->count; i++)
		wire->sent += arguments->sizes[i];
	if (!PQsendQueryPrepared(wire->conn, statement->name, arguments->count, arguments->cells,
							 arguments->sizes, binary, 1) ||
		!PQsetSingleRowMode(wire->conn))
		lose(wire, "write to", NULL);
	complete(wire, statement, handle, state);
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
	complete(wire, NULL, NULL, NULL);
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
	connect_within(wire, sync_connect_timeout);
	check_password_used(wire, target);
	if (PQsetnonblocking(wire->conn, 1) != 0)
		lose(wire, "connect to", NULL);
	pin_session(wire);
	return wire;
}
