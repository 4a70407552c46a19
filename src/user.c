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
#include "uuid.h"

#define USER_SELECT \
	"SELECT user_id, company_id, billing_service_id, username, user_type, email, version," \
	" persons_limited, locked_at IS NOT NULL, deleted_at IS NOT NULL, first_name, last_name, portal_id," \
	" verified_at IS NOT NULL, office_id, provider_id FROM bestauth.user_account"

#define BY_NAME(portal) \
	" WHERE company_id = $1 AND portal_id " portal \
	" AND lower(username COLLATE \"C\") = lower($2 COLLATE \"C\")"
#define LOCKED " FOR NO KEY UPDATE"

static bool asserting = false;

/* The company's own people, and those of a portal: an index has both. */
static BaQuery find_user = {
	.sql = USER_SELECT BY_NAME("IS NULL"),
	.latest = true,
};

static BaQuery find_user_for_update = {
	.sql = USER_SELECT BY_NAME("IS NULL") LOCKED,
	.latest = true,
};

static BaQuery find_portal_user = {
	.sql = USER_SELECT BY_NAME("= $3"),
	.latest = true,
};

static BaQuery find_portal_user_for_update = {
	.sql = USER_SELECT BY_NAME("= $3") LOCKED,
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

static BaQuery share_user_row = {
	.sql = "SELECT true FROM bestauth.user_account WHERE user_id = $1 FOR SHARE",
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

/* Each has five parameters: company, user, user name, first and last name. */
static BaQuery insert_asserted = {
	.sql =
		"INSERT INTO bestauth.user_account (company_id, username, user_type, first_name, last_name)"
		" SELECT $1, $3, 'federated', $4, $5 WHERE $2::uuid IS NULL ON CONFLICT DO NOTHING RETURNING user_id",
	.latest = true,
};

static BaQuery update_asserted = {
	.sql =
		"UPDATE bestauth.user_account u SET username = $3, first_name = $4, last_name = $5"
		" WHERE u.user_id = $2 AND NOT EXISTS (SELECT FROM bestauth.user_account o"
		" WHERE o.company_id = $1 AND o.portal_id IS NULL AND lower(o.username COLLATE \"C\") = lower($3 COLLATE \"C\")"
		" AND o.user_id <> $2) RETURNING u.user_id",
	.latest = true,
};

static BaQuery raise_version = {
	.sql = "UPDATE bestauth.user_account SET version = version + 1 WHERE user_id = $1",
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
	user->has_portal = BaGetUuid(&row, 12, &user->portal_id);
	user->verified = BaGetBool(&row, 13);
	user->has_office = BaGetUuid(&row, 14, &user->office_id);
	user->has_provider = BaGetUuid(&row, 15, &user->provider_id);
	return true;
}

static bool
FindByName(const pg_uuid_t *company_id, const pg_uuid_t *portal_id, const char *username,
		   bool lock, BaUser *user)
{
	BaArgs args = {0};

	BaPutUuid(&args, company_id);
	BaPutText(&args, username);
	if (portal_id == NULL)
		return Found(lock ? &find_user_for_update : &find_user, &args, user);
	BaPutUuid(&args, portal_id);
	return Found(lock ? &find_portal_user_for_update : &find_portal_user, &args, user);
}

/* In a portal, or of the company itself: portal_id is NULL. */
bool
BaUserFind(const pg_uuid_t *company_id, const pg_uuid_t *portal_id, const char *username,
		   BaUser *user)
{
	return FindByName(company_id, portal_id, username, false, user);
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

/* To go by what the user may: many at once can, while nobody changes it. */
void
BaUserLockShared(const pg_uuid_t *user_id)
{
	BaArgs args = {0};

	BaPutUuid(&args, user_id);
	(void) BaQueryExec(&share_user_row, &args);
}

/* The same without waiting; false where somebody else has it. */
bool
BaUserTryLock(const pg_uuid_t *user_id)
{
	BaArgs args = {0};

	BaPutUuid(&args, user_id);
	return BaQueryExec(&try_lock_user_row, &args) > 0;
}

/* Is what is written to a user what an assertion says? For the rule. */
bool
BaUserIsAsserted(void)
{
	return asserting;
}

/*
 * A user as an assertion names them: a new one, or one that is there, by user_id. False
 * where another one has the user name.
 */
bool
BaUserAssert(const pg_uuid_t *company_id, const pg_uuid_t *user_id, const char *username,
			 const char *first_name, const char *last_name, pg_uuid_t *made_id)
{
	BaArgs args = {0};
	bool done = false;
	BaRow row;

	BaPutUuid(&args, company_id);
	BaPutUuid(&args, user_id);
	BaPutText(&args, username);
	BaPutText(&args, first_name);
	BaPutText(&args, last_name);
	asserting = true;
	PG_TRY();
	{
		done = BaQueryRow(user_id == NULL ? &insert_asserted : &update_asserted, &args,
						  &row);
	}
	PG_FINALLY();
	{
		asserting = false;
	}
	PG_END_TRY();
	if (done)
		(void) BaGetUuid(&row, 0, made_id);
	return done;
}

/* Something that an editor was shown has changed elsewhere [G-12]. */
void
BaUserTouch(const pg_uuid_t *user_id)
{
	BaArgs args = {0};

	BaPutUuid(&args, user_id);
	(void) BaQueryExec(&touch_user, &args);
}

/* Ends what rests on the version of before: sessions and tokens. */
void
BaUserRaiseVersion(const pg_uuid_t *user_id)
{
	BaArgs args = {0};

	BaPutUuid(&args, user_id);
	(void) BaQueryExec(&raise_version, &args);
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

/*
 * The portal whose users a call is about; false where it is about the company's
 * own. Who is in a portal acts on nobody outside it.
 */
bool
BaUserPortalActed(const BaCaller *caller, const BaCompany *company, const char *code,
				  BaPortal *portal)
{
	const BaIdentity *identity = caller->identity;
	BaUser own;

	if (identity == NULL || !BaUserTypeRequire(identity->user_type)->needs_portal)
	{
		if (code != NULL)
			BaPortalRequire(caller, company, code, NULL, portal);
		return code != NULL;
	}
	if (!BaUserLoad(&identity->user_id, &own) || !own.has_portal ||
		!BaPortalLoad(&own.portal_id, portal))
		elog(ERROR, "the portal of the session's user is gone");
	if (code != NULL && pg_strcasecmp(code, portal->code) != 0)
		BaAccessRefuse(caller, "H-01", "A session in a portal acts in that portal.");
	return true;
}

/* Who is of an office acts on its users alone; at individual level on those of the provider. */
bool
BaUserIsInReach(const BaCaller *caller, const BaUser *user)
{
	const BaIdentity *identity = caller->identity;

	if (identity == NULL || !identity->has_office)
		return true;
	return user->has_office && BaUuidEqual(&user->office_id, &identity->office_id) &&
		   (!identity->has_provider ||
			(user->has_provider &&
			 BaUuidEqual(&user->provider_id, &identity->provider_id)));
}

/* The same of somebody who is not the caller. */
bool
BaUserReaches(const BaUser *holder, const BaUser *user)
{
	BaIdentity identity = {.has_office = holder->has_office,
						   .office_id = holder->office_id,
						   .has_provider = holder->has_provider,
						   .provider_id = holder->provider_id};
	BaCaller caller = {.identity = &identity};

	return BaUserIsInReach(&caller, user);
}

void
BaUserRefuseDeleted(const BaUser *user)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("user \"%s\" is deleted", user->username), BaErrRule("PRV-14")));
}

void
BaUserRefuseTaken(const char *username)
{
	ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION),
					errmsg("user name \"%s\" is taken", username),
					errdetail("Names of deleted users stay taken.")));
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
	char *username = BaArgText(fcinfo, username_arg, "username", BA_MAX_EMAIL);
	BaPortal portal;
	bool in_portal;

	BaCompanyActed(caller, BaArgTextOrNull(fcinfo, company_arg, "company", BA_MAX_CODE),
				   company);
	in_portal =
		BaUserPortalActed(caller, company,
						  BaArgTextOrNull(fcinfo, company_arg + 1, "portal", BA_MAX_CODE),
						  &portal);
	if (FindByName(&company->company_id, in_portal ? &portal.portal_id : NULL, username,
				   (flags & BA_USER_LOCK) != 0, user) &&
		BaUserIsInReach(caller, user))
	{
		if (user->deleted && !(flags & BA_USER_DELETED))
			BaUserRefuseDeleted(user);
		return;
	}
	if (caller->identity != NULL)
		BaAccessRefuse(caller, "H-01",
					   caller->identity->has_office ?
						   "There is no such user in the session's office." :
						   "There is no such user in the session's company.");
	ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
					errmsg("user \"%s\" does not exist in %s \"%s\"", username,
						   in_portal ? "portal" : "company",
						   in_portal ? portal.code : company->code)));
}

void
BaUserAudit(BaAudit *audit, const char *action, const BaCompany *company,
			const BaUser *user)
{
	BaCompanyAudit(audit, action, company);
	audit->object_type = "user";
	audit->object_id = user->username;
}

/* By the user themselves, whom a link or a guess stands for. */
void
BaUserOwnAudit(BaAudit *audit, const char *action, const BaCompany *company,
			   const BaUser *user)
{
	BaUserAudit(audit, action, company, user);
	audit->user_id = audit->person_id = &user->user_id;
	audit->username = audit->person = user->username;
}

void
BaUserCompany(const BaUser *user, BaCompany *company)
{
	if (!BaCompanyLoad(&user->company_id, company))
		elog(ERROR, "the user's company is gone");
}

/* An account that was deleted before anybody proved its address holds nothing. */
bool
BaUserHoldsAddress(const BaUser *user)
{
	return !user->deleted || user->verified;
}
