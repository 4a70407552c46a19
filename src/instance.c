/*
 * instance.c
 *	  Whether this instance is open: whether open_instance() was called in this
 *	  very cluster and database.
 *
 * A restored database, a copy by CREATE DATABASE ... TEMPLATE and one that went
 * through pg_upgrade are closed, and so is one in the middle of a restore: the
 * row that says "open" names cluster and database, and is not dumped.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "bestauth.h"
#include "instance.h"
#include "inval.h"
#include "query.h"

PG_FUNCTION_INFO_V1(bestauth_instance_name);

static BaQuery find_open = {
	.sql =
		"SELECT true FROM bestauth.instance_open WHERE system_id = $1 AND database = $2",
	.latest = true,
};

static BaQuery find_name = {
	.sql = "SELECT name FROM bestauth.instance",
};

static bool is_open = false;
static uint64 read_generation = 0; /* in which is_open was read */

int64
BaSystemId(void)
{
	return (int64) GetSystemIdentifier();
}

bool
BaInstanceIsOpen(void)
{
	uint64 generation = BaInvalGeneration(BA_CHANNEL_AUTHORITY);

	if (read_generation != generation)
	{
		BaArgs args = {0};
		BaRow row;

		BaPutLong(&args, BaSystemId());
		BaPut(&args, OIDOID, ObjectIdGetDatum(MyDatabaseId), false);
		is_open = BaQueryRow(&find_open, &args, &row);
		read_generation = generation;
	}
	return is_open;
}

void
BaInstanceRequireOpen(void)
{
	if (!BaInstanceIsOpen())
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("bestauth instance is closed"),
			 errhint(
				 "After CREATE EXTENSION or a restore, call bestauth.open_instance() as a superuser.")));
}

/*
 * May rows come in unasked, because a restore is writing them? While the
 * instance is closed a superuser may; nobody else writes at all.
 */
bool
BaInstanceIsRestoring(void)
{
	if (BaInstanceIsOpen())
		return false;
	/* The owner is open_instance() at work: nobody else can become it. */
	if (!superuser() && GetUserId() != BaOwnerId())
		BaInstanceRequireOpen();
	return true;
}

bool
BaInstanceNameIsValid(const char *name)
{
	static const char signs[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

	return strchr("._-", *name) == NULL && strlen(name) <= BA_MAX_CODE &&
		   strspn(name, signs) == strlen(name);
}

/* NULL before the first opening. */
char *
BaInstanceName(void)
{
	BaArgs args = {0};
	BaRow row;

	return BaQueryRow(&find_name, &args, &row) ? BaGetText(&row, 0) : NULL;
}

Datum
bestauth_instance_name(PG_FUNCTION_ARGS)
{
	char *name = BaInstanceName();

	if (name == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(name));
}
