/* inval.h: how every backend forgets what it cached. */
#ifndef BESTAUTH_INVAL_H
#define BESTAUTH_INVAL_H

/* What a message is about: one of many sessions changes often, and tells of no user. */
typedef enum BaChannel
{
	BA_CHANNEL_AUTHORITY, /* users, companies, roles, and what they hold */
	BA_CHANNEL_SESSION,   /* sessions: where they are, and that they ended */
	BA_CHANNELS
} BaChannel;

extern void BaInvalInit(void);
extern uint64 BaInvalGeneration(BaChannel about);
extern void BaInvalSend(BaChannel about);

#endif /* BESTAUTH_INVAL_H */
