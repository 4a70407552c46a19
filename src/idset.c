/*
 * idset.c
 *	  A set of uuids that is asked for every row of a table: a hash table with open
 *	  addressing, half of it free, and beside it the array that SQL is shown.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "idset.h"

/* At least twice as many slots as ids; a power of two. */
static uint32
Slots(int count)
{
	uint32 slots = 2;

	while (slots < 2 * (uint32) count)
		slots *= 2;
	return slots;
}

static size_t
ArraySize(int count)
{
	return MAXALIGN(ARR_OVERHEAD_NONULLS(count > 0 ? 1 : 0) + sizeof(pg_uuid_t) * count);
}

/* How much room the parts of such a set take. */
size_t
BaIdSetRoom(int count)
{
	return ArraySize(count) + sizeof(pg_uuid_t) * Slots(count);
}

static void
Add(BaIdSet *set, const pg_uuid_t *id)
{
	static const pg_uuid_t zero;
	uint32 slot = BaIdHash(id) & set->mask;

	if (memcmp(id, &zero, UUID_LEN) == 0)
	{
		set->has_zero = true;
		return;
	}
	while (memcmp(&set->slots[slot], &zero, UUID_LEN) != 0)
		slot = (slot + 1) & set->mask;
	set->slots[slot] = *id;
}

/* The ids are in the order of memcmp(), none of them twice; room is BaIdSetRoom() large. */
void
BaIdSetBuild(BaIdSet *set, void *room, const pg_uuid_t *ids, int count)
{
	ArrayType *array = room;
	int i;

	memset(room, 0, BaIdSetRoom(count));
	SET_VARSIZE(array,
				ARR_OVERHEAD_NONULLS(count > 0 ? 1 : 0) + sizeof(pg_uuid_t) * count);
	array->ndim = count > 0 ? 1 : 0;
	array->elemtype = UUIDOID;
	if (count > 0)
	{
		ARR_DIMS(array)[0] = count;
		ARR_LBOUND(array)[0] = 1;
		memcpy(ARR_DATA_PTR(array), ids, sizeof(pg_uuid_t) * count);
	}
	set->count = count;
	set->has_zero = false;
	set->mask = Slots(count) - 1;
	set->array = array;
	set->ids = (pg_uuid_t *) ARR_DATA_PTR(array);
	set->slots = (pg_uuid_t *) ((char *) room + ArraySize(count));
	for (i = 0; i < count; i++)
		Add(set, &ids[i]);
}

/* From a uuid array without NULLs, in that order; the room is palloc'd. */
void
BaIdSetFromArray(BaIdSet *set, Datum array)
{
	ArrayType *from = DatumGetArrayTypeP(array);
	int count = ArrayGetNItems(ARR_NDIM(from), ARR_DIMS(from));

	Assert(ARR_ELEMTYPE(from) == UUIDOID && !ARR_HASNULL(from));
	BaIdSetBuild(set, palloc(BaIdSetRoom(count)), (pg_uuid_t *) ARR_DATA_PTR(from),
				 count);
}

/* A copy, for SQL to keep. */
Datum
BaIdSetArray(const BaIdSet *set)
{
	ArrayType *copy = palloc(VARSIZE(set->array));

	memcpy(copy, set->array, VARSIZE(set->array));
	return PointerGetDatum(copy);
}
