/* user.h: users of every type. */
#ifndef BESTAUTH_USER_H
#define BESTAUTH_USER_H

#include "company.h"
#include "portal.h"
#include "usertype.h"

/* What a token of a user is for; it is good for nothing else. */
#define BA_TOKEN_SECOND_PART "second_part"
#define BA_TOKEN_PASSWORD_SETUP "password_setup"
#define BA_TOKEN_PASSWORD_CHANGE "password_change"
#define BA_TOKEN_PASSWORD_RESET "password_reset"
#define BA_TOKEN_EMAIL_CHANGE "email_change"
#define BA_TOKEN_EMAIL_VERIFICATION "email_verification"
#define BA_TOKEN_REGISTRATION "registration"

typedef struct BaUser
{
	pg_uuid_t user_id;
	pg_uuid_t company_id;
	pg_uuid_t service_id; /* of a key */
	bool has_service;
	pg_uuid_t portal_id; /* only if has_portal */
	bool has_portal;
	pg_uuid_t office_id; /* only if has_office */
	bool has_office;
	pg_uuid_t provider_id; /* only if has_provider: at individual level */
	bool has_provider;
	char *username;
	const BaUserType *type;
	char *first_name; /* NULL without one, like the next two */
	char *last_name;
	char *email;
	int version;
	bool persons_limited;
	bool locked; /* by an administrator */
	bool deleted;
	bool verified; /* the address, by a link */
} BaUser;

/* Of the users "u" of a query: the lock after wrong guesses, "l". */
#define BA_USER_GUESS_LOCK \
	" LEFT JOIN bestauth.login_counter l ON l.subject = '\\x75'::bytea || uuid_send(u.user_id)" \
	" AND l.locked_until > clock_timestamp()"

/* Flags of BaUserActed(). */
#define BA_USER_LOCK 1    /* lock the row */
#define BA_USER_DELETED 2 /* a deleted one will do */

extern bool BaUserFind(const pg_uuid_t *company_id, const pg_uuid_t *portal_id,
					   const char *username, BaUser *user);
extern bool BaUserLoad(const pg_uuid_t *user_id, BaUser *user);
extern void BaUserTouch(const pg_uuid_t *user_id);
extern bool BaUserAssert(const pg_uuid_t *company_id, const pg_uuid_t *user_id,
						 const char *username, const char *first_name,
						 const char *last_name, pg_uuid_t *made_id);
extern bool BaUserIsAsserted(void);
extern void BaUserRaiseVersion(const pg_uuid_t *user_id);
extern bool BaUserTryLock(const pg_uuid_t *user_id);
extern void BaUserLock(const pg_uuid_t *user_id);
extern void BaUserLockShared(const pg_uuid_t *user_id);
extern bool BaUserAdmitsPerson(const BaUser *key, const pg_uuid_t *person_id);
extern void BaUserActed(const BaCaller *caller, FunctionCallInfo fcinfo, int username_arg,
						int company_arg, int flags, BaCompany *company, BaUser *user);
extern bool BaUserIsInReach(const BaCaller *caller, const BaUser *user);
extern void BaUserRefuseDeleted(const BaUser *user);
extern void BaUserRefuseTaken(const char *username);
extern bool BaUserReaches(const BaUser *holder, const BaUser *user);
extern void BaUserAudit(BaAudit *audit, const char *action, const BaCompany *company,
						const BaUser *user);
extern bool BaUserPortalActed(const BaCaller *caller, const BaCompany *company,
							  const char *code, BaPortal *portal);
extern void BaUserOwnAudit(BaAudit *audit, const char *action, const BaCompany *company,
						   const BaUser *user);
extern void BaUserCompany(const BaUser *user, BaCompany *company);
extern bool BaUserHoldsAddress(const BaUser *user);
extern void BaUserRule(BaRowEvent *event, bool restoring);
extern void BaUserPersonRule(BaRowEvent *event, bool restoring);

#endif /* BESTAUTH_USER_H */
