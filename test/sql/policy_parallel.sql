-- [D-07] Parallel workers have the identity of their leader: every function that reads it says
-- in them what it says there, of whatever the session has, and has nothing where it has none.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA policy_parallel;
CREATE ROLE regress_policy_parallel;
GRANT USAGE ON SCHEMA policy_parallel TO regress_policy_parallel;
RESET client_min_messages;
-- Those that workers may call: they read the identity, or none at all; the others run queries.
SELECT p.oid::regprocedure AS safe, p.provolatile FROM pg_proc p WHERE p.pronamespace = 'bestauth'::regnamespace AND p.proparallel = 's' ORDER BY p.proname;
SELECT p.oid::regprocedure AS restricted FROM pg_proc p WHERE p.pronamespace = 'bestauth'::regnamespace AND p.proparallel = 'r';
SELECT count(*) FILTER (WHERE p.proparallel = 's') AS safe, count(*) FILTER (WHERE p.proparallel = 'u') > 100 AS unsafe FROM pg_proc p
WHERE p.pronamespace = 'bestauth'::regnamespace AND p.prosrc NOT IN ('bestauth_uuidv7', 'bestauth_fold_name', 'bestauth_fold_identifier', 'bestauth_spreadsheet_text');

-- Permissions of every length, and whose names could be taken for lengths.
INSERT INTO bestauth.permission (name, title) SELECT 'pp' || repeat('x', i), 'Test ' || i FROM generate_series(1, 61) i;
INSERT INTO bestauth.permission (name, title) SELECT n, 'Odd ' || n FROM unnest('{p,p1,p.12,p_1.0.,p1.1.1.1,p0}'::text[]) n;
DO $$
BEGIN
	PERFORM bestauth.grant_access('regress_policy_parallel', 'application');
	PERFORM bestauth.create_company('ppar-svc', 'Billing');
	PERFORM bestauth.register_billing_service('ppar-svc');
	PERFORM bestauth.create_user('pat', 'restricted', 'Pat', 'P', 'pat@ppar.example', 'seven green boats of pat', company => 'ppar-svc');
	PERFORM bestauth.create_company('ppar', 'Parent');
	PERFORM bestauth.create_company('ppar-' || i, 'Child ' || i, 'ppar') FROM generate_series(1, 40) i;
	PERFORM bestauth.create_company('ppar-big', 'Big');
	INSERT INTO bestauth.company (code, name, parent_id) SELECT 'ppar-big' || i, 'Big ' || i, company_id FROM bestauth.company, generate_series(1, 2000) i WHERE code = 'ppar-big';
	PERFORM bestauth.create_company('ppar-far', 'Far');
	PERFORM bestauth.create_role('Forty', '{claims}', (SELECT array_agg('ppar-' || i) FROM generate_series(1, 39) i), company => 'ppar');
	PERFORM bestauth.create_role('Every', (SELECT array_agg(name) FROM bestauth.permission WHERE name LIKE 'p%' AND name NOT IN ('preferences') AND title ~ '^(Test|Odd) '), company => 'ppar');
	PERFORM bestauth.create_user('one', 'standard', 'One', 'O', 'one@ppar.example', 'seven green boats of one', company => 'ppar');
	PERFORM bestauth.create_user('forty', 'standard', 'Forty', 'F', 'forty@ppar.example', 'seven green boats of forty', roles => '{Forty,Every}', company => 'ppar');
	PERFORM bestauth.create_user('all', 'company_administrator', 'All', 'A', 'all@ppar.example', 'seven green boats of all', company => 'ppar-big');
	PERFORM bestauth.create_user('3.3.0''%$&!{}|~' || repeat('1', 100), 'standard', 'Odd', 'O', 'odd@ppar.example', 'seven green boats of odd', permissions => '{p,p1}', company => 'ppar');
	PERFORM bestauth.create_user('key', 'billing', NULL, 'Key', password => 'seven green boats of key', billing_service => 'ppar-svc', permissions => '{eops}', roles => '{Forty}', company => 'ppar');
END
$$;
SELECT bestauth.create_portal('ppar', 'ppardocs', 'provider', 'Docs') IS NOT NULL AS portal, bestauth.create_office('ppar', 'pparof', 'Office') AS office \gset
SELECT array_agg(bestauth.create_provider(:'office', npi, 'Pro', 'Vider', NULL)) AS providers FROM unnest('{1234567893,1679576722,1003000126}'::text[]) npi \gset
SELECT count(bestauth.create_provider_user(bestauth.create_employee(:'office', 'desk', u, u, provider_id => CASE u WHEN 'indy' THEN (:'providers'::uuid[])[1] END), u, 'Provider - Administrator', u || '@ppar.example', 'a long password of ' || u)) AS accounts FROM unnest('{tess,indy}'::text[]) u;
SELECT u, bestauth.set_password(challenge_token, 'seven green boats of ' || u) FROM unnest('{tess,indy}'::text[]) u, LATERAL bestauth.login('ppar', u, 'a long password of ' || u, 'ppardocs');
-- The address of a client is anything, in any script.
CREATE TABLE policy_parallel.who AS SELECT 0 AS n, 'nobody' AS name, NULL AS token
	UNION ALL SELECT n, u, session_token FROM (VALUES (1, 'one', 'ppar', NULL, NULL), (2, 'forty', 'ppar', NULL, '12:34 5'), (3, 'all', 'ppar-big', NULL, repeat(U&'\6f22\5b57:7 ', 40)), (5, 'tess', 'ppar', 'ppardocs', U&'\00fc:2 \+01f9d1'), (6, 'indy', 'ppar', 'ppardocs', '')) v (n, u, c, p, a),
		LATERAL bestauth.login(c, u, 'seven green boats of ' || u, p, client_addr => a)
	UNION ALL SELECT 4, 'odd', session_token FROM bestauth.login('ppar', '3.3.0''%$&!{}|~' || repeat('1', 100), 'seven green boats of odd', client_addr => U&'\00e9')
	UNION ALL SELECT 7, 'key', t.session_token FROM bestauth.login('ppar', 'key', 'seven green boats of key') k, LATERAL bestauth.login_second_part(k.challenge_token, 'pat', 'seven green boats of pat', client_addr => U&'1:\044f') t;
SELECT n, name FROM policy_parallel.who WHERE token IS NULL;
CREATE TABLE policy_parallel.claim AS SELECT i AS id, CASE WHEN i % 3 > 0 THEN c.ids[1 + i % cardinality(c.ids)] END AS company_id, c.permissions[1 + i % cardinality(c.permissions)] AS permission, (:'providers'::uuid[] || c.ids)[1 + i % 5] AS provider_id
FROM generate_series(1, 6000) i, (SELECT array(SELECT company_id FROM bestauth.company WHERE code LIKE 'ppar%' ORDER BY code) AS ids, array(SELECT name FROM bestauth.permission WHERE name ~ '^[cep]' ORDER BY 1) || '{NULL,"",X,no_such}' AS permissions) c;
CREATE INDEX ON policy_parallel.claim (company_id);
VACUUM ANALYZE policy_parallel.claim;
GRANT SELECT ON policy_parallel.claim TO regress_policy_parallel;

-- What an aggregate comes to in the leader alone, and in workers alone: were they there?
CREATE FUNCTION policy_parallel.alone(expression text, OUT leader text, OUT workers text, OUT launched boolean) LANGUAGE plpgsql AS $$
DECLARE
	query text := format('SELECT (%s)::text FROM policy_parallel.claim', expression);
	plan json;
BEGIN
	PERFORM set_config('max_parallel_workers_per_gather', '0', true);
	EXECUTE query INTO leader;
	PERFORM set_config('max_parallel_workers_per_gather', '2', true);
	EXECUTE query INTO workers;
	-- On a busy machine those of the query before may still be ending.
	FOR i IN 1 .. 100 LOOP
		EXECUTE 'EXPLAIN (ANALYZE, VERBOSE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT JSON) ' || query INTO plan;
		launched := plan::text ~ '"Workers Launched": [1-9]' AND plan::text ~ '"Partial Mode": "Partial"';
		EXIT WHEN launched OR plan::text !~ 'Workers Planned';
		PERFORM pg_sleep(0.1);
	END LOOP;
END
$$;
CREATE TABLE policy_parallel.expression (n int, name text, expression text);
INSERT INTO policy_parallel.expression VALUES (1, 'ids', 'min(concat_ws('' '', bestauth.current_session_id(), bestauth.current_user_id(), bestauth.current_person_id(), bestauth.current_company_id()))'),
	(2, 'service', 'min(bestauth.current_billing_service_id()::text)'), (3, 'office', 'max(concat(bestauth.current_office_id(), bestauth.current_provider_id()))'),
	(4, 'companies', 'max(CASE WHEN id % 100 = 0 THEN md5(bestauth.accessible_company_ids()::text) || cardinality(bestauth.accessible_company_ids()) END)'), (5, 'providers', 'min(CASE WHEN id % 100 = 0 THEN bestauth.visible_provider_ids()::text END)'),
	(6, 'enters', 'sum(CASE WHEN bestauth.can_access_company(company_id) THEN id END)'), (7, 'holds', 'sum(CASE WHEN bestauth.has_permission(permission) THEN id END)'), (8, 'sees', 'sum(CASE WHEN bestauth.can_access_provider(provider_id) THEN id END)'),
	(9, 'each in the list', 'sum(CASE WHEN id % 50 = 0 AND company_id = ANY (bestauth.accessible_company_ids()) THEN id END)');
GRANT SELECT ON policy_parallel.expression TO regress_policy_parallel;
SET min_parallel_table_scan_size = 0;
SET min_parallel_index_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET parallel_leader_participation = off;
SET jit = off;
SET client_min_messages = error;
CREATE FUNCTION policy_parallel.of(who text) RETURNS TABLE (n int, name text, leader text, workers text, launched boolean) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM bestauth.use_session(w.token) FROM policy_parallel.who w WHERE w.name = who AND w.token IS NOT NULL;
	SET LOCAL ROLE regress_policy_parallel;
	RETURN QUERY SELECT e.n, e.name, a.* FROM policy_parallel.expression e, LATERAL policy_parallel.alone(e.expression) a;
	RESET ROLE;
END
$$;
CREATE TABLE policy_parallel.said AS SELECT w.name AS who, o.* FROM policy_parallel.who w, LATERAL (SELECT set_config('bestauth.identity', '', true)) x, LATERAL policy_parallel.of(w.name) o ORDER BY w.n;
SELECT * FROM policy_parallel.said WHERE leader IS DISTINCT FROM workers OR NOT launched;
SELECT count(*) AS said, count(*) FILTER (WHERE launched) AS by_workers FROM policy_parallel.said;
-- By hand, from the tables, what each enters and holds.
CREATE TABLE policy_parallel.byhand AS SELECT w.n, w.name,
	array(SELECT u.company_id UNION SELECT company_id FROM bestauth.company WHERE parent_id = u.company_id AND u.user_type = 'company_administrator'
		UNION SELECT child_id FROM bestauth.user_role g JOIN bestauth.role_company USING (role_id) WHERE g.user_id = u.user_id ORDER BY 1) AS companies,
	array(SELECT permission FROM bestauth.user_permission g WHERE g.user_id = u.user_id UNION SELECT permission FROM bestauth.user_role g JOIN bestauth.role_permission USING (role_id) WHERE g.user_id = u.user_id
		UNION SELECT p.name FROM bestauth.permission p WHERE NOT by_name_only AND NOT client_only AND u.user_type = 'company_administrator') AS permissions
FROM policy_parallel.who w JOIN bestauth.session n ON n.token_hash = sha256(convert_to(w.token, 'UTF8')) JOIN bestauth.user_account u ON u.user_id = n.user_id
UNION ALL SELECT 0, 'nobody', '{}', '{}';
SELECT b.name, cardinality(companies) AS companies, (SELECT leader FROM policy_parallel.said s WHERE s.who = b.name AND s.name = 'companies') = md5(companies::text) || cardinality(companies) AS right_ones,
	(SELECT leader FROM policy_parallel.said s WHERE s.who = b.name AND s.name = 'enters') IS NOT DISTINCT FROM (SELECT sum(id)::text FROM policy_parallel.claim WHERE company_id = ANY (companies)) AS right_rows,
	(SELECT leader FROM policy_parallel.said s WHERE s.who = b.name AND s.name = 'holds') IS NOT DISTINCT FROM (SELECT sum(id)::text FROM policy_parallel.claim WHERE permission = ANY (permissions)) AS right_permissions,
	(SELECT count(DISTINCT permission) FROM policy_parallel.claim WHERE permission = ANY (permissions)) > 60 AS many
FROM policy_parallel.byhand b ORDER BY n;
SELECT string_agg(name || '=' || coalesce(nullif(leader, ''), 'none'), ' ' ORDER BY n) AS nobody FROM policy_parallel.said WHERE who = 'nobody' AND name <> 'companies';
SELECT who, bool_or(leader <> '') FILTER (WHERE name = 'service') AS service, max(length(leader)) FILTER (WHERE name = 'office') AS office, max(cardinality(leader::uuid[])) FILTER (WHERE name = 'providers') AS providers, bool_or(leader <> '') FILTER (WHERE name = 'sees') AS sees
FROM policy_parallel.said WHERE who IN ('key', 'tess', 'indy', 'one') GROUP BY who ORDER BY who;
-- No two are alike in what they were told of themselves.
SELECT count(DISTINCT leader) AS different FROM policy_parallel.said WHERE name = 'ids';

--
-- A policy, by the index and without it: as many rows as by hand, from workers.
--
ALTER TABLE policy_parallel.claim ENABLE ROW LEVEL SECURITY;
CREATE POLICY company ON policy_parallel.claim USING (bestauth.can_access_company(company_id));
CREATE FUNCTION policy_parallel.counts(who text, off text, OUT count bigint, OUT launched boolean, OUT condition boolean) LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	PERFORM set_config('bestauth.identity', '', true);
	PERFORM bestauth.use_session(w.token) FROM policy_parallel.who w WHERE w.name = who AND w.token IS NOT NULL;
	PERFORM set_config('max_parallel_workers_per_gather', '2', true), set_config(unnest(string_to_array(off, ' ')), 'off', true);
	SET LOCAL ROLE regress_policy_parallel;
	EXECUTE 'SELECT count(*) FROM policy_parallel.claim' INTO count;
	FOR i IN 1 .. 100 LOOP
		EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT JSON) SELECT count(*) FROM policy_parallel.claim' INTO plan;
		launched := plan::text ~ '"Workers Launched": [1-9]';
		EXIT WHEN launched OR plan::text !~ 'Workers Planned';
		PERFORM pg_sleep(0.1);
	END LOOP;
	condition := plan::text ~ 'Index Cond[^{}]*accessible_company_ids';
	RESET ROLE;
	PERFORM set_config(unnest(string_to_array(off, ' ')), 'on', true);
END
$$;
SET parallel_leader_participation = on;
CREATE TABLE policy_parallel.counted AS SELECT b.n, b.name, off, c.*, (SELECT count(*) FROM policy_parallel.claim WHERE company_id = ANY (b.companies)) AS right_count
FROM policy_parallel.byhand b, unnest('{enable_seqscan,enable_seqscan enable_indexonlyscan enable_indexscan,enable_indexscan enable_bitmapscan enable_indexonlyscan}'::text[]) off, LATERAL policy_parallel.counts(b.name, off) c WHERE b.n < 5;
SELECT name, bool_and(count = right_count) AS right_count, bool_or(count > 0) AS some, bool_and(launched) FILTER (WHERE off LIKE 'enable_indexscan%') AS launched FROM policy_parallel.counted GROUP BY n, name ORDER BY n;
SELECT bool_or(launched AND condition) AS by_index_in_workers FROM policy_parallel.counted;
SET parallel_leader_participation = off;
-- A worker has what its leader has at that moment: after a savepoint, and in another session.
BEGIN;
SELECT (policy_parallel.counts('forty', 'enable_sort')).count > 0 AS forty, (SELECT leader FROM policy_parallel.alone('min(bestauth.current_user_id()::text)')) IS NOT NULL AS somebody;
SAVEPOINT s;
SELECT (policy_parallel.counts('one', 'enable_sort')).count > 0 AS one;
SELECT leader = workers AS alike, launched FROM policy_parallel.alone('sum(CASE WHEN bestauth.can_access_company(company_id) THEN id END)');
ROLLBACK TO s;
SELECT leader = workers AS alike, launched, leader = (SELECT leader FROM policy_parallel.said WHERE who = 'forty' AND name = 'ids') AS forty_again
FROM policy_parallel.alone('min(concat_ws('' '', bestauth.current_session_id(), bestauth.current_user_id(), bestauth.current_person_id(), bestauth.current_company_id()))');
SET LOCAL bestauth.identity = '';
SELECT leader, workers, launched FROM policy_parallel.alone('min(bestauth.current_user_id()::text)');
COMMIT;
-- Nothing of it is left to the next transaction's workers.
SELECT leader, workers, launched FROM policy_parallel.alone('count(*) FILTER (WHERE bestauth.can_access_company(company_id) OR bestauth.has_permission(permission))');

RESET ALL;
SET client_min_messages = warning;
DELETE FROM bestauth.role_permission WHERE permission IN (SELECT name FROM bestauth.permission WHERE title ~ '^(Test|Odd) ');
DELETE FROM bestauth.user_permission WHERE permission IN (SELECT name FROM bestauth.permission WHERE title ~ '^(Test|Odd) ');
DELETE FROM bestauth.permission WHERE title ~ '^(Test|Odd) ';
DO $$ BEGIN PERFORM bestauth.revoke_access('regress_policy_parallel', 'application'); END $$;
DROP SCHEMA policy_parallel CASCADE;
DROP ROLE regress_policy_parallel;
