/* SPDX-License-Identifier: PostgreSQL */
/* How a peer introduces itself, and what sets it may ask for. */
#include "publish/publish.h"

#include "mb/pg_wchar.h"
#include "utils/guc.h"

PG_FUNCTION_INFO_V1(hllset_sync_p_hello);

SyncCaller sync_caller;

Datum
hllset_sync_p_hello(PG_FUNCTION_ARGS)
{
	SyncResult result = sync_result(fcinfo);
	SyncIdentity identity = sync_identity();

	sync_require_peer(fcinfo);
	if (PG_GETARG_INT32(0) > SYNC_PROTOCOL || PG_GETARG_INT32(1) < SYNC_PROTOCOL)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("no common protocol: this node speaks version %d, the peer %d to %d",
							   SYNC_PROTOCOL, PG_GETARG_INT32(0), PG_GETARG_INT32(1))));
	sync_caller.noted = false;
	sync_caller.is_told = true;
	sync_caller.told = identity.node_id;
	sync_caller.node_id = *PG_GETARG_UUID_P(2);
	strlcpy(sync_caller.name, sync_check_node_name(TextDatumGetCString(PG_GETARG_DATUM(3))),
			NAMEDATALEN);
	sync_add_row(&result, SYNC_INT4(SYNC_PROTOCOL), SYNC_UUID(&identity.node_id),
				 SYNC_TEXT(identity.name), SYNC_TEXT(identity.problem ? identity.problem : "ok"),
				 SYNC_TEXT(SYNC_VERSION),
				 SYNC_INT4(atoi(GetConfigOption("server_version_num", false, false))),
				 SYNC_TEXT(GetDatabaseEncodingName()));
	return (Datum) 0;
}

void
sync_check_told(void)
{
	SyncIdentity identity = sync_identity();

	if (sync_caller.is_told && !sync_same_node(&identity.node_id, &sync_caller.told))
		ereport(ERROR, (errcode(ERRCODE_SYNC_IDENTITY),
						errmsg("this node has become another since it was connected to")));
}

/*
 * By name, as bytes; a page that is not full is the last. The signature is the description's bytes. A broken set has none, and its reason as
 * description; so has one that is paused, of which nothing may be done either.
 */
SYNC_LOOK(hllset_sync_p_sets)
{
	const char *after = PG_ARGISNULL(0) ? NULL : TextDatumGetCString(PG_GETARG_DATUM(0));
	List *sets = sync_sets((Datum) 0, GetUserId());
	int count = 0;
	ListCell *cell;

	sync_require_peer(fcinfo);
	sync_check_told();
	sync_caller.noted = false; /* it may go on to read others */
	foreach (cell, sets)
	{
		SyncSet *set = lfirst(cell);
		bool usable;

		if (count == SYNC_SETS_PAGE)
			break;
		if ((after != NULL && strcmp(set->name, after) <= 0) ||
			(set->paused == NULL && !sync_set_allows(set, SYNC_EITHER)))
			continue;
		usable = set->paused == NULL && sync_set_usable(set);
		sync_add_row(
			result, SYNC_TEXT(set->name),
			SYNC_NULLABLE(usable, SYNC_VALUE(BYTEAOID, CStringGetTextDatum(set->description))),
			SYNC_TEXT(usable                ? set->description
					  : set->paused != NULL ? set->paused
											: set->reason),
			SYNC_BOOL(sync_set_allows(set, SYNC_PULL)), SYNC_BOOL(sync_set_allows(set, SYNC_PUSH)));
		count++;
	}
}
