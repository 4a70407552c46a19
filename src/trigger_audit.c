/*
 * trigger_audit.c
 *	  The triggers that write every change of a row to the audit, whoever made it
 *	  and by whatever statement. While the instance is closed they write nothing:
 *	  a restore brings its own audit rows.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "audit.h"
#include "company.h"
#include "instance.h"
#include "purge.h"
#include "query.h"
#include "signup.h"
#include "tuple.h"
#include "user.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_audit_row_tg);
PG_FUNCTION_INFO_V1(bestauth_audit_truncate_tg);

#define HIDDEN "***" /* shown for a value that changed and is secret */

/* Is the column one of a comma-separated list? */
static bool
IsListed(const char *list, const char *column)
{
	size_t length = strlen(column);
	const char *at;

	for (at = list; (at = strstr(at, column)) != NULL; at += length)
		if ((at == list || at[-1] == ',') && (at[length] == ',' || at[length] == '\0'))
			return true;
	return false;
}

static void
PutColumn(BaJson *json, const BaRowEvent *event, bool new_row, const char *column,
		  Oid type, bool hidden)
{
	bool isnull;
	Datum value = BaColumn(event, new_row, column, &isnull);

	if (hidden && !isnull)
		BaJsonText(json, column, HIDDEN);
	else
		BaJsonDatum(json, column, value, isnull, type);
}

/* The changed columns, or all of a row that is new or gone. False for no change. */
static bool
FillValues(const BaRowEvent *event, Trigger *trigger, BaAudit *audit)
{
	BaJson old_values, new_values;
	int i;

	BaJsonStart(&old_values);
	BaJsonStart(&new_values);
	for (i = 0; i < event->tupdesc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(event->tupdesc, i);
		const char *column = NameStr(att->attname);
		bool hidden = IsListed(trigger->tgargs[1], column);

		if (att->attisdropped || IsListed(trigger->tgargs[2], column) ||
			(event->old_row && event->new_row && !BaColumnChanged(event, column)))
			continue;
		if (event->old_row)
			PutColumn(&old_values, event, false, column, att->atttypid, hidden);
		if (event->new_row)
			PutColumn(&new_values, event, true, column, att->atttypid, hidden);
	}
	audit->old_values = BaJsonFinish(&old_values);
	audit->new_values = BaJsonFinish(&new_values);
	return audit->old_values != NULL || audit->new_values != NULL;
}

static char *
KeyOf(const BaRowEvent *event, const char *columns)
{
	StringInfoData key;
	char *list = pstrdup(columns);
	char *column;
	char *rest;

	initStringInfo(&key);
	for (column = strtok_r(list, ",", &rest); column; column = strtok_r(NULL, ",", &rest))
	{
		bool isnull;
		Datum value = BaColumn(event, event->new_row != NULL, column, &isnull);
		Oid output;
		bool varlena;

		getTypeOutputInfo(BaColumnType(event, column), &output, &varlena);
		appendStringInfo(&key, "%s%s", key.len > 0 ? "," : "",
						 isnull ? "" : OidOutputFunctionCall(output, value));
	}
	return key.data;
}

static bool
FindId(const BaRowEvent *event, const char *column, pg_uuid_t *id)
{
	bool isnull = true;
	Datum value;

	if (!BaColumnExists(event, column))
		return false;
	value = BaColumn(event, event->new_row != NULL, column, &isnull);
	if (!isnull)
		*id = *DatumGetUUIDP(value);
	return !isnull;
}

/* The row's own company, or its user's or sign-up's, comes before the caller's. */
static void
FillCompany(const BaRowEvent *event, BaAudit *audit, BaCompany *company)
{
	pg_uuid_t id;
	BaUser user;
	BaSignup signup;

	if (FindId(event, "company_id", &id) ?
			!BaCompanyLoad(&id, company) :
		FindId(event, "user_id", &id) ?
			!BaUserLoad(&id, &user) || !BaCompanyLoad(&user.company_id, company) :
		FindId(event, "signup_id", &id) ?
			!BaSignupLoad(&id, &signup) || !BaCompanyLoad(&signup.company_id, company) :
			true)
		return;
	audit->company_id = &company->company_id;
	audit->company_code = company->code;
}

Datum
bestauth_audit_row_tg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = BaTriggerCheck(fcinfo, "audit_row_tg", true);
	BaRowEvent event;
	BaAudit audit;
	BaCompany company;

	if (BaInstanceIsRestoring() || BaPurgeIsRunning())
		return PointerGetDatum(NULL);
	event = BaRowEventOf(trigger);
	BaAuditStart(&audit, event.old_row == NULL ? "row.inserted" :
						 event.new_row == NULL ? "row.deleted" :
												 "row.updated");
	if (!FillValues(&event, trigger->tg_trigger, &audit))
		return PointerGetDatum(NULL);
	FillCompany(&event, &audit, &company);
	audit.object_type = psprintf("bestauth.%s", event.table);
	audit.object_id = KeyOf(&event, trigger->tg_trigger->tgargs[0]);
	BaAuditWrite(&audit);
	return PointerGetDatum(NULL);
}

Datum
bestauth_audit_truncate_tg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = BaTriggerCheck(fcinfo, "audit_truncate_tg", false);
	BaAudit audit;

	if (BaInstanceIsRestoring())
		return PointerGetDatum(NULL);
	BaAuditStart(&audit, "table.truncated");
	audit.object_type =
		psprintf("bestauth.%s", RelationGetRelationName(trigger->tg_relation));
	BaAuditWrite(&audit);
	return PointerGetDatum(NULL);
}
