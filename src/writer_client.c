/*
 * writer_client.c
 *	  Writing outside the caller's transaction: what must stay written whatever
 *	  the caller does next, a charged guess or a refused call.
 *
 * The writer is a background worker of the caller's database. When the library
 * is preloaded, requests go through slots in shared memory to a worker that
 * serves all backends of the database, many in one transaction, and ends when
 * there was nothing to do for a while. Without preload every request starts a
 * worker of its own, to which it is handed in a dynamic shared memory segment.
 *
 * The caller waits until the writer's transaction is committed, never longer than
 * bestauth.writer_timeout, and gets an error when it did not come to that: what
 * can't be charged is not looked at. The handlers touch only tables that no
 * caller ever locks rows of, or waits between caller and writer, which no
 * deadlock detector sees, would be possible.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/dsm.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "utils/timestamp.h"

#include "bestauth.h"
#include "compat.h"
#include "settings.h"
#include "shared_memory.h"
#include "writer_shared.h"

#define START_MS 1000 /* a writer that was not up by then is started anew */
#define GONE_MS 60000 /* one that was not up by then will not come */
#define POLL_MS 50

bool BaWriterIsSelf = false;
BaWriterShared *BaWriterMemory = NULL;
BaWriterHandler BaWriterHandlers[BA_WRITER_KINDS];

static BaRequest *waiting_for = NULL;

/* ---------------------------------------------------------- shared memory */

static void
Attach(void *memory, LWLock *lock, bool fresh)
{
	int i;

	BaWriterMemory = memory;
	if (!fresh)
		return;
	BaWriterMemory->lock = lock;
	for (i = 0; i < SLOTS; i++)
		pg_atomic_init_u32(&BaWriterMemory->requests[i].state, REQUEST_FREE);
}

static const BaSharedPart writer_part = {
	.name = "bestauth",
	.size = sizeof(BaWriterShared),
	.attach = Attach,
};

void
BaWriterInit(void)
{
	BaSharedMemoryAdd(&writer_part);
}

void
BaWriterRegister(BaWriterKind kind, BaWriterHandler handler)
{
	BaWriterHandlers[kind] = handler;
}

/* --------------------------------------------------------- the client side */

static void
Fill(BaRequest *request, BaWriterKind kind, const char *payload, int length,
	 bool abandoned)
{
	request->database = MyDatabaseId;
	request->client = BaProcNumber();
	request->abandoned = abandoned;
	request->taken = false;
	request->kind = kind;
	request->length = length;
	memcpy(request->payload, payload, length);
	memset(request->reply, 0, sizeof(request->reply));
	pg_write_barrier();
	pg_atomic_write_u32(&request->state, REQUEST_PENDING);
}

static BackgroundWorkerHandle *
StartWorker(dsm_handle segment)
{
	BackgroundWorker worker;
	BackgroundWorkerHandle *handle;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	snprintf(worker.bgw_library_name, sizeof(worker.bgw_library_name), "bestauth");
	snprintf(worker.bgw_function_name, sizeof(worker.bgw_function_name),
			 "bestauth_writer_main");
	snprintf(worker.bgw_name, BGW_MAXLEN, "bestauth writer");
	snprintf(worker.bgw_type, BGW_MAXLEN, "bestauth writer");
	worker.bgw_main_arg = UInt32GetDatum(segment);
	memcpy(worker.bgw_extra, &MyDatabaseId, sizeof(Oid));
	worker.bgw_notify_pid = segment == DSM_HANDLE_INVALID ? 0 : MyProcPid;
	return RegisterDynamicBackgroundWorker(&worker, &handle) ? handle : NULL;
}

static void
Wait(long ms)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ms,
					 PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

static long
Remaining(TimestampTz deadline)
{
	return TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
}

static void
GiveUp(const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
			 errmsg("could not record the call outside the transaction"),
			 errdetail_log("%s", why), errhint("Try again; the server's log says why.")));
}

static bool
IsOver(BaRequest *request)
{
	uint32 state = pg_atomic_read_u32(&request->state);

	pg_read_barrier();
	return state == REQUEST_DONE || state == REQUEST_FAILED;
}

/* The caller is leaving, by whatever way: the slot must not stay taken. */
static void
Abandon(int code, Datum arg)
{
	BaRequest *request = waiting_for;

	if (request == NULL)
		return;
	waiting_for = NULL;
	LWLockAcquire(BaWriterMemory->lock, LW_EXCLUSIVE);
	if (IsOver(request))
		pg_atomic_write_u32(&request->state, REQUEST_FREE);
	else
		request->abandoned = true;
	LWLockRelease(BaWriterMemory->lock);
}

static BaRequest *
TakeSlot(BaWriterKind kind, const char *payload, int length, bool abandoned)
{
	BaRequest *request = NULL;
	int i;

	LWLockAcquire(BaWriterMemory->lock, LW_EXCLUSIVE);
	for (i = 0; i < SLOTS; i++)
	{
		BaRequest *slot = &BaWriterMemory->requests[i];
		uint32 state = pg_atomic_read_u32(&slot->state);

		/* Better a free one; but one that nobody waits for, or serves, will do. */
		if (state == REQUEST_FREE ||
			(state == REQUEST_PENDING && slot->abandoned && !abandoned && !request))
			request = slot;
		if (state == REQUEST_FREE)
			break;
	}
	if (request != NULL)
		Fill(request, kind, payload, length, abandoned);
	LWLockRelease(BaWriterMemory->lock);
	return request;
}

/* Wakes the database's writer, or starts one. Says why it could not. */
static const char *
CallWriter(void)
{
	BaWriterEntry *writer = NULL;
	const char *fault = NULL;
	TimestampTz now = GetCurrentTimestamp();
	int i;

	LWLockAcquire(BaWriterMemory->lock, LW_EXCLUSIVE);
	for (i = 0; i < WRITERS; i++)
	{
		if (BaWriterMemory->writers[i].database == MyDatabaseId)
		{
			writer = &BaWriterMemory->writers[i];
			break;
		}
		/* Free, or of a writer that never came up: its database may be gone. */
		if (writer == NULL &&
			(BaWriterMemory->writers[i].database == InvalidOid ||
			 (BaWriterMemory->writers[i].process < 0 &&
			  TimestampDifferenceExceeds(BaWriterMemory->writers[i].started_at, now,
										 GONE_MS))))
			writer = &BaWriterMemory->writers[i];
	}
	if (writer == NULL)
		fault = "Too many databases have a writer.";
	else if (writer->database == MyDatabaseId && writer->process >= 0)
		SetLatch(&ProcGlobal->allProcs[writer->process].procLatch);
	else if (writer->database != MyDatabaseId ||
			 TimestampDifferenceExceeds(writer->started_at, now, START_MS))
	{
		writer->database = MyDatabaseId;
		writer->process = -1;
		writer->started_at = now;
		if (StartWorker(DSM_HANDLE_INVALID) == NULL)
		{
			writer->database = InvalidOid;
			fault = "No background worker slot was free; raise max_worker_processes.";
		}
	}
	LWLockRelease(BaWriterMemory->lock);
	return fault;
}

static void
CallShared(BaWriterKind kind, const char *payload, int length, char *reply,
		   TimestampTz deadline)
{
	static bool registered = false;
	const char *fault = "All slots for requests were taken.";
	bool failed;

	if (!registered)
		before_shmem_exit(Abandon, (Datum) 0);
	registered = true;
	while ((waiting_for = TakeSlot(kind, payload, length, false)) == NULL)
	{
		if (Remaining(deadline) == 0)
			GiveUp(fault);
		Wait(Min(POLL_MS, Remaining(deadline)));
	}
	PG_TRY();
	{
		while (!IsOver(waiting_for))
		{
			fault = CallWriter();
			if (Remaining(deadline) == 0)
				GiveUp(fault ? fault : "The writer did not answer in time.");
			Wait(Min(POLL_MS, Remaining(deadline)));
		}
	}
	PG_CATCH();
	{
		Abandon(0, (Datum) 0);
		PG_RE_THROW();
	}
	PG_END_TRY();
	failed = pg_atomic_read_u32(&waiting_for->state) == REQUEST_FAILED;
	memcpy(reply, waiting_for->reply, BA_WRITER_REPLY);
	Abandon(0, (Datum) 0);
	if (failed)
		GiveUp("The writer failed; its own message stands before this one.");
}

static void
CallOnce(BaWriterKind kind, const char *payload, int length, char *reply,
		 TimestampTz deadline)
{
	dsm_segment *segment = dsm_create(sizeof(BaRequest), 0);
	BaRequest *request = dsm_segment_address(segment);
	BackgroundWorkerHandle *handle;
	pid_t pid;
	bool done;

	pg_atomic_init_u32(&request->state, REQUEST_FREE);
	Fill(request, kind, payload, length, false);

	/* The writer finds the request even if this backend is cancelled meanwhile. */
	dsm_pin_segment(segment);
	while ((handle = StartWorker(dsm_segment_handle(segment))) == NULL)
	{
		if (Remaining(deadline) == 0)
		{
			dsm_unpin_segment(dsm_segment_handle(segment));
			GiveUp("No background worker slot was free; raise max_worker_processes.");
		}
		pg_usleep(2000L + random() % 8000L);
		if (QueryCancelPending || ProcDiePending)
			dsm_unpin_segment(dsm_segment_handle(segment));
		CHECK_FOR_INTERRUPTS();
	}
	while (!IsOver(request) && GetBackgroundWorkerPid(handle, &pid) != BGWH_STOPPED)
	{
		if (Remaining(deadline) == 0)
			GiveUp("The writer did not answer in time.");
		Wait(Min(POLL_MS, Remaining(deadline)));
	}
	done = pg_atomic_read_u32(&request->state) == REQUEST_DONE;
	memcpy(reply, request->reply, BA_WRITER_REPLY);
	if (!done && !request->taken && GetBackgroundWorkerPid(handle, &pid) == BGWH_STOPPED)
		dsm_unpin_segment(dsm_segment_handle(segment));
	dsm_detach(segment);
	pfree(handle);
	if (!done)
		GiveUp("The writer failed; its own message stands before this one.");
}

/*
 * Has the request carried out and committed by the writer; the answer fills
 * BA_WRITER_REPLY bytes. Raises when it was not, or may not have been.
 */
void
BaWriterCall(BaWriterKind kind, const char *payload, int length, char *reply)
{
	TimestampTz deadline;

	if (length > BA_WRITER_PAYLOAD)
		elog(ERROR, "request of %d bytes is too long for the writer", length);
	if (RecoveryInProgress())
		ereport(ERROR, (errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
						errmsg("cannot record the call on a standby"),
						errhint("Call it on the primary.")));
	deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), BaWriterTimeout);
	if (BaWriterMemory != NULL)
		CallShared(kind, payload, length, reply, deadline);
	else
		CallOnce(kind, payload, length, reply, deadline);
}

/*
 * Has the request carried out some time soon, and does not wait: for what is no
 * harm if it is lost.
 */
void
BaWriterPost(BaWriterKind kind, const char *payload, int length)
{
	dsm_segment *segment;

	Assert(length <= BA_WRITER_PAYLOAD);
	if (BaWriterMemory != NULL)
	{
		if (TakeSlot(kind, payload, length, true) != NULL)
			(void) CallWriter();
		return;
	}
	segment = dsm_create(sizeof(BaRequest), DSM_CREATE_NULL_IF_MAXSEGMENTS);
	if (segment == NULL)
		return;
	pg_atomic_init_u32(&((BaRequest *) dsm_segment_address(segment))->state,
					   REQUEST_FREE);
	Fill(dsm_segment_address(segment), kind, payload, length, false);
	dsm_pin_segment(segment);
	if (StartWorker(dsm_segment_handle(segment)) == NULL)
		dsm_unpin_segment(dsm_segment_handle(segment));
	dsm_detach(segment);
}
