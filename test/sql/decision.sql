-- The console and its decisions: who sees and decides what, what comes of a yes and a no.
\set SHOW_CONTEXT never
SET bestauth.lockout_threshold = 100;
SET bestauth.mail_hourly_limit = 10000;
UPDATE bestauth.outbox SET cancelled_at = clock_timestamp() WHERE sent_at IS NULL AND cancelled_at IS NULL AND dead_at IS NULL;
SELECT count(bestauth.create_company(code, name)) FROM (VALUES ('decision_clinic', 'Hill Clinic'), ('decision_far', 'Far Clinic')) v (code, name);
SELECT count(bestauth.create_portal(company, 'docs', 'provider', 'Doctors', 'https://docs.decision.example')) FROM unnest('{decision_clinic,decision_far}'::text[]) company;
CREATE ROLE regress_decision_app;
CREATE ROLE regress_decision_operator;
CREATE ROLE regress_decision_auditor;
CREATE ROLE regress_decision_reader;
SELECT bestauth.grant_access('regress_decision_app', 'application'), bestauth.grant_access('regress_decision_operator', 'operator'), bestauth.grant_access('regress_decision_auditor', 'auditor'), bestauth.grant_access('regress_decision_reader', 'reader');
GRANT USAGE ON SCHEMA regress TO regress_decision_app, regress_decision_operator, regress_decision_auditor, regress_decision_reader;
CREATE TEMP TABLE place (name text PRIMARY KEY, identifier text, office_id uuid);
INSERT INTO place SELECT name, identifier, bestauth.create_office(company, identifier, name || ' Office', provider_number => 'T-' || name, account_type => 'Clinic') FROM (VALUES ('hill', 'decision_clinic', '11-3437602'), ('dale', 'decision_clinic', '11-3437603'), ('far', 'decision_far', '11-3437602')) v (name, company, identifier);
SELECT count(bestauth.create_provider(office_id, npi, first_name, 'Test', '1970-02-03')) FROM place JOIN (VALUES ('hill', '1000000004', 'Pat'), ('hill', '1000000012', 'Sam'), ('dale', '1000000020', 'Dee'), ('far', '1000000004', 'Pat')) v (name, npi, first_name) USING (name);
SELECT bestauth.create_role('Narrow', '{manage_portal_users,claims}', company => 'decision_clinic') IS NOT NULL AS narrow, bestauth.create_role('Elsewhere', '{claims}', company => 'decision_far') IS NOT NULL AS elsewhere;
CREATE TEMP TABLE mail (n serial, kind text, recipient text, subject text, body text, token text);
CREATE FUNCTION pg_temp.claim() RETURNS TABLE (kind text, recipient text, subject text, has_token boolean) LANGUAGE sql AS $$
	INSERT INTO mail (kind, recipient, subject, body, token) SELECT kind, recipient, subject, body, token FROM bestauth.claim_mail(1000)
	WHERE recipient ILIKE '%@decision.example' ORDER BY recipient COLLATE "C", kind, subject COLLATE "C" RETURNING kind, recipient, subject, token IS NOT NULL
$$;
CREATE FUNCTION pg_temp.link(address text) RETURNS text LANGUAGE sql AS $$ SELECT token FROM mail WHERE recipient = $1 || '@decision.example' AND token IS NOT NULL ORDER BY n DESC LIMIT 1 $$;

-- Who calls: administrators of an office and of a provider, a user of one, staff, and roles.
CREATE TEMP TABLE who (n serial, name text PRIMARY KEY, role text, place text, npi text, token text);
INSERT INTO who (name, role, place, npi) VALUES ('tin', 'Provider - Administrator', 'hill', NULL), ('tin2', 'Provider - Administrator', 'hill', NULL), ('pat', 'Provider - Administrator', 'hill', '1000000004'), ('sam', 'Provider - Administrator', 'hill', '1000000012'), ('narrow', 'Narrow', 'hill', NULL), ('user', 'Provider - Portal User', 'hill', NULL),
	('dale', 'Provider - Administrator', 'dale', NULL), ('far', 'Provider - Administrator', 'far', NULL);
SELECT count(*) FROM who w JOIN place p ON p.name = w.place, LATERAL bestauth.send_registration_links(ARRAY[w.name || '@decision.example'], w.role, p.office_id, (SELECT provider_id FROM bestauth.provider WHERE office_id = p.office_id AND npi = w.npi));
SELECT count(*) FROM pg_temp.claim();
SELECT count(*) FROM who, LATERAL bestauth.accept_registration(pg_temp.link(name), name, 'seven green boats of hers', 'Deciding', 'Person') WHERE outcome = 'accepted';
SELECT bestauth.create_user('adam', 'company_administrator', 'Ad', 'Min', 'adam@decision.example', 'seven green boats of hers', company => 'decision_clinic') IS NOT NULL AS adam,
	bestauth.create_user('staff', 'standard', 'St', 'Aff', 'staff@decision.example', 'seven green boats of hers', permissions => '{manage_users,manage_portal_users,claims}', company => 'decision_clinic') IS NOT NULL AS staff;
INSERT INTO who (name) VALUES ('adam'), ('staff'), ('operator'), ('auditor'), ('nobody');
UPDATE who SET token = (SELECT session_token FROM bestauth.login(CASE place WHEN 'far' THEN 'decision_far' ELSE 'decision_clinic' END, name, 'seven green boats of hers', CASE WHEN place IS NOT NULL THEN 'docs' END)) WHERE name NOT IN ('operator', 'auditor', 'nobody');
CREATE TEMP TABLE request (n serial, name text PRIMARY KEY, registration_id uuid);
GRANT SELECT ON who, request TO regress_decision_app, regress_decision_operator, regress_decision_auditor;
-- What a call returns, or its error; <name> in it stands for the id of a request.
CREATE FUNCTION pg_temp.answer(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	rule text;
BEGIN
	SELECT coalesce(max(replace(call, '<' || name || '>', quote_literal(registration_id))), call) INTO call FROM request WHERE strpos(call, '<' || name || '>') > 0;
	EXECUTE call INTO result;
	RETURN result;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME;
	RETURN regexp_replace(SQLSTATE || coalesce(' [' || nullif(rule, '') || ']', '') || ' ' || SQLERRM, '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', '(id)');
END
$$;
CREATE FUNCTION pg_temp.by(name text, call text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('SET LOCAL ROLE regress_decision_%s', CASE WHEN name IN ('operator', 'auditor') THEN name ELSE 'app' END);
	IF name NOT IN ('operator', 'auditor', 'nobody') THEN
		PERFORM bestauth.use_session((SELECT token FROM who w WHERE w.name = by.name));
	END IF;
	result := pg_temp.answer(call);
	RESET ROLE;
	RETURN result;
END
$$;
-- The same, undone.
CREATE FUNCTION pg_temp.try(name text, call text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION USING ERRCODE = 'ZZ000', MESSAGE = coalesce(pg_temp.by(name, call), '');
EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
	RESET ROLE;
	RETURN SQLERRM;
END
$$;
CREATE FUNCTION pg_temp.submit(name text, place text DEFAULT 'hill', npi text DEFAULT NULL, role text DEFAULT 'Provider - Clerical User', email text DEFAULT NULL, first text DEFAULT 'Ann', last text DEFAULT 'Asker', details jsonb DEFAULT '{}', claim text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	made record;
BEGIN
	SELECT * INTO made FROM bestauth.submit_registration(CASE place WHEN 'far' THEN 'decision_far' ELSE 'decision_clinic' END, coalesce((SELECT identifier FROM place p WHERE p.name = submit.place), place), NULL,
		CASE WHEN npi IS NULL THEN 'tin' ELSE 'individual' END, npi, role, name, 'seven green boats of ' || name, first, last, coalesce(email, name || '@decision.example'), claim, CASE WHEN claim IS NOT NULL THEN date '1970-02-03' END, details);
	INSERT INTO request (name, registration_id) VALUES (name, made.registration_id);
	RETURN made.status;
END
$$;
SELECT name, pg_temp.submit(name, place, npi) FROM (VALUES ('r-tin', 'hill', NULL), ('r-pat', 'hill', '1000000004'), ('r-sam', 'hill', '1000000012'), ('r-nia', 'hill', '1000000046'), ('r-dale', 'dale', NULL), ('r-far', 'far', NULL), ('r-none', '77-0000001', NULL)) v (name, place, npi);

-- [PRV-9] The console: at TIN level the requests of the office, at individual level those of
-- the provider, and all of them for the operator; for nobody else any.
SELECT pg_temp.try('tin', $$SELECT count(*) FROM bestauth.registration_console()$$) AS rows;
SELECT w.name, pg_temp.try(w.name, $$SELECT string_agg(r.name, ' ' ORDER BY r.n) FROM bestauth.registration_console(page_size => 1000) c JOIN request r USING (registration_id)$$) AS sees FROM who w ORDER BY n;
SELECT w.name, pg_temp.try(w.name, $$SELECT string_agg(concat_ws(' ', d.office, d.provider, d.email), ', ' ORDER BY d.email COLLATE "C") FROM bestauth.registration_console('EMAIL-SUCCESS') c, LATERAL bestauth.registration_details(c.registration_id) d WHERE d.email LIKE '%@decision.example'$$) AS invites FROM who w WHERE name IN ('tin', 'pat', 'dale') ORDER BY n;
-- [H-01] [PRV-9] The details are those of who sees it in the list; in a session another office's and none at all are the same.
SELECT w.name, string_agg(r.name || ' ' || CASE WHEN answer ~ '^[0-9A-Z]{5} ' THEN left(answer, 12) ELSE 'shown' END, ', ' ORDER BY r.n) FROM who w, request r, LATERAL pg_temp.try(w.name, format('SELECT email FROM bestauth.registration_details(<%s>)', r.name)) answer GROUP BY w.n, w.name ORDER BY w.n;
SELECT w.name, call, pg_temp.try(w.name, call) FROM (VALUES ('tin'), ('operator')) w (name), unnest(ARRAY['SELECT bestauth.registration_details(gen_random_uuid())', 'SELECT bestauth.registration_details(NULL)', 'SELECT bestauth.approve_registration(gen_random_uuid())', 'SELECT bestauth.deny_registration(gen_random_uuid(), ''Has an account already'')', 'SELECT bestauth.approve_registration(NULL)']) call;
-- The columns of the screen.
SET ROLE regress_decision_operator;
SELECT status, other_identifiers, id_code_qualifier, registered_provider_name, submitted_at <= now() AS submitted, next = registration_id::text AS next FROM bestauth.registration_console(search => 'r-tin');
RESET ROLE;
-- For the operator by company and portal; a session is where it is.
SELECT w.name, call, pg_temp.try(w.name, format('SELECT string_agg(r.name, '' '' ORDER BY r.n) FROM bestauth.registration_console(page_size => 1000%s) JOIN request r USING (registration_id)', call)) FROM (VALUES ('operator'), ('far')) w (name),
	unnest(ARRAY['', ', company => ''decision_far''', ', company => ''decision_clinic'', portal => ''DOCS''', ', company => ''decision_clinic'', portal => ''none''', ', company => ''nowhere''', ', portal => ''docs''']) call ORDER BY 1 DESC, call;
-- By status, which is one of the nine; [PRV-9] by each thing that is shown, as it begins, without case and accents.
SELECT pg_temp.submit('Zoe.Search', 'hill', NULL, first => 'Zoé', last => 'Nuñez-Müller', email => 'zed@decision.example', details => '{"middle_name": "Quinn", "title": "Dr", "phone": "+1 555 0100"}', claim => 'CLM-NONE');
SELECT search, pg_temp.try('tin', format('SELECT string_agg(registered_provider_name, '', '') FROM bestauth.registration_console(search => %L)', search)) FROM unnest('{zoe,ZOÉ,nunez,müller,zoé quinn nuñez,zoe.s,zed@,decision,quinn,search,%,_oe,1134376021,zzz}'::text[]) WITH ORDINALITY s (search, n) ORDER BY n;
SELECT search, pg_temp.try('tin', format('SELECT count(*) FROM bestauth.registration_console(search => %L) JOIN request USING (registration_id)', search)) FROM unnest('{11-34,113437602,11 3437602,-,""}'::text[]) search;
SELECT status, pg_temp.try('operator', format('SELECT string_agg(r.name, '' '' ORDER BY r.n) FROM bestauth.registration_console(%L, page_size => 1000) JOIN request r USING (registration_id)', status)) FROM unnest('{PENDING-PROV-ADMIN-REVIEW,PENDING-ADMIN-REVIEW,DECLINED,pending-admin-review,PENDING,""}'::text[]) status;
-- Page by page it is the same list, the newest first.
SELECT call, pg_temp.try('tin', 'SELECT count(*) FROM bestauth.registration_console' || call) FROM unnest(ARRAY['(page_size => 0)', '(page_size => 1001)', '(page_size => NULL)', '(after => ''nothing'')', '(after => ''00000000-0000-0000-0000-000000000000'')']) call;
CREATE FUNCTION pg_temp.pages(size integer, given text DEFAULT '') RETURNS TABLE (page integer, registration_id uuid) LANGUAGE plpgsql AS $$
DECLARE
	mark text;
	seen integer;
BEGIN
	FOR i IN 1..100 LOOP
		seen := 0;
		page := i;
		FOR registration_id, mark IN EXECUTE format('SELECT registration_id, next FROM bestauth.registration_console(page_size => %s, after => %L%s)', size, mark, given) LOOP
			seen := seen + 1;
			RETURN NEXT;
		END LOOP;
		EXIT WHEN seen < size;
	END LOOP;
END
$$;
BEGIN;
SELECT session_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM who WHERE name = 'tin'));
SELECT size, given, p.pages, p.ids = c.ids AS same, p.ids = p.sorted AS newest_first
FROM (VALUES (1, ''), (2, ''), (5, ''), (1, ', status => ''PENDING-ADMIN-REVIEW''')) v (size, given), LATERAL (SELECT max(page) AS pages, array_agg(registration_id) AS ids, array_agg(registration_id ORDER BY registration_id DESC) AS sorted FROM pg_temp.pages(size, given)) p,
	LATERAL (SELECT array_agg(registration_id) AS ids FROM bestauth.registration_console(CASE WHEN given <> '' THEN 'PENDING-ADMIN-REVIEW' END)) c ORDER BY 1, 2;
COMMIT;
-- Everything that was sent is in the details, and of the answers whether each matched.
\x
SET ROLE regress_decision_operator;
SELECT d.* FROM request r, LATERAL (SELECT status, level, provider_number, other_identifiers, id_code_qualifier, office, account_type, npi, provider, role, username, first_name, middle_name, last_name, title, email, phone, claim_number_result, birth_date_result, missing, submitted_at IS NOT NULL AS submitted_at, expires_at, invited_by, granted_role, decided_by, decided_at, reason, user_id, history #- '{0,at}' AS history FROM bestauth.registration_details(r.registration_id)) d WHERE r.name IN ('Zoe.Search', 'r-pat') ORDER BY n;
RESET ROLE;
\x

-- [PRV-10] Who decides what, as yes and as no.
SELECT w.name, r.name AS request, pg_temp.try(w.name, format('SELECT bestauth.approve_registration(<%s>, ''Provider - Self Registration User'')', r.name)) AS approve, pg_temp.try(w.name, format('SELECT bestauth.deny_registration(<%s>, ''Has an account already'')', r.name)) AS deny
FROM who w, request r WHERE r.name LIKE 'r-%' AND r.name NOT IN ('r-none', 'r-nia') AND w.name NOT IN ('adam', 'staff', 'nobody', 'user', 'auditor') ORDER BY w.n, r.n;
SELECT w.name, pg_temp.try(w.name, 'SELECT bestauth.approve_registration(<r-tin>)') AS approve, pg_temp.try(w.name, 'SELECT bestauth.deny_registration(<r-tin>, ''Has an account already'')') AS deny, pg_temp.try(w.name, 'SELECT count(*) FROM bestauth.list_decline_reasons()') AS reasons FROM who w WHERE w.name IN ('adam', 'staff', 'nobody', 'user', 'auditor') ORDER BY n;
-- A company that is named is the operator's to name.
SELECT w.name, pg_temp.try(w.name, format('SELECT bestauth.approve_registration(<r-tin>, NULL, %L)', company)) FROM (VALUES ('tin'), ('operator')) w (name), unnest('{decision_clinic,decision_far,nowhere}'::text[]) company ORDER BY 1, company;
-- [AUD-7] A refusal stays, though the call was undone.
SELECT username, object_id, detail FROM bestauth.audit_log WHERE company_code = 'decision_clinic' AND action = 'access.denied' AND object_id IN ('approve_registration', 'deny_registration') AND username IN ('pat', 'user') GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- [F-11] Nobody decides on their own: a request with the decider's address is for others.
SELECT pg_temp.submit('r-own', 'hill', email => 'TIN@decision.example'), pg_temp.submit('r-own-pat', 'hill', '1000000004', email => 'pat@Decision.Example');
SELECT w.name, r.name AS request, pg_temp.try(w.name, format('SELECT bestauth.approve_registration(<%s>)', r.name)) AS approve, pg_temp.try(w.name, format('SELECT bestauth.deny_registration(<%s>, ''Has an account already'')', r.name)) AS deny FROM who w, request r WHERE r.name LIKE 'r-own%' AND w.name IN ('tin', 'tin2', 'pat', 'operator') ORDER BY r.n, w.n;
-- An invite is decided by nobody, whoever sent it.
INSERT INTO request (name, registration_id) SELECT 'invite', pg_temp.by('tin', format('SELECT registration_id FROM bestauth.send_registration_links(''{guest@decision.example}'', ''Provider - Administrator'', %L)', office_id))::uuid FROM place WHERE name = 'hill';
SELECT w.name, pg_temp.try(w.name, 'SELECT bestauth.approve_registration(<invite>)') AS approve, pg_temp.try(w.name, 'SELECT bestauth.deny_registration(<invite>, ''Has an account already'')') AS deny FROM who w WHERE w.name IN ('tin', 'tin2', 'operator') ORDER BY n;

-- [G-08] [ALL-2] Nobody gives more than they hold: neither what was asked for nor another role.
SELECT pg_temp.submit('r-admin', 'hill', role => 'Provider - Administrator'), pg_temp.submit('r-self', 'hill', role => NULL), pg_temp.submit('r-clerk', 'hill', role => 'provider - clerical user');
SELECT w.name, r.name AS request, v.role, pg_temp.try(w.name, format('SELECT bestauth.approve_registration(<%s>, %L)', r.name, v.role)) FROM who w, request r, unnest('{NULL,Narrow,Provider - Clerical User,Provider - Administrator}'::text[]) v (role) WHERE r.name IN ('r-admin', 'r-self', 'r-clerk') AND w.name IN ('narrow', 'tin') ORDER BY w.n, r.n, v.role NULLS FIRST;
SELECT w.name, role, pg_temp.try(w.name, format('SELECT bestauth.approve_registration(<r-self>, %L)', role)) FROM (VALUES ('tin'), ('operator')) w (name), unnest('{nothing,Elsewhere,Narrow,""," narrow "}'::text[]) role ORDER BY 1 DESC, 2;

-- [PRV-10] Reasons: a table, seeded, which the operator edits.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SET ROLE regress_decision_operator;
SELECT reason FROM bestauth.list_decline_reasons();
SELECT reason, next FROM bestauth.list_decline_reasons(2, (SELECT next FROM bestauth.list_decline_reasons(2) OFFSET 1));
SELECT pg_temp.answer('SELECT count(*) FROM bestauth.list_decline_reasons(0)');
INSERT INTO bestauth.decline_reason (reason, position) VALUES ('Office is closed', 15), ('Office has moved', 16);
UPDATE bestauth.decline_reason SET reason = 'Office moved' WHERE reason = 'Office has moved';
SELECT regress.attempt('INSERT INTO bestauth.decline_reason (reason) VALUES (''Office is closed'')'), regress.attempt('INSERT INTO bestauth.decline_reason (reason) VALUES ('''')');
RESET ROLE;
SELECT pg_temp.by('pat', 'SELECT string_agg(reason, '', '') FROM bestauth.list_decline_reasons()');
SET ROLE regress_decision_app;
SELECT regress.attempt('SELECT * FROM bestauth.decline_reason'), regress.attempt('DELETE FROM bestauth.decline_reason');
RESET ROLE;
SELECT reason, pg_temp.try('tin', format('SELECT bestauth.deny_registration(<r-self>, %L)', reason)) FROM unnest('{Office is closed,OFFICE IS CLOSED,Office has moved,Because,"",NULL}'::text[]) reason;
SELECT action, object_id, old_values, new_values - 'created_at' AS new_values FROM bestauth.audit_log WHERE object_type = 'bestauth.decline_reason' AND audit_id > :mark ORDER BY audit_id;

-- [PRV-10] A yes makes a whole account: with the role that was given, the office, the level, and
-- the password that was chosen, which works once the address is verified.
SELECT pg_temp.submit('r-whole', 'hill', '1000000004', 'Provider - Administrator', first => 'Wanda', last => 'Whole', details => '{"middle_name": "Willow", "title": "Dr", "phone": "+1 555 0100"}'), pg_temp.submit('r-plain', 'hill', NULL, 'Provider - Portal User');
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SELECT pg_temp.by('pat', 'SELECT bestauth.approve_registration(<r-whole>, '' provider - CLERICAL user'')') AS modified, pg_temp.by('tin', 'SELECT bestauth.approve_registration(<r-plain>)') AS as_asked;
SELECT q.name, c.code AS company, u.username, u.user_type, u.first_name, u.middle_name, u.last_name, u.email, u.title, u.phone, o.name AS office, p.first_name AS provider, ro.name AS role, u.verified_at IS NOT NULL AS verified, u.locked_at IS NOT NULL AS locked, k.must_change
FROM request q JOIN bestauth.registration r USING (registration_id) JOIN bestauth.user_account u USING (user_id) JOIN bestauth.company c ON c.company_id = u.company_id LEFT JOIN bestauth.office o ON o.office_id = u.office_id LEFT JOIN bestauth.provider p ON p.provider_id = u.provider_id
LEFT JOIN bestauth.user_role ur ON ur.user_id = u.user_id LEFT JOIN bestauth.role ro USING (role_id) LEFT JOIN bestauth.credential k ON k.user_id = u.user_id WHERE q.name IN ('r-whole', 'r-plain') ORDER BY q.n;
SELECT q.name, d.role, d.granted_role, d.decided_by, d.decided_at >= d.submitted_at AS decided_at, d.reason, d.history #- '{0,at}' #- '{1,at}' AS history FROM request q, LATERAL bestauth.registration_details(q.registration_id) d WHERE q.name IN ('r-whole', 'r-plain') ORDER BY n;
SELECT action, outcome, username, object_type, object_id = q.registration_id::text AS of_request, detail FROM bestauth.audit_log JOIN request q ON object_id = registration_id::text WHERE audit_id > :mark AND action NOT LIKE 'row.%' ORDER BY audit_id;
SELECT username, object_type, action, count(*) FROM bestauth.audit_log WHERE audit_id > :mark AND action LIKE 'row.%' AND username IN ('pat', 'tin') AND object_type NOT LIKE '%session%' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT count(*) AS passwords_left FROM bestauth.registration_credential JOIN request USING (registration_id) WHERE name IN ('r-whole', 'r-plain');
CREATE FUNCTION pg_temp.log_in(name text) RETURNS text LANGUAGE sql AS $$ SELECT outcome FROM bestauth.login('decision_clinic', name, 'seven green boats of ' || name, 'docs') $$;
SELECT pg_temp.log_in('r-whole'), pg_temp.log_in('r-plain');
SELECT * FROM pg_temp.claim();
SELECT bestauth.verify_email(pg_temp.link('r-whole')), bestauth.verify_email(pg_temp.link('r-plain'));
SELECT pg_temp.log_in('r-whole'), pg_temp.log_in('r-plain');

-- [PRV-10] A no: the applicant is told why, by mail, and there is no account. No mail of a
-- decision names anybody.
SELECT pg_temp.by('tin2', 'SELECT bestauth.deny_registration(<r-self>, ''office IS closed'')');
SELECT pg_temp.by('operator', 'SELECT bestauth.deny_registration(<r-none>, ''Does not work at this office'')') AS of_no_office;
SELECT * FROM pg_temp.claim();
\t \a
SELECT body FROM mail WHERE kind = 'registration_decision' AND recipient IN ('r-self@decision.example', 'r-plain@decision.example') ORDER BY n;
\t \a
SELECT count(*) AS mails, count(*) FILTER (WHERE subject || body ~* 'ann|asker|wanda|whole|willow|deciding|person|r-self|r-plain|tin2?\M|hill office') AS naming FROM mail WHERE kind = 'registration_decision';
SELECT q.name, d.decided_by, d.reason, d.user_id, c.registration_id IS NOT NULL AS has_password FROM request q LEFT JOIN bestauth.registration_credential c USING (registration_id), LATERAL bestauth.registration_details(q.registration_id) d WHERE q.name IN ('r-self', 'r-none') ORDER BY n;
SELECT action, username, detail FROM bestauth.audit_log JOIN request q ON object_id = registration_id::text WHERE action = 'registration.declined' ORDER BY audit_id;
SELECT pg_temp.log_in('r-self');
-- A reason that is taken off the table stays with those that it declined.
SET ROLE regress_decision_operator;
DELETE FROM bestauth.decline_reason WHERE reason IN ('Office is closed', 'Office moved');
RESET ROLE;
SELECT reason FROM bestauth.registration JOIN request USING (registration_id) WHERE name = 'r-self';

-- [F-02] [PRV-10] What was decided is not decided again, by nobody, either way.
SELECT w.name, r.name AS request, pg_temp.try(w.name, format('SELECT bestauth.approve_registration(<%s>)', r.name)) AS approve, pg_temp.try(w.name, format('SELECT bestauth.deny_registration(<%s>, ''Has an account already'')', r.name)) AS deny FROM who w, request r WHERE w.name IN ('tin', 'tin2', 'operator') AND r.name IN ('r-plain', 'r-self') ORDER BY r.n, w.n;
SELECT regress.attempt(format('SELECT bestauth.approve_registration(%L)', registration_id)) ~ '^55000' AS superuser FROM request WHERE name = 'r-self';

-- Somebody has got the user name meanwhile: no account, and the request still waits for a no.
INSERT INTO bestauth.user_account (company_id, portal_id, office_id, username, user_type, first_name, last_name, email) SELECT r.company_id, r.portal_id, r.office_id, 'R-CLERK', 'provider', 'Some', 'Body', 'some@decision.example' FROM bestauth.registration r JOIN request q USING (registration_id) WHERE q.name = 'r-clerk';
SELECT pg_temp.by('tin', 'SELECT bestauth.approve_registration(<r-clerk>)');
SELECT r.status, r.user_id, c.registration_id IS NOT NULL AS has_password FROM request q JOIN bestauth.registration r USING (registration_id) LEFT JOIN bestauth.registration_credential c USING (registration_id) WHERE q.name = 'r-clerk';
SELECT pg_temp.by('tin', 'SELECT bestauth.deny_registration(<r-clerk>, ''Other: contact the office'')');
-- A role that was asked for and is no more.
SELECT pg_temp.submit('r-gone', 'far', role => 'Provider - Portal User');
BEGIN;
SELECT bestauth.delete_role('Provider - Portal User', 'decision_far');
SELECT pg_temp.try('far', 'SELECT bestauth.approve_registration(<r-gone>)') AS session, pg_temp.try('operator', 'SELECT bestauth.approve_registration(<r-gone>)') AS operator, pg_temp.try('far', 'SELECT bestauth.approve_registration(<r-gone>, ''Provider - Clerical User'')') AS modified;
ROLLBACK;

-- [PRV-9] Those that wait, of every company, for the operator and the auditor.
CREATE TEMP VIEW waiting AS SELECT company, portal, identifier, identifier_qualifier, office, level, npi, status, applicant, username, email, role, claim_number_result, birth_date_result, submitted_at IS NOT NULL AS submitted_at FROM bestauth.pending_registrations WHERE company LIKE 'decision\_%' ORDER BY company, username COLLATE "C";
SELECT * FROM waiting;
SELECT role, regress.attempt(format('SET ROLE regress_decision_%s', role)), regress.attempt('SELECT * FROM bestauth.pending_registrations') AS view, regress.attempt('SELECT * FROM bestauth.registration') AS rows, regress.attempt('SELECT * FROM bestauth.registration_credential') AS passwords, regress.attempt('RESET ROLE') FROM unnest('{operator,auditor,app,reader}'::text[]) role;
SELECT name, pg_temp.try(name, 'SELECT count(*) > 5 FROM bestauth.pending_registrations') AS sees FROM unnest('{operator,auditor,nobody}'::text[]) name;

UPDATE bestauth.outbox SET cancelled_at = clock_timestamp() WHERE sent_at IS NULL AND cancelled_at IS NULL AND dead_at IS NULL;
SELECT bestauth.revoke_access('regress_decision_app', 'application'), bestauth.revoke_access('regress_decision_operator', 'operator'), bestauth.revoke_access('regress_decision_auditor', 'auditor'), bestauth.revoke_access('regress_decision_reader', 'reader');
DROP OWNED BY regress_decision_app, regress_decision_operator, regress_decision_auditor, regress_decision_reader;
DROP ROLE regress_decision_app, regress_decision_operator, regress_decision_auditor, regress_decision_reader;
