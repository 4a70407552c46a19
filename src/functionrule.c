/*
 * functionrule.c
 *	  What each public function asks of its caller: the one table that access.c goes
 *	  by. A function that is not in it can't be called.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "bestauth.h"
#include "functionrule.h"

PG_FUNCTION_INFO_V1(bestauth_function_rules);

#define USERS BA_PERM_MANAGE_USERS
#define ROLES BA_PERM_MANAGE_ROLES
#define CONTACTS BA_PERM_MANAGE_CONTACTS
#define WEB_PORTAL BA_PERM_WEB_PORTAL

/* In the order of strcmp(). */
static const BaFunctionRule rules[] = {
	{"accessible_company_ids", BA_NEED_NOTHING, NULL, NULL, "MCM-7"},
	{"assign_role", BA_NEED_PERMISSION, USERS, NULL, "TPB-3"},
	{"audit_report", BA_NEED_REPORT, BA_PERM_AUDIT_REPORT, NULL, "AUD-4"},
	{"can_access_company", BA_NEED_NOTHING, NULL, NULL, "MCM-7"},
	{"change_password", BA_NEED_OWN_ACCOUNT, BA_PERM_MY_ACCOUNT, NULL, "IBS-6"},
	{"claim_mail", BA_NEED_MAILER, NULL, NULL, "IBS-5"},
	{"confirm_email_change", BA_NEED_NOTHING, NULL, NULL, "G-11"},
	{"confirm_mail", BA_NEED_MAILER, NULL, NULL, "IBS-5"},
	{"create_company", BA_NEED_OPERATOR, NULL, NULL, "TPB-1"},
	{"create_contact", BA_NEED_PERMISSION, CONTACTS, NULL, "PRT-4"},
	{"create_portal", BA_NEED_OPERATOR, NULL, NULL, "PRT-1"},
	{"create_portal_account", BA_NEED_PERMISSION, WEB_PORTAL, NULL, "PRT-3"},
	{"create_role", BA_NEED_PERMISSION, ROLES, NULL, "MCM-2"},
	{"create_user", BA_NEED_PERMISSION, USERS, NULL, "IBS-2"},
	{"current_billing_service_id", BA_NEED_NOTHING, NULL, NULL, "TPB-6"},
	{"current_company_id", BA_NEED_NOTHING, NULL, NULL, "MCM-7"},
	{"current_person_id", BA_NEED_NOTHING, NULL, NULL, "TPB-6"},
	{"current_session_id", BA_NEED_NOTHING, NULL, NULL, "D-01"},
	{"current_user_id", BA_NEED_NOTHING, NULL, NULL, "TPB-6"},
	{"delete_role", BA_NEED_PERMISSION, ROLES, NULL, "MCM-2"},
	{"delete_user", BA_NEED_PERMISSION, USERS, NULL, "PRV-14"},
	{"fail_mail", BA_NEED_MAILER, NULL, NULL, "IBS-5"},
	{"function_rules", BA_NEED_NOTHING, NULL, NULL, "L-15"},
	{"grant_access", BA_NEED_SUPERUSER, NULL, NULL, "L-05"},
	{"grant_permission", BA_NEED_PERMISSION, USERS, NULL, "TPB-3"},
	{"has_access", BA_NEED_NOTHING, NULL, NULL, "L-05"},
	{"has_permission", BA_NEED_NOTHING, NULL, NULL, "MCM-8"},
	{"instance_name", BA_NEED_NOTHING, NULL, NULL, "SHP-4"},
	{"limit_billing_user", BA_NEED_PERMISSION, USERS, NULL, "TPB-7"},
	{"list_billing_services", BA_NEED_PERMISSION, USERS, NULL, "TPB-2"},
	{"list_contacts", BA_NEED_PERMISSION, CONTACTS, WEB_PORTAL, "PRT-4"},
	{"list_permissions", BA_NEED_PERMISSION, USERS, ROLES, "ALL-2"},
	{"list_portals", BA_NEED_PERMISSION, WEB_PORTAL, USERS, "PRT-1"},
	{"list_roles", BA_NEED_PERMISSION, USERS, ROLES, "ALL-2"},
	{"list_sessions", BA_NEED_SELF, USERS, NULL, "TPB-9"},
	{"lock_user", BA_NEED_PERMISSION, USERS, NULL, "PRV-16"},
	{"login", BA_NEED_NOTHING, NULL, NULL, "C-01"},
	{"login_second_part", BA_NEED_NOTHING, NULL, NULL, "TPB-5"},
	{"login_second_part_session", BA_NEED_NOTHING, NULL, NULL, "TPB-5"},
	{"logout", BA_NEED_NOTHING, NULL, NULL, "AUD-1"},
	{"open_instance", BA_NEED_SUPERUSER, NULL, NULL, "AUD-1"},
	{"peek_password_link", BA_NEED_NOTHING, NULL, NULL, "E-13"},
	{"peek_verification", BA_NEED_NOTHING, NULL, NULL, "E-13"},
	{"portal_instructions", BA_NEED_PERMISSION, WEB_PORTAL, NULL, "PRT-5"},
	{"portal_url", BA_NEED_PERMISSION, WEB_PORTAL, USERS, "PRT-1"},
	{"purge_expired", BA_NEED_OPERATOR, NULL, NULL, "E-14"},
	{"register_billing_service", BA_NEED_OPERATOR, NULL, NULL, "IBS-1"},
	{"register_portal_account", BA_NEED_NOTHING, NULL, NULL, "PRT-7"},
	{"release_mail", BA_NEED_MAILER, NULL, NULL, "IBS-5"},
	{"request_password_reset", BA_NEED_NOTHING, NULL, NULL, "C-09"},
	{"resend_setup_link", BA_NEED_PERMISSION, USERS, NULL, "IBS-5"},
	{"resend_verification", BA_NEED_NOTHING, NULL, NULL, "PRT-8"},
	{"reset_password", BA_NEED_PERMISSION, USERS, NULL, "PRV-13"},
	{"restore_user", BA_NEED_PERMISSION, USERS, NULL, "PRV-14"},
	{"retry_mail", BA_NEED_OPERATOR, NULL, NULL, "I-04"},
	{"revoke_access", BA_NEED_SUPERUSER, NULL, NULL, "L-05"},
	{"revoke_permission", BA_NEED_PERMISSION, USERS, NULL, "MCM-8"},
	{"revoke_sessions", BA_NEED_SELF, USERS, NULL, "TPB-9"},
	{"search_users", BA_NEED_PERMISSION, USERS, NULL, "PRV-17"},
	{"set_password", BA_NEED_NOTHING, NULL, NULL, "E-04"},
	{"set_security_questions", BA_NEED_OWN_ACCOUNT, BA_PERM_MY_ACCOUNT, NULL, "PRV-18"},
	{"suggest_username", BA_NEED_PERMISSION, USERS, NULL, "IBS-3"},
	{"unassign_role", BA_NEED_PERMISSION, USERS, NULL, "MCM-8"},
	{"unlock_user", BA_NEED_PERMISSION, USERS, NULL, "PRV-16"},
	{"unregister_billing_service", BA_NEED_OPERATOR, NULL, NULL, "IBS-1"},
	{"update_contact", BA_NEED_PERMISSION, CONTACTS, NULL, "PRT-4"},
	{"update_role", BA_NEED_PERMISSION, ROLES, NULL, "MCM-2"},
	{"update_user", BA_NEED_PERMISSION, USERS, NULL, "PRV-15"},
	{"use_session", BA_NEED_NOTHING, NULL, NULL, "TPB-9"},
	{"user_details", BA_NEED_SELF, USERS, NULL, "PRV-17"},
	{"user_type_rules", BA_NEED_NOTHING, NULL, NULL, "IBS-4"},
	{"uuidv7", BA_NEED_NOTHING, NULL, NULL, "SHP-2"},
	{"verify_email", BA_NEED_NOTHING, NULL, NULL, "PRT-6"},
};

static const char *const need_names[] = {
	[BA_NEED_NOTHING] = "nothing",
	[BA_NEED_OWN_ACCOUNT] = "own account",
	[BA_NEED_SELF] = "permission or own user",
	[BA_NEED_PERMISSION] = "permission",
	[BA_NEED_REPORT] = "permission or auditor",
	[BA_NEED_OPERATOR] = "operator",
	[BA_NEED_MAILER] = "mailer",
	[BA_NEED_SUPERUSER] = "superuser",
};

static int
Compare(const void *name, const void *rule)
{
	return strcmp(name, ((const BaFunctionRule *) rule)->function);
}

const BaFunctionRule *
BaFunctionRuleOf(const char *function)
{
	const BaFunctionRule *rule =
		bsearch(function, rules, lengthof(rules), sizeof(BaFunctionRule), Compare);

	if (rule == NULL)
		elog(ERROR, "function \"%s\" has no rule of who may call it", function);
	return rule;
}

Datum
bestauth_function_rules(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result;
	int i;

	InitMaterializedSRF(fcinfo, 0);
	result = (ReturnSetInfo *) fcinfo->resultinfo;
	for (i = 0; i < lengthof(rules); i++)
	{
		const BaFunctionRule *rule = &rules[i];
		bool nulls[5] = {0};
		Datum values[5];

		values[0] = CStringGetTextDatum(rule->function);
		values[1] = CStringGetTextDatum(need_names[rule->need]);
		nulls[2] = rule->permission == NULL;
		values[2] = nulls[2] ? (Datum) 0 : CStringGetTextDatum(rule->permission);
		nulls[3] = rule->other_permission == NULL;
		values[3] = nulls[3] ? (Datum) 0 : CStringGetTextDatum(rule->other_permission);
		values[4] = CStringGetTextDatum(rule->rule);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
