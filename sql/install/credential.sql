CREATE TABLE bestauth.credential (
	user_id       uuid PRIMARY KEY,
	password_hash text COLLATE "C",
	pepper_id     text COLLATE "C",
	changed_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
	expires_at    timestamptz,
	must_change   boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE bestauth.credential IS
'Password hashes: bcrypt by pgcrypto over a pre-hash, see docs/passwords.md. Row security without a policy: nobody but the owner''s functions reads it [L-10].';
COMMENT ON COLUMN bestauth.credential.expires_at IS 'Of a temporary password: when it stops working.';
ALTER TABLE bestauth.credential ALTER password_hash SET STATISTICS 0;
SELECT pg_catalog.pg_extension_config_dump('bestauth.credential', '');

-- Written by the writer outside the caller's transaction alone, so no foreign
-- key: a caller that holds the user's row must not make it wait.
CREATE TABLE bestauth.login_counter (
	subject      bytea PRIMARY KEY,
	failed       integer NOT NULL DEFAULT 0,
	admitted     boolean NOT NULL DEFAULT true,
	last_at      timestamptz NOT NULL,
	locked_at    timestamptz,
	locked_until timestamptz
) WITH (fillfactor = 70);
COMMENT ON TABLE bestauth.login_counter IS
'Charged guesses since the last right one, and the lock that they led to; a right password removes the row. Not audited row by row: it is bookkeeping; logins and locks have audit rows of their own.';
COMMENT ON COLUMN bestauth.login_counter.admitted IS 'Whether the guess that was charged last may be looked at.';
COMMENT ON COLUMN bestauth.login_counter.subject IS
'u and a user''s uuid, c and a challenge''s, b and a digest of a name that nobody has; old ones of the last two kinds are swept''s; for unknown names b and one of a fixed number of buckets, so that a flood of names fills no disk.';
SELECT pg_catalog.pg_extension_config_dump('bestauth.login_counter', '');

CREATE FUNCTION bestauth.set_password(token text, new_password text, answers text[] DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME', 'bestauth_set_password' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.set_password(text, text, text[]) IS
'Sets the password that a token allows to set: of a set-up link, a reset, or a forced change. The token is used up; all sessions of the user end.
Parameters: token: from the link, or login''s challenge_token after password_change_required; new_password: bestauth.password_min_length (15) characters or more, at most 1024 bytes; answers: to security questions, not used yet.
Returns: accepted; expired, when the token is too old; invalid, when it is used, replaced or unknown.
Raises: UA001 the policy refuses the password, reasons in DETAIL, the token stays good; 22023; 55000 instance closed.
Rules: [IBS-5] [E-04].';

CREATE FUNCTION bestauth.reset_password(username text, company text DEFAULT NULL, portal text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME', 'bestauth_reset_password' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.reset_password(text, text, text) IS
'Gives a user a temporary password, which works for bestauth.setup_link_lifetime (24 hours) and must be changed at the next login; ends the user''s sessions. A key gets a new password that stays. A lock is not undone. Takes manage_users, or the operator.
Parameters: username; company, portal: for the operator.
Returns: the password, this once.
Raises: P0002 no such user (42501 in a session); 42501 in a session for a user who holds more than the caller; 28000; 55000.
Rules: [PRV-13] [TPB-9].';
