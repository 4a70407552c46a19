-- The tour goes on: ACME's people live in a database of their own, which shares with this one
-- nothing but a public key.
\ir style.psql

\echo
\echo '=== 43. ACME moves its people to an instance of its own, and makes a key that vouches for them'
\echo
CREATE DATABASE acme_home;
\connect acme_home
CREATE SCHEMA crypto;
CREATE EXTENSION pgcrypto SCHEMA crypto;
CREATE EXTENSION bestauth;
SELECT FROM bestauth.open_instance('acme-home');
SELECT bestauth.create_company('acme', 'ACME Billing') IS NOT NULL AS company;
SELECT FROM bestauth.register_billing_service('acme');
SELECT bestauth.create_user('mmoore', 'restricted', 'Mary', 'Moore',
	'mary@acme.example', 'seven ferries leave at dawn', company => 'acme') IS NOT NULL AS mary;
SELECT bestauth.create_sso_key('acme') AS key \gset
SELECT jsonb_pretty(:'key'::jsonb - '{x,y}'::text[]) AS "the public key, without its numbers";

\echo '=== 44. Harbor Physio, in the other database, gives ACME a key, and knows its people by that signature'
\echo
\connect demo
SELECT FROM bestauth.register_billing_service('acme', :'key');
SELECT bestauth.create_company('harbor', 'Harbor Physio') IS NOT NULL AS harbor;
SELECT bestauth.create_user('acme-harbor', 'billing', 'ACME', 'Harbor', password => 'nine gulls on a wooden pier', billing_service => 'acme',
	permissions => '{claims,eops}', company => 'harbor') IS NOT NULL AS key_made;
SELECT bestauth.export_served_customers('acme') AS told \gset

\echo '=== 45. Mary logs in at home, and sees whom she works for'
\echo
\connect acme_home
SELECT bestauth.import_served_customers('acme', :'told') > 0 AS told;
SELECT session_token AS mary FROM bestauth.login('acme', 'mmoore', 'seven ferries leave at dawn') \gset
BEGIN;
SELECT FROM bestauth.use_session(:'mary');
SELECT company, name, billing_username, permissions FROM bestauth.list_served_customers() WHERE billing_username = 'acme-harbor';
COMMIT;

\echo '=== 46. The shared key at Harbor is part one; her own instance says who she is, once, for this login alone'
\echo
\connect demo
SELECT outcome, billing_service, audience, challenge_token, challenge_id FROM bestauth.login('harbor', 'acme-harbor', 'nine gulls on a wooden pier') \gset part1_
\echo    :part1_outcome :part1_audience
\connect acme_home
BEGIN;
SELECT FROM bestauth.use_session(:'mary');
SELECT bestauth.issue_sso_assertion(:'part1_audience', :'part1_challenge_id') AS assertion \gset
COMMIT;
\connect demo
SELECT outcome, session_token, expires_at <= clock_timestamp() + interval '15 minutes' AS short FROM bestauth.login_second_part_sso(:'part1_challenge_token', :'assertion') \gset in_
\echo    :in_outcome, for a quarter of an hour: :in_short
BEGIN;
SELECT FROM bestauth.use_session(:'in_session_token');
SELECT bestauth.has_permission('claims') AS claims, u.username AS person, u.user_type FROM bestauth.user_account u WHERE u.user_id = bestauth.current_person_id();
COMMIT;
\echo '    The same assertion once more'
SELECT outcome FROM bestauth.login_second_part_sso(:'part1_challenge_token', :'assertion');

\echo '=== 47. What Harbor sees of it'
\echo
SELECT action, username, person, billing_service, detail ->> 'issuer' AS issuer, detail ->> 'reason' AS reason
FROM bestauth.audit_report(company => 'harbor') WHERE action LIKE 'login.%';

\echo '=== 48. Harbor trusts the key no more: Mary is out at once'
\echo
SELECT FROM bestauth.distrust_sso_key('acme', :'key'::jsonb ->> 'kid');
\set ON_ERROR_STOP off
BEGIN;
SELECT FROM bestauth.use_session(:'in_session_token');
ROLLBACK;
\set ON_ERROR_STOP on

\set ECHO none
SELECT set_config('demo.session', :'in_session_token', false), set_config('demo.outcome', :'in_outcome', false) \g /dev/null
DO $$
BEGIN
	ASSERT current_setting('demo.outcome') = 'authenticated', 'Mary was let in';
	ASSERT (SELECT count(*) FROM bestauth.audit_log WHERE company_code = 'harbor' AND action = 'login.succeeded' AND person = 'acme/mmoore') = 1, 'by her own name';
	ASSERT (SELECT count(*) FROM bestauth.audit_log WHERE company_code = 'harbor' AND action = 'login.denied') = 1, 'once';
	PERFORM bestauth.use_session(current_setting('demo.session'));
	RAISE 'the session is still good' USING ERRCODE = 'assert_failure';
EXCEPTION WHEN invalid_authorization_specification THEN
	NULL;
END
$$;
