/* SPDX-License-Identifier: PostgreSQL */
/* What all rooms build on: settings, rights, statements, transactions, waits, shared memory, and the sets of the catalog. */
#ifndef HLLSET_SYNC_COMMON_H
#define HLLSET_SYNC_COMMON_H

#include "common/version.h"

#include "catalog/pg_type_d.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#define SYNC_PROTOCOL 2 /* the only version spoken */
#define SYNC_SCHEMA "hllset_sync"
#define SYNC_VERSION "1.0" /* of the library; compared with pg_extension.extversion */

/* SQLSTATEs of the protocol functions, see docs/sync.md */
#define SYNC_SQLSTATE(digit) MAKE_SQLSTATE('H', 'S', '0', '0', digit)
#define ERRCODE_SYNC_HISTORY SYNC_SQLSTATE('1')   /* the token is not on this history */
#define ERRCODE_SYNC_SET SYNC_SQLSTATE('2')       /* no such set, or not granted */
#define ERRCODE_SYNC_SIGNATURE SYNC_SQLSTATE('3') /* key types, precision or format differ */
#define ERRCODE_SYNC_IDENTITY SYNC_SQLSTATE('4')  /* a clone, or the peer is this node */
#define ERRCODE_SYNC_ORIGIN SYNC_SQLSTATE('5')    /* the role does not speak for this node */
#define ERRCODE_SYNC_ATTEMPTS SYNC_SQLSTATE('6')  /* batches were begun and did not end */
#define ERRCODE_SYNC_FLOOR SYNC_SQLSTATE('7')     /* older than the floor: tombstones are pruned */

/* ---- setting.c: the GUCs hllset_sync.*, which are described there ---- */

extern char *sync_databases, *sync_worker_role;
extern bool sync_enabled, sync_log_rounds, sync_allow_superuser_worker;
/* ms */
extern int sync_every, sync_retry_max;
extern int sync_connect_timeout, sync_io_timeout, sync_statement_timeout, sync_lock_timeout;
/* s */
extern int sync_verify_every, sync_rescan_every, sync_tombstone_keep;
extern int sync_max_batch_rows, sync_max_batch_bytes, sync_max_row_bytes;
extern int sync_chunk_rows;               /* that one transaction of upkeep touches at most */
extern int sync_max_sets, sync_max_nodes; /* nodes: of shared memory */

#define SYNC_MOST_SETS 1000000 /* that the setting allows */

void sync_define_settings(void);

/* ---- t/fault.c: points at which a test makes something go wrong; nothing without -DHLLSET_SYNC_FAULTS ---- */

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
/* Sets an option until sync_leave or, if LOCAL, until the transaction ends. */
void sync_option(const char *name, const char *value, bool local);
/* Until sync_leave, rows are looked up by their keys, in tables whose statistics may be missing: what is read is always a small part. */
void sync_follow_keys(void);
void sync_follow_order(void); /* likewise, a page at a time, in the order of an index */

/*
 * The rounds of this very node call the protocol functions without a row in the acl, as the extension's owner. What runs within such a call as
 * the owner of a table, such as a trigger of his, is not the node.
 */
extern bool sync_local_call;
bool sync_is_local(void);

/* ---- statement.c: SPI with values that know their types, and errors instead of codes ---- */

/* A parameter. Of a list of them the last has no type. */
typedef struct SyncValue
{
	Oid type;
	bool isnull;
	Datum value;
} SyncValue;

#define SYNC_VALUES(...) ((SyncValue[]){__VA_ARGS__, {InvalidOid}})
#define SYNC_NONE ((SyncValue){InvalidOid}) /* in place of parameters */
#define SYNC_VALUE(oid, datum) ((SyncValue){.type = (oid), .value = (datum)})
#define SYNC_BOOL(x) SYNC_VALUE(BOOLOID, BoolGetDatum(x))
#define SYNC_INT2(x) SYNC_VALUE(INT2OID, Int16GetDatum(x))
#define SYNC_INT4(x) SYNC_VALUE(INT4OID, Int32GetDatum(x))
#define SYNC_INT8(x) SYNC_VALUE(INT8OID, Int64GetDatum(x))
#define SYNC_OID(x) SYNC_VALUE(OIDOID, ObjectIdGetDatum(x))
#define SYNC_NAME(name) SYNC_VALUE(NAMEOID, NameGetDatum(name))
#define SYNC_NULL(oid) ((SyncValue){.type = (oid), .isnull = true})
/* These are NULL for a NULL pointer. */
#define SYNC_TEXT(string) sync_text_value(string)
#define SYNC_UUID(uuid) sync_pointer_value(UUIDOID, uuid)
#define SYNC_BYTEA(bytes) sync_pointer_value(BYTEAOID, bytes)
/* VALUE, or NULL */
#define SYNC_NULLABLE(present, value) ((present) ? (value) : SYNC_NULL((value).type))
/* An argument of the function that is being called, as PG_GETARG_DATUM */
#define SYNC_GIVEN(oid, n) SYNC_NULLABLE(!PG_ARGISNULL(n), SYNC_VALUE(oid, PG_GETARG_DATUM(n)))
/* Arrays: of a List of char *, of an integer List, of a C array of Datum. NULLS may be NULL. */
#define SYNC_TEXT_ARRAY(strings) sync_list_array(TEXTOID, strings)
#define SYNC_INT4_ARRAY(integers) sync_list_array(INT4OID, integers)
#define SYNC_ARRAY(element, datums, nulls, count) sync_array(element, datums, nulls, count)

SyncValue sync_text_value(const char *string);
SyncValue sync_pointer_value(Oid type, const void *pointer);
SyncValue sync_list_array(Oid element, const List *list);
SyncValue sync_array(Oid element, const Datum *datums, const bool *nulls, int count);
/* The elements of an array, which are of this type; returns how many they are. ERROR if one is NULL: "WHAT must not be null" */
int sync_elements(Datum array, Oid element, const char *what, Datum **datums);
int sync_nullable_elements(Datum array, Oid element, Datum **datums, bool **nulls);

/*
 * Runs one statement as the current user, with parameters: sync_execute("... $1 ... $2", SYNC_INT4(id), SYNC_TEXT(name)). Must stand between
 * SPI_connect and SPI_finish. Returns SPI_processed; rows, if any, are in SPI_tuptable. READ_ONLY: in the snapshot that there is.
 */
#define sync_execute(sql, ...) sync_execute_values(sql, false, SYNC_VALUES(__VA_ARGS__))
uint64 sync_execute_values(const char *sql, bool read_only, const SyncValue *values);
/* The same for a statement without parameters, written as by printf */
#define sync_run(...) sync_execute_values(psprintf(__VA_ARGS__), false, &SYNC_NONE)
/* Both as the extension's owner, who owns the catalog. The plan of a statement with parameters is kept by the session: its text is a literal. */
#define sync_catalog(sql, ...) sync_catalog_values("" sql, SYNC_VALUES(__VA_ARGS__))
#define sync_catalog_run(...) sync_catalog_once(psprintf(__VA_ARGS__))
uint64 sync_catalog_values(const char *sql, const SyncValue *values);
uint64 sync_catalog_once(const char *sql);
/* A statement that runs often, with values of the same types. OPTIONS as of a cursor; a row limit of 0 is none. */
#define sync_prepare(sql, values) sync_prepare_with(sql, values, 0)
SPIPlanPtr sync_prepare_with(const char *sql, const SyncValue *values, int options);
uint64 sync_execute_plan(SPIPlanPtr plan, const SyncValue *values, long limit);
/* A statement whose rows are read a few at a time; each lot is SPI_tuptable, to be freed by the caller. */
Portal sync_open(const char *sql, const SyncValue *values);
uint64 sync_fetch(Portal portal, long count);

/*
 * A column, from 1, of a row, from 0, that the last statement gave. ERROR if it is of another type: internal tables belong to users, who may have
 * altered them. ERROR if it is NULL, too, but for those that say NULL or false then.
 */
Datum sync_value(uint64 row, int column, Oid type);
bool sync_is_null(uint64 row, int column);
#define sync_bool(row, column) DatumGetBool(sync_value(row, column, BOOLOID))
#define sync_int2(row, column) DatumGetInt16(sync_value(row, column, INT2OID))
#define sync_int4(row, column) DatumGetInt32(sync_value(row, column, INT4OID))
#define sync_int8(row, column) DatumGetInt64(sync_value(row, column, INT8OID))
#define sync_oid(row, column) DatumGetObjectId(sync_value(row, column, OIDOID))
char *sync_text(uint64 row, int column);   /* of a column of any type; a copy, or NULL */
bytea *sync_bytea(uint64 row, int column); /* likewise */
bool sync_uuid(uint64 row, int column, pg_uuid_t *uuid); /* false: NULL, and the UUID is zero */
Datum sync_field(uint64 row, int column, bool *isnull);  /* of any type */
void sync_expect(int column, Oid type); /* ERROR if a column of the last rows is of another type */

/* ---- result.c: functions that return rows ---- */

typedef ReturnSetInfo SyncResult;

SyncResult *sync_result(FunctionCallInfo fcinfo);
/* What a procedure's output arguments are. */
#define sync_one_row(fcinfo, ...) sync_row_of_values(fcinfo, SYNC_VALUES(__VA_ARGS__))
Datum sync_row_of_values(FunctionCallInfo fcinfo, const SyncValue *values);

#define SYNC_ARGUMENT(n) ((uint32) 1 << (n))
/* ERROR if an argument is NULL that is not among these. */
void sync_require_arguments(FunctionCallInfo fcinfo, uint32 nullable);
/* Argument N, names of sets that a peer says, or NULL; ERROR if they are more than there may be sets. */
SyncValue sync_names(FunctionCallInfo fcinfo, int n);
#define sync_add_row(result, ...) sync_add_values(result, SYNC_VALUES(__VA_ARGS__))
void sync_add_values(SyncResult *result, const SyncValue *values);
void sync_return_rows(SyncResult *result); /* all that the last statement gave */

/* ---- transaction.c: short transactions in a worker or in a procedure ---- */

/*
 * A round runs in a background worker or in CALL run_round(). Between sync_begin and sync_commit stand a transaction, a snapshot and an SPI
 * connection; outside there are none, so the network may be waited for. Memory of the caller's context survives both.
 */
extern bool sync_in_procedure;
bool sync_may_commit(FunctionCallInfo fcinfo); /* whether a procedure was called so that it may */
void sync_require_own_transactions(FunctionCallInfo fcinfo); /* ERROR unless it was */
void sync_begin(const char *activity);                       /* also shown in pg_stat_activity */
void sync_commit(void);
/* Makes this transaction's commit flush all that it has seen, though others may commit asynchronously. */
void sync_flush_what_was_read(void);
/*
 * Until the (sub)transaction ends its client is sent nothing but errors. One who asks for many messages and does not read them would else decide for how
 * long what is locked here stays so.
 */
void sync_send_no_messages(void);
/* After an error that is not thrown on: undoes what sync_begin began, if anything. */
void sync_abort(void);
/*
 * Runs BODY in a transaction of its own, with an SPI connection: as this node, in one of its rounds or processes, or as the caller of a procedure that is
 * connected to SPI. After it nothing is held. Returns what BODY does.
 */
bool sync_turn(bool as_node, bool (*body)(void *), void *argument);
/* Runs BODY; an error ends the transaction and is returned in CONTEXT, else NULL. */
ErrorData *sync_guard(MemoryContext context, void (*body)(void *), void *argument);

/* Runs BODY in a subtransaction, which an error undoes; it is returned, else NULL. UNDO: what it did is undone in any case. */
ErrorData *sync_try(void (*body)(void *), void *argument, bool undo);

/*
 * The whole of a function that only reads and returns rows: BODY finds an SPI connection. The locks that it takes are let go of at its end, since the
 * caller's transaction may last for ever; what it writes is undone.
 */
Datum sync_look(FunctionCallInfo fcinfo, void (*body)(FunctionCallInfo, SyncResult *));
/* Stands before the body of such a function of SQL, with FCINFO and RESULT. */
#define SYNC_LOOK(name)                                                   \
	static void name##_look(FunctionCallInfo fcinfo, SyncResult *result); \
	PG_FUNCTION_INFO_V1(name);                                            \
	Datum name(PG_FUNCTION_ARGS)                                          \
	{                                                                     \
		return sync_look(fcinfo, name##_look);                            \
	}                                                                     \
	static void name##_look(FunctionCallInfo fcinfo, SyncResult *result)

/* ---- clock.c: what is waited for and compared never goes by the wall clock; and the only place that waits ---- */

typedef int64 SyncTime; /* us since the machine was started; 0: never */

SyncTime sync_clock(void);
SyncTime sync_after(int64 milliseconds);               /* from now */
long sync_left(SyncTime deadline);                     /* ms until then, 0 if it has passed */
bool sync_elapsed(SyncTime since, int64 milliseconds); /* also if SINCE is 0 */
TimestampTz sync_wall(SyncTime time); /* as the wall clock has it now, to be shown */

/*
 * Waits for EVENTS (WL_SOCKET_*) on SOCKET (PGINVALID_SOCKET: none), the latch or DEADLINE; serves interrupts and reloads the settings.
 * Returns the events that came, 0 at the deadline. An error inside a transaction with a snapshot or an xid: nothing may be held here.
 */
int sync_wait(int events, pgsocket socket, SyncTime deadline);

/* ---- shmem.c: shared memory, if preloaded ---- */

bool sync_has_shared_memory(void);
/* A part of it, of SIZE zeros at first; PLACE is to point to it. Before sync_request_shared_memory. */
void sync_add_shared_part(const char *name, Size size, void **place);
void sync_request_shared_memory(void);
void sync_require_shared_memory(void); /* ERROR with a hint to run_round */

/* One lock for all of it. Under it nothing is read from the catalog and nothing is waited for. */
void sync_shared_lock(void);
void sync_shared_unlock(void);
void sync_shared_changed(void); /* wakes those in sync_shared_wait */
/* For a change, or for nothing: look again; false at the deadline. */
bool sync_shared_wait(SyncTime deadline);
void sync_shared_wait_end(void); /* after the last sync_shared_wait */
uint32 sync_shared_starts(void); /* how often this memory was made; more than 1 after a crash */
void sync_wake(pid_t pid);       /* sets the latch of a process of this server; 0 does nothing */

/* ---- message.c ---- */

/* A peer's text, fit to be shown and logged: at most 1 kB, valid in this database's encoding, control characters escaped. */
char *sync_clean_text(const char *text);
/* What is to be done about an error of a peer that can't give a hint itself, or NULL. */
const char *sync_peer_hint(int sqlstate);

/* ---- identity.c ---- */

typedef struct SyncIdentity
{
	pg_uuid_t node_id;
	char name[NAMEDATALEN];
	const char *problem; /* NULL, or why this database may not sync: a copy of another */
} SyncIdentity;

SyncIdentity sync_identity(void); /* reads hllset_sync.node; needs a transaction */
const char *sync_check_node_name(const char *name); /* ERROR if it is empty or too long */
/* Another one after each start of the server, and after a promotion. */
pg_uuid_t sync_life(void);
/* Seconds that this node's server has run, now: ages over days go by it. Needs an SPI connection; writes hllset_sync.node once a minute. */
int64 sync_running(void);
#define sync_same_node(a, b) (memcmp((a)->data, (b)->data, UUID_LEN) == 0)
#define sync_same_bytes(a, b) \
	DatumGetBool(DirectFunctionCall2(byteaeq, PointerGetDatum(a), PointerGetDatum(b)))

/* ---- catalog.c: registered sets ---- */

typedef struct SyncColumn
{
	char *name;
	Oid type;
	int32 typmod;
	Oid collation;
	bool not_null;
	FmgrInfo send, receive;
} SyncColumn;

typedef struct SyncSet
{
	int id;
	char *name;
	Oid relid;
	Oid owner; /* of the table; all that touches rows runs as this role */
	int nkeys, nsketches;
	SyncColumn *keys, *sketches;
	char *description; /* key types, precisions, hash id, format; its bytes are the signature */
	int64 head, floor, truncated_at;
	char *state;
	char *reason;      /* NULL if all is well */
	char *scan;        /* "rows" or "index": what is being compared with the other; NULL: nothing */
	bytea *scan_after; /* up to this key; NULL: from the start */
	bool has_views;    /* register() made some */
	bool may_pull;     /* the role that called, or a group of it */
	bool may_push;
	char *paused; /* NULL, or why the role may do neither though it was granted */
	bool foreign; /* its tables and views are still those of the table's last owner */
	bool speaks;  /* for this node */
	pg_uuid_t node;
} SyncSet;

typedef enum SyncRight
{
	SYNC_PULL = 1,
	SYNC_PUSH = 2,
	SYNC_EITHER = SYNC_PULL | SYNC_PUSH,
	SYNC_OWN = 4 /* the owner of the table, or this node's own processes */
} SyncRight;

/* These need an SPI connection; results live in its procedure context. NAME: NULL for all. By name, as bytes, for the current user. */
List *sync_sets(const char *name);
SyncSet *sync_find_set(const char *name); /* NULL: not registered */
/* Other than as partitions and what they are of. */
bool sync_takes_part_in_inheritance(Oid relid);
/* Compares a set with its table; false, and its state says why, if it can't be used. A set that is usable again is scanned anew. */
bool sync_set_usable(SyncSet *set);
/* Until the transaction ends, a table keeps its name and its schema's, by which statements know it; ERROR if it is gone. */
void sync_lock_names(Oid relid);
/* The set of this name; HS002 if it is not there, or not granted. sync_set: also if it is broken; of any set the columns may have only names. */
SyncSet *sync_set(const char *name, SyncRight right);
SyncSet *sync_any_set(const char *name, SyncRight right);
/* ERROR unless this node, or who was named for it to the set's owner, asks for what concerns the copies of NODE. */
void sync_check_speaker(const SyncSet *set, const pg_uuid_t *node);
bool sync_set_allows(const SyncSet *set, SyncRight right); /* as sync_sets found */
void sync_set_state(SyncSet *set, const char *state, const char *reason);
/* From now on the set's table and its index are compared, a chunk with each p_advance. */
void sync_start_scan(SyncSet *set);
/* A table of the set (dirty, rows or copy), or InvalidOid. */
Oid sync_set_table(const SyncSet *set, const char *kind);

/* ---- type.c: which columns a set may have ---- */

/* False: no such column. Its functions are there if the type is one that a set may have. */
bool sync_column_read(Oid relid, const char *name, SyncColumn *column);
bool sync_key_type_allowed(Oid type);
char *sync_describe(const SyncSet *set);
/* The place among the keys of each column of a unique index that identifies rows by just these; NULL if there is none. */
int *sync_unique_key(const SyncSet *set);

/* What is of the extension hllset. */
typedef enum SyncFunction
{
	SYNC_EMPTY,
	SYNC_KIND,
	SYNC_DIGEST,
	SYNC_UNION,
	SYNC_UNION_AGG
} SyncFunction;

bool sync_is_hllset(Oid type);
/* ERROR if the extension has it not. */
Oid sync_hllset_function(SyncFunction function);
/* With their schemas, which can't be renamed until the transaction ends: with its own argument types a function is meant by it. */
char *sync_function_name(Oid function);
char *sync_type_name(Oid type, int32 typmod);

/* ---- statement.c: pieces of statements ---- */

char *sync_table_name(Oid relid);
char *sync_base(const SyncSet *set); /* the table, ready for FROM */
/*
 * PATTERN for each of the columns, in which @ is its name and # its number: "b.@ = r.k#" with " AND " gives "b.day = r.k1 AND b.page = r.k2". It is
 * never made of what users name. COLUMNS may be NULL if there is no @ in it.
 */
char *sync_each(const SyncColumn *columns, int count, const char *separator, const char *pattern);
#define sync_keys(set, separator, pattern) sync_each((set)->keys, (set)->nkeys, separator, pattern)
#define sync_sketches(set, separator, pattern) \
	sync_each((set)->sketches, (set)->nsketches, separator, pattern)
char *sync_digest_call(const SyncSet *set); /* hllset_sync.row_digest(b.s) */

/* ---- key.c: keys and sketches as bytes that cross the wire, and the 128-bit content id of a row ---- */

/* NULLs of these columns' types, with room for MORE values and the end of the list. */
SyncValue *sync_column_values(const SyncColumn *columns, int count, int more);
/* Reads fields of the last statement from column FIRST on; ERROR if one is of another type, or NULL where none may be. */
void sync_read_values(uint64 row, int first, const SyncColumn *columns, int count, bool nullable,
					  SyncValue *values);
/* The values of the columns, one after the other, see frame.h. */
bytea *sync_pack(SyncColumn *columns, int count, const SyncValue *values);
/* Errors for anything that sync_pack does not write, and for NULL where none may be. */
void sync_unpack(const bytea *packed, SyncColumn *columns, int count, bool nullable,
				 SyncValue *values);

typedef struct SyncDigester
{
	FmgrInfo kind, digest;
} SyncDigester;

void sync_digester_init(SyncDigester *digester, MemoryContext context);
/* False if a value is no plain set: an expression or a sample. */
bool sync_digest(SyncDigester *digester, const SyncValue *sketches, int count, pg_uuid_t *digest);
pg_uuid_t sync_hash(const void *bytes, int size); /* the same on all machines */

/* ---- what both ends of the protocol know ---- */

/* A place in a history. */
typedef struct SyncToken
{
	int64 seq;
	bool has_nonce; /* not at 0 */
	pg_uuid_t nonce;
} SyncToken;

#define SYNC_NONCE(token) SYNC_NULLABLE((token).has_nonce, SYNC_UUID(&(token).nonce))
bool sync_token_equal(const SyncToken *a, const SyncToken *b);

#define SYNC_SETS_PAGE 1000 /* sets in one answer of p_sets */
#define SYNC_BUCKETS 1024

typedef enum SyncReceiveMode
{
	SYNC_ATTEMPT, /* only counts a batch of this node's own rounds, which would not outlive it otherwise */
	SYNC_CHANGES, /* the next rows of the feed */
	SYNC_REPAIR,  /* of a comparison */
	SYNC_REWOUND, /* the last of a comparison with a history that was undone */
	SYNC_RECEIVE_MODES
} SyncReceiveMode;

extern const char *const sync_receive_modes[SYNC_RECEIVE_MODES];

#endif
