/* SPDX-License-Identifier: PostgreSQL */
/* A change to all copies of an origin, part by part in the order in which they lie in their table; no index would find them cheaper. */
#include "receive/receive.h"

#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"

#define BLOCKS 256 /* looked through by one statement */
#define RECENT 1000000

/* How far this session is with the last pass that it has worked on. */
static struct
{
	char pass[64]; /* which one it is */
	BlockNumber next;
	TransactionId writer; /* of the last part that changed something */
} place;

/* What the last part did counts, or will. Whether an old transaction ended well is forgotten in time. */
static bool
last_part_counts(void)
{
	TransactionId now = XidFromFullTransactionId(ReadNextFullTransactionId());

	return !TransactionIdIsValid(place.writer) ||
		   TransactionIdIsCurrentTransactionId(place.writer) ||
		   (now - place.writer < RECENT && TransactionIdDidCommit(place.writer));
}

/* The next pass begins at the start, also if it is like the last one: rows may have come since. */
void
sync_pass_anew(void)
{
	memset(&place, 0, sizeof(place));
}

/*
 * $1: the origin, $2: SEQ of the pass, $3: most rows, $4 and $5: the first block and the one behind the last. OFFSET 0 keeps the planner from an index,
 * all of which it would read for each part once the table seems to be empty.
 */
static char *
change_statement(const SyncPass *pass)
{
	const char *table = psprintf("hllset_sync.copy_%d", pass->set->id);
	char *change =
		psprintf("%s WHERE ctid = ANY (ARRAY(SELECT ctid FROM (SELECT ctid, origin_id,"
				 " seq FROM %s WHERE ctid >= $4 AND ctid < $5 OFFSET 0) c"
				 " WHERE origin_id = $1 AND seq %s $2 LIMIT $3))",
				 psprintf(pass->rewinds ? "UPDATE %s SET seq = $2" : "DELETE FROM %s", table),
				 table, pass->rewinds ? ">" : "<");

	return pass->then == NULL ? change
							  : psprintf("WITH touched AS (%s RETURNING *)%s", change, pass->then);
}

/* At most LIMIT rows of the next blocks; the place moves on if there were fewer. */
static int64
change_some(SyncPass *pass, SPIPlanPtr *plan, int64 limit)
{
	ItemPointerData first, end;
	const SyncValue *values;
	int64 rows;

	ItemPointerSet(&first, place.next, 0);
	ItemPointerSet(&end, place.next + BLOCKS, 0);
	values = SYNC_VALUES(SYNC_INT2(pass->origin), SYNC_INT8(pass->seq), SYNC_INT8(limit),
						 sync_pointer_value(TIDOID, &first), sync_pointer_value(TIDOID, &end));
	if (*plan == NULL)
		*plan = sync_prepare(change_statement(pass), values);
	rows = sync_execute_plan(*plan, values, 0);
	if (pass->then != NULL)
		rows = sync_int8(0, 1);
	pass->count += pass->then == NULL ? rows : sync_int8(0, 2);
	if (rows < limit)
		place.next += BLOCKS;
	return rows;
}

bool
sync_pass_part(SyncPass *pass)
{
	Oid table = sync_set_table(pass->set, "copy");
	int64 left = sync_chunk_rows;
	char this[sizeof(place.pass)];
	BlockNumber blocks;
	Relation relation;
	SyncUser user;
	SPIPlanPtr plan = NULL;

	if (!OidIsValid(table))
		return false;
	relation = table_open(table, AccessShareLock);
	blocks = RelationGetNumberOfBlocks(relation);
	/* After a rewrite of the table rows lie elsewhere. */
	snprintf(this, sizeof(this), "%u %u %d %d " INT64_FORMAT, table, relation->rd_rel->relfilenode,
			 pass->origin, pass->rewinds, pass->seq);
	table_close(relation, NoLock);
	if (strcmp(place.pass, this) != 0 || !last_part_counts())
		sync_pass_anew();
	strlcpy(place.pass, this, sizeof(place.pass));
	if (place.next >= blocks)
	{
		sync_pass_anew();
		return false;
	}
	user = sync_enter(sync_table_owner(table));
	while (left > 0 && place.next < blocks)
	{
		CHECK_FOR_INTERRUPTS();
		left -= change_some(pass, &plan, left) + BLOCKS;
	}
	sync_leave(user);
	place.writer = GetTopTransactionIdIfAny();
	return true;
}
