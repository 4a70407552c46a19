/* emergency_access.h: access for a while to what its user otherwise may not. */
#ifndef BESTAUTH_EMERGENCY_ACCESS_H
#define BESTAUTH_EMERGENCY_ACCESS_H

#include "tuple.h"

/* The columns of a row. */
enum
{
	BA_EMERGENCY_COMPANY = 1,
	BA_EMERGENCY_USERNAME,
	BA_EMERGENCY_PERSON,
	BA_EMERGENCY_REASON,
	BA_EMERGENCY_STARTED_AT,
	BA_EMERGENCY_EXPIRES_AT,
	BA_EMERGENCY_ENDED_AT,
	BA_EMERGENCY_ENDED_BY,
	BA_EMERGENCY_OPEN,
	BA_EMERGENCY_ROWS
};

extern void BaEmergencyAccessInit(void);
extern List *BaEmergenciesLatest(const char *company, TimestampTz since,
								 TimestampTz until, int64 most);
extern void BaEmergencyNoteEnd(const pg_uuid_t *emergency_id);
extern void BaEmergencyAccessRule(BaRowEvent *event, bool restoring);

#endif /* BESTAUTH_EMERGENCY_ACCESS_H */
