/*
 * login.c
 *	  Logging in: with a user's password, and in two parts with a key.
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
#include "query.h"
#include "repeat.h"
#include "session.h"
#include "settings.h"
#include "token.h"
#include "username.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_login);
PG_FUNCTION_INFO_V1(bestauth_login_second_part);
PG_FUNCTION_INFO_V1(bestauth_login_second_part_session);

/* One login on its way: who tries, what is known, what comes of it. */
typedef struct Login
{
	const char *client_addr;
	const char *client_info;
	bool has_company;
	BaCompany company; /* where to */
	bool has_user;
	BaUser user; /* of a two-part login, the key */
	bool has_service;
	BaCompany service;
	bool has_person;
	BaUser person;
	const char *typed_name; /* where nobody has it */
	const char *fold_key;   /* where refusals may come by the thousand */
	/* the result */
	const char *outcome;
	char *session_token;
	char *challenge_token;
	pg_uuid_t *challenge_id;
	TimestampTz expires_at;
	pg_uuid_t *session_id;
} Login;

/*
 * Begins a login, unless this very call was answered already in this statement.
 * Refused before anything is looked at where a right guess could not be carried
 * out: else it would fail where a wrong one does not.
 */
static bool
IsRepeat(FunctionCallInfo fcinfo, int client_args, Login *login, BaRepeat *call)
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

static Datum
MakeResult(FunctionCallInfo fcinfo, const Login *login)
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
		values[6] =
			CStringGetTextDatum(psprintf("%s/%s", BaInstanceName(), login->company.code));
	}
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls));
}

/* -------------------------------------------------------------------- audit */

static const char *
PersonLabel(const Login *login)
{
	if (!login->has_person)
		return NULL;
	return login->has_service ?
			   psprintf("%s/%s", login->service.code, login->person.username) :
			   login->person.username;
}

static void
StartAudit(const Login *login, const char *action, BaAudit *audit)
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

/* The refusal outlives the caller's transaction. */
static void
Deny(Login *login, const char *reason)
{
	BaAudit audit;
	BaJson detail;

	StartAudit(login, "login.denied", &audit);
	audit.outcome = "denied";
	BaJsonStart(&detail);
	BaJsonText(&detail, "reason", reason);
	BaJsonText(&detail, "typed_name", login->typed_name);
	BaJsonText(&detail, "client_info", login->client_info);
	audit.detail = BaJsonFinish(&detail);
	if (login->fold_key != NULL)
		BaAuditWriteFolded(&audit, login->fold_key);
	else
		BaAuditWriteDurably(&audit);
	login->outcome = "denied";
}

static void
Accept(Login *login, const char *outcome, const char *action)
{
	BaAudit audit;
	BaJson detail;

	StartAudit(login, action, &audit);
	BaJsonStart(&detail);
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
static const char *
Guess(Login *login, const BaUser *user, const char *password, BaGuess *guess,
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

/* The state of an account whose password was right; NULL if it may go on. */
static const char *
AccountFault(BaUser *user)
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

static const char *
PasswordFault(const BaCredential *credential)
{
	if (credential->expires_at != 0 && GetCurrentTimestamp() >= credential->expires_at)
		return "temporary password expired";
	return NULL;
}

/* A temporary one is about to go: nothing is renewed, and no lock taken for it. */
static void
RenewStale(const BaUser *user, const char *password, const BaCredential *credential)
{
	if (!credential->must_change && BaPasswordIsStale(&credential->password))
		BaCredentialRenew(&user->user_id, password, &credential->password);
}

/* ----------------------------------------------------------------- outcomes */

static void
StartSession(Login *login)
{
	BaSessionStart start = {
		.user = &login->user,
		.person = login->has_service ? &login->person : &login->user,
		.service = login->has_service ? &login->service : NULL,
		.client_addr = login->client_addr,
		.client_info = login->client_info,
	};
	BaSession session;

	BaSessionCreate(&start, &session);
	login->session_token = session.secret;
	login->expires_at = session.expires_at;
	login->session_id = palloc(sizeof(pg_uuid_t));
	*login->session_id = session.session_id;
	Accept(login, "authenticated", "login.succeeded");
}

static void
DemandNewPassword(Login *login, const BaUser *user)
{
	BaTokenFor what = {.purpose = BA_TOKEN_PASSWORD_CHANGE,
					   .user = user,
					   .lifetime = BaChallengeLifetime,
					   .supersede = true};
	BaToken token;

	login->challenge_token = BaTokenIssue(&what, &token);
	login->expires_at = token.expires_at;
	Accept(login, "password_change_required", "login.password_change_required");
}

static void
DemandSecondPart(Login *login)
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
	Accept(login, "second_part_required", "login.first_part_succeeded");
}

/* ----------------------------------------------------------------- part one */

static void
FirstPart(Login *login, const char *password, BaSubject subject)
{
	BaGuess guess = {.subject = subject};
	BaCredential credential;
	const char *fault = Guess(login, login->has_user ? &login->user : NULL, password,
							  &guess, &credential);

	if (fault == NULL)
		fault = AccountFault(&login->user);
	if (fault == NULL)
		fault = PasswordFault(&credential);
	if (fault == NULL && login->user.has_service)
	{
		login->has_service = BaCompanyLoad(&login->user.service_id, &login->service);
		if (!login->has_service || !login->service.registered)
			fault = "billing service not registered";
	}
	if (fault != NULL)
	{
		Deny(login, fault);
		return;
	}
	RenewStale(&login->user, password, &credential);
	if (!login->user.type->needs_second_part)
	{
		login->has_person = true;
		login->person = login->user;
	}
	if (credential.must_change)
		DemandNewPassword(login, &login->user);
	else if (login->user.type->needs_second_part)
		DemandSecondPart(login);
	else
		StartSession(login);
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
	Login login;
	BaSubject subject;

	if (IsRepeat(fcinfo, 4, &login, &call))
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
	PG_RETURN_DATUM(BaRepeatRemember(&call, MakeResult(fcinfo, &login)));
}

/* ----------------------------------------------------------------- part two */

/* What is wrong with a challenge, by the state of its token. */
static const char *const challenge_faults[] = {
	[BA_TOKEN_UNKNOWN] = "unknown challenge",
	[BA_TOKEN_USED] = "challenge used already",
	[BA_TOKEN_SUPERSEDED] = "key changed since the first part",
	[BA_TOKEN_EXPIRED] = "challenge expired",
};

/* What the challenge stands for: the key, its company, its service. */
static const char *
OpenChallenge(Login *login, const char *secret, BaToken *token)
{
	BaTokenState state = BaTokenPeek(secret, BA_TOKEN_SECOND_PART, token);

	if (state == BA_TOKEN_UNKNOWN)
	{
		login->fold_key = "login/challenge";
		return challenge_faults[state];
	}
	login->has_user = true;
	login->user = token->user;
	login->has_company = BaCompanyLoad(&token->user.company_id, &login->company);
	login->has_service = token->user.has_service &&
						 BaCompanyLoad(&token->user.service_id, &login->service);
	if (state == BA_TOKEN_VALID)
		return login->has_service ? NULL : "key without a billing service";
	return challenge_faults[state];
}

/* May this person of the service be the second part for this key? */
static const char *
PersonFault(Login *login, const BaToken *token)
{
	if (!BaUuidEqual(&login->person.company_id, &login->service.company_id))
		return "person is not of the key's billing service";
	if (!login->service.registered ||
		login->service.service_version != token->service_version)
		return "billing service not registered";
	if (!login->person.type->may_be_second_part)
		return psprintf("user type %s cannot be the second part",
						login->person.type->name);
	if (!BaUserAdmitsPerson(&login->user, &login->person.user_id))
		return "key does not admit this person";
	return NULL;
}

/* Uses the challenge up, under its row's lock, and starts the session. */
static void
Enter(Login *login, const char *secret)
{
	BaToken token;
	BaTokenState state = BaTokenLock(secret, BA_TOKEN_SECOND_PART, &token);
	const char *fault;

	if (state != BA_TOKEN_VALID)
	{
		Deny(login, challenge_faults[state]);
		return;
	}
	login->user = token.user;
	fault = login->user.locked ? "account locked" : AccountFault(&login->person);
	(void) BaCompanyLoad(&login->service.company_id, &login->service);
	if (fault == NULL)
		fault = PersonFault(login, &token);
	if (fault != NULL)
	{
		Deny(login, fault);
		return;
	}
	BaTokenUse(&token);
	StartSession(login);
}

static void
SecondPart(Login *login, const char *secret, const char *username, const char *password)
{
	BaToken token;
	BaCredential credential;
	BaGuess guess = {0};
	const char *challenge_fault = OpenChallenge(login, secret, &token);
	const char *fault;

	if (challenge_fault == NULL)
		guess.second = BaSubjectChallenge(&token.token_id);
	if (login->has_service)
		login->has_person =
			BaUserFind(&login->service.company_id, NULL, username, &login->person);
	guess.subject = login->has_person ?
						BaSubjectUser(&login->person.user_id) :
						BaSubjectUnknown(login->has_service ? login->service.code : "",
										 NULL, username);
	if (!login->has_person)
		login->typed_name = BaUsernameOrNull(username);
	fault = Guess(login, login->has_person ? &login->person : NULL, password, &guess,
				  &credential);
	if (challenge_fault != NULL)
		fault = challenge_fault;
	if (fault == NULL)
		fault = AccountFault(&login->person);
	if (fault == NULL)
		fault = PasswordFault(&credential);
	if (fault == NULL)
		fault = PersonFault(login, &token);
	if (fault != NULL)
	{
		Deny(login, fault);
		return;
	}
	RenewStale(&login->person, password, &credential);
	if (credential.must_change)
		DemandNewPassword(login, &login->person);
	else
		Enter(login, secret);
	if (strcmp(login->outcome, "denied") != 0)
		BaGuessForgive(&guess);
}

Datum
bestauth_login_second_part(PG_FUNCTION_ARGS)
{
	char *secret = BaArgSecret(fcinfo, 0, "challenge_token");
	char *username = BaArgText(fcinfo, 1, "username", BA_MAX_PASSWORD);
	char *password = BaArgSecret(fcinfo, 2, "password");
	BaRepeat call;
	Login login;

	if (IsRepeat(fcinfo, 3, &login, &call))
		PG_RETURN_DATUM(call.result);
	SecondPart(&login, secret, username, password);
	BaSecretForget(password);
	PG_RETURN_DATUM(BaRepeatRemember(&call, MakeResult(fcinfo, &login)));
}

Datum
bestauth_login_second_part_session(PG_FUNCTION_ARGS)
{
	char *secret = BaArgSecret(fcinfo, 0, "challenge_token");
	char *session = BaArgSecret(fcinfo, 1, "session_token");
	BaRepeat call;
	const char *fault;
	Login login;
	BaToken token;

	if (IsRepeat(fcinfo, 2, &login, &call))
		PG_RETURN_DATUM(call.result);
	fault = OpenChallenge(&login, secret, &token);
	if (fault == NULL)
		fault = BaSessionPerson(session, &login.person, &login.has_person);
	/* Somebody else's user is not named as a person of the service. */
	if (login.has_person &&
		!BaUuidEqual(&login.person.company_id, &login.service.company_id))
	{
		login.has_person = false;
		fault = "the session is not of a person of the key's billing service";
	}
	if (fault != NULL)
		Deny(&login, fault);
	else
		Enter(&login, secret);
	PG_RETURN_DATUM(BaRepeatRemember(&call, MakeResult(fcinfo, &login)));
}
