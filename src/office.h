/* office.h: offices of providers. */
#ifndef BESTAUTH_OFFICE_H
#define BESTAUTH_OFFICE_H

#include "portal.h"

#define BA_QUALIFIER_TIN "24" /* an employer's identification number, in X12 */

typedef struct BaOffice
{
	pg_uuid_t office_id;
	pg_uuid_t company_id;
	pg_uuid_t portal_id;
	char *identifier;
	char *qualifier; /* what kind of identifier it is */
	char *name;
} BaOffice;

extern bool BaIdentifierIsValid(const char *identifier);
extern void BaIdentifierRequire(const char *identifier, const char *what);
extern bool BaOfficeFind(const BaPortal *portal, const char *identifier,
						 const char *qualifier, BaOffice *office);
extern bool BaOfficeLoad(const pg_uuid_t *office_id, BaOffice *office);
extern void BaOfficeActed(const BaCaller *caller, FunctionCallInfo fcinfo, int office_arg,
						  BaOffice *office);
extern void BaOfficeRule(BaRowEvent *event, bool restoring);

#endif /* BESTAUTH_OFFICE_H */
