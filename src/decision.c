/*
 * decision.c
 *	  Deciding on requests: yes, perhaps with another role, or no, with a reason. A
 *	  decision is made under the lock of the request's row and is final.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "applicant.h"
#include "args.h"
#include "bestauth.h"
#include "credential.h"
#include "decision.h"
#include "errors.h"
#include "outbox.h"
#include "query.h"
#include "role.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_approve_registration);
PG_FUNCTION_INFO_V1(bestauth_deny_registration);
PG_FUNCTION_INFO_V1(bestauth_list_decline_reasons);
PG_FUNCTION_INFO_V1(bestauth_set_auto_approval);

static BaQuery list_reasons = {
	.sql =
		"SELECT reason, reason FROM bestauth.decline_reason WHERE $1 IS NULL OR (position, reason) >"
		" (SELECT d.position, d.reason FROM bestauth.decline_reason d WHERE d.reason = $1)"
		" ORDER BY position, reason LIMIT $2",
};

static BaQuery find_reason = {
	.sql =
		"SELECT reason FROM bestauth.decline_reason WHERE lower(reason COLLATE \"C\") ="
		" lower($1 COLLATE \"C\") LIMIT 1",
	.latest = true,
};

/* ------------------------------------------------------------------ reasons */

/* While there are none: the operator's own stay as they are. */
void
BaDeclineReasonSeed(void)
{
	static BaQuery seed_reasons = {
		.sql =
			"INSERT INTO bestauth.decline_reason (reason, position) SELECT reason, 10 * n FROM unnest($1)"
			" WITH ORDINALITY AS s (reason, n) WHERE NOT EXISTS (SELECT FROM bestauth.decline_reason)",
	};
	static char *const reasons[] = {
		"Does not work at this office",       "Identity could not be confirmed",
		"Information is wrong or incomplete", "Has an account already",
		"Requested role is not appropriate",  "Other: contact the office",
	};
	BaArgs args = {0};

	BaPutTexts(&args, BaTextArray((char **) reasons, lengthof(reasons)));
	(void) BaQueryExec(&seed_reasons, &args);
}

static char *
RequireReason(FunctionCallInfo fcinfo)
{
	char *reason = BaArgText(fcinfo, 1, "reason", BA_MAX_URL);
	BaArgs args = {0};
	BaRow row;

	BaPutText(&args, reason);
	if (!BaQueryRow(&find_reason, &args, &row))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("decline reason \"%s\" is not known", reason),
						errhint("bestauth.list_decline_reasons() lists them."),
						BaErrRule("PRV-10")));
	return BaGetText(&row, 0);
}

Datum
bestauth_list_decline_reasons(PG_FUNCTION_ARGS)
{
	BaArgs args = {0};

	(void) BaAccessCaller(fcinfo);
	BaPutText(&args, BaArgTextOrNull(fcinfo, 1, "after", BA_MAX_URL));
	BaPutInt(&args, BaArgPageSize(fcinfo, 0, 100));
	BaQueryReturn(&list_reasons, &args, fcinfo);
	return (Datum) 0;
}

/* ----------------------------------------------------------------- deciding */

/* Whoever asked, by whatever account of theirs, does not decide. */
static void
RefuseOwn(const BaCaller *caller, const BaRegistration *request)
{
	BaUser decider;

	if (caller->identity == NULL)
		return;
	if (!BaUserLoad(&caller->identity->person_id, &decider))
		elog(ERROR, "the session's user is gone");
	if (decider.email != NULL && pg_strcasecmp(decider.email, request->email) == 0)
		BaAccessRefuse(caller, "F-11", "Nobody decides on their own request.");
}

/* The request that a call names, with its row locked, and waiting. */
static void
TakeRequest(const BaCaller *caller, FunctionCallInfo fcinfo, BaCompany *company,
			BaRegistration *request)
{
	BaRegistrationActed(caller, fcinfo, true, request);
	if (BaRegistrationApproved(request->status) == NULL)
		BaRegistrationRefuse(request);
	RefuseOwn(caller, request);
	if (!BaCompanyLoad(&request->company_id, company))
		elog(ERROR, "the registration's company is gone");
}

/* The office and provider that were asked for: perhaps made since. */
static void
RequireOffice(const BaRegistration *request, BaOffice *office, BaProvider *provider)
{
	BaPortal portal;
	bool individual = request->npi != NULL;

	if (!BaPortalLoad(&request->portal_id, &portal))
		elog(ERROR, "the registration's portal is gone");
	if (request->has_office ?
			!BaOfficeLoad(&request->office_id, office) :
			!BaOfficeFind(&portal, request->identifier, request->qualifier, office))
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("there is no office \"%s\" with qualifier \"%s\" in portal \"%s\"",
					request->identifier, request->qualifier, portal.code),
			 errhint("The operator makes one with bestauth.create_office()."),
			 BaErrRule("PRV-8")));
	if (individual &&
		!(request->has_provider ? BaProviderLoad(&request->provider_id, provider) :
								  BaProviderFind(office, request->npi, provider)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("there is no provider with NPI \"%s\" in office \"%s\"",
						request->npi, office->identifier),
				 errhint("The operator makes one with bestauth.create_provider()."),
				 BaErrRule("PRV-8")));
}

static void
MakeAccount(const BaRegistration *request, const BaOffice *office,
			const BaProvider *provider, BaUser *user)
{
	BaApplicant applicant = {.username = request->username,
							 .first_name = request->first_name,
							 .middle_name = request->middle_name,
							 .last_name = request->last_name,
							 .title = request->title,
							 .phone = request->phone,
							 .email = request->email};

	if (!BaApplicantAccount(&applicant, office, provider, false, user))
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("user name \"%s\" was taken meanwhile", request->username),
				 errhint("Decline the request; the applicant asks again with another"
						 " user name."),
				 BaErrRule("PRV-10")));
}

static void
AuditDecision(const char *action, const BaCompany *company, const BaRegistration *request,
			  const char *role, const char *reason)
{
	BaAudit audit;
	BaJson detail;

	BaRegistrationAudit(&audit, action, company, &request->registration_id);
	BaJsonStart(&detail);
	BaJsonText(&detail, "username", request->username);
	BaJsonText(&detail, "role", role);
	if (role != NULL && !BaTextSame(role, request->role))
		BaJsonText(&detail, "role_asked_for", request->role);
	BaJsonText(&detail, "reason", reason);
	audit.detail = BaJsonFinish(&detail);
	BaAuditWrite(&audit);
}

static void
Tell(const char *decision, const BaRegistration *request)
{
	BaOutboxPutRegistration(decision, &request->registration_id, &request->company_id,
							request->email);
}

Datum
bestauth_approve_registration(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	char *role = BaArgNameOrNull(fcinfo, 1, "role");
	char *code = BaArgTextOrNull(fcinfo, 2, "company", BA_MAX_CODE);
	BaRegistrationMove move = {0};
	BaRegistration request;
	BaCompany company;
	BaOffice office;
	BaProvider provider;
	BaPasswordHash hash;
	BaUser user;

	TakeRequest(&caller, fcinfo, &company, &request);
	BaCompanyRequireSame(&caller, code, &company);
	role = BaRoleRequireGivable(&caller, &company, role == NULL ? request.role : role);
	RequireOffice(&request, &office, &provider);
	MakeAccount(&request, &office, request.npi ? &provider : NULL, &user);
	BaRoleGive(&caller, &company, &user, role);
	if (!BaRegistrationPasswordTake(&request.registration_id, &hash))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("registration %s has no password",
						BaUuidText(&request.registration_id)),
				 errhint("Decline it; the applicant asks again."), BaErrRule("PRV-10")));
	BaCredentialSet(&user.user_id, &hash, false);
	move.to = BaRegistrationApproved(request.status);
	move.user_id = &user.user_id;
	move.granted_role = role;
	move.office_id = &office.office_id;
	move.provider_id = request.npi ? &provider.provider_id : NULL;
	BaRegistrationChange(&request, &move);
	AuditDecision("registration.approved", &company, &request, role, NULL);
	Tell(BA_DECISION_APPROVED, &request);
	BaOutboxPut(BA_MAIL_EMAIL_VERIFICATION, &user);
	PG_RETURN_TEXT_P(cstring_to_text(move.to));
}

Datum
bestauth_deny_registration(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	char *reason = RequireReason(fcinfo);
	BaRegistrationMove move = {.to = BA_DECLINED, .reason = reason};
	BaRegistration request;
	BaCompany company;
	BaPasswordHash hash;

	TakeRequest(&caller, fcinfo, &company, &request);
	(void) BaRegistrationPasswordTake(&request.registration_id, &hash);
	BaRegistrationChange(&request, &move);
	AuditDecision("registration.declined", &company, &request, NULL, reason);
	Tell(BA_DECISION_DECLINED, &request);
	PG_RETURN_TEXT_P(cstring_to_text(move.to));
}

/* ------------------------------------------------------- automatic approval */

Datum
bestauth_set_auto_approval(PG_FUNCTION_ARGS)
{
	static BaQuery set_auto_approval = {
		.sql = "UPDATE bestauth.company SET auto_approval = $2"
			   " WHERE company_id = $1 AND auto_approval <> $2",
		.latest = true,
	};
	BaCaller caller = BaAccessCaller(fcinfo);
	BaCompany company;
	BaArgs args = {0};
	BaAudit audit;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"enabled\" must not be null")));
	BaCompanyActed(&caller, BaArgTextOrNull(fcinfo, 1, "company", BA_MAX_CODE), &company);
	BaPutUuid(&args, &company.company_id);
	BaPutBool(&args, PG_GETARG_BOOL(0));
	if (BaQueryExec(&set_auto_approval, &args) == 0)
		PG_RETURN_VOID();
	BaCompanyAudit(&audit,
				   PG_GETARG_BOOL(0) ? "auto_approval.enabled" : "auto_approval.disabled",
				   &company);
	audit.object_type = "company";
	audit.object_id = company.code;
	BaAuditWrite(&audit);
	PG_RETURN_VOID();
}
