/* SPDX-License-Identifier: PostgreSQL */
/* The only place that waits: for a socket, the latch or a deadline, while nothing is held that others could wait for. */
#include "hllset_sync.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/wait_event.h"

static void
check_holds_nothing(void)
{
	InvalidateCatalogSnapshotConditionally();
	if (ActiveSnapshotSet() || TransactionIdIsValid(MyProc->xmin) ||
		(IsTransactionState() && TransactionIdIsValid(GetTopTransactionIdIfAny())))
		elog(ERROR, "the network was waited for with a snapshot or a transaction");
}

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
sync_wait(int events, pgsocket socket, TimestampTz deadline, const char *activity)
{
	static uint32 wait_event = 0;
	long timeout;
	int come;

	check_holds_nothing();
	serve_interrupts();
	if (wait_event == 0)
		wait_event = SYNC_WAIT_EVENT();
	if (activity != NULL && !sync_in_procedure)
		pgstat_report_activity(STATE_RUNNING, activity);

	timeout = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
	come = WaitLatchOrSocket(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH | events,
							 socket, timeout, wait_event);
	if (come & WL_LATCH_SET)
	{
		ResetLatch(MyLatch);
		serve_interrupts();
	}
	return come & (events | WL_LATCH_SET);
}
