-- The sessions of a user: showing them, and ending them.
\set SHOW_CONTEXT never
SELECT bestauth.create_company('sessend_svc', 'Service') IS NOT NULL AS made;
SELECT bestauth.register_billing_service('sessend_svc');
SELECT count(bestauth.create_company(code, code)) FROM unnest('{sessend_clinic,sessend_lab}'::text[]) code;
CREATE ROLE regress_sessend_app;
SELECT bestauth.grant_access('regress_sessend_app', 'application');
GRANT USAGE ON SCHEMA regress TO regress_sessend_app;
SELECT count(bestauth.create_user(username, 'restricted', username, 'Test', username || '@sessend.example', password, permissions => permissions, company => company))
FROM (VALUES
	('head', 'sessend_clinic', 'seven green boats of head', '{manage_users}'::text[]),
	('hand', 'sessend_clinic', 'seven green boats of hand', '{}'),
	('idle', 'sessend_clinic', NULL, '{}'),
	('stranger', 'sessend_lab', NULL, '{}'),
	('anna', 'sessend_svc', 'seven green boats of anna', '{}'),
	('bert', 'sessend_svc', 'seven green boats of bert', '{}')) v (username, company, password, permissions);
SELECT count(bestauth.create_user('key', 'billing', 'Key', NULL, NULL, 'seven green boats of key', 'sessend_svc', company => company)) FROM unnest('{sessend_clinic,sessend_lab}'::text[]) company;
-- Every session of this test, by a name.
CREATE TEMP TABLE session (name text, token text);
CREATE FUNCTION pg_temp.log_in(name text, company text, username text) RETURNS void LANGUAGE sql AS $$
	INSERT INTO session SELECT $1, session_token FROM bestauth.login($2, $3, 'seven green boats of ' || $3, client_addr => '192.0.2.7', client_info => $1)
$$;
CREATE FUNCTION pg_temp.log_in_as(name text, company text, person text) RETURNS void LANGUAGE sql AS $$
	INSERT INTO session SELECT $1, two.session_token FROM bestauth.login($2, 'key', 'seven green boats of key') one,
		LATERAL bestauth.login_second_part_session(one.challenge_token, (SELECT token FROM session WHERE name = $3), client_info => $1) two
$$;
CREATE FUNCTION pg_temp.token(name text) RETURNS text LANGUAGE sql AS $$ SELECT token FROM session WHERE name = $1 $$;
-- Which of them can be used.
CREATE FUNCTION pg_temp.good(token text) RETURNS boolean LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session(token);
	RETURN true;
EXCEPTION WHEN invalid_authorization_specification THEN
	RETURN false;
END
$$;
CREATE FUNCTION pg_temp.usable() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(name, ' ' ORDER BY name COLLATE "C") FROM session WHERE pg_temp.good(token)
$$;
CREATE FUNCTION pg_temp.as_user(name text, statement text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
DECLARE
	result text;
	rule text;
BEGIN
	PERFORM bestauth.use_session(pg_temp.token(name));
	EXECUTE 'SELECT ' || statement INTO result;
	RETURN result;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME;
	RETURN SQLSTATE || coalesce(' [' || nullif(rule, '') || ']', '') || ' ' || SQLERRM;
END
$$;
CREATE FUNCTION pg_temp.trail(after bigint) RETURNS TABLE (action text, outcome text, company text, username text, person text, service text, object_id text, detail jsonb) LANGUAGE sql AS $$
	SELECT action, outcome, company_code, username, person, billing_service_code, CASE object_type WHEN 'session' THEN '(session)' ELSE object_id END, detail FROM bestauth.audit_log
	WHERE audit_id > $1 AND company_code LIKE 'sessend%' AND (action IN ('sessions.revoked', 'session.ended', 'access.denied')) ORDER BY audit_id
$$;
SELECT pg_temp.log_in('head', 'sessend_clinic', 'head');
SELECT count(*) FROM unnest('{hand1,hand2,hand3}'::text[]) name, pg_temp.log_in(name, 'sessend_clinic', 'hand');
SELECT pg_temp.log_in('anna', 'sessend_svc', 'anna'), pg_temp.log_in('bert', 'sessend_svc', 'bert');
SELECT pg_temp.log_in_as('anna at clinic', 'sessend_clinic', 'anna'), pg_temp.log_in_as('bert at clinic', 'sessend_clinic', 'bert'), pg_temp.log_in_as('anna at lab', 'sessend_lab', 'anna');
SELECT pg_temp.usable();

--
-- [TPB-9] list_sessions: of a user; of a key those of all who came with it; of a
-- service's person those at its customers as well.
--
SELECT company, username, person, client_addr, client_info, created_at <= last_used_at AS used, expires_at > clock_timestamp() AS open, next = session_id::text AS next
FROM bestauth.list_sessions('HAND', company => 'sessend_clinic');
SELECT company, username, person, client_info FROM bestauth.list_sessions('key', company => 'sessend_clinic');
SELECT company, username, person, client_info FROM bestauth.list_sessions('anna', company => 'sessend_svc');
SELECT count(*) FROM bestauth.list_sessions('idle', company => 'sessend_clinic');
-- Page by page all of them, once each.
CREATE FUNCTION pg_temp.pages(username text, company text, size int) RETURNS TABLE (page int, client_info text) LANGUAGE plpgsql AS $$
DECLARE
	after text;
	rows int;
BEGIN
	FOR n IN 1 .. 10 LOOP
		page := n;
		rows := 0;
		FOR client_info, after IN SELECT s.client_info, s.next FROM bestauth.list_sessions(username, size, after, company) s LOOP
			rows := rows + 1;
			RETURN NEXT;
		END LOOP;
		EXIT WHEN rows = 0;
	END LOOP;
END
$$;
SELECT size, count(*) AS rows, count(DISTINCT client_info) AS sessions, max(page) AS pages FROM (VALUES (1), (2), (3), (1000)) v (size), pg_temp.pages('hand', 'sessend_clinic', size) GROUP BY size ORDER BY size;
-- Those that use_session takes, and no others: not an idle one, one that expired or ended,
-- or one of a password, a person or a service of before.
CREATE FUNCTION pg_temp.listed_after(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE statement;
	result := (SELECT string_agg(client_info, ' ' ORDER BY client_info COLLATE "C") FROM (SELECT client_info FROM bestauth.list_sessions('hand', company => 'sessend_clinic')
		UNION SELECT client_info FROM bestauth.list_sessions('anna', company => 'sessend_svc')
		UNION SELECT client_info FROM bestauth.list_sessions('bert', company => 'sessend_svc')
		UNION SELECT client_info FROM bestauth.list_sessions('head', company => 'sessend_clinic')) l);
	RAISE EXCEPTION USING ERRCODE = 'ZZ000', MESSAGE = result || CASE WHEN result <> pg_temp.usable() THEN ' BUT NOT ' || pg_temp.usable() ELSE '' END;
EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
	RETURN SQLERRM;
END
$$;
SELECT cause, pg_temp.listed_after(statement) AS listed FROM (VALUES
	('nothing', 'SELECT 1'),
	('expired', $$UPDATE bestauth.session SET expires_at = clock_timestamp() WHERE client_info = 'hand2'$$),
	('ended', $$SELECT bestauth.logout(pg_temp.token('hand2'))$$),
	('password', $$SELECT bestauth.reset_password('hand', 'sessend_clinic')$$),
	('key''s password', $$SELECT bestauth.reset_password('key', 'sessend_clinic')$$),
	('person locked', $$SELECT bestauth.lock_user('anna', 'sessend_svc')$$),
	('unregistered', $$SELECT bestauth.unregister_billing_service('sessend_svc')$$)) v (cause, statement);

BEGIN;
UPDATE bestauth.session_use u SET last_used_at = last_used_at - interval '1 day' FROM bestauth.session s WHERE s.session_id = u.session_id AND s.client_info = 'hand2';
SELECT client_info FROM bestauth.list_sessions('hand', company => 'sessend_clinic');
ROLLBACK;

-- One's own take no permission, those of others manage_users; users elsewhere are none.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SELECT name, username, pg_temp.as_user(name, format('count(*) FROM bestauth.list_sessions(%L)', username)) AS list
FROM (VALUES ('hand1', 'hand'), ('hand1', 'HAND'), ('hand1', 'head'), ('hand1', 'nobody'), ('head', 'hand'), ('head', 'key'), ('head', 'nobody'), ('head', 'stranger'), ('anna', 'anna'), ('anna', 'bert')) v (name, username);
SELECT pg_temp.as_user('head', $$count(*) FROM bestauth.list_sessions('stranger', company => 'sessend_lab')$$), pg_temp.as_user('hand1', $$count(*) FROM bestauth.list_sessions('hand', portal => 'none')$$);
SET ROLE regress_sessend_app;
SELECT regress.attempt($$SELECT * FROM bestauth.list_sessions('hand', company => 'sessend_clinic')$$), regress.attempt($$SELECT bestauth.revoke_sessions('hand', 'sessend_clinic')$$);
RESET ROLE;
SELECT * FROM pg_temp.trail(:mark);

--
-- [TPB-9] [D-11] revoke_sessions.
--
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SELECT name, username, pg_temp.as_user(name, format('bestauth.revoke_sessions(%L)', username)) AS revoke
FROM (VALUES ('hand1', 'head'), ('hand1', 'key'), ('head', 'nobody'), ('head', 'stranger'), ('anna', 'bert')) v (name, username);
SELECT pg_temp.usable();
-- Of a user, by who manages users; rolled back they are good still.
BEGIN;
SELECT pg_temp.as_user('head', $$bestauth.revoke_sessions('Hand')$$);
ROLLBACK;
SELECT pg_temp.usable();
SELECT pg_temp.as_user('head', $$bestauth.revoke_sessions('Hand')$$);
SELECT pg_temp.usable();
SELECT pg_temp.as_user('head', $$bestauth.revoke_sessions('hand')$$), (SELECT count(*) FROM bestauth.list_sessions('hand', company => 'sessend_clinic'));
-- The password stays. One's own takes nothing, and ends with the transaction.
SELECT count(*) FROM unnest('{hand4,hand5}'::text[]) name, pg_temp.log_in(name, 'sessend_clinic', 'hand');
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session(pg_temp.token('hand4'));
SELECT bestauth.revoke_sessions('hand'), bestauth.current_user_id() IS NOT NULL AS still_in;
COMMIT;
SELECT pg_temp.usable();
-- Of a key, those of all who came with it, there.
SELECT pg_temp.as_user('head', $$bestauth.revoke_sessions('key')$$);
SELECT pg_temp.usable();
-- Of a person of the service, those at its customers as well; by the operator.
SELECT pg_temp.log_in_as('anna again', 'sessend_clinic', 'anna'), pg_temp.log_in_as('bert again', 'sessend_clinic', 'bert');
SELECT pg_temp.usable();
SELECT bestauth.revoke_sessions('anna', 'sessend_svc');
SELECT pg_temp.usable();
SELECT * FROM pg_temp.trail(:mark);
-- Of one who is deleted there are none.
SELECT pg_temp.log_in('hand6', 'sessend_clinic', 'hand');
SELECT bestauth.delete_user('hand', 'sessend_clinic'), (SELECT count(*) FROM bestauth.list_sessions('hand', company => 'sessend_clinic'));

--
-- [D-11] logout: of this session alone, by whoever has its token; the audit says whose it
-- was. Again, or of an unknown one, is no error, and no row.
--
SELECT pg_temp.log_in('anna2', 'sessend_svc', 'anna'), pg_temp.log_in('anna3', 'sessend_svc', 'anna');
SELECT pg_temp.log_in_as('anna third', 'sessend_clinic', 'anna2');
SELECT pg_temp.usable();
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
BEGIN;
SELECT bestauth.logout(pg_temp.token('anna2'));
ROLLBACK;
SELECT pg_temp.usable();
SELECT bestauth.logout(pg_temp.token('anna2'));
SELECT pg_temp.usable();
SELECT token AS third FROM session WHERE name = 'anna third' \gset
SET ROLE regress_sessend_app;
SELECT bestauth.logout(:'third');
SELECT bestauth.logout(:'third'), bestauth.logout(''), bestauth.logout('bas_' || repeat('A', 43)), bestauth.logout(repeat('x', 100000));
RESET ROLE;
SELECT pg_temp.usable();
SELECT * FROM pg_temp.trail(:mark);
SELECT client_info FROM bestauth.list_sessions('anna', company => 'sessend_svc');

-- [M-01]
SELECT call, regress.attempt('SELECT ' || call) FROM unnest(ARRAY['bestauth.logout(NULL)', 'bestauth.revoke_sessions(NULL, ''sessend_svc'')', 'bestauth.revoke_sessions('''', ''sessend_svc'')',
	'bestauth.revoke_sessions(E''a\nb'', ''sessend_svc'')', 'bestauth.revoke_sessions(repeat(''a'', 255), ''sessend_svc'')', 'bestauth.revoke_sessions(''nobody'', ''sessend_svc'')', 'bestauth.revoke_sessions(''anna'', ''sessend_nowhere'')',
	'bestauth.revoke_sessions(''anna'')', 'bestauth.revoke_sessions(''anna'', ''sessend_svc'', ''none'')', 'bestauth.revoke_sessions(NULL, NULL, NULL)',
	'bestauth.list_sessions(NULL, company => ''sessend_svc'')', 'bestauth.list_sessions('''', company => ''sessend_svc'')', 'bestauth.list_sessions(''anna'')',
	'bestauth.list_sessions(''anna'', 0, company => ''sessend_svc'')', 'bestauth.list_sessions(''anna'', 1001, company => ''sessend_svc'')', 'bestauth.list_sessions(''anna'', NULL, NULL, ''sessend_svc'')',
	'bestauth.list_sessions(''anna'', -1, company => ''sessend_svc'')', 'bestauth.list_sessions(''anna'', after => ''anna'', company => ''sessend_svc'')', 'bestauth.list_sessions(''anna'', after => '''', company => ''sessend_svc'')',
	'bestauth.list_sessions(''anna'', after => repeat(''-'', 36), company => ''sessend_svc'')', 'bestauth.list_sessions(''anna'', after => repeat(''x'', 10000), company => ''sessend_svc'')']) call;
SELECT call, pg_temp.as_user('anna3', call) FROM unnest('{bestauth.list_sessions(NULL),bestauth.revoke_sessions(NULL)}'::text[]) call;

REVOKE USAGE ON SCHEMA regress FROM regress_sessend_app;
SELECT bestauth.revoke_access('regress_sessend_app', 'application');
DROP ROLE regress_sessend_app;
