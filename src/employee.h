/* employee.h: the employees of offices. */
#ifndef BESTAUTH_EMPLOYEE_H
#define BESTAUTH_EMPLOYEE_H

#include "provider.h"

typedef struct BaEmployee
{
	pg_uuid_t employee_id;
	pg_uuid_t office_id;
	pg_uuid_t provider_id; /* only if has_provider */
	bool has_provider;
	char *first_name;
	char *last_name;
	char *middle_initial; /* NULL without one, like the next two */
	char *telephone;
	char *title;
} BaEmployee;

extern bool BaEmployeeLoad(const pg_uuid_t *employee_id, BaEmployee *employee);
extern void BaEmployeeLock(const pg_uuid_t *employee_id);
extern void BaEmployeeActed(const BaCaller *caller, FunctionCallInfo fcinfo,
							int employee_arg, BaEmployee *employee);
extern void BaEmployeeRule(BaRowEvent *event, bool restoring);

#endif /* BESTAUTH_EMPLOYEE_H */
