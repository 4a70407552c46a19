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
	const Trigger *trigger = BaTriggerCheck(fcinfo, "invalidate_tg", false)->tg_trigger;
	bool is_session = trigger->tgnargs == 1 && strcmp(trigger->tgargs[0], "session") == 0;

	BaInvalSend(is_session ? BA_CHANNEL_SESSION : BA_CHANNEL_AUTHORITY);
	return PointerGetDatum(NULL);
}
