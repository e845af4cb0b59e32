/* SPDX-License-Identifier: PostgreSQL */
/*
 * The second line: copies and rows are compared by fingerprints of 1024 buckets, and rows of buckets that differ by their digests. Wanted
 * where the feed does not know the cursor, has forgotten deletions, or is to be proved right.
 */
#include "link.h"

#include "nodes/pg_list.h"
#include "utils/memutils.h"

#define ROWS_AT_ONCE 50000 /* listed in memory from each side */
#define FIRST_FETCH 16     /* rows, while it is not known how large they are */

typedef struct Comparison
{
	SyncFlow *flow;
	bool rewound;
	MemoryContext context; /* of the buckets at hand */
	List *wanted;          /* keys that the sink lacks or has otherwise */
	List *unowned;         /* SyncDigest pointers of copies that the source does not have */
	int64 fetched_rows, fetched_bytes;
} Comparison;

static int
compare_bytes(const bytea *a, const bytea *b)
{
	int size_a = VARSIZE_ANY_EXHDR(a);
	int size_b = VARSIZE_ANY_EXHDR(b);
	int order = memcmp(VARDATA_ANY(a), VARDATA_ANY(b), Min(size_a, size_b));

	return order != 0 ? order : size_a - size_b;
}

static int
compare_keys(const ListCell *a, const ListCell *b)
{
	return compare_bytes(((SyncDigest *) lfirst(a))->key, ((SyncDigest *) lfirst(b))->key);
}

/* ---- finding what differs ---- */

static void
note_row(Comparison *comparison, const SyncDigest *row, const SyncDigest *copy)
{
	/* What is newer than the head is the feed's business. */
	if (row->seq > comparison->flow->head.token.seq)
		return;
	if (copy == NULL || memcmp(&copy->digest, &row->digest, sizeof(pg_uuid_t)) != 0)
		comparison->wanted = lappend(comparison->wanted, row->key);
}

static void
merge_lists(Comparison *comparison, List *rows, List *copies)
{
	int nrows = list_length(rows);
	int ncopies = list_length(copies);
	int i = 0;
	int j = 0;

	list_sort(rows, compare_keys);
	list_sort(copies, compare_keys);
	while (i < nrows || j < ncopies)
	{
		SyncDigest *row = i < nrows ? list_nth(rows, i) : NULL;
		SyncDigest *copy = j < ncopies ? list_nth(copies, j) : NULL;
		int order = row == NULL ? 1 : copy == NULL ? -1 : compare_bytes(row->key, copy->key);

		if (order > 0)
			comparison->unowned = lappend(comparison->unowned, copy);
		else
			note_row(comparison, row, order == 0 ? copy : NULL);
		i += order <= 0;
		j += order >= 0;
	}
}

/* ---- repairing ---- */

static SyncOutcome
deliver_repair(Comparison *comparison)
{
	SyncOutcome outcome = SYNC_CAUGHT_UP;

	if (comparison->flow->batch->count > 0)
		outcome = sync_deliver(comparison->flow, SYNC_REPAIR, NULL);
	sync_batch_reset(comparison->flow->batch);
	sync_fault("mid_reconcile");
	return outcome;
}

/* As many keys as fill a batch, going by the rows seen so far. */
static int
keys_to_fetch(const Comparison *comparison)
{
	int64 average = comparison->fetched_rows == 0
						? 0
						: comparison->fetched_bytes / comparison->fetched_rows + 1;

	if (average == 0)
		return Min(FIRST_FETCH, sync_max_batch_rows);
	return Max(1, Min(sync_max_batch_bytes / average, sync_max_batch_rows));
}

static SyncOutcome
fetch_wanted(Comparison *comparison)
{
	SyncFlow *flow = comparison->flow;
	SyncOutcome outcome = SYNC_CAUGHT_UP;
	int count;

	for (int done = 0; outcome == SYNC_CAUGHT_UP && done < list_length(comparison->wanted);
		 done += count)
	{
		Datum *keys;

		count = Min(keys_to_fetch(comparison), list_length(comparison->wanted) - done);
		keys = palloc(count * sizeof(Datum));
		for (int i = 0; i < count; i++)
			keys[i] = PointerGetDatum(list_nth(comparison->wanted, done + i));
		sync_ask_fetch(flow->source, flow->set_name, count, keys, flow->batch);
		comparison->fetched_rows += flow->batch->count;
		comparison->fetched_bytes += flow->batch->bytes;
		flow->repaired += flow->batch->count;
		outcome = deliver_repair(comparison);
	}
	return outcome;
}

/* Copies without an owner's row: deleted there, or lost there with its history; then the copy is all that is left of them. */
static SyncOutcome
mark_unowned(Comparison *comparison)
{
	SyncFlow *flow = comparison->flow;
	SyncOutcome outcome = SYNC_CAUGHT_UP;

	for (int i = 0; outcome == SYNC_CAUGHT_UP && i < list_length(comparison->unowned); i++)
	{
		const SyncDigest *copy = list_nth(comparison->unowned, i);

		sync_batch_add(flow->batch, comparison->rewound ? 0 : Max(copy->seq, 1),
					   PointerGetDatum(copy->key), NULL);
		if (flow->batch->count >= sync_max_batch_rows)
			outcome = deliver_repair(comparison);
	}
	if (comparison->rewound)
		flow->orphans += list_length(comparison->unowned);
	else
		flow->repaired += list_length(comparison->unowned);
	return outcome == SYNC_CAUGHT_UP ? deliver_repair(comparison) : outcome;
}

static SyncOutcome
repair_buckets(Comparison *comparison, int count, const int *buckets)
{
	SyncFlow *flow = comparison->flow;
	MemoryContext caller = MemoryContextSwitchTo(comparison->context);
	List *rows = sync_ask_bucket(flow->source, flow->set_name, NULL, count, buckets);
	List *copies = sync_ask_bucket(flow->sink, flow->set_name, flow->origin, count, buckets);
	SyncOutcome outcome;

	comparison->wanted = comparison->unowned = NIL;
	merge_lists(comparison, rows, copies);
	outcome = fetch_wanted(comparison);
	if (outcome == SYNC_CAUGHT_UP)
		outcome = mark_unowned(comparison);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(comparison->context);
	return outcome;
}

static SyncOutcome
repair_differing(Comparison *comparison, const SyncBucket *rows, const SyncBucket *copies)
{
	SyncOutcome outcome = SYNC_CAUGHT_UP;
	int buckets[SYNC_BUCKETS];
	int count = 0;
	int64 listed = 0;

	for (int i = 0; outcome == SYNC_CAUGHT_UP && i < SYNC_BUCKETS; i++)
	{
		if (memcmp(&rows[i], &copies[i], sizeof(SyncBucket)) != 0)
		{
			buckets[count++] = i;
			listed += Max(rows[i].rows, copies[i].rows);
			comparison->flow->differing++;
		}
		if (count > 0 && (listed >= ROWS_AT_ONCE || i == SYNC_BUCKETS - 1))
		{
			outcome = repair_buckets(comparison, count, buckets);
			count = 0;
			listed = 0;
		}
	}
	return outcome;
}

SyncOutcome
sync_reconcile(SyncFlow *flow, bool rewound)
{
	Comparison comparison = {.flow = flow, .rewound = rewound};
	SyncBucket *rows = palloc(SYNC_BUCKETS * sizeof(SyncBucket));
	SyncBucket *copies = palloc(SYNC_BUCKETS * sizeof(SyncBucket));
	SyncOutcome outcome;

	flow->rewound |= rewound;
	sync_batch_reset(flow->batch);
	comparison.context = AllocSetContextCreate(CurrentMemoryContext, "hllset_sync comparison",
											   ALLOCSET_DEFAULT_SIZES);
	if (!sync_may_deliver(flow))
		return SYNC_POISONED;
	sync_ask_fingerprint(flow->source, flow->set_name, NULL, flow->head.token.seq, rows);
	/* All copies: those of a history that was undone may have higher numbers than the head has now. */
	sync_ask_fingerprint(flow->sink, flow->set_name, flow->origin, PG_INT64_MAX, copies);
	outcome = repair_differing(&comparison, rows, copies);
	MemoryContextDelete(comparison.context);
	return outcome == SYNC_CAUGHT_UP
			   ? sync_deliver(flow, rewound ? SYNC_REWOUND : SYNC_REPAIR, &flow->head.token)
			   : outcome;
}
