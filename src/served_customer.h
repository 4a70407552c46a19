/* served_customer.h: which customers a billing service serves, here and elsewhere. */
#ifndef BESTAUTH_SERVED_CUSTOMER_H
#define BESTAUTH_SERVED_CUSTOMER_H

#include "tuple.h"

extern void BaServedCustomerUsed(const pg_uuid_t *user_id, const char *audience);
extern void BaServedCustomerRule(BaRowEvent *event, bool restoring);
extern void BaServedInstanceRule(BaRowEvent *event, bool restoring);

#endif /* BESTAUTH_SERVED_CUSTOMER_H */
