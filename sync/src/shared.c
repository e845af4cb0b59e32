/* SPDX-License-Identifier: PostgreSQL */
/*
 * Shared memory: one lock, one condition variable for every change, and the parts that other files keep in it. Without preload there is
 * none; then nothing here may be called but sync_has_shared_memory and sync_require_shared_memory.
 */
#include "process.h"

#include <signal.h>

#include "miscadmin.h"
#include "storage/condition_variable.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/shmem.h"
#include "utils/wait_event.h"

#define TRANCHE "hllset_sync"
#define MAX_SUSPENDED 16
#define LEAVE_TIMEOUT 5000 /* ms that a statement waits for workers to leave its database */

typedef struct Shared
{
	LWLock *lock;
	ConditionVariable changed;
	uint32 starts;
	pid_t launcher;
	Oid suspended[MAX_SUSPENDED]; /* InvalidOid: free; a database may stand here twice */
} Shared;

static Shared *shared;
static uint32 starts; /* of the postmaster, so it outlives the memory */
static shmem_startup_hook_type next_startup;
#ifdef SYNC_HAS_REQUEST_HOOK
static shmem_request_hook_type next_request;
#endif

bool
sync_has_shared_memory(void)
{
	return shared != NULL;
}

void
sync_require_shared_memory(void)
{
	if (shared == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no workers run, because hllset_sync is not in shared_preload_libraries"),
				 errhint("Run a round in this session with CALL hllset_sync.run_round(server).")));
}

static void
request(void)
{
#ifdef SYNC_HAS_REQUEST_HOOK
	if (next_request)
		next_request();
#endif
	RequestAddinShmemSpace(MAXALIGN(sizeof(Shared)));
	RequestAddinShmemSpace(sync_databases_size());
	RequestAddinShmemSpace(sync_statuses_size());
	RequestAddinShmemSpace(sync_consumers_size());
	RequestNamedLWLockTranche(TRANCHE, 1);
}

static void
startup(void)
{
	bool found;

	if (next_startup)
		next_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("hllset_sync", sizeof(Shared), &found);
	if (!found)
	{
		memset(shared, 0, sizeof(Shared));
		shared->lock = &GetNamedLWLockTranche(TRANCHE)->lock;
		ConditionVariableInit(&shared->changed);
		shared->starts = ++starts;
	}
	sync_init_databases();
	sync_init_statuses();
	sync_init_consumers();
	LWLockRelease(AddinShmemInitLock);
}

void
sync_request_shared_memory(void)
{
	next_startup = shmem_startup_hook;
	shmem_startup_hook = startup;
#ifdef SYNC_HAS_REQUEST_HOOK
	next_request = shmem_request_hook;
	shmem_request_hook = request;
#else
	request();
#endif
}

void
sync_shared_lock(void)
{
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
}

void
sync_shared_unlock(void)
{
	LWLockRelease(shared->lock);
}

uint32
sync_shared_starts(void)
{
	return shared->starts;
}

void
sync_shared_changed(void)
{
	ConditionVariableBroadcast(&shared->changed);
}

bool
sync_shared_wait(TimestampTz deadline)
{
	long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);

	if (left <= 0)
		return false;
	(void) ConditionVariableTimedSleep(&shared->changed, Min(left, 1000), PG_WAIT_EXTENSION);
	return true;
}

void
sync_shared_wait_end(void)
{
	ConditionVariableCancelSleep();
}

void
sync_wake(pid_t pid)
{
	PGPROC *proc = pid == 0 ? NULL : BackendPidGetProc(pid);

	if (proc != NULL)
		SetLatch(&proc->procLatch);
}

void
sync_shared_set_launcher(void)
{
	shared->launcher = MyProcPid;
}

bool
sync_is_suspended(Oid dboid)
{
	for (int i = 0; i < MAX_SUSPENDED; i++)
	{
		if (shared->suspended[i] == dboid)
			return true;
	}
	return false;
}

/* Puts TO in the place of one FROM. */
static bool
replace_suspended(Oid from, Oid to)
{
	for (int i = 0; i < MAX_SUSPENDED; i++)
	{
		if (shared->suspended[i] == from)
		{
			shared->suspended[i] = to;
			return true;
		}
	}
	return false;
}

/* Sends SIGNAL to all workers of DBOID and returns how many there are. The caller has the lock. */
static int
signal_workers(Oid dboid, int signal)
{
	pid_t scheduler = sync_scheduler_of(dboid);

	if (scheduler != 0)
		kill(scheduler, signal);
	return (scheduler != 0) + sync_signal_peers(dboid, signal);
}

static int
count_workers(Oid dboid)
{
	int count;

	sync_shared_lock();
	count = signal_workers(dboid, 0);
	sync_shared_unlock();
	return count;
}

bool
sync_suspend(Oid dboid)
{
	bool closed;

	sync_shared_lock();
	closed = replace_suspended(InvalidOid, dboid);
	if (closed)
		(void) signal_workers(dboid, SIGTERM);
	sync_shared_unlock();
	return closed;
}

void
sync_await_empty(Oid dboid)
{
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), LEAVE_TIMEOUT);

	while (count_workers(dboid) > 0 && sync_shared_wait(deadline))
		;
	sync_shared_wait_end();
}

void
sync_resume(Oid dboid)
{
	sync_shared_lock();
	(void) replace_suspended(dboid, InvalidOid);
	sync_shared_unlock();
	sync_wake(shared->launcher);
}
