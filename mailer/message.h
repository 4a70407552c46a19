/* message.h: a message of the outbox, and what it is on the wire. */
#ifndef MAILER_MESSAGE_H
#define MAILER_MESSAGE_H

#include <curl/curl.h>
#include <stdbool.h>

#include "options.h"

#define MESSAGE_ID_LENGTH 36
#define ERROR_LENGTH 256

/* What the database is still to be told of a claimed message. */
typedef enum MessageState
{
	MESSAGE_CLAIMED,
	MESSAGE_SENT,
	MESSAGE_DEFERRED, /* try again later */
	MESSAGE_REJECTED, /* don't */
	MESSAGE_RETURNED, /* untouched */
	MESSAGE_SETTLED,  /* nothing */
} MessageState;

typedef struct Message
{
	MessageState state;
	char id[MESSAGE_ID_LENGTH + 1];
	char kind[64];
	int attempts;
	bool html;
	char *recipient;
	char *subject;
	char *body;
	char error[ERROR_LENGTH]; /* of a deferred or rejected one */
} Message;

/* Why the message can't be sent whatever the server says; NULL if it can. */
extern const char *MessageFault(const Message *message);

extern struct curl_slist *MessageHeaders(const Message *message, const Options *options);
extern curl_mime *MessageMime(CURL *curl, const char *text, size_t length, bool html);

/* With line ends for the wire; to be wiped and freed by the caller. */
extern char *MessageText(const Message *message, size_t *length);

/* The texts, wiped. */
extern void MessageWipe(Message *message);

extern void WipeText(char **text);

#endif /* MAILER_MESSAGE_H */
