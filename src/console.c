/*
 * console.c
 *	  Looking at invites and requests: the list, and everything of one.
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/builtins.h"

#include "args.h"
#include "bestauth.h"
#include "query.h"
#include "registration.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_registration_console);
PG_FUNCTION_INFO_V1(bestauth_registration_details);

#define NAME "concat_ws(' ', r.first_name, r.middle_name, r.last_name)"

/*
 * Everything that can be searched for, each on a line of its own, and what is searched
 * for as the beginning of a line: without case and accents, folded once.
 */
#define LINES \
	"E'\\n' || bestauth.fold_name(concat_ws(E'\\n', r.last_name, " NAME \
	", r.username, r.email))"
#define MATCHES \
	"(strpos(" LINES ", E'\\n' || bestauth.fold_name($2)) > 0" \
	" OR starts_with(bestauth.fold_identifier(r.identifier), nullif(bestauth.fold_identifier($2), '')))"

/* The newest first, by an index that has the scope in that order. */
#define LIST(scope) \
	"SELECT r.registration_id, r.status, r.identifier, r.identifier_qualifier," \
	" coalesce(nullif(" NAME \
	", ''), r.email), r.created_at, textin(uuid_out(r.registration_id))" \
	" FROM bestauth.registration r WHERE ($1 IS NULL OR r.status = $1)" \
	" AND ($2 IS NULL OR " MATCHES ")" \
	" AND ($3 IS NULL OR r.registration_id < uuid_in(textout($3)))" scope \
	" ORDER BY r.registration_id DESC LIMIT $4"

static BaQuery list_all = {
	.sql = LIST(""),
};

static BaQuery list_of_company = {
	.sql = LIST(" AND r.company_id = $5 AND ($6 IS NULL OR r.portal_id = $6)"),
};

static BaQuery list_of_office = {
	.sql = LIST(" AND r.office_id = $5"),
};

static BaQuery list_of_provider = {
	.sql = LIST(" AND r.office_id = $5 AND r.provider_id = $6"),
};

static BaQuery find_details = {
	.sql =
		"SELECT r.registration_id, r.status, r.level, o.provider_number, r.identifier, r.identifier_qualifier, o.name,"
		" o.account_type, r.npi, nullif(concat_ws(' ', p.first_name, p.last_name), ''), r.role, r.username, r.first_name,"
		" r.middle_name, r.last_name, r.title, r.email, r.phone, r.claim_number_result, r.birth_date_result,"
		" r.missing, r.created_at, r.expires_at, coalesce(i.username, r.invited_by_role), r.granted_role,"
		" CASE WHEN jsonb_array_length(r.history) > 1 THEN r.changed_by END,"
		" CASE WHEN jsonb_array_length(r.history) > 1 THEN r.changed_at END, r.reason, r.user_id, r.history"
		" FROM bestauth.registration r LEFT JOIN bestauth.office o ON o.office_id = r.office_id"
		" LEFT JOIN bestauth.provider p ON p.provider_id = r.provider_id"
		" LEFT JOIN bestauth.user_account i ON i.user_id = r.invited_by WHERE r.registration_id = $1",
	.latest = true,
};

/* The operator may leave the company out, and sees them all. */
static BaQuery *
PutScope(const BaCaller *caller, FunctionCallInfo fcinfo, BaArgs *args)
{
	const BaIdentity *identity = caller->identity;
	char *code = BaArgTextOrNull(fcinfo, 4, "company", BA_MAX_CODE);
	char *portal_code = BaArgTextOrNull(fcinfo, 5, "portal", BA_MAX_CODE);
	BaCompany company;
	BaPortal portal;

	if (identity == NULL && code == NULL && portal_code == NULL)
		return &list_all;
	BaCompanyActed(caller, code, &company);
	if (identity == NULL)
	{
		if (portal_code != NULL)
			BaPortalRequire(caller, &company, portal_code, BA_PORTAL_PROVIDER, &portal);
		BaPutUuid(args, &company.company_id);
		BaPutUuid(args, portal_code ? &portal.portal_id : NULL);
		return &list_of_company;
	}
	(void) BaUserPortalActed(caller, &company, portal_code, &portal);
	BaPutUuid(args, &identity->office_id);
	if (!identity->has_provider)
		return &list_of_office;
	BaPutUuid(args, &identity->provider_id);
	return &list_of_provider;
}

Datum
bestauth_registration_console(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	char *status = BaArgTextOrNull(fcinfo, 0, "status", BA_MAX_CODE);
	BaArgs args = {0};
	BaQuery *query;

	if (status != NULL)
		BaRegistrationStatusRequire(status);
	BaPutText(&args, status);
	BaPutText(&args, BaArgNameOrNull(fcinfo, 1, "search"));
	BaPutText(&args, BaArgUuidText(fcinfo, 3, "after"));
	BaPutInt(&args, BaArgPageSize(fcinfo, 2, 100));
	query = PutScope(&caller, fcinfo, &args);
	BaQueryReturn(query, &args, fcinfo);
	return (Datum) 0;
}

Datum
bestauth_registration_details(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	BaRegistration registration;
	TupleDesc tupdesc;
	BaArgs args = {0};
	BaRow row;

	BaRegistrationActed(&caller, fcinfo, false, &registration);
	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	BaPutUuid(&args, &registration.registration_id);
	(void) BaQueryRow(&find_details, &args, &row);
	Assert(tupdesc->natts == row.count);
	PG_RETURN_DATUM(HeapTupleGetDatum(
		heap_form_tuple(BlessTupleDesc(tupdesc), row.values, row.nulls)));
}
