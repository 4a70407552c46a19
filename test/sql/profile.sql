-- Editing a user: every key of update_user, and the change of an e-mail address.
\set SHOW_CONTEXT never
SELECT bestauth.create_company('profile_svc', 'Service') IS NOT NULL AS made;
SELECT bestauth.register_billing_service('profile_svc');
SELECT bestauth.create_company('profile_clinic', 'Clinic') IS NOT NULL AS made;
SELECT bestauth.create_company('profile_other', 'Other Clinic') IS NOT NULL AS made;
CREATE ROLE regress_profile_app;
SELECT bestauth.grant_access('regress_profile_app', 'application');
GRANT USAGE ON SCHEMA regress TO regress_profile_app;
SELECT count(bestauth.create_user(username, user_type, username, 'Test', username || '@profile.example', password, permissions => permissions, company => company))
FROM (VALUES
	('head', 'standard', 'profile_clinic', 'seven green boats of head', '{manage_users,claims,my_account}'::text[]),
	('hand', 'standard', 'profile_clinic', 'seven green boats of hand', '{claims}'),
	('adam', 'company_administrator', 'profile_clinic', 'seven green boats of adam', '{}'),
	('ada', 'company_administrator', 'profile_clinic', NULL, '{}'),
	('more', 'standard', 'profile_clinic', NULL, '{eops}'),
	('sam', 'restricted', 'profile_clinic', NULL, '{}'),
	('eva', 'restricted', 'profile_clinic', 'seven green boats of eva', '{my_account}'),
	('stranger', 'standard', 'profile_other', NULL, '{}')) v (username, user_type, company, password, permissions);
SELECT bestauth.create_user('key', 'billing', 'Key', NULL, 'key@profile.example', 'seven green boats of key', 'profile_svc', company => 'profile_clinic') IS NOT NULL AS made;
SELECT count(bestauth.create_role(name, permissions, company => 'profile_clinic'))
FROM (VALUES ('Small', '{claims}'::text[]), ('Other', '{claims}'), ('Big', '{claims,eops}')) v (name, permissions);
CREATE TEMP TABLE token AS SELECT username, session_token AS token FROM (VALUES ('head'), ('hand'), ('adam')) v (username),
	LATERAL bestauth.login('profile_clinic', username, 'seven green boats of ' || username);
-- What a call comes to in the session of a user.
CREATE FUNCTION pg_temp.as_user(username text, statement text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session((SELECT token FROM token t WHERE t.username = as_user.username));
	RETURN regress.attempt(statement);
END
$$;
CREATE FUNCTION pg_temp.edit(editor text, username text, changes text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.as_user($1, format('SELECT bestauth.update_user(%L, %L)', $2, $3))
$$;
-- The same by the operator.
CREATE FUNCTION pg_temp.edit(username text, changes text) RETURNS text LANGUAGE sql AS $$
	SELECT regress.attempt(format('SELECT bestauth.update_user(%L, %L, ''profile_clinic'')', $1, $2))
$$;
CREATE FUNCTION pg_temp.details(username text) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws('|', d.username, first_name, middle_name, last_name, title, email, pending_email, phone, mobile_phone, mobile_carrier, roles, notification_preferences)
	FROM bestauth.user_details($1, 'profile_clinic') d
$$;
CREATE FUNCTION pg_temp.title() RETURNS text LANGUAGE sql AS $$ SELECT title FROM bestauth.user_details('sam', 'profile_clinic') $$;
CREATE FUNCTION pg_temp.refused(after bigint) RETURNS TABLE (username text, rule text, reason text) LANGUAGE sql AS $$
	SELECT a.username, detail->>'rule', detail->>'reason' FROM bestauth.audit_log a
	WHERE audit_id > $1 AND company_code = 'profile_clinic' AND action = 'access.denied' AND outcome = 'denied' AND object_id = 'update_user' ORDER BY audit_id
$$;

-- [IBS-2] Changing users takes manage_users, or the operator; users of other companies
-- look like none.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SELECT pg_temp.edit('hand', 'sam', '{"title": "Dr."}'), pg_temp.edit('hand', 'hand', '{"title": "Dr."}');
SELECT pg_temp.edit('head', 'stranger', '{"title": "Dr."}'), pg_temp.edit('head', 'nobody', '{"title": "Dr."}');
SELECT pg_temp.as_user('head', $$SELECT bestauth.update_user('stranger', '{"title": "Dr."}', 'profile_other')$$),
	pg_temp.as_user('head', $$SELECT bestauth.update_user('sam', '{"title": "Dr."}', portal => 'none')$$);
SELECT pg_temp.edit('nobody', '{"title": "Dr."}'), regress.attempt($$SELECT bestauth.update_user('sam', '{"title": "Dr."}', 'profile_clinic', 'none')$$);
SELECT * FROM pg_temp.refused(:mark);
SET ROLE regress_profile_app;
SELECT regress.attempt($$SELECT bestauth.update_user('sam', '{"title": "Dr."}', 'profile_clinic')$$);
RESET ROLE;
SELECT pg_temp.details('sam');

-- [PRV-15] Each key, in a session and by the operator. Spaces around go; null takes a
-- value away; what is not named stays.
SELECT pg_temp.edit('head', 'SAM', '{"first_name": " Samuel  ", "middle_name": "J.", "last_name": "Müller", "title": "Dr.", "phone": "+1 555 0100", "mobile_phone": "555-0101", "mobile_carrier": "Carrier", "office_id": null, "roles": ["small"], "notification_preferences": {"mail": true, "sms": false}}');
SELECT pg_temp.details('sam');
SELECT key, pg_temp.edit('sam', jsonb_build_object(key, value)::text), pg_temp.details('sam') FROM (VALUES
	('first_name', '"Sam"'::jsonb), ('middle_name', 'null'), ('last_name', '"Test"'), ('title', '""'), ('phone', '"  "'), ('mobile_phone', '"1"'),
	('mobile_carrier', 'null'), ('notification_preferences', '{}'), ('roles', '[]')) v (key, value);
SELECT pg_temp.edit('sam', '{}'), pg_temp.edit('sam', jsonb_build_object('title', repeat('ü', 100))::text);
SELECT pg_temp.edit('sam', '{"title": "Mr."}');
SELECT username AS editor, object_id, outcome, detail FROM bestauth.audit_log
WHERE audit_id > :mark AND company_code = 'profile_clinic' AND action = 'user.updated' ORDER BY audit_id LIMIT 3;

-- [PRV-15] [G-10] Any other key is an error, whoever sends it: nothing is set that has no
-- key, the user name never, and nothing beside it.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SELECT u.xmin AS version, pg_temp.details('sam') AS details FROM bestauth.user_account u JOIN bestauth.company USING (company_id) WHERE code = 'profile_clinic' AND username = 'sam' \gset sam_
SELECT left(to_json(key)::text, 30) AS key, replace(pg_temp.edit('head', 'sam', format('{"title": "Hacker", %s: %s}', to_json(key), value)), repeat('k', 200), '...') AS edit FROM (VALUES
	('username', '"sam2"'), ('Username', '"sam2"'), ('user_type', '"company_administrator"'), ('user_id', 'null'), ('company_id', 'null'),
	('portal_id', 'null'), ('version', '7'), ('revision', '7'), ('deleted_at', 'null'), ('locked_at', 'null'), ('locked', 'false'), ('pending_email', '"x@profile.example"'),
	('billing_service_id', 'null'), ('persons_limited', 'false'), ('permissions', '["manage_users"]'), ('password', '"seven green boats of sam"'),
	('password_hash', '"x"'), ('must_change', 'false'), ('First_name', '"X"'), ('first_name ', '"X"'), ('', '"X"'), ('security_questions', '[]'),
	(E'a\nb', '1'), (repeat('k', 300), '1')) v (key, value);
SELECT pg_temp.edit('sam', '{"user_type": "standard"}'), pg_temp.edit('adam', 'adam', '{"username": "eve"}');
-- Wrong types and values; the whole edit is refused.
SELECT key, left(value, 40) AS value, pg_temp.edit('head', 'sam', format('{"title": "Hacker", "%s": %s}', key, value)) FROM (VALUES
	('first_name', '1'), ('first_name', 'true'), ('last_name', '["Test"]'), ('phone', '{}'), ('phone', E'"555\\n0100"'), ('mobile_phone', '"\u202e0010"'),
	('title', to_json(repeat('t', 101))::text), ('mobile_carrier', to_json(repeat('ü', 101))::text), ('email', '1'), ('email', '"nobody"'), ('email', '"a@b.example,c@d.example"'),
	('email', to_json(repeat('a', 250) || '@b.example')::text), ('office_id', '7'), ('office_id', '"00000000-0000-0000-0000-000000000000"'),
	('roles', 'null'), ('roles', '"Small"'), ('roles', '{"Small": true}'), ('roles', '[1]'), ('roles', '[null]'), ('roles', '[["Small"]]'), ('roles', '[""]'), ('roles', '["no such role"]'),
	('notification_preferences', 'null'), ('notification_preferences', '[true]'), ('notification_preferences', '{"mail": 1}'), ('notification_preferences', '{"mail": {"x": true}}'),
	('notification_preferences', '{"mail": null}')) v (key, value);
SELECT pg_temp.edit('sam', format('{"roles": %s}', (SELECT json_agg('r' || n) FROM generate_series(1, 10001) n))),
	pg_temp.edit('sam', format('{"notification_preferences": %s}', (SELECT json_object_agg('r' || n, true) FROM generate_series(1, 101) n)));
-- [M-01] And of the other arguments.
SELECT changes, pg_temp.edit('sam', changes) FROM (VALUES ('[]'), ('null'), ('"x"'), ('1'), ('true'), ('[{"title": "Hacker"}]'), (NULL)) v (changes);
SELECT regress.attempt('SELECT bestauth.update_user(' || arguments || ')') FROM (VALUES
	($$NULL, '{}', 'profile_clinic'$$), ($$'', '{}', 'profile_clinic'$$), ($$E'sa\nm', '{}', 'profile_clinic'$$), ($$repeat('s', 10000), '{}', 'profile_clinic'$$),
	($$'sam', '{}'$$), ($$'sam', '{}', ''$$), ($$'sam', '{}', 'no_such'$$), ($$NULL, NULL, NULL, NULL, NULL$$)) v (arguments);
-- A person has names and an address; a key a name, and an address or none.
SELECT username, changes, pg_temp.edit(username, changes) FROM (VALUES
	('sam', '{"first_name": null, "title": "Hacker"}'), ('sam', '{"last_name": "  "}'), ('sam', '{"email": null}'), ('sam', '{"email": ""}'),
	('key', '{"first_name": null}'), ('key', '{"first_name": null, "last_name": "Key"}'), ('key', '{"email": null}'), ('key', '{"roles": ["Small"]}')) v (username, changes);
SELECT pg_temp.details('key');
SELECT count(*) AS edited FROM bestauth.audit_log WHERE audit_id > :mark AND company_code = 'profile_clinic' AND action = 'user.updated' AND object_id = 'sam';
SELECT u.xmin = :'sam_version' AS untouched, pg_temp.details('sam') = :'sam_details' AS the_same, u.username FROM bestauth.user_account u JOIN bestauth.company USING (company_id) WHERE code = 'profile_clinic' AND username = 'sam';
-- A deleted user is not edited.
SELECT bestauth.create_user('gone', 'restricted', 'Gone', 'Test', 'gone@profile.example', company => 'profile_clinic') IS NOT NULL AS made;
SELECT bestauth.delete_user('gone', 'profile_clinic');
SELECT pg_temp.edit('gone', '{"title": "Dr."}'), pg_temp.edit('head', 'gone', '{"title": "Dr."}');

-- Roles: those named are all that the user has then, whatever their case; each change is
-- in the audit.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SELECT roles, pg_temp.edit('head', 'sam', format('{"roles": %s}', roles)), pg_temp.details('sam')
FROM (VALUES ('["Small"]'), ('["OTHER", "small", "Small", "other"]'), ('["Other"]'), ('[]'), ('["Small"]')) v (roles);
SELECT action, username, object_id AS role FROM bestauth.audit_log WHERE audit_id > :mark AND company_code = 'profile_clinic' AND action LIKE 'role.%' ORDER BY audit_id;

-- [G-08] Nobody gives by an edit what they do not hold: to others, or to themselves; with
-- it the rest of the edit is refused.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SELECT pg_temp.edit('head', 'sam', '{"title": "Prof.", "roles": ["Small", "Big"]}'), pg_temp.edit('head', 'head', '{"roles": ["Big"]}'),
	pg_temp.edit('head', 'sam', '{"roles": ["nothing"]}');
-- Whoever has the mailbox can have the password: not the address of one who holds more.
SELECT pg_temp.edit('head', 'more', '{"title": "Dr.", "email": "head2@profile.example"}');
-- A company administrator is edited by their own kind alone.
SELECT pg_temp.edit('head', 'ada', '{"email": "head2@profile.example"}'), pg_temp.edit('head', 'ada', '{"title": "Dr."}'), pg_temp.edit('head', 'ada', '{"roles": []}');
SELECT * FROM pg_temp.refused(:mark);
SELECT pg_temp.details(username) FROM unnest('{sam,head,more,ada}'::text[]) username;
-- Everything else of one who holds more may be edited, and an administrator may all of it.
SELECT pg_temp.edit('head', 'more', '{"title": "Dr."}'), pg_temp.edit('head', 'head', '{"email": "head2@profile.example", "roles": ["Small"]}'),
	pg_temp.edit('adam', 'sam', '{"roles": ["Big"]}'), pg_temp.edit('adam', 'more', '{"email": "more2@profile.example"}'), pg_temp.edit('adam', 'ada', '{"email": "ada2@profile.example", "title": "Dr."}');
SELECT pg_temp.details(username) FROM unnest('{sam,head,more,ada}'::text[]) username;
-- Taking away is less: it takes manage_users alone.
SELECT pg_temp.edit('head', 'sam', '{"roles": []}'), pg_temp.details('sam');

-- [G-12] Who says which revision was read overwrites nothing that came after it. What
-- changed may be the row, or a role, or a permission, and by whatever function.
CREATE FUNCTION pg_temp.edit_after(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	read integer := (SELECT revision FROM bestauth.user_details('sam', 'profile_clinic'));
BEGIN
	EXECUTE statement;
	RETURN regress.attempt(format('SELECT bestauth.update_user(''sam'', ''{"title": "stale"}'', ''profile_clinic'', expected_revision => %s)', read));
END
$$;
SELECT statement, pg_temp.edit_after(statement), pg_temp.title() FROM (VALUES
	($$SELECT bestauth.update_user('sam', '{"title": "Ms."}', 'profile_clinic')$$),
	($$SELECT bestauth.assign_role('sam', 'Small', 'profile_clinic')$$),
	($$SELECT bestauth.unassign_role('sam', 'Small', 'profile_clinic')$$),
	($$SELECT bestauth.update_user('sam', '{"roles": ["Big"]}', 'profile_clinic')$$),
	($$SELECT bestauth.grant_permission('sam', 'claims', 'profile_clinic')$$),
	($$SELECT bestauth.revoke_permission('sam', 'claims', 'profile_clinic')$$),
	($$SELECT bestauth.lock_user('sam', 'profile_clinic')$$),
	($$SELECT bestauth.unlock_user('sam', 'profile_clinic')$$),
	($$UPDATE bestauth.user_account SET phone = '1' WHERE user_id = (SELECT user_id FROM bestauth.user_details('sam', 'profile_clinic'))$$)) v (statement);
-- What is of somebody else, or changes nothing, is no reason.
SELECT statement, pg_temp.edit_after(statement), pg_temp.title() FROM (VALUES
	($$SELECT bestauth.update_user('more', '{"title": "Ms."}', 'profile_clinic')$$),
	($$SELECT bestauth.assign_role('sam', 'Big', 'profile_clinic')$$),
	($$SELECT * FROM bestauth.user_details('sam', 'profile_clinic')$$)) v (statement);
SELECT revision AS read FROM bestauth.user_details('sam', 'profile_clinic') \gset
SELECT pg_temp.as_user('head', format($$SELECT bestauth.update_user('sam', '{"title": "fresh"}', expected_revision => %s)$$, :read)),
	pg_temp.as_user('head', format($$SELECT bestauth.update_user('sam', '{"title": "again"}', expected_revision => %s)$$, :read)),
	pg_temp.title();

-- [G-11] A new address counts once the link sent to it was followed; the old one is told
-- at once.
CREATE TEMP TABLE mail (n serial, kind text, recipient text, subject text, body text, token text);
CREATE FUNCTION pg_temp.claim() RETURNS TABLE (kind text, recipient text, subject text, has_token boolean) LANGUAGE sql AS $$
	INSERT INTO mail (kind, recipient, subject, body, token) SELECT kind, recipient, subject, body, token FROM bestauth.claim_mail(1000)
	WHERE recipient LIKE 'eva%@profile.example' ORDER BY kind, recipient
	RETURNING kind, recipient, subject, token IS NOT NULL
$$;
CREATE FUNCTION pg_temp.link(kind text, recipient text) RETURNS text LANGUAGE sql AS $$
	SELECT token FROM mail m WHERE m.kind = $1 AND m.recipient = $2 ORDER BY n DESC LIMIT 1
$$;
CREATE FUNCTION pg_temp.addresses() RETURNS TABLE (email text, pending_email text) LANGUAGE sql AS $$
	SELECT email, pending_email FROM bestauth.user_details('eva', 'profile_clinic')
$$;
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SELECT pg_temp.edit('head', 'eva', '{"email": "eva2@profile.example"}');
SELECT * FROM pg_temp.addresses();
SELECT * FROM pg_temp.claim();
SELECT count(*) AS both FROM mail WHERE kind = 'notice' AND strpos(body, 'eva2') > 0;
-- The pending one gets no link for the password, nor is it good for anything else.
SELECT bestauth.request_password_reset('profile_clinic', 'eva');
SELECT * FROM pg_temp.claim();
SELECT outcome FROM bestauth.peek_password_link(pg_temp.link('email_change', 'eva2@profile.example'));
SELECT bestauth.set_password(pg_temp.link('email_change', 'eva2@profile.example'), 'nine brown boats of eva'),
	bestauth.confirm_email_change(pg_temp.link('password_reset', 'eva@profile.example'));
-- Another new address: the link to the one before is none any more.
SELECT pg_temp.edit('eva', '{"email": "eva3@profile.example"}');
SELECT bestauth.confirm_email_change(pg_temp.link('email_change', 'eva2@profile.example'));
SELECT * FROM pg_temp.addresses();
SELECT * FROM pg_temp.claim();
-- Whoever has the link needs no session. With it the links that went to the old
-- address die; it works once.
SELECT outcome FROM bestauth.peek_password_link(pg_temp.link('password_reset', 'eva@profile.example'));
SELECT pg_temp.link('email_change', 'eva3@profile.example') AS link \gset
BEGIN;
SELECT bestauth.confirm_email_change(:'link');
ROLLBACK;
SET ROLE regress_profile_app;
SELECT bestauth.confirm_email_change(:'link');
SELECT bestauth.confirm_email_change(:'link');
RESET ROLE;
SELECT * FROM pg_temp.addresses();
SELECT outcome FROM bestauth.peek_password_link(pg_temp.link('password_reset', 'eva@profile.example'));
SELECT bestauth.set_password(pg_temp.link('password_reset', 'eva@profile.example'), 'nine brown boats of eva');
SELECT action, outcome, object_id, detail FROM bestauth.audit_log
WHERE audit_id > :mark AND company_code = 'profile_clinic' AND action LIKE 'email.%' ORDER BY audit_id;
SELECT count(*) FROM bestauth.audit_log a, mail m WHERE a.audit_id > :mark AND strpos(a::text, m.token) > 0;
-- A message that waits for an address which is none any more is not sent: of two changes
-- at once the last one's goes out, each time.
CREATE FUNCTION pg_temp.change_twice(n int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM bestauth.update_user('eva', jsonb_build_object('email', format('eva4-%s@profile.example', n)), 'profile_clinic');
	PERFORM bestauth.update_user('eva', jsonb_build_object('email', format('eva5-%s@profile.example', n)), 'profile_clinic');
	RETURN (SELECT string_agg(replace(recipient, '-' || n || '@', '@'), ' ') FROM pg_temp.claim() WHERE kind = 'email_change');
END
$$;
SELECT pg_temp.change_twice(n) AS recipient, count(*) FROM generate_series(1, 100) n GROUP BY 1;
-- Back to the old address withdraws the new one, and sends nothing.
SELECT pg_temp.edit('eva', '{"email": "eva3@profile.example"}');
SELECT * FROM pg_temp.addresses();
SELECT * FROM pg_temp.claim();
SELECT bestauth.confirm_email_change(pg_temp.link('email_change', 'eva5-100@profile.example'));
-- Half an hour; and no longer than the password, or the account, of the time.
CREATE FUNCTION pg_temp.confirm_after(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	link text;
BEGIN
	PERFORM bestauth.update_user('eva', '{"email": "eva6@profile.example"}', 'profile_clinic');
	PERFORM pg_temp.claim();
	link := pg_temp.link('email_change', 'eva6@profile.example');
	EXECUTE format(statement, link);
	result := bestauth.confirm_email_change(link);
	RAISE EXCEPTION 'undo';
EXCEPTION WHEN raise_exception THEN
	RETURN result;
END
$$;
SELECT cause, pg_temp.confirm_after(statement) FROM (VALUES
	('nothing', 'SELECT 1'),
	('29 minutes', $$UPDATE bestauth.token SET expires_at = expires_at - interval '29 minutes' WHERE token_hash = sha256(convert_to(%L, 'UTF8'))$$),
	('30 minutes', $$UPDATE bestauth.token SET expires_at = expires_at - interval '30 minutes' WHERE token_hash = sha256(convert_to(%L, 'UTF8'))$$),
	('reset', $$SELECT bestauth.reset_password('eva', 'profile_clinic')$$),
	('deleted', $$SELECT bestauth.delete_user('eva', 'profile_clinic')$$)) v (cause, statement);
-- [M-01]
SELECT bestauth.confirm_email_change(''), bestauth.confirm_email_change(repeat('x', 100000)), bestauth.confirm_email_change('bat_' || repeat('A', 43));
SELECT regress.attempt('SELECT bestauth.confirm_email_change(NULL)');
SELECT DISTINCT outcome, company_code, detail FROM bestauth.audit_log WHERE audit_id > :mark AND action = 'email.refused' AND company_code IS NULL;
BEGIN READ ONLY;
SELECT left(regress.attempt(format('SELECT bestauth.confirm_email_change(%L)', :'link')), 5);
COMMIT;

REVOKE USAGE ON SCHEMA regress FROM regress_profile_app;
SELECT bestauth.revoke_access('regress_profile_app', 'application');
DROP ROLE regress_profile_app;
