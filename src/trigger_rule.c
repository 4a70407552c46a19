/*
 * trigger_rule.c
 *	  The row trigger that asks the rules of the table that it stands on, so that
 *	  direct SQL can't break them either.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "claim_history.h"
#include "company_access.h"
#include "contact.h"
#include "credential.h"
#include "emergency_access.h"
#include "employee.h"
#include "instance.h"
#include "mail_template.h"
#include "master_data.h"
#include "password_policy.h"
#include "permission.h"
#include "portal.h"
#include "provider.h"
#include "query.h"
#include "registration.h"
#include "role.h"
#include "security_question.h"
#include "served_customer.h"
#include "sso_assertion.h"
#include "sso_key.h"
#include "tuple.h"
#include "user.h"

PG_FUNCTION_INFO_V1(bestauth_rule_tg);

typedef void (*Rule)(BaRowEvent *event, bool restoring);

static void
BillingServiceRule(BaRowEvent *event, bool restoring)
{
	BaBillingServiceRule(event);
}

/* Every provider portal has its roles, whoever made it [PRV-4]. */
static void
PortalRule(BaRowEvent *event, bool restoring)
{
	pg_uuid_t company_id;

	BaPortalRule(event, restoring);
	if (!restoring && event->old_row == NULL &&
		BaColumnUuid(event, "company_id", &company_id) &&
		strcmp(BaColumnRequireText(event, "kind"), BA_PORTAL_PROVIDER) == 0)
		BaRoleSeedProvider(&company_id);
}

static const struct
{
	const char *table;
	Rule rule;
} rules[] = {
	{"billing_service", BillingServiceRule},
	{"blocked_password", BaBlockedPasswordRule},
	{"billing_user_person", BaUserPersonRule},
	{"company", BaCompanyRule},
	{"contact", BaContactRule},
	{"credential", BaCredentialRule},
	{"historical_claim", BaHistoricalClaimRule},
	{"emergency_access", BaEmergencyAccessRule},
	{"employee", BaEmployeeRule},
	{"facility", BaMasterDataRule},
	{"mail_template", BaMailTemplateRule},
	{"office", BaOfficeRule},
	{"payer", BaMasterDataRule},
	{"permission", BaPermissionRule},
	{"portal", PortalRule},
	{"provider", BaProviderRule},
	{"registration", BaRegistrationRule},
	{"role", BaRoleRule},
	{"role_company", BaRoleCompanyRule},
	{"role_permission", BaRolePermissionRule},
	{"security_question", BaSecurityQuestionRule},
	{"served_customer", BaServedCustomerRule},
	{"served_instance", BaServedInstanceRule},
	{"sso_key", BaSsoKeyRule},
	{"sso_person", BaSsoPersonRule},
	{"user_account", BaUserRule},
	{"user_company", BaUserCompanyRule},
	{"user_permission", BaUserPermissionRule},
	{"user_role", BaUserRoleRule},
};

static void
AskRules(BaRowEvent *event, bool restoring)
{
	int i;

	if (event->new_row == NULL)
	{
		if (strcmp(event->table, "permission") == 0)
			BaPermissionDeleteRule(event);
		if (strcmp(event->table, "mail_template") == 0)
			BaMailTemplateDeleteRule(event);
		if (strcmp(event->table, "sso_key") == 0)
			BaSsoKeyDeleteRule(event);
		return;
	}
	for (i = 0; i < lengthof(rules); i++)
		if (strcmp(rules[i].table, event->table) == 0)
			rules[i].rule(event, restoring);
}

/*
 * Where a function of ours runs the statement, the innermost context of an error
 * would be its SQL, which is nobody's business and no help: it is left out.
 */
Datum
bestauth_rule_tg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = BaTriggerCheck(fcinfo, "rule_tg", true);
	BaRowEvent event = BaRowEventOf(trigger);
	bool restoring = BaInstanceIsRestoring();
	ErrorContextCallback *context = error_context_stack;

	if (context != NULL && GetUserId() == BaOwnerId())
		error_context_stack = context->previous;
	AskRules(&event, restoring);
	error_context_stack = context;
	return PointerGetDatum(event.new_row ? event.new_row : event.old_row);
}
