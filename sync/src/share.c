/* SPDX-License-Identifier: PostgreSQL */
/* The sets that this node and a peer both have, and how it goes with each of them in each direction (hllset_sync.links). */
#include "link.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#define SHARE_EVERY \
	(60 * 1000) /* ms; how long it may go unnoticed that the peer grants more or less than it did */
#define LONELY_EVERY (5 * 1000) /* ms; the same for a set that waits here to be granted there */

static const char *const direction_names[] = {"pull", "push"};

/* ---- lanes ---- */

static char *
copy_text(MemoryContext context, const char *text)
{
	return text == NULL ? NULL : MemoryContextStrdup(context, text);
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

void
sync_lane_note(SyncLink *link, SyncLane *lane, const char *state, const ErrorData *error)
{
	const char *message = error == NULL ? NULL : error->message;
	int sqlstate = error == NULL ? 0 : error->sqlerrcode;

	if (same_text(lane->state, state) && same_text(lane->error, message) &&
		lane->sqlstate == sqlstate)
		return;
	lane->state = state;
	lane->error = copy_text(link->lane_texts, message);
	lane->sqlstate = sqlstate;
	lane->changed = true;
}

void
sync_lane_places(SyncLane *lane, int64 cursor, int64 head)
{
	lane->changed |= lane->cursor != cursor || lane->head != head;
	lane->cursor = cursor;
	lane->head = head;
}

static SyncShared *
find_set(SyncLink *link, const char *name)
{
	ListCell *cell;

	foreach (cell, link->sets)
		if (strcmp(((SyncShared *) lfirst(cell))->name, name) == 0)
			return lfirst(cell);
	return NULL;
}

static const char *
known_state(const char *state)
{
	static const char *const states[] = {"ok", "behind", "paused", "error"};

	for (size_t i = 0; i < lengthof(states); i++)
		if (strcmp(states[i], state) == 0)
			return states[i];
	elog(ERROR, "unknown state \"%s\"", state);
}

/* The last statement gave set_name, direction, state, cursor_seq, head_seq, error, sqlstate. */
static void
take_lane(SyncLink *link, uint64 row)
{
	TupleDesc columns = SPI_tuptable->tupdesc;
	HeapTuple tuple = SPI_tuptable->vals[row];
	SyncShared *set = find_set(link, SPI_getvalue(tuple, columns, 1));
	const char *state = SPI_getvalue(tuple, columns, 7);
	SyncLane *lane;
	bool isnull;

	if (set == NULL)
		return;
	lane = &set->lanes[strcmp(SPI_getvalue(tuple, columns, 2), "push") == 0 ? SYNC_TO_PEER
																			: SYNC_FROM_PEER];
	lane->state = known_state(SPI_getvalue(tuple, columns, 3));
	lane->cursor = DatumGetInt64(sync_field(row, 4, &isnull));
	lane->head = DatumGetInt64(sync_field(row, 5, &isnull));
	lane->error = copy_text(link->lane_texts, SPI_getvalue(tuple, columns, 6));
	lane->sqlstate =
		state == NULL ? 0 : MAKE_SQLSTATE(state[0], state[1], state[2], state[3], state[4]);
}

static void
forget_lane(SyncLane *lane)
{
	lane->state = NULL;
	lane->error = NULL;
	lane->sqlstate = 0;
	lane->cursor = lane->head = 0;
	lane->changed = false;
}

/* What the table says counts: resume_peer() deletes there. */
static void
read_lanes(SyncLink *link)
{
	static const Oid types[] = {NAMEOID};
	Datum values[] = {NameGetDatum(&link->name)};
	ListCell *cell;
	SyncUser user;
	uint64 rows;

	MemoryContextReset(link->lane_texts);
	foreach (cell, link->sets)
		for (int i = 0; i < SYNC_DIRECTIONS; i++)
			forget_lane(&((SyncShared *) lfirst(cell))->lanes[i]);
	sync_begin(NULL);
	user = sync_enter_catalog();
	rows = sync_execute("SELECT set_name, direction, state, cursor_seq, head_seq, error, sqlstate "
						"FROM hllset_sync.links WHERE server = $1",
						1, types, values, NULL, true);
	for (uint64 row = 0; row < rows; row++)
		take_lane(link, row);
	sync_leave(user);
	sync_commit();
}

static void
save_lane(const SyncLink *link, const SyncShared *set, int direction)
{
	static const Oid types[] = {NAMEOID, TEXTOID, TEXTOID, UUIDOID, TEXTOID,
								INT8OID, INT8OID, TEXTOID, TEXTOID};
	const SyncLane *lane = &set->lanes[direction];
	bool fine = lane->error == NULL;
	Datum values[] = {
		NameGetDatum(&link->name),
		CStringGetTextDatum(set->name),
		CStringGetTextDatum(direction_names[direction]),
		UUIDPGetDatum(&link->hello.node_id),
		CStringGetTextDatum(lane->state),
		Int64GetDatum(lane->cursor),
		Int64GetDatum(lane->head),
		CStringGetTextDatum(fine ? "" : lane->error),
		CStringGetTextDatum(unpack_sql_state(lane->sqlstate)),
	};

	/* The peer may have been dropped meanwhile. */
	sync_execute(
		"INSERT INTO hllset_sync.links (server, set_name, direction, node_id, state, cursor_seq, "
		"head_seq, error, sqlstate) "
		"SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9 FROM hllset_sync.peers WHERE server = $1 "
		"ON CONFLICT (server, set_name, direction) DO UPDATE SET node_id = excluded.node_id, state "
		"= excluded.state, "
		"cursor_seq = excluded.cursor_seq, head_seq = excluded.head_seq, error = excluded.error, "
		"sqlstate = excluded.sqlstate, changed_at = now()",
		lengthof(types), types, values, fine ? "       nn" : NULL, false);
}

static bool
has_changes(const SyncLink *link)
{
	ListCell *cell;

	foreach (cell, link->sets)
		for (int i = 0; i < SYNC_DIRECTIONS; i++)
			if (((SyncShared *) lfirst(cell))->lanes[i].changed)
				return true;
	return false;
}

void
sync_link_save(SyncLink *link)
{
	ListCell *cell;
	SyncUser user;

	if (!has_changes(link))
		return;
	sync_begin(NULL);
	user = sync_enter_catalog();
	foreach (cell, link->sets)
		for (int i = 0; i < SYNC_DIRECTIONS; i++)
		{
			SyncShared *set = lfirst(cell);

			if (set->lanes[i].changed && set->lanes[i].state != NULL)
				save_lane(link, set, i);
			set->lanes[i].changed = false;
		}
	sync_leave(user);
	sync_commit();
}

/* ---- sets of both ---- */

static SyncOffer *
find_offer(List *offers, const char *name)
{
	ListCell *cell;

	foreach (cell, offers)
	{
		SyncOffer *offer = lfirst(cell);

		if (strcmp(offer->set_name, name) == 0)
			return offer;
	}
	return NULL;
}

static bool
is_chosen(const SyncLink *link, const char *name)
{
	ListCell *cell;

	foreach (cell, link->only)
		if (strcmp(lfirst(cell), name) == 0)
			return true;
	return !link->only_some;
}

static void
refuse(SyncLink *link, SyncShared *set, int sqlstate, const char *why)
{
	ErrorData error = {.sqlerrcode = sqlstate, .message = (char *) why};

	for (int i = 0; i < SYNC_DIRECTIONS; i++)
	{
		set->lanes[i].wanted = false;
		if (link->directions[i])
			sync_lane_note(link, &set->lanes[i], "error", &error);
	}
}

/* Decides what is done with a set that is here; THERE is NULL if the peer does not offer it. */
static void
share_set(SyncLink *link, SyncShared *set, const SyncOffer *here, const SyncOffer *there)
{
	if (there == NULL)
	{
		/* Without a list of names the sets of both are meant, and this is none. */
		if (link->only_some)
			refuse(link, set, ERRCODE_SYNC_SET, "the peer has no such set or does not grant it");
		return;
	}
	if (here->signature == NULL)
		refuse(link, set, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
			   psprintf("the set is broken here: %s", here->description));
	else if (there->signature == NULL)
		refuse(link, set, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
			   psprintf("the set is broken at the peer: %s", there->description));
	else if (VARSIZE_ANY(here->signature) != VARSIZE_ANY(there->signature) ||
			 memcmp(here->signature, there->signature, VARSIZE_ANY(here->signature)) != 0)
		refuse(link, set, ERRCODE_SYNC_SIGNATURE,
			   psprintf("the sets differ: here %s, at the peer %s", here->description,
						there->description));
	else
	{
		set->lanes[SYNC_FROM_PEER].wanted = link->directions[SYNC_FROM_PEER] && there->may_pull;
		set->lanes[SYNC_TO_PEER].wanted = link->directions[SYNC_TO_PEER] && there->may_push;
	}
}

static SyncShared *
shared_set(SyncLink *link, const char *name)
{
	SyncShared *set = find_set(link, name);

	if (set == NULL)
	{
		set = palloc0(sizeof(SyncShared));
		set->name = pstrdup(name);
		set->acked = -1;
		for (int i = 0; i < SYNC_DIRECTIONS; i++)
			set->lanes[i].verified = GetCurrentTimestamp();
		link->sets = lappend(link->sets, set);
	}
	return set;
}

/* Reads the id, and when the copies were last compared. */
static void
read_set(SyncLink *link, SyncShared *set)
{
	static const Oid types[] = {TEXTOID, UUIDOID};
	Datum values[] = {CStringGetTextDatum(set->name), UUIDPGetDatum(&link->hello.node_id)};
	bool isnull;
	Datum verified;

	if (sync_execute("SELECT set_id, (SELECT last_verified FROM hllset_sync.cursors c JOIN "
					 "hllset_sync.origins USING (origin_id) "
					 "WHERE c.set_id = s.set_id AND node_id = $2) FROM hllset_sync.sets s WHERE "
					 "set_name = $1",
					 2, types, values, NULL, true) == 0)
		return;
	set->id = DatumGetInt32(sync_field(0, 1, &isnull));
	verified = sync_field(0, 2, &isnull);
	if (!isnull)
		set->lanes[SYNC_FROM_PEER].verified = DatumGetTimestampTz(verified);
}

/* Completes the sets, and forgets lanes that are no longer used. */
static void
tidy_sets(SyncLink *link)
{
	static const Oid types[] = {NAMEOID, TEXTARRAYOID, BOOLOID, BOOLOID};
	ArrayBuildState *names;
	Datum values[4];
	SyncUser user;
	ListCell *cell;

	sync_begin(NULL);
	user = sync_enter_catalog();
	names = initArrayResult(TEXTOID, CurrentMemoryContext, false);
	foreach (cell, link->sets)
	{
		SyncShared *set = lfirst(cell);

		read_set(link, set);
		names = accumArrayResult(names, CStringGetTextDatum(set->name), false, TEXTOID,
								 CurrentMemoryContext);
	}
	values[0] = NameGetDatum(&link->name);
	values[1] = makeArrayResult(names, CurrentMemoryContext);
	values[2] = BoolGetDatum(link->directions[SYNC_FROM_PEER]);
	values[3] = BoolGetDatum(link->directions[SYNC_TO_PEER]);
	sync_execute("DELETE FROM hllset_sync.links WHERE server = $1 AND (set_name <> ALL ($2) OR NOT "
				 "CASE direction WHEN 'pull' THEN $3 ELSE $4 END)",
				 4, types, values, NULL, false);
	sync_leave(user);
	sync_commit();
}

static void
ask_offers(SyncLink *link)
{
	MemoryContext caller;

	link->offers_here = link->offers_there = NIL;
	MemoryContextReset(link->offers);
	caller = MemoryContextSwitchTo(link->offers);
	link->offers_here = sync_ask_sets(&link->here);
	link->offers_there = sync_ask_sets(&link->there);
	MemoryContextSwitchTo(caller);
}

/* Sets that stay keep what is known of them. */
static void
match_offers(SyncLink *link)
{
	MemoryContext caller = MemoryContextSwitchTo(link->connection);
	List *sets = NIL;
	ListCell *cell;

	foreach (cell, link->offers_here)
	{
		const char *name = ((SyncOffer *) lfirst(cell))->set_name;

		if (is_chosen(link, name) &&
			(link->only_some || find_offer(link->offers_there, name) != NULL))
			sets = lappend(sets, shared_set(link, name));
	}
	list_free(link->sets);
	link->sets = sets;
	MemoryContextSwitchTo(caller);
}

/* Copies may have been dropped there. */
static void
forget_settled(SyncLink *link)
{
	static const SyncToken nowhere = {0};
	ListCell *cell;

	foreach (cell, link->sets)
		((SyncShared *) lfirst(cell))->lanes[SYNC_TO_PEER].settled = nowhere;
}

/* Whether a set that was registered to be synced is not offered by the peer. "named" is registered everywhere, and mostly for nothing. */
static bool
has_lonely(const SyncLink *link)
{
	ListCell *cell;

	foreach (cell, link->offers_here)
	{
		const char *name = ((SyncOffer *) lfirst(cell))->set_name;

		if (strcmp(name, "named") != 0 && is_chosen(link, name) &&
			find_offer(link->offers_there, name) == NULL)
			return true;
	}
	return false;
}

void
sync_link_share(SyncLink *link)
{
	ListCell *cell;

	if (link->sets_read == 0 ||
		TimestampDifferenceExceeds(link->sets_read, GetCurrentTimestamp(),
								   has_lonely(link) ? LONELY_EVERY : SHARE_EVERY))
	{
		ask_offers(link);
		match_offers(link);
		tidy_sets(link);
		forget_settled(link);
		link->sets_read = GetCurrentTimestamp();
	}
	read_lanes(link);
	foreach (cell, link->sets)
	{
		SyncShared *set = lfirst(cell);

		share_set(link, set, find_offer(link->offers_here, set->name),
				  find_offer(link->offers_there, set->name));
	}
}
