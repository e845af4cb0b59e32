/* SPDX-License-Identifier: PostgreSQL */
/* The launcher: keeps one scheduler running in each database of hllset_sync.databases, or says why it can't. */
#include "process/process.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

#define LOOK_EVERY 10000      /* ms between looks if nothing happens */
#define AFTER_CRASH 5000      /* ms that a crashed server gets before we may crash it again */
#define INVALID_DATABASE (-2) /* datconnlimit of a database whose DROP was interrupted */

PGDLLEXPORT void hllset_sync_launcher_main(Datum argument);

/* Without a database the catalog caches have no indexes to use. */
static HeapTuple
find_by_name(Oid catalog, AttrNumber column, const char *name)
{
	Relation relation = table_open(catalog, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key, column, BTEqualStrategyNumber, F_NAMEEQ, CStringGetDatum(name));
	scan = systable_beginscan(relation, InvalidOid, false, NULL, 1, &key);
	tuple = heap_copytuple(systable_getnext(scan));
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return tuple;
}

static const char *
role_problem(Oid *role)
{
	HeapTuple tuple;
	Form_pg_authid form;

	if (sync_worker_role[0] == '\0')
		return "hllset_sync.worker_role is not set: name a role with LOGIN that is no superuser";
	tuple = find_by_name(AuthIdRelationId, Anum_pg_authid_rolname, sync_worker_role);
	if (tuple == NULL)
		return psprintf(
			"role \"%s\" of hllset_sync.worker_role does not exist: CREATE ROLE %s LOGIN",
			sync_worker_role, quote_identifier(sync_worker_role));
	form = (Form_pg_authid) GETSTRUCT(tuple);
	*role = form->oid;
	if (!form->rolcanlogin)
		return psprintf("role \"%s\" may not log in: ALTER ROLE %s LOGIN", sync_worker_role,
						quote_identifier(sync_worker_role));
	if (form->rolsuper && !sync_allow_superuser_worker)
		return psprintf("role \"%s\" is a superuser: name another one in hllset_sync.worker_role, "
						"or set hllset_sync.allow_superuser_worker",
						sync_worker_role);
	return NULL;
}

static const char *
database_problem(const char *name, Oid *dboid)
{
	HeapTuple tuple = find_by_name(DatabaseRelationId, Anum_pg_database_datname, name);
	Form_pg_database form;

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
	ListCell *cell;
	Oid role = InvalidOid;
	const char *problem;

	StartTransactionCommand();
	problem = role_problem(&role);
	foreach (cell, sync_listed())
		look_after(lfirst(cell), role, problem);
	sync_let_go();
	CommitTransactionCommand();
}

void
hllset_sync_launcher_main(Datum argument)
{
	MemoryContext context =
		AllocSetContextCreate(TopMemoryContext, "hllset_sync launcher", ALLOCSET_DEFAULT_SIZES);
	SyncTime start = 0; /* 0: at once */

	sync_process_signals();
	(void) sync_enter_process(&(SyncOrder){0});
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	if (sync_shared_starts() > 1)
		start = sync_after(AFTER_CRASH);
	while (sync_left(start) > 0)
		(void) sync_wait(0, PGINVALID_SOCKET, start);
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
