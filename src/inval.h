/* inval.h: how every backend forgets what it cached. */
#ifndef BESTAUTH_INVAL_H
#define BESTAUTH_INVAL_H

extern void BaInvalInit(void);
extern uint64 BaInvalGeneration(void);
extern void BaInvalSend(void);

#endif /* BESTAUTH_INVAL_H */
