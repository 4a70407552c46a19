-- Logging in: with a password, and in two parts with a key.
\set SHOW_CONTEXT never
SELECT bestauth.create_company('login_svc', 'Best Billing') IS NOT NULL AS made;
SELECT bestauth.create_company('login_svc2', 'Other Billing') IS NOT NULL AS made;
SELECT bestauth.create_company('login_clinic', 'Clinic') IS NOT NULL AS made;
SELECT bestauth.create_company('login_lab', 'Laboratory') IS NOT NULL AS made;
SELECT bestauth.register_billing_service('login_svc');
SELECT bestauth.register_billing_service('login_svc2');
SET client_min_messages = warning;
SELECT count(bestauth.create_user(username, user_type, username, 'Test', username || '@login.example', 'a long password of ' || username, company => company))
FROM (VALUES
	('anna', 'restricted', 'login_svc'),
	('arno', 'restricted', 'login_svc'),
	('stan', 'standard', 'login_svc'),
	('olga', 'restricted', 'login_svc2'),
	('anna', 'restricted', 'login_clinic'),
	('user', 'standard', 'login_clinic')) v (username, user_type, company);
SELECT count(bestauth.create_user(username, 'billing', 'Key', NULL, NULL, 'a long password of ' || username, service, '{}', permissions, company))
FROM (VALUES
	('key', 'login_svc', '{claims,manage_users}'::text[], 'login_clinic'),
	('key_few', 'login_svc', '{eops}', 'login_clinic'),
	('key2', 'login_svc2', '{eligibility}', 'login_clinic'),
	('key', 'login_svc', '{panel_roster}', 'login_lab')) v (username, service, permissions, company);
RESET client_min_messages;
CREATE ROLE regress_login_app;
SELECT bestauth.grant_access('regress_login_app', 'application');
GRANT USAGE ON SCHEMA regress TO regress_login_app;

-- What a session may do, by its token.
CREATE FUNCTION pg_temp.held(token text) RETURNS text
LANGUAGE plpgsql STRICT SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session(token);
	RETURN (SELECT string_agg(p, ',' ORDER BY p COLLATE "C") FROM unnest('{claims,eops,eligibility,manage_users,panel_roster}'::text[]) p
			WHERE bestauth.has_permission(p));
END
$$;
-- So many logins, one after the other: what came of them.
CREATE FUNCTION pg_temp.guess(company text, username text, password text, times int) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	outcomes text;
BEGIN
	FOR n IN 1 .. times LOOP
		SELECT concat_ws(' ', outcomes, outcome) INTO outcomes FROM bestauth.login(company, username, password);
	END LOOP;
	RETURN outcomes;
END
$$;
-- The last audit row of a kind in a company.
CREATE FUNCTION pg_temp.last_audit(company text, like_action text) RETURNS TABLE
	(action text, outcome text, username text, person text, service text, reason text)
LANGUAGE sql AS $$
	SELECT action, outcome, username, person, billing_service_code, detail->>'reason' FROM bestauth.audit_log
	WHERE company_code = $1 AND action LIKE $2 ORDER BY audit_id DESC LIMIT 1
$$;

SET ROLE regress_login_app;
-- Everything is a row. Company and user name are found whatever their case.
SELECT outcome, session_token ~ '^bas_[A-Za-z0-9_-]{43}$' AS session, challenge_token, challenge_id,
	expires_at > now() AS lasts, billing_service, audience
FROM bestauth.login('LOGIN_clinic', 'USER', 'a long password of user', client_addr => '192.0.2.1', client_info => 'browser');
SELECT * FROM bestauth.login('login_clinic', 'user', 'a long password of nobody');
SELECT * FROM bestauth.login('login_clinic', 'nobody', 'a long password of user');
SELECT * FROM bestauth.login('login_nowhere', 'user', 'a long password of user');
SELECT * FROM bestauth.login('login_clinic', 'user', '');
SELECT * FROM bestauth.login('login_clinic', 'user', 'a long password of user', 'no_portal');
SELECT regress.attempt($$SELECT bestauth.login('login_clinic', 'user', NULL)$$);
SELECT regress.attempt($$SELECT bestauth.login('login_clinic', NULL, 'a long password of user')$$);
RESET ROLE;

-- Why is in the audit alone, with who tried from where; never the password.
SELECT action, outcome, username, person, client_addr, detail FROM bestauth.audit_log
WHERE action LIKE 'login.%' AND (company_code = 'login_clinic' OR detail->>'typed_name' = 'user') ORDER BY audit_id;

-- (login(...)).* runs the function once a column; it is one guess all the same.
SELECT bestauth.unlock_user('user', 'login_clinic');
CREATE VIEW pg_temp.guesses AS SELECT c.failed, c.locked_until > clock_timestamp() AS locked FROM bestauth.login_counter c
JOIN bestauth.user_account u ON c.subject = '\x75'::bytea || uuid_send(u.user_id) JOIN bestauth.company o USING (company_id)
WHERE u.username = 'user' AND o.code = 'login_clinic';
SELECT (bestauth.login('login_clinic', 'user', 'a wrong long password')).*;
TABLE pg_temp.guesses;
SELECT outcome FROM bestauth.login('login_clinic', 'user', 'a wrong long password');
TABLE pg_temp.guesses;
BEGIN;
SELECT (bestauth.login('login_clinic', 'user', 'a wrong long password')).outcome;
SELECT (bestauth.login('login_clinic', 'user', 'a wrong long password')).outcome;
ROLLBACK;
-- [C-01] Rolled back, and charged for good; and written down.
TABLE pg_temp.guesses;
SELECT count(*) AS denied FROM bestauth.audit_log
WHERE company_code = 'login_clinic' AND username = 'user' AND action = 'login.denied' AND detail->>'reason' = 'wrong password';
-- [C-02] So it is in a savepoint, in an exception block, and in a statement that fails.
SELECT bestauth.unlock_user('user', 'login_clinic');
BEGIN;
SAVEPOINT s;
SELECT outcome FROM bestauth.login('login_clinic', 'user', 'a wrong long password');
ROLLBACK TO s;
COMMIT;
SELECT regress.attempt($$SELECT 1 / (outcome <> 'denied')::int FROM bestauth.login('login_clinic', 'user', 'a wrong long password')$$);
SELECT 1 / (outcome <> 'denied')::int FROM bestauth.login('login_clinic', 'user', 'a wrong long password');
TABLE pg_temp.guesses;
-- A right password takes the count away; one session comes of it, not seven.
SELECT count(*) AS sessions FROM bestauth.session \gset before_
SELECT (bestauth.login('login_clinic', 'user', 'a long password of user')).* \gset user_
SELECT :'user_outcome' AS outcome, pg_temp.held(:'user_session_token') IS NULL AS good;
TABLE pg_temp.guesses;
SELECT count(*) - :before_sessions AS new_sessions FROM bestauth.session;

-- [C-08] [PRV-16] Five wrong guesses lock: then the right password is denied as
-- well, and guesses while locked count no further.
SHOW bestauth.lockout_threshold;
SELECT pg_temp.guess('login_clinic', 'user', 'a wrong long password', 4);
TABLE pg_temp.guesses;
SELECT pg_temp.guess('login_clinic', 'user', 'a wrong long password', 1);
TABLE pg_temp.guesses;
SELECT outcome, session_token FROM bestauth.login('login_clinic', 'user', 'a long password of user');
TABLE pg_temp.guesses;
SELECT * FROM pg_temp.last_audit('login_clinic', 'login.denied');
-- Nobody else is locked: not the same name elsewhere, not another user.
SELECT outcome FROM bestauth.login('login_clinic', 'anna', 'a long password of anna');
-- An administrator unlocks; the count begins anew.
SELECT bestauth.unlock_user('user', 'login_clinic');
TABLE pg_temp.guesses;
SELECT outcome FROM bestauth.login('login_clinic', 'user', 'a long password of user');
-- The lock ends by itself, and after it the count begins anew.
SET bestauth.lockout_duration = '1s';
SELECT pg_temp.guess('login_clinic', 'user', 'a wrong long password', 5);
RESET bestauth.lockout_duration;
SELECT pg_sleep(1.1);
SELECT pg_temp.guess('login_clinic', 'user', 'a wrong long password', 1);
TABLE pg_temp.guesses;
SELECT outcome FROM bestauth.login('login_clinic', 'user', 'a long password of user');
-- A lock is by name for names that nobody has as well: they look the same.
SELECT pg_temp.guess('login_clinic', 'ghost', 'a wrong long password', 6);
SELECT reason, count(*) FROM (SELECT detail->>'reason' AS reason FROM bestauth.audit_log
	WHERE company_code = 'login_clinic' AND action = 'login.denied' AND detail->>'typed_name' = 'ghost') a GROUP BY reason ORDER BY reason COLLATE "C";
-- [C-10] The limit can't be set above 100, and by a superuser alone.
SELECT regress.attempt('SET bestauth.lockout_threshold = 101');
SET ROLE regress_login_app;
SELECT regress.attempt('SET bestauth.lockout_threshold = 100');
SELECT regress.attempt('SET bestauth.lockout_duration = 1');
RESET ROLE;

-- [TPB-4] Part one with a key gives no session: a challenge for part two, for five
-- minutes, with the name of the service for the prompt.
SET ROLE regress_login_app;
SELECT count(*) AS sessions FROM bestauth.login('login_clinic', 'key', 'a long password of key') l
WHERE l.outcome = 'second_part_required' AND l.session_token IS NULL;
SELECT * FROM bestauth.login('login_clinic', 'key', 'a long password of key') \gset one_
SELECT :'one_outcome' AS outcome, :'one_challenge_token' ~ '^bat_[A-Za-z0-9_-]{43}$' AS challenge,
	:'one_billing_service' AS billing_service, :'one_audience' AS audience,
	:'one_expires_at'::timestamptz BETWEEN clock_timestamp() + '4 minutes' AND clock_timestamp() + '5 minutes' AS five_minutes;
RESET ROLE;
SELECT count(*) FROM bestauth.session s JOIN bestauth.user_account u USING (user_id) WHERE u.user_type = 'billing' AND u.username = 'key'
	AND u.company_id IN (SELECT company_id FROM bestauth.company WHERE code LIKE 'login%');
SELECT * FROM pg_temp.last_audit('login_clinic', 'login.%');

-- [B-01] Between the parts nothing else works. Every function that an application
-- may call is called here with the challenge for a token and with names that there
-- are; shown is what did not answer "no valid session".
CREATE FUNCTION pg_temp.call(function oid, challenge text, id uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	arguments text;
	answer text;
	answers bigint;
BEGIN
	SELECT string_agg(format('%I => %L::%s', p.proargnames[n], CASE
			WHEN p.proargnames[n] ~ 'token' THEN challenge
			WHEN t = 'uuid'::regtype THEN id::text
			WHEN t = 'text[]'::regtype THEN '{claims}'
			WHEN t = 'jsonb'::regtype THEN '{}'
			WHEN t = 'boolean'::regtype THEN 'true'
			WHEN t = 'date'::regtype THEN '2000-01-01'
			WHEN t IN ('integer'::regtype, 'bigint'::regtype) THEN '10'
			WHEN t = 'timestamptz'::regtype THEN '2000-01-01'
			WHEN t <> 'text'::regtype THEN NULL
			WHEN p.proargnames[n] = 'username' THEN 'user'
			WHEN p.proargnames[n] = 'company' THEN 'login_clinic'
			WHEN p.proargnames[n] = 'permission' THEN 'claims'
			WHEN p.proargnames[n] = 'access' THEN 'application'
			WHEN p.proargnames[n] = 'user_type' THEN 'restricted'
			WHEN p.proargnames[n] = 'email' THEN 'x@login.example'
			WHEN p.proargnames[n] IN ('portal', 'after', 'billing_service') THEN NULL
			WHEN p.proargnames[n] ~ 'password' THEN 'a long password of nobody'
			ELSE 'x' END, t::regtype), ', ' ORDER BY n)
	INTO arguments FROM pg_proc p, unnest(p.proargtypes) WITH ORDINALITY a (t, n) WHERE p.oid = function;
	EXECUTE format('SELECT min(f::text), count(f) FROM %s(%s) f', function::regproc, arguments) INTO answer, answers;
	RETURN CASE WHEN (SELECT proretset FROM pg_proc WHERE oid = function) THEN answers || ' rows' ELSE coalesce(answer, 'null') END;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
SELECT bestauth.create_portal('login_clinic', 'patients', 'client', 'Patients') IS NOT NULL AS made;
SET ROLE regress_login_app;
CREATE TEMP TABLE answer AS
SELECT p.proname, pg_temp.call(p.oid, :'one_challenge_token', :'one_challenge_id') AS answer
FROM (SELECT oid, proname FROM pg_proc WHERE pronamespace = 'bestauth'::regnamespace ORDER BY proname COLLATE "C", oid OFFSET 0) p
WHERE has_function_privilege(p.oid, 'EXECUTE') AND p.proname <> 'login_second_part';
RESET ROLE;
SELECT count(*) > 20 AS many, count(*) FILTER (WHERE answer LIKE '28000 no valid session for function %') > 15 AS most_refused FROM answer;
SELECT proname, answer FROM answer WHERE answer NOT LIKE '28000 no valid session for function %' ORDER BY proname COLLATE "C";
-- No session came of it, and nothing was changed; the challenge is good still.
SELECT count(*) FROM bestauth.session s JOIN bestauth.user_account u USING (user_id) JOIN bestauth.company c ON c.company_id = u.company_id
WHERE c.code = 'login_clinic' AND u.username = 'key';
SELECT count(*) FROM bestauth.user_account WHERE username = 'x';
SELECT bestauth.unlock_user('user', 'login_clinic');

-- [B-03] Part two without part one, with somebody of another service or of the
-- customer, with a wrong name or password: the same answer each time.
SELECT * FROM bestauth.login_second_part('bat_' || repeat('A', 43), 'anna', 'a long password of anna');
SELECT * FROM bestauth.login_second_part('', 'anna', 'a long password of anna');
SELECT * FROM bestauth.login_second_part(:'one_challenge_token', 'olga', 'a long password of olga');
SELECT * FROM bestauth.login_second_part(:'one_challenge_token', 'user', 'a long password of user');
SELECT * FROM bestauth.login_second_part(:'one_challenge_token', 'anna', 'a long password of arno');
SELECT regress.attempt($$SELECT bestauth.login_second_part(NULL, 'anna', 'a long password of anna')$$);
-- [IBS-4] A standard user of the service is refused there, and the audit row of
-- the customer says why.
SELECT * FROM bestauth.login_second_part(:'one_challenge_token', 'stan', 'a long password of stan');
SELECT * FROM pg_temp.last_audit('login_clinic', 'login.%');
SELECT detail->>'reason' AS reason, username, person, billing_service_code, detail->>'typed_name' AS typed FROM bestauth.audit_log
WHERE action = 'login.denied' AND company_code = 'login_clinic' AND username = 'key' ORDER BY audit_id;

-- [TPB-5] The person's own account in the service is the second part.
-- [TPB-6] The session has the permissions of the key, and names key, person and service.
SELECT count(*) AS guesses FROM bestauth.login_counter WHERE subject = '\x63'::bytea || uuid_send(:'one_challenge_id'::uuid);
SELECT * FROM bestauth.login('login_clinic', 'key', 'a long password of key') \gset one_
SELECT * FROM bestauth.login_second_part(:'one_challenge_token', 'ANNA', 'a long password of anna', '192.0.2.7') \gset two_
SELECT :'two_outcome' AS outcome, :'two_session_token' ~ '^bas_[A-Za-z0-9_-]{43}$' AS session,
	:'two_expires_at'::timestamptz > now() + '11 hours' AS lasts;
SELECT pg_temp.held(:'two_session_token');
BEGIN;
SELECT * FROM bestauth.use_session(:'two_session_token') \gset s_
SELECT k.username AS key, p.username AS person, c.code AS company, b.code AS service, o.code AS person_of
FROM bestauth.user_account k, bestauth.user_account p, bestauth.company c, bestauth.company b, bestauth.company o
WHERE k.user_id = bestauth.current_user_id() AND p.user_id = bestauth.current_person_id()
	AND c.company_id = bestauth.current_company_id() AND b.company_id = bestauth.current_billing_service_id() AND o.company_id = p.company_id
	AND :'s_user_id' = k.user_id AND :'s_person_id' = p.user_id AND :'s_company_id' = c.company_id AND :'s_session_id' = bestauth.current_session_id();
-- [B-04] [IBS-8] What is done in it is written down with all of them, in the customer's company.
SELECT bestauth.create_user('by_key', 'restricted', 'By', 'Key', 'by@login.example', 'a long password of by_key') IS NOT NULL AS made;
COMMIT;
SELECT action, object_type, company_code, username, person, billing_service_code, session_id = :'s_session_id' AS session,
	user_id = :'s_user_id' AND person_id = :'s_person_id' AND company_id = :'s_company_id' AS ids, client_addr
FROM bestauth.audit_log WHERE session_id = :'s_session_id' AND object_type IN ('user', 'bestauth.user_account', 'bestauth.credential') ORDER BY audit_id;
SELECT action, username, person, billing_service, object_id FROM bestauth.audit_report(company => 'login_clinic', person => 'login_svc/anna', action => 'user.*');
SELECT count(*) AS nameless FROM bestauth.audit_log
WHERE session_id = :'s_session_id' AND (person IS DISTINCT FROM 'login_svc/anna' OR username IS DISTINCT FROM 'key'
	OR billing_service_code IS DISTINCT FROM 'login_svc' OR company_code IS DISTINCT FROM 'login_clinic');

-- [TPB-5] Or a session that the person has in the service, in the same database.
SELECT * FROM bestauth.login('login_svc', 'arno', 'a long password of arno') \gset arno_
SELECT * FROM bestauth.login('login_lab', 'key', 'a long password of key') \gset one_
SELECT * FROM bestauth.login_second_part_session(:'one_challenge_token', :'arno_session_token') \gset two_
SELECT :'two_outcome' AS outcome, pg_temp.held(:'two_session_token');
SELECT * FROM pg_temp.last_audit('login_lab', 'login.%');
-- Not a session of the customer's own, of another service, of a standard user, a
-- two-part one, an ended one, or no session at all.
SELECT * FROM bestauth.login('login_clinic', 'user', 'a long password of user') \gset user_
SELECT * FROM bestauth.login('login_clinic', 'anna', 'a long password of anna') \gset namesake_
SELECT * FROM bestauth.login('login_svc2', 'olga', 'a long password of olga') \gset olga_
SELECT * FROM bestauth.login('login_svc', 'stan', 'a long password of stan') \gset stan_
SELECT * FROM bestauth.login('login_svc', 'anna', 'a long password of anna') \gset ended_
SELECT bestauth.logout(:'ended_session_token');
SELECT * FROM bestauth.login('login_lab', 'key', 'a long password of key') \gset one_
SELECT * FROM bestauth.login_second_part_session(:'one_challenge_token', :'user_session_token');
SELECT * FROM bestauth.login_second_part_session(:'one_challenge_token', :'namesake_session_token');
SELECT * FROM bestauth.login_second_part_session(:'one_challenge_token', :'olga_session_token');
SELECT * FROM bestauth.login_second_part_session(:'one_challenge_token', :'stan_session_token');
SELECT * FROM bestauth.login_second_part_session(:'one_challenge_token', :'two_session_token');
SELECT * FROM bestauth.login_second_part_session(:'one_challenge_token', :'ended_session_token');
SELECT * FROM bestauth.login_second_part_session(:'one_challenge_token', 'bas_' || repeat('A', 43));
SELECT * FROM bestauth.login_second_part_session('bat_' || repeat('A', 43), :'arno_session_token');
SELECT reason, count(*) FROM (SELECT detail->>'reason' AS reason FROM bestauth.audit_log
	WHERE company_code = 'login_lab' AND action = 'login.denied') a GROUP BY reason ORDER BY reason COLLATE "C";
-- No audit row calls a stranger a person of the service: the customer's anna is
-- not the service's.
SELECT count(*) AS misnamed FROM bestauth.audit_log a JOIN bestauth.user_account p ON p.user_id = a.person_id
WHERE a.company_code LIKE 'login%' AND a.person LIKE '%/%'
	AND split_part(a.person, '/', 1) <> (SELECT code FROM bestauth.company c WHERE c.company_id = p.company_id);
-- It was no fault of the challenge: the right session gets in.
SELECT outcome FROM bestauth.login_second_part_session(:'one_challenge_token', :'arno_session_token');

-- [TPB-7] Several keys, of one service and of another, each with its own permissions.
CREATE FUNCTION pg_temp.enter(company text, key text, person text) RETURNS text
LANGUAGE sql AS $$
	SELECT two.outcome || coalesce(' ' || pg_temp.held(two.session_token), '')
	FROM bestauth.login($1, $2, 'a long password of ' || $2) one,
		LATERAL bestauth.login_second_part(one.challenge_token, $3, 'a long password of ' || $3) two
$$;
SELECT key, person, pg_temp.enter('login_clinic', key, person) FROM (VALUES
	('key', 'anna'), ('key_few', 'anna'), ('key2', 'olga'), ('key2', 'anna'), ('key_few', 'olga')) v (key, person);
SELECT pg_temp.enter('login_lab', 'key', 'anna');
-- Without a list any restricted user of the service, with one those on it, with
-- an empty one nobody; by password and by session alike.
SELECT bestauth.limit_billing_user('key_few', '{anna}', company => 'login_clinic');
SELECT pg_temp.enter('login_clinic', 'key_few', 'anna'), pg_temp.enter('login_clinic', 'key_few', 'arno');
SELECT * FROM pg_temp.last_audit('login_clinic', 'login.%');
SELECT two.outcome FROM bestauth.login('login_clinic', 'key_few', 'a long password of key_few') one,
	LATERAL bestauth.login_second_part_session(one.challenge_token, :'arno_session_token') two;
SELECT bestauth.limit_billing_user('key_few', '{}', company => 'login_clinic');
SELECT pg_temp.enter('login_clinic', 'key_few', 'anna'), pg_temp.enter('login_clinic', 'key_few', 'arno');
SELECT bestauth.limit_billing_user('key_few', NULL, company => 'login_clinic');
SELECT pg_temp.enter('login_clinic', 'key_few', 'anna'), pg_temp.enter('login_clinic', 'key_few', 'arno');
-- The other key was never limited.
SELECT pg_temp.enter('login_clinic', 'key', 'arno');

-- A person whose password is a temporary one changes it first; the challenge waits.
SELECT bestauth.reset_password('arno', 'login_svc') AS password \gset arno_
SELECT * FROM bestauth.login('login_clinic', 'key_few', 'a long password of key_few') \gset one_
SELECT * FROM bestauth.login_second_part(:'one_challenge_token', 'arno', :'arno_password') \gset change_
SELECT :'change_outcome' AS outcome, :'change_challenge_token' <> :'one_challenge_token' AS other_token;
SELECT outcome FROM bestauth.login_second_part(:'change_challenge_token', 'anna', 'a long password of anna');
SELECT bestauth.set_password(:'change_challenge_token', 'a long password of arno');
SELECT outcome FROM bestauth.login_second_part(:'one_challenge_token', 'arno', 'a long password of arno');

-- [TPB-10] What was refused at the customer stands in the customer's audit.
SELECT count(*) > 0 AS refused FROM bestauth.audit_report(company => 'login_clinic', action => 'login.denied') WHERE username = 'key_few';

-- Guesses at part two are charged to the person, and to the challenge.
SELECT * FROM bestauth.login('login_clinic', 'key', 'a long password of key') \gset one_
CREATE FUNCTION pg_temp.guess_second(challenge text, username text, password text, times int) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	outcomes text;
BEGIN
	FOR n IN 1 .. times LOOP
		SELECT concat_ws(' ', outcomes, outcome) INTO outcomes FROM bestauth.login_second_part(challenge, username, password);
	END LOOP;
	RETURN outcomes;
END
$$;
SELECT pg_temp.guess_second(:'one_challenge_token', 'arno', 'a wrong long password', 5);
SELECT outcome FROM bestauth.login('login_svc', 'arno', 'a long password of arno');
SELECT outcome FROM bestauth.login_second_part(:'one_challenge_token', 'anna', 'a long password of anna');
SELECT outcome FROM bestauth.login('login_svc', 'anna', 'a long password of anna');
SELECT pg_temp.enter('login_clinic', 'key', 'anna');
SELECT bestauth.unlock_user('arno', 'login_svc');
SELECT pg_temp.enter('login_clinic', 'key', 'arno');

-- [J-05] No password and no token in any audit row.
SELECT count(*) FROM bestauth.audit_log a
WHERE a::text ~ 'a long password|a wrong long password' OR strpos(a::text, :'one_challenge_token') > 0 OR strpos(a::text, :'arno_session_token') > 0;

REVOKE USAGE ON SCHEMA regress FROM regress_login_app;
SELECT bestauth.revoke_access('regress_login_app', 'application');
DROP TABLE answer;
DROP ROLE regress_login_app;
