/*
 * message.c
 *	  A message of the outbox, and what it is on the wire.
 */
#include "message.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"

#define FOLD_AT 76   /* also holds encoded words to the 75 that RFC 2047 allows */
#define LONG_WORD 60 /* can't be folded, so it is encoded */

void
WipeText(char **text)
{
	if (*text != NULL)
		explicit_bzero(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

void
MessageWipe(Message *message)
{
	WipeText(&message->recipient);
	WipeText(&message->subject);
	WipeText(&message->body);
}

/* C0, DEL, and C1 in UTF-8. */
static bool
HasControl(const char *text)
{
	const unsigned char *p = (const unsigned char *) text;

	for (; *p != '\0'; p++)
		if (*p < ' ' || *p == 0x7f || (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0))
			return true;
	return false;
}

const char *
MessageFault(const Message *message)
{
	const char *at = strrchr(message->recipient, '@');

	if (HasControl(message->recipient) || HasControl(message->subject))
		return "control character in the recipient or the subject";
	if (at == NULL || at == message->recipient || at[1] == '\0' ||
		strpbrk(message->recipient, " <>") != NULL)
		return "recipient is not an address";
	return NULL;
}

/* A header of this name as text for the list. */
typedef struct Header
{
	char text[8192];
	size_t length;
	size_t line; /* where its last line begins */
} Header;

static void
Put(Header *header, const char *text, size_t length)
{
	if (header->length + length >= sizeof(header->text))
		length = sizeof(header->text) - header->length - 1;
	memcpy(header->text + header->length, text, length);
	header->length += length;
	header->text[header->length] = '\0';
}

static void
Fold(Header *header)
{
	Put(header, "\r\n", 2);
	header->line = header->length;
}

/* Can it stand as it is? What looks like an encoded word can't. */
static bool
IsPlain(const char *text)
{
	const char *p;
	size_t word = 0;

	for (p = text; *p != '\0'; p++)
	{
		word = *p == ' ' ? 0 : word + 1;
		if ((unsigned char) *p >= 0x7f || word > LONG_WORD)
			return false;
	}
	return strstr(text, "=?") == NULL;
}

static void
PutPlain(Header *header, const char *text)
{
	while (*text != '\0')
	{
		size_t word = strspn(text, " ");

		word += strcspn(text + word, " ");
		if (*text == ' ' && header->length - header->line + word > FOLD_AT &&
			text[1] != ' ' && text[1] != '\0')
			Fold(header);
		Put(header, text, word);
		text += word;
	}
}

/* One character of UTF-8 as RFC 2047's "Q" has it. Returns its bytes. */
static int
EncodeCharacter(const char *text, char *encoded)
{
	int length = 0;

	do
	{
		unsigned char c = text[length++];

		if (c == ' ')
			encoded += sprintf(encoded, "_");
		else
			encoded += sprintf(encoded, c < 0x80 && isalnum(c) ? "%c" : "=%02X", c);
	} while (((unsigned char) text[length] & 0xc0) == 0x80 && length < 4);
	return length;
}

/* Encoded words, none of which ends within a character. */
static void
PutEncoded(Header *header, const char *text)
{
	char encoded[16];

	Put(header, "=?UTF-8?Q?", 10);
	while (*text != '\0')
	{
		text += EncodeCharacter(text, encoded);
		if (header->length - header->line + strlen(encoded) + 2 > FOLD_AT)
		{
			Put(header, "?=", 2);
			Fold(header);
			Put(header, " =?UTF-8?Q?", 11);
		}
		Put(header, encoded, strlen(encoded));
	}
	Put(header, "?=", 2);
}

static struct curl_slist *
Append(struct curl_slist *list, const char *text)
{
	struct curl_slist *longer = curl_slist_append(list, text);

	if (longer == NULL)
	{
		LogError("out of memory");
		abort();
	}
	return longer;
}

static struct curl_slist *
AppendSubject(struct curl_slist *list, const char *subject)
{
	Header header = {.length = 0};

	Put(&header, "Subject: ", 9);
	if (IsPlain(subject))
		PutPlain(&header, subject);
	else
		PutEncoded(&header, subject);
	return Append(list, header.text);
}

static struct curl_slist *
AppendFrom(struct curl_slist *list, const Options *options)
{
	Header header = {.length = 0};
	const char *p;

	Put(&header, "From: ", 6);
	if (options->from_name != NULL && IsPlain(options->from_name))
	{
		Put(&header, "\"", 1);
		for (p = options->from_name; *p != '\0'; p++)
		{
			if (*p == '"' || *p == '\\')
				Put(&header, "\\", 1);
			Put(&header, p, 1);
		}
		Put(&header, "\"", 1);
	}
	else if (options->from_name != NULL)
		PutEncoded(&header, options->from_name);
	if (options->from_name != NULL)
	{
		if (header.length - header.line + strlen(options->from_address) + 3 > FOLD_AT)
			Fold(&header);
		Put(&header, " ", 1);
	}
	Put(&header, "<", 1);
	Put(&header, options->from_address, strlen(options->from_address));
	Put(&header, ">", 1);
	return Append(list, header.text);
}

/* RFC 5322's date; strftime's names are the locale's. */
static struct curl_slist *
AppendDate(struct curl_slist *list)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t now = time(NULL);
	struct tm tm;
	char text[128];

	gmtime_r(&now, &tm);
	snprintf(text, sizeof(text), "Date: %.3s, %02d %.3s %d %02d:%02d:%02d +0000",
			 days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900,
			 tm.tm_hour, tm.tm_min, tm.tm_sec);
	return Append(list, text);
}

struct curl_slist *
MessageHeaders(const Message *message, const Options *options)
{
	struct curl_slist *list = NULL;
	char text[1024];

	list = AppendDate(list);
	list = AppendFrom(list, options);
	snprintf(text, sizeof(text), "To: <%s>", message->recipient);
	list = Append(list, text);
	list = AppendSubject(list, message->subject);
	/* the same for each attempt, so that who gets it twice can tell */
	snprintf(text, sizeof(text), "Message-ID: <%s@%s>", message->id,
			 options->from_domain);
	list = Append(list, text);
	return Append(list, "Auto-Submitted: auto-generated");
}

char *
MessageText(const Message *message, size_t *length)
{
	char *text = malloc(2 * strlen(message->body) + 1);
	char *to = text;
	const char *from;

	if (text == NULL)
	{
		LogError("out of memory");
		abort();
	}
	for (from = message->body; *from != '\0'; from++)
	{
		if (*from == '\n' && (from == message->body || from[-1] != '\r'))
			*to++ = '\r';
		*to++ = *from;
	}
	*to = '\0';
	*length = to - text;
	return text;
}

/* What is read of a text; curl makes no copy of it that we could not wipe. */
typedef struct Reader
{
	const char *text;
	size_t length;
	size_t at;
} Reader;

static size_t
ReadText(char *buffer, size_t size, size_t items, void *arg)
{
	Reader *reader = arg;
	size_t length = reader->length - reader->at;

	if (length > size * items)
		length = size * items;
	memcpy(buffer, reader->text + reader->at, length);
	reader->at += length;
	return length;
}

static int
SeekText(void *arg, curl_off_t offset, int origin)
{
	Reader *reader = arg;

	if (origin != SEEK_SET || offset < 0 || (size_t) offset > reader->length)
		return CURL_SEEKFUNC_FAIL;
	reader->at = offset;
	return CURL_SEEKFUNC_OK;
}

curl_mime *
MessageMime(CURL *curl, const char *text, size_t length, bool html)
{
	curl_mime *mime = curl_mime_init(curl);
	curl_mimepart *part = curl_mime_addpart(mime);
	Reader *reader = malloc(sizeof(Reader));

	if (mime == NULL || part == NULL || reader == NULL)
	{
		LogError("out of memory");
		abort();
	}
	*reader = (Reader){.text = text, .length = length};
	curl_mime_data_cb(part, length, ReadText, SeekText, free, reader);
	curl_mime_type(part, html ? "text/html; charset=utf-8" : "text/plain; charset=utf-8");
	curl_mime_encoder(part, "quoted-printable");
	curl_mime_headers(part, curl_slist_append(NULL, "Content-Disposition: inline"), 1);
	return mime;
}
