/* trigger_move.h: rows that MERGE moves to another partition. */
#ifndef BESTAUTH_TRIGGER_MOVE_H
#define BESTAUTH_TRIGGER_MOVE_H

extern void BaTriggerMoveInit(void);

#endif /* BESTAUTH_TRIGGER_MOVE_H */
