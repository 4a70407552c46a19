/*
 * registration_state.c
 *	  The states of a registration, and the ways between them: the one table that
 *	  functions and the trigger go by [PRV-10]. A state that no way leads out of is
 *	  final.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "errors.h"
#include "registration_state.h"

PG_FUNCTION_INFO_V1(bestauth_registration_transitions);

static const struct
{
	const char *from; /* NULL: a new row */
	const char *to;
	const char *made_by;
} transitions[] = {
	{NULL, BA_EMAIL_INT, "inviter"},
	{BA_EMAIL_INT, BA_EMAIL_SUCCESS, "invitee, accepting"},
	{BA_EMAIL_INT, BA_INVALIDATED, "expiry, revocation, replacement"},
	{NULL, BA_INVALIDATED, "incomplete submission"},
	{NULL, BA_AUTO_APPROVED, "matching security answers"},
	{NULL, BA_PENDING_TIN, "complete submission, TIN level"},
	{NULL, BA_PENDING_INDIVIDUAL, "complete submission, individual level"},
	{BA_PENDING_TIN, BA_APPROVED_TIN, "decider"},
	{BA_PENDING_TIN, BA_DECLINED, "decider"},
	{BA_PENDING_INDIVIDUAL, BA_APPROVED_INDIVIDUAL, "decider"},
	{BA_PENDING_INDIVIDUAL, BA_DECLINED, "decider"},
};

static bool
IsSame(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

void
BaRegistrationStatusRequire(const char *status)
{
	int i;

	for (i = 0; i < lengthof(transitions); i++)
		if (strcmp(transitions[i].to, status) == 0)
			return;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("registration status \"%s\" is not known", status),
					errhint("bestauth.registration_transitions() lists them."),
					BaErrRule("PRV-10")));
}

/* From NULL: may a new row have this state? */
bool
BaRegistrationMayGo(const char *from, const char *to)
{
	int i;

	for (i = 0; i < lengthof(transitions); i++)
		if (IsSame(transitions[i].from, from) && strcmp(transitions[i].to, to) == 0)
			return true;
	return false;
}

/* What a request that waits becomes by a decider's yes; NULL: it does not wait. */
const char *
BaRegistrationApproved(const char *pending)
{
	return strcmp(pending, BA_PENDING_TIN) == 0        ? BA_APPROVED_TIN :
		   strcmp(pending, BA_PENDING_INDIVIDUAL) == 0 ? BA_APPROVED_INDIVIDUAL :
														 NULL;
}

Datum
bestauth_registration_transitions(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result;
	int i;

	InitMaterializedSRF(fcinfo, 0);
	result = (ReturnSetInfo *) fcinfo->resultinfo;
	for (i = 0; i < lengthof(transitions); i++)
	{
		bool nulls[3] = {transitions[i].from == NULL, false, false};
		Datum values[3] = {0};

		if (!nulls[0])
			values[0] = CStringGetTextDatum(transitions[i].from);
		values[1] = CStringGetTextDatum(transitions[i].to);
		values[2] = CStringGetTextDatum(transitions[i].made_by);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
