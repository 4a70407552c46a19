/*
 * ddl_record.c
 *	  DDL written down: a row of the audit, and a line in the server's log.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "tcop/deparse_utility.h"
#include "utils/acl.h"
#include "utils/aclchk_internal.h"
#include "utils/builtins.h"

#include "audit.h"
#include "bestauth.h"
#include "compat.h"
#include "ddl_record.h"

/* ALTER TABLE in the words of whom it concerns. */
static const struct
{
	AlterTableType type;
	const char *words;
} changes[] = {
	{AT_EnableTrig, "ENABLE TRIGGER"},
	{AT_EnableAlwaysTrig, "ENABLE ALWAYS TRIGGER"},
	{AT_EnableReplicaTrig, "ENABLE REPLICA TRIGGER"},
	{AT_DisableTrig, "DISABLE TRIGGER"},
	{AT_EnableTrigAll, "ENABLE TRIGGER ALL"},
	{AT_DisableTrigAll, "DISABLE TRIGGER ALL"},
	{AT_EnableTrigUser, "ENABLE TRIGGER USER"},
	{AT_DisableTrigUser, "DISABLE TRIGGER USER"},
	{AT_EnableRule, "ENABLE RULE"},
	{AT_EnableAlwaysRule, "ENABLE ALWAYS RULE"},
	{AT_EnableReplicaRule, "ENABLE REPLICA RULE"},
	{AT_DisableRule, "DISABLE RULE"},
	{AT_EnableRowSecurity, "ENABLE ROW LEVEL SECURITY"},
	{AT_DisableRowSecurity, "DISABLE ROW LEVEL SECURITY"},
	{AT_ForceRowSecurity, "FORCE ROW LEVEL SECURITY"},
	{AT_NoForceRowSecurity, "NO FORCE ROW LEVEL SECURITY"},
	{AT_AddColumn, "ADD COLUMN"},
	{AT_DropColumn, "DROP COLUMN"},
	{AT_AlterColumnType, "ALTER COLUMN TYPE"},
	{AT_AddConstraint, "ADD CONSTRAINT"},
	{AT_DropConstraint, "DROP CONSTRAINT"},
	{AT_ChangeOwner, "OWNER TO"},
	{AT_AttachPartition, "ATTACH PARTITION"},
	{AT_DetachPartition, "DETACH PARTITION"},
	{AT_AddInherit, "INHERIT"},
	{AT_DropInherit, "NO INHERIT"},
};

/* What it is about, as far as that has a name. */
static const char *
NameOf(const AlterTableCmd *change)
{
	if (change->name != NULL || change->def == NULL)
		return change->name;
	if (IsA(change->def, ColumnDef))
		return ((const ColumnDef *) change->def)->colname;
	if (IsA(change->def, PartitionCmd))
		return ((const PartitionCmd *) change->def)->name->relname;
	return NULL;
}

static char *
WordsOf(const AlterTableCmd *change)
{
	AlterTableType type = BaAlterTableType(change->subtype);
	const char *name = NameOf(change);
	int i;

	for (i = 0; i < lengthof(changes); i++)
		if (changes[i].type == type)
			return name == NULL ?
					   pstrdup(changes[i].words) :
					   psprintf("%s %s", changes[i].words, quote_identifier(name));
	return NULL;
}

static void
AddSubcommands(BaJson *detail, List *subcommands)
{
	char **words = palloc(sizeof(char *) * (list_length(subcommands) + 1));
	ListCell *cell;
	int count = 0;

	foreach (cell, subcommands)
	{
		Node *change = ((CollectedATSubcmd *) lfirst(cell))->parsetree;

		if (IsA(change, AlterTableCmd) &&
			(words[count] = WordsOf((AlterTableCmd *) change)) != NULL)
			count++;
	}
	if (count > 0)
		BaJsonTexts(detail, "changes", words, count);
}

static void
AddRename(BaJson *detail, const RenameStmt *stmt)
{
	const char *old_name = stmt->subname  ? stmt->subname :
						   stmt->relation ? stmt->relation->relname :
											NULL;
	char *words;

	words = old_name == NULL ? psprintf("RENAME TO %s", quote_identifier(stmt->newname)) :
							   psprintf("RENAME %s TO %s", quote_identifier(old_name),
										quote_identifier(stmt->newname));
	BaJsonTexts(detail, "changes", &words, 1);
}

static void
AddRoles(BaJson *detail, const InternalGrant *grant)
{
	char **names = palloc(sizeof(char *) * (list_length(grant->grantees) + 1));
	ListCell *cell;
	int count = 0;

	foreach (cell, grant->grantees)
		names[count++] = lfirst_oid(cell) == ACL_ID_PUBLIC ?
							 "PUBLIC" :
							 GetUserNameFromId(lfirst_oid(cell), false);
	BaJsonTexts(detail, "roles", names, count);
}

static void
AddChanges(BaJson *detail, const CollectedCommand *collected)
{
	if (collected == NULL)
		return;
	if (collected->type == SCT_AlterTable)
		AddSubcommands(detail, collected->d.alterTable.subcmds);
	else if (collected->type == SCT_Grant)
		AddRoles(detail, collected->d.grant.istmt);
	else if (collected->parsetree != NULL && IsA(collected->parsetree, RenameStmt))
		AddRename(detail, (RenameStmt *) collected->parsetree);
}

/* The log is outside the database: it keeps what a superuser may take out of the audit. */
static void
Write(const char *action, const char *type, const char *identity, const char *tag,
	  BaJson *detail)
{
	BaAudit audit;

	ereport(LOG_SERVER_ONLY,
			(errhidestmt(true), errhidecontext(true),
			 errmsg("%s by role \"%s\" on %s %s, which bestauth relies on", tag,
					GetUserNameFromId(GetSessionUserId(), true), type, identity)));
	BaAuditStart(&audit, action);
	audit.object_type = type;
	audit.object_id = identity;
	audit.detail = BaJsonFinish(detail);
	BaAuditWrite(&audit);
}

void
BaDdlRecord(const char *action, const char *type, const char *identity, const char *tag,
			const CollectedCommand *collected)
{
	BaJson detail;

	BaJsonStart(&detail);
	BaJsonText(&detail, "command", tag);
	AddChanges(&detail, collected);
	Write(action, type, identity, tag, &detail);
}

/* Of one statement that is about so many of our objects that a row each says no more. */
void
BaDdlRecordMany(const char *tag, int objects, const CollectedCommand *one)
{
	BaJson detail;

	BaJsonStart(&detail);
	BaJsonText(&detail, "command", tag);
	BaJsonDatum(&detail, "objects", Int32GetDatum(objects), false, INT4OID);
	AddChanges(&detail, one);
	Write("schema.altered", "schema", BA_SCHEMA, tag, &detail);
}
