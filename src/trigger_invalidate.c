/*
 * trigger_invalidate.c
 *	  The statement trigger by which a change of authority reaches every backend.
 */
#include "postgres.h"

#include "fmgr.h"

#include "inval.h"
#include "tuple.h"

PG_FUNCTION_INFO_V1(bestauth_invalidate_tg);

Datum
bestauth_invalidate_tg(PG_FUNCTION_ARGS)
{
	(void) BaTriggerCheck(fcinfo, "invalidate_tg", false);
	BaInvalSend();
	return PointerGetDatum(NULL);
}
