/* SPDX-License-Identifier: PostgreSQL */
/*
 * Keys and sketches of a peer, taken apart (sync/src/common/frame.h). The first byte of the input is the number of columns, the second whether they may be
 * NULL, the rest what the peer sent. What is accepted lies within it, without gaps, and is written back as it was read; what is refused should be,
 * by a second reading in wider numbers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/frame.h"

#define MOST_COLUMNS 40
#define CHECK(condition)                                                    \
	do                                                                      \
	{                                                                       \
		if (!(condition))                                                   \
		{                                                                   \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                        \
		}                                                                   \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whether DATA is COUNT values. */
static bool
is_frame(const uint8_t *data, int64_t size, int count, bool nullable)
{
	int64_t at = 0;

	for (int i = 0; i < count; i++)
	{
		int64_t length = 0;

		if (size - at < 4)
			return false;
		for (int j = 0; j < 4; j++)
			length = 256 * length + data[at++];
		if (length == 0xFFFFFFFF && nullable)
			continue;
		if (length > 0x7FFFFFFF || length > size - at)
			return false;
		at += length;
	}
	return at == size;
}

/* Whether it is accepted; what is read is read, so that a sanitizer sees a byte outside, and written to COPY. */
static bool
read_frame(SyncFrame frame, int count, bool nullable, char *copy)
{
	const char *expected = frame.next;
	char *out = copy;

	for (int i = 0; i < count; i++)
	{
		const char *value = NULL;
		int32_t length = -2;

		if (sync_frame_read(&frame, nullable, &value, &length) != NULL)
			return false;
		expected += SYNC_FRAME_LENGTH;
		CHECK(length >= (nullable ? -1 : 0) && value == expected);
		for (int shift = 24; shift >= 0; shift -= 8)
			*out++ = (char) ((uint32_t) length >> shift & 255);
		if (length > 0)
		{
			memcpy(out, value, (size_t) length);
			out += length;
			expected += length;
		}
	}
	return sync_frame_end(&frame) == NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int count;
	bool nullable;
	char *copy;

	if (size < 2)
		return 0;
	count = 1 + data[0] % MOST_COLUMNS;
	nullable = data[1] & 1;
	data += 2;
	size -= 2;
	copy = malloc(size + 1);
	if (read_frame((SyncFrame){(const char *) data, size}, count, nullable, copy))
	{
		CHECK(is_frame(data, (int64_t) size, count, nullable));
		CHECK(memcmp(copy, data, size) == 0);
	}
	else
		CHECK(!is_frame(data, (int64_t) size, count, nullable));
	free(copy);
	return 0;
}
