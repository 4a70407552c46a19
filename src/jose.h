/* jose.h: signed tokens (JWS, compact) and keys (JWK), by libcjose. */
#ifndef BESTAUTH_JOSE_H
#define BESTAUTH_JOSE_H

#define BA_JOSE_ALG "ES256" /* of the keys that we make */

/* What the header says, of which nothing is proved. */
typedef struct BaJoseHeader
{
	char *alg;
	char *kid; /* NULL without one, like typ */
	char *typ;
	bool has_crit; /* it asks for extensions to be understood */
} BaJoseHeader;

extern char *BaJoseMakeKey(const char *kid);
extern char *BaJosePublicKey(const char *private_key);
extern bool BaJoseCanRead(const char *public_key);
extern char *BaJoseSign(const char *private_key, const char *kid, const char *typ,
						const char *payload);
extern bool BaJoseReadHeader(const char *token, BaJoseHeader *header);
extern char *BaJoseVerify(const char *token, const char *public_key, const char *alg);

#endif /* BESTAUTH_JOSE_H */
