/* database.h: the outbox. */
#ifndef MAILER_DATABASE_H
#define MAILER_DATABASE_H

#include <stdbool.h>

#include "message.h"
#include "options.h"

/* Connects and listens. False: not now. */
extern bool DatabaseOpen(const Options *options);
extern bool DatabaseIsOpen(void);
extern void DatabaseClose(void);

/* From now on, all answers together are waited for that long at most. */
extern void DatabaseHurry(int seconds);

/* Of the connection, for waiting; -1 for none. */
extern int DatabaseSocket(void);

/* Was there a NOTIFY since it was asked last? Closes a connection that is gone. */
extern bool DatabaseNotified(void);

/* Fills the messages, at most options->batch. Returns how many; -1: it failed. */
extern int DatabaseClaim(const Options *options, Message *messages);

/* Tells what became of a message. True: there is nothing more to tell. */
extern bool DatabaseSettle(Message *message);

/* Seals what is over in the audit. */
extern void DatabaseSeal(void);

#endif /* MAILER_DATABASE_H */
