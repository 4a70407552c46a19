/*
 * json.c
 *	  Building a flat jsonb object, key by key, where a NULL text leaves its key out; and
 *	  what any jsonb takes as text.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"

#include "json.h"

void
BaJsonStart(BaJson *json)
{
	json->state = NULL;
	json->keys = 0;
	pushJsonbValue(&json->state, WJB_BEGIN_OBJECT, NULL);
}

static void
SetString(JsonbValue *v, const char *text)
{
	v->type = jbvString;
	v->val.string.val = pstrdup(text);
	v->val.string.len = strlen(text);
}

static void
PushKey(BaJson *json, const char *key)
{
	JsonbValue v;

	SetString(&v, key);
	pushJsonbValue(&json->state, WJB_KEY, &v);
	json->keys++;
}

void
BaJsonText(BaJson *json, const char *key, const char *value)
{
	JsonbValue v;

	if (value == NULL)
		return;
	PushKey(json, key);
	SetString(&v, value);
	pushJsonbValue(&json->state, WJB_VALUE, &v);
}

void
BaJsonTexts(BaJson *json, const char *key, char **items, int count)
{
	JsonbValue v;
	int i;

	PushKey(json, key);
	pushJsonbValue(&json->state, WJB_BEGIN_ARRAY, NULL);
	for (i = 0; i < count; i++)
	{
		SetString(&v, items[i]);
		pushJsonbValue(&json->state, WJB_ELEM, &v);
	}
	pushJsonbValue(&json->state, WJB_END_ARRAY, NULL);
}

/* Any SQL value, as to_jsonb() writes it. */
void
BaJsonDatum(BaJson *json, const char *key, Datum value, bool isnull, Oid type)
{
	FmgrInfo to_jsonb;
	List *args;
	Jsonb *jsonb;
	JsonbValue v;

	PushKey(json, key);
	if (isnull)
	{
		v.type = jbvNull;
		pushJsonbValue(&json->state, WJB_VALUE, &v);
		return;
	}
	/* to_jsonb() asks its call expression for the type of its argument. */
	args = list_make1(makeNullConst(type, -1, InvalidOid));
	fmgr_info(F_TO_JSONB, &to_jsonb);
	fmgr_info_set_expr((Node *) makeFuncExpr(F_TO_JSONB, JSONBOID, args, InvalidOid,
											 InvalidOid, COERCE_EXPLICIT_CALL),
					   &to_jsonb);
	jsonb = DatumGetJsonbP(FunctionCall1(&to_jsonb, value));
	if (JB_ROOT_IS_SCALAR(jsonb))
		(void) JsonbExtractScalar(&jsonb->root, &v);
	else
	{
		v.type = jbvBinary;
		v.val.binary.data = &jsonb->root;
		v.val.binary.len = VARSIZE(jsonb) - VARHDRSZ;
	}
	pushJsonbValue(&json->state, WJB_VALUE, &v);
}

/* The object, or NULL when nothing was put in. */
Jsonb *
BaJsonFinish(BaJson *json)
{
	JsonbValue *object = pushJsonbValue(&json->state, WJB_END_OBJECT, NULL);

	return json->keys == 0 ? NULL : JsonbValueToJsonb(object);
}

/*
 * The characters of what it prints, without signs between them: of a number of a few bytes
 * there may be a hundred thousand. Stops as soon as there are more than enough.
 */
int64
BaJsonTextSize(Jsonb *jsonb, int64 enough)
{
	JsonbIterator *it = JsonbIteratorInit(&jsonb->root);
	JsonbIteratorToken token;
	int64 size = 0;
	JsonbValue v;

	while (size <= enough && (token = JsonbIteratorNext(&it, &v, false)) != WJB_DONE)
	{
		if (token != WJB_KEY && token != WJB_VALUE && token != WJB_ELEM)
			continue;
		if (v.type == jbvString)
			size += v.val.string.len;
		else if (v.type == jbvNumeric)
		{
			char *digits = DatumGetCString(
				DirectFunctionCall1(numeric_out, NumericGetDatum(v.val.numeric)));

			size += strlen(digits);
			pfree(digits);
		}
	}
	return size;
}
