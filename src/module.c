/*
 * module.c
 *	  Where the server loads the library.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/guc.h"

#include "audit.h"
#include "audit_partition.h"
#include "context.h"
#include "counter.h"
#include "emergency_access.h"
#include "fold.h"
#include "inval.h"
#include "key_file.h"
#include "outbox.h"
#include "sealer.h"
#include "session_use.h"
#include "settings.h"
#include "trigger_move.h"
#include "unsealed.h"
#include "writer.h"

PG_MODULE_MAGIC;

void _PG_init(void);

void
_PG_init(void)
{
	BaSettingsInit();
	BaContextInit();
	MarkGUCPrefixReserved("bestauth");
	BaInvalInit();
	BaWriterInit();
	BaUnsealedInit();
	BaSealerInit();
	BaAuditInit();
	BaAuditDurableInit();
	BaAuditPartitionInit();
	BaFoldInit();
	BaCounterInit();
	BaOutboxInit();
	BaEmergencyAccessInit();
	BaKeyFileInit();
	BaSessionUseInit();
	BaTriggerMoveInit();
}
