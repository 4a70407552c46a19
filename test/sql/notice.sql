-- [I-11] Who is told of what happened to their account: by a notice, without secrets.
\set SHOW_CONTEXT never
UPDATE bestauth.outbox SET cancelled_at = clock_timestamp() WHERE sent_at IS NULL AND cancelled_at IS NULL AND dead_at IS NULL;
SELECT bestauth.create_company('notice_svc', 'Best Billing') IS NOT NULL AS made;
SELECT bestauth.create_company('notice_svc2', 'Second Billing') IS NOT NULL AS made;
SELECT bestauth.register_billing_service(c) FROM (VALUES ('notice_svc'), ('notice_svc2')) v (c);
SELECT bestauth.create_company('notice_clinic', 'Clinic') IS NOT NULL AS made;
SELECT bestauth.create_company('notice_other', 'Other Clinic') IS NOT NULL AS made;
SELECT count(bestauth.create_role(name, permissions, company => 'notice_clinic')) FROM (VALUES ('Front', '{claims}'::text[]), ('Back', '{claims,eops}')) v (name, permissions);
SET bestauth.mail_hourly_limit = 1000;

-- Making a user, with roles and permissions, tells nobody of it but by the link.
SELECT count(bestauth.create_user(username, user_type, initcap(username), 'Test', email, password, roles => roles, permissions => permissions, company => company))
FROM (VALUES
	('uma', 'standard', 'uma@notice.example', 'seven green boats of uma', '{Front}'::text[], '{my_account}'::text[], 'notice_clinic'),
	('boss', 'company_administrator', 'boss@notice.example', 'seven green boats of boss', '{}', '{}', 'notice_clinic'),
	('head', 'company_administrator', 'head@notice.example', 'seven green boats of head', '{}', '{}', 'notice_clinic'),
	('lou', 'company_administrator', 'lou@notice.example', 'seven green boats of lou', '{}', '{}', 'notice_clinic'),
	('del', 'company_administrator', 'del@notice.example', 'seven green boats of del', '{}', '{}', 'notice_clinic'),
	('alien', 'company_administrator', 'alien@notice.example', 'seven green boats of alien', '{}', '{}', 'notice_other')) v (username, user_type, email, password, roles, permissions, company);
SELECT count(*) FROM bestauth.claim_mail(1000);

CREATE TEMP TABLE sent (recipient text, kind text, topic text, subject text, body text, token text);
-- What has been put down since: it is claimed and sent.
CREATE FUNCTION pg_temp.told(OUT recipient text, OUT kind text, OUT topic text) RETURNS SETOF record LANGUAGE sql AS $$
	WITH m AS (SELECT * FROM bestauth.claim_mail(1000)),
		s AS (INSERT INTO sent SELECT m.recipient, m.kind, o.topic, m.subject, m.body, m.token FROM m JOIN bestauth.outbox o USING (message_id) RETURNING *),
		c AS (SELECT bestauth.confirm_mail(message_id) FROM m)
	SELECT s.recipient, s.kind, s.topic FROM s, (SELECT count(*) FROM c) x
	ORDER BY s.kind COLLATE "C", s.topic COLLATE "C", s.recipient COLLATE "C"
$$;
CREATE TEMP TABLE token AS SELECT username, session_token AS token FROM (VALUES ('uma'), ('boss')) v (username),
	LATERAL bestauth.login('notice_clinic', username, 'seven green boats of ' || username);
CREATE FUNCTION pg_temp.as_user(username text, statement text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session((SELECT token FROM token t WHERE t.username = as_user.username));
	RETURN regress.attempt(statement);
END
$$;

-- The password was changed, by its owner.
SELECT pg_temp.as_user('uma', $$SELECT bestauth.change_password('seven green boats of uma', 'eight green boats of uma')$$);
SELECT * FROM pg_temp.told();
-- What was refused is not told.
SELECT session_token AS uma FROM bestauth.login('notice_clinic', 'uma', 'eight green boats of uma') \gset
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session(:'uma');
SELECT bestauth.change_password('a wrong password of uma', 'nine green boats of uma');
COMMIT;
SELECT * FROM pg_temp.told();
-- It was set by a link that was asked for.
SELECT bestauth.request_password_reset('notice_clinic', 'uma');
SELECT * FROM pg_temp.told();
SELECT bestauth.set_password((SELECT token FROM sent WHERE kind = 'password_reset'), 'nine green boats of uma');
SELECT * FROM pg_temp.told();
-- An administrator reset it: that is told by the link that comes; then another was set in the
-- place of the temporary one.
SELECT bestauth.reset_password('uma', company => 'notice_clinic') AS temporary \gset
SELECT * FROM pg_temp.told();
SELECT bestauth.set_password(challenge_token, 'ten green boats of uma') FROM bestauth.login('notice_clinic', 'uma', :'temporary');
SELECT * FROM pg_temp.told();
-- The first password of all is no news.
SELECT bestauth.create_user('nia', 'standard', 'Nia', 'New', 'nia@notice.example', company => 'notice_clinic') IS NOT NULL AS made;
SELECT * FROM pg_temp.told();
SELECT bestauth.set_password((SELECT token FROM sent WHERE kind = 'password_setup'), 'seven green boats of nia');
SELECT * FROM pg_temp.told();

-- Another e-mail address: the one of now is told at once, and again when it is given up.
SELECT bestauth.update_user('nia', '{"email": "nina@notice.example"}', 'notice_clinic');
SELECT * FROM pg_temp.told();
SELECT bestauth.confirm_email_change((SELECT token FROM sent WHERE kind = 'email_change'));
SELECT * FROM pg_temp.told();
SELECT email FROM bestauth.user_details('nia', 'notice_clinic');
-- Locked by an administrator; locking what is locked, and unlocking, tell nothing.
SELECT bestauth.lock_user('nia', company => 'notice_clinic');
SELECT * FROM pg_temp.told();
SELECT bestauth.lock_user('nia', company => 'notice_clinic');
SELECT bestauth.unlock_user('nia', company => 'notice_clinic');
SELECT * FROM pg_temp.told();
-- Locked by wrong passwords: also when whoever guesses rolls back; once a day at most.
SHOW bestauth.lockout_threshold;
CREATE FUNCTION pg_temp.guess(name text) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(l.outcome) FROM generate_series(1, 6) n, LATERAL bestauth.login('notice_clinic', name, 'wrong password ' || n) l
$$;
BEGIN;
SELECT pg_temp.guess('uma');
ROLLBACK;
SELECT * FROM pg_temp.told();
SELECT bestauth.unlock_user('uma', company => 'notice_clinic');
SELECT pg_temp.guess('uma');
SELECT locked_until IS NOT NULL AS locked FROM bestauth.user_details('uma', 'notice_clinic');
SELECT * FROM pg_temp.told();
SELECT bestauth.unlock_user('uma', company => 'notice_clinic');
UPDATE bestauth.outbox SET created_at = created_at - interval '25 hours' WHERE recipient = 'uma@notice.example' AND topic = 'account_locked';
SELECT pg_temp.guess('uma');
SELECT * FROM pg_temp.told();
SELECT bestauth.unlock_user('uma', company => 'notice_clinic');
-- A name that nobody has: nobody is told.
SELECT pg_temp.guess('nobody');
SELECT * FROM pg_temp.told();

-- Roles and permissions: when they are others than before.
CREATE FUNCTION pg_temp.after(statement text, OUT said text, OUT recipient text, OUT topic text) RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
	said := regress.attempt('SELECT bestauth.' || statement);
	RETURN QUERY SELECT after.said, t.recipient, t.topic FROM (SELECT) x LEFT JOIN pg_temp.told() t ON true;
END
$$;
SELECT * FROM pg_temp.after($$assign_role('uma', 'Back', 'notice_clinic')$$);
SELECT * FROM pg_temp.after($$assign_role('uma', 'Back', 'notice_clinic')$$);
SELECT * FROM pg_temp.after($$unassign_role('uma', 'Back', 'notice_clinic')$$);
SELECT * FROM pg_temp.after($$unassign_role('uma', 'Back', 'notice_clinic')$$);
SELECT * FROM pg_temp.after($$grant_permission('uma', 'eops', 'notice_clinic')$$);
SELECT * FROM pg_temp.after($$grant_permission('uma', 'eops', 'notice_clinic')$$);
SELECT * FROM pg_temp.after($$revoke_permission('uma', 'eops', 'notice_clinic')$$);
SELECT * FROM pg_temp.after($$revoke_permission('uma', 'eops', 'notice_clinic')$$);
SELECT * FROM pg_temp.after($$update_user('uma', '{"roles": ["Front", "Back"]}', 'notice_clinic')$$);
SELECT * FROM pg_temp.after($$update_user('uma', '{"roles": ["Back", "Front"], "title": "Dr."}', 'notice_clinic')$$);
SELECT * FROM pg_temp.after($$update_user('uma', '{"title": "Prof."}', 'notice_clinic')$$);
SELECT * FROM pg_temp.after($$update_user('uma', '{"roles": []}', 'notice_clinic')$$);
-- Refused: nothing is told.
SELECT pg_temp.as_user('boss', $$SELECT bestauth.grant_permission('boss', 'web_portal')$$);
SELECT * FROM pg_temp.told();

-- A billing user: whoever else runs the company is told, if they can act on it: neither
-- the locked nor the deleted, nor those of other companies, nor who made it.
SELECT bestauth.lock_user('lou', company => 'notice_clinic');
SELECT bestauth.delete_user('del', company => 'notice_clinic');
SELECT * FROM pg_temp.told();
SELECT left(pg_temp.as_user('boss', $$SELECT bestauth.create_user('keyone', 'billing', 'Key', NULL, 'key@notice.example', 'seven green boats of key', 'notice_svc')$$), 4);
SELECT * FROM pg_temp.told();
-- By the operator: all of them are told.
SELECT bestauth.create_user('keytwo', 'billing', 'Key', NULL, NULL, 'seven green boats of key', 'notice_svc', company => 'notice_clinic') IS NOT NULL AS made;
SELECT * FROM pg_temp.told();
-- Of two, about each: neither message takes the place of the other.
SELECT count(bestauth.create_user(u, 'billing', 'Key', NULL, NULL, 'seven green boats of key', s, company => 'notice_clinic')) FROM (VALUES ('keythree', 'notice_svc2'), ('keyfour', 'notice_svc')) v (u, s);
SELECT * FROM pg_temp.told();
SELECT said FROM (SELECT DISTINCT substring(body FROM 'The billing user.*enter.') AS said FROM sent WHERE topic = 'billing_user_created') b ORDER BY said COLLATE "C";
-- Making any other user tells nobody.
SELECT bestauth.create_user('zoe', 'company_administrator', 'Zoe', 'Test', 'zoe@notice.example', 'seven green boats of zoe', company => 'notice_clinic') IS NOT NULL AS made;
SELECT * FROM pg_temp.told();

-- A key that has an address is told of like others, one that has none is not.
SELECT a.* FROM (VALUES ($$lock_user('keyone', 'notice_clinic')$$), ($$grant_permission('keyone', 'eops', 'notice_clinic')$$),
	($$lock_user('keytwo', 'notice_clinic')$$), ($$grant_permission('keytwo', 'eops', 'notice_clinic')$$)) v (call), LATERAL pg_temp.after(call) a;
SELECT pg_temp.guess('keythree');
SELECT * FROM pg_temp.told();

-- Nothing that was said is a secret: no token, password or permission, no role, and of nobody but
-- the one whose account it is, except the billing user and its service.
SELECT topic, count(*) > 0 AS sent, count(token) AS tokens,
	count(*) FILTER (WHERE concat(subject, body) ~* 'bat_|bas_|token|https?:|green boats') AS secrets,
	count(*) FILTER (WHERE EXISTS (SELECT FROM bestauth.permission p WHERE strpos(concat(subject, body), p.name) > 0 AND p.name !~ '^[a-z]+$')) AS permissions,
	count(*) FILTER (WHERE concat(subject, body) ~ 'claims|eops|Front|Back') AS roles,
	count(*) FILTER (WHERE EXISTS (SELECT FROM bestauth.user_account u WHERE u.email LIKE '%@notice.example' AND u.user_type <> 'billing' AND concat(subject, body) ~ (E'\\m' || u.username || E'\\M')
		AND u.email <> s.recipient AND NOT (u.username = 'nia' AND s.recipient LIKE 'ni%'))) AS others,
	count(*) FILTER (WHERE body ~ '@') AS addresses
FROM sent s WHERE kind = 'notice' GROUP BY topic ORDER BY topic COLLATE "C";
SELECT body FROM (SELECT DISTINCT body FROM sent WHERE kind = 'notice' AND recipient = 'uma@notice.example') b ORDER BY body COLLATE "C";
-- Whose address is another when the mail goes out: a notice goes where it was meant to.
SELECT bestauth.lock_user('uma', company => 'notice_clinic');
UPDATE bestauth.user_account SET email = 'thief@notice.example' WHERE email = 'uma@notice.example';
SELECT * FROM pg_temp.told();
