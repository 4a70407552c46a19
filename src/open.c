/*
 * open.c
 *	  Opening the instance, once after CREATE EXTENSION, a restore or pg_upgrade.
 *
 * Everything that a dump leaves out, or that a restore can leave askew, is put
 * right or refused here: seeds, partitions, owner, row security, foreign keys, the
 * state of triggers, rules that look at several tables, grants.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "access.h"
#include "args.h"
#include "audit.h"
#include "audit_partition.h"
#include "bestauth.h"
#include "decision.h"
#include "errors.h"
#include "grant.h"
#include "instance.h"
#include "mail_template.h"
#include "permission.h"
#include "query.h"

PG_FUNCTION_INFO_V1(bestauth_open_instance);

static BaQuery set_name = {
	.sql =
		"INSERT INTO bestauth.instance AS i (name) VALUES ($1)"
		" ON CONFLICT (singleton) DO UPDATE SET name = excluded.name WHERE i.name <> excluded.name",
};

static BaQuery mark_open = {
	.sql = "INSERT INTO bestauth.instance_open (system_id, database) VALUES ($1, $2)",
};

/* Tables whose owner or row security a restore has changed. */
static BaQuery find_altered = {
	.sql =
		"SELECT c.oid::regclass::text, c.relowner <> (SELECT oid FROM pg_roles WHERE rolname = 'bestauth_owner')"
		" FROM pg_class c WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind IN ('r', 'p')"
		" AND (NOT c.relrowsecurity"
		" OR c.relowner <> (SELECT oid FROM pg_roles WHERE rolname = 'bestauth_owner'))",
};

/* Triggers of ours that do not fire always; those of a view can't. */
static BaQuery find_sleeping = {
	.sql =
		"SELECT t.tgrelid::regclass::text, quote_ident(t.tgname) FROM pg_trigger t"
		" JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid"
		" WHERE c.relnamespace = 'bestauth'::regnamespace AND p.pronamespace = 'bestauth'::regnamespace"
		" AND c.relkind <> 'v' AND NOT t.tgisinternal AND t.tgenabled <> 'A'",
};

static BaQuery find_unguarded = {
	.sql =
		"SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'bestauth'::regnamespace"
		" AND c.relkind IN ('r', 'p') AND c.relname LIKE 'audit\\_log%' AND NOT EXISTS"
		" (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'guard')",
};

/* What anybody was granted, by whatever way: grant_access() comes after. */
static BaQuery find_granted = {
	.sql = "SELECT statement FROM bestauth.granted_privilege",
};

/* Triggers of others, which would run with the owner's rights. */
static BaQuery find_strange = {
	.sql =
		"SELECT t.tgrelid::regclass::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
		" JOIN pg_proc p ON p.oid = t.tgfoid WHERE c.relnamespace = 'bestauth'::regnamespace"
		" AND p.pronamespace <> 'bestauth'::regnamespace AND NOT t.tgisinternal",
};

/* Foreign keys that are not there yet. */
static BaQuery find_unreferenced = {
	.sql =
		"SELECT format('ALTER TABLE bestauth.%I ADD CONSTRAINT %I %s', r.relation, r.name, r.definition)"
		" FROM bestauth.reference_rule r WHERE NOT EXISTS (SELECT FROM pg_constraint c"
		" WHERE c.conname = r.name AND c.conrelid = format('bestauth.%I', r.relation)::regclass)"
		" ORDER BY r.relation, r.name",
};

/* Rules over several tables, which triggers do not ask while rows are restored. */
static BaQuery find_broken_rule = {
	.sql =
		"SELECT 'MCM-1', 'company ' || c.code || ' has a parent that is not there, or is a child itself'"
		" FROM bestauth.company c LEFT JOIN bestauth.company p ON p.company_id = c.parent_id"
		" WHERE c.parent_id IS NOT NULL AND (p.company_id IS NULL OR p.parent_id IS NOT NULL)"
		" UNION ALL SELECT 'MCM-3', 'user ' || u.username || ' was given a company, and is in a portal'"
		" FROM bestauth.user_company d JOIN bestauth.user_account u ON u.user_id = d.user_id"
		" WHERE u.portal_id IS NOT NULL"
		" UNION ALL SELECT 'TPB-7', 'key ' || k.username || ' admits a person that is not a restricted user of its service'"
		" FROM bestauth.billing_user_person a JOIN bestauth.user_account k ON k.user_id = a.user_id"
		" JOIN bestauth.user_account p ON p.user_id = a.person_id"
		" WHERE k.billing_service_id IS DISTINCT FROM p.company_id"
		" UNION ALL SELECT 'B-09', 'user ' || u.username || ' has a password, or is known by no assertion'"
		" FROM bestauth.user_account u LEFT JOIN bestauth.sso_person p ON p.user_id = u.user_id"
		" LEFT JOIN bestauth.credential c ON c.user_id = u.user_id"
		" WHERE (u.user_type = 'federated' AND (p.user_id IS NULL OR c.password_hash IS NOT NULL))"
		" OR (u.user_type <> 'federated' AND p.user_id IS NOT NULL)"
		" UNION ALL SELECT 'PRT-3', 'a role carries the permission ' || r.permission"
		" FROM bestauth.role_permission r JOIN bestauth.permission p ON p.name = r.permission"
		" WHERE p.by_name_only OR p.client_only"
		" UNION ALL SELECT 'PRT-9', 'user ' || u.username || ' holds the permission ' || g.permission"
		" FROM bestauth.user_permission g JOIN bestauth.permission p ON p.name = g.permission"
		" JOIN bestauth.user_account u ON u.user_id = g.user_id"
		" WHERE p.client_only OR u.user_type NOT IN (SELECT user_type FROM bestauth.user_type_rules() WHERE may_hold_permissions)"
		" UNION ALL SELECT 'PRV-7', 'claims are of a company that is not there'"
		" FROM bestauth.historical_claim h LEFT JOIN bestauth.company c USING (company_id)"
		" WHERE c.company_id IS NULL"
		" UNION ALL SELECT 'PRT-2', 'account ' || u.username || ' is in a portal of another kind or company'"
		" FROM bestauth.user_account u JOIN bestauth.portal p ON p.portal_id = u.portal_id"
		" WHERE p.company_id <> u.company_id OR p.kind <> u.user_type"
		" UNION ALL SELECT 'PRT-2', 'account ' || u.username || ' is of a contact that can have none'"
		" FROM bestauth.user_account u JOIN bestauth.contact c ON c.contact_id = u.contact_id"
		" WHERE c.company_id <> u.company_id OR (u.deleted_at IS NULL AND c.contact_type NOT IN ('client', 'individual'))"
		" UNION ALL SELECT 'PRV-12', 'account ' || u.username || ' is of an office, or a provider, of another portal or office'"
		" FROM bestauth.user_account u JOIN bestauth.office o ON o.office_id = u.office_id"
		" LEFT JOIN bestauth.provider v ON v.provider_id = u.provider_id"
		" WHERE o.portal_id <> u.portal_id OR v.office_id <> u.office_id"
		" UNION ALL SELECT 'PRV-12', 'account ' || u.username || ' was made for an employee of another office or provider'"
		" FROM bestauth.user_account u JOIN bestauth.employee e ON e.employee_id = u.employee_id"
		" WHERE e.office_id IS DISTINCT FROM u.office_id OR e.provider_id IS DISTINCT FROM coalesce(u.provider_id, e.provider_id)"
		" UNION ALL SELECT 'PRV-12', 'an employee is of an office of another company, or of a provider of another office'"
		" FROM bestauth.employee e JOIN bestauth.office o ON o.office_id = e.office_id"
		" LEFT JOIN bestauth.provider v ON v.provider_id = e.provider_id"
		" WHERE o.company_id <> e.company_id OR v.office_id <> e.office_id"
		" UNION ALL SELECT 'PRV-1', 'provider ' || v.npi || ' is not of the company of its office'"
		" FROM bestauth.provider v JOIN bestauth.office o ON o.office_id = v.office_id WHERE v.company_id <> o.company_id"
		" UNION ALL SELECT 'PRV-1', 'office ' || o.identifier || ' is not in a provider portal of its company'"
		" FROM bestauth.office o JOIN bestauth.portal p ON p.portal_id = o.portal_id"
		" WHERE p.company_id <> o.company_id OR p.kind <> 'provider'"
		" UNION ALL SELECT 'PRV-10', 'registration ' || r.registration_id::text || ' is of an office, provider or account of another place'"
		" FROM bestauth.registration r LEFT JOIN bestauth.office o ON o.office_id = r.office_id"
		" LEFT JOIN bestauth.provider v ON v.provider_id = r.provider_id"
		" LEFT JOIN bestauth.user_account u ON u.user_id = r.user_id"
		" WHERE o.portal_id <> r.portal_id OR v.office_id IS DISTINCT FROM CASE WHEN v.office_id IS NOT NULL THEN r.office_id END"
		" OR u.portal_id <> r.portal_id"
		" UNION ALL SELECT 'PRV-10', 'registration ' || r.registration_id::text || ' has another status than its history'"
		" FROM bestauth.registration r WHERE r.history -> -1 ->> 'to' IS DISTINCT FROM r.status"
		" LIMIT 1",
};

/* Nobody opens beside another; a second one finds it open. */
static void
LockInstance(void)
{
	BaQueryText("LOCK TABLE bestauth.instance_open IN EXCLUSIVE MODE");
	if (BaInstanceIsOpen())
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("bestauth instance is open already")));
}

static void
RequireOwner(void)
{
	static BaQuery find_fault = {
		.sql =
			"SELECT true FROM pg_roles r WHERE r.rolname = 'bestauth_owner' AND (r.rolcanlogin OR r.rolsuper"
			" OR r.rolbypassrls OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication"
			" OR EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = r.oid OR m.member = r.oid))",
	};
	BaArgs args = {0};
	BaRow row;

	if (BaQueryRow(&find_fault, &args, &row))
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("role \"%s\" can be used by somebody", BA_OWNER),
			 errdetail(
				 "It must not be able to log in, have attributes of its own, have members or be one."),
			 BaErrRule("L-09")));
}

/* Row security, foreign keys, triggers and guards as they are meant. */
static void
AssertTables(void)
{
	BaArgs args = {0};
	BaRow row;
	ListCell *cell;

	foreach (cell, BaQueryRows(&find_altered, &args))
	{
		if (BaGetBool(lfirst(cell), 1))
			ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
							errmsg("table %s is not owned by \"%s\"",
								   BaGetText(lfirst(cell), 0), BA_OWNER),
							BaErrRule("L-09")));
		BaQueryText(psprintf("ALTER TABLE %s ENABLE ROW LEVEL SECURITY",
							 BaGetText(lfirst(cell), 0)));
	}
	if (BaQueryRow(&find_strange, &args, &row))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("table %s has a trigger that is not bestauth's",
							   BaGetText(&row, 0)),
						BaErrRule("L-09")));
	foreach (cell, BaQueryRows(&find_granted, &args))
		BaQueryText(BaGetText(lfirst(cell), 0));
	foreach (cell, BaQueryRows(&find_unreferenced, &args))
		BaQueryText(BaGetText(lfirst(cell), 0));
	foreach (cell, BaQueryRows(&find_unguarded, &args))
		BaAuditGuard(BaGetText(lfirst(cell), 0));
	foreach (cell, BaQueryRows(&find_sleeping, &args))
		BaQueryText(psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s",
							 BaGetText(lfirst(cell), 0), BaGetText(lfirst(cell), 1)));
}

static void
CheckRules(void)
{
	BaArgs args = {0};
	BaRow row;

	if (BaQueryRow(&find_broken_rule, &args, &row))
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION), errmsg("restored rows break a rule"),
				 errdetail("%s.", BaGetText(&row, 1)), BaErrRule(BaGetText(&row, 0))));
}

/*
 * A cluster that was set back, by an old base backup, gives numbers of transactions again; an
 * audit that was dumped from it later knows them as over. Its rows would come after the seal.
 */
static void
RequireNumbers(void)
{
	static BaQuery find_later = {
		.sql =
			"SELECT n.last FROM (SELECT pg_snapshot_xmax(snapshot)::text FROM bestauth.audit_block"
			" WHERE system_id = $1 AND kind = 'rows' AND pg_snapshot_xmax(snapshot) > pg_current_xact_id()"
			" UNION ALL SELECT transaction_id::text FROM bestauth.audit_log"
			" WHERE system_id = $1 AND transaction_id > pg_current_xact_id()) n (last)"
			" ORDER BY n.last::numeric DESC LIMIT 1",
		.latest = true,
	};
	BaArgs args = {0};
	BaRow row;

	BaPutLong(&args, BaSystemId());
	if (BaQueryRow(&find_later, &args, &row))
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg(
				 "this cluster gives numbers of transactions that the audit knows as over"),
			 errdetail("The audit goes up to transaction %s.", BaGetText(&row, 0)),
			 errhint(
				 "Stop the server, and raise the next transaction ID above that with pg_resetwal."),
			 BaErrRule("AUD-6")));
}

static char *
SetName(char *name)
{
	BaArgs args = {0};

	if (name == NULL && (name = BaInstanceName()) != NULL)
		return name;
	if (name == NULL)
		name = get_database_name(MyDatabaseId);
	if (!BaInstanceNameIsValid(name))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("instance name \"%s\" is not valid", name),
			 errdetail(
				 "It has ASCII letters, digits, dots, dashes and underscores, and begins with a letter or digit.")));
	BaPutText(&args, name);
	(void) BaQueryExec(&set_name, &args);
	return name;
}

static void
MarkOpen(void)
{
	BaArgs args = {0};

	BaPutLong(&args, BaSystemId());
	BaPut(&args, OIDOID, ObjectIdGetDatum(MyDatabaseId), false);
	(void) BaQueryExec(&mark_open, &args);
}

Datum
bestauth_open_instance(PG_FUNCTION_ARGS)
{
	char *name = BaArgTextOrNull(fcinfo, 0, "name", BA_MAX_CODE);
	BaAudit audit;

	if (!superuser())
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied for function open_instance"),
						errdetail("It is for a superuser."), BaErrRule("AUD-1")));
	LockInstance();
	RequireOwner();
	RequireNumbers();
	BaAuditMakePartitions();
	AssertTables();
	CheckRules();
	BaPermissionSeed();
	BaMailTemplateSeed();
	BaDeclineReasonSeed();
	name = SetName(name);
	BaGrantApplyAll();
	MarkOpen();
	BaAuditStart(&audit, "instance.opened");
	audit.object_type = "instance";
	audit.object_id = name;
	BaAuditWrite(&audit);
	PG_RETURN_TEXT_P(cstring_to_text(name));
}
