/* tuple.h: columns of a trigger's rows, by name. */
#ifndef BESTAUTH_TUPLE_H
#define BESTAUTH_TUPLE_H

#include "commands/trigger.h"
#include "utils/uuid.h"

/* The row of a row trigger: old is NULL at INSERT, new at DELETE. */
typedef struct BaRowEvent
{
	const char *table;
	TupleDesc tupdesc;
	HeapTuple old_row;
	HeapTuple new_row;
} BaRowEvent;

extern char *BaTableName(Oid relation);
extern TriggerData *BaTriggerCheck(FunctionCallInfo fcinfo, const char *name, bool row);
extern BaRowEvent BaRowEventOf(TriggerData *trigger);
extern bool BaColumnExists(const BaRowEvent *event, const char *column);
extern Oid BaColumnType(const BaRowEvent *event, const char *column);
extern Datum BaColumn(const BaRowEvent *event, bool new_row, const char *column,
					  bool *isnull);
extern char *BaColumnText(const BaRowEvent *event, const char *column);
extern char *BaColumnRequireText(const BaRowEvent *event, const char *column);
extern void BaColumnRequireClean(const BaRowEvent *event, const char *column);
extern bool BaColumnUuid(const BaRowEvent *event, const char *column, pg_uuid_t *value);
extern bool BaColumnIsNull(const BaRowEvent *event, const char *column);
extern bool BaColumnChanged(const BaRowEvent *event, const char *column);
extern void BaColumnRequireSame(const BaRowEvent *event, const char *column,
								const char *rule);
extern void BaColumnSet(BaRowEvent *event, const char *column, Datum value);
extern void BaColumnSetNull(BaRowEvent *event, const char *column);

#endif /* BESTAUTH_TUPLE_H */
