-- How far an administrator of an office reaches: each function that is about a user, for each
-- caller and each user, generated from function_rules, so that none is forgotten.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET bestauth.lockout_threshold = 100;
SELECT count(bestauth.create_company(code, name)) FROM (VALUES ('oreach_clinic', 'Hill Clinic'), ('oreach_far', 'Far Clinic')) v (code, name);
SELECT count(bestauth.create_portal(company, code, 'provider', 'For ' || code)) FROM (VALUES ('oreach_clinic', 'docs'), ('oreach_clinic', 'labs'), ('oreach_far', 'docs')) v (company, code);
CREATE ROLE regress_oreach_app;
SELECT bestauth.grant_access('regress_oreach_app', 'application');
CREATE TEMP TABLE thing (name text PRIMARY KEY, id uuid NOT NULL);
INSERT INTO thing SELECT name, bestauth.create_office(company, identifier, name, portal => portal) FROM (VALUES ('north', 'oreach_clinic', '11-1111111', 'docs'), ('south', 'oreach_clinic', '22-2222222', 'docs'), ('lab', 'oreach_clinic', '33-3333333', 'labs'),
	('far', 'oreach_far', '11-1111111', 'docs')) v (name, company, identifier, portal);
INSERT INTO thing SELECT v.name, bestauth.create_provider(o.id, npi, v.name, 'Provider', '1970-01-01') FROM (VALUES ('pat', 'north', '1234567893'), ('quinn', 'north', '1245319599'), ('pat_south', 'south', '1234567893')) v (name, office, npi) JOIN thing o ON o.name = office;
-- What the company's own people may is more than an office's: none of it counts in an office.
SELECT bestauth.create_role('Harmless', company => 'oreach_far') IS NOT NULL AS made;
SELECT count(bestauth.create_role(name, permissions, company => 'oreach_clinic')) FROM (VALUES ('Desk', '{manage_portal_users}'::text[]), ('Harmless', '{}'),
	('Boss', '{claims,eops,eligibility,panel_roster,identifi_practice,manage_users,manage_roles,audit_report,manage_contacts,my_account}')) v (name, permissions);

-- Who there is: at which level, with which role. dora, dina and dave are deleted.
CREATE TEMP TABLE person (username text PRIMARY KEY, office text, provider text, role text, token text, permissions text[] NOT NULL DEFAULT '{}');
INSERT INTO person (username, office, provider, role) VALUES
	('tina', 'north', NULL, 'Provider - Administrator'), ('carl', 'north', NULL, 'Provider - Clerical User'), ('desk', 'north', NULL, 'Desk'), ('boss', 'north', NULL, 'Boss'), ('dora', 'north', NULL, 'Provider - Clerical User'),
	('ivan', 'north', 'pat', 'Provider - Administrator'), ('pia', 'north', 'pat', 'Provider - Clerical User'), ('dina', 'north', 'pat', 'Provider - Clerical User'), ('iris', 'north', 'quinn', 'Provider - Administrator'),
	('sara', 'south', NULL, 'Provider - Administrator'), ('sid', 'south', 'pat_south', 'Provider - Clerical User'), ('dave', 'south', NULL, 'Provider - Clerical User'),
	('lena', 'lab', NULL, 'Provider - Administrator'), ('fred', 'far', NULL, 'Provider - Administrator');
SELECT count(bestauth.create_provider_user(bestauth.create_employee(o.id, 'staff', initcap(username), 'Worker', provider_id => p.id), username, role, username || '@oreach.example', 'an early password for desks')) AS made
FROM person JOIN thing o ON o.name = office LEFT JOIN thing p ON p.name = provider;
-- Only those who call log in; the others keep their temporary password.
SELECT username, bestauth.set_password(challenge_token, 'seven green boats of ' || username) FROM person, LATERAL bestauth.login(CASE office WHEN 'far' THEN 'oreach_far' ELSE 'oreach_clinic' END, username, 'an early password for desks', CASE office WHEN 'lab' THEN 'labs' ELSE 'docs' END)
WHERE username IN ('tina', 'carl', 'desk', 'boss', 'ivan', 'iris', 'sara', 'fred') ORDER BY 1;
UPDATE person SET token = (SELECT session_token FROM bestauth.login(CASE office WHEN 'far' THEN 'oreach_far' ELSE 'oreach_clinic' END, username, 'seven green boats of ' || username, CASE office WHEN 'lab' THEN 'labs' ELSE 'docs' END))
WHERE username IN ('tina', 'carl', 'desk', 'boss', 'ivan', 'iris', 'sara', 'fred');
SELECT bestauth.delete_user(username, 'oreach_clinic', 'docs') FROM unnest('{dora,dina,dave}'::text[]) username;
-- People of the company: one with the permission that counts in an office alone, and who
-- manages users.
SELECT count(bestauth.create_user(username, user_type, initcap(username), 'Staff', username || '@oreach.example', 'seven green boats of ' || username, permissions => permissions, company => 'oreach_clinic'))
FROM (VALUES ('adam', 'company_administrator', '{}'::text[]), ('portals', 'standard', '{manage_portal_users,claims,eops,eligibility,panel_roster,identifi_practice}'), ('users', 'standard', '{manage_users,manage_portal_users,claims,eops,eligibility,panel_roster,identifi_practice}')) v (username, user_type, permissions);
-- A child company, which who manages users may enter, and so give.
SELECT bestauth.create_company('oreach_child', 'Child', 'oreach_clinic') IS NOT NULL AS made, bestauth.assign_company('users', 'oreach_child', 'oreach_clinic');
INSERT INTO person (username, token) SELECT username, session_token FROM unnest('{adam,portals,users}'::text[]) username, LATERAL bestauth.login('oreach_clinic', username, 'seven green boats of ' || username);
SELECT username FROM person WHERE token IS NULL AND (username IN ('tina', 'carl', 'desk', 'boss', 'ivan', 'iris', 'sara', 'fred') OR office IS NULL);
UPDATE person SET permissions = (bestauth.user_details(username, CASE office WHEN 'far' THEN 'oreach_far' ELSE 'oreach_clinic' END, CASE WHEN office IS NOT NULL THEN CASE office WHEN 'lab' THEN 'labs' ELSE 'docs' END END)).permissions;
CREATE TEMP VIEW target AS SELECT username, office, provider, role FROM person UNION ALL SELECT 'nobody', NULL, NULL, NULL;

-- The functions: all that an administrator of an office or of users may call, and that name a
-- user, and do not make or list them; with arguments by name, so that a new one is missed loudly.
CREATE TEMP TABLE sample (argument text PRIMARY KEY, value text);
INSERT INTO sample VALUES ('username', '%1$L'), ('role', '''Harmless'''), ('permission', '''claims'''), ('changes', '''{"title": "Chief", "email": "new@oreach.example", "roles": ["Harmless"]}'''), ('persons', '''{}'''), ('child', '''oreach_child'''),
	('expected_revision', 'NULL'), ('page_size', '10'), ('after', 'NULL'), ('company', '%2$L'), ('portal', '%3$L');
CREATE TEMP TABLE call AS SELECT r.function, r.needs, r.rule, 'manage_portal_users' = ANY (r.permissions) AS of_office,
	format('SELECT count(*) FROM bestauth.%s(%s)', r.function, (SELECT string_agg(coalesce(s.value, 'FORGOTTEN ' || name), ', ' ORDER BY n) FROM unnest(p.proargnames[1:p.pronargs]) WITH ORDINALITY a (name, n) LEFT JOIN sample s ON s.argument = name)) AS statement
FROM bestauth.function_rules r JOIN pg_proc p ON p.proname = r.function AND p.pronamespace = 'bestauth'::regnamespace
WHERE r.needs IN ('permission', 'permission or own user') AND r.permissions && '{manage_users,manage_portal_users}' AND 'username' = ANY (p.proargnames[1:p.pronargs]) AND NOT 'first_name' = ANY (p.proargnames[1:p.pronargs]);
SELECT r.function AS makes_or_lists FROM bestauth.function_rules r JOIN pg_proc p ON p.proname = r.function AND p.pronamespace = 'bestauth'::regnamespace WHERE '{username,first_name}'::text[] <@ p.proargnames[1:p.pronargs] AND r.permissions && '{manage_users,manage_portal_users}' ORDER BY 1;
SELECT function, needs, of_office FROM call ORDER BY function COLLATE "C";
SELECT statement FROM call WHERE statement LIKE '%FORGOTTEN%';

-- Each call, undone if it got past the checks.
CREATE TEMP TABLE outcome (caller text, function text, about text, portal text, state text, rule text);
GRANT INSERT ON outcome TO regress_oreach_app;
GRANT SELECT ON person TO regress_oreach_app;
CREATE FUNCTION pg_temp.ask(caller text, function text, about text, portal text, statement text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	refused_by text;
BEGIN
	EXECUTE statement;
	RAISE EXCEPTION 'undo' USING ERRCODE = '00001';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS refused_by = CONSTRAINT_NAME;
	INSERT INTO outcome VALUES (caller, function, about, portal, SQLSTATE, refused_by);
END
$$;
CREATE PROCEDURE pg_temp.ask_all(username text, portal text, about text[] DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
	token text := (SELECT p.token FROM person p WHERE p.username = ask_all.username);
	calls text[] := (SELECT array_agg(function || '|' || t.username || '|' || format(statement, t.username, NULL, portal) ORDER BY function, t.username) FROM call, target t WHERE about IS NULL OR t.username = ANY (about || ask_all.username));
	c text;
BEGIN
	SET LOCAL ROLE regress_oreach_app;
	PERFORM bestauth.use_session(token);
	FOREACH c IN ARRAY calls LOOP
		PERFORM pg_temp.ask(username, split_part(c, '|', 1), split_part(c, '|', 2), portal, split_part(c, '|', 3));
	END LOOP;
	COMMIT;
END
$$;
-- What there is, but for the audit: all of it.
CREATE FUNCTION pg_temp.everything() RETURNS text LANGUAGE sql AS $$
	SELECT md5(string_agg(t, '|' ORDER BY t COLLATE "C")) FROM (SELECT u::text FROM bestauth.user_account u UNION ALL SELECT u::text FROM bestauth.user_role u UNION ALL SELECT u::text FROM bestauth.user_permission u UNION ALL SELECT u::text FROM bestauth.user_company u UNION ALL SELECT c::text FROM bestauth.credential c
		UNION ALL SELECT o::text FROM bestauth.outbox o UNION ALL SELECT t::text FROM bestauth.token t UNION ALL SELECT s::text FROM bestauth.session s UNION ALL SELECT q::text FROM bestauth.security_question q UNION ALL SELECT p::text FROM bestauth.billing_user_person p
		UNION ALL SELECT r::text FROM bestauth.role r UNION ALL SELECT r::text FROM bestauth.role_permission r UNION ALL SELECT e::text FROM bestauth.employee e) a (t)
$$;
SELECT pg_temp.everything() AS everything, (SELECT max(audit_id) FROM bestauth.audit_log) AS mark \gset before_
SET client_min_messages = error;
-- Who lacks the permission is asked about some: one near, one below, one far, one who is not there.
\set some '{carl,pia,sara,dora,users,nobody}'
CALL pg_temp.ask_all('tina', NULL);
CALL pg_temp.ask_all('carl', NULL, :'some');
CALL pg_temp.ask_all('desk', NULL);
CALL pg_temp.ask_all('boss', NULL, :'some');
CALL pg_temp.ask_all('ivan', NULL);
CALL pg_temp.ask_all('iris', 'docs');
CALL pg_temp.ask_all('sara', NULL);
CALL pg_temp.ask_all('fred', NULL);
CALL pg_temp.ask_all('tina', 'labs', :'some');
CALL pg_temp.ask_all('portals', NULL, :'some');
CALL pg_temp.ask_all('portals', 'docs', :'some');
CALL pg_temp.ask_all('users', NULL);
CALL pg_temp.ask_all('users', 'docs');
SET client_min_messages = warning;
SELECT pg_temp.everything() = :'before_everything' AS nothing_changed;

-- [PRV-12] [G-08] [H-01] What it comes to: an office's administrator acts on the users of the
-- office, at individual level on those of the provider; who could log in as somebody must hold
-- what they hold. Without the permission there is only oneself.
CREATE TEMP VIEW matrix AS
SELECT o.*, c.needs, c.of_office, c.rule AS function_rule, h.office, h.provider, t.office AS about_office, t.provider AS about_provider, t.role AS about_role, about IN ('dora', 'dina', 'dave') AS deleted,
	CASE WHEN h.office IS NULL THEN 'manage_users' = ANY (h.permissions) ELSE c.of_office AND 'manage_portal_users' = ANY (h.permissions) END AS permitted,
	CASE WHEN h.office IS NULL THEN CASE WHEN o.portal IS NULL THEN t.office IS NULL ELSE t.office IN ('north', 'south') END
		ELSE t.office = h.office AND (h.provider IS NULL OR t.provider IS NOT DISTINCT FROM h.provider) AND coalesce(o.portal, 'docs') = 'docs' END IS TRUE AND t.username <> 'nobody' AS reached,
	coalesce((SELECT p.permissions FROM person p WHERE p.username = t.username), '{}') <@ (h.permissions || '{web_portal}') AS covered
FROM outcome o JOIN call c USING (function) JOIN person h ON h.username = o.caller JOIN target t ON t.username = o.about;
CREATE TEMP VIEW judged AS
SELECT m.*, CASE
		WHEN needs = 'permission or own user' AND about = caller AND (portal IS NULL OR office IS NOT NULL) THEN CASE WHEN portal = 'labs' THEN 'refused' ELSE 'past' END
		WHEN NOT permitted OR NOT reached THEN 'refused'
		WHEN about = 'adam' AND function NOT IN ('user_details', 'list_sessions', 'list_user_companies', 'revoke_sessions', 'assign_role', 'unassign_role', 'assign_company', 'unassign_company', 'grant_permission', 'revoke_permission', 'resend_setup_link', 'limit_billing_user') THEN 'refused'
		WHEN about = caller AND function IN ('reset_password', 'unlock_user') THEN 'refused'
		WHEN deleted AND function NOT IN ('restore_user', 'user_details', 'list_sessions', 'list_user_companies', 'revoke_sessions') THEN 'past'
		WHEN function IN ('reset_password', 'restore_user', 'update_user') AND NOT covered THEN 'refused'
		ELSE 'past' END AS expected,
	CASE WHEN state = '42501' THEN 'refused' ELSE 'past' END AS got
FROM matrix m;
SELECT caller, function, about, portal, state, rule, expected FROM judged WHERE got <> expected ORDER BY 1, 2, 3, 4;
SELECT count(*) > 1500 AS many, bool_or(got = 'past') AS some_past, count(DISTINCT function) = (SELECT count(*) FROM call) AS every_function FROM judged;
-- Whom each gets past the check with, by function: the same for most.
SELECT caller, coalesce(portal, '') AS portal, coalesce(abouts, '') AS past_with, string_agg(function, ' ' ORDER BY function COLLATE "C") AS functions
FROM (SELECT caller, portal, function, string_agg(about, ' ' ORDER BY about COLLATE "C") FILTER (WHERE got = 'past') AS abouts FROM judged GROUP BY 1, 2, 3) f GROUP BY caller, portal, abouts ORDER BY caller COLLATE "C", portal NULLS FIRST, count(*) DESC, 4;
-- What else came of those that got past: nothing but what the user's own state forbids.
SELECT state, rule, string_agg(DISTINCT function, ' ' ORDER BY function) AS functions FROM judged WHERE got = 'past' AND state <> '00001' GROUP BY 1, 2 ORDER BY 1, 2;
-- Each refusal is in the audit, with who asked.
SELECT j.caller, j.function, j.refused, a.written FROM (SELECT caller, function, count(*) AS refused FROM judged WHERE got = 'refused' GROUP BY 1, 2) j
FULL JOIN (SELECT username AS caller, object_id AS function, count(*) AS written FROM bestauth.audit_log WHERE audit_id > :before_mark AND company_code LIKE 'oreach\_%' AND action = 'access.denied' AND outcome = 'denied' GROUP BY 1, 2) a USING (caller, function)
WHERE refused IS DISTINCT FROM written;
SELECT caller, string_agg(DISTINCT rule, ' ' ORDER BY rule) AS rules FROM judged WHERE got = 'refused' GROUP BY 1 ORDER BY 1;

-- [PRV-12] [PRV-17] The lists show those, and no others.
CREATE FUNCTION pg_temp.listed(caller text, portal text) RETURNS TABLE (users text, counted bigint) LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session((SELECT p.token FROM person p WHERE p.username = caller));
	RETURN QUERY SELECT string_agg(s.username, ' ' ORDER BY s.username COLLATE "C"), bestauth.count_users(portal => listed.portal) FROM bestauth.search_users(portal => listed.portal) s WHERE s.username IN (SELECT username FROM target);
EXCEPTION WHEN insufficient_privilege THEN
	RETURN QUERY SELECT 'refused', NULL::bigint;
END
$$;
GRANT SELECT ON target TO regress_oreach_app;
BEGIN;
SET LOCAL ROLE regress_oreach_app;
SELECT caller, portal, l.* FROM (VALUES ('tina', NULL), ('carl', NULL), ('desk', NULL), ('boss', NULL), ('ivan', NULL), ('iris', 'docs'), ('sara', NULL), ('fred', NULL), ('tina', 'labs'), ('portals', NULL), ('portals', 'docs'), ('users', NULL), ('users', 'docs')) v (caller, portal), LATERAL pg_temp.listed(caller, portal) l;
COMMIT;

-- [G-08] What is about the whole company takes its own people: whatever somebody in an office
-- holds, it does not count there.
CREATE TEMP TABLE company_call AS SELECT r.function, format('SELECT count(*) FROM bestauth.%s(%s)', r.function, (SELECT string_agg('NULL::' || p.proargtypes[i]::regtype, ', ' ORDER BY i) FROM generate_series(0, p.pronargs - 1) i)) AS statement
FROM bestauth.function_rules r JOIN pg_proc p ON p.proname = r.function AND p.pronamespace = 'bestauth'::regnamespace
WHERE r.needs IN ('permission', 'permission or auditor') AND NOT 'manage_portal_users' = ANY (r.permissions);
GRANT SELECT ON company_call TO regress_oreach_app;
SELECT count(*) > 10 AS many, bool_or(function = 'audit_report') AS report, bool_or(function = 'update_role') AS roles FROM company_call;
SELECT bestauth.grant_permission('boss', 'web_portal', 'oreach_clinic', 'docs');
SELECT count(bestauth.grant_permission('boss', name, 'oreach_clinic', 'docs')) > 10 AS given FROM bestauth.permission WHERE NOT client_only AND name <> 'manage_portal_users' AND name !~ '[.]';
TRUNCATE outcome;
BEGIN;
SET LOCAL ROLE regress_oreach_app;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM person WHERE username = 'boss'));
SELECT bestauth.has_permission('manage_roles') AND bestauth.has_permission('audit_report') AND bestauth.has_permission('web_portal') AND bestauth.has_permission('manage_users') AS holds_them;
SELECT count(pg_temp.ask('boss', function, NULL, NULL, statement)) > 10 AS asked FROM company_call;
COMMIT;
SELECT function, state, rule FROM outcome WHERE state <> '42501' ORDER BY function COLLATE "C";

DO $$ BEGIN PERFORM bestauth.revoke_access('regress_oreach_app', 'application'); END $$;
DROP OWNED BY regress_oreach_app;
DROP ROLE regress_oreach_app;
