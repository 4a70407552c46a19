/*
 * grant.c
 *	  Which database role may call what: access_grant says who has which access,
 *	  access_rule what that gives. Nothing is granted in any other way.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "access.h"
#include "args.h"
#include "audit.h"
#include "bestauth.h"
#include "errors.h"
#include "grant.h"
#include "instance.h"
#include "query.h"

PG_FUNCTION_INFO_V1(bestauth_grant_access);
PG_FUNCTION_INFO_V1(bestauth_revoke_access);

static BaQuery insert_grant = {
	.sql =
		"INSERT INTO bestauth.access_grant AS g (role_name, access, role_id, system_id)"
		" VALUES ($1, $2, $3, $4) ON CONFLICT (role_name, access) DO UPDATE"
		" SET role_id = excluded.role_id, system_id = excluded.system_id"
		" WHERE (g.role_id, g.system_id) <> (excluded.role_id, excluded.system_id)",
};

static BaQuery delete_grant = {
	.sql =
		"DELETE FROM bestauth.access_grant WHERE (role_name = $1 OR role_id = $3) AND access = $2",
	.latest = true,
};

/* A role may have been renamed since. */
static BaQuery follow_names = {
	.sql = "UPDATE bestauth.access_grant g SET role_name = r.rolname FROM pg_roles r"
		   " WHERE g.system_id = $1 AND r.oid = g.role_id AND r.rolname <> g.role_name"
		   " AND NOT EXISTS (SELECT FROM bestauth.access_grant o"
		   " WHERE o.role_name = r.rolname AND o.access = g.access)",
	.latest = true,
};

/* In another cluster roles have other numbers. */
static BaQuery follow_cluster = {
	.sql =
		"UPDATE bestauth.access_grant g SET role_id = r.oid, system_id = $1 FROM pg_roles r"
		" WHERE g.system_id <> $1 AND r.rolname = g.role_name",
};

static BaQuery list_grants = {
	.sql =
		"SELECT role_name, access FROM bestauth.access_grant ORDER BY role_name, access",
	.latest = true,
};

static BaQuery list_role_grants = {
	.sql = "SELECT role_name, access FROM bestauth.access_grant WHERE role_name = $1",
	.latest = true,
};

static BaQuery list_rules = {
	.sql = "SELECT object, privilege FROM bestauth.access_rule WHERE access @> ARRAY[$1]",
};

static void
ApplyRules(const char *verb, const char *preposition, const char *role,
		   const char *access)
{
	const char *grantee = quote_identifier(role);
	BaArgs args = {0};
	ListCell *cell;

	BaQueryText(
		psprintf("%s USAGE ON SCHEMA bestauth %s %s", verb, preposition, grantee));
	BaPutText(&args, access);
	foreach (cell, BaQueryRows(&list_rules, &args))
	{
		BaRow *row = lfirst(cell);

		BaQueryText(psprintf("%s %s ON %s %s %s", verb, BaGetText(row, 1),
							 BaGetText(row, 0), preposition, grantee));
	}
}

static void
GrantRows(List *rows)
{
	ListCell *cell;

	foreach (cell, rows)
	{
		char *role = BaGetText(lfirst(cell), 0);

		if (OidIsValid(get_role_oid(role, true)))
			ApplyRules("GRANT", "TO", role, BaGetText(lfirst(cell), 1));
		else
			ereport(WARNING,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("role \"%s\" does not exist, its access is not granted",
							role)));
	}
}

static void
FollowNames(void)
{
	BaArgs args = {0};

	BaPutLong(&args, BaSystemId());
	(void) BaQueryExec(&follow_names, &args);
}

/* After a restore or an upgrade: what the table says is granted again. */
void
BaGrantApplyAll(void)
{
	BaArgs args = {0};

	FollowNames();
	BaPutLong(&args, BaSystemId());
	(void) BaQueryExec(&follow_cluster, &args);
	memset(&args, 0, sizeof(args));
	GrantRows(BaQueryRows(&list_grants, &args));
}

static void
TakeArguments(FunctionCallInfo fcinfo, char **role, char **access)
{
	(void) BaAccessCaller(fcinfo);
	if (PG_ARGISNULL(0) || PG_GETARG_OID(0) == ACL_ID_PUBLIC)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("access is granted to a role, not to PUBLIC"),
						BaErrRule("L-05")));
	*role = GetUserNameFromId(PG_GETARG_OID(0), false);
	*access = BaArgText(fcinfo, 1, "access", BA_MAX_CODE);
	BaAccessRequireKnown(*access);
	FollowNames();
}

static void
AuditGrant(const char *action, const char *role, const char *access)
{
	BaAudit audit;
	BaJson detail;

	BaAuditStart(&audit, action);
	audit.object_type = "database_role";
	audit.object_id = role;
	BaJsonStart(&detail);
	BaJsonText(&detail, "access", access);
	audit.detail = BaJsonFinish(&detail);
	BaAuditWrite(&audit);
}

Datum
bestauth_grant_access(PG_FUNCTION_ARGS)
{
	char *role;
	char *access;
	BaArgs args = {0};

	TakeArguments(fcinfo, &role, &access);
	BaPutText(&args, role);
	BaPutText(&args, access);
	BaPut(&args, OIDOID, PG_GETARG_DATUM(0), false);
	BaPutLong(&args, BaSystemId());
	if (BaQueryExec(&insert_grant, &args) > 0)
		AuditGrant("access.granted", role, access);
	ApplyRules("GRANT", "TO", role, access);
	PG_RETURN_VOID();
}

Datum
bestauth_revoke_access(PG_FUNCTION_ARGS)
{
	char *role;
	char *access;
	BaArgs args = {0};

	TakeArguments(fcinfo, &role, &access);
	BaPutText(&args, role);
	BaPutText(&args, access);
	BaPut(&args, OIDOID, PG_GETARG_DATUM(0), false);
	if (BaQueryExec(&delete_grant, &args) == 0)
		PG_RETURN_VOID();
	ApplyRules("REVOKE", "FROM", role, access);

	/* What another access of the same role gives comes back. */
	memset(&args, 0, sizeof(args));
	BaPutText(&args, role);
	GrantRows(BaQueryRows(&list_role_grants, &args));
	AuditGrant("access.revoked", role, access);
	PG_RETURN_VOID();
}
