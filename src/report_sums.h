/* report_sums.h: the audit of a period, counted. */
#ifndef BESTAUTH_REPORT_SUMS_H
#define BESTAUTH_REPORT_SUMS_H

#include "report_page.h"

#define BA_SUMS_BUCKETS 400 /* at most */
#define BA_SUMS_LISTED 20   /* of each list at most */

/* How much of it: what was done, rows that changed, what was refused. */
typedef struct BaSum
{
	char *label; /* NULL in no list */
	TimestampTz at;
	int64 acts;
	int64 changes;
	int64 refused;
} BaSum;

/* Those with most; "members" is how many there are. */
typedef struct BaSumList
{
	int64 members;
	BaSum all; /* of all members */
	int count;
	BaSum items[BA_SUMS_LISTED];
} BaSumList;

typedef enum BaSumKind
{
	BA_SUMS_PEOPLE,
	BA_SUMS_DB_ROLES, /* of what nobody did in a session */
	BA_SUMS_SERVICES,
	BA_SUMS_COMPANIES,
	BA_SUMS_REASONS,  /* of refusals */
	BA_SUMS_REFUSED,  /* to whom */
	BA_SUMS_REFUSING, /* where */
	BA_SUMS_KINDS
} BaSumKind;

typedef struct BaSums
{
	const char *unit; /* hour, day, month or year */
	int bucket_count;
	BaSum buckets[BA_SUMS_BUCKETS];
	BaSum hours[7][24]; /* Monday first */
	BaSum total;
	bool has_any;
	TimestampTz first_at;
	TimestampTz last_at;
	BaSumList lists[BA_SUMS_KINDS];
} BaSums;

extern BaSums *BaReportSums(const BaReport *report, TimestampTz since, TimestampTz until);

#endif /* BESTAUTH_REPORT_SUMS_H */
