/* app_table.h: an application's table that something is put on. */
#ifndef BESTAUTH_APP_TABLE_H
#define BESTAUTH_APP_TABLE_H

#include "access.h"
#include "nodes/pg_list.h"

extern List *BaAppTablesLock(FunctionCallInfo fcinfo, const BaCaller *caller,
							 const char *what);
extern List *BaAppTableParents(Oid relation);
extern void BaAppTableCheckChild(Oid relation, const char *what);

#endif /* BESTAUTH_APP_TABLE_H */
