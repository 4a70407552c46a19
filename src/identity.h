/* identity.h: who calls, and what they may: one block, and its text. */
#ifndef BESTAUTH_IDENTITY_H
#define BESTAUTH_IDENTITY_H

#include "idset.h"
#include "utils/timestamp.h"

typedef struct BaIdentity
{
	pg_uuid_t session_id;
	pg_uuid_t user_id;        /* of a two-part login, the key */
	pg_uuid_t person_id;      /* the human */
	pg_uuid_t company_id;     /* where the session is now */
	pg_uuid_t own_company_id; /* the user's */
	pg_uuid_t service_id;     /* only if has_service */
	bool has_service;
	pg_uuid_t office_id; /* only if has_office */
	bool has_office;
	pg_uuid_t provider_id; /* only if has_provider: at individual level */
	bool has_provider;
	pg_uuid_t emergency_id; /* only if has_emergency */
	bool has_emergency;
	TimestampTz expires_at;
	char *user_type;
	char *username;
	char *person; /* as service/username, of a service's person */
	char *company_code;
	char *service_code; /* "" without one */
	char *client_addr;  /* "" if not known */
	int permission_count;
	char **permissions; /* in the order of strcmp() */
	BaIdSet companies;  /* that the user may enter */
	BaIdSet providers;  /* that an office's user sees */
} BaIdentity;

extern char *BaIdentityText(const BaIdentity *identity);
extern BaIdentity *BaIdentityParse(const char *text);
extern bool BaIdentityHolds(const BaIdentity *identity, const char *permission);

#endif /* BESTAUTH_IDENTITY_H */
