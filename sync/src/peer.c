/* SPDX-License-Identifier: PostgreSQL */
/* Peers: which foreign servers are synced with, how, and whether at all. Workers notice at the next round. */
#include "process.h"
#include "round.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

/* Runs a statement on the catalog whose parameters begin with the server; $N that are NULL are so in ARGUMENTS. */
static uint64
change_peers(const char *sql, FunctionCallInfo fcinfo, int nargs, const Oid *types)
{
	Datum values[4];
	char nulls[4];
	SyncUser user;
	uint64 rows;

	for (int i = 0; i < nargs; i++)
	{
		values[i] = PG_GETARG_DATUM(i);
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	SPI_connect();
	user = sync_enter_catalog();
	rows = sync_execute(sql, nargs, types, values, nulls, false);
	sync_leave(user);
	SPI_finish();
	sync_peers_changed();
	return rows;
}

static void
expect_peer(uint64 rows, FunctionCallInfo fcinfo)
{
	if (rows == 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("server \"%s\" is not a peer", NameStr(*PG_GETARG_NAME(0))),
						errhint("SELECT hllset_sync.add_peer(%s);",
								quote_literal_cstr(NameStr(*PG_GETARG_NAME(0))))));
}

static void
check_server_argument(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("server must not be null")));
	sync_check_usage(NameStr(*PG_GETARG_NAME(0)));
}

static void
check_direction(FunctionCallInfo fcinfo)
{
	char *direction;

	if (PG_ARGISNULL(1))
		return;
	direction = text_to_cstring(PG_GETARG_TEXT_PP(1));
	if (strcmp(direction, "both") != 0 && strcmp(direction, "pull") != 0 &&
		strcmp(direction, "push") != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("invalid direction \"%s\"", direction),
						errhint("Valid directions are both, pull, push.")));
}

static void
check_every(FunctionCallInfo fcinfo)
{
	Interval *every;

	if (PG_ARGISNULL(3))
		return;
	every = PG_GETARG_INTERVAL_P(3);
	if (every->month != 0 || every->day < 0 || every->time < 0 ||
		(every->day == 0 && every->time < 100 * INT64CONST(1000)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("every must be at least 100 ms and have no months")));
}

static const Oid settings[] = {NAMEOID, TEXTOID, TEXTARRAYOID, INTERVALOID};

PG_FUNCTION_INFO_V1(hllset_sync_add_peer);

Datum
hllset_sync_add_peer(PG_FUNCTION_ARGS)
{
	check_server_argument(fcinfo);
	check_direction(fcinfo);
	check_every(fcinfo);
	if (change_peers("INSERT INTO hllset_sync.peers (server, direction, sets, every, enabled_by) "
					 "SELECT $1, coalesce($2, 'both'), $3, $4, node_id FROM hllset_sync.node ON "
					 "CONFLICT DO NOTHING",
					 fcinfo, lengthof(settings), settings) == 0)
		ereport(ERROR, (errcode(ERRCODE_DUPLICATE_OBJECT),
						errmsg("server \"%s\" is a peer already", NameStr(*PG_GETARG_NAME(0)))));
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(hllset_sync_alter_peer);

Datum
hllset_sync_alter_peer(PG_FUNCTION_ARGS)
{
	check_server_argument(fcinfo);
	check_direction(fcinfo);
	check_every(fcinfo);
	expect_peer(
		change_peers("UPDATE hllset_sync.peers SET direction = coalesce($2, direction), sets = "
					 "coalesce($3, sets), every = coalesce($4, every) WHERE server = $1",
					 fcinfo, lengthof(settings), settings),
		fcinfo);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(hllset_sync_drop_peer);

/* Also of a server that is no longer there; then only a superuser may. */
Datum
hllset_sync_drop_peer(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) || OidIsValid(get_foreign_server_oid(NameStr(*PG_GETARG_NAME(0)), true)) ||
		!superuser())
		check_server_argument(fcinfo);
	expect_peer(
		change_peers("DELETE FROM hllset_sync.peers WHERE server = $1", fcinfo, 1, settings),
		fcinfo);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(hllset_sync_pause_peer);

Datum
hllset_sync_pause_peer(PG_FUNCTION_ARGS)
{
	check_server_argument(fcinfo);
	expect_peer(
		change_peers(
			"UPDATE hllset_sync.peers SET paused = true, pause_reason = $2 WHERE server = $1",
			fcinfo, 2, settings),
		fcinfo);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(hllset_sync_resume_peer);

/* Forgets why lanes were paused, and attempts at this node. Those at the peer stay, but no longer count: the lane has no error. */
Datum
hllset_sync_resume_peer(PG_FUNCTION_ARGS)
{
	check_server_argument(fcinfo);
	expect_peer(change_peers("UPDATE hllset_sync.peers SET paused = false, pause_reason = NULL, "
							 "enabled_by = node_id FROM hllset_sync.node WHERE server = $1",
							 fcinfo, 1, settings),
				fcinfo);
	change_peers("UPDATE hllset_sync.cursors SET attempts = 0 WHERE attempts > 0 AND origin_id IN "
				 "(SELECT origin_id FROM hllset_sync.origins "
				 "JOIN hllset_sync.links USING (node_id) WHERE server = $1)",
				 fcinfo, 1, settings);
	change_peers("DELETE FROM hllset_sync.links WHERE server = $1 AND state IN ('paused', 'error')",
				 fcinfo, 1, settings);
	change_peers("UPDATE hllset_sync.peer_state SET failures = 0 WHERE server = $1", fcinfo, 1,
				 settings);
	(void) sync_request_round(NameStr(*PG_GETARG_NAME(0)));
	PG_RETURN_VOID();
}
