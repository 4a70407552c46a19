/*
 * report_sums.c
 *	  The audit of a period, counted in one pass: by time, by hour of the week, by person,
 *	  database role, service and company, by reason of a refusal.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "report_sums.h"

/* What a row of the query is about: the bits of GROUPING(), of what it is not. */
enum
{
	OF_TIME = 255,
	OF_HOUR = 383,
	OF_PERSON = 447,
	OF_DB_ROLE = 479,
	OF_SERVICE = 495,
	OF_COMPANY = 503,
	OF_REASON = 507,
	OF_REFUSED = 509,
	OF_REFUSING = 510,
	OF_ALL = 511
};

/*
 * A person is called after the company that they are of, wherever it was: there may be one
 * of the same name. Whoever is refused is called as who called; at a login, as what was
 * named.
 */
static BaQuery count_entries = {
	.sql =
		"WITH entry AS (SELECT p.*, CASE WHEN p.denied THEN coalesce(p.person,"
		" CASE WHEN p.about_user THEN concat_ws('/', p.company, p.user_named) ELSE 'database role ' || p.db_role END)"
		" END AS named, CASE WHEN p.denied THEN p.company END AS refused_in"
		" FROM (SELECT date_trunc($4, a.occurred_at, 'UTC') AS at, a.occurred_at,"
		" extract(isodow FROM a.occurred_at AT TIME ZONE 'UTC')::integer AS weekday,"
		" extract(hour FROM a.occurred_at AT TIME ZONE 'UTC')::integer AS hour,"
		" CASE WHEN strpos(a.person, '/') > 0 THEN a.person"
		" WHEN a.person IS NOT NULL THEN concat_ws('/', coalesce(e.code, a.company_code), a.person) END AS person,"
		" CASE WHEN a.person IS NULL THEN a.db_role END AS db_role,"
		" a.billing_service_code AS service, a.company_code AS company,"
		" a.object_type = 'user' OR a.detail ? 'typed_name' AS about_user,"
		" coalesce(a.object_id, a.detail->>'typed_name') AS user_named,"
		" CASE WHEN a.outcome = 'denied' THEN concat_ws(': ', a.action, a.detail->>'reason') END AS reason,"
		" a.outcome = 'denied' AS denied, split_part(a.action, '.', 1) IN ('row', 'table') AS changed,"
		" coalesce((a.detail->>'folded')::bigint, 1) AS times FROM bestauth.audit_log a"
		" LEFT JOIN bestauth.user_account u ON u.user_id = a.person_id"
		" LEFT JOIN bestauth.company e ON e.company_id = u.company_id"
		" WHERE ($1 IS NULL OR a.company_id = $1 OR a.billing_service_id = $1)"
		" AND a.occurred_at >= $2 AND a.occurred_at < $3) p)"
		" SELECT g, at, weekday, hour, label, acts, changes, refused, first_at, last_at, members,"
		" all_acts, all_changes, all_refused FROM (SELECT s.*, count(*) OVER (PARTITION BY g) AS members,"
		" (sum(acts) OVER (PARTITION BY g))::bigint AS all_acts,"
		" (sum(changes) OVER (PARTITION BY g))::bigint AS all_changes,"
		" (sum(refused) OVER (PARTITION BY g))::bigint AS all_refused,"
		" row_number() OVER (PARTITION BY g ORDER BY acts + changes + refused DESC, label COLLATE \"C\") AS place"
		" FROM (SELECT GROUPING(at, weekday, person, db_role, service, company, reason, named, refused_in) AS g,"
		" at, weekday, hour,"
		" coalesce(person, db_role, service, company, reason, named, refused_in) AS label,"
		" count(*) FILTER (WHERE NOT denied AND NOT changed) AS acts,"
		" count(*) FILTER (WHERE NOT denied AND changed) AS changes,"
		" coalesce(sum(times) FILTER (WHERE denied), 0)::bigint AS refused,"
		" min(occurred_at) AS first_at, max(occurred_at) AS last_at FROM entry"
		" GROUP BY GROUPING SETS ((), (at), (weekday, hour), (person), (db_role), (service),"
		" (company), (reason), (named), (refused_in))) s WHERE label IS NOT NULL OR g IN (255, 383, 511)) s"
		" WHERE label IS NULL OR place <= $5 ORDER BY g, place",
	.custom = true,
};

/* -------------------------------------------------------------------------- periods */

/* By the hour of two days, by the day of four months, by the month of ten years. */
static const char *
UnitOf(TimestampTz since, TimestampTz until)
{
	int64 days = (until - since) / USECS_PER_DAY;

	return until - since <= 2 * USECS_PER_DAY ? "hour" :
		   days <= 120                        ? "day" :
		   days <= 3660                       ? "month" :
												"year";
}

static TimestampTz
Truncate(const char *unit, TimestampTz when)
{
	return DatumGetTimestampTz(
		DirectFunctionCall3(timestamptz_trunc_zone, CStringGetTextDatum(unit),
							TimestampTzGetDatum(when), CStringGetTextDatum("UTC")));
}

/* The beginning of the next one: no unit is longer than 366 days, or ends in its first 20. */
static TimestampTz
Next(const char *unit, TimestampTz at)
{
	if (strcmp(unit, "hour") == 0)
		return at + USECS_PER_HOUR;
	if (strcmp(unit, "day") == 0)
		return at + USECS_PER_DAY;
	return Truncate(unit, at + (strcmp(unit, "month") == 0 ? 31 : 366) * USECS_PER_DAY);
}

static void
MakeBuckets(BaSums *sums, TimestampTz since, TimestampTz until)
{
	TimestampTz at;

	sums->unit = UnitOf(since, until);
	for (at = Truncate(sums->unit, since); at < until; at = Next(sums->unit, at))
	{
		if (sums->bucket_count == BA_SUMS_BUCKETS)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("period is longer than %d years", BA_SUMS_BUCKETS)));
		sums->buckets[sums->bucket_count++].at = at;
	}
}

/* ----------------------------------------------------------------------------- rows */

static BaSum *
BucketAt(BaSums *sums, TimestampTz at)
{
	int i;

	for (i = 0; i < sums->bucket_count; i++)
		if (sums->buckets[i].at == at)
			return &sums->buckets[i];
	elog(ERROR, "an entry of the audit is out of its period");
}

static void
GetNumbers(BaSum *sum, const BaRow *row, int column)
{
	sum->acts = DatumGetInt64(row->values[column]);
	sum->changes = DatumGetInt64(row->values[column + 1]);
	sum->refused = DatumGetInt64(row->values[column + 2]);
}

/* The place of a row's sum, in what it is about. */
static BaSum *
PlaceOf(BaSums *sums, const BaRow *row)
{
	static const int kinds[BA_SUMS_KINDS] = {OF_PERSON,  OF_DB_ROLE, OF_SERVICE,
											 OF_COMPANY, OF_REASON,  OF_REFUSED,
											 OF_REFUSING};
	int about = BaGetInt(row, 0);
	int i;

	if (about == OF_ALL)
		return &sums->total;
	if (about == OF_TIME)
		return BucketAt(sums, BaGetTime(row, 1));
	if (about == OF_HOUR)
		return &sums->hours[BaGetInt(row, 2) - 1][BaGetInt(row, 3)];
	for (i = 0; i < BA_SUMS_KINDS; i++)
		if (about == kinds[i])
		{
			BaSumList *list = &sums->lists[i];

			list->members = DatumGetInt64(row->values[10]);
			GetNumbers(&list->all, row, 11);
			return &list->items[list->count++];
		}
	elog(ERROR, "a sum is about nothing known");
}

BaSums *
BaReportSums(const BaReport *report, TimestampTz since, TimestampTz until)
{
	BaSums *sums = palloc0(sizeof(BaSums));
	BaArgs args = report->args;
	ListCell *cell;

	MakeBuckets(sums, since, until);
	args.count = 3;
	BaPutText(&args, sums->unit);
	BaPutInt(&args, BA_SUMS_LISTED);
	foreach (cell, BaQueryRows(&count_entries, &args))
	{
		BaRow *row = lfirst(cell);
		BaSum *sum = PlaceOf(sums, row);

		sum->label = BaGetText(row, 4);
		GetNumbers(sum, row, 5);
		if (sum == &sums->total && !row->nulls[8])
		{
			sums->has_any = true;
			sums->first_at = BaGetTime(row, 8);
			sums->last_at = BaGetTime(row, 9);
		}
	}
	return sums;
}
