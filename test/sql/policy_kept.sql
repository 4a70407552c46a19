-- Kept plans of a policy with can_access_company(): made for one session, used by others, of
-- few companies and of many, before and after a change of what they may enter.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA policy_kept;
CREATE ROLE regress_policy_kept;
GRANT USAGE ON SCHEMA policy_kept TO regress_policy_kept;
RESET client_min_messages;
DO $$
BEGIN
	PERFORM bestauth.grant_access('regress_policy_kept', 'application');
	PERFORM bestauth.create_company('pkept', 'Parent');
	PERFORM bestauth.create_company('pkept-' || i, 'Child ' || i, 'pkept') FROM generate_series(1, 130) i;
	PERFORM bestauth.create_company('pkept-far', 'Far');
	PERFORM bestauth.create_company('pkept-far' || i, 'Far ' || i, 'pkept-far') FROM generate_series(1, 2) i;
	PERFORM bestauth.create_role('Kept', '{claims}', '{pkept-3}', company => 'pkept');
	PERFORM bestauth.create_user('small', 'standard', 'S', 'Mall', 'small@pkept.example', 'seven green boats of small', roles => '{Kept}', company => 'pkept');
	PERFORM bestauth.create_user('alike', 'standard', 'A', 'Like', 'alike@pkept.example', 'seven green boats of alike', company => 'pkept-far');
	PERFORM bestauth.assign_company('alike', 'pkept-far1', company => 'pkept-far');
	PERFORM bestauth.create_user('large', 'company_administrator', 'L', 'Arge', 'large@pkept.example', 'seven green boats of large', company => 'pkept');
END
$$;
CREATE TABLE policy_kept.who AS SELECT 'nobody' AS name, NULL AS token UNION ALL
	SELECT u, session_token FROM (VALUES ('small', 'pkept'), ('large', 'pkept'), ('alike', 'pkept-far')) v (u, c), LATERAL bestauth.login(c, u, 'seven green boats of ' || u);
CREATE TABLE policy_kept.place AS SELECT company_id, code FROM bestauth.company WHERE code LIKE 'pkept%';
CREATE TABLE policy_kept.claim AS SELECT g AS id, c.ids[1 + g % cardinality(c.ids)] AS company_id, g % 50 AS amount
FROM generate_series(1, 8040) g, (SELECT array_agg(company_id ORDER BY code) AS ids FROM policy_kept.place) c;
CREATE INDEX claim_company ON policy_kept.claim (company_id);
CREATE INDEX claim_id ON policy_kept.claim (id);
VACUUM ANALYZE policy_kept.claim;
ALTER TABLE policy_kept.claim ENABLE ROW LEVEL SECURITY;
CREATE POLICY company ON policy_kept.claim USING (bestauth.can_access_company(company_id));
GRANT ALL ON policy_kept.claim, policy_kept.place TO regress_policy_kept;

-- By hand, from the tables as they are: what a user may enter, and which claims that makes.
CREATE FUNCTION policy_kept.enters(username text) RETURNS SETOF uuid LANGUAGE sql SECURITY DEFINER AS $$
	SELECT u.company_id FROM bestauth.user_account u WHERE u.email = $1 || '@pkept.example'
	UNION SELECT r.child_id FROM bestauth.user_account u JOIN bestauth.user_role g USING (user_id) JOIN bestauth.role_company r USING (role_id) WHERE u.email = $1 || '@pkept.example'
	UNION SELECT d.child_id FROM bestauth.user_account u JOIN bestauth.user_company d USING (user_id) WHERE u.email = $1 || '@pkept.example'
	UNION SELECT c.company_id FROM bestauth.user_account u JOIN bestauth.company c ON c.parent_id = u.company_id WHERE u.email = $1 || '@pkept.example' AND u.user_type = 'company_administrator'
$$;
CREATE FUNCTION policy_kept.byhand(username text, wanted text, OUT rows bigint, OUT sum bigint) LANGUAGE sql SECURITY DEFINER AS $$
	SELECT count(*), sum(id) FROM policy_kept.claim JOIN policy_kept.place p USING (company_id) WHERE company_id IN (SELECT policy_kept.enters($1)) AND p.code LIKE $2
$$;

-- The same in plans of every kind that are kept: prepared, of plpgsql, of a cursor in it, of a
-- function in SQL that is inlined, and one that is not; and by a company that is named.
SET ROLE regress_policy_kept;
PREPARE counted AS SELECT count(*), sum(id) FROM policy_kept.claim;
PREPARE joined (text) AS SELECT count(*), sum(id) FROM policy_kept.claim c WHERE EXISTS (SELECT FROM policy_kept.place p WHERE p.company_id = c.company_id AND code LIKE $1);
PREPARE nested AS WITH w AS MATERIALIZED (SELECT * FROM policy_kept.claim) SELECT count(*), sum(w.id) FROM w WHERE w.id IN (SELECT id FROM policy_kept.claim);
PREPARE named (uuid) AS SELECT count(*), sum(id) FROM policy_kept.claim WHERE company_id = $1;
PREPARE ordered AS SELECT count(*), sum(id) FROM (SELECT id FROM policy_kept.claim ORDER BY id) s;
RESET ROLE;
CREATE FUNCTION policy_kept.in_plpgsql(OUT rows bigint, OUT sum bigint) LANGUAGE plpgsql AS $$
BEGIN
	SELECT count(*), sum(id) INTO rows, sum FROM policy_kept.claim;
END
$$;
CREATE FUNCTION policy_kept.in_loop(OUT rows bigint, OUT sum bigint) LANGUAGE plpgsql AS $$
DECLARE
	c CURSOR FOR SELECT id FROM policy_kept.claim;
BEGIN
	rows := 0;
	FOR r IN c LOOP
		rows := rows + 1;
		sum := coalesce(sum, 0) + r.id;
	END LOOP;
END
$$;
CREATE FUNCTION policy_kept.in_sql() RETURNS TABLE (rows bigint, sum bigint) STABLE LANGUAGE sql AS $$ SELECT count(*), sum(id) FROM policy_kept.claim $$;
CREATE FUNCTION policy_kept.in_sql_called(OUT rows bigint, OUT sum bigint) VOLATILE LANGUAGE sql SET enable_sort = on AS $$ SELECT count(*), sum(id) FROM policy_kept.claim $$;
-- What each of them says to a session, beside what is right.
CREATE TABLE policy_kept.wrong (mode text, who text, way text, rows bigint, right_rows bigint);
GRANT INSERT ON policy_kept.wrong TO regress_policy_kept;
CREATE FUNCTION policy_kept.look(who text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	way record;
	got_rows bigint;
	got_sum bigint;
	right_rows bigint;
	right_sum bigint;
	compared int := 0;
BEGIN
	FOR way IN VALUES ('EXECUTE counted', '%'), ('EXECUTE joined (''%'')', '%'), ('EXECUTE joined (''pkept-far%'')', 'pkept-far%'), ('EXECUTE joined (''%3'')', '%3'), ('EXECUTE nested', '%'), ('EXECUTE ordered', '%'),
		('SELECT * FROM policy_kept.in_plpgsql()', '%'), ('SELECT * FROM policy_kept.in_loop()', '%'), ('SELECT * FROM policy_kept.in_sql()', '%'), ('SELECT * FROM policy_kept.in_sql_called()', '%')
		UNION ALL SELECT format('EXECUTE named (%L)', company_id), code FROM policy_kept.place WHERE code IN ('pkept', 'pkept-3', 'pkept-4', 'pkept-far1') LOOP
		EXECUTE way.column1 INTO got_rows, got_sum;
		SELECT rows, sum INTO right_rows, right_sum FROM policy_kept.byhand(who, way.column2);
		compared := compared + 1;
		IF (got_rows, got_sum) IS DISTINCT FROM (right_rows, right_sum) THEN
			INSERT INTO policy_kept.wrong VALUES (current_setting('plan_cache_mode'), who, way.column1, got_rows, right_rows);
		END IF;
	END LOOP;
	RETURN compared;
END
$$;
-- Sessions by turns, all in one transaction or each in one of its own.
CREATE PROCEDURE policy_kept.turns(names text[], apart boolean) LANGUAGE plpgsql AS $$
DECLARE
	who text;
	token text;
	compared int := 0;
BEGIN
	FOREACH who IN ARRAY names LOOP
		token := (SELECT w.token FROM policy_kept.who w WHERE w.name = who);
		IF token IS NOT NULL THEN
			PERFORM bestauth.use_session(token);
		END IF;
		SET LOCAL ROLE regress_policy_kept;
		compared := compared + policy_kept.look(who);
		RESET ROLE;
		IF apart THEN
			COMMIT;
		END IF;
	END LOOP;
	IF compared <> 14 * cardinality(names) THEN
		RAISE WARNING 'compared only %', compared;
	END IF;
END
$$;
SET jit = off;
SET client_min_messages = error;
\set turns 'CALL policy_kept.turns(''{nobody,small,large,small,nobody,alike,small,large,alike,large,small}'', true); CALL policy_kept.turns(''{large,small,large,alike,small}'', false)'

-- [D-18] A, B, A, the small first, then the large; with every way to choose the plan.
SET plan_cache_mode = force_generic_plan;
:turns;
SET plan_cache_mode = force_custom_plan;
:turns;
SET plan_cache_mode = auto;
:turns;
CALL policy_kept.turns('{small,small,small,small,small,small,small,large,large,alike,small}', true);
-- The large first, with new plans.
DISCARD PLANS;
SET plan_cache_mode = force_generic_plan;
CALL policy_kept.turns('{large,small,alike,large,nobody,small}', true);
SELECT bool_and(generic_plans > 20) AS generic, bool_and(custom_plans > 20) AS custom FROM pg_prepared_statements;
-- What they may enter changes, in between, in this backend; the plans stay.
SELECT bestauth.update_role('Kept', '{claims}', '{pkept-4,pkept-5}', company => 'pkept');
:turns;
SELECT bestauth.assign_company('small', 'pkept-3', company => 'pkept'), bestauth.unassign_company('alike', 'pkept-far1', company => 'pkept-far');
:turns;
-- From few to more than a hundred, and back.
SELECT bestauth.update_role('Kept', '{claims}', (SELECT array_agg('pkept-' || i) FROM generate_series(1, 129) i), company => 'pkept');
:turns;
SELECT bestauth.unassign_role('small', 'Kept', company => 'pkept');
UPDATE bestauth.company SET parent_id = NULL WHERE code IN ('pkept-9', 'pkept-3');
:turns;
SELECT bestauth.create_company('pkept-new', 'New', 'pkept') IS NOT NULL AS made;
INSERT INTO policy_kept.claim SELECT 10000 + i, company_id, 1 FROM bestauth.company, generate_series(1, 20) i WHERE code = 'pkept-new';
INSERT INTO policy_kept.place SELECT company_id, code FROM bestauth.company WHERE code = 'pkept-new';
:turns;
SET plan_cache_mode = auto;
:turns;
-- A change that is rolled back was none; one that is open counts for the session that made it.
BEGIN;
SELECT bestauth.assign_company('small', 'pkept-7', company => 'pkept');
CALL policy_kept.turns('{small,large,small}', false);
SAVEPOINT s;
-- By the operator: a session is over.
SET LOCAL bestauth.identity = '';
SELECT bestauth.assign_role('small', 'Kept', company => 'pkept');
CALL policy_kept.turns('{small,alike,small}', false);
ROLLBACK TO s;
CALL policy_kept.turns('{small,large,small}', false);
ROLLBACK;
:turns;
-- None was wrong; what was compared is not nothing.
SELECT * FROM policy_kept.wrong;
SELECT name, count(e) AS companies, (SELECT rows FROM policy_kept.byhand(name, '%')) AS rows FROM policy_kept.who LEFT JOIN LATERAL policy_kept.enters(name) e ON true GROUP BY name ORDER BY name;

--
-- A kept plan stays while sessions of like size use it, and is made anew, once, for one of another
-- magnitude. Whether it was is seen by what is switched off meanwhile.
--
CREATE FUNCTION policy_kept.plan(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (COSTS OFF, FORMAT JSON) ' || statement INTO plan;
	RETURN CASE WHEN plan::text ~ 'Index Cond[^{}]*accessible_company_ids' THEN 'by the companies' WHEN plan::text ~ 'Filter[^{}]*can_access_company' THEN 'row by row' ELSE 'otherwise' END;
END
$$;
CREATE FUNCTION policy_kept.plan_of(who text, statement text DEFAULT 'EXECUTE kept') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	PERFORM bestauth.use_session(token) FROM policy_kept.who w WHERE w.name = who;
	SET LOCAL ROLE regress_policy_kept;
	result := policy_kept.plan(statement);
	RESET ROLE;
	RETURN result;
END
$$;
DEALLOCATE ALL;
SET plan_cache_mode = force_generic_plan;
SET ROLE regress_policy_kept;
PREPARE kept AS SELECT sum(amount) FROM policy_kept.claim;
RESET ROLE;
SELECT policy_kept.plan_of('small') AS small, policy_kept.plan_of('large') AS large, policy_kept.plan_of('small') AS small_again, policy_kept.plan_of('alike') AS alike;
-- Not for one of like size: nothing is made anew, or it would not use an index now.
SET enable_indexscan = off;
SET enable_bitmapscan = off;
SET enable_indexonlyscan = off;
SELECT policy_kept.plan_of('alike') AS alike, policy_kept.plan_of('small') AS small, policy_kept.plan_of('alike') AS alike_again;
SELECT policy_kept.plan_of('large') AS large, policy_kept.plan_of('small') AS small;
RESET enable_indexscan;
RESET enable_bitmapscan;
RESET enable_indexonlyscan;
SELECT policy_kept.plan_of('alike') AS alike;
SELECT policy_kept.plan_of('large') AS large, policy_kept.plan_of('alike') AS alike, policy_kept.plan_of('small') AS small;
-- A plan that was made without a session, in a new connection, is not for the first one either.
\c -
SET client_min_messages = error;
SET jit = off;
SET plan_cache_mode = force_generic_plan;
SET ROLE regress_policy_kept;
PREPARE kept AS SELECT sum(amount) FROM policy_kept.claim;
SELECT policy_kept.plan('EXECUTE kept') AS nobody;
RESET ROLE;
SELECT policy_kept.plan_of('large') AS large, policy_kept.plan_of('small') AS small;
-- After a session that is rolled back, and in a transaction without one.
BEGIN;
SELECT policy_kept.plan_of('small') AS small;
SAVEPOINT s;
SELECT policy_kept.plan_of('large') AS large;
ROLLBACK TO s;
SELECT policy_kept.plan('EXECUTE kept') IS NOT NULL AS some_plan;
COMMIT;
SELECT policy_kept.plan_of('alike') AS alike;

DEALLOCATE ALL;
RESET ALL;
SET client_min_messages = warning;
DO $$ BEGIN PERFORM bestauth.revoke_access('regress_policy_kept', 'application'); END $$;
DROP SCHEMA policy_kept CASCADE;
DROP ROLE regress_policy_kept;
