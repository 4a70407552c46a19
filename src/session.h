/* session.h: sessions. */
#ifndef BESTAUTH_SESSION_H
#define BESTAUTH_SESSION_H

#include "user.h"

/* Whose session it is to be. */
typedef struct BaSessionStart
{
	const BaUser *user;       /* of a two-part login, the key */
	const BaUser *person;     /* the same without one */
	const BaCompany *service; /* NULL without one */
	int limit;                /* seconds that it lasts at most */
	const char *client_addr;
	const char *client_info;
} BaSessionStart;

typedef struct BaSession
{
	char *secret; /* the token, this once */
	pg_uuid_t session_id;
	TimestampTz expires_at;
} BaSession;

/* What was found of a session in the tables. */
typedef struct BaSessionFound
{
	BaIdentity identity;
	TimestampTz last_used_at;
	const char *fault; /* NULL if it is good */
	char *lost_code;   /* of the company that it was in and has lost; NULL if not */
	pg_uuid_t lost_id;
	bool has_emergency; /* one that nobody has written down the end of */
	bool emergency_over;
	pg_uuid_t emergency_id;
	TimestampTz emergency_until;
} BaSessionFound;

extern bool BaSessionFind(Datum digest, BaSessionFound *found);
extern bool BaSessionLoad(const pg_uuid_t *session_id, BaSessionFound *found);
extern const char *BaSessionTimeFault(TimestampTz expires_at, TimestampTz last_used_at);
extern void BaSessionRequireFresh(const BaCaller *caller);
extern int BaSessionLimit(const BaUser *person, TimestampTz asserted_at);
extern void BaSessionCreate(const BaSessionStart *start, BaSession *session);
extern const char *BaSessionPerson(const char *secret, BaUser *person, bool *known);

#endif /* BESTAUTH_SESSION_H */
