/* SPDX-License-Identifier: PostgreSQL */
/* The protocol functions that move rows, or compare them. See protocol.c. */
#include "link.h"

#include "catalog/pg_type.h"
#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/builtins.h"

/* So much a peer that means well does not send at once. */
#define MAX_ROWS 1000000
#define MAX_LISTED 10000000

static Datum
bytea_array(int count, const Datum *values, const bool *nulls)
{
	int lower = 1;

	if (count == 0)
		return PointerGetDatum(construct_empty_array(BYTEAOID));
	return PointerGetDatum(construct_md_array((Datum *) values, (bool *) nulls, 1, &count, &lower,
											  BYTEAOID, -1, false, TYPALIGN_INT));
}

/* ---- p_changes, p_fetch ---- */

typedef struct RowsAnswer
{
	SyncBatch *batch;
	int64 after, upto;
	int max_rows;
} RowsAnswer;

static void
add_row(RowsAnswer *answer, const char *function, int64 seq, Datum key, const Datum *sketches)
{
	if (answer->batch->count >= answer->max_rows)
		sync_refuse_answer(function, "more rows than asked for");
	sync_batch_add(answer->batch, seq, key, sketches);
}

static void
read_change(void *state, const Datum *values, const bool *nulls)
{
	RowsAnswer *answer = state;
	SyncBatch *batch = answer->batch;
	SyncToken token;

	sync_refuse_nulls("p_changes", nulls, 3);
	token = sync_read_token("p_changes", values[0], values[1], nulls[1]);
	if (token.seq <= Max(batch->last.seq, answer->after) || token.seq > answer->upto)
		sync_refuse_answer("p_changes", "a row out of order");
	if (batch->bytes > sync_max_batch_bytes)
		sync_refuse_answer("p_changes", "more bytes than asked for");
	add_row(answer, "p_changes", token.seq, values[2], nulls[3] ? NULL : &values[3]);
	batch->last = token;
}

bool
sync_ask_changes(SyncEnd *end, const char *set_name, const SyncToken *after, int64 upto,
				 SyncBatch *batch)
{
	static const Oid args[] = {TEXTOID, INT8OID, UUIDOID, INT8OID, INT4OID, INT8OID};
	static const Oid columns[] = {INT8OID, UUIDOID, BYTEAOID, BYTEAOID};
	static const SyncStatement statement = {
		"g",
		"SELECT seq, nonce, key, sketches FROM hllset_sync.p_changes($1, $2, $3, $4, $5, $6)",
		lengthof(args),
		args,
		lengthof(columns),
		columns,
		MAX_ROWS};
	RowsAnswer answer = {
		.batch = batch, .after = after->seq, .upto = upto, .max_rows = sync_max_batch_rows};
	Datum values[] = {CStringGetTextDatum(set_name),      Int64GetDatum(after->seq),
					  UUIDPGetDatum(&after->nonce),       Int64GetDatum(upto),
					  Int32GetDatum(sync_max_batch_rows), Int64GetDatum(sync_max_batch_bytes)};

	sync_batch_reset(batch);
	return sync_try_call(end, &statement, values, after->has_nonce ? NULL : "  n   ", read_change,
						 &answer, ERRCODE_SYNC_HISTORY);
}

static void
read_fetched(void *state, const Datum *values, const bool *nulls)
{
	sync_refuse_nulls("p_fetch", nulls, 3);
	add_row(state, "p_fetch", DatumGetInt64(values[1]), values[0], &values[2]);
}

void
sync_ask_fetch(SyncEnd *end, const char *set_name, int count, const Datum *keys, SyncBatch *batch)
{
	static const Oid args[] = {TEXTOID, BYTEAARRAYOID};
	static const Oid columns[] = {BYTEAOID, INT8OID, BYTEAOID};
	static const SyncStatement statement = {
		"f",
		"SELECT key, seq, sketches FROM hllset_sync.p_fetch($1, $2)",
		lengthof(args),
		args,
		lengthof(columns),
		columns,
		MAX_ROWS};
	RowsAnswer answer = {.batch = batch, .max_rows = batch->count + count};
	Datum values[] = {CStringGetTextDatum(set_name), bytea_array(count, keys, NULL)};

	sync_call(end, &statement, values, NULL, read_fetched, &answer);
	pfree(DatumGetPointer(values[1]));
}

/* ---- p_receive ---- */

typedef struct ReceiveAnswer
{
	bool here;
	SyncToken cursor;
} ReceiveAnswer;

static void
read_received(void *state, const Datum *values, const bool *nulls)
{
	ReceiveAnswer *answer = state;

	sync_refuse_nulls("p_receive", nulls, 1);
	answer->cursor = sync_read_token("p_receive", values[0], values[1], nulls[1]);
	if (answer->here)
		sync_fault("before_apply_commit");
}

SyncToken
sync_ask_receive(SyncEnd *end, const SyncDelivery *delivery, const SyncBatch *batch)
{
	static const Oid args[] = {TEXTOID, UUIDOID, TEXTOID,      TEXTOID,       INT8OID,
							   UUIDOID, INT8OID, INT8ARRAYOID, BYTEAARRAYOID, BYTEAARRAYOID,
							   INT8OID, UUIDOID, BOOLOID};
	static const Oid columns[] = {INT8OID, UUIDOID};
	static const SyncStatement statement = {
		"r",
		"SELECT seq AS a, nonce AS b "
		"FROM hllset_sync.p_receive($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
		lengthof(args),
		args,
		lengthof(columns),
		columns,
		1};
	static const char *const modes[] = {"changes", "repair", "rewound"};
	Datum values[] = {
		CStringGetTextDatum(delivery->set_name),
		UUIDPGetDatum(delivery->origin),
		CStringGetTextDatum(delivery->origin_name),
		CStringGetTextDatum(modes[delivery->mode]),
		Int64GetDatum(delivery->from.seq),
		UUIDPGetDatum(&delivery->from.nonce),
		Int64GetDatum(delivery->truncated_at),
		sync_int8_array(batch->count, batch->seqs),
		bytea_array(batch->count, batch->keys, NULL),
		bytea_array(batch->count, batch->sketches, batch->gone),
		Int64GetDatum(delivery->to.seq),
		UUIDPGetDatum(&delivery->to.nonce),
		BoolGetDatum(delivery->releases),
	};
	char nulls[] = "             ";
	ReceiveAnswer answer = {.here = end->wire == NULL};

	if (!delivery->from.has_nonce)
		nulls[5] = 'n';
	if (!delivery->moves)
		nulls[10] = 'n';
	if (!delivery->moves || !delivery->to.has_nonce)
		nulls[11] = 'n';
	sync_call(end, &statement, values, nulls, read_received, &answer);
	/* A round has many batches. */
	for (int i = 7; i <= 9; i++)
		pfree(DatumGetPointer(values[i]));
	return answer.cursor;
}

/* ---- p_fingerprint, p_bucket ---- */

static void
read_bucket(void *state, const Datum *values, const bool *nulls)
{
	SyncBucket *buckets = state;
	bytea *fingerprint;
	int bucket;

	sync_refuse_nulls("p_fingerprint", nulls, 3);
	bucket = DatumGetInt32(values[0]);
	fingerprint = DatumGetByteaPP(values[2]);
	if (bucket < 0 || bucket >= SYNC_BUCKETS ||
		VARSIZE_ANY_EXHDR(fingerprint) != sizeof(buckets->fingerprint))
		sync_refuse_answer("p_fingerprint", "no such bucket, or a fingerprint of another length");
	buckets[bucket].rows = DatumGetInt64(values[1]);
	memcpy(buckets[bucket].fingerprint, VARDATA_ANY(fingerprint), sizeof(buckets->fingerprint));
}

void
sync_ask_fingerprint(SyncEnd *end, const char *set_name, const pg_uuid_t *origin, int64 upto,
					 SyncBucket *buckets)
{
	static const Oid args[] = {TEXTOID, UUIDOID, INT8OID};
	static const Oid columns[] = {INT4OID, INT8OID, BYTEAOID};
	static const SyncStatement statement = {
		"p",
		"SELECT bucket, n, fp FROM hllset_sync.p_fingerprint($1, $2, $3)",
		lengthof(args),
		args,
		lengthof(columns),
		columns,
		SYNC_BUCKETS};
	Datum values[] = {CStringGetTextDatum(set_name), UUIDPGetDatum(origin), Int64GetDatum(upto)};

	memset(buckets, 0, SYNC_BUCKETS * sizeof(SyncBucket));
	sync_call(end, &statement, values, origin == NULL ? " n " : NULL, read_bucket, buckets);
}

typedef struct Listing
{
	List *list;
	MemoryContext context;
} Listing;

static void
read_digest(void *state, const Datum *values, const bool *nulls)
{
	Listing *answer = state;
	MemoryContext caller = MemoryContextSwitchTo(answer->context);
	SyncDigest *digest = palloc(sizeof(SyncDigest));

	sync_refuse_nulls("p_bucket", nulls, 3);
	digest->key = DatumGetByteaPCopy(values[0]);
	digest->seq = DatumGetInt64(values[1]);
	digest->digest = *DatumGetUUIDP(values[2]);
	answer->list = lappend(answer->list, digest);
	MemoryContextSwitchTo(caller);
}

List *
sync_ask_bucket(SyncEnd *end, const char *set_name, const pg_uuid_t *origin, int count,
				const int *buckets)
{
	static const Oid args[] = {TEXTOID, UUIDOID, INT4ARRAYOID};
	static const Oid columns[] = {BYTEAOID, INT8OID, UUIDOID};
	static const SyncStatement statement = {
		"b",
		"SELECT key, seq, digest FROM hllset_sync.p_bucket($1, $2, $3)",
		lengthof(args),
		args,
		lengthof(columns),
		columns,
		MAX_LISTED};
	Listing answer = {NIL, CurrentMemoryContext};
	Datum *elements = palloc(count * sizeof(Datum));
	Datum values[3];

	for (int i = 0; i < count; i++)
		elements[i] = Int32GetDatum(buckets[i]);
	values[0] = CStringGetTextDatum(set_name);
	values[1] = UUIDPGetDatum(origin);
	values[2] = PointerGetDatum(construct_array(elements, count, INT4OID, 4, true, TYPALIGN_INT));
	sync_call(end, &statement, values, origin == NULL ? " n " : NULL, read_digest, &answer);
	return answer.list;
}
