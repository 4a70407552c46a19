/*
 * company.c
 *	  Companies, and which of them are registered as billing services.
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/builtins.h"

#include "args.h"
#include "bestauth.h"
#include "company.h"
#include "errors.h"
#include "instance.h"
#include "query.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_create_company);

#define COMPANY_SELECT \
	"SELECT c.company_id, c.code, c.name, b.company_id IS NOT NULL AND b.unregistered_at IS NULL," \
	" coalesce(b.version, 0)" \
	" FROM bestauth.company c LEFT JOIN bestauth.billing_service b ON b.company_id = c.company_id"

static BaQuery find_company = {
	.sql = COMPANY_SELECT " WHERE lower(c.code COLLATE \"C\") = lower($1 COLLATE \"C\")",
	.latest = true,
};

static BaQuery load_company = {
	.sql = COMPANY_SELECT " WHERE c.company_id = $1",
	.latest = true,
};

static BaQuery lock_service = {
	.sql =
		"SELECT true FROM bestauth.billing_service WHERE company_id = $1 FOR NO KEY UPDATE",
	.latest = true,
};

static BaQuery insert_company = {
	.sql = "INSERT INTO bestauth.company (code, name, parent_id) VALUES ($1, $2, $3)"
		   " ON CONFLICT DO NOTHING RETURNING company_id",
};

static BaQuery find_family = {
	.sql =
		"SELECT EXISTS (SELECT FROM bestauth.company WHERE company_id = $1),"
		" EXISTS (SELECT FROM bestauth.company WHERE company_id = $1 AND parent_id IS NOT NULL),"
		" EXISTS (SELECT FROM bestauth.company WHERE parent_id = $2)",
	.latest = true,
};

/*
 * One family is changed at a time, so that no child becomes a parent unseen. Nobody who
 * only refers to one of them waits for that.
 */
static BaQuery lock_family = {
	.sql = "SELECT company_id FROM bestauth.company WHERE company_id IN ($1, $2)"
		   " ORDER BY company_id FOR NO KEY UPDATE",
	.latest = true,
};

/*
 * A child that moves leaves the roles and the users of its old parent, and finds none at
 * the new one: what somebody gave there while it was leaving goes as well.
 */
static BaQuery leave_roles = {
	.sql = "DELETE FROM bestauth.role_company WHERE child_id = $1",
	.latest = true,
};

static BaQuery leave_users = {
	.sql = "DELETE FROM bestauth.user_company WHERE child_id = $1",
	.latest = true,
};

static bool
Found(BaQuery *query, BaArgs *args, BaCompany *company)
{
	BaRow row;

	if (!BaQueryRow(query, args, &row))
		return false;
	(void) BaGetUuid(&row, 0, &company->company_id);
	company->code = BaGetText(&row, 1);
	company->name = BaGetText(&row, 2);
	company->registered = BaGetBool(&row, 3);
	company->service_version = BaGetInt(&row, 4);
	return true;
}

bool
BaCompanyFind(const char *code, BaCompany *company)
{
	BaArgs args = {0};

	BaPutText(&args, code);
	return Found(&find_company, &args, company);
}

bool
BaCompanyLoad(const pg_uuid_t *company_id, BaCompany *company)
{
	BaArgs args = {0};

	BaPutUuid(&args, company_id);
	return Found(&load_company, &args, company);
}

/* Whoever names it may know that it is not there. */
void
BaCompanyRequire(const char *code, BaCompany *company)
{
	if (!BaCompanyFind(code, company))
		ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
						errmsg("company \"%s\" does not exist", code)));
}

/*
 * The company that a call acts in: a session's current one, which is the only
 * one that it may name; the operator names it.
 */
void
BaCompanyActed(const BaCaller *caller, const char *code, BaCompany *company)
{
	if (caller->identity != NULL)
	{
		if (code != NULL && pg_strcasecmp(code, caller->identity->company_code) != 0)
			BaAccessRefuse(caller, "H-01", "A session acts in its current company.");
		if (!BaCompanyLoad(&caller->identity->company_id, company))
			elog(ERROR, "the session's company is gone");
		return;
	}
	if (code == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"company\" must not be null outside a session")));
	BaCompanyRequire(code, company);
}

/* A company named beside something that is of one already: it is the same. */
void
BaCompanyRequireSame(const BaCaller *caller, const char *code, const BaCompany *company)
{
	BaCompany named;

	if (code == NULL)
		return;
	BaCompanyActed(caller, code, &named);
	if (!BaUuidEqual(&named.company_id, &company->company_id))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("company \"%s\" is not that of what the call names",
							   named.code)));
}

/* As other instances know it: what an assertion is for, or who issues it. */
char *
BaCompanyAudience(const BaCompany *company)
{
	return psprintf("%s/%s", BaInstanceName(), company->code);
}

/* What is done with a service's keys and people is done one after the other; false if it is none. */
bool
BaCompanyLockService(const BaCompany *service)
{
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, &service->company_id);
	return BaQueryRow(&lock_service, &args, &row);
}

void
BaCompanyRefuseUnregistered(const BaCompany *service)
{
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("company \"%s\" is not registered as a billing service",
						   service->code),
					BaErrRule("TPB-2")));
}

void
BaCompanyRefuseNoChild(const BaCompany *child, const BaCompany *company, const char *rule)
{
	ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION),
					errmsg("company \"%s\" is not a child of company \"%s\"", child->code,
						   company->code),
					BaErrRule(rule)));
}

/* An audit row about something in a company, whoever did it. */
void
BaCompanyAudit(BaAudit *audit, const char *action, const BaCompany *company)
{
	BaAuditStart(audit, action);
	audit->company_id = &company->company_id;
	audit->company_code = company->code;
}

/* -------------------------------------------------------------------- rules */

static void
RefuseCode(const char *code)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		 errmsg("company code \"%s\" is not valid", code),
		 errdetail(
			 "It has 1 to %d ASCII letters, digits, dashes and underscores, and begins with a letter or digit.",
			 BA_MAX_CODE)));
}

bool
BaCompanyCodeIsValid(const char *code)
{
	static const char signs[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

	return *code != '\0' && *code != '_' && *code != '-' && strlen(code) <= BA_MAX_CODE &&
		   strspn(code, signs) == strlen(code);
}

static void
CheckCode(const char *code)
{
	if (!BaCompanyCodeIsValid(code))
		RefuseCode(code);
}

static void
LeaveParent(const pg_uuid_t *company_id)
{
	BaArgs args = {0};

	BaPutUuid(&args, company_id);
	(void) BaQueryExec(&leave_roles, &args);
	(void) BaQueryExec(&leave_users, &args);
}

static void
CheckParent(const pg_uuid_t *company_id, const pg_uuid_t *parent_id)
{
	BaArgs args = {0};
	BaRow row;
	const char *fault;

	BaPutUuid(&args, parent_id);
	BaPutUuid(&args, company_id);
	(void) BaQueryExec(&lock_family, &args);
	(void) BaQueryRow(&find_family, &args, &row);
	fault = BaUuidEqual(company_id, parent_id) ?
				"A company cannot be its own parent." :
			!BaGetBool(&row, 0) ?
				"There is no such company." :
			BaGetBool(&row, 1) ?
				"The parent is a child itself; there is one level of children." :
			BaGetBool(&row, 2) ?
				"The company has children itself; there is one level of children." :
				NULL;
	if (fault != NULL)
		ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION),
						errmsg("company cannot have this parent"), errdetail("%s", fault),
						BaErrRule("MCM-1")));
}

void
BaCompanyRule(BaRowEvent *event, bool restoring)
{
	pg_uuid_t company_id, parent_id;

	CheckCode(BaColumnRequireText(event, "code"));
	BaColumnRequireSame(event, "company_id", "MCM-1");
	BaColumnRequireSame(event, "code", "MCM-1");
	BaColumnRequireClean(event, "name");
	if (restoring || !BaColumnChanged(event, "parent_id") ||
		!BaColumnUuid(event, "company_id", &company_id))
		return;
	if (BaColumnUuid(event, "parent_id", &parent_id))
		CheckParent(&company_id, &parent_id);
	if (event->old_row != NULL)
		LeaveParent(&company_id);
}

/* Whatever changes in a registration ends the sessions that rest on it. */
void
BaBillingServiceRule(BaRowEvent *event)
{
	bool isnull;
	int32 version;

	if (event->old_row == NULL)
		return;
	BaColumnRequireSame(event, "company_id", "IBS-1");
	version = DatumGetInt32(BaColumn(event, false, "version", &isnull));
	if (BaColumnChanged(event, "registered_at") ||
		BaColumnChanged(event, "unregistered_at"))
		version++;
	BaColumnSet(event, "version", Int32GetDatum(version));
}

/* ---------------------------------------------------------------- functions */

Datum
bestauth_create_company(PG_FUNCTION_ARGS)
{
	char *name, *parent_code;
	BaCompany company = {0};
	BaCompany parent;
	BaArgs args = {0};
	BaRow row;
	BaAudit audit;

	(void) BaAccessCaller(fcinfo);
	company.code = BaArgText(fcinfo, 0, "code", BA_MAX_CODE);
	name = BaArgName(fcinfo, 1, "name");
	parent_code = BaArgTextOrNull(fcinfo, 2, "parent", BA_MAX_CODE);
	if (parent_code != NULL)
		BaCompanyRequire(parent_code, &parent);
	BaPutText(&args, company.code);
	BaPutText(&args, name);
	BaPutUuid(&args, parent_code ? &parent.company_id : NULL);
	if (!BaQueryRow(&insert_company, &args, &row))
		ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION),
						errmsg("company code \"%s\" is taken", company.code)));
	(void) BaGetUuid(&row, 0, &company.company_id);
	BaCompanyAudit(&audit, "company.created", &company);
	audit.object_type = "company";
	audit.object_id = company.code;
	BaAuditWrite(&audit);
	PG_RETURN_DATUM(row.values[0]);
}
