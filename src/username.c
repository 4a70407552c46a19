/*
 * username.c
 *	  What may be a user name, and what an e-mail address. docs/usernames.md says the
 *	  same in words.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "args.h"
#include "bestauth.h"
#include "username.h"

static bool
IsUsername(const char *username)
{
	const char *c;
	bool valid = isalnum((unsigned char) *username) || *username == '_';

	for (c = username; *c; c++)
		valid &= *c > ' ' && *c < 0x7f && strchr("\"/\\<>(),;:[]", *c) == NULL;
	return valid && strlen(username) <= BA_MAX_USERNAME;
}

/* What was typed as a user name, for the audit; not what can be none, as a password. */
const char *
BaUsernameOrNull(const char *typed)
{
	return IsUsername(typed) ? typed : NULL;
}

void
BaUsernameRequire(const char *username)
{
	if (!IsUsername(username))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("user name \"%s\" is not valid", username),
			 errdetail(
				 "It has 1 to %d printable ASCII characters without spaces, double quotes, slashes, backslashes, brackets, commas, colons and semicolons, and begins with a letter, digit or underscore.",
				 BA_MAX_USERNAME)));
}

/* As much of it as a message shows, and nothing that acts where it is shown. */
static char *
Shown(const char *value)
{
	char *shown = pnstrdup(value, pg_mbcliplen(value, strlen(value), BA_MAX_EMAIL));

	BaTextClean(shown);
	return shown;
}

/*
 * One address, in ASCII, such as mail can be sent to without quoting anything, and
 * that no program takes for an option or a path.
 */
void
BaEmailRequire(const char *email)
{
	const char *at = strchr(email, '@');
	const char *c;
	bool valid = at != NULL && at > email && strchr(at + 1, '@') == NULL &&
				 strchr(at + 1, '.') != NULL && at[1] != '.' && at[-1] != '.' &&
				 *email != '.' && *email != '-' && email[strlen(email) - 1] != '.' &&
				 strlen(email) <= BA_MAX_EMAIL;

	for (c = email; *c && valid; c++)
		valid = *c > ' ' && *c < 0x7f && strchr("\"/\\<>(),;:[]", *c) == NULL &&
				!(c[0] == '.' && c[1] == '.');
	if (!valid)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("e-mail address \"%s\" is not valid", Shown(email))));
}
