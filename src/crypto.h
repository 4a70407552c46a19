/* crypto.h: random bytes, digests, tokens, and comparison in constant time. */
#ifndef BESTAUTH_CRYPTO_H
#define BESTAUTH_CRYPTO_H

#define BA_DIGEST_LENGTH 32 /* SHA-256 */

extern void BaRandomBytes(void *to, size_t length);
extern void BaSha256(const void *data, size_t length, uint8 *digest);
extern bool BaDigestEqual(const uint8 *one, const uint8 *other);
extern char *BaHmacSha384Base64(const void *key, size_t key_length, const char *text);
extern char *BaTokenMake(const char *prefix);
extern Datum BaTokenDigest(const char *token);
extern bool BaSecretEqual(const char *a, const char *b);
extern char *BaRandomPassword(void);
extern void BaSecretForget(char *secret);
extern MemoryContext BaSecretBegin(void);
extern void BaSecretEnd(MemoryContext own);

#endif /* BESTAUTH_CRYPTO_H */
