/*
 * password_policy.c
 *	  Which new passwords are refused, after NIST SP 800-63B: too short or too long
 *	  ones, common ones, and those that anybody would try for this very user. No
 *	  rules of composition.
 *
 * A password is common if what is left of it, when digits and signs are taken off
 * both ends, is a word of the blocklist or of the context: as it stands, backwards,
 * with signs for letters, or several times over. A long password that merely
 * contains such a word is fine.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "args.h"
#include "bestauth.h"
#include "canonical.h"
#include "crypto.h"
#include "errors.h"
#include "instance.h"
#include "password.h"
#include "password_policy.h"
#include "query.h"
#include "settings.h"

#define LEAST_WORD 3 /* characters of a word that counts */
#define MAX_FORMS 1000
#define MAX_BYTES 28000 /* of all forms: they fit into a context of BaSecretBegin() */
#define MOST_BEFORE 8   /* digits that are tried to be taken off */
#define MOST_BEHIND 24

/* What a password comes down to: the words that it may be made of. */
typedef struct Forms
{
	int count;
	int bytes;
	char *forms[MAX_FORMS];
} Forms;

static BaQuery find_blocked = {
	.sql =
		"SELECT true FROM bestauth.blocked_password WHERE word = ANY ($1 COLLATE \"C\") LIMIT 1",
	.secret = true,
};

/* ------------------------------------------------------------------ folding */

/* Without what stands before the first letter and behind the last one. */
static char *
Core(const char *value)
{
	const char *end = value + strlen(value);

	while (*value && !IS_HIGHBIT_SET(*value) && !isalpha((unsigned char) *value))
		value++;
	while (end > value && !IS_HIGHBIT_SET(end[-1]) && !isalpha((unsigned char) end[-1]))
		end--;
	return pnstrdup(value, end - value);
}

/* Signs that stand for letters, as in p@ssw0rd. */
static char *
Letters(const char *value)
{
	static const char from[] = "013457@$!|+";
	static const char to[] = "oleastasilt";
	char *result = pstrdup(value);
	char *c;

	StaticAssertStmt(sizeof(from) == sizeof(to), "each sign stands for a letter");
	for (c = result; *c; c++)
	{
		const char *sign = strchr(from, *c);

		if (sign != NULL)
			*c = to[sign - from];
	}
	return result;
}

static char *
Backwards(const char *value)
{
	int length = strlen(value);
	char *result = palloc(length + 1);
	char *to = result + length;

	*to = '\0';
	while (*value)
	{
		int bytes = pg_mblen(value);

		to -= bytes;
		memcpy(to, value, bytes);
		value += bytes;
	}
	return result;
}

/* The shortest part that the whole repeats. */
static char *
Unit(const char *value)
{
	int length = strlen(value);
	int unit;

	for (unit = LEAST_WORD; unit <= length / 2; unit++)
		if (length % unit == 0 && strncmp(value, value + unit, length - unit) == 0)
			return pnstrdup(value, unit);
	return pstrdup(value);
}

/* ------------------------------------------------------------------ matching */

static void
AddForm(Forms *forms, char *form)
{
	int length = strlen(form);

	if (length < LEAST_WORD || forms->count == MAX_FORMS ||
		forms->bytes + length > MAX_BYTES)
		return;
	forms->forms[forms->count++] = form;
	forms->bytes += length;
}

/* As it is, and with any number of the digits around it taken off: words may have their own. */
static void
AddTrimmed(Forms *forms, char *form)
{
	int before = Min(strspn(form, "0123456789"), MOST_BEFORE);
	int length = strlen(form);
	int behind = 0;
	int i, j;

	while (behind < MOST_BEHIND && behind < length &&
		   isdigit((unsigned char) form[length - 1 - behind]))
		behind++;
	for (i = 0; i <= before; i++)
		for (j = 0; j <= behind && i + j < length; j++)
			AddForm(forms, pnstrdup(form + i, length - i - j));
}

static void
AddForms(Forms *forms, const char *value)
{
	char *plain = BaCanonicalPlain(value);
	char *letters = BaCanonicalPlain(Letters(value));

	AddTrimmed(forms, plain);
	AddTrimmed(forms, Unit(plain));
	AddTrimmed(forms, Backwards(Unit(plain)));
	AddForm(forms, letters);
	AddForm(forms, Unit(letters));
	AddForm(forms, Backwards(Unit(letters)));
}

static Forms
FormsOf(const char *password)
{
	Forms forms = {0};
	char *folded = BaCanonicalFold(password);
	char *core = Core(folded);

	AddForms(&forms, folded);
	AddForms(&forms, core);
	AddForms(&forms, Core(Unit(folded)));
	AddForms(&forms, Core(Unit(core)));
	return forms;
}

static bool
Matches(const Forms *forms, const char *word)
{
	char *folded = word == NULL ? "" : BaCanonicalFold(word);
	char *plain = BaCanonicalPlain(folded);
	char *letters = BaCanonicalPlain(Letters(folded));
	int i;

	if (strlen(plain) < LEAST_WORD)
		return false;
	for (i = 0; i < forms->count; i++)
		if (strcmp(forms->forms[i], plain) == 0 || strcmp(forms->forms[i], letters) == 0)
			return true;
	return false;
}

/* A name of several words: each of them, and the first ones together, as in "Acme Inc". */
static bool
MatchesWords(const Forms *forms, const char *name)
{
	char *words = BaCanonicalFold(name);
	StringInfoData first;
	char *word, *rest = NULL;

	initStringInfo(&first);
	for (word = strtok_r(words, " ,.;:/&-_()'\"", &rest); word != NULL;
		 word = strtok_r(NULL, " ,.;:/&-_()'\"", &rest))
	{
		appendStringInfoString(&first, word);
		if (Matches(forms, word) || Matches(forms, first.data))
			return true;
	}
	return Matches(forms, name);
}

/* 000000000000000, 123456789012345 and the like. */
static bool
IsDigitRun(const char *password)
{
	int step = password[0] ? (password[1] - password[0] + 10) % 10 : 0;
	const char *c;

	if (strspn(password, "0123456789") != strlen(password) || strlen(password) < 2)
		return false;
	for (c = password; c[1]; c++)
		if ((c[1] - c[0] + 10) % 10 != step)
			return false;
	return step <= 1 || step == 9;
}

static bool
IsBlocked(const Forms *forms, const char *password)
{
	BaArgs args = {0};
	BaRow row;

	BaPutTexts(&args, BaTextArray((char **) forms->forms, forms->count));
	return IsDigitRun(password) || BaQueryRow(&find_blocked, &args, &row);
}

static bool
IsOwnName(const Forms *forms, const BaUser *user)
{
	const char *first = user->first_name ? user->first_name : "";
	const char *last = user->last_name ? user->last_name : "";

	return Matches(forms, user->first_name) || Matches(forms, user->last_name) ||
		   Matches(forms, psprintf("%s%s", first, last)) ||
		   Matches(forms, psprintf("%s%s", last, first));
}

static bool
IsAddress(const Forms *forms, const char *address)
{
	const char *at = address == NULL ? NULL : strchr(address, '@');

	return Matches(forms, address) ||
		   (at != NULL && Matches(forms, pnstrdup(address, at - address)));
}

/* ------------------------------------------------------------------- policy */

static void
AddReason(StringInfo reasons, const char *code, const char *reason)
{
	appendStringInfo(reasons, "%s%s: %s", reasons->len ? "\n" : "", code, reason);
}

static void
CheckWords(const char *password, const BaCompany *company, const BaUser *user,
		   StringInfo reasons)
{
	Forms forms = FormsOf(password);

	if (IsBlocked(&forms, password))
		AddReason(reasons, "common", "It is a common password.");
	if (IsAddress(&forms, user->username))
		AddReason(reasons, "user_name", "It is made of the user name.");
	if (IsOwnName(&forms, user))
		AddReason(reasons, "own_name", "It is made of the user's own name.");
	if (IsAddress(&forms, user->email))
		AddReason(reasons, "email", "It is made of the e-mail address.");
	if (Matches(&forms, company->code) || MatchesWords(&forms, company->name))
		AddReason(reasons, "company", "It is made of the company's name.");
	if (Matches(&forms, "bestauth") || Matches(&forms, BaInstanceName()))
		AddReason(reasons, "product", "It is made of this system's name.");
}

static void
Check(const char *password, const BaCompany *company, const BaUser *user,
	  StringInfo reasons)
{
	char *normal;

	if (strlen(password) > BA_MAX_PASSWORD)
	{
		AddReason(reasons, "too_long",
				  psprintf("It has more than %d bytes.", BA_MAX_PASSWORD));
		return;
	}
	normal = BaPasswordNormalize(password);
	if (pg_mbstrlen(normal) < BaPasswordMinLength)
		AddReason(reasons, "too_short",
				  psprintf("It has fewer than %d characters.", BaPasswordMinLength));
	CheckWords(normal, company, user, reasons);
}

/* Raises UA001 with every reason, one a line, where a new password is refused. */
void
BaPasswordPolicyRequire(const char *password, const BaCompany *company,
						const BaUser *user)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext own;
	StringInfoData reasons;

	initStringInfo(&reasons);
	own = BaSecretBegin();
	PG_TRY();
	{
		MemoryContextSwitchTo(own);
		Check(password, company, user, &reasons);
	}
	PG_FINALLY();
	{
		MemoryContextSwitchTo(caller);
		BaSecretEnd(own);
	}
	PG_END_TRY();
	if (reasons.len > 0)
		ereport(ERROR, (errcode(BA_ERRCODE_PASSWORD_REFUSED),
						errmsg("password is refused"), errdetail("%s", reasons.data)));
}

/* Words are kept in the form that they are looked for in. */
void
BaBlockedPasswordRule(BaRowEvent *event, bool restoring)
{
	char *word = BaColumnRequireText(event, "word");

	if (strlen(word) > BA_MAX_NAME)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("word to be blocked is too long"),
						errdetail("At most %d bytes are allowed.", BA_MAX_NAME)));
	word = BaCanonicalPlain(BaCanonicalFold(word));
	if (strlen(word) < LEAST_WORD)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("word \"%s\" cannot be blocked", word),
						errdetail("It has at least %d letters or digits.", LEAST_WORD)));
	BaColumnSet(event, "word", CStringGetTextDatum(word));
	/* Those that come with the extension are not dumped. */
	if (event->old_row == NULL)
		BaColumnSet(event, "builtin", BoolGetDatum(false));
	BaColumnRequireSame(event, "builtin", "A-06");
}
