/* company_access.h: which companies a user may enter, and why. */
#ifndef BESTAUTH_COMPANY_ACCESS_H
#define BESTAUTH_COMPANY_ACCESS_H

#include "user.h"

extern Datum BaCompaniesOf(const BaUser *user);
extern Datum BaCompaniesInEmergency(const BaUser *user);
extern bool BaCompanyIsChild(const pg_uuid_t *child_id, const pg_uuid_t *parent_id);
extern void BaCompanyChildNamed(const BaCaller *caller, const char *code,
								BaCompany *child);
extern void BaUserCompanyRule(BaRowEvent *event, bool restoring);

#endif /* BESTAUTH_COMPANY_ACCESS_H */
