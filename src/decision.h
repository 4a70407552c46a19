/* decision.h: decisions on requests. */
#ifndef BESTAUTH_DECISION_H
#define BESTAUTH_DECISION_H

extern void BaDeclineReasonSeed(void);

#endif /* BESTAUTH_DECISION_H */
