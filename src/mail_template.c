/*
 * mail_template.c
 *	  What mail says: templates, which the operator edits, and the values that take
 *	  the place of their placeholders.
 *
 * Names in mail come from people whom the recipient need not know: a value is put
 * in once, as data, for the place where it stands, and so that a mail program finds
 * no address in it that could be followed [I-09].
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "args.h"
#include "errors.h"
#include "mail_template.h"
#include "query.h"

/* In characters. */
#define MAX_SUBJECT 200
#define MAX_BODY 20000
#define MAX_VALUE 200

#define OPENING "{{"
#define CLOSING "}}"
#define SHOWN 40 /* bytes of an unknown placeholder in a message */

#define PLAIN "plain"
#define HTML "html"
#define LINK "link"

static BaQuery seed_template = {
	.sql = "INSERT INTO bestauth.mail_template (kind, topic, format, subject, body)"
		   " VALUES ($1, $2, 'plain', $3, $4)"
		   " ON CONFLICT (kind, topic, company_id) DO NOTHING",
};

static BaQuery find_template = {
	.sql =
		"SELECT subject, body, format FROM bestauth.mail_template"
		" WHERE kind = $1 AND topic IS NOT DISTINCT FROM $2 AND (company_id = $3 OR company_id IS NULL)"
		" ORDER BY company_id IS NULL LIMIT 1",
};

/* Those that are edited stay as they are. */
void
BaMailTemplateSeed(void)
{
	int i;

	for (i = 0; i < BaMailKindCount(); i++)
	{
		const BaMailKind *kind = BaMailKindAt(i);
		BaArgs args = {0};

		BaPutText(&args, kind->kind);
		BaPutText(&args, kind->topic);
		BaPutText(&args, kind->subject);
		BaPutText(&args, kind->body);
		(void) BaQueryExec(&seed_template, &args);
	}
}

/* ------------------------------------------------------------- placeholders */

/* A placeholder of a template: where it begins and ends, and what it names. */
typedef struct Placeholder
{
	const char *begin;
	const char *end;
	char *name; /* NULL: it is not closed */
} Placeholder;

static bool
FindPlaceholder(const char *text, Placeholder *found)
{
	const char *name, *closing, *next;

	found->begin = strstr(text, OPENING);
	if (found->begin == NULL)
		return false;
	name = found->begin + strlen(OPENING);
	closing = strstr(name, CLOSING);
	next = strstr(name, OPENING);
	if (closing == NULL || (next != NULL && next < closing))
	{
		found->name = NULL;
		found->end = name;
		return true;
	}
	found->name = pnstrdup(name, closing - name);
	found->end = closing + strlen(CLOSING);
	return true;
}

/* Is it a word of the list, which has spaces between? */
static bool
IsVariable(const BaMailKind *kind, const char *name)
{
	size_t length = strlen(name);
	const char *at;

	if (length == 0 || strchr(name, ' ') != NULL)
		return false;
	for (at = kind->variables; (at = strstr(at, name)) != NULL; at += length)
		if ((at == kind->variables || at[-1] == ' ') &&
			(at[length] == ' ' || at[length] == '\0'))
			return true;
	return false;
}

/* -------------------------------------------------------------------- rules */

static void
RefuseUnknown(const BaMailKind *kind, char *name)
{
	StringInfoData known;
	const char *c;

	initStringInfo(&known);
	for (c = kind->variables; *c; c++)
		appendStringInfo(&known, *c == ' ' ? ",%c" : "%c", *c);
	name[pg_mbcliplen(name, strlen(name), SHOWN)] = '\0';
	BaTextClean(name);
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("placeholder \"%s\" is not known in mail of kind \"%s\"", name,
						   kind->kind),
					errhint("Known ones are %s.", known.data)));
}

/*
 * The quote that was opened last before a place, within a tag; NULL outside of quotes.
 * One opens a value behind an equals sign alone.
 */
static const char *
OpenQuote(const char *html, const char *place, bool *in_tag)
{
	const char *quote = NULL;
	bool at_value = false;
	const char *c;

	*in_tag = false;
	for (c = html; c < place; c++)
	{
		if (quote != NULL)
		{
			if (*c == *quote)
				quote = NULL;
		}
		else if (*in_tag && at_value && (*c == '"' || *c == '\''))
			quote = c;
		else if (*c == '<' || *c == '>')
			*in_tag = *c == '<';
		if (strchr(" \t\r\n\f", *c) == NULL)
			at_value = *in_tag && quote == NULL && *c == '=';
	}
	return quote;
}

/*
 * No escape helps a name that stands among the attributes of a tag; the link does,
 * in quotes.
 */
static void
CheckTag(const char *body, const Placeholder *found)
{
	bool in_tag;
	const char *quote = OpenQuote(body, found->begin, &in_tag);

	if (!in_tag)
		return;
	if (strcmp(found->name, LINK) != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("placeholder \"%s\" must not stand within an HTML tag",
							   found->name)));
	if (quote == NULL || quote + 1 != found->begin)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("placeholder \"%s\" within an HTML tag must follow a quote",
						LINK)));
}

/* Does the text have the link? Every placeholder in it must be known. */
static bool
CheckPlaceholders(const BaMailKind *kind, const char *text, bool is_html)
{
	const char *rest = text;
	bool has_link = false;
	Placeholder found;

	while (FindPlaceholder(rest, &found))
	{
		if (found.name == NULL)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("placeholder of mail template is not closed"),
							errdetail("\"%s\" has no \"%s\".", OPENING, CLOSING)));
		if (!IsVariable(kind, found.name))
			RefuseUnknown(kind, found.name);
		if (is_html)
			CheckTag(text, &found);
		has_link |= strcmp(found.name, LINK) == 0;
		rest = found.end;
	}
	return has_link;
}

static void
CheckLength(const char *column, const char *value, int most)
{
	if (*value == '\0')
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s of mail template must not be empty", column)));
	if (pg_mbstrlen(value) > most)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s of mail template is too long", column),
						errdetail("At most %d characters are allowed.", most)));
}

static const BaMailKind *
RequireKind(const char *kind, const char *topic)
{
	const BaMailKind *found = BaMailKindFind(kind, topic);

	/* An empty topic is not the same as none. */
	if (found != NULL && (topic == NULL || *topic != '\0'))
		return found;
	if (topic == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("mail of kind \"%s\" does not exist", kind)));
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("mail of kind \"%s\" has no topic \"%s\"", kind, topic)));
	return NULL;
}

void
BaMailTemplateRule(BaRowEvent *event, bool restoring)
{
	char *kind_name = BaColumnRequireText(event, "kind");
	const BaMailKind *kind = RequireKind(kind_name, BaColumnText(event, "topic"));
	char *subject = BaColumnRequireText(event, "subject");
	char *body = BaColumnRequireText(event, "body");
	char *format = BaColumnRequireText(event, "format");

	BaColumnRequireSame(event, "template_id", "I-09");
	BaColumnRequireSame(event, "kind", "I-09");
	BaColumnRequireSame(event, "topic", "I-09");
	BaColumnRequireSame(event, "company_id", "I-09");
	CheckLength("subject", subject, MAX_SUBJECT);
	CheckLength("body", body, MAX_BODY);
	BaColumnRequireClean(event, "subject");
	/* Subjects are shown in lists, and kept by servers on the way. */
	if (CheckPlaceholders(kind, subject, false))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("subject of mail template must not have the link")));
	if (!CheckPlaceholders(kind, body, strcmp(format, HTML) == 0) &&
		kind->purpose != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("body of mail template must have the link"),
				 errdetail("Mail of kind \"%s\" is sent for the sake of it.", kind_name),
				 errhint("It stands where the body has %s%s%s.", OPENING, LINK,
						 CLOSING)));
}

/* A company's own may go: then the default speaks. */
void
BaMailTemplateDeleteRule(const BaRowEvent *event)
{
	bool is_default;

	(void) BaColumn(event, false, "company_id", &is_default);
	if (is_default)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("default mail template cannot be deleted"),
				 errhint("Update it, or insert one for a company."), BaErrRule("I-09")));
}

/* ------------------------------------------------------------------- values */

static bool
IsWord(const char *c)
{
	return IS_HIGHBIT_SET(*c) || isalnum((unsigned char) *c) ||
		   strncmp(c, OPENING, strlen(OPENING)) == 0;
}

/* Signs of other scripts that browsers take for the dot of a host's name. */
static bool
IsForeignDot(const char *c)
{
	return strncmp(c, "\xe3\x80\x82", 3) == 0 || strncmp(c, "\xef\xbc\x8e", 3) == 0 ||
		   strncmp(c, "\xef\xbd\xa1", 3) == 0;
}

/* Could it make an address of what stands around it? A dot at the end does not. */
static bool
IsLinking(const char *c, const char *behind)
{
	if (*c == '.')
		return c[1] == '\0' ? IsWord(behind) : c[1] != ' ';
	return strchr("/\\@:", *c) != NULL || IsForeignDot(c);
}

static void
AppendSpace(StringInfo to)
{
	if (to->len > 0 && to->data[to->len - 1] != ' ')
		appendStringInfoChar(to, ' ');
}

/*
 * A value on one line, cut, without anything that acts where it is shown, and
 * unless it is ours, without anything that a mail program would make a link of.
 */
static char *
Clean(const char *value, bool defuse, const char *behind)
{
	StringInfoData clean;
	char *copy = BaTextTrim(pstrdup(value));
	char *control;
	char *c;

	copy[pg_mbcharcliplen(copy, strlen(copy), MAX_VALUE)] = '\0';
	initStringInfo(&clean);
	control = BaTextControl(copy);
	for (c = copy; *c; c += pg_utf_mblen((unsigned char *) c))
	{
		if (c == control)
			control = BaTextControl(c + pg_utf_mblen((unsigned char *) c));
		else if (*c != ' ' && !(defuse && IsLinking(c, behind)))
		{
			appendBinaryStringInfo(&clean, c, pg_utf_mblen((unsigned char *) c));
			continue;
		}
		AppendSpace(&clean);
	}
	return BaTextTrim(clean.data);
}

static void
AppendHtml(StringInfo to, const char *value)
{
	static const char signs[] = "&<>\"'";
	static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};

	for (; *value; value++)
	{
		const char *sign = strchr(signs, *value);

		if (sign != NULL)
			appendStringInfoString(to, entities[sign - signs]);
		else
			appendStringInfoChar(to, *value);
	}
}

/* What stands for a placeholder, before it is escaped for its place. */
static char *
ValueOf(const BaMailKind *kind, const char *name, const BaMailValue *values, int count,
		const char *behind)
{
	static const char users[] = " username billing_user ";
	static const char ours[] = " link valid_for valid_until url ";
	const char *padded = psprintf(" %s ", name);
	int i;

	for (i = 0; IsVariable(kind, name) && i < count; i++)
	{
		if (strcmp(values[i].name, name) != 0 || values[i].value == NULL)
			continue;
		if (strstr(ours, padded) != NULL)
			return pstrdup(values[i].value);
		/* A user name has neither slashes nor colons, and is of no use if changed. */
		return Clean(values[i].value, strstr(users, padded) == NULL, behind);
	}
	return "";
}

/* ---------------------------------------------------------------- rendering */

/* Nothing is put in: the spaces before it go too, unless words would touch. */
static const char *
AppendNothing(StringInfo to, const char *behind)
{
	int length = to->len;

	while (length > 0 && to->data[length - 1] == ' ')
		length--;
	if (length == 0 || to->data[length - 1] == '\n')
		behind += strspn(behind, " ");
	else if (length < to->len && *behind != '\0' &&
			 strchr(" \r\n.,;:!?)", *behind) == NULL)
		length++;
	to->len = length;
	to->data[length] = '\0';
	return behind;
}

/* In one pass: what looks like a placeholder within a value is a part of it. */
static char *
Fill(const BaMailKind *kind, const char *template, bool is_html,
	 const BaMailValue *values, int count)
{
	StringInfoData result;
	Placeholder found;

	initStringInfo(&result);
	while (FindPlaceholder(template, &found))
	{
		char *value;

		appendBinaryStringInfo(&result, template, found.begin - template);
		template = found.end;
		if (found.name == NULL)
		{
			appendStringInfoString(&result, OPENING);
			continue;
		}
		value = ValueOf(kind, found.name, values, count, template);
		if (*value == '\0')
			template = AppendNothing(&result, template);
		else if (is_html)
			AppendHtml(&result, value);
		else
			appendStringInfoString(&result, value);
	}
	appendStringInfoString(&result, template);
	return result.data;
}

/* A header's value: one line, of bounded length. */
static char *
OneLine(char *subject)
{
	StringInfoData line;
	char *c;

	while ((c = BaTextControl(subject)) != NULL)
		memset(c, ' ', pg_utf_mblen((unsigned char *) c));
	initStringInfo(&line);
	for (c = subject; *c; c++)
		if (*c == ' ')
			AppendSpace(&line);
		else
			appendStringInfoChar(&line, *c);
	line.data[pg_mbcharcliplen(line.data, line.len, MAX_SUBJECT)] = '\0';
	return BaTextTrim(line.data);
}

/* The company's own template, or the default, or what the default began with. */
void
BaMailTemplateRender(const BaMailKind *kind, const pg_uuid_t *company_id,
					 const BaMailValue *values, int count, BaMailText *text)
{
	const char *subject = kind->subject;
	const char *body = kind->body;
	BaArgs args = {0};
	BaRow row;

	text->format = PLAIN;
	BaPutText(&args, kind->kind);
	BaPutText(&args, kind->topic);
	BaPutUuid(&args, company_id);
	if (BaQueryRow(&find_template, &args, &row))
	{
		subject = BaGetText(&row, 0);
		body = BaGetText(&row, 1);
		text->format = BaGetText(&row, 2);
	}
	text->subject = OneLine(Fill(kind, subject, false, values, count));
	text->body = Fill(kind, body, strcmp(text->format, HTML) == 0, values, count);
}

/* In words, never more than it is. */
char *
BaMailDuration(int seconds)
{
	static const struct
	{
		const char *name;
		int seconds;
	} units[] = {{"day", 86400}, {"hour", 3600}, {"minute", 60}, {"second", 1}};
	int i = 0;

	/* One day is 24 hours, and what a larger unit would cut off is told in a smaller. */
	if (seconds % units[0].seconds != 0 || seconds < 2 * units[0].seconds)
		i++;
	if (i == 1 && (seconds % units[1].seconds != 0 || seconds == 0))
		i++;
	if (i == 2 && seconds < units[2].seconds)
		i++;
	seconds /= units[i].seconds;
	return psprintf("%d %s%s", seconds, units[i].name, seconds == 1 ? "" : "s");
}
