/*
 * html.c
 *	  Text in a page that is HTML and XML at once. All of it is ASCII, so that it stays
 *	  what it is through any encoding of a client.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "args.h"
#include "html.h"

static const char *
Entity(char c)
{
	switch (c)
	{
		case '&':
			return "&amp;";
		case '<':
			return "&lt;";
		case '>':
			return "&gt;";
		case '"':
			return "&quot;";
		case '\'':
			return "&#39;";
		default:
			return NULL;
	}
}

/*
 * Any text, as element or in an attribute. What is not seen, or turns the direction of
 * what is, shows its number; so does what XML has no place for.
 */
void
BaHtmlText(StringInfo page, const char *text)
{
	const unsigned char *c;

	for (c = (const unsigned char *) text; *c; c += pg_utf_mblen(c))
	{
		pg_wchar code = utf8_to_unicode(c);
		const char *entity = code < 0x80 ? Entity((char) code) : NULL;

		if (entity != NULL)
			appendStringInfoString(page, entity);
		else if (BaTextIsControl((const char *) c) || code == 0xfffe || code == 0xffff)
			appendStringInfo(page, "[U+%04X]", (unsigned int) code);
		else if (code < 0x80)
			appendStringInfoChar(page, (char) code);
		else
			appendStringInfo(page, "&#%u;", (unsigned int) code);
	}
}

/* Text from data: its direction does not reach what stands around it. */
void
BaHtmlData(StringInfo page, const char *text)
{
	appendStringInfoString(page, "<bdi>");
	BaHtmlText(page, text);
	appendStringInfoString(page, "</bdi>");
}

/* An element of nothing but text. */
void
BaHtmlElement(StringInfo page, const char *element, const char *text)
{
	appendStringInfo(page, "<%s>", element);
	BaHtmlText(page, text);
	appendStringInfo(page, "</%s>\n", element);
}

/* With commas between thousands. */
void
BaHtmlNumber(StringInfo page, int64 number)
{
	char *digits = psprintf(INT64_FORMAT, number);
	int length = strlen(digits);
	int i;

	for (i = 0; i < length; i++)
	{
		if (i > 0 && (length - i) % 3 == 0 && digits[i - 1] != '-')
			appendStringInfoChar(page, ',');
		appendStringInfoChar(page, digits[i]);
	}
	pfree(digits);
}

/* In UTC, to the second. */
void
BaHtmlTime(StringInfo page, TimestampTz when)
{
	struct pg_tm tm;
	fsec_t fsec;

	if (timestamp2tm(when, NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("timestamp out of range")));
	appendStringInfo(page, "%04d-%02d-%02d %02d:%02d:%02d", tm.tm_year, tm.tm_mon,
					 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}
