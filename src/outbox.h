/* outbox.h: mail to be sent. */
#ifndef BESTAUTH_OUTBOX_H
#define BESTAUTH_OUTBOX_H

#include "user.h"

#define BA_MAIL_PASSWORD_SETUP "password_setup"

extern void BaOutboxPut(const char *kind, const BaCompany *company, const BaUser *user);

#endif /* BESTAUTH_OUTBOX_H */
