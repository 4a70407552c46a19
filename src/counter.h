/* counter.h: charging guesses, and the lock that they lead to. */
#ifndef BESTAUTH_COUNTER_H
#define BESTAUTH_COUNTER_H

#include "audit.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

typedef struct BaSubject
{
	int length;                    /* 0: not used */
	uint8 bytes[1 + 2 * UUID_LEN]; /* the first tells the kind */
} BaSubject;

typedef struct BaCharge
{
	bool admitted;         /* the guess may be looked at */
	bool cleared;          /* there was a count, and it is gone */
	TimestampTz locked_at; /* when the lock began, 0 without one */
} BaCharge;

extern void BaCounterInit(void);
extern void BaCounterOnLock(void (*handler)(const pg_uuid_t *user_id));
extern BaSubject BaSubjectUser(const pg_uuid_t *user_id);
extern BaSubject BaSubjectKeyPerson(const pg_uuid_t *key_id, const pg_uuid_t *person_id);
extern BaSubject BaSubjectChallenge(const pg_uuid_t *token_id);
extern BaSubject BaSubjectOffice(const pg_uuid_t *office_id, const char *npi);
extern BaSubject BaSubjectUnknown(const char *company, const char *portal,
								  const char *username);
extern BaSubject BaSubjectUnknownOffice(const char *company, const char *portal,
										const char *office);
extern BaCharge BaCounterCharge(BaSubject first, BaSubject second,
								const BaAudit *lock_row);
extern void BaCounterClear(BaSubject first, BaSubject second);
extern bool BaCounterExists(const pg_uuid_t *user_id);
extern bool BaCounterUnlock(const pg_uuid_t *user_id, const BaAudit *row);

#endif /* BESTAUTH_COUNTER_H */
