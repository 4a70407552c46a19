/*
 * portal_account.c
 *	  Accounts of clients: made by staff from the client's chart, or asked for by the
 *	  client on the portal's page.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "args.h"
#include "bestauth.h"
#include "credential.h"
#include "crypto.h"
#include "errors.h"
#include "instance.h"
#include "mail_template.h"
#include "outbox.h"
#include "password_policy.h"
#include "portal_account.h"
#include "query.h"
#include "settings.h"
#include "signup.h"
#include "token.h"
#include "username.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_create_portal_account);
PG_FUNCTION_INFO_V1(bestauth_portal_instructions);
PG_FUNCTION_INFO_V1(bestauth_register_portal_account);

static BaQuery insert_account = {
	.sql =
		"INSERT INTO bestauth.user_account AS u (company_id, portal_id, contact_id, username, user_type,"
		" first_name, last_name, email, verified_at)"
		" VALUES ($1, $2, $3, $4, 'client', $5, $6, $4, CASE WHEN $7 THEN clock_timestamp() END)"
		" ON CONFLICT (company_id, portal_id, lower(username COLLATE \"C\")) DO UPDATE SET"
		" contact_id = excluded.contact_id, first_name = excluded.first_name, last_name = excluded.last_name,"
		" verified_at = excluded.verified_at, deleted_at = NULL"
		" WHERE u.deleted_at IS NOT NULL AND u.verified_at IS NULL RETURNING user_id",
};

/* The account that the contact has in the portal, with its row locked. */
static BaQuery find_account = {
	.sql =
		"SELECT user_id FROM bestauth.user_account WHERE contact_id = $1 AND portal_id = $2"
		" AND deleted_at IS NULL FOR NO KEY UPDATE",
	.latest = true,
};

static void
AuditAccount(const char *action, const BaCompany *company, const BaPortal *portal,
			 const BaUser *user)
{
	BaAudit audit;
	BaJson detail;

	BaUserAudit(&audit, action, company, user);
	BaJsonStart(&detail);
	BaJsonText(&detail, "portal", portal->code);
	audit.detail = BaJsonFinish(&detail);
	BaAuditWrite(&audit);
}

/*
 * False if the address has an account in the portal. One that was deleted before
 * anybody proved the address holds nothing: it is made anew in its place.
 */
bool
BaPortalAccountMake(const BaPortal *portal, const BaContact *contact, bool verified,
					BaUser *user)
{
	BaArgs args = {0};
	BaRow row;
	pg_uuid_t user_id;

	BaPutUuid(&args, &portal->company_id);
	BaPutUuid(&args, &portal->portal_id);
	BaPutUuid(&args, &contact->contact_id);
	BaPutText(&args, contact->email);
	BaPutText(&args, contact->first_name);
	BaPutText(&args, contact->last_name);
	BaPutBool(&args, verified);
	if (!BaQueryRow(&insert_account, &args, &row))
		return false;
	(void) BaGetUuid(&row, 0, &user_id);
	BaCredentialRemove(&user_id);
	if (!BaUserLoad(&user_id, user))
		elog(ERROR, "the account just made is gone");
	return true;
}

/* ------------------------------------------------------------- from the chart */

/* What must be right before anything is made [PRT-2] [PRT-4]. */
static void
CheckContact(const BaContact *contact, const char *confirmed)
{
	if (!BaContactMayHaveAccount(contact->contact_type))
		ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION),
						errmsg("contact of type %s cannot have a portal account",
							   contact->contact_type),
						errdetail("Contacts of type client and individual may have one."),
						BaErrRule("PRT-2")));
	if (contact->email == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("contact has no e-mail address"),
				 errhint("Add one with bestauth.update_contact()."), BaErrRule("PRT-4")));
	BaEmailRequire(confirmed);
	if (pg_strcasecmp(contact->email, confirmed) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("e-mail address \"%s\" is not that of the contact", confirmed),
				 errdetail("The contact's address is \"%s\".", contact->email),
				 BaErrRule("PRT-4")));
	if (contact->first_name == NULL || contact->last_name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION), errmsg("contact has no full name"),
				 errdetail("Each person has a first name and a last name."),
				 BaErrRule("IBS-3")));
}

static void
RefuseActive(const BaUser *user)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNIQUE_VIOLATION),
			 errmsg("contact has a portal account already"),
			 errdetail("Its user name is \"%s\".", user->username), BaErrRule("PRT-2")));
}

/*
 * The account that the contact has: an active one stays as it is, one that waits for
 * its owner is sent another link. False if there is none.
 */
static bool
Reinvite(const BaPortal *portal, const BaContact *contact, BaUser *user)
{
	BaArgs args = {0};
	BaRow row;
	pg_uuid_t user_id;

	BaPutUuid(&args, &contact->contact_id);
	BaPutUuid(&args, &portal->portal_id);
	if (!BaQueryRow(&find_account, &args, &row) || !BaGetUuid(&row, 0, &user_id) ||
		!BaUserLoad(&user_id, user))
		return false;
	if (user->verified || user->locked)
		RefuseActive(user);
	return true;
}

/* The link by which the client sets a password, or if that is set, proves the address. */
static void
SendLink(const BaUser *user)
{
	BaCredential credential;

	BaCredentialFind(&user->user_id, &credential);
	BaTokenSupersede(BA_TOKEN_PASSWORD_SETUP, user);
	BaTokenSupersede(BA_TOKEN_EMAIL_VERIFICATION, user);
	if (credential.password.hash == NULL)
		BaOutboxPutSetup(user);
	else
		BaOutboxPut(BA_MAIL_EMAIL_VERIFICATION, user);
}

Datum
bestauth_create_portal_account(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	char *confirmed = BaArgText(fcinfo, 1, "confirm_email", BA_MAX_EMAIL);
	BaCompany company;
	BaPortal portal;
	BaContact contact;
	BaUser user;
	bool again;

	BaContactActed(&caller, fcinfo, 3, &company, &contact);
	BaPortalRequire(&caller, &company, BaArgTextOrNull(fcinfo, 2, "portal", BA_MAX_CODE),
					BA_PORTAL_CLIENT, &portal);
	CheckContact(&contact, confirmed);
	again = Reinvite(&portal, &contact, &user);
	if (!again && !BaPortalAccountMake(&portal, &contact, false, &user))
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("e-mail address \"%s\" has an account in portal \"%s\" already",
						contact.email, portal.code),
				 errdetail("Addresses of deleted accounts stay taken."),
				 errhint("bestauth.restore_user() brings a deleted one back."),
				 BaErrRule("PRT-2")));
	SendLink(&user);
	AuditAccount(again ? "portal_account.invited_again" : "portal_account.created",
				 &company, &portal, &user);
	return BaUuidDatum(&user.user_id);
}

/* ----------------------------------------------------------------- for printing */

/* The account that the first argument names; the operator need not name the company. */
static void
LoadAccount(const BaCaller *caller, FunctionCallInfo fcinfo, BaCompany *company,
			BaUser *user)
{
	char *code = BaArgTextOrNull(fcinfo, 1, "company", BA_MAX_CODE);
	bool any = caller->identity == NULL && code == NULL;
	bool found;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"account_id\" must not be null")));
	found = BaUserLoad(PG_GETARG_UUID_P(0), user) && user->type->needs_contact &&
			!user->deleted;
	if (any && found)
		(void) BaCompanyLoad(&user->company_id, company);
	else if (!any)
		BaCompanyActed(caller, code, company);
	if (found && BaUuidEqual(&user->company_id, &company->company_id))
		return;
	if (caller->identity != NULL)
		BaAccessRefuse(caller, "H-01",
					   "There is no such account in the session's company.");
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND), errmsg("portal account %s does not exist",
													BaUuidText(PG_GETARG_UUID_P(0)))));
}

Datum
bestauth_portal_instructions(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	BaCompany company;
	BaPortal portal;
	BaUser user;
	BaMailValue values[7];
	BaMailText page;

	LoadAccount(&caller, fcinfo, &company, &user);
	if (!BaPortalLoad(&user.portal_id, &portal))
		elog(ERROR, "the account's portal is gone");
	values[0] = (BaMailValue){"portal", portal.name};
	values[1] = (BaMailValue){"company", company.name};
	values[2] = (BaMailValue){"url", portal.url};
	values[3] = (BaMailValue){"username", user.username};
	values[4] = (BaMailValue){"first_name", user.first_name};
	values[5] = (BaMailValue){"last_name", user.last_name};
	values[6] = (BaMailValue){"valid_for", BaMailDuration(BaVerificationLifetime)};
	BaMailTemplateRender(BaMailKindFind(BA_PORTAL_INSTRUCTIONS, NULL),
						 &company.company_id, values, lengthof(values), &page);
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%s\n\n%s", page.subject, page.body)));
}

/* ----------------------------------------------------------- on the portal's page */

/* What the policy looks at. */
static BaUser
FutureUser(const BaSignup *signup)
{
	BaUser user = {0};

	user.username = user.email = signup->email;
	user.first_name = signup->first_name;
	user.last_name = signup->last_name;
	return user;
}

static void
AuditSignup(const BaCompany *company, const BaPortal *portal, const BaSignup *signup)
{
	BaAudit audit;
	BaJson detail;

	BaCompanyAudit(&audit, "portal_account.requested", company);
	audit.object_type = "portal";
	audit.object_id = portal->code;
	BaJsonStart(&detail);
	BaJsonText(&detail, "email", signup->email);
	audit.detail = BaJsonFinish(&detail);
	BaAuditWrite(&audit);
}

/*
 * The company and portal of a page that anybody can open, of this kind unless that is
 * NULL. A company without such a page and one that is not there give the same answer.
 */
void
BaPortalOpen(FunctionCallInfo fcinfo, const char *kind, BaCompany *company,
			 BaPortal *portal)
{
	BaCaller caller = {0};
	char *code = BaArgText(fcinfo, 0, "company", BA_MAX_CODE);
	BaCompany typed = {.code = code};

	if (BaCompanyFind(code, company))
		typed.company_id = company->company_id;
	BaPortalRequire(&caller, &typed, BaArgTextOrNull(fcinfo, 1, "portal", BA_MAX_CODE),
					PG_ARGISNULL(1) ? BA_PORTAL_CLIENT : kind, portal);
}

/*
 * Nothing here asks whether the address has an account: the same is read, hashed and
 * written in every case, and what comes of it shows in the mailbox alone.
 */
static Datum
RegisterPortalAccount(PG_FUNCTION_ARGS)
{
	BaCompany company;
	BaPortal portal;
	BaSignup signup = {0};
	BaSignupMail mail;
	BaUser user;
	char *password;
	pg_uuid_t signup_id;

	BaInstanceRequireOpen();
	PreventCommandIfReadOnly("register_portal_account()");
	signup.email = BaArgText(fcinfo, 2, "email", BA_MAX_EMAIL);
	password = BaArgSecret(fcinfo, 3, "password");
	signup.first_name = BaArgName(fcinfo, 4, "first_name");
	signup.last_name = BaArgName(fcinfo, 5, "last_name");
	BaEmailRequire(signup.email);
	BaPortalOpen(fcinfo, BA_PORTAL_CLIENT, &company, &portal);
	user = FutureUser(&signup);
	BaPasswordPolicyRequire(password, &company, &user);
	signup.password = BaPasswordMake(password);
	BaSecretForget(password);
	signup_id = BaSignupPut(&portal, &signup);
	mail.signup_id = &signup_id;
	mail.company_id = &company.company_id;
	mail.email = signup.email;
	BaOutboxPutSignup(&mail);
	AuditSignup(&company, &portal, &signup);
	PG_RETURN_TEXT_P(cstring_to_text("verification_sent"));
}

Datum
bestauth_register_portal_account(PG_FUNCTION_ARGS)
{
	return BaContextAside(RegisterPortalAccount, fcinfo);
}
