/*
 * smtp.c
 *	  The SMTP server, by libcurl, which keeps the connection from one call to the
 *	  next.
 *
 * Nothing that the server says is kept but its status codes, which are numbers: its text may
 * quote the message.
 */
#include "smtp.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

/* How far a transaction came. */
typedef enum Phase
{
	PHASE_CONNECTING,
	PHASE_SENDER,
	PHASE_RECIPIENT,
	PHASE_MESSAGE,
} Phase;

/* That, and the enhanced status code (RFC 3463) of the answer to the last command. */
typedef struct Progress
{
	Phase phase;
	bool is_over; /* what comes now is an answer to QUIT */
	int class;    /* 0: there was no such code */
	int topic;
	int detail;
} Progress;

static CURL *curl;
/* libcurl knows its address until the end, when it says QUIT */
static Progress progress;
static bool was_connected;

bool
SmtpOpen(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		curl = curl_easy_init();
	if (curl == NULL)
		LogError("could not start libcurl");
	return curl != NULL;
}

void
SmtpClose(void)
{
	curl_easy_cleanup(curl);
	curl_global_cleanup();
}

/* One to three digits and what ends them; -1 if it isn't so. */
static int
Number(const char **at, const char *end, const char *ends)
{
	const char *p = *at;
	int number = 0;

	while (p < end && p - *at < 3 && isdigit((unsigned char) *p))
		number = 10 * number + *p++ - '0';
	if (p == *at || p == end || strchr(ends, *p) == NULL)
		return -1;
	*at = p + 1;
	return number;
}

/* "550 5.7.1 text", or "550-5.7.1 text" in a line that isn't the last. */
static void
NoteAnswer(const char *line, const char *end)
{
	const char *at = line;
	int status = Number(&at, end, " -");
	int class = Number(&at, end, ".");
	int topic = Number(&at, end, ".");
	int detail = Number(&at, end, " \r\n");

	/* what contradicts itself says nothing */
	if (class < 0 || topic < 0 || detail < 0 || class != status / 100)
		return;
	progress.class = class;
	progress.topic = topic;
	progress.detail = detail;
}

/* Notes the commands as they go out, which says what an answer is an answer to. */
static void
NoteCommand(const char *line, size_t size)
{
	if (size >= 6 && strncmp(line, "QUIT\r\n", 6) == 0)
	{
		progress.is_over = true;
		return;
	}
	progress.class = 0;
	if (size > 10 && strncmp(line, "MAIL FROM:", 10) == 0)
		progress.phase = PHASE_SENDER;
	else if (size > 8 && strncmp(line, "RCPT TO:", 8) == 0)
		progress.phase = PHASE_RECIPIENT;
	else if (size >= 6 && strncmp(line, "DATA\r\n", 6) == 0)
		progress.phase = PHASE_MESSAGE;
}

static int
Watch(CURL *handle, curl_infotype type, char *data, size_t size, void *arg)
{
	(void) handle;
	(void) arg;
	if (progress.is_over)
		return 0;
	if (type == CURLINFO_HEADER_OUT)
		NoteCommand(data, size);
	else if (type == CURLINFO_HEADER_IN)
		NoteAnswer(data, data + size);
	return 0;
}

static size_t
Ignore(char *data, size_t size, size_t items, void *arg)
{
	(void) data;
	(void) arg;
	return size * items;
}

/* All options anew; the connection stays. */
static void
Prepare(const Options *options)
{
	progress = (Progress){.phase = PHASE_CONNECTING};
	curl_easy_reset(curl);
	curl_easy_setopt(curl, CURLOPT_URL, options->smtp_url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long) options->timeout);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long) options->timeout);
	curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long) options->timeout);
	curl_easy_setopt(curl, CURLOPT_USE_SSL,
					 (long) (options->tls_required ? CURLUSESSL_ALL : CURLUSESSL_NONE));
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
	if (options->ca_file != NULL)
	{
		curl_easy_setopt(curl, CURLOPT_CAINFO, options->ca_file);
		curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	}
	if (options->smtp_user != NULL)
	{
		curl_easy_setopt(curl, CURLOPT_USERNAME, options->smtp_user);
		curl_easy_setopt(curl, CURLOPT_PASSWORD, options->smtp_password);
	}
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, Ignore);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, Ignore);
	curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, Watch);
	curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L);
}

/* curl's words for its own code, and the server's numbers. */
static long
Describe(CURLcode result, char *error)
{
	long status = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 400 && status / 100 == progress.class)
		snprintf(error, ERROR_LENGTH, "%s (SMTP status %ld %d.%d.%d)",
				 curl_easy_strerror(result), status, progress.class, progress.topic,
				 progress.detail);
	else if (status >= 400)
		snprintf(error, ERROR_LENGTH, "%s (SMTP status %ld)", curl_easy_strerror(result),
				 status);
	else
		snprintf(error, ERROR_LENGTH, "%s", curl_easy_strerror(result));
	return status;
}

static CURLcode
Noop(const Options *options, bool fresh)
{
	Prepare(options);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "NOOP");
	curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L);
	return curl_easy_perform(curl);
}

bool
SmtpCheck(const Options *options, char *error)
{
	CURLcode result = Noop(options, !was_connected);

	/* the connection that was kept may be gone, and the server still there */
	if (result != CURLE_OK && was_connected)
		result = Noop(options, true);
	was_connected = result == CURLE_OK;
	if (!was_connected)
		(void) Describe(result, error);
	return was_connected;
}

/*
 * Is a 5xx about this message or its recipient? One that is about the client or the sender,
 * which are the same in all messages, must not bury them all; what the server thinks of
 * those, many say at RCPT TO only.
 */
static bool
IsForGood(long status)
{
	int topic = progress.class == 5 ? progress.topic : 0;
	bool is_sender = topic == 1 && (progress.detail == 7 || progress.detail == 8);

	/* 5.7: what it lets anybody do */
	if (topic == 7 || is_sender)
		return false;
	switch (progress.phase)
	{
		case PHASE_CONNECTING:
			return false;
		case PHASE_SENDER:
			/* the size */
			return status == 552;
		case PHASE_RECIPIENT:
			return topic == 1 || topic == 6 ||
				   (status != 530 && status != 535 && status != 538 && status != 554);
		case PHASE_MESSAGE:
			return true;
	}
	return false;
}

static SmtpOutcome
Judge(CURLcode result, long status)
{
	bool answered = status >= 400 && status != 421 && result != CURLE_OPERATION_TIMEDOUT;
	Phase phase = progress.phase;

	if (result == CURLE_OK)
		return SMTP_SENT;
	if (phase == PHASE_CONNECTING || (phase == PHASE_SENDER && status == 421))
		return SMTP_UNREACHED;
	if (!answered)
		return SMTP_LOST;
	if (status >= 500 && IsForGood(status))
		return SMTP_REJECTED;
	return SMTP_DEFERRED;
}

SmtpOutcome
SmtpSend(const Options *options, const Message *message, char *error)
{
	struct curl_slist *headers = MessageHeaders(message, options);
	struct curl_slist *recipients = curl_slist_append(NULL, message->recipient);
	size_t length;
	char *text = MessageText(message, &length);
	curl_mime *mime = MessageMime(curl, text, length, message->html);
	CURLcode result;
	SmtpOutcome outcome;

	Prepare(options);
	curl_easy_setopt(curl, CURLOPT_MAIL_FROM, options->from_address);
	curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_MIMEPOST, mime);
	result = curl_easy_perform(curl);
	outcome = Judge(result, Describe(result, error));

	curl_easy_setopt(curl, CURLOPT_MIMEPOST, NULL);
	curl_mime_free(mime);
	curl_slist_free_all(headers);
	curl_slist_free_all(recipients);
	WipeText(&text);
	return outcome;
}
