-- Kept plans: one statement, prepared once, in the hands of several sessions and
-- database roles, and what changes around it meanwhile.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA plan_test;
CREATE ROLE regress_plan_app;
CREATE ROLE regress_plan_two;
CREATE ROLE regress_plan_member;
GRANT USAGE ON SCHEMA plan_test TO PUBLIC;
GRANT USAGE ON SCHEMA regress TO regress_plan_app, regress_plan_two, regress_plan_member;
RESET client_min_messages;
DO $$
BEGIN
	PERFORM bestauth.grant_access('regress_plan_app', 'application');
	PERFORM bestauth.grant_access('regress_plan_two', 'application');
	PERFORM bestauth.create_company('plan-a', 'Plan A');
	PERFORM bestauth.create_company('plan-a1', 'Plan A One', 'plan-a');
	PERFORM bestauth.create_company('plan-b', 'Plan B');
	PERFORM bestauth.create_role('Child', '{eops}', '{plan-a1}', company => 'plan-a');
	PERFORM bestauth.create_role('Plain', '{eops}', company => 'plan-a');
	PERFORM bestauth.create_user('ann', 'standard', 'Ann', 'A', 'ann@plan.example', 'a password of ann', permissions => '{claims,manage_users,manage_roles,audit_report}', company => 'plan-a');
	PERFORM bestauth.create_user('bob', 'standard', 'Bob', 'B', 'bob@plan.example', 'a password of bob', permissions => '{claims,eops}', company => 'plan-b');
	PERFORM bestauth.create_user('cat', 'standard', 'Cat', 'C', 'cat@plan.example', company => 'plan-a');
END
$$;
CREATE TABLE plan_test.token AS SELECT u AS name, session_token AS token
FROM (VALUES ('ann', 'plan-a'), ('bob', 'plan-b')) v (u, c), LATERAL bestauth.login(c, u, 'a password of ' || u);
CREATE TABLE plan_test.claim AS SELECT company_id, code || '-' || p AS name, p AS permission
FROM bestauth.company, unnest('{claims,eops}'::text[]) p WHERE code LIKE 'plan-%';
CREATE INDEX ON plan_test.claim (company_id);
ANALYZE plan_test.claim;
GRANT SELECT ON plan_test.token, plan_test.claim TO PUBLIC;

-- One database role sees what its session may enter and holds; the other what is of
-- the session's own company.
ALTER TABLE plan_test.claim ENABLE ROW LEVEL SECURITY;
CREATE POLICY app ON plan_test.claim TO regress_plan_app
	USING (bestauth.can_access_company(company_id) AND bestauth.has_permission(permission));
CREATE POLICY two ON plan_test.claim TO regress_plan_two
	USING (company_id = bestauth.current_company_id() AND bestauth.has_permission('claims'));

-- The same rows by every kind of kept plan: prepared, of plpgsql, and of a SQL
-- function that is inlined into a subquery.
PREPARE mine (text) AS SELECT string_agg(name, ' ' ORDER BY name COLLATE "C") FROM plan_test.claim WHERE name LIKE $1;
PREPARE nested (text) AS WITH c AS (SELECT name FROM plan_test.claim WHERE name LIKE $1)
	SELECT string_agg(name, ' ' ORDER BY name COLLATE "C") FROM c WHERE name IN (SELECT name FROM plan_test.claim);
CREATE FUNCTION plan_test.names(wanted text) RETURNS SETOF text STABLE LANGUAGE sql AS $$
	SELECT name FROM plan_test.claim WHERE name LIKE wanted
$$;
CREATE FUNCTION plan_test.mine(wanted text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT string_agg(name, ' ' ORDER BY name COLLATE "C") FROM plan_test.claim WHERE name LIKE wanted);
END
$$;
PREPARE inlined (text) AS SELECT string_agg(n, ' ' ORDER BY n COLLATE "C") FROM (SELECT n FROM plan_test.names($1) n) s;
-- What they all come to, for each session in turn; "differ" if they don't agree.
CREATE FUNCTION plan_test.look() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	a text;
	b text;
	c text;
	d text := plan_test.mine('plan-%');
BEGIN
	EXECUTE 'EXECUTE mine (''plan-%'')' INTO a;
	EXECUTE 'EXECUTE nested (''plan-%'')' INTO b;
	EXECUTE 'EXECUTE inlined (''plan-%'')' INTO c;
	IF (a, b, c) IS DISTINCT FROM (b, c, d) THEN
		RETURN format('they differ: %s / %s / %s / %s', a, b, c, d);
	END IF;
	RETURN coalesce(a, '(none)');
END
$$;
CREATE FUNCTION plan_test.turns(names text[]) RETURNS TABLE (who text, sees text) LANGUAGE plpgsql AS $$
BEGIN
	FOREACH who IN ARRAY names LOOP
		PERFORM bestauth.use_session(t.token) FROM plan_test.token t WHERE t.name = who;
		sees := plan_test.look();
		RETURN NEXT;
	END LOOP;
END
$$;

-- [D-18] A, B, A: each sees their own rows, whatever kind of plan was kept.
SET ROLE regress_plan_app;
SET plan_cache_mode = force_generic_plan;
SELECT plan_test.look() AS nobody_first;
BEGIN;
SELECT * FROM plan_test.turns('{ann,bob,ann}');
COMMIT;
SELECT plan_test.look() AS nobody_then;
BEGIN;
SELECT * FROM plan_test.turns('{bob}');
COMMIT;
BEGIN;
SELECT * FROM plan_test.turns('{ann}');
ROLLBACK;
SELECT generic_plans > 0 AS generic, custom_plans > 0 AS custom FROM pg_prepared_statements WHERE name = 'mine';
SET plan_cache_mode = force_custom_plan;
BEGIN;
SELECT * FROM plan_test.turns('{ann,bob,ann}');
COMMIT;
SELECT plan_test.look() AS nobody;
-- Auto goes over to the generic plan after some calls.
SET plan_cache_mode = auto;
BEGIN;
SELECT who, sees, count(*) FROM plan_test.turns('{ann,ann,ann,ann,ann,ann,ann,bob,bob,bob,bob,bob,bob,bob,ann,bob}') GROUP BY 1, 2 ORDER BY who, sees COLLATE "C";
COMMIT;
SELECT generic_plans > 0 AS generic, custom_plans > 0 AS custom FROM pg_prepared_statements WHERE name = 'mine';

-- Another database role has other policies; the superuser has none; in one transaction too.
SET plan_cache_mode = force_generic_plan;
SET ROLE regress_plan_two;
BEGIN;
SELECT * FROM plan_test.turns('{ann,bob,ann}');
SET LOCAL ROLE regress_plan_app;
SELECT * FROM plan_test.turns('{ann,bob}');
SET LOCAL ROLE regress_plan_two;
SELECT plan_test.look() AS bob_as_two;
COMMIT;
RESET ROLE;
SELECT plan_test.look() AS superuser;
SET ROLE regress_plan_two;
SELECT plan_test.look() AS nobody_as_two;
SET ROLE regress_plan_app;
SELECT plan_test.look() AS nobody_as_app;

-- A role of ours is given and taken away: in the sessions that are open.
RESET ROLE;
SELECT bestauth.assign_role('ann', 'Child', company => 'plan-a');
SET ROLE regress_plan_app;
BEGIN;
SELECT * FROM plan_test.turns('{ann,bob,ann}');
COMMIT;
RESET ROLE;
SELECT bestauth.update_role('Child', '{}', '{plan-a1}', company => 'plan-a');
SET ROLE regress_plan_app;
BEGIN;
SELECT * FROM plan_test.turns('{ann,bob,ann}');
COMMIT;
RESET ROLE;
SELECT bestauth.unassign_role('ann', 'Child', company => 'plan-a');
SELECT bestauth.revoke_permission('bob', 'eops', company => 'plan-b');
SET plan_cache_mode = force_custom_plan;
SET ROLE regress_plan_app;
BEGIN;
SELECT * FROM plan_test.turns('{ann,bob,ann}');
COMMIT;

-- Membership in a database role is given and taken away, and with it the policy: in the
-- next statement, in a transaction that has its identity already.
SET plan_cache_mode = force_generic_plan;
RESET ROLE;
SET ROLE regress_plan_member;
SELECT regress.attempt('SELECT plan_test.look()') AS no_policy, regress.attempt('SELECT bestauth.current_user_id()') AS no_access;
RESET ROLE;
GRANT regress_plan_app TO regress_plan_member;
BEGIN;
SET LOCAL ROLE regress_plan_member;
SELECT * FROM plan_test.turns('{ann,bob}');
RESET ROLE;
REVOKE regress_plan_app FROM regress_plan_member;
SET LOCAL ROLE regress_plan_member;
SELECT plan_test.look() AS without_membership;
RESET ROLE;
GRANT regress_plan_two TO regress_plan_member;
SET LOCAL ROLE regress_plan_member;
SELECT plan_test.look() AS member_of_the_other;
RESET ROLE;
REVOKE regress_plan_two FROM regress_plan_member;
COMMIT;
SET ROLE regress_plan_member;
SELECT plan_test.look() AS nobody, regress.attempt('SELECT bestauth.current_user_id()') AS no_access;
RESET ROLE;
RESET plan_cache_mode;

--
-- [M-08] Our own kept plans: the same result before and after a change around them.
--
-- Everything that a session does with roles and users, as ann; the rows that the audit
-- has of it, and what a policy shows. Undone at the end, but for the audit's own words.
CREATE FUNCTION plan_test.work() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	mark bigint;
BEGIN
	PERFORM bestauth.use_session(t.token) FROM plan_test.token t WHERE t.name = 'ann';
	SELECT coalesce(max(audit_id), 0) INTO mark FROM bestauth.audit_report(since => transaction_timestamp());
	result := concat_ws(' ', bestauth.suggest_username('Cat', 'C'), bestauth.has_permission('claims'), bestauth.has_permission('eops'),
		(SELECT code FROM bestauth.list_billing_services() WHERE code LIKE 'plan-%'), plan_test.mine('plan-%'));
	PERFORM bestauth.create_role('Work', '{claims}');
	PERFORM bestauth.assign_role('cat', 'Work');
	PERFORM bestauth.grant_permission('cat', 'claims');
	PERFORM bestauth.update_role('Work', '{claims,manage_users}', NULL);
	PERFORM bestauth.unassign_role('cat', 'Work');
	PERFORM bestauth.revoke_permission('cat', 'claims');
	PERFORM bestauth.delete_role('Work');
	PERFORM bestauth.lock_user('cat');
	PERFORM bestauth.unlock_user('cat');
	PERFORM bestauth.create_user('new', 'standard', 'New', 'N', 'new@plan.example');
	PERFORM bestauth.delete_user('new');
	result := concat_ws(E'\n', result,
		regress.attempt($a$SELECT bestauth.lock_user('bob')$a$),
		regress.attempt($a$SELECT bestauth.create_user('Cat', 'standard', 'C', 'C', 'c@plan.example')$a$),
		(SELECT string_agg(action || ' ' || username || ' ' || object_id, ', ' ORDER BY audit_id)
			FROM bestauth.audit_report(since => transaction_timestamp())
			WHERE audit_id > mark AND action NOT LIKE 'row.%' AND action <> 'audit.read' AND outcome <> 'denied'),
		(SELECT string_agg(s, ', ' ORDER BY s COLLATE "C") FROM (SELECT action || ' ' || object_type || ' ' || count(*) AS s
			FROM bestauth.audit_report(since => transaction_timestamp())
			WHERE audit_id > mark AND action LIKE 'row.%' GROUP BY action, object_type) r));
	RAISE EXCEPTION 'undone' USING DETAIL = result;
EXCEPTION WHEN raise_exception THEN
	GET STACKED DIAGNOSTICS result = PG_EXCEPTION_DETAIL;
	RETURN result;
END
$$;
-- As the application, in a transaction of its own.
CREATE FUNCTION plan_test.work_as(role text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', role);
	result := plan_test.work();
	RESET ROLE;
	RETURN result;
END
$$;
SELECT plan_test.work_as('regress_plan_app') AS first \gset
-- The last line counts rows.
SELECT line FROM string_to_table(:'first', E'\n') WITH ORDINALITY t (line, number) WHERE number < 5;
SELECT split_part(:'first', E'\n', 5) LIKE '%row.inserted bestauth.user_role 1, row.updated bestauth.user_account 3%' AS counted;
SELECT plan_test.work_as('regress_plan_app') = :'first' AS again;

-- A column more, and less, in each of the tables.
\set ECHO none
SELECT format('ALTER TABLE %s ADD COLUMN plan_test text', c.oid::regclass) FROM pg_class c
WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY c.relname \gexec
\set ECHO all
SELECT plan_test.work_as('regress_plan_app') = :'first' AS with_a_column;
\set ECHO none
SELECT format('ALTER TABLE %s DROP COLUMN plan_test', c.oid::regclass) FROM pg_class c
WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY c.relname \gexec
\set ECHO all
SELECT plan_test.work_as('regress_plan_app') = :'first' AS without_it;
ALTER TABLE bestauth.user_account ADD COLUMN plan_test int NOT NULL DEFAULT 1;
ALTER TABLE bestauth.user_role ADD COLUMN plan_test timestamptz NOT NULL DEFAULT clock_timestamp();
SELECT plan_test.work_as('regress_plan_app') = :'first' AS with_a_default;
ALTER TABLE bestauth.user_account DROP COLUMN plan_test;
ALTER TABLE bestauth.user_role DROP COLUMN plan_test;

-- An index, and statistics.
CREATE INDEX plan_test_1 ON bestauth.session (company_id, token_hash);
CREATE INDEX plan_test_2 ON bestauth.user_account (lower(username COLLATE "C")) INCLUDE (user_id);
CREATE INDEX plan_test_3 ON bestauth.user_permission (permission, user_id);
SELECT plan_test.work_as('regress_plan_app') = :'first' AS with_an_index;
SET client_min_messages = error;
\set ECHO none
SELECT format('ANALYZE %s', c.oid::regclass) FROM pg_class c
WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY c.relname \gexec
\set ECHO all
RESET client_min_messages;
SELECT plan_test.work_as('regress_plan_app') = :'first' AS with_statistics;
DROP INDEX bestauth.plan_test_1, bestauth.plan_test_2, bestauth.plan_test_3;
SELECT plan_test.work_as('regress_plan_app') = :'first' AS without_index;
REINDEX TABLE bestauth.user_account;
SET enable_seqscan = off;
SELECT plan_test.work_as('regress_plan_app') = :'first' AS with_other_plans;
RESET enable_seqscan;

-- What is kept of the partition that audit rows go to: its indexes have each row, whichever come,
-- change and go, and whoever writes: this backend, and the writer, of refused logins.
CREATE EXTENSION amcheck SCHEMA plan_test;
CREATE FUNCTION plan_test.write(name text) RETURNS void LANGUAGE sql AS $$
	SELECT bestauth.create_role(name, '{claims}', company => 'plan-a');
	SELECT bestauth.login('plan-none', name, 'a wrong password');
$$;
-- Fails where an index lacks a row.
CREATE FUNCTION plan_test.check_indexes(part regclass) RETURNS TABLE (own bigint, others bigint) LANGUAGE sql AS $$
	SELECT count(*) FILTER (WHERE c.relname ~ '^plan_test'), count(*) FILTER (WHERE c.relname !~ '^plan_test')
	FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam AND m.amname = 'btree', LATERAL plan_test.bt_index_check(c.oid, true) WHERE i.indrelid = part
$$;
SELECT tableoid::regclass AS part FROM bestauth.audit_log ORDER BY audit_id DESC LIMIT 1 \gset
SELECT plan_test.write('before');
CREATE INDEX plan_test_4 ON :part ((action || outcome)) WHERE outcome = 'denied' OR object_id IS NOT NULL;
SELECT plan_test.write('with an index');
SELECT * FROM plan_test.check_indexes(:'part');
BEGIN;
SELECT bestauth.create_role('in a transaction', '{claims}', company => 'plan-a') IS NOT NULL AS made;
DROP INDEX bestauth.plan_test_4;
SELECT bestauth.create_role('without it', '{claims}', company => 'plan-a') IS NOT NULL AS made;
CREATE INDEX plan_test_4 ON :part (upper(action));
SELECT bestauth.create_role('with another', '{claims}', company => 'plan-a') IS NOT NULL AS made;
SAVEPOINT two;
CREATE UNIQUE INDEX plan_test_5 ON :part (audit_id);
SELECT bestauth.create_role('with two', '{claims}', company => 'plan-a') IS NOT NULL AS made;
SELECT * FROM plan_test.check_indexes(:'part');
ROLLBACK TO two;
SELECT bestauth.create_role('with one again', '{claims}', company => 'plan-a') IS NOT NULL AS made;
COMMIT;
SELECT plan_test.write('after it');
SELECT * FROM plan_test.check_indexes(:'part');
REINDEX TABLE CONCURRENTLY :part;
SELECT plan_test.write('indexes made anew');
CREATE INDEX CONCURRENTLY plan_test_5 ON :part (object_id, audit_id) WHERE object_id ~ 'a';
SELECT plan_test.write('with one more');
SELECT * FROM plan_test.check_indexes(:'part');
DROP INDEX CONCURRENTLY bestauth.plan_test_4;
DROP INDEX bestauth.plan_test_5;
SELECT plan_test.write('without them');
SELECT * FROM plan_test.check_indexes(:'part');
-- The rows are there.
SELECT count(*) AS roles FROM bestauth.audit_log WHERE action = 'role.created' AND company_code = 'plan-a' AND object_id IN ('before', 'with an index', 'in a transaction', 'without it', 'with another', 'with one again', 'after it', 'indexes made anew', 'with one more', 'without them');

-- A policy on the application's table goes, comes back, and says something else.
DROP POLICY app ON plan_test.claim;
SET ROLE regress_plan_app;
BEGIN;
SELECT * FROM plan_test.turns('{ann,bob}');
COMMIT;
RESET ROLE;
CREATE POLICY app ON plan_test.claim TO regress_plan_app USING (bestauth.can_access_company(company_id));
SET ROLE regress_plan_app;
BEGIN;
SELECT * FROM plan_test.turns('{ann,bob}');
COMMIT;
RESET ROLE;
ALTER POLICY app ON plan_test.claim
	USING (bestauth.can_access_company(company_id) AND bestauth.has_permission(permission));
SELECT plan_test.work_as('regress_plan_app') = :'first' AS as_before;

-- Another search_path, with tables and functions of our names in it.
CREATE SCHEMA plan_path;
CREATE TABLE plan_path.session AS SELECT * FROM bestauth.session WITH NO DATA;
CREATE TABLE plan_path.user_account AS SELECT * FROM bestauth.user_account;
CREATE TABLE plan_path.permission AS SELECT * FROM bestauth.permission WITH NO DATA;
CREATE FUNCTION plan_path.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT 'infinity'::timestamptz $$;
CREATE FUNCTION plan_path.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT 'x'::text $$;
GRANT USAGE ON SCHEMA plan_path TO PUBLIC;
GRANT ALL ON ALL TABLES IN SCHEMA plan_path TO PUBLIC;
SET search_path = plan_path, bestauth, pg_catalog;
SELECT plan_test.work_as('regress_plan_app') = :'first' AS hostile_path;
SET search_path = '';
SELECT plan_test.work_as('regress_plan_app') = :'first' AS empty_path;
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA plan_path CASCADE;
RESET client_min_messages;
SELECT plan_test.work_as('regress_plan_app') = :'first' AS as_before;

-- The database role gets another name: it is the same role, with its access, and the
-- audit has the name of the moment.
SELECT coalesce(max(audit_id), 0) AS mark FROM bestauth.audit_log \gset
SET SESSION AUTHORIZATION regress_plan_app;
BEGIN;
SELECT plan_test.work() = :'first' AS before_it;
COMMIT;
RESET SESSION AUTHORIZATION;
ALTER ROLE regress_plan_app RENAME TO regress_plan_renamed;
SET SESSION AUTHORIZATION regress_plan_renamed;
BEGIN;
SELECT plan_test.work() = :'first' AS renamed;
SELECT * FROM plan_test.turns('{ann,bob}');
COMMIT;
RESET SESSION AUTHORIZATION;
SELECT DISTINCT db_role FROM bestauth.audit_log WHERE audit_id > :mark AND company_code = 'plan-a' ORDER BY 1;
ALTER ROLE regress_plan_renamed RENAME TO regress_plan_app;
SELECT plan_test.work_as('regress_plan_app') = :'first' AS as_before;

--
-- [D-15] A session that is no good, after one that is: never anybody else's identity.
--
CREATE FUNCTION plan_test.who() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$
	SELECT concat_ws(' ', coalesce((SELECT username FROM bestauth.user_account WHERE user_id = bestauth.current_user_id()), 'nobody'),
		CASE WHEN bestauth.current_user_id() IS DISTINCT FROM bestauth.current_person_id() OR (bestauth.current_user_id() IS NULL) <> (bestauth.current_company_id() IS NULL) THEN 'mixed' END,
		(SELECT code FROM bestauth.company WHERE bestauth.can_access_company(company_id)),
		CASE WHEN bestauth.has_permission('manage_users') THEN 'manages' END)
$$;
-- Of somebody locked, of somebody logged out, of nobody, nothing, and cut short.
SELECT bestauth.create_user('lou', 'standard', 'Lou', 'L', 'lou@plan.example', 'a password of lou', permissions => '{manage_roles}', company => 'plan-b') IS NOT NULL AS made;
INSERT INTO plan_test.token SELECT 'lou', session_token FROM bestauth.login('plan-b', 'lou', 'a password of lou');
INSERT INTO plan_test.token SELECT 'out', session_token FROM bestauth.login('plan-b', 'bob', 'a password of bob');
INSERT INTO plan_test.token SELECT 'short', left(token, -1) FROM plan_test.token WHERE name = 'bob';
INSERT INTO plan_test.token VALUES ('made up', 'bas_' || repeat('A', 43)), ('empty', ''), ('null', NULL);
SELECT token AS ann FROM plan_test.token WHERE name = 'ann' \gset
SELECT token AS bob FROM plan_test.token WHERE name = 'bob' \gset
SELECT token AS lou FROM plan_test.token WHERE name = 'lou' \gset
SET ROLE regress_plan_app;
BEGIN;
SELECT person_id IS NOT NULL AS used FROM bestauth.use_session(:'lou');
SELECT plan_test.who();
COMMIT;
RESET ROLE;
SELECT bestauth.lock_user('lou', company => 'plan-b');
SELECT bestauth.logout(token) FROM plan_test.token WHERE name = 'out';
SET ROLE regress_plan_app;
-- Ann, then a bad one whose error is caught: what was before the block holds.
BEGIN;
SELECT person_id IS NOT NULL AS used FROM bestauth.use_session(:'ann');
SELECT name, regress.attempt(format('SELECT * FROM bestauth.use_session(%L)', token)), plan_test.who() FROM plan_test.token WHERE name NOT IN ('ann', 'bob') ORDER BY name COLLATE "C";
-- Bob inside the block, then the bad one: not bob, who was only in the block.
DO $$
DECLARE
	bad text;
	seen text[] := '{}';
BEGIN
	FOR bad IN SELECT coalesce(token, '') FROM plan_test.token WHERE name NOT IN ('ann', 'bob') LOOP
		BEGIN
			PERFORM bestauth.use_session(token) FROM plan_test.token WHERE name = 'bob';
			seen := seen || ('in ' || plan_test.who());
			PERFORM bestauth.use_session(bad);
			RAISE WARNING 'a bad session was let in';
		EXCEPTION WHEN invalid_authorization_specification THEN
			seen := seen || ('out ' || plan_test.who());
		END;
	END LOOP;
	RAISE NOTICE '%', (SELECT string_agg(DISTINCT s, ', ' ORDER BY s) FROM unnest(seen) s);
END
$$;
COMMIT;
-- Savepoints: an error ends what was set in them; an aborted transaction has none.
BEGIN;
SELECT person_id IS NOT NULL AS used FROM bestauth.use_session(:'ann');
SAVEPOINT one;
SELECT person_id IS NOT NULL AS used FROM bestauth.use_session(:'bob');
SAVEPOINT two;
SELECT * FROM bestauth.use_session(:'lou');
SELECT plan_test.who();
ROLLBACK TO two;
SELECT plan_test.who() AS bob;
SELECT * FROM bestauth.use_session('bas_x');
ROLLBACK TO one;
SELECT plan_test.who() AS ann;
SELECT * FROM bestauth.use_session(NULL);
ROLLBACK;
SELECT plan_test.who();
-- No block of its own: the whole transaction is over.
BEGIN;
SELECT person_id IS NOT NULL AS used FROM bestauth.use_session(:'ann');
SELECT * FROM bestauth.use_session('bas_x');
COMMIT;
SELECT plan_test.who();
-- A good one after a bad one, in one transaction.
BEGIN;
SELECT regress.attempt('SELECT * FROM bestauth.use_session(''bas_x'')'), plan_test.who();
SELECT person_id IS NOT NULL AS used FROM bestauth.use_session(:'bob');
SELECT plan_test.who();
COMMIT;
RESET ROLE;
-- Something breaks between the old identity and the new one: the table can't be read.
BEGIN;
SELECT person_id IS NOT NULL AS used FROM bestauth.use_session(:'ann');
SELECT session_token AS fresh FROM bestauth.login('plan-b', 'bob', 'a password of bob') \gset
ALTER TABLE bestauth.session RENAME TO session_away;
SELECT left(regress.attempt(format('SELECT * FROM bestauth.use_session(%L)', :'fresh')), 5), plan_test.who();
ROLLBACK;
SELECT plan_test.who();

--
-- [M-19] Savepoints around audited calls, many of them: the audit has what was done, no
-- more and no less.
--
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
CREATE FUNCTION plan_test.make(name text) RETURNS void LANGUAGE sql AS $$
	SELECT FROM bestauth.create_role(name, '{claims}', company => 'plan-b')
$$;
-- What the tables have, what the audit says, and what of either the other has not.
CREATE FUNCTION plan_test.compare(kind text, mark bigint) RETURNS TABLE (roles bigint, numbers text, inserted bigint, permissions bigint, created bigint, differ bigint) LANGUAGE sql AS $$
	WITH made AS (
		SELECT r.name FROM bestauth.role r JOIN bestauth.company c USING (company_id) WHERE c.code = 'plan-b' AND r.name LIKE kind || ' %'
	), audited AS (
		SELECT action, object_type, coalesce(new_values ->> 'name', new_values ->> 'permission', object_id) AS name, new_values
		FROM bestauth.audit_log WHERE audit_id > mark
	)
	SELECT (SELECT count(*) FROM made),
		(SELECT md5(string_agg(name, ',' ORDER BY name COLLATE "C")) FROM made),
		(SELECT count(*) FROM audited WHERE action = 'row.inserted' AND object_type = 'bestauth.role' AND audited.name LIKE kind || ' %'),
		(SELECT count(*) FROM audited WHERE action = 'row.inserted' AND object_type = 'bestauth.role_permission'
			AND new_values ->> 'role_id' IN (SELECT role_id::text FROM bestauth.role WHERE role.name LIKE kind || ' %')),
		(SELECT count(*) FROM audited WHERE action = 'role.created' AND name LIKE kind || ' %'),
		(SELECT count(*) FROM (SELECT name FROM audited WHERE action = 'role.created' AND name LIKE kind || ' %') a FULL JOIN made m USING (name) WHERE a.name IS NULL OR m.name IS NULL)
$$;
-- In a row, 150 of them: every third is rolled back, and every tenth holds two.
BEGIN;
\set ECHO none
SELECT format('SAVEPOINT s%s', i), format('DO $do$ BEGIN PERFORM plan_test.make(%L); END $do$', 'row ' || i),
	CASE WHEN i % 10 = 0 THEN format('DO $do$ BEGIN PERFORM plan_test.make(%L); END $do$', 'row ' || i || 'b') END,
	format(CASE i % 3 WHEN 0 THEN 'ROLLBACK TO s%s' WHEN 1 THEN 'RELEASE s%s' ELSE 'SET LOCAL plan_test.kept = %s' END, i)
FROM generate_series(1, 150) i \gexec
\set ECHO all
COMMIT;
SELECT roles, numbers = (SELECT md5(string_agg(n, ',' ORDER BY n COLLATE "C")) FROM (
		SELECT 'row ' || i AS n FROM generate_series(1, 150) i WHERE i % 3 <> 0
		UNION ALL SELECT 'row ' || i || 'b' FROM generate_series(1, 150) i WHERE i % 3 <> 0 AND i % 10 = 0) s) AS right_ones,
	inserted, permissions, created, differ FROM plan_test.compare('row', :mark);
-- One in the other, 120 deep; back to the 100th and 30 more; back to the 80th; the last one after them all.
BEGIN;
\set ECHO none
SELECT format('SAVEPOINT s%s', i), format('DO $do$ BEGIN PERFORM plan_test.make(%L); END $do$', 'deep ' || i) FROM generate_series(1, 120) i \gexec
\set ECHO all
ROLLBACK TO s100;
\set ECHO none
SELECT format('SAVEPOINT t%s', i), format('DO $do$ BEGIN PERFORM plan_test.make(%L); END $do$', 'deep again ' || i) FROM generate_series(1, 30) i \gexec
\set ECHO all
ROLLBACK TO s80;
SELECT plan_test.make('deep after');
RELEASE s40;
SELECT plan_test.make('deep last');
COMMIT;
SELECT roles, numbers = (SELECT md5(string_agg(n, ',' ORDER BY n COLLATE "C")) FROM (
		SELECT 'deep ' || i AS n FROM generate_series(1, 79) i UNION ALL VALUES ('deep after'), ('deep last')) s) AS right_ones,
	inserted, permissions, created, differ FROM plan_test.compare('deep', :mark);
-- The blocks of a function, nested and failing, in a session.
CREATE FUNCTION plan_test.nest(level int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		PERFORM bestauth.create_role('nest ' || level, '{claims}');
		IF level < 110 THEN
			PERFORM plan_test.nest(level + 1);
		END IF;
		IF level % 25 = 0 THEN
			RAISE EXCEPTION 'undone';
		END IF;
	EXCEPTION WHEN raise_exception THEN
		PERFORM bestauth.create_role('nest instead ' || level, '{claims}');
	END;
END
$$;
SELECT bestauth.grant_permission('bob', 'manage_roles', company => 'plan-b');
SET ROLE regress_plan_app;
BEGIN;
SELECT person_id IS NOT NULL AS used FROM bestauth.use_session(:'bob');
SELECT plan_test.nest(1);
SELECT plan_test.who();
COMMIT;
RESET ROLE;
SELECT roles, numbers = (SELECT md5(string_agg(n, ',' ORDER BY n COLLATE "C")) FROM (
		SELECT 'nest ' || i AS n FROM generate_series(1, 24) i UNION ALL VALUES ('nest instead 25')) s) AS right_ones,
	inserted, permissions, created, differ FROM plan_test.compare('nest', :mark);
SELECT DISTINCT username, db_role = session_user AS login_role FROM bestauth.audit_log WHERE audit_id > :mark AND object_id LIKE 'nest %';
-- All of it rolled back: nothing, but for the refusals, which stay whatever was rolled back.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SET ROLE regress_plan_app;
BEGIN;
SELECT person_id IS NOT NULL AS used FROM bestauth.use_session(:'bob');
\set ECHO none
SELECT format('SAVEPOINT s%s', i), format('DO $do$ BEGIN PERFORM bestauth.create_role(%L); END $do$', 'gone ' || i) FROM generate_series(1, 110) i \gexec
\set ECHO all
SELECT regress.attempt('SELECT bestauth.create_user(''x'', ''standard'', ''X'', ''X'', ''x@plan.example'')');
ROLLBACK TO s50;
SELECT regress.attempt('SELECT bestauth.lock_user(''ann'')');
ROLLBACK;
RESET ROLE;
SELECT roles, inserted, permissions, created, differ FROM plan_test.compare('gone', :mark);
SELECT action, username, object_id FROM bestauth.audit_log WHERE audit_id > :mark AND company_code = 'plan-b' ORDER BY audit_id;

DEALLOCATE ALL;
SET client_min_messages = warning;
DO $$
BEGIN
	PERFORM bestauth.revoke_access('regress_plan_app', 'application');
	PERFORM bestauth.revoke_access('regress_plan_two', 'application');
END
$$;
REVOKE USAGE ON SCHEMA regress FROM regress_plan_app, regress_plan_two, regress_plan_member;
DROP SCHEMA plan_test CASCADE;
DROP ROLE regress_plan_app, regress_plan_two, regress_plan_member;
