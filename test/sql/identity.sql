-- Who the caller is: set by use_session alone, for one transaction, and by nothing else.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA identity_test;
GRANT USAGE, CREATE ON SCHEMA identity_test TO PUBLIC;
CREATE FUNCTION identity_test.attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	rule text;
BEGIN
	EXECUTE statement;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME;
	RETURN SQLSTATE || coalesce(' [' || nullif(rule, '') || ']', '') || ' ' ||
		replace(SQLERRM, current_database(), '(database)');
END
$$;
CREATE ROLE regress_identity_app LOGIN;
RESET client_min_messages;
DO $$
BEGIN
	PERFORM bestauth.grant_access('regress_identity_app', 'application');
	PERFORM bestauth.create_company('identity-svc', 'Identity Billing');
	PERFORM bestauth.register_billing_service('identity-svc');
	PERFORM bestauth.create_user('ida', 'restricted', 'Ida', 'Person', 'ida@identity.example', 'a password of ida', company => 'identity-svc');
	PERFORM bestauth.create_company('identity-inc', 'Identity');
	PERFORM bestauth.create_user('ann', 'standard', 'Ann', 'A', 'ann@identity.example', 'a password of ann', permissions => '{claims,manage_users}', company => 'identity-inc');
	PERFORM bestauth.create_user('bob', 'standard', 'Bob', 'B', 'bob@identity.example', 'a password of bob', company => 'identity-inc');
	PERFORM bestauth.create_user('billkey', 'billing', NULL, 'Bills', password => 'a password of billkey', billing_service => 'identity-svc', company => 'identity-inc');
END
$$;
SELECT session_token AS ann FROM bestauth.login('identity-inc', 'ann', 'a password of ann') \gset
SELECT session_token AS bob FROM bestauth.login('identity-inc', 'bob', 'a password of bob') \gset
SELECT user_id AS ann_id FROM bestauth.user_account WHERE username = 'ann' AND email = 'ann@identity.example' \gset
SELECT user_id AS bob_id FROM bestauth.user_account WHERE username = 'bob' AND email = 'bob@identity.example' \gset

-- Everything that tells of an identity, in one row.
CREATE VIEW identity_test.who AS
SELECT CASE bestauth.current_user_id() WHEN (SELECT user_id FROM bestauth.user_account WHERE email = 'ann@identity.example') THEN 'ann'
		WHEN (SELECT user_id FROM bestauth.user_account WHERE email = 'bob@identity.example') THEN 'bob' END AS who,
	num_nonnulls(bestauth.current_session_id(), bestauth.current_user_id(), bestauth.current_person_id(), bestauth.current_company_id()) AS ids,
	bestauth.current_billing_service_id() IS NOT NULL AS service,
	bestauth.has_permission('claims') AS claims, cardinality(bestauth.accessible_company_ids()) AS companies;
GRANT SELECT ON identity_test.who TO regress_identity_app;
SET ROLE regress_identity_app;

-- [D-02] None by default; one for a transaction; none after it, however it ends.
SELECT * FROM identity_test.who;
SELECT bestauth.can_access_company(NULL), bestauth.has_permission(NULL), bestauth.has_permission('');
BEGIN;
SELECT user_id = :'ann_id' AS ann, person_id = user_id AS person FROM bestauth.use_session(:'ann');
SELECT * FROM identity_test.who;
COMMIT;
SELECT * FROM identity_test.who;
BEGIN;
SELECT user_id = :'ann_id' AS ann FROM bestauth.use_session(:'ann');
ROLLBACK;
SELECT * FROM identity_test.who;
BEGIN;
SELECT user_id = :'ann_id' AS ann FROM bestauth.use_session(:'ann');
COMMIT AND CHAIN;
SELECT * FROM identity_test.who;
COMMIT;
BEGIN;
SELECT user_id = :'ann_id' AS ann FROM bestauth.use_session(:'ann');
RESET ALL;
SELECT * FROM identity_test.who;
ROLLBACK;
BEGIN;
SELECT user_id = :'ann_id' AS ann FROM bestauth.use_session(:'ann');
SELECT 1 / 0;
ROLLBACK;
SELECT * FROM identity_test.who;
-- Outside a transaction block it is gone with the statement, and says so.
SELECT user_id = :'ann_id' AS ann FROM bestauth.use_session(:'ann');
SELECT * FROM identity_test.who;

-- [D-15] A session that is no good is an error, which leaves what was there before the statement.
BEGIN;
SELECT user_id = :'ann_id' AS ann FROM bestauth.use_session(:'ann');
SELECT identity_test.attempt($$SELECT * FROM bestauth.use_session('bas_x')$$);
SELECT * FROM identity_test.who;
SELECT identity_test.attempt($$SELECT bestauth.use_session(NULL)$$);
SELECT * FROM identity_test.who;
SAVEPOINT s;
SELECT * FROM bestauth.use_session('bas_x');
ROLLBACK TO s;
SELECT * FROM identity_test.who;
ROLLBACK;

-- [D-03] It follows savepoints, nested ones and those of exception blocks.
BEGIN;
SELECT user_id = :'ann_id' AS ann FROM bestauth.use_session(:'ann');
SAVEPOINT s;
SELECT user_id = :'bob_id' AS bob FROM bestauth.use_session(:'bob');
SELECT * FROM identity_test.who;
ROLLBACK TO s;
SELECT * FROM identity_test.who;
SELECT user_id = :'bob_id' AS bob FROM bestauth.use_session(:'bob');
RELEASE s;
SELECT * FROM identity_test.who;
SELECT set_config('identity_test.ann', :'ann', true) IS NOT NULL AS set, set_config('identity_test.bob', :'bob', true) IS NOT NULL AS set;
DO $$
DECLARE
	seen text := '';
	depth int;
BEGIN
	FOR depth IN 1..70 LOOP
		BEGIN
			PERFORM bestauth.use_session(current_setting(CASE depth % 2 WHEN 1 THEN 'identity_test.ann' ELSE 'identity_test.bob' END));
			IF depth % 3 = 0 THEN
				RAISE EXCEPTION 'undone';
			END IF;
		EXCEPTION WHEN raise_exception THEN
			NULL;
		END;
		seen := seen || (SELECT left(who, 1) FROM identity_test.who);
	END LOOP;
	RAISE NOTICE '%', seen;
END
$$;
ROLLBACK;

--
-- [D-05] Nobody writes it: not an application role, not a superuser, by no kind of SET.
--
CREATE TABLE identity_test.forged (kind text, statement text);
INSERT INTO identity_test.forged VALUES
	('SET', 'SET bestauth.identity = ''x'''),
	('SET LOCAL', 'SET LOCAL bestauth.identity = ''x'''),
	('SET SESSION', 'SET SESSION bestauth.identity TO ''x'''),
	('set_config', 'SELECT set_config(''bestauth.identity'', ''x'', false)'),
	('set_config, local', 'SELECT set_config(''bestauth.identity'', ''x'', true)'),
	('UPDATE pg_settings', 'UPDATE pg_settings SET setting = ''x'' WHERE name = ''bestauth.identity'''),
	('ALTER ROLE', 'ALTER ROLE regress_identity_app SET bestauth.identity = ''x'''),
	('ALTER ROLE ALL', 'ALTER ROLE ALL SET bestauth.identity = ''x'''),
	('ALTER DATABASE', format('ALTER DATABASE %I SET bestauth.identity = ''x''', current_database())),
	('CREATE FUNCTION', 'CREATE FUNCTION identity_test.forge() RETURNS int LANGUAGE sql SET bestauth.identity = ''x'' AS ''SELECT 1'''),
	('FROM CURRENT', 'CREATE FUNCTION identity_test.forge2() RETURNS int LANGUAGE sql SET bestauth.identity FROM CURRENT AS ''SELECT 1''');
GRANT SELECT ON identity_test.forged TO PUBLIC;
SELECT kind, left(identity_test.attempt(statement), 5) AS result FROM identity_test.forged;
SELECT left(identity_test.attempt('SHOW bestauth.identity'), 5) AS show;
SELECT * FROM identity_test.who;
BEGIN;
SELECT user_id = :'bob_id' AS bob FROM bestauth.use_session(:'bob');
SELECT kind, left(identity_test.attempt(statement), 5) AS result FROM identity_test.forged;
SELECT left(identity_test.attempt('SHOW bestauth.identity'), 5) AS show;
ROLLBACK;
BEGIN;
SELECT user_id = :'bob_id' AS bob FROM bestauth.use_session(:'bob');
SELECT identity_test.attempt('RESET bestauth.identity');
SELECT * FROM identity_test.who;
ROLLBACK;
RESET ROLE;
SELECT kind, identity_test.attempt(statement) FROM identity_test.forged;
ALTER SYSTEM SET bestauth.identity = 'x';
SELECT * FROM identity_test.who;
-- A superuser sees that there is one, not what it is; and may take it away, not another.
BEGIN;
SELECT user_id = :'bob_id' AS bob FROM bestauth.use_session(:'bob');
SHOW bestauth.identity;
SELECT current_setting('bestauth.identity') AS shown, count(*) AS listed FROM pg_settings WHERE name = 'bestauth.identity';
SELECT kind, identity_test.attempt(statement) FROM identity_test.forged;
SELECT * FROM identity_test.who;
SET LOCAL bestauth.identity = '';
SELECT * FROM identity_test.who;
ROLLBACK;
-- A function may be without it, for itself.
BEGIN;
SELECT user_id = :'bob_id' AS bob FROM bestauth.use_session(:'bob');
ALTER FUNCTION identity_test.forge2() SET bestauth.identity = '';
SELECT identity_test.forge2();
SELECT * FROM identity_test.who;
ROLLBACK;
SELECT count(*) AS left_behind FROM pg_db_role_setting WHERE setconfig::text LIKE '%bestauth.identity%';

-- What was set before the library was there comes to nothing when it is.
\c -
SET client_min_messages = error;
SET ROLE regress_identity_app;
SELECT identity_test.attempt('SET bestauth.identity = ''x''') IS NOT NULL AS tried, identity_test.attempt('SET bestauth.lockout_threshold = 100') IS NOT NULL AS tried;
SELECT * FROM identity_test.who;
SHOW bestauth.lockout_threshold;
\c -
SET client_min_messages = error;
SELECT identity_test.attempt('SET bestauth.identity = ''x''') IS NOT NULL AS tried;
SELECT * FROM identity_test.who;
\c -
SET client_min_messages = error;
SELECT kind, identity_test.attempt(statement) IS NOT NULL AS tried FROM identity_test.forged WHERE kind LIKE 'ALTER%';
\c -
SET client_min_messages = error;
SELECT * FROM identity_test.who;
ALTER ROLE ALL RESET bestauth.identity;
ALTER ROLE regress_identity_app RESET bestauth.identity;
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET bestauth.identity', current_database()); END $$;
\c -reuse-previous=on "options='-c bestauth.identity=x -c identity.test=seen'"
\set SHOW_CONTEXT never
SHOW identity.test;
SELECT * FROM identity_test.who;
\c -reuse-previous=on "options=''"
\set SHOW_CONTEXT never

-- [D-05] No setting of ours is for an application role to set, and no others are made up.
SELECT bestauth.instance_name() IS NOT NULL AS loaded;
SET ROLE regress_identity_app;
SELECT context, count(*) > 5 AS several FROM pg_settings WHERE name LIKE 'bestauth.%' AND context <> 'sighup' GROUP BY context;
SELECT DISTINCT regexp_replace(identity_test.attempt(format('SET %s = %L', name, setting)), '"bestauth.*"', '"..."') AS set_to_itself,
	regexp_replace(identity_test.attempt(format('SELECT set_config(%L, %L, true)', name, setting)), '"bestauth.*"', '"..."') AS set_config,
	regexp_replace(identity_test.attempt(format('ALTER ROLE regress_identity_app SET %s = %L', name, setting)), '"bestauth.*"', '"..."') AS alter_role
FROM pg_settings WHERE name LIKE 'bestauth.%' AND context <> 'sighup';
SELECT identity_test.attempt('SET bestauth.pepper_file = ''x''');
SELECT identity_test.attempt('SET bestauth.made_up = 1');
RESET ROLE;
SELECT identity_test.attempt('SET bestauth.made_up = 1');

-- [D-14] The same in a function that runs with other rights, and in a trigger.
CREATE FUNCTION identity_test.definer() RETURNS SETOF identity_test.who LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$ SELECT * FROM identity_test.who $$;
CREATE TABLE identity_test.note (who text);
CREATE FUNCTION identity_test.sign() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.who := (SELECT who FROM identity_test.who); RETURN NEW; END $$;
CREATE TRIGGER sign BEFORE INSERT ON identity_test.note FOR EACH ROW EXECUTE FUNCTION identity_test.sign();
BEGIN;
SELECT user_id = :'bob_id' AS bob FROM bestauth.use_session(:'bob');
SELECT * FROM identity_test.definer();
INSERT INTO identity_test.note VALUES ('ann') RETURNING who;
ROLLBACK;

--
-- [G-02] A deleted user is out: sessions, links and challenges are dead, the name stays
-- taken, the row and the audit stay together.
--
SELECT session_token AS ann FROM bestauth.login('identity-inc', 'ann', 'a password of ann') \gset
SELECT challenge_token AS c1 FROM bestauth.login('identity-inc', 'billkey', 'a password of billkey') \gset
SELECT bestauth.create_user('new', 'standard', 'New', 'N', 'new@identity.example', company => 'identity-inc') IS NOT NULL AS made;
SELECT token AS link FROM bestauth.claim_mail(1000) WHERE recipient = 'new@identity.example' \gset
SELECT bestauth.reset_password('bob', company => 'identity-inc') AS temporary \gset
SELECT outcome, challenge_token AS change FROM bestauth.login('identity-inc', 'bob', :'temporary') \gset
\echo :outcome
SELECT bestauth.delete_user(u, company => 'identity-inc') FROM unnest('{ann,new,bob,billkey}'::text[]) u;
BEGIN; SELECT * FROM bestauth.use_session(:'ann'); ROLLBACK;
SELECT outcome FROM bestauth.login('identity-inc', 'ann', 'a password of ann');
SELECT outcome FROM bestauth.login('identity-inc', 'billkey', 'a password of billkey');
SELECT outcome FROM bestauth.login_second_part(:'c1', 'ida', 'a password of ida');
SELECT bestauth.set_password(:'link', 'a password of new');
SELECT bestauth.set_password(:'change', 'a password of bob two');
SELECT action, person, username, detail ->> 'reason' AS reason FROM bestauth.audit_log
WHERE company_code = 'identity-inc' AND action IN ('login.denied', 'session.refused') ORDER BY audit_id;
SELECT identity_test.attempt(format('SELECT bestauth.create_user(%L, ''standard'', ''A'', ''A'', ''a@identity.example'', company => ''identity-inc'')', u))
FROM unnest('{ann,ANN,new}'::text[]) u;
SELECT identity_test.attempt($$SELECT bestauth.delete_user('ann', company => 'identity-inc')$$);
SELECT identity_test.attempt($$DELETE FROM bestauth.user_account WHERE username = 'ann' AND email = 'ann@identity.example'$$);
SELECT u.username, u.deleted_at IS NOT NULL AS deleted, count(*) > 2 AS rows FROM bestauth.user_account u
JOIN bestauth.audit_log a ON a.object_id IN (u.user_id::text, u.username) AND a.company_id = u.company_id
WHERE u.email IN ('ann@identity.example', 'new@identity.example') GROUP BY u.user_id ORDER BY u.username COLLATE "C";
SELECT action, username, object_id FROM bestauth.audit_log WHERE company_code = 'identity-inc' AND action = 'user.deleted' ORDER BY audit_id;
-- The mailer's next claim holds nothing for them.
SELECT bestauth.create_user('gone', 'standard', 'Go', 'Ne', 'gone@identity.example', company => 'identity-inc') IS NOT NULL AS made;
SELECT bestauth.delete_user('gone', company => 'identity-inc');
SELECT count(*) FROM bestauth.claim_mail(1000) WHERE recipient = 'gone@identity.example';

SET client_min_messages = warning;
SELECT bestauth.revoke_access('regress_identity_app', 'application');
DROP OWNED BY regress_identity_app CASCADE;
DROP SCHEMA identity_test CASCADE;
DROP ROLE regress_identity_app;
