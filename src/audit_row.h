/* audit_row.h: the columns of an audit row, and its hash. */
#ifndef BESTAUTH_AUDIT_ROW_H
#define BESTAUTH_AUDIT_ROW_H

#include "crypto.h"
#include "lib/stringinfo.h"

#define BA_AUDIT_FORMAT 1

/*
 * What a row's hash is taken over, in the order of docs/sealing.md: a column's tag there
 * is its place here, from 1. First those that the rows of one statement have in common.
 */
typedef enum BaAuditColumn
{
	BA_AUDIT_SYSTEM_ID,
	BA_AUDIT_TRANSACTION_ID,
	BA_AUDIT_TRANSACTION_AT,
	BA_AUDIT_USER_ID,
	BA_AUDIT_USERNAME,
	BA_AUDIT_PERSON_ID,
	BA_AUDIT_PERSON,
	BA_AUDIT_SERVICE_ID,
	BA_AUDIT_SERVICE_CODE,
	BA_AUDIT_SESSION_ID,
	BA_AUDIT_EMERGENCY_ID,
	BA_AUDIT_DB_ROLE,
	BA_AUDIT_CLIENT_ADDR,
	BA_AUDIT_PEER_ADDR,
	BA_AUDIT_APPLICATION_NAME,
	BA_AUDIT_ACTION,
	BA_AUDIT_OUTCOME,
	BA_AUDIT_OBJECT_TYPE,
	BA_AUDIT_OCCURRED_AT,
	BA_AUDIT_COMPANY_ID,
	BA_AUDIT_COMPANY_CODE,
	BA_AUDIT_ID,
	BA_AUDIT_OBJECT_ID,
	BA_AUDIT_OLD_VALUES,
	BA_AUDIT_NEW_VALUES,
	BA_AUDIT_DETAIL,
	BA_AUDIT_COLUMNS
} BaAuditColumn;

#define BA_AUDIT_OWN BA_AUDIT_COMPANY_ID /* from here on each row has its own */

typedef struct BaAuditRow
{
	Datum values[BA_AUDIT_COLUMNS];
	bool nulls[BA_AUDIT_COLUMNS];
} BaAuditRow;

extern const char *const BaAuditColumnNames[BA_AUDIT_COLUMNS];

extern void BaAuditEncodeStart(StringInfo to);
extern void BaAuditEncode(StringInfo to, const BaAuditRow *row, int from, int upto);

#endif /* BESTAUTH_AUDIT_ROW_H */
