/*
 * login.c
 *	  Logging in: with a user's password, and the first part with a key; and what every
 *	  login has in common.
 *
 * The order of things is the same whether the name is known or not, and whatever
 * comes of it: charge the guess durably, compute one hash, then either clear the
 * count or write the refusal down, durably as well. Expected outcomes are
 * returned; why it was denied stands in the audit alone.
 *
 * No lock is held while hashing. What was read before is read again after it, and
 * the session names the versions that were seen: who is locked or loses the
 * password a moment later loses the session with it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "args.h"
#include "bestauth.h"
#include "credential.h"
#include "crypto.h"
#include "fold.h"
#include "guess.h"
#include "instance.h"
#include "login.h"
#include "query.h"
#include "repeat.h"
#include "session.h"
#include "settings.h"
#include "token.h"
#include "username.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_login);

/*
 * Begins a login, unless this very call was answered already in this statement.
 * Refused before anything is looked at where a right guess could not be carried
 * out: else it would fail where a wrong one does not.
 */
bool
BaLoginIsRepeat(FunctionCallInfo fcinfo, int client_args, BaLogin *login, BaRepeat *call)
{
	BaInstanceRequireOpen();
	PreventCommandIfReadOnly("a login");
	if (BaRepeatFind(fcinfo, call))
		return true;
	memset(login, 0, sizeof(*login));
	login->client_addr = BaArgClientText(fcinfo, client_args, "client_addr");
	login->client_info = BaArgClientText(fcinfo, client_args + 1, "client_info");
	return false;
}

Datum
BaLoginResult(FunctionCallInfo fcinfo, const BaLogin *login)
{
	TupleDesc tupdesc;
	Datum values[7];
	bool nulls[7];
	bool challenged = login->challenge_id != NULL;

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	memset(nulls, true, sizeof(nulls));
	values[0] = CStringGetTextDatum(login->outcome);
	nulls[0] = false;
	nulls[1] = login->session_token == NULL;
	values[1] = nulls[1] ? (Datum) 0 : CStringGetTextDatum(login->session_token);
	nulls[2] = login->challenge_token == NULL;
	values[2] = nulls[2] ? (Datum) 0 : CStringGetTextDatum(login->challenge_token);
	nulls[3] = !challenged;
	values[3] = UUIDPGetDatum(login->challenge_id);
	nulls[4] = login->expires_at == 0;
	values[4] = TimestampTzGetDatum(login->expires_at);
	if (challenged)
	{
		nulls[5] = nulls[6] = false;
		values[5] = CStringGetTextDatum(login->service.name);
		values[6] = CStringGetTextDatum(BaCompanyAudience(&login->company));
	}
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls));
}

/* -------------------------------------------------------------------- audit */

static const char *
PersonLabel(const BaLogin *login)
{
	if (!login->has_person)
		return NULL;
	return login->has_service ?
			   psprintf("%s/%s", login->service.code, login->person.username) :
			   login->person.username;
}

static void
StartAudit(const BaLogin *login, const char *action, BaAudit *audit)
{
	BaAuditStart(audit, action);
	audit->company_id = login->has_company ? &login->company.company_id : NULL;
	audit->company_code = login->has_company ? login->company.code : NULL;
	audit->user_id = login->has_user ? &login->user.user_id : NULL;
	audit->username = login->has_user ? login->user.username : NULL;
	audit->person_id = login->has_person ? &login->person.user_id : NULL;
	audit->person = PersonLabel(login);
	audit->service_id = login->has_service ? &login->service.company_id : NULL;
	audit->service_code = login->has_service ? login->service.code : NULL;
	/* Else that of the session in which somebody logs in. */
	if (login->session_id != NULL)
		audit->session_id = login->session_id;
	audit->client_addr = login->client_addr;
	audit->object_type = "user";
	audit->object_id = login->has_person ? PersonLabel(login) : audit->username;
}

/* The name is as it was asserted this time; issuer and subject are who it is. */
static void
AddAssertion(BaJson *detail, const BaLogin *login)
{
	BaJsonText(detail, "issuer", login->issuer);
	BaJsonText(detail, "subject", login->subject);
}

/* The refusal outlives the caller's transaction. */
void
BaLoginDeny(BaLogin *login, const char *reason)
{
	BaAudit audit;
	BaJson detail;

	StartAudit(login, login->refused_as ? login->refused_as : "login.denied", &audit);
	audit.outcome = "denied";
	BaJsonStart(&detail);
	BaJsonText(&detail, "reason", reason);
	BaJsonText(&detail, "typed_name", login->typed_name);
	AddAssertion(&detail, login);
	BaJsonText(&detail, "client_info", login->client_info);
	audit.detail = BaJsonFinish(&detail);
	if (login->fold_key != NULL)
		BaAuditWriteFolded(&audit, login->fold_key);
	else
		BaAuditWriteDurably(&audit);
	login->outcome = "denied";
}

void
BaLoginAccept(BaLogin *login, const char *outcome, const char *action)
{
	BaAudit audit;
	BaJson detail;

	StartAudit(login, action, &audit);
	BaJsonStart(&detail);
	AddAssertion(&detail, login);
	BaJsonText(&detail, "client_info", login->client_info);
	audit.detail = BaJsonFinish(&detail);
	BaAuditWrite(&audit);
	login->outcome = outcome;
}

/* ------------------------------------------------------------------ guesses */

/*
 * Charges the guess and looks at it; user is NULL for a name that nobody has.
 * Returns why not, or NULL for a right password.
 */
const char *
BaLoginGuess(BaLogin *login, const BaUser *user, const char *password, BaGuess *guess,
			 BaCredential *credential)
{
	static const pg_uuid_t nobody = {{0}};
	BaAudit lock_row;

	StartAudit(login, "login.locked_out", &lock_row);
	lock_row.outcome = "denied";
	guess->lock_row = &lock_row;
	BaGuessBegin(guess);
	guess->lock_row = NULL;
	memset(credential, 0, sizeof(*credential));
	/* Looked for in every case: a caller can see which tables were read. */
	BaCredentialFind(user && guess->admitted ? &user->user_id : &nobody, credential);
	if (BaGuessCheck(guess, password, &credential->password))
		return NULL;
	if (user == NULL)
	{
		login->fold_key =
			psprintf("login/unknown/%s", login->has_company ? login->company.code : "");
		return guess->admitted ? "unknown user" : "locked after too many wrong passwords";
	}
	if (!guess->admitted)
	{
		login->fold_key = psprintf("login/locked/%s", BaUuidText(&user->user_id));
		return "locked after too many wrong passwords";
	}
	if (credential->password.hash == NULL)
		return "no password set";
	return BaPasswordFault(&credential->password);
}

/* Is the assertion good for this company and this nonce? If so it says who it is about. */
const char *
BaLoginVerify(BaLogin *login, const char *text, const pg_uuid_t *nonce,
			  BaAssertion *assertion)
{
	const char *fault =
		BaAssertionVerify(&login->service, text, BaCompanyAudience(&login->company),
						  BaUuidText(nonce), assertion);

	if (fault != NULL)
		return fault;
	login->issuer = assertion->issuer;
	login->subject = assertion->subject;
	login->issued_at = assertion->issued_at;
	return NULL;
}

/* The state of an account whose password was right; NULL if it may go on. */
const char *
BaLoginAccountFault(BaUser *user)
{
	int version = user->version;
	pg_uuid_t user_id = user->user_id;

	if (!BaUserLoad(&user_id, user) || user->deleted)
		return "account deleted";
	if (user->locked)
		return "account locked";
	if (user->version != version)
		return "account changed meanwhile";
	if (user->type->needs_verification && !user->verified)
		return "e-mail address not verified";
	return NULL;
}

const char *
BaLoginPasswordFault(const BaUser *user, const BaCredential *credential)
{
	if (user->type->by_assertion)
		return psprintf("user type %s has no password", user->type->name);
	if (credential->expires_at != 0 && GetCurrentTimestamp() >= credential->expires_at)
		return "temporary password expired";
	return NULL;
}

/* A temporary one is about to go: nothing is renewed, and no lock taken for it. */
void
BaLoginRenewStale(const BaUser *user, const char *password,
				  const BaCredential *credential)
{
	if (!credential->must_change && BaPasswordIsStale(&credential->password))
		BaCredentialRenew(&user->user_id, password, &credential->password);
}

/* ----------------------------------------------------------------- outcomes */

void
BaLoginStartSession(BaLogin *login)
{
	BaSessionStart start = {
		.user = &login->user,
		.person = login->has_service ? &login->person : &login->user,
		.service = login->has_service ? &login->service : NULL,
		.limit = BaSessionLimit(login->has_service ? &login->person : &login->user,
								login->issued_at),
		.client_addr = login->client_addr,
		.client_info = login->client_info,
	};
	BaSession session;

	BaSessionCreate(&start, &session);
	login->session_token = session.secret;
	login->expires_at = session.expires_at;
	login->session_id = palloc(sizeof(pg_uuid_t));
	*login->session_id = session.session_id;
	BaLoginAccept(login, "authenticated", "login.succeeded");
}

void
BaLoginDemandPassword(BaLogin *login, const BaUser *user)
{
	BaTokenFor what = {.purpose = BA_TOKEN_PASSWORD_CHANGE,
					   .user = user,
					   .lifetime = BaChallengeLifetime,
					   .supersede = true};
	BaToken token;

	login->challenge_token = BaTokenIssue(&what, &token);
	login->expires_at = token.expires_at;
	BaLoginAccept(login, "password_change_required", "login.password_change_required");
}

static void
DemandSecondPart(BaLogin *login)
{
	BaTokenFor what = {.purpose = BA_TOKEN_SECOND_PART,
					   .user = &login->user,
					   .service_version = login->service.service_version,
					   .lifetime = BaChallengeLifetime};
	BaToken token;

	login->challenge_token = BaTokenIssue(&what, &token);
	login->challenge_id = palloc(sizeof(pg_uuid_t));
	*login->challenge_id = token.token_id;
	login->expires_at = token.expires_at;
	BaLoginAccept(login, "second_part_required", "login.first_part_succeeded");
}

/* ----------------------------------------------------------------- part one */

static void
FirstPart(BaLogin *login, const char *password, BaSubject subject)
{
	BaGuess guess = {.subject = subject};
	BaCredential credential;
	const char *fault = BaLoginGuess(login, login->has_user ? &login->user : NULL,
									 password, &guess, &credential);

	if (fault == NULL)
		fault = BaLoginAccountFault(&login->user);
	if (fault == NULL)
		fault = BaLoginPasswordFault(&login->user, &credential);
	if (fault == NULL && login->user.has_service)
	{
		login->has_service = BaCompanyLoad(&login->user.service_id, &login->service);
		if (!login->has_service || !login->service.registered)
			fault = "billing service not registered";
	}
	if (fault != NULL)
	{
		BaLoginDeny(login, fault);
		return;
	}
	BaLoginRenewStale(&login->user, password, &credential);
	if (!login->user.type->needs_second_part)
	{
		login->has_person = true;
		login->person = login->user;
	}
	if (credential.must_change)
		BaLoginDemandPassword(login, &login->user);
	else if (login->user.type->needs_second_part)
		DemandSecondPart(login);
	else
		BaLoginStartSession(login);
	BaGuessForgive(&guess);
}

/*
 * Whom a guess is charged to: the user. But who tries a key that admits them, in a
 * session of their own in the key's service, is known, and has a count of their own with it: so wrong
 * guesses of others can't keep a service's people out.
 */
static BaSubject
ChargedTo(const BaUser *user)
{
	const BaIdentity *identity = BaContextIdentity();
	BaUser person;

	if (!user->has_service || identity == NULL || identity->has_service ||
		!BaUserLoad(&identity->person_id, &person) ||
		!BaUuidEqual(&person.company_id, &user->service_id) ||
		!person.type->may_be_second_part || person.locked || person.deleted ||
		!BaUserAdmitsPerson(user, &person.user_id))
		return BaSubjectUser(&user->user_id);
	return BaSubjectKeyPerson(&user->user_id, &person.user_id);
}

Datum
bestauth_login(PG_FUNCTION_ARGS)
{
	char *company = BaArgText(fcinfo, 0, "company", BA_MAX_PASSWORD);
	char *username = BaArgText(fcinfo, 1, "username", BA_MAX_PASSWORD);
	char *password = BaArgSecret(fcinfo, 2, "password");
	char *portal = BaArgTextOrNull(fcinfo, 3, "portal", BA_MAX_PASSWORD);
	BaPortal door;
	bool in_portal;
	BaRepeat call;
	BaLogin login;
	BaSubject subject;

	if (BaLoginIsRepeat(fcinfo, 4, &login, &call))
		PG_RETURN_DATUM(call.result);
	login.has_company = BaCompanyFind(company, &login.company);
	in_portal = login.has_company && portal != NULL &&
				BaPortalFind(&login.company, portal, &door);
	login.has_user =
		login.has_company && (portal == NULL || in_portal) &&
		BaUserFind(&login.company.company_id, in_portal ? &door.portal_id : NULL,
				   username, &login.user);
	if (login.has_user)
		subject = ChargedTo(&login.user);
	else
	{
		subject = BaSubjectUnknown(company, portal, username);
		login.typed_name = BaUsernameOrNull(username);
	}
	FirstPart(&login, password, subject);
	BaSecretForget(password);
	PG_RETURN_DATUM(BaRepeatRemember(&call, BaLoginResult(fcinfo, &login)));
}
