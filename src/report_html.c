/*
 * report_html.c
 *	  The audit of a period as a page: what an administrator hands to an auditor.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "bestauth.h"
#include "emergency_access.h"
#include "instance.h"
#include "report_chart.h"
#include "report_privilege.h"

PG_FUNCTION_INFO_V1(bestauth_audit_html);

#define MOST_LISTED 15
#define MOST_RIGHTS 50
#define MOST_EMERGENCIES 50
#define ROWS_BESIDE 11 /* of a table of times, then the next stands beside it */

static const char style[] =
	":root{--page:#fff;--text:#1c2430;--soft:#5b6675;--line:#d5dbe3;--acts:#2f6690;--changes:#9dbdd6;"
	"--refused:#b3261e;--cell:#2f6690;--on:#fff}\n"
	"@media screen and (prefers-color-scheme:dark){:root{--page:#14181f;--text:#e4e8ee;--soft:#9ba6b4;"
	"--line:#353d49;--acts:#6fb1e0;--changes:#3f6482;--refused:#f2766d;--cell:#6fb1e0;--on:#101820}}\n"
	"*{box-sizing:border-box}\n"
	"body{margin:0 auto;padding:2rem 1.5rem;max-width:62rem;background:var(--page);color:var(--text);"
	"font:15px/1.45 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}\n"
	"h1{font-size:1.7rem;margin:0 0 .2rem}\n"
	"h2{font-size:1.2rem;margin:2.2rem 0 .5rem;padding-top:.6rem;border-top:2px solid var(--line)}\n"
	"h3{font-size:1rem;margin:1.4rem 0 .3rem}\n"
	"p{margin:.3rem 0 .6rem;max-width:46rem}\n"
	".soft{color:var(--soft)}\n"
	"dl.about{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:.8rem 0}\n"
	"dl.about dt{color:var(--soft)}\n"
	"dl.about dd,dl.totals dd{margin:0}\n"
	"dl.totals{display:flex;flex-wrap:wrap;gap:.8rem;margin:1rem 0}\n"
	"dl.totals div{border:1px solid var(--line);border-radius:6px;padding:.5rem .9rem;min-width:7.5rem}\n"
	"dl.totals dt{color:var(--soft);font-size:.85rem}\n"
	"dl.totals dd{font-size:1.45rem;font-weight:600;font-variant-numeric:tabular-nums}\n"
	"table{border-collapse:collapse;width:100%;font-size:.88rem}\n"
	"th,td{text-align:left;vertical-align:top;padding:.22rem .5rem;border-bottom:1px solid var(--line);"
	"overflow-wrap:anywhere}\n"
	"th{color:var(--soft);font-weight:600;vertical-align:bottom}\n"
	"td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\n"
	"td.t{white-space:nowrap;font-variant-numeric:tabular-nums}\n"
	"table.sums .n{width:7.5rem}\n"
	"td.b{width:26%;vertical-align:middle}\n"
	"table.rights{table-layout:fixed}\n"
	".rights th:nth-child(1){width:17%}.rights th:nth-child(2){width:13%}.rights th:nth-child(3){width:16%}"
	".rights th:nth-child(4){width:17%}.rights th:nth-child(5){width:14%}\n"
	".emergencies td.t{white-space:normal;width:8.5rem}\n"
	".beside{display:flex;flex-wrap:wrap;gap:0 1rem;align-items:flex-start}\n"
	".beside table{width:auto;flex:1 1 0;min-width:12rem;max-width:17rem}\n"
	".beside th.n{white-space:normal;overflow-wrap:normal}\n"
	"details{margin:.6rem 0}\n"
	"summary{cursor:pointer;color:var(--soft)}\n"
	".hours{overflow-x:auto}\n"
	".hours th,.hours td{padding:.15rem .25rem;font-size:.75rem}\n"
	"svg.chart{display:block;width:100%;height:auto;margin:.4rem 0 .8rem}\n"
	"svg.chart text{font-size:11px;fill:var(--soft)}\n"
	"svg.chart text.end{text-anchor:end}\n"
	"svg.chart text.middle{text-anchor:middle}\n"
	"svg.chart text.on{fill:var(--on)}\n"
	"svg.bar{display:block;width:100%;height:.7rem}\n"
	".acts{fill:var(--acts)}\n"
	".cell{fill:var(--cell)}\n"
	".changes{fill:var(--changes)}\n"
	".refused{fill:var(--refused)}\n"
	".grid{stroke:var(--line);stroke-width:1}\n"
	"@page{margin:16mm 14mm}\n"
	"@media print{:root{--page:#fff;--text:#000;--soft:#333;--line:#bbb;--acts:#8a8a8a;--changes:#cfcfcf;"
	"--refused:#000;--cell:#444;--on:#fff}\n"
	"body{max-width:none;padding:0;font-size:9.5pt}\n"
	"table{font-size:8pt}\n"
	"th,td{padding:.08rem .4rem}\n"
	".hours th,.hours td{font-size:6.5pt}\n"
	"dl.totals dd{font-size:1.1rem}\n"
	"svg.chart{width:88%}\n"
	"section{break-inside:avoid}\n"
	"section.long{break-inside:auto}\n"
	"section h2{border:0;margin-top:0;padding-top:0}\n"
	"h2,h3{break-after:avoid}\n"
	"tr,figure,svg,dl.totals div{break-inside:avoid}\n"
	"thead{display:table-header-group}\n"
	".hours{overflow:visible}}\n";

/* The words of a change. */
static BaQuery describe = {
	.sql =
		"SELECT string_agg(replace(e.key, '_', ' ') || ': ' || CASE jsonb_typeof(e.value) WHEN 'array'"
		" THEN (SELECT string_agg(v, ', ') FROM jsonb_array_elements_text(e.value) v)"
		" WHEN 'object' THEN (SELECT string_agg(o.key || ' ' || coalesce(o.value, 'null'), ', ')"
		" FROM jsonb_each_text(e.value) o) ELSE e.value #>> '{}' END, '; ' ORDER BY e.key)"
		" FROM jsonb_each($1) e",
};

/* --------------------------------------------------------------------------- tables */

#define REFUSED_HEAD "<th class=\"n\" scope=\"col\">refused</th>"
#define NUMBER_HEADS \
	"<th class=\"n\" scope=\"col\">acts</th><th class=\"n\" scope=\"col\">rows changed</th>" REFUSED_HEAD

static void
NumberCell(StringInfo page, int64 number)
{
	appendStringInfoString(page, "<td class=\"n\">");
	BaHtmlNumber(page, number);
	appendStringInfoString(page, "</td>");
}

static void
DataCell(StringInfo page, const char *text)
{
	appendStringInfoString(page, "<td>");
	if (text != NULL)
		BaHtmlData(page, text);
	appendStringInfoString(page, "</td>");
}

static int64
All(const BaSum *sum)
{
	return sum->acts + sum->changes + sum->refused;
}

static void
NumberCells(StringInfo page, const BaSum *sum)
{
	NumberCell(page, sum->acts);
	NumberCell(page, sum->changes);
	NumberCell(page, sum->refused);
}

/* What two sums differ by: those that a table leaves out. */
static BaSum
Less(BaSum sum, const BaSum *part)
{
	sum.acts -= part->acts;
	sum.changes -= part->changes;
	sum.refused -= part->refused;
	return sum;
}

/* A row of a table of sums; without a bar, one of those that are not listed. */
static void
SumRow(StringInfo page, const char *label, const BaSum *sum, int64 most, bool refused)
{
	appendStringInfoString(page, most > 0 ? "<tr>" : "<tr class=\"soft\">");
	DataCell(page, label);
	if (refused)
		NumberCell(page, sum->refused);
	else
		NumberCells(page, sum);
	appendStringInfoString(page, "<td class=\"b\">");
	if (most > 0)
		BaChartBar(page, sum, most);
	appendStringInfoString(page, "</td></tr>\n");
}

/*
 * Those with most, the others together, and what is of none of them, if "total" is given.
 * With all the numbers, or the refusals alone.
 */
static void
SumTable(StringInfo page, const char *what, const BaSumList *list, bool refused,
		 const BaSum *total)
{
	BaSum rest = list->all;
	int shown = Min(list->count, total ? BA_SUMS_LISTED : MOST_LISTED);
	int i;

	if (shown == 0)
	{
		appendStringInfoString(page, "<p class=\"soft\">None.</p>\n");
		return;
	}
	appendStringInfo(
		page,
		"<table class=\"sums\"><thead><tr><th scope=\"col\">%s</th>%s<th></th></tr></thead><tbody>\n",
		what, refused ? REFUSED_HEAD : NUMBER_HEADS);
	for (i = 0; i < shown; i++)
	{
		SumRow(page, list->items[i].label, &list->items[i], All(&list->items[0]),
			   refused);
		rest = Less(rest, &list->items[i]);
	}
	if (list->members > shown)
		SumRow(page, psprintf("the other " INT64_FORMAT, list->members - shown), &rest, 0,
			   refused);
	rest = total ? Less(*total, &list->all) : rest;
	if (total != NULL && (refused ? rest.refused : All(&rest)) > 0)
		SumRow(page, "in no company", &rest, 0, refused);
	appendStringInfoString(page, "</tbody></table>\n");
}

/* ------------------------------------------------------------------------- sections */

static char *
Title(const BaReport *report)
{
	return report->one_company ? psprintf("Audit of %s", report->company.code) :
								 pstrdup("Audit of every company");
}

static void
Head(StringInfo page, const BaReport *report)
{
	appendStringInfoString(
		page,
		"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
		"<meta name=\"color-scheme\" content=\"light dark\"/>\n"
		"<meta http-equiv=\"Content-Security-Policy\""
		" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n");
	BaHtmlElement(page, "title", Title(report));
	appendStringInfo(page, "<style>\n%s</style>\n</head>\n<body>\n", style);
}

static void
About(StringInfo page, const char *what, const char *text)
{
	appendStringInfo(page, "<dt>%s</dt><dd>", what);
	BaHtmlData(page, text);
	appendStringInfoString(page, "</dd>\n");
}

static const char *
Maker(const BaReport *report)
{
	const BaIdentity *identity = report->caller.identity;
	const char *role = GetUserNameFromId(GetSessionUserId(), true);

	if (identity == NULL)
		return psprintf("database role %s", role ? role : "(dropped)");
	return identity->has_service ?
			   psprintf("%s, with the key %s", identity->person, identity->username) :
			   identity->person;
}

static void
Header(StringInfo page, const BaReport *report, TimestampTz since, TimestampTz until)
{
	char *instance = BaInstanceName();

	appendStringInfoString(page, "<header>\n");
	BaHtmlElement(page, "h1", Title(report));
	appendStringInfoString(page, "<dl class=\"about\">\n<dt>Period</dt><dd>");
	BaHtmlTime(page, since);
	appendStringInfoString(page, " to ");
	BaHtmlTime(page, until);
	appendStringInfoString(page, " UTC, the end left out</dd>\n");
	if (report->one_company)
		About(page, "Company",
			  psprintf("%s (%s)", report->company.name, report->company.code));
	else
		About(page, "Company", "every company");
	About(page, "Instance", instance ? instance : "");
	About(page, "Made by", Maker(report));
	appendStringInfoString(page, "<dt>Made at</dt><dd>");
	BaHtmlTime(page, GetCurrentTimestamp());
	appendStringInfoString(page, " UTC</dd>\n</dl>\n</header>\n");
}

static void
Total(StringInfo page, const char *what, int64 number)
{
	appendStringInfo(page, "<div><dt>%s</dt><dd>", what);
	BaHtmlNumber(page, number);
	appendStringInfoString(page, "</dd></div>\n");
}

static void
Totals(StringInfo page, const BaSums *sums)
{
	appendStringInfoString(page, "<dl class=\"totals\">\n");
	Total(page, "Acts", sums->total.acts);
	Total(page, "Rows changed", sums->total.changes);
	Total(page, "Refused", sums->total.refused);
	Total(page, "People", sums->lists[BA_SUMS_PEOPLE].members);
	Total(page, "Companies", sums->lists[BA_SUMS_COMPANIES].members);
	appendStringInfoString(page, "</dl>\n");
	if (sums->has_any)
	{
		appendStringInfoString(page, "<p>The first entry is of ");
		BaHtmlTime(page, sums->first_at);
		appendStringInfoString(page, ", the last of ");
		BaHtmlTime(page, sums->last_at);
		appendStringInfoString(page, " UTC.</p>\n");
	}
	else
		appendStringInfoString(page, "<p>The audit has no entry of this period.</p>\n");
}

static void
TimeTables(StringInfo page, const BaSums *sums)
{
	int i;

	appendStringInfoString(page, "<div class=\"beside\">\n");
	for (i = 0; i < sums->bucket_count; i++)
	{
		const BaSum *sum = &sums->buckets[i];

		if (i % ROWS_BESIDE == 0)
			appendStringInfo(page,
							 "<table><thead><tr><th scope=\"col\">%s</th>" NUMBER_HEADS
							 "</tr></thead><tbody>\n",
							 sums->unit);
		appendStringInfo(page, "<tr><td class=\"t\">%s</td>",
						 BaChartLabel(sums->unit, sum->at));
		NumberCells(page, sum);
		appendStringInfoString(page, "</tr>\n");
		if (i % ROWS_BESIDE == ROWS_BESIDE - 1 || i == sums->bucket_count - 1)
			appendStringInfoString(page, "</tbody></table>\n");
	}
	appendStringInfoString(page, "</div>\n");
}

static void
TimeSection(StringInfo page, const BaSums *sums)
{
	appendStringInfo(page, "<section class=\"long\">\n<h2>What was done, by %s</h2>\n",
					 sums->unit);
	BaChartActs(page, sums);
	if (sums->total.changes > 0)
		BaChartChanges(page, sums);
	TimeTables(page, sums);
	appendStringInfoString(page, "</section>\n");
}

static void
WeekSection(StringInfo page, const BaSums *sums)
{
	int day, hour;

	appendStringInfoString(page,
						   "<section>\n<h2>When in the week</h2>\n"
						   "<p>Entries of every kind by weekday and hour, in UTC.</p>\n");
	BaChartWeek(page, sums);
	appendStringInfoString(page, "<details><summary>The numbers as a table</summary>\n"
								 "<div class=\"hours\"><table><thead><tr><th></th>");
	for (hour = 0; hour < 24; hour++)
		appendStringInfo(page, "<th class=\"n\">%02d</th>", hour);
	appendStringInfoString(page, "</tr></thead><tbody>\n");
	for (day = 0; day < 7; day++)
	{
		appendStringInfo(page, "<tr><th>%s</th>", BaWeekdays[day]);
		for (hour = 0; hour < 24; hour++)
			NumberCell(page, All(&sums->hours[day][hour]));
		appendStringInfoString(page, "</tr>\n");
	}
	appendStringInfoString(page, "</tbody></table></div></details>\n");
}

/* On the same sheet as the week, if there is room. */
static void
PeopleSection(StringInfo page, const BaSums *sums)
{
	const BaSumList *lists = sums->lists;

	appendStringInfo(page, "<h2>Who</h2>\n<h3>The %d most active people</h3>\n",
					 MOST_LISTED);
	SumTable(page, "person", &lists[BA_SUMS_PEOPLE], false, NULL);
	appendStringInfoString(page, "<h3>Billing services</h3>\n");
	SumTable(page, "service", &lists[BA_SUMS_SERVICES], false, NULL);
	appendStringInfoString(
		page, "<h3>Database roles, where no person is known</h3>\n"
			  "<p>Administration by SQL, and logins that named nobody.</p>\n");
	SumTable(page, "role", &lists[BA_SUMS_DB_ROLES], false, NULL);
	appendStringInfoString(page, "</section>\n");
}

static void
RefusedSection(StringInfo page, const BaSums *sums)
{
	const BaSumList *lists = sums->lists;

	appendStringInfoString(page, "<section>\n<h2>Refused</h2>\n");
	if (sums->total.refused == 0)
		appendStringInfoString(page, "<p>Nothing was refused.</p>\n");
	else
	{
		appendStringInfoString(page, "<h3>Why</h3>\n");
		SumTable(page, "what, and the reason", &lists[BA_SUMS_REASONS], true, NULL);
		appendStringInfoString(page, "<h3>Where</h3>\n");
		SumTable(page, "company", &lists[BA_SUMS_REFUSING], true, &sums->total);
		appendStringInfoString(page, "<h3>To whom</h3>\n");
		SumTable(page, "who called, or was named", &lists[BA_SUMS_REFUSED], true, NULL);
	}
	appendStringInfoString(page, "</section>\n");
}

static void
CompanySection(StringInfo page, const BaSums *sums)
{
	appendStringInfoString(page, "<section>\n<h2>Companies</h2>\n");
	SumTable(page, "company", &sums->lists[BA_SUMS_COMPANIES], false, &sums->total);
	appendStringInfoString(page, "</section>\n");
}

/* ---------------------------------------------------------------------- emergencies */

/* "Open" is said of what still lasts, else what ended it. */
static void
EndCell(StringInfo page, const BaRow *row)
{
	bool open = DatumGetBool(row->values[BA_EMERGENCY_OPEN]);

	appendStringInfoString(page, "<td class=\"t\">");
	if (open)
		appendStringInfoString(page, "open until ");
	BaHtmlTime(page,
			   BaGetTime(row, open ? BA_EMERGENCY_EXPIRES_AT : BA_EMERGENCY_ENDED_AT));
	if (!open)
		appendStringInfo(page, ", by %s", BaGetText(row, BA_EMERGENCY_ENDED_BY));
	appendStringInfoString(page, "</td>");
}

static void
EmergencySection(StringInfo page, const BaReport *report, TimestampTz since,
				 TimestampTz until)
{
	List *rows = BaEmergenciesLatest(report->one_company ? report->company.code : NULL,
									 since, until, MOST_EMERGENCIES);
	ListCell *cell;

	appendStringInfo(
		page,
		"<section>\n<h2>Emergency access</h2>\n<p>The last %d that began in the period,"
		" latest first; list_emergency_access() has all.</p>\n",
		MOST_EMERGENCIES);
	if (rows == NIL)
		appendStringInfoString(page, "<p class=\"soft\">None.</p>\n");
	else
		appendStringInfoString(
			page,
			"<table class=\"emergencies\"><thead><tr><th>began</th><th>ended</th><th>company</th>"
			"<th>person</th><th>why</th><th class=\"n\">entries</th></tr></thead><tbody>\n");
	foreach (cell, rows)
	{
		const BaRow *row = lfirst(cell);

		appendStringInfoString(page, "<tr><td class=\"t\">");
		BaHtmlTime(page, BaGetTime(row, BA_EMERGENCY_STARTED_AT));
		appendStringInfoString(page, "</td>");
		EndCell(page, row);
		DataCell(page, BaGetText(row, BA_EMERGENCY_COMPANY));
		DataCell(page, BaGetText(row, BA_EMERGENCY_PERSON));
		DataCell(page, BaGetText(row, BA_EMERGENCY_REASON));
		NumberCell(page, BaGetLong(row, BA_EMERGENCY_ROWS));
		appendStringInfoString(page, "</tr>\n");
	}
	appendStringInfoString(page, rows == NIL ? "</section>\n" :
											   "</tbody></table>\n</section>\n");
}

/* --------------------------------------------------------------------------- rights */

typedef struct Rights
{
	StringInfo page;
	int count;
} Rights;

static void
ShowRight(void *to, BaRow *row)
{
	Rights *rights = to;
	StringInfo page = rights->page;
	const char *person = BaGetText(row, BA_PRIVILEGE_BY_PERSON);
	BaArgs args = {0};
	BaRow words;

	if (rights->count++ == 0)
		appendStringInfoString(
			page,
			"<table class=\"rights\"><thead><tr><th>when</th><th>company</th><th>by</th><th>what</th>"
			"<th>whom</th><th>change</th></tr></thead><tbody>\n");
	BaPut(&args, JSONBOID, row->values[BA_PRIVILEGE_CHANGE], false);
	(void) BaQueryRow(&describe, &args, &words);
	appendStringInfoString(page, "<tr><td class=\"t\">");
	BaHtmlTime(page, BaGetTime(row, BA_PRIVILEGE_AT));
	appendStringInfoString(page, "</td>");
	DataCell(page, BaGetText(row, BA_PRIVILEGE_COMPANY));
	DataCell(page,
			 person ? person : psprintf("role %s", BaGetText(row, BA_PRIVILEGE_DB_ROLE)));
	DataCell(page, BaGetText(row, BA_PRIVILEGE_ACTION));
	DataCell(page, BaGetText(row, BA_PRIVILEGE_SUBJECT));
	DataCell(page, BaGetText(&words, 0));
	appendStringInfoString(page, "</tr>\n");
}

static void
RightsSection(StringInfo page, BaReport *report)
{
	Rights rights = {.page = page};

	/* $4 to $6: the first page. */
	BaPut(&report->args, TIMESTAMPTZOID, (Datum) 0, true);
	BaPutLong(&report->args, 0);
	BaPutLong(&report->args, 0);
	appendStringInfo(
		page,
		"<section>\n<h2>Rights given and taken</h2>\n<p>The last %d of the period, latest first;"
		" privilege_changes() has all. A change of a row is here if no act stands for it.</p>\n",
		MOST_RIGHTS);
	BaPrivilegesEach(report, true, MOST_RIGHTS, ShowRight, &rights);
	appendStringInfoString(page, rights.count > 0 ? "</tbody></table>\n" :
													"<p class=\"soft\">None.</p>\n");
	appendStringInfoString(page, "</section>\n");
}

static void
Foot(StringInfo page)
{
	appendStringInfoString(
		page,
		"<footer>\n<h2>How it is counted</h2>\n"
		"<p>An act is a call that was carried out, such as a login, a new user or a record that was read."
		" A changed row is an insert, update or delete in a table under audit, whatever statement made it; an"
		" act often changes several. Refused are logins, links and calls that were denied; where refusals of"
		" one kind came in great number, one entry stands for many, and all of them are counted. People are"
		" named company/user, as they were called then. All times are UTC.</p>\n</footer>\n</body>\n</html>\n");
}

/* ------------------------------------------------------------------------------ call */

static TimestampTz
Moment(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n) || TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(n)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" must be a moment", name)));
	return PG_GETARG_TIMESTAMPTZ(n);
}

Datum
bestauth_audit_html(PG_FUNCTION_ARGS)
{
	BaReport report;
	StringInfoData page;
	TimestampTz since, until;
	BaSums *sums;

	BaReportStart(&report, fcinfo, 0, 2);
	since = Moment(fcinfo, 0, "since");
	until = Moment(fcinfo, 1, "until");
	if (since >= until)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"until\" must be after \"since\"")));
	BaReportAudit(&report);
	sums = BaReportSums(&report, since, until);
	initStringInfo(&page);
	Head(&page, &report);
	Header(&page, &report, since, until);
	appendStringInfoString(&page, "<main>\n");
	Totals(&page, sums);
	TimeSection(&page, sums);
	WeekSection(&page, sums);
	PeopleSection(&page, sums);
	RefusedSection(&page, sums);
	CompanySection(&page, sums);
	EmergencySection(&page, &report, since, until);
	RightsSection(&page, &report);
	appendStringInfoString(&page, "</main>\n");
	Foot(&page);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(page.data, page.len));
}
