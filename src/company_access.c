/*
 * company_access.c
 *	  Which companies a user may enter, and why: their own, and children of it. The
 *	  view company_access is the one place that says which.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "args.h"
#include "bestauth.h"
#include "company_access.h"
#include "errors.h"
#include "outbox.h"
#include "query.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_list_accessible_companies);
PG_FUNCTION_INFO_V1(bestauth_list_user_companies);
PG_FUNCTION_INFO_V1(bestauth_assign_company);
PG_FUNCTION_INFO_V1(bestauth_unassign_company);

static BaQuery entered_companies = {
	.sql = "SELECT array_agg(id ORDER BY id) FROM (SELECT DISTINCT entered_id AS id"
		   " FROM bestauth.company_access WHERE user_id = $1) entered",
	.latest = true,
};

/* What an emergency opens has no row in company_access: it is the session's, not the user's. */
static BaQuery entered_in_emergency = {
	.sql =
		"SELECT array_agg(id ORDER BY id) FROM (SELECT entered_id AS id FROM bestauth.company_access"
		" WHERE user_id = $1 UNION SELECT company_id FROM bestauth.company WHERE parent_id = $2) entered",
	.latest = true,
};

/* $4 is the parent whose children an emergency has opened, or NULL. */
static BaQuery list_companies = {
	.sql =
		"SELECT c.company_id, c.code, c.name,"
		" (array_agg(a.source ORDER BY a.precedence))[1], c.code"
		" FROM (SELECT entered_id, source, precedence FROM bestauth.company_access WHERE user_id = $1"
		" UNION ALL SELECT company_id, 'emergency', 5 FROM bestauth.company WHERE parent_id = $4) a"
		" JOIN bestauth.company c ON c.company_id = a.entered_id"
		" WHERE ($2 IS NULL OR c.code COLLATE \"C\" > $2 COLLATE \"C\")"
		" GROUP BY c.company_id ORDER BY c.code COLLATE \"C\" LIMIT $3",
};

static BaQuery list_companies_of_user = {
	.sql =
		"SELECT c.company_id, c.code, c.name, (array_agg(a.source ORDER BY a.precedence))[1],"
		" coalesce(array_agg(r.name ORDER BY r.name COLLATE \"C\") FILTER (WHERE r.name IS NOT NULL), '{}'),"
		" bool_or(a.source = 'assigned'), c.code"
		" FROM bestauth.company_access a JOIN bestauth.company c ON c.company_id = a.entered_id"
		" LEFT JOIN bestauth.role r ON r.role_id = a.role_id"
		" WHERE a.user_id = $1 AND ($2 IS NULL OR c.code COLLATE \"C\" > $2 COLLATE \"C\")"
		" AND ($4 IS NULL OR a.entered_id = ANY ($4))"
		" GROUP BY c.company_id ORDER BY c.code COLLATE \"C\" LIMIT $3",
};

static BaQuery insert_assignment = {
	.sql =
		"INSERT INTO bestauth.user_company (company_id, user_id, child_id) VALUES ($1, $2, $3)"
		" ON CONFLICT DO NOTHING",
	.latest = true,
};

static BaQuery delete_assignment = {
	.sql = "DELETE FROM bestauth.user_company WHERE user_id = $1 AND child_id = $2",
	.latest = true,
};

/* What else than an assignment lets a user into a company: the first word of it. */
static BaQuery find_source = {
	.sql =
		"SELECT a.source, string_agg(format('\"%s\"', r.name), ', ' ORDER BY r.name)"
		" FROM bestauth.company_access a LEFT JOIN bestauth.role r ON r.role_id = a.role_id"
		" WHERE a.user_id = $1 AND a.entered_id = $2 AND a.source <> 'assigned'"
		" GROUP BY a.source, a.precedence ORDER BY a.precedence LIMIT 1",
	.latest = true,
};

static BaQuery is_child = {
	.sql = "SELECT true FROM bestauth.company WHERE company_id = $1 AND parent_id = $2",
	.latest = true,
};

/* As a uuid array, in the order of memcmp(). */
Datum
BaCompaniesOf(const BaUser *user)
{
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, &user->user_id);
	(void) BaQueryRow(&entered_companies, &args, &row);
	return row.values[0];
}

/* The same in an emergency: every child of the user's own company. */
Datum
BaCompaniesInEmergency(const BaUser *user)
{
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, &user->user_id);
	BaPutUuid(&args, &user->company_id);
	(void) BaQueryRow(&entered_in_emergency, &args, &row);
	return row.values[0];
}

/* -------------------------------------------------------------------- rules */

/*
 * No lock: nobody who gives children away may hold up who moves them. What is given of a
 * child that moves meanwhile gives nothing, and goes when it comes back (company.c).
 */
bool
BaCompanyIsChild(const pg_uuid_t *child_id, const pg_uuid_t *parent_id)
{
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, child_id);
	BaPutUuid(&args, parent_id);
	return BaQueryRow(&is_child, &args, &row);
}

void
BaUserCompanyRule(BaRowEvent *event, bool restoring)
{
	pg_uuid_t user_id, child_id, company_id;
	BaCompany child, company;
	BaUser user;

	if (restoring || !BaColumnUuid(event, "user_id", &user_id) ||
		!BaColumnUuid(event, "child_id", &child_id) ||
		!BaColumnUuid(event, "company_id", &company_id) || !BaUserLoad(&user_id, &user) ||
		!BaCompanyLoad(&child_id, &child) || !BaCompanyLoad(&company_id, &company))
		return; /* the foreign keys say so better */
	if (!BaCompanyIsChild(&child_id, &company_id))
		BaCompanyRefuseNoChild(&child, &company, "MCM-3");
	if (user.type->needs_portal)
		ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION),
						errmsg("user \"%s\" cannot be given a company", user.username),
						errdetail("Who is in a portal stays in its company."),
						BaErrRule("MCM-3")));
}

/* ---------------------------------------------------------------- functions */

/*
 * A company that a call gives to somebody, or takes: the caller must be able to enter it.
 * To a session one that it can't and one that is not there are the same.
 */
void
BaCompanyChildNamed(const BaCaller *caller, const char *code, BaCompany *child)
{
	if (caller->identity == NULL)
		BaCompanyRequire(code, child);
	else if (!BaCompanyFind(code, child) ||
			 !BaContextCanAccessCompany(&child->company_id))
		BaAccessRefuse(caller, "G-08",
					   psprintf("The caller may not enter a company \"%s\" itself.",
								code));
}

Datum
bestauth_list_accessible_companies(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	BaArgs args = {0};

	BaPutUuid(&args, &caller.identity->user_id);
	BaPutText(&args, BaArgTextOrNull(fcinfo, 1, "after", BA_MAX_CODE));
	BaPutInt(&args, BaArgPageSize(fcinfo, 0, 100));
	BaPutUuid(&args,
			  caller.identity->has_emergency ? &caller.identity->own_company_id : NULL);
	BaQueryReturn(&list_companies, &args, fcinfo);
	return (Datum) 0;
}

Datum
bestauth_list_user_companies(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	BaCompany company;
	BaUser user;
	BaArgs args = {0};

	BaUserActed(&caller, fcinfo, 0, 3, BA_USER_DELETED, &company, &user);
	BaPutUuid(&args, &user.user_id);
	BaPutText(&args, BaArgTextOrNull(fcinfo, 2, "after", BA_MAX_CODE));
	BaPutInt(&args, BaArgPageSize(fcinfo, 1, 100));
	BaPut(&args, UUIDARRAYOID,
		  caller.identity ? BaIdSetArray(&caller.identity->companies) : (Datum) 0,
		  caller.identity == NULL);
	BaQueryReturn(&list_companies_of_user, &args, fcinfo);
	return (Datum) 0;
}

static void
AuditAssignment(const char *action, const BaCompany *company, const BaUser *user,
				const BaCompany *child)
{
	BaAudit audit;
	BaJson detail;

	BaUserAudit(&audit, action, company, user);
	BaJsonStart(&detail);
	BaJsonText(&detail, "company", child->code);
	audit.detail = BaJsonFinish(&detail);
	BaAuditWrite(&audit);
}

Datum
bestauth_assign_company(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	char *code = BaArgText(fcinfo, 1, "child", BA_MAX_CODE);
	BaCompany company, child;
	BaUser user;
	BaArgs args = {0};

	BaUserActed(&caller, fcinfo, 0, 2, BA_USER_LOCK, &company, &user);
	BaCompanyChildNamed(&caller, code, &child);
	BaPutUuid(&args, &company.company_id);
	BaPutUuid(&args, &user.user_id);
	BaPutUuid(&args, &child.company_id);
	if (BaQueryExec(&insert_assignment, &args) > 0)
	{
		BaUserTouch(&user.user_id);
		BaOutboxNotice(BA_NOTICE_ACCESS, &user);
		AuditAssignment("company.assigned", &company, &user, &child);
	}
	PG_RETURN_VOID();
}

/* Why the user may enter the company without an assignment; NULL if they may not. */
static char *
Inherited(const BaUser *user, const BaCompany *child, const char **rule)
{
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, &user->user_id);
	BaPutUuid(&args, &child->company_id);
	if (!BaQueryRow(&find_source, &args, &row))
		return NULL;
	if (strcmp(BaGetText(&row, 0), "role") == 0)
	{
		*rule = "MCM-3";
		return psprintf("It comes from the role %s.", BaGetText(&row, 1));
	}
	*rule = "MCM-5";
	return pstrdup("A company administrator may enter every child company.");
}

Datum
bestauth_unassign_company(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	char *code = BaArgText(fcinfo, 1, "child", BA_MAX_CODE);
	BaCompany company, child;
	const char *rule;
	char *inherited;
	bool had;
	BaUser user;
	BaArgs args = {0};

	BaUserActed(&caller, fcinfo, 0, 2, BA_USER_LOCK, &company, &user);
	BaCompanyChildNamed(&caller, code, &child);
	if (!BaCompanyIsChild(&child.company_id, &company.company_id))
		BaCompanyRefuseNoChild(&child, &company, "MCM-3");
	BaPutUuid(&args, &user.user_id);
	BaPutUuid(&args, &child.company_id);
	had = BaQueryExec(&delete_assignment, &args) > 0;
	inherited = Inherited(&user, &child, &rule);
	if (!had && inherited != NULL)
		ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION),
						errmsg("company \"%s\" cannot be taken from user \"%s\"",
							   child.code, user.username),
						errdetail("%s", inherited), BaErrRule(rule)));
	if (inherited != NULL)
		ereport(NOTICE, (errmsg("user \"%s\" may still enter company \"%s\"",
								user.username, child.code),
						 errdetail("%s", inherited)));
	if (had)
	{
		BaUserTouch(&user.user_id);
		BaOutboxNotice(BA_NOTICE_ACCESS, &user);
		AuditAssignment("company.unassigned", &company, &user, &child);
	}
	PG_RETURN_VOID();
}
