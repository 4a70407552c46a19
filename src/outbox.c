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
#include "credential.h"
#include "outbox.h"
#include "query.h"
#include "settings.h"
#include "token.h"

PG_FUNCTION_INFO_V1(bestauth_claim_mail);
PG_FUNCTION_INFO_V1(bestauth_confirm_mail);
PG_FUNCTION_INFO_V1(bestauth_fail_mail);

#define CHANNEL "bestauth_outbox"
#define MAX_ERROR 500 /* characters */

/* A kind of message: which token it carries, and what it says. */
typedef struct MailKind
{
	const char *kind;
	const char *purpose; /* of its token */
	const char *subject;
	const char *body; /* %s: base URL, token */
} MailKind;

static const MailKind kinds[] = {
	{
		.kind = BA_MAIL_PASSWORD_SETUP,
		.purpose = BA_TOKEN_PASSWORD_SETUP,
		.subject = "Set your password",
		.body = "An account was made for you.  Set your password here:\n\n"
				"%s/set-password?token=%s\n\n"
				"The link works once.  If you did not expect this message, ignore it.\n",
	},
};

static BaQuery insert_message = {
	.sql =
		"INSERT INTO bestauth.outbox (kind, recipient, user_id, company_id) VALUES ($1, $2, $3, $4)",
};

static BaQuery claim_messages = {
	.sql =
		"UPDATE bestauth.outbox o SET lease_until = clock_timestamp() + $2 * interval '1 second',"
		" attempts = attempts + 1 FROM (SELECT message_id FROM bestauth.outbox"
		" WHERE sent_at IS NULL AND cancelled_at IS NULL"
		" AND (lease_until IS NULL OR lease_until <= clock_timestamp())"
		" ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED) due"
		" WHERE o.message_id = due.message_id"
		" RETURNING o.message_id, o.kind, o.recipient, o.user_id, o.attempts",
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

void
BaOutboxPut(const char *kind, const BaCompany *company, const BaUser *user)
{
	BaArgs args = {0};

	BaPutText(&args, kind);
	BaPutText(&args, user->email);
	BaPutUuid(&args, &user->user_id);
	BaPutUuid(&args, &company->company_id);
	(void) BaQueryExec(&insert_message, &args);
	Async_Notify(CHANNEL, "");
}

static void
RequireMailer(const BaCaller *caller)
{
	if (caller->identity != NULL || !BaAccessRoleHas(GetUserId(), "mailer"))
		BaAccessRefuse(caller, "IBS-5", "It is for the mailer.");
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
FindKind(const char *kind)
{
	int i;

	for (i = 0; i < lengthof(kinds); i++)
		if (strcmp(kinds[i].kind, kind) == 0)
			return &kinds[i];
	elog(ERROR, "outbox has a message of unknown kind \"%s\"", kind);
}

/* Has the message nothing left to ask for? Who set a password needs no link. */
static bool
IsSettled(const MailKind *kind, const BaUser *user)
{
	BaCredential credential;

	if (strcmp(kind->kind, BA_MAIL_PASSWORD_SETUP) != 0)
		return false;
	BaCredentialFind(&user->user_id, &credential);
	return credential.password.hash != NULL;
}

/* Makes the token and the text, or calls the message off. The address is that of now. */
static void
PutMessage(const BaRow *row, ReturnSetInfo *result)
{
	const MailKind *kind = FindKind(BaGetText(row, 1));
	Datum values[7];
	bool nulls[7] = {0};
	pg_uuid_t user_id;
	BaUser user;
	BaToken token;
	char *secret;

	(void) BaGetUuid(row, 3, &user_id);
	/* A change of the address waits, and then sees the token that is made here. */
	BaUserLock(&user_id);
	if (!BaUserLoad(&user_id, &user) || user.deleted || user.email == NULL ||
		IsSettled(kind, &user))
	{
		BaArgs args = {0};

		BaPut(&args, UUIDOID, row->values[0], false);
		(void) BaQueryExec(&cancel_message, &args);
		return;
	}
	secret = BaTokenIssue(kind->purpose, &user, 0, BaSetupLinkLifetime, true, &token);
	values[0] = row->values[0];
	values[1] = row->values[1];
	values[2] = CStringGetTextDatum(user.email);
	values[3] = CStringGetTextDatum(kind->subject);
	values[4] = CStringGetTextDatum(psprintf(kind->body, BaBaseUrl, secret));
	values[5] = CStringGetTextDatum(secret);
	values[6] = row->values[4];
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
bestauth_claim_mail(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	BaArgs args = {0};
	ListCell *cell;
	int32 batch = PG_ARGISNULL(0) ? 10 : PG_GETARG_INT32(0);

	RequireMailer(&caller);
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
	BaCaller caller = BaAccessCaller(fcinfo);
	BaArgs args = {0};

	RequireMailer(&caller);
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
	Note(fcinfo, &fail_message, error);
	PG_RETURN_VOID();
}
