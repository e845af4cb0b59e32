/* SPDX-License-Identifier: PostgreSQL */
/* Which roles of peers may read a set, or write their copies of it. */
#include "process.h"
#include "set.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(hllset_sync_grant_peer);
PG_FUNCTION_INFO_V1(hllset_sync_revoke_peer);

Oid
sync_worker_role_oid(void)
{
	if (sync_worker_role == NULL || sync_worker_role[0] == '\0')
		return InvalidOid;
	return get_role_oid(sync_worker_role, true);
}

/* For those protocol functions that ROLE may, or may not, execute. */
static void
change_privilege(const char *format, Oid role, bool has)
{
	bool isnull;
	Datum functions;

	sync_run("SELECT string_agg(oid::regprocedure::text, ', ') FROM pg_proc"
			 " WHERE pronamespace = %u AND starts_with(proname, 'p_')"
			 " AND has_function_privilege(%u, oid, 'EXECUTE') = %s",
			 sync_schema(), role, has ? "true" : "false");
	functions = sync_field(0, 1, &isnull);
	if (!isnull)
		sync_run("%s", psprintf(format, TextDatumGetCString(functions),
								quote_identifier(GetUserNameFromId(role, false))));
}

void
sync_grant_protocol(Oid role)
{
	SyncUser user = sync_enter_catalog();

	change_privilege("GRANT EXECUTE ON FUNCTION %s TO %s", role, false);
	sync_leave(user);
}

/* The set, though it may be broken, if the current user owns its table. */
static SyncSet *
owned_set(const char *name)
{
	return sync_any_set(name, SYNC_OWN);
}

Datum
hllset_sync_grant_peer(PG_FUNCTION_ARGS)
{
	Oid types[5] = {INT4OID, OIDOID, BOOLOID, BOOLOID, UUIDOID};
	Datum values[5] = {0, PG_GETARG_DATUM(1), PG_GETARG_DATUM(2), PG_GETARG_DATUM(3),
					   PG_ARGISNULL(4) ? (Datum) 0 : PG_GETARG_DATUM(4)};
	SyncUser user;

	sync_require_arguments(fcinfo, SYNC_ARGUMENT(4));
	SPI_connect();
	values[0] = Int32GetDatum(owned_set(TextDatumGetCString(PG_GETARG_DATUM(0)))->id);
	(void) GetUserNameFromId(PG_GETARG_OID(1), false);
	user = sync_enter_catalog();
	sync_execute(
		"INSERT INTO hllset_sync.acl (set_id, role, pull, push, origin) VALUES ($1, $2, $3, $4, $5)"
		" ON CONFLICT (set_id, role) DO UPDATE"
		" SET pull = excluded.pull, push = excluded.push, origin = excluded.origin",
		5, types, values, PG_ARGISNULL(4) ? "    n" : "     ", false);
	sync_leave(user);
	sync_grant_protocol(PG_GETARG_OID(1));
	SPI_finish();
	PG_RETURN_VOID();
}

Datum
hllset_sync_revoke_peer(PG_FUNCTION_ARGS)
{
	Oid role = PG_GETARG_OID(1);
	SyncSet *set;
	SyncUser user;

	SPI_connect();
	set = owned_set(TextDatumGetCString(PG_GETARG_DATUM(0)));
	user = sync_enter_catalog();
	sync_run("DELETE FROM hllset_sync.acl WHERE set_id = %d AND role::oid = %u", set->id, role);
	sync_forget_consumers(set->id, role);
	if (role != sync_worker_role_oid() &&
		sync_run("SELECT FROM hllset_sync.acl WHERE role::oid = %u", role) == 0)
		change_privilege("REVOKE EXECUTE ON FUNCTION %s FROM %s", role, true);
	sync_leave(user);
	SPI_finish();
	PG_RETURN_VOID();
}
