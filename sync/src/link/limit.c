/* SPDX-License-Identifier: PostgreSQL */
/*
 * How much a peer may send: a row, the rows of an answer, and little beside them. What libpq gathers of a message before it shows it, and what it keeps as
 * long as the connection (parameters), only the kernel counts.
 */
#include "link/link.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#endif

#define SLACK (64 * 1024)          /* bytes that may come beside a row */
#define ANSWER_SLACK (1024 * 1024) /* and beside the rows of a batch */
#define WORN_OUT (8 * 1024 * 1024) /* beside rows: a new connection is due; 4 times: no more */
#define ROW_FRAME(columns) (7 + 4 * (columns)) /* bytes of a row beside its values */

/* Bytes that were read from the socket so far; 0 if the system does not say, as of a Unix socket. */
static int64
bytes_read(pgsocket socket)
{
#ifdef __linux__
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);
	int unread = 0;

	/* In this order: what comes in between counts as unread. */
	if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
		ioctl(socket, SIOCINQ, &unread) == 0)
		return Max((int64) info.tcpi_bytes_received - unread, 0);
#endif
	return 0;
}

/* ---- memory ---- */

/*
 * libpq makes room for a message as soon as it knows its length, which may be a lie, and then reads without end as long as something comes. So it may not
 * have the room: it takes that for a peer that has lost its way.
 */
#define ROOM (24 * 1024 * 1024 + 4 * (rlim_t) sync_max_row_bytes)

static struct rlimit usual, tight = {RLIM_INFINITY, RLIM_INFINITY};

void
sync_limit_measure(void)
{
#ifdef __linux__
	int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	char text[128];
	ssize_t size = file < 0 ? 0 : read(file, text, sizeof(text) - 1);
	unsigned long pages;

	if (file >= 0)
		close(file);
	tight.rlim_cur = RLIM_INFINITY;
	if (size <= 0 || getrlimit(RLIMIT_DATA, &usual) != 0)
		return;
	text[size] = '\0';
	if (sscanf(text, "%*u %*u %*u %*u %*u %lu", &pages) != 1)
		return;
	tight.rlim_max = usual.rlim_max;
	tight.rlim_cur = Min((rlim_t) pages * sysconf(_SC_PAGESIZE) + ROOM, usual.rlim_cur);
#endif
}

int
sync_limit_call(int (*call)(struct pg_conn *), struct pg_conn *conn)
{
	bool limits = tight.rlim_cur != RLIM_INFINITY;
	int result;

	if (limits)
		(void) setrlimit(RLIMIT_DATA, &tight);
	result = call(conn);
	if (limits)
		(void) setrlimit(RLIMIT_DATA, &usual);
	return result;
}

/* ---- bytes ---- */

static int64
bytes_beside_rows(const SyncLimit *limit)
{
	return bytes_read(limit->socket) - limit->row_bytes - limit->row_bytes / 16; /* of encryption */
}

bool
sync_limit_worn(const SyncLimit *limit)
{
	return bytes_beside_rows(limit) > WORN_OUT;
}

bool
sync_limit_flooded(const SyncLimit *limit)
{
	return bytes_read(limit->socket) - limit->read_before > (int64) sync_max_row_bytes + SLACK ||
		   bytes_beside_rows(limit) > 4 * WORN_OUT;
}

void
sync_limit_begin_answer(SyncLimit *limit)
{
	limit->answer_bytes = 0;
	sync_limit_measure();
	sync_limit_whole(limit);
}

void
sync_limit_whole(SyncLimit *limit)
{
	limit->read_before = bytes_read(limit->socket);
}

void
sync_limit_row(SyncLimit *limit, int64 bytes, int columns, const char *server)
{
	limit->row_bytes += bytes + ROW_FRAME(columns);
	limit->answer_bytes += bytes;
	if (bytes > sync_max_row_bytes ||
		limit->answer_bytes > (int64) sync_max_batch_bytes + sync_max_row_bytes + ANSWER_SLACK)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a row of " INT64_FORMAT " bytes of peer \"%s\" is too large, or the rows "
						"before it are too many",
						bytes, server),
				 errhint("The limits are set by hllset_sync.max_row_bytes and max_batch_bytes.")));
}
