/*
 * guess.c
 *	  Looking at one guess of a secret, a password or answers: first it takes its turn
 *	  to be hashed, then it is charged, durably, then exactly one hash is computed,
 *	  whether it is admitted or not, and whether there is a secret or not.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"

#include "guess.h"
#include "slot.h"

/* A lock younger than this may come from right guesses at the same time. */
#define FRESH_LOCK_MS 3000
#define FIRST_WAIT_MS 100
#define LONGEST_WAIT_MS 800

/*
 * Charges the guess until it is admitted, or locked out for sure. Right guesses
 * at the same time, as with a shared key, lock each other out for a moment, until
 * one of them has cleared the count: so one that meets a lock of just now waits
 * for that, in longer and longer steps, and not in a slot.
 */
void
BaGuessBegin(BaGuess *guess)
{
	long wait = FIRST_WAIT_MS;

	for (;;)
	{
		BaCharge charge;
		TimestampTz now;

		guess->slot = BaSlotTake();
		charge = BaCounterCharge(guess->subject, guess->second, guess->lock_row);
		guess->admitted = charge.admitted;
		now = GetCurrentTimestamp();
		/* A lock that is yet to come is of a clock that was put back. */
		if (charge.admitted || charge.locked_at > now ||
			TimestampDifferenceExceeds(charge.locked_at, now, FRESH_LOCK_MS))
			return;
		BaSlotGive(guess->slot);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 wait / 2 + random() % wait, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		wait = Min(2 * wait, LONGEST_WAIT_MS);
	}
}

/* Is it right? What is stored may be nothing. */
bool
BaGuessCheck(BaGuess *guess, const char *secret, const BaPasswordHash *stored)
{
	static const BaPasswordHash nothing = {NULL, NULL};
	bool equal = BaPasswordVerify(secret, guess->admitted ? stored : &nothing);

	BaSlotGive(guess->slot);
	return equal && guess->admitted;
}

/* It was right, and nothing else stands against it: the count begins anew. */
void
BaGuessForgive(const BaGuess *guess)
{
	BaCounterClear(guess->subject, guess->second);
}
