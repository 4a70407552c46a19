/* portal.h: portals of companies. */
#ifndef BESTAUTH_PORTAL_H
#define BESTAUTH_PORTAL_H

#include "company.h"

#define BA_PORTAL_CLIENT "client"
#define BA_PORTAL_PROVIDER "provider"

typedef struct BaPortal
{
	pg_uuid_t portal_id;
	pg_uuid_t company_id;
	char *code;
	char *kind;
	char *name;
	char *url; /* where its pages are, without a slash at the end */
} BaPortal;

extern bool BaPortalFind(const BaCompany *company, const char *code, BaPortal *portal);
extern bool BaPortalLoad(const pg_uuid_t *portal_id, BaPortal *portal);
extern void BaPortalRequire(const BaCaller *caller, const BaCompany *company,
							const char *code, const char *kind, BaPortal *portal);
extern void BaPortalRule(BaRowEvent *event, bool restoring);

#endif /* BESTAUTH_PORTAL_H */
