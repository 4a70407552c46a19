/*
 * role.c
 *	  Roles: named groups of permissions, and of child companies, in one company.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "bestauth.h"
#include "errors.h"
#include "outbox.h"
#include "query.h"
#include "role.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_create_role);
PG_FUNCTION_INFO_V1(bestauth_update_role);
PG_FUNCTION_INFO_V1(bestauth_delete_role);
PG_FUNCTION_INFO_V1(bestauth_assign_role);
PG_FUNCTION_INFO_V1(bestauth_unassign_role);

typedef struct Role
{
	pg_uuid_t role_id;
	char *name;
} Role;

/* To give it: many at once may, while nobody changes what is in it. */
static BaQuery find_role_shared = {
	.sql =
		"SELECT role_id, name FROM bestauth.role"
		" WHERE company_id = $1 AND lower(name COLLATE \"C\") = lower($2 COLLATE \"C\")"
		" FOR SHARE",
	.latest = true,
};

static BaQuery find_role = {
	.sql =
		"SELECT role_id, name FROM bestauth.role"
		" WHERE company_id = $1 AND lower(name COLLATE \"C\") = lower($2 COLLATE \"C\")"
		" FOR NO KEY UPDATE",
	.latest = true,
};

static BaQuery find_role_only = {
	.sql =
		"SELECT role_id, name FROM bestauth.role"
		" WHERE company_id = $1 AND lower(name COLLATE \"C\") = lower($2 COLLATE \"C\")",
	.latest = true,
};

static BaQuery insert_role = {
	.sql = "INSERT INTO bestauth.role (company_id, name) VALUES ($1, $2)"
		   " ON CONFLICT DO NOTHING RETURNING role_id",
};

static BaQuery delete_role = {
	.sql = "DELETE FROM bestauth.role WHERE role_id = $1",
	.latest = true,
};

static BaQuery role_holders = {
	.sql = "SELECT count(*)::int FROM bestauth.user_role WHERE role_id = $1",
	.latest = true,
};

static BaQuery role_permissions = {
	.sql = "SELECT coalesce(array_agg(permission::text ORDER BY permission), '{}')"
		   " FROM bestauth.role_permission WHERE role_id = $1",
	.latest = true,
};

static BaQuery role_companies = {
	.sql = "SELECT coalesce(array_agg(rc.child_id), '{}') FROM " BA_ROLE_CHILDREN
		   " WHERE rc.role_id = $1",
	.latest = true,
};

static BaQuery remove_permissions = {
	.sql = "DELETE FROM bestauth.role_permission WHERE role_id = $1"
		   " AND permission <> ALL ($2 COLLATE \"C\")",
	.latest = true,
};

static BaQuery add_permissions = {
	.sql = "INSERT INTO bestauth.role_permission (company_id, role_id, permission)"
		   " SELECT $1, $2, n FROM unnest($3) AS n ON CONFLICT DO NOTHING",
	.latest = true,
};

static BaQuery remove_companies = {
	.sql =
		"DELETE FROM bestauth.role_company rc WHERE rc.role_id = $1 AND NOT EXISTS"
		" (SELECT FROM bestauth.company c WHERE c.company_id = rc.child_id"
		" AND lower(c.code COLLATE \"C\") IN (SELECT lower(n COLLATE \"C\") FROM unnest($2) AS n))",
	.latest = true,
};

static BaQuery add_company = {
	.sql =
		"INSERT INTO bestauth.role_company (company_id, role_id, child_id) VALUES ($1, $2, $3)"
		" ON CONFLICT DO NOTHING",
	.latest = true,
};

static BaQuery insert_user_role = {
	.sql =
		"INSERT INTO bestauth.user_role (company_id, user_id, role_id) VALUES ($1, $2, $3)"
		" ON CONFLICT DO NOTHING",
	.latest = true,
};

static BaQuery delete_user_role = {
	.sql = "DELETE FROM bestauth.user_role WHERE user_id = $1 AND role_id = $2",
	.latest = true,
};

/* ------------------------------------------------------- roles of provider portals */

static const struct
{
	const char *name;
	const char *permissions; /* an array */
} provider_roles[] = {
	{"Provider - Administrator",
	 "{claims,eops,eligibility,panel_roster,identifi_practice,manage_portal_users}"},
	{"Provider - Portal User",
	 "{claims,eops,eligibility,panel_roster,identifi_practice}"},
	{"Provider - Clerical User", "{claims,eops,eligibility,panel_roster}"},
	{BA_ROLE_SELF_REGISTRATION, "{}"},
};

/* Those of the company with these names, if it has some, stay as they are. */
void
BaRoleSeedProvider(const pg_uuid_t *company_id)
{
	static BaQuery seed_role = {
		.sql = "WITH r AS (INSERT INTO bestauth.role (company_id, name) VALUES ($1, $2)"
			   " ON CONFLICT DO NOTHING RETURNING role_id)"
			   " INSERT INTO bestauth.role_permission (company_id, role_id, permission)"
			   " SELECT $1, r.role_id, p FROM r, unnest($3::text[]) AS p",
	};
	int i;

	for (i = 0; i < lengthof(provider_roles); i++)
	{
		BaArgs args = {0};

		BaPutUuid(&args, company_id);
		BaPutText(&args, provider_roles[i].name);
		BaPutText(&args, provider_roles[i].permissions);
		(void) BaQueryExec(&seed_role, &args);
	}
}

/* One of those, which anybody may ask for, as it is called; else NULL [PRV-6]. */
const char *
BaRoleOfProviders(const char *name)
{
	int i;

	for (i = 0; i < lengthof(provider_roles); i++)
		if (BaTextSame(provider_roles[i].name, name))
			return provider_roles[i].name;
	return NULL;
}

/* -------------------------------------------------------------------- rules */

void
BaRoleRule(BaRowEvent *event, bool restoring)
{
	BaColumnRequireSame(event, "role_id", "MCM-2");
	BaColumnRequireSame(event, "company_id", "MCM-2");
	BaColumnRequireClean(event, "name");
}

void
BaRoleCompanyRule(BaRowEvent *event, bool restoring)
{
	pg_uuid_t child_id, company_id;

	if (restoring || !BaColumnUuid(event, "child_id", &child_id) ||
		!BaColumnUuid(event, "company_id", &company_id))
		return;
	if (!BaCompanyIsChild(&child_id, &company_id))
		ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION),
						errmsg("company is not a child of the role's company"),
						BaErrRule("MCM-2")));
}

void
BaUserRoleRule(BaRowEvent *event, bool restoring)
{
	pg_uuid_t user_id;
	BaUser user;

	if (restoring || !BaColumnUuid(event, "user_id", &user_id) ||
		!BaUserLoad(&user_id, &user))
		return;
	if (!user.type->may_hold_permissions)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("user \"%s\" cannot have a role", user.username),
				 errdetail("A user of type %s holds no permissions.", user.type->name),
				 BaErrRule("PRT-9")));
}

/* ------------------------------------------------------------------- finding */

static void
RefuseMissing(const BaCaller *caller, const BaCompany *company, const char *name)
{
	if (caller->identity != NULL)
		BaAccessRefuse(caller, "H-01", "There is no such role in the session's company.");
	ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
					errmsg("role \"%s\" does not exist in company \"%s\"", name,
						   company->code)));
}

/* The role, by one of the three queries; locked, what is checked is what is given. */
static void
RequireRole(const BaCaller *caller, const BaCompany *company, const char *name,
			BaQuery *query, Role *role)
{
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, &company->company_id);
	BaPutText(&args, name);
	if (!BaQueryRow(query, &args, &row))
		RefuseMissing(caller, company, name);
	(void) BaGetUuid(&row, 0, &role->role_id);
	role->name = BaGetText(&row, 1);
}

/* The role as an argument of its own query, and the first value of its answer. */
static Datum
AskRole(BaQuery *query, const Role *role)
{
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, &role->role_id);
	return BaQueryRow(query, &args, &row) ? row.values[0] : (Datum) 0;
}

/* What a role carries must all be held by whoever gives it, or changes it. */
static void
RequireRoleHeld(const BaCaller *caller, const Role *role)
{
	if (caller->is_operator)
		return;
	BaPermissionRequireAll(caller, AskRole(&role_permissions, role),
						   AskRole(&role_companies, role),
						   "The role carries a company that the caller may not enter.");
}

/* ------------------------------------------------------------------ changing */

static void
SetPermissions(const BaCompany *company, const Role *role, const BaTextList *permissions)
{
	BaArgs args = {0};

	if (permissions->count < 0)
		return;
	BaPutUuid(&args, &role->role_id);
	BaPutTexts(&args, permissions->array);
	(void) BaQueryExec(&remove_permissions, &args);
	memset(&args, 0, sizeof(args));
	BaPutUuid(&args, &company->company_id);
	BaPutUuid(&args, &role->role_id);
	BaPutTexts(&args, permissions->array);
	(void) BaQueryExec(&add_permissions, &args);
}

static void
AddCompany(const BaCaller *caller, const BaCompany *company, const Role *role,
		   const char *code)
{
	BaCompany child;
	BaArgs args = {0};

	BaCompanyChildNamed(caller, code, &child);
	BaPutUuid(&args, &company->company_id);
	BaPutUuid(&args, &role->role_id);
	BaPutUuid(&args, &child.company_id);
	(void) BaQueryExec(&add_company, &args);
}

static void
SetCompanies(const BaCaller *caller, const BaCompany *company, const Role *role,
			 const BaTextList *companies)
{
	BaArgs args = {0};
	int i;

	if (companies->count < 0)
		return;
	BaPutUuid(&args, &role->role_id);
	BaPutTexts(&args, companies->array);
	(void) BaQueryExec(&remove_companies, &args);
	for (i = 0; i < companies->count; i++)
		AddCompany(caller, company, role, companies->items[i]);
}

static void
AuditRole(const char *action, const BaCompany *company, const Role *role,
		  const char *username, const BaTextList *permissions,
		  const BaTextList *companies)
{
	BaAudit audit;
	BaJson detail;

	BaCompanyAudit(&audit, action, company);
	audit.object_type = "role";
	audit.object_id = role->name;
	BaJsonStart(&detail);
	BaJsonText(&detail, "username", username);
	if (permissions != NULL && permissions->count >= 0)
		BaJsonTexts(&detail, "permissions", permissions->items, permissions->count);
	if (companies != NULL && companies->count >= 0)
		BaJsonTexts(&detail, "companies", companies->items, companies->count);
	audit.detail = BaJsonFinish(&detail);
	BaAuditWrite(&audit);
}

/* What the two functions that fill a role ask of its contents. */
static void
RequireContents(const BaCaller *caller, const BaTextList *permissions)
{
	if (permissions->count < 0)
		return;
	BaPermissionRequireKnown(permissions->items, permissions->count);
	BaAccessRequireHeld(caller, permissions->items, permissions->count, "G-08");
}

Datum
bestauth_create_role(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	Role role = {.name = BaArgName(fcinfo, 0, "name")};
	BaTextList permissions = BaArgTextArray(fcinfo, 1, "permissions");
	BaTextList companies = BaArgTextArray(fcinfo, 2, "companies");
	BaCompany company;
	BaArgs args = {0};
	BaRow row;

	BaCompanyActed(&caller, BaArgTextOrNull(fcinfo, 3, "company", BA_MAX_CODE), &company);
	RequireContents(&caller, &permissions);
	BaPutUuid(&args, &company.company_id);
	BaPutText(&args, role.name);
	if (!BaQueryRow(&insert_role, &args, &row))
		ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION),
						errmsg("role \"%s\" exists already", role.name)));
	(void) BaGetUuid(&row, 0, &role.role_id);
	SetPermissions(&company, &role, &permissions);
	SetCompanies(&caller, &company, &role, &companies);
	AuditRole("role.created", &company, &role, NULL, &permissions, &companies);
	PG_RETURN_DATUM(row.values[0]);
}

Datum
bestauth_update_role(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	char *name = BaArgName(fcinfo, 0, "name");
	BaTextList permissions = BaArgTextArray(fcinfo, 1, "permissions");
	BaTextList companies = BaArgTextArray(fcinfo, 2, "companies");
	BaCompany company;
	Role role;

	BaCompanyActed(&caller, BaArgTextOrNull(fcinfo, 3, "company", BA_MAX_CODE), &company);
	RequireRole(&caller, &company, name, &find_role, &role);
	RequireRoleHeld(&caller, &role);
	RequireContents(&caller, &permissions);
	SetPermissions(&company, &role, &permissions);
	SetCompanies(&caller, &company, &role, &companies);
	AuditRole("role.updated", &company, &role, NULL, &permissions, &companies);
	PG_RETURN_VOID();
}

Datum
bestauth_delete_role(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	char *name = BaArgName(fcinfo, 0, "name");
	BaTextList nothing = {.count = 0, .array = BaTextArray(NULL, 0)};
	BaCompany company;
	Role role;

	BaCompanyActed(&caller, BaArgTextOrNull(fcinfo, 1, "company", BA_MAX_CODE), &company);
	RequireRole(&caller, &company, name, &find_role, &role);
	RequireRoleHeld(&caller, &role);
	if (DatumGetInt32(AskRole(&role_holders, &role)) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("role \"%s\" cannot be deleted while users have it", role.name)));
	SetPermissions(&company, &role, &nothing);
	SetCompanies(&caller, &company, &role, &nothing);
	(void) AskRole(&delete_role, &role);
	AuditRole("role.deleted", &company, &role, NULL, NULL, NULL);
	PG_RETURN_VOID();
}

/* The role as it is called, if the caller holds what is in it. */
char *
BaRoleRequireGivable(const BaCaller *caller, const BaCompany *company, const char *name)
{
	Role role;

	RequireRole(caller, company, name, &find_role_only, &role);
	RequireRoleHeld(caller, &role);
	return role.name;
}

/*
 * Is there such a role, and does a user, who is not the caller, hold what is in it? The
 * operator, who is no user, may give any: "holder" is NULL.
 */
bool
BaRoleIsCovered(const BaUser *holder, const BaCompany *company, const char *name)
{
	BaArgs args = {0};
	BaRow row;
	Role role;

	BaPutUuid(&args, &company->company_id);
	BaPutText(&args, name);
	if (!BaQueryRow(&find_role_shared, &args, &row))
		return false;
	if (holder == NULL)
		return true;
	(void) BaGetUuid(&row, 0, &role.role_id);
	return BaPermissionContains(holder, AskRole(&role_permissions, &role),
								AskRole(&role_companies, &role));
}

/* Gives a user a role by name, if the caller holds what is in it. False if they had it. */
bool
BaRoleGive(const BaCaller *caller, const BaCompany *company, const BaUser *user,
		   const char *name)
{
	Role role;
	BaArgs args = {0};

	RequireRole(caller, company, name, &find_role_shared, &role);
	RequireRoleHeld(caller, &role);
	BaPutUuid(&args, &company->company_id);
	BaPutUuid(&args, &user->user_id);
	BaPutUuid(&args, &role.role_id);
	if (BaQueryExec(&insert_user_role, &args) == 0)
		return false;
	BaUserTouch(&user->user_id);
	AuditRole("role.assigned", company, &role, user->username, NULL, NULL);
	return true;
}

/* Takes a role away; that takes nothing but the right to manage users. False if they had it not. */
bool
BaRoleTake(const BaCaller *caller, const BaCompany *company, const BaUser *user,
		   const char *name)
{
	Role role;
	BaArgs args = {0};

	RequireRole(caller, company, name, &find_role_only, &role);
	BaPutUuid(&args, &user->user_id);
	BaPutUuid(&args, &role.role_id);
	if (BaQueryExec(&delete_user_role, &args) == 0)
		return false;
	BaUserTouch(&user->user_id);
	AuditRole("role.unassigned", company, &role, user->username, NULL, NULL);
	return true;
}

Datum
bestauth_assign_role(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	char *name = BaArgName(fcinfo, 1, "role");
	BaCompany company;
	BaUser user;

	BaUserActed(&caller, fcinfo, 0, 2, BA_USER_LOCK, &company, &user);
	if (BaRoleGive(&caller, &company, &user, name))
		BaOutboxNotice(BA_NOTICE_ACCESS, &user);
	PG_RETURN_VOID();
}

Datum
bestauth_unassign_role(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	char *name = BaArgName(fcinfo, 1, "role");
	BaCompany company;
	BaUser user;

	BaUserActed(&caller, fcinfo, 0, 2, BA_USER_LOCK, &company, &user);
	if (BaRoleTake(&caller, &company, &user, name))
		BaOutboxNotice(BA_NOTICE_ACCESS, &user);
	PG_RETURN_VOID();
}
