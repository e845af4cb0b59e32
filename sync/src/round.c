/* SPDX-License-Identifier: PostgreSQL */
/*
 * A round with a peer: all sets that both have, first from there, then to there. What goes wrong with one set is noted in its lane and stops no
 * other; what goes wrong with the peer ends the round.
 */
#include "link.h"
#include "process.h"

#include "executor/spi.h"
#include "nodes/pg_list.h"
#include "pgstat.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#define SLICE_OF_ROUND \
	10000                 /* ms in each direction, so that no set and no direction waits for long */
#define SLICE_OF_SET 2000 /* ms */
#define SHORT_REST \
	1000          /* ms for which a set is left alone that failed, or that another link moves */
#define REST 5000 /* ms, if it failed before, too */
#define MAX_REFUSALS 10  /* a claim may be that of a session whose network is gone */
#define TELL_EVERY 30000 /* ms between two times that the peer is told how far our copies are */

/* The sets that have a lane in one direction, and where both ends of it are. */
typedef struct Lanes
{
	SyncLink *link;
	SyncRound *round;
	SyncDirection direction;
	SyncFlow flow; /* of any of the sets */
	int count;
	SyncShared **sets;
	const char **names;
	SyncHead *heads;
	SyncToken *cursors;
	TimestampTz until;
	bool rewound; /* some set was */
} Lanes;

typedef struct LaneRun
{
	Lanes *lanes;
	SyncLane *lane;
	SyncFlow flow;
	SyncOutcome outcome;
	bool verifies;
} LaneRun;

/* An answer that made no sense leaves the wire useless; the next round opens another. */
static bool
is_ready(const SyncLink *link)
{
	return sync_wire_state(link->there.wire) == SYNC_WIRE_READY;
}

/* Paused, or a set that both have and that can't be synced. */
static bool
is_stuck(const SyncLane *lane)
{
	return lane->state != NULL && (strcmp(lane->state, "paused") == 0 ||
								   (!lane->wanted && strcmp(lane->state, "error") == 0));
}

static Lanes *
choose_lanes(SyncLink *link, SyncRound *round, SyncDirection direction)
{
	Lanes *lanes = palloc0(sizeof(Lanes));
	ListCell *cell;

	lanes->link = link;
	lanes->round = round;
	lanes->direction = direction;
	lanes->flow = sync_link_flow(link, direction);
	lanes->sets = palloc(list_length(link->sets) * sizeof(SyncShared *));
	lanes->names = palloc(list_length(link->sets) * sizeof(char *));
	foreach (cell, link->sets)
	{
		SyncShared *set = lfirst(cell);

		if (is_stuck(&set->lanes[direction]))
		{
			round->caught_up = false;
			round->failed_sets++;
		}
		else if (set->lanes[direction].wanted)
		{
			lanes->names[lanes->count] = set->name;
			lanes->sets[lanes->count++] = set;
		}
	}
	lanes->until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), SLICE_OF_ROUND);
	return lanes;
}

/* ---- one set ---- */

/* What passes by itself, if only it is tried again. */
static bool
is_passing(int sqlstate)
{
	int class = ERRCODE_TO_CATEGORY(sqlstate);

	return class == ERRCODE_INSUFFICIENT_RESOURCES ||
		   class == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE ||
		   class == ERRCODE_OPERATOR_INTERVENTION || class == ERRCODE_TRANSACTION_ROLLBACK;
}

/*
 * Attempts that did not end mean a batch that crashes a server, unless the lane says that they ended in an error that passes. Of a peer's
 * attempts only those count that failed since the lane was last resumed.
 */
static bool
is_patient(const Lanes *lanes, const SyncLane *lane)
{
	bool failed = lane->state != NULL && strcmp(lane->state, "error") == 0;

	return failed ? is_passing(lane->sqlstate) : lanes->direction == SYNC_TO_PEER;
}

/* Procedures go on without a claim: their caller wants the round done now. */
static bool
may_begin(LaneRun *run)
{
	SyncFlow *flow = &run->flow;

	flow->claimed = sync_ask_claim(flow->sink, flow->set_name, flow->origin, flow->cursor.seq);
	if (flow->claimed || sync_in_procedure || ++run->lane->refusals > MAX_REFUSALS)
		run->lane->refusals = 0;
	return run->lane->refusals == 0;
}

static void
run_lane(void *arg)
{
	LaneRun *run = arg;

	run->flow.batch = sync_batch_create();
	if (!may_begin(run))
		run->outcome = SYNC_OVERTAKEN;
	else
		run->outcome =
			run->verifies ? sync_reconcile(&run->flow, false) : sync_transfer(&run->flow);
}

/* The owner of a history that is undone again and again is likely two servers. */
static void
note_rewind(SyncLink *link)
{
	TimestampTz now = GetCurrentTimestamp();

	memmove(link->rewinds + 1, link->rewinds, sizeof(link->rewinds) - sizeof(link->rewinds[0]));
	link->rewinds[0] = now;
	if (TimestampDifferenceExceeds(link->rewinds[lengthof(link->rewinds) - 1], now, 60 * 60 * 1000))
		return;
	memset(link->rewinds, 0, sizeof(link->rewinds));
	sync_link_pause(link, psprintf("two servers claim to be node %s", link->hello.node_name));
	ereport(ERROR, (errcode(ERRCODE_SYNC_IDENTITY),
					errmsg("two servers claim to be node %s", link->hello.node_name),
					errdetail("Its history was rewound %d times within an hour.",
							  (int) lengthof(link->rewinds))));
}

static void
rest(SyncLane *lane, int ms)
{
	lane->rests_until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ms);
}

static void
note_outcome(LaneRun *run, SyncShared *set)
{
	SyncLink *link = run->lanes->link;
	SyncFlow *flow = &run->flow;
	SyncLane *lane = run->lane;
	ErrorData poison = {.sqlerrcode =
							lane->sqlstate != 0 ? lane->sqlstate : ERRCODE_CRASH_SHUTDOWN};

	sync_lane_places(lane, flow->cursor.seq, flow->head.token.seq);
	run->lanes->round->caught_up &= run->outcome == SYNC_CAUGHT_UP;
	switch (run->outcome)
	{
		case SYNC_CAUGHT_UP:
			lane->settled = flow->head.token;
			sync_lane_note(link, lane, "ok", NULL);
			break;
		case SYNC_OVERTAKEN:
			rest(lane, SHORT_REST);
			sync_lane_note(link, lane, "behind", NULL);
			break;
		case SYNC_BEHIND:
			run->lanes->round->again = true;
			sync_lane_note(link, lane, "behind", NULL);
			break;
		case SYNC_POISONED:
			poison.message =
				psprintf("paused, since some attempts in a row did not end; the last error: %s",
						 lane->error != NULL ? lane->error : "none; a server crashed");
			sync_lane_note(link, lane, "paused", &poison);
			ereport(WARNING, (errmsg("hllset_sync: peer \"%s\": set \"%s\": %s", link->server,
									 set->name, poison.message)));
			break;
	}
	if (!flow->rewound || run->outcome != SYNC_CAUGHT_UP)
		return;
	run->lanes->rewound = true;
	ereport(WARNING, (errmsg("hllset_sync: set \"%s\": history of node %s was rewound; "
							 "reconciling; %lld rows kept that it no longer has",
							 set->name, flow->origin_name, (long long) flow->orphans)));
}

static void
note_error(LaneRun *run, ErrorData *error)
{
	SyncEnd *there = &run->lanes->link->there;

	rest(run->lane, run->lane->error != NULL ? REST : SHORT_REST);
	sync_lane_note(run->lanes->link, run->lane, "error", error);
	run->lanes->round->failed_sets++;
	run->lanes->round->caught_up = false;
	if (sync_wire_state(there->wire) == SYNC_WIRE_LOST ||
		(sync_in_procedure && error->sqlerrcode == ERRCODE_QUERY_CANCELED))
		ReThrowError(error);
}

static void
release_claim(void *arg)
{
	SyncFlow *flow = &((LaneRun *) arg)->flow;

	if (flow->claimed &&
		(flow->sink->wire == NULL || sync_wire_state(flow->sink->wire) == SYNC_WIRE_READY))
		sync_ask_release(flow->sink, flow->set_name, flow->origin);
}

static void
run_set(Lanes *lanes, int i, bool verifies)
{
	SyncShared *set = lanes->sets[i];
	TimestampTz now = GetCurrentTimestamp();
	LaneRun run = {.lanes = lanes, .lane = &set->lanes[lanes->direction], .verifies = verifies};
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "hllset_sync set", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	ErrorData *error;

	if (!sync_in_procedure)
		pgstat_report_activity(
			STATE_RUNNING,
			psprintf("%s %s %s %s", lanes->direction == SYNC_FROM_PEER ? "pull" : "push", set->name,
					 lanes->direction == SYNC_FROM_PEER ? "from" : "to", lanes->link->server));
	run.flow = lanes->flow;
	run.flow.set_name = set->name;
	run.flow.head = lanes->heads[i];
	run.flow.cursor = lanes->cursors[i];
	run.flow.until = Min(lanes->until, TimestampTzPlusMilliseconds(now, SLICE_OF_SET));
	run.flow.patient = is_patient(lanes, run.lane);
	error = sync_guard(context, run_lane, &run);
	(void) sync_guard(context, release_claim, &run);
	*(lanes->direction == SYNC_FROM_PEER ? &lanes->round->rows_in : &lanes->round->rows_out) +=
		run.flow.rows;
	if (error != NULL)
		note_error(&run, error);
	else
		note_outcome(&run, set);
	if (verifies)
		run.lane->verified = now;
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

/* ---- all sets in one direction ---- */

static bool
is_behind(const Lanes *lanes, int i)
{
	return !sync_token_equal(&lanes->heads[i].token, &lanes->cursors[i]);
}

static bool
is_due(const SyncLane *lane)
{
	return sync_verify_every > 0 &&
		   GetCurrentTimestamp() - lane->verified > (int64) sync_verify_every * USECS_PER_SEC;
}

static void
visit_set(Lanes *lanes, int i)
{
	SyncShared *set = lanes->sets[i];
	SyncLane *lane = &set->lanes[lanes->direction];
	ErrorData gone = {.sqlerrcode = ERRCODE_SYNC_SET, .message = "the set is no longer offered"};

	lanes->round->caught_up &=
		lanes->heads[i].known && !lanes->heads[i].more && !lanes->heads[i].held;
	lanes->round->again |= lanes->heads[i].known && lanes->heads[i].more;
	if (!lanes->heads[i].known)
	{
		sync_lane_note(lanes->link, lane, "error", &gone);
		lanes->link->sets_read = 0;
	}
	else if (!is_behind(lanes, i) && is_due(lane))
		run_set(lanes, i, true);
	else if (is_behind(lanes, i) && GetCurrentTimestamp() >= lane->rests_until)
		run_set(lanes, i, false);
	else if (is_behind(lanes, i))
		lanes->round->caught_up = false;
	else
	{
		lane->settled = lanes->heads[i].token;
		sync_lane_places(lane, lanes->cursors[i].seq, lanes->heads[i].token.seq);
		sync_lane_note(lanes->link, lane, "ok", NULL);
	}
}

/* Begins anywhere, so that a set that ends each round does not keep the same others waiting. */
static void
visit_all(Lanes *lanes)
{
	int first = (int) (sync_random() * lanes->count);

	for (int i = 0; i < lanes->count && is_ready(lanes->link); i++)
		visit_set(lanes, (first + i) % lanes->count);
	lanes->round->sets = Max(lanes->round->sets, lanes->count);
}

/* The peer is told how far our copies are if that has changed, and now and then, so that it sees that we are there. */
static void
ask_heads_there(Lanes *lanes)
{
	SyncLink *link = lanes->link;
	TimestampTz now = GetCurrentTimestamp();
	int64 *acked = palloc(lanes->count * sizeof(int64));
	bool tells = TimestampDifferenceExceeds(link->told, now, TELL_EVERY);

	for (int i = 0; i < lanes->count; i++)
	{
		acked[i] = lanes->cursors[i].seq;
		tells |= acked[i] != lanes->sets[i]->acked;
	}
	lanes->heads =
		sync_ask_heads(lanes->flow.source, lanes->count, lanes->names, tells ? acked : NULL);
	for (int i = 0; i < lanes->count; i++)
		lanes->sets[i]->acked = acked[i];
	if (tells)
		link->told = now;
}

static void
pull(SyncLink *link, SyncRound *round)
{
	Lanes *lanes = choose_lanes(link, round, SYNC_FROM_PEER);
	bool behind = false;

	if (lanes->count == 0)
		return;
	lanes->cursors =
		sync_ask_cursors(lanes->flow.sink, lanes->count, lanes->names, lanes->flow.origin);
	ask_heads_there(lanes);
	for (int i = 0; i < lanes->count; i++)
		behind |= is_behind(lanes, i);
	/* What the peer has pushed since need not be pulled. */
	if (behind)
		lanes->cursors =
			sync_ask_cursors(lanes->flow.sink, lanes->count, lanes->names, lanes->flow.origin);
	visit_all(lanes);
	/* Once for all sets: a restored backup rewinds each of them. */
	if (lanes->rewound)
		note_rewind(link);
}

/* The copies there are asked for only where our head has moved since they were seen to have reached it. */
static void
ask_cursors_there(Lanes *lanes)
{
	const char **names = palloc(lanes->count * sizeof(char *));
	int *places = palloc(lanes->count * sizeof(int));
	SyncToken *cursors;
	int count = 0;

	lanes->cursors = palloc0(lanes->count * sizeof(SyncToken));
	for (int i = 0; i < lanes->count; i++)
	{
		lanes->cursors[i] = lanes->sets[i]->lanes[SYNC_TO_PEER].settled;
		if (!is_behind(lanes, i))
			continue;
		names[count] = lanes->names[i];
		places[count++] = i;
	}
	if (count == 0)
		return;
	cursors = sync_ask_cursors(lanes->flow.sink, count, names, lanes->flow.origin);
	for (int i = 0; i < count; i++)
		lanes->cursors[places[i]] = cursors[i];
}

static void
push(SyncLink *link, SyncRound *round)
{
	Lanes *lanes = choose_lanes(link, round, SYNC_TO_PEER);

	if (lanes->count == 0 || !is_ready(link))
		return;
	lanes->heads = sync_ask_heads(lanes->flow.source, lanes->count, lanes->names, NULL);
	ask_cursors_there(lanes);
	visit_all(lanes);
	for (int i = 0; i < lanes->count; i++)
	{
		SyncLane *lane = &lanes->sets[i]->lanes[SYNC_TO_PEER];

		if (lanes->heads[i].known && sync_token_equal(&lane->settled, &lanes->heads[i].token))
			sync_push_confirmed(lanes->sets[i]->id, link->server, lane->settled.seq);
	}
}

/* ---- the round ---- */

typedef struct Round
{
	SyncLink *link;
	SyncRound *round;
} Round;

static void
do_round(void *arg)
{
	Round *round = arg;
	SyncLink *link = round->link;
	int64 received, sent;

	sync_link_open(link);
	received = sync_wire_received(link->there.wire);
	sent = sync_wire_sent(link->there.wire);
	sync_link_share(link);
	pull(link, round->round);
	push(link, round->round);
	sync_link_save(link);
	round->round->bytes_in = sync_wire_received(link->there.wire) - received;
	round->round->bytes_out = sync_wire_sent(link->there.wire) - sent;
}

static void
save_lanes(void *link)
{
	sync_link_save(link);
}

void
sync_link_round(SyncLink *link, SyncRound *round)
{
	Round arguments = {link, round};
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context =
		AllocSetContextCreate(caller, "hllset_sync round", ALLOCSET_DEFAULT_SIZES);
	ErrorData *error;

	memset(round, 0, sizeof(SyncRound));
	round->caught_up = true;
	MemoryContextSwitchTo(context);
	error = sync_guard(context, do_round, &arguments);
	round->protocol = link->hello.protocol;
	round->peer_version = link->hello.server_version;
	round->peer_id = link->hello.node_id;
	strlcpy(round->peer_name, link->hello.node_name, NAMEDATALEN);
	if (error != NULL)
	{
		if (link->there.wire != NULL)
			(void) sync_guard(context, save_lanes, link);
		sync_link_close(link);
		ReThrowError(error);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}
