/*
 * contact.c
 *	  Contacts: the people and organisations that a company deals with. Those of two
 *	  types may have an account in a client portal.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "args.h"
#include "bestauth.h"
#include "contact.h"
#include "errors.h"
#include "query.h"
#include "username.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_create_contact);
PG_FUNCTION_INFO_V1(bestauth_update_contact);
PG_FUNCTION_INFO_V1(bestauth_list_contacts);

/* What update_contact() changes; in the order of the query's arguments. */
enum
{
	TYPE,
	FIRST_NAME,
	LAST_NAME,
	EMAIL,
	KEY_COUNT
};
static const char *const keys[KEY_COUNT] = {"contact_type", "first_name", "last_name",
											"email"};

static BaQuery insert_contact = {
	.sql =
		"INSERT INTO bestauth.contact (company_id, contact_type, first_name, last_name, email)"
		" VALUES ($1, $2, $3, $4, $5) RETURNING contact_id",
};

static BaQuery lock_contact = {
	.sql =
		"SELECT contact_id, contact_type, first_name, last_name, email, company_id FROM bestauth.contact"
		" WHERE contact_id = $1 AND company_id = coalesce($2, company_id) FOR NO KEY UPDATE",
	.latest = true,
};

static BaQuery update_contact = {
	.sql =
		"UPDATE bestauth.contact SET contact_type = $2, first_name = $3, last_name = $4, email = $5"
		" WHERE contact_id = $1",
	.latest = true,
};

static BaQuery take_apart = {
	.sql = "SELECT key, jsonb_typeof(value), value #>> '{}' FROM jsonb_each($1)",
};

/* Of one who has not proved the address that is wrong. */
static BaQuery delete_waiting_accounts = {
	.sql = "UPDATE bestauth.user_account SET deleted_at = clock_timestamp()"
		   " WHERE contact_id = $1 AND verified_at IS NULL AND deleted_at IS NULL",
	.latest = true,
};

static BaQuery find_account = {
	.sql =
		"SELECT true FROM bestauth.user_account WHERE contact_id = $1 AND deleted_at IS NULL LIMIT 1",
	.latest = true,
};

/* Names match by prefix, without case and accents. */
static BaQuery list_contacts = {
	.sql =
		"SELECT c.contact_id, c.contact_type, c.first_name, c.last_name, c.email,"
		" coalesce((SELECT array_agg(p.code || ': ' || CASE WHEN u.locked_at IS NOT NULL THEN 'locked'"
		" WHEN u.verified_at IS NOT NULL THEN 'active' ELSE 'waiting' END ORDER BY p.code COLLATE \"C\")"
		" FROM bestauth.user_account u JOIN bestauth.portal p ON p.portal_id = u.portal_id"
		" WHERE u.contact_id = c.contact_id AND u.deleted_at IS NULL), '{}'), textin(uuid_out(c.contact_id))"
		" FROM bestauth.contact c WHERE c.company_id = $1"
		" AND ($2 IS NULL OR c.contact_type = lower($2 COLLATE \"C\"))"
		" AND ($3 IS NULL OR starts_with(bestauth.fold_name(c.first_name), bestauth.fold_name($3)))"
		" AND ($4 IS NULL OR starts_with(bestauth.fold_name(c.last_name), bestauth.fold_name($4)))"
		" AND ($5 IS NULL OR lower(c.email COLLATE \"C\") = lower($5 COLLATE \"C\"))"
		" AND ($6 IS NULL OR c.contact_id > uuid_in(textout($6))) ORDER BY c.contact_id LIMIT $7",
};

/* ------------------------------------------------------------------ finding */

bool
BaContactMayHaveAccount(const char *contact_type)
{
	return strcmp(contact_type, "client") == 0 || strcmp(contact_type, "individual") == 0;
}

static void
Fill(const BaRow *row, BaContact *contact)
{
	(void) BaGetUuid(row, 0, &contact->contact_id);
	contact->contact_type = BaGetText(row, 1);
	contact->first_name = BaGetText(row, 2);
	contact->last_name = BaGetText(row, 3);
	contact->email = BaGetText(row, 4);
}

/*
 * The contact that the first argument names, with its row locked, and its company. In
 * a session a contact of another company and one that is not there give the same
 * answer; the operator need not name the company.
 */
void
BaContactActed(const BaCaller *caller, FunctionCallInfo fcinfo, int company_arg,
			   BaCompany *company, BaContact *contact)
{
	char *code = BaArgTextOrNull(fcinfo, company_arg, "company", BA_MAX_CODE);
	bool any = caller->identity == NULL && code == NULL;
	pg_uuid_t contact_id, company_id;
	BaArgs args = {0};
	BaRow row;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"contact_id\" must not be null")));
	contact_id = *PG_GETARG_UUID_P(0);
	if (!any)
		BaCompanyActed(caller, code, company);
	BaPutUuid(&args, &contact_id);
	BaPutUuid(&args, any ? NULL : &company->company_id);
	if (BaQueryRow(&lock_contact, &args, &row))
	{
		Fill(&row, contact);
		if (any &&
			(!BaGetUuid(&row, 5, &company_id) || !BaCompanyLoad(&company_id, company)))
			elog(ERROR, "the contact's company is gone");
		return;
	}
	if (caller->identity != NULL)
		BaAccessRefuse(caller, "H-01",
					   "There is no such contact in the session's company.");
	ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
					errmsg("contact %s does not exist", BaUuidText(&contact_id))));
}

/* ------------------------------------------------------------------- making */

static void
AuditContact(const char *action, const BaCompany *company, const pg_uuid_t *contact_id)
{
	BaAudit audit;

	BaCompanyAudit(&audit, action, company);
	audit.object_type = "contact";
	audit.object_id = BaUuidText(contact_id);
	BaAuditWrite(&audit);
}

pg_uuid_t
BaContactCreate(const BaCompany *company, const BaContact *contact)
{
	pg_uuid_t contact_id;
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, &company->company_id);
	BaPutText(&args, contact->contact_type);
	BaPutText(&args, contact->first_name);
	BaPutText(&args, contact->last_name);
	BaPutText(&args, contact->email);
	if (!BaQueryRow(&insert_contact, &args, &row) || !BaGetUuid(&row, 0, &contact_id))
		elog(ERROR, "contact was not made");
	AuditContact("contact.created", company, &contact_id);
	return contact_id;
}

Datum
bestauth_create_contact(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	BaCompany company;
	BaContact contact;
	pg_uuid_t contact_id;

	contact.contact_type = BaArgText(fcinfo, 0, "contact_type", BA_MAX_CODE);
	contact.first_name = BaArgNameOrNull(fcinfo, 1, "first_name");
	contact.last_name = BaArgNameOrNull(fcinfo, 2, "last_name");
	contact.email = BaArgTextOrNull(fcinfo, 3, "email", BA_MAX_EMAIL);
	BaCompanyActed(&caller, BaArgTextOrNull(fcinfo, 4, "company", BA_MAX_CODE), &company);
	contact_id = BaContactCreate(&company, &contact);
	return BaUuidDatum(&contact_id);
}

static int
FindKey(const char *key)
{
	int i;

	for (i = 0; i < KEY_COUNT; i++)
		if (strcmp(keys[i], key) == 0)
			return i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("key \"%s\" of argument \"changes\" is not known", key),
			 errhint("The keys are contact_type, first_name, last_name and email.")));
	return 0;
}

/* Whatever is not named stays. */
static void
ApplyChanges(FunctionCallInfo fcinfo, char **values)
{
	BaArgs args = {0};
	ListCell *cell;

	if (PG_ARGISNULL(1) || !JB_ROOT_IS_OBJECT(PG_GETARG_JSONB_P(1)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"changes\" must be an object")));
	BaPut(&args, JSONBOID, PG_GETARG_DATUM(1), false);
	foreach (cell, BaQueryRows(&take_apart, &args))
	{
		int key = FindKey(BaGetText(lfirst(cell), 0));
		char *type = BaGetText(lfirst(cell), 1);
		char *value = BaGetText(lfirst(cell), 2);

		if (strcmp(type, "string") != 0 && strcmp(type, "null") != 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("key \"%s\" of argument \"changes\" must be a string"
								   " or null",
								   keys[key])));
		if (value != NULL && *(value = BaTextTrim(value)) == '\0')
			value = NULL;
		if (value == NULL && key == TYPE)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("key \"%s\" of argument \"changes\" must not be"
								   " empty",
								   keys[key])));
		values[key] = value;
	}
}

Datum
bestauth_update_contact(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	BaCompany company;
	BaContact contact;
	char *values[KEY_COUNT];
	BaArgs args = {0};
	int i;

	BaContactActed(&caller, fcinfo, 2, &company, &contact);
	values[TYPE] = contact.contact_type;
	values[FIRST_NAME] = contact.first_name;
	values[LAST_NAME] = contact.last_name;
	values[EMAIL] = contact.email;
	ApplyChanges(fcinfo, values);
	BaPutUuid(&args, &contact.contact_id);
	for (i = 0; i < KEY_COUNT; i++)
		BaPutText(&args, values[i]);
	(void) BaQueryExec(&update_contact, &args);
	AuditContact("contact.updated", &company, &contact.contact_id);
	PG_RETURN_VOID();
}

Datum
bestauth_list_contacts(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	BaCompany company;
	BaArgs args = {0};

	BaCompanyActed(&caller, BaArgTextOrNull(fcinfo, 6, "company", BA_MAX_CODE), &company);
	BaPutUuid(&args, &company.company_id);
	BaPutText(&args, BaArgTextOrNull(fcinfo, 0, "contact_type", BA_MAX_CODE));
	BaPutText(&args, BaArgNameOrNull(fcinfo, 1, "first_name"));
	BaPutText(&args, BaArgNameOrNull(fcinfo, 2, "last_name"));
	BaPutText(&args, BaArgTextOrNull(fcinfo, 3, "email", BA_MAX_EMAIL));
	BaPutText(&args, BaArgUuidText(fcinfo, 5, "after"));
	BaPutInt(&args, BaArgPageSize(fcinfo, 4, 100));
	BaQueryReturn(&list_contacts, &args, fcinfo);
	return (Datum) 0;
}

/* -------------------------------------------------------------------- rules */

static void
RequireNoAccount(const BaRowEvent *event)
{
	pg_uuid_t contact_id;
	BaArgs args = {0};
	BaRow row;

	if (!BaColumnUuid(event, "contact_id", &contact_id))
		return;
	BaPutUuid(&args, &contact_id);
	if (BaQueryRow(&find_account, &args, &row))
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION), errmsg("contact has a portal account"),
				 errdetail("Contacts of type client and individual may have one."),
				 BaErrRule("PRT-2")));
}

/*
 * An account that waits for its owner belongs to the address. When that is corrected,
 * whoever has the wrong one must not make the account active.
 */
static void
DropWaitingAccounts(const BaRowEvent *event)
{
	bool isnull;
	Datum value = BaColumn(event, false, "email", &isnull);
	char *email = BaColumnText(event, "email");
	pg_uuid_t contact_id;
	BaArgs args = {0};

	if (isnull || !BaColumnUuid(event, "contact_id", &contact_id) ||
		(email != NULL && pg_strcasecmp(email, TextDatumGetCString(value)) == 0))
		return;
	BaPutUuid(&args, &contact_id);
	(void) BaQueryExec(&delete_waiting_accounts, &args);
}

/* A type is any word that the company uses; it is kept in small letters. */
static char *
TypeOf(BaRowEvent *event)
{
	char *type = BaColumnRequireText(event, "contact_type");
	char *c;

	for (c = type; *c; c++)
		*c = pg_ascii_tolower((unsigned char) *c);
	if (!isalpha((unsigned char) *type) || strlen(type) > BA_MAX_CODE ||
		strspn(type, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(type))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("contact type \"%s\" is not valid", type),
			 errdetail(
				 "It has 1 to %d ASCII letters, digits, dashes and underscores, and begins with a letter.",
				 BA_MAX_CODE)));
	BaColumnSet(event, "contact_type", CStringGetTextDatum(type));
	return type;
}

void
BaContactRule(BaRowEvent *event, bool restoring)
{
	char *type = TypeOf(event);
	char *first = BaColumnText(event, "first_name");
	char *last = BaColumnText(event, "last_name");
	char *email = BaColumnText(event, "email");

	BaColumnRequireSame(event, "contact_id", "PRT-2");
	BaColumnRequireSame(event, "company_id", "PRT-2");
	BaColumnRequireClean(event, "first_name");
	BaColumnRequireClean(event, "last_name");
	if (first == NULL && last == NULL)
		ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION), errmsg("contact has no name"),
						BaErrRule("PRT-2")));
	if ((first != NULL && pg_mbstrlen(first) > BA_MAX_NAME) ||
		(last != NULL && pg_mbstrlen(last) > BA_MAX_NAME))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("name of a contact has more than %d characters", BA_MAX_NAME)));
	if (email != NULL)
		BaEmailRequire(email);
	if (restoring || event->old_row == NULL)
		return;
	DropWaitingAccounts(event);
	if (!BaContactMayHaveAccount(type))
		RequireNoAccount(event);
}
