-- What is granted: nothing but by grant_access, whatever the database or somebody
-- else gave before, and to the role that was meant.
\set SHOW_CONTEXT never
\set home :DBNAME
CREATE ROLE regress_privileges_app;
CREATE ROLE regress_privileges_operator;
CREATE DATABASE regress_privileges TEMPLATE template0 ENCODING 'UTF8';
\c regress_privileges

-- [L-05] Privileges by default of whoever installs do not count.
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO regress_privileges_app;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO regress_privileges_app;
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO regress_privileges_app;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO regress_privileges_app;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TYPES TO regress_privileges_app;
CREATE EXTENSION pgcrypto;
CREATE EXTENSION bestauth;
SELECT bestauth.open_instance('privileges');
SELECT * FROM bestauth.granted_privilege;

-- [L-05] Nor does what somebody gave later, on a partition of the audit or anywhere:
-- it is gone when the instance is opened again, as after a restore.
SELECT bestauth.grant_access('regress_privileges_operator', 'operator');
SELECT tableoid::regclass AS part FROM bestauth.audit_log LIMIT 1 \gset
GRANT ALL ON :part, bestauth.credential TO regress_privileges_app;
GRANT EXECUTE ON FUNCTION bestauth.open_instance(text) TO PUBLIC;
SELECT count(*) FROM bestauth.granted_privilege g WHERE g.grantee IN (0, 'regress_privileges_app'::regrole);
DELETE FROM bestauth.instance_open;
SELECT bestauth.open_instance();
SELECT count(*) FROM bestauth.granted_privilege g WHERE g.grantee IN (0, 'regress_privileges_app'::regrole);
SELECT has_function_privilege('regress_privileges_operator', 'bestauth.create_company(text, text, text)', 'EXECUTE') AS operator_still;

-- [L-09] Nobody else's trigger stands on a table when it opens, and none runs when
-- an audit row is written.
CREATE FUNCTION public.strange() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'strange trigger as %', current_user;
	RETURN NEW;
END
$$;
CREATE TRIGGER strange BEFORE INSERT ON :part FOR EACH ROW EXECUTE FUNCTION public.strange();
SELECT bestauth.create_company('quiet', 'Nothing is said') IS NOT NULL AS made;
SELECT count(*) FROM bestauth.audit_log WHERE action = 'company.created' AND object_id = 'quiet';
DELETE FROM bestauth.instance_open;
DO $$
BEGIN
	PERFORM bestauth.open_instance();
EXCEPTION WHEN object_not_in_prerequisite_state THEN
	RAISE NOTICE '%', regexp_replace(SQLERRM, 'y\d{4}m\d\d', '(month)');
END
$$;
DROP TRIGGER strange ON :part;
SELECT bestauth.open_instance();

-- [L-05] Access follows the role, not its name.
ALTER ROLE regress_privileges_operator RENAME TO regress_privileges_renamed;
CREATE ROLE regress_privileges_operator;
SET ROLE regress_privileges_renamed;
SELECT bestauth.has_access('operator');
RESET ROLE;
GRANT USAGE ON SCHEMA bestauth TO regress_privileges_operator;
GRANT EXECUTE ON FUNCTION bestauth.has_access(text) TO regress_privileges_operator;
SET ROLE regress_privileges_operator;
SELECT bestauth.has_access('operator');
RESET ROLE;
DELETE FROM bestauth.instance_open;
SELECT bestauth.open_instance();
SELECT role_name, access FROM bestauth.access_grant;
SELECT bestauth.revoke_access('regress_privileges_renamed', 'operator');
SELECT count(*) FROM bestauth.access_grant;
SELECT count(*) FROM bestauth.granted_privilege;

-- What another access gives stays when one is revoked, under the new name as well.
SELECT bestauth.grant_access('regress_privileges_operator', access) FROM unnest('{operator,auditor}'::text[]) access;
ALTER ROLE regress_privileges_operator RENAME TO regress_privileges_auditor;
SELECT bestauth.revoke_access('regress_privileges_auditor', 'operator');
SELECT role_name, access, has_table_privilege(role_name, 'bestauth.audit_log', 'SELECT') AS reads,
	has_function_privilege(role_name, 'bestauth.create_company(text, text, text)', 'EXECUTE') AS operates
FROM bestauth.access_grant;
SELECT bestauth.revoke_access('regress_privileges_auditor', 'auditor');
ALTER ROLE regress_privileges_auditor RENAME TO regress_privileges_operator;

-- [PRV-16] [AUD-1] A lock taken away stays away when the caller rolls back, and so
-- does its row.
SELECT bestauth.create_user('vic', 'standard', 'Vic', 'Tim', 'vic@quiet.example', 'a long password of vic', company => 'quiet') IS NOT NULL AS made;
SET bestauth.hash_cost = 10;
SET bestauth.lockout_threshold = 2;
SELECT outcome FROM bestauth.login('quiet', 'vic', 'a wrong password');
SELECT outcome FROM bestauth.login('quiet', 'vic', 'another wrong password');
BEGIN;
SELECT bestauth.unlock_user('vic', company => 'quiet');
ROLLBACK;
SELECT action, count(*) FROM bestauth.audit_log WHERE object_id = 'vic' AND action IN ('login.locked_out', 'user.unlocked')
GROUP BY action ORDER BY action;
SELECT outcome FROM bestauth.login('quiet', 'vic', 'a long password of vic');

-- [B-03] A name is counted by company, portal and name: none can be locked, or looked
-- at, by another spelling.
SELECT outcome FROM bestauth.login('quiet', 'vic', 'a wrong password', portal => 'p');
SELECT outcome FROM bestauth.login('quiet/x', 'y', 'a wrong password');
SELECT outcome FROM bestauth.login('quiet', 'x/y', 'a wrong password');
SELECT outcome FROM bestauth.login('quiet', 'nobody', 'a wrong password');
SELECT count(*) AS subjects, max(failed) AS failed FROM bestauth.login_counter WHERE get_byte(subject, 0) = ascii('b');

-- [D-05] The longest limits there are do not overflow.
SET bestauth.session_idle_limit = '30d';
SET bestauth.session_absolute_limit = '30d';
SELECT session_token FROM bestauth.login('quiet', 'vic', 'a long password of vic') \gset
BEGIN;
SELECT user_id = person_id AS good FROM bestauth.use_session(:'session_token');
COMMIT;

\c :home
DROP DATABASE regress_privileges;
DROP ROLE regress_privileges_app;
DROP ROLE regress_privileges_operator;
DROP ROLE regress_privileges_renamed;
