/*
 * invite_accept.c
 *	  The link of an invite: looking at it, and accepting it. Whoever has it has the
 *	  mailbox that it was sent to; that makes the account, and gives no session.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "applicant.h"
#include "args.h"
#include "bestauth.h"
#include "credential.h"
#include "errors.h"
#include "fold.h"
#include "instance.h"
#include "query.h"
#include "repeat.h"
#include "role.h"
#include "token.h"
#include "username.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_peek_registration);
PG_FUNCTION_INFO_V1(bestauth_accept_registration);

/* An invite with what it leads to. */
typedef struct Offer
{
	BaRegistration registration;
	BaCompany company;
	BaPortal portal;
	BaOffice office;
	BaProvider provider; /* at individual level */
} Offer;

static void
LoadOffer(const BaToken *token, Offer *offer)
{
	BaRegistration *registration = &offer->registration;

	if (!BaRegistrationLoad(&token->registration_id, registration) ||
		!BaCompanyLoad(&registration->company_id, &offer->company) ||
		!BaPortalLoad(&registration->portal_id, &offer->portal) ||
		!BaOfficeLoad(&registration->office_id, &offer->office) ||
		(registration->has_provider &&
		 !BaProviderLoad(&registration->provider_id, &offer->provider)))
		elog(ERROR, "what an invite leads to is gone");
}

/* ------------------------------------------------------------------ looking */

Datum
bestauth_peek_registration(PG_FUNCTION_ARGS)
{
	char *secret = BaArgSecret(fcinfo, 0, "token");
	TupleDesc tupdesc;
	Datum values[6] = {0};
	bool nulls[6] = {false, true, true, true, true, true};
	BaToken token;
	Offer offer;

	BaInstanceRequireOpen();
	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = CStringGetTextDatum(
		BaTokenOutcome(BaTokenPeek(secret, BA_TOKEN_REGISTRATION, &token)));
	if (token.state == BA_TOKEN_VALID)
	{
		LoadOffer(&token, &offer);
		memset(nulls, 0, sizeof(nulls));
		values[1] = CStringGetTextDatum(offer.registration.email);
		values[2] = CStringGetTextDatum(offer.office.name);
		nulls[3] = !offer.registration.has_provider;
		if (!nulls[3])
			values[3] = CStringGetTextDatum(
				psprintf("%s %s", offer.provider.first_name, offer.provider.last_name));
		values[4] = CStringGetTextDatum(offer.registration.role);
		values[5] = TimestampTzGetDatum(token.expires_at);
	}
	PG_RETURN_DATUM(
		HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)));
}

/* ---------------------------------------------------------------- accepting */

/*
 * What whoever invited may do now: somebody who was locked, or lost their office or what
 * is in the role, gives nothing away any more [PRV-1].
 */
static const char *
InviterFault(const Offer *offer)
{
	const BaRegistration *invite = &offer->registration;
	char *permission = BA_PERM_MANAGE_PORTAL_USERS;
	BaUser inviter;
	Oid role;

	if (!BaRoleIsCovered(NULL, &offer->company, invite->role))
		return "the role is gone";
	if (!invite->has_inviter)
	{
		role = get_role_oid(invite->invited_by_role, true);
		if (!OidIsValid(role) || !BaAccessRoleHas(role, "operator"))
			return "the inviter is no operator any more";
		return NULL;
	}
	if (!BaUserLoad(&invite->invited_by, &inviter) || inviter.deleted || inviter.locked)
		return "the inviter is locked or deleted";
	if (!inviter.has_office || !BaUuidEqual(&inviter.office_id, &invite->office_id) ||
		(inviter.has_provider &&
		 (!invite->has_provider ||
		  !BaUuidEqual(&inviter.provider_id, &invite->provider_id))))
		return "the inviter is not of that office and level any more";
	if (!BaPermissionContains(&inviter, BaTextArray(&permission, 1),
							  PointerGetDatum(construct_empty_array(UUIDOID))))
		return "the inviter does not manage portal users any more";
	if (!BaRoleIsCovered(&inviter, &offer->company, invite->role))
		return "the inviter does not hold what is in the role any more";
	return NULL;
}

static Datum
MakeResult(FunctionCallInfo fcinfo, const char *outcome, const pg_uuid_t *user_id)
{
	TupleDesc tupdesc;
	Datum values[2];
	bool nulls[2] = {false, user_id == NULL};

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = CStringGetTextDatum(outcome);
	values[1] = UUIDPGetDatum(user_id);
	PG_RETURN_DATUM(
		HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)));
}

/* Why a link is no good, where it is not the inviter. */
static const char *
TokenFault(const BaToken *token, const BaRegistration *registration)
{
	if (token->state != BA_TOKEN_SUPERSEDED || registration == NULL ||
		strcmp(registration->status, BA_EMAIL_INT) == 0)
		return BaTokenFault(token->state);
	if (registration->reason == NULL)
		return "invite accepted already";
	return psprintf("invite %s", registration->reason);
}

/* The link is no good; the refusal outlives the caller's transaction. */
static Datum
Refuse(FunctionCallInfo fcinfo, const BaToken *token, const char *reason)
{
	BaRegistration registration;
	bool known = token->state != BA_TOKEN_UNKNOWN &&
				 BaRegistrationLoad(&token->registration_id, &registration);
	BaCompany company;
	BaAudit audit;
	BaJson detail;

	if (known && BaCompanyLoad(&registration.company_id, &company))
		BaRegistrationAudit(&audit, "registration.refused", &company,
							&registration.registration_id);
	else
		BaAuditStart(&audit, "registration.refused");
	audit.outcome = "denied";
	BaJsonStart(&detail);
	BaJsonText(&detail, "reason",
			   reason ? reason : TokenFault(token, known ? &registration : NULL));
	audit.detail = BaJsonFinish(&detail);
	BaAuditWriteFolded(&audit, known ? psprintf("registration/%s",
												BaUuidText(&token->registration_id)) :
									   "registration");
	return MakeResult(fcinfo, reason ? "invalid" : BaTokenOutcome(token->state), NULL);
}

static void
TakeApplicant(FunctionCallInfo fcinfo, BaApplicant *applicant)
{
	memset(applicant, 0, sizeof(*applicant));
	applicant->username = BaArgText(fcinfo, 1, "username", BA_MAX_USERNAME);
	BaUsernameRequire(applicant->username);
	applicant->first_name = BaArgName(fcinfo, 3, "first_name");
	applicant->last_name = BaArgName(fcinfo, 4, "last_name");
	BaApplicantDetails(fcinfo, 5, applicant);
}

/* The account, its role and password, and the end of the invite: all or nothing. */
static void
MakeAccount(const Offer *offer, const BaToken *token, const BaApplicant *applicant,
			const BaPasswordHash *hash, BaUser *user)
{
	const BaRegistration *invite = &offer->registration;
	/* The inviter was asked; who accepts holds nothing yet. */
	BaCaller nobody = {.is_operator = true};
	BaRegistrationMove move = {.to = BA_EMAIL_SUCCESS,
							   .user_id = &user->user_id,
							   .granted_role = invite->role,
							   .changed_by = invite->email,
							   .user = user,
							   .middle_name = applicant->middle_name,
							   .title = applicant->title,
							   .phone = applicant->phone};
	BaAudit audit;
	BaJson detail;

	if (BaRegistrationTakesName(&offer->portal, applicant->username) ||
		!BaApplicantAccount(applicant, &offer->office,
							invite->has_provider ? &offer->provider : NULL, true, user))
		BaUserRefuseTaken(applicant->username);
	BaRoleGive(&nobody, &offer->company, user, invite->role);
	BaCredentialSet(&user->user_id, hash, false);
	BaTokenUse(token);
	BaRegistrationChange(invite, &move);
	BaUserOwnAudit(&audit, "registration.accepted", &offer->company, user);
	audit.object_type = "registration";
	audit.object_id = BaUuidText(&invite->registration_id);
	BaJsonStart(&detail);
	BaJsonText(&detail, "username", user->username);
	BaJsonText(&detail, "role", invite->role);
	BaJsonText(&detail, "office", offer->office.identifier);
	audit.detail = BaJsonFinish(&detail);
	BaAuditWrite(&audit);
}

static Datum
AcceptRegistration(PG_FUNCTION_ARGS)
{
	char *secret = BaArgSecret(fcinfo, 0, "token");
	char *password = BaArgSecret(fcinfo, 2, "password");
	const char *fault;
	BaApplicant applicant;
	BaPasswordHash hash;
	BaToken token;
	BaUser user;
	Offer offer;
	BaRepeat call;

	BaInstanceRequireOpen();
	PreventCommandIfReadOnly("accept_registration()");
	if (BaRepeatFind(fcinfo, &call))
		PG_RETURN_DATUM(call.result);
	TakeApplicant(fcinfo, &applicant);
	if (BaTokenPeek(secret, BA_TOKEN_REGISTRATION, &token) != BA_TOKEN_VALID)
		return Refuse(fcinfo, &token, NULL);
	LoadOffer(&token, &offer);
	applicant.email = offer.registration.email;
	hash = BaApplicantPassword(&applicant, &offer.company, password);
	/* Of several who accept at once, one; what was peeked at is read again. */
	if (!BaRegistrationLock(&token.registration_id, &offer.registration) ||
		BaTokenLock(secret, BA_TOKEN_REGISTRATION, &token) != BA_TOKEN_VALID)
		return Refuse(fcinfo, &token, NULL);
	if (offer.registration.has_inviter)
		BaUserLockShared(&offer.registration.invited_by);
	fault = InviterFault(&offer);
	if (fault != NULL)
		return Refuse(fcinfo, &token, fault);
	MakeAccount(&offer, &token, &applicant, &hash, &user);
	PG_RETURN_DATUM(
		BaRepeatRemember(&call, MakeResult(fcinfo, "accepted", &user.user_id)));
}

Datum
bestauth_accept_registration(PG_FUNCTION_ARGS)
{
	return BaContextAside(AcceptRegistration, fcinfo);
}
