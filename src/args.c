/*
 * args.c
 *	  Checks of arguments: each message is written once, names the argument and
 *	  the value at fault, and never shows a secret.
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/memutils.h"

#include "args.h"
#include "bestauth.h"
#include "compat.h"

/*
 * Could it act where a name is shown, or hide in it? Controls of ASCII and C1, the
 * separators of lines and paragraphs, marks and overrides of direction, signs without
 * width, the soft hyphen, tags. The joiners U+200C and U+200D stay: some scripts are
 * written with them.
 */
bool
BaTextIsControl(const char *value)
{
	const unsigned char *c = (const unsigned char *) value;

	if (*c < 0x20 || *c == 0x7f)
		return true;
	if (c[0] == 0xc2)
		return (c[1] >= 0x80 && c[1] <= 0x9f) || c[1] == 0xad;
	if (c[0] == 0xd8)
		return c[1] == 0x9c;
	if (c[0] == 0xe1)
		return c[1] == 0xa0 && c[2] == 0x8e;
	if (c[0] == 0xe2 && c[1] == 0x80)
		return c[2] == 0x8b || c[2] == 0x8e || c[2] == 0x8f ||
			   (c[2] >= 0xa8 && c[2] <= 0xae);
	if (c[0] == 0xe2 && c[1] == 0x81)
		return (c[2] >= 0xa0 && c[2] <= 0xa4) || (c[2] >= 0xa6 && c[2] <= 0xaf);
	if (c[0] == 0xef)
		return (c[1] == 0xbb && c[2] == 0xbf) ||
			   (c[1] == 0xbf && c[2] >= 0xb9 && c[2] <= 0xbb);
	return c[0] == 0xf3 && c[1] == 0xa0 && (c[2] == 0x80 || c[2] == 0x81);
}

/* Where the first such character stands; NULL if there is none. */
char *
BaTextControl(char *value)
{
	char *c;

	for (c = value; *c; c++)
		if (BaTextIsControl(c))
			return c;
	return NULL;
}

/* Each of them becomes question marks. */
void
BaTextClean(char *value)
{
	char *c;

	while ((c = BaTextControl(value)) != NULL)
		memset(c, '?', pg_utf_mblen((unsigned char *) c));
}

/* The length of the space that begins here, of any kind; 0 if there is none. */
static int
SpaceLength(const char *value)
{
	const unsigned char *c = (const unsigned char *) value;

	if (*c == ' ')
		return 1;
	if (c[0] == 0xc2 && c[1] == 0xa0)
		return 2;
	if ((c[0] == 0xe1 && c[1] == 0x9a && c[2] == 0x80) ||
		(c[0] == 0xe2 && c[1] == 0x80 && (c[2] <= 0x8a || c[2] == 0xaf)) ||
		(c[0] == 0xe2 && c[1] == 0x81 && c[2] == 0x9f) ||
		(c[0] == 0xe3 && c[1] == 0x80 && c[2] == 0x80))
		return 3;
	return 0;
}

/* The length of the space that begins here, or of a character that is not seen. */
int
BaTextBlank(const char *value)
{
	int space = SpaceLength(value);

	if (space > 0 || *value == '\0')
		return space;
	return BaTextIsControl(value) ? pg_utf_mblen((const unsigned char *) value) : 0;
}

/* Without the spaces around it. */
char *
BaTextTrim(char *value)
{
	char *c;
	char *end;
	int space;

	while ((space = SpaceLength(value)) > 0)
		value += space;
	for (c = end = value; *c;)
	{
		space = SpaceLength(c);
		c += space > 0 ? space : pg_utf_mblen((unsigned char *) c);
		if (space == 0)
			end = c;
	}
	*end = '\0';
	return value;
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

/* A secret in memory that is wiped on every way out of the call, an error included. */
typedef struct Secret
{
	MemoryContextCallback callback;
	int length;
	char bytes[FLEXIBLE_ARRAY_MEMBER];
} Secret;

static void
WipeSecret(void *arg)
{
	Secret *secret = arg;

	explicit_bzero(secret->bytes, secret->length);
}

/*
 * A password or a token, whole, whatever is in it. Of one over the limit so much
 * comes back that it still is: the caller decides whether that is an error or one
 * more wrong guess.
 */
char *
BaArgSecretUpTo(FunctionCallInfo fcinfo, int n, const char *name, int max_bytes)
{
	text *value;
	int length;
	Secret *secret;

	if (PG_ARGISNULL(n))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" must not be null", name)));
	value = PG_GETARG_TEXT_PP(n);
	length = Min(VARSIZE_ANY_EXHDR(value), max_bytes + 1);
	secret = palloc0(offsetof(Secret, bytes) + length + 1);
	secret->length = length;
	memcpy(secret->bytes, VARDATA_ANY(value), length);
	secret->callback.func = WipeSecret;
	secret->callback.arg = secret;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &secret->callback);
	return secret->bytes;
}

char *
BaArgSecret(FunctionCallInfo fcinfo, int n, const char *name)
{
	return BaArgSecretUpTo(fcinfo, n, name, BA_MAX_PASSWORD);
}

/* The name without the spaces around it; NULL if nothing is left. */
static char *
CheckName(char *value, const char *name)
{
	value = BaTextTrim(value);
	if (*value == '\0')
		return NULL;
	if (pg_mbstrlen(value) > BA_MAX_NAME)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" is too long", name),
						errdetail("At most %d characters are allowed.", BA_MAX_NAME)));
	return value;
}

/* A name of a person, role or company: trimmed, not empty, of bounded length. */
char *
BaArgNameOrNull(FunctionCallInfo fcinfo, int n, const char *name)
{
	char *value = BaArgTextOrNull(fcinfo, n, name, BA_MAX_NAME * MAX_MULTIBYTE_CHAR_LEN);

	return value == NULL ? NULL : CheckName(value, name);
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

	if (PG_ARGISNULL(n))
		return NULL;
	arg = PG_GETARG_TEXT_PP(n);
	value =
		pnstrdup(VARDATA_ANY(arg), pg_mbcliplen(VARDATA_ANY(arg), VARSIZE_ANY_EXHDR(arg),
												BA_MAX_CLIENT_TEXT));
	BaTextClean(value);
	return value;
}

static int
CompareText(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Makes a set of it. */
void
BaTextListSort(BaTextList *list)
{
	int count = list->count;
	int i;

	qsort(list->items, count, sizeof(char *), CompareText);
	list->count = 0;
	for (i = 0; i < count; i++)
		if (list->count == 0 || strcmp(list->items[list->count - 1], list->items[i]) != 0)
			list->items[list->count++] = list->items[i];
	list->array = BaTextArray(list->items, list->count);
}

/* A time in UTC as the extension writes it: 2026-11-22T14:23:00.123456. */
bool
BaTextTime(const char *value, TimestampTz *when)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd.dddddd";
	struct pg_tm tm = {0};
	fsec_t fraction;
	int utc = 0;
	int i;

	for (i = 0; form[i] != '\0'; i++)
		if (form[i] == 'd' ? !isdigit((unsigned char) value[i]) : value[i] != form[i])
			return false;
	if (value[i] != '\0' ||
		sscanf(value, "%4d-%2d-%2dT%2d:%2d:%2d.%6d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
			   &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &fraction) != 7)
		return false;
	return tm.tm_year >= 1 && tm.tm_mon >= 1 && tm.tm_mon <= MONTHS_PER_YEAR &&
		   tm.tm_mday >= 1 && tm.tm_mday <= day_tab[isleap(tm.tm_year)][tm.tm_mon - 1] &&
		   tm.tm_hour < HOURS_PER_DAY && tm.tm_min < MINS_PER_HOUR &&
		   tm.tm_sec < SECS_PER_MINUTE && tm2timestamp(&tm, fraction, &utc, when) == 0;
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

/* An array as it is, for who says themselves what is wrong with an element. */
BaTextList
BaArgTextsRaw(FunctionCallInfo fcinfo, int n, const char *name)
{
	BaTextList list = {-1, NULL, (Datum) 0};
	ArrayType *array;
	Datum *datums;
	bool *nulls;
	int i;

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
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &datums, &nulls,
					  &list.count);
	list.items = palloc(sizeof(char *) * (list.count + 1));
	for (i = 0; i < list.count; i++)
	{
		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("argument \"%s\" must not contain nulls", name)));
		list.items[i] = TextDatumGetCString(datums[i]);
	}
	list.array = BaTextArray(list.items, list.count);
	return list;
}

/* One dimension, no NULL, bounded. */
BaTextList
BaArgTexts(FunctionCallInfo fcinfo, int n, const char *name)
{
	BaTextList list = BaArgTextsRaw(fcinfo, n, name);
	int i;

	for (i = 0; i < list.count; i++)
	{
		if (strlen(list.items[i]) > BA_MAX_EMAIL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"%s\" has an element that is too long", name)));
		CheckControl(list.items[i], name);
	}
	return list;
}

/* A set of names: the same in the order of strcmp(), repeats dropped. */
BaTextList
BaArgTextArray(FunctionCallInfo fcinfo, int n, const char *name)
{
	BaTextList list = BaArgTexts(fcinfo, n, name);

	if (list.count >= 0)
		BaTextListSort(&list);
	return list;
}

/* A set of names, each as BaArgName() takes one. */
BaTextList
BaArgNames(FunctionCallInfo fcinfo, int n, const char *name)
{
	BaTextList list = BaArgTextsRaw(fcinfo, n, name);
	int i;

	for (i = 0; i < list.count; i++)
	{
		CheckControl(list.items[i], name);
		list.items[i] = CheckName(list.items[i], name);
		if (list.items[i] == NULL)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("argument \"%s\" has an empty element", name)));
	}
	if (list.count >= 0)
		BaTextListSort(&list);
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

/* A uuid that was given out as the next of a page, as text; NULL for none. */
char *
BaArgUuidText(FunctionCallInfo fcinfo, int n, const char *name)
{
	char *value = BaArgTextOrNull(fcinfo, n, name, 100);
	bool valid = value == NULL || strlen(value) == 36;
	int i;

	for (i = 0; valid && value != NULL && i < 36; i++)
		valid = i == 8 || i == 13 || i == 18 || i == 23 ?
					value[i] == '-' :
					strchr("0123456789abcdef", value[i]) != NULL;
	if (!valid)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" is not the next of a page", name)));
	return value;
}

/* Equal but for the case of ASCII letters, as all names are compared. */
bool
BaTextSame(const char *a, const char *b)
{
	while (*a &&
		   pg_ascii_tolower((unsigned char) *a) == pg_ascii_tolower((unsigned char) *b))
	{
		a++;
		b++;
	}
	return *a == '\0' && *b == '\0';
}
