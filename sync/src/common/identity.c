/* SPDX-License-Identifier: PostgreSQL */
/* Which node this database is, and whether it still is the one that it was when it got its name. */
#include "common/common.h"

#include "access/xlog.h"

PG_FUNCTION_INFO_V1(hllset_sync_rename_node);
PG_FUNCTION_INFO_V1(hllset_sync_new_identity);
PG_FUNCTION_INFO_V1(hllset_sync_keep_identity);

const char *const sync_receive_modes[SYNC_RECEIVE_MODES] = {"attempt", "changes", "repair",
															"rewound"};

bool
sync_token_equal(const SyncToken *a, const SyncToken *b)
{
	return a->seq == b->seq && a->has_nonce == b->has_nonce &&
		   (!a->has_nonce || sync_same_node(&a->nonce, &b->nonce));
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
	SyncIdentity identity = {.problem = NULL};

	SPI_connect();
	if (sync_catalog_values("SELECT node_id, node_name, sysid, dboid FROM hllset_sync.node",
							&SYNC_NONE) != 1)
		ereport(ERROR, (errcode(ERRCODE_SYNC_IDENTITY), errmsg("this database has no identity"),
						errhint("SELECT hllset_sync.new_identity();")));
	(void) sync_uuid(0, 1, &identity.node_id);
	strlcpy(identity.name, sync_text(0, 2), NAMEDATALEN);
	if ((uint64) sync_int8(0, 3) != GetSystemIdentifier() || sync_oid(0, 4) != MyDatabaseId)
		identity.problem =
			"this database is a copy of another or was moved: SELECT hllset_sync.new_identity() if "
			"it is a copy, keep_identity() if it is the same, moved";
	SPI_finish();
	return identity;
}

/* ---- running time ---- */

pg_uuid_t
sync_life(void)
{
	int64 start[2] = {PgStartTime, SYNC_TIMELINE()};

	return sync_hash(start, sizeof(start));
}

int64
sync_running(void)
{
	pg_uuid_t life = sync_life();

	sync_catalog("SELECT hllset_sync.running($1, $2)", SYNC_INT8(sync_clock() / 1000),
				 SYNC_UUID(&life));
	return sync_int8(0, 1);
}

SYNC_LOOK(hllset_sync_node)
{
	SyncIdentity identity = sync_identity();

	sync_add_row(result, SYNC_UUID(&identity.node_id), SYNC_TEXT(identity.name),
				 SYNC_TEXT(identity.problem ? identity.problem : "ok"));
}

Datum
hllset_sync_rename_node(PG_FUNCTION_ARGS)
{
	const char *name = sync_check_node_name(TextDatumGetCString(PG_GETARG_DATUM(0)));

	SPI_connect();
	/* A view by node must not take another's rows for ours; when that one is heard next, its name is looked at again. */
	sync_catalog(
		"WITH n AS (UPDATE hllset_sync.node SET node_name = $1) UPDATE hllset_sync.origins"
		" SET node_name = left($1, 54) || '-' || left(node_id::text, 8) WHERE node_name = $1",
		SYNC_TEXT(name));
	SPI_finish();
	PG_RETURN_VOID();
}

/* Binds the node, under a new id or its own, to this database. */
static Datum
bind_identity(bool is_new)
{
	SPI_connect();
	sync_catalog("INSERT INTO hllset_sync.node AS n (node_id, node_name, sysid, dboid, life)"
				 " SELECT g, 'node-' || left(g::text, 8), $1, $2, g FROM gen_random_uuid() g"
				 " ON CONFLICT (one) DO UPDATE SET sysid = $1, dboid = $2,"
				 " node_id = CASE WHEN $3 THEN excluded.node_id ELSE n.node_id END",
				 SYNC_INT8((int64) GetSystemIdentifier()), SYNC_OID(MyDatabaseId),
				 SYNC_BOOL(is_new));
	SPI_finish();
	return UUIDPGetDatum(memcpy(palloc(sizeof(pg_uuid_t)), sync_identity().node_id.data, UUID_LEN));
}

Datum
hllset_sync_new_identity(PG_FUNCTION_ARGS)
{
	return bind_identity(true);
}

Datum
hllset_sync_keep_identity(PG_FUNCTION_ARGS)
{
	return bind_identity(false);
}
