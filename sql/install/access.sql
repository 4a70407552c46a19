-- Which access gives which privilege: filled by privileges.sql, the one screen
-- that says who may call what. Part of the extension, so not dumped.
CREATE TABLE bestauth.access_rule (
	object    text NOT NULL COLLATE "C",
	privilege text NOT NULL COLLATE "C",
	access    text[] NOT NULL,
	PRIMARY KEY (object, privilege)
);
COMMENT ON TABLE bestauth.access_rule IS 'What grant_access gives: privileges on functions, tables and views, by kind of access.';

CREATE TABLE bestauth.access_grant (
	role_name  text NOT NULL COLLATE "C",
	role_id    oid NOT NULL,
	access     text NOT NULL COLLATE "C"
		CHECK (access IN ('application', 'reader', 'operator', 'auditor', 'mailer')),
	granted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (role_name, access)
);
COMMENT ON COLUMN bestauth.access_grant.role_id IS
'The role that was meant: another one that gets its name later has no access. open_instance() goes by the name, for a restore may be in another cluster.';
COMMENT ON TABLE bestauth.access_grant IS 'The database roles that were granted access; open_instance() applies them again.';
SELECT pg_catalog.pg_extension_config_dump('bestauth.access_grant', '');

CREATE FUNCTION bestauth.grant_access(role regrole, access text) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_grant_access' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.grant_access(regrole, text) IS
'Gives a database role access to bestauth; nothing here is granted in any other way. For a superuser.
Parameters: role; access: application (what a session may call), reader (what policies call), operator, auditor, mailer.
Returns: void.
Raises: 22023 unknown access, or the role PUBLIC; 42501 not a superuser; 55000 instance closed.
Rules: [L-05].';

CREATE FUNCTION bestauth.revoke_access(role regrole, access text) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_revoke_access' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.revoke_access(regrole, text) IS
'Takes access away again; what another access of the same role gives stays. For a superuser.
Parameters: role; access: as in grant_access.
Returns: void.
Raises: 22023 unknown access; 42501 not a superuser; 55000 instance closed.
Rules: [L-05].';

CREATE FUNCTION bestauth.has_access(access text) RETURNS boolean
	AS 'MODULE_PATHNAME', 'bestauth_has_access' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION bestauth.has_access(text) IS
'Tells whether the current database role was granted an access, itself or through a role that it inherits from. A superuser counts as operator, an operator as auditor.
Parameters: access: as in grant_access.
Returns: boolean.
Raises: 22023 unknown access.
Rules: [L-05].';
