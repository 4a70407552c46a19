/* user.h: users of every type. */
#ifndef BESTAUTH_USER_H
#define BESTAUTH_USER_H

#include "company.h"
#include "usertype.h"

/* What a token of a user is for; it is good for nothing else. */
#define BA_TOKEN_SECOND_PART "second_part"
#define BA_TOKEN_PASSWORD_SETUP "password_setup"
#define BA_TOKEN_PASSWORD_CHANGE "password_change"
#define BA_TOKEN_PASSWORD_RESET "password_reset"
#define BA_TOKEN_EMAIL_CHANGE "email_change"

typedef struct BaUser
{
	pg_uuid_t user_id;
	pg_uuid_t company_id;
	pg_uuid_t service_id; /* of a key */
	bool has_service;
	char *username;
	const BaUserType *type;
	char *first_name; /* NULL without one, like the next two */
	char *last_name;
	char *email;
	int version;
	bool persons_limited;
	bool locked; /* by an administrator */
	bool deleted;
} BaUser;

/* Flags of BaUserActed(). */
#define BA_USER_LOCK 1    /* lock the row */
#define BA_USER_DELETED 2 /* a deleted one will do */

extern bool BaUserFind(const pg_uuid_t *company_id, const char *username, BaUser *user);
extern bool BaUserLoad(const pg_uuid_t *user_id, BaUser *user);
extern void BaUserTouch(const pg_uuid_t *user_id);
extern bool BaUserTryLock(const pg_uuid_t *user_id);
extern void BaUserLock(const pg_uuid_t *user_id);
extern bool BaUserAdmitsPerson(const BaUser *key, const pg_uuid_t *person_id);
extern void BaUserActed(const BaCaller *caller, FunctionCallInfo fcinfo, int username_arg,
						int company_arg, int flags, BaCompany *company, BaUser *user);
extern void BaUserRefuseDeleted(const BaUser *user);
extern void BaUserAudit(BaAudit *audit, const char *action, const BaCompany *company,
						const BaUser *user);
extern void BaUserRefusePortal(const BaCaller *caller, const char *portal);
extern void BaUserRule(BaRowEvent *event, bool restoring);
extern void BaUserPersonRule(BaRowEvent *event, bool restoring);

#endif /* BESTAUTH_USER_H */
