/*
 * session_use.c
 *	  The session of a transaction: use_session() and switch_company().
 *
 * What use_session() found is kept in the backend, as an identity and its text,
 * until anything about authority changes anywhere (inval.c): the next use of the
 * same session touches no table, and parses nothing.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "args.h"
#include "audit.h"
#include "authority.h"
#include "bestauth.h"
#include "crypto.h"
#include "emergency_access.h"
#include "errors.h"
#include "fold.h"
#include "instance.h"
#include "inval.h"
#include "mail.h"
#include "outbox.h"
#include "query.h"
#include "session.h"
#include "session_use.h"
#include "settings.h"
#include "support.h"
#include "uuid.h"
#include "writer.h"

PG_FUNCTION_INFO_V1(bestauth_use_session);
PG_FUNCTION_INFO_V1(bestauth_switch_company);

#define TOUCHES_PER_LIMIT 10 /* last use is noted to a tenth of the idle limit */

/* In the writer: a transaction that is rolled back was a use as well. */
static BaQuery touch_session = {
	.sql =
		"UPDATE bestauth.session_use SET last_used_at = $2 WHERE session_id ="
		" (SELECT session_id FROM bestauth.session_use WHERE session_id = $1 AND last_used_at < $2"
		" FOR UPDATE SKIP LOCKED)",
};

/*
 * In the writer as well, which waits for nobody; unless the company was given back
 * meanwhile.
 */
static BaQuery leave_lost = {
	.sql =
		"DELETE FROM bestauth.session_company WHERE session_id IN (SELECT p.session_id"
		" FROM bestauth.session_company p JOIN bestauth.session s ON s.session_id = p.session_id"
		" WHERE p.session_id = $1 AND p.company_id = $2 AND NOT EXISTS"
		" (SELECT FROM bestauth.company_access a WHERE a.user_id = s.user_id AND a.entered_id = $2)"
		" AND NOT EXISTS (SELECT FROM bestauth.emergency_access e JOIN bestauth.company c ON c.parent_id = e.company_id"
		" WHERE e.session_id = $1 AND e.ended_at IS NULL AND e.expires_at > clock_timestamp() AND c.company_id = $2)"
		" FOR UPDATE OF p SKIP LOCKED)",
};

/*
 * Where a session is has a row of its own: who holds that in an open transaction must not
 * keep others from ending the session.
 */
static BaQuery enter_company = {
	.sql =
		"INSERT INTO bestauth.session_company AS p (session_id, company_id) VALUES ($1, $2)"
		" ON CONFLICT (session_id) DO UPDATE SET company_id = excluded.company_id",
	.latest = true,
};

static BaQuery return_home = {
	.sql = "DELETE FROM bestauth.session_company WHERE session_id = $1",
	.latest = true,
};

/* What is remembered of a session, by the digest of its token. */
typedef struct Entry
{
	uint8 digest[BA_DIGEST_LENGTH]; /* hash key, must be first */
	uint64 generation;              /* of sessions, in which it was read */
	TimestampTz last_used_at;       /* as it was read */
	TimestampTz touched_at;         /* tried to note it then */
	TimestampTz emergency_until;    /* only if the identity has one */
	BaIdentity *identity;
	char *text;      /* of the identity */
	char *lost_code; /* of a company that the session may not enter any more, or NULL */
} Entry;

/* In the context of authority.c, and worthless in another epoch than its own. */
static HTAB *cache = NULL;
static uint64 cache_epoch = 0;

/* -------------------------------------------------------------------- cache */

/* An entry of another generation counts as none. */
static Entry *
CacheFind(const uint8 *digest)
{
	uint64 epoch;
	Entry *entry;

	(void) BaAuthorityContext(&epoch);
	if (cache == NULL || cache_epoch != epoch || !BaAuthorityIsCurrent())
		return NULL;
	entry = hash_search(cache, digest, HASH_FIND, NULL);
	return entry != NULL && entry->generation == BaInvalGeneration(BA_CHANNEL_SESSION) ?
			   entry :
			   NULL;
}

static MemoryContext
CacheContext(void)
{
	uint64 epoch;
	MemoryContext context = BaAuthorityContext(&epoch);
	HASHCTL control;

	if (cache != NULL && cache_epoch == epoch)
		return context;
	cache = NULL;
	memset(&control, 0, sizeof(control));
	control.keysize = BA_DIGEST_LENGTH;
	control.entrysize = sizeof(Entry);
	control.hcxt = context;
	cache = hash_create("bestauth sessions", 64, &control,
						HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	cache_epoch = epoch;
	return context;
}

/* The lists in it are of the same context already. */
static BaIdentity *
CopyIdentity(const BaIdentity *identity)
{
	BaIdentity *copy = palloc(sizeof(BaIdentity));

	*copy = *identity;
	copy->user_type = pstrdup(identity->user_type);
	copy->username = pstrdup(identity->username);
	copy->person = pstrdup(identity->person);
	copy->company_code = pstrdup(identity->company_code);
	copy->service_code = pstrdup(identity->service_code);
	copy->client_addr = pstrdup(identity->client_addr);
	return copy;
}

/*
 * A savepoint before may go back to what an entry held: it is left where it is, and goes
 * with the context. What is still the same is not kept twice.
 */
static Entry *
CachePut(const uint8 *digest, uint64 generation, const BaSessionFound *found)
{
	char *text = BaIdentityText(&found->identity);
	char *lost_code = found->lost_code;
	MemoryContext old = MemoryContextSwitchTo(CacheContext());
	Entry *entry = hash_search(cache, digest, HASH_FIND, NULL);
	BaIdentity *identity;

	if (lost_code != NULL)
		lost_code = pstrdup(lost_code);
	if (entry == NULL || strcmp(entry->text, text) != 0)
	{
		identity = CopyIdentity(&found->identity);
		text = pstrdup(text);
		if (entry == NULL)
		{
			entry = hash_search(cache, digest, HASH_ENTER, NULL);
			entry->touched_at = 0;
		}
		entry->identity = identity;
		entry->text = text;
	}
	MemoryContextSwitchTo(old);
	entry->generation = generation;
	entry->last_used_at = found->last_used_at;
	entry->emergency_until = found->emergency_until;
	entry->lost_code = lost_code;
	return entry;
}

/* --------------------------------------------------- outside the transaction */

/* What goes to the writer. */
typedef struct Use
{
	pg_uuid_t session_id;
	TimestampTz used_at;
} Use;

typedef struct Loss
{
	pg_uuid_t session_id;
	pg_uuid_t company_id;
} Loss; /* and a packed audit row */

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

static void
HandleLoss(const char *payload, int length, char *reply)
{
	BaArgs args = {0};
	Loss loss;

	memcpy(&loss, payload, sizeof(loss));
	BaPutUuid(&args, &loss.session_id);
	BaPutUuid(&args, &loss.company_id);
	if (BaQueryExec(&leave_lost, &args) > 0)
		BaAuditWritePacked(payload + sizeof(loss));
}

void
BaSessionUseInit(void)
{
	BaWriterRegister(BA_WRITER_TOUCH, HandleTouch);
	BaWriterRegister(BA_WRITER_LOSS, HandleLoss);
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
	use.session_id = entry->identity->session_id;
	use.used_at = now;
	BaWriterPost(BA_WRITER_TOUCH, (char *) &use, sizeof(use));
	/* Not last_used_at: that is read anew when it seems to be too long ago. */
	entry->touched_at = now;
}

/* A row about a session that is not, or not yet, that of the transaction. */
static void
StartAudit(BaAudit *audit, const char *action, const BaIdentity *identity)
{
	BaAuditStart(audit, action);
	BaAuditOf(audit, identity);
}

/*
 * The session stays in its own company from now on, so that a company that is given
 * back does not draw it in unasked.
 */
static void
NoteLoss(const BaSessionFound *found)
{
	Loss loss = {found->identity.session_id, found->lost_id};
	StringInfoData payload;
	BaAudit audit;

	if (RecoveryInProgress())
		return;
	StartAudit(&audit, "company.lost", &found->identity);
	audit.object_type = "company";
	audit.object_id = found->lost_code;
	initStringInfo(&payload);
	appendBinaryStringInfo(&payload, (char *) &loss, sizeof(loss));
	BaAuditPack(&payload, &audit);
	BaWriterPost(BA_WRITER_LOSS, payload.data, payload.len);
}

/* ----------------------------------------------------------------- refusing */

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
RefuseFound(const BaSessionFound *found)
{
	static pg_uuid_t last_refused;
	BaAudit audit;
	BaJson detail;

	if (found->has_emergency)
		BaEmergencyNoteEnd(&found->emergency_id);
	if (!RecoveryInProgress() && !BaUuidEqual(&last_refused, &found->identity.session_id))
	{
		StartAudit(&audit, "session.refused", &found->identity);
		audit.outcome = "denied";
		audit.object_type = "session";
		audit.object_id = BaUuidText(&found->identity.session_id);
		BaJsonStart(&detail);
		BaJsonText(&detail, "reason", found->fault);
		audit.detail = BaJsonFinish(&detail);
		BaAuditWriteDurably(&audit);
		last_refused = found->identity.session_id;
	}
	Refuse();
}

/* -------------------------------------------------------------------- using */

/* Returns the generation, asked before the tables are read: a change meanwhile makes it stale. */
static uint64
Look(Datum digest, BaSessionFound *found)
{
	uint64 generation = BaInvalGeneration(BA_CHANNEL_SESSION);

	BaAuthorityBegin();
	if (!BaSessionFind(digest, found))
		RefuseUnknown();
	if (found->fault != NULL)
		RefuseFound(found);
	return generation;
}

/* Asked of the clock each time: nobody sends a message when a time is up. */
static bool
IsEmergencyOver(const Entry *entry)
{
	return entry->identity->has_emergency &&
		   GetCurrentTimestamp() >= entry->emergency_until;
}

static Entry *
Find(Datum digest)
{
	const uint8 *key = (const uint8 *) VARDATA(DatumGetPointer(digest));
	Entry *entry = CacheFind(key);
	uint64 generation;
	BaSessionFound found;

	if (entry != NULL &&
		BaSessionTimeFault(entry->identity->expires_at, entry->last_used_at) == NULL &&
		!IsEmergencyOver(entry))
		return entry;
	generation = Look(digest, &found);
	/* A company may have been given since what its user may enter was remembered. */
	if (found.lost_code != NULL)
		generation = Look(digest, &found);
	if (found.emergency_over)
		BaEmergencyNoteEnd(&found.emergency_id);
	if (found.lost_code != NULL)
		NoteLoss(&found);
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
		BaContextSet(NULL, NULL);
	entry = Find(BaTokenDigest(secret));
	Touch(entry);
	BaContextSet(entry->identity, entry->text);
	BaSupportFollow(entry->identity->companies.count);
	if (entry->lost_code != NULL)
		ereport(WARNING, (errcode(ERRCODE_WARNING),
						  errmsg("the session may not enter company \"%s\" any more",
								 entry->lost_code),
						  errdetail("It is in its own company \"%s\" again.",
									entry->identity->company_code)));
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

/* ---------------------------------------------------------------- switching */

/* In the company that is entered, which must be able to see who came. */
static void
AuditSwitch(const BaIdentity *identity, const char *from)
{
	BaAudit audit;
	BaJson detail;

	StartAudit(&audit, "company.switched", identity);
	audit.object_type = "company";
	audit.object_id = identity->company_code;
	BaJsonStart(&detail);
	BaJsonText(&detail, "from", from);
	if (identity->has_emergency)
		BaJsonText(&detail, "emergency_id", BaUuidText(&identity->emergency_id));
	audit.detail = BaJsonFinish(&detail);
	BaAuditWrite(&audit);
}

static void
Move(const BaIdentity *identity)
{
	BaArgs args = {0};

	BaPutUuid(&args, &identity->session_id);
	if (BaUuidEqual(&identity->company_id, &identity->own_company_id))
	{
		(void) BaQueryExec(&return_home, &args);
		return;
	}
	BaPutUuid(&args, &identity->company_id);
	(void) BaQueryExec(&enter_company, &args);
}

/*
 * What the session may enter, and where it is, is looked up now: what use_session() found
 * may be old in a long transaction. No lock is taken on what it rests on, or an open transaction could
 * keep others from taking a company away: a loss that comes meanwhile counts at the next
 * use_session(), like everything that is lost [H-07].
 */
static void
Enter(const BaCaller *caller, const char *code)
{
	pg_uuid_t session_id = caller->identity->session_id;
	pg_uuid_t from_id = caller->identity->company_id;
	char *from = pstrdup(caller->identity->company_code);
	BaSessionFound found;
	BaIdentity *identity;
	BaCompany company;
	MemoryContext old;

	BaAuthorityBegin();
	if (!BaSessionLoad(&session_id, &found))
		elog(ERROR, "the session is gone");
	if (found.fault != NULL)
		RefuseFound(&found);
	if (!BaCompanyFind(code, &company) ||
		!BaIdSetHas(&found.identity.companies, &company.company_id))
		BaAccessRefuse(caller, "MCM-7",
					   "There is no such company that the session may enter.");
	if (found.lost_code == NULL && BaUuidEqual(&company.company_id, &from_id) &&
		BaUuidEqual(&company.company_id, &found.identity.company_id))
		return;
	found.identity.company_id = company.company_id;
	found.identity.company_code = company.code;
	Move(&found.identity);
	AuditSwitch(&found.identity, from);
	/* Whose company an emergency opens is to hear of it, not the parent alone [J-14]. */
	if (found.identity.has_emergency &&
		!BaUuidEqual(&company.company_id, &found.identity.own_company_id))
		BaOutboxTellAdministrators(BA_NOTICE_EMERGENCY_ENTERED, caller,
								   &company.company_id, &found.identity.user_id);
	old = MemoryContextSwitchTo(TopTransactionContext);
	identity = CopyIdentity(&found.identity);
	MemoryContextSwitchTo(old);
	BaContextSet(identity, BaIdentityText(identity));
}

Datum
bestauth_switch_company(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	char *code = BaArgText(fcinfo, 0, "company", BA_MAX_CODE);

	PreventCommandIfReadOnly("switch_company()");
	Enter(&caller, code);
	PG_RETURN_VOID();
}
