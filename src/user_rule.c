/*
 * user_rule.c
 *	  The rules that rows of users keep, whoever writes them.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "bestauth.h"
#include "context.h"
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
		" AND used_at IS NULL AND superseded_at IS NULL",
	.latest = true,
};

static BaQuery lock_company = {
	.sql = "SELECT true FROM bestauth.company WHERE company_id = $1 FOR NO KEY UPDATE",
	.latest = true,
};

static BaQuery find_administrator = {
	.sql =
		"SELECT true FROM bestauth.user_account WHERE company_id = $1 AND user_id <> $2"
		" AND user_type = $3 AND locked_at IS NULL AND deleted_at IS NULL LIMIT 1",
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
	if (restoring || !has_service || !BaColumnChanged(event, "billing_service_id"))
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

void
BaUserRule(BaRowEvent *event, bool restoring)
{
	const BaUserType *type = BaUserTypeRequire(BaColumnRequireText(event, "user_type"));

	BaColumnRequireSame(event, "user_id", "G-01");
	BaColumnRequireSame(event, "company_id", "G-01");
	BaColumnRequireSame(event, "portal_id", "G-01");
	BaColumnRequireSame(event, "username", "PRV-15");
	BaUsernameRequire(BaColumnRequireText(event, "username"));
	CheckNames(event, type);
	CheckType(event, type, restoring);
	if (event->old_row != NULL)
		SetVersion(event);
	else if (!restoring)
	{
		BaColumnSet(event, "version", Int32GetDatum(1));
		BaColumnSet(event, "revision", Int32GetDatum(1));
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
