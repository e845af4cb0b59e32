/* SPDX-License-Identifier: PostgreSQL */
/* The launcher: keeps one scheduler running in each database of hllset_sync.databases, or says why it can't. */
#include "process.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/varlena.h"

#define LOOK_EVERY 10000      /* ms between looks if nothing happens */
#define AFTER_CRASH 5000      /* ms that a crashed server gets before we may crash it again */
#define INVALID_DATABASE (-2) /* datconnlimit of a database whose DROP was interrupted */

PGDLLEXPORT void hllset_sync_launcher_main(Datum argument);

static List *children;

/* Without a database the catalog caches have no indexes to use. */
static HeapTuple
find_by_name(Relation relation, AttrNumber column, const char *name)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key, column, BTEqualStrategyNumber, F_NAMEEQ, CStringGetDatum(name));
	scan = systable_beginscan(relation, InvalidOid, false, NULL, 1, &key);
	tuple = heap_copytuple(systable_getnext(scan));
	systable_endscan(scan);
	return tuple;
}

static const char *
role_problem(Oid *role)
{
	Relation relation;
	HeapTuple tuple;
	Form_pg_authid form;
	const char *problem = NULL;

	if (sync_worker_role[0] == '\0')
		return "hllset_sync.worker_role is not set: name a role with LOGIN that is no superuser";
	relation = table_open(AuthIdRelationId, AccessShareLock);
	tuple = find_by_name(relation, Anum_pg_authid_rolname, sync_worker_role);
	table_close(relation, AccessShareLock);
	if (tuple == NULL)
		return psprintf(
			"role \"%s\" of hllset_sync.worker_role does not exist: CREATE ROLE %s LOGIN",
			sync_worker_role, quote_identifier(sync_worker_role));
	form = (Form_pg_authid) GETSTRUCT(tuple);
	*role = form->oid;
	if (!form->rolcanlogin)
		problem = psprintf("role \"%s\" may not log in: ALTER ROLE %s LOGIN", sync_worker_role,
						   quote_identifier(sync_worker_role));
	else if (form->rolsuper && !sync_allow_superuser_worker)
		problem =
			psprintf("role \"%s\" is a superuser: name another one in hllset_sync.worker_role, "
					 "or set hllset_sync.allow_superuser_worker",
					 sync_worker_role);
	return problem;
}

static const char *
database_problem(const char *name, Oid *dboid)
{
	Relation relation = table_open(DatabaseRelationId, AccessShareLock);
	HeapTuple tuple = find_by_name(relation, Anum_pg_database_datname, name);
	Form_pg_database form;

	table_close(relation, AccessShareLock);
	if (tuple == NULL)
		return "it does not exist: take it out of hllset_sync.databases, or create it";
	form = (Form_pg_database) GETSTRUCT(tuple);
	*dboid = form->oid;
	if (form->datconnlimit == INVALID_DATABASE)
		return "its DROP DATABASE was interrupted: drop it";
	if (!form->datallowconn)
		return "it allows no connections: ALTER DATABASE ... ALLOW_CONNECTIONS true";
	return NULL;
}

static bool
is_closed(Oid dboid)
{
	bool closed;

	sync_shared_lock();
	closed = sync_is_suspended(dboid);
	sync_shared_unlock();
	return closed;
}

static void
start(SyncChild *child, const SyncOrder *order)
{
	sync_set_database_oid(child->name, order->dboid);
	if (sync_child_start(child, order, "hllset_sync_scheduler_main", "hllset_sync scheduler"))
		sync_report_database(child->name, SYNC_CONNECTING, "");
	else
		sync_report_database(child->name, SYNC_WAITING_FOR_SLOT,
							 "no background worker slot is free: raise max_worker_processes");
}

static void
look_after(const char *name, Oid role, const char *problem)
{
	SyncChild *child = sync_child(&children, name);
	SyncOrder order = {.role = role};
	bool closed;

	if (problem == NULL)
		problem = database_problem(name, &order.dboid);
	closed = OidIsValid(order.dboid) && is_closed(order.dboid);
	/* While it was closed, it may have looked dropped by half. */
	if (problem != NULL && OidIsValid(order.dboid) && !closed)
		problem = database_problem(name, &order.dboid);
	child->wanted = problem == NULL && sync_enabled && !closed;
	child->version = (uint64) order.dboid << 32 | role;
	if (sync_child_settle(child))
		start(child, &order);
	else if (!sync_enabled)
		sync_report_database(name, SYNC_PAUSED, "hllset_sync.enabled is off");
	else if (problem != NULL && !closed)
		sync_report_database(name, SYNC_ERROR, problem);
	else if (child->failures > 0 && child->handle == NULL)
		sync_report_database(name, SYNC_BACKOFF,
							 "its scheduler ended early: see the log of the server");
}

static bool
is_among(List *names, const char *name)
{
	ListCell *cell;

	foreach (cell, names)
	{
		if (strcmp(lfirst(cell), name) == 0)
			return true;
	}
	return false;
}

static void
let_go(List *names)
{
	ListCell *cell;

	foreach (cell, children)
	{
		SyncChild *child = lfirst(cell);

		if (is_among(names, child->name))
			continue;
		child->wanted = false;
		(void) sync_child_settle(child);
		if (child->handle == NULL)
		{
			sync_unlist_database(child->name);
			children = foreach_delete_current(children, cell);
			pfree(child);
		}
	}
}

static void
look(void)
{
	char *list = pstrdup(sync_databases);
	List *names = NIL;
	ListCell *cell;
	Oid role = InvalidOid;
	const char *problem;

	StartTransactionCommand();
	(void) SplitGUCList(list, ',', &names);
	problem = role_problem(&role);
	foreach (cell, names)
	{
		if (sync_list_database(lfirst(cell)))
			look_after(lfirst(cell), role, problem);
	}
	let_go(names);
	CommitTransactionCommand();
}

static void
wait_after_crash(void)
{
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), AFTER_CRASH);

	while (GetCurrentTimestamp() < deadline)
		(void) sync_wait(0, PGINVALID_SOCKET, deadline, NULL);
}

void
hllset_sync_launcher_main(Datum argument)
{
	MemoryContext context =
		AllocSetContextCreate(TopMemoryContext, "hllset_sync launcher", ALLOCSET_DEFAULT_SIZES);

	sync_process_signals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	before_shmem_exit(sync_children_stop, PointerGetDatum(&children));
	sync_shared_set_launcher();
	if (sync_shared_starts() > 1)
		wait_after_crash();
	for (;;)
	{
		TimestampTz latest = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), LOOK_EVERY);

		MemoryContextSwitchTo(context);
		look();
		MemoryContextReset(context);
		(void) sync_wait(0, PGINVALID_SOCKET, sync_children_next(children, latest), NULL);
	}
}

void
sync_register_launcher(void)
{
	BackgroundWorker worker = {0};

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = 5;
	strlcpy(worker.bgw_library_name, "hllset_sync", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "hllset_sync_launcher_main",
			sizeof(worker.bgw_function_name));
	strlcpy(worker.bgw_name, "hllset_sync launcher", sizeof(worker.bgw_name));
	strlcpy(worker.bgw_type, "hllset_sync launcher", sizeof(worker.bgw_type));
	RegisterBackgroundWorker(&worker);
}
