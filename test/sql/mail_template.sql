-- What mail says: templates that the operator edits, and values that stand in them as
-- data, whatever people are called.
\set SHOW_CONTEXT never
SELECT bestauth.create_company('mail_template', 'Clinic') IS NOT NULL AS made;
SELECT bestauth.create_company('mail_template2', 'Other Clinic') IS NOT NULL AS made;
SELECT company_id FROM bestauth.company WHERE code = 'mail_template2' \gset other_
CREATE ROLE regress_mail_template_operator;
CREATE ROLE regress_mail_template_auditor;
CREATE ROLE regress_mail_template_mailer;
CREATE ROLE regress_mail_template_app;
SELECT bestauth.grant_access(('regress_mail_template_' || access)::regrole, CASE access WHEN 'app' THEN 'application' ELSE access END)
FROM unnest('{operator,auditor,mailer,app}'::text[]) access;
GRANT USAGE ON SCHEMA regress TO regress_mail_template_operator, regress_mail_template_auditor, regress_mail_template_mailer, regress_mail_template_app;
SELECT bestauth.create_user('joan', 'standard', 'Joan', 'Biller', 'joan@mail-template.example', company => 'mail_template') IS NOT NULL AS made;
SELECT bestauth.create_user('otto', 'standard', 'Otto', 'Other', 'otto@mail-template.example', company => 'mail_template2') IS NOT NULL AS made;
-- What the mailer gets for somebody, again and again; its token is masked.
CREATE FUNCTION pg_temp.mail(who text, OUT subject text, OUT body text) RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
	UPDATE bestauth.outbox SET due_at = clock_timestamp(), attempts = 0, claimed_at = NULL WHERE recipient LIKE '%@mail-template.example';
	RETURN QUERY SELECT m.subject, replace(m.body, coalesce(m.token, ''), '(token)') FROM bestauth.claim_mail(1000) m
	WHERE m.recipient = who || '@mail-template.example' ORDER BY m.subject;
END
$$;
-- Tries a change of a default row, and puts it back.
CREATE FUNCTION pg_temp.edit(kind text, subject text, body text, format text DEFAULT 'plain') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	UPDATE bestauth.mail_template t SET subject = edit.subject, body = edit.body, format = edit.format
	WHERE t.kind = edit.kind AND t.topic IS NOT DISTINCT FROM CASE edit.kind WHEN 'notice' THEN 'account_locked' END AND t.company_id IS NULL;
	RAISE EXCEPTION USING MESSAGE = CASE WHEN FOUND THEN 'accepted' ELSE 'no row' END, ERRCODE = 'ZZ000';
EXCEPTION
	WHEN SQLSTATE 'ZZ000' THEN RETURN SQLERRM;
	WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;

-- open_instance() has put down a default for every kind of mail.
SELECT kind, topic, format, body LIKE '%{{link}}%' AS link FROM bestauth.mail_template WHERE company_id IS NULL ORDER BY kind, topic;

--
-- Who may read and edit them.
--
SET ROLE regress_mail_template_operator;
SELECT count(*) > 10 AS all_of_them FROM bestauth.mail_template;
SET ROLE regress_mail_template_auditor;
SELECT count(*) > 10 AS all_of_them FROM bestauth.mail_template;
SELECT regress.attempt(statement) FROM unnest(ARRAY['UPDATE bestauth.mail_template SET subject = ''x''', 'DELETE FROM bestauth.mail_template',
	'INSERT INTO bestauth.mail_template (kind, subject, body) VALUES (''password_setup'', ''x'', ''{{link}}'')']) statement;
SET ROLE regress_mail_template_mailer;
SELECT regress.attempt(statement) FROM unnest('{TABLE bestauth.mail_template,UPDATE bestauth.mail_template SET subject = ''x''}'::text[]) statement;
SET ROLE regress_mail_template_app;
SELECT regress.attempt(statement) FROM unnest('{TABLE bestauth.mail_template,UPDATE bestauth.mail_template SET subject = ''x''}'::text[]) statement;
RESET ROLE;

--
-- Rules, which the operator can't get around.
--
SET ROLE regress_mail_template_operator;
-- There is such a kind, and such a topic.
SELECT kind, topic, regress.attempt(format('INSERT INTO bestauth.mail_template (kind, topic, company_id, subject, body) VALUES (%L, %L, %L, ''x'', ''{{link}}'')', kind, topic, :'other_company_id'))
FROM (VALUES ('birthday', NULL), ('', NULL), ('notice', NULL), ('notice', 'birthday'), ('notice', ''), ('password_setup', 'account_locked'), ('password_setup', ''), ('Password_Setup', NULL), (NULL, NULL)) v (kind, topic);
-- A placeholder is one of the kind's, which are told.
UPDATE bestauth.mail_template SET body = 'Dear {{password}}, {{link}}' WHERE kind = 'password_setup' AND company_id IS NULL;
UPDATE bestauth.mail_template SET body = '{{username}}: {{link}}' WHERE kind = 'email_verification' AND company_id IS NULL;
SELECT replace(body, E'\u202e', '<202e>') AS body, pg_temp.edit('password_setup', 'Hello', body) FROM (VALUES ('{{link}} {{first_name}} {{last_name}} {{username}} {{company}} {{portal}} {{valid_for}}'), ('{{link}} {{First_Name}}'), ('{{link}} {{ first_name }}'),
	('{{link}} {{name}}'), ('{{link}} {{}}'), ('{{link}} {{ }}'), ('{{link}} {{first_name last_name}}'), ('{{link}} {{{first_name}}}'), (E'{{link}} {{x\u202ey}}'), ('{{link}} {{' || repeat('x', 100) || '}}')) v (body);
SELECT pg_temp.edit('password_setup', 'Hello {{token}}', '{{link}}'), pg_temp.edit('notice', 'Hello', 'Within {{valid_for}}');
-- It is closed.
UPDATE bestauth.mail_template SET body = '{{link}} {{first_name' WHERE kind = 'password_setup' AND company_id IS NULL;
SELECT body, pg_temp.edit('password_setup', 'Hello', body) FROM unnest('{"{{link}} {{","{{link}} {{first_name}","{{first_name {{link}}","{{link}} }} { } } {","{{link"}'::text[]) body;
SELECT pg_temp.edit('password_setup', 'Hello {{first_name', '{{link}}');
-- The link is in every body that has one, and in no subject.
UPDATE bestauth.mail_template SET body = 'Good luck.' WHERE kind = 'password_setup' AND company_id IS NULL;
SELECT kind, pg_temp.edit(kind, 'Hello', 'Good luck.') AS without, pg_temp.edit(kind, 'Hello', 'Here: {{link}}') AS body, pg_temp.edit(kind, '{{link}}', '{{link}}') AS subject
FROM bestauth.mail_template WHERE company_id IS NULL AND (topic IS NULL OR topic = 'account_locked') ORDER BY kind;
-- Lengths, in characters.
SELECT pg_temp.edit('notice', 'Hello', repeat('é', 20000)) AS longest_body, pg_temp.edit('notice', 'Hello', repeat('é', 20001)) AS longer,
	pg_temp.edit('notice', repeat('é', 200), 'x') AS longest_subject, pg_temp.edit('notice', repeat('é', 201), 'x') AS longer;
SELECT pg_temp.edit('notice', '', 'x'), pg_temp.edit('notice', 'x', ''), pg_temp.edit('notice', NULL, 'x'), pg_temp.edit('notice', 'x', NULL);
-- [I-09] A subject is a header: one line, without anything that acts. A body has lines.
SELECT name, pg_temp.edit('notice', 'Hello' || sign || 'Bcc: eve@evil.example', 'x') AS subject, pg_temp.edit('notice', 'Hello', 'x' || sign || 'y') AS body
FROM (VALUES ('newline', E'\n'), ('return', E'\r'), ('tab', E'\t'), ('escape', E'\x1b'), ('delete', E'\x7f'), ('next line', E'\u0085'), ('line separator', E'\u2028'), ('paragraph separator', E'\u2029'),
	('override', E'\u202e'), ('isolate', E'\u2067'), ('zero width', E'\u200b'), ('mark', E'\ufeff'), ('nothing', '')) v (name, sign);
SELECT pg_temp.edit('notice', ' Hello', 'x'), pg_temp.edit('notice', 'Hello ', 'x');
-- [I-09] Among the attributes of a tag nothing stands but the link, in quotes.
SELECT body, pg_temp.edit('password_setup', 'Hello', body, 'html') FROM (VALUES ('<p>{{first_name}}</p><a href="{{link}}">{{company}}</a>'), ('<a href=''{{link}}''>x</a>'), ('<a href={{link}}>x</a>'),
	('<a title=">" class={{first_name}} href="{{link}}">x</a>'), ('<a href="https://evil.example/"{{link}}>x</a>'), ('<a title="a > b" href="{{link}}">{{company}}</a>'),
	('{{link}}<b title={{first_name}}>x</b>'), ('{{link}}<b title="{{first_name}}">x</b>'), ('{{link}}<{{first_name}}>'), ('{{link}}')) v (body);
SELECT pg_temp.edit('notice', 'Hello', 'x', 'rtf'), pg_temp.edit('notice', 'Hello', 'x', NULL);
-- What it is for stays; one of each.
SELECT regress.attempt(format('UPDATE bestauth.mail_template SET %s WHERE kind = ''password_setup'' AND company_id IS NULL', change))
FROM (VALUES ('kind = ''password_reset'''), ('kind = ''notice'', topic = ''account_locked'''), (format('company_id = %L', :'other_company_id')), ('template_id = bestauth.uuidv7()')) v (change);
SELECT regress.attempt($$UPDATE bestauth.mail_template SET topic = 'access_changed' WHERE topic = 'account_locked' AND company_id IS NULL$$);
SELECT regress.attempt($$INSERT INTO bestauth.mail_template (kind, subject, body) VALUES ('password_setup', 'x', '{{link}}')$$);
SELECT regress.attempt($$INSERT INTO bestauth.mail_template (kind, company_id, subject, body) VALUES ('password_setup', '00000000-0000-0000-0000-000000000000', 'x', '{{link}}')$$);
-- [I-09] A default stays, by whatever statement.
SELECT regress.attempt($$DELETE FROM bestauth.mail_template WHERE kind = 'password_setup'$$), regress.attempt('TRUNCATE bestauth.mail_template');
RESET ROLE;
SELECT regress.attempt($$DELETE FROM bestauth.mail_template WHERE kind = 'password_setup'$$), regress.attempt('TRUNCATE bestauth.mail_template');
SELECT count(*) FROM bestauth.mail_template WHERE kind = 'password_setup';

--
-- An edited template is what the mailer gets; a company's own comes before it.
--
SELECT * FROM pg_temp.mail('joan');
SELECT subject AS old_subject, body AS old_body FROM bestauth.mail_template WHERE kind = 'password_setup' AND company_id IS NULL \gset
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SET ROLE regress_mail_template_operator;
UPDATE bestauth.mail_template SET subject = 'Welcome to {{company}}, {{first_name}}', body = E'Dear {{first_name}} {{last_name}} ({{username}}),\n\n{{link}}\n\n{{valid_for}}, {{first_name}}{{last_name}}.\n'
WHERE kind = 'password_setup' AND company_id IS NULL;
INSERT INTO bestauth.mail_template (kind, company_id, subject, body) VALUES ('password_setup', :'other_company_id', 'Of {{company}} alone', 'Here: {{link}}');
RESET ROLE;
SELECT * FROM pg_temp.mail('joan');
SELECT * FROM pg_temp.mail('otto');
SELECT action, company_code, object_type, new_values->>'subject' AS subject FROM bestauth.audit_log WHERE object_type = 'bestauth.mail_template' AND audit_id > :mark ORDER BY audit_id;
-- Where it is withdrawn the default counts again.
SET ROLE regress_mail_template_operator;
DELETE FROM bestauth.mail_template WHERE company_id = :'other_company_id';
RESET ROLE;
SELECT subject FROM pg_temp.mail('otto');
-- Of a notice, each topic has its own.
INSERT INTO bestauth.outbox (kind, topic, recipient, user_id, company_id) SELECT 'notice', topic, 'notice@mail-template.example', user_id, company_id
FROM bestauth.user_account, unnest('{account_locked,password_changed}'::text[]) topic WHERE email = 'joan@mail-template.example';
INSERT INTO bestauth.mail_template (kind, topic, company_id, subject, body) SELECT 'notice', 'account_locked', company_id, 'Locked, {{first_name}}', 'Your account {{username}} is locked.' FROM bestauth.company WHERE code = 'mail_template';
SELECT * FROM pg_temp.mail('notice');
-- One that is gone in spite of all is no reason for mail to stop.
BEGIN;
ALTER TABLE bestauth.mail_template DISABLE TRIGGER rule;
DELETE FROM bestauth.mail_template WHERE kind = 'password_setup';
SELECT subject = replace(:'old_subject', '{{company}}', 'Clinic') AS as_at_first, body LIKE 'Hello Joan Biller,%' AS body FROM pg_temp.mail('joan');
ROLLBACK;
-- And one that names what it may not gets nothing for it.
BEGIN;
ALTER TABLE bestauth.mail_template DISABLE TRIGGER rule;
UPDATE bestauth.mail_template SET subject = '[{{token}}] {{link', body = '[{{token}}] {{first_name}} {{first_name' WHERE kind = 'password_setup';
SELECT * FROM pg_temp.mail('joan');
ROLLBACK;

-- How long the link lasts, in words.
CREATE FUNCTION pg_temp.valid_for(lifetime text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('bestauth.setup_link_lifetime', lifetime, false);
	RETURN (SELECT substring(body FROM '(\d+ \w+), Joan') FROM pg_temp.mail('joan'));
END
$$;
SELECT lifetime, pg_temp.valid_for(lifetime) FROM unnest('{1s,59s,1min,90s,30min,1h,90min,24h,25h,36h,2d,7d}'::text[]) lifetime;
RESET bestauth.setup_link_lifetime;

--
-- [I-09] Values are data, whatever is in them.
--
SET ROLE regress_mail_template_operator;
UPDATE bestauth.mail_template SET subject = '{{first_name}} {{last_name}}: {{company}}', body = E'[{{first_name}}] [{{last_name}}] [{{company}}] [{{username}}]\n{{link}}'
WHERE kind = 'password_setup' AND company_id IS NULL;
INSERT INTO bestauth.mail_template (kind, company_id, format, subject, body) VALUES ('password_setup', :'other_company_id', 'html', '{{first_name}} {{last_name}}: {{company}}',
	'[{{first_name}}] [{{last_name}}] [{{company}}] [{{username}}] <a href="{{link}}">');
RESET ROLE;
CREATE FUNCTION pg_temp.named(first text, last text, name text DEFAULT 'Clinic', OUT subject text, OUT body text) RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
	UPDATE bestauth.company SET name = named.name WHERE code IN ('mail_template', 'mail_template2');
	UPDATE bestauth.user_account SET first_name = named.first, last_name = named.last WHERE email IN ('joan@mail-template.example', 'otto@mail-template.example');
	RETURN QUERY SELECT m.subject, split_part(m.body, E'\n', 1) FROM pg_temp.mail('joan') m;
	RETURN QUERY SELECT m.subject, m.body FROM pg_temp.mail('otto') m;
END
$$;
\pset format unaligned
\pset tuples_only on
\pset fieldsep '\n'
-- Placeholders in names, one pass.
SELECT * FROM pg_temp.named('{{last_name}}', '{{link}}', '{{first_name}} {{');
SELECT * FROM pg_temp.named('{{', 'link}}', '}} {{username}}');
-- HTML: escaped in a body of HTML, as it is elsewhere.
SELECT * FROM pg_temp.named('<script>alert(1)</script>', '"><img src=x onerror=''x''>', 'Smith & Sons &amp; <b>Co</b>');
-- Addresses of any kind: nothing that a mail program makes a link of.
SELECT * FROM pg_temp.named('https://evil.example/x?a=b', 'www.evil.example', 'evil.example.');
SELECT * FROM pg_temp.named('eve@evil.example', 'mailto:eve@evil.example', E'\\\\evil.example\\share');
SELECT * FROM pg_temp.named(E'evil\u3002example', E'evil\uff0eexample', E'evil.\u200dexample');
SELECT * FROM pg_temp.named('javascript:alert(1)', 'evil.', 'example');
-- Dots of initials and the like stay, at an end or before a space.
SELECT * FROM pg_temp.named('J. R.', 'St.John Jr.', 'Dr. O''Hara & Co.');
SELECT * FROM pg_temp.named('Zoë', 'Łukasiewicz-Ñandú', '東京クリニック');
-- Two values side by side make no address either.
BEGIN;
UPDATE bestauth.mail_template SET body = '{{first_name}}{{last_name}} {{first_name}}example {{first_name}}, {{link}}' WHERE kind = 'password_setup' AND company_id IS NULL;
SELECT * FROM pg_temp.named('evil.', 'example') LIMIT 1;
ROLLBACK;
-- What names can't hold is nothing in mail either, should it get into them.
SELECT regress.attempt(format('SELECT pg_temp.named(%L, %L)', E'Eve\nBcc: x', 'x')), regress.attempt(format('SELECT pg_temp.named(%L, %L, %L)', 'x', 'x', E'Eve\u202e'));
BEGIN;
ALTER TABLE bestauth.user_account DISABLE TRIGGER rule;
ALTER TABLE bestauth.company DISABLE TRIGGER rule;
SELECT * FROM pg_temp.named(E'Eve\nBcc: eve@evil.example\r\n\r\nA body', E'a\u0085b\u2028c\u2029d\u202ee\u2066f\u200bg\ufeffh\x1b[2Ji\x7f', E'\tClinic\u200f\t');
-- Of any length, they are cut; so is the subject.
SELECT length(subject) AS subject, length(body) AS body FROM pg_temp.named(repeat('é', 1000), repeat('x', 1000), repeat('y', 1000));
SELECT right(subject, 3) AS subject FROM pg_temp.named(repeat('é', 198), 'xyz');
ROLLBACK;
-- The link is ours, and stands as it is, but for what HTML takes.
SET bestauth.base_url = 'https://bill.example/a&b';
SELECT substring(body FROM E'https.*') FROM pg_temp.mail('joan') UNION ALL SELECT substring(body FROM E'https.*') FROM pg_temp.mail('otto');
RESET bestauth.base_url;
-- A user name is an address, where it is one.
BEGIN;
ALTER TABLE bestauth.user_account DISABLE TRIGGER rule;
UPDATE bestauth.user_account SET username = 'joan@mail-template.example' WHERE username = 'joan' AND email = 'joan@mail-template.example';
SELECT substring(body FROM '\[joan.*?\]') FROM pg_temp.mail('joan');
ROLLBACK;

-- Without a name no gap is left.
UPDATE bestauth.mail_template SET subject = '{{first_name}} {{last_name}}, hello {{first_name}} {{last_name}}  of {{portal}}', body = E'Hello {{first_name}} {{last_name}},\n{{first_name}} hello\n  {{last_name}}\nto {{first_name}} and (me {{last_name}}) at{{portal}}last -{{first_name}} {{last_name}}-\ntwo  spaces {{link}} {{portal}}'
WHERE kind = 'password_setup' AND company_id IS NULL;
UPDATE bestauth.mail_template SET subject = (SELECT subject FROM bestauth.mail_template WHERE kind = 'password_setup' AND company_id IS NULL), body = '<p>Hello {{first_name}} {{last_name}},</p>{{link}}' WHERE company_id = :'other_company_id';
CREATE FUNCTION pg_temp.shown(first text, last text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_temp.named(first, last);
	RETURN QUERY SELECT '<' || m.subject || E'>\n<' || m.body || '>' FROM pg_temp.mail('joan') m;
	RETURN QUERY SELECT '<' || m.body || '>' FROM pg_temp.mail('otto') m;
END
$$;
SELECT pg_temp.shown('Joan', 'Biller');
BEGIN;
ALTER TABLE bestauth.user_account DISABLE TRIGGER rule;
SELECT pg_temp.shown('Joan', NULL);
SELECT pg_temp.shown(NULL, 'Biller');
SELECT pg_temp.shown(NULL, NULL);
ROLLBACK;
-- One that is nothing but signs is as if it were not there.
SELECT pg_temp.shown('://', '@');
\pset fieldsep '|'
\pset tuples_only off
\pset format aligned

--
-- [I-10] Where links lead is a superuser's setting, whatever an application does.
--
SELECT bestauth.create_user('app', 'standard', 'Ann', 'App', 'app@mail-template.example', 'a long password of ann', company => 'mail_template') IS NOT NULL AS made;
SELECT session_token FROM bestauth.login('mail_template', 'app', 'a long password of ann') \gset app_
UPDATE bestauth.mail_template SET subject = 'Links', body = '{{link}}' WHERE kind = 'password_setup' AND company_id IS NULL;
SET ROLE regress_mail_template_app;
BEGIN;
SELECT count(*) FROM bestauth.use_session(:'app_session_token');
SELECT regress.attempt(statement) FROM unnest(ARRAY['SET bestauth.base_url = ''https://evil.example''', 'SET LOCAL bestauth.base_url = ''https://evil.example''', 'SELECT set_config(''bestauth.base_url'', ''https://evil.example'', true)',
	'ALTER ROLE regress_mail_template_app SET bestauth.base_url = ''https://evil.example''', 'UPDATE pg_settings SET setting = ''https://evil.example'' WHERE name = ''bestauth.base_url''']) statement;
COMMIT;
SELECT regress.attempt('SET bestauth.base_url = ''https://evil.example''');
RESET ROLE;
SELECT body FROM pg_temp.mail('joan');
SET bestauth.base_url = 'https://bill.example/app';
SELECT body FROM pg_temp.mail('joan');
RESET bestauth.base_url;

-- As it was at first.
DELETE FROM bestauth.mail_template WHERE company_id IN (SELECT company_id FROM bestauth.company WHERE code LIKE 'mail\_template%');
UPDATE bestauth.mail_template SET subject = :'old_subject', body = :'old_body' WHERE kind = 'password_setup' AND company_id IS NULL;
REVOKE USAGE ON SCHEMA regress FROM regress_mail_template_operator, regress_mail_template_auditor, regress_mail_template_mailer, regress_mail_template_app;
SELECT bestauth.revoke_access(('regress_mail_template_' || access)::regrole, CASE access WHEN 'app' THEN 'application' ELSE access END)
FROM unnest('{operator,auditor,mailer,app}'::text[]) access;
DROP ROLE regress_mail_template_operator, regress_mail_template_auditor, regress_mail_template_mailer, regress_mail_template_app;
