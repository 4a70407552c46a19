/* authority.h: what a user is and may do, remembered by the backend. */
#ifndef BESTAUTH_AUTHORITY_H
#define BESTAUTH_AUTHORITY_H

#include "user.h"

typedef struct BaAuthority
{
	pg_uuid_t user_id; /* hash key, must be first */
	BaUser user;
	char *company_code; /* of the user's own company */
	bool service_registered;
	int service_version;
	bool has_lists;
	int permission_count;
	char **permissions;
	BaIdSet companies;
	BaIdSet providers;
} BaAuthority;

extern void BaAuthorityBegin(void);
extern bool BaAuthorityIsCurrent(void);
extern MemoryContext BaAuthorityContext(uint64 *epoch);
extern BaAuthority *BaAuthorityOf(const pg_uuid_t *user_id);
extern void BaAuthorityLists(BaAuthority *authority);

#endif /* BESTAUTH_AUTHORITY_H */
