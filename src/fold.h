/* fold.h: refusals that come by the thousand, counted instead of written. */
#ifndef BESTAUTH_FOLD_H
#define BESTAUTH_FOLD_H

#include "audit.h"

extern void BaFoldInit(void);
extern void BaFoldOnSweep(void (*handler)(void));
extern void BaFoldSweep(void);
extern void BaFoldPack(StringInfo to, const BaAudit *audit, const char *key);
extern void BaFoldHandle(const char *packed);
extern void BaAuditWriteFolded(const BaAudit *audit, const char *key);

#endif /* BESTAUTH_FOLD_H */
