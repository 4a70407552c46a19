/* permission.h: permissions, and who holds which. */
#ifndef BESTAUTH_PERMISSION_H
#define BESTAUTH_PERMISSION_H

#include "args.h"
#include "company_access.h"

/* In a query: what a user holds, as a text array in the order of strcmp(). */
#define BA_PERMISSIONS_HELD(user_id) \
	"(SELECT coalesce(array_agg(DISTINCT h.permission ORDER BY h.permission), '{}')" \
	" FROM bestauth.permission_access h WHERE h.user_id = " user_id ")"

extern void BaPermissionSeed(void);
extern bool BaPermissionNameIsValid(const char *name);
extern void BaPermissionRequireKnown(char **names, int count);
extern void BaPermissionRequireGivable(const BaCaller *caller, char **names, int count);
extern void BaPermissionRequireAll(const BaCaller *caller, Datum permissions,
								   Datum companies, const char *company_reason);
extern void BaPermissionRequireAsMuch(const BaCaller *caller, const BaUser *user);
extern bool BaPermissionContains(const BaUser *holder, Datum permissions,
								 Datum companies);
extern bool BaPermissionCovers(const BaUser *holder, const BaUser *user);
extern bool BaPermissionGive(const BaCompany *company, const BaUser *user,
							 const char *name);
extern Datum BaPermissionsOf(const BaUser *user);
extern Datum BaPermissionsInEmergency(const BaUser *user);
extern Datum BaProvidersOf(const BaUser *user);
extern void BaPermissionRule(BaRowEvent *event, bool restoring);
extern void BaPermissionDeleteRule(const BaRowEvent *event);
extern void BaUserPermissionRule(BaRowEvent *event, bool restoring);
extern void BaRolePermissionRule(BaRowEvent *event, bool restoring);

#endif /* BESTAUTH_PERMISSION_H */
