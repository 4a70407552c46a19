/* html.h: text in a page that is HTML and XML at once, in ASCII. */
#ifndef BESTAUTH_HTML_H
#define BESTAUTH_HTML_H

#include "lib/stringinfo.h"
#include "utils/timestamp.h"

extern void BaHtmlText(StringInfo page, const char *text);
extern void BaHtmlData(StringInfo page, const char *text);
extern void BaHtmlElement(StringInfo page, const char *element, const char *text);
extern void BaHtmlNumber(StringInfo page, int64 number);
extern void BaHtmlTime(StringInfo page, TimestampTz when);

#endif /* BESTAUTH_HTML_H */
