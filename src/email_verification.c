/*
 * email_verification.c
 *	  The link that proves an address: it makes an account active, or makes the
 *	  account that was asked for with that address. It gives no session: whoever
 *	  opened it logs in like everybody else.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "args.h"
#include "bestauth.h"
#include "credential.h"
#include "fold.h"
#include "instance.h"
#include "outbox.h"
#include "portal_account.h"
#include "query.h"
#include "signup.h"
#include "token.h"
#include "username.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_peek_verification);
PG_FUNCTION_INFO_V1(bestauth_verify_email);
PG_FUNCTION_INFO_V1(bestauth_resend_verification);

static BaQuery mark_verified = {
	.sql = "UPDATE bestauth.user_account SET verified_at = clock_timestamp()"
		   " WHERE user_id = $1 AND verified_at IS NULL",
	.latest = true,
};

static Datum
Outcome(const char *outcome)
{
	PG_RETURN_TEXT_P(cstring_to_text(outcome));
}

/* The link is no good; the refusal outlives the caller's transaction. */
static Datum
Refuse(const BaToken *token)
{
	bool known = token->state != BA_TOKEN_UNKNOWN && token->has_user;
	BaCompany company;
	BaAudit audit;
	BaJson detail;

	if (known)
	{
		BaUserCompany(&token->user, &company);
		BaUserOwnAudit(&audit, "email.refused", &company, &token->user);
	}
	else
		BaAuditStart(&audit, "email.refused");
	audit.outcome = "denied";
	BaJsonStart(&detail);
	BaJsonText(&detail, "reason",
			   token->state == BA_TOKEN_VALID ? "the address has an account" :
												BaTokenFault(token->state));
	audit.detail = BaJsonFinish(&detail);
	BaAuditWriteFolded(&audit,
					   known ? psprintf("email/%s", BaUuidText(&token->user.user_id)) :
							   "email");
	/* A good link that comes too late is no good. */
	return Outcome(token->state == BA_TOKEN_VALID ? "invalid" :
													BaTokenOutcome(token->state));
}

/* Tells what a link is good for; writes nothing, so a mail scanner can't burn it. */
Datum
bestauth_peek_verification(PG_FUNCTION_ARGS)
{
	char *secret = BaArgSecret(fcinfo, 0, "token");
	BaToken token;

	BaInstanceRequireOpen();
	return Outcome(
		BaTokenOutcome(BaTokenPeek(secret, BA_TOKEN_EMAIL_VERIFICATION, &token)));
}

/* ---------------------------------------------------------------- verifying */

/* An account that is there: it becomes active. */
static Datum
VerifyUser(const char *secret, BaToken *token)
{
	BaCompany company;
	BaArgs args = {0};
	BaAudit audit;

	if (BaTokenLockUser(secret, BA_TOKEN_EMAIL_VERIFICATION, token) != BA_TOKEN_VALID)
		return Refuse(token);
	BaUserCompany(&token->user, &company);
	BaTokenUse(token);
	BaTokenSupersede(BA_TOKEN_EMAIL_VERIFICATION, &token->user);
	BaPutUuid(&args, &token->user.user_id);
	(void) BaQueryExec(&mark_verified, &args);
	BaUserOwnAudit(&audit, "email.verified", &company, &token->user);
	BaAuditWrite(&audit);
	return Outcome("accepted");
}

/* An account that was asked for: it is made, with a contact, and is active at once. */
static Datum
VerifySignup(const char *secret, BaToken *token)
{
	BaSignup signup;
	BaPortal portal;
	BaCompany company;
	BaContact contact = {.contact_type = "client"};
	BaUser user;
	BaAudit audit;

	/* Of several links of one sign-up, one. */
	if (!BaSignupLock(&token->signup_id, &signup))
		token->state = BA_TOKEN_EXPIRED;
	else
		(void) BaTokenLock(secret, BA_TOKEN_EMAIL_VERIFICATION, token);
	if (token->state == BA_TOKEN_VALID && !signup.pending)
		token->state = BA_TOKEN_EXPIRED;
	if (token->state != BA_TOKEN_VALID)
		return Refuse(token);
	if (!BaCompanyLoad(&signup.company_id, &company))
		elog(ERROR, "the company of a sign-up is gone");
	/* The address may have got an account another way since the mail went out. */
	if (signup.password.hash == NULL || !BaPortalLoad(&signup.portal_id, &portal) ||
		(BaUserFind(&signup.company_id, &signup.portal_id, signup.email, &user) &&
		 BaUserHoldsAddress(&user)))
		return Refuse(token);
	contact.first_name = signup.first_name;
	contact.last_name = signup.last_name;
	contact.email = signup.email;
	contact.contact_id = BaContactCreate(&company, &contact);
	if (!BaPortalAccountMake(&portal, &contact, true, &user))
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("the address got an account at the same moment")));
	BaCredentialSet(&user.user_id, &signup.password, false);
	BaSignupUse(&signup);
	BaTokenUse(token);
	BaUserOwnAudit(&audit, "portal_account.registered", &company, &user);
	BaAuditWrite(&audit);
	return Outcome("accepted");
}

static Datum
VerifyEmail(PG_FUNCTION_ARGS)
{
	char *secret = BaArgSecret(fcinfo, 0, "token");
	BaToken token;

	BaInstanceRequireOpen();
	PreventCommandIfReadOnly("verify_email()");
	if (BaTokenPeek(secret, BA_TOKEN_EMAIL_VERIFICATION, &token) != BA_TOKEN_VALID)
		return Refuse(&token);
	return token.has_user ? VerifyUser(secret, &token) : VerifySignup(secret, &token);
}

Datum
bestauth_verify_email(PG_FUNCTION_ARGS)
{
	return BaContextAside(VerifyEmail, fcinfo);
}

/* ---------------------------------------------------------------- once more */

/* What of an account, or of a sign-up, there is to send. */
typedef struct Waiting
{
	bool has_user;
	BaUser user;
	bool has_signup;
	BaSignup signup;
	const char *kind;  /* NULL: nothing */
	const char *fault; /* why nothing */
} Waiting;

/*
 * The account with that address. Of clients it is the user name; of providers several
 * may have it: the newest that waits for it to be verified comes first.
 */
static bool
FindAccount(const BaCompany *company, const BaPortal *portal, const char *email,
			BaUser *user)
{
	static BaQuery find_account = {
		.sql =
			"SELECT user_id FROM bestauth.user_account WHERE portal_id = $1"
			" AND lower(email COLLATE \"C\") = lower($2 COLLATE \"C\") AND deleted_at IS NULL"
			" ORDER BY verified_at IS NOT NULL, user_id DESC LIMIT 1",
		.latest = true,
	};
	pg_uuid_t user_id = {{0}};
	BaArgs args = {0};
	BaRow row;

	if (strcmp(portal->kind, BA_PORTAL_CLIENT) == 0)
		return BaUserFind(&company->company_id, &portal->portal_id, email, user) &&
			   BaUserHoldsAddress(user);
	BaPutUuid(&args, &portal->portal_id);
	BaPutText(&args, email);
	if (BaQueryRow(&find_account, &args, &row))
		(void) BaGetUuid(&row, 0, &user_id);
	return BaUserLoad(&user_id, user);
}

/*
 * The same is read whether there is an account, a sign-up or neither: a caller can see
 * which tables were.
 */
static void
FindWaiting(const BaCompany *company, const BaPortal *portal, const char *email,
			Waiting *waiting)
{
	static const pg_uuid_t nobody = {{0}};
	const pg_uuid_t *user_id, *signup_id;
	bool user_flooded, signup_flooded;
	BaCredential credential;
	const char *kind;

	waiting->has_user = FindAccount(company, portal, email, &waiting->user);
	waiting->has_signup = BaSignupFind(portal, email, &waiting->signup);
	user_id = waiting->has_user ? &waiting->user.user_id : &nobody;
	signup_id = waiting->has_signup ? &waiting->signup.signup_id : &nobody;
	BaCredentialFind(user_id, &credential);
	kind = credential.password.hash != NULL            ? BA_MAIL_EMAIL_VERIFICATION :
		   strcmp(portal->kind, BA_PORTAL_CLIENT) == 0 ? BA_MAIL_PORTAL_INVITE :
														 BA_MAIL_PASSWORD_SETUP;
	user_flooded = BaOutboxIsFlooded(user_id, kind);
	signup_flooded = BaOutboxIsFlooded(signup_id, BA_MAIL_EMAIL_VERIFICATION);
	if (waiting->has_user)
		waiting->fault = waiting->user.deleted  ? "account deleted" :
						 waiting->user.locked   ? "account locked" :
						 waiting->user.verified ? "verified already" :
						 user_flooded           ? "a link was sent already" :
												  NULL;
	else
		waiting->fault = !waiting->has_signup     ? "unknown address" :
						 !waiting->signup.pending ? "sign-up expired" :
						 signup_flooded           ? "a link was sent already" :
													NULL;
	waiting->kind = waiting->fault    ? NULL :
					waiting->has_user ? kind :
										BA_MAIL_EMAIL_VERIFICATION;
}

/*
 * From outside always the same: what there is to send, and the audit row, are
 * written by the writer.
 */
static Datum
ResendVerification(PG_FUNCTION_ARGS)
{
	char *email = BaArgText(fcinfo, 2, "email", BA_MAX_EMAIL);
	BaCompany company;
	BaPortal portal;
	Waiting waiting;
	BaSignupMail mail;
	BaAudit audit;
	BaJson detail;

	BaInstanceRequireOpen();
	PreventCommandIfReadOnly("resend_verification()");
	BaEmailRequire(email);
	BaPortalOpen(fcinfo, NULL, &company, &portal);
	FindWaiting(&company, &portal, email, &waiting);
	if (waiting.has_user)
		BaUserOwnAudit(&audit, "verification.requested", &company, &waiting.user);
	else
	{
		BaCompanyAudit(&audit, "verification.requested", &company);
		audit.object_type = "portal";
		audit.object_id = portal.code;
	}
	audit.outcome = waiting.kind != NULL ? "success" : "denied";
	BaJsonStart(&detail);
	BaJsonText(&detail, "reason", waiting.fault);
	audit.detail = BaJsonFinish(&detail);
	mail.signup_id = &waiting.signup.signup_id;
	mail.company_id = &company.company_id;
	mail.email = waiting.signup.email;
	BaOutboxPutDurably(waiting.kind ? waiting.kind : BA_MAIL_EMAIL_VERIFICATION,
					   waiting.kind != NULL && waiting.has_user ? &waiting.user : NULL,
					   waiting.kind != NULL && !waiting.has_user ? &mail : NULL, &audit,
					   psprintf("verification/%s", BaUuidText(&portal.portal_id)));
	return Outcome("verification_sent");
}

Datum
bestauth_resend_verification(PG_FUNCTION_ARGS)
{
	return BaContextAside(ResendVerification, fcinfo);
}
