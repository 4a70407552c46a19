/* audit_trigger.h: the triggers that put a table of an application under audit. */
#ifndef BESTAUTH_AUDIT_TRIGGER_H
#define BESTAUTH_AUDIT_TRIGGER_H

#include "args.h"

/* What the triggers are given: columns as text[], as text; the company's may be "". */
typedef struct BaAuditOptions
{
	char *id_columns;
	char *hidden;
	char *ignored;
	char *company_column;
} BaAuditOptions;

extern char *BaAuditColumns(const BaTextList *list);
extern List *BaAuditedParents(Oid relation);
extern bool BaAuditOptionsInherited(Oid relation, const BaAuditOptions *own, bool anew,
									BaAuditOptions *options);
extern bool BaAuditTriggersFind(Oid relation, BaAuditOptions *options);
extern bool BaAuditTriggerIsOurs(Oid relation, const char *name);
extern bool BaAuditTriggersMake(Oid relation, const BaAuditOptions *options);
extern bool BaAuditTriggersDrop(Oid relation);
extern void BaAuditTableWrite(const char *action, Oid relation,
							  const BaAuditOptions *options);

#endif /* BESTAUTH_AUDIT_TRIGGER_H */
