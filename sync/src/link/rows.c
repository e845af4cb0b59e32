/* SPDX-License-Identifier: PostgreSQL */
/* Rows of one set on their way from one node to the other, and the protocol functions that move them. See protocol.c. */
#include "link/link.h"

/* As both ends are set, at most; see sync_max_batch_rows. */
#define MAX_ROWS 100000

/* ---- batches ---- */

SyncBatch *
sync_batch_create(void)
{
	SyncBatch *batch = palloc0(sizeof(SyncBatch));

	batch->context =
		AllocSetContextCreate(CurrentMemoryContext, "hllset_sync batch", ALLOCSET_DEFAULT_SIZES);
	return batch;
}

void
sync_batch_reset(SyncBatch *batch)
{
	MemoryContextReset(batch->context);
	*batch = (SyncBatch){.context = batch->context};
}

void
sync_batch_add(SyncBatch *batch, int64 seq, Datum key, const Datum *sketches)
{
	MemoryContext caller = MemoryContextSwitchTo(batch->context);
	SyncMoved *row = palloc0(sizeof(SyncMoved));

	row->seq = seq;
	row->key = DatumGetByteaPCopy(key);
	batch->bytes += VARSIZE(row->key);
	if (sketches != NULL)
	{
		row->sketches = DatumGetByteaPCopy(*sketches);
		batch->bytes += VARSIZE(row->sketches);
	}
	batch->rows = lappend(batch->rows, row);
	MemoryContextSwitchTo(caller);
}

/* ---- p_changes ---- */

typedef struct ChangesAnswer
{
	SyncBatch *batch;
	int64 after, upto;
} ChangesAnswer;

static void
read_change(void *state, const Datum *values, const bool *nulls)
{
	ChangesAnswer *answer = state;
	SyncBatch *batch = answer->batch;
	SyncToken token;

	if (batch->complete)
		sync_refuse_answer("p_changes", "a row after the end");
	batch->complete = nulls[2];
	if (batch->complete)
		return;
	sync_refuse_nulls("p_changes", nulls, 3);
	token = sync_read_token("p_changes", values[0], values[1], nulls[1]);
	if (token.seq <= Max(batch->last.seq, answer->after) || token.seq > answer->upto)
		sync_refuse_answer("p_changes", "a row out of order");
	if (batch->bytes > sync_max_batch_bytes)
		sync_refuse_answer("p_changes", "more bytes than asked for");
	if (list_length(batch->rows) >= sync_max_batch_rows)
		sync_refuse_answer("p_changes", "more rows than asked for");
	sync_batch_add(batch, token.seq, values[2], nulls[3] ? NULL : &values[3]);
	batch->last = token;
}

int
sync_ask_changes(SyncEnd *end, const char *set_name, const SyncToken *after, int64 upto,
				 SyncBatch *batch)
{
	static SyncStatement statement = SYNC_STATEMENT(
		"g", "SELECT seq, nonce, key, sketches FROM hllset_sync.p_changes($1, $2, $3, $4, $5, $6)",
		MAX_ROWS, INT8OID, UUIDOID, BYTEAOID, BYTEAOID);
	ChangesAnswer answer = {.batch = batch, .after = after->seq, .upto = upto};

	sync_batch_reset(batch);
	return sync_try_call(end, &statement,
						 SYNC_VALUES(SYNC_TEXT(set_name), SYNC_INT8(after->seq), SYNC_NONCE(*after),
									 SYNC_INT8(upto), SYNC_INT4(sync_max_batch_rows),
									 SYNC_INT8(sync_max_batch_bytes)),
						 read_change, &answer);
}

/* ---- p_fetch ---- */

typedef struct FetchAnswer
{
	SyncBatch *batch;
	const Datum *keys;
	int count, asked;
} FetchAnswer;

static void
read_fetched(void *state, const Datum *values, const bool *nulls)
{
	FetchAnswer *answer = state;

	sync_refuse_nulls("p_fetch", nulls, 2);
	if (answer->count == answer->asked)
		sync_refuse_answer("p_fetch", "more rows than asked for");
	if (!sync_same_bytes(DatumGetPointer(values[0]),
						 DatumGetPointer(answer->keys[answer->count++])))
		sync_refuse_answer("p_fetch", "a row that was not asked for");
	if (!nulls[2])
		sync_batch_add(answer->batch, DatumGetInt64(values[1]), values[0], &values[2]);
}

int
sync_ask_fetch(SyncEnd *end, const char *set_name, int count, const Datum *keys, SyncBatch *batch)
{
	static SyncStatement statement =
		SYNC_STATEMENT("f", "SELECT key, seq, sketches FROM hllset_sync.p_fetch($1, $2, $3)",
					   MAX_ROWS, BYTEAOID, INT8OID, BYTEAOID);
	FetchAnswer answer = {.batch = batch, .keys = keys, .asked = count};
	SyncValue asked = SYNC_ARRAY(BYTEAOID, keys, NULL, count);

	sync_call(end, &statement,
			  SYNC_VALUES(SYNC_TEXT(set_name), asked, SYNC_INT8(sync_max_batch_bytes)),
			  read_fetched, &answer);
	pfree(DatumGetPointer(asked.value));
	if (answer.count == 0)
		sync_refuse_answer("p_fetch", "no row of those asked for");
	return answer.count;
}

/* ---- p_receive ---- */

typedef struct ReceiveAnswer
{
	bool here;
	SyncToken cursor;
	SyncReceipt receipt;
} ReceiveAnswer;

static void
read_received(void *state, const Datum *values, const bool *nulls)
{
	ReceiveAnswer *answer = state;

	sync_refuse_nulls("p_receive", nulls, 1);
	answer->cursor = sync_read_token("p_receive", values[0], values[1], nulls[1]);
	answer->receipt = nulls[2] ? SYNC_ELSEWHERE : DatumGetBool(values[2]) ? SYNC_PART : SYNC_WHOLE;
	if (answer->here)
		sync_fault("before_apply_commit");
}

/* The numbers, keys and sketches of rows, as arrays. */
static void
rows_as_arrays(const List *rows, SyncValue *arrays)
{
	int count = list_length(rows);
	Datum *seqs = palloc((count + 1) * sizeof(Datum));
	Datum *keys = palloc((count + 1) * sizeof(Datum));
	Datum *sketches = palloc((count + 1) * sizeof(Datum));
	bool *gone = palloc(count + 1);

	for (int i = 0; i < count; i++)
	{
		const SyncMoved *row = list_nth(rows, i);

		seqs[i] = Int64GetDatum(row->seq);
		keys[i] = PointerGetDatum(row->key);
		sketches[i] = PointerGetDatum(row->sketches);
		gone[i] = row->sketches == NULL;
	}
	arrays[0] = SYNC_ARRAY(INT8OID, seqs, NULL, count);
	arrays[1] = SYNC_ARRAY(BYTEAOID, keys, NULL, count);
	arrays[2] = SYNC_ARRAY(BYTEAOID, sketches, gone, count);
}

static bool
receive(SyncEnd *end, const SyncDelivery *delivery, SyncReceiveMode mode, const SyncValue *arrays,
		ReceiveAnswer *answer)
{
	static SyncStatement statement = SYNC_STATEMENT(
		"r",
		"CALL hllset_sync.p_receive($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, NULL, "
		"NULL, NULL)",
		1, INT8OID, UUIDOID, BOOLOID);
	SyncValue *values = SYNC_VALUES(
		SYNC_TEXT(delivery->set_name), SYNC_UUID(delivery->origin),
		SYNC_TEXT(delivery->origin_name), SYNC_TEXT(sync_receive_modes[mode]),
		SYNC_INT8(delivery->from.seq), SYNC_NONCE(delivery->from),
		SYNC_INT8(delivery->truncated_at), arrays[0], arrays[1], arrays[2],
		SYNC_NULLABLE(delivery->moves, SYNC_INT8(delivery->to.seq)),
		SYNC_NULLABLE(delivery->moves && delivery->to.has_nonce, SYNC_UUID(&delivery->to.nonce)),
		SYNC_BOOL(delivery->patient));

	return sync_try_call(end, &statement, values, read_received, answer) == 0;
}

SyncReceipt
sync_ask_receive(SyncEnd *end, const SyncDelivery *delivery, const List *rows, SyncToken *cursor)
{
	ReceiveAnswer answer = {.here = false};
	/* A round has many batches. */
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "hllset_sync receive", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	SyncValue arrays[3];
	bool done = true;

	rows_as_arrays(rows, arrays);
	/* At a peer the procedure counts the attempt by itself, in a transaction of its own; here each call is one. */
	if (end->wire == NULL)
	{
		done = receive(end, delivery, SYNC_ATTEMPT, arrays, &answer);
		answer.here = true;
	}
	done = done && receive(end, delivery, delivery->mode, arrays, &answer);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	*cursor = answer.cursor;
	return done ? answer.receipt : SYNC_NOT_TAKEN;
}
