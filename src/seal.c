/*
 * seal.c
 *	  Sealing the audit: blocks over the rows whose transactions are over, chained.
 *
 * Which rows a block covers is said by a snapshot, not by numbers: those whose transactions
 * it sees and the snapshot before did not. So a transaction that stays open holds
 * nobody up, and its rows come into the first block after its end. No lock is taken that a
 * writer of audit rows would meet.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/xid8.h"

#include "access.h"
#include "block.h"
#include "instance.h"
#include "merkle.h"
#include "query.h"
#include "seal.h"
#include "xidset.h"

PG_FUNCTION_INFO_V1(bestauth_audit_seal);

#define XID8ARRAYOID 271

/*
 * From the sealing transaction's own number on it sees nothing. That one's commit is in the
 * WAL, so no number before it is given again after a crash; one of a transaction that wrote
 * nothing might be. But never less than the block before, whose sealer may have been younger.
 */
static BaQuery find_moment = {
	.sql =
		"WITH t (s, o) AS (VALUES (pg_current_snapshot(), pg_current_xact_id())),"
		" upto (m) AS (SELECT greatest($1, least(pg_snapshot_xmax(s), o)) FROM t),"
		" running (x) AS (SELECT r.x FROM t, pg_snapshot_xip(s) AS r (x) UNION SELECT o FROM t)"
		" SELECT format('%s:%s:%s', coalesce(min(x), m), m, string_agg(x::text, ',' ORDER BY x))"
		" FROM upto LEFT JOIN running ON x < m GROUP BY m",
	.latest = true,
};

static BaQuery find_previous = {
	.sql =
		"SELECT snapshot::text FROM bestauth.audit_block WHERE system_id = $1 AND kind = 'rows'"
		" ORDER BY block DESC LIMIT 1",
	.latest = true,
};

static BaQuery list_rows = {
	.sql =
		"SELECT date_trunc('month', occurred_at AT TIME ZONE 'UTC')::date, audit_id, row_hash"
		" FROM bestauth.audit_log WHERE (transaction_id = ANY ($1) OR transaction_id >= $2)"
		" AND system_id = $3 AND pg_visible_in_snapshot(transaction_id, $4::pg_snapshot) ORDER BY 1, 2, 3",
	.latest = true,
	.custom = true,
	.indexed = true,
};

static BaQuery list_foreign = {
	.sql =
		"SELECT system_id, (max(transaction_id::text::bigint) + 1)::text FROM bestauth.audit_log"
		" WHERE system_id <> $1 GROUP BY system_id ORDER BY system_id",
	.latest = true,
};

/* Blocks in the making: rows come month by month. */
typedef struct Sealing
{
	MemoryContext context;
	BaMerkle tree;
	BaBlock *block; /* NULL before the first row */
	List *blocks;
	int64 rows;
} Sealing;

static void
FinishBlock(Sealing *sealing)
{
	MemoryContext old;

	if (sealing->block == NULL)
		return;
	sealing->block->row_count = sealing->tree.leaves;
	BaMerkleRoot(&sealing->tree, sealing->block->root);
	old = MemoryContextSwitchTo(sealing->context);
	sealing->blocks = lappend(sealing->blocks, sealing->block);
	MemoryContextSwitchTo(old);
}

static void
StartBlock(Sealing *sealing, DateADT month, int64 first_audit_id)
{
	FinishBlock(sealing);
	sealing->block = MemoryContextAllocZero(sealing->context, sizeof(BaBlock));
	sealing->block->kind = BA_BLOCK_ROWS;
	sealing->block->month = month;
	sealing->block->first_audit_id = first_audit_id;
	BaMerkleStart(&sealing->tree);
}

/* A row without a hash is sealed as one of no bytes: it stays to be found. */
static bool
AddRow(const BaRow *row, void *state)
{
	Sealing *sealing = state;
	DateADT month = DatumGetDateADT(row->values[0]);
	uint8 hash[BA_DIGEST_LENGTH] = {0};
	bytea *value;

	if (sealing->block == NULL || sealing->block->month != month)
		StartBlock(sealing, month, BaGetLong(row, 1));
	sealing->block->last_audit_id = BaGetLong(row, 1);
	if (!row->nulls[2])
	{
		value = DatumGetByteaPP(row->values[2]);
		memcpy(hash, VARDATA_ANY(value), Min(VARSIZE_ANY_EXHDR(value), BA_DIGEST_LENGTH));
	}
	BaMerkleAdd(&sealing->tree, hash);
	sealing->rows++;
	return true;
}

static Datum
XidArray(const BaXidSet *set)
{
	Datum *values = palloc(sizeof(Datum) * Max(set->count, 1));
	int i;

	for (i = 0; i < set->count; i++)
		values[i] = UInt64GetDatum(set->running[i]);
	return PointerGetDatum(construct_array(values, set->count, XID8OID, sizeof(uint64),
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static void
Parse(const char *snapshot, BaXidSet *seen)
{
	if (!BaXidSetParse(snapshot, seen))
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
						errmsg("the chain of the audit has a snapshot that is none"),
						errhint("Call bestauth.audit_verify().")));
}

/* What a system's blocks have seen so far: nothing, at first. */
static void
FindPrevious(int64 system_id, BaXidSet *previous)
{
	BaArgs args = {0};
	BaRow row;

	BaPutLong(&args, system_id);
	Parse(BaQueryRow(&find_previous, &args, &row) ? BaGetText(&row, 0) : "0:0:",
		  previous);
}

/* Blocks over the rows of one system that the snapshot sees and none before has. */
static int64
SealSystem(int64 system_id, const BaXidSet *previous, const char *snapshot)
{
	Sealing sealing = {0};
	BaArgs args = {0};
	ListCell *cell;

	BaPut(&args, XID8ARRAYOID, XidArray(previous), false);
	BaPut(&args, XID8OID, UInt64GetDatum(previous->xmax), false);
	BaPutLong(&args, system_id);
	BaPutText(&args, snapshot);
	sealing.context = CurrentMemoryContext;
	BaQueryEach(&list_rows, &args, AddRow, &sealing);
	FinishBlock(&sealing);
	foreach (cell, sealing.blocks)
	{
		BaBlock *block = lfirst(cell);

		block->system_id = system_id;
		block->snapshot = snapshot;
		BaBlockAppend(block);
	}
	if (sealing.rows > 0)
		ForceSyncCommit();
	return sealing.rows;
}

/*
 * Rows that came with a restore and were not sealed where they were written: nothing is under
 * way there any more.
 */
static int64
SealForeign(void)
{
	BaArgs args = {0};
	ListCell *cell;
	int64 rows = 0;

	BaPutLong(&args, BaSystemId());
	foreach (cell, BaQueryRows(&list_foreign, &args))
	{
		int64 system_id = BaGetLong(lfirst(cell), 0);
		char *end = BaGetText(lfirst(cell), 1);
		BaXidSet previous;

		FindPrevious(system_id, &previous);
		if (previous.count == 0 && previous.xmax >= strtou64(end, NULL, 10))
			continue;
		if (previous.xmax > strtou64(end, NULL, 10))
			end = psprintf(UINT64_FORMAT, previous.xmax);
		rows += SealSystem(system_id, &previous, psprintf("%s:%s:", end, end));
	}
	return rows;
}

/* Seals what is over; tells how many rows. */
int64
BaSealRun(void)
{
	BaArgs args = {0};
	BaBlock last;
	BaXidSet previous;
	BaRow row;
	int64 rows = 0;
	bool is_ours;

	BaBlockLock();
	(void) GetTopFullTransactionId();
	is_ours = BaBlockLast(&last) && last.system_id == BaSystemId();
	if (!is_ours)
		rows += SealForeign();
	/* Nearly always the last block says it. */
	if (is_ours && last.snapshot != NULL)
		Parse(last.snapshot, &previous);
	else
		FindPrevious(BaSystemId(), &previous);
	BaPut(&args, XID8OID, UInt64GetDatum(previous.xmax), false);
	if (!BaQueryRow(&find_moment, &args, &row))
		elog(ERROR, "there is no snapshot");
	return rows + SealSystem(BaSystemId(), &previous, BaGetText(&row, 0));
}

Datum
bestauth_audit_seal(PG_FUNCTION_ARGS)
{
	(void) BaAccessCaller(fcinfo);
	PreventCommandIfReadOnly("audit_seal()");
	PG_RETURN_INT64(BaSealRun());
}
