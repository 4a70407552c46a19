/*
 * user_state.c
 *	  What is done to a user as a whole: locking, unlocking, deleting, and saying
 *	  which persons a key admits; and a name for a new one.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "args.h"
#include "bestauth.h"
#include "canonical.h"
#include "counter.h"
#include "errors.h"
#include "outbox.h"
#include "permission.h"
#include "query.h"
#include "user.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_delete_user);
PG_FUNCTION_INFO_V1(bestauth_lock_user);
PG_FUNCTION_INFO_V1(bestauth_unlock_user);
PG_FUNCTION_INFO_V1(bestauth_limit_billing_user);
PG_FUNCTION_INFO_V1(bestauth_suggest_username);

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
		"SELECT $2 || CASE n WHEN 1 THEN '' ELSE n::text END FROM generate_series(1, 1 +"
		" (SELECT count(*)::int FROM bestauth.user_account WHERE company_id = $1"
		" AND (portal_id = $3 OR ($3 IS NULL AND portal_id IS NULL))"
		" AND lower(username COLLATE \"C\") >= $2 AND lower(username COLLATE \"C\") < $2 || '~')) n"
		" WHERE NOT EXISTS (SELECT FROM bestauth.user_account WHERE company_id = $1"
		" AND (portal_id = $3 OR ($3 IS NULL AND portal_id IS NULL))"
		" AND lower(username COLLATE \"C\") = $2 || CASE n WHEN 1 THEN '' ELSE n::text END COLLATE \"C\")"
		" ORDER BY n LIMIT 1",
	.latest = true,
};

/*
 * What a client may do no one of the staff holds, so none of them clears the count of
 * wrong guesses, which is over after a while. An administrator's lock they may undo.
 */
static bool
KeepsCount(const BaCaller *caller, const BaUser *user)
{
	return caller->identity != NULL && user->type->needs_contact;
}

/*
 * Whoever can clear the count of wrong guesses can go on guessing: they must hold as
 * much as they could get, and it is not theirs to clear their own.
 */
static void
RequireMayUnlock(const BaCaller *caller, const BaUser *user)
{
	if (caller->identity != NULL &&
		BaUuidEqual(&caller->identity->user_id, &user->user_id))
		BaAccessRefuse(caller, "C-03", "Nobody unlocks themselves.");
	if (BaCounterExists(&user->user_id) && !KeepsCount(caller, user))
		BaPermissionRequireAsMuch(caller, user);
}

/* A change to one user, by whoever manages users; tells whether it changed. */
static bool
ChangeUser(FunctionCallInfo fcinfo, BaQuery *change, const char *action, const char *rule,
		   BaUser *user)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	BaCompany company;
	BaArgs args = {0};
	BaAudit audit;

	BaUserActed(&caller, fcinfo, 0, 1, BA_USER_LOCK, &company, user);
	if (user->type->holds_all_permissions)
		BaAccessRequireAdministrator(&caller, rule, "act on a company administrator");
	if (change == &mark_unlocked)
		RequireMayUnlock(&caller, user);
	BaUserAudit(&audit, action, &company, user);
	/* The count goes for good, whatever the caller's transaction does: so does its row. */
	if (change == &mark_unlocked && !KeepsCount(&caller, user) &&
		BaCounterUnlock(&user->user_id, &audit))
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
		BaUserRefuseDeleted(&user);
	PG_RETURN_VOID();
}

Datum
bestauth_lock_user(PG_FUNCTION_ARGS)
{
	BaUser user;

	if (ChangeUser(fcinfo, &mark_locked, "user.locked", "PRV-16", &user))
		BaOutboxNotice(BA_NOTICE_LOCKED, &user);
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
	if (!BaUserFind(&key->service_id, NULL, username, &person) || person.deleted ||
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

	BaUserActed(&caller, fcinfo, 0, 2, BA_USER_LOCK, &company, &key);
	if (!key.has_service)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("user \"%s\" is not a key", key.username), BaErrRule("TPB-7")));
	/* Further persons are given what the key holds. */
	BaPermissionRequireAsMuch(&caller, &key);
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
	const char *c;
	int count = 0;

	for (c = BaCanonicalFold(name); *c && count < most; c++)
		if (!IS_HIGHBIT_SET(*c) && isalnum((unsigned char) *c))
		{
			appendStringInfoChar(to, *c);
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
	BaPortal portal;
	bool in_portal;
	StringInfoData name;
	BaArgs args = {0};
	BaRow row;

	BaCompanyActed(&caller, BaArgTextOrNull(fcinfo, 2, "company", BA_MAX_CODE), &company);
	in_portal =
		BaUserPortalActed(&caller, &company,
						  BaArgTextOrNull(fcinfo, 3, "portal", BA_MAX_CODE), &portal);
	initStringInfo(&name);
	(void) AppendPlain(&name, first, 1);
	if (AppendPlain(&name, last, 40) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("no user name can be made of last name \"%s\"", last),
						errhint("Choose one yourself.")));
	BaPutUuid(&args, &company.company_id);
	BaPutText(&args, name.data);
	BaPutUuid(&args, in_portal ? &portal.portal_id : NULL);
	if (!BaQueryRow(&free_username, &args, &row))
		elog(ERROR, "every user name made of \"%s\" is taken", name.data);
	PG_RETURN_DATUM(row.values[0]);
}
