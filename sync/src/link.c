/* SPDX-License-Identifier: PostgreSQL */
/* A peer: its settings and the connection to it. */
#include "link.h"
#include "set.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

SyncLink *
sync_link_create(MemoryContext context, const char *server, Oid role)
{
	MemoryContext own = AllocSetContextCreate(context, "hllset_sync link", ALLOCSET_DEFAULT_SIZES);
	SyncLink *link = MemoryContextAllocZero(own, sizeof(SyncLink));

	link->context = own;
	namestrcpy(&link->name, server);
	link->server = NameStr(link->name);
	link->role = role;
	link->here.label = "here";
	link->there.label = link->server;
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
	link->sets = NIL;
	link->sets_read = 0;
}

/* ---- settings ---- */

static List *
read_names(Datum array)
{
	List *names = NIL;
	Datum *elements;
	int count;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL,
					  &count);
	for (int i = 0; i < count; i++)
		names = lappend(names, TextDatumGetCString(elements[i]));
	return names;
}

static void
refuse_paused(const SyncLink *link, const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("peer \"%s\" is paused%s%s", link->server, reason[0] ? ": " : "", reason),
			 errhint("SELECT hllset_sync.resume_peer(%s);", quote_literal_cstr(link->server))));
}

/* Takes the row of hllset_sync.peers; MARK tells whether the sets of this node are still the same. */
static void
take_settings(SyncLink *link, int64 *mark)
{
	char *direction = TextDatumGetCString(sync_field(0, 1, &(bool){false}));
	bool all, isnull;
	Datum names = sync_field(0, 2, &all);
	Datum reason = sync_field(0, 4, &isnull);

	if (DatumGetBool(sync_field(0, 3, &(bool){false})))
		refuse_paused(link, isnull ? "" : TextDatumGetCString(reason));
	if (memcmp(DatumGetUUIDP(sync_field(0, 5, &isnull)), &link->identity.node_id,
			   sizeof(pg_uuid_t)) != 0)
		refuse_paused(link, "it was added by another node, of which this database is a copy");
	link->directions[SYNC_FROM_PEER] = strcmp(direction, "push") != 0;
	link->directions[SYNC_TO_PEER] = strcmp(direction, "pull") != 0;
	link->only_some = !all;
	link->only = all ? NIL : read_names(names); /* lives as long as a round */
	*mark = DatumGetInt64(sync_field(0, 6, &isnull));
}

static void
read_settings(SyncLink *link, int64 *mark)
{
	static const Oid types[] = {NAMEOID};
	Datum values[] = {NameGetDatum(&link->name)};
	MemoryContext caller = CurrentMemoryContext;
	SyncUser user;

	link->identity = sync_identity();
	if (link->identity.problem != NULL)
		ereport(ERROR, (errcode(ERRCODE_SYNC_IDENTITY), errmsg("%s", link->identity.problem)));
	user = sync_enter_catalog();
	if (sync_execute("SELECT direction, sets, paused, pause_reason, enabled_by, "
					 "hashtextextended(concat_ws('/', direction, sets), 0) # "
					 "(SELECT coalesce(bit_xor(hashtextextended(concat_ws('/', set_id, set_name, "
					 "signature, state), 0)), 0) FROM hllset_sync.sets) "
					 "FROM hllset_sync.peers WHERE server = $1",
					 1, types, values, NULL, true) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("server \"%s\" is not a peer", link->server),
				 errhint("SELECT hllset_sync.add_peer(%s);", quote_literal_cstr(link->server))));
	MemoryContextSwitchTo(caller); /* SPI leaves its own, which ends with the transaction */
	take_settings(link, mark);
	sync_leave(user);
}

/* ---- connection ---- */

static void
check_hello(const SyncLink *link)
{
	const SyncHello *hello = &link->hello;

	if (memcmp(&hello->node_id, &link->identity.node_id, sizeof(pg_uuid_t)) == 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_SYNC_IDENTITY), errmsg("peer \"%s\" is this node", link->server),
			 errdetail("It has the same node id."),
			 errhint(
				 "If it is a copy of this database, SELECT hllset_sync.new_identity() there.")));
	if (strcmp(hello->identity, "ok") != 0)
		ereport(ERROR, (errcode(ERRCODE_SYNC_IDENTITY),
						errmsg("peer \"%s\": %s", link->server, hello->identity)));
	if (strcmp(hello->encoding, GetDatabaseEncodingName()) != 0)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("encoding of peer \"%s\" differs", link->server),
						errdetail("It is %s there and %s here.", hello->encoding,
								  GetDatabaseEncodingName())));
}

/* Less than a certified connection needs to be asked for, and is worth a line in the log once per process. */
static void
warn_of_sslmode(const SyncTarget *target)
{
	static List *warned = NIL;

	for (int i = 0; target->keywords[i] != NULL; i++)
	{
		const char *mode = target->values[i];

		if (strcmp(target->keywords[i], "sslmode") != 0 ||
			(strcmp(mode, "disable") != 0 && strcmp(mode, "allow") != 0 &&
			 strcmp(mode, "prefer") != 0))
			continue;
		if (!list_member_oid(warned, target->serverid))
		{
			MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);

			warned = lappend_oid(warned, target->serverid);
			MemoryContextSwitchTo(caller);
			ereport(WARNING, (errmsg("hllset_sync: peer \"%s\": sslmode is \"%s\": others may read "
									 "and change what crosses",
									 target->server, mode)));
		}
	}
}

static void
connect_peer(SyncLink *link, const SyncTarget *target)
{
	MemoryContext caller;

	warn_of_sslmode(target);
	link->connection =
		AllocSetContextCreate(link->context, "hllset_sync connection", ALLOCSET_DEFAULT_SIZES);
	link->offers =
		AllocSetContextCreate(link->connection, "hllset_sync offers", ALLOCSET_DEFAULT_SIZES);
	link->lane_texts =
		AllocSetContextCreate(link->connection, "hllset_sync lanes", ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(link->connection);
	link->there.wire = sync_wire_open(target, link->identity.name);
	sync_fault("after_connect");
	link->hello = sync_ask_hello(&link->there, &link->identity.node_id, link->identity.name);
	MemoryContextSwitchTo(caller);
	check_hello(link);
	sync_fault("after_hello");
}

void
sync_link_open(SyncLink *link)
{
	SyncTarget *target = NULL;
	int64 mark;

	if (link->there.wire != NULL && sync_wire_state(link->there.wire) != SYNC_WIRE_READY)
		sync_link_close(link);
	sync_begin(NULL);
	read_settings(link, &mark);
	if (link->there.wire == NULL)
		target = sync_target(link->server, link->role);
	sync_commit();
	if (mark != link->sets_mark)
		link->sets_read = 0;
	link->sets_mark = mark;
	if (target != NULL)
		connect_peer(link, target);
}

void
sync_link_pause(SyncLink *link, const char *reason)
{
	static const Oid types[] = {NAMEOID, TEXTOID};
	Datum values[] = {NameGetDatum(&link->name), CStringGetTextDatum(reason)};
	SyncUser user;

	sync_begin(NULL);
	user = sync_enter_catalog();
	sync_execute("UPDATE hllset_sync.peers SET paused = true, pause_reason = $2 WHERE server = $1",
				 2, types, values, NULL, false);
	sync_leave(user);
	sync_commit();
	ereport(WARNING, (errmsg("hllset_sync: peer \"%s\": paused: %s", link->server, reason)));
}

SyncFlow
sync_link_flow(SyncLink *link, SyncDirection direction)
{
	bool comes = direction == SYNC_FROM_PEER;
	SyncFlow flow = {
		.source = comes ? &link->there : &link->here,
		.sink = comes ? &link->here : &link->there,
		.origin = comes ? &link->hello.node_id : &link->identity.node_id,
		.origin_name = comes ? link->hello.node_name : link->identity.name,
	};

	return flow;
}
