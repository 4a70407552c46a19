/*
 * sso_assertion.c
 *	  Is an assertion good, and whom is it about? At a customer's instance.
 *
 * The key is found by its name among those that the service was registered with, and says
 * which algorithm it is for and who issues: nothing that the token claims is believed before
 * its signature was verified, and nothing of it chooses how it is verified. Why one is
 * refused stands in the audit alone.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "args.h"
#include "bestauth.h"
#include "compat.h"
#include "crypto.h"
#include "errors.h"
#include "jose.h"
#include "json.h"
#include "query.h"
#include "sso_assertion.h"
#include "sso_key.h"
#include "username.h"
#include "uuid.h"

#define SKEW 30          /* seconds that clocks may differ by */
#define OLDEST 300       /* seconds since it was issued */
#define MAX_SUBJECT 255  /* bytes, as OpenID Connect has it */
#define MAX_NAMESAKES 99 /* that are told apart by a number */
#define RESTRICTED "restricted"

static const char not_trusted[] = "key of the assertion is not trusted";

static BaQuery use_assertion = {
	.sql = "INSERT INTO bestauth.sso_assertion (id_hash, expires_at) VALUES ($1, $2)"
		   " ON CONFLICT DO NOTHING",
	.latest = true,
};

static BaQuery find_person = {
	.sql = "SELECT user_id FROM bestauth.sso_person"
		   " WHERE company_id = $1 AND issuer = $2 AND subject = $3",
	.latest = true,
};

static BaQuery insert_person = {
	.sql =
		"INSERT INTO bestauth.sso_person (user_id, company_id, issuer, subject) VALUES ($1, $2, $3, $4)",
};

/* -------------------------------------------------------------------- the signature */

/* An ID token has none, or the general one; what else a provider signs says so. */
static bool
IsTyp(const char *typ, const BaSsoKey *key)
{
	if (typ != NULL && strcmp(typ, BA_SSO_TYP) == 0)
		return true;
	return key->claims != NULL && (typ == NULL || pg_strcasecmp(typ, "JWT") == 0);
}

/* The claims of a token by a key of the service, or what is wrong with it. */
static const char *
OpenToken(const BaCompany *service, const char *token, BaSsoKey *key, Jsonb **claims,
		  BaAssertion *assertion)
{
	BaJoseHeader header;
	char *payload;

	if (strlen(token) > BA_MAX_ASSERTION)
		return "assertion is too long";
	if (!BaJoseReadHeader(token, &header))
		return "assertion is no signed token";
	if (header.has_crit)
		return "assertion asks for an extension";
	if (header.kid == NULL)
		return "assertion names no key";
	if (!BaSsoKeyFind(&service->company_id, header.kid, false, key))
		return not_trusted;
	assertion->kid = header.kid;
	assertion->public_key = key->public_key;
	if (strcmp(header.alg, key->alg) != 0)
		return "assertion is signed by another algorithm than its key's";
	if (!IsTyp(header.typ, key))
		return "token is no assertion";
	payload = BaJoseVerify(token, key->public_key, key->alg);
	if (payload == NULL)
		return "signature of the assertion is wrong";
	*claims = BaJsonParse(payload);
	return *claims == NULL || !JB_ROOT_IS_OBJECT(*claims) ?
			   "claims of the assertion are not valid" :
			   NULL;
}

/* ------------------------------------------------------------------------ the claims */

/* The claim that the key's registration names for this, or the usual one. */
static const char *
ClaimName(const BaSsoKey *key, const char *what, const char *usual)
{
	char *name = key->claims ? BaJsonGetText(key->claims, what) : NULL;

	return name ? name : usual;
}

/* Is the claim this text, or a list with it? */
static bool
Has(Jsonb *claims, const char *name, const char *text, int *count)
{
	JsonbValue value, wanted;

	*count = 1;
	if (BaJsonGet(claims, name, &value) == NULL)
		return false;
	if (value.type == jbvString)
		return value.val.string.len == strlen(text) &&
			   strncmp(value.val.string.val, text, value.val.string.len) == 0;
	if (value.type != jbvBinary || !JsonContainerIsArray(value.val.binary.data))
		return false;
	*count = JsonContainerSize(value.val.binary.data);
	wanted.type = jbvString;
	wanted.val.string.val = unconstify(char *, text);
	wanted.val.string.len = strlen(text);
	return findJsonbValueFromContainer(value.val.binary.data, JB_FARRAY, &wanted) != NULL;
}

/* With several audiences an OpenID provider says which of them asked. */
static bool
IsFor(Jsonb *claims, const BaSsoKey *key, const char *audience)
{
	const char *wanted = ClaimName(key, "audience", audience);
	char *asked = BaJsonGetText(claims, "azp");
	JsonbValue value;
	int count;

	if (!Has(claims, "aud", wanted, &count))
		return false;
	if (key->claims != NULL && BaJsonGet(claims, "azp", &value) != NULL)
		return asked != NULL && strcmp(asked, wanted) == 0;
	return count == 1;
}

/* By the clock, which those of other machines may be ahead of or behind. */
static const char *
TimeFault(Jsonb *claims, BaAssertion *assertion)
{
	double now = (double) (GetCurrentTimestamp() / USECS_PER_SEC) +
				 (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
	double issued, expires, not_before = 0;
	JsonbValue value;

	if (!BaJsonGetNumber(claims, "iat", &issued) ||
		!BaJsonGetNumber(claims, "exp", &expires) ||
		(BaJsonGet(claims, "nbf", &value) != NULL &&
		 !BaJsonGetNumber(claims, "nbf", &not_before)))
		return "assertion does not say when it was issued and expires";
	if (!(issued <= now + SKEW) || !(not_before <= now + SKEW))
		return "assertion is not valid yet";
	if (!(now < expires + SKEW))
		return "assertion is expired";
	if (!(now < issued + OLDEST + SKEW))
		return "assertion is too old";
	assertion->issued_at =
		GetCurrentTimestamp() - (int64) (Max(now - issued, 0) * USECS_PER_SEC);
	/* Longer than that it is never good, whatever it says. */
	assertion->expires_at =
		GetCurrentTimestamp() + (OLDEST + 2 * SKEW) * (int64) USECS_PER_SEC;
	return NULL;
}

/*
 * Its own id; an ID token of an OpenID provider may have none, and is its own: what is signed,
 * since there is more than one good signature of it.
 */
static char *
IdOf(Jsonb *claims, const BaSsoKey *key, const char *token)
{
	char *id = BaJsonGetText(claims, "jti");

	if (id == NULL && key->claims != NULL)
		return pnstrdup(token, strrchr(token, '.') - token);
	return id;
}

/* A first or last name; what can be none is left out, for nobody is known by it. */
static char *
NameOf(Jsonb *claims, const char *claim)
{
	char *name = BaJsonGetText(claims, claim);

	if (name == NULL || BaTextControl(name) != NULL)
		return NULL;
	name = BaTextTrim(name);
	return *name == '\0' || pg_mbstrlen(name) > BA_MAX_NAME ? NULL : name;
}

static const char *
PersonFault(Jsonb *claims, const BaSsoKey *key, BaAssertion *assertion)
{
	const char *restricted = ClaimName(key, "restricted", RESTRICTED);
	char *username = BaJsonGetText(claims, ClaimName(key, "username", BA_CLAIM_USERNAME));
	int count;

	assertion->subject = BaJsonGetText(claims, ClaimName(key, "subject", "sub"));
	if (assertion->subject == NULL || *assertion->subject == '\0' ||
		strlen(assertion->subject) > MAX_SUBJECT ||
		BaTextControl(assertion->subject) != NULL)
		return "assertion names nobody";
	if (username == NULL || BaUsernameOrNull(username) == NULL)
		return "assertion has no user name that can be one";
	assertion->username = username;
	assertion->first_name =
		NameOf(claims, ClaimName(key, "first_name", BA_CLAIM_FIRST_NAME));
	assertion->last_name =
		NameOf(claims, ClaimName(key, "last_name", BA_CLAIM_LAST_NAME));
	if (!Has(claims, ClaimName(key, "user_type", BA_CLAIM_USER_TYPE), restricted, &count))
		return "assertion is not of a restricted user";
	return NULL;
}

/*
 * Is it good for this audience and this nonce? Returns what is wrong, or NULL.
 */
const char *
BaAssertionVerify(const BaCompany *service, const char *token, const char *audience,
				  const char *nonce, BaAssertion *assertion)
{
	BaSsoKey key;
	Jsonb *claims;
	char *text;
	const char *fault;

	memset(assertion, 0, sizeof(*assertion));
	fault = OpenToken(service, token, &key, &claims, assertion);
	if (fault != NULL)
		return fault;
	text = BaJsonGetText(claims, "iss");
	if (text == NULL || strcmp(text, key.issuer) != 0)
		return "assertion is of another issuer than its key";
	assertion->issuer = key.issuer;
	if (!IsFor(claims, &key, audience))
		return "assertion is for another audience";
	text = BaJsonGetText(claims, "nonce");
	if (text == NULL || strcmp(text, nonce) != 0)
		return "assertion is for another challenge";
	fault = TimeFault(claims, assertion);
	if (fault != NULL)
		return fault;
	assertion->id = IdOf(claims, &key, token);
	if (assertion->id == NULL || *assertion->id == '\0')
		return "assertion has no id";
	return PersonFault(claims, &key, assertion);
}

/* ------------------------------------------------------------------------------- use */

/* False if it was used before, or is being used. */
bool
BaAssertionUse(const BaCompany *service, const BaAssertion *assertion)
{
	StringInfoData id;
	bytea *hash = palloc(VARHDRSZ + BA_DIGEST_LENGTH);
	BaArgs args = {0};

	initStringInfo(&id);
	appendBinaryStringInfo(&id, (const char *) &service->company_id, UUID_LEN);
	appendBinaryStringInfo(&id, assertion->issuer, strlen(assertion->issuer) + 1);
	appendStringInfoString(&id, assertion->id);
	SET_VARSIZE(hash, VARHDRSZ + BA_DIGEST_LENGTH);
	BaSha256(id.data, id.len, (uint8 *) VARDATA(hash));
	BaPutBytes(&args, PointerGetDatum(hash));
	BaPut(&args, TIMESTAMPTZOID, TimestampTzGetDatum(assertion->expires_at), false);
	return BaQueryExec(&use_assertion, &args) > 0;
}

static bool
FindPerson(const BaCompany *service, const BaAssertion *assertion, BaUser *person)
{
	BaArgs args = {0};
	BaRow row;
	pg_uuid_t user_id;

	BaPutUuid(&args, &service->company_id);
	BaPutText(&args, assertion->issuer);
	BaPutText(&args, assertion->subject);
	if (!BaQueryRow(&find_person, &args, &row) || !BaGetUuid(&row, 0, &user_id))
		return false;
	if (!BaUserLoad(&user_id, person))
		elog(ERROR, "the person's user is gone");
	return true;
}

bool
BaAssertionIsOf(const BaCompany *service, const BaAssertion *assertion,
				const BaUser *person)
{
	BaUser found;

	return FindPerson(service, assertion, &found) &&
		   BaUuidEqual(&found.user_id, &person->user_id);
}

static bool
Same(const char *one, const char *other)
{
	return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

static bool
SameNames(const BaUser *person, const BaAssertion *assertion, const char *username)
{
	return Same(person->username, username) &&
		   Same(person->first_name, assertion->first_name) &&
		   Same(person->last_name, assertion->last_name);
}

/*
 * As it is asserted; where another one of the service has that user name here, with a number
 * behind it. A person is (issuer, subject), and no name makes them another.
 */
static bool
NamePerson(const BaCompany *service, const BaAssertion *assertion, const BaUser *known,
		   pg_uuid_t *user_id)
{
	char *username = pstrdup(assertion->username);
	int i;

	for (i = 2; i <= MAX_NAMESAKES + 1; i++)
	{
		if (known != NULL && SameNames(known, assertion, username))
			return true;
		if (BaUserAssert(&service->company_id, known ? &known->user_id : NULL, username,
						 assertion->first_name, assertion->last_name, user_id))
			return true;
		username = psprintf("%.*s-%d", BA_MAX_USERNAME - 4, assertion->username, i);
	}
	return false;
}

static void
InsertPerson(const BaCompany *service, const BaAssertion *assertion,
			 const pg_uuid_t *user_id)
{
	BaArgs args = {0};

	BaPutUuid(&args, user_id);
	BaPutUuid(&args, &service->company_id);
	BaPutText(&args, assertion->issuer);
	BaPutText(&args, assertion->subject);
	(void) BaQueryExec(&insert_person, &args);
}

/*
 * Whoever takes the key away ends the sessions of those who are there: so it is looked at
 * once more after the person's version, and stays while a person is made whom others can't
 * see yet.
 */
static bool
IsStillTrusted(const BaCompany *service, const BaAssertion *assertion, bool hold)
{
	BaSsoKey key;

	return BaSsoKeyFind(&service->company_id, assertion->kid, hold, &key) &&
		   strcmp(key.public_key, assertion->public_key) == 0;
}

/*
 * Who was made while this one waited is in no snapshot of its transaction, so that a session's
 * foreign keys would not find them.
 */
static void
RequireVisible(void)
{
	if (IsolationUsesXactSnapshot())
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("could not serialize access due to concurrent update")));
}

/* The person here, made or named anew where that is due. Returns what is wrong, or NULL. */
const char *
BaAssertionPerson(const BaCompany *service, const BaAssertion *assertion, BaUser *person)
{
	pg_uuid_t user_id;
	bool was_known = FindPerson(service, assertion, person);
	bool known = was_known;

	if (!known || !SameNames(person, assertion, assertion->username))
	{
		/* Or one could be made twice, and two could want the same name. */
		(void) BaCompanyLockService(service);
		if (!IsStillTrusted(service, assertion, true))
			return not_trusted;
		known = FindPerson(service, assertion, person);
	}
	if (known && !was_known)
		RequireVisible();
	if (known && !person->type->by_assertion)
		return psprintf("user type %s does not sign on by an assertion",
						person->type->name);
	if (known)
		user_id = person->user_id;
	/* Who is not let in is not named anew either. */
	if (!(known && (person->locked || person->deleted)) &&
		!NamePerson(service, assertion, known ? person : NULL, &user_id))
		return "too many persons have this user name";
	if (!known)
		InsertPerson(service, assertion, &user_id);
	if (!BaUserLoad(&user_id, person))
		elog(ERROR, "the person's user is gone");
	return IsStillTrusted(service, assertion, false) ? NULL : not_trusted;
}

/* ---------------------------------------------------------------------------- rules */

/* Who somebody is stays; and it is said of nobody who has a password here. */
void
BaSsoPersonRule(BaRowEvent *event, bool restoring)
{
	pg_uuid_t user_id, company_id;
	BaUser user;

	BaColumnRequireSame(event, "user_id", "B-08");
	BaColumnRequireSame(event, "company_id", "B-08");
	BaColumnRequireSame(event, "issuer", "B-08");
	BaColumnRequireSame(event, "subject", "B-08");
	if (restoring || !BaColumnUuid(event, "user_id", &user_id) ||
		!BaColumnUuid(event, "company_id", &company_id))
		return;
	if (!BaUserLoad(&user_id, &user) || !user.type->by_assertion ||
		!BaUuidEqual(&user.company_id, &company_id))
		ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION),
						errmsg("user is not known by an assertion"),
						errdetail("It is a user of type federated, of the same company."),
						BaErrRule("B-09")));
}
