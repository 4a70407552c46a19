/*
 * session.c
 *	  Sessions: making them, and using them in a transaction.
 *
 * A session names the versions of user, person and service that it rests on; it
 * is good while those are the current ones. So whatever takes authority away
 * ends the session, by whatever way it was done, without looking for sessions.
 *
 * What use_session() found is kept in the backend, as the text of the identity,
 * until anything about authority changes anywhere (inval.c): the next use of the
 * same session touches no table but, now and then, the one of last use.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "args.h"
#include "authority.h"
#include "crypto.h"
#include "errors.h"
#include "fold.h"
#include "instance.h"
#include "inval.h"
#include "query.h"
#include "session.h"
#include "settings.h"
#include "uuid.h"
#include "writer.h"

PG_FUNCTION_INFO_V1(bestauth_use_session);

#define CACHE_MAX 1024       /* sessions remembered by a backend */
#define TOUCHES_PER_LIMIT 10 /* last use is noted to a tenth of the idle limit */

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
static BaQuery load_session = {
	.sql =
		"SELECT s.session_id, s.user_id, s.person_id, s.company_id, s.billing_service_id,"
		" s.user_version, s.person_version, s.service_version, s.expires_at, l.last_used_at,"
		" s.ended_at IS NOT NULL, s.client_addr"
		" FROM bestauth.session s JOIN bestauth.session_use l ON l.session_id = s.session_id"
		" WHERE s.token_hash = $1",
	.latest = true,
};

static BaQuery find_fresh = {
	.sql = "SELECT true FROM bestauth.session WHERE session_id = $1"
		   " AND created_at > clock_timestamp() - $2 * interval '1 second'",
	.latest = true,
};

/* In the writer: a transaction that is rolled back was a use as well. */
static BaQuery touch_session = {
	.sql =
		"UPDATE bestauth.session_use SET last_used_at = $2 WHERE session_id ="
		" (SELECT session_id FROM bestauth.session_use WHERE session_id = $1 AND last_used_at < $2"
		" FOR UPDATE SKIP LOCKED)",
};

/* What is remembered of a session, by the digest of its token. */
typedef struct Entry
{
	uint8 digest[BA_DIGEST_LENGTH]; /* hash key, must be first */
	uint64 generation;              /* of inval.c, in which it was read */
	pg_uuid_t session_id;
	TimestampTz expires_at;
	TimestampTz last_used_at; /* as it was read */
	TimestampTz touched_at;   /* tried to note it then */
	char *identity;           /* as BaContextText() writes it */
} Entry;

/* What was found of a session in the tables. */
typedef struct Found
{
	BaIdentity identity;
	TimestampTz last_used_at;
	const char *fault; /* NULL if it is good */
} Found;

static HTAB *cache = NULL;
static MemoryContext cache_context = NULL;

/* ------------------------------------------------------------------- making */

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
	BaPutInt(&args, BaSessionAbsoluteLimit);
	(void) BaQueryRow(&insert_session, &args, &row);
	(void) BaGetUuid(&row, 0, &session->session_id);
	session->expires_at = BaGetTime(&row, 1);
}

/* ------------------------------------------------------------------ finding */

static const char *
TimeFault(TimestampTz expires_at, TimestampTz last_used_at)
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

static void
SetNames(BaIdentity *identity, BaAuthority *user, const BaAuthority *person)
{
	BaAuthorityLists(user);
	/* The person is of the service, and users never change their company. */
	identity->service_code = identity->has_service ? person->company_code : "";
	identity->user_type = (char *) user->user.type->name;
	identity->username = user->user.username;
	identity->person = identity->has_service ? psprintf("%s/%s", identity->service_code,
														person->user.username) :
											   person->user.username;
	identity->company_code = user->company_code;
	identity->permission_count = user->permission_count;
	identity->permissions = user->permissions;
	identity->company_count = user->company_count;
	identity->companies = user->companies;
	identity->provider_count = user->provider_count;
	identity->providers = user->providers;
	identity->has_office = user->user.has_office;
	identity->office_id = user->user.office_id;
	identity->has_provider = user->user.has_provider;
	identity->provider_id = user->user.provider_id;
}

/* False if there is no such session at all. Begin was called before. */
static bool
Load(Datum digest, Found *found)
{
	BaIdentity *identity = &found->identity;
	BaAuthority *user, *person;
	BaArgs args = {0};
	BaRow row;

	memset(found, 0, sizeof(*found));
	BaPutBytes(&args, digest);
	if (!BaQueryRow(&load_session, &args, &row))
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
	SetNames(identity, user, person);
	found->fault = AuthorityFault(&row, identity, user, person);
	if (found->fault == NULL)
		found->fault = TimeFault(identity->expires_at, found->last_used_at);
	return true;
}

/*
 * The person whose own session this is, for the second part of a login. Returns
 * what is wrong, or NULL; the person is known whenever the session is.
 */
const char *
BaSessionPerson(const char *secret, BaUser *person, bool *known)
{
	Found found;

	(void) BaAuthorityBegin();
	*known = Load(BaTokenDigest(secret), &found) &&
			 BaUserLoad(&found.identity.person_id, person);
	if (!*known)
		return "the session is not known";
	if (found.fault == NULL && found.identity.has_service)
		return "the session is not the person's own";
	return found.fault;
}

/* -------------------------------------------------------------------- cache */

static void
CacheReset(void)
{
	HASHCTL control;

	if (cache_context == NULL)
		cache_context = AllocSetContextCreate(TopMemoryContext, "bestauth sessions",
											  ALLOCSET_DEFAULT_SIZES);
	else
		MemoryContextReset(cache_context);
	cache = NULL;
	memset(&control, 0, sizeof(control));
	control.keysize = BA_DIGEST_LENGTH;
	control.entrysize = sizeof(Entry);
	control.hcxt = cache_context;
	cache = hash_create("bestauth sessions", 64, &control,
						HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* An entry of another generation counts as none. */
static Entry *
CacheFind(const uint8 *digest)
{
	Entry *entry = cache == NULL ? NULL : hash_search(cache, digest, HASH_FIND, NULL);

	return entry != NULL && entry->generation == BaInvalGeneration() ? entry : NULL;
}

static Entry *
CachePut(const uint8 *digest, uint64 generation, const Found *found)
{
	static uint64 cached_generation = 0;
	char *text = BaContextText(&found->identity);
	Entry *entry;
	bool found_before;

	/* All of another generation are worthless: begin anew, and bound the size. */
	if (cache == NULL || cached_generation != generation ||
		hash_get_num_entries(cache) >= CACHE_MAX)
		CacheReset();
	cached_generation = generation;
	text = MemoryContextStrdup(cache_context, text);
	entry = hash_search(cache, digest, HASH_ENTER, &found_before);
	if (found_before)
		pfree(entry->identity);
	else
		entry->touched_at = 0;
	entry->generation = generation;
	entry->session_id = found->identity.session_id;
	entry->expires_at = found->identity.expires_at;
	entry->last_used_at = found->last_used_at;
	entry->identity = text;
	return entry;
}

/* -------------------------------------------------------------------- using */

/* What goes to the writer. */
typedef struct Use
{
	pg_uuid_t session_id;
	TimestampTz used_at;
} Use;

static void
HandleTouch(const char *payload, int length, char *reply)
{
	BaArgs args = {0};
	Use use;

	memcpy(&use, payload, sizeof(use));
	BaPutUuid(&args, &use.session_id);
	BaPut(&args, TIMESTAMPTZOID, TimestampTzGetDatum(use.used_at), false);
	(void) BaQueryExec(&touch_session, &args);
}

void
BaSessionInit(void)
{
	BaWriterRegister(BA_WRITER_TOUCH, HandleTouch);
}

/* Notes the use outside the transaction, and doesn't wait for it. */
static void
Touch(Entry *entry)
{
	TimestampTz now = GetCurrentTimestamp();
	Use use;

	if (XactReadOnly || RecoveryInProgress() ||
		now - Max(entry->last_used_at, entry->touched_at) <
			BaSessionIdleLimit * USECS_PER_SEC / TOUCHES_PER_LIMIT)
		return;
	use.session_id = entry->session_id;
	use.used_at = now;
	BaWriterPost(BA_WRITER_TOUCH, (char *) &use, sizeof(use));
	/* Not last_used_at: that is read anew when it seems to be too long ago. */
	entry->touched_at = now;
}

static void
Refuse(void)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
					errmsg("session is not valid"), errhint("Log in again."),
					BaErrRule("TPB-9")));
}

/* A token that nobody has: guessing, or a mistake. They can come by the million. */
static void
RefuseUnknown(void)
{
	BaAudit audit;
	BaJson detail;

	if (!RecoveryInProgress())
	{
		BaAuditStart(&audit, "session.refused");
		audit.outcome = "denied";
		audit.object_type = "session";
		BaJsonStart(&detail);
		BaJsonText(&detail, "reason", "the session is not known");
		audit.detail = BaJsonFinish(&detail);
		BaAuditWriteFolded(&audit, "session");
	}
	Refuse();
}

/* The refusal of a session that there was is written down, once a backend. */
static void
RefuseFound(const Found *found)
{
	static pg_uuid_t last_refused;
	BaAudit audit;
	BaJson detail;

	if (!RecoveryInProgress() && !BaUuidEqual(&last_refused, &found->identity.session_id))
	{
		BaAuditStart(&audit, "session.refused");
		audit.outcome = "denied";
		audit.company_id = &found->identity.company_id;
		audit.company_code = found->identity.company_code;
		audit.user_id = &found->identity.user_id;
		audit.username = found->identity.username;
		audit.person_id = &found->identity.person_id;
		audit.person = found->identity.person;
		audit.session_id = &found->identity.session_id;
		audit.client_addr =
			*found->identity.client_addr ? found->identity.client_addr : NULL;
		audit.object_type = "session";
		audit.object_id = BaUuidText(&found->identity.session_id);
		if (found->identity.has_service)
		{
			audit.service_id = &found->identity.service_id;
			audit.service_code = found->identity.service_code;
		}
		BaJsonStart(&detail);
		BaJsonText(&detail, "reason", found->fault);
		audit.detail = BaJsonFinish(&detail);
		BaAuditWriteDurably(&audit);
		last_refused = found->identity.session_id;
	}
	Refuse();
}

static Entry *
Find(Datum digest)
{
	const uint8 *key = (const uint8 *) VARDATA(DatumGetPointer(digest));
	Entry *entry = CacheFind(key);
	uint64 generation;
	Found found;

	if (entry != NULL && TimeFault(entry->expires_at, entry->last_used_at) == NULL)
		return entry;
	/* Asked before the tables are read: a change meanwhile makes it stale. */
	generation = BaAuthorityBegin();
	if (!Load(digest, &found))
		RefuseUnknown();
	if (found.fault != NULL)
		RefuseFound(&found);
	return CachePut(key, generation, &found);
}

/* Kept for the backend: asking for it costs as much as everything else. */
static TupleDesc
ResultType(FunctionCallInfo fcinfo)
{
	static TupleDesc kept = NULL;
	TupleDesc tupdesc;
	MemoryContext old;

	if (kept != NULL)
		return kept;
	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	old = MemoryContextSwitchTo(TopMemoryContext);
	kept = BlessTupleDesc(CreateTupleDescCopy(tupdesc));
	MemoryContextSwitchTo(old);
	return kept;
}

Datum
bestauth_use_session(PG_FUNCTION_ARGS)
{
	char *secret = BaArgSecret(fcinfo, 0, "session_token");
	const BaIdentity *identity;
	Datum values[5];
	bool nulls[5] = {0};
	Entry *entry;

	BaInstanceRequireOpen();
	/* Whatever comes of it, the identity before is over. */
	if (BaContextIdentity() != NULL)
		BaContextSet("");
	entry = Find(BaTokenDigest(secret));
	Touch(entry);
	BaContextSet(entry->identity);
	if (!IsTransactionBlock())
		ereport(WARNING,
				(errcode(ERRCODE_NO_ACTIVE_SQL_TRANSACTION),
				 errmsg("the identity of the session ends with this statement"),
				 errhint("Call bestauth.use_session() in a transaction block.")));
	identity = BaContextIdentity();
	values[0] = BaUuidDatum(&identity->session_id);
	values[1] = BaUuidDatum(&identity->user_id);
	values[2] = BaUuidDatum(&identity->person_id);
	values[3] = BaUuidDatum(&identity->company_id);
	values[4] = TimestampTzGetDatum(identity->expires_at);
	PG_RETURN_DATUM(
		HeapTupleGetDatum(heap_form_tuple(ResultType(fcinfo), values, nulls)));
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
