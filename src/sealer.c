/*
 * sealer.c
 *	  The workers that seal the audit, where the library is preloaded.
 *
 * A launcher, connected to no database, looks every bestauth.seal_interval which databases
 * have audit rows that were committed since, and has a worker seal each, one after the
 * other. A worker stays for one transaction, so it is in nobody's way who drops the
 * database. At its start, and every minute for those it has seen, the launcher does not wait for a
 * mark: a crash loses marks, and COMMIT PREPARED makes none.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "instance.h"
#include "query.h"
#include "seal.h"
#include "sealer.h"
#include "settings.h"
#include "unsealed.h"

#define ROUND_MS 60000     /* then every database that was ever marked is looked at */
#define STOPPED_MS 5000    /* between looks at the setting, while sealing is off */
#define LOCK_TIMEOUT "10s" /* for another one that seals */

static void
Define(BackgroundWorker *worker, const char *name, const char *function)
{
	memset(worker, 0, sizeof(*worker));
	worker->bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker->bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker->bgw_restart_time = BGW_NEVER_RESTART;
	snprintf(worker->bgw_library_name, sizeof(worker->bgw_library_name), "bestauth");
	snprintf(worker->bgw_function_name, sizeof(worker->bgw_function_name), "%s",
			 function);
	snprintf(worker->bgw_name, BGW_MAXLEN, "%s", name);
	snprintf(worker->bgw_type, BGW_MAXLEN, "%s", name);
}

void
BaSealerInit(void)
{
	BackgroundWorker launcher;

	if (!process_shared_preload_libraries_in_progress)
		return;
	Define(&launcher, "bestauth sealer launcher", "bestauth_sealer_launcher_main");
	launcher.bgw_restart_time = 10;
	RegisterBackgroundWorker(&launcher);
}

/* ---------------------------------------------------------------- the worker */

/* Is bestauth here, and open? Where it is not, nobody need look again before there is a mark. */
static bool
IsThere(void)
{
	if (OidIsValid(get_extension_oid("bestauth", true)))
		return BaInstanceIsOpen();
	BaUnsealedForget(MyDatabaseId);
	return false;
}

/* As the owner up to the commit, not as the superuser that the worker connects as. */
static void
SealInTransaction(void)
{
	Oid user;
	int security;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	if (IsThere())
	{
		GetUserIdAndSecContext(&user, &security);
		SetUserIdAndSecContext(BaOwnerId(), security | SECURITY_LOCAL_USERID_CHANGE);
		(void) BaSealRun();
		SetUserIdAndSecContext(user, security);
	}
	PopActiveSnapshot();
	CommitTransactionCommand();
}

static void
FixSettings(void)
{
	SetConfigOption("default_transaction_isolation", "read committed", PGC_USERSET,
					PGC_S_OVERRIDE);
	SetConfigOption("default_transaction_read_only", "off", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("lock_timeout", LOCK_TIMEOUT, PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("statement_timeout", "0", PGC_USERSET, PGC_S_OVERRIDE);
	BaSetNoTransactionTimeout();
}

/* An error is logged and ends the worker: another one is started for the same rows. */
void
bestauth_sealer_main(Datum arg)
{
	Oid database = DatumGetObjectId(arg);

	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	FixSettings();
	pgstat_report_activity(STATE_RUNNING, "bestauth: sealing the audit");
	PG_TRY();
	{
		SealInTransaction();
	}
	PG_CATCH();
	{
		BaUnsealedMark(database);
		PG_RE_THROW();
	}
	PG_END_TRY();
	pgstat_report_stat(true);
}

/* -------------------------------------------------------------- the launcher */

/* True if it came to its end; false if there was none to start. */
static bool
RunWorker(Oid database)
{
	BackgroundWorker worker;
	BackgroundWorkerHandle *handle;

	Define(&worker, "bestauth sealer", "bestauth_sealer_main");
	worker.bgw_main_arg = ObjectIdGetDatum(database);
	worker.bgw_notify_pid = MyProcPid;
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
		return false;
	(void) WaitForBackgroundWorkerShutdown(handle);
	return true;
}

static void
Seal(const Oid *databases, int count)
{
	int i;

	for (i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!RunWorker(databases[i]))
			BaUnsealedMark(databases[i]);
	}
}

/* All there are, or those that can be connected to. */
static List *
ListDatabases(bool all)
{
	MemoryContext caller = CurrentMemoryContext;
	List *list = NIL;
	Relation relation;
	TableScanDesc scan;
	HeapTuple tuple;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	relation = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(relation, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);
		MemoryContext old = MemoryContextSwitchTo(caller);

		if (all || (database->datallowconn && !database->datistemplate))
			list = lappend_oid(list, database->oid);
		MemoryContextSwitchTo(old);
	}
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	CommitTransactionCommand();
	MemoryContextSwitchTo(caller);
	return list;
}

/* Of what was committed before the server came up nobody knows. */
static void
MarkAll(void)
{
	List *list = ListDatabases(false);
	ListCell *cell;

	foreach (cell, list)
		BaUnsealedMark(lfirst_oid(cell));
	list_free(list);
}

/* Leaves out, and forgets, those that are there no more. */
static int
LeaveOutDropped(Oid *databases, int count)
{
	List *list;
	int left = 0;
	int i;

	if (count == 0)
		return 0;
	list = ListDatabases(true);
	for (i = 0; i < count; i++)
		if (list_member_oid(list, databases[i]))
			databases[left++] = databases[i];
		else
			BaUnsealedForget(databases[i]);
	list_free(list);
	return left;
}

static void
Wait(long ms)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ms,
					 PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

void
bestauth_sealer_launcher_main(Datum arg)
{
	Oid databases[BA_UNSEALED_DATABASES];
	TimestampTz last_round = GetCurrentTimestamp();

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	MarkAll();
	for (;;)
	{
		TimestampTz now = GetCurrentTimestamp();
		bool all = TimestampDifferenceExceeds(last_round, now, ROUND_MS);

		if (BaSealInterval > 0)
		{
			Seal(databases, LeaveOutDropped(databases, BaUnsealedTake(databases, all)));
			if (all)
				last_round = now;
		}
		Wait(BaSealInterval > 0 ? BaSealInterval * 1000L : STOPPED_MS);
	}
}
