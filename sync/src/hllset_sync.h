/* SPDX-License-Identifier: PostgreSQL */
/* The one private header of hllset_sync: prototypes grouped by file, and all that depends on the server's version. */
#ifndef HLLSET_SYNC_H
#define HLLSET_SYNC_H

#include "postgres.h"

#include "fmgr.h"
#include "nodes/pg_list.h"
#include "postmaster/bgworker.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"
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
#define sync_may_use_server(server) (pg_foreign_server_aclcheck(server, GetUserId(), ACL_USAGE) == ACLCHECK_OK)
#else
#define sync_owns_database(database) object_ownercheck(DatabaseRelationId, database, GetUserId())
#define sync_may_use_server(server) (object_aclcheck(ForeignServerRelationId, server, GetUserId(), ACL_USAGE) == ACLCHECK_OK)
#endif

/* From 19 on a statement for which a database must be empty ends such workers itself. */
#ifndef BGWORKER_INTERRUPTIBLE
#define BGWORKER_INTERRUPTIBLE 0
#endif

#define SYNC_PROTOCOL 1          /* the only version spoken so far */
#define SYNC_SCHEMA "hllset_sync"
#define SYNC_VERSION "1.0"       /* of the library; compared with pg_extension.extversion */

#if PG_VERSION_NUM >= 160000
#define SYNC_OWNS_TABLE(relid, role) object_ownercheck(RelationRelationId, relid, role)
#else
#define SYNC_OWNS_TABLE(relid, role) pg_class_ownercheck(relid, role)
#endif

/* SQLSTATEs of the protocol functions, see docs/sync.md */
#define ERRCODE_SYNC_HISTORY MAKE_SQLSTATE('H', 'S', '0', '0', '1')   /* the token is not on this history */
#define ERRCODE_SYNC_SET MAKE_SQLSTATE('H', 'S', '0', '0', '2')       /* no such set, or not granted */
#define ERRCODE_SYNC_SIGNATURE MAKE_SQLSTATE('H', 'S', '0', '0', '3') /* key types, precision or format differ */
#define ERRCODE_SYNC_IDENTITY MAKE_SQLSTATE('H', 'S', '0', '0', '4')  /* a clone, or the peer is this node */
#define ERRCODE_SYNC_ORIGIN MAKE_SQLSTATE('H', 'S', '0', '0', '5')    /* the role may not push for this origin */

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
extern int sync_retry_max;         /* ms, longest wait after failures */
extern int sync_verify_every;      /* s */
extern int sync_rescan_every;      /* s */
extern int sync_tombstone_keep;    /* s */
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

/* Acts as ROLE in a security-restricted operation with a search_path of pg_catalog, until sync_leave; an abort leaves too. */
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

/* ---- statement.c: SPI with errors instead of codes ---- */

/*
 * Runs one statement as the current user; nargs parameters follow in arrays as for SPI_execute_with_args. Must stand between SPI_connect
 * and SPI_finish. Returns SPI_processed; rows, if any, are in SPI_tuptable.
 */
uint64 sync_execute(const char *sql, int nargs, const Oid *types, const Datum *values, const char *nulls, bool read_only);
uint64 sync_run(const char *format,...) pg_attribute_printf(1, 2); /* the same for a statement without parameters */
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

/* ---- identity.c ---- */

typedef struct SyncIdentity
{
	pg_uuid_t node_id;
	char name[NAMEDATALEN];
	const char *problem; /* NULL, or why this database may not sync: a copy of another */
} SyncIdentity;

SyncIdentity sync_identity(void); /* reads hllset_sync.node; needs a transaction */
const char *sync_check_node_name(const char *name); /* ERROR if it is empty or too long */

/* ---- catalog.c: registered sets ---- */

typedef struct SyncColumn
{
	char *name;
	Oid type;
	int32 typmod;
	Oid collation;
	bool not_null;
	Oid receive_param;
	FmgrInfo send;
	FmgrInfo receive;
} SyncColumn;

typedef struct SyncSet
{
	int id;
	char *name;
	Oid relid;
	Oid owner;          /* of the table; all that touches rows runs as this role */
	int nkeys;
	int nsketches;
	SyncColumn *keys;
	SyncColumn *sketches;
	char *description;  /* key types, precisions, hash id, format; its bytes are the signature */
	int64 head;
	int64 floor;
	int64 truncated_at;
	char *state;
	char *reason;       /* NULL if all is well */
	bool may_pull;      /* the role that called */
	bool may_push;
	bool bound;         /* it may push for this origin only */
	pg_uuid_t origin;
} SyncSet;

typedef enum SyncRight
{
	SYNC_PULL,
	SYNC_PUSH,
	SYNC_EITHER,
	SYNC_OWN            /* the owner of the table, or this node's own processes */
} SyncRight;

/* These need an SPI connection; results live in its procedure context. NAMES: text[], or 0 for all. By set_id. */
struct List *sync_sets(Datum names, Oid role);
/* Compares a set with its table; false, and its state says why, if it can't be used. A set that is usable again is looked through anew. */
bool sync_set_usable(SyncSet *set);
/* The set of this name for the current user; errors HS002 if it is not there, not granted, or broken. */
SyncSet *sync_set(const char *name, SyncRight right);
SyncSet *sync_any_set(const char *name, SyncRight right); /* even if it is broken; its columns have only names */
/* Whether the role RIGHT was asked for has it, as sync_sets found. */
bool sync_set_allows(const SyncSet *set, SyncRight right);
void sync_set_state(SyncSet *set, const char *state, const char *reason);
/* A table of the set (dirty, rows or copy), or InvalidOid. */
Oid sync_set_table(const SyncSet *set, const char *kind);

/* ---- column.c: which columns a set may have ---- */

/* False: no such column. Its functions are there if the type is one that a set may have. */
bool sync_column_read(Oid relid, const char *name, SyncColumn *column);
bool sync_key_type_allowed(Oid type);
bool sync_is_hllset(Oid type);
char *sync_describe(const SyncColumn *keys, int nkeys, const SyncColumn *sketches, int nsketches);
/* Whether a unique index, fit to identify rows, has just these columns. */
bool sync_has_unique_key(Oid relid, const SyncColumn *keys, int nkeys);
bool sync_is_captured(Oid relid); /* whether the triggers of a set are there */

/* ---- text.c: pieces of statements ---- */

char *sync_table_name(Oid relid);
char *sync_hllset_schema(Oid hllset);
char *sync_hllset_function(const SyncSet *set, const char *name);
char *sync_bare(const SyncColumn *columns, int count);                                   /* "day, page" */
char *sync_base(const SyncSet *set);                                                     /* the table, ready for FROM */
char *sync_numbered(const char *prefix, int from, int count, const char *suffix);        /* "r.k1, r.k2" */
char *sync_named(const char *alias, const SyncColumn *columns, int count);               /* "b.day, b.page" */
char *sync_match_base(const SyncSet *set, const char *alias);                            /* "b.day = r.k1 AND ..." */
char *sync_match(const SyncSet *set, const char *left, const char *right);               /* "a.k1 = r.k1 AND ..." */
char *sync_digest_call(const SyncSet *set, const char *alias);                           /* hllset_sync.row_digest(b.s) */

/* ---- digest.c: 128-bit content id of a row ---- */

typedef struct SyncDigester
{
	FmgrInfo kind;
	FmgrInfo digest;
} SyncDigester;

void sync_digester_init(SyncDigester *digester, Oid hllset, MemoryContext context);
/* False if a value is no plain set: an expression or a sample. */
bool sync_digest(SyncDigester *digester, const Datum *sketches, const bool *nulls, int count, pg_uuid_t *digest);

/* ---- key.c: keys and sketches as bytes that cross the wire ---- */

/* The values of the columns, one after the other, see frame.h. */
bytea *sync_pack(SyncColumn *columns, int count, const Datum *values, const bool *nulls);
/* Errors for anything that sync_pack does not write. NULLS is NULL where none are allowed. */
void sync_unpack(const bytea *packed, SyncColumn *columns, int count, Datum *values, bool *nulls);

/* ---- capture.c: the trigger ---- */

/* The heap of noted keys, to be closed by table_close; ERROR if its owner made something else of it. */
struct RelationData *sync_open_dirty(Oid relid, int lockmode);

/* ---- advance.c: the sequencer ---- */

/* Gives new changes of a usable set their numbers, at most 10,000; true if some are left. */
bool sync_advance(SyncSet *set);
/* Whether there is anything to do for sync_advance. */
bool sync_pending(const SyncSet *set);
/* Notes all keys of the table, and those that only the index has, for sync_advance to compare. */
void sync_seed(SyncSet *set);
void sync_note_new(SyncSet *set); /* the same if the set is still in state new */
void sync_install_advance(void);
/* When this transaction commits, sync_sequenced is told. */
void sync_tell_sequenced(int set_id, TimestampTz started, int64 head);

/* ---- feed.c ---- */

/* Makes this transaction's commit flush all that it has seen. */
void sync_flush_what_was_read(void);

/* ---- hello.c ---- */

/* The node at the other end of this session, as it said. */
typedef struct SyncCaller
{
	pg_uuid_t node_id;
	char name[NAMEDATALEN];
} SyncCaller;

extern SyncCaller sync_caller;

/* ---- candidate.c, view.c ---- */

/* What registering RELID would make; nothing is written. ERROR with a hint if it can't be. NULL and 0 stand for the defaults. */
SyncSet *sync_candidate(Oid relid, const char *name, Datum key_names, Datum sketch_names);
/* As the owner of the table. An empty name: no view. */
void sync_create_views(const SyncSet *set, const char *global_view, const char *by_node_view);
/* The views of OWNER on the set's table COPIES are from now on those of the owner of the set's table. As the catalog's owner. */
void sync_give_views(const SyncSet *set, Oid copies, Oid owner);

/* ---- receive.c ---- */

void sync_install_receive(void);

/* ---- origin.c ---- */

/* The number under which copies of this node are kept here, a new one if need be. ERROR if the current user may not write them. */
int16 sync_origin_id(SyncSet *set, const pg_uuid_t *origin, const char *name);
/* ERROR if the current user may not deal with the copies of this node; the first node that he deals with becomes his. */
void sync_check_pusher(SyncSet *set, const pg_uuid_t *origin);

/* ---- acl.c ---- */

/* Lets ROLE execute the protocol functions. */
void sync_grant_protocol(Oid role);
/* worker_role, or InvalidOid */
Oid sync_worker_role_oid(void);

/* ---- transaction.c: short transactions in a worker or in a procedure ---- */

/*
 * A round runs in a background worker or in CALL run_round(). Between sync_begin and sync_commit stand a transaction, a snapshot and an SPI
 * connection; outside there are none, so the network may be waited for. Memory of the caller's context survives both.
 */
extern bool sync_in_procedure;
void sync_begin(const char *activity); /* also shown in pg_stat_activity */
void sync_commit(void);
void sync_abort(void); /* after an error that is not thrown on: undoes what sync_begin began, if anything */

#if PG_VERSION_NUM >= 180000
#define SYNC_NORETURN pg_noreturn
#else
#define SYNC_NORETURN pg_attribute_noreturn()
#endif

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

/* ---- wire.c: libpq, the only file that includes it ---- */

typedef struct SyncWire SyncWire;

/* ---- option.c: what a server and a user mapping may say ---- */

#if PG_VERSION_NUM >= 160000
#define sync_server_usage(server, role) object_aclcheck(ForeignServerRelationId, server, role, ACL_USAGE)
#else
#define sync_server_usage(server, role) pg_foreign_server_aclcheck(server, role, ACL_USAGE)
#endif

typedef struct SyncTarget
{
	Oid serverid;
	char *server;
	const char **keywords; /* of PQconnectStartParams, NULL at the end */
	const char **values;
	bool password_required;
} SyncTarget;

/* ERROR unless the server can be a peer's and the current user may use it. */
void sync_check_usage(const char *server);
/* Reads and checks again what CREATE SERVER and CREATE USER MAPPING said, for the mapping of ROLE. Needs a transaction. */
SyncTarget *sync_target(const char *server, Oid role);

/* ---- endpoint.c: the protocol functions of this node or of a peer, called alike ---- */

typedef struct SyncEnd SyncEnd;

/* ---- round.c, transfer.c, reconcile.c ---- */

/* What a round did, for the status. */
typedef struct SyncRound
{
	bool caught_up;     /* nothing was left in either direction */
	bool again;         /* what was left only needs more time: another round may begin at once */
	int sets;           /* sets looked at */
	int failed_sets;    /* sets that stopped with an error of their own (see hllset_sync.links) */
	int64 rows_in, bytes_in, rows_out, bytes_out;
	int protocol;
	int peer_version;   /* server_version_num of the peer */
	pg_uuid_t peer_id;
	char peer_name[NAMEDATALEN];
} SyncRound;

typedef struct SyncLink SyncLink; /* an open connection to a peer and what is known of it */

/* A link to SERVER by the user mapping of ROLE; nothing is opened yet. Lives in CONTEXT. */
SyncLink *sync_link_create(MemoryContext context, const char *server, Oid role);
/* One round; ERROR if the peer can't be reached or refuses as a whole. Keeps the connection open for the next one. */
void sync_link_round(SyncLink *link, SyncRound *round);
/* Closes the connection; safe at any time, also after an error. */
void sync_link_close(SyncLink *link);

/* ---- shared.c: shared memory, if preloaded ---- */

#if PG_VERSION_NUM >= 150000
#define SYNC_HAS_REQUEST_HOOK /* before, shared memory was asked for in _PG_init */
#endif

bool sync_has_shared_memory(void);
void sync_request_shared_memory(void);
void sync_require_shared_memory(void); /* ERROR with a hint to run_round */

/* One lock for all of it. Under it nothing is read from the catalog and nothing is waited for. */
void sync_shared_lock(void);
void sync_shared_unlock(void);
void sync_shared_changed(void);              /* wakes those in sync_shared_wait */
bool sync_shared_wait(TimestampTz deadline); /* for a change, or for nothing: look again; false at the deadline */
void sync_shared_wait_end(void);             /* after the last sync_shared_wait */
uint32 sync_shared_starts(void);             /* how often this memory was made; more than 1 after a crash */
void sync_shared_set_launcher(void);         /* this process is the launcher */
void sync_wake(pid_t pid);                   /* sets the latch of a process of this server; 0 does nothing */

/* A database may be closed to workers while it is dropped, renamed or copied. Needs the lock. */
bool sync_is_suspended(Oid dboid);
/* Tells the workers of DBOID to end and lets none in until sync_resume. False: nothing was done. */
bool sync_suspend(Oid dboid);
void sync_await_empty(Oid dboid); /* until they have left, or 5 s */
void sync_resume(Oid dboid);

/* ---- child.c: the processes that a launcher or a scheduler starts and looks after ---- */

/* What a scheduler or a worker is started for; travels in bgw_extra. */
typedef struct SyncOrder
{
	Oid dboid;
	Oid role;
	char peer[NAMEDATALEN]; /* '' : the scheduler */
} SyncOrder;

typedef struct SyncChild
{
	char name[NAMEDATALEN];
	bool wanted;
	uint64 version; /* of what it is to work for; another one needs another process */
	uint64 running; /* the version it was started with */
	struct BackgroundWorkerHandle *handle; /* NULL: it does not run */
	bool stopping;
	bool warned;
	int failures;
	TimestampTz started, next_start;
} SyncChild;

/* The wait before the next attempt, in ms: at random, up to 1 s doubled with each failure and hllset_sync.retry_max. */
int64 sync_retry_delay(int failures);
/* The child NAME of CHILDREN, appended if it is new; all live in TopMemoryContext. */
SyncChild *sync_child(List **children, const char *name);
/* Notes whether the child has ended, and ends it if it is not wanted or wanted otherwise. True if it should be started now. */
bool sync_child_settle(SyncChild *child);
/* False if there is no free slot. */
bool sync_child_start(SyncChild *child, const SyncOrder *order, const char *function, const char *type);
/* When the next child wants to be started, or LATEST. */
TimestampTz sync_children_next(List *children, TimestampTz latest);
/* Ends them all; for before_shmem_exit with a List **. */
void sync_children_stop(int code, Datum children);

/* ---- process.c: what schedulers and workers have in common ---- */

void sync_process_signals(void);
/* Starts the process that the order is for, ENTERs it in shared memory and connects; it ends if it may not enter. */
SyncOrder sync_process_start(bool (*enter)(const SyncOrder *order));
/* Runs BODY; an error ends the transaction and is returned in CONTEXT, else NULL. */
ErrorData *sync_guard(MemoryContext context, void (*body)(void *), void *argument);
/* NULL, or why the extension can't be used. Holds off DROP EXTENSION until the end of the transaction. Needs sync_begin. */
const char *sync_extension_problem(void);

/* ---- database.c: the databases that the launcher looks after, in shared memory ---- */

typedef enum SyncState
{
	SYNC_OK,
	SYNC_CONNECTING,
	SYNC_BACKOFF,
	SYNC_PAUSED,
	SYNC_WAITING_FOR_SLOT,
	SYNC_IDENTITY,
	SYNC_ERROR,
} SyncState;

#define SYNC_REASON_SIZE 1024
#define SYNC_MAX_DATABASES 64

typedef struct SyncDatabase
{
	char name[NAMEDATALEN]; /* '' : free */
	Oid dboid;
	pid_t scheduler;
	SyncState state;
	char reason[SYNC_REASON_SIZE]; /* why its peers aren't synced, if the state isn't SYNC_OK */
	TimestampTz requested;         /* when sequencing was last asked for */
} SyncDatabase;

Size sync_databases_size(void);
void sync_init_databases(void);
const char *sync_state_name(SyncState state);
bool sync_list_database(const char *name); /* false if there is no room */
bool sync_get_database(const char *name, SyncDatabase *copy); /* false if it is not listed */
void sync_unlist_database(const char *name);
void sync_set_database_oid(const char *name, Oid dboid);
/* Says how the database is; with a WARNING if that is new and needs somebody to do something. */
void sync_report_database(const char *name, SyncState state, const char *reason);
bool sync_enter_database(const SyncOrder *order); /* this process is its scheduler; false if it is closed */
pid_t sync_scheduler_of(Oid dboid);               /* 0: none; needs the lock */
/* Asks the scheduler of this database to look at its peers: at once, or when this transaction commits. */
void sync_wake_scheduler(void);
void sync_peers_changed(void);
/* Asks the scheduler of a database to sequence its sets; when that was last asked for. */
void sync_request_sequencing(const char *name);
TimestampTz sync_sequencing_requested(const char *name);

/* ---- state.c: what a round means for the status of a peer ---- */

typedef struct SyncStatus
{
	pid_t pid;
	SyncState state;
	TimestampTz connected_since, last_attempt, last_success, next_attempt, last_error_at; /* 0: none */
	TimestampTz caught_up_at; /* start of the last round that ended caught up */
	TimestampTz ended;        /* start of the last round that ended at all */
	int failures;             /* rounds that failed since the last good one */
	char error[SYNC_REASON_SIZE];
	char sqlstate[6];
	SyncRound last;           /* the last good round, but the rows and bytes are sums since the last sync_save_status */
	int64 rounds;             /* likewise */
	double last_round_ms;
} SyncStatus;

/* A round with a peer that began at STARTED ended well, or with an error: brings STATUS up to date. */
void sync_round_ended(SyncStatus *status, TimestampTz started, const SyncRound *round);
void sync_round_failed(SyncStatus *status, TimestampTz started, const ErrorData *error);
/* Adds STATUS to the row of the peer in peer_state and sets its sums to zero. Needs sync_begin. */
void sync_save_status(const char *server, SyncStatus *status);

/* ---- status.c: the status of the peers of all databases, in shared memory ---- */

Size sync_statuses_size(void);
void sync_init_statuses(void);
bool sync_enter_peer(const SyncOrder *order); /* this process is its worker; false if it has one or the database is closed */
int sync_signal_peers(Oid dboid, int signal); /* sends it to all workers of a database and returns how many; needs the lock */
void sync_show_status(const char *server, const SyncStatus *status);
bool sync_shown_status(const char *server, SyncStatus *status);
void sync_show_state(const char *server, SyncState state, const char *error); /* of a peer without a worker; ERROR may be NULL */
void sync_forget_status(const char *server);
/* Asks the worker of a peer for a round, which ends its wait after a failure, false if there is no worker; when that was last asked for. */
bool sync_request_round(const char *server);
TimestampTz sync_round_requested(const char *server);

/* ---- consumer.c: who has got what from this node, in shared memory; without it nothing is noted ---- */

Size sync_consumers_size(void);
void sync_init_consumers(void);
/* A consumer that reads from this node says how far it got. */
void sync_consumer_seen(int set_id, Oid role, const pg_uuid_t *node_id, const char *node_name, int64 acked_seq);
/* The sequencer of SET_ID has looked at everything that was committed before STARTED; the head is HEAD. */
void sync_sequenced(int set_id, TimestampTz started, int64 head);
/* A push of SET_ID to SERVER is confirmed up to SEQ. */
void sync_push_confirmed(int set_id, const char *server, int64 seq);

/* ROLE reads SET_ID no more; set 0: all of this database are forgotten. */
void sync_forget_consumers(int set_id, Oid role);
/* The head of SET_ID, if it was sequenced after SINCE; what was confirmed by SERVER. -1: not (yet). */
int64 sync_sequenced_since(int set_id, TimestampTz since);
int64 sync_pushed_to(int set_id, const char *server);
/* Whether all nodes that read SET_ID, BUT those (of pg_uuid_t *), got as far as SEQ. */
bool sync_consumers_reached(int set_id, int64 seq, List *but);

/* ---- hook.c: workers leave a database that is dropped, renamed or copied ---- */

void sync_install_hooks(void);

/* ---- launcher.c, scheduler.c, worker.c ---- */

void sync_register_launcher(void);

#endif
