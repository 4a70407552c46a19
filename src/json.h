/* json.h: building a flat jsonb object, reading one, and the size of any. */
#ifndef BESTAUTH_JSON_H
#define BESTAUTH_JSON_H

#include "utils/jsonb.h"

typedef struct BaJson
{
	JsonbParseState *state;
	int keys;
} BaJson;

extern void BaJsonStart(BaJson *json);
extern void BaJsonText(BaJson *json, const char *key, const char *value);
extern void BaJsonTexts(BaJson *json, const char *key, char **items, int count);
extern void BaJsonDatum(BaJson *json, const char *key, Datum value, bool isnull,
						Oid type);
extern Jsonb *BaJsonFinish(BaJson *json);

extern Jsonb *BaJsonParse(const char *words);
extern JsonbValue *BaJsonGet(Jsonb *object, const char *key, JsonbValue *value);
extern char *BaJsonGetText(Jsonb *object, const char *key);
extern bool BaJsonGetNumber(Jsonb *object, const char *key, double *number);
extern bool BaJsonIsPlain(const char *words);
extern int64 BaJsonTextSize(Jsonb *jsonb, int64 enough);

#endif /* BESTAUTH_JSON_H */
