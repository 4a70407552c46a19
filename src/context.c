/*
 * context.c
 *	  The identity of the transaction: who called use_session(), and with what.
 *
 * It lives in the setting bestauth.identity, which only BaContextSet() can write:
 * the check hook refuses every other value, a superuser's too. The setting is
 * set LOCAL, so the server itself drops it at the end of the transaction, brings
 * the value before a savepoint back, and hands it to parallel workers, all without
 * a callback of ours. Its text holds ids and names, no secret.
 *
 * The hook parses the text into one block that it hangs on the setting; readers
 * see that block through BaContextIdentity() and keep no pointer into it beyond
 * their call. Absent means denied.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "compat.h"
#include "context.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_current_session_id);
PG_FUNCTION_INFO_V1(bestauth_current_user_id);
PG_FUNCTION_INFO_V1(bestauth_current_person_id);
PG_FUNCTION_INFO_V1(bestauth_current_company_id);
PG_FUNCTION_INFO_V1(bestauth_current_billing_service_id);
PG_FUNCTION_INFO_V1(bestauth_current_office_id);
PG_FUNCTION_INFO_V1(bestauth_current_provider_id);
PG_FUNCTION_INFO_V1(bestauth_has_permission);
PG_FUNCTION_INFO_V1(bestauth_can_access_company);
PG_FUNCTION_INFO_V1(bestauth_accessible_company_ids);
PG_FUNCTION_INFO_V1(bestauth_can_access_provider);
PG_FUNCTION_INFO_V1(bestauth_visible_provider_ids);

static char *setting = NULL;
static const BaIdentity *current = NULL;
static bool aside = false;
static bool writing = false;

/* ------------------------------------------------------ the setting's text */

static void
PutField(StringInfo text, const char *value)
{
	appendStringInfo(text, "%zu:%s", strlen(value), value);
}

static void
PutId(StringInfo text, const pg_uuid_t *id)
{
	char hex[2 * UUID_LEN];

	hex_encode((const char *) id->data, UUID_LEN, hex);
	appendBinaryStringInfo(text, hex, sizeof(hex));
}

static void
PutIds(StringInfo text, const pg_uuid_t *ids, int count)
{
	int i;

	appendStringInfo(text, "%d ", count);
	for (i = 0; i < count; i++)
		PutId(text, &ids[i]);
}

/* Fixed fields first, then length-prefixed ones: no name needs quoting. */
char *
BaContextText(const BaIdentity *identity)
{
	StringInfoData text;
	int i;

	initStringInfo(&text);
	PutId(&text, &identity->session_id);
	PutId(&text, &identity->user_id);
	PutId(&text, &identity->person_id);
	PutId(&text, &identity->company_id);
	PutId(&text, &identity->service_id);
	PutId(&text, &identity->office_id);
	PutId(&text, &identity->provider_id);
	appendStringInfo(&text, "%d %d %d " INT64_FORMAT " ", identity->has_service,
					 identity->has_office, identity->has_provider, identity->expires_at);
	PutField(&text, identity->user_type);
	PutField(&text, identity->username);
	PutField(&text, identity->person);
	PutField(&text, identity->company_code);
	PutField(&text, identity->service_code);
	PutField(&text, identity->client_addr);
	appendStringInfo(&text, "%d ", identity->permission_count);
	for (i = 0; i < identity->permission_count; i++)
		PutField(&text, identity->permissions[i]);
	PutIds(&text, identity->companies, identity->company_count);
	PutIds(&text, identity->providers, identity->provider_count);
	return text.data;
}

/* Reads the text; room is where the identity's own parts are put. */
typedef struct Reader
{
	const char *at;
	char *room;
	bool failed;
} Reader;

static void *
Take(Reader *reader, size_t size)
{
	void *result = reader->room;

	reader->room += MAXALIGN(size);
	return result;
}

static int
HexDigit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void
GetId(Reader *reader, pg_uuid_t *id)
{
	int i;

	for (i = 0; i < UUID_LEN && !reader->failed; i++)
	{
		int high = HexDigit(reader->at[0]);
		int low = high < 0 ? -1 : HexDigit(reader->at[1]);

		if (low < 0)
			reader->failed = true;
		else
			id->data[i] = high * 16 + low;
		reader->at += reader->failed ? 0 : 2;
	}
}

static int64
GetNumber(Reader *reader, char end)
{
	char *stop;
	int64 number;

	if (reader->failed)
		return 0;
	number = strtoll(reader->at, &stop, 10);
	if (stop == reader->at || *stop != end || number < 0)
	{
		reader->failed = true;
		return 0;
	}
	reader->at = stop + 1;
	return number;
}

static char *
GetField(Reader *reader)
{
	size_t length = GetNumber(reader, ':');
	char *value;

	if (reader->failed || strnlen(reader->at, length) < length)
	{
		reader->failed = true;
		return NULL;
	}
	value = Take(reader, length + 1);
	memcpy(value, reader->at, length);
	value[length] = '\0';
	reader->at += length;
	return value;
}

static pg_uuid_t *
GetIds(Reader *reader, size_t length, int *count)
{
	int64 number = GetNumber(reader, ' ');
	pg_uuid_t *ids;
	int i;

	reader->failed |= number > length;
	if (reader->failed)
		return NULL;
	*count = number;
	ids = Take(reader, sizeof(pg_uuid_t) * number);
	for (i = 0; i < number; i++)
		GetId(reader, &ids[i]);
	return ids;
}

static void
GetLists(Reader *reader, BaIdentity *identity, size_t length)
{
	int64 count = GetNumber(reader, ' ');
	int i;

	reader->failed |= count > length;
	if (reader->failed)
		return;
	identity->permission_count = count;
	identity->permissions = Take(reader, sizeof(char *) * count);
	for (i = 0; i < count; i++)
		identity->permissions[i] = GetField(reader);
	identity->companies = GetIds(reader, length, &identity->company_count);
	identity->providers = GetIds(reader, length, &identity->provider_count);
}

/*
 * One block, from malloc, that free() takes away. No part of it takes more room
 * than eight bytes and an alignment for each byte of the text.
 */
static BaIdentity *
Parse(const char *text)
{
	size_t length = strlen(text);
	BaIdentity *identity = BaGucMalloc(sizeof(BaIdentity) + 16 * length + 1024);
	Reader reader = {text, (char *) identity, false};

	if (identity == NULL)
		return NULL;
	memset(identity, 0, sizeof(BaIdentity));
	(void) Take(&reader, sizeof(BaIdentity));
	GetId(&reader, &identity->session_id);
	GetId(&reader, &identity->user_id);
	GetId(&reader, &identity->person_id);
	GetId(&reader, &identity->company_id);
	GetId(&reader, &identity->service_id);
	GetId(&reader, &identity->office_id);
	GetId(&reader, &identity->provider_id);
	identity->has_service = GetNumber(&reader, ' ') != 0;
	identity->has_office = GetNumber(&reader, ' ') != 0;
	identity->has_provider = GetNumber(&reader, ' ') != 0;
	identity->expires_at = GetNumber(&reader, ' ');
	identity->user_type = GetField(&reader);
	identity->username = GetField(&reader);
	identity->person = GetField(&reader);
	identity->company_code = GetField(&reader);
	identity->service_code = GetField(&reader);
	identity->client_addr = GetField(&reader);
	GetLists(&reader, identity, length);
	if (reader.failed || *reader.at != '\0')
	{
		BaGucFree(identity);
		return NULL;
	}
	return identity;
}

/* ---------------------------------------------------------------- the hooks */

static bool
CheckIdentity(char **newval, void **extra, GucSource source)
{
	*extra = NULL;
	if (*newval == NULL || **newval == '\0')
		return true;
	if (!writing && !InitializingParallelWorker)
	{
		GUC_check_errdetail("It is set by bestauth.use_session() alone.");
		return false;
	}
	*extra = Parse(*newval);
	return *extra != NULL;
}

static void
AssignIdentity(const char *newval, void *extra)
{
	current = extra;
}

static const char *
ShowIdentity(void)
{
	return current == NULL ? "" : "(set)";
}

void
BaContextInit(void)
{
	DefineCustomStringVariable("bestauth.identity", "The identity of this transaction.",
							   "Set by bestauth.use_session() alone.", &setting, "",
							   PGC_SUSET,
							   GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE |
								   GUC_DISALLOW_IN_FILE | GUC_SUPERUSER_ONLY,
							   CheckIdentity, AssignIdentity, ShowIdentity);
}

/* NULL without a session. */
const BaIdentity *
BaContextIdentity(void)
{
	return aside ? NULL : current;
}

/*
 * Runs what anybody can call, with a link or a form, as if there were no session: one
 * that is open beside it, of another company perhaps, has nothing to do with it.
 */
Datum
BaContextAside(PGFunction act, FunctionCallInfo fcinfo)
{
	Datum result;

	aside = true;
	PG_TRY();
	{
		result = act(fcinfo);
	}
	PG_FINALLY();
	{
		aside = false;
	}
	PG_END_TRY();
	return result;
}

/* Makes it the identity until the end of the transaction; "" for none. */
void
BaContextSet(const char *text)
{
	writing = true;
	PG_TRY();
	{
		(void) set_config_option("bestauth.identity", text, PGC_SUSET, PGC_S_SESSION,
								 GUC_ACTION_LOCAL, true, ERROR, false);
	}
	PG_FINALLY();
	{
		writing = false;
	}
	PG_END_TRY();
}

/* ------------------------------------------------------------- the readers */

static int
CompareName(const void *key, const void *element)
{
	return strcmp(key, *(char *const *) element);
}

static int
CompareId(const void *a, const void *b)
{
	return memcmp(a, b, UUID_LEN);
}

bool
BaContextHasPermission(const char *name)
{
	return current != NULL &&
		   bsearch(name, current->permissions, current->permission_count, sizeof(char *),
				   CompareName) != NULL;
}

bool
BaContextCanAccessCompany(const pg_uuid_t *company_id)
{
	return current != NULL &&
		   bsearch(company_id, current->companies, current->company_count,
				   sizeof(pg_uuid_t), CompareId) != NULL;
}

bool
BaContextCanAccessProvider(const pg_uuid_t *provider_id)
{
	return current != NULL &&
		   bsearch(provider_id, current->providers, current->provider_count,
				   sizeof(pg_uuid_t), CompareId) != NULL;
}

Datum
bestauth_current_session_id(PG_FUNCTION_ARGS)
{
	if (current == NULL)
		PG_RETURN_NULL();
	return BaUuidDatum(&current->session_id);
}

Datum
bestauth_current_user_id(PG_FUNCTION_ARGS)
{
	if (current == NULL)
		PG_RETURN_NULL();
	return BaUuidDatum(&current->user_id);
}

Datum
bestauth_current_person_id(PG_FUNCTION_ARGS)
{
	if (current == NULL)
		PG_RETURN_NULL();
	return BaUuidDatum(&current->person_id);
}

Datum
bestauth_current_company_id(PG_FUNCTION_ARGS)
{
	if (current == NULL)
		PG_RETURN_NULL();
	return BaUuidDatum(&current->company_id);
}

Datum
bestauth_current_billing_service_id(PG_FUNCTION_ARGS)
{
	if (current == NULL || !current->has_service)
		PG_RETURN_NULL();
	return BaUuidDatum(&current->service_id);
}

Datum
bestauth_current_office_id(PG_FUNCTION_ARGS)
{
	if (current == NULL || !current->has_office)
		PG_RETURN_NULL();
	return BaUuidDatum(&current->office_id);
}

Datum
bestauth_current_provider_id(PG_FUNCTION_ARGS)
{
	if (current == NULL || !current->has_provider)
		PG_RETURN_NULL();
	return BaUuidDatum(&current->provider_id);
}

Datum
bestauth_has_permission(PG_FUNCTION_ARGS)
{
	if (current == NULL || PG_ARGISNULL(0))
		PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(BaContextHasPermission(text_to_cstring(PG_GETARG_TEXT_PP(0))));
}

Datum
bestauth_can_access_company(PG_FUNCTION_ARGS)
{
	if (current == NULL || PG_ARGISNULL(0))
		PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(BaContextCanAccessCompany(PG_GETARG_UUID_P(0)));
}

Datum
bestauth_can_access_provider(PG_FUNCTION_ARGS)
{
	if (current == NULL || PG_ARGISNULL(0))
		PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(BaContextCanAccessProvider(PG_GETARG_UUID_P(0)));
}

static Datum
IdArray(pg_uuid_t *all, int count)
{
	Datum *ids = palloc(sizeof(Datum) * (count + 1));
	int i;

	for (i = 0; i < count; i++)
		ids[i] = UUIDPGetDatum(&all[i]);
	PG_RETURN_ARRAYTYPE_P(
		construct_array(ids, count, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR));
}

Datum
bestauth_accessible_company_ids(PG_FUNCTION_ARGS)
{
	return IdArray(current ? current->companies : NULL,
				   current ? current->company_count : 0);
}

Datum
bestauth_visible_provider_ids(PG_FUNCTION_ARGS)
{
	return IdArray(current ? current->providers : NULL,
				   current ? current->provider_count : 0);
}
