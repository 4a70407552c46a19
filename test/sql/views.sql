-- [PRV-16] [TPB-7] [IBS-7] Views for a DBA: who is locked, and which billing service may
-- enter which company by which key.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE ROLE regress_views_operator;
CREATE ROLE regress_views_auditor;
CREATE ROLE regress_views_app;
CREATE ROLE regress_views_mailer;
DO $$
BEGIN
	PERFORM bestauth.grant_access('regress_views_operator', 'operator');
	PERFORM bestauth.grant_access('regress_views_auditor', 'auditor');
	PERFORM bestauth.grant_access('regress_views_app', 'application');
	PERFORM bestauth.grant_access('regress_views_mailer', 'mailer');
	PERFORM bestauth.create_company('views-svc', 'Views Billing');
	PERFORM bestauth.register_billing_service('views-svc');
	PERFORM bestauth.create_company('views-second', 'Second Billing');
	PERFORM bestauth.register_billing_service('views-second');
	PERFORM bestauth.create_user('vera', 'restricted', 'Vera', 'Views', 'vera@views.example', 'a password of vera', company => 'views-svc');
	PERFORM bestauth.create_user('walt', 'restricted', 'Walt', 'Views', 'walt@views.example', 'a password of walt', company => 'views-svc');
	PERFORM bestauth.create_company('views-clinic', 'Views Clinic');
	PERFORM bestauth.create_user('adam', 'company_administrator', 'Adam', 'Admin', 'adam@views.example', 'a password of adam', company => 'views-clinic');
	PERFORM bestauth.create_user('lena', 'standard', 'Lena', 'Locked', 'lena@views.example', 'a password of lena', company => 'views-clinic');
	PERFORM bestauth.create_user('gus', 'standard', 'Gus', 'Guessed', 'gus@views.example', 'a password of gus', company => 'views-clinic');
	PERFORM bestauth.create_user('both', 'standard', 'Bo', 'Th', 'both@views.example', 'a password of both', company => 'views-clinic');
	PERFORM bestauth.create_user('gone', 'standard', 'Go', 'Ne', 'gone@views.example', 'a password of gone', company => 'views-clinic');
	PERFORM bestauth.create_role('Claims', '{claims,eops}', company => 'views-clinic');
	PERFORM bestauth.create_role('Audit', '{audit_report,claims}', company => 'views-clinic');
	PERFORM bestauth.create_user('key1', 'billing', 'Night', 'Shift', password => 'a password of key1', billing_service => 'views-svc',
		roles => '{Claims,Audit}', permissions => '{my_account,eops,web_portal}', company => 'views-clinic');
	PERFORM bestauth.create_user('key2', 'billing', NULL, 'Days', password => 'a password of key2', billing_service => 'views-svc', company => 'views-clinic');
	PERFORM bestauth.create_user('key3', 'billing', 'Third', NULL, password => 'a password of key3', billing_service => 'views-second', company => 'views-clinic');
	PERFORM bestauth.create_user('key4', 'billing', NULL, 'Dead', password => 'a password of key4', billing_service => 'views-svc', company => 'views-clinic');
	PERFORM bestauth.delete_user('key4', company => 'views-clinic');
END
$$;
RESET client_min_messages;

--
-- [PRV-16] Who is locked: by an administrator until unlock_user(), by wrong passwords for a while.
--
SELECT count(*) FROM bestauth.locked_users WHERE company LIKE 'views-%';
SET bestauth.lockout_threshold = 2;
SET bestauth.lockout_duration = '15min';
SELECT bestauth.lock_user('lena', company => 'views-clinic');
SELECT bestauth.lock_user('both', company => 'views-clinic');
SELECT bestauth.lock_user('gone', company => 'views-clinic');
SELECT u, outcome FROM unnest('{gus,gus,both,both,gone,gone,key2,key2,lena,nobody,nobody}'::text[]) WITH ORDINALITY g (u, n),
	LATERAL bestauth.login('views-clinic', u, 'wrong password no. ' || n);
SELECT bestauth.delete_user('gone', company => 'views-clinic');
SELECT company, username, user_type, first_name, last_name, reason, locked_at <= clock_timestamp() AS locked,
	locked_until > clock_timestamp() AS until, locked_until - locked_at = '15 minutes' AS as_long_as_set, failed
FROM bestauth.locked_users WHERE company LIKE 'views-%' ORDER BY username COLLATE "C";
-- Of two locks the administrator's is told, with its own time.
SELECT l.locked_at = u.locked_at AS own_time FROM bestauth.locked_users l JOIN bestauth.company c ON c.code = l.company
JOIN bestauth.user_account u USING (company_id, username) WHERE l.company = 'views-clinic' AND l.username = 'both';
-- unlock_user() takes both away. A lock that is over is none.
SELECT bestauth.unlock_user('both', company => 'views-clinic');
UPDATE bestauth.login_counter SET locked_until = clock_timestamp() - interval '1 second'
WHERE subject = '\x75'::bytea || uuid_send((SELECT user_id FROM bestauth.user_account
	JOIN bestauth.company USING (company_id) WHERE code = 'views-clinic' AND username = 'gus'));
SELECT username, reason FROM bestauth.locked_users WHERE company LIKE 'views-%' ORDER BY username COLLATE "C";
-- One wrong password locks nobody.
SELECT outcome FROM bestauth.login('views-clinic', 'both', 'a wrong password');
SELECT count(*) FROM bestauth.locked_users WHERE company LIKE 'views-%' AND username = 'both';
SELECT bestauth.unlock_user('both', company => 'views-clinic');

--
-- [TPB-7] Several keys of a company, for the same and for different services, each with its own permissions.
--
SELECT company, company_name, key, key_name, billing_service, billing_service_name, registered, permissions, roles, persons, locked,
	created_at < clock_timestamp() AS created, last_login_at, open_sessions
FROM bestauth.billing_access WHERE company LIKE 'views-%' ORDER BY key;
SELECT bestauth.unlock_user('key2', company => 'views-clinic');
RESET bestauth.lockout_threshold;
RESET bestauth.lockout_duration;

-- What it says of permissions is what a session with the key has.
SELECT challenge_token AS c FROM bestauth.login('views-clinic', 'key1', 'a password of key1') \gset
SELECT session_token AS s FROM bestauth.login_second_part(:'c', 'vera', 'a password of vera') \gset
BEGIN;
SELECT person_id IS NOT NULL AS used FROM bestauth.use_session(:'s');
SELECT array_agg(name ORDER BY name) AS held FROM bestauth.permission WHERE bestauth.has_permission(name);
COMMIT;
SELECT permissions FROM bestauth.billing_access WHERE company = 'views-clinic' AND key = 'key1';

-- Limited to persons: those, without them who are deleted; an empty list admits nobody.
SELECT bestauth.limit_billing_user('key2', '{walt,vera}', company => 'views-clinic');
SELECT bestauth.limit_billing_user('key3', '{}', company => 'views-clinic');
SELECT key, persons FROM bestauth.billing_access WHERE company = 'views-clinic' ORDER BY key;
BEGIN;
SELECT bestauth.delete_user('walt', company => 'views-svc');
SELECT key, persons FROM bestauth.billing_access WHERE company = 'views-clinic' AND key = 'key2';
ROLLBACK;

-- Open sessions are those that use_session() takes: whatever ends one is seen here. (A
-- backend knows the last use of a session that it used; a change of the row makes it look.)
CREATE TEMP TABLE session_token AS SELECT :'s'::text AS token;
CREATE FUNCTION pg_temp.is_open(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	BEGIN
		EXECUTE statement;
		SELECT format('%s open, last login %s; use_session: ', a.open_sessions, CASE WHEN a.last_login_at IS NULL THEN 'unknown' ELSE 'known' END)
			INTO result FROM bestauth.billing_access a WHERE a.company = 'views-clinic' AND a.key = 'key1';
		RAISE EXCEPTION USING ERRCODE = 'ZZ000', MESSAGE = coalesce(result, 'no such key; use_session: ')
			|| regress.attempt(format('SELECT bestauth.use_session(%L)', (SELECT token FROM session_token)));
	EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
		RETURN SQLERRM;
	END;
END
$$;
SET client_min_messages = error;
SELECT what, pg_temp.is_open(statement) FROM (VALUES
	('nothing', 'SELECT 1'),
	('idle for a while', $$UPDATE bestauth.session_use SET last_used_at = clock_timestamp() - interval '29 minutes'; UPDATE bestauth.session SET client_info = 'x'$$),
	('idle too long', $$UPDATE bestauth.session_use SET last_used_at = clock_timestamp() - interval '30 minutes'; UPDATE bestauth.session SET client_info = 'x'$$),
	('a longer idle limit', $$SELECT set_config('bestauth.session_idle_limit', '2h', true); UPDATE bestauth.session_use SET last_used_at = clock_timestamp() - interval '90 minutes';
		UPDATE bestauth.session SET client_info = 'x'$$),
	('too old', $$UPDATE bestauth.session SET expires_at = clock_timestamp()$$),
	('logout', $$SELECT bestauth.logout((SELECT token FROM session_token))$$),
	('key locked', $$SELECT bestauth.lock_user('key1', company => 'views-clinic')$$),
	('key locked, unlocked', $$SELECT bestauth.lock_user('key1', company => 'views-clinic'), bestauth.unlock_user('key1', company => 'views-clinic')$$),
	('key deleted', $$SELECT bestauth.delete_user('key1', company => 'views-clinic')$$),
	('key''s password', $$SELECT bestauth.reset_password('key1', company => 'views-clinic')$$),
	('person locked', $$SELECT bestauth.lock_user('vera', company => 'views-svc')$$),
	('person deleted', $$SELECT bestauth.delete_user('vera', company => 'views-svc')$$),
	('person''s password', $$SELECT bestauth.reset_password('vera', company => 'views-svc')$$),
	('another person only', $$SELECT bestauth.limit_billing_user('key1', '{walt}', company => 'views-clinic')$$),
	('this person only', $$SELECT bestauth.limit_billing_user('key1', '{vera}', company => 'views-clinic')$$),
	('service unregistered', $$SELECT bestauth.unregister_billing_service('views-svc')$$),
	('and registered anew', $$SELECT bestauth.unregister_billing_service('views-svc'), bestauth.register_billing_service('views-svc')$$))
	v (what, statement);
RESET client_min_messages;
-- The end of the service is seen in every row of it; its people's own sessions are none of a key.
SELECT bestauth.unregister_billing_service('views-svc');
SELECT outcome FROM bestauth.login('views-svc', 'vera', 'a password of vera');
SELECT key, billing_service, registered, open_sessions, last_login_at IS NOT NULL AS logged_in
FROM bestauth.billing_access WHERE company LIKE 'views-%' ORDER BY key;

-- [IBS-7] Who is charged: no key and no restricted user, whatever it may do.
SELECT company, username, charged, company_total FROM bestauth.chargeable_users WHERE company LIKE 'views-%'
ORDER BY company COLLATE "C", username COLLATE "C";

--
-- Accounts of clients, and what they wait for.
--
SELECT bestauth.create_portal('views-clinic', 'patients', 'client', 'Patients') IS NOT NULL AS made;
SELECT count(bestauth.create_portal_account(bestauth.create_contact(t, n, 'Client', n || '@views.example', 'views-clinic'), n || '@views.example', company => 'views-clinic')) AS accounts
FROM (VALUES ('client', 'invited'), ('client', 'half'), ('individual', 'done'), ('client', 'shut'), ('client', 'left')) v (t, n);
-- One has a password and has not proved the address; one has, and logs in.
SELECT count(bestauth.set_password(token, 'a password of clients')) AS set FROM bestauth.claim_mail(1000) WHERE recipient ~ '^(half|done|shut)@views';
SELECT bestauth.verify_email(token) FROM bestauth.claim_mail(1000) WHERE recipient ~ '^(done|shut)@views';
SELECT bestauth.lock_user('shut@views.example', 'views-clinic', 'patients'), bestauth.delete_user('left@views.example', 'views-clinic', 'patients');
SELECT portal, username, contact_type, name, state, created_at <= clock_timestamp() AS created, verified_at IS NOT NULL AS verified,
	(SELECT outcome FROM bestauth.login(company, username, 'a password of clients', portal)) AS login
FROM bestauth.portal_accounts WHERE company = 'views-clinic' ORDER BY username COLLATE "C";

--
-- Who reads them: the operator and the auditor.
--
SET SESSION AUTHORIZATION regress_views_operator;
SELECT (SELECT count(*) FROM bestauth.locked_users WHERE company LIKE 'views-%') AS locked,
	(SELECT count(*) FROM bestauth.billing_access WHERE company LIKE 'views-%') AS keys,
	(SELECT count(*) FROM bestauth.portal_accounts WHERE company LIKE 'views-%') AS clients;
SET SESSION AUTHORIZATION regress_views_auditor;
SELECT (SELECT count(*) FROM bestauth.locked_users WHERE company LIKE 'views-%') AS locked,
	(SELECT count(*) FROM bestauth.billing_access WHERE company LIKE 'views-%') AS keys,
	(SELECT count(*) FROM bestauth.portal_accounts WHERE company LIKE 'views-%') AS clients;
SET SESSION AUTHORIZATION regress_views_app;
SELECT * FROM bestauth.locked_users;
SELECT * FROM bestauth.billing_access;
SELECT * FROM bestauth.portal_accounts;
SET SESSION AUTHORIZATION regress_views_mailer;
SELECT * FROM bestauth.locked_users;
SELECT * FROM bestauth.billing_access;
SELECT * FROM bestauth.portal_accounts;
RESET SESSION AUTHORIZATION;

DO $$
BEGIN
	PERFORM bestauth.revoke_access('regress_views_operator', 'operator');
	PERFORM bestauth.revoke_access('regress_views_auditor', 'auditor');
	PERFORM bestauth.revoke_access('regress_views_app', 'application');
	PERFORM bestauth.revoke_access('regress_views_mailer', 'mailer');
END
$$;
DROP ROLE regress_views_operator, regress_views_auditor, regress_views_app, regress_views_mailer;
