/* access.h: who calls, and whether they may. */
#ifndef BESTAUTH_ACCESS_H
#define BESTAUTH_ACCESS_H

#include "compat.h"
#include "context.h"
#include "fmgr.h"
#include "functionrule.h"

/* Who calls: a session, or without one a database role. */
typedef struct BaCaller
{
	const BaIdentity *identity; /* NULL: a database role */
	bool is_operator;           /* without a session, that is */
	const BaFunctionRule *rule; /* of what is called */
	const char *function;       /* its name, for messages and audit */
} BaCaller;

extern BaCaller BaAccessCaller(FunctionCallInfo fcinfo);
extern void BaAccessRequirePermission(const BaCaller *caller);
extern void BaAccessRequireSelf(const BaCaller *caller, const char *username,
								const char *portal);
extern void BaAccessRequireHeld(const BaCaller *caller, char **permissions, int count,
								const char *rule);
extern bool BaAccessIsAdministrator(const BaCaller *caller);
extern void BaAccessRequireAdministrator(const BaCaller *caller, const char *rule,
										 const char *what);
pg_noreturn extern void BaAccessRefuse(const BaCaller *caller, const char *rule,
									   const char *reason);
extern void BaAccessRequireKnown(const char *access);
extern bool BaAccessRoleHas(Oid role, const char *access);

#endif /* BESTAUTH_ACCESS_H */
