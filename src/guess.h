/* guess.h: looking at one guess of a secret. */
#ifndef BESTAUTH_GUESS_H
#define BESTAUTH_GUESS_H

#include "counter.h"
#include "password.h"

typedef struct BaGuess
{
	BaSubject subject;       /* whom it is charged to */
	BaSubject second;        /* and to what else; length 0: nothing */
	const BaAudit *lock_row; /* written if it locks a user */
	bool admitted;           /* it may be looked at */
	int slot;
} BaGuess;

extern void BaGuessBegin(BaGuess *guess);
extern bool BaGuessCheck(BaGuess *guess, const char *secret,
						 const BaPasswordHash *stored);
extern void BaGuessForgive(const BaGuess *guess);

#endif /* BESTAUTH_GUESS_H */
