/*
 * inval.c
 *	  How every backend forgets what it cached of sessions, users and roles.
 *
 * A relation-cache invalidation of an empty table, a channel, is the message:
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

static const char *const tables[BA_CHANNELS] = {
	[BA_CHANNEL_AUTHORITY] = "authority_channel",
	[BA_CHANNEL_SESSION] = "session_channel",
};

static uint64 generations[BA_CHANNELS] = {1, 1};
static Oid channels[BA_CHANNELS] = {InvalidOid, InvalidOid};

/* May be called at any moment: flips variables, looks nothing up. */
static void
Forget(Datum arg, Oid relid)
{
	int i;

	for (i = 0; i < BA_CHANNELS; i++)
		if (relid == InvalidOid || relid == channels[i])
		{
			generations[i]++;
			channels[i] = InvalidOid;
		}
}

static Oid
FindChannel(BaChannel about)
{
	if (!OidIsValid(channels[about]))
	{
		Oid schema = get_namespace_oid(BA_SCHEMA, false);

		channels[about] = get_relname_relid(tables[about], schema);
		if (!OidIsValid(channels[about]))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("extension \"bestauth\" is not installed in this database")));
	}
	return channels[about];
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
BaInvalGeneration(BaChannel about)
{
	AcceptInvalidationMessages();
	(void) FindChannel(about);
	return generations[about];
}

void
BaInvalSend(BaChannel about)
{
	CacheInvalidateRelcacheByRelid(FindChannel(about));
}
