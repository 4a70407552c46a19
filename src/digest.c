/*
 * digest.c
 *	  What of the audit is kept elsewhere: the head of its chain, and all of it as plain
 *	  text.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/json.h"

#include "access.h"
#include "block.h"
#include "instance.h"
#include "json.h"
#include "report_page.h"

PG_FUNCTION_INFO_V1(bestauth_audit_digest);
PG_FUNCTION_INFO_V1(bestauth_audit_export);

#define DIGEST_FORMAT 1

/* Whoever is noting the same at this moment does for both: nobody waits for another's end. */
static BaQuery note_digest = {
	.sql = "UPDATE bestauth.digest_use SET block = $1, taken_at = $2 WHERE singleton IN"
		   " (SELECT d.singleton FROM bestauth.digest_use d FOR UPDATE SKIP LOCKED)",
	.latest = true,
};

static BaQuery note_first_digest = {
	.sql =
		"INSERT INTO bestauth.digest_use (block, taken_at) SELECT $1, $2"
		" WHERE NOT EXISTS (SELECT FROM bestauth.digest_use) ON CONFLICT (singleton) DO NOTHING",
	.latest = true,
};

/*
 * The first line says which months, to the first or last of the log where no end was given;
 * then come the blocks, in order, and the rows.
 */
static BaQuery export_all = {
	.sql =
		"SELECT 'months',"
		" t.block, t.block_format, t.block_kind,"
		" CASE WHEN coalesce(p.first, p.last) IS NOT NULL THEN coalesce(p.first, least(p.last, l.first)) END,"
		" t.block_system_id,"
		" CASE WHEN coalesce(p.first, p.last) IS NOT NULL THEN coalesce(p.last, greatest(p.first, l.last)) END,"
		" t.row_count, t.first_audit_id, t.last_audit_id, t.root, t.sealed_at, t.previous_hash, t.block_hash,"
		" t.audit_id, t.occurred_at, t.transaction_at, t.transaction_id, t.system_id, t.format, t.row_hash,"
		" t.company_id, t.company_code, t.user_id, t.username, t.person_id, t.person, t.billing_service_id,"
		" t.billing_service_code, t.session_id, t.emergency_id, t.db_role, t.client_addr, t.peer_addr,"
		" t.application_name, t.action, t.outcome, t.object_type, t.object_id, t.old_values, t.new_values,"
		" t.detail"
		" FROM (SELECT to_char($1 AT TIME ZONE 'UTC', 'YYYY-MM') AS first,"
		" to_char($2 AT TIME ZONE 'UTC' - interval '1 microsecond', 'YYYY-MM') AS last) p,"
		" (SELECT to_char(least(min(b.month), (SELECT min(a.occurred_at) AT TIME ZONE 'UTC' FROM bestauth.audit_log a)), 'YYYY-MM') AS first,"
		" to_char(greatest(max(b.month), (SELECT max(a.occurred_at) AT TIME ZONE 'UTC' FROM bestauth.audit_log a)), 'YYYY-MM') AS last"
		" FROM bestauth.audit_block b) l LEFT JOIN bestauth.audit_text t ON false"
		" UNION ALL SELECT * FROM (SELECT kind,"
		" block, block_format, block_kind, month, block_system_id, snapshot, row_count, first_audit_id,"
		" last_audit_id, root, sealed_at, previous_hash, block_hash, audit_id, occurred_at, transaction_at,"
		" transaction_id, system_id, format, row_hash, company_id, company_code, user_id, username,"
		" person_id, person, billing_service_id, billing_service_code, session_id, emergency_id, db_role,"
		" client_addr, peer_addr, application_name, action, outcome, object_type, object_id, old_values,"
		" new_values, detail"
		" FROM bestauth.audit_text WHERE kind = 'block' AND number BETWEEN"
		" (SELECT min(b.block) FROM bestauth.audit_block b"
		" WHERE ($1 IS NULL OR b.month >= date_trunc('month', $1 AT TIME ZONE 'UTC'))"
		" AND ($2 IS NULL OR b.month < $2 AT TIME ZONE 'UTC'))"
		" AND (SELECT max(b.block) FROM bestauth.audit_block b"
		" WHERE ($1 IS NULL OR b.month >= date_trunc('month', $1 AT TIME ZONE 'UTC'))"
		" AND ($2 IS NULL OR b.month < $2 AT TIME ZONE 'UTC')) ORDER BY number) blocks"
		" UNION ALL SELECT kind,"
		" block, block_format, block_kind, month, block_system_id, snapshot, row_count, first_audit_id,"
		" last_audit_id, root, sealed_at, previous_hash, block_hash, audit_id, occurred_at, transaction_at,"
		" transaction_id, system_id, format, row_hash, company_id, company_code, user_id, username,"
		" person_id, person, billing_service_id, billing_service_code, session_id, emergency_id, db_role,"
		" client_addr, peer_addr, application_name, action, outcome, object_type, object_id, old_values,"
		" new_values, detail"
		" FROM bestauth.audit_text WHERE kind = 'row'"
		" AND ($1 IS NULL OR moment >= date_trunc('month', $1 AT TIME ZONE 'UTC') AT TIME ZONE 'UTC')"
		" AND ($2 IS NULL OR moment < date_trunc('month', date_trunc('month', $2 AT TIME ZONE 'UTC'"
		" - interval '1 microsecond') + interval '768 hours') AT TIME ZONE 'UTC')",
};

static char *
TimeText(TimestampTz when)
{
	char *text = palloc(MAXDATELEN + 1);
	int utc = 0;

	return JsonEncodeDateTime(text, TimestampTzGetDatum(when), TIMESTAMPTZOID, &utc);
}

static char *
HashText(const uint8 *hash)
{
	char *text = palloc(2 * BA_DIGEST_LENGTH + 1);

	hex_encode((const char *) hash, BA_DIGEST_LENGTH, text);
	text[2 * BA_DIGEST_LENGTH] = '\0';
	return text;
}

static void
Note(const BaBlock *head, TimestampTz taken_at)
{
	BaArgs args = {0};

	if (XactReadOnly)
		return;
	BaPutLong(&args, head->block);
	BaPut(&args, TIMESTAMPTZOID, TimestampTzGetDatum(taken_at), false);
	if (BaQueryExec(&note_digest, &args) == 0)
		(void) BaQueryExec(&note_first_digest, &args);
}

Datum
bestauth_audit_digest(PG_FUNCTION_ARGS)
{
	TimestampTz now = GetCurrentTimestamp();
	BaBlock head;
	BaJson digest;

	(void) BaAccessCaller(fcinfo);
	if (!BaBlockLast(&head))
		PG_RETURN_NULL();
	BaJsonStart(&digest);
	BaJsonDatum(&digest, "format", Int32GetDatum(DIGEST_FORMAT), false, INT4OID);
	BaJsonText(&digest, "instance", BaInstanceName());
	BaJsonText(&digest, "database", get_database_name(MyDatabaseId));
	BaJsonDatum(&digest, "block", Int64GetDatum(head.block), false, INT8OID);
	BaJsonText(&digest, "block_hash", HashText(head.block_hash));
	BaJsonText(&digest, "sealed_at", TimeText(head.sealed_at));
	BaJsonText(&digest, "taken_at", TimeText(now));
	Note(&head, now);
	PG_RETURN_JSONB_P(BaJsonFinish(&digest));
}

/* NULL is for all, and so is infinity on its side; others are of months that have a name. */
static void
PutEnd(BaArgs *args, FunctionCallInfo fcinfo, int n, const char *name)
{
	const TimestampTz first = (date2j(1, 1, 1) - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY;
	const TimestampTz end = (date2j(10000, 1, 1) - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY;
	TimestampTz when = PG_ARGISNULL(n) ? 0 : PG_GETARG_TIMESTAMPTZ(n);
	bool all = PG_ARGISNULL(n) ||
			   (n == 0 ? TIMESTAMP_IS_NOBEGIN(when) : TIMESTAMP_IS_NOEND(when));

	if (!all && (when < first || when >= end))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" must be in the years 1 to 9999", name)));
	BaPut(args, TIMESTAMPTZOID, TimestampTzGetDatum(when), all);
}

Datum
bestauth_audit_export(PG_FUNCTION_ARGS)
{
	BaReport report;
	BaArgs args = {0};

	BaReportStart(&report, fcinfo, 0, BA_REPORT_NO_COMPANY);
	PutEnd(&args, fcinfo, 0, "since");
	PutEnd(&args, fcinfo, 1, "until");
	BaReportAudit(&report);
	BaQueryReturn(&export_all, &args, fcinfo);
	BaBlockCheckPurges();
	return (Datum) 0;
}
