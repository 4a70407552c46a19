/*
 * query.c
 *	  The one way from C to SQL, and the only file that speaks SPI.
 *
 * Every query runs as bestauth_owner, whose rows row security does not hide (but for
 * BaQueryTextAsCaller, DDL on what is not ours), and under a search_path of pg_catalog and pg_temp: a kept plan is analysed anew
 * under the path of each execution, so the path is pinned at each execution. The
 * caller never sees the switch; GetUserId() is the real caller's everywhere else
 * in C. On an error the (sub)transaction's abort puts user, path and SPI back.
 *
 * Results are copied into the memory context of the call. Plans are kept for the
 * life of the backend.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "bestauth.h"
#include "compat.h"
#include "query.h"

#define BATCH 500 /* rows fetched at a time by BaQueryReturn */

typedef struct Scope
{
	Oid user;
	int security;
	int nest_level;
	MemoryContext context;
} Scope;

static bool running_text = false;

Oid
BaOwnerId(void)
{
	return get_role_oid(BA_OWNER, false);
}

static void
EnterAs(Scope *scope, Oid user, int security)
{
	scope->context = CurrentMemoryContext;
	GetUserIdAndSecContext(&scope->user, &scope->security);
	SetUserIdAndSecContext(user, scope->security | security);
	scope->nest_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
}

static void
Enter(Scope *scope)
{
	EnterAs(scope, BaOwnerId(), SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
}

static void
Leave(Scope *scope)
{
	SPI_finish();
	AtEOXact_GUC(true, scope->nest_level);
	SetUserIdAndSecContext(scope->user, scope->security);
	MemoryContextSwitchTo(scope->context);
}

static void
Prepare(BaQuery *query, BaArgs *args)
{
	SPIPlanPtr plan;

	if (query->plan != NULL)
		return;
	plan = SPI_prepare_cursor(query->sql, args->count, args->types,
							  query->secret ? CURSOR_OPT_GENERIC_PLAN :
							  query->custom ? CURSOR_OPT_CUSTOM_PLAN :
											  0);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare a query: %s", SPI_result_code_string(SPI_result));
	query->plan = plan;
}

static void
Planning(const char *setting, const char *value)
{
	(void) set_config_option(setting, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
}

/* How it is to be planned: in force until Leave(). */
static void
SetPlanning(const BaQuery *query)
{
	/* A setting goes before what the plan was prepared for. */
	if (query->secret)
		Planning("plan_cache_mode", "force_generic_plan");
	if (query->custom)
		Planning("plan_cache_mode", "force_custom_plan");
	if (query->indexed)
		Planning("enable_seqscan", "off");
}

static uint64
Execute(BaQuery *query, BaArgs *args, long limit)
{
	Snapshot snapshot = InvalidSnapshot;
	int code;

	Prepare(query, args);
	SetPlanning(query);
	if (query->latest)
	{
		/* The transaction's own changes so far are to be seen as well. */
		CommandCounterIncrement();
		snapshot = GetLatestSnapshot();
	}
	code = SPI_execute_snapshot(query->plan, args->values, args->nulls, snapshot,
								InvalidSnapshot, false, true, limit);
	if (code < 0)
		elog(ERROR, "could not execute a query: %s", SPI_result_code_string(code));
	return SPI_processed;
}

/* Copies a row of SPI's into the caller's context. */
static void
CopyRow(HeapTuple tuple, TupleDesc tupdesc, MemoryContext context, BaRow *row)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	int i;

	Assert(tupdesc->natts <= BA_QUERY_MAX);
	row->count = tupdesc->natts;
	for (i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(tupdesc, i);
		Datum value = SPI_getbinval(tuple, tupdesc, i + 1, &row->nulls[i]);

		if (row->nulls[i])
			row->values[i] = (Datum) 0;
		else if (att->attlen == -1)
			row->values[i] = PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
		else
			row->values[i] = datumCopy(value, att->attbyval, att->attlen);
	}
	MemoryContextSwitchTo(old);
}

/* Runs a query for its effect; tells how many rows it touched. */
uint64
BaQueryExec(BaQuery *query, BaArgs *args)
{
	Scope scope;
	uint64 processed;

	Enter(&scope);
	processed = Execute(query, args, 0);
	Leave(&scope);
	return processed;
}

/* Runs a query and copies its first row; false if there is none. */
bool
BaQueryRow(BaQuery *query, BaArgs *args, BaRow *row)
{
	Scope scope;
	bool found;

	Enter(&scope);
	/* No limit: a query that changes rows must come to its end. */
	found = Execute(query, args, 0) > 0 && SPI_tuptable != NULL;
	if (found)
		CopyRow(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, scope.context, row);
	Leave(&scope);
	return found;
}

/* Runs a query that changes rows, and returns what it returns: a list of BaRow. */
List *
BaQueryRows(BaQuery *query, BaArgs *args)
{
	Scope scope;
	List *rows = NIL;
	uint64 i;

	Enter(&scope);
	(void) Execute(query, args, 0);
	for (i = 0; i < SPI_processed; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(scope.context);
		BaRow *row = palloc(sizeof(BaRow));

		CopyRow(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, scope.context, row);
		rows = lappend(rows, row);
		MemoryContextSwitchTo(old);
	}
	Leave(&scope);
	return rows;
}

static bool
VisitBatch(SPITupleTable *rows, BaQueryVisit visit, void *state, MemoryContext context)
{
	bool more = true;
	uint64 i;

	for (i = 0; more && i < rows->numvals; i++)
	{
		MemoryContext old;
		BaRow row;

		CHECK_FOR_INTERRUPTS();
		CopyRow(rows->vals[i], rows->tupdesc, context, &row);
		old = MemoryContextSwitchTo(context);
		more = visit(&row, state);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	return more;
}

/*
 * Runs a query and shows its rows one after the other, however many they are; what the
 * visitor allocates goes with the row. It reads under the snapshot of the statement that
 * called, so several of these see one state; or under the latest.
 */
void
BaQueryEach(BaQuery *query, BaArgs *args, BaQueryVisit visit, void *state)
{
	Scope scope;
	Portal portal;
	MemoryContext context;
	bool more;

	Enter(&scope);
	context = AllocSetContextCreate(CurrentMemoryContext, "bestauth row of a query",
									ALLOCSET_DEFAULT_SIZES);
	Prepare(query, args);
	SetPlanning(query);
	if (query->latest)
	{
		CommandCounterIncrement();
		PushActiveSnapshot(GetLatestSnapshot());
	}
	portal = SPI_cursor_open(NULL, query->plan, args->values, args->nulls, true);
	do
	{
		SPITupleTable *rows;

		SPI_cursor_fetch(portal, true, BATCH);
		rows = SPI_tuptable;
		more = SPI_processed > 0 && VisitBatch(rows, visit, state, context);
		SPI_freetuptable(rows);
	} while (more);
	SPI_cursor_close(portal);
	if (query->latest)
		PopActiveSnapshot();
	Leave(&scope);
}

/*
 * Runs a query and returns its rows as those of the set-returning function that was
 * called, whose columns they have. For reports: it reads under the statement's
 * snapshot, batch by batch.
 */
void
BaQueryReturn(BaQuery *query, BaArgs *args, FunctionCallInfo fcinfo)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Scope scope;
	Portal portal;

	InitMaterializedSRF(fcinfo, 0);
	Assert(!query->latest);
	Enter(&scope);
	Prepare(query, args);
	SetPlanning(query);
	portal = SPI_cursor_open(NULL, query->plan, args->values, args->nulls, false);
	for (;;)
	{
		uint64 i;

		SPI_cursor_fetch(portal, true, BATCH);
		if (SPI_processed == 0)
			break;
		Assert(SPI_tuptable->tupdesc->natts == result->setDesc->natts);
		for (i = 0; i < SPI_processed; i++)
			tuplestore_puttuple(result->setResult, SPI_tuptable->vals[i]);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	Leave(&scope);
}

static void
ExecuteText(const char *sql)
{
	bool outer = running_text;
	int code = 0;

	running_text = true;
	PG_TRY();
	{
		code = SPI_execute(sql, false, 0);
	}
	PG_FINALLY();
	{
		running_text = outer;
	}
	PG_END_TRY();
	if (code < 0)
		elog(ERROR, "could not execute a statement: %s", SPI_result_code_string(code));
}

/* Is a statement of ours under way, DDL for instance? */
bool
BaQueryTextIsRunning(void)
{
	return running_text;
}

/*
 * Runs a statement that can't be a constant: DDL with names in it. The caller
 * quotes every name.
 */
void
BaQueryText(const char *sql)
{
	Scope scope;

	Enter(&scope);
	ExecuteText(sql);
	Leave(&scope);
}

/*
 * The same on what belongs to an application: with the privileges that whoever called
 * has there, and no others.
 */
void
BaQueryTextAsCaller(const char *sql)
{
	Scope scope;

	EnterAs(&scope, GetUserId(), 0);
	ExecuteText(sql);
	Leave(&scope);
}

/* -------------------------------------------------------------- arguments */

void
BaPut(BaArgs *args, Oid type, Datum value, bool isnull)
{
	Assert(args->count < BA_QUERY_MAX);
	args->types[args->count] = type;
	args->values[args->count] = value;
	args->nulls[args->count] = isnull ? 'n' : ' ';
	args->count++;
}

void
BaPutText(BaArgs *args, const char *value)
{
	BaPut(args, TEXTOID, value ? CStringGetTextDatum(value) : (Datum) 0, value == NULL);
}

void
BaPutUuid(BaArgs *args, const pg_uuid_t *value)
{
	BaPut(args, UUIDOID, PointerGetDatum(value), value == NULL);
}

void
BaPutInt(BaArgs *args, int32 value)
{
	BaPut(args, INT4OID, Int32GetDatum(value), false);
}

void
BaPutLong(BaArgs *args, int64 value)
{
	BaPut(args, INT8OID, Int64GetDatum(value), false);
}

void
BaPutBool(BaArgs *args, bool value)
{
	BaPut(args, BOOLOID, BoolGetDatum(value), false);
}

void
BaPutBytes(BaArgs *args, Datum value)
{
	BaPut(args, BYTEAOID, value, false);
}

/* A NULL pointer stands for NULL. */
void
BaPutTexts(BaArgs *args, Datum array)
{
	BaPut(args, TEXTARRAYOID, array, DatumGetPointer(array) == NULL);
}

/* ----------------------------------------------------------------- results */

char *
BaGetText(const BaRow *row, int column)
{
	return row->nulls[column] ? NULL : TextDatumGetCString(row->values[column]);
}

bool
BaGetUuid(const BaRow *row, int column, pg_uuid_t *value)
{
	if (row->nulls[column])
	{
		memset(value, 0, sizeof(*value));
		return false;
	}
	*value = *DatumGetUUIDP(row->values[column]);
	return true;
}

int32
BaGetInt(const BaRow *row, int column)
{
	return row->nulls[column] ? 0 : DatumGetInt32(row->values[column]);
}

int64
BaGetLong(const BaRow *row, int column)
{
	return row->nulls[column] ? 0 : DatumGetInt64(row->values[column]);
}

bool
BaGetBool(const BaRow *row, int column)
{
	return !row->nulls[column] && DatumGetBool(row->values[column]);
}

TimestampTz
BaGetTime(const BaRow *row, int column)
{
	return row->nulls[column] ? 0 : DatumGetTimestampTz(row->values[column]);
}
