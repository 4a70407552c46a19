/* mail_template.h: what mail says. */
#ifndef BESTAUTH_MAIL_TEMPLATE_H
#define BESTAUTH_MAIL_TEMPLATE_H

#include "mail.h"
#include "tuple.h"

/* What stands for a placeholder; value NULL: nothing. */
typedef struct BaMailValue
{
	const char *name;
	const char *value;
} BaMailValue;

typedef struct BaMailText
{
	char *subject;
	char *body;
	char *format; /* plain or html */
} BaMailText;

extern void BaMailTemplateSeed(void);
extern void BaMailTemplateRender(const BaMailKind *kind, const pg_uuid_t *company_id,
								 const BaMailValue *values, int count, BaMailText *text);
extern char *BaMailDuration(int seconds);
extern void BaMailTemplateRule(BaRowEvent *event, bool restoring);
extern void BaMailTemplateDeleteRule(const BaRowEvent *event);

#endif /* BESTAUTH_MAIL_TEMPLATE_H */
