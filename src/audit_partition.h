/* audit_partition.h: the audit's partitions, one a month. */
#ifndef BESTAUTH_AUDIT_PARTITION_H
#define BESTAUTH_AUDIT_PARTITION_H

#include "utils/timestamp.h"

#define BA_AUDIT_MONTHS_AHEAD 12 /* partitions made by open_instance() */

extern void BaAuditPartitionInit(void);
extern Oid BaAuditPartition(TimestampTz when);
extern void BaAuditGuard(const char *relation);
extern void BaAuditMakePartition(void);
extern void BaAuditMakePartitions(void);
extern void BaAuditLookAhead(void);

#endif /* BESTAUTH_AUDIT_PARTITION_H */
