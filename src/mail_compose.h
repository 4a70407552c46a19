/* mail_compose.h: a message that is being claimed. */
#ifndef BESTAUTH_MAIL_COMPOSE_H
#define BESTAUTH_MAIL_COMPOSE_H

#include "mail_template.h"
#include "query.h"
#include "registration.h"
#include "signup.h"

/* A message that is being claimed. */
typedef struct BaMailClaim
{
	const BaRow *row;
	pg_uuid_t message_id;
	const BaMailKind *kind;
	const char *recipient;
	bool has_user;
	BaUser user;
	bool has_signup;
	BaSignup signup;
	bool has_registration;
	BaRegistration registration;
	bool has_portal;
	BaPortal portal;
	BaCompany company;
	bool has_about;
	BaUser about;
} BaMailClaim;

extern int BaMailSecondsLeft(TimestampTz until);
extern char *BaMailToken(const BaMailClaim *claim);
extern void BaMailCompose(const BaMailClaim *claim, const char *token, BaMailText *text);

#endif /* BESTAUTH_MAIL_COMPOSE_H */
