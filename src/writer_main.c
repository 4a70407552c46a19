/*
 * writer_main.c
 *	  The background worker that writes outside callers' transactions: see
 *	  writer_client.c for the whole.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/dsm.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "query.h"
#include "settings.h"
#include "writer_shared.h"

#define BATCH 32     /* requests in one transaction */
#define IDLE_MS 2000 /* then the writer ends, so that DROP DATABASE can go on */

/* As the owner up to the commit, not as the superuser that the worker connects as. */
static void
RunInTransaction(BaRequest **requests, int count)
{
	Oid user;
	int security;
	int i;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(BaOwnerId(), security | SECURITY_LOCAL_USERID_CHANGE);
	PushActiveSnapshot(GetTransactionSnapshot());
	for (i = 0; i < count; i++)
		BaWriterHandlers[requests[i]->kind](requests[i]->payload, requests[i]->length,
											requests[i]->reply);
	PopActiveSnapshot();
	ForceSyncCommit();
	CommitTransactionCommand();
	SetUserIdAndSecContext(user, security);
}

/* The same, but an error is logged and told by false. */
static bool
TryInTransaction(BaRequest **requests, int count)
{
	volatile bool done = true;

	pgstat_report_activity(STATE_RUNNING,
						   "bestauth: writing outside a caller's transaction");
	PG_TRY();
	{
		RunInTransaction(requests, count);
	}
	PG_CATCH();
	{
		done = false;
		HOLD_INTERRUPTS();
		EmitErrorReport();
		AbortCurrentTransaction();
		FlushErrorState();
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(TopMemoryContext);
	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
	return done;
}

static void
Answer(BaRequest *request, bool done)
{
	int client = request->client;

	if (request->abandoned)
		pg_atomic_write_u32(&request->state, REQUEST_FREE);
	else
	{
		pg_write_barrier();
		pg_atomic_write_u32(&request->state, done ? REQUEST_DONE : REQUEST_FAILED);
		SetLatch(&ProcGlobal->allProcs[client].procLatch);
	}
}

/* One transaction for all; where that fails, one for each. */
static void
RunBatch(BaRequest **requests, int count)
{
	bool done[BATCH];
	bool all = TryInTransaction(requests, count);
	int i;

	for (i = 0; i < count; i++)
		done[i] = all || (count > 1 && TryInTransaction(&requests[i], 1));
	LWLockAcquire(BaWriterMemory->lock, LW_EXCLUSIVE);
	for (i = 0; i < count; i++)
		Answer(requests[i], done[i]);
	LWLockRelease(BaWriterMemory->lock);
}

/* Takes what waits for this database; when nothing does, may sign off. */
static int
TakeBatch(BaRequest **requests, bool sign_off)
{
	int count = 0;
	int i;

	LWLockAcquire(BaWriterMemory->lock, LW_EXCLUSIVE);
	for (i = 0; i < SLOTS && count < BATCH; i++)
	{
		BaRequest *request = &BaWriterMemory->requests[i];

		if (pg_atomic_read_u32(&request->state) == REQUEST_PENDING &&
			request->database == MyDatabaseId)
		{
			pg_atomic_write_u32(&request->state, REQUEST_RUNNING);
			requests[count++] = request;
		}
	}
	if (count == 0 && sign_off)
		for (i = 0; i < WRITERS; i++)
			if (BaWriterMemory->writers[i].database == MyDatabaseId &&
				BaWriterMemory->writers[i].process == BaProcNumber())
				BaWriterMemory->writers[i].database = InvalidOid;
	LWLockRelease(BaWriterMemory->lock);
	return count;
}

/* However the writer ends, the next request must start another. */
static void
SignOff(int code, Datum arg)
{
	int i;

	LWLockAcquire(BaWriterMemory->lock, LW_EXCLUSIVE);
	for (i = 0; i < WRITERS; i++)
		if (BaWriterMemory->writers[i].database == MyDatabaseId &&
			BaWriterMemory->writers[i].process == BaProcNumber())
			BaWriterMemory->writers[i].database = InvalidOid;
	for (i = 0; i < SLOTS; i++)
		if (pg_atomic_read_u32(&BaWriterMemory->requests[i].state) == REQUEST_RUNNING &&
			BaWriterMemory->requests[i].database == MyDatabaseId)
			Answer(&BaWriterMemory->requests[i], false);
	LWLockRelease(BaWriterMemory->lock);
}

/* False if another writer serves this database already. */
static bool
SignOn(void)
{
	bool mine = false;
	int i;

	LWLockAcquire(BaWriterMemory->lock, LW_EXCLUSIVE);
	for (i = 0; i < WRITERS; i++)
		if (BaWriterMemory->writers[i].database == MyDatabaseId &&
			BaWriterMemory->writers[i].process < 0)
		{
			BaWriterMemory->writers[i].process = BaProcNumber();
			mine = true;
			break;
		}
	LWLockRelease(BaWriterMemory->lock);
	if (mine)
		before_shmem_exit(SignOff, (Datum) 0);
	return mine;
}

static void
ServeShared(void)
{
	BaRequest *requests[BATCH];

	if (!SignOn())
		return;
	for (;;)
	{
		int count = TakeBatch(requests, false);

		if (count > 0)
		{
			RunBatch(requests, count);
			continue;
		}
		if ((WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, IDLE_MS,
					   PG_WAIT_EXTENSION) &
			 WL_TIMEOUT) != 0)
		{
			count = TakeBatch(requests, true);
			if (count == 0)
				return;
			RunBatch(requests, count);
		}
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
	}
}

static void
ServeOnce(BaRequest *request)
{
	bool done = TryInTransaction(&request, 1);

	Answer(request, done);
}

/* Nobody's setting may make an answer less than durable, or wait for ever. */
static void
FixSettings(void)
{
	char timeout[32];

	if (synchronous_commit < SYNCHRONOUS_COMMIT_ON)
		SetConfigOption("synchronous_commit", "on", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("default_transaction_isolation", "read committed", PGC_USERSET,
					PGC_S_OVERRIDE);
	SetConfigOption("default_transaction_read_only", "off", PGC_USERSET, PGC_S_OVERRIDE);
	snprintf(timeout, sizeof(timeout), "%d", BaWriterTimeout);
	SetConfigOption("lock_timeout", timeout, PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("statement_timeout", "0", PGC_USERSET, PGC_S_OVERRIDE);
	BaSetNoTransactionTimeout();
}

void
bestauth_writer_main(Datum arg)
{
	dsm_handle handle = DatumGetUInt32(arg);
	dsm_segment *segment = NULL;
	Oid database;

	BaWriterIsSelf = true;
	memcpy(&database, MyBgworkerEntry->bgw_extra, sizeof(Oid));
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	if (handle != DSM_HANDLE_INVALID)
	{
		segment = dsm_attach(handle);
		if (segment == NULL)
			return;
		((BaRequest *) dsm_segment_address(segment))->taken = true;
		dsm_unpin_segment(handle);
	}
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	FixSettings();
	if (segment != NULL)
		ServeOnce(dsm_segment_address(segment));
	else if (BaWriterMemory != NULL)
		ServeShared();
}
