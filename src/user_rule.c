/*
 * user_rule.c
 *	  The rules that rows of users keep, whoever writes them.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "bestauth.h"
#include "contact.h"
#include "context.h"
#include "employee.h"
#include "errors.h"
#include "query.h"
#include "user.h"
#include "username.h"
#include "uuid.h"

/* Of one purpose, or all that went out by mail. */
static BaQuery supersede_tokens = {
	.sql =
		"UPDATE bestauth.token SET superseded_at = clock_timestamp() WHERE user_id = $1"
		" AND CASE WHEN $2 IS NULL THEN purpose <> 'second_part' ELSE purpose = $2 END"
		" AND used_at IS NULL AND superseded_at IS NULL AND expires_at > clock_timestamp()",
	.latest = true,
};

static BaQuery lock_company = {
	.sql = "SELECT true FROM bestauth.company WHERE company_id = $1 FOR NO KEY UPDATE",
	.latest = true,
};

static BaQuery find_administrator = {
	.sql =
		"SELECT true FROM bestauth.user_account WHERE company_id = $1 AND user_id <> $2"
		" AND portal_id IS NULL AND user_type = $3 AND locked_at IS NULL AND deleted_at IS NULL LIMIT 1",
	.latest = true,
};

static void
RefuseRow(const char *rule, const char *message, const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION), errmsg("%s", message),
					errdetail("%s", detail), BaErrRule(rule)));
}

static void
CheckNames(const BaRowEvent *event, const BaUserType *type)
{
	char *first = BaColumnText(event, "first_name");
	char *last = BaColumnText(event, "last_name");
	char *email = BaColumnText(event, "email");
	char *pending_email = BaColumnText(event, "pending_email");
	bool has_first = first != NULL && *first != '\0';
	bool has_last = last != NULL && *last != '\0';

	BaColumnRequireClean(event, "first_name");
	BaColumnRequireClean(event, "middle_name");
	BaColumnRequireClean(event, "last_name");
	BaColumnRequireClean(event, "title");
	BaColumnRequireClean(event, "phone");
	BaColumnRequireClean(event, "mobile_phone");
	BaColumnRequireClean(event, "mobile_carrier");
	if (pending_email != NULL)
		BaEmailRequire(pending_email);
	if (type->by_assertion)
		return;
	if (type->needs_billing_service ? !has_first && !has_last : !has_first || !has_last)
		RefuseRow(type->needs_billing_service ? "TPB-3" : "IBS-3", "user has no name",
				  type->needs_billing_service ?
					  "A key needs a name." :
					  "Each person has a first name and a last name.");
	if (email != NULL)
		BaEmailRequire(email);
	else if (type->needs_email)
		RefuseRow("IBS-3", "user has no e-mail address",
				  psprintf("A user of type %s needs one.", type->name));
}

/* The persons that a key is limited to are of its service: they go first. */
static void
RequireNoPersons(const BaRowEvent *event)
{
	static BaQuery has_persons = {
		.sql = "SELECT true FROM bestauth.billing_user_person WHERE user_id = $1 LIMIT 1",
		.latest = true,
	};
	pg_uuid_t user_id;
	BaArgs args = {0};
	BaRow row;

	if (event->old_row == NULL || !BaColumnUuid(event, "user_id", &user_id))
		return;
	BaPutUuid(&args, &user_id);
	if (BaQueryRow(&has_persons, &args, &row))
		RefuseRow("TPB-7", "key is limited to persons of its billing service",
				  "Take the limit away before the service is changed.");
}

/* A client is in a client portal, a provider in a provider portal, of the company. */
static void
CheckPortal(const BaRowEvent *event, const BaUserType *type)
{
	pg_uuid_t portal_id, company_id;
	BaPortal portal;

	if (!BaColumnUuid(event, "portal_id", &portal_id) ||
		!BaColumnUuid(event, "company_id", &company_id))
		return;
	if (!BaPortalLoad(&portal_id, &portal) ||
		!BaUuidEqual(&portal.company_id, &company_id) ||
		strcmp(portal.kind, type->name) != 0)
		RefuseRow("PRT-2", "user type does not fit the portal",
				  psprintf("A user of type %s belongs to a %s portal of the company.",
						   type->name, type->name));
}

/* A provider's account is an office's, or one provider's of it, in the same portal. */
static void
CheckOffice(const BaRowEvent *event, const BaUserType *type, bool restoring)
{
	pg_uuid_t office_id, provider_id, portal_id;
	bool has_office = BaColumnUuid(event, "office_id", &office_id);
	bool has_provider = BaColumnUuid(event, "provider_id", &provider_id);
	BaOffice office;
	BaProvider provider;

	if (type->needs_office != has_office || (has_provider && !has_office))
		RefuseRow("PRV-12", has_office ? "user has an office" : "provider has no office",
				  "Users of type provider have an office, and nobody else.");
	if (restoring || !has_office)
		return;
	if (!BaOfficeLoad(&office_id, &office) ||
		!BaColumnUuid(event, "portal_id", &portal_id) ||
		!BaUuidEqual(&office.portal_id, &portal_id))
		RefuseRow("PRV-12", "office is not in the user's portal",
				  "A provider's office and account are in the same portal.");
	if (has_provider && (!BaProviderLoad(&provider_id, &provider) ||
						 !BaUuidEqual(&provider.office_id, &office_id)))
		RefuseRow("PRV-12", "provider is not of the user's office",
				  "An account at individual level is that of a provider of its office.");
}

/* An account that was deleted before anybody proved its address is made anew. */
static bool
IsTakenOver(const BaRowEvent *event)
{
	bool is_there, unverified;

	if (event->old_row == NULL || GetUserId() != BaOwnerId())
		return false;
	(void) BaColumn(event, false, "verified_at", &unverified);
	(void) BaColumn(event, false, "deleted_at", &is_there); /* it is NULL */
	return !is_there && unverified;
}

/* While an account was deleted its contact may have become something else. */
static bool
IsMadeOrRestored(const BaRowEvent *event)
{
	return event->old_row == NULL ||
		   (BaColumnChanged(event, "deleted_at") && BaColumnIsNull(event, "deleted_at"));
}

/* Locked first, so that of two accounts made at once one is refused in words. */
static void
RequireNoAccountOf(const BaRowEvent *event, const pg_uuid_t *employee_id)
{
	static BaQuery find_other = {
		.sql =
			"SELECT username FROM bestauth.user_account WHERE employee_id = $1 AND user_id <> $2"
			" AND deleted_at IS NULL",
		.latest = true,
	};
	pg_uuid_t user_id;
	BaArgs args = {0};
	BaRow row;

	if (!BaColumnUuid(event, "user_id", &user_id) || !BaColumnIsNull(event, "deleted_at"))
		return;
	BaEmployeeLock(employee_id);
	BaPutUuid(&args, employee_id);
	BaPutUuid(&args, &user_id);
	if (BaQueryRow(&find_other, &args, &row))
		ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION),
						errmsg("employee has an account already"),
						errdetail("Its user name is \"%s\".", BaGetText(&row, 0)),
						BaErrRule("PRV-12")));
}

/* An account is of an employee of its office; at individual level of its provider. */
static void
CheckEmployee(const BaRowEvent *event, bool restoring)
{
	pg_uuid_t employee_id, office_id, provider_id;
	bool is_new = IsMadeOrRestored(event) || BaColumnChanged(event, "employee_id");
	BaEmployee employee;

	if (restoring || !BaColumnUuid(event, "employee_id", &employee_id) ||
		(!is_new && !BaColumnChanged(event, "office_id") &&
		 !BaColumnChanged(event, "provider_id")))
		return;
	if (is_new)
		RequireNoAccountOf(event, &employee_id);
	if (!BaEmployeeLoad(&employee_id, &employee) ||
		!BaColumnUuid(event, "office_id", &office_id) ||
		!BaUuidEqual(&employee.office_id, &office_id))
		RefuseRow("PRV-12", "employee is not of the user's office",
				  "An account is made for an employee of its office.");
	if (BaColumnUuid(event, "provider_id", &provider_id) &&
		(!employee.has_provider || !BaUuidEqual(&employee.provider_id, &provider_id)))
		RefuseRow(
			"PRV-12", "employee is not of the user's provider",
			"An account at individual level is made for an employee of its provider.");
}

/* The contact may have another account in the portal since this one was deleted. */
static void
RequireNoOtherAccount(const BaRowEvent *event, const pg_uuid_t *contact_id)
{
	static BaQuery find_other = {
		.sql =
			"SELECT true FROM bestauth.user_account WHERE contact_id = $1 AND portal_id = $2"
			" AND deleted_at IS NULL",
		.latest = true,
	};
	pg_uuid_t portal_id;
	BaArgs args = {0};
	BaRow row;

	if (!BaColumnUuid(event, "portal_id", &portal_id))
		return;
	BaPutUuid(&args, contact_id);
	BaPutUuid(&args, &portal_id);
	if (BaQueryRow(&find_other, &args, &row))
		ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION),
						errmsg("contact has another account in the portal"),
						errhint("Delete that one first."), BaErrRule("PRT-2")));
}

/* The account of a client is a contact's, and named by its e-mail address. */
static void
CheckContact(const BaRowEvent *event, const BaUserType *type, bool restoring)
{
	static BaQuery find_contact = {
		.sql = "SELECT contact_type, email FROM bestauth.contact"
			   " WHERE contact_id = $1 AND company_id = $2 FOR NO KEY UPDATE",
		.latest = true,
	};
	pg_uuid_t contact_id, company_id;
	bool has_contact = BaColumnUuid(event, "contact_id", &contact_id);
	char *email = BaColumnText(event, "email");
	BaArgs args = {0};
	BaRow row;

	if (type->needs_contact != has_contact)
		RefuseRow("PRT-2", has_contact ? "user has a contact" : "client has no contact",
				  "Clients have a contact, and nobody else.");
	if (!has_contact)
		return;
	if (email == NULL || pg_strcasecmp(email, BaColumnText(event, "username")) != 0 ||
		!BaColumnIsNull(event, "pending_email"))
		RefuseRow("PRT-2", "e-mail address of a client cannot be changed",
				  "It is the user name: another address is another account.");
	if (restoring || !IsMadeOrRestored(event) ||
		!BaColumnUuid(event, "company_id", &company_id))
		return;
	BaPutUuid(&args, &contact_id);
	BaPutUuid(&args, &company_id);
	if (!BaQueryRow(&find_contact, &args, &row) ||
		!BaContactMayHaveAccount(BaGetText(&row, 0)))
		RefuseRow("PRT-2", "contact cannot have a portal account",
				  "Contacts of the company of type client and individual can.");
	if (event->old_row == NULL)
		return;
	RequireNoOtherAccount(event, &contact_id);
	/* It was deleted because the address was wrong, and nobody proved it. */
	if (BaColumnIsNull(event, "verified_at") &&
		(row.nulls[1] || pg_strcasecmp(BaGetText(&row, 1), email) != 0))
		RefuseRow("PRT-4", "contact has another e-mail address",
				  "An account is made anew with the address of the contact.");
}

/* What the type says must be set, and what must not. */
static void
CheckType(const BaRowEvent *event, const BaUserType *type, bool restoring)
{
	pg_uuid_t service_id;
	bool has_service = BaColumnUuid(event, "billing_service_id", &service_id);
	BaCompany service;

	if (type->needs_billing_service != has_service)
		RefuseRow(
			"TPB-3",
			has_service ? "user has a billing service" : "key has no billing service",
			"Keys, that is users of type billing, have a billing service, and nobody else.");
	if (type->needs_portal != !BaColumnIsNull(event, "portal_id"))
		RefuseRow("PRT-2", "user type does not fit the portal",
				  psprintf("A user of type %s %s a portal.", type->name,
						   type->needs_portal ? "belongs to" : "belongs to no"));
	CheckContact(event, type, restoring);
	CheckOffice(event, type, restoring);
	CheckEmployee(event, restoring);
	if (restoring)
		return;
	CheckPortal(event, type);
	if (!has_service || !BaColumnChanged(event, "billing_service_id"))
		return;
	RequireNoPersons(event);
	if (!BaCompanyLoad(&service_id, &service) || !service.registered)
		RefuseRow("TPB-2", "company is not a registered billing service",
				  "Only a registered service can be chosen.");
}

/*
 * Authority that changes hands makes a new version, and ends the sessions and
 * tokens of the old one. Only our own C raises it otherwise, for a password.
 */
static void
SetVersion(BaRowEvent *event)
{
	bool isnull;
	int32 old_version = DatumGetInt32(BaColumn(event, false, "version", &isnull));
	int32 version = DatumGetInt32(BaColumn(event, true, "version", &isnull));

	if (GetUserId() != BaOwnerId())
	{
		BaColumnRequireSame(event, "version", "TPB-9");
		BaColumnRequireSame(event, "verified_at", "PRT-6");
		/* Nobody has proved the new address. */
		if (BaColumnChanged(event, "email"))
			BaColumnSetNull(event, "verified_at");
		/* The password of before would be good again. */
		if (BaColumnIsNull(event, "deleted_at"))
			BaColumnRequireSame(event, "deleted_at", "G-02");
	}
	if (BaColumnChanged(event, "user_type") ||
		BaColumnChanged(event, "billing_service_id") ||
		BaColumnChanged(event, "locked_at") || BaColumnChanged(event, "deleted_at"))
		version = Max(version, old_version + 1);
	BaColumnSet(event, "version", Int32GetDatum(version));
	BaColumnSet(event, "revision",
				Int32GetDatum(DatumGetInt32(BaColumn(event, false, "revision", &isnull)) +
							  1));
}

/* A link that went to the address of before must not work any more [E-09]. */
static void
DropLinks(const BaRowEvent *event)
{
	pg_uuid_t user_id;
	BaArgs args = {0};
	bool all = BaColumnChanged(event, "email");

	if ((!all && !BaColumnChanged(event, "pending_email")) ||
		!BaColumnUuid(event, "user_id", &user_id))
		return;
	BaPutUuid(&args, &user_id);
	BaPutText(&args, all ? NULL : BA_TOKEN_EMAIL_CHANGE);
	(void) BaQueryExec(&supersede_tokens, &args);
}

static bool
IsActive(const BaRowEvent *event, bool new_row)
{
	bool locked, deleted;

	(void) BaColumn(event, new_row, "locked_at", &locked);
	(void) BaColumn(event, new_row, "deleted_at", &deleted);
	return locked && deleted; /* both are NULL */
}

/*
 * Who acts in a session leaves the company an administrator. The company's row is
 * locked while that is decided, so that of two who remove each other one is
 * refused, at every isolation level; the operator may remove the last one.
 */
static void
KeepAdministrator(const BaRowEvent *event)
{
	bool isnull;
	char *old_type;
	pg_uuid_t company_id, user_id;
	BaArgs args = {0};
	BaRow row;

	if (BaContextIdentity() == NULL || !IsActive(event, false) ||
		(IsActive(event, true) && !BaColumnChanged(event, "user_type")))
		return;
	old_type = TextDatumGetCString(BaColumn(event, false, "user_type", &isnull));
	if (!BaUserTypeRequire(old_type)->holds_all_permissions ||
		!BaColumnUuid(event, "company_id", &company_id) ||
		!BaColumnUuid(event, "user_id", &user_id))
		return;
	BaPutUuid(&args, &company_id);
	(void) BaQueryExec(&lock_company, &args);
	BaPutUuid(&args, &user_id);
	BaPutText(&args, old_type);
	if (!BaQueryRow(&find_administrator, &args, &row))
		RefuseRow("G-05", "company would have no administrator left",
				  "The last one is locked or deleted by the operator.");
}

/* A new user that is charged where a biller was meant: say it at once [IBS-4]. */
static void
NoticeCharge(const BaRowEvent *event, const BaUserType *type)
{
	pg_uuid_t company_id;
	BaCompany company;

	if (!type->charged || type->may_be_second_part ||
		!BaColumnUuid(event, "company_id", &company_id) ||
		!BaCompanyLoad(&company_id, &company) || !company.registered)
		return;
	ereport(
		NOTICE,
		(errmsg(
			 "user \"%s\" of type %s will be charged and cannot be the second part of a login",
			 BaColumnText(event, "username"), type->name),
		 errhint("A biller of a billing service is a user of type restricted."),
		 BaErrRule("IBS-4")));
}

static bool
IsNamedAnew(const BaRowEvent *event)
{
	return BaColumnChanged(event, "username") || BaColumnChanged(event, "first_name") ||
		   BaColumnChanged(event, "middle_name") || BaColumnChanged(event, "last_name");
}

/*
 * Who signs on elsewhere is made, named and named anew by what is asserted there; nobody
 * becomes one, or stops being one. Without an address no link leads to a password [B-09].
 */
static void
CheckAssertion(const BaRowEvent *event, const BaUserType *type, bool restoring)
{
	bool isnull;

	if (restoring)
		return;
	if (event->old_row != NULL && BaColumnChanged(event, "user_type") &&
		(type->by_assertion ||
		 BaUserTypeRequire(
			 TextDatumGetCString(BaColumn(event, false, "user_type", &isnull)))
			 ->by_assertion))
		RefuseRow("TPB-5", "user type cannot change",
				  "Who signs on by an assertion does so for good.");
	if (type->by_assertion && !BaUserIsAsserted() && IsNamedAnew(event))
		RefuseRow("TPB-5", "user is known by an assertion",
				  "login_second_part_sso() makes such users, and names them.");
	if (type->by_assertion &&
		(!BaColumnIsNull(event, "email") || !BaColumnIsNull(event, "pending_email")))
		RefuseRow("B-09", "user is known by an assertion",
				  psprintf("A user of type %s has no e-mail address here.", type->name));
}

void
BaUserRule(BaRowEvent *event, bool restoring)
{
	const BaUserType *type = BaUserTypeRequire(BaColumnRequireText(event, "user_type"));

	BaColumnRequireSame(event, "user_id", "G-01");
	BaColumnRequireSame(event, "company_id", "G-01");
	BaColumnRequireSame(event, "portal_id", "G-01");
	if (!IsTakenOver(event))
		BaColumnRequireSame(event, "contact_id", "PRT-2");
	CheckAssertion(event, type, restoring);
	if (!type->by_assertion)
		BaColumnRequireSame(event, "username", "PRV-15");
	if (!type->needs_contact)
		BaUsernameRequire(BaColumnRequireText(event, "username"));
	CheckNames(event, type);
	CheckType(event, type, restoring);
	if (event->old_row != NULL)
		SetVersion(event);
	else if (!restoring)
	{
		BaColumnSet(event, "version", Int32GetDatum(1));
		BaColumnSet(event, "revision", Int32GetDatum(1));
		if (GetUserId() != BaOwnerId() && !BaColumnIsNull(event, "verified_at"))
			RefuseRow("PRT-6", "e-mail address is not verified",
					  "Opening the link that was sent to it verifies it.");
	}
	if (restoring)
		return;
	if (event->old_row != NULL)
	{
		KeepAdministrator(event);
		DropLinks(event);
	}
	else
		NoticeCharge(event, type);
}

/* Only people of the key's own service, of a type that may be a second part. */
void
BaUserPersonRule(BaRowEvent *event, bool restoring)
{
	pg_uuid_t id;
	BaUser key, person;

	if (restoring)
		return;
	if (BaColumnUuid(event, "user_id", &id))
		BaUserLock(&id);
	if (!BaColumnUuid(event, "user_id", &id) || !BaUserLoad(&id, &key) ||
		!key.has_service || !BaColumnUuid(event, "person_id", &id) ||
		!BaUserLoad(&id, &person) || !BaUuidEqual(&key.service_id, &person.company_id) ||
		!person.type->may_be_second_part)
		RefuseRow("TPB-7", "person cannot be admitted by this key",
				  "A key admits restricted users of its own billing service.");
}
