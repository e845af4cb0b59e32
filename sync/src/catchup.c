/* SPDX-License-Identifier: PostgreSQL */
/* Functions that wait for the workers: sync_now, wait_caught_up, wait_for_peers. */
#include "process.h"

#include "catalog/pg_foreign_server.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "executor/spi.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(hllset_sync_now);
PG_FUNCTION_INFO_V1(hllset_sync_wait_caught_up);
PG_FUNCTION_INFO_V1(hllset_sync_wait_for_peers);

typedef struct Set
{
	int id;
	char *name;
	Oid relid;
	List *servers; /* it is pushed to */
} Set;

typedef struct Wait
{
	TimestampTz since;
	List *servers; /* of char * */
	List *sets;    /* of Set * */
} Wait;

static TimestampTz
deadline_argument(FunctionCallInfo fcinfo, int number)
{
	if (PG_ARGISNULL(number))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the timeout must not be null")));
	return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
												   TimestampTzGetDatum(GetCurrentTimestamp()),
												   PG_GETARG_DATUM(number)));
}

/* ---- whom to wait for ---- */

/* Waiting would be in vain, if nothing runs here. */
static void
require_scheduler(const char *database)
{
	SyncDatabase copy = {0};

	sync_require_shared_memory();
	(void) sync_get_database(database, &copy);
	if (copy.scheduler == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no workers run in this database"),
				 copy.name[0] == '\0' ? errdetail("It is not in hllset_sync.databases.")
									  : errdetail_internal("%s", copy.reason),
				 errhint("Run a round in this session with CALL hllset_sync.run_round(server).")));
}

/* One that was dropped, though it is still a peer, has no rights of its own. */
static bool
may_use(const char *name)
{
	ForeignServer *server = GetForeignServerByName(name, true);

	return server == NULL ? superuser() : sync_may_use_server(server->serverid);
}

/* To wait is to wake the workers of the servers. */
static void
check_servers(List *servers)
{
	ListCell *cell;

	foreach (cell, servers)
		if (!may_use(lfirst(cell)))
			aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FOREIGN_SERVER, lfirst(cell));
}

static Datum
text_or_null(const char *text, char *null)
{
	*null = text == NULL ? 'n' : ' ';
	return text == NULL ? (Datum) 0 : CStringGetTextDatum(text);
}

/* Runs a query of the catalog; rows are read before close_catalog, in the caller's context. */
static uint64
query_catalog(SyncUser *user, const char *sql, int nargs, const Oid *types, const Datum *values,
			  const char *nulls)
{
	MemoryContext context = CurrentMemoryContext;
	uint64 count;

	*user = sync_enter_catalog();
	SPI_connect();
	count = sync_execute(sql, nargs, types, values, nulls, true);
	MemoryContextSwitchTo(context);
	return count;
}

static void
close_catalog(SyncUser user)
{
	SPI_finish();
	sync_leave(user);
}

static const char read_peers[] =
	"SELECT p.server::text, p.paused OR p.enabled_by IS DISTINCT FROM n.node_id"
	" FROM hllset_sync.peers p LEFT JOIN hllset_sync.node n ON true"
	" WHERE CASE WHEN $1 IS NULL THEN p.direction <> $2 ELSE p.server = $1 END"
	" AND (p.sets IS NULL OR $3 IS NULL OR $3 = ANY (p.sets)) ORDER BY p.server";

static void
check_found(const char *server, uint64 count, List *found)
{
	if (server == NULL)
		return;
	if (count == 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("\"%s\" is no peer", server),
						errhint("Make it one with hllset_sync.add_peer.")));
	if (found == NIL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("peer \"%s\" is paused", server),
						errhint("Resume it with hllset_sync.resume_peer.")));
}

/* The peer SERVER; or all that are not paused, have another direction than BUT, and have SET, if one is named. */
static List *
get_servers(const char *server, const char *but, const char *set)
{
	Oid types[] = {TEXTOID, TEXTOID, TEXTOID};
	char nulls[] = {' ', ' ', ' '};
	Datum values[] = {text_or_null(server, &nulls[0]), text_or_null(but, &nulls[1]),
					  text_or_null(set, &nulls[2])};
	SyncUser user;
	uint64 count = query_catalog(&user, read_peers, 3, types, values, nulls);
	List *servers = NIL;

	for (uint64 i = 0; i < count; i++)
	{
		HeapTuple tuple = SPI_tuptable->vals[i];
		bool null;

		if (!DatumGetBool(sync_field(i, 2, &null)))
			servers = lappend(servers, SPI_getvalue(tuple, SPI_tuptable->tupdesc, 1));
	}
	close_catalog(user);
	check_found(server, count, servers);
	return servers;
}

static const char read_sets[] =
	"SELECT set_id, set_name, relid::oid FROM hllset_sync.sets"
	" WHERE CASE WHEN $1 IS NULL THEN state <> 'broken' ELSE set_name = $1 END";

static List *
get_sets(const char *name)
{
	Oid types[] = {TEXTOID};
	char nulls[] = {' '};
	Datum values[] = {text_or_null(name, &nulls[0])};
	SyncUser user;
	uint64 count = query_catalog(&user, read_sets, 1, types, values, nulls);
	List *sets = NIL;

	for (uint64 i = 0; i < count; i++)
	{
		Set *set = palloc(sizeof(Set));
		bool null;

		set->id = DatumGetInt32(sync_field(i, 1, &null));
		set->name = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2);
		set->relid = DatumGetObjectId(sync_field(i, 3, &null));
		set->servers = NIL;
		sets = lappend(sets, set);
	}
	close_catalog(user);
	if (name != NULL && sets == NIL)
		ereport(ERROR, (errcode(ERRCODE_SYNC_SET), errmsg("there is no set \"%s\"", name)));
	return sets;
}

/* ---- waiting ---- */

typedef enum Answer
{
	NOT_YET,
	YES,
	NO
} Answer;

static bool
wait_until(Answer (*look)(const Wait *), const Wait *wait, TimestampTz deadline)
{
	Answer answer;

	while ((answer = look(wait)) == NOT_YET && sync_shared_wait(deadline))
		;
	sync_shared_wait_end();
	return answer == YES;
}

static void
request_rounds(List *servers)
{
	ListCell *cell;

	foreach (cell, servers)
		(void) sync_request_round(lfirst(cell));
	/* A peer that was just added has no worker yet. */
	if (servers != NIL)
		sync_wake_scheduler();
}

/* YES once all have ended a round begun since then, NO if one ended in an error. */
static Answer
all_ended(const Wait *wait)
{
	ListCell *cell;

	foreach (cell, wait->servers)
	{
		SyncStatus status = {0};

		if (!sync_shown_status(lfirst(cell), &status) || status.ended < wait->since)
			return NOT_YET;
		if (status.failures > 0)
			return NO;
	}
	return YES;
}

static bool
has_caught_up(const char *server, TimestampTz since)
{
	SyncStatus status;

	return sync_shown_status(server, &status) && status.caught_up_at >= since;
}

static Answer
all_caught_up(const Wait *wait)
{
	ListCell *cell;

	foreach (cell, wait->servers)
	{
		if (!has_caught_up(lfirst(cell), wait->since))
			return NOT_YET;
	}
	return YES;
}

/* Waits for the peer of the first argument, or for all but those of direction BUT. */
static bool
wait_for_rounds(FunctionCallInfo fcinfo, const char *but, Answer (*look)(const Wait *))
{
	char *server = PG_ARGISNULL(0) ? NULL : pstrdup(NameStr(*PG_GETARG_NAME(0)));
	TimestampTz deadline = deadline_argument(fcinfo, 1);
	Wait wait = {.since = GetCurrentTimestamp()};

	if (server != NULL)
		check_servers(list_make1(GetForeignServerByName(server, false)->servername));
	require_scheduler(get_database_name(MyDatabaseId));
	wait.servers = get_servers(server, but, NULL);
	check_servers(wait.servers);
	request_rounds(wait.servers);
	return wait_until(look, &wait, deadline);
}

/* (server name, timeout interval): a round with the peer or with all, now; whether it ended well. */
Datum
hllset_sync_now(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(wait_for_rounds(fcinfo, "", all_ended));
}

/* (server name, timeout interval): whether all that was committed at the peers before the call is here. */
Datum
hllset_sync_wait_caught_up(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(wait_for_rounds(fcinfo, "push", all_caught_up));
}

/* ---- wait_for_peers ---- */

/* Whether SERVER has SET up to HEAD: by our push, or because there was nothing to push, as where it does not have the set at all. */
static bool
has_got(const char *server, const Set *set, int64 head, TimestampTz since)
{
	return sync_pushed_to(set->id, server) >= head || has_caught_up(server, since);
}

static bool
is_everywhere(const Set *set, TimestampTz since)
{
	int64 head = sync_sequenced_since(set->id, since);
	List *nodes = NIL;
	ListCell *cell;

	if (head < 0)
		return false;
	foreach (cell, set->servers)
	{
		SyncStatus *status = palloc0(sizeof(SyncStatus));

		if (!has_got(lfirst(cell), set, head, since))
			return false;
		(void) sync_shown_status(lfirst(cell), status);
		nodes = lappend(nodes, &status->last.peer_id);
	}
	return sync_consumers_reached(set->id, head, nodes);
}

static Answer
all_everywhere(const Wait *wait)
{
	ListCell *cell;

	foreach (cell, wait->sets)
	{
		if (!is_everywhere(lfirst(cell), wait->since))
			return NOT_YET;
	}
	return YES;
}

/* ERROR but for the owner of its table and for who may use all servers that it is pushed to. */
static void
check_set(const Set *set)
{
	ListCell *cell;
	bool allowed = set->servers != NIL || superuser();

	if (get_rel_name(set->relid) != NULL && SYNC_OWNS_TABLE(set->relid, GetUserId()))
		return;
	foreach (cell, set->servers)
		allowed = allowed && may_use(lfirst(cell));
	if (!allowed)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for set \"%s\"", set->name),
				 errhint("The owner of its table may wait for it, and who may use each server "
						 "that it is pushed to.")));
}

/* (set_name text, timeout interval): whether all that was committed here before the call is at all peers that are not paused. */
Datum
hllset_sync_wait_for_peers(PG_FUNCTION_ARGS)
{
	char *name = PG_ARGISNULL(0) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(0));
	TimestampTz deadline = deadline_argument(fcinfo, 1);
	const char *database = get_database_name(MyDatabaseId);
	Wait wait = {.since = GetCurrentTimestamp()};
	ListCell *cell;

	require_scheduler(database);
	wait.sets = get_sets(name);
	foreach (cell, wait.sets)
	{
		Set *set = lfirst(cell);

		set->servers = get_servers(NULL, "pull", set->name);
		check_set(set);
	}
	sync_request_sequencing(database);
	request_rounds(get_servers(NULL, "pull", name));
	PG_RETURN_BOOL(wait_until(all_everywhere, &wait, deadline));
}
