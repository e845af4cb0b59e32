/* SPDX-License-Identifier: PostgreSQL */
/*
 * The second line: copies and rows are compared by fingerprints of 1,024 buckets, and the rows of buckets that differ one by one. Wanted where the feed
 * does not know the cursor, has forgotten deletions, or is to be proved right. A comparison goes page by page, and goes on in the next round if
 * its time is up, as long as the connection is the same.
 */
#include "round/round.h"

#include "port/pg_bswap.h"

/* What is read page by page, one after the other. */
typedef enum Phase
{
	ROWS_FINGERPRINT,
	COPIES_FINGERPRINT,
	ROWS_OF_BUCKETS,
	COPIES_OF_BUCKETS,
	AT_END
} Phase;

typedef struct Bucket
{
	int64 rows;
	uint8 fingerprint[16];
} Bucket;

struct SyncComparison
{
	MemoryContext context; /* of all of it */
	SyncReason reason;
	SyncToken head; /* rows after it are the feed's business */
	Phase phase;
	bytea *next; /* where the phase goes on; NULL: it begins */
	Bucket rows[SYNC_BUCKETS], copies[SYNC_BUCKETS];
	List *buckets; /* numbers of those that differ */
	SyncFindings found;
};

/* Ends the phase where there is no next page. */
static void
go_on(SyncComparison *comparison, const bytea *next)
{
	if (comparison->next != NULL)
		pfree(comparison->next);
	comparison->next = NULL;
	if (next != NULL)
		comparison->next =
			memcpy(MemoryContextAlloc(comparison->context, VARSIZE(next)), next, VARSIZE(next));
	else
		comparison->phase++;
}

/* Takes from a page the row that says where the next one begins; NULL: there is none. */
static bytea *
take_next(SyncEnd *end, List **rows)
{
	bytea *next = NULL;
	ListCell *cell;

	foreach (cell, *rows)
	{
		const NullableDatum *row = lfirst(cell);

		if (row[SYNC_ROW_EXTRA].isnull)
			sync_refuse_nulls(end, row, SYNC_ROW_EXTRA);
		else
		{
			next = DatumGetByteaP(row[SYNC_ROW_EXTRA].value);
			*rows = foreach_delete_current(*rows, cell);
		}
	}
	return next;
}

/* ---- fingerprints ---- */

static void
choose_buckets(SyncComparison *comparison)
{
	MemoryContext caller = MemoryContextSwitchTo(comparison->context);

	comparison->found.to_compare = 0;
	for (int i = 0; i < SYNC_BUCKETS; i++)
		if (memcmp(&comparison->rows[i], &comparison->copies[i], sizeof(Bucket)) != 0)
		{
			comparison->buckets = lappend_int(comparison->buckets, i);
			comparison->found.to_compare += comparison->rows[i].rows + comparison->copies[i].rows;
		}
	MemoryContextSwitchTo(caller);
	comparison->found.differing = list_length(comparison->buckets);
	if (comparison->buckets == NIL)
		comparison->phase = AT_END;
}

/* A page in one row, which takes half as many bytes: of each bucket its number, count and fingerprint in network order; and where the next page begins. */
#define PAGE_OF(function)                                                                      \
	"SELECT string_agg(int2send(bucket::int2) || int8send(n) || fp, '') AS buckets,"           \
	" (array_agg(next) FILTER (WHERE next IS NOT NULL))[1] AS next FROM hllset_sync." function \
	"($1, $2, $3)"

static void
read_buckets(SyncEnd *end, Bucket *buckets, bytea *page)
{
	int size = 2 + 8 + sizeof(buckets->fingerprint);
	const char *data = VARDATA(page);

	if ((VARSIZE(page) - VARHDRSZ) % size != 0)
		sync_refuse_answer(end, "a fingerprint of another length");
	for (; data < (char *) page + VARSIZE(page); data += size)
	{
		uint16 number;
		uint64 rows;

		memcpy(&number, data, 2);
		memcpy(&rows, data + 2, 8);
		number = pg_ntoh16(number);
		if (number >= SYNC_BUCKETS)
			sync_refuse_answer(end, "no such bucket");
		buckets[number].rows = (int64) pg_ntoh64(rows);
		memcpy(buckets[number].fingerprint, data + 10, sizeof(buckets->fingerprint));
	}
}

/* Of own rows up to the head, and of all copies: those of a history that was undone may have higher numbers than the head has now. */
static SyncOutcome
add_fingerprints(SyncFlow *flow, SyncComparison *comparison, SyncEnd *end, bool copies)
{
	static SyncStatement of_rows =
		SYNC_STATEMENT("p", "p_fingerprint", PAGE_OF("p_fingerprint"), 1, BYTEAOID, BYTEAOID);
	static SyncStatement of_copies =
		SYNC_STATEMENT("q", "p_fingerprint", PAGE_OF("p_copy_fingerprint"), 1, BYTEAOID, BYTEAOID);
	List *rows =
		sync_call(end, copies ? &of_copies : &of_rows,
				  SYNC_VALUES(SYNC_TEXT(flow->set_name),
							  copies ? SYNC_UUID(flow->origin) : SYNC_INT8(comparison->head.seq),
							  SYNC_BYTEA(comparison->next)));
	const NullableDatum *page = rows == NIL ? NULL : linitial(rows);

	if (page == NULL)
		sync_refuse_answer(end, "no page");
	if (!page[0].isnull)
		read_buckets(end, copies ? comparison->copies : comparison->rows,
					 DatumGetByteaP(page[0].value));
	go_on(comparison, page[1].isnull ? NULL : DatumGetByteaP(page[1].value));
	if (comparison->phase == ROWS_OF_BUCKETS)
		choose_buckets(comparison);
	return SYNC_CAUGHT_UP;
}

/* ---- rows of buckets that differ ---- */

/* The digests that an end has by the keys of these entries, NULL where it has none. */
static List *
look_up(SyncFlow *flow, SyncEnd *end, bool copies, const List *entries)
{
	static SyncStatement of_rows =
		SYNC_STATEMENT("i", "p_digests", "SELECT digest AS a FROM hllset_sync.p_digests($1, $2)",
					   SYNC_MOST_ROWS, UUIDOID);
	static SyncStatement of_copies = SYNC_STATEMENT(
		"j", "p_digests", "SELECT digest AS a FROM hllset_sync.p_copy_digests($1, $3, $2)",
		SYNC_MOST_ROWS, UUIDOID);
	List *found = NIL;

	while (list_length(found) < list_length(entries))
	{
		SyncValue keys = sync_column_array(BYTEAOID, entries, list_length(found), SYNC_ROW_KEY);
		List *rows =
			sync_call(end, copies ? &of_copies : &of_rows,
					  SYNC_VALUES(SYNC_TEXT(flow->set_name), keys, SYNC_UUID(flow->origin)));

		if (rows == NIL)
			sync_refuse_answer(end, "no row of those asked for");
		found = list_concat(found, rows);
	}
	if (list_length(found) > list_length(entries))
		sync_refuse_answer(end, "more rows than asked for");
	return found;
}

static SyncOutcome
deliver_repair(SyncFlow *flow)
{
	SyncOutcome outcome = SYNC_CAUGHT_UP;

	if (flow->rows != NIL)
		outcome = sync_deliver(flow, SYNC_REPAIR, NULL);
	sync_forget_rows(flow);
	sync_fault("mid_reconcile");
	return outcome;
}

/* Those of the first rows of WANTED after DONE that are still there; returns how many keys were looked up. */
static int
fetch(SyncFlow *flow, const List *wanted, int done)
{
	static SyncStatement statement = SYNC_STATEMENT(
		"f", "p_fetch", "SELECT key, seq, sketches FROM hllset_sync.p_fetch($1, $2, $3)",
		SYNC_MOST_ROWS, BYTEAOID, INT8OID, BYTEAOID);
	MemoryContext caller = MemoryContextSwitchTo(flow->batch);
	List *rows = sync_call(flow->source, &statement,
						   SYNC_VALUES(SYNC_TEXT(flow->set_name),
									   sync_column_array(BYTEAOID, wanted, done, SYNC_ROW_KEY),
									   SYNC_INT8(sync_max_batch_bytes)));
	ListCell *cell;

	if (rows == NIL)
		sync_refuse_answer(flow->source, "no row of those asked for");
	foreach (cell, rows)
	{
		NullableDatum *row = lfirst(cell);
		const NullableDatum *asked;

		if (done == list_length(wanted))
			sync_refuse_answer(flow->source, "more rows than asked for");
		asked = list_nth(wanted, done++);
		sync_refuse_nulls(flow->source, row, 2);
		if (!sync_same_bytes(DatumGetPointer(row[SYNC_ROW_KEY].value),
							 DatumGetPointer(asked[SYNC_ROW_KEY].value)))
			sync_refuse_answer(flow->source, "a row that was not asked for");
		if (!row[SYNC_ROW_CONTENT].isnull)
			flow->rows = lappend(flow->rows, row);
	}
	MemoryContextSwitchTo(caller);
	return done;
}

/* Rows that the sink lacks or has otherwise are brought to it. */
static SyncOutcome
repair_rows(SyncFlow *flow, SyncComparison *comparison, const List *rows, const List *copies)
{
	SyncOutcome outcome = SYNC_CAUGHT_UP;
	List *wanted = NIL;
	int done = 0;
	const ListCell *cell, *other;

	forboth(cell, rows, other, copies)
	{
		NullableDatum *row = lfirst(cell);
		const NullableDatum *copy = lfirst(other);

		if (DatumGetInt64(row[SYNC_ROW_SEQ].value) <= comparison->head.seq &&
			(copy->isnull || !sync_same_node(DatumGetUUIDP(copy->value),
											 DatumGetUUIDP(row[SYNC_ROW_CONTENT].value))))
			wanted = lappend(wanted, row);
	}
	while (outcome == SYNC_CAUGHT_UP && done < list_length(wanted))
	{
		done = fetch(flow, wanted, done);
		comparison->found.repaired += list_length(flow->rows);
		outcome = deliver_repair(flow);
	}
	return outcome;
}

/* Copies without an owner's row: deleted there, or lost there with its history; then the copy is all that is left of them. */
static SyncOutcome
give_up_copies(SyncFlow *flow, SyncComparison *comparison, const List *copies, const List *rows)
{
	bool rewound = comparison->reason == SYNC_AFTER_REWIND;
	const ListCell *cell, *other;

	forboth(cell, copies, other, rows)
	{
		NullableDatum *copy = lfirst(cell);

		if (!((NullableDatum *) lfirst(other))->isnull)
			continue;
		copy[SYNC_ROW_SEQ].value =
			Int64GetDatum(rewound ? 0 : Max(DatumGetInt64(copy[SYNC_ROW_SEQ].value), 1));
		copy[SYNC_ROW_CONTENT].isnull = true;
		flow->rows = lappend(flow->rows, copy);
	}
	*(rewound ? &comparison->found.orphans : &comparison->found.repaired) +=
		list_length(flow->rows);
	return deliver_repair(flow);
}

static SyncOutcome
compare_page(SyncFlow *flow, SyncComparison *comparison, SyncEnd *end, bool copies)
{
	static SyncStatement of_rows = SYNC_STATEMENT(
		"b", "p_bucket",
		"SELECT key, seq, digest, next FROM hllset_sync.p_bucket($1, $2, $3, $4, $5)",
		SYNC_MOST_ROWS, BYTEAOID, INT8OID, UUIDOID, BYTEAOID);
	static SyncStatement of_copies = SYNC_STATEMENT(
		"d", "p_bucket",
		"SELECT key, seq, digest, next FROM hllset_sync.p_copy_bucket($1, $6, $2, $3, $4, $5)",
		SYNC_MOST_ROWS, BYTEAOID, INT8OID, UUIDOID, BYTEAOID);
	List *entries =
		sync_call(end, copies ? &of_copies : &of_rows,
				  SYNC_VALUES(SYNC_TEXT(flow->set_name), SYNC_INT4_ARRAY(comparison->buckets),
							  SYNC_BYTEA(comparison->next), SYNC_INT4(sync_max_batch_rows),
							  SYNC_INT8(sync_max_batch_bytes), SYNC_UUID(flow->origin)));
	bytea *next = take_next(end, &entries);
	List *others = look_up(flow, copies ? flow->source : flow->sink, !copies, entries);
	SyncOutcome outcome = copies ? give_up_copies(flow, comparison, entries, others)
								 : repair_rows(flow, comparison, entries, others);

	if (outcome == SYNC_CAUGHT_UP)
	{
		comparison->found.compared += list_length(entries);
		go_on(comparison, next);
	}
	return outcome;
}

/* ---- the comparison ---- */

/* The cursor comes to the head that was compared with; after a verification it is there already, or further. */
static SyncOutcome
end_comparison(SyncFlow *flow, SyncComparison *comparison)
{
	sync_forget_rows(flow);
	if (comparison->reason == SYNC_TO_VERIFY)
		return sync_deliver(flow, SYNC_REPAIR, &flow->cursor);
	return sync_deliver(flow, comparison->reason == SYNC_AFTER_REWIND ? SYNC_REWOUND : SYNC_REPAIR,
						&comparison->head);
}

static SyncComparison *
begin_comparison(const SyncFlow *flow, SyncReason reason)
{
	MemoryContext context = AllocSetContextCreate(flow->visit->link->connection,
												  "hllset_sync comparison", ALLOCSET_DEFAULT_SIZES);
	SyncComparison *comparison = MemoryContextAllocZero(context, sizeof(SyncComparison));

	comparison->context = context;
	comparison->reason = reason;
	comparison->head = flow->relation->head.token;
	comparison->found.to_compare = -1;
	return comparison;
}

void
sync_forget_comparison(SyncRelation *relation)
{
	if (relation->comparison != NULL)
		MemoryContextDelete(relation->comparison->context);
	relation->comparison = NULL;
}

SyncReason
sync_compares(const SyncRelation *relation)
{
	return relation->comparison == NULL ? SYNC_NO_REASON : relation->comparison->reason;
}

static SyncOutcome
compare(SyncFlow *flow, SyncComparison *comparison)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext page = AllocSetContextCreate(caller, "hllset_sync page", ALLOCSET_DEFAULT_SIZES);
	SyncOutcome outcome = SYNC_CAUGHT_UP;

	while (outcome == SYNC_CAUGHT_UP && comparison->phase != AT_END)
	{
		bool copies =
			comparison->phase == COPIES_FINGERPRINT || comparison->phase == COPIES_OF_BUCKETS;

		if (sync_left(flow->until) == 0)
		{
			outcome = SYNC_BEHIND;
			break;
		}
		MemoryContextSwitchTo(page);
		outcome = (comparison->phase < ROWS_OF_BUCKETS ? add_fingerprints : compare_page)(
			flow, comparison, copies ? flow->sink : flow->source, copies);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(page);
	}
	MemoryContextDelete(page);
	return outcome == SYNC_CAUGHT_UP ? end_comparison(flow, comparison) : outcome;
}

SyncOutcome
sync_reconcile(SyncFlow *flow, SyncReason reason)
{
	SyncRelation *relation = flow->relation;
	SyncComparison *comparison;
	SyncOutcome outcome;

	if (sync_compares(relation) != reason)
	{
		sync_forget_comparison(relation);
		relation->comparison = begin_comparison(flow, reason);
	}
	comparison = relation->comparison;
	sync_forget_rows(flow);
	outcome = compare(flow, comparison);
	flow->rewound |= reason == SYNC_AFTER_REWIND && outcome == SYNC_CAUGHT_UP;
	flow->found = comparison->found;
	if (outcome != SYNC_BEHIND)
		sync_forget_comparison(relation);
	return outcome;
}
