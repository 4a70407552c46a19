/*
 * trigger_audit.c
 *	  The triggers that write every change of a row to the audit, whoever made it
 *	  and by whatever statement. While the instance is closed they write nothing:
 *	  a restore brings its own audit rows.
 *
 * They fire once a statement and get its rows as transition tables, so that the rows of
 * the audit are written as one batch.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

#include "audit.h"
#include "bestauth.h"
#include "claim_history.h"
#include "company.h"
#include "errors.h"
#include "instance.h"
#include "inval.h"
#include "purge.h"
#include "registration.h"
#include "row_change.h"
#include "signup.h"
#include "tuple.h"
#include "user.h"
#include "uuid.h"

PG_FUNCTION_INFO_V1(bestauth_audit_rows_tg);
PG_FUNCTION_INFO_V1(bestauth_audit_truncate_tg);

#define NOWHERE (-1)
#define MAX_NAMED 10000 /* companies remembered */

/* What is known of a table, by its trigger: kept until the table changes. */
typedef struct TablePlan
{
	Oid trigger; /* the key */
	Oid relation;
	bool valid;
	MemoryContext context;
	BaRowPlan *rows;
	/* columns by which a row's company is known, or NOWHERE */
	int company;
	int user;
	int signup;
	int registration;
	bool of_application;
} TablePlan;

/* Which rows of an update: those that stay in their company, or one half of the others. */
typedef enum Part
{
	STAYED,
	LEFT,
	CAME
} Part;

/* A statement's rows, and the row at hand. */
typedef struct Change
{
	TablePlan *plan;
	BaRowPlan *rows; /* the plan's, of the moment when the statement began */
	Tuplestorestate *old_rows;
	Tuplestorestate *new_rows;
	TupleTableSlot *old_row; /* NULL where there are none */
	TupleTableSlot *new_row;
	Part part;
	bool has_moved; /* some have left their company */
	BaAudit audit;
	BaAuditBatch *batch;   /* NULL before the first row that differs */
	MemoryContext context; /* of a row */
} Change;

static HTAB *plans = NULL;

/* ------------------------------------------------------------ what is kept */

/* May be called at any moment: marks alone. */
static void
ForgetTable(Datum arg, Oid relation)
{
	HASH_SEQ_STATUS all;
	TablePlan *plan;

	if (plans == NULL)
		return;
	hash_seq_init(&all, plans);
	while ((plan = hash_seq_search(&all)) != NULL)
		if (relation == InvalidOid || plan->relation == relation)
			plan->valid = false;
}

static void
MakePlans(void)
{
	HASHCTL control = {0};

	control.keysize = sizeof(Oid);
	control.entrysize = sizeof(TablePlan);
	control.hcxt = TopMemoryContext;
	plans = hash_create("bestauth audited tables", 64, &control,
						HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	CacheRegisterRelcacheCallback(ForgetTable, (Datum) 0);
}

static int
PlaceOf(TupleDesc tupdesc, const char *column)
{
	int i;

	for (i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(tupdesc, i);

		if (!att->attisdropped && att->atttypid == UUIDOID &&
			strcmp(NameStr(att->attname), column) == 0)
			return i;
	}
	return NOWHERE;
}

/* Of our own tables; of an application's, the column that it named. */
static void
FindCompanyColumns(TablePlan *plan, Relation relation, const Trigger *trigger)
{
	TupleDesc tupdesc = RelationGetDescr(relation);

	plan->company = plan->user = plan->signup = plan->registration = NOWHERE;
	plan->of_application = trigger->tgnargs > 3;
	if (plan->of_application)
	{
		plan->company = PlaceOf(tupdesc, trigger->tgargs[3]);
		return;
	}
	plan->company = PlaceOf(tupdesc, "company_id");
	plan->user = PlaceOf(tupdesc, "user_id");
	plan->signup = PlaceOf(tupdesc, "signup_id");
	plan->registration = PlaceOf(tupdesc, "registration_id");
}

/* Of a temporary table nobody is told who made it: it would be a way to write false rows. */
static void
RefuseTemporary(Relation relation)
{
	if (relation->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("temporary table \"%s\" cannot be under audit",
							   RelationGetRelationName(relation)),
						BaErrRule("AUD-5")));
}

/* Rows of our own tables name their company in other ways as well. */
static void
CheckTable(Relation relation, const Trigger *trigger)
{
	RefuseTemporary(relation);
	if (trigger->tgnargs == 3 &&
		RelationGetNamespace(relation) != get_namespace_oid(BA_SCHEMA, false))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger function \"%s\" needs four arguments on table \"%s\"",
						"audit_rows_tg", RelationGetRelationName(relation)),
				 errhint("Call bestauth.audit_table().")));
}

static void
FillPlan(TablePlan *plan, Relation relation, const Trigger *trigger)
{
	MemoryContext old;

	CheckTable(relation, trigger);
	plan->relation = RelationGetRelid(relation);
	plan->context = AllocSetContextCreate(CacheMemoryContext, "bestauth audited table",
										  ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(plan->context);
	plan->rows = BaRowPlanMake(RelationGetDescr(relation), trigger->tgargs[0],
							   trigger->tgargs[1], trigger->tgargs[2]);
	MemoryContextSwitchTo(old);
	FindCompanyColumns(plan, relation, trigger);
	plan->valid = true;
}

/* A plan that was made before may be in use still, further out: it goes with the transaction. */
static TablePlan *
FindPlan(Relation relation, const Trigger *trigger)
{
	TablePlan *plan;
	bool found;

	if (plans == NULL)
		MakePlans();
	plan = hash_search(plans, &trigger->tgoid, HASH_ENTER, &found);
	if (!found)
		memset((char *) plan + sizeof(Oid), 0, sizeof(TablePlan) - sizeof(Oid));
	if (plan->valid)
		return plan;
	if (plan->context != NULL)
		MemoryContextSetParent(plan->context, TopTransactionContext);
	plan->context = NULL;
	FillPlan(plan, relation, trigger);
	return plan;
}

/* ---------------------------------------------------------------- a row's company */

static bool
FindId(TupleTableSlot *row, int place, pg_uuid_t *id)
{
	bool isnull;
	Datum value;

	if (place == NOWHERE)
		return false;
	value = slot_getattr(row, place + 1, &isnull);
	if (!isnull)
		*id = *DatumGetUUIDP(value);
	return !isnull;
}

/* The company of a row: its own, or that of its user, sign-up or registration. */
static bool
FindCompanyId(const TablePlan *plan, TupleTableSlot *row, pg_uuid_t *id)
{
	BaUser user;
	BaSignup signup;
	BaRegistration registration;

	if (FindId(row, plan->company, id))
		return true;
	if (FindId(row, plan->user, id))
	{
		if (!BaUserLoad(id, &user))
			return false;
		*id = user.company_id;
		return true;
	}
	if (FindId(row, plan->signup, id))
	{
		if (!BaSignupLoad(id, &signup))
			return false;
		*id = signup.company_id;
		return true;
	}
	if (!FindId(row, plan->registration, id) || !BaRegistrationLoad(id, &registration))
		return false;
	*id = registration.company_id;
	return true;
}

/* A company that rows named, or what they named is none. */
typedef struct Named
{
	pg_uuid_t company_id; /* the key */
	bool known;
	char code[BA_MAX_CODE + 1];
} Named;

/* Kept until a company is made, or one that was made is undone: a code never changes. */
static HTAB *
NamedCompanies(void)
{
	static HTAB *named = NULL;
	static uint64 last_generation = 0;
	uint64 generation = BaInvalGeneration(BA_CHANNEL_AUTHORITY);
	HASHCTL control = {0};

	if (named != NULL && last_generation == generation &&
		hash_get_num_entries(named) < MAX_NAMED)
		return named;
	if (named != NULL)
		hash_destroy(named);
	named = NULL;
	control.keysize = sizeof(pg_uuid_t);
	control.entrysize = sizeof(Named);
	control.hcxt = CacheMemoryContext;
	named = hash_create("bestauth companies that rows named", 64, &control,
						HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	last_generation = generation;
	return named;
}

/* Loaded before it is kept: to load may fail, and may make what is kept anew. */
static const Named *
FindNamed(const pg_uuid_t *id)
{
	Named *named = hash_search(NamedCompanies(), id, HASH_FIND, NULL);
	BaCompany company;
	bool known;

	if (named != NULL)
		return named;
	known = BaCompanyLoad(id, &company);
	named = hash_search(NamedCompanies(), id, HASH_ENTER, NULL);
	named->known = known;
	strlcpy(named->code, known ? company.code : "", sizeof(named->code));
	return named;
}

/* It comes before the caller's. */
static void
FillCompany(const TablePlan *plan, TupleTableSlot *row, BaAudit *audit)
{
	const Named *named;
	pg_uuid_t id;

	if (!FindCompanyId(plan, row, &id))
		return;
	named = FindNamed(&id);
	if (!named->known)
		return;
	audit->company_id = memcpy(palloc(sizeof(pg_uuid_t)), &id, sizeof(pg_uuid_t));
	audit->company_code = pstrdup(named->code);
}

/* ------------------------------------------------------------------- the rows */

/* A read pointer of our own: another trigger may be reading them as well. */
static TupleTableSlot *
OpenRows(Tuplestorestate *rows, TupleDesc tupdesc, int *pointer)
{
	if (rows == NULL)
		return NULL;
	*pointer = tuplestore_alloc_read_pointer(rows, EXEC_FLAG_REWIND);
	tuplestore_select_read_pointer(rows, *pointer);
	tuplestore_rescan(rows);
	return MakeSingleTupleTableSlot(tupdesc, &TTSOpsMinimalTuple);
}

/* The old rows of an update come in the order of the new ones. */
static bool
NextRow(Tuplestorestate *rows, int pointer, TupleTableSlot *row)
{
	if (row == NULL)
		return false;
	tuplestore_select_read_pointer(rows, pointer);
	return tuplestore_gettupleslot(rows, true, false, row);
}

/* An application's row that is another company's than before, or nobody's. */
static bool
HasMoved(const Change *change)
{
	pg_uuid_t old_id, new_id;

	if (!change->plan->of_application || change->old_row == NULL ||
		change->new_row == NULL ||
		!FindId(change->old_row, change->plan->company, &old_id))
		return false;
	return !FindId(change->new_row, change->plan->company, &new_id) ||
		   memcmp(&old_id, &new_id, sizeof(pg_uuid_t)) != 0;
}

static void
WriteRow(Change *change)
{
	TupleTableSlot *old_row = change->part == CAME ? NULL : change->old_row;
	TupleTableSlot *new_row = change->part == LEFT ? NULL : change->new_row;
	TupleTableSlot *latest = new_row ? new_row : old_row;
	BaAudit row = change->audit;
	bool moved = HasMoved(change);

	change->has_moved |= moved;
	if (moved != (change->part != STAYED) ||
		!BaRowChange(change->rows, old_row, new_row, &row.old_values, &row.new_values))
		return;
	FillCompany(change->plan, latest, &row);
	row.object_id = BaRowKey(change->rows, latest);
	if (change->batch == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(change));

		change->batch = BaAuditBatchStart(&change->audit);
		MemoryContextSwitchTo(old);
	}
	BaAuditBatchAdd(change->batch, &row);
}

static void
WriteRows(Change *change, TupleDesc tupdesc)
{
	int old_pointer = 0, new_pointer = 0;

	change->old_row = OpenRows(change->old_rows, tupdesc, &old_pointer);
	change->new_row = OpenRows(change->new_rows, tupdesc, &new_pointer);
	for (;;)
	{
		bool old_found = NextRow(change->old_rows, old_pointer, change->old_row);
		bool new_found = NextRow(change->new_rows, new_pointer, change->new_row);
		MemoryContext caller;

		if (!old_found && !new_found)
			break;
		caller = MemoryContextSwitchTo(change->context);
		WriteRow(change);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(change->context);
	}
	if (change->old_row != NULL)
		ExecDropSingleTupleTableSlot(change->old_row);
	if (change->new_row != NULL)
		ExecDropSingleTupleTableSlot(change->new_row);
}

static void
WriteBatch(Change *change, const char *action, Tuplestorestate *old_rows,
		   Tuplestorestate *new_rows, Relation relation)
{
	change->old_rows = old_rows;
	change->new_rows = new_rows;
	change->batch = NULL;
	BaAuditStart(&change->audit, action);
	change->audit.object_type = BaTableName(RelationGetRelid(relation));
	WriteRows(change, RelationGetDescr(relation));
	if (change->batch != NULL)
		BaAuditBatchFinish(change->batch);
}

/*
 * A row that goes from one company to another is deleted in the one and inserted in the
 * other: neither is told what it was, or became, elsewhere.
 */
static void
WriteUpdate(Change *change, Tuplestorestate *old_rows, Tuplestorestate *new_rows,
			Relation relation)
{
	WriteBatch(change, "row.updated", old_rows, new_rows, relation);
	if (!change->has_moved)
		return;
	change->part = LEFT;
	WriteBatch(change, "row.deleted", old_rows, new_rows, relation);
	change->part = CAME;
	WriteBatch(change, "row.inserted", old_rows, new_rows, relation);
}

/*
 * Of an update that moves rows to another partition, a new row is missing where a trigger of
 * the partition refused it. Which old one it belonged to is not known then, so that all old
 * rows are told as gone, and the new ones as new.
 */
static void
WriteChange(Change *change, TriggerData *trigger)
{
	TriggerEvent event = trigger->tg_event;
	Tuplestorestate *old_rows = trigger->tg_oldtable;
	Tuplestorestate *new_rows = trigger->tg_newtable;
	Relation relation = trigger->tg_relation;

	if (TRIGGER_FIRED_BY_UPDATE(event) &&
		tuplestore_tuple_count(old_rows) == tuplestore_tuple_count(new_rows))
	{
		WriteUpdate(change, old_rows, new_rows, relation);
		return;
	}
	if (old_rows != NULL)
		WriteBatch(change, "row.deleted", old_rows, NULL, relation);
	if (new_rows != NULL)
		WriteBatch(change, "row.inserted", NULL, new_rows, relation);
}

static bool
HasTables(const TriggerData *trigger)
{
	TriggerEvent event = trigger->tg_event;

	return (TRIGGER_FIRED_BY_INSERT(event) || trigger->tg_oldtable != NULL) &&
		   (TRIGGER_FIRED_BY_DELETE(event) || trigger->tg_newtable != NULL);
}

Datum
bestauth_audit_rows_tg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = BaTriggerCheck(fcinfo, "audit_rows_tg", false);
	Change *change;
	int level;

	if (trigger->tg_trigger->tgnargs < 3 || !HasTables(trigger))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("trigger function \"%s\" needs transition tables and three"
							   " arguments",
							   "audit_rows_tg")));
	if (BaInstanceIsRestoring() || BaPurgeIsRunning() || BaClaimHistoryIsWriting())
		return PointerGetDatum(NULL);
	change = palloc0(sizeof(Change));
	change->plan = FindPlan(trigger->tg_relation, trigger->tg_trigger);
	change->rows = change->plan->rows;
	change->context = AllocSetContextCreate(CurrentMemoryContext, "bestauth audited row",
											ALLOCSET_DEFAULT_SIZES);
	level = BaRowPlanBegin(change->rows);
	WriteChange(change, trigger);
	BaRowPlanEnd(level);
	MemoryContextDelete(change->context);
	return PointerGetDatum(NULL);
}

Datum
bestauth_audit_truncate_tg(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = BaTriggerCheck(fcinfo, "audit_truncate_tg", false);
	BaAudit audit;

	if (!TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("trigger function \"%s\" is fired by TRUNCATE alone",
							   "audit_truncate_tg")));
	RefuseTemporary(trigger->tg_relation);
	if (BaInstanceIsRestoring())
		return PointerGetDatum(NULL);
	BaAuditStart(&audit, "table.truncated");
	audit.object_type = BaTableName(RelationGetRelid(trigger->tg_relation));
	BaAuditWrite(&audit);
	return PointerGetDatum(NULL);
}
