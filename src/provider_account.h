/* provider_account.h: accounts of providers, at either level. */
#ifndef BESTAUTH_PROVIDER_ACCOUNT_H
#define BESTAUTH_PROVIDER_ACCOUNT_H

#include "provider.h"
#include "user.h"

/* What is to be made; texts may be NULL, except the names and the e-mail address. */
typedef struct BaProviderAccount
{
	const BaOffice *office;
	const BaProvider *provider; /* NULL at TIN level */
	const char *username;
	const char *first_name;
	const char *middle_name;
	const char *last_name;
	const char *email;
	const char *title;
	const char *phone;
	const pg_uuid_t *employee_id; /* NULL without an employee */
	bool verified;                /* the address, by who makes the account */
} BaProviderAccount;

extern bool BaProviderAccountMake(const BaProviderAccount *account, BaUser *user);

#endif /* BESTAUTH_PROVIDER_ACCOUNT_H */
