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
 * Names that nobody has are charged to a fixed number of buckets. That a bucket
 * is shared shows nowhere, for nothing behind it can succeed.
 */
#include "postgres.h"

#include "common/hashfn.h"

#include "bestauth.h"
#include "compat.h"
#include "counter.h"
#include "query.h"
#include "settings.h"
#include "uuid.h"
#include "writer.h"

#define BUCKETS 4096

typedef enum CounterAct
{
	COUNTER_CHARGE,
	COUNTER_CLEAR
} CounterAct;

/* What goes to the writer: the limits are the caller's, who can't set them. */
typedef struct CounterRequest
{
	CounterAct	act;
	int			threshold;
	int			duration;		/* seconds */
	BaSubject	subjects[2];	/* in the order of their bytes, so that no two writers wait in a circle */
} CounterRequest;

/*
 * Everything is decided on the row as it is under its lock. A lock that is over
 * starts a new count; a guess while locked counts no further.
 */
static BaQuery charge = {
	.sql = "INSERT INTO bestauth.login_counter AS c (subject, failed, last_at, locked_at, locked_until)"
	" SELECT $1, 1, t, CASE WHEN $2 <= 1 THEN t END, CASE WHEN $2 <= 1 THEN t + $3 * interval '1 second' END"
	" FROM (SELECT clock_timestamp()) now(t)"
	" ON CONFLICT (subject) DO UPDATE SET last_at = clock_timestamp(),"
	" admitted = c.locked_until IS NULL OR c.locked_until <= clock_timestamp(),"
	" failed = CASE WHEN c.locked_until > clock_timestamp() THEN c.failed"
	" WHEN c.locked_until IS NOT NULL THEN 1 ELSE c.failed + 1 END,"
	" locked_at = CASE WHEN c.locked_until > clock_timestamp() THEN c.locked_at"
	" WHEN $2 <= CASE WHEN c.locked_until IS NULL THEN c.failed + 1 ELSE 1 END THEN clock_timestamp() END,"
	" locked_until = CASE WHEN c.locked_until > clock_timestamp() THEN c.locked_until"
	" WHEN $2 <= CASE WHEN c.locked_until IS NULL THEN c.failed + 1 ELSE 1 END"
	" THEN clock_timestamp() + $3 * interval '1 second' END"
	" RETURNING admitted, locked_at",
};

static BaQuery clear = {
	.sql = "DELETE FROM bestauth.login_counter WHERE subject = $1",
};

/* Challenges live for an hour at most; a few forgotten ones go with each call. */
static BaQuery sweep_challenges = {
	.sql = "DELETE FROM bestauth.login_counter WHERE subject IN (SELECT subject FROM bestauth.login_counter"
	" WHERE subject >= '\\x63' AND subject < '\\x64' AND last_at < clock_timestamp() - interval '1 day'"
	" LIMIT 10 FOR UPDATE SKIP LOCKED)",
};

static BaSubject
MakeSubject(char kind, const void *bytes, int length)
{
	BaSubject	subject = {.length = 1 + length};

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
BaSubjectChallenge(const pg_uuid_t *token_id)
{
	return MakeSubject('c', token_id->data, UUID_LEN);
}

/* The bucket of a name that nobody has; case matters not, as for names. */
BaSubject
BaSubjectUnknown(const char *company, const char *username)
{
	char	   *name = psprintf("%s/%s", company, username);
	uint16		bucket;
	char	   *c;

	for (c = name; *c; c++)
		*c = pg_ascii_tolower((unsigned char) *c);
	bucket = hash_bytes((unsigned char *) name, strlen(name)) % BUCKETS;

	return MakeSubject('b', &bucket, sizeof(bucket));
}

static Datum
SubjectDatum(const BaSubject *subject)
{
	bytea	   *value = palloc(VARHDRSZ + subject->length);

	SET_VARSIZE(value, VARHDRSZ + subject->length);
	memcpy(VARDATA(value), subject->bytes, subject->length);
	return PointerGetDatum(value);
}

/* ------------------------------------------------------------ in the writer */

static void
ChargeSubject(const CounterRequest *request, const BaSubject *subject, BaCharge *answer)
{
	BaArgs		args = {0};
	BaRow		row;

	BaPutBytes(&args, SubjectDatum(subject));
	BaPutInt(&args, request->threshold);
	BaPutInt(&args, request->duration);
	(void) BaQueryRow(&charge, &args, &row);
	answer->admitted &= BaGetBool(&row, 0);
	answer->locked_at = Max(answer->locked_at, BaGetTime(&row, 1));
}

static void
ClearSubject(const BaSubject *subject)
{
	BaArgs		args = {0};

	BaPutBytes(&args, SubjectDatum(subject));
	(void) BaQueryExec(&clear, &args);
	memset(&args, 0, sizeof(args));
	if (subject->bytes[0] == 'c')
		(void) BaQueryExec(&sweep_challenges, &args);
}

static void
HandleCounter(const char *payload, int length, char *reply)
{
	CounterRequest request;
	BaCharge	answer = {true, 0};
	int			i;

	memcpy(&request, payload, sizeof(request));
	for (i = 0; i < lengthof(request.subjects); i++)
	{
		if (request.subjects[i].length == 0)
			continue;
		if (request.act == COUNTER_CHARGE)
			ChargeSubject(&request, &request.subjects[i], &answer);
		else
			ClearSubject(&request.subjects[i]);
	}
	memcpy(reply, &answer, sizeof(answer));
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
Call(CounterAct act, BaSubject first, BaSubject second)
{
	bool		swap = memcmp(first.bytes, second.bytes, sizeof(first.bytes)) > 0;
	CounterRequest request;
	BaCharge	answer;
	char		reply[BA_WRITER_REPLY];

	memset(&request, 0, sizeof(request));
	request.act = act;
	request.threshold = BaLockoutThreshold;
	request.duration = BaLockoutDuration;
	request.subjects[0] = swap ? second : first;
	request.subjects[1] = swap ? first : second;
	BaWriterCall(BA_WRITER_COUNTER, (char *) &request, sizeof(request), reply);
	memcpy(&answer, reply, sizeof(answer));
	return answer;
}

/* Charges one guess to one subject, or to two; the second may have length 0. */
BaCharge
BaCounterCharge(BaSubject first, BaSubject second)
{
	return Call(COUNTER_CHARGE, first, second);
}

/* After a right password, or by an administrator: the count begins anew. */
void
BaCounterClear(BaSubject first, BaSubject second)
{
	(void) Call(COUNTER_CLEAR, first, second);
}
