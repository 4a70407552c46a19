/* applicant.h: what somebody says of themselves who wants an account of an office. */
#ifndef BESTAUTH_APPLICANT_H
#define BESTAUTH_APPLICANT_H

#include "password.h"
#include "registration.h"

/* Who will be a user; texts may be NULL where nothing was given. */
typedef struct BaApplicant
{
	char *username;
	char *first_name;
	char *middle_name;
	char *last_name;
	char *title;
	char *phone;
	char *email;
} BaApplicant;

extern void BaApplicantDetails(FunctionCallInfo fcinfo, int n, BaApplicant *applicant);
extern BaPasswordHash BaApplicantPassword(const BaApplicant *applicant,
										  const BaCompany *company, char *password);
extern bool BaApplicantAccount(const BaApplicant *applicant, const BaOffice *office,
							   const BaProvider *provider, bool verified, BaUser *user);

#endif /* BESTAUTH_APPLICANT_H */
