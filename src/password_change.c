/*
 * password_change.c
 *	  Setting, changing and resetting passwords, and the questions asked beside it.
 *
 * A hash is computed before anything is locked. What it was computed for is looked
 * at again under the lock of the user's row.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "args.h"
#include "bestauth.h"
#include "credential.h"
#include "crypto.h"
#include "errors.h"
#include "fold.h"
#include "guess.h"
#include "instance.h"
#include "outbox.h"
#include "password_policy.h"
#include "permission.h"
#include "query.h"
#include "security_question.h"
#include "session.h"
#include "token.h"
#include "username.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_set_password);
PG_FUNCTION_INFO_V1(bestauth_change_password);
PG_FUNCTION_INFO_V1(bestauth_reset_password);
PG_FUNCTION_INFO_V1(bestauth_request_password_reset);
PG_FUNCTION_INFO_V1(bestauth_peek_password_link);
PG_FUNCTION_INFO_V1(bestauth_set_security_questions);

#define PASSWORD_TOKENS "password_" /* how the purposes of all of them begin */

static void
RefusePassword(const char *reason)
{
	ereport(ERROR, (errcode(BA_ERRCODE_PASSWORD_REFUSED), errmsg("password is refused"),
					errdetail("%s", reason)));
}

/* A guess at a user's own secret, charged like one at a login. */
static BaGuess
BeginGuess(const BaCompany *company, const BaUser *user)
{
	BaGuess guess = {.subject = BaSubjectUser(&user->user_id)};
	BaAudit lock_row;

	BaUserOwnAudit(&lock_row, "login.locked_out", company, user);
	lock_row.outcome = "denied";
	guess.lock_row = &lock_row;
	BaGuessBegin(&guess);
	guess.lock_row = NULL;
	return guess;
}

/* A refusal that outlives the caller's transaction; one of many is folded. */
static void
AuditRefusal(const BaCompany *company, const BaUser *user, const char *reason)
{
	BaAudit audit;
	BaJson detail;

	if (user != NULL)
		BaUserOwnAudit(&audit, "password.refused", company, user);
	else
		BaAuditStart(&audit, "password.refused");
	audit.outcome = "denied";
	BaJsonStart(&detail);
	BaJsonText(&detail, "reason", reason);
	audit.detail = BaJsonFinish(&detail);
	BaAuditWriteFolded(&audit, user == NULL ?
								   "password" :
								   psprintf("password/%s", BaUuidText(&user->user_id)));
}

/* ----------------------------------------------------------------- by a token */

static Datum
RefuseToken(const BaToken *token)
{
	BaCompany company;
	bool known = token->state != BA_TOKEN_UNKNOWN;

	if (known)
		BaUserCompany(&token->user, &company);
	AuditRefusal(&company, known ? &token->user : NULL, BaTokenFault(token->state));
	PG_RETURN_TEXT_P(cstring_to_text(BaTokenOutcome(token->state)));
}

/*
 * Beside the link of a reset the answers are asked for, of a user who has set
 * questions. A wrong guess is charged like a wrong password.
 */
static bool
AnswersFit(const BaToken *token, const BaCompany *company, const BaTextList *answers)
{
	BaGuess guess;
	BaPasswordHash stored;
	Datum questions;
	char *typed;
	bool fit;

	if (strcmp(token->purpose, BA_TOKEN_PASSWORD_RESET) != 0 ||
		!BaSecurityQuestionsFind(&token->user, &questions, &stored))
		return true;
	if (answers->count < 0)
	{
		AuditRefusal(company, &token->user, "no answers");
		return false;
	}
	typed = BaSecurityAnswers(answers);
	guess = BeginGuess(company, &token->user);
	fit = BaGuessCheck(&guess, typed, &stored);
	BaSecretForget(typed);
	if (fit)
		BaGuessForgive(&guess);
	else
		AuditRefusal(company, &token->user,
					 guess.admitted ? "wrong answers" :
									  "locked after too many wrong guesses");
	return fit;
}

/* What the policy says of it, and that a temporary password is not kept. */
static void
CheckNewPassword(const char *password, const BaCompany *company, const BaUser *user)
{
	BaCredential before;

	BaPasswordPolicyRequire(password, company, user);
	BaCredentialFind(&user->user_id, &before);
	if (before.must_change && before.password.hash != NULL &&
		BaPasswordVerify(password, &before.password))
		RefusePassword("temporary: It is the temporary password.");
}

static Datum
SetPassword(PG_FUNCTION_ARGS)
{
	char *secret = BaArgSecret(fcinfo, 0, "token");
	char *password = BaArgSecret(fcinfo, 1, "new_password");
	BaTextList answers = BaArgTexts(fcinfo, 2, "answers");
	BaToken token;
	BaCompany company;
	BaAudit audit;
	BaPasswordHash hash;

	BaInstanceRequireOpen();
	PreventCommandIfReadOnly("set_password()");
	if (answers.count > BA_MAX_QUESTIONS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"answers\" has more than %d elements",
							   BA_MAX_QUESTIONS)));
	if (BaTokenPeek(secret, PASSWORD_TOKENS, &token) != BA_TOKEN_VALID)
		return RefuseToken(&token);
	BaUserCompany(&token.user, &company);
	if (!AnswersFit(&token, &company, &answers))
		PG_RETURN_TEXT_P(cstring_to_text("invalid"));
	CheckNewPassword(password, &company, &token.user);
	hash = BaPasswordMake(password);
	BaSecretForget(password);
	if (BaTokenLockUser(secret, PASSWORD_TOKENS, &token) != BA_TOKEN_VALID)
		return RefuseToken(&token);
	BaCredentialSet(&token.user.user_id, &hash, false);
	BaTokenUse(&token);
	BaUserOwnAudit(&audit, "password.set", &company, &token.user);
	BaAuditWrite(&audit);
	if (strcmp(token.purpose, BA_TOKEN_PASSWORD_SETUP) != 0)
		BaOutboxNotice(BA_NOTICE_PASSWORD, &token.user);
	if (token.user.type->needs_verification && !token.user.verified)
		BaOutboxPut(BA_MAIL_EMAIL_VERIFICATION, &token.user);
	PG_RETURN_TEXT_P(cstring_to_text("accepted"));
}

Datum
bestauth_set_password(PG_FUNCTION_ARGS)
{
	return BaContextAside(SetPassword, fcinfo);
}

/* Tells what a link is good for; writes nothing, so a mail scanner can't burn it. */
Datum
bestauth_peek_password_link(PG_FUNCTION_ARGS)
{
	char *secret = BaArgSecret(fcinfo, 0, "token");
	TupleDesc tupdesc;
	Datum values[4] = {0};
	bool nulls[4] = {false, true, true, true};
	BaPasswordHash answers;
	BaToken token;

	BaInstanceRequireOpen();
	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] =
		CStringGetTextDatum(BaTokenOutcome(BaTokenPeek(secret, PASSWORD_TOKENS, &token)));
	if (token.state == BA_TOKEN_VALID)
	{
		values[1] = CStringGetTextDatum(token.user.username);
		nulls[2] = strcmp(token.purpose, BA_TOKEN_PASSWORD_RESET) != 0 ||
				   !BaSecurityQuestionsFind(&token.user, &values[2], &answers);
		values[3] = TimestampTzGetDatum(token.expires_at);
		nulls[1] = nulls[3] = false;
	}
	PG_RETURN_DATUM(
		HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)));
}

/* --------------------------------------------------------------- in a session */

/* The session's own user, whose account the call is about. */
static void
LoadOwn(const BaCaller *caller, BaCompany *company, BaUser *user)
{
	if (!BaUserLoad(&caller->identity->user_id, user))
		elog(ERROR, "the session's user is gone");
	BaUserCompany(user, company);
}

/* Is it the current password? Charged like a guess at a login. */
static bool
CurrentFits(const BaCompany *company, const BaUser *user, const char *password)
{
	BaGuess guess = BeginGuess(company, user);
	BaCredential credential = {0};

	if (guess.admitted)
		BaCredentialFind(&user->user_id, &credential);
	if (BaGuessCheck(&guess, password, &credential.password))
	{
		BaGuessForgive(&guess);
		return true;
	}
	AuditRefusal(company, user,
				 guess.admitted ? "wrong current password" :
								  "locked after too many wrong passwords");
	return false;
}

static bool
IsSame(const char *a, const char *b)
{
	MemoryContext own = BaSecretBegin();
	MemoryContext caller = MemoryContextSwitchTo(own);
	bool same = strlen(a) <= BA_MAX_PASSWORD &&
				BaSecretEqual(BaPasswordNormalize(a), BaPasswordNormalize(b));

	MemoryContextSwitchTo(caller);
	BaSecretEnd(own);
	return same;
}

Datum
bestauth_change_password(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	char *current = BaArgSecret(fcinfo, 0, "current_password");
	char *password = BaArgSecret(fcinfo, 1, "new_password");
	BaCompany company;
	BaUser user, now;
	BaPasswordHash hash;
	BaAudit audit;

	PreventCommandIfReadOnly("change_password()");
	LoadOwn(&caller, &company, &user);
	if (!CurrentFits(&company, &user, current))
		PG_RETURN_TEXT_P(cstring_to_text("denied"));
	BaPasswordPolicyRequire(password, &company, &user);
	if (IsSame(current, password))
		RefusePassword("current: It is the current password.");
	hash = BaPasswordMake(password);
	BaSecretForget(current);
	BaSecretForget(password);
	BaUserLock(&user.user_id);
	if (!BaUserLoad(&user.user_id, &now) || now.version != user.version)
	{
		AuditRefusal(&company, &user, "account changed meanwhile");
		PG_RETURN_TEXT_P(cstring_to_text("denied"));
	}
	BaCredentialSet(&user.user_id, &hash, false);
	BaUserAudit(&audit, "password.changed", &company, &user);
	BaAuditWrite(&audit);
	BaOutboxNotice(BA_NOTICE_PASSWORD, &user);
	PG_RETURN_TEXT_P(cstring_to_text("accepted"));
}

Datum
bestauth_set_security_questions(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	BaTextList questions;
	char *answers;
	BaPasswordHash hash;
	BaCompany company;
	BaUser user, now;
	BaAudit audit;

	BaSecurityQuestionsTake(fcinfo, 0, 1, &questions, &answers);
	BaSessionRequireFresh(&caller);
	LoadOwn(&caller, &company, &user);
	if (answers != NULL)
		hash = BaPasswordMake(answers);
	BaSecretForget(answers);
	/* Not locked: a session could hold the row, and so keep its own end away. */
	if (!BaUserLoad(&user.user_id, &now) || now.version != user.version)
		BaAccessRefuse(&caller, "TPB-9", "The account was changed meanwhile.");
	BaSecurityQuestionsSet(&user, &questions, answers == NULL ? NULL : &hash);
	BaUserAudit(&audit, "security_questions.set", &company, &user);
	BaAuditWrite(&audit);
	PG_RETURN_VOID();
}

/* ------------------------------------------------------------- by an administrator */

/*
 * Whoever resets a password could log in with it, so they must hold as much; asked
 * again under the lock, for it may have become more while hashing.
 */
Datum
bestauth_reset_password(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	BaCompany company;
	BaUser user;
	BaAudit audit;
	char *password;
	BaPasswordHash hash;
	text *result;

	BaUserActed(&caller, fcinfo, 0, 1, 0, &company, &user);
	/* A session that somebody else has got hold of must not become the account. */
	if (caller.identity != NULL && BaUuidEqual(&caller.identity->user_id, &user.user_id))
		BaAccessRefuse(&caller, "G-04", "Nobody resets their own password.");
	BaPermissionRequireAsMuch(&caller, &user);
	password = BaRandomPassword();
	hash = BaPasswordMake(password);
	BaUserActed(&caller, fcinfo, 0, 1, BA_USER_LOCK, &company, &user);
	BaPermissionRequireAsMuch(&caller, &user);
	/* A key is shared by many: none of them could be made to change it. */
	BaCredentialSet(&user.user_id, &hash, !user.type->needs_second_part);
	BaUserAudit(&audit, "password.reset", &company, &user);
	BaAuditWrite(&audit);
	if (user.email != NULL && !user.type->needs_second_part)
		BaOutboxPut(BA_MAIL_TEMPORARY_PASSWORD, &user);
	result = cstring_to_text(password);
	BaSecretForget(password);
	PG_RETURN_TEXT_P(result);
}

/* -------------------------------------------------------------- by who forgot it */

static bool
HoldsMyAccount(const BaUser *user)
{
	Datum *values;
	int count, i;

	deconstruct_array(DatumGetArrayTypeP(BaPermissionsOf(user)), TEXTOID, -1, false,
					  TYPALIGN_INT, &values, NULL, &count);
	for (i = 0; i < count; i++)
		if (strcmp(TextDatumGetCString(values[i]), BA_PERM_MY_ACCOUNT) == 0)
			return true;
	return !user->type->needs_my_account;
}

/*
 * Why no link is sent; NULL if one is. The same is read whether there is such a user
 * or not: a caller can see which tables were.
 */
static const char *
ResetFault(const BaUser *user)
{
	BaUser nobody = {.type = BaUserTypeRequire("standard")};
	const BaUser *seen = user ? user : &nobody;
	bool may = HoldsMyAccount(seen);
	bool flooded = BaOutboxIsFlooded(&seen->user_id, BA_MAIL_PASSWORD_RESET);

	if (user == NULL)
		return "unknown user";
	if (user->deleted)
		return "account deleted";
	if (user->locked)
		return "account locked";
	if (user->type->needs_second_part)
		return "keys are reset by an administrator";
	if (user->email == NULL)
		return "no e-mail address";
	if (!may)
		return "no permission my_account";
	return flooded ? "a link was sent already" : NULL;
}

/*
 * From outside always the same. Nothing of the account changes but that a link goes
 * to its address: neither a lock nor the password.
 */
static Datum
RequestPasswordReset(PG_FUNCTION_ARGS)
{
	char *code = BaArgText(fcinfo, 0, "company", BA_MAX_PASSWORD);
	char *username = BaArgText(fcinfo, 1, "username", BA_MAX_PASSWORD);
	char *code_of_portal = BaArgTextOrNull(fcinfo, 2, "portal", BA_MAX_PASSWORD);
	BaPortal portal;
	BaCompany company;
	BaUser user;
	BaAudit audit;
	BaJson detail;
	const char *fault;
	bool has_company, has_user, in_portal;

	BaInstanceRequireOpen();
	PreventCommandIfReadOnly("request_password_reset()");
	has_company = BaCompanyFind(code, &company);
	in_portal = has_company && code_of_portal != NULL &&
				BaPortalFind(&company, code_of_portal, &portal);
	has_user = has_company && (code_of_portal == NULL || in_portal) &&
			   BaUserFind(&company.company_id, in_portal ? &portal.portal_id : NULL,
						  username, &user);
	fault = ResetFault(has_user ? &user : NULL);
	if (has_user)
		BaUserOwnAudit(&audit, "password.reset_requested", &company, &user);
	else
		BaAuditStart(&audit, "password.reset_requested");
	if (has_company)
	{
		audit.company_id = &company.company_id;
		audit.company_code = company.code;
	}
	audit.outcome = fault == NULL ? "success" : "denied";
	BaJsonStart(&detail);
	BaJsonText(&detail, "reason", fault);
	if (!has_user)
		BaJsonText(&detail, "typed_name", BaUsernameOrNull(username));
	audit.detail = BaJsonFinish(&detail);
	BaOutboxPutDurably(BA_MAIL_PASSWORD_RESET, fault == NULL ? &user : NULL, NULL, &audit,
					   has_user ?
						   psprintf("reset/%s", BaUuidText(&user.user_id)) :
						   psprintf("reset/unknown/%s", has_company ? company.code : ""));
	PG_RETURN_VOID();
}

Datum
bestauth_request_password_reset(PG_FUNCTION_ARGS)
{
	return BaContextAside(RequestPasswordReset, fcinfo);
}
