/* SPDX-License-Identifier: PostgreSQL */
/*
 * Time that only goes forward, however the wall clock is set: for all that is waited for or compared. It counts from the start of the machine, so it is never
 * stored. The wall clock only tells people when something was.
 * And the only place that waits: for a socket, the latch or a deadline, while nothing is held that others could wait for.
 */
#include "common/common.h"

#include <limits.h>
#include <time.h>

#include "access/xact.h"
#include "postmaster/interrupt.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/wait_event.h"

/* A machine that slept is later; where the system has no such clock, it may not be. */
#ifdef CLOCK_BOOTTIME
#define CLOCK CLOCK_BOOTTIME
#else
#define CLOCK CLOCK_MONOTONIC
#endif

SyncTime
sync_clock(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK, &now) != 0)
		elog(ERROR, "could not read the clock: %m");
	return (SyncTime) now.tv_sec * USECS_PER_SEC + now.tv_nsec / 1000;
}

SyncTime
sync_after(int64 milliseconds)
{
	return sync_clock() + milliseconds * 1000;
}

long
sync_left(SyncTime deadline)
{
	SyncTime left = deadline - sync_clock();

	return left <= 0 ? 0 : (long) Min((left + 999) / 1000, INT_MAX);
}

bool
sync_elapsed(SyncTime since, int64 milliseconds)
{
	return since == 0 || sync_clock() - since >= milliseconds * 1000;
}

TimestampTz
sync_wall(SyncTime time)
{
	return GetCurrentTimestamp() + (time - sync_clock());
}

/* ---- waiting ---- */

/* Also where nothing needs to be waited for, so that an endless answer can be interrupted. */
static void
serve_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending && !sync_in_procedure)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

int
sync_wait(int events, pgsocket socket, SyncTime deadline)
{
	static uint32 wait_event = 0;
	int come;

	InvalidateCatalogSnapshotConditionally();
	if (ActiveSnapshotSet() || TransactionIdIsValid(MyProc->xmin) ||
		(IsTransactionState() && TransactionIdIsValid(GetTopTransactionIdIfAny())))
		elog(ERROR, "the network was waited for with a snapshot or a transaction");
	serve_interrupts();
	if (wait_event == 0)
		wait_event = SYNC_WAIT_EVENT();
	come = WaitLatchOrSocket(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH | events,
							 socket, sync_left(deadline), wait_event);
	if (come & WL_LATCH_SET)
	{
		ResetLatch(MyLatch);
		serve_interrupts();
	}
	return come & (events | WL_LATCH_SET);
}
