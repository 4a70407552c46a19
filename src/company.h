/* company.h: companies, and which of them registered as billing service. */
#ifndef BESTAUTH_COMPANY_H
#define BESTAUTH_COMPANY_H

#include "access.h"
#include "audit.h"
#include "tuple.h"

typedef struct BaCompany
{
	pg_uuid_t company_id;
	char *code;
	char *name;      /* NULL where only the session's company is known */
	bool registered; /* as a billing service, now */
	int service_version;
} BaCompany;

extern bool BaCompanyCodeIsValid(const char *code);
extern bool BaCompanyFind(const char *code, BaCompany *company);
extern bool BaCompanyLoad(const pg_uuid_t *company_id, BaCompany *company);
extern void BaCompanyRequire(const char *code, BaCompany *company);
pg_noreturn extern void BaCompanyRefuseUnregistered(const BaCompany *service);
pg_noreturn extern void BaCompanyRefuseNoChild(const BaCompany *child,
											   const BaCompany *company,
											   const char *rule);
extern char *BaCompanyAudience(const BaCompany *company);
extern bool BaCompanyLockService(const BaCompany *service);
extern void BaCompanyActed(const BaCaller *caller, const char *code, BaCompany *company);
extern void BaCompanyRequireSame(const BaCaller *caller, const char *code,
								 const BaCompany *company);
extern void BaCompanyAudit(BaAudit *audit, const char *action, const BaCompany *company);
extern void BaCompanyRule(BaRowEvent *event, bool restoring);
extern void BaBillingServiceRule(BaRowEvent *event);

#endif /* BESTAUTH_COMPANY_H */
