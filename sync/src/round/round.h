/* SPDX-License-Identifier: PostgreSQL */
/* A round with a peer: the sets that both nodes have, one by one, in each direction. */
#ifndef HLLSET_SYNC_ROUND_H
#define HLLSET_SYNC_ROUND_H

#include "link/link.h"

/* ---- round.c, transfer.c, reconcile.c ---- */

/* Who a peer says that it is. */
typedef struct SyncHello
{
	int protocol;
	int server_version; /* server_version_num */
	pg_uuid_t node_id;
	char node_name[NAMEDATALEN];
} SyncHello;

/* What a round did, for the status. */
typedef struct SyncRound
{
	bool whole;      /* all sets were looked at */
	bool caught_up;  /* nothing was left in either direction */
	bool again;      /* what was left only needs more time: another round may begin at once */
	int sets;        /* sets looked at */
	int failed_sets; /* sets that stopped with an error of their own (see hllset_sync.links) */
	int64 rows_in, bytes_in, rows_out, bytes_out;
	SyncHello peer;
} SyncRound;

typedef struct SyncLink SyncLink; /* an open connection to a peer and what is known of it */

/* A link to SERVER by the user mapping of ROLE; nothing is opened yet. Lives in CONTEXT. */
SyncLink *sync_link_create(MemoryContext context, const char *server, Oid role);
/* One round. NULL, or why the peer can't be reached or refuses as a whole. Keeps the connection open for the next one. */
ErrorData *sync_link_round(SyncLink *link, SyncRound *round);
/* Closes the connection; safe at any time, also after an error. */
void sync_link_close(SyncLink *link);

/* ---- transfer.c, reconcile.c: one set in one direction ---- */

typedef struct SyncHead
{
	SyncToken token;
	int64 truncated_at;
	bool more; /* changes are left that have no seq yet, or the set is being scanned */
	bool held; /* they can't get one for now, since someone holds a lock, or the trigger is off */
	bool scanning; /* what is not in the index may still be found in the table */
} SyncHead;

/* Why copies and rows are compared. */
typedef enum SyncReason
{
	SYNC_NO_REASON, /* they are not */
	SYNC_TO_VERIFY,
	SYNC_AFTER_GAP, /* the cursor is older than what the source remembers of deletions: what only the copies have is gone */
	SYNC_AFTER_REWIND /* it is of a history that was undone: what only the copies have is kept */
} SyncReason;

typedef struct SyncComparison SyncComparison;

typedef enum SyncOutcome
{
	SYNC_CAUGHT_UP,
	SYNC_BEHIND,    /* time is up */
	SYNC_OVERTAKEN, /* someone else moves the same copies */
	SYNC_POISONED   /* some batches in a row were begun and never ended */
} SyncOutcome;

/* In one answer, as both ends are set (see sync_max_batch_rows), and one that ends them or says where to go on. */
#define SYNC_MOST_ROWS 100001

/* Columns of rows on their way, and of what is compared of them. */
enum
{
	SYNC_ROW_KEY,
	SYNC_ROW_SEQ,
	SYNC_ROW_CONTENT, /* sketches, NULL: the row was deleted; or the digest of them */
	SYNC_ROW_EXTRA    /* the nonce, or where the next page begins */
};

/* What a comparison has found so far. */
typedef struct SyncFindings
{
	int differing; /* buckets */
	int64 repaired, orphans;
	int64 compared, to_compare; /* rows and copies in buckets that differ; -1: not known yet */
} SyncFindings;

/* From the end that owns the rows to the one that keeps copies of them; which of both is this node makes no difference. */
typedef struct SyncFlow
{
	struct SyncVisit *visit;
	struct SyncRelation *relation;
	const char *set_name;
	SyncEnd *source, *sink;
	const pg_uuid_t *origin; /* the source */
	const char *origin_name;
	SyncToken cursor;    /* of the copies; brought up to date */
	MemoryContext batch; /* of the rows on their way: */
	List *rows;
	SyncTime until; /* end of the slice of time */
	bool begun;     /* an attempt, which has not ended */
	bool patient;   /* attempts that did not end don't count */
	bool verifies;
	SyncOutcome outcome;
	/* what was done */
	int64 moved;  /* rows */
	bool rewound; /* a comparison after a rewind has ended */
	SyncFindings found;
} SyncFlow;

void sync_forget_rows(SyncFlow *flow);
/* Brings the copies from flow->cursor to the head, by the feed if it knows the cursor, else by comparison. */
SyncOutcome sync_transfer(SyncFlow *flow);
/* Compares copies and rows and repairs the copies; goes on with the relation's comparison if it is for the same reason, and leaves it there if time is up. */
SyncOutcome sync_reconcile(SyncFlow *flow, SyncReason reason);
SyncReason sync_compares(const struct SyncRelation *relation);
void sync_forget_comparison(struct SyncRelation *relation);
/* Hands the rows over: SYNC_CAUGHT_UP if the copies were at flow->cursor. TO is where they are then; NULL: the cursor stays. */
SyncOutcome sync_deliver(SyncFlow *flow, SyncReceiveMode mode, const SyncToken *to);

/* ---- link.c: what is known of a peer; lives as long as its connection ---- */

typedef enum SyncDirection
{
	SYNC_FROM_PEER,
	SYNC_TO_PEER
} SyncDirection;

#define SYNC_DIRECTIONS 2

/* A state of a relation with its reason; the table is in relation.c. */
typedef enum SyncCondition
{
	SYNC_UNKNOWN,    /* nothing is to be done, or it is not known yet */
	SYNC_SETTLED,    /* ok: the copies have reached the head */
	SYNC_MOVING,     /* behind */
	SYNC_NUMBERING,  /* behind, and the source has more than it has numbers for */
	SYNC_HELD,       /* likewise, and a lock is in the way */
	SYNC_SCANNING,   /* the source does not know yet what it has */
	SYNC_YIELDING,   /* behind: another link moves the copies */
	SYNC_FAILED,     /* the last attempt ended in an error */
	SYNC_MISMATCHED, /* the columns differ */
	SYNC_BROKEN,     /* at one end */
	SYNC_WITHDRAWN,  /* it was synced, and the peer does not offer it any more */
	SYNC_ABSENT,     /* it is named in the peer's settings, and was never offered */
	SYNC_REFUSED,    /* the peer has paused what it granted */
	SYNC_RESUMED,    /* no round has looked at it since */
	SYNC_STOPPED     /* until it is resumed: by pause_set(), or attempts did not even end */
} SyncCondition;

/* What is shown of a relation. No bytes between the fields: it is compared as a whole. */
typedef struct SyncShown
{
	SyncCondition condition;
	int sqlstate; /* 0: none */
	char *reason; /* NULL: none */
	int64 cursor, head;
	int64 done, to_do; /* -1: not known */
	int64 resynced;    /* so many calls of resync_set() have had it, which is to be written */
} SyncShown;

/* One set in one direction, as in hllset_sync.relations. */
typedef struct SyncRelation
{
	struct SyncShared *set;
	bool wanted;            /* by the peer's settings and both nodes' grants */
	SyncShown shown, saved; /* the reason of SAVED may be freed */
	int64 began, goal;      /* numbers from which and to which copies are moved; no goal: 0 */
	/* as this round found them: */
	SyncHead head; /* of the source, if it has one */
	bool has_head;
	SyncToken copies;
	SyncToken settled;     /* the head that the copies were last seen to have reached */
	SyncTime rests_until;  /* it failed, or another link moves the same copies */
	SyncTime behind_since; /* 0: it is not */
	int overtaken;         /* so often in a row it did */
	SyncTime verified;
	int resyncs;                /* so many calls of resync_set() wait for a comparison */
	int resyncing;              /* of these the one that is under way is for */
	SyncComparison *comparison; /* that has not ended */
	SyncToken told;             /* flushed here, or noted as flushed there */
} SyncRelation;

typedef struct SyncShared
{
	char *name;
	int id;
	SyncRelation relations[SYNC_DIRECTIONS];
	bool is_acked;
	SyncToken acked; /* then, what the peer was last told of our copies */
} SyncShared;

/* What was logged of all relations of one condition: at rounds 1, 2, 4, 8 ... that they are in it. */
typedef struct SyncComplaint
{
	SyncCondition condition;
	int sqlstate;
	int rounds; /* 0: unused */
	/* in this round */
	int sets;
	const SyncShared *first, *last;
	const char *reason; /* of the first */
} SyncComplaint;

/* What is known of all heads of a node. */
typedef struct SyncHeads
{
	bool known;
	bool others; /* some are of sets that are not synced */
	pg_uuid_t hash;
} SyncHeads;

struct SyncLink
{
	SyncRound *round; /* what the present one did */
	MemoryContext context;
	NameData name; /* of the server */
	char *server;  /* the same */
	Oid role;
	SyncIdentity identity;
	SyncEnd here, there;
	/* of the connection */
	MemoryContext connection;
	SyncHello hello;
	List *sets; /* SyncShared pointers */
	SyncTime sets_read;
	int share_wait; /* ms after which they are read again */
	SyncHeads heads[SYNC_DIRECTIONS];
	int64 sets_mark;     /* changes with this node's sets and the peer's settings */
	uint64 push_session; /* see sync_confirm_of */
	bool stands;         /* a set waits for what the peer offers to change */
	bool waits;          /* the peer may come to offer what was registered to be synced */
	List *left;          /* SyncShared pointers: the peer is to forget what we had of these sets */
	SyncTime begun;      /* by a worker: before it looked whether somebody waits */
	bool afresh;         /* somebody waits: what is known of the peer is to be asked again */
	/* of hllset_sync.peers */
	bool directions[SYNC_DIRECTIONS];
	bool is_named; /* the node that the peer may be is known: */
	pg_uuid_t node;
	bool only_some; /* its settings name sets */
	SyncTime rewinds[SYNC_DIRECTIONS][3];
	SyncComplaint complaints[8];
};

/* Reads the settings of the peer and opens a connection if there is none. */
void sync_link_open(SyncLink *link);
/* A flow of the relation's rows. Its cursor and its time are still to be told; rows lie in the current context. */
SyncFlow sync_link_flow(struct SyncVisit *visit, SyncRelation *relation);

/* ---- protocol.c: what is asked of many sets at once; NAMES NIL: all ---- */

/*
 * Has the source's changes numbered, asks for its heads, and tells each relation of its own. A peer is told where some of our copies are, PLACES: a
 * name, a number and a nonce each, and of the last heads, if all of them were reached, the hash, or NULL.
 */
void sync_link_heads(SyncLink *link, SyncDirection direction, const List *names, const List *places,
					 const pg_uuid_t *same);
/* Has a set scanned by its source; sync_link_heads does it. */
void sync_link_rescan(SyncLink *link, SyncDirection direction, char *set_name);
/* Where the copies of these sets are. */
SyncToken *sync_link_cursors(SyncLink *link, SyncDirection direction, const List *names);

/* ---- visit.c: a round's visit of all sets in one direction ---- */

/* The sets that are synced in one direction. */
typedef struct SyncVisit
{
	SyncLink *link;
	SyncDirection direction;
	List *relations; /* SyncRelation pointers */
	List *told;      /* likewise, with those of which the peer was told how far our copies are */
	SyncTime until;
	List *left_to_reader; /* ids of sets that the peer reads by itself */
	bool rewound;         /* some set was */
} SyncVisit;

/* Ends of a link keep the sums of only so many comparisons. */
bool sync_may_compare(const SyncVisit *visit);
/* Whether the copies are not at the head. */
bool sync_is_behind(const SyncRelation *relation);
/* Moves what can be moved, and notes how it goes with each. */
void sync_visit_all(SyncVisit *visit);

/* ---- share.c ---- */

/* Finds the sets that are synced with the peer, if that may have changed. */
void sync_link_share(SyncLink *link);
/* Where the copies there are is to be asked again: they may have been dropped. */
void sync_forget_settled(SyncLink *link);

/* ---- relation.c: how it goes with each set in each direction ---- */

/* Of this name, as in the table; SYNC_UNKNOWN if there is none. */
SyncCondition sync_condition(const char *name);
/* Notes how it goes with a relation, for sync_relations_save to write. Without a SQLSTATE or a reason those of the condition are meant. */
void sync_relation_note(SyncLink *link, SyncRelation *relation, SyncCondition condition,
						int sqlstate, const char *reason);
/* Whether no round can move its rows now. */
bool sync_relation_stands(const SyncRelation *relation);
void sync_relations_save(void *link); /* a SyncLink, for sync_guard */
/* One line for all that is wrong for the same reason. */
void sync_relations_log(SyncLink *link);

#endif
