/*
 * facility.c
 *	  Facilities: where a company's services are given.
 */
#include "postgres.h"

#include "fmgr.h"

#include "master_data.h"

PG_FUNCTION_INFO_V1(bestauth_create_facility);
PG_FUNCTION_INFO_V1(bestauth_update_facility);
PG_FUNCTION_INFO_V1(bestauth_delete_facility);
PG_FUNCTION_INFO_V1(bestauth_copy_facilities);
PG_FUNCTION_INFO_V1(bestauth_list_facilities);

static BaMasterData facility = BA_MASTER_DATA("facility", "facilities");

Datum
bestauth_create_facility(PG_FUNCTION_ARGS)
{
	return BaMasterDataCreate(fcinfo, &facility);
}

Datum
bestauth_update_facility(PG_FUNCTION_ARGS)
{
	return BaMasterDataUpdate(fcinfo, &facility);
}

Datum
bestauth_delete_facility(PG_FUNCTION_ARGS)
{
	return BaMasterDataDelete(fcinfo, &facility);
}

Datum
bestauth_copy_facilities(PG_FUNCTION_ARGS)
{
	return BaMasterDataCopy(fcinfo, &facility);
}

Datum
bestauth_list_facilities(PG_FUNCTION_ARGS)
{
	return BaMasterDataList(fcinfo, &facility);
}
