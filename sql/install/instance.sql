CREATE TABLE bestauth.instance (
	singleton   boolean PRIMARY KEY DEFAULT true CHECK (singleton),
	name        text NOT NULL CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'),
	created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE bestauth.instance IS 'This instance: one row, dumped and restored.';
SELECT pg_catalog.pg_extension_config_dump('bestauth.instance', '');

-- Not dumped on purpose: a restored database is closed, and so is a copy made
-- with CREATE DATABASE ... TEMPLATE or pg_upgrade, for the row names the
-- cluster and the database that were opened.
CREATE TABLE bestauth.instance_open (
	system_id   bigint NOT NULL,
	database    oid NOT NULL,
	opened_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (system_id, database)
);
COMMENT ON TABLE bestauth.instance_open IS
'That open_instance() was called in this very cluster and database. Left out of dumps, so that a restore is closed.';

CREATE TABLE bestauth.authority_channel ();
COMMENT ON TABLE bestauth.authority_channel IS
'Always empty. A change to who may do what sends an invalidation of this table; every backend then forgets what it cached.';

CREATE TABLE bestauth.session_channel ();
COMMENT ON TABLE bestauth.session_channel IS
'The same for sessions, which change often: where they are, and that they ended. Always empty.';

CREATE FUNCTION bestauth.open_instance(name text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME', 'bestauth_open_instance' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.open_instance(text) IS
'Opens the instance: once after CREATE EXTENSION, a restore or pg_upgrade. For a superuser. Seeds permissions, makes the audit partitions, asserts owner, row security and triggers, checks the rules over restored rows, applies grants again, and writes instance.opened to the audit. Until then every call is refused and no trigger writes.
Parameters: name: of this instance, letters, digits, dot, dash, underscore, at most 63; NULL keeps the name there is, or takes the database''s.
Returns: the name.
Raises: 55000 already open; 22023 bad name; 23514 restored rows break a rule; 42501 not a superuser.
Rules: [AUD-1] [N-01] [N-04].';

CREATE FUNCTION bestauth.instance_name() RETURNS text
	AS 'MODULE_PATHNAME', 'bestauth_instance_name' LANGUAGE C STABLE;
COMMENT ON FUNCTION bestauth.instance_name() IS
'Tells the name that open_instance gave to this instance.
Returns: text, NULL before the first open_instance.';
