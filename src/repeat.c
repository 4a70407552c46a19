/*
 * repeat.c
 *	  One call that SQL evaluates several times: SELECT (login(...)).* calls the
 *	  function once a column. The same call under the same snapshot is the same
 *	  call, and gets the same answer.
 *
 * The answer is kept for the transaction; a call in the next statement is another
 * one, for remembering moves the command counter on.
 */
#include "postgres.h"

#include "access/xact.h"
#include "lib/stringinfo.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "repeat.h"

#define MAX_COMPARED 2048 /* bytes of an argument */

static struct
{
	LocalTransactionId transaction;
	CommandId command;
	uint8 digest[BA_DIGEST_LENGTH];
	Datum result; /* in TopTransactionContext */
} last;

static void
DigestCall(FunctionCallInfo fcinfo, uint8 *digest)
{
	StringInfoData call;
	Oid *types;
	int count, i;

	/* Of the function, not of the call: a fast-path call has no expression to ask. */
	(void) get_func_signature(fcinfo->flinfo->fn_oid, &types, &count);
	Assert(count == PG_NARGS());
	/* Big enough at once: growing would leave a copy behind. */
	initStringInfo(&call);
	enlargeStringInfo(&call, PG_NARGS() * (MAX_COMPARED + sizeof(int)) + sizeof(Oid));
	appendBinaryStringInfo(&call, (char *) &fcinfo->flinfo->fn_oid, sizeof(Oid));
	for (i = 0; i < PG_NARGS(); i++)
	{
		bool by_value = get_typbyval(types[i]);
		text *arg = PG_ARGISNULL(i) || by_value ? NULL : PG_GETARG_TEXT_PP(i);
		int length = arg == NULL ? -1 - PG_ARGISNULL(i) : VARSIZE_ANY_EXHDR(arg);

		/* Longer ones are refused alike, whatever they go on with. */
		appendBinaryStringInfo(&call, (char *) &length, sizeof(length));
		if (arg != NULL)
			appendBinaryStringInfo(&call, VARDATA_ANY(arg), Min(length, MAX_COMPARED));
		else if (!PG_ARGISNULL(i))
			appendBinaryStringInfo(&call, (char *) &PG_GETARG_DATUM(i), sizeof(Datum));
	}
	BaSha256(call.data, call.len, digest);
	explicit_bzero(call.data, call.len);
	pfree(call.data);
}

/* Was this very call answered in this statement? */
bool
BaRepeatFind(FunctionCallInfo fcinfo, BaRepeat *call)
{
	DigestCall(fcinfo, call->digest);
	if (last.transaction != BaProcLocalXid() ||
		last.command != GetActiveSnapshot()->curcid ||
		memcmp(last.digest, call->digest, BA_DIGEST_LENGTH) != 0)
		return false;
	call->result = datumCopy(last.result, false, -1);
	return true;
}

/* There are tokens in it. */
static void
Forget(void)
{
	struct varlena *result = (struct varlena *) DatumGetPointer(last.result);

	explicit_bzero(VARDATA_ANY(result), VARSIZE_ANY_EXHDR(result));
	pfree(result);
}

Datum
BaRepeatRemember(const BaRepeat *call, Datum result)
{
	MemoryContext old;
	Datum kept;

	/* Copied first: an error must leave the one before as it is. */
	old = MemoryContextSwitchTo(TopTransactionContext);
	kept = datumCopy(result, false, -1);
	MemoryContextSwitchTo(old);
	if (last.transaction == BaProcLocalXid())
		Forget();
	last.transaction = BaProcLocalXid();
	last.command = GetActiveSnapshot()->curcid;
	memcpy(last.digest, call->digest, BA_DIGEST_LENGTH);
	last.result = kept;

	/* The next statement is to see another command, and so another call. */
	(void) GetCurrentCommandId(true);
	CommandCounterIncrement();
	return result;
}
