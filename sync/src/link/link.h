/* SPDX-License-Identifier: PostgreSQL */
/* The connection to a peer, and the protocol functions called alike here and there. */
#ifndef HLLSET_SYNC_LINK_H
#define HLLSET_SYNC_LINK_H

#include "common/common.h"

/* ---- option.c: what a server and a user mapping may say ---- */

#define SYNC_MOST_OPTIONS 25 /* all that there are, and those that we add */

typedef struct SyncTarget
{
	char *server;
	int count;
	const char *keywords[SYNC_MOST_OPTIONS + 1]; /* of PQconnectStartParams, NULL at the end */
	const char *values[SYNC_MOST_OPTIONS + 1];
	bool password_required;
} SyncTarget;

/* ERROR unless the server can be a peer's and the current user may use it. */
void sync_check_usage(const char *server);
/* Reads and checks again what CREATE SERVER and CREATE USER MAPPING said, for the mapping of ROLE; NODE_NAME is shown to the peer. Needs a transaction. */
SyncTarget *sync_target(const char *server, Oid role, const char *node_name);

/* ---- limit.c: what a peer may send ---- */

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
/* False: this row is too large, or there are too many of them. */
bool sync_limit_row(SyncLimit *limit, int64 bytes, int columns);
/* Whether more has come since the last whole row than a row may have. */
bool sync_limit_flooded(const SyncLimit *limit);
/* Whether so much has come beside rows that a new connection is due; libpq keeps some of it. */
bool sync_limit_worn(const SyncLimit *limit);
/* While ON this process gets little more memory than it had when it was measured. Nothing may be allocated then but by libpq. */
void sync_limit_measure(void);
void sync_limit_memory(bool on);

/* ---- wire.c: libpq, the only file that includes it ---- */

#define SYNC_MOST_COLUMNS 8
#define SYNC_MOST_ARGUMENTS 16

/* A statement of the protocol. All parameters and columns cross in binary form. */
typedef struct SyncStatement
{
	const char *name; /* as a prepared statement; one letter, since it crosses at each call */
	const char *sql;
	int max_rows; /* of a peer that means well */
	int ncolumns;
	Oid columns[SYNC_MOST_COLUMNS];
	SPIPlanPtr plan; /* of this node, once it has run here */
} SyncStatement;

#define SYNC_STATEMENT(name, sql, max_rows, ...)                                   \
	{                                                                              \
		name, sql, max_rows, lengthof(((Oid[]){__VA_ARGS__})), {__VA_ARGS__}, NULL \
	}

/* Parameters as they cross: no cell is NULL. */
typedef struct SyncArguments
{
	int count;
	Oid types[SYNC_MOST_ARGUMENTS];
	const char *cells[SYNC_MOST_ARGUMENTS];
	int sizes[SYNC_MOST_ARGUMENTS];
} SyncArguments;

/* One row of an answer: size -1 is NULL. */
typedef void (*SyncWireRow)(void *state, char *const *cells, const int *sizes);

typedef enum SyncWireState
{
	SYNC_WIRE_READY,
	SYNC_WIRE_SPOILED, /* an answer was left unread: to be closed, a new one may do */
	SYNC_WIRE_LOST     /* the peer does not answer or closed it */
} SyncWireState;

typedef struct SyncWire
{
	struct pg_conn *conn;
	char *server;
	SyncWireState state;
	int64 sent, received; /* so far, in bytes of values */
	SyncLimit limit;
	uint32 prepared; /* a bit for each statement, by its name */
	MemoryContextCallback closer;
} SyncWire;

/*
 * Connects, checks how the peer let us in, and pins its session's settings. Waits. Errors name the peer but never the options. Lives in the
 * current context, whose end closes it.
 */
SyncWire *sync_wire_open(const SyncTarget *target);
/*
 * Runs a statement there and hands over its rows as they come. An error of the peer is raised here with its SQLSTATE, after which the wire is
 * ready for the next; an error of HANDLE leaves it spoiled.
 */
void sync_wire_execute(SyncWire *wire, const SyncStatement *statement,
					   const SyncArguments *arguments, SyncWireRow handle, void *state);

/* ---- endpoint.c ---- */

/* One row of an answer, of the types that the statement names. Runs where its values live only until it returns. */
typedef void (*SyncRow)(void *state, const Datum *values, const bool *nulls);

typedef struct SyncEnd
{
	SyncWire *wire; /* NULL: this node */
} SyncEnd;

/* Runs a statement at END, in a short transaction of its own, here or there. VALUES as of sync_execute_values. HANDLE runs in the caller's context; NULL: none is asked for. */
void sync_call(SyncEnd *end, SyncStatement *statement, const SyncValue *values, SyncRow handle,
			   void *state);
/* The same, but returns the SQLSTATE, after which nothing is left of the call, if it is one that says where the ends are; else 0. */
int sync_try_call(SyncEnd *end, SyncStatement *statement, const SyncValue *values, SyncRow handle,
				  void *state);

/* ---- protocol.c, rows.c: the protocol functions, one by one ---- */

typedef struct SyncHello
{
	int protocol;
	pg_uuid_t node_id;
	char node_name[NAMEDATALEN];
	char *identity; /* 'ok', or why the node may not sync */
	int server_version;
	char *encoding;
} SyncHello;

typedef struct SyncOffer
{
	char *set_name;
	bytea *signature; /* NULL: broken, and the description says why */
	char *description;
	bool may_pull, may_push;
} SyncOffer;

typedef struct SyncHead
{
	char *set_name;
	SyncToken token;
	int64 truncated_at;
	bool more; /* changes are left that have no seq yet, or the set is being scanned */
	bool held; /* they can't get one for now, since someone holds a lock, or the trigger is off */
	bool gone; /* only in an answer that has changes */
	bool scanning; /* what is not in the index may still be found in the table */
} SyncHead;

/* The heads of a node, as long as the connection lives. */
typedef struct SyncHeads
{
	MemoryContext parent, context; /* no context: not known */
	pg_uuid_t hash;
	List *list; /* SyncHead pointers, by name */
} SyncHeads;

/* What is said to have been flushed of a set. */
typedef struct SyncPlace
{
	char *set_name;
	SyncToken token;
} SyncPlace;

/* A row on its way. */
typedef struct SyncMoved
{
	int64 seq;
	bytea *key;
	bytea *sketches; /* NULL: the row was deleted */
} SyncMoved;

/* Rows of one set, in memory of their own. */
typedef struct SyncBatch
{
	MemoryContext context;
	List *rows; /* SyncMoved pointers */
	int64 bytes;
	SyncToken last; /* of the last row */
	bool complete;  /* there are no more changes */
} SyncBatch;

/* A row's digest, of a node's own rows or of its copies of an origin. */
typedef struct SyncDigest
{
	bytea *key;
	bool exists; /* where it was asked for by its key */
	int64 seq;
	pg_uuid_t digest;
} SyncDigest;

typedef struct SyncBucket
{
	int64 rows;
	uint8 fingerprint[16];
} SyncBucket;

/* What p_receive is to do with a batch; FROM is where the caller believes the copies to be. */
typedef struct SyncDelivery
{
	const char *set_name;
	const pg_uuid_t *origin;
	const char *origin_name;
	SyncReceiveMode mode;
	SyncToken from, to;
	bool moves; /* else the cursor stays: TO is not sent */
	bool patient;
	int64 truncated_at;
} SyncDelivery;

/* The nonce of a token, as a parameter. */
#define SYNC_NONCE(token) SYNC_NULLABLE((token).has_nonce, SYNC_UUID(&(token).nonce))

/* WHY completes "answer of FUNCTION() makes no sense". */
SYNC_NORETURN void sync_refuse_answer(const char *function, const char *why);
void sync_refuse_nulls(const char *function, const bool *nulls, int count);
SyncToken sync_read_token(const char *function, Datum seq, Datum nonce, bool no_nonce);

/* Of lists of offers, heads, and whatever begins with a name, by which it is sorted. */
int sync_compare_names(const ListCell *a, const ListCell *b);
void *sync_find_name(const List *list, const char *name);

/* Each runs the protocol function of its name at END; results are palloc'd in the current context. NAMES NIL: all sets. */
SyncHello sync_ask_hello(SyncEnd *end, const pg_uuid_t *node_id, const char *node_name);
/* SyncOffer pointers, by name. */
List *sync_ask_sets(SyncEnd *end);
/* At a peer (for this node see sync_advance_here). PLACES: SyncPlace pointers; SAME: the hash of the last heads, if all of them were reached, or NULL. */
void sync_ask_advance(SyncEnd *end, const List *names, const List *places, const pg_uuid_t *same);
void sync_ask_rescan(SyncEnd *end, const List *names); /* likewise see sync_rescan_here */
/* Brings HEADS up to date. */
void sync_ask_heads(SyncEnd *end, const List *names, SyncHeads *heads);
/* A token for each name. */
SyncToken *sync_ask_cursors(SyncEnd *end, const List *names, const pg_uuid_t *origin);

/* ---- rows.c ---- */

SyncBatch *sync_batch_create(void);
/* Copies the values; SKETCHES NULL: the row is gone. */
void sync_batch_add(SyncBatch *batch, int64 seq, Datum key, const Datum *sketches);
void sync_batch_reset(SyncBatch *batch);
/* 0; HS001: the token AFTER is not on this history; HS007: it is, but older than the floor. */
int sync_ask_changes(SyncEnd *end, const char *set_name, const SyncToken *after, int64 upto,
					 SyncBatch *batch);
/* Adds those rows of the first keys that are there; returns how many keys that were, at least one. */
int sync_ask_fetch(SyncEnd *end, const char *set_name, int count, const Datum *keys,
				   SyncBatch *batch);

typedef enum SyncReceipt
{
	SYNC_NOT_TAKEN, /* too many batches were begun that did not end */
	SYNC_ELSEWHERE, /* nothing was done: the copies are not at FROM */
	SYNC_PART,      /* of what comes before the rows: to be called again */
	SYNC_WHOLE
} SyncReceipt;

/* ROWS: SyncMoved pointers. CURSOR is where the copies are after the call. */
SyncReceipt sync_ask_receive(SyncEnd *end, const SyncDelivery *delivery, const List *rows,
							 SyncToken *cursor);

/* ---- compare.c: ORIGIN NULL means own rows, else copies of them; AFTER and what is returned say where a page begins and ends, NULL both ends ---- */

/* Of own rows up to UPTO. Fills SYNC_BUCKETS entries with the last page. */
bytea *sync_ask_fingerprint(SyncEnd *end, const char *set_name, const pg_uuid_t *origin, int64 upto,
							const bytea *after, SyncBucket *buckets);
/* BUCKETS: their numbers. ENTRIES: SyncDigest pointers. */
bytea *sync_ask_bucket(SyncEnd *end, const char *set_name, const pg_uuid_t *origin,
					   const List *buckets, const bytea *after, List **entries);
/* Returns how many of the keys were answered, at least one; of the DIGESTS only their keys are not filled. */
int sync_ask_digests(SyncEnd *end, const char *set_name, const pg_uuid_t *origin, int count,
					 const Datum *keys, SyncDigest *digests);

#endif
