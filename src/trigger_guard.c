/*
 * trigger_guard.c
 *	  The statement trigger that refuses: a change of the audit, a physical delete,
 *	  an emptied table. The rule that speaks is its argument.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/rel.h"

#include "block.h"
#include "errors.h"
#include "instance.h"
#include "tuple.h"

PG_FUNCTION_INFO_V1(bestauth_guard_tg);

Datum
bestauth_guard_tg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = BaTriggerCheck(fcinfo, "guard_tg", false);
	TriggerEvent event = trigger->tg_event;

	/* A restore loads the audit of before; nothing else does, but what seals it. */
	if (TRIGGER_FIRED_BY_INSERT(event) && (BaBlockIsWriting() || BaInstanceIsRestoring()))
		return PointerGetDatum(NULL);
	ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION),
					errmsg("rows of table \"%s\" cannot be %s",
						   RelationGetRelationName(trigger->tg_relation),
						   TRIGGER_FIRED_BY_INSERT(event) ? "inserted" :
						   TRIGGER_FIRED_BY_UPDATE(event) ? "changed" :
						   TRIGGER_FIRED_BY_DELETE(event) ? "deleted" :
															"truncated"),
					BaErrRule(trigger->tg_trigger->tgargs[0])));
}
