/*
 * report.c
 *	  The audit report.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "access.h"
#include "args.h"
#include "bestauth.h"
#include "company.h"
#include "query.h"

PG_FUNCTION_INFO_V1(bestauth_audit_report);

/*
 * A company sees what happened in it, and as a service what its own people did
 * elsewhere. The order is that of time, made total by the number.
 */
static BaQuery find_rows = {
	.sql =
		"SELECT audit_id, occurred_at, company_id, user_id, person_id, billing_service_id, session_id,"
		" db_role, coalesce(client_addr, peer_addr), application_name, action, outcome, object_type, object_id,"
		" old_values, new_values, detail, company_code, username, person, billing_service_code,"
		" to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US') || '/' || audit_id"
		" FROM bestauth.audit_log"
		" WHERE ($1 IS NULL OR company_id = $1 OR billing_service_id = $1)"
		" AND ($2 IS NULL OR occurred_at >= $2) AND ($3 IS NULL OR occurred_at < $3)"
		" AND ($4 IS NULL OR lower(username COLLATE \"C\") = lower($4 COLLATE \"C\"))"
		" AND ($5 IS NULL OR lower(person COLLATE \"C\") = lower($5 COLLATE \"C\"))"
		" AND ($6 IS NULL OR action = $6 OR (right($6, 2) = '.*' AND starts_with(action, left($6, -1))))"
		" AND ($7 IS NULL OR (occurred_at, audit_id) > ($7, $8))"
		" ORDER BY occurred_at, audit_id LIMIT $9",
};

/* Where the page before ended: a time in UTC, a slash, a number. */
static void
PutAfter(BaArgs *args, FunctionCallInfo fcinfo)
{
	char *after = BaArgTextOrNull(fcinfo, 7, "after", 100);
	char *slash = after == NULL ? NULL : strchr(after, '/');
	char *end = NULL;
	TimestampTz when = 0;
	int64 number = 0;

	if (after != NULL)
	{
		if (slash != NULL)
			number = strtoll(slash + 1, &end, 10);
		if (slash == NULL || end == slash + 1 || *end != '\0' || slash - after != 26 ||
			strspn(after, "0123456789-:.T") != slash - after)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("argument \"after\" is not the next of a page")));
		*slash = '\0';
		when = DatumGetTimestampTz(
			DirectFunctionCall3(timestamptz_in, CStringGetDatum(psprintf("%s+00", after)),
								ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	}
	BaPut(args, TIMESTAMPTZOID, TimestampTzGetDatum(when), after == NULL);
	BaPutLong(args, number);
}

static void
PutTime(BaArgs *args, FunctionCallInfo fcinfo, int n)
{
	bool isnull = PG_ARGISNULL(n);

	BaPut(args, TIMESTAMPTZOID, isnull ? (Datum) 0 : PG_GETARG_DATUM(n), isnull);
}

/* Whose rows: NULL for those of every company. */
static bool
FindScope(FunctionCallInfo fcinfo, BaCompany *company)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	char *code = BaArgTextOrNull(fcinfo, 5, "company", BA_MAX_CODE);

	if (caller.is_operator && code == NULL)
		return false;
	BaCompanyActed(&caller, code, company);
	return true;
}

Datum
bestauth_audit_report(PG_FUNCTION_ARGS)
{
	BaCompany company;
	bool one_company = FindScope(fcinfo, &company);
	BaArgs args = {0};

	BaPutUuid(&args, one_company ? &company.company_id : NULL);
	PutTime(&args, fcinfo, 0);
	PutTime(&args, fcinfo, 1);
	BaPutText(&args, BaArgTextOrNull(fcinfo, 2, "username", BA_MAX_USERNAME));
	BaPutText(&args,
			  BaArgTextOrNull(fcinfo, 3, "person", BA_MAX_USERNAME + BA_MAX_CODE + 1));
	BaPutText(&args, BaArgTextOrNull(fcinfo, 4, "action", BA_MAX_NAME));
	PutAfter(&args, fcinfo);
	BaPut(&args, INT8OID, Int64GetDatum(BaArgPageSize(fcinfo, 6, 0)), PG_ARGISNULL(6));
	BaQueryReturn(&find_rows, &args, fcinfo);
	return (Datum) 0;
}
