CREATE TABLE bestauth.token (
	token_id        uuid PRIMARY KEY DEFAULT bestauth.uuidv7(),
	token_hash      bytea NOT NULL UNIQUE,
	purpose         text NOT NULL COLLATE "C",
	user_id         uuid,
	user_version    integer,
	signup_id       uuid,
	registration_id uuid,
	message_id      uuid,
	service_version integer,
	created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
	expires_at      timestamptz NOT NULL,
	used_at         timestamptz,
	superseded_at   timestamptz,
	CHECK (num_nonnulls(user_id, signup_id, registration_id) = 1 AND (user_id IS NULL) = (user_version IS NULL))
);
COMMENT ON TABLE bestauth.token IS
'One-time tokens of every purpose: 256 random bits each, of which only the SHA-256 is kept [E-02].';
COMMENT ON COLUMN bestauth.token.user_version IS 'The user''s version when it was made: a token of an older one is no good.';
COMMENT ON COLUMN bestauth.token.signup_id IS 'Of a sign-up, which has no user yet [PRT-7].';
COMMENT ON COLUMN bestauth.token.registration_id IS 'Of an invite, which has no user yet [PRV-2].';
COMMENT ON COLUMN bestauth.token.message_id IS
'The mail that it went out with; a mail that goes out twice has two tokens, and both work until one is used [I-03].';
ALTER TABLE bestauth.token ALTER token_hash SET STATISTICS 0;
CREATE INDEX token_signup_id_idx ON bestauth.token (signup_id) WHERE signup_id IS NOT NULL;
CREATE INDEX token_registration_id_idx ON bestauth.token (registration_id) WHERE registration_id IS NOT NULL;
CREATE INDEX token_expires_at_idx ON bestauth.token (expires_at);
CREATE INDEX token_user_id_idx ON bestauth.token (user_id, purpose) WHERE used_at IS NULL AND superseded_at IS NULL;
SELECT pg_catalog.pg_extension_config_dump('bestauth.token', '');
