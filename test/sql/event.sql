-- [J-01] The events of the audit, as HL7 TI.2.1.2 and 45 CFR 170.210(e) list them: every
-- function that changes anything leaves one row of what was done, beside those of the
-- tables' rows, and so does whoever is refused. A function that is forgotten here fails.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA event_test;
CREATE ROLE regress_event_app;
CREATE ROLE regress_event_operator;
CREATE ROLE regress_event_mailer;
CREATE ROLE regress_event_all;
CREATE ROLE regress_event_nobody;
SELECT count(bestauth.grant_access(role::regrole, access)) FROM (VALUES ('regress_event_app', 'application'), ('regress_event_operator', 'operator'),
	('regress_event_mailer', 'mailer'), ('regress_event_all', 'application'), ('regress_event_all', 'operator'), ('regress_event_all', 'mailer'), ('regress_event_all', 'auditor'), ('regress_event_all', 'retention')) v (role, access);
SELECT rolname AS superuser FROM pg_roles WHERE oid = (SELECT datdba FROM pg_database WHERE datname = current_database()) \gset

-- What was called, by whom, what it came to, and the rows of the audit about it.
CREATE TABLE event_test.event (n int GENERATED ALWAYS AS IDENTITY, function text, db_role text, who text, came_to text, answer text, began_at timestamptz, ended_at timestamptz);
CREATE TABLE event_test.written (n int, LIKE bestauth.audit_log);
CREATE TABLE event_test.token (name text PRIMARY KEY, token text);
CREATE PROCEDURE event_test.call(db_role text, who text, statement text, keep text DEFAULT NULL, tokens text[] DEFAULT '{}') LANGUAGE plpgsql AS $$
DECLARE
	mark bigint := (SELECT max(audit_id) FROM bestauth.audit_log);
	began_at timestamptz := clock_timestamp();
	given text[] := ARRAY(SELECT t.token FROM unnest(tokens) WITH ORDINALITY n (name, i) LEFT JOIN event_test.token t ON t.name = n.name ORDER BY i);
	session text := (SELECT t.token FROM event_test.token t WHERE t.name = who);
	came_to text := 'done';
	answer text;
	number int;
BEGIN
	EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', db_role);
	IF who IS NOT NULL THEN
		PERFORM bestauth.use_session(session);
	END IF;
	BEGIN
		EXECUTE statement INTO answer USING given[1], given[2];
	EXCEPTION WHEN OTHERS THEN
		came_to := SQLSTATE;
	END;
	COMMIT;
	INSERT INTO event_test.event (function, db_role, who, came_to, answer, began_at, ended_at)
	VALUES (substring(statement FROM 'bestauth\.(\w+)'), db_role, who, came_to, answer, began_at, clock_timestamp()) RETURNING n INTO number;
	INSERT INTO event_test.written SELECT number, a.* FROM bestauth.audit_log a WHERE a.audit_id > mark AND a.action !~ '^(row\.|table\.truncated)';
	IF keep IS NOT NULL THEN
		INSERT INTO event_test.token VALUES (keep, answer) ON CONFLICT (name) DO UPDATE SET token = excluded.token;
	END IF;
	COMMIT;
END
$$;
SET client_min_messages = error;
-- Refusals of a kind are folded from the 101st in an hour on; what other tests did does
-- not count.
UPDATE bestauth.audit_fold SET seen = 0;

-- Companies and services, by the operator; access, by a superuser.
CALL event_test.call('regress_event_operator', NULL, $$SELECT bestauth.create_company('event_clinic', 'Clinic')$$);
CALL event_test.call('regress_event_operator', NULL, $$SELECT bestauth.create_company('event_child', 'Child', 'event_clinic')$$);
CALL event_test.call('regress_event_operator', NULL, $$SELECT bestauth.create_company('event_svc', 'Service')$$);
CALL event_test.call('regress_event_operator', NULL, $$SELECT bestauth.register_billing_service('event_svc')$$);
CALL event_test.call(:'superuser', NULL, $$SELECT bestauth.grant_access('regress_event_nobody', 'reader')$$);
CALL event_test.call(:'superuser', NULL, $$SELECT bestauth.revoke_access('regress_event_nobody', 'reader')$$);
CALL event_test.call('regress_event_operator', NULL, $$SELECT bestauth.create_user('head', 'standard', 'He', 'Ad', 'head@event.example', 'a long password of head', permissions => '{manage_users,manage_roles,manage_contacts,manage_payers,manage_facilities,web_portal,my_account,audit_report,claims,emergency_access}', company => 'event_clinic')$$);
CALL event_test.call('regress_event_operator', NULL, $$SELECT bestauth.assign_company('head', 'event_child', 'event_clinic')$$);
SELECT count(bestauth.create_user(username, 'restricted', username, 'Test', username || '@event.example', 'a long password of ' || username, company => company)) FROM (VALUES ('hand', 'event_clinic'), ('pia', 'event_svc')) v (username, company);

-- TI.2.1.2.2 Log on, log off.
CALL event_test.call('regress_event_app', NULL, $$SELECT session_token FROM bestauth.login('event_clinic', 'head', 'a long password of head', client_addr => '192.0.2.1')$$, 'head');
CALL event_test.call('regress_event_app', NULL, $$SELECT session_token FROM bestauth.login('event_clinic', 'hand', 'a long password of hand', client_addr => '192.0.2.2')$$, 'hand');
CALL event_test.call('regress_event_app', NULL, $$SELECT session_token FROM bestauth.login('event_svc', 'pia', 'a long password of pia', client_addr => '192.0.2.3')$$, 'pia');

-- TI.2.1.2.9 Permissions and roles, and what else is done to users.
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.create_user('nina', 'restricted', 'Ni', 'Na', 'nina@event.example', 'a long password of nina')$$);
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.create_role('clerk', '{claims}')$$);
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.assign_role('nina', 'clerk')$$);
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.update_role('clerk', '{claims,my_account}', '{}')$$);
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.unassign_role('nina', 'clerk')$$);
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.delete_role('clerk')$$);
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.grant_permission('nina', 'claims')$$);
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.revoke_permission('nina', 'claims')$$);
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.assign_company('nina', 'event_child')$$);
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.unassign_company('nina', 'event_child')$$);
-- Where a session is.
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.switch_company('event_child')$$);
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.switch_company('event_clinic')$$);
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.start_emergency_access('no heartbeat in room 4')$$);
CALL event_test.call('regress_event_app', 'head', 'SELECT bestauth.end_emergency_access()');
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.lock_user('nina')$$);
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.unlock_user('nina')$$);
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.update_user('nina', '{"title": "Dr.", "email": "other@event.example"}')$$);
CALL event_test.call('regress_event_mailer', NULL, $$SELECT token FROM bestauth.claim_mail(1000) WHERE recipient = 'other@event.example'$$, 'email');
CALL event_test.call('regress_event_app', NULL, 'SELECT bestauth.confirm_email_change($1)', NULL, '{email}');
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.delete_user('nina')$$);
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.restore_user('nina')$$);
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.create_user('late', 'restricted', 'La', 'Te', 'late@event.example', permissions => '{my_account}')$$);
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.resend_setup_link('late')$$);

-- TI.2.1.2.3 and TI.2.1.2.4 Passwords: set up, asked for, to be changed, changed.
CALL event_test.call('regress_event_mailer', NULL, $$SELECT token FROM bestauth.claim_mail(1000) WHERE recipient = 'late@event.example' ORDER BY message_id DESC LIMIT 1$$, 'setup');
CALL event_test.call('regress_event_app', NULL, $$SELECT bestauth.set_password($1, 'a long password of late')$$, NULL, '{setup}');
CALL event_test.call('regress_event_app', NULL, $$SELECT session_token FROM bestauth.login('event_clinic', 'late', 'a long password of late', client_addr => '192.0.2.4')$$, 'late');
CALL event_test.call('regress_event_app', 'late', $$SELECT bestauth.set_security_questions('{A question?}', '{An answer}')$$);
CALL event_test.call('regress_event_app', 'late', $$SELECT bestauth.change_password('a long password of late', 'another password of late')$$);
CALL event_test.call('regress_event_app', NULL, $$SELECT bestauth.request_password_reset('event_clinic', 'late')$$);
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.reset_password('hand')$$, 'temporary');
CALL event_test.call('regress_event_app', NULL, $$SELECT challenge_token FROM bestauth.login('event_clinic', 'hand', $1, client_addr => '192.0.2.2')$$, 'change', '{temporary}');
CALL event_test.call('regress_event_app', NULL, $$SELECT bestauth.set_password($1, 'a new password of hand')$$, NULL, '{change}');
CALL event_test.call('regress_event_app', NULL, $$SELECT session_token FROM bestauth.login('event_clinic', 'hand', 'a new password of hand', client_addr => '192.0.2.2')$$, 'hand');

-- A key, and both ways of its second part.
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.create_user('key', 'billing', NULL, 'Key', NULL, 'a long password of key', 'event_svc')$$);
-- Where the service's people sign on elsewhere: its keys here and there are of one database in this test.
CALL event_test.call('regress_event_operator', NULL, $$SELECT bestauth.create_sso_key('event_svc')$$, 'jwk');
CALL event_test.call('regress_event_operator', NULL, $$SELECT bestauth.trust_sso_key('event_svc', $1::jsonb)$$, NULL, '{jwk}');
CALL event_test.call('regress_event_app', NULL, $$SELECT concat_ws('|', challenge_token, challenge_id, audience) FROM bestauth.login('event_clinic', 'key', 'a long password of key', client_addr => '192.0.2.3')$$, 'sso');
CALL event_test.call('regress_event_app', 'pia', $$SELECT bestauth.issue_sso_assertion(split_part($1, '|', 3), split_part($1, '|', 2))$$, 'assertion', '{sso}');
CALL event_test.call('regress_event_app', NULL, $$SELECT session_token FROM bestauth.login_second_part_sso(split_part($1, '|', 1), $2, client_addr => '192.0.2.3')$$, 'federated', '{sso,assertion}');
CALL event_test.call('regress_event_app', NULL, $$SELECT session_id FROM bestauth.use_session($1)$$, 'sso_session', '{federated}');
CALL event_test.call('regress_event_app', 'pia', $$SELECT bestauth.issue_sso_assertion(split_part($1, '|', 3), $2)$$, 'assertion', '{sso,sso_session}');
CALL event_test.call('regress_event_app', NULL, $$SELECT outcome FROM bestauth.renew_session_sso($1, $2, client_addr => '192.0.2.3')$$, NULL, '{federated,assertion}');
CALL event_test.call('regress_event_operator', NULL, $$SELECT bestauth.distrust_sso_key('event_svc', $1::jsonb->>'kid')$$, NULL, '{jwk}');
CALL event_test.call('regress_event_operator', NULL, $$SELECT bestauth.revoke_sso_key('event_svc', $1::jsonb->>'kid')$$, NULL, '{jwk}');
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.limit_billing_user('key', '{pia}')$$);
CALL event_test.call('regress_event_app', NULL, $$SELECT challenge_token FROM bestauth.login('event_clinic', 'key', 'a long password of key', client_addr => '192.0.2.3')$$, 'challenge');
CALL event_test.call('regress_event_app', NULL, $$SELECT session_token FROM bestauth.login_second_part($1, 'pia', 'a long password of pia', client_addr => '192.0.2.3')$$, 'key', '{challenge}');
CALL event_test.call('regress_event_app', NULL, $$SELECT challenge_token FROM bestauth.login('event_clinic', 'key', 'a long password of key', client_addr => '192.0.2.3')$$, 'challenge');
CALL event_test.call('regress_event_app', NULL, $$SELECT session_token FROM bestauth.login_second_part_session($1, $2, client_addr => '192.0.2.3')$$, 'key2', '{challenge,pia}');
CALL event_test.call('regress_event_app', NULL, 'SELECT bestauth.logout($1)', NULL, '{key2}');
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.revoke_sessions('key')$$);

-- What this instance tells a service, and what another one told.
CALL event_test.call('regress_event_operator', NULL, $$SELECT bestauth.export_served_customers('event_svc') IS NOT NULL$$);
CALL event_test.call('regress_event_operator', NULL, $$SELECT bestauth.import_served_customers('event_svc', '{"instance": "elsewhere", "billing_service": "event_svc", "made_at": "2026-01-01T00:00:00.000000Z", "customers": []}')$$);

-- Payers and facilities, and the copies of a parent.
CALL event_test.call('regress_event_operator', NULL, $$SELECT bestauth.create_payer('Axa', company => 'event_clinic')$$);
CALL event_test.call('regress_event_operator', NULL, $$SELECT bestauth.update_payer('axa', '{"phone": "555 0100"}', 'event_clinic')$$);
CALL event_test.call('regress_event_operator', NULL, $$SELECT bestauth.create_facility('East wing', company => 'event_clinic')$$);
CALL event_test.call('regress_event_operator', NULL, $$SELECT bestauth.update_facility('East wing', '{"name": "West wing"}', 'event_clinic')$$);
CALL event_test.call('regress_event_operator', NULL, $$SELECT bestauth.create_company('event_kid', 'Kid', 'event_clinic')$$);
CALL event_test.call('regress_event_operator', NULL, $$SELECT count(*) FROM bestauth.copy_payers('{axa}', company => 'event_clinic')$$);
CALL event_test.call('regress_event_operator', NULL, $$SELECT count(*) FROM bestauth.copy_facilities('{West wing}', '{event_kid}', 'event_clinic')$$);
CALL event_test.call('regress_event_operator', NULL, $$SELECT bestauth.delete_payer('Axa', 'event_clinic')$$);
CALL event_test.call('regress_event_operator', NULL, $$SELECT bestauth.delete_facility('West wing', 'event_clinic')$$);

-- Portals, contacts and the accounts of clients: made by staff, and asked for.
CALL event_test.call('regress_event_operator', NULL, $$SELECT bestauth.create_portal('event_clinic', 'patients', 'client', 'Patients')$$);
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.create_contact('client', 'Clara', 'Client', 'clara@event.exampel')$$, 'clara');
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.update_contact($1::uuid, '{"email": "clara@event.example"}')$$, NULL, '{clara}');
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.create_portal_account($1::uuid, 'clara@event.example')$$, 'account', '{clara}');
CALL event_test.call('regress_event_mailer', NULL, $$SELECT token FROM bestauth.claim_mail(1000) WHERE recipient = 'clara@event.example'$$, 'invite');
CALL event_test.call('regress_event_app', NULL, $$SELECT bestauth.resend_verification('event_clinic', 'patients', 'clara@event.example')$$);
CALL event_test.call('regress_event_mailer', NULL, $$SELECT token FROM bestauth.claim_mail(1000) WHERE recipient = 'clara@event.example' ORDER BY message_id DESC LIMIT 1$$, 'invite');
CALL event_test.call('regress_event_app', NULL, $$SELECT bestauth.set_password($1, 'a long password of a client')$$, NULL, '{invite}');
CALL event_test.call('regress_event_mailer', NULL, $$SELECT token FROM bestauth.claim_mail(1000) WHERE recipient = 'clara@event.example'$$, 'verify');
CALL event_test.call('regress_event_app', NULL, 'SELECT bestauth.verify_email($1)', NULL, '{verify}');
CALL event_test.call('regress_event_app', NULL, $$SELECT session_token FROM bestauth.login('event_clinic', 'clara@event.example', 'a long password of a client', 'patients', client_addr => '192.0.2.5')$$, 'clara_session');
CALL event_test.call('regress_event_app', NULL, $$SELECT bestauth.register_portal_account('event_clinic', 'patients', 'carl@event.example', 'a long password of carl too', 'Carl', 'Client')$$);
CALL event_test.call('regress_event_mailer', NULL, $$SELECT token FROM bestauth.claim_mail(1000) WHERE recipient = 'carl@event.example'$$, 'signup');
-- A message that was given up, and is taken up again.
SELECT message_id AS message FROM bestauth.outbox WHERE recipient = 'carl@event.example' \gset
INSERT INTO event_test.token VALUES ('dead', :'message');
CALL event_test.call('regress_event_mailer', NULL, $$SELECT bestauth.fail_mail($1::uuid, 'no such mailbox', true)$$, NULL, '{dead}');
CALL event_test.call('regress_event_operator', NULL, 'SELECT bestauth.retry_mail($1::uuid)', NULL, '{dead}');
CALL event_test.call('regress_event_operator', NULL, $$SELECT bestauth.purge_expired('30 days')$$);

-- Offices: providers, employees and their accounts, invites, requests and what is decided.
CALL event_test.call('regress_event_operator', NULL, $$SELECT bestauth.create_portal('event_clinic', 'docs', 'provider', 'Docs')$$);
CALL event_test.call('regress_event_operator', NULL, $$SELECT bestauth.create_office('event_clinic', '11-3437602', 'Office')$$, 'office');
CALL event_test.call('regress_event_operator', NULL, $$SELECT bestauth.create_provider($1::uuid, '1234567893', 'Pro', 'Vider', NULL)$$, NULL, '{office}');
CALL event_test.call('regress_event_operator', NULL, $$SELECT bestauth.create_employee($1::uuid, 'desk', 'Tester', 'Tess')$$, 'employee', '{office}');
CALL event_test.call('regress_event_operator', NULL, $$SELECT temporary_password FROM bestauth.create_provider_user($1::uuid, 'tess', 'Provider - Administrator', 'tess@event.example')$$, 'temporary', '{employee}');
CALL event_test.call('regress_event_app', NULL, $$SELECT challenge_token FROM bestauth.login('event_clinic', 'tess', $1, 'docs', client_addr => '192.0.2.6')$$, 'change', '{temporary}');
CALL event_test.call('regress_event_app', NULL, $$SELECT bestauth.set_password($1, 'a long password of tess')$$, NULL, '{change}');
CALL event_test.call('regress_event_app', NULL, $$SELECT session_token FROM bestauth.login('event_clinic', 'tess', 'a long password of tess', 'docs', client_addr => '192.0.2.6')$$, 'tess');
CALL event_test.call('regress_event_app', 'tess', $$SELECT registration_id FROM bestauth.send_registration_links('{ivy@event.example}', 'Provider - Portal User', $1::uuid)$$, 'ivy', '{office}');
CALL event_test.call('regress_event_app', 'tess', 'SELECT registration_id FROM bestauth.resend_registration_link($1::uuid)', 'ivy', '{ivy}');
CALL event_test.call('regress_event_mailer', NULL, $$SELECT token FROM bestauth.claim_mail(1000) WHERE recipient = 'ivy@event.example' ORDER BY message_id DESC LIMIT 1$$, 'registration');
CALL event_test.call('regress_event_app', NULL, $$SELECT outcome FROM bestauth.accept_registration($1, 'ivy', 'a long password of ivy', 'Ivy', 'Invited')$$, NULL, '{registration}');
CALL event_test.call('regress_event_app', 'tess', $$SELECT registration_id FROM bestauth.send_registration_links_csv('ina@event.example', 'Provider - Portal User', $1::uuid)$$, 'ina', '{office}');
CALL event_test.call('regress_event_app', 'tess', 'SELECT bestauth.revoke_registration_link($1::uuid)', NULL, '{ina}');
CALL event_test.call('regress_event_app', NULL, $$SELECT registration_id FROM bestauth.submit_registration('event_clinic', '113437602', '24', 'tin', NULL, NULL, 'rolf', 'a long password of rolf', 'Rolf', 'Request', 'rolf@event.example')$$, 'rolf');
CALL event_test.call('regress_event_app', 'tess', 'SELECT bestauth.approve_registration($1::uuid)', NULL, '{rolf}');
CALL event_test.call('regress_event_app', NULL, $$SELECT registration_id FROM bestauth.submit_registration('event_clinic', '113437602', '24', 'tin', NULL, NULL, 'rosa', 'a long password of rosa', 'Rosa', 'Request', 'rosa@event.example')$$, 'rosa');
CALL event_test.call('regress_event_app', 'tess', 'SELECT bestauth.deny_registration($1::uuid, (SELECT min(reason) FROM bestauth.list_decline_reasons()))', NULL, '{rosa}');
SET bestauth.invite_lifetime = '1s';
CALL event_test.call('regress_event_app', 'tess', $$SELECT registration_id FROM bestauth.send_registration_links('{ida@event.example}', 'Provider - Portal User', $1::uuid)$$, NULL, '{office}');
RESET bestauth.invite_lifetime;
SELECT pg_sleep(1.1);
CALL event_test.call('regress_event_operator', NULL, 'SELECT bestauth.expire_registrations()');
CALL event_test.call('regress_event_app', 'tess', 'SELECT count(*) FROM bestauth.export_users()');
CALL event_test.call('regress_event_operator', NULL, $$SELECT bestauth.set_auto_approval(false, 'event_clinic')$$);

-- [J-11] The audit itself, when it is read.
CALL event_test.call('regress_event_app', 'head', 'SELECT count(*) FROM bestauth.audit_report(page_size => 1)');
CALL event_test.call('regress_event_app', 'head', 'SELECT count(*) FROM bestauth.privilege_changes(page_size => 1)');
CALL event_test.call('regress_event_app', 'head', 'SELECT count(*) FROM bestauth.access_denied(page_size => 1)');
CALL event_test.call('regress_event_app', 'head', $$SELECT count(*) FROM bestauth.person_trail('hand', page_size => 1)$$);
CALL event_test.call('regress_event_app', 'head', $$SELECT length(bestauth.audit_html('2026-01-01', '2026-01-02')) > 0$$);

-- A table of the application's, by its owner, and in a session.
CREATE TABLE event_test.chart (company_id uuid);
ALTER TABLE event_test.chart OWNER TO regress_event_app;
GRANT USAGE, CREATE ON SCHEMA event_test TO regress_event_app;
CALL event_test.call('regress_event_app', NULL, $$SELECT bestauth.isolate_table('event_test.chart')$$);
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.unisolate_table('event_test.chart')$$);
CALL event_test.call('regress_event_app', NULL, $$SELECT bestauth.audit_table('event_test.chart', '{}')$$);
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.unaudit_table('event_test.chart')$$);
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.record_access('chart', '17')$$);

-- What only reads, or is bookkeeping, leaves none.
CREATE TABLE event_test.silent (function text, reason text);
INSERT INTO event_test.silent VALUES ('list_emergency_access', 'reads'), ('list_billing_services', 'reads'), ('list_contacts', 'reads'), ('list_payers', 'reads'), ('list_facilities', 'reads'), ('list_portals', 'reads'), ('peek_verification', 'reads'), ('portal_instructions', 'reads'), ('portal_url', 'reads'), ('list_permissions', 'reads'), ('list_roles', 'reads'), ('list_accessible_companies', 'reads'), ('list_user_companies', 'reads'), ('list_sessions', 'reads'), ('list_served_customers', 'reads'),
	('count_users', 'reads'), ('list_decline_reasons', 'reads'), ('list_offices', 'reads'), ('list_providers', 'reads'), ('peek_registration', 'reads'), ('registration_console', 'reads'), ('registration_details', 'reads'), ('search_employees', 'reads'),
	('peek_password_link', 'reads'), ('search_users', 'reads'), ('suggest_username', 'reads'), ('user_details', 'reads'), ('uuidv7', 'makes a number'),
	('use_session', 'what is done in the session is written'), ('claim_mail', 'rows of tables alone'), ('confirm_mail', 'rows of tables alone'), ('fail_mail', 'rows of tables alone'), ('release_mail', 'rows of tables alone'),
	('audit_digest', 'bookkeeping'), ('audit_seal', 'bookkeeping'), ('audit_purge', 'says each month that it removed: test/t/135_seal_retention.pl');
CALL event_test.call('regress_event_app', 'head', 'SELECT count(*) FROM bestauth.list_emergency_access()');
CALL event_test.call('regress_event_app', 'head', 'SELECT count(*) FROM bestauth.list_billing_services()');
CALL event_test.call('regress_event_app', 'head', 'SELECT count(*) FROM bestauth.list_contacts()');
CALL event_test.call('regress_event_app', 'head', 'SELECT count(*) FROM bestauth.list_payers()');
CALL event_test.call('regress_event_app', 'head', 'SELECT count(*) FROM bestauth.list_facilities()');
CALL event_test.call('regress_event_app', 'head', $$SELECT count(*) FROM bestauth.list_user_companies('head')$$);
CALL event_test.call('regress_event_app', 'head', 'SELECT count(*) FROM bestauth.list_permissions()');
CALL event_test.call('regress_event_app', 'head', 'SELECT count(*) FROM bestauth.list_portals()');
CALL event_test.call('regress_event_app', 'head', 'SELECT bestauth.portal_url(NULL)');
CALL event_test.call('regress_event_app', 'head', 'SELECT bestauth.portal_instructions($1::uuid)', NULL, '{account}');
CALL event_test.call('regress_event_app', NULL, 'SELECT bestauth.peek_verification($1)', NULL, '{signup}');
CALL event_test.call('regress_event_app', 'head', 'SELECT count(*) FROM bestauth.list_roles()');
CALL event_test.call('regress_event_app', 'head', 'SELECT count(*) FROM bestauth.list_accessible_companies()');
CALL event_test.call('regress_event_app', 'head', $$SELECT count(*) FROM bestauth.list_sessions('hand')$$);
CALL event_test.call('regress_event_app', 'pia', 'SELECT count(*) FROM bestauth.list_served_customers()');
CALL event_test.call('regress_event_app', 'head', 'SELECT count(*) FROM bestauth.search_users()');
CALL event_test.call('regress_event_app', 'head', 'SELECT bestauth.count_users()');
CALL event_test.call('regress_event_app', 'tess', 'SELECT count(*) FROM bestauth.list_offices()');
CALL event_test.call('regress_event_app', 'tess', 'SELECT count(*) FROM bestauth.list_providers($1::uuid)', NULL, '{office}');
CALL event_test.call('regress_event_app', 'tess', 'SELECT count(*) FROM bestauth.list_decline_reasons()');
CALL event_test.call('regress_event_app', 'tess', $$SELECT count(*) FROM bestauth.search_employees('tester')$$);
CALL event_test.call('regress_event_app', 'tess', 'SELECT count(*) FROM bestauth.registration_console()');
CALL event_test.call('regress_event_app', 'tess', 'SELECT status FROM bestauth.registration_details($1::uuid)', NULL, '{rolf}');
CALL event_test.call('regress_event_app', NULL, 'SELECT outcome FROM bestauth.peek_registration($1)', NULL, '{registration}');
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.suggest_username('Ann', 'Other')$$);
CALL event_test.call('regress_event_app', 'head', $$SELECT username FROM bestauth.user_details('hand')$$);
CALL event_test.call('regress_event_app', NULL, $$SELECT outcome FROM bestauth.peek_password_link($1)$$, NULL, '{setup}');
CALL event_test.call('regress_event_app', NULL, 'SELECT user_id FROM bestauth.use_session($1)', NULL, '{hand}');
CALL event_test.call('regress_event_operator', NULL, 'SELECT bestauth.uuidv7()');
CALL event_test.call('regress_event_mailer', NULL, 'SELECT count(*) FROM bestauth.claim_mail(1)');
SELECT message_id AS message FROM bestauth.outbox WHERE recipient = 'late@event.example' ORDER BY message_id LIMIT 1 \gset
INSERT INTO event_test.token VALUES ('sent', :'message');
CALL event_test.call('regress_event_mailer', NULL, $$SELECT bestauth.fail_mail($1::uuid, 'no such mailbox')$$, NULL, '{sent}');
CALL event_test.call('regress_event_mailer', NULL, 'SELECT bestauth.release_mail($1::uuid)', NULL, '{sent}');
CALL event_test.call('regress_event_mailer', NULL, 'SELECT bestauth.confirm_mail($1::uuid)', NULL, '{sent}');
CALL event_test.call('regress_event_all', NULL, 'SELECT bestauth.audit_seal()');
CALL event_test.call('regress_event_all', NULL, 'SELECT bestauth.audit_digest()');
CALL event_test.call('regress_event_all', NULL, $$SELECT bestauth.audit_purge('2000-01-01 UTC')$$);
CALL event_test.call('regress_event_all', NULL, $$SELECT count(*) FROM bestauth.audit_export('2000-01-01 UTC', '2000-02-01 UTC')$$);
SELECT max(n) AS last_success FROM event_test.event \gset

-- TI.2.1.2.7 Refused: whatever asks something of its caller, by one who has nothing, in a
-- session, and what is for database roles as well; what every session may,
-- outside one.
SELECT format('CALL event_test.call(%L, %L, %L)', CASE WHEN f.needs IN ('operator', 'mailer', 'operator or mailer', 'auditor', 'retention') THEN 'regress_event_all' ELSE 'regress_event_app' END, CASE WHEN f.needs NOT IN ('session', 'second part') THEN 'hand' END,
	format('SELECT count(*) FROM bestauth.%I(%s)', p.proname, (SELECT string_agg(CASE WHEN i = 0 AND f.needs = 'permission or own user' THEN '''head''' ELSE 'NULL::' || p.proargtypes[i]::regtype END, ', ' ORDER BY i)
		FROM generate_series(0, p.pronargs - 1) i)))
FROM bestauth.function_rules f JOIN pg_proc p ON p.proname = f.function AND p.pronamespace = 'bestauth'::regnamespace
WHERE f.needs NOT IN ('nothing', 'superuser') ORDER BY f.function COLLATE "C" \gexec
CALL event_test.call('regress_event_app', 'hand', $$SELECT bestauth.switch_company('event_child')$$);
-- What everybody may call: with a password, a token or a name that is wrong.
CALL event_test.call('regress_event_app', NULL, $$SELECT outcome FROM bestauth.login('event_clinic', 'late', 'a wrong password', client_addr => '192.0.2.9')$$);
CALL event_test.call('regress_event_app', NULL, $$SELECT outcome FROM bestauth.login('event_clinic', 'nobody', 'a wrong password', client_addr => '192.0.2.9')$$);
CALL event_test.call('regress_event_app', NULL, $$SELECT challenge_token FROM bestauth.login('event_clinic', 'key', 'a long password of key', client_addr => '192.0.2.9')$$, 'challenge');
CALL event_test.call('regress_event_app', NULL, $$SELECT outcome FROM bestauth.login_second_part($1, 'pia', 'a wrong password', client_addr => '192.0.2.9')$$, NULL, '{challenge}');
CALL event_test.call('regress_event_app', NULL, $$SELECT outcome FROM bestauth.login_second_part_session($1, 'bas_wrong', client_addr => '192.0.2.9')$$, NULL, '{challenge}');
CALL event_test.call('regress_event_app', NULL, $$SELECT outcome FROM bestauth.login_second_part_sso($1, $2, client_addr => '192.0.2.9')$$, NULL, '{challenge,assertion}');
CALL event_test.call('regress_event_app', NULL, $$SELECT outcome FROM bestauth.renew_session_sso($1, $2, client_addr => '192.0.2.9')$$, NULL, '{federated,assertion}');
CALL event_test.call('regress_event_app', NULL, $$SELECT bestauth.set_password($1, 'a long password of late')$$, NULL, '{setup}');
CALL event_test.call('regress_event_app', NULL, $$SELECT bestauth.set_password('bat_wrong', 'a long password of late')$$);
CALL event_test.call('regress_event_app', NULL, 'SELECT bestauth.confirm_email_change($1)', NULL, '{email}');
CALL event_test.call('regress_event_app', NULL, $$SELECT bestauth.confirm_email_change('bat_wrong')$$);
CALL event_test.call('regress_event_app', NULL, 'SELECT bestauth.verify_email($1)', NULL, '{verify}');
CALL event_test.call('regress_event_app', NULL, $$SELECT bestauth.verify_email('bat_wrong')$$);
CALL event_test.call('regress_event_app', NULL, $$SELECT outcome FROM bestauth.accept_registration($1, 'iris', 'a long password of iris', 'Iris', 'Again')$$, NULL, '{registration}');
CALL event_test.call('regress_event_app', NULL, $$SELECT outcome FROM bestauth.accept_registration('bat_wrong', 'iris', 'a long password of iris', 'Iris', 'Again')$$);
CALL event_test.call('regress_event_app', NULL, $$SELECT bestauth.resend_verification('event_clinic', 'patients', 'nobody@event.example')$$);
CALL event_test.call('regress_event_app', NULL, $$SELECT bestauth.resend_verification('event_clinic', 'patients', 'clara@event.example')$$);
CALL event_test.call('regress_event_app', NULL, $$SELECT bestauth.request_password_reset('event_clinic', 'nobody')$$);
CALL event_test.call('regress_event_app', NULL, $$SELECT bestauth.request_password_reset('event_clinic', 'key')$$);
CALL event_test.call('regress_event_app', NULL, $$SELECT user_id FROM bestauth.use_session('bas_wrong')$$);
CALL event_test.call('regress_event_app', NULL, 'SELECT user_id FROM bestauth.use_session($1)', NULL, '{key2}');
-- Without a session, and a wrong current password in one.
CALL event_test.call('regress_event_app', NULL, $$SELECT bestauth.lock_user('late')$$);
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.change_password('a wrong password', 'a long password of head too')$$);
SELECT max(n) AS last_refusal FROM event_test.event \gset
-- The end.
CALL event_test.call('regress_event_app', 'head', $$SELECT bestauth.revoke_sessions('hand')$$);
CALL event_test.call('regress_event_app', NULL, 'SELECT bestauth.logout($1)', NULL, '{head}');
CALL event_test.call('regress_event_operator', NULL, $$SELECT bestauth.unregister_billing_service('event_svc')$$);
SET client_min_messages = warning;

-- One row for each success, and one of the role that an office's new user is given: which.
CREATE VIEW event_test.success AS SELECT * FROM event_test.event WHERE n <= :last_success OR n > :last_refusal;
CREATE VIEW event_test.refusal AS SELECT * FROM event_test.event WHERE n > :last_success AND n <= :last_refusal AND answer IS DISTINCT FROM (SELECT token FROM event_test.token WHERE name = 'challenge');
SELECT n, function, who, came_to, answer FROM event_test.success WHERE came_to <> 'done';
SELECT e.function, e.who AS session, w.company_code AS company, w.username, w.person, w.action, w.outcome, w.object_type, CASE WHEN w.object_type NOT IN ('session', 'contact', 'message', 'emergency_access', 'employee', 'registration', 'sso_key') THEN w.object_id END AS object
FROM event_test.success e JOIN event_test.written w USING (n) ORDER BY e.n, w.audit_id;
SELECT e.n, e.function, count(w.n) AS rows FROM event_test.success e LEFT JOIN event_test.written w USING (n)
GROUP BY 1, 2 HAVING count(w.n) <> CASE WHEN e.function IN (SELECT function FROM event_test.silent) THEN 0 WHEN e.function IN ('create_provider_user', 'accept_registration', 'approve_registration') THEN 2 ELSE 1 END ORDER BY 1;
SELECT e.n, e.function, w.action, w.outcome FROM event_test.success e JOIN event_test.written w USING (n) WHERE w.outcome <> 'success';
-- One for each refusal, whether it was raised or returned.
SELECT w.action, e.came_to, e.function, e.answer, e.who AS session, w.company_code AS company, w.username, w.person, coalesce(w.detail->>'reason', '') AS reason
FROM event_test.refusal e JOIN event_test.written w USING (n) WHERE w.action <> 'access.denied' OR e.who IS NULL ORDER BY e.n;
SELECT w.action, e.came_to, e.who AS session, w.company_code AS company, w.username, w.person, count(*) > 30 AS many, count(DISTINCT w.object_id) = count(*) AS each, bool_and(w.object_id = e.function) AS named
FROM event_test.refusal e JOIN event_test.written w USING (n) WHERE w.action = 'access.denied' AND e.who IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6;
SELECT e.n, e.function, e.came_to, count(w.n) AS rows FROM event_test.refusal e LEFT JOIN event_test.written w USING (n) GROUP BY 1, 2, 3 HAVING count(w.n) <> 1 ORDER BY 1;
SELECT e.n, e.function, w.action, w.outcome FROM event_test.refusal e JOIN event_test.written w USING (n) WHERE w.outcome <> 'denied';

-- Every function that may change something is among them, and everything that may be
-- refused was. Who can't be refused asks for nothing and says nothing.
CREATE VIEW event_test.function AS SELECT f.function, f.needs FROM bestauth.function_rules f JOIN pg_proc p ON p.proname = f.function AND p.pronamespace = 'bestauth'::regnamespace WHERE p.provolatile = 'v';
SELECT function AS without_success FROM event_test.function WHERE function NOT IN (SELECT function FROM event_test.success) ORDER BY function COLLATE "C";
SELECT count(*) > 0 AS opened FROM bestauth.audit_log WHERE action = 'instance.opened' AND outcome = 'success';
SELECT function AS without_refusal, needs FROM event_test.function WHERE function NOT IN (SELECT function FROM event_test.refusal) ORDER BY function COLLATE "C";
SELECT substring(object FROM 'bestauth\.(\w+)') AS not_looked_at FROM bestauth.access_rule WHERE object LIKE 'FUNCTION %'
	AND substring(object FROM 'bestauth\.(\w+)') NOT IN (SELECT function FROM event_test.function) AND (SELECT provolatile FROM pg_proc WHERE oid = to_regprocedure(substr(object, 10)) AND prorettype <> 'trigger'::regtype) = 'v';
SELECT function AS silent_for_no_reason FROM event_test.silent WHERE function NOT IN (SELECT function FROM event_test.function);

-- Who, when, where, what: none of it is missing where it is known.
CREATE VIEW event_test.line AS SELECT e.db_role AS caller, e.who, e.began_at, e.ended_at, e.function, e.came_to, w.* FROM event_test.event e JOIN event_test.written w USING (n);
SELECT n, function, action FROM event_test.line
WHERE db_role IS DISTINCT FROM caller OR outcome IS NULL OR application_name IS DISTINCT FROM current_setting('application_name') OR system_id IS NULL OR transaction_id IS NULL
	OR occurred_at NOT BETWEEN began_at AND ended_at OR transaction_at > occurred_at;
-- In a session: the user, the person, the session, the company and the address said at the login.
SELECT n, function, who, action FROM event_test.line
WHERE who IS NOT NULL AND (username IS DISTINCT FROM who OR user_id IS NULL OR person IS DISTINCT FROM CASE who WHEN 'key' THEN 'event_svc/pia' ELSE who END OR person_id IS NULL
	OR company_code IS DISTINCT FROM CASE WHEN action = 'company.switched' THEN object_id WHEN who = 'pia' THEN 'event_svc' ELSE 'event_clinic' END OR company_id IS NULL OR client_addr IS NULL OR session_id IS NULL AND action <> 'password.refused'
	OR (who = 'key') <> (billing_service_code IS NOT NULL AND billing_service_id IS NOT NULL));
-- Logins and what is done by a token: the user and the address, as far as they are known.
SELECT function, action, CASE WHEN company_code IS NULL THEN 'company' END AS no_company, CASE WHEN username IS NULL OR user_id IS NULL THEN 'user' END AS no_user,
	CASE WHEN client_addr IS NULL THEN 'address' END AS no_address, count(*)
FROM event_test.line WHERE who IS NULL AND caller = 'regress_event_app' AND (company_code IS NULL OR username IS NULL OR user_id IS NULL OR client_addr IS NULL) GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4;
-- The person's own session in the two-part login is the key's as well.
SELECT DISTINCT function, action, username, person, billing_service_code FROM event_test.line WHERE billing_service_code IS NOT NULL ORDER BY 1, 2, 3, 4;

DO $$
BEGIN
	PERFORM bestauth.revoke_access(role_name::regrole, access) FROM bestauth.access_grant WHERE role_name LIKE 'regress\_event\_%';
END
$$;
DROP SCHEMA event_test CASCADE;
DROP ROLE regress_event_app, regress_event_operator, regress_event_mailer, regress_event_all, regress_event_nobody;
