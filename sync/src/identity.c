/* SPDX-License-Identifier: PostgreSQL */
/* Which node this database is, and whether it still is the one that it was when it got its name. */
#include "set.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(hllset_sync_node);
PG_FUNCTION_INFO_V1(hllset_sync_rename_node);
PG_FUNCTION_INFO_V1(hllset_sync_new_identity);
PG_FUNCTION_INFO_V1(hllset_sync_keep_identity);

static const char *
problem(uint64 sysid, Oid dboid)
{
	if (sysid == GetSystemIdentifier() && dboid == MyDatabaseId)
		return NULL;
	return "this database is a copy of another or was moved: "
		   "SELECT hllset_sync.new_identity() if it is a copy, keep_identity() if it is the same, "
		   "moved";
}

const char *
sync_check_node_name(const char *name)
{
	if (name[0] == '\0' || strlen(name) >= NAMEDATALEN)
		ereport(ERROR, (errcode(ERRCODE_INVALID_NAME),
						errmsg("the name of a node must have 1 to %d bytes", NAMEDATALEN - 1)));
	/* It stands in views and in the logs of others. */
	for (const char *c = name; *c != '\0'; c++)
		if ((unsigned char) *c < ' ' || *c == 0x7F)
			ereport(ERROR, (errcode(ERRCODE_INVALID_NAME),
							errmsg("the name of a node must not have control characters")));
	return name;
}

SyncIdentity
sync_identity(void)
{
	SyncIdentity identity;
	SyncUser user;
	bool isnull;

	SPI_connect();
	user = sync_enter_catalog();
	if (sync_run("SELECT node_id, node_name, sysid, dboid FROM hllset_sync.node") != 1)
		ereport(ERROR, (errcode(ERRCODE_SYNC_IDENTITY), errmsg("this database has no identity"),
						errhint("SELECT hllset_sync.new_identity();")));
	identity.node_id = *DatumGetUUIDP(sync_field(0, 1, &isnull));
	strlcpy(identity.name, TextDatumGetCString(sync_field(0, 2, &isnull)), NAMEDATALEN);
	identity.problem = problem((uint64) DatumGetInt64(sync_field(0, 3, &isnull)),
							   DatumGetObjectId(sync_field(0, 4, &isnull)));
	sync_leave(user);
	SPI_finish();
	return identity;
}

Datum
hllset_sync_node(PG_FUNCTION_ARGS)
{
	SyncResult result = sync_result(fcinfo);
	SyncIdentity identity = sync_identity();
	Datum values[3] = {UUIDPGetDatum(&identity.node_id), CStringGetTextDatum(identity.name),
					   CStringGetTextDatum(identity.problem ? identity.problem : "ok")};
	bool nulls[3] = {false, false, false};

	sync_result_add(&result, values, nulls);
	return (Datum) 0;
}

Datum
hllset_sync_rename_node(PG_FUNCTION_ARGS)
{
	Oid types[1] = {TEXTOID};
	Datum values[1] = {PG_GETARG_DATUM(0)};
	SyncUser user;

	(void) sync_check_node_name(TextDatumGetCString(values[0]));
	SPI_connect();
	user = sync_enter_catalog();
	sync_execute("UPDATE hllset_sync.node SET node_name = $1", 1, types, values, NULL, false);
	sync_leave(user);
	SPI_finish();
	PG_RETURN_VOID();
}

/* Binds the node, under the id that ID_EXPRESSION gives, to this database. */
static Datum
bind_identity(const char *id_expression)
{
	Oid types[2] = {INT8OID, OIDOID};
	Datum values[2] = {Int64GetDatum((int64) GetSystemIdentifier()),
					   ObjectIdGetDatum(MyDatabaseId)};
	SyncUser user;

	SPI_connect();
	user = sync_enter_catalog();
	sync_execute(psprintf("INSERT INTO hllset_sync.node AS n (node_id, node_name, sysid, dboid)"
						  " SELECT g, 'node-' || left(g::text, 8), $1, $2 FROM gen_random_uuid() g"
						  " ON CONFLICT (one) DO UPDATE SET node_id = %s, sysid = $1, dboid = $2",
						  id_expression),
				 2, types, values, NULL, false);
	sync_leave(user);
	SPI_finish();
	return UUIDPGetDatum(memcpy(palloc(sizeof(pg_uuid_t)), sync_identity().node_id.data, UUID_LEN));
}

Datum
hllset_sync_new_identity(PG_FUNCTION_ARGS)
{
	return bind_identity("excluded.node_id");
}

Datum
hllset_sync_keep_identity(PG_FUNCTION_ARGS)
{
	return bind_identity("n.node_id");
}
