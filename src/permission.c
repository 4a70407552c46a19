/*
 * permission.c
 *	  Permissions: which there are, who holds which, and who may give them.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "bestauth.h"
#include "errors.h"
#include "outbox.h"
#include "permission.h"
#include "query.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_grant_permission);
PG_FUNCTION_INFO_V1(bestauth_revoke_permission);

static BaQuery seed_permission = {
	.sql =
		"INSERT INTO bestauth.permission (name, title, description, by_name_only, client_only, in_emergency)"
		" VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO NOTHING",
};

/*
 * bestauth's own, which are always there and always mean the same. Those that rule over
 * users or the audit no emergency gives: what is done in one must not outlast it, nor hide.
 */
static const struct
{
	const char *name;
	const char *title;
	const char *description;
	enum
	{
		FOR_ALL,
		RULING,
		BY_NAME_ONLY,
		CLIENT_ONLY
	} kind;
} seeds[] = {
	{"manage_users", "Manage users",
	 "Create, change, lock and delete users of the company", RULING},
	{"manage_roles", "Manage roles", "Create, change and delete roles of the company",
	 RULING},
	{BA_PERM_MY_ACCOUNT, "My account", "Change and reset the own password", FOR_ALL},
	{BA_PERM_WEB_PORTAL, "Web portal", "Create client portal accounts", BY_NAME_ONLY},
	{"audit_report", "Audit report", "Read the audit report of the company", RULING},
	{"manage_contacts", "Manage contacts", "Create and change contacts", FOR_ALL},
	{BA_PERM_MANAGE_PAYERS, "Manage payers",
	 "Create, change and delete payers of a company without child companies", FOR_ALL},
	{BA_PERM_MANAGE_FACILITIES, "Manage facilities",
	 "Create, change and delete facilities of a company without child companies",
	 FOR_ALL},
	{BA_PERM_CLAIMS, "Claims", "Look at claims", FOR_ALL},
	{"eops", "Explanations of payment", "Look at explanations of payment", FOR_ALL},
	{"eligibility", "Eligibility", "Look at eligibility", FOR_ALL},
	{"panel_roster", "Panel roster", "Look at the panel roster", FOR_ALL},
	{"identifi_practice", "Identifi Practice", "Use Identifi Practice", FOR_ALL},
	{"manage_portal_users", "Manage portal users",
	 "Invite, approve and manage users of an office", RULING},
	{BA_PERM_EMERGENCY_ACCESS, "Emergency access",
	 "Start emergency access, for a while and seen by all who run the company", FOR_ALL},
	{"fill_applications", "Fill in applications",
	 "Fill in applications in a client portal", CLIENT_ONLY},
	{"sign_documents", "Sign documents", "Sign documents in a client portal",
	 CLIENT_ONLY},
};

static BaQuery find_unknown = {
	.sql = "SELECT n FROM unnest($1) AS n WHERE NOT EXISTS"
		   " (SELECT FROM bestauth.permission p WHERE p.name = n COLLATE \"C\") LIMIT 1",
	.latest = true,
};

static BaQuery find_permission = {
	.sql = "SELECT by_name_only, client_only FROM bestauth.permission WHERE name = $1",
	.latest = true,
};

static BaQuery effective_permissions = {
	.sql = "SELECT " BA_PERMISSIONS_HELD("$1"),
	.latest = true,
};

static BaQuery insert_permission = {
	.sql =
		"INSERT INTO bestauth.user_permission (company_id, user_id, permission) VALUES ($1, $2, $3)"
		" ON CONFLICT DO NOTHING",
	.latest = true,
};

static BaQuery delete_permission = {
	.sql = "DELETE FROM bestauth.user_permission WHERE user_id = $1 AND permission = $2",
	.latest = true,
};

void
BaPermissionSeed(void)
{
	int i;

	for (i = 0; i < lengthof(seeds); i++)
	{
		BaArgs args = {0};

		BaPutText(&args, seeds[i].name);
		BaPutText(&args, seeds[i].title);
		BaPutText(&args, seeds[i].description);
		BaPutBool(&args, seeds[i].kind == BY_NAME_ONLY);
		BaPutBool(&args, seeds[i].kind == CLIENT_ONLY);
		BaPutBool(&args, seeds[i].kind == FOR_ALL);
		(void) BaQueryExec(&seed_permission, &args);
	}
}

/* As a text array, in the order of strcmp(). */
Datum
BaPermissionsOf(const BaUser *user)
{
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, &user->user_id);
	(void) BaQueryRow(&effective_permissions, &args, &row);
	return row.values[0];
}

/*
 * The same in an emergency. What bestauth keeps out of one a session does not hold while
 * it lasts, though its user may: else a company that is open for an hour could be given a
 * user that stays.
 */
Datum
BaPermissionsInEmergency(const BaUser *user)
{
	static BaQuery permissions_in_emergency = {
		.sql =
			"SELECT coalesce(array_agg(name ORDER BY name COLLATE \"C\"), '{}') FROM"
			" (SELECT p.name FROM bestauth.permission p WHERE p.in_emergency AND NOT p.by_name_only AND NOT p.client_only"
			" UNION SELECT a.permission FROM bestauth.permission_access a"
			" WHERE a.user_id = $1 AND a.permission <> ALL ($2)) held",
		.latest = true,
	};
	char *kept_out[lengthof(seeds)];
	int i, count = 0;
	BaArgs args = {0};
	BaRow row;

	for (i = 0; i < lengthof(seeds); i++)
		if (seeds[i].kind != FOR_ALL)
			kept_out[count++] = (char *) seeds[i].name;
	BaPutUuid(&args, &user->user_id);
	BaPutTexts(&args, BaTextArray(kept_out, count));
	(void) BaQueryRow(&permissions_in_emergency, &args, &row);
	return row.values[0];
}

/* The providers that a user sees, in the same way: one, or all of the office [PRV-19]. */
Datum
BaProvidersOf(const BaUser *user)
{
	static BaQuery visible_providers = {
		.sql =
			"SELECT coalesce(array_agg(provider_id ORDER BY provider_id), '{}') FROM bestauth.provider"
			" WHERE office_id = $1 AND ($2 IS NULL OR provider_id = $2)",
		.latest = true,
	};
	BaArgs args = {0};
	BaRow row;

	if (!user->has_office)
		return PointerGetDatum(construct_empty_array(UUIDOID));
	BaPutUuid(&args, &user->office_id);
	BaPutUuid(&args, user->has_provider ? &user->provider_id : NULL);
	(void) BaQueryRow(&visible_providers, &args, &row);
	return row.values[0];
}

void
BaPermissionRequireKnown(char **names, int count)
{
	BaArgs args = {0};
	BaRow row;

	BaPutTexts(&args, BaTextArray(names, count));
	if (BaQueryRow(&find_unknown, &args, &row))
		ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
						errmsg("permission \"%s\" does not exist", BaGetText(&row, 0)),
						errhint("The table bestauth.permission has them all.")));
}

/*
 * Permissions that the caller may give to somebody by name: those that exist and
 * that they hold themselves. web_portal is different: nobody holds it by default,
 * so who manages users gives it to others without holding it [PRT-3].
 */
void
BaPermissionRequireGivable(const BaCaller *caller, char **names, int count)
{
	int i;

	BaPermissionRequireKnown(names, count);
	for (i = 0; i < count; i++)
		if (strcmp(names[i], BA_PERM_WEB_PORTAL) != 0)
			BaAccessRequireHeld(caller, &names[i], 1, "G-08");
}

/*
 * Everything that a user, or a role, holds must be held by who takes it over or
 * gives it: a text array of permissions, a uuid array of companies. web_portal is
 * left out for the reason above.
 */
void
BaPermissionRequireAll(const BaCaller *caller, Datum permissions, Datum companies,
					   const char *company_reason)
{
	Datum *values;
	int count, i;

	if (caller->is_operator)
		return;
	deconstruct_array(DatumGetArrayTypeP(permissions), TEXTOID, -1, false, TYPALIGN_INT,
					  &values, NULL, &count);
	for (i = 0; i < count; i++)
	{
		char *name = TextDatumGetCString(values[i]);

		if (strcmp(name, BA_PERM_WEB_PORTAL) != 0)
			BaAccessRequireHeld(caller, &name, 1, "G-08");
	}
	deconstruct_array(DatumGetArrayTypeP(companies), UUIDOID, UUID_LEN, false,
					  TYPALIGN_CHAR, &values, NULL, &count);
	for (i = 0; i < count; i++)
		if (!BaContextCanAccessCompany(DatumGetUUIDP(values[i])))
			BaAccessRefuse(caller, "G-08", company_reason);
}

/* Does a user hold all of these? web_portal is left out here as well. */
bool
BaPermissionContains(const BaUser *holder, Datum permissions, Datum companies)
{
	static BaQuery is_covered = {
		.sql = "SELECT array_remove($1, 'web_portal') <@ $2 AND $3 <@ $4",
	};
	BaArgs args = {0};
	BaRow row;

	BaPut(&args, TEXTARRAYOID, permissions, false);
	BaPut(&args, TEXTARRAYOID, BaPermissionsOf(holder), false);
	BaPut(&args, UUIDARRAYOID, companies, false);
	BaPut(&args, UUIDARRAYOID, BaCompaniesOf(holder), false);
	return BaQueryRow(&is_covered, &args, &row) && BaGetBool(&row, 0);
}

/* Does one user hold and see all that another does? */
bool
BaPermissionCovers(const BaUser *holder, const BaUser *user)
{
	if ((user->type->holds_all_permissions && !holder->type->holds_all_permissions) ||
		!BaUserReaches(holder, user))
		return false;
	return BaPermissionContains(holder, BaPermissionsOf(user), BaCompaniesOf(user));
}

/*
 * Whoever brings somebody in who was out, or could log in as them, gives away
 * what they hold: they must hold as much.
 */
void
BaPermissionRequireAsMuch(const BaCaller *caller, const BaUser *user)
{
	if (user->type->holds_all_permissions)
		BaAccessRequireAdministrator(caller, "G-08", "act on a company administrator");
	BaPermissionRequireAll(caller, BaPermissionsOf(user), BaCompaniesOf(user),
						   "The user may enter a company that the caller may not.");
}

/* -------------------------------------------------------------------- rules */

static void
RefusePermission(const char *rule, const char *name, const char *why)
{
	ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION),
					errmsg("permission \"%s\" cannot be given", name),
					errdetail("%s", why), BaErrRule(rule)));
}

static bool
FindKind(const char *name, bool *by_name_only, bool *client_only)
{
	BaArgs args = {0};
	BaRow row;

	BaPutText(&args, name);
	if (!BaQueryRow(&find_permission, &args, &row))
		return false; /* the foreign key says so better */
	*by_name_only = BaGetBool(&row, 0);
	*client_only = BaGetBool(&row, 1);
	return true;
}

static bool
IsOwn(const char *name)
{
	int i;

	for (i = 0; i < lengthof(seeds); i++)
		if (strcmp(seeds[i].name, name) == 0)
			return true;
	return false;
}

bool
BaPermissionNameIsValid(const char *name)
{
	return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.") == strlen(name) &&
		   *name >= 'a' && *name <= 'z' && strlen(name) <= BA_MAX_CODE;
}

/* What a permission means is what roles and users were given: it stays so. */
void
BaPermissionRule(BaRowEvent *event, bool restoring)
{
	char *name = BaColumnRequireText(event, "name");

	if (!BaPermissionNameIsValid(name))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("permission name \"%s\" is not valid", name),
			 errdetail(
				 "It has 1 to %d small letters, digits, dots and underscores, and begins with a letter.",
				 BA_MAX_CODE)));
	BaColumnRequireSame(event, "name", "PRT-3");
	BaColumnRequireSame(event, "by_name_only", "PRT-3");
	BaColumnRequireSame(event, "client_only", "PRT-9");
	if (IsOwn(name))
		BaColumnRequireSame(event, "in_emergency", "J-14");
	BaColumnRequireClean(event, "title");
	BaColumnRequireClean(event, "description");
}

/* bestauth's own are not deleted; the application's are, while nobody has them. */
void
BaPermissionDeleteRule(const BaRowEvent *event)
{
	bool isnull;
	char *name = TextDatumGetCString(BaColumn(event, false, "name", &isnull));

	if (IsOwn(name))
		ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION),
						errmsg("permission \"%s\" cannot be deleted", name),
						BaErrRule("PRT-3")));
}

void
BaUserPermissionRule(BaRowEvent *event, bool restoring)
{
	char *name = BaColumnText(event, "permission");
	bool by_name_only, client_only;
	pg_uuid_t user_id;
	BaUser user;

	if (restoring || name == NULL || !BaColumnUuid(event, "user_id", &user_id) ||
		!BaUserLoad(&user_id, &user) || !FindKind(name, &by_name_only, &client_only))
		return;
	if (client_only)
		RefusePermission("PRT-9", name, "Client accounts have it, and nobody else can.");
	if (!user.type->may_hold_permissions)
		RefusePermission("PRT-9", name,
						 psprintf("A user of type %s holds no permissions.",
								  user.type->name));
}

void
BaRolePermissionRule(BaRowEvent *event, bool restoring)
{
	char *name = BaColumnText(event, "permission");
	bool by_name_only, client_only;

	if (restoring || name == NULL || !FindKind(name, &by_name_only, &client_only))
		return;
	if (by_name_only)
		RefusePermission("PRT-3", name,
						 "No role carries it; it is given to a user by name.");
	if (client_only)
		RefusePermission("PRT-9", name, "Client accounts have it, and nobody else can.");
}

/* ---------------------------------------------------------------- functions */

/*
 * The caller's right was checked; the table's triggers check the rest. False if
 * the user had it already.
 */
bool
BaPermissionGive(const BaCompany *company, const BaUser *user, const char *name)
{
	BaArgs args = {0};

	BaPutUuid(&args, &company->company_id);
	BaPutUuid(&args, &user->user_id);
	BaPutText(&args, name);
	return BaQueryExec(&insert_permission, &args) > 0;
}

static void
AuditPermission(const char *action, const BaCompany *company, const BaUser *user,
				const char *name)
{
	BaAudit audit;
	BaJson detail;

	BaUserAudit(&audit, action, company, user);
	BaJsonStart(&detail);
	BaJsonText(&detail, "permission", name);
	audit.detail = BaJsonFinish(&detail);
	BaAuditWrite(&audit);
}

Datum
bestauth_grant_permission(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	char *name = BaArgText(fcinfo, 1, "permission", BA_MAX_CODE);
	BaCompany company;
	BaUser user;

	BaUserActed(&caller, fcinfo, 0, 2, BA_USER_LOCK, &company, &user);
	BaPermissionRequireGivable(&caller, &name, 1);
	if (strcmp(name, BA_PERM_WEB_PORTAL) == 0 && caller.identity != NULL &&
		(BaUuidEqual(&user.user_id, &caller.identity->user_id) ||
		 BaUuidEqual(&user.user_id, &caller.identity->person_id)))
		BaAccessRefuse(&caller, "PRT-3", "Nobody gives this permission to themselves.");
	if (BaPermissionGive(&company, &user, name))
	{
		BaUserTouch(&user.user_id);
		BaOutboxNotice(BA_NOTICE_ACCESS, &user);
		AuditPermission("permission.granted", &company, &user, name);
	}
	PG_RETURN_VOID();
}

Datum
bestauth_revoke_permission(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	char *name = BaArgText(fcinfo, 1, "permission", BA_MAX_CODE);
	BaCompany company;
	BaUser user;
	BaArgs args = {0};

	BaUserActed(&caller, fcinfo, 0, 2, BA_USER_LOCK, &company, &user);
	BaPermissionRequireKnown(&name, 1);
	BaPutUuid(&args, &user.user_id);
	BaPutText(&args, name);
	if (BaQueryExec(&delete_permission, &args) > 0)
	{
		BaUserTouch(&user.user_id);
		BaOutboxNotice(BA_NOTICE_ACCESS, &user);
		AuditPermission("permission.revoked", &company, &user, name);
	}
	PG_RETURN_VOID();
}
