/*
 * shared_memory.c
 *	  Asks for the parts of shared memory that others declare, where the library is
 *	  preloaded: elsewhere there are none.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

#include "shared_memory.h"

#define PARTS 4

static const BaSharedPart *parts[PARTS];
static int count = 0;
static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

static void
Request(void)
{
	int i;

	if (previous_request_hook)
		previous_request_hook();
	for (i = 0; i < count; i++)
	{
		RequestAddinShmemSpace(MAXALIGN(parts[i]->size));
		RequestNamedLWLockTranche(parts[i]->name, 1);
	}
}

static void
Attach(const BaSharedPart *part)
{
	bool found;
	void *memory = ShmemInitStruct(part->name, part->size, &found);

	if (!found)
		memset(memory, 0, part->size);
	/* Who made it alone knows the lock's name. */
	part->attach(memory, found ? NULL : &GetNamedLWLockTranche(part->name)->lock, !found);
}

static void
Startup(void)
{
	int i;

	if (previous_startup_hook)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	for (i = 0; i < count; i++)
		Attach(parts[i]);
	LWLockRelease(AddinShmemInitLock);
}

/* While the library is loaded. */
void
BaSharedMemoryAdd(const BaSharedPart *part)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	if (count == 0)
	{
		previous_request_hook = shmem_request_hook;
		shmem_request_hook = Request;
		previous_startup_hook = shmem_startup_hook;
		shmem_startup_hook = Startup;
	}
	if (count == PARTS)
		elog(ERROR, "too many parts of shared memory");
	parts[count++] = part;
}
