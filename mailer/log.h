/* log.h: lines to stderr. */
#ifndef MAILER_LOG_H
#define MAILER_LOG_H

#include <stdbool.h>

extern void LogVerbose(bool verbose);
extern void LogError(const char *format, ...) __attribute__((format(printf, 1, 2)));
extern void LogEvent(const char *format, ...) __attribute__((format(printf, 1, 2)));
extern void LogDetail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif /* MAILER_LOG_H */
