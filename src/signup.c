/*
 * signup.c
 *	  Portal accounts that somebody asked for on a portal's own page, until the
 *	  address is verified.
 *
 * A sign-up is written down whether or not the address has an account: what comes of
 * it is decided when its mail is claimed, so the caller's transaction has nothing to
 * tell. No user name is taken by it. Of one address there is one; asking again
 * replaces it, and its links with it.
 */
#include "postgres.h"

#include "query.h"
#include "settings.h"
#include "signup.h"
#include "token.h"

#define SIGNUP_SELECT \
	"SELECT signup_id, company_id, portal_id, email, first_name, last_name, password_hash, pepper_id," \
	" expires_at, used_at IS NULL AND expires_at > clock_timestamp() FROM bestauth.signup"

static BaQuery put_signup = {
	.sql =
		"INSERT INTO bestauth.signup AS s (company_id, portal_id, email, first_name, last_name,"
		" password_hash, pepper_id, expires_at)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp() + $8 * interval '1 second')"
		" ON CONFLICT (portal_id, lower(email COLLATE \"C\")) WHERE used_at IS NULL"
		" DO UPDATE SET email = excluded.email, first_name = excluded.first_name,"
		" last_name = excluded.last_name, password_hash = excluded.password_hash,"
		" pepper_id = excluded.pepper_id, created_at = excluded.created_at, expires_at = excluded.expires_at"
		" RETURNING signup_id",
};

static BaQuery find_signup = {
	.sql = SIGNUP_SELECT " WHERE portal_id = $1 AND used_at IS NULL"
						 " AND lower(email COLLATE \"C\") = lower($2 COLLATE \"C\")",
	.latest = true,
};

static BaQuery load_signup = {
	.sql = SIGNUP_SELECT " WHERE signup_id = $1",
	.latest = true,
};

static BaQuery lock_signup = {
	.sql = SIGNUP_SELECT " WHERE signup_id = $1 FOR NO KEY UPDATE",
	.latest = true,
};

static BaQuery try_lock_signup = {
	.sql = SIGNUP_SELECT " WHERE signup_id = $1 FOR NO KEY UPDATE SKIP LOCKED",
	.latest = true,
};

static BaQuery use_signup = {
	.sql =
		"UPDATE bestauth.signup SET used_at = clock_timestamp(), password_hash = NULL, pepper_id = NULL"
		" WHERE signup_id = $1",
	.latest = true,
};

/* Writes one down, in the place of an earlier one of that address. */
pg_uuid_t
BaSignupPut(const BaPortal *portal, const BaSignup *signup)
{
	pg_uuid_t signup_id;
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, &portal->company_id);
	BaPutUuid(&args, &portal->portal_id);
	BaPutText(&args, signup->email);
	BaPutText(&args, signup->first_name);
	BaPutText(&args, signup->last_name);
	BaPutText(&args, signup->password.hash);
	BaPutText(&args, signup->password.pepper_id);
	BaPutInt(&args, BaSetupLinkLifetime);
	if (!BaQueryRow(&put_signup, &args, &row) || !BaGetUuid(&row, 0, &signup_id))
		elog(ERROR, "sign-up was not written");
	BaTokenSupersedeSignup(&signup_id);
	return signup_id;
}

static bool
Found(BaQuery *query, BaArgs *args, BaSignup *signup)
{
	BaRow row;

	if (!BaQueryRow(query, args, &row))
		return false;
	(void) BaGetUuid(&row, 0, &signup->signup_id);
	(void) BaGetUuid(&row, 1, &signup->company_id);
	(void) BaGetUuid(&row, 2, &signup->portal_id);
	signup->email = BaGetText(&row, 3);
	signup->first_name = BaGetText(&row, 4);
	signup->last_name = BaGetText(&row, 5);
	signup->password.hash = BaGetText(&row, 6);
	signup->password.pepper_id = BaGetText(&row, 7);
	signup->expires_at = BaGetTime(&row, 8);
	signup->pending = BaGetBool(&row, 9);
	return true;
}

/* One that is not used yet; it may have expired. */
bool
BaSignupFind(const BaPortal *portal, const char *email, BaSignup *signup)
{
	BaArgs args = {0};

	BaPutUuid(&args, &portal->portal_id);
	BaPutText(&args, email);
	return Found(&find_signup, &args, signup);
}

bool
BaSignupLoad(const pg_uuid_t *signup_id, BaSignup *signup)
{
	BaArgs args = {0};

	BaPutUuid(&args, signup_id);
	return Found(&load_signup, &args, signup);
}

bool
BaSignupLock(const pg_uuid_t *signup_id, BaSignup *signup)
{
	BaArgs args = {0};

	BaPutUuid(&args, signup_id);
	return Found(&lock_signup, &args, signup);
}

/* The same without waiting; false where somebody else has it. */
bool
BaSignupTryLock(const pg_uuid_t *signup_id, BaSignup *signup)
{
	BaArgs args = {0};

	BaPutUuid(&args, signup_id);
	return Found(&try_lock_signup, &args, signup);
}

void
BaSignupForgetPassword(const BaSignup *signup)
{
	static BaQuery forget_password = {
		.sql = "UPDATE bestauth.signup SET password_hash = NULL, pepper_id = NULL"
			   " WHERE signup_id = $1 AND password_hash IS NOT NULL",
		.latest = true,
	};
	BaArgs args = {0};

	BaPutUuid(&args, &signup->signup_id);
	(void) BaQueryExec(&forget_password, &args);
}

/* The account is made; the hash is in its place. */
void
BaSignupUse(const BaSignup *signup)
{
	BaArgs args = {0};

	BaPutUuid(&args, &signup->signup_id);
	(void) BaQueryExec(&use_signup, &args);
}
