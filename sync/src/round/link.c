/* SPDX-License-Identifier: PostgreSQL */
/* A peer: its settings and the connection to it. */
#include "round/round.h"

#include "mb/pg_wchar.h"

SyncLink *
sync_link_create(MemoryContext context, const char *server, Oid role)
{
	SyncLink *link = MemoryContextAllocZero(context, sizeof(SyncLink));

	link->context = context;
	namestrcpy(&link->name, server);
	link->server = NameStr(link->name);
	link->role = role;
	return link;
}

/* The wire is closed by the end of its context. */
void
sync_link_close(SyncLink *link)
{
	if (link->connection != NULL)
		MemoryContextDelete(link->connection);
	link->connection = NULL;
	link->there.wire = NULL;
	memset(link->heads, 0, sizeof(link->heads));
	link->sets = NIL;
	link->left = NIL;
	link->sets_read = 0;
	link->push_session = 0;
}

/* ---- settings ---- */

static void
refuse_paused(const SyncLink *link, const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("peer \"%s\" is paused%s%s", link->server, reason[0] ? ": " : "", reason),
			 errhint("SELECT hllset_sync.resume_peer(%s);", quote_literal_cstr(link->server))));
}

/* Of the row of hllset_sync.peers, with a hash that tells whether the sets of this node are still the same. */
static void
read_settings(SyncLink *link)
{
	MemoryContext caller = CurrentMemoryContext;
	pg_uuid_t enabled_by;

	link->identity = sync_identity();
	if (link->identity.problem != NULL)
		ereport(ERROR, (errcode(ERRCODE_SYNC_IDENTITY), errmsg("%s", link->identity.problem)));
	if (sync_catalog("SELECT direction <> 'push', direction <> 'pull', paused, "
					 "coalesce(pause_reason, ''), enabled_by, "
					 "hashtextextended(concat_ws('/', direction, sets, xmin), 0) # "
					 "(SELECT coalesce(bit_xor(hashtextextended(concat_ws('/', set_id, set_name, "
					 "signature, state), 0)), 0) FROM hllset_sync.sets), "
					 "node_id, sets IS NOT NULL FROM hllset_sync.peers WHERE server = $1",
					 SYNC_NAME(&link->name)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("server \"%s\" is not a peer", link->server),
				 errhint("SELECT hllset_sync.add_peer(%s);", quote_literal_cstr(link->server))));
	MemoryContextSwitchTo(caller); /* SPI leaves its own, which ends with the transaction */
	if (sync_bool(0, 3))
		refuse_paused(link, sync_text(0, 4));
	sync_uuid(0, 5, &enabled_by);
	if (!sync_same_node(&enabled_by, &link->identity.node_id))
		refuse_paused(link, "it was added by another node, of which this database is a copy");
	link->directions[SYNC_FROM_PEER] = sync_bool(0, 1);
	link->directions[SYNC_TO_PEER] = sync_bool(0, 2);
	if (sync_int8(0, 6) != link->sets_mark)
		link->sets_read = 0;
	link->sets_mark = sync_int8(0, 6);
	link->is_named = sync_uuid(0, 7, &link->node);
	link->only_some = sync_bool(0, 8);
}

/* ---- connection ---- */

static char *
uuid_text(const pg_uuid_t *id)
{
	return DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(id)));
}

static int
name_hint(const SyncLink *link)
{
	return errhint("If it is, SELECT hllset_sync.alter_peer(%s, node => '%s');",
				   quote_literal_cstr(link->server), uuid_text(&link->hello.node_id));
}

/* The first hello names the node, unless somebody else speaks for it here already. */
static void
name_node(SyncLink *link)
{
	sync_begin(NULL);
	if (sync_catalog("SELECT format('peer \"%s\"', server) FROM hllset_sync.peers"
					 " WHERE node_id = $2 AND server <> $1"
					 " AND EXISTS (SELECT FROM pg_foreign_server WHERE srvname = server)"
					 " UNION ALL SELECT format('role \"%s\"', r.rolname)"
					 " FROM hllset_sync.acl a JOIN pg_roles r ON r.oid = a.role::oid"
					 " WHERE node = $2 LIMIT 1",
					 SYNC_NAME(&link->name), SYNC_UUID(&link->hello.node_id)) > 0)
		ereport(ERROR, (errcode(ERRCODE_SYNC_ORIGIN),
						errmsg("peer \"%s\" says that it is node %s, for which %s speaks here",
							   link->server, uuid_text(&link->hello.node_id),
							   sync_clean_text(sync_text(0, 1))),
						name_hint(link)));
	sync_catalog("UPDATE hllset_sync.peers SET node_id = $2 WHERE server = $1 AND node_id IS NULL",
				 SYNC_NAME(&link->name), SYNC_UUID(&link->hello.node_id));
	sync_commit();
	link->node = link->hello.node_id;
	link->is_named = true;
}

static void
check_node(SyncLink *link)
{
	if (!link->is_named)
		name_node(link);
	if (!sync_same_node(&link->node, &link->hello.node_id))
		ereport(ERROR, (errcode(ERRCODE_SYNC_IDENTITY),
						errmsg("peer \"%s\" is node %s, not %s", link->server,
							   uuid_text(&link->hello.node_id), uuid_text(&link->node)),
						name_hint(link)));
}

static void
ask_hello(SyncLink *link)
{
	static SyncStatement statement =
		SYNC_STATEMENT("e", "p_hello",
					   "SELECT proto, node_id, node_name, server_version, identity, encoding FROM "
					   "hllset_sync.p_hello($1, $2, $3, $4)",
					   1, INT4OID, UUIDOID, TEXTOID, INT4OID, TEXTOID, TEXTOID);
	List *rows =
		sync_call(&link->there, &statement,
				  SYNC_VALUES(SYNC_INT4(SYNC_PROTOCOL), SYNC_INT4(SYNC_PROTOCOL),
							  SYNC_UUID(&link->identity.node_id), SYNC_TEXT(link->identity.name)));
	const NullableDatum *row = rows == NIL ? NULL : linitial(rows);
	SyncHello *hello = &link->hello;
	char *identity, *encoding;

	if (row != NULL)
		sync_refuse_nulls(&link->there, row, statement.ncolumns);
	if (row == NULL || DatumGetInt32(row[0].value) != SYNC_PROTOCOL)
		sync_refuse_answer(&link->there, "another version of the protocol");
	hello->protocol = SYNC_PROTOCOL;
	hello->node_id = *DatumGetUUIDP(row[1].value);
	strlcpy(hello->node_name, sync_clean_text(TextDatumGetCString(row[2].value)), NAMEDATALEN);
	hello->server_version = DatumGetInt32(row[3].value);
	identity = sync_clean_text(TextDatumGetCString(row[4].value));
	encoding = sync_clean_text(TextDatumGetCString(row[5].value));
	if (sync_same_node(&hello->node_id, &link->identity.node_id))
		ereport(
			ERROR,
			(errcode(ERRCODE_SYNC_IDENTITY), errmsg("peer \"%s\" is this node", link->server),
			 errdetail("It has the same node id."),
			 errhint(
				 "If it is a copy of this database, SELECT hllset_sync.new_identity() there.")));
	if (strcmp(identity, "ok") != 0)
		ereport(ERROR, (errcode(ERRCODE_SYNC_IDENTITY),
						errmsg("peer \"%s\": %s", link->server, identity)));
	if (strcmp(encoding, GetDatabaseEncodingName()) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("encoding of peer \"%s\" differs", link->server),
				 errdetail("It is %s there and %s here.", encoding, GetDatabaseEncodingName())));
}

static void
connect_peer(SyncLink *link, const SyncTarget *target)
{
	MemoryContext caller;

	link->connection =
		AllocSetContextCreate(link->context, "hllset_sync connection", ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(link->connection);
	link->there.wire = sync_wire_open(target);
	MemoryContextSwitchTo(caller);
	sync_fault("after_connect");
	ask_hello(link);
	sync_fault("after_hello");
}

void
sync_link_open(SyncLink *link)
{
	SyncTarget *target = NULL;

	if (link->there.wire != NULL &&
		(link->there.wire->state != SYNC_WIRE_READY || sync_limit_worn(&link->there.wire->limit)))
		sync_link_close(link);
	sync_begin(NULL);
	read_settings(link);
	if (link->there.wire == NULL)
		target = sync_target(link->server, link->role, link->identity.name);
	sync_commit();
	if (target != NULL)
		connect_peer(link, target);
	check_node(link);
}

SyncFlow
sync_link_flow(SyncVisit *visit, SyncRelation *relation)
{
	SyncLink *link = visit->link;
	bool comes = visit->direction == SYNC_FROM_PEER;

	return (SyncFlow){
		.visit = visit,
		.relation = relation,
		.set_name = relation->set->name,
		.source = comes ? &link->there : &link->here,
		.sink = comes ? &link->here : &link->there,
		.origin = comes ? &link->hello.node_id : &link->identity.node_id,
		.origin_name = comes ? link->hello.node_name : link->identity.name,
		.batch = AllocSetContextCreate(CurrentMemoryContext, "hllset_sync batch",
									   ALLOCSET_DEFAULT_SIZES),
	};
}
