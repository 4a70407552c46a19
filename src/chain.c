/*
 * chain.c
 *	  The chain of blocks as a verifier reads it: whether each follows from the one before,
 *	  says what its hash says, and may say so.
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "block.h"
#include "chain.h"

#define KEEP_MONTHS 72 /* six years */

/* A cluster whose transactions blocks tell of, and its last two sealings. */
typedef struct System
{
	int64 system_id;
	BaXidSet seen; /* by the last */
	List *months;  /* that it made blocks of */
	bool has_before;
	bool keep_before; /* somebody else points there */
	BaXidSet before;
	List *before_months;
} System;

typedef struct Purge
{
	DateADT month;
	int64 block;
} Purge;

/* A block whose month the sealing before made none of, and what that saw. */
typedef struct Start
{
	int64 block;
	BaXidSet before;
} Start;

static BaQuery list_blocks = {
	.sql = "SELECT " BA_BLOCK_COLUMNS " FROM bestauth.audit_block b ORDER BY b.block",
};

/* Keeps the first thing that is wrong. Always false, so that the reading ends. */
bool
BaFault(BaVerdict *verdict, int64 block, const char *reason)
{
	if (verdict->reason == NULL)
	{
		verdict->bad_block = block;
		verdict->reason = MemoryContextStrdup(verdict->context, reason);
	}
	return false;
}

/* ------------------------------------------------------------------- snapshots */

static System *
FindSystem(const BaChain *chain, int64 system_id)
{
	ListCell *cell;

	foreach (cell, chain->systems)
	{
		System *system = lfirst(cell);

		if (system->system_id == system_id)
			return system;
	}
	return NULL;
}

/* What was over once can't be under way again. */
static bool
IsLater(const BaXidSet *later, const BaXidSet *earlier)
{
	int i;

	for (i = 0; i < later->count; i++)
		if (BaXidSetHas(earlier, later->running[i]))
			return false;
	return later->xmax >= earlier->xmax;
}

static bool
IsSame(const BaXidSet *one, const BaXidSet *other)
{
	return one->xmin == other->xmin && one->xmax == other->xmax &&
		   one->count == other->count &&
		   memcmp(one->running, other->running, sizeof(uint64) * one->count) == 0;
}

/* Another sealing: the last one becomes the one before. */
static void
MoveOn(System *system, const BaXidSet *seen)
{
	if (system->has_before && !system->keep_before)
		pfree(system->before.running);
	list_free(system->before_months);
	system->has_before = true;
	system->keep_before = false;
	system->before = system->seen;
	system->before_months = system->months;
	system->seen = *seen;
	system->months = NIL;
}

/*
 * A row is of the first sealing that saw its transaction. Within a month that is plain; a
 * block whose month the sealing before made none of is looked at again, row by row.
 */
static void
NoteStart(BaChain *chain, System *system, const BaBlock *block)
{
	Start *start;

	system->months = lappend_int(system->months, block->month);
	if (!system->has_before || list_member_int(system->before_months, block->month))
		return;
	start = palloc(sizeof(Start));
	start->block = block->block;
	start->before = system->before;
	system->keep_before = true;
	chain->starts = lappend(chain->starts, start);
}

static bool
FollowSnapshot(BaChain *chain, const BaBlock *block)
{
	System *system = FindSystem(chain, block->system_id);
	BaXidSet seen;

	if (!BaXidSetParse(block->snapshot, &seen))
		return false;
	if (system == NULL)
	{
		system = palloc0(sizeof(System));
		system->system_id = block->system_id;
		system->seen = seen;
		chain->systems = lappend(chain->systems, system);
	}
	else if (!IsLater(&seen, &system->seen))
		return false;
	else if (!IsSame(&seen, &system->seen))
		MoveOn(system, &seen);
	else
		pfree(seen.running);
	NoteStart(chain, system, block);
	return true;
}

static bool
CheckSnapshot(BaChain *chain, const BaBlock *block)
{
	MemoryContext old = MemoryContextSwitchTo(chain->verdict->context);
	bool good = FollowSnapshot(chain, block);

	MemoryContextSwitchTo(old);
	return good || BaFault(chain->verdict, block->block,
						   "its snapshot is older than that of a block before");
}

/* ----------------------------------------------------------------------- blocks */

static bool
CheckPurge(BaChain *chain, const BaBlock *block)
{
	MemoryContext old;
	Purge *purge;

	if (block->sealed_at > chain->now + USECS_PER_DAY)
		return BaFault(chain->verdict, block->block,
					   "it says that rows were removed on a day to come");
	if (block->sealed_at < BaBlockMonthStart(block->month, KEEP_MONTHS + 1))
		return BaFault(chain->verdict, block->block,
					   psprintf("it says that %s was removed before six years were over",
								BaBlockMonth(block->month)));
	old = MemoryContextSwitchTo(chain->verdict->context);
	purge = palloc(sizeof(Purge));
	purge->month = block->month;
	purge->block = block->block;
	chain->purges = lappend(chain->purges, purge);
	MemoryContextSwitchTo(old);
	return true;
}

static bool
CheckKind(BaChain *chain, const BaBlock *block)
{
	if (BaChainPurge(chain, block->month) != 0)
		return BaFault(chain->verdict, block->block,
					   psprintf("it is of %s, which an earlier block says was removed",
								BaBlockMonth(block->month)));
	if (strcmp(block->kind, BA_BLOCK_PURGE) == 0 && block->snapshot == NULL)
		return CheckPurge(chain, block);
	if (strcmp(block->kind, BA_BLOCK_ROWS) == 0 && block->snapshot != NULL)
		return CheckSnapshot(chain, block);
	return BaFault(chain->verdict, block->block,
				   psprintf("it is of the kind \"%s\"", block->kind));
}

/* A row of the chain: its number, what it follows, its own hash, what it says. */
static bool
CheckBlock(const BaRow *row, void *state)
{
	BaChain *chain = state;
	int64 expected = chain->head + 1;
	uint8 hash[BA_DIGEST_LENGTH];
	BaBlock block;

	BaBlockOf(row, &block);
	if (block.block < expected)
		return BaFault(chain->verdict, 0,
					   psprintf("there is a block " INT64_FORMAT
								", which is none of the chain",
								block.block));
	if (block.block > expected)
		return BaFault(chain->verdict, expected, "it is missing");
	if (block.format != BA_BLOCK_FORMAT)
		return BaFault(chain->verdict, block.block,
					   psprintf("it has the format %d, which this version does not know",
								block.format));
	if (block.has_previous != (expected > 1) ||
		(expected > 1 && !BaDigestEqual(block.previous_hash, chain->head_hash)))
		return BaFault(chain->verdict, block.block,
					   "it does not follow the block before it");
	BaBlockHash(&block, hash);
	if (!BaDigestEqual(hash, block.block_hash))
		return BaFault(chain->verdict, block.block,
					   "its contents are not those of its hash");
	if (block.block == chain->digest_block && !BaDigestEqual(hash, chain->digest_hash))
		return BaFault(chain->verdict, block.block,
					   "it has another hash than the digest says: the log was rewritten");
	if (BaBlockMonthStart(block.month, 0) != block.month * USECS_PER_DAY)
		return BaFault(chain->verdict, block.block,
					   "its month is not the first day of one");
	chain->head = expected;
	chain->head_system = block.system_id;
	memcpy(chain->head_hash, hash, BA_DIGEST_LENGTH);
	return CheckKind(chain, &block);
}

void
BaChainCheck(BaChain *chain)
{
	BaArgs args = {0};

	BaQueryEach(&list_blocks, &args, CheckBlock, chain);
	if (chain->verdict->reason == NULL && chain->digest_block > chain->head)
		(void) BaFault(
			chain->verdict, chain->digest_block,
			psprintf("the digest names it, and the chain ends at block " INT64_FORMAT
					 ": it was cut, or is an older state of the database",
					 chain->head));
}

/* --------------------------------------------------------------------- questions */

/* The block that says so; 0 if the month was not removed. */
int64
BaChainPurge(const BaChain *chain, DateADT month)
{
	ListCell *cell;

	foreach (cell, chain->purges)
	{
		Purge *purge = lfirst(cell);

		if (purge->month == month)
			return purge->block;
	}
	return 0;
}

/* Was a transaction over when its cluster was sealed last? */
bool
BaChainSaw(const BaChain *chain, int64 system_id, uint64 xid)
{
	System *system = FindSystem(chain, system_id);

	return system != NULL && BaXidSetHas(&system->seen, xid);
}

/* What the sealing before saw, where that has to be asked; else NULL. */
const BaXidSet *
BaChainBefore(const BaChain *chain, int64 block)
{
	ListCell *cell;

	foreach (cell, chain->starts)
	{
		Start *start = lfirst(cell);

		if (start->block == block)
			return &start->before;
	}
	return NULL;
}
