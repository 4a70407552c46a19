/* report_privilege.h: who was given which right. */
#ifndef BESTAUTH_REPORT_PRIVILEGE_H
#define BESTAUTH_REPORT_PRIVILEGE_H

#include "report_page.h"

/* The columns of a row. */
enum
{
	BA_PRIVILEGE_AT = 1,
	BA_PRIVILEGE_COMPANY,
	BA_PRIVILEGE_BY_USER,
	BA_PRIVILEGE_BY_PERSON,
	BA_PRIVILEGE_SERVICE,
	BA_PRIVILEGE_DB_ROLE,
	BA_PRIVILEGE_ACTION,
	BA_PRIVILEGE_SUBJECT,
	BA_PRIVILEGE_CHANGE,
	BA_PRIVILEGE_NEXT,
	BA_PRIVILEGE_COLUMNS
};

extern void BaPrivilegesEach(BaReport *report, bool latest_first, int64 most,
							 void (*show)(void *to, BaRow *row), void *to);

#endif /* BESTAUTH_REPORT_PRIVILEGE_H */
