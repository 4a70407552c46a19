/*
 * user.c
 *	  Users of every type: finding them, the rules that their rows keep, locks,
 *	  deletion, and the persons that a key admits.
 */
#include "postgres.h"

#include "common/unicode_norm.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "args.h"
#include "bestauth.h"
#include "counter.h"
#include "errors.h"
#include "query.h"
#include "user.h"
#include "username.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_delete_user);
PG_FUNCTION_INFO_V1(bestauth_lock_user);
PG_FUNCTION_INFO_V1(bestauth_unlock_user);
PG_FUNCTION_INFO_V1(bestauth_limit_billing_user);
PG_FUNCTION_INFO_V1(bestauth_suggest_username);

#define USER_SELECT \
	"SELECT user_id, company_id, billing_service_id, username, user_type, email, version," \
	" persons_limited, locked_at IS NOT NULL, deleted_at IS NOT NULL FROM bestauth.user_account"

static BaQuery find_user = {
	.sql = USER_SELECT " WHERE company_id = $1 AND portal_id IS NULL"
					   " AND lower(username COLLATE \"C\") = lower($2 COLLATE \"C\")",
	.latest = true,
};

static BaQuery load_user = {
	.sql = USER_SELECT " WHERE user_id = $1",
	.latest = true,
};

static BaQuery lock_user_row = {
	.sql = "SELECT true FROM bestauth.user_account WHERE user_id = $1 FOR NO KEY UPDATE",
	.latest = true,
};

static BaQuery supersede_tokens = {
	.sql =
		"UPDATE bestauth.token SET superseded_at = clock_timestamp()"
		" WHERE user_id = $1 AND purpose <> 'second_part' AND used_at IS NULL AND superseded_at IS NULL",
	.latest = true,
};

static BaQuery find_person = {
	.sql =
		"SELECT true FROM bestauth.billing_user_person WHERE user_id = $1 AND person_id = $2",
	.latest = true,
};

static BaQuery mark_deleted = {
	.sql = "UPDATE bestauth.user_account SET deleted_at = clock_timestamp()"
		   " WHERE user_id = $1 AND deleted_at IS NULL",
	.latest = true,
};

static BaQuery mark_locked = {
	.sql = "UPDATE bestauth.user_account SET locked_at = clock_timestamp()"
		   " WHERE user_id = $1 AND locked_at IS NULL",
	.latest = true,
};

static BaQuery mark_unlocked = {
	.sql = "UPDATE bestauth.user_account SET locked_at = NULL"
		   " WHERE user_id = $1 AND locked_at IS NOT NULL",
	.latest = true,
};

static BaQuery set_limited = {
	.sql = "UPDATE bestauth.user_account SET persons_limited = $2 WHERE user_id = $1",
	.latest = true,
};

static BaQuery remove_persons = {
	.sql =
		"DELETE FROM bestauth.billing_user_person p WHERE p.user_id = $1"
		" AND NOT EXISTS (SELECT FROM bestauth.user_account u WHERE u.user_id = p.person_id"
		" AND lower(u.username COLLATE \"C\") IN"
		" (SELECT lower(name COLLATE \"C\") FROM unnest($2) AS name))",
	.latest = true,
};

static BaQuery add_person = {
	.sql = "INSERT INTO bestauth.billing_user_person (company_id, user_id, person_id)"
		   " VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
	.latest = true,
};

static BaQuery free_username = {
	.sql =
		"SELECT $2 || CASE n WHEN 1 THEN '' ELSE n::text END FROM generate_series(1, 10000) n"
		" WHERE NOT EXISTS (SELECT FROM bestauth.user_account WHERE company_id = $1 AND portal_id IS NULL"
		" AND lower(username COLLATE \"C\") = $2 || CASE n WHEN 1 THEN '' ELSE n::text END COLLATE \"C\")"
		" ORDER BY n LIMIT 1",
	.latest = true,
};

/* ------------------------------------------------------------------ finding */

static bool
Found(BaQuery *query, BaArgs *args, BaUser *user)
{
	BaRow row;

	if (!BaQueryRow(query, args, &row))
		return false;
	(void) BaGetUuid(&row, 0, &user->user_id);
	(void) BaGetUuid(&row, 1, &user->company_id);
	user->has_service = BaGetUuid(&row, 2, &user->service_id);
	user->username = BaGetText(&row, 3);
	user->type = BaUserTypeRequire(BaGetText(&row, 4));
	user->email = BaGetText(&row, 5);
	user->version = BaGetInt(&row, 6);
	user->persons_limited = BaGetBool(&row, 7);
	user->locked = BaGetBool(&row, 8);
	user->deleted = BaGetBool(&row, 9);
	return true;
}

bool
BaUserFind(const pg_uuid_t *company_id, const char *username, BaUser *user)
{
	BaArgs args = {0};

	BaPutUuid(&args, company_id);
	BaPutText(&args, username);
	return Found(&find_user, &args, user);
}

bool
BaUserLoad(const pg_uuid_t *user_id, BaUser *user)
{
	BaArgs args = {0};

	BaPutUuid(&args, user_id);
	return Found(&load_user, &args, user);
}

/* Before a user's password or tokens are changed: the order is user, token, credential. */
void
BaUserLock(const pg_uuid_t *user_id)
{
	BaArgs args = {0};

	BaPutUuid(&args, user_id);
	(void) BaQueryExec(&lock_user_row, &args);
}

/* A key without a list admits any restricted user of its service. */
bool
BaUserAdmitsPerson(const BaUser *key, const pg_uuid_t *person_id)
{
	BaArgs args = {0};
	BaRow row;

	if (!key->persons_limited)
		return true;
	BaPutUuid(&args, &key->user_id);
	BaPutUuid(&args, person_id);
	return BaQueryRow(&find_person, &args, &row);
}

/* There are no portals yet, so whoever names one names a missing one. */
void
BaUserRefusePortal(const BaCaller *caller, const char *portal)
{
	if (portal == NULL)
		return;
	if (caller->identity != NULL)
		BaAccessRefuse(caller, "H-01", "A session acts in its current company.");
	ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
					errmsg("portal \"%s\" does not exist", portal)));
}

static void
RefuseDeleted(const BaUser *user)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("user \"%s\" is deleted", user->username), BaErrRule("PRV-14")));
}

/*
 * The company and the user that a call names. In a session a user of another
 * company and one that is not there give the same answer.
 */
void
BaUserActed(const BaCaller *caller, FunctionCallInfo fcinfo, int username_arg,
			int company_arg, BaCompany *company, BaUser *user)
{
	char *username = BaArgText(fcinfo, username_arg, "username", BA_MAX_USERNAME);

	BaCompanyActed(caller, BaArgTextOrNull(fcinfo, company_arg, "company", BA_MAX_CODE),
				   company);
	BaUserRefusePortal(caller,
					   BaArgTextOrNull(fcinfo, company_arg + 1, "portal", BA_MAX_CODE));
	if (BaUserFind(&company->company_id, username, user))
	{
		if (user->deleted)
			ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
							errmsg("user \"%s\" is deleted", user->username),
							BaErrRule("PRV-14")));
		return;
	}
	if (caller->identity != NULL)
		BaAccessRefuse(caller, "H-01", "There is no such user in the session's company.");
	ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
					errmsg("user \"%s\" does not exist in company \"%s\"", username,
						   company->code)));
}

void
BaUserAudit(BaAudit *audit, const char *action, const BaCompany *company,
			const BaUser *user)
{
	BaCompanyAudit(audit, action, company);
	audit->object_type = "user";
	audit->object_id = user->username;
}

/* -------------------------------------------------------------------- rules */

static void
RefuseRow(const char *rule, const char *message, const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION), errmsg("%s", message),
					errdetail("%s", detail), BaErrRule(rule)));
}

static void
CheckNames(const BaRowEvent *event, const BaUserType *type)
{
	char *first = BaColumnText(event, "first_name");
	char *last = BaColumnText(event, "last_name");
	char *email = BaColumnText(event, "email");
	bool has_first = first != NULL && *first != '\0';
	bool has_last = last != NULL && *last != '\0';

	BaColumnRequireClean(event, "first_name");
	BaColumnRequireClean(event, "middle_name");
	BaColumnRequireClean(event, "last_name");
	if (type->needs_billing_service ? !has_first && !has_last : !has_first || !has_last)
		RefuseRow(type->needs_billing_service ? "TPB-3" : "IBS-3", "user has no name",
				  type->needs_billing_service ?
					  "A key needs a name." :
					  "Each person has a first name and a last name.");
	if (email != NULL)
		BaEmailRequire(email);
	else if (type->needs_email)
		RefuseRow("IBS-3", "user has no e-mail address",
				  psprintf("A user of type %s needs one.", type->name));
}

/* The persons that a key is limited to are of its service: they go first. */
static void
RequireNoPersons(const BaRowEvent *event)
{
	static BaQuery has_persons = {
		.sql = "SELECT true FROM bestauth.billing_user_person WHERE user_id = $1 LIMIT 1",
		.latest = true,
	};
	pg_uuid_t user_id;
	BaArgs args = {0};
	BaRow row;

	if (event->old_row == NULL || !BaColumnUuid(event, "user_id", &user_id))
		return;
	BaPutUuid(&args, &user_id);
	if (BaQueryRow(&has_persons, &args, &row))
		RefuseRow("TPB-7", "key is limited to persons of its billing service",
				  "Take the limit away before the service is changed.");
}

/* What the type says must be set, and what must not. */
static void
CheckType(const BaRowEvent *event, const BaUserType *type, bool restoring)
{
	pg_uuid_t service_id;
	bool has_service = BaColumnUuid(event, "billing_service_id", &service_id);
	BaCompany service;

	if (type->needs_billing_service != has_service)
		RefuseRow(
			"TPB-3",
			has_service ? "user has a billing service" : "key has no billing service",
			"Keys, that is users of type billing, have a billing service, and nobody else.");
	if (type->needs_portal != !BaColumnIsNull(event, "portal_id"))
		RefuseRow("PRT-2", "user type does not fit the portal",
				  psprintf("A user of type %s %s a portal.", type->name,
						   type->needs_portal ? "belongs to" : "belongs to no"));
	if (restoring || !has_service || !BaColumnChanged(event, "billing_service_id"))
		return;
	RequireNoPersons(event);
	if (!BaCompanyLoad(&service_id, &service) || !service.registered)
		RefuseRow("TPB-2", "company is not a registered billing service",
				  "Only a registered service can be chosen.");
}

/*
 * Authority that changes hands makes a new version, and ends the sessions and
 * tokens of the old one. Only our own C raises it otherwise, for a password.
 */
static void
SetVersion(BaRowEvent *event)
{
	bool isnull;
	int32 old_version = DatumGetInt32(BaColumn(event, false, "version", &isnull));
	int32 version = DatumGetInt32(BaColumn(event, true, "version", &isnull));

	if (GetUserId() != BaOwnerId())
	{
		BaColumnRequireSame(event, "version", "TPB-9");
		/* The password of before would be good again. */
		if (BaColumnIsNull(event, "deleted_at"))
			BaColumnRequireSame(event, "deleted_at", "G-02");
	}
	if (BaColumnChanged(event, "user_type") ||
		BaColumnChanged(event, "billing_service_id") ||
		BaColumnChanged(event, "locked_at") || BaColumnChanged(event, "deleted_at"))
		version = Max(version, old_version + 1);
	BaColumnSet(event, "version", Int32GetDatum(version));
}

/* A link that went to the address of before must not work any more [E-09]. */
static void
DropLinks(const BaRowEvent *event)
{
	pg_uuid_t user_id;
	BaArgs args = {0};

	if (!BaColumnChanged(event, "email") || !BaColumnUuid(event, "user_id", &user_id))
		return;
	BaPutUuid(&args, &user_id);
	(void) BaQueryExec(&supersede_tokens, &args);
}

/* A new user that is charged where a biller was meant: say it at once [IBS-4]. */
static void
NoticeCharge(const BaRowEvent *event, const BaUserType *type)
{
	pg_uuid_t company_id;
	BaCompany company;

	if (!type->charged || type->may_be_second_part ||
		!BaColumnUuid(event, "company_id", &company_id) ||
		!BaCompanyLoad(&company_id, &company) || !company.registered)
		return;
	ereport(
		NOTICE,
		(errmsg(
			 "user \"%s\" of type %s will be charged and cannot be the second part of a login",
			 BaColumnText(event, "username"), type->name),
		 errhint("A biller of a billing service is a user of type restricted."),
		 BaErrRule("IBS-4")));
}

void
BaUserRule(BaRowEvent *event, bool restoring)
{
	const BaUserType *type = BaUserTypeRequire(BaColumnRequireText(event, "user_type"));

	BaColumnRequireSame(event, "user_id", "G-01");
	BaColumnRequireSame(event, "company_id", "G-01");
	BaColumnRequireSame(event, "portal_id", "G-01");
	BaColumnRequireSame(event, "username", "PRV-15");
	BaUsernameRequire(BaColumnRequireText(event, "username"));
	CheckNames(event, type);
	CheckType(event, type, restoring);
	if (event->old_row != NULL)
		SetVersion(event);
	else if (!restoring)
		BaColumnSet(event, "version", Int32GetDatum(1));
	if (restoring)
		return;
	if (event->old_row != NULL)
		DropLinks(event);
	else
		NoticeCharge(event, type);
}

/* Only people of the key's own service, of a type that may be a second part. */
void
BaUserPersonRule(BaRowEvent *event, bool restoring)
{
	pg_uuid_t id;
	BaUser key, person;

	if (restoring)
		return;
	if (BaColumnUuid(event, "user_id", &id))
		BaUserLock(&id);
	if (!BaColumnUuid(event, "user_id", &id) || !BaUserLoad(&id, &key) ||
		!key.has_service || !BaColumnUuid(event, "person_id", &id) ||
		!BaUserLoad(&id, &person) || !BaUuidEqual(&key.service_id, &person.company_id) ||
		!person.type->may_be_second_part)
		RefuseRow("TPB-7", "person cannot be admitted by this key",
				  "A key admits restricted users of its own billing service.");
}

/* ---------------------------------------------------------------- functions */

/* A change to one user, by whoever manages users; tells whether it changed. */
static bool
ChangeUser(FunctionCallInfo fcinfo, BaQuery *change, const char *action, const char *rule,
		   BaUser *user)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	BaCompany company;
	BaArgs args = {0};
	BaAudit audit;
	BaSubject none = {0};

	BaAccessRequire(&caller, BA_PERM_MANAGE_USERS, rule);
	BaUserActed(&caller, fcinfo, 0, 1, &company, user);
	if (user->type->holds_all_permissions)
		BaAccessRequireAdministrator(&caller, rule, "act on a company administrator");
	BaUserAudit(&audit, action, &company, user);
	/* The count goes for good, whatever the caller's transaction does: so does its row. */
	if (change == &mark_unlocked &&
		BaCounterClear(BaSubjectUser(&user->user_id), none, &audit))
		action = NULL;
	BaPutUuid(&args, &user->user_id);
	if (BaQueryExec(change, &args) == 0)
		return action == NULL;
	if (action != NULL)
		BaAuditWrite(&audit);
	return true;
}

Datum
bestauth_delete_user(PG_FUNCTION_ARGS)
{
	BaUser user;

	/* Somebody else may have done it meanwhile. */
	if (!ChangeUser(fcinfo, &mark_deleted, "user.deleted", "PRV-14", &user))
		RefuseDeleted(&user);
	PG_RETURN_VOID();
}

Datum
bestauth_lock_user(PG_FUNCTION_ARGS)
{
	BaUser user;

	(void) ChangeUser(fcinfo, &mark_locked, "user.locked", "PRV-16", &user);
	PG_RETURN_VOID();
}

Datum
bestauth_unlock_user(PG_FUNCTION_ARGS)
{
	BaUser user;

	(void) ChangeUser(fcinfo, &mark_unlocked, "user.unlocked", "PRV-16", &user);
	PG_RETURN_VOID();
}

static void
AdmitPerson(const BaCompany *company, const BaUser *key, const char *username)
{
	BaUser person;
	BaArgs args = {0};

	/* One answer for all: the service's users are not for others to find out. */
	if (!BaUserFind(&key->service_id, username, &person) || person.deleted ||
		!person.type->may_be_second_part)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("person \"%s\" cannot be admitted by key \"%s\"", username,
						key->username),
				 errdetail("A key admits restricted users of its own billing service."),
				 BaErrRule("TPB-7")));
	BaPutUuid(&args, &company->company_id);
	BaPutUuid(&args, &key->user_id);
	BaPutUuid(&args, &person.user_id);
	(void) BaQueryExec(&add_person, &args);
}

Datum
bestauth_limit_billing_user(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	BaTextList persons = BaArgTextArray(fcinfo, 1, "persons");
	BaCompany company;
	BaUser key;
	BaArgs args = {0};
	BaAudit audit;
	BaJson detail;
	int i;

	BaAccessRequire(&caller, BA_PERM_MANAGE_USERS, "TPB-7");
	BaUserActed(&caller, fcinfo, 0, 2, &company, &key);
	if (!key.has_service)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("user \"%s\" is not a key", key.username), BaErrRule("TPB-7")));
	BaPutUuid(&args, &key.user_id);
	BaPutBool(&args, persons.count >= 0);
	(void) BaQueryExec(&set_limited, &args);
	memset(&args, 0, sizeof(args));
	BaPutUuid(&args, &key.user_id);
	BaPutTexts(&args, persons.count < 0 ? BaTextArray(NULL, 0) : persons.array);
	(void) BaQueryExec(&remove_persons, &args);
	for (i = 0; i < persons.count; i++)
		AdmitPerson(&company, &key, persons.items[i]);
	BaUserAudit(&audit, "billing_user.limited", &company, &key);
	BaJsonStart(&detail);
	if (persons.count >= 0)
		BaJsonTexts(&detail, "persons", persons.items, persons.count);
	audit.detail = BaJsonFinish(&detail);
	BaAuditWrite(&audit);
	PG_RETURN_VOID();
}

/* Appends the ASCII letters and digits of a name, accents taken off. */
static int
AppendPlain(StringInfo to, const char *name, int most)
{
	pg_wchar *chars = palloc(sizeof(pg_wchar) * (strlen(name) + 1));
	pg_wchar *c;
	int count = 0;

	chars[pg_mb2wchar_with_len(name, chars, strlen(name))] = 0;
	for (c = unicode_normalize(UNICODE_NFKD, chars); *c && count < most; c++)
		if (*c < 0x80 && isalnum((int) *c))
		{
			appendStringInfoChar(to, pg_ascii_tolower((unsigned char) *c));
			count++;
		}
	return count;
}

Datum
bestauth_suggest_username(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	char *first = BaArgName(fcinfo, 0, "first_name");
	char *last = BaArgName(fcinfo, 1, "last_name");
	BaCompany company;
	StringInfoData name;
	BaArgs args = {0};
	BaRow row;

	BaAccessRequire(&caller, BA_PERM_MANAGE_USERS, "IBS-3");
	BaCompanyActed(&caller, BaArgTextOrNull(fcinfo, 2, "company", BA_MAX_CODE), &company);
	BaUserRefusePortal(&caller, BaArgTextOrNull(fcinfo, 3, "portal", BA_MAX_CODE));
	initStringInfo(&name);
	(void) AppendPlain(&name, first, 1);
	if (AppendPlain(&name, last, 40) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("no user name can be made of last name \"%s\"", last),
						errhint("Choose one yourself.")));
	BaPutUuid(&args, &company.company_id);
	BaPutText(&args, name.data);
	if (!BaQueryRow(&free_username, &args, &row))
		elog(ERROR, "every user name made of \"%s\" is taken", name.data);
	PG_RETURN_DATUM(row.values[0]);
}
