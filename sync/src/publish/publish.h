/* SPDX-License-Identifier: PostgreSQL */
/* This node's rows: which tables are sets, what changes in them, and what others may read of it. */
#ifndef HLLSET_SYNC_PUBLISH_H
#define HLLSET_SYNC_PUBLISH_H

#include "common/common.h"

/* ---- candidate.c, register.c ---- */

/* What registering RELID, whose names are locked, would make; nothing is written. ERROR with a hint if it can't be. NULLs stand for the defaults. */
SyncSet *sync_candidate(Oid relid, const char *name, SyncValue keys, SyncValue sketches,
						bool has_views);
/* Gives the tables and views of the set, which is locked, to the owner of its table; false: it is broken now. */
bool sync_take_over(SyncSet *set);

/* ---- capture.c: the trigger ---- */

/* Kinds of rows of hllset_sync.pending. */
typedef enum SyncPending
{
	SYNC_PENDING_KEYS = 'k',
	SYNC_PENDING_TRUNCATION = 't',
	SYNC_PENDING_ALL = 'r',
	SYNC_PENDING_LEFTOVERS = 'c'
} SyncPending;

void sync_install_capture(void);
/* Once in a transaction, set and kind. */
void sync_note_pending(int set_id, SyncPending kind);

/* ---- sequencer.c, scan.c: what is done for one set in one transaction ---- */

/* Gives new changes of a usable set their numbers, or does a chunk of upkeep; true if something is left. */
bool sync_advance(SyncSet *set);
/* Deletes a chunk of those entries of the set's index up to a number, and says how many. */
int64 sync_delete_entries(const SyncSet *set, const char *which, int64 upto);
/* Begins a scan if the layout of the set's table has changed, see there. */
void sync_follow_layout(SyncSet *set, bool truncated);
/* Compares a chunk, and notes keys that differ. */
void sync_scan_chunk(SyncSet *set);

/* ---- advance.c, upkeep.c: all sets, each in transactions of its own ---- */

/* For this node's own rounds and its scheduler; outside of any transaction. True if something is left. */
bool sync_advance_here(void);
/* Has this set of this node scanned, if that was not done lately; sync_advance_here does it. */
void sync_rescan_here(const char *set_name);
/* Of the last time that this session did one or the other, or p_advance: sets that it could not get at (ids), and had no time for though there was
 * something to do (names), arrays; and whether there are none of the latter. */
SyncValue sync_held(void);
SyncValue sync_unseen(void);
bool sync_all_seen(void);
/* Whose grants count in statements: NULL for this node itself. */
SyncValue sync_caller_role(void);

/* Forgets old tombstones of all sets. Where sync_advance_here is called, by sync_guard. */
void sync_prune_here(void *unused);

/* ---- caller.c ---- */

/* The node at the other end of this session, as it said. */
typedef struct SyncCaller
{
	pg_uuid_t node_id;
	char name[NAMEDATALEN];
	bool noted;   /* its sets are known to have this reader */
	bool is_told; /* that this node is: */
	pg_uuid_t told;
} SyncCaller;

extern SyncCaller sync_caller;

/* ERROR if this node has become another since its caller was told who it is. */
void sync_check_told(void);

/* ERROR unless the caller of this protocol function was granted a set, or is this node itself. */
void sync_require_peer(FunctionCallInfo fcinfo);

/* ---- reader.c, heads.c: who reads from this node or is pushed to, and what each has flushed ---- */

typedef struct SyncSetToken
{
	int set_id;
	int64 seq;
	pg_uuid_t nonce; /* not at 0 */
} SyncSetToken;

void sync_install_readers(void);
/* The caller is known as a reader of these sets, text[] or NULL for all, before it gets its first answer: if it was granted them with the node that it says it is. */
void sync_note_caller(SyncValue names);
/*
 * The caller of this session has flushed our changes of these sets up to these tokens, beside what it said before. It is known as their reader
 * from now on, if it speaks for a node. Counts when this transaction commits.
 */
void sync_confirm(const SyncSetToken *tokens, int count);
void sync_confirm_named(Datum names, Datum seqs, Datum nonces); /* arrays */
void
sync_confirm_same(const pg_uuid_t *same); /* all heads of the last answer, if this is its hash */
/* The same of a node that READS, or that we push to, as it was WHEN the round began; SESSION is 0 where the connection to it begins. */
void sync_confirm_of(const pg_uuid_t *node_id, bool reads, const SyncSetToken *tokens, int count,
					 SyncTime when, uint64 *session);
/* Ids of sets that a node reads by itself, if it was heard since then. Needs shared memory and an SPI connection. */
List *sync_sets_read_by(const pg_uuid_t *node_id, SyncTime since);
/* Whether a node has confirmed anything since then; what it said with numbers FROM .. TO (confirmed.said) counts. */
bool sync_node_heard(const pg_uuid_t *node_id, SyncTime since, uint64 *from, uint64 *to);

#endif
