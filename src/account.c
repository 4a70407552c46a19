/*
 * account.c
 *	  Making accounts and setting their passwords: where users, credentials,
 *	  tokens, roles and mail meet.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "args.h"
#include "bestauth.h"
#include "credential.h"
#include "crypto.h"
#include "errors.h"
#include "instance.h"
#include "outbox.h"
#include "permission.h"
#include "query.h"
#include "role.h"
#include "token.h"
#include "user.h"

PG_FUNCTION_INFO_V1(bestauth_create_user);
PG_FUNCTION_INFO_V1(bestauth_set_password);
PG_FUNCTION_INFO_V1(bestauth_reset_password);

static BaQuery insert_user = {
	.sql =
		"INSERT INTO bestauth.user_account (company_id, username, user_type, first_name, last_name,"
		" email, billing_service_id) VALUES ($1, $2, $3, $4, $5, $6, $7)"
		" ON CONFLICT DO NOTHING RETURNING user_id",
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
	const char *service;
	BaTextList roles;
	BaTextList permissions;
} NewUser;

static NewUser
TakeArguments(FunctionCallInfo fcinfo)
{
	NewUser new_user;

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

/* Everything that may be wrong is looked at before anything is made. */
static void
CheckNewUser(const BaCaller *caller, const NewUser *new_user)
{
	if (new_user->type->holds_all_permissions)
		BaAccessRequireAdministrator(caller, "G-08", "make a company administrator");
	if (new_user->type->needs_portal)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("users of type %s are not made with create_user",
							   new_user->type->name),
						BaErrRule("PRT-2")));
	if (new_user->password != NULL)
		BaPasswordRequire(new_user->password, new_user->username);
	else if (new_user->type->needs_billing_service)
		ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION),
						errmsg("key \"%s\" needs a password", new_user->username),
						BaErrRule("IBS-5")));
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
		ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION),
						errmsg("user name \"%s\" is taken", new_user->username),
						errdetail("Names of deleted users stay taken.")));
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
	BaUser user;
	int i;

	BaAccessRequire(&caller, BA_PERM_MANAGE_USERS, "IBS-2");
	BaCompanyActed(&caller, BaArgTextOrNull(fcinfo, 9, "company", BA_MAX_CODE), &company);
	BaUserRefusePortal(&caller, BaArgTextOrNull(fcinfo, 10, "portal", BA_MAX_CODE));
	CheckNewUser(&caller, &new_user);
	InsertUser(&company, &new_user, &user);
	for (i = 0; i < new_user.permissions.count; i++)
		(void) BaPermissionGive(&company, &user, new_user.permissions.items[i]);
	AuditNewUser(&company, &user, &new_user);
	for (i = 0; i < new_user.roles.count; i++)
		BaRoleGive(&caller, &company, &user, new_user.roles.items[i]);
	if (new_user.password != NULL)
		BaCredentialSet(&user.user_id, new_user.password, false);
	else
		BaOutboxPut(BA_MAIL_PASSWORD_SETUP, &company, &user);
	BaSecretForget(new_user.password);
	return UUIDPGetDatum(memcpy(palloc(UUID_LEN), &user.user_id, UUID_LEN));
}

static void
StartPasswordAudit(BaAudit *audit, const char *action, const BaCompany *company,
				   const BaUser *user)
{
	BaUserAudit(audit, action, company, user);
	audit->user_id = audit->person_id = &user->user_id;
	audit->username = audit->person = user->username;
}

/* That somebody came with a token that is no good any more. */
static void
AuditRefusedToken(const BaToken *token)
{
	BaCompany company;
	BaAudit audit;
	BaJson detail;

	if (token->state == BA_TOKEN_UNKNOWN ||
		!BaCompanyLoad(&token->user.company_id, &company))
		return;
	StartPasswordAudit(&audit, "password.refused", &company, &token->user);
	audit.outcome = "denied";
	BaJsonStart(&detail);
	BaJsonText(&detail, "reason",
			   token->state == BA_TOKEN_EXPIRED ? "token expired" :
			   token->state == BA_TOKEN_USED    ? "token used already" :
												  "token replaced");
	audit.detail = BaJsonFinish(&detail);
	BaAuditWriteDurably(&audit);
}

Datum
bestauth_set_password(PG_FUNCTION_ARGS)
{
	char *secret = BaArgSecret(fcinfo, 0, "token");
	char *password = BaArgSecret(fcinfo, 1, "new_password");
	BaToken token;
	BaTokenState state;
	BaCompany company;
	BaAudit audit;
	BaCredential before;

	BaInstanceRequireOpen();
	state = BaTokenLockUser(secret, "password_", &token);
	if (state != BA_TOKEN_VALID)
	{
		AuditRefusedToken(&token);
		PG_RETURN_TEXT_P(
			cstring_to_text(state == BA_TOKEN_EXPIRED ? "expired" : "invalid"));
	}
	BaPasswordRequire(password, token.user.username);
	BaCredentialFind(&token.user.user_id, &before);
	if (before.must_change && before.password.hash != NULL &&
		BaPasswordVerify(password, &before.password))
		ereport(ERROR,
				(errcode(BA_ERRCODE_PASSWORD_REFUSED), errmsg("password is refused"),
				 errdetail("It is the temporary password.")));
	BaCredentialSet(&token.user.user_id, password, false);
	BaTokenUse(&token);
	BaSecretForget(password);
	if (!BaCompanyLoad(&token.user.company_id, &company))
		elog(ERROR, "the user's company is gone");
	StartPasswordAudit(&audit, "password.set", &company, &token.user);
	BaAuditWrite(&audit);
	PG_RETURN_TEXT_P(cstring_to_text("accepted"));
}

/* Whoever resets a password could log in with it: they must hold as much. */
static void
RequireAsMuch(const BaCaller *caller, const BaUser *user)
{
	if (user->type->holds_all_permissions)
		BaAccessRequireAdministrator(caller, "G-08", "act on a company administrator");
	BaPermissionRequireAll(caller, BaPermissionsOf(user), BaCompaniesOf(user),
						   "The user may enter a company that the caller may not.");
}

Datum
bestauth_reset_password(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	BaCompany company;
	BaUser user;
	BaAudit audit;
	char *password;
	text *result;

	BaAccessRequire(&caller, BA_PERM_MANAGE_USERS, "PRV-13");
	BaUserActed(&caller, fcinfo, 0, 1, &company, &user);
	RequireAsMuch(&caller, &user);
	password = BaRandomPassword();
	/* A key is shared by many: none of them could be made to change it. */
	BaCredentialSet(&user.user_id, password, !user.type->needs_second_part);
	BaUserAudit(&audit, "password.reset", &company, &user);
	BaAuditWrite(&audit);
	result = cstring_to_text(password);
	BaSecretForget(password);
	PG_RETURN_TEXT_P(result);
}
