-- [J-14] Emergency access: who may start it, what it gives and what not, who hears of it, what the
-- audit shows, and that it ends by itself. That the clock alone ends it is shown by
-- t/130_emergency.pl, races by specs/iso_emergency.spec.
\set SHOW_CONTEXT never
SET bestauth.mail_hourly_limit = 1000;
UPDATE bestauth.outbox SET cancelled_at = clock_timestamp() WHERE sent_at IS NULL AND cancelled_at IS NULL AND dead_at IS NULL;
CREATE ROLE regress_emergency_app;
CREATE ROLE regress_emergency_operator;
CREATE ROLE regress_emergency_auditor;
CREATE ROLE regress_emergency_reader;
SELECT bestauth.grant_access(('regress_emergency_' || r)::regrole, a) FROM (VALUES ('app', 'application'), ('operator', 'operator'), ('auditor', 'auditor'), ('reader', 'reader')) v (r, a);
GRANT USAGE ON SCHEMA regress TO regress_emergency_app, regress_emergency_operator, regress_emergency_auditor, regress_emergency_reader;
-- Permissions of an application: one that an emergency gives, one that the operator keeps out of
-- it, one that is given by name alone.
SET ROLE regress_emergency_operator;
INSERT INTO bestauth.permission (name, title, by_name_only) VALUES ('emergency.open', 'Open', false), ('emergency.shut', 'Shut', false), ('emergency.named', 'Named', true);
UPDATE bestauth.permission SET in_emergency = false WHERE name = 'emergency.shut';
SELECT name, in_emergency FROM bestauth.permission WHERE name LIKE 'emergency.%' ORDER BY 1;
-- [J-14] Of bestauth's own it is settled: those that rule over users and the audit are kept out.
SELECT name FROM bestauth.permission WHERE NOT in_emergency AND (name LIKE 'manage%' OR name IN ('my_account', 'web_portal', 'audit_report', 'claims', 'fill_applications', 'sign_documents', 'emergency_access')) ORDER BY 1;
SELECT name, regress.attempt(format('UPDATE bestauth.permission SET in_emergency = NOT in_emergency WHERE name = %L', name)) FROM unnest('{manage_users,audit_report,claims}'::text[]) name;
RESET ROLE;

DO $$
BEGIN
	PERFORM bestauth.create_company(code, name, parent) FROM (VALUES ('emergency_hill', 'Hill Clinic', NULL), ('emergency_north', 'North Ward', 'emergency_hill'), ('emergency_south', 'South Ward', 'emergency_hill'), ('emergency_far', 'Far Clinic', NULL), ('emergency_east', 'East Ward', 'emergency_far'), ('emergency_svc', 'Service', NULL)) v (code, name, parent);
	PERFORM bestauth.register_billing_service('emergency_svc');
	PERFORM bestauth.create_role('Night shift', '{emergency_access}', company => 'emergency_hill'), bestauth.create_role('South', '{}', '{emergency_south}', 'emergency_hill');
	PERFORM bestauth.create_user(username, user_type, initcap(username), 'Staff', username || '@emergency.example', 'seven green boats of ' || username, roles => roles, permissions => permissions, company => 'emergency_' || company) FROM (VALUES
		('ada', 'company_administrator', '{}'::text[], '{}'::text[], 'hill'), ('art', 'company_administrator', '{}', '{}', 'hill'), ('lou', 'company_administrator', '{}', '{}', 'hill'),
		('nia', 'standard', '{Night shift}', '{}', 'hill'), ('max', 'standard', '{South}', '{emergency_access,manage_users,manage_roles,audit_report,web_portal,emergency.shut,emergency.named}', 'hill'),
		('nan', 'company_administrator', '{}', '{}', 'north'), ('pam', 'standard', '{}', '{claims,manage_users}', 'hill'), ('rex', 'restricted', '{}', '{emergency_access}', 'hill'), ('kit', 'standard', '{}', '{emergency_access}', 'north'),
		('fay', 'standard', '{}', '{emergency_access}', 'far'), ('fin', 'company_administrator', '{}', '{}', 'far'), ('pia', 'restricted', '{}', '{}', 'svc')) v (username, user_type, roles, permissions, company);
	PERFORM bestauth.create_user('key', 'billing', NULL, 'Hill', NULL, 'seven green boats of key', 'emergency_svc', '{Night shift}', company => 'emergency_hill');
	PERFORM bestauth.lock_user('lou', 'emergency_hill');
	PERFORM bestauth.create_portal('emergency_hill', 'docs', 'provider', 'Docs');
	PERFORM bestauth.create_provider_user(bestauth.create_employee(bestauth.create_office('emergency_hill', '11-3437602', 'Office'), 'desk', 'Dot', 'Desk'), 'dot', 'Night shift', 'dot@emergency.example', 'an early password for desks');
END
$$;
SELECT bestauth.set_password(challenge_token, 'seven green boats of dot') FROM bestauth.login('emergency_hill', 'dot', 'an early password for desks', 'docs');
CREATE TEMP TABLE token (name text PRIMARY KEY, token text NOT NULL);
CREATE FUNCTION pg_temp.log_in(name text, username text, company text, portal text DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
	INSERT INTO token SELECT $1, session_token FROM bestauth.login('emergency_' || $3, $2, 'seven green boats of ' || $2, $4) ON CONFLICT ON CONSTRAINT token_pkey DO UPDATE SET token = excluded.token
$$;
SELECT count(pg_temp.log_in(username, username, company, portal)) FROM (VALUES ('ada', 'hill', NULL), ('art', 'hill', NULL), ('nia', 'hill', NULL), ('max', 'hill', NULL), ('pam', 'hill', NULL), ('rex', 'hill', NULL), ('kit', 'north', NULL), ('fay', 'far', NULL), ('fin', 'far', NULL), ('pia', 'svc', NULL), ('dot', 'hill', 'docs')) v (username, company, portal);
SELECT pg_temp.log_in('max elsewhere', 'max', 'hill');
INSERT INTO token SELECT 'key', two.session_token FROM bestauth.login('emergency_hill', 'key', 'seven green boats of key') one, token, LATERAL bestauth.login_second_part_session(one.challenge_token, token) two WHERE name = 'pia';
GRANT SELECT ON token TO regress_emergency_app;
CREATE FUNCTION pg_temp.use(name text) RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT substr(c.code, 11) FROM token t, LATERAL bestauth.use_session(token) s JOIN bestauth.company c USING (company_id) WHERE t.name = $1 $$;
CREATE FUNCTION pg_temp.id(code text) RETURNS uuid LANGUAGE sql SECURITY DEFINER AS $$ SELECT company_id FROM bestauth.company WHERE code = 'emergency_' || $1 $$;
CREATE FUNCTION pg_temp.user_id(name text) RETURNS uuid LANGUAGE sql SECURITY DEFINER AS $$ SELECT user_id FROM bestauth.user_account JOIN bestauth.company USING (company_id) WHERE username = $1 AND code LIKE 'emergency\_%' $$;
-- What an attempt comes to in a session, which it leaves open.
CREATE FUNCTION pg_temp.as_user(name text, statement text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
DECLARE
	detail text;
BEGIN
	PERFORM pg_temp.use(name);
	EXECUTE statement;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN SQLSTATE || ' ' || SQLERRM || coalesce(' (' || nullif(detail, '') || ')', '');
END
$$;
-- What the session of this transaction holds, of what this test looks at, and may enter.
CREATE FUNCTION pg_temp.held(OUT permissions text, OUT companies text) LANGUAGE sql SECURITY DEFINER AS $$
	SELECT (SELECT string_agg(name, ' ' ORDER BY name) FROM bestauth.permission WHERE (name = ANY ('{audit_report,claims,eligibility,emergency_access,eops,fill_applications,identifi_practice,manage_contacts,manage_facilities,manage_payers,manage_portal_users,manage_roles,manage_users,my_account,panel_roster,sign_documents,web_portal}') OR name LIKE 'emergency.%') AND bestauth.has_permission(name)),
		(SELECT string_agg(substr(code, 11), ' ' ORDER BY code) FROM bestauth.company WHERE bestauth.can_access_company(company_id))
$$;
CREATE FUNCTION pg_temp.newest(name text) RETURNS uuid LANGUAGE sql AS $$ SELECT emergency_id FROM bestauth.emergency_access WHERE user_id = pg_temp.user_id($1) ORDER BY 1 DESC LIMIT 1 $$;
-- Waits until its end is written down, which the writer does.
CREATE PROCEDURE pg_temp.settle(id uuid) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 3000 LOOP
		EXIT WHEN (SELECT ended_at IS NOT NULL FROM bestauth.emergency_access WHERE emergency_id = id);
		COMMIT;
		PERFORM pg_sleep(0.02);
	END LOOP;
END
$$;
-- How one ended, and its rows of the audit.
CREATE FUNCTION pg_temp.ended(id uuid, OUT ended_by text, OUT ended text, OUT audit text) LANGUAGE sql AS $$
	SELECT e.ended_by, CASE WHEN e.ended_at = e.expires_at THEN 'in time' WHEN e.ended_at < e.expires_at THEN 'early' ELSE 'late' END,
		(SELECT string_agg(concat_ws(' ', a.action, a.detail->>'by', substr(a.company_code, 11), a.username, a.person, a.object_id = id::text, a.session_id = e.session_id), ', ') FROM bestauth.audit_log a WHERE a.emergency_id = id AND a.action = 'emergency.ended')
	FROM bestauth.emergency_access e WHERE e.emergency_id = id
$$;

-- [J-14] Who may start it: who holds the permission, by a role or by name, or as a company
-- administrator; of the company's own people alone, each by a login of their own.
BEGIN;
SELECT name, pg_temp.as_user(name, 'SELECT bestauth.start_emergency_access(''no heartbeat in room 4'')') FROM unnest('{nia,max,kit,ada,pam,rex,key,dot}'::text[]) WITH ORDINALITY n (name, i) ORDER BY i;
SELECT count(*) AS open FROM bestauth.emergency_access WHERE ended_at IS NULL;
ROLLBACK;
SELECT count(*) AS open FROM bestauth.emergency_access;
SELECT user_type, logs_in_alone AND NOT may_be_second_part AND NOT needs_portal AS may FROM bestauth.user_type_rules ORDER BY 1;
-- Nobody without a session: not the operator, nor a superuser.
SELECT regress.attempt('SELECT bestauth.start_emergency_access(''no heartbeat in room 4'')'), regress.attempt('SELECT bestauth.end_emergency_access()');
SET ROLE regress_emergency_app;
SELECT regress.attempt('SELECT bestauth.start_emergency_access(''no heartbeat in room 4'')'), regress.attempt('SELECT bestauth.end_emergency_access()');
SET ROLE regress_emergency_operator;
SELECT regress.attempt('SELECT bestauth.start_emergency_access(''no heartbeat in room 4'')');
RESET ROLE;
SELECT pg_temp.as_user('pam', 'SELECT bestauth.end_emergency_access()');

-- [J-14] The reason: 10 to 500 characters, whatever their bytes, none of them a control.
BEGIN;
SELECT what, pg_temp.as_user('nia', format('SELECT bestauth.start_emergency_access(%L); SELECT 1 / 0', reason)) AS answer FROM (VALUES (1, 'NULL', NULL), (2, 'empty', ''), (3, '9', 'no pulse 4'::char(9)::text), (4, '9 and spaces', '  no  pulse    '), (5, 'spaces', repeat(' ', 40)), (6, '501', repeat('x', 501)),
	(7, '501 of 4 bytes', repeat(U&'\+01f9d1', 501)), (8, 'line', E'no heartbeat\nin room 4'), (9, 'escape', E'no heartbeat \x1b[2J'), (10, 'hidden', U&'no heartbeat \200b\202e')) v (n, what, reason) ORDER BY n;
ROLLBACK;
SELECT what, answer FROM (VALUES (1, '10', 'no pulse 4'), (2, '500', repeat('x', 500)), (3, '500 of 4 bytes', repeat(U&'\+01f9d1', 500))) v (n, what, reason), LATERAL (SELECT pg_temp.as_user('nia', format('SELECT bestauth.start_emergency_access(%L); SELECT 1 / 0', reason)) AS answer) a ORDER BY n;
-- [J-14] The time: what the setting says, or less.
SELECT setting, unit, boot_val, min_val, max_val, context FROM pg_settings WHERE name = 'bestauth.emergency_duration';
-- (PostgreSQL 18 says the unit of the bounds too.)
SELECT value, regexp_replace(regress.attempt(format('SET bestauth.emergency_duration = %L', value)), '(60|43200) s( \.\.|\))', '\1\2', 'g') AS attempt FROM unnest('{59s,1min,12h,43201s}'::text[]) value;
RESET bestauth.emergency_duration;
SET ROLE regress_emergency_app;
SELECT regress.attempt('SET bestauth.emergency_duration = ''2h''');
RESET ROLE;
SET IntervalStyle = postgres;
SELECT pg_temp.as_user('nia', format('SELECT bestauth.start_emergency_access(''no heartbeat in room 4'', %L); SELECT 1 / 0', duration)) FROM unnest('{0,59.999999s,1 min,60 min,60 min 0.000001s,-1 hour,1 day -23 hours,1 day,2 days,-1 day,1 month,1 month -1 day}'::text[]) WITH ORDINALITY d (duration, i) ORDER BY i;
CREATE FUNCTION pg_temp.lasts(setting text, duration interval) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	told timestamptz;
BEGIN
	PERFORM set_config('bestauth.emergency_duration', setting, true), pg_temp.use('nia');
	told := bestauth.start_emergency_access('no heartbeat in room 4', duration);
	SELECT CASE WHEN e.expires_at = s.expires_at THEN 'as long as the session' ELSE (e.expires_at - e.started_at)::text END || CASE WHEN told = e.expires_at THEN ', as told' ELSE '' END INTO result
	FROM bestauth.emergency_access e JOIN bestauth.session s USING (session_id) WHERE e.ended_at IS NULL AND e.user_id = pg_temp.user_id('nia');
	RAISE division_by_zero;
EXCEPTION WHEN division_by_zero THEN
	RETURN result;
END
$$;
SELECT setting, duration, pg_temp.lasts(setting, duration) FROM (VALUES (1, '1h', NULL::interval), (2, '1h', '5 minutes'), (3, '2h', NULL), (4, '2h', '90 minutes'), (5, '2h', '61.5 seconds'), (6, '12h', NULL)) v (n, setting, duration) ORDER BY n;
RESET bestauth.emergency_duration;
SELECT count(*) AS emergencies FROM bestauth.emergency_access;

SELECT count(*) > 0 AS sent FROM bestauth.claim_mail(1000);

-- [J-14] It counts from the next transaction on, so that what is rolled back has shown nothing; not
-- in the one that starts it, however often the session is used in it.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
BEGIN;
SELECT pg_temp.use('max');
SELECT * FROM pg_temp.held();
SELECT bestauth.start_emergency_access('  patient Miller: no heartbeat in room 4 ') > clock_timestamp() AS started;
SAVEPOINT s;
SELECT pg_temp.use('max');
SELECT * FROM pg_temp.held();
RELEASE s;
SELECT bestauth.has_permission('claims'), bestauth.can_access_company(pg_temp.id('north'));
-- One at a time.
SELECT regress.attempt('SELECT bestauth.start_emergency_access(''once more, in room 5'')');
ROLLBACK;
BEGIN;
SELECT pg_temp.use('max');
SELECT * FROM pg_temp.held();
COMMIT;
SELECT count(*) AS written FROM bestauth.audit_log WHERE audit_id > :mark AND action <> 'access.denied';
SELECT count(*) AS mails FROM bestauth.claim_mail(1000) WHERE recipient LIKE '%emergency.example';
-- It is of the company of its user, wherever the session is.
BEGIN;
SELECT pg_temp.use('max');
SELECT bestauth.switch_company('emergency_south');
SELECT bestauth.start_emergency_access('no heartbeat in room 4') > clock_timestamp() AS started;
SELECT a.action, substr(a.company_code, 11) AS company, substr(c.code, 11) AS of_company FROM bestauth.emergency_access e JOIN bestauth.company c USING (company_id) JOIN bestauth.audit_log a USING (emergency_id);
SELECT o.topic, u.username, substr(c.code, 11) AS company, coalesce(pg_temp.user_id('max') = o.about_id, false) AS about_max FROM bestauth.outbox o JOIN bestauth.user_account u USING (user_id) JOIN bestauth.company c ON c.company_id = u.company_id WHERE o.topic ~ 'emergency' AND o.created_at >= now() ORDER BY o.topic COLLATE "C", u.username COLLATE "C";
SELECT bestauth.end_emergency_access();
SELECT a.action, substr(a.company_code, 11) AS company FROM bestauth.emergency_access e JOIN bestauth.audit_log a USING (emergency_id) ORDER BY a.audit_id;
ROLLBACK;
SET ROLE regress_emergency_app;
BEGIN;
SELECT pg_temp.use('max');
SELECT bestauth.start_emergency_access('  patient Miller: no heartbeat in room 4 ') > clock_timestamp() AS started;
COMMIT;
RESET ROLE;
SELECT emergency_id AS id FROM bestauth.emergency_access \gset
SELECT c.code, pg_temp.user_id('max') = e.user_id AS of_max, e.person_id = e.user_id AS in_person, s.token_hash = sha256(convert_to(t.token, 'UTF8')) AS this_session, e.reason, e.ended_at, e.ended_by
FROM bestauth.emergency_access e JOIN bestauth.company c USING (company_id) JOIN bestauth.session s USING (session_id), token t WHERE t.name = 'max';

-- [J-14] What it gives, to that session alone: every permission but those that rule over users
-- and the audit, which the session holds not even where its user does, and those that the operator
-- or their kind keeps out of it, unless the user has them; and every child of the own company.
BEGIN;
SELECT pg_temp.use('max elsewhere');
SELECT * FROM pg_temp.held();
SELECT pg_temp.use('nia');
SELECT * FROM pg_temp.held();
SELECT pg_temp.use('max');
SELECT * FROM pg_temp.held();
SELECT code, source FROM bestauth.list_accessible_companies();
SELECT bestauth.switch_company('emergency_north'), bestauth.current_company_id() = pg_temp.id('north') AS there;
-- The child that is entered hears of it, by mail and in its audit.
SELECT o.topic, u.username, substr(c.code, 11) AS company, pg_temp.user_id('max') = o.about_id AS about_max FROM bestauth.outbox o JOIN bestauth.user_account u USING (user_id) JOIN bestauth.company c ON c.company_id = o.company_id WHERE o.topic = 'emergency_entered';
SELECT substr(company_code, 11) AS company, detail->>'emergency_id' = emergency_id::text AS says_so FROM bestauth.audit_log WHERE action = 'company.switched' AND company_code = 'emergency_north';
SELECT call, regress.attempt('SELECT ' || call) FROM unnest('{bestauth.switch_company(''emergency_far''),bestauth.switch_company(''emergency_east''),bestauth.create_user(''eve''\, ''standard''\, ''Eve''\, ''Staff''\, ''eve@emergency.example'')}'::text[]) call;
COMMIT;
-- What could make it last is none of it: whatever rules over users, roles, accounts, or the audit.
BEGIN;
SELECT pg_temp.use('max');
SELECT call, left(regress.attempt('SELECT ' || call), 12) FROM unnest(ARRAY['bestauth.grant_permission(''max'', ''claims'')', 'bestauth.assign_company(''max'', ''emergency_north'')', 'bestauth.create_role(''Own'', ''{claims}'')', 'bestauth.update_role(''Night shift'', ''{claims}'', ''{}'')',
	'bestauth.reset_password(''pam'')', 'bestauth.unlock_user(''lou'')', 'count(*) FROM bestauth.audit_report()', 'count(*) FROM bestauth.list_emergency_access()', 'bestauth.create_portal_account(gen_random_uuid(), ''a@b.example'')']) call;
COMMIT;
-- So for each permission that is kept out: no function takes it while it lasts.
BEGIN;
SELECT pg_temp.use('max');
SELECT count(*) > 40 AS many, count(*) FILTER (WHERE EXISTS (SELECT FROM unnest(permissions) p WHERE bestauth.has_permission(p))) AS callable FROM bestauth.function_rules WHERE permissions && '{manage_users,manage_roles,manage_portal_users,audit_report,web_portal}' AND NOT permissions && '{manage_contacts,claims}';
COMMIT;

-- [J-14] What is shown of it: every row that the session has caused since then has its id, in
-- whatever company, in the transaction and outside of it; no other row has it.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
BEGIN;
SELECT pg_temp.use('nia');
SELECT bestauth.switch_company('emergency_hill');
SELECT pg_temp.use('max');
SELECT bestauth.create_contact('client', 'Con', 'Tact', 'con@emergency.example') IS NOT NULL AS made;
SELECT left(regress.attempt('SELECT bestauth.create_role(''Own'', ''{claims}'')'), 5);
SELECT bestauth.switch_company('emergency_south');
COMMIT;
SELECT left(pg_temp.as_user('nia', 'SELECT bestauth.create_role(''Own'', ''{claims}'')'), 5);
SELECT action, substr(company_code, 11) AS company, username, object_type, emergency_id = :'id' AS in_emergency FROM bestauth.audit_log WHERE audit_id > :mark ORDER BY action COLLATE "C", username, object_type COLLATE "C";
SELECT DISTINCT emergency_id = :'id' AS in_emergency, a.session_id = e.session_id AS of_session FROM bestauth.audit_log a, (SELECT session_id FROM bestauth.emergency_access) e WHERE a.emergency_id IS NOT NULL;
-- Its start, with the reason and the time; what has the transaction that starts it not in it.
SELECT action, substr(company_code, 11) AS company, username, person, session_id IS NOT NULL AS session, object_type, object_id = emergency_id::text AS object, detail->>'reason' AS reason, (detail->>'expires_at')::timestamptz = (SELECT expires_at FROM bestauth.emergency_access) AS expires_at, (SELECT count(*) FROM jsonb_object_keys(detail)) AS keys
FROM bestauth.audit_log WHERE action = 'emergency.started';
SELECT action, object_type, emergency_id IS NULL AS outside FROM bestauth.audit_log WHERE transaction_id = (SELECT transaction_id FROM bestauth.audit_log WHERE action = 'emergency.started') AND action <> 'emergency.started' ORDER BY audit_id;

-- [J-14] Mail goes to every company administrator who can log in, and to the person: without the
-- reason, which may speak of a patient.
CREATE TEMP TABLE mail AS SELECT recipient, kind, subject, body, token FROM bestauth.claim_mail(1000) WHERE recipient LIKE '%emergency.example';
SELECT recipient, kind, subject, token IS NULL AS no_link FROM mail ORDER BY recipient COLLATE "C";
SELECT body FROM mail WHERE recipient IN ('ada@emergency.example', 'max@emergency.example') ORDER BY recipient;
SELECT count(*) AS with_the_reason FROM mail WHERE body ~* 'miller|heartbeat|room';
SELECT count(*) AS in_the_outbox FROM bestauth.outbox o WHERE o::text ~* 'miller|heartbeat';

-- [J-14] One at a time for a session; another session of the same user has its own.
SELECT pg_temp.as_user('max', 'SELECT bestauth.start_emergency_access(''once more, in room 5'')');
SELECT pg_temp.as_user('max elsewhere', 'SELECT bestauth.start_emergency_access(''in room 5 as well'')');
SELECT count(*) AS open, count(DISTINCT session_id) AS sessions FROM bestauth.emergency_access WHERE ended_at IS NULL;
-- Parallel workers know what the leader knows.
CREATE SCHEMA emergency;
CREATE TABLE emergency.claim AS SELECT i AS id, CASE WHEN i % 2 = 0 THEN pg_temp.id('north') ELSE pg_temp.id('far') END AS company_id FROM generate_series(1, 2000) i;
ANALYZE emergency.claim;
CREATE FUNCTION pg_temp.in_workers(expression text, OUT said text, OUT launched boolean) LANGUAGE plpgsql AS $$
DECLARE
	query text := format('SELECT (%s)::text FROM emergency.claim', expression);
	plan json;
BEGIN
	EXECUTE query INTO said;
	EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT JSON) ' || query INTO plan;
	launched := plan::text ~ '"Workers Launched": [1-9]';
END
$$;
BEGIN;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL parallel_leader_participation = off;
SET LOCAL jit = off;
SELECT pg_temp.use('max');
SELECT * FROM unnest('{count(*) FILTER (WHERE bestauth.can_access_company(company_id)),bool_and(bestauth.has_permission(''claims'')),bool_or(bestauth.has_permission(''manage_users'')),min(bestauth.current_session_id()::text) = bestauth.current_session_id()::text}'::text[]) e, LATERAL pg_temp.in_workers(e);
COMMIT;

-- [J-14] The person ends it: the next transaction has none, and is out of a company that it opened;
-- this one goes on as it was. Ending it again does nothing.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
BEGIN;
SELECT pg_temp.use('max');
SELECT bestauth.switch_company('emergency_north');
COMMIT;
BEGIN;
SELECT pg_temp.use('max');
SELECT bestauth.end_emergency_access();
ROLLBACK;
BEGIN;
SELECT pg_temp.use('max');
SELECT bestauth.end_emergency_access();
SELECT bestauth.has_permission('claims') AS still;
SELECT bestauth.end_emergency_access();
COMMIT;
BEGIN;
SELECT pg_temp.use('max');
SELECT * FROM pg_temp.held();
SELECT bestauth.end_emergency_access();
COMMIT;
CALL pg_temp.settle(:'id');
SELECT * FROM pg_temp.ended(:'id');
-- That it has lost the company is written down soon.
DO $$
BEGIN
	FOR i IN 1 .. 3000 LOOP
		EXIT WHEN NOT EXISTS (SELECT FROM bestauth.session_company JOIN bestauth.session USING (session_id) WHERE user_id = pg_temp.user_id('max'));
		COMMIT;
		PERFORM pg_sleep(0.02);
	END LOOP;
END
$$;
SELECT action, substr(company_code, 11) AS company, username, emergency_id = :'id' AS in_emergency, detail - 'emergency_id' AS detail FROM bestauth.audit_log WHERE audit_id > :mark AND action ~ '^(emergency|company)' ORDER BY audit_id;
BEGIN;
SELECT pg_temp.use('max elsewhere');
SELECT * FROM pg_temp.held();
COMMIT;

-- [J-14] It ends with its session, whichever way that ends, and when the permission is taken: the
-- next transaction has none, the view knows it at once, and the writer writes it down.
CREATE FUNCTION pg_temp.start(name text) RETURNS void LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM pg_temp.use(name);
	PERFORM bestauth.start_emergency_access('no heartbeat in room 4');
END
$$;
CREATE FUNCTION pg_temp.claims(name text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM pg_temp.use(name);
	RETURN CASE WHEN bestauth.has_permission('claims') THEN 'holds it' ELSE 'does not' END;
EXCEPTION WHEN invalid_authorization_specification THEN
	RETURN 'no session';
END
$$;
CREATE FUNCTION pg_temp.state(id uuid) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN v.open THEN 'open' ELSE v.ended_by END || CASE WHEN e.ended_at IS NULL AND NOT v.open THEN ', not written down' ELSE '' END FROM bestauth.emergency_accesses v JOIN bestauth.emergency_access e USING (emergency_id) WHERE emergency_id = $1
$$;
-- Any refused call has the writer look for what is over.
CREATE FUNCTION pg_temp.sweep() RETURNS text LANGUAGE sql AS $$ SELECT left(regress.attempt('SELECT bestauth.use_session(''bas_nobody'')'), 5) $$;
CREATE FUNCTION pg_temp.prepare() RETURNS void LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.unlock_user('nia', 'emergency_hill'), bestauth.update_role('Night shift', '{emergency_access}', '{}', 'emergency_hill'), bestauth.assign_role('nia', 'Night shift', 'emergency_hill');
	UPDATE bestauth.user_account SET user_type = 'standard' WHERE user_id = pg_temp.user_id('nia') AND user_type <> 'standard';
	PERFORM pg_temp.log_in('nia', 'nia', 'hill');
END
$$;
CREATE TEMP TABLE ending AS SELECT * FROM (VALUES (1, 'logged out', 'SELECT bestauth.logout(token) FROM token WHERE name = ''nia'''), (2, 'sessions revoked', 'SELECT bestauth.revoke_sessions(''nia'', ''emergency_hill'')'), (3, 'locked', 'SELECT bestauth.lock_user(''nia'', ''emergency_hill'')'),
	(4, 'other type', 'UPDATE bestauth.user_account SET user_type = ''restricted'' WHERE user_id = pg_temp.user_id(''nia'')'), (5, 'session too old', 'UPDATE bestauth.session SET expires_at = clock_timestamp() WHERE user_id = pg_temp.user_id(''nia'') AND ended_at IS NULL'), (6, 'session removed', 'DELETE FROM bestauth.session WHERE session_id IN (SELECT session_id FROM bestauth.emergency_access WHERE ended_at IS NULL AND user_id = pg_temp.user_id(''nia''))'),
	(7, 'role taken', 'SELECT bestauth.unassign_role(''nia'', ''Night shift'', ''emergency_hill'')'), (8, 'role changed', 'SELECT bestauth.update_role(''Night shift'', ''{eops}'', ''{}'', ''emergency_hill'')'), (9, 'by direct SQL', 'DELETE FROM bestauth.user_role WHERE user_id = pg_temp.user_id(''nia'')'),
	(10, 'its own time', 'UPDATE bestauth.emergency_access SET expires_at = clock_timestamp() WHERE emergency_id = pg_temp.newest(''nia'')'), (11, 'deleted', 'SELECT bestauth.delete_user(''nia'', ''emergency_hill'')')) v (n, what, statement);
CREATE TEMP TABLE seen (n int, step int, said text);
-- Each step in a transaction of its own.
CREATE PROCEDURE pg_temp.play() LANGUAGE plpgsql AS $$
DECLARE
	e ending;
BEGIN
	FOR e IN SELECT * FROM ending ORDER BY n LOOP
		PERFORM pg_temp.prepare();
		COMMIT;
		PERFORM pg_temp.start('nia');
		COMMIT;
		INSERT INTO seen SELECT e.n, 1, pg_temp.claims('nia');
		COMMIT;
		INSERT INTO seen SELECT e.n, 2, pg_temp.state(pg_temp.newest('nia'));
		EXECUTE e.statement;
		COMMIT;
		INSERT INTO seen SELECT e.n, 3, pg_temp.state(pg_temp.newest('nia'));
		COMMIT;
		-- The sweep alone finds it, or the session's next use.
		IF e.n % 2 = 0 THEN
			PERFORM pg_temp.sweep();
		ELSE
			INSERT INTO seen SELECT e.n, 4, pg_temp.claims('nia');
		END IF;
		COMMIT;
		CALL pg_temp.settle(pg_temp.newest('nia'));
		INSERT INTO seen SELECT e.n, 5, concat_ws(' | ', ended_by, ended, audit) FROM pg_temp.ended(pg_temp.newest('nia'));
		INSERT INTO seen SELECT e.n, 4, pg_temp.claims('nia') WHERE e.n % 2 = 0;
		COMMIT;
	END LOOP;
END
$$;
SET client_min_messages = error;
CALL pg_temp.play();
RESET client_min_messages;
SELECT what, max(said) FILTER (WHERE step = 1) AS before, max(said) FILTER (WHERE step = 2) AS state, max(said) FILTER (WHERE step = 3) AS after, max(said) FILTER (WHERE step = 4) AS then FROM seen JOIN ending USING (n) GROUP BY n, what ORDER BY n;
SELECT what, said AS written FROM seen JOIN ending USING (n) WHERE step = 5 ORDER BY n;
-- An idle session is over for who finds it so: the limit is a setting.
SELECT pg_temp.start('ada');
UPDATE bestauth.session_use SET last_used_at = clock_timestamp() - interval '25 hours' WHERE session_id = (SELECT session_id FROM bestauth.emergency_access WHERE emergency_id = pg_temp.newest('ada'));
SELECT pg_temp.sweep(), pg_temp.state(pg_temp.newest('ada'));
SELECT pg_temp.claims('ada');
CALL pg_temp.settle(pg_temp.newest('ada'));
SELECT * FROM pg_temp.ended(pg_temp.newest('ada'));
-- Given back, the permission brings nothing back; and there can be another one.
SELECT pg_temp.start('kit');
SELECT bestauth.revoke_permission('kit', 'emergency_access', 'emergency_north');
SELECT pg_temp.sweep(), pg_temp.claims('kit');
CALL pg_temp.settle(pg_temp.newest('kit'));
SELECT ended_by FROM pg_temp.ended(pg_temp.newest('kit'));
SELECT bestauth.grant_permission('kit', 'emergency_access', 'emergency_north');
SELECT pg_temp.claims('kit');
SELECT pg_temp.start('kit');
SELECT pg_temp.claims('kit');

-- [J-14] When its time is up, it is written down outside of the transaction that notices, which can
-- be rolled back, or read only; one that nobody has noticed is not in the way of the next.
SELECT pg_temp.newest('kit') AS kit \gset
UPDATE bestauth.emergency_access SET expires_at = clock_timestamp() WHERE emergency_id = :'kit';
BEGIN READ ONLY;
SELECT pg_temp.use('kit');
SELECT * FROM pg_temp.held();
ROLLBACK;
CALL pg_temp.settle(:'kit');
SELECT * FROM pg_temp.ended(:'kit');
SELECT pg_temp.start('kit');
UPDATE bestauth.emergency_access SET expires_at = clock_timestamp() WHERE emergency_id = pg_temp.newest('kit');
SELECT pg_temp.state(pg_temp.newest('kit'));
SELECT pg_temp.newest('kit') AS kit \gset
SELECT pg_temp.start('kit');
CALL pg_temp.settle(:'kit');
SELECT pg_temp.state(:'kit'), pg_temp.state(pg_temp.newest('kit')), ended, audit FROM pg_temp.ended(:'kit');
SELECT pg_temp.claims('kit');
BEGIN READ ONLY;
SELECT pg_temp.as_user('kit', 'SELECT bestauth.start_emergency_access(''no heartbeat in room 4'')'), pg_temp.as_user('kit', 'SELECT bestauth.end_emergency_access()');
COMMIT;

-- [J-14] By direct SQL, of a superuser too: what was begun does not begin again, nor last longer, nor
-- go away.
SELECT statement, regress.attempt(format(statement, id)) FROM (VALUES (:'kit', 'UPDATE bestauth.emergency_access SET ended_at = NULL, ended_by = NULL WHERE emergency_id = %L'), (:'kit', 'UPDATE bestauth.emergency_access SET ended_by = ''user'' WHERE emergency_id = %L'), (pg_temp.newest('kit')::text, 'UPDATE bestauth.emergency_access SET expires_at = expires_at + interval ''1 second'' WHERE emergency_id = %L'),
	(pg_temp.newest('kit')::text, 'UPDATE bestauth.emergency_access SET reason = ''another reason'' WHERE emergency_id = %L'), (pg_temp.newest('kit')::text, 'UPDATE bestauth.emergency_access SET user_id = gen_random_uuid() WHERE emergency_id = %L'), (pg_temp.newest('kit')::text, 'UPDATE bestauth.emergency_access SET ended_by = ''nobody'', ended_at = now() WHERE emergency_id = %L'),
	(pg_temp.newest('kit')::text, 'UPDATE bestauth.emergency_access SET ended_at = now() WHERE emergency_id = %L'), (:'kit', 'DELETE FROM bestauth.emergency_access WHERE emergency_id = %L'), (:'kit', 'TRUNCATE bestauth.emergency_access'),
	(pg_temp.newest('kit')::text, 'INSERT INTO bestauth.emergency_access (company_id, user_id, person_id, session_id, reason, expires_at) SELECT company_id, user_id, person_id, session_id, reason, expires_at FROM bestauth.emergency_access WHERE emergency_id = %L'),
	(pg_temp.newest('kit')::text, 'INSERT INTO bestauth.emergency_access (company_id, user_id, person_id, session_id, reason, expires_at) SELECT company_id, user_id, person_id, gen_random_uuid(), ''short'', expires_at FROM bestauth.emergency_access WHERE emergency_id = %L')) v (id, statement);
SELECT regress.attempt('DELETE FROM bestauth.permission WHERE name = ''emergency_access''');

-- [J-14] Reports. The operator and the auditor see all, by the view and the function; who holds
-- audit_report sees their own company; page by page, the newest first.
SELECT pg_temp.start('fay');
SET ROLE regress_emergency_app;
SELECT relation, regress.attempt('SELECT FROM bestauth.' || relation) FROM unnest('{emergency_accesses,emergency_access}'::text[]) relation;
SET ROLE regress_emergency_reader;
SELECT relation, regress.attempt('SELECT FROM bestauth.' || relation) FROM unnest('{emergency_accesses,emergency_access}'::text[]) relation;
SET ROLE regress_emergency_auditor;
SELECT regress.attempt('SELECT FROM bestauth.emergency_access');
SELECT company, username, person, reason, ended_by, open, count(*) FROM bestauth.emergency_accesses WHERE company LIKE 'emergency\_%' GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 4, 5;
SELECT array_agg(emergency_id) = array_agg(emergency_id ORDER BY emergency_id DESC) AS newest_first, array_agg(started_at) = array_agg(started_at ORDER BY started_at DESC) AS in_time, bool_and(open = (ended_at IS NULL)) AS open, bool_and(expires_at > started_at) AS lasts FROM bestauth.emergency_accesses;
SET ROLE regress_emergency_operator;
SELECT count(*) = (SELECT count(*) FROM bestauth.emergency_accesses) AS all_of_them, bool_and((l.company, l.username, l.person, l.reason, l.started_at, l.expires_at, l.ended_by, l.open) IS NOT DISTINCT FROM (v.company, v.username, v.person, v.reason, v.started_at, v.expires_at, v.ended_by, v.open)) AS the_same,
	bool_and(l.rows = (SELECT count(*) FROM bestauth.audit_log a WHERE a.emergency_id = l.emergency_id)) AS rows, max(l.rows) > 5 AS many, min(l.rows) AS least FROM bestauth.list_emergency_access() l JOIN bestauth.emergency_accesses v USING (emergency_id);
SELECT array_agg(emergency_id) = array_agg(emergency_id ORDER BY emergency_id DESC) AS newest_first FROM bestauth.list_emergency_access();
SELECT company, count(*) FROM unnest('{emergency_hill,emergency_north,emergency_far,emergency_svc}'::text[]) c, LATERAL bestauth.list_emergency_access(company => c) GROUP BY company ORDER BY company;
SELECT regress.attempt('SELECT bestauth.list_emergency_access(company => ''emergency_nowhere'')'), regress.attempt('SELECT bestauth.list_emergency_access(page_size => 0)'), regress.attempt('SELECT bestauth.list_emergency_access(after => ''x'')');
-- By pages, and by time.
WITH RECURSIVE page AS (
	SELECT 1 AS n, l.* FROM (SELECT array_agg(emergency_id) AS ids, min(next COLLATE "C") AS next FROM bestauth.list_emergency_access(company => 'emergency_hill', page_size => 4)) l
	UNION ALL SELECT n + 1, l.* FROM page, LATERAL (SELECT array_agg(emergency_id) AS ids, min(next COLLATE "C") AS next FROM bestauth.list_emergency_access(company => 'emergency_hill', page_size => 4, after => page.next)) l WHERE page.next IS NOT NULL
) SELECT array_agg(coalesce(cardinality(ids), 0) ORDER BY n) AS pages, (SELECT array_agg(id ORDER BY n, i) FROM page, unnest(ids) WITH ORDINALITY u (id, i)) = (SELECT array_agg(emergency_id) FROM bestauth.list_emergency_access(company => 'emergency_hill')) AS the_whole FROM page;
WITH whole AS (SELECT * FROM bestauth.list_emergency_access(company => 'emergency_hill')) SELECT count(*) AS since_until, (SELECT count(*) FROM whole) AS of FROM bestauth.list_emergency_access((SELECT min(started_at) FROM whole), (SELECT max(started_at) FROM whole), 'emergency_hill');
RESET ROLE;
SET ROLE regress_emergency_app;
SELECT name, pg_temp.as_user(name, call) FROM (VALUES ('fin', 'SELECT * FROM bestauth.list_emergency_access()'), ('fin', 'SELECT * FROM bestauth.list_emergency_access(company => ''emergency_hill'')'), ('fin', 'SELECT * FROM bestauth.list_emergency_access(company => ''emergency_nowhere'')'), ('pam', 'SELECT * FROM bestauth.list_emergency_access()'), ('fay', 'SELECT * FROM bestauth.list_emergency_access()')) v (name, call);
SELECT regress.attempt('SELECT * FROM bestauth.list_emergency_access()');
BEGIN;
SELECT pg_temp.use('fin');
SELECT company, username, person, reason, ended_at IS NULL AS open_end, ended_by, open, rows, next = emergency_id::text AS next FROM bestauth.list_emergency_access();
COMMIT;
RESET ROLE;
-- The rows of an emergency are found by an index, which every partition of the audit has.
SELECT count(*) FILTER (WHERE i.indexrelid IS NULL) AS without, count(*) > 12 AS many FROM pg_inherits p LEFT JOIN pg_index i ON i.indrelid = p.inhrelid AND pg_get_indexdef(i.indexrelid) ~ '\(emergency_id\) WHERE \(emergency_id IS NOT NULL\)$' WHERE p.inhparent = 'bestauth.audit_log'::regclass;
CREATE FUNCTION pg_temp.scans(query text) RETURNS TABLE (node text) LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (COSTS OFF, FORMAT JSON) ' || query INTO plan;
	RETURN QUERY SELECT DISTINCT m[1] FROM regexp_matches(plan::text, '"Node Type": "([A-Za-z ]*Scan)"', 'g') m ORDER BY 1;
END
$$;
SELECT node ~ '^(Index Only Scan|Index Scan|Bitmap Heap Scan|Bitmap Index Scan)$' AS by_index FROM pg_temp.scans(format('SELECT count(*) FROM bestauth.audit_log WHERE emergency_id OPERATOR(pg_catalog.=) %L', gen_random_uuid())) GROUP BY 1;

-- Nothing of it is left open for other tests.
UPDATE bestauth.session SET ended_at = clock_timestamp() WHERE ended_at IS NULL AND session_id IN (SELECT session_id FROM bestauth.emergency_access WHERE ended_at IS NULL);
DO $$
BEGIN
	FOR i IN 1 .. 300 LOOP
		PERFORM pg_temp.sweep();
		COMMIT;
		EXIT WHEN NOT EXISTS (SELECT FROM bestauth.emergency_access WHERE ended_at IS NULL);
		COMMIT;
		PERFORM pg_sleep(0.1);
	END LOOP;
END
$$;
SELECT count(*) AS open FROM bestauth.emergency_access WHERE ended_at IS NULL;
SELECT bestauth.revoke_access(('regress_emergency_' || r)::regrole, a) FROM (VALUES ('app', 'application'), ('operator', 'operator'), ('auditor', 'auditor'), ('reader', 'reader')) v (r, a);
DROP TABLE emergency.claim;
DROP SCHEMA emergency;
DELETE FROM bestauth.user_permission WHERE permission LIKE 'emergency.%';
DELETE FROM bestauth.permission WHERE name LIKE 'emergency.%';
REVOKE USAGE ON SCHEMA regress FROM regress_emergency_app, regress_emergency_operator, regress_emergency_auditor, regress_emergency_reader;
DROP TABLE token;
DROP ROLE regress_emergency_app, regress_emergency_operator, regress_emergency_auditor, regress_emergency_reader;
