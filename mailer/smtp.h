/* smtp.h: the SMTP server. */
#ifndef MAILER_SMTP_H
#define MAILER_SMTP_H

#include "message.h"
#include "options.h"

typedef enum SmtpOutcome
{
	SMTP_SENT,
	SMTP_DEFERRED,  /* this message, for now */
	SMTP_REJECTED,  /* this message, for good */
	SMTP_LOST,      /* the connection, while the server had this message in hand */
	SMTP_UNREACHED, /* nothing was said of this message */
} SmtpOutcome;

extern bool SmtpOpen(void);
extern void SmtpClose(void);

/* Is the server there, and takes us? Connects if need be. Fills error if not. */
extern bool SmtpCheck(const Options *options, char *error);

/* Fills error unless the message was sent. */
extern SmtpOutcome SmtpSend(const Options *options, const Message *message, char *error);

#endif /* MAILER_SMTP_H */
