-- The role that owns everything here. It can't log in, is no superuser, has no
-- members and owns nothing else in this database, so that nobody can become it
-- and no object of anybody else runs with its rights [L-09].
DO $owner$
DECLARE
	owner_oid oid := pg_catalog.to_regrole('bestauth_owner');
	fault text;
BEGIN
	IF pg_catalog.getdatabaseencoding() OPERATOR(pg_catalog.<>) 'UTF8' THEN
		RAISE EXCEPTION 'bestauth needs a database in UTF8, this one is in %',
			pg_catalog.getdatabaseencoding() USING ERRCODE = '0A000';
	END IF;
	IF owner_oid IS NULL THEN
		CREATE ROLE bestauth_owner NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE
			NOINHERIT NOREPLICATION NOBYPASSRLS;
		RETURN;
	END IF;
	SELECT CASE
			WHEN r.rolcanlogin THEN 'it can log in'
			WHEN r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication
				OR r.rolbypassrls THEN 'it has attributes that an owner must not have'
			WHEN EXISTS (SELECT FROM pg_catalog.pg_auth_members m
						 WHERE m.roleid OPERATOR(pg_catalog.=) r.oid
							OR m.member OPERATOR(pg_catalog.=) r.oid)
				THEN 'it has members, or is a member of another role'
			WHEN EXISTS (SELECT FROM pg_catalog.pg_shdepend d
						 WHERE d.refobjid OPERATOR(pg_catalog.=) r.oid
						   AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_authid'::pg_catalog.regclass
						   AND d.deptype OPERATOR(pg_catalog.=) 'o'
						   AND d.dbid OPERATOR(pg_catalog.=)
							   (SELECT oid FROM pg_catalog.pg_database
								WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database()))
				THEN 'it owns other objects in this database'
		END INTO fault
	FROM pg_catalog.pg_authid r WHERE r.oid OPERATOR(pg_catalog.=) owner_oid;
	IF fault IS NOT NULL THEN
		RAISE EXCEPTION 'role "bestauth_owner" exists and cannot be used: %', fault
			USING ERRCODE = '42710',
				HINT = 'Rename or drop that role; bestauth makes its own.';
	END IF;
END
$owner$;

-- Whoever owns pgcrypto, or the schema that it is in, could drop it, and bestauth
-- with it. (The schema public of a database belongs to the database's owner.)
DO $pgcrypto$
BEGIN
	IF NOT (SELECT r.rolsuper FROM pg_extension e JOIN pg_roles r ON r.oid = e.extowner
			WHERE e.extname = 'pgcrypto') THEN
		RAISE EXCEPTION 'extension "pgcrypto" is not owned by a superuser'
			USING ERRCODE = '42501', HINT = 'Have a superuser drop it and create it again.';
	END IF;
	IF NOT (SELECT r.rolsuper FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
			JOIN pg_roles r ON r.oid = CASE n.nspowner
				WHEN 'pg_database_owner'::regrole
				THEN (SELECT datdba FROM pg_database WHERE datname = current_database())
				ELSE n.nspowner END
			WHERE e.extname = 'pgcrypto') THEN
		RAISE EXCEPTION 'extension "pgcrypto" is in a schema that is not owned by a superuser'
			USING ERRCODE = '42501',
				HINT = 'Have a superuser make a schema for it, and ALTER EXTENSION pgcrypto SET SCHEMA.';
	END IF;
END
$pgcrypto$;
