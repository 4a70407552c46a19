/*
 * authority.c
 *	  What a user is and may do, remembered by the backend until anything about
 *	  authority changes anywhere (inval.c): so the first use of a session reads the
 *	  session's own row and no more.
 *
 * All entries are of one generation, and live in one memory context, beside what
 * else rests on them (session_use.c). BaAuthorityBegin() alone replaces it. The old
 * one ends with the transaction, in which an identity may still point into it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "authority.h"
#include "inval.h"
#include "permission.h"
#include "query.h"

#define CACHE_MAX 4096          /* users remembered by a backend */
#define CACHE_BYTES (64L << 20) /* with all that belongs to them */

static BaQuery load_user = {
	.sql =
		"SELECT u.company_id, u.billing_service_id, u.username, u.user_type, u.version, u.persons_limited,"
		" u.locked_at IS NOT NULL, u.deleted_at IS NOT NULL, c.code,"
		" v.company_id IS NOT NULL AND v.unregistered_at IS NULL, v.version, u.office_id, u.provider_id"
		" FROM bestauth.user_account u JOIN bestauth.company c ON c.company_id = u.company_id"
		" LEFT JOIN bestauth.billing_service v ON v.company_id = u.billing_service_id"
		" WHERE u.user_id = $1",
	.latest = true,
};

static HTAB *cache = NULL;
static MemoryContext context = NULL;
static uint64 cached_generation = 0;
static uint64 cached_epoch = 0; /* counts the contexts */

static void
Renew(void)
{
	HASHCTL control;

	if (context != NULL)
		MemoryContextSetParent(context, TopTransactionContext);
	context = NULL;
	cache = NULL;
	cached_epoch++;
	context = AllocSetContextCreate(TopMemoryContext, "bestauth authority",
									ALLOCSET_DEFAULT_SIZES);
	memset(&control, 0, sizeof(control));
	control.keysize = sizeof(pg_uuid_t);
	control.entrysize = sizeof(BaAuthority);
	control.hcxt = context;
	cache = hash_create("bestauth authority", 64, &control,
						HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/*
 * Before the source is read: forgets what is of another generation, or grew too
 * large.
 */
void
BaAuthorityBegin(void)
{
	uint64 generation = BaInvalGeneration(BA_CHANNEL_AUTHORITY);

	if (cache == NULL || cached_generation != generation ||
		hash_get_num_entries(cache) >= CACHE_MAX ||
		MemoryContextMemAllocated(context, true) > CACHE_BYTES)
		Renew();
	cached_generation = generation;
}

bool
BaAuthorityIsCurrent(void)
{
	return cache != NULL && cached_generation == BaInvalGeneration(BA_CHANNEL_AUTHORITY);
}

/* For what points to what is remembered here: worthless once the epoch is another. */
MemoryContext
BaAuthorityContext(uint64 *epoch)
{
	*epoch = cached_epoch;
	return context;
}

static void
Fill(BaAuthority *authority, const BaRow *row)
{
	BaUser *user = &authority->user;

	user->user_id = authority->user_id;
	(void) BaGetUuid(row, 0, &user->company_id);
	user->has_service = BaGetUuid(row, 1, &user->service_id);
	user->username = BaGetText(row, 2);
	user->type = BaUserTypeRequire(BaGetText(row, 3));
	user->email = user->first_name = user->last_name = NULL;
	user->has_portal = user->verified = false; /* not asked for here */
	user->has_office = BaGetUuid(row, 11, &user->office_id);
	user->has_provider = BaGetUuid(row, 12, &user->provider_id);
	user->version = BaGetInt(row, 4);
	user->persons_limited = BaGetBool(row, 5);
	user->locked = BaGetBool(row, 6);
	user->deleted = BaGetBool(row, 7);
	authority->company_code = BaGetText(row, 8);
	authority->service_registered = BaGetBool(row, 9);
	authority->service_version = BaGetInt(row, 10);
	authority->own.known = authority->emergency.known = false;
}

/* NULL if there is no such user. */
BaAuthority *
BaAuthorityOf(const pg_uuid_t *user_id)
{
	BaAuthority *authority = hash_search(cache, user_id, HASH_FIND, NULL);
	BaAuthority found;
	MemoryContext old;
	BaArgs args = {0};
	BaRow row;

	if (authority != NULL)
		return authority;
	/* Read first, enter then: an error must leave no half entry. */
	BaPutUuid(&args, user_id);
	if (!BaQueryRow(&load_user, &args, &row))
		return NULL;
	found.user_id = *user_id;
	old = MemoryContextSwitchTo(context);
	Fill(&found, &row);
	MemoryContextSwitchTo(old);
	authority = hash_search(cache, user_id, HASH_ENTER, NULL);
	*authority = found;
	return authority;
}

static void
SetLists(BaAuthorityLists *lists, Datum permissions, Datum companies, Datum providers)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	Datum *values;
	int i;

	deconstruct_array(DatumGetArrayTypeP(permissions), TEXTOID, -1, false, TYPALIGN_INT,
					  &values, NULL, &lists->permission_count);
	lists->permissions = palloc(sizeof(char *) * (lists->permission_count + 1));
	for (i = 0; i < lists->permission_count; i++)
		lists->permissions[i] = TextDatumGetCString(values[i]);
	BaIdSetFromArray(&lists->companies, companies);
	BaIdSetFromArray(&lists->providers, providers);
	lists->known = true;
	MemoryContextSwitchTo(old);
}

/* Permissions, companies and providers, which only the user of a session needs. */
const BaAuthorityLists *
BaAuthorityOwn(BaAuthority *authority)
{
	const BaUser *user = &authority->user;

	if (!authority->own.known)
		SetLists(&authority->own, BaPermissionsOf(user), BaCompaniesOf(user),
				 BaProvidersOf(user));
	return &authority->own;
}

/* The same in a session that has started emergency access. */
const BaAuthorityLists *
BaAuthorityInEmergency(BaAuthority *authority)
{
	const BaUser *user = &authority->user;

	if (!authority->emergency.known)
		SetLists(&authority->emergency, BaPermissionsInEmergency(user),
				 BaCompaniesInEmergency(user), BaProvidersOf(user));
	return &authority->emergency;
}
