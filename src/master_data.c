/*
 * master_data.c
 *	  Lists that a company keeps, and a parent copies down to its children: payers and
 *	  facilities. At a company with children they are its administrators' [MCM-6].
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "args.h"
#include "bestauth.h"
#include "company.h"
#include "errors.h"
#include "json.h"
#include "master_data.h"
#include "uuid.h"

#define MAX_DETAILS 65536 /* bytes of jsonb, and of what it has as text */
#define MAX_COPIES 100000 /* rows that one call makes */

static BaQuery has_children = {
	.sql = "SELECT EXISTS (SELECT FROM bestauth.company WHERE parent_id = $1)",
	.latest = true,
};

static BaQuery lock_children = {
	.sql = "SELECT company_id, code FROM bestauth.company WHERE parent_id = $1"
		   " AND ($2 IS NULL OR lower(code COLLATE \"C\") = ANY"
		   " (ARRAY(SELECT lower(n COLLATE \"C\") FROM unnest($2) AS n)))"
		   " ORDER BY company_id FOR SHARE",
	.latest = true,
};

static BaQuery find_missing = {
	.sql = "SELECT n FROM unnest($1) AS n WHERE lower(n COLLATE \"C\") NOT IN"
		   " (SELECT lower(f COLLATE \"C\") FROM unnest($2) AS f) LIMIT 1",
};

/* Rows that were locked: their keys, and their names, each in an order of their own. */
typedef struct Chosen
{
	Datum ids; /* uuid[] */
	BaTextList names;
} Chosen;

/* ------------------------------------------------------------------ who may */

static bool
IsParent(const BaCompany *company)
{
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, &company->company_id);
	return BaQueryRow(&has_children, &args, &row) && BaGetBool(&row, 0);
}

/* The permission, which was asked for, is enough where there are no children. */
static void
RequireMayChange(const BaCaller *caller, const BaMasterData *kind,
				 const BaCompany *company)
{
	if (!BaAccessIsAdministrator(caller) && IsParent(company))
		BaAccessRequireAdministrator(caller, "MCM-6",
									 psprintf("change %s of a company that has children",
											  kind->nouns));
}

/* ------------------------------------------------------------------ finding */

static void
RefuseMissing(const BaCaller *caller, const BaMasterData *kind, const BaCompany *company,
			  const char *name)
{
	if (caller->identity != NULL)
		BaAccessRefuse(caller, "H-01",
					   psprintf("There is no such %s in the session's company.",
								kind->noun));
	ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
					errmsg("%s \"%s\" does not exist in company \"%s\"", kind->noun, name,
						   company->code)));
}

/* Locks the row; gives its key, and its name as it is written. */
static char *
RequireRow(const BaCaller *caller, BaMasterData *kind, const BaCompany *company,
		   const char *name, pg_uuid_t *id)
{
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, &company->company_id);
	BaPutText(&args, name);
	if (!BaQueryRow(&kind->find, &args, &row))
		RefuseMissing(caller, kind, company, name);
	(void) BaGetUuid(&row, 0, id);
	return BaGetText(&row, 1);
}

static void
RefuseTaken(const BaMasterData *kind, const char *name)
{
	ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION),
					errmsg("%s \"%s\" exists already", kind->noun, name)));
}

static void
Audit(const BaMasterData *kind, const char *verb, const BaCompany *company,
	  const char *name, BaJson *detail)
{
	BaAudit audit;

	BaCompanyAudit(&audit, psprintf("%s.%s", kind->noun, verb), company);
	audit.object_type = kind->noun;
	audit.object_id = name;
	audit.detail = detail == NULL ? NULL : BaJsonFinish(detail);
	BaAuditWrite(&audit);
}

/* ------------------------------------------------------------------ changing */

static Jsonb *
TakeObject(FunctionCallInfo fcinfo, int n, const char *argument)
{
	if (PG_ARGISNULL(n) || !JB_ROOT_IS_OBJECT(PG_GETARG_JSONB_P(n)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" must be an object", argument)));
	return PG_GETARG_JSONB_P(n);
}

static bool
FindKey(Jsonb *object, const char *key, JsonbValue *value)
{
	return getKeyJsonValueFromContainer(&object->root, key, strlen(key), value) != NULL;
}

static void
RefuseKey(Jsonb *object, const char *key)
{
	JsonbValue value;

	if (FindKey(object, key, &value))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a detail must not have the key \"%s\"", key)));
}

/* A column is no detail: two things would have one name. */
static void
RefuseColumns(Jsonb *details)
{
	RefuseKey(details, "name");
	RefuseKey(details, "details");
}

Datum
BaMasterDataCreate(FunctionCallInfo fcinfo, BaMasterData *kind)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	char *name = BaArgName(fcinfo, 0, "name");
	Jsonb *details = PG_ARGISNULL(1) ? NULL : TakeObject(fcinfo, 1, "details");
	BaCompany company;
	BaArgs args = {0};
	BaRow row;

	BaCompanyActed(&caller, BaArgTextOrNull(fcinfo, 2, "company", BA_MAX_CODE), &company);
	RequireMayChange(&caller, kind, &company);
	if (details != NULL)
		RefuseColumns(details); /* the query leaves out the one that is null */
	BaPutUuid(&args, &company.company_id);
	BaPutText(&args, name);
	BaPut(&args, JSONBOID, JsonbPGetDatum(details), details == NULL);
	if (!BaQueryRow(&kind->insert, &args, &row))
		RefuseTaken(kind, name);
	Audit(kind, "created", &company, name, NULL);
	PG_RETURN_DATUM(row.values[0]);
}

/* The new name; NULL if it stays. */
static char *
TakeName(Jsonb *changes)
{
	JsonbValue value;
	char *name;

	if (!FindKey(changes, "name", &value))
		return NULL;
	if (value.type != jbvString)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("key \"name\" of argument \"changes\" must be a string")));
	name = BaTextTrim(pnstrdup(value.val.string.val, value.val.string.len));
	if (*name == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("key \"name\" of argument \"changes\" must not be empty")));
	return name;
}

/* What an audit row says of the changes; values are in those of the table. */
static void
PutChanges(BaJson *detail, Jsonb *changes, const char *new_name)
{
	char **keys = palloc(sizeof(char *) * (JB_ROOT_COUNT(changes) + 1));
	JsonbIterator *it = JsonbIteratorInit(&changes->root);
	JsonbIteratorToken token;
	JsonbValue value;
	int count = 0;

	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
		if (token == WJB_KEY)
			keys[count++] = pnstrdup(value.val.string.val, value.val.string.len);
	BaJsonStart(detail);
	BaJsonTexts(detail, "keys", keys, count);
	BaJsonText(detail, "new_name", new_name);
}

Datum
BaMasterDataUpdate(FunctionCallInfo fcinfo, BaMasterData *kind)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	char *name = BaArgName(fcinfo, 0, "name");
	Jsonb *changes = TakeObject(fcinfo, 1, "changes");
	char *new_name = TakeName(changes);
	BaCompany company;
	pg_uuid_t id;
	BaArgs other = {0};
	BaArgs args = {0};
	BaRow row;
	BaJson detail;

	RefuseKey(changes, "details");
	BaCompanyActed(&caller, BaArgTextOrNull(fcinfo, 2, "company", BA_MAX_CODE), &company);
	RequireMayChange(&caller, kind, &company);
	name = RequireRow(&caller, kind, &company, name, &id);
	if (JB_ROOT_COUNT(changes) == 0)
		PG_RETURN_VOID();
	BaPutUuid(&other, &company.company_id);
	BaPutText(&other, new_name);
	BaPutUuid(&other, &id);
	if (new_name != NULL && BaQueryRow(&kind->find_other, &other, &row))
		RefuseTaken(kind, new_name);
	BaPutUuid(&args, &id);
	BaPutText(&args, new_name);
	BaPut(&args, JSONBOID, JsonbPGetDatum(changes), false);
	(void) BaQueryExec(&kind->update, &args);
	PutChanges(&detail, changes, new_name);
	Audit(kind, "updated", &company, name, &detail);
	PG_RETURN_VOID();
}

Datum
BaMasterDataDelete(FunctionCallInfo fcinfo, BaMasterData *kind)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	char *name = BaArgName(fcinfo, 0, "name");
	BaCompany company;
	pg_uuid_t id;
	BaArgs args = {0};

	BaCompanyActed(&caller, BaArgTextOrNull(fcinfo, 1, "company", BA_MAX_CODE), &company);
	RequireMayChange(&caller, kind, &company);
	name = RequireRow(&caller, kind, &company, name, &id);
	BaPutUuid(&args, &id);
	(void) BaQueryExec(&kind->remove, &args);
	Audit(kind, "deleted", &company, name, NULL);
	PG_RETURN_VOID();
}

/* ------------------------------------------------------------------- copying */

/* The rows of a query, as far as "may" takes them. */
static void
Choose(Chosen *chosen, BaQuery *query, const BaCompany *company, Datum wanted,
	   bool (*may)(const pg_uuid_t *id))
{
	BaArgs args = {0};
	List *rows;
	ListCell *cell;
	Datum *ids;
	int count = 0;

	BaPutUuid(&args, &company->company_id);
	BaPutTexts(&args, wanted);
	rows = BaQueryRows(query, &args);
	ids = palloc(sizeof(Datum) * (list_length(rows) + 1));
	chosen->names.items = palloc(sizeof(char *) * (list_length(rows) + 1));
	foreach (cell, rows)
	{
		BaRow *row = lfirst(cell);

		if (may != NULL && !may(DatumGetUUIDP(row->values[0])))
			continue;
		ids[count] = row->values[0];
		chosen->names.items[count++] = BaGetText(row, 1);
	}
	chosen->ids = PointerGetDatum(
		construct_array(ids, count, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR));
	chosen->names.count = count;
	BaTextListSort(&chosen->names);
}

/* The first of the wanted that was not found; NULL if all were. */
static char *
FindMissing(const BaTextList *wanted, const Chosen *chosen)
{
	BaArgs args = {0};
	BaRow row;

	if (wanted->count < 0)
		return NULL;
	BaPutTexts(&args, wanted->array);
	BaPutTexts(&args, chosen->names.array);
	return BaQueryRow(&find_missing, &args, &row) ? BaGetText(&row, 0) : NULL;
}

static void
RefuseChild(const BaCaller *caller, const BaCompany *company, const char *code)
{
	BaCompany other;

	if (caller->identity != NULL)
		BaAccessRefuse(
			caller, "H-01",
			psprintf(
				"The session's company has no child company \"%s\" that the session may enter.",
				code));
	BaCompanyRequire(code, &other);
	BaCompanyRefuseNoChild(&other, company, "MCM-6");
}

/*
 * Both stay locked: a child that moves to another parent meanwhile has left before, or
 * leaves with its copies.
 */
static void
ChooseBoth(const BaCaller *caller, FunctionCallInfo fcinfo, BaMasterData *kind,
		   const BaCompany *company, Chosen *children, Chosen *sources)
{
	BaTextList names = BaArgNames(fcinfo, 0, "names");
	BaTextList codes = BaArgTextArray(fcinfo, 1, "companies");
	char *missing;

	if (names.count < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"names\" must not be null")));
	if (!IsParent(company))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("company \"%s\" has no child companies", company->code),
						BaErrRule("MCM-6")));
	Choose(children, &lock_children, company, codes.array,
		   caller->identity != NULL ? BaContextCanAccessCompany : NULL);
	if ((missing = FindMissing(&codes, children)) != NULL)
		RefuseChild(caller, company, missing);
	Choose(sources, &kind->lock_sources, company, names.array, NULL);
	if ((missing = FindMissing(&names, sources)) != NULL)
		RefuseMissing(caller, kind, company, missing);
	if ((int64) children->names.count * sources->names.count > MAX_COPIES)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("cannot copy %d %s to %d companies in one call",
							   sources->names.count, kind->nouns, children->names.count),
						errdetail("At most %d copies are made at a time.", MAX_COPIES)));
}

static void
AuditCopy(const BaMasterData *kind, const BaCompany *company, const Chosen *children,
		  const Chosen *sources, int copied)
{
	BaJson detail;

	BaJsonStart(&detail);
	BaJsonTexts(&detail, "names", sources->names.items, sources->names.count);
	BaJsonTexts(&detail, "companies", children->names.items, children->names.count);
	BaJsonDatum(&detail, "copied", Int32GetDatum(copied), false, INT4OID);
	Audit(kind, "copied", company, NULL, &detail);
}

Datum
BaMasterDataCopy(FunctionCallInfo fcinfo, BaMasterData *kind)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	BaCompany company;
	Chosen children, sources;
	BaArgs args = {0};
	ReturnSetInfo *result;
	ListCell *cell;
	int copied = 0;

	BaCompanyActed(&caller, BaArgTextOrNull(fcinfo, 2, "company", BA_MAX_CODE), &company);
	ChooseBoth(&caller, fcinfo, kind, &company, &children, &sources);
	BaPut(&args, UUIDARRAYOID, children.ids, false);
	BaPut(&args, UUIDARRAYOID, sources.ids, false);
	InitMaterializedSRF(fcinfo, 0);
	result = (ReturnSetInfo *) fcinfo->resultinfo;
	foreach (cell, BaQueryRows(&kind->copy, &args))
	{
		BaRow *row = lfirst(cell);

		tuplestore_putvalues(result->setResult, result->setDesc, row->values, row->nulls);
		copied += strcmp(BaGetText(row, 2), "copied") == 0;
	}
	AuditCopy(kind, &company, &children, &sources, copied);
	return (Datum) 0;
}

/* ------------------------------------------------------------------- listing */

Datum
BaMasterDataList(FunctionCallInfo fcinfo, BaMasterData *kind)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	BaCompany company;
	BaArgs args = {0};

	BaCompanyActed(&caller, BaArgTextOrNull(fcinfo, 2, "company", BA_MAX_CODE), &company);
	BaPutUuid(&args, &company.company_id);
	BaPutText(&args, BaArgNameOrNull(fcinfo, 1, "after"));
	BaPutInt(&args, BaArgPageSize(fcinfo, 0, 100));
	BaQueryReturn(&kind->list, &args, fcinfo);
	return (Datum) 0;
}

/* --------------------------------------------------------------------- rules */

static void
CheckDetails(const BaRowEvent *event)
{
	bool isnull;
	Datum value = BaColumn(event, true, "details", &isnull);
	Jsonb *details = isnull ? NULL : DatumGetJsonbP(value);

	if (details == NULL || !JB_ROOT_IS_OBJECT(details))
		return; /* constraints say so better */
	RefuseColumns(details);
	if (VARSIZE(details) > MAX_DETAILS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("details of a %s are too long", event->table),
						errdetail("They have %zu bytes as jsonb, at most %d are allowed.",
								  (size_t) VARSIZE(details), MAX_DETAILS)));
	/* A number of a few bytes may have a hundred thousand digits. */
	if (BaJsonTextSize(details, MAX_DETAILS) > MAX_DETAILS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("details of a %s are too long", event->table),
						errdetail("As text they have more than the %d bytes that are"
								  " allowed.",
								  MAX_DETAILS)));
}

/* The table is called what its rows are. */
void
BaMasterDataRule(BaRowEvent *event, bool restoring)
{
	char *name = BaColumnRequireText(event, "name");

	BaColumnRequireSame(event, psprintf("%s_id", event->table), "MCM-6");
	BaColumnRequireSame(event, "company_id", "MCM-6");
	BaColumnRequireClean(event, "name");
	if (pg_mbstrlen(name) > BA_MAX_NAME)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("name of a %s has more than %d characters", event->table,
							   BA_MAX_NAME)));
	if (BaColumnChanged(event, "details"))
		CheckDetails(event);
}
