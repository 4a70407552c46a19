/*
 * payer.c
 *	  Payers: who pays a company's claims.
 */
#include "postgres.h"

#include "fmgr.h"

#include "master_data.h"

PG_FUNCTION_INFO_V1(bestauth_create_payer);
PG_FUNCTION_INFO_V1(bestauth_update_payer);
PG_FUNCTION_INFO_V1(bestauth_delete_payer);
PG_FUNCTION_INFO_V1(bestauth_copy_payers);
PG_FUNCTION_INFO_V1(bestauth_list_payers);

static BaMasterData payer = BA_MASTER_DATA("payer", "payers");

Datum
bestauth_create_payer(PG_FUNCTION_ARGS)
{
	return BaMasterDataCreate(fcinfo, &payer);
}

Datum
bestauth_update_payer(PG_FUNCTION_ARGS)
{
	return BaMasterDataUpdate(fcinfo, &payer);
}

Datum
bestauth_delete_payer(PG_FUNCTION_ARGS)
{
	return BaMasterDataDelete(fcinfo, &payer);
}

Datum
bestauth_copy_payers(PG_FUNCTION_ARGS)
{
	return BaMasterDataCopy(fcinfo, &payer);
}

Datum
bestauth_list_payers(PG_FUNCTION_ARGS)
{
	return BaMasterDataList(fcinfo, &payer);
}
