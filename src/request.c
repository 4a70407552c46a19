/*
 * request.c
 *	  Asking for an account of an office without an invite.
 *
 * Security answers prove a little about who asks, for this one request: they never log
 * anybody in, and the address is verified besides. Each try is charged durably before
 * the answers are looked at, alike whether there is such an office or not. An
 * identifier that no office has makes a request that only the operator sees.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "applicant.h"
#include "args.h"
#include "bestauth.h"
#include "canonical.h"
#include "claim_history.h"
#include "counter.h"
#include "credential.h"
#include "errors.h"
#include "fold.h"
#include "instance.h"
#include "outbox.h"
#include "query.h"
#include "repeat.h"
#include "role.h"
#include "username.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_submit_registration);

/* What was sent, and what is known of it. */
typedef struct Request
{
	BaCompany company;
	BaPortal portal;
	char *identifier;
	char *qualifier;
	char *level;
	char *npi;
	const char *role;
	BaApplicant applicant;
	char *password;
	char *claim_number; /* kept nowhere */
	bool has_birth_date;
	DateADT birth_date;
	bool has_office;
	BaOffice office;
	bool has_provider;
	BaProvider provider;
	BaAnswer claim;
	BaAnswer birth;
	const char *missing[8];
	int missing_count;
} Request;

static BaQuery insert_request = {
	.sql =
		"INSERT INTO bestauth.registration (company_id, portal_id, office_id, provider_id, status, level, identifier,"
		" identifier_qualifier, npi, email, role, username, first_name, middle_name, last_name, title, phone,"
		" claim_number_result, birth_date_result, missing, reason, user_id, changed_by, granted_role)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,"
		" $22, $23, CASE WHEN $22 IS NOT NULL THEN $11 END)"
		" ON CONFLICT DO NOTHING RETURNING registration_id",
};

/* Told at a company that switched it off: everything else goes on as if it were on. */
static BaQuery find_auto_approval = {
	.sql = "SELECT auto_approval FROM bestauth.company WHERE company_id = $1",
	.latest = true,
};

/* ------------------------------------------------------------------- taking */

static void
TakeLevel(FunctionCallInfo fcinfo, Request *request)
{
	char *level = BaArgNameOrNull(fcinfo, 3, "level");

	request->npi = BaArgNameOrNull(fcinfo, 4, "npi");
	if (level == NULL)
		return;
	if (!BaTextSame(level, BA_LEVEL_TIN) && !BaTextSame(level, BA_LEVEL_INDIVIDUAL))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("level \"%s\" is not known", level),
						errhint("It is tin or individual."), BaErrRule("PRV-6")));
	request->level = BaTextSame(level, BA_LEVEL_TIN) ? BA_LEVEL_TIN : BA_LEVEL_INDIVIDUAL;
	/* At TIN level it says nothing. */
	if (strcmp(request->level, BA_LEVEL_TIN) == 0)
		request->npi = NULL;
	if (request->npi != NULL && !BaNpiIsValid(request->npi))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("NPI \"%s\" is not valid", request->npi),
						errdetail("It has 10 digits."), BaErrRule("PRV-6")));
}

static void
TakeOffice(FunctionCallInfo fcinfo, Request *request)
{
	request->identifier = BaArgNameOrNull(fcinfo, 1, "identifier");
	request->qualifier = BaArgNameOrNull(fcinfo, 2, "identifier_qualifier");
	if (request->identifier != NULL)
		BaIdentifierRequire(request->identifier, "office identifier");
	if (request->qualifier == NULL)
		request->qualifier = BA_QUALIFIER_TIN;
	BaIdentifierRequire(request->qualifier, "identifier qualifier");
	TakeLevel(fcinfo, request);
}

static void
TakeApplicant(FunctionCallInfo fcinfo, Request *request)
{
	BaApplicant *applicant = &request->applicant;
	char *role = BaArgNameOrNull(fcinfo, 5, "role");

	request->role = BaRoleOfProviders(role ? role : BA_ROLE_SELF_REGISTRATION);
	if (request->role == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("role \"%s\" cannot be asked for", role),
				 errhint("The roles of a provider portal can."), BaErrRule("PRV-6")));
	applicant->username = BaArgTextOrNull(fcinfo, 6, "username", BA_MAX_USERNAME);
	if (applicant->username != NULL && *applicant->username == '\0')
		applicant->username = NULL;
	if (applicant->username != NULL)
		BaUsernameRequire(applicant->username);
	request->password = PG_ARGISNULL(7) ? NULL : BaArgSecret(fcinfo, 7, "password");
	applicant->first_name = BaArgNameOrNull(fcinfo, 8, "first_name");
	applicant->last_name = BaArgNameOrNull(fcinfo, 9, "last_name");
	applicant->email = BaArgTextOrNull(fcinfo, 10, "email", BA_MAX_EMAIL);
	if (applicant->email != NULL && *applicant->email == '\0')
		applicant->email = NULL;
	if (applicant->email != NULL)
		BaEmailRequire(applicant->email);
	BaApplicantDetails(fcinfo, 13, applicant);
}

/* The answers: nothing of them is kept, or named in a message. */
static void
TakeAnswers(FunctionCallInfo fcinfo, Request *request)
{
	request->claim_number =
		PG_ARGISNULL(11) ? NULL : BaArgSecret(fcinfo, 11, "claim_number");
	request->has_birth_date = !PG_ARGISNULL(12);
	if (request->has_birth_date)
		request->birth_date = PG_GETARG_DATEADT(12);
}

static void
Miss(Request *request, bool missing, const char *what)
{
	if (missing)
		request->missing[request->missing_count++] = what;
}

/* What must be given, in the order of the form [PRV-8]. */
static void
FindMissing(Request *request)
{
	BaApplicant *applicant = &request->applicant;

	Miss(request, request->identifier == NULL, "identifier");
	Miss(request, request->level == NULL, "level");
	Miss(request,
		 request->level != NULL && strcmp(request->level, BA_LEVEL_INDIVIDUAL) == 0 &&
			 request->npi == NULL,
		 "npi");
	Miss(request, applicant->username == NULL, "username");
	Miss(request, request->password == NULL || *request->password == '\0', "password");
	Miss(request, applicant->first_name == NULL, "first_name");
	Miss(request, applicant->last_name == NULL, "last_name");
	Miss(request, applicant->email == NULL, "email");
}

/* ------------------------------------------------------------------ answers */

static BaSubject
ChargedTo(const Request *request)
{
	if (request->has_office && (request->npi == NULL || request->has_provider))
		return BaSubjectOffice(&request->office.office_id, request->npi);
	return BaSubjectUnknownOffice(request->company.code, request->portal.code,
								  psprintf("%s %s %s",
										   BaCanonicalIdentifier(request->identifier),
										   request->qualifier,
										   request->npi ? request->npi : ""));
}

/*
 * Does what was answered fit? Charged to what is asked for, not to who asks, who can be
 * anybody: where it is locked, nothing is looked at and the request waits.
 */
static bool
AnswersFit(Request *request)
{
	BaSubject subject = ChargedTo(request);
	BaSubject none = {0};
	BaAudit lock_row;
	BaJson detail;
	BaCharge charge;

	if (request->claim_number == NULL && !request->has_birth_date)
		return false;
	BaCompanyAudit(&lock_row, "registration.locked_out", &request->company);
	lock_row.outcome = "denied";
	lock_row.object_type = "office";
	lock_row.object_id = request->identifier;
	BaJsonStart(&detail);
	BaJsonText(&detail, "npi", request->npi);
	if (request->npi != NULL)
		lock_row.detail = BaJsonFinish(&detail);
	charge = BaCounterCharge(subject, none, &lock_row);
	/* What is read shows to the caller: of a locked one nothing is looked for. */
	BaClaimHistoryMatch(&request->company.company_id, request->identifier,
						request->qualifier, request->npi,
						request->has_office ? &request->office.office_id : NULL,
						charge.admitted ? request->claim_number : "",
						charge.admitted && request->has_birth_date, request->birth_date,
						&request->claim, &request->birth);
	if (!charge.admitted)
	{
		request->claim = request->birth = BA_ANSWER_NONE;
		return false;
	}
	if (request->claim != BA_ANSWER_MATCHED || request->birth != BA_ANSWER_MATCHED)
		return false;
	BaCounterClear(subject, none);
	return true;
}

static const char *
AnswerText(BaAnswer answer)
{
	return answer == BA_ANSWER_NONE    ? "none" :
		   answer == BA_ANSWER_MATCHED ? "matched" :
										 "not matched";
}

/* Only an office, and a provider, that there is can be approved for. */
static bool
IsApproved(Request *request)
{
	bool fit = AnswersFit(request);
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, &request->company.company_id);
	return BaQueryRow(&find_auto_approval, &args, &row) && BaGetBool(&row, 0) && fit &&
		   request->has_office && (request->npi == NULL || request->has_provider);
}

/* ------------------------------------------------------------------ writing */

/* False if somebody asks for the same user name at this moment. */
static bool
Write(const Request *request, const char *status, const BaUser *user,
	  pg_uuid_t *registration_id)
{
	const BaApplicant *applicant = &request->applicant;
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, &request->company.company_id);
	BaPutUuid(&args, &request->portal.portal_id);
	BaPutUuid(&args, request->has_office ? &request->office.office_id : NULL);
	BaPutUuid(&args, request->has_provider ? &request->provider.provider_id : NULL);
	BaPutText(&args, status);
	BaPutText(&args, request->level);
	BaPutText(&args, request->identifier);
	BaPutText(&args, request->qualifier);
	BaPutText(&args, request->npi);
	BaPutText(&args, applicant->email);
	BaPutText(&args, request->role);
	BaPutText(&args, applicant->username);
	BaPutText(&args, applicant->first_name);
	BaPutText(&args, applicant->middle_name);
	BaPutText(&args, applicant->last_name);
	BaPutText(&args, applicant->title);
	BaPutText(&args, applicant->phone);
	BaPutText(&args, AnswerText(request->claim));
	BaPutText(&args, AnswerText(request->birth));
	BaPutTexts(&args,
			   request->missing_count == 0 ?
				   (Datum) 0 :
				   BaTextArray((char **) request->missing, request->missing_count));
	BaPutText(&args, request->missing_count == 0 ? NULL : BA_REASON_INCOMPLETE);
	BaPutUuid(&args, user ? &user->user_id : NULL);
	BaPutText(&args, applicant->email ? applicant->email : "(nobody)");
	return BaQueryRow(&insert_request, &args, &row) &&
		   BaGetUuid(&row, 0, registration_id);
}

/* Whoever asks can learn which names are taken; that they ask is written down. */
static void
RefuseName(const Request *request)
{
	BaAudit audit;
	BaJson detail;

	BaCompanyAudit(&audit, "registration.refused", &request->company);
	audit.outcome = "denied";
	audit.object_type = "office";
	audit.object_id = request->identifier;
	BaJsonStart(&detail);
	BaJsonText(&detail, "reason", "user name taken");
	BaJsonText(&detail, "username", request->applicant.username);
	audit.detail = BaJsonFinish(&detail);
	BaAuditWriteFolded(&audit, psprintf("registration/name/%s", request->company.code));
	ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION),
					errmsg("user name \"%s\" is taken", request->applicant.username)));
}

/* The account at once, which the verified address makes active. */
static void
Approve(const Request *request, const BaPasswordHash *hash, pg_uuid_t *registration_id)
{
	/* The answers decided; who asks holds nothing. */
	BaCaller nobody = {.is_operator = true};
	BaUser user;

	if (!BaApplicantAccount(&request->applicant, &request->office,
							request->has_provider ? &request->provider : NULL, false,
							&user))
		RefuseName(request);
	BaRoleGive(&nobody, &request->company, &user, request->role);
	BaCredentialSet(&user.user_id, hash, false);
	if (!Write(request, BA_AUTO_APPROVED, &user, registration_id))
		RefuseName(request);
	BaOutboxPutRegistration(BA_DECISION_APPROVED, registration_id,
							&request->company.company_id, request->applicant.email);
	BaOutboxPut(BA_MAIL_EMAIL_VERIFICATION, &user);
}

static const char *
Decide(Request *request, const BaPasswordHash *hash, pg_uuid_t *registration_id)
{
	const char *status = strcmp(request->level, BA_LEVEL_TIN) == 0 ?
							 BA_PENDING_TIN :
							 BA_PENDING_INDIVIDUAL;

	if (BaRegistrationTakesName(&request->portal, request->applicant.username))
		RefuseName(request);
	if (IsApproved(request))
	{
		Approve(request, hash, registration_id);
		return BA_AUTO_APPROVED;
	}
	if (!Write(request, status, NULL, registration_id))
		RefuseName(request);
	BaRegistrationPasswordPut(registration_id, hash);
	return status;
}

static void
AuditRequest(const Request *request, const char *status, const pg_uuid_t *registration_id)
{
	BaAudit audit;
	BaJson detail;

	BaRegistrationAudit(&audit, "registration.requested", &request->company,
						registration_id);
	BaJsonStart(&detail);
	BaJsonText(&detail, "status", status);
	BaJsonText(&detail, "email", request->applicant.email);
	BaJsonText(&detail, "claim_number", AnswerText(request->claim));
	BaJsonText(&detail, "birth_date", AnswerText(request->birth));
	audit.detail = BaJsonFinish(&detail);
	BaAuditWrite(&audit);
}

/* A company without a provider portal and one that is not there give the same answer. */
static void
OpenPortal(FunctionCallInfo fcinfo, Request *request)
{
	BaCaller caller = {0};
	char *code = BaArgText(fcinfo, 0, "company", BA_MAX_CODE);
	BaCompany typed = {.code = code};

	if (BaCompanyFind(code, &request->company))
		typed.company_id = request->company.company_id;
	BaPortalRequire(&caller, &typed, BaArgTextOrNull(fcinfo, 14, "portal", BA_MAX_CODE),
					BA_PORTAL_PROVIDER, &request->portal);
}

static Datum
MakeResult(FunctionCallInfo fcinfo, const Request *request, const char *status,
		   const pg_uuid_t *registration_id)
{
	TupleDesc tupdesc;
	Datum values[3];
	bool nulls[3] = {false, false, request->missing_count == 0};

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = UUIDPGetDatum(registration_id);
	values[1] = CStringGetTextDatum(status);
	values[2] = BaTextArray((char **) request->missing, request->missing_count);
	PG_RETURN_DATUM(
		HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)));
}

static Datum
SubmitRegistration(PG_FUNCTION_ARGS)
{
	static const BaOffice none; /* all zero: nobody's */
	Request request = {0};
	pg_uuid_t registration_id;
	const char *status = BA_INVALIDATED;
	BaPasswordHash hash;
	BaRepeat call;

	BaInstanceRequireOpen();
	PreventCommandIfReadOnly("submit_registration()");
	if (BaRepeatFind(fcinfo, &call))
		PG_RETURN_DATUM(call.result);
	TakeOffice(fcinfo, &request);
	TakeApplicant(fcinfo, &request);
	TakeAnswers(fcinfo, &request);
	OpenPortal(fcinfo, &request);
	FindMissing(&request);
	request.has_office =
		request.identifier != NULL && BaOfficeFind(&request.portal, request.identifier,
												   request.qualifier, &request.office);
	/* Looked for in any case: a caller can see which tables were read. */
	request.has_provider = request.npi != NULL &&
						   BaProviderFind(request.has_office ? &request.office : &none,
										  request.npi, &request.provider);
	/* Each costs a hash, so that nobody sends them by the thousand, or asks for names. */
	if (request.missing_count > 0)
		(void) BaPasswordMake("");
	else
		hash =
			BaApplicantPassword(&request.applicant, &request.company, request.password);
	if (request.missing_count == 0)
		status = Decide(&request, &hash, &registration_id);
	else if (!Write(&request, status, NULL, &registration_id))
		elog(ERROR, "registration was not written");
	AuditRequest(&request, status, &registration_id);
	PG_RETURN_DATUM(
		BaRepeatRemember(&call, MakeResult(fcinfo, &request, status, &registration_id)));
}

Datum
bestauth_submit_registration(PG_FUNCTION_ARGS)
{
	return BaContextAside(SubmitRegistration, fcinfo);
}
