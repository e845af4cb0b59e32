/* SPDX-License-Identifier: PostgreSQL */
/* The protocol functions as their caller sees them: arguments in, answers out, both checked. See docs/sync.md, Protocol. */
#include "link.h"

#include "catalog/pg_type.h"
#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/builtins.h"

bool
sync_token_equal(const SyncToken *a, const SyncToken *b)
{
	return a->seq == b->seq && a->has_nonce == b->has_nonce && (!a->has_nonce || memcmp(&a->nonce, &b->nonce, sizeof(pg_uuid_t)) == 0);
}

static void pg_attribute_noreturn()
refuse_answer(const char *function, const char *why)
{
	ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION), errmsg("answer of %s() makes no sense: %s", function, why)));
}

/* ---- values ---- */

static Datum
text_array(int count, const char *const *names)
{
	Datum *elements = palloc(count * sizeof(Datum));

	for (int i = 0; i < count; i++)
		elements[i] = CStringGetTextDatum(names[i]);
	return PointerGetDatum(construct_array(elements, count, TEXTOID, -1, false, TYPALIGN_INT));
}

static Datum
int8_array(int count, const Datum *values)
{
	return PointerGetDatum(construct_array((Datum *) values, count, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static Datum
bytea_array(int count, const Datum *values, const bool *nulls)
{
	int lower = 1;

	if (count == 0)
		return PointerGetDatum(construct_empty_array(BYTEAOID));
	return PointerGetDatum(construct_md_array((Datum *) values, (bool *) nulls, 1, &count, &lower, BYTEAOID, -1, false, TYPALIGN_INT));
}

static SyncToken
read_token(const char *function, Datum seq, Datum nonce, bool no_nonce)
{
	SyncToken token = {.seq = DatumGetInt64(seq), .has_nonce = !no_nonce};

	if (token.seq < 0 || token.has_nonce != (token.seq > 0))
		refuse_answer(function, "a place in the history without its nonce");
	if (token.has_nonce)
		token.nonce = *DatumGetUUIDP(nonce);
	return token;
}

static void
refuse_nulls(const char *function, const bool *nulls, int count)
{
	for (int i = 0; i < count; i++)
		if (nulls[i])
			refuse_answer(function, "a value is missing");
}

/* The place in the list of names that was sent, which saves sending them back. */
static int
read_place(const char *function, Datum place, int count)
{
	int index = DatumGetInt32(place) - 1;

	if (index < 0 || index >= count)
		refuse_answer(function, "a set that was not asked for");
	return index;
}

/* ---- p_hello, p_sets ---- */

typedef struct HelloAnswer
{
	SyncHello hello;
	int rows;
} HelloAnswer;

static void
read_hello(void *state, const Datum *values, const bool *nulls)
{
	HelloAnswer *answer = state;

	refuse_nulls("p_hello", nulls, 7);
	answer->rows++;
	answer->hello.protocol = DatumGetInt32(values[0]);
	answer->hello.node_id = *DatumGetUUIDP(values[1]);
	strlcpy(answer->hello.node_name, sync_clean_text(TextDatumGetCString(values[2])), NAMEDATALEN);
	answer->hello.identity = sync_clean_text(TextDatumGetCString(values[3]));
	answer->hello.version = sync_clean_text(TextDatumGetCString(values[4]));
	answer->hello.server_version = DatumGetInt32(values[5]);
	answer->hello.encoding = sync_clean_text(TextDatumGetCString(values[6]));
}

SyncHello
sync_ask_hello(SyncEnd *end, const pg_uuid_t *node_id, const char *node_name)
{
	static const Oid args[] = {INT4OID, INT4OID, UUIDOID, TEXTOID};
	static const Oid columns[] = {INT4OID, UUIDOID, TEXTOID, TEXTOID, TEXTOID, INT4OID, TEXTOID};
	static const SyncStatement statement = {
		"hello", "SELECT proto, node_id, node_name, identity, ext_version, server_version, encoding FROM hllset_sync.p_hello($1, $2, $3, $4)",
		lengthof(args), args, lengthof(columns), columns};
	Datum values[] = {Int32GetDatum(SYNC_PROTOCOL), Int32GetDatum(SYNC_PROTOCOL), UUIDPGetDatum(node_id), CStringGetTextDatum(node_name)};
	HelloAnswer answer = {.rows = 0};

	sync_call(end, &statement, values, NULL, read_hello, &answer);
	if (answer.rows != 1 || answer.hello.protocol != SYNC_PROTOCOL)
		refuse_answer("p_hello", "another version of the protocol");
	return answer.hello;
}

typedef struct ListAnswer
{
	List *list;
	MemoryContext context;
} ListAnswer;

static void
read_offer(void *state, const Datum *values, const bool *nulls)
{
	ListAnswer *answer = state;
	MemoryContext caller = MemoryContextSwitchTo(answer->context);
	SyncOffer *offer = palloc0(sizeof(SyncOffer));

	if (nulls[0] || nulls[2] || nulls[3] || nulls[4])
		refuse_answer("p_sets", "a value is missing");
	offer->set_name = TextDatumGetCString(values[0]);
	offer->signature = nulls[1] ? NULL : DatumGetByteaPCopy(values[1]);
	offer->description = sync_clean_text(TextDatumGetCString(values[2]));
	offer->may_pull = DatumGetBool(values[3]);
	offer->may_push = DatumGetBool(values[4]);
	answer->list = lappend(answer->list, offer);
	MemoryContextSwitchTo(caller);
}

List *
sync_ask_sets(SyncEnd *end)
{
	static const Oid columns[] = {TEXTOID, BYTEAOID, TEXTOID, BOOLOID, BOOLOID};
	static const SyncStatement statement = {
		"sets", "SELECT set_name, signature, description, may_pull, may_push FROM hllset_sync.p_sets()", 0, NULL, lengthof(columns), columns};
	ListAnswer answer = {NIL, CurrentMemoryContext};

	sync_call(end, &statement, NULL, NULL, read_offer, &answer);
	return answer.list;
}

/* ---- p_heads, p_cursor ---- */

typedef struct PlacesAnswer
{
	int count;
	SyncHead *heads;
	SyncToken *cursors;
} PlacesAnswer;

static void
read_head(void *state, const Datum *values, const bool *nulls)
{
	PlacesAnswer *answer = state;
	SyncHead *head;

	if (nulls[0] || nulls[1] || nulls[3] || nulls[4] || nulls[5])
		refuse_answer("p_heads", "a value is missing");
	head = &answer->heads[read_place("p_heads", values[0], answer->count)];
	head->known = true;
	head->token = read_token("p_heads", values[1], values[2], nulls[2]);
	head->floor = DatumGetInt64(values[3]);
	head->truncated_at = DatumGetInt64(values[4]);
	head->more = DatumGetBool(values[5]);
}

SyncHead *
sync_ask_heads(SyncEnd *end, int count, const char *const *names, const int64 *acked)
{
	static const Oid args[] = {TEXTARRAYOID, INT8ARRAYOID};
	static const Oid columns[] = {INT4OID, INT8OID, UUIDOID, INT8OID, INT8OID, BOOLOID};
	static const SyncStatement statement = {
		"heads", "SELECT array_position($1, set_name), head, nonce, floor, truncated_at, more FROM hllset_sync.p_heads($1, true, $2)",
		lengthof(args), args, lengthof(columns), columns};
	PlacesAnswer answer = {.count = count, .heads = palloc0(count * sizeof(SyncHead))};
	Datum values[] = {text_array(count, names), (Datum) 0};

	if (acked != NULL)
	{
		Datum *elements = palloc(count * sizeof(Datum));

		for (int i = 0; i < count; i++)
			elements[i] = Int64GetDatum(acked[i]);
		values[1] = int8_array(count, elements);
	}
	sync_call(end, &statement, values, acked == NULL ? " n" : NULL, read_head, &answer);
	return answer.heads;
}

static void
read_cursor(void *state, const Datum *values, const bool *nulls)
{
	PlacesAnswer *answer = state;

	refuse_nulls("p_cursor", nulls, 2);
	answer->cursors[read_place("p_cursor", values[0], answer->count)] = read_token("p_cursor", values[1], values[2], nulls[2]);
}

SyncToken *
sync_ask_cursors(SyncEnd *end, int count, const char *const *names, const pg_uuid_t *origin)
{
	static const Oid args[] = {TEXTARRAYOID, UUIDOID};
	static const Oid columns[] = {INT4OID, INT8OID, UUIDOID};
	static const SyncStatement statement = {
		"cursor", "SELECT array_position($1, set_name), seq, nonce FROM hllset_sync.p_cursor($1, $2)", lengthof(args), args, lengthof(columns), columns};
	PlacesAnswer answer = {.count = count, .cursors = palloc0(count * sizeof(SyncToken))};
	Datum values[] = {text_array(count, names), UUIDPGetDatum(origin)};

	sync_call(end, &statement, values, NULL, read_cursor, &answer);
	return answer.cursors;
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
		refuse_answer(function, "more rows than asked for");
	sync_batch_add(answer->batch, seq, key, sketches);
}

static void
read_change(void *state, const Datum *values, const bool *nulls)
{
	RowsAnswer *answer = state;
	SyncBatch *batch = answer->batch;
	SyncToken token;

	refuse_nulls("p_changes", nulls, 3);
	token = read_token("p_changes", values[0], values[1], nulls[1]);
	if (token.seq <= Max(batch->last.seq, answer->after) || token.seq > answer->upto)
		refuse_answer("p_changes", "a row out of order");
	if (batch->bytes > sync_max_batch_bytes)
		refuse_answer("p_changes", "more bytes than asked for");
	add_row(answer, "p_changes", token.seq, values[2], nulls[3] ? NULL : &values[3]);
	batch->last = token;
}

bool
sync_ask_changes(SyncEnd *end, const char *set_name, const SyncToken *after, int64 upto, SyncBatch *batch)
{
	static const Oid args[] = {TEXTOID, INT8OID, UUIDOID, INT8OID, INT4OID, INT8OID};
	static const Oid columns[] = {INT8OID, UUIDOID, BYTEAOID, BYTEAOID};
	static const SyncStatement statement = {"changes", "SELECT seq, nonce, key, sketches FROM hllset_sync.p_changes($1, $2, $3, $4, $5, $6)",
											lengthof(args), args, lengthof(columns), columns};
	RowsAnswer answer = {.batch = batch, .after = after->seq, .upto = upto, .max_rows = sync_max_batch_rows};
	Datum values[] = {CStringGetTextDatum(set_name), Int64GetDatum(after->seq), UUIDPGetDatum(&after->nonce), Int64GetDatum(upto),
					  Int32GetDatum(sync_max_batch_rows), Int64GetDatum(sync_max_batch_bytes)};

	sync_batch_reset(batch);
	return sync_try_call(end, &statement, values, after->has_nonce ? NULL : "  n   ", read_change, &answer, ERRCODE_SYNC_HISTORY);
}

static void
read_fetched(void *state, const Datum *values, const bool *nulls)
{
	refuse_nulls("p_fetch", nulls, 3);
	add_row(state, "p_fetch", DatumGetInt64(values[1]), values[0], &values[2]);
}

void
sync_ask_fetch(SyncEnd *end, const char *set_name, int count, const Datum *keys, SyncBatch *batch)
{
	static const Oid args[] = {TEXTOID, BYTEAARRAYOID};
	static const Oid columns[] = {BYTEAOID, INT8OID, BYTEAOID};
	static const SyncStatement statement = {"fetch", "SELECT key, seq, sketches FROM hllset_sync.p_fetch($1, $2)", lengthof(args), args, lengthof(columns), columns};
	RowsAnswer answer = {.batch = batch, .max_rows = batch->count + count};
	Datum values[] = {CStringGetTextDatum(set_name), bytea_array(count, keys, NULL)};

	sync_call(end, &statement, values, NULL, read_fetched, &answer);
}

/* ---- p_attempt, p_receive ---- */

static void
read_attempt(void *state, const Datum *values, const bool *nulls)
{
	refuse_nulls("p_attempt", nulls, 1);
	*(int *) state = DatumGetInt32(values[0]);
}

int
sync_ask_attempt(SyncEnd *end, const char *set_name, const pg_uuid_t *origin)
{
	static const Oid args[] = {TEXTOID, UUIDOID};
	static const Oid columns[] = {INT4OID};
	static const SyncStatement statement = {"attempt", "SELECT hllset_sync.p_attempt($1, $2)", lengthof(args), args, lengthof(columns), columns};
	Datum values[] = {CStringGetTextDatum(set_name), UUIDPGetDatum(origin)};
	int attempts = 0;

	sync_call(end, &statement, values, NULL, read_attempt, &attempts);
	return attempts;
}

typedef struct ReceiveAnswer
{
	bool here;
	SyncToken cursor;
} ReceiveAnswer;

static void
read_received(void *state, const Datum *values, const bool *nulls)
{
	ReceiveAnswer *answer = state;

	refuse_nulls("p_receive", nulls, 1);
	answer->cursor = read_token("p_receive", values[0], values[1], nulls[1]);
	if (answer->here)
		sync_fault("before_apply_commit");
}

SyncToken
sync_ask_receive(SyncEnd *end, const SyncDelivery *delivery, const SyncBatch *batch)
{
	static const Oid args[] = {TEXTOID, UUIDOID, TEXTOID, TEXTOID, INT8OID, UUIDOID, INT8OID, INT8ARRAYOID, BYTEAARRAYOID, BYTEAARRAYOID, INT8OID, UUIDOID};
	static const Oid columns[] = {INT8OID, UUIDOID};
	static const SyncStatement statement = {
		"receive", "SELECT seq, nonce FROM hllset_sync.p_receive($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
		lengthof(args), args, lengthof(columns), columns};
	static const char *const modes[] = {"changes", "repair", "rewound"};
	Datum values[] = {
		CStringGetTextDatum(delivery->set_name),
		UUIDPGetDatum(delivery->origin),
		CStringGetTextDatum(delivery->origin_name),
		CStringGetTextDatum(modes[delivery->mode]),
		Int64GetDatum(delivery->from.seq),
		UUIDPGetDatum(&delivery->from.nonce),
		Int64GetDatum(delivery->truncated_at),
		int8_array(batch->count, batch->seqs),
		bytea_array(batch->count, batch->keys, NULL),
		bytea_array(batch->count, batch->sketches, batch->gone),
		Int64GetDatum(delivery->to.seq),
		UUIDPGetDatum(&delivery->to.nonce),
	};
	char nulls[] = "            ";
	ReceiveAnswer answer = {.here = end->wire == NULL};

	if (!delivery->from.has_nonce)
		nulls[5] = 'n';
	if (!delivery->moves)
		nulls[10] = 'n';
	if (!delivery->moves || !delivery->to.has_nonce)
		nulls[11] = 'n';
	sync_call(end, &statement, values, nulls, read_received, &answer);
	return answer.cursor;
}

/* ---- p_fingerprint, p_bucket ---- */

static void
read_bucket(void *state, const Datum *values, const bool *nulls)
{
	SyncBucket *buckets = state;
	bytea *fingerprint;
	int bucket;

	refuse_nulls("p_fingerprint", nulls, 3);
	bucket = DatumGetInt32(values[0]);
	fingerprint = DatumGetByteaPP(values[2]);
	if (bucket < 0 || bucket >= SYNC_BUCKETS || VARSIZE_ANY_EXHDR(fingerprint) != sizeof(buckets->fingerprint))
		refuse_answer("p_fingerprint", "no such bucket, or a fingerprint of another length");
	buckets[bucket].rows = DatumGetInt64(values[1]);
	memcpy(buckets[bucket].fingerprint, VARDATA_ANY(fingerprint), sizeof(buckets->fingerprint));
}

void
sync_ask_fingerprint(SyncEnd *end, const char *set_name, const pg_uuid_t *origin, int64 upto, SyncBucket *buckets)
{
	static const Oid args[] = {TEXTOID, UUIDOID, INT8OID};
	static const Oid columns[] = {INT4OID, INT8OID, BYTEAOID};
	static const SyncStatement statement = {"fingerprint", "SELECT bucket, n, fp FROM hllset_sync.p_fingerprint($1, $2, $3)", lengthof(args), args, lengthof(columns), columns};
	Datum values[] = {CStringGetTextDatum(set_name), UUIDPGetDatum(origin), Int64GetDatum(upto)};

	memset(buckets, 0, SYNC_BUCKETS * sizeof(SyncBucket));
	sync_call(end, &statement, values, origin == NULL ? " n " : NULL, read_bucket, buckets);
}

/* Whoever lists more than this in the buckets that were asked for does not mean well. */
#define MAX_LISTED 10000000

static void
read_digest(void *state, const Datum *values, const bool *nulls)
{
	ListAnswer *answer = state;
	MemoryContext caller = MemoryContextSwitchTo(answer->context);
	SyncDigest *digest = palloc(sizeof(SyncDigest));

	refuse_nulls("p_bucket", nulls, 3);
	if (list_length(answer->list) >= MAX_LISTED)
		refuse_answer("p_bucket", "too many rows");
	digest->key = DatumGetByteaPCopy(values[0]);
	digest->seq = DatumGetInt64(values[1]);
	digest->digest = *DatumGetUUIDP(values[2]);
	answer->list = lappend(answer->list, digest);
	MemoryContextSwitchTo(caller);
}

List *
sync_ask_bucket(SyncEnd *end, const char *set_name, const pg_uuid_t *origin, int count, const int *buckets)
{
	static const Oid args[] = {TEXTOID, UUIDOID, INT4ARRAYOID};
	static const Oid columns[] = {BYTEAOID, INT8OID, UUIDOID};
	static const SyncStatement statement = {"bucket", "SELECT key, seq, digest FROM hllset_sync.p_bucket($1, $2, $3)", lengthof(args), args, lengthof(columns), columns};
	ListAnswer answer = {NIL, CurrentMemoryContext};
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
