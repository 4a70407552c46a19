/* seal.h: putting what is over under the chain. */
#ifndef BESTAUTH_SEAL_H
#define BESTAUTH_SEAL_H

extern int64 BaSealRun(void);

#endif /* BESTAUTH_SEAL_H */
