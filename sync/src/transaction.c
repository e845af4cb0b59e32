/* SPDX-License-Identifier: PostgreSQL */
/* The short transactions of a round, in a background worker or in a procedure. */
#include "hllset_sync.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"

bool sync_in_procedure = false;

static MemoryContext callers_context;

static void
begin_in_worker(const char *activity)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	if (sync_statement_timeout > 0)
		enable_timeout_after(STATEMENT_TIMEOUT, sync_statement_timeout);
	pgstat_report_activity(STATE_RUNNING, activity);
}

/* Locks of others must not stop a round for long. Ends with the transaction. */
static void
limit_lock_waits(void)
{
	char text[32];

	snprintf(text, sizeof(text), "%d", sync_lock_timeout);
	(void) set_config_option("lock_timeout", text, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL,
							 true, 0, false);
}

void
sync_begin(const char *activity)
{
	MemoryContext context = CurrentMemoryContext;

	/* In a procedure an error that is caught needs something to be undone up to: SPI can't leave a failed transaction by itself. */
	if (sync_in_procedure)
		BeginInternalSubTransaction(NULL);
	else
		begin_in_worker(activity);
	callers_context = context;
	limit_lock_waits();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	PushActiveSnapshot(GetTransactionSnapshot());
	MemoryContextSwitchTo(callers_context);
}

void
sync_commit(void)
{
	PopActiveSnapshot();
	SPI_finish();
	if (sync_in_procedure)
	{
		ReleaseCurrentSubTransaction();
		SPI_commit();
	}
	else
	{
		disable_timeout(STATEMENT_TIMEOUT, false);
		CommitTransactionCommand();
	}
	MemoryContextSwitchTo(callers_context);
}

void
sync_abort(void)
{
	MemoryContext context = CurrentMemoryContext;

	if (!sync_in_procedure)
	{
		disable_timeout(STATEMENT_TIMEOUT, false);
		AbortCurrentTransaction();
	}
	else
	{
		if (IsSubTransaction())
			RollbackAndReleaseCurrentSubTransaction();
		SPI_rollback();
	}
	MemoryContextSwitchTo(context);
}
