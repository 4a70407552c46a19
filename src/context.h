/* context.h: the identity of the transaction. */
#ifndef BESTAUTH_CONTEXT_H
#define BESTAUTH_CONTEXT_H

#include "fmgr.h"
#include "identity.h"

extern void BaContextInit(void);
extern const BaIdentity *BaContextIdentity(void);
extern Datum BaContextAside(PGFunction act, FunctionCallInfo fcinfo);
extern void BaContextSet(const BaIdentity *identity, const char *text);
extern const BaIdSet *BaContextCompanies(void);
extern const BaIdSet *BaContextProviders(void);
extern bool BaContextHasPermission(const char *name);
extern bool BaContextCanAccessCompany(const pg_uuid_t *company_id);
extern bool BaContextCanAccessProvider(const pg_uuid_t *provider_id);

#endif /* BESTAUTH_CONTEXT_H */
