/* SPDX-License-Identifier: PostgreSQL */
/* What the files share that make a round with a peer: wire, endpoint, protocol, transfer, reconcile, round. */
#ifndef HLLSET_SYNC_LINK_H
#define HLLSET_SYNC_LINK_H

#include "round.h"
#include "set.h"

#include "nodes/pg_list.h"

/* ---- wire.c ---- */

/* A statement of the protocol. All parameters and columns cross in binary form. */
typedef struct SyncStatement
{
	const char *name; /* as a prepared statement; short, since it crosses at each call */
	const char *sql;
	int nargs;
	const Oid *args;
	int ncolumns;
	const Oid *columns;
	int max_rows; /* of a peer that means well */
} SyncStatement;

/* One row of an answer: size -1 is NULL. */
typedef void (*SyncWireRow)(void *state, char *const *cells, const int *sizes);

typedef enum SyncWireState
{
	SYNC_WIRE_READY,
	SYNC_WIRE_SPOILED, /* an answer was left unread: to be closed, a new one may do */
	SYNC_WIRE_LOST     /* the peer does not answer or closed it */
} SyncWireState;

/*
 * Connects, checks how the peer let us in, and pins its session's settings. Waits; NODE_NAME is shown to the peer. Errors name the peer but
 * never the options. Lives in the current context, whose end closes it.
 */
SyncWire *sync_wire_open(const SyncTarget *target, const char *node_name);
void sync_wire_close(SyncWire *wire);
SyncWireState sync_wire_state(const SyncWire *wire);
/*
 * Runs a statement there and hands over its rows as they come. An error of the peer is raised here with its SQLSTATE, after which the wire is
 * ready for the next; an error of HANDLE leaves it spoiled.
 */
void sync_wire_execute(SyncWire *wire, const SyncStatement *statement, const char *const *cells,
					   const int *sizes, SyncWireRow handle, void *state);
/* So far, in bytes of values. */
int64 sync_wire_received(const SyncWire *wire);
int64 sync_wire_sent(const SyncWire *wire);

/* ---- message.c ---- */

/* A peer's text, fit to be shown and logged: at most 1 kB, valid in this database's encoding, control characters escaped. */
char *sync_clean_text(const char *text);

/* ---- endpoint.c ---- */

/* One row of an answer, of the types that the statement names. Runs where its values live only until it returns. */
typedef void (*SyncRow)(void *state, const Datum *values, const bool *nulls);

struct SyncEnd
{
	SyncWire *wire;    /* NULL: this node */
	const char *label; /* for messages */
};

/* As sync_call, but false if it failed with this SQLSTATE, after which nothing is left of it. */
bool sync_try_call(SyncEnd *end, const SyncStatement *statement, const Datum *values,
				   const char *nulls, SyncRow handle, void *state, int sqlstate);
/* Runs a statement at END, in a short transaction of its own, here or there. NULLS as for SPI: 'n' or ' ', or NULL. */
void sync_call(SyncEnd *end, const SyncStatement *statement, const Datum *values, const char *nulls,
			   SyncRow handle, void *state);

/* ---- protocol.c, rows.c: the protocol functions, one by one ---- */

/* A place in a history. */
typedef struct SyncToken
{
	int64 seq;
	bool has_nonce; /* not at 0 */
	pg_uuid_t nonce;
} SyncToken;

bool sync_token_equal(const SyncToken *a, const SyncToken *b);

typedef struct SyncHello
{
	int protocol;
	pg_uuid_t node_id;
	char node_name[NAMEDATALEN];
	char *identity; /* 'ok', or why the node may not sync */
	char *version;
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
	bool known; /* the set was in the answer */
	SyncToken token;
	int64 floor, truncated_at;
	bool more; /* changes are left that have no seq yet */
	bool held; /* they can't get one for now, since someone holds a lock */
} SyncHead;

/* Rows of one set on their way. */
typedef struct SyncBatch
{
	MemoryContext context;
	int count, room;
	Datum *seqs;     /* int8 */
	Datum *keys;     /* bytea */
	Datum *sketches; /* bytea */
	bool *gone;      /* no sketches: the row was deleted */
	int64 bytes;
	SyncToken last; /* of the last row */
} SyncBatch;

/* A row's digest, of a node's own rows or of its copies of an origin. */
typedef struct SyncDigest
{
	bytea *key;
	int64 seq;
	pg_uuid_t digest;
} SyncDigest;

typedef struct SyncBucket
{
	int64 rows;
	uint8 fingerprint[16];
} SyncBucket;

#define SYNC_BUCKETS 1024

typedef enum SyncReceiveMode
{
	SYNC_CHANGES, /* the next rows of the feed */
	SYNC_REPAIR,  /* of a comparison */
	SYNC_REWOUND  /* the last of a comparison with a history that was undone */
} SyncReceiveMode;

/* What p_receive is to do with a batch; FROM is where the caller believes the copies to be. */
typedef struct SyncDelivery
{
	const char *set_name;
	const pg_uuid_t *origin;
	const char *origin_name;
	SyncReceiveMode mode;
	SyncToken from, to;
	bool moves;    /* else the cursor stays: TO is not sent */
	bool releases; /* the claim ends with it */
	int64 truncated_at;
} SyncDelivery;

/* Each runs the protocol function of its name at END; results are palloc'd in the current context. */
SyncHello sync_ask_hello(SyncEnd *end, const pg_uuid_t *node_id, const char *node_name);
/* SyncOffer pointers. */
List *sync_ask_sets(SyncEnd *end);
/* An entry for each of the NAMES; ACKED has as many, or is NULL. */
SyncHead *sync_ask_heads(SyncEnd *end, int count, const char *const *names, const int64 *acked);
/* False: the token AFTER is not on this history. */
bool sync_ask_changes(SyncEnd *end, const char *set_name, const SyncToken *after, int64 upto,
					  SyncBatch *batch);
SyncToken *sync_ask_cursors(SyncEnd *end, int count, const char *const *names,
							const pg_uuid_t *origin);
/* Whether no other link is bringing these copies now, or has since CURSOR; a claim lasts until it is released or its session ends. */
bool sync_ask_claim(SyncEnd *end, const char *set_name, const pg_uuid_t *origin, int64 cursor);
void sync_ask_release(SyncEnd *end, const char *set_name, const pg_uuid_t *origin);
int sync_ask_attempt(SyncEnd *end, const char *set_name, const pg_uuid_t *origin);
/* Where the copies are after the call; it did nothing if they were not at FROM. */
SyncToken sync_ask_receive(SyncEnd *end, const SyncDelivery *delivery, const SyncBatch *batch);
/* Fills SYNC_BUCKETS entries. ORIGIN NULL: the node's own rows up to UPTO. */
void sync_ask_fingerprint(SyncEnd *end, const char *set_name, const pg_uuid_t *origin, int64 upto,
						  SyncBucket *buckets);
/* SyncDigest pointers. */
List *sync_ask_bucket(SyncEnd *end, const char *set_name, const pg_uuid_t *origin, int count,
					  const int *buckets);
void sync_ask_fetch(SyncEnd *end, const char *set_name, int count, const Datum *keys,
					SyncBatch *batch);

/* Advisory, and of the sink: only they keep a pull and a push from bringing the same rows. The cursor decides which of both counts. */
#define CLAIM_CLASS 1752394611
#define CLAIM_KEY CppAsString2(CLAIM_CLASS) ", hashtext($1 || $2)"

/* What answers are read and refused with, in both files. WHY completes "answer of FUNCTION() makes no sense". */
SYNC_NORETURN void sync_refuse_answer(const char *function, const char *why);
void sync_refuse_nulls(const char *function, const bool *nulls, int count);
SyncToken sync_read_token(const char *function, Datum seq, Datum nonce, bool no_nonce);
Datum sync_int8_array(int count, const Datum *values);

/* ---- batch.c ---- */

SyncBatch *sync_batch_create(void);
/* Copies the values; SKETCHES NULL: the row is gone. */
void sync_batch_add(SyncBatch *batch, int64 seq, Datum key, const Datum *sketches);
void sync_batch_reset(SyncBatch *batch);

/* ---- transfer.c, reconcile.c: one set in one direction ---- */

/* From the end that owns the rows to the one that keeps copies of them; which of both is this node makes no difference. */
typedef struct SyncFlow
{
	SyncEnd *source, *sink;
	const char *set_name;
	const pg_uuid_t *origin; /* the source */
	const char *origin_name;
	SyncHead head;    /* of the source */
	SyncToken cursor; /* of the copies; brought up to date */
	SyncBatch *batch;
	TimestampTz until; /* end of the slice of time */
	bool patient;      /* attempts that did not end don't count */
	bool claimed;      /* to be released */
	/* what was done */
	int64 rows;
	bool rewound;
	int differing; /* buckets */
	int64 repaired, orphans;
} SyncFlow;

typedef enum SyncOutcome
{
	SYNC_CAUGHT_UP,
	SYNC_BEHIND,    /* time is up */
	SYNC_OVERTAKEN, /* someone else moves the same copies */
	SYNC_POISONED   /* some batches in a row were begun and never ended */
} SyncOutcome;

/* Brings the copies from flow->cursor to flow->head, by the feed if it knows the cursor, else by comparison. */
SyncOutcome sync_transfer(SyncFlow *flow);
/* Compares copies and rows and repairs the copies. REWOUND: the cursor is of a history that was undone; rows that only it had are kept. */
SyncOutcome sync_reconcile(SyncFlow *flow, bool rewound);
/* Hands the batch over: SYNC_CAUGHT_UP if the copies were at flow->cursor. TO is where they are then; NULL: the cursor stays. */
SyncOutcome sync_deliver(SyncFlow *flow, SyncReceiveMode mode, const SyncToken *to);
/* Counts an attempt; false if there were too many. */
bool sync_may_deliver(SyncFlow *flow);

/* ---- link.c: what is known of a peer; lives as long as its connection ---- */

typedef enum SyncDirection
{
	SYNC_FROM_PEER,
	SYNC_TO_PEER
} SyncDirection;

#define SYNC_DIRECTIONS 2

/* One set in one direction, as in hllset_sync.links. */
typedef struct SyncLane
{
	bool wanted;       /* by the peer's settings and both nodes' grants */
	const char *state; /* ok, behind, paused, error; NULL: not known yet */
	int64 cursor, head;
	char *error;
	int sqlstate;            /* 0: none */
	bool changed;            /* to be written */
	SyncToken settled;       /* the head that the copies were last seen to have reached */
	TimestampTz rests_until; /* it failed, or another link moves the same copies */
	int refusals;            /* claims in a row that were refused */
	TimestampTz verified;
} SyncLane;

typedef struct SyncShared
{
	char *name;
	int id;
	SyncLane lanes[SYNC_DIRECTIONS];
	int64 acked; /* what the peer was last told of our copies */
} SyncShared;

struct SyncLink
{
	MemoryContext context;
	NameData name; /* of the server */
	char *server;  /* the same */
	Oid role;
	SyncIdentity identity;
	SyncEnd here, there;
	/* of the connection */
	MemoryContext connection;
	SyncHello hello;
	MemoryContext offers; /* of the lists of offers */
	List *offers_here, *offers_there;
	MemoryContext lane_texts; /* of this round */
	List *sets;               /* SyncShared pointers */
	TimestampTz sets_read;
	TimestampTz told; /* when the peer was last told how far our copies are */
	int64 sets_mark;  /* changes with this node's sets and the peer's settings */
	/* of hllset_sync.peers */
	bool directions[SYNC_DIRECTIONS];
	bool only_some;
	List *only; /* then these names; lives as long as a round */
	TimestampTz rewinds[3];
};

/* Reads the settings of the peer and opens a connection if there is none. */
void sync_link_open(SyncLink *link);
/* A flow between this node and the peer; the set, its head and its cursor are still to be told. */
SyncFlow sync_link_flow(SyncLink *link, SyncDirection direction);
/* Pauses the peer until resume_peer(). */
void sync_link_pause(SyncLink *link, const char *reason);

/* ---- share.c ---- */

/* Finds the sets that both nodes have, if that may have changed, and reads what hllset_sync.links says of them. */
void sync_link_share(SyncLink *link);
/* Notes how it goes with a lane, for sync_link_save to write. ERROR may be NULL. */
void sync_lane_note(SyncLink *link, SyncLane *lane, const char *state, const ErrorData *error);
void sync_lane_places(SyncLane *lane, int64 cursor, int64 head);
/* Writes the lanes that changed. */
void sync_link_save(SyncLink *link);

#endif
