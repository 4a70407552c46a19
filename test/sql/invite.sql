-- One-click invites: who sends them where, what comes of a link, and what makes an end of it.
\set SHOW_CONTEXT never
SET datestyle = 'ISO';
SET bytea_output = 'hex';
SELECT count(bestauth.create_company(code, name, parent)) FROM (VALUES ('invite_clinic', 'Hill Clinic', NULL), ('invite_far', 'Far Clinic', NULL)) v (code, name, parent);
SELECT count(bestauth.create_company('invite_child', 'Child Clinic', 'invite_clinic'));
SELECT count(bestauth.create_portal(company, code, kind, name, url)) FROM (VALUES ('invite_clinic', 'docs', 'provider', 'Portal for Doctors', 'https://docs.invite.example/'), ('invite_clinic', 'V1', 'client', 'Portal for Clients', NULL), ('invite_far', 'docs', 'provider', 'Far Portal', NULL)) v (company, code, kind, name, url);
CREATE ROLE regress_invite_app;
CREATE ROLE regress_invite_operator;
SELECT bestauth.grant_access('regress_invite_app', 'application'), bestauth.grant_access('regress_invite_operator', 'operator');
GRANT USAGE ON SCHEMA regress TO regress_invite_app, regress_invite_operator;
CREATE TEMP TABLE thing (name text PRIMARY KEY, id uuid NOT NULL);
CREATE TEMP TABLE token (username text PRIMARY KEY, token text);
CREATE TEMP TABLE mail (n serial, kind text, recipient text, subject text, body text, token text);
GRANT SELECT ON thing, token, mail TO regress_invite_app, regress_invite_operator;
INSERT INTO thing SELECT v.name, bestauth.create_office(company, identifier, title) FROM (VALUES ('hill', 'invite_clinic', '11-1111111', 'Hill Office'), ('lake', 'invite_clinic', '22-2222222', 'Lake Office'), ('far', 'invite_far', '33-3333333', 'Far Office')) v (name, company, identifier, title);
INSERT INTO thing SELECT v.name, bestauth.create_provider(id, npi, first_name, 'Test', '1970-02-03') FROM (VALUES ('pat', 'hill', '1234567893', 'Pat'), ('quin', 'hill', '1234567802', 'Quin'), ('rob', 'lake', '1234567810', 'Rob'), ('fay', 'far', '1234567828', 'Fay')) v (name, office, npi, first_name) JOIN thing ON thing.name = office;
INSERT INTO thing VALUES ('missing', '00000000-0000-7000-8000-000000000000');
SELECT count(bestauth.create_role(name, permissions, company => company)) FROM (VALUES ('Manager', '{manage_portal_users,claims}'::text[], 'invite_clinic'), ('Everything', '{claims,manage_users,manage_roles,audit_report}', 'invite_clinic'), ('Passing', '{claims}', 'invite_clinic'), ('Far Only', '{claims}', 'invite_far')) v (name, permissions, company);
-- What a call returns, or its error; <name> in it stands for an id. Ids and times are not shown.
CREATE FUNCTION pg_temp.plain(value text) RETURNS text LANGUAGE sql AS $$
	SELECT regexp_replace(regexp_replace(value, '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', '(id)', 'g'), '"\d{4}-\d\d-\d\d [^"]*"', '(time)', 'g')
$$;
CREATE FUNCTION pg_temp.answer(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	rule text;
	t record;
BEGIN
	FOR t IN SELECT * FROM thing LOOP
		call := replace(call, '<' || t.name || '>', quote_literal(t.id));
	END LOOP;
	EXECUTE format('SELECT string_agg(r::text, '' '') FROM bestauth.%s r', call) INTO result;
	RETURN pg_temp.plain(result);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME;
	RETURN pg_temp.plain(SQLSTATE || coalesce(' [' || nullif(rule, '') || ']', '') || ' ' || SQLERRM);
END
$$;
CREATE FUNCTION pg_temp.as_user(username text, call text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session((SELECT token FROM token t WHERE t.username = as_user.username));
	RETURN pg_temp.answer(call);
END
$$;
-- The mail of this test goes out; the last link that an address got.
CREATE FUNCTION pg_temp.claim() RETURNS bigint LANGUAGE sql AS $$
	WITH claimed AS (INSERT INTO mail (kind, recipient, subject, body, token) SELECT kind, recipient, subject, body, token FROM bestauth.claim_mail(1000)
	WHERE lower(recipient COLLATE "C") LIKE '%@invite.example' ORDER BY recipient COLLATE "C" RETURNING token) SELECT count(token) FROM claimed
$$;
CREATE FUNCTION pg_temp.link(address text) RETURNS text LANGUAGE sql AS $$
	SELECT token FROM mail WHERE recipient = $1 || '@invite.example' AND token IS NOT NULL ORDER BY n DESC LIMIT 1
$$;
CREATE FUNCTION pg_temp.peek(address text) RETURNS text LANGUAGE sql AS $$ SELECT outcome FROM bestauth.peek_registration(pg_temp.link($1)) $$;
CREATE FUNCTION pg_temp.accept(link text, username text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.answer(format('accept_registration(%L, %L, %L, ''Given'', ''Name'')', link, username, 'seven green boats of ' || username))
$$;
CREATE FUNCTION pg_temp.log_in(username text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	l record;
BEGIN
	SELECT * INTO l FROM bestauth.login('invite_clinic', username, 'seven green boats of ' || username, 'docs');
	DELETE FROM token t WHERE t.username = log_in.username;
	INSERT INTO token VALUES (username, l.session_token);
	RETURN l.outcome;
END
$$;
-- Invites with what they lead to.
CREATE VIEW pg_temp.invite AS SELECT r.email, o.name AS office, p.first_name AS provider, r.level, r.status, r.reason, r.role, i.username AS invited_by, r.invited_by_role AS db_role, u.username, r.registration_id, r.expires_at, r.created_at
FROM bestauth.registration r JOIN bestauth.company c ON c.company_id = r.company_id JOIN bestauth.office o USING (office_id) LEFT JOIN bestauth.provider p USING (provider_id) LEFT JOIN bestauth.user_account i ON i.user_id = r.invited_by
LEFT JOIN bestauth.user_account u ON u.user_id = r.user_id WHERE c.code LIKE 'invite\_%';
-- What a call could have written.
CREATE FUNCTION pg_temp.rows() RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', (SELECT count(*) FROM bestauth.registration), (SELECT count(*) FROM bestauth.user_account), (SELECT count(*) FROM bestauth.outbox), (SELECT count(*) FROM bestauth.token), (SELECT count(*) FROM bestauth.credential), (SELECT count(*) FROM bestauth.user_role),
		(SELECT count(*) FROM bestauth.audit_log WHERE outcome <> 'denied'), (SELECT md5(string_agg(r::text, '' ORDER BY registration_id)) FROM bestauth.registration r), (SELECT md5(string_agg(t::text, '' ORDER BY token_id)) FROM bestauth.token t))
$$;
-- Some time goes by: not by SQL that an operator could run.
CREATE FUNCTION pg_temp.ends(address text, span interval) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	ALTER TABLE bestauth.registration DISABLE TRIGGER rule;
	UPDATE bestauth.registration SET expires_at = clock_timestamp() + span WHERE email = address || '@invite.example' AND status = 'EMAIL-INT';
	GET DIAGNOSTICS n = ROW_COUNT;
	ALTER TABLE bestauth.registration ENABLE ALWAYS TRIGGER rule;
	RETURN n;
END
$$;
CREATE FUNCTION pg_temp.refused(id uuid) RETURNS text LANGUAGE sql AS $$
	SELECT detail->>'reason' FROM bestauth.audit_log WHERE action = 'registration.refused' AND outcome = 'denied' AND object_type = 'registration' AND object_id = $1::text ORDER BY audit_id DESC LIMIT 1
$$;
-- Nobody is to be locked out by the way, and no mail to wait.
SET bestauth.lockout_threshold = 100;
SET bestauth.mail_hourly_limit = 1000;
SELECT count(*) >= 0 AS cleared FROM bestauth.claim_mail(1000);

-- [PRV-4] Every provider portal has four roles.
SELECT r.name, array_to_string(ARRAY(SELECT permission FROM bestauth.role_permission p WHERE p.role_id = r.role_id ORDER BY permission), ' ') AS permissions FROM bestauth.role r JOIN bestauth.company c USING (company_id) WHERE c.code = 'invite_clinic' AND r.name LIKE 'Provider%' ORDER BY 1;

-- [PRV-1] The operator invites anybody to any office: so the first administrator comes in.
-- [PRV-2] Good for 24 hours. [PRV-5] EMAIL-INT once it is sent.
SELECT clock_timestamp() AS before \gset
SET ROLE regress_invite_operator;
SELECT pg_temp.answer(call) FROM unnest(ARRAY[
	$$send_registration_links_csv('chief@invite.example,second@invite.example', 'Provider - Administrator', <hill>)$$,
	$$send_registration_links('{pam@invite.example}', 'provider - administrator', <hill>, <pat>, 'invite_clinic')$$,
	$$send_registration_links('{lou@invite.example}', 'Provider - Administrator', <lake>)$$,
	$$send_registration_links(ARRAY['cleo@invite.example'], 'Provider - Clerical User', <hill>)$$,
	$$send_registration_links(ARRAY['mae@invite.example'], 'Manager', <hill>)$$,
	$$send_registration_links(ARRAY['fern@invite.example'], 'Provider - Administrator', <far>)$$]) call;
RESET ROLE;
SELECT email, office, provider, level, status, role, invited_by, db_role, expires_at BETWEEN :'before'::timestamptz + '24 h' AND clock_timestamp() + '24 h' AS a_day FROM pg_temp.invite ORDER BY email COLLATE "C";
SELECT a.action, outcome, object_type, object_id = i.registration_id::text AS of_it, company_code, a.db_role = session_user AS by_the_operator, a.username, detail FROM bestauth.audit_log a JOIN pg_temp.invite i ON i.registration_id::text = a.object_id WHERE action = 'registration.invited' ORDER BY email COLLATE "C";
SELECT action, new_values->>'status' AS status, new_values->>'email' AS email FROM bestauth.audit_log WHERE object_type = 'bestauth.registration' AND new_values->>'email' = 'pam@invite.example';

-- The mail: text, link and role; to the one address.
SELECT pg_temp.claim();
SELECT kind, recipient, subject, token IS NOT NULL AS has_token FROM mail ORDER BY n;
SELECT regexp_replace(replace(body, token, '(token)'), '\d{4}-\d\d-\d\d \d\d:\d\d', '(time)') AS body FROM mail WHERE recipient = 'chief@invite.example';
SELECT strpos(body, to_char(expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')) > 0 AS says_until_when FROM mail JOIN pg_temp.invite ON email = recipient WHERE recipient = 'chief@invite.example';
-- Of two claims the first one's link is as good, until one is used.
BEGIN;
INSERT INTO bestauth.mail_template (kind, company_id, subject, body) SELECT 'registration_invite', company_id, 'As {{role}}', '{{role}} of {{office}}, {{company}}: {{link}} until {{valid_until}}, which is {{valid_for}}' FROM bestauth.company WHERE code = 'invite_clinic';
UPDATE bestauth.outbox SET due_at = clock_timestamp() WHERE recipient = 'chief@invite.example';
SELECT pg_temp.claim();
SELECT subject, regexp_replace(replace(body, token, '(token)'), '\d{4}-\d\d-\d\d \d\d:\d\d', '(time)') AS body FROM mail ORDER BY n DESC LIMIT 1;
SELECT outcome, count(*) FROM mail, bestauth.peek_registration(token) WHERE recipient = 'chief@invite.example' GROUP BY 1;
SELECT accepted, pg_temp.peek('chief') FROM (SELECT token FROM mail WHERE recipient = 'chief@invite.example' ORDER BY n LIMIT 1) m, LATERAL (SELECT pg_temp.accept(token, 'chief') AS accepted) a;
ROLLBACK;

-- [E-01] 256 bits. [E-02] Nothing of them rests but a hash, also not when they were used:
-- looked for in every column of every table, in each form.
CREATE FUNCTION pg_temp.tables_with(secret text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
	bare text := regexp_replace(secret, '^ba[a-z]_', '');
	hex text := CASE WHEN length(bare) = 43 THEN encode(decode(translate(bare, '-_', '+/') || '=', 'base64'), 'hex') ELSE encode(convert_to(bare, 'UTF8'), 'hex') END;
	result text[] := '{}';
	found boolean;
	t regclass;
BEGIN
	FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 'bestauth'::regnamespace AND relkind = 'r' LOOP
		EXECUTE format('SELECT EXISTS (SELECT FROM %s t WHERE strpos(t::text, $1) > 0 OR strpos(t::text, $2) > 0 OR strpos(t::text, $3) > 0)', t) INTO found USING bare, hex, encode(convert_to(bare, 'UTF8'), 'hex');
		result := result || CASE WHEN found THEN ARRAY[t::text] ELSE '{}' END;
	END LOOP;
	RETURN result;
END
$$;
SELECT count(*), bool_and(token ~ '^bat_[A-Za-z0-9_-]{43}$') AS form, count(DISTINCT token) AS different, bool_and(strpos(body, 'https://docs.invite.example/accept-registration?token=' || token) > 0) FILTER (WHERE recipient NOT LIKE 'fern%') AS in_the_link FROM mail;
SELECT count(*) AS kept_as_a_hash FROM mail JOIN bestauth.token t ON token_hash = sha256(convert_to(token, 'UTF8')) WHERE purpose = 'registration' AND registration_id IS NOT NULL AND user_id IS NULL;
SELECT '{bestauth.registration,bestauth.outbox}' <@ pg_temp.tables_with('chief@invite.example') AS finds_what_is_there, array_length(pg_temp.tables_with(encode(sha256(convert_to(pg_temp.link('chief'), 'UTF8')), 'hex')), 1) AS and_hashes;
SELECT recipient, pg_temp.tables_with(token) FROM mail WHERE recipient = 'chief@invite.example';

-- [E-13] [PRV-3] Looking tells what the link leads to, and writes nothing: no row, not even
-- of the audit, and the transaction gets no number.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SELECT pg_temp.rows() AS rows \gset before_
SET ROLE regress_invite_app;
SELECT outcome, email, office, provider, role FROM mail, LATERAL bestauth.peek_registration(token) ORDER BY n;
BEGIN READ ONLY;
SELECT outcome, count(*) FROM generate_series(1, 50) n, LATERAL (SELECT outcome FROM bestauth.peek_registration(CASE WHEN n % 2 = 0 THEN pg_temp.link('chief') ELSE 'bat_' || repeat('A', 43) END)) p GROUP BY 1 ORDER BY 1;
COMMIT;
BEGIN;
SELECT outcome FROM bestauth.peek_registration(pg_temp.link('chief'));
SELECT pg_current_xact_id_if_assigned() IS NULL AS nothing_written;
COMMIT;
SELECT * FROM bestauth.peek_registration('');
SELECT pg_temp.answer('peek_registration(NULL)');
RESET ROLE;
SELECT p.expires_at = i.expires_at AS as_the_row_says FROM pg_temp.invite i, bestauth.peek_registration(pg_temp.link('chief')) p WHERE i.email = 'chief@invite.example';
SELECT pg_temp.rows() = :'before_rows' AS nothing_written, count(*) AS audit_rows FROM bestauth.audit_log WHERE audit_id > :mark;

-- [E-13] What is refused leaves the link good: a user name that can't be, or is taken, a
-- password that the policy refuses, details that there are not.
SELECT count(*) FROM bestauth.submit_registration('invite_clinic', '111111111', NULL, 'tin', NULL, NULL, 'waiting', 'seven green boats of w', 'Will', 'Waits', 'waiting@invite.example');
SELECT status, missing FROM bestauth.registration WHERE username = 'waiting';
SELECT pg_temp.accept(pg_temp.link('lou'), 'lou') AS lou, pg_temp.accept(pg_temp.link('fern'), 'fern') AS fern;
SELECT pg_temp.rows() AS rows \gset before_
SET ROLE regress_invite_app;
SELECT arguments, pg_temp.answer(format('accept_registration(%L, %s)', pg_temp.link('chief'), arguments)) FROM unnest(ARRAY[
	$$'lou', 'seven green boats of x', 'Given', 'Name'$$, $$'LOU', 'seven green boats of x', 'Given', 'Name'$$, $$'Waiting', 'seven green boats of x', 'Given', 'Name'$$,
	$$'chief', 'too short', 'Given', 'Name'$$, $$'chief', 'chief chief chief', 'Given', 'Name'$$, $$'chief', '', 'Given', 'Name'$$, $$'chief', NULL, 'Given', 'Name'$$,
	$$'two words', 'seven green boats of x', 'Given', 'Name'$$, $$'', 'seven green boats of x', 'Given', 'Name'$$, $$NULL, 'seven green boats of x', 'Given', 'Name'$$,
	$$'chief', 'seven green boats of x', ' ', 'Name'$$, $$'chief', 'seven green boats of x', 'Given', NULL$$, $$'chief', 'seven green boats of x', E'Given\n', 'Name'$$, $$'chief', 'seven green boats of x', 'Given', repeat('x', 101)$$,
	$$'chief', 'seven green boats of x', 'Given', 'Name', '[]'$$, $$'chief', 'seven green boats of x', 'Given', 'Name', '"title"'$$, $$'chief', 'seven green boats of x', 'Given', 'Name', '{"title": 1}'$$,
	$$'chief', 'seven green boats of x', 'Given', 'Name', '{"role": "Everything"}'$$, $$'chief', 'seven green boats of x', 'Given', 'Name', '{"email": "other@invite.example"}'$$, $$'chief', 'seven green boats of x', 'Given', 'Name', '{"office_id": null}'$$]) arguments;
SELECT pg_temp.answer($$accept_registration(NULL, 'chief', 'seven green boats of x', 'Given', 'Name')$$);
BEGIN READ ONLY;
SELECT pg_temp.accept(pg_temp.link('chief'), 'chief');
COMMIT;
RESET ROLE;
SELECT pg_temp.rows() = :'before_rows' AS nothing_made, pg_temp.peek('chief') AS link;
-- [E-05] So does a transaction that comes to nothing.
BEGIN; SELECT pg_temp.accept(pg_temp.link('chief'), 'chief'); ROLLBACK;
SELECT pg_temp.rows() = :'before_rows' AS nothing_made, pg_temp.peek('chief') AS link;

-- [PRV-2] [PRV-3] [PRV-5] Accepted, it is an account of that portal, office, level and role,
-- with that address, which counts as verified. [E-11] No session comes of it: they log in.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SET ROLE regress_invite_app;
SELECT outcome, user_id IS NOT NULL AS has_user FROM bestauth.accept_registration(pg_temp.link('chief'), 'Chief', 'seven green boats of chief', ' Given ', 'Name', '{"title": "Dr", "middle_name": null, "phone": " 1 "}');
SELECT pg_temp.accept(pg_temp.link('pam'), 'pam'), pg_temp.accept(pg_temp.link('cleo'), 'cleo'), pg_temp.accept(pg_temp.link('mae'), 'mae');
RESET ROLE;
SELECT u.username, c.code AS company, p.code AS portal, o.name AS office, v.first_name AS provider, user_type, u.email, verified_at IS NOT NULL AS verified, u.first_name, u.middle_name, u.last_name, u.title, u.phone,
	(SELECT string_agg(r.name, ' ') FROM bestauth.user_role ur JOIN bestauth.role r USING (role_id) WHERE ur.user_id = u.user_id) AS roles, (SELECT count(*) FROM bestauth.user_permission up WHERE up.user_id = u.user_id) AS permissions, (SELECT count(*) FROM bestauth.session s WHERE s.user_id = u.user_id) AS sessions
FROM bestauth.user_account u JOIN bestauth.company c USING (company_id) JOIN bestauth.portal p USING (portal_id) JOIN bestauth.office o USING (office_id) LEFT JOIN bestauth.provider v USING (provider_id) WHERE u.email LIKE '%@invite.example' ORDER BY u.username COLLATE "C";
SELECT email, status, reason, username FROM pg_temp.invite WHERE status = 'EMAIL-SUCCESS' ORDER BY email COLLATE "C";
SELECT action, outcome, username, person, session_id, object_id = (SELECT registration_id::text FROM pg_temp.invite WHERE username = 'Chief') AS of_it, company_code, detail FROM bestauth.audit_log WHERE audit_id > :mark AND (detail->>'username' = 'Chief' OR username = 'Chief') ORDER BY audit_id;
SELECT h->>'from' AS "from", h->>'to' AS "to", h->>'by' = 'chief@invite.example' AS by_the_address, h->>'reason' AS reason FROM bestauth.registration r, jsonb_array_elements(history) h WHERE username = 'Chief';
SELECT pg_temp.log_in('chief'), pg_temp.log_in('pam'), pg_temp.log_in('cleo'), pg_temp.log_in('mae'), pg_temp.log_in('lou');
-- [PRV-4] What each role gives.
CREATE FUNCTION pg_temp.held(username text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session((SELECT token FROM token t WHERE t.username = held.username));
	RETURN (SELECT string_agg(name, ' ' ORDER BY name COLLATE "C") FROM bestauth.permission WHERE bestauth.has_permission(name))
		|| ', ' || array_length(bestauth.visible_provider_ids(), 1);
END
$$;
SELECT username, pg_temp.held(username) FROM token ORDER BY username COLLATE "C";
-- [PRV-2] It worked once. Neither it, nor another one of the same message, works again.
SELECT pg_temp.rows() AS rows \gset before_
SELECT pg_temp.accept(pg_temp.link('chief'), 'chief2'), pg_temp.peek('chief');
SELECT pg_temp.refused(registration_id) FROM pg_temp.invite WHERE email = 'chief@invite.example';
SELECT pg_temp.rows() = :'before_rows' AS nothing_made;
SELECT recipient, pg_temp.tables_with(token) FROM mail WHERE recipient IN ('chief@invite.example', 'pam@invite.example');
SELECT pg_temp.tables_with('seven green boats of chief');
-- What is none, has its row too.
SELECT pg_temp.accept(bad, 'nobody') FROM unnest(ARRAY['bat_' || repeat('A', 43), '', left(pg_temp.link('second'), 46), upper(pg_temp.link('second')), pg_temp.link('second') || ' ', repeat('x', 5000)]) bad;
SELECT DISTINCT outcome, object_type, object_id, company_code, detail->>'reason' AS reason FROM bestauth.audit_log WHERE audit_id > :mark AND action = 'registration.refused' AND object_id IS NULL;

-- [PRV-1] Whoever manages the users of an office invites to it: at TIN level to both levels,
-- at individual level for the own provider alone. Nobody else does.
SELECT count(bestauth.create_user(u, t, u, 'Staff', u || '@staff.invite.example', 'seven green boats of ' || u, permissions => p, company => 'invite_clinic')) FROM (VALUES ('head', 'standard', '{manage_users,manage_roles,claims}'::text[]), ('adam', 'company_administrator', '{}')) v (u, t, p);
INSERT INTO token SELECT u, session_token FROM unnest('{head,adam}'::text[]) u, LATERAL bestauth.login('invite_clinic', u, 'seven green boats of ' || u);
INSERT INTO token SELECT 'fern', session_token FROM bestauth.login('invite_far', 'fern', 'seven green boats of fern', 'docs');
SELECT pg_temp.rows() AS rows \gset before_
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
CREATE TEMP TABLE attempt AS SELECT username, place, format('send_registration_links%s(%L, ''Provider - Clerical User'', %s)', CASE WHEN username = 'cleo' THEN '_csv' END, CASE WHEN username = 'cleo' THEN 'x@invite.example' ELSE '{x@invite.example}' END, place) AS call
FROM unnest('{chief,pam,lou,fern,cleo,head,adam}'::text[]) WITH ORDINALITY u (username, n), unnest('{<hill>,"<hill>, <pat>","<hill>, <quin>","<hill>, <rob>","<hill>, <missing>",<lake>,"<lake>, <rob>","<lake>, <pat>",<far>,"<far>, <fay>",<missing>}'::text[]) WITH ORDINALITY p (place, m);
GRANT SELECT ON attempt TO regress_invite_app;
SET ROLE regress_invite_app;
BEGIN;
SELECT username, string_agg(place, '; ' ORDER BY place COLLATE "C") FILTER (WHERE answer LIKE '(%') AS may, string_agg(DISTINCT left(answer, 13), '; ') FILTER (WHERE answer NOT LIKE '(%') AS others FROM (SELECT username, place, pg_temp.as_user(username, call) AS answer FROM attempt) a GROUP BY username ORDER BY username COLLATE "C";
SELECT pg_temp.as_user('pam', $$send_registration_links('{x@invite.example}', 'Provider - Clerical User', <hill>)$$), pg_temp.as_user('cleo', $$send_registration_links('{x@invite.example}', 'Provider - Clerical User', <hill>)$$);
ROLLBACK;
SELECT pg_temp.answer($$send_registration_links('{x@invite.example}', 'Provider - Clerical User', <hill>)$$);
RESET ROLE;
SELECT pg_temp.rows() = :'before_rows' AS nothing_written;
-- [H-01] A foreign one and a missing one look the same; each refusal is in the audit.
SELECT username, count(*), count(DISTINCT detail->>'reason') AS reasons FROM bestauth.audit_log WHERE audit_id > :mark AND action = 'access.denied' AND object_id LIKE 'send_registration_links%' AND username IS NOT NULL GROUP BY 1 ORDER BY lower(username COLLATE "C");
SET ROLE regress_invite_operator;
SELECT call, pg_temp.answer(call) FROM unnest(ARRAY[$$send_registration_links('{x@invite.example}', 'Provider - Clerical User', <missing>)$$, $$send_registration_links('{x@invite.example}', 'Provider - Clerical User', NULL)$$, $$send_registration_links('{x@invite.example}', 'Provider - Clerical User', <hill>, <rob>)$$, $$send_registration_links('{x@invite.example}', 'Provider - Clerical User', <hill>, <missing>)$$,
	$$send_registration_links('{x@invite.example}', 'Provider - Clerical User', <hill>, NULL, 'invite_far')$$, $$send_registration_links('{x@invite.example}', 'Provider - Clerical User', <hill>, NULL, 'invite_none')$$,
	$$send_registration_links('{x@invite.example}', 'Far Only', <hill>)$$, $$send_registration_links('{x@invite.example}', NULL, <hill>)$$, $$send_registration_links('{x@invite.example}', ' ', <hill>)$$]) call;
RESET ROLE;
-- [G-08] With a role of which they hold everything.
SET ROLE regress_invite_app;
BEGIN;
SELECT username, role, pg_temp.as_user(username, format('send_registration_links(''{x@invite.example}'', %L, <hill>%s)', role, CASE username WHEN 'pam' THEN ', <pat>' END))
FROM (VALUES ('chief', 'Provider - Administrator'), ('chief', 'PROVIDER - portal user'), ('chief', 'Manager'), ('chief', 'Everything'), ('chief', 'Far Only'), ('chief', 'No Such Role'), ('pam', 'Provider - Administrator'), ('pam', 'Everything'), ('mae', 'Manager'), ('mae', 'Passing'), ('mae', 'Provider - Self Registration User'), ('mae', 'Provider - Clerical User'), ('mae', 'Provider - Administrator')) v (username, role);
ROLLBACK;
SELECT pg_temp.as_user('chief', $$send_registration_links('{x@invite.example}', 'Provider - Clerical User', <hill>, NULL, 'invite_clinic')$$) AS own, pg_temp.as_user('chief', $$send_registration_links('{x@invite.example}', 'Provider - Clerical User', <hill>, NULL, 'invite_far')$$) AS other;
RESET ROLE;
SELECT bestauth.revoke_registration_link(registration_id) FROM pg_temp.invite WHERE email = 'x@invite.example';

-- [PRV-1] One bad address anywhere: an error that names it, and nothing is written.
SELECT pg_temp.rows() AS rows \gset before_
SET ROLE regress_invite_app;
SELECT emails, pg_temp.as_user('chief', format('send_registration_links_csv(%L, ''Provider - Clerical User'', <hill>)', emails)) FROM unnest(ARRAY[
	'nobody', 'a@invite.example,nobody', 'a@invite.example,nobody,b@invite.example', 'nobody,a@invite.example', 'a@invite.example, b@invite.example', 'a@invite.example ,b@invite.example', ' a@invite.example', 'a@invite.example ',
	'a@invite.example,', ',a@invite.example', 'a@invite.example,,b@invite.example', ',', '', NULL, 'a@invite.example;b@invite.example', 'a@invite.example,"b@invite.example"', 'A <a@invite.example>', 'a@b@invite.example', 'a@invite', '@invite.example', 'a..b@invite.example', '-a@invite.example', 'é@invite.example',
	E'a@invite.example\nb@invite.example', E'a@invite.example,b@invite.example\r\nBcc: c@invite.example', 'a@invite.example,b' || chr(8238) || '@invite.example']) emails;
SELECT emails, pg_temp.as_user('chief', format('send_registration_links(%L, ''Provider - Clerical User'', <hill>)', emails)) FROM unnest(ARRAY[
	'{a@invite.example,nobody}', '{nobody,a@invite.example}', '{a@invite.example," b@invite.example"}', '{a@invite.example,""}', '{a@invite.example,NULL}', '{NULL}', '{}', NULL, '{{a@invite.example,b@invite.example}}', '{{a@invite.example},{b@invite.example}}', '{"a@invite.example,b@invite.example"}', E'{a@invite.example,"b\n@invite.example"}']) emails;
-- Each of many is looked at, also the last; what is far too long is not shown whole.
SELECT n, pg_temp.as_user('chief', format('send_registration_links(%L, ''Provider - Clerical User'', <hill>)', (SELECT array_agg(CASE WHEN m = n THEN 'bad' || n ELSE m || '@invite.example' END ORDER BY m) FROM generate_series(1, 2000) m))) FROM unnest('{1,1000,2000}'::int[]) n;
SELECT kind, left(answer, 25) AS answer, length(answer) < 400 AS short FROM (VALUES ('csv', 'send_registration_links_csv(%L, ''Provider - Clerical User'', <hill>)', 'a@invite.example,' || repeat('b', 100000) || '@invite.example'), ('array', 'send_registration_links(ARRAY[%L], ''Provider - Clerical User'', <hill>)', repeat('b', 240) || '@invite.example')) v (kind, call, emails), LATERAL (SELECT pg_temp.as_user('chief', format(call, emails)) AS answer) a;
-- 10,000 of them at most.
SELECT n, pg_temp.as_user('chief', format('send_registration_links(array_fill(''many@invite.example''::text, ARRAY[%s]), ''Provider - Clerical User'', <hill>)', n)) AS of_array, pg_temp.as_user('chief', format('send_registration_links_csv(repeat(''many@invite.example,'', %s - 1) || ''MANY@invite.example'', ''Provider - Clerical User'', <hill>)', n)) AS of_csv FROM unnest('{10001,20000}'::int[]) n;
SELECT pg_temp.as_user('chief', $$send_registration_links_csv(repeat(',', 1000000), 'Provider - Clerical User', <hill>)$$);
RESET ROLE;
SELECT pg_temp.rows() = :'before_rows' AS nothing_written;
SET ROLE regress_invite_app;
-- Twice is once, without case, and as it was written first; in the order that they were given.
SELECT pg_temp.as_user('chief', $$send_registration_links_csv('z@invite.example,B@invite.example,a@invite.example,b@invite.example,Z@INVITE.example,z@invite.example', 'Provider - Clerical User', <hill>)$$);
SELECT pg_temp.as_user('chief', $$send_registration_links_csv(repeat('many@invite.example,', 9999) || 'MANY@invite.example', 'Provider - Clerical User', <hill>)$$);
-- An array is one whatever it begins with.
SELECT pg_temp.as_user('chief', $$send_registration_links('[0:1]={z1@invite.example,z2@invite.example}', 'Provider - Clerical User', <hill>)$$);
RESET ROLE;
SELECT i.email, status, invited_by, db_role, count(o.*) AS mails FROM pg_temp.invite i LEFT JOIN bestauth.outbox o USING (registration_id) WHERE lower(i.email COLLATE "C") ~ '^(z|b|a|many|z1|z2)@' GROUP BY 1, 2, 3, 4, i.registration_id ORDER BY i.email COLLATE "C";
SELECT session_id IS NOT NULL AS in_a_session, username, object_type, detail FROM bestauth.audit_log WHERE action = 'registration.invited' AND detail->>'email' IN ('B@invite.example', 'b@invite.example');
SELECT count(*) AS for_another_office FROM bestauth.audit_log a JOIN pg_temp.invite i ON i.registration_id::text = a.object_id WHERE action = 'registration.invited' AND a.username = 'Chief' AND office <> 'Hill Office';

-- [PRV-2] [PRV-8] Sent again to the same address, to the same place: a new row and link; the
-- old link never works again, and its row is INVALIDATED. Elsewhere it is left alone.
SET ROLE regress_invite_operator;
SELECT pg_temp.answer($$send_registration_links('{twice@invite.example}', 'Provider - Clerical User', <hill>)$$), pg_temp.answer($$send_registration_links('{twice@invite.example}', 'Provider - Clerical User', <lake>)$$), pg_temp.answer($$send_registration_links('{twice@invite.example}', 'Provider - Clerical User', <hill>, <pat>)$$), pg_temp.answer($$send_registration_links('{twice@invite.example}', 'Provider - Clerical User', <hill>, <quin>)$$);
RESET ROLE;
SELECT pg_temp.claim() > 0 AS sent;
CREATE TEMP TABLE twice AS SELECT token, office, coalesce(provider, '') AS provider FROM mail, LATERAL bestauth.peek_registration(token) p WHERE recipient = 'twice@invite.example';
SET ROLE regress_invite_app;
SELECT pg_temp.as_user('chief', $$send_registration_links('{new@invite.example,TWICE@invite.example}', 'Provider - Portal User', <hill>)$$);
RESET ROLE;
SELECT office, provider, outcome FROM twice, LATERAL (SELECT outcome FROM bestauth.peek_registration(token)) p ORDER BY 1, 2;
SELECT pg_temp.accept(token, 'twice') FROM twice WHERE office = 'Hill Office' AND provider = '';
SELECT email, office, provider, status, reason, role, pg_temp.refused(registration_id) AS refused FROM pg_temp.invite WHERE lower(email COLLATE "C") LIKE 'twice@%' ORDER BY created_at;
SELECT pg_temp.claim();
SELECT pg_temp.accept(pg_temp.link('TWICE'), 'twice');
-- To whom has an account it is sent as well; the accepted one stays what it is.
SELECT pg_temp.as_user('chief', $$send_registration_links('{twice@invite.example}', 'Provider - Portal User', <hill>)$$);
SELECT email, status, reason, username FROM pg_temp.invite WHERE lower(email COLLATE "C") LIKE 'twice@%' AND office = 'Hill Office' AND provider IS NULL ORDER BY created_at;

-- [PRV-2] Resending: what is open, over, revoked or replaced; not what was accepted, and no
-- request. Whoever does it now is the inviter, and asked for their own rights.
INSERT INTO thing SELECT 'request', registration_id FROM bestauth.registration WHERE username = 'waiting' UNION ALL SELECT 'accepted', registration_id FROM pg_temp.invite WHERE username = 'pam' UNION ALL SELECT 'of_lake', registration_id FROM pg_temp.invite WHERE email = 'lou@invite.example' UNION ALL SELECT 'of_far', registration_id FROM pg_temp.invite WHERE email = 'fern@invite.example'
	UNION ALL SELECT 'of_quin', registration_id FROM pg_temp.invite WHERE email = 'twice@invite.example' AND provider = 'Quin' UNION ALL SELECT 'of_pat', registration_id FROM pg_temp.invite WHERE email = 'twice@invite.example' AND provider = 'Pat' UNION ALL SELECT 'of_hill', registration_id FROM pg_temp.invite WHERE email = 'second@invite.example';
INSERT INTO bestauth.registration (company_id, portal_id, status, reason, email) SELECT company_id, portal_id, 'INVALIDATED', 'incomplete', 'incomplete@invite.example' FROM bestauth.portal WHERE name = 'Portal for Doctors';
INSERT INTO thing SELECT 'incomplete', registration_id FROM bestauth.registration WHERE email = 'incomplete@invite.example';
SELECT pg_temp.rows() AS rows \gset before_
SET ROLE regress_invite_app;
SELECT username, what, pg_temp.as_user(username, format('resend_registration_link(<%s>)', what)) AS resend, pg_temp.as_user(username, format('revoke_registration_link(<%s>)', what)) AS revoke
FROM (VALUES ('chief', 'request'), ('chief', 'accepted'), ('chief', 'incomplete'), ('chief', 'of_lake'), ('chief', 'of_far'), ('chief', 'missing'), ('pam', 'of_quin'), ('pam', 'of_hill'), ('lou', 'of_hill'), ('fern', 'of_hill'), ('cleo', 'of_hill'), ('head', 'of_hill'), ('adam', 'of_hill')) v (username, what);
SELECT pg_temp.as_user('mae', 'resend_registration_link(<of_hill>)') AS more_than_held, pg_temp.as_user('chief', 'resend_registration_link(NULL)') AS resend_nothing, pg_temp.as_user('chief', 'revoke_registration_link(NULL)') AS revoke_nothing;
SELECT pg_temp.answer('resend_registration_link(<of_hill>)') AS resend, pg_temp.answer('revoke_registration_link(<of_hill>)') AS revoke, pg_temp.answer('expire_registrations()') AS expire;
SET ROLE regress_invite_operator;
SELECT what, pg_temp.answer(format('resend_registration_link(<%s>)', what)) AS resend, pg_temp.answer(format('revoke_registration_link(<%s>)', what)) AS revoke FROM unnest('{request,accepted,incomplete,missing}'::text[]) what;
RESET ROLE;
SELECT pg_temp.rows() = :'before_rows' AS nothing_written;
-- Each of the others.
SELECT count(*) >= 0 AS cleared FROM bestauth.expire_registrations();
SET ROLE regress_invite_operator;
SELECT pg_temp.answer($$send_registration_links('{open@invite.example,over@invite.example,expired@invite.example,revoked@invite.example,late@invite.example}', 'Provider - Clerical User', <hill>)$$), pg_temp.answer($$send_registration_links('{own@invite.example}', 'Provider - Clerical User', <hill>, <pat>)$$);
RESET ROLE;
SELECT pg_temp.claim();
SELECT pg_temp.ends('expired', '-1 s'), pg_temp.peek('expired') AS before;
SET ROLE regress_invite_operator;
SELECT pg_temp.answer('expire_registrations()'), pg_temp.answer('expire_registrations()') AS again;
RESET ROLE;
SELECT action, outcome, object_type, object_id, detail FROM bestauth.audit_log WHERE action = 'registrations.expired' ORDER BY audit_id DESC LIMIT 1;
SELECT pg_temp.ends('over', '-1 s'), pg_temp.peek('over'), pg_temp.peek('open'), pg_temp.peek('expired');
CREATE TEMP TABLE old AS SELECT email, registration_id, token FROM pg_temp.invite JOIN mail ON recipient = email WHERE email ~ '^(open|over|expired|revoked|own)@';
INSERT INTO thing SELECT split_part(email, '@', 1), registration_id FROM old;
SET ROLE regress_invite_app;
SELECT pg_temp.as_user('chief', 'revoke_registration_link(<revoked>)') AS revoked, pg_temp.as_user('chief', 'revoke_registration_link(<revoked>)') AS again, pg_temp.as_user('chief', 'revoke_registration_link(<expired>)') AS expired;
SELECT what, pg_temp.as_user(CASE what WHEN 'own' THEN 'pam' ELSE 'chief' END, format('resend_registration_link(<%s>)', what)) FROM unnest('{open,over,expired,revoked,own}'::text[]) what;
-- Also what was replaced: the one that took its place is replaced then.
SELECT pg_temp.as_user('chief', 'resend_registration_link(<open>)');
RESET ROLE;
SELECT pg_temp.claim();
SELECT old.email, i.status, i.reason, outcome AS old_link, pg_temp.accept(token, 'never') AS accepted FROM old JOIN pg_temp.invite i USING (registration_id), LATERAL (SELECT outcome FROM bestauth.peek_registration(token)) p ORDER BY old.email COLLATE "C";
SELECT email, pg_temp.refused(registration_id) FROM old ORDER BY email COLLATE "C";
SELECT email, provider, status, reason, role, invited_by, db_role, expires_at > clock_timestamp() AS ahead FROM pg_temp.invite WHERE email ~ '^(open|over|expired|revoked|own)@' ORDER BY email COLLATE "C", created_at;
SELECT username, pg_temp.accept(pg_temp.link(username), username) FROM unnest('{open,over,expired,revoked,own}'::text[]) username;
SELECT action, username, detail FROM bestauth.audit_log a WHERE object_id = (SELECT id::text FROM thing WHERE name = 'revoked') AND object_type = 'registration' AND outcome <> 'denied' ORDER BY audit_id;
-- [PRV-8] They stay in the console, with what became of them.
SET ROLE regress_invite_app;
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'chief'));
SELECT registered_provider_name, status, other_identifiers FROM bestauth.registration_console('INVALIDATED') WHERE registered_provider_name ~ '^(open|over|expired|revoked|own|twice)@' ORDER BY registered_provider_name COLLATE "C";
SELECT d.status, reason, invited_by, jsonb_array_length(history) AS states FROM thing, LATERAL bestauth.registration_details(id) d WHERE name IN ('expired', 'over', 'revoked') ORDER BY name;
COMMIT;
RESET ROLE;

-- Mail that waits for its claim is called off if the invite is over by then, revoked, or
-- replaced: no token is made.
SET ROLE regress_invite_operator;
SELECT pg_temp.answer($$send_registration_links('{off-over@invite.example,off-revoked@invite.example,off-replaced@invite.example,off-expired@invite.example}', 'Provider - Clerical User', <hill>)$$);
RESET ROLE;
SELECT pg_temp.ends('off-expired', '-1 s');
SELECT bestauth.expire_registrations();
SELECT pg_temp.ends('off-over', '-1 s');
SELECT bestauth.revoke_registration_link(registration_id) FROM pg_temp.invite WHERE email = 'off-revoked@invite.example';
SELECT pg_temp.as_user('chief', $$send_registration_links('{off-replaced@invite.example}', 'Provider - Clerical User', <hill>)$$);
SELECT pg_temp.claim();
SELECT i.email, i.status, i.reason, o.cancelled_at IS NOT NULL AS called_off, o.claimed_at IS NOT NULL AS claimed, (SELECT count(*) FROM bestauth.token t WHERE t.registration_id = i.registration_id) AS tokens FROM pg_temp.invite i JOIN bestauth.outbox o USING (registration_id) WHERE i.email LIKE 'off-%' ORDER BY i.email COLLATE "C", i.created_at;
-- One that is claimed late has a link that ends with the invite.
SELECT pg_temp.ends('off-replaced', '1 h');
UPDATE bestauth.outbox SET due_at = clock_timestamp() WHERE recipient = 'off-replaced@invite.example';
SELECT pg_temp.claim();
SELECT t.expires_at - t.created_at <= '1 h 1 s' AS made_for_the_rest, p.expires_at = i.expires_at AS ends_with_it, strpos(body, to_char(i.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')) > 0 AS says_so
FROM (SELECT * FROM mail WHERE recipient = 'off-replaced@invite.example' ORDER BY n DESC LIMIT 1) m JOIN bestauth.token t ON token_hash = sha256(convert_to(token, 'UTF8')) JOIN pg_temp.invite i USING (registration_id), bestauth.peek_registration(m.token) p;
-- [PRV-2] [E-07] Over by the clock: in a transaction that began before as well.
BEGIN;
SELECT pg_temp.peek('off-replaced');
SELECT pg_temp.ends('off-replaced', '0 s');
SELECT expires_at > now() AS good_when_the_transaction_began FROM pg_temp.invite WHERE email = 'off-replaced@invite.example' AND status = 'EMAIL-INT';
SELECT pg_temp.peek('off-replaced'), pg_temp.accept(pg_temp.link('off-replaced'), 'never');
COMMIT;
SELECT pg_temp.refused(registration_id) FROM pg_temp.invite WHERE email = 'off-replaced@invite.example' AND status = 'EMAIL-INT';
-- One that was found to be over stays so, also if the clock goes back.
SELECT bestauth.expire_registrations();
DO $$
BEGIN
	ALTER TABLE bestauth.registration DISABLE TRIGGER rule;
	UPDATE bestauth.registration SET expires_at = clock_timestamp() + interval '1 h' WHERE email = 'off-replaced@invite.example' AND reason = 'expired';
	ALTER TABLE bestauth.registration ENABLE ALWAYS TRIGGER rule;
END
$$;
SELECT pg_temp.peek('off-replaced'), pg_temp.accept(pg_temp.link('off-replaced'), 'never');
-- Who writes rows by SQL brings none back either [PRV-10], nor makes one last longer.
SELECT assignment, regress.attempt(format('UPDATE bestauth.registration SET %s WHERE registration_id = %L', assignment, (SELECT id FROM thing WHERE name = 'of_hill'))) FROM unnest(ARRAY['expires_at = expires_at + interval ''1 day''', 'email = ''other@invite.example''', 'role = ''Everything''', 'provider_id = (SELECT id FROM thing WHERE name = ''pat'')', 'invited_by_role = ''postgres''',
	'status = ''INVALIDATED'', email = ''other@invite.example''', 'status = ''EMAIL-SUCCESS''']) assignment;
SELECT left(regress.attempt(format('UPDATE bestauth.registration SET status = ''EMAIL-INT'' WHERE registration_id = %L', (SELECT id FROM thing WHERE name = 'revoked'))), 90) AS again;

-- [PRV-1] [G-08] What the inviter may is asked again when the link is used: else it is
-- invalid, nothing is made, the audit says why; and it is good once the rights are back.
-- Each is undone again, but for the audit row.
CREATE ROLE regress_invite_passing;
SELECT bestauth.grant_access('regress_invite_passing', 'operator');
GRANT SELECT ON thing TO regress_invite_passing;
SELECT pg_temp.as_user('chief', $$send_registration_links('{by-chief@invite.example}', 'Passing', <hill>)$$), pg_temp.as_user('chief', $$send_registration_links('{by-chief2@invite.example}', 'Passing', <hill>, <quin>)$$), pg_temp.as_user('pam', $$send_registration_links('{by-pam@invite.example}', 'Passing', <hill>, <pat>)$$);
SET ROLE regress_invite_passing;
SELECT pg_temp.answer($$send_registration_links('{by-passing@invite.example}', 'Passing', <hill>)$$);
RESET ROLE;
SELECT email, invited_by, db_role FROM pg_temp.invite WHERE email LIKE 'by-%' ORDER BY email COLLATE "C";
SELECT pg_temp.claim();
CREATE FUNCTION pg_temp.do_all(statement text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	t record;
BEGIN
	FOR t IN SELECT * FROM thing LOOP
		statement := replace(statement, '<' || t.name || '>', t.id::text);
	END LOOP;
	EXECUTE statement;
END
$$;
CREATE FUNCTION pg_temp.after(invitee text, statement text, back text, OUT accepted text, OUT made text, OUT then_accepted text) LANGUAGE plpgsql AS $$
DECLARE
	before text;
BEGIN
	PERFORM pg_temp.do_all(statement);
	before := pg_temp.rows();
	accepted := pg_temp.accept(pg_temp.link(invitee), invitee);
	made := CASE WHEN pg_temp.rows() = before THEN 'nothing' ELSE 'an account' END;
	IF back IS NOT NULL THEN
		PERFORM pg_temp.do_all(back);
		then_accepted := pg_temp.accept(pg_temp.link(invitee), invitee);
	END IF;
	RAISE EXCEPTION 'undo';
EXCEPTION WHEN raise_exception THEN
	IF SQLERRM <> 'undo' THEN
		RAISE;
	END IF;
END
$$;
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SELECT what, invitee, a.* FROM (VALUES
	('nothing', 'by-chief', 'SELECT 1', NULL),
	('locked', 'by-chief', $$SELECT bestauth.lock_user('chief', 'invite_clinic', 'docs')$$, $$SELECT bestauth.unlock_user('chief', 'invite_clinic', 'docs')$$),
	('deleted', 'by-chief', $$SELECT bestauth.delete_user('chief', 'invite_clinic', 'docs')$$, $$SELECT bestauth.restore_user('chief', 'invite_clinic', 'docs')$$),
	('in another office', 'by-chief', $$SELECT bestauth.update_user('chief', '{"office_id": "<lake>"}', 'invite_clinic', 'docs')$$, $$SELECT bestauth.update_user('chief', '{"office_id": "<hill>"}', 'invite_clinic', 'docs')$$),
	('at individual level now', 'by-chief', $$UPDATE bestauth.user_account SET provider_id = '<pat>' WHERE user_id = (SELECT invited_by FROM bestauth.registration WHERE email = 'by-chief@invite.example')$$, $$UPDATE bestauth.user_account SET provider_id = NULL WHERE user_id = (SELECT invited_by FROM bestauth.registration WHERE email = 'by-chief@invite.example')$$),
	('at individual level of another', 'by-chief2', $$UPDATE bestauth.user_account SET provider_id = '<pat>' WHERE user_id = (SELECT invited_by FROM bestauth.registration WHERE email = 'by-chief2@invite.example')$$, $$UPDATE bestauth.user_account SET provider_id = '<quin>' WHERE user_id = (SELECT invited_by FROM bestauth.registration WHERE email = 'by-chief2@invite.example')$$),
	('of another provider', 'by-pam', $$UPDATE bestauth.user_account SET provider_id = '<quin>' WHERE user_id = (SELECT invited_by FROM bestauth.registration WHERE email = 'by-pam@invite.example')$$, $$UPDATE bestauth.user_account SET provider_id = NULL WHERE user_id = (SELECT invited_by FROM bestauth.registration WHERE email = 'by-pam@invite.example')$$),
	('without the role', 'by-chief', $$SELECT bestauth.unassign_role('chief', 'Provider - Administrator', 'invite_clinic', 'docs')$$, $$SELECT bestauth.assign_role('chief', 'Provider - Administrator', 'invite_clinic', 'docs')$$),
	('with a lesser role', 'by-chief', $$SELECT bestauth.update_user('chief', '{"roles": ["Provider - Portal User"]}', 'invite_clinic', 'docs')$$, $$SELECT bestauth.update_user('chief', '{"roles": ["Manager"]}', 'invite_clinic', 'docs')$$),
	('role without the permission', 'by-chief', $$SELECT bestauth.update_role('Provider - Administrator', '{claims}', '{}', 'invite_clinic')$$, $$SELECT bestauth.update_role('Provider - Administrator', '{claims,manage_portal_users}', '{}', 'invite_clinic')$$),
	('more in the role', 'by-chief', $$SELECT bestauth.update_role('Passing', '{claims,audit_report}', '{}', 'invite_clinic')$$, $$SELECT bestauth.update_role('Passing', '{claims,eops}', '{}', 'invite_clinic')$$),
	('a company in the role', 'by-chief', $$SELECT bestauth.update_role('Passing', '{claims}', '{invite_child}', 'invite_clinic')$$, $$SELECT bestauth.update_role('Passing', '{claims}', '{}', 'invite_clinic')$$),
	('no such role', 'by-chief', $$SELECT bestauth.delete_role('Passing', 'invite_clinic')$$, $$SELECT bestauth.create_role('Passing', '{eops}', company => 'invite_clinic')$$),
	('more in the role', 'by-passing', $$SELECT bestauth.update_role('Passing', '{claims,audit_report}', '{}', 'invite_clinic')$$, NULL),
	('no such role', 'by-passing', $$SELECT bestauth.delete_role('Passing', 'invite_clinic')$$, $$SELECT bestauth.create_role('Passing', '{eops}', company => 'invite_clinic')$$),
	('access revoked', 'by-passing', $$SELECT bestauth.revoke_access('regress_invite_passing', 'operator')$$, $$SELECT bestauth.grant_access('regress_invite_passing', 'operator')$$),
	('only an auditor', 'by-passing', $$DO 'BEGIN PERFORM bestauth.revoke_access(''regress_invite_passing'', ''operator''), bestauth.grant_access(''regress_invite_passing'', ''auditor''); END'$$, $$SELECT bestauth.grant_access('regress_invite_passing', 'operator')$$),
	('database role dropped', 'by-passing', $$DO 'BEGIN PERFORM bestauth.revoke_access(''regress_invite_passing'', ''operator''); DROP OWNED BY regress_invite_passing; DROP ROLE regress_invite_passing; END'$$,
		$$DO 'BEGIN CREATE ROLE regress_invite_passing; PERFORM bestauth.grant_access(''regress_invite_passing'', ''operator''); END'$$)) v (what, invitee, statement, back), LATERAL pg_temp.after(invitee, statement, back) a;
SELECT email, detail->>'reason' AS reason FROM bestauth.audit_log JOIN pg_temp.invite ON registration_id::text = object_id WHERE audit_id > :mark AND action = 'registration.refused' ORDER BY audit_id;
SELECT email, status, username FROM pg_temp.invite WHERE email LIKE 'by-%' ORDER BY email COLLATE "C";

-- [E-11] A session beside it, of whatever company, has no part in it: it is neither asked nor
-- named, and stays what it was.
CREATE FUNCTION pg_temp.beside(username text, link text, as_name text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
DECLARE
	session uuid;
	answer text;
BEGIN
	PERFORM bestauth.use_session((SELECT token FROM token t WHERE t.username = beside.username));
	session := bestauth.current_session_id();
	answer := pg_temp.accept(link, as_name);
	RETURN concat_ws(' ', answer, CASE WHEN bestauth.current_session_id() = session THEN 'in the session of before' END);
END
$$;
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SET ROLE regress_invite_app;
SELECT pg_temp.beside('fern', pg_temp.link('by-chief'), 'beside'), pg_temp.beside('cleo', pg_temp.link('by-chief'), 'beside2'), pg_temp.beside('adam', pg_temp.link('chief'), 'beside3');
RESET ROLE;
SELECT i.username, office, r.changed_by, (SELECT count(*) FROM bestauth.session s JOIN bestauth.user_account u USING (user_id) WHERE u.username = 'beside') AS sessions FROM pg_temp.invite i JOIN bestauth.registration r USING (registration_id) WHERE i.email = 'by-chief@invite.example';
SELECT action, outcome, object_type, company_code, username, person, session_id FROM bestauth.audit_log WHERE audit_id > :mark AND action LIKE 'registration.%' ORDER BY audit_id;
SELECT count(*) > 3 AS some, count(session_id) AS of_a_session, count(billing_service_id) AS of_a_service FROM bestauth.audit_log WHERE audit_id > :mark AND action <> 'session.used';

-- [E-09] A token of every other kind is none here, and stays good; and an invite's is none
-- anywhere else, and stays good.
CREATE TEMP TABLE kind (kind text PRIMARY KEY, token text);
CREATE TEMP TABLE sent AS SELECT kind, recipient, token FROM bestauth.claim_mail(1000) LIMIT 0;
SELECT bestauth.create_company('invite_svc', 'Service') IS NOT NULL AS made, bestauth.register_billing_service('invite_svc');
SELECT count(bestauth.create_user(u, t, u, 'Kind', CASE WHEN t <> 'billing' THEN u || '@kind.invite.example' END, p, s, permissions => '{my_account}', company => 'invite_clinic')) FROM (VALUES ('ksetup', 'standard', NULL, NULL), ('kreset', 'standard', 'seven green boats of kreset', NULL), ('kchange', 'standard', 'seven green boats of kchange', NULL), ('kaddress', 'standard', 'seven green boats of kaddress', NULL)) v (u, t, p, s);
SELECT bestauth.create_user('kkey', 'billing', 'Key', NULL, NULL, 'seven green boats of kkey', 'invite_svc', company => 'invite_clinic') IS NOT NULL AS made;
SELECT bestauth.request_password_reset('invite_clinic', 'kreset'), bestauth.update_user('kaddress', '{"email": "kaddress2@kind.invite.example"}', 'invite_clinic'), bestauth.register_portal_account('invite_clinic', 'V1', 'ksignup@kind.invite.example', 'seven green boats of ksignup', 'Sigrid', 'Kind');
INSERT INTO kind SELECT 'password_change', challenge_token FROM bestauth.login('invite_clinic', 'kchange', bestauth.reset_password('kchange', 'invite_clinic'));
INSERT INTO kind SELECT 'second_part', challenge_token FROM bestauth.login('invite_clinic', 'kkey', 'seven green boats of kkey');
INSERT INTO kind SELECT 'session', session_token FROM bestauth.login('invite_clinic', 'head', 'seven green boats of head');
INSERT INTO sent SELECT kind, recipient, token FROM bestauth.claim_mail(1000);
SELECT bestauth.create_portal_account(bestauth.create_contact('client', 'Clara', 'Kind', 'kclient@kind.invite.example', 'invite_clinic'), 'kclient@kind.invite.example', 'V1', 'invite_clinic') IS NOT NULL AS made;
INSERT INTO sent SELECT kind, recipient, token FROM bestauth.claim_mail(1000);
SELECT bestauth.set_password(token, 'seven green boats of kclient') FROM sent WHERE recipient = 'kclient@kind.invite.example';
INSERT INTO sent SELECT kind || ' of an account', recipient, token FROM bestauth.claim_mail(1000) WHERE recipient = 'kclient@kind.invite.example';
INSERT INTO kind SELECT kind, token FROM sent WHERE recipient LIKE 'k%@kind.invite.example' AND token IS NOT NULL AND kind <> 'portal_invite';
SELECT kind, token ~ '^ba[st]_' AS form, (SELECT purpose FROM bestauth.token WHERE token_hash = sha256(convert_to(k.token, 'UTF8'))) AS purpose FROM kind k ORDER BY kind COLLATE "C";
SELECT pg_temp.rows() AS rows \gset before_
GRANT SELECT ON kind TO regress_invite_app;
SET ROLE regress_invite_app;
SELECT kind, (bestauth.peek_registration(token))::text AS peeked, pg_temp.accept(token, 'wrong') AS accepted FROM kind ORDER BY kind COLLATE "C";
SELECT pg_temp.answer(format('set_password(%L, ''seven green boats of x'')', link)) AS set_password, pg_temp.answer(format('verify_email(%L)', link)) AS verify_email, pg_temp.answer(format('confirm_email_change(%L)', link)) AS confirm_email_change,
	pg_temp.answer(format('peek_password_link(%L)', link)) AS peek_password_link, pg_temp.answer(format('peek_verification(%L)', link)) AS peek_verification, pg_temp.answer(format('login_second_part(%L, ''head'', ''seven green boats of head'')', link)) AS login_second_part,
	pg_temp.answer(format('login_second_part_session(%L, %L)', link, (SELECT token FROM kind WHERE kind = 'session'))) AS login_second_part_session, pg_temp.answer(format('login_second_part_session(%L, %L)', (SELECT token FROM kind WHERE kind = 'second_part'), link)) AS with_it_as_session,
	pg_temp.answer(format('use_session(%L)', link)) AS use_session, pg_temp.answer(format('logout(%L)', link)) AS logout
FROM (SELECT pg_temp.link('by-pam') AS link) l \gx
RESET ROLE;
SELECT pg_temp.rows() = :'before_rows' AS nothing_written, pg_temp.peek('by-pam') AS link;
SET client_min_messages = error;
SELECT kind, CASE WHEN kind LIKE '%password%' THEN (SELECT outcome FROM bestauth.peek_password_link(token)) WHEN kind LIKE 'email_verification%' THEN bestauth.peek_verification(token) WHEN kind = 'session' THEN (SELECT 'valid' FROM bestauth.use_session(token)) END AS still FROM kind WHERE kind NOT IN ('email_change', 'second_part') ORDER BY kind COLLATE "C";
RESET client_min_messages;
SELECT bestauth.confirm_email_change(token) FROM kind WHERE kind = 'email_change';
SELECT pg_temp.accept(pg_temp.link('by-pam'), 'bypam'), pg_temp.accept(pg_temp.link('by-chief2'), 'bychief'), pg_temp.accept(pg_temp.link('by-passing'), 'bypassing');

SELECT bestauth.revoke_access('regress_invite_app', 'application'), bestauth.revoke_access('regress_invite_operator', 'operator'), bestauth.revoke_access('regress_invite_passing', 'operator');
REVOKE USAGE ON SCHEMA regress FROM regress_invite_app, regress_invite_operator;
DROP TABLE thing, token, mail, attempt, kind, sent CASCADE;
DROP ROLE regress_invite_app, regress_invite_operator, regress_invite_passing;
