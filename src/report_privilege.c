/*
 * report_privilege.c
 *	  Who gave or took which right, from whom. An act says it in one row; a change of a
 *	  row is shown only where no act of the same transaction stands for it: direct SQL,
 *	  and accounts that a registration made.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/memutils.h"

#include "report_page.h"
#include "report_privilege.h"

PG_FUNCTION_INFO_V1(bestauth_privilege_changes);

#define AT_ONCE 500   /* rows looked at, where no page is asked for */
#define OF_A_CHANGE 9 /* $1 to $9 of describe_change, behind the report's columns */

/* Tables whose rows are rights, and the columns of a user that are. */
#define USER_RIGHTS \
	"'{user_type,billing_service_id,persons_limited,locked_at,deleted_at}'::text[]"
#define IS_ABOUT_RIGHTS \
	" AND a.outcome = 'success' AND (a.action IN ('access.granted', 'access.revoked'," \
	" 'billing_service.registered', 'billing_service.unregistered', 'billing_user.limited'," \
	" 'company.assigned', 'company.unassigned', 'permission.granted', 'permission.revoked'," \
	" 'role.assigned', 'role.created', 'role.deleted', 'role.unassigned', 'role.updated'," \
	" 'user.created', 'user.deleted', 'user.locked', 'user.restored', 'user.unlocked')" \
	" OR (a.action IN ('row.inserted', 'row.updated', 'row.deleted', 'table.truncated')" \
	" AND a.object_type IN ('bestauth.access_grant', 'bestauth.billing_service'," \
	" 'bestauth.billing_user_person', 'bestauth.role_company', 'bestauth.role_permission'," \
	" 'bestauth.user_account', 'bestauth.user_company', 'bestauth.user_permission'," \
	" 'bestauth.user_role') AND (a.object_type <> 'bestauth.user_account'" \
	" OR a.action <> 'row.updated' OR a.new_values ?| " USER_RIGHTS ")))"

/* Roles given to a new user have acts of their own. */
#define CANDIDATE \
	"a.audit_id, a.occurred_at, a.company_code, a.username, a.person, a.billing_service_code," \
	" a.db_role, a.action," \
	" CASE WHEN a.action IN ('role.assigned', 'role.unassigned') THEN a.detail->>'username'" \
	" ELSE a.object_id END," \
	" CASE WHEN a.action IN ('role.assigned', 'role.unassigned')" \
	" THEN jsonb_build_object('role', a.object_id)" \
	" WHEN a.action = 'user.created' AND a.detail IS NOT NULL" \
	" THEN a.detail - '{roles,role,employee}'::text[] ELSE coalesce(a.detail, '{}') END, " BA_REPORT_NEXT \
	", a.action," \
	" CASE WHEN split_part(a.action, '.', 1) IN ('row', 'table')" \
	" THEN split_part(a.object_type, '.', 2) END, a.object_id, a.old_values, a.new_values," \
	" a.transaction_id, a.system_id, a.transaction_at, a.company_id"

static BaQuery find_candidates[] = BA_REPORT_QUERIES(CANDIDATE, IS_ABOUT_RIGHTS);
static BaQuery find_latest[] = BA_REPORT_QUERIES_LATEST(CANDIDATE, IS_ABOUT_RIGHTS);

static const Oid types_of_a_change[OF_A_CHANGE] = {
	TEXTOID, TEXTOID, TEXTOID,        JSONBOID, JSONBOID,
	XID8OID, INT8OID, TIMESTAMPTZOID, UUIDOID,
};

/* Other rows of the transaction. */
#define TOGETHER \
	" FROM bestauth.audit_log b WHERE b.transaction_id = $6 AND b.system_id = $7 AND b.occurred_at >= $8"

/*
 * Of a changed row: whose right it is, what changed, and whether an act says so too. A
 * key is a uuid, or two, or ends in a name behind its last comma. A role that went in the
 * same transaction is called what it was then; one that went later has no name any more,
 * and any act on a role will do. An act on a role says what it has from then on.
 */
static BaQuery describe_change = {
	.sql =
		"WITH k AS (SELECT CASE WHEN $2 <> 'access_grant' THEN left($3, 36)::uuid END AS first_id,"
		" CASE WHEN $2 IN ('billing_user_person', 'role_company', 'user_company', 'user_role')"
		" THEN right($3, 36)::uuid END AS second_id,"
		" CASE WHEN $2 IN ('access_grant', 'role_permission', 'user_permission')"
		" THEN substring($3, '[^,]*$') END AS name),"
		" n AS MATERIALIZED (SELECT coalesce(u.username, r.name, c.code, CASE $2"
		" WHEN 'access_grant' THEN substring($3, '^(.*),[^,]*$') END) AS subject,"
		" coalesce(k.name, u2.username, r2.name, c2.code, coalesce($5, $4)->>'user_type') AS given,"
		" '{\"access_grant\": \"access\", \"billing_user_person\": \"person\", \"role_company\": \"company\","
		" \"role_permission\": \"permission\", \"user_account\": \"user_type\", \"user_company\": \"company\","
		" \"user_permission\": \"permission\", \"user_role\": \"role\"}'::jsonb->>$2 AS kind,"
		" '{\"access_grant row.inserted\": \"access.granted\", \"access_grant row.deleted\": \"access.revoked\","
		" \"user_company row.inserted\": \"company.assigned\", \"user_company row.deleted\": \"company.unassigned\","
		" \"user_permission row.inserted\": \"permission.granted\","
		" \"user_permission row.deleted\": \"permission.revoked\","
		" \"user_role row.inserted\": \"role.assigned\", \"user_role row.deleted\": \"role.unassigned\"}'::jsonb"
		"->>concat($2, ' ', $1) AS act, k.first_id, k.second_id"
		" FROM k LEFT JOIN bestauth.user_account u ON u.user_id = k.first_id"
		" LEFT JOIN bestauth.company c ON c.company_id = k.first_id"
		" LEFT JOIN LATERAL (SELECT r.name FROM bestauth.role r WHERE r.role_id = k.first_id UNION ALL"
		" SELECT b.old_values->>'name'" TOGETHER
		" AND b.action = 'row.deleted' AND b.object_type = 'bestauth.role'"
		" AND b.object_id = k.first_id::text AND $2 LIKE 'role%' LIMIT 1) r ON true"
		" LEFT JOIN bestauth.user_account u2 ON u2.user_id = k.second_id"
		" LEFT JOIN bestauth.role r2 ON r2.role_id = k.second_id"
		" LEFT JOIN bestauth.company c2 ON c2.company_id = k.second_id)"
		" SELECT coalesce(n.subject, n.first_id::text), CASE WHEN $1 = 'row.updated'"
		" THEN jsonb_build_object('table', $2, 'old', $4 - o.others, 'new', $5 - o.others)"
		" ELSE jsonb_strip_nulls(jsonb_build_object('table', $2,"
		" coalesce(n.kind, 'none'), coalesce(n.given, n.second_id::text))) END,"
		" EXISTS (SELECT" TOGETHER
		" AND b.company_id IS NOT DISTINCT FROM $9 AND b.outcome = 'success' AND CASE"
		" WHEN $2 = 'user_role'"
		" THEN b.action = n.act AND b.object_id = coalesce(n.given, b.object_id)"
		" AND b.detail->>'username' = n.subject"
		" WHEN b.object_id IS DISTINCT FROM coalesce(n.subject, b.object_id) THEN false"
		" WHEN n.act = b.action THEN b.detail->>n.kind = n.given"
		" WHEN $2 = 'user_permission' THEN $1 = 'row.inserted' AND b.action = 'user.created'"
		" AND b.detail->'permissions' ? n.given"
		" WHEN $2 IN ('role_permission', 'role_company')"
		" THEN b.action IN ('role.created', 'role.updated', 'role.deleted') AND ($1 = 'row.inserted') ="
		" EXISTS (SELECT FROM jsonb_array_elements_text(b.detail->CASE $2 WHEN 'role_company'"
		" THEN 'companies' ELSE 'permissions' END) e (given) WHERE lower(e.given COLLATE \"C\") = lower(n.given COLLATE \"C\"))"
		" WHEN $2 = 'billing_service' THEN b.action LIKE 'billing_service.%'"
		" WHEN $2 = 'billing_user_person' THEN b.action = 'billing_user.limited'"
		" WHEN $2 = 'user_account' THEN CASE $1 WHEN 'row.inserted' THEN b.action = 'user.created'"
		" ELSE NOT $5 ?| '{user_type,billing_service_id}'"
		" AND (b.action IN ('user.locked', 'user.unlocked') OR NOT $5 ? 'locked_at')"
		" AND (b.action IN ('user.deleted', 'user.restored') OR NOT $5 ? 'deleted_at')"
		" AND (b.action = 'billing_user.limited' OR NOT $5 ? 'persons_limited') END END)"
		" FROM n, (SELECT coalesce(array_agg(e.key), '{}') AS others FROM jsonb_object_keys($5) e (key)"
		" WHERE $2 = 'user_account' AND e.key <> ALL (" USER_RIGHTS ")) o",
};

/* Puts in what a changed row is about. False if an act stands for it. */
static bool
Describe(BaRow *row)
{
	BaArgs args = {0};
	BaRow found;
	int i;

	if (row->nulls[BA_PRIVILEGE_COLUMNS + 1])
		return true; /* an act */
	for (i = 0; i < OF_A_CHANGE; i++)
		BaPut(&args, types_of_a_change[i], row->values[BA_PRIVILEGE_COLUMNS + i],
			  row->nulls[BA_PRIVILEGE_COLUMNS + i]);
	(void) BaQueryRow(&describe_change, &args, &found);
	if (BaGetBool(&found, 2))
		return false;
	for (i = 0; i < 2; i++)
	{
		row->values[BA_PRIVILEGE_SUBJECT + i] = found.values[i];
		row->nulls[BA_PRIVILEGE_SUBJECT + i] = found.nulls[i];
	}
	return true;
}

/* Where the following rows are looked for: behind this one. */
static void
GoOnBehind(BaReport *report, const BaRow *row)
{
	report->args.values[3] = row->values[1];
	report->args.nulls[3] = ' ';
	report->args.values[4] = row->values[0];
}

/*
 * Shows one row after the other, of those that are not looked at twice: "most" of them, 0
 * for all. Rows that an act stands for are many, so it can take several looks.
 */
void
BaPrivilegesEach(BaReport *report, bool latest_first, int64 most,
				 void (*show)(void *to, BaRow *row), void *to)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "privileges", ALLOCSET_DEFAULT_SIZES);
	BaQuery *queries = latest_first ? find_latest : find_candidates;
	int64 at_once = most > 0 ? most : AT_ONCE;
	int64 shown = 0;
	int seen;

	report->args.values[5] = Int64GetDatum(at_once);
	report->args.nulls[5] = ' ';
	do
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		List *rows = BaQueryRows(&queries[report->one_company], &report->args);
		ListCell *cell;

		seen = list_length(rows);
		foreach (cell, rows)
		{
			GoOnBehind(report, lfirst(cell));
			if (Describe(lfirst(cell)))
			{
				show(to, lfirst(cell));
				shown++;
			}
			if (most > 0 && shown == most)
				break;
		}
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	} while (seen == at_once && (most == 0 || shown < most));
	MemoryContextDelete(context);
}

static void
Return(void *to, BaRow *row)
{
	ReturnSetInfo *result = to;

	tuplestore_putvalues(result->setResult, result->setDesc, row->values, row->nulls);
}

Datum
bestauth_privilege_changes(PG_FUNCTION_ARGS)
{
	BaReport report;

	BaReportPage(&report, fcinfo, 0, 2);
	BaReportAudit(&report);
	InitMaterializedSRF(fcinfo, 0);
	BaPrivilegesEach(&report, false, PG_ARGISNULL(3) ? 0 : PG_GETARG_INT32(3), Return,
					 fcinfo->resultinfo);
	return (Datum) 0;
}
