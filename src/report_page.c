/*
 * report_page.c
 *	  What every report of the audit does: whose rows the caller sees, of when, page by
 *	  page; and that reading the audit is audited.
 */
#include "postgres.h"

#include <ctype.h>

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

#include "args.h"
#include "bestauth.h"
#include "report_page.h"
#include "uuid.h"

#define READING_MS (60 * 60 * 1000) /* pages that follow within it are of one reading */

/* The reading that this backend wrote down last. */
static char *last_reading = NULL;
static TimestampTz last_reading_at = 0;

/* The same in any time zone of a session. */
static char *
InUtc(TimestampTz when)
{
	struct pg_tm tm;
	fsec_t fsec;

	if (TIMESTAMP_NOT_FINITE(when) ||
		timestamp2tm(when, NULL, &tm, &fsec, NULL, NULL) != 0)
		return pstrdup(timestamptz_to_str(when));
	return psprintf("%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", tm.tm_year, tm.tm_mon,
					tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int) fsec);
}

static void
PutTime(BaReport *report, FunctionCallInfo fcinfo, int n, const char *name)
{
	bool isnull = PG_ARGISNULL(n);
	Datum value = isnull ? (Datum) 0 : PG_GETARG_DATUM(n);

	BaPut(&report->args, TIMESTAMPTZOID, value, isnull);
	if (!isnull)
		BaJsonText(&report->filters, name, InUtc(PG_GETARG_TIMESTAMPTZ(n)));
}

/* Whose rows: of every company for the operator and the auditor who name none. */
static void
TakeScope(BaReport *report, FunctionCallInfo fcinfo, int company_arg)
{
	char *code = company_arg == BA_REPORT_NO_COMPANY ?
					 NULL :
					 BaArgTextOrNull(fcinfo, company_arg, "company", BA_MAX_CODE);

	report->one_company = company_arg != BA_REPORT_NO_COMPANY &&
						  (!report->caller.is_operator || code != NULL);
	if (report->one_company)
		BaCompanyActed(&report->caller, code, &report->company);
	BaPutUuid(&report->args, report->one_company ? &report->company.company_id : NULL);
	if (report->one_company)
		BaJsonText(&report->filters, "company", report->company.code);
}

/* Who calls, and $1 to $3. "until" stands behind "since". */
void
BaReportStart(BaReport *report, FunctionCallInfo fcinfo, int since_arg, int company_arg)
{
	memset(report, 0, sizeof(*report));
	report->caller = BaAccessCaller(fcinfo);
	BaJsonStart(&report->filters);
	TakeScope(report, fcinfo, company_arg);
	PutTime(report, fcinfo, since_arg, "since");
	PutTime(report, fcinfo, since_arg + 1, "until");
}

/* Where the page before ended: a time in UTC, a slash, a number. */
static void
PutAfter(BaReport *report, FunctionCallInfo fcinfo, int n)
{
	char *after = BaArgTextOrNull(fcinfo, n, "after", 100);
	char *slash = after == NULL ? NULL : strchr(after, '/');
	char *end;
	TimestampTz when = 0;
	int64 number = 0;

	if (after != NULL)
	{
		if (slash != NULL)
		{
			*slash++ = '\0';
			errno = 0;
			number = strtoll(slash, &end, 10);
		}
		if (slash == NULL || !BaTextTime(after, &when) ||
			!isdigit((unsigned char) *slash) || *end != '\0' || errno != 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("argument \"after\" is not the next of a page")));
	}
	report->goes_on = after != NULL;
	BaPut(&report->args, TIMESTAMPTZOID, TimestampTzGetDatum(when), after == NULL);
	BaPutLong(&report->args, number);
}

/* The same, and $4 to $6: "page_size" and "after" stand behind "company". */
void
BaReportPage(BaReport *report, FunctionCallInfo fcinfo, int since_arg, int company_arg)
{
	int size_arg = company_arg + 1;

	BaReportStart(report, fcinfo, since_arg, company_arg);
	PutAfter(report, fcinfo, size_arg + 1);
	BaPut(&report->args, INT8OID, Int64GetDatum(BaArgPageSize(fcinfo, size_arg, 0)),
		  PG_ARGISNULL(size_arg));
}

/* One more filter, of text. */
void
BaReportFilter(BaReport *report, const char *name, const char *value)
{
	BaPutText(&report->args, value);
	BaJsonText(&report->filters, name, value);
}

/* ------------------------------------------------------------------------- audit */

/* Pages are of one reading, which has one row; but not those that another began. */
static bool
IsWrittenDown(const BaReport *report, const char *reading)
{
	return report->goes_on && last_reading != NULL &&
		   strcmp(last_reading, reading) == 0 &&
		   !TimestampDifferenceExceeds(last_reading_at, GetCurrentTimestamp(),
									   READING_MS);
}

static void
Remember(const char *reading)
{
	if (last_reading != NULL)
		pfree(last_reading);
	last_reading = NULL;
	last_reading = MemoryContextStrdup(TopMemoryContext, reading);
	last_reading_at = GetCurrentTimestamp();
}

/*
 * That the audit was read is written down, outside the transaction: it was read even if
 * that comes to nothing, or may not write. On a standby the server's log has it [J-11].
 */
void
BaReportAudit(BaReport *report)
{
	Jsonb *filters = BaJsonFinish(&report->filters);
	char *text =
		filters == NULL ? "{}" : JsonbToCString(NULL, &filters->root, VARSIZE(filters));
	const BaIdentity *identity = report->caller.identity;
	const char *role = GetUserNameFromId(GetSessionUserId(), true);
	const char *who = identity ? identity->person : role ? role : "(dropped)";
	char *reading = psprintf("%s/%s/%s/%s", report->caller.function, who,
							 identity ? BaUuidText(&identity->session_id) : "", text);
	BaAudit audit;

	if (IsWrittenDown(report, reading))
		return;
	if (RecoveryInProgress())
		ereport(LOG, (errmsg("audit was read with function %s by \"%s\"",
							 report->caller.function, who),
					  errdetail("Filters: %s", text), errhidestmt(true)));
	else
	{
		if (report->one_company)
			BaCompanyAudit(&audit, "audit.read", &report->company);
		else
			BaAuditStart(&audit, "audit.read");
		audit.object_type = "function";
		audit.object_id = report->caller.function;
		audit.detail = filters;
		BaAuditWriteDurably(&audit);
	}
	Remember(reading);
}

/* Writes down that it is read, and returns the rows of one of the two queries. */
void
BaReportReturn(BaReport *report, BaQuery *queries, FunctionCallInfo fcinfo)
{
	BaReportAudit(report);
	BaQueryReturn(&queries[report->one_company], &report->args, fcinfo);
}
