-- ACME Billing enters Good Therapy, Inc.: the main job of bestauth, as an
-- operator and an application do it at psql. Every statement is shown.
\ir style.psql

\echo
\echo '=== 1. The DBA installs bestauth, opens the instance, and lets two roles in'
\echo
CREATE SCHEMA crypto;
CREATE EXTENSION pgcrypto SCHEMA crypto;
CREATE EXTENSION bestauth;
SELECT bestauth.open_instance('demo');
CREATE ROLE webapp;
CREATE ROLE support;
SELECT bestauth.grant_access('webapp', 'application'), bestauth.grant_access('support', 'operator');

\echo '=== 2. Support, the operator, makes both companies and registers ACME'
\echo
SET ROLE support;
SELECT bestauth.create_company('acme', 'ACME Billing') AS acme,
	bestauth.create_company('goodtherapy', 'Good Therapy, Inc.') AS goodtherapy;
SELECT bestauth.register_billing_service('acme');
SELECT bestauth.create_user('ggood', 'company_administrator', 'Grace', 'Good',
	'grace@goodtherapy.example', 'grace waters nine plants', company => 'goodtherapy');
SELECT bestauth.create_user('aboss', 'company_administrator', 'Ada', 'Boss',
	'ada@acme.example', 'ada opens the morning mail', company => 'acme');
RESET ROLE;

\echo '=== 3. From here on the application speaks. ACME makes its billers: restricted users'
\echo
SET ROLE webapp;
SELECT * FROM bestauth.login('acme', 'aboss', 'ada opens the morning mail') \gset ada_
\echo '   login:' :ada_outcome
\echo
BEGIN;
SELECT user_id, company_id FROM bestauth.use_session(:'ada_session_token');
SELECT bestauth.suggest_username('Joan', 'Biller');
SELECT bestauth.create_user('jbiller', 'restricted', 'Joan', 'Biller', 'joan@acme.example',
	'joan counts every penny');
SELECT bestauth.create_user('lforget', 'restricted', 'Leo', 'Forget', 'leo@acme.example',
	'leo never finds his keys');
\echo '   A standard user can be made as well, and bestauth says what that means:'
SELECT bestauth.create_user('ssmith', 'standard', 'Sam', 'Smith', 'sam@acme.example',
	'sam hums in the elevator');
COMMIT;

\echo '=== 4. Good Therapy grants ACME access: two keys with different permissions'
\echo
SELECT * FROM bestauth.login('goodtherapy', 'ggood', 'grace waters nine plants') \gset grace_
\echo '   login:' :grace_outcome
\echo
BEGIN;
SELECT user_id, company_id FROM bestauth.use_session(:'grace_session_token');
SELECT code, name FROM bestauth.list_billing_services();
SELECT bestauth.create_role('Biller', '{claims,eops}');
SELECT bestauth.create_user('acme-claims', 'billing', 'ACME', 'claims',
	password => 'key one of good therapy', billing_service => 'acme', roles => '{Biller}');
SELECT bestauth.create_user('acme-office', 'billing', 'ACME', 'office',
	password => 'key two of good therapy', billing_service => 'acme',
	permissions => '{eligibility,manage_users}');
COMMIT;

\echo '=== 5. Part one: the key. It gives no session, only a challenge for part two'
\echo
SELECT * FROM bestauth.login('goodtherapy', 'acme-claims', 'key one of good therapy') \gset one_
\echo '   outcome:   ' :one_outcome
\echo '   prompt for:' :one_billing_service
\echo '   audience:  ' :one_audience
\echo

\echo '=== 6. Part two: the person''s own account. A standard user is refused, a restricted one enters'
\echo
SELECT outcome FROM bestauth.login_second_part(:'one_challenge_token', 'ssmith',
	'sam hums in the elevator');
SELECT * FROM bestauth.login_second_part(:'one_challenge_token', 'jbiller',
	'joan counts every penny') \gset joan_
\echo '   outcome:' :joan_outcome
\echo

\echo '=== 7. What the session may do is what the key may do'
\echo
BEGIN;
SELECT user_id AS key, person_id AS person FROM bestauth.use_session(:'joan_session_token');
SELECT bestauth.has_permission('claims') AS claims, bestauth.has_permission('eops') AS eops,
	bestauth.has_permission('eligibility') AS eligibility,
	bestauth.has_permission('manage_users') AS manage_users;
\set ON_ERROR_STOP 0
SELECT bestauth.create_user('backdoor', 'standard', 'Back', 'Door', 'joan@elsewhere.example');
\set ON_ERROR_STOP 1
ROLLBACK;

\echo
\echo '=== 8. The other key may more. This time her own session at ACME is the second part'
\echo
SELECT * FROM bestauth.login('acme', 'jbiller', 'joan counts every penny') \gset own_
SELECT * FROM bestauth.login('goodtherapy', 'acme-office', 'key two of good therapy') \gset two_
SELECT * FROM bestauth.login_second_part_session(:'two_challenge_token', :'own_session_token') \gset office_
\echo '   outcome:' :office_outcome
\echo
BEGIN;
SELECT user_id AS key, person_id AS person FROM bestauth.use_session(:'office_session_token');
SELECT bestauth.create_user('nnurse', 'standard', 'Nia', 'Nurse', 'nia@goodtherapy.example',
	'nia walks the long hall');
COMMIT;
\echo '   But nobody gives away what they don''t hold:'
BEGIN;
SELECT user_id AS key, person_id AS person FROM bestauth.use_session(:'office_session_token');
\set ON_ERROR_STOP 0
SELECT bestauth.grant_permission('nnurse', 'audit_report');
\set ON_ERROR_STOP 1
ROLLBACK;

\echo
\echo '=== 9. Five wrong guesses, every one rolled back; then the right password. Locked'
\echo
\set ECHO none
SELECT * FROM bestauth.login('goodtherapy', 'acme-claims', 'key one of good therapy') \gset three_
BEGIN; SELECT outcome AS "guess 1" FROM bestauth.login('acme', 'lforget', 'wrong password one'); ROLLBACK;
BEGIN; SELECT outcome AS "guess 2" FROM bestauth.login('acme', 'lforget', 'wrong password two'); ROLLBACK;
BEGIN; SELECT outcome AS "guess 3" FROM bestauth.login('acme', 'lforget', 'wrong password three'); ROLLBACK;
BEGIN; SELECT outcome AS "guess 4" FROM bestauth.login_second_part(:'three_challenge_token', 'lforget', 'wrong password four'); ROLLBACK;
BEGIN; SELECT outcome AS "guess 5" FROM bestauth.login_second_part(:'three_challenge_token', 'lforget', 'wrong password five'); ROLLBACK;
\set ECHO queries
SELECT outcome AS "the right password" FROM bestauth.login_second_part(:'three_challenge_token', 'lforget',
	'leo never finds his keys');

\echo '=== 10. Support unregisters ACME: Joan''s open session is refused at once'
\echo
RESET ROLE;
SET ROLE support;
SELECT bestauth.unregister_billing_service('acme');
RESET ROLE;
SET ROLE webapp;
BEGIN;
\set ON_ERROR_STOP 0
SELECT * FROM bestauth.use_session(:'joan_session_token');
\set ON_ERROR_STOP 1
ROLLBACK;

\echo
\echo '=== 11. Good Therapy''s audit report, as its administrator reads it'
\echo
BEGIN;
SELECT user_id, company_id FROM bestauth.use_session(:'grace_session_token');
SELECT to_char(occurred_at, 'HH24:MI:SS') AS time, username AS "user or key", person,
	billing_service AS service, action, object_id AS object, detail ->> 'reason' AS reason
FROM bestauth.audit_report() WHERE action NOT LIKE 'row.%';
SELECT action, count(*) FROM bestauth.audit_report() WHERE action LIKE 'row.%' GROUP BY action ORDER BY action;
COMMIT;
RESET ROLE;

\echo '=== 12. Who is charged, and why'
\echo
SELECT company_name, username, user_type, charged, reason FROM bestauth.chargeable_users
ORDER BY company_name, charged DESC, username;

\echo '=== The audit as a page, to read, print and hand over'
\echo
\getenv folder WORK
\set page :folder /report.html
SELECT bestauth.audit_html(now() - interval '1 day', now()) \g (format=unaligned tuples_only=on) :page
\! echo "   report.html: $(wc -c < "$WORK/report.html") bytes"
\echo

-- The tour is a test as well: it fails when something went another way.
\set ECHO none
DO $$
BEGIN
	ASSERT (SELECT count(*) FROM bestauth.audit_report(company => 'goodtherapy', action => 'login.denied')) = 4,
		'four logins were denied at Good Therapy';
	ASSERT (SELECT count(*) FROM bestauth.audit_report(company => 'goodtherapy', action => 'access.denied')
		WHERE username IN ('acme-claims', 'acme-office') AND person = 'acme/jbiller' AND billing_service = 'acme') = 2,
		'two acts of Joan were refused';
	ASSERT (SELECT count(*) FROM bestauth.audit_report(company => 'goodtherapy', action => 'session.refused')) = 1,
		'the session was refused after ACME was unregistered';
	ASSERT (SELECT count(*) FROM bestauth.audit_report(company => 'acme', action => 'login.denied')
		WHERE company = 'acme') = 3, 'guesses that were rolled back are in the audit';
	ASSERT (SELECT count(*) FROM bestauth.chargeable_users WHERE charged) = 4, 'four users are charged';
END
$$;
