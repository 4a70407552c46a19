/*
 * row_change.c
 *	  What changed in a row, as two flat jsonb objects: the old values of the changed
 *	  columns and the new ones.
 *
 * What can be known of a table beforehand is known from its plan: which columns, in the
 * order that jsonb has its keys in, and how the values of each type are written.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"

#include "compat.h"
#include "row_change.h"
#include "row_value.h"

#define KEY_MAX 8192 /* bytes of a value, also as text */

struct BaRowPlan
{
	int count;
	BaValueColumn *columns; /* in the order of jsonb's keys */
	int keys;
	int *key_places;
	bool *key_varies; /* in length */
	FmgrInfo *key_outputs;
	bool needs_settings;
	bool hide_all;
};

/* -------------------------------------------------------------------- the plan */

/* As jsonb orders its keys. */
static int
CompareColumns(const void *a, const void *b)
{
	const BaValueColumn *one = a;
	const BaValueColumn *other = b;

	if (one->name_length != other->name_length)
		return one->name_length - other->name_length;
	return memcmp(one->name, other->name, one->name_length);
}

static int
PlaceOf(TupleDesc tupdesc, const char *name)
{
	int i;

	for (i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(tupdesc, i);

		if (!att->attisdropped && strcmp(NameStr(att->attname), name) == 0)
			return i;
	}
	return -1;
}

static int
ReadTexts(const char *list, Datum **texts)
{
	Datum array = OidInputFunctionCall(F_ARRAY_IN, pstrdup(list), TEXTOID, -1);
	int count;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, texts,
					  NULL, &count);
	return count;
}

/* Sets the flag of each column that is listed; false if one is not there any more. */
static bool
MarkListed(TupleDesc tupdesc, const char *list, bool *marked)
{
	Datum *names;
	bool all = true;
	int count, i;

	count = ReadTexts(list, &names);
	for (i = 0; i < count; i++)
	{
		int place = PlaceOf(tupdesc, TextDatumGetCString(names[i]));

		if (place < 0)
			all = false;
		else
			marked[place] = true;
	}
	return all;
}

static void
PrepareKey(BaRowPlan *plan, TupleDesc tupdesc, const char *key)
{
	Datum *names;
	int count, i;

	count = ReadTexts(key, &names);
	plan->key_places = palloc(sizeof(int) * Max(count, 1));
	plan->key_varies = palloc(sizeof(bool) * Max(count, 1));
	plan->key_outputs = palloc(sizeof(FmgrInfo) * Max(count, 1));
	plan->keys = 0;
	for (i = 0; i < count; i++)
	{
		int place = PlaceOf(tupdesc, TextDatumGetCString(names[i]));
		Oid type;

		if (place < 0)
			continue;
		type = TupleDescAttr(tupdesc, place)->atttypid;
		plan->key_places[plan->keys] = place;
		plan->key_varies[plan->keys] = TupleDescAttr(tupdesc, place)->attlen == -1;
		BaValueOutputInit(&plan->key_outputs[plan->keys], type);
		plan->needs_settings |= !BaValuePrintsAlike(type);
		plan->keys++;
	}
}

/*
 * In the current memory context. A column that is listed as secret or left out and is not
 * there was renamed, perhaps: then no value is shown at all, until somebody sets it right.
 */
BaRowPlan *
BaRowPlanMake(TupleDesc tupdesc, const char *key, const char *hidden, const char *ignored)
{
	BaRowPlan *plan = palloc0(sizeof(BaRowPlan));
	bool *is_hidden = palloc0(sizeof(bool) * Max(tupdesc->natts, 1));
	bool *is_ignored = palloc0(sizeof(bool) * Max(tupdesc->natts, 1));
	int i;

	plan->hide_all = !MarkListed(tupdesc, hidden, is_hidden);
	if (!MarkListed(tupdesc, ignored, is_ignored))
		plan->hide_all = true;
	plan->columns = palloc0(sizeof(BaValueColumn) * Max(tupdesc->natts, 1));
	for (i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(tupdesc, i);
		BaValueColumn *column = &plan->columns[plan->count];

		if (att->attisdropped || is_ignored[i] || BaAttributeIsVirtual(att))
			continue;
		BaValueColumnInit(column, att, i);
		column->hidden = is_hidden[i] || plan->hide_all;
		plan->needs_settings |= column->kind >= BA_VALUE_PRINTED && !column->hidden;
		plan->count++;
	}
	qsort(plan->columns, plan->count, sizeof(BaValueColumn), CompareColumns);
	PrepareKey(plan, tupdesc, key);
	return plan;
}

/*
 * Around the looking at rows: types that print by a setting print alike for everybody.
 * Returns what BaRowPlanEnd() is to be given.
 */
int
BaRowPlanBegin(const BaRowPlan *plan)
{
	return plan->needs_settings ? BaValueSettings() : 0;
}

void
BaRowPlanEnd(int level)
{
	if (level != 0)
		AtEOXact_GUC(true, level);
}

/* ------------------------------------------------------------------- changes */

static void
SetPair(JsonbPair *pair, BaValueColumn *column, TupleTableSlot *row, int64 *room)
{
	BaValueText(&pair->key, column->name, column->name_length);
	pair->order = 0;
	if (row->tts_isnull[column->place])
		pair->value.type = jbvNull;
	else
		BaValueSet(&pair->value, column, row->tts_values[column->place], room);
}

/* What is stored out of line and was not touched is known by its pointer. */
static bool
IsSameValue(const BaValueColumn *column, Datum one, Datum other)
{
	struct varlena *a, *b;

	if (column->by_value)
		return one == other;
	if (column->length == -1)
	{
		a = (struct varlena *) DatumGetPointer(one);
		b = (struct varlena *) DatumGetPointer(other);
		if (VARATT_IS_EXTERNAL_ONDISK(a) && VARATT_IS_EXTERNAL_ONDISK(b))
			if (memcmp(a, b, VARSIZE_EXTERNAL(a)) == 0)
				return true;
	}
	return datum_image_eq(one, other, false, column->length);
}

static bool
IsSame(const BaValueColumn *column, TupleTableSlot *one, TupleTableSlot *other)
{
	bool null = one->tts_isnull[column->place];

	if (null || other->tts_isnull[column->place])
		return null == other->tts_isnull[column->place];
	return IsSameValue(column, one->tts_values[column->place],
					   other->tts_values[column->place]);
}

/* With values that have values in them: key by key. */
static JsonbValue *
PushObject(JsonbPair *pairs, int count)
{
	JsonbParseState *state = NULL;
	int i;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (i = 0; i < count; i++)
	{
		pushJsonbValue(&state, WJB_KEY, &pairs[i].key);
		pushJsonbValue(&state, WJB_VALUE, &pairs[i].value);
	}
	return pushJsonbValue(&state, WJB_END_OBJECT, NULL);
}

static Jsonb *
MakeObject(JsonbPair *pairs, int count)
{
	JsonbValue object;
	int i;

	if (count == 0)
		return NULL;
	for (i = 0; i < count; i++)
		if (pairs[i].value.type == jbvBinary)
			return JsonbValueToJsonb(PushObject(pairs, count));
	object.type = jbvObject;
	object.val.object.nPairs = count;
	object.val.object.pairs = pairs;
	return JsonbValueToJsonb(&object);
}

/*
 * The changed columns, or all of a row that is new or gone (the other one is NULL then).
 * False for no change. What is needed on the way is of this call alone: a cast to json is a
 * function of somebody's, which may change rows of the same table.
 */
bool
BaRowChange(BaRowPlan *plan, TupleTableSlot *old_row, TupleTableSlot *new_row,
			Jsonb **old_values, Jsonb **new_values)
{
	JsonbPair *old_pairs = palloc(sizeof(JsonbPair) * (plan->count + 1));
	JsonbPair *new_pairs = palloc(sizeof(JsonbPair) * (plan->count + 1));
	int64 old_room = BA_ROW_VALUES_MAX, new_room = BA_ROW_VALUES_MAX;
	int count = 0;
	int i;

	if (old_row != NULL)
		slot_getallattrs(old_row);
	if (new_row != NULL)
		slot_getallattrs(new_row);
	for (i = 0; i < plan->count; i++)
	{
		BaValueColumn *column = &plan->columns[i];

		if (old_row != NULL && new_row != NULL && IsSame(column, old_row, new_row))
			continue;
		if (old_row != NULL)
			SetPair(&old_pairs[count], column, old_row, &old_room);
		if (new_row != NULL)
			SetPair(&new_pairs[count], column, new_row, &new_room);
		count++;
	}
	*old_values = old_row == NULL ? NULL : MakeObject(old_pairs, count);
	*new_values = new_row == NULL ? NULL : MakeObject(new_pairs, count);
	return count > 0 || old_row == NULL || new_row == NULL;
}

/* One that is too long to be an identifier is known by its hash. */
static char *
KeyText(BaRowPlan *plan, int i, Datum value)
{
	bool varies = plan->key_varies[i];
	char *words = NULL;

	if (!varies || toast_raw_datum_size(value) <= KEY_MAX)
		words = OutputFunctionCall(&plan->key_outputs[i], value);
	return words != NULL && (!varies || strlen(words) <= KEY_MAX) ? words :
																	BaValueDigest(value);
}

/* The values of the key, with commas between them; NULL of a table without. */
char *
BaRowKey(BaRowPlan *plan, TupleTableSlot *row)
{
	StringInfoData key;
	int i;

	if (plan->keys == 0)
		return NULL;
	initStringInfo(&key);
	for (i = 0; i < plan->keys; i++)
	{
		bool isnull;
		Datum value = slot_getattr(row, plan->key_places[i] + 1, &isnull);

		if (i > 0)
			appendStringInfoChar(&key, ',');
		if (!isnull)
			appendStringInfoString(&key, KeyText(plan, i, value));
	}
	return key.data;
}
