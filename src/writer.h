/* writer.h: writing outside the caller's transaction. */
#ifndef BESTAUTH_WRITER_H
#define BESTAUTH_WRITER_H

#include "lib/stringinfo.h"

#define BA_WRITER_PAYLOAD 12288 /* bytes of a request: see record_access() */
#define BA_WRITER_REPLY 64     /* bytes of an answer */

typedef enum BaWriterKind
{
	BA_WRITER_COUNTER,
	BA_WRITER_AUDIT,
	BA_WRITER_FOLD,
	BA_WRITER_PARTITION,
	BA_WRITER_TOUCH,
	BA_WRITER_LOSS,
	BA_WRITER_MAIL,
	BA_WRITER_EMERGENCY,
	BA_WRITER_KINDS
} BaWriterKind;

/* Runs in the writer, in a transaction of its own; writes its answer to reply. */
typedef void (*BaWriterHandler)(const char *payload, int length, char *reply);

extern bool BaWriterIsSelf; /* is this process the writer? */

extern void BaWriterInit(void);
extern void BaWriterRegister(BaWriterKind kind, BaWriterHandler handler);
extern void BaWriterPost(BaWriterKind kind, const char *payload, int length);
extern void BaWriterCall(BaWriterKind kind, const char *payload, int length, char *reply);

#endif /* BESTAUTH_WRITER_H */
