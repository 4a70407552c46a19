-- Child companies: which of them a user may enter and why, who gives and takes them, and
-- what direct SQL can't break. What happens in one of them is in company_switch.sql.
\set SHOW_CONTEXT never
CREATE ROLE regress_caccess_app;
CREATE ROLE regress_caccess_operator;
CREATE ROLE regress_caccess_auditor;
GRANT USAGE ON SCHEMA regress TO regress_caccess_app, regress_caccess_operator, regress_caccess_auditor;
DO $$
BEGIN
	PERFORM bestauth.grant_access(('regress_caccess_' || v.role)::regrole, v.access) FROM (VALUES ('app', 'application'), ('operator', 'operator'), ('auditor', 'auditor')) v (role, access);
	-- West EMS Transport with four children; another family; a service; one alone.
	PERFORM bestauth.create_company(code, name, parent) FROM (VALUES
		('caccess_west', 'West EMS Transport', NULL), ('caccess_air', 'West Air', 'caccess_west'), ('caccess_east', 'West East', 'caccess_west'), ('caccess_north', 'West North', 'caccess_west'), ('Caccess_south', 'West South', 'caccess_west'),
		('caccess_far', 'Far Group', NULL), ('caccess_farkid', 'Far Child', 'caccess_far'), ('caccess_svc', 'Billing Service', NULL), ('caccess_lone', 'Alone', NULL)) v (code, name, parent);
	PERFORM bestauth.register_billing_service('caccess_svc');
	PERFORM bestauth.create_role(name, permissions, companies, company) FROM (VALUES
		('Biller', '{claims}'::text[], '{caccess_north,CACCESS_SOUTH}'::text[], 'caccess_west'), ('Flyer', '{}', '{caccess_air}', 'caccess_west'), ('Plain', '{claims}', '{}', 'caccess_west'),
		('Biller', '{eops}', '{}', 'caccess_north'), ('Far', '{claims}', '{caccess_farkid}', 'caccess_far')) v (name, permissions, companies, company);
	PERFORM bestauth.create_user(username, user_type, initcap(username), 'Test', username || '@caccess.example', 'seven green boats of ' || username, roles => roles, permissions => permissions, company => company) FROM (VALUES
		('barney', 'standard', '{Biller}'::text[], '{}'::text[], 'caccess_west'), ('betty', 'company_administrator', '{}', '{}', 'caccess_west'), ('nora', 'standard', '{}', '{}', 'caccess_west'), ('rest', 'restricted', '{}', '{}', 'caccess_west'),
		('mona', 'standard', '{}', '{manage_users,manage_roles,manage_contacts,claims,eops,audit_report,my_account}', 'caccess_west'), ('zoe', 'company_administrator', '{Biller,Flyer}', '{}', 'caccess_west'), ('both', 'standard', '{Biller,Plain}', '{}', 'caccess_west'),
		('ned', 'company_administrator', '{}', '{}', 'caccess_north'), ('nick', 'standard', '{Biller}', '{manage_users,manage_roles}', 'caccess_north'), ('fay', 'company_administrator', '{}', '{}', 'caccess_far'),
		('finn', 'standard', '{Far}', '{}', 'caccess_far'), ('pia', 'restricted', '{}', '{}', 'caccess_svc')) v (username, user_type, roles, permissions, company);
	PERFORM bestauth.create_user('key', 'billing', NULL, 'Key', NULL, 'seven green boats of key', 'caccess_svc', '{Biller}', company => 'caccess_west');
END
$$;
CREATE TEMP TABLE token (username text PRIMARY KEY, company text, token text);
INSERT INTO token SELECT username, code, session_token FROM bestauth.user_account JOIN bestauth.company USING (company_id), LATERAL bestauth.login(code, username, 'seven green boats of ' || username) WHERE code ILIKE 'caccess%' AND user_type <> 'billing';
INSERT INTO token SELECT 'key', 'caccess_west', two.session_token FROM bestauth.login('caccess_west', 'key', 'seven green boats of key') one, token, LATERAL bestauth.login_second_part_session(one.challenge_token, token) two WHERE username = 'pia';
SELECT count(*) AS sessions, count(token) AS good FROM token;
GRANT SELECT ON token TO regress_caccess_app;
-- What a call returns, or all that its error says, but for ids and what "name" gives.
CREATE FUNCTION pg_temp.answer(call text, name text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	rule text;
	detail text;
	hint text;
BEGIN
	BEGIN
		EXECUTE format('SELECT count(*) || '' rows: '' || coalesce(string_agg(r::text, '' ''), '''') FROM bestauth.%s r', call) INTO result;
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
		result := SQLSTATE || coalesce(' [' || nullif(rule, '') || ']', '') || ' ' || SQLERRM || coalesce(' (' || nullif(detail, '') || ')', '') || coalesce(' {' || nullif(hint, '') || '}', '');
	END;
	RETURN replace(regexp_replace(result, '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', '(id)', 'g'), coalesce(name, '(name)'), '(name)');
END
$$;
CREATE FUNCTION pg_temp.as_user(username text, call text, name text DEFAULT NULL) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session((SELECT token FROM token t WHERE t.username = as_user.username));
	RETURN pg_temp.answer(call, name);
END
$$;
-- The context switcher of a user, where the session is, and what policies are told: all three
-- must say the same.
CREATE FUNCTION pg_temp.enters(username text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET client_min_messages = error AS $$
DECLARE
	listed text;
	ids uuid[];
BEGIN
	PERFORM bestauth.use_session((SELECT token FROM token t WHERE t.username = enters.username));
	SELECT string_agg(format('%s %s', replace(lower(code), 'caccess_', ''), source), ', ' ORDER BY lower(code) COLLATE "C"), array_agg(company_id ORDER BY company_id) INTO listed, ids FROM bestauth.list_accessible_companies();
	IF ids IS DISTINCT FROM bestauth.accessible_company_ids() OR NOT bestauth.current_company_id() = ANY (ids)
		OR EXISTS (SELECT FROM pg_temp.company c WHERE bestauth.can_access_company(c.company_id) IS DISTINCT FROM (c.company_id = ANY (ids)))
	THEN
		RETURN 'the three differ: ' || listed;
	END IF;
	RETURN listed;
EXCEPTION WHEN invalid_authorization_specification THEN
	RETURN 'no session';
END
$$;
CREATE TEMP VIEW company AS SELECT c.company_id, lower(c.code) AS code, lower(p.code) AS parent FROM bestauth.company c LEFT JOIN bestauth.company p ON p.company_id = c.parent_id WHERE c.code ILIKE 'caccess%';
CREATE FUNCTION pg_temp.id(code text) RETURNS uuid LANGUAGE sql SECURITY DEFINER AS $$ SELECT company_id FROM company c WHERE c.code = 'caccess_' || $1 $$;
CREATE FUNCTION pg_temp.user_id(name text) RETURNS uuid LANGUAGE sql SECURITY DEFINER AS $$ SELECT user_id FROM bestauth.user_account u JOIN company c USING (company_id) WHERE u.username = $1 AND c.code <> 'caccess_svc' ORDER BY c.code DESC LIMIT 1 $$;
CREATE FUNCTION pg_temp.role_id(role text, code text DEFAULT 'west') RETURNS uuid LANGUAGE sql SECURITY DEFINER AS $$ SELECT role_id FROM bestauth.role r WHERE r.name = $1 AND company_id = pg_temp.id(code) $$;
-- The same of a statement, with <code> for the id of a company.
CREATE FUNCTION pg_temp.said(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	rule text;
	detail text;
BEGIN
	EXECUTE replace(replace(statement, '<', 'pg_temp.id('''), '>', ''')');
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME, detail = PG_EXCEPTION_DETAIL;
	-- of a foreign key the name: what it says is PostgreSQL's, in the client's language
	RETURN SQLSTATE || coalesce(' [' || nullif(rule, '') || ']', '') || CASE WHEN SQLSTATE <> '23503' THEN ' ' || SQLERRM ELSE '' END || CASE WHEN SQLSTATE = '23514' AND detail <> '' THEN ' (' || detail || ')' ELSE '' END;
END
$$;
-- Which company is whose child.
CREATE FUNCTION pg_temp.family() RETURNS text LANGUAGE sql AS $$ SELECT string_agg(replace(parent || '>' || code, 'caccess_', ''), ' ' ORDER BY parent, code) FROM company WHERE parent IS NOT NULL $$;

-- [MCM-2] [MCM-5] [MCM-7] The story: Barney has the two children of the Biller role, Betty, the
-- company administrator, all four; one row each, with the first source that applies.
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'barney'));
SELECT code, name, source FROM bestauth.list_accessible_companies();
COMMIT;
SELECT username, pg_temp.enters(username) FROM token ORDER BY username COLLATE "C";
SELECT lower(c.code) AS code, a.source, a.precedence, r.name AS role FROM bestauth.company_access a JOIN bestauth.company c ON c.company_id = a.entered_id LEFT JOIN bestauth.role r ON r.role_id = a.role_id WHERE a.user_id = pg_temp.user_id('zoe') ORDER BY 1, 3;
-- The view is for the operator and the auditor, and tells nobody else anything.
SET ROLE regress_caccess_auditor;
SELECT count(*) > 0 AS auditor FROM bestauth.company_access;
SET ROLE regress_caccess_app;
SELECT regress.attempt('SELECT * FROM bestauth.company_access');
RESET ROLE;
-- Without a session there are none.
SET ROLE regress_caccess_app;
SELECT pg_temp.answer('list_accessible_companies()'), pg_temp.answer('switch_company(''caccess_west'')'), bestauth.accessible_company_ids(), bestauth.can_access_company(NULL);
RESET ROLE;
SELECT pg_temp.answer('list_accessible_companies()'), pg_temp.answer('switch_company(''caccess_west'')'), bestauth.can_access_company(pg_temp.id('west'));

-- [MCM-7] Page by page: all of them once, in the order of their codes.
SELECT pg_temp.as_user('betty', 'list_accessible_companies(2)');
SELECT pg_temp.as_user('betty', 'list_accessible_companies(2, ''caccess_east'')');
SELECT pg_temp.as_user('betty', 'list_accessible_companies(2, ''caccess_north'')'), pg_temp.as_user('betty', 'list_accessible_companies(2, ''caccess_west'')');
SELECT call, pg_temp.as_user('betty', format('list_accessible_companies(%s)', call)) FROM unnest(ARRAY['0', '1001', '2, E''a\nb''', '2, repeat(''a'', 64)', '2, ''%''', '2, ''d''']) call;

-- [MCM-1] One level, by whatever statement of the operator: no parent that is a child, no child
-- that is a parent, none of itself, none that is not there.
SELECT pg_temp.family() AS family \gset before_
SET ROLE regress_caccess_operator;
SELECT pg_temp.said(statement) AS result, statement FROM unnest(ARRAY[
	'UPDATE bestauth.company SET parent_id = company_id WHERE company_id = <lone>',
	'UPDATE bestauth.company SET parent_id = <north> WHERE company_id = <lone>',
	'UPDATE bestauth.company SET parent_id = <lone> WHERE company_id = <west>',
	'UPDATE bestauth.company SET parent_id = <north> WHERE company_id = <west>',
	'UPDATE bestauth.company SET parent_id = <far> WHERE company_id IN (<west>, <lone>)',
	'UPDATE bestauth.company SET parent_id = gen_random_uuid() WHERE company_id = <lone>',
	'INSERT INTO bestauth.company (code, name, parent_id) VALUES (''caccess_deep'', ''Deep'', <north>)',
	'INSERT INTO bestauth.company (company_id, code, name, parent_id) SELECT i, ''caccess_own'', ''Own'', i FROM gen_random_uuid() i',
	'WITH i (a, b) AS MATERIALIZED (SELECT gen_random_uuid(), gen_random_uuid()) INSERT INTO bestauth.company (company_id, code, name, parent_id) SELECT v.* FROM i, LATERAL (VALUES (a, ''caccess_a'', ''A'', <west>), (b, ''caccess_b'', ''B'', a)) v',
	'WITH i (a, b) AS MATERIALIZED (SELECT gen_random_uuid(), gen_random_uuid()) INSERT INTO bestauth.company (company_id, code, name, parent_id) SELECT v.* FROM i, LATERAL (VALUES (b, ''caccess_b'', ''B'', a), (a, ''caccess_a'', ''A'', <west>)) v',
	'INSERT INTO bestauth.company (company_id, code, name) VALUES (<lone>, ''x'', ''X'') ON CONFLICT (company_id) DO UPDATE SET parent_id = <north>',
	'INSERT INTO bestauth.company (company_id, code, name) VALUES (<west>, ''x'', ''X'') ON CONFLICT (company_id) DO UPDATE SET parent_id = <lone>',
	'MERGE INTO bestauth.company c USING (SELECT <lone> AS id) s ON c.company_id = s.id WHEN MATCHED THEN UPDATE SET parent_id = <air>',
	'MERGE INTO bestauth.company c USING (SELECT gen_random_uuid() AS id) s ON c.company_id = s.id WHEN NOT MATCHED THEN INSERT (code, name, parent_id) VALUES (''caccess_deep'', ''Deep'', <farkid>)',
	'DELETE FROM bestauth.company WHERE company_id = <north>']) statement;
-- Two rows at once, in whatever order.
SELECT left(pg_temp.said(statement), 45) AS result, statement FROM unnest(ARRAY[
	'UPDATE bestauth.company SET parent_id = CASE company_id WHEN <lone> THEN <svc> ELSE <west> END WHERE company_id IN (<lone>, <svc>)',
	'UPDATE bestauth.company SET parent_id = CASE company_id WHEN <svc> THEN <lone> ELSE <west> END WHERE company_id IN (<lone>, <svc>)']) statement;
SELECT pg_temp.answer('create_company(''caccess_deep'', ''Deep'', ''caccess_north'')'), pg_temp.answer('create_company(''caccess_deep'', ''Deep'', ''caccess_nowhere'')');
RESET ROLE;
SELECT pg_temp.said('MERGE INTO bestauth.company c USING (SELECT <lone> AS id) s ON c.company_id = s.id WHEN MATCHED THEN DELETE') AS by_a_superuser;
SET session_replication_role = replica;
SELECT pg_temp.said('UPDATE bestauth.company SET parent_id = <north> WHERE company_id = <lone>');
RESET session_replication_role;
SELECT pg_temp.family() = :'before_family' AS as_before, pg_temp.family();

-- [MCM-2] A role carries children of its own company, by the function and by direct SQL; nothing else.
SET ROLE regress_caccess_operator;
SELECT pg_temp.answer(call) AS result, call FROM unnest(ARRAY['create_role(''New'', ''{}'', ''{caccess_farkid}'', ''caccess_west'')', 'create_role(''New'', ''{}'', ''{caccess_west}'', ''caccess_west'')', 'create_role(''New'', ''{}'', ''{caccess_nowhere}'', ''caccess_west'')',
	'create_role(''New'', ''{}'', ''{caccess_east}'', ''caccess_north'')', 'create_role(''New'', ''{}'', ''{caccess_west}'', ''caccess_north'')', 'update_role(''Plain'', NULL, ''{caccess_air,caccess_far}'', ''caccess_west'')', 'update_role(''Plain'', NULL, ''{caccess_air,NULL}'', ''caccess_west'')']) call;
SELECT pg_temp.said(statement) AS result, statement FROM unnest(ARRAY[
	'INSERT INTO bestauth.role_company (company_id, role_id, child_id) VALUES (<west>, pg_temp.role_id(''Plain''), <farkid>)',
	'INSERT INTO bestauth.role_company (company_id, role_id, child_id) VALUES (<west>, pg_temp.role_id(''Plain''), <west>)',
	'INSERT INTO bestauth.role_company (company_id, role_id, child_id) VALUES (<far>, pg_temp.role_id(''Plain''), <farkid>)',
	'INSERT INTO bestauth.role_company (company_id, role_id, child_id) VALUES (<north>, pg_temp.role_id(''Biller'', ''north''), <east>)',
	'INSERT INTO bestauth.role_company (company_id, role_id, child_id) VALUES (<west>, pg_temp.role_id(''Biller''), <north>) ON CONFLICT (role_id, child_id) DO UPDATE SET child_id = <farkid>',
	'UPDATE bestauth.role_company SET child_id = <farkid> WHERE role_id = pg_temp.role_id(''Biller'') AND child_id = <north>',
	'UPDATE bestauth.role_company SET role_id = pg_temp.role_id(''Far'', ''far'') WHERE role_id = pg_temp.role_id(''Flyer'')',
	'MERGE INTO bestauth.role_company c USING (SELECT <air> AS id) s ON c.child_id = s.id WHEN MATCHED THEN UPDATE SET child_id = <far>',
	'MERGE INTO bestauth.role_company c USING (SELECT <lone> AS id) s ON c.child_id = s.id WHEN NOT MATCHED THEN INSERT (company_id, role_id, child_id) VALUES (<west>, pg_temp.role_id(''Plain''), s.id)']) statement;
-- What it gives it takes away again, at once in sessions that are open [MCM-8].
SELECT bestauth.assign_role('barney', 'Flyer', 'caccess_west');
SELECT pg_temp.enters('barney') AS with_flyer;
SELECT bestauth.update_role('Flyer', NULL, '{caccess_air,caccess_east}', 'caccess_west');
SELECT pg_temp.enters('barney') AS flyer_is_more;
INSERT INTO bestauth.role_company (company_id, role_id, child_id) VALUES (pg_temp.id('west'), pg_temp.role_id('Plain'), pg_temp.id('air'));
DELETE FROM bestauth.role_company WHERE role_id = pg_temp.role_id('Flyer') AND child_id = pg_temp.id('air');
SELECT pg_temp.enters('barney') AS flyer_is_less, pg_temp.enters('both') AS plain_is_more;
MERGE INTO bestauth.role_company c USING (SELECT pg_temp.role_id('Plain') AS id) s ON c.role_id = s.id WHEN MATCHED THEN UPDATE SET child_id = pg_temp.id('east');
SELECT pg_temp.enters('both') AS plain_is_another;
DELETE FROM bestauth.role_company WHERE role_id = pg_temp.role_id('Plain');
SELECT bestauth.unassign_role('barney', 'Flyer', 'caccess_west'), bestauth.update_role('Flyer', NULL, '{caccess_air}', 'caccess_west');
SELECT bestauth.unassign_role('key', 'Biller', 'caccess_west');
SELECT pg_temp.enters('barney') AS without_flyer, pg_temp.enters('both') AS plain, pg_temp.enters('key') AS key;
SELECT bestauth.assign_role('key', 'Biller', 'caccess_west');
RESET ROLE;

-- [MCM-4] Who has no role can be given any child: a standard user, a restricted one, a key.
SELECT count(bestauth.assign_company(username, code, 'Caccess_WEST')) AS given FROM unnest('{nora,rest}'::text[]) username, company WHERE parent = 'caccess_west';
SELECT bestauth.assign_company('key', 'CACCESS_air', 'caccess_west');
SELECT username, pg_temp.enters(username) FROM unnest('{nora,rest,key}'::text[]) username;
SELECT count(bestauth.unassign_company(username, code, 'caccess_west')) AS taken FROM unnest('{nora,rest}'::text[]) username, company WHERE parent = 'caccess_west';
SELECT username, pg_temp.enters(username) FROM unnest('{nora,rest}'::text[]) username;

-- [MCM-3] Given one by one, beside what roles carry. Given twice is given once, and told once.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SELECT (SELECT count(*) FROM bestauth.outbox) AS mails, revision FROM bestauth.user_account WHERE user_id = pg_temp.user_id('barney') \gset before_
SELECT bestauth.assign_company('barney', 'caccess_east', 'caccess_west'), bestauth.assign_company('BARNEY', 'caccess_EAST', 'caccess_west'), bestauth.assign_company('barney', 'caccess_south', 'caccess_west');
SELECT (SELECT count(*) FROM bestauth.outbox) - :before_mails AS mails, revision - :before_revision AS edits FROM bestauth.user_account WHERE user_id = pg_temp.user_id('barney');
SELECT action, company_code, object_type, CASE WHEN action !~ '^row' THEN object_id END AS object, outcome, detail FROM bestauth.audit_log WHERE audit_id > :mark AND object_type NOT IN ('bestauth.outbox', 'bestauth.user_account') ORDER BY audit_id;
-- Both ways: what was given directly goes, and a NOTICE says who still gives it. From a role
-- alone it can't be taken, and the error names the role, or all that carry it.
SELECT pg_temp.enters('barney');
SELECT bestauth.unassign_company('barney', 'CACCESS_south', 'caccess_west');
SELECT pg_temp.answer('unassign_company(''barney'', ''caccess_south'', ''caccess_west'')');
SELECT bestauth.update_role('Plain', NULL, '{caccess_south}', 'caccess_west');
SELECT pg_temp.answer('unassign_company(''both'', ''caccess_south'', ''caccess_west'')');
-- Taken twice, or without being had: nothing.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SELECT bestauth.unassign_company('barney', 'caccess_east', 'caccess_west'), bestauth.unassign_company('barney', 'caccess_east', 'caccess_west'), bestauth.unassign_company('nora', 'caccess_air', 'caccess_west');
SELECT action, company_code, object_type, CASE WHEN action !~ '^row' THEN object_id END AS object, outcome, detail FROM bestauth.audit_log WHERE audit_id > :mark AND object_type NOT IN ('bestauth.outbox', 'bestauth.user_account') ORDER BY audit_id;
SELECT pg_temp.enters('barney');
-- What was given directly survives the role that gave the same, and the other way round.
SELECT bestauth.assign_company('both', 'caccess_south', 'caccess_west'), bestauth.assign_company('both', 'caccess_east', 'caccess_west');
SELECT pg_temp.enters('both') AS by_all;
SELECT bestauth.unassign_role('both', 'Biller', 'caccess_west');
SELECT pg_temp.enters('both') AS by_plain;
SELECT bestauth.update_role('Plain', NULL, '{}', 'caccess_west');
SELECT pg_temp.enters('both') AS directly;
SELECT bestauth.assign_role('both', 'Biller', 'caccess_west'), bestauth.unassign_company('both', 'caccess_east', 'caccess_west');
SELECT bestauth.unassign_company('both', 'caccess_south', 'caccess_west');
SELECT pg_temp.enters('both') AS by_biller;
-- Only children of the user's own company, and of one that is not in a portal; no others by
-- direct SQL, and no row for a user of another company.
SELECT bestauth.create_portal('caccess_west', 'patients', 'client', 'Patients') IS NOT NULL AND bestauth.create_portal('caccess_west', 'docs', 'provider', 'Docs') IS NOT NULL AS made;
SELECT bestauth.register_portal_account('caccess_west', 'patients', 'clea@caccess.example', 'seven green boats of clients', 'Clea', 'Client');
SELECT bestauth.verify_email(token) FROM bestauth.claim_mail(1000) WHERE recipient = 'clea@caccess.example';
SELECT bestauth.create_office('caccess_west', '11-3437602', 'Office') AS office \gset
SELECT bestauth.create_role('Doctor', '{manage_portal_users,claims}', '{caccess_north}', 'caccess_west') IS NOT NULL AS made;
SELECT temporary_password AS password FROM bestauth.create_provider_user(bestauth.create_employee(:'office', 'doctor', 'Doc', 'Tor'), 'doc', 'Doctor', 'doc@caccess.example') \gset
SELECT bestauth.set_password(challenge_token, 'seven green boats of doctors') FROM bestauth.login('caccess_west', 'doc', :'password', 'docs');
INSERT INTO token SELECT username, 'caccess_west', session_token FROM (VALUES ('clea@caccess.example', 'patients', 'seven green boats of clients'), ('doc', 'docs', 'seven green boats of doctors')) v (username, portal, password), LATERAL bestauth.login('caccess_west', username, password, portal);
SELECT pg_temp.answer(call) AS result, call FROM unnest(ARRAY['assign_company(''nora'', ''caccess_farkid'', ''caccess_west'')', 'assign_company(''nora'', ''caccess_west'', ''caccess_west'')', 'assign_company(''nora'', ''caccess_nowhere'', ''caccess_west'')', 'assign_company(''nick'', ''caccess_east'', ''caccess_north'')',
	'assign_company(''nobody'', ''caccess_east'', ''caccess_west'')', 'assign_company(''nora'', ''caccess_east'', ''caccess_nowhere'')', 'assign_company(''nora'', ''caccess_east'')', 'assign_company(''doc'', ''caccess_east'', ''caccess_west'', ''docs'')', 'assign_company(''clea@caccess.example'', ''caccess_east'', ''caccess_west'', ''patients'')',
	'unassign_company(''nora'', ''caccess_farkid'', ''caccess_west'')', 'unassign_company(''nora'', ''caccess_nowhere'', ''caccess_west'')', 'unassign_company(''nora'', ''caccess_west'', ''caccess_west'')', 'unassign_company(''nobody'', ''caccess_east'', ''caccess_west'')']) call;
SET ROLE regress_caccess_operator;
SELECT pg_temp.said(statement) AS result, statement FROM unnest(ARRAY[
	'INSERT INTO bestauth.user_company (company_id, user_id, child_id) VALUES (<west>, pg_temp.user_id(''nora''), <farkid>)',
	'INSERT INTO bestauth.user_company (company_id, user_id, child_id) VALUES (<west>, pg_temp.user_id(''nora''), <west>)',
	'INSERT INTO bestauth.user_company (company_id, user_id, child_id) VALUES (<far>, pg_temp.user_id(''nora''), <farkid>)',
	'INSERT INTO bestauth.user_company (company_id, user_id, child_id) VALUES (<north>, pg_temp.user_id(''nick''), <east>)',
	'INSERT INTO bestauth.user_company (company_id, user_id, child_id) VALUES (<north>, pg_temp.user_id(''nick''), <west>)',
	'INSERT INTO bestauth.user_company (company_id, user_id, child_id) VALUES (<west>, pg_temp.user_id(''doc''), <north>)',
	'INSERT INTO bestauth.user_company (company_id, user_id, child_id) VALUES (<west>, pg_temp.user_id(''clea@caccess.example''), <north>)',
	'INSERT INTO bestauth.user_company (company_id, user_id, child_id) VALUES (<west>, gen_random_uuid(), <north>)',
	'INSERT INTO bestauth.user_company (company_id, user_id, child_id) VALUES (<west>, pg_temp.user_id(''key''), <air>) ON CONFLICT (user_id, child_id) DO UPDATE SET child_id = <farkid>',
	'UPDATE bestauth.user_company SET child_id = <lone> WHERE user_id = pg_temp.user_id(''key'')',
	'UPDATE bestauth.user_company SET user_id = pg_temp.user_id(''doc'') WHERE user_id = pg_temp.user_id(''key'')',
	'UPDATE bestauth.user_company SET user_id = pg_temp.user_id(''fay'') WHERE user_id = pg_temp.user_id(''key'')',
	'UPDATE bestauth.user_company SET user_id = pg_temp.user_id(''fay''), company_id = <far> WHERE user_id = pg_temp.user_id(''key'')',
	'MERGE INTO bestauth.user_company c USING (SELECT pg_temp.user_id(''key'') AS id) s ON c.user_id = s.id WHEN MATCHED THEN UPDATE SET child_id = <far>',
	'MERGE INTO bestauth.user_company c USING (SELECT pg_temp.user_id(''nora'') AS id) s ON c.user_id = s.id WHEN NOT MATCHED THEN INSERT (company_id, user_id, child_id) VALUES (<west>, s.id, <lone>)']) statement;
-- [PRT-3] Whose role carries a child, in a portal, stays where the portal is; no client has a role.
RESET ROLE;
SELECT username, pg_temp.enters(username), pg_temp.as_user(username, 'switch_company(''caccess_north'')') FROM unnest('{doc,clea@caccess.example}'::text[]) username;
SELECT pg_temp.answer('assign_role(''clea@caccess.example'', ''Doctor'', ''caccess_west'', ''patients'')');
-- What direct SQL may do counts at once as well.
SET ROLE regress_caccess_operator;
INSERT INTO bestauth.user_company (company_id, user_id, child_id) VALUES (pg_temp.id('west'), pg_temp.user_id('nora'), pg_temp.id('east')) ON CONFLICT DO NOTHING;
SELECT pg_temp.enters('nora') AS inserted;
UPDATE bestauth.user_company SET child_id = pg_temp.id('air') WHERE user_id = pg_temp.user_id('nora');
SELECT pg_temp.enters('nora') AS updated;
MERGE INTO bestauth.user_company c USING (SELECT pg_temp.user_id('nora') AS id) s ON c.user_id = s.id WHEN MATCHED THEN DELETE;
SELECT pg_temp.enters('nora') AS deleted;
RESET ROLE;

-- [MCM-5] A company administrator enters every child, also one made later, and none can be taken
-- away. Of all four sources the first counts.
SELECT bestauth.assign_company('zoe', 'caccess_north', 'caccess_west');
SELECT string_agg(a.source, ', ' ORDER BY precedence) AS north FROM bestauth.company_access a WHERE a.user_id = pg_temp.user_id('zoe') AND entered_id = pg_temp.id('north');
SELECT pg_temp.enters('zoe');
SELECT bestauth.unassign_company('zoe', 'caccess_north', 'caccess_west');
SELECT pg_temp.answer(call) FROM unnest(ARRAY['unassign_company(''zoe'', ''caccess_north'', ''caccess_west'')', 'unassign_company(''betty'', ''caccess_east'', ''caccess_west'')']) call;
SELECT pg_temp.as_user('zoe', 'unassign_company(''betty'', ''caccess_east'')'), pg_temp.as_user('betty', 'unassign_company(''betty'', ''caccess_east'')');
SELECT bestauth.create_company('caccess_young', 'West Young', 'caccess_west') IS NOT NULL AS made;
INSERT INTO bestauth.company (code, name, parent_id) VALUES ('caccess_younger', 'West Younger', pg_temp.id('west'));
UPDATE bestauth.company SET parent_id = pg_temp.id('west') WHERE code = 'caccess_lone';
SELECT pg_temp.enters('betty') AS betty, pg_temp.enters('barney') AS barney;
UPDATE bestauth.company SET parent_id = NULL WHERE code IN ('caccess_lone', 'caccess_younger', 'caccess_young');
SELECT pg_temp.enters('betty') AS betty;
-- [D-11] Another type ends the session; the next one has what the new type has.
SELECT bestauth.assign_company('zoe', 'caccess_east', 'caccess_west');
UPDATE bestauth.user_account SET user_type = 'standard' WHERE user_id = pg_temp.user_id('zoe');
UPDATE bestauth.user_account SET user_type = 'company_administrator' WHERE user_id = pg_temp.user_id('rest');
SELECT username, pg_temp.enters(username) FROM unnest('{rest,zoe}'::text[]) username;
UPDATE token SET token = l.session_token FROM unnest('{rest,zoe}'::text[]) name, LATERAL bestauth.login('caccess_west', name, 'seven green boats of ' || name) l WHERE username = name;
SELECT username, pg_temp.enters(username) FROM unnest('{rest,zoe}'::text[]) username;

-- What the form shows in which they are given and taken: why each, every role that carries it,
-- and whether it was given directly too. A session sees of it what it may enter itself.
SELECT bestauth.assign_company('zoe', 'caccess_north', 'caccess_west'), bestauth.update_role('Plain', NULL, '{caccess_north}', 'caccess_west'), bestauth.assign_role('zoe', 'Plain', 'caccess_west');
CREATE FUNCTION pg_temp.form(call text) RETURNS TABLE (code text, source text, roles text[], assigned boolean) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT lower(code), source, roles, assigned FROM bestauth.list_user_companies(%s)', call);
END
$$;
SET ROLE regress_caccess_operator;
SELECT username, f.* FROM unnest('{key,nora,rest,zoe}'::text[]) username, LATERAL pg_temp.form(format('%L, company => ''caccess_west''', username)) f;
SELECT pg_temp.answer('list_user_companies(''zoe'', 2, company => ''caccess_west'')');
SELECT pg_temp.answer('list_user_companies(''zoe'', 2, ''caccess_north'', ''caccess_west'')');
SELECT call, pg_temp.answer(format('list_user_companies(%s)', call)) FROM unnest(ARRAY['''zoe''', '''nobody'', company => ''caccess_west''', '''zoe'', 0, company => ''caccess_west''', 'NULL, company => ''caccess_west''', '''doc'', company => ''caccess_west''', '''doc'', company => ''caccess_west'', portal => ''docs''']) call;
RESET ROLE;
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'rest'));
SELECT * FROM pg_temp.form('''zoe''');
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'mona'));
SELECT * FROM pg_temp.form('''zoe''');
SELECT pg_temp.answer('list_user_companies(''fay'')'), pg_temp.answer('list_user_companies(''fay'', company => ''caccess_far'')');
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'barney'));
SELECT pg_temp.answer('list_user_companies(''barney'')');
COMMIT;
SELECT bestauth.unassign_role('zoe', 'Plain', 'caccess_west'), bestauth.update_role('Plain', NULL, '{}', 'caccess_west');

-- [MCM-8] A lock and a deletion end the sessions, and undone they bring none back; what the
-- user had is there at the next login.
CREATE FUNCTION pg_temp.log_in(name text) RETURNS text LANGUAGE sql AS $$
	WITH l AS MATERIALIZED (SELECT outcome, session_token FROM token, LATERAL bestauth.login(company, username, 'seven green boats of ' || username) WHERE username = name),
		u AS (UPDATE token SET token = session_token FROM l WHERE username = name AND session_token IS NOT NULL) SELECT outcome FROM l
$$;
SELECT bestauth.assign_company('nora', 'caccess_east', 'caccess_west'), bestauth.lock_user('nora', 'caccess_west');
SELECT pg_temp.enters('nora') AS locked, pg_temp.log_in('nora');
SELECT bestauth.unlock_user('nora', 'caccess_west');
SELECT pg_temp.enters('nora') AS unlocked, pg_temp.log_in('nora');
SELECT pg_temp.enters('nora') AS logged_in;
SELECT bestauth.delete_user('zoe', 'caccess_west');
SELECT pg_temp.enters('zoe') AS deleted, pg_temp.answer('assign_company(''zoe'', ''caccess_air'', ''caccess_west'')'), pg_temp.answer('unassign_company(''zoe'', ''caccess_east'', ''caccess_west'')');

-- [H-02] What the parent gives reaches its children; nothing goes the other way, nor to a
-- sibling. The parent's permissions count in the child, the child's roles of the same name not.
SELECT username, pg_temp.enters(username) FROM unnest('{ned,nick}'::text[]) username;
SELECT username, code, pg_temp.as_user(username, format('switch_company(%L)', 'caccess_' || code)) FROM (VALUES ('nick', 'west'), ('nick', 'east'), ('ned', 'west'), ('ned', 'east'), ('barney', 'east'), ('barney', 'far'), ('betty', 'farkid'), ('fay', 'west')) v (username, code);
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'barney'));
SELECT bestauth.switch_company('caccess_north');
SELECT bestauth.has_permission('claims') AS claims, bestauth.has_permission('eops') AS eops;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'nick'));
SELECT bestauth.has_permission('claims') AS claims, bestauth.has_permission('eops') AS eops;
ROLLBACK;
SELECT username, pg_temp.as_user(username, call), call FROM (VALUES ('nick'), ('ned')) u (username), unnest(ARRAY['assign_company(''nick'', ''caccess_east'')', 'assign_company(''nick'', ''caccess_west'')', 'assign_company(''nick'', ''caccess_north'')', 'create_role(''Up'', ''{}'', ''{caccess_west}'')', 'create_role(''Side'', ''{}'', ''{caccess_east}'')',
	'create_role(''Own'', ''{}'', ''{caccess_north}'')', 'update_role(''Biller'', NULL, ''{caccess_south}'')', 'assign_role(''nick'', ''Flyer'')', 'assign_role(''barney'', ''Biller'')']) call;

-- [H-01] [H-08] To a session a company of another family, a child that it may not enter, and one
-- that is not there are the same: in the answer, but for the name, and in the audit. What is
-- generated over all functions is in oracle.sql.
CREATE TEMP TABLE told AS SELECT username, statement, code, NULL::text AS answer, NULL::text AS written FROM (VALUES ('betty'), ('mona'), ('nick')) u (username), unnest('{caccess_farkid,caccess_farkit,caccess_far,caccess_fax,caccess_svc,caccess_svx,caccess_air,caccess_aix}'::text[]) code,
	unnest(ARRAY['assign_company(''%s'', ''%s'')', 'unassign_company(''%s'', ''%s'')', 'switch_company(''%2$s'')', 'create_role(''Told'', ''{}'', ''{%2$s}'')', 'update_role(''Biller'', NULL, ''{%2$s}'')', 'list_roles(company => ''%2$s'')', 'user_details(''%s'', ''%s'')']) statement
	WHERE NOT (username = 'betty' AND code LIKE '%_ai_' OR username = 'mona' AND statement LIKE 'update%');
-- Each in a transaction of its own, so that the rows that outlive it are seen.
CREATE PROCEDURE pg_temp.tell() LANGUAGE plpgsql AS $$
DECLARE
	t record;
	before bigint;
	told_now text;
BEGIN
	FOR t IN SELECT * FROM told ORDER BY username, statement, code LOOP
		before := (SELECT max(audit_id) FROM bestauth.audit_log);
		told_now := pg_temp.as_user(t.username, format(t.statement, CASE t.username WHEN 'nick' THEN 'nick' ELSE 'nora' END, t.code), t.code);
		COMMIT;
		UPDATE told SET answer = told_now, written = (SELECT string_agg(concat_ws(' ', action, outcome, company_code, a.username, object_type, object_id, replace(detail::text, t.code, '(name)')), ' // ' ORDER BY audit_id) FROM bestauth.audit_log a WHERE audit_id > before)
		WHERE username = t.username AND statement = t.statement AND code = t.code;
		COMMIT;
	END LOOP;
END
$$;
CALL pg_temp.tell();
SELECT statement, username, count(*) AS companies, count(DISTINCT answer) AS answers, count(DISTINCT written) AS rows, min(left(answer, 70)) AS answer FROM told GROUP BY 1, 2 ORDER BY 1, 2;
SELECT DISTINCT written FROM told WHERE username = 'mona' ORDER BY 1;
-- The operator is told which.
SELECT pg_temp.answer(format('assign_company(''nora'', %L, ''caccess_west'')', code)) FROM unnest('{caccess_farkid,caccess_farkit}'::text[]) code;

-- [G-08] Nobody gives a company that they can't enter, by any path: mona, who manages users and
-- roles, and holds every permission that is in these roles, can enter none; then one.
SELECT bestauth.create_user('gone', 'standard', 'Gone', 'Test', 'gone@caccess.example', roles => '{Flyer}', company => 'caccess_west') IS NOT NULL AND bestauth.create_user('newbie', 'standard', 'New', 'Test', 'new@caccess.example', company => 'caccess_west') IS NOT NULL AS made, bestauth.assign_company('newbie', 'caccess_air', 'caccess_west'), bestauth.delete_user('gone', 'caccess_west');
SELECT bestauth.create_user('carrier', 'billing', NULL, 'Key', NULL, 'seven green boats of carrier', 'caccess_svc', '{Flyer}', company => 'caccess_west') IS NOT NULL AS made;
SET bestauth.lockout_threshold = 1;
SELECT outcome FROM bestauth.login('caccess_west', 'carrier', 'a wrong password of carrier');
RESET bestauth.lockout_threshold;
CREATE TEMP TABLE gift AS SELECT * FROM unnest(ARRAY['assign_company(''nora'', ''caccess_air'')', 'create_role(''Gift'', ''{}'', ''{caccess_air}'')', 'update_role(''Plain'', NULL, ''{caccess_air}'')', 'update_role(''Flyer'', ''{claims}'', NULL)', 'update_role(''Flyer'', NULL, ''{}'')', 'delete_role(''Flyer'')', 'assign_role(''nora'', ''Flyer'')',
	'create_user(''gift'', ''standard'', ''G'', ''G'', ''g@caccess.example'', roles => ''{Flyer}'')', 'update_user(''nora'', ''{"roles": ["Flyer"]}'')', 'update_user(''newbie'', ''{"email": "mona@caccess.example"}'')', 'restore_user(''gone'')', 'reset_password(''newbie'')', 'limit_billing_user(''carrier'', NULL)', 'unlock_user(''carrier'')']) WITH ORDINALITY g (call, n);
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
BEGIN;
SELECT pg_temp.as_user('mona', call) AS not_hers, call FROM gift ORDER BY n;
ROLLBACK;
SELECT object_id AS function, detail FROM bestauth.audit_log WHERE audit_id > :mark AND action = 'access.denied' AND username = 'mona' AND company_code = 'caccess_west' ORDER BY audit_id;
SELECT bestauth.assign_company('mona', 'caccess_air', 'caccess_west');
BEGIN;
SELECT regexp_replace(pg_temp.as_user('mona', call), '[a-z0-9]{5}(-[a-z0-9]{5}){3}', '(password)') AS hers, call FROM gift ORDER BY call = 'delete_role(''Flyer'')', n;
ROLLBACK;
-- A new address that she entered counts while she may enter as much.
SELECT pg_temp.as_user('mona', 'update_user(''newbie'', ''{"email": "newer@caccess.example"}'')');
SELECT token AS link FROM bestauth.claim_mail(1000) WHERE recipient = 'newer@caccess.example' \gset
BEGIN;
SELECT bestauth.confirm_email_change(:'link') AS still_hers;
ROLLBACK;
SELECT bestauth.unassign_company('mona', 'caccess_air', 'caccess_west');
SELECT bestauth.confirm_email_change(:'link') AS not_hers;
-- In an office nobody can enter any, so nobody there gives a role that carries one, by none of
-- the ways in which somebody comes into an office.
SELECT bestauth.create_employee(:'office', 'desk', 'Des', 'Ker') AS employee, bestauth.create_role('Desk', '{claims}', '{}', 'caccess_west') AS desk \gset
SELECT count(bestauth.create_provider_user(bestauth.create_employee(:'office', 'desk', 'Ka', 'Ren'), 'karen', 'Desk', 'karen@caccess.example')) AS made;
SELECT registration_id AS request FROM bestauth.submit_registration('caccess_west', '113437602', '24', 'tin', NULL, NULL, 'rolf', 'seven green boats of rolf', 'Rolf', 'Request', 'rolf@caccess.example') \gset
SELECT replace(call, ' role', '') AS call, pg_temp.as_user('doc', replace(replace(replace(replace(call, '<office>', :'office'), '<employee>', :'employee'), '<request>', :'request'), ' role', ' ''Doctor''')) AS answer
FROM unnest(ARRAY['send_registration_links(''{ivy@caccess.example}'', role, ''<office>'')', 'send_registration_links_csv(''ivy@caccess.example'', role, ''<office>'')', 'create_provider_user(''<employee>'', ''des'', role, ''des@caccess.example'')', 'approve_registration(''<request>'', role)', 'assign_role(''karen'', role)', 'update_user(''karen'', ''{"roles": ["Doctor"]}'')', 'update_user(''doc'', ''{"roles": ["Doctor", "Desk"]}'')']) call;
-- One who was invited while the role carried none.
SELECT split_part(pg_temp.as_user('doc', format('send_registration_links(''{ivy@caccess.example}'', ''Desk'', %L)', :'office')), ':', 1) AS invited;
SELECT token AS invite FROM bestauth.claim_mail(1000) WHERE recipient = 'ivy@caccess.example' \gset
SELECT bestauth.update_role('Desk', NULL, '{caccess_north}', 'caccess_west');
SELECT outcome, user_id FROM bestauth.accept_registration(:'invite', 'ivy', 'seven green boats of ivy', 'Ivy', 'Invited');

-- [H-04] A child that gets another parent, or none, leaves the roles and the users of the old one
-- for good, and its sessions at their next use: they go on in their own company, which a WARNING
-- says. The new parent's administrators have it at once.
CREATE FUNCTION pg_temp.is_in(name text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session((SELECT token FROM token t WHERE t.username = name));
	RETURN (SELECT lower(code) FROM bestauth.company c WHERE c.company_id = bestauth.current_company_id());
END
$$;
-- Who lost the company is set back by the writer, soon.
CREATE PROCEDURE pg_temp.wait_for(names text[], INOUT set_back boolean DEFAULT false) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 3000 LOOP
		COMMIT;
		set_back := NOT EXISTS (SELECT FROM bestauth.session_company JOIN bestauth.session s USING (session_id) JOIN bestauth.user_account u USING (user_id) JOIN company c ON c.company_id = u.company_id WHERE u.username = ANY (names) AND s.ended_at IS NULL);
		EXIT WHEN set_back;
		PERFORM pg_sleep(0.02);
	END LOOP;
END
$$;
SELECT bestauth.assign_company('nora', 'caccess_south', 'caccess_west'), bestauth.assign_company('rest', 'caccess_south', 'caccess_west');
SELECT username, pg_temp.as_user(username, 'switch_company(''caccess_SOUTH'')'), pg_temp.is_in(username) FROM unnest('{barney,betty,nora}'::text[]) username;
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SET ROLE regress_caccess_operator;
UPDATE bestauth.company SET parent_id = pg_temp.id('far') WHERE company_id = pg_temp.id('south');
RESET ROLE;
SELECT action, company_code, object_type, count(*) FROM bestauth.audit_log WHERE audit_id > :mark GROUP BY 1, 2, 3 ORDER BY 3, 1;
SELECT count(*) AS left_over FROM (SELECT FROM bestauth.role_company WHERE child_id = pg_temp.id('south') UNION ALL SELECT FROM bestauth.user_company WHERE child_id = pg_temp.id('south')) r;
SET ROLE regress_caccess_app;
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'barney'));
SELECT bestauth.can_access_company(pg_temp.id('south')) AS in_south, bestauth.current_company_id() = pg_temp.id('west') AS in_west;
SELECT pg_temp.answer('switch_company(''caccess_south'')');
COMMIT;
RESET ROLE;
SELECT username, pg_temp.is_in(username), pg_temp.enters(username) FROM unnest('{barney,betty,nora,fay,finn}'::text[]) username;
CALL pg_temp.wait_for('{barney,betty,nora}');
SELECT action, company_code, username, person, session_id IS NOT NULL AS session, object_type, object_id, outcome FROM bestauth.audit_log WHERE audit_id > :mark AND action = 'company.lost' ORDER BY username;
-- Back again: nothing of what roles and users had; and whom a role gives it again stays where
-- they are until they switch.
UPDATE bestauth.company SET parent_id = pg_temp.id('west') WHERE company_id = pg_temp.id('south');
SELECT bestauth.update_role('Biller', NULL, '{caccess_north,caccess_south}', 'caccess_west');
SELECT username, pg_temp.is_in(username), pg_temp.enters(username) FROM unnest('{barney,betty,nora,rest,fay}'::text[]) username;
-- Without a parent, and to the same parent as before.
UPDATE bestauth.company SET parent_id = parent_id, name = 'West South again' WHERE company_id = pg_temp.id('south');
SELECT pg_temp.enters('barney') AS same_parent;
UPDATE bestauth.company SET parent_id = NULL WHERE company_id = pg_temp.id('south');
SELECT pg_temp.enters('barney') AS barney, pg_temp.enters('betty') AS betty, pg_temp.family();

REVOKE USAGE ON SCHEMA regress FROM regress_caccess_app, regress_caccess_operator, regress_caccess_auditor;
DO $$ BEGIN PERFORM bestauth.revoke_access(role_name::regrole, access) FROM bestauth.access_grant WHERE role_name LIKE 'regress\_caccess\_%'; END $$;
DROP OWNED BY regress_caccess_app, regress_caccess_operator, regress_caccess_auditor;
DROP ROLE regress_caccess_app, regress_caccess_operator, regress_caccess_auditor;
