-- Contacts: the people and organisations that a company deals with.
\set SHOW_CONTEXT never
SELECT count(bestauth.create_company(code, name)) FROM (VALUES ('contact_own', 'Own Clinic'), ('contact_far', 'Far Clinic'), ('contact_pages', 'Pages Clinic')) v (code, name);
SELECT count(bestauth.create_portal(company, code, 'client', 'Portal ' || code)) FROM (VALUES ('contact_own', 'V1'), ('contact_own', 'V2'), ('contact_far', 'V1')) v (company, code);
CREATE ROLE regress_contact_app;
CREATE ROLE regress_contact_operator;
SELECT bestauth.grant_access('regress_contact_app', 'application'), bestauth.grant_access('regress_contact_operator', 'operator');
GRANT USAGE ON SCHEMA regress TO regress_contact_app, regress_contact_operator;
SELECT count(bestauth.create_user(username, user_type, username, 'Test', username || '@contact.example', 'a long password of ' || username, permissions => permissions, company => 'contact_own'))
FROM (VALUES ('mac', 'standard', '{manage_contacts}'::text[]), ('web', 'standard', '{web_portal}'), ('head', 'standard', '{manage_users}'), ('adam', 'company_administrator', '{}')) v (username, user_type, permissions);
CREATE TEMP TABLE token AS SELECT username, session_token AS token
FROM (VALUES ('mac'), ('web'), ('head'), ('adam')) v (username), LATERAL bestauth.login('contact_own', username, 'a long password of ' || username);
CREATE TEMP TABLE person (name text PRIMARY KEY, contact_id uuid NOT NULL);
GRANT SELECT ON token, person TO regress_contact_app, regress_contact_operator;
-- What a call returns, or its error; <name> in it stands for the id of a contact.
CREATE FUNCTION pg_temp.answer(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	rule text;
BEGIN
	call := coalesce((SELECT replace(call, '<' || name || '>', quote_literal(contact_id)) FROM person WHERE strpos(call, '<' || name || '>') > 0), call);
	EXECUTE format('SELECT string_agg(r::text, '' '') FROM bestauth.%s r', call) INTO result;
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
CREATE FUNCTION pg_temp.found(arguments text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('SELECT string_agg(concat_ws(''/'', contact_type, first_name, last_name, email), '', '' ORDER BY contact_type, first_name COLLATE "C", email) FROM bestauth.list_contacts(%s, company => ''contact_own'')', arguments) INTO result;
	RETURN result;
END
$$;
CREATE VIEW pg_temp.contacts WITH (security_invoker) AS SELECT c.code AS company, k.contact_type, k.first_name, k.last_name, k.email FROM bestauth.contact k JOIN bestauth.company c USING (company_id) WHERE c.code LIKE 'contact\_%';
GRANT SELECT ON pg_temp.contacts TO regress_contact_operator;

-- [PRT-4] Making and editing takes manage_contacts, or the operator; who makes portal
-- accounts may list them too.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SET ROLE regress_contact_app;
SELECT username, pg_temp.as_user(username, $$create_contact('client', 'By', 'User')$$) AS create, pg_temp.as_user(username, $$list_contacts()$$) IS NOT NULL AS answered,
	left(pg_temp.as_user(username, $$list_contacts()$$), 5) = '42501' AS list_refused, pg_temp.as_user(username, $$update_contact(gen_random_uuid(), '{}')$$) AS update
FROM (VALUES ('mac'), ('adam'), ('web'), ('head')) v (username);
SELECT pg_temp.answer($$create_contact('client', 'By', 'Nobody', company => 'contact_own')$$), pg_temp.answer($$list_contacts(company => 'contact_own')$$), pg_temp.answer($$update_contact(gen_random_uuid(), '{}', 'contact_own')$$);
SELECT statement, regress.attempt(statement) FROM unnest(ARRAY['SELECT FROM bestauth.contact', 'UPDATE bestauth.contact SET email = NULL', 'DELETE FROM bestauth.contact',
	$$INSERT INTO bestauth.contact (company_id, contact_type, last_name) VALUES (gen_random_uuid(), 'client', 'x')$$]) statement;
SET ROLE regress_contact_operator;
SELECT pg_temp.answer($$create_contact('client', 'By', 'Operator', company => 'Contact_OWN')$$), pg_temp.answer($$create_contact('client', 'By', 'Operator')$$), pg_temp.answer($$create_contact('client', 'By', 'Operator', company => 'contact_nowhere')$$);
SELECT * FROM pg_temp.contacts ORDER BY last_name;
RESET ROLE;
SELECT DISTINCT username, object_id, detail->>'rule' AS rule FROM bestauth.audit_log WHERE audit_id > :mark AND action = 'access.denied' AND company_code = 'contact_own' ORDER BY 1, 2, 3;
SELECT action, username, object_type, company_code FROM bestauth.audit_log WHERE audit_id > :mark AND action = 'contact.created' ORDER BY audit_id;

INSERT INTO person SELECT name, bestauth.create_contact(contact_type, first_name, last_name, email, company) FROM (VALUES
	('cleo', 'client', 'Cléo', 'Müller', 'cleo@contact.example', 'contact_own'), ('ivo', 'individual', 'Ivo', 'Muller', NULL, 'contact_own'), ('ref', 'referral', 'Reff', NULL, 'ref@contact.example', 'contact_own'),
	('far', 'client', 'Cleo', 'Farther', 'cleo@contact.example', 'contact_far')) v (name, contact_type, first_name, last_name, email, company);

-- [PRT-2] A type is client, individual, or any word that the company uses, kept in small letters.
SET ROLE regress_contact_operator;
BEGIN;
SELECT type, pg_temp.answer(format('create_contact(%L, ''Typed'', ''X'', company => ''contact_own'')', type))
FROM unnest(ARRAY['client', 'CLIENT', 'Individual', 'referral_source', 'co-payer2', repeat('t', 63), repeat('t', 64), '2nd', '-x', 'a b', 'a.b', 'ä', '', ' client', NULL]) type;
SELECT string_agg(left(contact_type, 20), ' ' ORDER BY contact_type) AS types FROM pg_temp.contacts WHERE first_name = 'Typed';
ROLLBACK;
-- One of the names may be left out, not both.
SELECT n, pg_temp.answer(format('create_contact(''client'', %s, company => ''contact_own'')', n)) FROM unnest(ARRAY[$$'Only', NULL$$, $$NULL, 'Only'$$, $$NULL, NULL$$, $$'', ''$$, $$'  ', NULL$$, $$E'a\nb', 'x'$$, $$'x', E'a\tb'$$,
	$$repeat('n', 101), 'x'$$, $$'x', repeat('n', 101)$$, $$repeat('ü', 100), repeat('ü', 100)$$]) n;
SELECT left(first_name, 4) AS first, left(last_name, 4) AS last FROM pg_temp.contacts WHERE first_name = 'Only' OR last_name = 'Only' OR last_name LIKE 'ü%' ORDER BY first_name COLLATE "C";
-- [PRT-4] One address, or none; it can be added later.
SELECT email, pg_temp.answer(format('create_contact(''client'', ''Mail'', ''X'', %L, ''contact_own'')', email)) FROM unnest(ARRAY['good@contact.example', 'Good+tag@Contact.example', NULL, '', 'nobody', 'a@b', '@contact.example', 'a@', 'a@@contact.example', 'a@b@contact.example', 'a b@contact.example',
	'a@contact..example', 'a@.example', 'a@contact.example.', 'ä@contact.example', 'a,b@contact.example', '<a@contact.example>', '"a"@contact.example', E'a@contact.example\nBcc: b@contact.example', ' a@contact.example']) email;
SELECT email FROM pg_temp.contacts WHERE first_name = 'Mail' ORDER BY email COLLATE "C";
RESET ROLE;

-- What is changed is what is named, one by one; a key that there is not is an error.
SET ROLE regress_contact_app;
SELECT changes, pg_temp.as_user('mac', format('update_contact(<ivo>, %L)', changes)) FROM unnest(ARRAY[
	'{}', '{"email": "ivo@contact.example"}', '{"first_name": "  Ivor "}', '{"last_name": "Mueller"}', '{"contact_type": "CLIENT"}', '{"contact_type": "individual", "email": null}', '{"first_name": null}',
	'{"last_name": null}', '{"last_name": "  "}', '{"first_name": "Ivo", "last_name": null}', '{"last_name": "Muller"}',
	'{"contact_type": null}', '{"contact_type": ""}', '{"contact_type": "a b"}', '{"email": "nobody"}', '{"email": ""}', '{"email": "a@contact.example\nBcc: b@contact.example"}', '{"first_name": "a\nb"}',
	'{"company_id": "00000000-0000-7000-8000-000000000000"}', '{"contact_id": "00000000-0000-7000-8000-000000000000"}', '{"created_at": "2026-01-01"}', '{"Email": "x@contact.example"}', '{"phone": "1"}', '{"email": "x@contact.example", "phone": "1"}',
	'{"email": 1}', '{"email": true}', '{"first_name": ["a"]}', '{"last_name": {"a": 1}}', '[]', '"email"', 'null', NULL]) changes;
SELECT left(pg_temp.as_user('mac', format('update_contact(<ivo>, %L)', jsonb_build_object(key, repeat('n', 101)))), 60) AS too_long FROM unnest('{first_name,last_name,contact_type}'::text[]) key;
SELECT pg_temp.as_user('mac', 'update_contact(NULL, ''{}'')');
RESET ROLE;
SELECT action, username, new_values FROM bestauth.audit_log WHERE audit_id > :mark AND object_type = 'bestauth.contact' AND action = 'row.updated' ORDER BY audit_id;
SELECT k.contact_type, k.first_name, k.last_name, k.email FROM bestauth.contact k JOIN person USING (contact_id) WHERE name = 'ivo';

-- [H-01] A contact of another company and one that is not there are the same.
SET ROLE regress_contact_app;
SELECT call, pg_temp.as_user('mac', call) FROM unnest(ARRAY['update_contact(<far>, ''{"email": null}'')', 'update_contact(''00000000-0000-7000-8000-000000000000'', ''{"email": null}'')',
	'update_contact(<far>, ''{"email": null}'', ''contact_far'')', 'update_contact(<far>, ''{"email": null}'', ''contact_nowhere'')', 'update_contact(<far>, ''{"bad": null}'')', 'update_contact(''00000000-0000-7000-8000-000000000000'', ''{"bad": null}'')',
	'create_contact(''client'', ''F'', ''F'', NULL, ''contact_far'')', 'list_contacts(company => ''contact_far'')', 'list_contacts(email => ''cleo@contact.example'', last_name => ''Farther'')']) call;
SET ROLE regress_contact_operator;
SELECT call, pg_temp.answer(call) FROM unnest(ARRAY['update_contact(<far>, ''{"email": null}'', ''contact_own'')', 'update_contact(<far>, ''{"last_name": "Far"}'', ''contact_far'')', 'update_contact(<far>, ''{"last_name": "Far"}'')', 'update_contact(''00000000-0000-7000-8000-000000000000'', ''{}'')']) call;

-- The list: by the beginning of names without case
-- and accents, by the whole address without case.
SELECT arguments, pg_temp.found(arguments) FROM unnest(ARRAY[$$last_name => 'mul'$$, $$last_name => 'MÜLLER'$$, $$last_name => 'uller'$$, $$first_name => 'cleo'$$, $$first_name => 'Clé', last_name => 'mu'$$, $$last_name => '%'$$, $$last_name => '_uller'$$, $$first_name => '', last_name => ' u'$$,
	$$contact_type => 'REFERRAL'$$, $$contact_type => 'referral'$$, $$contact_type => 'ref'$$, $$contact_type => 'individual'$$, $$email => 'CLEO@contact.EXAMPLE'$$, $$email => 'cleo@contact'$$, $$email => 'cleo%'$$, $$contact_type => 'client', last_name => 'Muller', email => 'ivo@contact.example'$$]) arguments;
SELECT count(*) FROM bestauth.list_contacts(company => 'contact_far');
SELECT count(bestauth.create_contact('client', 'N' || n, 'Page', company => 'contact_pages')) FROM generate_series(1, 7) n;
WITH RECURSIVE page AS (
	(SELECT * FROM bestauth.list_contacts(page_size => 1, company => 'contact_pages'))
	UNION ALL
	SELECT following.* FROM page, LATERAL bestauth.list_contacts(page_size => 1, after => page.next, company => 'contact_pages') following
)
SELECT (SELECT array_agg(first_name) FROM page) = (SELECT array_agg(first_name) FROM bestauth.list_contacts(company => 'contact_pages')) AS paged, (SELECT string_agg(first_name, ' ' ORDER BY first_name) FROM page) AS each_once;
SELECT (SELECT array_agg(first_name) FROM bestauth.list_contacts(page_size => 3, company => 'contact_pages')) = (SELECT (array_agg(first_name))[1:3] FROM bestauth.list_contacts(company => 'contact_pages')) AS first_page;
SELECT call, pg_temp.answer('list_contacts(' || call || ', company => ''contact_pages'')') FROM unnest(ARRAY['page_size => 0', 'page_size => 1001', 'after => ''x''', 'after => ''N1''', 'after => ''00000000-0000-7000-8000-00000000000G''',
	'after => ''ffffffff-ffff-ffff-ffff-ffffffffffff''', 'first_name => repeat(''n'', 101)', 'email => repeat(''n'', 255)']) call;
RESET ROLE;

-- [PRT-2] The list tells of the accounts; who has one stays of a type that may.
SELECT pg_temp.answer('create_portal_account(<cleo>, ''cleo@contact.example'', ''V2'', ''contact_own'')'), pg_temp.answer('create_portal_account(<cleo>, ''cleo@contact.example'', ''V1'', ''contact_own'')'), pg_temp.answer('create_portal_account(<far>, ''cleo@contact.example'', NULL, ''contact_far'')');
SELECT bestauth.lock_user('cleo@contact.example', 'contact_own', 'V2');
SET ROLE regress_contact_app;
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'web'));
SELECT contact_type, first_name, last_name, email, accounts FROM bestauth.list_contacts(last_name => 'mu') ORDER BY first_name COLLATE "C";
COMMIT;
SELECT changes, pg_temp.as_user('mac', format('update_contact(<cleo>, %L)', changes)) FROM unnest(ARRAY['{"contact_type": "referral"}', '{"contact_type": "individual"}', '{"contact_type": "client", "first_name": "Clea"}', '{"email": "CLEO@contact.example"}']) changes;
RESET ROLE;
-- The account keeps its name.
SELECT u.username, u.email, k.first_name, k.email AS of_the_contact FROM bestauth.user_account u JOIN bestauth.contact k USING (contact_id) JOIN person p USING (contact_id) JOIN bestauth.portal o USING (portal_id) WHERE p.name = 'cleo' ORDER BY o.code;
-- Direct SQL of the operator comes no further, and moves no contact.
SET ROLE regress_contact_operator;
SELECT assignment, left(regress.attempt(format('UPDATE bestauth.contact SET %s WHERE contact_id = (SELECT contact_id FROM person WHERE name = ''cleo'')', assignment)), 100) FROM unnest(ARRAY[
	$$contact_type = 'referral'$$, $$contact_type = 'INDIVIDUAL'$$, $$contact_type = 'a b'$$, $$contact_type = NULL$$, $$email = 'nobody'$$, $$first_name = NULL, last_name = NULL$$, $$first_name = ' x'$$, $$first_name = repeat('n', 101)$$,
	$$contact_id = gen_random_uuid()$$, $$company_id = (SELECT company_id FROM bestauth.company WHERE code = 'contact_far')$$]) assignment;
SELECT regress.attempt('DELETE FROM bestauth.contact'), regress.attempt($$INSERT INTO bestauth.contact (company_id, contact_type, first_name) VALUES (gen_random_uuid(), 'client', 'X')$$);
RESET ROLE;
SET client_min_messages = warning;
SELECT left(regress.attempt('DELETE FROM bestauth.contact WHERE contact_id = (SELECT contact_id FROM person WHERE name = ''cleo'')'), 5), regress.attempt('TRUNCATE bestauth.contact CASCADE');
RESET client_min_messages;
-- [PRT-4] When the address is corrected, the accounts that nobody has made active yet are
-- deleted, a locked one too: who has the wrong address is not to have them. Of a deleted
-- account nothing is told.
SELECT pg_temp.answer($$update_contact(<cleo>, '{"email": "clea@contact.example"}', 'contact_own')$$);
SELECT o.code, u.username, u.deleted_at IS NOT NULL AS deleted FROM bestauth.user_account u JOIN person p USING (contact_id) JOIN bestauth.portal o USING (portal_id) WHERE p.name IN ('cleo', 'far') ORDER BY o.company_id = (SELECT company_id FROM bestauth.company WHERE code = 'contact_far'), o.code;
SELECT accounts FROM bestauth.list_contacts(first_name => 'Clea', company => 'contact_own');
-- [PRT-2] It comes back to a contact that may have it, and to no other.
SELECT pg_temp.answer($$update_contact(<cleo>, '{"contact_type": "referral", "email": "cleo@contact.example"}', 'contact_own')$$);
SELECT left(regress.attempt($$SELECT bestauth.restore_user('cleo@contact.example', 'contact_own', 'V1')$$), 13) AS restored;
SELECT pg_temp.answer($$update_contact(<cleo>, '{"contact_type": "client"}', 'contact_own')$$);
SELECT left(regress.attempt($$SELECT bestauth.restore_user('cleo@contact.example', 'contact_own', 'V1')$$), 13) AS restored;

REVOKE USAGE ON SCHEMA regress FROM regress_contact_app, regress_contact_operator;
SELECT bestauth.revoke_access('regress_contact_app', 'application'), bestauth.revoke_access('regress_contact_operator', 'operator');
DROP TABLE token, person;
DROP VIEW pg_temp.contacts;
DROP ROLE regress_contact_app, regress_contact_operator;
