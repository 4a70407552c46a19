-- Portals: the doors of a company for its clients, or its providers.
\set SHOW_CONTEXT never
SELECT count(bestauth.create_company(code, name)) FROM (VALUES ('portal_none', 'None Clinic'), ('portal_one', 'One Clinic'), ('portal_many', 'Many Clinic'), ('portal_far', 'Far Clinic')) v (code, name);
CREATE ROLE regress_portal_app;
CREATE ROLE regress_portal_operator;
CREATE ROLE regress_portal_auditor;
SELECT bestauth.grant_access('regress_portal_app', 'application'), bestauth.grant_access('regress_portal_operator', 'operator'), bestauth.grant_access('regress_portal_auditor', 'auditor');
GRANT USAGE ON SCHEMA regress TO regress_portal_app, regress_portal_operator, regress_portal_auditor;
SELECT count(bestauth.create_user(username, user_type, username, 'Test', username || '@portal.example', 'a long password of ' || username, permissions => permissions, company => company))
FROM (VALUES
	('web', 'standard', 'portal_one', '{web_portal}'::text[]),
	('head', 'standard', 'portal_one', '{manage_users}'),
	('desk', 'standard', 'portal_one', '{manage_contacts,claims,my_account}'),
	('adam', 'company_administrator', 'portal_one', '{}'),
	('mani', 'standard', 'portal_many', '{web_portal}'),
	('noni', 'standard', 'portal_none', '{web_portal}')) v (username, user_type, company, permissions);
CREATE TEMP TABLE token AS SELECT username, session_token AS token
FROM (VALUES ('portal_one', 'web'), ('portal_one', 'head'), ('portal_one', 'desk'), ('portal_one', 'adam'), ('portal_many', 'mani'), ('portal_none', 'noni')) v (company, username),
	LATERAL bestauth.login(company, username, 'a long password of ' || username);
GRANT SELECT ON token TO regress_portal_app;
-- What a call returns, or its error.
CREATE FUNCTION pg_temp.answer(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	rule text;
BEGIN
	EXECUTE format('SELECT string_agg(r::text, '' '') FROM bestauth.%s r', call) INTO result;
	RETURN result;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME;
	RETURN SQLSTATE || coalesce(' [' || nullif(rule, '') || ']', '') || ' ' || SQLERRM;
END
$$;
CREATE FUNCTION pg_temp.as_user(username text, call text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session((SELECT token FROM token t WHERE t.username = as_user.username));
	RETURN pg_temp.answer(call);
END
$$;
CREATE VIEW pg_temp.portals WITH (security_invoker) AS SELECT c.code AS company, p.code, p.kind, p.name, p.url FROM bestauth.portal p JOIN bestauth.company c USING (company_id) WHERE c.code LIKE 'portal\_%';
GRANT SELECT ON pg_temp.portals TO regress_portal_operator, regress_portal_auditor;

-- [PRT-1] The operator sets them up, and nobody else.
SET ROLE regress_portal_operator;
SELECT count(bestauth.create_portal(company, code, kind, name, url)) FROM (VALUES
	('portal_one', 'Main', 'client', 'The Portal', NULL),
	('PORTAL_many', 'V1', 'client', 'Portal One', 'https://v1.portal.example'),
	('portal_many', 'V2', 'client', 'Portal Two', 'https://many.portal.example/v2///'),
	('portal_many', 'V3', 'client', 'Portal Three', NULL),
	('portal_many', 'doctors', 'provider', 'Portal for Doctors', NULL),
	('portal_far', 'Main', 'client', 'Far Portal', NULL),
	('portal_far', 'away', 'client', 'Away Portal', NULL)) v (company, code, kind, name, url);
SELECT * FROM pg_temp.portals ORDER BY company, code COLLATE "C";
-- A code is taken in its company alone, without regard to case.
SELECT call, pg_temp.answer('create_portal(' || call || ')') FROM unnest(ARRAY[
	$$'portal_one', 'Main', 'client', 'x'$$, $$'portal_one', 'mAIN', 'provider', 'x'$$, $$'portal_nowhere', 'x', 'client', 'x'$$,
	$$'portal_one', 'x', 'staff', 'x'$$, $$'portal_one', 'x', 'Client', 'x'$$, $$'portal_one', 'x', '', 'x'$$,
	$$'portal_one', 'a b', 'client', 'x'$$, $$'portal_one', '-a', 'client', 'x'$$, $$'portal_one', '_a', 'client', 'x'$$, $$'portal_one', 'a/b', 'client', 'x'$$, $$'portal_one', 'ä', 'client', 'x'$$,
	$$'portal_one', '', 'client', 'x'$$, $$'portal_one', 'x', 'client', ''$$, $$'portal_one', 'x', 'client', '  '$$, $$'portal_one', 'x', 'client', E'x\ny'$$,
	$$'portal_one', repeat('a', 64), 'client', 'x'$$, $$'portal_one', 'x', 'client', repeat('n', 101)$$, $$'portal_one', 'x', 'client', 'x', 'https://' || repeat('u', 493)$$,
	$$NULL, 'x', 'client', 'x'$$, $$'portal_one', NULL, 'client', 'x'$$, $$'portal_one', 'x', NULL, 'x'$$, $$'portal_one', 'x', 'client', NULL$$]) call;
-- The longest that there may be.
BEGIN;
SELECT bestauth.create_portal('portal_one', repeat('a', 63), 'client', repeat('ü', 100), 'https://' || repeat('u', 492)) IS NOT NULL AS made;
SELECT length(code), length(name), length(url) FROM pg_temp.portals WHERE code LIKE 'aaa%';
ROLLBACK;
RESET ROLE;
SET ROLE regress_portal_app;
SELECT regress.attempt($$SELECT bestauth.create_portal('portal_one', 'x', 'client', 'x')$$);
RESET ROLE;
GRANT EXECUTE ON FUNCTION bestauth.create_portal(text, text, text, text, text) TO regress_portal_app, regress_portal_auditor;
SET ROLE regress_portal_app;
SELECT username, pg_temp.as_user(username, $$create_portal('portal_one', 'x', 'client', 'x')$$) FROM (VALUES ('web'), ('head'), ('adam')) v (username);
SELECT pg_temp.answer($$create_portal('portal_one', 'x', 'client', 'x')$$);
SET ROLE regress_portal_auditor;
SELECT pg_temp.answer($$create_portal('portal_one', 'x', 'client', 'x')$$);
RESET ROLE;
REVOKE EXECUTE ON FUNCTION bestauth.create_portal(text, text, text, text, text) FROM regress_portal_app, regress_portal_auditor;
-- Nor does a superuser in somebody's session.
SELECT pg_temp.as_user('adam', $$create_portal('portal_one', 'x', 'client', 'x')$$);

-- [I-10] What links in mail begin with: http or https, a host, and nothing that would be
-- read as something else behind it.
SET ROLE regress_portal_operator;
BEGIN;
SELECT url, pg_temp.answer(format('create_portal(''portal_far'', %L, ''client'', ''x'', %L)', 'u' || n, url)) ~ '^[-0-9a-f]{36}$' AS made
FROM unnest('{https://a.example,http://a.example,http://localhost:8080,https://a.example/,https://a.example/some/way//,https://a.example:8443/x-y_z~.%20&=}'::text[]) WITH ORDINALITY u (url, n);
SELECT code, url FROM pg_temp.portals WHERE company = 'portal_far' AND code LIKE 'u_' ORDER BY code;
ROLLBACK;
SELECT url, pg_temp.answer(format('create_portal(''portal_far'', ''bad'', ''client'', ''x'', %L)', url)) FROM unnest(ARRAY[
	'', 'a.example', '//a.example', 'ftp://a.example', 'HTTPS://a.example', 'javascript:alert(1)', 'https:/a.example', 'https://', 'https:///a.example', 'https://.example', 'https://[::1]/',
	'https://user@a.example', 'https://a.example/?x', 'https://a.example/#x', 'https://a.example/ x', ' https://a.example', 'https://a.example/"x', 'https://a.example/<x>',
	'https://a.example/''x', 'https://a.example/\x', 'https://a.example/{x}', 'https://a.example/`x', 'https://a.example/|', 'https://a.example/^', 'https://ä.example', E'https://a.example/\n', E'https://a.example/\x7f']) url;
-- Direct SQL gets it no further.
SELECT left(regress.attempt(format('UPDATE bestauth.portal SET url = %L WHERE code = ''away''', url)), 60) FROM unnest(ARRAY['javascript:alert(1)', 'https://a.example/?x', '', 'https://' || repeat('u', 493)]) url;
-- [PRT-1] The name and the address are the operator's to change, by direct SQL, and
-- nothing else.
SELECT assignment, regress.attempt('UPDATE bestauth.portal SET ' || assignment || ' WHERE code = ''away''') FROM unnest(ARRAY[
	$$name = 'Other Portal', url = 'https://far.example/away/'$$, $$name = ''$$, $$name = ' x'$$, $$name = NULL$$, $$name = E'x\ty'$$,
	$$code = 'gone'$$, $$code = 'AWAY'$$, $$kind = 'provider'$$, $$portal_id = gen_random_uuid()$$,
	$$company_id = (SELECT company_id FROM bestauth.company WHERE code = 'portal_one')$$]) assignment;
SELECT * FROM pg_temp.portals WHERE company = 'portal_far' ORDER BY code COLLATE "C";
SELECT regress.attempt($$INSERT INTO bestauth.portal (company_id, code, kind, name) SELECT company_id, 'other', 'staff', 'x' FROM bestauth.company WHERE code = 'portal_far'$$);
SELECT regress.attempt($$INSERT INTO bestauth.portal (company_id, code, kind, name) VALUES (gen_random_uuid(), 'other', 'client', 'x')$$);
-- It stays: accounts and links are in it.
SELECT regress.attempt($$DELETE FROM bestauth.portal WHERE code = 'away'$$), regress.attempt('TRUNCATE bestauth.portal');
RESET ROLE;
SET client_min_messages = warning;
SELECT regress.attempt($$DELETE FROM bestauth.portal WHERE code = 'away'$$), regress.attempt('TRUNCATE bestauth.portal CASCADE');
RESET client_min_messages;
SELECT count(*) FROM pg_temp.portals WHERE code = 'away';

-- [PRT-1] Where a company has one client portal, it is the default; where it has several,
-- it must be named; where it has none, it is said so. A provider portal is none of them.
SET ROLE regress_portal_operator;
SELECT portal, company, pg_temp.answer(format('portal_url(%L, %L)', portal, company)) FROM (VALUES
	(NULL, 'portal_one'), ('main', 'Portal_ONE'), (NULL, 'portal_many'), ('v1', 'portal_many'), ('V2', 'portal_many'), ('V3', 'portal_many'), ('doctors', 'portal_many'), ('V4', 'portal_many'),
	('Main', 'portal_many'), (NULL, 'portal_none'), ('Main', 'portal_none'), (NULL, 'portal_nowhere'), ('Main', NULL), ('', 'portal_one')) v (portal, company);
BEGIN;
SELECT pg_temp.answer($$create_portal('portal_none', 'doctors', 'provider', 'x')$$) IS NOT NULL AS made;
SELECT pg_temp.answer($$portal_url(NULL, 'portal_none')$$);
SELECT pg_temp.answer($$create_portal('portal_one', 'doctors', 'provider', 'x')$$) IS NOT NULL AS made;
SELECT pg_temp.answer($$portal_url(NULL, 'portal_one')$$);
ROLLBACK;
RESET ROLE;
-- Without an address of its own it is below bestauth.base_url, whatever that ends with.
SET bestauth.base_url = 'https://base.example/bestauth//';
SELECT bestauth.portal_url(NULL, 'portal_one'), bestauth.portal_url('V1', 'portal_many');
SELECT url FROM bestauth.list_portals(company => 'portal_many');
RESET bestauth.base_url;
SELECT bestauth.portal_url(NULL, 'portal_one');

-- Who may see the address and the list: web_portal or manage_users, for the session's
-- company; the operator for any.
SET ROLE regress_portal_app;
SELECT username, pg_temp.as_user(username, 'portal_url(NULL)'), pg_temp.as_user(username, 'list_portals()') FROM token ORDER BY username COLLATE "C";
SELECT pg_temp.answer($$portal_url('Main', 'portal_one')$$), pg_temp.answer($$list_portals(company => 'portal_one')$$);
-- [H-01] Another company, a portal of another company and a missing one are the same.
SELECT call, pg_temp.as_user('web', call) FROM unnest(ARRAY['portal_url(''Main'')', 'portal_url(''MAIN'', ''Portal_One'')', 'portal_url(''V1'')', 'portal_url(''nono'')', 'portal_url(''Main'', ''portal_far'')', 'portal_url(''Main'', ''portal_nowhere'')',
	'portal_url(NULL, ''portal_far'')', 'list_portals(company => ''portal_far'')', 'list_portals(company => ''portal_nowhere'')', 'list_portals(company => ''portal_one'')']) call;
SET ROLE regress_portal_auditor;
SELECT regress.attempt('SELECT bestauth.list_portals()'), regress.attempt('SELECT FROM pg_temp.portals');
RESET ROLE;
SELECT DISTINCT username, object_id, detail->>'rule' AS rule FROM bestauth.audit_log WHERE action = 'access.denied' AND company_code = 'portal_one' AND object_id ~ 'portal' ORDER BY 1, 2, 3;

-- The list, page by page.
SET ROLE regress_portal_operator;
SELECT code, kind, name, url, next FROM bestauth.list_portals(company => 'portal_many');
SELECT (SELECT string_agg(code, ' ') FROM bestauth.list_portals(2, company => 'portal_many')) AS first, (SELECT string_agg(code, ' ') FROM bestauth.list_portals(2, 'V2', 'portal_many')) AS second,
	(SELECT count(*) FROM bestauth.list_portals(2, 'doctors', 'portal_many')) AS third, (SELECT count(*) FROM bestauth.list_portals(company => 'portal_none')) AS none;
SELECT call, pg_temp.answer('list_portals(' || call || ')') FROM unnest(ARRAY[$$0, NULL, 'portal_many'$$, $$1001, NULL, 'portal_many'$$, $$-1, NULL, 'portal_many'$$, $$NULL, NULL, 'portal_none'$$, $$1, NULL, NULL$$]) call;

-- [I-10] No session and no database role of an application changes what links begin with.
SET ROLE regress_portal_app;
SELECT statement, regress.attempt(statement) FROM unnest(ARRAY[$$UPDATE bestauth.portal SET url = 'https://evil.example'$$, $$INSERT INTO bestauth.portal (company_id, code, kind, name) VALUES (gen_random_uuid(), 'x', 'client', 'x')$$,
	$$SELECT url FROM bestauth.portal$$, $$SET bestauth.base_url = 'https://evil.example'$$, $$SELECT set_config('bestauth.base_url', 'https://evil.example', true)$$]) statement;
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'adam'));
SELECT regress.attempt($$UPDATE bestauth.portal SET url = 'https://evil.example'$$), regress.attempt($$SET LOCAL bestauth.base_url = 'https://evil.example'$$);
COMMIT;
RESET ROLE;

-- [AUD-1] Each act has its row.
SELECT action, object_type, object_id, company_code, outcome FROM bestauth.audit_log WHERE action = 'portal.created' AND company_code LIKE 'portal\_%' ORDER BY audit_id;
SELECT company_code, action, new_values FROM bestauth.audit_log WHERE object_type = 'bestauth.portal' AND action = 'row.updated' AND new_values->>'name' = 'Other Portal';

REVOKE USAGE ON SCHEMA regress FROM regress_portal_app, regress_portal_operator, regress_portal_auditor;
SELECT bestauth.revoke_access('regress_portal_app', 'application'), bestauth.revoke_access('regress_portal_operator', 'operator'), bestauth.revoke_access('regress_portal_auditor', 'auditor');
DROP TABLE token;
DROP VIEW pg_temp.portals;
DROP ROLE regress_portal_app, regress_portal_operator, regress_portal_auditor;
