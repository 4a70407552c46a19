/* writer_shared.h: what the two sides of the writer share, and nobody else. */
#ifndef BESTAUTH_WRITER_SHARED_H
#define BESTAUTH_WRITER_SHARED_H

#include "port/atomics.h"
#include "storage/lwlock.h"
#include "utils/timestamp.h"

#include "writer.h"

#define SLOTS 64   /* requests under way at once, all databases */
#define WRITERS 32 /* databases with a writer at once */

typedef enum BaRequestState
{
	REQUEST_FREE,
	REQUEST_PENDING,
	REQUEST_RUNNING,
	REQUEST_DONE,
	REQUEST_FAILED
} BaRequestState;

typedef struct BaRequest
{
	pg_atomic_uint32 state;
	Oid database;
	int client;     /* number of the waiting process */
	bool abandoned; /* the client has gone: free it when done */
	bool taken;     /* a worker of its own has it, and unpinned the segment */
	BaWriterKind kind;
	int length;
	char payload[BA_WRITER_PAYLOAD];
	char reply[BA_WRITER_REPLY];
} BaRequest;

typedef struct BaWriterEntry
{
	Oid database; /* InvalidOid: a free entry */
	int process;  /* its number, -1 while it starts */
	TimestampTz started_at;
} BaWriterEntry;

typedef struct BaWriterShared
{
	LWLock *lock; /* guards everything but a running request's answer */
	BaWriterEntry writers[WRITERS];
	BaRequest requests[SLOTS];
} BaWriterShared;

extern BaWriterShared *BaWriterMemory; /* NULL without preload */
extern BaWriterHandler BaWriterHandlers[BA_WRITER_KINDS];

extern PGDLLEXPORT void bestauth_writer_main(Datum arg);

#endif /* BESTAUTH_WRITER_SHARED_H */
