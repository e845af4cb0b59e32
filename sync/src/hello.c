/* SPDX-License-Identifier: PostgreSQL */
/* How a peer introduces itself, what sets it may ask for, and how far the copies of an origin are. */
#include "set.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/guc.h"

PG_FUNCTION_INFO_V1(hllset_sync_p_hello);
PG_FUNCTION_INFO_V1(hllset_sync_p_sets);
PG_FUNCTION_INFO_V1(hllset_sync_p_cursor);
PG_FUNCTION_INFO_V1(hllset_sync_p_attempt);

SyncCaller sync_caller;

Datum
hllset_sync_p_hello(PG_FUNCTION_ARGS)
{
	SyncResult result = sync_result(fcinfo);
	SyncIdentity identity = sync_identity();
	Datum values[7] = {Int32GetDatum(SYNC_PROTOCOL),
					   UUIDPGetDatum(&identity.node_id),
					   CStringGetTextDatum(identity.name),
					   CStringGetTextDatum(identity.problem ? identity.problem : "ok"),
					   CStringGetTextDatum(SYNC_VERSION),
					   Int32GetDatum(atoi(GetConfigOption("server_version_num", false, false))),
					   CStringGetTextDatum(GetDatabaseEncodingName())};
	bool nulls[7] = {false};

	if (PG_GETARG_INT32(0) > SYNC_PROTOCOL || PG_GETARG_INT32(1) < SYNC_PROTOCOL)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("no common protocol: this node speaks version %d, the peer %d to %d",
							   SYNC_PROTOCOL, PG_GETARG_INT32(0), PG_GETARG_INT32(1))));
	sync_caller.node_id = *PG_GETARG_UUID_P(2);
	strlcpy(sync_caller.name, sync_check_node_name(TextDatumGetCString(PG_GETARG_DATUM(3))),
			NAMEDATALEN);
	sync_result_add(&result, values, nulls);
	return (Datum) 0;
}

static void
return_set(SyncResult *result, SyncSet *set)
{
	bool usable = sync_set_usable(set);
	Datum values[5] = {CStringGetTextDatum(set->name), CStringGetTextDatum(set->description),
					   CStringGetTextDatum(usable ? set->description : set->reason),
					   BoolGetDatum(sync_set_allows(set, SYNC_PULL)),
					   BoolGetDatum(sync_set_allows(set, SYNC_PUSH))};
	bool nulls[5] = {false, !usable, false, false, false};

	sync_result_add(result, values, nulls);
}

/* The signature is the description's bytes. A broken set has none, and its reason as description. */
Datum
hllset_sync_p_sets(PG_FUNCTION_ARGS)
{
	SyncResult result = sync_result(fcinfo);
	ListCell *cell;

	SPI_connect();
	foreach (cell, sync_sets((Datum) 0, GetUserId()))
		if (sync_set_allows(lfirst(cell), SYNC_EITHER))
			return_set(&result, lfirst(cell));
	SPI_finish();
	return (Datum) 0;
}

static void
return_cursor(SyncResult *result, const SyncSet *set, Datum origin)
{
	Oid types[2] = {INT4OID, UUIDOID};
	Datum values[2] = {Int32GetDatum(set->id), origin};
	Datum row[3] = {CStringGetTextDatum(set->name), Int64GetDatum(0), (Datum) 0};
	bool nulls[3] = {false, false, true};
	SyncUser user = sync_enter_catalog();

	if (sync_execute("SELECT c.seq, c.nonce FROM hllset_sync.cursors c JOIN hllset_sync.origins o "
					 "USING (origin_id)"
					 " WHERE c.set_id = $1 AND o.node_id = $2",
					 2, types, values, NULL, false) > 0)
	{
		row[1] = sync_field(0, 1, &nulls[1]);
		row[2] = sync_field(0, 2, &nulls[2]);
	}
	sync_result_add(result, row, nulls);
	sync_leave(user);
}

Datum
hllset_sync_p_cursor(PG_FUNCTION_ARGS)
{
	SyncResult result = sync_result(fcinfo);
	ListCell *cell;

	SPI_connect();
	foreach (cell, sync_sets(PG_GETARG_DATUM(0), GetUserId()))
		if (sync_set_allows(lfirst(cell), SYNC_PUSH))
			return_cursor(&result, lfirst(cell), PG_GETARG_DATUM(1));
	SPI_finish();
	return (Datum) 0;
}

/* Counts a batch that begins; the cursor's next move sets the count to zero. */
Datum
hllset_sync_p_attempt(PG_FUNCTION_ARGS)
{
	Oid types[2] = {INT4OID, INT2OID};
	Datum values[2];
	SyncSet *set;
	SyncUser user;
	int32 attempts;
	bool isnull;

	SPI_connect();
	set = sync_set(TextDatumGetCString(PG_GETARG_DATUM(0)), SYNC_PUSH);
	values[0] = Int32GetDatum(set->id);
	values[1] = Int16GetDatum(sync_origin_id(set, PG_GETARG_UUID_P(1), NULL));
	user = sync_enter_catalog();
	sync_execute("INSERT INTO hllset_sync.cursors AS c (set_id, origin_id, seq, attempts) VALUES "
				 "($1, $2, 0, 1)"
				 " ON CONFLICT (set_id, origin_id) DO UPDATE SET attempts = c.attempts + 1 "
				 "RETURNING attempts",
				 2, types, values, NULL, false);
	attempts = DatumGetInt32(sync_field(0, 1, &isnull));
	sync_leave(user);
	SPI_finish();
	PG_RETURN_INT32(attempts);
}
