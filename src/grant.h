/* grant.h: which database role may call what. */
#ifndef BESTAUTH_GRANT_H
#define BESTAUTH_GRANT_H

extern void BaGrantApplyAll(void);

#endif /* BESTAUTH_GRANT_H */
