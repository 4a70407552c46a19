/*
 * outbox.c
 *	  Mail to be sent, put down in the transaction that causes it; mail_claim.c is
 *	  what becomes of it.
 *
 * No secret rests here, and no text: both are made when the message is claimed.
 */
#include "postgres.h"

#include "commands/async.h"

#include "bestauth.h"
#include "counter.h"
#include "fold.h"
#include "outbox.h"
#include "query.h"
#include "writer.h"

#define CHANNEL "bestauth_outbox"

static BaQuery insert_message = {
	.sql =
		"INSERT INTO bestauth.outbox (kind, topic, recipient, company_id, user_id, signup_id, registration_id)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7)",
};

/* A message that nobody has claimed yet, or several of late, are enough. */
static BaQuery find_recent = {
	.sql =
		"SELECT true FROM bestauth.outbox WHERE (user_id = $1 OR signup_id = $1) AND kind = $2 AND cancelled_at IS NULL"
		" AND dead_at IS NULL AND created_at > clock_timestamp() - interval '1 hour'"
		" HAVING count(*) >= 3 OR bool_or(attempts = 0)",
	.latest = true,
};

/* One a day: whoever locks an account by wrong guesses must not fill its mailbox too. */
static BaQuery insert_lock_notice = {
	.sql =
		"INSERT INTO bestauth.outbox (kind, topic, recipient, company_id, user_id)"
		" SELECT 'notice', $2, u.email, u.company_id, u.user_id FROM bestauth.user_account u"
		" WHERE u.user_id = $1 AND u.email IS NOT NULL AND u.deleted_at IS NULL"
		" AND NOT EXISTS (SELECT FROM bestauth.outbox o WHERE o.user_id = u.user_id AND o.kind = 'notice'"
		" AND o.topic = $2 AND o.created_at > clock_timestamp() - interval '24 hours')",
};

/* Those who run a company, but not who acts. */
static BaQuery insert_for_administrators = {
	.sql =
		"INSERT INTO bestauth.outbox (kind, topic, recipient, company_id, user_id, about_id)"
		" SELECT 'notice', $1, u.email, u.company_id, u.user_id, $3 FROM bestauth.user_account u"
		" WHERE u.company_id = $2 AND u.portal_id IS NULL AND u.user_type = 'company_administrator' AND u.email IS NOT NULL"
		" AND u.locked_at IS NULL AND u.deleted_at IS NULL AND u.user_id IS DISTINCT FROM $4",
	.latest = true,
};

/* What is put down; user, sign-up or registration, one of them. */
typedef struct Message
{
	const char *kind;
	const char *topic;
	const char *recipient;
	const pg_uuid_t *company_id;
	const pg_uuid_t *user_id;
	const pg_uuid_t *signup_id;
	const pg_uuid_t *registration_id;
} Message;

/* Somebody waits for mail, who has to know that there is some. */
void
BaOutboxNotify(void)
{
	Async_Notify(CHANNEL, "");
}

static void
Insert(const Message *message)
{
	BaArgs args = {0};

	BaPutText(&args, message->kind);
	BaPutText(&args, message->topic);
	BaPutText(&args, message->recipient);
	BaPutUuid(&args, message->company_id);
	BaPutUuid(&args, message->user_id);
	BaPutUuid(&args, message->signup_id);
	BaPutUuid(&args, message->registration_id);
	(void) BaQueryExec(&insert_message, &args);
	BaOutboxNotify();
}

void
BaOutboxPut(const char *kind, const BaUser *user)
{
	BaOutboxPutTo(kind, user, user->email);
}

/* To an address that is not the user's yet. */
void
BaOutboxPutTo(const char *kind, const BaUser *user, const char *recipient)
{
	Message message = {.kind = kind,
					   .recipient = recipient,
					   .company_id = &user->company_id,
					   .user_id = &user->user_id};

	Insert(&message);
}

/* The link by which the first password is set; to a client another one follows. */
void
BaOutboxPutSetup(const BaUser *user)
{
	BaOutboxPut(user->type->needs_contact ? BA_MAIL_PORTAL_INVITE :
											BA_MAIL_PASSWORD_SETUP,
				user);
}

/* To who is no user yet, or is one and must not show it: that is seen at the claim. */
void
BaOutboxPutSignup(const BaSignupMail *signup)
{
	Message message = {.kind = BA_MAIL_EMAIL_VERIFICATION,
					   .recipient = signup->email,
					   .company_id = signup->company_id,
					   .signup_id = signup->signup_id};

	Insert(&message);
}

/* What was decided on a request: to an address that nobody has proved. */
void
BaOutboxPutRegistration(const char *topic, const pg_uuid_t *registration_id,
						const pg_uuid_t *company_id, const char *email)
{
	Message message = {.kind = BA_MAIL_REGISTRATION_DECISION,
					   .topic = topic,
					   .recipient = email,
					   .company_id = company_id,
					   .registration_id = registration_id};

	Insert(&message);
}

/* To the address of now: that another one counts is told at the old one. */
void
BaOutboxNotice(const char *topic, const BaUser *user)
{
	Message message = {.kind = BA_MAIL_NOTICE,
					   .topic = topic,
					   .recipient = user->email,
					   .company_id = &user->company_id,
					   .user_id = &user->user_id};

	if (user->email != NULL)
		Insert(&message);
}

/* To all who run the company but the caller, about a user. */
void
BaOutboxTellAdministrators(const char *topic, const BaCaller *caller,
						   const pg_uuid_t *company_id, const pg_uuid_t *about_id)
{
	BaArgs args = {0};

	BaPutText(&args, topic);
	BaPutUuid(&args, company_id);
	BaPutUuid(&args, about_id);
	BaPutUuid(&args, caller->identity ? &caller->identity->user_id : NULL);
	if (BaQueryExec(&insert_for_administrators, &args) > 0)
		BaOutboxNotify();
}

/* ------------------------------------------------------------ in the writer */

/* What goes to the writer; behind it the audit row, as BaFoldPack() packs it. */
typedef struct MailRequest
{
	bool has_message;
	bool is_signup;
	pg_uuid_t id; /* of the sign-up, or of the user */
	pg_uuid_t company_id;
	char kind[BA_MAX_CODE + 1];
	char recipient[BA_MAX_EMAIL + 1];
} MailRequest;

static void
HandleMail(const char *payload, int length, char *reply)
{
	MailRequest request;
	Message message;

	memcpy(&request, payload, sizeof(request));
	BaFoldHandle(payload + sizeof(request));
	memset(&message, 0, sizeof(message));
	message.kind = request.kind;
	message.recipient = request.recipient;
	message.company_id = &request.company_id;
	message.user_id = request.is_signup ? NULL : &request.id;
	message.signup_id = request.is_signup ? &request.id : NULL;
	/*
	 * Looked at once more: the caller's snapshot may be old. NOTIFY in any case: who
	 * listens must not learn whether there is a message.
	 */
	if (request.has_message && !BaOutboxIsFlooded(&request.id, request.kind))
		Insert(&message);
	else
	{
		BaAuditSkip(1);
		BaOutboxNotify();
	}
}

/* Somebody's name was locked after wrong guesses; NULL: a name that nobody has. */
static void
HandleLock(const pg_uuid_t *user_id)
{
	BaArgs args = {0};

	BaPutUuid(&args, user_id);
	BaPutText(&args, BA_NOTICE_LOCKED);
	/* The numbers of the audit are seen by others: they rise alike for every name. */
	if (user_id == NULL)
		BaAuditSkip(2);
	else if (BaQueryExec(&insert_lock_notice, &args) == 0)
		BaAuditSkip(1);
	BaOutboxNotify();
}

void
BaOutboxInit(void)
{
	BaWriterRegister(BA_WRITER_MAIL, HandleMail);
	BaCounterOnLock(HandleLock);
}

/*
 * A message to somebody who may not exist, and the audit row that tells of it:
 * outside the caller's transaction, so that nothing in it is different. To a user or
 * to a sign-up; with neither, to nobody.
 */
void
BaOutboxPutDurably(const char *kind, const BaUser *user, const BaSignupMail *signup,
				   const BaAudit *audit, const char *key)
{
	StringInfoData packed;
	MailRequest request;
	char reply[BA_WRITER_REPLY];

	memset(&request, 0, sizeof(request));
	request.has_message = user != NULL || signup != NULL;
	request.is_signup = user == NULL;
	strlcpy(request.kind, kind, sizeof(request.kind));
	if (user != NULL)
	{
		request.id = user->user_id;
		request.company_id = user->company_id;
		strlcpy(request.recipient, user->email, sizeof(request.recipient));
	}
	else if (signup != NULL)
	{
		request.id = *signup->signup_id;
		request.company_id = *signup->company_id;
		strlcpy(request.recipient, signup->email, sizeof(request.recipient));
	}
	initStringInfo(&packed);
	appendBinaryStringInfo(&packed, (char *) &request, sizeof(request));
	BaFoldPack(&packed, audit, key);
	BaWriterCall(BA_WRITER_MAIL, packed.data, packed.len, reply);
	pfree(packed.data);
}

/* Does such a message to a user or sign-up wait, or were there several in the last hour? */
bool
BaOutboxIsFlooded(const pg_uuid_t *id, const char *kind)
{
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, id);
	BaPutText(&args, kind);
	return BaQueryRow(&find_recent, &args, &row);
}
