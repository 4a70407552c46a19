/*
 * security_question.c
 *	  Up to three questions that a user chose, and their answers as one secret. They
 *	  are asked for in a self-service reset, beside the mailed link and never instead
 *	  of it.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "bestauth.h"
#include "canonical.h"
#include "crypto.h"
#include "errors.h"
#include "query.h"
#include "security_question.h"

static BaQuery set_questions = {
	.sql =
		"INSERT INTO bestauth.security_question AS q (user_id, questions, answers_hash, pepper_id)"
		" VALUES ($1, $2, $3, $4) ON CONFLICT (user_id) DO UPDATE SET questions = excluded.questions,"
		" answers_hash = excluded.answers_hash, pepper_id = excluded.pepper_id, changed_at = clock_timestamp()",
};

static BaQuery remove_questions = {
	.sql = "DELETE FROM bestauth.security_question WHERE user_id = $1",
	.latest = true,
};

static BaQuery find_questions = {
	.sql =
		"SELECT questions, answers_hash, pepper_id FROM bestauth.security_question WHERE user_id = $1",
	.latest = true,
};

static void
Refuse(const char *message)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", message),
					BaErrRule("PRV-18")));
}

/* The answers in one form: however they are typed, and no answer runs into the next. */
char *
BaSecurityAnswers(const BaTextList *answers)
{
	MemoryContext own = BaSecretBegin();
	MemoryContext caller = MemoryContextSwitchTo(own);
	StringInfoData joined;
	char *result;
	int i;

	initStringInfo(&joined);
	for (i = 0; i < answers->count; i++)
		appendStringInfo(&joined, "%s\n", BaCanonicalFold(answers->items[i]));
	result = MemoryContextStrdup(caller, joined.data);
	MemoryContextSwitchTo(caller);
	BaSecretEnd(own);
	return result;
}

/* The two arguments, which go together; "answers" is NULL where there are none. */
void
BaSecurityQuestionsTake(FunctionCallInfo fcinfo, int questions_arg, int answers_arg,
						BaTextList *questions, char **answers)
{
	BaTextList list = BaArgTexts(fcinfo, answers_arg, "answers");
	int i, j;

	*questions = BaArgTexts(fcinfo, questions_arg, "questions");
	if (questions->count < 0 || list.count < 0)
		Refuse("questions and answers must not be null");
	if (questions->count != list.count)
		Refuse("there must be as many answers as questions");
	if (questions->count > BA_MAX_QUESTIONS)
		Refuse(psprintf("at most %d questions are kept", BA_MAX_QUESTIONS));
	for (i = 0; i < list.count; i++)
	{
		if (*BaCanonicalFold(questions->items[i]) == '\0')
			Refuse("a question must not be empty");
		if (*BaCanonicalFold(list.items[i]) == '\0')
			Refuse("an answer must not be empty");
		for (j = 0; j < i; j++)
			if (strcmp(questions->items[j], questions->items[i]) == 0)
				Refuse("the questions must be different");
	}
	*answers = list.count == 0 ? NULL : BaSecurityAnswers(&list);
	/* Like a password, or they could never be verified. */
	if (*answers != NULL && strlen(*answers) > BA_MAX_PASSWORD)
		Refuse("the answers are too long");
}

/* "answers" is NULL where there are no questions any more. */
void
BaSecurityQuestionsSet(const BaUser *user, const BaTextList *questions,
					   const BaPasswordHash *answers)
{
	BaArgs args = {0};

	BaPutUuid(&args, &user->user_id);
	if (answers == NULL)
	{
		(void) BaQueryExec(&remove_questions, &args);
		return;
	}
	BaPutTexts(&args, questions->array);
	BaPutText(&args, answers->hash);
	BaPutText(&args, answers->pepper_id);
	(void) BaQueryExec(&set_questions, &args);
}

/* False if the user has none. */
bool
BaSecurityQuestionsFind(const BaUser *user, Datum *questions, BaPasswordHash *answers)
{
	BaArgs args = {0};
	BaRow row;

	BaPutUuid(&args, &user->user_id);
	if (!BaQueryRow(&find_questions, &args, &row))
		return false;
	*questions = row.values[0];
	answers->hash = BaGetText(&row, 1);
	answers->pepper_id = BaGetText(&row, 2);
	return true;
}

void
BaSecurityQuestionRule(BaRowEvent *event, bool restoring)
{
	BaColumnRequireSame(event, "user_id", "PRV-18");
}
