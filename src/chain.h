/* chain.h: the chain of blocks as a verifier reads it. */
#ifndef BESTAUTH_CHAIN_H
#define BESTAUTH_CHAIN_H

#include "crypto.h"
#include "nodes/pg_list.h"
#include "utils/date.h"
#include "xidset.h"

/* The first thing that is wrong. */
typedef struct BaVerdict
{
	MemoryContext context; /* of the whole verification */
	bool has_bad_row;
	int64 bad_audit_id;
	int64 bad_block; /* 0 for none */
	char *reason;    /* NULL: nothing found so far */
} BaVerdict;

typedef struct BaChain
{
	BaVerdict *verdict;
	TimestampTz now;
	/* the digest; 0 for none */
	int64 digest_block;
	uint8 digest_hash[BA_DIGEST_LENGTH];
	/* as far as it was read */
	int64 head;
	int64 head_system;
	uint8 head_hash[BA_DIGEST_LENGTH];
	List *systems;
	List *purges;
	List *starts;
} BaChain;

extern bool BaFault(BaVerdict *verdict, int64 block, const char *reason);
extern void BaChainCheck(BaChain *chain);
extern int64 BaChainPurge(const BaChain *chain, DateADT month);
extern bool BaChainSaw(const BaChain *chain, int64 system_id, uint64 xid);
extern const BaXidSet *BaChainBefore(const BaChain *chain, int64 block);

#endif /* BESTAUTH_CHAIN_H */
