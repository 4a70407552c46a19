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

/*
 * A sign-up that was used, or an invite that is not open, takes its tokens with it. One
 * that was seen to have expired stays so, whatever the clock says later.
 */
#define TOKEN_SELECT \
	"SELECT t.token_id, t.purpose, t.user_id, t.user_version, coalesce(t.service_version, 0)," \
	" least(t.expires_at, s.expires_at, CASE WHEN r.status <> 'EMAIL-INT' THEN '-infinity' ELSE r.expires_at END)," \
	" t.used_at IS NOT NULL," \
	" t.superseded_at IS NOT NULL OR s.used_at IS NOT NULL" \
	" OR (r.status <> 'EMAIL-INT' AND r.reason IS DISTINCT FROM 'expired')," \
	" t.signup_id, t.registration_id FROM bestauth.token t" \
	" LEFT JOIN bestauth.signup s ON s.signup_id = t.signup_id" \
	" LEFT JOIN bestauth.registration r ON r.registration_id = t.registration_id" \
	" WHERE t.token_hash = $1"

static BaQuery insert_token = {
	.sql =
		"INSERT INTO bestauth.token (token_hash, purpose, user_id, user_version, service_version, expires_at,"
		" signup_id, registration_id, message_id)"
		" VALUES ($1, $2, $3, nullif($4, 0), nullif($5, 0), clock_timestamp() + $6 * interval '1 second', $7, $8, $9)"
		" RETURNING token_id, expires_at",
};

/*
 * Those of the same message stay: it may go out twice, and whichever of the two is
 * read has a link that works. Using one makes an end of the others. What expired is
 * over anyway, and may be held by whoever purges it.
 */
static BaQuery supersede_tokens = {
	.sql =
		"UPDATE bestauth.token SET superseded_at = clock_timestamp()"
		" WHERE (user_id = $1 OR signup_id = $1 OR registration_id = $1) AND purpose = $2 AND used_at IS NULL AND superseded_at IS NULL"
		" AND expires_at > clock_timestamp() AND ($3 IS NULL OR message_id IS DISTINCT FROM $3)",
	.latest = true,
};

static BaQuery peek_token = {
	.sql = TOKEN_SELECT,
	.latest = true,
};

static BaQuery lock_token = {
	.sql = TOKEN_SELECT " FOR UPDATE OF t",
	.latest = true,
};

static BaQuery use_token = {
	.sql = "UPDATE bestauth.token SET used_at = clock_timestamp() WHERE token_id = $1",
	.latest = true,
};

static void
Supersede(const BaTokenFor *what)
{
	BaArgs args = {0};

	BaPutUuid(&args, what->user      ? &what->user->user_id :
					 what->signup_id ? what->signup_id :
									   what->registration_id);
	BaPutText(&args, what->purpose);
	BaPutUuid(&args, what->message_id);
	(void) BaQueryExec(&supersede_tokens, &args);
}

/* Those of one purpose stop working. */
void
BaTokenSupersede(const char *purpose, const BaUser *user)
{
	BaTokenFor what = {.purpose = purpose, .user = user};

	Supersede(&what);
}

/* Those of a sign-up. */
void
BaTokenSupersedeSignup(const pg_uuid_t *signup_id)
{
	BaTokenFor what = {.purpose = BA_TOKEN_EMAIL_VERIFICATION, .signup_id = signup_id};

	Supersede(&what);
}

/* Makes a token and returns it, this once. */
char *
BaTokenIssue(const BaTokenFor *what, BaToken *token)
{
	char *secret = BaTokenMake("bat");
	BaArgs args = {0};
	BaRow row;

	if (what->supersede)
		Supersede(what);
	BaPutBytes(&args, BaTokenDigest(secret));
	BaPutText(&args, what->purpose);
	BaPutUuid(&args, what->user ? &what->user->user_id : NULL);
	BaPutInt(&args, what->user ? what->user->version : 0);
	BaPutInt(&args, what->service_version);
	BaPutInt(&args, what->lifetime);
	BaPutUuid(&args, what->signup_id);
	BaPutUuid(&args, what->registration_id);
	BaPutUuid(&args, what->message_id);
	(void) BaQueryRow(&insert_token, &args, &row);
	memset(token, 0, sizeof(*token));
	token->state = BA_TOKEN_VALID;
	(void) BaGetUuid(&row, 0, &token->token_id);
	token->expires_at = BaGetTime(&row, 1);
	token->purpose = pstrdup(what->purpose);
	token->has_user = what->user != NULL;
	if (token->has_user)
		token->user = *what->user;
	else if (what->signup_id != NULL)
		token->signup_id = *what->signup_id;
	else
		token->registration_id = *what->registration_id;
	token->service_version = what->service_version;
	return secret;
}

static BaTokenState
StateOf(const BaRow *row, const BaToken *token, const char *purpose)
{
	if (strncmp(token->purpose, purpose, strlen(purpose)) != 0)
		return BA_TOKEN_UNKNOWN;
	if (BaGetBool(row, 6))
		return BA_TOKEN_USED;
	if (BaGetBool(row, 7) ||
		(token->has_user &&
		 (token->user.deleted || BaGetInt(row, 3) != token->user.version)))
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
	token->has_user = BaGetUuid(&row, 2, &user_id);
	(void) BaGetUuid(&row, 8, &token->signup_id);
	(void) BaGetUuid(&row, 9, &token->registration_id);
	token->service_version = BaGetInt(&row, 4);
	token->expires_at = BaGetTime(&row, 5);
	if (!token->has_user || BaUserLoad(&user_id, &token->user))
		token->state = StateOf(&row, token, purpose);
	return token->state;
}

/* What the token is good for now; writes nothing, locks nothing. */
BaTokenState
BaTokenPeek(const char *secret, const char *purpose, BaToken *token)
{
	return Find(&peek_token, secret, purpose, token);
}

/*
 * The same, with the row locked until the transaction ends: for using what was peeked
 * at. What is gone since then was purged: it is over.
 */
BaTokenState
BaTokenLock(const char *secret, const char *purpose, BaToken *token)
{
	if (Find(&lock_token, secret, purpose, token) == BA_TOKEN_UNKNOWN)
		token->state = BA_TOKEN_EXPIRED;
	return token->state;
}

/* The user's row as well, before: what changes a password must not pass another. */
BaTokenState
BaTokenLockUser(const char *secret, const char *purpose, BaToken *token)
{
	if (BaTokenPeek(secret, purpose, token) == BA_TOKEN_UNKNOWN)
		return BA_TOKEN_UNKNOWN;
	if (token->has_user)
		BaUserLock(&token->user.user_id);
	return BaTokenLock(secret, purpose, token);
}

void
BaTokenUse(const BaToken *token)
{
	BaArgs args = {0};

	BaPutUuid(&args, &token->token_id);
	if (BaQueryExec(&use_token, &args) != 1)
		elog(ERROR, "token to be used is gone");
}

/* Why a token is no good, for the audit. */
const char *
BaTokenFault(BaTokenState state)
{
	static const char *const faults[] = {
		[BA_TOKEN_VALID] = NULL,
		[BA_TOKEN_UNKNOWN] = "unknown token",
		[BA_TOKEN_USED] = "token used already",
		[BA_TOKEN_SUPERSEDED] = "token replaced",
		[BA_TOKEN_EXPIRED] = "token expired",
	};

	return faults[state];
}

/* What whoever has a link is told of it. */
const char *
BaTokenOutcome(BaTokenState state)
{
	return state == BA_TOKEN_VALID   ? "valid" :
		   state == BA_TOKEN_EXPIRED ? "expired" :
									   "invalid";
}
