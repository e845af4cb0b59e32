/* SPDX-License-Identifier: PostgreSQL */
/*
 * The connection to a peer. Nothing here blocks: each wait has a deadline and serves interrupts. What the peer sends is not trusted.
 */
#include "link.h"

#include "libpq-fe.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/latch.h"
#include "utils/memutils.h"

#define MAX_STATEMENTS 16
#define MAX_COLUMNS 8
#define IDLE_TIMEOUT \
	300000 /* ms after which the peer may end a session that we have lost sight of */

struct SyncWire
{
	PGconn *conn;
	char *server;
	SyncWireState state;
	int64 sent, received;
	const SyncStatement *prepared[MAX_STATEMENTS];
	int nprepared;
	MemoryContextCallback closer;
};

SyncWireState
sync_wire_state(const SyncWire *wire)
{
	return wire->state;
}

int64
sync_wire_received(const SyncWire *wire)
{
	return wire->received;
}

int64
sync_wire_sent(const SyncWire *wire)
{
	return wire->sent;
}

void
sync_wire_close(SyncWire *wire)
{
	if (wire->conn == NULL)
		return;
	PQfinish(wire->conn);
	ReleaseExternalFD();
	wire->conn = NULL;
}

static void
close_with_context(void *wire)
{
	sync_wire_close(wire);
}

/* ---- errors ---- */

SYNC_NORETURN static void
lose(SyncWire *wire, const char *doing)
{
	wire->state = SYNC_WIRE_LOST;
	ereport(ERROR, (errcode(ERRCODE_CONNECTION_FAILURE),
					errmsg("could not %s peer \"%s\": %s", doing, wire->server,
						   sync_clean_text(PQerrorMessage(wire->conn)))));
}

SYNC_NORETURN static void
time_out(SyncWire *wire, const char *doing, int timeout)
{
	wire->state = SYNC_WIRE_LOST;
	ereport(ERROR, (errcode(ERRCODE_CONNECTION_FAILURE),
					errmsg("could not %s peer \"%s\": no answer for %d ms", doing, wire->server,
						   timeout)));
}

SYNC_NORETURN static void
refuse_answer(SyncWire *wire, const SyncStatement *statement)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROTOCOL_VIOLATION),
			 errmsg("peer \"%s\" gave an answer of another form than expected", wire->server),
			 errdetail("The statement was: %s", statement == NULL ? "SET" : statement->sql)));
}

/* ---- waiting ---- */

static TimestampTz
deadline_after(int timeout)
{
	return TimestampTzPlusMilliseconds(GetCurrentTimestamp(), timeout);
}

static void
connect_within(SyncWire *wire, int timeout)
{
	TimestampTz deadline = deadline_after(timeout);
	PostgresPollingStatusType polled = PGRES_POLLING_WRITING;

	if (PQstatus(wire->conn) == CONNECTION_BAD)
		lose(wire, "connect to");
	while (polled != PGRES_POLLING_OK)
	{
		int event = polled == PGRES_POLLING_READING ? WL_SOCKET_READABLE : WL_SOCKET_WRITEABLE;

		if (sync_wait(event, PQsocket(wire->conn), deadline, NULL) == 0 &&
			GetCurrentTimestamp() >= deadline)
			time_out(wire, "connect to", timeout);
		polled = PQconnectPoll(wire->conn);
		if (polled == PGRES_POLLING_FAILED)
			lose(wire, "connect to");
	}
}

/* Waits until the socket is ready and takes what came; every byte puts the deadline off. */
static void
move_bytes(SyncWire *wire, int events, TimestampTz *deadline)
{
	int come = sync_wait(events, PQsocket(wire->conn), *deadline, NULL);

	if (come & WL_SOCKET_READABLE)
	{
		if (!PQconsumeInput(wire->conn))
			lose(wire, "read from");
		*deadline = deadline_after(sync_io_timeout);
	}
	else if (come & WL_SOCKET_WRITEABLE)
		*deadline = deadline_after(sync_io_timeout);
	else if (GetCurrentTimestamp() >= *deadline)
		time_out(wire, "hear from", sync_io_timeout);
}

static void
flush(SyncWire *wire)
{
	TimestampTz deadline = deadline_after(sync_io_timeout);
	int left;

	while ((left = PQflush(wire->conn)) > 0)
		move_bytes(wire, WL_SOCKET_READABLE | WL_SOCKET_WRITEABLE, &deadline);
	if (left < 0)
		lose(wire, "write to");
}

static PGresult *
next_result(SyncWire *wire)
{
	TimestampTz deadline = deadline_after(sync_io_timeout);

	CHECK_FOR_INTERRUPTS();
	while (PQisBusy(wire->conn))
		move_bytes(wire, WL_SOCKET_READABLE, &deadline);
	return PQgetResult(wire->conn);
}

/* ---- statements ---- */

/* What the peer said of an error, kept until the rest of its answer is read. */
typedef struct PeerError
{
	int sqlstate;
	char *message;
	char *detail;
} PeerError;

static PeerError *
read_error(SyncWire *wire, const PGresult *result)
{
	PeerError *error = palloc0(sizeof(PeerError));
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);

	error->sqlstate = ERRCODE_CONNECTION_FAILURE;
	if (state != NULL && strlen(state) == 5 &&
		strspn(state, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5)
		error->sqlstate = MAKE_SQLSTATE(state[0], state[1], state[2], state[3], state[4]);
	error->message = sync_clean_text(message != NULL ? message : PQresultErrorMessage(result));
	error->detail = detail != NULL ? sync_clean_text(detail) : NULL;
	return error;
}

/* What is to be done about an error that the peer can't give a hint for. */
static const char *
hint_for(int sqlstate)
{
	switch (sqlstate)
	{
		case ERRCODE_INSUFFICIENT_PRIVILEGE:
			return "There, the owner of a set lets this login in with SELECT "
				   "hllset_sync.grant_peer(set, role).";
		case ERRCODE_UNDEFINED_FUNCTION:
		case ERRCODE_UNDEFINED_SCHEMA:
			return "Is it the right database, and extension hllset_sync created in it?";
		default:
			return NULL;
	}
}

SYNC_NORETURN static void
raise_error(SyncWire *wire, const PeerError *error)
{
	const char *hint = hint_for(error->sqlstate);

	if (PQstatus(wire->conn) == CONNECTION_BAD)
		wire->state = SYNC_WIRE_LOST;
	ereport(ERROR,
			(errcode(error->sqlstate), errmsg("peer \"%s\": %s", wire->server, error->message),
			 error->detail != NULL ? errdetail("%s", error->detail) : 0,
			 hint != NULL ? errhint("%s", hint) : 0));
}

static void
take_row(SyncWire *wire, const SyncStatement *statement, const PGresult *result, SyncWireRow handle,
		 void *state)
{
	char *cells[MAX_COLUMNS];
	int sizes[MAX_COLUMNS];
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
	if (total > sync_max_row_bytes)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a row of peer \"%s\" has %lld bytes", wire->server, (long long) total),
				 errhint("The limit is set by hllset_sync.max_row_bytes.")));
	handle(state, cells, sizes);
}

/* One result, which is freed whatever happens. */
static void
take_result(SyncWire *wire, const SyncStatement *statement, PGresult *volatile result,
			PeerError **error, SyncWireRow handle, void *state)
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
	PeerError *error = NULL;
	PGresult *result;

	wire->state = SYNC_WIRE_SPOILED;
	flush(wire);
	while ((result = next_result(wire)) != NULL)
		take_result(wire, statement, result, &error, handle, state);
	wire->state = SYNC_WIRE_READY;
	if (PQstatus(wire->conn) == CONNECTION_BAD && error == NULL)
		lose(wire, "read from");
	if (error != NULL)
		raise_error(wire, error);
}

static void
prepare(SyncWire *wire, const SyncStatement *statement)
{
	for (int i = 0; i < wire->nprepared; i++)
		if (wire->prepared[i] == statement)
			return;
	if (wire->nprepared == MAX_STATEMENTS || statement->ncolumns > MAX_COLUMNS)
		elog(ERROR, "too many statements or columns");
	if (!PQsendPrepare(wire->conn, statement->name, statement->sql, statement->nargs,
					   statement->args))
		lose(wire, "write to");
	complete(wire, statement, NULL, NULL);
	wire->sent += strlen(statement->sql);
	wire->prepared[wire->nprepared++] = statement;
}

static int *
all_binary(int count)
{
	int *formats = palloc(Max(count, 1) * sizeof(int));

	for (int i = 0; i < count; i++)
		formats[i] = 1;
	return formats;
}

void
sync_wire_execute(SyncWire *wire, const SyncStatement *statement, const char *const *cells,
				  const int *sizes, SyncWireRow handle, void *state)
{
	int *formats = all_binary(statement->nargs);

	Assert(wire->state == SYNC_WIRE_READY);
	prepare(wire, statement);
	for (int i = 0; i < statement->nargs; i++)
		wire->sent += cells[i] == NULL ? 0 : sizes[i];
	if (!PQsendQueryPrepared(wire->conn, statement->name, statement->nargs, cells, sizes, formats,
							 1) ||
		!PQsetSingleRowMode(wire->conn))
		lose(wire, "write to");
	pfree(formats);
	complete(wire, statement, handle, state);
}

/* ---- connecting ---- */

static void
ignore_notice(void *arg, const PGresult *result)
{
}

static void
start(SyncWire *wire, const SyncTarget *target, const char *node_name)
{
	int count = 0;
	const char **keywords;
	const char **values;

	while (target->keywords[count] != NULL)
		count++;
	keywords = palloc0((count + 3) * sizeof(char *));
	values = palloc0((count + 3) * sizeof(char *));
	memcpy(keywords, target->keywords, count * sizeof(char *));
	memcpy(values, target->values, count * sizeof(char *));
	keywords[count] = "application_name";
	values[count++] = psprintf("hllset_sync/%s", node_name);
	/* typsend and typreceive convert texts as for this session's client, so the peer must take it for the same. */
	keywords[count] = "client_encoding";
	values[count] = pg_get_client_encoding_name();

	if (!AcquireExternalFD())
		ereport(ERROR,
				(errcode(ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION),
				 errmsg("could not connect to peer \"%s\": too many open files", wire->server)));
	/* Not expanded: a dbname must not bring options of its own. */
	wire->conn = PQconnectStartParams(keywords, values, 0);
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
		lose(wire, "write to");
	complete(wire, NULL, NULL, NULL);
	wire->sent += strlen(script);
}

SyncWire *
sync_wire_open(const SyncTarget *target, const char *node_name)
{
	SyncWire *wire = palloc0(sizeof(SyncWire));

	wire->server = pstrdup(target->server);
	wire->state = SYNC_WIRE_LOST;
	wire->closer.func = close_with_context;
	wire->closer.arg = wire;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &wire->closer);

	start(wire, target, node_name);
	connect_within(wire, sync_connect_timeout);
	check_password_used(wire, target);
	if (PQsetnonblocking(wire->conn, 1) != 0)
		lose(wire, "connect to");
	pin_session(wire);
	return wire;
}
