/* role.h: roles, that is groups of permissions and child companies. */
#ifndef BESTAUTH_ROLE_H
#define BESTAUTH_ROLE_H

#include "permission.h"

#define BA_ROLE_SELF_REGISTRATION "Provider - Self Registration User"

extern bool BaRoleGive(const BaCaller *caller, const BaCompany *company,
					   const BaUser *user, const char *name);
extern char *BaRoleRequireGivable(const BaCaller *caller, const BaCompany *company,
								  const char *name);
extern bool BaRoleIsCovered(const BaUser *holder, const BaCompany *company,
							const char *name);
extern bool BaRoleTake(const BaCaller *caller, const BaCompany *company,
					   const BaUser *user, const char *name);
extern void BaRoleSeedProvider(const pg_uuid_t *company_id);
extern const char *BaRoleOfProviders(const char *name);
extern void BaRoleRule(BaRowEvent *event, bool restoring);
extern void BaRoleCompanyRule(BaRowEvent *event, bool restoring);
extern void BaUserRoleRule(BaRowEvent *event, bool restoring);

#endif /* BESTAUTH_ROLE_H */
