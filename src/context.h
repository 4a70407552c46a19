/* context.h: the identity of the transaction. */
#ifndef BESTAUTH_CONTEXT_H
#define BESTAUTH_CONTEXT_H

#include "utils/timestamp.h"
#include "utils/uuid.h"

typedef struct BaIdentity
{
	pg_uuid_t session_id;
	pg_uuid_t user_id;    /* of a two-part login, the key */
	pg_uuid_t person_id;  /* the human */
	pg_uuid_t company_id; /* where the session is now */
	pg_uuid_t service_id; /* only if has_service */
	bool has_service;
	pg_uuid_t office_id; /* only if has_office */
	bool has_office;
	pg_uuid_t provider_id; /* only if has_provider: at individual level */
	bool has_provider;
	TimestampTz expires_at;
	char *user_type;
	char *username;
	char *person; /* as service/username, of a service's person */
	char *company_code;
	char *service_code; /* "" without one */
	char *client_addr;  /* "" if not known */
	int permission_count;
	char **permissions; /* in the order of strcmp() */
	int company_count;
	pg_uuid_t *companies; /* in the order of memcmp() */
	int provider_count;
	pg_uuid_t *providers; /* the same; that an office's user sees */
} BaIdentity;

extern void BaContextInit(void);
extern const BaIdentity *BaContextIdentity(void);
extern Datum BaContextAside(PGFunction act, FunctionCallInfo fcinfo);
extern void BaContextSet(const char *text);
extern char *BaContextText(const BaIdentity *identity);
extern bool BaContextHasPermission(const char *name);
extern bool BaContextCanAccessCompany(const pg_uuid_t *company_id);
extern bool BaContextCanAccessProvider(const pg_uuid_t *provider_id);

#endif /* BESTAUTH_CONTEXT_H */
