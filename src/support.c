/*
 * support.c
 *	  What the planner is told of can_access_company() and can_access_provider(), so
 *	  that a policy written with them alone uses the table's indexes.
 *
 * To an index on the column it is offered "column = ANY (accessible_company_ids())",
 * which is exact; a row that was found otherwise is asked by the function, which looks
 * into a hash table. The estimate is that of the session that plans. A plan that is
 * kept may be used by sessions of any size: it is made anew when theirs is of another
 * magnitude.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/pg_am.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "nodes/pathnodes.h"
#include "nodes/supportnodes.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parse_func.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"
#include "utils/syscache.h"

#include "bestauth.h"
#include "compat.h"
#include "context.h"
#include "support.h"

PG_FUNCTION_INFO_V1(bestauth_can_access_company_support);
PG_FUNCTION_INFO_V1(bestauth_can_access_provider_support);

#define FEW 100 /* members of a set */
#define MANY 1000
#define WORTHWHILE 0.75
#define WORTHWHILE_OF_MANY 0.05

/* A predicate: the function that gives its set to SQL, and the set itself. */
typedef struct Predicate
{
	const char *array_function;
	const BaIdSet *set; /* NULL without a session */
} Predicate;

/* The function of ours by this name that takes so many uuids: none, or one. */
static Oid
FindFunction(const char *name, int arguments)
{
	Oid type = UUIDOID;

	return LookupFuncName(list_make2(makeString(BA_SCHEMA), makeString(pstrdup(name))),
						  arguments, &type, true);
}

/* ------------------------------------------------------------------ an estimate */

/* How many of a column's rows have one of the most common values, and one in the set. */
static void
CountCommon(VariableStatData *column, const BaIdSet *set, double *common, double *in_set,
			int *values, int *values_in_set)
{
	AttStatsSlot slot;
	int i;

	*common = *in_set = 0;
	*values = *values_in_set = 0;
	if (!get_attstatsslot(&slot, column->statsTuple, STATISTIC_KIND_MCV, InvalidOid,
						  ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS))
		return;
	for (i = 0; i < slot.nvalues; i++)
	{
		*common += slot.numbers[i];
		if (!BaIdSetHas(set, DatumGetUUIDP(slot.values[i])))
			continue;
		*in_set += slot.numbers[i];
		(*values_in_set)++;
	}
	*values = slot.nvalues;
	free_attstatsslot(&slot);
}

/*
 * What the query itself asks the column to be equal to, or NULL. Beside that the predicate
 * admits all rows or none, and an index needs no more.
 */
static Node *
FindEqual(const RelOptInfo *rel, Node *column)
{
	ListCell *cell;

	if (rel == NULL)
		return NULL;
	foreach (cell, rel->baserestrictinfo)
	{
		OpExpr *clause = (OpExpr *) lfirst_node(RestrictInfo, cell)->clause;
		Node *left, *right;

		if (!IsA(clause, OpExpr) || get_opcode(clause->opno) != F_UUID_EQ)
			continue;
		left = linitial(clause->args);
		right = lsecond(clause->args);
		if (equal(left, column) && is_pseudo_constant_clause(right))
			return right;
		if (equal(right, column) && is_pseudo_constant_clause(left))
			return left;
	}
	return NULL;
}

/* A parameter is taken to be: nobody asks for what they can't have. */
static bool
IsInSet(const Node *value, const BaIdSet *set)
{
	const Const *constant = (const Const *) value;

	return !IsA(value, Const) || set == NULL ||
		   (!constant->constisnull &&
			BaIdSetHas(set, DatumGetUUIDP(constant->constvalue)));
}

/* The part of a column's rows that a set admits. */
static double
EstimatePart(VariableStatData *column, const BaIdSet *set)
{
	bool is_default;
	double distinct = get_variable_numdistinct(column, &is_default);
	double nulls = 0, common = 0, in_set = 0;
	int values = 0, values_in_set = 0;

	if (HeapTupleIsValid(column->statsTuple))
	{
		nulls = ((Form_pg_statistic) GETSTRUCT(column->statsTuple))->stanullfrac;
		/* uuid_eq tells nobody anything, so what is hidden may be counted here. */
		if (statistic_proc_security_check(column, F_UUID_EQ))
			CountCommon(column, set, &common, &in_set, &values, &values_in_set);
	}
	if (distinct > values)
		in_set += (1 - nulls - common) *
				  Min((set->count - values_in_set) / (distinct - values), 1.0);
	return in_set;
}

/* ---------------------------------------------------------- an index condition */

static Node *
OfferCondition(const SupportRequestIndexCondition *request, const Predicate *predicate)
{
	Oid equality =
		get_opfamily_member(request->opfamily, UUIDOID, UUIDOID, BTEqualStrategyNumber);
	Oid function = FindFunction(predicate->array_function, 0);
	ScalarArrayOpExpr *condition = makeNode(ScalarArrayOpExpr);

	if (!OidIsValid(equality) || !OidIsValid(function))
		return NULL;
	condition->opno = equality;
	condition->opfuncid = get_opcode(equality);
	condition->useOr = true;
	condition->args = list_make2(linitial(castNode(FuncExpr, request->node)->args),
								 makeFuncExpr(function, UUIDARRAYOID, NIL, InvalidOid,
											  InvalidOid, COERCE_EXPLICIT_CALL));
	condition->location = -1;
	return (Node *) list_make1(condition);
}

/*
 * The planner compares what it costs, but to plan takes a microsecond for each member: of
 * more than a few it is not worth that for nearly all rows, nor of very many where it
 * can't save much.
 */
static bool
IsWorthwhile(const SupportRequestIndexCondition *request, const BaIdSet *set)
{
	VariableStatData column;
	double part;

	if (set == NULL || set->count <= FEW)
		return true;
	examine_variable(request->root, linitial(castNode(FuncExpr, request->node)->args), 0,
					 &column);
	part = EstimatePart(&column, set);
	ReleaseVariableStats(column);
	return part < (set->count > MANY ? WORTHWHILE_OF_MANY : WORTHWHILE);
}

/* Of the clause as it stands, on the first argument, for an index that takes arrays. */
static Node *
IndexCondition(SupportRequestIndexCondition *request, const Predicate *predicate)
{
	Node *value;

	if (!IsA(request->node, FuncExpr) || request->indexarg != 0 ||
		request->index->relam != BTREE_AM_OID || !BaArrayKeepsOrder(request->indexcol))
		return NULL;
	value = FindEqual(request->index->rel, linitial(((FuncExpr *) request->node)->args));
	if (value != NULL ? IsInSet(value, predicate->set) :
						!IsWorthwhile(request, predicate->set))
		return NULL;
	request->lossy = false;
	return OfferCondition(request, predicate);
}

/* --------------------------------------------------------------------- answering */

static Node *
Estimate(SupportRequestSelectivity *request, const Predicate *predicate)
{
	VariableStatData column;
	Node *value;

	if (request->is_join || predicate->set == NULL)
		return NULL;
	examine_variable(request->root, linitial(request->args), request->varRelid, &column);
	value = FindEqual(column.rel, linitial(request->args));
	request->selectivity = value == NULL ? EstimatePart(&column, predicate->set) :
										   IsInSet(value, predicate->set);
	ReleaseVariableStats(column);
	CLAMP_PROBABILITY(request->selectivity);
	return (Node *) request;
}

static Node *
Support(Node *request, const Predicate *predicate)
{
	if (IsA(request, SupportRequestIndexCondition))
		return IndexCondition((SupportRequestIndexCondition *) request, predicate);
	if (IsA(request, SupportRequestSelectivity))
		return Estimate((SupportRequestSelectivity *) request, predicate);
	return NULL;
}

Datum
bestauth_can_access_company_support(PG_FUNCTION_ARGS)
{
	Predicate predicate = {"accessible_company_ids", BaContextCompanies()};

	PG_RETURN_POINTER(Support((Node *) PG_GETARG_POINTER(0), &predicate));
}

Datum
bestauth_can_access_provider_support(PG_FUNCTION_ARGS)
{
	Predicate predicate = {"visible_provider_ids", BaContextProviders()};

	PG_RETURN_POINTER(Support((Node *) PG_GETARG_POINTER(0), &predicate));
}

/* --------------------------------------------------------------- plans that stay */

static int
Magnitude(int count)
{
	int magnitude = 0;

	for (; count > 1; count /= 8)
		magnitude++;
	return magnitude;
}

static void
ForgetPlansOf(const char *function, int arguments)
{
	Oid oid = FindFunction(function, arguments);

	if (OidIsValid(oid))
		CallSyscacheCallbacks(PROCOID,
							  GetSysCacheHashValue1(PROCOID, ObjectIdGetDatum(oid)));
}

/*
 * A session begins whose user may enter so many companies: kept plans that were made
 * for another magnitude are made anew, by this backend, when they are used again.
 */
void
BaSupportFollow(int companies)
{
	static int followed = -1;
	int magnitude = Magnitude(companies);

	if (magnitude == followed)
		return;
	/* The first time as well: plans may have been made without a session. */
	ForgetPlansOf("can_access_company", 1);
	ForgetPlansOf("accessible_company_ids", 0);
	followed = magnitude;
}
