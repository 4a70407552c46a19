/*
 * verify.c
 *	  audit_verify(): the chain from its first block to its last, then month after
 *	  month every row, its hash, its block, and each block's tree.
 *
 * Rows are read as they lie and sorted into their blocks by number, block and hash alone, so
 * memory stays within what a sort may take. Everything is read under one snapshot, by the
 * same queries on a standby.
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_operator_d.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/tuplesort.h"

#include "access.h"
#include "audit_row.h"
#include "block.h"
#include "chain.h"
#include "instance.h"
#include "merkle.h"
#include "span.h"

PG_FUNCTION_INFO_V1(bestauth_audit_verify);

#define SORT_KB 16384

/* A block of the month at hand whose rows the sealing before must not have seen. */
typedef struct Start
{
	int span;
	const BaXidSet *before;
} Start;

typedef struct Check
{
	MemoryContext month_context;
	uint64 next_xid;
	BaChain chain;
	/* the month at hand */
	DateADT month;
	BaSpans spans;
	List *starts;
	Tuplesortstate *sort;
	TupleTableSlot *slot;
	TupleTableSlot *sorted; /* empty behind the last */
	int span;               /* the next to be checked */
	StringInfoData encoded;
	int64 rows;
	BaVerdict verdict;
} Check;

static BaQuery list_month_blocks = {
	.sql = "SELECT " BA_BLOCK_COLUMNS
		   " FROM bestauth.audit_block b WHERE b.month = $1 AND b.kind = 'rows'"
		   " ORDER BY b.system_id, b.block",
};

static BaQuery list_months = {
	.sql =
		"WITH RECURSIVE bound AS (SELECT date_trunc('month', min(occurred_at) AT TIME ZONE 'UTC') AS first,"
		" max(occurred_at) AT TIME ZONE 'UTC' AS last FROM bestauth.audit_log), month (m) AS (SELECT first FROM bound UNION ALL"
		" SELECT date_trunc('month', m + interval '768 hours') FROM month, bound"
		" WHERE date_trunc('month', m + interval '768 hours') <= last)"
		" SELECT m::date FROM (SELECT m FROM month WHERE m IS NOT NULL UNION SELECT month FROM bestauth.audit_block) AS r (m)"
		" WHERE ($1 IS NULL OR m >= date_trunc('month', $1 AT TIME ZONE 'UTC'))"
		" AND ($2 IS NULL OR m < $2 AT TIME ZONE 'UTC') ORDER BY m",
};

/* Months have years of four digits; and between infinity and now there are too many. */
static BaQuery find_outside = {
	.sql =
		"SELECT audit_id, occurred_at FROM bestauth.audit_log WHERE occurred_at < '0001-01-01 00:00:00+00'"
		" OR occurred_at >= '10000-01-01 00:00:00+00' ORDER BY occurred_at, audit_id LIMIT 1",
};

/* In the order of BaAuditColumn; then what says how it is hashed. */
static BaQuery list_rows = {
	.sql =
		"SELECT system_id, transaction_id, transaction_at, user_id, username, person_id, person, billing_service_id,"
		" billing_service_code, session_id, emergency_id, db_role, client_addr, peer_addr, application_name, action,"
		" outcome, object_type, occurred_at, company_id, company_code, audit_id, object_id, old_values, new_values,"
		" detail, format, row_hash FROM bestauth.audit_log"
		" WHERE occurred_at >= $1 AND occurred_at < $2",
};

static BaQuery read_digest = {
	.sql =
		"SELECT CASE WHEN $1->>'block' ~ '^[1-9][0-9]{0,17}$' THEN ($1->>'block')::bigint END,"
		" CASE WHEN $1->>'block_hash' ~ '^[0-9a-f]{64}$' THEN decode($1->>'block_hash', 'hex') END",
};

/* ----------------------------------------------------------------- the verdict */

static bool
Fault(Check *check, int64 block, const char *reason)
{
	return BaFault(&check->verdict, block, reason);
}

static bool
FaultOf(Check *check, int64 block, Datum audit_id, Datum occurred_at, const char *what)
{
	char when[MAXDATELEN + 1];
	int utc = 0;

	(void) JsonEncodeDateTime(when, occurred_at, TIMESTAMPTZOID, &utc);
	check->verdict.has_bad_row = true;
	check->verdict.bad_audit_id = DatumGetInt64(audit_id);
	return Fault(check, block, psprintf("the row of %s %s", when, what));
}

static bool
FaultOfRow(Check *check, int64 block, const BaRow *row, const char *what)
{
	return FaultOf(check, block, row->values[BA_AUDIT_ID],
				   row->values[BA_AUDIT_OCCURRED_AT], what);
}

static bool
FaultOutside(const BaRow *row, void *state)
{
	return FaultOf(state, 0, row->values[0], row->values[1],
				   "is of a time that cannot be");
}

/* ------------------------------------------------------------------- the rows */

static bool
AddSpan(const BaRow *row, void *state)
{
	Check *check = state;
	const BaXidSet *before;
	MemoryContext old;
	BaBlock block;
	bool good;

	BaBlockOf(row, &block);
	old = MemoryContextSwitchTo(check->month_context);
	before = BaChainBefore(&check->chain, block.block);
	if (before != NULL)
	{
		Start *start = palloc(sizeof(Start));

		start->span = check->spans.count;
		start->before = before;
		check->starts = lappend(check->starts, start);
	}
	good = BaSpansAdd(&check->spans, block.system_id, block.snapshot);
	MemoryContextSwitchTo(old);
	return good || Fault(check, block.block, "its snapshot is none");
}

static bool
HashIsRight(Check *check, const BaRow *row, uint8 *hash)
{
	BaAuditRow audit;
	bytea *kept;

	memcpy(audit.values, row->values, sizeof(audit.values));
	memcpy(audit.nulls, row->nulls, sizeof(audit.nulls));
	BaAuditEncodeStart(&check->encoded);
	BaAuditEncode(&check->encoded, &audit, 0, BA_AUDIT_COLUMNS);
	BaSha256(check->encoded.data, check->encoded.len, hash);
	if (row->nulls[BA_AUDIT_COLUMNS + 1])
		return false;
	kept = DatumGetByteaPP(row->values[BA_AUDIT_COLUMNS + 1]);
	return VARSIZE_ANY_EXHDR(kept) == BA_DIGEST_LENGTH &&
		   BaDigestEqual((uint8 *) VARDATA_ANY(kept), hash);
}

static void
PutIntoSpan(Check *check, int span, int64 audit_id, const uint8 *hash)
{
	bytea *value = palloc(VARHDRSZ + BA_DIGEST_LENGTH);

	SET_VARSIZE(value, VARHDRSZ + BA_DIGEST_LENGTH);
	memcpy(VARDATA(value), hash, BA_DIGEST_LENGTH);
	ExecClearTuple(check->slot);
	check->slot->tts_values[0] = Int64GetDatum(span);
	check->slot->tts_values[1] = Int64GetDatum(audit_id);
	check->slot->tts_values[2] = PointerGetDatum(value);
	memset(check->slot->tts_isnull, false, 3 * sizeof(bool));
	ExecStoreVirtualTuple(check->slot);
	tuplesort_puttupleslot(check->sort, check->slot);
}

/* Did the sealing before the block's see the transaction already? */
static bool
IsLate(const Check *check, int span, uint64 xid)
{
	ListCell *cell;

	foreach (cell, check->starts)
	{
		const Start *start = lfirst(cell);

		if (start->span == span)
			return BaXidSetHas(start->before, xid);
	}
	return false;
}

/* Of a row that no block covers: the next one will, if it is what it says. */
static bool
CheckOpen(Check *check, const BaRow *row)
{
	int64 system_id = DatumGetInt64(row->values[BA_AUDIT_SYSTEM_ID]);
	uint64 xid = DatumGetUInt64(row->values[BA_AUDIT_TRANSACTION_ID]);

	if (BaChainSaw(&check->chain, system_id, xid))
		return FaultOfRow(check, 0, row, "came after its transaction had been sealed");
	if (system_id == BaSystemId() && xid >= check->next_xid)
		return FaultOfRow(check, 0, row, "is of a transaction that there was not yet");
	/* Those of a restore are sealed before the first of our own. */
	if (system_id != BaSystemId() && check->chain.head_system == BaSystemId())
		return FaultOfRow(check, 0, row,
						  "is of another cluster, and came after the restore");
	return true;
}

static bool
CheckRow(const BaRow *row, void *state)
{
	Check *check = state;
	int64 audit_id = DatumGetInt64(row->values[BA_AUDIT_ID]);
	int64 system_id = DatumGetInt64(row->values[BA_AUDIT_SYSTEM_ID]);
	uint64 xid = DatumGetUInt64(row->values[BA_AUDIT_TRANSACTION_ID]);
	int16 format = DatumGetInt16(row->values[BA_AUDIT_COLUMNS]);
	uint8 hash[BA_DIGEST_LENGTH];
	int64 purge = BaChainPurge(&check->chain, check->month);
	int span;

	check->rows++;
	if (format != BA_AUDIT_FORMAT)
		return FaultOfRow(check, 0, row,
						  psprintf("has the format %d, which this version does not know",
								   format));
	if (!HashIsRight(check, row, hash))
		return FaultOfRow(check, 0, row, "has not the contents of its hash");
	if (purge != 0)
		return FaultOfRow(check, purge, row, "is of a month that was removed");
	span = BaSpansFind(&check->spans, system_id, xid);
	if (span >= 0 && IsLate(check, span, xid))
		return FaultOfRow(check, 0, row,
						  "came after its transaction had been sealed, with a block");
	if (span >= 0)
	{
		PutIntoSpan(check, span, audit_id, hash);
		return true;
	}
	return CheckOpen(check, row);
}

/* ------------------------------------------------------------------- the trees */

static void
NextSorted(Check *check)
{
	CHECK_FOR_INTERRUPTS();
	if (tuplesort_gettupleslot(check->sort, true, false, check->sorted, NULL))
		slot_getallattrs(check->sorted);
}

/* The rows come by block, in the order of the leaves; the blocks in the same order. */
static bool
CheckSpan(const BaRow *row, void *state)
{
	Check *check = state;
	TupleTableSlot *slot = check->sorted;
	int64 first = 0, last = 0;
	uint8 root[BA_DIGEST_LENGTH];
	BaMerkle tree;
	BaBlock block;

	BaBlockOf(row, &block);
	BaMerkleStart(&tree);
	for (; !TTS_EMPTY(slot) && DatumGetInt64(slot->tts_values[0]) == check->span;
		 NextSorted(check))
	{
		last = DatumGetInt64(slot->tts_values[1]);
		if (tree.leaves == 0)
			first = last;
		BaMerkleAdd(&tree, (uint8 *) VARDATA_ANY(DatumGetByteaPP(slot->tts_values[2])));
	}
	check->span++;
	if (tree.leaves == 0 || tree.leaves != block.row_count)
		return Fault(check, block.block,
					 psprintf("it was made over " INT64_FORMAT
							  " rows with numbers " INT64_FORMAT " to " INT64_FORMAT
							  ", and " UINT64_FORMAT " are there",
							  block.row_count, block.first_audit_id, block.last_audit_id,
							  tree.leaves));
	BaMerkleRoot(&tree, root);
	if (!BaDigestEqual(root, block.root))
		return Fault(check, block.block, "its rows are not those that it was made over");
	if (first != block.first_audit_id || last != block.last_audit_id)
		return Fault(check, block.block, "its rows have other numbers than it says");
	return true;
}

static void
StartSort(Check *check)
{
	static const Oid operators[] = {Int8LessOperator, Int8LessOperator,
									ByteaLessOperator};
	AttrNumber columns[] = {1, 2, 3};
	Oid collations[] = {InvalidOid, InvalidOid, InvalidOid};
	bool nulls_first[] = {false, false, false};
	TupleDesc tupdesc = CreateTemplateTupleDesc(3);

	TupleDescInitEntry(tupdesc, 1, "span", INT8OID, -1, 0);
	TupleDescInitEntry(tupdesc, 2, "audit_id", INT8OID, -1, 0);
	TupleDescInitEntry(tupdesc, 3, "row_hash", BYTEAOID, -1, 0);
	check->slot = MakeSingleTupleTableSlot(tupdesc, &TTSOpsVirtual);
	check->sorted = MakeSingleTupleTableSlot(tupdesc, &TTSOpsMinimalTuple);
	check->sort = tuplesort_begin_heap(tupdesc, 3, columns, (Oid *) operators, collations,
									   nulls_first, SORT_KB, NULL, TUPLESORT_NONE);
}

static bool
CheckMonth(const BaRow *row, void *state)
{
	Check *check = state;
	MemoryContext old = MemoryContextSwitchTo(check->month_context);
	BaArgs month = {0};
	BaArgs period = {0};
	bool purged;

	check->month = DatumGetDateADT(row->values[0]);
	memset(&check->spans, 0, sizeof(check->spans));
	check->span = 0;
	check->starts = NIL;
	BaPut(&month, DATEOID, DateADTGetDatum(check->month), false);
	BaPut(&period, TIMESTAMPTZOID,
		  TimestampTzGetDatum(BaBlockMonthStart(check->month, 0)), false);
	BaPut(&period, TIMESTAMPTZOID,
		  TimestampTzGetDatum(BaBlockMonthStart(check->month, 1)), false);
	purged = BaChainPurge(&check->chain, check->month) != 0;
	if (!purged)
		BaQueryEach(&list_month_blocks, &month, AddSpan, check);
	StartSort(check);
	if (check->verdict.reason == NULL)
		BaQueryEach(&list_rows, &period, CheckRow, check);
	if (check->verdict.reason == NULL && !purged)
	{
		tuplesort_performsort(check->sort);
		NextSorted(check);
		BaQueryEach(&list_month_blocks, &month, CheckSpan, check);
	}
	ExecDropSingleTupleTableSlot(check->sorted);
	ExecDropSingleTupleTableSlot(check->slot);
	tuplesort_end(check->sort);
	MemoryContextSwitchTo(old);
	MemoryContextReset(check->month_context);
	return check->verdict.reason == NULL;
}

/* -------------------------------------------------------------------- the call */

static void
TakeDigest(FunctionCallInfo fcinfo, Check *check)
{
	BaArgs args = {0};
	BaRow row;

	if (PG_ARGISNULL(0))
		return;
	BaPut(&args, JSONBOID, PG_GETARG_DATUM(0), false);
	if (!BaQueryRow(&read_digest, &args, &row) || row.nulls[0] || row.nulls[1])
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"digest\" is not what audit_digest() gives"),
				 errdetail(
					 "It has \"block\", a number, and \"block_hash\", 64 hexadecimal"
					 " digits in lower case.")));
	check->chain.digest_block = BaGetLong(&row, 0);
	memcpy(check->chain.digest_hash, VARDATA_ANY(DatumGetByteaPP(row.values[1])),
		   BA_DIGEST_LENGTH);
}

static Datum
Verdict(FunctionCallInfo fcinfo, const Check *check)
{
	TupleDesc tupdesc;
	Datum values[6];
	bool nulls[6] = {0};

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = BoolGetDatum(check->verdict.reason == NULL);
	values[1] = Int64GetDatum(check->rows);
	values[2] = Int64GetDatum(check->chain.head);
	values[3] = Int64GetDatum(check->verdict.bad_audit_id);
	nulls[3] = !check->verdict.has_bad_row;
	values[4] = Int64GetDatum(check->verdict.bad_block);
	nulls[4] = check->verdict.bad_block == 0;
	nulls[5] = check->verdict.reason == NULL;
	if (check->verdict.reason != NULL)
		values[5] = CStringGetTextDatum(check->verdict.reason);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls));
}

Datum
bestauth_audit_verify(PG_FUNCTION_ARGS)
{
	Check check = {0};
	BaArgs args = {0};
	int i;

	(void) BaAccessCaller(fcinfo);
	check.verdict.context = CurrentMemoryContext;
	check.month_context =
		AllocSetContextCreate(CurrentMemoryContext, "bestauth month of the audit",
							  ALLOCSET_DEFAULT_SIZES);
	check.chain.verdict = &check.verdict;
	check.chain.now = GetCurrentTimestamp();
	check.next_xid = U64FromFullTransactionId(ReadNextFullTransactionId());
	initStringInfo(&check.encoded);
	TakeDigest(fcinfo, &check);
	BaChainCheck(&check.chain);
	if (check.verdict.reason == NULL)
		BaQueryEach(&find_outside, &args, FaultOutside, &check);
	for (i = 1; i <= 2; i++)
		BaPut(&args, TIMESTAMPTZOID, PG_GETARG_DATUM(i), PG_ARGISNULL(i));
	if (check.verdict.reason == NULL)
		BaQueryEach(&list_months, &args, CheckMonth, &check);
	if (check.verdict.reason != NULL)
		BaBlockCheckPurges();
	return Verdict(fcinfo, &check);
}
