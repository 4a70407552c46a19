-- Tables of an application under audit [AUD-5]: put there by one call, taken from it by another;
-- every statement that changes their rows; and what an application says was read.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE ROLE regress_atable_owner;
CREATE ROLE regress_atable_app;
CREATE ROLE regress_atable_writer;
CREATE ROLE regress_atable_reader;
CREATE ROLE regress_atable_auditor;
CREATE ROLE regress_atable_none;
CREATE SCHEMA atable AUTHORIZATION regress_atable_owner;
GRANT USAGE ON SCHEMA atable, regress TO PUBLIC;
DO $$
BEGIN
	PERFORM bestauth.grant_access(('regress_atable_' || name)::regrole, access) FROM (VALUES ('owner', 'application'), ('app', 'application'), ('reader', 'reader'), ('auditor', 'auditor')) v (name, access);
	PERFORM bestauth.create_company('atable_up', 'Parent'), bestauth.create_company('atable_kid', 'Child', 'atable_up'), bestauth.create_company('atable_svc', 'Service');
	PERFORM bestauth.register_billing_service('atable_svc');
	PERFORM bestauth.create_user(username, user_type, username, 'Test', username || '@atable.example', 'seven green boats of ' || username, company => company)
	FROM (VALUES ('adam', 'company_administrator', 'atable_up'), ('pia', 'restricted', 'atable_svc')) v (username, user_type, company);
	PERFORM bestauth.create_user('key', 'billing', NULL, 'Parent', NULL, 'seven green boats of key', 'atable_svc', company => 'atable_up');
END
$$;
CREATE TEMP TABLE token AS SELECT username, session_token AS token FROM (VALUES ('atable_up', 'adam'), ('atable_svc', 'pia')) v (company, username), LATERAL bestauth.login(company, username, 'seven green boats of ' || username);
INSERT INTO token SELECT 'key', two.session_token FROM bestauth.login('atable_up', 'key', 'seven green boats of key') one, token, LATERAL bestauth.login_second_part_session(one.challenge_token, token) two WHERE username = 'pia';
CREATE TEMP TABLE place AS SELECT replace(code, 'atable_', '') AS place, company_id FROM bestauth.company WHERE code LIKE 'atable\_%';
GRANT SELECT ON token, place TO PUBLIC;
SELECT count(token) AS sessions FROM token;
CREATE FUNCTION pg_temp.use(username text) RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT user_type FROM token t, LATERAL bestauth.use_session(token) JOIN bestauth.user_account USING (user_id) WHERE t.username = $1 $$;
CREATE FUNCTION pg_temp.id(place text) RETURNS uuid LANGUAGE sql SECURITY DEFINER AS $$ SELECT company_id FROM place p WHERE p.place = $1 $$;
-- The audit since it was asked last, with the codes of companies for their ids.
CREATE TEMP SEQUENCE mark;
SELECT setval('mark', max(audit_id)) IS NOT NULL AS marked FROM bestauth.audit_log;
CREATE FUNCTION pg_temp.coded(v jsonb) RETURNS text LANGUAGE sql AS $$ SELECT replace(replace(v::text, pg_temp.id('kid')::text, 'kid'), pg_temp.id('up')::text, 'up') $$;
CREATE FUNCTION pg_temp.news() RETURNS TABLE (action text, object text, id text, company text, old text, new text, detail text) LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	WITH found AS MATERIALIZED (SELECT a.*, max(audit_id) OVER () AS upto FROM bestauth.audit_log a WHERE audit_id > (SELECT last_value FROM mark))
	SELECT f.action, regexp_replace(object_type, '^atable\.', ''), object_id, replace(company_code, 'atable_', ''), pg_temp.coded(old_values), pg_temp.coded(new_values), detail::text
	FROM found f, LATERAL (SELECT setval('pg_temp.mark', upto)) s ORDER BY audit_id
$$;
-- The triggers of a table, as they are.
CREATE FUNCTION pg_temp.triggers(relation regclass) RETURNS SETOF text LANGUAGE sql SET search_path = pg_catalog AS $$
	SELECT concat(tgenabled, ' ', replace(pg_get_triggerdef(oid), 'bestauth.', ''), ' -- ', left(obj_description(oid, 'pg_trigger'), 12)) FROM pg_trigger WHERE tgrelid = relation AND NOT tgisinternal ORDER BY tgname
$$;

SET ROLE regress_atable_owner;
CREATE TABLE atable.chart (chart_id int PRIMARY KEY, company_id uuid, patient text, ssn text, seen int DEFAULT 0, note text);
CREATE TABLE atable.plain (a int, b text);
GRANT ALL ON ALL TABLES IN SCHEMA atable TO regress_atable_writer, regress_atable_app;
RESET ROLE;

--
-- What can't be under audit, and who can't put it there.
--
SET ROLE regress_atable_owner;
CREATE VIEW atable.plain_view AS SELECT * FROM atable.chart;
CREATE MATERIALIZED VIEW atable.stored AS SELECT * FROM atable.chart;
CREATE SEQUENCE atable.numbers;
CREATE DOMAIN atable.company_ref AS uuid;
CREATE TABLE atable.odd (company_id text, by_domain atable.company_ref, gone uuid);
ALTER TABLE atable.odd DROP COLUMN gone;
CREATE TEMP TABLE passing (company_id uuid);
CREATE TYPE atable.pair AS (company_id uuid);
RESET ROLE;
CREATE FOREIGN DATA WRAPPER regress_atable_fdw;
CREATE SERVER regress_atable_server FOREIGN DATA WRAPPER regress_atable_fdw;
CREATE FOREIGN TABLE atable.remote (company_id uuid) SERVER regress_atable_server;
ALTER FOREIGN TABLE atable.remote OWNER TO regress_atable_owner;
SELECT f || '(' || a || ')' AS call, regress.attempt(format('SELECT bestauth.%s(%s)', f, a)) FROM unnest('{audit_table,unaudit_table}'::text[]) f, unnest(ARRAY['NULL', '''atable.plain_view''', '''atable.stored''', '''atable.numbers''', '''atable.chart_pkey''',
	'''atable.remote''', '''atable.pair''', '''pg_temp.passing''', '0::oid', '''atable.nowhere''', '''pg_catalog.pg_class''', '''information_schema.sql_features''', '''bestauth.company''', '''bestauth.audit_log''', '''bestauth.audited_tables''']) a;
-- Columns: not there, twice, in two lists, no array.
SELECT a, regress.attempt(format('SELECT bestauth.audit_table(''atable.chart'', %s)', a)) FROM unnest(ARRAY['''{missing}''', '''{chart_id,chart_id}''', '''{NULL}''', '''{{chart_id},{patient}}''', '''{ctid}''', '''{""}''', 'hidden => ''{missing}''', 'ignored => ''{CHART_ID}''',
	'hidden => ''{ssn}'', ignored => ''{seen,ssn}''', 'hidden => ''{chart_id}''', '''{patient}'', ''{patient}''', 'company_column => ''missing''', 'company_column => ''patient''', 'company_column => ''''']) a;
SELECT c, regress.attempt(format('SELECT bestauth.audit_table(''atable.odd'', ''{}'', company_column => %L)', c)) FROM unnest('{company_id,by_domain,gone,tableoid,........pg.dropped.3........}'::text[]) c;
-- Whose it is not neither does it nor locks the table, whatever may be done with it otherwise.
SET ROLE regress_atable_app;
BEGIN;
SELECT regress.attempt($$SELECT bestauth.audit_table('atable.chart')$$), regress.attempt($$SELECT bestauth.unaudit_table('atable.chart')$$);
SELECT mode FROM pg_locks WHERE relation = 'atable.chart'::regclass AND pid = pg_backend_pid();
ROLLBACK;
SELECT regress.attempt($$SELECT bestauth.audit_table('bestauth.company')$$), regress.attempt($$SELECT bestauth.audit_table('pg_catalog.pg_class')$$);
SET ROLE regress_atable_none;
SELECT regress.attempt($$SELECT bestauth.audit_table('atable.chart')$$);
SET ROLE regress_atable_auditor;
SELECT regress.attempt($$SELECT bestauth.audit_table('atable.chart')$$);
SET ROLE regress_atable_owner;
BEGIN READ ONLY;
SELECT regress.attempt($$SELECT bestauth.audit_table('atable.chart')$$), regress.attempt($$SELECT bestauth.unaudit_table('atable.chart')$$);
ROLLBACK;
SELECT regress.attempt($$SELECT bestauth.unaudit_table('atable.chart')$$);
RESET ROLE;
BEGIN;
DELETE FROM bestauth.instance_open;
SELECT regress.attempt($$SELECT bestauth.audit_table('atable.chart')$$), regress.attempt($$SELECT bestauth.unaudit_table('atable.chart')$$);
ROLLBACK;
SELECT count(*) AS triggers FROM pg_trigger WHERE tgname LIKE 'bestauth%';
SELECT * FROM pg_temp.news();

--
-- Put there, by the owner, who holds no more than the application's access. Again, without
-- anything to do; with other options; with something missing.
--
SET ROLE regress_atable_owner;
SELECT bestauth.audit_table('atable.chart');
RESET ROLE;
SELECT pg_temp.triggers('atable.chart');
SELECT * FROM bestauth.audited_tables WHERE relation = 'atable.chart'::regclass;
SET ROLE regress_atable_owner;
SELECT bestauth.audit_table('atable.chart');
SELECT bestauth.audit_table('atable.chart', '{patient,chart_id}', '{ssn}', '{seen}', NULL);
SELECT bestauth.audit_table('atable.chart', '{patient,chart_id}', '{ssn}', '{seen}', 'company_id');
RESET ROLE;
SELECT pg_temp.triggers('atable.chart');
SELECT * FROM bestauth.audited_tables WHERE relation = 'atable.chart'::regclass;
SET ROLE regress_atable_owner;
SELECT bestauth.audit_table('atable.chart', hidden => '{ssn}', ignored => '{seen}');
SET client_min_messages = notice;
SELECT bestauth.audit_table('atable.plain');
SELECT bestauth.audit_table('atable.plain', '{}'), bestauth.audit_table('atable.plain', '{}', NULL, NULL, NULL);
SET client_min_messages = warning;
RESET ROLE;
SELECT * FROM pg_temp.news();
-- In the caller's transaction: undone with it. In a session it is the session's doing.
BEGIN;
SET LOCAL ROLE regress_atable_owner;
SELECT pg_temp.use('key');
SELECT bestauth.unaudit_table('atable.plain');
INSERT INTO atable.plain VALUES (0, 'not under audit');
RESET ROLE;
SELECT action, company_code, username, person, db_role = session_user AS db_role FROM bestauth.audit_log WHERE audit_id > (SELECT last_value FROM mark);
ROLLBACK;
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 'atable.plain'::regclass;

--
-- Who: both identities of a session, and without one the role alone. What: the row's company,
-- or the session's. By a role without any privilege on bestauth.
--
SET ROLE regress_atable_writer;
SELECT regress.attempt('SELECT bestauth.current_user_id()'), regress.attempt('TABLE bestauth.audit_log');
INSERT INTO atable.chart VALUES (1, pg_temp.id('kid'), 'Ann', '123', 5);
INSERT INTO atable.plain VALUES (1, 'one');
BEGIN;
SELECT pg_temp.use('key');
UPDATE atable.chart SET patient = 'Anne';
UPDATE atable.plain SET b = 'two';
COMMIT;
BEGIN;
SELECT pg_temp.use('adam');
INSERT INTO atable.chart VALUES (2, NULL, 'Bob', NULL, 6), (3, '00000000-0000-0000-0000-000000000000', 'Cid', '', 7);
COMMIT;
RESET ROLE;
SELECT action, object_type, object_id, company_code, username, person, billing_service_code AS service, session_id IS NOT NULL AS session, db_role = session_user AS db_role, outcome FROM bestauth.audit_log WHERE audit_id > (SELECT last_value FROM mark) ORDER BY audit_id;
SELECT * FROM pg_temp.news();

--
-- What: changed columns alone, no row for no change. Hidden columns show that they changed,
-- ignored ones nothing.
--
SET ROLE regress_atable_writer;
UPDATE atable.chart SET note = 'x', patient = patient WHERE chart_id = 1;
UPDATE atable.chart SET note = note, patient = patient;
UPDATE atable.chart SET seen = seen + 1;
UPDATE atable.chart SET ssn = '124' WHERE chart_id = 1;
UPDATE atable.chart SET ssn = ssn, seen = 0 WHERE chart_id = 1;
UPDATE atable.chart SET ssn = NULL, note = NULL WHERE chart_id = 1;
UPDATE atable.chart SET chart_id = 10 WHERE chart_id = 1;
UPDATE atable.chart SET company_id = pg_temp.id('up') WHERE chart_id = 10;
UPDATE atable.chart SET patient = 'nobody' WHERE chart_id = 99;
DELETE FROM atable.chart WHERE chart_id = 99;
INSERT INTO atable.chart SELECT * FROM atable.chart WHERE false;
DELETE FROM atable.chart WHERE chart_id = 10;
RESET ROLE;
SELECT * FROM pg_temp.news();

-- [AUD-2] A row that goes to another company: neither sees what it was, or became, in the other.
SET ROLE regress_atable_writer;
INSERT INTO atable.chart SELECT id, CASE WHEN id <> 14 THEN pg_temp.id('kid') END, 'P' || id FROM generate_series(11, 14) id;
RESET ROLE;
SELECT count(*) AS inserted FROM pg_temp.news();
SET ROLE regress_atable_writer;
UPDATE atable.chart SET company_id = CASE chart_id WHEN 11 THEN pg_temp.id('up') WHEN 13 THEN NULL ELSE pg_temp.id('kid') END, patient = 'new ' || chart_id WHERE chart_id BETWEEN 11 AND 14;
RESET ROLE;
SELECT action, id, company, old::jsonb - '{ssn,note,seen}'::text[] AS old, new::jsonb - '{ssn,note,seen}'::text[] AS new FROM pg_temp.news() ORDER BY id, action DESC;
SET ROLE regress_atable_writer;
DELETE FROM atable.chart WHERE chart_id BETWEEN 11 AND 14;
RESET ROLE;
SELECT count(*) AS deleted FROM pg_temp.news();

--
-- By whatever statement.
--
SET ROLE regress_atable_writer;
COPY atable.chart (chart_id, patient) FROM STDIN;
20	Dan
21	Eve
\.
INSERT INTO atable.chart VALUES (20, NULL, 'Dana'), (22, NULL, 'Flo') ON CONFLICT (chart_id) DO UPDATE SET patient = excluded.patient WHERE atable.chart.chart_id < 30;
INSERT INTO atable.chart VALUES (20, NULL, 'nobody') ON CONFLICT DO NOTHING;
INSERT INTO atable.chart VALUES (20, NULL, 'nobody') ON CONFLICT (chart_id) DO UPDATE SET patient = atable.chart.patient;
RESET ROLE;
SELECT * FROM pg_temp.news();
SET ROLE regress_atable_writer;
MERGE INTO atable.chart c USING (VALUES (20, 'gone'), (21, 'Eva'), (23, 'Gus'), (22, 'same')) v (id, patient) ON c.chart_id = v.id
	WHEN MATCHED AND v.patient = 'gone' THEN DELETE WHEN MATCHED AND v.patient = 'same' THEN DO NOTHING WHEN MATCHED THEN UPDATE SET patient = v.patient WHEN NOT MATCHED THEN INSERT (chart_id, patient) VALUES (v.id, v.patient);
RESET ROLE;
SELECT * FROM pg_temp.news() ORDER BY action, id;
SET ROLE regress_atable_writer;
-- Several changes in one statement: each is there, whatever PostgreSQL's order is.
WITH one AS (UPDATE atable.chart SET note = 'first' WHERE chart_id = 21 RETURNING *), two AS (UPDATE atable.chart SET note = 'second' WHERE chart_id = 22), three AS (DELETE FROM atable.chart WHERE chart_id = 23), four AS (INSERT INTO atable.plain SELECT chart_id, 'by ' || patient FROM one)
INSERT INTO atable.chart (chart_id, patient) SELECT chart_id + 10, patient FROM one;
RESET ROLE;
SELECT * FROM pg_temp.news() ORDER BY action, object, id, new;
SET ROLE regress_atable_writer;
TRUNCATE atable.plain;
SELECT a, b FROM atable.plain;
CREATE TEMP TABLE other (a int);
GRANT SELECT ON other TO PUBLIC;
UPDATE atable.chart c SET note = 'joined' FROM other WHERE other.a = c.chart_id;
DELETE FROM atable.chart c USING place p WHERE c.chart_id = 31 AND p.place = 'up';
RESET ROLE;
SELECT * FROM pg_temp.news();

--
-- Rolled back: no row. Savepoints, and what plpgsql catches, take their rows with them [J-02].
--
SET ROLE regress_atable_writer;
BEGIN;
INSERT INTO atable.plain VALUES (1, 'kept');
SAVEPOINT s;
INSERT INTO atable.plain VALUES (2, 'rolled back');
ROLLBACK TO s;
INSERT INTO atable.plain VALUES (3, 'kept too');
SAVEPOINT t;
UPDATE atable.plain SET b = 'released' WHERE a = 3;
RELEASE t;
COMMIT;
BEGIN;
DELETE FROM atable.plain;
ROLLBACK;
DO $$
BEGIN
	BEGIN
		INSERT INTO atable.plain VALUES (4, 'caught');
		RAISE EXCEPTION 'no';
	EXCEPTION WHEN raise_exception THEN
		INSERT INTO atable.plain VALUES (5, 'in the handler');
	END;
	FOR i IN 6..7 LOOP
		INSERT INTO atable.plain VALUES (i, 'loop');
	END LOOP;
END
$$;
RESET ROLE;
SELECT * FROM pg_temp.news();
SELECT a, b FROM atable.plain ORDER BY a;

--
-- Triggers that change the row: what was stored is shown. Cascades of foreign keys, immediate
-- and deferred; views, with and without INSTEAD OF; row security.
--
SET ROLE regress_atable_owner;
CREATE FUNCTION atable.upper() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.b = upper(NEW.b COLLATE "C"); RETURN CASE WHEN NEW.a <> 13 THEN NEW END; END $$;
CREATE TRIGGER upper BEFORE INSERT OR UPDATE ON atable.plain FOR EACH ROW EXECUTE FUNCTION atable.upper();
CREATE FUNCTION atable.again() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.b NOT LIKE '%!' THEN UPDATE atable.plain SET b = b || '!' WHERE a = NEW.a; END IF; RETURN NULL; END $$;
CREATE TRIGGER again AFTER INSERT ON atable.plain FOR EACH ROW EXECUTE FUNCTION atable.again();
CREATE TABLE atable.parent (id int PRIMARY KEY);
CREATE TABLE atable.child (id int PRIMARY KEY, parent int REFERENCES atable.parent ON UPDATE CASCADE ON DELETE CASCADE, other int DEFAULT 1 REFERENCES atable.parent ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED);
SELECT bestauth.audit_table('atable.parent'), bestauth.audit_table('atable.child');
CREATE VIEW atable.some AS SELECT a, b FROM atable.plain WHERE a < 100;
CREATE VIEW atable.wrapped AS SELECT a AS x FROM atable.plain;
CREATE FUNCTION atable.instead() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO atable.plain VALUES (NEW.x, 'instead'); RETURN NEW; END $$;
CREATE TRIGGER instead INSTEAD OF INSERT ON atable.wrapped FOR EACH ROW EXECUTE FUNCTION atable.instead();
GRANT ALL ON atable.parent, atable.child, atable.some, atable.wrapped TO regress_atable_writer;
RESET ROLE;
SELECT count(*) AS put_there FROM pg_temp.news();
SET ROLE regress_atable_writer;
INSERT INTO atable.plain VALUES (12, 'twelve'), (13, 'refused by the trigger');
RESET ROLE;
SELECT * FROM pg_temp.news();
SET ROLE regress_atable_writer;
INSERT INTO atable.some VALUES (14, 'fourteen');
UPDATE atable.some SET b = 'through the view' WHERE a = 14;
DELETE FROM atable.some WHERE a = 14;
INSERT INTO atable.wrapped VALUES (15);
RESET ROLE;
SELECT * FROM pg_temp.news();
SET ROLE regress_atable_writer;
INSERT INTO atable.parent VALUES (1), (2);
INSERT INTO atable.child VALUES (10, 2, 1), (11, 2, NULL);
UPDATE atable.parent SET id = 3 WHERE id = 2;
DELETE FROM atable.parent;
RESET ROLE;
SELECT action, object, id, old, new FROM pg_temp.news() ORDER BY action, object, id, old;
SET ROLE regress_atable_writer;
SELECT regress.attempt('INSERT INTO atable.child VALUES (12, 9)');
BEGIN;
INSERT INTO atable.child VALUES (13, NULL, 9);
COMMIT;
RESET ROLE;
SELECT count(*) AS nothing FROM pg_temp.news();
SET ROLE regress_atable_owner;
ALTER TABLE atable.plain ENABLE ROW LEVEL SECURITY;
CREATE POLICY seven ON atable.plain TO regress_atable_writer USING (a < 7);
SET ROLE regress_atable_writer;
DELETE FROM atable.plain;
RESET ROLE;
SELECT action, object, id, old, detail FROM pg_temp.news();
SELECT a FROM atable.plain ORDER BY a;
DROP VIEW atable.some, atable.wrapped;

--
-- Nobody is left out: not by session_replication_role, nor by being a superuser. While the
-- instance is closed a superuser restores, and nobody else writes.
--
SET session_replication_role = replica;
UPDATE atable.chart SET note = 'replica' WHERE chart_id = 21;
RESET session_replication_role;
SELECT * FROM pg_temp.news();
BEGIN;
DELETE FROM bestauth.instance_open;
UPDATE atable.chart SET note = 'restored' WHERE chart_id = 21;
SET LOCAL ROLE regress_atable_writer;
SELECT regress.attempt('UPDATE atable.chart SET note = NULL'), regress.attempt('TRUNCATE atable.chart');
RESET ROLE;
SELECT action, object FROM pg_temp.news();
ROLLBACK;
SELECT setval('mark', max(audit_id)) IS NOT NULL AS marked FROM bestauth.audit_log;
-- A statement of many rows has a row of the audit for each.
CREATE TABLE atable.many (id int PRIMARY KEY, v text);
SELECT bestauth.audit_table('atable.many');
INSERT INTO atable.many SELECT n, 'value ' || n FROM generate_series(1, 20000) n;
UPDATE atable.many SET v = v || '!' WHERE id % 2 = 0;
DELETE FROM atable.many WHERE id > 5;
SELECT action, count(*), count(DISTINCT object_id), bool_and(CASE action WHEN 'row.inserted' THEN new_values = jsonb_build_object('id', object_id::int, 'v', 'value ' || object_id) WHEN 'row.updated' THEN old_values || new_values = jsonb_build_object('v', 'value ' || object_id || '!') END) AS right
FROM bestauth.audit_log WHERE object_type = 'atable.many' GROUP BY 1 ORDER BY 1;
SELECT count(*) AS news FROM pg_temp.news();

--
-- Partitions: statements that name the partitioned table, one of its partitions, or one in
-- between are written once. What moves has the old and the new in one row.
--
SET ROLE regress_atable_owner;
CREATE TABLE atable.claim (id int, part int, v text, secret text, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
CREATE TABLE atable.claim1 PARTITION OF atable.claim FOR VALUES IN (1);
CREATE TABLE atable.claim2 (secret text, gone int, v text, part int NOT NULL, id int NOT NULL);
ALTER TABLE atable.claim2 DROP COLUMN gone;
ALTER TABLE atable.claim ATTACH PARTITION atable.claim2 FOR VALUES IN (2);
CREATE TABLE atable.claim3 PARTITION OF atable.claim FOR VALUES IN (3, 4) PARTITION BY LIST (part);
CREATE TABLE atable.claim33 PARTITION OF atable.claim3 FOR VALUES IN (3);
CREATE TABLE atable.claim34 PARTITION OF atable.claim3 FOR VALUES IN (4);
SELECT regress.attempt($$SELECT bestauth.audit_table('atable.claim1')$$);
SELECT bestauth.audit_table('atable.claim', hidden => '{secret}');
SELECT regress.attempt($$SELECT bestauth.unaudit_table('atable.claim3')$$);
RESET ROLE;
SELECT tgrelid::regclass, string_agg(substr(tgname, 16), ' ' ORDER BY tgname) FROM pg_trigger WHERE tgname LIKE 'bestauth%' AND tgrelid::regclass::text LIKE 'atable.claim%' GROUP BY 1 ORDER BY 1;
SELECT * FROM bestauth.audited_tables WHERE relation::text LIKE 'atable.claim%' ORDER BY relation;
SET ROLE regress_atable_owner;
INSERT INTO atable.claim VALUES (1, 1, 'a', 's'), (2, 2, 'b', NULL), (3, 3, 'c', 's');
INSERT INTO atable.claim2 (id, part, v) VALUES (4, 2, 'd');
INSERT INTO atable.claim3 VALUES (5, 4, 'e');
UPDATE atable.claim SET part = part + 1 WHERE part < 3;
UPDATE atable.claim2 SET v = 'direct';
UPDATE atable.claim3 SET part = 7 - part, v = v || '!' WHERE id = 5;
DELETE FROM atable.claim34;
COPY atable.claim FROM STDIN;
6	1	f	s
\.
UPDATE atable.claim SET v = v;
RESET ROLE;
SELECT * FROM pg_temp.news();
SET ROLE regress_atable_owner;
TRUNCATE atable.claim34;
TRUNCATE atable.claim3;
RESET ROLE;
SELECT * FROM pg_temp.news() ORDER BY object;
SELECT setval('mark', max(audit_id)) IS NOT NULL AS marked FROM bestauth.audit_log;
-- What MERGE moves PostgreSQL tells no trigger of: it is refused. What it does not move is not.
SET ROLE regress_atable_owner;
INSERT INTO atable.claim VALUES (7, 3, 'g'), (8, 3, 'h');
SELECT m, regress.attempt(m) FROM unnest(ARRAY['MERGE INTO atable.claim c USING (VALUES (6), (9)) v (id) ON c.id = v.id WHEN MATCHED THEN UPDATE SET part = 2',
	'MERGE INTO atable.claim c USING (VALUES (6), (9)) v (id) ON c.id = v.id WHEN MATCHED THEN UPDATE SET part = 2 WHEN NOT MATCHED THEN INSERT VALUES (9, 1)',
	'MERGE INTO atable.claim3 c USING (VALUES (7)) v (id) ON c.id = v.id WHEN MATCHED THEN UPDATE SET part = 4',
	'MERGE INTO atable.claim c USING (VALUES (6), (7), (8), (9)) v (id) ON c.id = v.id WHEN MATCHED AND v.id = 8 THEN DELETE WHEN MATCHED THEN UPDATE SET v = ''merged'', part = c.part WHEN NOT MATCHED THEN INSERT VALUES (9, 1)']) m;
RESET ROLE;
SELECT * FROM pg_temp.news() ORDER BY action, id;
-- In a backend where nothing of bestauth was called before as well.
\c -
\set SHOW_CONTEXT never
SET client_min_messages = warning;
MERGE INTO atable.claim c USING (VALUES (6), (9)) v (id) ON c.id = v.id WHEN MATCHED THEN UPDATE SET part = 2;
SELECT id, part FROM atable.claim ORDER BY id;
SELECT coalesce(max(audit_id), 0) AS mark FROM bestauth.audit_log \gset
-- A partition's trigger keeps what an update moves there: old and new rows are told apart.
CREATE FUNCTION atable.keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN CASE WHEN NEW.id <> 6 THEN NEW END; END $$;
CREATE TRIGGER keep BEFORE INSERT ON atable.claim2 FOR EACH ROW EXECUTE FUNCTION atable.keep();
UPDATE atable.claim SET part = 2, v = id WHERE id IN (1, 6, 9);
SELECT action, object_type, object_id, old_values, new_values FROM bestauth.audit_log WHERE audit_id > :mark AND action LIKE 'row%' ORDER BY action, object_id;
SELECT id, part, v FROM atable.claim ORDER BY id;
DROP TRIGGER keep ON atable.claim2;

--
-- Tables that inherit: statements that name the parent show the parent's columns. One that
-- inherits is not put under audit alone, nor taken from it.
--
SELECT coalesce(max(audit_id), 0) AS mark FROM bestauth.audit_log \gset
CREATE TABLE atable.animal (id int PRIMARY KEY, name text);
CREATE TABLE atable.dog (id int PRIMARY KEY, tricks int) INHERITS (atable.animal);
CREATE TABLE atable.thing (weight int);
SELECT regress.attempt($$SELECT bestauth.audit_table('atable.dog')$$);
SELECT bestauth.audit_table('atable.animal');
SELECT regress.attempt($$SELECT bestauth.unaudit_table('atable.dog')$$), regress.attempt($$SELECT bestauth.audit_table('atable.dog', '{name}')$$);
INSERT INTO atable.animal VALUES (1, 'cat');
INSERT INTO atable.dog VALUES (2, 'rex', 3);
UPDATE atable.animal SET name = name || '!';
UPDATE ONLY atable.animal SET name = 'only';
UPDATE atable.dog SET tricks = 4;
DELETE FROM atable.animal;
-- A grandchild, and one that comes to inherit; one that is of a session only is not.
CREATE TABLE atable.puppy () INHERITS (atable.dog);
CREATE TABLE atable.fish (id int NOT NULL, name text, depth int);
ALTER TABLE atable.fish INHERIT atable.animal;
CREATE TEMP TABLE dream () INHERITS (atable.animal);
INSERT INTO atable.puppy VALUES (3, 'bit', 0);
INSERT INTO atable.fish VALUES (4, 'nemo', 9);
INSERT INTO dream VALUES (5, 'sheep');
UPDATE atable.animal SET name = upper(name COLLATE "C") WHERE id > 3;
SELECT action, object_type, object_id, old_values, new_values, detail FROM bestauth.audit_log WHERE audit_id > :mark ORDER BY audit_id;
-- Of two parents one is not under audit: changes made through that are missed, and it is told.
ALTER TABLE atable.fish ADD COLUMN weight int;
ALTER TABLE atable.fish INHERIT atable.thing;
SELECT relation, enabled, problem FROM bestauth.audited_tables WHERE relation::text LIKE 'atable.%' AND relation::text !~ 'claim' ORDER BY relation::text COLLATE "C";
DROP TABLE dream;
ALTER TABLE atable.fish NO INHERIT atable.animal;
ALTER TABLE atable.fish NO INHERIT atable.thing;
SELECT bestauth.unaudit_table('atable.fish'), bestauth.unaudit_table('atable.animal');

-- [AUD-2] What a table hides stays hidden when it comes to inherit, and when its parent is put
-- under audit again; of two parents the one hides what the other does not; and a child's own
-- columns can be hidden, its inherited ones by the parent.
SELECT coalesce(max(audit_id), 0) AS mark FROM bestauth.audit_log \gset
CREATE TABLE atable.base (id int);
CREATE TABLE atable.secret (ssn text, note text);
CREATE TABLE atable.patient (id int, ssn text, note text, hair text);
CREATE TABLE atable.nurse (badge text, shift text) INHERITS (atable.base);
SELECT bestauth.audit_table('atable.base', '{id}'), bestauth.audit_table('atable.secret', '{}', '{ssn}', '{note}'), bestauth.audit_table('atable.patient', '{id}', '{ssn,hair}');
ALTER TABLE atable.patient INHERIT atable.base;
INSERT INTO atable.patient VALUES (1, '123', 'n', 'red');
SELECT bestauth.audit_table('atable.base', '{id}');
INSERT INTO atable.patient VALUES (2, '456', 'n', 'red');
ALTER TABLE atable.patient INHERIT atable.secret;
INSERT INTO atable.patient VALUES (3, '789', 'n', 'red');
SELECT bestauth.audit_table('atable.nurse', hidden => '{badge}', ignored => '{shift}');
INSERT INTO atable.nurse VALUES (4, 'b7', 'late');
SELECT bestauth.audit_table('atable.patient', hidden => '{}');
INSERT INTO atable.patient VALUES (5, '012', 'n', 'red');
SELECT object_type, object_id, new_values FROM bestauth.audit_log WHERE audit_id > :mark AND action = 'row.inserted' ORDER BY audit_id;
SELECT relation, id_columns, hidden, ignored, problem FROM bestauth.audited_tables WHERE relation::text ~ '^atable\.(base|secret|patient|nurse)$' ORDER BY relation::text COLLATE "C";
SELECT regress.attempt(format('SELECT bestauth.audit_table(%s)', a)) FROM unnest('{"''atable.nurse'', hidden => ''{id}''","''atable.nurse'', ignored => ''{id}''","''atable.nurse'', ''{id}''","''atable.nurse'', company_column => ''badge''","''atable.nurse'', hidden => ''{badge}'', ignored => ''{badge}''","''atable.nurse'', hidden => ''{none}''"}'::text[]) a;
ALTER TABLE atable.patient NO INHERIT atable.base;
ALTER TABLE atable.patient NO INHERIT atable.secret;
SELECT bestauth.unaudit_table('atable.patient'), bestauth.unaudit_table('atable.base'), bestauth.unaudit_table('atable.secret');
DROP TABLE atable.nurse, atable.patient, atable.base, atable.secret;
SELECT relation FROM bestauth.audited_tables WHERE relation::text ~ '^atable\.(animal|dog|puppy|fish)$';
-- [AUD-2] What a table hides it hides still when it comes to inherit, and what any of two parents does.
CREATE TABLE atable.tool (id int, maker text);
CREATE TABLE atable.knife (id int, maker text, owner text);
SELECT bestauth.audit_table('atable.tool', '{id}', '{maker}'), bestauth.audit_table('atable.thing', '{}', '{weight}'), bestauth.audit_table('atable.knife', '{id}', '{owner,maker}');
ALTER TABLE atable.knife INHERIT atable.tool;
CREATE TABLE atable.hammer () INHERITS (atable.tool, atable.thing);
INSERT INTO atable.knife VALUES (1, 'secret maker', 'secret owner');
INSERT INTO atable.hammer VALUES (2, 'secret maker', 5);
SELECT object_type, new_values FROM bestauth.audit_log WHERE audit_id > :mark AND object_type IN ('atable.knife', 'atable.hammer') ORDER BY audit_id;
SELECT relation, ARRAY(SELECT unnest(hidden) ORDER BY 1) AS hidden, problem FROM bestauth.audited_tables WHERE relation::text ~ '^atable\.(knife|hammer)$' ORDER BY relation::text COLLATE "C";
DROP TABLE atable.knife, atable.hammer, atable.tool;
SELECT bestauth.unaudit_table('atable.thing');

--
-- Columns that come, go, are generated or get another name.
--
SELECT coalesce(max(audit_id), 0) AS mark FROM bestauth.audit_log \gset
CREATE TABLE atable.column_test (id int PRIMARY KEY, gone text, a int, double int GENERATED ALWAYS AS (a OPERATOR(pg_catalog.*) 2) STORED, secret text, number int GENERATED BY DEFAULT AS IDENTITY (START 70));
SELECT bestauth.audit_table('atable.column_test', hidden => '{secret}');
INSERT INTO atable.column_test (id, gone, a) VALUES (1, 'x', 5);
ALTER TABLE atable.column_test DROP COLUMN gone, ADD COLUMN fast text DEFAULT 'fast', ADD COLUMN late int;
UPDATE atable.column_test SET a = 6;
UPDATE atable.column_test SET fast = 'changed', late = 1;
INSERT INTO atable.column_test (id, secret) VALUES (2, 's');
ALTER TABLE atable.column_test RENAME a TO b;
ALTER TABLE atable.column_test ALTER COLUMN late TYPE text;
UPDATE atable.column_test SET b = 7, late = 'two' WHERE id = 1;
-- A secret one: from now on no value is shown at all, and it is told, until it is set right.
ALTER TABLE atable.column_test RENAME secret TO hint;
UPDATE atable.column_test SET b = 8, hint = 'the secret' WHERE id = 1;
SELECT problem FROM bestauth.audited_tables WHERE relation = 'atable.column_test'::regclass;
SELECT value FROM bestauth.health WHERE check_name = 'audited_tables';
SELECT bestauth.audit_table('atable.column_test', hidden => '{hint}');
UPDATE atable.column_test SET b = 9, hint = 'more' WHERE id = 1;
-- The key.
ALTER TABLE atable.column_test RENAME id TO number2;
DELETE FROM atable.column_test WHERE number2 = 2;
SELECT problem FROM bestauth.audited_tables WHERE relation = 'atable.column_test'::regclass;
ALTER TABLE atable.column_test DROP COLUMN number2, DROP COLUMN double, DROP COLUMN b;
DELETE FROM atable.column_test;
SELECT action, object_id, old_values, new_values FROM bestauth.audit_log WHERE audit_id > :mark AND action LIKE 'row%' ORDER BY audit_id;
DROP TABLE atable.column_test;
-- Nothing to show is not nothing that happened.
SELECT coalesce(max(audit_id), 0) AS mark FROM bestauth.audit_log \gset
CREATE TABLE atable.bare ();
CREATE TABLE atable.quiet (id int PRIMARY KEY, v text);
SELECT bestauth.audit_table('atable.bare', '{}'), bestauth.audit_table('atable.quiet', ignored => '{id,v}');
INSERT INTO atable.bare DEFAULT VALUES;
DELETE FROM atable.bare;
INSERT INTO atable.quiet VALUES (1, 'x');
UPDATE atable.quiet SET v = 'y';
DELETE FROM atable.quiet;
SELECT action, object_type, object_id, old_values, new_values FROM bestauth.audit_log WHERE audit_id > :mark AND action LIKE 'row%' ORDER BY audit_id;

--
-- Odd names, of everything. The names of tables are the same whatever the session's settings.
--
SELECT coalesce(max(audit_id), 0) AS mark FROM bestauth.audit_log \gset
CREATE SCHEMA "Atable, ""odd""";
CREATE TABLE "Atable, ""odd"""."it's {a} \table, of ""quotes"" with a name of sixty-three bytes x" ("the key" int PRIMARY KEY, "a,b" text, "{c}" text, "d""e" text, "f\g\000" text, "NULL" text, " h " text, "i
j" text, "köln" text, "Company" uuid, "a column name that has sixty-three bytes, as many as there can " int);
SELECT bestauth.audit_table('"Atable, ""odd"""."it''s {a} \table, of ""quotes"" with a name of sixty-three bytes x"', NULL, ARRAY['a,b', 'd"e', 'f\g\000', ' h ', E'i\nj'], ARRAY['{c}', 'NULL', 'köln'], 'Company');
SELECT id_columns, hidden, ignored, company_column, enabled, problem FROM bestauth.audited_tables WHERE relation::text LIKE '%sixty%';
INSERT INTO "Atable, ""odd"""."it's {a} \table, of ""quotes"" with a name of sixty-three bytes x" SELECT 1, 'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x', company_id, 5 FROM bestauth.company WHERE code = 'atable_kid';
SET quote_all_identifiers = on;
SELECT bestauth.audit_table('atable.chart', '{chart_id}', '{ssn}', '{seen}', 'company_id');
UPDATE atable.chart SET note = 'quoted' WHERE chart_id = 21;
SELECT bestauth.audit_table('atable.chart', NULL, '{ssn}', '{seen}');
RESET quote_all_identifiers;
SELECT action, object_type, object_id, replace(company_code, 'atable_', '') AS company, new_values - 'Company' AS new, detail FROM bestauth.audit_log WHERE audit_id > :mark ORDER BY audit_id;
DROP SCHEMA "Atable, ""odd""" CASCADE;

--
-- What is wrong is told: triggers that the owner disabled, dropped, changed or doubled. Calling
-- again puts it right, and is written down.
--
CREATE TABLE atable.broken (id int PRIMARY KEY);
SELECT bestauth.audit_table('atable.broken');
CREATE FUNCTION pg_temp.state() RETURNS TABLE (enabled boolean, problem text, healthy boolean) LANGUAGE sql AS $$
	SELECT a.enabled, a.problem, h.ok FROM bestauth.audited_tables a, bestauth.health h WHERE a.relation = 'atable.broken'::regclass AND h.check_name = 'audited_tables'
$$;
CREATE FUNCTION pg_temp.after(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		EXECUTE statement;
		RETURN QUERY SELECT concat_ws(' | ', s.enabled, s.healthy, s.problem) FROM pg_temp.state() s;
		PERFORM bestauth.audit_table('atable.broken');
		RETURN QUERY SELECT concat_ws(' | ', action, s.enabled, s.healthy, s.problem) FROM pg_temp.state() s, (SELECT action FROM bestauth.audit_log ORDER BY audit_id DESC LIMIT 1) a;
		RAISE EXCEPTION 'undo';
	EXCEPTION WHEN raise_exception THEN
	END;
END
$$;
SELECT n, pg_temp.after(s) FROM unnest(ARRAY['ALTER TABLE atable.broken DISABLE TRIGGER bestauth_audit_update', 'ALTER TABLE atable.broken ENABLE TRIGGER bestauth_audit_insert', 'ALTER TABLE atable.broken DISABLE TRIGGER ALL', 'ALTER TABLE atable.broken ENABLE REPLICA TRIGGER bestauth_audit_truncate',
	'DROP TRIGGER bestauth_audit_delete ON atable.broken', 'CREATE TRIGGER "Mine" AFTER INSERT ON atable.broken EXECUTE FUNCTION bestauth.audit_truncate_tg()',
	'CREATE OR REPLACE TRIGGER bestauth_audit_update AFTER UPDATE ON atable.broken REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT WHEN (false) EXECUTE FUNCTION bestauth.audit_rows_tg(''{id}'', ''{}'', ''{}'', '''')',
	'CREATE OR REPLACE TRIGGER bestauth_audit_insert AFTER INSERT ON atable.broken REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bestauth.audit_rows_tg(''no array'', ''{}'', ''{}'', '''')',
	'CREATE OR REPLACE TRIGGER bestauth_audit_insert AFTER INSERT ON atable.broken REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bestauth.audit_rows_tg(''{}'', ''{}'', ''{}'', '''')',
	'CREATE OR REPLACE TRIGGER bestauth_audit_truncate BEFORE TRUNCATE ON atable.broken EXECUTE FUNCTION bestauth.audit_truncate_tg(''{id}'', ''{}'', ''{}'', '''')',
	'CREATE OR REPLACE TRIGGER bestauth_audit_truncate AFTER TRUNCATE ON atable.broken EXECUTE FUNCTION suppress_redundant_updates_trigger()',
	'CREATE TRIGGER another AFTER INSERT ON atable.broken REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bestauth.audit_rows_tg(''{id}'', ''{}'', ''{}'', '''')',
	'ALTER TABLE atable.broken ADD COLUMN harmless int']) WITH ORDINALITY v (s, n);
SELECT * FROM pg_temp.state();
-- A table that is under audit by hand, with arguments that are none, breaks no view.
CREATE TABLE atable.handmade (id int);
CREATE TRIGGER handmade AFTER INSERT ON atable.handmade REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION bestauth.audit_rows_tg('x', '{"}', '{a', '{,}');
SELECT * FROM bestauth.audited_tables WHERE relation = 'atable.handmade'::regclass;
SELECT regress.attempt('INSERT INTO atable.handmade VALUES (1)');
-- By hand on a temporary table, by whoever may call the trigger's function: that would be a way to
-- write false rows, of whatever company, and nobody would be told. Nor for other statements.
CREATE TEMP TABLE user_account (company_id uuid, status text);
GRANT ALL ON user_account TO PUBLIC;
CREATE TRIGGER by_hand AFTER INSERT ON user_account REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION bestauth.audit_rows_tg('{}', '{}', '{}', 'company_id');
CREATE TRIGGER by_hand_too AFTER TRUNCATE ON user_account EXECUTE FUNCTION bestauth.audit_truncate_tg();
CREATE TABLE atable.by_hand (company_id uuid, user_id uuid);
CREATE TRIGGER three AFTER INSERT ON atable.by_hand REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION bestauth.audit_rows_tg('{}', '{}', '{}');
CREATE TRIGGER truncated AFTER UPDATE ON atable.by_hand EXECUTE FUNCTION bestauth.audit_truncate_tg();
SELECT regress.attempt($$INSERT INTO user_account SELECT company_id, 'locked' FROM bestauth.company LIMIT 1$$), regress.attempt('TRUNCATE user_account'),
	regress.attempt('INSERT INTO atable.by_hand VALUES (NULL, NULL)'), regress.attempt('UPDATE atable.by_hand SET user_id = NULL') \gx
SELECT count(*) AS written FROM bestauth.audit_log WHERE object_type LIKE '%user_account' AND object_type <> 'bestauth.user_account' OR object_type = 'atable.by_hand';
DROP TABLE user_account, atable.by_hand;
CREATE OR REPLACE TRIGGER handmade AFTER INSERT ON atable.handmade EXECUTE FUNCTION bestauth.audit_truncate_tg();
SELECT regress.attempt('INSERT INTO atable.handmade VALUES (1)');
DROP TABLE atable.handmade, atable.broken;
SET ROLE regress_atable_auditor;
SELECT count(*) > 5 AS seen FROM bestauth.audited_tables;
SET ROLE regress_atable_app;
SELECT regress.attempt('TABLE bestauth.audited_tables'), regress.attempt('TABLE bestauth.audit_trigger');
RESET ROLE;

--
-- A read, as the application tells it: in a session, with what it was about.
--
SELECT coalesce(max(audit_id), 0) AS mark FROM bestauth.audit_log \gset
SELECT session_token FROM bestauth.login('atable_up', 'adam', 'seven green boats of adam') \gset x_
SET ROLE regress_atable_app;
SELECT regress.attempt($$SELECT bestauth.record_access('chart', '17')$$);
BEGIN;
SELECT user_type FROM bestauth.use_session(:'x_session_token') JOIN (VALUES (1, 'used')) v (n, user_type) ON true;
SELECT bestauth.record_access('chart', '17'), bestauth.record_access('report', NULL, '{"rows": 12, "filter": {"from": "2026-01-01"}}'), bestauth.record_access(repeat('ä', 100), repeat('€', 200), '{}');
SELECT a, regress.attempt(format('SELECT bestauth.record_access(%s)', a)) FROM unnest(ARRAY['NULL, NULL', ''''', ''1''', 'repeat(''x'', 101), ''1''', '''chart'', repeat(''x'', 201)', 'E''a\nb'', ''1''', '''chart'', E''a\u202eb''', '''chart'', ''1'', ''[1]''', '''chart'', ''1'', ''7''', '''chart'', ''1'', ''null''',
	'''chart'', ''1'', ''{"folded": 99}''', '''chart'', ''1'', jsonb_build_object(''a'', repeat(''x'', 8183))', '''chart'', ''1'', jsonb_build_object(''a'', repeat(''x'', 8184))', '''chart'', ''''']) a;
SAVEPOINT s;
SELECT bestauth.record_access('chart', 'rolled back');
ROLLBACK TO s;
COMMIT;
-- In a transaction that only reads it is written all the same, and stays when that is undone.
BEGIN READ ONLY;
SELECT count(*) AS used FROM bestauth.use_session(:'x_session_token');
SELECT bestauth.record_access('chart', '18', jsonb_build_object('a', repeat('x', 8183)));
ROLLBACK;
RESET ROLE;
SELECT action, outcome, object_type, left(object_id, 20) AS object_id, company_code, username, session_id IS NOT NULL AS session, left(detail::text, 60) AS detail FROM bestauth.audit_log WHERE audit_id > :mark AND action = 'record.accessed' ORDER BY audit_id;
BEGIN;
DELETE FROM bestauth.instance_open;
SELECT regress.attempt($$SELECT bestauth.record_access('chart', '17')$$);
ROLLBACK;

--
-- Taken from the audit: nothing stays behind, and nothing is written.
--
SELECT coalesce(max(audit_id), 0) AS mark FROM bestauth.audit_log \gset
SET ROLE regress_atable_owner;
SELECT bestauth.unaudit_table('atable.chart'), bestauth.unaudit_table('atable.claim');
INSERT INTO atable.chart (chart_id) VALUES (99);
UPDATE atable.claim SET v = 'unseen';
UPDATE atable.claim2 SET v = 'unseen';
TRUNCATE atable.claim;
SELECT regress.attempt($$SELECT bestauth.unaudit_table('atable.claim')$$);
RESET ROLE;
SELECT action, object_type, object_id, detail FROM bestauth.audit_log WHERE audit_id > :mark ORDER BY audit_id;
SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgname LIKE 'bestauth%' AND tgrelid::regclass::text ~ 'atable\.(chart|claim)';
SELECT count(*) AS comments FROM pg_description d WHERE classoid = 'pg_trigger'::regclass AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.oid = d.objoid);

DROP FOREIGN DATA WRAPPER regress_atable_fdw CASCADE;
DROP SCHEMA atable CASCADE;
SELECT count(bestauth.revoke_access(('regress_atable_' || name)::regrole, access)) FROM (VALUES ('owner', 'application'), ('app', 'application'), ('reader', 'reader'), ('auditor', 'auditor')) v (name, access);
REVOKE USAGE ON SCHEMA regress FROM PUBLIC;
DROP ROLE regress_atable_owner, regress_atable_app, regress_atable_writer, regress_atable_reader, regress_atable_auditor, regress_atable_none;
