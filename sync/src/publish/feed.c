/* SPDX-License-Identifier: PostgreSQL */
/* What others read from this node: changes after a token, and rows by key. */
#include "publish/publish.h"

#include "utils/datum.h"

#define FETCH 20 /* rows that a cursor reads at a time; a sketch may have 200 kB */

typedef struct Change
{
	int64 seq;
	bytea *key;
	bytea *sketches; /* NULL: the row is gone */
} Change;

/* ERROR unless this server's history gave the number SEQ together with NONCE. Returns the floor of now. */
static int64
check_token(const SyncSet *set, int64 seq, SyncValue nonce)
{
	const char *place;

	sync_catalog("SELECT * FROM hllset_sync.place($1, $2, $3)", SYNC_INT4(set->id), SYNC_INT8(seq),
				 nonce);
	place = sync_text(0, 2);
	if (strcmp(place, "old") == 0)
		ereport(ERROR, (errcode(ERRCODE_SYNC_FLOOR),
						errmsg("number " INT64_FORMAT
							   " of set \"%s\" is from before tombstones that were forgotten",
							   seq, set->name)));
	if (strcmp(place, "here") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_SYNC_HISTORY),
				 errmsg("number " INT64_FORMAT " of set \"%s\" is not on this node's history", seq,
						set->name)));
	return sync_int8(0, 1);
}

typedef struct Feed
{
	SyncSet *set;
	SyncDigester digester;
	MemoryContext scratch;
	int max_rows;
	int64 max_bytes;
	Change *changes;
	int count;
	int64 bytes;
} Feed;

static Feed
start_feed(FunctionCallInfo fcinfo, int max_rows, int64 max_bytes)
{
	Feed feed = {.max_rows = Min(Max(max_rows, 1), sync_max_batch_rows),
				 .max_bytes = Min(Max(max_bytes, 1), sync_max_batch_bytes)};

	feed.set = sync_set(TextDatumGetCString(PG_GETARG_DATUM(0)), SYNC_PULL);
	feed.scratch =
		AllocSetContextCreate(CurrentMemoryContext, "hllset_sync row", ALLOCSET_DEFAULT_SIZES);
	sync_digester_init(&feed.digester, CurrentMemoryContext);
	return feed;
}

static bool
is_full(const Feed *feed)
{
	return feed->count >= feed->max_rows || feed->bytes >= feed->max_bytes;
}

static void
count_row(Feed *feed, const bytea *key, const bytea *sketches)
{
	feed->count++;
	feed->bytes += VARSIZE_ANY(key) + (sketches ? VARSIZE_ANY(sketches) : 0);
}

static bytea *
copied(bytea *bytes)
{
	return bytes ? (bytea *) DatumGetPointer(datumCopy(PointerGetDatum(bytes), false, -1)) : NULL;
}

/* A row of read_changes or prepare_fetch, packed. False: it holds no plain set, so peers keep what they have of it. */
static bool
read_change(Feed *feed, uint64 row, Change *change)
{
	SyncSet *set = feed->set;
	MemoryContext caller = MemoryContextSwitchTo(feed->scratch);
	SyncValue *key = sync_column_values(set->keys, set->nkeys, 0);
	SyncValue *sketches = sync_column_values(set->sketches, set->nsketches, 0);
	bool exists = sync_bool(row, 2);
	pg_uuid_t digest;
	bool plain;

	change->seq = sync_int8(row, 1);
	sync_read_values(row, 3, set->keys, set->nkeys, false, key);
	sync_read_values(row, 3 + set->nkeys, set->sketches, set->nsketches, true, sketches);
	for (int i = 0; exists && i < set->nsketches; i++)
		if (!sketches[i].isnull)
			sketches[i].value = PointerGetDatum(PG_DETOAST_DATUM(sketches[i].value));
	plain = !exists || sync_digest(&feed->digester, sketches, set->nsketches, &digest);
	change->key = sync_pack(set->keys, set->nkeys, key);
	change->sketches = exists && plain ? sync_pack(set->sketches, set->nsketches, sketches) : NULL;
	MemoryContextSwitchTo(caller);
	change->key = copied(change->key);
	change->sketches = copied(change->sketches);
	MemoryContextReset(feed->scratch);
	return plain;
}

/* Rows that don't count are made up for. True if there are no more. */
static bool
read_changes(Feed *feed, int64 after, int64 upto)
{
	SyncSet *set = feed->set;
	Portal portal =
		sync_open(psprintf("SELECT r.seq, %s IS NOT NULL, %s, %s FROM hllset_sync.rows_%d r"
						   " LEFT JOIN %s b ON %s WHERE r.seq > $1 AND r.seq <= $2 ORDER BY r.seq",
						   sync_each(set->keys, 1, "", "b.@"), sync_keys(set, ", ", "r.k#"),
						   sync_sketches(set, ", ", "b.@"), set->id, sync_base(set),
						   sync_keys(set, " AND ", "b.@ = r.k#")),
				  SYNC_VALUES(SYNC_INT8(after), SYNC_INT8(upto)));

	while (!is_full(feed) && sync_fetch(portal, FETCH) > 0)
	{
		for (uint64 i = 0; i < SPI_processed && !is_full(feed); i++)
		{
			Change *change = &feed->changes[feed->count];

			if (read_change(feed, i, change))
				count_row(feed, change->key, change->sketches);
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	return !is_full(feed);
}

static void
return_changes(SyncResult *result, const Feed *feed, int64 floor)
{
	Datum *seqs = palloc(feed->count * sizeof(Datum));
	pg_uuid_t nonce;

	for (int i = 0; i < feed->count; i++)
		seqs[i] = Int64GetDatum(feed->changes[i].seq);
	sync_catalog("SELECT hllset_sync.nonces($1, $2, $3)", SYNC_INT4(feed->set->id),
				 SYNC_ARRAY(INT8OID, seqs, NULL, feed->count), SYNC_INT8(floor));
	for (int i = 0; i < feed->count; i++)
	{
		const Change *change = &feed->changes[i];
		bool given = sync_uuid(i, 1, &nonce);

		sync_add_row(result, SYNC_INT8(change->seq), SYNC_NULLABLE(given, SYNC_UUID(&nonce)),
					 SYNC_BYTEA(change->key), SYNC_BYTEA(change->sketches));
	}
}

/* The token is checked after the rows were read: meanwhile tombstones may have been pruned. A row without key says that there are no more. */
SYNC_LOOK(hllset_sync_p_changes)
{
	int64 after = PG_GETARG_INT64(1), upto = PG_GETARG_INT64(3);
	int64 floor;
	Feed feed;
	SyncUser user;
	bool complete;

	sync_require_arguments(fcinfo, SYNC_ARGUMENT(2));
	feed = start_feed(fcinfo, PG_GETARG_INT32(4), PG_GETARG_INT64(5));
	feed.changes = palloc(feed.max_rows * sizeof(Change));
	user = sync_enter(feed.set->owner);
	sync_follow_order();
	complete = read_changes(&feed, Max(after, feed.set->truncated_at), upto);
	sync_leave(user);
	sync_fault("changes_read");
	floor = check_token(feed.set, after, SYNC_GIVEN(UUIDOID, 2));
	if (feed.count > 0)
	{
		return_changes(result, &feed, floor);
		sync_flush_what_was_read();
	}
	if (complete)
		sync_add_row(result, SYNC_INT8(upto), SYNC_UUID(NULL), SYNC_BYTEA(NULL), SYNC_BYTEA(NULL));
}

/* ---- rows by key ---- */

static SPIPlanPtr
prepare_fetch(SyncSet *set)
{
	return sync_prepare(
		psprintf("SELECT r.seq, true, %s, %s FROM hllset_sync.rows_%d r JOIN %s b ON %s"
				 " WHERE %s AND r.seq > " INT64_FORMAT,
				 sync_keys(set, ", ", "r.k#"), sync_sketches(set, ", ", "b.@"), set->id,
				 sync_base(set), sync_keys(set, " AND ", "b.@ = r.k#"),
				 sync_keys(set, " AND ", "r.k# = $#"), set->truncated_at),
		sync_column_values(set->keys, set->nkeys, 0));
}

/* A row without sketches for one that is gone, or holds no plain set. */
static void
return_row(SyncResult *result, Feed *feed, SPIPlanPtr plan, bytea *key)
{
	SyncSet *set = feed->set;
	SyncValue *values = sync_column_values(set->keys, set->nkeys, 0);
	Change change = {.seq = 0};

	sync_unpack(key, set->keys, set->nkeys, false, values);
	if (sync_execute_plan(plan, values, 1) > 0 && !read_change(feed, 0, &change))
		change.seq = 0;
	SPI_freetuptable(SPI_tuptable);
	sync_add_row(result, SYNC_BYTEA(key), SYNC_INT8(change.seq), SYNC_BYTEA(change.sketches));
	count_row(feed, key, change.sketches);
}

SYNC_LOOK(hllset_sync_p_fetch)
{
	Feed feed = start_feed(fcinfo, sync_max_batch_rows, PG_GETARG_INT64(2));
	SPIPlanPtr plan;
	SyncUser user;
	Datum *keys;
	int count = sync_elements(PG_GETARG_DATUM(1), BYTEAOID, "keys", &keys);

	user = sync_enter(feed.set->owner);
	plan = prepare_fetch(feed.set);
	for (int i = 0; i < count && !is_full(&feed); i++)
	{
		CHECK_FOR_INTERRUPTS();
		return_row(result, &feed, plan, DatumGetByteaPP(keys[i]));
	}
	sync_leave(user);
	sync_flush_what_was_read();
}
