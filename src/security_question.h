/* security_question.h: security questions, beside a mailed link. */
#ifndef BESTAUTH_SECURITY_QUESTION_H
#define BESTAUTH_SECURITY_QUESTION_H

#include "args.h"
#include "password.h"
#include "user.h"

#define BA_MAX_QUESTIONS 3

extern void BaSecurityQuestionsTake(FunctionCallInfo fcinfo, int questions_arg,
									int answers_arg, BaTextList *questions,
									char **answers);
extern void BaSecurityQuestionsSet(const BaUser *user, const BaTextList *questions,
								   const BaPasswordHash *answers);
extern bool BaSecurityQuestionsFind(const BaUser *user, Datum *questions,
									BaPasswordHash *answers);
extern char *BaSecurityAnswers(const BaTextList *answers);
extern void BaSecurityQuestionRule(BaRowEvent *event, bool restoring);

#endif /* BESTAUTH_SECURITY_QUESTION_H */
