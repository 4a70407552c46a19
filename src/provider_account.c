/*
 * provider_account.c
 *	  Making the account of a provider: whoever asks for it, it is the same row.
 */
#include "postgres.h"

#include "provider_account.h"
#include "query.h"

/* Only a taken name is passed over: an employee with another account is an error. */
static BaQuery insert_account = {
	.sql =
		"INSERT INTO bestauth.user_account (company_id, portal_id, office_id, provider_id, employee_id,"
		" username, user_type, first_name, middle_name, last_name, email, title, phone, verified_at)"
		" VALUES ($1, $2, $3, $4, $5, $6, 'provider', $7, $8, $9, $10, $11, $12,"
		" CASE WHEN $13 THEN clock_timestamp() END)"
		" ON CONFLICT (company_id, portal_id, lower(username COLLATE \"C\")) DO NOTHING RETURNING user_id",
};

/* In the portal of the office, without a password and roles. False if the name is taken. */
bool
BaProviderAccountMake(const BaProviderAccount *account, BaUser *user)
{
	const BaOffice *office = account->office;
	BaArgs args = {0};
	BaRow row;
	pg_uuid_t user_id;

	BaPutUuid(&args, &office->company_id);
	BaPutUuid(&args, &office->portal_id);
	BaPutUuid(&args, &office->office_id);
	BaPutUuid(&args, account->provider ? &account->provider->provider_id : NULL);
	BaPutUuid(&args, account->employee_id);
	BaPutText(&args, account->username);
	BaPutText(&args, account->first_name);
	BaPutText(&args, account->middle_name);
	BaPutText(&args, account->last_name);
	BaPutText(&args, account->email);
	BaPutText(&args, account->title);
	BaPutText(&args, account->phone);
	BaPutBool(&args, account->verified);
	if (!BaQueryRow(&insert_account, &args, &row))
		return false;
	(void) BaGetUuid(&row, 0, &user_id);
	if (!BaUserLoad(&user_id, user))
		elog(ERROR, "the account just made is gone");
	return true;
}
