/*
 * applicant.c
 *	  What somebody says of themselves who wants an account of an office, by an invite
 *	  or by a request: taking it, and making the account of it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "applicant.h"
#include "args.h"
#include "bestauth.h"
#include "crypto.h"
#include "errors.h"
#include "password_policy.h"
#include "provider_account.h"
#include "query.h"

#define MAX_DETAILS 3

static char **
FindDetail(BaApplicant *applicant, const char *key)
{
	if (strcmp(key, "middle_name") == 0)
		return &applicant->middle_name;
	if (strcmp(key, "title") == 0)
		return &applicant->title;
	if (strcmp(key, "phone") == 0)
		return &applicant->phone;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("key \"%s\" of argument \"details\" is not known", key),
			 errhint("The keys are middle_name, title, phone."), BaErrRule("PRV-6")));
	return NULL;
}

static char *
DetailText(const char *key, const char *type, char *value)
{
	const char *fault = NULL;

	if (strcmp(type, "null") == 0)
		return NULL;
	if (strcmp(type, "string") != 0)
		fault = "must be a string or null";
	else if (pg_mbstrlen(value) > BA_MAX_NAME)
		fault = psprintf("has more than %d characters", BA_MAX_NAME);
	else if (BaTextControl(value) != NULL)
		fault = "must not contain control characters";
	if (fault != NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("key \"%s\" of argument \"details\" %s", key, fault),
						BaErrRule("PRV-6")));
	value = BaTextTrim(value);
	return *value ? value : NULL;
}

/* An object of what need not be given; any other key is an error. */
void
BaApplicantDetails(FunctionCallInfo fcinfo, int n, BaApplicant *applicant)
{
	static BaQuery take_apart = {
		.sql =
			"SELECT left(key, 63), jsonb_typeof(value), value #>> '{}' FROM jsonb_each($1)",
	};
	BaArgs args = {0};
	ListCell *cell;

	if (PG_ARGISNULL(n))
		return;
	if (!JB_ROOT_IS_OBJECT(PG_GETARG_JSONB_P(n)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"details\" must be an object")));
	if (JB_ROOT_COUNT(PG_GETARG_JSONB_P(n)) > MAX_DETAILS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"details\" has more than %d keys", MAX_DETAILS),
						errhint("The keys are middle_name, title, phone.")));
	BaPut(&args, JSONBOID, PG_GETARG_DATUM(n), false);
	foreach (cell, BaQueryRows(&take_apart, &args))
	{
		char *key = BaGetText(lfirst(cell), 0);
		char **detail = FindDetail(applicant, key);

		*detail = DetailText(key, BaGetText(lfirst(cell), 1), BaGetText(lfirst(cell), 2));
	}
}

/* What the policy says of it; the hash is made before any lock is taken. */
BaPasswordHash
BaApplicantPassword(const BaApplicant *applicant, const BaCompany *company,
					char *password)
{
	BaUser user = {0};
	BaPasswordHash hash;

	user.username = applicant->username;
	user.first_name = applicant->first_name;
	user.last_name = applicant->last_name;
	user.email = applicant->email;
	BaPasswordPolicyRequire(password, company, &user);
	hash = BaPasswordMake(password);
	BaSecretForget(password);
	return hash;
}

/* False if the user name is taken. */
bool
BaApplicantAccount(const BaApplicant *applicant, const BaOffice *office,
				   const BaProvider *provider, bool verified, BaUser *user)
{
	BaProviderAccount account = {.office = office,
								 .provider = provider,
								 .username = applicant->username,
								 .first_name = applicant->first_name,
								 .middle_name = applicant->middle_name,
								 .last_name = applicant->last_name,
								 .email = applicant->email,
								 .title = applicant->title,
								 .phone = applicant->phone,
								 .verified = verified};

	return BaProviderAccountMake(&account, user);
}
