-- Accounts: bringing deleted users back, new set-up links, what create_user looks at, and
-- every way by which somebody could get more than they hold.
\set SHOW_CONTEXT never
SELECT bestauth.create_company('account_svc', 'Service') IS NOT NULL AS made;
SELECT bestauth.register_billing_service('account_svc');
SELECT bestauth.create_company('account_clinic', 'Clinic') IS NOT NULL AS made;
SELECT bestauth.create_company('account_child', 'Child', 'account_clinic') IS NOT NULL AS made;
SELECT bestauth.create_company('account_other', 'Other Clinic') IS NOT NULL AS made;
CREATE ROLE regress_account_operator;
CREATE ROLE regress_account_app;
SELECT bestauth.grant_access('regress_account_operator', 'operator');
SELECT bestauth.grant_access('regress_account_app', 'application');
GRANT USAGE ON SCHEMA regress TO regress_account_operator, regress_account_app;
SELECT count(bestauth.create_role(name, permissions, companies, 'account_clinic'))
FROM (VALUES ('small', '{claims}'::text[], '{}'::text[]), ('big', '{claims,eops}', '{}'), ('child', '{}', '{account_child}')) v (name, permissions, companies);
SELECT count(bestauth.create_user(username, user_type, username, 'Test', username || '@account.example', password, permissions => permissions, roles => roles, company => company))
FROM (VALUES
	('head', 'standard', 'account_clinic', 'seven green boats of head', '{manage_users,claims}'::text[], '{}'::text[]),
	('hand', 'standard', 'account_clinic', 'seven green boats of hand', '{claims}', '{}'),
	('adam', 'company_administrator', 'account_clinic', 'seven green boats of adam', '{}', '{}'),
	('ada', 'company_administrator', 'account_clinic', NULL, '{}', '{}'),
	('lena', 'standard', 'account_clinic', 'seven green boats of lena', '{eligibility}', '{small}'),
	('more', 'standard', 'account_clinic', NULL, '{eops}', '{}'),
	('most', 'standard', 'account_clinic', NULL, '{}', '{big}'),
	('away', 'restricted', 'account_clinic', NULL, '{}', '{child}'),
	('anna', 'restricted', 'account_svc', NULL, '{}', '{}'),
	('stranger', 'standard', 'account_other', NULL, '{}', '{}')) v (username, user_type, company, password, permissions, roles);
SELECT count(bestauth.create_user(username, 'billing', 'Key', NULL, NULL, 'seven green boats of ' || username, 'account_svc', '{}', permissions, 'account_clinic'))
FROM (VALUES ('key', '{claims}'::text[]), ('bigkey', '{eops}')) v (username, permissions);
CREATE TEMP TABLE token AS SELECT username, session_token AS token FROM (VALUES ('head'), ('hand'), ('adam'), ('lena')) v (username),
	LATERAL bestauth.login('account_clinic', username, 'seven green boats of ' || username);
CREATE FUNCTION pg_temp.as_user(username text, statement text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session((SELECT token FROM token t WHERE t.username = as_user.username));
	RETURN regress.attempt(statement);
END
$$;
CREATE FUNCTION pg_temp.log_in(username text, password text) RETURNS text LANGUAGE sql AS $$
	SELECT outcome FROM bestauth.login('account_clinic', $1, $2)
$$;
-- The mail that waits for this test's users: those that were claimed before are out of reach.
CREATE TEMP TABLE mail (n serial, kind text, recipient text, token text);
CREATE FUNCTION pg_temp.claim() RETURNS TABLE (kind text, recipient text) LANGUAGE sql AS $$
	INSERT INTO mail (kind, recipient, token) SELECT kind, recipient, token FROM bestauth.claim_mail(1000)
	WHERE recipient LIKE '%@account.example' ORDER BY recipient, kind RETURNING kind, recipient
$$;
CREATE FUNCTION pg_temp.link(username text) RETURNS text LANGUAGE sql AS $$
	SELECT token FROM mail WHERE recipient = $1 || '@account.example' ORDER BY n DESC LIMIT 1
$$;
CREATE FUNCTION pg_temp.refused(after bigint) RETURNS TABLE (username text, function text, rule text, reason text) LANGUAGE sql AS $$
	SELECT a.username, object_id, detail->>'rule', detail->>'reason' FROM bestauth.audit_log a
	WHERE audit_id > $1 AND company_code = 'account_clinic' AND action = 'access.denied' AND outcome = 'denied' ORDER BY audit_id
$$;

-- [IBS-5] Who was made without a password is sent a link; who has one gets no mail. Until
-- one is set there is no way in.
SELECT * FROM pg_temp.claim();
SELECT pg_temp.log_in('more', ''), pg_temp.log_in('more', 'seven green boats of more');
SELECT DISTINCT detail->>'reason' AS reason FROM bestauth.audit_log WHERE company_code = 'account_clinic' AND action = 'login.denied' AND username = 'more';

--
-- [IBS-5] A new link: from then on the ones before never work.
--
SELECT pg_temp.link('more') AS first \gset
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SELECT pg_temp.as_user('hand', $$SELECT bestauth.resend_setup_link('more')$$), pg_temp.as_user('head', $$SELECT bestauth.resend_setup_link('stranger')$$),
	pg_temp.as_user('head', $$SELECT bestauth.resend_setup_link('more', 'account_other')$$);
SELECT regress.attempt($$SELECT bestauth.resend_setup_link('nobody', 'account_clinic')$$);
SELECT * FROM pg_temp.refused(:mark);
SELECT outcome FROM bestauth.peek_password_link(:'first');
SELECT pg_temp.as_user('head', $$SELECT bestauth.resend_setup_link('MORE')$$);
SELECT username, outcome, object_id FROM bestauth.audit_log WHERE audit_id > :mark AND action = 'setup_link.resent' AND company_code = 'account_clinic';
-- Before the new one has gone out, and after.
SELECT outcome FROM bestauth.peek_password_link(:'first');
BEGIN;
SELECT bestauth.set_password(:'first', 'seven green boats of more');
ROLLBACK;
SELECT * FROM pg_temp.claim();
SELECT bestauth.set_password(:'first', 'seven green boats of more');
SELECT detail->>'reason' AS reason, username FROM bestauth.audit_log WHERE audit_id > :mark AND action = 'password.refused' AND company_code = 'account_clinic' ORDER BY audit_id DESC LIMIT 1;
-- Sent again twice before the mailer comes, one message goes out.
SELECT count(bestauth.resend_setup_link('more', 'account_clinic')) FROM generate_series(1, 2);
SELECT * FROM pg_temp.claim();
SELECT expires_at - clock_timestamp() BETWEEN '23:55' AND '24:00' AS a_day FROM bestauth.peek_password_link(pg_temp.link('more'));
UPDATE bestauth.token SET expires_at = clock_timestamp() WHERE token_hash = sha256(convert_to(pg_temp.link('more'), 'UTF8'));
SELECT bestauth.set_password(pg_temp.link('more'), 'seven green boats of more');
SELECT bestauth.resend_setup_link('more', 'account_clinic');
SELECT * FROM pg_temp.claim();
SELECT bestauth.set_password(pg_temp.link('more'), 'seven green boats of more');
SELECT pg_temp.log_in('more', 'seven green boats of more');
-- Not who has a password, and not who has no address or is deleted.
SELECT regress.attempt(format('SELECT bestauth.resend_setup_link(%L, ''account_clinic'')', username)) FROM unnest('{more,key,head}'::text[]) username;
SELECT * FROM pg_temp.claim();

--
-- [PRV-14] [G-02] A deletion taken back. The row, the name and what the user held are as
-- before; the password is not, nor any session or link of before.
--
SELECT bestauth.reset_password('lena', 'account_clinic') AS password \gset lena_
SELECT pg_temp.claim();
SELECT pg_temp.link('lena') AS link \gset lena_
SELECT user_id AS id FROM bestauth.user_details('lena', 'account_clinic') \gset lena_
SELECT bestauth.delete_user('lena', 'account_clinic');
SELECT deleted, deleted_at IS NOT NULL AS deleted_at, roles, permissions FROM bestauth.user_details('lena', 'account_clinic');
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SELECT pg_temp.as_user('hand', $$SELECT bestauth.restore_user('lena')$$), pg_temp.as_user('head', $$SELECT bestauth.restore_user('stranger')$$),
	pg_temp.as_user('head', $$SELECT bestauth.restore_user('lena', 'account_other')$$), pg_temp.as_user('head', $$SELECT bestauth.restore_user('lena', portal => 'none')$$);
SELECT regress.attempt($$SELECT bestauth.restore_user('nobody', 'account_clinic')$$);
SET ROLE regress_account_app;
SELECT regress.attempt($$SELECT bestauth.restore_user('lena', 'account_clinic')$$);
-- Not by hand either, for the password would come back with it.
SET ROLE regress_account_operator;
SELECT regress.attempt(format('UPDATE bestauth.user_account SET deleted_at = NULL WHERE user_id = %L', :'lena_id'));
RESET ROLE;
-- [G-08] Lena holds eligibility, which the head does not.
SELECT pg_temp.as_user('head', $$SELECT bestauth.restore_user('lena')$$);
SELECT * FROM pg_temp.refused(:mark);
SELECT deleted FROM bestauth.user_details('lena', 'account_clinic');
SELECT pg_temp.as_user('adam', $$SELECT bestauth.restore_user('LENA')$$);
SELECT username, outcome, object_id FROM bestauth.audit_log WHERE audit_id > :mark AND action = 'user.restored' AND company_code = 'account_clinic';
SELECT user_id = :'lena_id' AS the_same, deleted, deleted_at, roles, permissions, password_set, must_change_password FROM bestauth.user_details('lena', 'account_clinic');
SELECT count(*) AS hashes FROM bestauth.credential WHERE user_id = :'lena_id' AND (password_hash IS NOT NULL OR expires_at IS NOT NULL);
SELECT pg_temp.log_in('lena', 'seven green boats of lena'), pg_temp.log_in('lena', :'lena_password');
SELECT detail->>'reason' AS reason FROM bestauth.audit_log WHERE audit_id > :mark AND company_code = 'account_clinic' AND action = 'login.denied' ORDER BY audit_id;
SELECT regress.attempt(format('SELECT bestauth.use_session(%L)', (SELECT token FROM token WHERE username = 'lena')));
SELECT bestauth.set_password(:'lena_link', 'nine brown boats of lena');
-- The link for a new one goes to the address.
SELECT * FROM pg_temp.claim();
SELECT bestauth.set_password(pg_temp.link('lena'), 'nine brown boats of lena');
SELECT pg_temp.log_in('lena', 'nine brown boats of lena'), pg_temp.log_in('lena', 'seven green boats of lena');
-- Who is not deleted is not restored.
SELECT pg_temp.as_user('adam', $$SELECT bestauth.restore_user('lena')$$);
SELECT regress.attempt($$SELECT bestauth.restore_user('hand', 'account_clinic')$$);
SELECT pg_temp.log_in('hand', 'seven green boats of hand');
-- Who was locked still is; who had not set a password yet has a new link.
SELECT bestauth.lock_user('lena', 'account_clinic'), bestauth.delete_user('lena', 'account_clinic'), bestauth.delete_user('anna', 'account_svc'),
	bestauth.restore_user('lena', 'account_clinic'), bestauth.restore_user('anna', 'account_svc');
SELECT deleted, locked, locked_at IS NOT NULL AS by_an_administrator FROM bestauth.user_details('lena', 'account_clinic');
SELECT pg_temp.link('anna') AS old \gset anna_
SELECT * FROM pg_temp.claim();
SELECT bestauth.set_password(pg_temp.link('lena'), 'ten brown boats of lena'), bestauth.set_password(:'anna_old', 'seven green boats of anna');
SELECT pg_temp.log_in('lena', 'ten brown boats of lena');
SELECT outcome FROM bestauth.peek_password_link(pg_temp.link('anna'));
-- Without an address nothing is sent; a new password is made by a reset.
SELECT bestauth.delete_user('key', 'account_clinic'), bestauth.restore_user('key', 'account_clinic');
SELECT * FROM pg_temp.claim();
SELECT pg_temp.log_in('key', 'seven green boats of key'), regress.attempt($$SELECT bestauth.resend_setup_link('key', 'account_clinic')$$);
SELECT pg_temp.log_in('key', bestauth.reset_password('key', 'account_clinic'));
-- [IBS-5] And no link for one who is deleted.
SELECT bestauth.delete_user('anna', 'account_svc');
SELECT regress.attempt($$SELECT bestauth.resend_setup_link('anna', 'account_svc')$$), bestauth.set_password(pg_temp.link('anna'), 'seven green boats of anna');

--
-- [IBS-3] [IBS-5] What create_user looks at, one fault less each time; then nothing of a
-- refused one is there.
--
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SELECT n, pg_temp.as_user(caller, 'SELECT bestauth.create_user(' || arguments || ')') FROM (VALUES
	(1, 'hand', $$'new', 'no_type', 'N', 'Ew', 'nobody', 'short', NULL, '{nothing}', '{none}', 'account_other'$$),
	(2, 'head', $$'new', 'no_type', 'N', 'Ew', 'nobody', 'short', NULL, '{nothing}', '{none}', 'account_other'$$),
	(3, 'head', $$'new', 'company_administrator', 'N', 'Ew', 'nobody', 'short', NULL, '{nothing}', '{none}', 'account_other'$$),
	(4, 'head', $$'new', 'company_administrator', 'N', 'Ew', 'nobody', 'short', NULL, '{nothing}', '{none}', portal => 'none'$$),
	(5, 'head', $$'new', 'company_administrator', 'N', 'Ew', 'nobody', 'short', NULL, '{nothing}', '{none}'$$),
	(6, 'head', $$'new', 'provider', 'N', 'Ew', 'nobody', 'short', NULL, '{nothing}', '{none}'$$),
	(7, 'head', $$'new', 'restricted', 'N', 'Ew', 'nobody', 'short', NULL, '{nothing}', '{none}'$$),
	(8, 'head', $$'new', 'restricted', 'N', 'Ew', 'nobody', 'short', NULL, '{nothing}', '{eops}'$$),
	(9, 'head', $$'new', 'restricted', 'N', 'Ew', 'nobody', 'short', NULL, '{nothing}', '{claims}'$$),
	(10, 'head', $$'new', 'restricted', 'N', 'Ew', 'nobody', NULL, NULL, '{nothing}', '{claims}'$$),
	(11, 'head', $$'HAND', 'restricted', 'N', 'Ew', 'new@account.example', NULL, NULL, '{nothing}', '{claims}'$$),
	(12, 'head', $$'new', 'restricted', 'N', NULL, 'new@account.example', NULL, NULL, '{nothing}', '{claims}'$$),
	(13, 'head', $$'new', 'restricted', 'N', 'Ew', NULL, NULL, NULL, '{nothing}', '{claims}'$$),
	(14, 'head', $$'new', 'restricted', 'N', 'Ew', 'new@account.example', NULL, 'account_svc', '{nothing}', '{claims}'$$),
	(15, 'head', $$'new', 'restricted', 'N', 'Ew', 'new@account.example', NULL, NULL, '{nothing}', '{claims}'$$),
	(16, 'head', $$'new', 'restricted', 'N', 'Ew', 'new@account.example', NULL, NULL, '{small,big}', '{claims}'$$),
	(17, 'head', $$'new', 'billing', 'N', NULL, NULL, NULL, 'account_svc'$$),
	(18, 'head', $$'new', 'billing', 'N', NULL, NULL, 'seven green boats of new', 'account_other'$$),
	(19, 'head', $$'new', 'billing', 'N', NULL, NULL, 'seven green boats of new', NULL$$)) v (n, caller, arguments) ORDER BY n;
SELECT count(*) FROM bestauth.user_account JOIN bestauth.company USING (company_id) WHERE code = 'account_clinic' AND lower(username) = 'new';
SELECT action, object_id, count(*) FROM bestauth.audit_log WHERE audit_id > :mark AND company_code = 'account_clinic' AND object_type <> 'session' GROUP BY 1, 2 ORDER BY 1, 2;
SELECT * FROM pg_temp.claim();
SELECT pg_temp.as_user('head', $$SELECT bestauth.create_user('new', 'restricted', ' N ', 'Ew', 'new@account.example', NULL, NULL, '{small}', '{claims}')$$);
SELECT action, object_id, detail FROM bestauth.audit_log
WHERE audit_id > :mark AND company_code = 'account_clinic' AND object_type IN ('user', 'role') AND outcome = 'success' ORDER BY audit_id;
SELECT first_name, roles, permissions FROM bestauth.user_details('new', 'account_clinic');
SELECT * FROM pg_temp.claim();

--
-- [G-08] Every way to more than one holds: for others, or for oneself. The head has
-- manage_users and claims. Each refusal is in the audit; an administrator may all of it.
--
SELECT bestauth.delete_user(username, 'account_clinic') FROM unnest('{more,most,away,ada}'::text[]) username;
SELECT bestauth.create_user(username, user_type, username, 'Test', username || '@account.example', permissions => permissions, roles => roles, company => 'account_clinic') IS NOT NULL AS made
FROM (VALUES ('more2', 'standard', '{eops}'::text[], '{}'::text[]), ('most2', 'standard', '{}', '{big}'), ('away2', 'restricted', '{}', '{child}'),
	('ada2', 'company_administrator', '{}', '{}'), ('plain', 'restricted', '{}', '{}'), ('portal', 'restricted', '{web_portal}', '{}')) v (username, user_type, permissions, roles);
CREATE TEMP TABLE way (n serial, statement text);
INSERT INTO way (statement) VALUES
	($$grant_permission('plain', 'eops')$$), ($$grant_permission('head', 'eops')$$), ($$grant_permission('head', 'web_portal')$$),
	($$assign_role('plain', 'big')$$), ($$assign_role('head', 'big')$$), ($$assign_role('head', 'child')$$),
	($$update_user('plain', '{"roles": ["big"]}')$$), ($$update_user('head', '{"roles": ["child"]}')$$),
	($$create_user('x', 'restricted', 'X', 'Y', 'x@account.example', permissions => '{eops}')$$), ($$create_user('x', 'restricted', 'X', 'Y', 'x@account.example', roles => '{child}')$$),
	($$create_user('x', 'billing', 'X', NULL, NULL, 'seven green boats of x', 'account_svc', '{big}')$$),
	($$create_user('x', 'company_administrator', 'X', 'Y', 'x@account.example')$$),
	($$restore_user('more')$$), ($$restore_user('most')$$), ($$restore_user('away')$$), ($$restore_user('ada')$$),
	($$reset_password('more2')$$), ($$reset_password('most2')$$), ($$reset_password('away2')$$), ($$reset_password('ada2')$$), ($$reset_password('bigkey')$$),
	($$update_user('more2', '{"email": "x@account.example"}')$$), ($$update_user('most2', '{"email": "x@account.example"}')$$),
	($$update_user('away2', '{"email": "x@account.example"}')$$), ($$update_user('ada2', '{"email": "x@account.example"}')$$),
	($$limit_billing_user('bigkey', NULL)$$), ($$limit_billing_user('bigkey', '{}')$$),
	($$lock_user('ada2')$$), ($$unlock_user('ada2')$$), ($$delete_user('ada2')$$);
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SELECT n, statement, pg_temp.as_user('head', 'SELECT bestauth.' || statement) FROM way ORDER BY n;
SELECT count(*) AS written, (SELECT count(*) FROM way) AS tried, count(DISTINCT function) AS functions FROM pg_temp.refused(:mark) WHERE username = 'head' AND rule IN ('G-08', 'PRT-3', 'PRV-14', 'PRV-16');
SELECT DISTINCT reason FROM pg_temp.refused(:mark) ORDER BY 1;
SELECT count(*) AS changes FROM bestauth.audit_log WHERE audit_id > :mark AND company_code = 'account_clinic' AND action NOT IN ('access.denied', 'session.refused');
SELECT permissions, roles FROM bestauth.user_details('head', 'account_clinic');
-- What the head does hold, and web_portal to others, is theirs to give and to act on.
SELECT pg_temp.as_user('head', 'SELECT bestauth.' || statement) FROM unnest(ARRAY[
	$$grant_permission('plain', 'claims')$$, $$grant_permission('plain', 'web_portal')$$, $$assign_role('plain', 'small')$$, $$update_user('plain', '{"roles": ["small"], "email": "plain2@account.example"}')$$,
	$$reset_password('portal')$$, $$limit_billing_user('key', '{}')$$, $$delete_user('portal')$$, $$restore_user('portal')$$]) statement;
SELECT count(*) AS done FROM way, pg_temp.as_user('adam', 'SELECT bestauth.' || replace(statement, '''x''', '''x' || n || '''')) answer WHERE answer = 'done';

-- [M-01]
SELECT function, argument, regress.attempt(format('SELECT bestauth.%s(%s, ''account_clinic'')', function, argument))
FROM unnest('{restore_user,resend_setup_link}'::text[]) function, unnest(ARRAY['NULL', '''''', 'E''a\nb''', 'repeat(''a'', 255)', 'U&''\202Eadam''']) argument;
SELECT regress.attempt('SELECT bestauth.create_user(' || arguments || ', company => ''account_clinic'')') FROM unnest(ARRAY[
	$$NULL, 'restricted', 'A', 'B', 'a@b.example'$$, $$'x', NULL, 'A', 'B', 'a@b.example'$$, $$'x', '', 'A', 'B', 'a@b.example'$$, $$'x', 'Restricted', 'A', 'B', 'a@b.example'$$,
	$$'x', 'restricted', NULL, 'B', 'a@b.example'$$, $$'x', 'restricted', 'A', ' ', 'a@b.example'$$, $$'x', 'restricted', E'A\tB', 'B', 'a@b.example'$$, $$'x', 'restricted', repeat('A', 101), 'B', 'a@b.example'$$,
	$$'x', 'restricted', 'A', 'B', repeat('a', 250) || '@b.example'$$, $$'x', 'restricted', 'A', 'B', 'a@b.example', roles => '{NULL}'$$, $$'x', 'restricted', 'A', 'B', 'a@b.example', permissions => '{{claims},{claims}}'$$,
	$$'x', 'restricted', 'A', 'B', 'a@b.example', roles => '{""}'$$, $$'x', 'restricted', 'A', 'B', 'a@b.example', permissions => ARRAY[repeat('p', 1000)]$$, $$NULL, NULL, NULL, NULL$$]) arguments;

REVOKE USAGE ON SCHEMA regress FROM regress_account_operator, regress_account_app;
SELECT bestauth.revoke_access('regress_account_operator', 'operator');
SELECT bestauth.revoke_access('regress_account_app', 'application');
DROP ROLE regress_account_operator, regress_account_app;
