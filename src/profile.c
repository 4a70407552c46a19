/*
 * profile.c
 *	  Editing a user: the keys of a change one by one, and a new e-mail address, which
 *	  counts once it is confirmed from where it leads.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "args.h"
#include "bestauth.h"
#include "errors.h"
#include "fold.h"
#include "instance.h"
#include "outbox.h"
#include "provider.h"
#include "query.h"
#include "role.h"
#include "session.h"
#include "token.h"
#include "username.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_update_user);
PG_FUNCTION_INFO_V1(bestauth_confirm_email_change);

typedef enum FieldKind
{
	FIELD_NAME,
	FIELD_EMAIL,
	FIELD_OFFICE,
	FIELD_ROLES,
	FIELD_PREFERENCES
} FieldKind;

/* Every key there is; the names come first, in the order of the query's arguments. */
static const struct
{
	const char *key;
	FieldKind kind;
} fields[] = {
	{"first_name", FIELD_NAME},
	{"middle_name", FIELD_NAME},
	{"last_name", FIELD_NAME},
	{"title", FIELD_NAME},
	{"phone", FIELD_NAME},
	{"mobile_phone", FIELD_NAME},
	{"mobile_carrier", FIELD_NAME},
	{"email", FIELD_EMAIL},
	{"office_id", FIELD_OFFICE},
	{"roles", FIELD_ROLES},
	{"notification_preferences", FIELD_PREFERENCES},
};

#define FIELD_COUNT lengthof(fields)
#define NAME_COUNT 7
#define EMAIL NAME_COUNT
#define OFFICE (EMAIL + 1)

/* What is to be changed, taken from the argument. */
typedef struct Changes
{
	bool has[FIELD_COUNT];
	char *texts[NAME_COUNT + 1]; /* NULL for a JSON null */
	bool has_office;             /* false for a JSON null too */
	pg_uuid_t office_id;
	BaTextList roles;
	Jsonb *preferences;
	char *keys[FIELD_COUNT]; /* those given, for the audit */
	int key_count;
} Changes;

static BaQuery update_names = {
	.sql = "UPDATE bestauth.user_account SET"
		   " first_name = CASE WHEN $2 THEN $3 ELSE first_name END,"
		   " middle_name = CASE WHEN $4 THEN $5 ELSE middle_name END,"
		   " last_name = CASE WHEN $6 THEN $7 ELSE last_name END,"
		   " title = CASE WHEN $8 THEN $9 ELSE title END,"
		   " phone = CASE WHEN $10 THEN $11 ELSE phone END,"
		   " mobile_phone = CASE WHEN $12 THEN $13 ELSE mobile_phone END,"
		   " mobile_carrier = CASE WHEN $14 THEN $15 ELSE mobile_carrier END,"
		   " notification_preferences = coalesce($16, notification_preferences)"
		   " WHERE user_id = $1",
	.latest = true,
};

static BaQuery set_pending_email = {
	.sql = "UPDATE bestauth.user_account SET pending_email = $2, pending_email_by = $3"
		   " WHERE user_id = $1",
	.latest = true,
};

static BaQuery remove_email = {
	.sql =
		"UPDATE bestauth.user_account SET email = NULL, pending_email = NULL, pending_email_by = NULL WHERE user_id = $1",
	.latest = true,
};

/* Whom the account was made for stays behind: the record is the old office's. */
static BaQuery move_user = {
	.sql =
		"UPDATE bestauth.user_account SET office_id = $2, provider_id = $3, employee_id = NULL WHERE user_id = $1",
	.latest = true,
};

static BaQuery confirm_email = {
	.sql =
		"UPDATE bestauth.user_account SET email = pending_email, pending_email = NULL, pending_email_by = NULL"
		" WHERE user_id = $1 AND pending_email IS NOT NULL",
	.latest = true,
};

static BaQuery find_requester = {
	.sql = "SELECT pending_email_by FROM bestauth.user_account WHERE user_id = $1",
	.latest = true,
};

static BaQuery find_revision = {
	.sql = "SELECT revision FROM bestauth.user_account WHERE user_id = $1",
	.latest = true,
};

static BaQuery list_roles = {
	.sql = "SELECT r.name, lower(r.name COLLATE \"C\") = ANY"
		   " (SELECT lower(n COLLATE \"C\") FROM unnest($2) AS n)"
		   " FROM bestauth.user_role ur JOIN bestauth.role r ON r.role_id = ur.role_id"
		   " WHERE ur.user_id = $1 ORDER BY r.role_id",
	.latest = true,
};

/* --------------------------------------------------------------- taking it apart */

static void
RefuseKey(const char *key, const char *what)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("key \"%s\" of argument \"changes\" %s", key, what),
					BaErrRule("PRV-15")));
}

static int
FindField(const char *key)
{
	StringInfoData known;
	int i;

	for (i = 0; i < FIELD_COUNT; i++)
		if (strcmp(fields[i].key, key) == 0)
			return i;
	if (strcmp(key, "username") == 0)
		RefuseKey(key, "cannot be changed: a user name stays");
	initStringInfo(&known);
	for (i = 0; i < FIELD_COUNT; i++)
		appendStringInfo(&known, "%s%s", i == 0 ? "" : ", ", fields[i].key);
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("key \"%s\" of argument \"changes\" is not known", key),
					errhint("The keys are %s.", known.data), BaErrRule("PRV-15")));
	return 0;
}

static char *
StringOf(const char *key, const JsonbValue *value, int max_characters)
{
	char *text;

	if (value->type == jbvNull)
		return NULL;
	if (value->type != jbvString)
		RefuseKey(key, "must be a string or null");
	text = pnstrdup(value->val.string.val, value->val.string.len);
	if (pg_mbstrlen(text) > max_characters)
		RefuseKey(key, psprintf("has more than %d characters", max_characters));
	if (BaTextControl(text) != NULL)
		RefuseKey(key, "must not contain control characters");
	text = BaTextTrim(text);
	return *text ? text : NULL;
}

static void
TakeOffice(const JsonbValue *value, Changes *changes)
{
	char *text = StringOf("office_id", value, BA_MAX_CODE);

	changes->has_office = text != NULL;
	if (text != NULL && !BaUuidParse(text, &changes->office_id))
		RefuseKey("office_id", "must be a UUID or null");
}

static void
TakeRoles(const JsonbValue *value, Changes *changes)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue item;
	int count;

	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		RefuseKey("roles", "must be an array of strings");
	count = JsonContainerSize(value->val.binary.data);
	if (count > BA_MAX_LIST)
		RefuseKey("roles", "has too many elements");
	changes->roles.items = palloc(sizeof(char *) * (count + 1));
	changes->roles.count = 0;
	it = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &item, true)) != WJB_DONE)
	{
		char *name;

		if (token != WJB_ELEM)
			continue;
		if (item.type != jbvString ||
			(name = StringOf("roles", &item, BA_MAX_NAME)) == NULL)
			RefuseKey("roles", "must be an array of strings");
		else
			changes->roles.items[changes->roles.count++] = name;
	}
	BaTextListSort(&changes->roles);
}

/* An object of yes and no: what the user wants to be told, and how. */
static void
TakePreferences(const JsonbValue *value, Changes *changes)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue item;

	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data) ||
		JsonContainerSize(value->val.binary.data) > 100)
		RefuseKey("notification_preferences", "must be an object of booleans");
	it = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &item, true)) != WJB_DONE)
		if ((token == WJB_VALUE && item.type != jbvBool) ||
			(token == WJB_KEY && item.val.string.len > BA_MAX_CODE))
			RefuseKey("notification_preferences", "must be an object of booleans");
	changes->preferences = JsonbValueToJsonb((JsonbValue *) value);
}

static void
TakeField(int field, const JsonbValue *value, Changes *changes)
{
	const char *key = fields[field].key;

	changes->has[field] = true;
	changes->keys[changes->key_count++] = pstrdup(key);
	switch (fields[field].kind)
	{
		case FIELD_NAME:
			changes->texts[field] = StringOf(key, value, BA_MAX_NAME);
			break;
		case FIELD_EMAIL:
			changes->texts[EMAIL] = StringOf(key, value, BA_MAX_EMAIL);
			if (changes->texts[EMAIL] != NULL)
				BaEmailRequire(changes->texts[EMAIL]);
			break;
		case FIELD_OFFICE:
			TakeOffice(value, changes);
			break;
		case FIELD_ROLES:
			TakeRoles(value, changes);
			break;
		case FIELD_PREFERENCES:
			TakePreferences(value, changes);
			break;
	}
}

static void
TakeChanges(FunctionCallInfo fcinfo, Changes *changes)
{
	Jsonb *argument = PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1);
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue item;

	memset(changes, 0, sizeof(*changes));
	if (argument == NULL || !JB_ROOT_IS_OBJECT(argument))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"changes\" must be an object"), BaErrRule("PRV-15")));
	it = JsonbIteratorInit(&argument->root);
	while ((token = JsonbIteratorNext(&it, &item, true)) != WJB_DONE)
	{
		int field;

		if (token != WJB_KEY)
			continue;
		field = FindField(pnstrdup(item.val.string.val,
								   pg_mbcliplen(item.val.string.val, item.val.string.len,
												BA_MAX_CODE)));
		(void) JsonbIteratorNext(&it, &item, true);
		TakeField(field, &item, changes);
	}
}

/* --------------------------------------------------------------------- changing */

static void
SetNames(const BaUser *user, const Changes *changes)
{
	BaArgs args = {0};
	int i;

	BaPutUuid(&args, &user->user_id);
	for (i = 0; i < NAME_COUNT; i++)
	{
		Assert(fields[i].kind == FIELD_NAME);
		BaPutBool(&args, changes->has[i]);
		BaPutText(&args, changes->texts[i]);
	}
	BaPut(&args, JSONBOID, JsonbPGetDatum(changes->preferences),
		  changes->preferences == NULL);
	(void) BaQueryExec(&update_names, &args);
}

/* The old address is told at once; the new one counts when it is confirmed. */
static void
SetEmail(const BaCaller *caller, const BaUser *user, const char *email)
{
	bool same = email != NULL && user->email != NULL && strcmp(email, user->email) == 0;
	BaArgs args = {0};

	BaPutUuid(&args, &user->user_id);
	if (email == NULL)
	{
		(void) BaQueryExec(&remove_email, &args);
		return;
	}
	BaPutText(&args, same ? NULL : email);
	BaPutUuid(&args, !same && caller->identity ? &caller->identity->user_id : NULL);
	(void) BaQueryExec(&set_pending_email, &args);
	if (same)
		return;
	BaOutboxPutTo(BA_MAIL_EMAIL_CHANGE, user, email);
	BaOutboxNotice(BA_NOTICE_EMAIL, user);
}

static void
RefuseOffice(const char *message, const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION), errmsg("%s", message),
					errdetail("%s", detail), BaErrRule("PRV-12")));
}

/* At individual level the account goes to the same provider in the other office. */
static void
MoveUser(const BaUser *user, const BaOffice *office)
{
	BaProvider old_provider, provider;
	BaArgs args = {0};

	if (user->has_provider)
	{
		if (!BaProviderLoad(&user->provider_id, &old_provider))
			elog(ERROR, "the user's provider is gone");
		if (!BaProviderFind(office, old_provider.npi, &provider))
			RefuseOffice(psprintf("provider with NPI \"%s\" is not in office \"%s\"",
								  old_provider.npi, office->identifier),
						 "An account at individual level moves with its provider.");
	}
	BaPutUuid(&args, &user->user_id);
	BaPutUuid(&args, &office->office_id);
	BaPutUuid(&args, user->has_provider ? &provider.provider_id : NULL);
	(void) BaQueryExec(&move_user, &args);
	BaOutboxNotice(BA_NOTICE_ACCESS, user);
}

/* Only the operator moves anybody: to a session every other office is a missing one. */
static void
SetOffice(const BaCaller *caller, const BaUser *user, const Changes *changes)
{
	BaOffice office;

	if (!user->type->needs_office && changes->has_office)
		RefuseOffice(psprintf("user \"%s\" cannot have an office", user->username),
					 "Users of type provider have an office, and nobody else.");
	if (user->type->needs_office && !changes->has_office)
		RefuseOffice(psprintf("user \"%s\" must have an office", user->username),
					 "Users of type provider have an office, and nobody else.");
	if (!changes->has_office || BaUuidEqual(&changes->office_id, &user->office_id))
		return;
	if (caller->identity != NULL)
		BaAccessRefuse(caller, "PRV-12",
					   "Only the operator moves a user to another office.");
	if (!BaOfficeLoad(&changes->office_id, &office))
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("office %s does not exist", BaUuidText(&changes->office_id))));
	MoveUser(user, &office);
}

static bool
IsHeld(List *held, const char *name)
{
	ListCell *cell;

	foreach (cell, held)
		if (BaTextSame(BaGetText(lfirst(cell), 0), name))
			return true;
	return false;
}

/*
 * Those that the user has and that are not named go; new ones come, others stay.
 * Tells whether anything changed.
 */
static bool
SetRoles(const BaCaller *caller, const BaCompany *company, const BaUser *user,
		 const BaTextList *roles)
{
	BaArgs args = {0};
	List *held;
	ListCell *cell;
	bool changed = false;
	int i;

	BaPutUuid(&args, &user->user_id);
	BaPutTexts(&args, roles->array);
	held = BaQueryRows(&list_roles, &args);
	foreach (cell, held)
		if (!BaGetBool(lfirst(cell), 1))
			changed |= BaRoleTake(caller, company, user, BaGetText(lfirst(cell), 0));
	for (i = 0; i < roles->count; i++)
		if (!IsHeld(held, roles->items[i]))
			changed |= BaRoleGive(caller, company, user, roles->items[i]);
	return changed;
}

/* An edit of what has changed since it was read would undo that unseen. */
static void
RequireRevision(FunctionCallInfo fcinfo, const BaUser *user)
{
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, &user->user_id);
	if (!PG_ARGISNULL(4) && BaQueryRow(&find_revision, &args, &row) &&
		BaGetInt(&row, 0) != PG_GETARG_INT32(4))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("user \"%s\" was changed since it was read", user->username),
				 errhint("Read it again with bestauth.user_details()."),
				 BaErrRule("G-12")));
}

Datum
bestauth_update_user(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	Changes changes;
	BaCompany company;
	BaUser user;
	BaAudit audit;
	BaJson detail;

	TakeChanges(fcinfo, &changes);
	BaUserActed(&caller, fcinfo, 0, 2, BA_USER_LOCK, &company, &user);
	if (user.type->holds_all_permissions)
		BaAccessRequireAdministrator(&caller, "G-08", "act on a company administrator");
	if (user.type->by_assertion)
		ereport(
			ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("user \"%s\" is known by an assertion", user.username),
			 errdetail("What is known of a user of type %s is kept where they sign on.",
					   user.type->name),
			 BaErrRule("TPB-5")));
	/* Whoever has the mailbox can have the password. */
	if (changes.has[EMAIL])
		BaPermissionRequireAsMuch(&caller, &user);
	if (changes.has[EMAIL] && user.type->needs_contact)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("e-mail address of a client cannot be changed"),
				 errdetail("It is the user name: another address is another account."),
				 BaErrRule("PRT-2")));
	if (changes.has[EMAIL] && caller.identity != NULL &&
		BaUuidEqual(&caller.identity->user_id, &user.user_id))
		BaSessionRequireFresh(&caller);
	RequireRevision(fcinfo, &user);
	SetNames(&user, &changes);
	if (changes.has[OFFICE])
		SetOffice(&caller, &user, &changes);
	if (changes.roles.items != NULL && SetRoles(&caller, &company, &user, &changes.roles))
		BaOutboxNotice(BA_NOTICE_ACCESS, &user);
	if (changes.has[EMAIL])
		SetEmail(&caller, &user, changes.texts[EMAIL]);
	BaUserAudit(&audit, "user.updated", &company, &user);
	BaJsonStart(&detail);
	BaJsonTexts(&detail, "keys", changes.keys, changes.key_count);
	audit.detail = BaJsonFinish(&detail);
	BaAuditWrite(&audit);
	PG_RETURN_VOID();
}

/*
 * Whoever entered the address was asked to hold what the user held. The user may
 * hold more by now, or they less.
 */
static bool
RequesterStillMay(const BaUser *user)
{
	BaArgs args = {0};
	BaRow row;
	pg_uuid_t requester_id;
	BaUser requester;

	BaPutUuid(&args, &user->user_id);
	if (!BaQueryRow(&find_requester, &args, &row) || !BaGetUuid(&row, 0, &requester_id))
		return true;
	return BaUserLoad(&requester_id, &requester) && !requester.locked &&
		   !requester.deleted && BaPermissionCovers(&requester, user);
}

/* The link that was sent to the new address: it takes no session. */
static Datum
ConfirmEmailChange(PG_FUNCTION_ARGS)
{
	char *secret = BaArgSecret(fcinfo, 0, "token");
	BaToken token;
	BaTokenState state;
	BaCompany company;
	BaArgs args = {0};
	BaAudit audit;
	BaJson detail;

	BaInstanceRequireOpen();
	PreventCommandIfReadOnly("confirm_email_change()");
	/* What is no good is refused without a lock. */
	state = BaTokenPeek(secret, BA_TOKEN_EMAIL_CHANGE, &token);
	if (state == BA_TOKEN_VALID)
		state = BaTokenLockUser(secret, BA_TOKEN_EMAIL_CHANGE, &token);
	if (state == BA_TOKEN_VALID && !RequesterStillMay(&token.user))
		state = BA_TOKEN_SUPERSEDED;
	if (state != BA_TOKEN_UNKNOWN)
		BaUserCompany(&token.user, &company);
	if (state == BA_TOKEN_UNKNOWN)
		BaAuditStart(&audit, "email.refused");
	else
		BaUserAudit(&audit, state == BA_TOKEN_VALID ? "email.changed" : "email.refused",
					&company, &token.user);
	if (state != BA_TOKEN_VALID)
	{
		audit.outcome = "denied";
		BaJsonStart(&detail);
		BaJsonText(&detail, "reason", "the token is no good");
		audit.detail = BaJsonFinish(&detail);
		BaAuditWriteFolded(&audit,
						   state == BA_TOKEN_UNKNOWN ?
							   "email" :
							   psprintf("email/%s", BaUuidText(&token.user.user_id)));
		PG_RETURN_TEXT_P(cstring_to_text(BaTokenOutcome(state)));
	}
	BaTokenUse(&token);
	BaPutUuid(&args, &token.user.user_id);
	if (BaQueryExec(&confirm_email, &args) != 1)
		elog(ERROR, "there is no new e-mail address to confirm");
	BaAuditWrite(&audit);
	BaOutboxNotice(BA_NOTICE_EMAIL_CHANGED, &token.user);
	PG_RETURN_TEXT_P(cstring_to_text("accepted"));
}

Datum
bestauth_confirm_email_change(PG_FUNCTION_ARGS)
{
	return BaContextAside(ConfirmEmailChange, fcinfo);
}
