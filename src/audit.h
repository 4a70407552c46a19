/* audit.h: the one writer of audit rows. */
#ifndef BESTAUTH_AUDIT_H
#define BESTAUTH_AUDIT_H

#include "identity.h"
#include "json.h"
#include "lib/stringinfo.h"
#include "utils/uuid.h"

/* An audit row in the making. NULL where nothing is known. */
typedef struct BaAudit
{
	const char *action;  /* lower case, past tense */
	const char *outcome; /* success or denied */
	const pg_uuid_t *company_id;
	const char *company_code;
	const pg_uuid_t *user_id;
	const char *username;
	const pg_uuid_t *person_id;
	const char *person;
	const pg_uuid_t *service_id;
	const char *service_code;
	const pg_uuid_t *session_id;
	const pg_uuid_t *emergency_id;
	const char *db_role;
	const char *client_addr;
	const char *peer_addr;
	const char *application_name;
	const char *object_type;
	const char *object_id;
	Jsonb *old_values;
	Jsonb *new_values;
	Jsonb *detail;
} BaAudit;

typedef struct BaAuditBatch BaAuditBatch;

extern void BaAuditInit(void);
extern void BaAuditStart(BaAudit *audit, const char *action);
extern void BaAuditOf(BaAudit *audit, const BaIdentity *identity);
extern void BaAuditSkip(int count);
extern BaAuditBatch *BaAuditBatchStart(const BaAudit *common);
extern void BaAuditBatchAdd(BaAuditBatch *batch, const BaAudit *audit);
extern void BaAuditBatchFinish(BaAuditBatch *batch);
extern void BaAuditWrite(const BaAudit *audit);
extern void BaAuditDurableInit(void);
extern void BaAuditWriteDurably(const BaAudit *audit);
extern void BaAuditPack(StringInfo to, const BaAudit *audit);
extern void BaAuditUnpack(const char *packed, BaAudit *audit);
extern void BaAuditWritePacked(const char *packed);

#endif /* BESTAUTH_AUDIT_H */
