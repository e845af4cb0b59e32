/* SPDX-License-Identifier: PostgreSQL */
/* One set in one direction: rows of the owner's feed, batch by batch, each with the cursor that it leads to. */
#include "round/round.h"

static void
tell_context(void *arg)
{
	const SyncFlow *flow = arg;

	errcontext("syncing set \"%s\" with peer \"%s\" after seq %lld", flow->set_name,
			   flow->visit->link->server, (long long) flow->cursor.seq);
}

void
sync_forget_rows(SyncFlow *flow)
{
	MemoryContextReset(flow->batch);
	flow->rows = NIL;
}

/* ---- p_receive ---- */

/* The answer, or NULL if too many batches were begun that did not end. */
static const NullableDatum *
receive(SyncFlow *flow, SyncReceiveMode mode, const SyncToken *to, const List *rows)
{
	static SyncStatement statement = SYNC_STATEMENT(
		"r", "p_receive",
		"CALL hllset_sync.p_receive($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, NULL, "
		"NULL, NULL)",
		1, INT8OID, UUIDOID, BOOLOID);
	MemoryContext caller = MemoryContextSwitchTo(flow->batch);
	const SyncToken goal = to != NULL ? *to : flow->cursor;
	SyncValue *values = SYNC_VALUES(
		SYNC_TEXT(flow->set_name), SYNC_UUID(flow->origin), SYNC_TEXT(flow->origin_name),
		SYNC_TEXT(sync_receive_modes[SYNC_ATTEMPT]), SYNC_INT8(flow->cursor.seq),
		SYNC_NONCE(flow->cursor), SYNC_INT8(flow->relation->head.truncated_at),
		sync_column_array(INT8OID, rows, 0, SYNC_ROW_SEQ),
		sync_column_array(BYTEAOID, rows, 0, SYNC_ROW_KEY),
		sync_column_array(BYTEAOID, rows, 0, SYNC_ROW_CONTENT),
		SYNC_NULLABLE(to != NULL, SYNC_INT8(goal.seq)),
		SYNC_NULLABLE(to != NULL && goal.has_nonce, SYNC_UUID(&goal.nonce)),
		SYNC_BOOL(flow->patient));
	int sqlstate = 0;
	List *answer;

	/* At a peer the procedure counts the attempt by itself, in a transaction of its own; here each call is one. */
	if (flow->sink->wire == NULL)
		sqlstate = sync_try_call(flow->sink, &statement, values, &answer);
	values[3] = SYNC_TEXT(sync_receive_modes[mode]);
	if (sqlstate == 0)
		(void) sync_try_call(flow->sink, &statement, values, &answer);
	MemoryContextSwitchTo(caller);
	return answer == NIL ? NULL : linitial(answer);
}

/* Until what comes before the rows, in parts, and the rows are done. With no rows, and no TO, only what comes before them is. */
static SyncOutcome
deliver_parts(SyncFlow *flow, SyncReceiveMode mode, const SyncToken *to, const List *rows)
{
	bool pushes = flow->sink->wire != NULL;

	do
	{
		const NullableDatum *answer;

		if (pushes)
			sync_fault("before_push");
		flow->begun = true;
		answer = receive(flow, mode, to, rows);
		flow->begun = false;
		if (answer == NULL)
			return SYNC_POISONED;
		sync_refuse_nulls(flow->sink, answer, 1);
		flow->cursor = sync_read_token(flow->sink, answer[0], answer[1]);
		sync_fault(pushes ? "after_push_commit" : "after_apply_commit");
		if (answer[2].isnull) /* nothing was done: the copies were elsewhere */
			return SYNC_OVERTAKEN;
		if (!DatumGetBool(answer[2].value)) /* there are no more parts */
			return SYNC_CAUGHT_UP;
	} while (sync_left(flow->until) > 0);
	return SYNC_BEHIND;
}

SyncOutcome
sync_deliver(SyncFlow *flow, SyncReceiveMode mode, const SyncToken *to)
{
	SyncOutcome outcome = SYNC_CAUGHT_UP;

	/* Copies from before a TRUNCATE may be many; the rows need not cross with each part of them. */
	if (mode == SYNC_CHANGES && flow->cursor.seq > 0 &&
		flow->relation->head.truncated_at > flow->cursor.seq)
		outcome = deliver_parts(flow, mode, NULL, NIL);
	if (outcome == SYNC_CAUGHT_UP)
		outcome = deliver_parts(flow, mode, to, flow->rows);
	if (outcome == SYNC_CAUGHT_UP)
		flow->moved += list_length(flow->rows);
	return outcome;
}

/* ---- p_changes ---- */

/* Takes the rows of an answer, and returns where they lead. */
static SyncToken
read_changes(SyncFlow *flow)
{
	SyncToken last = flow->cursor;
	int64 bytes = 0;
	ListCell *cell;

	foreach (cell, flow->rows)
	{
		const NullableDatum *row = lfirst(cell);
		SyncToken token;

		if (row[SYNC_ROW_KEY].isnull) /* there are no more changes */
		{
			if (lnext(flow->rows, cell) != NULL)
				sync_refuse_answer(flow->source, "a row after the end");
			flow->rows = list_delete_last(flow->rows);
			return flow->relation->head.token;
		}
		sync_refuse_nulls(flow->source, row, 2);
		token = sync_read_token(flow->source, row[SYNC_ROW_SEQ], row[SYNC_ROW_EXTRA]);
		if (token.seq <= last.seq || token.seq > flow->relation->head.token.seq)
			sync_refuse_answer(flow->source, "a row out of order");
		if (bytes > sync_max_batch_bytes)
			sync_refuse_answer(flow->source, "more bytes than asked for");
		if (foreach_current_index(cell) >= sync_max_batch_rows)
			sync_refuse_answer(flow->source, "more rows than asked for");
		bytes += VARSIZE(DatumGetPointer(row[SYNC_ROW_KEY].value));
		if (!row[SYNC_ROW_CONTENT].isnull)
			bytes += VARSIZE(DatumGetPointer(row[SYNC_ROW_CONTENT].value));
		last = token;
	}
	return last;
}

/* The next rows. 0; HS001: the cursor is not on this history; HS007: it is, but older than the floor. */
static int
ask_changes(SyncFlow *flow, SyncToken *reached)
{
	static SyncStatement statement = SYNC_STATEMENT(
		"g", "p_changes",
		"SELECT key, seq, sketches, nonce FROM hllset_sync.p_changes($1, $2, $3, $4, $5, $6)",
		SYNC_MOST_ROWS, BYTEAOID, INT8OID, BYTEAOID, UUIDOID);
	MemoryContext caller;
	int sqlstate;

	sync_forget_rows(flow);
	caller = MemoryContextSwitchTo(flow->batch);
	sqlstate = sync_try_call(
		flow->source, &statement,
		SYNC_VALUES(SYNC_TEXT(flow->set_name), SYNC_INT8(flow->cursor.seq),
					SYNC_NONCE(flow->cursor), SYNC_INT8(flow->relation->head.token.seq),
					SYNC_INT4(sync_max_batch_rows), SYNC_INT8(sync_max_batch_bytes)),
		&flow->rows);
	MemoryContextSwitchTo(caller);
	if (sqlstate == 0)
		*reached = read_changes(flow);
	return sqlstate;
}

/* ---- batch by batch ---- */

static SyncOutcome
transfer_batches(SyncFlow *flow)
{
	SyncOutcome outcome = SYNC_CAUGHT_UP;
	SyncToken reached;
	int sqlstate;

	while (outcome == SYNC_CAUGHT_UP &&
		   !sync_token_equal(&flow->cursor, &flow->relation->head.token))
	{
		if (sync_left(flow->until) == 0)
			return SYNC_BEHIND;
		sqlstate = ask_changes(flow, &reached);
		/* What a scan is still to find would be taken for deleted. */
		if (sqlstate != 0 &&
			(flow->relation->head.scanning ||
			 (flow->relation->comparison == NULL && !sync_may_compare(flow->visit))))
			return SYNC_BEHIND;
		if (sqlstate != 0)
			return sync_reconcile(flow, sqlstate == ERRCODE_SYNC_HISTORY ? SYNC_AFTER_REWIND
																		 : SYNC_AFTER_GAP);
		/* Another link has brought the copies past the head that this one knows. */
		if (flow->cursor.seq > flow->relation->head.token.seq)
			return SYNC_CAUGHT_UP;
		outcome = sync_deliver(flow, SYNC_CHANGES, &reached);
	}
	return outcome;
}

SyncOutcome
sync_transfer(SyncFlow *flow)
{
	ErrorContextCallback context = {
		.previous = error_context_stack, .callback = tell_context, .arg = flow};
	SyncOutcome outcome;

	error_context_stack = &context;
	outcome = transfer_batches(flow);
	error_context_stack = context.previous;
	return outcome;
}
