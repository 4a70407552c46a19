/*
 * app_table.c
 *	  An application's table that something is put on, by its owner: isolation, audit.
 *
 * "what" is a past participle, for messages: isolated, audited.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "app_table.h"
#include "bestauth.h"
#include "compat.h"
#include "query.h"

static void
RefuseRelation(const char *name, const char *what, const char *reason)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("relation \"%s\" cannot be %s", name, what),
					errdetail("%s", reason)));
}

static void
CheckKind(Form_pg_class form, const char *what)
{
	const char *name = NameStr(form->relname);

	if (form->relkind != RELKIND_RELATION && form->relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("relation \"%s\" cannot be %s", name, what),
						errdetail_relkind_not_supported(form->relkind)));
	if (form->relpersistence == RELPERSISTENCE_TEMP)
		RefuseRelation(name, what, "It is a temporary table.");
}

/* Is it something that this may be done with, and the caller's to do so? */
static void
CheckTable(Oid relation, const char *what)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Form_pg_class form;
	char *schema;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("relation with OID %u does not exist", relation)));
	form = (Form_pg_class) GETSTRUCT(tuple);
	CheckKind(form, what);
	schema = get_namespace_name(form->relnamespace);
	if (schema != NULL &&
		(form->relnamespace == PG_CATALOG_NAMESPACE || strcmp(schema, BA_SCHEMA) == 0 ||
		 strcmp(schema, "information_schema") == 0))
		RefuseRelation(NameStr(form->relname), what,
					   psprintf("It is in the schema \"%s\".", schema));
	if (!BaIsTableOwner(relation, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, NameStr(form->relname));
	ReleaseSysCache(tuple);
}

/* A foreign table can have no policy, and no trigger that sees a statement's rows. */
void
BaAppTableCheckChild(Oid relation, const char *what)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relation);
	CheckKind((Form_pg_class) GETSTRUCT(tuple), what);
	ReleaseSysCache(tuple);
}

/*
 * The table that the first argument names, locked, and everything that inherits from it:
 * somebody may have been granted a partition. It is asked twice whether it is the caller's:
 * whose it is not is not to lock it, and it may have changed while the lock was waited for.
 */
List *
BaAppTablesLock(FunctionCallInfo fcinfo, const BaCaller *caller, const char *what)
{
	Oid relation;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" must not be null", "relation")));
	relation = PG_GETARG_OID(0);
	PreventCommandIfReadOnly(psprintf("%s()", caller->function));
	CheckTable(relation, what);
	LockRelationOid(relation, AccessExclusiveLock);
	CheckTable(relation, what);
	return find_all_inheritors(relation, AccessExclusiveLock, NULL);
}

/* What it inherits from, in that order. */
List *
BaAppTableParents(Oid relation)
{
	static BaQuery list_parents = {
		.sql =
			"SELECT i.inhparent FROM pg_inherits i WHERE i.inhrelid = $1 ORDER BY i.inhseqno",
		.latest = true,
	};
	BaArgs args = {0};
	List *parents = NIL;
	ListCell *cell;

	BaPut(&args, OIDOID, ObjectIdGetDatum(relation), false);
	foreach (cell, BaQueryRows(&list_parents, &args))
		parents =
			lappend_oid(parents, DatumGetObjectId(((BaRow *) lfirst(cell))->values[0]));
	return parents;
}
