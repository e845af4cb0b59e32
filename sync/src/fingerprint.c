/* SPDX-License-Identifier: PostgreSQL */
/* The second line: fingerprints of 1,024 ranges of keys, the keys of a range, and rows by key. */
#include "set.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "port/pg_bswap.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(hllset_sync_p_fingerprint);
PG_FUNCTION_INFO_V1(hllset_sync_p_bucket);

#define BUCKETS 1024
#define BUCKET_SHIFT 54
#define FETCH 1000

/* One row of the index, or one copy. */
typedef struct Entry
{
	bytea *key;
	int64 seq;
	pg_uuid_t *digest;
	int bucket;
} Entry;

typedef void (*Visitor)(const Entry *entry, void *argument);

static uint64
hash_key(const bytea *key, uint64 seed)
{
	return hash_bytes_extended((const unsigned char *) VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key),
							   seed);
}

static Entry
read_entry(SyncSet *set, uint64 row)
{
	Datum *values = palloc(set->nkeys * sizeof(Datum));
	bool isnull;
	Entry entry;

	for (int i = 0; i < set->nkeys; i++)
		values[i] = sync_field(row, 3 + i, &isnull);
	entry.key = sync_pack(set->keys, set->nkeys, values, NULL);
	entry.seq = DatumGetInt64(sync_field(row, 1, &isnull));
	entry.digest = DatumGetUUIDP(sync_field(row, 2, &isnull));
	entry.bucket = (int) (hash_key(entry.key, 0) >> BUCKET_SHIFT);
	return entry;
}

static void
expect_entries(const SyncSet *set)
{
	sync_expect(1, INT8OID);
	sync_expect(2, UUIDOID);
	for (int i = 0; i < set->nkeys; i++)
		sync_expect(3 + i, set->keys[i].type);
}

/* Own rows if ORIGIN is 0, else its copies; tombstones and orphans are left out. */
static Portal
open_entries(SyncSet *set, int16 origin, int64 upto)
{
	Oid types[1] = {INT8OID};
	Datum values[1] = {Int64GetDatum(upto)};
	const char *keys = sync_numbered("k", 1, set->nkeys, "");

	if (origin == 0)
		return sync_open(psprintf("SELECT seq, digest, %s FROM hllset_sync.rows_%d"
								  " WHERE digest IS NOT NULL AND seq <= $1",
								  keys, set->id),
						 1, types, values);
	return sync_open(psprintf("SELECT seq, digest, %s FROM hllset_sync.copy_%d"
							  " WHERE origin_id = %d AND seq > 0 AND seq <= $1",
							  keys, set->id, origin),
					 1, types, values);
}

static void
visit_entries(SyncSet *set, int16 origin, int64 upto, Visitor visitor, void *argument)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext scratch =
		AllocSetContextCreate(caller, "hllset_sync keys", ALLOCSET_DEFAULT_SIZES);
	SyncUser user = sync_enter(set->owner);
	Portal portal = open_entries(set, origin, upto);

	while (sync_fetch(portal, FETCH) > 0)
	{
		expect_entries(set);
		MemoryContextSwitchTo(scratch);
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			Entry entry = read_entry(set, i);

			visitor(&entry, argument);
		}
		MemoryContextSwitchTo(caller);
		MemoryContextReset(scratch);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	sync_leave(user);
}

/* The set for reading own rows, or the copies of the origin in argument 1, whose number is returned: 0 for own rows, -1 if there are none. */
static SyncSet *
find_source(FunctionCallInfo fcinfo, int *origin)
{
	Oid types[1] = {UUIDOID};
	Datum values[1] = {PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1)};
	SyncSet *set;
	SyncUser user;
	bool isnull;

	set =
		sync_set(TextDatumGetCString(PG_GETARG_DATUM(0)), PG_ARGISNULL(1) ? SYNC_PULL : SYNC_PUSH);
	*origin = 0;
	if (PG_ARGISNULL(1))
		return set;
	sync_check_pusher(set, DatumGetUUIDP(values[0]));
	user = sync_enter_catalog();
	*origin = -1;
	if (sync_execute("SELECT origin_id FROM hllset_sync.origins WHERE node_id = $1", 1, types,
					 values, NULL, false) > 0)
		*origin = DatumGetInt16(sync_field(0, 1, &isnull));
	sync_leave(user);
	return set;
}

/* ---- fingerprints ---- */

/* Sums of two 64-bit hashes of key and digest: order does not matter, and a bucket may be added up in any way. */
typedef struct Bucket
{
	int64 count;
	uint64 sum[2];
} Bucket;

static void
add_to_bucket(const Entry *entry, void *argument)
{
	Bucket *bucket = &((Bucket *) argument)[entry->bucket];

	bucket->count++;
	for (int i = 0; i < 2; i++)
		bucket->sum[i] +=
			hash_bytes_extended(entry->digest->data, UUID_LEN, hash_key(entry->key, i + 1));
}

static void
return_bucket(SyncResult *result, int number, const Bucket *bucket)
{
	bytea *fingerprint = palloc(VARHDRSZ + sizeof(bucket->sum));
	Datum values[3] = {Int32GetDatum(number), Int64GetDatum(bucket->count),
					   PointerGetDatum(fingerprint)};
	bool nulls[3] = {false, false, false};
	uint64 sum[2] = {pg_hton64(bucket->sum[0]), pg_hton64(bucket->sum[1])};

	SET_VARSIZE(fingerprint, VARHDRSZ + sizeof(sum));
	memcpy(VARDATA(fingerprint), sum, sizeof(sum));
	sync_result_add(result, values, nulls);
}

Datum
hllset_sync_p_fingerprint(PG_FUNCTION_ARGS)
{
	SyncResult result = sync_result(fcinfo);
	int origin;
	SyncSet *set;
	Bucket *buckets;

	sync_require_arguments(fcinfo, SYNC_ARGUMENT(1));
	SPI_connect();
	set = find_source(fcinfo, &origin);
	buckets = palloc0(BUCKETS * sizeof(Bucket));
	if (origin >= 0)
		visit_entries(set, origin, PG_GETARG_INT64(2), add_to_bucket, buckets);
	for (int i = 0; i < BUCKETS; i++)
		if (buckets[i].count > 0)
			return_bucket(&result, i, &buckets[i]);
	SPI_finish();
	return (Datum) 0;
}

/* ---- keys of buckets ---- */

typedef struct Listing
{
	SyncResult result;
	bool wanted[BUCKETS];
} Listing;

static void
list_entry(const Entry *entry, void *argument)
{
	Listing *listing = argument;
	Datum values[3] = {PointerGetDatum(entry->key), Int64GetDatum(entry->seq),
					   UUIDPGetDatum(entry->digest)};
	bool nulls[3] = {false, false, false};

	if (listing->wanted[entry->bucket])
		sync_result_add(&listing->result, values, nulls);
}

static void
mark_wanted(Listing *listing, ArrayType *buckets)
{
	Datum *numbers;
	bool *nulls;
	int count;

	deconstruct_array(buckets, INT4OID, 4, true, TYPALIGN_INT, &numbers, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		int number = nulls[i] ? -1 : DatumGetInt32(numbers[i]);

		if (number < 0 || number >= BUCKETS)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("buckets are numbered from 0 to %d", BUCKETS - 1)));
		listing->wanted[number] = true;
	}
}

Datum
hllset_sync_p_bucket(PG_FUNCTION_ARGS)
{
	Listing listing = {sync_result(fcinfo)};
	int origin;
	SyncSet *set;

	sync_require_arguments(fcinfo, SYNC_ARGUMENT(1));
	mark_wanted(&listing, PG_GETARG_ARRAYTYPE_P(2));
	SPI_connect();
	set = find_source(fcinfo, &origin);
	if (origin >= 0)
		visit_entries(set, origin, PG_INT64_MAX, list_entry, &listing);
	SPI_finish();
	return (Datum) 0;
}
