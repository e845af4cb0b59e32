/* SPDX-License-Identifier: PostgreSQL */
/*
 * Which roles of peers may read a set, or write the copies of a node's rows in it. Here it is looked at who says so; what is kept then the
 * extension's script has.
 */
#include "publish/publish.h"

#include "catalog/pg_proc.h"
#include "utils/acl.h"

PG_FUNCTION_INFO_V1(hllset_sync_grant_peer);
PG_FUNCTION_INFO_V1(hllset_sync_revoke_peer);

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

/* Whose sets "all" are: those of the caller, or, 0, everybody's, if he is the extension's owner. */
static Oid
whose(void)
{
	Oid owner = sync_table_owner(get_relname_relid("sets", sync_schema()));

	if (has_privs_of_role(GetUserId(), owner))
		return InvalidOid;
	owner = GetUserId();
	if (sync_catalog_run("SELECT FROM hllset_sync.sets s JOIN pg_class c ON c.oid = s.relid"
						 " WHERE c.relowner = %u LIMIT 1",
						 owner) == 0)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("role \"%s\" owns no set", GetUserNameFromId(owner, false)),
						errhint("Register a table first, or SET ROLE to the owner of the sets.")));
	return owner;
}

/* The set, or NULL and whose sets are meant; though it may be broken, the current user owns its table. */
static void
which_sets(FunctionCallInfo fcinfo, SyncValue *set, SyncValue *owner)
{
	bool all = PG_ARGISNULL(0);

	*set = SYNC_NULLABLE(
		!all,
		SYNC_INT4(all ? 0 : sync_any_set(TextDatumGetCString(PG_GETARG_DATUM(0)), SYNC_OWN)->id));
	*owner = SYNC_NULLABLE(all, SYNC_OID(all ? whose() : InvalidOid));
	(void) GetUserNameFromId(PG_GETARG_OID(1), false);
}

/* What the first call said stays, unless this one says otherwise. */
Datum
hllset_sync_grant_peer(PG_FUNCTION_ARGS)
{
	SyncValue set, owner;

	sync_require_arguments(fcinfo, SYNC_ARGUMENT(0) | SYNC_ARGUMENT(3) | SYNC_ARGUMENT(4));
	SPI_connect();
	which_sets(fcinfo, &set, &owner);
	sync_catalog("SELECT hllset_sync.put_grant($1, $2, $3, $4, $5, $6)", set, owner,
				 SYNC_GIVEN(OIDOID, 1), SYNC_GIVEN(BOOLOID, 2), SYNC_GIVEN(BOOLOID, 3),
				 SYNC_GIVEN(UUIDOID, 4));
	SPI_finish();
	PG_RETURN_VOID();
}

Datum
hllset_sync_revoke_peer(PG_FUNCTION_ARGS)
{
	SyncValue set, owner;

	sync_require_arguments(fcinfo, SYNC_ARGUMENT(0));
	SPI_connect();
	which_sets(fcinfo, &set, &owner);
	sync_catalog("SELECT hllset_sync.take_grant($1, $2, $3)", set, owner, SYNC_GIVEN(OIDOID, 1));
	SPI_finish();
	PG_RETURN_VOID();
}
