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
	BaUser user; /* as it is now */
	int service_version;
	TimestampTz expires_at;
} BaToken;

extern void BaTokenSupersede(const char *purpose, const BaUser *user);
extern char *BaTokenIssue(const char *purpose, const BaUser *user, int service_version,
						  int lifetime, bool supersede, BaToken *token);
extern BaTokenState BaTokenPeek(const char *secret, const char *purpose, BaToken *token);
extern BaTokenState BaTokenLock(const char *secret, const char *purpose, BaToken *token);
extern BaTokenState BaTokenLockUser(const char *secret, const char *purpose,
									BaToken *token);
extern void BaTokenUse(const BaToken *token);

#endif /* BESTAUTH_TOKEN_H */
