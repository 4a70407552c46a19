/* idset.h: a set of uuids that is asked for every row of a table. */
#ifndef BESTAUTH_IDSET_H
#define BESTAUTH_IDSET_H

#include "utils/array.h"
#include "utils/uuid.h"

/* The parts are in one room, which belongs to whoever built the set. */
typedef struct BaIdSet
{
	int count;
	bool has_zero;        /* the uuid of zeroes, which marks a free slot */
	uint32 mask;          /* slots, less one */
	pg_uuid_t *slots;     /* hash table with open addressing */
	ArrayType *array;     /* the same as SQL sees it, in the order of memcmp() */
	const pg_uuid_t *ids; /* the elements of array */
} BaIdSet;

extern size_t BaIdSetRoom(int count);
extern void BaIdSetBuild(BaIdSet *set, void *room, const pg_uuid_t *ids, int count);
extern void BaIdSetFromArray(BaIdSet *set, Datum array);
extern Datum BaIdSetArray(const BaIdSet *set);

static inline uint32
BaIdHash(const pg_uuid_t *id)
{
	uint64 halves[2];
	uint64 mixed;

	memcpy(halves, id->data, sizeof(halves));
	mixed = (halves[0] ^ (halves[1] << 1 | halves[1] >> 63)) *
			UINT64CONST(0x9E3779B97F4A7C15);
	return (uint32) (mixed >> 32);
}

static inline bool
BaIdSetHas(const BaIdSet *set, const pg_uuid_t *id)
{
	static const pg_uuid_t zero;
	uint32 slot;

	for (slot = BaIdHash(id) & set->mask;; slot = (slot + 1) & set->mask)
	{
		if (memcmp(&set->slots[slot], id, UUID_LEN) == 0)
			return set->has_zero || memcmp(id, &zero, UUID_LEN) != 0;
		if (memcmp(&set->slots[slot], &zero, UUID_LEN) == 0)
			return set->has_zero && memcmp(id, &zero, UUID_LEN) == 0;
	}
}

#endif /* BESTAUTH_IDSET_H */
