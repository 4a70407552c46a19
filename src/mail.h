/* mail.h: the kinds of mail there are. */
#ifndef BESTAUTH_MAIL_H
#define BESTAUTH_MAIL_H

#define BA_MAIL_PASSWORD_SETUP "password_setup"
#define BA_MAIL_PASSWORD_RESET "password_reset"
#define BA_MAIL_TEMPORARY_PASSWORD "temporary_password"
#define BA_MAIL_PORTAL_INVITE "portal_invite"
#define BA_MAIL_EMAIL_VERIFICATION "email_verification"
#define BA_MAIL_EMAIL_CHANGE "email_change"
#define BA_MAIL_REGISTRATION_INVITE "registration_invite"
#define BA_MAIL_REGISTRATION_DECISION "registration_decision"
#define BA_MAIL_NOTICE "notice"
#define BA_PORTAL_INSTRUCTIONS "portal_instructions" /* no mail */

/* What a decision was. */
#define BA_DECISION_APPROVED "approved"
#define BA_DECISION_DECLINED "declined"

/* What a notice tells of. */
#define BA_NOTICE_PASSWORD "password_changed"
#define BA_NOTICE_EMAIL "email_change_requested"
#define BA_NOTICE_EMAIL_CHANGED "email_changed"
#define BA_NOTICE_LOCKED "account_locked"
#define BA_NOTICE_ACCESS "access_changed"
#define BA_NOTICE_BILLING_USER "billing_user_created"
#define BA_NOTICE_EMERGENCY "emergency_started"
#define BA_NOTICE_EMERGENCY_ENTERED "emergency_entered"
#define BA_NOTICE_OWN_EMERGENCY "own_emergency_started"
#define BA_NOTICE_REGISTRATION "registration_attempted"

/* A kind of mail, of some the topic: what it carries and what it says at first. */
typedef struct BaMailKind
{
	const char *kind;
	const char *topic;     /* of a notice or decision; NULL for all other kinds */
	const char *purpose;   /* of its token; NULL for none */
	const int *lifetime;   /* of the token, in seconds */
	const char *path;      /* of the link, behind the address that links begin with */
	int stale_after;       /* seconds after which it is not worth sending; 0: always is */
	const char *variables; /* that a template of it may name, with spaces between */
	const char *subject;   /* of the template that open_instance() puts down */
	const char *body;
} BaMailKind;

extern int BaMailKindCount(void);
extern const BaMailKind *BaMailKindAt(int i);
extern const BaMailKind *BaMailKindFind(const char *kind, const char *topic);

#endif /* BESTAUTH_MAIL_H */
