/*
 * canonical.c
 *	  The forms in which names, words and answers are compared: the same in every
 *	  locale and collation of a database.
 */
#include "postgres.h"

#include "common/unicode_norm.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "canonical.h"

PG_FUNCTION_INFO_V1(bestauth_fold_identifier);
PG_FUNCTION_INFO_V1(bestauth_fold_name);

/* Latin letters that are no base letter with an accent. */
static const struct
{
	pg_wchar letter;
	const char *plain;
} letters[] = {
	{0xc6, "ae"},  {0xe6, "ae"}, {0xd0, "d"},  {0xf0, "d"},  {0xd8, "o"},
	{0xf8, "o"},   {0xde, "th"}, {0xfe, "th"}, {0xdf, "ss"}, {0x1e9e, "ss"},
	{0x110, "d"},  {0x111, "d"}, {0x126, "h"}, {0x127, "h"}, {0x131, "i"},
	{0x141, "l"},  {0x142, "l"}, {0x14a, "n"}, {0x14b, "n"}, {0x152, "oe"},
	{0x153, "oe"}, {0x166, "t"}, {0x167, "t"},
};

static const char *
PlainLetter(pg_wchar c)
{
	int i;

	for (i = 0; i < lengthof(letters); i++)
		if (letters[i].letter == c)
			return letters[i].plain;
	return NULL;
}

/* Greek and Cyrillic have their capitals in a row. */
static pg_wchar
Small(pg_wchar c)
{
	if (c < 0x80)
		return pg_ascii_tolower((unsigned char) c);
	if ((c >= 0x391 && c <= 0x3a9) || (c >= 0x410 && c <= 0x42f))
		return c + 0x20;
	if (c >= 0x400 && c <= 0x40f)
		return c + 0x50;
	return c;
}

/* The same as below for what is ASCII alone, as nearly everything is; else NULL. */
static char *
FoldAscii(const char *value)
{
	char *folded = palloc(strlen(value) + 1);
	char *to = folded;

	for (; *value; value++)
	{
		if (IS_HIGHBIT_SET(*value))
			return NULL;
		if (*value != ' ' || (to > folded && to[-1] != ' '))
			*to++ = pg_ascii_tolower((unsigned char) *value);
	}
	if (to > folded && to[-1] == ' ')
		to--;
	*to = '\0';
	return folded;
}

/* Accents off, compatibility forms undone, letters small, one space at a time. */
char *
BaCanonicalFold(const char *value)
{
	char *ascii = FoldAscii(value);
	int length = strlen(value);
	pg_wchar *chars;
	pg_wchar *normal, *c;
	StringInfoData folded;
	unsigned char bytes[MAX_MULTIBYTE_CHAR_LEN + 1];

	if (ascii != NULL)
		return ascii;
	chars = palloc(sizeof(pg_wchar) * (length + 1));
	chars[pg_mb2wchar_with_len(value, chars, length)] = 0;
	normal = unicode_normalize(UNICODE_NFKD, chars);
	initStringInfo(&folded);
	for (c = normal; *c; c++)
	{
		const char *plain;
		bool again = folded.len == 0 || folded.data[folded.len - 1] == ' ';

		if ((*c >= 0x300 && *c <= 0x36f) || (*c == ' ' && again))
			continue;
		plain = PlainLetter(*c);
		(void) unicode_to_utf8(Small(*c), bytes);
		if (plain != NULL)
			appendStringInfoString(&folded, plain);
		else
			appendBinaryStringInfo(&folded, (char *) bytes, pg_utf_mblen(bytes));
	}
	if (folded.len > 0 && folded.data[folded.len - 1] == ' ')
		folded.data[--folded.len] = '\0';
	return folded.data;
}

/* Letters and digits alone, and whatever is not ASCII. */
char *
BaCanonicalPlain(const char *value)
{
	char *result = palloc(strlen(value) + 1);
	char *to = result;

	for (; *value; value++)
		if (IS_HIGHBIT_SET(*value) || isalnum((unsigned char) *value))
			*to++ = *value;
	*to = '\0';
	return result;
}

/* Of identifiers, which are ASCII: letters and digits alone, the letters small. */
char *
BaCanonicalIdentifier(const char *value)
{
	char *result = BaCanonicalPlain(value);
	char *c;

	for (c = result; *c; c++)
		*c = pg_ascii_tolower((unsigned char) *c);
	return result;
}

Datum
bestauth_fold_identifier(PG_FUNCTION_ARGS)
{
	char *identifier = text_to_cstring(PG_GETARG_TEXT_PP(0));

	PG_RETURN_TEXT_P(cstring_to_text(BaCanonicalIdentifier(identifier)));
}

Datum
bestauth_fold_name(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));

	PG_RETURN_TEXT_P(cstring_to_text(BaCanonicalFold(name)));
}
