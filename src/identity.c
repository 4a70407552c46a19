/*
 * identity.c
 *	  The identity of a transaction as text, and the text as an identity.
 *
 * The text is what the setting bestauth.identity holds (context.c), and how the
 * identity reaches parallel workers: ids and names, no secret.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "compat.h"
#include "identity.h"

/* ----------------------------------------------------------------- writing */

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
PutIds(StringInfo text, const BaIdSet *set)
{
	appendStringInfo(text, "%d ", set->count);
	enlargeStringInfo(text, 2 * UUID_LEN * set->count);
	text->len += hex_encode((const char *) set->ids, UUID_LEN * set->count,
							text->data + text->len);
	text->data[text->len] = '\0';
}

/* Fixed fields first, then length-prefixed ones: no name needs quoting. */
char *
BaIdentityText(const BaIdentity *identity)
{
	StringInfoData text;
	int i;

	initStringInfo(&text);
	PutId(&text, &identity->session_id);
	PutId(&text, &identity->user_id);
	PutId(&text, &identity->person_id);
	PutId(&text, &identity->company_id);
	PutId(&text, &identity->own_company_id);
	PutId(&text, &identity->service_id);
	PutId(&text, &identity->office_id);
	PutId(&text, &identity->provider_id);
	PutId(&text, &identity->emergency_id);
	appendStringInfo(&text, "%d %d %d %d " INT64_FORMAT " ", identity->has_service,
					 identity->has_office, identity->has_provider,
					 identity->has_emergency, identity->expires_at);
	PutField(&text, identity->user_type);
	PutField(&text, identity->username);
	PutField(&text, identity->person);
	PutField(&text, identity->company_code);
	PutField(&text, identity->service_code);
	PutField(&text, identity->client_addr);
	appendStringInfo(&text, "%d ", identity->permission_count);
	for (i = 0; i < identity->permission_count; i++)
		PutField(&text, identity->permissions[i]);
	PutIds(&text, &identity->companies);
	PutIds(&text, &identity->providers);
	return text.data;
}

/* ----------------------------------------------------------------- reading */

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

static void
GetIds(Reader *reader, size_t length, BaIdSet *set)
{
	int64 count = GetNumber(reader, ' ');
	pg_uuid_t *ids;
	int i;

	reader->failed |= count > length / (2 * UUID_LEN);
	if (reader->failed)
		return;
	ids = Take(reader, sizeof(pg_uuid_t) * count);
	for (i = 0; i < count; i++)
		GetId(reader, &ids[i]);
	if (!reader->failed)
		BaIdSetBuild(set, Take(reader, BaIdSetRoom(count)), ids, count);
}

static void
GetLists(Reader *reader, BaIdentity *identity, size_t length)
{
	int64 count = GetNumber(reader, ' ');
	int i;

	reader->failed |= count > length / 2;
	if (reader->failed)
		return;
	identity->permission_count = count;
	identity->permissions = Take(reader, sizeof(char *) * count);
	for (i = 0; i < count; i++)
		identity->permissions[i] = GetField(reader);
	GetIds(reader, length, &identity->companies);
	GetIds(reader, length, &identity->providers);
}

/*
 * One block, from malloc, that free() takes away. No part of it takes more room
 * than eight bytes and an alignment for each byte of the text.
 */
BaIdentity *
BaIdentityParse(const char *text)
{
	size_t length = strlen(text);
	BaIdentity *identity = BaGucMalloc(sizeof(BaIdentity) + 8 * length + 1024);
	Reader reader = {text, (char *) identity, false};

	if (identity == NULL)
		return NULL;
	memset(identity, 0, sizeof(BaIdentity));
	(void) Take(&reader, sizeof(BaIdentity));
	GetId(&reader, &identity->session_id);
	GetId(&reader, &identity->user_id);
	GetId(&reader, &identity->person_id);
	GetId(&reader, &identity->company_id);
	GetId(&reader, &identity->own_company_id);
	GetId(&reader, &identity->service_id);
	GetId(&reader, &identity->office_id);
	GetId(&reader, &identity->provider_id);
	GetId(&reader, &identity->emergency_id);
	identity->has_service = GetNumber(&reader, ' ') != 0;
	identity->has_office = GetNumber(&reader, ' ') != 0;
	identity->has_provider = GetNumber(&reader, ' ') != 0;
	identity->has_emergency = GetNumber(&reader, ' ') != 0;
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

static int
CompareName(const void *key, const void *element)
{
	return strcmp(key, *(char *const *) element);
}

bool
BaIdentityHolds(const BaIdentity *identity, const char *permission)
{
	return bsearch(permission, identity->permissions, identity->permission_count,
				   sizeof(char *), CompareName) != NULL;
}
