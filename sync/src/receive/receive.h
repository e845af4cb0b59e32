/* SPDX-License-Identifier: PostgreSQL */
/* Copies of other nodes' rows. */
#ifndef HLLSET_SYNC_RECEIVE_H
#define HLLSET_SYNC_RECEIVE_H

#include "common/common.h"

/* ---- origin.c: nodes whose rows are kept here ---- */

/*
 * The number under which copies of this node are kept here, a new one if need be. NAME is its own for itself, or NULL. ERROR unless the current user
 * speaks for it.
 */
int16 sync_origin_id(const SyncSet *set, const pg_uuid_t *node, const char *name);

/* ---- write.c ---- */

/* Rows of one origin as they arrived. */
typedef struct SyncIncoming
{
	SyncSet *set;
	int16 origin;
	SyncReceiveMode mode;
	int count;
	Datum *seqs; /* int8 */
	Datum *keys; /* bytea */
	Datum *sketches;
	bool *
		gone; /* no sketches: the row was deleted, or, with number 0 in a repair, is kept though its owner lost it */
} SyncIncoming;

/* As the owner of the copies. In the feed only newer states are written. */
void sync_write_copies(const SyncIncoming *rows);

/* ---- pass.c ---- */

/* A change to all copies of an origin, in parts of at most hllset_sync.chunk_rows, each of which may be a transaction of its own. */
typedef struct SyncPass
{
	const SyncSet *set;
	int16 origin;
	const char *change; /* "DELETE FROM t" or "UPDATE t SET ..."; $4 is SEQ */
	const char *which;  /* of the rows; "seq < $4" */
	int64 seq;
	const char *
		then; /* NULL, or what a statement WITH touched AS (the rows that were changed) goes on with; gives their number and another */
	int64 rows, other; /* sums so far */
} SyncPass;

/* Does a part; false if all parts were done before, by this session. What an interrupted one has left is found by beginning anew. */
bool sync_pass_part(SyncPass *pass);
void sync_pass_anew(void);

#endif
