/* password.h: hashing and checking passwords. */
#ifndef BESTAUTH_PASSWORD_H
#define BESTAUTH_PASSWORD_H

typedef struct BaPasswordHash
{
	char *hash;      /* $2a$.. of the pre-hash */
	char *pepper_id; /* NULL without a pepper */
} BaPasswordHash;

extern char *BaPasswordNormalize(const char *password);
extern BaPasswordHash BaPasswordMake(const char *password);
extern bool BaPasswordVerify(const char *password, const BaPasswordHash *stored);
extern const char *BaPasswordFault(const BaPasswordHash *stored);
extern bool BaPasswordIsStale(const BaPasswordHash *stored);

#endif /* BESTAUTH_PASSWORD_H */
