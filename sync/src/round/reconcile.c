/* SPDX-License-Identifier: PostgreSQL */
/*
 * The second line: copies and rows are compared by fingerprints of 1,024 buckets, and the rows of buckets that differ one by one. Wanted where the feed
 * does not know the cursor, has forgotten deletions, or is to be proved right. A comparison goes page by page, and goes on in the next round if
 * its time is up, as long as the connection is the same.
 */
#include "round/round.h"

/* What is read page by page, one after the other. */
typedef enum Phase
{
	ROWS_FINGERPRINT,
	COPIES_FINGERPRINT,
	ROWS_OF_BUCKETS,
	COPIES_OF_BUCKETS,
	AT_END
} Phase;

struct SyncComparison
{
	MemoryContext context; /* of all of it */
	SyncReason reason;
	SyncToken head; /* rows after it are the feed's business */
	Phase phase;
	bytea *next; /* where the phase goes on; NULL: it begins */
	SyncBucket rows[SYNC_BUCKETS], copies[SYNC_BUCKETS];
	List *buckets;              /* numbers of those that differ */
	int64 compared, to_compare; /* rows and copies in buckets that differ */
	int64 repaired, orphans;
};

/* Ends the phase where there is no next page. */
static void
go_on(SyncComparison *comparison, const bytea *next, int compared)
{
	bytea *old = comparison->next;

	comparison->compared += compared;
	comparison->next = NULL;
	if (next != NULL)
		comparison->next =
			memcpy(MemoryContextAlloc(comparison->context, VARSIZE(next)), next, VARSIZE(next));
	else
		comparison->phase++;
	if (old != NULL)
		pfree(old);
}

/* ---- fingerprints ---- */

static void
choose_buckets(SyncComparison *comparison)
{
	MemoryContext caller = MemoryContextSwitchTo(comparison->context);

	for (int i = 0; i < SYNC_BUCKETS; i++)
		if (memcmp(&comparison->rows[i], &comparison->copies[i], sizeof(SyncBucket)) != 0)
		{
			comparison->buckets = lappend_int(comparison->buckets, i);
			comparison->to_compare += comparison->rows[i].rows + comparison->copies[i].rows;
		}
	MemoryContextSwitchTo(caller);
	if (comparison->buckets == NIL)
		comparison->phase = AT_END;
}

static SyncOutcome
add_rows(SyncFlow *flow, SyncComparison *comparison)
{
	go_on(comparison,
		  sync_ask_fingerprint(flow->source, flow->set_name, NULL, comparison->head.seq,
							   comparison->next, comparison->rows),
		  0);
	return SYNC_CAUGHT_UP;
}

/* All copies: those of a history that was undone may have higher numbers than the head has now. */
static SyncOutcome
add_copies(SyncFlow *flow, SyncComparison *comparison)
{
	go_on(comparison,
		  sync_ask_fingerprint(flow->sink, flow->set_name, flow->origin, 0, comparison->next,
							   comparison->copies),
		  0);
	if (comparison->phase != COPIES_FINGERPRINT)
		choose_buckets(comparison);
	return SYNC_CAUGHT_UP;
}

/* ---- rows of buckets that differ ---- */

/* What the other end has by the keys of these entries. */
static SyncDigest *
look_up(SyncFlow *flow, SyncEnd *end, const pg_uuid_t *origin, const List *entries)
{
	int count = list_length(entries);
	SyncDigest *found = palloc0((count + 1) * sizeof(SyncDigest));
	Datum *keys = palloc((count + 1) * sizeof(Datum));
	int done = 0;

	for (int i = 0; i < count; i++)
		keys[i] = PointerGetDatum(((SyncDigest *) list_nth(entries, i))->key);
	while (done < count)
		done +=
			sync_ask_digests(end, flow->set_name, origin, count - done, keys + done, found + done);
	return found;
}

static SyncOutcome
deliver_repair(SyncFlow *flow)
{
	SyncOutcome outcome = SYNC_CAUGHT_UP;

	if (flow->batch->rows != NIL)
		outcome = sync_deliver(flow, SYNC_REPAIR, NULL);
	sync_batch_reset(flow->batch);
	sync_fault("mid_reconcile");
	return outcome;
}

/* Rows that the sink lacks or has otherwise are brought to it. */
static SyncOutcome
repair_page(SyncFlow *flow, const List *entries, const SyncDigest *copies)
{
	SyncOutcome outcome = SYNC_CAUGHT_UP;
	Datum *wanted = palloc(Max(list_length(entries), 1) * sizeof(Datum));
	int count = 0;
	int done = 0;

	for (int i = 0; i < list_length(entries); i++)
	{
		const SyncDigest *row = list_nth(entries, i);

		if (row->seq <= flow->comparison->head.seq &&
			(!copies[i].exists || !sync_same_node(&copies[i].digest, &row->digest)))
			wanted[count++] = PointerGetDatum(row->key);
	}
	while (outcome == SYNC_CAUGHT_UP && done < count)
	{
		done +=
			sync_ask_fetch(flow->source, flow->set_name, count - done, wanted + done, flow->batch);
		flow->comparison->repaired += list_length(flow->batch->rows);
		outcome = deliver_repair(flow);
	}
	return outcome;
}

static SyncOutcome
compare_rows(SyncFlow *flow, SyncComparison *comparison)
{
	List *entries;
	bytea *next = sync_ask_bucket(flow->source, flow->set_name, NULL, comparison->buckets,
								  comparison->next, &entries);
	SyncOutcome outcome =
		repair_page(flow, entries, look_up(flow, flow->sink, flow->origin, entries));

	if (outcome == SYNC_CAUGHT_UP)
		go_on(comparison, next, list_length(entries));
	return outcome;
}

/* Copies without an owner's row: deleted there, or lost there with its history; then the copy is all that is left of them. */
static SyncOutcome
compare_copies(SyncFlow *flow, SyncComparison *comparison)
{
	bool rewound = comparison->reason == SYNC_AFTER_REWIND;
	List *entries;
	bytea *next = sync_ask_bucket(flow->sink, flow->set_name, flow->origin, comparison->buckets,
								  comparison->next, &entries);
	SyncDigest *rows = look_up(flow, flow->source, NULL, entries);
	SyncOutcome outcome;

	for (int i = 0; i < list_length(entries); i++)
	{
		const SyncDigest *copy = list_nth(entries, i);

		if (!rows[i].exists)
			sync_batch_add(flow->batch, rewound ? 0 : Max(copy->seq, 1), PointerGetDatum(copy->key),
						   NULL);
	}
	*(rewound ? &comparison->orphans : &comparison->repaired) += list_length(flow->batch->rows);
	outcome = deliver_repair(flow);
	if (outcome == SYNC_CAUGHT_UP)
		go_on(comparison, next, list_length(entries));
	return outcome;
}

/* ---- the comparison ---- */

/* The cursor comes to the head that was compared with; after a verification it is there already, or further. */
static SyncOutcome
end_comparison(SyncFlow *flow, SyncComparison *comparison)
{
	sync_batch_reset(flow->batch);
	if (comparison->reason == SYNC_TO_VERIFY)
		return sync_deliver(flow, SYNC_REPAIR, &flow->cursor);
	return sync_deliver(flow, comparison->reason == SYNC_AFTER_REWIND ? SYNC_REWOUND : SYNC_REPAIR,
						&comparison->head);
}

static SyncComparison *
begin_comparison(const SyncFlow *flow, SyncReason reason)
{
	MemoryContext context =
		AllocSetContextCreate(flow->keep, "hllset_sync comparison", ALLOCSET_DEFAULT_SIZES);
	SyncComparison *comparison = MemoryContextAllocZero(context, sizeof(SyncComparison));

	comparison->context = context;
	comparison->reason = reason;
	comparison->head = flow->head.token;
	return comparison;
}

void
sync_forget_comparison(SyncComparison **comparison)
{
	if (*comparison != NULL)
		MemoryContextDelete((*comparison)->context);
	*comparison = NULL;
}

bool
sync_compares(const SyncComparison *comparison, SyncReason reason)
{
	return comparison != NULL && comparison->reason == reason;
}

static SyncOutcome
compare(SyncFlow *flow, SyncComparison *comparison)
{
	static SyncOutcome (*const pages[])(SyncFlow *, SyncComparison *) = {
		[ROWS_FINGERPRINT] = add_rows,
		[COPIES_FINGERPRINT] = add_copies,
		[ROWS_OF_BUCKETS] = compare_rows,
		[COPIES_OF_BUCKETS] = compare_copies,
	};
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext page = AllocSetContextCreate(caller, "hllset_sync page", ALLOCSET_DEFAULT_SIZES);
	SyncOutcome outcome = SYNC_CAUGHT_UP;

	while (outcome == SYNC_CAUGHT_UP && comparison->phase != AT_END)
	{
		if (sync_left(flow->until) == 0)
			outcome = SYNC_BEHIND;
		else
		{
			MemoryContextSwitchTo(page);
			outcome = pages[comparison->phase](flow, comparison);
			MemoryContextSwitchTo(caller);
			MemoryContextReset(page);
		}
	}
	MemoryContextDelete(page);
	return outcome == SYNC_CAUGHT_UP ? end_comparison(flow, comparison) : outcome;
}

SyncOutcome
sync_reconcile(SyncFlow *flow, SyncReason reason)
{
	SyncOutcome outcome;

	if (!sync_compares(flow->comparison, reason))
	{
		sync_forget_comparison(&flow->comparison);
		flow->comparison = begin_comparison(flow, reason);
	}
	sync_batch_reset(flow->batch);
	outcome = compare(flow, flow->comparison);
	flow->rewound |= reason == SYNC_AFTER_REWIND && outcome == SYNC_CAUGHT_UP;
	flow->differing = list_length(flow->comparison->buckets);
	flow->repaired = flow->comparison->repaired;
	flow->orphans = flow->comparison->orphans;
	flow->compared = flow->comparison->compared;
	flow->to_compare = flow->comparison->phase < ROWS_OF_BUCKETS
						   ? -1
						   : Max(flow->comparison->to_compare - flow->compared, 0);
	if (outcome != SYNC_BEHIND)
		sync_forget_comparison(&flow->comparison);
	return outcome;
}
