/*
 * session_renew.c
 *	  A session that rests on an assertion goes on with another one. So who was locked where
 *	  they sign on is out here within bestauth.sso_session_limit [TPB-9].
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "args.h"
#include "audit.h"
#include "authority.h"
#include "bestauth.h"
#include "crypto.h"
#include "instance.h"
#include "login.h"
#include "query.h"
#include "session.h"
#include "settings.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_renew_session_sso);

static BaQuery renew_session = {
	.sql =
		"UPDATE bestauth.session SET expires_at = greatest(expires_at, least("
		" clock_timestamp() + $2 * interval '1 second', created_at + $3 * interval '1 second'))"
		" WHERE session_id = $1 AND ended_at IS NULL AND expires_at > clock_timestamp()"
		" RETURNING expires_at",
	.latest = true,
};

/* What the login was, as far as the session tells. */
static const char *
Open(BaLogin *login, const char *secret)
{
	BaSessionFound found;
	const BaIdentity *identity = &found.identity;

	BaAuthorityBegin();
	if (!BaSessionFind(BaTokenDigest(secret), &found))
	{
		login->fold_key = "session/renewal";
		return "the session is not known";
	}
	login->session_id = palloc(sizeof(pg_uuid_t));
	*login->session_id = identity->session_id;
	/* Nothing counts these guesses. */
	login->fold_key = psprintf("session/renewal/%s", BaUuidText(login->session_id));
	login->has_user = BaUserLoad(&identity->user_id, &login->user);
	login->has_person = BaUserLoad(&identity->person_id, &login->person);
	login->has_company = BaCompanyLoad(&login->user.company_id, &login->company);
	login->has_service =
		identity->has_service && BaCompanyLoad(&identity->service_id, &login->service);
	if (found.fault != NULL)
		return found.fault;
	if (!login->has_service || !login->person.type->by_assertion)
		return "the session rests on no assertion";
	return NULL;
}

static const char *
TryAssertion(BaLogin *login, const char *text)
{
	BaAssertion assertion;
	const char *fault = BaLoginVerify(login, text, login->session_id, &assertion);

	if (fault != NULL)
		return fault;
	if (!BaAssertionIsOf(&login->service, &assertion, &login->person))
		return "assertion is of another person than the session";
	if (!BaAssertionUse(&login->service, &assertion))
		return "assertion used already";
	return BaAssertionPerson(&login->service, &assertion, &login->person);
}

static const char *
Renew(BaLogin *login)
{
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, login->session_id);
	BaPutInt(&args, BaSessionLimit(&login->person, login->issued_at));
	BaPutInt(&args, BaSessionAbsoluteLimit);
	if (!BaQueryRow(&renew_session, &args, &row))
		return "the session is over";
	login->expires_at = BaGetTime(&row, 0);
	BaLoginAccept(login, "authenticated", "session.renewed");
	return NULL;
}

Datum
bestauth_renew_session_sso(PG_FUNCTION_ARGS)
{
	char *secret = BaArgSecret(fcinfo, 0, "session_token");
	char *assertion = BaArgSecretUpTo(fcinfo, 1, "assertion", BA_MAX_ASSERTION);
	BaRepeat call;
	const char *fault;
	BaLogin login;

	if (BaLoginIsRepeat(fcinfo, 2, &login, &call))
		PG_RETURN_DATUM(call.result);
	login.refused_as = "session.renewal_denied";
	fault = Open(&login, secret);
	if (fault == NULL)
		fault = TryAssertion(&login, assertion);
	if (fault == NULL)
		fault = Renew(&login);
	if (fault != NULL)
		BaLoginDeny(&login, fault);
	PG_RETURN_DATUM(BaRepeatRemember(&call, BaLoginResult(fcinfo, &login)));
}
