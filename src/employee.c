/*
 * employee.c
 *	  Employees of an office: the records that its administrators make accounts out
 *	  of. Who works for one provider alone is named with that provider.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "args.h"
#include "bestauth.h"
#include "employee.h"
#include "errors.h"
#include "query.h"
#include "username.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_create_employee);
PG_FUNCTION_INFO_V1(bestauth_search_employees);

#define UUID_TEXT 36   /* characters */
#define MAX_AFTER 4096 /* an id and two folded names */

static BaQuery load_employee = {
	.sql =
		"SELECT employee_id, office_id, provider_id, first_name, middle_initial, last_name, telephone, title"
		" FROM bestauth.employee WHERE employee_id = $1",
	.latest = true,
};

static BaQuery lock_employee = {
	.sql = "SELECT true FROM bestauth.employee WHERE employee_id = $1 FOR NO KEY UPDATE",
	.latest = true,
};

static BaQuery insert_employee = {
	.sql =
		"INSERT INTO bestauth.employee (company_id, office_id, provider_id, provider_type, last_name, first_name,"
		" middle_initial, employee_number, telephone, fax, email, title)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING employee_id",
};

/* In the order of names: two spaces come before every letter, and in no name. */
#define NAME_KEY \
	"(bestauth.fold_name(e.last_name) || '  ' || bestauth.fold_name(e.first_name)) COLLATE \"C\""

static BaQuery search_employees = {
	.sql =
		"SELECT e.employee_id, concat_ws(', ', e.last_name, concat_ws(' ', e.first_name, e.middle_initial)),"
		" (SELECT string_agg(r.name, ', ' ORDER BY r.name COLLATE \"C\") FROM bestauth.user_account u"
		" JOIN bestauth.user_role ur ON ur.user_id = u.user_id JOIN bestauth.role r ON r.role_id = ur.role_id"
		" WHERE u.employee_id = e.employee_id AND u.deleted_at IS NULL),"
		" e.title, e.telephone, textin(uuid_out(e.employee_id)) || " NAME_KEY
		" FROM bestauth.employee e WHERE e.company_id = $1 AND ($2 IS NULL OR e.office_id = $2)"
		" AND ($3 IS NULL OR e.provider_id = $3)"
		" AND ($4 IS NULL OR starts_with(bestauth.fold_name(e.last_name), bestauth.fold_name($4)))"
		" AND ($5 IS NULL OR (" NAME_KEY ", e.employee_id) > ($6 COLLATE \"C\", $5))"
		" ORDER BY " NAME_KEY ", e.employee_id LIMIT $7",
};

/* ------------------------------------------------------------------ finding */

bool
BaEmployeeLoad(const pg_uuid_t *employee_id, BaEmployee *employee)
{
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, employee_id);
	if (!BaQueryRow(&load_employee, &args, &row))
		return false;
	(void) BaGetUuid(&row, 0, &employee->employee_id);
	(void) BaGetUuid(&row, 1, &employee->office_id);
	employee->has_provider = BaGetUuid(&row, 2, &employee->provider_id);
	employee->first_name = BaGetText(&row, 3);
	employee->middle_initial = BaGetText(&row, 4);
	employee->last_name = BaGetText(&row, 5);
	employee->telephone = BaGetText(&row, 6);
	employee->title = BaGetText(&row, 7);
	return true;
}

/* Before the row of an account of theirs is. */
void
BaEmployeeLock(const pg_uuid_t *employee_id)
{
	BaArgs args = {0};

	BaPutUuid(&args, employee_id);
	(void) BaQueryExec(&lock_employee, &args);
}

/* Of the session's office; at individual level of its provider. */
static bool
IsInReach(const BaCaller *caller, const BaEmployee *employee)
{
	const BaIdentity *identity = caller->identity;

	if (identity == NULL)
		return true;
	return identity->has_office &&
		   BaUuidEqual(&employee->office_id, &identity->office_id) &&
		   (!identity->has_provider ||
			(employee->has_provider &&
			 BaUuidEqual(&employee->provider_id, &identity->provider_id)));
}

/*
 * The employee that a call names. In a session one who is out of reach and one who is
 * not there give the same answer.
 */
void
BaEmployeeActed(const BaCaller *caller, FunctionCallInfo fcinfo, int employee_arg,
				BaEmployee *employee)
{
	if (PG_ARGISNULL(employee_arg))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"employee_id\" must not be null")));
	if (BaEmployeeLoad(PG_GETARG_UUID_P(employee_arg), employee) &&
		IsInReach(caller, employee))
		return;
	if (caller->identity != NULL)
		BaAccessRefuse(caller, "H-01",
					   caller->identity->has_provider ?
						   "The session's provider has no such employee." :
						   "There is no such employee in the session's office.");
	ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
					errmsg("employee %s does not exist",
						   BaUuidText(PG_GETARG_UUID_P(employee_arg)))));
}

/* -------------------------------------------------------------------- rules */

static void
RequireOffice(const BaRowEvent *event)
{
	pg_uuid_t office_id, company_id, provider_id;
	BaOffice office;
	BaProvider provider;

	if (!BaColumnUuid(event, "office_id", &office_id) ||
		!BaColumnUuid(event, "company_id", &company_id))
		return; /* constraints say so better */
	if (!BaOfficeLoad(&office_id, &office) ||
		!BaUuidEqual(&office.company_id, &company_id))
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("employee's office is not of the company"), BaErrRule("PRV-12")));
	if (BaColumnUuid(event, "provider_id", &provider_id) &&
		(!BaProviderLoad(&provider_id, &provider) ||
		 !BaUuidEqual(&provider.office_id, &office_id)))
		ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION),
						errmsg("employee's provider is not of the office"),
						BaErrRule("PRV-12")));
}

void
BaEmployeeRule(BaRowEvent *event, bool restoring)
{
	static const char *const fixed[] = {"employee_id", "company_id", "office_id",
										"provider_id"};
	static const char *const texts[] =
		{"provider_type",   "last_name", "first_name", "middle_initial",
		 "employee_number", "telephone", "fax",        "title"};
	char *email = BaColumnText(event, "email");
	int i;

	for (i = 0; i < lengthof(fixed); i++)
		BaColumnRequireSame(event, fixed[i], "PRV-12");
	for (i = 0; i < lengthof(texts); i++)
		BaColumnRequireClean(event, texts[i]);
	if (email != NULL)
		BaEmailRequire(email);
	if (!restoring)
		RequireOffice(event);
}

/* ---------------------------------------------------------------- functions */

/* The one that is named; a session at individual level names none but its own. */
static bool
TakeProvider(const BaCaller *caller, FunctionCallInfo fcinfo, const BaOffice *office,
			 BaProvider *provider)
{
	const BaIdentity *identity = caller->identity;

	if (PG_ARGISNULL(10) && identity != NULL && identity->has_provider)
		return BaProviderLoad(&identity->provider_id, provider);
	return BaProviderActed(caller, fcinfo, 10, office, provider);
}

static void
AuditEmployee(const BaOffice *office, const pg_uuid_t *employee_id)
{
	BaCompany company;
	BaAudit audit;
	BaJson detail;

	if (!BaCompanyLoad(&office->company_id, &company))
		elog(ERROR, "the office's company is gone");
	BaCompanyAudit(&audit, "employee.created", &company);
	audit.object_type = "employee";
	audit.object_id = BaUuidText(employee_id);
	BaJsonStart(&detail);
	BaJsonText(&detail, "office", office->identifier);
	audit.detail = BaJsonFinish(&detail);
	BaAuditWrite(&audit);
}

Datum
bestauth_create_employee(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	char *provider_type = BaArgName(fcinfo, 1, "provider_type");
	char *last_name = BaArgName(fcinfo, 2, "last_name");
	char *first_name = BaArgName(fcinfo, 3, "first_name");
	BaOffice office;
	BaProvider provider;
	BaArgs args = {0};
	BaRow row;
	pg_uuid_t employee_id;
	bool has_provider;

	BaOfficeActed(&caller, fcinfo, 0, &office);
	has_provider = TakeProvider(&caller, fcinfo, &office, &provider);
	BaPutUuid(&args, &office.company_id);
	BaPutUuid(&args, &office.office_id);
	BaPutUuid(&args, has_provider ? &provider.provider_id : NULL);
	BaPutText(&args, provider_type);
	BaPutText(&args, last_name);
	BaPutText(&args, first_name);
	BaPutText(&args, BaArgNameOrNull(fcinfo, 4, "middle_initial"));
	BaPutText(&args, BaArgNameOrNull(fcinfo, 5, "employee_number"));
	BaPutText(&args, BaArgNameOrNull(fcinfo, 6, "telephone"));
	BaPutText(&args, BaArgNameOrNull(fcinfo, 7, "fax"));
	BaPutText(&args, BaArgTextOrNull(fcinfo, 8, "email", BA_MAX_EMAIL));
	BaPutText(&args, BaArgNameOrNull(fcinfo, 9, "title"));
	if (!BaQueryRow(&insert_employee, &args, &row) || !BaGetUuid(&row, 0, &employee_id))
		elog(ERROR, "employee was not made");
	AuditEmployee(&office, &employee_id);
	return BaUuidDatum(&employee_id);
}

/* The next of a page: an id, and the name behind it. */
static void
PutAfter(BaArgs *args, const char *after)
{
	pg_uuid_t id;

	if (after != NULL &&
		(strlen(after) < UUID_TEXT || !BaUuidParse(pnstrdup(after, UUID_TEXT), &id)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"after\" is not the next of a page")));
	BaPutUuid(args, after ? &id : NULL);
	BaPutText(args, after ? after + UUID_TEXT : NULL);
}

/* The operator names an office or a company; a session has an office. */
Datum
bestauth_search_employees(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	const BaIdentity *identity = caller.identity;
	char *code = BaArgTextOrNull(fcinfo, 4, "company", BA_MAX_CODE);
	const pg_uuid_t *office_id = identity ? &identity->office_id : NULL;
	BaCompany company;
	BaOffice office;
	BaArgs args = {0};

	if (!PG_ARGISNULL(3))
	{
		BaOfficeActed(&caller, fcinfo, 3, &office);
		office_id = &office.office_id;
	}
	if (PG_ARGISNULL(3) || code != NULL || identity != NULL)
		BaCompanyActed(&caller, code, &company);
	else
		company.company_id = office.company_id;
	BaPutUuid(&args, &company.company_id);
	BaPutUuid(&args, office_id);
	BaPutUuid(&args, identity && identity->has_provider ? &identity->provider_id : NULL);
	BaPutText(&args, BaArgNameOrNull(fcinfo, 0, "last_name"));
	PutAfter(&args, BaArgTextOrNull(fcinfo, 2, "after", MAX_AFTER));
	BaPutInt(&args, BaArgPageSize(fcinfo, 1, 100));
	BaQueryReturn(&search_employees, &args, fcinfo);
	return (Datum) 0;
}
