/*
 * user_list.c
 *	  The list of users: a page of it, how many there are, and all of it for a
 *	  spreadsheet. What is asked for is the same for the three.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "args.h"
#include "bestauth.h"
#include "office.h"
#include "query.h"
#include "user.h"

PG_FUNCTION_INFO_V1(bestauth_search_users);
PG_FUNCTION_INFO_V1(bestauth_count_users);
PG_FUNCTION_INFO_V1(bestauth_export_users);
PG_FUNCTION_INFO_V1(bestauth_spreadsheet_text);

/* Subqueries where a join would do: a join may give up the order of the index. */
#define NAME "concat_ws(' ', u.first_name, u.middle_name, u.last_name)"
#define OFFICE \
	"(SELECT o.identifier FROM bestauth.office o WHERE o.office_id = u.office_id)"
#define ROLES \
	"(SELECT string_agg(r.name, ', ' ORDER BY r.name COLLATE \"C\") FROM bestauth.user_role ur" \
	" JOIN bestauth.role r ON r.role_id = ur.role_id WHERE ur.user_id = u.user_id)"
#define LOCKED "u.locked_at IS NOT NULL OR l.locked_until IS NOT NULL"
#define DELETED "u.deleted_at IS NOT NULL"
#define ORDER "lower(u.username COLLATE \"C\")"

/* Names match by prefix, without case and accents; an office's identifier however it is typed. */
#define FILTERS \
	" AND ($2 IS NULL OR starts_with(bestauth.fold_name(u.first_name), bestauth.fold_name($2)))" \
	" AND ($3 IS NULL OR starts_with(bestauth.fold_name(u.last_name), bestauth.fold_name($3)))" \
	" AND ($4 IS NULL OR starts_with(lower(u.username COLLATE \"C\"), lower($4 COLLATE \"C\")))" \
	" AND ($5 IS NULL OR EXISTS (SELECT FROM bestauth.user_role ur JOIN bestauth.role r ON r.role_id = ur.role_id" \
	" WHERE ur.user_id = u.user_id AND lower(r.name COLLATE \"C\") = lower($5 COLLATE \"C\")))" \
	" AND ($6 IS NULL OR u.user_type = $6)" \
	" AND ($7 IS NULL OR EXISTS (SELECT FROM bestauth.office o WHERE o.office_id = u.office_id" \
	" AND (bestauth.fold_identifier(o.identifier) = bestauth.fold_identifier($7)" \
	" OR starts_with(bestauth.fold_name(o.name), bestauth.fold_name($7)))))" \
	" AND ($8 IS NULL OR (" LOCKED ") = $8)" \
	" AND ($9 IS NULL OR (" DELETED ") = $9)"

/*
 * The company's own people, those of a portal, those of an office or of one provider of
 * it: an index has each in order.
 */
enum
{
	OF_COMPANY,
	OF_PORTAL,
	OF_OFFICE,
	SCOPES
};

#define USERS(columns, whose, rest) \
	"SELECT " columns " FROM bestauth.user_account u" BA_USER_GUESS_LOCK \
	" WHERE u.company_id = $1 AND " whose FILTERS rest
#define IN_EACH_SCOPE(columns, rest) \
	{ \
		[OF_COMPANY] = {.sql = USERS(columns, "u.portal_id IS NULL", rest)}, \
		[OF_PORTAL] = {.sql = USERS(columns, "u.portal_id = $10", rest)}, \
		[OF_OFFICE] = { \
			.sql = USERS(columns, \
						 "u.office_id = $10 AND ($11 IS NULL OR u.provider_id = $11)", \
						 rest)}, \
	}

static BaQuery find_users[SCOPES] =
	IN_EACH_SCOPE(NAME ", u.username, u.user_type, " OFFICE ", " ROLES ", " LOCKED
					   ", l.locked_until, " DELETED ", " ORDER,
				  " AND ($12 IS NULL OR " ORDER
				  " > lower($12 COLLATE \"C\")) ORDER BY " ORDER " LIMIT $13");

static BaQuery number_users[SCOPES] = IN_EACH_SCOPE("count(*)", "");

#define CELL(text) "bestauth.spreadsheet_text(" text ")"

static BaQuery copy_users[SCOPES] =
	IN_EACH_SCOPE(CELL(NAME) ", " CELL("u.username") ", " CELL(OFFICE) ", " CELL(
					  ROLES) ", " LOCKED ", l.locked_until, " DELETED,
				  " ORDER BY " ORDER);

/* What is asked for: whose users, and the filters. */
typedef struct Wanted
{
	BaCompany company;
	BaPortal portal; /* not OF_COMPANY */
	int scope;
	BaArgs args; /* $1 to $11 */
} Wanted;

static void
PutBool(BaArgs *args, FunctionCallInfo fcinfo, int n)
{
	BaPut(args, BOOLOID, PG_ARGISNULL(n) ? (Datum) 0 : PG_GETARG_DATUM(n),
		  PG_ARGISNULL(n));
}

/* Who is of an office is shown its users alone; at individual level those of the provider. */
static void
TakeScope(const BaCaller *caller, FunctionCallInfo fcinfo, int company_arg,
		  Wanted *wanted)
{
	const BaIdentity *identity = caller->identity;
	bool in_portal;

	BaCompanyActed(caller, BaArgTextOrNull(fcinfo, company_arg, "company", BA_MAX_CODE),
				   &wanted->company);
	in_portal =
		BaUserPortalActed(caller, &wanted->company,
						  BaArgTextOrNull(fcinfo, company_arg + 1, "portal", BA_MAX_CODE),
						  &wanted->portal);
	wanted->scope = identity != NULL && identity->has_office ? OF_OFFICE :
					in_portal                                ? OF_PORTAL :
															   OF_COMPANY;
}

static void
TakeWanted(const BaCaller *caller, FunctionCallInfo fcinfo, int company_arg,
		   Wanted *wanted)
{
	const BaIdentity *identity = caller->identity;
	BaArgs *args = &wanted->args;
	char *type = BaArgTextOrNull(fcinfo, 4, "user_type", BA_MAX_CODE);

	if (type != NULL)
		(void) BaUserTypeRequire(type);
	TakeScope(caller, fcinfo, company_arg, wanted);
	args->count = 0;
	BaPutUuid(args, &wanted->company.company_id);
	BaPutText(args, BaArgNameOrNull(fcinfo, 0, "first_name"));
	BaPutText(args, BaArgNameOrNull(fcinfo, 1, "last_name"));
	BaPutText(args, BaArgTextOrNull(fcinfo, 2, "username", BA_MAX_EMAIL));
	BaPutText(args, BaArgNameOrNull(fcinfo, 3, "role"));
	BaPutText(args, type);
	BaPutText(args, BaArgNameOrNull(fcinfo, 5, "office"));
	PutBool(args, fcinfo, 6);
	PutBool(args, fcinfo, 7);
	BaPutUuid(args, wanted->scope == OF_OFFICE ? &identity->office_id :
					wanted->scope == OF_PORTAL ? &wanted->portal.portal_id :
												 NULL);
	BaPutUuid(args, wanted->scope == OF_OFFICE && identity->has_provider ?
						&identity->provider_id :
						NULL);
}

Datum
bestauth_search_users(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	Wanted wanted;

	TakeWanted(&caller, fcinfo, 10, &wanted);
	BaPutText(&wanted.args, BaArgTextOrNull(fcinfo, 9, "after", BA_MAX_EMAIL));
	BaPutInt(&wanted.args, BaArgPageSize(fcinfo, 8, 100));
	BaQueryReturn(&find_users[wanted.scope], &wanted.args, fcinfo);
	return (Datum) 0;
}

Datum
bestauth_count_users(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	Wanted wanted;
	BaRow row;

	TakeWanted(&caller, fcinfo, 8, &wanted);
	(void) BaQueryRow(&number_users[wanted.scope], &wanted.args, &row);
	PG_RETURN_DATUM(row.values[0]);
}

/* A whole list of people that goes out is worth a row. */
static void
AuditExport(const BaCaller *caller, const Wanted *wanted, int64 count)
{
	BaAudit audit;
	BaOffice office;
	BaJson detail;

	BaCompanyAudit(&audit, "users.exported", &wanted->company);
	audit.object_type = "company";
	audit.object_id = wanted->company.code;
	if (wanted->scope == OF_PORTAL)
	{
		audit.object_type = "portal";
		audit.object_id = wanted->portal.code;
	}
	else if (wanted->scope == OF_OFFICE)
	{
		if (!BaOfficeLoad(&caller->identity->office_id, &office))
			elog(ERROR, "the session's office is gone");
		audit.object_type = "office";
		audit.object_id = office.identifier;
	}
	BaJsonStart(&detail);
	BaJsonDatum(&detail, "count", Int64GetDatum(count), false, INT8OID);
	audit.detail = BaJsonFinish(&detail);
	BaAuditWrite(&audit);
}

Datum
bestauth_export_users(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	Wanted wanted;

	TakeWanted(&caller, fcinfo, 8, &wanted);
	BaQueryReturn(&copy_users[wanted.scope], &wanted.args, fcinfo);
	AuditExport(&caller, &wanted,
				tuplestore_tuple_count(
					((ReturnSetInfo *) fcinfo->resultinfo)->setResult));
	return (Datum) 0;
}

/* ------------------------------------------------------------------ spreadsheets */

/* What a formula begins with; East Asian ones take the wide signs as well. */
static bool
BeginsFormula(const char *c)
{
	static const char *const wide[] = {"\uFF1D", "\uFF0B", "\uFF0D", "\uFF20"};
	int i;

	if (strchr("=+-@", *c) != NULL)
		return *c != '\0';
	for (i = 0; i < lengthof(wide); i++)
		if (strncmp(c, wide[i], strlen(wide[i])) == 0)
			return true;
	return false;
}

/*
 * Would a spreadsheet take it for a formula? Spaces, quotes and what can't be seen before
 * it are stripped by one importer or the other; tabs and ends of lines begin a new cell.
 */
static bool
IsFormula(const char *value)
{
	const char *c = value;
	int blank;

	if (*c == '\t' || *c == '\r' || *c == '\n')
		return true;
	while (*c == '"' || *c == '\'' || BaTextBlank(c) > 0)
	{
		blank = BaTextBlank(c);
		c += blank > 0 ? blank : 1;
	}
	return BeginsFormula(c);
}

Datum
bestauth_spreadsheet_text(PG_FUNCTION_ARGS)
{
	char *value = text_to_cstring(PG_GETARG_TEXT_PP(0));

	if (!IsFormula(value))
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("'%s", value)));
}
