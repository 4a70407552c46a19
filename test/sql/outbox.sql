-- Mail to be sent: put down with what causes it, claimed by the mailer, its token
-- kept nowhere.
\set SHOW_CONTEXT never
SELECT bestauth.create_company('outbox_svc', 'Service') IS NOT NULL AS made;
SELECT bestauth.register_billing_service('outbox_svc');
SELECT bestauth.create_company('outbox_clinic', 'Clinic') IS NOT NULL AS made;
CREATE ROLE regress_outbox_mailer;
CREATE ROLE regress_outbox_app;
SELECT bestauth.grant_access('regress_outbox_mailer', 'mailer');
SELECT bestauth.grant_access('regress_outbox_app', 'application');
GRANT USAGE ON SCHEMA regress TO regress_outbox_mailer, regress_outbox_app;
CREATE VIEW pg_temp.mail AS SELECT kind, recipient, attempts, due_at > clock_timestamp() AS leased, sent_at IS NOT NULL AS sent, cancelled_at IS NOT NULL AS cancelled, last_error
FROM bestauth.outbox WHERE recipient LIKE '%@outbox.example' ORDER BY created_at;

-- [IBS-5] A user without a password is sent a link at their own address, one with a
-- password nothing, and a key nothing.
SELECT bestauth.create_user('mia', 'restricted', 'Mia', 'Mail', 'mia@outbox.example', company => 'outbox_clinic') IS NOT NULL AS made;
SELECT bestauth.create_user('pia', 'standard', 'Pia', 'Password', 'pia@outbox.example', 'a long password of pia', company => 'outbox_clinic') IS NOT NULL AS made;
SELECT bestauth.create_user('key', 'billing', 'Key', NULL, 'key@outbox.example', 'a long password of key', 'outbox_svc', company => 'outbox_clinic') IS NOT NULL AS made;
SELECT regress.attempt($$SELECT bestauth.create_user('key2', 'billing', 'Key', NULL, 'key@outbox.example', NULL, 'outbox_svc', company => 'outbox_clinic')$$);
TABLE pg_temp.mail;
-- Until they have set one they can't log in, with whatever.
SELECT outcome FROM bestauth.login('outbox_clinic', 'mia', '');
SELECT outcome FROM bestauth.login('outbox_clinic', 'mia', 'a long password of mia');
SELECT detail->>'reason' AS reason FROM bestauth.audit_log WHERE company_code = 'outbox_clinic' AND action = 'login.denied' AND username = 'mia';

-- [I-01] What is rolled back is not sent, a part of a transaction neither; what is committed
-- is sent once.
BEGIN;
SELECT bestauth.create_user('nil', 'restricted', 'Nil', 'Nobody', 'nil@outbox.example', company => 'outbox_clinic') IS NOT NULL AS made;
SELECT recipient FROM pg_temp.mail;
ROLLBACK;
SELECT recipient FROM pg_temp.mail;
BEGIN;
SAVEPOINT s;
SELECT bestauth.create_user('nix', 'restricted', 'Nix', 'Nobody', 'nix@outbox.example', company => 'outbox_clinic') IS NOT NULL AS made;
ROLLBACK TO s;
SELECT bestauth.create_user('kit', 'restricted', 'Kit', 'Kept', 'kit@outbox.example', company => 'outbox_clinic') IS NOT NULL AS made;
SAVEPOINT s;
SELECT bestauth.resend_setup_link('mia', company => 'outbox_clinic');
ROLLBACK TO s;
RELEASE s;
COMMIT;
SELECT recipient FROM pg_temp.mail;

-- [I-05] The mailer claims and reports, and gets at nothing else; nobody else claims.
SELECT p.oid::regprocedure AS callable FROM pg_proc p
WHERE p.pronamespace = 'bestauth'::regnamespace AND has_function_privilege('regress_outbox_mailer', p.oid, 'EXECUTE') ORDER BY p.proname COLLATE "C";
SELECT c.relname AS reachable FROM pg_class c
WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
	AND (has_table_privilege('regress_outbox_mailer', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
		OR has_any_column_privilege('regress_outbox_mailer', c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'));
SET ROLE regress_outbox_mailer;
SELECT table_name, regress.attempt(format('SELECT FROM bestauth.%I', table_name)) FROM (VALUES ('outbox'), ('user_account'), ('token'), ('credential'),
	('signup'), ('session'), ('mail_template'), ('audit_log')) v (table_name);
SELECT regress.attempt($$SELECT bestauth.login('outbox_clinic', 'pia', 'a long password of pia')$$);
SELECT regress.attempt($$SELECT bestauth.set_password('bat_x', 'a long password of pia')$$);
SELECT regress.attempt($$SELECT bestauth.user_details('pia', company => 'outbox_clinic')$$);
SELECT regress.attempt('SELECT bestauth.retry_mail(bestauth.uuidv7())');
SELECT regress.attempt('SELECT bestauth.purge_expired()');
SET ROLE regress_outbox_app;
SELECT call, regress.attempt('SELECT bestauth.' || call) FROM (VALUES ('claim_mail()'), ('confirm_mail(NULL)'), ('fail_mail(NULL, NULL)'), ('release_mail(NULL)'), ('retry_mail(NULL)')) v (call);
RESET ROLE;
SELECT * FROM bestauth.login('outbox_clinic', 'pia', 'a long password of pia') \gset pia_
BEGIN;
SELECT * FROM bestauth.use_session(:'pia_session_token') \gset s_
SELECT call, regress.attempt('SELECT bestauth.' || call) FROM (VALUES ('claim_mail()'), ('confirm_mail(NULL)'), ('fail_mail(NULL, NULL)'), ('release_mail(NULL)'), ('retry_mail(NULL)')) v (call);
ROLLBACK;

-- The token is made at this moment, for this answer, and stands in the link.
SET ROLE regress_outbox_mailer;
SELECT * FROM (SELECT *, count(*) FILTER (WHERE recipient LIKE '%@outbox.example') OVER () AS mails FROM bestauth.claim_mail(1000)) m WHERE recipient = 'mia@outbox.example' \gset first_
RESET ROLE;
SELECT :first_mails AS mails;
SELECT :'first_kind' AS kind, :'first_recipient' AS recipient, :'first_subject' AS subject, :first_attempts AS attempts;
SELECT replace(:'first_body', :'first_token', '(token)') AS body;
SELECT strpos(:'first_body', 'https://localhost/set-password?token=' || :'first_token') > 0 AS link;
TABLE pg_temp.mail;
-- [E-02] It rests nowhere: not in any column of any table, in the clear.
CREATE FUNCTION pg_temp.holds(relation regclass, secret text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	found boolean;
BEGIN
	EXECUTE format('SELECT EXISTS (SELECT FROM %s t WHERE strpos(t::text, %L) > 0)', relation, secret) INTO found;
	RETURN found;
END
$$;
SELECT count(*) > 15 AS all_tables, count(*) FILTER (WHERE pg_temp.holds(oid, substr(:'first_token', 5))) AS with_token, count(*) FILTER (WHERE pg_temp.holds(oid, 'mia@outbox.example')) > 1 AS with_address
FROM pg_class WHERE relnamespace = 'bestauth'::regnamespace AND relkind = 'r';
SELECT expires_at - created_at BETWEEN '23:59:59' AND '24:00:01' AS a_day FROM bestauth.token WHERE token_hash = sha256(convert_to(:'first_token', 'UTF8'));
-- [I-03] While the lease lasts nobody else gets it; after it, with a new token, and the
-- one before is good as well: the mailer may have sent it and died.
SET ROLE regress_outbox_mailer;
SELECT count(*) FROM bestauth.claim_mail(1000) WHERE recipient = 'mia@outbox.example';
RESET ROLE;
UPDATE bestauth.outbox SET due_at = clock_timestamp() WHERE message_id = :'first_message_id';
SET ROLE regress_outbox_mailer;
SELECT * FROM bestauth.claim_mail(1000, '1 hour') WHERE recipient = 'mia@outbox.example' \gset second_
RESET ROLE;
SELECT :'second_message_id' = :'first_message_id' AS same_message, :'second_token' <> :'first_token' AS new_token, :second_attempts AS attempts;
SELECT due_at BETWEEN clock_timestamp() + '30 minutes' AND clock_timestamp() + '1 hour' AS an_hour FROM bestauth.outbox WHERE message_id = :'second_message_id';
SELECT a.outcome AS first, b.outcome AS second FROM bestauth.peek_password_link(:'first_token') a, bestauth.peek_password_link(:'second_token') b;
-- What can't be sent is tried again; what was sent is not.
SET ROLE regress_outbox_mailer;
SELECT bestauth.fail_mail(:'second_message_id', 'mailbox full: ' || repeat('x', 1000));
RESET ROLE;
SELECT length(last_error), due_at > clock_timestamp() AS later, sent_at FROM bestauth.outbox WHERE message_id = :'second_message_id';
UPDATE bestauth.outbox SET due_at = clock_timestamp() WHERE message_id = :'second_message_id';
SET ROLE regress_outbox_mailer;
SELECT * FROM bestauth.claim_mail(1000) WHERE recipient = 'mia@outbox.example' \gset third_
SELECT bestauth.confirm_mail(:'third_message_id');
SELECT bestauth.confirm_mail(:'third_message_id');
RESET ROLE;
SELECT kind, attempts, sent, cancelled FROM pg_temp.mail;
SET ROLE regress_outbox_mailer;
SELECT count(*) FROM bestauth.claim_mail(1000) WHERE recipient = 'mia@outbox.example';
SELECT regress.attempt(call) FROM (VALUES ('SELECT bestauth.claim_mail(0)'), ('SELECT bestauth.claim_mail(1001)'), ('SELECT bestauth.claim_mail(1, ''0'')'),
	('SELECT bestauth.claim_mail(1, ''25 hours'')'), ('SELECT bestauth.claim_mail(1, ''1 month'')'), ('SELECT bestauth.claim_mail(1, ''-1 hour'')'),
	('SELECT bestauth.confirm_mail(NULL)'), ('SELECT bestauth.confirm_mail(''00000000-0000-0000-0000-000000000000'')'),
	('SELECT bestauth.fail_mail(''00000000-0000-0000-0000-000000000000'', ''x'')'),
	('SELECT bestauth.fail_mail(NULL, ''x'')'), ('SELECT bestauth.release_mail(NULL)'), ('SELECT bestauth.release_mail(''00000000-0000-0000-0000-000000000000'')')) v (call);
RESET ROLE;

-- [IBS-5] [I-03] The link sets the password, once, and then they log in; whichever of the
-- message's links it was, the others are used up with it.
SET ROLE regress_outbox_app;
SELECT bestauth.set_password(:'second_token', 'a long password of mia');
SELECT bestauth.set_password(token, 'a long password of a thief') FROM (VALUES (:'first_token'), (:'second_token'), (:'third_token')) v (token);
SELECT outcome FROM bestauth.login('outbox_clinic', 'mia', 'a long password of mia');
RESET ROLE;
SELECT action, username, person FROM bestauth.audit_log WHERE company_code = 'outbox_clinic' AND action = 'password.set';

-- Whoever was deleted before the mailer came gets no mail.
SELECT bestauth.create_user('tim', 'restricted', 'Tim', 'Gone', 'tim@outbox.example', company => 'outbox_clinic') IS NOT NULL AS made;
SELECT bestauth.delete_user('tim', company => 'outbox_clinic');
SELECT count(*) FROM bestauth.claim_mail(1000) WHERE recipient = 'tim@outbox.example';
SELECT sent, cancelled FROM pg_temp.mail WHERE recipient = 'tim@outbox.example';
-- [I-06] An address is one line.
SELECT regress.attempt($$SELECT bestauth.create_user('two', 'restricted', 'Two', 'Lines', E'two@outbox.example\nBcc: x@outbox.example', company => 'outbox_clinic')$$);
-- [I-10] Where the link leads is a superuser's setting.
SET ROLE regress_outbox_mailer;
SELECT regress.attempt($$SET bestauth.base_url = 'https://evil.example'$$);
RESET ROLE;

REVOKE USAGE ON SCHEMA regress FROM regress_outbox_mailer, regress_outbox_app;
SELECT bestauth.revoke_access('regress_outbox_mailer', 'mailer');
SELECT bestauth.revoke_access('regress_outbox_app', 'application');
DROP ROLE regress_outbox_mailer, regress_outbox_app;
