-- An office of providers registers with Good Therapy: invites, requests and the office's
-- own users, as an administrator of the office would do it; the mail really goes out.
\ir style.psql

\echo
\echo '=== 20. Support sets up a provider portal and an office, and loads the claims of the past'
\echo
SET ROLE support;
SELECT bestauth.create_portal('goodtherapy', 'docs', 'provider', 'Good Therapy for Providers', 'https://providers.goodtherapy.example') IS NOT NULL AS portal;
SELECT bestauth.create_office('goodtherapy', '113437602', 'Lakeside Clinic', provider_number => 'T113437602',
	account_type => 'Non-Hospital Affiliated Clinic') AS office \gset
SELECT bestauth.create_provider(:'office', '1234567893', 'Paula', 'Provider', '1970-02-03') AS paula \gset
COPY bestauth.claim_history (office_identifier, npi, claim_number, service_date, company) FROM STDIN (FORMAT csv);
113437602,1234567893,CLM-2019-0042,2019-05-06,goodtherapy
113437602,1234567893,CLM-2020-0007,2020-01-15,goodtherapy
\.
SELECT name, permissions FROM bestauth.list_roles(company => 'goodtherapy') WHERE name LIKE 'Provider%';

\echo '=== 21. PART ONE. Support invites the office''s first administrator; she opens the link, and is in'
\echo
SELECT email, expires_at - now() > interval '23 hours 59 minutes' AS good_for_a_day
FROM bestauth.send_registration_links('{ada@lakeside.example}', 'Provider - Administrator', :'office');
RESET ROLE;
SET ROLE webapp;
\! demo/mail show ada@lakeside.example accept-registration
\set invite `demo/mail token ada@lakeside.example accept-registration`
\echo
SELECT outcome, email, office, role FROM bestauth.peek_registration(:'invite');
SELECT outcome FROM bestauth.accept_registration(:'invite', 'ada', 'ada counts white sails', 'Ada', 'Admin', '{"title": "Office manager"}');
SELECT outcome FROM bestauth.accept_registration(:'invite', 'eve', 'eve was a little late', 'Eve', 'Late');
SELECT * FROM bestauth.login('goodtherapy', 'ada', 'ada counts white sails', portal => 'docs') \gset ada_

\echo '=== 22. She invites co-workers: the addresses separated by commas, without spaces; one bad one, and nothing is sent'
\echo
\set ON_ERROR_STOP 0
BEGIN;
SELECT FROM bestauth.use_session(:'ada_session_token');
SELECT * FROM bestauth.send_registration_links_csv('carl@lakeside.example,dora at lakeside', 'Provider - Clerical User', :'office');
ROLLBACK;
\set ON_ERROR_STOP 1
BEGIN;
SELECT FROM bestauth.use_session(:'ada_session_token');
SELECT email FROM bestauth.send_registration_links_csv('carl@lakeside.example,dora@lakeside.example', 'Provider - Clerical User', :'office');
SELECT email FROM bestauth.send_registration_links('{paula@lakeside.example}', 'Provider - Administrator', :'office', :'paula');
COMMIT;
\set paula_invite `demo/mail token paula@lakeside.example accept-registration`
SELECT outcome FROM bestauth.accept_registration(:'paula_invite', 'paula', 'paula walks the long pier', 'Paula', 'Provider');

\echo '=== 23. PART TWO. Three ask for an account without an invite: one knows a claim and the provider''s date of birth'
\echo
SELECT status, missing FROM bestauth.submit_registration('goodtherapy', '11-3437602', '24', 'tin', NULL, 'Provider - Portal User',
	'bob', 'bob mends nets at night', 'Bob', 'Biller', 'bob@lakeside.example', 'clm 2019 0042', '1970-02-03');
SELECT status, missing FROM bestauth.submit_registration('goodtherapy', '113437602', '24', 'tin', NULL, NULL,
	'testprov8', 'a test of eight swans', 'Provider', 'Test', 'test@lakeside.example', 'CLM-1', '1970-02-03');
SELECT status, missing FROM bestauth.submit_registration('goodtherapy', '113437602', '24', 'individual', '1234567893', NULL,
	'mallory', 'mallory has a crooked plan', 'Mallory', 'Maybe', 'mallory@elsewhere.example');
SELECT status, missing FROM bestauth.submit_registration('goodtherapy', '113437602', '24', 'individual', NULL, NULL,
	'nora', NULL, 'Nora', 'Never', 'nora@lakeside.example');

\echo '=== 24. Ada looks into the console, and decides; a decision is final'
\echo
BEGIN;
SELECT FROM bestauth.use_session(:'ada_session_token');
SELECT status, other_identifiers, id_code_qualifier, registered_provider_name FROM bestauth.registration_console();
SELECT registration_id AS test FROM bestauth.registration_console('PENDING-PROV-ADMIN-REVIEW') \gset
SELECT registration_id AS mallory FROM bestauth.registration_console('PENDING-ADMIN-REVIEW', 'mall') \gset
\x on
SELECT provider_number, other_identifiers, office, account_type, role, username, first_name, last_name, email,
	claim_number_result, birth_date_result FROM bestauth.registration_details(:'test');
\x off
SELECT bestauth.approve_registration(:'test', 'Provider - Clerical User');
SELECT reason FROM bestauth.list_decline_reasons();
SELECT bestauth.deny_registration(:'mallory', 'Does not work at this office');
COMMIT;
\set ON_ERROR_STOP 0
BEGIN;
SELECT FROM bestauth.use_session(:'ada_session_token');
SELECT bestauth.approve_registration(:'mallory') AS "Mallory once more";
ROLLBACK;
\set ON_ERROR_STOP 1
\! demo/mail show mallory@elsewhere.example declined
\set verification `demo/mail token test@lakeside.example verify-email`
\echo
SELECT outcome FROM bestauth.login('goodtherapy', 'testprov8', 'a test of eight swans', portal => 'docs');
SELECT * FROM bestauth.verify_email(:'verification');
SELECT outcome FROM bestauth.login('goodtherapy', 'testprov8', 'a test of eight swans', portal => 'docs');

\echo '=== 25. PART THREE. Ada adds an employee and an account, with a temporary password that she hands over'
\echo
BEGIN;
SELECT FROM bestauth.use_session(:'ada_session_token');
SELECT bestauth.create_employee(:'office', 'Physician', 'Fields', 'Fay', telephone => '555-0142', title => 'Nurse') AS fay \gset
SELECT name, role, title, phone FROM bestauth.search_employees('fie');
SELECT temporary_password AS temporary FROM bestauth.create_provider_user(:'fay', 'ffields', 'Provider - Portal User', 'fay@lakeside.example',
	questions => '{What is the name of your pet?}', answers => '{Old Rex}') \gset
COMMIT;
SELECT outcome, challenge_token AS change FROM bestauth.login('goodtherapy', 'ffields', :'temporary', portal => 'docs') \gset fay_
\echo '   login with the temporary password:' :fay_outcome
\echo
SELECT bestauth.set_password(:'fay_change', 'fay plants yellow tulips');

\echo '=== 26. She resets a password, edits and deletes users; a user name never changes'
\echo
BEGIN;
SELECT FROM bestauth.use_session(:'ada_session_token');
SELECT bestauth.reset_password('testprov8') <> '' AS "a temporary password was shown once";
SELECT bestauth.update_user('ffields', '{"title": "Head nurse", "mobile_phone": "555-0143", "mobile_carrier": "Lake Mobile", "roles": ["Provider - Clerical User"]}');
SELECT bestauth.delete_user('bob');
SELECT name, username, office, role, locked, locked_until, deleted FROM bestauth.search_users();
SELECT bestauth.count_users(deleted => true) AS deleted_users;
COPY (SELECT name, username, role, deleted FROM bestauth.export_users(role => 'Provider - Clerical User')) TO STDOUT (FORMAT csv, HEADER);
COMMIT;

\echo '=== 27. At individual level Paula sees one provider, and nobody else''s users'
\echo
SELECT * FROM bestauth.login('goodtherapy', 'paula', 'paula walks the long pier', portal => 'docs') \gset paula_
BEGIN;
SELECT FROM bestauth.use_session(:'paula_session_token');
SELECT bestauth.current_provider_id() = :'paula' AS "her own", bestauth.can_access_provider(:'paula') AS "may see it",
	(SELECT string_agg(username, ', ') FROM bestauth.search_users()) AS users;
COMMIT;

\echo '=== 28. What the DBA sees: every registration with its story, and the audit'
\echo
RESET ROLE;
SELECT status, coalesce(username, email) AS who, changed_by AS by, reason,
	(SELECT string_agg(step ->> 'to', ' < ' ORDER BY n DESC) FROM jsonb_array_elements(history) WITH ORDINALITY AS h (step, n)) AS story
FROM bestauth.registration ORDER BY created_at;
SELECT to_char(occurred_at, 'HH24:MI:SS') AS time, username, action, outcome,
	coalesce(detail ->> 'username', detail ->> 'email') AS about, coalesce(detail ->> 'role', detail ->> 'reason') AS what
FROM bestauth.audit_report(company => 'goodtherapy', since => now() - interval '1 hour')
WHERE action LIKE 'registration.%' OR action IN ('users.exported', 'password.reset');

\set ECHO none
DO $$
BEGIN
	ASSERT (SELECT array_agg(status ORDER BY created_at) FROM bestauth.registration) = '{EMAIL-SUCCESS,EMAIL-INT,EMAIL-INT,EMAIL-SUCCESS,AUTO-APPROVED,MANUAL-PROV-ADMIN-APPROVED,DECLINED,INVALIDATED}',
		'every registration came to its end';
	ASSERT (SELECT count(*) FROM bestauth.user_account WHERE user_type = 'provider' AND deleted_at IS NULL) = 4, 'four accounts';
	ASSERT NOT EXISTS (SELECT FROM bestauth.outbox WHERE dead_at IS NOT NULL), 'no mail was given up';
END
$$;
