/* SPDX-License-Identifier: PostgreSQL */
/* All sets in one direction, one after the other. What goes wrong with one is noted in its relation and stops no other. */
#include "round/round.h"

#include "pgstat.h"

#define SLICE_OF_SET 800   /* ms */
#define SLICE_OF_PROOF 500 /* ms, if nothing is known to be missing */
#define SHORT_REST 1000    /* ms in which a set is left alone that failed, or another link moves */
#define REST 5000          /* ms, if it failed before, too */
#define READER_TIME 3000   /* ms for which a push leaves changes to a peer that reads by itself */
#define MAX_COMPARISONS 4  /* in one direction of a link, that go on in the next round */
#define MAX_DOUBLINGS 5    /* of a rest, while another link moves the same copies: 32 s */

bool
sync_is_behind(const SyncRelation *relation)
{
	return relation->has_head && !sync_token_equal(&relation->head.token, &relation->copies);
}

/* ---- one set ---- */

static void
run_flow(void *arg)
{
	SyncFlow *flow = arg;
	SyncReason reason = sync_compares(flow->relation);

	flow->outcome = SYNC_CAUGHT_UP;
	/* The feed can't go on before the comparison that was begun for it has ended; one that verifies has time. */
	if (reason == SYNC_AFTER_GAP || reason == SYNC_AFTER_REWIND)
		flow->outcome = sync_reconcile(flow, reason);
	if (flow->outcome == SYNC_CAUGHT_UP)
		flow->outcome = sync_transfer(flow);
	if (flow->outcome == SYNC_CAUGHT_UP && flow->verifies)
		flow->outcome = sync_reconcile(flow, SYNC_TO_VERIFY);
	/* The copies are where they should be, though not all is proved yet. */
	if (sync_compares(flow->relation) == SYNC_TO_VERIFY && flow->outcome == SYNC_BEHIND &&
		sync_token_equal(&flow->cursor, &flow->relation->head.token))
	{
		flow->outcome = SYNC_CAUGHT_UP;
		flow->visit->link->round->again = true;
	}
}

/*
 * A copy goes to the head that there was when it began, so that what is left of it only falls, whatever is written meanwhile. As long as the source is
 * scanning nobody knows how many rows it has.
 */
static void
note_progress(const SyncFlow *flow)
{
	SyncRelation *relation = flow->relation;
	int64 head = relation->head.token.seq;
	int64 from = relation->copies.seq;

	if (relation->goal <= from || relation->goal > head)
	{
		if (relation->goal > 0 || relation->shown.condition == SYNC_SETTLED)
			relation->began = from;
		relation->goal = relation->head.scanning ? 0 : head;
	}
	if (relation->comparison != NULL)
	{
		relation->shown.done = flow->found.compared;
		relation->shown.to_do =
			flow->found.to_compare < 0 ? -1 : Max(flow->found.to_compare - flow->found.compared, 0);
		return;
	}
	relation->shown.done = Max(flow->cursor.seq - relation->began, 0);
	relation->shown.to_do = relation->goal == 0 ? -1 : Max(relation->goal - flow->cursor.seq, 0);
}

static void
show_places(SyncRelation *relation, const SyncToken *copies)
{
	relation->shown.cursor = copies->seq;
	relation->shown.head = relation->head.token.seq;
}

/* The copies have reached the head: all that there is only if the source has numbers for all. */
static void
note_settled(SyncLink *link, SyncRelation *relation)
{
	const SyncHead *head = &relation->head;

	relation->settled = head->token;
	relation->behind_since = 0;
	if (relation->comparison == NULL)
		relation->shown.to_do = head->scanning ? -1 : 0;
	sync_relation_note(link, relation,
					   head->scanning ? SYNC_SCANNING
					   : head->held   ? SYNC_HELD
					   : head->more   ? SYNC_NUMBERING
									  : SYNC_SETTLED,
					   0, NULL);
}

static void
note_outcome(const SyncFlow *flow)
{
	SyncLink *link = flow->visit->link;
	SyncRelation *relation = flow->relation;

	show_places(relation, &flow->cursor);
	note_progress(flow);
	link->round->caught_up &= flow->outcome == SYNC_CAUGHT_UP;
	switch (flow->outcome)
	{
		case SYNC_CAUGHT_UP:
			relation->overtaken = 0;
			note_settled(link, relation);
			break;
		case SYNC_OVERTAKEN:
			relation->rests_until =
				sync_after(SHORT_REST << Min(relation->overtaken, MAX_DOUBLINGS));
			relation->overtaken++;
			sync_relation_note(link, relation, SYNC_YIELDING, 0, NULL);
			break;
		case SYNC_BEHIND:
			link->round->again = true;
			sync_relation_note(link, relation, SYNC_MOVING, 0, NULL);
			break;
		case SYNC_POISONED:
			link->round->failed_sets++;
			sync_relation_note(link, relation, SYNC_STOPPED, 0,
							   psprintf("the server crashed in some attempts in a row: SELECT "
										"hllset_sync.resume_peer(%s)",
										quote_literal_cstr(link->server)));
			break;
	}
	if (!flow->rewound)
		return;
	flow->visit->rewound = true;
	ereport(WARNING, (errmsg("hllset_sync: set \"%s\": history of node %s was rewound; "
							 "reconciling; %lld rows kept that it no longer has",
							 flow->set_name, flow->origin_name, (long long) flow->found.orphans)));
}

static void
note_error(const SyncFlow *flow, ErrorData *error)
{
	SyncLink *link = flow->visit->link;
	SyncRelation *relation = flow->relation;

	sync_forget_comparison(relation);
	relation->rests_until =
		sync_after(relation->shown.condition == SYNC_FAILED ? REST : SHORT_REST);
	sync_relation_note(link, relation, SYNC_FAILED, error->sqlerrcode, error->message);
	link->round->failed_sets++;
	link->round->caught_up = false;
	if (error->sqlerrcode == ERRCODE_SYNC_SET)
		link->sets_read = 0;
	if (link->there.wire->state == SYNC_WIRE_LOST ||
		(sync_in_procedure && error->sqlerrcode == ERRCODE_QUERY_CANCELED))
		ReThrowError(error);
}

bool
sync_may_compare(const SyncVisit *visit)
{
	int count = 0;
	ListCell *cell;

	foreach (cell, visit->relations)
		count += ((SyncRelation *) lfirst(cell))->comparison != NULL;
	return count < MAX_COMPARISONS;
}

/* An attempt here that ended in an error has ended, too: only those count that crash the server. At a peer the peer sees to that. */
static void
end_attempt(void *arg)
{
	const SyncFlow *flow = arg;

	sync_begin(NULL);
	sync_catalog("UPDATE hllset_sync.cursors c SET attempts = greatest(attempts - 1, 0) FROM "
				 "hllset_sync.sets s, hllset_sync.origins o WHERE s.set_id = c.set_id AND "
				 "o.origin_id = c.origin_id AND s.set_name = $1 AND o.node_id = $2",
				 SYNC_TEXT(flow->set_name), SYNC_UUID(flow->origin));
	sync_commit();
}

static void
run_set(SyncVisit *visit, SyncRelation *relation, bool verifies)
{
	bool comes = visit->direction == SYNC_FROM_PEER;
	SyncRound *round = visit->link->round;
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "hllset_sync set", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	SyncFlow flow = sync_link_flow(visit, relation);
	ErrorData *error;

	if (!sync_in_procedure)
		pgstat_report_activity(STATE_RUNNING,
							   psprintf("%s %s %s %s", comes ? "pull" : "push", flow.set_name,
										comes ? "from" : "to", visit->link->server));
	flow.cursor = relation->copies;
	flow.verifies = verifies;
	flow.until = Min(visit->until, sync_after(verifies ? SLICE_OF_PROOF : SLICE_OF_SET));
	/* Attempts at a peer from before it was resumed don't count. */
	flow.patient =
		relation->shown.condition == SYNC_UNKNOWN || relation->shown.condition == SYNC_RESUMED;
	/* Calls that come while one is under way want another: of what it has passed it sees nothing. */
	if (sync_compares(relation) != SYNC_TO_VERIFY)
		relation->resyncing = relation->resyncs;
	error = sync_guard(context, run_flow, &flow);
	if (error != NULL && flow.begun && comes)
		(void) sync_guard(context, end_attempt, &flow);
	*(comes ? &round->rows_in : &round->rows_out) += flow.moved;
	if (error != NULL)
		note_error(&flow, error);
	else
		note_outcome(&flow);
	if (verifies && relation->comparison == NULL)
	{
		relation->verified = sync_clock();
		if (flow.outcome == SYNC_CAUGHT_UP)
		{
			relation->resyncing = Min(relation->resyncing, relation->resyncs);
			relation->shown.resynced += relation->resyncing;
			relation->resyncs -= relation->resyncing;
			relation->resyncing = 0;
		}
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

/* ---- all sets in one direction ---- */

/* What a scan at the source is still to find would be taken for deleted. */
static bool
may_verify(const SyncVisit *visit, const SyncRelation *relation)
{
	bool due = sync_verify_every > 0 &&
			   sync_elapsed(relation->verified, sync_verify_every * INT64CONST(1000));

	return (due || relation->resyncs > 0) && !relation->head.scanning &&
		   (relation->comparison != NULL || sync_may_compare(visit));
}

/* As long as the reader gets on. */
static bool
is_left_to_reader(const SyncVisit *visit, SyncRelation *relation)
{
	if (!list_member_int(visit->left_to_reader, relation->set->id))
		return false;
	if (relation->behind_since == 0 || relation->shown.cursor != relation->copies.seq)
		relation->behind_since = sync_clock();
	show_places(relation, &relation->copies);
	return !sync_elapsed(relation->behind_since, READER_TIME);
}

static void
visit_set(SyncVisit *visit, SyncRelation *relation)
{
	SyncRound *round = visit->link->round;
	bool behind = sync_is_behind(relation);

	if (!relation->has_head)
	{
		sync_relation_note(visit->link, relation,
						   visit->direction == SYNC_FROM_PEER ? SYNC_WITHDRAWN : SYNC_BROKEN, 0,
						   NULL);
		round->caught_up = false;
		round->failed_sets++;
		visit->link->sets_read = 0;
		return;
	}
	round->caught_up &= !relation->head.more && !relation->head.held;
	round->again |= relation->head.more;
	if (behind && is_left_to_reader(visit, relation))
		sync_relation_note(visit->link, relation, SYNC_YIELDING, 0, NULL);
	else if (behind && sync_left(relation->rests_until) > 0)
	{
		round->caught_up = false;
		round->failed_sets += relation->shown.condition == SYNC_FAILED;
	}
	else if (behind || relation->comparison != NULL || may_verify(visit, relation))
		run_set(visit, relation, may_verify(visit, relation));
	else
	{
		show_places(relation, &relation->copies);
		note_settled(visit->link, relation);
	}
}

/*
 * Begins anywhere, so that a set that ends each round does not keep the same others waiting. An answer that made no sense leaves the connection useless,
 * and the next round opens another.
 */
void
sync_visit_all(SyncVisit *visit)
{
	SyncRound *round = visit->link->round;
	int count = list_length(visit->relations);
	int first = (int) (sync_random() * count);

	for (int i = 0; i < count && round->whole; i++)
	{
		visit_set(visit, list_nth(visit->relations, (first + i) % count));
		round->whole = visit->link->there.wire->state == SYNC_WIRE_READY;
	}
	round->sets = Max(round->sets, count);
}
