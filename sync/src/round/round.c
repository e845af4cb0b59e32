/* SPDX-License-Identifier: PostgreSQL */
/* A round with a peer: all sets that both have, first from there, then to there. What goes wrong with the peer ends the round. */
#include "publish/publish.h"
#include "round/round.h"

#define READS 3000           /* ms in which a peer that reads by itself was heard */
#define SLICE_OF_ROUND 10000 /* ms in each direction, so that no set waits for long */

static bool
is_visited(const SyncRelation *relation)
{
	return relation->wanted && !sync_relation_stands(relation);
}

static SyncVisit
choose_sets(SyncLink *link, SyncDirection direction)
{
	SyncVisit visit = {.link = link, .direction = direction, .until = sync_after(SLICE_OF_ROUND)};
	ListCell *cell;

	foreach (cell, link->sets)
	{
		SyncRelation *relation = &((SyncShared *) lfirst(cell))->relations[direction];

		if (is_visited(relation))
			visit.relations = lappend(visit.relations, relation);
		if (is_visited(relation) || (!relation->wanted && relation->set->is_acked))
			visit.told = lappend(visit.told, relation);
		link->round->caught_up &= !sync_relation_stands(relation);
		link->round->failed_sets += sync_relation_stands(relation);
	}
	return visit;
}

static List *
those_behind(const SyncVisit *visit)
{
	List *behind = NIL;
	ListCell *cell;

	foreach (cell, visit->relations)
		if (sync_is_behind(lfirst(cell)))
			behind = lappend(behind, lfirst(cell));
	return behind;
}

/* Where the copies are. */
static void
ask_copies(SyncVisit *visit, const List *relations)
{
	List *names = NIL;
	SyncToken *copies;
	ListCell *cell;

	foreach (cell, relations)
		names = lappend(names, ((SyncRelation *) lfirst(cell))->set->name);
	if (names == NIL)
		return;
	copies = sync_link_cursors(visit->link, visit->direction, names);
	foreach (cell, relations)
		((SyncRelation *) lfirst(cell))->copies = copies[foreach_current_index(cell)];
}

/* What is told to the peer, or shown as caught up, survives a crash here, though commits may be asynchronous. */
static void
flush_copies(const SyncVisit *visit, bool settled)
{
	bool moved = false;
	ListCell *cell;

	foreach (cell, settled ? visit->relations : visit->told)
	{
		SyncRelation *relation = lfirst(cell);
		const SyncToken *token = settled ? &relation->settled : &relation->copies;

		moved |= !sync_token_equal(token, &relation->told);
		relation->told = *token;
	}
	if (!moved)
		return;
	sync_begin(NULL);
	sync_flush_what_was_read();
	sync_commit();
}

static const SyncToken nowhere = {0};

/* Adds where the copies of a set are to what the peer is told. */
static List *
tell(List *places, SyncShared *set, SyncToken token)
{
	NullableDatum *place = palloc0(3 * sizeof(NullableDatum));

	set->acked = token;
	set->is_acked = true;
	place[0].value = CStringGetTextDatum(set->name);
	place[1].value = Int64GetDatum(token.seq);
	place[2].value = UUIDPGetDatum(&set->acked.nonce);
	return lappend(places, place);
}

/* The peer is told how far our copies are where that has changed; that there is no more to be told tells it that all else still holds. */
static void
ask_heads_there(SyncVisit *visit)
{
	SyncLink *link = visit->link;
	SyncHeads *heads = &link->heads[SYNC_FROM_PEER];
	bool same = heads->known && !heads->others && link->left == NIL;
	List *places = NIL;
	ListCell *cell;

	flush_copies(visit, false);
	foreach (cell, link->sets)
	{
		const SyncRelation *relation = &((SyncShared *) lfirst(cell))->relations[SYNC_FROM_PEER];

		same &= relation->has_head == is_visited(relation) && !sync_is_behind(relation);
	}
	foreach (cell, visit->told)
	{
		const SyncRelation *relation = lfirst(cell);
		SyncShared *set = relation->set;

		if (set->is_acked && sync_token_equal(&relation->copies, &set->acked))
			continue;
		same &= relation->wanted;
		places = tell(places, set, relation->copies);
	}
	/* What is not read any more may be dropped here at any time: the peer is told that we have nothing of it. */
	foreach (cell, link->left)
		places = tell(places, lfirst(cell), nowhere);
	link->left = NIL;
	same &= places != NIL;
	sync_link_heads(link, SYNC_FROM_PEER, NIL, same ? NIL : places, same ? &heads->hash : NULL);
}

/* The owner of a history that is undone again and again is likely two servers. */
static void
note_rewind(SyncLink *link, SyncDirection direction)
{
	SyncTime *rewinds = link->rewinds[direction];
	char *reason;

	memmove(rewinds + 1, rewinds, sizeof(link->rewinds[0]) - sizeof(rewinds[0]));
	rewinds[0] = sync_clock();
	if (sync_elapsed(rewinds[lengthof(link->rewinds[0]) - 1], 60 * 60 * 1000))
		return;
	memset(rewinds, 0, sizeof(link->rewinds[0]));
	reason = psprintf("two servers claim to be node %s",
					  direction == SYNC_FROM_PEER ? link->hello.node_name : link->identity.name);
	sync_begin(NULL);
	sync_catalog("UPDATE hllset_sync.peers SET paused = true, pause_reason = $2, paused_at = now() "
				 "WHERE server = $1",
				 SYNC_NAME(&link->name), SYNC_TEXT(reason));
	sync_commit();
	ereport(WARNING, (errmsg("hllset_sync: peer \"%s\": paused: %s", link->server, reason)));
	ereport(ERROR, (errcode(ERRCODE_SYNC_IDENTITY), errmsg("%s", reason),
					errdetail("Its history was rewound %d times within an hour.",
							  (int) lengthof(link->rewinds[0]))));
}

static void
pull(SyncLink *link)
{
	SyncVisit visit = choose_sets(link, SYNC_FROM_PEER);

	if (visit.told == NIL && link->left == NIL)
		return;
	ask_copies(&visit, visit.told);
	ask_heads_there(&visit);
	/* What the peer has pushed since need not be pulled. */
	ask_copies(&visit, those_behind(&visit));
	sync_visit_all(&visit);
	flush_copies(&visit, true);
	/* Once for all sets: a restored backup rewinds each of them. */
	if (visit.rewound)
		note_rewind(link, SYNC_FROM_PEER);
}

/*
 * Copies there that were seen this time to have reached our head: the peer flushes what it says. What is not pushed any more, or was asked for and was not
 * there, does not stay confirmed by what was seen before.
 */
static void
note_pushed(SyncLink *link)
{
	SyncSetToken *tokens = palloc(list_length(link->sets) * sizeof(SyncSetToken));
	int count = 0;
	ListCell *cell;

	foreach (cell, link->sets)
	{
		SyncShared *set = lfirst(cell);
		SyncRelation *relation = &set->relations[SYNC_TO_PEER];
		const SyncToken *token = relation->wanted ? &relation->settled : &nowhere;
		bool reached = relation->wanted && relation->has_head &&
					   sync_token_equal(token, &relation->head.token);
		bool differs = !sync_token_equal(token, &relation->told);

		if (reached ? !differs && link->push_session != 0
					: !differs || !sync_token_equal(token, &nowhere))
			continue;
		relation->told = *token;
		tokens[count++] = (SyncSetToken){set->id, token->seq, token->nonce};
	}
	sync_begin(NULL);
	/* A wait that began later wants to know what this round may not have asked. */
	sync_confirm_of(&link->hello.node_id, false, tokens, count, link->begun, &link->push_session);
	sync_commit();
}

static void
push(SyncLink *link)
{
	SyncVisit visit = choose_sets(link, SYNC_TO_PEER);
	ListCell *cell;

	if (visit.relations == NIL || !link->round->whole)
		return;
	sync_link_heads(link, SYNC_TO_PEER, NIL, NIL, NULL);
	if (link->afresh)
		sync_forget_settled(link);
	/* The copies there are asked for only where our head has moved since they were seen to have reached it. */
	foreach (cell, visit.relations)
	{
		SyncRelation *relation = lfirst(cell);

		relation->copies = relation->settled;
	}
	ask_copies(&visit, those_behind(&visit));
	/* What the peer reads by itself need not be pushed at the same time. */
	if (!sync_in_procedure && those_behind(&visit) != NIL)
	{
		sync_begin(NULL);
		visit.left_to_reader =
			sync_sets_read_by(&link->hello.node_id, sync_clock() - READS * INT64CONST(1000));
		sync_commit();
	}
	sync_visit_all(&visit);
	if (!sync_in_procedure)
		note_pushed(link);
	/* Another server pushes as this node. */
	if (visit.rewound)
		note_rewind(link, SYNC_TO_PEER);
}

/* ---- the round ---- */

static void
do_round(void *arg)
{
	SyncLink *link = arg;

	sync_link_open(link);
	link->there.wire->received = link->there.wire->sent = 0;
	/* Nobody else looks at this node's sets if there are no workers and nothing is pushed. */
	if (sync_in_procedure && !link->directions[SYNC_TO_PEER])
		(void) sync_advance_here();
	sync_link_share(link);
	pull(link);
	push(link);
	sync_relations_save(link);
	sync_relations_log(link);
	link->round->bytes_in = link->there.wire->received;
	link->round->bytes_out = link->there.wire->sent;
}

ErrorData *
sync_link_round(SyncLink *link, SyncRound *round)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context =
		AllocSetContextCreate(caller, "hllset_sync round", ALLOCSET_DEFAULT_SIZES);
	ErrorData *error;

	*round = (SyncRound){.whole = true, .caught_up = true};
	link->round = round;
	MemoryContextSwitchTo(context);
	error = sync_guard(context, do_round, link);
	round->peer = link->hello;
	if (error != NULL)
	{
		if (link->there.wire != NULL)
			(void) sync_guard(context, sync_relations_save, link);
		sync_link_close(link);
	}
	MemoryContextSwitchTo(caller);
	if (error == NULL)
		MemoryContextDelete(context);
	return error;
}
