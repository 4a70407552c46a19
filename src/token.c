/*
 * token.c
 *	  One-time tokens, of every purpose.
 *
 * A token is 256 random bits; what is kept is its SHA-256. It is good for one
 * purpose, once, until the clock (not the transaction's start) says that it is
 * over, and while the user is of the version that it was made for. Peeking never
 * writes; using happens under the row's lock, so of any number of users of one
 * token one wins.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "crypto.h"
#include "query.h"
#include "token.h"

#define TOKEN_SELECT \
	"SELECT token_id, purpose, user_id, user_version, coalesce(service_version, 0), expires_at," \
	" used_at IS NOT NULL, superseded_at IS NOT NULL" \
	" FROM bestauth.token WHERE token_hash = $1"

static BaQuery insert_token = {
	.sql =
		"INSERT INTO bestauth.token (token_hash, purpose, user_id, user_version, service_version, expires_at)"
		" VALUES ($1, $2, $3, $4, nullif($5, 0), clock_timestamp() + $6 * interval '1 second')"
		" RETURNING token_id, expires_at",
};

static BaQuery supersede_tokens = {
	.sql =
		"UPDATE bestauth.token SET superseded_at = clock_timestamp()"
		" WHERE user_id = $1 AND purpose = $2 AND used_at IS NULL AND superseded_at IS NULL",
	.latest = true,
};

static BaQuery peek_token = {
	.sql = TOKEN_SELECT,
	.latest = true,
};

static BaQuery lock_token = {
	.sql = TOKEN_SELECT " FOR UPDATE",
	.latest = true,
};

static BaQuery use_token = {
	.sql = "UPDATE bestauth.token SET used_at = clock_timestamp() WHERE token_id = $1",
	.latest = true,
};

/* Those of one purpose stop working. */
void
BaTokenSupersede(const char *purpose, const BaUser *user)
{
	BaArgs args = {0};

	BaPutUuid(&args, &user->user_id);
	BaPutText(&args, purpose);
	(void) BaQueryExec(&supersede_tokens, &args);
}

/*
 * Makes a token and returns it, this once. With "supersede", earlier ones of the
 * same purpose stop working.
 */
char *
BaTokenIssue(const char *purpose, const BaUser *user, int service_version, int lifetime,
			 bool supersede, BaToken *token)
{
	char *secret = BaTokenMake("bat");
	BaArgs args = {0};
	BaRow row;

	if (supersede)
		BaTokenSupersede(purpose, user);
	BaPutBytes(&args, BaTokenDigest(secret));
	BaPutText(&args, purpose);
	BaPutUuid(&args, &user->user_id);
	BaPutInt(&args, user->version);
	BaPutInt(&args, service_version);
	BaPutInt(&args, lifetime);
	(void) BaQueryRow(&insert_token, &args, &row);
	token->state = BA_TOKEN_VALID;
	(void) BaGetUuid(&row, 0, &token->token_id);
	token->expires_at = BaGetTime(&row, 1);
	token->purpose = pstrdup(purpose);
	token->user = *user;
	token->service_version = service_version;
	return secret;
}

static BaTokenState
StateOf(const BaRow *row, const BaToken *token, const char *purpose)
{
	if (strncmp(token->purpose, purpose, strlen(purpose)) != 0)
		return BA_TOKEN_UNKNOWN;
	if (BaGetBool(row, 6))
		return BA_TOKEN_USED;
	if (BaGetBool(row, 7) || BaGetInt(row, 3) != token->user.version ||
		token->user.deleted)
		return BA_TOKEN_SUPERSEDED;
	/* Asked here, after the wait for the row's lock, and not in the query. */
	if (GetCurrentTimestamp() >= token->expires_at)
		return BA_TOKEN_EXPIRED;
	return BA_TOKEN_VALID;
}

/* "purpose" may be the beginning of several: "password_" stands for all of them. */
static BaTokenState
Find(BaQuery *query, const char *secret, const char *purpose, BaToken *token)
{
	BaArgs args = {0};
	BaRow row;
	pg_uuid_t user_id;

	token->state = BA_TOKEN_UNKNOWN;
	BaPutBytes(&args, BaTokenDigest(secret));
	if (!BaQueryRow(query, &args, &row))
		return token->state;
	(void) BaGetUuid(&row, 0, &token->token_id);
	token->purpose = BaGetText(&row, 1);
	(void) BaGetUuid(&row, 2, &user_id);
	token->service_version = BaGetInt(&row, 4);
	token->expires_at = BaGetTime(&row, 5);
	if (BaUserLoad(&user_id, &token->user))
		token->state = StateOf(&row, token, purpose);
	return token->state;
}

/* What the token is good for now; writes nothing, locks nothing. */
BaTokenState
BaTokenPeek(const char *secret, const char *purpose, BaToken *token)
{
	return Find(&peek_token, secret, purpose, token);
}

/* The same, with the row locked until the transaction ends: for using it. */
BaTokenState
BaTokenLock(const char *secret, const char *purpose, BaToken *token)
{
	return Find(&lock_token, secret, purpose, token);
}

/* The user's row as well, before: what changes a password must not pass another. */
BaTokenState
BaTokenLockUser(const char *secret, const char *purpose, BaToken *token)
{
	if (Find(&peek_token, secret, purpose, token) != BA_TOKEN_UNKNOWN)
		BaUserLock(&token->user.user_id);
	return Find(&lock_token, secret, purpose, token);
}

void
BaTokenUse(const BaToken *token)
{
	BaArgs args = {0};

	BaPutUuid(&args, &token->token_id);
	if (BaQueryExec(&use_token, &args) != 1)
		elog(ERROR, "token to be used is gone");
}
