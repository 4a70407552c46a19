/*
 * account.c
 *	  Making accounts, and bringing deleted ones back: where users, credentials,
 *	  roles and mail meet.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "args.h"
#include "bestauth.h"
#include "credential.h"
#include "crypto.h"
#include "errors.h"
#include "outbox.h"
#include "password_policy.h"
#include "permission.h"
#include "query.h"
#include "role.h"
#include "token.h"
#include "user.h"

PG_FUNCTION_INFO_V1(bestauth_create_user);
PG_FUNCTION_INFO_V1(bestauth_restore_user);
PG_FUNCTION_INFO_V1(bestauth_resend_setup_link);

static BaQuery insert_user = {
	.sql =
		"INSERT INTO bestauth.user_account (company_id, username, user_type, first_name, last_name,"
		" email, billing_service_id) VALUES ($1, $2, $3, $4, $5, $6, $7)"
		" ON CONFLICT DO NOTHING RETURNING user_id",
};

static BaQuery lock_contact = {
	.sql =
		"SELECT true FROM bestauth.contact WHERE contact_id ="
		" (SELECT contact_id FROM bestauth.user_account WHERE user_id = $1) FOR NO KEY UPDATE",
	.latest = true,
};

static BaQuery lock_employee = {
	.sql =
		"SELECT true FROM bestauth.employee WHERE employee_id ="
		" (SELECT employee_id FROM bestauth.user_account WHERE user_id = $1) FOR NO KEY UPDATE",
	.latest = true,
};

static BaQuery mark_restored = {
	.sql = "UPDATE bestauth.user_account SET deleted_at = NULL WHERE user_id = $1",
	.latest = true,
};

/* What the caller wants made. */
typedef struct NewUser
{
	const char *username;
	const BaUserType *type;
	const char *first_name;
	const char *last_name;
	const char *email;
	char *password;
	BaPasswordHash hash;
	const char *service;
	BaTextList roles;
	BaTextList permissions;
} NewUser;

static NewUser
TakeArguments(FunctionCallInfo fcinfo)
{
	NewUser new_user = {0};

	new_user.username = BaArgText(fcinfo, 0, "username", BA_MAX_USERNAME);
	new_user.type = BaUserTypeRequire(BaArgText(fcinfo, 1, "user_type", BA_MAX_CODE));
	new_user.first_name = BaArgNameOrNull(fcinfo, 2, "first_name");
	new_user.last_name = BaArgNameOrNull(fcinfo, 3, "last_name");
	new_user.email = BaArgTextOrNull(fcinfo, 4, "email", BA_MAX_EMAIL);
	new_user.password = PG_ARGISNULL(5) ? NULL : BaArgSecret(fcinfo, 5, "password");
	new_user.service = BaArgTextOrNull(fcinfo, 6, "billing_service", BA_MAX_CODE);
	new_user.roles = BaArgTextArray(fcinfo, 7, "roles");
	new_user.permissions = BaArgTextArray(fcinfo, 8, "permissions");
	return new_user;
}

/* The policy looks at what the user will be; the hash is made before any lock is taken. */
static void
CheckPassword(const BaCompany *company, NewUser *new_user)
{
	BaUser user = {0};

	if (new_user->password == NULL)
	{
		if (new_user->type->needs_billing_service)
			ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION),
							errmsg("key \"%s\" needs a password", new_user->username),
							BaErrRule("IBS-5")));
		return;
	}
	user.username = (char *) new_user->username;
	user.first_name = (char *) new_user->first_name;
	user.last_name = (char *) new_user->last_name;
	user.email = (char *) new_user->email;
	BaPasswordPolicyRequire(new_user->password, company, &user);
	new_user->hash = BaPasswordMake(new_user->password);
	BaSecretForget(new_user->password);
}

/* Everything that may be wrong is looked at before anything is made. */
static void
CheckNewUser(const BaCaller *caller, const NewUser *new_user)
{
	if (new_user->type->holds_all_permissions)
		BaAccessRequireAdministrator(caller, "G-08", "make a company administrator");
	if (new_user->type->needs_portal || new_user->type->by_assertion)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("users of type %s are not made with create_user",
							   new_user->type->name),
						BaErrRule(new_user->type->by_assertion ? "TPB-5" : "PRT-2")));
	if (new_user->permissions.count > 0)
		BaPermissionRequireGivable(caller, new_user->permissions.items,
								   new_user->permissions.count);
}

/* One answer for a company that is not there and one that is no service [H-01]. */
static void
FindService(const NewUser *new_user, BaCompany *service)
{
	if (!BaCompanyFind(new_user->service, service) || !service->registered)
		ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION),
						errmsg("company \"%s\" is not a registered billing service",
							   new_user->service),
						errhint("bestauth.list_billing_services() lists them."),
						BaErrRule("TPB-2")));
}

static void
InsertUser(const BaCompany *company, const NewUser *new_user, BaUser *user)
{
	BaCompany service;
	BaArgs args = {0};
	BaRow row;
	pg_uuid_t user_id;

	if (new_user->service != NULL)
		FindService(new_user, &service);
	BaPutUuid(&args, &company->company_id);
	BaPutText(&args, new_user->username);
	BaPutText(&args, new_user->type->name);
	BaPutText(&args, new_user->first_name);
	BaPutText(&args, new_user->last_name);
	BaPutText(&args, new_user->email);
	BaPutUuid(&args, new_user->service ? &service.company_id : NULL);
	if (!BaQueryRow(&insert_user, &args, &row))
		BaUserRefuseTaken(new_user->username);
	(void) BaGetUuid(&row, 0, &user_id);
	if (!BaUserLoad(&user_id, user))
		elog(ERROR, "the user just made is gone");
}

static void
AuditNewUser(const BaCompany *company, const BaUser *user, const NewUser *new_user)
{
	BaAudit audit;
	BaJson detail;

	BaUserAudit(&audit, "user.created", company, user);
	BaJsonStart(&detail);
	BaJsonText(&detail, "user_type", user->type->name);
	BaJsonText(&detail, "billing_service", new_user->service);
	if (new_user->roles.count > 0)
		BaJsonTexts(&detail, "roles", new_user->roles.items, new_user->roles.count);
	if (new_user->permissions.count > 0)
		BaJsonTexts(&detail, "permissions", new_user->permissions.items,
					new_user->permissions.count);
	audit.detail = BaJsonFinish(&detail);
	BaAuditWrite(&audit);
}

Datum
bestauth_create_user(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	NewUser new_user = TakeArguments(fcinfo);
	BaCompany company;
	BaPortal portal;
	BaUser user;
	int i;

	BaCompanyActed(&caller, BaArgTextOrNull(fcinfo, 9, "company", BA_MAX_CODE), &company);
	if (BaUserPortalActed(&caller, &company,
						  BaArgTextOrNull(fcinfo, 10, "portal", BA_MAX_CODE), &portal))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("users of a portal are not made with create_user"),
				 errhint("bestauth.create_portal_account() makes accounts of clients."),
				 BaErrRule("PRT-2")));
	CheckNewUser(&caller, &new_user);
	CheckPassword(&company, &new_user);
	InsertUser(&company, &new_user, &user);
	for (i = 0; i < new_user.permissions.count; i++)
		(void) BaPermissionGive(&company, &user, new_user.permissions.items[i]);
	AuditNewUser(&company, &user, &new_user);
	for (i = 0; i < new_user.roles.count; i++)
		BaRoleGive(&caller, &company, &user, new_user.roles.items[i]);
	if (new_user.password != NULL)
		BaCredentialSet(&user.user_id, &new_user.hash, false);
	else
		BaOutboxPutSetup(&user);
	if (user.has_service)
		BaOutboxTellAdministrators(BA_NOTICE_BILLING_USER, &caller, &user.company_id,
								   &user.user_id);
	return UUIDPGetDatum(memcpy(palloc(UUID_LEN), &user.user_id, UUID_LEN));
}

/*
 * What the user held comes back with them, so the caller must hold it. The password
 * does not: a new one is set by the link, or by reset_password.
 */
Datum
bestauth_restore_user(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	BaCompany company;
	BaUser user;
	BaArgs args = {0};
	BaAudit audit;

	/* Whose account it is, is locked before it, here as elsewhere. */
	BaUserActed(&caller, fcinfo, 0, 1, BA_USER_DELETED, &company, &user);
	BaPutUuid(&args, &user.user_id);
	(void) BaQueryExec(user.type->needs_contact ? &lock_contact : &lock_employee, &args);
	memset(&args, 0, sizeof(args));
	BaUserActed(&caller, fcinfo, 0, 1, BA_USER_LOCK | BA_USER_DELETED, &company, &user);
	/* What a client may do, no one of the staff holds: who makes their accounts may. */
	if (!user.type->needs_contact)
		BaPermissionRequireAsMuch(&caller, &user);
	else if (!caller.is_operator && !BaContextHasPermission(BA_PERM_WEB_PORTAL))
		BaAccessRefuse(&caller, "PRT-3", "It takes the permission \"web_portal\".");
	if (!user.deleted)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("user \"%s\" is not deleted", user.username),
						BaErrRule("PRV-14")));
	BaCredentialRemove(&user.user_id);
	BaPutUuid(&args, &user.user_id);
	(void) BaQueryExec(&mark_restored, &args);
	BaUserAudit(&audit, "user.restored", &company, &user);
	BaAuditWrite(&audit);
	if (user.email != NULL)
		BaOutboxPutSetup(&user);
	PG_RETURN_VOID();
}

Datum
bestauth_resend_setup_link(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	BaCompany company;
	BaUser user;
	BaCredential credential;
	BaAudit audit;

	BaUserActed(&caller, fcinfo, 0, 1, BA_USER_LOCK, &company, &user);
	BaCredentialFind(&user.user_id, &credential);
	if (credential.password.hash != NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("user \"%s\" has set a password already", user.username),
						errhint("bestauth.reset_password() makes a new one."),
						BaErrRule("IBS-5")));
	if (user.email == NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("user \"%s\" has no e-mail address", user.username),
						BaErrRule("IBS-5")));
	BaTokenSupersede(BA_TOKEN_PASSWORD_SETUP, &user);
	BaOutboxPutSetup(&user);
	BaUserAudit(&audit, "setup_link.resent", &company, &user);
	BaAuditWrite(&audit);
	PG_RETURN_VOID();
}
