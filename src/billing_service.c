/*
 * billing_service.c
 *	  Companies registered as billing services, whose people enter their customers'
 *	  companies.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "access.h"
#include "args.h"
#include "audit.h"
#include "bestauth.h"
#include "company.h"
#include "errors.h"
#include "query.h"
#include "sso_key.h"

PG_FUNCTION_INFO_V1(bestauth_register_billing_service);
PG_FUNCTION_INFO_V1(bestauth_unregister_billing_service);
PG_FUNCTION_INFO_V1(bestauth_list_billing_services);

static BaQuery register_service = {
	.sql =
		"INSERT INTO bestauth.billing_service AS b (company_id) VALUES ($1)"
		" ON CONFLICT (company_id) DO UPDATE SET registered_at = clock_timestamp(), unregistered_at = NULL"
		" WHERE b.unregistered_at IS NOT NULL",
};

static BaQuery unregister_service = {
	.sql = "UPDATE bestauth.billing_service SET unregistered_at = clock_timestamp()"
		   " WHERE company_id = $1 AND unregistered_at IS NULL",
	.latest = true,
};

static BaQuery list_services = {
	.sql =
		"SELECT c.code, c.name, c.code FROM bestauth.billing_service b JOIN bestauth.company c USING (company_id)"
		" WHERE b.unregistered_at IS NULL AND ($1 IS NULL OR c.code COLLATE \"C\" > $1 COLLATE \"C\")"
		" ORDER BY c.code COLLATE \"C\" LIMIT $2",
};

static void
AuditService(const char *action, const BaCompany *company)
{
	BaAudit audit;

	BaCompanyAudit(&audit, action, company);
	audit.object_type = "billing_service";
	audit.object_id = company->code;
	BaAuditWrite(&audit);
}

/* The company that is named, as it is typed too; false if there was nothing to change. */
static bool
ChangeService(FunctionCallInfo fcinfo, BaQuery *query, char **typed, BaCompany *company)
{
	BaArgs args = {0};

	*typed = BaArgText(fcinfo, 0, "company", BA_MAX_CODE);
	BaCompanyRequire(*typed, company);
	BaPutUuid(&args, &company->company_id);
	return BaQueryExec(query, &args) > 0;
}

Datum
bestauth_register_billing_service(PG_FUNCTION_ARGS)
{
	char *typed;
	BaCompany company;

	(void) BaAccessCaller(fcinfo);
	if (!ChangeService(fcinfo, &register_service, &typed, &company))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("company \"%s\" is registered as a billing service already",
						typed),
				 BaErrRule("IBS-1")));
	AuditService("billing_service.registered", &company);
	if (!PG_ARGISNULL(1))
		BaSsoKeyTrust(&company, PG_GETARG_JSONB_P(1), NULL, NULL);
	PG_RETURN_VOID();
}

Datum
bestauth_unregister_billing_service(PG_FUNCTION_ARGS)
{
	char *typed;
	BaCompany company;

	(void) BaAccessCaller(fcinfo);
	if (!ChangeService(fcinfo, &unregister_service, &typed, &company))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("company \"%s\" is not registered as a billing service", typed),
				 BaErrRule("TPB-2")));
	AuditService("billing_service.unregistered", &company);
	PG_RETURN_VOID();
}

Datum
bestauth_list_billing_services(PG_FUNCTION_ARGS)
{
	BaArgs args = {0};

	(void) BaAccessCaller(fcinfo);
	BaPutText(&args, BaArgTextOrNull(fcinfo, 1, "after", BA_MAX_CODE));
	BaPutInt(&args, BaArgPageSize(fcinfo, 0, 100));
	BaQueryReturn(&list_services, &args, fcinfo);
	return (Datum) 0;
}
