/* xidset.h: which transactions were over: a pg_snapshot, taken apart. */
#ifndef BESTAUTH_XIDSET_H
#define BESTAUTH_XIDSET_H

typedef struct BaXidSet
{
	uint64 xmin;
	uint64 xmax;
	int count;
	uint64 *running; /* ascending */
} BaXidSet;

extern bool BaXidSetParse(const char *text, BaXidSet *set);
extern bool BaXidSetHas(const BaXidSet *set, uint64 xid);

#endif /* BESTAUTH_XIDSET_H */
