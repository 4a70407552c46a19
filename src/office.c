/*
 * office.c
 *	  Offices of providers: a location, known by an identifier and what kind of
 *	  identifier that is, in a provider portal of a company.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "args.h"
#include "bestauth.h"
#include "canonical.h"
#include "errors.h"
#include "office.h"
#include "query.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_create_office);
PG_FUNCTION_INFO_V1(bestauth_list_offices);

#define OFFICE_SELECT \
	"SELECT office_id, company_id, portal_id, identifier, identifier_qualifier, name" \
	" FROM bestauth.office"

static BaQuery find_office = {
	.sql = OFFICE_SELECT
	" WHERE portal_id = $1 AND bestauth.fold_identifier(identifier) = bestauth.fold_identifier($2)"
	" AND identifier_qualifier = $3",
	.latest = true,
};

static BaQuery load_office = {
	.sql = OFFICE_SELECT " WHERE office_id = $1",
	.latest = true,
};

static BaQuery insert_office = {
	.sql =
		"INSERT INTO bestauth.office (company_id, portal_id, identifier, identifier_qualifier, name,"
		" provider_number, account_type) VALUES ($1, $2, $3, $4, $5, $6, $7)"
		" ON CONFLICT DO NOTHING RETURNING office_id",
};

/* A session in an office is shown its own. */
static BaQuery list_offices = {
	.sql =
		"SELECT o.office_id, o.identifier, o.identifier_qualifier, o.name, o.provider_number, o.account_type,"
		" p.code, textin(uuid_out(o.office_id))"
		" FROM bestauth.office o JOIN bestauth.portal p ON p.portal_id = o.portal_id"
		" WHERE o.company_id = $1 AND ($2 IS NULL OR o.office_id = $2)"
		" AND ($3 IS NULL OR o.office_id > uuid_in(textout($3))) ORDER BY o.office_id LIMIT $4",
};

/* ------------------------------------------------------------------ finding */

static bool
Found(BaQuery *query, BaArgs *args, BaOffice *office)
{
	BaRow row;

	if (!BaQueryRow(query, args, &row))
		return false;
	(void) BaGetUuid(&row, 0, &office->office_id);
	(void) BaGetUuid(&row, 1, &office->company_id);
	(void) BaGetUuid(&row, 2, &office->portal_id);
	office->identifier = BaGetText(&row, 3);
	office->qualifier = BaGetText(&row, 4);
	office->name = BaGetText(&row, 5);
	return true;
}

/* However the identifier is typed: 11-3437602 is 113437602. */
bool
BaOfficeFind(const BaPortal *portal, const char *identifier, const char *qualifier,
			 BaOffice *office)
{
	BaArgs args = {0};

	BaPutUuid(&args, &portal->portal_id);
	BaPutText(&args, identifier);
	BaPutText(&args, qualifier);
	return Found(&find_office, &args, office);
}

bool
BaOfficeLoad(const pg_uuid_t *office_id, BaOffice *office)
{
	BaArgs args = {0};

	BaPutUuid(&args, office_id);
	return Found(&load_office, &args, office);
}

static bool
IsInReach(const BaCaller *caller, const BaOffice *office)
{
	const BaIdentity *identity = caller->identity;

	if (identity == NULL)
		return true;
	return BaUuidEqual(&office->company_id, &identity->company_id) &&
		   (!identity->has_office ||
			BaUuidEqual(&office->office_id, &identity->office_id));
}

/*
 * The office that a call names. In a session another office and one that is not there
 * give the same answer.
 */
void
BaOfficeActed(const BaCaller *caller, FunctionCallInfo fcinfo, int office_arg,
			  BaOffice *office)
{
	if (PG_ARGISNULL(office_arg))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"office_id\" must not be null")));
	if (BaOfficeLoad(PG_GETARG_UUID_P(office_arg), office) && IsInReach(caller, office))
		return;
	if (caller->identity != NULL)
		BaAccessRefuse(caller, "H-01",
					   caller->identity->has_office ?
						   "It is not the session's office." :
						   "There is no such office in the session's company.");
	ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
					errmsg("office %s does not exist",
						   BaUuidText(PG_GETARG_UUID_P(office_arg)))));
}

/* -------------------------------------------------------------------- rules */

/* Of an office, or a claim: letters and digits, and what people put between them. */
bool
BaIdentifierIsValid(const char *identifier)
{
	static const char signs[] =
		"-_./ ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	size_t length = strlen(identifier);

	return length <= BA_MAX_IDENTIFIER && strspn(identifier, signs) == length &&
		   strcspn(identifier, signs + strlen("-_./ ")) < length;
}

void
BaIdentifierRequire(const char *identifier, const char *what)
{
	if (!BaIdentifierIsValid(identifier))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s \"%s\" is not valid", what, identifier),
			 errdetail(
				 "It has 1 to %d ASCII letters and digits, and dashes, underscores, dots, slashes and spaces between them.",
				 BA_MAX_IDENTIFIER)));
}

static void
RequireProviderPortal(const BaRowEvent *event)
{
	pg_uuid_t portal_id, company_id;
	BaPortal portal;

	if (!BaColumnUuid(event, "portal_id", &portal_id) ||
		!BaColumnUuid(event, "company_id", &company_id) ||
		!BaPortalLoad(&portal_id, &portal))
		return; /* constraints say so better */
	if (!BaUuidEqual(&portal.company_id, &company_id) ||
		strcmp(portal.kind, BA_PORTAL_PROVIDER) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("office does not belong to a provider portal of its company"),
				 BaErrRule("PRV-1")));
}

void
BaOfficeRule(BaRowEvent *event, bool restoring)
{
	BaColumnRequireSame(event, "office_id", "PRV-1");
	BaColumnRequireSame(event, "company_id", "PRV-1");
	BaColumnRequireSame(event, "portal_id", "PRV-1");
	BaIdentifierRequire(BaColumnRequireText(event, "identifier"), "office identifier");
	BaIdentifierRequire(BaColumnRequireText(event, "identifier_qualifier"),
						"identifier qualifier");
	BaColumnRequireClean(event, "name");
	BaColumnRequireClean(event, "provider_number");
	BaColumnRequireClean(event, "account_type");
	if (!restoring)
		RequireProviderPortal(event);
}

/* ---------------------------------------------------------------- functions */

Datum
bestauth_create_office(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	char *identifier = BaArgName(fcinfo, 1, "identifier");
	char *qualifier = BaArgNameOrNull(fcinfo, 3, "identifier_qualifier");
	BaCompany company;
	BaPortal portal;
	BaArgs args = {0};
	BaRow row;
	BaAudit audit;

	if (qualifier == NULL)
		qualifier = BA_QUALIFIER_TIN;
	BaCompanyActed(&caller, BaArgText(fcinfo, 0, "company", BA_MAX_CODE), &company);
	BaPortalRequire(&caller, &company, BaArgTextOrNull(fcinfo, 6, "portal", BA_MAX_CODE),
					BA_PORTAL_PROVIDER, &portal);
	BaPutUuid(&args, &company.company_id);
	BaPutUuid(&args, &portal.portal_id);
	BaPutText(&args, identifier);
	BaPutText(&args, qualifier);
	BaPutText(&args, BaArgName(fcinfo, 2, "name"));
	BaPutText(&args, BaArgNameOrNull(fcinfo, 4, "provider_number"));
	BaPutText(&args, BaArgNameOrNull(fcinfo, 5, "account_type"));
	if (!BaQueryRow(&insert_office, &args, &row))
		ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION),
						errmsg("office \"%s\" with qualifier \"%s\" exists already in"
							   " portal \"%s\"",
							   identifier, qualifier, portal.code)));
	BaCompanyAudit(&audit, "office.created", &company);
	audit.object_type = "office";
	audit.object_id = identifier;
	BaAuditWrite(&audit);
	PG_RETURN_DATUM(row.values[0]);
}

Datum
bestauth_list_offices(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	const BaIdentity *identity = caller.identity;
	BaCompany company;
	BaArgs args = {0};

	BaCompanyActed(&caller, BaArgTextOrNull(fcinfo, 2, "company", BA_MAX_CODE), &company);
	BaPutUuid(&args, &company.company_id);
	BaPutUuid(&args, identity && identity->has_office ? &identity->office_id : NULL);
	BaPutText(&args, BaArgUuidText(fcinfo, 1, "after"));
	BaPutInt(&args, BaArgPageSize(fcinfo, 0, 100));
	BaQueryReturn(&list_offices, &args, fcinfo);
	return (Datum) 0;
}
