/*
 * context.c
 *	  The identity of the transaction: who called use_session(), and with what.
 *
 * It lives in the setting bestauth.identity, which only BaContextSet() can write:
 * the check hook refuses every other value, a superuser's too. The setting is
 * set LOCAL, so the server itself drops it at the end of the transaction, brings
 * the value before a savepoint back, and hands its text to parallel workers, all without
 * a callback of ours.
 *
 * Readers see the identity through BaContextIdentity() and keep no pointer into it beyond
 * their call. Absent means denied.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "bestauth.h"
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
static const BaIdentity *writing = NULL;

/* ---------------------------------------------------------------- the hooks */

/*
 * What is hung on the setting is one block that free() takes away: of what this
 * backend writes the identity itself, whose parts outlive the transaction or end
 * with it (authority.c), so that nothing is parsed; in a parallel worker the whole.
 */
static bool
CheckIdentity(char **newval, void **extra, GucSource source)
{
	*extra = NULL;
	if (*newval == NULL || **newval == '\0')
		return true;
	if (writing != NULL)
	{
		if ((*extra = BaGucMalloc(sizeof(BaIdentity))) != NULL)
			memcpy(*extra, writing, sizeof(BaIdentity));
	}
	else if (InitializingParallelWorker)
		*extra = BaIdentityParse(*newval);
	else
		GUC_check_errdetail("It is set by bestauth.use_session() alone.");
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

/*
 * Makes it the identity until the end of the transaction, to which its parts must
 * live; text is what BaIdentityText() made of it. NULL for none.
 */
void
BaContextSet(const BaIdentity *identity, const char *text)
{
	writing = identity;
	PG_TRY();
	{
		(void) set_config_option("bestauth.identity", identity ? text : "", PGC_SUSET,
								 PGC_S_SESSION, GUC_ACTION_LOCAL, true, ERROR, false);
	}
	PG_FINALLY();
	{
		writing = NULL;
	}
	PG_END_TRY();
}

/* ------------------------------------------------------------- the readers */

/* NULL without a session, like the next. */
const BaIdSet *
BaContextCompanies(void)
{
	return current ? &current->companies : NULL;
}

const BaIdSet *
BaContextProviders(void)
{
	return current ? &current->providers : NULL;
}

bool
BaContextHasPermission(const char *name)
{
	return current != NULL && BaIdentityHolds(current, name);
}

bool
BaContextCanAccessCompany(const pg_uuid_t *company_id)
{
	return current != NULL && BaIdSetHas(&current->companies, company_id);
}

bool
BaContextCanAccessProvider(const pg_uuid_t *provider_id)
{
	return current != NULL && BaIdSetHas(&current->providers, provider_id);
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
	char name[BA_MAX_CODE + 1];
	text *permission;

	if (current == NULL || PG_ARGISNULL(0))
		PG_RETURN_BOOL(false);
	permission = PG_GETARG_TEXT_PP(0);
	if (VARSIZE_ANY_EXHDR(permission) > BA_MAX_CODE)
		PG_RETURN_BOOL(false);
	text_to_cstring_buffer(permission, name, sizeof(name));
	PG_RETURN_BOOL(BaIdentityHolds(current, name));
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

Datum
bestauth_accessible_company_ids(PG_FUNCTION_ARGS)
{
	if (current == NULL)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(UUIDOID));
	return BaIdSetArray(&current->companies);
}

Datum
bestauth_visible_provider_ids(PG_FUNCTION_ARGS)
{
	if (current == NULL)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(UUIDOID));
	return BaIdSetArray(&current->providers);
}
