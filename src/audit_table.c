/*
 * audit_table.c
 *	  An application's tables under the audit, and what it says was read.
 *
 * It happens with the caller's privileges: nothing that the table's owner could not do by
 * hand. What is to be done is read from the catalogs, under the lock, so that a second call
 * repairs what is missing.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"

#include "access.h"
#include "app_table.h"
#include "args.h"
#include "audit.h"
#include "audit_trigger.h"
#include "bestauth.h"
#include "query.h"
#include "tuple.h"

PG_FUNCTION_INFO_V1(bestauth_audit_table);
PG_FUNCTION_INFO_V1(bestauth_unaudit_table);
PG_FUNCTION_INFO_V1(bestauth_record_access);

#define AUDITED "audited"
#define COMPANY_COLUMN "company_id"
#define MAX_OBJECT_TYPE 100 /* characters */
#define MAX_OBJECT_ID 200
#define MAX_DETAIL 8192 /* bytes, as text */

static BaQuery list_key = {
	.sql =
		"SELECT a.attname::text FROM pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY k (attnum, place)"
		" JOIN pg_attribute a ON a.attnum = k.attnum"
		" WHERE i.indrelid = $1 AND i.indisprimary AND k.place <= i.indnkeyatts AND a.attrelid = i.indrelid"
		" ORDER BY k.place",
	.latest = true,
};

/* ------------------------------------------------------------------ the columns */

static void
RefuseColumn(const char *column, Oid relation, const char *reason)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("column \"%s\" of relation \"%s\" %s", column,
						   get_rel_name(relation), reason)));
}

static bool
IsIn(const BaTextList *list, const char *column)
{
	int i;

	for (i = 0; i < list->count; i++)
		if (strcmp(list->items[i], column) == 0)
			return true;
	return false;
}

/* Columns that are there, each once. Of NULL count is -1. */
static BaTextList
TakeColumns(FunctionCallInfo fcinfo, int n, const char *name, Oid relation)
{
	BaTextList list = BaArgTextsRaw(fcinfo, n, name);
	BaTextList before = {0};
	int i;

	for (i = 0; i < list.count; i++)
	{
		if (get_attnum(relation, list.items[i]) <= 0)
			RefuseColumn(list.items[i], relation, "does not exist");
		before.count = i;
		before.items = list.items;
		if (IsIn(&before, list.items[i]))
			RefuseColumn(list.items[i], relation,
						 psprintf("is named twice in argument \"%s\"", name));
	}
	return list;
}

static void
RefuseBoth(const BaTextList *one, const char *one_name, const BaTextList *other,
		   const char *other_name, Oid relation)
{
	int i;

	for (i = 0; i < one->count; i++)
		if (IsIn(other, one->items[i]))
			RefuseColumn(one->items[i], relation,
						 psprintf("cannot be in \"%s\" and in \"%s\"", one_name,
								  other_name));
}

static BaTextList
FindKey(Oid relation)
{
	BaTextList list = {0};
	BaArgs args = {0};
	List *rows;
	ListCell *cell;

	BaPut(&args, OIDOID, ObjectIdGetDatum(relation), false);
	rows = BaQueryRows(&list_key, &args);
	list.items = palloc(sizeof(char *) * (list_length(rows) + 1));
	foreach (cell, rows)
		list.items[list.count++] = BaGetText(lfirst(cell), 0);
	if (list.count == 0)
		ereport(NOTICE, (errmsg("relation \"%s\" has no primary key: its rows have no"
								" object_id in the audit",
								get_rel_name(relation))));
	return list;
}

static char *
TakeCompanyColumn(FunctionCallInfo fcinfo, Oid relation)
{
	char *column = NULL;
	AttrNumber number;

	if (!PG_ARGISNULL(4))
		column = text_to_cstring(PG_GETARG_TEXT_PP(4));
	number = get_attnum(relation, column ? column : COMPANY_COLUMN);
	if (column == NULL)
		return number > 0 && get_atttype(relation, number) == UUIDOID ? COMPANY_COLUMN :
																		"";
	if (number <= 0)
		RefuseColumn(column, relation, "does not exist");
	if (get_atttype(relation, number) != UUIDOID)
		RefuseColumn(column, relation, "is not of type uuid");
	return column;
}

static BaAuditOptions
TakeOptions(FunctionCallInfo fcinfo, Oid relation)
{
	BaTextList id = TakeColumns(fcinfo, 1, "id_columns", relation);
	BaTextList hidden = TakeColumns(fcinfo, 2, "hidden", relation);
	BaTextList ignored = TakeColumns(fcinfo, 3, "ignored", relation);
	BaAuditOptions options;

	if (id.count < 0)
		id = FindKey(relation);
	RefuseBoth(&hidden, "hidden", &ignored, "ignored", relation);
	RefuseBoth(&id, "id_columns", &hidden, "hidden", relation);
	options.id_columns = BaAuditColumns(&id);
	options.hidden = BaAuditColumns(&hidden);
	options.ignored = BaAuditColumns(&ignored);
	options.company_column = TakeCompanyColumn(fcinfo, relation);
	return options;
}

/* ---------------------------------------------------------------------- tables */

static void
RefuseChild(Oid relation, Oid parent, const char *what)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("relation \"%s\" cannot be %s by itself",
						   get_rel_name(relation), what),
					errdetail("It inherits from %s.", BaTableName(parent))));
}

/*
 * Statements that name a parent change rows that the triggers here would not see. Of one
 * whose parents are under audit it can be said what its own columns are.
 */
static bool
IsOfAudited(FunctionCallInfo fcinfo, Oid relation)
{
	List *audited = BaAuditedParents(relation);
	ListCell *cell;

	foreach (cell, BaAppTableParents(relation))
		if (!list_member_oid(audited, lfirst_oid(cell)) ||
			get_rel_relispartition(relation) || !PG_ARGISNULL(1) || !PG_ARGISNULL(4))
			RefuseChild(relation, lfirst_oid(cell), AUDITED);
	return audited != NIL;
}

/* Of an inherited column the parent says it. */
static void
RefuseInherited(const BaTextList *list, Oid relation)
{
	int i;
	ListCell *cell;

	foreach (cell, BaAuditedParents(relation))
		for (i = 0; i < list->count; i++)
			if (get_attnum(lfirst_oid(cell), list->items[i]) > 0)
				RefuseColumn(list->items[i], relation, "is inherited");
}

static BaAuditOptions
TakeOwnOptions(FunctionCallInfo fcinfo, Oid relation)
{
	BaTextList hidden = TakeColumns(fcinfo, 2, "hidden", relation);
	BaTextList ignored = TakeColumns(fcinfo, 3, "ignored", relation);
	BaAuditOptions own = {0}, options;

	RefuseBoth(&hidden, "hidden", &ignored, "ignored", relation);
	RefuseInherited(&hidden, relation);
	RefuseInherited(&ignored, relation);
	own.hidden = BaAuditColumns(&hidden);
	own.ignored = BaAuditColumns(&ignored);
	(void) BaAuditOptionsInherited(relation, &own, false, &options);
	return options;
}

Datum
bestauth_audit_table(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	List *tables = BaAppTablesLock(fcinfo, &caller, AUDITED);
	Oid root = linitial_oid(tables);
	BaAuditOptions options, of_root;
	bool changed = false;
	ListCell *cell;

	if (IsOfAudited(fcinfo, root))
		of_root = TakeOwnOptions(fcinfo, root);
	else
		of_root = TakeOptions(fcinfo, root);
	foreach (cell, tables)
		BaAppTableCheckChild(lfirst_oid(cell), AUDITED);
	foreach (cell, tables)
	{
		Oid table = lfirst_oid(cell);
		BaAuditOptions before;
		bool had = BaAuditTriggersFind(table, &before);

		if (table == root ||
			!BaAuditOptionsInherited(table, had ? &before : NULL, false, &options))
			options = of_root;
		changed |= BaAuditTriggersMake(table, &options);
	}
	if (changed)
		BaAuditTableWrite("table.audited", root, &of_root);
	PG_RETURN_VOID();
}

Datum
bestauth_unaudit_table(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	List *tables = BaAppTablesLock(fcinfo, &caller, AUDITED);
	Oid root = linitial_oid(tables);
	bool found = false;
	ListCell *cell;

	if (BaAuditedParents(root) != NIL)
		RefuseChild(root, linitial_oid(BaAuditedParents(root)), "taken from the audit");
	foreach (cell, tables)
		found |= BaAuditTriggersDrop(lfirst_oid(cell));
	if (!found)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("table %s is not under audit", BaTableName(root))));
	BaAuditTableWrite("table.unaudited", root, NULL);
	PG_RETURN_VOID();
}

/* ----------------------------------------------------------------------- reads */

static void
CheckLength(const char *value, const char *name, int most)
{
	if (pg_mbstrlen(value) > most)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" is too long", name),
						errdetail("At most %d characters are allowed.", most)));
}

/* "folded" says of how many refusals a row tells: no reader of the audit is to be misled. */
static Jsonb *
TakeDetail(FunctionCallInfo fcinfo, int n)
{
	JsonbValue folded;
	Jsonb *detail;
	int length;

	if (PG_ARGISNULL(n))
		return NULL;
	detail = PG_GETARG_JSONB_P(n);
	if (!JB_ROOT_IS_OBJECT(detail))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" must be an object", "detail")));
	length = strlen(JsonbToCString(NULL, &detail->root, VARSIZE(detail)));
	if (length > MAX_DETAIL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" is too long", "detail"),
						errdetail("It has %d bytes, at most %d are allowed.", length,
								  MAX_DETAIL)));
	folded.type = jbvString;
	folded.val.string.val = "folded";
	folded.val.string.len = strlen(folded.val.string.val);
	if (findJsonbValueFromContainer(&detail->root, JB_FOBJECT, &folded) != NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" must not have the key \"%s\"", "detail",
							   "folded")));
	return detail;
}

/* A transaction that only reads, as many do that show something, has the writer do it. */
Datum
bestauth_record_access(PG_FUNCTION_ARGS)
{
	char *object_type, *object_id;
	BaAudit audit;

	(void) BaAccessCaller(fcinfo);
	object_type =
		BaArgText(fcinfo, 0, "object_type", MAX_OBJECT_TYPE * MAX_MULTIBYTE_CHAR_LEN);
	object_id =
		BaArgTextOrNull(fcinfo, 1, "object_id", MAX_OBJECT_ID * MAX_MULTIBYTE_CHAR_LEN);
	CheckLength(object_type, "object_type", MAX_OBJECT_TYPE);
	if (object_id != NULL)
		CheckLength(object_id, "object_id", MAX_OBJECT_ID);
	BaAuditStart(&audit, "record.accessed");
	audit.object_type = object_type;
	audit.object_id = object_id;
	audit.detail = TakeDetail(fcinfo, 2);
	if (XactReadOnly)
		BaAuditWriteDurably(&audit);
	else
		BaAuditWrite(&audit);
	PG_RETURN_VOID();
}
