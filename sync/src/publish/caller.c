/* SPDX-License-Identifier: PostgreSQL */
/* Who calls the protocol functions: how a peer introduces itself, what sets its role may ask for, and who lets it. */
#include "publish/publish.h"

#include "catalog/pg_proc.h"
#include "mb/pg_wchar.h"
#include "utils/acl.h"
#include "utils/guc.h"

PG_FUNCTION_INFO_V1(hllset_sync_p_hello);
PG_FUNCTION_INFO_V1(hllset_sync_grant_peer);
PG_FUNCTION_INFO_V1(hllset_sync_revoke_peer);

SyncCaller sync_caller;

/*
 * Not by EXECUTE: a grant of it rewrites the functions' rows in pg_proc, so that whoever granted one role a set in an open transaction would hold up all
 * who grant one to another.
 */
void
sync_require_peer(FunctionCallInfo fcinfo)
{
	Oid function = fcinfo->flinfo->fn_oid;

	if (sync_is_local() || superuser())
		return;
	SPI_connect();
	if (sync_catalog("SELECT FROM (SELECT role, pull OR push OR paused IS NOT NULL AS has"
					 " FROM hllset_sync.acl"
					 " UNION ALL SELECT role, pull OR push FROM hllset_sync.acl_all) a"
					 " WHERE has AND pg_has_role($1, role::oid, 'USAGE') LIMIT 1",
					 SYNC_OID(GetUserId())) == 0)
		aclcheck_error(ACLCHECK_NO_PRIV,
					   get_func_prokind(function) == PROKIND_PROCEDURE ? OBJECT_PROCEDURE
																	   : OBJECT_FUNCTION,
					   get_func_name(function));
	SPI_finish();
}

Datum
hllset_sync_p_hello(PG_FUNCTION_ARGS)
{
	SyncResult *result = sync_result(fcinfo);
	SyncIdentity identity = sync_identity();

	sync_require_peer(fcinfo);
	if (PG_GETARG_INT32(0) > SYNC_PROTOCOL || PG_GETARG_INT32(1) < SYNC_PROTOCOL)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("no common protocol: this node speaks version %d, the peer %d to %d",
							   SYNC_PROTOCOL, PG_GETARG_INT32(0), PG_GETARG_INT32(1))));
	sync_caller =
		(SyncCaller){.node_id = *PG_GETARG_UUID_P(2), .is_told = true, .told = identity.node_id};
	strlcpy(sync_caller.name, sync_check_node_name(TextDatumGetCString(PG_GETARG_DATUM(3))),
			NAMEDATALEN);
	sync_add_row(result, SYNC_INT4(SYNC_PROTOCOL), SYNC_UUID(&identity.node_id),
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
	List *sets = sync_sets(NULL);
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

/* ---- grants; what is kept of them the extension's script has ---- */

/* The set, which may be broken, or NULL: all of the current user, or, if he owns the extension, all that there are. */
static SyncValue
which_set(FunctionCallInfo fcinfo)
{
	SyncValue set = SYNC_NULL(INT4OID);

	if (!PG_ARGISNULL(0))
		set = SYNC_INT4(sync_any_set(TextDatumGetCString(PG_GETARG_DATUM(0)), SYNC_OWN)->id);
	(void) GetUserNameFromId(PG_GETARG_OID(1), false);
	return set;
}

/* What the first call said stays, unless this one says otherwise. */
Datum
hllset_sync_grant_peer(PG_FUNCTION_ARGS)
{
	sync_require_arguments(fcinfo, SYNC_ARGUMENT(0) | SYNC_ARGUMENT(3) | SYNC_ARGUMENT(4));
	SPI_connect();
	sync_catalog("SELECT hllset_sync.put_grant($1, $2, $3, $4, $5, $6)", which_set(fcinfo),
				 SYNC_OID(GetUserId()), SYNC_GIVEN(OIDOID, 1), SYNC_GIVEN(BOOLOID, 2),
				 SYNC_GIVEN(BOOLOID, 3), SYNC_GIVEN(UUIDOID, 4));
	SPI_finish();
	PG_RETURN_VOID();
}

Datum
hllset_sync_revoke_peer(PG_FUNCTION_ARGS)
{
	sync_require_arguments(fcinfo, SYNC_ARGUMENT(0));
	SPI_connect();
	sync_catalog("SELECT hllset_sync.take_grant($1, $2, $3)", which_set(fcinfo),
				 SYNC_OID(GetUserId()), SYNC_GIVEN(OIDOID, 1));
	SPI_finish();
	PG_RETURN_VOID();
}
