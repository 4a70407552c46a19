/*
 * audit.c
 *	  The one writer of audit rows.
 *
 * Rows go straight into the month's partition, past the guard triggers that refuse
 * everybody else's INSERT, in the transaction that they tell of. Those of one statement are
 * a batch: what they have in common is found out once, and they are written by the
 * hundred.
 *
 * A transaction with an audit row is committed durably, whatever
 * synchronous_commit says: it must not be acknowledged and then lost.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/sequence.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/xid8.h"

#include "audit.h"
#include "audit_partition.h"
#include "audit_row.h"
#include "audit_target.h"
#include "bestauth.h"
#include "compat.h"
#include "context.h"
#include "instance.h"
#include "unsealed.h"

#define ROWS_AT_ONCE 500
#define BYTES_AT_ONCE (1024 * 1024)

struct BaAuditBatch
{
	MemoryContext context;
	Relation relation;
	const BaAuditTarget *target;
	ResultRelInfo *result;
	Oid sequence;
	BaAuditRow row;         /* what all have in common, then the row at hand */
	StringInfoData encoded; /* for the hash */
	int common_length;      /* of that, what all have in common */
	int rows;               /* that wait in slots */
	int64 bytes;            /* of them, about */
	TupleTableSlot *slots[ROWS_AT_ONCE];
};

static bool must_be_durable = false;

/* --------------------------------------------------------------- the columns */

static void
Put(BaAuditRow *row, BaAuditColumn column, Datum value)
{
	row->values[column] = value;
	row->nulls[column] = false;
}

static void
PutText(BaAuditRow *row, BaAuditColumn column, const char *value)
{
	row->nulls[column] = value == NULL;
	if (value != NULL)
		row->values[column] = CStringGetTextDatum(value);
}

static void
PutPointer(BaAuditRow *row, BaAuditColumn column, const void *value)
{
	row->nulls[column] = value == NULL;
	row->values[column] = PointerGetDatum(value);
}

/*
 * What the rows of a batch have in common. The transaction has its number before the clock is
 * read.
 */
static void
PutCommon(BaAuditRow *row, const BaAudit *audit)
{
	Put(row, BA_AUDIT_SYSTEM_ID, Int64GetDatum(BaSystemId()));
	Put(row, BA_AUDIT_TRANSACTION_ID,
		FullTransactionIdGetDatum(GetTopFullTransactionId()));
	Put(row, BA_AUDIT_TRANSACTION_AT,
		TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()));
	PutPointer(row, BA_AUDIT_USER_ID, audit->user_id);
	PutText(row, BA_AUDIT_USERNAME, audit->username);
	PutPointer(row, BA_AUDIT_PERSON_ID, audit->person_id);
	PutText(row, BA_AUDIT_PERSON, audit->person);
	PutPointer(row, BA_AUDIT_SERVICE_ID, audit->service_id);
	PutText(row, BA_AUDIT_SERVICE_CODE, audit->service_code);
	PutPointer(row, BA_AUDIT_SESSION_ID, audit->session_id);
	PutPointer(row, BA_AUDIT_EMERGENCY_ID, audit->emergency_id);
	PutText(row, BA_AUDIT_DB_ROLE, audit->db_role);
	PutText(row, BA_AUDIT_CLIENT_ADDR, audit->client_addr);
	PutText(row, BA_AUDIT_PEER_ADDR, audit->peer_addr);
	PutText(row, BA_AUDIT_APPLICATION_NAME, audit->application_name);
	PutText(row, BA_AUDIT_ACTION, audit->action);
	PutText(row, BA_AUDIT_OUTCOME, audit->outcome);
	PutText(row, BA_AUDIT_OBJECT_TYPE, audit->object_type);
	Put(row, BA_AUDIT_OCCURRED_AT, TimestampTzGetDatum(GetCurrentTimestamp()));
}

static int64
NextNumber(Oid sequence)
{
	return nextval_internal(sequence, false);
}

static void
PutOwn(BaAuditRow *row, const BaAudit *audit, int64 number)
{
	PutPointer(row, BA_AUDIT_COMPANY_ID, audit->company_id);
	PutText(row, BA_AUDIT_COMPANY_CODE, audit->company_code);
	Put(row, BA_AUDIT_ID, Int64GetDatum(number));
	PutText(row, BA_AUDIT_OBJECT_ID, audit->object_id);
	PutPointer(row, BA_AUDIT_OLD_VALUES, audit->old_values);
	PutPointer(row, BA_AUDIT_NEW_VALUES, audit->new_values);
	PutPointer(row, BA_AUDIT_DETAIL, audit->detail);
}

/* ------------------------------------------------------------------- batches */

static Oid
NumberSequence(void)
{
	return get_relname_relid("audit_id_seq", get_namespace_oid(BA_SCHEMA, false));
}

/*
 * Begins a batch: rows that differ in company, object and values only. What the
 * first argument points to must stay until the end.
 */
BaAuditBatch *
BaAuditBatchStart(const BaAudit *common)
{
	BaAuditBatch *batch = palloc(sizeof(BaAuditBatch));

	batch->context = CurrentMemoryContext;
	PutCommon(&batch->row, common);
	batch->relation = table_open(BaAuditPartition(DatumGetTimestampTz(
									 batch->row.values[BA_AUDIT_OCCURRED_AT])),
								 RowExclusiveLock);
	batch->target = BaAuditTargetFind(batch->relation);
	batch->result = BaAuditTargetOpen(batch->target, batch->relation);
	batch->sequence = NumberSequence();
	initStringInfo(&batch->encoded);
	BaAuditEncodeStart(&batch->encoded);
	BaAuditEncode(&batch->encoded, &batch->row, 0, BA_AUDIT_OWN);
	batch->common_length = batch->encoded.len;
	batch->rows = 0;
	batch->bytes = 0;
	memset(batch->slots, 0, sizeof(batch->slots));
	return batch;
}

static void
Flush(BaAuditBatch *batch)
{
	CommandId command = GetCurrentCommandId(true);
	int i;

	if (batch->rows == 1)
		table_tuple_insert(batch->relation, batch->slots[0], command, 0, NULL);
	else
		table_multi_insert(batch->relation, batch->slots, batch->rows, command, 0, NULL);
	for (i = 0; i < batch->rows; i++)
	{
		BaInsertIndexTuples(batch->result, batch->slots[i], batch->target->estate);
		ResetPerTupleExprContext(batch->target->estate);
		ExecClearTuple(batch->slots[i]);
	}
	batch->rows = 0;
	batch->bytes = 0;
}

/* Slots are used again, row after row. */
static TupleTableSlot *
NextSlot(BaAuditBatch *batch)
{
	TupleTableSlot **slot = &batch->slots[batch->rows];

	if (*slot == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(batch->context);

		*slot = table_slot_create(batch->relation, NULL);
		MemoryContextSwitchTo(caller);
	}
	return *slot;
}

static Datum
HashOf(BaAuditBatch *batch)
{
	bytea *hash = palloc(VARHDRSZ + BA_DIGEST_LENGTH);

	batch->encoded.len = batch->common_length;
	BaAuditEncode(&batch->encoded, &batch->row, BA_AUDIT_OWN, BA_AUDIT_COLUMNS);
	SET_VARSIZE(hash, VARHDRSZ + BA_DIGEST_LENGTH);
	BaSha256(batch->encoded.data, batch->encoded.len, (uint8 *) VARDATA(hash));
	return PointerGetDatum(hash);
}

/* Adds a row. It is copied: what it points to may go. */
void
BaAuditBatchAdd(BaAuditBatch *batch, const BaAudit *audit)
{
	TupleTableSlot *slot = NextSlot(batch);
	int i;

	PutOwn(&batch->row, audit, NextNumber(batch->sequence));
	memset(slot->tts_isnull, true, sizeof(bool) * slot->tts_tupleDescriptor->natts);
	for (i = 0; i < BA_AUDIT_COLUMNS; i++)
	{
		slot->tts_values[batch->target->place[i]] = batch->row.values[i];
		slot->tts_isnull[batch->target->place[i]] = batch->row.nulls[i];
	}
	slot->tts_values[batch->target->format_place] = Int16GetDatum(BA_AUDIT_FORMAT);
	slot->tts_isnull[batch->target->format_place] = false;
	slot->tts_values[batch->target->hash_place] = HashOf(batch);
	slot->tts_isnull[batch->target->hash_place] = false;
	ExecStoreVirtualTuple(slot);
	ExecMaterializeSlot(slot);
	batch->rows++;
	batch->bytes += batch->encoded.len;
	if (batch->rows == ROWS_AT_ONCE || batch->bytes > BYTES_AT_ONCE)
		Flush(batch);
}

void
BaAuditBatchFinish(BaAuditBatch *batch)
{
	int i;

	if (batch->rows > 0)
		Flush(batch);
	for (i = 0; i < ROWS_AT_ONCE && batch->slots[i] != NULL; i++)
		ExecDropSingleTupleTableSlot(batch->slots[i]);
	ExecCloseIndices(batch->result);
	table_close(batch->relation, NoLock);
	pfree(batch->encoded.data);
	pfree(batch);
	ForceSyncCommit();
	must_be_durable = true;
}

/* Writes one row in the current transaction. */
void
BaAuditWrite(const BaAudit *audit)
{
	BaAuditBatch *batch = BaAuditBatchStart(audit);

	BaAuditBatchAdd(batch, audit);
	BaAuditBatchFinish(batch);
}

/*
 * ForceSyncCommit() flushes, but does not wait for synchronous standbys; for
 * that the setting itself has to be raised.
 */
static void
AroundCommit(XactEvent event, void *arg)
{
	if ((event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PRE_PREPARE) &&
		must_be_durable && synchronous_commit < SYNCHRONOUS_COMMIT_ON)
		(void) set_config_option("synchronous_commit", "on", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_LOCAL, true, ERROR, false);
	if (event == XACT_EVENT_COMMIT && must_be_durable)
		BaUnsealedMark(MyDatabaseId);
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PREPARE)
		must_be_durable = false;
}

/* The other end of the connection; NULL on a local socket. */
static const char *
PeerAddress(void)
{
	LOCAL_FCINFO(call, 0);
	Datum address;

	InitFunctionCallInfoData(*call, NULL, 0, InvalidOid, NULL, NULL);
	address = inet_client_addr(call);
	return call->isnull ? NULL :
						  TextDatumGetCString(DirectFunctionCall1(network_host, address));
}

/* By that session, which need not be the transaction's. */
void
BaAuditOf(BaAudit *audit, const BaIdentity *identity)
{
	audit->company_id = &identity->company_id;
	audit->company_code = identity->company_code;
	audit->user_id = &identity->user_id;
	audit->username = identity->username;
	audit->person_id = &identity->person_id;
	audit->person = identity->person;
	audit->session_id = &identity->session_id;
	if (identity->has_emergency)
		audit->emergency_id = &identity->emergency_id;
	audit->client_addr = *identity->client_addr ? identity->client_addr : NULL;
	if (identity->has_service)
	{
		audit->service_id = &identity->service_id;
		audit->service_code = identity->service_code;
	}
}

/* What is known of the caller: the session, the role, the connection. */
void
BaAuditStart(BaAudit *audit, const char *action)
{
	const BaIdentity *identity = BaContextIdentity();

	memset(audit, 0, sizeof(*audit));
	audit->action = action;
	audit->outcome = "success";
	audit->db_role = GetUserNameFromId(GetSessionUserId(), true);
	if (audit->db_role == NULL)
		audit->db_role = "(dropped)";
	audit->application_name =
		application_name && *application_name ? application_name : NULL;
	audit->peer_addr = PeerAddress();
	if (identity != NULL)
		BaAuditOf(audit, identity);
}

/*
 * Uses numbers up without a row: so that those of the next rows do not tell whether one
 * was written here.
 */
void
BaAuditSkip(int count)
{
	Oid sequence = NumberSequence();

	while (count-- > 0)
		(void) NextNumber(sequence);
}

void
BaAuditInit(void)
{
	RegisterXactCallback(AroundCommit, NULL);
}
