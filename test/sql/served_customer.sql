-- Which customers a billing service serves: those of this database, and those of other
-- instances as it was told of them. No service ever sees another's.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE ROLE regress_served_app;
CREATE ROLE regress_served_operator;
SELECT bestauth.grant_access('regress_served_app', 'application'), bestauth.grant_access('regress_served_operator', 'operator');
GRANT USAGE ON SCHEMA regress TO regress_served_app, regress_served_operator;
SELECT count(bestauth.create_company(code, name)) FROM (VALUES ('served_acme', 'ACME Billing'), ('served_bill', 'Bill & Sons'), ('served_hill', 'Hill "Clinic"'), ('served_Lake', 'Lake Clinic'),
	('served_moor', 'Moor Clinic'), ('served_plain', 'Plain Clinic')) v (code, name);
SELECT bestauth.create_company('served_branch', 'ACME Branch', 'served_acme') IS NOT NULL AS made;
SELECT bestauth.register_billing_service('served_acme'), bestauth.register_billing_service('served_bill');
SELECT bestauth.create_role('Billing', '{claims,eops}', company => 'served_hill') IS NOT NULL AS made;
SELECT count(bestauth.create_user(username, user_type, username, 'Person', username || '@served.example', 'seven green boats of ' || username, company => company))
FROM (VALUES ('ann', 'restricted', 'served_acme'), ('Bob', 'restricted', 'served_acme'), ('stan', 'standard', 'served_acme'), ('cyd', 'restricted', 'served_bill'), ('rita', 'restricted', 'served_plain')) v (username, user_type, company);
SELECT count(bestauth.create_user(username, 'billing', NULL, 'Key', password => 'seven green boats of ' || username, email => username || '@served.example', billing_service => service,
	roles => CASE username WHEN 'one' THEN '{Billing}' ELSE '{}' END::text[], permissions => CASE username WHEN 'one' THEN '{eligibility,claims}' WHEN 'Lake1' THEN '{panel_roster}' ELSE '{}' END::text[], company => company))
FROM (VALUES ('one', 'served_hill', 'served_acme'), ('two', 'served_hill', 'served_acme'), ('Three', 'served_hill', 'served_acme'), ('bills', 'served_hill', 'served_bill'), ('Lake1', 'served_Lake', 'served_acme'),
	('nobody', 'served_Lake', 'served_acme'), ('locked', 'served_Lake', 'served_acme'), ('deleted', 'served_Lake', 'served_acme'), ('only', 'served_moor', 'served_bill')) v (username, company, service);
SELECT bestauth.limit_billing_user('two', '{Bob}', 'served_hill'), bestauth.limit_billing_user('Three', '{ann,Bob}', 'served_hill'), bestauth.limit_billing_user('nobody', '{}', 'served_Lake');
SELECT bestauth.lock_user('locked', 'served_Lake'), bestauth.delete_user('deleted', 'served_Lake');
CREATE TEMP TABLE token (username text PRIMARY KEY, token text NOT NULL);
INSERT INTO token SELECT username, session_token FROM (VALUES ('ann', 'served_acme'), ('Bob', 'served_acme'), ('stan', 'served_acme'), ('cyd', 'served_bill'), ('rita', 'served_plain')) v (username, company), LATERAL bestauth.login(company, username, 'seven green boats of ' || username);
GRANT SELECT ON token TO regress_served_app;
-- The list that somebody is shown, as one would read it.
CREATE FUNCTION pg_temp.list(username text, page_size int DEFAULT NULL, after text DEFAULT NULL) RETURNS TABLE (company text, name text, key text, permissions text[], used boolean, next text) LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session((SELECT token FROM token t WHERE t.username = list.username));
	RETURN QUERY SELECT l.company, l.name, l.billing_username, l.permissions, l.last_used_at IS NOT NULL, l.next FROM bestauth.list_served_customers(coalesce(page_size, 100), after) l;
END
$$;
CREATE FUNCTION pg_temp.brief(username text, page_size int DEFAULT NULL, after text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(company || ' ' || key, ', ') FROM pg_temp.list($1, $2, $3)
$$;
CREATE FUNCTION pg_temp.as_user(username text, statement text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session((SELECT token FROM token t WHERE t.username = as_user.username));
	RETURN regress.attempt(statement);
END
$$;

-- [TPB-8] One list: each customer of the service, with each key that admits the person.
-- [TPB-7] A key limited to others is not in it.
SET ROLE regress_served_app;
SELECT company, name, key, permissions, used FROM pg_temp.list('ann');
SELECT company, key FROM pg_temp.list('Bob');
-- [H-01] Another service sees its own, nothing of these; a company that is none sees nothing.
SELECT company, name, key, permissions, used FROM pg_temp.list('cyd');
SELECT count(*) FROM pg_temp.list('rita');
RESET ROLE;

-- [TPB-8] From customer to customer: the keys' passwords are asked for, the person's session
-- is the second part, and nobody logs in again as a person.
INSERT INTO token SELECT 'ann with one', two.session_token FROM bestauth.login('served_hill', 'one', 'seven green boats of one') one, token t, LATERAL bestauth.login_second_part_session(one.challenge_token, t.token) two WHERE t.username = 'ann';
INSERT INTO token SELECT 'ann at the lake', two.session_token FROM bestauth.login('served_Lake', 'Lake1', 'seven green boats of Lake1') one, token t, LATERAL bestauth.login_second_part_session(one.challenge_token, t.token) two WHERE t.username = 'ann';
SELECT company_code, username, person, billing_service_code FROM bestauth.audit_log WHERE action = 'login.succeeded' AND person ~ 'ann' AND (company_code LIKE 'served\_%') ORDER BY audit_id;
-- When this person last used it, nobody else; of the newest session, an ended one as well.
SELECT company, key, used FROM pg_temp.list('ann');
SELECT company, key, used FROM pg_temp.list('Bob');
INSERT INTO token SELECT 'ann with one again', two.session_token FROM bestauth.login('served_hill', 'one', 'seven green boats of one') one, token t, LATERAL bestauth.login_second_part_session(one.challenge_token, t.token) two WHERE t.username = 'ann';
SELECT bestauth.logout(token) FROM token WHERE username = 'ann with one again';
UPDATE bestauth.session_use u SET last_used_at = CASE WHEN s.ended_at IS NULL THEN '2026-03-01 UTC' ELSE '2026-04-01 UTC' END::timestamptz FROM bestauth.session s JOIN bestauth.user_account k USING (user_id) WHERE s.session_id = u.session_id AND k.username = 'one' AND k.billing_service_id = s.billing_service_id AND s.company_id = (SELECT company_id FROM bestauth.company WHERE code = 'served_hill');
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'ann'));
SELECT billing_username, last_used_at = '2026-04-01 UTC' AS newest FROM bestauth.list_served_customers() WHERE billing_username = 'one';
COMMIT;

-- Whoever can be no second part is refused: the session of a key, whatever person came with
-- it; a user who is charged; nobody at all; a database role.
INSERT INTO token SELECT 'Bob with one', two.session_token FROM bestauth.login('served_hill', 'one', 'seven green boats of one') one, token t, LATERAL bestauth.login_second_part_session(one.challenge_token, t.token) two WHERE t.username = 'Bob';
SET ROLE regress_served_app;
SELECT username, pg_temp.as_user(username, 'SELECT * FROM bestauth.list_served_customers()') FROM unnest('{Bob with one,stan,rita}'::text[]) username;
SELECT regress.attempt('SELECT * FROM bestauth.list_served_customers()');
SET ROLE regress_served_operator;
SELECT regress.attempt('SELECT * FROM bestauth.list_served_customers()');
RESET ROLE;
SELECT regress.attempt('SELECT * FROM bestauth.list_served_customers()');
SELECT action, company_code, username, person, object_id, detail FROM bestauth.audit_log WHERE action = 'access.denied' AND object_id = 'list_served_customers' AND company_code LIKE 'served\_%' ORDER BY audit_id;

-- What changes at the customer is seen at once.
SELECT bestauth.lock_user('one', 'served_hill');
SELECT pg_temp.brief('ann') AS locked;
SELECT bestauth.unlock_user('one', 'served_hill'), bestauth.delete_user('one', 'served_hill');
SELECT pg_temp.brief('ann') AS deleted;
SELECT bestauth.restore_user('one', 'served_hill'), bestauth.limit_billing_user('one', '{Bob}', 'served_hill');
SELECT pg_temp.brief('ann') AS limited, pg_temp.brief('Bob') AS to_bob;
SELECT bestauth.limit_billing_user('one', NULL, 'served_hill'), bestauth.update_role('Billing', '{eops}', '{}', 'served_hill'), bestauth.revoke_permission('one', 'eligibility', 'served_hill');
SELECT company, key, permissions FROM pg_temp.list('ann') WHERE key = 'one';
UPDATE bestauth.user_account SET billing_service_id = (SELECT company_id FROM bestauth.company WHERE code = 'served_bill') WHERE username = 'one' AND company_id = (SELECT company_id FROM bestauth.company WHERE code = 'served_hill');
SELECT pg_temp.brief('ann') AS given_to_another, pg_temp.brief('cyd') AS who_has_it;
UPDATE bestauth.user_account SET billing_service_id = (SELECT company_id FROM bestauth.company WHERE code = 'served_acme') WHERE username = 'one' AND company_id = (SELECT company_id FROM bestauth.company WHERE code = 'served_hill');
-- [TPB-2] Of a service that is not registered there are none: its keys admit nobody.
SELECT bestauth.unregister_billing_service('served_acme');
SELECT pg_temp.brief('ann') AS unregistered, pg_temp.brief('cyd') AS the_other;
SELECT bestauth.register_billing_service('served_acme');
SELECT pg_temp.brief('ann') AS registered;
-- [MCM-7] In a child company of the service it is the same list.
SELECT bestauth.assign_company('ann', 'served_branch', 'served_acme');
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'ann'));
SELECT bestauth.switch_company('served_branch');
SELECT string_agg(billing_username, ' ') FROM bestauth.list_served_customers();
SELECT bestauth.switch_company('served_acme');
COMMIT;

-- What an instance tells: the customers, keys and persons, and no secret. Locked and deleted
-- ones are not told, and persons that are so neither.
SELECT bestauth.lock_user('ann', 'served_acme');
CREATE TEMP TABLE export AS SELECT bestauth.export_served_customers('SERVED_acme') AS told;
GRANT SELECT ON export TO regress_served_operator;
SELECT jsonb_pretty(told #- '{made_at}') FROM export;
SELECT told->>'made_at' ~ '^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$' AS in_utc, (told->>'made_at')::timestamptz BETWEEN clock_timestamp() - interval '1 hour' AND clock_timestamp() AS now FROM export;
SELECT bestauth.unlock_user('ann', 'served_acme');
INSERT INTO token SELECT 'ann', session_token FROM bestauth.login('served_acme', 'ann', 'seven green boats of ann') ON CONFLICT (username) DO UPDATE SET token = excluded.token;
-- It goes out, so it is in the audit.
SELECT action, outcome, company_code, object_type, object_id, detail FROM bestauth.audit_log WHERE action LIKE 'served\_customers.%' AND company_code LIKE 'served\_%';
-- Nothing of the other service; and of one that is not registered any more, that it has none.
SELECT jsonb_path_query_array(told, '$.customers[*].keys[*].username') AS keys FROM bestauth.export_served_customers('served_bill') told;
SELECT bestauth.unregister_billing_service('served_bill');
SELECT told - 'made_at' AS told FROM bestauth.export_served_customers('served_bill') told;
SELECT bestauth.register_billing_service('served_bill');
-- For the operator, about a service that there is.
SET ROLE regress_served_operator;
SELECT call, regress.attempt('SELECT bestauth.export_served_customers(' || call || ')') FROM unnest('{''served_acme'',''served_plain'',''served_none'',"NULL",''''}'::text[]) call;
SELECT regress.attempt(format('SELECT bestauth.export_served_customers(%L)', n)) FROM unnest(ARRAY[repeat('x', 64), E'served\nacme', 'served_acme'' --']) n;
SELECT regress.attempt(s) FROM unnest('{SELECT FROM bestauth.served_customer\, bestauth.served_instance\, bestauth.served_customer_use,INSERT INTO bestauth.served_instance DEFAULT VALUES,DELETE FROM bestauth.served_customer,UPDATE bestauth.served_customer_use SET last_used_at = now()}'::text[]) s;
SET ROLE regress_served_app;
SELECT regress.attempt($$SELECT bestauth.export_served_customers('served_acme')$$), regress.attempt($$SELECT bestauth.import_served_customers('served_acme', '{}')$$), regress.attempt('SELECT FROM bestauth.served_customer');
RESET ROLE;
GRANT EXECUTE ON FUNCTION bestauth.export_served_customers, bestauth.import_served_customers TO regress_served_app;
SET ROLE regress_served_app;
SELECT username, pg_temp.as_user(username, $$SELECT bestauth.export_served_customers('served_acme')$$), pg_temp.as_user(username, $$SELECT bestauth.import_served_customers('served_acme', '{}')$$) FROM unnest('{ann,stan}'::text[]) username;
RESET ROLE;
REVOKE EXECUTE ON FUNCTION bestauth.export_served_customers, bestauth.import_served_customers FROM regress_served_app;

--
-- Customers of another instance. The export of this one, as if it came from elsewhere.
--
UPDATE export SET told = jsonb_set(told, '{instance}', '"else.where"');
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SET ROLE regress_served_operator;
SELECT bestauth.import_served_customers('served_ACME', told) FROM export;
RESET ROLE;
-- The act, and each row.
SELECT action, outcome, company_code, object_type, replace(object_id, (SELECT company_id::text FROM bestauth.company WHERE code = 'served_acme'), '(acme)') AS object, new_values - 'made_at' - 'company_id' AS new, detail FROM bestauth.audit_log WHERE audit_id > :mark ORDER BY audit_id;
-- [TPB-8] They stand in the same list; persons are known by their user names.
-- [H-01] The other service was told nothing.
SET ROLE regress_served_app;
SELECT company, name, key, permissions, used FROM pg_temp.list('ann');
SELECT company, key FROM pg_temp.list('Bob') WHERE company ~ '/';
SELECT pg_temp.brief('cyd') AS the_other, pg_temp.brief('rita') AS no_service;
RESET ROLE;
-- When the person last asked for an assertion, of every key of the customer.
INSERT INTO bestauth.served_customer_use SELECT user_id, 'else.where/served_hill', '2026-05-01 UTC' FROM bestauth.user_account WHERE username = 'ann' AND email = 'ann@served.example';
SELECT company, key, used FROM pg_temp.list('ann') WHERE company ~ '/';
SELECT company, key, used FROM pg_temp.list('Bob') WHERE company ~ '/';
-- Nothing of it opens anything: there is no such key here.
SELECT outcome FROM bestauth.login('else.where/served_hill', 'one', 'seven green boats of one');
SELECT bestauth.unregister_billing_service('served_acme');
SELECT pg_temp.brief('ann') AS unregistered;
SELECT regress.attempt(format('SELECT bestauth.import_served_customers(%L, %L)', 'served_acme', told)) FROM export;
SELECT bestauth.register_billing_service('served_acme');

-- Page by page it is the same, whatever the size of a page.
CREATE FUNCTION pg_temp.pages(username text, page_size int) RETURNS TABLE (page int, key text) LANGUAGE plpgsql AS $$
DECLARE
	after text;
	r record;
BEGIN
	FOR n IN 1..100 LOOP
		r := NULL;
		FOR r IN SELECT * FROM pg_temp.list(username, page_size, after) LOOP
			page := n;
			key := r.company || ' ' || r.key;
			RETURN NEXT;
		END LOOP;
		EXIT WHEN r IS NULL;
		after := r.next;
	END LOOP;
END
$$;
SELECT page_size, count(DISTINCT page) AS pages, count(*) AS rows, string_agg(key, ', ' ORDER BY page) = pg_temp.brief('Bob') AS same FROM unnest('{1,2,3,4,5,10,1000}'::int[]) page_size, LATERAL pg_temp.pages('Bob', page_size) GROUP BY 1 ORDER BY 1;
SELECT next FROM pg_temp.list('ann', 2);
-- A key that comes or goes between two pages moves no other.
SELECT pg_temp.brief('ann', 2) AS one, pg_temp.brief('ann', 2, 'else.where/served_Lake Lake1') AS two;
SELECT bestauth.create_user('AAA', 'billing', NULL, 'Key', password => 'seven green boats of aaa', email => 'aaa@served.example', billing_service => 'served_acme', company => 'served_Lake') IS NOT NULL AS made, bestauth.delete_user('Lake1', 'served_Lake');
SELECT pg_temp.brief('ann', 2, 'else.where/served_hill one') AS next, pg_temp.brief('ann', 2, 'SERVED_lake LAKE1') AS gone;
SELECT bestauth.delete_user('AAA', 'served_Lake'), bestauth.restore_user('Lake1', 'served_Lake');
SELECT pg_temp.as_user('ann', format('SELECT FROM bestauth.list_served_customers(%s)', a)) AS answer, a FROM unnest(ARRAY['0', '-1', '1001', 'NULL', 'NULL, NULL', 'after => ''''', 'after => ''x''', 'after => '' x''', 'after => ''x ''', 'after => ''a b c''', 'after => ''zzz zzz''', 'after => E''a\nb c''', 'after => repeat(''x'', 300)']) a;
-- However many there are, a page reads no more than a page.
INSERT INTO bestauth.served_customer SELECT company_id, 'many/c' || i, 'Company ' || i, 'key', '{}' FROM bestauth.company, generate_series(1, 1000) i WHERE code = 'served_acme';
ANALYZE bestauth.served_customer;
BEGIN;
SELECT pg_temp.brief('ann', 1) IS NOT NULL AS planned;
CREATE TEMP TABLE reads ON COMMIT DROP AS SELECT seq_scan, idx_scan, idx_tup_fetch FROM pg_stat_xact_all_tables WHERE relid = 'bestauth.served_customer'::regclass;
SELECT pg_temp.brief('ann', 3, 'many/c997 key') AS last, pg_temp.brief('ann', 2, 'many/c2 key') AS between;
SELECT a.seq_scan - b.seq_scan AS whole, a.idx_scan > b.idx_scan AS by_index, a.idx_tup_fetch - b.idx_tup_fetch < 20 AS few FROM pg_stat_xact_all_tables a, reads b WHERE relid = 'bestauth.served_customer'::regclass;
COMMIT;
SET ROLE regress_served_operator;
SELECT bestauth.import_served_customers('served_acme', told || '{"instance": "many", "customers": []}') FROM export;
RESET ROLE;
SELECT count(*) FROM bestauth.served_customer WHERE audience LIKE 'many/%';

--
-- What the instance tells later takes the place of it all; what stays is not written.
--
CREATE FUNCTION pg_temp.later(told jsonb, interval DEFAULT '1 second') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_set(told, '{made_at}', to_jsonb(to_char((told->>'made_at')::timestamptz AT TIME ZONE 'UTC' + $2, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')))
$$;
CREATE FUNCTION pg_temp.import(told jsonb, service text DEFAULT 'served_acme') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	rule text;
BEGIN
	RETURN bestauth.import_served_customers(service, told);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME;
	RETURN SQLSTATE || coalesce(' [' || nullif(rule, '') || ']', '') || ' ' || SQLERRM;
END
$$;
CREATE VIEW pg_temp.row_acts AS SELECT action, object_type, count(*) FROM bestauth.audit_log, (SELECT max(audit_id) AS audit_id FROM bestauth.audit_log WHERE action = 'served_customers.imported') last,
	(SELECT max(audit_id) AS audit_id FROM bestauth.audit_log a WHERE action = 'served_customers.imported' AND audit_id < (SELECT max(audit_id) FROM bestauth.audit_log WHERE action = 'served_customers.imported')) before
WHERE audit_log.audit_id > before.audit_id AND audit_log.audit_id <= last.audit_id GROUP BY 1, 2 ORDER BY 1, 2;
UPDATE export SET told = pg_temp.later(told);
SELECT pg_temp.import(told) AS the_same FROM export;
SELECT * FROM pg_temp.row_acts;
UPDATE export SET told = pg_temp.later(jsonb_set(jsonb_set(told, '{customers,0,keys}', '[{"username": "new", "persons": ["BOB", "bob", "ann"], "permissions": ["eops", "claims", "eops", "their.own"]}]'), '{customers,1,name}', '"Lake & <b>Sons</b>"'));
SELECT pg_temp.import(told) AS changed FROM export;
SELECT * FROM pg_temp.row_acts;
SELECT company, name, key, permissions FROM pg_temp.list('Bob') WHERE company ~ '/';
-- The instance and the codes in other letters are the same ones.
SELECT pg_temp.import(pg_temp.later(told || jsonb_build_object('instance', 'ELSE.where', 'customers', jsonb_build_array(jsonb_set(told#>'{customers,0}', '{company}', '"SERVED_HILL"'))))) AS one FROM export;
SELECT audience, username FROM bestauth.served_customer JOIN bestauth.company USING (company_id) WHERE code = 'served_acme' ORDER BY 1, 2;
SELECT instance FROM bestauth.served_instance JOIN bestauth.company USING (company_id) WHERE code = 'served_acme' ORDER BY 1;
-- An older one is refused, the same again is not; of another instance it is another matter.
SELECT pg_temp.import(told) AS older FROM export;
UPDATE export SET told = pg_temp.later(told, '2 seconds');
SELECT pg_temp.import(told) AS newer, pg_temp.import(told) AS again FROM export;
SELECT pg_temp.import(pg_temp.later(told, '-1 microsecond')) AS older FROM export;
SELECT pg_temp.import(pg_temp.later(told, '-1 hour') || '{"instance": "third"}') AS of_another FROM export;
-- [H-01] The same instance tells two services, each its own.
SELECT pg_temp.import(told || '{"billing_service": "served_bill", "customers": [{"company": "served_hill", "name": "Hill", "keys": [{"username": "bills", "permissions": [], "persons": null}]}]}', 'served_bill') AS the_other FROM export;
SELECT pg_temp.brief('cyd') AS the_other, pg_temp.brief('ann') AS the_one;
-- What is told for one can't be put down for the other by mistake.
SELECT pg_temp.import(told, 'served_bill') AS mistaken FROM export;
-- Rolled back, it was not told.
BEGIN;
SELECT bestauth.import_served_customers('served_acme', pg_temp.later(told) || '{"customers": []}') FROM export;
SELECT pg_temp.brief('ann');
ROLLBACK;
SELECT pg_temp.brief('ann');

--
-- [M-01] Whatever is wrong with it is refused, says where, and changes nothing.
--
CREATE TEMP TABLE before AS SELECT * FROM bestauth.served_customer;
SELECT pg_temp.import(NULL), pg_temp.import(told, NULL), pg_temp.import(told, 'served_none'), pg_temp.import(told, 'served_plain') FROM export;
SELECT pg_temp.import(v) FROM jsonb_array_elements('[null, 1, "x", [], [{}], {}, {"instance": "x"}]') v;
UPDATE export SET told = pg_temp.later(told);
CREATE TEMP TABLE wrong (n serial, path text, value jsonb);
INSERT INTO wrong (path, value) SELECT p, v FROM (VALUES
	('{instance}', '["", "regress", "REGRESS", "a/b", ".a", "a b", null, 1, [], {}, true]'), ('{billing_service}', '["", "served_bill", "served_acme ", null, 1]'), ('{customers}', '[null, {}, "x", 1, [null], [[]], [1], [{}]]'),
	('{made_at}', '["", "now", "infinity", "2026-11-22", "2026-11-22T14:23:00Z", "2026-11-22T14:23:00.123456+00", "2026-02-29T14:23:00.000000Z", "2026-13-01T00:00:00.000000Z", "2026-00-01T00:00:00.000000Z", "2026-01-00T00:00:00.000000Z", "2026-11-22T24:00:00.000000Z", "2026-11-22T23:60:00.000000Z", "2026-11-22T23:59:60.000000Z", "9999-12-31T23:59:59.999999Z", "1999-12-31T23:59:59.999999Z", "2026-11-22T14:23:00.123456Zx", " 2026-11-22T14:23:00.12345Z", "+026-11-22T14:23:00.123456Z", 1, null]'),
	('{customers,0,company}', '["", "_x", "a/b", "served hill", "ümlaut", null, 1, []]'), ('{customers,0,name}', '["", " x", "x ", "a\nb", "a\u202eb", "\u0007", "x\u200bx", null, 1, {}]'), ('{customers,0,keys}', '[null, {}, "x", [null], [[]], ["one"]]'),
	('{customers,0,keys,0,username}', '["", "a b", "a/b", "\"x\"", "ümlaut", "-x", "x\u0001y", null, 1]'), ('{customers,0,keys,0,permissions}', '[null, {}, "claims", [null], [1], [""], ["Claims"], ["claims; drop"], [["claims"]], ["cläims"]]'),
	('{customers,0,keys,0,persons}', '[{}, "ann", 1, true, [null], [1], [""], ["a b"], [["ann"]], ["acme/ann"]]')) w (p, vs),
	LATERAL jsonb_array_elements(vs::jsonb) v;
SELECT path, regexp_replace(value::text COLLATE "C", '[^ -~]', '?', 'g') AS value, pg_temp.import(jsonb_set(told, path::text[], value)) AS answer FROM wrong, export ORDER BY n;
-- Nothing may be missing, and nothing more be there.
SELECT path, pg_temp.import(told #- path::text[]) AS without FROM unnest('{"{instance}","{billing_service}","{made_at}","{customers}","{customers,0,company}","{customers,0,name}","{customers,0,keys}","{customers,0,keys,0,username}","{customers,0,keys,0,permissions}","{customers,0,keys,0,persons}"}'::text[]) path, export;
SELECT replace(path, E'\n', ' ') AS path, pg_temp.import(jsonb_set(told, path::text[], '"x"')) AS with_more FROM unnest(ARRAY['{password}', '{customers,0,password_hash}', '{customers,0,keys,0,secret}', '{customers,0,keys,0,Username}', E'{"a\nb"}', format('{%s}', repeat('ü', 100))]) path, export;
-- Twice the same, in whatever letters; too much of anything.
SELECT pg_temp.import(jsonb_set(told, '{customers}', c)) AS answer FROM export, LATERAL (SELECT told#>'{customers,0}' AS one) o, LATERAL (VALUES (jsonb_build_array(one, one)), (jsonb_build_array(one, jsonb_set(one, '{company}', to_jsonb(upper((one->>'company') COLLATE "C"))))),
	(jsonb_build_array(jsonb_set(one, '{keys}', (one->'keys') || jsonb_build_array(jsonb_set(one#>'{keys,0}', '{username}', to_jsonb(upper((one#>>'{keys,0,username}') COLLATE "C")))))))) v (c);
SELECT what, pg_temp.import(jsonb_set(told, path::text[], value)) AS answer FROM export, LATERAL (VALUES
	('instance', '{instance}', to_jsonb(repeat('x', 64))), ('company', '{customers,0,company}', to_jsonb(repeat('x', 64))), ('name', '{customers,0,name}', to_jsonb(repeat('ü', 101))), ('bytes of a name', '{customers,0,name}', to_jsonb(repeat('x', 10000))), ('username', '{customers,0,keys,0,username}', to_jsonb(repeat('x', 129))),
	('permission', '{customers,0,keys,0,permissions}', to_jsonb(ARRAY[repeat('x', 64)])), ('person', '{customers,0,keys,0,persons}', to_jsonb(ARRAY['ann', repeat('x', 129)])), ('persons', '{customers,0,keys,0,persons}', (SELECT jsonb_agg('p' || i) FROM generate_series(1, 10001) i)),
	('permissions', '{customers,0,keys,0,permissions}', (SELECT jsonb_agg('p' || i) FROM generate_series(1, 10001) i)), ('customers', '{customers}', (SELECT jsonb_agg(i) FROM generate_series(1, 100001) i)), ('keys of one', '{customers,0,keys}', (SELECT jsonb_agg(i) FROM generate_series(1, 100001) i)),
	('keys', '{customers}', (SELECT jsonb_agg(c) FROM (SELECT jsonb_build_object('company', 'c' || i, 'name', 'C', 'keys', (SELECT jsonb_agg(jsonb_build_object('username', 'k' || j, 'permissions', '[]'::jsonb, 'persons', NULL)) FROM generate_series(1, 1001) j)) c FROM generate_series(1, 100) i) x)),
	('text', '{more}', to_jsonb(repeat('x', 64 * 1024 * 1024)))) v (what, path, value);
SELECT 'changed' AS what, * FROM (TABLE before EXCEPT TABLE bestauth.served_customer UNION ALL TABLE bestauth.served_customer EXCEPT TABLE before) x;
-- The longest that there may be is taken, and hostile names are data.
SELECT pg_temp.import(jsonb_set(told, '{customers}', jsonb_build_array(jsonb_build_object('company', repeat('c', 63), 'name', repeat('ü', 100), 'keys', jsonb_build_array(jsonb_build_object('username', repeat('u', 128), 'permissions', to_jsonb(ARRAY[repeat('p', 63)]), 'persons', to_jsonb(ARRAY[repeat('x', 128), 'ann'])))),
	jsonb_build_object('company', 'x', 'name', '''); DROP TABLE "x"; -- <script>', 'keys', '[{"username": "x''--", "permissions": [], "persons": null}]'::jsonb))) || jsonb_build_object('instance', repeat('i', 63))) FROM export;
SELECT length(company), length(name), length(key), length(permissions[1]), length(next) FROM pg_temp.list('ann') WHERE key LIKE 'uuu%';
SELECT company = repeat('i', 63) || '/x' AS company, name, key, pg_temp.brief('ann', 1, repeat('i', 63) || '/' || repeat('c', 63) || ' ' || repeat('u', 128)) IS NOT NULL AS next FROM pg_temp.list('ann') WHERE key = 'x''--';

-- Direct SQL, by a superuser: the same rules.
SELECT regress.attempt(format('INSERT INTO bestauth.served_customer SELECT company_id, %L, %L, %L, ''{}'' FROM bestauth.company WHERE code = ''served_acme''', a, n, u)) FROM (VALUES ('x', 'N', 'u'), ('/x', 'N', 'u'), ('a/b/c', 'N', 'u'), ('a/', 'N', 'u'), ('a/b', E'N\n', 'u'), ('a/b', '', 'u'), ('a/b', 'N', 'u u')) v (a, n, u);
SELECT regress.attempt($$INSERT INTO bestauth.served_instance SELECT company_id, 'a/b', now() FROM bestauth.company WHERE code = 'served_acme'$$), regress.attempt($$INSERT INTO bestauth.served_instance SELECT company_id, 'a', now() FROM bestauth.company WHERE code = 'served_plain'$$);
SELECT regress.attempt('TRUNCATE bestauth.served_customer');

SELECT bestauth.revoke_access('regress_served_app', 'application'), bestauth.revoke_access('regress_served_operator', 'operator');
REVOKE USAGE ON SCHEMA regress FROM regress_served_app, regress_served_operator;
DROP TABLE token, export, wrong, before CASCADE;
DROP ROLE regress_served_app, regress_served_operator;
