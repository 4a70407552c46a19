/*
 * trigger_ddl.c
 *	  The event triggers: DDL on our own objects, and on tables of an application that are
 *	  isolated or under audit, leaves a row in the audit and a line in the server's log. A
 *	  new partition of an audited table gets its triggers in the same statement.
 *
 * What our own C does is told by that itself, and not here. Whatever has nothing to do with
 * us is left alone as soon as that is known, mostly before any query.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/partition.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication_rel.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "tcop/deparse_utility.h"
#include "utils/aclchk_internal.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "app_table.h"
#include "audit_partition.h"
#include "audit_trigger.h"
#include "bestauth.h"
#include "compat.h"
#include "ddl_record.h"
#include "instance.h"
#include "query.h"
#include "tuple.h"

PG_FUNCTION_INFO_V1(bestauth_ddl_tg);
PG_FUNCTION_INFO_V1(bestauth_drop_tg);

#define GRANTS_MAX 10 /* that are told one by one */
#define PARTITIONS BA_SCHEMA ".audit_log_"

/* A command as PostgreSQL collected it. */
typedef struct Command
{
	ObjectAddress address; /* invalid of GRANT */
	char *tag;
	CollectedCommand *collected;
} Command;

static BaQuery list_commands = {
	.sql =
		"SELECT c.classid, c.objid, c.command_tag, c.command FROM pg_event_trigger_ddl_commands() c"
		" WHERE NOT c.in_extension AND c.command_tag NOT IN ('COMMENT', 'REINDEX', 'SECURITY LABEL')",
};

/* Is it worth a closer look? */
static BaQuery find_dropped = {
	.sql =
		"SELECT true FROM pg_event_trigger_dropped_objects() d WHERE NOT d.is_temporary AND (d.schema_name = 'bestauth'"
		" OR d.address_names[1] = 'bestauth' OR d.object_type IN ('trigger', 'policy', 'rule', 'schema', 'extension')"
		" OR d.object_type = 'table column' AND NOT d.original) LIMIT 1",
};

/*
 * What was dropped: of ours what was named and what went with it, but for what belonged to a
 * table; of an application's tables what isolates or audits them. Of a table that went itself
 * there is one row, for the table. Of one that is isolated or under audit still, what stood on
 * it, and columns that went with their type: ALTER TABLE is told as such.
 */
static BaQuery list_dropped = {
	.sql =
		"WITH dropped AS MATERIALIZED (SELECT * FROM pg_event_trigger_dropped_objects() WHERE NOT is_temporary"
		"), tables AS (SELECT * FROM dropped WHERE object_type = 'table'"
		"), ours AS (SELECT d.* FROM dropped d WHERE d.schema_name = 'bestauth' OR d.address_names[1] = 'bestauth'"
		" OR d.object_identity = 'bestauth' AND d.object_type IN ('schema', 'extension')"
		"), signs AS (SELECT d.* FROM dropped d WHERE d.address_names[1] <> 'bestauth' AND d.object_type IN ('trigger', 'policy')"
		" AND d.address_names[3] IN ('bestauth_audit_insert', 'bestauth_audit_update', 'bestauth_audit_delete',"
		" 'bestauth_audit_truncate', 'bestauth_audit_merge', 'bestauth_audit_move', 'bestauth_company', 'bestauth_rows')"
		") SELECT o.object_type, o.object_identity FROM ours o WHERE o.original"
		" OR o.object_type IN ('table', 'view', 'function', 'sequence')"
		" OR o.object_type IN ('trigger', 'policy', 'rule', 'table constraint')"
		" AND o.object_identity NOT LIKE '\"RI\\_ConstraintTrigger%'"
		" AND NOT EXISTS (SELECT FROM tables t WHERE t.address_names = o.address_names[1:2])"
		" UNION SELECT coalesce(t.object_type, s.object_type), coalesce(t.object_identity, s.object_identity)"
		" FROM signs s LEFT JOIN tables t ON t.address_names = s.address_names[1:2]"
		" UNION SELECT d.object_type, d.object_identity FROM dropped d"
		" JOIN pg_class c ON c.relname = d.address_names[2] COLLATE \"C\""
		" JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = d.address_names[1] COLLATE \"C\""
		" WHERE (d.object_type IN ('trigger', 'policy', 'rule') OR d.object_type = 'table column' AND NOT d.original)"
		" AND d.object_identity NOT LIKE '\"RI\\_ConstraintTrigger%' AND n.nspname <> 'bestauth'"
		" AND (EXISTS (SELECT FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid WHERE g.tgrelid = c.oid"
		" AND p.pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'bestauth') AND p.proname LIKE 'audit%')"
		" OR EXISTS (SELECT FROM pg_policy g WHERE g.polrelid = c.oid AND g.polname IN ('bestauth_company', 'bestauth_rows')))"
		" ORDER BY 1, 2",
};

/* Catalogs of what stands on a table, and the column that names it. */
static const struct
{
	Oid catalog;
	AttrNumber relation;
} parts[] = {
	{TriggerRelationId, Anum_pg_trigger_tgrelid},
	{PolicyRelationId, Anum_pg_policy_polrelid},
	{RewriteRelationId, Anum_pg_rewrite_ev_class},
	{ConstraintRelationId, Anum_pg_constraint_conrelid},
	{StatisticExtRelationId, Anum_pg_statistic_ext_stxrelid},
};

/* ------------------------------------------------------------------- what is ours */

/* PostgreSQL's lookup of any object knows those of most catalogs, and not of this one. */
static Oid
TablePublishedBy(Oid publication_rel)
{
	HeapTuple tuple = SearchSysCache1(PUBLICATIONREL, ObjectIdGetDatum(publication_rel));
	Oid table;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	table = ((Form_pg_publication_rel) GETSTRUCT(tuple))->prrelid;
	ReleaseSysCache(tuple);
	return table;
}

/* The table that the object is, or stands on. */
static Oid
TableOf(const ObjectAddress *object)
{
	Oid table = InvalidOid;
	Relation catalog;
	HeapTuple tuple;
	bool isnull;
	int i;

	if (object->classId == RelationRelationId)
		return object->objectId;
	if (object->classId == PublicationRelRelationId)
		return TablePublishedBy(object->objectId);
	for (i = 0; i < lengthof(parts) && parts[i].catalog != object->classId; i++)
		;
	if (i == lengthof(parts))
		return InvalidOid;
	catalog = table_open(object->classId, AccessShareLock);
	tuple = get_catalog_object_by_oid(catalog, get_object_attnum_oid(object->classId),
									  object->objectId);
	if (HeapTupleIsValid(tuple))
		table = DatumGetObjectId(
			heap_getattr(tuple, parts[i].relation, RelationGetDescr(catalog), &isnull));
	table_close(catalog, AccessShareLock);
	return table;
}

static Oid
SchemaOf(const ObjectAddress *object)
{
	HeapTuple tuple;
	Oid schema = InvalidOid;

	switch (object->classId)
	{
		case NamespaceRelationId:
			return object->objectId;
		case ProcedureRelationId:
			return get_func_namespace(object->objectId);
		case TypeRelationId:
			tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(object->objectId));
			if (HeapTupleIsValid(tuple))
			{
				schema = ((Form_pg_type) GETSTRUCT(tuple))->typnamespace;
				ReleaseSysCache(tuple);
			}
			return schema;
		default:
			return get_rel_namespace(TableOf(object));
	}
}

static bool
IsOurs(const ObjectAddress *object)
{
	Oid schema = get_namespace_oid(BA_SCHEMA, true);

	if (object->classId == ExtensionRelationId)
		return object->objectId == get_extension_oid(BA_SCHEMA, true);
	return OidIsValid(schema) && SchemaOf(object) == schema;
}

static bool
IsIsolated(Oid table)
{
	Relation catalog = table_open(PolicyRelationId, AccessShareLock);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple tuple;
	bool found = false;

	ScanKeyInit(&key, Anum_pg_policy_polrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(table));
	scan = systable_beginscan(catalog, PolicyPolrelidPolnameIndexId, true, NULL, 1, &key);
	while (!found && (tuple = systable_getnext(scan)) != NULL)
	{
		const char *name = NameStr(((Form_pg_policy) GETSTRUCT(tuple))->polname);

		found =
			strcmp(name, "bestauth_company") == 0 || strcmp(name, "bestauth_rows") == 0;
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return found;
}

/* Was a policy of ours given another name? */
static bool
IsRenamedPolicy(const Node *parsetree)
{
	const RenameStmt *stmt = (const RenameStmt *) parsetree;

	return parsetree != NULL && IsA(parsetree, RenameStmt) &&
		   stmt->renameType == OBJECT_POLICY &&
		   (strcmp(stmt->subname, "bestauth_company") == 0 ||
			strcmp(stmt->subname, "bestauth_rows") == 0);
}

static bool
HasChange(const CollectedCommand *collected, AlterTableType type)
{
	ListCell *cell;

	if (collected->type != SCT_AlterTable)
		return false;
	foreach (cell, collected->d.alterTable.subcmds)
	{
		Node *change = ((CollectedATSubcmd *) lfirst(cell))->parsetree;

		if (IsA(change, AlterTableCmd) && ((AlterTableCmd *) change)->subtype == type)
			return true;
	}
	return false;
}

/* Under another name it could be dropped, and no row would say that the audit ended. */
static void
RefuseRenaming(const Command *command)
{
	const RenameStmt *stmt = (const RenameStmt *) command->collected->parsetree;

	if (stmt == NULL || !IsA(stmt, RenameStmt) || stmt->renameType != OBJECT_TRIGGER ||
		!BaAuditTriggerIsOurs(TableOf(&command->address), stmt->newname))
		return;
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("trigger \"%s\" cannot be renamed", stmt->subname),
					errhint("bestauth.unaudit_table() takes its table from the audit.")));
}

/* Is it a table that is isolated or under audit? */
static bool
IsWatchedTable(Oid table)
{
	BaAuditOptions options;

	return BaAuditTriggersFind(table, &options) || IsIsolated(table);
}

/* Those that ATTACH PARTITION has locked: no other child is locked like this. */
static List *
AttachedTo(const Command *command)
{
	List *attached = NIL;
	ListCell *cell;

	if (!HasChange(command->collected, AT_AttachPartition))
		return NIL;
	foreach (cell, find_inheritance_children(command->address.objectId, NoLock))
	{
		LOCKTAG tag;

		SET_LOCKTAG_RELATION(tag, MyDatabaseId, lfirst_oid(cell));
		if (BaLockHeldByMe(&tag, AccessExclusiveLock))
			attached = lappend_oid(attached, lfirst_oid(cell));
	}
	return attached;
}

/* Is it about such a table, or what stands on one, or is one attached to it? */
static bool
IsWatched(const Command *command)
{
	Oid table = TableOf(&command->address);
	ListCell *cell;

	if (!OidIsValid(table) || get_rel_persistence(table) == RELPERSISTENCE_TEMP)
		return false;
	if (IsWatchedTable(table) || IsRenamedPolicy(command->collected->parsetree))
		return true;
	foreach (cell, AttachedTo(command))
		if (IsWatchedTable(lfirst_oid(cell)))
			return true;
	return false;
}

/* ------------------------------------------------------------------------ telling */

static void
TellObject(const ObjectAddress *object, const Command *command)
{
	char *type = getObjectTypeDescription(object, true);
	char *identity = getObjectIdentity(object, true);

	if (type != NULL && identity != NULL)
		BaDdlRecord("schema.altered", type, identity, command->tag, command->collected);
}

static Oid
CatalogOf(ObjectType type)
{
	switch (type)
	{
		case OBJECT_TABLE:
		case OBJECT_SEQUENCE:
		case OBJECT_COLUMN:
			return RelationRelationId;
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
			return ProcedureRelationId;
		case OBJECT_SCHEMA:
			return NamespaceRelationId;
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
			return TypeRelationId;
		default:
			return InvalidOid;
	}
}

/* GRANT and REVOKE come with the objects that they named: those of ours. */
static List *
GrantedOf(const Command *command)
{
	const InternalGrant *grant = command->collected->d.grant.istmt;
	List *objects = NIL;
	ListCell *cell;

	foreach (cell, grant->objects)
	{
		ObjectAddress *object = palloc(sizeof(ObjectAddress));

		ObjectAddressSet(*object, CatalogOf(grant->objtype), lfirst_oid(cell));
		if (OidIsValid(object->classId) && IsOurs(object))
			objects = lappend(objects, object);
	}
	return objects;
}

/* DROP OWNED, for one, takes back what was granted object by object. */
static void
TellGrants(List *commands)
{
	const Command *last = NULL;
	int count = 0;
	ListCell *cell, *inner;

	foreach (cell, commands)
	{
		int some = list_length(GrantedOf(lfirst(cell)));

		count += some;
		if (some > 0)
			last = lfirst(cell);
	}
	if (count == 0 || !BaInstanceIsOpen())
		return;
	if (count > GRANTS_MAX)
	{
		BaDdlRecordMany(last->tag, count, last->collected);
		return;
	}
	foreach (cell, commands)
		foreach (inner, GrantedOf(lfirst(cell)))
			TellObject(lfirst(inner), lfirst(cell));
}

/* --------------------------------------------------------------- new partitions */

/* A partition of a table of ours, which somebody made where no guard is. */
static bool
IsChildOfOurs(Oid table)
{
	ListCell *cell;

	foreach (cell, BaAppTableParents(table))
		if (get_rel_namespace(lfirst_oid(cell)) == get_namespace_oid(BA_SCHEMA, true))
			return true;
	return false;
}

static bool
CanHaveTriggers(Oid table)
{
	char kind = get_rel_relkind(table);

	return (kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE) &&
		   get_rel_persistence(table) != RELPERSISTENCE_TEMP;
}

/*
 * A table that came to inherit from another one gets the triggers of that, and hides what it
 * hid before as well. Whoever could do that to both may lack EXECUTE on our functions: so it
 * is done for them, by OID alone, and runs nothing of theirs.
 */
static void
Cover(Oid table)
{
	BaAuditOptions options, before;
	ListCell *cell;
	Oid user;
	int security;

	if (BaAuditedParents(table) == NIL)
		return;
	GetUserIdAndSecContext(&user, &security);
	foreach (cell, find_all_inheritors(table, ShareRowExclusiveLock, NULL))
	{
		Oid one = lfirst_oid(cell);
		bool changed, had;

		if (!CanHaveTriggers(one))
			continue;
		had = BaAuditTriggersFind(one, &before);
		if (!BaAuditOptionsInherited(one, had ? &before : NULL,
									 !get_rel_relispartition(one), &options))
			continue;
		SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID,
							   security | SECURITY_LOCAL_USERID_CHANGE);
		changed = BaAuditTriggersMake(one, &options);
		SetUserIdAndSecContext(user, security);
		if (changed)
			BaAuditTableWrite("table.audited", one, &options);
	}
}

static bool
InheritsAnew(const Command *command)
{
	const Node *parsetree = command->collected->parsetree;

	if (command->address.classId != RelationRelationId)
		return false;
	return HasChange(command->collected, AT_AddInherit) ||
		   (parsetree != NULL && IsA(parsetree, CreateStmt) &&
			((const CreateStmt *) parsetree)->inhRelations != NIL);
}

/* --------------------------------------------------------------------- the triggers */

static EventTriggerData *
CheckCall(FunctionCallInfo fcinfo, const char *name)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("function \"%s\" is an event trigger", name)));
	return (EventTriggerData *) fcinfo->context;
}

/* The most common DDL of all. */
static bool
IsTempTable(const Node *parsetree)
{
	const CreateStmt *stmt = (const CreateStmt *) parsetree;

	return parsetree != NULL && IsA(parsetree, CreateStmt) && stmt->inhRelations == NIL &&
		   stmt->relation->relpersistence == RELPERSISTENCE_TEMP;
}

static Command *
CommandOf(const BaRow *row)
{
	Command *command = palloc(sizeof(Command));

	command->collected = (CollectedCommand *) DatumGetPointer(row->values[3]);
	command->tag = BaGetText(row, 2);
	ObjectAddressSet(command->address,
					 row->nulls[0] ? InvalidOid : DatumGetObjectId(row->values[0]),
					 row->nulls[1] ? InvalidOid : DatumGetObjectId(row->values[1]));
	return command;
}

static void
Look(const Command *command)
{
	const ObjectAddress *address = &command->address;
	bool ours, watched, inherits;
	ListCell *cell;

	if (!OidIsValid(address->classId))
		return;
	ours = IsOurs(address);
	watched = !ours && IsWatched(command);
	inherits = !ours && InheritsAnew(command);
	ours |= inherits && IsChildOfOurs(address->objectId);
	if (!(ours || watched || inherits) || !BaInstanceIsOpen())
		return;
	RefuseRenaming(command);
	foreach (cell, AttachedTo(command))
		Cover(lfirst_oid(cell));
	if (inherits)
		Cover(address->objectId);
	if (ours || watched)
		TellObject(address, command);
}

Datum
bestauth_ddl_tg(PG_FUNCTION_ARGS)
{
	EventTriggerData *event = CheckCall(fcinfo, "ddl_tg");
	List *grants = NIL;
	BaArgs args = {0};
	ListCell *cell;

	if (creating_extension || IsBinaryUpgrade || BaQueryTextIsRunning() ||
		IsTempTable(event->parsetree))
		PG_RETURN_NULL();
	foreach (cell, BaQueryRows(&list_commands, &args))
	{
		Command *command = CommandOf(lfirst(cell));

		if (command->collected->type == SCT_Grant)
			grants = lappend(grants, command);
		else
			Look(command);
	}
	TellGrants(grants);
	PG_RETURN_NULL();
}

Datum
bestauth_drop_tg(PG_FUNCTION_ARGS)
{
	EventTriggerData *event = CheckCall(fcinfo, "drop_tg");
	const char *tag = GetCommandTagName(event->tag);
	BaArgs args = {0};
	BaRow row;
	ListCell *cell;

	if (creating_extension || IsBinaryUpgrade || BaQueryTextIsRunning())
		PG_RETURN_NULL();
	if (!BaQueryRow(&find_dropped, &args, &row))
		PG_RETURN_NULL();
	foreach (cell, BaQueryRows(&list_dropped, &args))
	{
		char *type = BaGetText(lfirst(cell), 0);
		char *identity = BaGetText(lfirst(cell), 1);

		if (!BaInstanceIsOpen())
			continue;
		/* It may be the one that the row is to go into: nobody else could make it now. */
		if (strncmp(identity, PARTITIONS, strlen(PARTITIONS)) == 0)
			BaAuditMakePartition();
		BaDdlRecord("schema.dropped", type, identity, tag, NULL);
	}
	PG_RETURN_NULL();
}
