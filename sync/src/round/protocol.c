/* SPDX-License-Identifier: PostgreSQL */
/* What a round asks of many sets at once: how far their sources and their copies are. See docs/sync.md, Protocol. */
#include "publish/publish.h"
#include "round/round.h"

/* ---- p_advance ---- */

/* SAME: the hash of the last heads, if all of them were reached, or NULL. */
static void
ask_advance(SyncEnd *end, const List *names, const List *places, const pg_uuid_t *same)
{
	static SyncStatement statement = {.name = "a",
									  .function = "p_advance",
									  .sql = "CALL hllset_sync.p_advance($1, $2, $3, $4, $5)"};

	sync_call(end, &statement,
			  SYNC_VALUES(SYNC_NULLABLE(names != NIL, SYNC_TEXT_ARRAY(names)),
						  SYNC_NULLABLE(places != NIL, sync_column_array(TEXTOID, places, 0, 0)),
						  SYNC_NULLABLE(places != NIL, sync_column_array(INT8OID, places, 0, 1)),
						  SYNC_NULLABLE(places != NIL, sync_column_array(UUIDOID, places, 0, 2)),
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

/* A row without a head says that there is no such set any more. */
static void
take_head(SyncLink *link, SyncDirection direction, SyncEnd *end, const NullableDatum *row)
{
	bool exists = !row[1].isnull;
	SyncRelation *relation;
	SyncShared *set;

	if (row[0].isnull || (exists && (row[3].isnull || row[5].isnull)))
		sync_refuse_answer(end, "a value is missing");
	set = sync_find_name(link->sets, TextDatumGetCString(row[0].value));
	link->heads[direction].others |= set == NULL && exists;
	if (set == NULL)
		return;
	relation = &set->relations[direction];
	relation->has_head = exists;
	if (exists)
		relation->head = (SyncHead){.token = sync_read_token(end, row[1], row[2]),
									.truncated_at = DatumGetInt64(row[3].value),
									.held = row[4].isnull,
									.more = !row[4].isnull && DatumGetBool(row[4].value),
									.scanning = DatumGetBool(row[5].value)};
}

void
sync_link_heads(SyncLink *link, SyncDirection direction, const List *names, const List *places,
				const pg_uuid_t *same)
{
	static SyncStatement statement = SYNC_STATEMENT(
		"h", "p_heads",
		"SELECT set_name AS a, head AS b, nonce AS c, truncated_at AS d, more AS e, scanning AS f "
		"FROM hllset_sync.p_heads($1, $2)",
		0, TEXTOID, INT8OID, UUIDOID, INT8OID, BOOLOID, BOOLOID);
	bool comes = direction == SYNC_FROM_PEER;
	SyncEnd *end = comes ? &link->there : &link->here;
	SyncHeads *heads = &link->heads[direction];
	const NullableDatum *last; /* has the hash, and whether the others are only what has changed */
	List *rows;
	ListCell *cell;

	if (comes)
		ask_advance(end, names, places, same);
	else
		(void) sync_advance_here();
	rows = sync_call(end, &statement,
					 SYNC_VALUES(SYNC_NULLABLE(names != NIL, SYNC_TEXT_ARRAY(names)),
								 SYNC_NULLABLE(heads->known, SYNC_UUID(&heads->hash))));
	last = rows == NIL ? NULL : llast(rows);
	if (last == NULL || !last[0].isnull || last[2].isnull || last[5].isnull)
		sync_refuse_answer(end, "the end is missing");
	sync_check_sets(list_length(rows) - 1);
	if (!DatumGetBool(last[5].value))
	{
		heads->others = false;
		foreach (cell, link->sets)
			((SyncShared *) lfirst(cell))->relations[direction].has_head = false;
	}
	else if (!heads->known)
		sync_refuse_answer(end, "changes of nothing");
	foreach (cell, list_truncate(rows, list_length(rows) - 1))
		take_head(link, direction, end, lfirst(cell));
	heads->hash = *DatumGetUUIDP(last[2].value);
	heads->known = true;
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
