-- bestauth: identity, access and audit for healthcare billing software
\echo Use "CREATE EXTENSION bestauth" to load this file. \quit

-- CREATE EXTENSION puts the schema of pgcrypto into the path; nothing in it may
-- capture a name of this script.
SET LOCAL search_path = pg_catalog, pg_temp;

-- A plain CREATE SCHEMA: a schema that somebody made before is refused, with
-- whatever waits in it [L-02].
CREATE SCHEMA bestauth;
COMMENT ON SCHEMA bestauth IS 'Identity, access and audit, kept inside the database.';

CREATE FUNCTION bestauth.uuidv7() RETURNS uuid
	AS 'MODULE_PATHNAME', 'bestauth_uuidv7' LANGUAGE C VOLATILE PARALLEL SAFE;
COMMENT ON FUNCTION bestauth.uuidv7() IS
'Makes a version 7 UUID (RFC 9562): milliseconds first, then random bits, so that new keys stay close together in an index. For defaults of key columns, never for secrets.
Returns: uuid.';
