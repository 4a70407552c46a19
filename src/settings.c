/*
 * settings.c
 *	  The bestauth.* settings, in the order of the alphabet.
 *
 * All are for a superuser alone: a limit that a session could raise would be
 * none. Lifetimes are in seconds, and take any unit of time.
 */
#include "postgres.h"

#include <limits.h>

#include "miscadmin.h"

#include "compat.h"
#include "settings.h"

char *BaBaseUrl = NULL;
int BaChallengeLifetime = 300;
int BaEmergencyDuration = 3600;
int BaHashCost = 12;
int BaHashSlots = 0;
int BaHashTimeout = 10000;
int BaInviteLifetime = 86400;
int BaLockoutDuration = 900;
int BaLockoutThreshold = 5;
int BaMailHourlyLimit = 20;
int BaMailMaxAttempts = 10;
int BaPasswordMinLength = 15;
char *BaPepperFile = NULL;
int BaSealInterval = 5;
int BaSessionAbsoluteLimit = 43200;
int BaSessionIdleLimit = 1800;
int BaSetupLinkLifetime = 86400;
int BaSsoAssertionLifetime = 60;
char *BaSsoKeyDirectory = NULL;
int BaSsoSessionLimit = 900;
int BaVerificationLifetime = 1800;
int BaWriterTimeout = 5000;

#define DAY 86400

static void
DefineSeconds(const char *name, const char *what, const char *why, int *variable,
			  int initial, int least, int most)
{
	DefineCustomIntVariable(name, what, why, variable, initial, least, most, PGC_SUSET,
							GUC_UNIT_S, NULL, NULL, NULL);
}

static void
DefineLoginsAndMail(void)
{
	DefineSeconds("bestauth.challenge_lifetime",
				  "How long part two of a login may take after part one.", NULL,
				  &BaChallengeLifetime, 300, 10, 3600);
	DefineSeconds(
		"bestauth.emergency_duration",
		"How long an emergency access lasts at most, and unless it is to be shorter.",
		NULL, &BaEmergencyDuration, 3600, 60, 43200);
	DefineCustomIntVariable(
		"bestauth.hash_cost", "Cost of the password hash, as a power of two.",
		"12 takes a quarter of a second on a core of 2020. Stored hashes of a lower cost are renewed at the next good login.",
		&BaHashCost, 12, 10, 31, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"bestauth.hash_slots",
		"How many passwords are hashed at once, on the whole server.",
		"0 stands for one less than the number of processors, but at least one.",
		&BaHashSlots, 0, 0, 1000, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("bestauth.hash_timeout",
							"How long a password waits for its turn to be hashed.",
							"After that the call is refused.", &BaHashTimeout, 10000, 100,
							600000, PGC_SUSET, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineSeconds("bestauth.invite_lifetime", "How long a registration link is good.",
				  NULL, &BaInviteLifetime, DAY, 1, 30 * DAY);
	DefineSeconds("bestauth.lockout_duration",
				  "How long an account is locked after too many wrong passwords.", NULL,
				  &BaLockoutDuration, 900, 1, 30 * DAY);
	DefineCustomIntVariable(
		"bestauth.lockout_threshold",
		"How many wrong passwords in a row lock an account.",
		"No more guesses than this are ever looked at, however many come at once.",
		&BaLockoutThreshold, 5, 1, 100, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("bestauth.mail_hourly_limit",
							"How many messages one address is sent in an hour.",
							"Further ones wait.", &BaMailHourlyLimit, 20, 1, 100000,
							PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("bestauth.mail_max_attempts",
							"How often a message is tried before it is given up.", NULL,
							&BaMailMaxAttempts, 10, 1, 1000, PGC_SUSET, 0, NULL, NULL,
							NULL);
	DefineCustomIntVariable("bestauth.password_min_length",
							"Least number of characters of a new password.", NULL,
							&BaPasswordMinLength, 15, 8, 64, PGC_SUSET, 0, NULL, NULL,
							NULL);
	DefineCustomStringVariable(
		"bestauth.pepper_file",
		"File with the keys that passwords are mixed with before they are hashed.",
		"Lines of key id, space, 64 or more hexadecimal digits; the first is used for new hashes. Readable by the server's user alone.",
		&BaPepperFile, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
}

static void
DefineSessions(void)
{
	DefineCustomIntVariable("bestauth.seal_interval",
							"How often the audit is sealed, where bestauth is preloaded.",
							"0 leaves it to whoever calls audit_seal().", &BaSealInterval,
							5, 0, 3600, PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineSeconds("bestauth.session_absolute_limit",
				  "How long a session lasts, whatever is done in it.", NULL,
				  &BaSessionAbsoluteLimit, 43200, 1, 30 * DAY);
	DefineSeconds("bestauth.session_idle_limit",
				  "How long a session lasts without being used.",
				  "Last use is noted to a tenth of this.", &BaSessionIdleLimit, 1800, 1,
				  30 * DAY);
	DefineSeconds("bestauth.setup_link_lifetime",
				  "How long a link is good by which a user sets the first password.",
				  "A temporary password is good as long.", &BaSetupLinkLifetime, DAY, 1,
				  30 * DAY);
	DefineSeconds("bestauth.sso_assertion_lifetime",
				  "How long an assertion for single sign-on is good.", NULL,
				  &BaSsoAssertionLifetime, 60, 5, 300);
	DefineCustomStringVariable("bestauth.sso_key_directory",
							   "Directory of the private keys for single sign-on.",
							   "Without one there are none.", &BaSsoKeyDirectory, "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
	DefineSeconds(
		"bestauth.sso_session_limit",
		"How long a session lasts that rests on an assertion, until another one.",
		"Counted from its issue: who is locked where they sign on is out after this.",
		&BaSsoSessionLimit, 900, 1, DAY);
	DefineSeconds("bestauth.verification_lifetime",
				  "How long a link is good that proves an e-mail address.", NULL,
				  &BaVerificationLifetime, 1800, 1, 30 * DAY);
	DefineCustomIntVariable("bestauth.writer_timeout",
							"How long a login waits for its guess to be charged.",
							"After that it is refused.", &BaWriterTimeout, 5000, 100,
							60000, PGC_SUSET, GUC_UNIT_MS, NULL, NULL, NULL);
}

/*
 * Where the library is not preloaded, a connection may have brought values for
 * settings that are not defined yet. Those of an ordinary role would be dropped,
 * but with them the values of postgresql.conf: so such a connection gets nothing.
 */
static void
RefuseBrought(void)
{
	int count;
	struct config_generic **variables = BaGucVariables(&count);
	int i;

	if (process_shared_preload_libraries_in_progress || !IsUnderPostmaster ||
		!OidIsValid(MyDatabaseId) || superuser_arg(GetSessionUserId()))
		return;
	for (i = 0; i < count; i++)
		if (strncmp(variables[i]->name, "bestauth.", 9) == 0 &&
			(variables[i]->flags & GUC_CUSTOM_PLACEHOLDER) != 0 &&
			(variables[i]->source == PGC_S_CLIENT ||
			 variables[i]->reset_source == PGC_S_CLIENT))
			ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
							errmsg("connection must not bring setting \"%s\"",
								   variables[i]->name),
							errhint("Connect without it in the options.")));
}

void
BaSettingsInit(void)
{
	RefuseBrought();
	DefineCustomStringVariable("bestauth.base_url",
							   "Address that links in mail begin with.", NULL, &BaBaseUrl,
							   "https://localhost", PGC_SUSET, 0, NULL, NULL, NULL);
	DefineLoginsAndMail();
	DefineSessions();
}
