/*
 * invite.c
 *	  One-click invites: sending them, by the thousand if need be, sending one again,
 *	  and revoking it. invite_accept.c is what comes of them.
 *
 * All that is asked is asked before anything is written, and everything is written set
 * by set. No token is made here: the mailer's claim makes it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "args.h"
#include "bestauth.h"
#include "errors.h"
#include "outbox.h"
#include "query.h"
#include "registration.h"
#include "role.h"
#include "settings.h"
#include "username.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_send_registration_links);
PG_FUNCTION_INFO_V1(bestauth_send_registration_links_csv);
PG_FUNCTION_INFO_V1(bestauth_resend_registration_link);
PG_FUNCTION_INFO_V1(bestauth_revoke_registration_link);
PG_FUNCTION_INFO_V1(bestauth_expire_registrations);

/*
 * Two who invite the same address at once: the second replaces the first's. The order
 * is office, registration.
 */
static BaQuery lock_office = {
	.sql = "SELECT true FROM bestauth.office WHERE office_id = $1 FOR NO KEY UPDATE",
	.latest = true,
};

/* What is over is not mailed any more: called off at once, unless a mailer has it. */
static BaQuery replace_invites = {
	.sql =
		"WITH replaced AS (UPDATE bestauth.registration r SET status = 'INVALIDATED', reason = 'replaced', changed_by = NULL"
		" FROM unnest($3) AS e (email)"
		" WHERE r.office_id = $1 AND r.provider_id IS NOT DISTINCT FROM $2 AND r.status = 'EMAIL-INT'"
		" AND lower(r.email COLLATE \"C\") = lower(e.email COLLATE \"C\") RETURNING r.registration_id)"
		" UPDATE bestauth.outbox SET cancelled_at = clock_timestamp() WHERE message_id IN"
		" (SELECT o.message_id FROM bestauth.outbox o JOIN replaced r ON r.registration_id = o.registration_id"
		" WHERE o.sent_at IS NULL AND o.cancelled_at IS NULL AND o.dead_at IS NULL FOR UPDATE OF o SKIP LOCKED)",
	.latest = true,
};

static BaQuery call_off = {
	.sql =
		"UPDATE bestauth.outbox SET cancelled_at = clock_timestamp() WHERE message_id IN"
		" (SELECT message_id FROM bestauth.outbox WHERE registration_id = $1 AND sent_at IS NULL"
		" AND cancelled_at IS NULL AND dead_at IS NULL FOR UPDATE SKIP LOCKED)",
	.latest = true,
};

static BaQuery insert_invites = {
	.sql =
		"WITH made AS (INSERT INTO bestauth.registration (company_id, portal_id, office_id, provider_id, status, level,"
		" identifier, identifier_qualifier, npi, email, role, invited_by, invited_by_role, expires_at)"
		" SELECT $1, $2, $3, $4, 'EMAIL-INT', CASE WHEN $4 IS NULL THEN 'tin' ELSE 'individual' END,"
		" $5, $6, $7, e.email, $8, $9, $10, $12 FROM unnest($11) WITH ORDINALITY AS e (email, n) ORDER BY e.n"
		" RETURNING registration_id, email, company_id),"
		" mailed AS (INSERT INTO bestauth.outbox (kind, recipient, company_id, registration_id)"
		" SELECT 'registration_invite', email, company_id, registration_id FROM made)"
		" SELECT m.registration_id, m.email FROM made m"
		" JOIN unnest($11) WITH ORDINALITY AS e (email, n) ON e.email = m.email ORDER BY e.n",
	.latest = true,
};

static BaQuery expire_invites = {
	.sql =
		"UPDATE bestauth.registration SET status = 'INVALIDATED', reason = 'expired', changed_by = NULL"
		" WHERE registration_id IN (SELECT registration_id FROM bestauth.registration"
		" WHERE status = 'EMAIL-INT' AND expires_at <= clock_timestamp() FOR NO KEY UPDATE SKIP LOCKED)",
	.latest = true,
};

/* What is sent, to whom. */
typedef struct Invite
{
	BaCompany company;
	BaOffice office;
	bool has_provider;
	BaProvider provider;
	char *role;
	BaTextList emails;
	TimestampTz expires_at;
} Invite;

/* ---------------------------------------------------------------- addresses */

/* Each is right, and counts once, where it stands first. */
static void
CheckEmails(BaTextList *emails)
{
	static BaQuery find_different = {
		.sql =
			"SELECT array_agg(email ORDER BY n) FROM (SELECT DISTINCT ON (lower(email COLLATE \"C\")) email, n"
			" FROM unnest($1) WITH ORDINALITY AS e (email, n) ORDER BY lower(email COLLATE \"C\"), n) e",
	};
	BaArgs args = {0};
	BaRow row;
	int i;

	if (emails->count < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"emails\" must not be empty"), BaErrRule("PRV-1")));
	for (i = 0; i < emails->count; i++)
		BaEmailRequire(emails->items[i]);
	BaPutTexts(&args, emails->array);
	(void) BaQueryRow(&find_different, &args, &row);
	emails->array = row.values[0];
}

/* "a@x.example,b@x.example", as the page asks for them. */
static BaTextList
SplitEmails(FunctionCallInfo fcinfo)
{
	char *left = PG_ARGISNULL(0) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(0));
	BaTextList emails = {0};
	int count = *left != '\0';
	char *c;

	for (c = left; *c; c++)
		count += *c == ',';
	if (count > BA_MAX_LIST)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"emails\" has more than %d addresses", BA_MAX_LIST),
				 BaErrRule("PRV-1")));
	emails.items = palloc(sizeof(char *) * (count + 1));
	while (emails.count < count)
	{
		emails.items[emails.count++] = left;
		left += strcspn(left, ",");
		if (*left == ',')
			*left++ = '\0';
	}
	emails.array = BaTextArray(emails.items, emails.count);
	return emails;
}

/* ------------------------------------------------------------------ sending */

static Jsonb *
DetailOf(const Invite *invite, const char *email)
{
	BaJson detail;

	BaJsonStart(&detail);
	BaJsonText(&detail, "email", email);
	BaJsonText(&detail, "role", invite->role);
	BaJsonText(&detail, "office", invite->office.identifier);
	if (invite->has_provider)
		BaJsonText(&detail, "npi", invite->provider.npi);
	return BaJsonFinish(&detail);
}

static void
AuditInvites(const Invite *invite, List *rows)
{
	BaAuditBatch *batch = NULL;
	ListCell *cell;

	foreach (cell, rows)
	{
		pg_uuid_t id;
		BaAudit audit;

		(void) BaGetUuid(lfirst(cell), 0, &id);
		BaRegistrationAudit(&audit, "registration.invited", &invite->company, &id);
		audit.detail = DetailOf(invite, BaGetText(lfirst(cell), 1));
		if (batch == NULL)
			batch = BaAuditBatchStart(&audit);
		BaAuditBatchAdd(batch, &audit);
	}
	if (batch != NULL)
		BaAuditBatchFinish(batch);
}

/* Before any of its invites: the order is office, registration, user, role, token. */
static void
LockOffice(const pg_uuid_t *office_id)
{
	BaArgs args = {0};

	BaPutUuid(&args, office_id);
	(void) BaQueryExec(&lock_office, &args);
}

/* Writes them down, in the place of open ones of the same addresses. */
static List *
Send(const BaCaller *caller, Invite *invite)
{
	const BaIdentity *identity = caller->identity;
	const pg_uuid_t *provider_id =
		invite->has_provider ? &invite->provider.provider_id : NULL;
	BaArgs args = {0};
	List *rows;

	LockOffice(&invite->office.office_id);
	BaPutUuid(&args, &invite->office.office_id);
	BaPutUuid(&args, provider_id);
	BaPutTexts(&args, invite->emails.array);
	(void) BaQueryExec(&replace_invites, &args);
	invite->expires_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
													 BaInviteLifetime * INT64CONST(1000));
	memset(&args, 0, sizeof(args));
	BaPutUuid(&args, &invite->office.company_id);
	BaPutUuid(&args, &invite->office.portal_id);
	BaPutUuid(&args, &invite->office.office_id);
	BaPutUuid(&args, provider_id);
	BaPutText(&args, invite->office.identifier);
	BaPutText(&args, invite->office.qualifier);
	BaPutText(&args, invite->has_provider ? invite->provider.npi : NULL);
	BaPutText(&args, invite->role);
	BaPutUuid(&args, identity ? &identity->user_id : NULL);
	BaPutText(&args, identity ? NULL : GetUserNameFromId(GetUserId(), false));
	BaPutTexts(&args, invite->emails.array);
	BaPut(&args, TIMESTAMPTZOID, TimestampTzGetDatum(invite->expires_at), false);
	rows = BaQueryRows(&insert_invites, &args);
	BaOutboxNotify();
	AuditInvites(invite, rows);
	return rows;
}

/* An open invite that is not to be accepted any more. */
static void
End(const BaRegistration *invite, const char *reason)
{
	BaRegistrationMove move = {.to = BA_INVALIDATED, .reason = reason};
	BaArgs args = {0};

	BaRegistrationChange(invite, &move);
	BaPutUuid(&args, &invite->registration_id);
	(void) BaQueryExec(&call_off, &args);
}

static void
LoadCompany(Invite *invite)
{
	if (!BaCompanyLoad(&invite->office.company_id, &invite->company))
		elog(ERROR, "the office's company is gone");
}

/* Everything but the addresses: who may invite where, and to what. */
static void
TakeInvite(const BaCaller *caller, FunctionCallInfo fcinfo, Invite *invite)
{
	char *code = BaArgTextOrNull(fcinfo, 4, "company", BA_MAX_CODE);

	BaOfficeActed(caller, fcinfo, 2, &invite->office);
	LoadCompany(invite);
	BaCompanyRequireSame(caller, code, &invite->company);
	invite->has_provider =
		BaProviderActed(caller, fcinfo, 3, &invite->office, &invite->provider);
	invite->role =
		BaRoleRequireGivable(caller, &invite->company, BaArgName(fcinfo, 1, "role"));
}

static Datum
SendLinks(const BaCaller *caller, FunctionCallInfo fcinfo, BaTextList emails)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Invite invite = {.emails = emails};
	ListCell *cell;

	CheckEmails(&invite.emails);
	TakeInvite(caller, fcinfo, &invite);
	InitMaterializedSRF(fcinfo, 0);
	foreach (cell, Send(caller, &invite))
	{
		BaRow *row = lfirst(cell);
		Datum values[3] = {row->values[1], row->values[0],
						   TimestampTzGetDatum(invite.expires_at)};
		bool nulls[3] = {0};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

Datum
bestauth_send_registration_links(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);

	return SendLinks(&caller, fcinfo, BaArgTextsRaw(fcinfo, 0, "emails"));
}

Datum
bestauth_send_registration_links_csv(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);

	return SendLinks(&caller, fcinfo, SplitEmails(fcinfo));
}

/* ---------------------------------------------------------------- once more */

/* Was it an invite, and is there something left to send again? */
static void
RequireResendable(const BaRegistration *old)
{
	bool invite = old->has_inviter || old->invited_by_role != NULL;

	if (!invite ||
		(old->reason != NULL && strcmp(old->reason, BA_REASON_REPLACED) == 0) ||
		(strcmp(old->status, BA_EMAIL_INT) != 0 &&
		 strcmp(old->status, BA_INVALIDATED) != 0))
		BaRegistrationRefuse(old);
}

/* What whoever sends it now may do counts, not what the inviter of then might. */
static void
RenewInvite(const BaCaller *caller, const BaRegistration *old, Invite *invite)
{
	if (!BaOfficeLoad(&old->office_id, &invite->office))
		elog(ERROR, "the office of an invite is gone");
	LoadCompany(invite);
	invite->has_provider = old->has_provider;
	if (old->has_provider && !BaProviderLoad(&old->provider_id, &invite->provider))
		elog(ERROR, "the provider of an invite is gone");
	invite->role = BaRoleRequireGivable(caller, &invite->company, old->role);
	invite->emails.array = BaTextArray((char **) &old->email, 1);
}

Datum
bestauth_resend_registration_link(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	BaRegistration old;
	Invite invite = {0};
	TupleDesc tupdesc;
	BaRow *row;
	Datum values[3];
	bool nulls[3] = {0};

	BaRegistrationActed(&caller, fcinfo, false, &old);
	RequireResendable(&old);
	LockOffice(&old.office_id);
	if (!BaRegistrationLock(&old.registration_id, &old))
		elog(ERROR, "the invite is gone");
	RequireResendable(&old);
	RenewInvite(&caller, &old, &invite);
	if (strcmp(old.status, BA_EMAIL_INT) == 0)
		End(&old, BA_REASON_REPLACED);
	row = linitial(Send(&caller, &invite));
	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = row->values[1];
	values[1] = row->values[0];
	values[2] = TimestampTzGetDatum(invite.expires_at);
	PG_RETURN_DATUM(
		HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)));
}

Datum
bestauth_revoke_registration_link(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	BaRegistration registration;
	BaCompany company;
	BaAudit audit;

	BaRegistrationActed(&caller, fcinfo, true, &registration);
	if (strcmp(registration.status, BA_EMAIL_INT) != 0)
		BaRegistrationRefuse(&registration);
	End(&registration, BA_REASON_REVOKED);
	if (!BaCompanyLoad(&registration.company_id, &company))
		elog(ERROR, "the registration's company is gone");
	BaRegistrationAudit(&audit, "registration.revoked", &company,
						&registration.registration_id);
	BaAuditWrite(&audit);
	PG_RETURN_VOID();
}

Datum
bestauth_expire_registrations(PG_FUNCTION_ARGS)
{
	BaArgs none = {0};
	BaAudit audit;
	BaJson detail;
	int64 count;

	(void) BaAccessCaller(fcinfo);
	count = BaQueryExec(&expire_invites, &none);
	BaAuditStart(&audit, "registrations.expired");
	BaJsonStart(&detail);
	BaJsonDatum(&detail, "count", Int64GetDatum(count), false, INT8OID);
	audit.detail = BaJsonFinish(&detail);
	if (count > 0)
		BaAuditWrite(&audit);
	PG_RETURN_INT64(count);
}
