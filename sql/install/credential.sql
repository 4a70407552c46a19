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
'u and a user''s uuid, p and the uuids of a key and of a person who tries it in a session of their own, c and a challenge''s, b and a digest of a name that nobody has. Old ones of the last two kinds are swept, and of a flood of names only the newest stay.';
SELECT pg_catalog.pg_extension_config_dump('bestauth.login_counter', '');

CREATE FUNCTION bestauth.set_password(token text, new_password text, answers text[] DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME', 'bestauth_set_password' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.set_password(text, text, text[]) IS
'Sets the password that a token allows to set: of a set-up link, a reset, or a forced change. The token is used up; all sessions of the user end.
Parameters: token: from the link, or login''s challenge_token after password_change_required; new_password: as docs/passwords.md says; answers: of a reset by link, to the security questions of peek_password_link, in their order; wrong ones count like wrong passwords.
Returns: accepted; expired, when the token is too old; invalid, when it is used, replaced or unknown, or the answers are wrong.
Raises: UA001 the policy refuses the password, reasons in DETAIL, the token stays good; 22023; 25006 in a READ ONLY transaction; 53000 too many passwords are being hashed; 55000 instance closed.
Rules: [IBS-5] [PRV-18] [E-04].';

CREATE FUNCTION bestauth.reset_password(username text, company text DEFAULT NULL, portal text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME', 'bestauth_reset_password' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.reset_password(text, text, text) IS
'Gives a user a temporary password, which works for bestauth.setup_link_lifetime (24 hours) and must be changed at the next login; ends the user''s sessions. The e-mail address is sent a link by which a new one can be set instead; the password itself is never mailed. A key gets a new password that stays. A lock is not undone. Takes manage_users, or the operator; nobody resets their own.
Parameters: username; company, portal: for the operator.
Returns: the password, this once.
Raises: P0002 no such user (42501 in a session); 42501 in a session for a user who holds more than the caller; 28000; 55000.
Rules: [PRV-13] [TPB-9].';

CREATE FUNCTION bestauth.change_password(current_password text, new_password text) RETURNS text
	AS 'MODULE_PATHNAME', 'bestauth_change_password' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.change_password(text, text) IS
'Changes the password of the session''s own user. A wrong current password counts as a failed login. All sessions of the user end, this one with the transaction; the e-mail address is told. Staff need my_account.
Parameters: current_password; new_password: as docs/passwords.md says.
Returns: accepted; denied, when the current password is wrong or the account is locked after wrong ones.
Raises: UA001 the policy refuses the password, reasons in DETAIL; 42501 without my_account, or in a key''s session; 22023; 25006; 28000; 53000; 55000 instance closed.
Rules: [IBS-6] [G-04] [MCM-8].';

CREATE FUNCTION bestauth.request_password_reset(company text, username text, portal text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_request_password_reset' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.request_password_reset(text, text, text) IS
'Sends a link by which a user who forgot their password sets a new one, if there is such a user, who has an e-mail address and, of staff, my_account. Nothing else changes: no lock is made or undone. At most three links an hour.
Parameters: company: code; username; portal: code.
Returns: void, always the same; the audit knows.
Raises: 22023 NULL, too long or with control characters; 25006; 53000; 55000 instance closed.
Rules: [IBS-6] [C-09].';

CREATE FUNCTION bestauth.peek_password_link(token text, OUT outcome text, OUT username text,
	OUT questions text[], OUT expires_at timestamptz) RETURNS record
	AS 'MODULE_PATHNAME', 'bestauth_peek_password_link' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.peek_password_link(text) IS
'Tells what a link, or a demand for another password, is good for. Never writes, so a mail scanner can''t use it up.
Parameters: token.
Returns: outcome: valid, expired or invalid; of a valid one username, questions (whose answers set_password wants, NULL for none) and expires_at.
Raises: 22023 NULL; 55000 instance closed.
Rules: [E-13] [PRV-18].';
