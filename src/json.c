/*
 * json.c
 *	  Building a flat jsonb object, key by key, where a NULL text leaves its key out;
 *	  reading the members of one; and what any jsonb takes as text.
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "compat.h"
#include "json.h"

#define DIGITS_MAX 1000 /* of a number in json: jsonb has a limit */

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

/* ------------------------------------------------------------------------- reading */

/* The code of an escape's four hexadecimal digits, which json has checked. */
static long
EscapeCode(const char *digits)
{
	char code[5] = {0};

	memcpy(code, digits, 4);
	return strtol(code, NULL, 16);
}

static bool
IsIn(long code, long first, long last)
{
	return code >= first && code <= last;
}

/*
 * Can jsonb hold it for certain? It takes no NUL and no half of a surrogate pair, and has a
 * limit to numbers; json takes all of them.
 */
bool
BaJsonIsPlain(const char *c)
{
	bool quoted = false;
	bool half = false;
	int digits = 0;

	for (; *c != '\0'; c++)
	{
		/* The second half of a pair is where a first one wants it, and nowhere else. */
		if (half != (quoted && *c == '\\' && c[1] == 'u' &&
					 IsIn(EscapeCode(c + 2), 0xDC00, 0xDFFF)))
			return false;
		half = false;
		if (*c == '"')
			quoted = !quoted;
		else if (quoted && *c == '\\')
		{
			long code = c[1] == 'u' ? EscapeCode(c + 2) : 'x';

			if (code == 0)
				return false;
			half = IsIn(code, 0xD800, 0xDBFF);
			c += c[1] == 'u' ? 5 : 1;
		}
		if (quoted)
			continue;
		if (digits > DIGITS_MAX || (digits > 0 && (*c == 'e' || *c == 'E')))
			return false;
		digits = isdigit((unsigned char) *c) ? digits + 1 : 0;
	}
	return true;
}

/* NULL for what is no JSON, or has what jsonb does not take: no error is raised. */
Jsonb *
BaJsonParse(const char *words)
{
	if (!pg_verify_mbstr(PG_UTF8, words, strlen(words), true) || !BaJsonIsValid(words) ||
		!BaJsonIsPlain(words))
		return NULL;
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(words)));
}

/* NULL where there is no such member, or the whole is no object. */
JsonbValue *
BaJsonGet(Jsonb *object, const char *key, JsonbValue *value)
{
	if (!JB_ROOT_IS_OBJECT(object))
		return NULL;
	return getKeyJsonValueFromContainer(&object->root, key, strlen(key), value);
}

/* NULL where it is no string. */
char *
BaJsonGetText(Jsonb *object, const char *key)
{
	JsonbValue value;

	if (BaJsonGet(object, key, &value) == NULL || value.type != jbvString)
		return NULL;
	return pnstrdup(value.val.string.val, value.val.string.len);
}

bool
BaJsonGetNumber(Jsonb *object, const char *key, double *number)
{
	JsonbValue value;

	if (BaJsonGet(object, key, &value) == NULL || value.type != jbvNumeric)
		return false;
	*number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
												 NumericGetDatum(value.val.numeric)));
	return true;
}
