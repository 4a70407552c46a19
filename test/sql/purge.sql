-- purge_expired: what is over for long goes, and one row of the audit tells of it.
\set SHOW_CONTEXT never
CREATE ROLE regress_purge_operator;
CREATE ROLE regress_purge_app;
CREATE ROLE regress_purge_mailer;
SELECT bestauth.grant_access('regress_purge_operator', 'operator'), bestauth.grant_access('regress_purge_app', 'application'), bestauth.grant_access('regress_purge_mailer', 'mailer');
GRANT USAGE ON SCHEMA regress TO regress_purge_operator, regress_purge_app, regress_purge_mailer;
UPDATE bestauth.outbox SET cancelled_at = clock_timestamp() WHERE sent_at IS NULL AND cancelled_at IS NULL AND dead_at IS NULL;
SELECT bestauth.create_company('purge_clinic', 'Clinic') IS NOT NULL AS made;
SELECT bestauth.create_portal('purge_clinic', 'clients', 'client', 'Portal') IS NOT NULL AS made;
SELECT bestauth.create_user('ann', 'standard', 'Ann', 'Test', 'ann@purge.example', 'seven green boats of ann', permissions => '{manage_users}', company => 'purge_clinic') IS NOT NULL AS made;
-- What other tests made so old.
SELECT count(*) FROM bestauth.purge_expired();

-- Who may: the operator.
SET ROLE regress_purge_app;
SELECT regress.attempt('SELECT bestauth.purge_expired()');
SET ROLE regress_purge_mailer;
SELECT regress.attempt('SELECT bestauth.purge_expired()');
RESET ROLE;
SELECT session_token AS ann FROM bestauth.login('purge_clinic', 'ann', 'seven green boats of ann') \gset
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session(:'ann');
SELECT regress.attempt('SELECT bestauth.purge_expired()');
ROLLBACK;
SET ROLE regress_purge_operator;
SELECT age, regress.attempt(format('SELECT bestauth.purge_expired(%L)', age)) FROM (VALUES (NULL), ('-1 second'), ('-1 day'), ('1 month -1 day'), ('-1 month 400 days'), ('1 day -1 second')) v (age);
-- From before there were times.
SELECT left(regress.attempt(format('SELECT bestauth.purge_expired(%L)', '290000 years')), 5);
RESET ROLE;

-- Tokens: five, of which one is good, one used and good, one expired of late, two long ago.
SELECT count(bestauth.create_user('t' || n, 'restricted', 'Tok', 'En', 't' || n || '@purge.example', company => 'purge_clinic')) FROM generate_series(1, 5) n;
CREATE TEMP TABLE mine AS SELECT recipient, message_id, token FROM bestauth.claim_mail(1000);
SELECT count(*) FROM (SELECT bestauth.confirm_mail(message_id) FROM mine OFFSET 0) c;
SELECT bestauth.set_password(token, 'seven green boats of many') FROM mine WHERE recipient = 't2@purge.example';
CREATE TEMP VIEW tokens AS SELECT m.recipient, t.used_at IS NOT NULL AS used, t.expires_at > clock_timestamp() AS good FROM bestauth.token t JOIN mine m ON t.token_hash = sha256(convert_to(m.token, 'UTF8')) ORDER BY m.recipient COLLATE "C";
UPDATE bestauth.token t SET expires_at = clock_timestamp() - (CASE m.recipient WHEN 't3@purge.example' THEN interval '719 hours' ELSE interval '721 hours' END)
FROM mine m WHERE t.token_hash = sha256(convert_to(m.token, 'UTF8')) AND m.recipient >= 't3';
TABLE pg_temp.tokens;
-- Sessions: one in use, one ended of late, one ended long ago, one expired long ago; all were used.
CREATE TEMP TABLE session (n integer, token text);
INSERT INTO session SELECT 1, session_token FROM bestauth.login('purge_clinic', 'ann', 'seven green boats of ann');
INSERT INTO session SELECT 2, session_token FROM bestauth.login('purge_clinic', 'ann', 'seven green boats of ann');
INSERT INTO session SELECT 3, session_token FROM bestauth.login('purge_clinic', 'ann', 'seven green boats of ann');
INSERT INTO session SELECT 4, session_token FROM bestauth.login('purge_clinic', 'ann', 'seven green boats of ann');
CREATE FUNCTION pg_temp.use(token text) RETURNS boolean LANGUAGE sql AS $$ SELECT user_id IS NOT NULL FROM bestauth.use_session($1) $$;
BEGIN;
SELECT count(*) FROM session WHERE pg_temp.use(token);
COMMIT;
SELECT bestauth.logout(token) FROM session WHERE n IN (2, 3) ORDER BY n;
UPDATE bestauth.session s SET ended_at = ended_at - interval '721 hours' FROM session m WHERE s.token_hash = sha256(convert_to(m.token, 'UTF8')) AND n = 3;
UPDATE bestauth.session s SET expires_at = clock_timestamp() - interval '721 hours' FROM session m WHERE s.token_hash = sha256(convert_to(m.token, 'UTF8')) AND n = 4;
CREATE TEMP VIEW sessions AS SELECT n FROM session m JOIN bestauth.session s ON s.token_hash = sha256(convert_to(m.token, 'UTF8')) ORDER BY n;
TABLE pg_temp.sessions;
-- Messages: sent (of the first five), called off, given up, long ago and of late; waiting stays,
-- however old.
SELECT count(bestauth.resend_setup_link('t1', company => 'purge_clinic')) FROM generate_series(1, 5) n;
CREATE TEMP TABLE message AS SELECT message_id, row_number() OVER (ORDER BY created_at, message_id) AS n FROM bestauth.outbox WHERE recipient = 't1@purge.example' AND sent_at IS NULL;
UPDATE bestauth.outbox o SET cancelled_at = clock_timestamp() - (CASE n WHEN 1 THEN interval '721 hours' ELSE interval '719 hours' END) FROM message m WHERE o.message_id = m.message_id AND n IN (1, 2);
UPDATE bestauth.outbox o SET dead_at = clock_timestamp() - (CASE n WHEN 3 THEN interval '721 hours' ELSE interval '719 hours' END) FROM message m WHERE o.message_id = m.message_id AND n IN (3, 4);
UPDATE bestauth.outbox o SET created_at = clock_timestamp() - interval '2 years' FROM message m WHERE o.message_id = m.message_id AND n = 5;
UPDATE bestauth.outbox SET sent_at = clock_timestamp() - interval '721 hours' WHERE recipient IN ('t4@purge.example', 't5@purge.example');
CREATE TEMP VIEW messages AS SELECT split_part(recipient, '@', 1) AS name, n FROM bestauth.outbox LEFT JOIN message USING (message_id) WHERE recipient LIKE '%@purge.example' ORDER BY recipient COLLATE "C", n NULLS FIRST;
TABLE pg_temp.messages;
-- Sign-ups: one waits, one expired of late, one long ago, one too, but its mail waits still.
SELECT bestauth.register_portal_account('purge_clinic', NULL, name || '@purge.example', 'seven green boats of many', 'Sign', 'Up') FROM (VALUES ('s1'), ('s2'), ('s3'), ('s4')) v (name);
UPDATE bestauth.signup SET expires_at = clock_timestamp() - (CASE email WHEN 's2@purge.example' THEN interval '719 hours' ELSE interval '721 hours' END) WHERE email IN ('s2@purge.example', 's3@purge.example', 's4@purge.example');
UPDATE bestauth.outbox SET cancelled_at = clock_timestamp() - interval '750 hours' WHERE recipient = 's3@purge.example';
CREATE TEMP VIEW signups AS SELECT email FROM bestauth.signup WHERE email LIKE '%@purge.example' ORDER BY email COLLATE "C";

-- [E-14] What was over for thirty days goes, all else stays.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SET ROLE regress_purge_operator;
SELECT * FROM bestauth.purge_expired();
RESET ROLE;
TABLE pg_temp.tokens;
TABLE pg_temp.sessions;
TABLE pg_temp.messages;
TABLE pg_temp.signups;
SELECT action, outcome, object_type, detail FROM bestauth.audit_log WHERE audit_id > :mark ORDER BY audit_id;
-- Again: there is nothing left.
SELECT * FROM bestauth.purge_expired('720 hours');
-- What is purged is unknown; what only expired is expired.
SELECT recipient, bestauth.set_password(token, 'seven green boats of others') FROM mine ORDER BY recipient COLLATE "C";
BEGIN;
SELECT pg_temp.use(token) FROM session WHERE n = 1;
COMMIT;
SELECT regress.attempt(format('SELECT bestauth.use_session(%L)', token)) FROM session WHERE n IN (2, 3, 4) ORDER BY n;
-- Deleted otherwise, rows have rows in the audit.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
DELETE FROM bestauth.outbox WHERE message_id = (SELECT message_id FROM message WHERE n = 2);
SELECT action, object_type FROM bestauth.audit_log WHERE audit_id > :mark;
-- Rolled back, nothing went, and there is no row.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
BEGIN;
SELECT tokens >= 1 AS tokens, messages >= 1 AS messages, signups >= 1 AS signups FROM bestauth.purge_expired('1 day');
ROLLBACK;
TABLE pg_temp.tokens;
TABLE pg_temp.sessions;
TABLE pg_temp.messages;
TABLE pg_temp.signups;
SELECT count(*) FROM bestauth.audit_log WHERE audit_id > :mark;
-- After an error, other rows that go have their rows again.
BEGIN;
SAVEPOINT s;
CREATE FUNCTION pg_temp.stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'stop'; END $$;
CREATE TRIGGER stop BEFORE DELETE ON bestauth.token FOR EACH ROW EXECUTE FUNCTION pg_temp.stop();
SELECT regress.attempt($$SELECT bestauth.purge_expired('1 day')$$);
ROLLBACK TO s;
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
DELETE FROM bestauth.outbox WHERE message_id = (SELECT message_id FROM message WHERE n = 4);
SELECT action, object_type FROM bestauth.audit_log WHERE audit_id > :mark;
ROLLBACK;

REVOKE USAGE ON SCHEMA regress FROM regress_purge_operator, regress_purge_app, regress_purge_mailer;
SELECT bestauth.revoke_access('regress_purge_operator', 'operator'), bestauth.revoke_access('regress_purge_app', 'application'), bestauth.revoke_access('regress_purge_mailer', 'mailer');
DROP ROLE regress_purge_operator, regress_purge_app, regress_purge_mailer;
