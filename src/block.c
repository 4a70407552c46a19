/*
 * block.c
 *	  The chain of blocks that seal the audit: docs/sealing.md, to the byte.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/datetime.h"

#include "block.h"
#include "compat.h"

#define BLOCK 0x02 /* in front of a block; leaves and nodes have 0x00 and 0x01 */
#define LOCK_SPACE 0x62617574 /* "baut" */
#define LOCK_KIND 4           /* that of slot.c is 3 */

typedef enum Tag
{
	TAG_NUMBER = 1,
	TAG_KIND,
	TAG_MONTH,
	TAG_SYSTEM_ID,
	TAG_SNAPSHOT,
	TAG_ROW_COUNT,
	TAG_FIRST_ID,
	TAG_LAST_ID,
	TAG_ROOT,
	TAG_SEALED_AT,
	TAG_PREVIOUS_HASH
} Tag;

static BaQuery find_last = {
	.sql = "SELECT " BA_BLOCK_COLUMNS
		   " FROM bestauth.audit_block b ORDER BY b.block DESC LIMIT 1",
	.latest = true,
};

static BaQuery insert_block = {
	.sql =
		"INSERT INTO bestauth.audit_block (block, format, kind, month, system_id, snapshot, row_count,"
		" first_audit_id, last_audit_id, root, sealed_at, previous_hash, block_hash)"
		" VALUES ($1, $2, $3, $4, $5, $6::pg_snapshot, $7, $8, $9, $10, $11, $12, $13)",
};

#define LAST_PURGE \
	"SELECT coalesce(max(block), 0) FROM bestauth.audit_block WHERE kind = 'purge'"

static BaQuery find_purge = {.sql = LAST_PURGE};
static BaQuery find_purge_now = {.sql = LAST_PURGE, .latest = true};

static bool writing = false;

/* For the guard, which refuses everybody else's rows. */
bool
BaBlockIsWriting(void)
{
	return writing;
}

/*
 * One at a time adds to the chain, to the end of the transaction. Nobody who writes audit
 * rows or reads the chain minds, and nobody can take it by SQL.
 */
void
BaBlockLock(void)
{
	LOCKTAG tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, LOCK_SPACE, 0, LOCK_KIND);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
}

/* -------------------------------------------------------------------- the hash */

char *
BaBlockMonth(DateADT month)
{
	int year, number, day;

	j2date(month + POSTGRES_EPOCH_JDATE, &year, &number, &day);
	return psprintf("%04d-%02d", year, number);
}

/* When a month begins, in UTC; or one that comes so many months later. */
TimestampTz
BaBlockMonthStart(DateADT month, int later)
{
	int year, number, day;

	j2date(month + POSTGRES_EPOCH_JDATE, &year, &number, &day);
	number += later - 1;
	return (TimestampTz) (date2j(year + number / 12, number % 12 + 1, 1) -
						  POSTGRES_EPOCH_JDATE) *
		   USECS_PER_DAY;
}

static void
PutLong(StringInfo to, Tag tag, int64 value)
{
	pq_sendint8(to, tag);
	pq_sendint32(to, sizeof(value));
	pq_sendint64(to, value);
}

static void
PutBytes(StringInfo to, Tag tag, const void *bytes, int length)
{
	pq_sendint8(to, tag);
	pq_sendint32(to, length);
	appendBinaryStringInfo(to, bytes, length);
}

static void
PutWords(StringInfo to, Tag tag, const char *words)
{
	PutBytes(to, tag, words, strlen(words));
}

void
BaBlockHash(const BaBlock *block, uint8 *hash)
{
	StringInfoData data;

	initStringInfo(&data);
	pq_sendint8(&data, BLOCK);
	pq_sendint16(&data, block->format);
	PutLong(&data, TAG_NUMBER, block->block);
	PutWords(&data, TAG_KIND, block->kind);
	PutWords(&data, TAG_MONTH, BaBlockMonth(block->month));
	PutLong(&data, TAG_SYSTEM_ID, block->system_id);
	if (block->snapshot != NULL)
		PutWords(&data, TAG_SNAPSHOT, block->snapshot);
	PutLong(&data, TAG_ROW_COUNT, block->row_count);
	if (block->snapshot != NULL)
	{
		PutLong(&data, TAG_FIRST_ID, block->first_audit_id);
		PutLong(&data, TAG_LAST_ID, block->last_audit_id);
		PutBytes(&data, TAG_ROOT, block->root, BA_DIGEST_LENGTH);
	}
	PutLong(&data, TAG_SEALED_AT, block->sealed_at);
	if (block->has_previous)
		PutBytes(&data, TAG_PREVIOUS_HASH, block->previous_hash, BA_DIGEST_LENGTH);
	BaSha256(data.data, data.len, hash);
	pfree(data.data);
}

/* ------------------------------------------------------------------- the table */

/* A hash of another length is none, and differs from every other. */
static bool
GetHash(const BaRow *row, int column, uint8 *hash)
{
	bytea *value;

	memset(hash, 0, BA_DIGEST_LENGTH);
	if (row->nulls[column])
		return false;
	value = DatumGetByteaPP(row->values[column]);
	if (VARSIZE_ANY_EXHDR(value) == BA_DIGEST_LENGTH)
		memcpy(hash, VARDATA_ANY(value), BA_DIGEST_LENGTH);
	return true;
}

void
BaBlockOf(const BaRow *row, BaBlock *block)
{
	block->block = BaGetLong(row, 0);
	block->format = DatumGetInt16(row->values[1]);
	block->kind = BaGetText(row, 2);
	block->month = DatumGetDateADT(row->values[3]);
	block->system_id = BaGetLong(row, 4);
	block->snapshot = BaGetText(row, 5);
	block->row_count = BaGetLong(row, 6);
	block->first_audit_id = BaGetLong(row, 7);
	block->last_audit_id = BaGetLong(row, 8);
	(void) GetHash(row, 9, block->root);
	block->sealed_at = BaGetTime(row, 10);
	block->has_previous = GetHash(row, 11, block->previous_hash);
	(void) GetHash(row, 12, block->block_hash);
}

/* The head of the chain; false if there is none. */
bool
BaBlockLast(BaBlock *block)
{
	BaArgs args = {0};
	BaRow row;

	if (!BaQueryRow(&find_last, &args, &row))
		return false;
	BaBlockOf(&row, block);
	return true;
}

static void
PutHash(BaArgs *args, const uint8 *hash, bool some)
{
	bytea *value = palloc(VARHDRSZ + BA_DIGEST_LENGTH);

	SET_VARSIZE(value, VARHDRSZ + BA_DIGEST_LENGTH);
	memcpy(VARDATA(value), hash, BA_DIGEST_LENGTH);
	BaPut(args, BYTEAOID, PointerGetDatum(value), !some);
}

static void
Insert(const BaBlock *block)
{
	bool covers = block->snapshot != NULL;
	BaArgs args = {0};

	BaPutLong(&args, block->block);
	BaPut(&args, INT2OID, Int16GetDatum(block->format), false);
	BaPutText(&args, block->kind);
	BaPut(&args, DATEOID, DateADTGetDatum(block->month), false);
	BaPutLong(&args, block->system_id);
	BaPutText(&args, block->snapshot);
	BaPutLong(&args, block->row_count);
	BaPut(&args, INT8OID, Int64GetDatum(block->first_audit_id), !covers);
	BaPut(&args, INT8OID, Int64GetDatum(block->last_audit_id), !covers);
	PutHash(&args, block->root, covers);
	BaPut(&args, TIMESTAMPTZOID, TimestampTzGetDatum(block->sealed_at), false);
	PutHash(&args, block->previous_hash, block->has_previous);
	PutHash(&args, block->block_hash, true);
	writing = true;
	PG_TRY();
	{
		(void) BaQueryExec(&insert_block, &args);
	}
	PG_FINALLY();
	{
		writing = false;
	}
	PG_END_TRY();
}

/* Puts a block at the head: its number, moment and hashes come from here. Under the lock. */
void
BaBlockAppend(BaBlock *block)
{
	BaBlock last;

	block->has_previous = BaBlockLast(&last);
	block->block = 1;
	if (block->has_previous)
	{
		block->block = last.block + 1;
		memcpy(block->previous_hash, last.block_hash, BA_DIGEST_LENGTH);
	}
	block->format = BA_BLOCK_FORMAT;
	block->sealed_at = GetCurrentTimestamp();
	BaBlockHash(block, block->block_hash);
	Insert(block);
}

static bool
TakeNumber(const BaRow *row, void *state)
{
	*(int64 *) state = BaGetLong(row, 0);
	return false;
}

/*
 * A month that goes is gone at once for everybody, the block that says so comes with the next
 * snapshot: who has an older one would find rows missing. Raises if that can be.
 */
void
BaBlockCheckPurges(void)
{
	BaArgs args = {0};
	int64 seen = 0;
	BaRow row;

	BaQueryEach(&find_purge, &args, TakeNumber, &seen);
	if (BaQueryRow(&find_purge_now, &args, &row) && BaGetLong(&row, 0) > seen)
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("months were removed from the audit while it was read"),
						errdetail("Block " INT64_FORMAT " says so.", BaGetLong(&row, 0)),
						errhint("Try again, in a new transaction.")));
}
