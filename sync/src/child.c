/* SPDX-License-Identifier: PostgreSQL */
/*
 * The processes that a launcher or a scheduler starts. The postmaster never restarts them: their parent does, after a wait that grows with
 * each failure, and ends them when they are not wanted any more.
 */
#include "process.h"

#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "utils/memutils.h"

#define FIRST_RETRY 1000   /* ms */
#define NO_SLOT_RETRY 5000 /* ms */
#define LOOK_AGAIN 100     /* ms between two looks at least */
#define LONG_RUN 60000     /* ms after which an end is no failure to start */

int64
sync_retry_delay(int failures)
{
	int64 most = (int64) FIRST_RETRY << Min(failures, 30);

	return (int64) (sync_random() * (double) Min(most, sync_retry_max));
}

SyncChild *
sync_child(List **children, const char *name)
{
	ListCell *cell;
	MemoryContext context;
	SyncChild *child;

	foreach (cell, *children)
	{
		child = lfirst(cell);
		if (strcmp(child->name, name) == 0)
			return child;
	}
	context = MemoryContextSwitchTo(TopMemoryContext);
	child = palloc0(sizeof(SyncChild));
	strlcpy(child->name, name, NAMEDATALEN);
	*children = lappend(*children, child);
	MemoryContextSwitchTo(context);
	return child;
}

static void
note_end(SyncChild *child)
{
	TimestampTz now = GetCurrentTimestamp();
	bool early = !TimestampDifferenceExceeds(child->started, now, LONG_RUN);

	pfree(child->handle);
	child->handle = NULL;
	child->failures = child->stopping || !early ? 0 : child->failures + 1;
	child->next_start = now;
	if (!child->stopping)
		child->next_start = TimestampTzPlusMilliseconds(now, sync_retry_delay(child->failures));
	child->stopping = false;
}

bool
sync_child_settle(SyncChild *child)
{
	pid_t pid;

	if (child->handle != NULL && GetBackgroundWorkerPid(child->handle, &pid) == BGWH_STOPPED)
		note_end(child);
	if (child->handle != NULL && (!child->wanted || child->version != child->running))
	{
		if (!child->stopping)
			TerminateBackgroundWorker(child->handle);
		child->stopping = true;
	}
	/* Another database of the name, or other settings: the failures of the old ones say nothing. */
	if (child->handle == NULL && child->version != child->running)
	{
		child->running = child->version;
		child->failures = 0;
		child->next_start = 0;
	}
	return child->handle == NULL && child->wanted && GetCurrentTimestamp() >= child->next_start;
}

bool
sync_child_start(SyncChild *child, const SyncOrder *order, const char *function, const char *type)
{
	BackgroundWorker worker = {0};
	MemoryContext context = MemoryContextSwitchTo(TopMemoryContext);
	bool started;

	worker.bgw_flags =
		BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION | BGWORKER_INTERRUPTIBLE;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_notify_pid = MyProcPid;
	strlcpy(worker.bgw_library_name, "hllset_sync", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, function, sizeof(worker.bgw_function_name));
	strlcpy(worker.bgw_type, type, sizeof(worker.bgw_type));
	snprintf(worker.bgw_name, sizeof(worker.bgw_name), "%s for %s", type, child->name);
	StaticAssertStmt(sizeof(SyncOrder) <= BGW_EXTRALEN, "an order must fit into bgw_extra");
	memcpy(worker.bgw_extra, order, sizeof(SyncOrder));

	started = RegisterDynamicBackgroundWorker(&worker, &child->handle);
	MemoryContextSwitchTo(context);
	child->started = GetCurrentTimestamp();
	child->running = child->version;
	if (!started)
	{
		child->handle = NULL;
		child->next_start = TimestampTzPlusMilliseconds(child->started, NO_SLOT_RETRY);
	}
	return started;
}

TimestampTz
sync_children_next(List *children, TimestampTz latest)
{
	TimestampTz soon = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), LOOK_AGAIN);
	ListCell *cell;

	foreach (cell, children)
	{
		const SyncChild *child = lfirst(cell);

		if (child->wanted && child->handle == NULL)
			latest = Min(latest, Max(child->next_start, soon));
	}
	return latest;
}

void
sync_children_stop(int code, Datum children)
{
	ListCell *cell;

	foreach (cell, *(List **) DatumGetPointer(children))
	{
		SyncChild *child = lfirst(cell);

		if (child->handle != NULL)
			TerminateBackgroundWorker(child->handle);
	}
}
