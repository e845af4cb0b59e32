/* SPDX-License-Identifier: PostgreSQL */
/* Rounds and verifications in the caller's session, which needs no worker: procedures, since they must not wait inside a transaction. */
#include "link.h"
#include "process.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"

/* Runs BODY outside of any transaction that holds something. */
static void
run_free(FunctionCallInfo fcinfo, void (*body)(SyncLink *link, void *arg), const char *server,
		 void *arg)
{
	CallContext *call = (CallContext *) fcinfo->context;

	if (call == NULL || !IsA(call, CallContext) || call->atomic)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
						errmsg("a round cannot run inside a transaction"),
						errhint("CALL it by itself: not in a transaction block, in a function, or "
								"together with other statements.")));
	sync_check_usage(server);
	if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect_ext failed");
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

typedef struct Rounds
{
	SyncLink *link;
	SyncRound round;
} Rounds;

static void
do_round(void *arg)
{
	Rounds *rounds = arg;

	sync_link_round(rounds->link, &rounds->round);
}

/* A round ends when its time is up; the caller wants all that there is. */
static void
run_rounds(SyncLink *link, void *arg)
{
	Rounds rounds = {.link = link};
	MemoryContext context = CurrentMemoryContext;

	do
	{
		SyncStatus status = {0};
		TimestampTz started = GetCurrentTimestamp();
		ErrorData *error = sync_guard(context, do_round, &rounds);

		if (error != NULL)
			sync_round_failed(&status, started, error);
		else
			sync_round_ended(&status, started, &rounds.round);
		sync_begin(NULL);
		sync_save_status(link->server, &status);
		sync_commit();
		if (error != NULL)
			ReThrowError(error);
	} while (rounds.round.again);
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
	int buckets, differing;
	int64 repaired, orphans;
} Verification;

static void
verify_direction(SyncLink *link, SyncDirection direction, Verification *sums)
{
	SyncFlow flow = sync_link_flow(link, direction);
	const char *name = sums->set_name;
	SyncOutcome outcome;

	flow.set_name = name;
	flow.batch = sync_batch_create();
	flow.until = DT_NOEND;
	flow.patient = true;
	flow.head = *sync_ask_heads(flow.source, 1, &name, NULL);
	flow.cursor = *sync_ask_cursors(flow.sink, 1, &name, flow.origin);
	if (!flow.head.known)
		ereport(ERROR,
				(errcode(ERRCODE_SYNC_SET), errmsg("set \"%s\" is no longer offered", name)));
	/* Copies are compared with the head that they have reached. */
	outcome = sync_transfer(&flow);
	if (outcome == SYNC_CAUGHT_UP)
		outcome = sync_reconcile(&flow, false);
	if (outcome != SYNC_CAUGHT_UP)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_IN_USE),
						errmsg("another link moved the copies of set \"%s\" meanwhile", name),
						errhint("Try it again.")));
	sums->buckets += SYNC_BUCKETS;
	sums->differing += flow.differing;
	sums->repaired += flow.repaired;
	sums->orphans += flow.orphans;
}

static void
verify_set(SyncLink *link, void *arg)
{
	Verification *sums = arg;
	SyncShared *set = NULL;
	ListCell *cell;

	sync_link_open(link);
	sync_link_share(link);
	foreach (cell, link->sets)
		if (strcmp(((SyncShared *) lfirst(cell))->name, sums->set_name) == 0)
			set = lfirst(cell);
	if (set == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNC_SET), errmsg("set \"%s\" is not synced with peer \"%s\"",
												   sums->set_name, link->server)));
	for (int i = 0; i < SYNC_DIRECTIONS; i++)
		if (set->lanes[i].wanted)
			verify_direction(link, i, sums);
		else if (set->lanes[i].error != NULL)
			ereport(ERROR, (errcode(set->lanes[i].sqlstate), errmsg("%s", set->lanes[i].error)));
}

PG_FUNCTION_INFO_V1(hllset_sync_verify);

Datum
hllset_sync_verify(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	Verification sums = {.set_name = text_to_cstring(PG_GETARG_TEXT_PP(0))};
	Datum values[4];
	bool nulls[4] = {false, false, false, false};
	TupleDesc columns;

	if (get_call_result_type(fcinfo, NULL, &columns) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	columns = BlessTupleDesc(CreateTupleDescCopy(columns));
	run_free(fcinfo, verify_set, NameStr(*PG_GETARG_NAME(1)), &sums);
	MemoryContextSwitchTo(caller);
	values[0] = Int32GetDatum(sums.buckets);
	values[1] = Int32GetDatum(sums.differing);
	values[2] = Int64GetDatum(sums.repaired);
	values[3] = Int64GetDatum(sums.orphans);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(columns, values, nulls)));
}
