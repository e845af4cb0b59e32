/* SPDX-License-Identifier: PostgreSQL */
/* The launcher, the schedulers and the workers, and the shared memory in which they and the sessions meet. */
#ifndef HLLSET_SYNC_PROCESS_H
#define HLLSET_SYNC_PROCESS_H

#include "round.h"

#include "nodes/pg_list.h"
#include "utils/uuid.h"

/* ---- shared.c: shared memory, if preloaded ---- */

bool sync_has_shared_memory(void);
void sync_request_shared_memory(void);
void sync_require_shared_memory(void); /* ERROR with a hint to run_round */

/* One lock for all of it. Under it nothing is read from the catalog and nothing is waited for. */
void sync_shared_lock(void);
void sync_shared_unlock(void);
void sync_shared_changed(void); /* wakes those in sync_shared_wait */
bool sync_shared_wait(
	TimestampTz deadline); /* for a change, or for nothing: look again; false at the deadline */
void sync_shared_wait_end(void);     /* after the last sync_shared_wait */
uint32 sync_shared_starts(void);     /* how often this memory was made; more than 1 after a crash */
void sync_shared_set_launcher(void); /* this process is the launcher */
void sync_wake(pid_t pid); /* sets the latch of a process of this server; 0 does nothing */

/* A database may be closed to workers while it is dropped, renamed or copied. Needs the lock. */
bool sync_is_suspended(Oid dboid);
/* Tells the workers of DBOID to end and lets none in until sync_resume. False: nothing was done. */
bool sync_suspend(Oid dboid);
void sync_await_empty(Oid dboid); /* until they have left, or 5 s */
void sync_resume(Oid dboid);

/* ---- child.c: the processes that a launcher or a scheduler starts and looks after ---- */

/* What a scheduler or a worker is started for; travels in bgw_extra. */
typedef struct SyncOrder
{
	Oid dboid;
	Oid role;
	char peer[NAMEDATALEN]; /* '' : the scheduler */
} SyncOrder;

typedef struct SyncChild
{
	char name[NAMEDATALEN];
	bool wanted;
	uint64 version; /* of what it is to work for; another one needs another process */
	uint64 running; /* the version it was started with */
	struct BackgroundWorkerHandle *handle; /* NULL: it does not run */
	bool stopping;
	bool warned;
	int failures;
	TimestampTz started, next_start;
} SyncChild;

/* The wait before the next attempt, in ms: at random, up to 1 s doubled with each failure and hllset_sync.retry_max. */
int64 sync_retry_delay(int failures);
/* The child NAME of CHILDREN, appended if it is new; all live in TopMemoryContext. */
SyncChild *sync_child(List **children, const char *name);
/* Notes whether the child has ended, and ends it if it is not wanted or wanted otherwise. True if it should be started now. */
bool sync_child_settle(SyncChild *child);
/* False if there is no free slot. */
bool sync_child_start(SyncChild *child, const SyncOrder *order, const char *function,
					  const char *type);
/* When the next child wants to be started, or LATEST. */
TimestampTz sync_children_next(List *children, TimestampTz latest);
/* Ends them all; for before_shmem_exit with a List **. */
void sync_children_stop(int code, Datum children);

/* ---- process.c: what schedulers and workers have in common ---- */

void sync_process_signals(void);
/* Starts the process that the order is for, ENTERs it in shared memory and connects; it ends if it may not enter. */
SyncOrder sync_process_start(bool (*enter)(const SyncOrder *order));
/* Runs BODY; an error ends the transaction and is returned in CONTEXT, else NULL. */
ErrorData *sync_guard(MemoryContext context, void (*body)(void *), void *argument);
/* NULL, or why the extension can't be used. Holds off DROP EXTENSION until the end of the transaction. Needs sync_begin. */
const char *sync_extension_problem(void);

/* ---- database.c: the databases that the launcher looks after, in shared memory ---- */

typedef enum SyncState
{
	SYNC_OK,
	SYNC_CONNECTING,
	SYNC_BACKOFF,
	SYNC_PAUSED,
	SYNC_WAITING_FOR_SLOT,
	SYNC_IDENTITY,
	SYNC_ERROR,
} SyncState;

#define SYNC_REASON_SIZE 1024
#define SYNC_MAX_DATABASES 64

typedef struct SyncDatabase
{
	char name[NAMEDATALEN]; /* '' : free */
	Oid dboid;
	pid_t scheduler;
	SyncState state;
	char reason[SYNC_REASON_SIZE]; /* why its peers aren't synced, if the state isn't SYNC_OK */
	TimestampTz requested;         /* when sequencing was last asked for */
} SyncDatabase;

Size sync_databases_size(void);
void sync_init_databases(void);
const char *sync_state_name(SyncState state);
bool sync_list_database(const char *name);                    /* false if there is no room */
bool sync_get_database(const char *name, SyncDatabase *copy); /* false if it is not listed */
void sync_unlist_database(const char *name);
void sync_set_database_oid(const char *name, Oid dboid);
/* Says how the database is; with a WARNING if that is new and needs somebody to do something. */
void sync_report_database(const char *name, SyncState state, const char *reason);
bool sync_enter_database(
	const SyncOrder *order);        /* this process is its scheduler; false if it is closed */
pid_t sync_scheduler_of(Oid dboid); /* 0: none; needs the lock */
/* Asks the scheduler of this database to look at its peers: at once, or when this transaction commits. */
void sync_wake_scheduler(void);
void sync_peers_changed(void);
/* Asks the scheduler of a database to sequence its sets; when that was last asked for. */
void sync_request_sequencing(const char *name);
TimestampTz sync_sequencing_requested(const char *name);

/* ---- state.c: what a round means for the status of a peer ---- */

typedef struct SyncStatus
{
	pid_t pid;
	SyncState state;
	TimestampTz connected_since, last_attempt, last_success, next_attempt,
		last_error_at;        /* 0: none */
	TimestampTz caught_up_at; /* start of the last round that ended caught up */
	TimestampTz ended;        /* start of the last round that ended at all */
	int failures;             /* rounds that failed since the last good one */
	char error[SYNC_REASON_SIZE];
	char sqlstate[6];
	SyncRound
		last; /* the last good round, but the rows and bytes are sums since the last sync_save_status */
	int64 rounds; /* likewise */
	double last_round_ms;
} SyncStatus;

/* A round with a peer that began at STARTED ended well, or with an error: brings STATUS up to date. */
void sync_round_ended(SyncStatus *status, TimestampTz started, const SyncRound *round);
void sync_round_failed(SyncStatus *status, TimestampTz started, const ErrorData *error);
/* Adds STATUS to the row of the peer in peer_state and sets its sums to zero. Needs sync_begin. */
void sync_save_status(const char *server, SyncStatus *status);

/* ---- status.c: the status of the peers of all databases, in shared memory ---- */

Size sync_statuses_size(void);
void sync_init_statuses(void);
bool sync_enter_peer(
	const SyncOrder
		*order); /* this process is its worker; false if it has one or the database is closed */
int sync_signal_peers(
	Oid dboid,
	int signal); /* sends it to all workers of a database and returns how many; needs the lock */
void sync_show_status(const char *server, const SyncStatus *status);
bool sync_shown_status(const char *server, SyncStatus *status);
void sync_show_state(const char *server, SyncState state,
					 const char *error); /* of a peer without a worker; ERROR may be NULL */
void sync_forget_status(const char *server);
/* Asks the worker of a peer for a round, which ends its wait after a failure, false if there is no worker; when that was last asked for. */
bool sync_request_round(const char *server);
TimestampTz sync_round_requested(const char *server);

/* ---- consumer.c: who has got what from this node, in shared memory; without it nothing is noted ---- */

Size sync_consumers_size(void);
void sync_init_consumers(void);
/* A consumer that reads from this node says how far it got. */
void sync_consumer_seen(int set_id, Oid role, const pg_uuid_t *node_id, const char *node_name,
						int64 acked_seq);
/* The sequencer of SET_ID has looked at everything that was committed before STARTED; the head is HEAD. */
void sync_sequenced(int set_id, TimestampTz started, int64 head);
/* A push of SET_ID to SERVER is confirmed up to SEQ. */
void sync_push_confirmed(int set_id, const char *server, int64 seq);

/* ROLE reads SET_ID no more; set 0: all of this database are forgotten. */
void sync_forget_consumers(int set_id, Oid role);
/* The head of SET_ID, if it was sequenced after SINCE; what was confirmed by SERVER. -1: not (yet). */
int64 sync_sequenced_since(int set_id, TimestampTz since);
int64 sync_pushed_to(int set_id, const char *server);
/* Whether all nodes that read SET_ID, BUT those (of pg_uuid_t *), got as far as SEQ. */
bool sync_consumers_reached(int set_id, int64 seq, List *but);

/* ---- hook.c: workers leave a database that is dropped, renamed or copied ---- */

void sync_install_hooks(void);

/* ---- launcher.c, scheduler.c, worker.c ---- */

void sync_register_launcher(void);

#endif
