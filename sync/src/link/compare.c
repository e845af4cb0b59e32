/* SPDX-License-Identifier: PostgreSQL */
/* The protocol functions that compare rows and copies. See protocol.c. Of each there are two: for a node's own rows, and for its copies of an origin. */
#include "link/link.h"

/* An answer of pages has, beside its rows, one that says where to go on. */
#define MAX_ROWS 100001

typedef struct PageAnswer
{
	SyncBucket *buckets; /* of p_fingerprint */
	List *entries;       /* of p_bucket */
	bytea *next;
} PageAnswer;

/* Whether the row is what the answer gives to go on from. */
static bool
read_next(PageAnswer *answer, const char *function, const Datum *values, const bool *nulls)
{
	if (nulls[3])
		sync_refuse_nulls(function, nulls, 3);
	else
		answer->next = DatumGetByteaPCopy(values[3]);
	return !nulls[3];
}

/* ---- p_fingerprint ---- */

static void
read_bucket(void *state, const Datum *values, const bool *nulls)
{
	PageAnswer *answer = state;
	bytea *fingerprint;
	SyncBucket *bucket;

	if (read_next(answer, "p_fingerprint", values, nulls))
		return;
	fingerprint = DatumGetByteaPP(values[2]);
	if (DatumGetInt32(values[0]) < 0 || DatumGetInt32(values[0]) >= SYNC_BUCKETS ||
		VARSIZE_ANY_EXHDR(fingerprint) != sizeof(bucket->fingerprint))
		sync_refuse_answer("p_fingerprint", "no such bucket, or a fingerprint of another length");
	bucket = &answer->buckets[DatumGetInt32(values[0])];
	bucket->rows = DatumGetInt64(values[1]);
	memcpy(bucket->fingerprint, VARDATA_ANY(fingerprint), sizeof(bucket->fingerprint));
}

bytea *
sync_ask_fingerprint(SyncEnd *end, const char *set_name, const pg_uuid_t *origin, int64 upto,
					 const bytea *after, SyncBucket *buckets)
{
	static SyncStatement own =
		SYNC_STATEMENT("p", "SELECT bucket, n, fp, next FROM hllset_sync.p_fingerprint($1, $2, $3)",
					   SYNC_BUCKETS, INT4OID, INT8OID, BYTEAOID, BYTEAOID);
	static SyncStatement copies = SYNC_STATEMENT(
		"q", "SELECT bucket, n, fp, next FROM hllset_sync.p_copy_fingerprint($1, $2, $3)",
		SYNC_BUCKETS, INT4OID, INT8OID, BYTEAOID, BYTEAOID);
	PageAnswer answer = {.buckets = buckets};

	sync_call(end, origin == NULL ? &own : &copies,
			  SYNC_VALUES(SYNC_TEXT(set_name), origin == NULL ? SYNC_INT8(upto) : SYNC_UUID(origin),
						  SYNC_BYTEA(after)),
			  read_bucket, &answer);
	return answer.next;
}

/* ---- p_bucket ---- */

static void
read_entry(void *state, const Datum *values, const bool *nulls)
{
	PageAnswer *answer = state;
	SyncDigest *entry;

	if (read_next(answer, "p_bucket", values, nulls))
		return;
	entry = palloc0(sizeof(SyncDigest));
	entry->key = DatumGetByteaPCopy(values[0]);
	entry->seq = DatumGetInt64(values[1]);
	entry->digest = *DatumGetUUIDP(values[2]);
	answer->entries = lappend(answer->entries, entry);
}

bytea *
sync_ask_bucket(SyncEnd *end, const char *set_name, const pg_uuid_t *origin, const List *buckets,
				const bytea *after, List **entries)
{
	static SyncStatement own = SYNC_STATEMENT(
		"b", "SELECT key, seq, digest, next FROM hllset_sync.p_bucket($1, $2, $3, $4, $5)",
		MAX_ROWS, BYTEAOID, INT8OID, UUIDOID, BYTEAOID);
	static SyncStatement copies = SYNC_STATEMENT(
		"d", "SELECT key, seq, digest, next FROM hllset_sync.p_copy_bucket($1, $6, $2, $3, $4, $5)",
		MAX_ROWS, BYTEAOID, INT8OID, UUIDOID, BYTEAOID);
	PageAnswer answer = {.entries = NIL};

	sync_call(end, origin == NULL ? &own : &copies,
			  SYNC_VALUES(SYNC_TEXT(set_name), SYNC_INT4_ARRAY(buckets), SYNC_BYTEA(after),
						  SYNC_INT4(sync_max_batch_rows), SYNC_INT8(sync_max_batch_bytes),
						  SYNC_UUID(origin)),
			  read_entry, &answer);
	*entries = answer.entries;
	return answer.next;
}

/* ---- p_digests ---- */

typedef struct DigestsAnswer
{
	SyncDigest *digests;
	int count, asked;
} DigestsAnswer;

static void
read_digest(void *state, const Datum *values, const bool *nulls)
{
	DigestsAnswer *answer = state;
	SyncDigest *digest;

	if (answer->count == answer->asked)
		sync_refuse_answer("p_digests", "more rows than asked for");
	digest = &answer->digests[answer->count++];
	digest->exists = !nulls[0];
	if (!digest->exists)
		return;
	sync_refuse_nulls("p_digests", nulls, 2);
	digest->seq = DatumGetInt64(values[0]);
	digest->digest = *DatumGetUUIDP(values[1]);
}

int
sync_ask_digests(SyncEnd *end, const char *set_name, const pg_uuid_t *origin, int count,
				 const Datum *keys, SyncDigest *digests)
{
	static SyncStatement own =
		SYNC_STATEMENT("i", "SELECT seq AS a, digest AS b FROM hllset_sync.p_digests($1, $2)",
					   MAX_ROWS, INT8OID, UUIDOID);
	static SyncStatement copies = SYNC_STATEMENT(
		"j", "SELECT seq AS a, digest AS b FROM hllset_sync.p_copy_digests($1, $3, $2)", MAX_ROWS,
		INT8OID, UUIDOID);
	DigestsAnswer answer = {digests, 0, count};

	sync_call(end, origin == NULL ? &own : &copies,
			  SYNC_VALUES(SYNC_TEXT(set_name), SYNC_ARRAY(BYTEAOID, keys, NULL, count),
						  SYNC_UUID(origin)),
			  read_digest, &answer);
	if (count > 0 && answer.count == 0)
		sync_refuse_answer("p_digests", "no row of those asked for");
	return answer.count;
}
