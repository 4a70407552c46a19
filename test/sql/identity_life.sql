-- How long an identity lives, and that it is never another one: sessions by turns, deep in
-- savepoints and exception blocks, while roles, permissions and assignments change under them
-- in the same backend; after every step it is compared with what the tables said when it began.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA life_test;
CREATE ROLE regress_life;
GRANT USAGE ON SCHEMA life_test TO regress_life;
RESET client_min_messages;
DO $$
BEGIN
	PERFORM bestauth.grant_access('regress_life', 'application');
	PERFORM bestauth.create_company('life', 'Parent');
	PERFORM bestauth.create_company('life-' || i, 'Child ' || i, 'life') FROM generate_series(1, 20) i;
	PERFORM bestauth.create_role('R' || i, ARRAY['claims'], ARRAY['life-' || i], company => 'life') FROM generate_series(1, 4) i;
	PERFORM bestauth.create_user(u, 'standard', u, 'L', u || '@life.example', 'seven green boats of ' || u, roles => ARRAY['R' || substr(u, 5)], company => 'life') FROM unnest('{user1,user2,user3}'::text[]) u;
	PERFORM bestauth.create_user('admin', 'company_administrator', 'Adam', 'L', 'admin@life.example', 'seven green boats of admin', company => 'life');
	PERFORM bestauth.create_user('locked', 'standard', 'Lou', 'L', 'locked@life.example', 'seven green boats of locked', company => 'life');
END
$$;
CREATE TABLE life_test.who AS SELECT u AS name, session_token AS token FROM unnest('{user1,user2,user3,admin,locked}'::text[]) u, LATERAL bestauth.login('life', u, 'seven green boats of ' || u);
SELECT bestauth.lock_user('locked', 'life');
CREATE TABLE life_test.company AS SELECT row_number() OVER (ORDER BY company_id) AS n, company_id, code FROM bestauth.company WHERE code LIKE 'life%';
CREATE TABLE life_test.permission AS SELECT row_number() OVER (ORDER BY name) AS n, name FROM bestauth.permission WHERE NOT by_name_only AND NOT client_only;
GRANT SELECT ON ALL TABLES IN SCHEMA life_test TO regress_life;

-- All that an identity says, in one text; and what it should say, by the tables as they are.
CREATE FUNCTION life_test.says() RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws('|', bestauth.current_session_id(), bestauth.current_user_id(), bestauth.current_person_id(), bestauth.current_company_id(), bestauth.current_billing_service_id(), bestauth.current_office_id(),
		array_to_string(bestauth.accessible_company_ids(), ' '), (SELECT string_agg(company_id::text, ' ' ORDER BY company_id) FROM life_test.company WHERE bestauth.can_access_company(company_id)),
		(SELECT string_agg(name, ' ' ORDER BY name) FROM life_test.permission WHERE bestauth.has_permission(name)))
$$;
CREATE FUNCTION life_test.should_say(who text, place uuid) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws('|', s.session_id, u.user_id, u.user_id, CASE WHEN place = ANY (e.ids) THEN place ELSE u.company_id END, array_to_string(e.ids, ' '), array_to_string(e.ids, ' '), p.names)
	FROM life_test.who w JOIN bestauth.session s ON s.token_hash = sha256(convert_to(w.token, 'UTF8')) JOIN bestauth.user_account u USING (user_id),
		LATERAL (SELECT array(SELECT u.company_id UNION SELECT c.company_id FROM bestauth.company c WHERE c.parent_id = u.company_id AND u.user_type = 'company_administrator'
			UNION SELECT child_id FROM bestauth.user_role g JOIN bestauth.role_company USING (role_id) WHERE g.user_id = u.user_id UNION SELECT child_id FROM bestauth.user_company d WHERE d.user_id = u.user_id ORDER BY 1) AS ids) e,
		LATERAL (SELECT string_agg(name, ' ' ORDER BY name) AS names FROM life_test.permission WHERE u.user_type = 'company_administrator' OR name IN
			(SELECT permission FROM bestauth.user_permission g WHERE g.user_id = u.user_id UNION SELECT permission FROM bestauth.user_role g JOIN bestauth.role_permission USING (role_id) WHERE g.user_id = u.user_id)) p
	WHERE w.name = who
$$;
-- Where a session is, by the table.
CREATE FUNCTION life_test.place(who text) RETURNS uuid LANGUAGE sql AS $$
	SELECT p.company_id FROM bestauth.session_company p JOIN bestauth.session s USING (session_id) JOIN life_test.who w ON s.token_hash = sha256(convert_to(w.token, 'UTF8')) WHERE w.name = who
$$;
SELECT life_test.says() = '', count(DISTINCT life_test.should_say(name, NULL)) AS different FROM life_test.who;

-- A row of numbers that is the same every time; it goes on when a savepoint is rolled back.
CREATE SEQUENCE life_test.random;
CREATE FUNCTION life_test.pick(n int) RETURNS int LANGUAGE sql AS $$ SELECT (('x' || substr(md5(nextval('life_test.random')::text), 1, 7))::bit(28)::int % n) + 1 $$;
CREATE SEQUENCE life_test.wrong MINVALUE 0 START 0;
CREATE SEQUENCE life_test.steps;
-- Every kind of step, counted: it goes on as well.
CREATE FUNCTION life_test.check(step text, expected text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM nextval('life_test.steps');
	IF life_test.says() IS DISTINCT FROM expected THEN
		PERFORM nextval('life_test.wrong');
		RAISE WARNING 'after "%": % instead of %', step, life_test.says(), expected;
	END IF;
END
$$;
-- Something about authority changes, by the operator's SQL; the identity is what it was.
CREATE FUNCTION life_test.change(OUT done text) LANGUAGE plpgsql AS $$
DECLARE
	picked text[] := ARRAY['life-' || life_test.pick(20), 'R' || life_test.pick(4), 'user' || life_test.pick(3) || '@life.example', life_test.pick(8)::text];
	family uuid := (SELECT company_id FROM bestauth.company WHERE code = 'life');
	child uuid := (SELECT company_id FROM life_test.company WHERE code = picked[1]);
	the_role uuid := (SELECT role_id FROM bestauth.role WHERE company_id = family AND name = picked[2]);
	account uuid := (SELECT user_id FROM bestauth.user_account WHERE email = picked[3]);
	word text := (SELECT name FROM life_test.permission WHERE n::text = picked[4]);
BEGIN
	done := (ARRAY['company of a role', 'permission of a role', 'company of a user', 'permission of a user', 'role of a user', 'all of a role'])[life_test.pick(6)];
	CASE done
	WHEN 'company of a role' THEN
		DELETE FROM bestauth.role_company WHERE role_id = the_role AND child_id = child;
		IF NOT FOUND THEN
			INSERT INTO bestauth.role_company (company_id, role_id, child_id) VALUES (family, the_role, child);
		END IF;
	WHEN 'permission of a role' THEN
		DELETE FROM bestauth.role_permission WHERE role_id = the_role AND permission = word;
		IF NOT FOUND THEN
			INSERT INTO bestauth.role_permission (company_id, role_id, permission) VALUES (family, the_role, word);
		END IF;
	WHEN 'company of a user' THEN
		DELETE FROM bestauth.user_company WHERE user_id = account AND child_id = child;
		IF NOT FOUND THEN
			INSERT INTO bestauth.user_company (company_id, user_id, child_id) VALUES (family, account, child);
		END IF;
	WHEN 'permission of a user' THEN
		DELETE FROM bestauth.user_permission WHERE user_id = account AND permission = word;
		IF NOT FOUND THEN
			INSERT INTO bestauth.user_permission (company_id, user_id, permission) VALUES (family, account, word);
		END IF;
	WHEN 'role of a user' THEN
		DELETE FROM bestauth.user_role WHERE user_id = account AND role_id = the_role;
		IF NOT FOUND THEN
			INSERT INTO bestauth.user_role (company_id, user_id, role_id) VALUES (family, account, the_role);
		END IF;
	ELSE
		DELETE FROM bestauth.role_company WHERE role_id = the_role;
		DELETE FROM bestauth.role_permission WHERE role_id = the_role;
	END CASE;
END
$$;
-- So many steps, some of them in a block of their own that is undone or not; returns what the
-- identity must be at the end.
CREATE FUNCTION life_test.go(depth int, steps int, who text, expected text, OUT now_who text, OUT now_expected text) LANGUAGE plpgsql AS $$
DECLARE
	step text;
	picked text;
	target record;
	inner_who text;
	inner_expected text;
BEGIN
	now_who := who;
	now_expected := expected;
	FOR i IN 1..steps LOOP
		step := (ARRAY['use', 'use', 'change', 'change', 'switch', 'block', 'block', 'bad', 'none', 'as another role'])[life_test.pick(10)];
		CASE step
		WHEN 'use', 'as another role' THEN
			picked := (ARRAY['user1', 'user2', 'user3', 'admin'])[life_test.pick(4)];
			SELECT * INTO target FROM life_test.who WHERE name = picked;
			now_who := target.name;
			now_expected := life_test.should_say(now_who, life_test.place(now_who));
			IF step = 'use' THEN
				PERFORM bestauth.use_session(target.token);
			ELSE
				SET LOCAL ROLE regress_life;
				PERFORM bestauth.use_session(target.token);
				RESET ROLE;
			END IF;
		WHEN 'change' THEN
			step := 'change ' || life_test.change();
		WHEN 'switch' THEN
			CONTINUE WHEN now_who IS NULL;
			picked := CASE life_test.pick(4) WHEN 1 THEN 'life' ELSE 'life-' || life_test.pick(20) END;
			SELECT * INTO target FROM life_test.company WHERE code = picked;
			BEGIN
				PERFORM bestauth.switch_company(target.code);
				-- What it enters now is as of now, unless it is there already.
				IF split_part(now_expected, '|', 4) <> target.company_id::text THEN
					now_expected := life_test.should_say(now_who, target.company_id);
				END IF;
				IF split_part(now_expected, '|', 4) <> target.company_id::text THEN
					PERFORM life_test.check('let into ' || target.code, 'never');
				END IF;
			EXCEPTION WHEN insufficient_privilege THEN
				IF strpos(split_part(life_test.should_say(now_who, NULL), '|', 5), target.company_id::text) > 0 THEN
					PERFORM life_test.check('refused ' || target.code, 'never');
				END IF;
			END;
		WHEN 'block' THEN
			CONTINUE WHEN depth > 9;
			BEGIN
				SELECT * INTO inner_who, inner_expected FROM life_test.go(depth + 1, 1 + life_test.pick(6), now_who, now_expected);
				PERFORM life_test.check('inside', inner_expected);
				IF life_test.pick(2) = 1 THEN
					RAISE EXCEPTION USING ERRCODE = 'ZZ001';
				END IF;
				now_who := inner_who;
				now_expected := inner_expected;
			EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
				step := 'block undone';
			END;
		WHEN 'bad' THEN
			BEGIN
				picked := CASE life_test.pick(3) WHEN 1 THEN 'bas_x' WHEN 2 THEN (SELECT token FROM life_test.who WHERE name = 'locked') ELSE '' END;
				PERFORM bestauth.use_session(picked);
				PERFORM life_test.check('a bad one was let in', 'never');
			EXCEPTION WHEN invalid_authorization_specification THEN
				NULL;
			END;
		ELSE
			SET LOCAL bestauth.identity = '';
			now_who := NULL;
			now_expected := '';
		END CASE;
		PERFORM life_test.check(step, now_expected);
	END LOOP;
END
$$;
-- [D-03] [D-15] [MCM-8] Many transactions of it, every third rolled back; the next one starts
-- with nobody.
SET client_min_messages = error;
DO $$
BEGIN
	FOR i IN 1..30 LOOP
		PERFORM life_test.check('start', '');
		PERFORM life_test.go(1, 12, NULL, '');
		IF i % 3 = 0 THEN
			ROLLBACK;
		ELSE
			COMMIT;
		END IF;
	END LOOP;
END
$$;
SELECT last_value > 1500 AS steps, (SELECT last_value FROM life_test.wrong) AS wrong FROM life_test.steps;

-- The same in savepoints of the client's, 60 deep, with a change, a session and a company in
-- each; then back, one by one: whoever was there is there again, with what they had.
CREATE FUNCTION life_test.deeper(depth int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM life_test.change();
	PERFORM bestauth.use_session(token) FROM life_test.who WHERE name = (ARRAY['user1', 'user2', 'user3', 'admin'])[1 + depth % 4];
	IF depth % 3 = 0 THEN
		PERFORM bestauth.switch_company(code) FROM life_test.company WHERE bestauth.can_access_company(company_id) ORDER BY n DESC LIMIT 1;
	END IF;
	PERFORM set_config('life_test.said', coalesce(current_setting('life_test.said', true), '') || depth || '=' || md5(life_test.says()) || ';', true);
END
$$;
CREATE FUNCTION life_test.at(depth int, said text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM life_test.check('depth ' || depth, CASE WHEN md5(life_test.says()) = substring(said FROM ';' || depth || '=([0-9a-f]{32});') THEN life_test.says() ELSE 'never' END);
END
$$;
BEGIN;
\set ECHO none
SELECT format('SAVEPOINT s%s', n), format('DO $d$ BEGIN PERFORM life_test.deeper(%s); END $d$', n) FROM generate_series(1, 60) n \gexec
SELECT ';' || current_setting('life_test.said') AS said \gset
SELECT format('ROLLBACK TO s%s', n), format('DO $d$ BEGIN PERFORM life_test.at(%s, %L); END $d$', n - 1, :'said') FROM generate_series(60, 2, -1) n \gexec
\set ECHO all
SELECT length(:'said') > 60 * 32 AS deep, count(*) > 20 AS kept_meanwhile FROM pg_backend_memory_contexts WHERE name = 'bestauth authority';
ROLLBACK TO s1;
SELECT life_test.says() AS nobody;
COMMIT;
SELECT last_value AS wrong FROM life_test.wrong;
-- With a released savepoint in the middle, the last one stays; and an error in the deepest one
-- goes back to what was before it.
BEGIN;
SELECT life_test.deeper(1);
SAVEPOINT a;
SELECT life_test.deeper(2);
SAVEPOINT b;
SELECT life_test.deeper(3);
RELEASE a;
SELECT ';' || current_setting('life_test.said') AS said \gset
SELECT life_test.at(3, :'said');
SAVEPOINT c;
SELECT life_test.deeper(4);
SELECT 1 / 0;
SELECT life_test.says();
ROLLBACK TO c;
SELECT life_test.at(3, :'said');
ROLLBACK;
SELECT life_test.says() AS nobody, (SELECT last_value FROM life_test.wrong) AS wrong;

-- [M-04] What was remembered and is out of date goes with the transaction, and not before; what
-- is remembered stays small.
BEGIN;
DO $$
BEGIN
	FOR i IN 1..100 LOOP
		PERFORM life_test.change();
		PERFORM bestauth.use_session(token) FROM life_test.who WHERE name = 'user1';
		PERFORM life_test.check('change and use', life_test.should_say('user1', NULL));
	END LOOP;
END
$$;
SELECT count(*) > 50 AS meanwhile FROM pg_backend_memory_contexts WHERE name = 'bestauth authority';
ROLLBACK;
SELECT count(*) AS contexts, sum(total_bytes) < 1000000 AS small FROM pg_backend_memory_contexts WHERE name = 'bestauth authority';

-- A thousand sessions in one backend, each in transactions of its own, again and again, with
-- changes in between.
CREATE TABLE life_test.many AS SELECT i, 'life ' || i AS token, u.user_id, u.company_id, u.version, bestauth.uuidv7() AS session_id
FROM generate_series(1, 1000) i, (SELECT array_agg(user_id ORDER BY username) AS ids FROM bestauth.user_account WHERE email LIKE '%@life.example' AND locked_at IS NULL) a JOIN LATERAL (SELECT * FROM bestauth.user_account WHERE user_id = a.ids[1 + i % 4]) u ON true;
INSERT INTO bestauth.session (session_id, token_hash, user_id, person_id, company_id, user_version, person_version, expires_at) SELECT session_id, sha256(convert_to(token, 'UTF8')), user_id, user_id, company_id, version, version, clock_timestamp() + interval '1 hour' FROM life_test.many;
INSERT INTO bestauth.session_use (session_id, last_used_at) SELECT session_id, clock_timestamp() FROM life_test.many;
CREATE FUNCTION life_test.each(OUT seen int, OUT wrong int) LANGUAGE plpgsql AS $$
DECLARE
	m record;
BEGIN
	seen := 0;
	wrong := 0;
	FOR m IN SELECT * FROM life_test.many ORDER BY md5(i::text) LOOP
		PERFORM bestauth.use_session(m.token);
		seen := seen + 1;
		IF m.session_id IS DISTINCT FROM bestauth.current_session_id() OR m.user_id IS DISTINCT FROM bestauth.current_user_id() OR bestauth.can_access_company(m.company_id) IS NOT TRUE THEN
			wrong := wrong + 1;
		END IF;
		IF seen % 250 = 0 THEN
			PERFORM life_test.change();
		END IF;
	END LOOP;
END
$$;
SELECT * FROM life_test.each();
SELECT life_test.says() AS nobody;
SELECT * FROM life_test.each();
DO $$
DECLARE
	m record;
BEGIN
	FOR m IN SELECT * FROM life_test.many WHERE i % 4 = 1 LOOP
		PERFORM bestauth.use_session(m.token);
		PERFORM life_test.check('one of many', CASE WHEN bestauth.current_session_id() = m.session_id THEN life_test.says() ELSE 'another' END);
		COMMIT;
		PERFORM life_test.check('after it', '');
	END LOOP;
END
$$;
SELECT count(*) AS contexts, sum(total_bytes) < 8000000 AS small FROM pg_backend_memory_contexts WHERE name = 'bestauth authority';
SELECT last_value AS wrong FROM life_test.wrong;
-- [D-02] DISCARD ALL leaves nobody, and what is used again afterwards is right.
DISCARD ALL;
SET client_min_messages = error;
SELECT life_test.says() AS nobody;
SELECT * FROM life_test.each();
SELECT life_test.says() AS nobody, (SELECT last_value FROM life_test.wrong) AS wrong;

-- Cursors: one that was not fetched from yet is of the session that fetches, one that was goes on
-- with what it began with where an index is used; of nobody else in any case. One that is held
-- over the end has what was seen at the end.
CREATE TABLE life_test.claim AS SELECT i AS id, company_id, code FROM life_test.company, generate_series(1, 50) i ORDER BY i, n;
CREATE INDEX ON life_test.claim (company_id);
ALTER TABLE life_test.claim ENABLE ROW LEVEL SECURITY;
CREATE POLICY company ON life_test.claim USING (bestauth.can_access_company(company_id));
GRANT SELECT ON life_test.claim TO regress_life;
DELETE FROM bestauth.role_company WHERE role_id IN (SELECT role_id FROM bestauth.role JOIN bestauth.company USING (company_id) WHERE code = 'life');
DELETE FROM bestauth.user_company WHERE company_id = (SELECT company_id FROM bestauth.company WHERE code = 'life');
SELECT count(bestauth.assign_company('user' || i, 'life-' || i, company => 'life')) FROM generate_series(1, 3) i;
SELECT token AS user1 FROM life_test.who WHERE name = 'user1' \gset
SELECT token AS user2 FROM life_test.who WHERE name = 'user2' \gset
CREATE FUNCTION life_test.rest(c refcursor) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text;
	seen text[] := '{}';
BEGIN
	LOOP
		FETCH c INTO code;
		EXIT WHEN NOT FOUND;
		seen := seen || code;
	END LOOP;
	RETURN (SELECT string_agg(s || ' ' || n, ', ' ORDER BY s) FROM (SELECT s, count(*) AS n FROM unnest(seen) s GROUP BY s) t);
END
$$;
SET ROLE regress_life;
SET enable_bitmapscan = off;
SET enable_seqscan = off;
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session(:'user1');
DECLARE begun CURSOR FOR SELECT code FROM life_test.claim WHERE id > 1 ORDER BY company_id;
DECLARE not_yet CURSOR FOR SELECT code FROM life_test.claim;
DECLARE sorted CURSOR FOR SELECT code FROM life_test.claim ORDER BY id, code;
DECLARE held CURSOR WITH HOLD FOR SELECT code FROM life_test.claim;
FETCH begun;
FETCH sorted;
SELECT bestauth.switch_company('life-1');
SELECT life_test.rest('sorted') AS of_the_first;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session(:'user2');
SELECT life_test.rest('begun') AS of_the_first, life_test.rest('not_yet') AS of_the_second;
COMMIT;
SELECT life_test.rest('held') AS at_the_end, count(*) AS now FROM life_test.claim;
CLOSE held;
-- Row by row each row is asked of who is there at the moment; after a rollback that is nobody.
RESET enable_seqscan;
SET enable_indexscan = off;
SET enable_indexonlyscan = off;
BEGIN;
DECLARE c CURSOR FOR SELECT code FROM life_test.claim;
SAVEPOINT s;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session(:'user1');
FETCH c;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session(:'user2');
FETCH c;
ROLLBACK TO s;
SELECT life_test.rest('c') AS of_nobody;
COMMIT;
RESET ROLE;
-- A plpgsql loop over a policy, with another session in its body: it ends as it began.
SET enable_seqscan = off;
SET enable_indexscan = on;
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session(:'user1');
SET LOCAL ROLE regress_life;
DO $$
DECLARE
	r record;
	seen text[] := '{}';
BEGIN
	FOR r IN SELECT code FROM life_test.claim WHERE id < 3 ORDER BY company_id, id LOOP
		BEGIN
			PERFORM bestauth.use_session('bas_nobody');
		EXCEPTION WHEN invalid_authorization_specification THEN
			seen := seen || r.code;
		END;
	END LOOP;
	RAISE INFO '%', (SELECT string_agg(DISTINCT s, ' ' ORDER BY s) || ' ' || count(*) FROM unnest(seen) s);
END
$$;
COMMIT;

RESET ALL;
SET client_min_messages = warning;
DO $$ BEGIN PERFORM bestauth.revoke_access('regress_life', 'application'); END $$;
DROP SCHEMA life_test CASCADE;
DROP ROLE regress_life;
