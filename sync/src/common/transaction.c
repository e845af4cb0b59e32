/* SPDX-License-Identifier: PostgreSQL */
/* The short transactions of a round, in a background worker or in a procedure. */
#include "common/common.h"

#include "access/xact.h"
#include "nodes/parsenodes.h"
#include "pgstat.h"
#include "storage/condition_variable.h"
#include "storage/lwlock.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"

bool sync_in_procedure = false;

bool
sync_may_commit(FunctionCallInfo fcinfo)
{
	CallContext *call = (CallContext *) fcinfo->context;

	return call != NULL && IsA(call, CallContext) && !call->atomic;
}

void
sync_require_own_transactions(FunctionCallInfo fcinfo)
{
	if (!sync_may_commit(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
						errmsg("%s cannot run inside a transaction",
							   get_func_name(fcinfo->flinfo->fn_oid)),
						errhint("CALL it by itself: not in a transaction block, in a function, or "
								"together with other statements.")));
}

static MemoryContext callers_context;

void
sync_begin(const char *activity)
{
	callers_context = CurrentMemoryContext;
	/* In a procedure an error that is caught needs something to be undone up to: SPI can't leave a failed transaction by itself. */
	if (sync_in_procedure)
		BeginInternalSubTransaction(NULL);
	else
	{
		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		if (sync_statement_timeout > 0)
			enable_timeout_after(STATEMENT_TIMEOUT, sync_statement_timeout);
		pgstat_report_activity(STATE_RUNNING, activity);
	}
	/* Locks of others must not stop a round for long. */
	sync_option("lock_timeout", psprintf("%d", sync_lock_timeout), true);
	SPI_connect();
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
sync_flush_what_was_read(void)
{
	(void) GetTopTransactionId();
	ForceSyncCommit();
}

void
sync_send_no_messages(void)
{
	sync_option("client_min_messages", "error", true);
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

ErrorData *
sync_guard(MemoryContext context, void (*body)(void *), void *argument)
{
	ErrorData *volatile error = NULL;

	PG_TRY();
	{
		body(argument);
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		/* An abort leaves them behind if there was no transaction to be aborted. */
		LWLockReleaseAll();
		ConditionVariableCancelSleep();
		pgstat_report_wait_end();
		sync_abort();
		if (!sync_in_procedure)
			pgstat_report_activity(STATE_IDLE, NULL);
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return error;
}

ErrorData *
sync_try(void (*body)(void *), void *argument, bool undo)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(caller);
	PG_TRY();
	{
		body(argument);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	if (undo || error != NULL)
		RollbackAndReleaseCurrentSubTransaction();
	else
		ReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;
	return error;
}

/* ---- looks ---- */

typedef struct Look
{
	FunctionCallInfo fcinfo;
	void (*body)(FunctionCallInfo, SyncResult *);
	SyncResult *result;
} Look;

static void
look(void *argument)
{
	Look *l = argument;

	sync_send_no_messages();
	SPI_connect();
	l->body(l->fcinfo, l->result);
	SPI_finish();
}

Datum
sync_look(FunctionCallInfo fcinfo, void (*body)(FunctionCallInfo, SyncResult *))
{
	Look l = {fcinfo, body, sync_result(fcinfo)};
	ErrorData *error = sync_try(look, &l, true);

	if (error != NULL)
		ReThrowError(error);
	return (Datum) 0;
}

/* ---- turns ---- */

bool
sync_turn(bool as_node, bool (*body)(void *), void *argument)
{
	bool again;

	if (!as_node)
	{
		sync_send_no_messages();
		SPI_connect();
		PushActiveSnapshot(GetTransactionSnapshot());
		again = body(argument);
		PopActiveSnapshot();
		SPI_finish();
		SPI_commit();
		return again;
	}
	sync_begin("upkeep");
	sync_local_call = true;
	PG_TRY();
	{
		SyncUser user = sync_enter_catalog();

		again = body(argument);
		sync_leave(user);
	}
	PG_FINALLY();
	{
		sync_local_call = false;
	}
	PG_END_TRY();
	sync_commit();
	return again;
}
