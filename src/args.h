/* args.h: checks of arguments. */
#ifndef BESTAUTH_ARGS_H
#define BESTAUTH_ARGS_H

#include "fmgr.h"
#include "utils/array.h"
#include "utils/timestamp.h"

/* An array of text, taken apart; count is -1 for NULL. */
typedef struct BaTextList
{
	int count;
	char **items;
	Datum array; /* text[], for a query */
} BaTextList;

extern char *BaArgText(FunctionCallInfo fcinfo, int n, const char *name, int max_bytes);
extern char *BaArgTextOrNull(FunctionCallInfo fcinfo, int n, const char *name,
							 int max_bytes);
extern char *BaArgSecret(FunctionCallInfo fcinfo, int n, const char *name);
extern char *BaArgSecretUpTo(FunctionCallInfo fcinfo, int n, const char *name,
							 int max_bytes);
extern char *BaArgName(FunctionCallInfo fcinfo, int n, const char *name);
extern char *BaArgNameOrNull(FunctionCallInfo fcinfo, int n, const char *name);
extern char *BaArgClientText(FunctionCallInfo fcinfo, int n, const char *name);
extern BaTextList BaArgTexts(FunctionCallInfo fcinfo, int n, const char *name);
extern BaTextList BaArgTextsRaw(FunctionCallInfo fcinfo, int n, const char *name);
extern void BaTextListSort(BaTextList *list);
extern BaTextList BaArgTextArray(FunctionCallInfo fcinfo, int n, const char *name);
extern BaTextList BaArgNames(FunctionCallInfo fcinfo, int n, const char *name);
extern bool BaTextIsControl(const char *value);
extern char *BaTextControl(char *value);
extern int BaTextBlank(const char *value);
extern bool BaTextSame(const char *a, const char *b);
extern void BaTextClean(char *value);
extern char *BaTextTrim(char *value);
extern bool BaTextTime(const char *value, TimestampTz *when);
extern Datum BaTextArray(char **items, int count);
extern char *BaArgUuidText(FunctionCallInfo fcinfo, int n, const char *name);
extern int BaArgPageSize(FunctionCallInfo fcinfo, int n, int none);

#endif /* BESTAUTH_ARGS_H */
