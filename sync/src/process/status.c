/* SPDX-License-Identifier: PostgreSQL */
/*
 * How it goes with each process that is wanted, in shared memory: with the worker of each peer, with the scheduler of each database, whose entries have no
 * peer, and with the launcher, whose entry has no database either.
 */
#include "process/process.h"

#include <signal.h>

#include "catalog/pg_authid.h"
#include "commands/dbcommands.h"
#include "foreign/foreign.h"
#include "storage/ipc.h"
#include "utils/acl.h"
#include "utils/varlena.h"

PG_FUNCTION_INFO_V1(hllset_sync_worker_status);
PG_FUNCTION_INFO_V1(hllset_sync_database_status);

#define LEAVE_TIMEOUT 5000 /* ms that a statement waits for workers to leave its database */

typedef struct Entry
{
	bool used;
	Oid dboid;
	char peer[NAMEDATALEN];
	SyncStatus status;
	SyncTime requested; /* when a round, or for a database sequencing, was last asked for */
	int closed;         /* sessions that want to have the database for themselves */
} Entry;

static Entry *entries;

/* Each process has an entry, and each peer that waits for one, which says why. */
static int
max_entries(void)
{
	return 2 * max_worker_processes + sync_max_nodes;
}

void
sync_install_statuses(void)
{
	sync_add_shared_part("hllset_sync processes", max_entries() * sizeof(Entry),
						 (void **) &entries);
}

/* ---- entries; all this needs the lock ---- */

static Entry *
find(Oid dboid, const char *peer)
{
	for (Entry *entry = entries; entry < entries + max_entries(); entry++)
		if (entry->used && entry->dboid == dboid && strcmp(entry->peer, peer) == 0)
			return entry;
	return NULL;
}

static bool
is_idle(const Entry *entry)
{
	return entry->status.pid == 0 && entry->closed == 0;
}

/* If there is no room, in place of one that nobody runs for, so that dropped peers and databases do not fill the table. */
static Entry *
enter(Oid dboid, const char *peer)
{
	Entry *place = find(dboid, peer);

	if (place != NULL)
		return place;
	for (Entry *entry = entries; entry < entries + max_entries() && (place == NULL || place->used);
		 entry++)
		if (!entry->used || (place == NULL && is_idle(entry)))
			place = entry;
	if (place == NULL)
		return NULL;
	memset(place, 0, sizeof(Entry));
	place->used = true;
	place->dboid = dboid;
	strlcpy(place->peer, peer, NAMEDATALEN);
	return place;
}

/* Takes the lock, which the caller lets go. NULL: there is no such entry, or, if it is to be made, no room. */
static Entry *
lock_entry(Oid dboid, const char *peer, bool make)
{
	sync_shared_lock();
	return make ? enter(dboid, peer) : find(dboid, peer);
}

static bool
is_closed(Oid dboid)
{
	Entry *entry = find(dboid, "");

	return entry != NULL && entry->closed > 0;
}

/* ---- the processes themselves ---- */

static void
leave(int code, Datum order)
{
	SyncOrder *mine = (SyncOrder *) DatumGetPointer(order);
	Entry *entry = lock_entry(mine->dboid, mine->peer, false);

	if (entry != NULL && entry->status.pid == MyProcPid)
	{
		entry->status.pid = 0;
		entry->status.connected_since = 0;
		if (mine->peer[0] != '\0')
			entry->status.state = SYNC_CONNECTING;
	}
	sync_shared_unlock();
	sync_shared_changed();
}

bool
sync_enter_process(const SyncOrder *order)
{
	static SyncOrder mine;
	Entry *entry;
	bool open;

	mine = *order;
	before_shmem_exit(leave, PointerGetDatum(&mine));
	entry = lock_entry(order->dboid, order->peer, true);
	open = entry != NULL && entry->status.pid == 0 && !is_closed(order->dboid);
	if (open)
		entry->status.pid = MyProcPid;
	sync_shared_unlock();
	return open;
}

void
sync_show_status(const char *server, const SyncStatus *status)
{
	Entry *entry = lock_entry(MyDatabaseId, server, true);

	if (entry != NULL)
		entry->status = *status;
	sync_shared_unlock();
	sync_shared_changed();
}

bool
sync_shown_status(const char *server, SyncStatus *status)
{
	Entry *entry = lock_entry(MyDatabaseId, server, false);

	if (entry != NULL)
		*status = entry->status;
	sync_shared_unlock();
	return entry != NULL;
}

void
sync_show_state(const SyncOrder *order, const char *name, SyncState state, const char *reason)
{
	Entry *entry = lock_entry(order->dboid, order->peer, true);
	bool news = false;

	if (entry != NULL && (entry->status.pid == 0 || entry->status.pid == MyProcPid))
	{
		SyncStatus *status = &entry->status;

		news = status->state != state || strcmp(status->error, reason) != 0;
		if (news && reason[0] != '\0')
			status->last_error_at = GetCurrentTimestamp();
		status->state = state;
		strlcpy(status->error, reason, SYNC_REASON_SIZE);
		status->sqlstate[0] = '\0';
	}
	sync_shared_unlock();
	if (!news)
		return;
	sync_shared_changed();
	if (state != SYNC_ERROR && state != SYNC_WAITING_FOR_SLOT && state != SYNC_IDENTITY)
		return;
	if (order->peer[0] != '\0' && OidIsValid(order->dboid))
		ereport(WARNING, (errmsg("hllset_sync: peer \"%s\": cannot sync: %s", name, reason)));
	else
		ereport(WARNING, (errmsg("hllset_sync: database \"%s\" is not synced: %s", name, reason)));
}

void
sync_forget_status(const SyncOrder *order)
{
	Entry *entry = lock_entry(order->dboid, order->peer, false);

	if (entry != NULL && is_idle(entry))
		entry->used = false;
	sync_shared_unlock();
}

/* ---- requests ---- */

static void
request(Entry *entry, SyncTime now)
{
	if (entry == NULL)
		return;
	entry->requested = now;
	sync_wake(entry->status.pid);
}

SyncTime
sync_request(List *servers)
{
	SyncTime now;
	ListCell *cell;

	sync_shared_lock();
	/* Not before, so that whoever has begun since then, and looks for requests, finds this one. */
	now = sync_clock();
	foreach (cell, servers)
		request(find(MyDatabaseId, lfirst(cell)), now);
	request(find(MyDatabaseId, ""), now);
	sync_shared_unlock();
	return now;
}

SyncTime
sync_requested(const char *server)
{
	Entry *entry = lock_entry(MyDatabaseId, server, false);
	SyncTime requested = entry == NULL ? 0 : entry->requested;

	sync_shared_unlock();
	return requested;
}

void
sync_request_all(void)
{
	sync_shared_lock();
	for (Entry *entry = entries; entry < entries + max_entries(); entry++)
		if (entry->used && entry->dboid == MyDatabaseId)
			request(entry, sync_clock());
	sync_shared_unlock();
}

/* ---- databases that are closed to workers ---- */

bool
sync_is_closed(Oid dboid)
{
	bool closed;

	sync_shared_lock();
	closed = is_closed(dboid);
	sync_shared_unlock();
	return closed;
}

static Oid closed; /* by this transaction */

/* Sends SIGNAL to all processes of a database and returns how many there are. */
static int
signal_all(Oid dboid, int signal)
{
	int count = 0;

	sync_shared_lock();
	for (Entry *entry = entries; entry < entries + max_entries(); entry++)
		if (entry->used && entry->dboid == dboid && entry->status.pid != 0)
		{
			kill(entry->status.pid, signal);
			count++;
		}
	sync_shared_unlock();
	return count;
}

void
sync_close_database(Oid dboid)
{
	SyncTime deadline = sync_after(LEAVE_TIMEOUT);
	Entry *entry;

	if (!OidIsValid(dboid) || OidIsValid(closed))
		return;
	entry = lock_entry(dboid, "", true);
	if (entry != NULL)
		entry->closed++;
	sync_shared_unlock();
	if (entry == NULL)
		return;
	closed = dboid;
	(void) signal_all(dboid, SIGTERM);
	while (signal_all(dboid, 0) > 0 && sync_shared_wait(deadline))
		;
	sync_shared_wait_end();
}

void
sync_open_database(void)
{
	Entry *entry, *launcher;

	if (!OidIsValid(closed))
		return;
	entry = lock_entry(closed, "", false);
	if (entry != NULL)
		entry->closed--;
	launcher = find(InvalidOid, "");
	sync_wake(launcher == NULL ? 0 : launcher->status.pid);
	sync_shared_unlock();
	closed = InvalidOid;
}

/* ---- what SQL sees ---- */

static bool
may_see(const char *server)
{
	ForeignServer *found;

	if (has_privs_of_role(GetUserId(), ROLE_PG_MONITOR))
		return true;
	found = GetForeignServerByName(server, true);
	return found != NULL && sync_server_usage(found->serverid) == ACLCHECK_OK;
}

/* The peers of this database that the caller may see. */
Datum
hllset_sync_worker_status(PG_FUNCTION_ARGS)
{
	SyncResult *result = sync_result(fcinfo);

	for (int i = 0; sync_has_shared_memory() && i < max_entries(); i++)
	{
		Entry copy;

		/* The lock may not be held where the catalog is read. */
		sync_shared_lock();
		copy = entries[i];
		sync_shared_unlock();
		if (copy.used && copy.dboid == MyDatabaseId && copy.peer[0] != '\0' && may_see(copy.peer))
			sync_add_values(result, sync_status_values(copy.peer, &copy.status));
	}
	return (Datum) 0;
}

List *
sync_listed(void)
{
	List *names = NIL;

	(void) SplitGUCList(pstrdup(sync_databases), ',', &names);
	return names;
}

bool
sync_is_listed(void)
{
	const char *database = get_database_name(MyDatabaseId);
	ListCell *cell;

	foreach (cell, sync_listed())
		if (strcmp(lfirst(cell), database) == 0)
			return true;
	return false;
}

/* (state text, reason text): how syncing is in this database as a whole; NULL, reason if no workers are meant to run here. */
Datum
hllset_sync_database_status(PG_FUNCTION_ARGS)
{
	SyncStatus status = {0};
	const char *reason = NULL;

	if (!sync_has_shared_memory())
		reason = "no workers run: hllset_sync is not in shared_preload_libraries";
	else if (!sync_is_listed())
		reason = "no workers run here: the database is not in hllset_sync.databases";
	else
		(void) sync_shown_status("", &status);
	return sync_one_row(fcinfo, SYNC_TEXT(reason == NULL ? sync_state_names[status.state] : NULL),
						SYNC_TEXT(reason == NULL ? status.error : reason));
}
