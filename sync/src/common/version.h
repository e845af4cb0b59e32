/* SPDX-License-Identifier: PostgreSQL */
/* All that depends on the version of the server. */
#ifndef HLLSET_SYNC_VERSION_H
#define HLLSET_SYNC_VERSION_H

#include "postgres.h"

#include "catalog/pg_class_d.h"
#include "catalog/pg_database_d.h"
#include "catalog/pg_foreign_server_d.h"
#include "fmgr.h"
#include "postmaster/bgworker.h"
#include "utils/acl.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#if PG_VERSION_NUM < 150000
#define MarkGUCPrefixReserved(name) EmitWarningsOnPlaceholders(name)
#define sync_random() ((double) random() / ((double) MAX_RANDOM_VALUE + 1))
#define SYNC_TIMELINE() (RecoveryInProgress() ? 0 : ThisTimeLineID)
#else
#include "common/pg_prng.h"
#define SYNC_HAS_REQUEST_HOOK /* before, shared memory was asked for in _PG_init */
#define sync_random() pg_prng_double(&pg_global_prng_state)
#define SYNC_TIMELINE() GetWALInsertionTimeLine() /* not in recovery */
#endif

/* Whether the current user owns a database or a table, or may use a foreign server; all settings, and how many they are. */
#if PG_VERSION_NUM < 160000
#define sync_owns_database(database) pg_database_ownercheck(database, GetUserId())
#define sync_owns_table(relid) pg_class_ownercheck(relid, GetUserId())
#define sync_server_usage(server) pg_foreign_server_aclcheck(server, GetUserId(), ACL_USAGE)
#define sync_settings(count) (*(count) = GetNumConfigOptions(), get_guc_variables())
#else
#define sync_owns_database(database) object_ownercheck(DatabaseRelationId, database, GetUserId())
#define sync_owns_table(relid) object_ownercheck(RelationRelationId, relid, GetUserId())
#define sync_server_usage(server) \
	object_aclcheck(ForeignServerRelationId, server, GetUserId(), ACL_USAGE)
#define sync_settings(count) get_guc_variables(count)
#endif

/* What pg_stat_activity shows as the wait event. */
#if PG_VERSION_NUM >= 170000
#define SYNC_WAIT_EVENT() WaitEventExtensionNew("HllsetSyncWait")
#else
#define SYNC_WAIT_EVENT() PG_WAIT_EXTENSION
#endif

/* From 19 on a statement for which a database must be empty ends such workers itself. */
#ifndef BGWORKER_INTERRUPTIBLE
#define BGWORKER_INTERRUPTIBLE 0
#endif

#endif
