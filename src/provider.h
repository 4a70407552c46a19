/* provider.h: the providers of offices. */
#ifndef BESTAUTH_PROVIDER_H
#define BESTAUTH_PROVIDER_H

#include "office.h"

typedef struct BaProvider
{
	pg_uuid_t provider_id;
	pg_uuid_t office_id;
	char *npi;
	char *first_name;
	char *last_name;
} BaProvider;

extern bool BaNpiIsValid(const char *npi);
extern void BaNpiRequire(const char *npi);
extern bool BaProviderFind(const BaOffice *office, const char *npi, BaProvider *provider);
extern bool BaProviderLoad(const pg_uuid_t *provider_id, BaProvider *provider);
extern bool BaProviderActed(const BaCaller *caller, FunctionCallInfo fcinfo,
							int provider_arg, const BaOffice *office,
							BaProvider *provider);
extern void BaProviderRule(BaRowEvent *event, bool restoring);

#endif /* BESTAUTH_PROVIDER_H */
