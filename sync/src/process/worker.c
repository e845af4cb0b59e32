/* SPDX-License-Identifier: PostgreSQL */
/* The worker of one peer: round after round, and a longer and longer wait after each error in a row. */
#include "process/process.h"

#include "common/hashfn.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/lock.h"

#define SAVE_EVERY 10000 /* ms between updates of peer_state if the state stays the same */
#define KEEP_OPEN 60000  /* ms: a connection that is used less often is closed */
#define LOCK_CLASS 47    /* the fourth field of our advisory locks; 1 and 2 are those of SQL */

PGDLLEXPORT void hllset_sync_worker_main(Datum argument);

typedef struct Worker
{
	SyncOrder order;
	SyncLink *link;
	SyncStatus status;
	SyncState saved_state;
	SyncTime saved_at;
	SyncTime failing_since; /* 0: the last round was good */
	int every;              /* ms, 0: the setting */
	bool locked;
} Worker;

static int
get_every(const Worker *worker)
{
	return worker->every > 0 ? worker->every : sync_every;
}

/* ---- what the catalog says ---- */

/* At most one process works on a peer, whatever happens to its entry in shared memory. */
static bool
take_lock(Worker *worker)
{
	const char *server = worker->order.peer;
	uint64 hash = hash_bytes_extended((const unsigned char *) server, strlen(server), 0);
	LOCKTAG tag;

	if (worker->locked)
		return true;
	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (hash >> 32), (uint32) hash, LOCK_CLASS);
	worker->locked = LockAcquire(&tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL;
	return worker->locked;
}

/* Ends the process if the peer is not to be worked on. */
static void
read_settings(void *argument)
{
	Worker *worker = argument;
	SyncStatus *status = &worker->status;
	bool wanted;

	sync_begin("reading the settings of the peer");
	wanted = take_lock(worker) && sync_extension_problem() == NULL &&
			 sync_catalog("SELECT p.every_ms, coalesce(s.failures, 0), s.last_attempt"
						  " FROM hllset_sync.peers_of($1) p"
						  " LEFT JOIN hllset_sync.peer_state s USING (server)"
						  " WHERE server::text = $2 AND hindrance IS NULL AND NOT is_paused",
						  SYNC_OID(worker->order.role), SYNC_TEXT(worker->order.peer)) > 0;
	if (wanted)
	{
		worker->every = sync_int4(0, 1);
		if (status->last_attempt == 0)
			status->failures = sync_int4(0, 2);
		if (status->last_attempt == 0 && status->failures > 0 && !sync_is_null(0, 3))
			status->last_attempt = DatumGetTimestampTz(sync_value(0, 3, TIMESTAMPTZOID));
	}
	sync_commit();
	if (!wanted)
		proc_exit(0);
}

/* ---- what it tells ---- */

static void
save(void *argument)
{
	Worker *worker = argument;

	sync_begin("writing the status");
	sync_save_status(worker->order.peer, &worker->status);
	sync_commit();
}

static void
tell(Worker *worker, MemoryContext context)
{
	SyncStatus *status = &worker->status;

	if (status->state != worker->saved_state || sync_elapsed(worker->saved_at, SAVE_EVERY))
	{
		(void) sync_guard(context, save, worker);
		worker->saved_state = status->state;
		worker->saved_at = sync_clock();
	}
	sync_show_status(worker->order.peer, status);
}

static void
log_connected(const Worker *worker)
{
	const SyncHello *peer = &worker->status.last.peer;
	Datum uuid = UUIDPGetDatum(&peer->node_id);

	ereport(
		LOG,
		(errmsg("hllset_sync: peer \"%s\": connected to node %s (%s), protocol %d, server %d.%d",
				worker->order.peer, peer->node_name,
				DatumGetCString(DirectFunctionCall1(uuid_out, uuid)), peer->protocol,
				peer->server_version / 10000, peer->server_version % 10000)));
}

static void
log_back(const Worker *worker, int failures)
{
	int seconds = (int) ((sync_clock() - worker->failing_since) / USECS_PER_SEC);

	ereport(LOG, (errmsg("hllset_sync: peer \"%s\": back after %02d:%02d:%02d, %d attempts",
						 worker->order.peer, seconds / 3600, seconds / 60 % 60, seconds % 60,
						 failures)));
}

static void
log_round(const Worker *worker, const SyncRound *round)
{
	if (sync_log_rounds && round->rows_in + round->rows_out > 0)
		ereport(LOG,
				(errmsg("hllset_sync: peer \"%s\": pulled %lld rows (%lld kB), pushed %lld rows "
						"(%lld kB), %d sets, %.0f ms",
						worker->order.peer, (long long) round->rows_in,
						(long long) (round->bytes_in + 1023) / 1024, (long long) round->rows_out,
						(long long) (round->bytes_out + 1023) / 1024, round->sets,
						worker->status.last_round_ms)));
}

/* At attempts 1, 2, 4, 8: a peer that is away for a week must not fill the log. */
static void
log_failure(const Worker *worker, const ErrorData *error)
{
	int attempt = worker->status.failures;

	if ((attempt & (attempt - 1)) != 0)
		return;
	ereport(WARNING, (errcode(error->sqlerrcode),
					  errmsg("hllset_sync: peer \"%s\": cannot sync: %s; attempt %d",
							 worker->order.peer, error->message, attempt),
					  error->detail ? errdetail_internal("%s", error->detail) : 0,
					  error->hint ? errhint("%s", error->hint) : 0,
					  error->context ? errcontext("%s", error->context) : 0));
}

/* ---- rounds ---- */

static void
note_good(Worker *worker, SyncTime started, const SyncRound *round)
{
	int failures = worker->status.failures;
	bool was_connected = worker->status.connected_since != 0;

	sync_round_ended(&worker->status, started, round);
	if (!was_connected)
		log_connected(worker);
	if (failures > 0)
		log_back(worker, failures);
	log_round(worker, round);
	worker->failing_since = 0;
	if (get_every(worker) > KEEP_OPEN)
		sync_link_close(worker->link);
}

static void
note_bad(Worker *worker, SyncTime started, const ErrorData *error)
{
	sync_link_close(worker->link);
	if (worker->failing_since == 0)
		worker->failing_since = started;
	sync_round_failed(&worker->status, started, error);
	log_failure(worker, error);
}

/* Waits DELAY ms, or as long as PART of the time between rounds, if there is no DELAY; a request ends the wait. */
static void
rest(Worker *worker, int64 delay, double part)
{
	SyncTime since = sync_clock();

	pgstat_report_activity(STATE_IDLE, NULL);
	for (;;)
	{
		SyncTime next = since + 1000 * (delay >= 0 ? delay : (int64) (part * get_every(worker)));

		if (sync_left(next) == 0 || sync_requested(worker->order.peer) > worker->status.attempted)
			return;
		(void) sync_wait(0, PGINVALID_SOCKET, next);
	}
}

static void
rest_after_failure(Worker *worker)
{
	int64 delay = sync_retry_delay(worker->status.failures);

	worker->status.next_attempt = sync_after(delay);
	sync_show_status(worker->order.peer, &worker->status);
	rest(worker, delay, 0);
}

static void
run_once(Worker *worker, MemoryContext context)
{
	SyncTime started = sync_clock();
	SyncRound round = {0};
	ErrorData *error = sync_guard(context, read_settings, worker);

	worker->link->begun = started;
	worker->link->afresh = sync_requested(worker->order.peer) >= worker->status.attempted;
	worker->status.attempted = started;
	worker->status.last_attempt = sync_wall(started);
	worker->status.next_attempt = 0;
	sync_show_status(worker->order.peer, &worker->status);
	if (error == NULL)
		error = sync_link_round(worker->link, &round);
	if (error == NULL)
		note_good(worker, started, &round);
	else
		note_bad(worker, started, error);
	tell(worker, context);
	pgstat_report_stat(true);
	if (error != NULL)
		rest_after_failure(worker);
	else if (!round.again)
		rest(worker, -1, 0.9 + 0.2 * sync_random());
}

/* Goes on where the last worker of this peer was. */
static void
begin(Worker *worker, MemoryContext context)
{
	SyncStatus *status = &worker->status;
	bool known = sync_shown_status(worker->order.peer, status) && status->last_attempt != 0;

	if (status->state == SYNC_PAUSED)
		status->failures = 0;
	status->pid = MyProcPid;
	status->connected_since = 0;
	(void) sync_guard(context, read_settings, worker);
	status->state = worker->saved_state = status->failures > 0 ? SYNC_BACKOFF : SYNC_CONNECTING;
	worker->failing_since = status->failures > 0 ? sync_clock() : 0;
	sync_show_status(worker->order.peer, status);
	worker->link = sync_link_create(TopMemoryContext, worker->order.peer, worker->order.role);
	/* A restart of the server must not hurry a peer that is away, but one that was just altered is tried at once. */
	if (status->failures > 0 && !known)
		rest_after_failure(worker);
}

void
hllset_sync_worker_main(Datum argument)
{
	static Worker worker;
	MemoryContext context;

	worker.order = sync_process_start();
	context = AllocSetContextCreate(TopMemoryContext, "hllset_sync round", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);
	begin(&worker, context);
	for (;;)
	{
		run_once(&worker, context);
		MemoryContextSwitchTo(context);
		MemoryContextReset(context);
	}
}
