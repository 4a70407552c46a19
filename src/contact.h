/* contact.h: the people and organisations that a company deals with. */
#ifndef BESTAUTH_CONTACT_H
#define BESTAUTH_CONTACT_H

#include "company.h"

typedef struct BaContact
{
	pg_uuid_t contact_id;
	char *contact_type;
	char *first_name;
	char *last_name;
	char *email; /* NULL without one */
} BaContact;

extern pg_uuid_t BaContactCreate(const BaCompany *company, const BaContact *contact);
extern void BaContactActed(const BaCaller *caller, FunctionCallInfo fcinfo,
						   int company_arg, BaCompany *company, BaContact *contact);
extern bool BaContactMayHaveAccount(const char *contact_type);
extern void BaContactRule(BaRowEvent *event, bool restoring);

#endif /* BESTAUTH_CONTACT_H */
