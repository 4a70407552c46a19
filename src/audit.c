/*
 * audit.c
 *	  The one writer of audit rows.
 *
 * A row goes straight into the month's partition, past the guard triggers that
 * refuse everybody else's INSERT, in the transaction that it tells of. What must
 * be known even if that transaction comes to nothing, a refusal, is written by
 * the writer outside it instead (BaAuditWriteDurably).
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
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "audit.h"
#include "bestauth.h"
#include "context.h"
#include "instance.h"
#include "query.h"
#include "uuid.h"
#include "writer.h"

#define AUDIT_FORMAT 1

typedef struct Month
{
	int year;
	int month;
} Month;

static bool must_be_durable = false;

/* -------------------------------------------------------------- partitions */

static Month
MonthOf(TimestampTz when)
{
	struct pg_tm tm;
	fsec_t fsec;
	Month month;

	/* Without a time zone: months begin at midnight UTC. */
	if (timestamp2tm(when, NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("timestamp out of range")));
	month.year = tm.tm_year;
	month.month = tm.tm_mon;
	return month;
}

static Month
NextMonth(Month month)
{
	if (++month.month > 12)
	{
		month.month = 1;
		month.year++;
	}
	return month;
}

static char *
PartitionName(Month month)
{
	return psprintf("audit_log_y%04dm%02d", month.year, month.month);
}

static Oid
FindPartition(Month month)
{
	return get_relname_relid(PartitionName(month), get_namespace_oid(BA_SCHEMA, false));
}

/* A statement's guard on the parent does not cover its partitions: each has its own. */
void
BaAuditGuard(const char *relation)
{
	BaQueryText(psprintf(
		"CREATE TRIGGER guard BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s"
		" FOR EACH STATEMENT EXECUTE FUNCTION bestauth.guard_tg('AUD-3')",
		relation));
	BaQueryText(psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER guard", relation));
}

/*
 * Made beside the parent and then attached: that takes a lock on the parent
 * which neither readers nor writers mind.
 */
static void
MakePartition(Month month)
{
	Month next = NextMonth(month);
	char *name;

	BaQueryText("LOCK TABLE ONLY bestauth.audit_log IN SHARE UPDATE EXCLUSIVE MODE");
	AcceptInvalidationMessages();
	if (OidIsValid(FindPartition(month)))
		return;
	name = PartitionName(month);
	BaQueryText(
		psprintf("CREATE TABLE bestauth.%s (LIKE bestauth.audit_log INCLUDING DEFAULTS)",
				 name));
	BaQueryText(
		psprintf("COMMENT ON TABLE bestauth.%s IS 'Audit rows of %04d-%02d, in UTC.'",
				 name, month.year, month.month));
	BaQueryText(
		psprintf("ALTER TABLE bestauth.%s ADD PRIMARY KEY (audit_id, occurred_at)",
				 name));
	BaQueryText(psprintf("CREATE INDEX ON bestauth.%s (company_id, occurred_at)", name));
	BaQueryText(psprintf("CREATE INDEX ON bestauth.%s (billing_service_id, occurred_at)"
						 " WHERE billing_service_id IS NOT NULL",
						 name));
	BaQueryText(psprintf("ALTER TABLE bestauth.%s ENABLE ROW LEVEL SECURITY", name));
	BaAuditGuard(psprintf("bestauth.%s", name));
	BaQueryText(psprintf(
		"ALTER TABLE bestauth.audit_log ATTACH PARTITION bestauth.%s"
		" FOR VALUES FROM ('%04d-%02d-01 00:00:00+00') TO ('%04d-%02d-01 00:00:00+00')",
		name, month.year, month.month, next.year, next.month));
}

/* This month's partition and those of the year ahead. */
void
BaAuditMakePartitions(void)
{
	Month month = MonthOf(GetCurrentTimestamp());
	int i;

	for (i = 0; i <= BA_AUDIT_MONTHS_AHEAD; i++)
	{
		MakePartition(month);
		month = NextMonth(month);
	}
}

/* In the writer, now and then: a year after opening the next month has none yet. */
void
BaAuditLookAhead(void)
{
	Month next = NextMonth(MonthOf(GetCurrentTimestamp()));

	if (!OidIsValid(FindPartition(next)))
		MakePartition(next);
}

static void
HandlePartition(const char *payload, int length, char *reply)
{
	Month month;

	memcpy(&month, payload, sizeof(month));
	MakePartition(month);
}

/*
 * The partition for a moment. One that is missing is made outside the caller's
 * transaction, which would otherwise hold the DDL's locks to its end.
 */
static Oid
RequirePartition(TimestampTz when)
{
	Month month = MonthOf(when);
	Oid partition = FindPartition(month);
	char reply[BA_WRITER_REPLY];

	if (OidIsValid(partition))
		return partition;
	if (BaWriterIsSelf)
		MakePartition(month);
	else
		BaWriterCall(BA_WRITER_PARTITION, (char *) &month, sizeof(month), reply);
	AcceptInvalidationMessages();
	partition = FindPartition(month);
	if (!OidIsValid(partition))
		elog(ERROR, "audit partition \"%s\" is missing", PartitionName(month));
	return partition;
}

/* --------------------------------------------------------------- the row */

/*
 * Columns that a row is filled with by name: partitions may differ in order. Most have
 * the one that is filled next right behind the last.
 */
typedef struct Filler
{
	TupleTableSlot *slot;
	TupleDesc tupdesc;
	int next;
} Filler;

static void
Fill(Filler *filler, const char *column, Datum value, bool isnull)
{
	int i;

	for (i = 0; i < filler->tupdesc->natts; i++)
	{
		int at = (filler->next + i) % filler->tupdesc->natts;
		Form_pg_attribute att = TupleDescAttr(filler->tupdesc, at);

		if (!att->attisdropped && strcmp(NameStr(att->attname), column) == 0)
		{
			filler->slot->tts_values[at] = value;
			filler->slot->tts_isnull[at] = isnull;
			filler->next = at + 1;
			return;
		}
	}
	elog(ERROR, "audit log has no column \"%s\"", column);
}

static void
FillText(Filler *filler, const char *column, const char *value)
{
	Fill(filler, column, value ? CStringGetTextDatum(value) : (Datum) 0, value == NULL);
}

static void
FillUuid(Filler *filler, const char *column, const pg_uuid_t *value)
{
	Fill(filler, column, UUIDPGetDatum(value), value == NULL);
}

static void
FillJson(Filler *filler, const char *column, Jsonb *value)
{
	Fill(filler, column, JsonbPGetDatum(value), value == NULL);
}

static int64
NextNumber(void)
{
	Oid sequence = get_relname_relid("audit_id_seq", get_namespace_oid(BA_SCHEMA, false));

	return nextval_internal(sequence, false);
}

static void
FillRow(Filler *filler, const BaAudit *audit, TimestampTz now)
{
	Fill(filler, "audit_id", Int64GetDatum(NextNumber()), false);
	Fill(filler, "occurred_at", TimestampTzGetDatum(now), false);
	Fill(filler, "transaction_at",
		 TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()), false);
	Fill(filler, "transaction_id", FullTransactionIdGetDatum(GetTopFullTransactionId()),
		 false);
	Fill(filler, "system_id", Int64GetDatum(BaSystemId()), false);
	Fill(filler, "format", Int16GetDatum(AUDIT_FORMAT), false);
	FillUuid(filler, "company_id", audit->company_id);
	FillText(filler, "company_code", audit->company_code);
	FillUuid(filler, "user_id", audit->user_id);
	FillText(filler, "username", audit->username);
	FillUuid(filler, "person_id", audit->person_id);
	FillText(filler, "person", audit->person);
	FillUuid(filler, "billing_service_id", audit->service_id);
	FillText(filler, "billing_service_code", audit->service_code);
	FillUuid(filler, "session_id", audit->session_id);
	FillText(filler, "db_role", audit->db_role);
	FillText(filler, "client_addr", audit->client_addr);
	FillText(filler, "peer_addr", audit->peer_addr);
	FillText(filler, "application_name", audit->application_name);
	FillText(filler, "action", audit->action);
	FillText(filler, "outcome", audit->outcome);
	FillText(filler, "object_type", audit->object_type);
	FillText(filler, "object_id", audit->object_id);
	FillJson(filler, "old_values", audit->old_values);
	FillJson(filler, "new_values", audit->new_values);
	FillJson(filler, "detail", audit->detail);
}

/* Writes the row in the current transaction. */
void
BaAuditWrite(const BaAudit *audit)
{
	TimestampTz now = GetCurrentTimestamp();
	Relation relation = table_open(RequirePartition(now), RowExclusiveLock);
	EState *estate = CreateExecutorState();
	ResultRelInfo *result = makeNode(ResultRelInfo);
	Filler filler;

	InitResultRelInfo(result, relation, 1, NULL, 0);
	/* Nobody's trigger runs on the way, whoever put one there. */
	result->ri_TrigDesc = NULL;
	ExecOpenIndices(result, false);
	filler.next = 0;
	filler.tupdesc = RelationGetDescr(relation);
	filler.slot = table_slot_create(relation, NULL);
	ExecClearTuple(filler.slot);
	memset(filler.slot->tts_isnull, true, sizeof(bool) * filler.tupdesc->natts);
	FillRow(&filler, audit, now);
	ExecStoreVirtualTuple(filler.slot);
	ExecSimpleRelationInsert(result, estate, filler.slot);
	ExecDropSingleTupleTableSlot(filler.slot);
	ExecCloseIndices(result);
	FreeExecutorState(estate);
	table_close(relation, NoLock);
	ForceSyncCommit();
	must_be_durable = true;
}

/*
 * ForceSyncCommit() flushes, but does not wait for synchronous standbys; for
 * that the setting itself has to be raised.
 */
static void
BeforeCommit(XactEvent event, void *arg)
{
	if ((event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PRE_PREPARE) &&
		must_be_durable && synchronous_commit < SYNCHRONOUS_COMMIT_ON)
		(void) set_config_option("synchronous_commit", "on", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_LOCAL, true, ERROR, false);
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
	while (count-- > 0)
		(void) NextNumber();
}

/* ----------------------------------------------- rows outside a transaction */

static void
PackText(StringInfo packed, const char *value)
{
	appendStringInfoChar(packed, value == NULL ? 0 : 1);
	if (value != NULL)
		appendBinaryStringInfo(packed, value, strlen(value) + 1);
}

static void
PackUuid(StringInfo packed, const pg_uuid_t *value)
{
	PackText(packed, value == NULL ? NULL : BaUuidText(value));
}

static const char *
UnpackText(const char **at)
{
	const char *value;

	if (*(*at)++ == 0)
		return NULL;
	value = *at;
	*at += strlen(value) + 1;
	return value;
}

static const pg_uuid_t *
UnpackUuid(const char **at)
{
	const char *value = UnpackText(at);

	return value == NULL ?
			   NULL :
			   DatumGetUUIDP(DirectFunctionCall1(uuid_in, CStringGetDatum(value)));
}

/* For the writer. Old and new values never travel: a refusal changes nothing. */
void
BaAuditPack(StringInfo to, const BaAudit *audit)
{
	PackText(to, audit->action);
	PackText(to, audit->outcome);
	PackUuid(to, audit->company_id);
	PackText(to, audit->company_code);
	PackUuid(to, audit->user_id);
	PackText(to, audit->username);
	PackUuid(to, audit->person_id);
	PackText(to, audit->person);
	PackUuid(to, audit->service_id);
	PackText(to, audit->service_code);
	PackUuid(to, audit->session_id);
	PackText(to, audit->db_role);
	PackText(to, audit->client_addr);
	PackText(to, audit->peer_addr);
	PackText(to, audit->application_name);
	PackText(to, audit->object_type);
	PackText(to, audit->object_id);
	PackText(to, audit->detail == NULL ?
					 NULL :
					 JsonbToCString(NULL, &audit->detail->root, VARSIZE(audit->detail)));
}

/* In a transaction of its own, whatever the caller's comes to. */
void
BaAuditWriteDurably(const BaAudit *audit)
{
	StringInfoData packed;
	char reply[BA_WRITER_REPLY];

	initStringInfo(&packed);
	BaAuditPack(&packed, audit);
	BaWriterCall(BA_WRITER_AUDIT, packed.data, packed.len, reply);
	pfree(packed.data);
}

/* In the writer: the row that BaAuditPack() packed. */
void
BaAuditUnpack(const char *packed, BaAudit *audit)
{
	const char *at = packed;
	const char *detail;

	memset(audit, 0, sizeof(*audit));
	audit->action = UnpackText(&at);
	audit->outcome = UnpackText(&at);
	audit->company_id = UnpackUuid(&at);
	audit->company_code = UnpackText(&at);
	audit->user_id = UnpackUuid(&at);
	audit->username = UnpackText(&at);
	audit->person_id = UnpackUuid(&at);
	audit->person = UnpackText(&at);
	audit->service_id = UnpackUuid(&at);
	audit->service_code = UnpackText(&at);
	audit->session_id = UnpackUuid(&at);
	audit->db_role = UnpackText(&at);
	audit->client_addr = UnpackText(&at);
	audit->peer_addr = UnpackText(&at);
	audit->application_name = UnpackText(&at);
	audit->object_type = UnpackText(&at);
	audit->object_id = UnpackText(&at);
	detail = UnpackText(&at);
	if (detail != NULL)
		audit->detail =
			DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(detail)));
}

void
BaAuditWritePacked(const char *packed)
{
	BaAudit audit;

	BaAuditUnpack(packed, &audit);
	BaAuditWrite(&audit);
}

static void
HandleAudit(const char *payload, int length, char *reply)
{
	BaAuditWritePacked(payload);
}

void
BaAuditInit(void)
{
	BaWriterRegister(BA_WRITER_AUDIT, HandleAudit);
	BaWriterRegister(BA_WRITER_PARTITION, HandlePartition);
	RegisterXactCallback(BeforeCommit, NULL);
}
