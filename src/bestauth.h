/*
 * bestauth.h
 *	  Names and limits that every floor goes by.
 */
#ifndef BESTAUTH_H
#define BESTAUTH_H

#define BA_SCHEMA "bestauth"
#define BA_OWNER "bestauth_owner"

/* Limits of arguments, in bytes unless said otherwise. */
#define BA_MAX_NAME 100 /* names of people and roles, in characters */
#define BA_MAX_CODE 63
#define BA_MAX_USERNAME 128
#define BA_MAX_EMAIL 254
#define BA_MAX_PASSWORD 1024
#define BA_MAX_URL 500
#define BA_MAX_IDENTIFIER 50 /* of an office, a claim */
#define BA_MAX_REASON 500    /* in characters, like the least */
#define BA_MIN_REASON 10
#define BA_MAX_CLIENT_TEXT 200 /* address and description of a client */
#define BA_MAX_LIST 10000      /* elements of an array argument */

/* Permissions that C code goes by; the table permission has them all. */
#define BA_PERM_MANAGE_USERS "manage_users"
#define BA_PERM_MANAGE_ROLES "manage_roles"
#define BA_PERM_MY_ACCOUNT "my_account"
#define BA_PERM_AUDIT_REPORT "audit_report"
#define BA_PERM_WEB_PORTAL "web_portal" /* given by name alone */
#define BA_PERM_MANAGE_CONTACTS "manage_contacts"
#define BA_PERM_MANAGE_PAYERS "manage_payers"
#define BA_PERM_MANAGE_FACILITIES "manage_facilities"
#define BA_PERM_CLAIMS "claims"
#define BA_PERM_MANAGE_PORTAL_USERS "manage_portal_users" /* of an office */
#define BA_PERM_EMERGENCY_ACCESS "emergency_access"

#endif /* BESTAUTH_H */
