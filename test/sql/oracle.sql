-- What a session is told of others: nothing. A thing of another company and one that is
-- not there are the same to it, in every answer, and in what a call leaves behind.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA oracle_test;
CREATE ROLE regress_oracle_app;
CREATE ROLE regress_oracle_operator;
CREATE ROLE regress_oracle_auditor;
CREATE ROLE regress_oracle_reads IN ROLE pg_read_all_data;
GRANT USAGE ON SCHEMA oracle_test, regress TO regress_oracle_app, regress_oracle_operator, regress_oracle_auditor, regress_oracle_reads;
RESET client_min_messages;
DO $$
BEGIN
	PERFORM bestauth.grant_access('regress_oracle_app', 'application');
	PERFORM bestauth.grant_access('regress_oracle_operator', 'operator');
	PERFORM bestauth.grant_access('regress_oracle_auditor', 'auditor');
	PERFORM bestauth.create_company('oracle-svc', 'Oracle Billing');
	PERFORM bestauth.register_billing_service('oracle-svc');
	PERFORM bestauth.create_user('stan', 'standard', 'Stan', 'S', 'stan@oracle.example', company => 'oracle-svc');
	PERFORM bestauth.create_company('oracle-own', 'Own');
	PERFORM bestauth.create_company('oracle-kid', 'Kid', 'oracle-own');
	PERFORM bestauth.create_role('Own role', '{claims}', company => 'oracle-own');
	PERFORM bestauth.create_user('own', 'standard', 'Own', 'O', 'own@oracle.example', company => 'oracle-own');
	PERFORM bestauth.create_user('ownkey', 'billing', NULL, 'Key', password => 'a password of ownkey', billing_service => 'oracle-svc', company => 'oracle-own');
	PERFORM bestauth.create_user('adam', 'company_administrator', 'Adam', 'A', 'adam@oracle.example', 'a password of adam', company => 'oracle-own');
	PERFORM bestauth.create_user('mona', 'standard', 'Mona', 'M', 'mona@oracle.example', 'a password of mona', permissions => '{manage_users,manage_roles,manage_contacts,web_portal,audit_report,claims}', company => 'oracle-own');
	PERFORM bestauth.create_company('oracle-far', 'Far');
	PERFORM bestauth.create_company('oracle-son', 'Son', 'oracle-far');
	PERFORM bestauth.create_role('Far role', '{claims}', '{oracle-son}', company => 'oracle-far');
	PERFORM bestauth.create_user('fiona', 'standard', 'Fiona', 'Farley', 'fiona@oracle.example', 'a password of fiona', permissions => '{claims}', roles => '{"Far role"}', company => 'oracle-far');
	PERFORM bestauth.create_user('fakey', 'billing', NULL, 'Far Key', password => 'a password of fakey', billing_service => 'oracle-svc', company => 'oracle-far');
	PERFORM bestauth.create_user('fadel', 'standard', 'Fa', 'Del', 'fadel@oracle.example', company => 'oracle-far');
	PERFORM bestauth.delete_user('fadel', company => 'oracle-far');
	PERFORM bestauth.lock_user('fakey', company => 'oracle-far');
END
$$;
-- Payers and facilities, called as the roles are.
SELECT count(bestauth.create_payer(name, company => company)), count(bestauth.create_facility(name, company => company)) FROM (VALUES ('Own role', 'oracle-own'), ('Far role', 'oracle-far')) v (name, company);
-- Portals, charts and accounts of clients, in both.
SELECT count(bestauth.create_portal(company, portal, 'client', 'Portal')) AS portals FROM (VALUES ('oracle-own', 'own'), ('oracle-far', 'farpo')) v (company, portal);
SELECT bestauth.create_contact('client', 'Fiona', 'Farley', 'fiona@oracle.example', 'oracle-far') AS far_contact,
	bestauth.create_contact('client', 'Olga', 'Own', 'olga@oracle.example', 'oracle-own') AS own_contact \gset
SELECT bestauth.create_portal_account(:'far_contact', 'fiona@oracle.example', company => 'oracle-far') AS far_account,
	bestauth.create_portal_account(:'own_contact', 'olga@oracle.example', company => 'oracle-own') AS own_account \gset
-- Offices in both, two of the own company, each with a provider, an employee, a request and
-- an invite. "tess" is of the whole own office, "indy" of its provider.
CREATE TABLE oracle_test.office (place text, office_id uuid, provider_id uuid, employee_id uuid, request uuid, invite uuid);
SELECT count(bestauth.create_portal(company, portal, 'provider', 'Docs')) AS portals FROM (VALUES ('oracle-own', 'owndo'), ('oracle-far', 'fardo')) v (company, portal);
INSERT INTO oracle_test.office (place, office_id) SELECT place, bestauth.create_office(company, place, place) FROM (VALUES ('ownof', 'oracle-own'), ('sidof', 'oracle-own'), ('farof', 'oracle-far')) v (place, company);
UPDATE oracle_test.office SET provider_id = bestauth.create_provider(office_id, '1234567893', 'Pro', place, NULL), employee_id = bestauth.create_employee(office_id, 'desk', 'Ployee', place);
UPDATE oracle_test.office SET request = (SELECT registration_id FROM bestauth.submit_registration(CASE place WHEN 'farof' THEN 'oracle-far' ELSE 'oracle-own' END, place, '24', 'tin', NULL, NULL, 'request' || place, 'a password of request', 'Re', 'Quest', place || '@oracle.example')),
	invite = (SELECT registration_id FROM bestauth.send_registration_links(ARRAY[place || '@oracle.example'], 'Provider - Portal User', office_id));
SELECT count(bestauth.create_provider_user(bestauth.create_employee(o.office_id, 'desk', u, u, provider_id => CASE level WHEN 'individual' THEN o.provider_id END), u, 'Provider - Administrator', u || '@oracle.example', 'a long password of ' || u)) AS accounts
FROM (VALUES ('tess', 'ownof', 'tin'), ('indy', 'ownof', 'individual'), ('otto', 'ownof', 'tin'), ('sid', 'sidof', 'tin'), ('farid', 'farof', 'tin')) v (u, place, level) JOIN oracle_test.office o USING (place);
SELECT u, bestauth.set_password(challenge_token, 'a password of ' || u) FROM unnest('{tess,indy}'::text[]) u, LATERAL bestauth.login('oracle-own', u, 'a long password of ' || u, 'owndo');
CREATE TABLE oracle_test.token AS SELECT u AS name, session_token AS token
FROM unnest('{adam,mona}'::text[]) u, LATERAL bestauth.login('oracle-own', u, 'a password of ' || u);
INSERT INTO oracle_test.token SELECT u, session_token FROM unnest('{tess,indy}'::text[]) u, LATERAL bestauth.login('oracle-own', u, 'a password of ' || u, 'owndo');
SELECT session_token AS fiona FROM bestauth.login('oracle-far', 'fiona', 'a password of fiona') \gset
GRANT SELECT ON oracle_test.token TO regress_oracle_app;

--
-- [H-08] [H-01] Every function that a session may call, with each argument that names
-- something, once with a thing of another company and once with a missing one of the same
-- length. The lists are those of the catalogue, so new functions come in by themselves.
--
-- What an argument is called, a foreign thing, and a missing one; foreign to "who", or to all.
CREATE TABLE oracle_test.thing (argument text, far text, missing text, who text);
INSERT INTO oracle_test.thing VALUES
	('username', 'fiona', 'nonny'), ('username', 'FIONA', 'NONNY'), ('username', 'fakey', 'nokey'), ('username', 'fadel', 'nodel'),
	('persons', 'fiona', 'nonny'), ('persons', 'stan', 'nant'), ('person', 'fiona', 'nonny'), ('persons', 'oracle-far/fiona', 'oracle-no/nobody'),
	('role', 'Far role', 'No such.'), ('roles', 'Far role', 'No such.'), ('name', 'Far role', 'No such.'), ('names', 'Far role', 'No such.'),
	('company', 'oracle-far', 'oracle-not'), ('company', 'oracle-son', 'oracle-not'), ('company', 'oracle-kid', 'oracle-not'),
	('companies', 'oracle-far', 'oracle-not'), ('companies', 'oracle-son', 'oracle-not'), ('child', 'oracle-son', 'oracle-not'), ('child', 'oracle-far', 'oracle-not'), ('parent', 'oracle-far', 'oracle-not'),
	('billing_service', 'oracle-far', 'oracle-not'), ('email', 'fiona@oracle.example', 'nonny@oracle.example'), ('emails', 'fiona@oracle.example', 'nonny@oracle.example'),
	('last_name', 'Farley', 'Nobody'), ('first_name', 'Fiona', 'Fonny'), ('portal', 'farpo', 'nopor'), ('office', 'farof', 'nooff'),
	('company_id', (SELECT company_id::text FROM bestauth.company WHERE code = 'oracle-far'), bestauth.uuidv7()::text),
	('company_id', (SELECT company_id::text FROM bestauth.company WHERE code = 'oracle-son'), bestauth.uuidv7()::text),
	('user_id', (SELECT user_id::text FROM bestauth.user_account WHERE username = 'fiona' AND email = 'fiona@oracle.example'), bestauth.uuidv7()::text),
	('contact_id', :'far_contact', bestauth.uuidv7()::text), ('account_id', :'far_account', bestauth.uuidv7()::text),
	('confirm_email', 'fiona@oracle.example', 'nonny@oracle.example'), ('token', 'bat_' || repeat('A', 43), 'bat_' || repeat('B', 43)),
	('session_token', 'bas_' || repeat('A', 43), 'bas_' || repeat('B', 43)), ('username', 'farid', 'nonny'), ('identifier', 'farof', 'nooff'), ('npi', '1234567893', '1679576722'), ('email', 'farid@oracle.example', 'nonny@oracle.example'), ('role', 'Far role', 'No such.');
-- To who is of an office, those of the other office of the company are as foreign; at
-- individual level those of the whole office as well. Of their company's own people they see none.
INSERT INTO oracle_test.thing SELECT argument, far::text, bestauth.uuidv7(), who FROM oracle_test.office, (VALUES (NULL, 'farof'), ('tess', 'sidof'), ('indy', 'sidof')) w (who, at),
	LATERAL (VALUES ('office_id', office_id), ('provider_id', provider_id), ('employee_id', employee_id), ('registration_id', request), ('registration_id', invite)) v (argument, far) WHERE at = place;
INSERT INTO oracle_test.thing SELECT argument, far::text, bestauth.uuidv7(), 'indy' FROM oracle_test.office, LATERAL (VALUES ('employee_id', employee_id), ('registration_id', request), ('registration_id', invite)) v (argument, far) WHERE place = 'ownof';
INSERT INTO oracle_test.thing SELECT 'username', far, missing, who FROM (VALUES ('sid', 'nid'), ('own', 'non'), ('OTTO', 'NONO')) v (far, missing), unnest('{tess,indy}'::text[]) who WHERE (far, who) <> ('OTTO', 'tess');
INSERT INTO oracle_test.thing VALUES ('child', 'oracle-kid', 'oracle-not', 'mona'), ('companies', 'oracle-kid', 'oracle-not', 'mona'), ('office', 'sidof', 'nooff', 'tess'), ('office', 'sidof', 'nooff', 'indy'), ('portal', 'own', 'nop', 'tess'), ('portal', 'own', 'nop', 'indy');
-- What stands in the other arguments.
CREATE TABLE oracle_test.filler (argument text, value text);
INSERT INTO oracle_test.filler VALUES ('username', 'own'), ('role', 'Own role'), ('name', 'Own role'), ('names', '{Own role}'), ('permission', 'claims'),
	('company', 'oracle-own'), ('password', 'a wrong password'), ('user_type', 'standard'), ('first_name', 'New'), ('last_name', 'New'),
	('email', 'new@oracle.example'), ('new_password', 'a password of somebody'), ('token', 'bat_x'), ('challenge_token', 'bat_x'),
	('contact_id', :'own_contact'), ('account_id', :'own_account'), ('confirm_email', 'olga@oracle.example'), ('contact_type', 'client'), ('level', 'tin'), ('identifier', 'ownof'), ('identifier_qualifier', '24'), ('npi', '1234567893'), ('reason', (SELECT min(reason) FROM bestauth.decline_reason));
INSERT INTO oracle_test.filler SELECT argument, value::text FROM oracle_test.office, LATERAL (VALUES ('office_id', office_id), ('employee_id', employee_id), ('registration_id', request)) v (argument, value) WHERE place = 'ownof';
-- The function's own user has to be a key for its persons, and an email for a user.
CREATE FUNCTION oracle_test.call(oid, text, text) RETURNS text LANGUAGE sql SECURITY DEFINER AS $$
	SELECT format('SELECT * FROM %s(%s)', $1::regproc, string_agg(format('%I => %L::%s', a.name,
			CASE WHEN a.name = $2 THEN CASE WHEN typelem <> 0 AND typlen = -1 AND typcategory = 'A' THEN ARRAY[$3]::text ELSE $3 END
				WHEN $2 = 'persons' AND a.name = 'username' THEN 'ownkey'
				WHEN a.name = 'email' THEN 'new@oracle.example'
				WHEN a.name = 'emails' THEN CASE typcategory WHEN 'A' THEN '{new@oracle.example}' ELSE 'new@oracle.example' END
				WHEN $2 = 'billing_service' AND a.name = 'user_type' THEN 'billing'
				WHEN $2 = 'billing_service' AND a.name = 'password' THEN 'a password of new keys'
				WHEN p.proname LIKE 'create%' AND a.name IN ('username', 'name') THEN 'fresh'
				WHEN f.value IS NOT NULL THEN f.value
				WHEN typcategory = 'A' THEN '{}' WHEN t.typname = 'jsonb' THEN '{}' WHEN t.typname = 'uuid' THEN '00000000-0000-7000-8000-000000000000'
				WHEN t.typcategory = 'N' THEN '1' WHEN t.typcategory = 'B' THEN 'true' WHEN t.typcategory = 'D' THEN '2026-01-01' WHEN t.typcategory = 'T' THEN '1 minute'
				ELSE 'own' END, format_type(a.type, NULL)), ', ' ORDER BY a.number))
	FROM pg_proc p, unnest(p.proargnames[1:p.pronargs], p.proargtypes::oid[]) WITH ORDINALITY a (name, type, number)
	JOIN pg_type t ON t.oid = a.type LEFT JOIN oracle_test.filler f ON f.argument = a.name
	WHERE p.oid = $1 AND (a.name = $2 OR a.number <= p.pronargs - p.pronargdefaults
		OR ($2 = 'billing_service' AND a.name = 'password') OR (p.proname = 'create_user' AND a.name = 'email'))
	GROUP BY p.oid
$$;
CREATE FUNCTION oracle_test.sequences() RETURNS numeric LANGUAGE sql SECURITY DEFINER AS $$
	SELECT sum(pg_sequence_last_value(c.oid)) FROM pg_class c WHERE c.relkind = 'S' AND c.relnamespace = 'bestauth'::regnamespace
$$;
-- The whole answer of a call, undone: result or error with every field, the name taken out.
CREATE FUNCTION oracle_test.answer(statement text, name text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
DECLARE
	result text;
	detail text;
	hint text;
	rule text;
	tab text;
	col text;
	sch text;
BEGIN
	BEGIN
		EXECUTE format('SELECT count(*) || '' rows '' || coalesce(string_agg(r::text, '' '' ORDER BY r::text), '''') FROM (%s) r', statement) INTO result;
		RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = 'result ' || result;
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS result = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, rule = CONSTRAINT_NAME,
			tab = TABLE_NAME, col = COLUMN_NAME, sch = SCHEMA_NAME;
		result := concat_ws(' | ', SQLSTATE, rule, result, detail, hint, nullif(tab, ''), nullif(col, ''), nullif(sch, ''));
	END;
	result := replace(replace(result, name, '(name)'), lower(name), '(name)');
	result := regexp_replace(result, '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', '(uuid)', 'g');
	result := regexp_replace(result, '"[^"]*\d:\d\d:\d\d[^"]*"', '(time)', 'g');
	-- a temporary password
	result := regexp_replace(result, '[a-z0-9]{5}(-[a-z0-9]{5}){3}', '(password)', 'g');
	RETURN result;
END
$$;
CREATE TABLE oracle_test.case AS
SELECT DISTINCT p.oid AS function, p.proname, t.* FROM pg_proc p JOIN oracle_test.thing t ON t.argument = ANY (p.proargnames[1:p.pronargs])
WHERE p.pronamespace = 'bestauth'::regnamespace AND has_function_privilege('regress_oracle_app', p.oid, 'EXECUTE');
GRANT SELECT ON oracle_test.case TO regress_oracle_app;
SELECT count(DISTINCT function) > 15 AS functions, count(*) > 50 AS calls FROM oracle_test.case;
-- Every function with an argument that names a thing is among them, or the argument is
-- listed here as one that names none: a new one has to be looked at.
SELECT DISTINCT a.name AS not_looked_at FROM pg_proc p, unnest(p.proargnames[1:p.pronargs]) a (name)
WHERE p.pronamespace = 'bestauth'::regnamespace AND has_function_privilege('regress_oracle_app', p.oid, 'EXECUTE')
	AND a.name ~ '(user|role|compan|person|service|portal|office|provider|contact|payer|facilit|employee|registration|account)'
	AND a.name NOT IN ('user_type', 'provider_type', 'contact_type', 'employee_number', 'provider_birth_date', 'company_column') AND a.name NOT IN (SELECT argument FROM oracle_test.thing) ORDER BY 1;

SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SET SESSION AUTHORIZATION regress_oracle_app;
-- By how much the sequences go on, first.
CREATE FUNCTION pg_temp.jump(statement text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	before numeric := oracle_test.sequences();
BEGIN
	PERFORM regress.attempt(statement);
	RETURN oracle_test.sequences() - before;
END
$$;
BEGIN;
SELECT person_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM oracle_test.token WHERE name = 'adam'));
SELECT regexp_replace(call, '%L.*', '') AS call, pg_temp.jump(format(call, far)) = pg_temp.jump(format(call, missing)) AS same_jump
FROM (VALUES ('SELECT bestauth.lock_user(%L)', 'fiona', 'nonny'), ('SELECT bestauth.assign_role(''own'', %L)', 'Far role', 'No such.'),
	('SELECT bestauth.create_role(''x'', ''{}'', ARRAY[%L])', 'oracle-far', 'oracle-not'), ('SELECT * FROM bestauth.audit_report(company => %L)', 'oracle-far', 'oracle-not'),
	('SELECT bestauth.limit_billing_user(''ownkey'', ARRAY[%L])', 'fiona', 'nonny'), ('SELECT outcome FROM bestauth.login(''oracle-far'', %L, ''a wrong password'')', 'fiona', 'nonny')) v (call, far, missing);
COMMIT;
CREATE TEMP TABLE told (who text, proname text, argument text, far text, of_far text, of_missing text);
BEGIN;
DO $$
<<do_block>>
DECLARE
	c record;
	who text;
	of_far text;
BEGIN
	FOREACH who IN ARRAY '{adam,mona,tess,indy}'::text[] LOOP
		FOR c IN SELECT * FROM oracle_test.case t WHERE coalesce(t.who, '') IN ('', do_block.who) ORDER BY proname, argument, far LOOP
			-- these cost a hash each, and show nothing else to another user
			CONTINUE WHEN who <> 'adam' AND c.proname ~ '^(login|submit_registration|accept_registration|register_portal_account)';
			CONTINUE WHEN c.proname = 'create_provider_user' AND c.argument NOT IN ('employee_id', 'username', 'role', 'email') OR c.proname = 'submit_registration' AND c.argument LIKE '%t_name';
			CONTINUE WHEN who = 'indy' AND c.who IS NULL;
			-- a user name is there once in a portal; and what has no need of a session is told of every portal
			CONTINUE WHEN c.who IS NOT NULL AND ((c.proname, c.argument, c.far) = ('create_provider_user', 'username', 'sid') OR (c.proname, c.argument) = ('resend_verification', 'portal'));
			PERFORM bestauth.use_session(token) FROM oracle_test.token t WHERE t.name = who;
			of_far := oracle_test.answer(oracle_test.call(c.function, c.argument, c.far), c.far);
			INSERT INTO told VALUES (who, c.proname, c.argument, c.far, of_far, oracle_test.answer(oracle_test.call(c.function, c.argument, c.missing), c.missing));
		END LOOP;
	END LOOP;
END
$$;
COMMIT;
-- Those that tell: none, but where an administrator goes, to whom no child is foreign.
SELECT who, proname, argument, far, of_far, of_missing FROM told WHERE of_far IS DISTINCT FROM of_missing AND (who, proname, far) IS DISTINCT FROM ('adam', 'switch_company', 'oracle-kid') ORDER BY 1, 2, 3, 4;
SELECT of_far FROM told WHERE (who, proname, far) = ('adam', 'switch_company', 'oracle-kid');
-- None is an error of ours that should not be, and what is refused is refused as such.
SELECT proname, argument, of_far FROM told WHERE of_far LIKE 'XX%' OR of_far LIKE '42883%' OR of_far LIKE '42601%';
-- [H-01] To who is of an office: refused as not there, or what says nothing of it.
SELECT argument, left(of_far, 14) AS told, string_agg(DISTINCT proname, ' ' ORDER BY proname) AS functions FROM told
WHERE who IN ('tess', 'indy') AND (argument IN ('office_id', 'provider_id', 'employee_id', 'registration_id') OR argument = 'username' AND far IN ('sid', 'own', 'OTTO')) GROUP BY 1, 2 ORDER BY 1, 2;
-- What they all say, for the functions that there have been from the start.
SELECT proname, argument, string_agg(DISTINCT of_far, ' // ' ORDER BY of_far) AS told FROM told
WHERE who = 'adam' AND proname IN ('assign_role', 'unassign_role', 'create_role', 'update_role', 'delete_role', 'create_user', 'delete_user', 'lock_user', 'unlock_user',
	'reset_password', 'limit_billing_user', 'grant_permission', 'revoke_permission', 'audit_report', 'can_access_company', 'login', 'suggest_username')
	AND argument IN ('username', 'role', 'roles', 'company', 'companies', 'billing_service', 'persons', 'person', 'company_id', 'name')
GROUP BY 1, 2 ORDER BY 1, 2;
RESET SESSION AUTHORIZATION;
-- [H-08] On a portal's own page: an address that has an account, in whatever state, one
-- that asked for one, one that has an account elsewhere and one of nobody are told the same.
SELECT count(bestauth.create_portal_account(bestauth.create_contact('client', u, 'Client', u || '@oracle.example', 'oracle-own'), u || '@oracle.example', company => 'oracle-own')) AS accounts
FROM unnest('{waits,active,locked,gone}'::text[]) u;
SELECT bestauth.set_password(token, 'a password of active') FROM bestauth.claim_mail(1000) WHERE recipient = 'active@oracle.example';
SELECT bestauth.verify_email(token) FROM bestauth.claim_mail(1000) WHERE recipient = 'active@oracle.example';
SELECT bestauth.lock_user('locked@oracle.example', 'oracle-own', 'own'), bestauth.delete_user('gone@oracle.example', 'oracle-own', 'own');
SELECT bestauth.register_portal_account('oracle-own', 'own', 'asked@oracle.example', 'a password of asked', 'As', 'Ked');
SET ROLE regress_oracle_app;
SELECT call, string_agg(DISTINCT oracle_test.answer(format(statement, e || '@oracle.example'), e), ' // ') AS told, count(*) AS addresses FROM (VALUES
	('register', $$SELECT bestauth.register_portal_account('oracle-own', 'own', %L, 'a password of somebody', 'Some', 'Body')$$),
	('resend', $$SELECT bestauth.resend_verification('oracle-own', 'own', %L)$$)) v (call, statement),
	unnest('{waits,active,locked,gone,asked,fiona,adam,nobody}'::text[]) e
GROUP BY 1 ORDER BY 1;
-- A link of another purpose and one of nobody.
RESET ROLE;
SELECT bestauth.create_user('linked', 'standard', 'Lin', 'Ked', 'linked@oracle.example', company => 'oracle-own') IS NOT NULL AS made;
SELECT token AS link FROM bestauth.claim_mail(1000) WHERE recipient = 'linked@oracle.example' \gset
SET ROLE regress_oracle_app;
SELECT oracle_test.answer(format('SELECT bestauth.%I(%L)', f, :'link'), '-') = oracle_test.answer(format('SELECT bestauth.%I(%L)', f, 'bat_' || repeat('A', 43)), '-') AS same
FROM unnest('{peek_verification,verify_email}'::text[]) f;
RESET ROLE;
-- Each function that refused has a row of it, with who it was.
CREATE TABLE oracle_test.refused AS SELECT DISTINCT who, proname FROM told WHERE of_far LIKE '42501%';
SELECT count(*) > 20 AS refused FROM oracle_test.refused;
SELECT who, proname AS without_a_row FROM oracle_test.refused r
WHERE NOT EXISTS (SELECT FROM bestauth.audit_log a WHERE audit_id > :mark AND action = 'access.denied' AND outcome = 'denied'
	AND object_id = r.proname AND username = r.who AND company_code = 'oracle-own' AND session_id IS NOT NULL);
-- Which is for the caller's company to see; the other one learns nothing of it.
SELECT count(*) AS told_to_the_other FROM bestauth.audit_log WHERE audit_id > :mark AND company_code IN ('oracle-far', 'oracle-son') AND action = 'access.denied';

-- [H-08] What must be unique is so in a company alone: a name taken elsewhere is free, and a
-- code, which is unique in all, is not for a session to try.
SET ROLE regress_oracle_app;
BEGIN;
SELECT person_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM oracle_test.token WHERE name = 'adam'));
SELECT regress.attempt($$SELECT bestauth.create_user('fiona', 'standard', 'F', 'F', 'fiona@oracle.example')$$),
	regress.attempt($$SELECT bestauth.create_user('fadel', 'standard', 'F', 'F', 'f@oracle.example')$$),
	regress.attempt($$SELECT bestauth.create_role('Far role')$$), bestauth.suggest_username('F', 'iona');
SELECT regress.attempt($$SELECT bestauth.create_company('oracle-far', 'X')$$), regress.attempt($$SELECT bestauth.create_company('oracle-not', 'X')$$);
ROLLBACK;
-- The sequences are not for it to read.
SELECT count(*) FILTER (WHERE regress.attempt(format('SELECT last_value FROM %s', c.oid::regclass)) NOT LIKE '42501%') AS read,
	count(*) FILTER (WHERE regress.attempt(format('SELECT nextval(%L)', c.oid::regclass)) NOT LIKE '42501%') AS moved, count(*) > 0 AS some
FROM pg_class c WHERE c.relkind = 'S' AND c.relnamespace = 'bestauth'::regnamespace;

-- [H-01] [H-11] No way around the functions: each table and view, partitions too, by every
-- kind of statement, in a session that may do everything in its company.
CREATE FUNCTION pg_temp.answers(statement text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT regexp_replace(regress.attempt(replace(statement, '$T', c.oid::regclass::text)), '(for|from) (table|view).*', '\1 it')
	FROM pg_class c
	WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND c.relname NOT IN ('user_type_rules', 'function_rules')
$$;
CREATE TEMP TABLE mine (id text);
BEGIN;
SELECT person_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM oracle_test.token WHERE name = 'adam'));
SELECT kind, answer, count(*) > 15 AS many FROM (VALUES
	('SELECT', 'SELECT * FROM $T'), ('count', 'SELECT count(*) FROM $T'), ('existence', 'SELECT 1 WHERE EXISTS (SELECT FROM $T)'), ('whole row', 'SELECT t FROM $T t'),
	('TABLE', 'TABLE $T'), ('cursor', 'DECLARE c CURSOR FOR SELECT * FROM $T'), ('held cursor', 'DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT * FROM $T'),
	('INSERT ... SELECT', 'INSERT INTO mine SELECT t::text FROM $T t'), ('CREATE TABLE AS', 'CREATE TEMP TABLE x AS SELECT * FROM $T'),
	('temporary view', 'CREATE TEMP VIEW x AS SELECT * FROM $T; SELECT * FROM x'),
	('MERGE from', 'MERGE INTO mine m USING $T t ON m.id = t::text WHEN NOT MATCHED THEN INSERT VALUES (t::text)'),
	('UPDATE ... FROM', 'UPDATE mine SET id = t::text FROM $T t'), ('DELETE', 'DELETE FROM $T'), ('lock', 'LOCK TABLE $T IN ACCESS SHARE MODE'),
	('EXPLAIN', 'EXPLAIN SELECT * FROM $T'), ('EXPLAIN ANALYZE', 'EXPLAIN (ANALYZE, COSTS OFF) SELECT * FROM $T')) v (kind, statement),
	LATERAL pg_temp.answers(statement) answer
GROUP BY 1, 2 ORDER BY kind COLLATE "C", answer COLLATE "C";
ROLLBACK;
COPY bestauth.user_account TO STDOUT;
COPY (SELECT * FROM bestauth.session) TO STDOUT;
COPY (SELECT username FROM bestauth.audit_log) TO STDOUT;
MERGE INTO bestauth.user_account u USING mine m ON u.username = m.id WHEN MATCHED THEN UPDATE SET locked_at = now();
MERGE INTO bestauth.user_permission u USING mine m ON u.permission = m.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (permission) VALUES (m.id);
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT * FROM bestauth.credential;
RESET ROLE;

-- [H-11] [L-19] The planner's statistics: there are some, and the application sees none, nor
-- those of its own table under a policy.
CREATE TABLE oracle_test.chart (company_id uuid NOT NULL, patient text NOT NULL);
INSERT INTO oracle_test.chart SELECT company_id, code || '-' || i FROM bestauth.company, generate_series(1, 3) i WHERE code IN ('oracle-own', 'oracle-kid', 'oracle-far', 'oracle-son');
CREATE INDEX ON oracle_test.chart (company_id);
CREATE INDEX ON oracle_test.chart (patient);
CREATE STATISTICS oracle_test.both (mcv) ON company_id, patient FROM oracle_test.chart;
ALTER TABLE oracle_test.chart ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON oracle_test.chart USING (bestauth.can_access_company(company_id));
GRANT SELECT ON oracle_test.chart TO regress_oracle_app;
ANALYZE oracle_test.chart, bestauth.user_account, bestauth.role, bestauth.company;
CREATE FUNCTION oracle_test.statistics() RETURNS TABLE (ours boolean, charts boolean, extended boolean) LANGUAGE sql AS $$
	SELECT (SELECT count(*) > 0 FROM pg_stats WHERE schemaname = 'bestauth'), (SELECT count(*) > 0 FROM pg_stats WHERE tablename = 'chart'),
		(SELECT count(*) > 0 FROM pg_stats_ext WHERE tablename = 'chart')
$$;
SELECT * FROM oracle_test.statistics();
SET ROLE regress_oracle_app;
BEGIN;
SELECT person_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM oracle_test.token WHERE name = 'adam'));
SELECT * FROM oracle_test.statistics();
SELECT regress.attempt('SELECT * FROM pg_statistic'), regress.attempt('SELECT * FROM pg_statistic_ext_data');
COMMIT;
-- Nor does who may read all data: not by way of an index on an expression either.
SET ROLE regress_oracle_reads;
SELECT tablename, attname FROM pg_stats WHERE schemaname = 'bestauth' ORDER BY 1, 2;
RESET ROLE;

--
-- [H-09] A function that costs nothing and tells what it is given is given no row that the
-- caller must not see, whatever the plan.
--
CREATE FUNCTION oracle_test.leak(value text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
	PERFORM set_config('oracle_test.seen', current_setting('oracle_test.seen', true) || ' ' || value, false);
	RETURN true;
END
$$;
CREATE FUNCTION oracle_test.leak_left(a text, b text) RETURNS boolean LANGUAGE sql COST 0.0000001 AS $$ SELECT oracle_test.leak(a) $$;
CREATE OPERATOR oracle_test.<<< (LEFTARG = text, RIGHTARG = text, FUNCTION = oracle_test.leak_left);
-- What it was given while the statement ran under each of several plans.
CREATE FUNCTION oracle_test.given(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	off text;
	seen text := '';
BEGIN
	FOREACH off IN ARRAY '{enable_material,enable_seqscan,enable_indexscan,enable_bitmapscan,enable_hashjoin,enable_nestloop,enable_hashagg}'::text[] LOOP
		PERFORM set_config(off, 'off', true), set_config('oracle_test.seen', '', false);
		EXECUTE statement;
		seen := seen || ' ' || current_setting('oracle_test.seen');
		PERFORM set_config(off, 'on', true);
	END LOOP;
	RETURN coalesce((SELECT string_agg(DISTINCT w, ' ' ORDER BY w) FROM string_to_table(trim(seen), ' ') w WHERE w <> ''), '(nothing)');
END
$$;
CREATE VIEW oracle_test.charts WITH (security_barrier, security_invoker) AS SELECT * FROM oracle_test.chart;
GRANT SELECT ON oracle_test.charts TO regress_oracle_app;
CREATE TABLE oracle_test.query (number int, statement text);
INSERT INTO oracle_test.query VALUES
	(1, 'SELECT * FROM oracle_test.chart WHERE oracle_test.leak(patient)'),
	(2, 'SELECT * FROM oracle_test.chart WHERE patient OPERATOR(oracle_test.<<<) ''x'''),
	(3, 'SELECT * FROM oracle_test.chart WHERE oracle_test.leak(patient) AND company_id IS NOT NULL AND patient > '''''),
	(4, 'SELECT * FROM oracle_test.chart a JOIN oracle_test.chart b ON a.company_id = b.company_id AND oracle_test.leak(a.patient) AND oracle_test.leak(b.patient)'),
	(5, 'SELECT * FROM oracle_test.charts WHERE oracle_test.leak(patient)'),
	(6, 'SELECT count(*) FROM oracle_test.chart GROUP BY oracle_test.leak(patient)'),
	(7, 'SELECT * FROM oracle_test.chart ORDER BY oracle_test.leak(patient)'),
	(8, 'SELECT count(*) FILTER (WHERE oracle_test.leak(patient)) FROM oracle_test.chart'),
	(9, 'WITH c AS MATERIALIZED (SELECT * FROM oracle_test.chart) SELECT * FROM c WHERE oracle_test.leak(patient)'),
	(10, 'SELECT * FROM oracle_test.chart WHERE oracle_test.leak(patient) FOR KEY SHARE');
GRANT SELECT ON oracle_test.query TO PUBLIC;
GRANT UPDATE ON oracle_test.chart TO regress_oracle_app;
SET ROLE regress_oracle_app;
SELECT string_agg(DISTINCT oracle_test.given(statement), ' // ') AS nobody FROM oracle_test.query;
BEGIN;
SELECT person_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM oracle_test.token WHERE name = 'mona'));
SELECT given AS mona, array_agg(number ORDER BY number) FROM oracle_test.query, oracle_test.given(statement) GROUP BY 1;
SELECT person_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM oracle_test.token WHERE name = 'adam'));
SELECT given AS adam, array_agg(number ORDER BY number) FROM oracle_test.query, oracle_test.given(statement) GROUP BY 1;
SELECT person_id IS NOT NULL AS used FROM bestauth.use_session(:'fiona');
SELECT given AS fiona, array_agg(number ORDER BY number) FROM oracle_test.query, oracle_test.given(statement) GROUP BY 1;
COMMIT;
RESET ROLE;
SELECT oracle_test.given(statement) AS superuser FROM oracle_test.query WHERE number = 1;

-- Our own tables and views: nobody else than the operator and the auditor, who see all, is
-- given a row, though the privilege to read may come from elsewhere.
CREATE FUNCTION oracle_test.leaking() RETURNS TABLE (relation text, given boolean) LANGUAGE plpgsql AS $$
DECLARE
	c record;
BEGIN
	FOR c IN SELECT oid::regclass AS name, relname FROM pg_class WHERE relnamespace = 'bestauth'::regnamespace AND relkind IN ('r', 'p', 'v')
		AND NOT relispartition AND relname NOT IN ('user_type_rules', 'function_rules') ORDER BY relname COLLATE "C" LOOP
		PERFORM set_config('oracle_test.seen', '', false);
		IF regress.attempt(format('SELECT FROM %s t WHERE oracle_test.leak(''a row'')', c.name)) LIKE '42501%' THEN
			CONTINUE;
		END IF;
		PERFORM regress.attempt(format('SELECT FROM %s t WHERE oracle_test.leak(left(t::text, 0) || ''a row'')', c.name));
		relation := c.relname;
		given := current_setting('oracle_test.seen') <> '';
		RETURN NEXT;
	END LOOP;
END
$$;
SET ROLE regress_oracle_operator;
SELECT bool_or(given) AS operator FROM oracle_test.leaking();
SET ROLE regress_oracle_auditor;
SELECT relation AS auditor FROM oracle_test.leaking() WHERE given AND relation IN ('audit_log', 'billing_service');
SET ROLE regress_oracle_app;
BEGIN;
SELECT person_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM oracle_test.token WHERE name = 'adam'));
SELECT relation AS application FROM oracle_test.leaking();
COMMIT;
SET ROLE regress_oracle_reads;
-- (granted_privilege and object_now show what the catalogues show to everybody)
SELECT relation AS pg_read_all_data FROM oracle_test.leaking() WHERE given AND relation NOT IN ('audit_trigger', 'granted_privilege', 'isolation_index', 'isolation_policy', 'object_now');
RESET ROLE;
-- An operator whose access is taken away, with the privilege given by hand.
SELECT bestauth.revoke_access('regress_oracle_operator', 'operator');
GRANT USAGE ON SCHEMA bestauth TO regress_oracle_operator;
GRANT SELECT ON bestauth.user_account, bestauth.audit_log, bestauth.company TO regress_oracle_operator;
GRANT EXECUTE ON FUNCTION bestauth.has_access(text) TO regress_oracle_operator;
SET ROLE regress_oracle_operator;
SELECT relation, given FROM oracle_test.leaking();
RESET ROLE;
REVOKE EXECUTE ON FUNCTION bestauth.has_access(text) FROM regress_oracle_operator;
REVOKE SELECT ON bestauth.user_account, bestauth.audit_log, bestauth.company FROM regress_oracle_operator;
REVOKE USAGE ON SCHEMA bestauth FROM regress_oracle_operator;
-- Two functions are said to leak nothing (session.sql has the proof), and a view that looks
-- at who asks is a barrier to the functions of who asks.
SELECT p.oid::regprocedure AS leakproof FROM pg_proc p WHERE p.pronamespace = 'bestauth'::regnamespace AND p.proleakproof ORDER BY 1;
SELECT c.oid::regclass AS no_barrier FROM pg_class c WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind = 'v'
	AND pg_get_viewdef(c.oid) ~ '(has_access|has_permission|can_access|current_[a-z]+_id|accessible_|visible_|current_user|session_user)'
	AND NOT coalesce(c.reloptions @> '{security_barrier=true}', false);

--
-- [L-13] What a constraint or a rule refuses inside our functions: an SQLSTATE and words of
-- our own, no table or column, and in DETAIL nothing but the rule.
--
CREATE FUNCTION oracle_test.said(statement text) RETURNS TABLE (state text, message text, detail text, names text, context text) LANGUAGE plpgsql AS $$
DECLARE
	r text;
	t text;
	c text;
	s text;
	d text;
BEGIN
	EXECUTE statement;
	RETURN QUERY SELECT 'done', NULL::text, NULL::text, NULL::text, NULL::text;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, r = CONSTRAINT_NAME, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, t = TABLE_NAME,
		c = COLUMN_NAME, s = SCHEMA_NAME, d = PG_DATATYPE_NAME, context = PG_EXCEPTION_CONTEXT;
	state := concat_ws(' ', state, '[' || nullif(r, '') || ']');
	names := concat_ws(' ', nullif(t, ''), nullif(c, ''), nullif(s, ''), nullif(d, ''));
	-- the lines of this function itself are the caller's
	context := (SELECT string_agg(l, ' ') FROM string_to_table(context, E'\n') l WHERE l NOT LIKE 'PL/pgSQL function oracle_test.said%' AND l <> 'SQL statement "' || statement || '"');
	RETURN NEXT;
END
$$;
SET ROLE regress_oracle_app;
BEGIN;
SELECT person_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM oracle_test.token WHERE name = 'adam'));
SELECT s.* FROM (VALUES
	($$SELECT bestauth.create_user('OWN', 'standard', 'O', 'O', 'o@oracle.example')$$),
	($$SELECT bestauth.create_user('o', 'standard', 'O', NULL, 'o@oracle.example')$$),
	($$SELECT bestauth.create_user('o', 'standard', 'O', 'O')$$),
	($$SELECT bestauth.create_user('o', 'standard', 'O', 'O', 'o@oracle.example', billing_service => 'oracle-svc')$$),
	($$SELECT bestauth.create_user('o', 'billing', NULL, 'O', password => 'a password of new keys')$$),
	($$SELECT bestauth.create_user('o', 'standard', 'O', E'O\nO', 'o@oracle.example')$$),
	($$SELECT bestauth.create_user('o', 'standard', 'O', 'O', 'o@oracle.example', permissions => '{sign_documents}')$$),
	($$SELECT bestauth.create_user('o', 'client', 'O', 'O', 'o@oracle.example')$$),
	($$SELECT bestauth.create_user('o', 'none such', 'O', 'O', 'o@oracle.example')$$),
	($$SELECT bestauth.create_role('OWN ROLE')$$),
	($$SELECT bestauth.create_role('')$$),
	($$SELECT bestauth.create_role(repeat('x', 101))$$),
	($$SELECT bestauth.create_role('r', '{web_portal}')$$),
	($$SELECT bestauth.create_role('r', '{no_such_thing}')$$),
	($$SELECT bestauth.create_role('r', '{}', '{oracle-own}')$$),
	($$SELECT bestauth.update_role('Own role', '{claims,claims}', '{oracle-kid,oracle-kid}')$$),
	($$SELECT bestauth.grant_permission('own', 'no_such_thing')$$),
	($$SELECT bestauth.limit_billing_user('ownkey', '{stan}')$$),
	($$SELECT bestauth.limit_billing_user('own', '{stan}')$$),
	($$SELECT bestauth.assign_role('own', 'Own role'), bestauth.delete_role('Own role')$$),
	($$SELECT bestauth.delete_user('own'), bestauth.delete_user('own')$$)) v (statement), LATERAL oracle_test.said(statement) s;
COMMIT;
RESET ROLE;
-- The table's own constraint would have said this.
SELECT s.state, s.names FROM oracle_test.said($$INSERT INTO bestauth.role (company_id, name) SELECT company_id, 'own role' FROM bestauth.company WHERE code = 'oracle-own'$$) s;
SET client_min_messages = warning;
DO $$
BEGIN
	PERFORM bestauth.revoke_access('regress_oracle_app', 'application');
	PERFORM bestauth.revoke_access('regress_oracle_auditor', 'auditor');
END
$$;
REVOKE USAGE ON SCHEMA regress FROM regress_oracle_app, regress_oracle_operator, regress_oracle_auditor, regress_oracle_reads;
DROP SCHEMA oracle_test CASCADE;
DROP OWNED BY regress_oracle_app;
DROP ROLE regress_oracle_app, regress_oracle_operator, regress_oracle_auditor, regress_oracle_reads;
