/* SPDX-License-Identifier: PostgreSQL */
/* Nodes whose rows are kept here: who may write for them, and how their copies are dropped or absorbed. */
#include "set.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

PG_FUNCTION_INFO_V1(hllset_sync_drop_origin);
PG_FUNCTION_INFO_V1(hllset_sync_absorb_origin);

static bool
same_id(const pg_uuid_t *a, const pg_uuid_t *b)
{
	return memcmp(a->data, b->data, UUID_LEN) == 0;
}

/* Binds the current user, unless another role is taken for that node already: peers know each other's ids. */
static void
bind_pusher(const SyncSet *set, const pg_uuid_t *origin)
{
	Oid types[3] = {UUIDOID, INT4OID, OIDOID};
	Datum values[3] = {UUIDPGetDatum(origin), Int32GetDatum(set->id),
					   ObjectIdGetDatum(GetUserId())};
	SyncUser user = sync_enter_catalog();

	if (sync_execute("SELECT FROM hllset_sync.acl JOIN pg_roles r ON r.oid = role::oid"
					 " WHERE origin = $1 AND set_id = $2 AND role::oid <> $3 AND push",
					 3, types, values, NULL, false) > 0)
		ereport(ERROR, (errcode(ERRCODE_SYNC_ORIGIN),
						errmsg("another role pushes to set \"%s\" for node %s", set->name,
							   DatumGetCString(DirectFunctionCall1(uuid_out, values[0]))),
						errhint("revoke_peer() that one, if this one is to take its place, or name "
								"the node to this one: grant_peer(..., origin => ...).")));
	sync_execute("UPDATE hllset_sync.acl SET origin = $1 WHERE set_id = $2 AND role::oid = $3", 3,
				 types, values, NULL, false);
	sync_leave(user);
}

/* A role pushes for one origin only: the first one that it pushes for, unless grant_peer named it. */
void
sync_check_pusher(SyncSet *set, const pg_uuid_t *origin)
{
	if (sync_is_local())
		return;
	if (set->bound && !same_id(&set->origin, origin))
		ereport(ERROR,
				(errcode(ERRCODE_SYNC_ORIGIN),
				 errmsg("role \"%s\" may push to set \"%s\" for another node only",
						GetUserNameFromId(GetUserId(), false), set->name),
				 errdetail("It is bound to node %s.", DatumGetCString(DirectFunctionCall1(
														  uuid_out, UUIDPGetDatum(&set->origin)))),
				 errhint("If the node has a new identity, grant_peer() its role again, with the "
						 "new origin.")));
	if (!set->bound)
		bind_pusher(set, origin);
}

static void
add_origin(const Datum *values)
{
	Oid types[2] = {UUIDOID, TEXTOID};

	sync_run("LOCK TABLE hllset_sync.origins IN SHARE ROW EXCLUSIVE MODE");
	sync_execute("INSERT INTO hllset_sync.origins (origin_id, node_id, node_name)"
				 " SELECT coalesce(max(origin_id), 0) + 1, $1, coalesce($2, $1::text) FROM "
				 "hllset_sync.origins"
				 " ON CONFLICT (node_id) DO NOTHING",
				 2, types, values, values[1] ? "  " : " n", false);
}

int16
sync_origin_id(SyncSet *set, const pg_uuid_t *origin, const char *name)
{
	Oid types[2] = {UUIDOID, TEXTOID};
	Datum values[2] = {UUIDPGetDatum(origin),
					   name ? CStringGetTextDatum(sync_check_node_name(name)) : (Datum) 0};
	const char *find = "SELECT origin_id, node_name FROM hllset_sync.origins WHERE node_id = $1";
	SyncIdentity identity = sync_identity();
	SyncUser user;
	int16 id;
	bool isnull;

	if (same_id(&identity.node_id, origin))
		ereport(ERROR, (errcode(ERRCODE_SYNC_IDENTITY),
						errmsg("a node does not keep copies of its own rows"),
						errdetail("The origin is this node, \"%s\".", identity.name)));
	sync_check_pusher(set, origin);
	user = sync_enter_catalog();
	if (sync_execute(find, 1, types, values, NULL, false) == 0)
	{
		add_origin(values);
		sync_execute(find, 1, types, values, NULL, false);
	}
	id = DatumGetInt16(sync_field(0, 1, &isnull));
	if (name != NULL && strcmp(name, TextDatumGetCString(sync_field(0, 2, &isnull))) != 0)
		sync_execute("UPDATE hllset_sync.origins SET node_name = $2 WHERE node_id = $1", 2, types,
					 values, NULL, false);
	sync_leave(user);
	return id;
}

/* ---- removing a node ---- */

static int16
find_origin(const char *node)
{
	Oid types[1] = {TEXTOID};
	Datum values[1] = {CStringGetTextDatum(node)};
	SyncUser user = sync_enter_catalog();
	uint64 count = sync_execute("SELECT origin_id FROM hllset_sync.origins"
								" WHERE node_name = $1 OR node_id::text = $1 FOR UPDATE",
								1, types, values, NULL, false);
	bool isnull;
	int16 id;

	if (count != 1)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						count == 0 ? errmsg("there are no copies of node \"%s\"", node)
								   : errmsg("several nodes are named \"%s\"", node),
						count == 0 ? 0 : errhint("Use the node's id; see hllset_sync.origins.")));
	id = DatumGetInt16(sync_field(0, 1, &isnull));
	sync_leave(user);
	return id;
}

/* The rows of one set. Its cursor is locked first, so no batch comes between. */
static int64
drop_copies(SyncSet *set, int16 origin)
{
	Oid copies = sync_set_table(set, "copy");
	SyncUser user;
	int64 count = 0;

	user = sync_enter_catalog();
	sync_run("DELETE FROM hllset_sync.cursors WHERE set_id = %d AND origin_id = %d", set->id,
			 origin);
	sync_leave(user);
	if (OidIsValid(copies))
	{
		user = sync_enter(sync_table_owner(copies));
		count = sync_run("DELETE FROM hllset_sync.copy_%d WHERE origin_id = %d", set->id, origin);
		sync_leave(user);
	}
	return count;
}

static void
forget_origin(int16 origin)
{
	SyncUser user = sync_enter_catalog();

	sync_run("DELETE FROM hllset_sync.origins WHERE origin_id = %d", origin);
	sync_leave(user);
}

Datum
hllset_sync_drop_origin(PG_FUNCTION_ARGS)
{
	int64 count = 0;
	int16 origin;
	ListCell *cell;

	SPI_connect();
	origin = find_origin(TextDatumGetCString(PG_GETARG_DATUM(0)));
	foreach (cell, sync_sets((Datum) 0, GetUserId()))
		count += drop_copies(lfirst(cell), origin);
	forget_origin(origin);
	SPI_finish();
	PG_RETURN_INT64(count);
}

/* Unites the copies with this node's own rows, as the owner of the table. */
static int64
absorb_copies(SyncSet *set, int16 origin)
{
	StringInfoData assignments;
	StringInfoData differs;
	const char *unite;
	const char *digest;
	SyncUser user;
	int64 count;
	const char *columns;

	if (!sync_set_usable(set))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("set \"%s\" is broken: %s", set->name, set->reason)));
	unite = sync_function_name(sync_hllset_function(SYNC_UNION));
	digest = sync_function_name(sync_hllset_function(SYNC_DIGEST));
	initStringInfo(&assignments);
	initStringInfo(&differs);
	for (int i = 0; i < set->nsketches; i++)
	{
		const char *column = quote_identifier(set->sketches[i].name);
		char *united = psprintf("coalesce(%s(b.%s, excluded.%s), b.%s, excluded.%s)", unite, column,
								column, column, column);

		appendStringInfo(&assignments, "%s%s = %s", i ? ", " : "", column, united);
		appendStringInfo(&differs, "%s%s(%s) IS DISTINCT FROM %s(b.%s)", i ? " OR " : "", digest,
						 united, digest, column);
	}
	columns = psprintf("%s, %s", sync_bare(set->keys, set->nkeys),
					   sync_bare(set->sketches, set->nsketches));
	user = sync_enter(set->owner);
	count = sync_run(
		"INSERT INTO %s AS b (%s) SELECT %s, %s FROM hllset_sync.copy_%d WHERE origin_id = %d"
		" ON CONFLICT (%s) DO UPDATE SET %s WHERE %s",
		sync_table_name(set->relid), columns, sync_numbered("k", 1, set->nkeys, ""),
		sync_numbered("s", 1, set->nsketches, ""), set->id, origin,
		sync_bare(set->keys, set->nkeys), assignments.data, differs.data);
	sync_leave(user);
	return count;
}

Datum
hllset_sync_absorb_origin(PG_FUNCTION_ARGS)
{
	int64 count = 0;
	int16 origin;
	ListCell *cell;

	SPI_connect();
	origin = find_origin(TextDatumGetCString(PG_GETARG_DATUM(0)));
	foreach (cell, sync_sets((Datum) 0, GetUserId()))
	{
		count += absorb_copies(lfirst(cell), origin);
		drop_copies(lfirst(cell), origin);
	}
	forget_origin(origin);
	SPI_finish();
	PG_RETURN_INT64(count);
}
