/* SPDX-License-Identifier: PostgreSQL */
/*
 * The protocol functions as their caller sees them: arguments in, answers out, both checked. See docs/sync.md, Protocol. Names of columns
 * cross with each answer, so they are short.
 */
#include "link.h"

#include "catalog/pg_type.h"
#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/builtins.h"

/* So much a peer that means well does not send at once. */
#define MAX_SETS 10000

bool
sync_token_equal(const SyncToken *a, const SyncToken *b)
{
	return a->seq == b->seq && a->has_nonce == b->has_nonce &&
		   (!a->has_nonce || memcmp(&a->nonce, &b->nonce, sizeof(pg_uuid_t)) == 0);
}

void
sync_refuse_answer(const char *function, const char *why)
{
	ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
					errmsg("answer of %s() makes no sense: %s", function, why)));
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

Datum
sync_int8_array(int count, const Datum *values)
{
	return PointerGetDatum(
		construct_array((Datum *) values, count, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

SyncToken
sync_read_token(const char *function, Datum seq, Datum nonce, bool no_nonce)
{
	SyncToken token = {.seq = DatumGetInt64(seq), .has_nonce = !no_nonce};

	if (token.seq < 0 || token.has_nonce != (token.seq > 0))
		sync_refuse_answer(function, "a place in the history without its nonce");
	if (token.has_nonce)
		token.nonce = *DatumGetUUIDP(nonce);
	return token;
}

void
sync_refuse_nulls(const char *function, const bool *nulls, int count)
{
	for (int i = 0; i < count; i++)
		if (nulls[i])
			sync_refuse_answer(function, "a value is missing");
}

/* The place in the list of names that was sent, which saves sending them back. */
static int
read_place(const char *function, Datum place, int count)
{
	int index = DatumGetInt32(place) - 1;

	if (index < 0 || index >= count)
		sync_refuse_answer(function, "a set that was not asked for");
	return index;
}

/* ---- claims ---- */

static void
read_claim(void *state, const Datum *values, const bool *nulls)
{
	*(bool *) state = !nulls[0] && DatumGetBool(values[0]);
}

static const Oid claim_args[] = {TEXTOID, UUIDOID};
static const Oid claim_columns[] = {BOOLOID};

/*
 * The cursor is looked at under the lock: another link may have moved it since it was asked for. One that can't be seen is no reason to wait; the
 * call that needs it says why.
 */
bool
sync_ask_claim(SyncEnd *end, const char *set_name, const pg_uuid_t *origin, int64 cursor)
{
	static const Oid args[] = {TEXTOID, UUIDOID, INT8OID};
	static const SyncStatement statement = {
		"k",
		"SELECT CASE WHEN NOT pg_try_advisory_lock(" CLAIM_KEY ") THEN false "
		"WHEN (SELECT seq <> $3 FROM hllset_sync.p_cursor(ARRAY[$1], $2)) "
		"THEN NOT pg_advisory_unlock(" CLAIM_KEY ") ELSE true END AS a",
		lengthof(args),
		args,
		1,
		claim_columns,
		1};
	Datum values[] = {CStringGetTextDatum(set_name), UUIDPGetDatum(origin), Int64GetDatum(cursor)};
	bool claimed = false;

	sync_call(end, &statement, values, NULL, read_claim, &claimed);
	return claimed;
}

void
sync_ask_release(SyncEnd *end, const char *set_name, const pg_uuid_t *origin)
{
	static const SyncStatement statement = {
		"l", "SELECT pg_advisory_unlock(" CLAIM_KEY ") AS a", 2, claim_args, 1, claim_columns, 1};
	Datum values[] = {CStringGetTextDatum(set_name), UUIDPGetDatum(origin)};
	bool released;

	sync_call(end, &statement, values, NULL, read_claim, &released);
}

/* ---- p_hello, p_sets ---- */

static void
read_hello(void *state, const Datum *values, const bool *nulls)
{
	SyncHello *hello = state;

	sync_refuse_nulls("p_hello", nulls, 7);
	hello->protocol = DatumGetInt32(values[0]);
	hello->node_id = *DatumGetUUIDP(values[1]);
	strlcpy(hello->node_name, sync_clean_text(TextDatumGetCString(values[2])), NAMEDATALEN);
	hello->identity = sync_clean_text(TextDatumGetCString(values[3]));
	hello->version = sync_clean_text(TextDatumGetCString(values[4]));
	hello->server_version = DatumGetInt32(values[5]);
	hello->encoding = sync_clean_text(TextDatumGetCString(values[6]));
}

SyncHello
sync_ask_hello(SyncEnd *end, const pg_uuid_t *node_id, const char *node_name)
{
	static const Oid args[] = {INT4OID, INT4OID, UUIDOID, TEXTOID};
	static const Oid columns[] = {INT4OID, UUIDOID, TEXTOID, TEXTOID, TEXTOID, INT4OID, TEXTOID};
	static const SyncStatement statement = {
		"e",
		"SELECT proto, node_id, node_name, identity, ext_version, server_version, encoding FROM "
		"hllset_sync.p_hello($1, $2, $3, $4)",
		lengthof(args),
		args,
		lengthof(columns),
		columns,
		1};
	Datum values[] = {Int32GetDatum(SYNC_PROTOCOL), Int32GetDatum(SYNC_PROTOCOL),
					  UUIDPGetDatum(node_id), CStringGetTextDatum(node_name)};
	SyncHello hello = {.protocol = 0};

	sync_call(end, &statement, values, NULL, read_hello, &hello);
	if (hello.protocol != SYNC_PROTOCOL)
		sync_refuse_answer("p_hello", "another version of the protocol");
	return hello;
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
		sync_refuse_answer("p_sets", "a value is missing");
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
		"s",
		"SELECT set_name, signature, description, may_pull, may_push FROM hllset_sync.p_sets()",
		0,
		NULL,
		lengthof(columns),
		columns,
		MAX_SETS};
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

	if (nulls[0] || nulls[1] || nulls[3] || nulls[4])
		sync_refuse_answer("p_heads", "a value is missing");
	head = &answer->heads[read_place("p_heads", values[0], answer->count)];
	head->known = true;
	head->token = sync_read_token("p_heads", values[1], values[2], nulls[2]);
	head->floor = DatumGetInt64(values[3]);
	head->truncated_at = DatumGetInt64(values[4]);
	head->held = nulls[5];
	head->more = !nulls[5] && DatumGetBool(values[5]);
}

SyncHead *
sync_ask_heads(SyncEnd *end, int count, const char *const *names, const int64 *acked)
{
	static const Oid args[] = {TEXTARRAYOID, INT8ARRAYOID};
	static const Oid columns[] = {INT4OID, INT8OID, UUIDOID, INT8OID, INT8OID, BOOLOID};
	static const SyncStatement statement = {
		"h",
		"SELECT array_position($1, set_name) AS a, head AS b, nonce AS c, floor AS d, truncated_at "
		"AS e, more AS f FROM hllset_sync.p_heads($1, true, $2)",
		lengthof(args),
		args,
		lengthof(columns),
		columns,
		MAX_SETS};
	PlacesAnswer answer = {.count = count, .heads = palloc0(count * sizeof(SyncHead))};
	Datum values[] = {text_array(count, names), (Datum) 0};

	if (acked != NULL)
	{
		Datum *elements = palloc(count * sizeof(Datum));

		for (int i = 0; i < count; i++)
			elements[i] = Int64GetDatum(acked[i]);
		values[1] = sync_int8_array(count, elements);
	}
	sync_call(end, &statement, values, acked == NULL ? " n" : NULL, read_head, &answer);
	return answer.heads;
}

static void
read_cursor(void *state, const Datum *values, const bool *nulls)
{
	PlacesAnswer *answer = state;

	sync_refuse_nulls("p_cursor", nulls, 2);
	answer->cursors[read_place("p_cursor", values[0], answer->count)] =
		sync_read_token("p_cursor", values[1], values[2], nulls[2]);
}

SyncToken *
sync_ask_cursors(SyncEnd *end, int count, const char *const *names, const pg_uuid_t *origin)
{
	static const Oid args[] = {TEXTARRAYOID, UUIDOID};
	static const Oid columns[] = {INT4OID, INT8OID, UUIDOID};
	static const SyncStatement statement = {"c",
											"SELECT array_position($1, set_name) AS a, seq AS b, "
											"nonce AS c FROM hllset_sync.p_cursor($1, $2)",
											lengthof(args),
											args,
											lengthof(columns),
											columns,
											MAX_SETS};
	PlacesAnswer answer = {.count = count, .cursors = palloc0(count * sizeof(SyncToken))};
	Datum values[] = {text_array(count, names), UUIDPGetDatum(origin)};

	sync_call(end, &statement, values, NULL, read_cursor, &answer);
	return answer.cursors;
}

/* ---- p_attempt ---- */

static void
read_attempt(void *state, const Datum *values, const bool *nulls)
{
	sync_refuse_nulls("p_attempt", nulls, 1);
	*(int *) state = DatumGetInt32(values[0]);
}

int
sync_ask_attempt(SyncEnd *end, const char *set_name, const pg_uuid_t *origin)
{
	static const Oid args[] = {TEXTOID, UUIDOID};
	static const Oid columns[] = {INT4OID};
	static const SyncStatement statement = {"t",
											"SELECT hllset_sync.p_attempt($1, $2) AS a",
											lengthof(args),
											args,
											lengthof(columns),
											columns,
											1};
	Datum values[] = {CStringGetTextDatum(set_name), UUIDPGetDatum(origin)};
	int attempts = 0;

	sync_call(end, &statement, values, NULL, read_attempt, &attempts);
	return attempts;
}
