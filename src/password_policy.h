/* password_policy.h: which new passwords are refused. */
#ifndef BESTAUTH_PASSWORD_POLICY_H
#define BESTAUTH_PASSWORD_POLICY_H

#include "user.h"

extern void BaPasswordPolicyRequire(const char *password, const BaCompany *company,
									const BaUser *user);
extern void BaBlockedPasswordRule(BaRowEvent *event, bool restoring);

#endif /* BESTAUTH_PASSWORD_POLICY_H */
