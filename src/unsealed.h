/* unsealed.h: which databases have audit rows that wait to be sealed. */
#ifndef BESTAUTH_UNSEALED_H
#define BESTAUTH_UNSEALED_H

#define BA_UNSEALED_DATABASES 1024

extern void BaUnsealedInit(void);
extern void BaUnsealedMark(Oid database);
extern void BaUnsealedForget(Oid database);
extern int BaUnsealedTake(Oid *databases, bool all);

#endif /* BESTAUTH_UNSEALED_H */
