/* SPDX-License-Identifier: PostgreSQL */
/*
 * Functions of the protocol as their caller sees them: arguments in, answers out, both checked. See docs/sync.md, Protocol. Names of columns
 * cross with each answer, so they are short.
 */
#include "publish/publish.h"
#include "round/round.h"

/* ---- p_advance ---- */

/* PLACES: SyncShared pointers. SAME: the hash of the last heads, if all of them were reached, or NULL. */
static void
ask_advance(SyncEnd *end, const List *names, const List *places, const pg_uuid_t *same)
{
	static SyncStatement statement = {.name = "a",
									  .function = "p_advance",
									  .sql = "CALL hllset_sync.p_advance($1, $2, $3, $4, $5)"};
	int count = list_length(places);
	List *placed = NIL;
	Datum *seqs = palloc((count + 1) * sizeof(Datum));
	Datum *nonces = palloc((count + 1) * sizeof(Datum));

	for (int i = 0; i < count; i++)
	{
		SyncShared *set = list_nth(places, i);

		placed = lappend(placed, set->name);
		seqs[i] = Int64GetDatum(set->acked.seq);
		nonces[i] = UUIDPGetDatum(&set->acked.nonce);
	}
	sync_call(end, &statement,
			  SYNC_VALUES(SYNC_NULLABLE(names != NIL, SYNC_TEXT_ARRAY(names)),
						  SYNC_NULLABLE(count > 0, SYNC_TEXT_ARRAY(placed)),
						  SYNC_NULLABLE(count > 0, SYNC_ARRAY(INT8OID, seqs, NULL, count)),
						  SYNC_NULLABLE(count > 0, SYNC_ARRAY(UUIDOID, nonces, NULL, count)),
						  SYNC_UUID(same)));
}

void
sync_link_rescan(SyncLink *link, SyncDirection direction, char *set_name)
{
	static SyncStatement statement = {.name = "n",
									  .function = "p_advance",
									  .sql = "CALL hllset_sync.p_advance($1, rescan => true)"};

	if (direction == SYNC_TO_PEER)
		sync_rescan_here(set_name);
	else
		sync_call(&link->there, &statement, SYNC_VALUES(SYNC_TEXT_ARRAY(list_make1(set_name))));
}

/* ---- p_heads ---- */

static SyncHead *
read_head(SyncEnd *end, const NullableDatum *row)
{
	SyncHead *head = palloc0(sizeof(SyncHead));

	if (row[0].isnull || (!row[1].isnull && (row[3].isnull || row[5].isnull)))
		sync_refuse_answer(end, "a value is missing");
	head->set_name = TextDatumGetCString(row[0].value);
	head->gone = row[1].isnull;
	if (head->gone)
		return head;
	head->token = sync_read_token(end, row[1], row[2]);
	head->truncated_at = DatumGetInt64(row[3].value);
	head->held = row[4].isnull;
	head->more = !head->held && DatumGetBool(row[4].value);
	head->scanning = DatumGetBool(row[5].value);
	return head;
}

/* In an answer that has only what has changed, the others are as they were BEFORE. */
static List *
add_unchanged(List *heads, const List *before)
{
	List *merged = NIL;
	ListCell *cell;

	foreach (cell, before)
		if (sync_find_name(heads, ((SyncHead *) lfirst(cell))->set_name) == NULL)
		{
			SyncHead *head = memcpy(palloc(sizeof(SyncHead)), lfirst(cell), sizeof(SyncHead));

			head->set_name = pstrdup(head->set_name);
			merged = lappend(merged, head);
		}
	foreach (cell, heads)
		if (!((SyncHead *) lfirst(cell))->gone)
			merged = lappend(merged, lfirst(cell));
	sync_check_sets(list_length(merged));
	list_sort(merged, sync_compare_names);
	return merged;
}

/* Brings the heads that are known up to date. */
static void
ask_heads(SyncEnd *end, SyncHeads *heads, MemoryContext parent, const List *names)
{
	static SyncStatement statement = SYNC_STATEMENT(
		"h", "p_heads",
		"SELECT set_name AS a, head AS b, nonce AS c, truncated_at AS d, more AS e, scanning AS f "
		"FROM hllset_sync.p_heads($1, $2)",
		0, TEXTOID, INT8OID, UUIDOID, INT8OID, BOOLOID, BOOLOID);
	List *rows =
		sync_call(end, &statement,
				  SYNC_VALUES(SYNC_NULLABLE(names != NIL, SYNC_TEXT_ARRAY(names)),
							  SYNC_NULLABLE(heads->context != NULL, SYNC_UUID(&heads->hash))));
	int count = list_length(rows) -
				1; /* the last row has the hash, and whether the others are what has changed */
	const NullableDatum *last = count < 0 ? NULL : llast(rows);
	MemoryContext context, caller;
	List *list = NIL;
	bool changes;

	if (last == NULL || !last[0].isnull || last[2].isnull || last[5].isnull)
		sync_refuse_answer(end, "the end is missing");
	changes = DatumGetBool(last[5].value);
	if (changes && heads->context == NULL)
		sync_refuse_answer(end, "changes of nothing");
	heads->hash = *DatumGetUUIDP(last[2].value);
	if (changes && count == 0)
		return;
	sync_check_sets(count);
	context = AllocSetContextCreate(parent, "hllset_sync heads", ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);
	for (int i = 0; i < count; i++)
		list = lappend(list, read_head(end, list_nth(rows, i)));
	list_sort(list, sync_compare_names);
	heads->list = changes ? add_unchanged(list, heads->list) : list;
	MemoryContextSwitchTo(caller);
	if (heads->context != NULL)
		MemoryContextDelete(heads->context);
	heads->context = context;
}

void
sync_link_heads(SyncLink *link, SyncDirection direction, const List *names, const List *places,
				const pg_uuid_t *same)
{
	bool comes = direction == SYNC_FROM_PEER;
	SyncHeads *heads = &link->heads[direction];
	ListCell *cell;

	if (comes)
		ask_advance(&link->there, names, places, same);
	else
		(void) sync_advance_here(NULL);
	ask_heads(comes ? &link->there : &link->here, heads, link->connection, names);
	foreach (cell, link->sets)
	{
		SyncShared *set = lfirst(cell);

		set->relations[direction].source = sync_find_name(heads->list, set->name);
	}
}

/* ---- p_cursor ---- */

SyncToken *
sync_link_cursors(SyncLink *link, SyncDirection direction, const List *names)
{
	bool comes = direction == SYNC_FROM_PEER;
	SyncEnd *end = comes ? &link->here : &link->there;
	const pg_uuid_t *origin = comes ? &link->hello.node_id : &link->identity.node_id;

	/* The place in the list of names that was sent saves sending them back. */
	static SyncStatement statement = SYNC_STATEMENT(
		"c", "p_cursor",
		"SELECT n::integer AS a, seq AS b, nonce AS c FROM hllset_sync.p_cursor($1, $2) JOIN "
		"unnest($1) WITH ORDINALITY u (set_name, n) USING (set_name)",
		0, INT4OID, INT8OID, UUIDOID);
	SyncToken *cursors = palloc0((list_length(names) + 1) * sizeof(SyncToken));
	ListCell *cell;

	foreach (cell,
			 sync_call(end, &statement, SYNC_VALUES(SYNC_TEXT_ARRAY(names), SYNC_UUID(origin))))
	{
		const NullableDatum *row = lfirst(cell);
		int place = DatumGetInt32(row[0].value);

		sync_refuse_nulls(end, row, 2);
		if (place < 1 || place > list_length(names))
			sync_refuse_answer(end, "a set that was not asked for");
		cursors[place - 1] = sync_read_token(end, row[1], row[2]);
	}
	return cursors;
}
