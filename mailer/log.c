/*
 * log.c
 *	  Lines to stderr, one for each event.
 *
 * No caller passes an address, a text, a token or a password, nor anything that an
 * SMTP server says: it may quote the message.
 */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool with_details;

void
LogVerbose(bool verbose)
{
	with_details = verbose;
}

/* In one write, so that the lines of several mailers don't mix. */
__attribute__((format(printf, 2, 0))) static void
Line(const char *severity, const char *format, va_list args)
{
	char line[1024];
	size_t length;
	char *p;

	length = snprintf(line, sizeof(line), "bestauth-mailer: %s", severity);
	vsnprintf(line + length, sizeof(line) - length - 1, format, args);
	length = strlen(line);
	while (length > 0 && line[length - 1] == '\n')
		length--;
	for (p = line; p < line + length; p++)
		if ((unsigned char) *p < ' ' || *p == 0x7f)
			*p = ' ';
	line[length] = '\n';
	fwrite(line, 1, length + 1, stderr);
}

void
LogError(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	Line("error: ", format, args);
	va_end(args);
}

void
LogEvent(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	Line("", format, args);
	va_end(args);
}

/* With --verbose only. */
void
LogDetail(const char *format, ...)
{
	va_list args;

	if (!with_details)
		return;
	va_start(args, format);
	Line("", format, args);
	va_end(args);
}
