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

SET client_min_messages = warning;
SELECT bestauth.revoke_access('regress_peers_app', 'application');
DROP SCHEMA peers_test CASCADE;
DROP ROLE regress_peers_app;
