/* uuid.h: version 7 UUIDs. */
#ifndef BESTAUTH_UUID_H
#define BESTAUTH_UUID_H

#include "utils/uuid.h"

extern void BaUuidMake(pg_uuid_t *uuid);
extern Datum BaUuidDatum(const pg_uuid_t *uuid);
extern char *BaUuidText(const pg_uuid_t *uuid);
extern bool BaUuidParse(const char *text, pg_uuid_t *uuid);
extern bool BaUuidEqual(const pg_uuid_t *a, const pg_uuid_t *b);

#endif /* BESTAUTH_UUID_H */
