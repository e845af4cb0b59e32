/* SPDX-License-Identifier: PostgreSQL */
/* What all files of hllset_sync build on: prototypes grouped by file, and all that depends on the server's version. */
#ifndef HLLSET_SYNC_H
#define HLLSET_SYNC_H

#include "postgres.h"

#include "fmgr.h"
#include "postmaster/bgworker.h"
#include "utils/timestamp.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* ---- server versions ---- */

#if PG_VERSION_NUM < 150000
#define MarkGUCPrefixReserved(name) EmitWarningsOnPlaceholders(name)
#define sync_random() ((double) random() / ((double) MAX_RANDOM_VALUE + 1))
#else
#include "common/pg_prng.h"
#define sync_random() pg_prng_double(&pg_global_prng_state)
#endif

/* Whether the current user owns a database or may use a foreign server. */
#if PG_VERSION_NUM < 160000
#define sync_owns_database(database) pg_database_ownercheck(database, GetUserId())
#define sync_may_use_server(server) \
	(pg_foreign_server_aclcheck(server, GetUserId(), ACL_USAGE) == ACLCHECK_OK)
#else
#define sync_owns_database(database) object_ownercheck(DatabaseRelationId, database, GetUserId())
#define sync_may_use_server(server) \
	(object_aclcheck(ForeignServerRelationId, server, GetUserId(), ACL_USAGE) == ACLCHECK_OK)
#endif

/* From 19 on a statement for which a database must be empty ends such workers itself. */
#ifndef BGWORKER_INTERRUPTIBLE
#define BGWORKER_INTERRUPTIBLE 0
#endif

#define SYNC_PROTOCOL 1 /* the only version spoken so far */
#define SYNC_SCHEMA "hllset_sync"
#define SYNC_VERSION "1.0" /* of the library; compared with pg_extension.extversion */

#if PG_VERSION_NUM >= 160000
#define SYNC_OWNS_TABLE(relid, role) object_ownercheck(RelationRelationId, relid, role)
#else
#define SYNC_OWNS_TABLE(relid, role) pg_class_ownercheck(relid, role)
#endif

#if PG_VERSION_NUM >= 160000
#define sync_server_usage(server, role) \
	object_aclcheck(ForeignServerRelationId, server, role, ACL_USAGE)
#else
#define sync_server_usage(server, role) pg_foreign_server_aclcheck(server, role, ACL_USAGE)
#endif

/* All settings, and how many they are. */
#if PG_VERSION_NUM >= 160000
#define sync_settings(count) get_guc_variables(count)
#else
#define sync_settings(count) (*(count) = GetNumConfigOptions(), get_guc_variables())
#endif

#if PG_VERSION_NUM >= 150000
#define SYNC_HAS_REQUEST_HOOK /* before, shared memory was asked for in _PG_init */
#endif

#if PG_VERSION_NUM >= 180000
#define SYNC_NORETURN pg_noreturn
#else
#define SYNC_NORETURN pg_attribute_noreturn()
#endif

/* SQLSTATEs of the protocol functions, see docs/sync.md */
#define ERRCODE_SYNC_HISTORY \
	MAKE_SQLSTATE('H', 'S', '0', '0', '1') /* the token is not on this history */
#define ERRCODE_SYNC_SET MAKE_SQLSTATE('H', 'S', '0', '0', '2') /* no such set, or not granted */
#define ERRCODE_SYNC_SIGNATURE \
	MAKE_SQLSTATE('H', 'S', '0', '0', '3') /* key types, precision or format differ */
#define ERRCODE_SYNC_IDENTITY \
	MAKE_SQLSTATE('H', 'S', '0', '0', '4') /* a clone, or the peer is this node */
#define ERRCODE_SYNC_ORIGIN \
	MAKE_SQLSTATE('H', 'S', '0', '0', '5') /* the role may not push for this origin */

/* ---- setting.c: the GUCs hllset_sync.* (milliseconds, bytes, seconds as named) ---- */

extern char *sync_databases;
extern char *sync_worker_role;
extern bool sync_enabled;
extern int sync_every;             /* ms between rounds of a peer that has no setting of its own */
extern int sync_connect_timeout;   /* ms */
extern int sync_io_timeout;        /* ms without a byte from the peer */
extern int sync_statement_timeout; /* ms, set on the peer's session and here */
extern int sync_lock_timeout;      /* ms, likewise */
extern int sync_max_batch_rows;
extern int sync_max_batch_bytes;
extern int sync_max_row_bytes;
extern int sync_retry_max;      /* ms, longest wait after failures */
extern int sync_verify_every;   /* s */
extern int sync_rescan_every;   /* s */
extern int sync_tombstone_keep; /* s */
extern bool sync_log_rounds;
extern bool sync_allow_superuser_worker;

void sync_define_settings(void);

/* ---- fault.c: points at which a test makes something go wrong; nothing without -DHLLSET_SYNC_FAULTS ---- */

#ifdef HLLSET_SYNC_FAULTS
void sync_fault(const char *point);
void sync_define_fault_setting(void);
#else
#define sync_fault(point) ((void) 0)
#define sync_define_fault_setting() ((void) 0)
#endif

/* ---- privilege.c: whose rights a statement runs with ---- */

typedef struct SyncUser
{
	Oid user;
	int context;
	int guc_level;
} SyncUser;

/*
 * Acts as ROLE in a security-restricted operation, with a search_path of pg_catalog and the planner's settings as the server has them by default,
 * until sync_leave; an abort leaves too.
 */
SyncUser sync_enter(Oid role);
SyncUser sync_enter_catalog(void); /* as the extension's owner, who owns the catalog */
Oid sync_schema(void);             /* InvalidOid if the extension is not there */
Oid sync_table_owner(Oid relid);   /* InvalidOid if there is no such table */
void sync_leave(SyncUser user);
/* Until sync_leave, rows are looked up by their keys, in tables whose statistics may be missing: what is read is always a small part. */
void sync_follow_keys(void);

/*
 * The rounds of this very node call the protocol functions without a row in the acl, as the extension's owner. What runs within such a call as
 * the owner of a table, such as a trigger of his, is not the node.
 */
extern bool sync_local_call;
bool sync_is_local(void);

/* ---- planner.c ---- */

/* The planner's settings as they are by default, without jit, until the GUC level ends. */
void sync_pin_planner(void);

/* ---- statement.c: SPI with errors instead of codes ---- */

/*
 * Runs one statement as the current user; nargs parameters follow in arrays as for SPI_execute_with_args. Must stand between SPI_connect
 * and SPI_finish. Returns SPI_processed; rows, if any, are in SPI_tuptable.
 */
uint64 sync_execute(const char *sql, int nargs, const Oid *types, const Datum *values,
					const char *nulls, bool read_only);
uint64 sync_run(const char *format, ...)
	pg_attribute_printf(1, 2); /* the same for a statement without parameters */
/* A column, from 1, of a row, from 0, that the last statement gave. */
Datum sync_field(uint64 row, int column, bool *isnull);
/* A statement whose rows are read a few at a time; each lot is SPI_tuptable, to be freed by the caller. */
struct PortalData *sync_open(const char *sql, int nargs, const Oid *types, const Datum *values);
uint64 sync_fetch(struct PortalData *portal, long count);
void sync_expect(int column, Oid type); /* ERROR if a column of the last rows is of another type */

/* ---- result.c: functions that return rows ---- */

typedef struct SyncResult
{
	struct Tuplestorestate *store;
	struct TupleDescData *row;
} SyncResult;

SyncResult sync_result(FunctionCallInfo fcinfo);

#define SYNC_ARGUMENT(n) ((uint32) 1 << (n))
/* ERROR if an argument is NULL that is not among these. */
void sync_require_arguments(FunctionCallInfo fcinfo, uint32 nullable);
void sync_result_add(SyncResult *result, const Datum *values, const bool *nulls);

/* ---- transaction.c: short transactions in a worker or in a procedure ---- */

/*
 * A round runs in a background worker or in CALL run_round(). Between sync_begin and sync_commit stand a transaction, a snapshot and an SPI
 * connection; outside there are none, so the network may be waited for. Memory of the caller's context survives both.
 */
extern bool sync_in_procedure;
void sync_begin(const char *activity); /* also shown in pg_stat_activity */
void sync_commit(void);
void sync_abort(
	void); /* after an error that is not thrown on: undoes what sync_begin began, if anything */

/* ---- wait.c: the only places that wait ---- */

/* What pg_stat_activity shows as the wait event. */
#if PG_VERSION_NUM >= 170000
#define SYNC_WAIT_EVENT() WaitEventExtensionNew("HllsetSyncWait")
#else
#define SYNC_WAIT_EVENT() PG_WAIT_EXTENSION
#endif

/*
 * Waits for EVENTS (WL_SOCKET_*) on SOCKET (PGINVALID_SOCKET: none), the latch or DEADLINE; serves interrupts and reloads the settings.
 * Returns the events that came, 0 at the deadline. An error inside a transaction with a snapshot or an xid: nothing may be held here.
 */
int sync_wait(int events, pgsocket socket, TimestampTz deadline, const char *activity);

#endif
