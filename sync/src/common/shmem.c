/* SPDX-License-Identifier: PostgreSQL */
/*
 * Shared memory: one lock, one condition variable for every change, and the parts that other files keep in it. Without preload there is
 * none; then nothing here may be called but sync_has_shared_memory and sync_require_shared_memory.
 */
#include "common/common.h"

#include "storage/condition_variable.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/shmem.h"
#include "utils/wait_event.h"

#define TRANCHE "hllset_sync"
#define MAX_PARTS 4

typedef struct Shared
{
	LWLock *lock;
	ConditionVariable changed;
	uint32 starts;
} Shared;

typedef struct Part
{
	const char *name;
	Size size;
	void **place;
} Part;

static Shared *shared;
static uint32 starts; /* of the postmaster, so it outlives the memory */
static Part parts[MAX_PARTS];
static int nparts;
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
	for (int i = 0; i < nparts; i++)
		RequestAddinShmemSpace(MAXALIGN(parts[i].size));
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
	for (int i = 0; i < nparts; i++)
	{
		*parts[i].place = ShmemInitStruct(parts[i].name, parts[i].size, &found);
		if (!found)
			memset(*parts[i].place, 0, parts[i].size);
	}
	LWLockRelease(AddinShmemInitLock);
}

void
sync_add_shared_part(const char *name, Size size, void **place)
{
	Assert(nparts < MAX_PARTS);
	parts[nparts++] = (Part){name, size, place};
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
sync_shared_wait(SyncTime deadline)
{
	long left = sync_left(deadline);

	if (left == 0)
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
