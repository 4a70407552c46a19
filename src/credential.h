/* credential.h: password hashes of users. */
#ifndef BESTAUTH_CREDENTIAL_H
#define BESTAUTH_CREDENTIAL_H

#include "password.h"
#include "user.h"

typedef struct BaCredential
{
	BaPasswordHash password; /* hash NULL: none was set */
	bool must_change;
	TimestampTz expires_at; /* of a temporary password, else 0 */
} BaCredential;

extern void BaCredentialFind(const pg_uuid_t *user_id, BaCredential *credential);
extern void BaCredentialSet(const pg_uuid_t *user_id, const BaPasswordHash *hash,
							bool temporary);
extern void BaCredentialRemove(const pg_uuid_t *user_id);
extern void BaCredentialRenew(const pg_uuid_t *user_id, const char *password,
							  const BaPasswordHash *seen);
extern void BaCredentialRule(BaRowEvent *event, bool restoring);

#endif /* BESTAUTH_CREDENTIAL_H */
