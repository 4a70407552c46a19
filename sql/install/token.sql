CREATE TABLE bestauth.token (
	token_id        uuid PRIMARY KEY DEFAULT bestauth.uuidv7(),
	token_hash      bytea NOT NULL UNIQUE,
	purpose         text NOT NULL COLLATE "C",
	user_id         uuid NOT NULL,
	user_version    integer NOT NULL,
	service_version integer,
	created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
	expires_at      timestamptz NOT NULL,
	used_at         timestamptz,
	superseded_at   timestamptz
);
COMMENT ON TABLE bestauth.token IS
'One-time tokens of every purpose: 256 random bits each, of which only the SHA-256 is kept [E-02].';
COMMENT ON COLUMN bestauth.token.user_version IS 'The user''s version when it was made: a token of an older one is no good.';
ALTER TABLE bestauth.token ALTER token_hash SET STATISTICS 0;
CREATE INDEX token_user_id_idx ON bestauth.token (user_id, purpose) WHERE used_at IS NULL AND superseded_at IS NULL;
SELECT pg_catalog.pg_extension_config_dump('bestauth.token', '');
