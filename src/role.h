/* role.h: roles, that is groups of permissions and child companies. */
#ifndef BESTAUTH_ROLE_H
#define BESTAUTH_ROLE_H

#include "permission.h"

extern bool BaRoleGive(const BaCaller *caller, const BaCompany *company,
					   const BaUser *user, const char *name);
extern bool BaRoleTake(const BaCaller *caller, const BaCompany *company,
					   const BaUser *user, const char *name);
extern void BaRoleRule(BaRowEvent *event, bool restoring);
extern void BaRoleCompanyRule(BaRowEvent *event, bool restoring);
extern void BaUserRoleRule(BaRowEvent *event, bool restoring);

#endif /* BESTAUTH_ROLE_H */
