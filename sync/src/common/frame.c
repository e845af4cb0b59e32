/* SPDX-License-Identifier: PostgreSQL */
/* See frame.h. */
#include "common/frame.h"

const char *
sync_frame_read(SyncFrame *frame, bool nullable, const char **value, int32_t *length)
{
	const unsigned char *b = (const unsigned char *) frame->next;

	if (frame->left < SYNC_FRAME_LENGTH)
		return "The bytes end before its length.";
	*length =
		(int32_t) ((uint32_t) b[0] << 24 | (uint32_t) b[1] << 16 | (uint32_t) b[2] << 8 | b[3]);
	frame->next += SYNC_FRAME_LENGTH;
	frame->left -= SYNC_FRAME_LENGTH;
	if (*length < (nullable ? -1 : 0))
		return "Its length is negative.";
	if (*length > 0 && (size_t) *length > frame->left)
		return "The bytes end before the value does.";
	*value = frame->next;
	if (*length > 0)
	{
		frame->next += *length;
		frame->left -= (size_t) *length;
	}
	return NULL;
}

const char *
sync_frame_end(const SyncFrame *frame)
{
	return frame->left == 0 ? NULL : "Bytes follow the last value.";
}
