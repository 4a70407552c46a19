/*
 * user.c
 *	  Users of every type: finding them, and locking their rows. The rules of the
 *	  rows are in user_rule.c, what is done to users in user_state.c.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "args.h"
#include "bestauth.h"
#include "errors.h"
#include "query.h"
#include "user.h"

#define USER_SELECT \
	"SELECT user_id, company_id, billing_service_id, username, user_type, email, version," \
	" persons_limited, locked_at IS NOT NULL, deleted_at IS NOT NULL, first_name, last_name FROM bestauth.user_account"

#define BY_NAME \
	" WHERE company_id = $1 AND portal_id IS NULL" \
	" AND lower(username COLLATE \"C\") = lower($2 COLLATE \"C\")"

static BaQuery find_user = {
	.sql = USER_SELECT BY_NAME,
	.latest = true,
};

static BaQuery find_user_for_update = {
	.sql = USER_SELECT BY_NAME " FOR NO KEY UPDATE",
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

static BaQuery try_lock_user_row = {
	.sql =
		"SELECT true FROM bestauth.user_account WHERE user_id = $1 FOR NO KEY UPDATE SKIP LOCKED",
	.latest = true,
};

static BaQuery touch_user = {
	.sql = "UPDATE bestauth.user_account SET revision = revision + 1 WHERE user_id = $1",
	.latest = true,
};

static BaQuery find_person = {
	.sql =
		"SELECT true FROM bestauth.billing_user_person WHERE user_id = $1 AND person_id = $2",
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
	user->first_name = BaGetText(&row, 10);
	user->last_name = BaGetText(&row, 11);
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

/* The order is user, role, token, credential. */
void
BaUserLock(const pg_uuid_t *user_id)
{
	BaArgs args = {0};

	BaPutUuid(&args, user_id);
	(void) BaQueryExec(&lock_user_row, &args);
}

/* The same without waiting; false where somebody else has it. */
bool
BaUserTryLock(const pg_uuid_t *user_id)
{
	BaArgs args = {0};

	BaPutUuid(&args, user_id);
	return BaQueryExec(&try_lock_user_row, &args) > 0;
}

/* Something that an editor was shown has changed elsewhere [G-12]. */
void
BaUserTouch(const pg_uuid_t *user_id)
{
	BaArgs args = {0};

	BaPutUuid(&args, user_id);
	(void) BaQueryExec(&touch_user, &args);
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

void
BaUserRefuseDeleted(const BaUser *user)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("user \"%s\" is deleted", user->username), BaErrRule("PRV-14")));
}

static bool
FindActed(const pg_uuid_t *company_id, const char *username, int flags, BaUser *user)
{
	BaArgs args = {0};

	BaPutUuid(&args, company_id);
	BaPutText(&args, username);
	return Found((flags & BA_USER_LOCK) ? &find_user_for_update : &find_user, &args,
				 user);
}

/*
 * The company and the user that a call names; with BA_USER_LOCK the user's row is
 * locked, so that what is checked is what is acted on. In a session a user of
 * another company and one that is not there give the same answer.
 */
void
BaUserActed(const BaCaller *caller, FunctionCallInfo fcinfo, int username_arg,
			int company_arg, int flags, BaCompany *company, BaUser *user)
{
	char *username = BaArgText(fcinfo, username_arg, "username", BA_MAX_USERNAME);

	BaCompanyActed(caller, BaArgTextOrNull(fcinfo, company_arg, "company", BA_MAX_CODE),
				   company);
	BaUserRefusePortal(caller,
					   BaArgTextOrNull(fcinfo, company_arg + 1, "portal", BA_MAX_CODE));
	if (FindActed(&company->company_id, username, flags, user))
	{
		if (user->deleted && !(flags & BA_USER_DELETED))
			BaUserRefuseDeleted(user);
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
