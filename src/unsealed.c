/*
 * unsealed.c
 *	  Which databases have audit rows that wait to be sealed: marked by whoever commits
 *	  some, looked at by the sealer's launcher. In shared memory, where the library is
 *	  preloaded; elsewhere there is no launcher either.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/lwlock.h"

#include "shared_memory.h"
#include "unsealed.h"

typedef struct Database
{
	Oid database; /* InvalidOid: free */
	pg_atomic_uint32 waits;
} Database;

typedef struct Shared
{
	LWLock *lock; /* for a database that comes */
	int count;
	Database databases[BA_UNSEALED_DATABASES];
} Shared;

static Shared *shared = NULL;

static void
Attach(void *memory, LWLock *lock, bool fresh)
{
	int i;

	shared = memory;
	if (!fresh)
		return;
	shared->lock = lock;
	for (i = 0; i < BA_UNSEALED_DATABASES; i++)
		pg_atomic_init_u32(&shared->databases[i].waits, 0);
}

static const BaSharedPart unsealed_part = {
	.name = "bestauth unsealed",
	.size = sizeof(Shared),
	.attach = Attach,
};

void
BaUnsealedInit(void)
{
	BaSharedMemoryAdd(&unsealed_part);
}

static Database *
FindDatabase(Oid database)
{
	Database *found = NULL;
	Database *unused = NULL;
	int i;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	for (i = 0; i < shared->count && found == NULL; i++)
		if (shared->databases[i].database == database)
			found = &shared->databases[i];
		else if (!OidIsValid(shared->databases[i].database))
			unused = &shared->databases[i];
	if (found == NULL && unused == NULL && shared->count < BA_UNSEALED_DATABASES)
		unused = &shared->databases[shared->count++];
	if (found == NULL && unused != NULL)
	{
		found = unused;
		found->database = database;
	}
	LWLockRelease(shared->lock);
	return found;
}

/* After a commit: must not fail. A database too many has to be sealed by somebody else. */
void
BaUnsealedMark(Oid database)
{
	static Database *last = NULL;

	if (shared == NULL)
		return;
	if (last == NULL || last->database != database)
		last = FindDatabase(database);
	if (last != NULL && pg_atomic_read_u32(&last->waits) == 0)
		pg_atomic_write_u32(&last->waits, 1);
}

/* It was dropped, or has no audit. A mark that came meanwhile stays. */
void
BaUnsealedForget(Oid database)
{
	int i;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	for (i = 0; i < shared->count; i++)
		if (shared->databases[i].database == database &&
			pg_atomic_read_u32(&shared->databases[i].waits) == 0)
			shared->databases[i].database = InvalidOid;
	LWLockRelease(shared->lock);
}

/* Those that wait, or all that ever did; they wait no more. */
int
BaUnsealedTake(Oid *databases, bool all)
{
	int count = 0;
	int i, upto;

	LWLockAcquire(shared->lock, LW_SHARED);
	upto = shared->count;
	LWLockRelease(shared->lock);
	for (i = 0; i < upto; i++)
		if ((pg_atomic_exchange_u32(&shared->databases[i].waits, 0) != 0 || all) &&
			OidIsValid(shared->databases[i].database))
			databases[count++] = shared->databases[i].database;
	return count;
}
