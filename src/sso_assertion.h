/* sso_assertion.h: what another instance, or an OpenID provider, says of a person. */
#ifndef BESTAUTH_SSO_ASSERTION_H
#define BESTAUTH_SSO_ASSERTION_H

#include "company.h"
#include "tuple.h"
#include "user.h"

#define BA_MAX_ASSERTION 16384 /* bytes */
#define BA_MAX_AUDIENCE 200
#define BA_SSO_TYP "sso-assertion+jwt" /* no token of another use is taken for one */

/* Claims of our own assertions, named as OpenID Connect does. */
#define BA_CLAIM_USERNAME "preferred_username"
#define BA_CLAIM_FIRST_NAME "given_name"
#define BA_CLAIM_LAST_NAME "family_name"
#define BA_CLAIM_USER_TYPE "user_type"

/* An assertion that was found good, for one audience and one nonce. */
typedef struct BaAssertion
{
	char *kid; /* of the key that signed it */
	char *public_key;
	char *issuer;
	char *subject;
	char *id; /* to be used once */
	char *username;
	char *first_name; /* NULL without one, as the next */
	char *last_name;
	TimestampTz issued_at;
	TimestampTz expires_at; /* good no longer, for sure */
} BaAssertion;

extern const char *BaAssertionVerify(const BaCompany *service, const char *token,
									 const char *audience, const char *nonce,
									 BaAssertion *assertion);
extern bool BaAssertionUse(const BaCompany *service, const BaAssertion *assertion);
extern bool BaAssertionIsOf(const BaCompany *service, const BaAssertion *assertion,
							const BaUser *person);
extern const char *BaAssertionPerson(const BaCompany *service,
									 const BaAssertion *assertion, BaUser *person);
extern void BaSsoPersonRule(BaRowEvent *event, bool restoring);

#endif /* BESTAUTH_SSO_ASSERTION_H */
