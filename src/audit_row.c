/*
 * audit_row.c
 *	  What the hash of an audit row is taken over: docs/sealing.md, to the byte. The
 *	  writer computes it and audit_verify() does again, both from here.
 *
 * Typed and with lengths, so that no two rows have the same bytes; network order, UTC and
 * UTF-8, so that no setting and no machine has a part in it. A NULL leaves nothing, so
 * that a column which comes later does not change the hashes of older rows.
 */
#include "postgres.h"

#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "audit_row.h"

#define LEAF 0x00 /* RFC 6962 */

typedef enum Kind
{
	LONG, /* also times, and transactions' numbers */
	UUID,
	TEXT,
	JSON
} Kind;

const char *const BaAuditColumnNames[] = {
	[BA_AUDIT_SYSTEM_ID] = "system_id",
	[BA_AUDIT_TRANSACTION_ID] = "transaction_id",
	[BA_AUDIT_TRANSACTION_AT] = "transaction_at",
	[BA_AUDIT_USER_ID] = "user_id",
	[BA_AUDIT_USERNAME] = "username",
	[BA_AUDIT_PERSON_ID] = "person_id",
	[BA_AUDIT_PERSON] = "person",
	[BA_AUDIT_SERVICE_ID] = "billing_service_id",
	[BA_AUDIT_SERVICE_CODE] = "billing_service_code",
	[BA_AUDIT_SESSION_ID] = "session_id",
	[BA_AUDIT_EMERGENCY_ID] = "emergency_id",
	[BA_AUDIT_DB_ROLE] = "db_role",
	[BA_AUDIT_CLIENT_ADDR] = "client_addr",
	[BA_AUDIT_PEER_ADDR] = "peer_addr",
	[BA_AUDIT_APPLICATION_NAME] = "application_name",
	[BA_AUDIT_ACTION] = "action",
	[BA_AUDIT_OUTCOME] = "outcome",
	[BA_AUDIT_OBJECT_TYPE] = "object_type",
	[BA_AUDIT_OCCURRED_AT] = "occurred_at",
	[BA_AUDIT_COMPANY_ID] = "company_id",
	[BA_AUDIT_COMPANY_CODE] = "company_code",
	[BA_AUDIT_ID] = "audit_id",
	[BA_AUDIT_OBJECT_ID] = "object_id",
	[BA_AUDIT_OLD_VALUES] = "old_values",
	[BA_AUDIT_NEW_VALUES] = "new_values",
	[BA_AUDIT_DETAIL] = "detail",
};

static Kind
KindOf(BaAuditColumn column)
{
	switch (column)
	{
		case BA_AUDIT_SYSTEM_ID:
		case BA_AUDIT_TRANSACTION_ID:
		case BA_AUDIT_TRANSACTION_AT:
		case BA_AUDIT_OCCURRED_AT:
		case BA_AUDIT_ID:
			return LONG;
		case BA_AUDIT_USER_ID:
		case BA_AUDIT_PERSON_ID:
		case BA_AUDIT_SERVICE_ID:
		case BA_AUDIT_SESSION_ID:
		case BA_AUDIT_EMERGENCY_ID:
		case BA_AUDIT_COMPANY_ID:
			return UUID;
		case BA_AUDIT_OLD_VALUES:
		case BA_AUDIT_NEW_VALUES:
		case BA_AUDIT_DETAIL:
			return JSON;
		default:
			return TEXT;
	}
}

/* The length comes after what it is of. */
static void
PutJson(StringInfo to, Datum value)
{
	Jsonb *jsonb = DatumGetJsonbP(value);
	int at = to->len;
	uint32 length;

	appendStringInfoSpaces(to, sizeof(length));
	JsonbToCString(to, &jsonb->root, VARSIZE(jsonb));
	length = pg_hton32(to->len - at - sizeof(length));
	memcpy(to->data + at, &length, sizeof(length));
}

static void
PutField(StringInfo to, BaAuditColumn column, Datum value)
{
	text *words;

	pq_sendint8(to, column + 1);
	switch (KindOf(column))
	{
		case LONG:
			pq_sendint32(to, sizeof(int64));
			pq_sendint64(to, DatumGetInt64(value));
			break;
		case UUID:
			pq_sendint32(to, UUID_LEN);
			appendBinaryStringInfo(to, (char *) DatumGetUUIDP(value)->data, UUID_LEN);
			break;
		case TEXT:
			words = DatumGetTextPP(value);
			pq_sendint32(to, VARSIZE_ANY_EXHDR(words));
			appendBinaryStringInfo(to, VARDATA_ANY(words), VARSIZE_ANY_EXHDR(words));
			break;
		case JSON:
			PutJson(to, value);
			break;
	}
}

void
BaAuditEncodeStart(StringInfo to)
{
	resetStringInfo(to);
	pq_sendint8(to, LEAF);
	pq_sendint16(to, BA_AUDIT_FORMAT);
}

/* Adds the fields of some columns. */
void
BaAuditEncode(StringInfo to, const BaAuditRow *row, int from, int upto)
{
	int i;

	for (i = from; i < upto; i++)
		if (!row->nulls[i])
			PutField(to, i, row->values[i]);
}
