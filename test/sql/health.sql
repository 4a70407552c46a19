-- [L-18] [N-03] [C-19] The health view: each check, when all is well and when it is not.
\set SHOW_CONTEXT never
\set home :DBNAME
SET client_min_messages = error;
CREATE ROLE regress_health_auditor;
CREATE ROLE regress_health_operator;
CREATE ROLE regress_health_app;
CREATE ROLE regress_health_plain;
CREATE DATABASE regress_health TEMPLATE template0 ENCODING 'UTF8';
\c regress_health
SET client_min_messages = error;
CREATE SCHEMA crypto;
CREATE EXTENSION pgcrypto SCHEMA crypto;
CREATE EXTENSION bestauth;

-- Closed, it answers, and says so; what open_instance() makes is not there yet.
SELECT check_name, ok, value, detail FROM bestauth.health WHERE check_name IN ('instance_open', 'audit_partitions', 'audit_gaps');
SELECT ok, value = (SELECT left(string_agg(name, ', ' ORDER BY name), 1000) FROM bestauth.reference_rule) AS all_missing, detail
FROM bestauth.health WHERE check_name = 'references';
SELECT bestauth.open_instance('health');
SELECT bestauth.grant_access('regress_health_auditor', 'auditor');
SELECT bestauth.grant_access('regress_health_operator', 'operator');
SELECT bestauth.grant_access('regress_health_app', 'application');
SELECT bestauth.create_company('health-co', 'Health') IS NOT NULL AS made;
SELECT bestauth.create_user('hal', 'standard', 'Hal', 'Health', 'hal@health.example', 'a password of hal', company => 'health-co') IS NOT NULL AS made;
SELECT session_token IS NOT NULL AS session FROM bestauth.login('health-co', 'hal', 'a password of hal');

-- Open, all is well, but for what hangs on the server that this runs on.
CREATE SCHEMA health_test;
GRANT USAGE ON SCHEMA health_test TO PUBLIC;
SELECT check_name, ok, value, detail FROM bestauth.health
WHERE check_name NOT IN (SELECT name FROM pg_settings WHERE name NOT LIKE 'bestauth.%' AND name <> 'row_security')
	AND check_name NOT IN ('bestauth.hash_cost', 'server_version', 'audit_gaps', 'audit_sealed', 'audit_digest', 'preload', 'pgaudit.log_parameter', 'auto_explain', 'createrole');
SELECT check_name, ok, detail FROM bestauth.health WHERE check_name IN ('server_version', 'audit_gaps', 'audit_sealed', 'audit_digest', 'preload');
SELECT check_name FROM bestauth.health WHERE check_name IN (SELECT name FROM pg_settings WHERE name <> 'row_security') ORDER BY check_name COLLATE "C";
SELECT count(*) > 40 AS many, count(*) = count(DISTINCT check_name) AS one_row_a_check,
	bool_and(ok IS NOT NULL AND detail ~ '^[[:alpha:]].*[.]$') AS every_one_speaks FROM bestauth.health;
SELECT ok = (current_setting('fsync') = 'on') AS fsync FROM bestauth.health WHERE check_name = 'fsync';

-- Who reads it: the operator and the auditor, who see the same as a superuser.
CREATE TABLE health_test.seen AS SELECT check_name, ok, value, detail FROM bestauth.health;
GRANT SELECT ON health_test.seen TO PUBLIC;
SET SESSION AUTHORIZATION regress_health_auditor;
SELECT check_name, ok, value FROM (TABLE bestauth.health EXCEPT TABLE health_test.seen) d;
SET SESSION AUTHORIZATION regress_health_operator;
SELECT check_name, ok, value FROM (TABLE bestauth.health EXCEPT TABLE health_test.seen) d;
SELECT count(*) FROM bestauth.object_now;
SELECT count(*) FROM bestauth.object_rule;
SET SESSION AUTHORIZATION regress_health_app;
SELECT count(*) FROM bestauth.health;
SET SESSION AUTHORIZATION regress_health_plain;
SELECT count(*) FROM bestauth.health;
RESET SESSION AUTHORIZATION;
-- A search_path changes nothing.
CREATE FUNCTION health_test.substr(text, integer) RETURNS text LANGUAGE sql AS $$SELECT 'captured'$$;
CREATE FUNCTION health_test.has_access(text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
SET search_path = health_test, bestauth, pg_catalog;
SELECT check_name, ok, value FROM (TABLE bestauth.health EXCEPT TABLE health_test.seen) d;
RESET search_path;
-- In a new session the settings of bestauth are not known before it is asked.
\c
SET client_min_messages = error;
SELECT current_setting('bestauth.lockout_threshold', true) AS not_loaded;
SELECT check_name, value FROM bestauth.health WHERE check_name = 'bestauth.lockout_threshold';
BEGIN READ ONLY;
SELECT count(*) > 40 AS many FROM bestauth.health;
COMMIT;

--
-- Settings: what is safe, and what is not.
--
CREATE FUNCTION health_test.setting(name text, setting text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	PERFORM set_config(name, setting, true);
	SELECT format('%s %s: %s', h.check_name, h.value, CASE WHEN h.ok THEN 'ok' ELSE h.detail END) INTO result
	FROM bestauth.health h WHERE h.check_name = name;
	RETURN result;
END
$$;
BEGIN;
SET LOCAL log_statement = none;
SET LOCAL log_min_duration_statement = -1;
SET LOCAL log_min_duration_sample = -1;
SET LOCAL log_transaction_sample_rate = 0;
SELECT health_test.setting(name, setting) FROM (VALUES
	('bestauth.hash_cost', '12'), ('bestauth.hash_cost', '31'), ('bestauth.hash_cost', '11'), ('bestauth.hash_cost', '10'),
	('bestauth.lockout_threshold', '1'), ('bestauth.lockout_threshold', '10'), ('bestauth.lockout_threshold', '11'),
	('bestauth.lockout_threshold', '20'), ('bestauth.lockout_threshold', '100'),
	('bestauth.password_min_length', '15'), ('bestauth.password_min_length', '64'),
	('bestauth.password_min_length', '14'), ('bestauth.password_min_length', '8'),
	('bestauth.base_url', 'https://example.org/x'), ('bestauth.base_url', 'HTTPS://example.org'),
	('bestauth.base_url', 'http://example.org'), ('bestauth.base_url', 'https:/example.org'), ('bestauth.base_url', ''),
	('synchronous_commit', 'on'), ('synchronous_commit', 'off'),
	('log_min_error_statement', 'error'), ('log_min_error_statement', 'panic'),
	('log_min_error_statement', 'warning'), ('log_min_error_statement', 'debug1'),
	('log_parameter_max_length_on_error', '0'), ('log_parameter_max_length_on_error', '-1'), ('log_parameter_max_length_on_error', '100'),
	('debug_print_parse', 'off'), ('debug_print_parse', 'on'), ('debug_print_rewritten', 'off'), ('debug_print_rewritten', 'on'),
	('debug_print_plan', 'off'), ('debug_print_plan', 'on'),
	('session_replication_role', 'origin'), ('session_replication_role', 'local'), ('session_replication_role', 'replica'),
	('allow_system_table_mods', 'off'), ('allow_system_table_mods', 'on')) v (name, setting);
ROLLBACK;

-- Parameters in the log: only where statements can be logged at all, whatever does it.
CREATE FUNCTION health_test.logs(name text, setting text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	before text := current_setting(name);
	result text;
BEGIN
	result := format('%s %s: ', name, setting) || coalesce(substr(health_test.setting(name, setting), length(name) + 2) || '; ', '')
		|| health_test.setting('log_parameter_max_length', '-1');
	result := result || '; ' || health_test.setting('log_parameter_max_length', '0');
	PERFORM set_config(name, before, true);
	RETURN result;
END
$$;
BEGIN;
SET LOCAL log_statement = none;
SET LOCAL log_min_duration_statement = -1;
SET LOCAL log_min_duration_sample = -1;
SET LOCAL log_transaction_sample_rate = 0;
SELECT health_test.logs(name, setting) FROM (VALUES ('log_statement', 'none'), ('log_statement', 'ddl'), ('log_statement', 'mod'),
	('log_statement', 'all'), ('log_min_duration_statement', '250'), ('log_min_duration_statement', '0'),
	('log_min_duration_sample', '0'), ('log_transaction_sample_rate', '0.5')) v (name, setting);
ROLLBACK;

-- auto_explain, once it is loaded: with log_verbose a plan shows the call of a function.
SELECT ok, value, detail FROM bestauth.health WHERE check_name = 'auto_explain';
LOAD 'auto_explain';
BEGIN;
SELECT ok, value FROM bestauth.health WHERE check_name = 'auto_explain';
SET LOCAL auto_explain.log_min_duration = 1000000;
DO $$ BEGIN PERFORM set_config('auto_explain.log_parameter_max_length', '0', true) FROM pg_settings WHERE name = 'auto_explain.log_parameter_max_length'; END $$;
SELECT ok, value FROM bestauth.health WHERE check_name = 'auto_explain';
SET LOCAL auto_explain.log_verbose = on;
SELECT ok, value, detail FROM bestauth.health WHERE check_name = 'auto_explain';
ROLLBACK;
-- A setting of a library that is not there means nothing.
BEGIN;
SET LOCAL pgaudit.log_parameter = on;
SELECT ok OR EXISTS (SELECT FROM pg_settings WHERE name = 'pgaudit.log_parameter') AS ok FROM bestauth.health WHERE check_name = 'pgaudit.log_parameter';
ROLLBACK;

--
-- Drift: what statements change of it; they are undone.
--
CREATE TABLE health_test.before AS TABLE bestauth.health;
CREATE FUNCTION health_test.changes(VARIADIC statements text[]) RETURNS TABLE (check_name text, ok boolean, value text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	after bestauth.health[];
	statement text;
BEGIN
	BEGIN
		FOREACH statement IN ARRAY statements LOOP
			EXECUTE statement;
		END LOOP;
		after := ARRAY(SELECT h FROM bestauth.health h);
		RAISE EXCEPTION USING ERRCODE = 'ZZ000';
	EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
	END;
	RETURN QUERY SELECT a.check_name, a.ok, regexp_replace(a.value, 'y\d{4}m\d\d', '(month)', 'g')
		FROM unnest(after) a JOIN health_test.before b USING (check_name)
		WHERE (a.ok, a.value) IS DISTINCT FROM (b.ok, b.value) AND a.check_name NOT IN ('audit_gaps', 'audit_sealed');
END
$$;
SELECT * FROM health_test.changes('SELECT 1');

-- Settings of single roles and databases, which no other session sees.
SELECT * FROM health_test.changes('ALTER ROLE regress_health_app SET log_statement = ''all''',
	'ALTER DATABASE regress_health SET session_replication_role = replica',
	'ALTER ROLE regress_health_plain IN DATABASE regress_health SET bestauth.hash_cost = 10',
	'ALTER ROLE regress_health_operator SET log_statement = ''ddl''', 'ALTER ROLE regress_health_operator SET work_mem = ''8MB''');
SELECT * FROM health_test.changes('ALTER ROLE regress_health_app SET synchronous_commit = false', 'ALTER ROLE regress_health_app SET debug_print_plan = true');

-- [L-09] The owner's role, and what it owns.
SELECT * FROM health_test.changes('ALTER ROLE bestauth_owner LOGIN');
SELECT * FROM health_test.changes('ALTER ROLE bestauth_owner BYPASSRLS');
SELECT * FROM health_test.changes('GRANT bestauth_owner TO regress_health_plain', 'GRANT regress_health_app TO bestauth_owner');
BEGIN;
ALTER ROLE regress_health_plain CREATEROLE;
SELECT ok = (current_setting('server_version_num')::int >= 160000) AS judged,
	coalesce('regress_health_plain' = ANY (string_to_array(value, ', ')), false) = NOT ok AS named
FROM bestauth.health WHERE check_name = 'createrole';
ROLLBACK;
SELECT * FROM health_test.changes('ALTER TABLE bestauth.contact OWNER TO regress_health_plain');
SELECT * FROM health_test.changes('ALTER FUNCTION bestauth.uuidv7() OWNER TO regress_health_plain', 'ALTER TYPE bestauth.login_result OWNER TO regress_health_plain');
SELECT * FROM health_test.changes('CREATE TABLE health_test.mine ()', 'ALTER TABLE health_test.mine OWNER TO bestauth_owner',
	'CREATE FUNCTION health_test.mine() RETURNS int LANGUAGE sql AS ''SELECT 1''', 'ALTER FUNCTION health_test.mine() OWNER TO bestauth_owner');
SELECT * FROM health_test.changes('ALTER SCHEMA crypto OWNER TO regress_health_plain');
SELECT * FROM health_test.changes('ALTER EXTENSION pgcrypto SET SCHEMA public');
SELECT * FROM health_test.changes('ALTER EXTENSION pgcrypto SET SCHEMA public', 'ALTER DATABASE regress_health OWNER TO regress_health_plain');
SELECT * FROM health_test.changes('UPDATE pg_extension SET extowner = ''regress_health_plain''::regrole WHERE extname IN (''bestauth'', ''pgcrypto'')');

-- [N-03] Triggers: switched off, dropped, changed, somebody else's. pg_restore
-- --disable-triggers leaves them as ENABLE TRIGGER ALL does.
SELECT * FROM health_test.changes('ALTER TABLE bestauth.credential DISABLE TRIGGER audit_update');
SELECT * FROM health_test.changes('ALTER TABLE bestauth.role ENABLE TRIGGER ALL');
SELECT * FROM health_test.changes('ALTER TABLE bestauth.role ENABLE REPLICA TRIGGER rule');
SELECT c.* FROM (SELECT tgname FROM pg_trigger WHERE tgrelid = 'bestauth.user_account'::regclass AND NOT tgisinternal ORDER BY tgname) t,
	health_test.changes(format('DROP TRIGGER %I ON bestauth.user_account', t.tgname)) c;
SELECT tableoid::regclass AS part FROM bestauth.audit_log LIMIT 1 \gset
SELECT * FROM health_test.changes('DROP TRIGGER guard ON bestauth.audit_log', 'DROP TRIGGER guard ON ' || :'part');
SELECT * FROM health_test.changes('DROP TRIGGER audit_update ON bestauth.credential',
	'CREATE TRIGGER audit_update AFTER UPDATE ON bestauth.credential REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bestauth.audit_rows_tg(''{user_id}'', ''{}'', ''{}'')',
	'ALTER TABLE bestauth.credential ENABLE ALWAYS TRIGGER audit_update');
SELECT * FROM health_test.changes('DROP TRIGGER audit_update ON bestauth.credential',
	'CREATE TRIGGER audit_update AFTER UPDATE ON bestauth.credential REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bestauth.audit_rows_tg(''{user_id}'', ''{password_hash}'', ''{}'')',
	'ALTER TABLE bestauth.credential ENABLE ALWAYS TRIGGER audit_update');
CREATE FUNCTION health_test.strange() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
SELECT * FROM health_test.changes('CREATE TRIGGER strange BEFORE UPDATE ON bestauth.company FOR EACH ROW WHEN (old.name <> new.name) EXECUTE FUNCTION health_test.strange()',
	'ALTER TABLE bestauth.company ENABLE ALWAYS TRIGGER strange', 'CREATE TRIGGER strange BEFORE INSERT ON ' || :'part' || ' FOR EACH ROW EXECUTE FUNCTION health_test.strange()');
SELECT * FROM health_test.changes('CREATE RULE silence AS ON UPDATE TO bestauth.user_account DO INSTEAD NOTHING');

-- [N-03] Row security and policies.
SELECT * FROM health_test.changes('ALTER TABLE bestauth.credential DISABLE ROW LEVEL SECURITY', format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', :'part'));
SELECT * FROM health_test.changes('CREATE POLICY all_of_it ON bestauth.credential USING (true)');
SELECT * FROM health_test.changes('DROP POLICY auditor ON bestauth.audit_log');
SELECT * FROM health_test.changes('ALTER POLICY operator ON bestauth.company USING (true)');
SELECT * FROM health_test.changes('ALTER POLICY operator ON bestauth.company TO regress_health_operator');

-- [N-03] Grants: what grant_access did not give, and what it gave and is gone.
SELECT * FROM health_test.changes('GRANT SELECT ON bestauth.credential TO regress_health_plain');
SELECT * FROM health_test.changes('GRANT INSERT ON bestauth.audit_log TO regress_health_auditor', format('GRANT SELECT ON %s TO regress_health_auditor', :'part'));
SELECT * FROM health_test.changes('GRANT UPDATE (name) ON bestauth.company TO regress_health_app');
SELECT * FROM health_test.changes('GRANT SELECT ON bestauth.company TO regress_health_operator WITH GRANT OPTION');
SELECT * FROM health_test.changes('GRANT EXECUTE ON FUNCTION bestauth.open_instance(text) TO PUBLIC', 'GRANT USAGE ON SEQUENCE bestauth.audit_id_seq TO regress_health_plain',
	'GRANT CREATE ON SCHEMA bestauth TO regress_health_app', 'GRANT USAGE ON TYPE bestauth.login_result TO PUBLIC');
SELECT * FROM health_test.changes('REVOKE SELECT ON bestauth.audit_log FROM regress_health_auditor', 'REVOKE EXECUTE ON FUNCTION bestauth.has_permission(text) FROM regress_health_app',
	'REVOKE USAGE ON SCHEMA bestauth FROM regress_health_operator');
SELECT * FROM health_test.changes('SELECT bestauth.grant_access(''regress_health_plain'', ''mailer'')', 'SELECT bestauth.revoke_access(''regress_health_app'', ''application'')');
SELECT * FROM health_test.changes('DELETE FROM bestauth.access_grant WHERE role_name = ''regress_health_app''',
	'REVOKE ALL ON ALL FUNCTIONS IN SCHEMA bestauth FROM regress_health_app', 'REVOKE ALL ON ALL TABLES IN SCHEMA bestauth FROM regress_health_app');

-- Foreign keys: gone, not checked, not enforced.
SELECT * FROM health_test.changes('ALTER TABLE bestauth.session DROP CONSTRAINT session_user_id_fkey');
SELECT * FROM health_test.changes('ALTER TABLE bestauth.token DROP CONSTRAINT token_user_id_fkey',
	'ALTER TABLE bestauth.token ADD CONSTRAINT token_user_id_fkey FOREIGN KEY (user_id) REFERENCES bestauth.user_account (user_id) NOT VALID');
SELECT * FROM health_test.changes('ALTER TABLE bestauth.token DISABLE TRIGGER ALL');

-- Mail that nobody fetches, and mail that was given up.
SELECT * FROM health_test.changes($$INSERT INTO bestauth.outbox (kind, recipient, company_id, user_id, due_at)
	SELECT 'password_reset', email, company_id, user_id, clock_timestamp() - interval '10 minutes' FROM bestauth.user_account WHERE username = 'hal'$$);
SELECT * FROM health_test.changes($$INSERT INTO bestauth.outbox (kind, recipient, company_id, user_id, due_at)
	SELECT 'password_reset', email, company_id, user_id, clock_timestamp() - interval '15 minutes' FROM bestauth.user_account WHERE username = 'hal'$$);
SELECT * FROM health_test.changes($$INSERT INTO bestauth.outbox (kind, recipient, company_id, user_id, dead_at)
	SELECT 'password_reset', email, company_id, user_id, clock_timestamp() - interval '29 days' FROM bestauth.user_account WHERE username = 'hal'$$);

-- [L-18] Secrets that leave by replication, and rows that come in.
SELECT * FROM health_test.changes('CREATE PUBLICATION regress_health_all FOR ALL TABLES');
SELECT * FROM health_test.changes('CREATE PUBLICATION regress_health_schema FOR TABLES IN SCHEMA bestauth');
SELECT p.check_name, p.ok, p.value FROM unnest('{credential,login_counter,session,session_use,token}'::text[]) t,
	health_test.changes(format('CREATE PUBLICATION regress_health_%s FOR TABLE bestauth.%s', t, t)) p;
SELECT * FROM health_test.changes('CREATE PUBLICATION regress_health_fine FOR TABLE bestauth.company, health_test.seen', 'CREATE PUBLICATION regress_health_empty');
SELECT * FROM health_test.changes('CREATE SUBSCRIPTION regress_health_sub CONNECTION ''dbname=secret password=secret'' PUBLICATION p WITH (connect = false, slot_name = NONE)');
SELECT * FROM health_test.changes('CREATE SUBSCRIPTION regress_health_sub CONNECTION ''dbname=secret password=secret'' PUBLICATION p WITH (connect = false, slot_name = NONE)',
	'INSERT INTO pg_subscription_rel (srsubid, srrelid, srsubstate) SELECT oid, ''bestauth.company''::regclass, ''r'' FROM pg_subscription WHERE subname = ''regress_health_sub''');

-- The partitions of the audit: this month's, the next's, and none that merely looks like it.
SELECT to_char(date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC') + interval '1 month', '"bestauth.audit_log_y"YYYY"m"MM') AS next \gset
SELECT * FROM health_test.changes('DROP TABLE ' || :'next');
SELECT * FROM health_test.changes('ALTER TABLE bestauth.audit_log DETACH PARTITION ' || :'next') WHERE check_name = 'audit_partitions';

-- [C-19] Audit numbers without a row: what was rolled back. The guesses of a login are not.
SELECT value AS before FROM bestauth.health WHERE check_name = 'audit_gaps' \gset
BEGIN;
UPDATE bestauth.company SET name = 'Rolled back' WHERE code = 'health-co';
UPDATE bestauth.company SET name = 'Rolled back too' WHERE code = 'health-co';
SELECT outcome FROM bestauth.login('health-co', 'hal', 'a wrong password');
ROLLBACK;
SELECT value::int - :before AS gaps, ok FROM bestauth.health WHERE check_name = 'audit_gaps';
UPDATE bestauth.company SET name = 'Not rolled back' WHERE code = 'health-co';
SELECT value::int - :before AS gaps FROM bestauth.health WHERE check_name = 'audit_gaps';
SELECT * FROM health_test.changes('SELECT setval(''bestauth.audit_id_seq'', 1)');
SELECT nextval('bestauth.audit_id_seq') > 1 AS goes_on;
SELECT setval('bestauth.audit_id_seq', (SELECT max(audit_id) FROM bestauth.audit_log) + 20000) > 0 AS far;
SELECT value FROM bestauth.health WHERE check_name = 'audit_gaps';

-- Sessions and tokens that are long over, as the planner's figures have it.
SELECT * FROM health_test.changes('UPDATE pg_class SET reltuples = 5e6 WHERE oid IN (''bestauth.session''::regclass, ''bestauth.token''::regclass)');
SELECT * FROM health_test.changes('UPDATE bestauth.session SET expires_at = clock_timestamp() - interval ''29 days''',
	'UPDATE pg_class SET reltuples = 5e6 WHERE oid = ''bestauth.session''::regclass');
SELECT check_name, ok, round(value::numeric, -5) AS about FROM health_test.changes('UPDATE bestauth.session SET expires_at = clock_timestamp() - interval ''100 days''',
	'UPDATE pg_class SET reltuples = 1e6 WHERE oid = ''bestauth.session''::regclass');
SELECT check_name, ok, round(value::numeric, -5) AS about FROM health_test.changes('UPDATE bestauth.session SET expires_at = clock_timestamp() - interval ''100 days''',
	'UPDATE pg_class SET reltuples = 5e6 WHERE oid = ''bestauth.session''::regclass');

-- Closed, as a copy or a restored database is. No secret is in any of it.
SELECT * FROM health_test.changes('DELETE FROM bestauth.instance_open');
SELECT count(*) AS secrets FROM bestauth.health h, bestauth.credential c, bestauth.session s
WHERE strpos(h::text, c.password_hash) > 0 OR strpos(h::text, encode(s.token_hash, 'hex')) > 0 OR h::text LIKE '%dbname=%';

\c :home
DROP DATABASE regress_health;
DROP ROLE regress_health_auditor, regress_health_operator, regress_health_app, regress_health_plain;
