/*
 * retention.c
 *	  The one way in which rows of the audit go: a month of six years ago, whole, and with
 *	  a block of the chain that says so.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "access.h"
#include "audit.h"
#include "audit_partition.h"
#include "block.h"
#include "errors.h"
#include "instance.h"
#include "json.h"
#include "seal.h"

PG_FUNCTION_INFO_V1(bestauth_audit_purge);

#define KEEP_YEARS 6

/* By their bounds, not by their names. */
static BaQuery list_partitions = {
	.sql =
		"SELECT c.oid::regclass::text, (date_trunc('month', b.upto AT TIME ZONE 'UTC' - interval '1 microsecond'))::date"
		" FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid, LATERAL (SELECT"
		" substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \\(''([^'']*)''\\)')::timestamptz) b (upto)"
		" WHERE i.inhparent = 'bestauth.audit_log'::regclass AND b.upto <= $1 ORDER BY b.upto",
	.latest = true,
};

static BaQuery count_rows = {
	.sql =
		"SELECT count(*) FROM bestauth.audit_log WHERE occurred_at >= $1 AND occurred_at < $2",
	.latest = true,
};

static void
Setting(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
}

/* The catalogs tell bounds as text, in the style of the session. */
static List *
ListPartitions(TimestampTz before)
{
	int level = NewGUCNestLevel();
	BaArgs args = {0};
	List *partitions;

	Setting("datestyle", "ISO, YMD");
	Setting("timezone", "UTC");
	BaPut(&args, TIMESTAMPTZOID, TimestampTzGetDatum(before), false);
	partitions = BaQueryRows(&list_partitions, &args);
	AtEOXact_GUC(true, level);
	return partitions;
}

static TimestampTz
TakeBefore(FunctionCallInfo fcinfo)
{
	Interval keep = {.month = 12 * KEEP_YEARS};
	TimestampTz latest = DatumGetTimestampTz(
		DirectFunctionCall2(timestamptz_mi_interval,
							TimestampTzGetDatum(GetCurrentTimestamp()),
							IntervalPGetDatum(&keep)));

	if (PG_ARGISNULL(0) || PG_GETARG_TIMESTAMPTZ(0) > latest)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"before\" must be at least %d years ago", KEEP_YEARS),
				 BaErrRule("AUD-3")));
	return PG_GETARG_TIMESTAMPTZ(0);
}

static int64
CountRows(DateADT month)
{
	BaArgs args = {0};
	BaRow row;

	BaPut(&args, TIMESTAMPTZOID, TimestampTzGetDatum(BaBlockMonthStart(month, 0)), false);
	BaPut(&args, TIMESTAMPTZOID, TimestampTzGetDatum(BaBlockMonthStart(month, 1)), false);
	return BaQueryRow(&count_rows, &args, &row) ? BaGetLong(&row, 0) : 0;
}

/* Nobody adds to the month while it goes; what is not sealed yet is, before. */
static int64
PurgeMonth(const char *partition, DateADT month)
{
	BaBlock block = {0};
	BaAudit audit;
	BaJson detail;

	block.kind = BA_BLOCK_PURGE;
	block.month = month;
	block.system_id = BaSystemId();
	block.row_count = CountRows(month);
	BaBlockAppend(&block);
	BaQueryText(psprintf("DROP TABLE %s", partition));
	BaAuditStart(&audit, "audit.purged");
	audit.object_type = "month";
	audit.object_id = BaBlockMonth(month);
	BaJsonStart(&detail);
	BaJsonDatum(&detail, "rows", Int64GetDatum(block.row_count), false, INT8OID);
	BaJsonDatum(&detail, "block", Int64GetDatum(block.block), false, INT8OID);
	audit.detail = BaJsonFinish(&detail);
	BaAuditWrite(&audit);
	return block.row_count;
}

Datum
bestauth_audit_purge(PG_FUNCTION_ARGS)
{
	ListCell *cell;
	List *partitions;
	TimestampTz before;
	int64 rows = 0;

	(void) BaAccessCaller(fcinfo);
	PreventCommandIfReadOnly("audit_purge()");
	before = TakeBefore(fcinfo);
	/* Made outside this transaction, it would wait for the locks that come. */
	(void) BaAuditPartition(GetCurrentTimestamp());
	(void) BaSealRun();
	partitions = ListPartitions(before);
	foreach (cell, partitions)
		BaQueryText(psprintf("LOCK TABLE %s IN ACCESS EXCLUSIVE MODE",
							 BaGetText(lfirst(cell), 0)));
	/* Again: somebody may have come in before the lock. */
	(void) BaSealRun();
	foreach (cell, partitions)
		rows += PurgeMonth(BaGetText(lfirst(cell), 0),
						   DatumGetDateADT(((BaRow *) lfirst(cell))->values[1]));
	PG_RETURN_INT64(rows);
}
