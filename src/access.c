/*
 * access.c
 *	  Who calls, and whether they may: the one check behind every function.
 *
 * The caller is a session where there is one, else a database role that was
 * granted access. That a role may EXECUTE a function decides nothing here.
 * Whoever is refused leaves an audit row that outlives the caller's rollback.
 */
#include "postgres.h"

#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "access.h"
#include "audit.h"
#include "errors.h"
#include "instance.h"
#include "query.h"
#include "usertype.h"

PG_FUNCTION_INFO_V1(bestauth_has_access);

static BaQuery find_grants = {
	.sql = "SELECT role_id, access FROM bestauth.access_grant",
	.latest = true,
};

static const char *const accesses[] = {"application", "reader", "operator", "auditor",
									   "mailer"};

/* Does a grant of one access stand for another? */
static bool
Gives(const char *granted, const char *access)
{
	return strcmp(granted, access) == 0 ||
		   (strcmp(granted, "operator") == 0 && strcmp(access, "auditor") == 0);
}

/* Was the role granted this access? A superuser counts as all of them. */
bool
BaAccessRoleHas(Oid role, const char *access)
{
	BaArgs args = {0};
	ListCell *cell;

	if (superuser_arg(role))
		return true;
	foreach (cell, BaQueryRows(&find_grants, &args))
	{
		BaRow *row = lfirst(cell);

		if (Gives(BaGetText(row, 1), access) &&
			has_privs_of_role(role, DatumGetObjectId(row->values[0])))
			return true;
	}
	return false;
}

void
BaAccessRequireKnown(const char *access)
{
	int i;

	for (i = 0; i < lengthof(accesses); i++)
		if (strcmp(access, accesses[i]) == 0)
			return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("access \"%s\" is not known", access),
			 errhint("It is one of application, reader, operator, auditor and mailer.")));
}

Datum
bestauth_has_access(PG_FUNCTION_ARGS)
{
	char *access = text_to_cstring(PG_GETARG_TEXT_PP(0));

	BaAccessRequireKnown(access);
	PG_RETURN_BOOL(BaAccessRoleHas(GetUserId(), access));
}

/* To be asked first in every function that acts; refuses while closed. */
BaCaller
BaAccessCaller(FunctionCallInfo fcinfo)
{
	BaCaller caller;

	BaInstanceRequireOpen();
	caller.identity = BaContextIdentity();
	caller.is_operator =
		caller.identity == NULL && BaAccessRoleHas(GetUserId(), "operator");
	caller.function = get_func_name(fcinfo->flinfo->fn_oid);
	return caller;
}

/* Refuses the call: writes that down for good, then raises. */
void
BaAccessRefuse(const BaCaller *caller, const char *rule, const char *reason)
{
	BaAudit audit;
	BaJson detail;

	BaAuditStart(&audit, "access.denied");
	audit.outcome = "denied";
	audit.object_type = "function";
	audit.object_id = caller->function;
	BaJsonStart(&detail);
	BaJsonText(&detail, "reason", reason);
	BaJsonText(&detail, "rule", rule);
	audit.detail = BaJsonFinish(&detail);
	BaAuditWriteDurably(&audit);
	ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					errmsg("permission denied for function %s", caller->function),
					errdetail("%s", reason), BaErrRule(rule)));
}

static void
RefuseWithoutSession(const BaCaller *caller)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			 errmsg("no valid session for function %s", caller->function),
			 errhint("Call bestauth.use_session() first, in the same transaction.")));
}

/* The operator, or a session that holds the permission. */
void
BaAccessRequire(const BaCaller *caller, const char *permission, const char *rule)
{
	if (caller->is_operator)
		return;
	if (caller->identity == NULL)
		RefuseWithoutSession(caller);
	if (!BaContextHasPermission(permission))
		BaAccessRefuse(caller, rule,
					   psprintf("It takes the permission \"%s\".", permission));
}

void
BaAccessRequireOperator(const BaCaller *caller, const char *rule)
{
	if (!caller->is_operator)
		BaAccessRefuse(caller, rule,
					   caller->identity == NULL ?
						   "It is for the operator." :
						   "It is for the operator, outside a session.");
}

/* Nobody gives away what they don't hold. */
void
BaAccessRequireHeld(const BaCaller *caller, char **permissions, int count,
					const char *rule)
{
	int i;

	if (caller->is_operator)
		return;
	if (caller->identity == NULL)
		RefuseWithoutSession(caller);
	for (i = 0; i < count; i++)
		if (!BaContextHasPermission(permissions[i]))
			BaAccessRefuse(
				caller, rule,
				psprintf("The caller does not hold the permission \"%s\" itself.",
						 permissions[i]));
}

/* The operator or a company administrator: what holds everything is theirs to give. */
void
BaAccessRequireAdministrator(const BaCaller *caller, const char *rule, const char *what)
{
	if (caller->is_operator)
		return;
	if (caller->identity == NULL)
		RefuseWithoutSession(caller);
	if (!BaUserTypeRequire(caller->identity->user_type)->holds_all_permissions)
		BaAccessRefuse(caller, rule,
					   psprintf("Only a company administrator may %s.", what));
}
