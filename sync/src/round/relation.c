/* SPDX-License-Identifier: PostgreSQL */
/*
 * How it goes with each set in each direction: the states of hllset_sync.relations. A round finds the condition of each relation anew, so that what
 * had a reason goes on when the reason is gone; only what crashed a server waits to be resumed.
 */
#include "round/round.h"

typedef struct State
{
	const char *name; /* as in docs/sync-monitoring.md, States */
	bool stands; /* until what is offered changes or the peer is resumed; no round moves its rows */
	int sqlstate;       /* 0: none, or that of the error */
	const char *reason; /* NULL: none, or that of the error */
} State;

static const State states[] = {
	[SYNC_UNKNOWN] = {NULL},
	[SYNC_SETTLED] = {"ok"},
	[SYNC_MOVING] = {"behind"},
	[SYNC_NUMBERING] = {"behind", .reason = "the source has changes that have no numbers yet"},
	[SYNC_HELD] =
		{"behind",
		 .reason = "a lock or a disabled trigger at the source keeps changes from being numbered"},
	[SYNC_SCANNING] = {"scanning", .reason = "the source is comparing its table with its index"},
	[SYNC_YIELDING] = {"behind", .reason = "another link moves the same copies"},
	[SYNC_FAILED] = {"error"},
	[SYNC_MISMATCHED] = {"mismatched", true, ERRCODE_SYNC_SIGNATURE},
	[SYNC_BROKEN] = {"broken", true, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					 "the set is broken here"},
	[SYNC_WITHDRAWN] = {"withdrawn", true, ERRCODE_SYNC_SET,
						"the peer does not have or grant the set any more"},
	[SYNC_ABSENT] = {"absent", true, ERRCODE_SYNC_SET,
					 "the peer has no such set or does not grant it"},
	[SYNC_REFUSED] = {"refused", true, ERRCODE_SYNC_SET, "the peer has paused what it granted"},
	[SYNC_RESUMED] = {"resumed"},
	[SYNC_STOPPED] = {"paused", true, ERRCODE_CRASH_SHUTDOWN},
};

static const char *const direction_names[] = {"pull", "push"};

bool
sync_relation_stands(const SyncRelation *relation)
{
	return states[relation->shown.condition].stands;
}

void
sync_relation_note(SyncLink *link, SyncRelation *relation, SyncCondition condition, int sqlstate,
				   const char *reason)
{
	SyncShown *shown = &relation->shown;

	if (reason == NULL)
		reason = states[condition].reason;
	if (sqlstate == 0)
		sqlstate = states[condition].sqlstate;
	if (shown->condition == condition && shown->sqlstate == sqlstate &&
		strcmp(shown->reason ? shown->reason : "", reason ? reason : "") == 0)
		return;
	if (shown->reason != NULL)
		pfree(shown->reason);
	shown->condition = condition;
	shown->reason = reason == NULL ? NULL : MemoryContextStrdup(link->connection, reason);
	shown->sqlstate = sqlstate;
	/* Another text may lie at the same place. */
	relation->saved.sqlstate = -1;
}

/* ---- the table ---- */

SyncCondition
sync_condition(const char *name)
{
	for (size_t i = 1; name != NULL && i < lengthof(states); i++)
		if (strcmp(states[i].name, name) == 0)
			return (SyncCondition) i;
	return SYNC_UNKNOWN;
}

/* Deletes it if it has no state. The peer may have been dropped meanwhile. */
static void
save(const SyncLink *link, const SyncRelation *relation, int direction)
{
	const SyncShown *shown = &relation->shown;

	sync_execute(
		"SELECT hllset_sync.save_relation($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
		SYNC_NAME(&link->name), SYNC_TEXT(relation->set->name),
		SYNC_TEXT(direction_names[direction]), SYNC_UUID(&link->hello.node_id),
		SYNC_TEXT(states[shown->condition].name), SYNC_INT8(shown->cursor), SYNC_INT8(shown->head),
		SYNC_TEXT(shown->reason),
		SYNC_TEXT(shown->sqlstate == 0 ? NULL : unpack_sql_state(shown->sqlstate)),
		SYNC_INT8(shown->done), SYNC_NULLABLE(shown->to_do >= 0, SYNC_INT8(shown->to_do)),
		SYNC_INT8(shown->resynced));
}

void
sync_relations_save(void *arg)
{
	SyncLink *link = arg;
	bool begun = false;
	SyncUser user = {0};
	ListCell *cell;

	foreach (cell, link->sets)
		for (int i = 0; i < SYNC_DIRECTIONS; i++)
		{
			SyncRelation *relation = &((SyncShared *) lfirst(cell))->relations[i];

			if (memcmp(&relation->shown, &relation->saved, sizeof(SyncShown)) == 0)
				continue;
			if (!begun)
			{
				sync_begin(NULL);
				user = sync_enter_catalog();
				begun = true;
			}
			save(link, relation, i);
			relation->shown.resynced = 0;
			relation->saved = relation->shown;
		}
	if (!begun)
		return;
	sync_leave(user);
	sync_commit();
}

/* ---- the log ---- */

/* In the complaint of its condition, or a free one; a set once. */
static void
count_complaint(SyncLink *link, const SyncRelation *relation)
{
	SyncComplaint *complaint = NULL;

	for (size_t i = 0; i < lengthof(link->complaints); i++)
	{
		SyncComplaint *other = &link->complaints[i];

		if (other->rounds == 0)
			complaint = other;
		else if (other->condition == relation->shown.condition &&
				 other->sqlstate == relation->shown.sqlstate)
		{
			complaint = other;
			break;
		}
	}
	if (complaint == NULL || (complaint->sets > 0 && complaint->last == relation->set))
		return;
	if (complaint->sets == 0)
	{
		complaint->condition = relation->shown.condition;
		complaint->sqlstate = relation->shown.sqlstate;
		complaint->reason = relation->shown.reason == NULL ? "" : relation->shown.reason;
		complaint->first = relation->set;
		complaint->rounds++;
	}
	complaint->last = relation->set;
	complaint->sets++;
}

void
sync_relations_log(SyncLink *link)
{
	ListCell *cell;

	for (size_t i = 0; i < lengthof(link->complaints); i++)
		link->complaints[i].sets = 0;
	foreach (cell, link->sets)
		for (int i = 0; i < SYNC_DIRECTIONS; i++)
		{
			const SyncRelation *relation = &((SyncShared *) lfirst(cell))->relations[i];

			if (sync_relation_stands(relation) || relation->shown.condition == SYNC_FAILED)
				count_complaint(link, relation);
		}
	for (size_t i = 0; i < lengthof(link->complaints); i++)
	{
		SyncComplaint *complaint = &link->complaints[i];

		if (complaint->sets == 0)
			complaint->rounds = 0;
		else if ((complaint->rounds & (complaint->rounds - 1)) == 0)
			ereport(
				WARNING,
				(errcode(complaint->sqlstate),
				 errmsg("hllset_sync: peer \"%s\": set \"%s\"%s: %s: %s; attempt %d", link->server,
						complaint->first->name,
						complaint->sets == 1 ? "" : psprintf(" and %d others", complaint->sets - 1),
						states[complaint->condition].name, complaint->reason, complaint->rounds)));
	}
}
