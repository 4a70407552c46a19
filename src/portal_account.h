/* portal_account.h: accounts of clients. */
#ifndef BESTAUTH_PORTAL_ACCOUNT_H
#define BESTAUTH_PORTAL_ACCOUNT_H

#include "contact.h"
#include "user.h"

extern void BaPortalOpen(FunctionCallInfo fcinfo, const char *kind, BaCompany *company,
						 BaPortal *portal);
extern bool BaPortalAccountMake(const BaPortal *portal, const BaContact *contact,
								bool verified, BaUser *user);

#endif /* BESTAUTH_PORTAL_ACCOUNT_H */
