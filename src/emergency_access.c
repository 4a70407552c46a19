/*
 * emergency_access.c
 *	  Emergency access: for a while a session holds what its user otherwise does not,
 *	  and all who run the company hear of it [J-14].
 *
 * It is the session's, found by use_session() with the session (session.c), and counts
 * from the transaction after the one that has started it. It is over by itself: whoever
 * looks asks the clock, the session and the permission, and nothing has to happen for
 * that. Its end is written down by the writer, outside the transaction that notices,
 * which may be rolled back or read only.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "args.h"
#include "authority.h"
#include "bestauth.h"
#include "emergency_access.h"
#include "errors.h"
#include "fold.h"
#include "outbox.h"
#include "query.h"
#include "session.h"
#include "settings.h"
#include "uuid.h"
#include "writer.h"

PG_FUNCTION_INFO_V1(bestauth_start_emergency_access);
PG_FUNCTION_INFO_V1(bestauth_end_emergency_access);
PG_FUNCTION_INFO_V1(bestauth_list_emergency_access);

#define MIN_SECONDS 60
#define END_TRIES 100    /* until one that is over is written down */
#define END_PAUSE 10000L /* microseconds */

/* No later than the session, so that what it is told to end at is true. */
static BaQuery insert_emergency = {
	.sql =
		"INSERT INTO bestauth.emergency_access (company_id, user_id, person_id, session_id, reason, started_at, expires_at)"
		" SELECT $1, $2, $3, $4, $5, t, least(t + $6 * interval '1 microsecond', $7)"
		" FROM (SELECT clock_timestamp()) now(t)"
		" ON CONFLICT (session_id) WHERE ended_at IS NULL DO NOTHING RETURNING emergency_id, expires_at",
	.latest = true,
};

static BaQuery end_emergency = {
	.sql =
		"UPDATE bestauth.emergency_access SET ended_at = clock_timestamp(), ended_by = 'user'"
		" WHERE session_id = $1 AND ended_at IS NULL AND expires_at > clock_timestamp()"
		" RETURNING emergency_id",
	.latest = true,
};

static BaQuery find_open = {
	.sql = "SELECT array_agg(emergency_id) FROM bestauth.emergency_access"
		   " WHERE ended_at IS NULL HAVING count(*) > 0",
	.latest = true,
};

static BaQuery find_unended = {
	.sql = "SELECT true FROM bestauth.emergency_access"
		   " WHERE emergency_id = $1 AND ended_at IS NULL",
	.latest = true,
};

/*
 * What the view says is over, and the table does not yet. Who holds a row is at it, and
 * nobody waits for them. $2 is the idle limit of who found the session too old; others do
 * not ask, for theirs may be another one.
 */
static BaQuery end_due = {
	.sql =
		"UPDATE bestauth.emergency_access a SET ended_at = d.ended_at, ended_by = d.ended_by"
		" FROM (SELECT e.emergency_id, coalesce(v.ended_at, clock_timestamp()) AS ended_at,"
		" coalesce(v.ended_by, 'session') AS ended_by, v.company, v.username, v.person"
		" FROM bestauth.emergency_access e JOIN bestauth.emergency_accesses v ON v.emergency_id = e.emergency_id"
		" WHERE e.emergency_id = ANY ($1) AND v.emergency_id = ANY ($1) AND e.ended_at IS NULL"
		" AND (NOT v.open OR EXISTS (SELECT FROM bestauth.session_use l WHERE l.session_id = e.session_id"
		" AND l.last_used_at <= clock_timestamp() - $2 * interval '1 second')) FOR UPDATE OF e SKIP LOCKED) d"
		" WHERE a.emergency_id = d.emergency_id"
		" RETURNING a.emergency_id, a.company_id, d.company, a.user_id, d.username, a.person_id, d.person, a.session_id, a.ended_by",
	.latest = true,
};

static BaQuery list_emergencies = {
	.sql =
		"SELECT page.emergency_id, page.company, page.username, page.person, page.reason, page.started_at, page.expires_at,"
		" page.ended_at, page.ended_by, page.open,"
		" (SELECT count(*) FROM bestauth.audit_log l WHERE l.emergency_id = page.emergency_id),"
		" textin(uuid_out(page.emergency_id))"
		" FROM (SELECT * FROM bestauth.emergency_accesses v WHERE ($1 IS NULL OR v.company = $1)"
		" AND ($2 IS NULL OR v.started_at >= $2) AND ($3 IS NULL OR v.started_at < $3)"
		" AND ($4 IS NULL OR v.emergency_id < uuid_in(textout($4)))"
		" ORDER BY v.emergency_id DESC LIMIT $5) page ORDER BY page.emergency_id DESC",
};

/* ------------------------------------------------------------ in the writer */

/* What goes to the writer. */
typedef struct Ending
{
	pg_uuid_t emergency_id;
	int idle_limit; /* seconds */
} Ending;

/* By nobody: the connection is the writer's. */
static void
AuditEnd(const BaRow *row)
{
	pg_uuid_t emergency_id, company_id, user_id, person_id, session_id;
	BaAudit audit;
	BaJson detail;

	(void) BaGetUuid(row, 0, &emergency_id);
	(void) BaGetUuid(row, 1, &company_id);
	(void) BaGetUuid(row, 3, &user_id);
	(void) BaGetUuid(row, 5, &person_id);
	(void) BaGetUuid(row, 7, &session_id);
	BaAuditStart(&audit, "emergency.ended");
	audit.company_id = &company_id;
	audit.company_code = BaGetText(row, 2);
	audit.user_id = &user_id;
	audit.username = BaGetText(row, 4);
	audit.person_id = &person_id;
	audit.person = BaGetText(row, 6);
	audit.session_id = &session_id;
	audit.emergency_id = &emergency_id;
	audit.application_name = NULL;
	audit.object_type = "emergency_access";
	audit.object_id = BaUuidText(&emergency_id);
	BaJsonStart(&detail);
	BaJsonText(&detail, "by", BaGetText(row, 8));
	audit.detail = BaJsonFinish(&detail);
	BaAuditWrite(&audit);
}

/* Those of an array of ids that are over; 0 for no idle limit. */
static void
EndDue(Datum ids, int idle_limit)
{
	BaArgs args = {0};
	ListCell *cell;

	BaPut(&args, UUIDARRAYOID, ids, false);
	BaPut(&args, INT4OID, Int32GetDatum(idle_limit), idle_limit == 0);
	foreach (cell, BaQueryRows(&end_due, &args))
		AuditEnd(lfirst(cell));
}

static void
Sweep(void)
{
	BaArgs args = {0};
	BaRow row;

	if (BaQueryRow(&find_open, &args, &row))
		EndDue(row.values[0], 0);
}

static void
HandleEnd(const char *payload, int length, char *reply)
{
	Ending ending;
	Datum id;

	memcpy(&ending, payload, sizeof(ending));
	id = BaUuidDatum(&ending.emergency_id);
	EndDue(PointerGetDatum(
			   construct_array(&id, 1, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR)),
		   ending.idle_limit);
}

void
BaEmergencyAccessInit(void)
{
	BaWriterRegister(BA_WRITER_EMERGENCY, HandleEnd);
	BaFoldOnSweep(Sweep);
}

/* ------------------------------------------------------------------- ending */

static Ending
EndingOf(const pg_uuid_t *emergency_id)
{
	Ending ending;

	memset(&ending, 0, sizeof(ending));
	ending.emergency_id = *emergency_id;
	ending.idle_limit = BaSessionIdleLimit;
	return ending;
}

/*
 * It is over, or its session is: the writer looks, and writes it down. If that gets lost,
 * the next sweep finds it.
 */
void
BaEmergencyNoteEnd(const pg_uuid_t *emergency_id)
{
	Ending ending = EndingOf(emergency_id);

	if (!RecoveryInProgress())
		BaWriterPost(BA_WRITER_EMERGENCY, (char *) &ending, sizeof(ending));
}

/* About an emergency: in the company of its user, wherever the session is. */
static void
Audit(const BaIdentity *identity, const char *action, const pg_uuid_t *emergency_id,
	  Jsonb *detail)
{
	BaCompany company;
	BaAudit audit;

	if (!BaCompanyLoad(&identity->own_company_id, &company))
		elog(ERROR, "the company of a user is gone");
	BaCompanyAudit(&audit, action, &company);
	audit.emergency_id = emergency_id;
	audit.object_type = "emergency_access";
	audit.object_id = BaUuidText(emergency_id);
	audit.detail = detail;
	BaAuditWrite(&audit);
}

Datum
bestauth_end_emergency_access(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	pg_uuid_t emergency_id;
	BaArgs args = {0};
	BaJson detail;
	BaRow row;

	PreventCommandIfReadOnly("end_emergency_access()");
	BaPutUuid(&args, &caller.identity->session_id);
	if (!BaQueryRow(&end_emergency, &args, &row))
		PG_RETURN_VOID();
	(void) BaGetUuid(&row, 0, &emergency_id);
	BaJsonStart(&detail);
	BaJsonText(&detail, "by", "user");
	Audit(caller.identity, "emergency.ended", &emergency_id, BaJsonFinish(&detail));
	PG_RETURN_VOID();
}

/* ----------------------------------------------------------------- starting */

static char *
Reason(FunctionCallInfo fcinfo)
{
	char *reason = BaTextTrim(
		BaArgText(fcinfo, 0, "reason", BA_MAX_REASON * MAX_MULTIBYTE_CHAR_LEN));
	int length = pg_mbstrlen(reason);

	if (length < BA_MIN_REASON || length > BA_MAX_REASON)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"reason\" must have %d to %d characters",
							   BA_MIN_REASON, BA_MAX_REASON),
						errdetail("It has %d.", length), BaErrRule("J-14")));
	return reason;
}

/* Microseconds: of an interval without months, or what is usual. */
static int64
Duration(FunctionCallInfo fcinfo)
{
	int64 most = BaEmergencyDuration * USECS_PER_SEC;
	int64 duration;
	Interval *asked;

	if (PG_ARGISNULL(1))
		return most;
	asked = PG_GETARG_INTERVAL_P(1);
	duration = asked->month != 0 || abs(asked->day) > 1 ?
				   0 :
				   asked->day * USECS_PER_DAY + asked->time;
	if (duration < MIN_SECONDS * USECS_PER_SEC || duration > most)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("duration %s is out of range",
						DatumGetCString(
							DirectFunctionCall1(interval_out, IntervalPGetDatum(asked)))),
				 errdetail("It must be from %d seconds to bestauth.emergency_duration,"
						   " which is %d seconds.",
						   MIN_SECONDS, BaEmergencyDuration),
				 BaErrRule("J-14")));
	return duration;
}

static void
RefuseSecond(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the session has emergency access already"),
			 errhint("It ends by itself, or with bestauth.end_emergency_access()."),
			 BaErrRule("J-14")));
}

/*
 * What use_session() found may be old in a long transaction: whether the session may is
 * looked up now. What comes later counts at the next use_session().
 */
static void
Look(const BaCaller *caller, BaSessionFound *found)
{
	pg_uuid_t session_id = caller->identity->session_id;

	BaAuthorityBegin();
	if (!BaSessionLoad(&session_id, found))
		elog(ERROR, "the session is gone");
	if (found->fault != NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
						errmsg("session is not valid"), errhint("Log in again."),
						BaErrRule("TPB-9")));
	if (!BaIdentityHolds(&found->identity, BA_PERM_EMERGENCY_ACCESS))
		BaAccessRefuse(caller, "J-14",
					   "It takes the permission \"" BA_PERM_EMERGENCY_ACCESS "\".");
}

static bool
IsOpen(const pg_uuid_t *emergency_id)
{
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, emergency_id);
	return BaQueryRow(&find_unended, &args, &row);
}

/*
 * One that is over must not be in the way. Another writer may be at it, which use_session()
 * has called: it is soon done.
 */
static void
RequireNone(const BaSessionFound *found)
{
	Ending ending = EndingOf(&found->emergency_id);
	char reply[BA_WRITER_REPLY];
	int i;

	if (found->has_emergency && !found->emergency_over)
		RefuseSecond();
	for (i = 0; found->emergency_over && i < END_TRIES; i++)
	{
		BaWriterCall(BA_WRITER_EMERGENCY, (char *) &ending, sizeof(ending), reply);
		if (!IsOpen(&found->emergency_id))
			break;
		CHECK_FOR_INTERRUPTS();
		pg_usleep(END_PAUSE);
	}
}

/* All who run the company, and the person: it may be somebody else at their keyboard. */
static void
Tell(const BaCaller *caller)
{
	BaUser user;

	if (!BaUserLoad(&caller->identity->user_id, &user))
		elog(ERROR, "the session's user is gone");
	BaOutboxTellAdministrators(BA_NOTICE_EMERGENCY, caller, &user.company_id,
							   &user.user_id);
	BaOutboxNotice(BA_NOTICE_OWN_EMERGENCY, &user);
}

static TimestampTz
Start(const BaCaller *caller, const char *reason, int64 duration)
{
	const BaIdentity *identity = caller->identity;
	pg_uuid_t emergency_id;
	TimestampTz expires_at;
	BaArgs args = {0};
	BaJson detail;
	BaRow row;

	BaPutUuid(&args, &identity->own_company_id);
	BaPutUuid(&args, &identity->user_id);
	BaPutUuid(&args, &identity->person_id);
	BaPutUuid(&args, &identity->session_id);
	BaPutText(&args, reason);
	BaPutLong(&args, duration);
	BaPut(&args, TIMESTAMPTZOID, TimestampTzGetDatum(identity->expires_at), false);
	if (!BaQueryRow(&insert_emergency, &args, &row))
		RefuseSecond();
	(void) BaGetUuid(&row, 0, &emergency_id);
	expires_at = BaGetTime(&row, 1);
	BaJsonStart(&detail);
	BaJsonText(&detail, "reason", reason);
	BaJsonDatum(&detail, "expires_at", TimestampTzGetDatum(expires_at), false,
				TIMESTAMPTZOID);
	Audit(identity, "emergency.started", &emergency_id, BaJsonFinish(&detail));
	Tell(caller);
	return expires_at;
}

Datum
bestauth_start_emergency_access(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	char *reason = Reason(fcinfo);
	int64 duration = Duration(fcinfo);
	BaSessionFound found;

	PreventCommandIfReadOnly("start_emergency_access()");
	Look(&caller, &found);
	RequireNone(&found);
	PG_RETURN_TIMESTAMPTZ(Start(&caller, reason, duration));
}

/* ---------------------------------------------------------------- reporting */

static void
PutTime(BaArgs *args, FunctionCallInfo fcinfo, int n)
{
	bool isnull = PG_ARGISNULL(n);

	BaPut(args, TIMESTAMPTZOID, isnull ? (Datum) 0 : PG_GETARG_DATUM(n), isnull);
}

Datum
bestauth_list_emergency_access(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	char *code = BaArgTextOrNull(fcinfo, 2, "company", BA_MAX_CODE);
	BaCompany company = {0};
	BaArgs args = {0};

	if (!caller.is_operator || code != NULL)
		BaCompanyActed(&caller, code, &company);
	BaPutText(&args, company.code);
	PutTime(&args, fcinfo, 0);
	PutTime(&args, fcinfo, 1);
	BaPutText(&args, BaArgUuidText(fcinfo, 4, "after"));
	BaPut(&args, INT8OID, Int64GetDatum(BaArgPageSize(fcinfo, 3, 0)), PG_ARGISNULL(3));
	BaQueryReturn(&list_emergencies, &args, fcinfo);
	return (Datum) 0;
}

/* The last that began in a period, of a company or, without one, of all. */
List *
BaEmergenciesLatest(const char *company, TimestampTz since, TimestampTz until, int64 most)
{
	BaArgs args = {0};

	BaPutText(&args, company);
	BaPut(&args, TIMESTAMPTZOID, TimestampTzGetDatum(since), false);
	BaPut(&args, TIMESTAMPTZOID, TimestampTzGetDatum(until), false);
	BaPutText(&args, NULL);
	BaPutLong(&args, most);
	return BaQueryRows(&list_emergencies, &args);
}

/* -------------------------------------------------------------------- rules */

/* What was begun stays as it was, and does not begin again: it may end, and sooner. */
void
BaEmergencyAccessRule(BaRowEvent *event, bool restoring)
{
	static const char *const fixed[] = {"emergency_id", "company_id", "user_id",
										"person_id",    "session_id", "reason",
										"started_at"};
	bool open, isnull;
	int i;

	BaColumnRequireClean(event, "reason");
	if (event->old_row == NULL)
		return;
	for (i = 0; i < lengthof(fixed); i++)
		BaColumnRequireSame(event, fixed[i], "J-14");
	(void) BaColumn(event, false, "ended_at", &open);
	if (!open)
	{
		BaColumnRequireSame(event, "ended_at", "J-14");
		BaColumnRequireSame(event, "ended_by", "J-14");
	}
	if (DatumGetTimestampTz(BaColumn(event, true, "expires_at", &isnull)) >
		DatumGetTimestampTz(BaColumn(event, false, "expires_at", &isnull)))
		BaColumnRequireSame(event, "expires_at", "J-14");
}
