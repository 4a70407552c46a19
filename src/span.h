/* span.h: which block of a month a row is of. */
#ifndef BESTAUTH_SPAN_H
#define BESTAUTH_SPAN_H

#define BA_SPAN_ANSWERS 1024

/* What the blocks of a month see, system by system, each system's in their order. */
typedef struct BaSpans
{
	int count;
	int room;
	struct BaSpan *span;
	int64 running_count;
	int64 running_room;
	uint32 *running; /* how far below its block's end, ascending block by block */
	/* what was asked last, by the transaction's number */
	struct
	{
		bool known;
		int64 system_id;
		uint64 xid;
		int found;
	} answers[BA_SPAN_ANSWERS];
} BaSpans;

extern bool BaSpansAdd(BaSpans *spans, int64 system_id, const char *snapshot);
extern int BaSpansFind(BaSpans *spans, int64 system_id, uint64 xid);

#endif /* BESTAUTH_SPAN_H */
