/*
 * audit_trigger.c
 *	  The triggers that put a table of an application under audit: which they are, whether
 *	  they are there as they should be, making them and dropping them.
 *
 * A statement's triggers fire on the table that it names alone: so a partition has the same
 * as the table that it is of, for statements that name the partition.
 *
 * They are made and dropped by OID, under the lock, not by statements: no name can mean
 * something else meanwhile. PostgreSQL asks the same of whoever calls.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/comment.h"
#include "commands/trigger.h"
#include "nodes/makefuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "app_table.h"
#include "audit.h"
#include "audit_trigger.h"
#include "bestauth.h"
#include "tuple.h"

/* Which tables have it. */
typedef enum Where
{
	EVERYWHERE,
	PARTITIONED,
	PARTITION /* that has rows itself */
} Where;

typedef struct Kind
{
	const char *name;
	const char *function;
	Where where;
	int16 type; /* as in pg_trigger */
	bool old_table;
	bool new_table;
	const char *comment;
} Kind;

#define ROWS "audit_rows_tg"
#define TRUNCATE "audit_truncate_tg"
#define MOVE "audit_move_tg"
#define ROWS_COMMENT "Every change of a row, to the audit: see bestauth.audit_table()."
#define MOVE_COMMENT "Refuses what the audit would miss: see bestauth.audit_table()."

static const Kind kinds[] = {
	{"bestauth_audit_insert", ROWS, EVERYWHERE, TRIGGER_TYPE_INSERT, false, true,
	 ROWS_COMMENT},
	{"bestauth_audit_update", ROWS, EVERYWHERE, TRIGGER_TYPE_UPDATE, true, true,
	 ROWS_COMMENT},
	{"bestauth_audit_delete", ROWS, EVERYWHERE, TRIGGER_TYPE_DELETE, true, false,
	 ROWS_COMMENT},
	{"bestauth_audit_truncate", TRUNCATE, EVERYWHERE, TRIGGER_TYPE_TRUNCATE, false, false,
	 "A table emptied, to the audit: see bestauth.audit_table()."},
	{"bestauth_audit_merge", MOVE, PARTITIONED, TRIGGER_TYPE_BEFORE | TRIGGER_TYPE_UPDATE,
	 false, false, MOVE_COMMENT},
	{"bestauth_audit_move", MOVE, PARTITION, TRIGGER_TYPE_ROW | TRIGGER_TYPE_DELETE,
	 false, false, MOVE_COMMENT},
};

#define KINDS lengthof(kinds)
#define OPTIONS 4

/* A trigger of ours as the catalog has it: by function, or by name at least. */
typedef struct Found
{
	Oid oid;
	int kind; /* of its name, or -1 */
	bool right;
	BaAuditOptions options;
	bool has_options;
} Found;

/* Whether or not the caller may use our schema: DDL of anybody's comes by here. */
static Oid
FunctionOf(const char *name)
{
	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(name),
						   PointerGetDatum(buildoidvector(NULL, 0)),
						   ObjectIdGetDatum(get_namespace_oid(BA_SCHEMA, true)));
}

static bool
IsOurFunction(Oid function)
{
	if (!OidIsValid(function))
		return false;
	return function == FunctionOf(ROWS) || function == FunctionOf(TRUNCATE) ||
		   function == FunctionOf(MOVE);
}

static int
KindOf(const char *name)
{
	int i;

	for (i = 0; i < KINDS; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return i;
	return -1;
}

static bool
IsWanted(const Kind *kind, Oid relation)
{
	char relkind = get_rel_relkind(relation);

	return kind->where == EVERYWHERE ||
		   (kind->where == PARTITIONED && relkind == RELKIND_PARTITIONED_TABLE) ||
		   (kind->where == PARTITION && relkind == RELKIND_RELATION &&
			get_rel_relispartition(relation));
}

/* ---------------------------------------------------------------- what is there */

/* The arguments stand one after the other, each with a zero byte behind it. */
static bool
ReadOptions(HeapTuple tuple, Relation catalog, BaAuditOptions *options)
{
	bool isnull;
	Datum datum =
		heap_getattr(tuple, Anum_pg_trigger_tgargs, RelationGetDescr(catalog), &isnull);
	char *at;

	if (((Form_pg_trigger) GETSTRUCT(tuple))->tgnargs != OPTIONS)
		return false;
	at = VARDATA_ANY(DatumGetByteaPCopy(datum));
	options->id_columns = at;
	options->hidden = at += strlen(at) + 1;
	options->ignored = at += strlen(at) + 1;
	options->company_column = at + strlen(at) + 1;
	return true;
}

static bool
SameOptions(const BaAuditOptions *one, const BaAuditOptions *other)
{
	return strcmp(one->id_columns, other->id_columns) == 0 &&
		   strcmp(one->hidden, other->hidden) == 0 &&
		   strcmp(one->ignored, other->ignored) == 0 &&
		   strcmp(one->company_column, other->company_column) == 0;
}

static bool
IsNull(HeapTuple tuple, Relation catalog, AttrNumber column)
{
	return heap_attisnull(tuple, column, RelationGetDescr(catalog));
}

/* Is it the trigger of its name, as it was made? Its options are another matter. */
static bool
IsAsMade(HeapTuple tuple, Relation catalog, const Kind *kind)
{
	Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);

	return form->tgfoid == FunctionOf(kind->function) && form->tgtype == kind->type &&
		   form->tgenabled == TRIGGER_FIRES_ALWAYS && form->tgattr.dim1 == 0 &&
		   IsNull(tuple, catalog, Anum_pg_trigger_tgqual) &&
		   IsNull(tuple, catalog, Anum_pg_trigger_tgoldtable) != kind->old_table &&
		   IsNull(tuple, catalog, Anum_pg_trigger_tgnewtable) != kind->new_table;
}

/* All of ours on the table. What PostgreSQL made for itself, or of a parent's, is not. */
static List *
FindTriggers(Oid relation)
{
	Relation catalog = table_open(TriggerRelationId, AccessShareLock);
	List *triggers = NIL;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple tuple;

	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relation));
	scan = systable_beginscan(catalog, TriggerRelidNameIndexId, true, NULL, 1, &key);
	while ((tuple = systable_getnext(scan)) != NULL)
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
		Found *found;
		int kind = KindOf(NameStr(form->tgname));

		if (form->tgisinternal || OidIsValid(form->tgparentid) ||
			(kind < 0 && !IsOurFunction(form->tgfoid)))
			continue;
		found = palloc(sizeof(Found));
		found->oid = form->oid;
		found->kind = kind;
		found->right = kind >= 0 && IsAsMade(tuple, catalog, &kinds[kind]);
		found->has_options =
			IsOurFunction(form->tgfoid) && ReadOptions(tuple, catalog, &found->options);
		triggers = lappend(triggers, found);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return triggers;
}

/* Is the table under audit, as far as that goes, and how? */
bool
BaAuditTriggersFind(Oid relation, BaAuditOptions *options)
{
	ListCell *cell;

	foreach (cell, FindTriggers(relation))
	{
		Found *found = lfirst(cell);

		if (!found->has_options)
			continue;
		*options = found->options;
		return true;
	}
	return false;
}

/* Is it the name of one of ours, and of no other trigger? */
bool
BaAuditTriggerIsOurs(Oid relation, const char *name)
{
	Oid trigger = get_trigger_oid(relation, name, true);
	ListCell *cell;

	foreach (cell, FindTriggers(relation))
		if (((Found *) lfirst(cell))->oid == trigger)
			return OidIsValid(trigger);
	return false;
}

/* ------------------------------------------------------- what comes of the parents */

char *
BaAuditColumns(const BaTextList *list)
{
	return OidOutputFunctionCall(F_ARRAY_OUT,
								 BaTextArray(list->items, Max(list->count, 0)));
}

static void
AddColumn(BaTextList *list, char *column)
{
	int i;

	for (i = 0; i < list->count; i++)
		if (strcmp(list->items[i], column) == 0)
			return;
	list->items = list->items == NULL ?
					  palloc(sizeof(char *)) :
					  repalloc(list->items, sizeof(char *) * (list->count + 1));
	list->items[list->count++] = column;
}

/* Does one of the tables have a column of that name? */
static bool
SomeHave(List *tables, const char *column)
{
	ListCell *cell;

	foreach (cell, tables)
		if (get_attnum(lfirst_oid(cell), column) != InvalidAttrNumber)
			return true;
	return false;
}

/* Columns as the options have them, but for those that some of the tables have. */
static void
AddColumns(BaTextList *list, const char *columns, List *tables)
{
	Datum array = OidInputFunctionCall(F_ARRAY_IN, pstrdup(columns), TEXTOID, -1);
	Datum *items;
	int count, i;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &items,
					  NULL, &count);
	for (i = 0; i < count; i++)
	{
		char *column = TextDatumGetCString(items[i]);

		if (!SomeHave(tables, column))
			AddColumn(list, column);
	}
}

/* The tables under audit that it inherits from. */
List *
BaAuditedParents(Oid relation)
{
	List *parents = NIL;
	ListCell *cell;

	foreach (cell, BaAppTableParents(relation))
	{
		BaAuditOptions options;

		if (BaAuditTriggersFind(lfirst_oid(cell), &options))
			parents = lappend_oid(parents, lfirst_oid(cell));
	}
	return parents;
}

/*
 * What a table gets that inherits: a row has the key and the company of the first parent; what
 * any parent hides is hidden, and what the table hides or leaves out of its own columns, "own",
 * stays so; when it comes to inherit, what it hides of the others too. False where no parent is
 * under audit.
 */
bool
BaAuditOptionsInherited(Oid relation, const BaAuditOptions *own, bool anew,
						BaAuditOptions *options)
{
	List *parents = BaAuditedParents(relation);
	BaTextList hidden = {0}, ignored = {0}, left = {0};
	BaAuditOptions of_parent;
	ListCell *cell;
	int i, j;

	if (parents == NIL)
		return false;
	(void) BaAuditTriggersFind(linitial_oid(parents), options);
	foreach (cell, parents)
	{
		(void) BaAuditTriggersFind(lfirst_oid(cell), &of_parent);
		AddColumns(&hidden, of_parent.hidden, NIL);
		AddColumns(&ignored, of_parent.ignored, NIL);
	}
	if (own != NULL)
	{
		AddColumns(&hidden, own->hidden, anew ? NIL : parents);
		AddColumns(&ignored, own->ignored, parents);
	}
	for (i = 0; i < ignored.count; i++)
	{
		for (j = 0; j < hidden.count; j++)
			if (strcmp(ignored.items[i], hidden.items[j]) == 0)
				break;
		if (j == hidden.count)
			AddColumn(&left, ignored.items[i]);
	}
	options->hidden = BaAuditColumns(&hidden);
	options->ignored = BaAuditColumns(&left);
	return true;
}

/* ---------------------------------------------------------- making and dropping */

static TriggerTransition *
Table(const char *name, bool is_new)
{
	TriggerTransition *table = makeNode(TriggerTransition);

	table->name = pstrdup(name);
	table->isNew = is_new;
	table->isTable = true;
	return table;
}

static CreateTrigStmt *
StatementOf(const Kind *kind, const BaAuditOptions *options)
{
	CreateTrigStmt *stmt = makeNode(CreateTrigStmt);

	stmt->trigname = pstrdup(kind->name);
	stmt->funcname =
		list_make2(makeString(BA_SCHEMA), makeString(pstrdup(kind->function)));
	stmt->args =
		list_make4(makeString(options->id_columns), makeString(options->hidden),
				   makeString(options->ignored), makeString(options->company_column));
	stmt->row = (kind->type & TRIGGER_TYPE_ROW) != 0;
	stmt->timing = kind->type & TRIGGER_TYPE_TIMING_MASK;
	stmt->events = kind->type & TRIGGER_TYPE_EVENT_MASK;
	if (kind->old_table)
		stmt->transitionRels = lappend(stmt->transitionRels, Table("old_rows", false));
	if (kind->new_table)
		stmt->transitionRels = lappend(stmt->transitionRels, Table("new_rows", true));
	return stmt;
}

static void
MakeTrigger(Oid relation, const Kind *kind, const BaAuditOptions *options)
{
	ObjectAddress trigger =
		CreateTriggerFiringOn(StatementOf(kind, options), NULL, relation, InvalidOid,
							  InvalidOid, InvalidOid, FunctionOf(kind->function),
							  InvalidOid, NULL, false, false, TRIGGER_FIRES_ALWAYS);

	CreateComments(trigger.objectId, TriggerRelationId, 0, kind->comment);
	CommandCounterIncrement();
}

static void
DropTrigger(Oid trigger)
{
	ObjectAddress address;

	ObjectAddressSet(address, TriggerRelationId, trigger);
	performDeletion(&address, DROP_RESTRICT, 0);
	CommandCounterIncrement();
}

/*
 * Whatever is there already, afterwards the table has its triggers and no others of ours.
 * Tells whether there was something to do. Under a lock that keeps writers out.
 */
bool
BaAuditTriggersMake(Oid relation, const BaAuditOptions *options)
{
	bool right[KINDS] = {0};
	bool changed = false;
	ListCell *cell;
	int i;

	foreach (cell, FindTriggers(relation))
	{
		Found *found = lfirst(cell);

		if (found->right && found->has_options &&
			IsWanted(&kinds[found->kind], relation) &&
			SameOptions(&found->options, options))
		{
			right[found->kind] = true;
			continue;
		}
		DropTrigger(found->oid);
		changed = true;
	}
	for (i = 0; i < KINDS; i++)
	{
		if (right[i] || !IsWanted(&kinds[i], relation))
			continue;
		MakeTrigger(relation, &kinds[i], options);
		changed = true;
	}
	return changed;
}

/* Tells whether there were any. */
bool
BaAuditTriggersDrop(Oid relation)
{
	List *triggers = FindTriggers(relation);
	ListCell *cell;

	foreach (cell, triggers)
		DropTrigger(((Found *) lfirst(cell))->oid);
	return triggers != NIL;
}

/* --------------------------------------------------------------- writing it down */

static void
AddList(BaJson *detail, const char *key, const char *list)
{
	BaJsonDatum(detail, key, OidInputFunctionCall(F_ARRAY_IN, pstrdup(list), TEXTOID, -1),
				false, TEXTARRAYOID);
}

/* What became of a table. The options are NULL where there are none any more. */
void
BaAuditTableWrite(const char *action, Oid relation, const BaAuditOptions *options)
{
	BaAudit audit;
	BaJson detail;

	BaAuditStart(&audit, action);
	audit.object_type = "table";
	audit.object_id = BaTableName(relation);
	if (options != NULL)
	{
		BaJsonStart(&detail);
		AddList(&detail, "id_columns", options->id_columns);
		AddList(&detail, "hidden", options->hidden);
		AddList(&detail, "ignored", options->ignored);
		BaJsonText(&detail, "company_column",
				   *options->company_column ? options->company_column : NULL);
		audit.detail = BaJsonFinish(&detail);
	}
	BaAuditWrite(&audit);
}
