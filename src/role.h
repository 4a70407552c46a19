/* role.h: roles, that is groups of permissions and child companies. */
#ifndef BESTAUTH_ROLE_H
#define BESTAUTH_ROLE_H

#include "permission.h"

/* The children that roles carry: one that has moved to another parent counts not. */
#define BA_ROLE_CHILDREN \
	"bestauth.role_company rc JOIN bestauth.company c" \
	" ON c.company_id = rc.child_id AND c.parent_id = rc.company_id"

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
