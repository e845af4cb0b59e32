/* SPDX-License-Identifier: PostgreSQL */
/* The launcher, the schedulers and the workers, the shared memory in which they and the sessions meet, and what SQL asks of them. */
#ifndef HLLSET_SYNC_PROCESS_H
#define HLLSET_SYNC_PROCESS_H

#include "publish/publish.h"
#include "receive/receive.h"
#include "round/round.h"

/* ---- process.c: what schedulers and workers have in common ---- */

/* What a scheduler or a worker is started for; travels in bgw_extra. */
typedef struct SyncOrder
{
	Oid dboid;
	Oid role;
	char peer[NAMEDATALEN]; /* '' : the scheduler */
} SyncOrder;

void sync_process_signals(void);
/* Enters the process that the order is for in shared memory and connects; it ends if it may not enter. */
SyncOrder sync_process_start(void);
/* NULL, or why the extension can't be used. Holds off DROP EXTENSION until the end of the transaction. Needs sync_begin. */
const char *sync_extension_problem(void);

/* ---- state.c: how it goes with a peer, and what a round means for it ---- */

typedef enum SyncState
{
	SYNC_CONNECTING,
	SYNC_OK,
	SYNC_BACKOFF,
	SYNC_PAUSED,
	SYNC_WAITING_FOR_SLOT,
	SYNC_IDENTITY,
	SYNC_ERROR,
} SyncState;

#define SYNC_REASON_SIZE 1024

/* Of a database only the process, the state, its reason and when all its sets were last sequenced: ended. */
typedef struct SyncStatus
{
	pid_t pid;
	SyncState state;
	TimestampTz connected_since, last_attempt, last_success, last_error_at; /* 0: none */
	SyncTime attempted, next_attempt;                                       /* likewise */
	SyncTime caught_up; /* start of the last round that ended caught up */
	SyncTime ended;     /* start of the last round that ended at all */
	int failures;       /* rounds that failed since the last good one */
	char error[SYNC_REASON_SIZE];
	char sqlstate[6];
	SyncRound last; /* the last good one; its rows and bytes are sums since sync_save_status */
	int64 rounds;   /* likewise */
	double last_round_ms;
} SyncStatus;

extern const char *const sync_state_names[];
const char *sync_error_text(const ErrorData *error); /* with its hint */
/* A round with a peer that began at STARTED ended well, or with an error: brings STATUS up to date. */
void sync_round_ended(SyncStatus *status, SyncTime started, const SyncRound *round);
void sync_round_failed(SyncStatus *status, SyncTime started, const ErrorData *error);
/* STATUS as a row of type hllset_sync.peer_status. */
const SyncValue *sync_status_values(const char *server, const SyncStatus *status);
/* Adds STATUS to the row of the peer in peer_state and sets its sums to zero. Needs sync_begin. */
void sync_save_status(const char *server, SyncStatus *status);

/* ---- status.c: how it goes with each peer and each database, in shared memory; SERVER is '' for this database ---- */

void sync_install_statuses(void);
/* This process works for ORDER; false if another one does or the database is closed. */
bool sync_enter_process(const SyncOrder *order);
void sync_show_status(const char *server, const SyncStatus *status);
bool sync_shown_status(const char *server, SyncStatus *status);
/* Of what no other process runs for; NAME is for the log, where a WARNING stands if that is new and needs somebody to do something. */
void sync_show_state(const SyncOrder *order, const char *name, SyncState state, const char *reason);
void sync_forget_status(const SyncOrder *order);
/*
 * Asks the workers of peers for a round, which ends their wait after a failure, and the scheduler to sequence all sets and to look for peers that were just
 * added. What begins at the time that this returns, or later, knows of it. Then, when that was last asked for.
 */
SyncTime sync_request(List *servers);
SyncTime sync_requested(const char *server);
/* All of this database, to look at its peers. */
void sync_request_all(void);
List *sync_listed(void);   /* names in hllset_sync.databases */
bool sync_is_listed(void); /* this database */
/* A database may be closed to workers while it is dropped, renamed or copied. */
bool sync_is_closed(Oid dboid);
/* Tells the workers of DBOID to end, waits for that, but at most 5 s, and lets none in until sync_open_database. One in a transaction. */
void sync_close_database(Oid dboid);
void sync_open_database(void); /* the one that this transaction has closed, if any */

/* ---- child.c: the processes that a launcher or a scheduler starts and looks after ---- */

/* The wait before the next attempt, in ms: at random, up to 1 s doubled with each failure and hllset_sync.retry_max. */
int64 sync_retry_delay(int failures);
struct BackgroundWorker sync_describe_process(const char *kind);
/*
 * Keeps a process running for ORDER if the state is SYNC_OK, else ends it and shows state and reason. A process of another VERSION is ended, and started
 * anew. NAME is that of the peer, or of the database.
 */
void sync_look_after(const char *name, const SyncOrder *order, uint64 version, SyncState state,
					 const char *reason);
/* Ends those that were not looked after since the last call. */
void sync_let_go(void);
/* Waits until the next process wants to be started, or LATEST. */
void sync_await_children(SyncTime latest);

/* ---- hook.c: workers leave a database that is dropped, renamed or copied ---- */

void sync_install_hooks(void);
extern bool sync_peers_changed; /* by this transaction */

/* ---- launcher.c, scheduler.c, worker.c ---- */

void sync_register_launcher(void);

#endif
