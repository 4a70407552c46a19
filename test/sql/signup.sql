-- Portal accounts that clients ask for on a portal's own page: what comes of it shows in the
-- mailbox alone.
\set SHOW_CONTEXT never
SELECT count(bestauth.create_company(code, name)) FROM (VALUES ('signup_clinic', 'Shore Clinic'), ('signup_two', 'Two Clinic'), ('signup_none', 'No Portal')) v (code, name);
SELECT count(bestauth.create_portal(company, code, kind, name, url)) FROM (VALUES ('signup_clinic', 'Main', 'client', 'Shore Portal', 'https://shore.signup.example'), ('signup_clinic', 'docs', 'provider', 'Portal for Doctors', NULL),
	('signup_two', 'A', 'client', 'A Portal', NULL), ('signup_two', 'B', 'client', 'B Portal', NULL)) v (company, code, kind, name, url);
CREATE ROLE regress_signup_app;
SELECT bestauth.grant_access('regress_signup_app', 'application');
GRANT USAGE ON SCHEMA regress TO regress_signup_app;
CREATE TEMP TABLE mail (n serial, kind text, recipient text, subject text, body text, token text);
GRANT SELECT ON mail TO regress_signup_app;
-- What a call returns, or its error, with the reasons of a refused password.
CREATE FUNCTION pg_temp.answer(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	rule text;
	reasons text;
BEGIN
	EXECUTE format('SELECT r::text FROM bestauth.%s r', call) INTO result;
	RETURN result;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME, reasons = PG_EXCEPTION_DETAIL;
	RETURN SQLSTATE || coalesce(' [' || nullif(rule, '') || ']', '') || ' ' || SQLERRM || CASE SQLSTATE WHEN 'UA001' THEN ' ' || reasons ELSE '' END;
END
$$;
CREATE FUNCTION pg_temp.sign_up(name text, password text DEFAULT 'seven green boats at sea') RETURNS text LANGUAGE sql AS $$
	SELECT outcome FROM bestauth.register_portal_account('signup_clinic', NULL, $1 || '@signup.example', $2, 'First ' || $1, 'Last')
$$;
CREATE FUNCTION pg_temp.log_in(name text, password text) RETURNS text LANGUAGE sql AS $$
	SELECT outcome FROM bestauth.login('signup_clinic', $1 || '@signup.example', $2, 'main')
$$;
CREATE FUNCTION pg_temp.claim() RETURNS TABLE (kind text, recipient text, subject text, has_token boolean) LANGUAGE sql AS $$
	INSERT INTO mail (kind, recipient, subject, body, token) SELECT kind, recipient, subject, body, token FROM bestauth.claim_mail(1000)
	WHERE recipient ILIKE '%@signup.example' ORDER BY recipient COLLATE "C", kind, subject COLLATE "C" RETURNING kind, recipient, subject, token IS NOT NULL
$$;
CREATE FUNCTION pg_temp.link(name text) RETURNS text LANGUAGE sql AS $$
	SELECT token FROM mail WHERE recipient = $1 || '@signup.example' AND token IS NOT NULL ORDER BY n DESC LIMIT 1
$$;
CREATE VIEW pg_temp.made AS SELECT c.code AS company, p.code AS portal, u.username, u.user_type, u.first_name, u.last_name, u.verified_at IS NOT NULL AS verified, k.contact_type, k.email
FROM bestauth.user_account u JOIN bestauth.portal p USING (portal_id) JOIN bestauth.company c ON c.company_id = u.company_id JOIN bestauth.contact k USING (contact_id) WHERE c.code LIKE 'signup\_%';
SET bestauth.lockout_threshold = 100;
SET bestauth.mail_hourly_limit = 1000;

-- [PRT-7] The client fills in the form; the address gets a link, good for 30 minutes. Until
-- it is opened there is no account, no contact, and nobody can log in.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SET ROLE regress_signup_app;
SELECT bestauth.register_portal_account('signup_clinic', 'MAIN', 'Nina@signup.example', 'seven green boats at sea', '  Nina ', 'Nolan');
SELECT pg_temp.log_in('nina', 'seven green boats at sea');
RESET ROLE;
TABLE pg_temp.made;
SELECT count(*) AS contacts FROM bestauth.contact k JOIN bestauth.company c USING (company_id) WHERE code = 'signup_clinic';
SELECT signup.email, first_name, last_name, password_hash ~ '^\$2a\$10\$[./A-Za-z0-9]{53}$' AS hash, used_at IS NULL AS pending, signup.expires_at - signup.created_at BETWEEN '23:59:59' AND '24:00:01' AS a_day FROM bestauth.signup JOIN bestauth.portal p USING (portal_id) WHERE p.name = 'Shore Portal';
SELECT * FROM pg_temp.claim();
SELECT replace(body, token, '(token)') AS body FROM mail WHERE recipient = 'Nina@signup.example';
SELECT expires_at - created_at BETWEEN '00:29:59' AND '00:30:01' AS half_an_hour FROM bestauth.token WHERE token_hash = sha256(convert_to(pg_temp.link('Nina'), 'UTF8'));
-- [E-09] [E-13] The link is no good for anything else, and looking uses nothing up.
SET ROLE regress_signup_app;
SELECT bestauth.set_password(pg_temp.link('Nina'), 'seven green boats at sea'), (SELECT outcome FROM bestauth.peek_password_link(pg_temp.link('Nina'))), bestauth.confirm_email_change(pg_temp.link('Nina')), (SELECT outcome FROM bestauth.login_second_part(pg_temp.link('Nina'), 'x', 'x')),
	regress.attempt(format('SELECT bestauth.use_session(%L)', pg_temp.link('Nina')));
BEGIN READ ONLY;
SELECT outcome, count(*) FROM generate_series(1, 5), bestauth.peek_verification(pg_temp.link('Nina')) GROUP BY 1;
SELECT left(pg_temp.answer($$register_portal_account('signup_clinic', NULL, 'ro@signup.example', 'seven green boats at sea', 'R', 'O')$$), 5), left(pg_temp.answer($$resend_verification('signup_clinic', NULL, 'ro@signup.example')$$), 5);
COMMIT;
BEGIN;
SELECT bestauth.verify_email(pg_temp.link('Nina'));
ROLLBACK;
SELECT pg_temp.log_in('nina', 'seven green boats at sea'), bestauth.peek_verification(pg_temp.link('Nina'));
-- Opened, it makes the account, active, with a contact of type client. [E-11] It is no login.
SELECT bestauth.verify_email(pg_temp.link('Nina')), bestauth.current_session_id() IS NULL AS no_session;
RESET ROLE;
TABLE pg_temp.made;
SELECT count(*) AS sessions FROM bestauth.session s JOIN bestauth.company c USING (company_id) WHERE code = 'signup_clinic';
SELECT password_hash IS NULL AS hash_gone, used_at IS NOT NULL AS used FROM bestauth.signup WHERE email = 'Nina@signup.example';
SELECT bestauth.verify_email(pg_temp.link('Nina')), pg_temp.log_in('nina', 'seven green boats at sea');
SELECT action, outcome, username, object_type, CASE object_type WHEN 'contact' THEN '(id)' ELSE object_id END AS object_id, detail FROM bestauth.audit_log WHERE audit_id > :mark AND company_code = 'signup_clinic' AND action !~ '^(row|login)' ORDER BY audit_id;
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.login('signup_clinic', 'nina@signup.example', 'seven green boats at sea', 'Main') l, LATERAL bestauth.use_session(l.session_token);
SELECT bestauth.has_permission('fill_applications') AS fills, bestauth.has_permission('sign_documents') AS signs, bestauth.has_permission('claims') AS claims;
COMMIT;

-- [PRT-7] [E-10] Whatever there is of the address, the answer is the same, the rows too, and
-- what the caller's transaction can see of itself: which tables were read and locked, how often.
SELECT count(bestauth.create_portal_account(bestauth.create_contact('client', initcap(who), 'Known', who || '@signup.example', 'signup_clinic'), who || '@signup.example', NULL, 'signup_clinic')) FROM unnest('{invited,waiting,active,locked,shut,deleted}'::text[]) who;
SELECT kind, recipient FROM pg_temp.claim();
SELECT name, bestauth.set_password(pg_temp.link(name), 'nine brown boats at home') FROM unnest('{waiting,active,locked,shut,deleted}'::text[]) name;
SELECT kind, recipient FROM pg_temp.claim();
SELECT name, bestauth.verify_email(pg_temp.link(name)) FROM unnest('{active,locked,shut,deleted}'::text[]) name;
SELECT bestauth.lock_user('locked@signup.example', 'signup_clinic', 'Main'), bestauth.delete_user('deleted@signup.example', 'signup_clinic', 'Main');
SET bestauth.lockout_threshold = 1;
SELECT pg_temp.log_in('shut', 'wrong boats of anybody');
SET bestauth.lockout_threshold = 100;
-- Links are an hour old, so that none is held back for being one of many.
UPDATE bestauth.outbox SET created_at = created_at - interval '1 hour' WHERE recipient LIKE '%@signup.example';
SELECT count(*) AS notices FROM pg_temp.claim();
CREATE FUNCTION pg_temp.seen() RETURNS TABLE (what text, name text, amount numeric) LANGUAGE sql AS $$
	SELECT 'read', c.relname::text, pg_stat_get_xact_numscans(c.oid) + (SELECT coalesce(sum(pg_stat_get_xact_numscans(indexrelid)), 0) FROM pg_index WHERE indrelid = c.oid) FROM pg_class c WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind = 'r'
	UNION ALL SELECT 'inserted', c.relname, pg_stat_get_xact_tuples_inserted(c.oid) FROM pg_class c WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind = 'r'
	UNION ALL SELECT 'updated', c.relname, pg_stat_get_xact_tuples_updated(c.oid) FROM pg_class c WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind = 'r'
	UNION ALL SELECT 'locked ' || mode, c.relname, 1 FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE pid = pg_backend_pid() AND c.relnamespace = 'bestauth'::regnamespace AND relkind = 'r'
	UNION ALL SELECT 'advisory locks', '', count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'
	UNION ALL SELECT 'xid', '', (pg_current_xact_id_if_assigned() IS NOT NULL)::int
$$;
-- How much each went on by the call, which is undone.
CREATE FUNCTION pg_temp.trace(call text) RETURNS TABLE (answer text, what text, name text, amount numeric) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	result text;
	before jsonb;
	after jsonb;
BEGIN
	SELECT jsonb_object_agg(what || ': ' || name, amount) INTO before FROM pg_temp.seen();
	BEGIN
		result := pg_temp.answer(call);
		SELECT jsonb_object_agg(what || ': ' || name, amount) INTO after FROM pg_temp.seen();
		RAISE EXCEPTION 'undo';
	EXCEPTION WHEN raise_exception THEN
		NULL;
	END;
	RETURN QUERY SELECT result, split_part(key, ': ', 1), split_part(key, ': ', 2), value::text::numeric - coalesce((before->>key)::numeric, 0) FROM jsonb_each(after);
END
$$;
CREATE TEMP TABLE traced (call text, round int, who text, answer text, what text, name text, amount numeric);
CREATE TEMP VIEW differences AS SELECT call, round, what, name, string_agg(who || ' ' || amount, ', ' ORDER BY who) AS amounts FROM traced t WHERE round > 0 AND amount <> 0 GROUP BY 1, 2, 3, 4
	HAVING count(DISTINCT amount) > 1 OR count(*) < (SELECT count(DISTINCT who) FROM traced o WHERE o.call = t.call AND o.round = t.round);
-- A round before the first makes every kept plan; each call is a transaction of its own.
SELECT format('INSERT INTO traced SELECT %L, %s, %L, t.* FROM pg_temp.trace(%L) t', call, round, who, format(arguments, call, who)) FROM generate_series(0, 2) round, (VALUES
	(1, 'register_portal_account', '%s(''signup_clinic'', NULL, ''%s@signup.example'', ''seven green boats at sea'', ''A'', ''B'')'), (2, 'resend_verification', '%s(''signup_clinic'', ''Main'', ''%s@signup.example'')'),
	(3, 'request_password_reset', '%s(''signup_clinic'', ''%s@signup.example'', ''Main'')')) c (n, call, arguments), unnest('{unknown,nobody,invited,waiting,active,locked,shut,deleted,NINA}'::text[]) who ORDER BY round, n \gexec
SELECT call, count(DISTINCT who) AS whos, string_agg(DISTINCT answer, ' // ') AS answers, count(*) FILTER (WHERE what = 'read' AND amount > 0) > 0 AS reads FROM traced GROUP BY 1 ORDER BY 1;
SELECT * FROM pg_temp.differences ORDER BY 1, 2, 3, 4;
-- (It would show: as it does of a function that looks at who is there.)
SELECT format('INSERT INTO traced SELECT ''user_details'', 1, %L, t.* FROM pg_temp.trace(%L) t', who, format('user_details(''%s@signup.example'', ''signup_clinic'', ''Main'')', who)) FROM unnest('{unknown,active}'::text[]) who \gexec
SELECT count(*) > 0 AS differences FROM pg_temp.differences WHERE call = 'user_details';
SELECT DISTINCT call, what, name, amount FROM traced WHERE round = 2 AND amount > 0 AND (what IN ('inserted', 'xid') OR what LIKE 'locked Row%') AND name NOT LIKE 'audit%' ORDER BY 1, 2, 3;
SELECT kind, recipient FROM pg_temp.claim();
UPDATE bestauth.outbox SET created_at = created_at - interval '1 hour' WHERE recipient ILIKE '%@signup.example';

-- The same rows, whoever it is.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SELECT clock_timestamp() AS began \gset
SET ROLE regress_signup_app;
SELECT who, bestauth.register_portal_account('signup_clinic', 'main', who || '@signup.example', 'seven green boats at sea', 'http://evil.example/' || who, 'Go to evil.example now') FROM unnest('{unknown,invited,waiting,active,locked,shut,deleted,NINA}'::text[]) who;
RESET ROLE;
SELECT kind, topic, user_id IS NOT NULL AS has_user, signup_id IS NOT NULL AS has_signup, about_id IS NOT NULL AS about, attempts, count(*) FROM bestauth.outbox WHERE recipient ILIKE '%@signup.example' AND created_at > :'began' GROUP BY 1, 2, 3, 4, 5, 6;
SELECT action, outcome, object_type, object_id, user_id IS NOT NULL AS has_user, username, person, detail - 'email' AS detail, count(*) FROM bestauth.audit_log WHERE audit_id > :mark AND action = 'portal_account.requested' GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;
SELECT count(*) AS signups FROM bestauth.signup WHERE first_name LIKE 'http://evil%' AND used_at IS NULL AND password_hash IS NOT NULL;
-- [PRT-7] What its owner is told: a link to who has no account, or one that isn't active yet
-- what makes it so; that there is one already; and nothing where it is locked by an
-- administrator or deleted.
SELECT * FROM pg_temp.claim();
SELECT recipient, cancelled_at IS NOT NULL AS cancelled FROM bestauth.outbox WHERE created_at > :'began' AND recipient ILIKE '%@signup.example' AND claimed_at IS NULL ORDER BY 1;
SELECT body FROM mail WHERE kind = 'notice' AND recipient = 'active@signup.example' ORDER BY n DESC LIMIT 1;
-- What was typed as names is in none of them.
SELECT count(*) > 10 AS some, count(*) FILTER (WHERE body ~ 'evil' OR subject ~ 'evil') AS with_the_names FROM mail;
-- The link of an account made by staff proves its address, and nothing else of the form is taken.
SELECT bestauth.verify_email(pg_temp.link('waiting')), pg_temp.log_in('waiting', 'seven green boats at sea'), pg_temp.log_in('waiting', 'nine brown boats at home');
SELECT bestauth.verify_email(pg_temp.link('invited')), bestauth.set_password(pg_temp.link('invited'), 'nine brown boats at home'), pg_temp.log_in('invited', 'nine brown boats at home');
SELECT kind, recipient FROM pg_temp.claim();
SELECT bestauth.verify_email(pg_temp.link('invited')), pg_temp.log_in('invited', 'seven green boats at sea'), pg_temp.log_in('invited', 'nine brown boats at home');
SELECT pg_temp.log_in('active', 'seven green boats at sea'), pg_temp.log_in('active', 'nine brown boats at home'), pg_temp.log_in('nina', 'seven green boats at sea');
SELECT bestauth.verify_email(pg_temp.link('unknown')), pg_temp.log_in('unknown', 'seven green boats at sea');
SELECT username, verified, contact_type, first_name FROM pg_temp.made WHERE username !~* 'nina' ORDER BY username COLLATE "C";

-- [PRT-8] Asking again replaces what was asked before, its password and its link, at once.
SELECT pg_temp.sign_up('olga', 'first green boats at sea');
SELECT kind FROM pg_temp.claim();
SELECT pg_temp.link('olga') AS first \gset
SELECT pg_temp.sign_up('OLGA', 'other green boats at sea'), bestauth.peek_verification(:'first'), bestauth.verify_email(:'first');
SELECT kind, recipient FROM pg_temp.claim();
SELECT pg_temp.link('OLGA') AS second \gset
-- And so does resend_verification, once the new one goes out; also when the link has expired.
SELECT bestauth.resend_verification('signup_clinic', NULL, 'olga@signup.example');
SELECT kind FROM pg_temp.claim();
SELECT pg_temp.link('OLGA') AS third \gset
SELECT bestauth.peek_verification(:'second'), bestauth.verify_email(:'second'), bestauth.peek_verification(:'third');
UPDATE bestauth.token SET expires_at = clock_timestamp() WHERE token_hash = sha256(convert_to(:'third', 'UTF8'));
SELECT bestauth.peek_verification(:'third'), bestauth.verify_email(:'third'), pg_temp.log_in('olga', 'other green boats at sea');
-- Three an hour, these were they.
SELECT bestauth.resend_verification('signup_clinic', NULL, 'olga@signup.example');
SELECT count(*) AS sent FROM pg_temp.claim();
UPDATE bestauth.outbox SET created_at = created_at - interval '1 hour' WHERE recipient ILIKE 'olga@signup.example';
SELECT bestauth.resend_verification('signup_clinic', NULL, 'olga@signup.example') FROM generate_series(1, 3);
SELECT kind FROM pg_temp.claim();
SELECT bestauth.verify_email(:'first'), bestauth.verify_email(:'second'), bestauth.verify_email(:'third'), bestauth.verify_email(pg_temp.link('OLGA'));
SELECT pg_temp.log_in('olga', 'first green boats at sea'), pg_temp.log_in('olga', 'other green boats at sea');
SELECT count(*) AS accounts FROM pg_temp.made WHERE username ILIKE 'olga%';
-- A message claimed twice has two links, of which one is used.
SELECT pg_temp.sign_up('paul');
SELECT kind FROM pg_temp.claim();
SELECT pg_temp.link('paul') AS first \gset
UPDATE bestauth.outbox SET due_at = clock_timestamp() WHERE recipient = 'paul@signup.example';
SELECT kind FROM pg_temp.claim();
SELECT :'first' <> pg_temp.link('paul') AS another, bestauth.verify_email(:'first'), bestauth.verify_email(pg_temp.link('paul'));
SELECT count(*) AS accounts FROM pg_temp.made WHERE username = 'paul@signup.example';
-- [PRT-2] The address got an account another way since, a deleted one too: the link makes none.
SELECT pg_temp.sign_up('quin');
SELECT kind FROM pg_temp.claim();
SELECT pg_temp.link('quin') AS link \gset
SELECT bestauth.create_portal_account(bestauth.create_contact('client', 'Quin', 'Q', 'QUIN@signup.example', 'signup_clinic'), 'quin@signup.example', NULL, 'signup_clinic') IS NOT NULL AS made;
SELECT bestauth.verify_email(:'link'), pg_temp.log_in('quin', 'seven green boats at sea');
SELECT bestauth.delete_user('quin@signup.example', 'signup_clinic', 'Main');
-- One that was deleted before anybody proved its address holds nothing.
SELECT bestauth.verify_email(:'link'), pg_temp.log_in('quin', 'seven green boats at sea');
SELECT username, verified, first_name FROM pg_temp.made WHERE username ILIKE 'quin%';
-- Over after a day, whatever was sent since.
SELECT pg_temp.sign_up('rosa');
UPDATE bestauth.signup SET expires_at = clock_timestamp() WHERE email = 'rosa@signup.example';
SELECT count(*) AS sent FROM pg_temp.claim();
SELECT bestauth.resend_verification('signup_clinic', NULL, 'rosa@signup.example');
SELECT count(*) AS sent FROM pg_temp.claim();

-- The policy refuses the same passwords for everybody, and then nothing was asked for.
SELECT count(*) AS rows FROM bestauth.signup \gset before_
SELECT password, count(DISTINCT answer) AS answers, min(answer) AS answer FROM unnest('{active,nobody,locked,deleted}'::text[]) who, unnest(ARRAY['short', 'passwordpassword', 'shore clinic shore clinic', 'archer archer archer']) password,
	LATERAL pg_temp.answer(format('register_portal_account(''signup_clinic'', NULL, ''%s@signup.example'', %L, ''Ann'', ''Archer'')', who, password)) answer GROUP BY password ORDER BY password COLLATE "C";
SELECT arguments, pg_temp.answer(format('register_portal_account(%s)', arguments)) FROM unnest(ARRAY[
	$$'signup_clinic', NULL, 'nobody', 'seven green boats at sea', 'A', 'B'$$, $$'signup_clinic', NULL, '', 'seven green boats at sea', 'A', 'B'$$, $$'signup_clinic', NULL, NULL, 'seven green boats at sea', 'A', 'B'$$, $$'signup_clinic', NULL, E'a@signup.example\nb@signup.example', 'seven green boats at sea', 'A', 'B'$$, $$'signup_clinic', NULL, 'a@signup.example', NULL, 'A', 'B'$$,
	$$'signup_clinic', NULL, 'a@signup.example', 'seven green boats at sea', NULL, 'B'$$, $$'signup_clinic', NULL, 'a@signup.example', 'seven green boats at sea', 'A', ' '$$, $$'signup_clinic', NULL, 'a@signup.example', 'seven green boats at sea', E'A\nB', 'B'$$, $$'signup_clinic', NULL, 'a@signup.example', 'seven green boats at sea', repeat('n', 101), 'B'$$,
	$$'signup_clinic', 'docs', 'a@signup.example', 'seven green boats at sea', 'A', 'B'$$, $$'signup_clinic', 'none', 'a@signup.example', 'seven green boats at sea', 'A', 'B'$$, $$'signup_none', NULL, 'a@signup.example', 'seven green boats at sea', 'A', 'B'$$, $$'signup_none', 'Main', 'a@signup.example', 'seven green boats at sea', 'A', 'B'$$,
	$$'signup_nowhere', NULL, 'a@signup.example', 'seven green boats at sea', 'A', 'B'$$, $$'signup_nowhere', 'Main', 'a@signup.example', 'seven green boats at sea', 'A', 'B'$$, $$'signup_two', NULL, 'a@signup.example', 'seven green boats at sea', 'A', 'B'$$, $$NULL, NULL, 'a@signup.example', 'seven green boats at sea', 'A', 'B'$$]) arguments;
SELECT arguments, pg_temp.answer(format('resend_verification(%s)', arguments)) FROM unnest(ARRAY[$$'signup_clinic', NULL, 'nobody'$$, $$'signup_clinic', NULL, NULL$$, $$'signup_clinic', 'docs', 'a@signup.example'$$, $$'signup_clinic', 'none', 'a@signup.example'$$, $$'signup_none', NULL, 'a@signup.example'$$,
	$$'signup_nowhere', NULL, 'a@signup.example'$$, $$'signup_nowhere', 'Main', 'a@signup.example'$$, $$'signup_two', NULL, 'a@signup.example'$$, $$NULL, NULL, 'a@signup.example'$$, $$'signup_two', 'b', 'nobody@signup.example'$$]) arguments;
SELECT count(*) = :before_rows AS nothing_asked_for FROM bestauth.signup;
-- [PRT-1] A sign-up is for one portal.
SELECT bestauth.register_portal_account('signup_two', portal, 'two@signup.example', password, 'T', 'W') FROM (VALUES ('A', 'seven green boats at sea'), ('b', 'eight green boats at sea')) v (portal, password);
SELECT kind, recipient, subject FROM pg_temp.claim();
SELECT subject, bestauth.verify_email(token) FROM mail WHERE recipient = 'two@signup.example' ORDER BY subject COLLATE "C";
SELECT portal, password, outcome FROM unnest('{A,B}'::text[]) portal, unnest('{seven,eight}'::text[]) password, LATERAL bestauth.login('signup_two', 'two@signup.example', password || ' green boats at sea', portal) ORDER BY 1, 2;

-- Nothing of a sign-up is for anybody to read, the hash least of all.
SET client_min_messages = warning;
SELECT regress.attempt('TRUNCATE bestauth.signup CASCADE');
RESET client_min_messages;
SET ROLE regress_signup_app;
SELECT regress.attempt('SELECT FROM bestauth.signup'), regress.attempt('SELECT FROM bestauth.outbox'), regress.attempt('SELECT * FROM bestauth.portal_accounts');
RESET ROLE;
SELECT count(*) FILTER (WHERE a::text ~ '\$2a\$' OR a::text ~ 'boats at') AS secrets_in_the_audit FROM bestauth.audit_log a WHERE company_code LIKE 'signup\_%';
REVOKE USAGE ON SCHEMA regress FROM regress_signup_app;
SELECT bestauth.revoke_access('regress_signup_app', 'application');
DROP VIEW pg_temp.differences;
DROP TABLE mail, traced;
DROP ROLE regress_signup_app;
