/* outbox.h: mail to be sent. */
#ifndef BESTAUTH_OUTBOX_H
#define BESTAUTH_OUTBOX_H

#include "user.h"

#define BA_MAIL_PASSWORD_SETUP "password_setup"
#define BA_MAIL_PASSWORD_RESET "password_reset"
#define BA_MAIL_TEMPORARY_PASSWORD "temporary_password"
#define BA_MAIL_EMAIL_CHANGE "email_change"
#define BA_MAIL_NOTICE "notice"

/* What a notice tells of. */
#define BA_NOTICE_PASSWORD "password_changed"
#define BA_NOTICE_EMAIL "email_change_requested"
#define BA_NOTICE_EMAIL_CHANGED "email_changed"

extern void BaOutboxPut(const char *kind, const BaCompany *company, const BaUser *user);
extern void BaOutboxPutTo(const char *kind, const BaCompany *company, const BaUser *user,
						  const char *recipient);
extern void BaOutboxNotice(const char *topic, const BaCompany *company,
						   const BaUser *user);
extern void BaOutboxInit(void);
extern void BaOutboxPutDurably(const char *kind, const BaCompany *company,
							   const BaUser *user, const BaAudit *audit, const char *key);
extern bool BaOutboxIsFlooded(const BaUser *user, const char *kind);

#endif /* BESTAUTH_OUTBOX_H */
