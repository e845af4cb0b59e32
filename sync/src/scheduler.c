/* SPDX-License-Identifier: PostgreSQL */
/*
 * The scheduler of one database: keeps one worker running for each peer, and does what must be done without any peer: gives sequence numbers
 * to what changed, forgets old tombstones, compares tables with their change index.
 */
#include "process.h"
#include "set.h"

#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#define LOOK_EVERY 10000 /* ms between looks if nothing happens */

PGDLLEXPORT void hllset_sync_scheduler_main(Datum argument);

static SyncOrder order;
static char database[NAMEDATALEN];
static List *children;

/* ---- peers ---- */

typedef struct Peer
{
	char *server;
	char *hindrance; /* NULL, or why no worker may run for it */
	bool paused;
	uint64 version; /* changes with anything that its worker must be started anew for */
} Peer;

static const char read_peers[] =
	"SELECT p.server::text,"
	" CASE WHEN s.oid IS NULL THEN format('server %I does not exist: SELECT "
	"hllset_sync.drop_peer(%L)', p.server, p.server) END,"
	" p.paused OR p.enabled_by IS DISTINCT FROM n.node_id,"
	" pg_catalog.hashtextextended(concat_ws('/', p.direction, p.sets::text, p.every::text, "
	"s.oid::text, s.xmin::text, m.xmin::text), 0)"
	" FROM hllset_sync.peers p LEFT JOIN hllset_sync.node n ON true"
	" LEFT JOIN pg_catalog.pg_foreign_server s ON s.srvname = p.server"
	" LEFT JOIN pg_catalog.pg_user_mapping m ON m.umserver = s.oid AND m.umuser = $1"
	" ORDER BY p.server";

static char *
text_of(HeapTuple tuple, int column)
{
	return SPI_getvalue(tuple, SPI_tuptable->tupdesc, column);
}

static List *
get_peers(void)
{
	Oid types[] = {OIDOID};
	Datum values[] = {ObjectIdGetDatum(order.role)};
	List *peers = NIL;
	SyncUser user = sync_enter_catalog();
	uint64 count = sync_execute(read_peers, 1, types, values, NULL, true);

	for (uint64 i = 0; i < count; i++)
	{
		HeapTuple tuple = SPI_tuptable->vals[i];
		Peer *peer = palloc(sizeof(Peer));
		bool null;

		peer->server = text_of(tuple, 1);
		peer->hindrance = text_of(tuple, 2);
		peer->paused = DatumGetBool(sync_field(i, 3, &null));
		peer->version = DatumGetInt64(sync_field(i, 4, &null));
		peers = lappend(peers, peer);
	}
	sync_leave(user);
	return peers;
}

static void
warn_once(SyncChild *child, const char *text)
{
	if (!child->warned)
		ereport(WARNING, (errmsg("hllset_sync: peer \"%s\": cannot sync: %s", child->name, text)));
	child->warned = true;
}

static void
start(SyncChild *child)
{
	SyncOrder worker = order;

	strlcpy(worker.peer, child->name, NAMEDATALEN);
	if (sync_child_start(child, &worker, "hllset_sync_worker_main", "hllset_sync worker"))
		child->warned = false;
	else
	{
		const char *text = "no background worker slot is free: raise max_worker_processes";

		warn_once(child, text);
		sync_show_state(child->name, SYNC_WAITING_FOR_SLOT, text);
	}
}

static void
look_after(const Peer *peer)
{
	SyncChild *child = sync_child(&children, peer->server);

	child->wanted = peer->hindrance == NULL && !peer->paused;
	child->version = peer->version;
	if (sync_child_settle(child))
		start(child);
	else if (peer->hindrance != NULL)
	{
		warn_once(child, peer->hindrance);
		sync_show_state(peer->server, SYNC_ERROR, peer->hindrance);
	}
	else if (peer->paused)
		sync_show_state(peer->server, SYNC_PAUSED, NULL);
}

/* Ends the workers of all but PEERS. */
static void
let_go(List *peers)
{
	ListCell *cell;

	foreach (cell, children)
	{
		SyncChild *child = lfirst(cell);
		ListCell *other;
		bool found = false;

		foreach (other, peers)
			found |= strcmp(((Peer *) lfirst(other))->server, child->name) == 0;
		if (found)
			continue;
		child->wanted = false;
		(void) sync_child_settle(child);
		if (child->handle == NULL)
		{
			sync_forget_status(child->name);
			children = foreach_delete_current(children, cell);
			pfree(child);
		}
	}
}

/* Whether syncing may go on in this database; reports why not. */
static bool
is_fit(void)
{
	const char *problem = sync_extension_problem();
	const char *identity = problem == NULL ? sync_identity().problem : NULL;

	if (problem != NULL)
		sync_report_database(database, SYNC_ERROR, problem);
	else if (identity != NULL)
		sync_report_database(database, SYNC_IDENTITY, identity);
	return problem == NULL && identity == NULL;
}

static void
look(void *fit)
{
	List *peers = NIL;
	ListCell *cell;

	sync_begin("looking at the peers");
	*(bool *) fit = is_fit();
	if (*(bool *) fit)
	{
		sync_grant_protocol(GetUserId());
		peers = get_peers();
	}
	foreach (cell, peers)
		look_after(lfirst(cell));
	let_go(peers);
	sync_commit();
	if (*(bool *) fit)
		sync_report_database(database, SYNC_OK, "");
}

/* ---- sets ---- */

typedef struct Set
{
	char *name;
	bool rescan;
} Set;

static void
get_sets(void *sets)
{
	MemoryContext context = CurrentMemoryContext;
	SyncUser user;
	uint64 count;

	sync_begin("looking at the sets");
	user = sync_enter_catalog();
	count = sync_run(
		"SELECT set_name, state = 'ok' AND %d > 0 AND last_rescan < now() - %d * interval '1 s'"
		" FROM hllset_sync.sets ORDER BY set_id",
		sync_rescan_every, sync_rescan_every);
	MemoryContextSwitchTo(context);
	for (uint64 i = 0; i < count; i++)
	{
		Set *set = palloc(sizeof(Set));
		bool null;

		set->name = text_of(SPI_tuptable->vals[i], 1);
		set->rescan = DatumGetBool(sync_field(i, 2, &null));
		*(List **) sets = lappend(*(List **) sets, set);
	}
	sync_leave(user);
	sync_commit();
}

static void
run_for_set(const char *activity, const char *sql, const char *name)
{
	Oid types[] = {TEXTOID};
	Datum values[] = {CStringGetTextDatum(name)};
	SyncUser user;

	sync_begin(activity);
	user = sync_enter_catalog();
	(void) sync_execute(sql, 1, types, values, NULL, false);
	sync_leave(user);
	sync_commit();
}

static void
care_for(void *argument)
{
	const Set *set = argument;

	sync_local_call = true;
	run_for_set(psprintf("sequence %s", set->name), "SELECT FROM hllset_sync.p_heads(ARRAY[$1])",
				set->name);
	if (set->rescan)
		run_for_set(psprintf("rescan %s", set->name), "SELECT hllset_sync.rescan($1)", set->name);
}

static void
prune(void *argument)
{
	SyncUser user;

	sync_begin("forgetting old tombstones");
	user = sync_enter_catalog();
	(void) sync_run("SELECT hllset_sync.prune()");
	sync_leave(user);
	sync_commit();
}

static void
log_error(const char *what, const ErrorData *error)
{
	if (error != NULL)
		ereport(LOG, (errmsg("hllset_sync: %s: %s", what, error->message)));
}

/* A tombstone may stay a tenth longer than it has to, but at most an hour. */
static bool
prune_is_due(void)
{
	static TimestampTz pruned = 0;
	TimestampTz now = GetCurrentTimestamp();
	int seconds = Max(10, Min(3600, sync_tombstone_keep / 10));

	if (!TimestampDifferenceExceeds(pruned, now, seconds * 1000))
		return false;
	pruned = now;
	return true;
}

/* An error of one set must not stop the others; it is in the status of that set. */
static void
care_for_sets(MemoryContext context)
{
	List *sets = NIL;
	ListCell *cell;

	log_error("looking at the sets", sync_guard(context, get_sets, &sets));
	foreach (cell, sets)
	{
		Set *set = lfirst(cell);

		log_error(psprintf("set \"%s\"", set->name), sync_guard(context, care_for, set));
		CHECK_FOR_INTERRUPTS();
	}
	if (prune_is_due())
		log_error("forgetting old tombstones", sync_guard(context, prune, NULL));
}

/* ---- the process ---- */

static void
find_name(void *argument)
{
	sync_begin("starting");
	strlcpy(database, get_database_name(MyDatabaseId), NAMEDATALEN);
	sync_commit();
}

static TimestampTz
after(TimestampTz time, int milliseconds)
{
	return TimestampTzPlusMilliseconds(time, milliseconds);
}

/* CARED is when the sets were last cared for. */
static void
run_once(MemoryContext context, TimestampTz *cared)
{
	TimestampTz now = GetCurrentTimestamp();
	bool fit = false;
	ErrorData *error = sync_guard(context, look, &fit);

	if (error != NULL)
		sync_report_database(
			database, error->sqlerrcode == ERRCODE_SYNC_IDENTITY ? SYNC_IDENTITY : SYNC_ERROR,
			error->hint == NULL ? error->message : psprintf("%s: %s", error->message, error->hint));
	if (error == NULL && fit &&
		(now >= after(*cared, sync_every) || sync_sequencing_requested(database) > *cared))
	{
		*cared = now;
		care_for_sets(context);
	}
	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
}

void
hllset_sync_scheduler_main(Datum argument)
{
	MemoryContext context;
	TimestampTz cared = 0;

	order = sync_process_start(sync_enter_database);
	before_shmem_exit(sync_children_stop, PointerGetDatum(&children));
	context =
		AllocSetContextCreate(TopMemoryContext, "hllset_sync scheduler", ALLOCSET_DEFAULT_SIZES);
	find_name(NULL);
	for (;;)
	{
		TimestampTz latest;

		MemoryContextSwitchTo(context);
		run_once(context, &cared);
		MemoryContextReset(context);
		latest = after(GetCurrentTimestamp(), Min(LOOK_EVERY, sync_every));
		(void) sync_wait(0, PGINVALID_SOCKET, sync_children_next(children, latest), NULL);
	}
}
