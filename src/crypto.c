/*
 * crypto.c
 *	  Random bytes, digests, tokens, and comparison in constant time. The algorithms are
 *	  OpenSSL's, the library that the server and pgcrypto have.
 */
#include "postgres.h"

#include <openssl/evp.h>

#include "common/base64.h"
#include "common/hmac.h"
#include "common/sha2.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "compat.h"
#include "crypto.h"

#define SECRET_BLOCK 65536
#define WIPE_CHUNK 1024 /* of the block, with its header */
#define WIPE_SIZE 1000

#define TOKEN_BYTES 32     /* 256 bits */
#define PASSWORD_LENGTH 20 /* of 32 signs: 100 bits */

static void
CryptoFailed(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not compute a digest")));
}

void
BaRandomBytes(void *to, size_t length)
{
	if (!pg_strong_random(to, length))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not generate random values")));
}

/* Of what is no secret. */
bool
BaDigestEqual(const uint8 *one, const uint8 *other)
{
	return memcmp(one, other, BA_DIGEST_LENGTH) == 0;
}

/*
 * The algorithm is looked up once: OpenSSL does so by its name, which takes longer than to hash
 * an audit row.
 */
void
BaSha256(const void *data, size_t length, uint8 *digest)
{
	static const EVP_MD *algorithm = NULL;
	static EVP_MD_CTX *ctx = NULL;

	if (algorithm == NULL)
		algorithm = BaFindSha256();
	if (ctx == NULL)
		ctx = EVP_MD_CTX_new();
	if (algorithm == NULL || ctx == NULL ||
		EVP_DigestInit_ex(ctx, algorithm, NULL) != 1 ||
		EVP_DigestUpdate(ctx, data, length) != 1 ||
		EVP_DigestFinal_ex(ctx, digest, NULL) != 1)
		CryptoFailed();
}

static char *
Base64(const uint8 *bytes, int length)
{
	int room = pg_b64_enc_len(length);
	char *text = palloc(room + 1);
	int used = pg_b64_encode((const BaBase64Byte *) bytes, length, text, room);

	if (used < 0)
		CryptoFailed();
	text[used] = '\0';
	return text;
}

/* 64 characters, whatever the length of the text. */
char *
BaHmacSha384Base64(const void *key, size_t key_length, const char *text)
{
	uint8 digest[PG_SHA384_DIGEST_LENGTH];
	pg_hmac_ctx *ctx = pg_hmac_create(PG_SHA384);
	char *result;

	if (ctx == NULL || pg_hmac_init(ctx, key, key_length) < 0 ||
		pg_hmac_update(ctx, (const uint8 *) text, strlen(text)) < 0 ||
		pg_hmac_final(ctx, digest, sizeof(digest)) < 0)
	{
		pg_hmac_free(ctx);
		CryptoFailed();
	}
	pg_hmac_free(ctx);
	result = Base64(digest, sizeof(digest));
	explicit_bzero(digest, sizeof(digest));
	return result;
}

/*
 * A secret of 256 random bits, safe in a URL. The prefix lets a scanner for
 * leaked secrets, and a person who pasted the wrong one, tell what it is.
 */
char *
BaTokenMake(const char *prefix)
{
	uint8 bytes[TOKEN_BYTES];
	char *text;
	char *c;
	char *token;

	BaRandomBytes(bytes, sizeof(bytes));
	text = Base64(bytes, sizeof(bytes));
	explicit_bzero(bytes, sizeof(bytes));
	for (c = text; *c; c++)
	{
		if (*c == '+')
			*c = '-';
		else if (*c == '/')
			*c = '_';
		else if (*c == '=')
			*c = '\0';
	}
	token = psprintf("%s_%s", prefix, text);
	BaSecretForget(text);
	return token;
}

/* What is kept of a token: its SHA-256, as bytea. */
Datum
BaTokenDigest(const char *token)
{
	bytea *digest = palloc(VARHDRSZ + BA_DIGEST_LENGTH);

	SET_VARSIZE(digest, VARHDRSZ + BA_DIGEST_LENGTH);
	BaSha256(token, strlen(token), (uint8 *) VARDATA(digest));
	return PointerGetDatum(digest);
}

/* Takes as long for a difference in the first byte as for one in the last. */
bool
BaSecretEqual(const char *a, const char *b)
{
	size_t length = strlen(a);
	volatile uint8 difference = 0;
	size_t i;

	if (length != strlen(b))
		return false;
	for (i = 0; i < length; i++)
		difference |= (uint8) a[i] ^ (uint8) b[i];
	return difference == 0;
}

/* A password to be read aloud and typed: no signs that look alike. */
char *
BaRandomPassword(void)
{
	static const char signs[] = "abcdefghijkmnpqrstuvwxyz23456789";
	uint8 bytes[PASSWORD_LENGTH];
	char *password = palloc(PASSWORD_LENGTH + PASSWORD_LENGTH / 5);
	int i, to = 0;

	StaticAssertStmt(sizeof(signs) == 33, "a byte must map evenly to the signs");
	BaRandomBytes(bytes, sizeof(bytes));
	for (i = 0; i < PASSWORD_LENGTH; i++)
	{
		if (i > 0 && i % 5 == 0)
			password[to++] = '-';
		password[to++] = signs[bytes[i] % 32];
	}
	password[to] = '\0';
	explicit_bzero(bytes, sizeof(bytes));
	return password;
}

void
BaSecretForget(char *secret)
{
	if (secret != NULL)
		explicit_bzero(secret, strlen(secret));
}

/*
 * A context for the work on a secret, of one block that everything fits into: so
 * also copies that library functions make, and free without wiping, can be wiped.
 */
MemoryContext
BaSecretBegin(void)
{
	return AllocSetContextCreate(CurrentMemoryContext, "bestauth secret", SECRET_BLOCK,
								 SECRET_BLOCK, SECRET_BLOCK);
}

/* After a reset the block is empty: what is taken anew from it is wiped, chunk by chunk. */
void
BaSecretEnd(MemoryContext own)
{
	int i;

	MemoryContextReset(own);
	for (i = 0; i < SECRET_BLOCK / WIPE_CHUNK - 1; i++)
		explicit_bzero(MemoryContextAlloc(own, WIPE_SIZE), WIPE_SIZE);
	MemoryContextDelete(own);
}
