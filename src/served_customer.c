/*
 * served_customer.c
 *	  Which customers a billing service serves [TPB-8]: those of this database, and those
 *	  of other instances, whose operators hand over what they have. A login asks nobody
 *	  elsewhere, and goes by nothing of this: the key's own instance decides.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "args.h"
#include "bestauth.h"
#include "company.h"
#include "errors.h"
#include "instance.h"
#include "json.h"
#include "permission.h"
#include "query.h"
#include "served_customer.h"
#include "served_import.h"
#include "username.h"

PG_FUNCTION_INFO_V1(bestauth_list_served_customers);
PG_FUNCTION_INFO_V1(bestauth_export_served_customers);
PG_FUNCTION_INFO_V1(bestauth_import_served_customers);

#define MAX_AFTER (2 * BA_MAX_CODE + BA_MAX_USERNAME + 2)

/* Keys that may be used: those that their company has neither locked nor deleted. */
#define USABLE \
	"u.billing_service_id = $1 AND u.locked_at IS NULL AND u.deleted_at IS NULL"
#define REGISTERED \
	"EXISTS (SELECT FROM bestauth.billing_service b WHERE b.company_id = $1 AND b.unregistered_at IS NULL)"
#define FOLDED(name) "lower(" name " COLLATE \"C\")"

/* Names as they are compared, of u a key, c its company, s what an instance told. */
#define KEY FOLDED("u.username")
#define CUSTOMER FOLDED("c.code")
#define TOLD_KEY FOLDED("s.username")
#define TOLD_CUSTOMER FOLDED("s.audience")
#define PERSON FOLDED("p.name")
#define SELF FOLDED("$3")
#define ASKED_CUSTOMER FOLDED("$2")

/* Where a page begins. */
#define CUSTOMER_AFTER FOLDED("$4")
#define KEY_AFTER FOLDED("$5")
#define AFTER "(" CUSTOMER_AFTER ", " KEY_AFTER ")"

#define PERMISSIONS BA_PERMISSIONS_HELD("u.user_id")
#define PERMISSIONS_HERE BA_PERMISSIONS_HELD("k.user_id")

/*
 * A page, in the order of company and user name; what costs something is asked of its rows
 * alone. $1 service, $2 person and $3 their user name, $4 and $5 where the page before
 * ended, $6 rows.
 */
#define PAGE_HERE \
	"SELECT c.code AS company, c.name, u.username, u.user_id, NULL::text[] AS permissions," \
	" " CUSTOMER " AS first, " KEY " AS second" \
	" FROM bestauth.user_account u JOIN bestauth.company c ON c.company_id = u.company_id" \
	" WHERE " USABLE \
	" AND (NOT u.persons_limited OR EXISTS (SELECT FROM bestauth.billing_user_person p" \
	" WHERE p.user_id = u.user_id AND p.person_id = $2))" \
	" AND " CUSTOMER " >= " CUSTOMER_AFTER " AND (" CUSTOMER ", " KEY ") > " AFTER \
	" ORDER BY first, second LIMIT $6"
#define PAGE_ELSEWHERE \
	"SELECT s.audience, s.name, s.username, NULL::uuid, s.permissions," \
	" " TOLD_CUSTOMER " AS first, " TOLD_KEY " AS second" \
	" FROM bestauth.served_customer s WHERE s.company_id = $1" \
	" AND (s.persons IS NULL OR EXISTS (SELECT FROM unnest(s.persons) AS p (name)" \
	" WHERE " PERSON " = " SELF "))" \
	" AND (" TOLD_CUSTOMER ", " TOLD_KEY ") > " AFTER " ORDER BY first, second LIMIT $6"

static BaQuery list_customers = {
	.sql =
		"SELECT k.company, k.name, k.username, coalesce(k.permissions, " PERMISSIONS_HERE
		"),"
		" CASE WHEN k.user_id IS NULL THEN (SELECT w.last_used_at FROM bestauth.served_customer_use w"
		" WHERE w.user_id = $2 AND w.audience = k.first)"
		" ELSE (SELECT max(l.last_used_at) FROM bestauth.session s JOIN bestauth.session_use l ON l.session_id = s.session_id"
		" WHERE s.user_id = k.user_id AND s.person_id = $2 AND s.billing_service_id IS NOT NULL) END,"
		" k.company || ' ' || k.username"
		" FROM ((" PAGE_HERE ") UNION ALL (" PAGE_ELSEWHERE ")) k"
		" WHERE " REGISTERED " ORDER BY k.first, k.second LIMIT $6",
	.custom = true,
};

/* Whom a limited key admits, of those who may come in. */
#define PERSONS_OF_KEY \
	"(SELECT coalesce(jsonb_agg(p.username ORDER BY lower(p.username COLLATE \"C\")), '[]')" \
	" FROM bestauth.billing_user_person a JOIN bestauth.user_account p ON p.user_id = a.person_id" \
	" WHERE a.user_id = u.user_id AND p.locked_at IS NULL AND p.deleted_at IS NULL)"

static BaQuery export_customers = {
	.sql =
		"SELECT jsonb_build_object('instance', $2, 'billing_service', $3,"
		" 'made_at', to_char($4 AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),"
		" 'customers', coalesce(jsonb_agg(t.customer ORDER BY t.code), '[]')), coalesce(sum(t.keys), 0)::bigint"
		" FROM (SELECT " CUSTOMER " AS code, count(*) AS keys,"
		" jsonb_build_object('company', c.code, 'name', c.name, 'keys', jsonb_agg(jsonb_build_object("
		"'username', u.username, 'permissions', to_jsonb(" PERMISSIONS "),"
		" 'persons', CASE WHEN u.persons_limited THEN " PERSONS_OF_KEY " END)"
		" ORDER BY " KEY ")) AS customer"
		" FROM bestauth.user_account u JOIN bestauth.company c ON c.company_id = u.company_id"
		" WHERE " USABLE " AND " REGISTERED " GROUP BY c.company_id) t",
	.latest = true,
};

/* The keys of an import: $3 is the whole, $2 the instance. */
#define TOLD \
	" FROM jsonb_array_elements($3->'customers') AS c (customer), jsonb_array_elements(c.customer->'keys') AS k (key)"
#define AUDIENCE "$2 || '/' || (c.customer->>'company')"
#define NEW_CUSTOMER "lower((" AUDIENCE ") COLLATE \"C\")"
#define NEW_KEY "lower((k.key->>'username') COLLATE \"C\")"
#define INSTANCE_FROM FOLDED("($2 || '/')")
#define INSTANCE_TO FOLDED("($2 || '0')") /* the sign behind the slash */
#define OF_INSTANCE \
	"s.company_id = $1 AND " TOLD_CUSTOMER " >= " INSTANCE_FROM " AND " TOLD_CUSTOMER \
	" < " INSTANCE_TO

static BaQuery find_repeated = {
	.sql = "SELECT min((" AUDIENCE
		   ") COLLATE \"C\"), min((k.key->>'username') COLLATE \"C\")" TOLD
		   " WHERE $1 IS NOT NULL GROUP BY " NEW_CUSTOMER ", " NEW_KEY
		   " HAVING count(*) > 1 LIMIT 1",
};

/* Its row is held from here on: of two imports one comes after the other. */
static BaQuery note_instance = {
	.sql =
		"INSERT INTO bestauth.served_instance AS i (company_id, instance, made_at) VALUES ($1, $2, $3)"
		" ON CONFLICT (company_id, lower(instance COLLATE \"C\")) DO UPDATE"
		" SET instance = excluded.instance, made_at = excluded.made_at WHERE i.made_at <= excluded.made_at",
	.latest = true,
};

static BaQuery delete_untold = {
	.sql = "DELETE FROM bestauth.served_customer s WHERE " OF_INSTANCE
		   " AND NOT EXISTS (SELECT" TOLD " WHERE " NEW_CUSTOMER " = " TOLD_CUSTOMER
		   " AND " NEW_KEY " = " TOLD_KEY ")",
	.latest = true,
};

/* Rows that stay as they are are not written, nor told to the audit. */
static BaQuery put_told = {
	.sql =
		"INSERT INTO bestauth.served_customer AS s (company_id, audience, name, username, permissions, persons)"
		" SELECT $1, " AUDIENCE ", c.customer->>'name', k.key->>'username',"
		" ARRAY(SELECT DISTINCT p.name COLLATE \"C\" FROM jsonb_array_elements_text(k.key->'permissions') AS p (name) ORDER BY 1),"
		" CASE WHEN jsonb_typeof(k.key->'persons') = 'array' THEN ARRAY(SELECT DISTINCT p.name COLLATE \"C\""
		" FROM jsonb_array_elements_text(k.key->'persons') AS p (name) ORDER BY 1) END" TOLD
		" ON CONFLICT (company_id, lower(audience COLLATE \"C\"), lower(username COLLATE \"C\")) DO UPDATE"
		" SET audience = excluded.audience, name = excluded.name, username = excluded.username,"
		" permissions = excluded.permissions, persons = excluded.persons"
		" WHERE (s.audience, s.name, s.username, s.permissions, s.persons) IS DISTINCT FROM"
		" (excluded.audience, excluded.name, excluded.username, excluded.permissions, excluded.persons)",
	.latest = true,
};

/* What nobody told the person's service of is not noted: else anybody could fill the table. */
static BaQuery find_told = {
	.sql = "SELECT " TOLD_CUSTOMER " FROM bestauth.served_customer s"
		   " JOIN bestauth.user_account u ON u.company_id = s.company_id"
		   " WHERE u.user_id = $1 AND " TOLD_CUSTOMER " = " ASKED_CUSTOMER " LIMIT 1",
	.latest = true,
};

/* It waits for no other use that is not committed yet: that was as late. */
static BaQuery touch_use = {
	.sql =
		"UPDATE bestauth.served_customer_use SET last_used_at = clock_timestamp() WHERE (user_id, audience) IN"
		" (SELECT user_id, audience FROM bestauth.served_customer_use WHERE user_id = $1 AND audience = $2"
		" FOR UPDATE SKIP LOCKED)",
	.latest = true,
};

static BaQuery insert_use = {
	.sql =
		"INSERT INTO bestauth.served_customer_use (user_id, audience, last_used_at) SELECT $1, $2, clock_timestamp()"
		" WHERE NOT EXISTS (SELECT FROM bestauth.served_customer_use WHERE user_id = $1 AND audience = $2)"
		" ON CONFLICT DO NOTHING",
	.latest = true,
};

/* A person of a service asked for an assertion for a customer, as instance/code. */
void
BaServedCustomerUsed(const pg_uuid_t *user_id, const char *audience)
{
	BaArgs asked = {0};
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&asked, user_id);
	BaPutText(&asked, audience);
	if (!BaQueryRow(&find_told, &asked, &row))
		return;
	BaPutUuid(&args, user_id);
	BaPutText(&args, BaGetText(&row, 0));
	if (BaQueryExec(&touch_use, &args) == 0)
		(void) BaQueryExec(&insert_use, &args);
}

/* -------------------------------------------------------------------- rules */

void
BaServedInstanceRule(BaRowEvent *event, bool restoring)
{
	char *instance = BaColumnRequireText(event, "instance");

	if (!BaInstanceNameIsValid(instance))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("instance name \"%s\" is not valid", instance),
						BaErrRule("TPB-8")));
}

void
BaServedCustomerRule(BaRowEvent *event, bool restoring)
{
	char *audience = BaColumnRequireText(event, "audience");
	char *slash = strchr(audience, '/');

	if (slash == NULL || !BaCompanyCodeIsValid(slash + 1) ||
		!BaInstanceNameIsValid(pnstrdup(audience, slash - audience)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("audience \"%s\" is not valid", audience),
				 errdetail("It is the name of an instance, a slash, and the code of"
						   " a company."),
				 BaErrRule("TPB-8")));
	BaColumnRequireClean(event, "name");
	BaUsernameRequire(BaColumnRequireText(event, "username"));
}

/* ---------------------------------------------------------------- functions */

/* Where the page before ended: a company, a space, a user name; before the first, neither. */
static void
PutAfter(BaArgs *args, char *after)
{
	char *space = after == NULL ? NULL : strchr(after, ' ');

	if (after != NULL && (space == NULL || space == after || space[1] == '\0' ||
						  strchr(space + 1, ' ') != NULL))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"after\" is not the next of a page")));
	BaPutText(args, after ? pnstrdup(after, space - after) : "");
	BaPutText(args, after ? space + 1 : "");
}

Datum
bestauth_list_served_customers(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	BaArgs args = {0};

	/* The company that the person is of, wherever the session is. */
	BaPutUuid(&args, &caller.identity->own_company_id);
	BaPutUuid(&args, &caller.identity->person_id);
	BaPutText(&args, caller.identity->username);
	PutAfter(&args, BaArgTextOrNull(fcinfo, 1, "after", MAX_AFTER));
	BaPutInt(&args, BaArgPageSize(fcinfo, 0, 100));
	BaQueryReturn(&list_customers, &args, fcinfo);
	return (Datum) 0;
}

static void
Audit(const char *action, const BaCompany *service, const char *instance, int64 count)
{
	BaAudit audit;
	BaJson detail;

	BaCompanyAudit(&audit, action, service);
	audit.object_type = "billing_service";
	audit.object_id = service->code;
	BaJsonStart(&detail);
	BaJsonText(&detail, "instance", instance);
	BaJsonDatum(&detail, "count", Int64GetDatum(count), false, INT8OID);
	audit.detail = BaJsonFinish(&detail);
	BaAuditWrite(&audit);
}

Datum
bestauth_export_served_customers(PG_FUNCTION_ARGS)
{
	/* Before anything is read: what is told is at least as new. */
	TimestampTz made_at = GetCurrentTimestamp();
	BaCompany service;
	BaArgs args = {0};
	BaRow row;

	(void) BaAccessCaller(fcinfo);
	BaCompanyRequire(BaArgText(fcinfo, 0, "billing_service", BA_MAX_CODE), &service);
	if (!service.registered && service.service_version == 0)
		BaCompanyRefuseUnregistered(&service);
	BaPutUuid(&args, &service.company_id);
	BaPutText(&args, BaInstanceName());
	BaPutText(&args, service.code);
	BaPut(&args, TIMESTAMPTZOID, TimestampTzGetDatum(made_at), false);
	(void) BaQueryRow(&export_customers, &args, &row);
	/* A list of people that goes out is worth a row. */
	Audit("served_customers.exported", &service, NULL, BaGetLong(&row, 1));
	PG_RETURN_DATUM(row.values[0]);
}

static void
Replace(const BaCompany *service, const BaServedImport *told, Jsonb *customers)
{
	BaArgs at = {0};
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, &service->company_id);
	BaPutText(&args, told->instance);
	BaPut(&args, JSONBOID, JsonbPGetDatum(customers), false);
	if (BaQueryRow(&find_repeated, &args, &row))
		BaServedImportRefuse(psprintf("has the key \"%s\" of \"%s\" twice",
									  BaGetText(&row, 1), BaGetText(&row, 0)));
	BaPutUuid(&at, &service->company_id);
	BaPutText(&at, told->instance);
	BaPut(&at, TIMESTAMPTZOID, TimestampTzGetDatum(told->made_at), false);
	if (BaQueryExec(&note_instance, &at) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a later export of instance \"%s\" is known", told->instance),
				 BaErrRule("TPB-8")));
	(void) BaQueryExec(&delete_untold, &args);
	(void) BaQueryExec(&put_told, &args);
}

Datum
bestauth_import_served_customers(PG_FUNCTION_ARGS)
{
	BaCompany service;
	Jsonb *customers;
	BaServedImport told;

	(void) BaAccessCaller(fcinfo);
	BaCompanyRequire(BaArgText(fcinfo, 0, "billing_service", BA_MAX_CODE), &service);
	if (!service.registered)
		BaCompanyRefuseUnregistered(&service);
	if (PG_ARGISNULL(1))
		BaServedImportRefuse("must not be null");
	customers = PG_GETARG_JSONB_P(1);
	BaServedImportTake(customers, service.code, &told);
	Replace(&service, &told, customers);
	Audit("served_customers.imported", &service, told.instance, told.keys);
	PG_RETURN_INT32(told.keys);
}
