/*
 * mail_compose.c
 *	  What a message that is claimed carries: its token, made now, and its text.
 */
#include "postgres.h"

#include "pgtime.h"
#include "utils/timestamp.h"

#include "mail_compose.h"
#include "settings.h"
#include "token.h"

/* Rounded up; 0 or less when it is over. */
int
BaMailSecondsLeft(TimestampTz until)
{
	TimestampTz now = GetCurrentTimestamp();

	return until <= now ? 0 : (until - now + USECS_PER_SEC - 1) / USECS_PER_SEC;
}

/* Of an invite, what is left of it: its time began when it was sent [PRV-2]. */
static int
Lifetime(const BaMailClaim *claim)
{
	if (claim->has_registration)
		return BaMailSecondsLeft(claim->registration.expires_at);
	return *claim->kind->lifetime;
}

char *
BaMailToken(const BaMailClaim *claim)
{
	BaTokenFor what = {.purpose = claim->kind->purpose,
					   .message_id = &claim->message_id,
					   .lifetime = Lifetime(claim),
					   .supersede = true};
	BaToken token;

	if (claim->has_registration)
		what.registration_id = &claim->registration.registration_id;
	else if (claim->has_user)
		what.user = &claim->user;
	else
		what.signup_id = &claim->signup.signup_id;
	return BaTokenIssue(&what, &token);
}

/* To the minute, in UTC: nobody here knows where it is read. */
static char *
ClockText(TimestampTz when)
{
	struct pg_tm tm;
	fsec_t fsec;

	if (timestamp2tm(when, NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("timestamp out of range")));
	return psprintf("%04d-%02d-%02d %02d:%02d UTC", tm.tm_year, tm.tm_mon, tm.tm_mday,
					tm.tm_hour, tm.tm_min);
}

void
BaMailCompose(const BaMailClaim *claim, const char *token, BaMailText *text)
{
	const BaMailKind *kind = claim->kind;
	const char *base = claim->has_portal ? claim->portal.url : BaBaseUrl;
	int length = strlen(base);
	BaCompany service = {0};
	BaMailValue values[15] = {
		{"username", claim->has_user ? claim->user.username : NULL},
		{"first_name", claim->has_user ? claim->user.first_name : NULL},
		{"last_name", claim->has_user ? claim->user.last_name : NULL},
		{"company", claim->company.name},
		{"portal", claim->has_portal ? claim->portal.name : claim->company.name},
		{"link", NULL},
		{"valid_for", NULL},
		{"billing_user", claim->has_about ? claim->about.username : NULL},
		{"billing_service", NULL},
		{"url", base},
		{"office", NULL},
		{"role", claim->has_registration ? claim->registration.role : NULL},
		{"reason", claim->has_registration ? claim->registration.reason : NULL},
		{"valid_until", NULL},
		{"emergency_user", claim->has_about ? claim->about.username : NULL},
	};
	BaOffice office;

	while (length > 0 && base[length - 1] == '/')
		length--;
	if (token != NULL)
	{
		values[5].value = psprintf("%.*s/%s?token=%s", length, base, kind->path, token);
		values[6].value = BaMailDuration(*kind->lifetime);
	}
	if (claim->has_registration && claim->registration.has_office &&
		BaOfficeLoad(&claim->registration.office_id, &office))
		values[10].value = office.name;
	if (claim->has_registration && token != NULL)
		values[13].value = ClockText(claim->registration.expires_at);
	if (claim->has_about && claim->about.has_service &&
		BaCompanyLoad(&claim->about.service_id, &service))
		values[8].value = service.name;
	BaMailTemplateRender(kind, &claim->company.company_id, values, lengthof(values),
						 text);
}
