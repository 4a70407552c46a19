-- Text that comes from outside: names, passwords, addresses, encodings, time; and the
-- catalog's side of it: what an application can set, call and pass.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA text_test;
CREATE ROLE regress_text_app;
CREATE ROLE regress_text_operator;
GRANT USAGE ON SCHEMA text_test TO regress_text_app, regress_text_operator;
-- What a statement comes to, and nothing of it stays.
CREATE FUNCTION text_test.tried(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	rule text;
BEGIN
	EXECUTE statement;
	RAISE EXCEPTION USING ERRCODE = 'ZZ000';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME;
	RETURN CASE SQLSTATE WHEN 'ZZ000' THEN 'done' ELSE SQLSTATE || coalesce(' [' || nullif(rule, '') || ']', '') || ' ' || SQLERRM END;
END
$$;
-- The same without the words.
CREATE FUNCTION text_test.code(statement text) RETURNS text LANGUAGE sql AS $$
	SELECT regexp_replace(text_test.tried(statement), '^(\w{5}( \[[^]]*\])?) .*', '\1')
$$;
CREATE FUNCTION text_test.signs(text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg('U+' || lpad(upper(to_hex(ascii(c))), 4, '0'), ' ') FROM regexp_split_to_table($1, '') c
$$;
SELECT bestauth.grant_access('regress_text_app', 'application');
SELECT bestauth.grant_access('regress_text_operator', 'operator');
SELECT bestauth.create_company('text-inc', 'Text') IS NOT NULL AS made;
SELECT count(bestauth.create_user(username, 'standard', 'Ada', 'Text', username || '@text.example', 'seven green boats of ' || username, company => 'text-inc'))
FROM unnest('{ada,lou,tim,tom}'::text[]) username;
SELECT bestauth.create_portal('text-inc', 'text', 'client', 'Text') IS NOT NULL AS portal, bestauth.create_contact('client', 'Con', 'Tact', 'con@text.example', 'text-inc') IS NOT NULL AS contact, bestauth.create_payer('Text payer', company => 'text-inc') IS NOT NULL AS payer;
RESET client_min_messages;

--
-- User names.
--
-- [P-02] Of ASCII, at the beginning and further on, what docs/usernames.md says and no
-- more: seen sign by sign.
CREATE VIEW text_test.ascii AS
SELECT n, chr(n) AS sign,
	text_test.tried(format('SELECT bestauth.create_user(%L, ''restricted'', ''A'', ''B'', ''a@b.example'', company => ''text-inc'')', chr(n) || 'x')) AS first,
	text_test.tried(format('SELECT bestauth.create_user(%L, ''restricted'', ''A'', ''B'', ''a@b.example'', company => ''text-inc'')', 'x' || chr(n) || 'x')) AS inner
FROM generate_series(1, 127) n;
SELECT string_agg(sign, '' ORDER BY n) FILTER (WHERE first = 'done') AS first, string_agg(sign, '' ORDER BY n) FILTER (WHERE "inner" = 'done') AS "inner"
FROM text_test.ascii;
SELECT n, first, "inner" FROM text_test.ascii
WHERE (first = 'done') IS DISTINCT FROM (sign ~ '[A-Za-z0-9_]' COLLATE "C")
	OR ("inner" = 'done') IS DISTINCT FROM (n > 32 AND n < 127 AND strpos('"\<>(),;:[]/', sign) = 0)
	OR first !~ '^(done|22023 )' OR "inner" !~ '^(done|22023 )';
-- A slash stands between a billing service and its person in the audit: no user's name
-- looks like one of those.
SELECT text_test.tried($$SELECT bestauth.create_user('text-inc/ada', 'restricted', 'A', 'B', 'a@b.example', company => 'text-inc')$$);

-- [P-02] [P-05] Nothing outside ASCII: no look-alike (Cyrillic a, fullwidth, dotless i,
-- Kelvin), no mixed script, no zero width, no turn of direction, no separator.
CREATE TABLE text_test.alike (name text);
INSERT INTO text_test.alike VALUES (U&'\0430da'), (U&'\FF41da'), (U&'t\0131m'), (U&'\212Aim'), (U&'ad\00E1'), (U&'a\0301da'), (U&'ad\0430'),
	(U&'a\200Bda'), (U&'a\200Dda'), (U&'ada\FEFF'), (U&'a\00ADda'), (U&'a\2060da'), (U&'\202Eada'), (U&'ada\2066'), (U&'ada\200E'),
	(U&'ada\2028'), (U&'ada\2029'), (U&'ada\0085'), (U&'ada\00A0'), (E'ada\n'), (E'ada\r'), (E'ada\nroot'), (' ada'), ('ada ');
SELECT text_test.signs(name) AS name, length(name) <> octet_length(name) AS beyond_ascii,
	text_test.code(format('SELECT bestauth.create_user(%L, ''restricted'', ''A'', ''B'', ''a@b.example'', company => ''text-inc'')', name)) AS create_user,
	text_test.code(format('INSERT INTO bestauth.user_account (company_id, username, user_type, first_name, last_name, email) SELECT company_id, %L, ''standard'', ''A'', ''B'', ''a@b.example'' FROM bestauth.company WHERE code = ''text-inc''', name)) AS by_sql
FROM text_test.alike;
-- [P-05] At a login none of them is Ada, none is charged to her, and none is kept.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SELECT every(text_test.code(format('SELECT 1 / (outcome = ''denied'')::int FROM bestauth.login(''text-inc'', %L, ''seven green boats of ada'')', name)) IN ('done', '22023')) AS refused, count(*)
FROM text_test.alike WHERE name IN (U&'\0430da', U&'\FF41da', U&'a\200Bda', U&'\202Eada', ' ada');
SELECT DISTINCT action, username, detail FROM bestauth.audit_log WHERE audit_id > :mark AND action LIKE 'login.%';
SELECT count(*) AS charged FROM bestauth.login_counter c JOIN bestauth.user_account u ON c.subject = '\x75'::bytea || uuid_send(u.user_id)
WHERE u.username = 'ada' AND u.company_id = (SELECT company_id FROM bestauth.company WHERE code = 'text-inc');

--
-- [P-02] Names that are shown: of persons, roles and companies, by functions and by SQL.
--
-- What could act where it is shown, or hide there: C0, C1, separators of lines and
-- paragraphs, marks and overrides of direction, zero width space.
CREATE TABLE text_test.place (place text, statement text);
INSERT INTO text_test.place VALUES
	('create_company', 'SELECT bestauth.create_company(''text-new'', %L)'),
	('create_role', 'SELECT bestauth.create_role(%L, company => ''text-inc'')'),
	('create_user first', 'SELECT bestauth.create_user(''new'', ''restricted'', %L, ''B'', ''a@b.example'', company => ''text-inc'')'),
	('create_user last', 'SELECT bestauth.create_user(''new'', ''restricted'', ''A'', %L, ''a@b.example'', company => ''text-inc'')'),
	('create_portal', 'SELECT bestauth.create_portal(''text-inc'', ''new'', ''client'', %L)'),
	('create_contact first', 'SELECT bestauth.create_contact(''client'', %L, ''B'', company => ''text-inc'')'),
	('create_contact last', 'SELECT bestauth.create_contact(''client'', ''A'', %L, company => ''text-inc'')'),
	('create_payer', 'SELECT bestauth.create_payer(%L, company => ''text-inc'')'),
	('create_facility', 'SELECT bestauth.create_facility(%L, company => ''text-inc'')'),
	('update_payer', 'SELECT bestauth.update_payer(''Text payer'', jsonb_build_object(''name'', %L), ''text-inc'')'),
	('SQL payer', 'UPDATE bestauth.payer SET name = %L WHERE company_id = (SELECT company_id FROM bestauth.company WHERE code = ''text-inc'')'),
	('SQL facility', 'INSERT INTO bestauth.facility (company_id, name) SELECT company_id, %L FROM bestauth.company WHERE code = ''text-inc'''),
	('SQL contact first', 'UPDATE bestauth.contact SET first_name = %L WHERE email = ''con@text.example'''),
	('SQL contact last', 'UPDATE bestauth.contact SET last_name = %L WHERE email = ''con@text.example'''),
	('SQL portal', 'UPDATE bestauth.portal SET name = %L WHERE code = ''text'''),
	('SQL company', 'UPDATE bestauth.company SET name = %L WHERE code = ''text-inc'''),
	('SQL first', 'UPDATE bestauth.user_account SET first_name = %L WHERE username = ''lou'' AND email = ''lou@text.example'''),
	('SQL last', 'UPDATE bestauth.user_account SET last_name = %L WHERE username = ''lou'' AND email = ''lou@text.example'''),
	('SQL middle', 'UPDATE bestauth.user_account SET middle_name = %L WHERE username = ''lou'' AND email = ''lou@text.example'''),
	('SQL role', 'INSERT INTO bestauth.role (company_id, name) SELECT company_id, %L FROM bestauth.company WHERE code = ''text-inc''');
GRANT SELECT ON text_test.place TO regress_text_operator;
CREATE FUNCTION text_test.bad() RETURNS TABLE (n int) LANGUAGE sql AS $$
	SELECT generate_series(1, 31) UNION SELECT generate_series(127, 159)
	UNION SELECT generate_series(8232, 8238) UNION SELECT generate_series(8294, 8297)
	UNION SELECT unnest(ARRAY[8203, 8206, 8207, 65279])
$$;
SET ROLE regress_text_operator;
SELECT place, result, count(*), string_agg(CASE WHEN n > 159 THEN to_hex(n) END, ' ' ORDER BY n) AS beyond_c1
FROM text_test.place, text_test.bad(), text_test.code(format(statement, 'Jo' || chr(n) || 'hn')) result
GROUP BY place, result ORDER BY place COLLATE "C", result COLLATE "C";
SELECT words FROM text_test.place, text_test.tried(format(statement, U&'Jo\202Ehn')) words GROUP BY words ORDER BY words COLLATE "C";
-- What people are called stays: any script, joiners where a script has them, a space
-- that does not break.
SELECT place, result, count(*) FROM text_test.place,
	unnest(ARRAY['Ren' || chr(233), chr(26446), 'O''Brien', 'Anne-Marie', U&'\0645\06CC\200C\062E\0648\0627\0647', U&'\0915\094D\200D\0937', U&'de\00A0Vries', U&'\05D3\05D5\05D3', 'Jr., M.D.']) name,
	text_test.code(format(statement, name)) result
GROUP BY place, result ORDER BY place COLLATE "C";
-- Nothing but spaces, of whatever kind, is no name.
SELECT place, every(text_test.code(format(statement, value)) ~ '^(22023|23514)') AS refused, count(*)
FROM (VALUES (''), (' '), (U&'\00A0'), (U&' \3000\2003 ')) v (value), text_test.place
WHERE place NOT LIKE '%middle' AND place NOT LIKE '%contact%' GROUP BY place ORDER BY place COLLATE "C";
RESET ROLE;

-- [P-11] Spaces around a name are not kept by functions, and not let in by SQL.
CREATE FUNCTION text_test.framed(sign text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	kept text;
BEGIN
	PERFORM bestauth.create_company('text-framed', sign || 'Framed Inc.' || sign);
	PERFORM bestauth.create_role(sign || 'Framed' || sign, company => 'text-inc');
	PERFORM bestauth.create_user('framed', 'restricted', sign || 'Fra' || sign, sign || 'Med' || sign, 'a@b.example', company => 'text-inc');
	SELECT format('<%s> <%s> <%s %s>', c.name, r.name, u.first_name, u.last_name) INTO kept
	FROM bestauth.company c, bestauth.role r, bestauth.user_account u
	WHERE c.code = 'text-framed' AND r.name ~ 'Framed' AND u.username = 'framed' AND r.company_id = u.company_id;
	RAISE EXCEPTION USING ERRCODE = 'ZZ000', MESSAGE = kept;
EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
	RETURN SQLERRM;
END
$$;
SELECT text_test.signs(sign) AS sign, text_test.framed(sign) FROM (VALUES (' '), ('   '), (U&'\00A0'), (U&'\3000'), (U&' \2003')) v (sign);
SELECT place, text_test.code(format(statement, 'Framed ')) AS behind, text_test.code(format(statement, U&'\00A0Framed')) AS before
FROM text_test.place WHERE place LIKE 'SQL%' ORDER BY place COLLATE "C";
-- A role is found, and taken, by its name without the spaces and without case.
SELECT bestauth.create_role('Front Desk', company => 'text-inc') IS NOT NULL AS made;
SELECT text_test.tried($$SELECT bestauth.create_role('  front desk ', company => 'text-inc')$$);

-- [P-11] Companies may share a name. Their codes can't, whatever the case, and the code
-- is what reports show.
SELECT count(bestauth.create_company(code, name)) FROM (VALUES ('text-twin1', 'Twin Billing'), ('text-twin2', ' twin billing ')) v (code, name);
SELECT text_test.tried($$SELECT bestauth.create_company('TEXT-Twin1', 'Another')$$);
SELECT code, text_test.tried(format('SELECT bestauth.create_company(%L, ''Twin Billing'')', code))
FROM (VALUES (' text-twin1'), ('text-twin1 '), ('text.twin1'), ('text/twin1'), ('')) v (code);
SELECT text_test.signs(code) AS code, text_test.code(format('SELECT bestauth.create_company(%L, ''Twin Billing'')', code))
FROM (VALUES (U&'t\0435xt'), (U&'te\200Bxt'), (U&'te\202Ext'), (U&'text\2028'), (U&'\FF54ext'), (E'text\n')) v (code);
SELECT bestauth.register_billing_service(code) FROM unnest('{text-twin1,text-twin2}'::text[]) code;
SELECT code, name FROM bestauth.list_billing_services(1000) WHERE code LIKE 'text-%';
SELECT company, action, object_id FROM bestauth.audit_report(action => 'company.*') WHERE company LIKE 'text-twin%';

--
-- Bytes that are no text.
--
-- [P-06] NUL is in no text and in no JSON; and no function takes bytes.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SELECT text_test.code(statement) FROM (VALUES
	($$SELECT bestauth.create_company('text-nul', E'a\000b')$$),
	($$SELECT bestauth.create_company('text-nul', 'a' || chr(0) || 'b')$$),
	($$SELECT bestauth.create_company('text-nul', convert_from('\x610062', 'UTF8'))$$),
	($$SELECT * FROM bestauth.login('text-inc', 'ada', convert_from('\x610062', 'UTF8'))$$),
	($$SELECT bestauth.register_billing_service('text-inc', '{"kty": "a\u0000b"}')$$)) v (statement);
SELECT p.oid::regprocedure FROM pg_proc p
WHERE p.pronamespace = 'bestauth'::regnamespace AND p.proargtypes::oid[] && '{bytea,bytea[],"char",name}'::regtype[]::oid[];
-- [P-07] Nor what is no UTF-8: made by conversion, escaped in a literal, or sent by a
-- client that says it has no encoding.
SELECT bytes, text_test.code(format('SELECT bestauth.create_company(''text-bad'', convert_from(%L, ''UTF8''))', bytes)) AS converted,
	text_test.code('SELECT bestauth.create_company(''text-bad'', E''' || regexp_replace(substr(bytes, 3), '(..)', '\\x\1', 'g') || ''')') AS escaped
FROM (VALUES ('\xc328'), ('\xff'), ('\x80'), ('\xc0af'), ('\xeda080'), ('\xf5808080'), ('\xe282')) v (bytes);
SET client_encoding = 'LATIN1';
SELECT chr(233) AS e_acute \gset
SET client_encoding = 'SQL_ASCII';
\set VERBOSITY sqlstate
SELECT bestauth.create_company('text-bad', 'Caf' || :'e_acute');
SELECT * FROM bestauth.login('text-inc', 'ada', 'seven green boats of ' || :'e_acute');
SELECT * FROM bestauth.login('text-inc', 'ada', 'seven green boats of ada', client_info => :'e_acute');
\set VERBOSITY default
RESET client_encoding;
SELECT count(*) AS stored FROM bestauth.company WHERE code IN ('text-nul', 'text-bad');
SELECT count(*) AS written FROM bestauth.audit_log WHERE audit_id > :mark;

--
-- [J-07] What the application says of its client is cut, cleaned, and kept apart from
-- the address that the server sees. A login does not fail for it.
--
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
CREATE TABLE text_test.claimed AS
SELECT n, string_agg(chr(b), '') AS sign FROM (SELECT 1 AS n, generate_series(1, 31) AS b UNION SELECT 2, generate_series(127, 159)
	UNION SELECT 3, unnest(ARRAY[8203, 8206, 8207, 65279]) UNION SELECT 3, generate_series(8232, 8238) UNION SELECT 3, generate_series(8294, 8297)) s GROUP BY n;
SELECT n, outcome FROM text_test.claimed, bestauth.login('text-inc', 'ada', 'seven green boats of ada',
	client_addr => '192.0.2.' || n || sign || 'x', client_info => 'browser' || sign || n) ORDER BY n;
SELECT outcome FROM bestauth.login('text-inc', 'ada', 'a wrong long password', client_addr => repeat('1', 5000), client_info => 'x' || repeat(chr(233), 5000));
SELECT outcome FROM bestauth.login('text-inc', 'ada', 'seven green boats of ada', client_addr => repeat('1', 5000), client_info => 'x' || repeat(chr(233), 5000));
SELECT outcome FROM bestauth.login('text-inc', 'ada', 'seven green boats of ada');
SELECT action, regexp_replace(left(client_addr, 100), '\?+', '(?)') AS client_addr, regexp_replace(left(detail ->> 'client_info', 20), '\?+', '(?)') AS client_info,
	octet_length(client_addr) <= 200 AND octet_length(detail ->> 'client_info') <= 200 AS short,
	peer_addr IS NOT DISTINCT FROM host(inet_client_addr()) AS peer
FROM bestauth.audit_log WHERE audit_id > :mark AND action LIKE 'login.%' ORDER BY left(audit_log.client_addr, 9) COLLATE "C", audit_id;
-- Nothing of it is left in any row, and every row has the peer's address beside it.
SELECT count(*) > 10 AS rows, count(*) FILTER (WHERE r::text ~ U&'[\0001-\0008\000B-\001F\007F-\009F\200B\200E\200F\2028-\202E\2066-\2069\FEFF]' COLLATE "C") AS unclean
FROM (SELECT client_addr, detail::text FROM bestauth.audit_log WHERE audit_id > :mark
	UNION ALL SELECT new_values ->> 'client_addr', new_values ->> 'client_info' FROM bestauth.audit_log WHERE audit_id > :mark AND object_type = 'bestauth.session'
	UNION ALL SELECT client_addr, client_info FROM bestauth.session) r;
SELECT attname FROM pg_attribute WHERE attrelid = 'bestauth.audit_log'::regclass AND attname IN ('client_addr', 'peer_addr', 'db_role', 'application_name') ORDER BY attname COLLATE "C";
-- The rows of a session have what was said at its login.
SELECT session_token FROM bestauth.login('text-inc', 'ada', 'seven green boats of ada', client_addr => U&'192.0.2.9\202Eevil') \gset
BEGIN;
SELECT user_id = person_id AS used FROM bestauth.use_session(:'session_token');
SELECT text_test.code('SELECT bestauth.lock_user(''lou'')');
COMMIT;
SELECT regexp_replace(client_addr, '\?+', '(?)') AS client_addr, peer_addr IS NOT DISTINCT FROM host(inet_client_addr()) AS peer
FROM bestauth.audit_log WHERE audit_id > :mark AND action = 'access.denied';

--
-- [A-07] Passwords: no rule of composition, and none of age or history.
--
CREATE TABLE text_test.secret (username text, password text);
INSERT INTO text_test.secret VALUES ('lower', 'quietlampovermarbled'), ('spaced', 'the boats drift past'), ('cyrillic', U&'\043F\0443\0440\043F\0443\0440\043D\044B\0439\0436\0438\0440\0430\0444\0441\043F\0438\0442'),
	('han', U&'\7D2B\8272\957F\9888\9E7F\5728\591C\91CC\9759\9759\5730\7761\89C9\7684\65F6\5019'), ('emoji', (SELECT string_agg(chr(128000 + 7 * n), '') FROM generate_series(1, 16) n));
SELECT username, length(password) AS characters, text_test.tried(format('SELECT bestauth.create_user(%L, ''standard'', ''A'', ''B'', ''a@b.example'', %L, company => ''text-inc'')', username, password)) FROM text_test.secret;
SELECT bestauth.create_user(username, 'standard', 'A', 'B', 'a@b.example', password, company => 'text-inc') IS NOT NULL AS made FROM text_test.secret WHERE username IN ('lower', 'han');
CREATE VIEW text_test.stored AS SELECT c.* FROM bestauth.credential c JOIN bestauth.user_account u USING (user_id) JOIN bestauth.company o USING (company_id)
WHERE o.code = 'text-inc' AND u.username = 'lower';
SELECT expires_at, must_change FROM text_test.stored;
UPDATE bestauth.credential SET changed_at = changed_at - interval '20 years' WHERE user_id = (SELECT user_id FROM text_test.stored);
SELECT s.username, outcome FROM text_test.secret s, bestauth.login('text-inc', s.username, s.password) WHERE s.username IN ('lower', 'han') ORDER BY s.username;
-- The password of before may come back.
SELECT bestauth.reset_password('lower', company => 'text-inc') AS password \gset temporary_
SELECT outcome, challenge_token FROM bestauth.login('text-inc', 'lower', :'temporary_password') \gset
SELECT bestauth.set_password(:'challenge_token', 'quietlampovermarbled');
SELECT outcome FROM bestauth.login('text-inc', 'lower', 'quietlampovermarbled');
SELECT name FROM pg_settings WHERE name ~ '^bestauth\..*(history|reuse|rotat|max_age|password.*(days|age|expire))';

--
-- [P-09] Zone, style of dates, language and encoding of the session change no decision
-- and no SQLSTATE.
--
SELECT bestauth.reset_password(u, company => 'text-inc') AS password FROM unnest('{tom}'::text[]) u \gset tom_
SELECT challenge_token FROM bestauth.login('text-inc', 'tom', :'tom_password') \gset tom_
SELECT bestauth.reset_password('lou', company => 'text-inc') AS password \gset lou_
SELECT challenge_token FROM bestauth.login('text-inc', 'lou', :'lou_password') \gset lou_
UPDATE bestauth.token SET expires_at = clock_timestamp() - interval '1 second' WHERE token_hash = sha256(:'lou_challenge_token');
SELECT session_token FROM bestauth.login('text-inc', 'ada', 'seven green boats of ada') \gset good_
SELECT session_token FROM bestauth.login('text-inc', 'ada', 'seven green boats of ada') \gset old_
UPDATE bestauth.session SET expires_at = clock_timestamp() - interval '1 second' WHERE token_hash = sha256(:'old_session_token');
UPDATE bestauth.session SET expires_at = clock_timestamp() + interval '10 minutes' WHERE token_hash = sha256(:'good_session_token');
SELECT outcome, count(*) FROM generate_series(1, 5) n, bestauth.login('text-inc', 'tim', 'wrong password number ' || n) GROUP BY outcome;
-- A guess that meets a lock of just now waits: so let it be an older one.
CREATE VIEW text_test.tim AS SELECT subject FROM bestauth.login_counter c JOIN bestauth.user_account u ON c.subject = '\x75'::bytea || uuid_send(u.user_id)
WHERE u.username = 'tim' AND u.email = 'tim@text.example';
UPDATE bestauth.login_counter SET locked_at = locked_at - interval '1 minute' WHERE subject = (SELECT subject FROM text_test.tim);

CREATE TABLE text_test.decision (n int, name text, statement text);
INSERT INTO text_test.decision VALUES
	(1, 'right password', $$SELECT 1 / (outcome = 'authenticated')::int FROM bestauth.login('text-inc', 'ada', 'seven green boats of ada')$$),
	(2, 'locked out', $$SELECT 1 / (outcome = 'denied')::int FROM bestauth.login('text-inc', 'tim', 'seven green boats of tim')$$),
	(3, 'link that is good', format($$SELECT 1 / (bestauth.set_password(%L, 'nine brown barges upstream') = 'accepted')::int$$, :'tom_challenge_token')),
	(4, 'link too old', format($$SELECT 1 / (bestauth.set_password(%L, 'nine brown barges upstream') = 'expired')::int$$, :'lou_challenge_token')),
	(5, 'session that is good', format('SELECT bestauth.use_session(%L)', :'good_session_token')),
	(6, 'session too old', format('SELECT bestauth.use_session(%L)', :'old_session_token')),
	(7, 'code taken', $$SELECT bestauth.create_company('TEXT-INC', 'Text')$$),
	(8, 'user name taken', $$SELECT bestauth.create_user('TIM', 'standard', 'T', 'M', 't@text.example', company => 'text-inc')$$),
	(9, 'no such company', $$SELECT bestauth.lock_user('ada', company => 'text-nowhere')$$),
	(10, 'not a user name', $$SELECT bestauth.create_user(U&'\0130lk', 'standard', 'T', 'M', 't@text.example', company => 'text-inc')$$),
	(11, 'user name suggested', $$SELECT 1 / (bestauth.suggest_username(U&'\0130lknur', U&'\0130\015EIK', company => 'text-inc') = 'iisik')::int$$),
	(12, 'not allowed', format($$SELECT bestauth.use_session(%L), bestauth.lock_user('ada')$$, :'good_session_token')),
	(13, 'password refused', format($$SELECT bestauth.set_password(%L, 'short')$$, :'tom_challenge_token'));
CREATE FUNCTION text_test.under(zone text, style text, language text, encoding text, intervals text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	PERFORM set_config('TimeZone', zone, true), set_config('DateStyle', style, true), set_config('client_encoding', encoding, true),
		set_config('IntervalStyle', intervals, true), set_config('client_min_messages', 'error', true);
	BEGIN
		PERFORM set_config('lc_messages', language, true);
	EXCEPTION WHEN OTHERS THEN
		NULL;	-- that language is not on this machine
	END;
	SELECT string_agg(name || ': ' || text_test.code(statement), E'\n' ORDER BY n) INTO result FROM text_test.decision;
	RAISE EXCEPTION USING ERRCODE = 'ZZ000', MESSAGE = result;
EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
	RETURN SQLERRM;
END
$$;
SELECT result, count(*) FROM (VALUES
	('UTC', 'ISO, MDY', 'C', 'UTF8', 'postgres'),
	('Pacific/Kiritimati', 'SQL, DMY', 'de_DE.UTF-8', 'LATIN1', 'iso_8601'),
	('<-12>+12', 'German, DMY', 'tr_TR.UTF-8', 'SQL_ASCII', 'sql_standard'),
	('America/New_York', 'Postgres, YMD', 'ja_JP.UTF-8', 'EUC_JP', 'postgres_verbose')) v (zone, style, language, encoding, intervals),
	text_test.under(zone, style, language, encoding, intervals) result
GROUP BY result;
SELECT detail ->> 'reason' AS why FROM bestauth.audit_log WHERE username = 'tim' AND action = 'login.denied' AND audit_id > :mark GROUP BY 1 ORDER BY (detail ->> 'reason') COLLATE "C";
-- One password, typed by clients of two encodings.
SELECT bestauth.create_user('enc', 'standard', 'A', 'B', 'a@b.example', 'nine brown barges ' || chr(233) || chr(252), company => 'text-inc') IS NOT NULL AS made;
SET client_encoding = 'LATIN1';
SELECT 'nine brown barges ' || chr(233) || chr(252) AS typed \gset
SELECT outcome FROM bestauth.login('text-inc', 'enc', :'typed');
RESET client_encoding;

-- [P-10] Whatever has a time of day has a zone; what is called a moment is one.
SELECT c.oid::regclass AS relation, a.attname, a.atttypid::regtype FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'bestauth'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
	AND c.relname <> 'audit_text' -- an export, all of it text
	AND (a.atttypid = ANY ('{timestamp,timestamp[],time,time[],timetz,timetz[]}'::regtype[]) OR a.attname ~ '_(at|until|since)$' AND a.atttypid <> 'timestamptz'::regtype);
SELECT p.oid::regprocedure FROM pg_proc p
WHERE p.pronamespace = 'bestauth'::regnamespace
	AND coalesce(p.proallargtypes, p.proargtypes) || p.prorettype && '{timestamp,timestamp[],time,time[],timetz,timetz[]}'::regtype[]::oid[];
SELECT count(*) > 20 AS moments FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind IN ('r', 'p') AND a.atttypid = 'timestamptz'::regtype;

--
-- Limits, and what is open to an application.
--
-- [C-10] No limit of ours is an application's to set, in any way that there is; and the
-- superuser's stay within bounds. (Startup options: test/t/050_identity.pl.)
SELECT current_database() AS db \gset
CREATE TABLE text_test.setting AS SELECT name, setting, context, CASE WHEN vartype = 'integer' THEN max_val ELSE setting END AS highest FROM pg_settings WHERE name LIKE 'bestauth.%';
CREATE TABLE text_test.way (way text, statement text);
INSERT INTO text_test.way VALUES
	('SET', 'SET %1$s = %2$L'), ('SET SESSION', 'SET SESSION %1$s = %2$L'), ('SET LOCAL', 'SET LOCAL %1$s = %2$L'), ('SET DEFAULT', 'SET %1$s TO DEFAULT'),
	('RESET', 'RESET %1$s'), ('set_config', 'SELECT set_config(%1$L, %2$L, false)'), ('set_config local', 'SELECT set_config(%1$L, %2$L, true)'),
	('pg_settings', 'UPDATE pg_settings SET setting = %2$L WHERE name = %1$L'),
	('ALTER ROLE', 'ALTER ROLE regress_text_app SET %1$s = %2$L'), ('ALTER ROLE in', format('ALTER ROLE regress_text_app IN DATABASE %I SET %%1$s = %%2$L', :'db')),
	('ALTER DATABASE', format('ALTER DATABASE %I SET %%1$s = %%2$L', :'db')), ('function', 'CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql SET %1$s = %2$L AS ''SELECT 1''');
GRANT SELECT ON text_test.setting, text_test.way TO regress_text_app;
SELECT count(*) > 5 AS several FROM text_test.setting WHERE context = 'superuser';
SELECT name, context FROM text_test.setting WHERE context NOT IN ('superuser', 'sighup', 'postmaster');
SET SESSION AUTHORIZATION regress_text_app;
SELECT way, string_agg(DISTINCT text_test.code(format(statement, name, highest)), ' or ') AS result FROM text_test.way, text_test.setting WHERE context = 'superuser' GROUP BY way ORDER BY way COLLATE "C";
ALTER SYSTEM SET bestauth.lockout_threshold = 100;
RESET SESSION AUTHORIZATION;
SELECT s.name FROM pg_settings p JOIN text_test.setting s USING (name) WHERE p.setting <> s.setting;
SELECT d.setconfig FROM pg_db_role_setting d WHERE d.setrole = 'regress_text_app'::regrole;
SELECT n, text_test.code(format('SET bestauth.lockout_threshold = %s', n)) FROM unnest(ARRAY[-1, 0, 1, 5, 100, 101, 1000000]) n;

-- [D11] Another system's lock ended when the session that guesses raised the threshold.
-- Tim is locked out, by whatever way one tries.
SET SESSION AUTHORIZATION regress_text_app;
SET bestauth.lockout_threshold = 1000000;
SET bestauth.lockout_threshold = 100;
SET bestauth.lockout_duration = 1;
SELECT set_config('bestauth.lockout_threshold', '100', false);
ALTER ROLE regress_text_app SET bestauth.lockout_threshold = 100;
SELECT outcome FROM bestauth.login('text-inc', 'tim', 'seven green boats of tim');
RESET SESSION AUTHORIZATION;
SELECT detail ->> 'reason' AS why FROM bestauth.audit_log WHERE username = 'tim' AND action = 'login.denied' AND audit_id > :mark ORDER BY audit_id DESC LIMIT 1;
-- He is let in when the lock goes: it was that, and nothing else.
SELECT bestauth.unlock_user('tim', company => 'text-inc');
SELECT outcome FROM bestauth.login('text-inc', 'tim', 'seven green boats of tim');

-- [L-11] To an application the schema is open for what access_rule says, and nothing else
-- in it is: functions, and views over them; no table, no sequence.
CREATE VIEW text_test.open AS
SELECT 'FUNCTION ' || p.oid::regprocedure AS object, 'EXECUTE' AS privilege FROM pg_proc p
WHERE p.pronamespace = 'bestauth'::regnamespace AND has_function_privilege('regress_text_app', p.oid, 'EXECUTE')
UNION SELECT 'TABLE ' || c.oid::regclass, v FROM pg_class c, unnest('{SELECT,INSERT,UPDATE,REFERENCES}'::text[]) v
WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
	AND (has_table_privilege('regress_text_app', c.oid, v) OR has_any_column_privilege('regress_text_app', c.oid, v))
UNION SELECT 'TABLE ' || c.oid::regclass, v FROM pg_class c, unnest('{DELETE,TRUNCATE,TRIGGER}'::text[]) v
WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND has_table_privilege('regress_text_app', c.oid, v)
UNION SELECT 'SEQUENCE ' || c.oid::regclass, v FROM pg_class c, unnest('{USAGE,SELECT,UPDATE}'::text[]) v
WHERE c.relnamespace = 'bestauth'::regnamespace AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege('regress_text_app', c.oid, v) END;
CREATE VIEW text_test.meant AS
SELECT 'FUNCTION ' || to_regprocedure(substr(object, 10)) AS object, privilege FROM bestauth.access_rule WHERE object LIKE 'FUNCTION %' AND 'application' = ANY (access)
UNION SELECT 'TABLE ' || to_regclass(substr(object, 7)), unnest(string_to_array(privilege, ', ')) FROM bestauth.access_rule WHERE object LIKE 'TABLE %' AND 'application' = ANY (access);
(TABLE text_test.open EXCEPT TABLE text_test.meant) UNION ALL (TABLE text_test.meant EXCEPT TABLE text_test.open);
SELECT count(*) > 15 AS several, count(*) = count(DISTINCT object) AS each_once FROM text_test.meant;
SELECT m.object, m.privilege FROM text_test.meant m JOIN pg_class c ON m.object = 'TABLE ' || c.oid::regclass WHERE c.relkind <> 'v' OR m.privilege <> 'SELECT';
SELECT nspname, has_schema_privilege('regress_text_app', oid, 'USAGE') AS usage, has_schema_privilege('regress_text_app', oid, 'CREATE') AS "create"
FROM pg_namespace WHERE nspname = 'bestauth' OR oid IN (SELECT objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
	WHERE d.classid = 'pg_namespace'::regclass AND d.refclassid = 'pg_extension'::regclass AND e.extname = 'bestauth');

-- What the extension made, whatever schema it is in.
CREATE VIEW text_test.member AS
SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'bestauth';
-- [L-14] No function takes an internal type or bytes for a parser, and none takes SQL.
SELECT p.oid::regprocedure FROM pg_proc p
WHERE (p.pronamespace = 'bestauth'::regnamespace OR ('pg_proc'::regclass, p.oid) IN (TABLE text_test.member))
	AND (coalesce(p.proallargtypes, p.proargtypes) || p.prorettype && ARRAY['internal', 'cstring', 'anyelement', 'anyarray', '"any"', 'language_handler', 'fdw_handler', 'index_am_handler', 'table_am_handler', 'tsm_handler']::regtype[]::oid[]
		AND p.oid NOT IN (SELECT prosupport FROM pg_proc WHERE pronamespace = 'bestauth'::regnamespace)
		OR p.proargnames[1:p.pronargs] && '{sql,query,statement,stmt,command,expression,predicate,condition,body,filter,order_by}');
-- [L-16] No operator, type, cast or access method of its own, so no estimator but the
-- planner support of the two predicates; no rule of transformation: functions, tables, views, one sequence,
-- two event triggers.
SELECT DISTINCT m.classid::regclass AS kind FROM text_test.member m
WHERE m.classid NOT IN ('pg_proc'::regclass, 'pg_class'::regclass, 'pg_type'::regclass, 'pg_namespace'::regclass, 'pg_event_trigger'::regclass);
SELECT t.oid::regtype, t.typtype FROM pg_type t
WHERE t.typnamespace = 'bestauth'::regnamespace AND t.typcategory <> 'A' AND (t.typtype <> 'c' OR t.typanalyze <> 0);
SELECT o.oid::regoperator FROM pg_operator o WHERE o.oprnamespace = 'bestauth'::regnamespace
UNION ALL SELECT o.oid::regoperator FROM pg_operator o JOIN pg_proc p ON p.pronamespace = 'bestauth'::regnamespace AND p.oid IN (o.oprcode, o.oprrest, o.oprjoin);
SELECT p.oid::regprocedure, p.prosupport, p.proleakproof FROM pg_proc p WHERE p.pronamespace = 'bestauth'::regnamespace AND (p.prosupport <> 0 OR p.proleakproof) ORDER BY 1;

SET client_min_messages = warning;
SELECT bestauth.revoke_access('regress_text_app', 'application');
SELECT bestauth.revoke_access('regress_text_operator', 'operator');
DROP SCHEMA text_test CASCADE;
DROP ROLE regress_text_app, regress_text_operator;
