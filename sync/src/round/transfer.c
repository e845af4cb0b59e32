/* SPDX-License-Identifier: PostgreSQL */
/* One set in one direction: rows of the owner's feed, batch by batch, each with the cursor that it leads to. */
#include "round/round.h"

static void
tell_context(void *arg)
{
	const SyncFlow *flow = arg;

	errcontext("syncing set \"%s\" with peer \"%s\" after seq %lld", flow->set_name,
			   (flow->source->wire != NULL ? flow->source : flow->sink)->wire->server,
			   (long long) flow->cursor.seq);
}

/* Until what comes before the rows, in parts, and the rows are done. With no rows, and no TO, only what comes before them is. */
static SyncOutcome
deliver_parts(SyncFlow *flow, SyncReceiveMode mode, const SyncToken *to, const List *rows)
{
	bool pushes = flow->sink->wire != NULL;
	SyncReceipt receipt;

	do
	{
		SyncDelivery delivery = {.set_name = flow->set_name,
								 .origin = flow->origin,
								 .origin_name = flow->origin_name,
								 .mode = mode,
								 .from = flow->cursor,
								 .to = to != NULL ? *to : flow->cursor,
								 .moves = to != NULL,
								 .truncated_at = mode == SYNC_CHANGES ? flow->head.truncated_at : 0,
								 .patient = flow->patient};

		if (pushes)
			sync_fault("before_push");
		flow->begun = true;
		receipt = sync_ask_receive(flow->sink, &delivery, rows, &flow->cursor);
		flow->begun = false;
		if (receipt == SYNC_NOT_TAKEN)
		{
			flow->cursor = delivery.from;
			return SYNC_POISONED;
		}
		sync_fault(pushes ? "after_push_commit" : "after_apply_commit");
		if (receipt == SYNC_PART && sync_left(flow->until) == 0)
			return SYNC_BEHIND;
	} while (receipt == SYNC_PART);
	return receipt == SYNC_ELSEWHERE ? SYNC_OVERTAKEN : SYNC_CAUGHT_UP;
}

SyncOutcome
sync_deliver(SyncFlow *flow, SyncReceiveMode mode, const SyncToken *to)
{
	SyncOutcome outcome = SYNC_CAUGHT_UP;

	/* Copies from before a TRUNCATE may be many; the rows need not cross with each part of them. */
	if (mode == SYNC_CHANGES && flow->cursor.seq > 0 && flow->head.truncated_at > flow->cursor.seq)
		outcome = deliver_parts(flow, mode, NULL, NIL);
	if (outcome == SYNC_CAUGHT_UP)
		outcome = deliver_parts(flow, mode, to, flow->batch->rows);
	if (outcome == SYNC_CAUGHT_UP)
		flow->rows += list_length(flow->batch->rows);
	return outcome;
}

static SyncOutcome
transfer_batches(SyncFlow *flow)
{
	SyncOutcome outcome = SYNC_CAUGHT_UP;
	int sqlstate;

	while (outcome == SYNC_CAUGHT_UP && !sync_token_equal(&flow->cursor, &flow->head.token))
	{
		if (sync_left(flow->until) == 0)
			return SYNC_BEHIND;
		sqlstate = sync_ask_changes(flow->source, flow->set_name, &flow->cursor,
									flow->head.token.seq, flow->batch);
		/* What a scan is still to find would be taken for deleted. */
		if (sqlstate != 0 &&
			(flow->head.scanning || (flow->comparison == NULL && !flow->may_compare)))
			return SYNC_BEHIND;
		if (sqlstate != 0)
			return sync_reconcile(flow, sqlstate == ERRCODE_SYNC_HISTORY ? SYNC_AFTER_REWIND
																		 : SYNC_AFTER_GAP);
		/* Another link has brought the copies past the head that this one knows. */
		if (flow->cursor.seq > flow->head.token.seq)
			return SYNC_CAUGHT_UP;
		outcome = sync_deliver(flow, SYNC_CHANGES,
							   flow->batch->complete ? &flow->head.token : &flow->batch->last);
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
