/*
 * trigger_move.c
 *	  What the triggers of an audited table are not told of: rows that MERGE moves to
 *	  another partition. PostgreSQL collects them neither for the UPDATE that it is, nor
 *	  fires the triggers of the DELETE and INSERT that it makes of it. So it is refused.
 *
 * A row trigger on the partition sees that the row went to another one. That it is MERGE's
 * doing is known by the query that is at its end: AFTER triggers fire there. Before an
 * UPDATE a statement trigger on the partitioned table fires, for which the library is
 * loaded, if it is not: then the end of the query finds the hook.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/partition.h"
#include "executor/executor.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"

#include "errors.h"
#include "instance.h"
#include "trigger_move.h"
#include "tuple.h"

PG_FUNCTION_INFO_V1(bestauth_audit_move_tg);

static ExecutorFinish_hook_type next_finish = NULL;
static QueryDesc *finishing = NULL;

static void
Finish(QueryDesc *query)
{
	QueryDesc *outer = finishing;

	finishing = query;
	PG_TRY();
	{
		if (next_finish)
			next_finish(query);
		else
			standard_ExecutorFinish(query);
	}
	PG_FINALLY();
	{
		finishing = outer;
	}
	PG_END_TRY();
}

void
BaTriggerMoveInit(void)
{
	next_finish = ExecutorFinish_hook;
	ExecutorFinish_hook = Finish;
}

static bool
IsMergeInto(Node *state, Relation partition)
{
	ModifyTableState *modify = (ModifyTableState *) state;
	List *ancestors;

	if (state == NULL || !IsA(state, ModifyTableState) || modify->operation != CMD_MERGE)
		return false;
	ancestors = get_partition_ancestors(RelationGetRelid(partition));
	return list_member_oid(ancestors,
						   RelationGetRelid(modify->rootResultRelInfo->ri_RelationDesc));
}

static bool
IsMerged(Relation partition)
{
	ListCell *cell;

	if (finishing == NULL)
		return false;
	if (IsMergeInto((Node *) finishing->planstate, partition))
		return true;
	foreach (cell, finishing->estate->es_auxmodifytables)
		if (IsMergeInto(lfirst(cell), partition))
			return true;
	return false;
}

Datum
bestauth_audit_move_tg(PG_FUNCTION_ARGS)
{
	bool row = CALLED_AS_TRIGGER(fcinfo) &&
			   TRIGGER_FIRED_FOR_ROW(((TriggerData *) fcinfo->context)->tg_event);
	TriggerData *trigger = BaTriggerCheck(fcinfo, "audit_move_tg", row);

	if (!row)
		return PointerGetDatum(NULL);
	if (!TRIGGER_FIRED_AFTER(trigger->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("trigger function \"%s\" is fired after rows alone",
							   "audit_move_tg")));
	if (HeapTupleHeaderIndicatesMovedPartitions(trigger->tg_trigtuple->t_data) &&
		IsMerged(trigger->tg_relation) && !BaInstanceIsRestoring())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("MERGE cannot move rows of table %s, which is under audit, to"
						" another partition",
						BaTableName(RelationGetRelid(trigger->tg_relation))),
				 errdetail("PostgreSQL does not tell triggers of it."),
				 errhint("Use UPDATE."), BaErrRule("AUD-5")));
	return PointerGetDatum(NULL);
}
