/* block.h: the chain of blocks that seal the audit. */
#ifndef BESTAUTH_BLOCK_H
#define BESTAUTH_BLOCK_H

#include "crypto.h"
#include "query.h"
#include "utils/date.h"

#define BA_BLOCK_FORMAT 1
#define BA_BLOCK_ROWS "rows"
#define BA_BLOCK_PURGE "purge"

/* A row of audit_block. */
typedef struct BaBlock
{
	int64 block;
	int format;
	const char *kind;
	DateADT month; /* its first day */
	int64 system_id;
	const char *snapshot; /* NULL of a purge, which has no audit_ids and no root either */
	int64 row_count;
	int64 first_audit_id;
	int64 last_audit_id;
	uint8 root[BA_DIGEST_LENGTH];
	TimestampTz sealed_at;
	bool has_previous;
	uint8 previous_hash[BA_DIGEST_LENGTH];
	uint8 block_hash[BA_DIGEST_LENGTH];
} BaBlock;

/* The columns of a query, in the order that BaBlockOf() reads them in. */
#define BA_BLOCK_COLUMNS \
	"b.block, b.format, coalesce(b.kind, ''), b.month, b.system_id, b.snapshot::text, b.row_count," \
	" b.first_audit_id, b.last_audit_id, b.root, b.sealed_at, b.previous_hash, b.block_hash"

extern bool BaBlockIsWriting(void);
extern void BaBlockLock(void);
extern void BaBlockOf(const BaRow *row, BaBlock *block);
extern void BaBlockHash(const BaBlock *block, uint8 *hash);
extern bool BaBlockLast(BaBlock *block);
extern void BaBlockAppend(BaBlock *block);
extern char *BaBlockMonth(DateADT month);
extern TimestampTz BaBlockMonthStart(DateADT month, int later);
extern void BaBlockCheckPurges(void);

#endif /* BESTAUTH_BLOCK_H */
