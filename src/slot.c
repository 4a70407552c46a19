/*
 * slot.c
 *	  How many passwords are hashed at once, on the whole server. A hash is a quarter
 *	  of a second of a processor: without a limit a flood of logins would starve
 *	  everything else.
 *
 * A slot is a heavyweight lock in the space of advisory locks that SQL can't name
 * (its fourth field). So it needs no preload, waiting is fair and can be cancelled,
 * and an error gives it back.
 */
#include "postgres.h"

#include <unistd.h>

#include "access/xlog.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "compat.h"
#include "settings.h"
#include "slot.h"

#define SLOT_SPACE 0x62617574 /* "baut" */
#define SLOT_KIND 3           /* pg_advisory_lock() has 1 and 2 */

/* As many as processors, but one, which is left to everybody else. */
static int
SlotCount(void)
{
	static int processors = 0;

	if (BaHashSlots > 0)
		return BaHashSlots;
	if (processors == 0)
		processors = (int) sysconf(_SC_NPROCESSORS_ONLN);
	return Max(processors - 1, 1);
}

static LOCKTAG
SlotTag(int slot)
{
	LOCKTAG tag;

	SET_LOCKTAG_ADVISORY(tag, InvalidOid, SLOT_SPACE, slot, SLOT_KIND);
	return tag;
}

/* Waits for one slot, as long as bestauth.hash_timeout says. */
static void
WaitForSlot(const LOCKTAG *tag)
{
	MemoryContext context = CurrentMemoryContext;
	int nest_level = NewGUCNestLevel();
	char limit[32];

	snprintf(limit, sizeof(limit), "%dms", BaHashTimeout);
	(void) set_config_option("lock_timeout", limit, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	PG_TRY();
	{
		(void) LockAcquire(tag, ExclusiveLock, false, false);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE)
			PG_RE_THROW();
		FlushErrorState();
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_RESOURCES),
						errmsg("too many passwords are being checked at once"),
						errhint("Try again.")));
	}
	PG_END_TRY();
	AtEOXact_GUC(true, nest_level);
}

/*
 * Takes a slot, to be given back by BaSlotGive(). Inside another one of the same
 * caller it is nothing: -1.
 */
int
BaSlotTake(void)
{
	int count = SlotCount();
	LOCKTAG tag;
	int i, waited;

	if (RecoveryInProgress())
		return -1;
	for (i = 0; i < count; i++)
	{
		tag = SlotTag(i);
		if (BaLockHeldByMe(&tag, ExclusiveLock))
			return -1;
	}
	for (i = 0; i < count; i++)
	{
		tag = SlotTag(i);
		if (LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL)
			return i;
	}
	waited = random() % count;
	tag = SlotTag(waited);
	WaitForSlot(&tag);
	return waited;
}

void
BaSlotGive(int slot)
{
	LOCKTAG tag;

	if (slot < 0)
		return;
	tag = SlotTag(slot);
	(void) LockRelease(&tag, ExclusiveLock, false);
}
