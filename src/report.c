/*
 * report.c
 *	  Reports of the audit: all of it, what was refused, and what one person did.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "args.h"
#include "bestauth.h"
#include "report_page.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_access_denied);
PG_FUNCTION_INFO_V1(bestauth_audit_report);
PG_FUNCTION_INFO_V1(bestauth_person_trail);

#define ADDRESS "coalesce(a.client_addr, a.peer_addr)"
#define MAX_PERSON (BA_MAX_USERNAME + BA_MAX_CODE + 1)

/* ------------------------------------------------------------------------ all of it */

#define IS_ASKED_FOR \
	" AND ($7 IS NULL OR lower(a.username COLLATE \"C\") = lower($7 COLLATE \"C\"))" \
	" AND ($8 IS NULL OR lower(a.person COLLATE \"C\") = lower($8 COLLATE \"C\"))" \
	" AND ($9 IS NULL OR a.action = $9 OR (right($9, 2) = '.*' AND starts_with(a.action, left($9, -1))))"

static BaQuery find_rows[] = BA_REPORT_QUERIES(
	"a.audit_id, a.occurred_at, a.company_id, a.user_id, a.person_id, a.billing_service_id,"
	" a.session_id, a.db_role, " ADDRESS ", a.application_name, a.action, a.outcome,"
	" a.object_type, a.object_id, a.old_values, a.new_values, a.detail, a.company_code,"
	" a.username, a.person, a.billing_service_code, " BA_REPORT_NEXT,
	IS_ASKED_FOR);

Datum
bestauth_audit_report(PG_FUNCTION_ARGS)
{
	BaReport report;

	BaReportPage(&report, fcinfo, 0, 5);
	BaReportFilter(&report, "username",
				   BaArgTextOrNull(fcinfo, 2, "username", BA_MAX_USERNAME));
	BaReportFilter(&report, "person", BaArgTextOrNull(fcinfo, 3, "person", MAX_PERSON));
	BaReportFilter(&report, "action", BaArgTextOrNull(fcinfo, 4, "action", BA_MAX_NAME));
	BaReportReturn(&report, find_rows, fcinfo);
	return (Datum) 0;
}

/* ---------------------------------------------------------------- what was refused */

/*
 * At a login the user is named, and nobody has called yet; in a session somebody called.
 * A row that stands for many says for how many.
 */
static BaQuery find_refused[] = BA_REPORT_QUERIES(
	"a.audit_id, a.occurred_at, a.company_code,"
	" coalesce(CASE WHEN a.object_type = 'user' THEN a.object_id END, a.detail->>'typed_name'),"
	" CASE WHEN a.session_id IS NOT NULL THEN a.person END, a.billing_service_code, a.db_role,"
	" a.action, CASE WHEN a.object_type <> 'user' THEN a.object_type END,"
	" CASE WHEN a.object_type <> 'user' THEN a.object_id END, a.detail->>'reason',"
	" a.detail->>'rule', " ADDRESS ", a.application_name,"
	" coalesce((a.detail->>'folded')::integer, 1), " BA_REPORT_NEXT,
	" AND a.outcome = 'denied'");

Datum
bestauth_access_denied(PG_FUNCTION_ARGS)
{
	BaReport report;

	BaReportPage(&report, fcinfo, 0, 2);
	BaReportReturn(&report, find_refused, fcinfo);
	return (Datum) 0;
}

/* ----------------------------------------------------------- one person's trail */

/* A portal's users may have the names of others. */
static BaQuery find_users = {
	.sql =
		"SELECT array_agg(user_id) FROM bestauth.user_account"
		" WHERE company_id = $1 AND lower(username COLLATE \"C\") = lower($2 COLLATE \"C\")",
};

static BaQuery find_trail[] = BA_REPORT_QUERIES(
	"a.audit_id, a.occurred_at, a.company_code, a.username, a.person, a.billing_service_code,"
	" a.session_id, a.action, a.outcome, a.object_type, a.object_id, a.old_values,"
	" a.new_values, a.detail, " ADDRESS ", a.application_name, " BA_REPORT_NEXT,
	" AND a.person_id = ANY ($7)");

/*
 * The company whose user is named: before a slash, or else that of the report. False if
 * there is none.
 */
static bool
FindEmployer(const BaReport *report, const char *person, BaCompany *company)
{
	const char *slash = strchr(person, '/');

	if (slash != NULL)
		return BaCompanyFind(pnstrdup(person, slash - person), company);
	if (!report->one_company)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("person \"%s\" is named without a company", person),
				 errhint("Write it as company/username, or name the company as well.")));
	*company = report->company;
	return true;
}

/* $7. In a session nobody learns who there is elsewhere: no user has no rows. */
static void
PutPerson(BaReport *report, const char *person)
{
	const char *slash = strchr(person, '/');
	BaArgs args = {0};
	BaCompany company;
	BaRow row = {.nulls = {true}};

	if (FindEmployer(report, person, &company))
	{
		BaPutUuid(&args, &company.company_id);
		BaPutText(&args, slash ? slash + 1 : person);
		(void) BaQueryRow(&find_users, &args, &row);
	}
	if (row.nulls[0] && report->caller.identity == NULL)
		ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
						errmsg("person \"%s\" does not exist", person)));
	BaPut(&report->args, UUIDARRAYOID, row.values[0], row.nulls[0]);
	BaJsonText(&report->filters, "person", person);
}

Datum
bestauth_person_trail(PG_FUNCTION_ARGS)
{
	BaReport report;

	BaReportPage(&report, fcinfo, 1, 3);
	PutPerson(&report, BaArgText(fcinfo, 0, "person", MAX_PERSON));
	BaReportReturn(&report, find_trail, fcinfo);
	return (Datum) 0;
}
