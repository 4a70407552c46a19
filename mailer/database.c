/*
 * database.c
 *	  The outbox, by libpq.
 */
#include "database.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"

#define ANSWER_SECONDS 60 /* without an answer, a connection counts as gone */

/* Below that: nothing is to be done, and messages claimed, that nobody waits for. */
#define SET_TIMEOUT "SET statement_timeout = '50s'"

static PGconn *connection;
static long last_moment; /* of Now(); 0 for none */

static void
IgnoreNotice(void *arg, const PGresult *result)
{
	(void) arg;
	(void) result;
}

bool
DatabaseIsOpen(void)
{
	return connection != NULL;
}

void
DatabaseClose(void)
{
	PQfinish(connection);
	connection = NULL;
}

int
DatabaseSocket(void)
{
	return connection == NULL ? -1 : PQsocket(connection);
}

/* Seconds of a clock that nobody sets. */
static long
Now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

void
DatabaseHurry(int seconds)
{
	last_moment = Now() + seconds;
}

static bool
WaitFor(short events, long until)
{
	struct pollfd fd = {.fd = PQsocket(connection), .events = events};
	long left = until - Now();

	return left > 0 && (poll(&fd, 1, left * 1000) >= 0 || errno == EINTR);
}

/* The answer of a statement, which is waited for that long and no longer. */
static PGresult *
Answer(void)
{
	long until = Now() + ANSWER_SECONDS;
	PGresult *last = NULL;
	PGresult *result;
	int flushed;

	if (last_moment != 0 && until > last_moment)
		until = last_moment;
	while ((flushed = PQflush(connection)) == 1)
		if (!WaitFor(POLLIN | POLLOUT, until) || !PQconsumeInput(connection))
			return NULL;
	if (flushed < 0)
		return NULL;
	for (;;)
	{
		while (PQisBusy(connection))
			if (!WaitFor(POLLIN, until) || !PQconsumeInput(connection))
			{
				PQclear(last);
				return NULL;
			}
		result = PQgetResult(connection);
		if (result == NULL)
			return last;
		PQclear(last);
		last = result;
	}
}

/* NULL where it failed, which is logged; then *sqlstate, "" for the connection's end. */
static PGresult *
Run(const char *sql, int count, const char *const *values, char *sqlstate)
{
	PGresult *result = NULL;
	const char *state;
	const char *text;

	strcpy(sqlstate, "");
	if (PQsendQueryParams(connection, sql, count, NULL, values, NULL, NULL, 0))
		result = Answer();
	if (PQresultStatus(result) == PGRES_TUPLES_OK ||
		PQresultStatus(result) == PGRES_COMMAND_OK)
		return result;

	state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	if (state != NULL && PQstatus(connection) == CONNECTION_OK)
	{
		LogError("database refused: %s (SQLSTATE %s)", text != NULL ? text : "", state);
		snprintf(sqlstate, 6, "%s", state);
		PQclear(result);
		return NULL;
	}
	LogError("connection to the database was lost");
	PQclear(result);
	DatabaseClose();
	return NULL;
}

static bool
Execute(const char *sql)
{
	char sqlstate[6];
	PGresult *result = Run(sql, 0, NULL, sqlstate);

	PQclear(result);
	return result != NULL;
}

bool
DatabaseOpen(const Options *options)
{
	/* what stands before dbname gives way to what is in it */
	const char *names[] = {"connect_timeout", "fallback_application_name", "dbname",
						   "client_encoding", NULL};
	const char *values[] = {getenv("PGCONNECT_TIMEOUT") == NULL ? "10" : NULL,
							"bestauth-mailer", options->dbname, "UTF8", NULL};

	connection = PQconnectdbParams(names, values, 1);
	if (PQstatus(connection) != CONNECTION_OK || PQsetnonblocking(connection, 1) != 0)
	{
		LogError("could not connect to the database: %s", PQerrorMessage(connection));
		DatabaseClose();
		return false;
	}
	PQsetNoticeReceiver(connection, IgnoreNotice, NULL);
	if (!Execute(SET_TIMEOUT) || !Execute("LISTEN bestauth_outbox"))
	{
		DatabaseClose();
		return false;
	}
	LogDetail("connected to the database");
	return true;
}

bool
DatabaseNotified(void)
{
	bool notified = false;
	PGnotify *notify;

	if (connection == NULL)
		return false;
	if (!PQconsumeInput(connection))
	{
		LogError("connection to the database was lost");
		DatabaseClose();
		return false;
	}
	while ((notify = PQnotifies(connection)) != NULL)
	{
		PQfreemem(notify);
		notified = true;
	}
	return notified;
}

/* A copy, the result's own wiped; NULL for a column that an older bestauth hasn't. */
static char *
Take(PGresult *result, int row, const char *column)
{
	int number = PQfnumber(result, column);
	char *value;
	char *copy;

	if (number < 0)
		return NULL;
	value = PQgetvalue(result, row, number);
	copy = strdup(value);
	if (copy == NULL)
	{
		LogError("out of memory");
		abort();
	}
	explicit_bzero(value, strlen(value));
	return copy;
}

static void
Fill(Message *message, PGresult *result, int row)
{
	char *id = Take(result, row, "message_id");
	char *kind = Take(result, row, "kind");
	char *attempts = Take(result, row, "attempts");
	char *format = Take(result, row, "format");
	char *token = Take(result, row, "token");

	memset(message, 0, sizeof(*message));
	snprintf(message->id, sizeof(message->id), "%s", id != NULL ? id : "");
	snprintf(message->kind, sizeof(message->kind), "%s", kind != NULL ? kind : "");
	message->attempts = attempts != NULL ? atoi(attempts) : 0;
	message->html = format != NULL && strcmp(format, "html") == 0;
	message->recipient = Take(result, row, "recipient");
	message->subject = Take(result, row, "subject");
	message->body = Take(result, row, "body");
	/* the body has it */
	WipeText(&token);
	free(id);
	free(kind);
	free(attempts);
	free(format);
}

int
DatabaseClaim(const Options *options, Message *messages)
{
	char batch[16];
	char lease[32];
	const char *values[] = {batch, lease};
	char sqlstate[6];
	PGresult *result;
	int count;
	int i;

	snprintf(batch, sizeof(batch), "%d", options->batch);
	snprintf(lease, sizeof(lease), "%d seconds", options->lease);
	result = Run("SELECT * FROM bestauth.claim_mail($1::integer, $2::interval)", 2,
				 values, sqlstate);
	if (result == NULL)
		return -1;
	count = PQntuples(result);
	if (count > options->batch)
		count = options->batch;
	for (i = 0; i < count; i++)
		Fill(&messages[i], result, i);
	PQclear(result);
	return count;
}

/* The audit: whoever calls the database now and then may as well. A failure is logged. */
void
DatabaseSeal(void)
{
	char sqlstate[6];
	PGresult *result = Run("SELECT bestauth.audit_seal()", 0, NULL, sqlstate);

	if (result != NULL)
		PQclear(result);
}

/*
 * What was sent has to be told, as long as there is such a message. Whatever else the
 * database refuses to be told comes to the same when the lease ends.
 */
bool
DatabaseSettle(Message *message)
{
	const char *values[] = {message->id, message->error};
	char sqlstate[6];
	PGresult *result;

	if (connection == NULL)
		return false;
	switch (message->state)
	{
		case MESSAGE_SENT:
			result = Run("SELECT bestauth.confirm_mail($1::uuid)", 1, values, sqlstate);
			break;
		case MESSAGE_DEFERRED:
			result = Run("SELECT bestauth.fail_mail($1::uuid, $2)", 2, values, sqlstate);
			break;
		case MESSAGE_REJECTED:
			result =
				Run("SELECT bestauth.fail_mail($1::uuid, $2, true)", 2, values, sqlstate);
			break;
		case MESSAGE_CLAIMED:
		case MESSAGE_RETURNED:
			result = Run("SELECT bestauth.release_mail($1::uuid)", 1, values, sqlstate);
			break;
		default:
			return true;
	}
	if (result == NULL && (strcmp(sqlstate, "") == 0 || (message->state == MESSAGE_SENT &&
														 strcmp(sqlstate, "P0002") != 0)))
		return false;
	PQclear(result);
	message->state = MESSAGE_SETTLED;
	return true;
}
