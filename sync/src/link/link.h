/* SPDX-License-Identifier: PostgreSQL */
/* The connection to a peer, and the protocol functions called alike here and there. */
#ifndef HLLSET_SYNC_LINK_H
#define HLLSET_SYNC_LINK_H

#include "common/common.h"

/* ---- option.c: what a server and a user mapping may say ---- */

typedef struct SyncTarget
{
	char *server;
	int count;
	const char **keywords, **values; /* of PQconnectStartParams, NULL at the end */
	bool password_required;
} SyncTarget;

/* ERROR unless the server can be a peer's and the current user may use it. */
void sync_check_usage(const char *server);
/* Reads and checks again what CREATE SERVER and CREATE USER MAPPING said, for the mapping of ROLE; NODE_NAME is shown to the peer. Needs a transaction. */
SyncTarget *sync_target(const char *server, Oid role, const char *node_name);

/* ---- limit.c: what a peer may send ---- */

struct pg_conn;

typedef struct SyncLimit
{
	pgsocket socket;
	int64 read_before;  /* bytes when the last whole row, or answer, was there */
	int64 row_bytes;    /* of all rows, as they cross */
	int64 answer_bytes; /* of the values of this answer's rows */
} SyncLimit;

void sync_limit_begin_answer(SyncLimit *limit);
/* What has come so far is whole: the next row is waited for. */
void sync_limit_whole(SyncLimit *limit);
/* ERROR if this row of SERVER is too large, or there are too many of them. */
void sync_limit_row(SyncLimit *limit, int64 bytes, int columns, const char *server);
/* Whether more has come since the last whole row than a row may have. */
bool sync_limit_flooded(const SyncLimit *limit);
/* Whether so much has come beside rows that a new connection is due; libpq keeps some of it. */
bool sync_limit_worn(const SyncLimit *limit);
/* Calls libpq while this process gets little more memory than it had when it was measured: as much as what we take may need. */
void sync_limit_measure(void);
int sync_limit_call(int (*call)(struct pg_conn *), struct pg_conn *conn);

/* ---- wire.c: libpq, the only file that includes it ---- */

#define SYNC_MOST_COLUMNS 8

/* A statement of the protocol. All parameters and columns cross in binary form, and the names of columns with each answer, so they are short. */
typedef struct SyncStatement
{
	const char *name;     /* as a prepared statement; one letter, since it crosses at each call */
	const char *function; /* that it calls */
	const char *sql;
	int max_rows; /* of a peer that means well; 0: one for each set, and one after them */
	int ncolumns;
	Oid columns[SYNC_MOST_COLUMNS];
	SPIPlanPtr plan; /* of this node, once it has run here */
} SyncStatement;

#define SYNC_STATEMENT(name, function, sql, max_rows, ...)                                   \
	{                                                                                        \
		name, function, sql, max_rows, lengthof(((Oid[]){__VA_ARGS__})), {__VA_ARGS__}, NULL \
	}

typedef enum SyncWireState
{
	SYNC_WIRE_READY,
	SYNC_WIRE_SPOILED, /* an answer was left unread, or made no sense: to be closed, a new one may do */
	SYNC_WIRE_LOST     /* the peer does not answer or closed it */
} SyncWireState;

typedef struct SyncWire
{
	struct pg_conn *conn;
	char *server;
	SyncWireState state;
	int64 sent, received; /* in this round, in bytes of values */
	SyncLimit limit;
	uint32 prepared; /* a bit for each statement, by its name */
	MemoryContextCallback closer;
} SyncWire;

/*
 * Connects, checks how the peer let us in, and pins its session's settings. Waits. Errors name the peer but never the options. Lives in the
 * current context, whose end closes it.
 */
SyncWire *sync_wire_open(const SyncTarget *target);
/* As sync_call. An error of the peer is raised here with its SQLSTATE, after which the wire is ready for the next; any other leaves it spoiled. */
List *sync_wire_execute(SyncWire *wire, const SyncStatement *statement, const SyncValue *values);

/* ---- endpoint.c ---- */

typedef struct SyncEnd
{
	SyncWire *wire;             /* NULL: this node */
	const SyncStatement *asked; /* last */
} SyncEnd;

/*
 * Runs a statement at END, in a short transaction of its own, here or there. VALUES as of sync_execute_values. Returns the rows of the answer, each a
 * NullableDatum for each column, in the current context.
 */
List *sync_call(SyncEnd *end, SyncStatement *statement, const SyncValue *values);
/* The same, but returns the SQLSTATE, after which nothing is left of the call, if it is one that says where the ends are; else 0. */
int sync_try_call(SyncEnd *end, SyncStatement *statement, const SyncValue *values, List **rows);

/* ---- what answers are read with; WHY completes "answer of FUNCTION() makes no sense" ---- */

_Noreturn void sync_refuse_answer(SyncEnd *end, const char *why);
void sync_refuse_nulls(SyncEnd *end, const NullableDatum *row, int count);
SyncToken sync_read_token(SyncEnd *end, NullableDatum seq, NullableDatum nonce);
/* A column of ROWS from the one at FROM on, as a parameter. */
SyncValue sync_column_array(Oid type, const List *rows, int from, int column);
/* ERROR if an end has more sets than there may be. */
void sync_check_sets(int count);
/* In a list of what begins with a name, by which it is sorted. */
void *sync_find_name(const List *list, const char *name);

#endif
