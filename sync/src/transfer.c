/* SPDX-License-Identifier: PostgreSQL */
/* One set in one direction: rows of the owner's feed, batch by batch, each with the cursor that it leads to. */
#include "link.h"

/* So many batches may be begun and not ended, as when one crashes the server, before the link is paused. */
#define MAX_ATTEMPTS 3

static void
tell_context(void *arg)
{
	const SyncFlow *flow = arg;

	errcontext("syncing set \"%s\" with peer \"%s\" after seq %lld", flow->set_name,
			   flow->source->wire != NULL ? flow->source->label : flow->sink->label,
			   (long long) flow->cursor.seq);
}

bool
sync_may_deliver(SyncFlow *flow)
{
	return sync_ask_attempt(flow->sink, flow->set_name, flow->origin) <= MAX_ATTEMPTS ||
		   flow->patient;
}

SyncOutcome
sync_deliver(SyncFlow *flow, SyncReceiveMode mode, const SyncToken *to)
{
	SyncDelivery delivery = {.set_name = flow->set_name,
							 .origin = flow->origin,
							 .origin_name = flow->origin_name,
							 .mode = mode,
							 .from = flow->cursor};
	SyncToken expected = to != NULL ? *to : flow->cursor;
	bool pushes = flow->sink->wire != NULL;

	delivery.moves = to != NULL;
	delivery.to = expected;
	delivery.releases = flow->claimed && delivery.moves && sync_token_equal(to, &flow->head.token);
	if (mode == SYNC_CHANGES)
		delivery.truncated_at = flow->head.truncated_at;
	if (pushes)
		sync_fault("before_push");
	flow->cursor = sync_ask_receive(flow->sink, &delivery, flow->batch);
	flow->claimed &= !delivery.releases;
	if (pushes)
		sync_fault("after_push_commit");
	else
		sync_fault("after_apply_commit");
	if (!sync_token_equal(&flow->cursor, &expected))
		return SYNC_OVERTAKEN;
	flow->rows += flow->batch->count;
	return SYNC_CAUGHT_UP;
}

/* The source stops short of the limits only where a row would have gone over one. */
static bool
is_last_batch(const SyncBatch *batch)
{
	return batch->count < sync_max_batch_rows &&
		   batch->bytes + sync_max_row_bytes < sync_max_batch_bytes;
}

static SyncOutcome
deliver_changes(SyncFlow *flow)
{
	SyncToken to = is_last_batch(flow->batch) ? flow->head.token : flow->batch->last;

	if (!sync_may_deliver(flow))
		return SYNC_POISONED;
	return sync_deliver(flow, SYNC_CHANGES, &to);
}

static SyncOutcome
transfer_batches(SyncFlow *flow)
{
	bool seeds = flow->cursor.seq == 0;
	SyncOutcome outcome = SYNC_CAUGHT_UP;

	while (outcome == SYNC_CAUGHT_UP && !sync_token_equal(&flow->cursor, &flow->head.token))
	{
		if (GetCurrentTimestamp() >= flow->until)
			return SYNC_BEHIND;
		/* Not on the history: up to the floor it was forgotten, and with it deletions perhaps; above it was undone. */
		if (!sync_ask_changes(flow->source, flow->set_name, &flow->cursor, flow->head.token.seq,
							  flow->batch))
			return sync_reconcile(flow, flow->cursor.seq > flow->head.floor);
		/* Another link has brought the copies past the head that this one knows. */
		if (flow->cursor.seq > flow->head.token.seq)
			return SYNC_CAUGHT_UP;
		outcome = deliver_changes(flow);
		if (seeds)
			sync_fault("mid_seed");
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
