/* purge.h: removing what is over. */
#ifndef BESTAUTH_PURGE_H
#define BESTAUTH_PURGE_H

extern bool BaPurgeIsRunning(void);

#endif /* BESTAUTH_PURGE_H */
