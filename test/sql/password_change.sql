-- Changing, resetting and setting passwords, and the questions asked beside a link.
\set SHOW_CONTEXT never
SELECT bestauth.create_company('pwchange_svc', 'Service') IS NOT NULL AS made;
SELECT bestauth.register_billing_service('pwchange_svc');
SELECT bestauth.create_company('pwchange_clinic', 'Clinic') IS NOT NULL AS made;
CREATE ROLE regress_pwchange_app;
SELECT bestauth.grant_access('regress_pwchange_app', 'application');
SELECT count(bestauth.create_user(username, user_type, username, 'Test', username || '@pwchange.example', password, permissions => permissions, company => company))
FROM (VALUES
	('head', 'standard', 'pwchange_clinic', 'seven green boats of head', '{manage_users,my_account}'::text[]),
	('mia', 'restricted', 'pwchange_clinic', 'seven green boats of mia', '{my_account}'),
	('noa', 'restricted', 'pwchange_clinic', 'seven green boats of noa', '{}'),
	('adam', 'company_administrator', 'pwchange_clinic', 'seven green boats of adam', '{}'),
	('gone', 'restricted', 'pwchange_clinic', NULL, '{my_account}'),
	('shut', 'restricted', 'pwchange_clinic', NULL, '{my_account}'),
	('new', 'restricted', 'pwchange_clinic', NULL, '{}'),
	('anna', 'restricted', 'pwchange_svc', 'seven green boats of anna', '{my_account}')) v (username, user_type, company, password, permissions);
SELECT bestauth.create_user('key', 'billing', 'Key', NULL, 'key@pwchange.example', 'seven green boats of key', 'pwchange_svc', '{}', '{my_account}', 'pwchange_clinic') IS NOT NULL AS made;
SELECT bestauth.delete_user('gone', 'pwchange_clinic'), bestauth.lock_user('shut', 'pwchange_clinic');
CREATE TEMP TABLE token AS SELECT username, session_token AS token FROM (VALUES ('head'), ('mia'), ('noa'), ('adam')) v (username),
	LATERAL bestauth.login('pwchange_clinic', username, 'seven green boats of ' || username);
INSERT INTO token SELECT 'key', two.session_token FROM bestauth.login('pwchange_clinic', 'key', 'seven green boats of key') one,
	LATERAL bestauth.login_second_part(one.challenge_token, 'anna', 'seven green boats of anna') two;
-- What a function returns, or its error, with the reasons of a refused password.
CREATE FUNCTION pg_temp.answer(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	rule text;
	reasons text;
BEGIN
	EXECUTE 'SELECT ' || statement INTO result;
	RETURN result;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME, reasons = PG_EXCEPTION_DETAIL;
	RETURN SQLSTATE || coalesce(' [' || nullif(rule, '') || ']', '') || ' ' || SQLERRM || CASE SQLSTATE WHEN 'UA001' THEN ' ' || reasons ELSE '' END;
END
$$;
CREATE FUNCTION pg_temp.as_user(username text, statement text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session((SELECT token FROM token t WHERE t.username = as_user.username));
	RETURN pg_temp.answer(statement);
END
$$;
CREATE FUNCTION pg_temp.log_in(username text, password text) RETURNS text LANGUAGE sql AS $$
	SELECT outcome FROM bestauth.login('pwchange_clinic', $1, $2)
$$;
CREATE VIEW pg_temp.people AS SELECT u.* FROM bestauth.user_account u JOIN bestauth.company USING (company_id) WHERE code = 'pwchange_clinic';
CREATE VIEW pg_temp.guesses AS SELECT u.username, c.failed, c.locked_until > clock_timestamp() AS locked FROM bestauth.login_counter c
	JOIN pg_temp.people u ON c.subject = '\x75'::bytea || uuid_send(u.user_id);
-- A lock of long ago isn't waited for.
CREATE FUNCTION pg_temp.age_locks() RETURNS void LANGUAGE sql AS $$
	UPDATE bestauth.login_counter c SET locked_at = c.locked_at - interval '1 minute' FROM pg_temp.people u WHERE c.subject = '\x75'::bytea || uuid_send(u.user_id)
$$;
CREATE TEMP TABLE mail (n serial, kind text, recipient text, subject text, body text, token text, message_id uuid);
CREATE FUNCTION pg_temp.claim() RETURNS TABLE (kind text, recipient text, subject text, has_token boolean) LANGUAGE sql AS $$
	INSERT INTO mail (kind, recipient, subject, body, token, message_id) SELECT kind, recipient, subject, body, token, message_id FROM bestauth.claim_mail(1000)
	WHERE recipient LIKE '%@pwchange.example' ORDER BY recipient, kind RETURNING kind, recipient, subject, token IS NOT NULL
$$;
CREATE FUNCTION pg_temp.link(username text) RETURNS text LANGUAGE sql AS $$
	SELECT token FROM mail WHERE recipient = $1 || '@pwchange.example' AND token IS NOT NULL ORDER BY n DESC LIMIT 1
$$;
CREATE FUNCTION pg_temp.trail(after bigint) RETURNS TABLE (action text, outcome text, username text, object_id text, reason text) LANGUAGE sql AS $$
	SELECT action, outcome, username, object_id, detail->>'reason' FROM bestauth.audit_log
	WHERE audit_id > $1 AND company_code = 'pwchange_clinic' AND (action ~ '^password|^security_questions|locked_out$' OR object_id ~ 'password|questions') ORDER BY audit_id
$$;
SELECT kind, recipient FROM pg_temp.claim();
-- Nobody is to be locked out by the way.
SET bestauth.lockout_threshold = 100;

--
-- [G-04] [IBS-6] change_password: for staff with my_account, in a session of their own.
--
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SELECT pg_temp.as_user('noa', $$bestauth.change_password('seven green boats of noa', 'nine brown boats of noa')$$);
SELECT pg_temp.as_user('key', $$bestauth.change_password('seven green boats of key', 'nine brown boats of key')$$);
SELECT pg_temp.answer($$bestauth.change_password('seven green boats of mia', 'nine brown boats of mia')$$);
SELECT * FROM pg_temp.trail(:mark);
SELECT pg_temp.log_in('noa', 'seven green boats of noa'), pg_temp.log_in('key', 'seven green boats of key');
-- [G-04] A wrong current password is a failed login; and it stays one.
BEGIN;
SELECT pg_temp.as_user('mia', $$bestauth.change_password('seven green boats of eve', 'nine brown boats of mia')$$);
ROLLBACK;
SELECT pg_temp.as_user('mia', $$bestauth.change_password('', 'nine brown boats of mia')$$), pg_temp.as_user('mia', $$bestauth.change_password('seven green boats of mia ', 'nine brown boats of mia')$$);
SELECT * FROM pg_temp.guesses WHERE username = 'mia';
-- The new one is looked at when the current one was right; that begins a new count.
SELECT new, pg_temp.as_user('mia', format('bestauth.change_password(%L, %L)', 'seven green boats of mia', new))
FROM unnest('{seven green boats of mia,short,password12345678,pwchange_clinic,mia-test-mia-test}'::text[]) new;
SELECT pg_temp.as_user('mia', $$bestauth.change_password('seven green boats of eve', 'short')$$);
SELECT * FROM pg_temp.guesses WHERE username = 'mia';
SELECT regexp_replace(pg_temp.as_user('mia', format('bestauth.change_password(%L, %L)', 'seven green boats of mia', repeat('x', 1025))), 'x{9,}', '...');
-- [G-04] It ends all sessions, this one with the transaction; the address is told.
SELECT session_token AS other FROM bestauth.login('pwchange_clinic', 'mia', 'seven green boats of mia') \gset
SELECT token AS own FROM token WHERE username = 'mia' \gset
BEGIN;
SELECT person_id IS NOT NULL AS used FROM bestauth.use_session(:'own');
SELECT bestauth.change_password('seven green boats of mia', 'nine brown boats of mia');
SELECT bestauth.current_user_id() IS NOT NULL AS still_in;
COMMIT;
SELECT pg_temp.answer(format('bestauth.use_session(%L)', token)) FROM unnest(ARRAY[:'own', :'other']) token;
SELECT pg_temp.log_in('mia', 'seven green boats of mia'), pg_temp.log_in('mia', 'nine brown boats of mia');
SELECT * FROM pg_temp.claim();
SELECT * FROM pg_temp.trail(:mark) OFFSET 2;
-- Company administrators hold my_account.
SELECT pg_temp.as_user('adam', $$bestauth.change_password('seven green boats of adam', 'nine brown boats of adam')$$);
-- [G-04] Wrong ones lock the account, for logins as well; and who is locked by wrong
-- logins can't change it, not even with the right one.
SET bestauth.lockout_threshold = 2;
UPDATE token SET token = l.session_token FROM bestauth.login('pwchange_clinic', 'mia', 'nine brown boats of mia') l WHERE username = 'mia';
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SELECT n, pg_temp.as_user('mia', $$bestauth.change_password('seven green boats of eve', 'ten brown boats of mia')$$) FROM generate_series(1, 2) n;
SELECT * FROM pg_temp.guesses WHERE username = 'mia';
SELECT pg_temp.age_locks();
SELECT pg_temp.as_user('mia', $$bestauth.change_password('nine brown boats of mia', 'ten brown boats of mia')$$), pg_temp.log_in('mia', 'nine brown boats of mia');
SELECT bestauth.unlock_user('mia', 'pwchange_clinic');
SELECT pg_temp.log_in('mia', 'wrong green boats of mia') FROM generate_series(1, 2);
SELECT pg_temp.age_locks();
SELECT pg_temp.as_user('mia', $$bestauth.change_password('nine brown boats of mia', 'ten brown boats of mia')$$);
SELECT bestauth.unlock_user('mia', 'pwchange_clinic');
SELECT pg_temp.log_in('mia', 'nine brown boats of mia');
SELECT * FROM pg_temp.trail(:mark);
SET bestauth.lockout_threshold = 100;
BEGIN READ ONLY;
SELECT left(pg_temp.as_user('mia', $$bestauth.change_password('nine brown boats of mia', 'ten brown boats of mia')$$), 5);
COMMIT;

--
-- [PRV-13] [G-03] reset_password: shown once, for a day, must be changed, mailed as a
-- link and never itself.
--
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SELECT pg_temp.as_user('mia', $$bestauth.reset_password('noa')$$);
BEGIN;
SELECT person_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'head'));
SELECT bestauth.reset_password('noa') AS password \gset rolled_
ROLLBACK;
SELECT pg_temp.log_in('noa', :'rolled_password'), pg_temp.log_in('noa', 'seven green boats of noa');
BEGIN;
SELECT person_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'head'));
SELECT bestauth.reset_password('noa') AS password \gset first_
SELECT bestauth.reset_password('NOA') AS password \gset
COMMIT;
SELECT * FROM pg_temp.trail(:mark);
SELECT length(:'password') >= 15 AS long, :'password' <> :'first_password' AS another, must_change, expires_at - clock_timestamp() BETWEEN '23:55' AND '24:00' AS a_day
FROM bestauth.credential JOIN pg_temp.people USING (user_id) WHERE username = 'noa';
SELECT must_change_password, password_set FROM bestauth.user_details('noa', 'pwchange_clinic');
SELECT * FROM pg_temp.claim();
SELECT pg_temp.link('noa') AS link \gset
SELECT count(*) FILTER (WHERE strpos(m::text, :'password') > 0) AS with_it, count(*) FILTER (WHERE strpos(body, :'link') > 0) AS with_the_link FROM mail m WHERE recipient LIKE 'noa@%';
SELECT (SELECT count(*) FROM bestauth.outbox o WHERE strpos(o::text, :'password') > 0) AS outbox,
	(SELECT count(*) FROM bestauth.audit_log a WHERE strpos(a::text, :'password') > 0 OR strpos(a::text, :'link') > 0) AS audit,
	(SELECT count(*) FROM bestauth.credential c WHERE strpos(c::text, :'password') > 0) AS credential;
SELECT pg_temp.log_in('noa', 'seven green boats of noa'), pg_temp.log_in('noa', :'first_password');
-- It opens nothing but the change, which takes no my_account [IBS-6]; and it may not
-- become the new one, by neither way.
SELECT outcome, session_token IS NULL AS no_session, challenge_token AS token FROM bestauth.login('pwchange_clinic', 'noa', :'password') \gset noa_
SELECT :'noa_outcome' AS outcome, :'noa_no_session' AS no_session, pg_temp.answer(format('bestauth.use_session(%L)', :'noa_token'));
SELECT outcome, username, questions, expires_at - clock_timestamp() < '5 min' AS soon_over FROM bestauth.peek_password_link(:'noa_token');
SELECT replace(pg_temp.answer(format('bestauth.set_password(%L, %L)', token, :'password')), :'password', '(shown)') FROM unnest(ARRAY[:'noa_token', :'link']) token;
SELECT pg_temp.answer(format('bestauth.set_password(%L, %L)', :'noa_token', 'noa@pwchange.example'));
SELECT bestauth.set_password(:'noa_token', 'nine brown boats of noa');
SELECT bestauth.set_password(token, 'ten brown boats of noa') FROM unnest(ARRAY[:'noa_token', :'link']) token;
SELECT pg_temp.log_in('noa', :'password'), pg_temp.log_in('noa', 'nine brown boats of noa');
SELECT must_change_password, password_set FROM bestauth.user_details('noa', 'pwchange_clinic');
SELECT * FROM pg_temp.claim();
-- By the link instead: then the temporary one is dead, and the demand with it.
SELECT bestauth.reset_password('noa', 'pwchange_clinic') AS password \gset
SELECT challenge_token AS token FROM bestauth.login('pwchange_clinic', 'noa', :'password') \gset noa_
SELECT pg_temp.claim();
SELECT bestauth.set_password(pg_temp.link('noa'), 'ten brown boats of noa'), bestauth.set_password(:'noa_token', 'eleven brown boats of noa');
SELECT pg_temp.log_in('noa', :'password'), pg_temp.log_in('noa', 'ten brown boats of noa');
-- A day, by the clock. And a message that waits until a new one is set is not sent.
SELECT bestauth.reset_password('noa', 'pwchange_clinic') AS password \gset
UPDATE bestauth.credential SET expires_at = clock_timestamp() FROM pg_temp.people p WHERE p.user_id = credential.user_id AND username = 'noa';
SELECT pg_temp.log_in('noa', :'password');
SELECT bestauth.reset_password('noa', 'pwchange_clinic') AS password \gset
SELECT challenge_token AS token FROM bestauth.login('pwchange_clinic', 'noa', :'password') \gset noa_
SELECT bestauth.set_password(:'noa_token', 'twelve brown boats of noa');
SELECT kind, recipient FROM pg_temp.claim();
-- A key's new password stays, and nothing is sent.
SELECT pg_temp.log_in('key', bestauth.reset_password('key', 'pwchange_clinic'));
SELECT kind, recipient FROM pg_temp.claim();

--
-- [C-09] request_password_reset: always the same, and nothing changes but that a link goes
-- to who may have one, so often at most.
--
CREATE TEMP TABLE before AS SELECT u.user_id, u::text AS account, c::text AS password FROM pg_temp.people u LEFT JOIN bestauth.credential c USING (user_id);
UPDATE token SET token = l.session_token FROM bestauth.login('pwchange_clinic', 'mia', 'nine brown boats of mia') l WHERE username = 'mia';
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SET ROLE regress_pwchange_app;
SELECT company, username, portal, bestauth.request_password_reset(company, username, portal)::text = '' AS said_nothing FROM (VALUES
	('pwchange_clinic', 'mia', NULL), ('PWCHANGE_clinic', 'MIA', NULL), ('pwchange_clinic', 'mia', 'portal'), ('pwchange_clinic', 'noa', NULL),
	('pwchange_clinic', 'key', NULL), ('pwchange_clinic', 'gone', NULL), ('pwchange_clinic', 'shut', NULL), ('pwchange_clinic', 'nobody', NULL),
	('pwchange_nowhere', 'mia', NULL), ('pwchange_clinic', 'no such name, is it?', NULL)) v (company, username, portal);
RESET ROLE;
SELECT action, outcome, company_code, username, detail FROM bestauth.audit_log
WHERE audit_id > :mark AND action = 'password.reset_requested' ORDER BY audit_id;
SELECT count(*) FILTER (WHERE (b.account, b.password) IS DISTINCT FROM (u::text, c::text)) AS changed
FROM before b JOIN pg_temp.people u USING (user_id) LEFT JOIN bestauth.credential c USING (user_id);
SELECT count(*) AS counts FROM pg_temp.guesses;
SELECT pg_temp.as_user('mia', $$bestauth.has_permission('my_account')$$), pg_temp.log_in('mia', 'nine brown boats of mia');
SELECT * FROM pg_temp.claim();
SELECT outcome, username, questions, expires_at - clock_timestamp() BETWEEN '23:55' AND '24:00' AS a_day FROM bestauth.peek_password_link(pg_temp.link('mia'));
-- Until a mailer has it no second one; three in an hour.
SELECT count(bestauth.request_password_reset('pwchange_clinic', 'mia')) FROM generate_series(1, 3);
SELECT count(*) AS more FROM pg_temp.claim();
CREATE FUNCTION pg_temp.send_and_ask() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	PERFORM bestauth.confirm_mail(message_id) FROM mail WHERE kind = 'password_reset';
	PERFORM bestauth.request_password_reset('pwchange_clinic', 'mia');
	RETURN (SELECT count(*) FROM pg_temp.claim());
END
$$;
SELECT pg_temp.link('mia') AS link \gset
SELECT n, pg_temp.send_and_ask() AS sent FROM generate_series(3, 5) n;
UPDATE bestauth.outbox o SET created_at = o.created_at - interval '1 hour' FROM pg_temp.people u WHERE u.user_id = o.user_id AND username = 'mia';
SELECT pg_temp.send_and_ask() AS sent;
SELECT DISTINCT outcome, detail FROM bestauth.audit_log WHERE audit_id > :mark AND action = 'password.reset_requested' AND username = 'mia' ORDER BY 1;
-- The last link counts. It takes no lock away, and no session gives it.
SELECT outcome FROM bestauth.peek_password_link(:'link');
SET bestauth.lockout_threshold = 1;
SELECT pg_temp.log_in('mia', 'wrong green boats of mia');
SELECT bestauth.set_password(pg_temp.link('mia'), 'ten brown boats of mia');
SELECT pg_temp.age_locks();
SELECT pg_temp.log_in('mia', 'ten brown boats of mia');
SET bestauth.lockout_threshold = 100;
SELECT bestauth.unlock_user('mia', 'pwchange_clinic');
SELECT pg_temp.log_in('mia', 'ten brown boats of mia'), pg_temp.log_in('mia', 'nine brown boats of mia');
SELECT * FROM pg_temp.claim();

--
-- [E-13] peek_password_link writes nothing and uses nothing up, however often. It knows
-- the links of passwords alone.
--
SELECT bestauth.resend_setup_link('new', 'pwchange_clinic');
SELECT pg_temp.claim();
SELECT count(*) AS rows FROM bestauth.audit_log \gset before_
BEGIN READ ONLY;
SELECT outcome, username, questions, count(*) FROM generate_series(1, 5), bestauth.peek_password_link(pg_temp.link('new')) GROUP BY 1, 2, 3;
SELECT pg_current_xact_id_if_assigned() IS NULL AS wrote_nothing, count(*) = :before_rows AS no_audit FROM bestauth.audit_log;
COMMIT;
SELECT challenge_token AS challenge FROM bestauth.login('pwchange_clinic', 'key', bestauth.reset_password('key', 'pwchange_clinic')) \gset
SELECT what, p.* FROM (VALUES ('used', pg_temp.link('mia')), ('challenge', :'challenge'), ('session', :'own'), ('empty', ''), ('long', repeat('x', 100000)), ('cut', left(pg_temp.link('new'), 46))) v (what, token),
	LATERAL bestauth.peek_password_link(token) p;
BEGIN;
UPDATE bestauth.token SET expires_at = clock_timestamp() WHERE token_hash = sha256(convert_to(pg_temp.link('new'), 'UTF8'));
SELECT * FROM bestauth.peek_password_link(pg_temp.link('new'));
ROLLBACK;
SELECT bestauth.set_password(pg_temp.link('new'), 'seven green boats of new');

--
-- [PRV-18] Up to three security questions, for who may change their password: what is
-- asked beside the link of a reset, and never instead of it.
--
UPDATE token SET token = l.session_token FROM bestauth.login('pwchange_clinic', 'mia', 'ten brown boats of mia') l WHERE username = 'mia';
UPDATE token SET token = l.session_token FROM bestauth.login('pwchange_clinic', 'noa', 'twelve brown boats of noa') l WHERE username = 'noa';
UPDATE bestauth.outbox o SET created_at = o.created_at - interval '1 hour', sent_at = coalesce(o.sent_at, clock_timestamp()) FROM pg_temp.people u WHERE u.user_id = o.user_id AND username = 'mia';
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SELECT username, pg_temp.as_user(username, $$bestauth.set_security_questions('{Pet?}', '{Rex}')$$) FROM (VALUES ('noa')) v (username);
SELECT pg_temp.answer($$bestauth.set_security_questions('{Pet?}', '{Rex}')$$);
SELECT arguments, pg_temp.as_user('mia', format('bestauth.set_security_questions(%s)', arguments)) FROM unnest(ARRAY[
	$$'{Pet?,City?,Street?,Friend?}', '{a,b,c,d}'$$, $$'{Pet?,City?}', '{a}'$$, $$'{Pet?}', '{a,b}'$$, $$'{}', '{a}'$$, $$'{Pet?}', '{}'$$,
	$$'{""}', '{a}'$$, $$'{"  "}', '{a}'$$, $$'{Pet?}', '{""}'$$, $$'{Pet?}', '{"  "}'$$, $$'{Pet?}', U&'{\0301}'$$,
	$$'{Pet?,Pet?}', '{a,b}'$$, $$'{Pet?,City?,Pet?}', '{a,b,c}'$$,
	$$NULL, '{a}'$$, $$'{Pet?}', NULL$$, $$NULL, NULL$$, $$'{NULL}', '{a}'$$, $$'{Pet?}', '{NULL}'$$, $$'{{Pet?}}', '{a}'$$,
	$$E'{Pet\n?}', '{a}'$$, $$'{Pet?}', ARRAY[E'a\n']$$, $$ARRAY[repeat('q', 255)], '{a}'$$, $$'{Pet?}', ARRAY[repeat('a', 255)]$$]) arguments;
SELECT count(*) AS kept FROM bestauth.security_question JOIN pg_temp.people USING (user_id);
SELECT pg_temp.as_user('mia', $$bestauth.set_security_questions('{"Which city?","First pet?","Which street?"}', '{"Sao Paulo",Rex,"Rue  de la Paix"}')$$);
-- The answers are kept as one hash, and stand nowhere.
SELECT questions, answers_hash ~ '^\$2a\$10\$[./A-Za-z0-9]{53}$' AS hash FROM bestauth.security_question JOIN pg_temp.people USING (user_id);
SELECT (SELECT count(*) FROM bestauth.security_question q WHERE q::text ~* 'paulo|\mrex|paix') AS kept,
	(SELECT count(*) FROM bestauth.audit_log a WHERE audit_id > :mark AND (a::text ~* 'paulo|\mrex|paix' OR a::text ~ '\$2a\$')) AS audit;
SELECT security_questions FROM bestauth.user_details('mia', 'pwchange_clinic');
SELECT * FROM pg_temp.trail(:mark);
-- Beside the link of a reset they are shown, in their order, and asked for.
SELECT bestauth.request_password_reset('pwchange_clinic', 'mia');
SELECT kind FROM pg_temp.claim();
SELECT outcome, username, questions FROM bestauth.peek_password_link(pg_temp.link('mia'));
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
CREATE FUNCTION pg_temp.reset(answers text[], password text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.answer(format('bestauth.set_password(%L, %L, %L)', pg_temp.link('mia'), $2, $1))
$$;
SELECT answers, pg_temp.reset(answers::text[], 'eleven brown boats of mia') FROM unnest(ARRAY[NULL, '{}', '{Rex}', '{"Sao Paulo",Rex}', '{Rex,"Sao Paulo","Rue de la Paix"}',
	'{"Sao Paulo",Rex,"Rue de la Paix",""}', '{"Sao Paulo","Rex Rue","de la Paix"}', '{"Sao Paulo",Rexx,"Rue de la Paix"}', '{"SaoPaulo",Rex,"Rue de la Paix"}']) answers;
-- Without answers nothing was guessed; each wrong set is a failed login, and stays one.
SELECT * FROM pg_temp.guesses WHERE username = 'mia';
BEGIN;
SELECT pg_temp.reset('{a,b,c}', 'eleven brown boats of mia');
ROLLBACK;
SELECT * FROM pg_temp.guesses WHERE username = 'mia';
SELECT reason, outcome, count(*) FROM pg_temp.trail(:mark) GROUP BY 1, 2 ORDER BY 1;
-- However they are typed: case, accents and spaces don't matter. A refused password
-- leaves the link good.
SELECT pg_temp.reset('{sao paulo,REX,rue de la paix}', 'short');
SELECT * FROM pg_temp.guesses WHERE username = 'mia';
SELECT outcome FROM bestauth.peek_password_link(pg_temp.link('mia'));
BEGIN;
SELECT pg_temp.reset(U&'{"  s\00C3o\00A0  PAULO ",r\00E9x,"Rue De La Paix "}', 'eleven brown boats of mia');
ROLLBACK;
-- The answers alone are good for nothing: not without the link, nor at a login.
SELECT bestauth.set_password('', 'eleven brown boats of mia', '{Sao Paulo,Rex,Rue de la Paix}'), pg_temp.log_in('mia', 'Sao Paulo'), pg_temp.log_in('mia', E'sao paulo\nrex\nrue de la paix\n');
-- Wrong ones lock the account, for logins and right answers too.
SELECT bestauth.unlock_user('mia', 'pwchange_clinic');
SET bestauth.lockout_threshold = 2;
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SELECT pg_temp.reset('{a,b,c}', 'eleven brown boats of mia') FROM generate_series(1, 2);
SELECT * FROM pg_temp.guesses WHERE username = 'mia';
SELECT pg_temp.age_locks();
SELECT pg_temp.reset('{Sao Paulo,Rex,Rue de la Paix}', 'eleven brown boats of mia'), pg_temp.log_in('mia', 'ten brown boats of mia');
SELECT * FROM pg_temp.trail(:mark);
SELECT bestauth.unlock_user('mia', 'pwchange_clinic');
SET bestauth.lockout_threshold = 100;
SELECT pg_temp.reset('{Sao Paulo,Rex,Rue de la Paix}', 'eleven brown boats of mia');
SELECT pg_temp.reset('{Sao Paulo,Rex,Rue de la Paix}', 'twelve brown boats of mia'), pg_temp.log_in('mia', 'eleven brown boats of mia');
-- An administrator's reset asks neither by its link nor at the forced change: the questions may be a thief's.
SELECT bestauth.reset_password('mia', 'pwchange_clinic') AS password \gset
SELECT challenge_token AS token FROM bestauth.login('pwchange_clinic', 'mia', :'password') \gset mia_
SELECT kind FROM pg_temp.claim();
SELECT outcome, questions FROM unnest(ARRAY[pg_temp.link('mia'), :'mia_token']) token, bestauth.peek_password_link(token);
SELECT bestauth.set_password(pg_temp.link('mia'), 'twelve brown boats of mia'), bestauth.set_password(:'mia_token', 'twelve brown boats of mia');
-- Set anew they replace the ones before, however long; none are none.
UPDATE token SET token = l.session_token FROM bestauth.login('pwchange_clinic', 'mia', 'twelve brown boats of mia') l WHERE username = 'mia';
CREATE FUNCTION pg_temp.ask() RETURNS bigint LANGUAGE sql AS $$
	UPDATE bestauth.outbox o SET created_at = o.created_at - interval '1 hour', sent_at = coalesce(o.sent_at, clock_timestamp()) FROM pg_temp.people u WHERE u.user_id = o.user_id AND username = 'mia';
	SELECT bestauth.request_password_reset('pwchange_clinic', 'mia');
	SELECT count(*) FROM pg_temp.claim() WHERE kind = 'password_reset';
$$;
SELECT ARRAY[repeat('ä', 127), repeat('b', 254), repeat('c', 254)] AS latin, ARRAY[repeat('각', 84), repeat('둘', 84), repeat('셋', 84)] AS hangul \gset
SELECT pg_temp.as_user('mia', format('bestauth.set_security_questions(%L, %L)', '{1?,2?,3?}', :'latin'));
SELECT pg_temp.ask();
SELECT pg_temp.reset('{Sao Paulo,Rex,Rue de la Paix}', 'thirteen brown boats of mia'), pg_temp.reset(:'latin', 'thirteen brown boats of mia');
-- What may be set can be answered, in every script.
UPDATE token SET token = l.session_token FROM bestauth.login('pwchange_clinic', 'mia', 'thirteen brown boats of mia') l WHERE username = 'mia';
SELECT pg_temp.as_user('mia', format('bestauth.set_security_questions(%L, %L)', '{1?,2?,3?}', :'hangul')) = '' AS set \gset
SELECT pg_temp.ask();
SELECT (pg_temp.reset(:'hangul', 'fourteen brown boats of mia') = 'accepted') = :'set' AS as_it_was_set;
UPDATE token SET token = l.session_token FROM (SELECT l.* FROM unnest('{thirteen,fourteen}'::text[]) n, bestauth.login('pwchange_clinic', 'mia', n || ' brown boats of mia') l) l WHERE username = 'mia' AND outcome = 'authenticated';
SELECT pg_temp.as_user('mia', $$bestauth.set_security_questions('{}', '{}')$$);
SELECT security_questions FROM bestauth.user_details('mia', 'pwchange_clinic');
SELECT pg_temp.ask();
SELECT outcome, questions FROM bestauth.peek_password_link(pg_temp.link('mia'));
SELECT pg_temp.reset(NULL, 'fifteen brown boats of mia');

-- [M-01] What is no argument.
SELECT call, pg_temp.answer('bestauth.' || call) FROM unnest(ARRAY['set_password(NULL, ''x'')', 'set_password(''x'', NULL)', 'set_password(NULL, NULL, NULL)', 'set_password('''', '''')', 'set_password(''x'', ''x'', ''{NULL}'')',
	'set_password(repeat(''x'', 100000), ''x'')', 'peek_password_link(NULL)', 'request_password_reset(NULL, ''mia'')', 'request_password_reset(''pwchange_clinic'', NULL)', 'request_password_reset('''', ''mia'')',
	'request_password_reset(''pwchange_clinic'', '''')', 'request_password_reset(''pwchange_clinic'', repeat(''m'', 1025))', 'request_password_reset(''pwchange_clinic'', E''m\nia'')',
	'reset_password(NULL, ''pwchange_clinic'')', 'reset_password('''', ''pwchange_clinic'')', 'reset_password(''nobody'', ''pwchange_clinic'')', 'reset_password(''gone'', ''pwchange_clinic'')', 'reset_password(''mia'')']) call;
SELECT call, pg_temp.as_user('head', 'bestauth.' || call) FROM unnest(ARRAY['change_password(NULL, ''x'')', 'change_password(''x'', NULL)', 'change_password(NULL, NULL)']) call;
BEGIN READ ONLY;
SELECT left(pg_temp.answer($$bestauth.set_password('x', 'x')$$), 5), left(pg_temp.answer($$bestauth.request_password_reset('pwchange_clinic', 'mia')$$), 5);
COMMIT;
SELECT bestauth.revoke_access('regress_pwchange_app', 'application');
DROP ROLE regress_pwchange_app;
