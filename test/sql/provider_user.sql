-- Accounts that the administrators of an office make for its employees, and manage.
\set SHOW_CONTEXT never
SET bestauth.lockout_threshold = 100;
SET bestauth.mail_hourly_limit = 1000;
SELECT count(bestauth.create_company(code, name)) FROM (VALUES ('puser_clinic', 'Hill Clinic'), ('puser_far', 'Far Clinic')) v (code, name);
SELECT count(bestauth.create_portal(company, code, 'provider', 'For ' || code, 'https://' || code || '.puser.example')) FROM (VALUES ('puser_clinic', 'docs'), ('puser_clinic', 'labs'), ('puser_far', 'docs')) v (company, code);
CREATE ROLE regress_puser_app;
CREATE ROLE regress_puser_operator;
SELECT bestauth.grant_access('regress_puser_app', 'application'), bestauth.grant_access('regress_puser_operator', 'operator');
GRANT USAGE ON SCHEMA regress TO regress_puser_app, regress_puser_operator;
CREATE TEMP TABLE thing (name text PRIMARY KEY, id uuid NOT NULL);
CREATE TEMP TABLE token (username text PRIMARY KEY, token text NOT NULL);
CREATE TEMP TABLE made (username text PRIMARY KEY, password text);
CREATE TEMP TABLE mail (n serial, kind text, recipient text, subject text, body text, token text);
GRANT SELECT, INSERT, UPDATE ON thing, token, made TO regress_puser_app, regress_puser_operator;
GRANT SELECT ON mail TO regress_puser_app;
INSERT INTO thing SELECT name, bestauth.create_office(company, identifier, name, portal => portal) FROM (VALUES ('north', 'puser_clinic', '11-1111111', 'docs'), ('south', 'puser_clinic', '22-2222222', 'docs'), ('lab', 'puser_clinic', '33-3333333', 'labs'),
	('far', 'puser_far', '11-1111111', 'docs')) v (name, company, identifier, portal);
INSERT INTO thing SELECT v.name, bestauth.create_provider(o.id, npi, v.name, 'Provider', '1970-01-01') FROM (VALUES ('pat', 'north', '1234567893'), ('quinn', 'north', '1245319599'), ('pat_south', 'south', '1234567893'), ('fay', 'far', '1003000126')) v (name, office, npi) JOIN thing o ON o.name = office;
INSERT INTO thing VALUES ('missing', gen_random_uuid());
SELECT bestauth.create_role('Boss', '{claims,manage_users}', company => 'puser_clinic') IS NOT NULL AS made, bestauth.create_role('Desk', '{manage_portal_users}', company => 'puser_clinic') IS NOT NULL AS made;

-- What a call returns, or its error; <name> in it stands for an id.
CREATE FUNCTION pg_temp.fill(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	t thing;
BEGIN
	FOR t IN SELECT * FROM thing LOOP
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
	RETURN regexp_replace(result, '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', '(id)');
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
CREATE FUNCTION pg_temp.log_in(username text, password text, company text DEFAULT 'puser_clinic') RETURNS text LANGUAGE sql AS $$
	SELECT outcome || CASE WHEN session_token IS NULL THEN '' ELSE ', session' END || CASE WHEN challenge_token IS NULL THEN '' ELSE ', challenge' END FROM bestauth.login(company, $1, $2, CASE WHEN $1 = 'lena' THEN 'labs' ELSE 'docs' END)
$$;
-- Makes an employee and keeps the id under a name.
CREATE FUNCTION pg_temp.keep(name text, office text, provider text DEFAULT NULL) RETURNS boolean LANGUAGE sql AS $$
	INSERT INTO thing SELECT $1, bestauth.create_employee((SELECT id FROM thing t WHERE t.name = $2), 'front desk', 'Worker', initcap($1), 'M', telephone => '+1 555 0100', title => 'Nurse', provider_id => (SELECT id FROM thing t WHERE t.name = $3)) RETURNING true
$$;
-- Changes the temporary password, logs in, and keeps the session.
CREATE FUNCTION pg_temp.enter(username text, password text, company text DEFAULT 'puser_clinic', portal text DEFAULT 'docs') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	result := bestauth.set_password((SELECT challenge_token FROM bestauth.login(company, username, password, portal)), 'seven green boats of ' || username);
	INSERT INTO token SELECT username, session_token FROM bestauth.login(company, username, 'seven green boats of ' || username, portal) ON CONFLICT ON CONSTRAINT token_pkey DO UPDATE SET token = excluded.token;
	RETURN result;
END
$$;
-- The mail of this test goes out; the last link that an address got.
CREATE FUNCTION pg_temp.claim() RETURNS TABLE (kind text, recipient text, subject text, has_token boolean) LANGUAGE sql AS $$
	INSERT INTO mail (kind, recipient, subject, body, token) SELECT kind, recipient, subject, body, token FROM bestauth.claim_mail(1000)
	WHERE recipient LIKE '%@puser.example' ORDER BY recipient COLLATE "C", kind, subject COLLATE "C" RETURNING kind, recipient, subject, token IS NOT NULL
$$;
CREATE FUNCTION pg_temp.link(name text) RETURNS text LANGUAGE sql AS $$
	SELECT token FROM mail WHERE recipient = $1 || '@puser.example' AND token IS NOT NULL ORDER BY n DESC LIMIT 1
$$;
CREATE TEMP VIEW account AS SELECT c.code AS company, d.code AS portal, u.username, u.user_type, o.name AS office, p.first_name AS provider, t.name AS employee, u.first_name, u.middle_name, u.last_name, u.title, u.phone, u.email, u.verified_at IS NOT NULL AS verified,
	u.locked_at IS NOT NULL AS locked, u.deleted_at IS NOT NULL AS deleted, (SELECT string_agg(r.name, ', ' ORDER BY r.name COLLATE "C") FROM bestauth.user_role ur JOIN bestauth.role r USING (role_id) WHERE ur.user_id = u.user_id) AS roles, u.user_id
FROM bestauth.user_account u JOIN bestauth.company c USING (company_id) LEFT JOIN bestauth.portal d USING (portal_id) LEFT JOIN bestauth.office o USING (office_id) LEFT JOIN bestauth.provider p ON p.provider_id = u.provider_id LEFT JOIN thing t ON t.id = u.employee_id WHERE c.code LIKE 'puser\_%';
GRANT SELECT ON account TO regress_puser_operator;
-- What there is, but for the audit.
CREATE FUNCTION pg_temp.rows() RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', (SELECT count(*) FROM bestauth.user_account), (SELECT count(*) FROM bestauth.user_role), (SELECT count(*) FROM bestauth.credential), (SELECT count(*) FROM bestauth.security_question), (SELECT count(*) FROM bestauth.outbox), (SELECT count(*) FROM bestauth.token))
$$;

--
-- [PRV-12] At the level of who makes it: the operator's account is at individual level if the
-- employee has a provider.
--
SET ROLE regress_puser_operator;
SELECT count(*) FILTER (WHERE pg_temp.keep(name, office, provider)) AS kept FROM (VALUES ('tina', 'north', NULL), ('ivan', 'north', 'pat'), ('iris', 'north', 'quinn'), ('sara', 'south', NULL), ('fred', 'far', NULL), ('lena', 'lab', NULL)) v (name, office, provider);
SELECT name, pg_temp.answer(format('create_provider_user(<%s>, %L, ''Provider - Administrator'', %L, ''an early password for desks'')', name, name, name || '@puser.example')) FROM unnest('{tina,ivan,iris,sara,fred,lena}'::text[]) name;
RESET ROLE;
SELECT name, pg_temp.enter(name, 'an early password for desks', company, portal) FROM (VALUES ('tina', 'puser_clinic', 'docs'), ('ivan', 'puser_clinic', 'docs'), ('iris', 'puser_clinic', 'docs'), ('sara', 'puser_clinic', 'docs'), ('fred', 'puser_far', 'docs'), ('lena', 'puser_clinic', 'labs')) v (name, company, portal);
SELECT pg_temp.rows() AS rows \gset before_
SET ROLE regress_puser_app;
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'tina'));
SELECT pg_temp.keep('carl', 'north'), pg_temp.keep('mia', 'north', 'pat'), pg_temp.keep('ann', 'north');
-- A password that was chosen is not shown; names are the employee's, unless others are given.
SELECT user_id IS NOT NULL AS made, temporary_password FROM bestauth.create_provider_user((SELECT id FROM thing WHERE name = 'carl'), 'carl', 'Provider - Clerical User', 'carl@puser.example', 'nine brown horses at noon');
SELECT user_id IS NOT NULL AS made, temporary_password FROM bestauth.create_provider_user((SELECT id FROM thing WHERE name = 'ann'), 'ann', 'provider - portal user', 'ann@puser.example', 'nine brown horses at noon', 'Anna', 'Lou', 'Walker',
	'{Which pet?,Which street?}', '{Rex,Elm Street}');
-- One that is made is, this once.
INSERT INTO made SELECT 'mia', temporary_password FROM bestauth.create_provider_user((SELECT id FROM thing WHERE name = 'mia'), 'mia', 'Provider - Self Registration User', 'mia@puser.example', middle_name => ' ');
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'ivan'));
SELECT pg_temp.keep('max', 'north');
INSERT INTO made SELECT 'max', temporary_password FROM bestauth.create_provider_user((SELECT id FROM thing WHERE name = 'max'), 'max', 'Provider - Administrator', 'max@puser.example');
COMMIT;
RESET ROLE;
SELECT portal, username, user_type, office, provider, employee, concat_ws(' ', first_name, middle_name, last_name) AS name, title, phone, email, verified, roles FROM account WHERE company = 'puser_clinic' ORDER BY username COLLATE "C";
SELECT company, portal, office, provider FROM account WHERE username = 'fred';
SELECT a.username, a.action, a.object_type, a.object_id, a.detail - 'employee' AS detail, t.name AS employee FROM bestauth.audit_log a LEFT JOIN thing t ON t.id::text = a.detail->>'employee' WHERE a.action = 'user.created' AND a.company_code = 'puser_clinic' ORDER BY a.audit_id;
-- [PRV-12] [G-03] Nothing is mailed, no link is made, and no password or answer is in the audit.
SELECT thing, after - before AS more FROM unnest('{users,roles,credentials,questions,mail,links}'::text[], string_to_array(:'before_rows', ' ')::int[], string_to_array(pg_temp.rows(), ' ')::int[]) v (thing, before, after);
SELECT kind, topic, count(*) FROM bestauth.outbox WHERE recipient LIKE '%@puser.example' GROUP BY 1, 2;
SELECT count(*) AS of_them, bool_and(length(password) >= 15) AS long, count(DISTINCT password) AS different FROM made;
SELECT count(*) FILTER (WHERE strpos(l::text, password) > 0) AS shows_made, count(*) FILTER (WHERE l::text ~* 'brown horses|early password|elm street|\$2a\$') AS shows_chosen FROM bestauth.audit_log l, made;

-- [PRV-12] [G-03] It is good for the lifetime of a set-up link, counted by the credential itself.
SELECT username, must_change, expires_at - changed_at BETWEEN '23:59' AND '24:01' AS a_day FROM bestauth.credential JOIN account USING (user_id) WHERE username IN ('carl', 'ann', 'mia', 'max') ORDER BY 1;
BEGIN;
SET LOCAL bestauth.setup_link_lifetime = '2h';
SELECT bestauth.create_provider_user(bestauth.create_employee((SELECT id FROM thing WHERE name = 'north'), 'nurse', 'Short', 'Sue'), 'sue', 'Provider - Clerical User', 'sue@puser.example') IS NOT NULL AS made;
SELECT expires_at - changed_at BETWEEN '1:59' AND '2:01' AS two_hours FROM bestauth.credential JOIN account USING (user_id) WHERE username = 'sue';
ROLLBACK;
-- After that it is no good, and nothing tells it from a wrong one.
UPDATE bestauth.credential SET expires_at = clock_timestamp() - interval '1 second' WHERE user_id = (SELECT user_id FROM account WHERE username = 'mia');
SET ROLE regress_puser_app;
SELECT pg_temp.log_in('mia', password) AS expired, pg_temp.log_in('max', password || 'x') AS wrong, pg_temp.log_in('max', 'nine brown horses at noon') AS another FROM made WHERE username = 'mia';
-- It opens nothing but the change: no session, and no second use.
SELECT outcome, session_token IS NOT NULL AS has_session, challenge_token FROM bestauth.login('puser_clinic', 'max', (SELECT password FROM made WHERE username = 'max'), 'docs') \gset max_
SELECT :'max_outcome' AS outcome, :'max_has_session' AS session, length(:'max_challenge_token') > 20 AS challenge;
SELECT regress.attempt(format('SELECT bestauth.use_session(%L)', :'max_challenge_token'));
SELECT regress.attempt(format('SELECT bestauth.set_password(%L, %L)', :'max_challenge_token', password)) AS the_same, regress.attempt(format('SELECT bestauth.set_password(%L, ''short'')', :'max_challenge_token')) AS short FROM made WHERE username = 'max';
SELECT bestauth.set_password(:'max_challenge_token', 'seven green boats of max') AS changed, bestauth.set_password(:'max_challenge_token', 'eight green boats of max') AS again;
SELECT pg_temp.log_in('max', password) AS temporary, pg_temp.log_in('max', 'seven green boats of max') AS own FROM made WHERE username = 'max';
SELECT pg_temp.enter('carl', 'nine brown horses at noon'), pg_temp.enter('ann', 'nine brown horses at noon');
INSERT INTO token SELECT 'max', session_token FROM bestauth.login('puser_clinic', 'max', 'seven green boats of max', 'docs');
RESET ROLE;
SELECT username, must_change, expires_at FROM bestauth.credential JOIN account USING (user_id) WHERE username IN ('carl', 'max') ORDER BY 1;

-- [PRV-12] [G-08] Refused: a role above one's own, employees out of reach, a second account for
-- an employee, a name that is taken, a password that the policy refuses.
SET ROLE regress_puser_operator;
SELECT pg_temp.keep('new', 'north'), pg_temp.keep('news', 'south'), pg_temp.keep('pats', 'north', 'pat'), pg_temp.keep('quinns', 'north', 'quinn'), pg_temp.keep('fars', 'far');
RESET ROLE;
SELECT bestauth.assign_role('carl', 'Desk', 'puser_clinic', 'docs');
SELECT pg_temp.rows() AS rows, (SELECT max(audit_id) FROM bestauth.audit_log) AS mark \gset before_
SET ROLE regress_puser_app;
SELECT username, employee, role, pg_temp.as_user(username, format('create_provider_user(<%s>, ''nobody'', %L, ''nobody@puser.example'', ''nine brown horses at noon'')', employee, role)) FROM (VALUES
	('tina', 'new', 'Boss'), ('tina', 'new', 'no such role'), ('carl', 'new', 'Provider - Administrator'), ('carl', 'new', 'Provider - Portal User'), ('max', 'pats', 'Boss'),
	('tina', 'news', 'Provider - Clerical User'), ('tina', 'fars', 'Provider - Clerical User'), ('tina', 'missing', 'Provider - Clerical User'), ('sara', 'new', 'Provider - Clerical User'), ('fred', 'new', 'Provider - Clerical User'),
	('ivan', 'new', 'Provider - Clerical User'), ('ivan', 'quinns', 'Provider - Clerical User'), ('iris', 'pats', 'Provider - Clerical User'), ('ann', 'new', 'Provider - Clerical User')) v (username, employee, role);
SELECT arguments, pg_temp.as_user('tina', format('create_provider_user(%s)', arguments)) FROM unnest(ARRAY[$$<carl>, 'carl2', 'Provider - Clerical User', 'c2@puser.example'$$, $$<new>, 'CARL', 'Provider - Clerical User', 'c2@puser.example'$$, $$<new>, 'sara', 'Provider - Clerical User', 'c2@puser.example'$$,
	$$<new>, 'new', 'Provider - Clerical User', 'new@puser.example', 'short'$$, $$<new>, 'new', 'Provider - Clerical User', 'new@puser.example', 'passwordpassword'$$, $$<new>, 'newcomer', 'Provider - Clerical User', 'new@puser.example', 'newcomernewcomer'$$,
	$$<new>, 'new', 'Provider - Clerical User', 'nobody'$$, $$<new>, 'new', 'Provider - Clerical User', NULL$$, $$<new>, 'n w', 'Provider - Clerical User', 'new@puser.example'$$, $$<new>, NULL, 'Provider - Clerical User', 'new@puser.example'$$, $$<new>, 'new', NULL, 'new@puser.example'$$,
	$$NULL, 'new', 'Provider - Clerical User', 'new@puser.example'$$, $$<new>, 'new', 'Provider - Clerical User', 'new@puser.example', NULL, E'N\n'$$,
	$$<new>, 'new', 'Provider - Clerical User', 'new@puser.example', questions => '{A,B,C,D}', answers => '{1,2,3,4}'$$, $$<new>, 'new', 'Provider - Clerical User', 'new@puser.example', questions => '{A,B}', answers => '{1}'$$,
	$$<new>, 'new', 'Provider - Clerical User', 'new@puser.example', questions => '{A}'$$, $$<new>, 'new', 'Provider - Clerical User', 'new@puser.example', answers => '{1}'$$, $$<new>, 'new', 'Provider - Clerical User', 'new@puser.example', questions => '{A,A}', answers => '{1,2}'$$]) arguments;
SET ROLE regress_puser_operator;
SELECT arguments, pg_temp.answer(format('create_provider_user(%s)', arguments)) FROM unnest(ARRAY[$$<missing>, 'new', 'Provider - Clerical User', 'new@puser.example'$$, $$<new>, 'new', 'no such role', 'new@puser.example'$$, $$<fars>, 'new', 'Boss', 'new@puser.example'$$]) arguments;
RESET ROLE;
SELECT pg_temp.rows() = :'before_rows' AS nothing_made;
SELECT username, object_id AS function, detail->>'rule' AS rule, detail->>'reason' AS why, count(*) FROM bestauth.audit_log WHERE audit_id > :before_mark AND action = 'access.denied' AND company_code LIKE 'puser\_%' GROUP BY 1, 2, 3, 4 ORDER BY username COLLATE "C", 2, 3, 4;
DO $$
DECLARE
	why text;
BEGIN
	PERFORM bestauth.create_provider_user((SELECT id FROM thing WHERE name = 'new'), 'carl', 'Provider - Clerical User', 'c2@puser.example');
EXCEPTION WHEN unique_violation THEN
	GET STACKED DIAGNOSTICS why = PG_EXCEPTION_DETAIL;
	RAISE NOTICE '%', why;
END
$$;
-- Direct SQL gives an employee no second account either, and none of another office or provider.
SELECT change, regress.attempt(pg_temp.fill(format('UPDATE bestauth.user_account SET %s WHERE user_id = (SELECT user_id FROM account WHERE username = ''ann'')', change))) FROM unnest('{employee_id = <carl>,employee_id = <news>,employee_id = <fars>,provider_id = <quinn>,provider_id = <pat_south>,office_id = <south>,"office_id = NULL"}'::text[]) change;
SELECT regress.attempt(pg_temp.fill('UPDATE bestauth.user_account SET employee_id = <quinns> WHERE user_id = (SELECT user_id FROM account WHERE username = ''max'')'));
SELECT bestauth.unassign_role('carl', 'Desk', 'puser_clinic', 'docs');

--
-- [PRV-13] [G-03] A reset: shown to the administrator once, and mailed as a link; it must be
-- changed at the next login, and ends the sessions.
--
SELECT count(*) >= 0 AS claimed FROM pg_temp.claim();
SET ROLE regress_puser_app;
UPDATE made SET password = pg_temp.as_user('tina', 'reset_password(''mia'')') WHERE username = 'mia';
INSERT INTO made VALUES ('carl', pg_temp.as_user('tina', 'reset_password(''carl'')'));
SELECT regress.attempt(format('SELECT bestauth.use_session(%L)', token)) AS old_session FROM token WHERE username = 'carl';
SELECT username, pg_temp.log_in(username, password) FROM made WHERE username IN ('mia', 'carl') ORDER BY 1;
RESET ROLE;
SELECT * FROM pg_temp.claim();
SELECT bool_or(strpos(body, password) > 0) AS password_in_the_mail FROM mail, made;
SELECT username, must_change, expires_at - changed_at BETWEEN '23:59' AND '24:01' AS a_day FROM bestauth.credential JOIN account USING (user_id) WHERE username IN ('carl', 'mia') ORDER BY 1;
SELECT username, action, outcome, object_id FROM bestauth.audit_log WHERE action = 'password.reset' AND company_code = 'puser_clinic' ORDER BY audit_id;
SELECT count(*) FILTER (WHERE strpos(l::text, password) > 0) AS in_the_audit FROM bestauth.audit_log l, made;
SET ROLE regress_puser_app;
SELECT username, pg_temp.enter(username, password), pg_temp.log_in(username, password) AS once_more FROM made WHERE username IN ('mia', 'carl') ORDER BY 1;
-- Nobody resets their own, or that of who holds more, or gives them another address.
SELECT pg_temp.as_user('tina', 'reset_password(''tina'')');
RESET ROLE;
SELECT bestauth.assign_role('mia', 'Boss', 'puser_clinic', 'docs');
SET ROLE regress_puser_app;
SELECT call, pg_temp.as_user('tina', call) FROM unnest(ARRAY['reset_password(''mia'')', 'update_user(''mia'', ''{"email": "tina@puser.example"}'')', 'update_user(''mia'', ''{"title": "Dr."}'')']) call;
RESET ROLE;
SELECT bestauth.unassign_role('mia', 'Boss', 'puser_clinic', 'docs');
RESET ROLE;

--
-- [PRV-14] [G-02] Deletion is logical. The name stays taken, the employee may have another account.
--
SET ROLE regress_puser_app;
SELECT pg_temp.as_user('tina', 'delete_user(''carl'')'), pg_temp.as_user('tina', 'delete_user(''carl'')') AS again;
SELECT regress.attempt(format('SELECT bestauth.use_session(%L)', token)) AS old_session, pg_temp.log_in('carl', 'seven green boats of carl') FROM token WHERE username = 'carl';
SELECT pg_temp.as_user('tina', $$create_provider_user(<carl>, 'Carl', 'Provider - Clerical User', 'carl@puser.example')$$) AS same_name, pg_temp.as_user('tina', $$create_provider_user(<carl>, 'carl2', 'Provider - Clerical User', 'carl@puser.example', 'nine brown horses at noon')$$) AS another_name;
SELECT pg_temp.as_user('tina', 'restore_user(''carl'')') AS while_there_is_another, pg_temp.as_user('tina', 'delete_user(''carl2'')');
SELECT pg_temp.as_user('tina', 'restore_user(''carl'')') AS then, pg_temp.as_user('tina', 'restore_user(''carl2'')') AS not_both, pg_temp.log_in('carl', 'seven green boats of carl') AS with_the_old_password;
RESET ROLE;
-- [IBS-5] The mail says what a provider is to do: the link sets a password, and that is all.
SELECT * FROM pg_temp.claim();
SELECT body ~ 'second message' AS speaks_of_another, body LIKE '%https://docs.puser.example/%' AS to_the_portal FROM mail WHERE token = pg_temp.link('carl');
SET ROLE regress_puser_app;
SELECT pg_temp.as_user('tina', 'resend_setup_link(''carl'')');
RESET ROLE;
SELECT * FROM pg_temp.claim();
SET ROLE regress_puser_app;
SELECT bestauth.set_password(pg_temp.link('carl'), 'seven green boats of carl'), pg_temp.log_in('carl', 'seven green boats of carl');
RESET ROLE;
SELECT * FROM pg_temp.claim();
INSERT INTO token SELECT 'carl', session_token FROM bestauth.login('puser_clinic', 'carl', 'seven green boats of carl', 'docs') ON CONFLICT (username) DO UPDATE SET token = excluded.token;
-- Physically nobody does, not even a superuser.
SET client_min_messages = warning;
SELECT statement, regress.attempt(statement) FROM unnest(ARRAY[$$DELETE FROM bestauth.user_account WHERE username = 'carl2'$$, 'TRUNCATE bestauth.user_account CASCADE',
	$$MERGE INTO bestauth.user_account u USING (SELECT) s ON u.username = 'carl2' WHEN MATCHED THEN DELETE$$]) statement;
RESET client_min_messages;
SELECT username, deleted FROM account WHERE username LIKE 'carl%' ORDER BY 1;

--
-- [PRV-15] Editing: every key, by the administrator of the office.
--
SET ROLE regress_puser_app;
SELECT pg_temp.as_user('tina', $$update_user('carl', '{"first_name": "Carlo", "middle_name": "B.", "last_name": "Clerk", "title": "Clerk", "phone": "+1 555 0199", "mobile_phone": "555-0101", "mobile_carrier": "Carrier", "notification_preferences": {"mail": true, "text": false}, "roles": ["provider - portal user"]}')$$);
SELECT pg_temp.as_user('tina', format($$update_user('carl', '{"office_id": "%s", "email": "carlo@puser.example"}')$$, (SELECT id FROM thing WHERE name = 'north'))) AS own_office;
RESET ROLE;
SELECT * FROM pg_temp.claim();
SET ROLE regress_puser_app;
SELECT bestauth.confirm_email_change(pg_temp.link('carlo'));
SET ROLE regress_puser_operator;
SELECT first_name, middle_name, last_name, title, phone, mobile_phone, mobile_carrier, email, pending_email, roles, notification_preferences, portal FROM bestauth.user_details('carl', 'puser_clinic', 'docs');
-- [G-10] Nothing else is a key, and what is refused changes nothing.
SET ROLE regress_puser_app;
SELECT changes, pg_temp.as_user('tina', format('update_user(''carl'', %L)', changes)) FROM unnest(ARRAY['{"username": "karl"}', '{"user_type": "standard"}', '{"company_id": null}', '{"portal_id": null}', '{"provider_id": null}', '{"employee_id": null}', '{"title": "x", "verified_at": null}', '{"locked": false}', '{"deleted_at": null}',
	'{"permissions": []}', '{"password": "x"}', '{"roles": ["Boss"]}', '{"title": "x", "roles": ["no such role"]}', '{"title": "x", "email": "nobody"}', '{"title": "x", "office_id": "x"}', '{"title": "x", "office_id": null}', '{"title": "x", "office_id": 7}', '{"first_name": ""}', '{"email": null}']) changes;
SELECT pg_temp.as_user('tina', format($$update_user('carl', '{"title": "x", "office_id": "%s"}')$$, id)) AS answer, string_agg(name, ' ' ORDER BY name) AS office FROM thing WHERE name IN ('south', 'lab', 'far', 'missing') GROUP BY 1;
SET ROLE regress_puser_operator;
SELECT first_name, title, email, roles FROM bestauth.user_details('carl', 'puser_clinic', 'docs');
-- [G-12] An edit of what has changed since it was read.
SELECT revision FROM bestauth.user_details('carl', 'puser_clinic', 'docs') \gset
SET ROLE regress_puser_app;
SELECT pg_temp.as_user('tina', format($$update_user('carl', '{"title": "first"}', expected_revision => %s)$$, :revision)) AS first, pg_temp.as_user('tina', format($$update_user('carl', '{"title": "second"}', expected_revision => %s)$$, :revision)) AS second;
RESET ROLE;
SELECT username, title, office FROM account WHERE username = 'carl';
-- [PRV-15] [G-01] A user name stays, whoever writes.
SELECT left(statement, 6) AS statement, regress.attempt(statement) FROM unnest(ARRAY[$$UPDATE bestauth.user_account SET username = 'karl' WHERE username = 'carl'$$, $$UPDATE bestauth.user_account SET username = 'CARL' WHERE username = 'carl'$$,
	$$INSERT INTO bestauth.user_account (user_id, company_id, portal_id, office_id, username, user_type, first_name, last_name, email)
	SELECT user_id, company_id, portal_id, office_id, username, user_type, first_name, last_name, email FROM bestauth.user_account WHERE username = 'carl' ON CONFLICT (user_id) DO UPDATE SET username = 'karl'$$,
	$$MERGE INTO bestauth.user_account u USING (SELECT 'carl' AS name) s ON u.username = s.name WHEN MATCHED THEN UPDATE SET username = 'karl'$$]) statement;
SET ROLE regress_puser_operator;
SELECT regress.attempt($$UPDATE bestauth.user_account SET username = 'karl' WHERE username = 'carl'$$);
RESET ROLE;
SELECT count(*) FILTER (WHERE username = 'carl') AS carl, count(*) FILTER (WHERE lower(username) = 'karl') AS karl FROM account;

--
-- [PRV-15] Moving an account: the operator, to another office of the portal.
--
SET ROLE regress_puser_operator;
SELECT name, username, pg_temp.answer(format('update_user(%L, ''{"office_id": "%s"}'', ''puser_clinic'', ''docs'')', username, id)) FROM thing, unnest('{carl,iris}'::text[]) username WHERE (name, username) IN (('lab', 'carl'), ('far', 'carl'), ('missing', 'carl'), ('south', 'iris')) ORDER BY 1, 2;
SELECT pg_temp.answer('update_user(''carl'', ''{"office_id": null}'', ''puser_clinic'', ''docs'')');
RESET ROLE;
SELECT bestauth.create_user('stan', 'standard', 'Stan', 'Staff', 'stan@puser.example', 'seven green boats of stan', permissions => '{manage_users,claims,eops,eligibility,panel_roster,identifi_practice}', company => 'puser_clinic') IS NOT NULL AS made;
INSERT INTO token SELECT 'stan', session_token FROM bestauth.login('puser_clinic', 'stan', 'seven green boats of stan');
SET ROLE regress_puser_operator;
SELECT pg_temp.answer(format('update_user(''stan'', ''{"office_id": "%s"}'', ''puser_clinic'')', id)), pg_temp.answer('update_user(''stan'', ''{"office_id": null}'', ''puser_clinic'')') AS none FROM thing WHERE name = 'north';
SET ROLE regress_puser_app;
-- Nor does staff that manages users: only where the account is already.
SELECT name, pg_temp.as_user('stan', format('update_user(''carl'', ''{"office_id": "%s"}'', portal => ''docs'')', id)) FROM thing WHERE name IN ('north', 'south', 'missing') ORDER BY 1;
RESET ROLE;
-- One whom the old administrator gave an address: that ends with the reach. Roles stay.
SELECT username, office, provider, employee, roles FROM account WHERE username IN ('carl', 'max') ORDER BY 1;
SET ROLE regress_puser_app;
SELECT pg_temp.as_user('tina', $$update_user('carl', '{"email": "stolen@puser.example"}')$$);
RESET ROLE;
SELECT count(*) FROM pg_temp.claim();
SET ROLE regress_puser_app;
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'max'));
SELECT (SELECT name FROM thing WHERE id = bestauth.current_office_id()) AS office, (SELECT name FROM thing WHERE id = bestauth.current_provider_id()) AS provider, bestauth.has_permission('manage_portal_users');
COMMIT;
SET ROLE regress_puser_operator;
SELECT username, pg_temp.answer(format('update_user(%L, ''{"office_id": "%s"}'', ''puser_clinic'', ''docs'')', username, id)) FROM unnest('{carl,max}'::text[]) username, thing WHERE name = 'south';
RESET ROLE;
SELECT username, office, provider, employee, roles FROM account WHERE username IN ('carl', 'max') ORDER BY 1;
SELECT * FROM pg_temp.claim();
SET ROLE regress_puser_app;
-- [MCM-8] The open session is in the other office at its next transaction.
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'max'));
SELECT (SELECT name FROM thing WHERE id = bestauth.current_office_id()) AS office, (SELECT name FROM thing WHERE id = bestauth.current_provider_id()) AS provider, bestauth.has_permission('manage_portal_users');
COMMIT;
SELECT bestauth.confirm_email_change(pg_temp.link('stolen')) AS from_the_old_office;
SELECT pg_temp.as_user('tina', 'lock_user(''carl'')') AS old_office, pg_temp.as_user('sara', 'lock_user(''carl'')') AS new_office, pg_temp.as_user('sara', 'unlock_user(''carl'')') AS unlocked, pg_temp.as_user('max', 'lock_user(''carl'')') AS not_the_providers;
-- The record stays behind, for another account.
SELECT pg_temp.as_user('tina', $$create_provider_user(<carl>, 'carl3', 'Provider - Clerical User', 'carl3@puser.example', 'nine brown horses at noon')$$);
RESET ROLE;
SELECT username, office, employee FROM account WHERE username LIKE 'carl%' ORDER BY 1;

--
-- [PRV-16] Too many wrong passwords lock the account for a while, which is shown; an
-- administrator locks and unlocks.
--
SET bestauth.lockout_threshold = 3;
SET ROLE regress_puser_app;
SELECT pg_temp.log_in('ann', 'a wrong password') FROM generate_series(1, 3);
SELECT pg_temp.log_in('ann', 'seven green boats of ann') AS right_but_locked;
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'tina'));
SELECT username, locked, locked_until > clock_timestamp() AS for_a_while, deleted FROM bestauth.search_users(username => 'ann');
SELECT locked, locked_at IS NULL AS by_nobody, locked_until > clock_timestamp() AS for_a_while FROM bestauth.user_details('ann');
COMMIT;
SELECT pg_temp.as_user('sara', 'unlock_user(''ann'')') AS another_office, pg_temp.as_user('ivan', 'unlock_user(''ann'')') AS another_level, pg_temp.as_user('tina', 'unlock_user(''ann'')') AS own_office;
SELECT pg_temp.log_in('ann', 'seven green boats of ann');
SELECT pg_temp.as_user('tina', 'lock_user(''ann'')');
SELECT pg_temp.log_in('ann', 'seven green boats of ann') AS locked, regress.attempt(format('SELECT bestauth.use_session(%L)', token)) AS old_session FROM token WHERE username = 'ann';
SELECT pg_temp.as_user('tina', 'unlock_user(''ann'')'), pg_temp.log_in('ann', 'seven green boats of ann');
RESET ROLE;
SET bestauth.lockout_threshold = 100;

-- [G-04] The own password takes the current one and no permission; other sessions end.
SET ROLE regress_puser_app;
SELECT a.session_token AS one, b.session_token AS two FROM bestauth.login('puser_clinic', 'ann', 'seven green boats of ann', 'docs') a, bestauth.login('puser_clinic', 'ann', 'seven green boats of ann', 'docs') b \gset
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session(:'one');
SELECT bestauth.change_password('six green boats of ann', 'eight green boats of ann') AS wrong, bestauth.change_password('seven green boats of ann', 'eight green boats of ann') AS right;
COMMIT;
SELECT regress.attempt(format('SELECT bestauth.use_session(%L)', :'two')) AS other_session, pg_temp.log_in('ann', 'seven green boats of ann') AS before, pg_temp.log_in('ann', 'eight green boats of ann') AS now;
RESET ROLE;

--
-- [PRV-18] Questions given at creation are asked for beside the mailed link, never instead of it.
--
SELECT cardinality(questions) AS questions, answers_hash LIKE '$2a$%' AS hashed FROM bestauth.security_question WHERE user_id = (SELECT user_id FROM account WHERE username = 'ann');
SET ROLE regress_puser_app;
SELECT bestauth.request_password_reset('puser_clinic', 'ann', 'docs');
RESET ROLE;
SELECT * FROM pg_temp.claim();
SET ROLE regress_puser_app;
SELECT outcome, username, questions FROM bestauth.peek_password_link(pg_temp.link('ann'));
SELECT bestauth.set_password('Rex', 'another good secret here', '{Rex,Elm Street}') AS without_the_link, bestauth.set_password(pg_temp.link('ann'), 'another good secret here') AS without_answers, bestauth.set_password(pg_temp.link('ann'), 'another good secret here', '{Rex,Oak Street}') AS wrong,
	bestauth.set_password(pg_temp.link('ann'), 'another good secret here', '{Elm Street,Rex}') AS in_another_order;
SELECT pg_temp.log_in('ann', 'another good secret here') AS not_yet;
SELECT bestauth.set_password(pg_temp.link('ann'), 'another good secret here', '{" rex ",ELM STREET}') AS both, pg_temp.log_in('ann', 'another good secret here');
-- The temporary password's own change asks for none.
INSERT INTO made VALUES ('ann', pg_temp.as_user('tina', 'reset_password(''ann'')'));
SELECT pg_temp.enter('ann', password) FROM made WHERE username = 'ann';
RESET ROLE;

--
-- [PRV-19] Which office and which providers a session sees, in policies of an application.
--
CREATE TABLE puser_claim (provider_id uuid, amount int);
INSERT INTO puser_claim SELECT id, row_number() OVER (ORDER BY name) FROM thing WHERE name IN ('fay', 'pat', 'pat_south', 'quinn');
ALTER TABLE puser_claim ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON puser_claim USING (bestauth.can_access_provider(provider_id));
CREATE TABLE puser_visit (office_id uuid, provider_id uuid, day int);
INSERT INTO puser_visit SELECT o.id, p.id, 1 FROM thing o JOIN thing p ON (o.name, p.name) IN (('north', 'pat'), ('north', 'quinn'), ('south', 'pat_south'), ('far', 'fay'));
ALTER TABLE puser_visit ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON puser_visit USING (office_id = bestauth.current_office_id() AND provider_id = ANY (bestauth.visible_provider_ids()));
GRANT SELECT ON puser_claim, puser_visit TO regress_puser_app;
CREATE FUNCTION pg_temp.sees(username text) RETURNS TABLE (office text, provider text, visible text, can text, claims text, visits text) LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	IF username <> 'nobody' THEN
		PERFORM bestauth.use_session((SELECT t.token FROM token t WHERE t.username = sees.username));
	END IF;
	RETURN QUERY SELECT (SELECT name FROM thing WHERE id = bestauth.current_office_id()), (SELECT name FROM thing WHERE id = bestauth.current_provider_id()),
		(SELECT string_agg(name, ' ' ORDER BY name) FROM thing WHERE id = ANY (bestauth.visible_provider_ids())), (SELECT string_agg(name, ' ' ORDER BY name) FROM thing WHERE bestauth.can_access_provider(id)),
		(SELECT string_agg(name, ' ' ORDER BY name) FROM puser_claim c JOIN thing t ON t.id = c.provider_id), (SELECT string_agg(name, ' ' ORDER BY name) FROM puser_visit v JOIN thing t ON t.id = v.provider_id);
END
$$;
SET ROLE regress_puser_app;
SELECT username, s.* FROM unnest('{tina,ann,ivan,iris,max,sara,fred,lena,stan}'::text[]) WITH ORDINALITY u (username, n), LATERAL pg_temp.sees(username) s ORDER BY n;
SELECT * FROM pg_temp.sees('nobody');
-- [MCM-8] A new provider of the office is seen at the next transaction; one who left no more.
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'tina'));
SELECT cardinality(bestauth.visible_provider_ids()) AS two;
COMMIT;
RESET ROLE;
INSERT INTO thing SELECT 'rob', bestauth.create_provider(id, '1003000126', 'rob', 'Provider', '1970-01-01') FROM thing WHERE name = 'north';
INSERT INTO puser_claim SELECT id, 9 FROM thing WHERE name = 'rob';
SET ROLE regress_puser_app;
SELECT username, s.* FROM unnest('{tina,ivan,sara}'::text[]) WITH ORDINALITY u (username, n), LATERAL pg_temp.sees(username) s ORDER BY n;
RESET ROLE;
DELETE FROM bestauth.provider WHERE provider_id = (SELECT id FROM thing WHERE name = 'rob');
SET ROLE regress_puser_app;
SELECT visible, claims FROM pg_temp.sees('tina');
RESET ROLE;

DROP TABLE puser_claim, puser_visit;
DO $$
BEGIN
	PERFORM bestauth.revoke_access(r::regrole, a) FROM (VALUES ('regress_puser_app', 'application'), ('regress_puser_operator', 'operator')) v (r, a);
END
$$;
DROP OWNED BY regress_puser_app, regress_puser_operator;
DROP ROLE regress_puser_app, regress_puser_operator;
