/* support.h: what the planner is told of the predicates of policies. */
#ifndef BESTAUTH_SUPPORT_H
#define BESTAUTH_SUPPORT_H

extern void BaSupportFollow(int companies);

#endif /* BESTAUTH_SUPPORT_H */
