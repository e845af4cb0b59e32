/* SPDX-License-Identifier: PostgreSQL */
/* The settings hllset_sync.*; the ones that say where workers run are read at a reload, the others may also be set by a superuser. */
#include "common/common.h"

#include <limits.h>

#include "utils/guc.h"
#include "utils/varlena.h"

char *sync_databases, *sync_worker_role;
bool sync_enabled, sync_log_rounds, sync_allow_superuser_worker;
int sync_every, sync_retry_max, sync_verify_every, sync_rescan_every, sync_tombstone_keep;
int sync_connect_timeout, sync_io_timeout, sync_statement_timeout, sync_lock_timeout;
int sync_max_batch_rows, sync_max_batch_bytes, sync_max_row_bytes, sync_chunk_rows;
int sync_max_nodes, sync_max_sets;

/* Only the views read them. */
static int sync_attention_after;
static char *sync_version;

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
	list_free(names);
	pfree(list);
	return valid;
}

#define DEFINE_INT(name, description, ...)                                                      \
	DefineCustomIntVariable("hllset_sync." #name, description, NULL, &sync_##name, __VA_ARGS__, \
							NULL, NULL, NULL)
#define DEFINE_TIME(name, description, value, least, unit) \
	DEFINE_INT(name, description, value, least, INT_MAX, PGC_SUSET, unit)
#define DEFINE_BOOL(name, description, ...)                                                      \
	DefineCustomBoolVariable("hllset_sync." #name, description, NULL, &sync_##name, __VA_ARGS__, \
							 0, NULL, NULL, NULL)
#define DEFINE_STRING(name, description, ...)                                                      \
	DefineCustomStringVariable("hllset_sync." #name, description, NULL, &sync_##name, __VA_ARGS__, \
							   NULL, NULL)

void
sync_define_settings(void)
{
	/* where */
	DEFINE_STRING(databases, "Databases in which workers sync sets with peers.", "", PGC_SIGHUP,
				  GUC_LIST_INPUT, check_databases);
	DEFINE_STRING(worker_role, "Role that the workers run as; without one they don't run.", "",
				  PGC_SIGHUP, 0, NULL);
	DEFINE_STRING(version, "Version of the library that the server has loaded.", SYNC_VERSION,
				  PGC_INTERNAL, GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE, NULL);
	DEFINE_BOOL(enabled, "Whether workers run.", true, PGC_SIGHUP);
	DEFINE_BOOL(allow_superuser_worker, "Whether the role of the workers may be a superuser.",
				false, PGC_SIGHUP);
	DEFINE_BOOL(log_rounds, "Whether every round that moved rows is logged.", false, PGC_SUSET);

	/* when */
	DEFINE_TIME(every, "Time between two rounds with a peer that has no setting of its own.",
				10 * SECOND, 100, GUC_UNIT_MS);
	DEFINE_TIME(retry_max, "Longest wait between two attempts to reach a peer.", 300 * SECOND,
				SECOND, GUC_UNIT_MS);
	DEFINE_TIME(verify_every,
				"Time between two comparisons of all copies with a peer; 0 means never.", DAY, 0,
				GUC_UNIT_S);
	DEFINE_TIME(rescan_every,
				"Time between two comparisons of a table with its change index; 0 means never.",
				7 * DAY, 0, GUC_UNIT_S);
	DEFINE_TIME(attention_after,
				"How long what mostly passes by itself may last before it stands in attention.",
				600 * SECOND, 0, GUC_UNIT_MS);
	DEFINE_TIME(tombstone_keep, "How long it is remembered that a row is gone.", 30 * DAY, 0,
				GUC_UNIT_S);
	DEFINE_TIME(connect_timeout, "Longest wait for a connection to a peer.", 10 * SECOND, 100,
				GUC_UNIT_MS);
	DEFINE_TIME(io_timeout, "Longest wait for a byte from a peer.", 30 * SECOND, 100, GUC_UNIT_MS);
	DEFINE_TIME(statement_timeout,
				"statement_timeout of a round, here and at the peer; 0 means none.", 60 * SECOND, 0,
				GUC_UNIT_MS);
	DEFINE_TIME(lock_timeout, "lock_timeout of a round, here and at the peer; 0 means none.",
				5 * SECOND, 0, GUC_UNIT_MS);

	/* how much */
	DEFINE_INT(max_batch_rows, "Most rows in one batch.", 1000, 1, 100000, PGC_SUSET, 0);
	DEFINE_INT(max_batch_bytes, "Bytes at which a batch ends.", 4 * MEGABYTE, 1024, 256 * MEGABYTE,
			   PGC_SUSET, GUC_UNIT_BYTE);
	DEFINE_INT(max_row_bytes, "Most bytes in one row from a peer.", 2 * MEGABYTE, 1024,
			   256 * MEGABYTE, PGC_SUSET, GUC_UNIT_BYTE);
	DEFINE_INT(chunk_rows, "Most rows that one transaction of upkeep touches.", 10000, 100, 1000000,
			   PGC_SUSET, 0);
	DEFINE_INT(max_sets, "Most sets that a peer may offer.", 10000, 1, SYNC_MOST_SETS, PGC_SUSET,
			   0);
	/* Of shared memory; without any, none is heard. */
	if (process_shared_preload_libraries_in_progress)
		DEFINE_INT(max_nodes, "Most nodes that read from this server's databases or are pushed to.",
				   1000, 1, 100000, PGC_POSTMASTER, 0);

	sync_define_fault_setting();
	MarkGUCPrefixReserved("hllset_sync");
}
