/*
 * functionrule.c
 *	  What each public function asks of its caller: the one table that access.c goes
 *	  by. A function that is not in it can't be called.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "args.h"
#include "bestauth.h"
#include "functionrule.h"

PG_FUNCTION_INFO_V1(bestauth_function_rules);

#define USERS BA_PERM_MANAGE_USERS
#define ROLES BA_PERM_MANAGE_ROLES
#define CONTACTS BA_PERM_MANAGE_CONTACTS
#define PAYERS BA_PERM_MANAGE_PAYERS
#define FACILITIES BA_PERM_MANAGE_FACILITIES
#define WEB_PORTAL BA_PERM_WEB_PORTAL
#define OFFICE BA_PERM_MANAGE_PORTAL_USERS /* counts in an office alone */

/* In the order of strcmp(). */
static const BaFunctionRule rules[] = {
	{"accept_registration", BA_NEED_NOTHING, {NULL}, "PRV-3"},
	{"access_denied", BA_NEED_REPORT, {BA_PERM_AUDIT_REPORT}, "AUD-4"},
	{"accessible_company_ids", BA_NEED_NOTHING, {NULL}, "MCM-7"},
	{"approve_registration", BA_NEED_PERMISSION, {OFFICE}, "PRV-10"},
	{"assign_company", BA_NEED_PERMISSION, {USERS}, "MCM-3"},
	{"assign_role", BA_NEED_PERMISSION, {USERS, OFFICE}, "TPB-3"},
	{"audit_digest", BA_NEED_AUDITOR, {NULL}, "AUD-6"},
	{"audit_export", BA_NEED_AUDITOR, {NULL}, "AUD-6"},
	{"audit_html", BA_NEED_REPORT, {BA_PERM_AUDIT_REPORT}, "AUD-4"},
	{"audit_purge", BA_NEED_RETENTION, {NULL}, "AUD-3"},
	{"audit_report", BA_NEED_REPORT, {BA_PERM_AUDIT_REPORT}, "AUD-4"},
	{"audit_seal", BA_NEED_SEALER, {NULL}, "AUD-6"},
	{"audit_table", BA_NEED_NOTHING, {NULL}, "AUD-5"},
	{"audit_verify", BA_NEED_AUDITOR, {NULL}, "AUD-6"},
	{"can_access_company", BA_NEED_NOTHING, {NULL}, "MCM-7"},
	{"can_access_provider", BA_NEED_NOTHING, {NULL}, "PRV-19"},
	{"change_password", BA_NEED_OWN_ACCOUNT, {BA_PERM_MY_ACCOUNT}, "IBS-6"},
	{"claim_mail", BA_NEED_MAILER, {NULL}, "IBS-5"},
	{"confirm_email_change", BA_NEED_NOTHING, {NULL}, "G-11"},
	{"confirm_mail", BA_NEED_MAILER, {NULL}, "IBS-5"},
	{"copy_facilities", BA_NEED_ADMINISTRATOR, {NULL}, "MCM-6"},
	{"copy_payers", BA_NEED_ADMINISTRATOR, {NULL}, "MCM-6"},
	{"count_users", BA_NEED_PERMISSION, {USERS, OFFICE}, "PRV-17"},
	{"create_company", BA_NEED_OPERATOR, {NULL}, "TPB-1"},
	{"create_contact", BA_NEED_PERMISSION, {CONTACTS}, "PRT-4"},
	{"create_employee", BA_NEED_PERMISSION, {OFFICE}, "PRV-12"},
	{"create_facility", BA_NEED_PERMISSION, {FACILITIES}, "MCM-6"},
	{"create_office", BA_NEED_OPERATOR, {NULL}, "PRV-1"},
	{"create_payer", BA_NEED_PERMISSION, {PAYERS}, "MCM-6"},
	{"create_portal", BA_NEED_OPERATOR, {NULL}, "PRT-1"},
	{"create_portal_account", BA_NEED_PERMISSION, {WEB_PORTAL}, "PRT-3"},
	{"create_provider", BA_NEED_OPERATOR, {NULL}, "PRV-1"},
	{"create_provider_user", BA_NEED_PERMISSION, {OFFICE}, "PRV-12"},
	{"create_role", BA_NEED_PERMISSION, {ROLES}, "MCM-2"},
	{"create_sso_key", BA_NEED_OPERATOR, {NULL}, "TPB-5"},
	{"create_user", BA_NEED_PERMISSION, {USERS}, "IBS-2"},
	{"current_billing_service_id", BA_NEED_NOTHING, {NULL}, "TPB-6"},
	{"current_company_id", BA_NEED_NOTHING, {NULL}, "MCM-7"},
	{"current_office_id", BA_NEED_NOTHING, {NULL}, "PRV-19"},
	{"current_person_id", BA_NEED_NOTHING, {NULL}, "TPB-6"},
	{"current_provider_id", BA_NEED_NOTHING, {NULL}, "PRV-19"},
	{"current_session_id", BA_NEED_NOTHING, {NULL}, "D-01"},
	{"current_user_id", BA_NEED_NOTHING, {NULL}, "TPB-6"},
	{"delete_facility", BA_NEED_PERMISSION, {FACILITIES}, "MCM-6"},
	{"delete_payer", BA_NEED_PERMISSION, {PAYERS}, "MCM-6"},
	{"delete_role", BA_NEED_PERMISSION, {ROLES}, "MCM-2"},
	{"delete_user", BA_NEED_PERMISSION, {USERS, OFFICE}, "PRV-14"},
	{"deny_registration", BA_NEED_PERMISSION, {OFFICE}, "PRV-10"},
	{"distrust_sso_key", BA_NEED_OPERATOR, {NULL}, "TPB-5"},
	{"end_emergency_access", BA_NEED_STAFF, {BA_PERM_EMERGENCY_ACCESS}, "J-14"},
	{"expire_registrations", BA_NEED_OPERATOR, {NULL}, "PRV-8"},
	{"export_served_customers", BA_NEED_OPERATOR, {NULL}, "TPB-8"},
	{"export_users", BA_NEED_PERMISSION, {USERS, OFFICE}, "PRV-17"},
	{"fail_mail", BA_NEED_MAILER, {NULL}, "IBS-5"},
	{"function_rules", BA_NEED_NOTHING, {NULL}, "L-15"},
	{"grant_access", BA_NEED_SUPERUSER, {NULL}, "L-05"},
	{"grant_permission", BA_NEED_PERMISSION, {USERS}, "TPB-3"},
	{"has_access", BA_NEED_NOTHING, {NULL}, "L-05"},
	{"has_permission", BA_NEED_NOTHING, {NULL}, "MCM-8"},
	{"import_served_customers", BA_NEED_OPERATOR, {NULL}, "TPB-8"},
	{"instance_name", BA_NEED_NOTHING, {NULL}, "SHP-4"},
	{"isolate_table", BA_NEED_NOTHING, {NULL}, "H-01"},
	{"issue_sso_assertion", BA_NEED_SECOND_PART, {NULL}, "TPB-5"},
	{"limit_billing_user", BA_NEED_PERMISSION, {USERS}, "TPB-7"},
	{"list_accessible_companies", BA_NEED_SESSION, {NULL}, "MCM-7"},
	{"list_billing_services", BA_NEED_PERMISSION, {USERS}, "TPB-2"},
	{"list_contacts", BA_NEED_PERMISSION, {CONTACTS, WEB_PORTAL}, "PRT-4"},
	{"list_decline_reasons", BA_NEED_PERMISSION, {OFFICE}, "PRV-10"},
	{"list_emergency_access", BA_NEED_REPORT, {BA_PERM_AUDIT_REPORT}, "J-14"},
	{"list_facilities", BA_NEED_PERMISSION, {FACILITIES, BA_PERM_CLAIMS}, "MCM-6"},
	{"list_offices", BA_NEED_PERMISSION, {USERS, OFFICE}, "PRV-1"},
	{"list_payers", BA_NEED_PERMISSION, {PAYERS, BA_PERM_CLAIMS}, "MCM-6"},
	{"list_permissions", BA_NEED_PERMISSION, {USERS, ROLES}, "ALL-2"},
	{"list_portals", BA_NEED_PERMISSION, {WEB_PORTAL, USERS}, "PRT-1"},
	{"list_providers", BA_NEED_PERMISSION, {USERS, OFFICE}, "PRV-1"},
	{"list_roles", BA_NEED_PERMISSION, {USERS, ROLES, OFFICE}, "ALL-2"},
	{"list_served_customers", BA_NEED_SECOND_PART, {NULL}, "TPB-8"},
	{"list_sessions", BA_NEED_SELF, {USERS, OFFICE}, "TPB-9"},
	{"list_user_companies", BA_NEED_PERMISSION, {USERS}, "MCM-3"},
	{"lock_user", BA_NEED_PERMISSION, {USERS, OFFICE}, "PRV-16"},
	{"login", BA_NEED_NOTHING, {NULL}, "C-01"},
	{"login_second_part", BA_NEED_NOTHING, {NULL}, "TPB-5"},
	{"login_second_part_session", BA_NEED_NOTHING, {NULL}, "TPB-5"},
	{"login_second_part_sso", BA_NEED_NOTHING, {NULL}, "TPB-5"},
	{"logout", BA_NEED_NOTHING, {NULL}, "AUD-1"},
	{"open_instance", BA_NEED_SUPERUSER, {NULL}, "AUD-1"},
	{"peek_password_link", BA_NEED_NOTHING, {NULL}, "E-13"},
	{"peek_registration", BA_NEED_NOTHING, {NULL}, "E-13"},
	{"peek_verification", BA_NEED_NOTHING, {NULL}, "E-13"},
	{"person_trail", BA_NEED_REPORT, {BA_PERM_AUDIT_REPORT}, "AUD-4"},
	{"portal_instructions", BA_NEED_PERMISSION, {WEB_PORTAL}, "PRT-5"},
	{"portal_url", BA_NEED_PERMISSION, {WEB_PORTAL, USERS}, "PRT-1"},
	{"privilege_changes", BA_NEED_REPORT, {BA_PERM_AUDIT_REPORT}, "AUD-4"},
	{"purge_expired", BA_NEED_OPERATOR, {NULL}, "E-14"},
	{"record_access", BA_NEED_SESSION, {NULL}, "AUD-5"},
	{"register_billing_service", BA_NEED_OPERATOR, {NULL}, "IBS-1"},
	{"register_portal_account", BA_NEED_NOTHING, {NULL}, "PRT-7"},
	{"registration_console", BA_NEED_PERMISSION, {OFFICE}, "PRV-9"},
	{"registration_details", BA_NEED_PERMISSION, {OFFICE}, "PRV-9"},
	{"registration_transitions", BA_NEED_NOTHING, {NULL}, "PRV-10"},
	{"release_mail", BA_NEED_MAILER, {NULL}, "IBS-5"},
	{"renew_session_sso", BA_NEED_NOTHING, {NULL}, "TPB-9"},
	{"request_password_reset", BA_NEED_NOTHING, {NULL}, "C-09"},
	{"resend_registration_link", BA_NEED_PERMISSION, {OFFICE}, "PRV-2"},
	{"resend_setup_link", BA_NEED_PERMISSION, {USERS, OFFICE}, "IBS-5"},
	{"resend_verification", BA_NEED_NOTHING, {NULL}, "PRT-8"},
	{"reset_password", BA_NEED_PERMISSION, {USERS, OFFICE}, "PRV-13"},
	{"restore_user", BA_NEED_PERMISSION, {USERS, OFFICE}, "PRV-14"},
	{"retry_mail", BA_NEED_OPERATOR, {NULL}, "I-04"},
	{"revoke_access", BA_NEED_SUPERUSER, {NULL}, "L-05"},
	{"revoke_permission", BA_NEED_PERMISSION, {USERS}, "MCM-8"},
	{"revoke_registration_link", BA_NEED_PERMISSION, {OFFICE}, "PRV-8"},
	{"revoke_sessions", BA_NEED_SELF, {USERS, OFFICE}, "TPB-9"},
	{"revoke_sso_key", BA_NEED_OPERATOR, {NULL}, "TPB-5"},
	{"search_employees", BA_NEED_PERMISSION, {OFFICE}, "PRV-12"},
	{"search_users", BA_NEED_PERMISSION, {USERS, OFFICE}, "PRV-17"},
	{"send_registration_links", BA_NEED_PERMISSION, {OFFICE}, "PRV-1"},
	{"send_registration_links_csv", BA_NEED_PERMISSION, {OFFICE}, "PRV-1"},
	{"set_auto_approval", BA_NEED_ADMINISTRATOR, {NULL}, "PRV-7"},
	{"set_password", BA_NEED_NOTHING, {NULL}, "E-04"},
	{"set_security_questions", BA_NEED_OWN_ACCOUNT, {BA_PERM_MY_ACCOUNT}, "PRV-18"},
	{"spreadsheet_text", BA_NEED_NOTHING, {NULL}, "PRV-17"},
	{"start_emergency_access", BA_NEED_STAFF, {BA_PERM_EMERGENCY_ACCESS}, "J-14"},
	{"submit_registration", BA_NEED_NOTHING, {NULL}, "PRV-6"},
	{"suggest_username", BA_NEED_PERMISSION, {USERS, OFFICE}, "IBS-3"},
	{"switch_company", BA_NEED_SESSION, {NULL}, "MCM-7"},
	{"trust_sso_key", BA_NEED_OPERATOR, {NULL}, "TPB-5"},
	{"unassign_company", BA_NEED_PERMISSION, {USERS}, "MCM-3"},
	{"unassign_role", BA_NEED_PERMISSION, {USERS, OFFICE}, "MCM-8"},
	{"unaudit_table", BA_NEED_NOTHING, {NULL}, "AUD-5"},
	{"unisolate_table", BA_NEED_NOTHING, {NULL}, "H-01"},
	{"unlock_user", BA_NEED_PERMISSION, {USERS, OFFICE}, "PRV-16"},
	{"unregister_billing_service", BA_NEED_OPERATOR, {NULL}, "IBS-1"},
	{"update_contact", BA_NEED_PERMISSION, {CONTACTS}, "PRT-4"},
	{"update_facility", BA_NEED_PERMISSION, {FACILITIES}, "MCM-6"},
	{"update_payer", BA_NEED_PERMISSION, {PAYERS}, "MCM-6"},
	{"update_role", BA_NEED_PERMISSION, {ROLES}, "MCM-2"},
	{"update_user", BA_NEED_PERMISSION, {USERS, OFFICE}, "PRV-15"},
	{"use_session", BA_NEED_NOTHING, {NULL}, "TPB-9"},
	{"user_details", BA_NEED_SELF, {USERS, OFFICE}, "PRV-17"},
	{"user_type_rules", BA_NEED_NOTHING, {NULL}, "IBS-4"},
	{"uuidv7", BA_NEED_NOTHING, {NULL}, "SHP-2"},
	{"verify_email", BA_NEED_NOTHING, {NULL}, "PRT-6"},
	{"visible_provider_ids", BA_NEED_NOTHING, {NULL}, "PRV-19"},
};

static const char *const need_names[] = {
	[BA_NEED_NOTHING] = "nothing",
	[BA_NEED_SESSION] = "session",
	[BA_NEED_STAFF] = "staff with permission",
	[BA_NEED_SECOND_PART] = "second part",
	[BA_NEED_OWN_ACCOUNT] = "own account",
	[BA_NEED_SELF] = "permission or own user",
	[BA_NEED_PERMISSION] = "permission",
	[BA_NEED_REPORT] = "permission or auditor",
	[BA_NEED_ADMINISTRATOR] = "administrator",
	[BA_NEED_OPERATOR] = "operator",
	[BA_NEED_AUDITOR] = "auditor",
	[BA_NEED_SEALER] = "operator or mailer",
	[BA_NEED_RETENTION] = "retention",
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

static int
CountPermissions(const BaFunctionRule *rule)
{
	int count = 0;

	while (count < BA_RULE_PERMISSIONS && rule->permissions[count] != NULL)
		count++;
	return count;
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
		bool nulls[4] = {0};
		Datum values[4];

		values[0] = CStringGetTextDatum(rule->function);
		values[1] = CStringGetTextDatum(need_names[rule->need]);
		values[2] = BaTextArray((char **) rule->permissions, CountPermissions(rule));
		values[3] = CStringGetTextDatum(rule->rule);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
