/* SPDX-License-Identifier: PostgreSQL */
/* Nodes whose rows are kept here: what they are called, and how far their copies are. */
#include "receive/receive.h"

int16
sync_origin_id(const SyncSet *set, const pg_uuid_t *node, const char *name)
{
	SyncIdentity identity = sync_identity();

	if (sync_same_node(&identity.node_id, node))
		ereport(ERROR, (errcode(ERRCODE_SYNC_IDENTITY),
						errmsg("a node does not keep copies of its own rows"),
						errdetail("The origin is this node, \"%s\".", identity.name)));
	sync_check_speaker(set, node);
	if (name != NULL)
		(void) sync_check_node_name(name);
	sync_catalog("SELECT hllset_sync.origin_number($1, $2)", SYNC_UUID(node), SYNC_TEXT(name));
	return sync_int2(0, 1);
}

/* ---- p_cursor ---- */

/* Of the sets in which the caller speaks for the node. */
SYNC_LOOK(hllset_sync_p_cursor)
{
	Oid caller = GetUserId();
	bool local = sync_is_local();

	sync_catalog("SELECT s.set_name, coalesce(c.seq, 0), c.nonce FROM hllset_sync.sets s"
				 " LEFT JOIN (hllset_sync.cursors c JOIN hllset_sync.origins o"
				 "  ON o.origin_id = c.origin_id AND o.node_id = $2) ON c.set_id = s.set_id"
				 " WHERE s.relid IS NOT NULL AND s.set_name = ANY ($1)"
				 " AND ($4 OR EXISTS (SELECT FROM hllset_sync.acl a WHERE a.set_id = s.set_id"
				 "  AND a.role::oid = $3 AND a.push AND a.node = $2))",
				 sync_names(fcinfo, 0), SYNC_GIVEN(UUIDOID, 1), SYNC_OID(caller), SYNC_BOOL(local));
	sync_return_rows(result);
}
