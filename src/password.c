/*
 * password.c
 *	  Hashing and checking passwords.
 *
 * The hash is pgcrypto's bcrypt over base64(HMAC-SHA-384(key, password)): 64
 * characters, so that bcrypt's limit of 72 bytes cuts nothing and no byte of a
 * long password goes unread. The key is the pepper where one is set, and a
 * constant of ours where none is, which keeps hashes stolen elsewhere from being
 * tried here unhashed. The password is brought to the form of RFC 8265
 * (OpaqueString: NFC, every space a plain one) first.
 *
 * Only $2a$ with a cost from 10 to 31 is ever handed to crypt(): it takes $2b$,
 * $2y$, empty and marker "salts" for other algorithms, or raises.
 */
#include "postgres.h"

#include <sys/stat.h>

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "common/unicode_norm.h"
#include "mb/pg_wchar.h"
#include "storage/fd.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/syscache.h"

#include "bestauth.h"
#include "crypto.h"
#include "password.h"
#include "settings.h"
#include "slot.h"

#define HASH_LENGTH 60
#define PLAIN_KEY "bestauth password, version 1"
#define MAX_PEPPER 256 /* bytes */

typedef struct Pepper
{
	char *id; /* NULL: the plain key */
	uint8 key[MAX_PEPPER];
	int length;
} Pepper;

/* ---------------------------------------------------------------- pgcrypto */

/*
 * Is it the function of that symbol in pgcrypto's library? Only a superuser can
 * make one that says so; membership alone proves nothing, for the owner of the
 * extension can add members.
 */
static bool
IsPgcrypto(HeapTuple tuple, const char *symbol)
{
	Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(tuple);
	bool isnull;
	Datum value;

	if (proc->prolang != ClanguageId || proc->prosecdef)
		return false;
	value = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_probin, &isnull);
	if (isnull || strcmp(TextDatumGetCString(value), "$libdir/pgcrypto") != 0)
		return false;
	value = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull);
	return !isnull && strcmp(TextDatumGetCString(value), symbol) == 0;
}

/*
 * A function of pgcrypto, found by its membership in the extension and by what it
 * is: it may live in any schema, and one of the same name elsewhere is not it.
 */
static Oid
PgcryptoFunction(const char *name, const char *symbol, Oid second_type)
{
	Oid extension = get_extension_oid("pgcrypto", false);
	CatCList *list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	Oid found = InvalidOid;
	int i;

	for (i = 0; i < list->n_members && !OidIsValid(found); i++)
	{
		Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(&list->members[i]->tuple);

		if (proc->pronargs == 2 && proc->proargtypes.values[0] == TEXTOID &&
			proc->proargtypes.values[1] == second_type &&
			IsPgcrypto(&list->members[i]->tuple, symbol) &&
			getExtensionOfObject(ProcedureRelationId, proc->oid) == extension)
			found = proc->oid;
	}
	ReleaseSysCacheList(list);
	if (!OidIsValid(found))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
						errmsg("extension \"pgcrypto\" has no function \"%s\"", name)));
	return found;
}

static char *
Crypt(const char *secret, const char *salt)
{
	Oid function = PgcryptoFunction("crypt", "pg_crypt", TEXTOID);
	int slot = BaSlotTake();
	char *hash =
		TextDatumGetCString(OidFunctionCall2(function, CStringGetTextDatum(secret),
											 CStringGetTextDatum(salt)));

	BaSlotGive(slot);
	return hash;
}

static char *
MakeSalt(void)
{
	return TextDatumGetCString(
		OidFunctionCall2(PgcryptoFunction("gen_salt", "pg_gen_salt_rounds", INT4OID),
						 CStringGetTextDatum("bf"), Int32GetDatum(BaHashCost)));
}

/* ----------------------------------------------------------------- peppers */

/* False for a line that is no key. "fault" is set for one that should be. */
static bool
ParsePepper(char *line, Pepper *pepper, bool *fault)
{
	char *hex;
	size_t length;

	line[strcspn(line, "\r\n")] = '\0';
	if (*line == '\0' || *line == '#')
		return false;
	hex = strchr(line, ' ');
	length = hex ? strlen(hex + 1) : 0;
	*fault = hex == NULL || length < 64 || length > 2 * MAX_PEPPER || length % 2 != 0 ||
			 strspn(hex + 1, "0123456789abcdefABCDEF") != length;
	if (*fault)
		return false;
	*hex = '\0';
	pepper->id = pstrdup(line);
	pepper->length = hex_decode(hex + 1, length, (char *) pepper->key);
	return true;
}

static FILE *
OpenPepperFile(void)
{
	FILE *file = AllocateFile(BaPepperFile, "r");
	struct stat st;

	if (file == NULL || fstat(fileno(file), &st) != 0)
		ereport(ERROR, (errcode(ERRCODE_CONFIG_FILE_ERROR),
						errmsg("could not read the pepper file"),
						errdetail_log("File \"%s\": %m", BaPepperFile)));
	if (st.st_mode & (S_IRWXO | S_IWGRP))
		ereport(ERROR, (errcode(ERRCODE_CONFIG_FILE_ERROR),
						errmsg("pepper file must not be open to others")));
	return file;
}

/* The rest of a line that is too long is passed over; as a key it is none then. */
static bool
ReadLine(FILE *file, char *line, int size)
{
	int c = 0;

	if (fgets(line, size, file) == NULL)
		return false;
	if (strchr(line, '\n') == NULL)
		while (c != EOF && c != '\n')
			c = getc(file);
	return true;
}

/*
 * The pepper of that id; the first in the file for NULL. Without a file the one
 * key there is is the constant. Read anew each time: next to the hash it costs
 * nothing, and a rotated file counts at once. What is read is wiped, the file's
 * own buffer as well.
 */
static bool
FindPepper(const char *id, bool newest, Pepper *pepper)
{
	FILE *file;
	char buffer[BUFSIZ];
	char line[2 * MAX_PEPPER + 200];
	bool found = false;
	bool fault = false;

	if (newest ? BaPepperFile[0] == '\0' : id == NULL)
	{
		pepper->id = NULL;
		pepper->length = strlen(PLAIN_KEY);
		memcpy(pepper->key, PLAIN_KEY, pepper->length);
		return true;
	}
	if (BaPepperFile[0] == '\0')
		return false;
	file = OpenPepperFile();
	(void) setvbuf(file, buffer, _IOFBF, sizeof(buffer));
	while (!found && !fault && ReadLine(file, line, sizeof(line)))
		found =
			ParsePepper(line, pepper, &fault) && (newest || strcmp(pepper->id, id) == 0);
	FreeFile(file);
	explicit_bzero(line, sizeof(line));
	explicit_bzero(buffer, sizeof(buffer));
	if (fault)
		ereport(
			ERROR,
			(errcode(ERRCODE_CONFIG_FILE_ERROR),
			 errmsg(
				 "pepper file has a line that is not a key id, a space and 64 to %d hexadecimal digits",
				 2 * MAX_PEPPER)));
	if (newest && !found)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIG_FILE_ERROR), errmsg("pepper file has no key")));
	return found;
}

/* ------------------------------------------------------------------ hashes */

static bool
IsSpace(pg_wchar c)
{
	return c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f ||
		   c == 0x205f || c == 0x3000;
}

/*
 * RFC 8265, OpaqueString, without its refusals: those are the policy's. To be
 * called in a context of BaSecretBegin().
 */
char *
BaPasswordNormalize(const char *password)
{
	int length = strlen(password);
	pg_wchar *chars = palloc(sizeof(pg_wchar) * (length + 1));
	int count = pg_mb2wchar_with_len(password, chars, length);
	pg_wchar *normal;
	unsigned char *result, *to;
	int i;

	for (i = 0; i < count; i++)
		if (IsSpace(chars[i]))
			chars[i] = ' ';
	chars[count] = 0;
	normal = unicode_normalize(UNICODE_NFC, chars);
	for (count = 0; normal[count]; count++)
		;
	result = to = palloc(count * MAX_MULTIBYTE_CHAR_LEN + 1);
	for (i = 0; i < count; i++)
	{
		unicode_to_utf8(normal[i], to);
		to += pg_utf_mblen(to);
	}
	*to = '\0';
	return (char *) result;
}

static char *
Prehash(const char *password, const Pepper *pepper)
{
	return BaHmacSha384Base64(pepper->key, pepper->length, BaPasswordNormalize(password));
}

/* The cost of a hash that this module made, 0 for anything else. */
static int
HashCost(const char *hash)
{
	static const char alphabet[] =
		"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	int cost;

	if (hash == NULL || strlen(hash) != HASH_LENGTH || strncmp(hash, "$2a$", 4) != 0 ||
		hash[4] < '1' || hash[4] > '3' || hash[5] < '0' || hash[5] > '9' ||
		hash[6] != '$' || strspn(hash + 7, alphabet) != HASH_LENGTH - 7)
		return 0;
	cost = (hash[4] - '0') * 10 + (hash[5] - '0');
	return cost <= 31 ? cost : 0;
}

/* All work on a password happens in a context that is wiped, also after an error. */
BaPasswordHash
BaPasswordMake(const char *password)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext own = BaSecretBegin();
	BaPasswordHash result;

	PG_TRY();
	{
		Pepper *pepper;
		char *hash;

		MemoryContextSwitchTo(own);
		pepper = palloc(sizeof(Pepper));
		(void) FindPepper(NULL, true, pepper);
		hash = Crypt(Prehash(password, pepper), MakeSalt());
		MemoryContextSwitchTo(caller);
		result.hash = pstrdup(hash);
		result.pepper_id = pepper->id ? pstrdup(pepper->id) : NULL;
	}
	PG_FINALLY();
	{
		MemoryContextSwitchTo(caller);
		BaSecretEnd(own);
	}
	PG_END_TRY();
	if (HashCost(result.hash) == 0)
		elog(ERROR, "pgcrypto made a hash of an unknown form");
	return result;
}

static bool
Verify(const char *password, const BaPasswordHash *stored)
{
	Pepper *pepper = palloc(sizeof(Pepper));
	char *prehash;
	char *salt;
	bool usable;

	usable = HashCost(stored->hash) != 0 && strlen(password) <= BA_MAX_PASSWORD &&
			 FindPepper(stored->pepper_id, false, pepper);
	if (!usable)
		(void) FindPepper(NULL, true, pepper);
	prehash = Prehash(strlen(password) <= BA_MAX_PASSWORD ? password : "", pepper);
	salt = usable ? stored->hash : MakeSalt();
	return BaSecretEqual(Crypt(prehash, salt), salt) && usable;
}

/*
 * Does the password fit? Without a usable hash a hash of the configured cost is
 * computed all the same, so that the time does not tell who exists.
 */
bool
BaPasswordVerify(const char *password, const BaPasswordHash *stored)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext own = BaSecretBegin();
	bool fits = false;

	PG_TRY();
	{
		MemoryContextSwitchTo(own);
		fits = Verify(password, stored);
	}
	PG_FINALLY();
	{
		MemoryContextSwitchTo(caller);
		BaSecretEnd(own);
	}
	PG_END_TRY();
	return fits;
}

/*
 * Why a password did not fit, for the audit. A hash that can't be checked at all
 * is a matter for the DBA: a botched rotation of the pepper locks everybody out.
 */
const char *
BaPasswordFault(const BaPasswordHash *stored)
{
	Pepper pepper;
	bool found;

	if (HashCost(stored->hash) == 0)
		return "stored password is of no known form";
	found = FindPepper(stored->pepper_id, false, &pepper);
	explicit_bzero(&pepper.key, sizeof(pepper.key));
	if (found)
		return "wrong password";
	ereport(
		LOG,
		(errcode(ERRCODE_CONFIG_FILE_ERROR),
		 errmsg(
			 "a stored password names pepper key \"%s\", which is not in the pepper file",
			 stored->pepper_id)));
	return "stored password names a pepper key that is not in the file";
}

/* Was the hash made with a lower cost, or another pepper, than a new one would be? */
bool
BaPasswordIsStale(const BaPasswordHash *stored)
{
	Pepper pepper;

	(void) FindPepper(NULL, true, &pepper);
	explicit_bzero(&pepper.key, sizeof(pepper.key));
	return HashCost(stored->hash) < BaHashCost ||
		   (stored->pepper_id == NULL) != (pepper.id == NULL) ||
		   (pepper.id != NULL && strcmp(stored->pepper_id, pepper.id) != 0);
}
