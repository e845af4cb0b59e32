/* SPDX-License-Identifier: PostgreSQL */
/* Functions that wait for the workers of peers: sync_now, wait_caught_up, wait_for_peers. */
#include "process/process.h"

#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(hllset_sync_now);
PG_FUNCTION_INFO_V1(hllset_sync_wait_caught_up);
PG_FUNCTION_INFO_V1(hllset_sync_wait_for_peers);

typedef enum Answer
{
	NOT_YET,
	YES,
	NO
} Answer;

typedef struct Wait
{
	SyncTime since, deadline;
	MemoryContext context; /* of the call */
	List *servers;         /* of char *: peers that are awaited, or pushed to */
	/* sync_now, wait_caught_up: */
	bool for_copies; /* they are awaited, not only rounds */
	bool in_vain;    /* some or all are paused */
	char *set;       /* NULL: all */
	bool named;      /* the servers are, so each must have the set */
	/* wait_for_peers: arguments, and what comes of them; arrays of one length */
	SyncValue name, names;
	SyncValue sets, nodes;
	SyncValue heads;         /* what each is to confirm; NULL: not known yet */
	SyncValue places, xmins; /* of the rows of pending that the call saw */
	bool some_unreached;     /* peers of which it is not known yet what is pushed to them */
} Wait;

/* ---- beginning and looking ---- */

/* Waiting would be in vain, if nothing runs here, or if workers don't see what the caller has just changed. */
static Wait
begin(FunctionCallInfo fcinfo)
{
	Wait wait = {0};
	TimestampTz now = GetCurrentTimestamp();
	SyncStatus status = {0};
	TimestampTz then;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the timeout must not be null")));
	then = DatumGetTimestampTz(
		DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(now), PG_GETARG_DATUM(1)));
	wait.deadline = sync_after(TimestampDifferenceMilliseconds(now, then));
	sync_require_shared_memory();
	(void) sync_shown_status("", &status);
	if (status.pid == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no workers run in this database"),
				 sync_is_listed() ? errdetail_internal("%s", status.error)
								  : errdetail("It is not in hllset_sync.databases."),
				 errhint("Run a round in this session with CALL hllset_sync.run_round(server).")));
	if (sync_peers_changed)
		ereport(ERROR, (errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
						errmsg("peers were changed in this transaction, of which workers know "
							   "nothing yet"),
						errhint("Commit it first, then wait.")));
	SPI_connect();
	wait.context = CurrentMemoryContext;
	return wait;
}

/* Queries the catalog with a snapshot of its own, also in a transaction that keeps the one it began with; without what this one itself has done, if not OWN. */
static uint64
query_latest(const char *sql, bool own, const SyncValue *values)
{
	SyncUser user = sync_enter_catalog();
	uint64 count;

	SPI_freetuptable(SPI_tuptable);
	PushActiveSnapshot(GetLatestSnapshot());
	if (!own)
		GetActiveSnapshot()->curcid = FirstCommandId;
	count = sync_execute_values(sql, true, values);
	PopActiveSnapshot();
	sync_leave(user);
	return count;
}

#define latest(sql, ...) query_latest(sql, true, SYNC_VALUES(__VA_ARGS__))

/* A value that outlives the look. */
static SyncValue
keep(const Wait *wait, int column, Oid type)
{
	MemoryContext look = MemoryContextSwitchTo(wait->context);
	void *value =
		sync_is_null(0, column) ? NULL : PG_DETOAST_DATUM_COPY(sync_value(0, column, type));

	MemoryContextSwitchTo(look);
	return sync_pointer_value(type, value);
}

/* Looks after each change in shared memory, and each second, in a context that ends with the look. */
static bool
wait_until(Answer (*look)(Wait *), Wait *wait)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "hllset_sync look", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	Answer answer;

	while ((answer = look(wait)) == NOT_YET && sync_shared_wait(wait->deadline))
		MemoryContextReset(context);
	sync_shared_wait_end();
	MemoryContextSwitchTo(caller);
	SPI_finish();
	return answer == YES;
}

/* ---- sync_now, wait_caught_up ---- */

/* Those that are not paused. To wait is to wake their workers. */
static void
find_servers(Wait *wait, FunctionCallInfo fcinfo, int nodes)
{
	uint64 count = latest("SELECT * FROM hllset_sync.awaited_servers($1, $2, $3, $4, $5)",
						  SYNC_OID(GetUserId()), SYNC_GIVEN(NAMEOID, 0), SYNC_TEXT(wait->set),
						  SYNC_BOOL(wait->for_copies), SYNC_GIVEN(TEXTARRAYOID, nodes));

	for (uint64 i = 0; i < count; i++)
		if (!sync_bool(i, 2))
			wait->servers = lappend(wait->servers, sync_text(i, 1));
	wait->in_vain =
		wait->servers == NIL || (wait->for_copies && (uint64) list_length(wait->servers) < count);
	wait->since = sync_request(wait->servers);
}

/* Once all have ended a whole round begun since then. A round looks at each relation, so after a good one what is ok is so since then. */
static Answer
all_ended(Wait *wait)
{
	ListCell *cell;

	if (wait->in_vain)
		return NO;
	foreach (cell, wait->servers)
	{
		SyncStatus status;

		if (!sync_shown_status(lfirst(cell), &status) || status.ended < wait->since ||
			(wait->for_copies && status.failures > 0))
			return NOT_YET;
		if (!wait->for_copies && (status.failures > 0 || status.last.failed_sets > 0))
			return NO;
	}
	if (!wait->for_copies)
		return YES;
	(void) latest("SELECT * FROM hllset_sync.are_caught_up($1, $2, $3)",
				  SYNC_TEXT_ARRAY(wait->servers), SYNC_TEXT(wait->set), SYNC_BOOL(wait->named));
	return sync_is_null(0, 1) ? NOT_YET : sync_bool(0, 1) ? YES : NO;
}

/* (server name, timeout interval, nodes text[]): a round with the peers now; whether it ended well. */
Datum
hllset_sync_now(PG_FUNCTION_ARGS)
{
	Wait wait = begin(fcinfo);

	find_servers(&wait, fcinfo, 2);
	PG_RETURN_BOOL(wait_until(all_ended, &wait));
}

/* (server name, timeout interval, set_name text, nodes text[]): whether all that was committed at the peers before the call is here. */
Datum
hllset_sync_wait_caught_up(PG_FUNCTION_ARGS)
{
	Wait wait = begin(fcinfo);

	wait.for_copies = true;
	wait.named = !PG_ARGISNULL(3);
	wait.set = PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2));
	find_servers(&wait, fcinfo, 3);
	PG_RETURN_BOOL(wait_until(all_ended, &wait));
}

/* ---- wait_for_peers: first all must have numbers, then each node must confirm that it has flushed the last of them ---- */

static void
find_awaited(Wait *wait)
{
	(void) latest("SELECT sets, nodes, servers, unreached FROM hllset_sync.awaited_nodes($1, $2, "
				  "$3)",
				  SYNC_OID(GetUserId()), wait->name, wait->names);
	wait->sets = keep(wait, 1, INT4ARRAYOID);
	wait->nodes = keep(wait, 2, UUIDARRAYOID);
	wait->heads = sync_pointer_value(INT8ARRAYOID, NULL);
	wait->some_unreached = sync_bool(0, 4);
}

/* What was pending at the call must not be so any more. What the caller itself has not committed yet is not what he waits for. */
static void
note_pending(Wait *wait)
{
	(void) query_latest("SELECT array_agg(ctid), array_agg(xmin) FROM hllset_sync.pending"
						" WHERE set_id = ANY ($1) AND kind <> 'c'",
						false, SYNC_VALUES(wait->sets));
	wait->places = keep(wait, 1, TIDARRAYOID);
	wait->xmins = keep(wait, 2, XIDARRAYOID);
}

/* Finds heads of sets all of which has numbers now that was committed before the call: the sequencer has looked since, too. */
static bool
all_numbered(Wait *wait)
{
	SyncStatus status;

	if (!sync_shown_status("", &status) || status.ended < wait->since)
		return false;
	(void) latest("SELECT * FROM hllset_sync.numbered_heads($1, $2, $3, $4)", wait->sets,
				  wait->heads, wait->places, wait->xmins);
	wait->heads = keep(wait, 1, INT8ARRAYOID);
	return sync_bool(0, 2);
}

/* A token counts if its session still stands for it. */
static Answer
all_confirmed(Wait *wait)
{
	Datum *nodes, *sessions;
	bool *unknown;
	uint64 last = 0;
	int count;

	if (wait->some_unreached)
		find_awaited(wait);
	if (!all_numbered(wait))
		return NOT_YET;
	count = sync_nullable_elements(wait->nodes.value, UUIDOID, &nodes, &unknown);
	sessions = palloc(count * sizeof(Datum));
	/* When they were heard first, and only then what they said. */
	for (int i = 0; i < count; i++)
	{
		uint64 session;

		if (unknown[i] || !sync_node_heard(DatumGetUUIDP(nodes[i]), wait->since, &session, &last))
			return NOT_YET;
		sessions[i] = Int64GetDatum((int64) session);
	}
	(void) latest("SELECT * FROM hllset_sync.are_confirmed($1, $2, $3, $4, $5)", wait->sets,
				  wait->nodes, wait->heads, SYNC_ARRAY(INT8OID, sessions, NULL, count),
				  SYNC_INT8((int64) last));
	return sync_bool(0, 1) ? YES : NOT_YET;
}

/* (set_name text, timeout interval, nodes text[]): whether all that was committed here before the call is at others. */
Datum
hllset_sync_wait_for_peers(PG_FUNCTION_ARGS)
{
	Wait wait = begin(fcinfo);
	Datum *servers;
	int count;

	wait.name = SYNC_GIVEN(TEXTOID, 0);
	wait.names = SYNC_GIVEN(TEXTARRAYOID, 2);
	find_awaited(&wait);
	count = sync_elements(sync_value(0, 3, TEXTARRAYOID), TEXTOID, "servers", &servers);
	for (int i = 0; i < count; i++)
		wait.servers = lappend(wait.servers, TextDatumGetCString(servers[i]));
	note_pending(&wait);
	wait.since = sync_request(wait.servers);
	PG_RETURN_BOOL(wait_until(all_confirmed, &wait));
}
