/*
 * provider_user.c
 *	  Accounts that the administrators of an office make for its employees, at the
 *	  level that they have themselves.
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/builtins.h"

#include "args.h"
#include "bestauth.h"
#include "credential.h"
#include "crypto.h"
#include "employee.h"
#include "errors.h"
#include "password_policy.h"
#include "provider_account.h"
#include "registration.h"
#include "role.h"
#include "security_question.h"
#include "username.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_create_provider_user);

/* What the caller wants made. */
typedef struct NewAccount
{
	BaProviderAccount account;
	BaEmployee employee;
	BaOffice office;
	BaProvider provider;
	char *role;
	char *password;
	bool password_made; /* here, and so to be shown */
	BaPasswordHash hash;
	BaTextList questions;
	char *answers; /* NULL without questions */
	BaPasswordHash answers_hash;
} NewAccount;

static const char *
NameOr(FunctionCallInfo fcinfo, int n, const char *name, const char *otherwise)
{
	const char *given = BaArgNameOrNull(fcinfo, n, name);

	return given != NULL ? given : otherwise;
}

/* In a session its own level; the operator goes by what the employee is [PRV-12]. */
static void
TakeLevel(const BaCaller *caller, NewAccount *new_account)
{
	const BaEmployee *employee = &new_account->employee;
	bool individual =
		caller->identity ? caller->identity->has_provider : employee->has_provider;

	if (!BaOfficeLoad(&employee->office_id, &new_account->office) ||
		(individual && !BaProviderLoad(&employee->provider_id, &new_account->provider)))
		elog(ERROR, "the employee's office or provider is gone");
	new_account->account.office = &new_account->office;
	new_account->account.provider = individual ? &new_account->provider : NULL;
}

static void
TakeArguments(const BaCaller *caller, FunctionCallInfo fcinfo, NewAccount *new_account)
{
	BaProviderAccount *account = &new_account->account;
	BaEmployee *employee = &new_account->employee;

	memset(new_account, 0, sizeof(*new_account));
	account->username = BaArgText(fcinfo, 1, "username", BA_MAX_USERNAME);
	new_account->role = BaArgName(fcinfo, 2, "role");
	account->email = BaArgText(fcinfo, 3, "email", BA_MAX_EMAIL);
	new_account->password_made = PG_ARGISNULL(4);
	if (!new_account->password_made)
		new_account->password = BaArgSecret(fcinfo, 4, "password");
	if (!PG_ARGISNULL(8) || !PG_ARGISNULL(9))
		BaSecurityQuestionsTake(fcinfo, 8, 9, &new_account->questions,
								&new_account->answers);
	BaEmployeeActed(caller, fcinfo, 0, employee);
	account->first_name = NameOr(fcinfo, 5, "first_name", employee->first_name);
	account->middle_name = NameOr(fcinfo, 6, "middle_name", employee->middle_initial);
	account->last_name = NameOr(fcinfo, 7, "last_name", employee->last_name);
	account->title = employee->title;
	account->phone = employee->telephone;
	account->employee_id = &employee->employee_id;
	/* Who makes the account knows whose address it is. */
	account->verified = true;
	TakeLevel(caller, new_account);
}

/* That of a request that waits is taken for the time being. */
static void
RequireName(const NewAccount *new_account)
{
	BaPortal portal;

	if (!BaPortalLoad(&new_account->office.portal_id, &portal))
		elog(ERROR, "the office's portal is gone");
	if (BaRegistrationTakesName(&portal, new_account->account.username))
		BaUserRefuseTaken(new_account->account.username);
}

/* What costs time is done before anything is locked. */
static void
MakeHashes(const BaCompany *company, NewAccount *new_account)
{
	const BaProviderAccount *account = &new_account->account;
	BaUser future = {.username = (char *) account->username,
					 .first_name = (char *) account->first_name,
					 .last_name = (char *) account->last_name,
					 .email = (char *) account->email};

	if (new_account->password_made)
		new_account->password = BaRandomPassword();
	else
		BaPasswordPolicyRequire(new_account->password, company, &future);
	new_account->hash = BaPasswordMake(new_account->password);
	if (new_account->answers != NULL)
		new_account->answers_hash = BaPasswordMake(new_account->answers);
	BaSecretForget(new_account->answers);
}

static void
AuditAccount(const BaCompany *company, const BaUser *user, const NewAccount *new_account)
{
	BaAudit audit;
	BaJson detail;

	BaUserAudit(&audit, "user.created", company, user);
	BaJsonStart(&detail);
	BaJsonText(&detail, "user_type", user->type->name);
	BaJsonText(&detail, "role", new_account->role);
	BaJsonText(&detail, "employee", BaUuidText(&new_account->employee.employee_id));
	audit.detail = BaJsonFinish(&detail);
	BaAuditWrite(&audit);
}

/* The password is shown this once if it was made here, and never mailed. */
static Datum
ShowAccount(FunctionCallInfo fcinfo, const BaUser *user, NewAccount *new_account)
{
	TupleDesc tupdesc;
	Datum values[2];
	bool nulls[2] = {false, !new_account->password_made};

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = BaUuidDatum(&user->user_id);
	values[1] = CStringGetTextDatum(new_account->password);
	BaSecretForget(new_account->password);
	PG_RETURN_DATUM(
		HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)));
}

Datum
bestauth_create_provider_user(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	NewAccount new_account;
	BaCompany company;
	BaUser user;

	TakeArguments(&caller, fcinfo, &new_account);
	if (!BaCompanyLoad(&new_account.office.company_id, &company))
		elog(ERROR, "the office's company is gone");
	BaCompanyRequireSame(&caller, BaArgTextOrNull(fcinfo, 10, "company", BA_MAX_CODE),
						 &company);
	RequireName(&new_account);
	MakeHashes(&company, &new_account);
	if (!BaProviderAccountMake(&new_account.account, &user))
		BaUserRefuseTaken(new_account.account.username);
	AuditAccount(&company, &user, &new_account);
	(void) BaRoleGive(&caller, &company, &user, new_account.role);
	BaCredentialSet(&user.user_id, &new_account.hash, true);
	if (new_account.answers != NULL)
		BaSecurityQuestionsSet(&user, &new_account.questions, &new_account.answers_hash);
	return ShowAccount(fcinfo, &user, &new_account);
}
