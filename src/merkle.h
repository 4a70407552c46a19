/* merkle.h: the root of a Merkle tree, RFC 6962. */
#ifndef BESTAUTH_MERKLE_H
#define BESTAUTH_MERKLE_H

#include "crypto.h"

#define BA_MERKLE_LEVELS 64

/* A tree that leaves are added to: the roots of its full subtrees, by height. */
typedef struct BaMerkle
{
	uint64 leaves;
	uint8 nodes[BA_MERKLE_LEVELS][BA_DIGEST_LENGTH];
} BaMerkle;

extern void BaMerkleStart(BaMerkle *tree);
extern void BaMerkleAdd(BaMerkle *tree, const uint8 *leaf_hash);
extern void BaMerkleRoot(const BaMerkle *tree, uint8 *root);

#endif /* BESTAUTH_MERKLE_H */
