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

-- Links of every kind: of a set-up, a reset, a temporary password, an address to be changed,
-- an address to be verified.
SELECT bestauth.create_portal('token_clinic', 'clients', 'client', 'Clients') IS NOT NULL AS made;
SELECT count(bestauth.create_user(u, 'restricted', u, 'Mail', u || '@token.example', CASE WHEN u <> 'leo' THEN 'seven green boats' END, permissions => '{my_account}', company => 'token_clinic'))
FROM (VALUES ('leo'), ('lea'), ('lou'), ('liv')) v (u);
SELECT bestauth.request_password_reset('token_clinic', 'lea');
SELECT bestauth.reset_password('lou', 'token_clinic') IS NOT NULL AS reset;
SELECT bestauth.update_user('liv', '{"email": "olivia@token.example"}', 'token_clinic');
SELECT bestauth.register_portal_account('token_clinic', 'clients', 'cleo@token.example', 'seven green boats', 'Cleo', 'Client');
CREATE TEMP TABLE link AS SELECT kind, recipient, token, message_id FROM bestauth.claim_mail(1000) WHERE token IS NOT NULL AND recipient ~ '^(leo|lea|lou|olivia|cleo)@token';
-- [E-01] Each has 256 random bits, and what rests of it is its hash.
SELECT l.kind, l.token ~ '^bat_[A-Za-z0-9_-]{43}$' AS form, t.purpose, t.used_at, t.superseded_at
FROM link l LEFT JOIN bestauth.token t ON t.token_hash = sha256(convert_to(l.token, 'UTF8')) ORDER BY l.kind COLLATE "C";
SELECT count(*) FROM bestauth.token t JOIN link l ON strpos(t::text, substr(l.token, 5)) > 0;
-- Neither the id of anything nor its digest is one.
SELECT DISTINCT bestauth.set_password(guess, 'seven green boats of a thief'), bestauth.peek_verification(guess) AS verification, bestauth.confirm_email_change(guess)
FROM bestauth.token t, LATERAL (VALUES (token_id::text), ('bat_' || token_id), (encode(token_hash, 'hex')), ('bat_' || rtrim(translate(encode(token_hash, 'base64'), '+/', '-_'), '=')),
	(coalesce(user_id, signup_id)::text), ('bat_' || replace(encode(sha256(convert_to(message_id::text, 'UTF8')), 'base64'), '=', ''))) v (guess)
WHERE t.created_at > now() - interval '1 hour' AND guess IS NOT NULL AND t.token_hash IN (SELECT sha256(convert_to(token, 'UTF8')) FROM link);

-- [E-09] Each works for its own purpose alone; so that nothing is used up, what was done is undone.
CREATE FUNCTION pg_temp.offer(token text, OUT set_password text, OUT verify_email text, OUT confirm_email_change text, OUT peek_password_link text, OUT peek_verification text) LANGUAGE plpgsql AS $$
BEGIN
	SELECT outcome INTO peek_password_link FROM bestauth.peek_password_link(token);
	SELECT outcome INTO peek_verification FROM bestauth.peek_verification(token);
	BEGIN
		set_password := bestauth.set_password(token, 'eight green boats');
		RAISE EXCEPTION 'undo';
	EXCEPTION WHEN raise_exception THEN
	END;
	BEGIN
		SELECT outcome INTO verify_email FROM bestauth.verify_email(token);
		RAISE EXCEPTION 'undo';
	EXCEPTION WHEN raise_exception THEN
	END;
	BEGIN
		confirm_email_change := bestauth.confirm_email_change(token);
		RAISE EXCEPTION 'undo';
	EXCEPTION WHEN raise_exception THEN
	END;
END
$$;
SELECT l.kind, o.* FROM link l, LATERAL pg_temp.offer(l.token) o ORDER BY l.kind COLLATE "C";
-- [E-13] All are good still, after all that.
SELECT l.kind, o.* FROM link l, LATERAL pg_temp.offer(l.token) o ORDER BY l.kind COLLATE "C";
-- [E-15] And each is found as a whole alone: no part of it, nothing more, no wildcard.
-- (A token may have the underscore at its thirtieth place itself.)
SELECT count(*) >= 500 AS tried, bool_and(p.outcome = 'invalid' AND v.outcome = 'invalid') AS invalid
FROM link l, LATERAL (SELECT left(l.token, n) FROM generate_series(0, 46) n
	UNION ALL SELECT substr(l.token, n) FROM generate_series(2, 47) n
	UNION ALL VALUES (l.token || ' '), (' ' || l.token), (l.token || '='), (upper(l.token)), (left(l.token, 20) || '%'), ('%'), (overlay(l.token PLACING '_' FROM 30)), ('bat_' || repeat('_', 43))) b (bad),
	LATERAL bestauth.peek_password_link(bad) p, LATERAL bestauth.peek_verification(bad) v
WHERE bad <> l.token;

-- [E-03] A day, or half an hour of a link that proves an address, and not a moment more; peeking and using
-- say the same.
SELECT l.kind, justify_hours(date_trunc('minute', t.expires_at - t.created_at + interval '30 seconds')) = CASE WHEN l.kind LIKE 'email%' THEN interval '30 minutes' ELSE interval '1 day' END AS documented
FROM link l JOIN bestauth.token t ON t.token_hash = sha256(convert_to(l.token, 'UTF8')) ORDER BY l.kind COLLATE "C";
CREATE FUNCTION pg_temp.aged(token text, age interval, OUT set_password text, OUT verify_email text, OUT confirm_email_change text, OUT peek_password_link text, OUT peek_verification text) LANGUAGE plpgsql AS $$
BEGIN
	UPDATE bestauth.token t SET created_at = created_at - age, expires_at = expires_at - age WHERE token_hash = sha256(convert_to(token, 'UTF8'));
	SELECT * INTO set_password, verify_email, confirm_email_change, peek_password_link, peek_verification FROM pg_temp.offer(token);
	UPDATE bestauth.token t SET created_at = created_at + age, expires_at = expires_at + age WHERE token_hash = sha256(convert_to(token, 'UTF8'));
END
$$;
SELECT l.kind, x.age, o.* FROM link l, LATERAL (VALUES ('nearly', interval '-10 minutes'), ('over', interval '0')) x (age, more),
	LATERAL pg_temp.aged(l.token, CASE WHEN l.kind LIKE 'email%' THEN interval '30 minutes' ELSE interval '24 hours' END + x.more) o
ORDER BY l.kind COLLATE "C", x.age COLLATE "C";
-- [E-07] [D-13] By the clock also in a transaction that began while it was good.
BEGIN;
SELECT count(*) FROM link;
UPDATE bestauth.token t SET expires_at = clock_timestamp() FROM link l WHERE t.token_hash = sha256(convert_to(l.token, 'UTF8'));
SELECT count(*) AS good_when_the_transaction_began FROM link l JOIN bestauth.token t ON t.token_hash = sha256(convert_to(l.token, 'UTF8')) WHERE t.expires_at > now();
SELECT l.kind, o.* FROM link l, LATERAL pg_temp.offer(l.token) o ORDER BY l.kind COLLATE "C";
ROLLBACK;

-- [E-11] A verification link gives no session either, and works once [E-05] [E-09].
BEGIN;
SELECT v.outcome FROM link l, LATERAL bestauth.verify_email(l.token) v WHERE l.kind = 'email_verification';
ROLLBACK;
SELECT v.outcome FROM link l, LATERAL bestauth.verify_email(l.token) v WHERE l.kind = 'email_verification';
SELECT v.outcome FROM link l, LATERAL bestauth.verify_email(l.token) v WHERE l.kind = 'email_verification';
SELECT count(*) FROM bestauth.session s JOIN bestauth.user_account u USING (user_id) WHERE u.email = 'cleo@token.example';
SELECT outcome FROM bestauth.login('token_clinic', 'cleo@token.example', 'seven green boats', 'clients');
-- [E-09] Links of a deleted user are none, and those to an address that is no more the user's.
SELECT bestauth.delete_user('leo', 'token_clinic');
SELECT bestauth.confirm_email_change(l.token) FROM link l WHERE l.kind = 'email_change';
SELECT bestauth.update_user('lea', '{"email": "leonie@token.example"}', 'token_clinic');
SELECT bestauth.confirm_email_change(token) FROM bestauth.claim_mail(1000) WHERE recipient = 'leonie@token.example';
SELECT l.kind, o.* FROM link l, LATERAL pg_temp.offer(l.token) o WHERE l.kind <> 'temporary_password' ORDER BY l.kind COLLATE "C";

-- [D-08] [E-01] Many: no two are alike, and all letters stand in all places (but for a few, by
-- chance; the last one has four bits left).
SELECT bestauth.create_user('many', 'restricted', 'Ma', 'Ny', 'many@token.example', company => 'token_clinic') IS NOT NULL AS made;
CREATE TEMP TABLE many (token text);
DO $$
DECLARE
	m record;
BEGIN
	UPDATE bestauth.outbox SET cancelled_at = clock_timestamp() WHERE sent_at IS NULL AND cancelled_at IS NULL AND recipient <> 'many@token.example';
	FOR i IN 1..500 LOOP
		SELECT message_id, token INTO m FROM bestauth.claim_mail(1);
		INSERT INTO many VALUES (m.token);
		PERFORM bestauth.release_mail(m.message_id);
		COMMIT;
	END LOOP;
END
$$;
SELECT count(*), count(DISTINCT token) AS tokens, count(*) FILTER (WHERE token ~ '^bat_[A-Za-z0-9_-]{43}$') AS form, count(DISTINCT left(token, 20)) AS beginnings, count(DISTINCT right(token, 16)) AS ends FROM many;
SELECT letters, count(*) AS places, min(place), max(place) FROM (SELECT place, CASE WHEN count(DISTINCT substr(token, place, 1)) > 50 THEN 'all' ELSE count(DISTINCT substr(token, place, 1))::text END AS letters
	FROM many, generate_series(5, 47) place GROUP BY place) p GROUP BY letters ORDER BY min(place);
SELECT count(*) AS kept, count(DISTINCT t.message_id) AS messages FROM many JOIN bestauth.token t ON t.token_hash = sha256(convert_to(token, 'UTF8'));
-- [E-15] Each is looked up by its hash, in the index: the table is not read through.
ANALYZE bestauth.token;
SELECT i.indisunique, pg_get_indexdef(i.indexrelid, 1, false) AS of FROM pg_index i WHERE i.indexrelid = 'bestauth.token_token_hash_key'::regclass;
BEGIN;
SELECT pg_stat_get_xact_numscans('bestauth.token'::regclass) AS tables, pg_stat_get_xact_numscans('bestauth.token_token_hash_key'::regclass) AS indexes \gset
SELECT outcome FROM bestauth.peek_password_link((SELECT token FROM many LIMIT 1));
SELECT bestauth.set_password((SELECT token FROM many LIMIT 1), 'seven green boats');
SELECT outcome FROM bestauth.verify_email((SELECT token FROM many LIMIT 1));
SELECT pg_stat_get_xact_numscans('bestauth.token'::regclass) - :tables AS read_through, pg_stat_get_xact_numscans('bestauth.token_token_hash_key'::regclass) - :indexes >= 3 AS looked_up;
ROLLBACK;
