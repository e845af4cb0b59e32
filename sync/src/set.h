/* SPDX-License-Identifier: PostgreSQL */
/* Registered sets and what is stored of them: what the files share that note, number, hand out and take in their rows. */
#ifndef HLLSET_SYNC_SET_H
#define HLLSET_SYNC_SET_H

#include "hllset_sync.h"

#include "utils/uuid.h"

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
	Oid owner; /* of the table; all that touches rows runs as this role */
	int nkeys;
	int nsketches;
	SyncColumn *keys;
	SyncColumn *sketches;
	char *description; /* key types, precisions, hash id, format; its bytes are the signature */
	int64 head;
	int64 floor;
	int64 truncated_at;
	char *state;
	char *reason;  /* NULL if all is well */
	bool may_pull; /* the role that called */
	bool may_push;
	bool bound; /* it may push for this origin only */
	pg_uuid_t origin;
} SyncSet;

typedef enum SyncRight
{
	SYNC_PULL,
	SYNC_PUSH,
	SYNC_EITHER,
	SYNC_OWN /* the owner of the table, or this node's own processes */
} SyncRight;

/* These need an SPI connection; results live in its procedure context. NAMES: text[], or 0 for all. By set_id. */
struct List *sync_sets(Datum names, Oid role);
/* Compares a set with its table; false, and its state says why, if it can't be used. A set that is usable again is looked through anew. */
bool sync_set_usable(SyncSet *set);
/* Until the transaction ends, a table keeps its name and its schema's, by which statements know it; ERROR if it is gone. */
void sync_lock_names(Oid relid);
/* The set of this name for the current user; errors HS002 if it is not there, not granted, or broken. */
SyncSet *sync_set(const char *name, SyncRight right);
SyncSet *sync_any_set(const char *name,
					  SyncRight right); /* even if it is broken; its columns have only names */
/* Whether the role RIGHT was asked for has it, as sync_sets found. */
bool sync_set_allows(const SyncSet *set, SyncRight right);
void sync_set_state(SyncSet *set, const char *state, const char *reason);
/* A table of the set (dirty, rows or copy), or InvalidOid. */
Oid sync_set_table(const SyncSet *set, const char *kind);

/* ---- column.c: which columns a set may have ---- */

/* False: no such column. Its functions are there if the type is one that a set may have. */
bool sync_column_read(Oid relid, const char *name, SyncColumn *column);
bool sync_key_type_allowed(Oid type);
char *sync_describe(const SyncColumn *keys, int nkeys, const SyncColumn *sketches, int nsketches);
/* Whether a unique index, fit to identify rows, has just these columns. */
bool sync_has_unique_key(Oid relid, const SyncColumn *keys, int nkeys);
bool sync_is_captured(Oid relid); /* whether the triggers of a set are there */

/* ---- type.c: what is of the extension hllset ---- */

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
/* What is the same for all values. */
const char *sync_format_text(void);

/* ---- text.c: pieces of statements ---- */

char *sync_table_name(Oid relid);
char *sync_bare(const SyncColumn *columns, int count); /* "day, page" */
char *sync_base(const SyncSet *set);                   /* the table, ready for FROM */
char *sync_numbered(const char *prefix, int from, int count, const char *suffix); /* "r.k1, r.k2" */
char *sync_named(const char *alias, const SyncColumn *columns, int count); /* "b.day, b.page" */
char *sync_match_base(const SyncSet *set, const char *alias); /* "b.day = r.k1 AND ..." */
char *sync_match(const SyncSet *set, const char *left,
				 const char *right);                           /* "a.k1 = r.k1 AND ..." */
char *sync_digest_call(const SyncSet *set, const char *alias); /* hllset_sync.row_digest(b.s) */

/* ---- digest.c: 128-bit content id of a row ---- */

typedef struct SyncDigester
{
	FmgrInfo kind;
	FmgrInfo digest;
} SyncDigester;

void sync_digester_init(SyncDigester *digester, MemoryContext context);
/* False if a value is no plain set: an expression or a sample. */
bool sync_digest(SyncDigester *digester, const Datum *sketches, const bool *nulls, int count,
				 pg_uuid_t *digest);

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

#endif
