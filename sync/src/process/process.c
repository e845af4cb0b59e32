/* SPDX-License-Identifier: PostgreSQL */
/* How the library is loaded, and what schedulers and workers have in common: how they start, and whether there is anything to do for them. */
#include "process/process.h"

#include "access/xact.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

void _PG_init(void);

/* In the postmaster, if it is preloaded, or by the first function that is called. */
void
_PG_init(void)
{
	sync_define_settings();
	sync_install_capture();
	if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade)
		return;
	sync_install_statuses();
	sync_install_readers();
	sync_request_shared_memory();
	sync_install_hooks();
	sync_register_launcher();
}

void
sync_process_signals(void)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
}

SyncOrder
sync_process_start(void)
{
	SyncOrder order;

	memcpy(&order, MyBgworkerEntry->bgw_extra, sizeof(order));
	sync_process_signals();
	if (!sync_enter_process(&order))
		proc_exit(1);
	BackgroundWorkerInitializeConnectionByOid(order.dboid, order.role, 0);
	SetConfigOption("default_transaction_read_only", "off", PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("default_transaction_isolation", "read committed", PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("search_path", "pg_catalog, pg_temp", PGC_SUSET, PGC_S_OVERRIDE);
	/* The launcher has checked the role, but that may be a while ago. */
	StartTransactionCommand();
	if (superuser() && !sync_allow_superuser_worker)
		ereport(FATAL, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("hllset_sync: the role of the workers must not be a superuser")));
	CommitTransactionCommand();
	return order;
}

const char *
sync_extension_problem(void)
{
	Oid extension = get_extension_oid("hllset_sync", true);
	const char *version;

	/* DROP EXTENSION takes this lock first, so what is there now stays until we commit. */
	if (OidIsValid(extension))
		LockDatabaseObject(ExtensionRelationId, extension, 0, AccessShareLock);
	if (!OidIsValid(extension) || get_extension_oid("hllset_sync", true) != extension)
		return "the extension is not there: CREATE EXTENSION hllset_sync";
	(void) sync_run("SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'hllset_sync'");
	version = sync_text(0, 1);
	if (strcmp(version, SYNC_VERSION) == 0)
		return NULL;
	return psprintf(
		"the extension has version %s, but the server has loaded the library of version %s: "
		"restart the server, or ALTER EXTENSION hllset_sync UPDATE",
		version, SYNC_VERSION);
}
