/* SPDX-License-Identifier: PostgreSQL */
/*
 * The scheduler of one database: keeps one worker running for each peer, and does what must be done without any peer: gives sequence numbers
 * to what changed, forgets old tombstones, compares tables with their change index.
 */
#include "process/process.h"

#include "commands/dbcommands.h"
#include "pgstat.h"

#define LOOK_EVERY 10000 /* ms between looks if nothing happens */
/* ms: a tombstone may stay a tenth longer than it has to, but at most an hour. */
#define PRUNE_EVERY (1000 * Max(10, Min(3600, sync_tombstone_keep / 10)))

PGDLLEXPORT void hllset_sync_scheduler_main(Datum argument);

static SyncOrder order;
static char database[NAMEDATALEN];

/* ---- peers ---- */

static void
look_after_peers(void)
{
	uint64 count = sync_catalog("SELECT * FROM hllset_sync.peers_of($1)", SYNC_OID(order.role));

	for (uint64 i = 0; i < count; i++)
	{
		SyncOrder worker = order;
		char *hindrance = sync_text(i, 2);
		SyncState state = hindrance != NULL ? SYNC_ERROR : sync_bool(i, 3) ? SYNC_PAUSED : SYNC_OK;

		strlcpy(worker.peer, sync_text(i, 1), NAMEDATALEN);
		sync_look_after(worker.peer, &worker, sync_int8(i, 4), state,
						hindrance == NULL ? "" : hindrance);
	}
}

static void
report(SyncState state, const char *reason)
{
	sync_show_state(&order, database, state, reason);
}

/* Looks after the peers if syncing may go on in this database, which is what FIT tells; else reports why not. */
static void
look(void *fit)
{
	const char *problem, *identity = NULL;

	sync_begin("looking at the peers");
	problem = sync_extension_problem();
	if (problem == NULL)
		identity = sync_identity().problem;
	if (problem != NULL)
		report(SYNC_ERROR, problem);
	else if (identity != NULL)
		report(SYNC_IDENTITY, identity);
	else
		look_after_peers();
	sync_let_go();
	sync_commit();
	*(bool *) fit = problem == NULL && identity == NULL;
	if (*(bool *) fit)
		report(SYNC_OK, "");
}

/* ---- sets ---- */

static void
log_error(const char *what, const ErrorData *error)
{
	if (error != NULL)
		ereport(LOG, (errmsg("hllset_sync: %s: %s", what, error->message)));
}

static void
advance_all(void *left)
{
	*(bool *) left = sync_advance_here();
}

static void
note_sequenced(SyncTime started)
{
	SyncStatus status;

	(void) sync_shown_status("", &status);
	status.ended = started;
	sync_show_status("", &status);
}

/* True if something is left to be done. Errors of single sets are in their status. */
static bool
care_for_sets(MemoryContext context, SyncTime started)
{
	static SyncTime pruned = 0;
	bool left = false;
	ErrorData *error = sync_guard(context, advance_all, &left);

	log_error("looking at the sets", error);
	if (error == NULL && sync_all_seen())
		note_sequenced(started);
	if (sync_elapsed(pruned, PRUNE_EVERY))
	{
		pruned = sync_clock();
		log_error("forgetting old tombstones", sync_guard(context, sync_prune_here, NULL));
	}
	return left;
}

/* ---- the process ---- */

/* CARED is when the sets were last cared for; 0: something was left. */
static void
run_once(MemoryContext context, SyncTime *cared)
{
	SyncTime now = sync_clock();
	bool fit = false;
	ErrorData *error = sync_guard(context, look, &fit);

	if (error != NULL)
		report(error->sqlerrcode == ERRCODE_SYNC_IDENTITY ? SYNC_IDENTITY : SYNC_ERROR,
			   sync_error_text(error));
	if (error == NULL && fit && (sync_elapsed(*cared, sync_every) || sync_requested("") > *cared))
		*cared = care_for_sets(context, now) ? 0 : now;
	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
}

void
hllset_sync_scheduler_main(Datum argument)
{
	MemoryContext context;
	SyncTime cared = 0;

	order = sync_process_start();
	context =
		AllocSetContextCreate(TopMemoryContext, "hllset_sync scheduler", ALLOCSET_DEFAULT_SIZES);
	sync_begin("starting");
	strlcpy(database, get_database_name(MyDatabaseId), NAMEDATALEN);
	sync_commit();
	for (;;)
	{
		MemoryContextSwitchTo(context);
		run_once(context, &cared);
		MemoryContextReset(context);
		sync_await_children(sync_after(cared == 0 ? 0 : Min(LOOK_EVERY, sync_every)));
	}
}
