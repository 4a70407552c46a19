/* instance.h: whether this instance is open. */
#ifndef BESTAUTH_INSTANCE_H
#define BESTAUTH_INSTANCE_H

extern bool BaInstanceIsOpen(void);
extern void BaInstanceRequireOpen(void);
extern bool BaInstanceIsRestoring(void);
extern bool BaInstanceNameIsValid(const char *name);
extern char *BaInstanceName(void);
extern int64 BaSystemId(void);

#endif /* BESTAUTH_INSTANCE_H */
