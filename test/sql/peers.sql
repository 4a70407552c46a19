-- What went wrong in other systems when it was tried there, played here: what the
-- other one does, the act, and what comes of it here.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA peers_test;
GRANT USAGE ON SCHEMA peers_test TO PUBLIC;
CREATE FUNCTION peers_test.attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
CREATE ROLE regress_peers_app;
RESET client_min_messages;
DO $$
BEGIN
	PERFORM bestauth.grant_access('regress_peers_app', 'application');
	PERFORM bestauth.create_company('peers-inc', 'Peers');
	PERFORM bestauth.create_user('one', 'standard', 'One', 'One', 'one@peers.example', 'a password of one', company => 'peers-inc');
	PERFORM bestauth.create_user('two', 'standard', 'Two', 'Two', 'two@peers.example', 'a password of two', company => 'peers-inc');
	PERFORM bestauth.create_user('boss', 'company_administrator', 'Bo', 'Ss', 'boss@peers.example', 'a password of boss', company => 'peers-inc');
END
$$;
SET SESSION AUTHORIZATION regress_peers_app;

-- [D1] A peer writes the failed login, sets the lock, and raises an error, which
-- undoes both: the account is never locked, and the log is empty.
SHOW bestauth.lockout_threshold;
SELECT n, outcome FROM generate_series(1, 5) n, bestauth.login('peers-inc', 'one', 'wrong password ' || n);
SELECT outcome FROM bestauth.login('peers-inc', 'one', 'a password of one');
RESET SESSION AUTHORIZATION;
SELECT outcome, detail ->> 'reason' AS reason, count(*) FROM bestauth.audit_log
WHERE company_code = 'peers-inc' AND username = 'one' AND action = 'login.denied' GROUP BY outcome, reason ORDER BY count(*);

-- [D8] Peers hash with gen_salt('bf') alone: cost 6. Here every hash has the cost that is
-- configured, and nobody can configure less than 10.
SELECT boot_val AS usual, min_val AS least FROM pg_settings WHERE name = 'bestauth.hash_cost';
SELECT count(*), bool_and(password_hash LIKE format('$2a$%s$%%', current_setting('bestauth.hash_cost'))) AS as_configured,
	bool_and(substr(password_hash, 5, 2)::int >= 10) AS never_less
FROM bestauth.credential JOIN bestauth.user_account USING (user_id) JOIN bestauth.company c USING (company_id) WHERE c.code = 'peers-inc';
SELECT peers_test.attempt('SET bestauth.hash_cost = 6');

-- [D6] [C-01] A peer counts in the caller's transaction: who rolls back guesses for ever.
SET SESSION AUTHORIZATION regress_peers_app;
BEGIN; SELECT outcome FROM bestauth.login('peers-inc', 'two', 'wrong password 1'); ROLLBACK;
BEGIN; SELECT outcome FROM bestauth.login('peers-inc', 'two', 'wrong password 2'); SELECT 1 / 0; ROLLBACK;
BEGIN; SAVEPOINT s; SELECT outcome FROM bestauth.login('peers-inc', 'two', 'wrong password 3'); ROLLBACK TO s; COMMIT;
SELECT peers_test.attempt($$SELECT 1 / (outcome <> 'denied')::int FROM bestauth.login('peers-inc', 'two', 'wrong password 4')$$);
BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT outcome FROM bestauth.login('peers-inc', 'two', 'wrong password 5'); ROLLBACK;
SELECT outcome FROM bestauth.login('peers-inc', 'two', 'a password of two');
RESET SESSION AUTHORIZATION;
SELECT outcome, detail ->> 'reason' AS reason, count(*) FROM bestauth.audit_log
WHERE company_code = 'peers-inc' AND username = 'two' AND action = 'login.denied' GROUP BY outcome, reason ORDER BY count(*);
SELECT bestauth.unlock_user(u, company => 'peers-inc') FROM unnest('{one,two}'::text[]) u;

-- [D3] A peer takes the caller's id as an argument, so that every caller is user 1:
-- no function here has such an argument, and without a session nobody has a permission.
SELECT p.oid::regprocedure FROM pg_proc p
WHERE p.pronamespace = 'bestauth'::regnamespace
	AND p.proargnames[1:p.pronargs] && '{user_id,person_id,session_id,caller,caller_id,actor,actor_id,acting_user,current_user_id}';
SET SESSION AUTHORIZATION regress_peers_app;
SELECT bestauth.has_permission('manage_users') AS none, bestauth.current_user_id() IS NULL AS nobody;
SELECT peers_test.attempt($$SELECT bestauth.create_user('mine', 'company_administrator', 'M', 'M', 'm@peers.example')$$);
SELECT peers_test.attempt($$SELECT bestauth.has_permission(1, 'manage_users')$$);
-- And whoever holds everything is who logged in, in that transaction alone.
SELECT session_token AS boss FROM bestauth.login('peers-inc', 'boss', 'a password of boss') \gset
SELECT session_token AS one FROM bestauth.login('peers-inc', 'one', 'a password of one') \gset
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session(:'boss');
SELECT bestauth.has_permission('manage_users') AS boss;
COMMIT;
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session(:'one');
SELECT bestauth.has_permission('manage_users') AS one;
COMMIT;

-- [D10] A peer reads its claims from a setting that the session may SET: the caller is
-- the owner of whatever group they write there.
SELECT peers_test.attempt($$SET bestauth.identity = '{"role": "owner"}'$$);
SELECT peers_test.attempt($$SELECT set_config('bestauth.identity', '{"role": "owner"}', true)$$);
SELECT peers_test.attempt($$SET request.groups = '{"g": ["owner"]}'$$), peers_test.attempt($$SET request.jwt.claims = '{"sub": "boss"}'$$);
SELECT bestauth.has_permission('manage_users') AS none, bestauth.current_user_id() IS NULL AS nobody;
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session(:'one');
SELECT peers_test.attempt($$SELECT set_config('bestauth.identity', '{"role": "owner"}', true)$$);
SELECT bestauth.has_permission('manage_users') AS one;
ROLLBACK;
-- [D11] The same for its limits: a peer's lock ends when the session raises the threshold.
SELECT peers_test.attempt('SET bestauth.lockout_threshold = 100');

-- [D12] A peer's functions run with the caller's rights, so the caller has rights on its
-- tables, and deletes what the audit says of them.
SELECT peers_test.attempt('DELETE FROM bestauth.audit_log');
RESET SESSION AUTHORIZATION;
SELECT count(*) AS rows FROM bestauth.audit_log \gset
SELECT peers_test.attempt('DELETE FROM bestauth.audit_log');
SET session_replication_role = replica;
SELECT peers_test.attempt('TRUNCATE bestauth.audit_log');
RESET session_replication_role;
SELECT count(*) - :rows AS fewer FROM bestauth.audit_log;

-- Invitations, links and tokens: an account in a client portal, made by staff.
SELECT bestauth.create_portal('peers-inc', 'clients', 'client', 'Clients') IS NOT NULL AS made;
SELECT bestauth.create_contact('client', 'Ina', 'Vite', 'ina@peers.example', 'peers-inc') AS ina \gset
SELECT bestauth.create_portal_account(:'ina', 'ina@peers.example', company => 'peers-inc') AS account \gset
SELECT token AS first FROM bestauth.claim_mail(1000) WHERE recipient = 'ina@peers.example' \gset

-- [D7] At a peer, who invites an address once more gets a raw unique violation, and there is no way
-- to send it again; what was accepted is deleted. Here it just works: one account, another link, and the
-- audit has both.
SELECT bestauth.create_portal_account(:'ina', 'Ina@Peers.example', company => 'peers-inc') = :'account' AS same_account;
SELECT token AS second FROM bestauth.claim_mail(1000) WHERE recipient = 'ina@peers.example' \gset
SELECT bestauth.set_password(:'first', 'seven green boats of ina');
SELECT count(*) FROM bestauth.user_account WHERE email = 'ina@peers.example';
SELECT bestauth.create_user('invited', 'standard', 'In', 'Vited', 'invited@peers.example', company => 'peers-inc') IS NOT NULL AS made;
SELECT bestauth.resend_setup_link('invited', company => 'peers-inc');
SELECT count(*) AS mails FROM bestauth.claim_mail(1000) WHERE recipient = 'invited@peers.example';
SELECT action, outcome FROM bestauth.audit_log WHERE company_code = 'peers-inc' AND action LIKE 'portal_account.%' ORDER BY audit_id;

-- [D2] At a peer, accepting what has expired raises an error, which takes back the note that it
-- has; two invitations of one address make two accounts; and accepting takes no token but ids. Here it
-- expires by the clock, the answer is no error, its note outlives the caller's transaction, and nothing
-- but the token is taken.
UPDATE bestauth.token SET created_at = created_at - interval '25 hours', expires_at = expires_at - interval '25 hours' WHERE token_hash = sha256(convert_to(:'second', 'UTF8'));
SET SESSION AUTHORIZATION regress_peers_app;
BEGIN; SELECT bestauth.set_password(:'second', 'seven green boats of ina'); ROLLBACK;
SELECT bestauth.set_password(:'second', 'seven green boats of ina');
SELECT id, bestauth.set_password(value, 'seven green boats of ina'), (SELECT outcome FROM bestauth.verify_email(value)) AS verify_email
FROM (VALUES ('contact', :'ina'), ('account', :'account'), ('address', 'ina@peers.example'), ('nothing', '')) v (id, value);
RESET SESSION AUTHORIZATION;
SELECT username, outcome, detail ->> 'reason' AS reason, count(*) FROM bestauth.audit_log
WHERE company_code = 'peers-inc' AND username = 'ina@peers.example' AND outcome = 'denied' GROUP BY 1, 2, 3 ORDER BY count(*);
SELECT p.oid::regprocedure FROM pg_proc p
WHERE p.pronamespace = 'bestauth'::regnamespace AND p.proname ~ '^(verify|confirm_email|set_password|accept|redeem)' AND has_function_privilege('regress_peers_app', p.oid, 'EXECUTE')
	AND p.proargtypes::oid[] && ARRAY['uuid', 'integer', 'bigint']::regtype[]::oid[];
SELECT bestauth.create_portal_account(:'ina', 'ina@peers.example', company => 'peers-inc') = :'account' AS same_account;
SELECT token AS third FROM bestauth.claim_mail(1000) WHERE recipient = 'ina@peers.example' \gset

-- [D5] At a peer a token that is a year old resets a password, and one that verifies an address
-- does so twice, for ever. Here each works once, for as long as it says.
SET SESSION AUTHORIZATION regress_peers_app;
SELECT bestauth.set_password(:'third', 'seven green boats of ina');
SELECT bestauth.set_password(:'third', 'eight green boats of ina');
RESET SESSION AUTHORIZATION;
SELECT token AS verify FROM bestauth.claim_mail(1000) WHERE recipient = 'ina@peers.example' \gset
SELECT expires_at - created_at BETWEEN '29 minutes 59 seconds' AND '30 minutes 1 second' AS half_an_hour FROM bestauth.token WHERE token_hash = sha256(convert_to(:'verify', 'UTF8'));
UPDATE bestauth.token SET created_at = created_at - interval '1 year', expires_at = expires_at - interval '1 year' WHERE token_hash = sha256(convert_to(:'verify', 'UTF8'));
SELECT outcome FROM bestauth.verify_email(:'verify');
SELECT outcome FROM bestauth.resend_verification('peers-inc', NULL, 'ina@peers.example');
SELECT token AS verify2 FROM bestauth.claim_mail(1000) WHERE recipient = 'ina@peers.example' \gset
SELECT outcome FROM bestauth.verify_email(:'verify2');
SELECT outcome FROM bestauth.verify_email(:'verify2');
SELECT outcome FROM bestauth.verify_email(:'verify');
SELECT bestauth.request_password_reset('peers-inc', 'ina@peers.example', 'clients');
SELECT token AS reset FROM bestauth.claim_mail(1000) WHERE recipient = 'ina@peers.example' AND kind = 'password_reset' \gset
UPDATE bestauth.token SET created_at = created_at - interval '1 year', expires_at = expires_at - interval '1 year' WHERE token_hash = sha256(convert_to(:'reset', 'UTF8'));
SELECT bestauth.set_password(:'reset', 'nine green boats of ina');
SELECT outcome FROM bestauth.login('peers-inc', 'ina@peers.example', 'seven green boats of ina', 'clients');

-- [D9] At a peer one token makes two members when two sessions use it at once: that takes two
-- sessions, iso_verification.spec. In one, it is used up at once, also within a statement.
SELECT bestauth.register_portal_account('peers-inc', 'clients', 'once@peers.example', 'seven green boats of once', 'On', 'Ce');
SELECT token AS once FROM bestauth.claim_mail(1000) WHERE recipient = 'once@peers.example' \gset
SELECT n, v.outcome FROM generate_series(1, 3) n, LATERAL bestauth.verify_email(:'once' || left(n::text, 0)) v;
SELECT count(*) AS accounts, count(DISTINCT contact_id) AS contacts FROM bestauth.user_account WHERE email = 'once@peers.example';

SET client_min_messages = warning;
SELECT bestauth.revoke_access('regress_peers_app', 'application');
DROP SCHEMA peers_test CASCADE;
DROP ROLE regress_peers_app;
