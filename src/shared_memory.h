/* shared_memory.h: parts of shared memory, each with a lock of its own. */
#ifndef BESTAUTH_SHARED_MEMORY_H
#define BESTAUTH_SHARED_MEMORY_H

#include "storage/lwlock.h"

typedef struct BaSharedPart
{
	const char *name; /* of the memory, and of its lock */
	Size size;
	/* In each process that attaches. Fresh, it is zeros: who fills it is given the lock. */
	void (*attach)(void *memory, LWLock *lock, bool fresh);
} BaSharedPart;

extern void BaSharedMemoryAdd(const BaSharedPart *part);

#endif /* BESTAUTH_SHARED_MEMORY_H */
