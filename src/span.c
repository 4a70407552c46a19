/*
 * span.c
 *	  Which block of a month a row is of: the first of its system that sees its
 *	  transaction.
 *
 * A month may have half a million blocks, so of each is kept what answers this, and
 * no more: some 24 bytes, and four for a transaction that was running.
 */
#include "postgres.h"

#include "span.h"
#include "xidset.h"

typedef struct BaSpan
{
	int64 system_id;
	uint64 upto;   /* sees nothing from here on */
	int64 running; /* where those below that it does not see begin */
} BaSpan;

static void *
Grown(void *array, Size size, int64 room)
{
	return array == NULL ? MemoryContextAllocHuge(CurrentMemoryContext, size * room) :
						   repalloc_huge(array, size * room);
}

/* In the order in which they were made. False if the snapshot is none that can be. */
bool
BaSpansAdd(BaSpans *spans, int64 system_id, const char *snapshot)
{
	BaXidSet seen;
	BaSpan *span;
	int i;

	if (!BaXidSetParse(snapshot, &seen))
		return false;
	if (spans->count == spans->room)
	{
		spans->room = Max(2 * spans->room, 64);
		spans->span = Grown(spans->span, sizeof(BaSpan), spans->room);
	}
	if (spans->running_count + seen.count >= spans->running_room)
	{
		spans->running_room = Max(2 * spans->running_room, seen.count + 64);
		spans->running = Grown(spans->running, sizeof(uint32), spans->running_room);
	}
	span = &spans->span[spans->count++];
	span->system_id = system_id;
	span->upto = seen.xmax;
	span->running = spans->running_count;
	for (i = seen.count - 1; i >= 0; i--)
	{
		if (seen.xmax - seen.running[i] > PG_UINT32_MAX)
			return false;
		spans->running[spans->running_count++] = seen.xmax - seen.running[i];
	}
	pfree(seen.running);
	return true;
}

static bool
Sees(const BaSpans *spans, int at, uint64 xid)
{
	const BaSpan *span = &spans->span[at];
	int64 from = span->running;
	int64 upto = at + 1 < spans->count ? span[1].running : spans->running_count;

	if (xid >= span->upto)
		return false;
	while (from < upto)
	{
		int64 middle = (from + upto) / 2;

		if (spans->running[middle] == span->upto - xid)
			return false;
		if (spans->running[middle] < span->upto - xid)
			from = middle + 1;
		else
			upto = middle;
	}
	return true;
}

/* A transaction that was open over thousands of blocks is looked for in all of these. */
static int
Find(const BaSpans *spans, int64 system_id, uint64 xid)
{
	int from = 0, upto = spans->count;

	while (from < upto)
	{
		int middle = (from + upto) / 2;
		const BaSpan *span = &spans->span[middle];

		if (span->system_id < system_id ||
			(span->system_id == system_id && span->upto <= xid))
			from = middle + 1;
		else
			upto = middle;
	}
	while (from < spans->count && spans->span[from].system_id == system_id)
	{
		if (Sees(spans, from, xid))
			return from;
		from++;
	}
	return -1;
}

/* Which of them, from 0; -1 for none. All have been added. */
int
BaSpansFind(BaSpans *spans, int64 system_id, uint64 xid)
{
	int place = xid % BA_SPAN_ANSWERS;

	if (!spans->answers[place].known || spans->answers[place].xid != xid ||
		spans->answers[place].system_id != system_id)
	{
		spans->answers[place].known = true;
		spans->answers[place].system_id = system_id;
		spans->answers[place].xid = xid;
		spans->answers[place].found = Find(spans, system_id, xid);
	}
	return spans->answers[place].found;
}
