/* session_use.h: the session of a transaction. */
#ifndef BESTAUTH_SESSION_USE_H
#define BESTAUTH_SESSION_USE_H

extern void BaSessionUseInit(void);

#endif /* BESTAUTH_SESSION_USE_H */
