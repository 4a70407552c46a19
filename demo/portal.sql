-- A client of Good Therapy gets a portal account, and the mail really goes out: to an
-- SMTP server on loopback, by two mailers, one of which is killed.
\ir style.psql

\echo
\echo '=== 13. Support sets up a client portal; Grace makes a clerk, and gives her what nobody has by default'
\echo
SET ROLE support;
SELECT bestauth.create_portal('goodtherapy', 'v1', 'client', 'Good Therapy Portal', 'https://portal.goodtherapy.example');
RESET ROLE;
SET ROLE webapp;
SELECT * FROM bestauth.login('goodtherapy', 'ggood', 'grace waters nine plants') \gset grace_
BEGIN;
SELECT bestauth.has_permission('web_portal') AS "Grace holds web_portal" FROM bestauth.use_session(:'grace_session_token');
SELECT bestauth.create_user('cclerk', 'standard', 'Carla', 'Clerk', 'carla@goodtherapy.example',
	'carla stamps every letter', permissions => '{manage_contacts}');
SELECT bestauth.grant_permission('cclerk', 'web_portal');
COMMIT;

\echo '=== 14. From the client''s chart: Carla confirms the address, and prints the instructions'
\echo
SELECT * FROM bestauth.login('goodtherapy', 'cclerk', 'carla stamps every letter') \gset carla_
BEGIN;
SELECT FROM bestauth.use_session(:'carla_session_token');
SELECT bestauth.create_contact('client', 'Cora', 'Client', 'cora@home.example') AS cora \gset
SELECT bestauth.create_portal_account(:'cora', 'cora@home.example') AS account \gset
\pset format unaligned
\pset tuples_only on
SELECT bestauth.portal_instructions(:'account');
\pset tuples_only off
\pset format aligned
COMMIT;

\echo '=== 15. The mailer has sent the link. Cora opens it and sets a password; she is not active yet'
\echo
\! demo/mail show cora@home.example set-password
\set invite `demo/mail token cora@home.example set-password`
\echo
SELECT outcome, username FROM bestauth.peek_password_link(:'invite');
SELECT bestauth.set_password(:'invite', 'the blue house by the lake');
SELECT outcome FROM bestauth.login('goodtherapy', 'cora@home.example', 'the blue house by the lake', 'v1');

\echo '=== 16. The second message, good for 30 minutes, makes the account active'
\echo
\! demo/mail show cora@home.example verify-email
\set verification `demo/mail token cora@home.example verify-email`
\echo
SELECT * FROM bestauth.verify_email(:'verification');
SELECT * FROM bestauth.verify_email(:'verification') AS "the same link again";
SELECT * FROM bestauth.login('goodtherapy', 'cora@home.example', 'the blue house by the lake', 'v1') \gset cora_
\echo '   login:' :cora_outcome
\echo
BEGIN;
SELECT bestauth.has_permission('fill_applications') AS fill_applications,
	bestauth.has_permission('sign_documents') AS sign_documents
FROM bestauth.use_session(:'cora_session_token');
COMMIT;

\echo '=== 17. On the portal''s own page: the same answer for Neil, who is new, and for Cora, who has an account'
\echo
SELECT * FROM bestauth.register_portal_account('goodtherapy', 'v1', 'neil@home.example', 'neil sails on windy days', 'Neil', 'New');
SELECT * FROM bestauth.register_portal_account('goodtherapy', 'v1', 'cora@home.example', 'somebody tries her address', 'Some', 'Body');
\! demo/mail show cora@home.example already
\set neil `demo/mail token neil@home.example verify-email`
\echo
SELECT * FROM bestauth.verify_email(:'neil');
SELECT outcome FROM bestauth.login('goodtherapy', 'neil@home.example', 'neil sails on windy days', 'v1');

\echo '=== 18. Forty new users at once; one of the two mailers is killed (-9) in the middle'
\echo
RESET ROLE;
SET ROLE support;
\o /dev/null
SELECT bestauth.create_user('nurse' || n, 'standard', 'Nurse', 'Number ' || n, 'nurse' || n || '@goodtherapy.example', company => 'goodtherapy')
FROM generate_series(1, 40) n;
\o
RESET ROLE;
\! demo/kill-mailer
\echo '   (What it had claimed is free again when its lease is over; the DBA does not want to wait for that.)'
\o /dev/null
UPDATE bestauth.outbox SET due_at = clock_timestamp() WHERE sent_at IS NULL AND cancelled_at IS NULL AND due_at > clock_timestamp();
NOTIFY bestauth_outbox;
\o
\set ECHO none
DO $$
BEGIN
	FOR i IN 1 .. 600 LOOP
		EXIT WHEN NOT EXISTS (SELECT FROM bestauth.outbox WHERE sent_at IS NULL AND cancelled_at IS NULL);
		PERFORM pg_sleep(0.1);
		COMMIT;
	END LOOP;
END
$$;
\set ECHO queries
SELECT kind, topic, count(*) AS messages, count(sent_at) AS sent, count(cancelled_at) AS called_off, max(attempts) AS attempts
FROM bestauth.outbox GROUP BY kind, topic ORDER BY kind, topic;
\set delivered `demo/mail count`
\set ids `demo/mail ids`
\echo '   delivered:' :delivered 'messages with' :ids 'different message ids'
\echo

\echo '=== 19. What the audit says of Cora, and the portal accounts there are'
\echo
SELECT to_char(occurred_at, 'HH24:MI:SS') AS time, username, action, detail ->> 'reason' AS reason
FROM bestauth.audit_report(company => 'goodtherapy')
WHERE username = 'cora@home.example' OR object_id = 'cora@home.example' OR action LIKE 'portal_account.%';
SELECT company, portal, username, name, state FROM bestauth.portal_accounts;
SELECT check_name, ok, value FROM bestauth.health WHERE check_name LIKE 'mail%';

\set ECHO none
SELECT count(*) AS sent FROM bestauth.outbox WHERE sent_at IS NOT NULL \gset
SELECT set_config('demo.ids', :'ids', false), set_config('demo.delivered', :'delivered', false), set_config('demo.sent', :'sent', false) \gset
DO $$
BEGIN
	ASSERT (SELECT count(*) FROM bestauth.portal_accounts WHERE state = 'active') = 2, 'two accounts are active';
	ASSERT (SELECT count(*) FROM bestauth.outbox WHERE kind = 'password_setup' AND sent_at IS NOT NULL) = 40,
		'all forty were sent their link';
	ASSERT current_setting('demo.ids')::int = current_setting('demo.sent')::int, 'every message sent was delivered';
	ASSERT current_setting('demo.delivered')::int >= current_setting('demo.ids')::int;
	ASSERT NOT EXISTS (SELECT FROM bestauth.outbox WHERE dead_at IS NOT NULL), 'no mail was given up';
END
$$;
