/*
 * audit_partition.c
 *	  The audit's partitions, one a month in UTC.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "storage/lmgr.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "audit_partition.h"
#include "bestauth.h"
#include "query.h"
#include "writer.h"

typedef struct Month
{
	int year;
	int month;
} Month;

/* Each costs every row that is written: see bench/README.md. */
static const char *const indexes[] = {
	"(transaction_id)",                           /* what is not sealed yet */
	"(occurred_at, audit_id)",                    /* a period */
	"(company_id, occurred_at, audit_id)",        /* of a company, page by page */
	"(billing_service_id, occurred_at, audit_id)" /* of a service, elsewhere */
	" WHERE billing_service_id IS NOT NULL",
	"(company_id, occurred_at) WHERE outcome = 'denied'",
	"(emergency_id) WHERE emergency_id IS NOT NULL",
	"USING brin (audit_id) WITH (autosummarize = on)", /* a row by its number */
};

static Month
MonthOf(TimestampTz when)
{
	struct pg_tm tm;
	fsec_t fsec;
	Month month;

	/* Without a time zone: months begin at midnight UTC. */
	if (timestamp2tm(when, NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("timestamp out of range")));
	month.year = tm.tm_year;
	month.month = tm.tm_mon;
	return month;
}

static Month
NextMonth(Month month)
{
	if (++month.month > 12)
	{
		month.month = 1;
		month.year++;
	}
	return month;
}

static char *
PartitionName(Month month)
{
	return psprintf("audit_log_y%04dm%02d", month.year, month.month);
}

static Oid
FindPartition(Month month)
{
	return get_relname_relid(PartitionName(month), get_namespace_oid(BA_SCHEMA, false));
}

/* A statement's guard on the parent does not cover its partitions: each has its own. */
void
BaAuditGuard(const char *relation)
{
	BaQueryText(psprintf(
		"CREATE TRIGGER guard BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s"
		" FOR EACH STATEMENT EXECUTE FUNCTION bestauth.guard_tg('AUD-3')",
		relation));
	BaQueryText(psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER guard", relation));
}

/*
 * Made beside the parent and then attached: that takes a lock on the parent
 * which neither readers nor writers mind.
 */
static void
MakePartition(Month month)
{
	Month next = NextMonth(month);
	char *name;
	int i;

	BaQueryText("LOCK TABLE ONLY bestauth.audit_log IN SHARE UPDATE EXCLUSIVE MODE");
	AcceptInvalidationMessages();
	if (OidIsValid(FindPartition(month)))
		return;
	name = PartitionName(month);
	BaQueryText(
		psprintf("CREATE TABLE bestauth.%s (LIKE bestauth.audit_log INCLUDING DEFAULTS)",
				 name));
	BaQueryText(
		psprintf("COMMENT ON TABLE bestauth.%s IS 'Audit rows of %04d-%02d, in UTC.'",
				 name, month.year, month.month));
	for (i = 0; i < lengthof(indexes); i++)
		BaQueryText(psprintf("CREATE INDEX ON bestauth.%s %s", name, indexes[i]));
	BaQueryText(psprintf("ALTER TABLE bestauth.%s ENABLE ROW LEVEL SECURITY", name));
	BaAuditGuard(psprintf("bestauth.%s", name));
	BaQueryText(psprintf(
		"ALTER TABLE bestauth.audit_log ATTACH PARTITION bestauth.%s"
		" FOR VALUES FROM ('%04d-%02d-01 00:00:00+00') TO ('%04d-%02d-01 00:00:00+00')",
		name, month.year, month.month, next.year, next.month));
}

/* This month's partition and those of the year ahead. */
void
BaAuditMakePartitions(void)
{
	Month month = MonthOf(GetCurrentTimestamp());
	int i;

	for (i = 0; i <= BA_AUDIT_MONTHS_AHEAD; i++)
	{
		MakePartition(month);
		month = NextMonth(month);
	}
}

/* This month's, where whoever calls holds locks that the writer would wait for. */
void
BaAuditMakePartition(void)
{
	Month month = MonthOf(GetCurrentTimestamp());

	if (!OidIsValid(FindPartition(month)))
		MakePartition(month);
}

/*
 * In the writer, now and then: a year after opening the next month has none yet. There is
 * time, so nobody is waited for.
 */
void
BaAuditLookAhead(void)
{
	Month next = NextMonth(MonthOf(GetCurrentTimestamp()));
	Oid parent = get_relname_relid("audit_log", get_namespace_oid(BA_SCHEMA, false));

	if (!OidIsValid(FindPartition(next)) &&
		ConditionalLockRelationOid(parent, ShareUpdateExclusiveLock))
		MakePartition(next);
}

static void
HandlePartition(const char *payload, int length, char *reply)
{
	Month month;

	memcpy(&month, payload, sizeof(month));
	MakePartition(month);
}

/*
 * The partition for a moment. One that is missing is made outside the caller's
 * transaction, which would otherwise hold the DDL's locks to its end.
 */
Oid
BaAuditPartition(TimestampTz when)
{
	Month month = MonthOf(when);
	Oid partition = FindPartition(month);
	char reply[BA_WRITER_REPLY];

	/* What is written to a table that was detached would be sealed when somebody likes. */
	if (OidIsValid(partition) && !get_rel_relispartition(partition))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("audit partition \"%s\" is detached", PartitionName(month)),
						errhint("Attach it to bestauth.audit_log again.")));
	if (OidIsValid(partition))
		return partition;
	if (BaWriterIsSelf)
		MakePartition(month);
	else
		BaWriterCall(BA_WRITER_PARTITION, (char *) &month, sizeof(month), reply);
	AcceptInvalidationMessages();
	partition = FindPartition(month);
	if (!OidIsValid(partition))
		elog(ERROR, "audit partition \"%s\" is missing", PartitionName(month));
	return partition;
}

void
BaAuditPartitionInit(void)
{
	BaWriterRegister(BA_WRITER_PARTITION, HandlePartition);
}
