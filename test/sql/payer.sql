-- Payers and facilities: lists of a company, which a parent copies down to its children. Both
-- kinds are asked the same all through: <one> and <many> stand for their nouns.
\set SHOW_CONTEXT never
SELECT count(bestauth.create_company(code, name, parent)) FROM (VALUES ('payer_west', 'West EMS Transport', NULL), ('payer_north', 'North', 'payer_west'), ('Payer_South', 'South', 'payer_west'),
	('payer_lone', 'Lone', NULL), ('payer_far', 'Far', NULL), ('payer_far_kid', 'Kid of Far', 'payer_far'), ('payer_svc', 'Service', NULL)) v (code, name, parent);
SELECT bestauth.register_billing_service('payer_svc');
CREATE ROLE regress_payer_app;
CREATE ROLE regress_payer_operator;
SELECT bestauth.grant_access('regress_payer_app', 'application'), bestauth.grant_access('regress_payer_operator', 'operator');
GRANT USAGE ON SCHEMA regress TO regress_payer_operator;
-- Betty administers the parent, Barney is a biller of it, who has one child by his role.
SELECT count(bestauth.create_role(name, permissions, companies, company)) FROM (VALUES ('Biller', '{manage_payers,manage_facilities,claims}'::text[], '{payer_north}'::text[], 'payer_west'),
	('Lists', '{manage_payers,manage_facilities}', '{}', 'payer_north'), ('Lists', '{manage_payers,manage_facilities}', '{}', 'payer_lone')) v (name, permissions, companies, company);
SELECT count(bestauth.create_user(username, user_type, username, 'Test', CASE WHEN user_type <> 'billing' THEN username || '@payer.example' END, 'seven green boats of ' || username,
	CASE WHEN user_type = 'billing' THEN 'payer_svc' END, roles, permissions, company))
FROM (VALUES ('betty', 'company_administrator', '{}'::text[], '{}'::text[], 'payer_west'), ('barney', 'standard', '{Biller}', '{}', 'payer_west'), ('rita', 'restricted', '{}', '{manage_payers,manage_facilities,manage_users,manage_roles}', 'payer_west'),
	('key', 'billing', '{Biller}', '{}', 'payer_west'), ('pia', 'restricted', '{}', '{}', 'payer_svc'),
	('norm', 'company_administrator', '{}', '{}', 'payer_north'), ('nora', 'standard', '{Lists}', '{}', 'payer_north'), ('paul', 'standard', '{}', '{manage_payers}', 'payer_north'), ('faye', 'standard', '{}', '{manage_facilities}', 'payer_north'),
	('cleo', 'standard', '{}', '{claims}', 'payer_north'), ('nils', 'standard', '{}', '{manage_users,manage_contacts,eops}', 'payer_north'), ('lona', 'standard', '{Lists}', '{}', 'payer_lone')) v (username, user_type, roles, permissions, company);
CREATE TEMP TABLE token AS SELECT username, session_token AS token FROM (VALUES ('betty', 'payer_west'), ('barney', 'payer_west'), ('rita', 'payer_west'), ('norm', 'payer_north'), ('nora', 'payer_north'), ('paul', 'payer_north'), ('faye', 'payer_north'), ('cleo', 'payer_north'), ('nils', 'payer_north'), ('lona', 'payer_lone')) v (username, company),
	LATERAL bestauth.login(company, username, 'seven green boats of ' || username);
INSERT INTO token SELECT 'key', two.session_token FROM bestauth.login('payer_west', 'key', 'seven green boats of key') one, LATERAL bestauth.login_second_part(one.challenge_token, 'pia', 'seven green boats of pia') two;
SELECT count(*) AS sessions, count(token) AS good FROM token;
GRANT SELECT ON token TO regress_payer_app;

-- What a call, or a statement, comes to for both kinds: once if it is the same.
CREATE FUNCTION pg_temp.attempt(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	rule text;
	detail text;
	number int;
BEGIN
	IF call ~ '^[A-Z]' THEN
		EXECUTE call;
		GET DIAGNOSTICS number = ROW_COUNT;
		RETURN 'done ' || number;
	END IF;
	EXECUTE format('SELECT string_agg(r::text, '' '') FROM bestauth.%s r', call) INTO result;
	RETURN regexp_replace(coalesce(result, '(none)'), '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', '(id)', 'g');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME, detail = PG_EXCEPTION_DETAIL;
	RETURN regexp_replace(concat_ws(' ', SQLSTATE, '[' || nullif(rule, '') || ']', SQLERRM, CASE WHEN SQLSTATE = '42501' THEN '(' || detail || ')' END), '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', '(id)', 'g');
END
$$;
CREATE FUNCTION pg_temp.neutral(answer text) RETURNS text LANGUAGE sql AS $$
	SELECT regexp_replace(regexp_replace(answer, '(\m|_)(payers|facilities)\M', '\1<many>', 'g'), '(\m|_)(payer|facility)(?=\M|_id|_name|_details|_copied|_company|_pkey)', '\1<one>', 'g')
$$;
CREATE FUNCTION pg_temp.ask(who text, call text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
DECLARE
	payer text;
	facility text;
BEGIN
	IF who IS NOT NULL THEN
		PERFORM bestauth.use_session(t.token) FROM token t WHERE t.username = who;
	END IF;
	payer := pg_temp.neutral(pg_temp.attempt(replace(replace(call, '<one>', 'payer'), '<many>', 'payers')));
	facility := pg_temp.neutral(pg_temp.attempt(replace(replace(call, '<one>', 'facility'), '<many>', 'facilities')));
	RETURN CASE WHEN payer IS NOT DISTINCT FROM facility THEN payer ELSE format('payer: %s, facility: %s', payer, facility) END;
END
$$;
CREATE FUNCTION pg_temp.asks(who text, calls text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	call text;
	answers text[];
BEGIN
	FOREACH call IN ARRAY calls LOOP
		answers := answers || coalesce(nullif(pg_temp.ask(who, call), ''), 'done');
	END LOOP;
	RETURN array_to_string(answers, '; ');
END
$$;
CREATE TEMP VIEW item AS SELECT 'payer' AS kind, payer_id AS id, company_id, name, details, copied_from, created_at FROM bestauth.payer UNION ALL SELECT 'facility', facility_id, company_id, name, details, copied_from, created_at FROM bestauth.facility;
CREATE TEMP VIEW state AS SELECT c.code AS company, i.name, i.details, CASE WHEN i.copied_from IS NOT NULL THEN coalesce(s.name, '(gone)') END AS copied_from, string_agg(i.kind, ' ' ORDER BY i.kind) AS kinds
FROM item i JOIN bestauth.company c USING (company_id) LEFT JOIN item s ON s.id = i.copied_from WHERE c.code ILIKE 'payer\_%' GROUP BY 1, 2, 3, 4 ORDER BY c.code COLLATE "C", i.name COLLATE "C";
CREATE TEMP VIEW said AS SELECT a.audit_id, a.company_code AS company, a.username AS caller, a.action, a.outcome, a.object_type, a.object_id, a.detail FROM bestauth.audit_log a
WHERE a.company_code ILIKE 'payer\_%' AND a.action !~ '^(row|user|role|session|login|company|billing_service|credential)' ORDER BY a.audit_id;

-- [MCM-6] At the parent Betty creates, edits and deletes.
SET ROLE regress_payer_app;
SELECT call, pg_temp.ask('betty', call) FROM unnest(ARRAY[$$create_<one>('Aetna')$$, $$create_<one>('  Blue Cross ', '{"phone": "555 0100", "plans": [1, 2], "fax": null, "nested": {"a": null}}')$$, $$create_<one>('Cigna', NULL)$$,
	$$create_<one>('AETNA')$$, $$update_<one>('aetna', '{"phone": "555 0101", "city": "Reno"}')$$, $$update_<one>('Aetna', '{"city": null, "name": " Aetna Inc. ", "other": null, "Name": "x"}')$$, $$update_<one>('aetna inc.', '{}')$$,
	$$update_<one>('Blue Cross', '{"phone": {"office": null}}')$$, $$update_<one>('BLUE CROSS', '{"name": "Blue Cross"}')$$, $$update_<one>('blue cross', '{"name": "Blue cross"}')$$, $$delete_<one>('CIGNA')$$, $$list_<many>()$$]) WITH ORDINALITY v (call, n) ORDER BY n;
RESET ROLE;
TABLE state;
SELECT pg_temp.neutral(action) AS action, company, caller, pg_temp.neutral(object_type) AS type, object_id, detail, count(*) AS kinds, count(DISTINCT object_type) AS types FROM said GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY min(audit_id);

-- [MCM-6] Nobody else does there, whatever permissions they hold: each refusal is in the audit,
-- and nothing has changed.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
CREATE TEMP TABLE before AS SELECT * FROM item;
SET ROLE regress_payer_app;
SELECT answer, string_agg(DISTINCT who, ' ') AS callers, count(*) AS calls FROM unnest('{barney,rita,key}'::text[]) who,
	unnest(ARRAY[$$create_<one>('Aetna Inc.')$$, $$create_<one>('New')$$, $$update_<one>('Aetna Inc.', '{"phone": "1"}')$$, $$update_<one>('Aetna Inc.', '{}')$$, $$update_<one>('Missing', '{"phone": "1"}')$$, $$delete_<one>('Aetna Inc.')$$, $$delete_<one>('Missing')$$,
		$$copy_<many>('{Aetna Inc.}')$$, $$copy_<many>('{Missing}', '{payer_north}')$$, $$copy_<many>('{Aetna Inc.}', '{payer_north}')$$, $$copy_<many>('{}', '{}')$$]) call, LATERAL pg_temp.ask(who, call) answer GROUP BY 1 ORDER BY 1;
RESET ROLE;
SELECT caller, pg_temp.neutral(action) AS action, outcome, object_type, pg_temp.neutral(object_id) AS function, detail->>'rule' AS rule, count(*) FROM said WHERE audit_id > :mark GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 5;
SELECT count(*) AS changed FROM (TABLE before EXCEPT TABLE item UNION ALL (TABLE item EXCEPT TABLE before)) d;
-- They may look.
SET ROLE regress_payer_app;
SELECT who, pg_temp.ask(who, 'list_<many>()') FROM unnest('{barney,rita,key}'::text[]) who;

-- [MCM-6] In a child company, and in one that has neither parent nor children, it takes the
-- permission. Looking takes it too, or claims.
SELECT who, pg_temp.asks(who, ARRAY[$$create_<one>('Own')$$, $$update_<one>('OWN', '{"by": "me"}')$$, $$list_<many>()$$, $$delete_<one>('own')$$]) FROM unnest('{norm,nora,paul,faye,cleo,nils,lona}'::text[]) WITH ORDINALITY v (who, n) ORDER BY n;
-- [MCM-6] [MCM-7] Who enters it from the parent does the same there as at home in it: Betty, and
-- Barney, who may do nothing at the parent. Rita holds the permissions, and may not enter.
SELECT who, pg_temp.asks(who, ARRAY[$$switch_company('payer_north')$$, $$create_<one>('Own')$$, $$update_<one>('OWN', '{"by": "me"}')$$, $$list_<many>()$$, $$delete_<one>('own')$$, $$copy_<many>('{Own}')$$, $$switch_company('payer_west')$$]) FROM unnest('{betty,barney}'::text[]) who;
SELECT pg_temp.ask('rita', $$switch_company('payer_north')$$);
-- Nobody copies there: there are no children, and it takes an administrator first.
SELECT who, pg_temp.ask(who, call) FROM unnest('{norm,nora,nils,lona}'::text[]) who, unnest(ARRAY[$$copy_<many>('{Own}')$$]) call;
-- No session, no right; and a session acts in its own company.
SELECT pg_temp.ask(NULL, call) FROM unnest(ARRAY[$$create_<one>('x')$$, $$update_<one>('x', '{}')$$, $$delete_<one>('x')$$, $$copy_<many>('{x}')$$, 'list_<many>()']) call;
SELECT who, call, pg_temp.ask(who, call) FROM unnest('{betty,nora}'::text[]) who, unnest(ARRAY[$$create_<one>('x', company => 'payer_south')$$, $$create_<one>('x', company => 'payer_none')$$, $$list_<many>(company => 'payer_far')$$]) call;
RESET ROLE;

-- Arguments that are no good.
SELECT call, pg_temp.ask('betty', call) FROM unnest(ARRAY[$$create_<one>(NULL)$$, $$create_<one>('')$$, $$create_<one>(U&' \3000')$$, $$create_<one>(E'new\nline')$$, $$create_<one>(U&'\202Ename')$$, $$create_<one>('x', '[]')$$, $$create_<one>('x', '"text"')$$, $$create_<one>('x', 'null')$$,
	$$create_<one>('x', '{"name": "y"}')$$, $$create_<one>('x', '{"name": null}')$$, $$create_<one>('x', '{"a": 1, "details": {}}')$$,
	$$update_<one>('Aetna Inc.', NULL)$$, $$update_<one>('Aetna Inc.', '[{"a": 1}]')$$, $$update_<one>('Aetna Inc.', '{"details": {"a": 1}}')$$, $$update_<one>('Aetna Inc.', '{"details": null}')$$, $$update_<one>('Aetna Inc.', '{"name": null}')$$, $$update_<one>('Aetna Inc.', '{"name": ["x"]}')$$,
	$$update_<one>('Aetna Inc.', '{"name": "  "}')$$, $$update_<one>('Aetna Inc.', '{"name": "new\nline"}')$$, $$update_<one>('Aetna Inc.', '{"name": "BLUE cross"}')$$, $$update_<one>('', '{"a": 1}')$$, $$delete_<one>(NULL)$$,
	$$list_<many>(0)$$, $$list_<many>(1001)$$, $$list_<many>(10, E'a\n')$$, $$copy_<many>(NULL)$$, $$copy_<many>('{NULL}')$$, $$copy_<many>('{""}')$$, $$copy_<many>(ARRAY[E'a\nb'])$$, $$copy_<many>('{Aetna Inc.}', '{NULL}')$$]) WITH ORDINALITY v (call, n) ORDER BY n;
SELECT call, pg_temp.ask('betty', format(call, repeat(U&'\00FC', 101))) AS too_long FROM unnest(ARRAY['create_<one>(%L)', 'delete_<one>(%L)', 'copy_<many>(ARRAY[%L])', 'update_<one>(''Aetna Inc.'', jsonb_build_object(''name'', %L))']) call;
-- What is as long as it may be: a hundred characters, 64 kB of jsonb.
BEGIN;
SELECT pg_temp.ask('betty', format('create_<one>(%L)', repeat(U&'\6771', 100))), pg_temp.ask('betty', format('copy_<many>(ARRAY[%L], ''{payer_north}'')', repeat(U&'\6771', 100))) = format('(payer_north,%s,copied)', repeat(U&'\6771', 100)) AS copied,
	pg_temp.ask('betty', format('update_<one>(%L, ''{"name": "short"}'')', repeat(U&'\6771', 100)));
SELECT pg_column_size(jsonb_build_object('a', repeat('x', 65519))) AS bytes, pg_temp.ask('betty', 'create_<one>(''fits'', jsonb_build_object(''a'', repeat(''x'', 65519)))'),
	pg_temp.ask('betty', 'create_<one>(''too much'', jsonb_build_object(''a'', repeat(''x'', 65520)))'), pg_temp.ask('betty', 'update_<one>(''fits'', ''{"b": 1}'')'), pg_temp.ask('betty', 'update_<one>(''fits'', ''{"name": "fitting"}'')');
ROLLBACK;

-- [MCM-6] Copies to chosen children, and to all: copying again makes no duplicates, and nothing
-- that is there is overwritten. A row for each child and name, in their order.
SELECT count(bestauth.create_payer(name, details, 'payer_west')), count(bestauth.create_facility(name, details, 'payer_west')) FROM (VALUES ('Delta', '{"no": 4}'::jsonb), ('echo', '{}'), ('Fox', jsonb_build_object('long', repeat('fox and dog ', 2000)))) v (name, details);
SELECT pg_temp.ask(NULL, $$create_<one>('ECHO', '{"own": true}', 'payer_north')$$), pg_temp.ask(NULL, $$delete_<one>('Own', 'payer_north')$$) IS NOT NULL AS cleared;
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SET ROLE regress_payer_app;
SELECT call, pg_temp.ask('betty', call) FROM unnest(ARRAY[$$copy_<many>('{delta}', '{PAYER_north}')$$, $$copy_<many>('{echo,Delta,DELTA," fox "}', '{payer_south,payer_north,Payer_South}')$$, $$copy_<many>('{Fox,Aetna Inc.,Delta}')$$, $$copy_<many>('{Fox,Aetna Inc.,Delta}', NULL)$$,
	$$copy_<many>('{}')$$, $$copy_<many>('{Delta}', '{}')$$]) WITH ORDINALITY v (call, n) ORDER BY n;
RESET ROLE;
SELECT company, name, left(details::text, 30) AS details, copied_from, kinds FROM state WHERE company <> 'payer_lone';
SELECT count(*) AS copies, count(*) FILTER (WHERE c.details = s.details AND c.name = s.name) AS same FROM item c JOIN item s ON s.id = c.copied_from;
-- Each call is one row of the parent's; what was made in a child, a row of the child's, with who it was.
SELECT company, caller, pg_temp.neutral(action) AS action, pg_temp.neutral(object_type) AS type, object_id, detail, count(*) AS kinds FROM said WHERE audit_id > :mark GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY min(audit_id);
SELECT company_code, username, pg_temp.neutral(object_type) AS type, new_values->>'name' AS name, new_values - '{name,details,created_at,company_id,copied_from,payer_id,facility_id}'::text[] AS more, count(*) FROM bestauth.audit_log
WHERE audit_id > :mark AND action = 'row.inserted' AND object_type IN ('bestauth.payer', 'bestauth.facility') GROUP BY 1, 2, 3, 4, 5 ORDER BY company_code COLLATE "C", (new_values->>'name') COLLATE "C";
-- A copy that was edited or renamed stays so; one that was deleted is made again; a source that was
-- renamed is the same source, and one that was deleted and made again is not, but its name is.
SELECT pg_temp.ask('nora', $$update_<one>('Delta', '{"no": 5, "name": "Delta Dental"}')$$), pg_temp.ask('nora', $$delete_<one>('Fox')$$), pg_temp.ask('norm', $$update_<one>('Aetna Inc.', '{"phone": null}')$$);
SELECT pg_temp.ask('betty', $$update_<one>('echo', '{"name": "Golf"}')$$), pg_temp.ask('betty', $$delete_<one>('Aetna Inc.')$$), pg_temp.ask('betty', $$create_<one>('aetna inc.', '{"again": 1}')$$);
SELECT pg_temp.ask('betty', $$copy_<many>('{Delta,Fox,Golf,Aetna Inc.}')$$);
SELECT company, name, left(details::text, 30) AS details, copied_from, kinds FROM state WHERE company IN ('payer_north', 'Payer_South');

-- [H-01] A name that the parent has not, and a company that is not its child, whether there is
-- one or not: the whole call is refused with the same answer, and nothing is half done.
SELECT pg_temp.ask(NULL, $$create_<one>('Secret', company => 'payer_far')$$), pg_temp.ask(NULL, $$create_<one>('Other', company => 'payer_west')$$);
DROP TABLE before;
CREATE TEMP TABLE before AS SELECT * FROM item;
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SET ROLE regress_payer_app;
SELECT what, replace(pg_temp.ask('betty', format('copy_<many>(%L, %L)', names, companies)), what, '(it)') FROM (VALUES
	('Secret', '{Other,Secret}', '{payer_north}'), ('Missin', '{Other,Missin}', '{payer_north}'), ('Secret', '{Secret}', NULL), ('Missin', '{Other,Missin}', NULL), ('Secret', '{Other,Secret}', '{}'),
	('payer_far_kid', '{Other}', '{payer_north,payer_far_kid}'), ('payer_far', '{Other}', '{payer_north,payer_far}'), ('payer_not', '{Other}', '{payer_north,payer_not}'), ('payer_west', '{Other}', '{payer_north,payer_west}'), ('payer_lone', '{Other}', '{payer_lone}'), ('payer_not', '{}', '{payer_not}'),
	(' payer_north', '{Other}', '{" payer_north"}')) v (what, names, companies);
SELECT what, replace(pg_temp.ask('betty', format(call, what)), what, '(it)') FROM unnest('{Secret,Missin,Own}'::text[]) what, unnest(ARRAY[$$update_<one>('%s', '{"a": 1}')$$, $$delete_<one>('%s')$$]) call;
SELECT what, replace(pg_temp.ask('nora', format(call, what)), what, '(it)') FROM unnest('{Secret,Missin,Other}'::text[]) what, unnest(ARRAY[$$update_<one>('%s', '{}')$$, $$delete_<one>('%s')$$]) call;
RESET ROLE;
SELECT count(*) AS changed FROM (TABLE before EXCEPT TABLE item UNION ALL (TABLE item EXCEPT TABLE before)) d;
SELECT company, caller, action, outcome, pg_temp.neutral(object_id) AS function, detail->>'rule' AS rule, pg_temp.neutral(detail->>'reason') AS reason, count(*) FROM said WHERE audit_id > :mark GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY caller COLLATE "C", pg_temp.neutral(object_id) COLLATE "C", pg_temp.neutral(detail->>'reason') COLLATE "C";
-- [H-08] A name that another company has is free, and its rows are not in the list.
BEGIN;
SELECT pg_temp.ask('betty', $$create_<one>('Secret')$$), pg_temp.ask('nora', $$create_<one>('Secret')$$), pg_temp.ask('nora', $$create_<one>('Other')$$), pg_temp.ask('nora', $$update_<one>('Fox', '{"name": "Golf"}')$$);
ROLLBACK;

-- The operator names the company, and is told what there is.
SET ROLE regress_payer_operator;
SELECT call, pg_temp.ask(NULL, call) FROM unnest(ARRAY[$$create_<one>('x')$$, $$create_<one>('x', company => 'payer_none')$$, $$create_<one>('Zulu', '{"z": 1}', 'payer_lone')$$, $$create_<one>('ZULU', company => 'payer_lone')$$, $$update_<one>('zulu', '{"name": "Yankee"}', 'payer_lone')$$, $$delete_<one>('zulu', 'payer_lone')$$,
	$$delete_<one>('yankee', 'payer_lone')$$, $$update_<one>('none', '{}', 'payer_lone')$$, $$copy_<many>('{Other}')$$, $$copy_<many>('{Other}', company => 'payer_lone')$$, $$copy_<many>('{Other}', company => 'payer_north')$$, $$copy_<many>('{None,Other}', company => 'payer_west')$$,
	$$copy_<many>('{Other}', '{payer_north,payer_none}', 'payer_west')$$, $$copy_<many>('{Other}', '{payer_far_kid,payer_north}', 'payer_west')$$, $$copy_<many>('{Other}', '{payer_west}', 'payer_west')$$, $$copy_<many>('{Other}', '{payer_north}', 'payer_west')$$, $$list_<many>(1, company => 'payer_west')$$]) WITH ORDINALITY v (call, n) ORDER BY n;
RESET ROLE;

-- [MCM-5] [MCM-8] A child that is made later is one of all; one that has left keeps what it has,
-- and gets nothing more of its old parent, but of the new one.
SELECT bestauth.create_company('payer_zone', 'Zone', 'payer_west') IS NOT NULL AS made;
SELECT pg_temp.ask('betty', $$copy_<many>('{Other}')$$);
UPDATE bestauth.company SET parent_id = (SELECT company_id FROM bestauth.company WHERE code = 'payer_far') WHERE code = 'payer_north';
SELECT pg_temp.ask('betty', $$copy_<many>('{Golf}')$$), pg_temp.ask('betty', $$copy_<many>('{Golf}', '{payer_north}')$$);
SELECT pg_temp.ask(NULL, $$copy_<many>('{Secret}', company => 'payer_far')$$);
SELECT name, copied_from, kinds FROM state WHERE company = 'payer_north';
-- One that the session may not enter, here because it is made after use_session(), is none of all,
-- and no answer for who names it.
BEGIN;
SELECT pg_temp.ask('betty', 'list_<many>(1)') IS NOT NULL AS used;
INSERT INTO bestauth.company (code, name, parent_id) SELECT 'payer_younger', 'Younger', company_id FROM bestauth.company WHERE code = 'payer_west';
SELECT pg_temp.ask(NULL, $$copy_<many>('{Fox}')$$), pg_temp.ask(NULL, $$copy_<many>('{Fox}', '{payer_younger}')$$);
SELECT pg_temp.ask('betty', $$copy_<many>('{Fox}')$$);
ROLLBACK;
-- [MCM-6] A company that gets a child is a parent from then on.
BEGIN;
SELECT pg_temp.ask('lona', $$create_<one>('Before')$$);
INSERT INTO bestauth.company (code, name, parent_id) SELECT 'payer_lone_kid', 'Kid', company_id FROM bestauth.company WHERE code = 'payer_lone';
SELECT pg_temp.asks('lona', ARRAY[$$create_<one>('After')$$, $$delete_<one>('Before')$$, $$list_<many>()$$]);
ROLLBACK;

-- A page at a time, by name without case, also when the last one of a page has gone.
BEGIN;
SELECT count(bestauth.create_payer(name, '{}', 'payer_far')), count(bestauth.create_facility(name, '{}', 'payer_far')) FROM unnest(ARRAY['beta', 'Alpha', 'ALPHA 2', U&'\00D6l', '_x', 'gamma', 'INDIGO']) name;
SELECT name, next FROM bestauth.list_payers(2, NULL, 'payer_far');
SELECT name, next FROM bestauth.list_facilities(3, 'ALPHA 2', 'payer_far');
SELECT bestauth.delete_payer('Alpha 2', 'payer_far');
SELECT CASE WHEN name = U&'\00D6l' THEN '(last)' ELSE name END AS name, CASE WHEN next = U&'\00D6l' THEN '(last)' ELSE next END AS next FROM bestauth.list_payers(after => 'alpha 2', company => 'payer_far');
SELECT count(*) FROM bestauth.list_payers(after => U&'\00D6l', company => 'payer_far');
ROLLBACK;
SELECT l.payer_id = p.payer_id AS id, l.details FROM bestauth.list_payers(company => 'payer_far') l JOIN bestauth.payer p ON p.payer_id = l.payer_id;

-- [MCM-6] Rows that the operator writes keep the rules as well.
SET ROLE regress_payer_operator;
BEGIN;
SELECT statement, pg_temp.ask(NULL, statement) FROM unnest(ARRAY[
	$$INSERT INTO bestauth.<one> (company_id, name) SELECT company_id, 'Direct' FROM bestauth.company WHERE code = 'payer_far'$$,
	$$INSERT INTO bestauth.<one> (company_id, name) SELECT company_id, 'DIRECT' FROM bestauth.company WHERE code = 'payer_far'$$,
	$$INSERT INTO bestauth.<one> (company_id, name) VALUES (gen_random_uuid(), 'Direct')$$,
	$$INSERT INTO bestauth.<one> (name) VALUES ('Direct')$$,
	$$INSERT INTO bestauth.<one> (company_id) SELECT company_id FROM bestauth.company WHERE code = 'payer_far'$$,
	$$INSERT INTO bestauth.<one> (company_id, name, details) SELECT company_id, 'x', '[]' FROM bestauth.company WHERE code = 'payer_far'$$,
	$$INSERT INTO bestauth.<one> (company_id, name, details) SELECT company_id, 'x', NULL FROM bestauth.company WHERE code = 'payer_far'$$,
	$$INSERT INTO bestauth.<one> (company_id, name, copied_from) SELECT company_id, 'x', copied_from FROM bestauth.<one> WHERE name = 'Delta' AND copied_from IS NOT NULL$$,
	$$UPDATE bestauth.<one> SET <one>_id = gen_random_uuid() WHERE name = 'Direct'$$,
	$$UPDATE bestauth.<one> SET company_id = (SELECT company_id FROM bestauth.company WHERE code = 'payer_west') WHERE name = 'Direct'$$,
	$$UPDATE bestauth.<one> SET name = '' WHERE name = 'Direct'$$, $$UPDATE bestauth.<one> SET name = ' x' WHERE name = 'Direct'$$, $$UPDATE bestauth.<one> SET name = E'x\n' WHERE name = 'Direct'$$, $$UPDATE bestauth.<one> SET name = repeat('x', 101) WHERE name = 'Direct'$$,
	$$UPDATE bestauth.<one> SET details = '1' WHERE name = 'Direct'$$, $$UPDATE bestauth.<one> SET details = '{"name": 1}' WHERE name = 'Direct'$$, $$UPDATE bestauth.<one> SET details = '{"details": null}' WHERE name = 'Direct'$$,
	$$UPDATE bestauth.<one> SET details = jsonb_build_object('a', repeat('x', 65520)) WHERE name = 'Direct'$$, $$UPDATE bestauth.<one> SET details = '{"a": 1e65536}' WHERE name = 'Direct'$$, $$UPDATE bestauth.<one> SET name = 'Straight', details = '{"a": {"name": 1}}' WHERE name = 'Direct'$$,
	$$DELETE FROM bestauth.<one> WHERE name = 'Straight'$$, $$TRUNCATE bestauth.<one>$$]) WITH ORDINALITY v (statement, n) ORDER BY n;
ROLLBACK;
SET ROLE regress_payer_app;
SELECT statement, pg_temp.ask('betty', statement) FROM unnest(ARRAY['SELECT FROM bestauth.<one>', 'DELETE FROM bestauth.<one>']) statement;
RESET ROLE;

-- However many: one statement makes the rows, and it ends at a limit.
BEGIN;
INSERT INTO bestauth.company (code, name, parent_id) SELECT 'payer_west_' || i, 'Child', (SELECT company_id FROM bestauth.company WHERE code = 'payer_west') FROM generate_series(1, 40) i;
INSERT INTO bestauth.payer (company_id, name) SELECT company_id, 'Payer ' || i FROM bestauth.company, generate_series(1, 20) i WHERE code = 'payer_west';
SELECT count(*), count(*) FILTER (WHERE outcome = 'copied') AS copied, count(DISTINCT company) AS companies FROM bestauth.copy_payers(ARRAY(SELECT 'payer ' || i FROM generate_series(1, 20) i), company => 'payer_west');
SELECT count(*) AS rows, count(DISTINCT cmin::text) AS statements FROM bestauth.payer WHERE name ~ '^Payer \d+$' AND copied_from IS NOT NULL;
INSERT INTO bestauth.payer (company_id, name) SELECT company_id, 'More ' || i FROM bestauth.company, generate_series(1, 2400) i WHERE code = 'payer_west';
SELECT pg_temp.attempt($$copy_payers(ARRAY(SELECT 'More ' || i FROM generate_series(1, 2400) i), company => 'payer_west')$$);
ROLLBACK;

DO $$
BEGIN
	PERFORM bestauth.revoke_access(r::regrole, a) FROM (VALUES ('regress_payer_app', 'application'), ('regress_payer_operator', 'operator')) v (r, a);
END
$$;
DROP VIEW state, item, said;
DROP TABLE token, before;
REVOKE USAGE ON SCHEMA regress FROM regress_payer_operator;
DROP ROLE regress_payer_app, regress_payer_operator;
