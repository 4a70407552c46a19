/*
 * access.c
 *	  Who calls, and whether they may: the one check behind every function.
 *
 * The caller is a session where there is one, else a database role that was
 * granted access. That a role may EXECUTE a function decides nothing here.
 * Whoever is refused leaves an audit row that outlives the caller's rollback.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "access.h"
#include "args.h"
#include "audit.h"
#include "bestauth.h"
#include "errors.h"
#include "fold.h"
#include "instance.h"
#include "query.h"
#include "usertype.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_has_access);

static BaQuery find_grants = {
	.sql = "SELECT role_id, access FROM bestauth.access_grant",
	.latest = true,
};

static const char *const accesses[] = {"application", "reader", "operator",
									   "auditor",     "mailer", "retention"};

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

/*
 * Writes down, for good, that the call was refused. Refusals can come by the million:
 * those with the same key are folded.
 */
static void
AuditRefusal(const BaCaller *caller, const char *reason, const char *rule,
			 const char *key)
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
	BaAuditWriteFolded(&audit, key);
}

/* Refuses the call: writes that down, then raises. */
void
BaAccessRefuse(const BaCaller *caller, const char *rule, const char *reason)
{
	const char *who = caller->identity ? BaUuidText(&caller->identity->session_id) :
										 GetUserNameFromId(GetSessionUserId(), true);

	AuditRefusal(caller, reason, rule,
				 psprintf("denied/%s/%s", who ? who : "", caller->function));
	ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					errmsg("permission denied for function %s", caller->function),
					errdetail("%s", reason), BaErrRule(rule)));
}

static void
RefuseWithoutSession(const BaCaller *caller)
{
	if (!RecoveryInProgress())
		AuditRefusal(caller, "no session", NULL,
					 psprintf("function/%s", caller->function));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			 errmsg("no valid session for function %s", caller->function),
			 errhint("Call bestauth.use_session() first, in the same transaction.")));
}

/* -------------------------------------------------------- what a function needs */

/*
 * Who manages an office's users does so for their own office: without one it counts
 * not. In an office nothing else does, for all else is about the whole company.
 */
static bool
Counts(const BaCaller *caller, const char *permission)
{
	bool of_office = strcmp(permission, BA_PERM_MANAGE_PORTAL_USERS) == 0;

	return BaContextHasPermission(permission) &&
		   caller->identity->has_office == of_office;
}

/* One of the permissions that the function takes, or the operator. */
void
BaAccessRequirePermission(const BaCaller *caller)
{
	const BaFunctionRule *rule = caller->rule;
	StringInfoData reason;
	int i;

	if (caller->is_operator)
		return;
	if (caller->identity == NULL)
		RefuseWithoutSession(caller);
	initStringInfo(&reason);
	for (i = 0; i < BA_RULE_PERMISSIONS && rule->permissions[i] != NULL; i++)
	{
		if (Counts(caller, rule->permissions[i]))
			return;
		appendStringInfo(&reason, "%s\"%s\"", i == 0 ? "" : " or ", rule->permissions[i]);
	}
	BaAccessRefuse(caller, rule->rule,
				   psprintf("It takes the permission %s.", reason.data));
}

/* Of a key nobody has an own account; who is in a portal always may. */
static void
RequireOwnAccount(const BaCaller *caller)
{
	const BaUserType *type;

	if (caller->identity == NULL)
		RefuseWithoutSession(caller);
	type = BaUserTypeRequire(caller->identity->user_type);
	if (type->needs_second_part)
		BaAccessRefuse(caller, caller->rule->rule,
					   "The session is that of a key, which is shared.");
	if (type->needs_my_account)
		BaAccessRequirePermission(caller);
}

/* Neither a key, nor who can come with one, nor somebody in a portal. */
static void
RequireStaff(const BaCaller *caller)
{
	const BaUserType *type;

	if (caller->identity == NULL)
		RefuseWithoutSession(caller);
	BaAccessRequirePermission(caller);
	type = BaUserTypeRequire(caller->identity->user_type);
	if (!type->logs_in_alone || type->may_be_second_part || type->needs_portal)
		BaAccessRefuse(caller, caller->rule->rule,
					   psprintf("It is not for a user of type %s.", type->name));
}

/* In a session of their own: that of a key has the type of the key. */
static void
RequireSecondPart(const BaCaller *caller)
{
	const BaUserType *type;

	if (caller->identity == NULL)
		RefuseWithoutSession(caller);
	type = BaUserTypeRequire(caller->identity->user_type);
	if (!type->may_be_second_part)
		BaAccessRefuse(caller, caller->rule->rule,
					   psprintf("It is not for a user of type %s.", type->name));
}

static void
RequireRole(const BaCaller *caller, bool may, const char *reason)
{
	if (caller->identity == NULL && may)
		return;
	BaAccessRefuse(caller, caller->rule->rule,
				   caller->identity == NULL ?
					   psprintf("It is for %s.", reason) :
					   psprintf("It is for %s, outside a session.", reason));
}

static void
RequireNeed(BaCaller *caller)
{
	switch (caller->rule->need)
	{
		case BA_NEED_NOTHING:
			break;
		case BA_NEED_SECOND_PART:
			RequireSecondPart(caller);
			break;
		case BA_NEED_OWN_ACCOUNT:
			RequireOwnAccount(caller);
			break;
		case BA_NEED_SESSION:
			if (caller->identity == NULL)
				RefuseWithoutSession(caller);
			break;
		case BA_NEED_STAFF:
			RequireStaff(caller);
			break;
		case BA_NEED_SELF:
			if (caller->identity == NULL)
				BaAccessRequirePermission(caller);
			break;
		case BA_NEED_REPORT:
			/* Outside a session the auditor reads like the operator. */
			caller->is_operator |=
				caller->identity == NULL && BaAccessRoleHas(GetUserId(), "auditor");
			BaAccessRequirePermission(caller);
			break;
		case BA_NEED_PERMISSION:
			BaAccessRequirePermission(caller);
			break;
		case BA_NEED_ADMINISTRATOR:
			if (!BaAccessIsAdministrator(caller))
				BaAccessRefuse(caller, caller->rule->rule,
							   "It is for a company administrator.");
			break;
		case BA_NEED_OPERATOR:
			RequireRole(caller, caller->is_operator, "the operator");
			break;
		case BA_NEED_AUDITOR:
			RequireRole(caller, BaAccessRoleHas(GetUserId(), "auditor"), "the auditor");
			break;
		case BA_NEED_SEALER:
			RequireRole(caller,
						caller->is_operator || BaAccessRoleHas(GetUserId(), "mailer"),
						"the operator or the mailer");
			break;
		case BA_NEED_RETENTION:
			RequireRole(caller, BaAccessRoleHas(GetUserId(), "retention"),
						"who was granted the access \"retention\"");
			break;
		case BA_NEED_MAILER:
			RequireRole(caller, BaAccessRoleHas(GetUserId(), "mailer"), "the mailer");
			break;
		case BA_NEED_SUPERUSER:
			RequireRole(caller, superuser(), "a superuser");
			break;
	}
}

/*
 * To be asked first in every function that acts, before its arguments are looked
 * at: who calls, and whether they may.
 */
BaCaller
BaAccessCaller(FunctionCallInfo fcinfo)
{
	BaCaller caller;

	BaInstanceRequireOpen();
	caller.identity = BaContextIdentity();
	caller.is_operator =
		caller.identity == NULL && BaAccessRoleHas(GetUserId(), "operator");
	caller.function = get_func_name(fcinfo->flinfo->fn_oid);
	caller.rule = BaFunctionRuleOf(caller.function);
	RequireNeed(&caller);
	return caller;
}

/* ------------------------------------------------------------- further checks */

/*
 * About one's own user it takes no permission; a key is nobody's own. Somebody in a
 * portal may have the name of somebody who is in none, and somebody in a child company
 * that of somebody in the parent.
 */
void
BaAccessRequireSelf(const BaCaller *caller, const char *username, const char *portal)
{
	const BaIdentity *identity = caller->identity;

	if (identity == NULL || identity->has_service ||
		!BaUuidEqual(&identity->company_id, &identity->own_company_id) ||
		!BaTextSame(username, identity->username) ||
		(portal != NULL && !BaUserTypeRequire(identity->user_type)->needs_portal))
		BaAccessRequirePermission(caller);
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
bool
BaAccessIsAdministrator(const BaCaller *caller)
{
	if (caller->is_operator)
		return true;
	if (caller->identity == NULL)
		RefuseWithoutSession(caller);
	return BaUserTypeRequire(caller->identity->user_type)->holds_all_permissions;
}

void
BaAccessRequireAdministrator(const BaCaller *caller, const char *rule, const char *what)
{
	if (!BaAccessIsAdministrator(caller))
		BaAccessRefuse(caller, rule,
					   psprintf("Only a company administrator may %s.", what));
}
