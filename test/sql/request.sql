-- Asking for an account of an office without an invite: what is kept, what the security
-- answers decide and what becomes of them, what waits, and what is missing.
\set SHOW_CONTEXT never
SET bestauth.lockout_threshold = 100;
SET bestauth.mail_hourly_limit = 10000;
UPDATE bestauth.outbox SET cancelled_at = clock_timestamp() WHERE sent_at IS NULL AND cancelled_at IS NULL AND dead_at IS NULL;
SELECT count(bestauth.create_company(code, name)) FROM (VALUES ('request_clinic', 'Hill Clinic'), ('request_far', 'Far Clinic'), ('request_none', 'No Doctors'), ('request_two', 'Two Portals')) v (code, name);
SELECT count(bestauth.create_portal(company, code, kind, code)) FROM (VALUES ('request_clinic', 'docs', 'provider'), ('request_clinic', 'people', 'client'), ('request_far', 'docs', 'provider'), ('request_none', 'people', 'client'), ('request_two', 'one', 'provider'), ('request_two', 'two', 'provider')) v (company, code, kind);
CREATE ROLE regress_request_app;
CREATE ROLE regress_request_operator;
SELECT bestauth.grant_access('regress_request_app', 'application'), bestauth.grant_access('regress_request_operator', 'operator');
GRANT USAGE ON SCHEMA regress TO regress_request_app, regress_request_operator;
CREATE TEMP TABLE office (name text PRIMARY KEY, office_id uuid);
INSERT INTO office SELECT name, bestauth.create_office(company, identifier, name, qualifier, portal => portal) FROM (VALUES ('hill', 'request_clinic', '11-3437602', '24', NULL), ('dale', 'request_clinic', '11-3437603', '24', NULL), ('twin', 'request_clinic', '11-3437602', '34', NULL),
	('lake', 'request_clinic', '11-3437604', '24', NULL), ('far', 'request_far', '11-3437602', '24', NULL), ('one', 'request_two', '11-3437602', '24', 'one'), ('two', 'request_two', '11-3437602', '24', 'two')) v (name, company, identifier, qualifier, portal);
SELECT count(bestauth.create_provider(office_id, npi, first_name, 'Test', birth_date::date)) FROM office JOIN (VALUES ('hill', '1000000004', 'Pat', '1970-02-03'), ('hill', '1000000012', 'Sam', '1931-07-13'), ('dale', '1000000020', 'Dee', '1970-02-03'), ('twin', '1000000004', 'Pat', '1970-02-03'), ('lake', '1000000004', 'Pat', '1970-02-03'), ('lake', '1000000012', 'Sam', '1931-07-13'),
	('far', '1000000004', 'Pat', '1970-02-03'), ('one', '1000000004', 'Pat', '1970-02-03')) v (name, npi, first_name, birth_date) USING (name);
-- 1000000038 has claims, and is no provider of the office; CLM-008 is a claim of two providers.
INSERT INTO bestauth.claim_history_qualified (office_identifier, npi, claim_number, service_date, company, identifier_qualifier) VALUES
	('113437602', '1000000004', 'CLM-001', '2024-01-02', 'request_clinic', '24'), ('113437602', '1000000012', 'Zqx-Canary/77', '2024-01-02', 'request_clinic', '24'), ('113437603', '1000000020', 'CLM-003', '2024-01-02', 'request_clinic', '24'),
	('113437602', '1000000004', 'CLM-004', '2024-01-02', 'request_clinic', '34'), ('113437602', '1000000004', 'CLM-005', '2024-01-02', 'request_far', '24'), ('113437602', '1000000038', 'CLM-006', '2024-01-02', 'request_clinic', '24'),
	('119999999', '1000000004', 'CLM-007', '2024-01-02', 'request_clinic', '24'), ('113437602', '1000000004', 'CLM-008', '2024-01-02', 'request_clinic', '24'), ('113437602', '1000000012', 'CLM-008', '2024-01-02', 'request_clinic', '24'),
	('113437604', '1000000004', 'CLM-001', '2024-01-02', 'request_clinic', '24'), ('113437604', '1000000012', 'CLM-002', '2024-01-02', 'request_clinic', '24');
CREATE TEMP TABLE mail (n serial, kind text, recipient text, subject text, body text, token text);
-- What is sent, as an object: all that is not said stands here. A try has a user name of its own.
CREATE TEMP SEQUENCE try;
GRANT USAGE ON SEQUENCE try TO regress_request_app, regress_request_operator;
CREATE FUNCTION pg_temp.ask(given jsonb DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	n text := 'try' || nextval('try');
	a jsonb := jsonb_build_object('company', 'request_clinic', 'identifier', '11-3437602', 'identifier_qualifier', NULL, 'level', 'tin', 'npi', NULL, 'role', NULL, 'username', n, 'password', 'seven green boats of hers', 'first_name', 'Ann', 'last_name', 'Asker',
		'email', n || '@request.example') || CASE given ->> 'level' WHEN 'individual' THEN '{"npi": "1000000004"}'::jsonb ELSE '{}' END || given;
	result text;
	rule text;
BEGIN
	EXECUTE format('SELECT concat_ws('' '', status, missing::text) || CASE WHEN registration_id IS NULL THEN '' without id'' ELSE '''' END FROM bestauth.submit_registration(%s)', (SELECT string_agg(format('%I => %L', key, value), ', ') FROM jsonb_each_text(a))) INTO result;
	RETURN result;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME;
	RETURN SQLSTATE || coalesce(' [' || nullif(rule, '') || ']', '') || ' ' || SQLERRM;
END
$$;
CREATE FUNCTION pg_temp.claim() RETURNS TABLE (kind text, recipient text, subject text, has_token boolean) LANGUAGE sql AS $$
	INSERT INTO mail (kind, recipient, subject, body, token) SELECT kind, recipient, subject, body, token FROM bestauth.claim_mail(1000)
	WHERE recipient ILIKE '%@request.example' ORDER BY recipient COLLATE "C", kind, subject COLLATE "C" RETURNING kind, recipient, subject, token IS NOT NULL
$$;
CREATE FUNCTION pg_temp.link(address text) RETURNS text LANGUAGE sql AS $$ SELECT token FROM mail WHERE recipient = $1 || '@request.example' AND token IS NOT NULL ORDER BY n DESC LIMIT 1 $$;
CREATE FUNCTION pg_temp.log_in(username text, portal text DEFAULT 'docs') RETURNS text LANGUAGE sql AS $$ SELECT outcome FROM bestauth.login('request_clinic', username, 'seven green boats of hers', portal) $$;
CREATE VIEW pg_temp.row AS SELECT r.*, c.code AS company, p.code AS portal, o.name AS office FROM bestauth.registration r JOIN bestauth.company c USING (company_id) JOIN bestauth.portal p USING (portal_id) LEFT JOIN bestauth.office o USING (office_id) WHERE c.code LIKE 'request\_%';

-- [PRV-6] Everything that was sent is kept, the password as a hash; the role is that of self
-- registration where none is asked for.
SET ROLE regress_request_app;
SELECT pg_temp.ask('{"username": "Full.Name", "first_name": " Ann ", "last_name": "Asker", "email": "Full@request.example", "role": "provider - portal user", "details": {"middle_name": "Mary", "title": "Dr", "phone": "+1 555 0100"}}');
SELECT pg_temp.ask('{"username": "plain", "email": "plain@request.example", "level": "Individual", "identifier": "113437602", "npi": "1000000012", "identifier_qualifier": "24"}');
RESET ROLE;
\x
SELECT company, portal, office, (SELECT first_name FROM bestauth.provider p WHERE p.provider_id = row.provider_id) AS provider, status, level, identifier, identifier_qualifier, npi, email, role, username, first_name, middle_name, last_name, title, phone, claim_number_result, birth_date_result, missing, reason, user_id, changed_by
FROM pg_temp.row WHERE username IN ('Full.Name', 'plain') ORDER BY username;
\x
SELECT count(*), bool_and(password_hash LIKE '$2_$%') AS hashed FROM bestauth.registration_credential JOIN pg_temp.row USING (registration_id);
SELECT count(*) AS accounts FROM bestauth.user_account u JOIN bestauth.company c USING (company_id) WHERE c.code LIKE 'request\_%';
SET ROLE regress_request_app;
SELECT role, pg_temp.ask(jsonb_build_object('role', role)) FROM unnest('{Provider - Administrator,Provider - Portal User,Provider - Clerical User,Provider - Self Registration User,Provider,Everything,""}'::text[]) role;
-- Of the rest, the same keys as an invitee's.
SELECT details, pg_temp.ask(jsonb_build_object('details', details)) FROM unnest(ARRAY['{}', 'null', '[]', '{"middle_name": null, "title": "", "phone": " 1 "}', '{"email": "x@request.example"}', '{"Title": "Dr"}', '{"title": 7}', '{"title": ["Dr"]}', '{"phone": "1\n2"}']::jsonb[]) details;
SELECT pg_temp.ask(jsonb_build_object('details', jsonb_build_object('title', repeat('x', 100)))), pg_temp.ask(jsonb_build_object('details', jsonb_build_object('title', repeat('x', 101))));
SELECT given, pg_temp.ask(given) FROM unnest(ARRAY['{"level": "office"}', '{"level": "TIN", "npi": "nobody"}', '{"level": "individual", "npi": "123"}', '{"email": "nobody"}', '{"email": "a@b.example, c@d.example"}', '{"username": "a b"}', '{"identifier": "11;34"}', '{"identifier_qualifier": "?"}', '{"first_name": "A\tB"}']::jsonb[]) given;
-- [A-01] [A-06] The password is one that the policy takes, or nothing is written.
SELECT password, pg_temp.ask(jsonb_build_object('username', 'weak', 'password', password)) FROM unnest('{short,request_clinic request_clinic,weak weak weak weak}'::text[]) password;
BEGIN READ ONLY;
SELECT pg_temp.ask('{"username": "reader"}');
COMMIT;
RESET ROLE;
SELECT count(*) FROM pg_temp.row WHERE username IN ('weak', 'reader');

-- Where to: a company without a provider portal is like one that is not there; several are named.
SET ROLE regress_request_app;
SELECT given, pg_temp.ask(given || '{"username": "where"}') FROM unnest(ARRAY['{"company": "request_none"}', '{"company": "request_nowhere"}', '{"company": "request_none", "portal": "docs"}', '{"company": "request_nowhere", "portal": "docs"}', '{"company": null}', '{"company": "request_two"}', '{"company": "request_two", "portal": "three"}',
	'{"company": "request_clinic", "portal": "people"}', '{"company": "request_two", "portal": "two"}', '{"company": "REQUEST_TWO", "portal": "One"}']::jsonb[]) given;
RESET ROLE;
SELECT company, portal, office, username FROM pg_temp.row WHERE username = 'where' ORDER BY portal;

-- [PRV-7] The right claim with the right date of birth approves at once, in whatever form the
-- claim and the identifier are written.
SET ROLE regress_request_app;
SELECT n, given, pg_temp.ask(given || jsonb_build_object('username', 'right' || n)) FROM unnest(ARRAY[
	'{"claim_number": "CLM-001", "provider_birth_date": "1970-02-03"}', '{"claim_number": " clm 001 ", "provider_birth_date": "1970-02-03"}', '{"claim_number": "CLM001", "provider_birth_date": "1970-02-03", "identifier": " 113 437 602"}',
	'{"claim_number": "CLM-008", "provider_birth_date": "1970-02-03"}', '{"claim_number": "CLM-008", "provider_birth_date": "1931-07-13", "role": "provider - CLERICAL user"}',
	'{"claim_number": "zqxcanary77", "provider_birth_date": "1931-07-13", "level": "individual", "npi": "1000000012", "role": "Provider - Portal User", "details": {"middle_name": "M", "title": "Dr", "phone": "1"}}',
	'{"claim_number": "CLM-004", "provider_birth_date": "1970-02-03", "identifier_qualifier": "34", "level": "individual"}', '{"claim_number": "CLM-005", "provider_birth_date": "1970-02-03", "company": "request_far"}']::jsonb[]) WITH ORDINALITY g (given, n);
RESET ROLE;
SELECT r.username, r.level, r.office, p.first_name AS provider, u.office_id = r.office_id AS of_office, u.provider_id IS NOT DISTINCT FROM r.provider_id AS of_provider, u.verified_at IS NOT NULL AS verified, ro.name AS role, r.granted_role, r.claim_number_result, r.birth_date_result
FROM pg_temp.row r JOIN bestauth.user_account u USING (user_id) LEFT JOIN bestauth.provider p ON p.provider_id = r.provider_id LEFT JOIN bestauth.user_role ur ON ur.user_id = u.user_id LEFT JOIN bestauth.role ro USING (role_id) WHERE r.status = 'AUTO-APPROVED' ORDER BY 1;
SELECT u.username, u.user_type, u.first_name, u.middle_name, u.last_name, u.email, u.title, u.phone FROM bestauth.user_account u JOIN pg_temp.row r USING (user_id) WHERE r.username = 'right6';
SELECT count(*) AS left_behind FROM bestauth.registration_credential JOIN pg_temp.row USING (registration_id) WHERE status = 'AUTO-APPROVED';

-- [F-08] [PRV-7] Nothing else does, and the answer is the same: one right answer alone, a claim
-- of another provider, office, qualifier or company, of an office that is not there, or of
-- nobody who is here.
SET ROLE regress_request_app;
SELECT n, given, pg_temp.ask(given || jsonb_build_object('username', 'wrong' || n)) FROM unnest(ARRAY[
	'{}', '{"claim_number": "CLM-001"}', '{"provider_birth_date": "1970-02-03"}', '{"claim_number": "", "provider_birth_date": "1970-02-03"}', '{"claim_number": "CLM-001", "provider_birth_date": "1970-03-02"}', '{"claim_number": "CLM-002", "provider_birth_date": "1970-02-03"}', '{"claim_number": "CLM-001", "provider_birth_date": "1931-07-13"}',
	'{"claim_number": "CLM-003", "provider_birth_date": "1970-02-03"}', '{"claim_number": "CLM-004", "provider_birth_date": "1970-02-03"}', '{"claim_number": "CLM-005", "provider_birth_date": "1970-02-03"}', '{"claim_number": "CLM-006", "provider_birth_date": "1970-02-03"}', '{"claim_number": "CLM-007", "provider_birth_date": "1970-02-03", "identifier": "119999999"}',
	'{"claim_number": "zqxcanary77", "provider_birth_date": "1970-02-03", "level": "individual"}', '{"claim_number": "zqxcanary77", "provider_birth_date": "1931-07-13", "level": "individual"}', '{"claim_number": "CLM-001", "provider_birth_date": "1970-02-03", "level": "individual", "npi": "1000000012"}', '{"claim_number": "CLM-006", "provider_birth_date": "1970-02-03", "level": "individual", "npi": "1000000038"}',
	'{"claim_number": "CLM%", "provider_birth_date": "1970-02-03"}', '{"claim_number": "---", "provider_birth_date": "1970-02-03"}', '{"claim_number": "CLM-001", "provider_birth_date": "infinity"}', '{"claim_number": "CLM-001", "provider_birth_date": "1970-02-03", "identifier": "11-3437609"}']::jsonb[]) WITH ORDINALITY g (given, n);
RESET ROLE;
SELECT username, level, office, status, claim_number_result, birth_date_result FROM pg_temp.row WHERE username LIKE 'wrong%' ORDER BY substr(username, 6)::integer;
-- A right claim and date of birth are of the same provider, though each is right by itself.
SELECT count(*) FROM pg_temp.row WHERE username LIKE 'wrong%' AND (status NOT LIKE 'PENDING%' OR user_id IS NOT NULL);

-- [PRV-7] A company can switch it off: a company administrator of it, or the operator.
SELECT bestauth.create_user('adam', 'company_administrator', 'Ad', 'Min', 'adam@request.example', 'seven green boats of hers', company => 'request_clinic') IS NOT NULL AS made;
SELECT bestauth.create_user('staff', 'standard', 'St', 'Aff', 'staff@request.example', 'seven green boats of hers', permissions => '{manage_users,manage_roles}', company => 'request_clinic') IS NOT NULL AS made;
CREATE TEMP TABLE session (username text PRIMARY KEY, token text);
INSERT INTO session SELECT username, session_token FROM unnest('{adam,staff}'::text[]) username, LATERAL bestauth.login('request_clinic', username, 'seven green boats of hers');
SELECT email FROM bestauth.send_registration_links('{head@request.example}', 'Provider - Administrator', (SELECT office_id FROM office WHERE name = 'hill'));
SELECT kind, recipient FROM pg_temp.claim() WHERE recipient LIKE 'head%';
SELECT outcome FROM bestauth.accept_registration(pg_temp.link('head'), 'head', 'seven green boats of hers', 'He', 'Ad');
INSERT INTO session SELECT 'head', session_token FROM bestauth.login('request_clinic', 'head', 'seven green boats of hers', 'docs');
GRANT SELECT ON session, office TO regress_request_app, regress_request_operator;
CREATE FUNCTION pg_temp.as_user(username text, statement text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session((SELECT token FROM session s WHERE s.username = as_user.username));
	RETURN regress.attempt(statement);
END
$$;
SET ROLE regress_request_app;
SELECT regress.attempt('SELECT bestauth.set_auto_approval(false, ''request_clinic'')');
SELECT username, statement, pg_temp.as_user(username, 'SELECT bestauth.set_auto_approval' || statement) FROM (VALUES ('staff', '(false)'), ('head', '(false)'), ('adam', '(false, ''request_far'')'), ('adam', '(NULL)'), ('adam', '(false)'), ('adam', '(false)')) v (username, statement);
SELECT pg_temp.ask('{"claim_number": "CLM-001", "provider_birth_date": "1970-02-03", "username": "switched"}'), pg_temp.ask('{"claim_number": "CLM-005", "provider_birth_date": "1970-02-03", "company": "request_far"}') AS far;
SET ROLE regress_request_operator;
SELECT statement, regress.attempt('SELECT bestauth.set_auto_approval' || statement) FROM unnest(ARRAY['(true)', '(true, ''request_nowhere'')', '(true, ''request_clinic'')', '(true, ''request_clinic'')']) statement;
RESET ROLE;
SELECT username, status, claim_number_result, birth_date_result FROM pg_temp.row WHERE username = 'switched';
SELECT action, username, object_id FROM bestauth.audit_log WHERE company_code = 'request_clinic' AND action LIKE 'auto_approval.%' ORDER BY audit_id;
SET ROLE regress_request_app;
SELECT pg_temp.ask('{"claim_number": "CLM-001", "provider_birth_date": "1970-02-03"}');
RESET ROLE;

-- [F-07] [C-01] Wrong answers are charged like wrong passwords: to the office, or to the
-- provider of it that is asked for; whatever becomes of the transaction.
SET bestauth.lockout_threshold = 3;
CREATE FUNCTION pg_temp.count(office text, npi text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce((SELECT failed || CASE WHEN locked_until > clock_timestamp() THEN ' locked' ELSE '' END FROM bestauth.login_counter
		WHERE subject = '\x6f'::bytea || decode(replace(office_id::text, '-', ''), 'hex') || coalesce(substr(sha256(npi::bytea), 1, 16), '')), 'none') FROM office WHERE name = $1
$$;
CREATE FUNCTION pg_temp.unlock() RETURNS void LANGUAGE sql AS $$ UPDATE bestauth.login_counter SET locked_at = locked_at - interval '1 hour', locked_until = clock_timestamp() - interval '1 second', last_at = last_at - interval '1 hour' WHERE locked_until IS NOT NULL $$;
SELECT pg_temp.count('lake'), pg_temp.count('lake', '1000000004');
BEGIN;
SELECT pg_temp.ask('{"identifier": "113437604", "claim_number": "CLM-009", "provider_birth_date": "1970-02-03"}');
ROLLBACK;
SELECT pg_temp.count('lake');
BEGIN;
SAVEPOINT s;
SELECT pg_temp.ask('{"identifier": "113437604", "claim_number": "CLM-001", "provider_birth_date": "1970-03-02"}');
ROLLBACK TO s;
COMMIT;
SELECT pg_temp.count('lake'), pg_temp.count('lake', '1000000004');
-- Without answers there is nothing to charge; a right one clears the count.
SELECT pg_temp.ask('{"identifier": "113437604"}'), pg_temp.count('lake');
SELECT pg_temp.ask('{"identifier": "113437604", "claim_number": "CLM-001", "provider_birth_date": "1970-02-03"}');
SELECT pg_temp.count('lake');
-- At individual level each provider has a count of its own.
SELECT n, pg_temp.ask('{"identifier": "113437604", "level": "individual", "claim_number": "CLM-002", "provider_birth_date": "1970-02-03"}') FROM generate_series(1, 3) n;
SELECT pg_temp.count('lake'), pg_temp.count('lake', '1000000004'), pg_temp.count('lake', '1000000012');
SELECT npi, pg_temp.ask(jsonb_build_object('identifier', '113437604', 'level', 'individual', 'npi', npi, 'claim_number', claim, 'provider_birth_date', birth, 'username', 'locked' || npi)) FROM (VALUES ('1000000004', 'CLM-001', '1970-02-03'), ('1000000012', 'CLM-002', '1931-07-13')) v (npi, claim, birth);
SELECT pg_temp.count('lake'), pg_temp.count('lake', '1000000004'), pg_temp.count('lake', '1000000012');
-- One right answer is a wrong one too; locked, the right ones wait, and the answer is the same. Another office, and the same one in another company, are none the worse.
SELECT claim, birth, pg_temp.ask(jsonb_build_object('identifier', '113437604', 'claim_number', claim, 'provider_birth_date', birth, 'username', 'lake' || n)), pg_temp.count('lake')
FROM (VALUES (1, 'CLM-001', NULL), (2, NULL, '1970-02-03'), (3, 'CLM-009', '1970-02-03'), (4, 'CLM-001', '1970-02-03'), (5, 'CLM-001', '1970-02-03')) v (n, claim, birth);
SELECT username, status, claim_number_result, birth_date_result FROM pg_temp.row WHERE username ~ '^(lake|locked)' ORDER BY username;
SELECT pg_temp.ask('{"claim_number": "CLM-001", "provider_birth_date": "1970-02-03"}') AS hill, pg_temp.ask('{"company": "request_far", "claim_number": "CLM-005", "provider_birth_date": "1970-02-03"}') AS far;
SELECT pg_temp.ask('{"identifier": "113437604"}') AS without_answers;
SELECT action, outcome, company_code, username, object_type, object_id, detail FROM bestauth.audit_log WHERE action = 'registration.locked_out' AND company_code LIKE 'request\_%' ORDER BY audit_id;
-- After the time it goes on.
SELECT pg_temp.unlock();
SELECT pg_temp.count('lake'), pg_temp.ask('{"identifier": "113437604", "claim_number": "CLM-001", "provider_birth_date": "1970-02-03"}'), pg_temp.ask('{"identifier": "113437604", "level": "individual", "claim_number": "CLM-001", "provider_birth_date": "1970-02-03"}') AS individual;
SELECT pg_temp.count('lake'), pg_temp.count('lake', '1000000004');
-- Offices that are not there are charged as well, and say no more.
SELECT n, pg_temp.ask('{"identifier": "11-0000099", "claim_number": "CLM-001", "provider_birth_date": "1970-02-03"}') FROM generate_series(1, 5) n;
SET bestauth.lockout_threshold = 100;

-- [F-07] The answers, right or wrong, stand nowhere: in no table but those that they are
-- compared with, no audit row, and no message.
SET ROLE regress_request_app;
SELECT pg_temp.ask(jsonb_build_object('claim_number', claim, 'provider_birth_date', birth, 'username', 'canary' || n)) FROM (VALUES (1, 'Zqx-Canary/77', '1931-07-13'), (2, 'Zqx-Canary/78', '1931-07-14'), (3, 'Zqx-Canary' || repeat('x', 300), '1931-07-14'), (4, E'Zqx-Canary\u0001', '1931-07-14')) v (n, claim, birth);
SELECT pg_temp.ask('{"claim_number": "Zqx-Canary/78", "provider_birth_date": "1931-07-14", "username": "canary2"}') AS taken, pg_temp.ask('{"claim_number": "Zqx-Canary/78", "provider_birth_date": "1931-07-14", "level": "other"}') AS bad;
RESET ROLE;
CREATE FUNCTION pg_temp.search(needle text) RETURNS TABLE (place text, rows bigint) LANGUAGE plpgsql AS $$
BEGIN
	FOR place IN SELECT c.relname FROM pg_class c WHERE relnamespace = 'bestauth'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1 LOOP
		EXECUTE format('SELECT count(*) FROM bestauth.%I r WHERE r::text ~* %L', place, needle) INTO rows;
		IF rows > 0 THEN
			RETURN NEXT;
		END IF;
	END LOOP;
END
$$;
SET datestyle = iso;
SELECT * FROM pg_temp.search('zqx.?canary(?!@)') WHERE place <> 'historical_claim';
SELECT * FROM pg_temp.search('1931-07-1[34]');
RESET datestyle;
SELECT count(*) FROM bestauth.registration_console(page_size => 1000) c WHERE c::text ~* 'zqx';
SELECT count(*), count(*) FILTER (WHERE d::text ~* 'zqx|1931-07|1970-02') AS shown FROM pg_temp.row r, LATERAL bestauth.registration_details(r.registration_id) d;
SELECT count(*) FROM bestauth.audit_report(company => 'request_clinic') a WHERE a::text ~* 'zqx|1931-07|1970-02';

-- [PRV-8] Something required is missing: the submission is recorded as INVALIDATED, and the
-- answer names what is missing; nothing comes of it.
SELECT count(*) AS mails FROM bestauth.outbox \gset before_
SET ROLE regress_request_app;
SELECT level, missing, as_null, as_empty FROM unnest('{tin,individual}'::text[]) level, unnest('{identifier,level,npi,username,password,first_name,last_name,email,identifier_qualifier,role}'::text[]) WITH ORDINALITY m (missing, n),
	LATERAL (SELECT pg_temp.ask(jsonb_build_object('level', level, 'email', 'missing@request.example') || jsonb_build_object(missing, NULL)) AS as_null, pg_temp.ask(jsonb_build_object('level', level, 'email', 'missing@request.example') || jsonb_build_object(missing, '')) AS as_empty) a ORDER BY level DESC, n;
SELECT pg_temp.ask('{"identifier": null, "level": null, "username": null, "password": null, "first_name": null, "last_name": " ", "email": null, "claim_number": "CLM-001", "provider_birth_date": "1970-02-03"}');
SELECT pg_temp.ask('{"level": "individual", "npi": null, "last_name": null, "username": "half", "email": "missing@request.example", "claim_number": "CLM-001", "provider_birth_date": "1970-02-03"}'), pg_temp.ask('{"last_name": null, "username": "half", "email": "missing@request.example"}');
RESET ROLE;
SELECT level, identifier, npi, username, first_name, last_name, email, missing, reason, changed_by, claim_number_result, birth_date_result, user_id FROM pg_temp.row WHERE status = 'INVALIDATED' AND (username = 'half' OR cardinality(missing) > 2) ORDER BY cardinality(missing) DESC;
SELECT count(*), bool_and(reason = 'incomplete') AS reasons, bool_and(cardinality(missing) > 0) AS named, count(*) FILTER (WHERE c.registration_id IS NOT NULL) AS passwords FROM pg_temp.row r LEFT JOIN bestauth.registration_credential c USING (registration_id) WHERE status = 'INVALIDATED';
SELECT count(*) - :before_mails AS mails FROM bestauth.outbox;

-- [PRV-8] Whatever approved it: no login before the address is verified by the link that was
-- mailed to it. The texts name nobody.
SELECT count(*) > 0 AS of_before FROM pg_temp.claim();
SET ROLE regress_request_app;
SELECT pg_temp.ask('{"username": "auto", "email": "auto@request.example", "claim_number": "CLM-001", "provider_birth_date": "1970-02-03", "role": "Provider - Portal User"}'), pg_temp.ask('{"username": "manual", "email": "Manual@request.example"}');
SELECT pg_temp.log_in('auto'), pg_temp.log_in('manual');
RESET ROLE;
SELECT * FROM pg_temp.claim();
SELECT bestauth.approve_registration(registration_id) FROM pg_temp.row WHERE username = 'manual';
SELECT pg_temp.log_in('manual');
SELECT * FROM pg_temp.claim();
SELECT kind, count(DISTINCT replace(body, coalesce(token, ' '), '')) AS texts FROM mail WHERE recipient ~* '^(auto|manual)@' GROUP BY 1 ORDER BY 1;
\t \a
SELECT replace(body, coalesce(token, '  '), CASE WHEN token IS NULL THEN '  ' ELSE '(token)' END) FROM mail WHERE recipient ~* '^auto@' ORDER BY n;
\t \a
SELECT count(*) AS named FROM mail WHERE body ~* 'ann|asker|hill office|auto|manual' AND recipient ~* '^(auto|manual)' AND body !~ 'automatic';
SELECT bestauth.verify_email(pg_temp.link('auto')), bestauth.verify_email(pg_temp.link('Manual')), bestauth.verify_email(pg_temp.link('auto')) AS again;
SET ROLE regress_request_app;
SELECT pg_temp.log_in('auto'), pg_temp.log_in('manual');
BEGIN;
SELECT session_id IS NOT NULL AS used FROM bestauth.login('request_clinic', 'auto', 'seven green boats of hers', 'docs') l, bestauth.use_session(l.session_token);
SELECT bestauth.has_permission('claims') AS claims, bestauth.has_permission('manage_portal_users') AS manages, bestauth.current_provider_id() IS NULL AS tin_level;
COMMIT;
RESET ROLE;

-- [PRT-8] [PRV-8] A link that was lost or has expired is replaced: the new one works, the old one never. The answer
-- is the same whether somebody waits with the address or not.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SET ROLE regress_request_app;
SELECT pg_temp.ask('{"username": "lost", "email": "Lost@request.example", "claim_number": "CLM-001", "provider_birth_date": "1970-02-03"}'), pg_temp.ask('{"username": "waits", "email": "waits@request.example"}');
RESET ROLE;
SELECT count(*) FROM pg_temp.claim();
SELECT pg_temp.link('Lost') AS old \gset
SET ROLE regress_request_app;
SELECT address, bestauth.resend_verification('request_clinic', 'docs', address) FROM unnest('{lost@request.example,waits@request.example,nobody@request.example,auto@request.example}'::text[]) address;
SELECT regress.attempt('SELECT bestauth.resend_verification(''request_clinic'', NULL, ''nobody@request.example'')') AS client_portal, regress.attempt('SELECT bestauth.resend_verification(''request_clinic'', ''none'', ''lost@request.example'')') AS missing;
RESET ROLE;
SELECT DISTINCT outcome, username, detail FROM bestauth.audit_log WHERE audit_id > :mark AND action = 'verification.requested' ORDER BY outcome;
SELECT * FROM pg_temp.claim();
SELECT pg_temp.link('Lost') <> :'old' AS another;
SELECT bestauth.verify_email(:'old') AS old, bestauth.verify_email(pg_temp.link('Lost')) AS new, pg_temp.log_in('lost');
-- Two accounts of one address: the newest first, then the other.
SELECT count(pg_temp.ask(jsonb_build_object('username', n, 'email', 'shared@request.example', 'claim_number', 'CLM-001', 'provider_birth_date', '1970-02-03'))) FROM unnest('{shared1,shared2}'::text[]) n;
UPDATE bestauth.outbox SET cancelled_at = clock_timestamp() WHERE recipient = 'shared@request.example';
SELECT bestauth.resend_verification('request_clinic', 'docs', 'SHARED@request.example');
SELECT recipient, has_token FROM pg_temp.claim();
SELECT bestauth.verify_email(pg_temp.link('shared')), pg_temp.log_in('shared1') AS first, pg_temp.log_in('shared2') AS second;
SELECT bestauth.resend_verification('request_clinic', 'docs', 'shared@request.example');
SELECT recipient, has_token FROM pg_temp.claim();
SELECT bestauth.verify_email(pg_temp.link('shared')), pg_temp.log_in('shared1') AS first, pg_temp.log_in('shared2') AS second;

-- [PRV-8] [PRV-9] [H-08] An identifier or NPI that nobody has gives the same answer as one that is there.
-- The operator sees it, and approves it once there is such an office and provider; nobody else sees an office's that is not theirs.
SET ROLE regress_request_app;
SELECT given, pg_temp.ask(given) FROM unnest(ARRAY['{"username": "nooffice", "identifier": "77-0000001"}', '{"username": "nooffice2", "identifier": "77-0000001", "level": "individual", "claim_number": "CLM-001", "provider_birth_date": "1970-02-03"}', '{"username": "nonpi", "level": "individual", "npi": "1000000046"}', '{"username": "known", "level": "individual"}']::jsonb[]) given;
RESET ROLE;
CREATE FUNCTION pg_temp.console() RETURNS text LANGUAGE sql AS $$ SELECT string_agg(username, ' ' ORDER BY username COLLATE "C") FROM bestauth.registration_console(search => 'Ann Asker', page_size => 1000), LATERAL (SELECT username FROM bestauth.registration_details(registration_id)) d WHERE username ~ '^(no|known)' $$;
SELECT pg_temp.console() AS operator;
BEGIN;
SELECT session_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM session WHERE username = 'head'));
SELECT pg_temp.console() AS head;
COMMIT;
CREATE FUNCTION pg_temp.approve(username text) RETURNS text LANGUAGE sql AS $$ SELECT regexp_replace(regress.attempt(format('SELECT bestauth.approve_registration(%L)', registration_id)), '[0-9a-f-]{36}', '(id)') FROM pg_temp.row r WHERE r.username = $1 AND status <> 'INVALIDATED' $$;
SELECT name, pg_temp.approve(name) FROM unnest('{nooffice,nooffice2,nonpi}'::text[]) name;
INSERT INTO office SELECT 'new', bestauth.create_office('request_clinic', '770000001', 'New Office');
SELECT name, pg_temp.approve(name) FROM unnest('{nooffice,nooffice2}'::text[]) name;
SELECT count(bestauth.create_provider(office_id, '1000000004', 'Pat', 'Test', '1970-02-03')) FROM office WHERE name = 'new';
SELECT count(bestauth.create_provider(office_id, '1000000046', 'Nia', 'Test', '1970-02-03')) FROM office WHERE name = 'hill';
SELECT name, pg_temp.approve(name) FROM unnest('{nooffice2,nonpi}'::text[]) name;
SELECT r.username, r.status, r.identifier, r.office, p.first_name AS provider, u.office_id = r.office_id AS of_office, u.provider_id IS NOT DISTINCT FROM r.provider_id AS of_provider FROM pg_temp.row r JOIN bestauth.user_account u USING (user_id) LEFT JOIN bestauth.provider p ON p.provider_id = r.provider_id WHERE r.username LIKE 'no%' ORDER BY 1;

-- [PRV-6] The user name of a request that waits is nobody else's: not in another request, an
-- invite, or an account that an administrator makes. Declined, it is free again.
SELECT email FROM bestauth.send_registration_links('{guest@request.example}', 'Provider - Clerical User', (SELECT office_id FROM office WHERE name = 'dale'));
SELECT kind, recipient FROM pg_temp.claim() WHERE recipient LIKE 'guest%';
INSERT INTO office SELECT 'employee', bestauth.create_employee(office_id, 'Clinic', 'Worker', 'Wanda', email => 'wanda@request.example') FROM office WHERE name = 'dale';
CREATE FUNCTION pg_temp.take(n text, by text) RETURNS text LANGUAGE sql AS $$
	SELECT CASE by WHEN 'request' THEN pg_temp.ask(jsonb_build_object('username', n))
		WHEN 'right answers' THEN pg_temp.ask(jsonb_build_object('username', n, 'claim_number', 'CLM-001', 'provider_birth_date', '1970-02-03'))
		WHEN 'invite' THEN regress.attempt(format('SELECT bestauth.accept_registration(%L, %L, ''seven green boats of hers'', ''G'', ''Uest'')', pg_temp.link('guest'), n))
		ELSE regress.attempt(format('SELECT bestauth.create_provider_user(%L, %L, ''Provider - Clerical User'', ''wanda@request.example'')', (SELECT office_id FROM office WHERE name = 'employee'), n)) END
$$;
SELECT pg_temp.ask('{"username": "Reserved"}');
SELECT by, pg_temp.take('rESERVED', by) FROM unnest('{request,right answers,invite,administrator}'::text[]) by;
-- Elsewhere it is another name: in another portal, and for staff.
SELECT pg_temp.ask('{"company": "request_two", "portal": "one", "username": "Reserved"}') AS one, pg_temp.ask('{"company": "request_two", "portal": "two", "username": "Reserved"}') AS two, bestauth.create_user('reserved', 'standard', 'Re', 'Served', company => 'request_clinic', email => 're@request.example') IS NOT NULL AS staff;
-- One that was incomplete takes none.
SELECT pg_temp.ask('{"username": "half"}');
SELECT bestauth.deny_registration(registration_id, 'Identity could not be confirmed') FROM pg_temp.row WHERE username = 'Reserved' AND company = 'request_clinic';
BEGIN;
SELECT pg_temp.take('reserved', 'request');
ROLLBACK;
BEGIN;
SELECT pg_temp.take('reserved', 'right answers');
ROLLBACK;
BEGIN;
SELECT pg_temp.take('reserved', 'invite');
ROLLBACK;
BEGIN;
SELECT pg_temp.take('reserved', 'administrator');
ROLLBACK;
-- Approved, and then deleted, it stays taken.
SELECT pg_temp.approve('half');
SELECT bestauth.delete_user('half', 'request_clinic', 'docs');
SELECT by, pg_temp.take('HALF', by) FROM unnest('{request,right answers,invite,administrator}'::text[]) by;

-- A session that happens to be there plays no part: who asks is who asks.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
BEGIN;
SELECT session_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM session WHERE username = 'head'));
SELECT pg_temp.ask('{"username": "beside", "email": "beside@request.example"}'), pg_temp.ask('{"username": "beside2", "email": "beside2@request.example", "claim_number": "CLM-001", "provider_birth_date": "1970-02-03"}');
SELECT bestauth.current_user_id() IS NOT NULL AS still_there;
COMMIT;
SELECT username, changed_by, history -> 0 ->> 'by' AS by FROM pg_temp.row WHERE username LIKE 'beside%' ORDER BY 1;
SELECT action, object_type, username, session_id IS NULL AND user_id IS NULL AS by_nobody, count(*) FROM bestauth.audit_log WHERE audit_id > :mark AND (company_code = 'request_clinic' OR company_code IS NULL) AND action <> 'session.used' GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3;
SELECT detail - 'email' AS detail, count(*) FROM bestauth.audit_log WHERE audit_id > :mark AND action = 'registration.requested' GROUP BY 1 ORDER BY 1;

UPDATE bestauth.outbox SET cancelled_at = clock_timestamp() WHERE sent_at IS NULL AND cancelled_at IS NULL AND dead_at IS NULL;
SELECT bestauth.revoke_access('regress_request_app', 'application'), bestauth.revoke_access('regress_request_operator', 'operator');
REVOKE USAGE ON SCHEMA regress FROM regress_request_app, regress_request_operator;
DROP OWNED BY regress_request_app, regress_request_operator;
DROP ROLE regress_request_app, regress_request_operator;
