/*
 * mail.c
 *	  The kinds of mail there are: the one table of what each carries.
 *
 * What they say is in the table mail_template, which the operator edits; the texts
 * here are what it begins with. Mail that anybody can cause, to an address that nobody
 * has proved, names nobody: it must not be of use to who typed a stranger's address.
 */
#include "postgres.h"

#include "mail.h"
#include "settings.h"
#include "user.h"

#define HOUR 3600

#define HELLO "Hello {{first_name}} {{last_name}},\n\n"
#define LINK "\n\n{{link}}\n\nThe link works once, for {{valid_for}}."
#define IGNORE "  If you did not expect this message, ignore it.\n"
#define TELL "\n\nIf it was not you, tell your administrator at {{company}}.\n"

#define PERSON "username first_name last_name company portal"

static const BaMailKind kinds[] = {
	{
		.kind = BA_MAIL_PASSWORD_SETUP,
		.purpose = BA_TOKEN_PASSWORD_SETUP,
		.lifetime = &BaSetupLinkLifetime,
		.path = "set-password",
		.variables = PERSON " link valid_for",
		.subject = "Set your password for {{company}}",
		.body = HELLO "An account was made for you at {{company}}.  Your user name is"
					  " {{username}}.  Set your password here:" LINK IGNORE,
	},
	{
		.kind = BA_MAIL_PASSWORD_RESET,
		.purpose = BA_TOKEN_PASSWORD_RESET,
		.lifetime = &BaSetupLinkLifetime,
		.path = "set-password",
		.stale_after = 24 * HOUR,
		.variables = PERSON " link valid_for",
		.subject = "Set a new password for {{company}}",
		.body = HELLO "Somebody asked for a new password for your account {{username}} at"
					  " {{company}}.  Set it here:" LINK IGNORE,
	},
	{
		/* No answers are asked for: the questions may be those of a thief. */
		.kind = BA_MAIL_TEMPORARY_PASSWORD,
		.purpose = BA_TOKEN_PASSWORD_SETUP,
		.lifetime = &BaSetupLinkLifetime,
		.path = "set-password",
		.variables = PERSON " link valid_for",
		.subject = "Your password for {{company}} was reset",
		.body = HELLO
		"An administrator has reset the password of your account {{username}} at"
		" {{company}}.  Log in with the temporary password that they give you, or set a"
		" new one here:" LINK IGNORE,
	},
	{
		.kind = BA_MAIL_PORTAL_INVITE,
		.purpose = BA_TOKEN_PASSWORD_SETUP,
		.lifetime = &BaSetupLinkLifetime,
		.path = "set-password",
		.variables = PERSON " link valid_for",
		.subject = "Your account for {{portal}}",
		.body = HELLO
		"{{company}} has made an account for you in {{portal}}.  Your user name is"
		" {{username}}.\n\nSet your password here:" LINK
		"  Then a second message comes, with a link that makes the account"
		" active.\n\nIf you did not expect this message, ignore it.\n",
	},
	{
		.kind = BA_MAIL_EMAIL_VERIFICATION,
		.purpose = BA_TOKEN_EMAIL_VERIFICATION,
		.lifetime = &BaVerificationLifetime,
		.path = "verify-email",
		.stale_after = 24 * HOUR,
		.variables = "company portal link valid_for",
		.subject = "Confirm your e-mail address for {{portal}}",
		.body = "An account in {{portal}} of {{company}} was asked for with this address."
				"  Open the verification link to make it active:" LINK
				"  If you did not ask for an account, do not open it.\n",
	},
	{
		.kind = BA_MAIL_EMAIL_CHANGE,
		.purpose = BA_TOKEN_EMAIL_CHANGE,
		.lifetime = &BaVerificationLifetime,
		.path = "confirm-email",
		.variables = "company portal link valid_for",
		.subject = "Confirm your new e-mail address for {{company}}",
		.body = "This address was entered for an account at {{company}}.  Confirm it"
				" here:" LINK IGNORE,
	},
	{
		.kind = BA_MAIL_REGISTRATION_INVITE,
		.purpose = BA_TOKEN_REGISTRATION,
		.lifetime = &BaInviteLifetime,
		.path = "accept-registration",
		.variables = "company portal office role link valid_for valid_until",
		.subject = "You are invited to {{portal}}",
		.body = "{{company}} invites you to {{portal}}, for {{office}}.  Choose your user"
				" name and password here:\n\n{{link}}\n\nThe link works once, until"
				" {{valid_until}}." IGNORE,
	},
	{
		.kind = BA_MAIL_REGISTRATION_DECISION,
		.topic = BA_DECISION_APPROVED,
		.variables = "company portal url",
		.subject = "Your request for {{portal}} was approved",
		.body =
			"The request for an account in {{portal}} of {{company}} with this address"
			" was approved.  A second message brings the link that confirms the address."
			"  Then log in at {{url}} with the user name and password that were chosen; if"
			" that link has expired, ask for a new one there.\n\n"
			"If you did not ask for an account, ignore both messages.\n",
	},
	{
		.kind = BA_MAIL_REGISTRATION_DECISION,
		.topic = BA_DECISION_DECLINED,
		.variables = "company portal reason",
		.subject = "Your request for {{portal}} was declined",
		.body =
			"The request for an account in {{portal}} of {{company}} with this address"
			" was declined.  The reason: {{reason}}\n\nIf you did not ask for an account,"
			" ignore this message.\n",
	},
	{
		.kind = BA_MAIL_NOTICE,
		.topic = BA_NOTICE_PASSWORD,
		.variables = PERSON,
		.subject = "Your password for {{company}} was changed",
		.body = HELLO
		"The password of your account {{username}} at {{company}} was changed." TELL,
	},
	{
		.kind = BA_MAIL_NOTICE,
		.topic = BA_NOTICE_EMAIL,
		.variables = PERSON,
		.subject = "A new e-mail address for your account at {{company}}",
		.body = HELLO
		"Another e-mail address was entered for your account {{username}} at"
		" {{company}}.  It counts once it is confirmed.\n\nIf you know nothing of it,"
		" tell your administrator at {{company}}.\n",
	},
	{
		.kind = BA_MAIL_NOTICE,
		.topic = BA_NOTICE_EMAIL_CHANGED,
		.variables = PERSON,
		.subject = "The e-mail address of your account at {{company}} was changed",
		.body = HELLO
		"Mail for your account {{username}} at {{company}} goes to another address from"
		" now on.\n\nIf you know nothing of it, tell your administrator at"
		" {{company}}.\n",
	},
	{
		.kind = BA_MAIL_NOTICE,
		.topic = BA_NOTICE_LOCKED,
		.variables = PERSON,
		.subject = "Your account at {{company}} is locked",
		.body = HELLO
		"Your account {{username}} at {{company}} was locked: by an administrator, or"
		" for a while after too many wrong passwords.\n\nIf the wrong passwords were not"
		" yours, tell your administrator at {{company}}.\n",
	},
	{
		.kind = BA_MAIL_NOTICE,
		.topic = BA_NOTICE_ACCESS,
		.variables = PERSON,
		.subject = "What you may do at {{company}} was changed",
		.body = HELLO
		"The roles or permissions of your account {{username}} at {{company}} were"
		" changed.\n\nIf you know nothing of it, tell your administrator at"
		" {{company}}.\n",
	},
	{
		.kind = BA_MAIL_NOTICE,
		.topic = BA_NOTICE_BILLING_USER,
		.variables = PERSON " billing_user billing_service",
		.subject = "A billing user was made at {{company}}",
		.body = HELLO
		"The billing user {{billing_user}} was made at {{company}}: by it, people of"
		" {{billing_service}} can enter.\n\nIf you know nothing of it, look into the"
		" audit report.\n",
	},
	{
		/* Without the reason: it may speak of a patient. */
		.kind = BA_MAIL_NOTICE,
		.topic = BA_NOTICE_EMERGENCY,
		.variables = PERSON " emergency_user",
		.subject = "Emergency access was started at {{company}}",
		.body = HELLO
		"{{emergency_user}} has started emergency access at {{company}}.  It ends by"
		" itself.  The audit report has the reason, and all that is done under it.\n\nIf"
		" there is no emergency, lock the user, which ends it at once.\n",
	},
	{
		.kind = BA_MAIL_NOTICE,
		.topic = BA_NOTICE_EMERGENCY_ENTERED,
		.variables = PERSON " emergency_user",
		.subject = "{{company}} was entered by emergency access",
		.body = HELLO
		"{{emergency_user}} of the parent company has entered {{company}} by emergency"
		" access.  It ends by itself.  The audit report has all that is done under it.\n\nIf"
		" you know of no emergency, ask the parent company.\n",
	},
	{
		.kind = BA_MAIL_NOTICE,
		.topic = BA_NOTICE_OWN_EMERGENCY,
		.variables = PERSON,
		.subject = "You have started emergency access at {{company}}",
		.body = HELLO
		"Emergency access was started with your account {{username}} at {{company}}." TELL,
	},
	{
		.kind = BA_MAIL_NOTICE,
		.topic = BA_NOTICE_REGISTRATION,
		.stale_after = 24 * HOUR,
		.variables = "company portal",
		.subject = "You have an account for {{portal}}",
		.body = "Somebody, perhaps you, asked for an account in {{portal}} of {{company}}"
				" with this address.  There is one already.  If you forgot its password,"
				" ask for a new one on the page where you log in.\n",
	},
	{
		/* Printed, not mailed: without the link, which goes to the mailbox alone. */
		.kind = BA_PORTAL_INSTRUCTIONS,
		.variables = PERSON " url valid_for",
		.subject = "Your account for {{portal}}",
		.body =
			"{{company}} has made an account for you in {{portal}}, {{url}}.\n\n"
			"Your user name is your e-mail address: {{username}}\n\n"
			"1. Open the message that was sent to this address, and the link in it.  The link\n"
			"   is secret, so it stands in that message alone and not on this page.\n"
			"2. Choose a password.\n"
			"3. A second message comes, with a verification link that is good for"
			" {{valid_for}}.\n"
			"   Open it: your account is active.\n"
			"4. Log in at {{url}} with your e-mail address and your password.\n\n"
			"If a link has expired, ask for a new one on that page.\n",
	},
};

int
BaMailKindCount(void)
{
	return lengthof(kinds);
}

const BaMailKind *
BaMailKindAt(int i)
{
	return &kinds[i];
}

/* NULL for one that there is not. */
const BaMailKind *
BaMailKindFind(const char *kind, const char *topic)
{
	int i;

	for (i = 0; i < lengthof(kinds); i++)
		if (strcmp(kinds[i].kind, kind) == 0 &&
			strcmp(kinds[i].topic ? kinds[i].topic : "", topic ? topic : "") == 0)
			return &kinds[i];
	return NULL;
}
