/* slot.h: how many passwords are hashed at once. */
#ifndef BESTAUTH_SLOT_H
#define BESTAUTH_SLOT_H

extern int BaSlotTake(void);
extern void BaSlotGive(int slot);

#endif /* BESTAUTH_SLOT_H */
