-- Who may call which function, and what it asks of the caller: generated from the
-- tables access_rule and function_rules, so that no function is forgotten.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA functionrule_test;
GRANT USAGE ON SCHEMA functionrule_test TO PUBLIC;
DO $$
DECLARE
	access text;
BEGIN
	FOREACH access IN ARRAY '{application,reader,operator,auditor,mailer,retention,none}'::text[] LOOP
		EXECUTE format('CREATE ROLE %I', 'regress_functionrule_' || access);
		IF access <> 'none' THEN
			PERFORM bestauth.grant_access(('regress_functionrule_' || access)::regrole, access);
		END IF;
	END LOOP;
END
$$;
CREATE ROLE regress_functionrule_superuser SUPERUSER;

-- Every function of the schema, with what the two tables say of it.
CREATE TABLE functionrule_test.function AS
SELECT p.oid, p.proname AS name, a.access, r.needs, r.permissions, r.rule,
	p.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype) AS is_trigger
FROM pg_proc p
LEFT JOIN bestauth.access_rule a ON a.privilege = 'EXECUTE' AND a.object LIKE 'FUNCTION %' AND to_regprocedure(substr(a.object, 10)) = p.oid
LEFT JOIN bestauth.function_rules r ON r.function = p.proname
WHERE p.pronamespace = 'bestauth'::regnamespace;
GRANT SELECT ON functionrule_test.function TO PUBLIC;

--
-- [L-15] No function is in neither table, and none is in one for nothing.
--
SELECT f.name AS in_no_access_rule, coalesce(i.reason, 'FORGOTTEN') AS reason
FROM functionrule_test.function f LEFT JOIN (VALUES
	('can_access_company_support', 'for the planner'),
	('can_access_provider_support', 'for the planner'),
	('fold_name', 'for indexes and queries of this extension'),
	('grant_access', 'for a superuser'),
	('open_instance', 'for a superuser'),
	('revoke_access', 'for a superuser')) i (name, reason) USING (name)
WHERE f.access IS NULL AND NOT f.is_trigger ORDER BY f.name COLLATE "C";
SELECT f.name AS in_no_function_rule FROM functionrule_test.function f WHERE f.needs IS NULL AND NOT f.is_trigger ORDER BY f.name COLLATE "C";
SELECT function AS no_such_function FROM bestauth.function_rules WHERE function NOT IN (SELECT name FROM functionrule_test.function);
SELECT object AS no_such_function FROM bestauth.access_rule WHERE object LIKE 'FUNCTION %' AND to_regprocedure(substr(object, 10)) IS NULL;
-- A rule goes by the name alone, so there is one function of a name; and the table is
-- in the order that it is searched in.
SELECT name AS overloaded FROM functionrule_test.function GROUP BY name HAVING count(*) > 1;
SELECT function AS out_of_order FROM (SELECT function, row_number() OVER () AS place, row_number() OVER (ORDER BY function COLLATE "C") AS rank FROM bestauth.function_rules) r WHERE place <> rank;
SELECT count(*) FILTER (WHERE is_trigger AND needs IS NOT NULL) AS triggers_with_a_rule, count(*) FILTER (WHERE is_trigger) > 3 AS triggers FROM functionrule_test.function;
-- Of a trigger nothing is asked when it fires, and EXECUTE of whoever makes one: the owner of a table under audit.
SELECT name AS trigger_given, access FROM functionrule_test.function WHERE is_trigger AND access IS NOT NULL ORDER BY name COLLATE "C";
-- The two agree: whom a function is given to is who can have what it asks for.
SELECT DISTINCT needs, access FROM functionrule_test.function WHERE NOT is_trigger AND needs <> 'nothing' ORDER BY needs, access;
-- What each asks for, so that a change of the table is seen: one line for each kind.
SELECT needs, array_to_string(permissions, ' or ') AS permission, string_agg(function, ' ' ORDER BY function COLLATE "C") AS functions
FROM bestauth.function_rules GROUP BY 1, 2 ORDER BY 1, 2;
SELECT name, permissions FROM functionrule_test.function
WHERE (cardinality(permissions) > 0) <> (needs IN ('own account', 'permission', 'permission or auditor', 'permission or own user', 'staff with permission'));

-- [L-15] EXECUTE of every role on every function is what access_rule says: no more, no less.
CREATE TABLE functionrule_test.granted AS
SELECT v.access AS role, f.name, has_function_privilege('regress_functionrule_' || v.access, f.oid, 'EXECUTE') AS given,
	v.access = 'superuser' OR coalesce(v.access = ANY (f.access), false) AS expected
FROM unnest('{none,application,reader,operator,auditor,mailer,retention,superuser}'::text[]) v (access), functionrule_test.function f;
SELECT role, name, given FROM functionrule_test.granted WHERE given <> expected;
SELECT role, bool_or(given) AS some, bool_and(given) AS all FROM functionrule_test.granted GROUP BY role ORDER BY role;

--
-- [G-09] User type x permission x function: every type, providers at both levels.
--
SELECT bestauth.create_company('functionrule_clinic', 'Clinic') IS NOT NULL AS made;
SELECT bestauth.create_company('functionrule_child', 'Child', 'functionrule_clinic') IS NOT NULL AS made;
SELECT bestauth.create_company('functionrule_svc', 'Service') IS NOT NULL AS made;
SELECT bestauth.register_billing_service('functionrule_svc');
SELECT count(bestauth.create_user(username, user_type, username, 'Test', username || '@functionrule.example', 'a long password of ' || username, company => company))
FROM (VALUES ('stan', 'standard', 'functionrule_clinic'), ('rita', 'restricted', 'functionrule_clinic'),
	('adam', 'company_administrator', 'functionrule_clinic'), ('pia', 'restricted', 'functionrule_svc')) v (username, user_type, company);
SELECT bestauth.create_user('olga', 'standard', 'Olga', 'Other', 'olga@functionrule.example', company => 'functionrule_clinic') IS NOT NULL AS made;
SELECT bestauth.create_user('key', 'billing', 'Key', NULL, NULL, 'a long password of key', 'functionrule_svc', company => 'functionrule_clinic') IS NOT NULL AS made;
SELECT bestauth.create_portal('functionrule_clinic', 'patients', 'client', 'Patients') IS NOT NULL AS made;
SELECT bestauth.register_portal_account('functionrule_clinic', 'patients', 'clea@functionrule.example', 'a long password of clients', 'Clea', 'Client');
SELECT bestauth.verify_email(token) FROM bestauth.claim_mail(1000) WHERE recipient = 'clea@functionrule.example';
SELECT bestauth.create_portal('functionrule_clinic', 'docs', 'provider', 'Docs') IS NOT NULL AS made;
SELECT bestauth.create_office('functionrule_clinic', '11-3437602', 'Office') AS office \gset
SELECT bestauth.create_provider(:'office', '1234567893', 'Pro', 'Vider', NULL) AS provider \gset
SELECT bestauth.create_role('Nothing', company => 'functionrule_clinic') IS NOT NULL AS made;
-- "tess" is of the whole office, "indy" of its provider, and so is "otto", whom they ask about.
SELECT count(bestauth.create_provider_user(bestauth.create_employee(:'office', 'desk', 'Test', username, provider_id => provider::uuid), username, 'Nothing', username || '@functionrule.example', 'a long password of ' || username))
FROM (VALUES ('tess', NULL), ('indy', :'provider'), ('otto', :'provider')) v (username, provider);
SELECT username, bestauth.set_password(l.challenge_token, 'another long password of ' || username) FROM unnest('{tess,indy}'::text[]) username, LATERAL bestauth.login('functionrule_clinic', username, 'a long password of ' || username, 'docs') l;
CREATE TABLE functionrule_test.token AS SELECT username, session_token AS token FROM (VALUES ('stan'), ('rita'), ('adam')) v (username),
	LATERAL bestauth.login('functionrule_clinic', username, 'a long password of ' || username);
INSERT INTO functionrule_test.token SELECT 'key', two.session_token FROM bestauth.login('functionrule_clinic', 'key', 'a long password of key') one,
	LATERAL bestauth.login_second_part(one.challenge_token, 'pia', 'a long password of pia') two;
INSERT INTO functionrule_test.token SELECT username, session_token FROM unnest('{tess,indy}'::text[]) username, LATERAL bestauth.login('functionrule_clinic', username, 'another long password of ' || username, 'docs');
INSERT INTO functionrule_test.token SELECT 'clea@functionrule.example', session_token FROM bestauth.login('functionrule_clinic', 'clea@functionrule.example', 'a long password of clients', 'patients');
SELECT username FROM functionrule_test.token WHERE token IS NULL;

CREATE TABLE functionrule_test.outcome (caller text, held text[], function text, about text, class text, state text, rule text, reason text);
GRANT INSERT ON functionrule_test.outcome TO PUBLIC;
-- A call with arguments that cost nothing: NULL, but for the user that it is about.
CREATE FUNCTION functionrule_test.statement(function oid, about text) RETURNS text LANGUAGE sql AS $$
	SELECT format('SELECT count(*) FROM bestauth.%I(%s)', p.proname, string_agg(
			CASE WHEN i = 0 AND about IS NOT NULL THEN quote_literal(about) ELSE 'NULL::' || p.proargtypes[i]::regtype END, ', ' ORDER BY i))
	FROM pg_proc p LEFT JOIN generate_series(0, 1000) i ON i < p.pronargs WHERE p.oid = function GROUP BY p.proname
$$;
-- Did the call get past the check of who calls? What it did is undone.
CREATE FUNCTION functionrule_test.ask(caller text, held text[], function oid, about text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	name text := (SELECT proname FROM pg_proc WHERE oid = function);
	class text;
	rule text;
	reason text;
	hint text;
BEGIN
	BEGIN
		EXECUTE functionrule_test.statement(function, about);
		RAISE EXCEPTION 'undo';
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME, reason = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
		class := CASE
			WHEN SQLERRM = 'permission denied for function ' || name THEN CASE reason WHEN '' THEN 'no execute' ELSE 'denied' END
			WHEN SQLERRM = 'no valid session for function ' || name THEN 'no session' ELSE 'past' END;
		IF class = 'past' OR class || ' ' || SQLSTATE IN ('denied 42501', 'no session 28000') THEN
			INSERT INTO functionrule_test.outcome VALUES (caller, held, name, about, class, SQLSTATE, rule, reason);
		ELSE
			INSERT INTO functionrule_test.outcome VALUES (caller, held, name, about, class || ' as ' || SQLSTATE, SQLSTATE, rule, reason);
		END IF;
	END;
END
$$;
-- All that an application may call, in a transaction of its own.
CREATE PROCEDURE functionrule_test.ask_all(username text, held text[]) LANGUAGE plpgsql AS $$
DECLARE
	token text := (SELECT t.token FROM functionrule_test.token t WHERE t.username = ask_all.username);
	f record;
BEGIN
	SET LOCAL ROLE regress_functionrule_application;
	PERFORM bestauth.use_session(token);
	FOR f IN SELECT oid, about FROM functionrule_test.function, unnest(CASE WHEN needs = 'permission or own user' THEN ARRAY[CASE WHEN username IN ('tess', 'indy') THEN 'otto' ELSE 'olga' END, username] ELSE ARRAY[NULL] END) about
		WHERE 'application' = ANY (access) AND NOT is_trigger ORDER BY name
	LOOP
		PERFORM functionrule_test.ask(username, held, f.oid, f.about);
	END LOOP;
	COMMIT;
END
$$;
-- Without any permission, and with each of a list in turn, where several stand for all
-- of them at once. A change counts at the next transaction.
CREATE PROCEDURE functionrule_test.ask_with_each(username text, permissions text[]) LANGUAGE plpgsql AS $$
DECLARE
	held text[];
	permission text;
	portal text := CASE WHEN username IN ('tess', 'indy') THEN 'docs' END;
BEGIN
	CALL functionrule_test.ask_all(username, '{}');
	FOREACH permission IN ARRAY permissions LOOP
		held := string_to_array(permission, ' ');
		PERFORM bestauth.grant_permission(username, p, 'functionrule_clinic', portal) FROM unnest(held) p;
		COMMIT;
		CALL functionrule_test.ask_all(username, held);
		PERFORM bestauth.revoke_permission(username, p, 'functionrule_clinic', portal) FROM unnest(held) p;
		COMMIT;
	END LOOP;
END
$$;
\set permissions '{manage_users,manage_roles,my_account,audit_report,web_portal,manage_contacts,manage_payers,manage_facilities,claims,eops,eligibility,panel_roster,identifi_practice,manage_portal_users,emergency_access}'
SELECT p AS not_asked FROM bestauth.function_rules, unnest(permissions) p WHERE p <> ALL (:'permissions'::text[]);
SELECT name AS not_asked_but_client_only FROM bestauth.permission WHERE name <> ALL (:'permissions'::text[]) AND NOT client_only AND name !~ '[.]';
-- For one type each in turn; for the others those that some function takes, and all
-- the rest at once, for what they open together none of them opens alone.
SELECT array_agg(DISTINCT p ORDER BY p) FILTER (WHERE taken) || string_agg(DISTINCT p, ' ' ORDER BY p) FILTER (WHERE NOT taken) AS sets
FROM unnest(:'permissions'::text[]) p, LATERAL (SELECT EXISTS (SELECT FROM bestauth.function_rules WHERE p = ANY (permissions)) AS taken) t \gset
SET client_min_messages = error;
CALL functionrule_test.ask_with_each('rita', :'permissions');
CALL functionrule_test.ask_with_each('stan', :'sets');
CALL functionrule_test.ask_with_each('key', :'sets');
CALL functionrule_test.ask_with_each('adam', '{web_portal}');
CALL functionrule_test.ask_with_each('tess', :'sets');
CALL functionrule_test.ask_with_each('indy', ARRAY['manage_portal_users', array_to_string(array_remove(:'permissions'::text[], 'manage_portal_users'), ' ')]);
-- A client can't hold any of those that a function takes.
CALL functionrule_test.ask_with_each('clea@functionrule.example', '{}');
SET client_min_messages = warning;

-- What function_rules, user_type_rules and the permissions held say that it comes to. In an
-- office manage_portal_users counts and nothing else does; elsewhere it counts for nothing.
CREATE FUNCTION functionrule_test.expected(user_type text, held text[], function text, own boolean) RETURNS text LANGUAGE sql AS $$
	SELECT CASE
			WHEN r.needs IN ('nothing', 'session') THEN 'past'
			-- [PRV-7] [MCM-6]
			WHEN r.needs = 'administrator' THEN CASE WHEN t.holds_all_permissions THEN 'past' ELSE 'denied' END
			-- [TPB-8]
			WHEN r.needs = 'second part' THEN CASE WHEN t.may_be_second_part THEN 'past' ELSE 'denied' END
			WHEN r.needs = 'own account' THEN CASE WHEN t.needs_second_part THEN 'denied' WHEN holds OR NOT t.needs_my_account THEN 'past' ELSE 'denied' END
			-- [J-14]
			WHEN r.needs = 'staff with permission' THEN CASE WHEN holds AND t.logs_in_alone AND NOT t.may_be_second_part AND NOT t.needs_portal THEN 'past' ELSE 'denied' END
			WHEN r.needs = 'permission or own user' AND own AND NOT t.needs_second_part THEN 'past'
			WHEN r.needs IN ('permission', 'permission or own user', 'permission or auditor') AND holds THEN 'past'
			ELSE 'denied' END
	FROM bestauth.function_rules r, bestauth.user_type_rules t,
		LATERAL (SELECT bool_or(p.name = ANY (held) OR t.holds_all_permissions AND NOT p.by_name_only AND NOT p.client_only) IS TRUE AS holds
			FROM bestauth.permission p WHERE p.name = ANY (r.permissions) AND (p.name = 'manage_portal_users') = t.needs_office) h
	WHERE r.function = expected.function AND t.user_type = expected.user_type
$$;
CREATE VIEW functionrule_test.matrix AS
SELECT u.user_type, o.held, o.function, o.about, o.class, functionrule_test.expected(u.user_type, o.held, o.function, o.about IS NOT DISTINCT FROM o.caller) AS expected,
	f.needs, o.rule, f.rule AS expected_rule, f.permissions, o.reason, o.state, o.caller
FROM functionrule_test.outcome o JOIN functionrule_test.function f ON f.name = o.function
JOIN bestauth.user_account u ON u.username = o.caller AND u.company_id = (SELECT company_id FROM bestauth.company WHERE code = 'functionrule_clinic');
SELECT user_type, held, function, about, needs, class, state, expected FROM functionrule_test.matrix WHERE class IS DISTINCT FROM expected;
-- A refusal says which rule speaks, and which permission it takes, if one would help.
SELECT user_type, held, function, rule, reason FROM functionrule_test.matrix
WHERE class = 'denied' AND (rule IS DISTINCT FROM expected_rule OR (EXISTS (SELECT FROM unnest(permissions) p WHERE strpos(reason, p) = 0) AND NOT (needs = 'own account' AND user_type = 'billing') AND NOT (needs = 'staff with permission' AND held && permissions)));
-- None was left out, and each was let through with something and refused with something else,
-- but what every session may.
SELECT f.name AS left_out, user_type FROM functionrule_test.function f, unnest('{standard,restricted,company_administrator,billing,client,provider}'::text[]) user_type
WHERE 'application' = ANY (f.access) AND NOT is_trigger AND NOT EXISTS (SELECT FROM functionrule_test.matrix m WHERE m.function = f.name AND m.user_type = user_type.user_type AND m.held = '{}');
SELECT user_type, caller, count(DISTINCT held) AS sets_held FROM functionrule_test.matrix GROUP BY 1, 2 ORDER BY 1, 2;
SELECT DISTINCT function, needs, bool_or(class = 'past') AS past, bool_or(class = 'denied') AS denied FROM functionrule_test.matrix GROUP BY function, needs
HAVING NOT (bool_or(class = 'past') AND (bool_or(class = 'denied') OR needs IN ('nothing', 'session')));
-- With which permissions who gets past what, of the kinds of need.
SELECT needs, user_type, CASE WHEN about IS NULL THEN '' WHEN about = caller THEN 'oneself' ELSE 'another' END AS about,
	array_agg(DISTINCT p ORDER BY p) FILTER (WHERE class = 'past' AND p IS NOT NULL) AS past_with, bool_or(class = 'past' AND held = '{}') AS past_without
FROM functionrule_test.matrix LEFT JOIN LATERAL unnest(held) p ON p = ANY (permissions)
WHERE needs <> 'nothing' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
-- Each refusal is in the audit, under the user's name, once. (A full join takes
-- PostgreSQL's own operator, whatever is in the path.)
SELECT m.caller, m.function, m.refused, a.caller AS written_for, a.function AS of_function, a.written FROM (SELECT caller, function, count(*) AS refused FROM functionrule_test.matrix WHERE class = 'denied' GROUP BY 1, 2) m
FULL JOIN (SELECT username AS caller, object_id AS function, count(*) AS written FROM bestauth.audit_log WHERE company_code = 'functionrule_clinic' AND action = 'access.denied' GROUP BY 1, 2) a
	ON a.caller OPERATOR(pg_catalog.=) m.caller AND a.function OPERATOR(pg_catalog.=) m.function
WHERE refused IS DISTINCT FROM written;

-- Without a session: each role calls all that it is given. Nobody but who the need
-- names gets past. Who was given EXECUTE in some other way has it for nothing.
GRANT USAGE ON SCHEMA bestauth TO regress_functionrule_none;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA bestauth TO regress_functionrule_none;
TRUNCATE functionrule_test.outcome;
CREATE PROCEDURE functionrule_test.ask_as(access text, username text DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
	token text := (SELECT t.token FROM functionrule_test.token t WHERE t.username = ask_as.username);
	f record;
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', 'regress_functionrule_' || access);
	IF username IS NOT NULL THEN
		PERFORM bestauth.use_session(token);
	END IF;
	FOR f IN SELECT oid, CASE WHEN needs = 'permission or own user' THEN 'olga' END AS about FROM functionrule_test.function g
		WHERE NOT is_trigger AND needs IS NOT NULL AND has_function_privilege(g.oid, 'EXECUTE') ORDER BY name
	LOOP
		PERFORM functionrule_test.ask(concat_ws(', ', access, username), NULL, f.oid, f.about);
	END LOOP;
	COMMIT;
END
$$;
SET client_min_messages = error;
CALL functionrule_test.ask_as('application');
CALL functionrule_test.ask_as('reader');
CALL functionrule_test.ask_as('operator');
CALL functionrule_test.ask_as('auditor');
CALL functionrule_test.ask_as('mailer');
CALL functionrule_test.ask_as('retention');
CALL functionrule_test.ask_as('none');
CALL functionrule_test.ask_as('superuser');
-- In a session nobody is the operator, not even a superuser.
CALL functionrule_test.ask_as('superuser', 'rita');
SET client_min_messages = warning;
SELECT o.caller, o.function, o.class, o.state, e.expected FROM functionrule_test.outcome o JOIN functionrule_test.function f ON f.name = o.function,
	LATERAL (SELECT CASE
		WHEN f.needs = 'nothing' THEN 'past'
		WHEN f.needs IN ('session', 'second part') THEN CASE o.caller WHEN 'superuser, rita' THEN 'past' ELSE 'no session' END
		-- Where there is a session there is nothing to open: it looks at that first.
		WHEN o.caller = 'superuser, rita' THEN CASE f.name WHEN 'open_instance' THEN 'past' ELSE 'denied' END
		WHEN f.needs IN ('own account', 'staff with permission') THEN 'no session'
		WHEN f.needs = 'superuser' THEN CASE WHEN o.caller = 'superuser' THEN 'past' ELSE 'denied' END
		WHEN f.needs IN ('operator', 'mailer', 'retention') THEN CASE WHEN o.caller IN (f.needs, 'superuser') THEN 'past' ELSE 'denied' END
		WHEN f.needs = 'operator or mailer' THEN CASE WHEN o.caller IN ('operator', 'mailer', 'superuser') THEN 'past' ELSE 'denied' END
		-- The operator reads the audit too.
		WHEN f.needs = 'auditor' THEN CASE WHEN o.caller IN ('auditor', 'operator', 'superuser') THEN 'past' ELSE 'denied' END
		WHEN o.caller IN ('operator', 'superuser') OR (o.caller = 'auditor' AND f.needs = 'permission or auditor') THEN 'past'
		ELSE 'no session' END AS expected) e
WHERE o.class IS DISTINCT FROM e.expected;
SELECT f.needs, o.caller, string_agg(DISTINCT o.class, ' ' ORDER BY o.class) AS class FROM functionrule_test.outcome o JOIN functionrule_test.function f ON f.name = o.function
GROUP BY 1, 2 ORDER BY 1, 2;
-- So every function was called by somebody, and what needs anything was refused to somebody.
SELECT f.name AS never_called FROM functionrule_test.function f WHERE NOT is_trigger AND needs IS NOT NULL AND NOT EXISTS (SELECT FROM functionrule_test.outcome o WHERE o.function = f.name AND o.class = 'past')
	AND needs NOT IN ('own account', 'staff with permission');
SELECT f.name AS never_refused FROM functionrule_test.function f WHERE NOT is_trigger AND needs <> 'nothing' AND NOT EXISTS (SELECT FROM functionrule_test.outcome o WHERE o.function = f.name AND o.class <> 'past');

--
-- [M-01] Each function with NULL in each argument, and in all.
--
-- In a session of an administrator, in one of an office (what takes a permission), and outside.
CREATE TABLE functionrule_test.sample (function text, argument text, in_session text, outside text, in_office text, UNIQUE (function, argument));
INSERT INTO functionrule_test.sample SELECT '', a, v, v FROM (VALUES
	('username', '''olga'''), ('user_type', '''restricted'''), ('first_name', '''Nora'''), ('last_name', '''Null'''), ('email', '''nora@functionrule.example'''),
	('role', '''clerk'''), ('permission', '''claims'''), ('roles', '''{}'''), ('permissions', '''{}'''), ('companies', '''{}'''), ('name', '''clerk'''), ('names', '''{clerk}'''), ('child', '''functionrule_child'''),
	('code', '''functionrule_new'''), ('persons', '''{pia}'''), ('changes', '''{"title": "Dr."}'''), ('page_size', '10'), ('token', '''x'''), ('session_token', '''x'''),
	('challenge_token', '''x'''), ('new_password', '''a long password of nora'''), ('current_password', '''a wrong password'''), ('questions', '''{A question?}'''),
	('answers', '''{An answer}'''), ('client_addr', '''192.0.2.1'''), ('client_info', '''a client'''), ('access', '''reader'''),
	('company_id', '''00000000-0000-7000-8000-000000000001'''), ('message_id', '''00000000-0000-7000-8000-000000000001'''), ('error', '''an error'''), ('permanent', 'false'), ('older_than', '''30 days'''), ('kind', '''client'''), ('batch', '1'), ('lease', '''1 minute'''),
	('password', 'NULL'), ('billing_service', 'NULL'), ('portal', 'NULL'), ('parent', 'NULL'), ('sso_key', 'NULL'), ('after', 'NULL'), ('expected_revision', 'NULL'), ('since', 'NULL'), ('until', 'NULL'),
	('person', 'NULL'), ('url', 'NULL'), ('action', 'NULL'), ('office', 'NULL'), ('duration', 'NULL'), ('locked', 'NULL'), ('deleted', 'NULL')) v (a, v);
INSERT INTO functionrule_test.sample VALUES ('', 'company', 'NULL', '''functionrule_clinic'''), ('search_users', 'role', 'NULL', 'NULL'), ('search_users', 'username', 'NULL', 'NULL'),
	('audit_html', 'since', '''2026-01-01''', '''2026-01-01'''), ('audit_html', 'until', '''2026-01-02''', '''2026-01-02'''), ('person_trail', 'person', '''olga''', '''functionrule_clinic/olga'''), ('audit_report', 'username', '''olga''', '''olga'''), ('start_emergency_access', 'reason', '''no heartbeat in room 4''', '''no heartbeat in room 4'''), ('audit_report', 'page_size', '1', '1'),
	('create_user', 'username', '''nora''', '''nora'''), ('create_role', 'name', '''porter''', '''porter'''), ('create_payer', 'name', '''porter''', '''porter'''), ('create_facility', 'name', '''porter''', '''porter'''), ('create_company', 'name', '''New''', '''New'''), ('limit_billing_user', 'username', '''key''', '''key'''),
	('unregister_billing_service', 'company', '''functionrule_svc''', '''functionrule_svc'''), ('grant_access', 'role', '''regress_functionrule_none''', '''regress_functionrule_none'''),
	('revoke_access', 'role', '''regress_functionrule_none''', '''regress_functionrule_none'''), ('open_instance', 'name', '''regress''', '''regress'''),
	('create_company', 'code', '''functionrule_new''', '''functionrule_new'''), ('create_portal', 'name', '''New''', '''New'''), ('create_contact', 'contact_type', '''client''', '''client'''), ('list_contacts', 'contact_type', 'NULL', 'NULL'),
	('update_contact', 'changes', '''{"first_name": "Nora"}''', '''{"first_name": "Nora"}'''), ('resend_verification', 'company', '''functionrule_clinic''', '''functionrule_clinic'''), ('register_portal_account', 'company', '''functionrule_clinic''', '''functionrule_clinic'''),
	('register_portal_account', 'password', '''a long password of nora''', '''a long password of nora'''), ('create_portal_account', 'confirm_email', '''chart@functionrule.example''', '''chart@functionrule.example'''),
	('audit_purge', 'before', 'NULL', '''2000-01-01 UTC'''), ('audit_verify', 'digest', 'NULL', 'NULL'), ('has_access', 'access', '''operator''', '''operator'''), ('switch_company', 'company', '''functionrule_child''', '''functionrule_child'''), ('isolate_table', 'relation', '''functionrule_test.isolated''', '''functionrule_test.isolated'''), ('unisolate_table', 'relation', '''functionrule_test.isolated''', '''functionrule_test.isolated'''),
	('isolate_table', 'company_column', '''company_id''', '''company_id'''), ('audit_table', 'relation', '''functionrule_test.audited''', '''functionrule_test.audited'''), ('unaudit_table', 'relation', '''functionrule_test.audited''', '''functionrule_test.audited'''),
	('audit_table', 'company_column', 'NULL', 'NULL'), ('audit_table', 'id_columns', '''{}''', '''{}'''), ('audit_table', 'hidden', '''{}''', '''{}'''), ('audit_table', 'ignored', '''{}''', '''{}'''),
	('export_served_customers', 'billing_service', '''functionrule_svc''', '''functionrule_svc'''), ('import_served_customers', 'billing_service', '''functionrule_svc''', '''functionrule_svc'''),
	('import_served_customers', 'customers', '''{}''', '''{"instance": "elsewhere", "billing_service": "functionrule_svc", "made_at": "2026-01-01T00:00:00.000000Z", "customers": []}'''),
	('', 'jwk', 'NULL', '''{"kty": "EC", "crv": "P-256", "kid": "functionrule", "iss": "there/functionrule", "x": "3mxZVmEak7zRPaoiV-bEvU6GpxG2yiY6smFT_tQ70EI", "y": "X_5TBrbMk7L2vwSPDsMt6hDsQvfb2mXJz-3fc7QVjU0"}'''), ('', 'issuer', 'NULL', '''https://functionrule.example'''), ('', 'claims', 'NULL', 'NULL'), ('', 'kid', '''x''', '''x'''),
	('create_sso_key', 'company', 'NULL', '''functionrule_svc'''), ('revoke_sso_key', 'company', 'NULL', '''functionrule_svc'''), ('trust_sso_key', 'company', 'NULL', '''functionrule_svc'''), ('distrust_sso_key', 'company', 'NULL', '''functionrule_svc'''),
	('', 'assertion', '''x''', '''x'''), ('', 'audience', '''there/functionrule_clinic''', '''there/functionrule_clinic'''), ('', 'nonce', '''x''', '''x'''),
	('record_access', 'object_type', '''chart''', '''chart'''), ('record_access', 'object_id', '''1''', '''1'''), ('record_access', 'detail', '''{}''', '''{}''');
CREATE TABLE functionrule_test.isolated (company_id uuid);
CREATE TABLE functionrule_test.audited (company_id uuid);
ALTER TABLE functionrule_test.isolated OWNER TO regress_functionrule_application;
ALTER TABLE functionrule_test.audited OWNER TO regress_functionrule_application;
SELECT bestauth.isolate_table('functionrule_test.isolated'), bestauth.audit_table('functionrule_test.audited', '{}');
INSERT INTO functionrule_test.sample SELECT f, a, v, v FROM unnest('{login,login_second_part,request_password_reset}'::text[]) f, (VALUES
	('company', '''functionrule_clinic'''), ('username', '''nobody'''), ('password', '''a wrong password''')) v (a, v);
SELECT bestauth.create_contact('client', 'Char', 'T', 'chart@functionrule.example', 'functionrule_clinic') AS chart,
	bestauth.create_contact('client', 'Invi', 'Ted', 'invited@functionrule.example', 'functionrule_clinic') AS invited \gset
SELECT registration_id AS invite FROM bestauth.send_registration_links('{invited@functionrule.example}', 'Nothing', :'office') \gset
SELECT status, registration_id AS request FROM bestauth.submit_registration('functionrule_clinic', '113437602', '24', 'tin', NULL, NULL, 'norman', 'a long password of norman', 'Nor', 'Man', 'norman@functionrule.example') \gset
SELECT bestauth.create_employee(:'office', 'desk', 'Null', 'Nora') AS employee \gset
SELECT bestauth.create_role('Void', company => 'functionrule_clinic') IS NOT NULL AS made;
SELECT bestauth.create_company('functionrule_kid', 'Kid', 'functionrule_clinic') IS NOT NULL AS made, bestauth.create_payer('clerk', company => 'functionrule_clinic') IS NOT NULL AS payer, bestauth.create_facility('clerk', company => 'functionrule_clinic') IS NOT NULL AS facility;
SELECT bestauth.create_portal_account(:'invited', 'invited@functionrule.example', company => 'functionrule_clinic') AS account \gset
INSERT INTO functionrule_test.sample SELECT '', a, quote_literal(v), quote_literal(v) FROM (VALUES ('contact_id', :'chart'), ('account_id', :'account'), ('office_id', :'office'), ('provider_id', :'provider'), ('employee_id', :'employee'), ('registration_id', :'request'), ('identifier', '113437602'), ('identifier_qualifier', '24'), ('npi', '1234567893'),
	('level', 'tin'), ('claim_number', 'C-1'), ('birth_date', '1970-02-03'), ('provider_birth_date', '1970-02-03'), ('details', '{"title": "Dr."}'), ('status', 'PENDING-ADMIN-REVIEW'), ('search', 'n'), ('enabled', 'false'), ('value', '=1'), ('provider_type', 'desk'), ('middle_initial', 'N'), ('middle_name', 'N'),
	('employee_number', '1'), ('telephone', '1'), ('fax', '1'), ('title', 'Dr.'), ('provider_number', '1'), ('account_type', 'Clinic'), ('reason', (SELECT min(reason) FROM bestauth.decline_reason))) v (a, v);
INSERT INTO functionrule_test.sample SELECT f, a, quote_literal(v), quote_literal(v) FROM (VALUES ('create_office', 'identifier', '7'), ('create_office', 'name', 'New'), ('create_office', 'company', 'functionrule_clinic'), ('create_provider', 'npi', '1679576722'), ('resend_registration_link', 'registration_id', :'invite'), ('revoke_registration_link', 'registration_id', :'invite'),
	('send_registration_links', 'emails', '{nora@functionrule.example}'), ('send_registration_links_csv', 'emails', 'nora@functionrule.example,olga@functionrule.example'), ('send_registration_links', 'role', 'Nothing'), ('send_registration_links_csv', 'role', 'Nothing'), ('create_provider_user', 'role', 'Nothing'), ('create_provider_user', 'username', 'nora'), ('approve_registration', 'role', 'Void'),
	('submit_registration', 'company', 'functionrule_clinic'), ('submit_registration', 'role', 'Provider - Portal User'), ('submit_registration', 'username', 'nora'), ('submit_registration', 'password', 'a long password of nora'), ('accept_registration', 'password', 'a long password of nora'),
	('unassign_role', 'role', 'clerk'), ('count_users', 'role', NULL), ('count_users', 'username', NULL), ('export_users', 'role', NULL), ('export_users', 'username', NULL)) v (f, a, v);
UPDATE functionrule_test.sample SET in_session = 'NULL', outside = 'NULL' WHERE in_session IS NULL;
UPDATE functionrule_test.sample SET in_office = CASE WHEN function = '' AND argument = 'username' THEN '''otto''' WHEN function = '' AND argument = 'role' THEN '''Void''' WHEN function = 'unassign_role' THEN '''Nothing''' ELSE in_session END;
CREATE TABLE functionrule_test.argument AS
SELECT f.oid, f.name AS function, a.i, a.name AS argument, p.proargtypes[a.i - 1]::regtype AS type, a.i > p.pronargs - p.pronargdefaults AS has_default,
	coalesce(pg_get_function_arg_default(f.oid, a.i::int), '') ~ '^NULL' AS default_is_null, coalesce(s.in_session, g.in_session) AS in_session, coalesce(s.outside, g.outside) AS outside, coalesce(s.in_office, g.in_office) AS in_office
FROM functionrule_test.function f JOIN pg_proc p ON p.oid = f.oid CROSS JOIN LATERAL unnest(p.proargnames) WITH ORDINALITY a (name, i)
LEFT JOIN functionrule_test.sample s ON s.argument = a.name AND s.function = f.name
LEFT JOIN functionrule_test.sample g ON g.argument = a.name AND g.function = ''
WHERE a.i <= p.pronargs AND NOT f.is_trigger AND f.needs IS NOT NULL;
SELECT function, argument AS without_a_sample FROM functionrule_test.argument WHERE in_session IS NULL;
SELECT bestauth.create_role('clerk', '{claims}', company => 'functionrule_clinic') IS NOT NULL AS made;
SELECT bestauth.grant_permission('adam', 'web_portal', 'functionrule_clinic'), bestauth.grant_permission('tess', 'manage_portal_users', 'functionrule_clinic', 'docs');

CREATE TABLE functionrule_test.nulls (place text, function text, argument text, result text, message text);
GRANT SELECT ON ALL TABLES IN SCHEMA functionrule_test TO regress_functionrule_application;
GRANT INSERT ON functionrule_test.nulls TO regress_functionrule_application;
-- "argument" is NULL for a call with all samples, '*' for one with all NULL.
CREATE FUNCTION functionrule_test.try_null(place text, function text, argument text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	arguments text := (SELECT string_agg(format('%I => %s::%s', a.argument,
			CASE WHEN try_null.argument IN (a.argument, '*') THEN 'NULL' WHEN place = 'in a session' THEN in_session WHEN place = 'in an office' THEN in_office ELSE outside END, type), ', ')
		FROM functionrule_test.argument a WHERE a.function = try_null.function);
	answer text;
BEGIN
	EXECUTE format('SELECT min(t::text) FROM bestauth.%I(%s) t', function, arguments) INTO answer;
	RAISE EXCEPTION 'undo';
EXCEPTION
	WHEN raise_exception THEN
		INSERT INTO functionrule_test.nulls VALUES (place, function, argument, 'answer', coalesce(answer, 'NULL'));
	WHEN OTHERS THEN
		INSERT INTO functionrule_test.nulls VALUES (place, function, argument, SQLSTATE, SQLERRM);
END
$$;
CREATE PROCEDURE functionrule_test.try_nulls(place text) LANGUAGE plpgsql AS $$
DECLARE
	token text := (SELECT t.token FROM functionrule_test.token t WHERE t.username = CASE place WHEN 'in an office' THEN 'tess' ELSE 'adam' END);
	f record;
BEGIN
	IF place <> 'outside' THEN
		SET LOCAL ROLE regress_functionrule_application;
	END IF;
	FOR f IN SELECT DISTINCT a.function, v.argument FROM functionrule_test.argument a JOIN functionrule_test.function g USING (oid),
			LATERAL (VALUES (NULL), ('*'), (a.argument)) v (argument)
		WHERE place = 'outside' OR 'application' = ANY (g.access) AND (place = 'in a session' OR g.needs LIKE 'permission%') ORDER BY 1, 2
	LOOP
		IF place <> 'outside' THEN
			PERFORM bestauth.use_session(token);
		END IF;
		PERFORM functionrule_test.try_null(place, f.function, f.argument);
	END LOOP;
END
$$;
SET bestauth.lockout_threshold = 100;
SET client_min_messages = error;
CALL functionrule_test.try_nulls('in a session');
CALL functionrule_test.try_nulls('in an office');
CALL functionrule_test.try_nulls('outside');
SET client_min_messages = warning;
RESET bestauth.lockout_threshold;

-- Nothing but an answer or a refusal of a known kind: no internal error, no crash.
SELECT * FROM functionrule_test.nulls WHERE result NOT IN ('answer', '22023', '23505', '23514', '28000', '42501', '55000', 'P0002', 'UA001', '0A000');
-- What the calls come to without NULL, where that is no answer.
SELECT function, place, result FROM functionrule_test.nulls WHERE argument IS NULL AND result <> 'answer' ORDER BY function COLLATE "C", place COLLATE "C";
-- Which arguments must not be NULL; all others come to the same as without.
SELECT n.function, string_agg(DISTINCT n.argument COLLATE "C", ', ' ORDER BY n.argument COLLATE "C") FILTER (WHERE n.place = 'in a session') AS in_a_session,
	string_agg(DISTINCT n.argument COLLATE "C", ', ' ORDER BY n.argument COLLATE "C") FILTER (WHERE n.place = 'in an office') AS in_an_office,
	string_agg(DISTINCT n.argument COLLATE "C", ', ' ORDER BY n.argument COLLATE "C") FILTER (WHERE n.place = 'outside') AS outside, string_agg(DISTINCT n.result, ' ') AS result
FROM functionrule_test.nulls n JOIN functionrule_test.nulls b ON b.place = n.place AND b.function = n.function AND b.argument IS NULL
WHERE n.argument <> '*' AND n.result <> b.result GROUP BY 1 ORDER BY n.function COLLATE "C";
-- With all NULL: those that answer.
SELECT n.function, n.place FROM functionrule_test.nulls n WHERE n.argument = '*' AND n.result = 'answer' ORDER BY n.function COLLATE "C", n.place COLLATE "C";
-- What has NULL as its default may be NULL, but for what the operator has to name, and
-- the e-mail address of a new user, which keys alone can do without, and questions without
-- their answers.
SELECT n.place, n.function, n.argument, n.result, n.message FROM functionrule_test.nulls n JOIN functionrule_test.argument a USING (function, argument)
JOIN functionrule_test.nulls b ON b.place = n.place AND b.function = n.function AND b.argument IS NULL
WHERE a.default_is_null AND n.result <> b.result AND NOT (n.place = 'outside' AND n.argument = 'company')
	AND NOT (n.function = 'create_user' AND n.argument = 'email') AND NOT (n.function = 'create_provider_user' AND n.argument IN ('questions', 'answers')) ORDER BY 1, 2, 3;
-- The message names the argument.
SELECT n.function, n.argument, n.message FROM functionrule_test.nulls n JOIN functionrule_test.nulls b ON b.place = n.place AND b.function = n.function AND b.argument IS NULL
WHERE n.argument <> '*' AND n.result = '22023' AND b.result <> '22023' AND strpos(n.message, n.argument) = 0 ORDER BY 1, 2;
-- No predicate is true of NULL.
SELECT place, function, argument, message AS says FROM functionrule_test.nulls WHERE argument IS NOT NULL AND function IN (SELECT proname FROM pg_proc
	WHERE pronamespace = 'bestauth'::regnamespace AND prorettype = 'boolean'::regtype) ORDER BY function COLLATE "C", place COLLATE "C", argument COLLATE "C";

DROP OWNED BY regress_functionrule_none;
DO $$
DECLARE
	access text;
BEGIN
	FOREACH access IN ARRAY '{application,reader,operator,auditor,mailer,retention}'::text[] LOOP
		PERFORM bestauth.revoke_access(('regress_functionrule_' || access)::regrole, access);
	END LOOP;
END
$$;
DROP SCHEMA functionrule_test CASCADE;
DROP ROLE regress_functionrule_application, regress_functionrule_reader, regress_functionrule_operator, regress_functionrule_auditor,
	regress_functionrule_mailer, regress_functionrule_retention, regress_functionrule_none, regress_functionrule_superuser;
