/* SPDX-License-Identifier: PostgreSQL */
/* The launcher: keeps one scheduler running in each database of hllset_sync.databases, or says why it can't. */
#include "process/process.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/varlena.h"

#define LOOK_EVERY 10000      /* ms between looks if nothing happens */
#define AFTER_CRASH 5000      /* ms that a crashed server gets before we may crash it again */
#define INVALID_DATABASE (-2) /* datconnlimit of a database whose DROP was interrupted */

PGDLLEXPORT void hllset_sync_launcher_main(Datum argument);

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

static void
look_after(const char *name, Oid role, const char *role_problem)
{
	SyncOrder order = {.role = role};
	const char *problem = database_problem(name, &order.dboid);
	bool closed = OidIsValid(order.dboid) && sync_is_closed(order.dboid);

	/* While it was closed, it may have looked dropped by half. */
	if (problem != NULL && OidIsValid(order.dboid) && !closed)
		problem = database_problem(name, &order.dboid);
	/* One that is not there is shown by its name. */
	if (!OidIsValid(order.dboid))
		strlcpy(order.peer, name, NAMEDATALEN);
	if (role_problem != NULL)
		problem = role_problem;
	if (!sync_enabled)
		sync_look_after(name, &order, 0, SYNC_PAUSED, "hllset_sync.enabled is off");
	else if (closed)
		sync_look_after(name, &order, 0, SYNC_CONNECTING, "");
	else
		sync_look_after(name, &order, (uint64) order.dboid << 32 | role,
						problem == NULL ? SYNC_OK : SYNC_ERROR, problem);
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
		look_after(lfirst(cell), role, problem);
	sync_let_go();
	CommitTransactionCommand();
}

static void
wait_after_crash(void)
{
	SyncTime deadline = sync_after(AFTER_CRASH);

	while (sync_left(deadline) > 0)
		(void) sync_wait(0, PGINVALID_SOCKET, deadline, NULL);
}

void
hllset_sync_launcher_main(Datum argument)
{
	MemoryContext context =
		AllocSetContextCreate(TopMemoryContext, "hllset_sync launcher", ALLOCSET_DEFAULT_SIZES);

	sync_process_signals();
	(void) sync_enter_process(&(SyncOrder){0});
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	if (sync_shared_starts() > 1)
		wait_after_crash();
	for (;;)
	{
		SyncTime latest = sync_after(LOOK_EVERY);

		MemoryContextSwitchTo(context);
		look();
		MemoryContextReset(context);
		sync_await_children(latest);
	}
}

void
sync_register_launcher(void)
{
	BackgroundWorker worker = sync_describe_process("launcher");

	worker.bgw_restart_time = 5;
	RegisterBackgroundWorker(&worker);
}
