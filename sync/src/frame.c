/* SPDX-License-Identifier: PostgreSQL */
/* See frame.h. */
#include "frame.h"

static int32_t
read_length(const char *bytes)
{
	const unsigned char *b = (const unsigned char *) bytes;
	uint32_t word =
		(uint32_t) b[0] << 24 | (uint32_t) b[1] << 16 | (uint32_t) b[2] << 8 | (uint32_t) b[3];

	return (int32_t) word;
}

void
sync_frame_write_length(int32_t length, char *bytes)
{
	for (int i = 0; i < SYNC_FRAME_LENGTH; i++)
		bytes[i] = (char) ((uint32_t) length >> (24 - 8 * i) & 255);
}

const char *
sync_frame_read(SyncFrame *frame, bool nullable, const char **value, int32_t *length)
{
	if (frame->left < SYNC_FRAME_LENGTH)
		return "The bytes end before its length.";
	*length = read_length(frame->next);
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
