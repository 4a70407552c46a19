/* user.h: users of every type. */
#ifndef BESTAUTH_USER_H
#define BESTAUTH_USER_H

#include "company.h"
#include "usertype.h"

typedef struct BaUser
{
	pg_uuid_t user_id;
	pg_uuid_t company_id;
	pg_uuid_t service_id; /* of a key */
	bool has_service;
	char *username;
	const BaUserType *type;
	char *email; /* NULL without one */
	int version;
	bool persons_limited;
	bool locked; /* by an administrator */
	bool deleted;
} BaUser;

extern bool BaUserFind(const pg_uuid_t *company_id, const char *username, BaUser *user);
extern bool BaUserLoad(const pg_uuid_t *user_id, BaUser *user);
extern void BaUserLock(const pg_uuid_t *user_id);
extern bool BaUserAdmitsPerson(const BaUser *key, const pg_uuid_t *person_id);
extern void BaUserActed(const BaCaller *caller, FunctionCallInfo fcinfo, int username_arg,
						int company_arg, BaCompany *company, BaUser *user);
extern void BaUserAudit(BaAudit *audit, const char *action, const BaCompany *company,
						const BaUser *user);
extern void BaUserRefusePortal(const BaCaller *caller, const char *portal);
extern void BaUserRule(BaRowEvent *event, bool restoring);
extern void BaUserPersonRule(BaRowEvent *event, bool restoring);

#endif /* BESTAUTH_USER_H */
