/* registration_state.h: the states of a registration, and the ways between them. */
#ifndef BESTAUTH_REGISTRATION_STATE_H
#define BESTAUTH_REGISTRATION_STATE_H

#define BA_EMAIL_INT "EMAIL-INT"
#define BA_EMAIL_SUCCESS "EMAIL-SUCCESS"
#define BA_INVALIDATED "INVALIDATED"
#define BA_AUTO_APPROVED "AUTO-APPROVED"
#define BA_PENDING_TIN "PENDING-PROV-ADMIN-REVIEW"
#define BA_PENDING_INDIVIDUAL "PENDING-ADMIN-REVIEW"
#define BA_APPROVED_TIN "MANUAL-PROV-ADMIN-APPROVED"
#define BA_APPROVED_INDIVIDUAL "MANUAL-ADMIN-APPROVED"
#define BA_DECLINED "DECLINED"

extern void BaRegistrationStatusRequire(const char *status);
extern bool BaRegistrationMayGo(const char *from, const char *to);
extern const char *BaRegistrationApproved(const char *pending);

#endif /* BESTAUTH_REGISTRATION_STATE_H */
