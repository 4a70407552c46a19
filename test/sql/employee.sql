-- Employees of an office: who makes their records, who finds them, and what the rows keep to.
\set SHOW_CONTEXT never
SET bestauth.lockout_threshold = 100;
SELECT count(bestauth.create_company(code, name)) FROM (VALUES ('employee_clinic', 'Hill Clinic'), ('employee_far', 'Far Clinic')) v (code, name);
SELECT count(bestauth.create_portal(code, 'docs', 'provider', 'For Doctors')) FROM (VALUES ('employee_clinic'), ('employee_far')) v (code);
CREATE ROLE regress_employee_app;
CREATE ROLE regress_employee_operator;
SELECT bestauth.grant_access('regress_employee_app', 'application'), bestauth.grant_access('regress_employee_operator', 'operator');
CREATE TEMP TABLE thing (name text PRIMARY KEY, id uuid NOT NULL);
CREATE TEMP TABLE token (username text PRIMARY KEY, token text NOT NULL);
GRANT SELECT, INSERT ON thing TO regress_employee_app, regress_employee_operator;
GRANT SELECT ON token TO regress_employee_app;
INSERT INTO thing SELECT name, bestauth.create_office(company, identifier, name) FROM (VALUES ('north', 'employee_clinic', '11-1111111'), ('south', 'employee_clinic', '22-2222222'), ('far', 'employee_far', '11-1111111')) v (name, company, identifier);
INSERT INTO thing SELECT v.name, bestauth.create_provider(o.id, npi, v.name, 'Provider', '1970-01-01') FROM (VALUES ('pat', 'north', '1234567893'), ('quinn', 'north', '1245319599'), ('pat_south', 'south', '1234567893'), ('fay', 'far', '1003000126')) v (name, office, npi) JOIN thing o ON o.name = office;

-- What a call returns, or its error; <name> in it stands for an id.
CREATE FUNCTION pg_temp.fill(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	t record;
BEGIN
	FOR t IN SELECT name, id FROM thing LOOP
		call := replace(call, '<' || t.name || '>', quote_literal(t.id));
	END LOOP;
	RETURN call;
END
$$;
CREATE FUNCTION pg_temp.answer(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	rule text;
BEGIN
	EXECUTE format('SELECT string_agg(r::text, '' '') FROM bestauth.%s r', pg_temp.fill(call)) INTO result;
	RETURN regexp_replace(result, '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$', 'made');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME;
	RETURN regexp_replace(SQLSTATE || coalesce(' [' || nullif(rule, '') || ']', '') || ' ' || SQLERRM, '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', '(id)');
END
$$;
CREATE FUNCTION pg_temp.as_user(username text, call text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session((SELECT token FROM token t WHERE t.username = as_user.username));
	RETURN pg_temp.answer(call);
END
$$;
-- Makes an employee and keeps the id under a name.
CREATE FUNCTION pg_temp.keep(name text, call text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	id uuid;
BEGIN
	EXECUTE format('SELECT bestauth.%s', pg_temp.fill(call)) INTO id;
	INSERT INTO thing VALUES (name, id);
	RETURN id IS NOT NULL;
END
$$;
CREATE TEMP VIEW employees AS SELECT coalesce(t.name, 'another') AS kept, o.name AS office, p.first_name AS provider, e.provider_type, e.last_name, e.first_name, e.middle_initial, e.employee_number, e.telephone, e.fax, e.email, e.title
FROM bestauth.employee e JOIN bestauth.office o USING (office_id) JOIN bestauth.company c ON c.company_id = e.company_id LEFT JOIN bestauth.provider p ON p.provider_id = e.provider_id LEFT JOIN thing t ON t.id = e.employee_id
WHERE c.code LIKE 'employee\_%' ORDER BY e.last_name COLLATE "C", e.first_name COLLATE "C";
GRANT SELECT ON employees TO regress_employee_operator;
GRANT USAGE ON SCHEMA regress TO regress_employee_operator;

-- The first administrators come in by the operator, who makes their employee and account.
SET ROLE regress_employee_operator;
SELECT count(*) AS made, count(*) FILTER (WHERE pg_temp.keep(name, format('create_employee(<%s>, ''front desk'', ''Admin'', %L, provider_id => %s)', office, initcap(name), coalesce('<' || provider || '>', 'NULL')))) AS kept
FROM (VALUES ('tina', 'north', NULL), ('ivan', 'north', 'pat'), ('carl', 'north', NULL), ('sara', 'south', NULL), ('fred', 'far', NULL)) v (name, office, provider);
RESET ROLE;
SELECT name, pg_temp.answer(format('create_provider_user(<%s>, %L, %L, %L, %L)', name, name, role, name || '@employee.example', 'an early password for desks')) ~ '^\([0-9a-f-]{36},\)$' AS made
FROM (VALUES ('tina', 'Provider - Administrator'), ('ivan', 'Provider - Administrator'), ('carl', 'Provider - Clerical User'), ('sara', 'Provider - Administrator'), ('fred', 'Provider - Administrator')) v (name, role);
-- The temporary password is changed, and each logs in.
SELECT v.username, bestauth.set_password(l.challenge_token, 'seven green boats of ' || v.username) FROM (VALUES ('tina', 'employee_clinic'), ('ivan', 'employee_clinic'), ('carl', 'employee_clinic'), ('sara', 'employee_clinic'), ('fred', 'employee_far')) v (username, company),
	LATERAL bestauth.login(company, v.username, 'an early password for desks', 'docs') l;
INSERT INTO token SELECT v.username, l.session_token FROM (VALUES ('tina', 'employee_clinic'), ('ivan', 'employee_clinic'), ('carl', 'employee_clinic'), ('sara', 'employee_clinic'), ('fred', 'employee_far')) v (username, company),
	LATERAL bestauth.login(company, v.username, 'seven green boats of ' || v.username, 'docs') l;
-- People of the company itself: whatever they hold, none of it is of an office.
SELECT count(bestauth.create_user(username, user_type, 'S', 'Staff', username || '@employee.example', 'seven green boats of ' || username, permissions => permissions, company => 'employee_clinic'))
FROM (VALUES ('adam', 'company_administrator', '{}'::text[]), ('portals', 'standard', '{manage_portal_users}'), ('users', 'standard', '{manage_users,manage_portal_users}')) v (username, user_type, permissions);
INSERT INTO token SELECT username, session_token FROM unnest('{adam,portals,users}'::text[]) username, LATERAL bestauth.login('employee_clinic', username, 'seven green boats of ' || username);

-- [PRV-12] Made by the administrators of the office, at individual level for the own provider:
-- named or not. Everything that the form has is kept.
SET ROLE regress_employee_app;
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'tina'));
SELECT pg_temp.keep('all', $$create_employee(<north>, ' Physician ', ' Müller ', 'Jörg', 'Q', 'E-1', '+1 555 0100', '+1 555 0101', 'jm@employee.example', 'Dr.')$$);
SELECT pg_temp.keep('least', $$create_employee(<north>, 'front desk', 'Muller', 'Ann')$$);
SELECT pg_temp.keep('blank', $$create_employee(<north>, 'front desk', 'Abel', 'Bob', ' ', '', NULL, '  ', NULL, '')$$);
SELECT pg_temp.keep('quinns', $$create_employee(<north>, 'nurse', 'Quill', 'Nora', provider_id => <quinn>)$$);
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'ivan'));
SELECT pg_temp.keep('pats', $$create_employee(<north>, 'nurse', 'Marsh', 'Mia')$$);
SELECT pg_temp.keep('pats_named', $$create_employee(<north>, 'nurse', 'MÜLLER', 'Zoe', provider_id => <pat>)$$);
COMMIT;
SET ROLE regress_employee_operator;
SELECT pg_temp.keep('southern', $$create_employee(<south>, 'nurse', 'Muller', 'Sue')$$), pg_temp.keep('distant', $$create_employee(<far>, 'nurse', 'Muller', 'Fay', provider_id => <fay>)$$);
SELECT * FROM employees;
RESET ROLE;
SELECT username, company_code, action, outcome, object_type, object_id = (SELECT id::text FROM thing WHERE name = 'all') AS of_it, detail FROM bestauth.audit_log WHERE action = 'employee.created' AND company_code LIKE 'employee\_%' AND username IS NOT NULL ORDER BY audit_id;
SELECT new_values - '{employee_id,company_id,office_id,created_at}'::text[] AS row FROM bestauth.audit_log WHERE action = 'row.inserted' AND object_type = 'bestauth.employee' AND object_id LIKE '%' || (SELECT id FROM thing WHERE name = 'all') || '%';

-- [PRV-12] [H-01] Nobody else, and nowhere else: the other office, another company's and one
-- that is not there give one answer. Nothing is made, and each attempt is in the audit.
SELECT count(*) AS employees FROM bestauth.employee \gset before_
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
INSERT INTO thing VALUES ('missing', gen_random_uuid());
SET ROLE regress_employee_app;
SELECT office, string_agg(username, ' ' ORDER BY username COLLATE "C") AS callers, answer FROM (VALUES ('north'), ('south'), ('far'), ('missing')) o (office), unnest('{tina,ivan,carl,sara,fred,adam,portals,users}'::text[]) username,
	LATERAL (SELECT CASE WHEN (office, username) IN (('north', 'tina'), ('north', 'ivan'), ('south', 'sara'), ('far', 'fred')) THEN 'own office' ELSE pg_temp.as_user(username, format('create_employee(<%s>, ''nurse'', ''N'', ''N'')', office)) END AS answer) a GROUP BY office, answer ORDER BY 1, 2;
SELECT username, provider, pg_temp.as_user(username, format('create_employee(<%s>, ''nurse'', ''N'', ''N'', provider_id => <%s>)', office, provider))
FROM (VALUES ('tina', 'north', 'pat_south'), ('tina', 'north', 'fay'), ('tina', 'north', 'missing'), ('ivan', 'north', 'quinn'), ('ivan', 'north', 'pat_south'), ('ivan', 'south', 'pat_south'), ('ivan', 'north', 'missing')) v (username, office, provider);
SELECT pg_temp.answer($$create_employee(<north>, 'nurse', 'N', 'N')$$) AS without_session, pg_temp.answer($$search_employees(NULL)$$) AS search_without_session;
SET ROLE regress_employee_operator;
SELECT call, pg_temp.answer(call) FROM unnest(ARRAY[$$create_employee(<missing>, 'nurse', 'N', 'N')$$, $$create_employee(<north>, 'nurse', 'N', 'N', provider_id => <missing>)$$, $$create_employee(<north>, 'nurse', 'N', 'N', provider_id => <pat_south>)$$]) call;
RESET ROLE;
SELECT count(*) = :before_employees AS nothing_made FROM bestauth.employee;
SELECT username, object_id AS function, detail->>'rule' AS rule, detail->>'reason' AS why, count(*) FROM bestauth.audit_log WHERE audit_id > :mark AND action = 'access.denied' AND company_code LIKE 'employee\_%' GROUP BY 1, 2, 3, 4 ORDER BY username COLLATE "C", 2, 3, 4;

-- Arguments that are no good.
SET ROLE regress_employee_app;
SELECT arguments, pg_temp.as_user('tina', format('create_employee(%s)', arguments)) FROM unnest(ARRAY[$$NULL, 'nurse', 'N', 'N'$$, $$<north>, NULL, 'N', 'N'$$, $$<north>, ' ', 'N', 'N'$$, $$<north>, 'nurse', NULL, 'N'$$, $$<north>, 'nurse', 'N', ''$$,
	$$<north>, 'nurse', E'N\n', 'N'$$, $$<north>, 'nurse', 'N', 'N', title => E'\u202eDr.'$$, $$<north>, 'nurse', 'N', 'N', email => 'nobody'$$, $$<north>, 'nurse', 'N', 'N', email => ''$$, $$<north>, 'nurse', 'N', 'N', email => 'a@employee.example,b@employee.example'$$,
	$$<north>, 'nurse', 'N', 'N', telephone => E'5\t5'$$]) arguments;
SELECT argument, regexp_replace(pg_temp.as_user('tina', format('create_employee(<north>, ''nurse'', ''N'', ''N'', %s => repeat(''ü'', 101))', argument)), '^(.{50}).*', '\1') AS too_long FROM unnest('{middle_initial,employee_number,telephone,fax,title}'::text[]) argument;
RESET ROLE;
SELECT count(*) = :before_employees AS nothing_made FROM bestauth.employee;

-- [PRV-12] Found by how the last name begins, without case and accents, in the order of names:
-- those of the office, at individual level those of the provider. No name is every name.
CREATE FUNCTION pg_temp.found(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('SELECT string_agg(name, ''; '') FROM bestauth.%s', pg_temp.fill(call)) INTO result;
	RETURN result;
END
$$;
CREATE FUNCTION pg_temp.found_by(username text, call text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session((SELECT token FROM token t WHERE t.username = found_by.username));
	RETURN pg_temp.found(call);
END
$$;
SET ROLE regress_employee_app;
SELECT name, pg_temp.found_by('tina', format('search_employees(%s)', name)) AS tina, pg_temp.found_by('ivan', format('search_employees(%s)', name)) AS ivan FROM unnest(ARRAY['NULL', $$''$$, $$'  '$$, $$'mul'$$, $$'MÜLLER'$$, $$'ü'$$, $$'uller'$$, $$'m'$$, $$'%'$$, $$'_uller'$$, $$'x'$$]) name;
SELECT username, pg_temp.found_by(username, 'search_employees(NULL)') FROM (VALUES ('sara'), ('fred')) v (username);
-- Who may not is refused, and nobody looks into another office.
SELECT username, call, pg_temp.as_user(username, call) FROM (VALUES ('carl', 'search_employees(NULL)'), ('adam', 'search_employees(NULL)'), ('portals', 'search_employees(NULL)'), ('users', 'search_employees(NULL)'), ('users', 'search_employees(NULL, office_id => <north>)'),
	('tina', 'search_employees(NULL, office_id => <south>)'), ('tina', 'search_employees(NULL, office_id => <missing>)'), ('tina', 'search_employees(NULL, company => ''employee_far'')'), ('ivan', 'search_employees(NULL, office_id => <far>)')) v (username, call);
SELECT pg_temp.found_by('tina', 'search_employees(NULL, office_id => <north>)') = pg_temp.found_by('tina', 'search_employees(NULL)') AS own_office, pg_temp.found_by('ivan', 'search_employees(NULL, office_id => <north>)') = pg_temp.found_by('ivan', 'search_employees(NULL)') AS own_level;
-- A page at a time: all of them, once, in the same order, also when who came last has left.
CREATE FUNCTION pg_temp.pages(page_size int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	page text[];
	pages text := '';
	next text;
BEGIN
	LOOP
		SELECT array_agg(s.name), (array_agg(s.next))[page_size] INTO page, next FROM bestauth.search_employees(NULL, page_size, next) s;
		pages := pages || coalesce(array_to_string(page, '; '), '(none)') || ' | ';
		EXIT WHEN next IS NULL;
	END LOOP;
	RETURN pages;
END
$$;
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'tina'));
SELECT pg_temp.pages(2);
SELECT pg_temp.pages(3);
SELECT next FROM bestauth.search_employees('Marsh') \gset
RESET ROLE;
DELETE FROM bestauth.employee WHERE last_name = 'Marsh' AND office_id = (SELECT id FROM thing WHERE name = 'north');
SET ROLE regress_employee_app;
SELECT name FROM bestauth.search_employees(NULL, after => :'next');
ROLLBACK;
SELECT call, pg_temp.as_user('tina', call) FROM unnest(ARRAY['search_employees(NULL, 0)', 'search_employees(NULL, 1001)', 'search_employees(NULL, 10, ''x'')', 'search_employees(NULL, 10, '''')', 'search_employees(NULL, 10, repeat(''a'', 5000))']) call;
-- The operator names an office or a company.
SET ROLE regress_employee_operator;
SELECT call, pg_temp.answer(call) FROM unnest(ARRAY['search_employees(NULL)', 'search_employees(NULL, office_id => <missing>)', 'search_employees(NULL, company => ''employee_none'')']) call;
SELECT call, pg_temp.found(call) FROM unnest(ARRAY['search_employees(''mull'', company => ''employee_clinic'')', 'search_employees(''mull'', office_id => <south>)', 'search_employees(''mull'', office_id => <south>, company => ''employee_clinic'')', 'search_employees(''mull'', office_id => <south>, company => ''employee_far'')']) call;
-- The role is that of the account, while it is not deleted.
SET ROLE regress_employee_app;
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'tina'));
SELECT name, role, title, phone, employee_id = (SELECT id FROM thing t WHERE t.name = CASE WHEN s.name LIKE '%Carl' THEN 'carl' ELSE 'all' END) AS id FROM bestauth.search_employees(NULL) s WHERE name LIKE '%Carl' OR name LIKE '%Q';
SELECT bestauth.assign_role('carl', 'Provider - Portal User');
SELECT role FROM bestauth.search_employees('Admin') WHERE name LIKE '%Carl';
SELECT bestauth.delete_user('carl');
SELECT role FROM bestauth.search_employees('Admin') WHERE name LIKE '%Carl';
ROLLBACK;
RESET ROLE;

-- [PRV-12] The rows keep their rules whoever writes them.
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE sql AS $$ SELECT regexp_replace(regress.attempt(pg_temp.fill($1)), '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', '(id)') $$;
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SET ROLE regress_employee_operator;
SELECT change, pg_temp.try(format('UPDATE bestauth.employee SET %s WHERE employee_id = <all>', change)) FROM unnest(ARRAY['employee_id = <missing>', 'office_id = <south>', 'company_id = (SELECT company_id FROM bestauth.company WHERE code = ''employee_far'')',
	'provider_id = <pat>', 'last_name = ''''', 'last_name = NULL', 'last_name = '' Miller''', 'first_name = E''J\n''', 'email = ''nobody''', 'telephone = repeat(''5'', 101)', 'provider_type = NULL',
	'last_name = ''Miller'', first_name = ''Jo'', middle_initial = NULL, employee_number = ''E-2'', telephone = ''5'', fax = ''6'', email = ''jo@employee.example'', title = ''Prof.'', provider_type = ''surgeon''']) change;
SELECT * FROM employees WHERE kept = 'all';
SELECT office, provider, pg_temp.try(format('INSERT INTO bestauth.employee (company_id, office_id, provider_id, provider_type, last_name, first_name) SELECT company_id, <%s>, <%s>, ''nurse'', ''N'', ''N'' FROM bestauth.company WHERE code = ''employee_clinic''', office, provider))
FROM (VALUES ('north', 'pat_south'), ('north', 'fay'), ('far', 'fay'), ('missing', 'pat')) v (office, provider);
-- A record goes while no account was made for it, and a provider while it has none.
SELECT what, substring(pg_temp.try('DELETE FROM bestauth.' || what) FROM '^[^]]*.?') AS answer FROM unnest('{employee WHERE employee_id = <carl>,employee WHERE employee_id = <blank>,provider WHERE provider_id = <quinn>}'::text[]) what;
RESET ROLE;
SELECT action, old_values->>'last_name' AS before, new_values->>'last_name' AS after FROM bestauth.audit_log WHERE object_type = 'bestauth.employee' AND action IN ('row.updated', 'row.deleted') AND audit_id > :mark ORDER BY audit_id;

DO $$
BEGIN
	PERFORM bestauth.revoke_access(r::regrole, a) FROM (VALUES ('regress_employee_app', 'application'), ('regress_employee_operator', 'operator')) v (r, a);
END
$$;
DROP OWNED BY regress_employee_app, regress_employee_operator;
DROP ROLE regress_employee_app, regress_employee_operator;
