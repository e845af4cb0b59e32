/* SPDX-License-Identifier: PostgreSQL */
/* Whose rights a statement runs with: the owner of a set's table for rows, the extension's owner for the catalog. */
#include "hllset_sync.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

bool sync_local_call = false;

SyncUser
sync_enter(Oid role)
{
	SyncUser before;

	GetUserIdAndSecContext(&before.user, &before.context);
	SetUserIdAndSecContext(role, before.context | SECURITY_LOCAL_USERID_CHANGE |
									 SECURITY_RESTRICTED_OPERATION);
	before.guc_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	sync_pin_planner();
	return before;
}

void
sync_follow_keys(void)
{
	static const char *const others[] = {"enable_hashjoin", "enable_mergejoin", "enable_seqscan"};

	for (size_t i = 0; i < lengthof(others); i++)
		(void) set_config_option(others[i], "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
								 true, 0, false);
}

Oid
sync_schema(void)
{
	return get_namespace_oid(SYNC_SCHEMA, true);
}

Oid
sync_table_owner(Oid relid)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid owner;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

static Oid
catalog_owner(void)
{
	return sync_table_owner(get_relname_relid("sets", sync_schema()));
}

bool
sync_is_local(void)
{
	return sync_local_call && GetUserId() == catalog_owner();
}

SyncUser
sync_enter_catalog(void)
{
	Oid owner = catalog_owner();

	if (!OidIsValid(owner))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("extension \"hllset_sync\" is not in this database"),
						errhint("CREATE EXTENSION hllset_sync CASCADE;")));
	return sync_enter(owner);
}

void
sync_leave(SyncUser user)
{
	AtEOXact_GUC(false, user.guc_level);
	SetUserIdAndSecContext(user.user, user.context);
}
