-- Company isolation of an application's tables: put on by one call, taken off by another,
-- and what gets past row security all the same.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE ROLE regress_isolation_owner;
CREATE ROLE regress_isolation_app;
CREATE ROLE regress_isolation_other;
CREATE ROLE regress_isolation_none;
CREATE ROLE regress_isolation_backup BYPASSRLS IN ROLE pg_read_all_data;
CREATE ROLE regress_isolation_auditor;
CREATE SCHEMA isolation_test AUTHORIZATION regress_isolation_owner;
GRANT USAGE ON SCHEMA isolation_test TO PUBLIC;
GRANT USAGE ON SCHEMA regress TO PUBLIC;
DO $$
BEGIN
	PERFORM bestauth.grant_access(('regress_isolation_' || name)::regrole, access) FROM (VALUES ('owner', 'application'), ('app', 'application'), ('other', 'reader'), ('auditor', 'auditor')) v (name, access);
	PERFORM bestauth.create_company('isolation_up', 'Parent');
	PERFORM bestauth.create_company('isolation_kid', 'Child', 'isolation_up');
	PERFORM bestauth.create_company('isolation_far', 'Far');
	PERFORM bestauth.create_user(username, user_type, username, 'Test', username || '@isolation.example', 'seven green boats of ' || username, company => company)
	FROM (VALUES ('adam', 'company_administrator', 'isolation_up'), ('stan', 'standard', 'isolation_up'), ('kim', 'standard', 'isolation_kid'), ('fay', 'standard', 'isolation_far')) v (username, user_type, company);
END
$$;
CREATE TEMP TABLE token AS SELECT username, session_token AS token
FROM (VALUES ('isolation_up', 'adam'), ('isolation_up', 'stan'), ('isolation_kid', 'kim'), ('isolation_far', 'fay')) v (company, username), LATERAL bestauth.login(company, username, 'seven green boats of ' || username);
CREATE TEMP TABLE place AS SELECT replace(code, 'isolation_', '') AS place, company_id FROM bestauth.company WHERE code LIKE 'isolation\_%';
GRANT SELECT ON token, place TO PUBLIC;
SELECT username FROM token WHERE token IS NULL;
SELECT coalesce(max(audit_id), 0) AS mark FROM bestauth.audit_log \gset
-- What a statement comes to for a user, or without a session: the rows that it returns, how
-- many it touched, or its error, and whether DETAIL has values in it.
CREATE FUNCTION pg_temp.as_user(username text, statement text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
DECLARE
	result text;
	touched bigint;
BEGIN
	IF username <> '' THEN
		PERFORM bestauth.use_session((SELECT token FROM token t WHERE t.username = as_user.username));
	ELSIF current_user <> 'regress_isolation_none' AND bestauth.current_session_id() IS NOT NULL THEN
		RETURN 'a session before is not over';
	END IF;
	IF statement ~* '^SELECT|RETURNING' THEN
		EXECUTE format('WITH s (v) AS (%s) SELECT string_agg(v::text, '' '' ORDER BY v::text COLLATE "C") FROM s', statement) INTO result;
		RETURN coalesce(result, '(nothing)');
	END IF;
	EXECUTE statement;
	GET DIAGNOSTICS touched = ROW_COUNT;
	RETURN 'rows: ' || touched;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS result = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' ', CASE WHEN result LIKE '%(%' THEN 'with values:' END, SQLSTATE, SQLERRM);
END
$$;
-- How a table stands: row security, policies, indexes, the column.
CREATE FUNCTION pg_temp.state(relation regclass) RETURNS SETOF text LANGUAGE sql SET search_path = pg_catalog AS $$
	SELECT concat_ws(', ', CASE WHEN relrowsecurity THEN 'enabled' END, CASE WHEN relforcerowsecurity THEN 'forced' END) FROM pg_class WHERE oid = relation AND (relrowsecurity OR relforcerowsecurity)
	UNION ALL SELECT * FROM (SELECT concat_ws(' ', 'policy', policyname, permissive, roles, cmd, qual, 'CHECK', with_check, '--', (SELECT left(obj_description(oid, 'pg_policy'), 20) FROM pg_policy WHERE polrelid = relation AND polname = policyname))
		FROM pg_policies WHERE format('%I.%I', schemaname, tablename)::regclass = relation ORDER BY policyname) p
	UNION ALL SELECT * FROM (SELECT 'index ' || regexp_replace(pg_get_indexdef(indexrelid), '.* INDEX (.*) ON .* USING (.*)', '\1 \2') || coalesce(' -- ' || left(obj_description(indexrelid, 'pg_class'), 32), '') FROM pg_index WHERE indrelid = relation ORDER BY pg_get_indexdef(indexrelid) COLLATE "C") i
	UNION ALL SELECT * FROM (SELECT 'not null ' || attname FROM pg_attribute WHERE attrelid = relation AND attnotnull AND attnum > 0 ORDER BY 1) a
$$;

SET ROLE regress_isolation_owner;
CREATE TABLE isolation_test.chart (company_id uuid DEFAULT bestauth.current_company_id(), chart_id int, patient text, PRIMARY KEY (company_id, chart_id));
CREATE TABLE isolation_test.note (note_id int PRIMARY KEY, company_id uuid, words text);
INSERT INTO isolation_test.chart SELECT company_id, n, place || n FROM place, generate_series(1, 2) n;
INSERT INTO isolation_test.note SELECT n * 10 + row_number() OVER (PARTITION BY n ORDER BY place), company_id, place || n FROM place, generate_series(1, 2) n;
RESET ROLE;

--
-- What can't be isolated, and who can't.
--
SET ROLE regress_isolation_owner;
CREATE VIEW isolation_test.plain_view AS SELECT * FROM isolation_test.chart;
CREATE MATERIALIZED VIEW isolation_test.stored AS SELECT * FROM isolation_test.chart;
CREATE SEQUENCE isolation_test.numbers;
CREATE DOMAIN isolation_test.company_ref AS uuid;
CREATE TABLE isolation_test.odd (company_id text, by_domain isolation_test.company_ref, many uuid[], gone uuid, "select" uuid);
ALTER TABLE isolation_test.odd DROP COLUMN gone;
CREATE TEMP TABLE passing (company_id uuid);
CREATE TYPE isolation_test.pair AS (company_id uuid);
RESET ROLE;
CREATE FOREIGN DATA WRAPPER regress_isolation_fdw;
CREATE SERVER regress_isolation_server FOREIGN DATA WRAPPER regress_isolation_fdw;
CREATE FOREIGN TABLE isolation_test.remote (company_id uuid) SERVER regress_isolation_server;
ALTER FOREIGN TABLE isolation_test.remote OWNER TO regress_isolation_owner;
CREATE FUNCTION pg_temp.refusals(call text) RETURNS TABLE (arguments text, answer text) LANGUAGE sql AS $$
	SELECT a, regress.attempt(format('SELECT bestauth.%s(%s)', call, a)) FROM unnest(ARRAY['NULL', '''isolation_test.plain_view''', '''isolation_test.stored''', '''isolation_test.numbers''', '''isolation_test.chart_pkey''',
		'''isolation_test.remote''', '''isolation_test.pair''', '''pg_temp.passing''', '0::oid', '''isolation_test.nowhere''', '''pg_catalog.pg_class''', '''information_schema.sql_features''', '''bestauth.company''', '''bestauth.isolated_tables''']) a
$$;
CREATE FUNCTION pg_temp.everything() RETURNS text LANGUAGE sql AS $$
	SELECT md5(concat((SELECT string_agg(concat(relname, relrowsecurity, relforcerowsecurity), ',' ORDER BY oid) FROM pg_class), (SELECT string_agg(p::text, ',' ORDER BY oid) FROM pg_policy p), (SELECT string_agg(concat(attrelid, attname, attnotnull), ',' ORDER BY attrelid, attnum) FROM pg_attribute)))
$$;
SELECT * FROM pg_temp.refusals('isolate_table');
SELECT * FROM pg_temp.refusals('unisolate_table') WHERE arguments IN ('NULL', '''isolation_test.plain_view''', '''bestauth.company''');
SELECT c, regress.attempt(format('SELECT bestauth.isolate_table(''isolation_test.odd'', %s)', c)) FROM unnest('{NULL::text,''company_id'',''by_domain'',''many'',''gone'',''missing'',''tableoid'','''',''........pg.dropped.4........''}'::text[]) c;
-- Not its owner: the same whether or not something may be done with the table otherwise.
GRANT ALL ON isolation_test.chart TO regress_isolation_app;
SET ROLE regress_isolation_app;
SELECT regress.attempt($$SELECT bestauth.isolate_table('isolation_test.chart')$$), regress.attempt($$SELECT bestauth.unisolate_table('isolation_test.chart')$$);
SELECT regress.attempt($$SELECT bestauth.isolate_table('bestauth.company')$$), regress.attempt($$SELECT bestauth.isolate_table('pg_catalog.pg_class')$$);
-- Whose it is not does not lock it either.
BEGIN;
SELECT regress.attempt($$SELECT bestauth.isolate_table('isolation_test.chart')$$);
SELECT mode FROM pg_locks WHERE relation = 'isolation_test.chart'::regclass AND pid = pg_backend_pid();
ROLLBACK;
SET ROLE regress_isolation_none;
SELECT regress.attempt($$SELECT bestauth.isolate_table('isolation_test.chart')$$);
SET ROLE regress_isolation_auditor;
SELECT regress.attempt($$SELECT bestauth.isolate_table('isolation_test.chart')$$);
RESET ROLE;
REVOKE ALL ON isolation_test.chart FROM regress_isolation_app;
DROP VIEW isolation_test.plain_view;
DROP MATERIALIZED VIEW isolation_test.stored;
SELECT pg_temp.everything() AS everything \gset
-- In a transaction that only reads; while the instance is closed; with NULLs in the column; not isolated.
SET ROLE regress_isolation_owner;
BEGIN READ ONLY;
SELECT regress.attempt($$SELECT bestauth.isolate_table('isolation_test.note')$$), regress.attempt($$SELECT bestauth.unisolate_table('isolation_test.note')$$);
ROLLBACK;
SELECT regress.attempt($$SELECT bestauth.unisolate_table('isolation_test.note')$$);
INSERT INTO isolation_test.note VALUES (0, NULL, 'nobody''s');
SELECT regress.attempt($$SELECT bestauth.isolate_table('isolation_test.note')$$);
DELETE FROM isolation_test.note WHERE note_id = 0;
RESET ROLE;
BEGIN;
DELETE FROM bestauth.instance_open;
SELECT regress.attempt($$SELECT bestauth.isolate_table('isolation_test.note')$$), regress.attempt($$SELECT bestauth.unisolate_table('isolation_test.note')$$);
ROLLBACK;
SELECT pg_temp.everything() = :'everything' AS nothing_changed;
SELECT relation FROM bestauth.isolated_tables WHERE relation::text LIKE 'isolation\_%';
SELECT count(*) FROM bestauth.audit_log WHERE audit_id > :mark AND action LIKE 'table.%isolated';

--
-- Put on, by the owner. An index that begins with the column is made where there is none.
--
CREATE TEMP TABLE before AS SELECT 'isolation_test.note'::regclass AS relation, pg_temp.state('isolation_test.note');
SET ROLE regress_isolation_owner;
SELECT bestauth.isolate_table('isolation_test.chart'), bestauth.isolate_table('isolation_test.note', 'company_id');
GRANT SELECT, INSERT, UPDATE, DELETE ON isolation_test.chart, isolation_test.note TO regress_isolation_app;
RESET ROLE;
SELECT pg_temp.state('isolation_test.chart');
SELECT pg_temp.state('isolation_test.note');
SELECT * FROM bestauth.isolated_tables WHERE relation::text LIKE 'isolation\_%' ORDER BY relation::text COLLATE "C";
SELECT action, outcome, object_type, object_id, detail, db_role = session_user AS db_role FROM bestauth.audit_log WHERE audit_id > :mark AND action LIKE 'table.%isolated' ORDER BY audit_id;
-- Again: there is nothing to do, and nothing to write down.
SELECT pg_temp.everything() AS everything \gset
SET ROLE regress_isolation_owner;
SELECT bestauth.isolate_table('isolation_test.chart'), bestauth.isolate_table('isolation_test.note');
RESET ROLE;
SELECT pg_temp.everything() = :'everything' AS nothing_changed;
SELECT count(*) FROM bestauth.audit_log WHERE audit_id > :mark AND action LIKE 'table.%isolated';

--
-- [H-01] [MCM-1] [MCM-5] Each sees and writes what is of the companies that the session may
-- enter: an administrator of the parent the child's rows as well. Without a session there is
-- nothing. The table's owner is bound like everybody.
--
SET ROLE regress_isolation_owner;
CREATE VIEW isolation_test.by_owner AS SELECT * FROM isolation_test.chart;
CREATE VIEW isolation_test.by_caller WITH (security_invoker) AS SELECT * FROM isolation_test.chart;
GRANT SELECT, INSERT, UPDATE, DELETE ON isolation_test.by_owner, isolation_test.by_caller TO regress_isolation_app;
CREATE TABLE isolation_test.reading (number int, statement text);
INSERT INTO isolation_test.reading VALUES
	(1, 'SELECT patient FROM isolation_test.chart'),
	(2, 'SELECT patient FROM isolation_test.chart WHERE company_id = (SELECT company_id FROM place WHERE place = ''far'')'),
	(3, 'SELECT p.place FROM place p WHERE EXISTS (SELECT FROM isolation_test.chart c WHERE c.company_id = p.company_id)'),
	(4, 'SELECT p.place || count(c.*) FROM place p LEFT JOIN isolation_test.chart c USING (company_id) GROUP BY p.place'),
	(5, 'SELECT patient FROM isolation_test.by_owner'),
	(6, 'SELECT patient FROM isolation_test.by_caller'),
	(7, 'SELECT c.patient || n.words FROM isolation_test.chart c JOIN isolation_test.note n USING (company_id) WHERE chart_id = 1'),
	(8, 'SELECT patient FROM isolation_test.chart FOR UPDATE'),
	(9, 'SELECT count(*) FROM isolation_test.chart'),
	(10, 'SELECT patient FROM isolation_test.chart TABLESAMPLE SYSTEM (100)'),
	(11, 'SELECT words FROM isolation_test.note WHERE note_id BETWEEN 11 AND 13');
GRANT SELECT ON isolation_test.reading TO PUBLIC;
SET ROLE regress_isolation_app;
SELECT number, pg_temp.as_user('', statement) AS without FROM isolation_test.reading ORDER BY number;
SELECT number, u AS username, pg_temp.as_user(u, statement) FROM isolation_test.reading, unnest('{adam,stan,kim,fay}'::text[]) u ORDER BY number, u COLLATE "C";
SET ROLE regress_isolation_owner;
SELECT number, pg_temp.as_user('', statement) AS without FROM isolation_test.reading ORDER BY number;
SELECT number, pg_temp.as_user('adam', statement) AS adam FROM isolation_test.reading WHERE number IN (1, 8, 9) ORDER BY number;
-- A role of the reader's access has no session; one without access can't ask; one that
-- bypasses row security sees all, and so does a superuser.
RESET ROLE;
GRANT SELECT ON isolation_test.chart TO regress_isolation_other, regress_isolation_none, regress_isolation_backup;
SET ROLE regress_isolation_other;
SELECT pg_temp.as_user('', 'SELECT patient FROM isolation_test.chart');
SET ROLE regress_isolation_none;
SELECT pg_temp.as_user('', 'SELECT patient FROM isolation_test.chart');
SET ROLE regress_isolation_backup;
SELECT pg_temp.as_user('', 'SELECT patient FROM isolation_test.chart');
RESET ROLE;
SELECT pg_temp.as_user('stan', 'SELECT patient FROM isolation_test.chart');

-- COPY TO, cursors, and one plan for several sessions.
SET ROLE regress_isolation_app;
PREPARE charts AS SELECT patient FROM isolation_test.chart ORDER BY patient COLLATE "C";
SET plan_cache_mode = force_generic_plan;
EXECUTE charts;
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'kim'));
COPY isolation_test.chart (chart_id, patient) TO STDOUT;
COPY (SELECT words FROM isolation_test.note ORDER BY 1) TO STDOUT;
DECLARE kims CURSOR FOR SELECT patient FROM isolation_test.chart ORDER BY patient;
FETCH ALL FROM kims;
EXECUTE charts;
COMMIT;
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'adam'));
EXECUTE charts;
COMMIT;
EXECUTE charts;
RESET plan_cache_mode;
DEALLOCATE charts;

-- Writing. In a session of the parent without the child: neither into another company, nor
-- what is there, by no statement. <far> stands for the company, <kid> for the child.
CREATE FUNCTION pg_temp.writing(username text, statement text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.as_user(username, replace(replace(replace(statement, '<far>', (SELECT quote_literal(company_id) FROM place WHERE place = 'far')), '<kid>', (SELECT quote_literal(company_id) FROM place WHERE place = 'kid')), '<up>', (SELECT quote_literal(company_id) FROM place WHERE place = 'up')))
$$;
SELECT n, s, pg_temp.writing('stan', s) FROM unnest(ARRAY[
	$$INSERT INTO isolation_test.chart (chart_id, patient) VALUES (3, 'own')$$,
	$$INSERT INTO isolation_test.chart VALUES (<far>, 3, 'planted')$$,
	$$INSERT INTO isolation_test.chart VALUES (<kid>, 3, 'planted')$$,
	$$INSERT INTO isolation_test.chart SELECT company_id, 4, 'planted' FROM place$$,
	$$INSERT INTO isolation_test.chart VALUES (NULL, 3, 'planted')$$,
	$$INSERT INTO isolation_test.by_owner VALUES (<far>, 3, 'planted')$$,
	$$INSERT INTO isolation_test.by_caller VALUES (<far>, 3, 'planted')$$,
	$$INSERT INTO isolation_test.chart VALUES (<far>, 1, 'planted') ON CONFLICT DO NOTHING$$,
	$$INSERT INTO isolation_test.chart VALUES (<far>, 1, 'planted') ON CONFLICT (company_id, chart_id) DO UPDATE SET patient = 'changed'$$,
	$$INSERT INTO isolation_test.chart VALUES (<up>, 1, 'planted') ON CONFLICT (company_id, chart_id) DO UPDATE SET company_id = <far>$$,
	$$INSERT INTO isolation_test.chart VALUES (<up>, 2, 'up2') ON CONFLICT (company_id, chart_id) DO UPDATE SET patient = 'up2'$$,
	$$UPDATE isolation_test.chart SET patient = patient$$,
	$$UPDATE isolation_test.chart SET patient = 'changed' WHERE company_id = <far>$$,
	$$UPDATE isolation_test.chart SET company_id = <far> WHERE chart_id = 1$$,
	$$UPDATE isolation_test.by_owner SET company_id = <far> WHERE chart_id = 1$$,
	$$UPDATE isolation_test.chart c SET patient = 'changed' FROM place p WHERE c.company_id = p.company_id AND p.place <> 'up'$$,
	$$DELETE FROM isolation_test.chart WHERE company_id <> <up>$$,
	$$DELETE FROM isolation_test.by_caller WHERE patient = 'far1'$$,
	$$DELETE FROM isolation_test.chart c USING place p WHERE c.company_id = p.company_id AND p.place <> 'up'$$,
	$$MERGE INTO isolation_test.chart c USING place p ON c.company_id = p.company_id AND p.place <> 'up' WHEN MATCHED THEN UPDATE SET patient = 'changed'$$,
	$$MERGE INTO isolation_test.chart c USING place p ON c.company_id = p.company_id AND p.place <> 'up' WHEN MATCHED THEN DELETE$$,
	$$MERGE INTO isolation_test.chart c USING place p ON c.company_id = p.company_id AND c.chart_id = 1 WHEN MATCHED THEN UPDATE SET company_id = <far>$$,
	$$MERGE INTO isolation_test.chart c USING (SELECT * FROM place WHERE place = 'far') p ON c.company_id = p.company_id WHEN NOT MATCHED THEN INSERT VALUES (p.company_id, 9, 'planted')$$,
	$$MERGE INTO isolation_test.chart c USING (SELECT * FROM place WHERE place = 'up') p ON c.company_id = p.company_id AND c.chart_id = 3 WHEN MATCHED THEN DELETE$$]) WITH ORDINALITY v (s, n);
SELECT pg_temp.writing('', $$INSERT INTO isolation_test.chart VALUES (<up>, 5, 'planted')$$), pg_temp.writing('', $$UPDATE isolation_test.chart SET patient = 'changed'$$), pg_temp.writing('', $$DELETE FROM isolation_test.chart$$);
-- RETURNING gives back what the session may see.
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'stan'));
INSERT INTO isolation_test.chart (chart_id, patient) VALUES (7, 'seven') RETURNING chart_id, patient;
UPDATE isolation_test.chart SET patient = upper(patient) RETURNING patient;
DELETE FROM isolation_test.chart RETURNING patient;
ROLLBACK;
-- In the parent's administrator's session the child's are there to be written.
SELECT pg_temp.writing('adam', $$UPDATE isolation_test.chart SET patient = patient$$), pg_temp.writing('adam', $$INSERT INTO isolation_test.chart VALUES (<kid>, 3, 'kid3')$$), pg_temp.writing('adam', $$INSERT INTO isolation_test.chart VALUES (<far>, 3, 'planted')$$),
	pg_temp.writing('adam', $$DELETE FROM isolation_test.chart WHERE patient = 'kid3'$$);
SET ROLE regress_isolation_owner;
SELECT pg_temp.writing('', $$UPDATE isolation_test.chart SET patient = patient$$), pg_temp.writing('', $$DELETE FROM isolation_test.chart$$);
SELECT pg_temp.writing('stan', $$INSERT INTO isolation_test.chart VALUES (<far>, 3, 'planted')$$), pg_temp.writing('stan', $$UPDATE isolation_test.chart SET patient = patient$$), pg_temp.writing('stan', $$DELETE FROM isolation_test.chart WHERE company_id <> <up>$$);
RESET ROLE;
SELECT place, string_agg(patient, ' ' ORDER BY patient) AS charts FROM isolation_test.chart JOIN place USING (company_id) GROUP BY place ORDER BY place;

--
-- Policies of others. None widens it, whoever makes it.
--
CREATE FUNCTION pg_temp.problem(relation regclass) RETURNS text LANGUAGE sql AS $$ SELECT problem FROM bestauth.isolated_tables i WHERE i.relation = $1 $$;
SET ROLE regress_isolation_owner;
CREATE POLICY wide ON isolation_test.chart USING (true) WITH CHECK (true);
CREATE POLICY wider ON isolation_test.chart TO regress_isolation_app USING (company_id IS NOT NULL) WITH CHECK (true);
CREATE POLICY writes ON isolation_test.chart FOR INSERT WITH CHECK (true);
SET ROLE regress_isolation_app;
SELECT pg_temp.as_user('', 'SELECT patient FROM isolation_test.chart');
SELECT pg_temp.as_user('stan', 'SELECT patient FROM isolation_test.chart'), pg_temp.as_user('fay', 'SELECT patient FROM isolation_test.chart');
SELECT pg_temp.writing('stan', $$INSERT INTO isolation_test.chart VALUES (<far>, 3, 'planted')$$), pg_temp.writing('stan', $$UPDATE isolation_test.chart SET company_id = <far>$$);
-- One that is to narrow it is permissive too, and bestauth_rows lets through what it would
-- not; isolate_table takes that away then, and brings it back when it is needed.
SET ROLE regress_isolation_owner;
DROP POLICY wide ON isolation_test.chart;
DROP POLICY wider ON isolation_test.chart;
DROP POLICY writes ON isolation_test.chart;
CREATE POLICY ones ON isolation_test.chart USING (chart_id OPERATOR(pg_catalog.=) 1);
SELECT pg_temp.as_user('stan', 'SELECT patient FROM isolation_test.chart');
RESET ROLE;
SELECT pg_temp.problem('isolation_test.chart');
SET ROLE regress_isolation_owner;
SELECT bestauth.isolate_table('isolation_test.chart');
SELECT pg_temp.as_user('stan', 'SELECT patient FROM isolation_test.chart'), pg_temp.as_user('fay', 'SELECT patient FROM isolation_test.chart');
RESET ROLE;
SELECT pg_temp.problem('isolation_test.chart');
SELECT pg_temp.state('isolation_test.chart');
SET ROLE regress_isolation_owner;
-- [H-09] Its own condition is asked of no row of another company.
CREATE FUNCTION isolation_test.tell(value text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE NOTICE 'told %', value; RETURN true; END $$;
SET client_min_messages = notice;
DROP POLICY ones ON isolation_test.chart;
CREATE POLICY nosy ON isolation_test.chart USING (isolation_test.tell('policy ' || patient));
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'fay'));
SELECT count(*) FROM isolation_test.chart;
COMMIT;
SET client_min_messages = warning;
DROP POLICY nosy ON isolation_test.chart;
SELECT pg_temp.as_user('stan', 'SELECT patient FROM isolation_test.chart');
RESET ROLE;
SELECT pg_temp.problem('isolation_test.chart');
SET ROLE regress_isolation_owner;
SELECT bestauth.isolate_table('isolation_test.chart');
SELECT pg_temp.as_user('stan', 'SELECT patient FROM isolation_test.chart');
RESET ROLE;

--
-- [H-09] A function that costs next to nothing and tells what it is given is given no
-- foreign row, under no plan; and two functions of ours claim to be leakproof, with proof.
--
SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'bestauth'::regnamespace AND proleakproof ORDER BY 1;
ANALYZE isolation_test.chart, isolation_test.note;
CREATE FUNCTION isolation_test.note_down(value text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
	PERFORM set_config('isolation_test.seen', current_setting('isolation_test.seen', true) || ' ' || value, false);
	RETURN true;
END
$$;
CREATE FUNCTION isolation_test.note_left(a text, b text) RETURNS boolean LANGUAGE sql COST 0.0000001 AS $$ SELECT isolation_test.note_down(a) $$;
CREATE OPERATOR isolation_test.<<< (LEFTARG = text, RIGHTARG = text, FUNCTION = isolation_test.note_left);
CREATE FUNCTION pg_temp.given(username text, statement text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
DECLARE
	off text;
	seen text := '';
BEGIN
	PERFORM bestauth.use_session((SELECT token FROM token t WHERE t.username = given.username));
	FOREACH off IN ARRAY '{enable_material,enable_seqscan,enable_indexscan,enable_bitmapscan,enable_hashjoin,enable_nestloop,enable_hashagg}'::text[] LOOP
		PERFORM set_config(off, 'off', true), set_config('isolation_test.seen', '', false);
		EXECUTE statement;
		seen := seen || ' ' || current_setting('isolation_test.seen');
		PERFORM set_config(off, 'on', true);
	END LOOP;
	RETURN coalesce((SELECT string_agg(DISTINCT w, ' ' ORDER BY w) FROM string_to_table(trim(seen), ' ') w WHERE w <> ''), '(nothing)');
END
$$;
CREATE TEMP TABLE nosy (number int, statement text);
GRANT SELECT ON nosy TO PUBLIC;
INSERT INTO nosy VALUES
	(1, 'SELECT * FROM isolation_test.chart WHERE isolation_test.note_down(patient)'),
	(2, 'SELECT * FROM isolation_test.chart WHERE patient OPERATOR(isolation_test.<<<) ''x'''),
	(3, 'SELECT * FROM isolation_test.chart a JOIN isolation_test.note b ON a.company_id = b.company_id AND isolation_test.note_down(a.patient) AND isolation_test.note_down(b.words)'),
	(4, 'SELECT * FROM isolation_test.by_owner WHERE isolation_test.note_down(patient)'),
	(5, 'SELECT * FROM isolation_test.by_caller WHERE isolation_test.note_down(patient) AND chart_id > 0'),
	(6, 'SELECT count(*) FROM isolation_test.chart GROUP BY isolation_test.note_down(patient)'),
	(7, 'UPDATE isolation_test.chart SET patient = patient WHERE isolation_test.note_down(patient)'),
	(8, 'DELETE FROM isolation_test.note WHERE isolation_test.note_down(words) AND false'),
	(9, 'DELETE FROM isolation_test.note WHERE isolation_test.note_down(words) AND words = ''none'''),
	(10, 'MERGE INTO isolation_test.chart c USING place p ON isolation_test.note_down(c.patient) AND c.company_id = p.company_id WHEN MATCHED AND isolation_test.note_down(c.patient) THEN DO NOTHING'),
	(11, 'SELECT * FROM isolation_test.note WHERE note_id > 0 AND isolation_test.note_down(words) FOR KEY SHARE');
SET ROLE regress_isolation_app;
SELECT number, pg_temp.given('stan', statement) AS stan, pg_temp.given('fay', statement) AS fay FROM nosy ORDER BY number;
RESET ROLE;
-- It would tell all, were it not for row security.
SELECT pg_temp.given('stan', statement) FROM nosy WHERE number = 1;

--
-- [H-11] [L-19] Plans, messages and statistics have no foreign values.
--
SELECT count(*) > 0 AS charts, count(*) FILTER (WHERE tablename = 'note') > 0 AS notes FROM pg_stats WHERE schemaname = 'isolation_test';
CREATE FUNCTION pg_temp.plan(statement text) RETURNS SETOF text LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session((SELECT token FROM token WHERE username = 'stan'));
	RETURN QUERY EXECUTE 'EXPLAIN (ANALYZE, VERBOSE, TIMING OFF) ' || statement;
END
$$;
SET ROLE regress_isolation_app;
SELECT count(*) FROM pg_stats WHERE schemaname = 'isolation_test';
SELECT s, count(*) > 1 AS lines, count(*) FILTER (WHERE line ~ 'far1|far2|kid1|kid2' OR EXISTS (SELECT FROM place WHERE place <> 'up' AND strpos(line, company_id::text) > 0)) AS foreign_values
FROM unnest(ARRAY['SELECT * FROM isolation_test.chart', 'SELECT * FROM isolation_test.chart WHERE patient < ''x''', 'SELECT * FROM isolation_test.chart c JOIN isolation_test.note n USING (company_id)',
	'SELECT min(company_id::text), max(patient) FROM isolation_test.chart', 'UPDATE isolation_test.chart SET patient = patient', 'SELECT * FROM isolation_test.by_owner ORDER BY patient']) s, LATERAL pg_temp.plan(s) line GROUP BY s ORDER BY s COLLATE "C";
RESET ROLE;
SET ROLE regress_isolation_owner;
SELECT count(*) FROM pg_stats WHERE schemaname = 'isolation_test' AND tablename IN ('chart', 'note');
ALTER TABLE isolation_test.note ADD CONSTRAINT short CHECK (length(words) < 10);
CREATE UNIQUE INDEX note_words ON isolation_test.note (words);
SET ROLE regress_isolation_app;
SELECT pg_temp.writing('stan', s) FROM unnest(ARRAY[$$INSERT INTO isolation_test.note VALUES (50, <up>, 'far1')$$, $$INSERT INTO isolation_test.note VALUES (11, <up>, 'new')$$, $$INSERT INTO isolation_test.note VALUES (50, <up>, 'much too long')$$, $$INSERT INTO isolation_test.note VALUES (50, <far>, 'new')$$, $$UPDATE isolation_test.note SET words = 'far1' WHERE note_id = 13$$]) s;
RESET ROLE;
-- Who sees all is told.
SELECT pg_temp.writing('', $$INSERT INTO isolation_test.note VALUES (50, <up>, 'far1')$$), pg_temp.writing('', $$INSERT INTO isolation_test.note VALUES (50, <up>, 'much too long')$$);
DROP INDEX isolation_test.note_words;

--
-- [H-08] What tells that something exists: keys without the company in them, and references by
-- such keys. With the company in them a foreign and a missing thing are the same.
--
SET ROLE regress_isolation_owner;
CREATE TABLE isolation_test.visit (company_id uuid NOT NULL DEFAULT bestauth.current_company_id(), visit_id int, chart_id int NOT NULL,
	PRIMARY KEY (company_id, visit_id), FOREIGN KEY (company_id, chart_id) REFERENCES isolation_test.chart ON DELETE CASCADE);
CREATE TABLE isolation_test.remark (company_id uuid NOT NULL DEFAULT bestauth.current_company_id(), remark_id int PRIMARY KEY, note_id int REFERENCES isolation_test.note ON DELETE CASCADE);
SELECT bestauth.isolate_table('isolation_test.visit'), bestauth.isolate_table('isolation_test.remark');
GRANT SELECT, INSERT, UPDATE, DELETE ON isolation_test.visit, isolation_test.remark TO regress_isolation_app;
SET ROLE regress_isolation_app;
-- The checks of references see past row security, as they must: an own one holds.
SELECT pg_temp.writing('fay', $$INSERT INTO isolation_test.chart (chart_id, patient) VALUES (8, 'far8')$$), pg_temp.writing('fay', $$INSERT INTO isolation_test.visit (visit_id, chart_id) VALUES (1, 8)$$), pg_temp.writing('fay', $$UPDATE isolation_test.chart SET chart_id = 9 WHERE chart_id = 8$$);
SELECT what, pg_temp.writing('stan', s) FROM (VALUES
	('chart 8 is a foreign one''s', $$INSERT INTO isolation_test.visit (visit_id, chart_id) VALUES (1, 8)$$),
	('chart 7 is nobody''s', $$INSERT INTO isolation_test.visit (visit_id, chart_id) VALUES (1, 7)$$),
	('chart 1 of theirs', $$INSERT INTO isolation_test.visit VALUES (<far>, 1, 1)$$), ('chart 7 of theirs', $$INSERT INTO isolation_test.visit VALUES (<far>, 1, 7)$$),
	('visit 1 is a foreign one''s', $$INSERT INTO isolation_test.visit (visit_id, chart_id) VALUES (1, 1) ON CONFLICT (company_id, visit_id) DO UPDATE SET chart_id = 2$$),
	('visit 2 is nobody''s', $$INSERT INTO isolation_test.visit (visit_id, chart_id) VALUES (2, 1) ON CONFLICT (company_id, visit_id) DO UPDATE SET chart_id = 2$$),
	('update of a foreign one', $$UPDATE isolation_test.visit SET chart_id = 2 WHERE company_id = <far>$$), ('update of a missing one', $$UPDATE isolation_test.visit SET chart_id = 2 WHERE visit_id = 77$$),
	('delete of a foreign one', $$DELETE FROM isolation_test.visit WHERE company_id = <far>$$), ('delete of a missing one', $$DELETE FROM isolation_test.visit WHERE visit_id = 77$$)) v (what, s);
-- The trap: note 11 is a foreign one's, note 99 nobody's, and the answers differ.
SELECT what, pg_temp.writing('stan', s) FROM (VALUES
	('reference to a foreign one', $$INSERT INTO isolation_test.remark (remark_id, note_id) VALUES (1, 11)$$), ('reference to a missing one', $$INSERT INTO isolation_test.remark (remark_id, note_id) VALUES (2, 99)$$),
	('a key that a foreign one has', $$INSERT INTO isolation_test.note VALUES (11, <up>, 'new') ON CONFLICT DO NOTHING$$), ('a key that nobody has', $$INSERT INTO isolation_test.note VALUES (99, <up>, 'new') ON CONFLICT DO NOTHING$$)) v (what, s);
-- And a cascade by such a key goes from one company into another.
SELECT pg_temp.as_user('fay', 'DELETE FROM isolation_test.note WHERE note_id = 11'), pg_temp.as_user('stan', 'SELECT remark_id FROM isolation_test.remark');
RESET ROLE;
-- Where a reference is added later, who is bound by row security checks no rows but their
-- own: a superuser, or a role that bypasses it, checks all.
ALTER TABLE isolation_test.remark DROP CONSTRAINT remark_note_id_fkey;
INSERT INTO isolation_test.remark SELECT company_id, 5, 12345 FROM place WHERE place = 'far';
SELECT regress.attempt('ALTER TABLE isolation_test.remark ADD FOREIGN KEY (note_id) REFERENCES isolation_test.note');
SET ROLE regress_isolation_owner;
DROP TABLE isolation_test.visit, isolation_test.remark;
RESET ROLE;

--
-- What is refused altogether, or not stopped at all.
--
SET ROLE regress_isolation_app;
SET row_security = off;
SELECT pg_temp.as_user('stan', 'SELECT patient FROM isolation_test.chart');
RESET row_security;
SELECT pg_temp.as_user('stan', 'TRUNCATE isolation_test.chart');
RESET ROLE;
GRANT pg_read_server_files TO regress_isolation_app, regress_isolation_owner;
SET ROLE regress_isolation_app;
SELECT pg_temp.as_user('stan', 'COPY isolation_test.chart FROM ''/dev/null''');
SET ROLE regress_isolation_owner;
SELECT pg_temp.as_user('stan', 'COPY isolation_test.chart FROM ''/dev/null''');
RESET ROLE;
SELECT regress.attempt('COPY isolation_test.chart FROM ''/dev/null''');
GRANT TRUNCATE ON isolation_test.chart TO regress_isolation_app, PUBLIC, regress_isolation_backup;
SELECT pg_temp.problem('isolation_test.chart');
BEGIN;
SET LOCAL ROLE regress_isolation_app;
SELECT pg_temp.as_user('stan', 'TRUNCATE isolation_test.chart');
RESET ROLE;
SELECT count(*) FROM isolation_test.chart;
ROLLBACK;
REVOKE TRUNCATE ON isolation_test.chart FROM regress_isolation_app, PUBLIC, regress_isolation_backup;
-- Views of who bypasses row security, unless they go by their caller; what a materialized
-- view holds has no row security. One that nobody else reads is no problem.
CREATE VIEW isolation_test.by_super AS SELECT * FROM isolation_test.chart;
CREATE VIEW isolation_test.over_caller AS SELECT * FROM isolation_test.by_caller;
CREATE VIEW isolation_test.super_caller WITH (security_invoker = on) AS SELECT * FROM isolation_test.chart;
CREATE VIEW isolation_test.over_super AS SELECT * FROM isolation_test.by_super;
CREATE MATERIALIZED VIEW isolation_test.kept AS SELECT * FROM isolation_test.by_caller;
SELECT pg_temp.problem('isolation_test.chart');
GRANT SELECT ON isolation_test.over_super TO regress_isolation_app;
SELECT pg_temp.problem('isolation_test.chart');
SET ROLE regress_isolation_app;
SELECT pg_temp.as_user('kim', 'SELECT patient FROM isolation_test.over_super');
RESET ROLE;
DROP VIEW isolation_test.over_super;
GRANT SELECT ON isolation_test.by_super, isolation_test.over_caller, isolation_test.super_caller, isolation_test.kept TO regress_isolation_app;
SELECT pg_temp.problem('isolation_test.chart');
SET ROLE regress_isolation_app;
SELECT v, pg_temp.as_user('kim', 'SELECT patient FROM isolation_test.' || v) FROM unnest('{by_super,over_caller,super_caller,kept,by_owner,by_caller}'::text[]) v;
RESET ROLE;
ALTER VIEW isolation_test.by_super SET (security_invoker = true);
DROP MATERIALIZED VIEW isolation_test.kept;
SELECT pg_temp.problem('isolation_test.chart');
SET ROLE regress_isolation_app;
SELECT v, pg_temp.as_user('kim', 'SELECT patient FROM isolation_test.' || v) FROM unnest('{by_super}'::text[]) v;
RESET ROLE;
DROP VIEW isolation_test.by_super, isolation_test.over_caller, isolation_test.super_caller;

--
-- What somebody undoes by hand is seen, and put right by the next call. A function of the same
-- name in the reader's path does not pass for ours.
--
CREATE FUNCTION isolation_test.can_access_company(uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION pg_temp.undo(statement text, OUT problem text, OUT intact text, OUT after text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	SELECT i.problem, i.policy_intact INTO undo.problem, intact FROM bestauth.isolated_tables i WHERE relation = 'isolation_test.note'::regclass;
	PERFORM bestauth.isolate_table('isolation_test.note');
	after := coalesce(pg_temp.problem('isolation_test.note'), CASE WHEN EXISTS (SELECT FROM bestauth.isolated_tables i WHERE relation = 'isolation_test.note'::regclass AND policy_intact) THEN 'isolated' ELSE 'gone' END);
END
$$;
SET search_path = isolation_test, bestauth;
SELECT statement, u.* FROM unnest(ARRAY[
	'ALTER TABLE isolation_test.note NO FORCE ROW LEVEL SECURITY', 'ALTER TABLE isolation_test.note DISABLE ROW LEVEL SECURITY', 'ALTER TABLE isolation_test.note ALTER COLUMN company_id DROP NOT NULL',
	'DROP INDEX isolation_test.note_company_id_idx', 'DROP POLICY bestauth_company ON isolation_test.note', 'DROP POLICY bestauth_rows ON isolation_test.note',
	'DROP POLICY bestauth_company ON isolation_test.note; DROP POLICY bestauth_rows ON isolation_test.note',
	'ALTER POLICY bestauth_company ON isolation_test.note USING (isolation_test.can_access_company(company_id))',
	'ALTER POLICY bestauth_company ON isolation_test.note WITH CHECK (isolation_test.can_access_company(company_id))',
	'ALTER POLICY bestauth_company ON isolation_test.note USING (true)', 'ALTER POLICY bestauth_company ON isolation_test.note WITH CHECK (true)',
	'ALTER POLICY bestauth_company ON isolation_test.note USING (bestauth.can_access_company(company_id) OR true)', 'ALTER POLICY bestauth_company ON isolation_test.note TO regress_isolation_app',
	'ALTER POLICY bestauth_company ON isolation_test.note USING (bestauth.can_access_provider(company_id))',
	'DROP POLICY bestauth_company ON isolation_test.note; CREATE POLICY bestauth_company ON isolation_test.note USING (bestauth.can_access_company(company_id)) WITH CHECK (bestauth.can_access_company(company_id))',
	'DROP POLICY bestauth_company ON isolation_test.note; CREATE POLICY bestauth_company ON isolation_test.note AS RESTRICTIVE FOR SELECT USING (bestauth.can_access_company(company_id))',
	'ALTER POLICY bestauth_rows ON isolation_test.note USING (true)', 'ALTER POLICY bestauth_rows ON isolation_test.note TO regress_isolation_app', 'COMMENT ON TABLE isolation_test.note IS ''as it was''',
	'DROP INDEX isolation_test.note_company_id_idx; CREATE INDEX on_part ON isolation_test.note (company_id) WHERE note_id > 0', 'DROP INDEX isolation_test.note_company_id_idx; CREATE INDEX second ON isolation_test.note (note_id, company_id)',
	'DROP INDEX isolation_test.note_company_id_idx; CREATE INDEX by_hash ON isolation_test.note USING hash (company_id)', 'DROP INDEX isolation_test.note_company_id_idx; CREATE INDEX covering ON isolation_test.note (company_id, words) INCLUDE (note_id)']) statement, LATERAL pg_temp.undo(statement) u;
RESET search_path;
SELECT pg_temp.state('isolation_test.note');
-- [L-10] Who may read the view: the operator and the auditor.
SET ROLE regress_isolation_app;
SELECT regress.attempt('SELECT * FROM bestauth.isolated_tables');
SET ROLE regress_isolation_auditor;
SELECT relation, problem FROM bestauth.isolated_tables WHERE relation::text LIKE 'isolation\_test.%' ORDER BY relation::text COLLATE "C";
RESET ROLE;
SELECT regress.attempt('SELECT * FROM bestauth.' || v) FROM unnest('{isolation_policy,isolation_index}'::text[]) v WHERE NOT has_table_privilege('regress_isolation_auditor', 'bestauth.' || v, 'SELECT') AND set_config('role', 'regress_isolation_auditor', false) <> '';
RESET ROLE;

--
-- Another column; and a table, a column and an index of the same name that need quoting.
--
DROP INDEX isolation_test.on_part, isolation_test.second, isolation_test.by_hash, isolation_test.covering;
SET ROLE regress_isolation_owner;
SELECT bestauth.isolate_table('isolation_test.note');
ALTER TABLE isolation_test.note ADD COLUMN other_id uuid;
SELECT regress.attempt($$SELECT bestauth.isolate_table('isolation_test.note', 'other_id')$$);
ALTER TABLE isolation_test.note ALTER COLUMN other_id SET DEFAULT bestauth.current_company_id();
RESET ROLE;
UPDATE isolation_test.note SET other_id = (SELECT company_id FROM place WHERE place = 'far');
SET ROLE regress_isolation_owner;
SELECT bestauth.isolate_table('isolation_test.note', 'other_id');
RESET ROLE;
SELECT pg_temp.state('isolation_test.note');
SELECT count(*) AS all, pg_temp.as_user('fay', 'SELECT 1') FROM isolation_test.note;
SET ROLE regress_isolation_app;
SELECT pg_temp.as_user('stan', 'SELECT words FROM isolation_test.note'), pg_temp.as_user('fay', 'SELECT count(*) FROM isolation_test.note');
-- A column or a table that is renamed takes its policies along.
SET ROLE regress_isolation_owner;
ALTER TABLE isolation_test.note RENAME COLUMN other_id TO "who""se 'co;m";
ALTER TABLE isolation_test.note RENAME TO "no'te ""1"" %s";
SELECT bestauth.isolate_table('isolation_test."no''te ""1"" %s"', 'who"se ''co;m');
RESET ROLE;
SELECT relation, company_column, policy_intact, index, problem FROM bestauth.isolated_tables WHERE relation::text LIKE 'isolation\_test."%';
SET ROLE regress_isolation_owner;
SELECT bestauth.unisolate_table('isolation_test."no''te ""1"" %s"');
SELECT bestauth.isolate_table('isolation_test."no''te ""1"" %s"', 'who"se ''co;m');
RESET ROLE;
SELECT pg_temp.state('isolation_test."no''te ""1"" %s"');
SET ROLE regress_isolation_app;
SELECT pg_temp.as_user('stan', 'SELECT count(*) FROM isolation_test."no''te ""1"" %s"'), pg_temp.as_user('fay', 'SELECT count(*) FROM isolation_test."no''te ""1"" %s"');

--
-- Taken off: it is as it was before, but for NOT NULL. What others made stays.
--
SET ROLE regress_isolation_owner;
SELECT bestauth.unisolate_table('isolation_test."no''te ""1"" %s"');
ALTER TABLE isolation_test."no'te ""1"" %s" RENAME TO note;
ALTER TABLE isolation_test.note DROP COLUMN "who""se 'co;m";
ALTER TABLE isolation_test.note DROP CONSTRAINT short;
RESET ROLE;
SELECT state AS was FROM before EXCEPT SELECT pg_temp.state('isolation_test.note');
SELECT pg_temp.state('isolation_test.note') AS "is" EXCEPT SELECT state FROM before;
SELECT relation FROM bestauth.isolated_tables WHERE relation = 'isolation_test.note'::regclass;
SELECT regress.attempt($$SELECT bestauth.unisolate_table('isolation_test.note')$$);
-- An index of the owner's own, and policies: row security is theirs then.
SET ROLE regress_isolation_owner;
CREATE INDEX own ON isolation_test.note (company_id);
CREATE POLICY own ON isolation_test.note AS RESTRICTIVE USING (note_id OPERATOR(pg_catalog.<) 20);
SELECT bestauth.isolate_table('isolation_test.note');
RESET ROLE;
SELECT pg_temp.state('isolation_test.note');
SET ROLE regress_isolation_owner;
SET client_min_messages = notice;
SELECT bestauth.unisolate_table('isolation_test.note');
SET client_min_messages = warning;
RESET ROLE;
SELECT pg_temp.state('isolation_test.note');
SELECT action, detail, count(*) FROM bestauth.audit_log WHERE audit_id > :mark AND action LIKE 'table.%isolated' AND object_id NOT LIKE '%chart' GROUP BY 1, 2 ORDER BY 1, 2;
-- With the column goes the isolation, and so does everything that could be seen by it.
BEGIN;
ALTER TABLE isolation_test.chart DROP COLUMN company_id CASCADE;
SELECT pg_temp.state('isolation_test.chart');
SET LOCAL ROLE regress_isolation_app;
SELECT count(*) FROM isolation_test.chart;
ROLLBACK;
-- Which of those that rest on the column is named first is PostgreSQL's affair.
SELECT regress.attempt('ALTER TABLE isolation_test.chart DROP COLUMN company_id'), left(regress.attempt('ALTER TABLE isolation_test.chart ALTER COLUMN company_id TYPE text'), 5) AS of_another_type;
BEGIN;
DROP POLICY bestauth_company ON isolation_test.chart;
SET LOCAL ROLE regress_isolation_app;
SELECT pg_temp.as_user('kim', 'SELECT patient FROM isolation_test.chart');
ROLLBACK;

--
-- Partitions, at every level, and what inherits: each as the table itself, for who goes to it
-- directly. One that is attached later is seen, and put right by the next call.
--
SET ROLE regress_isolation_owner;
CREATE TABLE isolation_test.claim (company_id uuid, claim_id int, words text) PARTITION BY RANGE (claim_id);
CREATE TABLE isolation_test.claim_1 PARTITION OF isolation_test.claim FOR VALUES FROM (0) TO (10);
CREATE TABLE isolation_test.claim_2 PARTITION OF isolation_test.claim FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (claim_id);
CREATE TABLE isolation_test.claim_21 PARTITION OF isolation_test.claim_2 FOR VALUES FROM (10) TO (15);
CREATE INDEX own_index ON isolation_test.claim_21 (company_id);
INSERT INTO isolation_test.claim SELECT company_id, n, place || n FROM place, unnest('{1,11}'::int[]) n;
SELECT bestauth.isolate_table('isolation_test.claim');
CREATE TABLE isolation_test.claim_22 PARTITION OF isolation_test.claim_2 FOR VALUES FROM (15) TO (20);
INSERT INTO isolation_test.claim_22 SELECT company_id, 16, place || 16 FROM place;
GRANT SELECT, INSERT, UPDATE, DELETE ON isolation_test.claim, isolation_test.claim_1, isolation_test.claim_2, isolation_test.claim_21, isolation_test.claim_22 TO regress_isolation_app;
RESET ROLE;
SELECT relation, enabled, forced, policy_intact, index, problem FROM bestauth.isolated_tables WHERE relation::text LIKE '%.claim%' ORDER BY relation::text COLLATE "C";
SELECT ok, value, detail FROM bestauth.health WHERE check_name = 'isolated_tables';
SET ROLE regress_isolation_app;
SELECT t, pg_temp.as_user('kim', 'SELECT words FROM isolation_test.' || t) FROM unnest('{claim,claim_1,claim_2,claim_21,claim_22}'::text[]) t;
SELECT pg_temp.writing('kim', s) FROM unnest(ARRAY[$$INSERT INTO isolation_test.claim VALUES (<far>, 2, 'planted')$$, $$INSERT INTO isolation_test.claim_1 VALUES (<far>, 2, 'planted')$$, $$UPDATE isolation_test.claim SET claim_id = 2, company_id = <far> WHERE claim_id = 11$$, $$UPDATE isolation_test.claim SET claim_id = 2 WHERE claim_id = 11$$]) s;
SET ROLE regress_isolation_owner;
SELECT bestauth.isolate_table('isolation_test.claim');
SELECT pg_temp.as_user('kim', 'SELECT words FROM isolation_test.claim_22');
RESET ROLE;
SELECT relation, policy_intact, index, problem FROM bestauth.isolated_tables WHERE relation::text LIKE '%.claim%' ORDER BY relation::text COLLATE "C";
SELECT ok, value, detail FROM bestauth.health WHERE check_name = 'isolated_tables';
ANALYZE isolation_test.claim, isolation_test.claim_1;
SET ROLE regress_isolation_app;
SELECT count(*) FROM pg_stats WHERE tablename IN ('claim', 'claim_1');
RESET ROLE;
-- A partition that the caller does not own, and one that can have no policy: all or nothing.
SET ROLE regress_isolation_owner;
SELECT bestauth.unisolate_table('isolation_test.claim');
RESET ROLE;
ALTER TABLE isolation_test.claim_22 OWNER TO regress_isolation_other;
SET ROLE regress_isolation_owner;
SELECT regress.attempt($$SELECT bestauth.isolate_table('isolation_test.claim')$$);
RESET ROLE;
ALTER TABLE isolation_test.claim_22 OWNER TO regress_isolation_owner;
CREATE FOREIGN TABLE isolation_test.claim_far PARTITION OF isolation_test.claim FOR VALUES FROM (30) TO (40) SERVER regress_isolation_server;
SELECT regress.attempt($$SELECT bestauth.isolate_table('isolation_test.claim')$$);
SELECT relation FROM bestauth.isolated_tables WHERE relation::text LIKE '%.claim%';
ALTER TABLE isolation_test.claim DETACH PARTITION isolation_test.claim_far;
-- Its own index became a part of the one on all partitions, which is the owner's; taking off
-- leaves it there. One that was detached stays isolated by itself.
SET ROLE regress_isolation_owner;
SELECT bestauth.isolate_table('isolation_test.claim');
CREATE INDEX claim_all ON isolation_test.claim (company_id);
ALTER TABLE isolation_test.claim DETACH PARTITION isolation_test.claim_1;
SELECT bestauth.unisolate_table('isolation_test.claim');
RESET ROLE;
ALTER TABLE isolation_test.claim ATTACH PARTITION isolation_test.claim_far FOR VALUES FROM (30) TO (40);
SELECT relation, problem FROM bestauth.isolated_tables WHERE relation::text LIKE '%.claim%' ORDER BY relation::text COLLATE "C";
SELECT t, pg_temp.state(('isolation_test.' || t)::regclass) FROM unnest('{claim,claim_1,claim_2,claim_21,claim_22}'::text[]) t;
ALTER TABLE isolation_test.claim DETACH PARTITION isolation_test.claim_far;
SET ROLE regress_isolation_owner;
SELECT bestauth.isolate_table('isolation_test.claim');
RESET ROLE;
ALTER TABLE isolation_test.claim ATTACH PARTITION isolation_test.claim_far FOR VALUES FROM (30) TO (40);
SELECT relation, problem FROM bestauth.isolated_tables WHERE relation::text LIKE '%.claim%' AND problem IS NOT NULL;
SET ROLE regress_isolation_owner;
SELECT bestauth.unisolate_table('isolation_test.claim');
CREATE TABLE isolation_test.base (company_id uuid, words text);
CREATE TABLE isolation_test.derived (more text) INHERITS (isolation_test.base);
INSERT INTO isolation_test.base SELECT company_id, place FROM place;
INSERT INTO isolation_test.derived SELECT company_id, place FROM place;
SELECT bestauth.isolate_table('isolation_test.base');
GRANT SELECT ON isolation_test.base, isolation_test.derived TO regress_isolation_app;
RESET ROLE;
SELECT relation, index, problem FROM bestauth.isolated_tables WHERE relation::text ~ 'base|derived' ORDER BY relation::text COLLATE "C";
SET ROLE regress_isolation_app;
SELECT t, pg_temp.as_user('kim', 'SELECT words FROM isolation_test.' || t) FROM unnest('{base,derived}'::text[]) t;
RESET ROLE;
-- Taking off leaves a child alone that was not isolated, with its own row security.
SET ROLE regress_isolation_owner;
CREATE TABLE isolation_test.closed () INHERITS (isolation_test.base);
ALTER TABLE isolation_test.closed ENABLE ROW LEVEL SECURITY;
SELECT bestauth.unisolate_table('isolation_test.base');
RESET ROLE;
SELECT t, pg_temp.state(('isolation_test.' || t)::regclass) FROM unnest('{base,derived,closed}'::text[]) t;

--
-- A generated column; an event trigger; in a session; undone with the transaction.
--
SET ROLE regress_isolation_owner;
CREATE TABLE isolation_test.document (body jsonb, company_id uuid GENERATED ALWAYS AS ((body OPERATOR(pg_catalog.->>) 'company')::uuid) STORED);
SELECT bestauth.isolate_table('isolation_test.document');
GRANT SELECT, INSERT ON isolation_test.document TO regress_isolation_app;
SET ROLE regress_isolation_app;
SELECT place, pg_temp.as_user('kim', format('INSERT INTO isolation_test.document VALUES (jsonb_build_object(''company'', %L, ''text'', %L))', company_id, place)) FROM place ORDER BY place;
SELECT pg_temp.as_user('kim', 'SELECT body->>''text'' FROM isolation_test.document'), pg_temp.as_user('fay', 'SELECT body->>''text'' FROM isolation_test.document');
RESET ROLE;
BEGIN;
CREATE FUNCTION isolation_test.event() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE WARNING '% as % under %', tg_tag, current_user, current_setting('search_path');
END
$$;
CREATE EVENT TRIGGER regress_isolation_event ON ddl_command_end EXECUTE FUNCTION isolation_test.event();
SET LOCAL ROLE regress_isolation_owner;
SET LOCAL search_path = isolation_test;
SELECT bestauth.isolate_table('note');
SELECT current_user, current_setting('search_path');
ROLLBACK;
BEGIN;
SET LOCAL ROLE regress_isolation_owner;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'stan'));
SELECT bestauth.isolate_table('isolation_test.note');
RESET ROLE;
SELECT c.code, u.username, a.object_id FROM bestauth.audit_log a JOIN bestauth.company c USING (company_id) JOIN bestauth.user_account u USING (user_id) WHERE a.action = 'table.isolated' AND audit_id > :mark;
SET LOCAL ROLE regress_isolation_app;
SELECT string_agg(words, ' ' ORDER BY words) FROM isolation_test.note;
ROLLBACK;
SELECT relation FROM bestauth.isolated_tables WHERE relation = 'isolation_test.note'::regclass;

DROP FOREIGN DATA WRAPPER regress_isolation_fdw CASCADE;
DROP SCHEMA isolation_test CASCADE;
DROP OWNED BY regress_isolation_app;
SELECT count(bestauth.revoke_access(('regress_isolation_' || name)::regrole, access)) FROM (VALUES ('owner', 'application'), ('app', 'application'), ('other', 'reader'), ('auditor', 'auditor')) v (name, access);
REVOKE USAGE ON SCHEMA regress FROM PUBLIC;
DROP TABLE passing;
DROP ROLE regress_isolation_owner, regress_isolation_app, regress_isolation_other, regress_isolation_none, regress_isolation_backup, regress_isolation_auditor;
