/* SPDX-License-Identifier: PostgreSQL */
/* A change to all copies of an origin, part by part in the order in which they lie in their table; no index would find them cheaper. */
#include "receive/receive.h"

#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"

#define BLOCKS 32 /* looked through by one statement */
#define RECENT 1000000

/* How far this session is with the last pass that it has worked on. */
typedef struct Place
{
	Oid table;
	Oid file; /* after a rewrite rows lie elsewhere */
	int16 origin;
	char change; /* the first letter */
	int64 seq;
	BlockNumber next;
	TransactionId writer; /* of the last part that changed something */
} Place;

static Place place;

/* What the last part did counts, or will. Whether an old transaction ended well is forgotten in time. */
static bool
last_part_counts(void)
{
	TransactionId now = XidFromFullTransactionId(ReadNextFullTransactionId());

	return !TransactionIdIsValid(place.writer) ||
		   TransactionIdIsCurrentTransactionId(place.writer) ||
		   (now - place.writer < RECENT && TransactionIdDidCommit(place.writer));
}

/* Goes on, or begins anew, at the place. */
static void
find_place(const SyncPass *pass, Relation table)
{
	Place begin = {.table = RelationGetRelid(table),
				   .file = table->rd_rel->relfilenode,
				   .origin = pass->origin,
				   .change = pass->change[0],
				   .seq = pass->seq};

	if (place.table != begin.table || place.file != begin.file || place.origin != begin.origin ||
		place.change != begin.change || place.seq != begin.seq || !last_part_counts())
		place = begin;
}

static SyncValue
block_start(BlockNumber block)
{
	ItemPointer pointer = palloc(sizeof(ItemPointerData));

	ItemPointerSet(pointer, block, 0);
	return SYNC_VALUE(TIDOID, PointerGetDatum(pointer));
}

/* At most LIMIT rows of the next blocks; the place moves on if there were fewer. */
static int64
change_some(SyncPass *pass, int64 limit)
{
	char *change = psprintf("%s WHERE ctid = ANY (ARRAY(SELECT ctid FROM hllset_sync.copy_%d"
							" WHERE ctid >= $1 AND ctid < $2 AND origin_id = $3 AND %s LIMIT $5))",
							pass->change, pass->set->id, pass->which);
	int64 rows;

	if (pass->then != NULL)
		change = psprintf("WITH touched AS (%s RETURNING *)%s", change, pass->then);
	rows = sync_execute(change, block_start(place.next), block_start(place.next + BLOCKS),
						SYNC_INT2(pass->origin), SYNC_INT8(pass->seq), SYNC_INT8(limit));
	if (pass->then != NULL)
	{
		rows = sync_int8(0, 1);
		pass->other += sync_int8(0, 2);
	}
	pass->rows += rows;
	if (rows < limit)
		place.next += BLOCKS;
	return rows;
}

/* The next pass begins at the start, also if it is like the last one: rows may have come since. */
void
sync_pass_anew(void)
{
	place = (Place){0};
}

bool
sync_pass_part(SyncPass *pass)
{
	Oid table = sync_set_table(pass->set, "copy");
	int64 left = sync_chunk_rows;
	BlockNumber blocks;
	Relation relation;
	SyncUser user;

	if (!OidIsValid(table))
		return false;
	relation = table_open(table, AccessShareLock);
	blocks = RelationGetNumberOfBlocks(relation);
	find_place(pass, relation);
	table_close(relation, NoLock);
	if (place.next >= blocks)
	{
		sync_pass_anew();
		return false;
	}
	user = sync_enter(sync_table_owner(table));
	while (left > 0 && place.next < blocks)
	{
		CHECK_FOR_INTERRUPTS();
		left -= change_some(pass, left) + BLOCKS;
	}
	sync_leave(user);
	place.writer = GetTopTransactionIdIfAny();
	return true;
}
