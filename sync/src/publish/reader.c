/* SPDX-License-Identifier: PostgreSQL */
/*
 * Who reads from this node, or is pushed to, and what each of them has flushed: hllset_sync.readers, which outlives all but drop_consumer(), and
 * hllset_sync.confirmed, which is worth something only as long as this life of the server. When a node confirmed last is in shared memory; without
 * it nobody can wait, so nothing is confirmed.
 *
 * A session of a node says all that it has of each set at first, and later what changed. So a token counts if it was said since the session began from
 * which the node was last heard: what an older one had said may have been lost with a restored backup. What was said when goes by numbers.
 */
#include "publish/publish.h"

#include "access/xact.h"

PG_FUNCTION_INFO_V1(hllset_sync_reader_status);

typedef struct HeardNode
{
	Oid dboid;
	pg_uuid_t node_id;
	uint64 session; /* the number at which the session began that was heard last */
	SyncTime heard; /* 0: nobody was */
	SyncTime reads; /* it was heard as a reader; 0: only that our pushes have arrived */
} HeardNode;

typedef struct Heard
{
	uint64 last; /* number of what was said; 0: nothing was */
	HeardNode nodes[FLEXIBLE_ARRAY_MEMBER];
} Heard;

static Heard *all;

/* What this transaction confirms, to be told when it commits. */
static HeardNode heard;

/* ---- shared memory ---- */

static HeardNode *
find(const pg_uuid_t *node_id)
{
	for (HeardNode *node = all->nodes; node < all->nodes + sync_max_nodes; node++)
		if (node->heard != 0 && node->dboid == MyDatabaseId &&
			sync_same_node(&node->node_id, node_id))
			return node;
	return NULL;
}

static void
tell_heard(void)
{
	HeardNode *place;

	sync_shared_lock();
	place = find(&heard.node_id);
	if (place != NULL && heard.reads == 0)
		heard.reads = place->reads;
	/* The one that was not heard of for longest gives its place to a new one: it has to confirm anew. */
	if (place == NULL)
	{
		place = all->nodes;
		for (HeardNode *node = place; node < all->nodes + sync_max_nodes; node++)
			if (node->heard < place->heard)
				place = node;
	}
	*place = heard;
	sync_shared_unlock();
	sync_shared_changed();
}

static void
at_end(XactEvent event, void *argument)
{
	if (heard.heard != 0 && event == XACT_EVENT_COMMIT)
		tell_heard();
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		heard.heard = 0;
}

void
sync_install_readers(void)
{
	RegisterXactCallback(at_end, NULL);
	sync_add_shared_part("hllset_sync nodes",
						 offsetof(Heard, nodes) + sync_max_nodes * sizeof(HeardNode),
						 (void **) &all);
}

static uint64
next_number(void)
{
	uint64 number;

	sync_shared_lock();
	/* What was said in another life of the server has numbers far from those of this one. */
	if (all->last == 0 && !pg_strong_random(&number, sizeof(number)))
		elog(ERROR, "no random number");
	all->last = all->last == 0 ? number >> 2 | 1 : all->last + 1;
	number = all->last;
	sync_shared_unlock();
	return number;
}

/* ---- confirming ---- */

/* Returns how many of the sets the node is a reader of, if it is one, or are there. */
static uint64
note_confirmed(const SyncSetToken *tokens, int count, const pg_uuid_t *node_id, uint64 session,
			   bool reads)
{
	Datum *ids = palloc(count * sizeof(Datum));
	Datum *seqs = palloc(count * sizeof(Datum));
	Datum *nonces = palloc(count * sizeof(Datum));

	for (int i = 0; i < count; i++)
	{
		ids[i] = Int32GetDatum(tokens[i].set_id);
		seqs[i] = Int64GetDatum(tokens[i].seq);
		nonces[i] = UUIDPGetDatum(&tokens[i].nonce);
	}
	return sync_catalog("SELECT hllset_sync.note_confirmed($1, $2, $3, $4, $5, $6, $7, $8)",
						SYNC_ARRAY(INT4OID, ids, NULL, count),
						SYNC_ARRAY(INT8OID, seqs, NULL, count),
						SYNC_ARRAY(UUIDOID, nonces, NULL, count), SYNC_UUID(node_id),
						SYNC_INT8((int64) next_number()), SYNC_INT8((int64) session),
						SYNC_NULLABLE(reads, SYNC_OID(GetUserId())), SYNC_TEXT(sync_caller.name));
}

void
sync_confirm_of(const pg_uuid_t *node_id, bool reads, const SyncSetToken *tokens, int count,
				SyncTime when, uint64 *session)
{
	uint64 begun = *session;
	uint64 known = 0;

	if (!sync_has_shared_memory())
		return;
	if (begun == 0)
		begun = next_number();
	if (count > 0)
		known = note_confirmed(tokens, count, node_id, begun, reads);
	/* A reader of none of these sets says nothing, unless it said something in this session. */
	if (reads && known == 0 && *session == 0)
		return;
	*session = begun;
	heard = (HeardNode){MyDatabaseId, *node_id, begun, when, reads ? when : 0};
}

void
sync_confirm(const SyncSetToken *tokens, int count)
{
	static uint64 session = 0;
	static pg_uuid_t node_id;

	/* A session may say anew who it is. */
	if (!sync_same_node(&node_id, &sync_caller.node_id))
		session = 0;
	node_id = sync_caller.node_id;
	sync_confirm_of(&node_id, true, tokens, count, sync_clock(), &session);
}

void
sync_note_caller(SyncValue names)
{
	sync_catalog("INSERT INTO hllset_sync.readers (set_id, node_id, role, node_name)"
				 " SELECT a.set_id, $1, $2, $3 FROM hllset_sync.acl a JOIN hllset_sync.sets s"
				 " USING (set_id) WHERE a.node = $1 AND a.role = $2 AND a.pull"
				 " AND ($4 IS NULL OR s.set_name IN (SELECT unnest($4))) ON CONFLICT DO NOTHING",
				 SYNC_UUID(&sync_caller.node_id), SYNC_OID(GetUserId()),
				 SYNC_TEXT(sync_caller.name), names);
}

void
sync_confirm_named(Datum names, Datum seqs, Datum nonces)
{
	SyncSetToken *tokens;
	Datum *unused;
	int count = sync_elements(names, TEXTOID, "names of sets", &unused);

	if (sync_elements(seqs, INT8OID, "numbers", &unused) != count ||
		sync_elements(nonces, UUIDOID, "nonces", &unused) != count)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("there must be one token for each set")));
	count =
		(int) sync_catalog("SELECT s.set_id, u.seq, u.nonce FROM unnest($1, $2, $3)"
						   " u (name, seq, nonce) JOIN hllset_sync.sets s ON s.set_name = u.name",
						   SYNC_VALUE(TEXTARRAYOID, names), SYNC_VALUE(INT8ARRAYOID, seqs),
						   SYNC_VALUE(UUIDARRAYOID, nonces));
	tokens = palloc((count + 1) * sizeof(SyncSetToken));
	for (int i = 0; i < count; i++)
	{
		tokens[i] = (SyncSetToken){.set_id = sync_int4(i, 1), .seq = sync_int8(i, 2)};
		(void) sync_uuid(i, 3, &tokens[i].nonce);
	}
	sync_confirm(tokens, count);
}

/* ---- looking ---- */

bool
sync_node_heard(const pg_uuid_t *node_id, SyncTime since, uint64 *from, uint64 *to)
{
	const HeardNode *node;
	bool was;

	sync_shared_lock();
	node = find(node_id);
	was = node != NULL && node->heard >= since;
	*from = was ? node->session : 0;
	*to = all->last;
	sync_shared_unlock();
	return was;
}

List *
sync_sets_read_by(const pg_uuid_t *node_id, SyncTime since)
{
	MemoryContext caller = CurrentMemoryContext;
	const HeardNode *node;
	List *ids = NIL;
	uint64 count;
	bool reads;

	sync_shared_lock();
	node = find(node_id);
	reads = node != NULL && node->reads >= since;
	sync_shared_unlock();
	if (!reads)
		return NIL;
	count = sync_catalog("SELECT set_id FROM hllset_sync.readers WHERE node_id = $1",
						 SYNC_UUID(node_id));
	MemoryContextSwitchTo(caller);
	for (uint64 row = 0; row < count; row++)
		ids = lappend_int(ids, sync_int4(row, 1));
	return ids;
}

/* (node_id, last_seen, said_from, said_to) of the nodes that were heard in this life of the server. */
Datum
hllset_sync_reader_status(PG_FUNCTION_ARGS)
{
	SyncResult *result = sync_result(fcinfo);

	for (int i = 0; sync_has_shared_memory() && i < sync_max_nodes; i++)
	{
		HeardNode node;
		uint64 last;

		sync_shared_lock();
		node = all->nodes[i];
		last = all->last;
		sync_shared_unlock();
		if (node.heard != 0 && node.dboid == MyDatabaseId)
			sync_add_row(result, SYNC_UUID(&node.node_id),
						 SYNC_VALUE(TIMESTAMPTZOID, TimestampTzGetDatum(sync_wall(node.heard))),
						 SYNC_INT8((int64) node.session), SYNC_INT8((int64) last));
	}
	return (Datum) 0;
}
