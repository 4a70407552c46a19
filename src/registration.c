/*
 * registration.c
 *	  Invites and requests of an office's future users: finding them, moving them
 *	  from one state to the next, and the rules of their rows.
 *
 * A row changes with its status and at no other time, and its status changes as
 * registration_state.c says, whoever writes. Each change adds to the row's own history.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "bestauth.h"
#include "context.h"
#include "errors.h"
#include "query.h"
#include "registration.h"
#include "username.h"
#include "uuid.h"

#define REGISTRATION_SELECT \
	"SELECT registration_id, company_id, portal_id, office_id, provider_id, status, level, identifier," \
	" identifier_qualifier, npi, email, role, username, first_name, middle_name, last_name, title, phone," \
	" invited_by, invited_by_role, expires_at, reason FROM bestauth.registration" \
	" WHERE registration_id = $1"

static BaQuery load_registration = {
	.sql = REGISTRATION_SELECT,
	.latest = true,
};

static BaQuery lock_registration = {
	.sql = REGISTRATION_SELECT " FOR NO KEY UPDATE",
	.latest = true,
};

static BaQuery try_lock_registration = {
	.sql = REGISTRATION_SELECT " FOR NO KEY UPDATE SKIP LOCKED",
	.latest = true,
};

static BaQuery change_registration = {
	.sql =
		"UPDATE bestauth.registration SET status = $2, reason = $3, user_id = $4, granted_role = $5,"
		" office_id = coalesce(office_id, $6), provider_id = coalesce(provider_id, $7), changed_by = $8,"
		" username = coalesce(username, $9), first_name = coalesce(first_name, $10),"
		" middle_name = coalesce(middle_name, $11), last_name = coalesce(last_name, $12),"
		" title = coalesce(title, $13), phone = coalesce(phone, $14) WHERE registration_id = $1",
	.latest = true,
};

/* ------------------------------------------------------------------ finding */

static bool
Found(BaQuery *query, const pg_uuid_t *id, BaRegistration *registration)
{
	char **const texts[] = {&registration->status,     &registration->level,
							&registration->identifier, &registration->qualifier,
							&registration->npi,        &registration->email,
							&registration->role,       &registration->username,
							&registration->first_name, &registration->middle_name,
							&registration->last_name,  &registration->title,
							&registration->phone};
	BaArgs args = {0};
	BaRow row;
	int i;

	BaPutUuid(&args, id);
	if (!BaQueryRow(query, &args, &row))
		return false;
	(void) BaGetUuid(&row, 0, &registration->registration_id);
	(void) BaGetUuid(&row, 1, &registration->company_id);
	(void) BaGetUuid(&row, 2, &registration->portal_id);
	registration->has_office = BaGetUuid(&row, 3, &registration->office_id);
	registration->has_provider = BaGetUuid(&row, 4, &registration->provider_id);
	for (i = 0; i < lengthof(texts); i++)
		*texts[i] = BaGetText(&row, 5 + i);
	registration->has_inviter = BaGetUuid(&row, 18, &registration->invited_by);
	registration->invited_by_role = BaGetText(&row, 19);
	registration->expires_at = BaGetTime(&row, 20);
	registration->reason = BaGetText(&row, 21);
	return true;
}

bool
BaRegistrationLoad(const pg_uuid_t *id, BaRegistration *registration)
{
	return Found(&load_registration, id, registration);
}

/* The order is office, registration, user, role, token, credential. */
bool
BaRegistrationLock(const pg_uuid_t *id, BaRegistration *registration)
{
	return Found(&lock_registration, id, registration);
}

/* The same without waiting; false where somebody else has it. */
bool
BaRegistrationTryLock(const pg_uuid_t *id, BaRegistration *registration)
{
	return Found(&try_lock_registration, id, registration);
}

/* TIN level: all of the office; individual level: the own provider's. */
static bool
IsInReach(const BaCaller *caller, const BaRegistration *registration)
{
	const BaIdentity *identity = caller->identity;

	if (identity == NULL)
		return true;
	return registration->has_office &&
		   BaUuidEqual(&registration->office_id, &identity->office_id) &&
		   (!identity->has_provider ||
			(registration->has_provider &&
			 BaUuidEqual(&registration->provider_id, &identity->provider_id)));
}

/*
 * The registration that the first argument names. In a session one out of reach and one
 * that is not there give the same answer.
 */
void
BaRegistrationActed(const BaCaller *caller, FunctionCallInfo fcinfo, bool lock,
					BaRegistration *registration)
{
	pg_uuid_t *id;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"registration_id\" must not be null")));
	id = PG_GETARG_UUID_P(0);
	/* Nobody locks what is out of their reach. */
	if (BaRegistrationLoad(id, registration) && IsInReach(caller, registration) &&
		(!lock || BaRegistrationLock(id, registration)))
		return;
	if (caller->identity != NULL)
		BaAccessRefuse(caller, "H-01",
					   "There is no such registration in the session's office, or of"
					   " its provider.");
	ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
					errmsg("registration %s does not exist", BaUuidText(id))));
}

/* Is the user name that of a user, or of a request that waits? */
bool
BaRegistrationTakesName(const BaPortal *portal, const char *username)
{
	static BaQuery find_waiting = {
		.sql = "SELECT true FROM bestauth.registration WHERE portal_id = $1"
			   " AND lower(username COLLATE \"C\") = lower($2 COLLATE \"C\")"
			   " AND status IN ('PENDING-PROV-ADMIN-REVIEW', 'PENDING-ADMIN-REVIEW')",
		.latest = true,
	};
	BaArgs args = {0};
	BaRow row;
	BaUser user;

	BaPutUuid(&args, &portal->portal_id);
	BaPutText(&args, username);
	return BaQueryRow(&find_waiting, &args, &row) ||
		   BaUserFind(&portal->company_id, &portal->portal_id, username, &user);
}

/* ----------------------------------------------------------------- changing */

/* The row is locked, and what is asked of the caller was asked. */
void
BaRegistrationChange(const BaRegistration *registration, const BaRegistrationMove *move)
{
	BaArgs args = {0};

	BaPutUuid(&args, &registration->registration_id);
	BaPutText(&args, move->to);
	BaPutText(&args, move->reason);
	BaPutUuid(&args, move->user_id);
	BaPutText(&args, move->granted_role);
	BaPutUuid(&args, move->office_id);
	BaPutUuid(&args, move->provider_id);
	BaPutText(&args, move->changed_by);
	BaPutText(&args, move->user ? move->user->username : NULL);
	BaPutText(&args, move->user ? move->user->first_name : NULL);
	BaPutText(&args, move->middle_name);
	BaPutText(&args, move->user ? move->user->last_name : NULL);
	BaPutText(&args, move->title);
	BaPutText(&args, move->phone);
	if (BaQueryExec(&change_registration, &args) != 1)
		elog(ERROR, "registration to be changed is gone");
}

/* It is not in a state in which this can be done. */
void
BaRegistrationRefuse(const BaRegistration *registration)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("registration %s is %s", BaUuidText(&registration->registration_id),
					registration->status),
			 errdetail("bestauth.registration_transitions() lists what can be"
					   " done in which status."),
			 BaErrRule("PRV-10")));
}

void
BaRegistrationAudit(BaAudit *audit, const char *action, const BaCompany *company,
					const pg_uuid_t *id)
{
	BaCompanyAudit(audit, action, company);
	audit->object_type = "registration";
	audit->object_id = BaUuidText(id);
}

/* --------------------------------------------------------- the chosen password */

/* Kept apart, like those of users, until the request is decided. */
void
BaRegistrationPasswordPut(const pg_uuid_t *id, const BaPasswordHash *hash)
{
	static BaQuery put_password = {
		.sql =
			"INSERT INTO bestauth.registration_credential (registration_id, password_hash,"
			" pepper_id) VALUES ($1, $2, $3)",
	};
	BaArgs args = {0};

	BaPutUuid(&args, id);
	BaPutText(&args, hash->hash);
	BaPutText(&args, hash->pepper_id);
	(void) BaQueryExec(&put_password, &args);
}

/* Takes it out of there for good; false if there is none. */
bool
BaRegistrationPasswordTake(const pg_uuid_t *id, BaPasswordHash *hash)
{
	static BaQuery take_password = {
		.sql = "DELETE FROM bestauth.registration_credential WHERE registration_id = $1"
			   " RETURNING password_hash, pepper_id",
		.latest = true,
	};
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, id);
	if (!BaQueryRow(&take_password, &args, &row))
		return false;
	hash->hash = BaGetText(&row, 0);
	hash->pepper_id = BaGetText(&row, 1);
	return true;
}

/* -------------------------------------------------------------------- rules */

static void
RefuseRow(const char *message, const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION), errmsg("%s", message),
					errdetail("%s", detail), BaErrRule("PRV-10")));
}

/* What comes with a change of status; nothing changes otherwise. */
static const struct
{
	const char *column;
	bool once; /* what was not known may be found, and then stays */
} moving[] = {
	{"status", false},      {"reason", false},     {"user_id", true},
	{"granted_role", true}, {"changed_by", false}, {"changed_at", false},
	{"history", false},     {"office_id", true},   {"provider_id", true},
	{"username", true},     {"first_name", true},  {"middle_name", true},
	{"last_name", true},    {"title", true},       {"phone", true},
};

static bool
MayMove(const BaRowEvent *event, const char *column)
{
	bool was_null;
	int i;

	for (i = 0; i < lengthof(moving); i++)
		if (strcmp(moving[i].column, column) == 0)
		{
			(void) BaColumn(event, false, column, &was_null);
			return !moving[i].once || was_null;
		}
	return false;
}

static void
RequireSame(const BaRowEvent *event, bool status_changes)
{
	int i;

	for (i = 0; i < event->tupdesc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(event->tupdesc, i);

		if (!att->attisdropped &&
			!(status_changes && MayMove(event, NameStr(att->attname))))
			BaColumnRequireSame(event, NameStr(att->attname), "PRV-10");
	}
}

/* Functions saw to it; whoever writes a row by hand may be wrong. */
static void
CheckRelations(const BaRowEvent *event)
{
	static BaQuery is_whole = {
		.sql =
			"SELECT ($3 IS NULL OR EXISTS (SELECT FROM bestauth.office o WHERE o.office_id = $3 AND o.portal_id = $2))"
			" AND ($4 IS NULL OR EXISTS (SELECT FROM bestauth.provider v WHERE v.provider_id = $4 AND v.office_id = $3))"
			" AND EXISTS (SELECT FROM bestauth.portal p WHERE p.portal_id = $2 AND p.company_id = $1 AND p.kind = 'provider')",
		.latest = true,
	};
	static const char *const columns[] = {"company_id", "portal_id", "office_id",
										  "provider_id"};
	pg_uuid_t ids[lengthof(columns)];
	BaArgs args = {0};
	BaRow row;
	int i;

	for (i = 0; i < lengthof(columns); i++)
		BaPutUuid(&args, BaColumnUuid(event, columns[i], &ids[i]) ? &ids[i] : NULL);
	if (!BaQueryRow(&is_whole, &args, &row) || !BaGetBool(&row, 0))
		RefuseRow("registration does not fit its portal, office or provider",
				  "They are of one another, and of the same company.");
}

static void
CheckReason(const BaRowEvent *event, const char *status)
{
	static BaQuery find_reason = {
		.sql = "SELECT true FROM bestauth.decline_reason WHERE reason = $1",
		.latest = true,
	};
	char *reason = BaColumnText(event, "reason");
	BaArgs args = {0};
	BaRow row;

	if (strcmp(status, BA_DECLINED) != 0)
		return;
	BaPutText(&args, reason);
	if (reason == NULL || !BaQueryRow(&find_reason, &args, &row))
		RefuseRow("registration is declined without a reason",
				  "The table bestauth.decline_reason has the reasons.");
}

/* The account that came of it is of the office, and sees what was offered or asked for. */
static void
CheckAccount(const BaRowEvent *event)
{
	static BaQuery find_account = {
		.sql =
			"SELECT true FROM bestauth.user_account WHERE user_id = $1 AND portal_id = $2 AND office_id = $3"
			" AND provider_id IS NOT DISTINCT FROM $4",
		.latest = true,
	};
	static const char *const columns[] = {"user_id", "portal_id", "office_id",
										  "provider_id"};
	BaArgs args = {0};
	BaRow row;
	int i;

	if (BaColumnIsNull(event, "user_id"))
		return;
	for (i = 0; i < lengthof(columns); i++)
	{
		bool isnull;
		Datum value = BaColumn(event, true, columns[i], &isnull);

		BaPut(&args, UUIDOID, value, isnull);
	}
	if (!BaQueryRow(&find_account, &args, &row))
		RefuseRow("account of a registration is not one of its office and level",
				  "It is what the registration led to.");
}

/* Who did it: a session's person, who has a link or form, or the database role. */
static const char *
Actor(const BaRowEvent *event)
{
	const BaIdentity *identity = BaContextIdentity();
	char *given = BaColumnText(event, "changed_by");

	if (identity != NULL)
		return identity->person;
	/* Only functions of ours say who it is: not who took the owner's role. */
	if (given != NULL && GetUserId() == BaOwnerId() && InLocalUserIdChange())
		return given;
	return GetUserNameFromId(GetSessionUserId(), true);
}

/* What a row went through, one object for each state. */
static void
AppendHistory(BaRowEvent *event, const char *from, const char *to)
{
	TimestampTz now = GetCurrentTimestamp();
	const char *actor = Actor(event);
	Jsonb *entry;
	BaJson json;
	bool isnull = true;
	Datum history = (Datum) 0;

	BaJsonStart(&json);
	BaJsonText(&json, "from", from);
	BaJsonText(&json, "to", to);
	BaJsonDatum(&json, "at", TimestampTzGetDatum(now), false, TIMESTAMPTZOID);
	BaJsonText(&json, "by", actor);
	BaJsonText(&json, "reason", BaColumnText(event, "reason"));
	entry = BaJsonFinish(&json);
	if (event->old_row != NULL)
		history = BaColumn(event, false, "history", &isnull);
	if (isnull)
		history = DirectFunctionCall1(jsonb_in, CStringGetDatum("[]"));
	/* Joined as the operator || joins an array and an object. */
	BaColumnSet(event, "history",
				DirectFunctionCall2(jsonb_concat, history, JsonbPGetDatum(entry)));
	BaColumnSet(event, "changed_at", TimestampTzGetDatum(now));
	if (actor != NULL)
		BaColumnSet(event, "changed_by", CStringGetTextDatum(actor));
}

static void
CheckTexts(const BaRowEvent *event)
{
	static const char *const clean[] = {"first_name", "middle_name", "last_name",
										"title",      "phone",       "role"};
	char *email = BaColumnText(event, "email");
	char *username = BaColumnText(event, "username");
	int i;

	for (i = 0; i < lengthof(clean); i++)
		BaColumnRequireClean(event, clean[i]);
	if (email != NULL)
		BaEmailRequire(email);
	if (username != NULL)
		BaUsernameRequire(username);
}

void
BaRegistrationRule(BaRowEvent *event, bool restoring)
{
	char *to = BaColumnRequireText(event, "status");
	char *from = NULL;
	bool isnull;

	if (restoring)
		return;
	if (event->old_row != NULL)
		from = TextDatumGetCString(BaColumn(event, false, "status", &isnull));
	CheckTexts(event);
	if (from != NULL && strcmp(from, to) == 0)
	{
		RequireSame(event, false);
		return;
	}
	if (!BaRegistrationMayGo(from, to))
		RefuseRow(from ? psprintf("registration cannot go from %s to %s", from, to) :
						 psprintf("registration cannot begin as %s", to),
				  "bestauth.registration_transitions() lists what can be.");
	if (from != NULL)
		RequireSame(event, true);
	if (GetUserId() != BaOwnerId())
		CheckRelations(event);
	CheckReason(event, to);
	CheckAccount(event);
	AppendHistory(event, from, to);
}
