/* sso_key.h: keys by whose signature a billing service's people are known. */
#ifndef BESTAUTH_SSO_KEY_H
#define BESTAUTH_SSO_KEY_H

#include "company.h"
#include "json.h"
#include "tuple.h"

typedef struct BaSsoKey
{
	char *issuer;
	char *alg;        /* the one that it signs with */
	char *public_key; /* JWK, as text */
	Jsonb *claims; /* where an OpenID provider's claims are; NULL: as bestauth has them */
} BaSsoKey;

extern bool BaSsoKeyFind(const pg_uuid_t *service_id, const char *kid, bool hold,
						 BaSsoKey *key);
extern void BaSsoKeyTrust(const BaCompany *service, Jsonb *jwk, const char *issuer,
						  Jsonb *claims);
extern void BaSsoKeyPublicPart(BaJson *part, Jsonb *jwk);
extern void BaSsoKeyAudit(const char *action, const BaCompany *service, const char *kid,
						  const char *issuer);
extern void BaSsoKeyRule(BaRowEvent *event, bool restoring);
extern void BaSsoKeyDeleteRule(BaRowEvent *event);

#endif /* BESTAUTH_SSO_KEY_H */
