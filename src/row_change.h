/* row_change.h: what changed in a row, as jsonb. */
#ifndef BESTAUTH_ROW_CHANGE_H
#define BESTAUTH_ROW_CHANGE_H

#include "executor/tuptable.h"
#include "utils/jsonb.h"

/* How the rows of a table are shown; made once, for many. */
typedef struct BaRowPlan BaRowPlan;

/* Columns as text[]: of the key; shown as changed only; left out. */
extern BaRowPlan *BaRowPlanMake(TupleDesc tupdesc, const char *key, const char *hidden,
								const char *ignored);
extern int BaRowPlanBegin(const BaRowPlan *plan);
extern void BaRowPlanEnd(int level);
extern bool BaRowChange(BaRowPlan *plan, TupleTableSlot *old_row, TupleTableSlot *new_row,
						Jsonb **old_values, Jsonb **new_values);
extern char *BaRowKey(BaRowPlan *plan, TupleTableSlot *row);

#endif /* BESTAUTH_ROW_CHANGE_H */
