/*
 * uuid.c
 *	  Version 7 UUIDs (RFC 9562): 48 bits of milliseconds, then random bits.
 *
 * They name things. They are not secrets: who holds one is not let in by it.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "crypto.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_uuidv7);

#define UNIX_EPOCH_OFFSET_US \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

void
BaUuidMake(pg_uuid_t *uuid)
{
	uint64 ms = (uint64) (GetCurrentTimestamp() + UNIX_EPOCH_OFFSET_US) / 1000;
	int i;

	BaRandomBytes(uuid->data, UUID_LEN);
	for (i = 0; i < 6; i++)
		uuid->data[i] = (unsigned char) (ms >> (8 * (5 - i)));
	uuid->data[6] = (uuid->data[6] & 0x0f) | 0x70;
	uuid->data[8] = (uuid->data[8] & 0x3f) | 0x80;
}

Datum
BaUuidDatum(const pg_uuid_t *uuid)
{
	pg_uuid_t *copy = palloc(sizeof(pg_uuid_t));

	*copy = *uuid;
	return UUIDPGetDatum(copy);
}

char *
BaUuidText(const pg_uuid_t *uuid)
{
	return DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(uuid)));
}

/* In its usual form: 36 characters. False for any other text. */
bool
BaUuidParse(const char *text, pg_uuid_t *uuid)
{
	int i;

	if (strlen(text) != 36)
		return false;
	for (i = 0; i < 36; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? text[i] != '-' :
													  !isxdigit((unsigned char) text[i]))
			return false;
	*uuid = *DatumGetUUIDP(DirectFunctionCall1(uuid_in, CStringGetDatum(text)));
	return true;
}

bool
BaUuidEqual(const pg_uuid_t *a, const pg_uuid_t *b)
{
	return memcmp(a, b, sizeof(pg_uuid_t)) == 0;
}

Datum
bestauth_uuidv7(PG_FUNCTION_ARGS)
{
	pg_uuid_t *uuid = palloc(sizeof(pg_uuid_t));

	BaUuidMake(uuid);
	PG_RETURN_UUID_P(uuid);
}
