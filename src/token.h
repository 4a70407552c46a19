/* token.h: one-time tokens. */
#ifndef BESTAUTH_TOKEN_H
#define BESTAUTH_TOKEN_H

#include "user.h"

typedef enum BaTokenState
{
	BA_TOKEN_VALID,
	BA_TOKEN_UNKNOWN,
	BA_TOKEN_USED,
	BA_TOKEN_SUPERSEDED,
	BA_TOKEN_EXPIRED
} BaTokenState;

typedef struct BaToken
{
	BaTokenState state;
	pg_uuid_t token_id;
	char *purpose;
	bool has_user; /* else it is a sign-up's or registration's, who is no user yet */
	BaUser user;   /* as it is now */
	pg_uuid_t signup_id;
	pg_uuid_t registration_id;
	int service_version;
	TimestampTz expires_at;
} BaToken;

/* What a token is made for. */
typedef struct BaTokenFor
{
	const char *purpose;
	const BaUser *user;         /* or */
	const pg_uuid_t *signup_id; /* or */
	const pg_uuid_t *registration_id;
	const pg_uuid_t *message_id; /* of the mail that takes it; NULL for none */
	int service_version;         /* of a second part */
	int lifetime;                /* seconds */
	bool supersede;              /* earlier ones of the same purpose stop working */
} BaTokenFor;

extern const char *BaTokenFault(BaTokenState state);
extern const char *BaTokenOutcome(BaTokenState state);
extern void BaTokenSupersedeSignup(const pg_uuid_t *signup_id);
extern void BaTokenSupersede(const char *purpose, const BaUser *user);
extern char *BaTokenIssue(const BaTokenFor *what, BaToken *token);
extern BaTokenState BaTokenPeek(const char *secret, const char *purpose, BaToken *token);
extern BaTokenState BaTokenLock(const char *secret, const char *purpose, BaToken *token);
extern BaTokenState BaTokenLockUser(const char *secret, const char *purpose,
									BaToken *token);
extern void BaTokenUse(const BaToken *token);

#endif /* BESTAUTH_TOKEN_H */
