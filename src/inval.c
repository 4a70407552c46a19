/*
 * inval.c
 *	  How every backend forgets what it cached of sessions, users and roles.
 *
 * A relation-cache invalidation of an empty table, the channel, is the message:
 * sent at commit to every backend of the database, taken in whenever somebody asks
 * for the generation. Not the data tables themselves, for that would throw away
 * every kept plan on them as well.
 *
 * A cache keeps the generation that it was filled in, asked for before the
 * source was read; an entry of another generation is no entry. What a
 * transaction cached of its own changes goes the same way when it aborts: the
 * server then plays its messages back to itself.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"

#include "bestauth.h"
#include "inval.h"

static uint64 generation = 1;
static Oid channel = InvalidOid;

/* May be called at any moment: flips variables, looks nothing up. */
static void
Forget(Datum arg, Oid relid)
{
	if (relid == InvalidOid || relid == channel)
	{
		generation++;
		channel = InvalidOid;
	}
}

static Oid
FindChannel(void)
{
	if (!OidIsValid(channel))
	{
		Oid schema = get_namespace_oid(BA_SCHEMA, false);

		channel = get_relname_relid("authority_channel", schema);
		if (!OidIsValid(channel))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("extension \"bestauth\" is not installed in this database")));
	}
	return channel;
}

void
BaInvalInit(void)
{
	CacheRegisterRelcacheCallback(Forget, (Datum) 0);
}

/*
 * From here on a change elsewhere is noticed: ask before reading the source. What
 * others have sent is taken in first: a statement that locks no table would not.
 */
uint64
BaInvalGeneration(void)
{
	AcceptInvalidationMessages();
	(void) FindChannel();
	return generation;
}

void
BaInvalSend(void)
{
	CacheInvalidateRelcacheByRelid(FindChannel());
}
