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
	system_id  bigint NOT NULL,
	access     text NOT NULL COLLATE "C"
		CHECK (access IN ('application', 'reader', 'operator', 'auditor', 'mailer', 'retention')),
	granted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (role_name, access)
);
COMMENT ON COLUMN bestauth.access_grant.role_id IS
'The role that was meant, in that cluster: another one that gets its name later has no access, and it may be renamed. In another cluster open_instance() goes by the name.';
COMMENT ON COLUMN bestauth.access_grant.system_id IS 'The cluster in which role_id counts.';
COMMENT ON TABLE bestauth.access_grant IS 'The database roles that were granted access; open_instance() applies them again.';
SELECT pg_catalog.pg_extension_config_dump('bestauth.access_grant', '');

CREATE FUNCTION bestauth.grant_access(role regrole, access text) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_grant_access' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.grant_access(regrole, text) IS
'Gives a database role access to bestauth; nothing here is granted in any other way. For a superuser.
Parameters: role; access: application (what a session may call), reader (what policies call), operator, auditor, mailer, retention (audit_purge).
Returns: void.
Raises: 22023 unknown access; 42501 not a superuser; 55000 instance closed.
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
'Tells whether the current database role was granted an access, itself or through a role that it inherits from. A superuser counts as everything, an operator as auditor.
Parameters: access: as in grant_access.
Returns: boolean.
Raises: 22023 unknown access.
Rules: [L-05].';

CREATE VIEW bestauth.granted_privilege AS
SELECT DISTINCT a.kind, a.name, a.grantee,
	format('REVOKE ALL ON %s %s FROM %s CASCADE', a.kind, a.name,
		CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END) AS statement
FROM (
	SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind,
		c.oid::regclass::text AS name, (aclexplode(c.relacl)).grantee, c.relowner AS owner
	FROM pg_class c WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S')
	UNION ALL
	SELECT 'FUNCTION', p.oid::regprocedure::text,
		(aclexplode(coalesce(p.proacl, acldefault('f', p.proowner)))).grantee, p.proowner
	FROM pg_proc p WHERE p.pronamespace = 'bestauth'::regnamespace
	UNION ALL
	SELECT 'TYPE', t.oid::regtype::text,
		(aclexplode(coalesce(t.typacl, acldefault('T', t.typowner)))).grantee, t.typowner
	FROM pg_type t WHERE t.oid = 'bestauth.login_result'::regtype
	UNION ALL
	SELECT 'SCHEMA', 'bestauth', (aclexplode(n.nspacl)).grantee, n.nspowner
	FROM pg_namespace n WHERE n.nspname = 'bestauth'
) a
WHERE a.grantee <> a.owner;
COMMENT ON VIEW bestauth.granted_privilege IS
'What somebody else than the owner may do with an object here, and the statement that takes it away. Installing and opening begin with nothing, whatever ALTER DEFAULT PRIVILEGES gave when the objects were made.';
