/* usertype.h: what each type of user may and must. */
#ifndef BESTAUTH_USERTYPE_H
#define BESTAUTH_USERTYPE_H

typedef struct BaUserType
{
	const char *name;
	bool charged;
	bool logs_in_alone;
	bool needs_second_part;
	bool may_be_second_part;
	bool may_hold_permissions;
	bool holds_all_permissions;
	bool needs_billing_service;
	bool needs_email;
	bool needs_portal;       /* of the kind that has the type's name */
	bool needs_contact;      /* whose e-mail address is the user name [PRT-2] */
	bool needs_verification; /* of the address, before the first login [PRT-6] */
	bool needs_office;       /* is an office's, or one provider's of it [PRV-12] */
	bool needs_my_account;   /* for the own password [IBS-6] */
	bool by_assertion;       /* signs on elsewhere, and has no password here [B-09] */
	const char *reason;      /* why it is charged, or not */
} BaUserType;

extern const BaUserType *BaUserTypeRequire(const char *name);

#endif /* BESTAUTH_USERTYPE_H */
