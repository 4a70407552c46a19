/*
 * args.c
 *	  Checks of arguments: each message is written once, names the argument and
 *	  the value at fault, and never shows a secret.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "args.h"
#include "bestauth.h"
#include "compat.h"

/* Where the first control character stands, of ASCII or C1; NULL if there is none. */
char *
BaTextControl(char *value)
{
	unsigned char *c;

	for (c = (unsigned char *) value; *c; c++)
		if (*c < 0x20 || *c == 0x7f || (c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f))
			return (char *) c;
	return NULL;
}

static void
CheckControl(char *value, const char *name)
{
	if (BaTextControl(value) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not contain control characters", name)));
}

/* The argument as a C string, or NULL; too long or empty is an error. */
char *
BaArgTextOrNull(FunctionCallInfo fcinfo, int n, const char *name, int max_bytes)
{
	text *value;
	char *result;

	if (n >= PG_NARGS() || PG_ARGISNULL(n))
		return NULL;
	value = PG_GETARG_TEXT_PP(n);
	if (VARSIZE_ANY_EXHDR(value) > max_bytes)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" is too long", name),
						errdetail("It has %zu bytes, at most %d are allowed.",
								  (size_t) VARSIZE_ANY_EXHDR(value), max_bytes)));
	result = text_to_cstring(value);
	CheckControl(result, name);
	return result;
}

char *
BaArgText(FunctionCallInfo fcinfo, int n, const char *name, int max_bytes)
{
	char *result = BaArgTextOrNull(fcinfo, n, name, max_bytes);

	if (result == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" must not be null", name)));
	if (*result == '\0')
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" must not be empty", name)));
	return result;
}

/*
 * A password or a token, whole, whatever is in it. Of one over the limit so much
 * comes back that it still is: the caller decides whether that is an error or one
 * more wrong guess.
 */
char *
BaArgSecret(FunctionCallInfo fcinfo, int n, const char *name)
{
	text *value;

	if (PG_ARGISNULL(n))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" must not be null", name)));
	value = PG_GETARG_TEXT_PP(n);
	return pnstrdup(VARDATA_ANY(value),
					Min(VARSIZE_ANY_EXHDR(value), BA_MAX_PASSWORD + 1));
}

/* A name of a person, role or company: trimmed, not empty, of bounded length. */
char *
BaArgNameOrNull(FunctionCallInfo fcinfo, int n, const char *name)
{
	char *value = BaArgTextOrNull(fcinfo, n, name, BA_MAX_NAME * MAX_MULTIBYTE_CHAR_LEN);
	char *end;

	if (value == NULL)
		return NULL;
	while (*value == ' ')
		value++;
	for (end = value + strlen(value); end > value && end[-1] == ' '; end--)
		end[-1] = '\0';
	if (*value == '\0')
		return NULL;
	if (pg_mbstrlen(value) > BA_MAX_NAME)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" is too long", name),
						errdetail("At most %d characters are allowed.", BA_MAX_NAME)));
	return value;
}

char *
BaArgName(FunctionCallInfo fcinfo, int n, const char *name)
{
	char *value = BaArgNameOrNull(fcinfo, n, name);

	if (value == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" must not be empty", name)));
	return value;
}

/*
 * What an application says of its client. It must never stand in the way of a
 * login, so it is cut and cleaned instead of refused.
 */
char *
BaArgClientText(FunctionCallInfo fcinfo, int n, const char *name)
{
	text *arg;
	char *value;
	char *c;

	if (PG_ARGISNULL(n))
		return NULL;
	arg = PG_GETARG_TEXT_PP(n);
	value =
		pnstrdup(VARDATA_ANY(arg), pg_mbcliplen(VARDATA_ANY(arg), VARSIZE_ANY_EXHDR(arg),
												BA_MAX_CLIENT_TEXT));
	while ((c = BaTextControl(value)) != NULL)
	{
		if ((unsigned char) *c == 0xc2)
			c[1] = '?';
		*c = '?';
	}
	return value;
}

static int
CompareText(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

Datum
BaTextArray(char **items, int count)
{
	Datum *datums = palloc(sizeof(Datum) * (count + 1));
	int i;

	for (i = 0; i < count; i++)
		datums[i] = CStringGetTextDatum(items[i]);
	return PointerGetDatum(
		construct_array(datums, count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* An array of names: one dimension, no NULL, bounded; repeats are dropped. */
BaTextList
BaArgTextArray(FunctionCallInfo fcinfo, int n, const char *name)
{
	BaTextList list = {-1, NULL, (Datum) 0};
	ArrayType *array;
	Datum *datums;
	bool *nulls;
	int count, i;

	if (PG_ARGISNULL(n))
		return list;
	array = PG_GETARG_ARRAYTYPE_P(n);
	if (ARR_NDIM(array) > 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" must be one-dimensional", name)));
	if (ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) > BA_MAX_LIST)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" has more than %d elements", name, BA_MAX_LIST)));
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &datums, &nulls, &count);
	list.items = palloc(sizeof(char *) * (count + 1));
	for (i = 0; i < count; i++)
	{
		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("argument \"%s\" must not contain nulls", name)));
		list.items[i] = TextDatumGetCString(datums[i]);
		CheckControl(list.items[i], name);
		if (strlen(list.items[i]) > BA_MAX_EMAIL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"%s\" has an element that is too long", name)));
	}
	qsort(list.items, count, sizeof(char *), CompareText);
	list.count = 0;
	for (i = 0; i < count; i++)
		if (list.count == 0 || strcmp(list.items[list.count - 1], list.items[i]) != 0)
			list.items[list.count++] = list.items[i];
	list.array = BaTextArray(list.items, list.count);
	return list;
}

/* Rows of a page; "none" stands for NULL. */
int
BaArgPageSize(FunctionCallInfo fcinfo, int n, int none)
{
	int32 size;

	if (PG_ARGISNULL(n))
		return none;
	size = PG_GETARG_INT32(n);
	if (size < 1 || size > 1000)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("page_size %d is out of range", size),
						errdetail("It must be from 1 to 1000.")));
	return size;
}
