-- One-time tokens: of the second part of a login, and of links.
\set SHOW_CONTEXT never
SELECT bestauth.create_company('token_svc', 'Best Billing') IS NOT NULL AS made;
SELECT bestauth.create_company('token_clinic', 'Clinic') IS NOT NULL AS made;
SELECT bestauth.create_company('token_lab', 'Laboratory') IS NOT NULL AS made;
SELECT bestauth.register_billing_service('token_svc');
SELECT bestauth.create_user('anna', 'restricted', 'Anna', 'Biller', 'anna@token.example', 'a long password of anna', company => 'token_svc') IS NOT NULL AS made;
SELECT count(bestauth.create_user('key', 'billing', 'Key', NULL, NULL, 'a long password of key', 'token_svc', '{}', '{claims}', company))
FROM (VALUES ('token_clinic'), ('token_lab')) v (company);
SELECT * FROM bestauth.login('token_svc', 'anna', 'a long password of anna') \gset anna_

-- The person's session stands for part two here: it costs no hash.
CREATE FUNCTION pg_temp.second(challenge text, person_session text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	l bestauth.login_result;
BEGIN
	SELECT * INTO l FROM bestauth.login_second_part_session(challenge, person_session);
	RETURN concat_ws(' ', l.outcome, (SELECT c.code FROM bestauth.session s JOIN bestauth.company c USING (company_id)
		WHERE s.token_hash = sha256(convert_to(l.session_token, 'UTF8'))));
END
$$;
CREATE VIEW pg_temp.reason AS SELECT detail->>'reason' AS reason FROM bestauth.audit_log
WHERE action = 'login.denied' AND company_code LIKE 'token%' ORDER BY audit_id DESC LIMIT 1;

-- [B-02] A challenge works once.
SELECT * FROM bestauth.login('token_clinic', 'key', 'a long password of key') \gset one_
SELECT pg_temp.second(:'one_challenge_token', :'anna_session_token');
SELECT pg_temp.second(:'one_challenge_token', :'anna_session_token');
TABLE pg_temp.reason;
SELECT * FROM bestauth.login_second_part(:'one_challenge_token', 'anna', 'a long password of anna');
TABLE pg_temp.reason;

-- [B-02] It is good for the company and the key that it was made for: of two at
-- the same time, each leads to its own.
SELECT * FROM bestauth.login('token_clinic', 'key', 'a long password of key') \gset clinic_
SELECT * FROM bestauth.login('token_lab', 'key', 'a long password of key') \gset lab_
SELECT pg_temp.second(:'lab_challenge_token', :'anna_session_token'), pg_temp.second(:'clinic_challenge_token', :'anna_session_token');

-- [B-02] Cut, or with one character changed, it is none; the whole one is good still.
SELECT * FROM bestauth.login('token_clinic', 'key', 'a long password of key') \gset one_
SELECT count(*) AS tried, count(*) FILTER (WHERE pg_temp.second(bad, :'anna_session_token') = 'denied') AS denied FROM (
	SELECT left(:'one_challenge_token', n) AS bad FROM generate_series(0, 46) n
	UNION ALL SELECT substr(:'one_challenge_token', n) FROM generate_series(2, 10) n
	UNION ALL SELECT overlay(:'one_challenge_token' PLACING CASE substr(:'one_challenge_token', n, 1) WHEN 'A' THEN 'B' ELSE 'A' END FROM n FOR 1)
		FROM generate_series(1, 47) n
	UNION ALL VALUES (:'one_challenge_token' || ' '), (' ' || :'one_challenge_token'), (:'one_challenge_token' || 'A'),
		(replace(:'one_challenge_token', 'bat_', 'bas_')), (:'one_challenge_id'), ('')) b;
SELECT pg_temp.second(:'one_challenge_token', :'anna_session_token');

-- [B-02] [E-07] Five minutes, by the clock: also in a transaction that began before.
SELECT * FROM bestauth.login('token_clinic', 'key', 'a long password of key') \gset one_
SELECT expires_at - created_at BETWEEN '4 min 59 s' AND '5 min 1 s' AS five_minutes FROM bestauth.token WHERE token_id = :'one_challenge_id';
BEGIN;
SELECT count(*) FROM bestauth.company WHERE code LIKE 'token%';
UPDATE bestauth.token SET expires_at = clock_timestamp() WHERE token_id = :'one_challenge_id';
SELECT expires_at > now() AS good_when_the_transaction_began FROM bestauth.token WHERE token_id = :'one_challenge_id';
SELECT pg_temp.second(:'one_challenge_token', :'anna_session_token');
TABLE pg_temp.reason;
SELECT outcome FROM bestauth.login_second_part(:'one_challenge_token', 'anna', 'a long password of anna');
COMMIT;
SELECT bestauth.unlock_user('anna', 'token_svc');
-- The lifetime is a setting of a superuser's, ten seconds at least.
SELECT left(regress.attempt($$SET bestauth.challenge_lifetime = '9s'$$), 5);
SET bestauth.challenge_lifetime = '10s';
SELECT * FROM bestauth.login('token_clinic', 'key', 'a long password of key') \gset one_
RESET bestauth.challenge_lifetime;
SELECT expires_at - created_at BETWEEN '9s' AND '11s' AS ten_seconds FROM bestauth.token WHERE token_id = :'one_challenge_id';

-- [B-02] When the key's password, service or type changed, or it is locked or
-- deleted, or the service registered anew: no challenge of before is good.
CREATE FUNCTION pg_temp.after(statement text, OUT result text, OUT outcome text) LANGUAGE plpgsql AS $$
DECLARE
	own text;
	challenge text;
BEGIN
	SELECT session_token INTO own FROM bestauth.login('token_svc', 'anna', 'a long password of anna');
	SELECT challenge_token INTO challenge FROM bestauth.login('token_lab', 'key', 'a long password of key');
	result := regress.attempt(statement);
	outcome := pg_temp.second(challenge, own);
	RAISE EXCEPTION 'undo';
EXCEPTION WHEN raise_exception THEN
	NULL;
END
$$;
SELECT cause, a.* FROM (VALUES
	('nothing', 'SELECT 1'),
	('password', $$SELECT bestauth.reset_password('key', 'token_lab')$$),
	('another key''s password', $$SELECT bestauth.reset_password('key', 'token_clinic')$$),
	('lock', $$SELECT bestauth.lock_user('key', 'token_lab')$$),
	('lock and unlock', $$DO 'BEGIN PERFORM bestauth.lock_user(''key'', ''token_lab''), bestauth.unlock_user(''key'', ''token_lab''); END'$$),
	('deletion', $$SELECT bestauth.delete_user('key', 'token_lab')$$),
	('limit', $$SELECT bestauth.limit_billing_user('key', '{}', 'token_lab')$$),
	('unregistered', $$SELECT bestauth.unregister_billing_service('token_svc')$$),
	('registered anew', $$DO 'BEGIN PERFORM bestauth.unregister_billing_service(''token_svc''), bestauth.register_billing_service(''token_svc''); END'$$),
	('person locked', $$SELECT bestauth.lock_user('anna', 'token_svc')$$)) v (cause, statement),
	LATERAL pg_temp.after(statement) a;
SELECT reason, count(*) FROM (SELECT detail->>'reason' AS reason FROM bestauth.audit_log
	WHERE action = 'login.denied' AND company_code = 'token_lab') a GROUP BY reason ORDER BY reason COLLATE "C";

-- [E-05] Used in a transaction that is rolled back, it is good still.
SELECT * FROM bestauth.login('token_clinic', 'key', 'a long password of key') \gset one_
BEGIN;
SELECT pg_temp.second(:'one_challenge_token', :'anna_session_token');
ROLLBACK;
SELECT pg_temp.second(:'one_challenge_token', :'anna_session_token');

-- Links: the token of a set-up link.
SELECT bestauth.create_user('mia', 'restricted', 'Mia', 'Mail', 'mia@token.example', company => 'token_clinic') IS NOT NULL AS made;
SELECT token FROM bestauth.claim_mail(1000) WHERE recipient = 'mia@token.example' \gset mia_
-- [E-01] 256 bits, of which the hash alone is kept.
SELECT :'mia_token' ~ '^bat_[A-Za-z0-9_-]{43}$' AS form;
SELECT purpose, expires_at - created_at BETWEEN '23:59:59' AND '24:00:01' AS a_day, used_at, superseded_at FROM bestauth.token
WHERE token_hash = sha256(convert_to(:'mia_token', 'UTF8'));
SELECT count(*) FROM bestauth.token t WHERE strpos(t::text, substr(:'mia_token', 5)) > 0;
-- [E-09] A token of one kind is none of another.
SELECT * FROM bestauth.login('token_clinic', 'key', 'a long password of key') \gset one_
SELECT bestauth.set_password(:'one_challenge_token', 'a long password of nobody');
SELECT bestauth.set_password(:'anna_session_token', 'a long password of nobody');
SELECT pg_temp.second(:'mia_token', :'anna_session_token');
SELECT regress.attempt(format('SELECT bestauth.use_session(%L)', :'mia_token'));
SELECT regress.attempt(format('SELECT bestauth.use_session(%L)', :'one_challenge_token'));
SELECT bestauth.logout(:'mia_token');
-- [E-13] What came to nothing used nothing up: it is looked at, and refused for
-- the password, and rolled back, and good after all.
SELECT regress.attempt(format('SELECT bestauth.set_password(%L, %L)', :'mia_token', 'too short'));
SELECT regress.attempt(format('SELECT bestauth.set_password(%L, NULL)', :'mia_token'));
BEGIN;
SELECT bestauth.set_password(:'mia_token', 'a long password of mia');
ROLLBACK;
SELECT outcome FROM bestauth.login('token_clinic', 'mia', 'a long password of mia');
SELECT bestauth.set_password(:'mia_token', 'a long password of mia');
SELECT bestauth.set_password(:'mia_token', 'a long password of somebody');
-- [E-11] It gives no session: the person logs in.
SELECT count(*) FROM bestauth.session s JOIN bestauth.user_account u USING (user_id) WHERE u.email = 'mia@token.example';
SELECT outcome FROM bestauth.login('token_clinic', 'mia', 'a long password of mia');
SELECT outcome FROM bestauth.login('token_clinic', 'mia', 'a long password of somebody');
-- [E-07] Expired by the clock, in a transaction that began before.
SELECT bestauth.create_user('max', 'restricted', 'Max', 'Mail', 'max@token.example', company => 'token_clinic') IS NOT NULL AS made;
SELECT token FROM bestauth.claim_mail(1000) WHERE recipient = 'max@token.example' \gset max_
BEGIN;
SELECT count(*) FROM bestauth.company WHERE code LIKE 'token%';
UPDATE bestauth.token SET expires_at = clock_timestamp() WHERE token_hash = sha256(convert_to(:'max_token', 'UTF8'));
SELECT expires_at > now() AS good_when_the_transaction_began FROM bestauth.token WHERE token_hash = sha256(convert_to(:'max_token', 'UTF8'));
SELECT bestauth.set_password(:'max_token', 'a long password of max');
COMMIT;
SELECT bestauth.set_password(:'max_token', 'a long password of max');
SELECT bestauth.set_password('bat_' || repeat('A', 43), 'a long password of max');
SELECT bestauth.set_password('', 'a long password of max');
