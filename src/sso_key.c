/*
 * sso_key.c
 *	  The keys that this instance trusts to say who somebody of a billing service is: those
 *	  of the service's own instance, or of an OpenID provider that it has.
 *
 * What a key may sign with is settled when it is handed in, and never asked of a token. Its
 * public members alone are kept.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "access.h"
#include "args.h"
#include "audit.h"
#include "bestauth.h"
#include "compat.h"
#include "errors.h"
#include "jose.h"
#include "query.h"
#include "sso_key.h"
#include "user.h"

PG_FUNCTION_INFO_V1(bestauth_trust_sso_key);
PG_FUNCTION_INFO_V1(bestauth_distrust_sso_key);

#define MAX_KEYS 20 /* of a set */
#define MAX_KID 255
#define MAX_ISSUER 500
#define MAX_CLAIM 200
#define MIN_MODULUS 342 /* 2048 bits, in base64 */

/* What a key signs with; the first of its kind where it does not say. */
static const struct
{
	const char *kty;
	const char *crv; /* NULL: it has none */
	const char *alg;
} algorithms[] = {
	{"EC", "P-256", "ES256"}, {"EC", "P-384", "ES384"}, {"EC", "P-521", "ES512"},
	{"RSA", NULL, "RS256"},   {"RSA", NULL, "RS384"},   {"RSA", NULL, "RS512"},
	{"RSA", NULL, "PS256"},   {"RSA", NULL, "PS384"},   {"RSA", NULL, "PS512"},
};

static const char *const public_members[] = {"kty", "crv", "x", "y", "n", "e"};
static const char *const secret_members[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};

/* Where an OpenID provider has what; those without are not needed. */
static const struct
{
	const char *name;
	bool required;
} claim_names[] = {
	{"audience", true},  {"user_type", true},   {"restricted", true}, {"subject", false},
	{"username", false}, {"first_name", false}, {"last_name", false},
};

#define KEY_SELECT \
	"SELECT issuer, alg, textin(jsonb_out(public_key)), claims FROM bestauth.sso_key" \
	" WHERE company_id = $1 AND kid = $2"

static BaQuery find_key = {
	.sql = KEY_SELECT,
	.latest = true,
};

static BaQuery hold_key = {
	.sql = KEY_SELECT " FOR KEY SHARE",
	.latest = true,
};

/* They can change hands, and OpenID Connect says not to know anybody by them. */
static const char *const changing_claims[] = {"email", "preferred_username",
											  "phone_number", "name"};

static BaQuery insert_key = {
	.sql =
		"INSERT INTO bestauth.sso_key AS k (company_id, kid, issuer, alg, public_key, claims)"
		" VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (company_id, kid) DO UPDATE SET claims = excluded.claims"
		" WHERE k.issuer = excluded.issuer AND k.alg = excluded.alg AND k.public_key = excluded.public_key"
		" RETURNING true",
};

static BaQuery delete_key = {
	.sql =
		"DELETE FROM bestauth.sso_key WHERE company_id = $1 AND kid = $2 RETURNING issuer",
	.latest = true,
};

static BaQuery list_persons = {
	.sql = "SELECT user_id FROM bestauth.sso_person WHERE company_id = $1 AND issuer = $2"
		   " ORDER BY user_id",
	.latest = true,
};

/* Held, it is not taken away before this transaction is over. */
bool
BaSsoKeyFind(const pg_uuid_t *service_id, const char *kid, bool hold, BaSsoKey *key)
{
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, service_id);
	BaPutText(&args, kid);
	if (!BaQueryRow(hold ? &hold_key : &find_key, &args, &row))
		return false;
	key->issuer = BaGetText(&row, 0);
	key->alg = BaGetText(&row, 1);
	key->public_key = BaGetText(&row, 2);
	key->claims = row.nulls[3] ? NULL : DatumGetJsonbP(row.values[3]);
	return true;
}

/* ---------------------------------------------------------------- what is handed in */

pg_noreturn static void Refuse(const char *message, const char *detail);

static void
Refuse(const char *message, const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", message),
					detail ? errdetail("%s", detail) : 0, BaErrRule("TPB-5")));
}

static void
CheckText(const char *name, const char *value, size_t most)
{
	if (*value == '\0' || strlen(value) > most || BaTextControl(pstrdup(value)) != NULL)
		Refuse(psprintf("%s is not valid", name),
			   psprintf("It has 1 to %zu bytes, without control characters.", most));
}

/* NULL where the key is of another kind. */
static const char *
FindAlgorithm(Jsonb *jwk)
{
	char *kty = BaJsonGetText(jwk, "kty");
	char *crv = BaJsonGetText(jwk, "crv");
	char *alg = BaJsonGetText(jwk, "alg");
	int i;

	for (i = 0; kty != NULL && i < lengthof(algorithms); i++)
	{
		if (strcmp(algorithms[i].kty, kty) == 0 &&
			(algorithms[i].crv == NULL ||
			 (crv != NULL && strcmp(algorithms[i].crv, crv) == 0)) &&
			(alg == NULL || strcmp(algorithms[i].alg, alg) == 0))
			return algorithms[i].alg;
	}
	return NULL;
}

/* A private key that somebody pastes is not to be kept, nor shown, nor logged. */
static void
RequirePublic(Jsonb *jwk)
{
	JsonbValue value;
	int i;

	for (i = 0; i < lengthof(secret_members); i++)
		if (BaJsonGet(jwk, secret_members[i], &value) != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("key is not public"),
					 errdetail("Hand in its public part alone, and make another one:"
							   " this one is not secret any more."),
					 errhidestmt(true), BaErrRule("TPB-5")));
}

/* What makes a public key; nothing else of it is taken over from anywhere. */
void
BaSsoKeyPublicPart(BaJson *part, Jsonb *jwk)
{
	int i;

	for (i = 0; i < lengthof(public_members); i++)
		BaJsonText(part, public_members[i], BaJsonGetText(jwk, public_members[i]));
}

static Jsonb *
CheckKey(Jsonb *jwk)
{
	char *modulus = BaJsonGetText(jwk, "n");
	char *exponent = BaJsonGetText(jwk, "e");
	BaJson key;
	Jsonb *part;

	BaJsonStart(&key);
	BaSsoKeyPublicPart(&key, jwk);
	part = BaJsonFinish(&key);
	/* An A stands for zeros, which do not count. */
	if (modulus != NULL && strlen(modulus + strspn(modulus, "A")) < MIN_MODULUS)
		Refuse("key is too short", "An RSA key has 2048 bits at least.");
	/* With 1 anything is a signature, and 3 has had its troubles. */
	if (exponent != NULL && strlen(exponent + strspn(exponent, "A")) < 2)
		Refuse("key has too small an exponent", "65537 is usual.");
	if (!BaJoseCanRead(JsonbToCString(NULL, &part->root, VARSIZE(part))))
		Refuse("key is not valid", NULL);
	return part;
}

/* Somebody is issuer and subject, and never an address or a name [B-08]. */
static void
CheckSubject(const char *claim)
{
	int i;

	for (i = 0; claim != NULL && i < lengthof(changing_claims); i++)
		if (strcmp(claim, changing_claims[i]) == 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("claim \"%s\" cannot be the subject", claim),
							errdetail("It can be another person's later on."),
							BaErrRule("B-08")));
}

static void
CheckClaims(Jsonb *claims)
{
	JsonbIterator *it = JsonbIteratorInit(&claims->root);
	JsonbValue value;
	JsonbIteratorToken token;
	int i;

	if (!JB_ROOT_IS_OBJECT(claims))
		Refuse("argument \"claims\" must be an object", NULL);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_VALUE && value.type != jbvString)
			Refuse("argument \"claims\" must have strings alone", NULL);
		if (token != WJB_KEY)
			continue;
		for (i = 0; i < lengthof(claim_names); i++)
			if (strlen(claim_names[i].name) == value.val.string.len &&
				strncmp(claim_names[i].name, value.val.string.val,
						value.val.string.len) == 0)
				break;
		if (i == lengthof(claim_names))
			Refuse("argument \"claims\" has a member that is not known",
				   "They are audience, subject, username, first_name, last_name,"
				   " user_type, restricted.");
	}
	for (i = 0; i < lengthof(claim_names); i++)
	{
		char *name = BaJsonGetText(claims, claim_names[i].name);

		if (name == NULL && claim_names[i].required)
			Refuse(psprintf("argument \"claims\" lacks \"%s\"", claim_names[i].name),
				   NULL);
		if (name != NULL)
			CheckText(psprintf("claim \"%s\"", claim_names[i].name), name, MAX_CLAIM);
	}
	CheckSubject(BaJsonGetText(claims, "subject"));
}

/* ------------------------------------------------------------------------- trusting */

/* What was done with a key, of this side or the other; its issuer where that is not this instance. */
void
BaSsoKeyAudit(const char *action, const BaCompany *service, const char *kid,
			  const char *issuer)
{
	BaAudit audit;
	BaJson detail;

	BaCompanyAudit(&audit, action, service);
	audit.object_type = "sso_key";
	audit.object_id = kid;
	BaJsonStart(&detail);
	BaJsonText(&detail, "issuer", issuer);
	audit.detail = BaJsonFinish(&detail);
	BaAuditWrite(&audit);
}

static void
TrustOne(const BaCompany *service, Jsonb *jwk, const char *issuer, Jsonb *claims)
{
	char *kid = BaJsonGetText(jwk, "kid");
	const char *alg = FindAlgorithm(jwk);
	BaArgs args = {0};
	Jsonb *part;
	BaRow row;

	if (alg == NULL)
		Refuse("key is of a kind that is not taken",
			   "It is an EC key of the curve P-256, P-384 or P-521, or an RSA key,"
			   " and \"alg\" fits it.");
	part = CheckKey(jwk);
	if (issuer == NULL)
		issuer = BaJsonGetText(jwk, "iss");
	if (issuer == NULL)
		Refuse("issuer is missing",
			   "A key that create_sso_key() made says it as \"iss\".");
	if (kid == NULL)
		Refuse("key has no \"kid\"", NULL);
	CheckText("\"kid\" of the key", kid, MAX_KID);
	CheckText("issuer", issuer, MAX_ISSUER);
	BaPutUuid(&args, &service->company_id);
	BaPutText(&args, kid);
	BaPutText(&args, issuer);
	BaPutText(&args, alg);
	BaPut(&args, JSONBOID, JsonbPGetDatum(part), false);
	BaPut(&args, JSONBOID, claims ? JsonbPGetDatum(claims) : (Datum) 0, claims == NULL);
	if (!BaQueryRow(&insert_key, &args, &row))
		ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION),
						errmsg("another key \"%s\" is trusted already", kid),
						errhint("Take it away first, with distrust_sso_key().")));
	BaSsoKeyAudit("sso_key.trusted", service, kid, issuer);
}

static bool
IsForSigning(Jsonb *jwk)
{
	char *use = BaJsonGetText(jwk, "use");

	return use == NULL || strcmp(use, "sig") == 0;
}

/* Those that are for something else, or of a kind that is not taken, are left out. */
static void
TrustSet(const BaCompany *service, JsonbValue *keys, const char *issuer, Jsonb *claims)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue value;
	int count = 0;

	if (keys->type != jbvBinary || !JsonContainerIsArray(keys->val.binary.data))
		Refuse("set of keys has no array", NULL);
	it = JsonbIteratorInit(keys->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		Jsonb *jwk;

		if (token != WJB_ELEM || value.type != jbvBinary)
			continue;
		jwk = JsonbValueToJsonb(&value);
		RequirePublic(jwk);
		if (!IsForSigning(jwk) || FindAlgorithm(jwk) == NULL)
			continue;
		if (++count > MAX_KEYS)
			Refuse("set has too many keys", psprintf("At most %d are taken.", MAX_KEYS));
		TrustOne(service, jwk, issuer, claims);
	}
	if (count == 0)
		Refuse("set has no key to sign with", NULL);
}

void
BaSsoKeyTrust(const BaCompany *service, Jsonb *jwk, const char *issuer, Jsonb *claims)
{
	JsonbValue keys;

	if (!JB_ROOT_IS_OBJECT(jwk))
		Refuse("key must be an object", "It is a JSON Web Key, or a set of them.");
	RequirePublic(jwk);
	if (claims != NULL && issuer == NULL)
		Refuse("issuer is missing", "Claims are those of another issuer.");
	if (claims != NULL)
		CheckClaims(claims);
	if (BaJsonGet(jwk, "keys", &keys) != NULL)
		TrustSet(service, &keys, issuer, claims);
	else if (!IsForSigning(jwk))
		Refuse("key is not for signing", NULL);
	else
		TrustOne(service, jwk, issuer, claims);
}

/* ------------------------------------------------------------------------ functions */

static void
RequireService(const char *code, BaCompany *service)
{
	BaCompanyRequire(code, service);
	if (!service->registered)
		BaCompanyRefuseUnregistered(service);
}

Datum
bestauth_trust_sso_key(PG_FUNCTION_ARGS)
{
	char *code, *issuer;
	BaCompany service;

	(void) BaAccessCaller(fcinfo);
	code = BaArgText(fcinfo, 0, "company", BA_MAX_CODE);
	issuer = BaArgTextOrNull(fcinfo, 2, "issuer", MAX_ISSUER);
	if (PG_ARGISNULL(1))
		Refuse("argument \"jwk\" must not be null", NULL);
	RequireService(code, &service);
	BaSsoKeyTrust(&service, PG_GETARG_JSONB_P(1), issuer,
				  PG_ARGISNULL(3) ? NULL : PG_GETARG_JSONB_P(3));
	PG_RETURN_VOID();
}

/* Who was known by it, or by another of its issuer, logs in anew. */
Datum
bestauth_distrust_sso_key(PG_FUNCTION_ARGS)
{
	char *code, *kid;
	BaCompany service;
	BaArgs args = {0};
	BaRow row;

	(void) BaAccessCaller(fcinfo);
	code = BaArgText(fcinfo, 0, "company", BA_MAX_CODE);
	kid = BaArgText(fcinfo, 1, "kid", MAX_KID);
	BaCompanyRequire(code, &service);
	BaPutUuid(&args, &service.company_id);
	BaPutText(&args, kid);
	if (!BaQueryRow(&delete_key, &args, &row))
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("key \"%s\" of company \"%s\" is not trusted", kid, code)));
	BaSsoKeyAudit("sso_key.distrusted", &service, kid, BaGetText(&row, 0));
	PG_RETURN_VOID();
}

/* ---------------------------------------------------------------------------- rules */

/* A key stays what it was, or it would be another one of the same name. */
void
BaSsoKeyRule(BaRowEvent *event, bool restoring)
{
	static const char *const fixed[] = {"company_id", "kid", "issuer", "alg",
										"public_key"};
	int i;

	for (i = 0; i < lengthof(fixed); i++)
		BaColumnRequireSame(event, fixed[i], "TPB-5");
}

/* However it goes, the sessions that rest on its issuer go with it [TPB-9]. */
void
BaSsoKeyDeleteRule(BaRowEvent *event)
{
	BaArgs args = {0};
	bool isnull;
	ListCell *cell;

	BaPut(&args, UUIDOID, BaColumn(event, false, "company_id", &isnull), false);
	BaPut(&args, TEXTOID, BaColumn(event, false, "issuer", &isnull), false);
	foreach (cell, BaQueryRows(&list_persons, &args))
	{
		pg_uuid_t user_id;

		(void) BaGetUuid(lfirst(cell), 0, &user_id);
		BaUserRaiseVersion(&user_id);
	}
}
