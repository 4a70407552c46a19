/*
 * credential.c
 *	  Password hashes of users, in a table of their own: a login touches no row
 *	  that anybody caches.
 */
#include "postgres.h"

#include "credential.h"
#include "errors.h"
#include "query.h"
#include "settings.h"

static BaQuery find_credential = {
	.sql = "SELECT password_hash, pepper_id, must_change, expires_at"
		   " FROM bestauth.credential WHERE user_id = $1",
	.latest = true,
};

static BaQuery set_credential = {
	.sql =
		"INSERT INTO bestauth.credential AS c (user_id, password_hash, pepper_id, must_change, expires_at)"
		" VALUES ($1, $2, $3, $4, CASE WHEN $4 THEN clock_timestamp() + $5 * interval '1 second' END)"
		" ON CONFLICT (user_id) DO UPDATE SET password_hash = excluded.password_hash,"
		" pepper_id = excluded.pepper_id, must_change = excluded.must_change,"
		" expires_at = excluded.expires_at, changed_at = clock_timestamp()",
};

static BaQuery remove_credential = {
	.sql =
		"UPDATE bestauth.credential SET password_hash = NULL, pepper_id = NULL, must_change = false,"
		" expires_at = NULL, changed_at = clock_timestamp() WHERE user_id = $1",
	.latest = true,
};

static BaQuery renew_credential = {
	.sql = "UPDATE bestauth.credential SET password_hash = $2, pepper_id = $3"
		   " WHERE user_id = $1 AND password_hash = $4",
	.latest = true,
	.secret = true,
};

static bool renewing = false;

/* All NULL and false where the user has none. */
void
BaCredentialFind(const pg_uuid_t *user_id, BaCredential *credential)
{
	BaArgs args = {0};
	BaRow row;

	memset(credential, 0, sizeof(*credential));
	BaPutUuid(&args, user_id);
	if (!BaQueryRow(&find_credential, &args, &row))
		return;
	credential->password.hash = BaGetText(&row, 0);
	credential->password.pepper_id = BaGetText(&row, 1);
	credential->must_change = BaGetBool(&row, 2);
	credential->expires_at = BaGetTime(&row, 3);
}

/* A new password; a temporary one expires and must be changed. The user's row is locked. */
void
BaCredentialSet(const pg_uuid_t *user_id, const BaPasswordHash *hash, bool temporary)
{
	BaArgs args = {0};

	BaUserLock(user_id);
	BaPutUuid(&args, user_id);
	BaPutText(&args, hash->hash);
	BaPutText(&args, hash->pepper_id);
	BaPutBool(&args, temporary);
	BaPutInt(&args, BaSetupLinkLifetime);
	(void) BaQueryExec(&set_credential, &args);
}

/* No password any more: a new one must be set. */
void
BaCredentialRemove(const pg_uuid_t *user_id)
{
	BaArgs args = {0};

	BaPutUuid(&args, user_id);
	(void) BaQueryExec(&remove_credential, &args);
}

/*
 * The same password under another cost or pepper: ends no session. Only while the
 * hash is still the one that was looked at: a reset meanwhile must stand.
 */
void
BaCredentialRenew(const pg_uuid_t *user_id, const char *password,
				  const BaPasswordHash *seen)
{
	BaPasswordHash hash = BaPasswordMake(password);
	BaArgs args = {0};

	/* Who holds the user's row may change the password: another time, then. */
	if (!BaUserTryLock(user_id))
		return;
	BaPutUuid(&args, user_id);
	BaPutText(&args, hash.hash);
	BaPutText(&args, hash.pepper_id);
	BaPutText(&args, seen->hash);
	renewing = true;
	PG_TRY();
	{
		(void) BaQueryExec(&renew_credential, &args);
	}
	PG_FINALLY();
	{
		renewing = false;
	}
	PG_END_TRY();
}

/* Another password, or a first one, by whatever statement, ends sessions and links. */
void
BaCredentialRule(BaRowEvent *event, bool restoring)
{
	pg_uuid_t user_id;
	BaUser user;

	BaColumnRequireSame(event, "user_id", "G-01");
	if (restoring || renewing || !BaColumnChanged(event, "password_hash") ||
		!BaColumnUuid(event, "user_id", &user_id))
		return;
	/* One that is there against the rules may be taken away. */
	if (!BaColumnIsNull(event, "password_hash") && BaUserLoad(&user_id, &user) &&
		user.type->by_assertion)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("user \"%s\" has no password", user.username),
				 errdetail("A user of type %s signs on elsewhere.", user.type->name),
				 BaErrRule("B-09")));
	BaUserRaiseVersion(&user_id);
}
