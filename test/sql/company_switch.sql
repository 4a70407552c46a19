-- The context switcher: a session goes to a child company, and everything after that happens
-- there, is audited there, and is about people of there.
\set SHOW_CONTEXT never
CREATE ROLE regress_cswitch_app;
GRANT USAGE ON SCHEMA regress TO regress_cswitch_app;
SELECT bestauth.grant_access('regress_cswitch_app', 'application');
-- What is of a company has its mark in its name. People of the parent and of the child have the
-- same user names: "max" and "barney" are others there.
DO $$
DECLARE
	c text;
BEGIN
	PERFORM bestauth.create_company(code, name, parent) FROM (VALUES ('cswitch_west', 'Westmark', NULL), ('cswitch_north', 'Northmark', 'cswitch_west'), ('Cswitch_South', 'Southmark', 'cswitch_west'), ('cswitch_svc', 'Service', NULL)) v (code, name, parent);
	PERFORM bestauth.register_billing_service('cswitch_svc');
	PERFORM bestauth.create_role('Westmark manager', '{manage_users,manage_roles,manage_contacts,audit_report,my_account,claims}', '{cswitch_north,cswitch_south}', 'cswitch_west');
	PERFORM bestauth.create_user(username, user_type, initcap(username), last_name, username || '@cswitch.example', 'seven green boats of ' || username, roles => roles, permissions => permissions, company => company) FROM (VALUES
		('betty', 'company_administrator', 'Westmark', '{}'::text[], '{}'::text[], 'cswitch_west'), ('max', 'standard', 'Westmark', '{Westmark manager}', '{web_portal}', 'cswitch_west'), ('barney', 'standard', 'Westmark', '{}', '{my_account,claims}', 'cswitch_west'),
		('max', 'restricted', 'Northmark', '{}', '{claims}', 'cswitch_north'), ('barney', 'standard', 'Northmark', '{}', '{claims}', 'cswitch_north'), ('ana', 'company_administrator', 'Northmark', '{}', '{}', 'cswitch_north'),
		('sam', 'standard', 'Southmark', '{}', '{}', 'cswitch_south'), ('pia', 'restricted', 'Service', '{}', '{audit_report}', 'cswitch_svc')) v (username, user_type, last_name, roles, permissions, company);
	PERFORM bestauth.create_user('key', 'billing', NULL, 'Westmark', NULL, 'seven green boats of key', 'cswitch_svc', '{Westmark manager}', company => 'cswitch_west');
	PERFORM bestauth.assign_company('barney', 'cswitch_north', 'cswitch_west');
	FOREACH c IN ARRAY '{West,North}'::text[] LOOP
		PERFORM bestauth.create_role(c || 'mark role', '{claims}', company => 'cswitch_' || c), bestauth.create_portal('cswitch_' || c, c || 'mark', 'client', c || 'mark portal'), bestauth.create_portal('cswitch_' || c, c || 'docs', 'provider', c || 'mark docs'),
			bestauth.create_contact('client', 'Con', c || 'mark', 'con@cswitch.example', 'cswitch_' || c), bestauth.create_office('cswitch_' || c, '11-3437602', c || 'mark office');
	END LOOP;
END
$$;
CREATE TEMP TABLE token (name text PRIMARY KEY, token text);
INSERT INTO token SELECT name, session_token FROM (VALUES ('betty', 'west', 'betty'), ('max', 'west', 'max'), ('barney', 'west', 'barney'), ('northmax', 'north', 'max'), ('northbarney', 'north', 'barney'), ('pia', 'svc', 'pia')) v (name, company, username), LATERAL bestauth.login('cswitch_' || company, username, 'seven green boats of ' || username);
INSERT INTO token SELECT 'key', two.session_token FROM bestauth.login('cswitch_west', 'key', 'seven green boats of key') one, token, LATERAL bestauth.login_second_part_session(one.challenge_token, token) two WHERE name = 'pia';
GRANT SELECT ON token TO regress_cswitch_app;
CREATE FUNCTION pg_temp.use(name text) RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT lower(code) FROM token t, LATERAL bestauth.use_session(token) s JOIN bestauth.company c USING (company_id) WHERE t.name = $1 $$;
CREATE FUNCTION pg_temp.place() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT lower(code) FROM bestauth.company WHERE company_id = bestauth.current_company_id() $$;
CREATE FUNCTION pg_temp.id(code text) RETURNS uuid LANGUAGE sql SECURITY DEFINER AS $$ SELECT company_id FROM bestauth.company c WHERE lower(c.code) = 'cswitch_' || $1 $$;
CREATE FUNCTION pg_temp.user_id(company text, name text) RETURNS uuid LANGUAGE sql SECURITY DEFINER AS $$ SELECT user_id FROM bestauth.user_account WHERE username = $2 AND company_id = pg_temp.id($1) $$;
CREATE FUNCTION pg_temp.answer(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	rule text;
	detail text;
BEGIN
	EXECUTE format('SELECT count(*) || '' rows: '' || coalesce(string_agg(r::text, '' ''), '''') FROM bestauth.%s r', call) INTO result;
	RETURN regexp_replace(result, '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', '(id)', 'g');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME, detail = PG_EXCEPTION_DETAIL;
	RETURN SQLSTATE || coalesce(' [' || nullif(rule, '') || ']', '') || ' ' || SQLERRM || coalesce(' (' || nullif(detail, '') || ')', '');
END
$$;
-- The codes of companies for their ids.
CREATE FUNCTION pg_temp.coded(v jsonb) RETURNS text LANGUAGE sql AS $$ SELECT replace(replace(replace((v - 'session_id')::text, pg_temp.id('north')::text, 'north'), pg_temp.id('west')::text, 'west'), pg_temp.id('south')::text, 'south') $$;
-- The rows of the audit since the mark, but for those of tables of mail.
CREATE FUNCTION pg_temp.written(mark bigint) RETURNS TABLE (action text, company text, username text, person text, service text, session boolean, object text, old_values text, new_values text, detail text) LANGUAGE sql SECURITY DEFINER AS $$
	SELECT action, lower(company_code), a.username, a.person, billing_service_code, session_id IS NOT NULL, object_type || coalesce(' ' || CASE WHEN a.action !~ '^row' AND object_type <> 'contact' THEN object_id END, ''),
		pg_temp.coded(a.old_values), pg_temp.coded(a.new_values), a.detail::text
	FROM bestauth.audit_log a WHERE audit_id > mark AND object_type NOT IN ('bestauth.outbox', 'bestauth.token') ORDER BY audit_id
$$;

-- [MCM-7] A session goes to a child, whatever the case of the code, and is there in later
-- transactions too; going where it is does nothing.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SET ROLE regress_cswitch_app;
BEGIN;
SELECT pg_temp.use('max');
SELECT bestauth.switch_company('CSWITCH_north');
SELECT pg_temp.place(), bestauth.current_company_id() = pg_temp.id('north') AS north, bestauth.has_permission('claims') AS claims, bestauth.has_permission('web_portal') AS web_portal, bestauth.can_access_company(pg_temp.id('west')) AS west, cardinality(bestauth.accessible_company_ids()) AS companies;
SELECT bestauth.switch_company('cswitch_NORTH'), bestauth.switch_company('cswitch_north');
COMMIT;
SELECT pg_temp.place() AS without_a_session;
BEGIN;
SELECT pg_temp.use('max');
SELECT code, source FROM bestauth.list_accessible_companies();
SELECT bestauth.switch_company('cswitch_south'), pg_temp.place();
SELECT bestauth.switch_company('cswitch_west'), pg_temp.place();
SELECT bestauth.switch_company('cswitch_west');
COMMIT;
-- [AUD-1] It is audited in the company that is entered, with where from.
RESET ROLE;
SELECT action, company, username, person, object, old_values, new_values, detail FROM pg_temp.written(:mark);
-- What is no such company.
BEGIN;
SELECT pg_temp.use('max');
SELECT code, pg_temp.answer(format('switch_company(%L)', code)), pg_temp.place() FROM unnest(ARRAY[NULL, '', 'cswitch_svc', 'cswitch_nowhere', 'cswitch_nort', 'cswitch%', ' cswitch_north', repeat('x', 64), E'cswitch_north\n']) code;
COMMIT;
-- Credentials of the parent are none in the child.
SELECT outcome FROM unnest('{betty,max}'::text[]) name, LATERAL bestauth.login('cswitch_south', name, 'seven green boats of ' || name);

-- [D-03] [J-02] With the savepoint, or the transaction, that it was done in it is undone: where the
-- session is, for this transaction and the next, and its row in the audit.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
BEGIN;
SELECT pg_temp.use('max');
SAVEPOINT a;
SELECT bestauth.switch_company('cswitch_north');
SAVEPOINT b;
SELECT bestauth.switch_company('cswitch_south');
SELECT pg_temp.use('max') AS used_anew;
SELECT pg_temp.place();
ROLLBACK TO b;
SELECT pg_temp.place();
SELECT pg_temp.use('max') AS used_anew;
ROLLBACK TO a;
SELECT pg_temp.place();
SELECT pg_temp.use('max') AS used_anew;
SAVEPOINT c;
SELECT bestauth.switch_company('cswitch_south');
RELEASE c;
SELECT pg_temp.place();
SAVEPOINT d;
SELECT bestauth.switch_company('cswitch_nowhere');
ROLLBACK TO d;
SELECT pg_temp.place();
COMMIT;
BEGIN;
SELECT pg_temp.use('max');
SELECT bestauth.switch_company('cswitch_north');
SELECT pg_temp.use('max') AS used_anew;
ROLLBACK;
BEGIN;
SELECT pg_temp.use('max');
SELECT bestauth.switch_company('cswitch_west');
COMMIT;
SELECT action, company, object, detail FROM pg_temp.written(:mark) WHERE action !~ '^row';

-- In a read-only transaction a session is where it is.
BEGIN READ ONLY;
SELECT pg_temp.use('max');
SELECT pg_temp.answer(call), pg_temp.place() FROM unnest('{switch_company(''cswitch_north''),switch_company(''cswitch_west''),switch_company(''cswitch_nowhere'')}'::text[]) call;
COMMIT;

-- What the session may enter is looked up anew, for a transaction may be long: who was given a
-- company meanwhile, or lost one; the rest of what the session may is found anew then as well.
BEGIN;
SELECT pg_temp.use('barney');
DELETE FROM bestauth.user_company WHERE user_id = pg_temp.user_id('west', 'barney');
SELECT bestauth.can_access_company(pg_temp.id('north')) AS as_it_was, pg_temp.answer('switch_company(''cswitch_north'')'), pg_temp.place();
INSERT INTO bestauth.user_company (company_id, user_id, child_id) VALUES (pg_temp.id('west'), pg_temp.user_id('west', 'barney'), pg_temp.id('south'));
INSERT INTO bestauth.user_permission (company_id, user_id, permission) VALUES (pg_temp.id('west'), pg_temp.user_id('west', 'barney'), 'eops');
SELECT bestauth.can_access_company(pg_temp.id('south')) AS south, bestauth.has_permission('eops') AS eops, pg_temp.answer('switch_company(''cswitch_south'')'), pg_temp.place();
SELECT bestauth.can_access_company(pg_temp.id('south')) AS south, bestauth.can_access_company(pg_temp.id('north')) AS north, bestauth.has_permission('eops') AS eops;
ROLLBACK;
-- [TPB-9] So is whether the session is good at all.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
CREATE TEMP TABLE ending AS SELECT * FROM (VALUES (1, 'logged out', 'SELECT bestauth.logout(token) FROM token WHERE name = ''barney'''), (2, 'revoked', 'SELECT bestauth.revoke_sessions(''barney'')'), (3, 'locked', 'UPDATE bestauth.user_account SET locked_at = now() WHERE user_id = pg_temp.user_id(''west'', ''barney'')'),
	(4, 'deleted', 'UPDATE bestauth.user_account SET deleted_at = now() WHERE user_id = pg_temp.user_id(''west'', ''barney'')'), (5, 'type', 'UPDATE bestauth.user_account SET user_type = ''restricted'' WHERE user_id = pg_temp.user_id(''west'', ''barney'')'), (6, 'password', 'SELECT bestauth.change_password(''seven green boats of barney'', ''eight green boats of nobody'')'),
	(7, 'expired', 'UPDATE bestauth.session SET expires_at = clock_timestamp() WHERE user_id = pg_temp.user_id(''west'', ''barney'')'), (8, 'idle', 'UPDATE bestauth.session_use SET last_used_at = clock_timestamp() - interval ''25 hours'' FROM bestauth.session s WHERE session_use.session_id = s.session_id AND user_id = pg_temp.user_id(''west'', ''barney'')'), (9, 'not at all', 'SELECT')) v (n, what, statement);
DO $$
DECLARE
	e record;
	result text;
BEGIN
	SET LOCAL client_min_messages = error;
	FOR e IN SELECT * FROM ending ORDER BY n LOOP
		BEGIN
			PERFORM pg_temp.use('barney');
			EXECUTE e.statement;
			result := pg_temp.answer('switch_company(''cswitch_north'')') || ', in ' || pg_temp.place();
			RAISE EXCEPTION 'undo';
		EXCEPTION WHEN raise_exception THEN
			RAISE INFO '%: %', e.what, result;
		END;
	END LOOP;
END
$$;
SELECT action, company, username, object LIKE 'session %' AS session, detail FROM pg_temp.written(:mark) WHERE action = 'session.refused';

-- Everything afterwards happens in the child, and is audited for it, up to the way back.
CREATE TEMP TABLE act AS SELECT * FROM unnest(ARRAY['create_role(''Nightmark'', ''{claims}'')', 'update_role(''Nightmark'', ''{claims,my_account}'', NULL)', 'create_user(''nina'', ''restricted'', ''Nina'', ''Nightmark'', ''nina@cswitch.example'', roles => ''{Nightmark}'')', 'assign_role(''max'', ''Nightmark'')', 'unassign_role(''max'', ''Nightmark'')',
	'grant_permission(''nina'', ''audit_report'')', 'revoke_permission(''nina'', ''audit_report'')', 'update_user(''barney'', ''{"title": "Dr."}'')', 'lock_user(''barney'')', 'unlock_user(''barney'')', 'resend_setup_link(''nina'')', 'delete_user(''nina'')', 'create_contact(''client'', ''Con'', ''Nightmark'', ''nick@cswitch.example'')', 'create_user(''sam'', ''restricted'', ''Sam'', ''Nightmark'', ''sam@cswitch.example'')']) WITH ORDINALITY a (call, n);
GRANT SELECT ON act TO regress_cswitch_app;
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SET ROLE regress_cswitch_app;
BEGIN;
SELECT pg_temp.use('max');
SELECT bestauth.switch_company('cswitch_north');
SELECT pg_temp.answer(call), call FROM act WHERE n <= 7 ORDER BY n;
COMMIT;
BEGIN;
SELECT pg_temp.use('max');
SELECT pg_temp.answer(call), call FROM act WHERE n > 7 ORDER BY n;
-- Of the parent, which the user is of, there is nobody and nothing here, and nobody of a sibling.
SELECT pg_temp.answer(call), call FROM unnest(ARRAY['lock_user(''betty'')', 'update_role(''Westmark role'', NULL, NULL)', 'assign_role(''barney'', ''Westmark manager'')', 'user_details(''betty'')', 'search_users(company => ''cswitch_west'')', 'create_user(''w'', ''restricted'', ''W'', ''W'', ''w@cswitch.example'', company => ''cswitch_west'')', 'assign_company(''barney'', ''cswitch_south'')', 'set_auto_approval(false)']) call;
SELECT bestauth.switch_company('cswitch_west');
SELECT pg_temp.answer('create_role(''Westmark later'', ''{claims}'')'), pg_temp.answer('lock_user(''sam'')');
COMMIT;
RESET ROLE;
SELECT company, action, object, username FROM pg_temp.written(:mark) WHERE action !~ '^row' ORDER BY company, action, object;
-- So are the rows of tables, each in the company of its row.
SELECT company, object, count(*) FROM pg_temp.written(:mark) WHERE action ~ '^row' GROUP BY 1, 2 ORDER BY 1, 2;
SELECT action, company, username, session FROM pg_temp.written(:mark) WHERE username IS DISTINCT FROM 'max' OR NOT session;
SELECT lower(c.code) AS company, u.username, u.last_name, u.user_type, locked_at IS NOT NULL AS locked, deleted_at IS NOT NULL AS deleted FROM bestauth.user_account u JOIN bestauth.company c USING (company_id) WHERE c.code ILIKE 'cswitch%' AND u.last_name = 'Nightmark' OR u.username = 'sam' AND c.code = 'Cswitch_South' ORDER BY 1, 2;
SELECT lower(c.code) AS company, r.name FROM bestauth.role r JOIN bestauth.company c USING (company_id) WHERE c.code ILIKE 'cswitch%' AND r.name !~ '^Provider' ORDER BY 1, 2;

-- [AUD-4] The report is the child's: of it, and of nothing else; and the parent's has none of it.
CREATE FUNCTION pg_temp.report() RETURNS TABLE (companies text, marks text, switched bigint) LANGUAGE sql AS $$
	SELECT string_agg(DISTINCT lower(company), ' '), string_agg(DISTINCT substring(concat_ws(' ', object_id, r.old_values, r.new_values, detail) FROM '(West|North|Night|South)mark'), ' '), count(*) FILTER (WHERE action = 'company.switched') FROM bestauth.audit_report(page_size => 1000) r
$$;
SET ROLE regress_cswitch_app;
BEGIN;
SELECT pg_temp.use('max');
SELECT * FROM pg_temp.report();
SELECT bestauth.switch_company('cswitch_north');
SELECT * FROM pg_temp.report();
SELECT action, company, username, person, object_id, detail FROM bestauth.audit_report(username => 'max', action => 'company.switched') ORDER BY audit_id LIMIT 1;
COMMIT;
RESET ROLE;

-- What lists, searches and counts shows what is of the company in which the session is: all
-- such functions, as the table of functions has them, but for what is of no company.
SELECT bestauth.grant_permission('betty', 'web_portal', 'cswitch_west');
CREATE TEMP TABLE lister AS SELECT r.function, format('%s(%s)', r.function, CASE r.function WHEN 'list_contacts' THEN 'NULL' WHEN 'suggest_username' THEN '''M'', ''Ax''' WHEN 'search_employees' THEN '''x''' WHEN 'portal_url' THEN 'NULL' WHEN 'list_sessions' THEN '''barney''' WHEN 'list_user_companies' THEN '''barney''' WHEN 'user_details' THEN '''barney''' ELSE '' END) AS call
FROM bestauth.function_rules r WHERE r.function ~ '^(list|search|count|export|suggest|user_details|audit_report)' AND r.needs <> 'nothing' AND NOT (r.permissions = '{manage_portal_users}') AND r.function NOT IN ('export_served_customers', 'list_served_customers', 'list_accessible_companies', 'list_providers', 'audit_report', 'list_permissions', 'list_billing_services') AND r.function NOT LIKE 'list_isol%';
GRANT SELECT ON lister TO regress_cswitch_app;
CREATE FUNCTION pg_temp.marks(call text) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(DISTINCT m[1], ' ' ORDER BY m[1]), left(a, 24)) FROM pg_temp.answer(call) a LEFT JOIN LATERAL regexp_matches(a, '(West|North|Night|South)(?:mark|docs)', 'g') m ON true GROUP BY a
$$;
SET ROLE regress_cswitch_app;
BEGIN;
SELECT pg_temp.use('betty');
SELECT bestauth.switch_company('cswitch_north'), pg_temp.place();
SELECT function, pg_temp.marks(call) AS in_north FROM lister ORDER BY function COLLATE "C";
SELECT bestauth.switch_company('cswitch_west'), pg_temp.place();
SELECT function, pg_temp.marks(call) AS in_west FROM lister ORDER BY function COLLATE "C";
COMMIT;
RESET ROLE;

-- [H-01] In a child whoever has the user name of the session's user is somebody else: what
-- everybody may do about themselves takes the permission there, and is about the other one.
CREATE TEMP TABLE self AS SELECT function, format('%s(%%L)', function) AS call FROM bestauth.function_rules WHERE needs = 'permission or own user';
GRANT SELECT ON self TO regress_cswitch_app;
CREATE FUNCTION pg_temp.told(call text) RETURNS text LANGUAGE sql AS $$ SELECT coalesce(substring(pg_temp.answer(call) FROM '(?:West|North)mark'), substring(pg_temp.answer(call) FROM '^(?:0 rows|1 rows: \d+$|42501 \[[-A-Z0-9]*\])'), 'answer') $$;
UPDATE token SET token = session_token FROM (VALUES ('northbarney', 'barney'), ('northmax', 'max')) v (n, username), LATERAL bestauth.login('cswitch_north', username, 'seven green boats of ' || username) WHERE name = n;
SET ROLE regress_cswitch_app;
BEGIN;
SELECT pg_temp.use('barney');
SELECT function, pg_temp.told(format(call, 'barney')) AS own, pg_temp.told(format(call, 'BARNEY')) AS own_too FROM self WHERE function <> 'revoke_sessions' ORDER BY 1;
SELECT bestauth.switch_company('cswitch_north');
SELECT function, pg_temp.told(format(call, 'barney')) AS namesake, pg_temp.told(format(call, 'BARNEY')) AS namesake_too, pg_temp.told(format(call, 'nobody')) AS nobody FROM self ORDER BY 1;
-- [MCM-8] Back in the own company they are oneself again.
SELECT bestauth.switch_company('cswitch_west');
SELECT function, pg_temp.told(format(call, 'barney')) AS own FROM self WHERE function <> 'revoke_sessions' ORDER BY 1;
SELECT bestauth.switch_company('cswitch_north');
COMMIT;
RESET ROLE;
-- Nobody was ended, and every refusal is written down in the child.
BEGIN;
SELECT name, pg_temp.use(name) FROM unnest('{barney,northbarney}'::text[]) name;
COMMIT;
SELECT object_id AS function, lower(company_code) AS company, username, count(*) FROM bestauth.audit_log WHERE action = 'access.denied' AND user_id = pg_temp.user_id('west', 'barney') AND object_id IN (SELECT function FROM self) GROUP BY 1, 2, 3 ORDER BY 1;
-- Who manages users does so in the child: with the namesake, who is somebody else, what nobody
-- may do with themselves as well. What is about the own account stays that.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SET ROLE regress_cswitch_app;
BEGIN;
SELECT pg_temp.use('max'), bestauth.switch_company('cswitch_west');
SELECT call, pg_temp.answer(call) AS own FROM unnest('{reset_password(''max''),unlock_user(''max''),"grant_permission(''max'', ''web_portal'')"}'::text[]) call;
SELECT bestauth.switch_company('cswitch_north');
SELECT function, pg_temp.told(format(call, 'max')) AS namesake FROM self ORDER BY 1;
SELECT call, regexp_replace(pg_temp.answer(call), '[a-z0-9]{5}(-[a-z0-9]{5}){3}', '(password)') AS namesake FROM unnest('{reset_password(''max''),unlock_user(''max''),"grant_permission(''max'', ''web_portal'')","update_user(''max'', ''{\"email\": \"newmax@cswitch.example\"}'')"}'::text[]) call;
SELECT bestauth.change_password('a wrong password of max', 'eight green boats of nobody'), bestauth.change_password('seven green boats of max', 'eight green boats of nobody');
COMMIT;
RESET ROLE;
SELECT action, company, object, username FROM pg_temp.written(:mark) WHERE action !~ '^row' AND action NOT IN ('company.switched', 'access.denied');
SELECT name, regress.attempt(format('SELECT pg_temp.use(%L)', name)) FROM unnest('{max,northmax}'::text[]) name;
SELECT outcome AS own FROM bestauth.login('cswitch_west', 'max', 'eight green boats of nobody');
SELECT outcome AS namesake, lower(password) AS password FROM unnest('{seven green boats of max,eight green boats of nobody}'::text[]) password, LATERAL bestauth.login('cswitch_north', 'max', password);
SELECT lower(code) AS company, permission FROM bestauth.user_permission JOIN bestauth.user_account USING (user_id) JOIN bestauth.company c ON c.company_id = user_account.company_id WHERE username = 'max' AND permission = 'web_portal' AND code ILIKE 'cswitch%' ORDER BY 1;
UPDATE token SET token = session_token FROM bestauth.login('cswitch_west', 'max', 'eight green boats of nobody') WHERE name = 'max';

-- [PRT-3] It takes web_portal in the child too, and what it makes is of the child: of its
-- contacts, in its portal.
SELECT bestauth.revoke_permission('betty', 'web_portal', 'cswitch_west');
SELECT max(contact_id::text) FILTER (WHERE last_name = 'Northmark') AS north, max(contact_id::text) FILTER (WHERE last_name = 'Westmark') AS west FROM bestauth.contact JOIN bestauth.company USING (company_id) WHERE code ILIKE 'cswitch%' \gset contact_
SET ROLE regress_cswitch_app;
BEGIN;
SELECT pg_temp.use('betty'), bestauth.switch_company('cswitch_north');
SELECT pg_temp.answer(format('create_portal_account(%L, %L)', :'contact_north', 'con@cswitch.example')) AS without;
SELECT pg_temp.use('max'), bestauth.switch_company('cswitch_north');
SELECT pg_temp.answer(format('create_portal_account(%L, %L)', :'contact_west', 'con@cswitch.example')) AS of_the_parent, pg_temp.answer(format('create_portal_account(%L, %L, %L)', :'contact_north', 'con@cswitch.example', 'West')) AS in_the_parents;
SELECT pg_temp.answer(format('create_portal_account(%L, %L)', :'contact_north', 'con@cswitch.example'));
COMMIT;
RESET ROLE;
SELECT lower(c.code) AS company, p.code AS portal, u.username, u.user_type FROM bestauth.user_account u JOIN bestauth.portal p USING (portal_id) JOIN bestauth.company c ON c.company_id = u.company_id WHERE c.code ILIKE 'cswitch%';

-- [TPB-6] [TPB-10] A person of a service goes to the child with the key, and is named beside it in
-- everything there; the child sees it, and the service what its own person did [IBS-8] [AUD-4].
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SET ROLE regress_cswitch_app;
BEGIN;
SELECT pg_temp.use('key');
SELECT code, source FROM bestauth.list_accessible_companies();
SELECT bestauth.switch_company('cswitch_north');
COMMIT;
BEGIN;
SELECT pg_temp.use('key'), bestauth.current_billing_service_id() = pg_temp.id('svc') AS service, bestauth.current_person_id() = pg_temp.user_id('svc', 'pia') AS person;
SELECT pg_temp.answer('create_role(''Nightmark of keys'', ''{claims}'')'), pg_temp.answer('create_role(''Nightmark too much'', ''{eops}'')'), pg_temp.answer('switch_company(''cswitch_svc'')'), pg_temp.answer('user_details(''pia'')');
COMMIT;
RESET ROLE;
SELECT action, company, username, person, service, object FROM pg_temp.written(:mark);
SET ROLE regress_cswitch_app;
BEGIN;
SELECT pg_temp.use('pia');
SELECT action, lower(company) AS company, username, person, billing_service, object_id FROM bestauth.audit_report(action => 'company.switched') UNION ALL SELECT action, lower(company) AS company, username, person, billing_service, object_id FROM bestauth.audit_report(action => 'role.created');
SELECT pg_temp.use('max'), bestauth.switch_company('cswitch_north');
SELECT action, company, username, person, billing_service, object_id FROM bestauth.audit_report(person => 'cswitch_svc/pia') WHERE action !~ '^row' ORDER BY audit_id;
COMMIT;
RESET ROLE;
-- [TPB-5] What the person may enter is the person's: not the key's session, but their own, which
-- is the second part wherever it is.
SELECT bestauth.create_company('cswitch_svckid', 'Service child', 'cswitch_svc') IS NOT NULL AS made, bestauth.assign_company('pia', 'cswitch_svckid', 'cswitch_svc');
BEGIN;
SELECT pg_temp.use('key'), pg_temp.answer('switch_company(''cswitch_svckid'')');
SELECT pg_temp.use('pia'), pg_temp.answer('switch_company(''cswitch_svckid'')'), pg_temp.place();
SELECT pg_temp.answer('switch_company(''cswitch_north'')');
COMMIT;
SELECT one.billing_service, two.outcome FROM bestauth.login('cswitch_west', 'key', 'seven green boats of key') one, token, LATERAL bestauth.login_second_part_session(one.challenge_token, token) two WHERE name = 'pia';
SELECT two.outcome FROM bestauth.login('cswitch_west', 'key', 'seven green boats of key') one, token, LATERAL bestauth.login_second_part_session(one.challenge_token, token) two WHERE name = 'key';
-- [TPB-9] Whoever ends it ends it there as well.
SELECT bestauth.lock_user('pia', 'cswitch_svc');
SELECT regress.attempt($$SELECT pg_temp.use('key')$$);

-- A session is listed with the company that it is in, and ended by who manages the users of the
-- user's own company, where it may be; the end is written down where it was.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
INSERT INTO token SELECT 'max2', session_token FROM bestauth.login('cswitch_west', 'max', 'eight green boats of nobody');
BEGIN;
SELECT pg_temp.use('max'), pg_temp.answer('switch_company(''cswitch_west'')'), pg_temp.answer('switch_company(''cswitch_south'')');
SELECT pg_temp.use('max2'), bestauth.switch_company('cswitch_north');
COMMIT;
SELECT lower(company) AS company, username FROM bestauth.list_sessions('max', company => 'cswitch_west') ORDER BY 1;
SELECT bestauth.logout(token) FROM token WHERE name = 'max2';
SELECT pg_temp.answer('revoke_sessions(''max'', ''cswitch_south'')'), bestauth.revoke_sessions('max', 'cswitch_west') >= 2 AS revoked;
SELECT name, regress.attempt(format('SELECT pg_temp.use(%L)', name)) FROM unnest('{max,max2}'::text[]) name;
SELECT action, company, username, object LIKE 'session %' AS session FROM pg_temp.written(:mark) WHERE action IN ('session.ended', 'sessions.revoked', 'session.refused') OR action = 'row.updated' AND object LIKE '%session' AND new_values LIKE '%ended%';

-- [G-05] Who comes from the parent leaves the child an administrator.
BEGIN;
SELECT pg_temp.use('betty'), bestauth.switch_company('cswitch_north');
SELECT pg_temp.answer('lock_user(''ana'')'), pg_temp.answer('delete_user(''ana'')');
SELECT bestauth.create_user('amy', 'company_administrator', 'Amy', 'Northmark', 'amy@cswitch.example') IS NOT NULL AS made, pg_temp.answer('delete_user(''ana'')'), pg_temp.answer('delete_user(''amy'')');
ROLLBACK;

REVOKE USAGE ON SCHEMA regress FROM regress_cswitch_app;
SELECT bestauth.revoke_access('regress_cswitch_app', 'application');
DROP OWNED BY regress_cswitch_app;
DROP ROLE regress_cswitch_app;
