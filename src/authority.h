/* authority.h: what a user is and may do, remembered by the backend. */
#ifndef BESTAUTH_AUTHORITY_H
#define BESTAUTH_AUTHORITY_H

#include "user.h"

typedef struct BaAuthorityLists
{
	bool known;
	int permission_count;
	char **permissions; /* in the order of strcmp() */
	BaIdSet companies;
	BaIdSet providers;
} BaAuthorityLists;

typedef struct BaAuthority
{
	pg_uuid_t user_id; /* hash key, must be first */
	BaUser user;
	char *company_code; /* of the user's own company */
	bool service_registered;
	int service_version;
	BaAuthorityLists own;
	BaAuthorityLists emergency;
} BaAuthority;

extern void BaAuthorityBegin(void);
extern bool BaAuthorityIsCurrent(void);
extern MemoryContext BaAuthorityContext(uint64 *epoch);
extern BaAuthority *BaAuthorityOf(const pg_uuid_t *user_id);
extern const BaAuthorityLists *BaAuthorityOwn(BaAuthority *authority);
extern const BaAuthorityLists *BaAuthorityInEmergency(BaAuthority *authority);

#endif /* BESTAUTH_AUTHORITY_H */
