/*
 * sso_issue.c
 *	  In a billing service's own instance: its keys, and what it says of its people to the
 *	  instances of its customers.
 *
 * The oldest key that is not revoked signs. So a new one can be handed out before it is
 * used, and revoking the old one is what changes over.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "access.h"
#include "args.h"
#include "audit.h"
#include "bestauth.h"
#include "compat.h"
#include "crypto.h"
#include "errors.h"
#include "instance.h"
#include "jose.h"
#include "json.h"
#include "key_file.h"
#include "query.h"
#include "served_customer.h"
#include "settings.h"
#include "sso_assertion.h"
#include "sso_key.h"
#include "user.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_create_sso_key);
PG_FUNCTION_INFO_V1(bestauth_revoke_sso_key);
PG_FUNCTION_INFO_V1(bestauth_issue_sso_assertion);

#define MOST_KEYS 2 /* the one that signs, and the next */

static BaQuery list_keys = {
	.sql = "SELECT kid FROM bestauth.sso_signing_key WHERE company_id = $1"
		   " AND revoked_at IS NULL ORDER BY created_at, kid",
	.latest = true,
};

static BaQuery insert_key = {
	.sql =
		"INSERT INTO bestauth.sso_signing_key (kid, company_id, public_key) VALUES ($1, $2, $3)",
};

static BaQuery revoke_key = {
	.sql = "UPDATE bestauth.sso_signing_key SET revoked_at = clock_timestamp()"
		   " WHERE company_id = $1 AND kid = $2 AND revoked_at IS NULL",
	.latest = true,
};

static void
RequireService(const char *code, BaCompany *service)
{
	BaCompanyRequire(code, service);
	if (!service->registered || !BaCompanyLockService(service))
		BaCompanyRefuseUnregistered(service);
}

static List *
KeysOf(const BaCompany *service)
{
	BaArgs args = {0};

	BaPutUuid(&args, &service->company_id);
	return BaQueryRows(&list_keys, &args);
}

/* ----------------------------------------------------------------------------- keys */

/* The public key, with what an endpoint has to know of it. */
static Jsonb *
PublicKey(const char *private_key, const char *kid, const char *issuer)
{
	Jsonb *made = DatumGetJsonbP(
		DirectFunctionCall1(jsonb_in, CStringGetDatum(BaJosePublicKey(private_key))));
	BaJson key;

	BaJsonStart(&key);
	BaSsoKeyPublicPart(&key, made);
	BaJsonText(&key, "kid", kid);
	BaJsonText(&key, "alg", BA_JOSE_ALG);
	BaJsonText(&key, "use", "sig");
	BaJsonText(&key, "iss", issuer);
	return BaJsonFinish(&key);
}

Datum
bestauth_create_sso_key(PG_FUNCTION_ARGS)
{
	BaCompany service;
	BaArgs args = {0};
	pg_uuid_t id;
	char *kid, *private_key;
	Jsonb *key;

	(void) BaAccessCaller(fcinfo);
	PreventCommandIfReadOnly("create_sso_key()");
	RequireService(BaArgText(fcinfo, 0, "company", BA_MAX_CODE), &service);
	if (list_length(KeysOf(&service)) >= MOST_KEYS)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("company \"%s\" has %d keys already", service.code, MOST_KEYS),
				 errhint("Revoke the old one first, with revoke_sso_key()."),
				 BaErrRule("TPB-5")));
	BaUuidMake(&id);
	kid = BaUuidText(&id);
	private_key = BaJoseMakeKey(kid);
	BaKeyFileWrite(kid, private_key);
	key = PublicKey(private_key, kid, BaCompanyAudience(&service));
	BaSecretForget(private_key);
	BaPutText(&args, kid);
	BaPutUuid(&args, &service.company_id);
	BaPut(&args, JSONBOID, JsonbPGetDatum(key), false);
	(void) BaQueryExec(&insert_key, &args);
	BaSsoKeyAudit("sso_key.created", &service, kid, NULL);
	PG_RETURN_JSONB_P(key);
}

Datum
bestauth_revoke_sso_key(PG_FUNCTION_ARGS)
{
	BaCompany service;
	BaArgs args = {0};
	char *kid;

	(void) BaAccessCaller(fcinfo);
	PreventCommandIfReadOnly("revoke_sso_key()");
	BaCompanyRequire(BaArgText(fcinfo, 0, "company", BA_MAX_CODE), &service);
	kid = BaArgText(fcinfo, 1, "kid", BA_MAX_CODE);
	BaPutUuid(&args, &service.company_id);
	BaPutText(&args, kid);
	if (BaQueryExec(&revoke_key, &args) == 0)
		ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
						errmsg("company \"%s\" has no key \"%s\"", service.code, kid)));
	BaKeyFileRemoveAtCommit(kid);
	BaSsoKeyAudit("sso_key.revoked", &service, kid, NULL);
	PG_RETURN_VOID();
}

/* ----------------------------------------------------------------------- assertions */

static void
TakePerson(const BaCaller *caller, BaUser *person, BaCompany *service)
{
	const BaIdentity *identity = caller->identity;

	if (!BaUserLoad(&identity->user_id, person))
		elog(ERROR, "the session's user is gone");
	BaUserCompany(person, service);
	if (!service->registered)
		BaCompanyRefuseUnregistered(service);
}

static void
PutSeconds(BaJson *json, const char *key, int64 seconds)
{
	BaJsonDatum(json, key, Int64GetDatum(seconds), false, INT8OID);
}

static char *
Claims(const BaUser *person, const char *issuer, const char *audience, const char *nonce,
	   const char *jti)
{
	int64 now = timestamptz_to_time_t(GetCurrentTimestamp());
	BaJson claims;
	Jsonb *made;

	BaJsonStart(&claims);
	BaJsonText(&claims, "iss", issuer);
	BaJsonText(&claims, "sub", BaUuidText(&person->user_id));
	BaJsonText(&claims, "aud", audience);
	BaJsonText(&claims, "nonce", nonce);
	BaJsonText(&claims, "jti", jti);
	PutSeconds(&claims, "iat", now);
	PutSeconds(&claims, "exp", now + BaSsoAssertionLifetime);
	BaJsonText(&claims, BA_CLAIM_USERNAME, person->username);
	BaJsonText(&claims, BA_CLAIM_FIRST_NAME, person->first_name);
	BaJsonText(&claims, BA_CLAIM_LAST_NAME, person->last_name);
	BaJsonText(&claims, BA_CLAIM_USER_TYPE, person->type->name);
	made = BaJsonFinish(&claims);
	return JsonbToCString(NULL, &made->root, VARSIZE(made));
}

/* What was said, to whom; not the assertion itself. */
static void
AuditAssertion(const char *audience, const char *nonce, const char *jti, const char *kid)
{
	BaAudit audit;
	BaJson detail;

	BaAuditStart(&audit, "sso.assertion_issued");
	audit.object_type = "audience";
	audit.object_id = audience;
	BaJsonStart(&detail);
	BaJsonText(&detail, "nonce", nonce);
	BaJsonText(&detail, "jti", jti);
	BaJsonText(&detail, "kid", kid);
	audit.detail = BaJsonFinish(&detail);
	BaAuditWrite(&audit);
}

Datum
bestauth_issue_sso_assertion(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	char *audience, *nonce, *kid, *jti, *private_key, *token;
	BaCompany service;
	BaUser person;
	pg_uuid_t id;
	List *keys;

	PreventCommandIfReadOnly("issue_sso_assertion()");
	TakePerson(&caller, &person, &service);
	audience = BaArgText(fcinfo, 0, "audience", BA_MAX_AUDIENCE);
	nonce = BaArgText(fcinfo, 1, "nonce", BA_MAX_AUDIENCE);
	keys = KeysOf(&service);
	if (keys == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("billing service \"%s\" has no key to sign with", service.code),
				 errhint("The operator makes one with create_sso_key().")));
	kid = BaGetText(linitial(keys), 0);
	BaUuidMake(&id);
	jti = BaUuidText(&id);
	private_key = BaKeyFileRead(kid);
	token =
		BaJoseSign(private_key, kid, BA_SSO_TYP,
				   Claims(&person, BaCompanyAudience(&service), audience, nonce, jti));
	BaSecretForget(private_key);
	AuditAssertion(audience, nonce, jti, kid);
	BaServedCustomerUsed(&person.user_id, audience);
	PG_RETURN_TEXT_P(cstring_to_text(token));
}
