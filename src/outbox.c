/*
 * outbox.c
 *	  Mail to be sent: put down in the transaction that causes it, claimed by the
 *	  mailer.
 *
 * No secret rests here. The token of a message is made when it is claimed, and
 * goes out with the answer alone; claiming it again makes another one, and the
 * one before stops working.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/async.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "args.h"
#include "bestauth.h"
#include "credential.h"
#include "fold.h"
#include "outbox.h"
#include "query.h"
#include "settings.h"
#include "token.h"
#include "writer.h"

PG_FUNCTION_INFO_V1(bestauth_claim_mail);
PG_FUNCTION_INFO_V1(bestauth_confirm_mail);
PG_FUNCTION_INFO_V1(bestauth_fail_mail);

#define CHANNEL "bestauth_outbox"
#define MAX_ERROR 500 /* characters */

/* A kind of message: which token it carries, and what it says. */
typedef struct MailKind
{
	const char *kind;
	const char *topic;   /* of a notice; NULL for all other kinds */
	const char *purpose; /* of its token; NULL for none */
	const char *subject;
	const char *body; /* %s: base URL, token */
} MailKind;

#define LINK_ONCE "The link works once.  If you did not expect this message, ignore it.\n"

static const MailKind kinds[] = {
	{
		.kind = BA_MAIL_PASSWORD_SETUP,
		.purpose = BA_TOKEN_PASSWORD_SETUP,
		.subject = "Set your password",
		.body = "An account was made for you.  Set your password here:\n\n"
				"%s/set-password?token=%s\n\n" LINK_ONCE,
	},
	{
		.kind = BA_MAIL_PASSWORD_RESET,
		.purpose = BA_TOKEN_PASSWORD_RESET,
		.subject = "Set a new password",
		.body = "Somebody asked for a new password for your account.  Set it here:\n\n"
				"%s/set-password?token=%s\n\n" LINK_ONCE,
	},
	{
		/* No answers are asked for: the questions may be those of a thief. */
		.kind = BA_MAIL_TEMPORARY_PASSWORD,
		.purpose = BA_TOKEN_PASSWORD_SETUP,
		.subject = "Your password was reset",
		.body =
			"An administrator has reset your password.  Log in with the temporary password"
			" that they give you, or set a new one here:\n\n"
			"%s/set-password?token=%s\n\n" LINK_ONCE,
	},
	{
		.kind = BA_MAIL_EMAIL_CHANGE,
		.purpose = BA_TOKEN_EMAIL_CHANGE,
		.subject = "Confirm your new e-mail address",
		.body = "This address was entered for your account.  Confirm it here:\n\n"
				"%s/confirm-email?token=%s\n\n" LINK_ONCE,
	},
	{
		.kind = BA_MAIL_NOTICE,
		.topic = BA_NOTICE_PASSWORD,
		.subject = "Your password was changed",
		.body = "The password of your account was changed.\n\n"
				"If it was not you, tell your administrator.\n",
	},
	{
		.kind = BA_MAIL_NOTICE,
		.topic = BA_NOTICE_EMAIL,
		.subject = "A new e-mail address for your account",
		.body =
			"Another e-mail address was entered for your account.  It counts once it is"
			" confirmed.\n\nIf you know nothing of it, tell your administrator.\n",
	},
	{
		.kind = BA_MAIL_NOTICE,
		.topic = BA_NOTICE_EMAIL_CHANGED,
		.subject = "The e-mail address of your account was changed",
		.body = "Mail for your account goes to another address from now on.\n\n"
				"If you know nothing of it, tell your administrator.\n",
	},
};

static BaQuery insert_message = {
	.sql = "INSERT INTO bestauth.outbox (kind, topic, recipient, user_id, company_id)"
		   " VALUES ($1, $2, $3, $4, $5)",
};

/* The same message once more takes the place of the one before. */
static BaQuery find_newer = {
	.sql =
		"SELECT true FROM bestauth.outbox o JOIN bestauth.outbox n ON n.user_id = o.user_id"
		" AND n.kind = o.kind AND n.topic IS NOT DISTINCT FROM o.topic AND (n.created_at, n.message_id) > (o.created_at, o.message_id)"
		" AND (n.topic IS NULL OR n.recipient = o.recipient) WHERE o.message_id = $1 LIMIT 1",
	.latest = true,
};

static BaQuery find_pending_email = {
	.sql =
		"SELECT true FROM bestauth.user_account WHERE user_id = $1 AND pending_email = $2",
	.latest = true,
};

/* A message that waits, or several of late, are enough. */
static BaQuery find_recent = {
	.sql =
		"SELECT true FROM bestauth.outbox WHERE user_id = $1 AND kind = $2 AND cancelled_at IS NULL"
		" AND created_at > clock_timestamp() - interval '1 hour'"
		" HAVING count(*) >= 3 OR bool_or(sent_at IS NULL)",
	.latest = true,
};

static BaQuery claim_messages = {
	.sql =
		"UPDATE bestauth.outbox o SET lease_until = clock_timestamp() + $2 * interval '1 second',"
		" attempts = attempts + 1 FROM (SELECT message_id FROM bestauth.outbox"
		" WHERE sent_at IS NULL AND cancelled_at IS NULL"
		" AND (lease_until IS NULL OR lease_until <= clock_timestamp())"
		" ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED) due"
		" WHERE o.message_id = due.message_id"
		" RETURNING o.message_id, o.kind, o.recipient, o.user_id, o.attempts, o.topic",
};

static BaQuery cancel_message = {
	.sql =
		"UPDATE bestauth.outbox SET cancelled_at = clock_timestamp() WHERE message_id = $1",
};

static BaQuery confirm_message = {
	.sql =
		"UPDATE bestauth.outbox SET sent_at = coalesce(sent_at, clock_timestamp()), lease_until = NULL"
		" WHERE message_id = $1",
};

static BaQuery fail_message = {
	.sql =
		"UPDATE bestauth.outbox SET lease_until = clock_timestamp() + interval '1 minute', last_error = $2"
		" WHERE message_id = $1",
};

static void
Insert(const char *kind, const char *topic, const char *recipient,
	   const pg_uuid_t *user_id, const pg_uuid_t *company_id)
{
	BaArgs args = {0};

	BaPutText(&args, kind);
	BaPutText(&args, topic);
	BaPutText(&args, recipient);
	BaPutUuid(&args, user_id);
	BaPutUuid(&args, company_id);
	(void) BaQueryExec(&insert_message, &args);
	Async_Notify(CHANNEL, "");
}

static void
Put(const char *kind, const char *topic, const BaCompany *company, const BaUser *user,
	const char *recipient)
{
	Insert(kind, topic, recipient, &user->user_id, &company->company_id);
}

void
BaOutboxPut(const char *kind, const BaCompany *company, const BaUser *user)
{
	Put(kind, NULL, company, user, user->email);
}

/* To an address that is not the user's yet. */
void
BaOutboxPutTo(const char *kind, const BaCompany *company, const BaUser *user,
			  const char *recipient)
{
	Put(kind, NULL, company, user, recipient);
}

/* To the address of now, whatever it is when the mail goes out. */
void
BaOutboxNotice(const char *topic, const BaCompany *company, const BaUser *user)
{
	if (user->email != NULL)
		Put(BA_MAIL_NOTICE, topic, company, user, user->email);
}

/* What goes to the writer; behind it the audit row, as BaFoldPack() packs it. */
typedef struct MailRequest
{
	bool has_message;
	pg_uuid_t user_id;
	pg_uuid_t company_id;
	char kind[BA_MAX_CODE + 1];
	char recipient[BA_MAX_EMAIL + 1];
} MailRequest;

static void
HandleMail(const char *payload, int length, char *reply)
{
	MailRequest request;

	memcpy(&request, payload, sizeof(request));
	BaFoldHandle(payload + sizeof(request));
	/* NOTIFY in any case: who listens must not learn whether there is a message. */
	if (request.has_message)
		Insert(request.kind, NULL, request.recipient, &request.user_id,
			   &request.company_id);
	else
		Async_Notify(CHANNEL, "");
}

void
BaOutboxInit(void)
{
	BaWriterRegister(BA_WRITER_MAIL, HandleMail);
}

/*
 * A message to somebody who may not exist (user NULL: to nobody), and the audit row
 * that tells of it: outside the caller's transaction, so that nothing in it is
 * different.
 */
void
BaOutboxPutDurably(const char *kind, const BaCompany *company, const BaUser *user,
				   const BaAudit *audit, const char *key)
{
	StringInfoData packed;
	MailRequest request;
	char reply[BA_WRITER_REPLY];

	memset(&request, 0, sizeof(request));
	request.has_message = user != NULL;
	if (user != NULL)
	{
		request.user_id = user->user_id;
		request.company_id = company->company_id;
		strlcpy(request.kind, kind, sizeof(request.kind));
		strlcpy(request.recipient, user->email, sizeof(request.recipient));
	}
	initStringInfo(&packed);
	appendBinaryStringInfo(&packed, (char *) &request, sizeof(request));
	BaFoldPack(&packed, audit, key);
	BaWriterCall(BA_WRITER_MAIL, packed.data, packed.len, reply);
	pfree(packed.data);
}

/* Does such a message wait, or were there several in the last hour? */
bool
BaOutboxIsFlooded(const BaUser *user, const char *kind)
{
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, &user->user_id);
	BaPutText(&args, kind);
	return BaQueryRow(&find_recent, &args, &row);
}

/* Whole seconds of an interval without months. */
static int
LeaseSeconds(FunctionCallInfo fcinfo)
{
	Interval *lease;
	int64 seconds;

	if (PG_ARGISNULL(1))
		return 300;
	lease = PG_GETARG_INTERVAL_P(1);
	seconds = lease->month != 0 || abs(lease->day) > 1 ?
				  0 :
				  lease->day * (int64) SECS_PER_DAY + lease->time / USECS_PER_SEC;
	if (seconds < 1 || seconds > SECS_PER_DAY)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("lease is out of range"),
						errdetail("It must be from 1 second to 1 day.")));
	return seconds;
}

static const MailKind *
FindKind(const char *kind, const char *topic)
{
	int i;

	for (i = 0; i < lengthof(kinds); i++)
		if (strcmp(kinds[i].kind, kind) == 0 &&
			(kinds[i].topic == NULL || strcmp(kinds[i].topic, topic ? topic : "") == 0))
			return &kinds[i];
	elog(ERROR, "outbox has a message of unknown kind \"%s\"", kind);
}

static bool
IsPendingEmail(const BaUser *user, const char *recipient)
{
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, &user->user_id);
	BaPutText(&args, recipient);
	return BaQueryRow(&find_pending_email, &args, &row);
}

/* Has the message nothing left to ask for? Who set a password needs no link. */
static bool
IsSettled(const MailKind *kind, const BaUser *user, const BaRow *message)
{
	BaCredential credential;
	BaArgs args = {0};
	BaRow row;

	BaPut(&args, UUIDOID, message->values[0], false);
	if (BaQueryRow(&find_newer, &args, &row))
		return true;
	if (kind->purpose == NULL)
		return false;
	if (strcmp(kind->kind, BA_MAIL_EMAIL_CHANGE) == 0)
		return !IsPendingEmail(user, BaGetText(message, 2));
	if (user->email == NULL)
		return true;
	BaCredentialFind(&user->user_id, &credential);
	if (strcmp(kind->kind, BA_MAIL_PASSWORD_SETUP) == 0)
		return credential.password.hash != NULL;
	if (strcmp(kind->kind, BA_MAIL_TEMPORARY_PASSWORD) == 0)
		return !credential.must_change;
	return false;
}

/* Where to: a link to the address of now, or to the one that it is to prove. */
static const char *
Recipient(const MailKind *kind, const BaUser *user, const BaRow *message)
{
	if (kind->purpose == NULL || strcmp(kind->kind, BA_MAIL_EMAIL_CHANGE) == 0)
		return BaGetText(message, 2);
	return user->email;
}

static void
CancelMessage(const BaRow *message)
{
	BaArgs args = {0};

	BaPut(&args, UUIDOID, message->values[0], false);
	(void) BaQueryExec(&cancel_message, &args);
}

/* Makes the token and the text, or calls the message off. */
static void
PutMessage(const BaRow *row, ReturnSetInfo *result)
{
	const MailKind *kind = FindKind(BaGetText(row, 1), BaGetText(row, 5));
	Datum values[7];
	bool nulls[7] = {0};
	pg_uuid_t user_id;
	BaUser user;
	BaToken token;
	char *secret = "";

	(void) BaGetUuid(row, 3, &user_id);
	/* A change of the address waits, and then sees the token that is made here. */
	BaUserLock(&user_id);
	if (!BaUserLoad(&user_id, &user) || (kind->purpose != NULL && user.deleted) ||
		IsSettled(kind, &user, row))
	{
		CancelMessage(row);
		return;
	}
	if (kind->purpose != NULL)
		secret = BaTokenIssue(kind->purpose, &user, 0, BaSetupLinkLifetime, true, &token);
	values[0] = row->values[0];
	values[1] = row->values[1];
	values[2] = CStringGetTextDatum(Recipient(kind, &user, row));
	values[3] = CStringGetTextDatum(kind->subject);
	values[4] = CStringGetTextDatum(
		kind->purpose == NULL ? kind->body : psprintf(kind->body, BaBaseUrl, secret));
	nulls[5] = kind->purpose == NULL;
	values[5] = CStringGetTextDatum(secret);
	values[6] = row->values[4];
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
bestauth_claim_mail(PG_FUNCTION_ARGS)
{
	BaArgs args = {0};
	ListCell *cell;
	int32 batch;

	(void) BaAccessCaller(fcinfo);
	batch = PG_ARGISNULL(0) ? 10 : PG_GETARG_INT32(0);
	if (batch < 1 || batch > 1000)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("batch %d is out of range", batch),
						errdetail("It must be from 1 to 1000.")));
	BaPutInt(&args, batch);
	BaPutInt(&args, LeaseSeconds(fcinfo));
	InitMaterializedSRF(fcinfo, 0);
	foreach (cell, BaQueryRows(&claim_messages, &args))
		PutMessage(lfirst(cell), (ReturnSetInfo *) fcinfo->resultinfo);
	return (Datum) 0;
}

static void
Note(FunctionCallInfo fcinfo, BaQuery *query, const char *error)
{
	BaArgs args = {0};

	(void) BaAccessCaller(fcinfo);
	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"message_id\" must not be null")));
	BaPutUuid(&args, PG_GETARG_UUID_P(0));
	if (error != NULL)
		BaPutText(&args, error);
	if (BaQueryExec(query, &args) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND), errmsg("message does not exist")));
}

Datum
bestauth_confirm_mail(PG_FUNCTION_ARGS)
{
	Note(fcinfo, &confirm_message, NULL);
	PG_RETURN_VOID();
}

Datum
bestauth_fail_mail(PG_FUNCTION_ARGS)
{
	char *error = PG_ARGISNULL(1) ? pstrdup("") : text_to_cstring(PG_GETARG_TEXT_PP(1));

	error[pg_mbcharcliplen(error, strlen(error), MAX_ERROR)] = '\0';
	BaTextClean(error);
	Note(fcinfo, &fail_message, error);
	PG_RETURN_VOID();
}
