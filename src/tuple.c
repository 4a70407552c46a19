/*
 * tuple.c
 *	  Columns of a trigger's rows, by name, a table's own name, and the checks of how a
 *	  trigger function is called.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "args.h"
#include "errors.h"
#include "tuple.h"

/* With its schema, quoted where it must be: whatever the session's settings are. */
char *
BaTableName(Oid relation)
{
	bool quote_all = quote_all_identifiers;
	char *name;

	quote_all_identifiers = false;
	name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)),
									  get_rel_name(relation));
	quote_all_identifiers = quote_all;
	return name;
}

/* Raises unless the function is called as the trigger that it is. */
TriggerData *
BaTriggerCheck(FunctionCallInfo fcinfo, const char *name, bool row)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		(TRIGGER_FIRED_FOR_ROW(trigger->tg_event) != 0) != row)
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("trigger function \"%s\" is fired for each %s alone", name,
							   row ? "row" : "statement")));
	return trigger;
}

BaRowEvent
BaRowEventOf(TriggerData *trigger)
{
	BaRowEvent event;

	event.table = RelationGetRelationName(trigger->tg_relation);
	event.tupdesc = RelationGetDescr(trigger->tg_relation);
	event.old_row =
		TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ? NULL : trigger->tg_trigtuple;
	event.new_row = TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ? trigger->tg_trigtuple :
					TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple :
																 NULL;
	return event;
}

/* 0 if there is no such column. */
static int
FindColumn(const BaRowEvent *event, const char *column)
{
	int i;

	for (i = 0; i < event->tupdesc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(event->tupdesc, i);

		if (!att->attisdropped && strcmp(NameStr(att->attname), column) == 0)
			return i + 1;
	}
	return 0;
}

static int
ColumnNumber(const BaRowEvent *event, const char *column)
{
	int number = FindColumn(event, column);

	if (number == 0)
		elog(ERROR, "table \"%s\" has no column \"%s\"", event->table, column);
	return number;
}

bool
BaColumnExists(const BaRowEvent *event, const char *column)
{
	return FindColumn(event, column) != 0;
}

Oid
BaColumnType(const BaRowEvent *event, const char *column)
{
	return TupleDescAttr(event->tupdesc, ColumnNumber(event, column) - 1)->atttypid;
}

Datum
BaColumn(const BaRowEvent *event, bool new_row, const char *column, bool *isnull)
{
	HeapTuple row = new_row ? event->new_row : event->old_row;

	return heap_getattr(row, ColumnNumber(event, column), event->tupdesc, isnull);
}

/* Of the new row; NULL for NULL. */
char *
BaColumnText(const BaRowEvent *event, const char *column)
{
	bool isnull;
	Datum value = BaColumn(event, true, column, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

/* The same of a column that must not be NULL; constraints are asked later only. */
char *
BaColumnRequireText(const BaRowEvent *event, const char *column)
{
	char *value = BaColumnText(event, column);

	if (value == NULL)
		ereport(ERROR, (errcode(ERRCODE_NOT_NULL_VIOLATION),
						errmsg("column \"%s\" of table \"%s\" must not be null", column,
							   event->table)));
	return value;
}

/* Names go to terminals, logs and mail: nothing in them may act there. */
void
BaColumnRequireClean(const BaRowEvent *event, const char *column)
{
	char *value = BaColumnText(event, column);

	if (value != NULL && BaTextControl(value) != NULL)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("column \"%s\" of table \"%s\" must not contain control characters",
					column, event->table)));
	if (value != NULL && strcmp(BaTextTrim(pstrdup(value)), value) != 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("column \"%s\" of table \"%s\" must not begin or end with a space",
					column, event->table)));
}

bool
BaColumnUuid(const BaRowEvent *event, const char *column, pg_uuid_t *value)
{
	bool isnull;
	Datum datum = BaColumn(event, true, column, &isnull);

	if (!isnull)
		*value = *DatumGetUUIDP(datum);
	return !isnull;
}

bool
BaColumnIsNull(const BaRowEvent *event, const char *column)
{
	bool isnull;

	(void) BaColumn(event, true, column, &isnull);
	return isnull;
}

/* Does the new row differ from the old one? Always at INSERT. */
bool
BaColumnChanged(const BaRowEvent *event, const char *column)
{
	Form_pg_attribute att =
		TupleDescAttr(event->tupdesc, ColumnNumber(event, column) - 1);
	bool old_null, new_null;
	Datum old_value, new_value;

	if (event->old_row == NULL)
		return true;
	old_value = BaColumn(event, false, column, &old_null);
	new_value = BaColumn(event, true, column, &new_null);
	if (old_null || new_null)
		return old_null != new_null;
	return !datum_image_eq(old_value, new_value, att->attbyval, att->attlen);
}

void
BaColumnRequireSame(const BaRowEvent *event, const char *column, const char *rule)
{
	if (event->old_row != NULL && BaColumnChanged(event, column))
		ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION),
						errmsg("column \"%s\" of table \"%s\" cannot be changed", column,
							   event->table),
						BaErrRule(rule)));
}

void
BaColumnSet(BaRowEvent *event, const char *column, Datum value)
{
	int number = ColumnNumber(event, column);
	bool isnull = false;

	event->new_row = heap_modify_tuple_by_cols(event->new_row, event->tupdesc, 1, &number,
											   &value, &isnull);
}

void
BaColumnSetNull(BaRowEvent *event, const char *column)
{
	int number = ColumnNumber(event, column);
	Datum value = (Datum) 0;
	bool isnull = true;

	event->new_row = heap_modify_tuple_by_cols(event->new_row, event->tupdesc, 1, &number,
											   &value, &isnull);
}
