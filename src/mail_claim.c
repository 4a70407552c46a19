/*
 * mail_claim.c
 *	  Claiming mail: what the mailer calls first; mail_result.c is what it calls then.
 *
 * A message's token and text are made here, when it is claimed, and go out with the
 * answer alone. What there is still to say is decided here too, under the lock of
 * the user's row: a message that has nothing to say any more is called off. Nothing
 * here waits for a lock: what somebody holds is claimed another time, so that no
 * open transaction stops the mail of others.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "args.h"
#include "bestauth.h"
#include "credential.h"
#include "crypto.h"
#include "mail_compose.h"
#include "outbox.h"
#include "query.h"
#include "settings.h"

PG_FUNCTION_INFO_V1(bestauth_claim_mail);

#define WAIT_BUSY 5    /* seconds until a message is looked at again whose user is held */
#define WAIT_LIMIT 300 /* the same, where its address has had enough mail */
#define BATCH_KILOBYTES (1024 * 1024) /* of a batch; 1000 messages are far less */
#define MAX_PUT_OFF 1000              /* messages looked at in vain by a call, about */
#define ADDRESS_LOCK 4 /* the kind of advisory lock; slot.c has 3, SQL 1 and 2 */

#define DUE(more) \
	"SELECT o.message_id, o.kind, o.topic, o.recipient, o.user_id, o.signup_id, o.about_id, o.registration_id, o.attempts," \
	" extract(epoch FROM clock_timestamp() - o.created_at)::int" \
	" FROM bestauth.outbox o WHERE o.sent_at IS NULL AND o.cancelled_at IS NULL AND o.dead_at IS NULL" \
	" AND o.due_at <= $2" more " ORDER BY o.due_at LIMIT $1 FOR UPDATE SKIP LOCKED"

/* What somebody waits for in front of a screen goes before what can take its time. */
static BaQuery find_urgent = {
	.sql = DUE(" AND o.kind IN ('password_reset', 'email_verification')"),
	.latest = true,
};

static BaQuery find_due = {
	.sql = DUE(" AND o.kind <> 'registration_invite'"),
	.latest = true,
};

static BaQuery find_invites = {
	.sql = DUE(" AND o.kind = 'registration_invite'"),
	.latest = true,
};

/* The same message once more takes the place of the one before. */
static BaQuery find_newer = {
	.sql =
		"SELECT true FROM bestauth.outbox o JOIN bestauth.outbox n"
		" ON (n.user_id = o.user_id OR n.signup_id = o.signup_id) AND n.kind = o.kind"
		" AND n.topic IS NOT DISTINCT FROM o.topic AND n.about_id IS NOT DISTINCT FROM o.about_id"
		" AND (n.created_at, n.message_id) > (o.created_at, o.message_id)"
		" AND n.dead_at IS NULL AND n.cancelled_at IS NULL"
		" AND (n.topic IS NULL OR n.recipient = o.recipient) WHERE o.message_id = $1 LIMIT 1",
	.latest = true,
};

static BaQuery find_pending_email = {
	.sql =
		"SELECT true FROM bestauth.user_account WHERE user_id = $1 AND pending_email = $2",
	.latest = true,
};

/* How many messages the address had in the last hour, how many of them of no user. */
static BaQuery count_recent = {
	.sql =
		"SELECT count(*)::int, count(asked_for)::int FROM (SELECT coalesce(signup_id, registration_id) AS asked_for FROM bestauth.outbox"
		" WHERE lower(recipient COLLATE \"C\") = lower($2 COLLATE \"C\")"
		" AND claimed_at > clock_timestamp() - interval '1 hour' AND message_id <> $1 LIMIT $3) late",
	.latest = true,
};

static BaQuery claim_message = {
	.sql =
		"UPDATE bestauth.outbox SET due_at = clock_timestamp() + $2 * interval '1 second', recipient = $3,"
		" claimed_at = clock_timestamp(), attempts = attempts + 1 WHERE message_id = $1",
	.latest = true,
};

static BaQuery postpone_message = {
	.sql =
		"UPDATE bestauth.outbox SET due_at = clock_timestamp() + $2 * interval '1 second' WHERE message_id = $1",
	.latest = true,
};

static BaQuery cancel_message = {
	.sql =
		"UPDATE bestauth.outbox SET cancelled_at = clock_timestamp() WHERE message_id = $1",
	.latest = true,
};

static BaQuery bury_message = {
	.sql = "UPDATE bestauth.outbox SET dead_at = clock_timestamp() WHERE message_id = $1",
	.latest = true,
};

typedef enum Verdict
{
	SEND,
	CANCEL,
	BURY,
	BUSY,
	FLOODED
} Verdict;

/* -------------------------------------------------------------- what is to be said */

static bool
IsPendingEmail(const BaMailClaim *claim)
{
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, &claim->user.user_id);
	BaPutText(&args, claim->recipient);
	return BaQueryRow(&find_pending_email, &args, &row);
}

static bool
IsReplaced(const BaMailClaim *claim)
{
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, &claim->message_id);
	return BaQueryRow(&find_newer, &args, &row);
}

static bool
HasPassword(const BaUser *user, bool *must_change)
{
	BaCredential credential;

	BaCredentialFind(&user->user_id, &credential);
	*must_change = credential.must_change;
	return credential.password.hash != NULL;
}

/* Has the message to a user nothing left to ask for? Who set a password needs no link. */
static bool
IsSettled(const BaMailClaim *claim)
{
	const char *kind = claim->kind->kind;
	bool must_change, has_password;

	/* Nothing is told, nor named, to an address that may be a stranger's. */
	if (claim->kind->purpose == NULL)
		return claim->user.type->needs_verification && !claim->user.verified;
	if (claim->user.deleted)
		return true;
	if (strcmp(kind, BA_MAIL_EMAIL_CHANGE) == 0)
		return !IsPendingEmail(claim);
	if (claim->user.email == NULL)
		return true;
	has_password = HasPassword(&claim->user, &must_change);
	if (strcmp(kind, BA_MAIL_PASSWORD_SETUP) == 0 ||
		strcmp(kind, BA_MAIL_PORTAL_INVITE) == 0)
		return has_password;
	if (strcmp(kind, BA_MAIL_TEMPORARY_PASSWORD) == 0)
		return !must_change;
	if (strcmp(kind, BA_MAIL_EMAIL_VERIFICATION) == 0)
		return claim->user.verified;
	return false;
}

/* Where to: a link to the address of now, or to the one that it is to prove. */
static const char *
Recipient(const BaMailClaim *claim)
{
	if (claim->has_registration)
		return claim->registration.email;
	if (claim->has_signup)
		return claim->has_user ? claim->user.email : claim->signup.email;
	if (claim->kind->purpose == NULL ||
		strcmp(claim->kind->kind, BA_MAIL_EMAIL_CHANGE) == 0)
		return claim->recipient;
	return claim->user.email;
}

/*
 * A sign-up with an address that has an account: its owner is told, and if it is not
 * active yet, sent what makes it so.
 */
static Verdict
JudgeSignup(BaMailClaim *claim)
{
	bool must_change;

	if (!claim->signup.pending)
		return CANCEL;
	claim->has_user = claim->has_user && BaUserHoldsAddress(&claim->user);
	if (!claim->has_user)
		return SEND;
	/* No account will come of it, so what was typed is not kept. */
	BaSignupForgetPassword(&claim->signup);
	if (claim->user.deleted || claim->user.locked)
		return CANCEL;
	if (!HasPassword(&claim->user, &must_change))
		claim->kind = BaMailKindFind(BA_MAIL_PORTAL_INVITE, NULL);
	else if (claim->user.verified)
		claim->kind = BaMailKindFind(BA_MAIL_NOTICE, BA_NOTICE_REGISTRATION);
	return SEND;
}

/* An invite that is still open, or what was decided. */
static Verdict
LoadRegistration(BaMailClaim *claim, const pg_uuid_t *id)
{
	BaRegistration *registration = &claim->registration;

	if (!BaRegistrationTryLock(id, registration))
		return BaRegistrationLoad(id, registration) ? BUSY : CANCEL;
	claim->has_registration = true;
	claim->has_portal = BaPortalLoad(&registration->portal_id, &claim->portal);
	if (claim->kind->purpose != NULL &&
		(strcmp(registration->status, BA_EMAIL_INT) != 0 ||
		 BaMailSecondsLeft(registration->expires_at) <= 0))
		return CANCEL;
	return SEND;
}

static Verdict
LoadSignup(BaMailClaim *claim, const pg_uuid_t *id)
{
	if (!BaSignupTryLock(id, &claim->signup))
		return BaSignupLoad(id, &claim->signup) ? BUSY : CANCEL;
	if (!BaPortalLoad(&claim->signup.portal_id, &claim->portal))
		return CANCEL;
	claim->has_signup = true;
	claim->has_portal = true;
	claim->has_user = BaUserFind(&claim->signup.company_id, &claim->signup.portal_id,
								 claim->signup.email, &claim->user);
	return SEND;
}

/*
 * Whom it is to: read again under the lock of the user's row. BUSY if that is held,
 * CANCEL if nobody is there.
 */
static Verdict
LoadRecipient(BaMailClaim *claim)
{
	pg_uuid_t id;

	if (BaGetUuid(claim->row, 7, &id))
		return LoadRegistration(claim, &id);
	if (BaGetUuid(claim->row, 5, &id))
	{
		Verdict verdict = LoadSignup(claim, &id);

		if (verdict != SEND || !claim->has_user)
			return verdict;
		id = claim->user.user_id;
	}
	else if (!BaGetUuid(claim->row, 4, &id))
		return CANCEL;
	if (!BaUserTryLock(&id))
		return BaUserLoad(&id, &claim->user) ? BUSY : CANCEL;
	claim->has_user = BaUserLoad(&id, &claim->user);
	if (claim->user.has_portal && !claim->has_portal)
		claim->has_portal = BaPortalLoad(&claim->user.portal_id, &claim->portal);
	return SEND;
}

/*
 * Of two mailers one looks at an address at a time; the other leaves it for later. The
 * lock is one of so many for all addresses: the lock table is the whole server's.
 */
static bool
LockAddress(const char *recipient)
{
	uint8 digest[BA_DIGEST_LENGTH];
	char *address = pstrdup(recipient);
	char *c;
	LOCKTAG tag;

	for (c = address; *c; c++)
		*c = pg_ascii_tolower((unsigned char) *c);
	BaSha256(address, strlen(address), digest);
	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 0, digest[0], ADDRESS_LOCK);
	return LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

/*
 * Has the address had as many in the last hour as it may? Sign-ups, which anybody can
 * make without end, and invites, which any office can, take up half of it at most, so
 * that they keep no other mail away.
 */
static bool
IsFlooded(const BaMailClaim *claim)
{
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, &claim->message_id);
	BaPutText(&args, claim->recipient);
	BaPutInt(&args, BaMailHourlyLimit);
	(void) BaQueryRow(&count_recent, &args, &row);
	return BaGetInt(&row, 0) >= BaMailHourlyLimit ||
		   ((claim->has_signup || claim->has_registration) &&
			BaGetInt(&row, 1) >= Max(BaMailHourlyLimit / 2, 1));
}

static Verdict
Judge(BaMailClaim *claim)
{
	Verdict verdict;

	/* It was claimed so often, and nobody lived to say why it failed. */
	if (BaGetInt(claim->row, 8) >= BaMailMaxAttempts)
		return BURY;
	if (claim->kind->stale_after > 0 &&
		BaGetInt(claim->row, 9) > claim->kind->stale_after)
		return CANCEL;
	if (IsReplaced(claim))
		return CANCEL;
	verdict = LoadRecipient(claim);
	if (verdict != SEND)
		return verdict;
	if (claim->has_signup)
		verdict = JudgeSignup(claim);
	else if (!claim->has_registration && IsSettled(claim))
		verdict = CANCEL;
	if (verdict != SEND)
		return verdict;
	claim->recipient = Recipient(claim);
	if (!LockAddress(claim->recipient))
		return BUSY;
	return IsFlooded(claim) ? FLOODED : SEND;
}

/* --------------------------------------------------------------------- the message */

static void
Send(BaMailClaim *claim, int lease, ReturnSetInfo *result)
{
	const BaMailKind *kind = claim->kind;
	char *token = kind->purpose ? BaMailToken(claim) : NULL;
	BaMailText text;
	BaArgs args = {0};
	Datum values[8];
	bool nulls[8] = {0};

	BaMailCompose(claim, token, &text);
	BaPutUuid(&args, &claim->message_id);
	BaPutInt(&args, lease);
	BaPutText(&args, claim->recipient);
	(void) BaQueryExec(&claim_message, &args);
	values[0] = claim->row->values[0];
	values[1] = CStringGetTextDatum(kind->kind);
	values[2] = CStringGetTextDatum(claim->recipient);
	values[3] = CStringGetTextDatum(text.subject);
	values[4] = CStringGetTextDatum(text.body);
	nulls[5] = token == NULL;
	values[5] = nulls[5] ? (Datum) 0 : CStringGetTextDatum(token);
	values[6] = Int32GetDatum(BaGetInt(claim->row, 8) + 1);
	values[7] = CStringGetTextDatum(text.format);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* --------------------------------------------------------------------- the functions */

static void
Note(BaQuery *query, const BaMailClaim *claim, int seconds)
{
	BaArgs args = {0};

	BaPutUuid(&args, &claim->message_id);
	if (seconds > 0)
		BaPutInt(&args, seconds);
	(void) BaQueryExec(query, &args);
}

/* Tells whether it went out. */
static bool
ClaimMessage(const BaRow *row, int lease, ReturnSetInfo *result)
{
	BaMailClaim claim = {.row = row};
	pg_uuid_t about_id;

	(void) BaGetUuid(row, 0, &claim.message_id);
	claim.kind = BaMailKindFind(BaGetText(row, 1), BaGetText(row, 2));
	claim.recipient = BaGetText(row, 3);
	if (claim.kind == NULL)
	{
		Note(&bury_message, &claim, 0);
		return false;
	}
	claim.has_about = BaGetUuid(row, 6, &about_id) && BaUserLoad(&about_id, &claim.about);
	switch (Judge(&claim))
	{
		case SEND:
			break;
		case CANCEL:
			Note(&cancel_message, &claim, 0);
			return false;
		case BURY:
			Note(&bury_message, &claim, 0);
			return false;
		case BUSY:
			Note(&postpone_message, &claim, WAIT_BUSY);
			return false;
		case FLOODED:
			Note(&postpone_message, &claim, WAIT_LIMIT);
			return false;
	}
	if (!BaCompanyLoad(claim.has_registration ? &claim.registration.company_id :
					   claim.has_user         ? &claim.user.company_id :
												&claim.signup.company_id,
					   &claim.company))
		elog(ERROR, "the company of a message is gone");
	Send(&claim, lease, result);
	return true;
}

/* Whole seconds of an interval without months. */
static int
LeaseSeconds(FunctionCallInfo fcinfo)
{
	Interval *lease;
	int64 seconds;

	if (PG_ARGISNULL(1))
		return 300;
	lease = PG_GETARG_INTERVAL_P(1);
	seconds = lease->month != 0 || abs(lease->day) > 1 ?
				  0 :
				  lease->day * (int64) SECS_PER_DAY + lease->time / USECS_PER_SEC;
	if (seconds < 1 || seconds > SECS_PER_DAY)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("lease is out of range"),
						errdetail("It must be from 1 second to 1 day.")));
	return seconds;
}

/* Tokens are not to be written to a temporary file, however little work_mem there is. */
static void
KeepInMemory(ReturnSetInfo *result)
{
	MemoryContext old = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);

	tuplestore_end(result->setResult);
	result->setResult =
		tuplestore_begin_heap((result->allowedModes & SFRM_Materialize_Random) != 0,
							  false, BATCH_KILOBYTES);
	MemoryContextSwitchTo(old);
}

/*
 * What is called off or put off makes room for others: until there are so many, or
 * enough was looked at for one call.
 */
static int
ClaimSome(BaQuery *query, int most, TimestampTz start, int lease, ReturnSetInfo *result)
{
	int sent = 0, looked = 0;
	List *due;

	if (most <= 0)
		return 0;
	do
	{
		BaArgs args = {0};
		ListCell *cell;

		BaPutInt(&args, most - sent);
		BaPut(&args, TIMESTAMPTZOID, TimestampTzGetDatum(start), false);
		due = BaQueryRows(query, &args);
		foreach (cell, due)
			sent += ClaimMessage(lfirst(cell), lease, result);
		CHECK_FOR_INTERRUPTS();
		looked += list_length(due);
	} while (due != NIL && sent < most && looked < most + MAX_PUT_OFF);
	return sent;
}

/*
 * Half of a batch for what is urgent at most, and a quarter for invites at least: nobody
 * can make so much of anything that nothing else goes.
 */
Datum
bestauth_claim_mail(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int32 batch;
	int lease, sent;
	TimestampTz start;

	(void) BaAccessCaller(fcinfo);
	batch = PG_ARGISNULL(0) ? 10 : PG_GETARG_INT32(0);
	if (batch < 1 || batch > 1000)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("batch %d is out of range", batch),
						errdetail("It must be from 1 to 1000.")));
	lease = LeaseSeconds(fcinfo);
	InitMaterializedSRF(fcinfo, 0);
	KeepInMemory(result);
	/* Of now: what is put off is not looked at again by this call. */
	start = GetCurrentTimestamp();
	sent = ClaimSome(&find_urgent, (batch + 1) / 2, start, lease, result);
	sent += ClaimSome(&find_due, batch - sent - batch / 4, start, lease, result);
	sent += ClaimSome(&find_invites, batch - sent, start, lease, result);
	(void) ClaimSome(&find_due, batch - sent, start, lease, result);
	return (Datum) 0;
}
