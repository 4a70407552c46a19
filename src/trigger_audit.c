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
#include "bestauth.h"
#include "claim_history.h"
#include "company.h"
#include "instance.h"
#include "inval.h"
#include "purge.h"
#include "query.h"
#include "registration.h"
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

/* The company of a row: its own, or that of its user, sign-up or registration. */
static bool
FindCompanyId(const BaRowEvent *event, pg_uuid_t *id)
{
	BaUser user;
	BaSignup signup;
	BaRegistration registration;

	if (FindId(event, "company_id", id))
		return true;
	if (FindId(event, "user_id", id))
	{
		if (!BaUserLoad(id, &user))
			return false;
		*id = user.company_id;
		return true;
	}
	if (FindId(event, "signup_id", id))
	{
		if (!BaSignupLoad(id, &signup))
			return false;
		*id = signup.company_id;
		return true;
	}
	if (!FindId(event, "registration_id", id) || !BaRegistrationLoad(id, &registration))
		return false;
	*id = registration.company_id;
	return true;
}

/*
 * It comes before the caller's. The last one is remembered, until a company is made or
 * one that was made is undone: a code never changes.
 */
static void
FillCompany(const BaRowEvent *event, BaAudit *audit)
{
	static pg_uuid_t last_id;
	static char last_code[BA_MAX_CODE + 1];
	static uint64 last_generation = 0;
	uint64 generation = BaInvalGeneration(BA_CHANNEL_AUTHORITY);
	pg_uuid_t id;
	BaCompany company;

	if (!FindCompanyId(event, &id))
		return;
	if (last_generation != generation || !BaUuidEqual(&id, &last_id))
	{
		if (!BaCompanyLoad(&id, &company))
			return;
		last_id = id;
		strlcpy(last_code, company.code, sizeof(last_code));
		last_generation = generation;
	}
	audit->company_id = &last_id;
	audit->company_code = last_code;
}

Datum
bestauth_audit_row_tg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = BaTriggerCheck(fcinfo, "audit_row_tg", true);
	BaRowEvent event;
	BaAudit audit;

	if (BaInstanceIsRestoring() || BaPurgeIsRunning() || BaClaimHistoryIsWriting())
		return PointerGetDatum(NULL);
	event = BaRowEventOf(trigger);
	BaAuditStart(&audit, event.old_row == NULL ? "row.inserted" :
						 event.new_row == NULL ? "row.deleted" :
												 "row.updated");
	if (!FillValues(&event, trigger->tg_trigger, &audit))
		return PointerGetDatum(NULL);
	FillCompany(&event, &audit);
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
