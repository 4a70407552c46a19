/* report_page.h: what every report of the audit does: whose rows, of when, which page. */
#ifndef BESTAUTH_REPORT_PAGE_H
#define BESTAUTH_REPORT_PAGE_H

#include "company.h"
#include "query.h"

/* A call of a report. Its query has $1 to $6; further filters follow. */
typedef struct BaReport
{
	BaCaller caller;
	bool one_company;
	BaCompany company; /* only if one_company */
	BaJson filters;    /* for the audit */
	BaArgs args;
	bool goes_on; /* it is not the first page */
} BaReport;

/* Of a query: the period, $2 and $3, and where the page before ended, $4 and $5. */
#define BA_REPORT_PERIOD \
	" AND ($2 IS NULL OR a.occurred_at >= $2) AND ($3 IS NULL OR a.occurred_at < $3)"
#define BA_REPORT_BEHIND \
	BA_REPORT_PERIOD \
	" AND ($4 IS NULL OR (a.occurred_at >= $4 AND (a.occurred_at, a.audit_id) > ($4, $5)))"
#define BA_REPORT_BEFORE \
	BA_REPORT_PERIOD \
	" AND ($4 IS NULL OR (a.occurred_at <= $4 AND (a.occurred_at, a.audit_id) < ($4, $5)))"

/*
 * $1: a company sees what happened in it, and as a service what its own people did
 * elsewhere. Each is a range of an index, read no further than the page is long. That an
 * id is one is said as a range, and ordered by: the planner would rather read an index of
 * time alone, and find no end where the company was idle.
 */
#define BA_REPORT_IN_COMPANY " WHERE a.company_id >= $1 AND a.company_id <= $1"
#define BA_REPORT_OF_SERVICE \
	" WHERE a.billing_service_id >= $1 AND a.billing_service_id <= $1" \
	" AND a.company_id IS DISTINCT FROM $1"

/* The page is of those that a filter lets through, in the order of time and number. */
#define BA_REPORT_ORDER(direction) \
	" a.occurred_at " direction ", a.audit_id " direction " LIMIT $6"
#define BA_REPORT_PART(scope, id, filter, direction) \
	"(SELECT a.* FROM bestauth.audit_log a" scope filter " ORDER BY " id " " direction \
	"," BA_REPORT_ORDER(direction) ")"
#define BA_REPORT_OF_ONE(columns, filter, direction) \
	"SELECT " columns " FROM (" BA_REPORT_PART( \
		BA_REPORT_IN_COMPANY, "a.company_id", filter, \
		direction) " UNION ALL " BA_REPORT_PART(BA_REPORT_OF_SERVICE, \
												"a.billing_service_id", filter, \
												direction) ") a ORDER BY" BA_REPORT_ORDER(direction)
#define BA_REPORT_OF_ALL(columns, filter, direction) \
	"SELECT " columns " FROM bestauth.audit_log a WHERE true" filter \
	" ORDER BY" BA_REPORT_ORDER(direction)

/* The queries of a report: of every company, and of one. */
#define BA_REPORT_QUERIES(columns, filter) \
	{ \
		[false] = {.sql = BA_REPORT_OF_ALL(columns, BA_REPORT_BEHIND filter, ""), \
				   .custom = true}, \
		[true] = {.sql = BA_REPORT_OF_ONE(columns, BA_REPORT_BEHIND filter, ""), \
				  .custom = true}, \
	}
#define BA_REPORT_QUERIES_LATEST(columns, filter) \
	{ \
		[false] = {.sql = BA_REPORT_OF_ALL(columns, BA_REPORT_BEFORE filter, "DESC"), \
				   .custom = true}, \
		[true] = {.sql = BA_REPORT_OF_ONE(columns, BA_REPORT_BEFORE filter, "DESC"), \
				  .custom = true}, \
	}

/* Where a page that ends with this row goes on. */
#define BA_REPORT_NEXT \
	"to_char(a.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US') || '/' || a.audit_id"

/* For company_arg, of a function of the auditor that has none. */
#define BA_REPORT_NO_COMPANY (-1)

extern void BaReportStart(BaReport *report, FunctionCallInfo fcinfo, int since_arg,
						  int company_arg);
extern void BaReportPage(BaReport *report, FunctionCallInfo fcinfo, int since_arg,
						 int company_arg);
extern void BaReportFilter(BaReport *report, const char *name, const char *value);
extern void BaReportAudit(BaReport *report);
extern void BaReportReturn(BaReport *report, BaQuery *queries, FunctionCallInfo fcinfo);

#endif /* BESTAUTH_REPORT_PAGE_H */
