/*
 * isolation.c
 *	  Company isolation of an application's tables: row security that goes by the
 *	  companies of the session, put on by one call and taken off by another.
 *
 * The statements run with the caller's privileges: nothing happens here that the table's
 * owner could not do by hand. What is to be done is read from the catalogs, under the
 * lock, so that a second call repairs what is missing.
 *
 * The restrictive policy isolates, whatever other policies say. The permissive one is there
 * because without any no row is seen. Its USING is the same expression, which PostgreSQL
 * then evaluates once; so where the column or the extension is dropped with CASCADE both
 * policies go, and no row is seen, rather than all.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "access.h"
#include "app_table.h"
#include "args.h"
#include "audit.h"
#include "query.h"

PG_FUNCTION_INFO_V1(bestauth_isolate_table);
PG_FUNCTION_INFO_V1(bestauth_unisolate_table);

#define INDEX_COMMENT \
	"Made by bestauth.isolate_table(), dropped by bestauth.unisolate_table()."

/* How a table stands to isolation by a column. */
typedef struct State
{
	char *table;        /* quoted, with its schema */
	char *column;       /* the same of the column, without */
	char *isolated_by;  /* the column that its policy goes by now, or NULL */
	bool nullable;      /* the column takes NULL */
	bool secured;       /* row security is enabled, and forced on the owner */
	bool company;       /* there is the restrictive policy */
	bool company_right; /* as it should be, and by this column */
	bool rows;          /* there is the permissive policy */
	bool rows_right;    /* as it should be, and by this column */
	bool others;        /* there are policies of somebody else's */
	bool permissive;    /* permissive ones among these */
	bool lacks_index;
} State;

/* Without a column ($2 is NULL) it tells what does not depend on it. */
static BaQuery find_state = {
	.sql =
		"SELECT format('%I.%I', n.nspname, c.relname), quote_ident($2)," /* 0, 1 */
		" max(i.company_column) FILTER (WHERE i.name = 'bestauth_company'),"
		" NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = $2"
		" AND a.attnotnull),"
		" c.relrowsecurity AND c.relforcerowsecurity," /* 4 */
		" count(*) FILTER (WHERE i.name = 'bestauth_company') > 0,"
		" count(*) FILTER (WHERE i.name = 'bestauth_company' AND i.intact AND i.company_column = $2) > 0,"
		" count(*) FILTER (WHERE i.name = 'bestauth_rows') > 0," /* 7 */
		" count(*) FILTER (WHERE i.name = 'bestauth_rows' AND i.intact AND i.company_column = $2) > 0,"
		" count(*) FILTER (WHERE p.oid IS NOT NULL AND i.name IS NULL) > 0,"
		" count(*) FILTER (WHERE p.polpermissive AND i.name IS NULL) > 0," /* 10 */
		" c.relkind = 'r' AND NOT EXISTS (SELECT FROM bestauth.isolation_index x"
		" WHERE x.relation = c.oid AND x.company_column = $2)"
		" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
		" LEFT JOIN pg_policy p ON p.polrelid = c.oid"
		" LEFT JOIN bestauth.isolation_policy i ON i.relation = c.oid AND i.name = p.polname"
		" WHERE c.oid = $1 GROUP BY c.oid, n.oid, n.nspname, c.relname, c.relkind, c.relrowsecurity, c.relforcerowsecurity",
	.latest = true,
};

static BaQuery find_index = {
	.sql =
		"SELECT x.index::regclass::text FROM bestauth.isolation_index x WHERE x.relation = $1"
		" AND x.company_column = $2",
	.latest = true,
};

/*
 * Indexes made here, but for those on the column $2. One that became part of a
 * partitioned index belongs to that.
 */
static BaQuery list_made_indexes = {
	.sql =
		"SELECT i.indexrelid::regclass::text FROM pg_index i"
		" JOIN pg_class c ON c.oid = i.indexrelid"
		" LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]"
		" WHERE i.indrelid = $1 AND a.attname IS DISTINCT FROM $2 AND NOT c.relispartition"
		" AND obj_description(i.indexrelid, 'pg_class') = $3 ORDER BY 1",
	.latest = true,
};

static char *
TakeColumn(FunctionCallInfo fcinfo, Oid relation)
{
	char *column = BaArgText(fcinfo, 1, "company_column", NAMEDATALEN - 1);
	AttrNumber number;
	Oid type;

	number = get_attnum(relation, column);
	if (number == InvalidAttrNumber)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("column \"%s\" of relation \"%s\" does not exist", column,
							   get_rel_name(relation))));
	type = get_atttype(relation, number);
	if (type != UUIDOID)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("column \"%s\" of relation \"%s\" is not of type uuid",
							   column, get_rel_name(relation)),
						errdetail("It is of type %s.", format_type_be(type))));
	return column;
}

static State
StateOf(Oid relation, const char *column)
{
	BaArgs args = {0};
	BaRow row;
	State state;

	BaPut(&args, OIDOID, ObjectIdGetDatum(relation), false);
	BaPutText(&args, column);
	if (!BaQueryRow(&find_state, &args, &row))
		elog(ERROR, "relation %u is not in pg_class", relation);
	state.table = BaGetText(&row, 0);
	state.column = BaGetText(&row, 1);
	state.isolated_by = BaGetText(&row, 2);
	state.nullable = BaGetBool(&row, 3);
	state.secured = BaGetBool(&row, 4);
	state.company = BaGetBool(&row, 5);
	state.company_right = BaGetBool(&row, 6);
	state.rows = BaGetBool(&row, 7);
	state.rows_right = BaGetBool(&row, 8);
	state.others = BaGetBool(&row, 9);
	state.permissive = BaGetBool(&row, 10);
	state.lacks_index = BaGetBool(&row, 11);
	return state;
}

static void
Audit(const char *action, const char *table, const char *column)
{
	BaAudit audit;
	BaJson detail;

	BaAuditStart(&audit, action);
	audit.object_type = "table";
	audit.object_id = table;
	BaJsonStart(&detail);
	BaJsonText(&detail, "column", column);
	audit.detail = BaJsonFinish(&detail);
	BaAuditWrite(&audit);
}

/* ---------------------------------------------------------------- policies */

static void
MakePolicy(const State *state, const char *name, const char *kind, const char *check,
		   const char *comment)
{
	BaQueryTextAsCaller(psprintf(
		"CREATE POLICY %s ON %s AS %s USING (bestauth.can_access_company(%s)) WITH CHECK (%s)",
		name, state->table, kind, state->column, check));
	BaQueryTextAsCaller(psprintf("COMMENT ON POLICY %s ON %s IS %s", name, state->table,
								 quote_literal_cstr(comment)));
}

static void
DropPolicy(const State *state, const char *name)
{
	BaQueryTextAsCaller(psprintf("DROP POLICY %s ON %s", name, state->table));
}

/* Tells whether there was something to do. */
static bool
SetPolicies(const State *state)
{
	bool needs_rows = !state->permissive;
	bool drops_rows = state->rows && (!needs_rows || !state->rows_right);

	if (!state->secured)
		BaQueryTextAsCaller(psprintf("ALTER TABLE %s ENABLE ROW LEVEL SECURITY,"
									 " FORCE ROW LEVEL SECURITY",
									 state->table));
	if (state->company && !state->company_right)
		DropPolicy(state, "bestauth_company");
	if (!state->company_right)
		MakePolicy(state, "bestauth_company", "RESTRICTIVE",
				   psprintf("bestauth.can_access_company(%s)", state->column),
				   "Rows of the companies that the session may enter, whatever other "
				   "policies say.");
	if (drops_rows)
		DropPolicy(state, "bestauth_rows");
	if (needs_rows && !state->rows_right)
		MakePolicy(state, "bestauth_rows", "PERMISSIVE", "true",
				   "Without a permissive policy no row is seen; another one takes its "
				   "place at the next bestauth.isolate_table().");
	return !state->secured || !state->company_right || drops_rows ||
		   (needs_rows && !state->rows_right);
}

/* ----------------------------------------------------------------- indexes */

/* PostgreSQL chooses the name. On a partitioned table each partition has its own. */
static void
MakeIndex(Oid relation, const State *state, const char *column)
{
	BaArgs args = {0};
	BaRow row;

	BaQueryTextAsCaller(psprintf("CREATE INDEX ON %s (%s)", state->table, state->column));
	BaPut(&args, OIDOID, ObjectIdGetDatum(relation), false);
	BaPutText(&args, column);
	if (!BaQueryRow(&find_index, &args, &row))
		elog(ERROR, "the index on table %s is not to be found", state->table);
	BaQueryTextAsCaller(psprintf("COMMENT ON INDEX %s IS %s", BaGetText(&row, 0),
								 quote_literal_cstr(INDEX_COMMENT)));
}

/* Drops those made here, but for what is on the column; tells whether there were any. */
static bool
DropIndexes(Oid relation, const char *column)
{
	BaArgs args = {0};
	List *rows;
	ListCell *cell;

	BaPut(&args, OIDOID, ObjectIdGetDatum(relation), false);
	BaPutText(&args, column);
	BaPutText(&args, INDEX_COMMENT);
	rows = BaQueryRows(&list_made_indexes, &args);
	foreach (cell, rows)
		BaQueryTextAsCaller(psprintf("DROP INDEX %s", BaGetText(lfirst(cell), 0)));
	return rows != NIL;
}

/* ---------------------------------------------------------------- the calls */

Datum
bestauth_isolate_table(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	List *tables = BaAppTablesLock(fcinfo, &caller, "isolated");
	char *column = TakeColumn(fcinfo, linitial_oid(tables));
	State root = StateOf(linitial_oid(tables), column);
	bool changed = false;
	ListCell *cell;

	foreach (cell, tables)
		BaAppTableCheckChild(lfirst_oid(cell), "isolated");
	BaQueryTextAsCaller(
		psprintf("ALTER TABLE %s ALTER COLUMN %s SET NOT NULL", root.table, root.column));
	foreach (cell, tables)
	{
		Oid table = lfirst_oid(cell);
		State state = StateOf(table, column);

		changed |= SetPolicies(&state);
		changed |= DropIndexes(table, column);
		if (state.lacks_index)
			MakeIndex(table, &state, column);
		changed |= state.lacks_index;
	}
	if (changed || root.nullable)
		Audit("table.isolated", root.table, column);
	PG_RETURN_VOID();
}

/* Takes off what is ours, and row security with it unless somebody else uses it. */
static void
TakeOff(Oid table)
{
	State state = StateOf(table, NULL);

	if (state.company)
		DropPolicy(&state, "bestauth_company");
	if (state.rows)
		DropPolicy(&state, "bestauth_rows");
	(void) DropIndexes(table, NULL);
	if (!state.company && !state.rows)
		return;
	if (state.others)
		ereport(NOTICE, (errmsg("row security of table %s stays enabled and forced, for"
								" it has other policies",
								state.table)));
	else
		BaQueryTextAsCaller(psprintf("ALTER TABLE %s NO FORCE ROW LEVEL SECURITY,"
									 " DISABLE ROW LEVEL SECURITY",
									 state.table));
}

Datum
bestauth_unisolate_table(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	List *tables = BaAppTablesLock(fcinfo, &caller, "isolated");
	State root = StateOf(linitial_oid(tables), NULL);
	ListCell *cell;

	if (!root.company && !root.rows)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("table %s is not isolated", root.table)));
	foreach (cell, tables)
		TakeOff(lfirst_oid(cell));
	Audit("table.unisolated", root.table, root.isolated_by);
	PG_RETURN_VOID();
}
