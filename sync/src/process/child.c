/* SPDX-License-Identifier: PostgreSQL */
/*
 * The processes that a launcher or a scheduler starts. The postmaster never restarts them: their parent does, after a wait that grows with
 * each failure, and ends them when they are not wanted any more.
 */
#include "process/process.h"

#include "storage/ipc.h"

#define FIRST_RETRY 1000   /* ms */
#define NO_SLOT_RETRY 5000 /* ms */
#define LOOK_AGAIN 100     /* ms between two looks at least */
#define LONG_RUN 60000     /* ms after which an end is no failure to start */

typedef struct Child
{
	char name[NAMEDATALEN]; /* of the database, or of the peer */
	SyncOrder order;
	bool seen; /* since sync_let_go */
	bool wanted;
	uint64 version; /* of what it is to work for; another one needs another process */
	uint64 running; /* the version it was started with */
	BackgroundWorkerHandle *handle; /* NULL: it does not run */
	bool stopping;
	int failures;
	SyncTime started, next_start;
} Child;

static List *children; /* of this process */

int64
sync_retry_delay(int failures)
{
	int64 most = (int64) FIRST_RETRY << Min(failures, 30);

	return (int64) (sync_random() * (double) Min(most, sync_retry_max));
}

/* Also those that this process has left when it ends. */
static void
stop_all(int code, Datum argument)
{
	ListCell *cell;

	foreach (cell, children)
	{
		Child *child = lfirst(cell);

		if (child->handle != NULL)
			TerminateBackgroundWorker(child->handle);
	}
}

static Child *
get_child(const char *name)
{
	static bool stops = false;
	ListCell *cell;
	MemoryContext context;
	Child *child;

	foreach (cell, children)
	{
		child = lfirst(cell);
		if (strcmp(child->name, name) == 0)
			return child;
	}
	if (!stops)
		before_shmem_exit(stop_all, 0);
	stops = true;
	context = MemoryContextSwitchTo(TopMemoryContext);
	child = palloc0(sizeof(Child));
	strlcpy(child->name, name, NAMEDATALEN);
	children = lappend(children, child);
	MemoryContextSwitchTo(context);
	return child;
}

static void
note_end(Child *child)
{
	/* It may leave by itself, as soon as it is not wanted. */
	bool stopped = child->stopping || !child->wanted || child->version != child->running;
	bool early = !stopped && !sync_elapsed(child->started, LONG_RUN);

	pfree(child->handle);
	child->handle = NULL;
	child->failures = early ? child->failures + 1 : 0;
	child->next_start = sync_after(stopped ? 0 : sync_retry_delay(child->failures));
	child->stopping = false;
}

/* Notes whether the child has ended, and ends it if it is not wanted or wanted otherwise. True if it should be started now. */
static bool
settle(Child *child)
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
	return child->handle == NULL && child->wanted && sync_left(child->next_start) == 0;
}

BackgroundWorker
sync_describe_process(const char *kind)
{
	BackgroundWorker worker = {0};

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	strlcpy(worker.bgw_library_name, "hllset_sync", sizeof(worker.bgw_library_name));
	snprintf(worker.bgw_function_name, sizeof(worker.bgw_function_name), "hllset_sync_%s_main",
			 kind);
	snprintf(worker.bgw_type, sizeof(worker.bgw_type), "hllset_sync %s", kind);
	strlcpy(worker.bgw_name, worker.bgw_type, sizeof(worker.bgw_name));
	return worker;
}

/* False if there is no free slot. */
static bool
start(Child *child)
{
	BackgroundWorker worker =
		sync_describe_process(child->order.peer[0] == '\0' ? "scheduler" : "worker");
	MemoryContext context = MemoryContextSwitchTo(TopMemoryContext);
	bool started;

	worker.bgw_flags |= BGWORKER_INTERRUPTIBLE;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_notify_pid = MyProcPid;
	snprintf(worker.bgw_name, sizeof(worker.bgw_name), "%s for %s", worker.bgw_type, child->name);
	StaticAssertStmt(sizeof(SyncOrder) <= BGW_EXTRALEN, "an order must fit into bgw_extra");
	memcpy(worker.bgw_extra, &child->order, sizeof(SyncOrder));

	started = RegisterDynamicBackgroundWorker(&worker, &child->handle);
	MemoryContextSwitchTo(context);
	child->started = sync_clock();
	child->running = child->version;
	if (!started)
		child->next_start = sync_after(NO_SLOT_RETRY);
	return started;
}

void
sync_look_after(const char *name, const SyncOrder *order, uint64 version, SyncState state,
				const char *reason)
{
	Child *child = get_child(name);

	child->order = *order;
	child->seen = true;
	child->wanted = state == SYNC_OK;
	child->version = version;
	if (settle(child))
	{
		if (!start(child))
			sync_show_state(order, name, SYNC_WAITING_FOR_SLOT,
							"no background worker slot is free: raise max_worker_processes");
		else if (order->peer[0] == '\0')
			sync_show_state(order, name, SYNC_CONNECTING, "");
	}
	else if (!child->wanted)
		sync_show_state(order, name, state, reason);
	else if (child->failures > 0 && child->handle == NULL)
		sync_show_state(order, name, SYNC_BACKOFF,
						"its process ended early: see the log of the server");
}

void
sync_let_go(void)
{
	ListCell *cell;

	foreach (cell, children)
	{
		Child *child = lfirst(cell);
		bool seen = child->seen;

		child->seen = false;
		if (seen)
			continue;
		child->wanted = false;
		(void) settle(child);
		if (child->handle == NULL)
		{
			sync_forget_status(&child->order);
			children = foreach_delete_current(children, cell);
			pfree(child);
		}
	}
}

void
sync_await_children(SyncTime latest)
{
	SyncTime soon = sync_after(LOOK_AGAIN);
	ListCell *cell;

	foreach (cell, children)
	{
		const Child *child = lfirst(cell);

		if (child->wanted && child->handle == NULL)
			latest = Min(latest, Max(child->next_start, soon));
	}
	(void) sync_wait(0, PGINVALID_SOCKET, latest);
}
