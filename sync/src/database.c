/* SPDX-License-Identifier: PostgreSQL */
/* The databases that the launcher looks after, in shared memory: who runs there, or why nobody does. */
#include "process.h"

#include <signal.h>

#include "access/xact.h"
#include "commands/dbcommands.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(hllset_sync_database_status);

static SyncDatabase *databases; /* of SYNC_MAX_DATABASES */
static bool wake_at_commit;

Size
sync_databases_size(void)
{
	return MAXALIGN(SYNC_MAX_DATABASES * sizeof(SyncDatabase));
}

void
sync_init_databases(void)
{
	bool found;

	databases = ShmemInitStruct("hllset_sync databases", sync_databases_size(), &found);
	if (!found)
		memset(databases, 0, sync_databases_size());
}

const char *
sync_state_name(SyncState state)
{
	static const char *const names[] = {
		[SYNC_OK] = "ok",
		[SYNC_CONNECTING] = "connecting",
		[SYNC_BACKOFF] = "backoff",
		[SYNC_PAUSED] = "paused",
		[SYNC_WAITING_FOR_SLOT] = "waiting_for_slot",
		[SYNC_IDENTITY] = "identity",
		[SYNC_ERROR] = "error",
	};

	return names[state];
}

static SyncDatabase *
find_by_name(const char *name)
{
	for (int i = 0; i < SYNC_MAX_DATABASES; i++)
	{
		if (strcmp(databases[i].name, name) == 0)
			return &databases[i];
	}
	return NULL;
}

bool
sync_get_database(const char *name, SyncDatabase *copy)
{
	SyncDatabase *database;

	sync_shared_lock();
	if ((database = find_by_name(name)) != NULL)
		*copy = *database;
	sync_shared_unlock();
	return database != NULL;
}

static SyncDatabase *
find_by_oid(Oid dboid)
{
	for (int i = 0; i < SYNC_MAX_DATABASES; i++)
	{
		if (databases[i].name[0] != '\0' && databases[i].dboid == dboid)
			return &databases[i];
	}
	return NULL;
}

bool
sync_list_database(const char *name)
{
	SyncDatabase *database;

	sync_shared_lock();
	database = find_by_name(name);
	if (database == NULL && (database = find_by_name("")) != NULL)
	{
		strlcpy(database->name, name, NAMEDATALEN);
		database->state = SYNC_CONNECTING;
	}
	sync_shared_unlock();
	return database != NULL;
}

void
sync_unlist_database(const char *name)
{
	SyncDatabase *database;

	sync_shared_lock();
	if ((database = find_by_name(name)) != NULL)
		memset(database, 0, sizeof(SyncDatabase));
	sync_shared_unlock();
}

void
sync_set_database_oid(const char *name, Oid dboid)
{
	SyncDatabase *database;

	sync_shared_lock();
	if ((database = find_by_name(name)) != NULL)
		database->dboid = dboid;
	sync_shared_unlock();
}

void
sync_report_database(const char *name, SyncState state, const char *reason)
{
	SyncDatabase *database;
	bool news = false;

	sync_shared_lock();
	if ((database = find_by_name(name)) != NULL)
	{
		news = database->state != state || strcmp(database->reason, reason) != 0;
		database->state = state;
		strlcpy(database->reason, reason, SYNC_REASON_SIZE);
	}
	sync_shared_unlock();
	if (news && (state == SYNC_ERROR || state == SYNC_WAITING_FOR_SLOT || state == SYNC_IDENTITY))
		ereport(WARNING, (errmsg("hllset_sync: database \"%s\" is not synced: %s", name, reason)));
	if (news)
		sync_shared_changed();
}

pid_t
sync_scheduler_of(Oid dboid)
{
	SyncDatabase *database = find_by_oid(dboid);

	return database == NULL ? 0 : database->scheduler;
}

static void
leave_database(int code, Datum dboid)
{
	SyncDatabase *database;

	sync_shared_lock();
	database = find_by_oid(DatumGetObjectId(dboid));
	if (database != NULL && database->scheduler == MyProcPid)
		database->scheduler = 0;
	sync_shared_unlock();
	sync_shared_changed();
}

bool
sync_enter_database(const SyncOrder *order)
{
	SyncDatabase *database;
	bool open;

	before_shmem_exit(leave_database, ObjectIdGetDatum(order->dboid));
	sync_shared_lock();
	database = find_by_oid(order->dboid);
	open = database != NULL && !sync_is_suspended(order->dboid);
	if (open)
		database->scheduler = MyProcPid;
	sync_shared_unlock();
	return open;
}

void
sync_wake_scheduler(void)
{
	pid_t scheduler = 0;

	if (!sync_has_shared_memory())
		return;
	sync_shared_lock();
	scheduler = sync_scheduler_of(MyDatabaseId);
	sync_shared_unlock();
	sync_wake(scheduler);
}

void
sync_request_sequencing(const char *name)
{
	SyncDatabase *database;
	pid_t scheduler = 0;

	sync_shared_lock();
	if ((database = find_by_name(name)) != NULL)
	{
		database->requested = GetCurrentTimestamp();
		scheduler = database->scheduler;
	}
	sync_shared_unlock();
	sync_wake(scheduler);
}

TimestampTz
sync_sequencing_requested(const char *name)
{
	SyncDatabase *database;
	TimestampTz requested = 0;

	sync_shared_lock();
	if ((database = find_by_name(name)) != NULL)
		requested = database->requested;
	sync_shared_unlock();
	return requested;
}

static void
at_end(XactEvent event, void *argument)
{
	if (wake_at_commit && event == XACT_EVENT_COMMIT)
		sync_wake_scheduler();
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		wake_at_commit = false;
}

void
sync_peers_changed(void)
{
	static bool registered;

	if (!registered)
		RegisterXactCallback(at_end, NULL);
	registered = true;
	wake_at_commit = true;
}

/* (state text, reason text): how syncing is in this database as a whole; NULL, reason if no workers are meant to run here. */
Datum
hllset_sync_database_status(PG_FUNCTION_ARGS)
{
	TupleDesc desc;
	Datum values[2];
	bool nulls[2] = {false, false};
	SyncDatabase copy = {0};
	bool shared = sync_has_shared_memory();
	const char *reason;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	nulls[0] = !shared || !sync_get_database(get_database_name(MyDatabaseId), &copy);
	if (!shared)
		reason = "no workers run: hllset_sync is not in shared_preload_libraries";
	else if (nulls[0])
		reason = "no workers run here: the database is not in hllset_sync.databases";
	else
		reason = copy.reason;
	values[0] = CStringGetTextDatum(sync_state_name(copy.state));
	values[1] = CStringGetTextDatum(reason);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
