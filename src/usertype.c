/*
 * usertype.c
 *	  What each type of user may and must: the one table that functions, triggers
 *	  and reports go by.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "usertype.h"

PG_FUNCTION_INFO_V1(bestauth_user_type_rules);

static const BaUserType types[] = {
	{
		.name = "standard",
		.charged = true,
		.logs_in_alone = true,
		.may_hold_permissions = true,
		.needs_email = true,
		.needs_my_account = true,
		.reason = "standard users are charged",
	},
	{
		.name = "restricted",
		.logs_in_alone = true,
		.may_be_second_part = true,
		.may_hold_permissions = true,
		.needs_email = true,
		.needs_my_account = true,
		.reason = "restricted users are not charged",
	},
	{
		.name = "billing",
		.needs_second_part = true,
		.may_hold_permissions = true,
		.needs_billing_service = true,
		.reason = "keys of billing services are not charged",
	},
	{
		.name = "company_administrator",
		.charged = true,
		.logs_in_alone = true,
		.may_hold_permissions = true,
		.holds_all_permissions = true,
		.needs_email = true,
		.needs_my_account = true,
		.reason = "company administrators are charged",
	},
	{
		.name = "provider",
		.logs_in_alone = true,
		.may_hold_permissions = true,
		.needs_email = true,
		.needs_portal = true,
		.needs_verification = true,
		.needs_office = true,
		.reason = "providers are not charged",
	},
	{
		.name = "client",
		.logs_in_alone = true,
		.needs_email = true,
		.needs_portal = true,
		.needs_contact = true,
		.needs_verification = true,
		.reason = "clients are not charged",
	},
	{
		.name = "federated",
		.may_be_second_part = true,
		.by_assertion = true,
		.reason = "federated users are charged where they sign on",
	},
};

/* NULL if there is no such type. */
static const BaUserType *
FindType(const char *name)
{
	int i;

	for (i = 0; i < lengthof(types); i++)
		if (strcmp(types[i].name, name) == 0)
			return &types[i];
	return NULL;
}

const BaUserType *
BaUserTypeRequire(const char *name)
{
	const BaUserType *type = FindType(name);

	if (type == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("user type \"%s\" is not known", name),
						errhint("The view bestauth.user_type_rules lists the types.")));
	return type;
}

Datum
bestauth_user_type_rules(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result;
	int i;

	InitMaterializedSRF(fcinfo, 0);
	result = (ReturnSetInfo *) fcinfo->resultinfo;
	for (i = 0; i < lengthof(types); i++)
	{
		const BaUserType *type = &types[i];
		bool nulls[16] = {0};
		Datum values[16];

		values[0] = CStringGetTextDatum(type->name);
		values[1] = BoolGetDatum(type->charged);
		values[2] = BoolGetDatum(type->logs_in_alone);
		values[3] = BoolGetDatum(type->needs_second_part);
		values[4] = BoolGetDatum(type->may_be_second_part);
		values[5] = BoolGetDatum(type->may_hold_permissions);
		values[6] = BoolGetDatum(type->holds_all_permissions);
		values[7] = BoolGetDatum(type->needs_billing_service);
		values[8] = BoolGetDatum(type->needs_email);
		values[9] = BoolGetDatum(type->needs_portal);
		values[10] = CStringGetTextDatum(type->reason);
		values[11] = BoolGetDatum(type->needs_my_account);
		values[12] = BoolGetDatum(type->needs_contact);
		values[13] = BoolGetDatum(type->needs_verification);
		values[14] = BoolGetDatum(type->needs_office);
		values[15] = BoolGetDatum(type->by_assertion);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
