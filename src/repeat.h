/* repeat.h: one call that SQL evaluates several times. */
#ifndef BESTAUTH_REPEAT_H
#define BESTAUTH_REPEAT_H

#include "crypto.h"
#include "fmgr.h"

typedef struct BaRepeat
{
	uint8 digest[BA_DIGEST_LENGTH]; /* of the function and its arguments */
	Datum result;                   /* set where it is a repeat */
} BaRepeat;

extern bool BaRepeatFind(FunctionCallInfo fcinfo, BaRepeat *call);
extern Datum BaRepeatRemember(const BaRepeat *call, Datum result);

#endif /* BESTAUTH_REPEAT_H */
