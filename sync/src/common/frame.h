/* SPDX-License-Identifier: PostgreSQL */
/*
 * How values stand in the bytes of a key or of a row's sketches: for each column a length of four bytes in network order, -1 for NULL, and as many
 * bytes. Needs nothing of the server, so that it can be fuzzed by itself (sync/fuzz).
 */
#ifndef HLLSET_SYNC_FRAME_H
#define HLLSET_SYNC_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYNC_FRAME_LENGTH 4

/* What is left to be read. */
typedef struct SyncFrame
{
	const char *next;
	size_t left;
} SyncFrame;

/* The next value, of -1 bytes if it is NULL. Returns NULL, or what is wrong with it; then nothing more can be read. */
const char *sync_frame_read(SyncFrame *frame, bool nullable, const char **value, int32_t *length);
/* What is wrong after the last value, or NULL. */
const char *sync_frame_end(const SyncFrame *frame);

#endif
