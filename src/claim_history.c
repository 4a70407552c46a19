/*
 * claim_history.c
 *	  Claims of offices: loading them by the million, and matching what somebody
 *	  answered against them.
 *
 * A load is one statement on the view claim_history, or on claim_history_qualified. Its rows are checked one by one,
 * so that COPY names the line at fault, and written by the thousand. What is kept until
 * then lives in a context under that of the (sub)transaction: an error frees it, and
 * takes the load off the list, whatever was going on.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/copyfrom_internal.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "args.h"
#include "bestauth.h"
#include "canonical.h"
#include "claim_history.h"
#include "errors.h"
#include "instance.h"
#include "query.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_claim_history_tg);
PG_FUNCTION_INFO_V1(bestauth_claim_history_load_tg);

#define BATCH 10000 /* rows of a query */
#define OLDEST_DATE "1900-01-01"

/* The columns of the views, in their order: one goes without the last. */
typedef enum Column
{
	OFFICE,
	NPI,
	NUMBER,
	SERVICE_DATE,
	COMPANY,
	QUALIFIER,
	COLUMNS
} Column;

static const char *const column_names[] = {"office_identifier", "npi",
										   "claim_number",      "service_date",
										   "company",           "identifier_qualifier"};

typedef struct Company
{
	pg_uuid_t company_id;
	char *code;
	char *typed;  /* as the rows have it */
	int64 claims; /* that are new */
} Company;

typedef struct Load
{
	struct Load *outer; /* of a function that a loading statement calls loads too */
	MemoryContextCallback callback;
	MemoryContext context;
	MemoryContext batch; /* values of the rows that wait */
	List *companies;
	Company *company; /* of the row before */
	bool writing;
	int64 rows;
	int waiting;
	Datum values[COLUMNS][BATCH];
} Load;

static Load *loads = NULL; /* the innermost first */

/* A claim that is there already is left as it is. */
static BaQuery write_claims = {
	.sql =
		"WITH written AS (INSERT INTO bestauth.historical_claim (office_identifier, npi, claim_number,"
		" service_date, company_id, identifier_qualifier) SELECT unnest($1), unnest($2), unnest($3),"
		" unnest($4), unnest($5), unnest($6)"
		" ON CONFLICT DO NOTHING RETURNING company_id)"
		" SELECT company_id, count(*) FROM written GROUP BY company_id",
	.secret = true,
};

/*
 * The same tables and indexes are read whatever is known: an answer that is wrong takes
 * what one takes that is right.
 */
static BaQuery match_answers = {
	.sql =
		"SELECT count(h.npi) > 0, coalesce(bool_or(p.birth_date = $7), false) FROM (VALUES (true)) AS one (row)"
		" LEFT JOIN bestauth.historical_claim h ON bestauth.fold_identifier(h.claim_number) = $1"
		" AND h.company_id = $2"
		" AND bestauth.fold_identifier(h.office_identifier) = $3"
		" AND h.identifier_qualifier = $4 AND ($5 IS NULL OR h.npi = $5)"
		" LEFT JOIN bestauth.provider p ON p.office_id = $6 AND p.npi = coalesce($5, h.npi, '')",
	.latest = true,
	.secret = true,
};

/* ------------------------------------------------------------------- checks */

/* As far as it takes no query. */
static void
CheckClaim(char *const *texts, DateADT service_date, bool restoring)
{
	DateADT today = GetCurrentTimestamp() / USECS_PER_DAY;
	DateADT oldest = date2j(1900, 1, 1) - POSTGRES_EPOCH_JDATE;

	BaIdentifierRequire(texts[OFFICE], "office identifier");
	BaIdentifierRequire(texts[QUALIFIER], "identifier qualifier");
	BaNpiRequire(texts[NPI]);
	/* Where days begin early it is tomorrow already. */
	if (service_date < oldest || (service_date > today + 1 && !restoring))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("service date \"%s\" is out of range",
						DatumGetCString(
							DirectFunctionCall1(date_out,
												DateADTGetDatum(service_date)))),
				 errdetail("It is from %s to today.", OLDEST_DATE), BaErrRule("PRV-7")));
	/* An answer to a security question: not even a wrong one is told. */
	if (!BaIdentifierIsValid(texts[NUMBER]))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg(
				 "claim number of a claim of office \"%s\" and NPI \"%s\" is not valid",
				 texts[OFFICE], texts[NPI]),
			 errdetail(
				 "It has 1 to %d ASCII letters and digits, and dashes, underscores, dots, slashes and spaces between them.",
				 BA_MAX_IDENTIFIER),
			 BaErrRule("PRV-7")));
}

/* Rows that come by another way than the view. */
void
BaHistoricalClaimRule(BaRowEvent *event, bool restoring)
{
	char *texts[COLUMNS];
	pg_uuid_t company_id;
	BaCompany company;
	bool isnull;
	DateADT date;
	int i;

	if (BaClaimHistoryIsWriting())
		return;
	BaColumnRequireSame(event, "company_id", "PRV-7");
	for (i = 0; i < COLUMNS; i++)
		if (i != SERVICE_DATE && i != COMPANY)
			texts[i] = BaColumnRequireText(event, column_names[i]);
	date = DatumGetDateADT(BaColumn(event, true, column_names[SERVICE_DATE], &isnull));
	if (!isnull) /* the constraint says so better */
		CheckClaim(texts, date, restoring);
	/* A foreign key would cost a load half as much again. */
	if (!restoring && BaColumnUuid(event, "company_id", &company_id) &&
		!BaCompanyLoad(&company_id, &company))
		ereport(ERROR, (errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
						errmsg("company %s does not exist", BaUuidText(&company_id)),
						BaErrRule("PRV-7")));
}

/* ------------------------------------------------------------------ loading */

/* Is what is written now what a load has checked, and counts? */
bool
BaClaimHistoryIsWriting(void)
{
	return loads != NULL && loads->writing;
}

static void
TakeOff(void *arg)
{
	Load **load;

	for (load = &loads; *load != NULL; load = &(*load)->outer)
		if (*load == arg)
		{
			*load = (*load)->outer;
			return;
		}
}

static void
RequireOperator(const char *view)
{
	BaInstanceRequireOpen();
	if (!BaAccessRoleHas(GetUserId(), "operator"))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied for view %s", view),
						errdetail("It is for the operator."), BaErrRule("PRV-7")));
}

static void
Begin(void)
{
	MemoryContext context = AllocSetContextCreate(CurTransactionContext, "bestauth load",
												  ALLOCSET_DEFAULT_SIZES);
	Load *load = MemoryContextAlloc(context, sizeof(Load));

	memset(load, 0, offsetof(Load, values));
	load->context = context;
	load->batch =
		AllocSetContextCreate(context, "bestauth batch", ALLOCSET_DEFAULT_SIZES);
	load->callback.func = TakeOff;
	load->callback.arg = load;
	MemoryContextRegisterResetCallback(context, &load->callback);
	load->outer = loads;
	loads = load;
}

/* The company of a code; the last one comes first, as files have them together. */
static Company *
FindCompany(Load *load, const char *typed)
{
	Company *company = load->company;
	BaCompany found;
	MemoryContext old;
	ListCell *cell;

	if (company != NULL && strcmp(company->typed, typed) == 0)
		return company;
	foreach (cell, load->companies)
	{
		company = lfirst(cell);
		if (strcmp(company->typed, typed) == 0)
			return company;
	}
	if (!BaCompanyFind(typed, &found))
		ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
						errmsg("company \"%s\" does not exist", typed)));
	old = MemoryContextSwitchTo(load->context);
	company = palloc0(sizeof(Company));
	company->company_id = found.company_id;
	company->code = pstrdup(found.code);
	company->typed = pstrdup(typed);
	load->companies = lappend(load->companies, company);
	MemoryContextSwitchTo(old);
	return company;
}

/* The first of that id: a code can be typed in several ways. */
static void
Count(Load *load, const pg_uuid_t *company_id, int64 claims)
{
	ListCell *cell;

	foreach (cell, load->companies)
	{
		Company *company = lfirst(cell);

		if (BaUuidEqual(&company->company_id, company_id))
		{
			company->claims += claims;
			return;
		}
	}
}

/* In the table, that is: there the company has an id. */
static Oid
TypeOf(Column column)
{
	return column == COMPANY ? UUIDOID : column == SERVICE_DATE ? DATEOID : TEXTOID;
}

/* Writes the rows that wait. */
static void
Write(Load *load)
{
	MemoryContext old = MemoryContextSwitchTo(load->batch);
	BaArgs args = {0};
	ListCell *cell;
	int i;

	for (i = 0; i < COLUMNS; i++)
	{
		Oid type = TypeOf(i);
		int16 length;
		bool by_value;
		char align;

		get_typlenbyvalalign(type, &length, &by_value, &align);
		BaPut(&args, get_array_type(type),
			  PointerGetDatum(construct_array(load->values[i], load->waiting, type,
											  length, by_value, align)),
			  false);
	}
	load->writing = true;
	foreach (cell, BaQueryRows(&write_claims, &args))
	{
		BaRow *row = lfirst(cell);

		Count(load, DatumGetUUIDP(row->values[0]), DatumGetInt64(row->values[1]));
	}
	load->writing = false;
	MemoryContextSwitchTo(old);
	MemoryContextReset(load->batch);
	load->waiting = 0;
}

/* The number of a row, who loaded it and when are known: the rest is not told. */
static void
WriteAudit(const Company *company)
{
	BaAudit audit;
	BaJson detail;

	BaAuditStart(&audit, "row.inserted");
	audit.company_id = &company->company_id;
	audit.company_code = company->code;
	audit.object_type = "bestauth.historical_claim";
	BaJsonStart(&detail);
	BaJsonDatum(&detail, "rows", Int64GetDatum(company->claims), false, INT8OID);
	audit.detail = BaJsonFinish(&detail);
	BaAuditWrite(&audit);
}

static void
End(Load *load)
{
	int64 written = 0;
	ListCell *cell;

	if (load->waiting > 0)
		Write(load);
	foreach (cell, load->companies)
	{
		Company *company = lfirst(cell);

		written += company->claims;
		if (company->claims > 0)
			WriteAudit(company);
	}
	if (written < load->rows)
		ereport(NOTICE,
				(errmsg("%lld of %lld claims were there already",
						(long long) (load->rows - written), (long long) load->rows)));
	MemoryContextDelete(load->context);
}

/*
 * COPY adds the text of the line to an error, claim number and all, and so to the log.
 * Its number is enough.
 */
static void
HideLine(void)
{
	ErrorContextCallback *context = error_context_stack;

	if (context != NULL && context->callback == CopyFromErrorCallback)
		((CopyFromState) context->arg)->line_buf_valid = false;
}

/* Takes a row in: checked, with the company's id for its code. */
static void
TakeRow(Load *load, HeapTuple row, Relation view)
{
	TupleDesc tupdesc = RelationGetDescr(view);
	Datum values[COLUMNS];
	bool nulls[COLUMNS];
	char *texts[COLUMNS];
	MemoryContext old;
	int i;

	if (tupdesc->natts != COLUMNS && tupdesc->natts != QUALIFIER)
		elog(ERROR, "view \"%s\" has %d columns", RelationGetRelationName(view),
			 tupdesc->natts);
	heap_deform_tuple(row, tupdesc, values, nulls);
	if (tupdesc->natts == QUALIFIER)
	{
		values[QUALIFIER] = CStringGetTextDatum(BA_QUALIFIER_TIN);
		nulls[QUALIFIER] = false;
	}
	for (i = 0; i < COLUMNS; i++)
	{
		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NOT_NULL_VIOLATION),
							errmsg("column \"%s\" of view \"%s\" must not be null",
								   column_names[i], RelationGetRelationName(view))));
		if (i != SERVICE_DATE)
			texts[i] = TextDatumGetCString(values[i]);
	}
	CheckClaim(texts, DatumGetDateADT(values[SERVICE_DATE]), false);
	load->company = FindCompany(load, texts[COMPANY]);
	values[COMPANY] = UUIDPGetDatum(&load->company->company_id);
	old = MemoryContextSwitchTo(load->batch);
	for (i = 0; i < COLUMNS; i++)
		load->values[i][load->waiting] =
			TypeOf(i) == TEXTOID ? datumCopy(values[i], false, -1) : values[i];
	MemoryContextSwitchTo(old);
	load->rows++;
	if (++load->waiting == BATCH)
		Write(load);
}

/* ----------------------------------------------------------------- triggers */

/* Whose columns are known: no other relation has a use for them. */
static void
RequireView(const TriggerData *trigger)
{
	Relation relation = trigger->tg_relation;

	if (RelationGetNamespace(relation) != get_namespace_oid(BA_SCHEMA, false) ||
		strncmp(RelationGetRelationName(relation), "claim_history", 13) != 0)
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("trigger cannot be on relation \"%s\"",
							   RelationGetRelationName(relation))));
}

Datum
bestauth_claim_history_tg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = BaTriggerCheck(fcinfo, "claim_history_tg", true);

	HideLine();
	RequireView(trigger);
	if (loads == NULL)
		elog(ERROR, "a claim comes before its statement");
	TakeRow(loads, trigger->tg_trigtuple, trigger->tg_relation);
	/* A row that comes back as it was is kept by the executor to the statement's end. */
	return PointerGetDatum(heap_copytuple(trigger->tg_trigtuple));
}

Datum
bestauth_claim_history_load_tg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = BaTriggerCheck(fcinfo, "claim_history_load_tg", false);

	RequireView(trigger);
	if (TRIGGER_FIRED_BEFORE(trigger->tg_event))
	{
		RequireOperator(RelationGetRelationName(trigger->tg_relation));
		Begin();
	}
	else if (loads != NULL)
		End(loads);
	return PointerGetDatum(NULL);
}

/* ----------------------------------------------------------------- matching */

/*
 * Compares what somebody answered. Without an NPI it may be a claim of any provider of
 * the office, and the date of birth is that provider's; with one, both are of that
 * provider alone, and the date counts even where the claim is wrong.
 */
void
BaClaimHistoryMatch(const pg_uuid_t *company_id, const char *identifier,
					const char *qualifier, const char *npi, const pg_uuid_t *office_id,
					const char *claim_number, bool has_birth_date, DateADT birth_date,
					BaAnswer *claim, BaAnswer *birth)
{
	static const pg_uuid_t nobody = {{0}};
	BaArgs args = {0};
	BaRow row;

	/* What is no claim number is looked for all the same, and not found. */
	BaPutText(&args, claim_number != NULL && BaIdentifierIsValid(claim_number) ?
						 BaCanonicalIdentifier(claim_number) :
						 "");
	BaPutUuid(&args, company_id);
	BaPutText(&args, BaCanonicalIdentifier(identifier));
	BaPutText(&args, qualifier);
	BaPutText(&args, npi);
	BaPutUuid(&args, office_id != NULL ? office_id : &nobody);
	BaPut(&args, DATEOID, DateADTGetDatum(birth_date), !has_birth_date);
	if (!BaQueryRow(&match_answers, &args, &row))
		elog(ERROR, "the history of claims gives no answer");
	*claim = claim_number == NULL ? BA_ANSWER_NONE :
			 BaGetBool(&row, 0)   ? BA_ANSWER_MATCHED :
									BA_ANSWER_WRONG;
	*birth = !has_birth_date    ? BA_ANSWER_NONE :
			 BaGetBool(&row, 1) ? BA_ANSWER_MATCHED :
								  BA_ANSWER_WRONG;
}
