/* SPDX-License-Identifier: PostgreSQL */
/* The sets that this node syncs with a peer: what both offer, what the peer's settings choose, and what was synced before. */
#include "round/round.h"

#define SHARE_EVERY 60000 /* ms; how long it may go unnoticed that the peer grants more or less */
#define FIRST_WAIT 5000   /* ms; at first, where a set waits for that; doubled up to the above */
#define MAX_OFFERED (16 * 1024 * 1024) /* bytes of names and signatures of one end */

/* ---- what an end offers ---- */

typedef struct Offer
{
	char *set_name;
	bytea *signature; /* NULL: broken, and the description says why */
	char *description;
	bool may_pull, may_push;
} Offer;

/* Offer pointers, by name */
typedef struct Offers
{
	List *here, *there;
} Offers;

static Offer *
read_offer(SyncEnd *end, const NullableDatum *row)
{
	Offer *offer = palloc(sizeof(Offer));

	sync_refuse_nulls(end, row, 4);
	offer->set_name = TextDatumGetCString(row[0].value);
	offer->description = sync_clean_text(TextDatumGetCString(row[1].value));
	offer->may_pull = DatumGetBool(row[2].value);
	offer->may_push = DatumGetBool(row[3].value);
	offer->signature = row[4].isnull ? NULL : DatumGetByteaP(row[4].value);
	return offer;
}

/* Page by page. */
static List *
ask_offers(SyncEnd *end)
{
	static SyncStatement statement = SYNC_STATEMENT(
		"s", "p_sets",
		"SELECT set_name, description, may_pull, may_push, signature FROM hllset_sync.p_sets($1)",
		SYNC_SETS_PAGE, TEXTOID, TEXTOID, BOOLOID, BOOLOID, BYTEAOID);
	List *offers = NIL;
	List *rows;
	const char *last = NULL;
	int64 bytes = 0;
	ListCell *cell;

	do
	{
		rows = sync_call(end, &statement, SYNC_VALUES(SYNC_TEXT(last)));
		foreach (cell, rows)
		{
			Offer *offer = read_offer(end, lfirst(cell));

			if (last != NULL && strcmp(offer->set_name, last) <= 0)
				sync_refuse_answer(end, "sets out of order");
			last = offer->set_name;
			bytes += strlen(last) + (offer->signature == NULL ? 0 : VARSIZE(offer->signature));
			if (bytes > MAX_OFFERED)
				sync_refuse_answer(end, "names and signatures that are too long");
			offers = lappend(offers, offer);
		}
		sync_check_sets(list_length(offers));
	} while (list_length(rows) == SYNC_SETS_PAGE);
	return offers;
}

/* ---- what is done with a set ---- */

static void
stand(SyncLink *link, SyncRelation *relation, SyncCondition condition, const char *reason)
{
	relation->wanted = false;
	sync_relation_note(link, relation, condition, 0, reason);
}

/* Of a set that the peer does not offer in this direction. Without a list of names the sets of both are meant. */
static SyncCondition
not_offered(const SyncLink *link, const SyncRelation *relation, bool named)
{
	if (relation->shown.condition != SYNC_UNKNOWN && relation->shown.condition != SYNC_ABSENT)
		return SYNC_WITHDRAWN;
	return named ? SYNC_ABSENT : SYNC_UNKNOWN;
}

/* Decides for one direction; THERE is NULL if the peer does not offer the set. */
static void
share_direction(SyncLink *link, SyncRelation *relation, const Offer *here, const Offer *there,
				SyncDirection direction)
{
	bool other_way = link->directions[1 - direction];

	if (!link->directions[direction])
		stand(link, relation, SYNC_UNKNOWN, NULL);
	else if (relation->shown.condition == SYNC_STOPPED)
		relation->wanted = false;
	else if (there == NULL)
		stand(link, relation, not_offered(link, relation, link->only_some), NULL);
	else if (there->signature == NULL && !there->may_pull && !there->may_push)
		stand(link, relation, SYNC_REFUSED,
			  psprintf("the peer has paused it: %s", there->description));
	else if (here->signature == NULL)
		stand(link, relation, SYNC_BROKEN,
			  psprintf("the set is broken here: %s", here->description));
	else if (there->signature == NULL)
		stand(link, relation, SYNC_BROKEN,
			  psprintf("the set is broken at the peer: %s", there->description));
	else if (!sync_same_bytes(here->signature, there->signature))
		stand(link, relation, SYNC_MISMATCHED,
			  psprintf("the sets differ: here %s, at the peer %s", here->description,
					   there->description));
	else if (!(direction == SYNC_FROM_PEER ? there->may_pull : there->may_push))
		stand(link, relation, not_offered(link, relation, link->only_some && !other_way), NULL);
	else
	{
		relation->wanted = true;
		if (sync_relation_stands(relation))
			sync_relation_note(link, relation, SYNC_MOVING, 0, NULL);
	}
}

/* ---- which sets ---- */

/* For each direction what is known will be told. */
static SyncShared *
shared_set(SyncLink *link, const char *name)
{
	SyncShared *set = sync_find_name(link->sets, name);

	if (set == NULL)
	{
		link->heads[SYNC_FROM_PEER].known = link->heads[SYNC_TO_PEER].known = false;
		set = MemoryContextAllocZero(link->connection, sizeof(SyncShared));
		set->name = MemoryContextStrdup(link->connection, name);
		set->relations[0].set = set->relations[1].set = set;
		set->relations[0].verified = set->relations[1].verified = sync_clock();
	}
	for (int i = 0; i < SYNC_DIRECTIONS; i++)
		stand(link, &set->relations[i], SYNC_UNKNOWN, NULL);
	return set;
}

/* What the table says counts: resume_peer() deletes there. */
static void
take_known(SyncLink *link, SyncShared *set, uint64 row)
{
	SyncRelation *relation = &set->relations[sync_bool(row, 4) ? SYNC_TO_PEER : SYNC_FROM_PEER];
	const char *state = sync_text(row, 9);

	sync_relation_note(
		link, relation, sync_condition(sync_text(row, 5)),
		state == NULL ? 0 : MAKE_SQLSTATE(state[0], state[1], state[2], state[3], state[4]),
		sync_text(row, 8));
	relation->shown.cursor = sync_int8(row, 6);
	relation->shown.head = sync_int8(row, 7);
	relation->shown.done = sync_int8(row, 10);
	relation->shown.to_do = sync_int8(row, 11);
	relation->resyncs = sync_int4(row, 12);
	relation->saved = relation->shown;
}

/* A set of this node, and what is known of it in one direction, if anything. Those that are neither offered nor were ever synced are left out. */
static List *
take_set(SyncLink *link, const Offers *offers, List *sets, uint64 row)
{
	const char *name = sync_text(row, 1);
	SyncShared *set = sets == NIL ? NULL : llast(sets);
	bool offered = sync_find_name(offers->there, name) != NULL;

	if (sync_find_name(offers->here, name) == NULL)
		return sets;
	/* "named" is registered everywhere, and mostly for nothing. */
	link->waits |= !offered && strcmp(name, "named") != 0;
	if (!offered && !link->only_some && sync_condition(sync_text(row, 5)) == SYNC_UNKNOWN)
		return sets;
	if (set == NULL || strcmp(set->name, name) != 0)
	{
		set = shared_set(link, name);
		sets = lappend(sets, set);
	}
	set->id = sync_int4(row, 2);
	if (!sync_is_null(row, 3))
		set->relations[SYNC_FROM_PEER].verified =
			sync_clock() - Max(0, sync_int8(row, 3)) * USECS_PER_SEC;
	if (!sync_is_null(row, 4))
		take_known(link, set, row);
	return sets;
}

/* Deletes relations of sets that the peer's settings do not choose any more, or that are not here. */
static void
tidy_relations(const SyncLink *link)
{
	List *names = NIL;
	ListCell *cell;

	foreach (cell, link->sets)
		names = lappend(names, ((SyncShared *) lfirst(cell))->name);
	sync_catalog("DELETE FROM hllset_sync.relations WHERE server = $1"
				 " AND (set_name NOT IN (SELECT unnest($2)) OR "
				 "NOT CASE direction WHEN 'pull' THEN $3 ELSE $4 END)",
				 SYNC_NAME(&link->name), SYNC_TEXT_ARRAY(names),
				 SYNC_BOOL(link->directions[SYNC_FROM_PEER]),
				 SYNC_BOOL(link->directions[SYNC_TO_PEER]));
}

/* Of those that are left out now the peer may believe to be here. */
static void
keep_sets(SyncLink *link, const List *sets)
{
	MemoryContext caller = MemoryContextSwitchTo(link->connection);
	ListCell *cell;

	foreach (cell, link->sets)
	{
		SyncShared *set = lfirst(cell);

		if (sync_find_name(sets, set->name) != NULL)
			continue;
		link->heads[SYNC_FROM_PEER].known = link->heads[SYNC_TO_PEER].known = false;
		if (set->is_acked)
			link->left = lappend(link->left, set);
	}
	list_free(link->sets);
	link->sets = list_copy(sets);
	MemoryContextSwitchTo(caller);
}

/* Sets that stay keep what is known of them in memory. */
static void
match_offers(SyncLink *link, const Offers *offers)
{
	List *sets = NIL;
	uint64 count;
	ListCell *cell;

	link->waits = link->stands = false;
	sync_begin(NULL);
	count = sync_catalog(
		"SELECT s.set_name, s.set_id, (SELECT running FROM hllset_sync.node) - c.verified_ran, "
		"r.direction = 'push', r.state, r.cursor_seq, r.head_seq, r.error, r.sqlstate, "
		"coalesce(r.rows_done, 0), coalesce(r.rows_to_do, -1), r.resyncs FROM hllset_sync.peers p "
		"JOIN hllset_sync.sets s ON p.sets IS NULL OR s.set_name = ANY (p.sets) "
		"LEFT JOIN hllset_sync.cursors c ON c.set_id = s.set_id AND c.origin_id = "
		"(SELECT origin_id FROM hllset_sync.origins WHERE node_id = $2) "
		"LEFT JOIN hllset_sync.relations r ON r.set_name = s.set_name AND r.server = p.server "
		"WHERE p.server = $1 ORDER BY s.set_name COLLATE \"C\"",
		SYNC_NAME(&link->name), SYNC_UUID(&link->hello.node_id));
	for (uint64 row = 0; row < count; row++)
		sets = take_set(link, offers, sets, row);
	keep_sets(link, sets);
	tidy_relations(link);
	sync_commit();
	foreach (cell, link->sets)
	{
		SyncShared *set = lfirst(cell);

		for (int i = 0; i < SYNC_DIRECTIONS; i++)
		{
			SyncRelation *relation = &set->relations[i];

			share_direction(link, relation, sync_find_name(offers->here, set->name),
							sync_find_name(offers->there, set->name), i);
			link->stands |=
				sync_relation_stands(relation) && relation->shown.condition != SYNC_STOPPED;
		}
	}
}

void
sync_forget_settled(SyncLink *link)
{
	ListCell *cell;

	foreach (cell, link->sets)
		((SyncShared *) lfirst(cell))->relations[SYNC_TO_PEER].settled = (SyncToken){0};
}

void
sync_link_share(SyncLink *link)
{
	Offers offers;

	if (link->sets_read != 0 && !sync_elapsed(link->sets_read, link->share_wait) &&
		!(link->afresh && link->stands))
		return;
	if (link->sets_read == 0)
	{
		link->share_wait = FIRST_WAIT / 2;
		/* Sets may be others now: what was seen of those before counts no more. */
		link->push_session = 0;
	}
	offers.here = ask_offers(&link->here);
	offers.there = ask_offers(&link->there);
	match_offers(link, &offers);
	sync_forget_settled(link);
	link->share_wait =
		link->waits || link->stands ? Min(2 * link->share_wait, SHARE_EVERY) : SHARE_EVERY;
	link->sets_read = sync_clock();
}
