/*
 * purge.c
 *	  Removing what is over for long: tokens, sessions, sign-ups, mail. What became
 *	  of them is in the audit, so the removal itself is one row and not a million.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "access.h"
#include "audit.h"
#include "purge.h"
#include "query.h"

PG_FUNCTION_INFO_V1(bestauth_purge_expired);

/*
 * In this order, for what rests on what. What somebody holds is being used: another
 * time.
 */
static BaQuery purge_tokens = {
	.sql =
		"DELETE FROM bestauth.token WHERE token_id IN (SELECT token_id FROM bestauth.token"
		" WHERE expires_at < $1 FOR UPDATE SKIP LOCKED)",
	.latest = true,
};

/* Of what goes next, who logged in when: whose account is stale must be seen [MCM-8]. */
static BaQuery remember_logins = {
	.sql =
		"INSERT INTO bestauth.user_use AS u (user_id, last_login_at) SELECT l.user_id, max(l.created_at)"
		" FROM (SELECT user_id, created_at FROM bestauth.session WHERE expires_at < $1 OR ended_at < $1"
		" UNION ALL SELECT person_id, created_at FROM bestauth.session WHERE expires_at < $1 OR ended_at < $1) l"
		" GROUP BY l.user_id ON CONFLICT (user_id) DO UPDATE"
		" SET last_login_at = excluded.last_login_at WHERE u.last_login_at < excluded.last_login_at",
	.latest = true,
};

static BaQuery purge_uses = {
	.sql =
		"DELETE FROM bestauth.session_use WHERE session_id IN (SELECT u.session_id FROM bestauth.session_use u"
		" JOIN bestauth.session s ON s.session_id = u.session_id WHERE s.expires_at < $1 OR s.ended_at < $1"
		" FOR UPDATE SKIP LOCKED)",
	.latest = true,
};

static BaQuery purge_places = {
	.sql =
		"DELETE FROM bestauth.session_company WHERE session_id IN (SELECT p.session_id FROM bestauth.session_company p"
		" JOIN bestauth.session s ON s.session_id = p.session_id WHERE s.expires_at < $1 OR s.ended_at < $1"
		" FOR UPDATE SKIP LOCKED)",
	.latest = true,
};

static BaQuery purge_sessions = {
	.sql =
		"DELETE FROM bestauth.session WHERE session_id IN (SELECT s.session_id FROM bestauth.session s"
		" WHERE (s.expires_at < $1 OR s.ended_at < $1) AND NOT EXISTS"
		" (SELECT FROM bestauth.session_use u WHERE u.session_id = s.session_id) AND NOT EXISTS"
		" (SELECT FROM bestauth.session_company p WHERE p.session_id = s.session_id) FOR UPDATE SKIP LOCKED)",
	.latest = true,
};

static BaQuery purge_messages = {
	.sql =
		"DELETE FROM bestauth.outbox WHERE message_id IN (SELECT message_id FROM bestauth.outbox"
		" WHERE sent_at < $1 OR cancelled_at < $1 OR dead_at < $1 FOR UPDATE SKIP LOCKED)",
	.latest = true,
};

static BaQuery purge_signups = {
	.sql =
		"DELETE FROM bestauth.signup WHERE signup_id IN (SELECT s.signup_id FROM bestauth.signup s"
		" WHERE s.expires_at < $1"
		" AND NOT EXISTS (SELECT FROM bestauth.outbox o WHERE o.signup_id = s.signup_id)"
		" AND NOT EXISTS (SELECT FROM bestauth.token t WHERE t.signup_id = s.signup_id)"
		" FOR UPDATE SKIP LOCKED)",
	.latest = true,
};

static BaQuery purge_assertions = {
	.sql =
		"DELETE FROM bestauth.sso_assertion WHERE id_hash IN (SELECT id_hash FROM bestauth.sso_assertion"
		" WHERE expires_at < $1 FOR UPDATE SKIP LOCKED)",
	.latest = true,
};

static const struct
{
	const char *counted_as; /* NULL: not at all */
	BaQuery *query;
} purges[] = {
	{"tokens", &purge_tokens},     {NULL, &remember_logins},
	{NULL, &purge_uses},           {NULL, &purge_places},
	{"sessions", &purge_sessions}, {"messages", &purge_messages},
	{"signups", &purge_signups},   {NULL, &purge_assertions},
};

#define COUNTED 4
#define MAX_MONTHS 1200

/* A password that nobody will log in with any more. */
static BaQuery forget_passwords = {
	.sql =
		"UPDATE bestauth.signup SET password_hash = NULL, pepper_id = NULL"
		" WHERE signup_id IN (SELECT signup_id FROM bestauth.signup WHERE expires_at < clock_timestamp()"
		" AND password_hash IS NOT NULL FOR NO KEY UPDATE SKIP LOCKED)",
	.latest = true,
};

static bool running = false;

/* For the audit: a row that goes because it is over needs none of its own. */
bool
BaPurgeIsRunning(void)
{
	return running;
}

static void
PurgeAll(TimestampTz before, Datum *counts)
{
	BaArgs none = {0};
	int i, counted = 0;

	(void) BaQueryExec(&forget_passwords, &none);
	for (i = 0; i < lengthof(purges); i++)
	{
		BaArgs args = {0};
		uint64 count;

		BaPut(&args, TIMESTAMPTZOID, TimestampTzGetDatum(before), false);
		count = BaQueryExec(purges[i].query, &args);
		if (purges[i].counted_as != NULL)
			counts[counted++] = Int64GetDatum(count);
	}
}

static TimestampTz
Before(FunctionCallInfo fcinfo)
{
	Interval *age = PG_ARGISNULL(0) ? NULL : PG_GETARG_INTERVAL_P(0);

	if (age == NULL || age->month < 0 || age->day < 0 || age->time < 0 ||
		age->month > MAX_MONTHS || age->day > 31 * MAX_MONTHS ||
		age->time / USECS_PER_DAY > 31 * MAX_MONTHS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"older_than\" must be an interval of zero to"
							   " 100 years")));
	return DatumGetTimestampTz(
		DirectFunctionCall2(timestamptz_mi_interval,
							TimestampTzGetDatum(GetCurrentTimestamp()),
							IntervalPGetDatum(age)));
}

Datum
bestauth_purge_expired(PG_FUNCTION_ARGS)
{
	TupleDesc tupdesc;
	Datum counts[COUNTED];
	bool nulls[COUNTED] = {0};
	TimestampTz before;
	BaAudit audit;
	BaJson detail;
	int i, counted = 0;

	(void) BaAccessCaller(fcinfo);
	before = Before(fcinfo);
	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	running = true;
	PG_TRY();
	{
		PurgeAll(before, counts);
	}
	PG_FINALLY();
	{
		running = false;
	}
	PG_END_TRY();
	BaAuditStart(&audit, "expired.purged");
	BaJsonStart(&detail);
	for (i = 0; i < lengthof(purges); i++)
		if (purges[i].counted_as != NULL)
			BaJsonDatum(&detail, purges[i].counted_as, counts[counted++], false, INT8OID);
	audit.detail = BaJsonFinish(&detail);
	BaAuditWrite(&audit);
	PG_RETURN_DATUM(
		HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), counts, nulls)));
}
