/* claim_history.h: claims of offices, by which registration requests are checked. */
#ifndef BESTAUTH_CLAIM_HISTORY_H
#define BESTAUTH_CLAIM_HISTORY_H

#include "utils/date.h"

#include "provider.h"

/* Of what was answered to a security question. */
typedef enum BaAnswer
{
	BA_ANSWER_NONE, /* nothing */
	BA_ANSWER_MATCHED,
	BA_ANSWER_WRONG
} BaAnswer;

extern void BaClaimHistoryMatch(const pg_uuid_t *company_id, const char *identifier,
								const char *qualifier, const char *npi,
								const pg_uuid_t *office_id, const char *claim_number,
								bool has_birth_date, DateADT birth_date, BaAnswer *claim,
								BaAnswer *birth);
extern bool BaClaimHistoryIsWriting(void);
extern void BaHistoricalClaimRule(BaRowEvent *event, bool restoring);

#endif /* BESTAUTH_CLAIM_HISTORY_H */
