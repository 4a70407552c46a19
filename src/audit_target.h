/* audit_target.h: what is known of the partition that audit rows go to. */
#ifndef BESTAUTH_AUDIT_TARGET_H
#define BESTAUTH_AUDIT_TARGET_H

#include "nodes/execnodes.h"
#include "utils/rel.h"

#include "audit_row.h"

typedef struct BaAuditTarget
{
	int place[BA_AUDIT_COLUMNS]; /* of each column in this partition */
	int format_place;
	int hash_place;
	EState *estate; /* for what its indexes compute */
	int indexes;
	Oid *index_ids;
	IndexInfo **index_infos;
} BaAuditTarget;

extern const BaAuditTarget *BaAuditTargetFind(Relation partition);
extern ResultRelInfo *BaAuditTargetOpen(const BaAuditTarget *target, Relation partition);

#endif /* BESTAUTH_AUDIT_TARGET_H */
