/* SPDX-License-Identifier: PostgreSQL */
/* The settings hllset_sync.*; the ones that say where workers run are read at a reload, the others may also be set by a superuser. */
#include "process.h"

#include <limits.h>

#include "utils/guc.h"
#include "utils/varlena.h"

char *sync_databases;
char *sync_worker_role;
bool sync_enabled;
int sync_every;
int sync_connect_timeout;
int sync_io_timeout;
int sync_statement_timeout;
int sync_lock_timeout;
int sync_max_batch_rows;
int sync_max_batch_bytes;
int sync_max_row_bytes;
int sync_retry_max;
int sync_verify_every;
int sync_rescan_every;
int sync_tombstone_keep;
bool sync_log_rounds;
bool sync_allow_superuser_worker;

#define SECOND 1000
#define DAY (24 * 60 * 60)
#define MEGABYTE (1024 * 1024)

static bool
check_databases(char **value, void **extra, GucSource source)
{
	char *list = pstrdup(*value);
	List *names;
	bool valid = SplitGUCList(list, ',', &names);

	if (!valid)
		GUC_check_errdetail("List syntax is invalid.");
	else if (list_length(names) > SYNC_MAX_DATABASES)
	{
		GUC_check_errdetail("There may be at most %d databases.", SYNC_MAX_DATABASES);
		valid = false;
	}
	list_free(names);
	pfree(list);
	return valid;
}

static void
define_int(const char *name, const char *description, int *variable, int standard, int min, int max,
		   int flags)
{
	DefineCustomIntVariable(name, description, NULL, variable, standard, min, max, PGC_SUSET, flags,
							NULL, NULL, NULL);
}

static void
define_where(void)
{
	DefineCustomStringVariable(
		"hllset_sync.databases", "Databases in which workers sync sets with peers.", NULL,
		&sync_databases, "", PGC_SIGHUP, GUC_LIST_INPUT, check_databases, NULL, NULL);
	DefineCustomStringVariable("hllset_sync.worker_role",
							   "Role that the workers run as; without one they don't run.", NULL,
							   &sync_worker_role, "", PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("hllset_sync.enabled", "Whether workers run.", NULL, &sync_enabled,
							 true, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("hllset_sync.allow_superuser_worker",
							 "Whether the role of the workers may be a superuser.", NULL,
							 &sync_allow_superuser_worker, false, PGC_SIGHUP, 0, NULL, NULL, NULL);
}

static void
define_when(void)
{
	define_int("hllset_sync.every",
			   "Time between two rounds with a peer that has no setting of its own.", &sync_every,
			   10 * SECOND, 100, INT_MAX, GUC_UNIT_MS);
	define_int("hllset_sync.retry_max", "Longest wait between two attempts to reach a peer.",
			   &sync_retry_max, 300 * SECOND, SECOND, INT_MAX, GUC_UNIT_MS);
	define_int("hllset_sync.verify_every",
			   "Time between two comparisons of all copies with a peer; 0 means never.",
			   &sync_verify_every, DAY, 0, INT_MAX, GUC_UNIT_S);
	define_int("hllset_sync.rescan_every",
			   "Time between two comparisons of a table with its change index; 0 means never.",
			   &sync_rescan_every, 7 * DAY, 0, INT_MAX, GUC_UNIT_S);
	define_int("hllset_sync.tombstone_keep", "How long it is remembered that a row is gone.",
			   &sync_tombstone_keep, 30 * DAY, 0, INT_MAX, GUC_UNIT_S);
}

static void
define_limits(void)
{
	define_int("hllset_sync.connect_timeout", "Longest wait for a connection to a peer.",
			   &sync_connect_timeout, 10 * SECOND, 100, INT_MAX, GUC_UNIT_MS);
	define_int("hllset_sync.io_timeout", "Longest wait for a byte from a peer.", &sync_io_timeout,
			   30 * SECOND, 100, INT_MAX, GUC_UNIT_MS);
	define_int("hllset_sync.statement_timeout",
			   "statement_timeout of a round, here and at the peer; 0 means none.",
			   &sync_statement_timeout, 60 * SECOND, 0, INT_MAX, GUC_UNIT_MS);
	define_int("hllset_sync.lock_timeout",
			   "lock_timeout of a round, here and at the peer; 0 means none.", &sync_lock_timeout,
			   5 * SECOND, 0, INT_MAX, GUC_UNIT_MS);
	define_int("hllset_sync.max_batch_rows", "Most rows in one batch.", &sync_max_batch_rows, 1000,
			   1, 100000, 0);
	define_int("hllset_sync.max_batch_bytes", "Bytes at which a batch ends.", &sync_max_batch_bytes,
			   4 * MEGABYTE, 1024, 256 * MEGABYTE, GUC_UNIT_BYTE);
	define_int("hllset_sync.max_row_bytes", "Most bytes in one row from a peer.",
			   &sync_max_row_bytes, 2 * MEGABYTE, 1024, 256 * MEGABYTE, GUC_UNIT_BYTE);
	DefineCustomBoolVariable("hllset_sync.log_rounds",
							 "Whether every round that moved rows is logged.", NULL,
							 &sync_log_rounds, false, PGC_SUSET, 0, NULL, NULL, NULL);
}

void
sync_define_settings(void)
{
	define_where();
	define_when();
	define_limits();
	sync_define_fault_setting();
	MarkGUCPrefixReserved("hllset_sync");
}
