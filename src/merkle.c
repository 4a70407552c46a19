/*
 * merkle.c
 *	  The root of a Merkle tree as in RFC 6962, of leaves that come one by one. What
 *	  is kept is a hash for each full subtree, so a tree of any size takes two
 *	  kilobytes.
 */
#include "postgres.h"

#include "merkle.h"

#define NODE 0x01 /* in front of an inner node; a leaf has 0x00 */

static void
Join(const uint8 *left, const uint8 *right, uint8 *to)
{
	uint8 node[1 + 2 * BA_DIGEST_LENGTH];

	node[0] = NODE;
	memcpy(node + 1, left, BA_DIGEST_LENGTH);
	memcpy(node + 1 + BA_DIGEST_LENGTH, right, BA_DIGEST_LENGTH);
	BaSha256(node, sizeof(node), to);
}

void
BaMerkleStart(BaMerkle *tree)
{
	tree->leaves = 0;
}

/* Full subtrees of one height become one of the next. */
void
BaMerkleAdd(BaMerkle *tree, const uint8 *leaf_hash)
{
	uint8 node[BA_DIGEST_LENGTH];
	int level = 0;
	uint64 left;

	memcpy(node, leaf_hash, BA_DIGEST_LENGTH);
	for (left = tree->leaves; left & 1; left >>= 1)
		Join(tree->nodes[level++], node, node);
	memcpy(tree->nodes[level], node, BA_DIGEST_LENGTH);
	tree->leaves++;
}

/* Of one leaf or more. The smaller subtrees are to the right. */
void
BaMerkleRoot(const BaMerkle *tree, uint8 *root)
{
	bool some = false;
	int level;

	Assert(tree->leaves > 0);
	for (level = 0; level < BA_MERKLE_LEVELS; level++)
	{
		if ((tree->leaves & (UINT64CONST(1) << level)) == 0)
			continue;
		if (some)
			Join(tree->nodes[level], root, root);
		else
			memcpy(root, tree->nodes[level], BA_DIGEST_LENGTH);
		some = true;
	}
}
