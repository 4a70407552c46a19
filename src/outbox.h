/* outbox.h: mail to be sent. */
#ifndef BESTAUTH_OUTBOX_H
#define BESTAUTH_OUTBOX_H

#include "mail.h"
#include "user.h"

/* Where the mail of a sign-up goes. */
typedef struct BaSignupMail
{
	const pg_uuid_t *signup_id;
	const pg_uuid_t *company_id;
	const char *email;
} BaSignupMail;

extern void BaOutboxPut(const char *kind, const BaUser *user);
extern void BaOutboxPutTo(const char *kind, const BaUser *user, const char *recipient);
extern void BaOutboxPutSetup(const BaUser *user);
extern void BaOutboxPutSignup(const BaSignupMail *signup);
extern void BaOutboxPutRegistration(const char *topic, const pg_uuid_t *registration_id,
									const pg_uuid_t *company_id, const char *email);
extern void BaOutboxNotify(void);
extern void BaOutboxNotice(const char *topic, const BaUser *user);
extern void BaOutboxTellAdministrators(const char *topic, const BaCaller *caller,
									   const pg_uuid_t *company_id,
									   const pg_uuid_t *about_id);
extern void BaOutboxInit(void);
extern void BaOutboxPutDurably(const char *kind, const BaUser *user,
							   const BaSignupMail *signup, const BaAudit *audit,
							   const char *key);
extern bool BaOutboxIsFlooded(const pg_uuid_t *id, const char *kind);

#endif /* BESTAUTH_OUTBOX_H */
