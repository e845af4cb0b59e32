/* SPDX-License-Identifier: PostgreSQL */
/*
 * Whose rights a statement runs with: the owner of a set's table for rows, the extension's owner for the catalog. And with which settings of the planner: a
 * caller may have changed all of them, to make it slow.
 */
#include "common/common.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "utils/guc_tables.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(hllset_sync_delegate);

/* ---- settings ---- */

void
sync_option(const char *name, const char *value, bool local)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 local ? GUC_ACTION_LOCAL : GUC_ACTION_SAVE, true, 0, false);
}

static List *planners = NIL; /* settings of the planner's that a caller may change */

static void
find_planners(void)
{
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
	int count;
	struct config_generic **all = sync_settings(&count);

	for (int i = 0; i < count; i++)
		if (all[i]->group >= QUERY_TUNING_METHOD && all[i]->group <= QUERY_TUNING_OTHER &&
			all[i]->context == PGC_USERSET && all[i]->vartype != PGC_STRING)
			planners = lappend(planners, all[i]);
	MemoryContextSwitchTo(caller);
}

/* The value that the server has if nobody says otherwise. */
static const char *
default_of(struct config_generic *setting)
{
	switch (setting->vartype)
	{
		case PGC_BOOL:
			return ((struct config_bool *) setting)->boot_val ? "on" : "off";
		case PGC_INT:
			return psprintf("%d", ((struct config_int *) setting)->boot_val);
		case PGC_REAL:
			return psprintf("%.17g", ((struct config_real *) setting)->boot_val);
		case PGC_ENUM:
			return config_enum_lookup_by_value((struct config_enum *) setting,
											   ((struct config_enum *) setting)->boot_val);
		case PGC_STRING:
			break;
	}
	elog(ERROR, "setting \"%s\" has no number", setting->name);
}

/* Most are what they should be, so that this costs next to nothing. */
static void
pin_planner(void)
{
	ListCell *cell;

	if (planners == NIL)
		find_planners();
	foreach (cell, planners)
	{
		struct config_generic *setting = lfirst(cell);

		if (setting->source != PGC_S_DEFAULT)
			sync_option(setting->name, default_of(setting), false);
	}
	/* Not the server's default: what is looked up by keys costs the planner so much that it would be compiled. */
	sync_option("jit", "off", false);
}

/* ---- rights ---- */

bool sync_local_call = false;

SyncUser
sync_enter(Oid role)
{
	SyncUser before;

	GetUserIdAndSecContext(&before.user, &before.context);
	SetUserIdAndSecContext(role, before.context | SECURITY_LOCAL_USERID_CHANGE |
									 SECURITY_RESTRICTED_OPERATION);
	before.guc_level = NewGUCNestLevel();
	sync_option("search_path", "pg_catalog, pg_temp", false);
	pin_planner();
	return before;
}

void
sync_follow_keys(void)
{
	sync_option("enable_hashjoin", "off", false);
	sync_option("enable_mergejoin", "off", false);
	sync_option("enable_seqscan", "off", false);
}

void
sync_follow_order(void)
{
	sync_follow_keys();
	sync_option("enable_sort", "off", false);
	sync_option("enable_bitmapscan", "off", false);
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

/*
 * Functions that change the catalog for a caller who has no rights on it: NAME(...) calls NAME_by(caller, ...), which is in SQL, may be executed by
 * the extension's owner only, runs with his rights, and sees to it that the caller may do what he asks for.
 */
Datum
hllset_sync_delegate(PG_FUNCTION_ARGS)
{
	LOCAL_FCINFO(call, FUNC_MAX_ARGS);
	Oid id = fcinfo->flinfo->fn_oid;
	Oid types[FUNC_MAX_ARGS] = {OIDOID};
	Oid *given;
	int count;
	char *name = psprintf("%s_by", get_func_name(id));
	FmgrInfo function;
	SyncUser user;
	Datum result;

	(void) get_func_signature(id, &given, &count);
	memcpy(&types[1], given, count * sizeof(Oid));
	fmgr_info(LookupFuncName(list_make2(makeString(SYNC_SCHEMA), makeString(name)), count + 1,
							 types, false),
			  &function);
	InitFunctionCallInfoData(*call, &function, count + 1, PG_GET_COLLATION(), NULL, NULL);
	call->args[0] = (NullableDatum){ObjectIdGetDatum(GetUserId()), false};
	memcpy(&call->args[1], fcinfo->args, count * sizeof(NullableDatum));
	user = sync_enter_catalog();
	result = FunctionCallInvoke(call);
	sync_leave(user);
	fcinfo->isnull = call->isnull;
	return result;
}
