-- Offices of providers, the providers of an office, and the roles of provider portals.
\set SHOW_CONTEXT never
SELECT count(bestauth.create_company(code, name)) FROM (VALUES ('office_clinic', 'Clinic'), ('office_two', 'Two Portals'), ('office_none', 'No Portal'), ('office_far', 'Far Clinic'), ('office_direct', 'Direct')) v (code, name);
CREATE ROLE regress_office_app;
CREATE ROLE regress_office_operator;
CREATE ROLE regress_office_auditor;
SELECT bestauth.grant_access('regress_office_app', 'application'), bestauth.grant_access('regress_office_operator', 'operator'), bestauth.grant_access('regress_office_auditor', 'auditor');
GRANT USAGE ON SCHEMA regress TO regress_office_app, regress_office_operator, regress_office_auditor;
-- Ids have names here: <Name> in a call stands for one.
CREATE TEMP TABLE id (name text PRIMARY KEY, id uuid);
INSERT INTO id VALUES ('missing', '00000000-0000-7000-8000-000000000001');
CREATE TEMP TABLE token (username text PRIMARY KEY, token text);
GRANT SELECT ON id, token TO regress_office_app, regress_office_operator, bestauth_owner;
CREATE FUNCTION pg_temp.with_ids(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	i record;
BEGIN
	FOR i IN SELECT * FROM id LOOP
		statement := replace(statement, '<' || i.name || '>', quote_literal(i.id));
	END LOOP;
	RETURN statement;
END
$$;
CREATE FUNCTION pg_temp.with_names(value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	i record;
BEGIN
	FOR i IN SELECT * FROM id LOOP
		value := replace(value, i.id::text, '<' || i.name || '>');
	END LOOP;
	RETURN regexp_replace(value, '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', '(id)');
END
$$;
-- What a call returns, or its error; what a statement comes to.
CREATE FUNCTION pg_temp.answer(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	rule text;
BEGIN
	EXECUTE format('SELECT string_agg(r::text, '' '') FROM bestauth.%s r', pg_temp.with_ids(call)) INTO result;
	RETURN pg_temp.with_names(result);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME;
	RETURN pg_temp.with_names(SQLSTATE || coalesce(' [' || nullif(rule, '') || ']', '') || ' ' || SQLERRM);
END
$$;
CREATE FUNCTION pg_temp.attempt(statement text) RETURNS text LANGUAGE sql AS $$ SELECT pg_temp.with_names(regress.attempt(pg_temp.with_ids($1))) $$;
CREATE FUNCTION pg_temp.as_user(username text, call text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session((SELECT token FROM token t WHERE t.username = as_user.username));
	RETURN pg_temp.answer(call);
END
$$;
CREATE VIEW pg_temp.roles AS SELECT c.code AS company, r.name, (SELECT array_agg(p.permission::text ORDER BY p.permission) FROM bestauth.role_permission p WHERE p.role_id = r.role_id) AS permissions
FROM bestauth.role r JOIN bestauth.company c USING (company_id) WHERE c.code LIKE 'office\_%';

--
-- [PRV-4] A provider portal has four roles, by these names with these permissions; a client
-- portal has none.
--
SELECT bestauth.create_portal('office_clinic', 'patients', 'client', 'Portal for Patients') IS NOT NULL AS made;
SELECT count(*) AS none_yet FROM pg_temp.roles;
SELECT bestauth.create_portal('office_clinic', 'docs', 'provider', 'Portal for Doctors') IS NOT NULL AS made;
SELECT * FROM pg_temp.roles ORDER BY name COLLATE "C";
-- Made by the operator's own SQL as well, and by an application's that knows no function.
SET ROLE regress_office_operator;
INSERT INTO bestauth.portal (company_id, code, kind, name) SELECT company_id, 'docs', 'provider', 'Docs' FROM bestauth.company WHERE code IN ('office_direct', 'office_far') ORDER BY code;
RESET ROLE;
SELECT company, count(*), bool_and(EXISTS (SELECT FROM pg_temp.roles o WHERE o.company = 'office_clinic' AND (o.name, o.permissions) IS NOT DISTINCT FROM (r.name, r.permissions))) AS the_same FROM pg_temp.roles r WHERE company IN ('office_direct', 'office_far') GROUP BY 1 ORDER BY 1;
-- A second portal has the same ones; what a company made of one of them stays, and so does
-- its own role of that name, whatever its case.
SELECT bestauth.create_role('provider - CLERICAL user', '{eligibility}', company => 'office_two') IS NOT NULL AS made;
SELECT count(bestauth.create_portal('office_two', code, 'provider', code)) FROM unnest('{one,two}'::text[]) code;
SELECT * FROM pg_temp.roles WHERE company = 'office_two' ORDER BY name COLLATE "C";
SELECT bestauth.update_role('Provider - Portal User', '{claims}', '{}', 'office_two');
SELECT bestauth.create_portal('office_two', 'three', 'provider', 'three') IS NOT NULL AS made;
SELECT * FROM pg_temp.roles WHERE company = 'office_two' ORDER BY name COLLATE "C";
-- A portal that is not made leaves none behind.
SELECT pg_temp.answer($$create_portal('office_none', 'docs', 'provider', 'Docs', 'no address')$$), (SELECT count(*) FROM pg_temp.roles WHERE company = 'office_none') AS roles;

--
-- [PRV-1] Offices: an identifier, of some kind, in a provider portal.
--
INSERT INTO id SELECT name, bestauth.create_office(company, identifier, name, qualifier, provider_number, account_type, portal) FROM (VALUES
	('Main', 'office_clinic', '11-3437602', '24', 'T113437602', 'Non-Hospital Affiliated Clinic', NULL), ('Side', 'office_clinic', 'AB.12/3 x_Y', '24', NULL, NULL, 'DOCS'), ('Number', 'office_clinic', '113437602', '34', NULL, NULL, NULL),
	('Two one', 'office_two', '11-3437602', '24', NULL, NULL, 'one'), ('Two two', 'office_two', '11-3437602', '24', NULL, NULL, 'two'), ('Far', 'office_far', '11-3437602', '24', NULL, NULL, 'docs')) v (name, company, identifier, qualifier, provider_number, account_type, portal);
INSERT INTO id SELECT 'Short', bestauth.create_office('office_clinic', '9', ' Short ');
SELECT c.code AS company, p.code AS portal, o.name, o.identifier, o.identifier_qualifier, o.provider_number, o.account_type, o.created_at < clock_timestamp() AS created FROM bestauth.office o JOIN bestauth.company c USING (company_id) JOIN bestauth.portal p USING (portal_id) JOIN id ON id = o.office_id ORDER BY 1, 2, 3;
-- The same identifier, however it is typed, is there once in a portal.
SELECT i, q, pg_temp.answer(format('create_office(''office_clinic'', %L, ''Again'', %L)', i, q)) FROM (VALUES ('11-3437602', '24'), ('113437602', '24'), ('1 1 3.4_3/7-602', '24'), ('113437602', '34'), ('ab123XY', '24'), ('AB-12-3-XY', '24')) v (i, q);
SELECT pg_temp.answer(call) FROM unnest(ARRAY[
	$$create_office('office_two', '1', 'Which')$$, $$create_office('office_none', '1', 'None')$$, $$create_office('office_clinic', '1', 'Patients', portal => 'patients')$$, $$create_office('office_clinic', '1', 'None', portal => 'none')$$, $$create_office('office_nowhere', '1', 'None')$$,
	$$create_office('office_clinic', '', 'Name')$$, $$create_office('office_clinic', ' ', 'Name')$$, $$create_office('office_clinic', '---', 'Name')$$, $$create_office('office_clinic', 'Ä1', 'Name')$$, $$create_office('office_clinic', '1;2', 'Name')$$, $$create_office('office_clinic', '1''2', 'Name')$$, $$create_office('office_clinic', E'1\t2', 'Name')$$,
	$$create_office('office_clinic', repeat('1', 51), 'Name')$$, $$create_office('office_clinic', NULL, 'Name')$$, $$create_office(NULL, '1', 'Name')$$, $$create_office('office_clinic', '1', NULL)$$, $$create_office('office_clinic', '1', '  ')$$, $$create_office('office_clinic', '1', repeat('n', 101))$$, $$create_office('office_clinic', '1', E'a\nb')$$,
	$$create_office('office_clinic', '1', 'Name', '%')$$, $$create_office('office_clinic', '1', 'Name', provider_number => repeat('n', 101))$$, $$create_office('office_clinic', '1', 'Name', account_type => E'\x07')$$]) call;
SELECT count(*) FROM bestauth.office o JOIN bestauth.company c USING (company_id) WHERE c.code = 'office_clinic';
-- 50 characters will do, and NULL is as nothing.
SELECT pg_temp.answer(call) FROM unnest(ARRAY[$$create_office('office_direct', repeat('1', 50), 'Long')$$, $$create_office('office_direct', '2', 'Nulls', NULL, NULL, NULL, NULL)$$]) call;
SELECT length(identifier), identifier_qualifier, provider_number IS NULL AND account_type IS NULL AS nulls FROM bestauth.office o JOIN bestauth.company c USING (company_id) WHERE c.code = 'office_direct' ORDER BY 1;
-- In the audit.
SELECT action, object_type, object_id, company_code, outcome FROM bestauth.audit_log WHERE action LIKE 'office.%' AND company_code IN ('office_clinic', 'office_far') ORDER BY audit_id;

--
-- [PRV-1] [PRV-6] Providers of an office: an NPI of ten digits. What no provider has, with a
-- wrong check digit, is told.
--
INSERT INTO id SELECT last_name, bestauth.create_provider((SELECT id FROM id WHERE name = office), npi, 'Pro', last_name, birth_date::date) FROM (VALUES ('One', 'Main', '1234567893', '1970-02-03'), ('Two', 'Main', '1245319599', NULL), ('Elsewhere', 'Side', '1234567893', '1970-02-03'), ('Away', 'Far', '1679576722', '1970-02-03')) v (last_name, office, npi, birth_date);
SELECT bestauth.create_provider((SELECT id FROM id WHERE name = 'Side'), '1234567890', 'Wrong', 'Digit', '1970-02-03') IS NOT NULL AS made;
INSERT INTO id SELECT 'Digit', provider_id FROM bestauth.provider WHERE last_name = 'Digit';
UPDATE bestauth.provider SET first_name = 'Still' WHERE provider_id = (SELECT id FROM id WHERE name = 'Digit');
UPDATE bestauth.provider SET npi = '1234567891' WHERE provider_id = (SELECT id FROM id WHERE name = 'Digit');
UPDATE bestauth.provider SET npi = '1679576722' WHERE provider_id = (SELECT id FROM id WHERE name = 'Digit');
-- Of ten numbers one has the right digit: nine warnings.
SELECT count(bestauth.create_provider((SELECT id FROM id WHERE name = 'Short'), '198765432' || n, 'Pro', 'Digit ' || n, NULL)) FROM generate_series(0, 9) n;
SELECT pg_temp.answer(call) FROM unnest(ARRAY[
	$$create_provider(<Main>, '1234567893', 'Again', 'One', NULL)$$, $$create_provider(<Main>, '123456789', 'A', 'B', NULL)$$, $$create_provider(<Main>, '12345678931', 'A', 'B', NULL)$$, $$create_provider(<Main>, '12345 6789', 'A', 'B', NULL)$$, $$create_provider(<Main>, '123456789X', 'A', 'B', NULL)$$, $$create_provider(<Main>, '１234567893', 'A', 'B', NULL)$$,
	$$create_provider(<Main>, '', 'A', 'B', NULL)$$, $$create_provider(<Main>, NULL, 'A', 'B', NULL)$$, $$create_provider(<Main>, '1679576722', NULL, 'B', NULL)$$, $$create_provider(<Main>, '1679576722', 'A', ' ', NULL)$$, $$create_provider(<Main>, '1679576722', repeat('a', 101), 'B', NULL)$$, $$create_provider(NULL, '1679576722', 'A', 'B', NULL)$$, $$create_provider(<missing>, '1679576722', 'A', 'B', NULL)$$, $$create_provider(<One>, '1679576722', 'A', 'B', NULL)$$,
	$$create_provider(<Main>, '1679576722', 'A', 'B', (now() AT TIME ZONE 'UTC')::date + 1)$$, $$create_provider(<Main>, '1679576722', 'A', 'B', '1850-01-01')$$, $$create_provider(<Main>, '1679576722', 'A', 'B', 'infinity')$$, $$create_provider(<Main>, '1679576722', 'A', 'B', '-infinity')$$, $$create_provider(<Main>, '1679576722', 'A', 'B', '0044-03-15 BC')$$]) call;
SELECT o.name AS office, p.npi, p.first_name, p.last_name, p.birth_date IS NOT NULL AS has_birth_date FROM bestauth.provider p JOIN id o ON o.id = p.office_id ORDER BY 1, 2;
-- [PRV-7] The date of birth is an answer to a question: it is in no row of the audit, changed
-- or not, and no function shows it. Nor does the auditor see the table.
UPDATE bestauth.provider SET birth_date = '1971-03-04' WHERE provider_id = (SELECT id FROM id WHERE name = 'One');
UPDATE bestauth.provider SET birth_date = NULL WHERE provider_id = (SELECT id FROM id WHERE name = 'Elsewhere');
SELECT pg_temp.attempt($$UPDATE bestauth.provider SET birth_date = '1802-03-04' WHERE provider_id = <One>$$);
SELECT action, old_values - 'provider_id' AS old, new_values - '{provider_id,company_id,office_id,created_at}'::text[] AS new FROM bestauth.audit_log WHERE object_type = 'bestauth.provider' AND object_id IN (SELECT id::text FROM id WHERE name IN ('One', 'Elsewhere')) ORDER BY audit_id;
SELECT action, object_type, object_id, company_code FROM bestauth.audit_log WHERE action LIKE 'provider.%' AND company_code IN ('office_clinic', 'office_far') ORDER BY audit_id;
SELECT count(*) AS shown FROM bestauth.audit_log a WHERE a::text ~ '1970-02-03|1971-03-04|1802-03-04|1850-01-01|0044-03-15';
SELECT p.oid::regprocedure AS shows FROM pg_proc p, unnest(p.proargnames, p.proargmodes) a (name, mode) WHERE p.pronamespace = 'bestauth'::regnamespace AND a.name ~ 'birth' AND a.name <> 'birth_date_result' AND a.mode IN ('o', 't');
SELECT count(*) AS in_views FROM information_schema.columns WHERE table_schema = 'bestauth' AND column_name ~ 'birth' AND column_name <> 'birth_date_result' AND table_name <> 'provider' AND table_name IN (SELECT table_name FROM information_schema.views WHERE table_schema = 'bestauth');
SET ROLE regress_office_auditor;
SELECT regress.attempt('SELECT birth_date FROM bestauth.provider');
RESET ROLE;

--
-- [PRV-1] [PRV-12] Rules lie under the tables: the operator's own SQL does not get past them.
--
SET ROLE regress_office_operator;
SELECT s, pg_temp.attempt(format('INSERT INTO bestauth.office (company_id, portal_id, identifier, identifier_qualifier, name) SELECT c.company_id, p.portal_id, %s FROM bestauth.company c, bestauth.portal p JOIN bestauth.company pc USING (company_id) WHERE c.code = %L AND pc.code = %L AND p.code = %L', v, c, pc, p))
FROM (VALUES ('client portal', '''1'', ''24'', ''Name''', 'office_clinic', 'office_clinic', 'patients'), ('portal of another company', '''1'', ''24'', ''Name''', 'office_clinic', 'office_far', 'docs'), ('typed in another way', '''1134-37602'', ''24'', ''Name''', 'office_clinic', 'office_clinic', 'docs'),
	('no letter or digit', '''-/-'', ''24'', ''Name''', 'office_clinic', 'office_clinic', 'docs'), ('no qualifier', '''1'', NULL, ''Name''', 'office_clinic', 'office_clinic', 'docs'), ('no name', '''1'', ''24'', NULL', 'office_clinic', 'office_clinic', 'docs'), ('empty name', '''1'', ''24'', ''''', 'office_clinic', 'office_clinic', 'docs'),
	('space before', '''1'', ''24'', '' Name''', 'office_clinic', 'office_clinic', 'docs'), ('control character', '''1'', ''24'', E''Na\u202Eme''', 'office_clinic', 'office_clinic', 'docs')) v (s, v, c, pc, p);
SELECT s, pg_temp.attempt(s) FROM unnest(ARRAY[
	$$UPDATE bestauth.office SET company_id = (SELECT company_id FROM bestauth.company WHERE code = 'office_far') WHERE office_id = <Main>$$, $$UPDATE bestauth.office SET portal_id = (SELECT portal_id FROM bestauth.portal WHERE code = 'patients' AND company_id = office.company_id) WHERE office_id = <Main>$$, $$UPDATE bestauth.office SET office_id = <missing> WHERE office_id = <Main>$$,
	$$UPDATE bestauth.office SET identifier = 'ab123xy' WHERE office_id = <Main>$$, $$UPDATE bestauth.office SET identifier = '?' WHERE office_id = <Main>$$, $$UPDATE bestauth.office SET name = 'Main Street', identifier = '113-437-602' WHERE office_id = <Main>$$, $$DELETE FROM bestauth.office WHERE office_id = <Short>$$,
	$$INSERT INTO bestauth.provider (company_id, office_id, npi, first_name, last_name) SELECT company_id, <missing>, '1679576722', 'No', 'Office' FROM bestauth.company WHERE code = 'office_clinic'$$,
	$$INSERT INTO bestauth.provider (company_id, office_id, npi, first_name, last_name) SELECT company_id, office_id, '167957672', 'Bad', 'NPI' FROM bestauth.office WHERE office_id = <Main>$$, $$INSERT INTO bestauth.provider (company_id, office_id, npi, first_name, last_name) SELECT company_id, office_id, '1234567893', 'Same', 'NPI' FROM bestauth.office WHERE office_id = <Main>$$,
	$$INSERT INTO bestauth.provider (company_id, office_id, npi, first_name, last_name, birth_date) SELECT company_id, office_id, '1679576722', 'Not', 'Born', now()::date + 2 FROM bestauth.office WHERE office_id = <Main>$$,
	$$UPDATE bestauth.provider SET office_id = <Side> WHERE provider_id = <Two>$$, $$UPDATE bestauth.provider SET company_id = (SELECT company_id FROM bestauth.company WHERE code = 'office_far') WHERE provider_id = <Two>$$, $$UPDATE bestauth.provider SET provider_id = <missing> WHERE provider_id = <Two>$$, $$UPDATE bestauth.provider SET npi = 'x' WHERE provider_id = <Two>$$]) s;
SELECT left(pg_temp.attempt($$INSERT INTO bestauth.provider (company_id, office_id, npi, first_name, last_name) SELECT company_id, <Main>, '1679576722', 'Other', 'Company' FROM bestauth.company WHERE code = 'office_far'$$), 2) AS office_of_another_company;
RESET ROLE;
-- Nor a superuser.
SET client_min_messages = warning;
SELECT s, pg_temp.attempt(s) FROM unnest(ARRAY['DELETE FROM bestauth.office WHERE office_id = <Short>', 'TRUNCATE bestauth.office CASCADE', 'TRUNCATE bestauth.provider CASCADE']) s;
RESET client_min_messages;

-- A provider's account is one of an office, of the same portal, at individual level of a
-- provider of that office; nobody else's is.
CREATE FUNCTION pg_temp.account(username text, user_type text, portal text, office text, provider text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.attempt(format('INSERT INTO bestauth.user_account (company_id, portal_id, office_id, provider_id, username, user_type, first_name, last_name, email) SELECT c.company_id, %s, %s, %s, %L, %L, ''A'', ''B'', ''a@office.example'' FROM bestauth.company c WHERE c.code = ''office_clinic''',
		coalesce(format('(SELECT portal_id FROM bestauth.portal JOIN bestauth.company k USING (company_id) WHERE k.code = split_part(%L, '' '', 1) AND portal.code = split_part(%1$L, '' '', 2))', portal), 'NULL'), coalesce('<' || office || '>', 'NULL'), coalesce('<' || provider || '>', 'NULL'), username, user_type))
$$;
SELECT v.*, pg_temp.account('try', user_type, portal, office, provider) FROM (VALUES
	('provider', 'office_clinic docs', NULL, NULL), ('provider', 'office_clinic docs', NULL, 'One'), ('provider', NULL, 'Main', NULL), ('provider', 'office_clinic patients', 'Main', NULL), ('provider', 'office_far docs', 'Far', NULL), ('provider', 'office_clinic docs', 'Far', NULL), ('provider', 'office_clinic docs', 'missing', NULL),
	('provider', 'office_clinic docs', 'Main', 'Elsewhere'), ('provider', 'office_clinic docs', 'Main', 'Away'), ('provider', 'office_clinic docs', 'Main', 'missing'), ('standard', NULL, 'Main', NULL), ('standard', NULL, NULL, 'One'), ('restricted', 'office_clinic docs', 'Main', NULL), ('client', 'office_clinic patients', 'Main', NULL)) v (user_type, portal, office, provider);
SELECT u, pg_temp.account(u, 'provider', 'office_clinic docs', office, provider) FROM (VALUES ('tina', 'Main', NULL), ('indira', 'Main', 'One'), ('simon', 'Side', 'Elsewhere'), ('lone', 'Short', NULL)) v (u, office, provider);
SELECT s, pg_temp.attempt('UPDATE bestauth.user_account SET ' || s) FROM unnest(ARRAY[
	$$office_id = NULL WHERE username = 'tina' AND email = 'a@office.example'$$, $$office_id = <Side> WHERE username = 'indira' AND email = 'a@office.example'$$, $$provider_id = <Elsewhere> WHERE username = 'indira' AND email = 'a@office.example'$$, $$office_id = <Two one> WHERE username = 'tina' AND email = 'a@office.example'$$,
	$$office_id = <Side>, provider_id = <Elsewhere> WHERE username = 'lone' AND email = 'a@office.example'$$, $$office_id = <Short>, provider_id = NULL WHERE username = 'lone' AND email = 'a@office.example'$$]) s;
-- A provider that an account is of stays; another one may go, which the audit tells.
SELECT s, pg_temp.attempt(s) FROM unnest(ARRAY['DELETE FROM bestauth.provider WHERE provider_id = <One>', 'DELETE FROM bestauth.provider WHERE provider_id = <Digit>']) s;
SELECT action, old_values->>'last_name' AS last_name, old_values ? 'birth_date' AS mentions, old_values->>'birth_date' AS birth_date FROM bestauth.audit_log WHERE object_type = 'bestauth.provider' AND action = 'row.deleted' AND object_id = (SELECT id::text FROM id WHERE name = 'Digit');

--
-- Who may: offices and providers are the operator's to make. They are listed with manage_users,
-- and in an office with manage_portal_users: the own one.
--
SELECT count(bestauth.create_user(username, user_type, username, 'Test', username || '@office.example', 'seven green boats of ' || username, permissions => permissions, company => company)) FROM (VALUES
	('head', 'standard', '{manage_users}'::text[], 'office_clinic'), ('portals', 'standard', '{manage_portal_users}', 'office_clinic'), ('hand', 'standard', '{claims}', 'office_clinic'), ('adam', 'company_administrator', '{}', 'office_clinic')) v (username, user_type, permissions, company);
INSERT INTO token SELECT username, session_token FROM unnest('{head,portals,hand,adam}'::text[]) username, LATERAL bestauth.login('office_clinic', username, 'seven green boats of ' || username);
SET ROLE bestauth_owner;
UPDATE bestauth.user_account SET verified_at = clock_timestamp() WHERE email = 'a@office.example';
RESET ROLE;
CREATE FUNCTION pg_temp.enter(username text, role text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	word text := bestauth.reset_password(username, 'office_clinic', 'docs');
	challenge text := (SELECT challenge_token FROM bestauth.login('office_clinic', username, word, 'docs'));
	result text := bestauth.set_password(challenge, 'seven green boats of ' || username);
BEGIN
	PERFORM bestauth.assign_role(username, role, 'office_clinic', 'docs');
	INSERT INTO token SELECT username, session_token FROM bestauth.login('office_clinic', username, 'seven green boats of ' || username, 'docs');
	RETURN result;
END
$$;
SELECT u, pg_temp.enter(u, r) FROM (VALUES ('tina', 'Provider - Administrator'), ('indira', 'Provider - Administrator'), ('simon', 'Provider - Portal User'), ('lone', 'Provider - Administrator')) v (u, r);
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SET ROLE regress_office_app;
SELECT u, pg_temp.as_user(u, $$create_office('office_clinic', '77', 'Mine')$$), pg_temp.as_user(u, $$create_provider(<Main>, '1679576722', 'A', 'B', NULL)$$) FROM unnest('{adam,tina,indira}'::text[]) u;
SELECT pg_temp.answer('list_offices()'), pg_temp.answer('list_providers(<Main>)');
RESET ROLE;
SELECT pg_temp.attempt(format('SET ROLE %I; SELECT bestauth.create_office(''office_clinic'', ''77'', ''Mine'')', r)) FROM unnest('{regress_office_app,regress_office_auditor}'::text[]) r;
RESET ROLE;
SET ROLE regress_office_operator;
SELECT pg_temp.answer($$create_office('office_direct', '77', 'By an operator')$$);
RESET ROLE;

-- [PRV-1] list_offices: page by page, those of the company; in an office that one.
SELECT identifier, identifier_qualifier, name, provider_number, account_type, portal, next = office_id::text AS next FROM bestauth.list_offices(company => 'office_clinic') ORDER BY name;
-- All pages, "|" between them.
CREATE FUNCTION pg_temp.pages(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	after text;
	page text;
	result text;
BEGIN
	LOOP
		EXECUTE format('SELECT string_agg(coalesce(r->>''name'', r->>''npi''), '' '' ORDER BY n), (array_agg(r->>''next'' ORDER BY n DESC))[1] FROM (SELECT to_jsonb(l) AS r, row_number() OVER () AS n FROM bestauth.%s l) q', pg_temp.with_ids(replace(call, '<after>', coalesce(quote_literal(after), 'NULL')))) INTO page, after;
		EXIT WHEN page IS NULL;
		result := concat_ws('|', result, page);
	END LOOP;
	RETURN result;
END
$$;
SELECT size, length(p) - length(replace(p, '|', '')) + 1 AS pages, replace(p, '|', ' ') = (SELECT string_agg(name, ' ') FROM bestauth.list_offices(company => 'office_clinic')) AS the_same FROM unnest('{1,2,3,4,1000}'::int[]) size, LATERAL pg_temp.pages(format('list_offices(%s, <after>, ''office_clinic'')', size)) p ORDER BY size;
SET ROLE regress_office_app;
CREATE FUNCTION pg_temp.names(username text, call text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
DECLARE
	result text;
	rule text;
BEGIN
	PERFORM bestauth.use_session((SELECT token FROM token t WHERE t.username = names.username));
	EXECUTE format('SELECT string_agg(coalesce(to_jsonb(l)->>''name'', to_jsonb(l)->>''last_name''), '' '' ORDER BY to_jsonb(l)->>''name'', to_jsonb(l)->>''npi'') FROM bestauth.%s l', pg_temp.with_ids(call)) INTO result;
	RETURN coalesce(result, '(none)');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME;
	RETURN SQLSTATE || coalesce(' [' || nullif(rule, '') || ']', '') || ' ' || SQLERRM;
END
$$;
SELECT u, pg_temp.names(u, 'list_offices()') FROM unnest('{head,adam,portals,hand,tina,indira,simon,lone}'::text[]) u;
SELECT u, c, pg_temp.names(u, c) FROM unnest('{head,tina}'::text[]) u, unnest(ARRAY[$$list_offices(company => 'office_clinic')$$, $$list_offices(company => 'office_far')$$, $$list_offices(company => 'office_nowhere')$$, 'list_offices(0)', 'list_offices(1001)', $$list_offices(after => 'x')$$, $$list_offices(after => '00000000-0000-0000-0000-000000000000')$$, $$list_offices(after => 'ffffffff-ffff-ffff-ffff-ffffffffffff')$$]) c;
-- [H-01] list_providers: of an office elsewhere, or of none, the same answer.
SELECT u, o, pg_temp.names(u, format('list_providers(<%s>)', o)) FROM unnest('{head,tina,indira,lone}'::text[]) u, unnest('{Main,Side,Short,Far,Two one,missing}'::text[]) o;
SELECT u, pg_temp.names(u, 'list_providers(<Main>)') FROM unnest('{portals,hand,simon}'::text[]) u;
RESET ROLE;
SELECT npi, first_name, last_name, next FROM bestauth.list_providers((SELECT id FROM id WHERE name = 'Main'));
SELECT size, pg_temp.pages(format('list_providers(<Main>, %s, <after>)', size)) FROM unnest('{1,2,3}'::int[]) size;
SELECT pg_temp.answer(c) FROM unnest(ARRAY['list_providers(<missing>)', 'list_providers(NULL)', 'list_providers(<Main>, 0)', 'list_offices()']) c;
SELECT object_id AS function, username, detail->>'rule' AS rule, detail->>'reason' AS reason, count(*) FROM bestauth.audit_log WHERE audit_id > :mark AND company_code = 'office_clinic' AND action = 'access.denied' GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;

--
-- [PRV-19] Which office a session is of, and which providers it sees: at individual level one,
-- at TIN level all of its office. What changes counts from the next transaction on.
--
CREATE FUNCTION pg_temp.sight(username text, OUT office text, OUT provider text, OUT visible text, OUT accessible text, OUT rows text) LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	IF username IS NOT NULL THEN
		PERFORM bestauth.use_session((SELECT token FROM token t WHERE t.username = sight.username));
	END IF;
	office := pg_temp.with_names(bestauth.current_office_id()::text);
	provider := pg_temp.with_names(bestauth.current_provider_id()::text);
	SELECT string_agg(coalesce(id.name, '?'), ' ' ORDER BY id.name) INTO visible FROM unnest(bestauth.visible_provider_ids()) v LEFT JOIN id ON id.id = v;
	SELECT string_agg(name, ' ' ORDER BY name) INTO accessible FROM id WHERE bestauth.can_access_provider(id);
	SELECT string_agg(word, ' ' ORDER BY word) INTO rows FROM claims;
END
$$;
-- A table of an application's own, with policies.
CREATE TEMP TABLE claims (provider_id uuid, word text);
INSERT INTO claims SELECT id, lower(name) FROM id;
INSERT INTO claims VALUES (NULL, 'null');
ALTER TABLE claims ENABLE ROW LEVEL SECURITY;
CREATE POLICY one ON claims USING (bestauth.can_access_provider(provider_id) AND provider_id = ANY (bestauth.visible_provider_ids()));
GRANT SELECT ON claims TO regress_office_app;
SET ROLE regress_office_app;
SELECT s.* FROM pg_temp.sight(NULL) s;
SELECT u, s.* FROM unnest('{head,adam,portals}'::text[]) u, LATERAL pg_temp.sight(u) s;
SELECT u, s.* FROM unnest('{tina,indira,simon,lone}'::text[]) u, LATERAL pg_temp.sight(u) s;
SELECT bestauth.can_access_provider(NULL);
RESET ROLE;
INSERT INTO id SELECT 'Third', bestauth.create_provider((SELECT id FROM id WHERE name = 'Main'), '1679576722', 'Pro', 'Third', NULL);
UPDATE bestauth.user_account SET provider_id = (SELECT id FROM id WHERE name = 'Two') WHERE username = 'indira' AND email = 'a@office.example';
UPDATE bestauth.user_account SET office_id = (SELECT id FROM id WHERE name = 'Main') WHERE username = 'lone' AND email = 'a@office.example';
SET ROLE regress_office_app;
SELECT u, s.* FROM unnest('{tina,indira,simon,lone}'::text[]) u, LATERAL pg_temp.sight(u) s;
-- Another's session in between leaves nothing behind, and neither does a savepoint.
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'tina'));
SAVEPOINT s;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'simon'));
SELECT s.* FROM pg_temp.sight(NULL) s;
ROLLBACK TO s;
SELECT s.* FROM pg_temp.sight(NULL) s;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'head'));
SELECT s.* FROM pg_temp.sight(NULL) s;
COMMIT;
SELECT s.* FROM pg_temp.sight(NULL) s;
RESET ROLE;

SELECT bestauth.revoke_access('regress_office_app', 'application'), bestauth.revoke_access('regress_office_operator', 'operator'), bestauth.revoke_access('regress_office_auditor', 'auditor');
SET client_min_messages = warning;
REVOKE ALL ON SCHEMA regress FROM regress_office_app, regress_office_operator, regress_office_auditor;
DROP TABLE id, token, claims CASCADE;
DROP FUNCTION pg_temp.names;
DROP ROLE regress_office_app, regress_office_operator, regress_office_auditor;
