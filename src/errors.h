/*
 * errors.h
 *	  The private SQLSTATEs, and how a rule puts its name on an error.
 *
 * Standard codes are used wherever a driver's user would look for them; a
 * private one stands here only where a client must branch. docs/errors.md
 * lists all.
 */
#ifndef BESTAUTH_ERRORS_H
#define BESTAUTH_ERRORS_H

/* UA0: passwords */
#define BA_ERRCODE_PASSWORD_REFUSED \
	MAKE_SQLSTATE('U', 'A', '0', '0', '1') /* the policy refuses a new password */

/* The rule that speaks, where a client and a test find it: CONSTRAINT NAME. */
#define BaErrRule(rule) err_generic_string(PG_DIAG_CONSTRAINT_NAME, (rule))

#endif /* BESTAUTH_ERRORS_H */
