/* SPDX-License-Identifier: PostgreSQL */
/*
 * The protocol functions as their caller sees them: arguments in, answers out, both checked. See docs/sync.md, Protocol. Names of columns
 * cross with each answer, so they are short.
 */
#include "link/link.h"

/* So much a peer that means well does not send at once. */
#define MAX_OFFERED (16 * 1024 * 1024) /* bytes of their names and signatures */

/* ---- what answers are read with ---- */

void
sync_refuse_answer(const char *function, const char *why)
{
	ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
					errmsg("answer of %s() makes no sense: %s", function, why)));
}

void
sync_refuse_nulls(const char *function, const bool *nulls, int count)
{
	for (int i = 0; i < count; i++)
		if (nulls[i])
			sync_refuse_answer(function, "a value is missing");
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

static void
check_sets(int count)
{
	if (count > sync_max_sets)
		ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
						errmsg("there are more than %d sets at one end of the link", sync_max_sets),
						errhint("Raise hllset_sync.max_sets.")));
}

/* Whatever is told of sets begins with their names. */
int
sync_compare_names(const ListCell *a, const ListCell *b)
{
	return strcmp(*(char **) lfirst(a), *(char **) lfirst(b));
}

void *
sync_find_name(const List *list, const char *name)
{
	int from = 0;
	int to = list_length(list);

	while (from < to)
	{
		int middle = (from + to) / 2;
		int order = strcmp(*(char **) list_nth(list, middle), name);

		if (order == 0)
			return list_nth(list, middle);
		*(order < 0 ? &from : &to) = order < 0 ? middle + 1 : middle;
	}
	return NULL;
}

/* ---- p_hello ---- */

static void
read_hello(void *state, const Datum *values, const bool *nulls)
{
	SyncHello *hello = state;

	sync_refuse_nulls("p_hello", nulls, 6);
	hello->protocol = DatumGetInt32(values[0]);
	hello->node_id = *DatumGetUUIDP(values[1]);
	strlcpy(hello->node_name, sync_clean_text(TextDatumGetCString(values[2])), NAMEDATALEN);
	hello->identity = sync_clean_text(TextDatumGetCString(values[3]));
	hello->server_version = DatumGetInt32(values[4]);
	hello->encoding = sync_clean_text(TextDatumGetCString(values[5]));
}

SyncHello
sync_ask_hello(SyncEnd *end, const pg_uuid_t *node_id, const char *node_name)
{
	static SyncStatement statement =
		SYNC_STATEMENT("e",
					   "SELECT proto, node_id, node_name, identity, server_version, encoding FROM "
					   "hllset_sync.p_hello($1, $2, $3, $4)",
					   1, INT4OID, UUIDOID, TEXTOID, TEXTOID, INT4OID, TEXTOID);
	SyncHello hello = {.protocol = 0};

	sync_call(end, &statement,
			  SYNC_VALUES(SYNC_INT4(SYNC_PROTOCOL), SYNC_INT4(SYNC_PROTOCOL), SYNC_UUID(node_id),
						  SYNC_TEXT(node_name)),
			  read_hello, &hello);
	if (hello.protocol != SYNC_PROTOCOL)
		sync_refuse_answer("p_hello", "another version of the protocol");
	return hello;
}

/* ---- p_sets ---- */

typedef struct NamesAnswer
{
	List *list;   /* of what begins with a name */
	int64 bytes;  /* of names and signatures */
	bool ended;   /* the last row of p_heads was there: */
	bool changes; /* since the last answer */
	pg_uuid_t hash;
} NamesAnswer;

static void
read_offer(void *state, const Datum *values, const bool *nulls)
{
	NamesAnswer *answer = state;
	SyncOffer *offer = palloc0(sizeof(SyncOffer));

	sync_refuse_nulls("p_sets", nulls, 1);
	sync_refuse_nulls("p_sets", nulls + 2, 3);
	answer->bytes += VARSIZE_ANY(DatumGetPointer(values[0])) +
					 (nulls[1] ? 0 : VARSIZE_ANY(DatumGetPointer(values[1])));
	if (answer->bytes > MAX_OFFERED)
		sync_refuse_answer("p_sets", "names and signatures that are too long");
	offer->set_name = TextDatumGetCString(values[0]);
	offer->signature = nulls[1] ? NULL : DatumGetByteaPCopy(values[1]);
	offer->description = sync_clean_text(TextDatumGetCString(values[2]));
	offer->may_pull = DatumGetBool(values[3]);
	offer->may_push = DatumGetBool(values[4]);
	answer->list = lappend(answer->list, offer);
}

List *
sync_ask_sets(SyncEnd *end)
{
	static SyncStatement statement = SYNC_STATEMENT(
		"s",
		"SELECT set_name, signature, description, may_pull, may_push FROM hllset_sync.p_sets($1)",
		SYNC_SETS_PAGE, TEXTOID, BYTEAOID, TEXTOID, BOOLOID, BOOLOID);
	NamesAnswer answer = {.list = NIL};
	const char *after = NULL;
	int before;

	do
	{
		before = list_length(answer.list);
		sync_call(end, &statement, SYNC_VALUES(SYNC_TEXT(after)), read_offer, &answer);
		check_sets(list_length(answer.list));
		if (answer.list != NIL)
		{
			const char *last = ((SyncOffer *) llast(answer.list))->set_name;

			if (after != NULL && list_length(answer.list) > before && strcmp(last, after) <= 0)
				sync_refuse_answer("p_sets", "sets out of order");
			after = last;
		}
	} while (list_length(answer.list) == before + SYNC_SETS_PAGE);
	list_sort(answer.list, sync_compare_names);
	return answer.list;
}

/* ---- p_advance ---- */

void
sync_ask_advance(SyncEnd *end, const List *names, const List *places, const pg_uuid_t *same)
{
	static SyncStatement statement = {.name = "a",
									  .sql = "CALL hllset_sync.p_advance($1, $2, $3, $4, $5)"};
	int count = list_length(places);
	List *placed = NIL;
	Datum *seqs = palloc((count + 1) * sizeof(Datum));
	Datum *nonces = palloc((count + 1) * sizeof(Datum));

	for (int i = 0; i < count; i++)
	{
		SyncPlace *place = list_nth(places, i);

		placed = lappend(placed, place->set_name);
		seqs[i] = Int64GetDatum(place->token.seq);
		nonces[i] = UUIDPGetDatum(&place->token.nonce);
	}
	sync_call(end, &statement,
			  SYNC_VALUES(SYNC_NULLABLE(names != NIL, SYNC_TEXT_ARRAY(names)),
						  SYNC_NULLABLE(count > 0, SYNC_TEXT_ARRAY(placed)),
						  SYNC_NULLABLE(count > 0, SYNC_ARRAY(INT8OID, seqs, NULL, count)),
						  SYNC_NULLABLE(count > 0, SYNC_ARRAY(UUIDOID, nonces, NULL, count)),
						  SYNC_UUID(same)),
			  NULL, NULL);
}

void
sync_ask_rescan(SyncEnd *end, const List *names)
{
	static SyncStatement statement = {.name = "n",
									  .sql = "CALL hllset_sync.p_advance($1, rescan => true)"};

	sync_call(end, &statement, SYNC_VALUES(SYNC_TEXT_ARRAY(names)), NULL, NULL);
}

/* ---- p_heads ---- */

static void
read_head(void *state, const Datum *values, const bool *nulls)
{
	NamesAnswer *answer = state;
	SyncHead *head;

	if (answer->ended || (nulls[0] ? nulls[2] || nulls[5] : !nulls[1] && (nulls[3] || nulls[5])))
		sync_refuse_answer("p_heads", "a value is missing");
	answer->ended = nulls[0];
	if (answer->ended)
	{
		answer->hash = *DatumGetUUIDP(values[2]);
		answer->changes = DatumGetBool(values[5]);
		return;
	}
	answer->bytes += VARSIZE_ANY(DatumGetPointer(values[0]));
	if (answer->bytes > MAX_OFFERED)
		sync_refuse_answer("p_heads", "names of sets are too long");
	check_sets(list_length(answer->list) + 1);
	head = palloc0(sizeof(SyncHead));
	answer->list = lappend(answer->list, head);
	head->set_name = TextDatumGetCString(values[0]);
	head->gone = nulls[1];
	if (head->gone)
		return;
	head->token = sync_read_token("p_heads", values[1], values[2], nulls[2]);
	head->truncated_at = DatumGetInt64(values[3]);
	head->held = nulls[4];
	head->more = !nulls[4] && DatumGetBool(values[4]);
	head->scanning = DatumGetBool(values[5]);
}

/* Completes an answer that has only what has changed: in its context. */
static List *
merge_heads(const List *before, List *changes)
{
	List *merged = NIL;
	ListCell *cell;

	foreach (cell, before)
		if (sync_find_name(changes, ((SyncHead *) lfirst(cell))->set_name) == NULL)
		{
			SyncHead *head = memcpy(palloc(sizeof(SyncHead)), lfirst(cell), sizeof(SyncHead));

			head->set_name = pstrdup(head->set_name);
			merged = lappend(merged, head);
		}
	foreach (cell, changes)
		if (!((SyncHead *) lfirst(cell))->gone)
			merged = lappend(merged, lfirst(cell));
	check_sets(list_length(merged));
	list_sort(merged, sync_compare_names);
	return merged;
}

void
sync_ask_heads(SyncEnd *end, const List *names, SyncHeads *heads)
{
	static SyncStatement statement = SYNC_STATEMENT(
		"h",
		"SELECT set_name AS a, head AS b, nonce AS c, truncated_at AS d, more AS e, scanning AS f "
		"FROM hllset_sync.p_heads($1, $2)",
		SYNC_MOST_SETS, TEXTOID, INT8OID, UUIDOID, INT8OID, BOOLOID, BOOLOID);
	NamesAnswer answer = {.list = NIL};
	MemoryContext context =
		AllocSetContextCreate(heads->parent, "hllset_sync heads", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);

	sync_call(end, &statement,
			  SYNC_VALUES(SYNC_NULLABLE(names != NIL, SYNC_TEXT_ARRAY(names)),
						  SYNC_NULLABLE(heads->context != NULL, SYNC_UUID(&heads->hash))),
			  read_head, &answer);
	if (!answer.ended)
		sync_refuse_answer("p_heads", "the end is missing");
	if (answer.changes && heads->context == NULL)
		sync_refuse_answer("p_heads", "changes of nothing");
	heads->hash = answer.hash;
	list_sort(answer.list, sync_compare_names);
	if (answer.changes && answer.list != NIL)
		heads->list = merge_heads(heads->list, answer.list);
	else if (!answer.changes)
		heads->list = answer.list;
	/* What is not needed any more goes: the old list, or the answer if there was nothing new. */
	if (!answer.changes || answer.list != NIL)
	{
		MemoryContext old = heads->context;

		heads->context = context;
		context = old;
	}
	if (context != NULL)
		MemoryContextDelete(context);
	MemoryContextSwitchTo(caller);
}

/* ---- p_cursor ---- */

typedef struct PlacesAnswer
{
	int count;
	SyncToken *cursors;
} PlacesAnswer;

/* The place in the list of names that was sent saves sending them back. */
static void
read_cursor(void *state, const Datum *values, const bool *nulls)
{
	PlacesAnswer *answer = state;
	int place;

	sync_refuse_nulls("p_cursor", nulls, 2);
	place = DatumGetInt32(values[0]);
	if (place < 1 || place > answer->count)
		sync_refuse_answer("p_cursor", "a set that was not asked for");
	answer->cursors[place - 1] = sync_read_token("p_cursor", values[1], values[2], nulls[2]);
}

SyncToken *
sync_ask_cursors(SyncEnd *end, const List *names, const pg_uuid_t *origin)
{
	static SyncStatement statement = SYNC_STATEMENT(
		"c",
		"SELECT n::integer AS a, seq AS b, nonce AS c FROM hllset_sync.p_cursor($1, $2) JOIN "
		"unnest($1) WITH ORDINALITY u (set_name, n) USING (set_name)",
		SYNC_MOST_SETS, INT4OID, INT8OID, UUIDOID);
	PlacesAnswer answer = {list_length(names),
						   palloc0((list_length(names) + 1) * sizeof(SyncToken))};

	sync_call(end, &statement, SYNC_VALUES(SYNC_TEXT_ARRAY(names), SYNC_UUID(origin)), read_cursor,
			  &answer);
	return answer.cursors;
}
