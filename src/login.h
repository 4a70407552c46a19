/* login.h: one login on its way. */
#ifndef BESTAUTH_LOGIN_H
#define BESTAUTH_LOGIN_H

#include "credential.h"
#include "guess.h"
#include "repeat.h"
#include "sso_assertion.h"
#include "user.h"

/* One login on its way: who tries, what is known, what comes of it. */
typedef struct BaLogin
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
	const char *issuer;     /* of an assertion that was good, as the next */
	const char *subject;
	TimestampTz issued_at;
	const char *fold_key;   /* where refusals may come by the thousand */
	const char *refused_as; /* an action; NULL: login.denied */
	/* the result */
	const char *outcome;
	char *session_token;
	char *challenge_token;
	pg_uuid_t *challenge_id;
	TimestampTz expires_at;
	pg_uuid_t *session_id;
} BaLogin;

extern bool BaLoginIsRepeat(FunctionCallInfo fcinfo, int client_args, BaLogin *login,
							BaRepeat *call);
extern Datum BaLoginResult(FunctionCallInfo fcinfo, const BaLogin *login);
extern void BaLoginAccept(BaLogin *login, const char *outcome, const char *action);
extern void BaLoginDeny(BaLogin *login, const char *reason);
extern const char *BaLoginGuess(BaLogin *login, const BaUser *user, const char *password,
								BaGuess *guess, BaCredential *credential);
extern const char *BaLoginVerify(BaLogin *login, const char *text, const pg_uuid_t *nonce,
								 BaAssertion *assertion);
extern const char *BaLoginAccountFault(BaUser *user);
extern const char *BaLoginPasswordFault(const BaUser *user,
										const BaCredential *credential);
extern void BaLoginRenewStale(const BaUser *user, const char *password,
							  const BaCredential *credential);
extern void BaLoginStartSession(BaLogin *login);
extern void BaLoginDemandPassword(BaLogin *login, const BaUser *user);

#endif /* BESTAUTH_LOGIN_H */
