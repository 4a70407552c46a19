/* registration.h: invites and requests of an office's future users. */
#ifndef BESTAUTH_REGISTRATION_H
#define BESTAUTH_REGISTRATION_H

#include "password.h"
#include "provider.h"
#include "registration_state.h"
#include "user.h"

#define BA_LEVEL_TIN "tin"
#define BA_LEVEL_INDIVIDUAL "individual"

/* Why one was invalidated. */
#define BA_REASON_EXPIRED "expired"
#define BA_REASON_REVOKED "revoked"
#define BA_REASON_REPLACED "replaced"
#define BA_REASON_INCOMPLETE "incomplete"

/* An invite or a request; a text is NULL where nothing was given. */
typedef struct BaRegistration
{
	pg_uuid_t registration_id;
	pg_uuid_t company_id;
	pg_uuid_t portal_id;
	bool has_office; /* false: no office has the identifier */
	pg_uuid_t office_id;
	bool has_provider;
	pg_uuid_t provider_id;
	char *status;
	char *level;
	char *identifier;
	char *qualifier;
	char *npi;
	char *email;
	char *role;
	char *username;
	char *first_name;
	char *middle_name;
	char *last_name;
	char *title;
	char *phone;
	bool has_inviter; /* a user; else the database role */
	pg_uuid_t invited_by;
	char *invited_by_role;
	TimestampTz expires_at; /* of an invite */
	char *reason;
} BaRegistration;

/* A change of status, and what comes with it. */
typedef struct BaRegistrationMove
{
	const char *to;
	const char *reason;
	const pg_uuid_t *user_id; /* the account that came of it */
	const char *granted_role;
	const pg_uuid_t *office_id; /* found since, like the provider */
	const pg_uuid_t *provider_id;
	const char *changed_by; /* NULL: who calls */
	const BaUser *user;     /* by whom an invite was accepted */
	const char *middle_name;
	const char *title;
	const char *phone;
} BaRegistrationMove;

extern bool BaRegistrationLoad(const pg_uuid_t *id, BaRegistration *registration);
extern bool BaRegistrationLock(const pg_uuid_t *id, BaRegistration *registration);
extern bool BaRegistrationTryLock(const pg_uuid_t *id, BaRegistration *registration);
extern void BaRegistrationActed(const BaCaller *caller, FunctionCallInfo fcinfo,
								bool lock, BaRegistration *registration);
extern void BaRegistrationChange(const BaRegistration *registration,
								 const BaRegistrationMove *move);
extern void BaRegistrationRefuse(const BaRegistration *registration);
extern void BaRegistrationAudit(BaAudit *audit, const char *action,
								const BaCompany *company, const pg_uuid_t *id);
extern bool BaRegistrationTakesName(const BaPortal *portal, const char *username);
extern void BaRegistrationPasswordPut(const pg_uuid_t *id, const BaPasswordHash *hash);
extern bool BaRegistrationPasswordTake(const pg_uuid_t *id, BaPasswordHash *hash);
extern void BaRegistrationRule(BaRowEvent *event, bool restoring);

#endif /* BESTAUTH_REGISTRATION_H */
