-- Sessions: what ends them, what the identity of a transaction outlives and what
-- not, and that parallel workers share it.
\set SHOW_CONTEXT never
SELECT bestauth.create_company('session_svc', 'Best Billing') IS NOT NULL AS made;
SELECT bestauth.create_company('session_svc2', 'Other Billing') IS NOT NULL AS made;
SELECT bestauth.create_company('session_clinic', 'Clinic') IS NOT NULL AS made;
SELECT bestauth.create_company('session_child', 'Child Clinic', 'session_clinic') IS NOT NULL AS made;
SELECT bestauth.register_billing_service('session_svc');
SELECT bestauth.register_billing_service('session_svc2');
SELECT count(bestauth.create_user(username, user_type, username, 'Test', username || '@session.example', 'a long password of ' || username, permissions => permissions, company => company))
FROM (VALUES
	('anna', 'restricted', 'session_svc', '{}'::text[]),
	('user', 'standard', 'session_clinic', '{claims}'),
	('adam', 'company_administrator', 'session_clinic', '{}')) v (username, user_type, company, permissions);
SELECT bestauth.create_user('key', 'billing', 'Key', 'Holder', 'key@session.example', 'a long password of key', 'session_svc', '{}', '{eops}', 'session_clinic') IS NOT NULL AS made;
CREATE ROLE regress_session_app;
SELECT bestauth.grant_access('regress_session_app', 'application');
GRANT USAGE ON SCHEMA regress TO regress_session_app;

-- Is the session good? In a statement, and an identity, of its own.
CREATE FUNCTION pg_temp.use(token text) RETURNS text
LANGUAGE plpgsql SET client_min_messages = error AS $$
DECLARE
	result text;
BEGIN
	result := regress.attempt(format('SELECT bestauth.use_session(%L)', token));
	RAISE EXCEPTION 'undo';
EXCEPTION WHEN raise_exception THEN
	RETURN result;
END
$$;
CREATE FUNCTION pg_temp.who() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$
	SELECT concat_ws(' ', username, CASE WHEN bestauth.has_permission('claims') THEN 'claims' END, CASE WHEN bestauth.has_permission('eops') THEN 'eops' END)
	FROM (SELECT (SELECT username FROM bestauth.user_account WHERE user_id = bestauth.current_user_id())) u
$$;

-- use_session says who; outside a transaction block it ends with the statement.
SELECT * FROM bestauth.login('session_clinic', 'user', 'a long password of user') \gset user_
SELECT * FROM bestauth.login('session_clinic', 'adam', 'a long password of adam') \gset adam_
SET ROLE regress_session_app;
SELECT user_id = person_id AS oneself, expires_at = :'user_expires_at' AS expires FROM bestauth.use_session(:'user_session_token');
SELECT pg_temp.who();
BEGIN;
SELECT * FROM bestauth.use_session(:'user_session_token') \gset s_
SELECT pg_temp.who(), :'s_session_id' = bestauth.current_session_id() AS session, :'s_user_id' = bestauth.current_user_id() AS "user",
	:'s_person_id' = bestauth.current_person_id() AS person, :'s_company_id' = bestauth.current_company_id() AS company, bestauth.current_billing_service_id() AS service;
COMMIT;
-- No reason is given for any session that is no good.
SELECT pg_temp.use('bas_' || repeat('A', 43)), pg_temp.use(''), pg_temp.use(substr(:'user_session_token', 1, 46)), pg_temp.use(upper(:'user_session_token'));
SELECT pg_temp.use(NULL);
SELECT pg_temp.use(:'user_session_token');
-- [D-05] The identity can't be set, nor any other setting, by an application.
SELECT regress.attempt('SET bestauth.identity = ''x''');
SELECT regress.attempt('SET LOCAL bestauth.identity = ''''');
SELECT name FROM pg_settings WHERE name LIKE 'bestauth.%' AND regress.attempt(format('SET %s = %L', name, setting)) !~ '^(42501|55P02)' ORDER BY name;
SELECT regress.attempt('SET bestauth.no_such_setting = 1');
RESET ROLE;
SELECT regress.attempt('SET bestauth.identity = ''x''');
SELECT count(*) > 10 AS settings FROM pg_settings WHERE name LIKE 'bestauth.%';
-- [D-08] [E-01] The table has the hash of a token alone, and no two are alike.
SELECT count(*) AS by_hash FROM bestauth.session WHERE token_hash = sha256(convert_to(:'user_session_token', 'UTF8'));
SELECT count(*) AS in_the_clear FROM bestauth.session s WHERE strpos(s::text, substr(:'user_session_token', 5)) > 0;

-- [D-02] Nothing is left of it after the transaction, or after a reset in it.
SET ROLE regress_session_app;
BEGIN;
SELECT * FROM bestauth.use_session(:'user_session_token') \gset s_
SELECT pg_temp.who() AS set;
COMMIT;
SELECT pg_temp.who() AS after_commit, bestauth.current_session_id();
BEGIN;
SELECT * FROM bestauth.use_session(:'user_session_token') \gset s_
ROLLBACK;
SELECT pg_temp.who() AS after_rollback, bestauth.current_session_id();
BEGIN;
SELECT * FROM bestauth.use_session(:'user_session_token') \gset s_
COMMIT AND CHAIN;
SELECT pg_temp.who() AS after_chain, bestauth.current_session_id();
SELECT * FROM bestauth.use_session(:'user_session_token') \gset s_
ROLLBACK AND CHAIN;
SELECT pg_temp.who() AS after_chain, bestauth.current_session_id();
SELECT * FROM bestauth.use_session(:'user_session_token') \gset s_
DEALLOCATE ALL;
DISCARD PLANS;
SELECT pg_temp.who() AS still_in_the_transaction;
RESET ALL;
SELECT pg_temp.who() AS after_reset, bestauth.current_session_id();
COMMIT;
SELECT pg_temp.who() AS after_commit;
BEGIN;
SELECT * FROM bestauth.use_session(:'user_session_token') \gset s_
SELECT 1 / 0;
ROLLBACK;
SELECT pg_temp.who() AS after_error, bestauth.current_session_id();
RESET ROLE;
CREATE TEMP TABLE token (name text, token text);
INSERT INTO token VALUES ('user', :'user_session_token'), ('adam', :'adam_session_token'), ('nobody', 'bas_nobody');
CREATE FUNCTION pg_temp.become(name text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.who() FROM bestauth.use_session((SELECT token FROM token WHERE token.name = $1))
$$;
-- Somebody else for a moment, with an error or without.
CREATE FUNCTION pg_temp.caught(fail boolean) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_temp.become('adam');
	IF fail THEN
		RAISE EXCEPTION 'no';
	END IF;
	RETURN 'inside: ' || pg_temp.who();
EXCEPTION WHEN OTHERS THEN
	RETURN 'after: ' || pg_temp.who();
END
$$;
CREATE FUNCTION pg_temp.set_aside(name text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM pg_temp.become(name);
END
$$;
GRANT SELECT ON token TO regress_session_app;

-- [D-03] A savepoint rolled back brings the identity before it back, a released
-- one keeps the new.
SET ROLE regress_session_app;
BEGIN;
SELECT pg_temp.become('user');
SAVEPOINT s;
SELECT pg_temp.become('adam');
ROLLBACK TO s;
SELECT pg_temp.who() AS before_again;
SELECT pg_temp.become('adam');
RELEASE s;
SELECT pg_temp.who() AS new_one_kept;
ROLLBACK;
-- An identity taken in a savepoint goes with it; so does one that was refused.
BEGIN;
SAVEPOINT s;
SELECT pg_temp.become('user');
ROLLBACK TO s;
SELECT pg_temp.who() AS none;
SELECT pg_temp.become('user');
SAVEPOINT s;
SELECT pg_temp.become('nobody');
ROLLBACK TO s;
SELECT pg_temp.who() AS before_again;
COMMIT;
-- 70 deep, one and the other by turns, and back again in the same steps.
BEGIN;
SELECT pg_temp.become('user') AS who_0;
\set ECHO none
SELECT format('SAVEPOINT s%s', n), format('DO $$BEGIN PERFORM pg_temp.become(%L); END$$', CASE n % 2 WHEN 1 THEN 'adam' ELSE 'user' END)
FROM generate_series(1, 70) n \gexec
\set ECHO all
SELECT pg_temp.who() AS who_70;
ROLLBACK TO s70;
SELECT pg_temp.who() AS who_69;
ROLLBACK TO s69;
SELECT pg_temp.who() AS who_68;
ROLLBACK TO s36;
SELECT pg_temp.who() AS who_35;
RELEASE s20;
SELECT pg_temp.who() AS who_35;
ROLLBACK TO s19;
SELECT pg_temp.who() AS who_18;
ROLLBACK TO s1;
SELECT pg_temp.who() AS who_0;
COMMIT;
-- An error caught in plpgsql brings it back as well; without one the new one stays,
-- also when a function with a setting of its own took it.
BEGIN;
SELECT pg_temp.become('user');
SELECT pg_temp.caught(true);
SELECT pg_temp.who();
SELECT pg_temp.caught(false);
SELECT pg_temp.who();
COMMIT;
BEGIN;
SELECT pg_temp.set_aside('user');
SELECT pg_temp.who();
COMMIT;
RESET ROLE;

-- [D-14] Whoever runs the code: the identity is the transaction's.
CREATE FUNCTION pg_temp.definer() RETURNS uuid LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$SELECT bestauth.current_user_id()$$;
BEGIN;
SELECT * FROM bestauth.use_session(:'user_session_token') \gset s_
SELECT pg_temp.definer() = :'s_user_id' AS same;
COMMIT;

-- [D-10] Logging out ends it; once more is no error, nor is an unknown one.
SELECT * FROM bestauth.login('session_clinic', 'user', 'a long password of user') \gset out_
SELECT pg_temp.use(:'out_session_token');
SET ROLE regress_session_app;
SELECT bestauth.logout(:'out_session_token');
SELECT bestauth.logout(:'out_session_token');
SELECT bestauth.logout('bas_nothing');
RESET ROLE;
SELECT pg_temp.use(:'out_session_token'), pg_temp.use(:'user_session_token') AS another_of_the_same;
SELECT count(*) FROM bestauth.audit_log WHERE action = 'session.ended' AND company_code = 'session_clinic' AND username = 'user';
-- Too old, and not used for too long.
SELECT * FROM bestauth.login('session_clinic', 'user', 'a long password of user') \gset old_
SELECT * FROM bestauth.login('session_clinic', 'user', 'a long password of user') \gset idle_
-- [D-12] A new login makes a new token, and a session of its own.
SELECT :'old_session_token' <> :'idle_session_token' AS another, pg_temp.use(:'old_session_token') AS old;
UPDATE bestauth.session SET expires_at = clock_timestamp() WHERE token_hash = sha256(convert_to(:'old_session_token', 'UTF8'));
UPDATE bestauth.session_use SET last_used_at = clock_timestamp() - interval '31 minutes'
WHERE session_id = (SELECT session_id FROM bestauth.session WHERE token_hash = sha256(convert_to(:'idle_session_token', 'UTF8')));
SELECT pg_temp.use(:'old_session_token'), pg_temp.use(:'idle_session_token');

-- [TPB-9] [MCM-8] Each of these ends the sessions that rest on it: the next use is
-- refused.
-- What a two-part session, and the person's own, come to after a statement; all
-- is undone then.
CREATE FUNCTION pg_temp.after(statement text, OUT before text, OUT result text, OUT two_part text, OUT own text) LANGUAGE plpgsql AS $$
DECLARE
	own_token text;
	token text;
BEGIN
	SELECT session_token INTO own_token FROM bestauth.login('session_svc', 'anna', 'a long password of anna');
	SELECT l.session_token INTO token FROM bestauth.login('session_clinic', 'key', 'a long password of key') k,
		LATERAL bestauth.login_second_part_session(k.challenge_token, own_token) l;
	before := pg_temp.use(token);
	result := regress.attempt(statement);
	two_part := left(pg_temp.use(token), 13);
	own := left(pg_temp.use(own_token), 13);
	RAISE EXCEPTION 'undo';
EXCEPTION WHEN raise_exception THEN
	NULL;
END
$$;
CREATE FUNCTION pg_temp.set_user(company text, username text, change text) RETURNS text LANGUAGE sql AS $$
	SELECT format('UPDATE bestauth.user_account u SET %s FROM bestauth.company c WHERE c.company_id = u.company_id AND c.code = %L AND u.username = %L', $3, $1, $2)
$$;
SELECT cause, a.* FROM (VALUES
	('nothing', 'SELECT 1'),
	('service unregistered', $$SELECT bestauth.unregister_billing_service('session_svc')$$),
	('and registered again', $$DO 'BEGIN PERFORM bestauth.unregister_billing_service(''session_svc''), bestauth.register_billing_service(''session_svc''); END'$$),
	('another service unregistered', $$SELECT bestauth.unregister_billing_service('session_svc2')$$),
	('key deleted', $$SELECT bestauth.delete_user('key', 'session_clinic')$$),
	('key locked', $$SELECT bestauth.lock_user('key', 'session_clinic')$$),
	('key locked and unlocked', $$DO 'BEGIN PERFORM bestauth.lock_user(''key'', ''session_clinic''), bestauth.unlock_user(''key'', ''session_clinic''); END'$$),
	('key''s service changed', pg_temp.set_user('session_clinic', 'key', $$billing_service_id = (SELECT company_id FROM bestauth.company WHERE code = 'session_svc2')$$)),
	('key''s password reset', $$SELECT bestauth.reset_password('key', 'session_clinic')$$),
	('key''s hash changed', $$UPDATE bestauth.credential SET password_hash = 'x' WHERE user_id = (SELECT user_id FROM bestauth.user_account u JOIN bestauth.company c USING (company_id) WHERE code = 'session_clinic' AND username = 'key')$$),
	('key''s hash deleted', $$DELETE FROM bestauth.credential WHERE user_id = (SELECT user_id FROM bestauth.user_account u JOIN bestauth.company c USING (company_id) WHERE code = 'session_clinic' AND username = 'key')$$),
	('key''s type changed', pg_temp.set_user('session_clinic', 'key', $$user_type = 'standard', billing_service_id = NULL$$)),
	('key limited to others', $$SELECT bestauth.limit_billing_user('key', '{}', 'session_clinic')$$),
	('key limited to the person', $$SELECT bestauth.limit_billing_user('key', '{anna}', 'session_clinic')$$),
	('key renamed for show', pg_temp.set_user('session_clinic', 'key', $$first_name = 'New'$$)),
	('person locked', $$SELECT bestauth.lock_user('anna', 'session_svc')$$),
	('person deleted', $$SELECT bestauth.delete_user('anna', 'session_svc')$$),
	('person''s type changed', pg_temp.set_user('session_svc', 'anna', $$user_type = 'standard'$$)),
	('person''s password reset', $$SELECT bestauth.reset_password('anna', 'session_svc')$$),
	('another user locked', $$SELECT bestauth.lock_user('user', 'session_clinic')$$)) v (cause, statement),
	LATERAL pg_temp.after(statement) a;

-- The audit knows why; the refused session is named there.
SELECT reason, count(*) FROM (SELECT detail->>'reason' AS reason FROM bestauth.audit_log
	WHERE action = 'session.refused' AND company_code = 'session_clinic' AND username = 'key') a GROUP BY reason ORDER BY reason COLLATE "C";
SELECT DISTINCT username, person, billing_service_code FROM bestauth.audit_log
WHERE action = 'session.refused' AND company_code = 'session_clinic' AND username = 'key';
-- The same when each is committed, and for a session that was used just before.
SELECT * FROM bestauth.login('session_svc', 'anna', 'a long password of anna') \gset anna_
SELECT * FROM bestauth.login('session_clinic', 'key', 'a long password of key') \gset one_
SELECT * FROM bestauth.login_second_part_session(:'one_challenge_token', :'anna_session_token') \gset two_
SELECT pg_temp.use(:'two_session_token'), pg_temp.use(:'anna_session_token');
SELECT bestauth.lock_user('key', 'session_clinic');
SELECT pg_temp.use(:'two_session_token'), pg_temp.use(:'anna_session_token');
SELECT bestauth.unlock_user('key', 'session_clinic');
SELECT pg_temp.use(:'two_session_token') AS stays_ended;
SELECT * FROM bestauth.login('session_clinic', 'key', 'a long password of key') \gset one_
SELECT * FROM bestauth.login_second_part_session(:'one_challenge_token', :'anna_session_token') \gset two_
SELECT pg_temp.use(:'two_session_token');
SELECT bestauth.unregister_billing_service('session_svc');
SELECT pg_temp.use(:'two_session_token');
SELECT bestauth.register_billing_service('session_svc');
SELECT pg_temp.use(:'two_session_token') AS stays_ended;
-- A change that is rolled back ends nothing.
SELECT * FROM bestauth.login('session_clinic', 'key', 'a long password of key') \gset one_
SELECT * FROM bestauth.login_second_part_session(:'one_challenge_token', :'anna_session_token') \gset two_
BEGIN;
SELECT bestauth.lock_user('key', 'session_clinic');
SELECT pg_temp.use(:'two_session_token');
ROLLBACK;
SELECT pg_temp.use(:'two_session_token');

-- The identity holds to the end of the transaction, whatever changes meanwhile.
BEGIN;
SELECT * FROM bestauth.use_session(:'two_session_token') \gset s_
SELECT pg_temp.who();
SELECT pg_temp.set_user('session_clinic', 'key', 'locked_at = clock_timestamp()') \gexec
SELECT pg_temp.who();
ROLLBACK;

-- [D-07] Parallel workers share it: a policy's predicate counts the same rows.
CREATE TABLE public.session_row (n int, company_id uuid, permission text);
INSERT INTO public.session_row SELECT n, CASE n % 4 WHEN 0 THEN clinic.company_id WHEN 1 THEN child.company_id WHEN 2 THEN svc.company_id END,
	CASE n % 5 WHEN 0 THEN 'claims' WHEN 1 THEN 'eops' WHEN 2 THEN 'web_portal' ELSE 'no_such' END
FROM generate_series(1, 20000) n, bestauth.company clinic, bestauth.company child, bestauth.company svc
WHERE clinic.code = 'session_clinic' AND child.code = 'session_child' AND svc.code = 'session_svc';
ANALYZE public.session_row;
GRANT SELECT ON public.session_row TO regress_session_app;
-- Were workers planned, and launched?
CREATE FUNCTION pg_temp.workers(query text, OUT planned boolean, OUT launched boolean) LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT JSON) ' || query INTO plan;
	planned := plan::text ~ '"Parallel Aware": true' AND plan::text ~ '"Workers Planned": [1-9]';
	launched := plan::text ~ '"Workers Launched": [1-9]';
END
$$;
CREATE FUNCTION pg_temp.counts() RETURNS TABLE (companies bigint, permissions bigint, own bigint) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY SELECT (SELECT count(*) FROM public.session_row WHERE bestauth.can_access_company(company_id)),
		(SELECT count(*) FROM public.session_row WHERE bestauth.has_permission(permission)),
		(SELECT count(*) FROM public.session_row WHERE company_id = bestauth.current_company_id() AND bestauth.current_session_id() IS NOT NULL);
END
$$;
SET ROLE regress_session_app;
SET max_parallel_workers_per_gather = 0;
BEGIN;
SELECT * FROM pg_temp.counts();
SELECT pg_temp.become('adam');
SELECT * FROM pg_temp.counts();
SELECT pg_temp.become('user');
SELECT * FROM pg_temp.counts();
COMMIT;
SET max_parallel_workers_per_gather = 2;
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
-- Called debug_parallel_query from PostgreSQL 16 on.
SELECT count(set_config(name, 'on', false)) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
BEGIN;
SELECT * FROM pg_temp.counts();
SELECT pg_temp.become('adam');
SELECT * FROM pg_temp.workers('SELECT count(*) FROM public.session_row WHERE bestauth.can_access_company(company_id)');
SELECT * FROM pg_temp.workers('SELECT count(*) FROM public.session_row WHERE bestauth.has_permission(permission)');
SELECT count(*) FROM public.session_row WHERE bestauth.can_access_company(company_id);
SELECT count(*) FROM public.session_row WHERE bestauth.has_permission(permission);
SELECT count(*) FROM public.session_row WHERE company_id = ANY (bestauth.accessible_company_ids());
SAVEPOINT s;
SELECT pg_temp.become('user');
SELECT count(*) FROM public.session_row WHERE bestauth.can_access_company(company_id);
SELECT count(*) FROM public.session_row WHERE bestauth.has_permission(permission);
ROLLBACK TO s;
SELECT count(*) FROM public.session_row WHERE bestauth.can_access_company(company_id);
COMMIT;
SELECT count(*) FROM public.session_row WHERE bestauth.can_access_company(company_id) OR bestauth.has_permission(permission);
-- With row security, no query has to know of it.
RESET ROLE;
CREATE POLICY company ON public.session_row USING (bestauth.can_access_company(company_id));
ALTER TABLE public.session_row ENABLE ROW LEVEL SECURITY;
SET ROLE regress_session_app;
SELECT count(set_config(name, 'regress', false)) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
SELECT count(*) FROM public.session_row;
BEGIN;
SELECT pg_temp.become('adam');
SELECT * FROM pg_temp.workers('SELECT count(*) FROM public.session_row');
SELECT count(*) FROM public.session_row;
SELECT pg_temp.become('user');
SELECT count(*) FROM public.session_row;
COMMIT;
SELECT count(*) FROM public.session_row;
RESET ROLE;
RESET ALL;

DROP TABLE public.session_row;

-- [D-02] DISCARD ALL, which takes the temporary functions with it.
BEGIN;
SELECT * FROM bestauth.use_session(:'user_session_token') \gset s_
SELECT bestauth.has_permission('claims') AS set;
COMMIT;
DISCARD ALL;
SELECT bestauth.current_session_id(), bestauth.current_user_id(), bestauth.has_permission('claims'), bestauth.accessible_company_ids();
REVOKE USAGE ON SCHEMA regress FROM regress_session_app;
SELECT bestauth.revoke_access('regress_session_app', 'application');
DROP ROLE regress_session_app;
