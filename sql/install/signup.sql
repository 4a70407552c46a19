CREATE TABLE bestauth.signup (
	signup_id     uuid PRIMARY KEY DEFAULT bestauth.uuidv7(),
	company_id    uuid NOT NULL,
	portal_id     uuid NOT NULL,
	email         text NOT NULL,
	first_name    text NOT NULL,
	last_name     text NOT NULL,
	password_hash text COLLATE "C",
	pepper_id     text COLLATE "C",
	created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
	expires_at    timestamptz NOT NULL,
	used_at       timestamptz
);
COMMENT ON TABLE bestauth.signup IS
'Portal accounts that were asked for on a portal''s own page, until the address is verified: written down whether or not the address has an account. Row security without a policy, for the hash [PRT-7] [L-10].';
-- One at a time: whoever asks again replaces what was asked before.
CREATE UNIQUE INDEX signup_email_key ON bestauth.signup (portal_id, lower(email COLLATE "C")) WHERE used_at IS NULL;
ALTER INDEX bestauth.signup_email_key ALTER COLUMN 2 SET STATISTICS 0;
ALTER TABLE bestauth.signup ALTER password_hash SET STATISTICS 0;
SELECT pg_catalog.pg_extension_config_dump('bestauth.signup', '');
