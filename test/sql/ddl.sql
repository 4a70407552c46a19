-- DDL on what bestauth relies on is told: a row of the audit, whoever did it; a partition of an
-- audited table is under audit from its first row on.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE ROLE regress_ddl_owner;
CREATE ROLE regress_ddl_strange;
GRANT CREATE ON DATABASE :DBNAME TO regress_ddl_owner;
CREATE SCHEMA ddl_test AUTHORIZATION regress_ddl_owner;
GRANT USAGE ON SCHEMA ddl_test TO PUBLIC;
SELECT bestauth.grant_access('regress_ddl_owner', 'application');
CREATE TEMP SEQUENCE mark;
SELECT setval('mark', max(audit_id)) IS NOT NULL AS marked FROM bestauth.audit_log;
CREATE FUNCTION pg_temp.news() RETURNS TABLE (action text, type text, object text, detail text, who text) LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	WITH found AS MATERIALIZED (SELECT a.*, max(audit_id) OVER () AS upto FROM bestauth.audit_log a WHERE audit_id > (SELECT last_value FROM mark))
	SELECT f.action, object_type, object_id, replace(replace(detail::text, '{"hidden": [], "ignored": [], ', '{'), '"command": ', ''), nullif(username, '') FROM found f, LATERAL (SELECT setval('pg_temp.mark', upto)) s ORDER BY audit_id
$$;
-- What a statement leaves in the audit, and is rolled back.
CREATE FUNCTION pg_temp.told(statement text) RETURNS SETOF text LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	BEGIN
		EXECUTE statement;
		RETURN QUERY SELECT concat_ws(' ', action, type, object, detail) FROM pg_temp.news();
		RAISE EXCEPTION 'undo';
	EXCEPTION WHEN raise_exception THEN
	WHEN OTHERS THEN
		RETURN NEXT SQLSTATE || ' ' || SQLERRM;
	END;
END
$$;

--
-- [J-10] Our own objects, whatever is done with them, by whoever may.
--
SELECT s, pg_temp.told(s) FROM unnest(ARRAY[
	'ALTER TABLE bestauth.company DISABLE TRIGGER rule', 'ALTER TABLE bestauth.company DISABLE TRIGGER ALL', 'ALTER TABLE bestauth.company ENABLE ALWAYS TRIGGER rule, ENABLE REPLICA TRIGGER guard', 'ALTER TABLE bestauth.company ENABLE TRIGGER USER',
	'ALTER TABLE bestauth.audit_log DISABLE TRIGGER guard', 'ALTER TABLE bestauth.company DISABLE ROW LEVEL SECURITY', 'ALTER TABLE bestauth.company NO FORCE ROW LEVEL SECURITY', 'ALTER TABLE bestauth.company OWNER TO regress_ddl_owner', 'ALTER TABLE bestauth.company ADD COLUMN x int, ALTER COLUMN name SET STATISTICS 7',
	'DROP TRIGGER rule ON bestauth.company', 'CREATE TRIGGER mine BEFORE INSERT ON bestauth.company FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()', 'ALTER TRIGGER rule ON bestauth.company RENAME TO "no rule"',
	'CREATE POLICY mine ON bestauth.token', 'ALTER POLICY auditor ON bestauth.company USING (true)', 'DROP POLICY auditor ON bestauth.company', 'CREATE RULE mine AS ON DELETE TO bestauth.company DO INSTEAD NOTHING',
	'ALTER TABLE bestauth.user_account DROP CONSTRAINT user_account_company_id_fkey', 'ALTER TABLE bestauth.company ADD CONSTRAINT mine CHECK (true)', 'CREATE INDEX mine ON bestauth.company (name)', 'CREATE STATISTICS bestauth.mine ON code, name FROM bestauth.company', 'ALTER TABLE bestauth.company ALTER COLUMN name SET STATISTICS 5',
	'ALTER FUNCTION bestauth.instance_name() SECURITY DEFINER', 'ALTER FUNCTION bestauth.instance_name() RENAME TO another', 'CREATE FUNCTION bestauth.mine() RETURNS int LANGUAGE sql AS ''SELECT 1''', 'CREATE OR REPLACE FUNCTION bestauth.instance_name() RETURNS text LANGUAGE sql AS ''SELECT ''''x''''''',
	'CREATE TABLE bestauth.mine (a int)', 'CREATE VIEW bestauth.mine AS SELECT 1 AS a', 'CREATE SEQUENCE bestauth.mine', 'CREATE TYPE bestauth.mine AS ENUM (''a'')', 'ALTER SCHEMA bestauth RENAME TO hidden', 'ALTER SCHEMA bestauth OWNER TO regress_ddl_owner', 'ALTER SEQUENCE bestauth.audit_id_seq CYCLE', 'ALTER VIEW bestauth.health RENAME TO illness',
	'GRANT SELECT, UPDATE ON bestauth.company, bestauth.token TO regress_ddl_owner, PUBLIC', 'REVOKE ALL ON bestauth.company FROM bestauth_owner', 'GRANT SELECT (code) ON bestauth.company TO regress_ddl_owner', 'GRANT EXECUTE ON FUNCTION bestauth.instance_name() TO PUBLIC', 'GRANT CREATE ON SCHEMA bestauth TO regress_ddl_owner', 'GRANT USAGE ON TYPE bestauth.login_result TO PUBLIC',
	'ALTER EXTENSION bestauth DROP VIEW bestauth.health', 'DROP TABLE bestauth.company CASCADE', 'DROP SCHEMA bestauth CASCADE', 'CREATE TABLE ddl_test.partition PARTITION OF bestauth.audit_log FOR VALUES FROM (''1999-01-01'') TO (''1999-02-01'')',
	'COMMENT ON TABLE bestauth.company IS ''x''', 'ANALYZE bestauth.company', 'SELECT bestauth.grant_access(''regress_ddl_strange'', ''reader'')', 'DO $x$ BEGIN EXECUTE ''CREATE TABLE bestauth.within (a int)''; END $x$']) WITH ORDINALITY v (s, n);
SET client_min_messages = error;
CREATE PUBLICATION regress_ddl;
SELECT pg_temp.told('ALTER PUBLICATION regress_ddl ADD TABLE bestauth.company');
DROP PUBLICATION regress_ddl;
SET client_min_messages = warning;
-- Also what SET ROLE makes look like our own doing.
BEGIN;
SET LOCAL ROLE bestauth_owner;
ALTER TABLE bestauth.company DISABLE TRIGGER guard;
RESET ROLE;
SELECT * FROM pg_temp.news();
ROLLBACK;
-- A partition of the audit that is dropped, this month's too.
BEGIN;
SELECT format('DROP TABLE bestauth.audit_log_%s', to_char(clock_timestamp() AT TIME ZONE 'UTC', '"y"YYYY"m"MM')) AS statement \gset
SELECT count(*) AS before FROM pg_inherits WHERE inhparent = 'bestauth.audit_log'::regclass \gset
:statement;
SELECT action, object_type, object_id = split_part(:'statement', ' ', 3) AS this_month, detail FROM bestauth.audit_log WHERE action LIKE 'schema%' ORDER BY audit_id DESC LIMIT 1;
SELECT count(*) - :before AS fewer FROM pg_inherits WHERE inhparent = 'bestauth.audit_log'::regclass;
ROLLBACK;
-- A partition that is taken out of the audit.
BEGIN;
SELECT min(inhrelid::regclass::text) AS partition FROM pg_inherits WHERE inhparent = 'bestauth.audit_log'::regclass AND NOT EXISTS (SELECT FROM bestauth.audit_log a WHERE a.tableoid = inhrelid) \gset
ALTER TABLE bestauth.audit_log DETACH PARTITION :partition;
SELECT action, type, object, detail FROM pg_temp.news();
ROLLBACK;

--
-- What is none of ours is left alone, whoever does it and however.
--
SET ROLE regress_ddl_owner;
CREATE TABLE ddl_test.plain (a int PRIMARY KEY, b text);
CREATE INDEX ON ddl_test.plain (b);
ALTER TABLE ddl_test.plain ADD COLUMN c int, DISABLE TRIGGER ALL, ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON ddl_test.plain USING (true);
CREATE TABLE ddl_test.company (a int);
CREATE FUNCTION ddl_test.f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER rule BEFORE INSERT ON ddl_test.company FOR EACH ROW EXECUTE FUNCTION ddl_test.f();
DROP TRIGGER rule ON ddl_test.company;
CREATE TEMP TABLE passing (a int);
CREATE TEMP TABLE passing_too AS SELECT 1 AS a;
SELECT 1 AS a INTO TEMP passing_three;
ALTER TABLE passing ADD COLUMN b int;
DROP TABLE passing, passing_too;
CREATE TABLE ddl_test.parts (a int) PARTITION BY LIST (a);
CREATE TABLE ddl_test.part PARTITION OF ddl_test.parts FOR VALUES IN (1);
ALTER TABLE ddl_test.parts DETACH PARTITION ddl_test.part;
ALTER TABLE ddl_test.parts ATTACH PARTITION ddl_test.part FOR VALUES IN (1);
CREATE SCHEMA ddl_more CREATE TABLE t (a int) CREATE VIEW v AS SELECT a FROM t;
CREATE MATERIALIZED VIEW ddl_more.m AS SELECT 1 AS a;
REFRESH MATERIALIZED VIEW ddl_more.m;
GRANT SELECT ON ALL TABLES IN SCHEMA ddl_test TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA ddl_test GRANT SELECT ON TABLES TO PUBLIC;
DROP SCHEMA ddl_more CASCADE;
DROP TABLE ddl_test.company, ddl_test.parts;
DROP POLICY mine ON ddl_test.plain;
RESET ROLE;
CREATE EXTENSION hstore SCHEMA ddl_test;
DROP EXTENSION hstore;
SET client_min_messages = error;
CREATE PUBLICATION regress_ddl FOR TABLE ddl_test.plain;
ALTER PUBLICATION regress_ddl DROP TABLE ddl_test.plain;
ALTER PUBLICATION regress_ddl ADD TABLE ddl_test.plain;
SET client_min_messages = warning;
SELECT * FROM pg_temp.news();

--
-- An application's tables: what isolates or audits them, but for what bestauth's own functions
-- do, and the tables themselves.
--
SET ROLE regress_ddl_owner;
CREATE SCHEMA ddl_two;
CREATE TABLE ddl_test.isolated (id int PRIMARY KEY, company_id uuid NOT NULL);
SELECT bestauth.audit_table('ddl_test.plain'), bestauth.isolate_table('ddl_test.isolated');
SELECT bestauth.unaudit_table('ddl_test.plain'), bestauth.unisolate_table('ddl_test.isolated');
SELECT bestauth.audit_table('ddl_test.plain'), bestauth.isolate_table('ddl_test.isolated');
SELECT bestauth.audit_table('ddl_test.plain', hidden => '{b}');
RESET ROLE;
SELECT action, object FROM pg_temp.news();
SET ROLE regress_ddl_owner;
SELECT s, pg_temp.told(s) FROM unnest(ARRAY[
	'ALTER TABLE ddl_test.plain DISABLE TRIGGER bestauth_audit_update', 'ALTER TABLE ddl_test.plain DISABLE TRIGGER ALL', 'ALTER TABLE ddl_test.plain DISABLE TRIGGER USER', 'ALTER TABLE ddl_test.plain ENABLE REPLICA TRIGGER bestauth_audit_insert', 'DROP TRIGGER bestauth_audit_truncate ON ddl_test.plain', 'ALTER TRIGGER bestauth_audit_truncate ON ddl_test.plain RENAME TO x',
	'CREATE OR REPLACE TRIGGER bestauth_audit_truncate AFTER TRUNCATE ON ddl_test.plain EXECUTE FUNCTION ddl_test.f()', 'CREATE TRIGGER mine BEFORE INSERT ON ddl_test.plain FOR EACH ROW EXECUTE FUNCTION ddl_test.f()', 'CREATE RULE mine AS ON DELETE TO ddl_test.plain DO INSTEAD NOTHING', 'ALTER TABLE ddl_test.plain RENAME b TO bb', 'ALTER TABLE ddl_test.plain RENAME TO plane',
	'ALTER TABLE ddl_test.plain ALTER COLUMN b TYPE int USING 7', 'ALTER TABLE ddl_test.plain DROP COLUMN c, ADD COLUMN d int', 'ALTER TABLE ddl_test.plain SET SCHEMA ddl_two', 'DROP TABLE ddl_test.plain', 'DROP TABLE ddl_test.plain, ddl_test.isolated',
	'ALTER POLICY bestauth_company ON ddl_test.isolated USING (true)', 'ALTER POLICY bestauth_company ON ddl_test.isolated RENAME TO x', 'DROP POLICY bestauth_rows ON ddl_test.isolated', 'CREATE POLICY mine ON ddl_test.isolated USING (true)', 'ALTER TABLE ddl_test.isolated DISABLE ROW LEVEL SECURITY', 'ALTER TABLE ddl_test.isolated NO FORCE ROW LEVEL SECURITY', 'ALTER TABLE ddl_test.isolated DROP COLUMN company_id CASCADE',
	'CREATE INDEX ON ddl_test.plain (c)', 'COMMENT ON TABLE ddl_test.plain IS ''x''', 'GRANT SELECT ON ddl_test.plain TO PUBLIC', 'ANALYZE ddl_test.plain', 'CREATE VIEW ddl_test.v AS SELECT * FROM ddl_test.plain', 'ALTER TABLE ddl_test.plain_pkey RENAME TO p']) WITH ORDINALITY v (s, n) ORDER BY n;
RESET ROLE;
SELECT pg_temp.told('ALTER PUBLICATION regress_ddl ADD TABLE ddl_test.isolated');
-- What others put on such a table, when it goes; a column that goes with its type. Not twice, where
-- ALTER TABLE says it, and not what a table loses that is neither isolated nor under audit.
SET ROLE regress_ddl_owner;
CREATE DOMAIN ddl_test.word AS text;
ALTER TABLE ddl_test.plain ADD COLUMN word ddl_test.word, ADD COLUMN other ddl_test.word;
CREATE TABLE ddl_test.unwatched (id int, word ddl_test.word);
CREATE TRIGGER mine BEFORE INSERT ON ddl_test.plain FOR EACH ROW EXECUTE FUNCTION ddl_test.f();
CREATE TRIGGER mine BEFORE INSERT ON ddl_test.unwatched FOR EACH ROW EXECUTE FUNCTION ddl_test.f();
CREATE RULE mine AS ON DELETE TO ddl_test.plain DO INSTEAD NOTHING;
CREATE POLICY mine ON ddl_test.isolated AS RESTRICTIVE USING (false);
CREATE POLICY mine ON ddl_test.unwatched USING (false);
SELECT count(*) > 0 AS before FROM pg_temp.news();
SELECT s, pg_temp.told(s) FROM unnest(ARRAY['DROP TRIGGER mine ON ddl_test.plain', 'DROP RULE mine ON ddl_test.plain', 'DROP POLICY mine ON ddl_test.isolated', 'DROP DOMAIN ddl_test.word CASCADE', 'DROP FUNCTION ddl_test.f() CASCADE',
	'ALTER TABLE ddl_test.plain DROP COLUMN word', 'DROP TRIGGER mine ON ddl_test.unwatched', 'DROP POLICY mine ON ddl_test.unwatched', 'DROP TABLE ddl_test.unwatched']) WITH ORDINALITY v (s, n) ORDER BY n;
DROP RULE mine ON ddl_test.plain;
DROP DOMAIN ddl_test.word CASCADE;
DROP TRIGGER mine ON ddl_test.plain;
DROP POLICY mine ON ddl_test.isolated;
RESET ROLE;
SELECT count(*) AS told FROM pg_temp.news();
DROP PUBLICATION regress_ddl;
SELECT regexp_replace(pg_temp.told('DROP OWNED BY regress_ddl_owner'), '[0-9][0-9]+', 'many');
-- In a session it is the session's doing; undone, it leaves no row.
SELECT bestauth.create_company('ddl', 'DDL') IS NOT NULL AS made, bestauth.create_user('dora', 'company_administrator', 'Dora', 'Test', 'dora@ddl.example', 'seven green boats of dora', company => 'ddl') IS NOT NULL AS made;
SELECT session_token FROM bestauth.login('ddl', 'dora', 'seven green boats of dora') \gset x_
SELECT count(*) > 0 AS before FROM pg_temp.news();
BEGIN;
SELECT count(*) AS used FROM bestauth.use_session(:'x_session_token');
SET LOCAL ROLE regress_ddl_owner;
ALTER TABLE ddl_test.plain DISABLE TRIGGER bestauth_audit_update;
SAVEPOINT s;
DROP TABLE ddl_test.plain;
ROLLBACK TO s;
ALTER TABLE ddl_test.plain ENABLE ALWAYS TRIGGER bestauth_audit_update;
COMMIT;
SELECT * FROM pg_temp.news() WHERE action LIKE 'schema%';
-- While the instance is closed nothing is written, and nothing stands in the way.
BEGIN;
DELETE FROM bestauth.instance_open;
ALTER TABLE bestauth.company DISABLE TRIGGER rule;
ALTER TABLE ddl_test.plain DISABLE TRIGGER ALL;
SET LOCAL ROLE regress_ddl_owner;
CREATE TABLE ddl_test.meanwhile (a int);
DROP TRIGGER bestauth_audit_update ON ddl_test.plain;
DROP TABLE ddl_test.plain;
RESET ROLE;
SELECT action FROM pg_temp.news();
ROLLBACK;
SELECT setval('mark', max(audit_id)) IS NOT NULL AS marked FROM bestauth.audit_log;

--
-- A new partition has its triggers in the same statement; also where its owner may not call
-- bestauth at all. What does not concern it is not locked.
--
SET ROLE regress_ddl_owner;
CREATE TABLE ddl_test.claim (id int, part int, v text, secret text, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
CREATE TABLE ddl_test.claim1 PARTITION OF ddl_test.claim FOR VALUES IN (1);
SELECT bestauth.audit_table('ddl_test.claim', hidden => '{secret}');
RESET ROLE;
SELECT bestauth.revoke_access('regress_ddl_owner', 'application');
SELECT action, object FROM pg_temp.news() WHERE action <> 'row.deleted';
SET ROLE regress_ddl_owner;
SELECT has_schema_privilege('bestauth', 'USAGE') AS may_use;
BEGIN;
CREATE TABLE ddl_test.claim2 PARTITION OF ddl_test.claim FOR VALUES IN (2);
INSERT INTO ddl_test.claim2 VALUES (1, 2, 'first', 's');
SELECT relation::regclass, mode FROM pg_locks WHERE pid = pg_backend_pid() AND relation IN ('ddl_test.claim'::regclass, 'ddl_test.claim1'::regclass) AND mode ~ 'Exclusive' ORDER BY 1, 2;
COMMIT;
CREATE TABLE ddl_test.claim3 (secret text, v text, part int NOT NULL, id int NOT NULL);
CREATE TABLE ddl_test.claim4 (LIKE ddl_test.claim INCLUDING ALL) PARTITION BY LIST (part);
CREATE TABLE ddl_test.claim44 PARTITION OF ddl_test.claim4 FOR VALUES IN (4);
INSERT INTO ddl_test.claim3 VALUES ('s', 'before', 3, 1);
BEGIN;
ALTER TABLE ddl_test.claim ATTACH PARTITION ddl_test.claim3 FOR VALUES IN (3);
ALTER TABLE ddl_test.claim ATTACH PARTITION ddl_test.claim4 FOR VALUES IN (4, 5);
SELECT relation::regclass, mode FROM pg_locks WHERE pid = pg_backend_pid() AND relation IN ('ddl_test.claim1'::regclass, 'ddl_test.claim2'::regclass) ORDER BY 1, 2;
COMMIT;
CREATE TABLE ddl_test.claim45 PARTITION OF ddl_test.claim4 FOR VALUES IN (5);
INSERT INTO ddl_test.claim3 VALUES ('s', 'after', 3, 2);
INSERT INTO ddl_test.claim44 VALUES (1, 4, 'after', 's');
INSERT INTO ddl_test.claim45 VALUES (1, 5, 'after', 's');
UPDATE ddl_test.claim SET part = 3, id = 9, v = 'moved' WHERE part = 4;
RESET ROLE;
SELECT action, object_type, object_id, old_values, new_values, detail FROM bestauth.audit_log WHERE audit_id > (SELECT last_value FROM mark) ORDER BY audit_id;
SELECT relation, hidden, enabled, problem FROM bestauth.audited_tables WHERE relation::text LIKE 'ddl\_test.claim%' ORDER BY relation::text COLLATE "C";
SELECT obj_description(oid, 'pg_trigger') FROM pg_trigger WHERE tgrelid = 'ddl_test.claim2'::regclass AND tgname = 'bestauth_audit_insert';
SELECT count(*) FROM pg_temp.news();
-- One that is detached keeps them; attached to another table under audit it gets those of that;
-- to one that is not, it is told.
SET ROLE regress_ddl_owner;
ALTER TABLE ddl_test.claim DETACH PARTITION ddl_test.claim2;
INSERT INTO ddl_test.claim2 VALUES (2, 2, 'detached', 's');
CREATE TABLE ddl_test.other (id int, part int, v text, secret text) PARTITION BY LIST (part);
ALTER TABLE ddl_test.other ATTACH PARTITION ddl_test.claim2 FOR VALUES IN (2);
RESET ROLE;
SELECT action, object_type, object_id, new_values FROM bestauth.audit_log WHERE audit_id > (SELECT last_value FROM mark) ORDER BY audit_id;
SELECT relation, enabled, problem FROM bestauth.audited_tables WHERE relation = 'ddl_test.claim2'::regclass;
SELECT ok, value FROM bestauth.health WHERE check_name = 'audited_tables';
SELECT bestauth.audit_table('ddl_test.other', '{id}', ignored => '{v}');
SELECT relation, id_columns, hidden, ignored, problem FROM bestauth.audited_tables WHERE relation = 'ddl_test.claim2'::regclass;
ALTER TABLE ddl_test.other DETACH PARTITION ddl_test.claim2;
ALTER TABLE ddl_test.claim ATTACH PARTITION ddl_test.claim2 FOR VALUES IN (2);
SELECT relation, id_columns, hidden, ignored, problem FROM bestauth.audited_tables WHERE relation = 'ddl_test.claim2'::regclass;
-- What can have no triggers is told; statements that name the parent can't write there.
CREATE FOREIGN DATA WRAPPER regress_ddl_fdw;
CREATE SERVER regress_ddl_server FOREIGN DATA WRAPPER regress_ddl_fdw;
CREATE TABLE ddl_test.loose (id int, part int, v text) PARTITION BY LIST (part);
SELECT bestauth.audit_table('ddl_test.loose', '{}');
CREATE FOREIGN TABLE ddl_test.away PARTITION OF ddl_test.loose FOR VALUES IN (1) SERVER regress_ddl_server;
SELECT relation, enabled, problem FROM bestauth.audited_tables WHERE relation::text LIKE 'ddl\_test.%' AND problem IS NOT NULL;
SELECT regress.attempt($$SELECT bestauth.audit_table('ddl_test.loose', '{}')$$);
DROP FOREIGN DATA WRAPPER regress_ddl_fdw CASCADE;
-- A trigger that is missing from a partition, or was given something else by hand.
DROP TRIGGER bestauth_audit_insert ON ddl_test.claim1;
DROP TRIGGER bestauth_audit_merge ON ddl_test.claim4;
DROP TRIGGER bestauth_audit_move ON ddl_test.claim44;
ALTER TABLE ddl_test.claim DETACH PARTITION ddl_test.claim3;
SELECT bestauth.audit_table('ddl_test.claim3', '{id,part}');
ALTER TABLE ddl_test.claim ATTACH PARTITION ddl_test.claim3 FOR VALUES IN (3);
SELECT relation, hidden, enabled, problem FROM bestauth.audited_tables WHERE relation::text LIKE 'ddl\_test.claim%' ORDER BY relation::text COLLATE "C";
SELECT bestauth.audit_table('ddl_test.claim', hidden => '{secret}');
SELECT relation FROM bestauth.audited_tables WHERE relation::text LIKE 'ddl\_test.claim%' AND problem IS NOT NULL;
SELECT bestauth.unaudit_table('ddl_test.claim');
SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgname LIKE 'bestauth%' AND tgrelid::regclass::text LIKE 'ddl\_test.claim%';

--
-- The event triggers themselves: health looks after them.
--
SELECT evtname, evtevent, evtenabled, evtowner::regrole::text = (SELECT rolname FROM pg_roles WHERE oid = 10) AS superusers, obj_description(oid, 'pg_event_trigger') FROM pg_event_trigger WHERE evtname LIKE 'bestauth%' ORDER BY 1;
BEGIN;
ALTER EVENT TRIGGER bestauth_ddl DISABLE;
ALTER EVENT TRIGGER bestauth_drop ENABLE;
SELECT ok, value FROM bestauth.health WHERE check_name = 'triggers_enabled';
ROLLBACK;
BEGIN;
ALTER EVENT TRIGGER bestauth_ddl RENAME TO another;
SELECT ok, value FROM bestauth.health WHERE check_name = 'triggers_present';
ROLLBACK;
SELECT regress.attempt('DROP EVENT TRIGGER bestauth_drop');
SELECT check_name, ok FROM bestauth.health WHERE check_name IN ('triggers_enabled', 'triggers_present', 'audited_tables') ORDER BY 1;
SELECT regress.attempt('SELECT bestauth.ddl_tg()'), regress.attempt('SELECT bestauth.drop_tg()');

DROP SCHEMA ddl_test, ddl_two CASCADE;
DROP OWNED BY regress_ddl_owner;
DROP ROLE regress_ddl_owner, regress_ddl_strange;
