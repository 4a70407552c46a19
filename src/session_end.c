/*
 * session_end.c
 *	  The sessions of a user: showing them, and ending them.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "args.h"
#include "bestauth.h"
#include "crypto.h"
#include "instance.h"
#include "query.h"
#include "settings.h"
#include "user.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_logout);
PG_FUNCTION_INFO_V1(bestauth_revoke_sessions);
PG_FUNCTION_INFO_V1(bestauth_list_sessions);

static BaQuery end_session = {
	.sql =
		"UPDATE bestauth.session s SET ended_at = clock_timestamp()"
		" FROM bestauth.company c WHERE s.token_hash = $1 AND s.ended_at IS NULL AND c.company_id ="
		" coalesce((SELECT p.company_id FROM bestauth.session_company p WHERE p.session_id = s.session_id), s.company_id)"
		" RETURNING s.session_id, c.company_id, c.code, s.user_id, s.person_id, s.billing_service_id, s.client_addr",
	.latest = true,
};

/*
 * As the person as well: of a service's person, those at its customers. Who holds the row
 * of one can't make this wait: by ending it, which may yet be undone.
 */
static BaQuery end_sessions = {
	.sql =
		"UPDATE bestauth.session SET ended_at = clock_timestamp() WHERE ended_at IS NULL"
		" AND expires_at > clock_timestamp() AND session_id IN (SELECT session_id FROM bestauth.session"
		" WHERE (user_id = $1 OR person_id = $1) AND ended_at IS NULL FOR NO KEY UPDATE SKIP LOCKED)",
	.latest = true,
};

/* What is left then: it ends with the version of the user that it rests on. */
static BaQuery count_held = {
	.sql =
		"SELECT count(*)::int FROM bestauth.session WHERE (user_id = $1 OR person_id = $1)"
		" AND ended_at IS NULL AND expires_at > clock_timestamp()",
	.latest = true,
};

/* What use_session() would still take, as far as one look can tell. */
static BaQuery list_sessions = {
	.sql =
		"SELECT s.session_id, c.code, u.username,"
		" CASE WHEN s.billing_service_id IS NULL THEN p.username ELSE b.code || '/' || p.username END,"
		" s.client_addr, s.client_info, s.created_at, l.last_used_at, s.expires_at, textin(uuid_out(s.session_id))"
		" FROM bestauth.session s JOIN bestauth.session_use l ON l.session_id = s.session_id"
		" LEFT JOIN bestauth.session_company w ON w.session_id = s.session_id"
		" JOIN bestauth.company c ON c.company_id = coalesce(w.company_id, s.company_id)"
		" JOIN bestauth.user_account u ON u.user_id = s.user_id AND u.version = s.user_version"
		" JOIN bestauth.user_account p ON p.user_id = s.person_id AND p.version = s.person_version"
		" LEFT JOIN bestauth.company b ON b.company_id = s.billing_service_id"
		" LEFT JOIN bestauth.billing_service v ON v.company_id = s.billing_service_id"
		" WHERE (s.user_id = $1 OR s.person_id = $1) AND s.ended_at IS NULL"
		" AND s.expires_at > clock_timestamp()"
		" AND l.last_used_at > clock_timestamp() - $2 * interval '1 second'"
		" AND (s.billing_service_id IS NULL OR (v.unregistered_at IS NULL AND v.version = s.service_version))"
		" AND ($3 IS NULL OR s.session_id > uuid_in(textout($3))) ORDER BY s.session_id LIMIT $4",
};

Datum
bestauth_logout(PG_FUNCTION_ARGS)
{
	char *secret = BaArgSecret(fcinfo, 0, "session_token");
	BaArgs args = {0};
	BaRow row;
	BaUser user, person;
	BaAudit audit;
	pg_uuid_t ids[5];
	BaCompany service;

	BaInstanceRequireOpen();
	BaPutBytes(&args, BaTokenDigest(secret));
	if (!BaQueryRow(&end_session, &args, &row))
		PG_RETURN_VOID();
	BaAuditStart(&audit, "session.ended");
	(void) BaGetUuid(&row, 0, &ids[0]);
	(void) BaGetUuid(&row, 1, &ids[1]);
	(void) BaGetUuid(&row, 3, &ids[2]);
	(void) BaGetUuid(&row, 4, &ids[3]);
	audit.session_id = &ids[0];
	audit.company_id = &ids[1];
	audit.company_code = BaGetText(&row, 2);
	audit.client_addr = BaGetText(&row, 6);
	audit.object_type = "session";
	audit.object_id = BaUuidText(&ids[0]);
	audit.user_id = &ids[2];
	audit.username = BaUserLoad(&ids[2], &user) ? user.username : NULL;
	audit.person_id = &ids[3];
	audit.person = BaUserLoad(&ids[3], &person) ? person.username : NULL;
	if (BaGetUuid(&row, 5, &ids[4]) && BaCompanyLoad(&ids[4], &service))
	{
		audit.service_id = &ids[4];
		audit.service_code = service.code;
		audit.person = psprintf("%s/%s", service.code, audit.person);
	}
	BaAuditWrite(&audit);
	PG_RETURN_VOID();
}

/* Who may see and end a user's sessions: the user, and whoever manages users. */
static void
TakeUser(FunctionCallInfo fcinfo, int company_arg, BaCompany *company, BaUser *user)
{
	BaCaller caller = BaAccessCaller(fcinfo);

	BaAccessRequireSelf(&caller, BaArgText(fcinfo, 0, "username", BA_MAX_EMAIL),
						BaArgTextOrNull(fcinfo, company_arg + 1, "portal", BA_MAX_CODE));
	BaUserActed(&caller, fcinfo, 0, company_arg, BA_USER_DELETED, company, user);
}

/* Returns how many there were. */
static int
EndSessions(const BaUser *user)
{
	BaArgs args = {0};
	BaRow row;
	int count, held;

	BaPutUuid(&args, &user->user_id);
	count = BaQueryExec(&end_sessions, &args);
	(void) BaQueryRow(&count_held, &args, &row);
	held = BaGetInt(&row, 0);
	if (held > 0)
		BaUserRaiseVersion(&user->user_id);
	return count + held;
}

Datum
bestauth_revoke_sessions(PG_FUNCTION_ARGS)
{
	BaCompany company;
	BaUser user;
	BaAudit audit;
	BaJson detail;
	int count;

	TakeUser(fcinfo, 1, &company, &user);
	count = EndSessions(&user);
	BaUserAudit(&audit, "sessions.revoked", &company, &user);
	BaJsonStart(&detail);
	BaJsonDatum(&detail, "count", Int32GetDatum(count), false, INT4OID);
	audit.detail = BaJsonFinish(&detail);
	BaAuditWrite(&audit);
	PG_RETURN_INT32(count);
}

Datum
bestauth_list_sessions(PG_FUNCTION_ARGS)
{
	BaCompany company;
	BaUser user;
	BaArgs args = {0};

	TakeUser(fcinfo, 3, &company, &user);
	BaPutUuid(&args, &user.user_id);
	BaPutInt(&args, BaSessionIdleLimit);
	BaPutText(&args, BaArgUuidText(fcinfo, 2, "after"));
	BaPutInt(&args, BaArgPageSize(fcinfo, 1, 100));
	BaQueryReturn(&list_sessions, &args, fcinfo);
	return (Datum) 0;
}
