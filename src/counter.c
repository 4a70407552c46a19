/*
 * counter.c
 *	  Charging guesses, and the lock that they lead to.
 *
 * A guess is charged, and committed, by the writer outside the caller's
 * transaction before the password is looked at; a right one clears the count in
 * the same way. So no rollback gets a guess back, and of any number of guesses at
 * once no more are looked at than the threshold allows: the row's lock puts them
 * in order.
 *
 * Names that nobody has are charged like others, to a digest of the name, so that
 * nothing tells them apart; their rows are swept when they are old.
 */
#include "postgres.h"

#include "audit_partition.h"
#include "bestauth.h"
#include "compat.h"
#include "counter.h"
#include "crypto.h"
#include "fold.h"
#include "query.h"
#include "settings.h"
#include "uuid.h"
#include "writer.h"

#define SWEEP_EVERY 64    /* charges, on average */
#define UNKNOWN_MAX 10000 /* counts of names that nobody has */

typedef enum CounterAct
{
	COUNTER_CHARGE,
	COUNTER_CLEAR,
	COUNTER_UNLOCK
} CounterAct;

/* What goes to the writer: the limits are the caller's, who can't set them. */
typedef struct CounterRequest
{
	CounterAct act;
	int threshold;
	int duration; /* seconds */
	/* In the order of their bytes, so that no two writers wait in a circle. */
	BaSubject subjects[2];
	/* A packed audit row follows: for a user locked out, or for what is cleared. */
	bool has_row;
} CounterRequest;

/* The longest packed row fits behind the request. */
#define MAX_ROW (BA_WRITER_PAYLOAD - (int) sizeof(CounterRequest))

/*
 * Everything is decided on the row as it is under its lock. A lock that is over
 * starts a new count, and so does a time without guesses as long as a lock: so
 * that a count which was swept, as those of names that nobody has are, acts no
 * differently. A guess while locked counts no further.
 */
static BaQuery charge = {
	.sql =
		"INSERT INTO bestauth.login_counter AS c (subject, failed, last_at, locked_at, locked_until)"
		" SELECT $1, 1, t, CASE WHEN $2 <= 1 THEN t END, CASE WHEN $2 <= 1 THEN t + $3 * interval '1 second' END"
		" FROM (SELECT clock_timestamp()) now(t)"
		" ON CONFLICT (subject) DO UPDATE SET (last_at, admitted, failed, locked_at, locked_until) ="
		" (SELECT n.t, NOT n.locked, n.failed,"
		" CASE WHEN n.locked THEN c.locked_at WHEN n.failed >= $2 THEN n.t END,"
		" CASE WHEN n.locked THEN c.locked_until WHEN n.failed >= $2 THEN n.t + n.duration END"
		" FROM (SELECT now.t, now.duration, coalesce(c.locked_until > now.t, false) AS locked,"
		" CASE WHEN c.locked_until > now.t THEN c.failed"
		" WHEN c.locked_until IS NOT NULL OR c.last_at + now.duration <= now.t THEN 1"
		" ELSE c.failed + 1 END AS failed"
		" FROM (SELECT clock_timestamp() AS t, $3 * interval '1 second' AS duration) now) n)"
		" RETURNING admitted, locked_at",
};

static BaQuery clear = {
	.sql = "DELETE FROM bestauth.login_counter WHERE subject = $1",
};

/* A user's own count, and those of the persons who tried that key. */
#define OF_USER \
	" FROM bestauth.login_counter WHERE subject = $1" \
	" OR substr(subject, 1, 17) = '\\x70' || substr($1, 2)"

static BaQuery unlock = {
	.sql = "DELETE" OF_USER,
};

static BaQuery find_count = {
	.sql = "SELECT true" OF_USER " LIMIT 1",
	.latest = true,
};

/* What nobody will ask for again: counts of names that nobody has, and of challenges. */
static BaQuery sweep = {
	.sql =
		"DELETE FROM bestauth.login_counter WHERE subject IN (SELECT subject FROM bestauth.login_counter"
		" WHERE subject < '\\x64' AND last_at < clock_timestamp() - greatest($1 * interval '1 second', interval '1 hour')"
		" AND (locked_until IS NULL OR locked_until < clock_timestamp()) FOR UPDATE SKIP LOCKED)",
};

/*
 * A flood of names fills no disk: only the newest stay. At the rate at which
 * passwords are hashed, one that goes is much older than any lock of just now, so
 * nobody can tell by it that it was there.
 */
static BaQuery sweep_flood = {
	.sql =
		"DELETE FROM bestauth.login_counter WHERE subject IN (SELECT subject FROM bestauth.login_counter"
		" WHERE subject IN (SELECT subject FROM bestauth.login_counter WHERE subject < '\\x64'"
		" ORDER BY last_at DESC OFFSET $1) FOR UPDATE SKIP LOCKED)",
};

static BaSubject
MakeSubject(char kind, const void *bytes, int length)
{
	BaSubject subject = {.length = 1 + length};

	subject.bytes[0] = kind;
	memcpy(subject.bytes + 1, bytes, length);
	return subject;
}

BaSubject
BaSubjectUser(const pg_uuid_t *user_id)
{
	return MakeSubject('u', user_id->data, UUID_LEN);
}

BaSubject
BaSubjectKeyPerson(const pg_uuid_t *key_id, const pg_uuid_t *person_id)
{
	uint8 bytes[2 * UUID_LEN];

	memcpy(bytes, key_id->data, UUID_LEN);
	memcpy(bytes + UUID_LEN, person_id->data, UUID_LEN);
	return MakeSubject('p', bytes, sizeof(bytes));
}

BaSubject
BaSubjectChallenge(const pg_uuid_t *token_id)
{
	return MakeSubject('c', token_id->data, UUID_LEN);
}

/* The security answers of an office, or of one provider of it: npi is NULL for all. */
BaSubject
BaSubjectOffice(const pg_uuid_t *office_id, const char *npi)
{
	uint8 digest[BA_DIGEST_LENGTH];
	uint8 bytes[2 * UUID_LEN] = {0};

	memcpy(bytes, office_id->data, UUID_LEN);
	if (npi == NULL)
		return MakeSubject('o', bytes, UUID_LEN);
	BaSha256(npi, strlen(npi), digest);
	memcpy(bytes + UUID_LEN, digest, UUID_LEN);
	return MakeSubject('o', bytes, sizeof(bytes));
}

/* Case matters not, as for names. No argument has a line feed in it. */
static BaSubject
Unknown(char kind, const char *company, const char *portal, const char *name)
{
	char *text = psprintf("%s\n%s\n%s", company, portal ? portal : "", name);
	uint8 digest[BA_DIGEST_LENGTH];
	char *c;

	for (c = text; *c; c++)
		*c = pg_ascii_tolower((unsigned char) *c);
	BaSha256(text, strlen(text), digest);
	return MakeSubject(kind, digest, UUID_LEN);
}

/* A name that nobody has. */
BaSubject
BaSubjectUnknown(const char *company, const char *portal, const char *username)
{
	return Unknown('b', company, portal, username);
}

/* An office that is not there, or a provider of it. */
BaSubject
BaSubjectUnknownOffice(const char *company, const char *portal, const char *office)
{
	return Unknown('a', company, portal, office);
}

static Datum
SubjectDatum(const BaSubject *subject)
{
	bytea *value = palloc(VARHDRSZ + subject->length);

	SET_VARSIZE(value, VARHDRSZ + subject->length);
	memcpy(VARDATA(value), subject->bytes, subject->length);
	return PointerGetDatum(value);
}

/* ------------------------------------------------------------ in the writer */

/* Told of every lock: with the user's id, or NULL for a name that nobody has, or an office. */
static void (*on_lock)(const pg_uuid_t *user_id) = NULL;

void
BaCounterOnLock(void (*handler)(const pg_uuid_t *user_id))
{
	on_lock = handler;
}

static void
TellLock(const BaSubject *subject)
{
	pg_uuid_t user_id;

	/* Nobody is told of a key's person, or a challenge. */
	if (on_lock == NULL || strchr("ubao", subject->bytes[0]) == NULL)
		return;
	memcpy(user_id.data, subject->bytes + 1, UUID_LEN);
	on_lock(subject->bytes[0] == 'u' ? &user_id : NULL);
}

static void
ChargeSubject(const CounterRequest *request, const BaSubject *subject,
			  const char *row_text, BaCharge *answer)
{
	BaArgs args = {0};
	BaRow row;

	BaPutBytes(&args, SubjectDatum(subject));
	BaPutInt(&args, request->threshold);
	BaPutInt(&args, request->duration);
	(void) BaQueryRow(&charge, &args, &row);
	answer->admitted &= BaGetBool(&row, 0);
	answer->locked_at = Max(answer->locked_at, BaGetTime(&row, 1));
	/* Admitted and locked at once: this guess is the last. */
	if (!BaGetBool(&row, 0) || row.nulls[1])
		return;
	if (request->has_row && strchr("upao", subject->bytes[0]) != NULL)
		BaAuditWritePacked(row_text);
	TellLock(subject);
}

static bool
ClearSubject(const BaSubject *subject, CounterAct act)
{
	BaArgs args = {0};

	BaPutBytes(&args, SubjectDatum(subject));
	return BaQueryExec(act == COUNTER_UNLOCK ? &unlock : &clear, &args) > 0;
}

static void
Sweep(const CounterRequest *request)
{
	BaArgs args = {0};

	BaPutInt(&args, request->duration);
	(void) BaQueryExec(&sweep, &args);
	memset(&args, 0, sizeof(args));
	BaPutInt(&args, UNKNOWN_MAX);
	(void) BaQueryExec(&sweep_flood, &args);
	BaFoldSweep();
	BaAuditLookAhead();
}

static void
HandleCounter(const char *payload, int length, char *reply)
{
	CounterRequest request;
	BaCharge answer = {.admitted = true};
	int i;

	memcpy(&request, payload, sizeof(request));
	for (i = 0; i < lengthof(request.subjects); i++)
	{
		if (request.subjects[i].length == 0)
			continue;
		if (request.act == COUNTER_CHARGE)
			ChargeSubject(&request, &request.subjects[i], payload + sizeof(request),
						  &answer);
		else
			answer.cleared |= ClearSubject(&request.subjects[i], request.act);
	}
	if (answer.cleared && request.has_row)
		BaAuditWritePacked(payload + sizeof(request));
	memcpy(reply, &answer, sizeof(answer));
	if (random() % SWEEP_EVERY == 0)
		Sweep(&request);
}

void
BaCounterInit(void)
{
	StaticAssertStmt(sizeof(CounterRequest) <= BA_WRITER_PAYLOAD, "the request must fit");
	StaticAssertStmt(sizeof(BaCharge) <= BA_WRITER_REPLY, "the answer must fit");
	BaWriterRegister(BA_WRITER_COUNTER, HandleCounter);
}

/* ------------------------------------------------------------ in the caller */

static BaCharge
Call(CounterAct act, BaSubject first, BaSubject second, const BaAudit *lock_row)
{
	bool swap = memcmp(first.bytes, second.bytes, sizeof(first.bytes)) > 0;
	CounterRequest request;
	StringInfoData payload;
	StringInfoData row;
	BaCharge answer;
	char reply[BA_WRITER_REPLY];

	initStringInfo(&row);
	if (lock_row != NULL)
		BaAuditPack(&row, lock_row);
	memset(&request, 0, sizeof(request));
	request.act = act;
	request.threshold = BaLockoutThreshold;
	request.duration = BaLockoutDuration;
	request.subjects[0] = swap ? second : first;
	request.subjects[1] = swap ? first : second;
	request.has_row = lock_row != NULL && row.len <= MAX_ROW;
	initStringInfo(&payload);
	appendBinaryStringInfo(&payload, (char *) &request, sizeof(request));
	if (request.has_row)
		appendBinaryStringInfo(&payload, row.data, row.len);
	BaWriterCall(BA_WRITER_COUNTER, payload.data, payload.len, reply);
	memcpy(&answer, reply, sizeof(answer));
	return answer;
}

/*
 * Charges one guess to one subject, or to two; the second may have length 0. The
 * row is written to the audit if this locks a user.
 */
BaCharge
BaCounterCharge(BaSubject first, BaSubject second, const BaAudit *lock_row)
{
	return Call(COUNTER_CHARGE, first, second, lock_row);
}

/* After a right password: the count begins anew. */
void
BaCounterClear(BaSubject first, BaSubject second)
{
	(void) Call(COUNTER_CLEAR, first, second, NULL);
}

/*
 * By an administrator: the user's count, and of a key those of its persons. Tells
 * whether there was one; then the row is written with it.
 */
bool
BaCounterUnlock(const pg_uuid_t *user_id, const BaAudit *row)
{
	BaSubject none = {0};

	return Call(COUNTER_UNLOCK, BaSubjectUser(user_id), none, row).cleared;
}

/* Are there wrong guesses at the user, or at that key? */
bool
BaCounterExists(const pg_uuid_t *user_id)
{
	BaSubject subject = BaSubjectUser(user_id);
	BaArgs args = {0};
	BaRow row;

	BaPutBytes(&args, SubjectDatum(&subject));
	return BaQueryRow(&find_count, &args, &row);
}
