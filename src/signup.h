/* signup.h: portal accounts that were asked for and not verified yet. */
#ifndef BESTAUTH_SIGNUP_H
#define BESTAUTH_SIGNUP_H

#include "password.h"
#include "portal.h"
#include "utils/timestamp.h"

typedef struct BaSignup
{
	pg_uuid_t signup_id;
	pg_uuid_t company_id;
	pg_uuid_t portal_id;
	char *email;
	char *first_name;
	char *last_name;
	BaPasswordHash password;
	TimestampTz expires_at;
	bool pending; /* neither used nor expired */
} BaSignup;

extern pg_uuid_t BaSignupPut(const BaPortal *portal, const BaSignup *signup);
extern bool BaSignupFind(const BaPortal *portal, const char *email, BaSignup *signup);
extern bool BaSignupLoad(const pg_uuid_t *signup_id, BaSignup *signup);
extern bool BaSignupLock(const pg_uuid_t *signup_id, BaSignup *signup);
extern bool BaSignupTryLock(const pg_uuid_t *signup_id, BaSignup *signup);
extern void BaSignupForgetPassword(const BaSignup *signup);
extern void BaSignupUse(const BaSignup *signup);

#endif /* BESTAUTH_SIGNUP_H */
