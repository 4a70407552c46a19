/* query.h: the one way from C to SQL. */
#ifndef BESTAUTH_QUERY_H
#define BESTAUTH_QUERY_H

#include "fmgr.h"
#include "nodes/pg_list.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#define BA_QUERY_MAX 32 /* arguments, or columns, of a query */

/*
 * A query: constant text beside its only user, and the plan that is kept after
 * the first use. "latest" reads what is committed now, whatever the isolation
 * level of the transaction: for decisions that must not rest on an old snapshot.
 * "secret" has an argument that must not be seen: a plan of its own would have it as a
 * constant, which auto_explain logs. "custom" is planned for its arguments each time: where
 * no plan is good for all. "indexed" reads no table whole, even where nothing is known of it
 * yet.
 */
typedef struct BaQuery
{
	const char *sql;
	bool latest;
	bool secret;
	bool custom;
	bool indexed;
	struct _SPI_plan *plan;
} BaQuery;

typedef struct BaArgs
{
	int count;
	Oid types[BA_QUERY_MAX];
	Datum values[BA_QUERY_MAX];
	char nulls[BA_QUERY_MAX]; /* 'n' or ' ' */
} BaArgs;

typedef struct BaRow
{
	int count;
	Datum values[BA_QUERY_MAX];
	bool nulls[BA_QUERY_MAX];
} BaRow;

/* Is given rows one by one; each goes when it returns. False for enough. */
typedef bool (*BaQueryVisit)(const BaRow *row, void *state);

extern void BaPut(BaArgs *args, Oid type, Datum value, bool isnull);
extern void BaPutText(BaArgs *args, const char *value);
extern void BaPutUuid(BaArgs *args, const pg_uuid_t *value);
extern void BaPutInt(BaArgs *args, int32 value);
extern void BaPutLong(BaArgs *args, int64 value);
extern void BaPutBool(BaArgs *args, bool value);
extern void BaPutBytes(BaArgs *args, Datum value);
extern void BaPutTexts(BaArgs *args, Datum array);

extern char *BaGetText(const BaRow *row, int column);
extern bool BaGetUuid(const BaRow *row, int column, pg_uuid_t *value);
extern int32 BaGetInt(const BaRow *row, int column);
extern int64 BaGetLong(const BaRow *row, int column);
extern bool BaGetBool(const BaRow *row, int column);
extern TimestampTz BaGetTime(const BaRow *row, int column);

extern uint64 BaQueryExec(BaQuery *query, BaArgs *args);
extern bool BaQueryRow(BaQuery *query, BaArgs *args, BaRow *row);
extern List *BaQueryRows(BaQuery *query, BaArgs *args);
extern void BaQueryEach(BaQuery *query, BaArgs *args, BaQueryVisit visit, void *state);
extern void BaQueryReturn(BaQuery *query, BaArgs *args, FunctionCallInfo fcinfo);
extern void BaQueryText(const char *sql);
extern void BaQueryTextAsCaller(const char *sql);
extern bool BaQueryTextIsRunning(void);

extern Oid BaOwnerId(void);

#endif /* BESTAUTH_QUERY_H */
