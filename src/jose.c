/*
 * jose.c
 *	  Signed tokens and keys, by libcjose: all parsing of them, and all cryptography.
 *
 * The library's memory is malloc's: what it returned is copied at once and given back,
 * also where an error is raised in between.
 */
#include "postgres.h"

#include <cjose/cjose.h>
#include <dlfcn.h>

#include "mb/pg_wchar.h"

#include "jose.h"

#define LIBRARY "libcjose.so.0"

/* What we use of it. */
typedef struct Library
{
	typeof(cjose_jwk_import) *jwk_import;
	typeof(cjose_jwk_create_EC_random) *jwk_create_EC_random;
	typeof(cjose_jwk_set_kid) *jwk_set_kid;
	typeof(cjose_jwk_to_json) *jwk_to_json;
	typeof(cjose_jwk_release) *jwk_release;
	typeof(cjose_header_new) *header_new;
	typeof(cjose_header_set) *header_set;
	typeof(cjose_header_get) *header_get;
	typeof(cjose_header_get_raw) *header_get_raw;
	typeof(cjose_header_release) *header_release;
	typeof(cjose_jws_sign) *jws_sign;
	typeof(cjose_jws_export) *jws_export;
	typeof(cjose_jws_import) *jws_import;
	typeof(cjose_jws_verify) *jws_verify;
	typeof(cjose_jws_get_plaintext) *jws_get_plaintext;
	typeof(cjose_jws_get_protected) *jws_get_protected;
	typeof(cjose_jws_release) *jws_release;
	typeof(cjose_get_dealloc) *get_dealloc;
} Library;

static const struct
{
	const char *name;
	size_t place;
} functions[] = {
	{"cjose_jwk_import", offsetof(Library, jwk_import)},
	{"cjose_jwk_create_EC_random", offsetof(Library, jwk_create_EC_random)},
	{"cjose_jwk_set_kid", offsetof(Library, jwk_set_kid)},
	{"cjose_jwk_to_json", offsetof(Library, jwk_to_json)},
	{"cjose_jwk_release", offsetof(Library, jwk_release)},
	{"cjose_header_new", offsetof(Library, header_new)},
	{"cjose_header_set", offsetof(Library, header_set)},
	{"cjose_header_get", offsetof(Library, header_get)},
	{"cjose_header_get_raw", offsetof(Library, header_get_raw)},
	{"cjose_header_release", offsetof(Library, header_release)},
	{"cjose_jws_sign", offsetof(Library, jws_sign)},
	{"cjose_jws_export", offsetof(Library, jws_export)},
	{"cjose_jws_import", offsetof(Library, jws_import)},
	{"cjose_jws_verify", offsetof(Library, jws_verify)},
	{"cjose_jws_get_plaintext", offsetof(Library, jws_get_plaintext)},
	{"cjose_jws_get_protected", offsetof(Library, jws_get_protected)},
	{"cjose_jws_release", offsetof(Library, jws_release)},
	{"cjose_get_dealloc", offsetof(Library, get_dealloc)},
};

/*
 * Not linked, but loaded where it is needed first, and to look for what it calls among its
 * own: it rests on libjansson, of which json_object() is called like a function of the
 * server's, and that would be found before.
 */
static const Library *
Load(void)
{
	static Library library;
	static bool loaded = false;
	void *handle;
	int i;

	if (loaded)
		return &library;
	handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
	if (handle == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FILE),
						errmsg("could not load library \"%s\"", LIBRARY),
						errdetail_log("%s", dlerror()),
						errhint("Single sign-on needs it (Debian: libcjose0).")));
	for (i = 0; i < lengthof(functions); i++)
	{
		void *function = dlsym(handle, functions[i].name);

		if (function == NULL)
			ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
							errmsg("library \"%s\" has no function \"%s\"", LIBRARY,
								   functions[i].name)));
		memcpy((char *) &library + functions[i].place, &function, sizeof(function));
	}
	loaded = true;
	return &library;
}

static void
RaiseMine(const char *what, const cjose_err *err)
{
	ereport(ERROR,
			(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION), errmsg("could not %s", what),
			 errdetail("The library says: %s.",
					   err->message ? err->message : "nothing")));
}

/* Copies and frees what the library returned, which may be a private key. */
static char *
TakeText(char *text)
{
	const Library *lib = Load();
	char *copy = pstrdup(text);

	explicit_bzero(text, strlen(text));
	lib->get_dealloc()(text);
	return copy;
}

static cjose_jwk_t *
ImportKey(const char *key)
{
	const Library *lib = Load();
	cjose_err err = {0};
	cjose_jwk_t *jwk = lib->jwk_import(key, strlen(key), &err);

	if (jwk == NULL)
		RaiseMine("read a key", &err);
	return jwk;
}

/* A private key, as JSON. */
char *
BaJoseMakeKey(const char *kid)
{
	const Library *lib = Load();
	cjose_err err = {0};
	cjose_jwk_t *jwk = lib->jwk_create_EC_random(CJOSE_JWK_EC_P_256, &err);
	char *key = NULL;

	if (jwk != NULL && lib->jwk_set_kid(jwk, kid, strlen(kid), &err))
		key = lib->jwk_to_json(jwk, true, &err);
	if (jwk != NULL)
		lib->jwk_release(jwk);
	if (key == NULL)
		RaiseMine("make a key", &err);
	return TakeText(key);
}

char *
BaJosePublicKey(const char *private_key)
{
	const Library *lib = Load();
	cjose_err err = {0};
	cjose_jwk_t *jwk = ImportKey(private_key);
	char *key = lib->jwk_to_json(jwk, false, &err);

	lib->jwk_release(jwk);
	if (key == NULL)
		RaiseMine("read a key", &err);
	return TakeText(key);
}

bool
BaJoseCanRead(const char *public_key)
{
	const Library *lib = Load();
	cjose_err err = {0};
	cjose_jwk_t *jwk = lib->jwk_import(public_key, strlen(public_key), &err);

	if (jwk != NULL)
		lib->jwk_release(jwk);
	return jwk != NULL;
}

char *
BaJoseSign(const char *private_key, const char *kid, const char *typ, const char *payload)
{
	const Library *lib = Load();
	cjose_err err = {0};
	cjose_jwk_t *jwk = ImportKey(private_key);
	cjose_header_t *header = lib->header_new(&err);
	cjose_jws_t *jws = NULL;
	const char *compact = NULL;
	char *token = NULL;

	if (header != NULL && lib->header_set(header, "alg", BA_JOSE_ALG, &err) &&
		lib->header_set(header, "kid", kid, &err) &&
		lib->header_set(header, "typ", typ, &err))
		jws =
			lib->jws_sign(jwk, header, (const uint8_t *) payload, strlen(payload), &err);
	/* The text is the library's own: it goes with the token. */
	if (jws != NULL && lib->jws_export(jws, &compact, &err))
		token = MemoryContextAllocExtended(CurrentMemoryContext, strlen(compact) + 1,
										   MCXT_ALLOC_NO_OOM);
	if (token != NULL)
		strcpy(token, compact);
	if (jws != NULL)
		lib->jws_release(jws);
	if (header != NULL)
		lib->header_release(header);
	lib->jwk_release(jwk);
	if (token == NULL)
		RaiseMine("sign a token", &err);
	return token;
}

/*
 * A signed token has one spelling: the library would take others of the same bits as well, and
 * whatever follows a "=".
 */
static bool
IsCompact(const char *token)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *part = token;
	int i;

	for (i = 0; i < 3; i++)
	{
		size_t length = strspn(part, digits);
		int last;

		if (length == 0 || part[length] != (i < 2 ? '.' : '\0') || length % 4 == 1)
			return false;
		last = strchr(digits, part[length - 1]) - digits;
		if ((length % 4 == 2 && last % 16 != 0) || (length % 4 == 3 && last % 4 != 0))
			return false;
		part += length + 1;
	}
	return true;
}

/* Two numbers of the curve's size: the library takes any, with zeros before them. */
static bool
HasSignatureLength(const char *token, const char *alg)
{
	size_t length = strlen(strrchr(token, '.') + 1);

	if (strncmp(alg, "ES", 2) != 0)
		return true;
	return length == (strcmp(alg, "ES256") == 0 ? 86 :
					  strcmp(alg, "ES384") == 0 ? 128 :
												  176);
}

static char *
HeaderText(cjose_header_t *header, const char *name)
{
	const Library *lib = Load();
	cjose_err err = {0};
	const char *value = lib->header_get(header, name, &err);

	return value ? pstrdup(value) : NULL;
}

/* False if it is no token of that kind at all. */
bool
BaJoseReadHeader(const char *token, BaJoseHeader *header)
{
	const Library *lib = Load();
	cjose_err err = {0};
	cjose_jws_t *jws;
	cjose_header_t *found;
	char *crit;

	memset(header, 0, sizeof(*header));
	if (!IsCompact(token))
		return false;
	jws = lib->jws_import(token, strlen(token), &err);
	if (jws == NULL)
		return false;
	PG_TRY();
	{
		found = lib->jws_get_protected(jws);
		header->alg = HeaderText(found, "alg");
		header->kid = HeaderText(found, "kid");
		header->typ = HeaderText(found, "typ");
		/* A list, as it has to be; or a text, which the library does not write down. */
		crit = lib->header_get_raw(found, "crit", &err);
		header->has_crit = crit != NULL || lib->header_get(found, "crit", &err) != NULL;
		if (crit != NULL)
			lib->get_dealloc()(crit);
	}
	PG_FINALLY();
	{
		lib->jws_release(jws);
	}
	PG_END_TRY();
	return header->alg != NULL;
}

/*
 * The payload, or NULL where the signature is not the key's. The algorithm is the one that
 * the key was registered for, whatever the token says [B-08]. The header was read before. A payload
 * with a NUL in it comes back empty.
 */
char *
BaJoseVerify(const char *token, const char *public_key, const char *alg)
{
	const Library *lib = Load();
	cjose_err err = {0};
	cjose_jwk_t *jwk = ImportKey(public_key);
	cjose_jws_t *jws = lib->jws_import(token, strlen(token), &err);
	char *volatile payload = NULL;

	PG_TRY();
	{
		const char *said = jws == NULL ?
							   NULL :
							   lib->header_get(lib->jws_get_protected(jws), "alg", &err);
		uint8_t *text;
		size_t length;

		if (said != NULL && strcmp(said, alg) == 0 && HasSignatureLength(token, alg) &&
			lib->jws_verify(jws, jwk, &err) &&
			lib->jws_get_plaintext(jws, &text, &length, &err))
			payload = memchr(text, '\0', length) ? pstrdup("") :
												   pnstrdup((char *) text, length);
	}
	PG_FINALLY();
	{
		if (jws != NULL)
			lib->jws_release(jws);
		lib->jwk_release(jwk);
	}
	PG_END_TRY();
	return payload;
}
