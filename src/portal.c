/*
 * portal.c
 *	  Portals: the doors of a company for its clients, or its providers. The operator
 *	  sets them up, with the address of their pages, which links in mail begin with.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "args.h"
#include "bestauth.h"
#include "errors.h"
#include "portal.h"
#include "query.h"
#include "settings.h"

PG_FUNCTION_INFO_V1(bestauth_create_portal);
PG_FUNCTION_INFO_V1(bestauth_portal_url);
PG_FUNCTION_INFO_V1(bestauth_list_portals);

/* Without an address of its own a portal has one below bestauth.base_url. */
#define PORTAL_SELECT \
	"SELECT p.portal_id, p.company_id, p.code, p.kind, p.name," \
	" coalesce(p.url, rtrim(current_setting('bestauth.base_url'), '/') || '/' || c.code || '/' || p.code)" \
	" FROM bestauth.portal p JOIN bestauth.company c ON c.company_id = p.company_id"

static BaQuery find_portal = {
	.sql = PORTAL_SELECT
	" WHERE p.company_id = $1 AND lower(p.code COLLATE \"C\") = lower($2 COLLATE \"C\")",
	.latest = true,
};

static BaQuery load_portal = {
	.sql = PORTAL_SELECT " WHERE p.portal_id = $1",
	.latest = true,
};

static BaQuery find_of_kind = {
	.sql = PORTAL_SELECT
	" WHERE p.company_id = $1 AND p.kind = $2 ORDER BY p.code COLLATE \"C\"",
	.latest = true,
};

static BaQuery insert_portal = {
	.sql =
		"INSERT INTO bestauth.portal (company_id, code, kind, name, url) VALUES ($1, $2, $3, $4, $5)"
		" ON CONFLICT DO NOTHING RETURNING portal_id",
};

static BaQuery list_portals = {
	.sql = "SELECT code, kind, name, url, code FROM (" PORTAL_SELECT
		   " WHERE p.company_id = $1) AS p (portal_id, company_id, code, kind, name, url)"
		   " WHERE $2 IS NULL OR code COLLATE \"C\" > $2 COLLATE \"C\""
		   " ORDER BY code COLLATE \"C\" LIMIT $3",
};

/* ------------------------------------------------------------------ finding */

static void
Fill(const BaRow *row, BaPortal *portal)
{
	(void) BaGetUuid(row, 0, &portal->portal_id);
	(void) BaGetUuid(row, 1, &portal->company_id);
	portal->code = BaGetText(row, 2);
	portal->kind = BaGetText(row, 3);
	portal->name = BaGetText(row, 4);
	portal->url = BaGetText(row, 5);
}

bool
BaPortalFind(const BaCompany *company, const char *code, BaPortal *portal)
{
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, &company->company_id);
	BaPutText(&args, code);
	if (!BaQueryRow(&find_portal, &args, &row))
		return false;
	Fill(&row, portal);
	return true;
}

bool
BaPortalLoad(const pg_uuid_t *portal_id, BaPortal *portal)
{
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, portal_id);
	if (!BaQueryRow(&load_portal, &args, &row))
		return false;
	Fill(&row, portal);
	return true;
}

/* The only one of the kind that the company has. */
static void
RequireOnly(const BaCompany *company, const char *kind, BaPortal *portal)
{
	BaArgs args = {0};
	List *rows;

	BaPutUuid(&args, &company->company_id);
	BaPutText(&args, kind);
	rows = BaQueryRows(&find_of_kind, &args);
	if (rows == NIL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("company \"%s\" has no %s portal", company->code, kind),
						errhint("The operator makes one with bestauth.create_portal()."),
						BaErrRule("PRT-1")));
	if (list_length(rows) > 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"portal\" must not be null: company \"%s\" has"
							   " several %s portals",
							   company->code, kind),
						BaErrRule("PRT-1")));
	Fill(linitial(rows), portal);
}

/*
 * The portal that a call names, of this kind unless that is NULL; where it names none,
 * the only one of the kind.
 */
void
BaPortalRequire(const BaCaller *caller, const BaCompany *company, const char *code,
				const char *kind, BaPortal *portal)
{
	if (code == NULL)
	{
		RequireOnly(company, kind, portal);
		return;
	}
	if (!BaPortalFind(company, code, portal))
	{
		if (caller->identity != NULL)
			BaAccessRefuse(caller, "H-01",
						   "There is no such portal in the session's company.");
		ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
						errmsg("portal \"%s\" does not exist", code)));
	}
	if (kind != NULL && strcmp(portal->kind, kind) != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("portal \"%s\" is not a %s portal", portal->code, kind),
						BaErrRule("PRT-1")));
}

/* -------------------------------------------------------------------- rules */

static void
RefuseUrl(const char *url)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		 errmsg("portal address \"%s\" is not valid", url),
		 errdetail(
			 "It begins with https:// or http://, and has printable ASCII characters without spaces, quotes, brackets, question marks and number signs.")));
}

/* Links are made by putting something behind it. */
static void
CheckUrl(BaRowEvent *event)
{
	char *url = BaColumnText(event, "url");
	int length = url == NULL ? 0 : strlen(url);
	const char *host;
	int i;

	if (url == NULL)
		return;
	host = strncmp(url, "https://", 8) == 0 ? url + 8 :
		   strncmp(url, "http://", 7) == 0  ? url + 7 :
											  NULL;
	if (host == NULL || !isalnum((unsigned char) *host) || length > BA_MAX_URL)
		RefuseUrl(url);
	for (i = 0; i < length; i++)
		if (url[i] <= ' ' || url[i] >= 0x7f || strchr("\"'<>\\{}|^`?#@", url[i]) != NULL)
			RefuseUrl(url);
	while (length > 0 && url[length - 1] == '/')
		url[--length] = '\0';
	BaColumnSet(event, "url", CStringGetTextDatum(url));
}

void
BaPortalRule(BaRowEvent *event, bool restoring)
{
	static const char signs[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
	char *code = BaColumnRequireText(event, "code");
	char *kind = BaColumnRequireText(event, "kind");

	if (!isalnum((unsigned char) *code) || strlen(code) > BA_MAX_CODE ||
		strspn(code, signs) != strlen(code))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("portal code \"%s\" is not valid", code),
			 errdetail(
				 "It has 1 to %d ASCII letters, digits, dashes and underscores, and begins with a letter or digit.",
				 BA_MAX_CODE)));
	if (strcmp(kind, BA_PORTAL_CLIENT) != 0 && strcmp(kind, BA_PORTAL_PROVIDER) != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("portal kind \"%s\" is not known", kind),
						errhint("It is client or provider.")));
	BaColumnRequireSame(event, "portal_id", "PRT-1");
	BaColumnRequireSame(event, "company_id", "PRT-1");
	BaColumnRequireSame(event, "code", "PRT-1");
	BaColumnRequireSame(event, "kind", "PRT-1");
	BaColumnRequireClean(event, "name");
	if (pg_mbstrlen(BaColumnRequireText(event, "name")) > BA_MAX_NAME)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("name of a portal has more than %d characters", BA_MAX_NAME)));
	CheckUrl(event);
}

/* ---------------------------------------------------------------- functions */

Datum
bestauth_create_portal(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	char *code = BaArgText(fcinfo, 1, "code", BA_MAX_CODE);
	BaCompany company;
	BaArgs args = {0};
	BaRow row;
	BaAudit audit;

	BaCompanyActed(&caller, BaArgText(fcinfo, 0, "company", BA_MAX_CODE), &company);
	BaPutUuid(&args, &company.company_id);
	BaPutText(&args, code);
	BaPutText(&args, BaArgText(fcinfo, 2, "kind", BA_MAX_CODE));
	BaPutText(&args, BaArgName(fcinfo, 3, "name"));
	BaPutText(&args, BaArgTextOrNull(fcinfo, 4, "url", BA_MAX_URL));
	if (!BaQueryRow(&insert_portal, &args, &row))
		ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION),
						errmsg("portal code \"%s\" is taken in company \"%s\"", code,
							   company.code)));
	BaCompanyAudit(&audit, "portal.created", &company);
	audit.object_type = "portal";
	audit.object_id = code;
	BaAuditWrite(&audit);
	PG_RETURN_DATUM(row.values[0]);
}

Datum
bestauth_portal_url(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	BaCompany company;
	BaPortal portal;

	BaCompanyActed(&caller, BaArgTextOrNull(fcinfo, 1, "company", BA_MAX_CODE), &company);
	BaPortalRequire(&caller, &company, BaArgTextOrNull(fcinfo, 0, "portal", BA_MAX_CODE),
					PG_ARGISNULL(0) ? BA_PORTAL_CLIENT : NULL, &portal);
	PG_RETURN_TEXT_P(cstring_to_text(portal.url));
}

Datum
bestauth_list_portals(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	BaCompany company;
	BaArgs args = {0};

	BaCompanyActed(&caller, BaArgTextOrNull(fcinfo, 2, "company", BA_MAX_CODE), &company);
	BaPutUuid(&args, &company.company_id);
	BaPutText(&args, BaArgTextOrNull(fcinfo, 1, "after", BA_MAX_CODE));
	BaPutInt(&args, BaArgPageSize(fcinfo, 0, 100));
	BaQueryReturn(&list_portals, &args, fcinfo);
	return (Datum) 0;
}
