/* SPDX-License-Identifier: PostgreSQL */
/* Rounds and verifications in the caller's session, which needs no worker: procedures, since they must not wait inside a transaction. */
#include "process/process.h"

/* Runs BODY outside of any transaction that holds something. */
static void
run_free(FunctionCallInfo fcinfo, void (*body)(SyncLink *link, void *arg), const char *server,
		 void *arg)
{
	sync_require_own_transactions(fcinfo);
	sync_check_usage(server);
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	/* The snapshot of the statement goes. */
	SPI_commit();
	sync_in_procedure = true;
	PG_TRY();
	{
		body(sync_link_create(CurrentMemoryContext, server, GetUserId()), arg);
	}
	PG_FINALLY();
	{
		sync_in_procedure = false;
	}
	PG_END_TRY();
	SPI_finish();
}

/* ---- run_round ---- */

/* A round ends when its time is up; the caller wants all that there is. */
static void
run_rounds(SyncLink *link, void *arg)
{
	SyncRound round;

	do
	{
		SyncStatus status = {0};
		SyncTime started = sync_clock();
		ErrorData *error = sync_link_round(link, &round);

		if (error != NULL)
			sync_round_failed(&status, started, error);
		else
			sync_round_ended(&status, started, &round);
		sync_begin(NULL);
		sync_save_status(link->server, &status);
		sync_commit();
		if (error != NULL)
			ReThrowError(error);
	} while (round.again);
}

PG_FUNCTION_INFO_V1(hllset_sync_run_round);

Datum
hllset_sync_run_round(PG_FUNCTION_ARGS)
{
	run_free(fcinfo, run_rounds, NameStr(*PG_GETARG_NAME(0)), NULL);
	PG_RETURN_VOID();
}

/* ---- verify ---- */

typedef struct Verification
{
	char *set_name;
	int buckets;
	SyncFindings found;
} Verification;

static void
verify_direction(SyncLink *link, SyncRelation *relation, SyncDirection direction,
				 Verification *sums)
{
	SyncVisit visit = {.link = link, .direction = direction};
	SyncFlow flow = sync_link_flow(&visit, relation);
	List *names = list_make1(sums->set_name);
	SyncOutcome outcome;

	flow.until = PG_INT64_MAX;
	flow.patient = true;
	/* What passed the triggers by at the source is there, too: it goes on until there is no more, and no scan. */
	sync_link_rescan(link, direction, sums->set_name);
	do
	{
		sync_link_heads(link, direction, names, NIL, NULL);
		if (!relation->has_head)
			ereport(ERROR, (errcode(ERRCODE_SYNC_SET),
							errmsg("set \"%s\" is no longer offered", sums->set_name)));
	} while (relation->head.more);
	flow.cursor = *sync_link_cursors(link, direction, names);
	/* Copies are compared with the head that they have reached. */
	outcome = sync_transfer(&flow);
	if (outcome == SYNC_CAUGHT_UP)
		outcome = sync_reconcile(&flow, SYNC_TO_VERIFY);
	if (outcome != SYNC_CAUGHT_UP)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("another link moved the copies of set \"%s\" meanwhile", sums->set_name),
				 errhint("Try it again.")));
	sums->buckets += SYNC_BUCKETS;
	sums->found.differing += flow.found.differing;
	sums->found.repaired += flow.found.repaired;
	sums->found.orphans += flow.found.orphans;
}

static void
verify_set(SyncLink *link, void *arg)
{
	Verification *sums = arg;
	SyncShared *set;

	sync_link_open(link);
	sync_link_share(link);
	set = sync_find_name(link->sets, sums->set_name);
	if (set == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNC_SET), errmsg("set \"%s\" is not synced with peer \"%s\"",
												   sums->set_name, link->server)));
	for (int i = 0; i < SYNC_DIRECTIONS; i++)
		if (set->relations[i].wanted)
			verify_direction(link, &set->relations[i], i, sums);
		else if (sync_relation_stands(&set->relations[i]))
			ereport(ERROR, (errcode(set->relations[i].shown.sqlstate),
							errmsg("%s", set->relations[i].shown.reason)));
}

PG_FUNCTION_INFO_V1(hllset_sync_verify);

Datum
hllset_sync_verify(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	Verification sums = {.set_name = text_to_cstring(PG_GETARG_TEXT_PP(0))};

	run_free(fcinfo, verify_set, NameStr(*PG_GETARG_NAME(1)), &sums);
	MemoryContextSwitchTo(caller);
	return sync_one_row(fcinfo, SYNC_INT4(sums.buckets), SYNC_INT4(sums.found.differing),
						SYNC_INT8(sums.found.repaired), SYNC_INT8(sums.found.orphans));
}
