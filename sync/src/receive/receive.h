/* SPDX-License-Identifier: PostgreSQL */
/* Copies of other nodes' rows. */
#ifndef HLLSET_SYNC_RECEIVE_H
#define HLLSET_SYNC_RECEIVE_H

#include "common/common.h"

/* ---- pass.c ---- */

/*
 * A change to all copies of an origin, in parts of at most hllset_sync.chunk_rows, each of which may be a transaction of its own: those with numbers before SEQ
 * go, or, if it rewinds, numbers after SEQ become SEQ.
 */
typedef struct SyncPass
{
	const SyncSet *set;
	int16 origin;
	bool rewinds;
	int64 seq;
	/* NULL, or what a statement WITH touched AS (the rows that were changed) goes on with; gives their number and another */
	const char *then;
	int64 count; /* of rows so far, or sum of the other numbers */
} SyncPass;

/* Does a part; false if all parts were done before, by this session. What an interrupted one has left is found by beginning anew. */
bool sync_pass_part(SyncPass *pass);
void sync_pass_anew(void);

#endif
