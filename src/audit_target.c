/*
 * audit_target.c
 *	  What is known of the partition that audit rows go to: where its columns are, and its
 *	  indexes. Kept until one of them changes, for to find it out costs a statement of one
 *	  row as much as to write the row.
 */
#include "postgres.h"

#include "access/genam.h"
#include "catalog/index.h"
#include "executor/executor.h"
#include "utils/inval.h"
#include "utils/memutils.h"

#include "audit_target.h"

/* One alone: rows go to this month's. */
static struct
{
	Oid partition;
	bool valid;
	bool disturbed; /* something changed while it was found out */
	MemoryContext context;
	BaAuditTarget *target;
} kept;

/* May be called at any moment: marks alone. */
static void
Forget(Datum arg, Oid relation)
{
	bool concerned = relation == InvalidOid || relation == kept.partition;
	int i;

	for (i = 0; !concerned && kept.target != NULL && i < kept.target->indexes; i++)
		concerned = relation == kept.target->index_ids[i];
	if (!concerned)
		return;
	kept.valid = false;
	kept.disturbed = true;
}

/*
 * Partitions may differ in the order of columns. Most have the one that is looked for next
 * right behind the last.
 */
static int
PlaceOf(TupleDesc tupdesc, const char *column, int *next)
{
	int i;

	for (i = 0; i < tupdesc->natts; i++)
	{
		int place = (*next + i) % tupdesc->natts;
		Form_pg_attribute att = TupleDescAttr(tupdesc, place);

		if (!att->attisdropped && strcmp(NameStr(att->attname), column) == 0)
		{
			*next = place + 1;
			return place;
		}
	}
	elog(ERROR, "audit log has no column \"%s\"", column);
}

static void
FindPlaces(BaAuditTarget *target, TupleDesc tupdesc)
{
	int next = 0;
	int i;

	for (i = 0; i < BA_AUDIT_COLUMNS; i++)
		target->place[i] = PlaceOf(tupdesc, BaAuditColumnNames[i], &next);
	target->format_place = PlaceOf(tupdesc, "format", &next);
	target->hash_place = PlaceOf(tupdesc, "row_hash", &next);
}

/* Its expressions are made ready here, and not by the first row of each statement. */
static IndexInfo *
ReadIndex(Oid index, EState *estate)
{
	Relation relation = index_open(index, RowExclusiveLock);
	IndexInfo *info = BuildIndexInfo(relation);

	index_close(relation, NoLock);
	info->ii_ExpressionsState = ExecPrepareExprList(info->ii_Expressions, estate);
	info->ii_PredicateState = ExecPrepareQual(info->ii_Predicate, estate);
	return info;
}

static void
ReadIndexes(BaAuditTarget *target, Relation partition)
{
	List *ids = RelationGetIndexList(partition);
	ListCell *cell;

	target->estate = CreateExecutorState();
	target->index_ids = palloc(sizeof(Oid) * Max(list_length(ids), 1));
	target->index_infos = palloc(sizeof(IndexInfo *) * Max(list_length(ids), 1));
	foreach (cell, ids)
	{
		int i = target->indexes++;

		target->index_ids[i] = lfirst_oid(cell);
		target->index_infos[i] = ReadIndex(target->index_ids[i], target->estate);
	}
}

static void
Listen(void)
{
	static bool listens = false;

	if (!listens)
		CacheRegisterRelcacheCallback(Forget, (Datum) 0);
	listens = true;
}

/*
 * Of a partition that is open, and locked, for writing. Who used the one before may be at it
 * still, further out: it goes with the transaction.
 */
const BaAuditTarget *
BaAuditTargetFind(Relation partition)
{
	MemoryContext caller;

	if (kept.valid && kept.partition == RelationGetRelid(partition))
		return kept.target;
	Listen();
	kept.valid = kept.disturbed = false;
	if (kept.context != NULL)
		MemoryContextSetParent(kept.context, TopTransactionContext);
	kept.context = NULL;
	kept.target = NULL;
	kept.context = AllocSetContextCreate(CacheMemoryContext, "bestauth audit partition",
										 ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(kept.context);
	kept.partition = RelationGetRelid(partition);
	kept.target = palloc0(sizeof(BaAuditTarget));
	FindPlaces(kept.target, RelationGetDescr(partition));
	ReadIndexes(kept.target, partition);
	MemoryContextSwitchTo(caller);
	/* What changed meanwhile may be of it: it does for now, and is found out anew. */
	kept.valid = !kept.disturbed;
	return kept.target;
}

/*
 * Ready for rows; to be closed by ExecCloseIndices(). What an access method notes goes with
 * the statement: so it gets a copy.
 */
ResultRelInfo *
BaAuditTargetOpen(const BaAuditTarget *target, Relation partition)
{
	ResultRelInfo *result = makeNode(ResultRelInfo);
	int i;

	InitResultRelInfo(result, partition, 1, NULL, 0);
	/* Nobody's trigger runs on the way, whoever put one there. */
	result->ri_TrigDesc = NULL;
	result->ri_NumIndices = target->indexes;
	result->ri_IndexRelationDescs = palloc(sizeof(Relation) * Max(target->indexes, 1));
	result->ri_IndexRelationInfo = palloc(sizeof(IndexInfo *) * Max(target->indexes, 1));
	for (i = 0; i < target->indexes; i++)
	{
		IndexInfo *info = palloc(sizeof(IndexInfo));

		*info = *target->index_infos[i];
		info->ii_Context = CurrentMemoryContext;
		result->ri_IndexRelationDescs[i] =
			index_open(target->index_ids[i], RowExclusiveLock);
		result->ri_IndexRelationInfo[i] = info;
	}
	return result;
}
