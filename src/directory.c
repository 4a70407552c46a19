/*
 * directory.c
 *	  Everything shown of one user, and the lists that a form offers.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "args.h"
#include "bestauth.h"
#include "permission.h"
#include "query.h"
#include "role.h"
#include "settings.h"
#include "user.h"

PG_FUNCTION_INFO_V1(bestauth_user_details);
PG_FUNCTION_INFO_V1(bestauth_list_roles);
PG_FUNCTION_INFO_V1(bestauth_list_permissions);

static BaQuery find_details = {
	.sql =
		"SELECT u.user_id, u.username, u.user_type, u.first_name, u.middle_name, u.last_name, u.title,"
		" u.email, u.pending_email, u.phone, u.mobile_phone, u.mobile_carrier, o.identifier, b.code,"
		" coalesce((SELECT array_agg(r.name ORDER BY r.name COLLATE \"C\") FROM bestauth.user_role ur"
		" JOIN bestauth.role r ON r.role_id = ur.role_id WHERE ur.user_id = u.user_id), '{}'), $2"
		" FROM bestauth.user_account u LEFT JOIN bestauth.company b ON b.company_id = u.billing_service_id"
		" LEFT JOIN bestauth.office o ON o.office_id = u.office_id"
		" WHERE u.user_id = $1",
	.latest = true,
};

/* The other half: a query has so many columns at most. */
static BaQuery find_state = {
	.sql =
		"SELECT CASE WHEN u.persons_limited THEN coalesce((SELECT array_agg(p.username ORDER BY p.username COLLATE \"C\")"
		" FROM bestauth.billing_user_person a JOIN bestauth.user_account p ON p.user_id = a.person_id"
		" WHERE a.user_id = u.user_id), '{}') END,"
		" u.notification_preferences, coalesce(cardinality(q.questions), 0),"
		" u.locked_at IS NOT NULL OR l.locked_until IS NOT NULL, u.locked_at, l.locked_until,"
		" u.deleted_at IS NOT NULL, u.deleted_at, u.created_at,"
		" c.password_hash IS NOT NULL, coalesce(c.must_change, false), c.changed_at,"
		" greatest((SELECT max(s.created_at) FROM bestauth.session s WHERE s.user_id = u.user_id OR s.person_id = u.user_id),"
		" (SELECT w.last_login_at FROM bestauth.user_use w WHERE w.user_id = u.user_id)),"
		" u.revision, d.code, u.contact_id, u.verified_at, u.office_id, u.provider_id, p.npi"
		" FROM bestauth.user_account u" BA_USER_GUESS_LOCK
		" LEFT JOIN bestauth.provider p ON p.provider_id = u.provider_id"
		" LEFT JOIN bestauth.portal d ON d.portal_id = u.portal_id"
		" LEFT JOIN bestauth.credential c ON c.user_id = u.user_id"
		" LEFT JOIN bestauth.security_question q ON q.user_id = u.user_id"
		" WHERE u.user_id = $1",
	.latest = true,
};

/* What the caller may give: all that is in it they hold, or they are the operator. */
static BaQuery find_roles = {
	.sql =
		"SELECT r.name,"
		" coalesce((SELECT array_agg(p.permission::text ORDER BY p.permission) FROM bestauth.role_permission p"
		" WHERE p.role_id = r.role_id), '{}'),"
		" coalesce((SELECT array_agg(c.code ORDER BY c.code COLLATE \"C\") FROM " BA_ROLE_CHILDREN
		" WHERE rc.role_id = r.role_id), '{}'),"
		" lower(r.name COLLATE \"C\")"
		" FROM bestauth.role r WHERE r.company_id = $1"
		" AND ($2 OR (NOT EXISTS (SELECT FROM bestauth.role_permission p"
		" WHERE p.role_id = r.role_id AND p.permission <> ALL ($3 COLLATE \"C\"))"
		" AND NOT EXISTS (SELECT FROM " BA_ROLE_CHILDREN
		" WHERE rc.role_id = r.role_id AND rc.child_id <> ALL ($4))))"
		" AND ($5 IS NULL OR lower(r.name COLLATE \"C\") > lower($5 COLLATE \"C\"))"
		" ORDER BY lower(r.name COLLATE \"C\") LIMIT $6",
};

static BaQuery find_permissions = {
	.sql =
		"SELECT name::text, title, description, name::text FROM bestauth.permission"
		" WHERE NOT client_only AND ($1 OR name = ANY ($2 COLLATE \"C\") OR (name = '" BA_PERM_WEB_PORTAL
		"' AND $3))"
		" AND ($4 IS NULL OR name > $4 COLLATE \"C\") ORDER BY name LIMIT $5",
};

Datum
bestauth_user_details(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	char *username = BaArgText(fcinfo, 0, "username", BA_MAX_EMAIL);
	BaCompany company;
	BaUser user;
	BaArgs args = {0};
	BaRow details, state;
	TupleDesc tupdesc;
	Datum values[2 * BA_QUERY_MAX];
	bool nulls[2 * BA_QUERY_MAX];

	BaAccessRequireSelf(&caller, username,
						BaArgTextOrNull(fcinfo, 2, "portal", BA_MAX_CODE));
	BaUserActed(&caller, fcinfo, 0, 1, BA_USER_DELETED, &company, &user);
	BaPutUuid(&args, &user.user_id);
	(void) BaQueryRow(&find_state, &args, &state);
	BaPutTexts(&args, BaPermissionsOf(&user));
	(void) BaQueryRow(&find_details, &args, &details);
	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	Assert(tupdesc->natts == details.count + state.count);
	memcpy(values, details.values, details.count * sizeof(Datum));
	memcpy(nulls, details.nulls, details.count * sizeof(bool));
	memcpy(values + details.count, state.values, state.count * sizeof(Datum));
	memcpy(nulls + details.count, state.nulls, state.count * sizeof(bool));
	PG_RETURN_DATUM(
		HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)));
}

/* ------------------------------------------------------------------ form lists */

/* What the caller holds: whether everything, else which permissions. */
static void
PutHeld(BaArgs *args, const BaCaller *caller)
{
	const BaIdentity *identity = caller->identity;

	BaPutBool(args, caller->is_operator);
	BaPutTexts(args, identity ?
						 BaTextArray(identity->permissions, identity->permission_count) :
						 BaTextArray(NULL, 0));
}

static void
PutCompanies(BaArgs *args, const BaIdentity *identity)
{
	BaPut(args, UUIDARRAYOID,
		  identity ? BaIdSetArray(&identity->companies) :
					 PointerGetDatum(construct_empty_array(UUIDOID)),
		  false);
}

Datum
bestauth_list_roles(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	BaCompany company;
	BaArgs args = {0};

	BaCompanyActed(&caller, BaArgTextOrNull(fcinfo, 2, "company", BA_MAX_CODE), &company);
	BaPutUuid(&args, &company.company_id);
	PutHeld(&args, &caller);
	PutCompanies(&args, caller.identity);
	BaPutText(&args, BaArgNameOrNull(fcinfo, 1, "after"));
	BaPutInt(&args, BaArgPageSize(fcinfo, 0, 100));
	BaQueryReturn(&find_roles, &args, fcinfo);
	return (Datum) 0;
}

Datum
bestauth_list_permissions(PG_FUNCTION_ARGS)
{
	BaCaller caller = BaAccessCaller(fcinfo);
	BaArgs args = {0};

	PutHeld(&args, &caller);
	BaPutBool(&args, BaContextHasPermission(BA_PERM_MANAGE_USERS));
	BaPutText(&args, BaArgTextOrNull(fcinfo, 1, "after", BA_MAX_CODE));
	BaPutInt(&args, BaArgPageSize(fcinfo, 0, 100));
	BaQueryReturn(&find_permissions, &args, fcinfo);
	return (Datum) 0;
}
