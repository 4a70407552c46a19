-- The instance: who installs it, who owns it, and that each database is opened by itself.
\set SHOW_CONTEXT never
SELECT current_database() AS home \gset

--
-- [L-09] Everything belongs to a role that nobody can become.
--
SELECT rolcanlogin, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls
FROM pg_roles WHERE rolname = 'bestauth_owner';
SELECT count(*) AS memberships FROM pg_auth_members WHERE 'bestauth_owner'::regrole IN (roleid, member);
SELECT c.oid::regclass AS not_owned FROM pg_class c
WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relowner <> 'bestauth_owner'::regrole;
SELECT p.oid::regprocedure AS not_owned FROM pg_proc p
WHERE p.pronamespace = 'bestauth'::regnamespace AND p.proowner <> 'bestauth_owner'::regrole;
SELECT t.oid::regtype AS not_owned FROM pg_type t
WHERE t.typnamespace = 'bestauth'::regnamespace AND t.typowner <> 'bestauth_owner'::regrole;
SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'bestauth';
SELECT count(*) > 1 AS partitions, bool_and(c.relowner = 'bestauth_owner'::regrole AND c.relrowsecurity) AS owned_and_secured
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'bestauth.audit_log'::regclass;
-- It owns nothing else here.
SELECT o.type, o.identity FROM pg_shdepend d, pg_identify_object(d.classid, d.objid, 0) o
WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = 'bestauth_owner'::regrole AND d.deptype = 'o'
	AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
	AND o.schema IS DISTINCT FROM 'bestauth' AND o.identity <> 'bestauth';
-- [L-10] Row security is on for every table, and none has a policy for what is secret.
SELECT c.oid::regclass FROM pg_class c
WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relrowsecurity;
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
	AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid)
ORDER BY c.relname COLLATE "C";

--
-- [L-01] Only a superuser installs it, in a database of their own too.
--
CREATE ROLE regress_instance_plain;
CREATE DATABASE regress_instance TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C' OWNER regress_instance_plain;
\c regress_instance
SET SESSION AUTHORIZATION regress_instance_plain;
CREATE SCHEMA crypto;
CREATE EXTENSION pgcrypto SCHEMA crypto;
CREATE EXTENSION bestauth;
CREATE EXTENSION bestauth CASCADE;
RESET SESSION AUTHORIZATION;
-- [L-04] pgcrypto may be anybody's, who can add functions to it; it is used if it is a superuser's.
CREATE EXTENSION bestauth;
DROP EXTENSION pgcrypto;
CREATE EXTENSION pgcrypto SCHEMA crypto;
-- The same of its schema, whose owner could drop it.
CREATE EXTENSION bestauth;
CREATE SCHEMA safe;
ALTER EXTENSION pgcrypto SET SCHEMA safe;

--
-- [L-09] A role of that name that somebody could use is refused.
--
BEGIN; ALTER ROLE bestauth_owner LOGIN; CREATE EXTENSION bestauth; ROLLBACK;
BEGIN; ALTER ROLE bestauth_owner SUPERUSER; CREATE EXTENSION bestauth; ROLLBACK;
BEGIN; ALTER ROLE bestauth_owner CREATEROLE; CREATE EXTENSION bestauth; ROLLBACK;
BEGIN; ALTER ROLE bestauth_owner BYPASSRLS; CREATE EXTENSION bestauth; ROLLBACK;
BEGIN; GRANT bestauth_owner TO regress_instance_plain; CREATE EXTENSION bestauth; ROLLBACK;
BEGIN; GRANT regress_instance_plain TO bestauth_owner; CREATE EXTENSION bestauth; ROLLBACK;
BEGIN; CREATE TABLE crypto.t (); ALTER TABLE crypto.t OWNER TO bestauth_owner; CREATE EXTENSION bestauth; ROLLBACK;
BEGIN;
CREATE FUNCTION crypto.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
ALTER FUNCTION crypto.f() OWNER TO bestauth_owner;
CREATE EXTENSION bestauth;
ROLLBACK;
BEGIN; CREATE SCHEMA owned AUTHORIZATION bestauth_owner; CREATE EXTENSION bestauth; ROLLBACK;

-- [L-12] No schema clause, whatever its name.
CREATE SCHEMA "we'ird$";
CREATE EXTENSION bestauth SCHEMA "we'ird$";
SELECT count(*) FROM pg_namespace WHERE nspname = 'bestauth';

-- As it should be, the role is used for this database as well.
CREATE EXTENSION bestauth;
SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'bestauth';
-- [L-21] Nobody is in it.
SELECT (SELECT count(*) FROM bestauth.user_account) AS users, (SELECT count(*) FROM bestauth.credential) AS credentials,
	(SELECT count(*) FROM bestauth.access_grant) AS grants;

-- [N-04] Opened by a superuser alone, with an owner that nobody can use; each database by itself.
BEGIN; ALTER ROLE bestauth_owner LOGIN; SELECT bestauth.open_instance(); ROLLBACK;
BEGIN; GRANT bestauth_owner TO regress_instance_plain; SELECT bestauth.open_instance(); ROLLBACK;
BEGIN; GRANT regress_instance_plain TO bestauth_owner; SELECT bestauth.open_instance(); ROLLBACK;
BEGIN; ALTER ROLE bestauth_owner CREATEROLE; SELECT bestauth.open_instance(); ROLLBACK;
SET SESSION AUTHORIZATION regress_instance_plain;
SELECT bestauth.open_instance();
RESET SESSION AUTHORIZATION;
SELECT bestauth.create_company('instance-inc', 'Instance');
INSERT INTO bestauth.company (code, name) VALUES ('instance-restored', 'Restored');
SELECT count(*) AS audited FROM bestauth.audit_log;
SELECT bestauth.open_instance();
SELECT bestauth.create_company('instance-inc', 'Instance') IS NOT NULL AS made;
SELECT code FROM bestauth.company ORDER BY code COLLATE "C";
-- A function called like pgcrypto's, in a schema that was there before, is not called.
SET SESSION AUTHORIZATION regress_instance_plain;
CREATE FUNCTION crypto.trap(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'the trap has a password'; RETURN $1; END $$;
CREATE FUNCTION public.crypt(text, text) RETURNS text LANGUAGE sql AS 'SELECT crypto.trap($2)';
CREATE FUNCTION public.gen_salt(text, int) RETURNS text LANGUAGE sql AS $$SELECT crypto.trap('$2a$10$abcdefghijklmnopqrstuvabcdefghijklmnopqrstuvabcdefghijkl')$$;
ALTER EXTENSION pgcrypto ADD FUNCTION public.crypt(text, text);
RESET SESSION AUTHORIZATION;
SELECT bestauth.create_user('ina', 'standard', 'Ina', 'Instance', 'ina@instance.example', 'a password of ina', company => 'instance-inc') IS NOT NULL AS made;
SELECT outcome FROM bestauth.login('instance-inc', 'ina', 'a password of ina');
SELECT outcome FROM bestauth.login('instance-inc', 'ina', 'a wrong password');
-- A copy is not open, and knows the companies.
\c :home
CREATE DATABASE regress_instance_copy TEMPLATE regress_instance;
\c regress_instance_copy
SELECT bestauth.instance_name();
SELECT code FROM bestauth.company ORDER BY code COLLATE "C";
SELECT bestauth.create_company('instance-copied', 'Copied');
SELECT * FROM bestauth.login('instance-inc', 'nobody', 'a wrong password');
SELECT * FROM bestauth.use_session('bas_x');
SELECT bestauth.open_instance('copy');
SELECT bestauth.create_company('instance-copied', 'Copied') IS NOT NULL AS made;
\c :home
SELECT code FROM bestauth.company WHERE code LIKE 'instance-%';
DROP DATABASE regress_instance_copy;
DROP DATABASE regress_instance;
DROP ROLE regress_instance_plain;

-- [L-20] A database in another encoding is refused.
CREATE DATABASE regress_instance_ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C';
\c regress_instance_ascii
CREATE EXTENSION pgcrypto;
CREATE EXTENSION bestauth;
\c :home
DROP DATABASE regress_instance_ascii;
