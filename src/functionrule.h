/* functionrule.h: what each public function asks of its caller. */
#ifndef BESTAUTH_FUNCTIONRULE_H
#define BESTAUTH_FUNCTIONRULE_H

typedef enum BaNeed
{
	BA_NEED_NOTHING,     /* whoever may EXECUTE it: logging in, asking who one is */
	BA_NEED_SESSION,     /* a session, whatever it holds */
	BA_NEED_STAFF,       /* the company's own people, each by a login of their own, who
						  * hold one of the permissions; no operator */
	BA_NEED_SECOND_PART, /* the own session of somebody who can be a second part [TPB-5] */
	BA_NEED_OWN_ACCOUNT, /* a session, for its own password [IBS-6] */
	BA_NEED_SELF,        /* the permission, or a session about its own user */
	BA_NEED_PERMISSION, /* a session that holds one of the permissions, or the operator */
	BA_NEED_REPORT,     /* the same, or the auditor */
	BA_NEED_ADMINISTRATOR, /* a company administrator's session, or the operator */
	BA_NEED_OPERATOR,
	BA_NEED_AUDITOR, /* or the operator */
	BA_NEED_SEALER,  /* the operator, or the mailer, whose loop seals */
	BA_NEED_RETENTION,
	BA_NEED_MAILER,
	BA_NEED_SUPERUSER
} BaNeed;

#define BA_RULE_PERMISSIONS 3

typedef struct BaFunctionRule
{
	const char *function;
	BaNeed need;
	const char *permissions[BA_RULE_PERMISSIONS]; /* one of them will do; NULL: no more */
	const char *rule;                             /* who speaks when it is refused */
} BaFunctionRule;

extern const BaFunctionRule *BaFunctionRuleOf(const char *function);

#endif /* BESTAUTH_FUNCTIONRULE_H */
