/*
 * login_second_part.c
 *	  The second part of a two-part login: the person's own account in the billing service,
 *	  by a password, by a session of theirs, or by an assertion of where they sign on.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "args.h"
#include "bestauth.h"
#include "crypto.h"
#include "instance.h"
#include "login.h"
#include "session.h"
#include "token.h"
#include "username.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_login_second_part);
PG_FUNCTION_INFO_V1(bestauth_login_second_part_session);
PG_FUNCTION_INFO_V1(bestauth_login_second_part_sso);

/* What is wrong with a challenge, by the state of its token. */
static const char *const challenge_faults[] = {
	[BA_TOKEN_UNKNOWN] = "unknown challenge",
	[BA_TOKEN_USED] = "challenge used already",
	[BA_TOKEN_SUPERSEDED] = "key changed since the first part",
	[BA_TOKEN_EXPIRED] = "challenge expired",
};

/* What the challenge stands for: the key, its company, its service. */
static const char *
OpenChallenge(BaLogin *login, const char *secret, BaToken *token)
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
PersonFault(BaLogin *login, const BaToken *token)
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
Enter(BaLogin *login, const char *secret)
{
	BaToken token;
	BaTokenState state = BaTokenLock(secret, BA_TOKEN_SECOND_PART, &token);
	const char *fault;

	if (state != BA_TOKEN_VALID)
	{
		BaLoginDeny(login, challenge_faults[state]);
		return;
	}
	login->user = token.user;
	fault = login->user.locked ? "account locked" : BaLoginAccountFault(&login->person);
	(void) BaCompanyLoad(&login->service.company_id, &login->service);
	if (fault == NULL)
		fault = PersonFault(login, &token);
	if (fault != NULL)
	{
		BaLoginDeny(login, fault);
		return;
	}
	BaTokenUse(&token);
	BaLoginStartSession(login);
}

static void
SecondPart(BaLogin *login, const char *secret, const char *username, const char *password)
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
	fault = BaLoginGuess(login, login->has_person ? &login->person : NULL, password,
						 &guess, &credential);
	if (challenge_fault != NULL)
		fault = challenge_fault;
	if (fault == NULL)
		fault = BaLoginAccountFault(&login->person);
	if (fault == NULL)
		fault = BaLoginPasswordFault(&login->person, &credential);
	if (fault == NULL)
		fault = PersonFault(login, &token);
	if (fault != NULL)
	{
		BaLoginDeny(login, fault);
		return;
	}
	BaLoginRenewStale(&login->person, password, &credential);
	if (credential.must_change)
		BaLoginDemandPassword(login, &login->person);
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
	BaLogin login;

	if (BaLoginIsRepeat(fcinfo, 3, &login, &call))
		PG_RETURN_DATUM(call.result);
	SecondPart(&login, secret, username, password);
	BaSecretForget(password);
	PG_RETURN_DATUM(BaRepeatRemember(&call, BaLoginResult(fcinfo, &login)));
}

Datum
bestauth_login_second_part_session(PG_FUNCTION_ARGS)
{
	char *secret = BaArgSecret(fcinfo, 0, "challenge_token");
	char *session = BaArgSecret(fcinfo, 1, "session_token");
	BaRepeat call;
	const char *fault;
	BaLogin login;
	BaToken token;

	if (BaLoginIsRepeat(fcinfo, 2, &login, &call))
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
		BaLoginDeny(&login, fault);
	else
		Enter(&login, secret);
	PG_RETURN_DATUM(BaRepeatRemember(&call, BaLoginResult(fcinfo, &login)));
}

/* ---------------------------------------------------------------------- single sign-on */

/*
 * An assertion is tried as a password is: as often. It is charged to the challenge alone, for
 * whom it is about is not known before it was found good.
 */
static const char *
TryAssertion(BaLogin *login, const BaToken *token, const char *text)
{
	BaSubject none = {0};
	BaAssertion assertion;
	const char *fault;

	if (!BaCounterCharge(BaSubjectChallenge(&token->token_id), none, NULL).admitted)
	{
		login->fold_key = psprintf("login/challenge/%s", BaUuidText(&token->token_id));
		return "locked after too many wrong assertions";
	}
	fault = BaLoginVerify(login, text, &token->token_id, &assertion);
	if (fault != NULL)
		return fault;
	login->typed_name = assertion.username;
	/* First, so that one that is used again names nobody anew. */
	if (!BaAssertionUse(&login->service, &assertion))
		return "assertion used already";
	fault = BaAssertionPerson(&login->service, &assertion, &login->person);
	login->has_person = fault == NULL;
	return fault;
}

Datum
bestauth_login_second_part_sso(PG_FUNCTION_ARGS)
{
	char *secret = BaArgSecret(fcinfo, 0, "challenge_token");
	char *assertion = BaArgSecretUpTo(fcinfo, 1, "assertion", BA_MAX_ASSERTION);
	BaSubject none = {0};
	BaRepeat call;
	const char *fault;
	BaLogin login;
	BaToken token;

	if (BaLoginIsRepeat(fcinfo, 2, &login, &call))
		PG_RETURN_DATUM(call.result);
	fault = OpenChallenge(&login, secret, &token);
	if (fault == NULL)
		fault = TryAssertion(&login, &token, assertion);
	if (fault != NULL)
		BaLoginDeny(&login, fault);
	else
		Enter(&login, secret);
	if (strcmp(login.outcome, "denied") != 0)
		BaCounterClear(BaSubjectChallenge(&token.token_id), none);
	PG_RETURN_DATUM(BaRepeatRemember(&call, BaLoginResult(fcinfo, &login)));
}
