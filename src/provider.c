/*
 * provider.c
 *	  Providers of an office, known by their NPI. Who works in two offices is one in
 *	  each.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/date.h"

#include "args.h"
#include "bestauth.h"
#include "errors.h"
#include "provider.h"
#include "query.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_create_provider);
PG_FUNCTION_INFO_V1(bestauth_list_providers);

#define NPI_LENGTH 10
#define OLDEST_YEARS 130

#define PROVIDER_SELECT \
	"SELECT provider_id, office_id, npi, first_name, last_name FROM bestauth.provider"

static BaQuery find_provider = {
	.sql = PROVIDER_SELECT " WHERE office_id = $1 AND npi = $2",
	.latest = true,
};

static BaQuery load_provider = {
	.sql = PROVIDER_SELECT " WHERE provider_id = $1",
	.latest = true,
};

static BaQuery insert_provider = {
	.sql =
		"INSERT INTO bestauth.provider (company_id, office_id, npi, first_name, last_name, birth_date)"
		" VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING provider_id",
	.secret = true,
};

/* A session at individual level is shown its own. */
static BaQuery list_providers = {
	.sql =
		"SELECT provider_id, npi, first_name, last_name, npi FROM bestauth.provider"
		" WHERE office_id = $1 AND ($2 IS NULL OR provider_id = $2) AND ($3 IS NULL OR npi > $3)"
		" ORDER BY npi LIMIT $4",
};

/* ------------------------------------------------------------------ finding */

static bool
Found(BaQuery *query, BaArgs *args, BaProvider *provider)
{
	BaRow row;

	if (!BaQueryRow(query, args, &row))
		return false;
	(void) BaGetUuid(&row, 0, &provider->provider_id);
	(void) BaGetUuid(&row, 1, &provider->office_id);
	provider->npi = BaGetText(&row, 2);
	provider->first_name = BaGetText(&row, 3);
	provider->last_name = BaGetText(&row, 4);
	return true;
}

bool
BaProviderFind(const BaOffice *office, const char *npi, BaProvider *provider)
{
	BaArgs args = {0};

	BaPutUuid(&args, &office->office_id);
	BaPutText(&args, npi);
	return Found(&find_provider, &args, provider);
}

bool
BaProviderLoad(const pg_uuid_t *provider_id, BaProvider *provider)
{
	BaArgs args = {0};

	BaPutUuid(&args, provider_id);
	return Found(&load_provider, &args, provider);
}

/*
 * The provider of the office that a call names: individual level. False if it names
 * none: the whole office, which is more than a session at individual level has
 * [PRV-1] [PRV-12].
 */
bool
BaProviderActed(const BaCaller *caller, FunctionCallInfo fcinfo, int provider_arg,
				const BaOffice *office, BaProvider *provider)
{
	const BaIdentity *identity = caller->identity;
	bool own_only = identity != NULL && identity->has_provider;

	if (PG_ARGISNULL(provider_arg))
	{
		if (own_only)
			BaAccessRefuse(caller, "PRV-1",
						   "The session is at individual level: it acts for its own"
						   " provider alone.");
		return false;
	}
	if (BaProviderLoad(PG_GETARG_UUID_P(provider_arg), provider) &&
		BaUuidEqual(&provider->office_id, &office->office_id) &&
		(!own_only || BaUuidEqual(&provider->provider_id, &identity->provider_id)))
		return true;
	if (identity != NULL)
		BaAccessRefuse(caller, "H-01",
					   own_only ? "It is not the session's provider." :
								  "There is no such provider in the office.");
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("provider %s does not exist in office \"%s\"",
					BaUuidText(PG_GETARG_UUID_P(provider_arg)), office->identifier)));
	return false;
}

/* -------------------------------------------------------------------- rules */

/* Ten digits; the check digit is another matter. */
bool
BaNpiIsValid(const char *npi)
{
	return strlen(npi) == NPI_LENGTH && strspn(npi, "0123456789") == NPI_LENGTH;
}

void
BaNpiRequire(const char *npi)
{
	if (!BaNpiIsValid(npi))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("NPI \"%s\" is not valid", npi),
						errdetail("It has %d digits.", NPI_LENGTH), BaErrRule("PRV-6")));
}

/* As for cards (Luhn), behind the prefix 80840 of health in the United States. */
static bool
HasCheckDigit(const char *npi)
{
	int sum = 24; /* of the prefix */
	int i;

	for (i = 0; i < NPI_LENGTH; i++)
	{
		int digit = (npi[i] - '0') * (i % 2 == 0 ? 2 : 1);

		sum += digit > 9 ? digit - 9 : digit;
	}
	return sum % 10 == 0;
}

/* An answer to a security question: what can be no date of birth is a mistake. */
static void
CheckBirthDate(const BaRowEvent *event)
{
	bool isnull;
	DateADT date = DatumGetDateADT(BaColumn(event, true, "birth_date", &isnull));
	DateADT today = GetCurrentTimestamp() / USECS_PER_DAY;

	if (!isnull && (date >= today || date < today - OLDEST_YEARS * 366))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("date of birth is out of range"), BaErrRule("PRV-7")));
}

static void
RequireOffice(const BaRowEvent *event)
{
	pg_uuid_t office_id, company_id;
	BaOffice office;

	if (BaColumnUuid(event, "office_id", &office_id) &&
		BaColumnUuid(event, "company_id", &company_id) &&
		BaOfficeLoad(&office_id, &office) &&
		!BaUuidEqual(&office.company_id, &company_id))
		ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION),
						errmsg("provider is not of the company of its office"),
						BaErrRule("PRV-1")));
}

void
BaProviderRule(BaRowEvent *event, bool restoring)
{
	char *npi = BaColumnRequireText(event, "npi");

	BaColumnRequireSame(event, "provider_id", "PRV-1");
	BaColumnRequireSame(event, "company_id", "PRV-1");
	BaColumnRequireSame(event, "office_id", "PRV-1");
	BaNpiRequire(npi);
	/* Only told: numbers of test systems rarely have one. */
	if (!restoring && BaColumnChanged(event, "npi") && !HasCheckDigit(npi))
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("NPI \"%s\" has a wrong check digit", npi),
				 errhint("No provider has it: look for a digit that was mistyped.")));
	BaColumnRequireClean(event, "first_name");
	BaColumnRequireClean(event, "last_name");
	CheckBirthDate(event);
	if (!restoring)
		RequireOffice(event);
}

/* ---------------------------------------------------------------- functions */

Datum
bestauth_create_provider(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	char *npi = BaArgText(fcinfo, 1, "npi", BA_MAX_CODE);
	BaOffice office;
	BaCompany company;
	BaArgs args = {0};
	BaRow row;
	BaAudit audit;

	BaOfficeActed(&caller, fcinfo, 0, &office);
	if (!BaCompanyLoad(&office.company_id, &company))
		elog(ERROR, "the office's company is gone");
	BaPutUuid(&args, &office.company_id);
	BaPutUuid(&args, &office.office_id);
	BaPutText(&args, npi);
	BaPutText(&args, BaArgName(fcinfo, 2, "first_name"));
	BaPutText(&args, BaArgName(fcinfo, 3, "last_name"));
	BaPut(&args, DATEOID, PG_ARGISNULL(4) ? (Datum) 0 : PG_GETARG_DATUM(4),
		  PG_ARGISNULL(4));
	if (!BaQueryRow(&insert_provider, &args, &row))
		ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION),
						errmsg("provider with NPI \"%s\" exists already in office \"%s\"",
							   npi, office.identifier)));
	BaCompanyAudit(&audit, "provider.created", &company);
	audit.object_type = "provider";
	audit.object_id = npi;
	BaAuditWrite(&audit);
	PG_RETURN_DATUM(row.values[0]);
}

Datum
bestauth_list_providers(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	const BaIdentity *identity = caller.identity;
	BaOffice office;
	BaArgs args = {0};

	BaOfficeActed(&caller, fcinfo, 0, &office);
	BaPutUuid(&args, &office.office_id);
	BaPutUuid(&args, identity && identity->has_provider ? &identity->provider_id : NULL);
	BaPutText(&args, BaArgTextOrNull(fcinfo, 2, "after", BA_MAX_CODE));
	BaPutInt(&args, BaArgPageSize(fcinfo, 1, 100));
	BaQueryReturn(&list_providers, &args, fcinfo);
	return (Datum) 0;
}
