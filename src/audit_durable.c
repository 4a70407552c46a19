/*
 * audit_durable.c
 *	  Audit rows outside the caller's transaction: what must be known even if that
 *	  comes to nothing, a refusal, is written by the writer.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "audit.h"
#include "uuid.h"
#include "writer.h"

static void
PackText(StringInfo packed, const char *value)
{
	appendStringInfoChar(packed, value == NULL ? 0 : 1);
	if (value != NULL)
		appendBinaryStringInfo(packed, value, strlen(value) + 1);
}

static void
PackUuid(StringInfo packed, const pg_uuid_t *value)
{
	PackText(packed, value == NULL ? NULL : BaUuidText(value));
}

static const char *
UnpackText(const char **at)
{
	const char *value;

	if (*(*at)++ == 0)
		return NULL;
	value = *at;
	*at += strlen(value) + 1;
	return value;
}

static const pg_uuid_t *
UnpackUuid(const char **at)
{
	const char *value = UnpackText(at);

	return value == NULL ?
			   NULL :
			   DatumGetUUIDP(DirectFunctionCall1(uuid_in, CStringGetDatum(value)));
}

/* For the writer. Old and new values never travel: a refusal changes nothing. */
void
BaAuditPack(StringInfo to, const BaAudit *audit)
{
	PackText(to, audit->action);
	PackText(to, audit->outcome);
	PackUuid(to, audit->company_id);
	PackText(to, audit->company_code);
	PackUuid(to, audit->user_id);
	PackText(to, audit->username);
	PackUuid(to, audit->person_id);
	PackText(to, audit->person);
	PackUuid(to, audit->service_id);
	PackText(to, audit->service_code);
	PackUuid(to, audit->session_id);
	PackUuid(to, audit->emergency_id);
	PackText(to, audit->db_role);
	PackText(to, audit->client_addr);
	PackText(to, audit->peer_addr);
	PackText(to, audit->application_name);
	PackText(to, audit->object_type);
	PackText(to, audit->object_id);
	PackText(to, audit->detail == NULL ?
					 NULL :
					 JsonbToCString(NULL, &audit->detail->root, VARSIZE(audit->detail)));
}

/* In a transaction of its own, whatever the caller's comes to. */
void
BaAuditWriteDurably(const BaAudit *audit)
{
	StringInfoData packed;
	char reply[BA_WRITER_REPLY];

	initStringInfo(&packed);
	BaAuditPack(&packed, audit);
	BaWriterCall(BA_WRITER_AUDIT, packed.data, packed.len, reply);
	pfree(packed.data);
}

/* In the writer: the row that BaAuditPack() packed. */
void
BaAuditUnpack(const char *packed, BaAudit *audit)
{
	const char *at = packed;
	const char *detail;

	memset(audit, 0, sizeof(*audit));
	audit->action = UnpackText(&at);
	audit->outcome = UnpackText(&at);
	audit->company_id = UnpackUuid(&at);
	audit->company_code = UnpackText(&at);
	audit->user_id = UnpackUuid(&at);
	audit->username = UnpackText(&at);
	audit->person_id = UnpackUuid(&at);
	audit->person = UnpackText(&at);
	audit->service_id = UnpackUuid(&at);
	audit->service_code = UnpackText(&at);
	audit->session_id = UnpackUuid(&at);
	audit->emergency_id = UnpackUuid(&at);
	audit->db_role = UnpackText(&at);
	audit->client_addr = UnpackText(&at);
	audit->peer_addr = UnpackText(&at);
	audit->application_name = UnpackText(&at);
	audit->object_type = UnpackText(&at);
	audit->object_id = UnpackText(&at);
	detail = UnpackText(&at);
	if (detail != NULL)
		audit->detail =
			DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(detail)));
}

void
BaAuditWritePacked(const char *packed)
{
	BaAudit audit;

	BaAuditUnpack(packed, &audit);
	BaAuditWrite(&audit);
}

static void
HandleAudit(const char *payload, int length, char *reply)
{
	BaAuditWritePacked(payload);
}

void
BaAuditDurableInit(void)
{
	BaWriterRegister(BA_WRITER_AUDIT, HandleAudit);
}
