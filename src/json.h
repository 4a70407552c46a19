/* json.h: building a flat jsonb object. */
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

#endif /* BESTAUTH_JSON_H */
