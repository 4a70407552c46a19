/*
 * session.c
 *	  Sessions: making them, and finding out what is wrong with one.
 *
 * A session names the versions of user, person and service that it rests on; it
 * is good while those are the current ones. So whatever takes authority away
 * ends the session, by whatever way it was done, without looking for sessions.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "args.h"
#include "authority.h"
#include "bestauth.h"
#include "crypto.h"
#include "query.h"
#include "session.h"
#include "settings.h"
#include "uuid.h"

static BaQuery insert_session = {
	.sql =
		"WITH s AS (INSERT INTO bestauth.session (token_hash, user_id, person_id, company_id,"
		" billing_service_id, user_version, person_version, service_version, client_addr, client_info, expires_at)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, nullif($8, 0), $9, $10, clock_timestamp() + $11 * interval '1 second')"
		" RETURNING session_id, expires_at), l AS (INSERT INTO bestauth.session_use (session_id, last_used_at)"
		" SELECT session_id, clock_timestamp() FROM s)"
		" SELECT session_id, expires_at FROM s",
};

/* The session itself; what it rests on is remembered (authority.c). */
#define SESSION_SELECT \
	"SELECT s.session_id, s.user_id, s.person_id, coalesce(p.company_id, s.company_id), s.billing_service_id," \
	" s.user_version, s.person_version, s.service_version, s.expires_at, l.last_used_at," \
	" s.ended_at IS NOT NULL, s.client_addr, e.emergency_id, e.expires_at, e.xmin" \
	" FROM bestauth.session s JOIN bestauth.session_use l ON l.session_id = s.session_id" \
	" LEFT JOIN bestauth.session_company p ON p.session_id = s.session_id" \
	" LEFT JOIN bestauth.emergency_access e ON e.session_id = s.session_id AND e.ended_at IS NULL"

static BaQuery find_session = {
	.sql = SESSION_SELECT " WHERE s.token_hash = $1",
	.latest = true,
};

static BaQuery load_session = {
	.sql = SESSION_SELECT " WHERE s.session_id = $1",
	.latest = true,
};

static BaQuery find_fresh = {
	.sql = "SELECT true FROM bestauth.session WHERE session_id = $1"
		   " AND created_at > clock_timestamp() - $2 * interval '1 second'",
	.latest = true,
};

/* ------------------------------------------------------------------- making */

/*
 * Seconds. Nobody here hears of it when who signs on elsewhere is locked there: such a
 * session is short, counted from when it was said there who they are, and goes on with
 * another assertion [TPB-9].
 */
int
BaSessionLimit(const BaUser *person, TimestampTz asserted_at)
{
	int64 limit;

	if (!person->type->by_assertion)
		return BaSessionAbsoluteLimit;
	limit = BaSsoSessionLimit - (GetCurrentTimestamp() - asserted_at) / USECS_PER_SEC;
	return (int) Max(Min(limit, BaSessionAbsoluteLimit), 1);
}

/* The versions are those that the caller saw: a change since then counts. */
void
BaSessionCreate(const BaSessionStart *start, BaSession *session)
{
	BaArgs args = {0};
	BaRow row;

	session->secret = BaTokenMake("bas");
	BaPutBytes(&args, BaTokenDigest(session->secret));
	BaPutUuid(&args, &start->user->user_id);
	BaPutUuid(&args, &start->person->user_id);
	BaPutUuid(&args, &start->user->company_id);
	BaPutUuid(&args, start->service ? &start->service->company_id : NULL);
	BaPutInt(&args, start->user->version);
	BaPutInt(&args, start->person->version);
	BaPutInt(&args, start->service ? start->service->service_version : 0);
	BaPutText(&args, start->client_addr);
	BaPutText(&args, start->client_info);
	BaPutInt(&args, start->limit);
	(void) BaQueryRow(&insert_session, &args, &row);
	(void) BaGetUuid(&row, 0, &session->session_id);
	session->expires_at = BaGetTime(&row, 1);
}

/* ------------------------------------------------------------------ finding */

const char *
BaSessionTimeFault(TimestampTz expires_at, TimestampTz last_used_at)
{
	TimestampTz now = GetCurrentTimestamp();

	if (now >= expires_at)
		return "the session is too old";
	if (now - last_used_at >= BaSessionIdleLimit * USECS_PER_SEC)
		return "the session was not used for too long";
	return NULL;
}

/* What the session rests on, as it is now, against what it was made for. */
static const char *
AuthorityFault(const BaRow *row, const BaIdentity *identity, const BaAuthority *user,
			   const BaAuthority *person)
{
	if (BaGetBool(row, 10))
		return "the session was ended";
	if (user->user.deleted)
		return "the user is deleted";
	if (user->user.locked)
		return "the user is locked";
	if (user->user.version != BaGetInt(row, 5))
		return "the user's password, type, service or lock was changed";
	if (person->user.deleted)
		return "the person is deleted";
	if (person->user.locked)
		return "the person is locked";
	if (person->user.version != BaGetInt(row, 6))
		return "the person's password, type or lock was changed";
	if (!identity->has_service)
		return NULL;
	if (!user->service_registered)
		return "the billing service is not registered any more";
	if (user->service_version != BaGetInt(row, 7))
		return "the billing service was registered anew";
	if (!BaUserAdmitsPerson(&user->user, &person->user.user_id))
		return "the key does not admit the person any more";
	return NULL;
}

/*
 * Where the session is. Who has lost the company that it was in is in their own again
 * [MCM-8].
 */
static void
SetCompany(BaSessionFound *found, BaAuthority *user)
{
	BaIdentity *identity = &found->identity;
	BaCompany company;

	identity->own_company_id = user->user.company_id;
	identity->company_code = user->company_code;
	if (BaUuidEqual(&identity->company_id, &identity->own_company_id))
		return;
	if (!BaCompanyLoad(&identity->company_id, &company))
		elog(ERROR, "the session's company is gone");
	if (BaIdSetHas(&identity->companies, &identity->company_id))
	{
		identity->company_code = company.code;
		return;
	}
	found->lost_code = company.code;
	found->lost_id = identity->company_id;
	identity->company_id = identity->own_company_id;
}

static void
SetLists(BaIdentity *identity, const BaAuthorityLists *lists)
{
	identity->permission_count = lists->permission_count;
	identity->permissions = lists->permissions;
	identity->companies = lists->companies;
	identity->providers = lists->providers;
}

/*
 * One that this transaction has started does not count yet: if it is rolled back, nobody
 * would ever hear of what was seen meanwhile [J-14].
 */
static void
SetEmergency(BaSessionFound *found, const BaRow *row, BaAuthority *user)
{
	BaIdentity *identity = &found->identity;

	SetLists(identity, BaAuthorityOwn(user));
	found->has_emergency =
		BaGetUuid(row, 12, &found->emergency_id) &&
		!TransactionIdIsCurrentTransactionId(DatumGetTransactionId(row->values[14]));
	if (!found->has_emergency)
		return;
	found->emergency_until = BaGetTime(row, 13);
	found->emergency_over = GetCurrentTimestamp() >= found->emergency_until ||
							!BaIdentityHolds(identity, BA_PERM_EMERGENCY_ACCESS);
	if (found->emergency_over)
		return;
	SetLists(identity, BaAuthorityInEmergency(user));
	identity->has_emergency = true;
	identity->emergency_id = found->emergency_id;
}

static void
SetNames(BaSessionFound *found, BaAuthority *user, const BaAuthority *person)
{
	BaIdentity *identity = &found->identity;

	/* The person is of the service, and users never change their company. */
	identity->service_code = identity->has_service ? person->company_code : "";
	identity->user_type = (char *) user->user.type->name;
	identity->username = user->user.username;
	identity->person = identity->has_service ? psprintf("%s/%s", identity->service_code,
														person->user.username) :
											   person->user.username;
	identity->has_office = user->user.has_office;
	identity->office_id = user->user.office_id;
	identity->has_provider = user->user.has_provider;
	identity->provider_id = user->user.provider_id;
	SetCompany(found, user);
}

static bool
Load(BaQuery *query, BaArgs *args, BaSessionFound *found)
{
	BaIdentity *identity = &found->identity;
	BaAuthority *user, *person;
	BaRow row;

	memset(found, 0, sizeof(*found));
	if (!BaQueryRow(query, args, &row))
		return false;
	(void) BaGetUuid(&row, 0, &identity->session_id);
	(void) BaGetUuid(&row, 1, &identity->user_id);
	(void) BaGetUuid(&row, 2, &identity->person_id);
	(void) BaGetUuid(&row, 3, &identity->company_id);
	identity->has_service = BaGetUuid(&row, 4, &identity->service_id);
	identity->expires_at = BaGetTime(&row, 8);
	found->last_used_at = BaGetTime(&row, 9);
	identity->client_addr = row.nulls[11] ? "" : BaGetText(&row, 11);
	user = BaAuthorityOf(&identity->user_id);
	person = BaAuthorityOf(&identity->person_id);
	if (user == NULL || person == NULL)
		elog(ERROR, "the session's user is gone");
	SetEmergency(found, &row, user);
	SetNames(found, user, person);
	found->fault = AuthorityFault(&row, identity, user, person);
	if (found->fault == NULL)
		found->fault = BaSessionTimeFault(identity->expires_at, found->last_used_at);
	return true;
}

/*
 * False if there is no such session at all. BaAuthorityBegin() was called before; the
 * identity's parts are good until it is called again.
 */
bool
BaSessionFind(Datum digest, BaSessionFound *found)
{
	BaArgs args = {0};

	BaPutBytes(&args, digest);
	return Load(&find_session, &args, found);
}

bool
BaSessionLoad(const pg_uuid_t *session_id, BaSessionFound *found)
{
	BaArgs args = {0};

	BaPutUuid(&args, session_id);
	return Load(&load_session, &args, found);
}

/*
 * The person whose own session this is, for the second part of a login. Returns
 * what is wrong, or NULL; the person is known whenever the session is.
 */
const char *
BaSessionPerson(const char *secret, BaUser *person, bool *known)
{
	BaSessionFound found;

	BaAuthorityBegin();
	*known = BaSessionFind(BaTokenDigest(secret), &found) &&
			 BaUserLoad(&found.identity.person_id, person);
	if (!*known)
		return "the session is not known";
	if (found.fault == NULL && found.identity.has_service)
		return "the session is not the person's own";
	return found.fault;
}

/*
 * What could turn a session into the account takes a login of just now: a session
 * that somebody else has got hold of is older.
 */
void
BaSessionRequireFresh(const BaCaller *caller)
{
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, &caller->identity->session_id);
	BaPutInt(&args, BaChallengeLifetime);
	if (!BaQueryRow(&find_fresh, &args, &row))
		BaAccessRefuse(caller, "G-11", "It takes a new login: this one is too long ago.");
}
