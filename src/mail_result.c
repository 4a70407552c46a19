/*
 * mail_result.c
 *	  What became of a claimed message, as the mailer says; and taking one up again
 *	  that was given up.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "access.h"
#include "args.h"
#include "audit.h"
#include "query.h"
#include "settings.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_confirm_mail);
PG_FUNCTION_INFO_V1(bestauth_fail_mail);
PG_FUNCTION_INFO_V1(bestauth_release_mail);
PG_FUNCTION_INFO_V1(bestauth_retry_mail);

#define MAX_ERROR 500 /* characters */

static BaQuery confirm_message = {
	.sql =
		"UPDATE bestauth.outbox SET sent_at = coalesce(sent_at, clock_timestamp()), dead_at = NULL WHERE message_id = $1",
	.latest = true,
};

/* Of two mailers that had it one after the other, the one that sent it is right. */
static BaQuery fail_message = {
	.sql =
		"UPDATE bestauth.outbox SET last_error = $2,"
		" dead_at = CASE WHEN sent_at IS NULL AND ($3 OR attempts >= $4) THEN clock_timestamp() ELSE dead_at END,"
		" due_at = clock_timestamp() + least(interval '1 minute' * 2 ^ least(attempts - 1, 10), interval '1 hour')"
		" WHERE message_id = $1",
	.latest = true,
};

static BaQuery release_message = {
	.sql = "UPDATE bestauth.outbox SET due_at = clock_timestamp(), claimed_at = NULL,"
		   " attempts = greatest(attempts - 1, 0)"
		   " WHERE message_id = $1",
	.latest = true,
};

static BaQuery retry_message = {
	.sql =
		"UPDATE bestauth.outbox SET dead_at = NULL, attempts = 0, due_at = clock_timestamp()"
		" WHERE message_id = $1 AND dead_at IS NOT NULL AND sent_at IS NULL",
	.latest = true,
};

/* What became of a message; the access was asked for. */
static void
NoteMessage(FunctionCallInfo fcinfo, BaQuery *query, BaArgs *rest, const char *missing)
{
	BaArgs args = {0};
	int i;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"message_id\" must not be null")));
	BaPutUuid(&args, PG_GETARG_UUID_P(0));
	for (i = 0; rest != NULL && i < rest->count; i++)
		BaPut(&args, rest->types[i], rest->values[i], rest->nulls[i] == 'n');
	if (BaQueryExec(query, &args) == 0)
		ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND), errmsg("%s", missing)));
}

#define NO_MESSAGE "message does not exist"

Datum
bestauth_confirm_mail(PG_FUNCTION_ARGS)
{
	(void) BaAccessCaller(fcinfo);
	NoteMessage(fcinfo, &confirm_message, NULL, NO_MESSAGE);
	PG_RETURN_VOID();
}

Datum
bestauth_fail_mail(PG_FUNCTION_ARGS)
{
	BaArgs args = {0};
	char *error;

	(void) BaAccessCaller(fcinfo);
	error = PG_ARGISNULL(1) ? pstrdup("") : text_to_cstring(PG_GETARG_TEXT_PP(1));
	error[pg_mbcharcliplen(error, strlen(error), MAX_ERROR)] = '\0';
	BaTextClean(error);
	BaPutText(&args, error);
	BaPutBool(&args, !PG_ARGISNULL(2) && PG_GETARG_BOOL(2));
	BaPutInt(&args, BaMailMaxAttempts);
	NoteMessage(fcinfo, &fail_message, &args, NO_MESSAGE);
	PG_RETURN_VOID();
}

Datum
bestauth_release_mail(PG_FUNCTION_ARGS)
{
	(void) BaAccessCaller(fcinfo);
	NoteMessage(fcinfo, &release_message, NULL, NO_MESSAGE);
	PG_RETURN_VOID();
}

Datum
bestauth_retry_mail(PG_FUNCTION_ARGS)
{
	BaAudit audit;

	(void) BaAccessCaller(fcinfo);
	NoteMessage(fcinfo, &retry_message, NULL,
				"there is no such message that was given up");
	BaAuditStart(&audit, "mail.retried");
	audit.object_type = "message";
	audit.object_id = BaUuidText(PG_GETARG_UUID_P(0));
	BaAuditWrite(&audit);
	PG_RETURN_VOID();
}
