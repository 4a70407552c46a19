/* token.h: one-time tokens. */
#ifndef BESTAUTH_TOKEN_H
#define BESTAUTH_TOKEN_H

#include "user.h"

/* What a token is for; it is good for nothing else. */
#define BA_TOKEN_SECOND_PART "second_part"
#define BA_TOKEN_PASSWORD_SETUP "password_setup"
#define BA_TOKEN_PASSWORD_CHANGE "password_change"

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

extern char *BaTokenIssue(const char *purpose, const BaUser *user, int service_version,
						  int lifetime, bool supersede, BaToken *token);
extern BaTokenState BaTokenPeek(const char *secret, const char *purpose, BaToken *token);
extern BaTokenState BaTokenLock(const char *secret, const char *purpose, BaToken *token);
extern BaTokenState BaTokenLockUser(const char *secret, const char *purpose,
									BaToken *token);
extern void BaTokenUse(const BaToken *token);

#endif /* BESTAUTH_TOKEN_H */
