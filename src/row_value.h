/* row_value.h: a column's value as jsonb, whatever the settings of the session. */
#ifndef BESTAUTH_ROW_VALUE_H
#define BESTAUTH_ROW_VALUE_H

#include "access/tupdesc.h"
#include "fmgr.h"
#include "utils/jsonb.h"

typedef enum BaValueKind
{
	BA_VALUE_BOOLEAN,
	BA_VALUE_INTEGER, /* of any width */
	BA_VALUE_NUMBER,
	BA_VALUE_WORDS,
	BA_VALUE_UUID,
	BA_VALUE_MOMENT, /* date, timestamp with time zone */
	BA_VALUE_OBJECT, /* jsonb */
	BA_VALUE_JSON,
	/* from here on settings count */
	BA_VALUE_PRINTED, /* has json in it, which to_jsonb() may refuse */
	BA_VALUE_OTHER    /* whatever to_jsonb() makes of it */
} BaValueKind;

/* How the values of a column are written: found out once, for many rows. */
typedef struct BaValueColumn
{
	int place; /* in the row, from 0 */
	char *name;
	int name_length;
	bool hidden;
	BaValueKind kind;
	Oid type; /* beneath domains */
	int16 length;
	bool by_value;
	FmgrInfo function; /* to_jsonb() of OTHER and JSON, output of PRINTED */
} BaValueColumn;

#define BA_ROW_VALUES_MAX (64 * 1024 * 1024) /* bytes of a row's values together */

extern void BaValueColumnInit(BaValueColumn *column, Form_pg_attribute att, int place);
extern void BaValueOutputInit(FmgrInfo *function, Oid type);
extern bool BaValuePrintsAlike(Oid type);
extern int BaValueSettings(void);
extern char *BaValueDigest(Datum value);
extern void BaValueText(JsonbValue *v, char *text, int length);
extern void BaValueSet(JsonbValue *v, BaValueColumn *column, Datum value, int64 *room);

#endif /* BESTAUTH_ROW_VALUE_H */
