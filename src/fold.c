/*
 * fold.c
 *	  Refusals of one kind that come by the thousand: the first of an hour are written
 *	  to the audit one by one, the others are counted, and the count is written each
 *	  time that it has doubled, and at the hour's end. So a flood of guesses fills
 *	  no disk, and the audit still says how many there were: a row stands for as
 *	  many as its detail's "folded" says.
 *
 * All of it happens in the writer, outside the caller's transaction.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "fold.h"
#include "json.h"
#include "query.h"
#include "writer.h"

#define FOLD_AFTER 100 /* rows of one kind in an hour */
#define MAX_KEY 200    /* bytes */

static BaQuery count_event = {
	.sql =
		"INSERT INTO bestauth.audit_fold AS f (key, action, company_id, company_code, user_id, username,"
		" db_role, object_type, object_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
		" ON CONFLICT (key) DO UPDATE SET seen = f.seen + 1, db_role = excluded.db_role,"
		" object_type = excluded.object_type, object_id = excluded.object_id RETURNING seen, folded",
};

static BaQuery set_folded = {
	.sql = "UPDATE bestauth.audit_fold SET folded = $2 WHERE key = $1",
};

/* Those whose hour is over; what another writer is at is left to it. */
static BaQuery take_over = {
	.sql =
		"DELETE FROM bestauth.audit_fold WHERE key IN (SELECT key FROM bestauth.audit_fold"
		" WHERE began_at <= clock_timestamp() - interval '1 hour' FOR UPDATE SKIP LOCKED)"
		" RETURNING action, company_id, company_code, user_id, username, folded, began_at, key,"
		" db_role, object_type, object_id",
};

/* The detail that the row has, and how many it stands for. */
static Jsonb *
WithCount(Jsonb *detail, int folded, TimestampTz since)
{
	BaJson json;
	Jsonb *count;

	BaJsonStart(&json);
	BaJsonDatum(&json, "folded", Int32GetDatum(folded), false, INT4OID);
	if (since != 0)
		BaJsonDatum(&json, "since", TimestampTzGetDatum(since), false, TIMESTAMPTZOID);
	count = BaJsonFinish(&json);
	if (detail == NULL)
		return count;
	return DatumGetJsonbP(
		DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(detail), JsonbPGetDatum(count)));
}

static void
WriteRest(const BaRow *row)
{
	BaAudit audit;
	BaJson kind;
	pg_uuid_t company_id, user_id;

	if (BaGetInt(row, 5) == 0)
		return;
	BaAuditStart(&audit, BaGetText(row, 0));
	audit.outcome = "denied";
	if (BaGetUuid(row, 1, &company_id))
		audit.company_id = &company_id;
	audit.company_code = BaGetText(row, 2);
	if (BaGetUuid(row, 3, &user_id))
		audit.user_id = &user_id;
	audit.username = BaGetText(row, 4);
	audit.db_role = BaGetText(row, 8);
	audit.object_type = BaGetText(row, 9);
	audit.object_id = BaGetText(row, 10);
	audit.application_name = NULL;
	BaJsonStart(&kind);
	BaJsonText(&kind, "kind", BaGetText(row, 7));
	audit.detail = WithCount(BaJsonFinish(&kind), BaGetInt(row, 5), BaGetTime(row, 6));
	BaAuditWrite(&audit);
}

/* What else is over and is to be written down, by whoever has it. */
static void (*on_sweep)(void) = NULL;

void
BaFoldOnSweep(void (*handler)(void))
{
	on_sweep = handler;
}

/* In the writer: the counts of hours that are over. */
void
BaFoldSweep(void)
{
	BaArgs args = {0};
	ListCell *cell;

	if (on_sweep != NULL)
		on_sweep();
	foreach (cell, BaQueryRows(&take_over, &args))
		WriteRest(lfirst(cell));
}

static bool
IsPowerOfTwo(int n)
{
	return n > 0 && (n & (n - 1)) == 0;
}

/* Counts the event and says for how many a row is to be written now; 0 for none. */
static int
Count(const char *key, const BaAudit *audit)
{
	BaArgs args = {0};
	BaRow row;
	int seen, folded;

	BaPutText(&args, key);
	BaPutText(&args, audit->action);
	BaPutUuid(&args, audit->company_id);
	BaPutText(&args, audit->company_code);
	BaPutUuid(&args, audit->user_id);
	BaPutText(&args, audit->username);
	BaPutText(&args, audit->db_role);
	BaPutText(&args, audit->object_type);
	BaPutText(&args, audit->object_id);
	(void) BaQueryRow(&count_event, &args, &row);
	seen = BaGetInt(&row, 0);
	if (seen <= FOLD_AFTER)
		return 1;
	folded = BaGetInt(&row, 1) + 1;
	memset(&args, 0, sizeof(args));
	BaPutText(&args, key);
	BaPutInt(&args, IsPowerOfTwo(seen) ? 0 : folded);
	(void) BaQueryExec(&set_folded, &args);
	return IsPowerOfTwo(seen) ? folded : 0;
}

/* In the writer: what BaFoldPack() packed. */
void
BaFoldHandle(const char *packed)
{
	const char *key = packed;
	BaAudit audit;
	int count;

	BaFoldSweep();
	BaAuditUnpack(packed + strlen(key) + 1, &audit);
	count = Count(key, &audit);
	if (count > 1)
		audit.detail = WithCount(audit.detail, count, 0);
	if (count > 0)
		BaAuditWrite(&audit);
	else
		BaAuditSkip(1); /* the numbers rise alike for every name */
}

static void
HandleFold(const char *payload, int length, char *reply)
{
	BaFoldHandle(payload);
}

void
BaFoldInit(void)
{
	BaWriterRegister(BA_WRITER_FOLD, HandleFold);
}

void
BaFoldPack(StringInfo to, const BaAudit *audit, const char *key)
{
	Assert(strlen(key) < MAX_KEY);
	appendBinaryStringInfo(to, key, strlen(key) + 1);
	BaAuditPack(to, audit);
}

/* In the caller: like BaAuditWriteDurably(), unless there were many with this key. */
void
BaAuditWriteFolded(const BaAudit *audit, const char *key)
{
	StringInfoData packed;
	char reply[BA_WRITER_REPLY];

	initStringInfo(&packed);
	BaFoldPack(&packed, audit, key);
	BaWriterCall(BA_WRITER_FOLD, packed.data, packed.len, reply);
	pfree(packed.data);
}
