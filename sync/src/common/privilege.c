/* SPDX-License-Identifier: PostgreSQL */
/*
 * Whose rights a statement runs with: the owner of a set's table for rows, the extension's owner for the catalog. And with which settings of the planner: a
 * caller may have changed all of them, to make it slow.
 */
#include "common/common.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "utils/guc_tables.h"
#include "utils/syscache.h"

/* ---- settings ---- */

void
sync_option(const char *name, const char *value, bool local)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 local ? GUC_ACTION_LOCAL : GUC_ACTION_SAVE, true, 0, false);
}

/* Not the server's default: what is looked up by keys costs the planner so much that it would be compiled. */
#define WITHOUT_JIT "jit"

typedef struct Pin
{
	const struct config_generic *setting;
	double number;
} Pin;

static Pin *pins = NULL;
static int npins = 0;

static bool
is_planners(const struct config_generic *setting)
{
	return setting->group >= QUERY_TUNING_METHOD && setting->group <= QUERY_TUNING_OTHER &&
		   setting->context == PGC_USERSET && setting->vartype != PGC_STRING;
}

/* The value, or that which the server has if nobody says otherwise. */
static double
value_of(const struct config_generic *setting, bool of_server)
{
#define NUMBER(kind)                                       \
	(of_server ? ((const struct kind *) setting)->boot_val \
			   : *((const struct kind *) setting)->variable)
	switch (setting->vartype)
	{
		case PGC_BOOL:
			return NUMBER(config_bool);
		case PGC_INT:
			return NUMBER(config_int);
		case PGC_REAL:
			return NUMBER(config_real);
		case PGC_ENUM:
			return NUMBER(config_enum);
		case PGC_STRING:
			break;
	}
	elog(ERROR, "setting \"%s\" has no number", setting->name);
}

static const char *
text_of(const struct config_generic *setting, double number)
{
	if (setting->vartype != PGC_ENUM)
		return psprintf("%.17g", number);
	return config_enum_lookup_by_value(
		unconstify(struct config_enum *, (const struct config_enum *) setting), (int) number);
}

static void
find_settings(void)
{
	int count;
	struct config_generic **all = sync_settings(&count);
	Pin *found = MemoryContextAlloc(TopMemoryContext, count * sizeof(Pin));
	int nfound = 0;

	for (int i = 0; i < count; i++)
		if (is_planners(all[i]))
			found[nfound++] =
				(Pin){all[i], strcmp(all[i]->name, WITHOUT_JIT) == 0 ? 0 : value_of(all[i], true)};
	pins = found;
	npins = nfound;
}

/* Most are what they should be, so that this costs next to nothing. */
static void
pin_planner(void)
{
	if (pins == NULL)
		find_settings();
	for (int i = 0; i < npins; i++)
		if (value_of(pins[i].setting, false) != pins[i].number)
			sync_option(pins[i].setting->name, text_of(pins[i].setting, pins[i].number), false);
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
