/* served_import.h: what another instance tells of a billing service. */
#ifndef BESTAUTH_SERVED_IMPORT_H
#define BESTAUTH_SERVED_IMPORT_H

#include "compat.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

/* What was checked: all but the customers. */
typedef struct BaServedImport
{
	char *instance;
	TimestampTz made_at;
	int keys;
} BaServedImport;

extern void BaServedImportTake(Jsonb *customers, const char *service,
							   BaServedImport *told);
pg_noreturn extern void BaServedImportRefuse(const char *fault);

#endif /* BESTAUTH_SERVED_IMPORT_H */
