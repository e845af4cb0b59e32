/* SPDX-License-Identifier: PostgreSQL */
/* What others read from this node: changes after a token, and rows by key. */
#include "set.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(hllset_sync_p_changes);
PG_FUNCTION_INFO_V1(hllset_sync_p_fetch);

#define FETCH 20 /* rows that a cursor reads at a time; a sketch may have 200 kB */
#define MAX_ROWS 100000

typedef struct Change
{
	int64 seq;
	bytea *key;
	bytea *sketches; /* NULL: the row is gone */
} Change;

/* Whether this server's history gave the number SEQ together with NONCE. */
static bool
on_history(const SyncSet *set, int64 seq, Datum nonce)
{
	Oid types[3] = {INT4OID, INT8OID, UUIDOID};
	Datum values[3] = {Int32GetDatum(set->id), Int64GetDatum(seq), nonce};
	SyncUser user;
	bool found;

	if (seq == 0)
		return true;
	user = sync_enter_catalog();
	found =
		nonce != 0 && sync_execute("SELECT FROM (SELECT seq_from, nonce FROM hllset_sync.history"
								   "  WHERE set_id = $1 AND seq_to >= $2 ORDER BY seq_to LIMIT 1) h"
								   " WHERE seq_from <= $2 AND nonce = $3",
								   3, types, values, NULL, false) > 0;
	sync_leave(user);
	return found;
}

/* A row of open_changes or prepare_fetch, packed. False: it holds no plain set, so peers keep what they have of it. */
static bool
read_change(SyncSet *set, SyncDigester *digester, uint64 row, Change *change)
{
	Datum *values = palloc((set->nkeys + set->nsketches) * sizeof(Datum));
	bool *nulls = palloc((set->nkeys + set->nsketches) * sizeof(bool));
	Datum *sketches = values + set->nkeys;
	bool *no_sketch = nulls + set->nkeys;
	pg_uuid_t digest;
	bool present;
	bool isnull;

	change->seq = DatumGetInt64(sync_field(row, 1, &isnull));
	present = DatumGetBool(sync_field(row, 2, &isnull));
	for (int i = 0; i < set->nkeys + set->nsketches; i++)
	{
		sync_expect(3 + i, i < set->nkeys ? set->keys[i].type : set->sketches[i - set->nkeys].type);
		values[i] = sync_field(row, 3 + i, &nulls[i]);
	}
	change->key = sync_pack(set->keys, set->nkeys, values, NULL);
	change->sketches = NULL;
	if (!present)
		return true;
	for (int i = 0; i < set->nsketches; i++)
		if (!no_sketch[i])
			sketches[i] = PointerGetDatum(PG_DETOAST_DATUM(sketches[i]));
	if (!sync_digest(digester, sketches, no_sketch, set->nsketches, &digest))
		return false;
	change->sketches = sync_pack(set->sketches, set->nsketches, sketches, no_sketch);
	return true;
}

static Portal
open_changes(SyncSet *set, int64 after, int64 upto, int max_rows)
{
	Oid types[3] = {INT8OID, INT8OID, INT4OID};
	Datum values[3] = {Int64GetDatum(after), Int64GetDatum(upto), Int32GetDatum(max_rows)};

	return sync_open(psprintf("SELECT r.seq, %s IS NOT NULL, %s, %s FROM hllset_sync.rows_%d r"
							  " LEFT JOIN %s b ON %s"
							  " WHERE r.seq > $1 AND r.seq <= $2 ORDER BY r.seq LIMIT $3",
							  sync_named("b", set->keys, 1),
							  sync_numbered("r.k", 1, set->nkeys, ""),
							  sync_named("b", set->sketches, set->nsketches), set->id,
							  sync_base(set), sync_match_base(set, "r")),
					 3, types, values);
}

static bytea *
copied(bytea *bytes)
{
	return bytes ? (bytea *) DatumGetPointer(datumCopy(PointerGetDatum(bytes), false, -1)) : NULL;
}

typedef struct Feed
{
	SyncSet *set;
	SyncDigester digester;
	MemoryContext scratch;
	int64 after; /* what was read so far */
	int64 upto;
	int max_rows;
	int64 max_bytes;
	Change *changes;
	int count;
	int64 bytes;
} Feed;

static bool
is_full(const Feed *feed)
{
	return feed->count >= feed->max_rows || feed->bytes >= feed->max_bytes;
}

static void
read_row(Feed *feed, uint64 row)
{
	Change *change = &feed->changes[feed->count];
	MemoryContext caller = MemoryContextSwitchTo(feed->scratch);
	bool counts = read_change(feed->set, &feed->digester, row, change);

	feed->after = change->seq;
	MemoryContextSwitchTo(caller);
	if (counts)
	{
		change->key = copied(change->key);
		change->sketches = copied(change->sketches);
		feed->bytes += VARSIZE(change->key) + (change->sketches ? VARSIZE(change->sketches) : 0);
		feed->count++;
	}
	MemoryContextReset(feed->scratch);
}

/* As many rows as are wanted still, some of which may not count; true if there are more. */
static bool
read_some(Feed *feed)
{
	int wanted = feed->max_rows - feed->count;
	Portal portal = open_changes(feed->set, feed->after, feed->upto, wanted);
	int seen = 0;

	while (!is_full(feed) && sync_fetch(portal, FETCH) > 0)
	{
		for (uint64 i = 0; i < SPI_processed && !is_full(feed); i++, seen++)
			read_row(feed, i);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	return seen == wanted;
}

/* Fewer changes than wanted tell the caller that there are no more, so rows that don't count are made up for. */
static void
read_changes(Feed *feed)
{
	feed->scratch =
		AllocSetContextCreate(CurrentMemoryContext, "hllset_sync changes", ALLOCSET_DEFAULT_SIZES);
	sync_digester_init(&feed->digester, CurrentMemoryContext);
	while (!is_full(feed) && read_some(feed))
		;
}

/* The nonce of the batch that gave each number. */
static void
return_changes(SyncResult *result, const SyncSet *set, const Change *changes, int count)
{
	Datum *seqs = palloc(count * sizeof(Datum));
	Oid types[2] = {INT4OID, INT8ARRAYOID};
	Datum values[2] = {Int32GetDatum(set->id)};
	SyncUser user;

	for (int i = 0; i < count; i++)
		seqs[i] = Int64GetDatum(changes[i].seq);
	values[1] =
		PointerGetDatum(construct_array(seqs, count, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	user = sync_enter_catalog();
	sync_execute(
		"SELECT (SELECT nonce FROM hllset_sync.history h WHERE h.set_id = $1 AND h.seq_to >= s.seq"
		"  ORDER BY h.seq_to LIMIT 1) FROM unnest($2) WITH ORDINALITY s (seq, n) ORDER BY s.n",
		2, types, values, NULL, false);
	for (int i = 0; i < count; i++)
	{
		Datum row[4] = {seqs[i], (Datum) 0, PointerGetDatum(changes[i].key),
						PointerGetDatum(changes[i].sketches)};
		bool nulls[4] = {false, false, false, changes[i].sketches == NULL};

		row[1] = sync_field(i, 1, &nulls[1]);
		sync_result_add(result, row, nulls);
	}
	sync_leave(user);
}

/* What a peer has seen must survive a crash here, though users may commit asynchronously. */
void
sync_flush_what_was_read(void)
{
	(void) GetTopTransactionId();
	ForceSyncCommit();
}

Datum
hllset_sync_p_changes(PG_FUNCTION_ARGS)
{
	SyncResult result = sync_result(fcinfo);
	int64 after = PG_GETARG_INT64(1);
	Feed feed = {.after = after,
				 .upto = PG_GETARG_INT64(3),
				 .max_rows = Min(Max(PG_GETARG_INT32(4), 1), MAX_ROWS),
				 .max_bytes = Max(PG_GETARG_INT64(5), 1)};
	char *name;
	SyncSet *set;
	SyncUser user;

	sync_require_arguments(fcinfo, SYNC_ARGUMENT(2));
	SPI_connect();
	name = TextDatumGetCString(PG_GETARG_DATUM(0));
	set = sync_set(name, SYNC_PULL);
	if (!on_history(set, after, PG_ARGISNULL(2) ? (Datum) 0 : PG_GETARG_DATUM(2)))
		ereport(ERROR,
				(errcode(ERRCODE_SYNC_HISTORY),
				 errmsg("number " INT64_FORMAT " of set \"%s\" is not on this node's history",
						after, name)));
	feed.set = set;
	feed.changes = palloc(feed.max_rows * sizeof(Change));
	user = sync_enter(set->owner);
	sync_follow_keys();
	read_changes(&feed);
	sync_leave(user);
	if (feed.count > 0)
	{
		return_changes(&result, set, feed.changes, feed.count);
		sync_flush_what_was_read();
	}
	SPI_finish();
	return (Datum) 0;
}

/* ---- rows by key ---- */

static SPIPlanPtr
prepare_fetch(SyncSet *set)
{
	Oid *types = palloc(set->nkeys * sizeof(Oid));
	StringInfoData match;
	SPIPlanPtr plan;

	initStringInfo(&match);
	for (int i = 0; i < set->nkeys; i++)
	{
		types[i] = set->keys[i].type;
		appendStringInfo(&match, "%sr.k%d = $%d", i ? " AND " : "", i + 1, i + 1);
	}
	plan = SPI_prepare(
		psprintf("SELECT r.seq, true, %s, %s FROM hllset_sync.rows_%d r JOIN %s b ON %s WHERE %s",
				 sync_numbered("r.k", 1, set->nkeys, ""),
				 sync_named("b", set->sketches, set->nsketches), set->id, sync_base(set),
				 sync_match_base(set, "r"), match.data),
		set->nkeys, types);
	if (plan == NULL)
		elog(ERROR, "%s while rows were read by key", SPI_result_code_string(SPI_result));
	return plan;
}

/* Rows that are gone, or hold no plain set, are left out. */
static void
return_row(SyncResult *result, SyncSet *set, SPIPlanPtr plan, SyncDigester *digester, bytea *key)
{
	Datum *values = palloc(set->nkeys * sizeof(Datum));
	Datum row[3];
	bool nulls[3] = {false, false, false};
	Change change;

	sync_unpack(key, set->keys, set->nkeys, values, NULL);
	SPI_execute_plan(plan, values, NULL, false, 1);
	if (SPI_processed > 0 && read_change(set, digester, 0, &change))
	{
		row[0] = PointerGetDatum(change.key);
		row[1] = Int64GetDatum(change.seq);
		row[2] = PointerGetDatum(change.sketches);
		sync_result_add(result, row, nulls);
	}
	SPI_freetuptable(SPI_tuptable);
}

Datum
hllset_sync_p_fetch(PG_FUNCTION_ARGS)
{
	SyncResult result = sync_result(fcinfo);
	MemoryContext caller;
	MemoryContext scratch;
	SyncDigester digester;
	SPIPlanPtr plan;
	SyncSet *set;
	SyncUser user;
	Datum *keys;
	bool *nulls;
	int count;

	SPI_connect();
	caller = CurrentMemoryContext;
	set = sync_set(TextDatumGetCString(PG_GETARG_DATUM(0)), SYNC_PULL);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), BYTEAOID, -1, false, TYPALIGN_INT, &keys, &nulls,
					  &count);
	scratch = AllocSetContextCreate(caller, "hllset_sync row", ALLOCSET_DEFAULT_SIZES);
	user = sync_enter(set->owner);
	plan = prepare_fetch(set);
	sync_digester_init(&digester, caller);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(scratch);
		if (!nulls[i])
			return_row(&result, set, plan, &digester, DatumGetByteaPP(keys[i]));
		MemoryContextSwitchTo(caller);
		MemoryContextReset(scratch);
	}
	sync_leave(user);
	sync_flush_what_was_read();
	SPI_finish();
	return (Datum) 0;
}
