/* SPDX-License-Identifier: PostgreSQL */
/*
 * A comparison of rows with copies of them: fingerprints, the entries of some buckets, entries by key. They are read in pages by the primary key, of at most
 * hllset_sync.chunk_rows, each in a statement of its own. Fingerprints are sums over 1,024 ranges of key hashes.
 */
#include "common/common.h"

#include "common/hashfn.h"
#include "libpq/pqformat.h"
#include "utils/fmgroids.h"

#define BUCKET_SHIFT 54
#define FETCH 1000
#define MAX_SUMS 8 /* comparisons whose sums a session keeps between their pages */

typedef struct Entries
{
	SyncSet *set;
	int16 origin;        /* 0: own rows */
	int64 lowest;        /* up to it numbers are of orphans, or from before the last TRUNCATE */
	const char *table;   /* "rows_7" */
	SyncColumn *columns; /* of the primary key */
	int ncolumns;
} Entries;

typedef struct Entry
{
	bytea *key;
	int64 seq;
	pg_uuid_t digest;
	int bucket;
} Entry;

/* False: no more. */
typedef bool (*Visitor)(void *state, const Entry *entry);

/* ---- entries ---- */

static uint64
hash_key(const bytea *key, uint64 seed)
{
	return hash_bytes_extended((const unsigned char *) VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key),
							   seed);
}

/* False: it is not compared, as tombstones and copies of other nodes are not. VALUES are those of its primary key. */
static bool
read_entry(const Entries *entries, uint64 row, SyncValue *values, Entry *entry)
{
	sync_read_values(row, 3, entries->columns, entries->ncolumns, false, values);
	entry->seq = sync_int8(row, 1);
	if (!sync_uuid(row, 2, &entry->digest) || entry->seq <= entries->lowest ||
		(entries->origin != 0 &&
		 DatumGetInt16(values[entries->ncolumns - 1].value) != entries->origin))
		return false;
	entry->key = sync_pack(entries->set->keys, entries->set->nkeys, values);
	entry->bucket = (int) (hash_key(entry->key, 0) >> BUCKET_SHIFT);
	return true;
}

static Portal
open_page(const Entries *entries, const bytea *after)
{
	const char *keys = psprintf("%s%s", sync_keys(entries->set, ", ", "k#"),
								entries->origin == 0 ? "" : ", origin_id");
	SyncValue *values = sync_column_values(entries->columns, entries->ncolumns, 0);
	const char *where = "";

	if (after != NULL)
	{
		sync_unpack(after, entries->columns, entries->ncolumns, false, values);
		where =
			psprintf(" WHERE (%s) > (%s)", keys, sync_each(NULL, entries->ncolumns, ", ", "$#"));
	}
	return sync_open(psprintf("SELECT seq, digest, %s FROM hllset_sync.%s%s ORDER BY %s LIMIT %d",
							  keys, entries->table, where, keys, sync_chunk_rows),
					 after == NULL ? &SYNC_NONE : values);
}

/* Visits the entries of a page; returns the place after which the next one begins, NULL at the end. */
static bytea *
visit_page(const Entries *entries, const bytea *after, Visitor visitor, void *state)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext scratch =
		AllocSetContextCreate(caller, "hllset_sync keys", ALLOCSET_DEFAULT_SIZES);
	SyncUser user = sync_enter(entries->set->owner);
	SyncValue *values = sync_column_values(entries->columns, entries->ncolumns, 0);
	bytea *last = NULL;
	int visited = 0;
	bool goes_on = true;
	Portal portal;

	sync_follow_keys();
	portal = open_page(entries, after);
	while (goes_on && sync_fetch(portal, FETCH) > 0)
	{
		for (uint64 i = 0; i < SPI_processed && goes_on; i++)
		{
			Entry entry;

			MemoryContextReset(scratch);
			MemoryContextSwitchTo(scratch);
			if (read_entry(entries, i, values, &entry))
				goes_on = visitor(state, &entry);
			MemoryContextSwitchTo(caller);
			visited++;
			if (!goes_on || visited == sync_chunk_rows)
				last = sync_pack(entries->columns, entries->ncolumns, values);
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	sync_leave(user);
	MemoryContextDelete(scratch);
	return last;
}

/* ---- fingerprints ---- */

/* Sums of two 64-bit hashes of key and digest: order does not matter, and a bucket may be added up in any way. */
typedef struct Bucket
{
	int64 count;
	uint64 sum[2];
} Bucket;

typedef struct Sums
{
	int set_id;
	int16 origin;
	int64 upto;
	bytea *next; /* where the pages that are summed up end */
	Bucket buckets[SYNC_BUCKETS];
} Sums;

static List *kept_sums = NIL; /* the oldest first */

static bool
add_entry(void *state, const Entry *entry)
{
	Sums *sums = state;
	Bucket *bucket = &sums->buckets[entry->bucket];

	if (entry->seq > sums->upto)
		return true;
	bucket->count++;
	for (int i = 0; i < 2; i++)
		bucket->sum[i] +=
			hash_bytes_extended(entry->digest.data, UUID_LEN, hash_key(entry->key, i + 1));
	return true;
}

static void
forget_sums(Sums *sums)
{
	kept_sums = list_delete_ptr(kept_sums, sums);
	pfree(sums->next);
	pfree(sums);
}

static void
keep_sums(const Sums *sums, const bytea *next)
{
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
	Sums *kept;

	if (list_length(kept_sums) >= MAX_SUMS)
		forget_sums(linitial(kept_sums));
	kept = memcpy(palloc(sizeof(Sums)), sums, sizeof(Sums));
	kept->next = DatumGetByteaPCopy(PointerGetDatum(next));
	kept_sums = lappend(kept_sums, kept);
	MemoryContextSwitchTo(caller);
}

/* Takes those of the pages up to AFTER out of what is kept. */
static void
take_sums(Sums *sums, const bytea *after)
{
	ListCell *cell;
	Sums *found = NULL;

	foreach (cell, kept_sums)
	{
		Sums *kept = lfirst(cell);

		if (kept->set_id == sums->set_id && kept->origin == sums->origin)
			found = kept;
	}
	if (found != NULL && after != NULL && found->upto == sums->upto &&
		sync_same_bytes(after, found->next))
		memcpy(sums->buckets, found->buckets, sizeof(sums->buckets));
	else if (after != NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("the page does not go on from the last one of this session")));
	if (found != NULL)
		forget_sums(found);
}

static void
return_bucket(SyncResult *result, int number, const Bucket *bucket)
{
	StringInfoData fingerprint;

	pq_begintypsend(&fingerprint);
	pq_sendint64(&fingerprint, bucket->sum[0]);
	pq_sendint64(&fingerprint, bucket->sum[1]);
	sync_add_row(result, SYNC_INT4(number), SYNC_INT8(bucket->count),
				 SYNC_BYTEA(pq_endtypsend(&fingerprint)), SYNC_BYTEA(NULL));
}

static void
return_sums(SyncResult *result, const Entries *entries, int64 upto, const bytea *after)
{
	Sums *sums = palloc0(sizeof(Sums));
	bytea *next;

	sums->set_id = entries->set->id;
	sums->origin = entries->origin;
	sums->upto = upto;
	take_sums(sums, after);
	next = visit_page(entries, after, add_entry, sums);
	if (next != NULL)
	{
		keep_sums(sums, next);
		sync_add_row(result, SYNC_NULL(INT4OID), SYNC_NULL(INT8OID), SYNC_BYTEA(NULL),
					 SYNC_BYTEA(next));
		return;
	}
	for (int i = 0; i < SYNC_BUCKETS; i++)
		if (sums->buckets[i].count > 0)
			return_bucket(result, i, &sums->buckets[i]);
}

/* ---- entries of buckets ---- */

typedef struct Listing
{
	SyncResult *result;
	bool wanted[SYNC_BUCKETS];
	int64 rows, bytes;
	int64 max_rows, max_bytes;
} Listing;

static bool
list_entry(void *state, const Entry *entry)
{
	Listing *listing = state;

	if (!listing->wanted[entry->bucket])
		return true;
	sync_add_row(listing->result, SYNC_BYTEA(entry->key), SYNC_INT8(entry->seq),
				 SYNC_UUID(&entry->digest), SYNC_BYTEA(NULL));
	listing->bytes += VARSIZE(entry->key) + UUID_LEN;
	return ++listing->rows < listing->max_rows && listing->bytes < listing->max_bytes;
}

static void
return_buckets(SyncResult *result, const Entries *entries, Datum buckets, const bytea *after,
			   int max_rows, int64 max_bytes)
{
	Listing listing = {.result = result,
					   .max_rows = Min(max_rows, sync_max_batch_rows),
					   .max_bytes = Min(max_bytes, sync_max_batch_bytes)};
	Datum *numbers;
	bool *nulls;
	int count = sync_nullable_elements(buckets, INT4OID, &numbers, &nulls);
	bytea *next;

	for (int i = 0; i < count; i++)
	{
		int number = nulls[i] ? -1 : DatumGetInt32(numbers[i]);

		if (number < 0 || number >= SYNC_BUCKETS)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("buckets are numbered from 0 to %d", SYNC_BUCKETS - 1)));
		listing.wanted[number] = true;
	}
	next = visit_page(entries, after, list_entry, &listing);
	if (next != NULL)
		sync_add_row(result, SYNC_BYTEA(NULL), SYNC_NULL(INT8OID), SYNC_UUID(NULL),
					 SYNC_BYTEA(next));
}

/* ---- entries by key ---- */

static void
return_digest(SyncResult *result, const Entries *entries, SPIPlanPtr plan, const bytea *key)
{
	int nkeys = entries->set->nkeys;
	SyncValue *values = sync_column_values(entries->columns, nkeys, 1);

	sync_unpack(key, entries->set->keys, nkeys, false, values);
	if (entries->origin != 0)
		values[nkeys] = SYNC_INT2(entries->origin);
	if (sync_execute_plan(plan, values, 1) > 0)
		sync_return_rows(result);
	else
		sync_add_row(result, SYNC_NULL(INT8OID), SYNC_UUID(NULL));
	SPI_freetuptable(SPI_tuptable);
}

/* A row for each of the first keys, NULL where there is none. */
static void
return_digests(SyncResult *result, const Entries *entries, Datum keys)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext scratch =
		AllocSetContextCreate(caller, "hllset_sync key", ALLOCSET_DEFAULT_SIZES);
	Datum *elements;
	int count = sync_elements(keys, BYTEAOID, "keys", &elements);
	SyncUser user = sync_enter(entries->set->owner);
	SPIPlanPtr plan;

	sync_follow_keys();
	plan = sync_prepare(
		psprintf("SELECT seq, digest FROM hllset_sync.%s WHERE digest IS NOT NULL AND seq "
				 "> " INT64_FORMAT " AND %s%s",
				 entries->table, entries->lowest, sync_keys(entries->set, " AND ", "k# = $#"),
				 entries->origin == 0 ? "" : psprintf(" AND origin_id = $%d", entries->ncolumns)),
		sync_column_values(entries->columns, entries->ncolumns, 0));
	for (int i = 0; i < Min(count, sync_max_batch_rows); i++)
	{
		MemoryContextSwitchTo(scratch);
		return_digest(result, entries, plan, DatumGetByteaPP(elements[i]));
		MemoryContextSwitchTo(caller);
		MemoryContextReset(scratch);
	}
	sync_leave(user);
}

/* ---- the functions: of own rows, or, if argument 1 is a node, of the copies of its rows ---- */

static bool
is_of_copies(FunctionCallInfo fcinfo)
{
	return get_fn_expr_argtype(fcinfo->flinfo, 1) == UUIDOID;
}

/* A node that has no copies here has a number that no copy has. */
static Entries
find_entries(FunctionCallInfo fcinfo, uint32 nullable)
{
	bool of_copies = is_of_copies(fcinfo);
	Entries entries = {.origin = 0};
	SyncColumn *last;
	SyncSet *set;

	sync_require_arguments(fcinfo, nullable);
	set = sync_set(TextDatumGetCString(PG_GETARG_DATUM(0)), of_copies ? SYNC_PUSH : SYNC_PULL);
	if (of_copies)
	{
		sync_check_speaker(set, PG_GETARG_UUID_P(1));
		sync_catalog(
			"SELECT coalesce(max(origin_id), '-1') FROM hllset_sync.origins WHERE node_id = $1",
			SYNC_GIVEN(UUIDOID, 1));
		entries.origin = sync_int2(0, 1);
	}
	entries.set = set;
	entries.lowest = of_copies ? 0 : set->truncated_at;
	entries.table = psprintf("%s_%d", of_copies ? "copy" : "rows", set->id);
	entries.ncolumns = set->nkeys + (of_copies ? 1 : 0);
	entries.columns = palloc0((set->nkeys + 1) * sizeof(SyncColumn));
	memcpy(entries.columns, set->keys, set->nkeys * sizeof(SyncColumn));
	last = &entries.columns[set->nkeys];
	*last = (SyncColumn){.name = "origin_id", .type = INT2OID, .typmod = -1};
	fmgr_info(F_INT2SEND, &last->send);
	fmgr_info(F_INT2RECV, &last->receive);
	return entries;
}

/* The place after which a page begins: what the last one gave as next, NULL for the first. */
#define GETARG_PLACE(n) (PG_ARGISNULL(n) ? NULL : PG_GETARG_BYTEA_PP(n))

SYNC_LOOK(hllset_sync_p_fingerprint)
{
	Entries entries = find_entries(fcinfo, SYNC_ARGUMENT(2));

	return_sums(result, &entries, is_of_copies(fcinfo) ? PG_INT64_MAX : PG_GETARG_INT64(1),
				GETARG_PLACE(2));
}

SYNC_LOOK(hllset_sync_p_bucket)
{
	int first = is_of_copies(fcinfo) ? 2 : 1;
	Entries entries = find_entries(fcinfo, SYNC_ARGUMENT(first + 1));

	return_buckets(result, &entries, PG_GETARG_DATUM(first), GETARG_PLACE(first + 1),
				   PG_GETARG_INT32(first + 2), PG_GETARG_INT64(first + 3));
}

SYNC_LOOK(hllset_sync_p_digests)
{
	Entries entries = find_entries(fcinfo, 0);

	return_digests(result, &entries, PG_GETARG_DATUM(is_of_copies(fcinfo) ? 2 : 1));
}
