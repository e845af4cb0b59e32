/* SPDX-License-Identifier: PostgreSQL */
/*
 * Fault points, which only builds with FAULTS=1 have. hllset_sync.fault = 'point:action[:count]' does ACTION at the COUNTth passage of the point
 * (1 if left out), once: error; kill, a SIGKILL of this process; stop, which waits until the setting changes.
 */
#include "common/common.h"

#include <signal.h>

#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/wait_event.h"

static char *fault;
static int passages;
static bool done;

static void
assign_fault(const char *value, void *extra)
{
	passages = 0;
	done = false;
}

void
sync_define_fault_setting(void)
{
	DefineCustomStringVariable("hllset_sync.fault", "What goes wrong, as point:action[:count].",
							   NULL, &fault, "", PGC_SUSET, GUC_NOT_IN_SAMPLE, NULL, assign_fault,
							   NULL);
}

static void
stop_until_changed(void)
{
	while (done)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 100,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
	}
}

void
sync_fault(const char *point)
{
	char where[32];
	char action[8];
	int count = 1;

	if (done || sscanf(fault, "%31[^:]:%7[^:]:%d", where, action, &count) < 2 ||
		strcmp(where, point) != 0 || ++passages < count)
		return;
	done = true;
	elog(LOG, "hllset_sync: fault %s at %s", action, point);
	if (strcmp(action, "kill") == 0)
		kill(MyProcPid, SIGKILL);
	else if (strcmp(action, "stop") == 0)
		stop_until_changed();
	else
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("fault at %s", point)));
}
