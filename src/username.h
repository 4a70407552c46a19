/* username.h: what may be a user name, and what an e-mail address. */
#ifndef BESTAUTH_USERNAME_H
#define BESTAUTH_USERNAME_H

extern const char *BaUsernameOrNull(const char *typed);
extern void BaUsernameRequire(const char *username);
extern void BaEmailRequire(const char *email);

#endif /* BESTAUTH_USERNAME_H */
